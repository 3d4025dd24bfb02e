// A PDF: in the browser's own viewer, or as the image that was published beside it where the browser has none.

import { mediaAddress } from "./api.js";
import { element } from "./dom.js";

/** Makes a view of a PDF. `choices` is the PDF, `image` the id of a component with a picture of it, or null. */
export function pdfView({ choices, image }) {
  const { component } = choices[0];
  const address = mediaAddress(component.id);
  const canView = navigator.pdfViewerEnabled !== false;
  const stage = element("div", { class: "stage pdf-stage" });
  const swap = element("button", { type: "button", class: "text-button", test: "pdf-swap", on: { click: () => show(!viewing) } });
  const root = element("div", { class: "player-box" }, stage,
    element("div", { class: "transport" }, element("div", { class: "control-row" },
      element("div", { class: "readout" }, element("span", { class: "timecode", text: `${component.name}${component.file_type ?? ""}` })),
      element("div", { class: "buttons" }, swap),
      element("div", { class: "options" },
        element("a", { class: "text-button", href: address, target: "_blank", rel: "noopener", test: "pdf-open", text: "Open" })))));

  let viewing = false;

  function show(inViewer) {
    viewing = inViewer;
    swap.hidden = !(canView && image);
    swap.textContent = viewing ? "Show the image" : "Show the PDF";
    stage.replaceChildren(viewing ? element("iframe", { class: "pdf", src: address, title: component.name, test: "pdf" })
      : image ? element("img", { class: "still", src: mediaAddress(image), alt: `First page of ${component.name}`, test: "pdf-image" })
        : element("p", { class: "quiet", test: "pdf-none", text: "This browser shows no PDF, and no image was published with it. Open it in another program." }));
    stage.classList.toggle("still-stage", !viewing);
  }

  show(canView);
  return { root, onKey() {}, close() {} };
}
