/** One video in the grid, from its first byte to its poster. */

import { element, icon, say } from "./elements.js";
import { published } from "./film.js";
import { standingOf } from "./library.js";
import { menu } from "./menu.js";
import { Progress } from "./progress.js";
import { mayHelpToTryAgain, reasonOf, waitingText } from "./reasons.js";
import { isReprocessing, runText } from "./reprocessing.js";
import { STEPS, nowText, standings } from "./steps.js";
import { State } from "./upload.js";
import { agoText, clockText, percentText, sizeText, timeLeftText } from "./words.js";

const WAITING = {
  [State.QUEUED]: "Waiting for its turn",
  [State.OFFLINE]: "You are offline. The upload continues when you are back.",
  [State.SIGNED_OUT]: "Sign in again to continue.",
  [State.ELSEWHERE]: "Uploading in another tab",
};

/** What a card shows, which decides how it is built. */
function kindOf({ video, upload }) {
  if (upload && (!video || video.status === "uploading")) {
    if (upload.state === State.NEEDS_FILE) return "needs-file";
    if (upload.state === State.FAILED) return "refused";
    return "upload";
  }
  return standingOf(video);
}

export class Card {
  #tasks;
  #kind = null;
  #item = null;
  #parts = {};

  /**
   * @param {object} tasks `actions`, and `chooseAgain(upload)`, `chooseAnother(upload)`, `tryAgain(upload)`;
   *   `ownerOf(video)` is null for one's own.
   */
  constructor(tasks) {
    this.#tasks = tasks;
    this.element = element("li", { class: "card" });
  }

  /** Show what is known now. */
  show(item) {
    this.#item = item;
    const kind = kindOf(item);
    if (kind !== this.#kind) {
      const hadFocus = this.element.contains(document.activeElement);
      this.#kind = kind;
      this.#build(kind);
      if (hadFocus) this.element.querySelector("a, button")?.focus();
    }
    this.#update(kind);
  }

  get #title() {
    return this.#item.video?.title ?? this.#item.upload.entry.name;
  }

  #build(kind) {
    const { video, upload } = this.#item;
    const title = element(video ? "a" : "span", { class: "title", href: video ? `/videos/${video.id}` : null });
    const meta = element("p", { class: "detail" });
    const poster = element("div", { class: "poster" });
    this.#parts = { title, meta, poster };
    const more = video ? menu(`More for ${video.title}`, () => this.#tasks.actions.entries(this.#item.video)) : null;
    const heading = element("div", { class: "card-heading" }, element("h2", {}, title), more);
    const below = element("div", { class: "card-text" }, heading, meta);
    this.element.dataset.kind = kind;
    this.element.replaceChildren(poster, below);
    this.#builders[kind].call(this, poster, below, upload);
  }

  #builders = {
    ready(poster) {
      const { video } = this.#item;
      const link = element("a", {
        class: "play",
        href: `/videos/${video.id}#play`,
        "aria-label": `Play ${video.title}`,
      });
      const source = published(video.thumbnail, video);
      const picture = element("img", { src: source, alt: "", loading: "lazy", decoding: "async" });
      this.#parts.picture = picture;
      this.#parts.edition = video.published_edition;
      this.#parts.clock = element("span", { class: "clock" });
      link.append(picture, icon("play"), this.#parts.clock);
      poster.append(link);
    },
    processing(poster, below) {
      this.#parts.steps = STEPS.map(([, words]) => element("li", { text: words }));
      this.#parts.progress = new Progress(`Processing of ${this.#title}`);
      poster.append(element("ol", { class: "steps", "aria-hidden": "true" }, ...this.#parts.steps));
      below.append(
        this.#parts.progress.element,
        this.#button("Cancel", () => this.#tasks.actions.cancel(this.#item.video)),
      );
    },
    upload(poster, below) {
      this.#parts.share = element("span", { class: "share", "aria-hidden": "true" });
      this.#parts.progress = new Progress(`Upload of ${this.#title}`);
      poster.append(icon("upload"), this.#parts.share);
      const cancel = () => this.#tasks.actions.stop(this.#item.upload);
      below.append(this.#parts.progress.element, this.#button("Cancel", cancel));
    },
    "needs-file"(poster, below, upload) {
      poster.append(icon("upload"));
      this.#parts.progress = new Progress(`Upload of ${this.#title}`);
      const again = element("button", { type: "button", class: "button primary", text: "Choose the file again" });
      again.addEventListener("click", () => this.#tasks.chooseAgain(upload));
      below.append(
        this.#parts.progress.element,
        element(
          "div",
          { class: "row" },
          again,
          this.#button("Cancel", () => this.#tasks.actions.stop(upload)),
        ),
      );
    },
    refused(poster, below, upload) {
      this.#buildReason(poster, below);
      below.append(
        element(
          "div",
          { class: "row" },
          canBeTriedAgain(upload) && this.#button("Try again", () => this.#tasks.tryAgain(upload)),
          hasChanged(upload) && this.#button("Choose the file again", () => this.#tasks.chooseAnother(upload)),
          this.#button("Dismiss", () => this.#tasks.actions.dismiss(upload)),
        ),
      );
    },
    error(poster, below) {
      this.#buildReason(poster, below);
      this.#addTryAgain(below);
    },
    cancelled(poster, below) {
      this.#buildReason(poster, below, "remove");
      this.#addTryAgain(below);
    },
    uploading(poster, below) {
      poster.append(icon("upload"));
      below.append(this.#button("Cancel", () => this.#tasks.actions.cancel(this.#item.video)));
    },
  };

  #addTryAgain(below) {
    if (!mayHelpToTryAgain(this.#item.video)) return;
    below.append(this.#button("Try again", () => this.#tasks.actions.retry(this.#item.video)));
  }

  #buildReason(poster, below, picture = "failed") {
    poster.append(icon(picture));
    this.#parts.reason = element("p", { class: "reason" });
    this.#parts.advice = element("p", { class: "advice" });
    below.append(this.#parts.reason, this.#parts.advice);
  }

  #button(text, act) {
    return element("button", {
      type: "button",
      class: "button",
      text,
      "aria-label": `${text}: ${this.#title}`,
      on: { click: act },
    });
  }

  #update(kind) {
    say(this.#parts.title, this.#title);
    const { video, upload } = this.#item;
    const tell = (text) => say(this.#parts.meta, text);
    switch (kind) {
      case "ready":
        say(this.#parts.clock, clockText(video.duration_seconds));
        this.#showEdition(video);
        tell(this.#owned(readyText(video)));
        break;
      case "processing":
        tell(this.#owned(nowText(video)));
        standings(video.step).forEach((standing, at) => (this.#parts.steps[at].dataset.standing = standing));
        this.#parts.progress.show(video.progress ?? null, processingText(video));
        break;
      case "upload":
        tell(uploadState(upload));
        say(this.#parts.share, percentText(upload.total ? upload.sent / upload.total : 0));
        this.#parts.progress.show(upload.total ? upload.sent / upload.total : 0, uploadText(upload));
        break;
      case "needs-file":
        tell(needsFileText(upload));
        this.#parts.progress.show(upload.sent / upload.total, uploadText(upload));
        break;
      case "refused":
        this.#reason("Not uploaded", upload.problem.code, upload.problem.message);
        break;
      case "error":
        this.#reason(this.#owned("Failed"), video.error_code, video.error_reason);
        break;
      case "cancelled":
        this.#reason(this.#owned("Cancelled"), video.error_code, video.error_reason);
        break;
      default:
        tell(this.#tasks.ownerOf(video) ? `Uploading, by ${this.#tasks.ownerOf(video)}` : "Uploading from another tab or device");
    }
    this.element.querySelector(".menu-place > button")?.setAttribute("aria-label", `More for ${this.#title}`);
    this.element.querySelector(".play")?.setAttribute("aria-label", `Play ${this.#title}`);
  }

  /** Whose it is, for an administrator, before what is said of it. */
  #owned(text) {
    return [this.#tasks.ownerOf(this.#item.video), text].filter(Boolean).join(" · ");
  }

  /** The picture of a video that was made anew is another one. */
  #showEdition(video) {
    if (this.#parts.edition === video.published_edition) return;
    this.#parts.edition = video.published_edition;
    this.#parts.picture.src = published(video.thumbnail, video);
  }

  #reason(state, code, detail) {
    const { what, advice } = reasonOf(code, detail ?? "");
    say(this.#parts.meta, state);
    say(this.#parts.reason, what);
    say(this.#parts.advice, advice);
  }
}

/** What the service would refuse again needs another file. */
function canBeTriedAgain({ file, problem }) {
  return file !== null && !["unsupported_extension", "too_large", "file_empty", "file_changed"].includes(problem.code);
}

/** What was chosen can't be read any more, and what is there now is another file. */
function hasChanged({ problem }) {
  return problem.code === "file_changed";
}

function readyText(video) {
  if (isReprocessing(video)) return `Processing again · ${runText(video)}`;
  return `${agoText(video.created_at)}${video.visibility === "public" ? " · public" : ""}`;
}

function needsFileText({ entry }) {
  return entry.isWaiting
    ? "The page was reloaded before this file's turn came. Choose the same file to upload it."
    : "The page was reloaded. Choose the same file to continue from where the upload stopped.";
}

function uploadState({ state, problem, entry }) {
  if (state === State.WAITING) return waitingText(problem?.code);
  if (state === State.ELSEWHERE && entry.isWaiting) return "Waiting for its turn in another tab";
  return WAITING[state] ?? (state === State.DONE ? "Uploaded" : "Uploading");
}

function uploadText(upload) {
  const sent = `${sizeText(upload.sent)} of ${sizeText(upload.total)}`;
  const rate = upload.bytesPerSecond;
  const left = upload.secondsLeft;
  return [sent, rate ? `${sizeText(rate)}/s` : "", left === null ? "" : timeLeftText(left)].filter(Boolean).join(" · ");
}

function processingText(video) {
  if (video.progress === null || video.progress === undefined) return "";
  const failed = video.step_failure ? `Retrying: ${video.step_failure}` : "";
  const speed = video.speed ? `${video.speed.toFixed(1)}×\u00a0playback speed` : "";
  const left = video.time_left_seconds ? timeLeftText(video.time_left_seconds) : "";
  return [percentText(video.progress), speed, left, failed].filter(Boolean).join(" · ");
}
