/** The film on a video's page. Who watches it goes on with the same file, also once the video was made anew. */

import { element, icon } from "./elements.js";
import { actEverywhere } from "./keys.js";
import { controlByKeys, player } from "./player.js";

/** The address of a published file, as what is served now: it does not become another one in mid-play. */
export function published(path, { published_edition: edition, attempt }) {
  return `${path}?${new URLSearchParams({ edition, v: attempt })}`;
}

export class Film {
  #shown = "";
  #offered = "";
  #player = null;
  #letKeysGo = () => undefined;
  #film = element("div", { class: "film" });
  #news = element("div", { class: "film-news" });

  constructor() {
    this.element = element("div", {}, this.#film, this.#news);
  }

  /** Show the film of a video as it stands, and play it where that is wanted. */
  show(video, wantsPlay = false) {
    const shown = video.status === "ready" ? `ready ${video.published_edition}` : video.status;
    if (shown === this.#shown) return;
    if (this.#isWatched && video.status === "ready") {
      this.#offer(video, shown);
      return;
    }
    this.#build(video, shown, wantsPlay);
  }

  /** Let go of keys and sound. */
  end() {
    this.#letKeysGo();
    this.#player?.pause();
  }

  get #isWatched() {
    return this.#player !== null && (!this.#player.paused || this.#player.currentTime > 0);
  }

  #build(video, shown, wantsPlay, from = 0) {
    this.end();
    this.#shown = shown;
    this.#offered = "";
    this.#player = null;
    this.#news.replaceChildren();
    this.#film.dataset.status = video.status;
    if (video.status !== "ready") {
      this.#film.replaceChildren(icon(video.status === "error" ? "failed" : "film"));
      return;
    }
    const { url_mp4: source, thumbnail, title } = video;
    const film = player({ source: published(source, video), poster: published(thumbnail, video), label: title });
    this.#player = film;
    this.#film.replaceChildren(film);
    this.#letKeysGo = controlByKeys(film, actEverywhere);
    if (from > 0) film.addEventListener("loadedmetadata", () => (film.currentTime = from), { once: true });
    // A browser may keep a page from playing before anybody has clicked in it.
    if (wantsPlay) film.play().catch(() => undefined);
  }

  /** Somebody watches: the new file is theirs to ask for. */
  #offer(video, shown) {
    if (shown === this.#offered) return;
    this.#offered = shown;
    const take = () => {
      const { paused, currentTime } = this.#player;
      this.#build(video, shown, !paused, currentTime);
      this.#player.focus();
    };
    this.#news.replaceChildren(
      element(
        "div",
        { class: "callout row between", role: "status" },
        element("p", { text: "This video was processed again. You are watching the version from before." }),
        element("button", { type: "button", class: "button", text: "Watch the new version", on: { click: take } }),
      ),
    );
  }
}
