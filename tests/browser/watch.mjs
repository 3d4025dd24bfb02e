// A reviewer at the staging server's page, in a real Chromium, and the artist's C program (examples/c/watch.c), which has
// published a movie: what is done with clicks is printed by the program as it happens, and each thing once.
//
//   node watch.mjs --url http://127.0.0.1:8090
//
// User and key come from --user and --key, or FTRACK_API_USER and FTRACK_API_KEY. FTREVIEW_WATCH is the compiled program,
// FTREVIEW_MEDIA the folder examples/media, CHROMIUM names the browser. Exit code 0: all is well; 1: a check failed; 2: it
// could not run.

import { spawn } from "node:child_process";
import { once } from "node:events";
import path from "node:path";
import { createInterface } from "node:readline";
import { assert, inBrowser, promise, readOptions, run, test } from "./checks.mjs";

const PATIENCE_MS = 30000;
const CONTEXT = "demo/sq010/sh010/compositing";

const options = readOptions();
const base = options.url;

async function main() {
  const program = new Program();
  try {
    const link = (await program.next()).match(/^published .* version \d+: (http.*)$/)?.[1];
    assert(link, "the program did not publish");
    await inBrowser((context) => checkReview(context, link, program));
  } finally {
    program.close();
  }
}

async function checkReview(context, link, program) {
  const page = await context.newPage();
  page.setDefaultTimeout(PATIENCE_MS);
  await page.goto(link);
  await page.locator(`${test("live")}[data-state="connected"]`).waitFor();
  await promise("a note written on a frame is printed by the C program, with its frame", async () => {
    await page.waitForFunction((video) => document.querySelector(video)?.readyState >= 2, test("video"));
    await page.locator(test("first-frame")).click();
    for (let frame = 0; frame < 3; frame += 1) await page.locator(test("step-forward")).click();
    await page.locator(test("note-text")).fill("Edge flickers, left of the door");
    await page.locator(test("note-send")).click();
    const line = await program.next();
    assert(/^note by .+ on frame 3: Edge flickers, left of the door$/.test(line), line);
  });
  for (const [button, printed] of [["require-changes", "changes required (Changes Required)"], ["approve", "approved (Approved)"]]) {
    await promise(`a click on ${button} is printed by the C program`, async () => {
      await page.locator(test(button)).click();
      const line = await program.next();
      assert(line === printed, line);
    });
  }
  await promise("Ctrl-C ends the C program well, and it has printed nothing twice", async () => {
    assert((await program.interrupt()) === 0, "the program failed");
    assert(program.rest().length === 0, program.rest().join("\n"));
  });
}

/** The C program. */
class Program {
  #child = spawn(process.env.FTREVIEW_WATCH, [CONTEXT, path.join(process.env.FTREVIEW_MEDIA, "review.mp4")], {
    env: { ...process.env, FTRACK_SERVER: base, FTRACK_API_USER: options.user, FTRACK_API_KEY: options.key },
    stdio: ["ignore", "pipe", "inherit"],
  });
  #ended = once(this.#child, "close");
  #lines = [];
  #news = createInterface({ input: this.#child.stdout }).on("line", (line) => this.#lines.push(line));

  /** The next line that it prints. */
  async next() {
    const deadline = AbortSignal.timeout(PATIENCE_MS);
    while (this.#lines.length === 0) {
      await once(this.#news, "line", { signal: deadline }).catch(() => {
        throw new Error("the C program printed nothing");
      });
    }
    return this.#lines.shift();
  }

  rest() {
    return this.#lines;
  }

  async interrupt() {
    this.#child.kill("SIGINT");
    const [code] = await this.#ended;
    return code;
  }

  close() {
    this.#child.kill("SIGKILL");
  }
}

await run(main);
