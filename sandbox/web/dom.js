// Building elements. Text always goes in as text, so nothing that comes from the server is ever read as markup.

const ICONS = {
  play: "M7 4.5v15l13-7.5z",
  pause: "M6 5h4v14H6zM14 5h4v14h-4z",
  stepBack: "M5 5h3v14H5zM20 5v14L9.500 12z",
  stepForward: "M16 5h3v14h-3zM4 5v14l10.500-7z",
  toStart: "M4 5h2.500v14H4zM13.500 5v14L7 12zM21 5v14l-6.500-7z",
  toEnd: "M17.500 5H20v14h-2.500zM10.500 5v14l6.500-7zM3 5v14l6.500-7z",
  loop: "M7 6h9V3l5 4.500-5 4.500V9H8v4H5V8a2 2 0 0 1 2-2zm10 12H8v3l-5-4.500L8 12v3h8v-4h3v5a2 2 0 0 1-2 2z",
  fullscreen: "M4 4h6v2.500H6.500V10H4zM14 4h6v6h-2.500V6.500H14zM4 14h2.500v3.500H10V20H4zM17.500 14H20v6h-6v-2.500h3.500z",
  back: "M14.500 5 16.500 7l-5 5 5 5-2 2-7-7z",
  note: "M4 4h16v12H9l-5 4.500z",
  link: "M10 7H7a5 5 0 0 0 0 10h3v-2.500H7a2.500 2.500 0 0 1 0-5h3zm4 0v2.500h3a2.500 2.500 0 0 1 0 5h-3V17h3a5 5 0 0 0 0-10zM8 10.800h8v2.400H8z",
};

/**
 * An element. In `properties`, `text` is its text, `on` its listeners, `data` its data attributes, `test` its
 * data-testid; everything else is an attribute, left out when false, null or undefined.
 */
export function element(tag, properties = {}, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(properties)) {
    if (name === "text") node.textContent = value;
    else if (name === "on") Object.entries(value).forEach(([type, listener]) => node.addEventListener(type, listener));
    else if (name === "data") Object.assign(node.dataset, value);
    else if (name === "test") node.dataset.testid = value;
    else if (value !== false && value !== null && value !== undefined) node.setAttribute(name, value === true ? "" : value);
  }
  node.append(...children.flat().filter((child) => child !== null && child !== undefined && child !== false));
  return node;
}

export function icon(name) {
  const space = "http://www.w3.org/2000/svg";
  const svg = document.createElementNS(space, "svg");
  svg.setAttribute("viewBox", "0 0 24 24");
  svg.setAttribute("aria-hidden", "true");
  const path = document.createElementNS(space, "path");
  path.setAttribute("d", ICONS[name]);
  svg.append(path);
  return svg;
}

/** A button with an icon; `label` is its name for assistive technology and its tooltip, `keys` its keyboard short cut. */
export function iconButton(name, label, keys, test, onClick) {
  const title = keys ? `${label} (${keys})` : label;
  return element("button", { type: "button", class: "icon-button", "aria-label": label, title, test, on: { click: onClick } }, icon(name));
}

/** A status with its colour. */
export function statusChip(status) {
  if (!status) return null;
  const dot = element("span", { class: "dot" });
  if (/^#[0-9a-f]{3,8}$/i.test(status.color ?? "")) dot.style.backgroundColor = status.color;
  return element("span", { class: "status", test: "status" }, dot, status.name ?? "");
}
