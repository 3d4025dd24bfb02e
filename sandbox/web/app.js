// The page: which view the address asks for, signing in, and showing what is new as the event hub tells of it.

import { currentUser, signIn } from "./api.js";
import { element } from "./dom.js";
import { listen } from "./hub.js";
import { listView } from "./list.js";
import { loadRunning } from "./parts.js";
import { playerView } from "./player.js";
import { loadSession, loadSessions, sessionView, sessionsView } from "./sessions.js";
import { isId, loadProjects, loadVersion, loadVersions } from "./versions.js";

// Without the event hub: a new version is on screen soon enough for the person who published it, at a request a few
// seconds a viewer. With it, only "5 minutes ago" has to be kept true.
const POLL_MS = 4000;
const LIVE_POLL_MS = 60000;
// What comes in one burst is loaded once.
const GATHER_MS = 150;

// What the list shows of. In events entities have their legacy names.
const LISTED = ["assetversion", "asset", "component", "componentlocation", "meta", "task", "show", "user", "taskstatus", "job"];
const IN_SESSIONS = ["reviewsession", "reviewsessionobject", "reviewsessionobjectstatus", "reviewsessioninvitee", "assetversion"];
const PAGE_SIZE = 60;

const root = document.getElementById("root");
const banner = document.getElementById("banner");
const live = element("span", { class: "live", role: "status", test: "live", data: { state: "connecting" }, text: "Connecting" });

let view = null;
let route = null;
let limit = PAGE_SIZE;
let user = null;
let connected = false;
let gathering = null;
let timer = null;
let round = 0;

/** The address in ftrack's own forms: /player/version/<id>, #slideEntityId=<id>&slideEntityType=assetversion, #project=<id>; and
    the page's own, #reviews and #review=<id>. */
function readAddress() {
  const fragment = new URLSearchParams(location.hash.slice(1));
  if (fragment.has("slideEntityId") && /^assetversion$/i.test(fragment.get("slideEntityType") ?? "")) {
    return { name: "player", id: fragment.get("slideEntityId") };
  }
  const [, path] = /^\/player\/version\/([^/]+)/.exec(location.pathname) ?? [];
  if (path && !location.hash) return { name: "player", id: decodeURIComponent(path) };
  if (fragment.has("review")) return { name: "session", id: fragment.get("review") };
  if (fragment.has("reviews")) return { name: "sessions", id: null };
  return { name: "list", id: isId(fragment.get("project")) ? fragment.get("project") : null };
}

function go(address) {
  if (address !== location.pathname + location.hash) history.pushState({ inside: true }, "", address);
  follow();
}

function follow() {
  const next = readAddress();
  if (next.name !== route?.name) {
    view?.close();
    const actions = { back, more, open, refresh, live, getUserId: () => user?.id };
    view = { list: listView, player: playerView, sessions: sessionsView, session: sessionView }[next.name](actions);
    root.replaceChildren(view.root);
  }
  if (next.name === "list" && next.id !== route?.id) limit = PAGE_SIZE;
  route = next;
  refresh();
}

function open(versionId) {
  go(`/#slideEntityId=${versionId}&slideEntityType=assetversion`);
}

function back() {
  if (history.state?.inside) history.back();
  else go("/#");
}

function more() {
  limit += PAGE_SIZE;
  refresh();
}

/** Loads what the view shows, now, and again after a while. A later call overtakes one that is under way. */
async function refresh() {
  clearTimeout(timer);
  round += 1;
  const mine = round;
  try {
    user ??= await currentUser();
    const data = await load();
    if (mine !== round) return;
    view?.update(data);
    banner.hidden = true;
  } catch (error) {
    if (mine !== round) return;
    if (error.needsSignIn) {
      showSignIn();
      return;
    }
    if (!error.exception) console.error(error);
    banner.textContent = `${error.message} Trying again every few seconds.`;
    banner.hidden = false;
  }
  timer = setTimeout(() => (document.hidden ? (timer = null) : refresh()), connected ? LIVE_POLL_MS : POLL_MS);
}

/** Something happened on the server: does it change what is on screen? */
function onEvent(event) {
  const entities = event.data?.entities ?? [];
  const types = { list: LISTED, player: ["job"], sessions: IN_SESSIONS, session: IN_SESSIONS }[route.name];
  const concerns = entities.some((entity) => types.includes(entity.entityType) || entity.parents?.some((parent) => parent.entityId === route.id));
  if (!concerns || !view) return;
  gathering ??= setTimeout(() => {
    gathering = null;
    refresh();
  }, GATHER_MS);
}

function showLive(state, words, title) {
  connected = state === "connected";
  live.dataset.state = state;
  live.textContent = words;
  live.title = title;
}

async function load() {
  if (route.name === "player") return isId(route.id) ? loadVersion(route.id) : null;
  if (route.name === "session") return isId(route.id) ? loadSession(route.id) : null;
  if (route.name === "sessions") return loadSessions();
  const [projects, versions, jobs] = await Promise.all([loadProjects(), loadVersions(route.id, limit), loadRunning()]);
  return { projects, projectId: route.id, jobs: jobs.length, versions, complete: versions.length < limit, user: user?.name ?? "" };
}

function showSignIn() {
  view?.close();
  view = null;
  const message = element("p", { class: "sign-in-error", role: "alert", test: "sign-in-error" });
  const name = element("input", { name: "user", autocomplete: "username", required: true, test: "sign-in-user" });
  const key = element("input", { name: "key", type: "password", autocomplete: "off", required: true, test: "sign-in-key" });
  const form = element("form", { class: "sign-in", test: "sign-in" },
    element("h1", { text: "Sign in to review" }),
    element("label", {}, "User", name), element("label", {}, "API key", key), message,
    element("button", { type: "submit", class: "primary", text: "Sign in" }));
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    message.textContent = "";
    try {
      await signIn(name.value, key.value);
      user = null;
      route = null;
      follow();
      hub.wake();
    } catch (error) {
      message.textContent = error.message;
    }
  });
  root.replaceChildren(form);
  banner.hidden = true;
  name.focus();
}

const hub = listen("topic=ftrack.update", {
  onEvent,
  // What happened since the page last looked was not told.
  onConnected: () => {
    showLive("connected", "Live", "The server tells of changes as they happen.");
    if (view) refresh();
  },
  onLost: () => {
    const wasConnected = connected;
    showLive("lost", "Reconnecting", "The connection to the event hub is lost. The page looks for changes every few seconds.");
    if (wasConnected && view) refresh();
  },
  onRefused: () => showLive("lost", "Signed out", "The event hub wants you to sign in."),
});
addEventListener("popstate", follow);
document.addEventListener("visibilitychange", () => {
  if (document.hidden) return;
  hub.wake();
  if (timer === null && view) refresh();
});
document.addEventListener("keydown", (event) => {
  const typing = event.target.closest?.("input:not([type=range]), textarea");
  const modified = event.ctrlKey || event.metaKey || event.altKey;
  if (!modified && (!typing || event.key === "Escape")) view?.onKey(event);
});
follow();
