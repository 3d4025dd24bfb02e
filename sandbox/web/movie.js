// The movie player. Frames are counted from 0 inside and shown from 1; a frame is reached by seeking to its middle,
// (n + 0.5) / rate, where rounding cannot end up in a neighbour.

import { mediaAddress } from "./api.js";
import { element, icon, iconButton } from "./dom.js";
import { disagreements, explainMediaError, problem } from "./media.js";

const RATES = [0.25, 0.5, 1, 1.5, 2];

// More ticks than this are a grey bar.
const MOST_TICKS = 240;

/**
 * Makes a player for the choices of one version (component and meta, best first). `onProblem` is called when it turns
 * out not to play, `onNotices` with what the file and its ftr_meta disagree about, `onFrame` when another frame is on screen.
 */
export function moviePlayer(choices, { onProblem, onNotices, onFrame: onShown }) {
  let { component, meta } = choices[0];
  let shown = 0; // the frame on screen, or on its way there
  let wanted = null; // the frame being sought
  let retried = null; // the frame that was sought a second time
  let closed = false;

  const video = element("video", { playsinline: true, preload: "auto", test: "video", src: mediaAddress(component.id) });
  video.loop = true;

  const scrub = element("input", { type: "range", class: "scrub", min: 0, step: 1, "aria-label": "Frame", test: "scrub",
    on: { input: () => seek(Number(scrub.value)) } });
  const ticks = element("div", { class: "ticks", "aria-hidden": "true" });
  const counter = element("output", { class: "counter", test: "frame-counter" });
  const timecode = element("span", { class: "timecode", title: "Timecode (hours, minutes, seconds, frames)", test: "timecode" });
  const playButton = iconButton("play", "Play", "Space", "play", toggle);
  const loopButton = iconButton("loop", "Loop", "L", "loop", toggleLoop);
  const rateSelect = element("select", { "aria-label": "Playback rate", title: "Playback rate ([ and ])", test: "rate",
    on: { change: () => { video.playbackRate = Number(rateSelect.value); } } },
    RATES.map((rate) => element("option", { value: rate, text: `${rate}x`, selected: rate === 1 })));
  const quality = choices.length < 2 ? null : element("select", { "aria-label": "Resolution", title: "Resolution", test: "quality",
    on: { change: () => choose(choices[Number(quality.value)]) } },
    choices.map((choice, index) => element("option", { value: index, text: qualityName(choice) })));

  const controls = element("div", { class: "transport", test: "transport" },
    element("div", { class: "scrub-row" }, ticks, scrub),
    element("div", { class: "control-row" },
      element("div", { class: "readout" }, counter, timecode),
      element("div", { class: "buttons" },
        iconButton("toStart", "First frame", "Home", "first-frame", () => stepTo(0)),
        iconButton("stepBack", "Previous frame", "Left arrow or ,", "step-back", () => stepTo(shown - 1)),
        playButton,
        iconButton("stepForward", "Next frame", "Right arrow or .", "step-forward", () => stepTo(shown + 1)),
        iconButton("toEnd", "Last frame", "End", "last-frame", () => stepTo(meta.frames - 1))),
      element("div", { class: "options" }, quality, rateSelect, loopButton,
        iconButton("fullscreen", "Full screen", "F", "fullscreen", toggleFullscreen))));
  const root = element("div", { class: "player-box" }, element("div", { class: "stage" }, video), controls);

  video.addEventListener("click", toggle);
  video.addEventListener("play", showPlaying);
  video.addEventListener("pause", showPlaying);
  video.addEventListener("ended", () => show(meta.frames - 1));
  video.addEventListener("seeked", onSeeked);
  video.addEventListener("loadedmetadata", onLoaded);
  video.addEventListener("error", onError);
  if (video.requestVideoFrameCallback) {
    video.requestVideoFrameCallback(onFrame);
  } else {
    video.addEventListener("timeupdate", () => {
      if (wanted === null) show(Math.floor(video.currentTime * meta.rate + 1e-6));
    });
  }

  function onFrame(_now, frame) {
    // While a seek is under way the counter already stands on its goal; word of the frame before may still come after it.
    const stale = video.paused && Math.abs(frame.mediaTime - video.currentTime) > 1 / meta.rate;
    if (wanted === null && !stale) show(Math.round(frame.mediaTime * meta.rate));
    if (!closed) video.requestVideoFrameCallback(onFrame);
  }

  function onLoaded() {
    if (video.videoWidth === 0) {
      onProblem(problem("no-picture", "No picture in this file",
        `The browser finds no picture it can show in ${component.name}: its video codec is not supported, or there is ` +
        `only sound. H.264 in MP4 plays everywhere.`));
      return;
    }
    onNotices(disagreements(meta, video));
    seek(shown);
  }

  async function onError() {
    const error = video.error;
    const status = await fetch(mediaAddress(component.id), { method: "HEAD" }).then((answer) => answer.status, () => 0);
    if (!closed) onProblem(explainMediaError(error, component, status));
  }

  function seek(frame) {
    wanted = Math.max(0, Math.min(frame, meta.frames - 1));
    show(wanted);
    if (!video.seeking) video.currentTime = middle(wanted);
  }

  // Scrubbing asks for more frames than can be sought: only the latest one is gone for.
  function onSeeked() {
    if (wanted === null) return;
    if (Math.abs(video.currentTime - middle(wanted)) > 0.1 / meta.rate && wanted !== retried) {
      retried = wanted;
      video.currentTime = middle(wanted);
    } else {
      wanted = null;
      retried = null;
    }
  }

  function stepTo(frame) {
    video.pause();
    seek(frame);
  }

  function middle(frame) {
    return (frame + 0.5) / meta.rate;
  }

  function toggle() {
    if (!video.paused) {
      video.pause();
      return;
    }
    // Refused when the media do not play, which the error event explains.
    video.play().catch(() => {});
  }

  function toggleLoop() {
    video.loop = !video.loop;
    showPlaying();
  }

  function toggleFullscreen() {
    if (document.fullscreenElement) document.exitFullscreen();
    else root.requestFullscreen?.().catch(() => {});
  }

  function changeRate(direction) {
    const index = Math.max(0, Math.min(RATES.indexOf(video.playbackRate) + direction, RATES.length - 1));
    rateSelect.value = RATES[index];
    video.playbackRate = RATES[index];
  }

  function choose(choice) {
    const playing = !video.paused;
    const rate = video.playbackRate;
    ({ component, meta } = choice);
    video.src = mediaAddress(component.id);
    video.playbackRate = rate;
    prepare();
    if (playing) video.play().catch(() => {});
  }

  function prepare() {
    scrub.max = meta.frames - 1;
    ticks.style.setProperty("--gaps", meta.frames <= MOST_TICKS ? Math.max(1, meta.frames - 1) : 0);
    ticks.hidden = meta.frames > MOST_TICKS;
    show(Math.min(shown, meta.frames - 1));
    showPlaying();
  }

  function show(frame) {
    shown = Math.max(0, Math.min(frame, meta.frames - 1));
    const text = `frame ${shown + 1} / ${meta.frames}`;
    scrub.value = shown;
    scrub.style.setProperty("--done", meta.frames > 1 ? shown / (meta.frames - 1) : 0);
    scrub.setAttribute("aria-valuetext", text);
    counter.dataset.frame = shown;
    counter.textContent = text;
    // A clip that begins at 1001 is spoken of in its own numbers.
    if (meta.first > 1) counter.append(element("span", { class: "source-frame", title: "Source frame", text: String(meta.first + shown) }));
    timecode.textContent = toTimecode(shown, meta.rate);
    onShown?.();
  }

  /** What a viewer calls the frame with this number in the movie's own counting. */
  function label(frame) {
    return meta.first > 1 ? frame : frame - meta.first + 1;
  }

  function showPlaying() {
    const playing = !video.paused;
    playButton.replaceChildren(icon(playing ? "pause" : "play"));
    playButton.setAttribute("aria-label", playing ? "Pause" : "Play");
    playButton.classList.toggle("playing", playing);
    loopButton.setAttribute("aria-pressed", String(video.loop));
  }

  function onKey(event) {
    const keys = {
      " ": toggle, k: toggle, ",": () => stepTo(shown - 1), ".": () => stepTo(shown + 1),
      ArrowLeft: () => stepTo(shown - 1), ArrowRight: () => stepTo(shown + 1),
      Home: () => stepTo(0), End: () => stepTo(meta.frames - 1),
      l: toggleLoop, f: toggleFullscreen, "[": () => changeRate(-1), "]": () => changeRate(1),
    };
    const action = keys[event.key];
    // A focused select keeps its own keys; a focused button keeps the space bar.
    if (!action || event.target.closest("select") || (event.key === " " && event.target.closest("button, a"))) return;
    event.preventDefault();
    action();
  }

  function close() {
    closed = true;
    video.pause();
    video.removeAttribute("src");
    video.load();
  }

  prepare();
  return { root, onKey, close, label, frame: () => meta.first + shown, show: (frame) => stepTo(frame - meta.first), pause: () => video.pause() };
}

/** Hours, minutes, seconds and frames, without drop frames: 23.976 counts in 24s. */
export function toTimecode(frame, rate) {
  const base = Math.max(1, Math.round(rate));
  const seconds = Math.floor(frame / base);
  const two = (number) => String(number).padStart(2, "0");
  return [Math.floor(seconds / 3600), Math.floor(seconds / 60) % 60, seconds % 60, frame % base].map(two).join(":");
}

function qualityName({ component, meta }) {
  if (component.name.endsWith("-webm")) return "WebM";
  return `${/-(\d+)$/.exec(component.name)?.[1] ?? meta.height ?? 720}p`;
}
