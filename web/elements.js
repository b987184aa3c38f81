/** Elements, made in one call. Text is set as text, so nothing that a person named can become markup. */

const SVG = "http://www.w3.org/2000/svg";

/**
 * Make an element.
 * @param {string} tag
 * @param {object} properties `class`, `text`, `on` (listeners by event), `data` (dataset); the others are attributes,
 *   of which those that are false, null or undefined are left out.
 * @param {...(Node|string|null|undefined|false)} children
 */
export function element(tag, properties = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(properties)) {
    if (name === "on") {
      for (const [event, listener] of Object.entries(value)) made.addEventListener(event, listener);
    } else if (name === "data") {
      Object.assign(made.dataset, value);
    } else if (name === "text") {
      made.textContent = value;
    } else if (value !== false && value !== null && value !== undefined) {
      made.setAttribute(name, value === true ? "" : String(value));
    }
  }
  made.append(...children.filter((child) => child !== null && child !== undefined && child !== false));
  return made;
}

const ICONS = {
  play: "M8 5.2v13.6c0 .8.9 1.3 1.5.8l10-6.8c.6-.4.6-1.2 0-1.6l-10-6.8c-.6-.5-1.5 0-1.5.8z",
  more: "M12 7a1.8 1.8 0 1 0 0-3.6A1.8 1.8 0 0 0 12 7zm0 6.8a1.8 1.8 0 1 0 0-3.6 1.8 1.8 0 0 0 0 3.6zm0 6.8a1.8 1.8 0 1 0 0-3.6 1.8 1.8 0 0 0 0 3.6z",
  upload:
    "M11 15.5V7.8L8.2 10.6 6.8 9.2 12 4l5.2 5.2-1.4 1.4L13 7.8v7.7zM5 20c-.6 0-1-.4-1-1v-4h2v3h12v-3h2v4c0 .6-.4 1-1 1z",
  back: "M10.8 19 4 12l6.8-7 1.4 1.4L7.7 11H20v2H7.7l4.5 4.6z",
  failed: "M12 2.5 1.7 20.5h20.6zM11 9h2v6h-2zm0 7.5h2v2h-2z",
  search: "m20.3 21.7-6-6A6.9 6.9 0 1 1 15.7 14.300l6 6zM10.100 15a5 5 0 1 0 0-10 5 5 0 0 0 0 10z",
  remove: "m6.4 5 5.6 5.6L17.600 5 19 6.400 13.400 12l5.600 5.600-1.400 1.400-5.600-5.600L6.400 19 5 17.600 10.600 12 5 6.400z",
  done: "m9.5 18.200-5.700-5.700 1.500-1.500 4.200 4.200 9.200-9.200 1.500 1.500z",
  film: "M4 4h16c.6 0 1 .4 1 1v14c0 .6-.4 1-1 1H4c-.6 0-1-.4-1-1V5c0-.6.4-1 1-1zm1 2v2h2V6zm0 5v2h2v-2zm0 5v2h2v-2zM17 6v2h2V6zm0 5v2h2v-2zm0 5v2h2v-2zM9 6v5h6V6zm0 7v5h6v-5z",
};

/** A small picture beside words; it says nothing by itself. */
export function icon(name) {
  const made = document.createElementNS(SVG, "svg");
  made.setAttribute("viewBox", "0 0 24 24");
  made.setAttribute("aria-hidden", "true");
  made.classList.add("icon");
  const path = document.createElementNS(SVG, "path");
  path.setAttribute("d", ICONS[name]);
  made.append(path);
  return made;
}

/** Set text only where it changes, so that a selection and a screen reader are left alone. */
export function say(node, text) {
  if (node.textContent !== text) node.textContent = text;
}
