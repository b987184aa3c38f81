/** The videos of this person that are known here: newest first, a page at a time, as the filter says. */

import { isReprocessing } from "./reprocessing.js";

const VIDEOS = "/api/v1/videos";
const PAGE = 24;
const TOLD_OF_ONE = ["step", "progress", "step_attempt", "step_failure", "speed", "time_left_seconds"];
const SAME_RUN = ["status", "attempt", "reprocess_profile", "reprocess_error_code"];

/** Whether a video is still on its way, so that there is something new to be told of it. */
export function isOnItsWay(video) {
  return video.status === "uploading" || video.status === "processing" || isReprocessing(video);
}

/** Where a video stands, for people: one that somebody cancelled has not failed. */
export function standingOf({ status, error_code: code }) {
  return status === "error" && code === "cancelled" ? "cancelled" : status;
}

/**
 * Fires `change` when there is something new to show, and `video` with what is learned of each: `{video, before}`,
 * where `before` is what was known of it.
 */
export class Library extends EventTarget {
  #api;
  #videos = new Map();
  #hidden = new Set();
  #gone = new Set();
  #cursor = null;
  #oldest = null;
  #turn = 0;

  constructor(api) {
    super();
    this.#api = api;
    /** `status` is as `standingOf` says it; what is empty leaves it open. */
    this.filter = { title: "", status: "" };
    /** `loading`, `ready` or `failed`. */
    this.state = "loading";
  }

  /** Newest first, without those that are about to be deleted. */
  get all() {
    const shown = [...this.#videos.values()].filter((video) => !this.#hidden.has(video.id));
    return shown.sort((one, other) => other.created_at.localeCompare(one.created_at));
  }

  get isFiltered() {
    return this.filter.title !== "" || this.filter.status !== "";
  }

  get hasMore() {
    return this.#cursor !== null;
  }

  get(id) {
    return this.#videos.get(id);
  }

  /** Show what matches, from the newest on. */
  async load(filter = this.filter) {
    this.filter = filter;
    this.#turn += 1;
    this.#videos.clear();
    this.#cursor = null;
    this.#oldest = null;
    this.state = "loading";
    this.#changed();
    await this.#page(null);
  }

  /** Load the next page. */
  async more() {
    if (this.state !== "loading" && this.#cursor !== null) {
      this.state = "loading";
      this.#changed();
      await this.#page(this.#cursor);
    }
  }

  /**
   * Look for what is new on the first page. Throws where the service does not answer.
   * @param {boolean} isWhole Whether all that is shown is looked at again: nothing was heard of it for a while.
   * @returns {Promise<boolean>} False where the list was on its way anyway.
   */
  async refresh(isWhole = false) {
    if (this.state === "loading") return false;
    const turn = this.#turn;
    const asked = new Set(this.#videos.keys()); // what is told while the list is on its way may not be in it yet
    const page = await this.#askDownTo(isWhole ? this.#oldest : null);
    if (turn !== this.#turn || this.state === "loading") return false;
    if (this.state === "failed") this.#recover(page);
    const last = page.items.at(-1);
    const found = new Set(page.items.map((video) => video.id));
    const isCovered = (video) => page.next_cursor === null || video.created_at > last.created_at;
    for (const video of [...this.#videos.values()]) {
      if (asked.has(video.id) && isCovered(video) && !found.has(video.id)) this.#videos.delete(video.id);
    }
    for (const video of page.items) this.#keep(video);
    this.#changed();
    return true;
  }

  /** From the newest down to one of this age, the pages in one; the first page for null. */
  async #askDownTo(oldest) {
    const page = await this.#ask(null);
    while (oldest !== null && page.next_cursor !== null && page.items.at(-1).created_at >= oldest) {
      const next = await this.#ask(page.next_cursor);
      page.items.push(...next.items);
      page.next_cursor = next.next_cursor;
    }
    return page;
  }

  /** What could not be loaded was loaded now, or can be asked for again. */
  #recover(page) {
    this.state = "ready";
    if (this.#videos.size > 0) return;
    this.#oldest = page.items.at(-1)?.created_at ?? null;
    this.#cursor = page.next_cursor;
  }

  /** Ask for one video anew. Throws `Problem` where there is none. */
  async look(id) {
    const video = await this.#api.get(`${VIDEOS}/${id}`);
    this.put(video);
    return video;
  }

  /** Take what is known of a video now. */
  put(video) {
    if (!this.#keep(video)) return;
    this.#changed();
  }

  /** Forget one that was deleted; a list that was on its way may still have it. */
  drop(id) {
    this.#gone.add(id);
    if (this.#videos.delete(id)) this.#changed();
  }

  /** Show one no more, or again, for as long as its deletion can be undone. */
  hide(id, isHidden = true) {
    if (isHidden) this.#hidden.add(id);
    else this.#hidden.delete(id);
    this.#changed();
  }

  #keep(told) {
    if (this.#gone.has(told.id)) return false;
    const known = this.#videos.get(told.id);
    if (known && known.updated_at > told.updated_at) return false;
    // A list tells no progress; what was told before is not taken back by it.
    const isSame = known && SAME_RUN.every((name) => known[name] === told[name]);
    const live = isSame && told.progress === null ? TOLD_OF_ONE.map((name) => [name, known[name]]) : [];
    const video = { ...told, ...Object.fromEntries(live) };
    this.dispatchEvent(new CustomEvent("video", { detail: { video, before: known } }));
    if (!this.#matches(video)) return this.#videos.delete(video.id);
    if (!known && this.#isBelow(video)) return false;
    this.#videos.set(video.id, video);
    return true;
  }

  /** Whether it belongs to a page that was not loaded yet; before its time it would stand in the wrong place. */
  #isBelow(video) {
    return this.hasMore && this.#oldest !== null && video.created_at < this.#oldest;
  }

  #matches(video) {
    const { title, status } = this.filter;
    return (
      (status === "" || standingOf(video) === status) && video.title.toLowerCase().includes(title.toLowerCase())
    );
  }

  async #page(cursor) {
    const turn = this.#turn;
    try {
      const page = await this.#ask(cursor);
      if (turn !== this.#turn) return;
      this.#oldest = page.items.at(-1)?.created_at ?? this.#oldest;
      for (const video of page.items) this.#keep(video);
      this.#cursor = page.next_cursor;
      this.state = "ready";
    } catch {
      if (turn !== this.#turn) return;
      this.state = "failed";
    }
    this.#changed();
  }

  #ask(cursor) {
    const { title, status } = this.filter;
    const isCancelled = status === "cancelled";
    const standing = { status: isCancelled ? "error" : status, error_code: isCancelled ? "cancelled" : "" };
    const wanted = { limit: PAGE, cursor, title, ...standing };
    const given = Object.entries(wanted).filter(([, value]) => value !== null && value !== "");
    return this.#api.get(`${VIDEOS}?${new URLSearchParams(given)}`);
  }

  #changed() {
    this.dispatchEvent(new Event("change"));
  }
}
