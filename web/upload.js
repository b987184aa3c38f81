/** One upload: its bytes, and what becomes of it when network, service or session go away. */

import { Away, Problem } from "./api.js";
import { Rate } from "./rate.js";
import * as tus from "./tus.js";

const PIECE_BYTES = 16 * 1024 * 1024;
const GONE = new Map([
  [404, "video_not_found"],
  [410, "upload_gone"],
]);

/** What an upload does now. */
export const State = Object.freeze({
  QUEUED: "queued",
  SENDING: "sending",
  OFFLINE: "offline",
  WAITING: "waiting",
  SIGNED_OUT: "signed-out",
  ELSEWHERE: "elsewhere",
  NEEDS_FILE: "needs-file",
  DONE: "done",
  FAILED: "failed",
  STOPPED: "stopped",
});

/** Fires `change` whenever there is something new to show. */
export class Upload extends EventTarget {
  #api;
  #session;
  #patience;
  #stop = new AbortController();
  #rate = new Rate();
  #wake = null;
  #isPlaceFree = false;

  /**
   * @param {object} patience As `PATIENCE` has it.
   * @param {object} entry As `KeptUploads` keeps it.
   * @param {File|null} file Null for one of before the page was loaded.
   */
  constructor(api, session, patience, entry, file) {
    super();
    this.#api = api;
    this.#session = session;
    this.#patience = patience;
    this.entry = entry;
    this.file = file;
    this.handle = null;
    this.sent = 0;
    this.problem = null;
    /** Whether it was refused because as many of its user's are on their way as may be. */
    this.hasNoPlace = false;
    this.state = file === null && !entry.isWaiting ? State.NEEDS_FILE : State.QUEUED;
    this.since = Date.now();
  }

  get id() {
    return this.entry.id;
  }

  get total() {
    return this.entry.size;
  }

  /** Bytes a second of late, or null while that is not known. */
  get bytesPerSecond() {
    return this.state === State.SENDING ? this.#rate.value : null;
  }

  /** Seconds until it is through at this rate, or null. */
  get secondsLeft() {
    const rate = this.bytesPerSecond;
    return rate === null || rate <= 0 ? null : (this.total - this.sent) / rate;
  }

  /** Whether it is neither through nor given up. */
  get isOpen() {
    return ![State.DONE, State.FAILED, State.STOPPED].includes(this.state);
  }

  /** Whether the service was asked to begin it, and has not said yet which video it is. */
  get isUnanswered() {
    return this.id === null && !this.entry.isWaiting;
  }

  /** Whether it failed because the service does not know it any more. */
  get isGone() {
    return this.state === State.FAILED && [...GONE.values(), "upload_withdrawn"].includes(this.problem.code);
  }

  /** Show something else. */
  become(state, problem = null) {
    if (this.state === State.STOPPED) return;
    this.state = state;
    this.problem = problem;
    if (state !== State.SENDING) this.#rate.forget();
    this.dispatchEvent(new Event("change"));
  }

  /** Give it up; nothing more is sent. */
  stop() {
    this.become(State.STOPPED);
    this.#stop.abort();
    this.#wake?.();
  }

  /** Go on at once, where it waits for a service or a network that was away: it is back. */
  wake() {
    this.#wake?.();
  }

  /** Something of its user's has ended: where it waits for that, or hears just now that it has to, it goes on at once. */
  placeIsFree() {
    this.#isPlaceFree = true;
    if (this.hasNoPlace) this.#wake?.();
  }

  /** Take the file of one that was begun earlier, or failed. */
  take(file) {
    this.file = file;
    this.become(State.QUEUED);
  }

  /** The id of one that was stopped before the service had answered: it may have been begun there all the same. */
  async idAfterAll() {
    if (this.id !== null || this.entry.isWaiting) return this.id;
    const signal = AbortSignal.timeout(this.#patience.answer);
    return tus.create(this.#api, this.entry, this.entry.key, signal).catch(() => null);
  }

  /** Find out how far one is that was begun earlier. False where it can't be gone on with. */
  async look() {
    if (this.entry.isWaiting) return true; // the service has not heard of it
    try {
      // The page may have gone before the answer came: asked once more with its key it is the same upload.
      if (this.id === null) await this.#create(this.entry);
      this.#reached(await this.#offset());
      return this.sent < this.total;
    } catch (error) {
      return !(error instanceof Problem && GONE.has(error.status));
    }
  }

  /**
   * Send until it is through, given up, or refused for good.
   * @param {() => Promise<void>} remember Called before the service is asked for an id, and when it has given one.
   * @param {() => Promise<void>} othersFirst Waits for those that are to be asked for before this one.
   */
  async run(remember, othersFirst) {
    for (let failures = 0; this.isOpen;) {
      const before = this.sent;
      try {
        await this.#send(remember, othersFirst);
        this.become(State.DONE);
      } catch (error) {
        failures = this.sent > before ? 1 : failures + 1;
        await this.#meet(error, failures);
      }
    }
  }

  async #send(remember, othersFirst) {
    if (this.id === null) {
      await othersFirst();
      this.#stop.signal.throwIfAborted();
      this.#isPlaceFree = false;
      this.become(State.SENDING);
      this.entry = { ...this.entry, isWaiting: false };
      await remember(); // before it is asked for: a page that is loaded anew meanwhile has to know of it
      await this.#create(this.file);
      this.hasNoPlace = false;
      await remember();
    }
    let offset = await this.#offset();
    this.become(State.SENDING);
    this.#reached(offset);
    while (offset < this.total) {
      offset = await this.#sendPiece(offset);
      this.#reached(offset);
    }
  }

  /** @param {{name: string, size: number}} file */
  async #create(file) {
    const { answer } = this.#patience;
    const id = await this.#ask(answer, (signal) => tus.create(this.#api, file, this.entry.key, signal));
    this.entry = { ...this.entry, id };
  }

  #offset() {
    return this.#ask(this.#patience.answer, (signal) => tus.offsetOf(this.#api, this.id, signal));
  }

  #sendPiece(begin) {
    const piece = this.file.slice(begin, begin + PIECE_BYTES);
    const { stall, durable } = this.#patience;
    return this.#ask(stall, (signal, wait) => {
      const onProgress = (sent) => {
        wait(sent < piece.size ? stall : durable);
        this.#reached(begin + sent);
      };
      return tus.append(this.#api, this.id, begin, piece, onProgress, signal);
    });
  }

  /**
   * Ask the service for something. What hears nothing for so long is given up, and what is asked of a network that
   * has gone: a browser would wait much longer. Throws `Away` then.
   * @template Answer
   * @param {number} milliseconds
   * @param {(signal: AbortSignal, wait: (milliseconds: number) => void) => Promise<Answer>} act `wait`: something was
   *   heard, and the next may take so long.
   * @returns {Promise<Answer>}
   */
  async #ask(milliseconds, act) {
    const lost = new AbortController();
    const lose = () => lost.abort();
    let watch = null;
    const wait = (time) => {
      clearTimeout(watch);
      watch = setTimeout(lose, time);
    };
    wait(milliseconds);
    window.addEventListener("offline", lose);
    try {
      return await act(AbortSignal.any([this.#stop.signal, lost.signal]), wait);
    } catch (error) {
      if (!lost.signal.aborted || this.#stop.signal.aborted) throw error;
      this.#api.lost();
      throw new Away("The network is away.", { cause: error });
    } finally {
      clearTimeout(watch);
      window.removeEventListener("offline", lose);
    }
  }

  #reached(sent) {
    this.sent = Math.min(sent, this.total);
    this.#rate.note(this.sent);
    this.dispatchEvent(new Event("change"));
  }

  /** Wait for what may pass; give up where it does not. */
  async #meet(error, failures) {
    const passes = error instanceof Problem && error.passes;
    this.hasNoPlace = this.id === null && passes && error.code === "quota_exceeded";
    if (error.name === "AbortError" || !this.isOpen || (this.hasNoPlace && this.#isPlaceFree)) return;
    if (error instanceof Problem && error.status === 401) {
      this.become(State.SIGNED_OUT);
      await this.#session.signedIn();
    } else if (error instanceof Problem && error.code === "csrf_refused") {
      await this.#api.learnToken().catch(() => false);
      await this.#pause(failures, null);
    } else if (error instanceof Problem && error.code === "wrong_offset") {
      await this.#pause(failures - 1, null);
    } else if (passes) {
      await this.#pause(failures, error.retryAfter, error);
    } else if (error instanceof Away && (await canBeRead(this.file))) {
      await this.#pause(failures, null);
    } else if (error instanceof Away) {
      this.become(State.FAILED, new Problem(0, "file_changed", ""));
    } else if (error instanceof Problem) {
      this.become(State.FAILED, new Problem(error.status, GONE.get(error.status) ?? error.code, error.message));
    } else {
      this.become(State.FAILED, new Problem(0, "internal", error.message));
    }
  }

  /** Wait: longer each time, and no longer than until the service that was away is back. */
  async #pause(failures, atLeast, problem = null) {
    if (failures <= 0) return;
    this.become(navigator.onLine ? State.WAITING : State.OFFLINE, problem);
    const { firstPause, longestPause } = this.#patience;
    const milliseconds = Math.min(longestPause, firstPause * 2 ** (failures - 1));
    await new Promise((resolve) => {
      this.#wake = resolve;
      setTimeout(resolve, Math.max(milliseconds, 1000 * (atLeast ?? 0)) * (0.75 + 0.5 * Math.random()));
    });
  }
}

async function canBeRead(file) {
  try {
    await file.slice(0, 1).arrayBuffer();
    return true;
  } catch {
    return false;
  }
}
