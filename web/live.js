/**
 * Keeps what is shown true. The service tells of each change (server-sent events); where that way is shut it is
 * asked now and then instead, seldom where nothing happens. A page that nobody looks at does neither, and catches up
 * when it is seen again: a browser has few connections for each service, and other tabs need them as well. Only while
 * the service seems to be away is it asked then, too: uploads go on while nobody looks.
 */

import { Away, Problem } from "./api.js";
import { isOnItsWay } from "./library.js";

const EVENTS = "/api/v1/events";
const KINDS = [
  ...["created", "uploaded", "ready", "error", "cancelled", "retried", "updated", "progress"],
  ...["reprocessing", "reprocessed", "reprocess_failed"],
];
const BUSY_MILLISECONDS = 1000;
const LIST_MILLISECONDS = 5000;
const IDLE_MILLISECONDS = 15000;
const TOLD_MILLISECONDS = 60000;
const LONGEST_MILLISECONDS = 20000;
const AGAIN_MILLISECONDS = 5000;
const MOST_ASKED = 6;

/**
 * Fires `away` and `back` when the service can't be reached, and when it can again; `gone` with `detail` the id of a
 * video that was deleted.
 */
export class Live extends EventTarget {
  #library;
  #uploads;
  #patience;
  #events = null;
  #heard = 0;
  #isTold = false;
  #timer = null;
  #opening = null;
  #isDoubted = false;
  #failures = 0;
  #listed = 0;
  #next = 0;
  #isOn = false;
  #watched = null;
  #seen = null;
  #hasMissed = false;

  /**
   * @param {Api} api Which tells when something was not answered.
   * @param {object} patience As `PATIENCE` has it.
   */
  constructor(api, library, uploads, patience) {
    super();
    this.#patience = patience;
    this.#library = library;
    this.#uploads = uploads;
    api.addEventListener("lost", () => this.#doubt());
    document.addEventListener("visibilitychange", () => (document.hidden ? this.#close() : this.#open()));
    window.addEventListener("online", () => (document.hidden ? this.soon() : this.#open()));
    window.addEventListener("offline", () => this.#failed());
  }

  start() {
    this.#isOn = true;
    this.#open();
  }

  stop() {
    this.#isOn = false;
    clearTimeout(this.#timer);
    this.#close();
    this.#worked(); // it is the service that said who is not known any more
  }

  /** Ask after this video as well, whatever the list shows; null for none. */
  watch(id) {
    this.#watched = id;
    if (id !== null) this.soon();
  }

  /** Ask at once: somebody has done something. */
  soon() {
    if (!this.#isWanted) return;
    this.#listed = -Infinity;
    this.#wait(0);
  }

  #open() {
    clearTimeout(this.#opening);
    if (!this.#isOn || document.hidden) return;
    this.#close();
    // What came while nobody listened comes now; where it is not known after which event that was, all is looked at.
    if (this.#seen === null) this.#hasMissed = true;
    const events = new EventSource(this.#seen === null ? EVENTS : `${EVENTS}?after=${this.#seen}`);
    this.#events = events;
    events.addEventListener("open", () => this.#told(true));
    events.addEventListener("error", () => {
      this.#told(false);
      // The browser comes back by itself to a stream that broke, and not to one that was refused.
      if (events.readyState === EventSource.CLOSED) this.#opening = setTimeout(() => this.#open(), AGAIN_MILLISECONDS);
    });
    for (const kind of KINDS) {
      events.addEventListener(`video.${kind}`, ({ data, lastEventId }) => {
        this.#heard = performance.now();
        this.#saw(lastEventId);
        this.#library.put(JSON.parse(data));
      });
    }
    events.addEventListener("video.deleted", ({ data, lastEventId }) => {
      this.#saw(lastEventId);
      this.#gone(JSON.parse(data).id);
    });
    events.addEventListener("events.missed", ({ lastEventId }) => {
      this.#saw(lastEventId);
      this.#hasMissed = true;
      this.soon();
    });
    this.soon();
  }

  #close() {
    clearTimeout(this.#opening);
    this.#events?.close();
    this.#events = null;
    this.#isTold = false;
  }

  /** Of a stream that has told of nothing yet there is no id. */
  #saw(id) {
    if (id !== "") this.#seen = id;
  }

  /** Once somebody is told, nothing more is missed; what was before that is asked for. */
  #told(isTold) {
    this.#isTold = isTold;
    this.#heard = performance.now();
    this.soon();
  }

  #gone(id) {
    this.#library.drop(id);
    this.dispatchEvent(new CustomEvent("gone", { detail: id }));
  }

  #wait(milliseconds) {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#turn(), milliseconds);
  }

  get #isWanted() {
    return this.#isOn && (!document.hidden || this.#isDoubted);
  }

  async #turn() {
    if (!this.#isWanted) return;
    try {
      const busy = this.#library.all.filter((video) => isOnItsWay(video));
      const pause = this.#isTold ? TOLD_MILLISECONDS : busy.length > 0 ? LIST_MILLISECONDS : IDLE_MILLISECONDS;
      const isDue = performance.now() - this.#listed > pause;
      if (isDue || !this.#isTold) await this.#ask(busy);
      if (isDue) await this.#list();
      this.#worked();
      this.#wait(BUSY_MILLISECONDS);
      if (this.#isTold && this.#isTooQuiet(busy)) this.#open();
    } catch (error) {
      if (error instanceof Problem && error.status === 401) return;
      this.#failed(error);
    }
  }

  async #list() {
    const isWhole = this.#hasMissed;
    this.#hasMissed = false;
    let isDone = false;
    try {
      isDone = await this.#library.refresh(isWhole);
    } finally {
      if (!isDone) this.#hasMissed ||= isWhole;
    }
    if (isDone) this.#listed = performance.now();
  }

  /** A stream that went silent with its network stays open, and its browser never tells: what is processed is heard of. */
  #isTooQuiet(busy) {
    const isHeardOf = busy.some((video) => video.status !== "uploading");
    return isHeardOf && performance.now() - this.#heard > this.#patience.stream;
  }

  /** Ask after those that are processed, a few at a time, in turn. */
  async #ask(busy) {
    const asked = busy.filter((video) => video.status === "processing" || !this.#uploads.of(video.id));
    const count = Math.min(MOST_ASKED, asked.length);
    const turn = Array.from({ length: count }, (_, at) => asked[(this.#next + at) % asked.length].id);
    this.#next = asked.length > 0 ? (this.#next + count) % asked.length : 0;
    const ids = new Set(this.#watched === null ? turn : [this.#watched, ...turn]);
    await Promise.all([...ids].map((id) => this.#look(id)));
  }

  async #look(id) {
    try {
      await this.#library.look(id);
    } catch (error) {
      if (!(error instanceof Problem) || ![404, 422].includes(error.status)) throw error;
      this.#gone(id);
    }
  }

  /** Something was not answered: find out whether the service is away. While it is, that is found out anyway. */
  #doubt() {
    if (this.#isDoubted) return;
    this.#isDoubted = true;
    this.soon();
  }

  #worked() {
    this.#isDoubted = false;
    if (this.#failures === 0) return;
    this.#failures = 0;
    this.dispatchEvent(new Event("back"));
    // The stream may have gone silent with the network.
    this.#open();
  }

  #failed(error = new Away("")) {
    if (!this.#isOn) return;
    this.#isDoubted = true;
    this.#listed = -Infinity;
    this.#failures += 1;
    if (this.#failures === 1) this.dispatchEvent(new CustomEvent("away", { detail: error }));
    this.#wait(Math.min(LONGEST_MILLISECONDS, 1000 * 2 ** Math.min(this.#failures - 1, 6)));
  }
}
