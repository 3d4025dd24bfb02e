// Opens the staging server's review page in a real Chromium, several times at once, and checks that it is live: what is
// published appears, notes and answers made with clicks are on the server and are heard by the official JavaScript client.
//
//   node live.mjs --url http://127.0.0.1:8090 [--screenshot page.png]
//
// User and key come from --user and --key, or FTRACK_API_USER and FTRACK_API_KEY. CHROMIUM names the browser. --reader and
// --reader-key are an account that may only read. Exit code 0: all is well; 1: a check failed; 2: it could not run.

import { spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { assert, inBrowser, promise, readOptions, run, test } from "./checks.mjs";
import { Network } from "./network.mjs";
import { Publisher } from "./publish.mjs";

// The page looks by itself once a minute when the hub tells it of changes. What is there sooner came by the hub.
const SOONER_MS = 15000;

const options = readOptions({ screenshot: { type: "string" }, reader: { type: "string" }, "reader-key": { type: "string" } });
const base = options.url;
const publisher = new Publisher(base, options.user, options.key);

async function main() {
  const versions = await publisher.publishAll();
  const listener = new Listener();
  try {
    await listener.next((line) => line.listening);
    await inBrowser((context) => checkLive(context, versions, listener));
  } finally {
    listener.close();
  }
}

async function checkLive(context, versions, listener) {
  const [list, player, second] = [await open(context), await open(context), await open(context)];
  await list.goto(`${base}/`);
  for (const page of [player, second]) await page.goto(`${base}/player/version/${versions.movie}`);
  await promise("every page says that it is live", async () => {
    for (const page of [list, player, second]) await live(page, "connected");
  });
  await promise("a version published elsewhere appears in the list", async () => {
    const id = await publisher.publishLate();
    await card(list, id).waitFor();
  });
  await promise("a note written on a frame is on the server, on that frame", () => noteOnFrame(player, versions.movie));
  await promise("the note is heard by the official client as ftrack.update", async () => {
    const told = await listener.next((entity) => entity.entityType === "note" && entity.action === "add");
    assert(told.changes.text.new === "Edge flickers" && told.changes.frame_number.new === 5, JSON.stringify(told.changes));
    assert(told.parents[1].entityId === versions.movie, JSON.stringify(told.parents));
  });
  await promise("the note appears in another page, and its frame is one click away", async () => {
    await second.locator(test("note"), { hasText: "Edge flickers" }).locator(test("note-frame")).click();
    await second.waitForFunction((counter) => document.querySelector(counter).dataset.frame === "5", test("frame-counter"));
  });
  await promise("what is being written stays when something arrives", () => draftStays(player, second));
  if (options.screenshot) {
    await player.locator(test("note-text")).fill("");
    await player.screenshot({ path: options.screenshot });
  }
  for (const [button, name] of [["approve", "Approved"], ["require-changes", "Changes Required"]]) {
    await promise(`a click on ${button} sets the status ${name}, heard and seen everywhere`, () =>
      answers(button, name, { player, second, list, listener, id: versions.movie }));
  }
  await promise("a still has notes without a frame", async () => {
    await second.goto(`${base}/player/version/${versions.still}`);
    await second.locator(test("note-text")).fill("Nice <i>light</i>");
    await second.locator(test("note-send")).click();
    await second.locator(test("note"), { hasText: "Nice <i>light</i>" }).waitFor();
    assert((await second.locator(test("note-frame")).count()) === 0, "the note has a frame");
  });
  await promise("keys typed into a note do not move the player", () => keysStay(player));
  await promise("a version whose encoding ends plays without a reload", () => encodingEnds(second, versions.encoding));
  if (options.reader) await promise("who may only read is told so and nothing changes", () => readerIsRefused(context, versions.movie));
  await promise("a lost connection shows, and what was missed is there when it is back", () => connectionLost(context));
  await promise("a connection that went silent is noticed", () => connectionSilent(context));
}

async function open(context) {
  const page = await context.newPage();
  page.setDefaultTimeout(SOONER_MS);
  page.on("pageerror", (error) => console.error(error));
  return page;
}

const card = (page, id) => page.locator(`${test("version-card")}[data-version-id="${id}"]`);
const live = (page, state, timeout) => page.locator(`${test("live")}[data-state="${state}"]`).waitFor({ timeout });

async function notesOf(id) {
  const [notes] = await publisher.call([{ action: "query", expression:
    `select content, frame_number, parent_type, author.username from Note where parent_id is "${id}"` }]);
  return notes.data;
}

async function statusOf(id) {
  const [found] = await publisher.call([{ action: "query", expression: `select status.name from AssetVersion where id is "${id}"` }]);
  return found.data[0].status.name;
}

async function noteOnFrame(page, id) {
  await page.waitForFunction((video) => document.querySelector(video)?.readyState >= 2, test("video"));
  await page.locator(test("first-frame")).click();
  for (let frame = 0; frame < 5; frame += 1) await page.locator(test("step-forward")).click();
  const send = page.locator(test("note-send"));
  assert(await send.isDisabled(), "an empty note can be sent");
  await page.locator(test("note-text")).fill("Edge flickers");
  assert((await send.textContent()) === "Add note on frame 6", `the button reads ${await send.textContent()}`);
  await send.click();
  await page.locator(test("note"), { hasText: "Edge flickers" }).waitFor();
  assert((await page.locator(test("note-text")).inputValue()) === "", "the note is still in the box");
  const notes = await notesOf(id);
  assert(notes.length === 1, JSON.stringify(notes));
  const [note] = notes;
  assert(note.content === "Edge flickers" && note.frame_number === 5 && note.parent_type === "AssetVersion", JSON.stringify(note));
  assert(note.author.username === options.user, JSON.stringify(note));
}

async function draftStays(page, other) {
  const text = page.locator(test("note-text"));
  await text.fill("Half a thou");
  await other.locator(test("note-text")).fill("Meanwhile");
  await other.locator(test("note-send")).click();
  await page.locator(test("note"), { hasText: "Meanwhile" }).waitFor();
  assert((await text.inputValue()) === "Half a thou", "the draft is gone");
  assert(await text.evaluate((node) => node === document.activeElement), "the focus is gone");
}

async function answers(button, name, { player, second, list, listener, id }) {
  await player.locator(test(button)).click();
  const told = await listener.next((entity) => entity.entityId === id && entity.keys.includes("statusid"));
  assert(told.action === "update" && told.changes.statusid.new !== told.changes.statusid.old, JSON.stringify(told));
  assert((await statusOf(id)) === name, `the status is ${await statusOf(id)}`);
  for (const page of [player, second]) {
    await page.locator(`${test(button)}[aria-pressed="true"]`).waitFor();
    await page.locator(test("status"), { hasText: name }).waitFor();
  }
  await card(list, id).locator(test("status"), { hasText: name }).waitFor();
}

async function keysStay(page) {
  const frame = () => page.locator(test("frame-counter")).getAttribute("data-frame");
  const before = await frame();
  const text = page.locator(test("note-text"));
  await text.fill("");
  await text.pressSequentially("k l , . f");
  await page.keyboard.press("ArrowRight");
  await page.keyboard.press("Escape");
  assert((await text.inputValue()) === "k l , . f", await text.inputValue());
  assert((await frame()) === before, `the player moved from ${before} to ${await frame()}`);
  assert(!(await text.evaluate((node) => node === document.activeElement)), "Escape does not leave the box");
  await text.fill("");
}

async function encodingEnds(page, id) {
  await page.goto(`${base}/player/version/${id}`);
  await page.locator(`${test("problem")}[data-problem="encoding"]`).waitFor();
  await live(page, "connected");
  await publisher.finishEncoding(id);
  await page.locator(test("video")).waitFor();
}

/** The reader's session takes the demo user's place until the cookies are gone. */
async function readerIsRefused(context, id) {
  const page = await open(context);
  await page.goto(`${base}/player/version/${id}`);
  await page.evaluate(async ([user, key]) => {
    await fetch("/session", { method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify({ user, key }) });
  }, [options.reader, options["reader-key"]]);
  await page.reload();
  const before = await statusOf(id);
  await page.locator(test("approve")).click();
  const problem = page.locator(test("review-problem"), { hasText: "may only read" });
  await problem.waitFor();
  await page.locator(test("note-text")).fill("Not mine to say");
  await page.locator(test("note-send")).click();
  await problem.waitFor();
  assert((await page.locator(test("note-text")).inputValue()) === "Not mine to say", "the refused note is gone");
  assert((await statusOf(id)) === before, "the status changed");
  await page.close();
  await context.clearCookies();
}

async function connectionLost(context) {
  await withNetwork(async (network) => {
    const page = await open(context);
    await page.goto(`${network.url}/`);
    await live(page, "connected");
    network.cut();
    await live(page, "lost");
    const id = await publisher.publishLate();
    network.mend();
    await live(page, "connected", 30000);
    await card(page, id).waitFor();
    await page.close();
  });
}

async function connectionSilent(context) {
  await withNetwork(async (network) => {
    const page = await open(context);
    await page.goto(`${network.url}/`);
    await live(page, "connected");
    network.stall();
    await live(page, "lost", 60000);
    network.mend();
    await live(page, "connected", 30000);
    await page.close();
  });
}

async function withNetwork(work) {
  const network = new Network(base);
  await network.start();
  try {
    await work(network);
  } finally {
    network.close();
  }
}

/** The official client in a process of its own. */
class Listener {
  #child = spawn(process.execPath, [fileURLToPath(new URL("listener.mjs", import.meta.url))], {
    env: { ...process.env, FTRACK_SERVER: base, FTRACK_API_USER: options.user, FTRACK_API_KEY: options.key },
    stdio: ["ignore", "pipe", "inherit"],
  });
  #lines = [];
  #news = createInterface({ input: this.#child.stdout }).on("line", (line) => this.#lines.push(JSON.parse(line)));

  /** The first line that fits, and none before it again. */
  async next(fits) {
    const deadline = AbortSignal.timeout(SOONER_MS * 2);
    for (;;) {
      const at = this.#lines.findIndex(fits);
      if (at >= 0) return this.#lines.splice(0, at + 1)[at];
      await once(this.#news, "line", { signal: deadline }).catch(() => {
        throw new Error(`the official client heard only ${JSON.stringify(this.#lines.map(({ entityType, action, keys }) => [entityType, action, keys]))}`);
      });
    }
  }

  close() {
    this.#child.kill();
  }
}

await run(main);
