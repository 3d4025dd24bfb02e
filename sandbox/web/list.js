// The list view: projects on the left, versions as cards, newest first.

import { thumbnailAddress } from "./api.js";
import { element, statusChip } from "./dom.js";
import { ago, fullDate } from "./versions.js";

// Large enough for a sharp card on a dense screen.
const THUMBNAIL_SIZE = 640;

/**
 * Makes the list view. `actions` has `open(versionId)`, `more()` and the element `live`. `update(data)` shows new data in place:
 * projects, projectId, versions, complete (no older ones), jobs (how many are not done), user.
 */
export function listView(actions) {
  const projects = element("nav", { class: "projects", "aria-label": "Projects", test: "projects" });
  const heading = element("h1");
  const count = element("p", { class: "quiet", role: "status", test: "version-count" });
  const filter = element("input", {
    type: "search", class: "filter", placeholder: "Filter", "aria-label": "Filter versions by name, shot, person, status or comment",
    title: "Filter (/)", test: "filter", on: { input: () => show() },
  });
  const jobs = element("p", { class: "running-jobs", role: "status", test: "running-jobs", hidden: true });
  const user = element("p", { class: "user", test: "user" });
  const grid = element("ul", { class: "cards", test: "versions" });
  const empty = element("div", { class: "empty", test: "empty", hidden: true });
  const more = element("button", { type: "button", class: "more", text: "Show older versions", on: { click: () => actions.more() } });
  const root = element("div", { class: "list-view", test: "list" },
    element("aside", { class: "side" }, element("p", { class: "brand", text: "Review" }), projects,
      element("a", { class: "project", href: "/#reviews", test: "reviews-link", text: "Review sessions" }), jobs, actions.live, user),
    element("main", { class: "content" },
      element("header", { class: "content-header" }, element("div", {}, heading, count), filter),
      grid, empty, more));

  let data = null;
  const cards = new Map();

  function show() {
    const words = filter.value.toLowerCase().split(/\s+/).filter(Boolean);
    const matching = data.versions.filter((version) => words.every((word) => searchText(version).includes(word)));
    keepCards(grid, cards, matching, actions);
    const total = data.versions.length;
    count.textContent = words.length > 0 ? `${matching.length} of ${versions(total)}` : versions(total);
    empty.hidden = matching.length > 0;
    empty.replaceChildren(...(words.length > 0 && total > 0 ? nothingMatches(filter.value) : nothingThere()));
    more.hidden = data.complete || words.length > 0;
  }

  function update(next) {
    data = next;
    const current = data.projects.find((project) => project.id === data.projectId);
    heading.textContent = data.projectId ? (current?.name ?? "Unknown project") : "All projects";
    document.title = `${heading.textContent} - Review`;
    jobs.hidden = data.jobs === 0;
    jobs.textContent = data.jobs === 1 ? "1 job encodes or waits to" : `${data.jobs} jobs encode or wait to`;
    user.textContent = data.user;
    projects.replaceChildren(projectLink(null, "All projects", data.projectId),
      ...data.projects.map((project) => projectLink(project.id, project.name, data.projectId)));
    show();
  }

  function onKey(event) {
    if (event.key === "/" && document.activeElement !== filter) {
      event.preventDefault();
      filter.focus();
    } else if (event.key === "Escape" && document.activeElement === filter && filter.value) {
      filter.value = "";
      show();
    }
  }

  return { root, update, onKey, close() {} };
}

function projectLink(id, name, current) {
  const active = id === current;
  return element("a", {
    href: id ? `/#project=${id}` : "/#", class: active ? "project active" : "project",
    "aria-current": active ? "page" : null, test: "project-link", data: { projectId: id ?? "" }, text: name,
  });
}

/** Keeps a card as long as what it shows is the same, so that focus and loaded pictures stay. */
function keepCards(grid, cards, shown, actions) {
  const wanted = shown.map((version) => {
    const signature = JSON.stringify([version, ago(version.when)]);
    const kept = cards.get(version.id);
    if (kept?.signature === signature) return kept;
    const made = { signature, node: card(version, actions) };
    if (kept?.node.contains(document.activeElement)) queueMicrotask(() => made.node.querySelector("a").focus());
    kept?.node.remove();
    cards.set(version.id, made);
    return made;
  });
  const nodes = wanted.map((one) => one.node);
  for (const node of [...grid.children]) if (!nodes.includes(node)) node.remove();
  nodes.forEach((node, index) => {
    if (grid.children[index] !== node) grid.insertBefore(node, grid.children[index] ?? null);
  });
}

function card(version, actions) {
  const open = (event) => {
    if (event.metaKey || event.ctrlKey || event.shiftKey) return;
    event.preventDefault();
    actions.open(version.id);
  };
  const path = version.path.join(" / ");
  return element("li", { class: "card", test: "version-card", data: { versionId: version.id } },
    element("a", { href: `/#slideEntityId=${version.id}&slideEntityType=assetversion`, on: { click: open } },
      element("div", { class: "picture" }, picture(version), badge(version)),
      element("div", { class: "facts" },
        element("h2", {}, element("span", { class: "name", text: version.asset, test: "asset" }),
          element("span", { class: "version", text: version.label, test: "version-label" })),
        element("p", { class: "path", text: path, title: [version.project, path].filter(Boolean).join(" / "), test: "path" }),
        version.comment ? element("p", { class: "comment", text: version.comment, test: "comment" }) : null,
        element("p", { class: "meta first" }, statusChip(version.status)),
        element("p", { class: "meta", title: fullDate(version.when) }, element("span", { text: version.who, test: "who" }),
          version.when ? element("time", { datetime: version.when.toISOString(), text: ago(version.when), test: "when" }) : null))));
}

function picture(version) {
  if (!version.thumbnailId) return element("span", { class: "no-picture", text: "No thumbnail" });
  return element("img", { src: thumbnailAddress(version.thumbnailId, THUMBNAIL_SIZE), alt: "", loading: "lazy", test: "thumbnail" });
}

function badge(version) {
  const { kind, choices, problem } = version.media;
  if (kind === "movie") {
    const frames = choices[0].meta.frames;
    return element("span", { class: "badge", text: frames === 1 ? "1 frame" : `${frames} frames` });
  }
  if (kind === "still" || kind === "pdf") return element("span", { class: "badge", text: kind === "pdf" ? "PDF" : "Still" });
  return element("span", { class: problem.code === "encoding" ? "badge busy" : "badge bad", text: problem.title, title: problem.text, test: "badge-problem" });
}

function searchText(version) {
  return [version.asset, version.assetType, version.label, version.project, ...version.path, version.who, version.comment, version.status?.name]
    .join(" ").toLowerCase();
}

function versions(number) {
  return number === 1 ? "1 version" : `${number} versions`;
}

function nothingMatches(text) {
  return [element("p", { class: "empty-title", text: `Nothing matches "${text.trim()}"` }),
    element("p", { class: "quiet", text: "The filter looks at asset, version, shot and task, person, status and comment." })];
}

function nothingThere() {
  return [element("p", { class: "empty-title", text: "No versions yet" }),
    element("p", { class: "quiet", text: `Publish to ${location.origin} and it appears here by itself, newest first.` })];
}
