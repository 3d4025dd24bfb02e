// What the checks of the page have in common: options, the browser, counting what holds.

import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { chromium } from "playwright-core";

const FLAGS = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
  "--disable-component-update", "--disable-sync"];

let failures = 0;

/** The selector of an element by its test id. */
export const test = (id) => `[data-testid="${id}"]`;

/** --url, --user, --key and the script's own options; without a server or an account the script ends with 2. */
export function readOptions(own = {}) {
  const { values: options } = parseArgs({ options: {
    url: { type: "string" }, user: { type: "string", default: process.env.FTRACK_API_USER },
    key: { type: "string", default: process.env.FTRACK_API_KEY }, ...own,
  } });
  if (!options.url || !options.user || !options.key) {
    const more = Object.keys(own).map((name) => ` [--${name} <value>]`).join("");
    console.error(`options: --url <server> --user <name> --key <key>${more}`);
    process.exit(2);
  }
  return { ...options, url: options.url.replace(/\/+$/, "") };
}

/** Runs a check and says whether it holds. */
export async function promise(name, check) {
  try {
    await check();
    console.log(`ok      ${name}`);
  } catch (error) {
    failures += 1;
    console.log(`FAILED  ${name}\n        ${String(error.message).split("\n").slice(0, 6).join("\n        ")}`);
  }
}

export function assert(truth, message) {
  if (!truth) throw new Error(message);
}

/** Runs `work` with a fresh profile of a real Chromium. */
export async function inBrowser(work) {
  const profile = mkdtempSync(join(tmpdir(), "review-page-"));
  const context = await chromium.launchPersistentContext(profile, {
    executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium", args: FLAGS, viewport: { width: 1440, height: 900 },
  });
  try {
    await work(context);
  } finally {
    await context.close();
    rmSync(profile, { recursive: true, force: true });
  }
}

/** Waits until the browser's viewer of PDF shows a page's colour. A frame of the browser's own cannot be looked into, only at. */
export async function painted(page, colour) {
  let count = 0;
  for (let attempt = 0; attempt < 150 && count < 5000; attempt += 1) {
    const picture = (await page.locator(test("pdf")).screenshot()).toString("base64");
    count = await page.evaluate(async ([text, wanted]) => {
      const bytes = Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
      const bitmap = await createImageBitmap(new Blob([bytes], { type: "image/png" }));
      const drawing = new OffscreenCanvas(bitmap.width, bitmap.height).getContext("2d");
      drawing.drawImage(bitmap, 0, 0);
      const { data } = drawing.getImageData(0, 0, bitmap.width, bitmap.height);
      let found = 0;
      for (let at = 0; at < data.length; at += 4) found += wanted.every((value, channel) => Math.abs(data[at + channel] - value) < 6);
      return found;
    }, [picture, colour]);
  }
  assert(count >= 5000, `${count} pixels have the colour of the page`);
}

/** Runs the script and ends with 0 when all checks hold, 1 when one does not, 2 when it could not run. */
export async function run(main) {
  try {
    await main();
  } catch (error) {
    console.error(`could not run: ${error.stack}`);
    process.exit(2);
  }
  console.log(failures === 0 ? "all checks hold" : `${failures} checks failed`);
  process.exit(failures === 0 ? 0 : 1);
}
