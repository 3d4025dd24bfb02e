// Opens the staging server's review page in a real Chromium and checks that it shows, plays and explains.
//
//   node review_page.mjs --url http://127.0.0.1:8090 [--version <id>] [--store http://127.0.0.1:8333] [--screenshot page.png]
//
// --version names a published movie that must be listed with its thumbnail, play and step; without it the script's own
// movie is that. --store is the origin of the object store that keeps the media, if one does. User and key come from --user and --key, or FTRACK_API_USER and FTRACK_API_KEY. CHROMIUM names the
// browser. --screenshot also leaves a picture of the list beside it. Exit code 0: all is well; 1: a check failed; 2: it could not run.

import { assert, inBrowser, promise, readOptions, run, test } from "./checks.mjs";
import { Publisher } from "./publish.mjs";

// What each broken version must say.
const WORDS = {
  "no-media": /no components yet.*ftrackreview-mp4/,
  "not-stored": /no location at all.*ftrack\.server/,
  "no-ftr-meta": /no metadata ftr_meta.*frameRate/,
  "bad-ftr-meta": /has no number frameRate.*24\/1/,
  encoding: /is making ftrackreview-mp4 now/,
  "media-error": /ftrackreview-mp4: .*codec is not supported.*The browser says/,
  "no-data": /no data are stored/,
};

const options = readOptions({ version: { type: "string" }, screenshot: { type: "string" }, store: { type: "string" } });
const base = options.url;

async function main() {
  const publisher = new Publisher(base, options.user, options.key);
  const versions = await publisher.publishAll();
  await inBrowser((context) => checkPage(context, publisher, versions));
}

async function checkPage(context, publisher, versions) {
  const page = context.pages()[0] ?? (await context.newPage());
  page.setDefaultTimeout(15000);
  const complaints = watch(page);
  const subject = options.version ?? versions.movie;

  await page.goto(`${base}/`);
  await promise("the list shows the version with a loaded thumbnail", () => listShows(page, subject));
  await promise("text from the server is shown as text, not as markup", async () => {
    const comment = await page.locator(`[data-version-id="${versions.movie}"] ${test("comment")}`).textContent();
    assert(comment.includes("<b>Not bold.</b>"), `the comment reads ${comment}`);
  });
  await promise("the list says which versions cannot be played", async () => {
    const badge = page.locator(`[data-version-id="${versions["no-ftr-meta"]}"] ${test("badge-problem")}`);
    assert((await badge.textContent()) === "No ftr_meta", `the badge reads ${await badge.textContent()}`);
  });
  await promise("the filter leaves only what matches", () => filterWorks(page, versions));
  if (options.screenshot) await page.screenshot({ path: options.screenshot.replace(/(\.png)?$/, "-list.png") });
  await promise("a version published while the page is open appears by itself", async () => {
    const id = await publisher.publishLate();
    await page.locator(`${test("version-card")}[data-version-id="${id}"]`).waitFor();
  });

  await promise("a click on the version opens its player and Escape goes back", async () => {
    await page.locator(`${test("version-card")}[data-version-id="${subject}"] a`).click();
    await page.locator(test("video")).waitFor();
    assert(page.url().includes(`slideEntityId=${subject}&slideEntityType=assetversion`), `the address is ${page.url()}`);
    await page.keyboard.press("Escape");
    await page.locator(test("list")).waitFor();
  });
  await promise("/player/version/<id> opens the player", async () => {
    await page.goto(`${base}/player/version/${subject}`);
    await ready(page);
  });
  await promise("#slideEntityId=<id> opens the player", async () => {
    await page.goto("about:blank");
    await page.goto(`${base}/#slideEntityId=${subject}&slideEntityType=assetversion&theme=dark`);
    await ready(page);
  });
  await promise("the movie's time advances when it plays, and the counter with it", () => plays(page));
  await promise("stepping moves exactly one frame and the counter follows", () => steps(page));
  await promise("loop, rate and the ends of the clip do what they say", () => controlsWork(page));
  if (options.screenshot) {
    await page.locator(test("scrub")).evaluate((scrub) => { scrub.value = Math.floor(scrub.max / 2); scrub.dispatchEvent(new Event("input")); });
    await settled(page);
    await page.screenshot({ path: options.screenshot });
  }

  // So far the page did without the store's CORS rule. Reading pixels takes it.
  if (options.store) await page.addInitScript(askWithCors);
  await promise("the frame on screen is the frame the counter says, all 24 of them", () => picturesMatch(page, versions.movie));
  await promise("a movie that is shorter than its ftr_meta says so", async () => {
    await page.goto(`${base}/player/version/${versions.notices}`);
    const text = await page.locator(test("notices")).textContent();
    assert(/25 frames at 24.*lasts 1\.000 s/.test(text), `the notice reads ${text}`);
  });
  await promise("a still is shown, fitted and at full size", () => stillShows(page, versions.still));

  for (const [code, words] of Object.entries(WORDS)) {
    await promise(`a version with the problem "${code}" says so in words`, async () => {
      complaints.expectFailedLoads = code === "no-data";
      await page.goto(`${base}/player/version/${versions[code]}`);
      const shown = page.locator(`${test("problem")}[data-problem="${code}"]`);
      await shown.waitFor();
      const text = await shown.locator(test("problem-text")).textContent();
      assert(words.test(text), `it says: ${text}`);
      complaints.expectFailedLoads = false;
    });
  }
  await promise("a link to a version that is not there says so", async () => {
    await page.goto(`${base}/player/version/00000000-0000-4000-8000-000000000000`);
    await page.locator(`${test("problem")}[data-problem="no-version"]`).waitFor();
  });

  await promise("nothing was complained of in the console", () => assert(complaints.console.length === 0, complaints.console.join("\n")));
  await promise("no request went to another origin, none carried a key", () => assert(complaints.requests.length === 0, complaints.requests.join("\n")));
}

/** Collects console errors, page errors, and requests that should not have been made. */
function watch(page) {
  const found = { console: [], requests: [], expectFailedLoads: false };
  page.on("console", (message) => {
    const expected = found.expectFailedLoads && /Failed to load resource/.test(message.text());
    if (["error", "warning"].includes(message.type()) && !expected) found.console.push(`${message.text()} (${message.location().url})`);
  });
  page.on("pageerror", (error) => found.console.push(String(error)));
  page.on("request", (request) => {
    const url = request.url();
    const isOurs = url.startsWith(`${base}/`) || (options.store && url.startsWith(`${options.store}/`));
    if (url !== "about:blank" && !isOurs) found.requests.push(url);
    if (request.headers()["ftrack-api-key"] || /apikey/i.test(url)) found.requests.push(`with a key: ${url}`);
  });
  return found;
}

async function listShows(page, id) {
  const image = page.locator(`${test("version-card")}[data-version-id="${id}"] ${test("thumbnail")}`);
  await image.waitFor({ state: "attached" });
  await image.scrollIntoViewIfNeeded();
  const loaded = await image.evaluate(async (img) => {
    await img.decode();
    const answer = await fetch(img.src, { method: "HEAD" });
    return { width: img.naturalWidth, placeholder: answer.headers.get("content-location") };
  });
  assert(loaded.width > 0 && !loaded.placeholder, `the thumbnail is ${JSON.stringify(loaded)}`);
}

async function filterWorks(page, versions) {
  await page.locator(test("filter")).fill("lookdev");
  const ids = await page.locator(test("version-card")).evaluateAll((cards) => cards.map((card) => card.dataset.versionId));
  const names = await page.locator(test("asset")).allTextContents();
  assert(ids.includes(versions.still) && names.every((name) => name.includes("lookdev")), `shown: ${names}`);
  await page.locator(test("filter")).fill("no such thing");
  await page.locator(test("empty")).waitFor();
  await page.locator(test("filter")).fill("");
  await page.locator(`[data-version-id="${versions.movie}"]`).waitFor();
}

/** The movie is loaded and stands on a frame. */
async function ready(page) {
  await page.locator(test("video")).waitFor();
  await page.waitForFunction((video) => document.querySelector(video)?.readyState >= 2, test("video"));
  await settled(page);
}

async function settled(page) {
  await page.waitForFunction((video) => !document.querySelector(video).seeking, test("video"));
  // Two frames of the page: what the seek brought is on screen.
  await page.evaluate(() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done))));
}

const counter = (page) => page.locator(test("frame-counter")).evaluate((node) => ({ frame: Number(node.dataset.frame), text: node.textContent }));
const time = (page) => page.locator(test("video")).evaluate((video) => video.currentTime);

async function plays(page) {
  const before = await time(page);
  await page.locator(test("play")).click();
  await page.waitForFunction(([video, start]) => document.querySelector(video).currentTime > start + 0.2, [test("video"), before]);
  await page.waitForFunction((output) => Number(document.querySelector(output).dataset.frame) > 2, test("frame-counter"));
  await page.locator(test("play")).click();
  await page.waitForFunction((video) => document.querySelector(video).paused, test("video"));
}

async function steps(page) {
  await page.keyboard.press("Home");
  await settled(page);
  const frames = Number(await page.locator(test("scrub")).getAttribute("max")) + 1;
  const first = await counter(page);
  assert(first.text.startsWith(`frame 1 / ${frames}`), `on the first frame the counter reads ${first.text}`);
  const start = await time(page);
  for (const [act, wanted] of [
    [() => page.locator(test("step-forward")).click(), 1],
    [() => page.keyboard.press("."), 2],
    [() => page.keyboard.press("ArrowRight"), 3],
    [() => page.keyboard.press(","), 2],
    [() => page.locator(test("step-back")).click(), 1],
  ]) {
    await act();
    await settled(page);
    const { frame, text } = await counter(page);
    assert(frame === wanted && text.startsWith(`frame ${wanted + 1} /`), `wanted frame ${wanted + 1}, the counter reads ${text}`);
  }
  const rate = 1 / ((await time(page)) - start);
  assert(rate > 1 && rate < 300, `one frame is ${1 / rate} s`);
}

async function controlsWork(page) {
  const state = () => page.locator(test("video")).evaluate((video) => ({ loop: video.loop, rate: video.playbackRate }));
  const before = await state();
  await page.locator(test("loop")).click();
  await page.locator(test("rate")).selectOption("0.5");
  const after = await state();
  assert(after.loop !== before.loop && after.rate === 0.5, JSON.stringify(after));
  await page.locator(test("loop")).click();
  await page.locator(test("rate")).selectOption("1");
  const last = Number(await page.locator(test("scrub")).getAttribute("max"));
  for (const [button, wanted] of [["last-frame", last], ["step-forward", last], ["first-frame", 0], ["step-back", 0]]) {
    await page.locator(test(button)).click();
    await settled(page);
    const { frame } = await counter(page);
    assert(frame === wanted, `${button} leads to frame ${frame + 1}, not ${wanted + 1}`);
  }
}

/** Steps through the whole clip and reads each frame's number from the bars of the picture itself. */
async function picturesMatch(page, id) {
  await page.goto(`${base}/player/version/${id}`);
  await ready(page);
  for (let frame = 0; frame < 24; frame += 1) {
    // The picture may reach the screen a moment after the seek is over; a wrong one stays wrong.
    await page.waitForFunction(readBars, { video: test("video"), wanted: frame }, { timeout: 5000 }).catch(async () => {
      throw new Error(`after ${frame} steps the picture is frame ${await page.evaluate(readBars, { video: test("video") })}`);
    });
    await settled(page);
    const { frame: said } = await counter(page);
    assert(said === frame, `the picture is frame ${frame}, the counter says ${said}`);
    await page.keyboard.press("ArrowRight");
  }
}

/** Runs in the page. The number of the frame on screen or, with `wanted`, whether it is that one. */
function readBars({ video, wanted }) {
  const source = document.querySelector(video);
  const drawing = new OffscreenCanvas(source.videoWidth, source.videoHeight).getContext("2d", { willReadFrequently: true });
  drawing.drawImage(source, 0, 0);
  let number = 0;
  for (let bit = 0; bit < 8; bit += 1) {
    const [brightness] = drawing.getImageData(((bit + 0.5) * source.videoWidth) / 8, source.videoHeight / 2, 1, 1).data;
    if (brightness > 128) number += 1 << bit;
  }
  return wanted === undefined ? number : number === wanted;
}

/** Runs in the page, before its own scripts: movies are asked for so that their pixels may be read. */
function askWithCors() {
  const createElement = document.createElement;
  document.createElement = function (name, ...rest) {
    const made = createElement.call(this, name, ...rest);
    if (made instanceof HTMLVideoElement) made.crossOrigin = "anonymous";
    return made;
  };
}

async function stillShows(page, id) {
  await page.goto(`${base}/player/version/${id}`);
  const image = page.locator(test("still"));
  await image.waitFor();
  const width = await image.evaluate(async (img) => { await img.decode(); return img.naturalWidth; });
  assert(width === 640, `the still is ${width} pixels wide`);
  await page.locator(test("zoom")).click();
  const shown = await image.evaluate((img) => img.getBoundingClientRect().width * devicePixelRatio);
  assert(Math.abs(shown - 640) < 1, `at 1:1 it is ${shown} pixels wide`);
}

await run(main);
