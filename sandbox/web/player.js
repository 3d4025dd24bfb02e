// The player view: one version, its picture, and what is known of it; or, in words, why there is no picture.

import { element, icon, statusChip } from "./dom.js";
import { moviePlayer } from "./movie.js";
import { bytes, jobsSection, partsSection } from "./parts.js";
import { pdfView } from "./pdf.js";
import { reviewPanel } from "./review.js";
import { stillView } from "./still.js";
import { fullDate } from "./versions.js";

/** Makes the player view. `actions` has `back()`, `refresh()`, `getUserId()` and the element `live`. `update(version)` shows a version; null when it does not exist. */
export function playerView(actions) {
  const title = element("div", { class: "player-title" });
  const box = element("div", { class: "player-main" });
  const panel = element("aside", { class: "panel", "aria-label": "About this version", test: "panel" });
  const back = element("a", { class: "back", href: "/#", "aria-label": "Back to the list", title: "Back to the list (Escape)", test: "back",
    on: { click: (event) => { event.preventDefault(); actions.back(); } } }, icon("back"));
  const details = element("div", { class: "details" });
  const review = reviewPanel({ getMedia: () => media, getUserId: actions.getUserId, refresh: actions.refresh });
  const root = element("div", { class: "player-view", test: "player" },
    element("header", { class: "player-header" }, back, title, actions.live), element("main", { class: "player-body" }, box, panel));

  let media = null;
  let signature = "";
  let notices = [];
  let version = null;

  function update(next) {
    version = next;
    if (!version) {
      showMissing();
      return;
    }
    root.dataset.versionId = version.id;
    document.title = `${version.asset} ${version.label} - Review`;
    showTitle();
    // The picture stays as long as the media are the same: a poll must not disturb who is watching.
    const now = JSON.stringify(version.media);
    if (now !== signature) {
      signature = now;
      notices = [];
      media?.close();
      media = null;
      showMedia();
    }
    review.update(version);
    showPanel();
  }

  function showMedia() {
    const listeners = {
      onProblem: showProblem,
      onFrame: () => review.showFrame(),
      onNotices: (found) => { notices = found; showPanel(); },
    };
    if (version.media.kind === "problem") {
      showProblem(version.media.problem);
      return;
    }
    media = {
      movie: () => moviePlayer(version.media.choices, listeners),
      still: () => stillView(version.media.choices, listeners),
      pdf: () => pdfView(version.media),
    }[version.media.kind]();
    box.replaceChildren(media.root);
  }

  function showProblem(problem) {
    media?.close();
    media = null;
    box.replaceChildren(element("div", { class: "problem", role: "status", test: "problem", data: { problem: problem.code } },
      problem.code === "encoding" ? element("span", { class: "spinner", "aria-hidden": "true" }) : null,
      element("h2", { text: problem.title, test: "problem-title" }), element("p", { text: problem.text, test: "problem-text" })));
  }

  function showMissing() {
    title.replaceChildren(element("h1", { text: "No such version" }));
    panel.replaceChildren();
    showProblem({ code: "no-version", title: "No such version", text: "The link names a version that is not on this server. It may have been deleted." });
  }

  function showTitle() {
    const path = [version.project, ...version.path].filter(Boolean).join(" / ");
    title.replaceChildren(
      element("div", {}, element("h1", {}, element("span", { class: "name", text: version.asset }),
        element("span", { class: "version", text: version.label })),
        element("p", { class: "path", text: path })),
      statusChip(version.status) ?? "");
  }

  function showPanel() {
    const rows = [
      ["By", version.who],
      ["When", fullDate(version.when)],
      ["Type", version.assetType],
      ...mediaRows(version.media),
    ].filter(([, value]) => value);
    // The part that is written in stays as it is.
    if (review.root.parentNode !== panel) panel.replaceChildren(review.root, details);
    details.replaceChildren(
      element("section", {}, element("h2", { text: "Comment" }),
        version.comment ? element("p", { class: "panel-comment", text: version.comment, test: "comment" })
          : element("p", { class: "quiet", text: "No comment was left." })),
      element("section", {}, element("h2", { text: "Details" }),
        element("dl", {}, rows.flatMap(([name, value]) => [element("dt", { text: name }), element("dd", { text: value })]))),
      jobsSection(version.jobs),
      partsSection(version.parts),
      notices.length === 0 ? "" : element("section", { class: "notices", test: "notices" }, element("h2", { text: "Worth checking" }),
        notices.map((text) => element("p", { text }))),
      element("section", { class: "panel-foot" }, copyLink(version.id)));
  }

  function onKey(event) {
    if (event.key === "Escape" && event.target.closest?.("textarea")) {
      event.target.blur();
      return;
    }
    if (event.key === "Escape" && !document.fullscreenElement) {
      actions.back();
      return;
    }
    media?.onKey(event);
  }

  return { root, update, onKey, close() { media?.close(); } };
}

function mediaRows({ kind, choices }) {
  if (kind === "problem") return [];
  const { component, meta } = choices[0];
  const rows = [["Component", component.name], ["Picture", meta.width && meta.height ? `${meta.width} x ${meta.height}` : ""]];
  if (kind === "movie") {
    rows.push(["Frames", `${meta.frames} at ${rounded(meta.rate)} fps (${meta.first} to ${meta.first + meta.frames - 1})`]);
  }
  rows.push(["Size", bytes(component.size)]);
  return rows;
}

function copyLink(id) {
  const button = element("button", { type: "button", class: "text-button", test: "copy-link" }, icon("link"), "Copy link");
  button.addEventListener("click", async () => {
    const address = `${location.origin}/player/version/${id}`;
    const copied = await navigator.clipboard?.writeText(address).then(() => true, () => false);
    button.lastChild.textContent = copied ? "Copied" : address;
  });
  return button;
}

function rounded(rate) {
  return String(Math.round(rate * 1000) / 1000);
}
