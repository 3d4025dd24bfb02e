// Projects and versions: the queries, and what the page wants to know of their answers.

import { displayName, query } from "./api.js";
import { examine } from "./media.js";
import { partQueries, readParts } from "./parts.js";

const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;

const VERSION =
  "select id, version, comment, date, is_published, thumbnail_id, link, asset.name, asset.type.name, task.name, " +
  "user.first_name, user.last_name, user.username, status.name, status.color from AssetVersion";

const WORKFLOW = "project.project_schema.asset_version_workflow_schema.statuses";
const STATUSES = `select ${WORKFLOW}.name, ${WORKFLOW}.color from AssetVersion`;

const COMPONENT =
  "select id, name, file_type, size, version_id, metadata.key, metadata.value, component_locations.location_id, " +
  "component_locations.location.name from FileComponent";

const NOTE =
  "select id, content, date, frame_number, author.first_name, author.last_name, author.username, note_label_links.label.name, " +
  "note_components.component.id, note_components.component.name, note_components.component.file_type, replies.content, " +
  "replies.date, replies.author.first_name, replies.author.last_name, replies.author.username from Note";

// Long lists of ids are refused by real servers; 200 are known to pass.
const IDS_IN_A_QUERY = 200;

export function isId(text) {
  return UUID.test(text ?? "");
}

export async function loadProjects() {
  const [projects] = await query("select id, name, full_name from Project order by full_name");
  return projects.map((project) => ({ id: project.id, name: project.full_name || project.name }));
}

/** The newest `limit` published versions of a project, or of all when `projectId` is null. */
export async function loadVersions(projectId, limit) {
  const scope = projectId ? ` and project_id is "${projectId}"` : "";
  const [found] = await query(`${VERSION} where is_published is True${scope} order by date desc, version desc limit ${limit}`);
  return withMedia(found);
}

/** One version with its media, its notes and the statuses it may have; null when there is none with this id. */
export async function loadVersion(id) {
  const [found, notes, workflows, ...parts] = await query(`${VERSION} where id is "${id}"`,
    `${NOTE} where parent_id is "${id}" order by date desc`, `${STATUSES} where id is "${id}"`, ...partQueries(id));
  const [version] = await withMedia(found);
  if (!version) return null;
  const statuses = workflows[0]?.project?.project_schema?.asset_version_workflow_schema?.statuses ?? [];
  return { ...version, ...readParts(parts), statuses, notes: notes.map(describeNote) };
}

function describeNote(note) {
  return {
    id: note.id,
    text: note.content ?? "",
    frame: note.frame_number ?? null,
    who: displayName(note.author),
    when: parseDate(note.date),
    labels: (note.note_label_links ?? []).map((link) => link.label?.name).filter(Boolean),
    files: (note.note_components ?? []).map(({ component }) => ({ id: component.id, name: component.name, type: component.file_type ?? "" })),
    replies: (note.replies ?? []).map((reply) => ({ text: reply.content ?? "", who: displayName(reply.author), when: parseDate(reply.date) })),
  };
}

/** Adds the components, asked for all versions at once. */
async function withMedia(found) {
  if (found.length === 0) return [];
  const questions = [];
  for (let at = 0; at < found.length; at += IDS_IN_A_QUERY) {
    const ids = found.slice(at, at + IDS_IN_A_QUERY).map((version) => `"${version.id}"`);
    questions.push(`${COMPONENT} where version_id in (${ids.join(", ")})`);
  }
  const components = (await query(...questions)).flat();
  const byVersion = Map.groupBy(components, (component) => component.version_id);
  return found.map((version) => describe(version, byVersion.get(version.id) ?? []));
}

function describe(version, components) {
  const link = version.link ?? [];
  return {
    id: version.id,
    asset: version.asset?.name ?? "",
    assetType: version.asset?.type?.name ?? "",
    number: version.version,
    label: `v${String(version.version).padStart(3, "0")}`,
    comment: version.comment ?? "",
    who: displayName(version.user),
    when: parseDate(version.date),
    status: version.status,
    project: link.find((step) => step.type === "Project")?.name ?? "",
    path: [...link.filter((step) => step.type === "TypedContext").map((step) => step.name), version.task?.name]
      .filter((name, index, all) => name && name !== all[index - 1]),
    thumbnailId: version.thumbnail_id,
    components,
    media: examine(components),
  };
}

/** The server's dates are naive and in UTC unless they say otherwise. */
export function parseDate(wrapped) {
  const text = wrapped?.value ?? wrapped;
  if (!text) return null;
  const date = new Date(/[zZ]|[+-]\d\d:?\d\d$/.test(text) ? text : `${text}Z`);
  return Number.isNaN(date.getTime()) ? null : date;
}

/** "5 minutes ago" for what is recent, a date for the rest. */
export function ago(date) {
  if (!date) return "";
  const seconds = (Date.now() - date.getTime()) / 1000;
  const relative = new Intl.RelativeTimeFormat("en", { numeric: "auto" });
  if (seconds < 60) return "just now";
  if (seconds < 3600) return relative.format(-Math.floor(seconds / 60), "minute");
  if (seconds < 86400) return relative.format(-Math.floor(seconds / 3600), "hour");
  if (seconds < 7 * 86400) return relative.format(-Math.floor(seconds / 86400), "day");
  return date.toLocaleDateString("en", { day: "numeric", month: "short", year: "numeric" });
}

export function fullDate(date) {
  return date ? date.toLocaleString("en", { dateStyle: "medium", timeStyle: "short" }) : "";
}
