// What of a version's components can be reviewed, and when nothing can: why, in words.

const SERVER_LOCATION = "3a372bde-05bc-11e4-8908-20c9d081909b";

// The names ftrack's player knows, best picture first.
const MOVIES = ["ftrackreview-mp4-2160", "ftrackreview-mp4-1440", "ftrackreview-mp4-1080", "ftrackreview-mp4", "ftrackreview-webm"];
const STILLS = ["ftrackreview-image-high", "ftrackreview-image"];

/**
 * Looks at the components of a version. Returns `kind` ("movie", "pdf", "still" or "problem") and either `choices`
 * (component and meta, best first; for a PDF also `image`, the id of its picture or null) or `problem` (code, title, text).
 */
export function examine(components) {
  for (const [kind, names] of [["movie", MOVIES], ["pdf", []], ["still", STILLS]]) {
    // A PDF has no name of its own: its ftr_meta says that it is one.
    const named = kind === "pdf" ? components.filter(isPdf) : names.flatMap((name) => components.filter((component) => component.name === name));
    if (named.length === 0) continue;
    if (kind === "pdf") return examinePdf(components, named);
    const judged = named.map((component) => judge(component, kind));
    const choices = judged.filter((one) => !one.problem);
    return choices.length > 0 ? { kind, choices } : { kind: "problem", problem: judged.at(-1).problem };
  }
  return { kind: "problem", problem: nothingReviewable(components) };
}

function isPdf(component) {
  const { value } = parse(metaText(component) ?? "");
  return value?.format === "pdf";
}

function examinePdf(components, named) {
  const stored = named.filter((component) => component.component_locations?.some((one) => one.location_id === SERVER_LOCATION));
  if (stored.length === 0) return { kind: "problem", problem: judge(named[0], "still").problem };
  const images = STILLS.flatMap((name) => components.filter((component) => component.name === name && !judge(component, "still").problem));
  return { kind: "pdf", choices: stored.map((component) => ({ component, meta: {} })), image: images[0]?.id ?? null };
}

function metaText(component) {
  return component.metadata?.find((entry) => entry.key === "ftr_meta")?.value;
}

function judge(component, kind) {
  const text = metaText(component);
  if (text?.trim() === "encoding") {
    return { problem: problem("encoding", "Still being encoded",
      `The server is making ${component.name} now. It is shown here as soon as it is there.`) };
  }
  const locations = component.component_locations ?? [];
  if (!locations.some((one) => one.location_id === SERVER_LOCATION)) {
    const where = locations.map((one) => one.location?.name ?? one.location_id).join(", ") || "no location at all";
    return { problem: problem("not-stored", "Not on the server",
      `${component.name} is registered in ${where}. The player reads only from ftrack.server: upload the file and ` +
      `create its ComponentLocation there.`) };
  }
  if (text === undefined) {
    return { problem: problem("no-ftr-meta", "No ftr_meta",
      `${component.name} has no metadata ftr_meta, so its frames cannot be counted. ` +
      `Add it as JSON text: ${example(kind)}`) };
  }
  const read = kind === "movie" ? readMovie(text) : readStill(text);
  if (read.error) {
    return { problem: problem("bad-ftr-meta", "ftr_meta is not right",
      `The ftr_meta of ${component.name} ${read.error}. It reads ${shorten(text)} and should be like ${example(kind)}`) };
  }
  return { component, meta: read.meta };
}

function nothingReviewable(components) {
  if (components.length === 0) {
    return problem("no-media", "No media",
      "This version has no components yet. Publish a movie as ftrackreview-mp4 or a still as ftrackreview-image.");
  }
  const names = components.map((component) => component.name).join(", ");
  return problem("no-media", "Nothing to review",
    `None of this version's components (${names}) has a name the player knows: ftrackreview-mp4 for a movie, ` +
    `ftrackreview-image for a still.`);
}

function readMovie(text) {
  const { value, error } = parse(text);
  if (error) return { error };
  for (const key of ["frameIn", "frameOut", "frameRate"]) {
    if (!Number.isFinite(value[key])) return { error: `has no number ${key}` };
  }
  if (value.frameRate <= 0) return { error: `has the frame rate ${value.frameRate}` };
  if (value.frameOut < value.frameIn) return { error: `ends (frameOut ${value.frameOut}) before it begins (frameIn ${value.frameIn})` };
  return { meta: {
    first: Math.round(value.frameIn),
    frames: Math.round(value.frameOut) - Math.round(value.frameIn) + 1,
    rate: value.frameRate,
    width: value.width,
    height: value.height,
  } };
}

function readStill(text) {
  const { value, error } = parse(text);
  if (error) return { error };
  if (value.format !== "image") return { error: `has the format ${JSON.stringify(value.format) ?? "(none)"}` };
  return { meta: { width: value.width, height: value.height } };
}

function parse(text) {
  try {
    const value = JSON.parse(text);
    if (value && typeof value === "object" && !Array.isArray(value)) return { value };
    return { error: "is no JSON object" };
  } catch (error) {
    return { error: `is no JSON (${error.message})` };
  }
}

/** The browser's media error in words. `status` is the HTTP status of asking for the media again. */
export function explainMediaError(error, component, status) {
  if (status === 404) {
    return problem("no-data", "No data on the server",
      `${component.name} is registered in ftrack.server, but no data are stored there. Upload the file again.`);
  }
  if (status === 401 || status === 403) {
    return problem("signed-out", "Signed out", "Your session is over. Reload the page to sign in again.");
  }
  const words = {
    1: ["Loading was stopped", "The browser stopped loading the media. Reload the page."],
    2: ["The connection broke", "The network failed while the media were loading. Reload the page when the server is back."],
    3: ["The picture cannot be decoded", "The browser began to play and met data it cannot decode: the file is damaged, or has a " +
      "profile or pixel format it does not know. H.264 High with yuv420p plays everywhere."],
    4: ["The browser cannot play this file", "It is no movie the browser knows, or its codec is not supported (ProRes, DNxHD and " +
      "often HEVC are not). H.264 in MP4 plays everywhere."],
  };
  const [title, text] = words[error?.code] ?? ["The media do not play", "The browser gave no reason."];
  const detail = error?.message ? ` The browser says: ${error.message}` : "";
  return problem("media-error", title, `${component.name}: ${text}${detail}`);
}

/** What the file and its ftr_meta disagree about: it plays, and frame numbers may be wrong. */
export function disagreements(meta, video) {
  const found = [];
  const seconds = meta.frames / meta.rate;
  if (Number.isFinite(video.duration) && Math.abs(video.duration - seconds) > 0.75 / meta.rate) {
    found.push(`ftr_meta says ${meta.frames} frames at ${meta.rate} (${seconds.toFixed(3)} s), the movie lasts ` +
      `${video.duration.toFixed(3)} s. frameOut is the last frame, so 24 frames are 0 to 23.`);
  }
  if (meta.width && meta.height && (meta.width !== video.videoWidth || meta.height !== video.videoHeight)) {
    found.push(`ftr_meta says ${meta.width} x ${meta.height}, the picture is ${video.videoWidth} x ${video.videoHeight}.`);
  }
  return found;
}

export function problem(code, title, text) {
  return { code, title, text };
}

function example(kind) {
  return kind === "movie"
    ? '{"frameIn": 0, "frameOut": 23, "frameRate": 24, "width": 1920, "height": 1080}'
    : '{"format": "image", "width": 1920, "height": 1080}';
}

function shorten(text) {
  return text.length > 120 ? `${text.slice(0, 120)}...` : text || "(nothing)";
}
