// Opens each version that the rows of docs/media.md made in a real Chromium: movies must play to where their frames say, images
// and PDF must show.
//
//   node rows.mjs --url http://127.0.0.1:8090 --rows rows.json
//
// rows.json is what tests/peers/rows/rows.py wrote. User and key come from --user and --key, or FTRACK_API_USER and
// FTRACK_API_KEY. CHROMIUM names the browser. Exit code 0: all is well; 1: a check failed; 2: it could not run.

import { readFileSync } from "node:fs";
import { assert, inBrowser, painted, promise, readOptions, run, test } from "./checks.mjs";

const options = readOptions({ rows: { type: "string" } });
const LOOKS = { movie: looksMovie, still: looksStill, pdf: looksPdf };

async function main() {
  const rows = JSON.parse(readFileSync(options.rows, "utf8"));
  assert(rows.length > 0, `${options.rows} names no row`);
  await inBrowser(async (context) => {
    const page = context.pages()[0] ?? (await context.newPage());
    page.setDefaultTimeout(30000);
    for (const { name, version_id: id, wanted } of rows) {
      await promise(`${name}: ${wanted.view}`, async () => {
        await page.goto("about:blank");
        await page.goto(`${options.url}/player/version/${id}`);
        await LOOKS[wanted.view](page, wanted);
        const offered = await page.locator(`${test("quality")} option`).count();
        assert(offered === (wanted.qualities ?? 0), `${offered} resolutions are offered`);
      });
    }
  });
}

/** The movie has the size and length that it should, plays by itself once asked to, and shows more than one picture. */
async function looksMovie(page, { width, height, frames, rate, notices }) {
  await page.locator(test("video")).waitFor();
  await page.waitForFunction((video) => document.querySelector(video)?.readyState >= 2, test("video"));
  const video = page.locator(test("video"));
  const found = await video.evaluate((node) => ({ width: node.videoWidth, height: node.videoHeight, duration: node.duration }));
  assert(found.width === width && found.height === height, `the picture is ${found.width} x ${found.height}, not ${width} x ${height}`);
  const off = Math.abs(found.duration * rate - frames);
  assert(off < 0.6, `it lasts ${found.duration} s, which are not ${frames} frames at ${rate}`);
  await video.evaluate((node) => { node.loop = false; });
  await page.locator(test("play")).click();
  await page.waitForFunction(([selector, end]) => document.querySelector(selector).currentTime >= end,
    [test("video"), found.duration / 2]);
  const decoded = await video.evaluate((node) => node.getVideoPlaybackQuality().totalVideoFrames);
  assert(decoded > 1, `${decoded} pictures were shown`);
  const told = (await page.locator(test("notices")).allTextContents()).join();
  assert(told === "" || notices, told);
}

async function looksStill(page, { width, height }) {
  const image = page.locator(test("still"));
  await image.waitFor();
  const found = await image.evaluate(async (node) => { await node.decode(); return { width: node.naturalWidth, height: node.naturalHeight }; });
  assert(found.width === width && found.height === height, `the image is ${found.width} x ${found.height}, not ${width} x ${height}`);
}

/** The browser's viewer shows the page that inputs.py drew. */
async function looksPdf(page) {
  assert(await page.evaluate(() => navigator.pdfViewerEnabled), "this browser has no viewer");
  await page.locator(test("pdf")).waitFor();
  await painted(page, [204, 51, 102]);
}

await run(main);
