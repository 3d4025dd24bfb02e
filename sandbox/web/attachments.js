// Files on notes: choosing, uploading and showing them.

import { call, mediaAddress, thumbnailAddress } from "./api.js";
import { element } from "./dom.js";

const SERVER_LOCATION = "3a372bde-05bc-11e4-8908-20c9d081909b";
const THUMBNAIL_SIZE = 480;
const IMAGE = /^\.(png|jpe?g|gif|webp|bmp|avif)$/i;

/** Where files for a note are chosen. */
export function attachmentPicker() {
  const input = element("input", { type: "file", multiple: true, "aria-label": "Files for the note", test: "note-files", on: { change: show } });
  const names = element("span", { class: "quiet", test: "note-file-names" });
  const root = element("label", { class: "attach", title: "Files for the note" }, element("span", { class: "text-button", text: "Attach files" }), input, names);

  function show() {
    names.textContent = [...input.files].map((file) => file.name).join(", ");
  }

  function clear() {
    input.value = "";
    show();
  }

  return { root, clear, files: () => [...input.files] };
}

/** The files of a note. */
export function attachments(files) {
  if (files.length === 0) return null;
  return element("ul", { class: "attachments" }, files.map(({ id, name, type }) => element("li", {},
    element("a", { href: mediaAddress(id), target: "_blank", rel: "noopener", test: "attachment", title: `${name}${type}`, data: { componentId: id } },
      IMAGE.test(type) ? element("img", { src: thumbnailAddress(id, THUMBNAIL_SIZE), alt: `${name}${type}`, loading: "lazy" }) : `${name}${type}`))));
}

/** Sends a file to the server as any client does, and returns the id of its component. */
export async function upload(file) {
  const id = newId();
  const [, name, type] = /^(.*?)(\.[^.]*)?$/s.exec(file.name);
  const [, place] = await call([
    create("FileComponent", { id, name: name || "file", file_type: type ?? "", size: file.size }),
    { action: "get_upload_metadata", component_id: id, file_name: file.name, file_size: file.size },
  ]);
  // The length is the browser's to say.
  const headers = Object.fromEntries(Object.entries(place.headers).filter(([header]) => header.toLowerCase() !== "content-length"));
  const answer = await fetch(place.url, { method: "PUT", headers, body: file, credentials: "omit" });
  if (!answer.ok) throw new Error(`${file.name} was not taken by the storage (status ${answer.status}).`);
  await call([create("ComponentLocation", { id: newId(), component_id: id, location_id: SERVER_LOCATION, resource_identifier: id })]);
  return id;
}

export function create(type, data) {
  return { action: "create", entity_type: type, entity_data: { __entity_type__: type, ...data } };
}

/** A UUID. The browser's own is only there on encrypted pages and on loopback. */
export function newId() {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  bytes[6] = (bytes[6] & 0x0f) | 0x40;
  bytes[8] = (bytes[8] & 0x3f) | 0x80;
  const text = Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
  return text.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, "$1-$2-$3-$4-$5");
}
