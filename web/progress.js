/** A bar that fills, with what is told beside it. */

import { element, say } from "./elements.js";

export class Progress {
  #bar;
  #text;

  /** @param {string} label What makes progress. */
  constructor(label) {
    this.#bar = element("progress", { class: "bar", max: 1, "aria-label": label });
    this.#text = element("p", { class: "detail" });
    this.element = element("div", { class: "progress" }, this.#bar, this.#text);
  }

  /**
   * @param {number|null} fraction Null where it is not known.
   * @param {string} text
   */
  show(fraction, text) {
    if (fraction === null) this.#bar.removeAttribute("value");
    else this.#bar.value = fraction;
    say(this.#text, text);
  }
}
