/** Short messages: seen below, and read out once. Control Z takes back the newest of what they tell that can be. */

import { element } from "./elements.js";

const SHOWN_SECONDS = 6;

export class Notices {
  #place;
  #spoken;
  #takes = [];

  constructor(place, spoken) {
    this.#place = place;
    this.#spoken = spoken;
    document.addEventListener("keydown", (event) => {
      const isUndo = event.key === "z" && (event.ctrlKey || event.metaKey) && !event.target.closest?.("input, dialog");
      if (!isUndo || this.#takes.length === 0) return;
      event.preventDefault();
      this.#takes.at(-1)();
    });
  }

  /** Read something out, and show nothing. */
  say(text) {
    // The same words twice are two messages; without a change between them the second would not be read.
    this.#spoken.textContent = "";
    setTimeout(() => (this.#spoken.textContent = text), 50);
  }

  /**
   * Show and read out a message for some seconds; while it has the focus, or the pointer is over it, for longer.
   * @param {string} text
   * @param {{action?: {label: string, act: () => void}, seconds?: number, over?: () => void}} options
   *   `over`: called when it goes without its action having been taken.
   * @returns {() => void} Takes it away at once, as if its time was over.
   */
  show(text, { action = null, seconds = SHOWN_SECONDS, over = () => undefined } = {}) {
    const notice = element("div", { class: "notice" }, element("p", { text }));
    let timer = null;
    const take = () => {
      end(true);
      action.act();
    };
    const end = (isTaken) => {
      clearTimeout(timer);
      if (!notice.isConnected) return;
      notice.remove();
      this.#takes = this.#takes.filter((known) => known !== take);
      if (!isTaken) over();
    };
    const wait = () => {
      clearTimeout(timer);
      timer = setTimeout(() => end(false), 1000 * seconds);
    };
    if (action !== null) {
      this.#takes.push(take);
      notice.append(
        element("button", { type: "button", class: "button quiet", text: action.label, on: { click: take } }),
      );
    }
    notice.addEventListener("pointerenter", () => clearTimeout(timer));
    notice.addEventListener("pointerleave", wait);
    notice.addEventListener("focusin", () => clearTimeout(timer));
    notice.addEventListener("focusout", wait);
    this.#place.append(notice);
    this.say(action === null ? text : `${text} ${action.label}: Control Z.`);
    wait();
    return () => end(false);
  }
}
