/** The keys of the player, for people: what each does, and whether letters and digits act wherever the focus is. */

import { element } from "./elements.js";

const PLACE = "rushes.letters";
const OFF = "off";
const KEYS = [
  ["Space or K", "Play, pause"],
  ["J, L", "10 seconds back, forward"],
  ["Left, Right", "5 seconds back, forward"],
  ["Up, Down", "Louder, quieter, with the focus on the film"],
  ["M", "Mute, unmute"],
  ["F", "Full screen"],
  ["0 to 9", "Jump to 0 % … 90 % of the video"],
];

/**
 * Whether letters and digits control the film wherever the focus is. Who speaks to the computer, or hits keys by
 * chance, may switch that off; with the focus on the film they act in any case.
 */
export function actEverywhere() {
  try {
    return localStorage.getItem(PLACE) !== OFF;
  } catch {
    return true;
  }
}

/** What each key does, with the switch. */
export function keysHelp() {
  const isOn = element("input", { type: "checkbox", checked: actEverywhere() });
  isOn.addEventListener("change", () => keep(isOn.checked));
  return element(
    "details",
    { class: "keyboard" },
    element("summary", { text: "Keys of the player" }),
    element(
      "dl",
      { class: "keys" },
      ...KEYS.flatMap(([key, does]) => [element("dt", { text: key }), element("dd", { text: does })]),
    ),
    element("label", { class: "switch" }, isOn, "Letters and digits act wherever the focus is"),
  );
}

function keep(isOn) {
  try {
    if (isOn) localStorage.removeItem(PLACE);
    else localStorage.setItem(PLACE, OFF);
  } catch {
    // a browser that keeps nothing forgets it with the page
  }
}
