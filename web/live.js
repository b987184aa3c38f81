/** Keeps what is shown true: asks the service now and then, seldom where nothing happens, not at all where nobody looks. */

import { Away, Problem } from "./api.js";
import { isOnItsWay } from "./library.js";

const BUSY_MILLISECONDS = 1000;
const LIST_MILLISECONDS = 5000;
const IDLE_MILLISECONDS = 15000;
const LONGEST_MILLISECONDS = 20000;
const MOST_ASKED = 6;

/** Fires `away` and `back` when the service can't be reached, and when it can again. */
export class Live extends EventTarget {
  #library;
  #uploads;
  #timer = null;
  #failures = 0;
  #listed = 0;
  #next = 0;
  #isOn = false;
  #watched = null;

  constructor(library, uploads) {
    super();
    this.#library = library;
    this.#uploads = uploads;
    document.addEventListener("visibilitychange", () => this.soon());
    window.addEventListener("online", () => this.soon());
    window.addEventListener("offline", () => this.#failed());
  }

  start() {
    this.#isOn = true;
    this.#wait(BUSY_MILLISECONDS);
  }

  stop() {
    this.#isOn = false;
    clearTimeout(this.#timer);
  }

  /** Ask after this video as well, whatever the list shows; null for none. */
  watch(id) {
    this.#watched = id;
    if (id !== null) this.soon();
  }

  /** Ask at once: somebody has done something. */
  soon() {
    if (!this.#isOn || document.hidden) return;
    this.#listed = 0;
    this.#wait(0);
  }

  #wait(milliseconds) {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#turn(), milliseconds);
  }

  async #turn() {
    if (!this.#isOn || document.hidden) return;
    try {
      const busy = this.#library.all.filter((video) => isOnItsWay(video));
      await this.#ask(busy);
      const pause = busy.length > 0 ? LIST_MILLISECONDS : IDLE_MILLISECONDS;
      if (performance.now() - this.#listed > pause) {
        await this.#library.refresh();
        this.#listed = performance.now();
      }
      this.#worked();
      this.#wait(BUSY_MILLISECONDS);
    } catch (error) {
      if (error instanceof Problem && error.status === 401) return;
      this.#failed(error);
    }
  }

  /** Ask after those that are processed, a few at a time, in turn. */
  async #ask(busy) {
    const asked = busy.filter((video) => video.status === "processing" || !this.#uploads.of(video.id));
    if (this.#watched !== null) await this.#look(this.#watched);
    if (asked.length === 0) return;
    const turn = Array.from({ length: Math.min(MOST_ASKED, asked.length) }, (_, at) => (this.#next + at) % asked.length);
    this.#next = (this.#next + turn.length) % asked.length;
    await Promise.all(turn.map((at) => this.#look(asked[at].id)));
  }

  async #look(id) {
    try {
      await this.#library.look(id);
    } catch (error) {
      if (!(error instanceof Problem) || error.status !== 404) throw error;
      this.#library.drop(id);
    }
  }

  #worked() {
    if (this.#failures > 0) this.dispatchEvent(new Event("back"));
    this.#failures = 0;
  }

  #failed(error = new Away("")) {
    this.#failures += 1;
    if (this.#failures === 1) this.dispatchEvent(new CustomEvent("away", { detail: error }));
    this.#wait(Math.min(LONGEST_MILLISECONDS, 1000 * 2 ** Math.min(this.#failures - 1, 6)));
  }
}
