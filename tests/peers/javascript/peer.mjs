// The official JavaScript client against the staging server, and against what the C program published there.
// The client is made for browsers: jsdom lends it XMLHttpRequest, Blob and window.

import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { createHash, randomBytes } from "node:crypto";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { before, test } from "node:test";
import { promisify } from "node:util";
import { JSDOM } from "jsdom";

const { FTRACK_SERVER, FTRACK_API_USER, FTRACK_API_KEY, FTREVIEW_PUBLISH, FTREVIEW_MEDIA } = process.env;
const MOVIE = join(FTREVIEW_MEDIA, "review.mp4");
const TASK = 'Task where name is "compositing" and parent.name is "sh010" and project.name is "demo"';
const UPLOAD_TYPE = "8f4144e0-a8e6-11e2-9e96-0800200c9a66";
const SERVER_LOCATION = "3a372bde-05bc-11e4-8908-20c9d081909b";
const MIB = 1024 * 1024;

const { window } = new JSDOM("", { url: `${FTRACK_SERVER}/` });
let puts = 0;

/** The browser's XMLHttpRequest, counting uploads. */
class CountedRequest extends window.XMLHttpRequest {
  open(method, ...rest) {
    if (method === "PUT") puts += 1;
    return super.open(method, ...rest);
  }
}
Object.assign(globalThis, { window, XMLHttpRequest: CountedRequest, Blob: window.Blob });

// After the globals, which the client looks up when it is loaded.
const { Session } = await import("@ftrack/api");

let session;

before(async () => {
  session = await start(FTRACK_API_KEY);
});

test("a session starts and knows the entity types", () => {
  const types = session.schemas.map((schema) => schema.id);
  for (const type of ["Project", "Task", "AssetVersion", "FileComponent"]) assert.ok(types.includes(type), type);
  assert.ok(session.serverVersion);
});

test("a wrong key is refused", async () => {
  await assert.rejects(start("not-a-key"), (error) => error.errorCode !== undefined || /api key|credentials/i.test(error.message));
});

test("a query follows relations", async () => {
  const task = await one(`select name, parent.parent.name, project.name, status.name from ${TASK}`);
  assert.equal(task.parent.parent.name, "sq010");
  assert.equal(task.project.name, "demo");
  assert.ok(task.status.name);
});

test("what is created is numbered, found, changed and deleted", async () => {
  const version = await newVersion("javascript life");
  assert.equal(version.version, 1);
  await session.update("AssetVersion", [version.id], { comment: "Changed" });
  assert.equal((await one(`select comment from AssetVersion where id is "${version.id}"`)).comment, "Changed");
  await session.delete("AssetVersion", [version.id]);
  assert.deepEqual((await session.query(`select id from AssetVersion where id is "${version.id}"`)).data, []);
});

test("a file of one part comes back byte for byte", () => uploadAndReadBack(3 * MIB + 17, 1));

// More than 16 MiB is sent in parts of 8 MiB.
test("a file of several parts comes back byte for byte", () => uploadAndReadBack(20 * MIB + 4711, 3));

test("a movie published from C is read back byte for byte", async () => {
  const options = ["--context", "demo/sq010/sh010/compositing", "--asset", "c movie for javascript", "--comment", "From C", MOVIE];
  const { stdout } = await promisify(execFile)(FTREVIEW_PUBLISH, options, { timeout: 120_000 });
  const ids = Object.fromEntries(stdout.split("\n").filter((line) => line.includes(": ")).map((line) => line.split(": ", 2)));
  const version = await one("select version, comment, task.name, asset.id, components.id, components.name, components.file_type, " +
    `components.size from AssetVersion where id is "${ids.version_id}"`);
  assert.deepEqual([version.version, version.comment, version.task.name, version.asset.id], [1, "From C", "compositing", ids.asset_id]);
  const component = version.components.find(({ id }) => id === ids.component_id);
  const content = readFileSync(MOVIE);
  assert.deepEqual([component.name, component.file_type, component.size], ["ftrackreview-mp4", ".mp4", content.length]);
  const meta = await one(`select value from Metadata where parent_id is "${component.id}" and key is "ftr_meta"`);
  assert.deepEqual(JSON.parse(meta.value), { frameIn: 0, frameOut: 95, frameRate: 24, width: 1280, height: 720 });
  await assertStored(component.id, content);
});

async function start(key) {
  const started = new Session(FTRACK_SERVER, FTRACK_API_USER, key, { autoConnectEventHub: false });
  await started.initializing;
  return started;
}

async function one(expression) {
  const { data } = await session.query(expression);
  assert.equal(data.length, 1, expression);
  return data[0];
}

async function newVersion(name) {
  const task = await one(`select id, parent_id from ${TASK}`);
  const asset = await session.create("Asset", { name, type_id: UPLOAD_TYPE, context_id: task.parent_id });
  const { data } = await session.create("AssetVersion", { asset_id: asset.data.id, task_id: task.id, comment: "From JavaScript" });
  return data;
}

async function uploadAndReadBack(size, parts) {
  const content = randomBytes(size);
  const progress = [];
  puts = 0;
  const answers = await session.createComponent(new Blob([content]), { name: "plate.bin", onProgress: (percent) => progress.push(percent) });
  const component = answers[0].data;
  assert.equal(puts, parts);
  assert.equal(progress.at(-1), 100);
  const stored = await one(`select name, file_type, size from FileComponent where id is "${component.id}"`);
  assert.deepEqual([stored.name, stored.file_type, stored.size], ["plate", ".bin", size]);
  await assertStored(component.id, content);
}

/** By the address that the client makes, and by the one that the server gives. */
async function assertStored(id, content) {
  const location = await one(`select location_id, resource_identifier, url from ComponentLocation where component_id is "${id}"`);
  assert.deepEqual([location.location_id, location.resource_identifier], [SERVER_LOCATION, id]);
  for (const url of [session.getComponentUrl(id), location.url.value ?? location.url]) {
    const answer = await fetch(url);
    assert.equal(answer.status, 200, url.split("?")[0]);
    assert.equal(hash(Buffer.from(await answer.arrayBuffer())), hash(content));
  }
}

function hash(bytes) {
  return createHash("sha256").update(bytes).digest("hex");
}
