// What a version consists of, and what is being made of it: all its components, and its encode jobs.

import { query } from "./api.js";
import { element } from "./dom.js";

const COMPONENT = "select id, name, file_type, size, system_type, component_locations.location.name from Component";
const JOB = "select id, status, data, created_at from Job";

// A job is of interest as long as somebody may wonder about it.
const JOBS = 100;

/** The expressions that `readParts` wants the answers to. */
export function partQueries(versionId) {
  return [
    `${COMPONENT} where version_id is "${versionId}" and container_id is none order by name`,
    `select id, members.name from SequenceComponent where version_id is "${versionId}"`,
    `${JOB} where status in ("queued", "running", "failed") order by created_at desc limit ${JOBS}`,
  ];
}

/** The parts of a version and its encode jobs. */
export function readParts([components, sequences, jobs]) {
  const members = new Map(sequences.map(({ id, members: frames }) => [id, frames.map(({ name }) => name)]));
  const parts = components.map((component) => ({
    id: component.id,
    name: component.name,
    type: component.file_type ?? "",
    kind: component.system_type,
    size: component.size,
    places: (component.component_locations ?? []).map((one) => one.location?.name).filter(Boolean),
    frames: members.get(component.id) ?? null,
  }));
  const ids = new Set(parts.map(({ id }) => id));
  return { parts, jobs: jobs.map(readJob).filter((job) => job && job.components.some((id) => ids.has(id))) };
}

/** The jobs among all that are encoding now. */
export async function loadRunning() {
  const [jobs] = await query(`${JOB} where status in ("queued", "running") order by created_at desc limit ${JOBS}`);
  return jobs.map(readJob).filter(Boolean);
}

function readJob({ id, status, data: text }) {
  try {
    const data = JSON.parse(text ?? "");
    if (!Array.isArray(data.output)) return null;
    return { id, status, error: data.error ?? "", components: [...data.output.map((one) => one.component_id), data.source_component_id] };
  } catch {
    // Jobs of clients hold what they like.
    return null;
  }
}

/** The section of the panel with all components. */
export function partsSection(parts) {
  if (parts.length === 0) return "";
  return element("section", { test: "components" }, element("h2", { text: "Components" }),
    element("ul", { class: "parts" }, parts.map((part) => element("li", { test: "component", data: { componentId: part.id } },
      element("span", { class: "part-name", text: `${part.name}${part.frames ? ` (${ranges(part.frames)})` : ""}` }),
      element("span", { class: "quiet", text: describe(part) })))));
}

/** The section of the panel with the jobs. */
export function jobsSection(jobs) {
  if (jobs.length === 0) return "";
  const words = { queued: "Waiting to be encoded", running: "Being encoded", failed: "Encoding failed" };
  return element("section", { test: "jobs" }, element("h2", { text: "Encoding" }),
    jobs.map((job) => element("p", { class: `job ${job.status}`, test: "job", data: { status: job.status } },
      job.status === "failed" ? null : element("span", { class: "spinner small", "aria-hidden": "true" }),
      words[job.status], job.error ? element("span", { class: "quiet", text: job.error }) : null)));
}

function describe(part) {
  const kind = part.frames ? `${part.frames.length} files` : part.kind === "container" ? "container" : part.type;
  return [kind, bytes(part.size), part.places.join(", ") || "no location"].filter(Boolean).join(", ");
}

/** "1001-1003, 1005" of the names of a sequence's members. */
export function ranges(names) {
  const numbers = names.map(Number).filter(Number.isInteger).sort((one, other) => one - other);
  const found = [];
  for (const number of numbers) {
    const last = found.at(-1);
    if (last && number <= last[1] + 1) last[1] = number;
    else found.push([number, number]);
  }
  return found.map(([from, to]) => (from === to ? `${from}` : `${from}-${to}`)).join(", ");
}

export function bytes(size) {
  if (!size) return "";
  const step = Math.min(3, Math.floor(Math.log(size) / Math.log(1024)));
  const number = size / 1024 ** step;
  return `${step === 0 || number >= 100 ? Math.round(number) : number.toFixed(1)} ${["bytes", "KiB", "MiB", "GiB"][step]}`;
}
