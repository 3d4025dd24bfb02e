// Publishes what the checks look at, over the API, as any client would. Standard library only.

import { randomUUID } from "node:crypto";
import { readFileSync } from "node:fs";
import { deflateSync, crc32 } from "node:zlib";

const SERVER_LOCATION = "3a372bde-05bc-11e4-8908-20c9d081909b";

/** 24 frames, 24 a second, 320 x 180, with B-frames; eight bars show the frame's number in binary, lowest bit left. */
export const COUNTING_MOVIE = readFileSync(new URL("fixtures/counting.mp4", import.meta.url));
export const COUNTING_META = JSON.stringify({ frameIn: 0, frameOut: 23, frameRate: 24, width: 320, height: 180 });

/** A client of one server. */
export class Publisher {
  #url;
  #user;
  #key;

  constructor(url, user, key) {
    this.#url = url;
    this.#user = user;
    this.#key = key;
  }

  /** Publishes every kind of version, good and broken. Returns name to version id. */
  async publishAll() {
    const [contexts] = await this.call([{ action: "query", expression:
      'select id, parent_id from Task where name is "compositing" and project.name is "demo" order by id limit 1' }]);
    if (contexts.data.length === 0) throw new Error("the server has no task compositing in the project demo");
    this.task = contexts.data[0];
    const movie = { name: "ftrackreview-mp4", fileType: ".mp4", data: COUNTING_MOVIE };
    return {
      movie: await this.#version("counting", "Every frame shows its own number. <b>Not bold.</b>", { ...movie, meta: COUNTING_META }, true),
      still: await this.#version("lookdev still", "Contact shadows are back.",
        { name: "ftrackreview-image", fileType: ".png", data: png(640, 360), meta: '{"format": "image", "width": 640, "height": 360}' }),
      "no-media": await this.#version("empty", "", null),
      "not-stored": await this.#version("local only", "", { ...movie, data: null, meta: COUNTING_META }),
      "no-ftr-meta": await this.#version("no meta", "", { ...movie, meta: null }),
      "bad-ftr-meta": await this.#version("wrong meta", "", { ...movie, meta: '{"frameIn": 0, "frameOut": 23, "frameRate": "24/1"}' }),
      encoding: await this.#version("being encoded", "", { ...movie, data: null, meta: "encoding" }),
      "media-error": await this.#version("damaged", "", { ...movie, data: Buffer.alloc(4000, 7), meta: COUNTING_META }),
      "no-data": await this.#version("lost", "", { ...movie, data: Buffer.from("gone soon"), meta: COUNTING_META, removed: true }),
      notices: await this.#version("one frame too many", "", { ...movie, meta: COUNTING_META.replace("23", "24") }),
    };
  }

  /** Adds a version after the page was opened. */
  async publishLate() {
    return this.#version("late", "Came while the page was open", null);
  }

  /** Publishes a version of its own with these components: name, fileType, data, meta. Returns its id. */
  async publish(asset, components, thumbnail = false) {
    const id = await this.#version(asset, "", null, thumbnail);
    for (const component of components) await this.#component({ ...component, id: randomUUID(), versionId: id });
    return id;
  }

  /** Puts the movie and its ftr_meta where "encoding" was, as a server does when it has encoded. */
  async finishEncoding(versionId) {
    const [found] = await this.call([{ action: "query", expression: `select id, name from FileComponent where version_id is "${versionId}"` }]);
    const [{ id, name }] = found.data;
    await this.#store(id, `${name}.mp4`, COUNTING_MOVIE);
    await this.call([{ action: "update", entity_type: "Metadata", entity_key: [id, "ftr_meta"],
      entity_data: { __entity_type__: "Metadata", value: COUNTING_META } }]);
  }

  async call(operations) {
    const response = await fetch(`${this.#url}/api`, {
      method: "POST",
      headers: { "Content-Type": "application/json", "ftrack-user": this.#user, "ftrack-api-key": this.#key },
      body: JSON.stringify(operations),
    });
    const answer = await response.json();
    if (answer.exception) throw new Error(`${answer.exception}: ${answer.content}`);
    return answer;
  }

  async #version(asset, comment, component, thumbnail = false) {
    const [assetId, id, thumbnailId] = [randomUUID(), randomUUID(), randomUUID()];
    if (thumbnail) {
      await this.#component({ name: "thumbnail", fileType: ".png", data: png(320, 180), id: thumbnailId });
    }
    await this.call([
      create("Asset", { id: assetId, name: asset, context_id: this.task.parent_id, type_id: "8f4144e0-a8e6-11e2-9e96-0800200c9a66" }),
      create("AssetVersion", { id, asset_id: assetId, task_id: this.task.id, comment, ...(thumbnail ? { thumbnail_id: thumbnailId } : {}) }),
    ]);
    if (component) await this.#component({ ...component, id: randomUUID(), versionId: id });
    return id;
  }

  async #component({ id, name, fileType, data, meta, versionId, removed }) {
    const entity = { id, name, file_type: fileType, size: data?.length ?? 0, ...(versionId ? { version_id: versionId } : {}) };
    const operations = [create("FileComponent", entity)];
    if (meta) operations.push(create("Metadata", { parent_id: id, parent_type: "FileComponent", key: "ftr_meta", value: meta }));
    await this.call(operations);
    if (!data) return;
    await this.#store(id, name + fileType, data);
    if (removed) {
      const headers = { "ftrack-user": this.#user, "ftrack-api-key": this.#key };
      const gone = await fetch(`${this.#url}/component/remove?id=${id}`, { headers });
      if (!gone.ok) throw new Error(`removing the data of ${name} failed with ${gone.status}`);
    }
  }

  async #store(id, fileName, data) {
    const [upload] = await this.call([{ action: "get_upload_metadata", component_id: id, file_name: fileName, file_size: data.length }]);
    const put = await fetch(upload.url, { method: "PUT", headers: upload.headers, body: data });
    if (!put.ok) throw new Error(`uploading ${fileName} failed with ${put.status}: ${await put.text()}`);
    await this.call([create("ComponentLocation", { id: randomUUID(), component_id: id, location_id: SERVER_LOCATION, resource_identifier: id })]);
  }
}

export function create(type, data) {
  return { action: "create", entity_type: type, entity_data: { __entity_type__: type, ...data } };
}

/** A PNG with a soft gradient. */
export function png(width, height) {
  const rows = Buffer.alloc((width * 3 + 1) * height);
  for (let y = 0; y < height; y += 1) {
    for (let x = 0; x < width; x += 1) {
      const at = y * (width * 3 + 1) + 1 + x * 3;
      rows[at] = 60 + Math.round((150 * x) / width);
      rows[at + 1] = 70 + Math.round((90 * y) / height);
      rows[at + 2] = 110;
    }
  }
  const header = Buffer.alloc(13);
  header.writeUInt32BE(width, 0);
  header.writeUInt32BE(height, 4);
  header.set([8, 2, 0, 0, 0], 8);
  const chunk = (type, body) => {
    const content = Buffer.concat([Buffer.from(type), body]);
    const [length, sum] = [Buffer.alloc(4), Buffer.alloc(4)];
    length.writeUInt32BE(body.length);
    sum.writeUInt32BE(crc32(content));
    return Buffer.concat([length, content, sum]);
  };
  const signature = Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]);
  return Buffer.concat([signature, chunk("IHDR", header), chunk("IDAT", deflateSync(rows)), chunk("IEND", Buffer.alloc(0))]);
}
