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
