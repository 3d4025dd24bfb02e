// Review sessions: all of them, and one with its versions, who is invited, and what each says.

import { call, displayName, query, thumbnailAddress } from "./api.js";
import { create, newId } from "./attachments.js";
import { element, icon } from "./dom.js";
import { ago, fullDate, parseDate } from "./versions.js";

const THUMBNAIL_SIZE = 480;
const ANSWERS = [
  { status: "approved", name: "Approve", said: "approved", className: "answer good", test: "session-approve" },
  { status: "require_changes", name: "Require changes", said: "requires changes", className: "answer bad", test: "session-require-changes" },
];

// The people who may have answered. A studio has hundreds.
const MOST_PEOPLE = 1000;

/** All sessions, newest first. */
export async function loadSessions() {
  const [found] = await query("select id, name, description, is_open, end_date, project.full_name, review_session_objects.id, " +
    "review_session_invitees.id from ReviewSession order by created_at desc limit 200");
  return found.map((one) => ({ ...describe(one), versions: one.review_session_objects.length, invitees: one.review_session_invitees.length }));
}

/** One session; null when there is none with this id. */
export async function loadSession(id) {
  const [[session], shown, invitees, people] = await query(
    `select id, name, description, is_open, start_date, end_date, project.full_name from ReviewSession where id is "${id}"`,
    "select id, name, version, description, version_id, asset_version.thumbnail_id, asset_version.version, asset_version.asset.name, " +
      "statuses.id, statuses.status, statuses.created_at, statuses.resource_id, statuses.review_session_invitee_id " +
      `from ReviewSessionObject where review_session_id is "${id}" order by sort_order`,
    `select id, name, email, last_sent_at from ReviewSessionInvitee where review_session_id is "${id}" order by name`,
    `select id, first_name, last_name, username from User limit ${MOST_PEOPLE}`);
  if (!session) return null;
  const names = new Map([...people.map((one) => [one.id, displayName(one)]), ...invitees.map(({ id: key, name }) => [key, name])]);
  return {
    ...describe(session),
    shown: shown.map((one) => ({
      id: one.id,
      versionId: one.version_id,
      name: one.name || one.asset_version?.asset?.name || "",
      version: one.version || `Version ${one.asset_version?.version ?? ""}`,
      text: one.description,
      thumbnailId: one.asset_version?.thumbnail_id ?? null,
      answers: one.statuses.map((given) => ({
        id: given.id,
        who: names.get(given.resource_id ?? given.review_session_invitee_id) ?? "Somebody",
        whoId: given.resource_id,
        status: given.status,
        when: parseDate(given.created_at),
      })),
    })),
    invitees: invitees.map((one) => ({ id: one.id, name: one.name, email: one.email, sent: parseDate(one.last_sent_at) })),
  };
}

function describe(session) {
  return { id: session.id, name: session.name, text: session.description, open: session.is_open, project: session.project?.full_name ?? "",
    ends: parseDate(session.end_date) };
}

/** Makes the view of all sessions. */
export function sessionsView({ live }) {
  const list = element("ul", { class: "sessions", test: "sessions" });
  const root = page("Review sessions", "/#", live, list);

  function update(sessions) {
    document.title = "Review sessions - Review";
    list.replaceChildren(...sessions.map((one) => element("li", {},
      element("a", { class: "session", href: `/#review=${one.id}`, test: "session", data: { sessionId: one.id } },
        element("h2", { text: one.name }), element("p", { class: "quiet", text: [one.project, one.text].filter(Boolean).join(" - ") }),
        element("p", { class: "quiet", text: [count(one.versions, "version"), count(one.invitees, "invitee"), state(one)].join(", ") })))));
    if (sessions.length === 0) list.append(element("li", { class: "quiet", text: "There are no review sessions yet." }));
  }

  return { root: root.node, update, onKey() {}, close() {} };
}

/** Makes the view of one session. `actions` has `open(versionId)`, `refresh()`, `getUserId()` and the element `live`. */
export function sessionView(actions) {
  const problem = element("p", { class: "review-problem", role: "alert", test: "session-problem" });
  const about = element("p", { class: "quiet", test: "session-about" });
  const shown = element("ul", { class: "shown", test: "session-versions" });
  const invitees = element("ul", { class: "invitees", test: "invitees" });
  const root = page("", "/#reviews", actions.live, about, problem, shown,
    element("section", {}, element("h2", { text: "Invited" }), invitees));
  let busy = false;
  let session = null;

  function update(next) {
    session = next;
    if (!session) {
      root.title.textContent = "No such review session";
      for (const node of [about, shown, invitees]) node.replaceChildren();
      return;
    }
    root.title.textContent = session.name;
    document.title = `${session.name} - Review`;
    about.textContent = [session.project, session.text, state(session)].filter(Boolean).join(" - ");
    shown.replaceChildren(...session.shown.map(card));
    if (session.shown.length === 0) shown.append(element("li", { class: "quiet", text: "No versions have been added yet." }));
    invitees.replaceChildren(...session.invitees.map(invitee));
    if (session.invitees.length === 0) invitees.append(element("li", { class: "quiet", text: "Nobody is invited yet." }));
  }

  function card(one) {
    const mine = one.answers.find(({ whoId }) => whoId === actions.getUserId());
    return element("li", { class: "shown-version", test: "session-version", data: { versionId: one.versionId } },
      element("a", { class: "picture", href: `/#slideEntityId=${one.versionId}&slideEntityType=assetversion`, test: "session-open",
        on: { click: (event) => { event.preventDefault(); actions.open(one.versionId); } } },
        one.thumbnailId ? element("img", { src: thumbnailAddress(one.thumbnailId, THUMBNAIL_SIZE), alt: "" })
          : element("span", { class: "no-picture", text: "No thumbnail" })),
      element("div", { class: "facts" },
        element("h2", {}, element("span", { class: "name", text: one.name }), element("span", { class: "version", text: one.version })),
        one.text ? element("p", { class: "comment", text: one.text }) : null,
        element("ul", { class: "given", test: "session-answers" }, one.answers.map((given) =>
          element("li", { class: given.status, title: fullDate(given.when), data: { status: given.status },
            text: `${given.who} ${ANSWERS.find(({ status }) => status === given.status)?.said ?? given.status}` }))),
        element("div", { class: "answers" }, ANSWERS.map((answer) => element("button", { type: "button", class: answer.className,
          test: answer.test, disabled: busy, "aria-pressed": String(mine?.status === answer.status), text: answer.name,
          on: { click: () => say(one, mine, answer.status) } })))));
  }

  function invitee(one) {
    return element("li", { class: "invitee", test: "invitee", data: { inviteeId: one.id } },
      element("span", { text: one.name }), element("span", { class: "quiet", text: one.email }),
      element("span", { class: "quiet", test: "invitee-sent", title: fullDate(one.sent), text: one.sent ? `invited ${ago(one.sent)}` : "not invited yet" }),
      element("button", { type: "button", class: "text-button", test: "invite", disabled: busy, text: one.sent ? "Invite again" : "Invite",
        on: { click: () => change({ action: "send_review_session_invite", review_session_invitee_id: one.id }) } }));
  }

  /** Everybody has one answer, the last one given. */
  function say(one, mine, status) {
    return change(mine
      ? { action: "update", entity_type: "ReviewSessionObjectStatus", entity_key: [mine.id],
        entity_data: { __entity_type__: "ReviewSessionObjectStatus", status } }
      : create("ReviewSessionObjectStatus", { id: newId(), review_session_object_id: one.id, resource_id: actions.getUserId(), status }));
  }

  async function change(operation) {
    busy = true;
    problem.textContent = "";
    update(session);
    try {
      await call([operation]);
    } catch (error) {
      problem.textContent = error.message;
    }
    busy = false;
    update(session);
    await actions.refresh();
  }

  return { root: root.node, update, onKey(event) { if (event.key === "Escape") location.hash = "reviews"; }, close() {} };
}

/** A page with a title, a way back, and content that scrolls. */
function page(name, backTo, live, ...content) {
  const title = element("h1", { text: name, test: "page-title" });
  const back = element("a", { class: "back", href: backTo, "aria-label": "Back", title: "Back", test: "back" }, icon("back"));
  const node = element("div", { class: "player-view", test: "session-page" },
    element("header", { class: "player-header" }, back, element("div", { class: "player-title" }, title), live),
    element("main", { class: "content" }, content));
  return { node, title };
}

function state(session) {
  if (!session.open) return "closed";
  return session.ends ? `open until ${fullDate(session.ends)}` : "open";
}

function count(number, what) {
  return number === 1 ? `1 ${what}` : `${number} ${what}s`;
}
