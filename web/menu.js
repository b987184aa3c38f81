/** A button with a few further things to do behind it. */

import { element, icon } from "./elements.js";

let made = 0;

/**
 * Make the button and its menu.
 * @param {string} label What the menu is about, for who can't see where the button stands.
 * @param {() => {label: string, act?: () => void, href?: string, isDangerous?: boolean}[]} entries Asked each time.
 */
export function menu(label, entries) {
  made += 1;
  const id = `menu-${made}`;
  const list = element("div", { id, class: "menu", popover: "auto" });
  const button = element(
    "button",
    { class: "button icon-only", type: "button", popovertarget: id, "aria-label": label },
    icon("more"),
  );
  list.addEventListener("beforetoggle", (event) => {
    if (event.newState === "open") list.replaceChildren(...entries().map((entry) => entryOf(entry, list)));
  });
  const placeAgain = () => place(list, button);
  list.addEventListener("toggle", (event) => {
    window.removeEventListener("resize", placeAgain);
    if (event.newState !== "open") return;
    window.addEventListener("resize", placeAgain); // a phone that is turned
    placeAgain();
    list.querySelector("a, button")?.focus();
  });
  list.addEventListener("keydown", (event) => move(event, list));
  return element("div", { class: "menu-place" }, button, list);
}

function entryOf({ label, act, href, isDangerous }, list) {
  const look = isDangerous ? "menu-entry dangerous" : "menu-entry";
  const close = () => list.hidePopover();
  if (href) return element("a", { class: look, href, text: label, download: true, on: { click: close } });
  const take = () => {
    close();
    act();
  };
  return element("button", { class: look, type: "button", text: label, on: { click: take } });
}

/** Below the button, or above it, and always on the screen. */
function place(list, button) {
  const at = button.getBoundingClientRect();
  const { width, height } = list.getBoundingClientRect();
  const left = Math.max(8, Math.min(at.right - width, window.innerWidth - width - 8));
  const top = at.bottom + 4 + height > window.innerHeight ? Math.max(8, at.top - height - 4) : at.bottom + 4;
  list.style.left = `${left}px`;
  list.style.top = `${top}px`;
}

function move(event, list) {
  const all = [...list.querySelectorAll("a, button")];
  const now = all.indexOf(document.activeElement);
  const wanted = { ArrowDown: now + 1, ArrowUp: now - 1, Home: 0, End: -1 }[event.key];
  if (wanted === undefined) return;
  event.preventDefault();
  all.at(wanted % all.length).focus();
}
