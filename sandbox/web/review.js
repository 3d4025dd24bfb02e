// What a reviewer does with a version: approve it or require changes, and write notes, each on the frame on screen.

import { call } from "./api.js";
import { attachmentPicker, attachments, create, newId, upload } from "./attachments.js";
import { element } from "./dom.js";
import { ago, fullDate } from "./versions.js";

// Statuses are called as each studio likes; these two are recognised by what they mean.
const ANSWERS = [
  { name: "Approve", test: "approve", means: /approved?\b/i, className: "answer good" },
  { name: "Require changes", test: "require-changes", means: /change/i, className: "answer bad" },
];

/**
 * Makes the panel. `getMedia()` is the picture on screen: `frame()` is the frame's number in the movie or null, `label(frame)`
 * what a viewer calls it, `show(frame)` goes there, `pause()` stops. `refresh()` is called after a change, `getUserId()` is who asks.
 */
export function reviewPanel({ getMedia, getUserId, refresh }) {
  const answers = element("div", { class: "answers", test: "answers" });
  const problem = element("p", { class: "review-problem", role: "alert", test: "review-problem" });
  const text = element("textarea", { rows: 3, placeholder: "Write a note", "aria-label": "Note", test: "note-text",
    on: { focus: () => getMedia()?.pause?.(), input: showFrame, keydown: onKey } });
  const send = element("button", { type: "submit", class: "text-button", test: "note-send" }, "Add note");
  const picker = attachmentPicker();
  const form = element("form", { class: "note-form", on: { submit: addNote } }, text, picker.root, send);
  const list = element("ul", { class: "notes", test: "notes" });
  const root = element("div", { class: "review" },
    element("section", { "aria-label": "Answer" }, answers, problem),
    element("section", {}, element("h2", { text: "Notes" }), form, list));

  let version = null;
  let busy = false;

  function update(next) {
    if (next.id !== version?.id) {
      text.value = "";
      picker.clear();
      problem.textContent = "";
      answers.replaceChildren();
    }
    version = next;
    showAnswers();
    showNotes();
    showFrame();
  }

  function showAnswers() {
    const found = ANSWERS.map((answer) => ({ ...answer, status: version.statuses.find(({ name }) => answer.means.test(name ?? "")) }));
    const buttons = found.filter(({ status }) => status).map(({ name, test, className, status }) =>
      element("button", { type: "button", class: className, test, title: `Sets the status ${status.name}`, disabled: busy,
        "aria-pressed": String(status.id === version.status?.id), text: name, on: { click: () => answer(status) } }));
    if (!keepsFocus(answers, buttons)) answers.replaceChildren(...buttons);
    if (buttons.length === 0) {
      answers.replaceChildren(element("p", { class: "quiet", text: "The project's workflow for versions has no status to approve with." }));
    }
  }

  function showNotes() {
    list.replaceChildren(...version.notes.map((note) => element("li", { class: "note", test: "note", data: { noteId: note.id } },
      element("p", { class: "note-head" }, element("span", { class: "who", text: note.who }),
        note.when ? element("time", { datetime: note.when.toISOString(), title: fullDate(note.when), text: ago(note.when) }) : null,
        note.frame === null ? null : element("button", { type: "button", class: "frame-link", test: "note-frame", title: "Go to this frame",
          data: { frame: note.frame }, text: `frame ${getMedia()?.label?.(note.frame) ?? note.frame}`, on: { click: () => getMedia()?.show?.(note.frame) } })),
      note.labels.length === 0 ? null : element("p", { class: "note-head" }, note.labels.map((label) => element("span", { class: "label", test: "note-label", text: label }))),
      element("p", { class: "note-text", text: note.text }),
      attachments(note.files),
      note.replies.length === 0 ? null : element("ul", { class: "replies" }, note.replies.map((reply) => element("li", { test: "reply", title: fullDate(reply.when) },
        element("span", { class: "who", text: reply.who }), " ", element("span", { class: "note-text", text: reply.text })))))));
  }

  /** Says which frame the note will be on. */
  function showFrame() {
    const media = getMedia();
    const frame = media?.frame?.() ?? null;
    send.textContent = frame === null ? "Add note" : `Add note on frame ${media.label(frame)}`;
    send.disabled = busy || text.value.trim() === "";
  }

  async function addNote(event) {
    event.preventDefault();
    const content = text.value.trim();
    if (content === "" || busy) return;
    const frame = getMedia()?.frame?.() ?? null;
    const data = { id: newId(), content, parent_id: version.id, parent_type: "AssetVersion", user_id: getUserId() };
    if (frame !== null) data.frame_number = frame;
    const written = await change(async () => {
      const files = [];
      for (const file of picker.files()) files.push(await upload(file));
      return [create("Note", data), ...files.map((id) => create("NoteComponent", { component_id: id, note_id: data.id }))];
    });
    if (written) {
      text.value = "";
      picker.clear();
      showFrame();
    }
  }

  function answer(status) {
    const data = { __entity_type__: "AssetVersion", status_id: status.id };
    return change(async () => [{ action: "update", entity_type: "AssetVersion", entity_key: [version.id], entity_data: data }]);
  }

  /** Writes the operations that `prepare` returns; true when it was done. What is on screen then comes from the server again. */
  async function change(prepare) {
    busy = true;
    problem.textContent = "";
    showAnswers();
    showFrame();
    try {
      await call(await prepare());
      return true;
    } catch (error) {
      problem.textContent = error.message;
      return false;
    } finally {
      busy = false;
      showAnswers();
      showFrame();
      refresh();
    }
  }

  function onKey(event) {
    if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) form.requestSubmit();
  }

  return { root, update, showFrame };
}

/** Brings buttons up to date in place where they are the same ones, so that the keyboard's focus stays. */
function keepsFocus(box, buttons) {
  const there = [...box.children];
  const same = there.length === buttons.length && there.every((node, index) => node.dataset.testid === buttons[index].dataset.testid);
  if (!same || there.length === 0 || !box.contains(document.activeElement)) return false;
  there.forEach((node, index) => {
    node.setAttribute("aria-pressed", buttons[index].getAttribute("aria-pressed"));
    node.disabled = buttons[index].disabled;
  });
  return true;
}
