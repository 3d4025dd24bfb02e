// A still: fitted to the window, or one image pixel to one screen pixel.

import { mediaAddress } from "./api.js";
import { element, iconButton } from "./dom.js";
import { problem } from "./media.js";

export function stillView(choices, { onProblem }) {
  let { component } = choices[0];
  const image = element("img", { class: "still", src: mediaAddress(component.id), alt: `Still ${component.name}`, test: "still" });
  const zoom = element("button", { type: "button", class: "text-button", test: "zoom", title: "Zoom (Z)", on: { click: toggle } });
  const quality = choices.length < 2 ? null : element("select", { "aria-label": "Resolution", title: "Resolution", test: "quality",
    on: { change: () => choose(choices[Number(quality.value)]) } },
    choices.map(({ component: one }, index) => element("option", { value: index, text: one.name.endsWith("-high") ? "High" : "Standard" })));
  const size = element("span", { class: "timecode", test: "still-size" });
  const stage = element("div", { class: "stage still-stage", tabindex: 0, "aria-label": "Picture" }, image);
  const root = element("div", { class: "player-box" }, stage,
    element("div", { class: "transport" }, element("div", { class: "control-row" },
      element("div", { class: "readout" }, size), element("div", { class: "buttons" }, zoom),
      element("div", { class: "options" }, quality, iconButton("fullscreen", "Full screen", "F", "fullscreen", toggleFullscreen)))));

  let full = false;
  let closed = false;
  image.addEventListener("dblclick", toggle);
  image.addEventListener("load", () => { size.textContent = `${image.naturalWidth} x ${image.naturalHeight}`; show(); });
  image.addEventListener("error", async () => {
    const status = await fetch(image.src, { method: "HEAD" }).then((answer) => answer.status, () => 0);
    if (closed) return;
    onProblem(status === 404
      ? problem("no-data", "No data on the server", `${component.name} is registered in ftrack.server, but no data are stored there. Upload the file again.`)
      : problem("media-error", "The picture cannot be shown", `${component.name} is no image the browser knows. JPEG and PNG are shown everywhere.`));
  });

  function choose(choice) {
    component = choice.component;
    image.src = mediaAddress(component.id);
    image.alt = `Still ${component.name}`;
  }

  function toggle() {
    full = !full;
    show();
  }

  function show() {
    stage.classList.toggle("full-size", full);
    // CSS pixels are not screen pixels on a dense screen.
    image.style.width = full ? `${image.naturalWidth / window.devicePixelRatio}px` : "";
    zoom.textContent = full ? "Fit" : "1:1";
    zoom.setAttribute("aria-label", full ? "Fit to the window" : "Show at full size");
  }

  function toggleFullscreen() {
    if (document.fullscreenElement) document.exitFullscreen();
    else root.requestFullscreen?.().catch(() => {});
  }

  function onKey(event) {
    const action = { z: toggle, f: toggleFullscreen }[event.key];
    if (!action) return;
    event.preventDefault();
    action();
  }

  show();
  return { root, onKey, close() { closed = true; } };
}
