// Opens the staging server's review page in a real Chromium and checks what is there beside one movie: renditions, PDF, files
// on notes, sequences, encode jobs and review sessions. What is clicked is looked for on the server.
//
//   node reviews.mjs --url http://127.0.0.1:8090 [--screenshot page.png]
//
// User and key come from --user and --key, or FTRACK_API_USER and FTRACK_API_KEY. CHROMIUM names the browser. Exit code 0: all
// is well; 1: a check failed; 2: it could not run.

import { randomUUID } from "node:crypto";
import { assert, inBrowser, painted, promise, readOptions, run, test } from "./checks.mjs";
import { COUNTING_META, COUNTING_MOVIE, create, png, Publisher } from "./publish.mjs";

const options = readOptions({ screenshot: { type: "string" } });
const base = options.url;
const publisher = new Publisher(base, options.user, options.key);

const movie = (name) => ({ name, fileType: ".mp4", data: COUNTING_MOVIE, meta: COUNTING_META });
const still = (name, width, height) =>
  ({ name, fileType: ".png", data: png(width, height), meta: JSON.stringify({ format: "image", width, height }) });

async function main() {
  await publisher.publishAll();
  await inBrowser(async (context) => {
    const page = context.pages()[0] ?? (await context.newPage());
    page.setDefaultTimeout(15000);
    const complaints = [];
    page.on("console", (message) => { if (["error", "warning"].includes(message.type())) complaints.push(`${message.text()} (${message.location().url})`); });
    page.on("pageerror", (error) => complaints.push(String(error)));
    await page.goto(`${base}/`);

    await promise("a movie's renditions are chosen from a menu, the largest first, and the frame stays", () => renditions(page));
    await promise("a still's high rendition is shown, and the other one on demand", () => stills(page));
    await promise("a PDF is shown by the browser's viewer, and its image on demand", () => pdf(page));
    await promise("the list has a card for a PDF", async () => {
      await page.goto(`${base}/`);
      await page.locator(`${test("version-card")} .badge`).filter({ hasText: "PDF" }).first().waitFor();
    });
    await promise("a PDF without an image is shown, or said to be there", () => pdfAlone(page));
    await promise("a note takes files, and shows them, its labels and its replies", () => notes(page));
    await promise("components are listed, sequences with their frames and containers with their place", () => components(page));
    await promise("an encode job is shown while it runs, and what it said when it failed", () => job(page));
    await promise("the list says how many jobs are not done", () => jobsInList(page));
    await promise("media that the server encodes appear by themselves", () => encoded(page));
    await promise("review sessions are listed, and one opens with its versions and who is invited", () => session(page));
    await promise("an answer of a session is given with a click, is on the server, and can be changed", () => answers(page));
    await promise("somebody is invited with a click, and others see it", () => invited(context, page));
    await promise("a version of a session opens in the player", () => fromSession(page));
    await promise("a session that is not there says so", async () => {
      await page.goto(`${base}/#review=${randomUUID()}`);
      await page.locator(test("page-title")).filter({ hasText: "No such review session" }).waitFor();
    });
    await promise("nothing was complained of in the console", () => assert(complaints.length === 0, complaints.join("\n")));
  });
}

async function open(page, versionId) {
  await page.goto(`${base}/player/version/${versionId}`);
}

async function only(expression) {
  const [{ data }] = await publisher.call([{ action: "query", expression }]);
  assert(data.length === 1, `${expression} finds ${data.length}`);
  return data[0];
}

async function offeredBy(page) {
  return page.locator(`${test("quality")} option`).allTextContents();
}

async function renditions(page) {
  const id = await publisher.publish("renditions", ["ftrackreview-mp4", "ftrackreview-mp4-1440", "ftrackreview-mp4-2160", "ftrackreview-mp4-1080"].map(movie));
  await open(page, id);
  const video = page.locator(test("video"));
  await page.waitForFunction((selector) => document.querySelector(selector)?.readyState >= 2, test("video"));
  const offered = await offeredBy(page);
  assert(offered.join() === "2160p,1440p,1080p,180p", `offered: ${offered}`);
  for (let step = 0; step < 5; step += 1) await page.keyboard.press(".");
  const before = await video.getAttribute("src");
  const lowest = await only(`select id from FileComponent where version_id is "${id}" and name is "ftrackreview-mp4"`);
  await page.locator(test("quality")).selectOption({ label: "180p" });
  await page.waitForFunction(([selector, part]) => document.querySelector(selector).src.includes(part) && document.querySelector(selector).readyState >= 2,
    [test("video"), lowest.id]);
  assert(!before.includes(lowest.id), "the lowest was shown from the start");
  const frame = await page.locator(test("frame-counter")).getAttribute("data-frame");
  assert(frame === "5", `after the change the counter stands on ${frame}`);
}

async function stills(page) {
  const id = await publisher.publish("two stills", [still("ftrackreview-image", 320, 180), still("ftrackreview-image-high", 1280, 720)]);
  await open(page, id);
  const width = (wanted) => page.waitForFunction(([selector, pixels]) => document.querySelector(selector)?.naturalWidth === pixels, [test("still"), wanted]);
  await width(1280);
  const offered = await offeredBy(page);
  assert(offered.join() === "High,Standard", `offered: ${offered}`);
  await page.locator(test("quality")).selectOption({ label: "Standard" });
  await width(320);
}

/** A page of one colour, so that it can be told from the viewer around it, that says "Storyboard". */
function storyboard() {
  const drawing = "0.8 0.2 0.4 rg 0 0 300 200 re f 0 g BT /F 32 Tf 40 90 Td (Storyboard) Tj ET";
  const objects = ["<</Type/Catalog/Pages 2 0 R>>", "<</Type/Pages/Kids[3 0 R]/Count 1>>",
    "<</Type/Page/Parent 2 0 R/MediaBox[0 0 300 200]/Contents 4 0 R/Resources<</Font<</F 5 0 R>>>>>>",
    `<</Length ${drawing.length}>>stream\n${drawing}\nendstream`, "<</Type/Font/Subtype/Type1/BaseFont/Helvetica>>"];
  let text = "%PDF-1.4\n";
  const places = objects.map((object, index) => {
    const at = text.length;
    text += `${index + 1} 0 obj${object}endobj\n`;
    return `${String(at).padStart(10, "0")} 00000 n \n`;
  });
  const table = `xref\n0 6\n0000000000 65535 f \n${places.join("")}trailer<</Size 6/Root 1 0 R>>\nstartxref\n${text.length}\n%%EOF\n`;
  return Buffer.from(text + table, "latin1");
}

const pdfComponent = () => ({ name: "storyboard", fileType: ".pdf", data: storyboard(), meta: '{"format": "pdf"}' });

async function pdf(page) {
  const id = await publisher.publish("storyboard", [pdfComponent(), still("ftrackreview-image", 300, 200)]);
  await open(page, id);
  const hasViewer = await page.evaluate(() => navigator.pdfViewerEnabled);
  console.log(`        the browser ${hasViewer ? "has" : "has no"} viewer of its own`);
  if (hasViewer) {
    const component = await only(`select id from FileComponent where version_id is "${id}" and name is "storyboard"`);
    const answered = page.waitForResponse((response) => response.url().includes(`/component/get?id=${component.id}`));
    await page.reload();
    const response = await answered;
    assert(response.ok() && response.headers()["content-type"] === "application/pdf", `${response.status()} ${response.headers()["content-type"]}`);
    await painted(page, [204, 51, 102]);
    if (options.screenshot) await page.screenshot({ path: options.screenshot.replace(/(\.png)?$/, "-pdf.png") });
    await page.locator(test("pdf-swap")).click();
  }
  await page.waitForFunction((selector) => document.querySelector(selector)?.naturalWidth === 300, test("pdf-image"));
}

async function pdfAlone(page) {
  await open(page, await publisher.publish("storyboard alone", [pdfComponent()]));
  const hasViewer = await page.evaluate(() => navigator.pdfViewerEnabled);
  if (hasViewer) await painted(page, [204, 51, 102]);
  else await page.locator(test("pdf-none")).waitFor();
  assert(await page.locator(test("pdf-open")).isVisible(), "there is no way to open it elsewhere");
}

async function notes(page) {
  const id = await publisher.publish("noted", [movie("ftrackreview-mp4")]);
  await open(page, id);
  await page.locator(test("note-text")).fill("See the drawing");
  const files = [{ name: "drawing ü.png", mimeType: "image/png", buffer: png(64, 36) }, { name: "notes.txt", mimeType: "text/plain", buffer: Buffer.from("more") }];
  await page.locator(test("note-files")).setInputFiles(files);
  await page.locator(test("note-send")).click();
  await page.locator(test("attachment")).nth(1).waitFor();
  const note = await only(`select id, content, frame_number, note_components.component.name, note_components.component.file_type, note_components.url from Note where parent_id is "${id}"`);
  const names = note.note_components.map(({ component }) => component.name + component.file_type).sort();
  assert(names.join() === "drawing ü.png,notes.txt" && note.frame_number === 0, JSON.stringify(note));
  for (const { url, component } of note.note_components) {
    const stored = Buffer.from(await (await fetch(url.value)).arrayBuffer());
    const sent = files.find(({ name }) => name === component.name + component.file_type).buffer;
    assert(stored.equals(sent), `${component.name} is stored with ${stored.length} bytes`);
  }
  await page.waitForFunction((selector) => document.querySelector(`${selector} img`)?.naturalWidth === 64, test("attachment"));
  assert((await page.locator(test("note-file-names")).textContent()) === "", "the files are still chosen");
  const label = (await publisher.call([{ action: "query", expression: "select id, name from NoteLabel limit 1" }]))[0].data[0];
  const me = await only(`select id from User where username is "${options.user}"`);
  await publisher.call([create("NoteLabelLink", { note_id: note.id, label_id: label.id }),
    create("Note", { id: randomUUID(), content: "Done", user_id: me.id, in_reply_to_id: note.id })]);
  await page.locator(test("note-label")).filter({ hasText: label.name }).waitFor();
  await page.locator(test("reply")).filter({ hasText: "Done" }).waitFor();
  if (options.screenshot) await page.screenshot({ path: options.screenshot.replace(/(\.png)?$/, "-notes.png") });
}

async function components(page) {
  const id = await publisher.publish("with sources", [movie("ftrackreview-mp4")]);
  const [sequence, unmanaged] = [randomUUID(), "cb268ecc-8809-11e3-a7e2-20c9d081909b"];
  const frames = ["1001", "1002", "1003", "1005"].map((name) => create("FileComponent", { id: randomUUID(), name, file_type: ".exr", container_id: sequence }));
  await publisher.call([
    create("SequenceComponent", { id: sequence, name: "plate", file_type: ".exr", padding: 4, version_id: id, size: 4096 }), ...frames,
    create("ComponentLocation", { id: randomUUID(), component_id: sequence, location_id: unmanaged, resource_identifier: "/show/plate.%04d.exr" }),
  ]);
  await open(page, id);
  const text = await page.locator(`${test("component")}[data-component-id="${sequence}"]`).innerText();
  assert(/plate \(1001-1003, 1005\)\s+4 files, 4\.0 KiB, ftrack\.unmanaged/.test(text), `it reads ${text}`);
  const all = await page.locator(test("component")).count();
  assert(all === 2, `${all} components are listed`);
}

/** A version that waits for media, and a job that says it makes them. */
async function waiting(asset) {
  const id = await publisher.publish(asset, [{ name: "ftrackreview-mp4", fileType: ".mp4", meta: "encoding" }, { name: "source", fileType: ".mov" }]);
  const [output, source] = await Promise.all(["ftrackreview-mp4", "source"].map((name) =>
    only(`select id from FileComponent where version_id is "${id}" and name is "${name}"`)));
  const data = { output: [{ format: "video/mp4", component_id: output.id }], source_component_id: source.id, keep_original: true };
  const job = randomUUID();
  await publisher.call([create("Job", { id: job, status: "queued", data: JSON.stringify(data) })]);
  const change = (entity) => publisher.call([{ action: "update", entity_type: "Job", entity_key: [job], entity_data: { __entity_type__: "Job", ...entity } }]);
  return { id, data, change, output };
}

async function job(page) {
  const { id, data, change, output } = await waiting("job");
  await open(page, id);
  const status = (name) => page.locator(`${test("job")}[data-status="${name}"]`).waitFor();
  await status("queued");
  await page.locator(`${test("problem")}[data-problem="encoding"]`).waitFor();
  await change({ status: "running" });
  await status("running");
  // As the server does it: what would have come out goes, and the source stays.
  await publisher.call([{ action: "delete", entity_type: "FileComponent", entity_key: [output.id] }]);
  await change({ status: "failed", data: JSON.stringify({ ...data, error: "ffmpeg ended with 1: no such codec" }) });
  await status("failed");
  const text = await page.locator(test("job")).innerText();
  assert(/Encoding failed\s*ffmpeg ended with 1: no such codec/.test(text), `it reads ${text}`);
}

async function jobsInList(page) {
  await page.goto(`${base}/`);
  await page.locator(test("list")).waitFor();
  const { change } = await waiting("listed job");
  await page.locator(test("running-jobs")).filter({ hasText: "1 job" }).waitFor();
  await change({ status: "done" });
  await page.locator(test("running-jobs")).waitFor({ state: "hidden" });
}

async function encoded(page) {
  const id = await publisher.publish("encoded", [{ ...movie("source"), meta: null }]);
  const source = await only(`select id from FileComponent where version_id is "${id}"`);
  await open(page, id);
  await page.locator(test("problem")).waitFor();
  await publisher.call([{ action: "encode_media", component_id: source.id, version_id: id, keep_original: true }]);
  await page.waitForFunction((selector) => document.querySelector(selector)?.readyState >= 2, test("video"), { timeout: 60000 });
  const counter = await page.locator(test("frame-counter")).textContent();
  assert(counter.startsWith("frame 1 / 24"), `the counter reads ${counter}`);
  assert((await page.locator(test("notices")).count()) === 0, "ftr_meta and movie disagree");
}

let review = null;

async function session(page) {
  const versionId = await publisher.publish("reviewed", [movie("ftrackreview-mp4")], true);
  const project = await only('select id from Project where name is "demo"');
  review = { id: randomUUID(), versionId, object: randomUUID(), invitee: randomUUID() };
  await publisher.call([
    create("ReviewSession", { id: review.id, name: "Friday <i>dailies</i>", description: "For the client", project_id: project.id,
      end_date: { __type__: "datetime", value: "2099-01-01T00:00:00" } }),
    create("ReviewSessionObject", { id: review.object, name: "reviewed", version: "Version 1", version_id: versionId, review_session_id: review.id }),
    create("ReviewSessionInvitee", { id: review.invitee, name: "Client", email: "client@example.com", review_session_id: review.id }),
  ]);
  await page.goto(`${base}/`);
  await page.locator(test("reviews-link")).click();
  const entry = page.locator(`${test("session")}[data-session-id="${review.id}"]`);
  const text = await entry.innerText();
  assert(text.includes("Friday <i>dailies</i>") && text.includes("1 version, 1 invitee, open until"), `it reads ${text}`);
  await entry.click();
  await page.locator(`${test("session-version")}[data-version-id="${versionId}"]`).waitFor();
  assert((await page.locator(test("page-title")).textContent()) === "Friday <i>dailies</i>", "the title is another");
  assert((await page.locator(test("invitee-sent")).textContent()) === "not invited yet", "somebody is invited already");
  await page.waitForFunction((selector) => document.querySelector(`${selector} img`)?.naturalWidth > 0, test("session-version"));
}

async function answers(page) {
  const pressed = (name) => page.locator(`${test(name)}[aria-pressed="true"]`).waitFor();
  await page.locator(test("session-approve")).click();
  await pressed("session-approve");
  const given = () => only(`select status, resource_id from ReviewSessionObjectStatus where review_session_object_id is "${review.object}"`);
  assert((await given()).status === "approved", "the server has another answer");
  await page.locator(test("session-require-changes")).click();
  await pressed("session-require-changes");
  assert((await given()).status === "require_changes", "the server kept the first answer");
  // What the client says elsewhere appears by itself.
  await publisher.call([create("ReviewSessionObjectStatus", { id: randomUUID(), review_session_object_id: review.object,
    review_session_invitee_id: review.invitee, status: "approved" })]);
  await page.locator(`${test("session-answers")} li`).filter({ hasText: "Client approved" }).waitFor();
  if (options.screenshot) await page.screenshot({ path: options.screenshot.replace(/(\.png)?$/, "-session.png") });
}

async function invited(context, page) {
  const other = await context.newPage();
  await other.goto(`${base}/#review=${review.id}`);
  await other.locator(test("invitee")).waitFor();
  await page.locator(test("invite")).click();
  await other.locator(test("invitee-sent")).filter({ hasText: "invited just now" }).waitFor();
  const invitee = await only(`select last_sent_at from ReviewSessionInvitee where id is "${review.invitee}"`);
  assert(invitee.last_sent_at?.value, JSON.stringify(invitee));
  await other.close();
}

async function fromSession(page) {
  await page.locator(test("session-open")).click();
  await page.waitForFunction((selector) => document.querySelector(selector)?.readyState >= 2, test("video"));
  await page.locator(test("back")).click();
  await page.locator(test("session-version")).waitFor();
}

await run(main);
