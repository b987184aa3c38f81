/** The page of one video: player, what can be done with it, what was done to it, its file before and after. */

import { Problem } from "./api.js";
import { element, icon, say } from "./elements.js";
import { factsTable } from "./facts.js";
import { Film } from "./film.js";
import { keysHelp } from "./keys.js";
import { menu } from "./menu.js";
import { metadataSection } from "./metadata.js";
import { Progress } from "./progress.js";
import { rebuild } from "./rebuilding.js";
import { isOfTheFile, mayHelpToTryAgain, reasonOf } from "./reasons.js";
import { failedCallout, isReprocessing, runText } from "./reprocessing.js";
import { Timeline } from "./timeline.js";
import { momentText } from "./words.js";

const STEPS_MILLISECONDS = 2000;
const IN_FRONT = ["Copy link", "Download original"];
const STANDING = ["title", "status", "attempt", "published_edition", "visibility", "error_code", "reprocess_error_code"];

/** What is shown at an address that is none of the page's. */
export function nothingHere() {
  return element(
    "main",
    {},
    element(
      "div",
      { class: "state" },
      element("h1", { text: "There is nothing here" }),
      element("p", { class: "detail", text: "The address may be misspelt." }),
      element("a", { class: "button", href: "/", text: "All videos" }),
    ),
  );
}

/** Whether a run is at it. */
function isMade(video) {
  return video.status === "processing" || isReprocessing(video);
}

/** Whether its newest run ended because somebody cancelled it. */
function isCancelled({ error_code: code, reprocess_error_code: reprocessCode }) {
  return [code, reprocessCode].includes("cancelled");
}

export class VideoView {
  #api;
  #actions;
  #system;
  #isOperator;
  #user;
  #video = null;
  #shown = "";
  #timer = null;
  #hasEnded = false;
  #isRunGone = false;
  #trace = [];
  #isOver = false;
  #film = new Film();
  #title = element("h1", { tabindex: "-1" });
  #state = element("div", { class: "video-state" });
  #tools = element("div", { class: "row tools" });
  #plan = element("p", { class: "plan" });
  #timeline = new Timeline();
  #noSteps = element("p", { class: "detail" });
  #facts = element("div");
  #details = element("dl", { class: "details" });
  #metadata = element("div");
  #progress = new Progress("Processing");
  #help = keysHelp();

  /** @param {{api: object, actions: object, system: Promise<object|null>, isOperator: boolean, user: string}} given */
  constructor({ api, actions, system, isOperator, user }) {
    this.#api = api;
    this.#actions = actions;
    this.#system = system;
    this.#isOperator = isOperator;
    this.#user = user;
    this.element = element(
      "main",
      { class: "video" },
      element("a", { class: "back", href: "/" }, icon("back"), "All videos"),
      element("div", { "aria-busy": "true" }, element("p", { class: "detail", text: "The video is loading." })),
    );
  }

  /** Somebody looks at something else. */
  end() {
    clearTimeout(this.#timer);
    this.#film.end();
    this.#timer = null;
    this.#isOver = true;
  }

  /** Show what is known of the video now. */
  show(video, wantsPlay = false) {
    const isFirst = this.#video === null;
    this.#video = video;
    document.title = `${video.title} · Rushes`;
    if (isFirst) this.#build();
    say(this.#title, video.title);
    this.#film.show(video, wantsPlay);
    const standing = STANDING.map((name) => video[name]).join(" ");
    if (standing !== this.#shown) {
      this.#shown = standing;
      this.#showState();
      rebuild(this.#tools, () => this.#buildTools());
      this.#showDetails();
      this.#lookAtSteps();
    }
    this.#showMetadata();
    if (isMade(video)) this.#progress.show(video.progress ?? null, runText(video));
    if (isFirst) this.#title.focus({ preventScroll: true });
  }

  /** Say that there is no such video (for null as well), or that it can't be shown now. */
  fail(error) {
    const isGone = error === null || (error instanceof Problem && [404, 422].includes(error.status));
    this.end();
    document.title = "Rushes";
    this.element.lastElementChild.replaceWith(
      element(
        "div",
        { class: "state" },
        element("h1", { text: isGone ? "There is no such video" : "The video can't be shown right now" }),
        element("p", {
          class: "detail",
          text: isGone
            ? "It was deleted, or it belongs to someone else."
            : "The service does not answer. Try again in a moment.",
        }),
        element("a", { class: "button", href: "/", text: "All videos" }),
      ),
    );
  }

  #build() {
    this.#plan.hidden = true;
    this.#timeline.element.hidden = true;
    const section = (title, ...children) => element("section", {}, element("h2", { text: title }), ...children);
    this.element.lastElementChild.replaceWith(
      element(
        "article",
        {},
        this.#film.element,
        element("div", { class: "video-heading" }, this.#title, this.#tools),
        this.#state,
        element(
          "div",
          { class: "columns" },
          section("Processing steps", this.#plan, this.#timeline.element, this.#noSteps),
          element("div", { class: "column" }, this.#facts, section("Details", this.#details), this.#metadata, this.#help),
        ),
      ),
    );
  }

  #showState() {
    const { status, error_code: code, error_reason: detail, warnings } = this.#video;
    const parts = [];
    this.#help.hidden = status !== "ready"; // there is no player
    if (status === "processing") parts.push(this.#progress.element);
    if (isReprocessing(this.#video)) {
      const told = `Processing again with profile ${this.#video.reprocess_profile}. The current version plays meanwhile.`;
      parts.push(element("div", { class: "callout" }, element("p", { text: told }), this.#progress.element));
    }
    if (status === "ready" && this.#video.reprocess_error_code) parts.push(failedCallout(this.#video));
    if (status === "uploading") parts.push(element("p", { class: "detail", text: "The file is being uploaded." }));
    if (status === "error") {
      const { what, advice } = reasonOf(code, detail ?? "");
      // Of what is wrong with a file the service says exactly what, and what to do: one advice is enough.
      const isTold = detail && isOfTheFile(code);
      parts.push(
        element(
          "div",
          { class: code === "cancelled" ? "callout" : "callout failed" },
          element("p", { class: "callout-title", text: what }),
          element("p", { text: isTold ? detail : advice }),
          element("p", { class: "detail" }, isTold ? "" : (detail ?? ""), " ", element("code", { text: code })),
        ),
      );
    }
    if (warnings.length > 0) {
      parts.push(
        element(
          "div",
          { class: "callout" },
          element("p", { class: "callout-title", text: "Ready, with a warning" }),
          element("ul", {}, ...warnings.map(({ message }) => element("li", { text: message }))),
        ),
      );
    }
    this.#state.replaceChildren(...parts);
  }

  #buildTools() {
    const video = this.#video;
    const button = (text, act, look = "button") =>
      element("button", { type: "button", class: look, text, on: { click: act } });
    const canRetry = mayHelpToTryAgain(video) || (video.status === "ready" && video.reprocess_error_code !== null);
    const entries = this.#actions.entries(video);
    const inFront = entries.filter(({ label }) => IN_FRONT.includes(label));
    this.#tools.replaceChildren(
      ...[
        canRetry && button("Try again", () => this.#actions.retry(this.#video), "button primary"),
        (video.status === "uploading" || isMade(video)) && button("Cancel", () => this.#actions.cancel(this.#video)),
        ...inFront.map(({ label, act, href }) =>
          href ? element("a", { class: "button", href, download: true, text: label }) : button(label, act),
        ),
        menu(`More for ${video.title}`, () =>
          this.#actions.entries(this.#video).filter(({ label }) => !IN_FRONT.includes(label)),
        ),
      ].filter(Boolean),
    );
  }

  #showMetadata() {
    const kept = JSON.stringify(this.#video.metadata);
    if (this.#metadata.dataset.kept === kept) return;
    this.#metadata.dataset.kept = kept;
    rebuild(this.#metadata, () =>
      this.#metadata.replaceChildren(
        metadataSection(this.#video.metadata, () => this.#actions.editMetadata(this.#video)),
      ),
    );
  }

  #showDetails() {
    const video = this.#video;
    const isOwn = video.user_id === this.#user;
    const withLink = `${isOwn ? "you" : "its owner"}, and anyone with a link`;
    const facts = [
      ["Owner", isOwn ? null : video.user_id],
      ["File", video.original_filename],
      ["Uploaded", momentText(video.created_at)],
      ["Profile", video.profile],
      ["Visible to", video.visibility === "public" ? "anyone with the address" : withLink],
      ["Attempt", video.attempt > 1 ? String(video.attempt) : null],
      ["SHA-256", video.content_sha256],
      ["Id", video.id],
    ].filter(([, fact]) => fact);
    this.#details.replaceChildren(
      ...facts.flatMap(([name, fact]) => [element("dt", { text: name }), element("dd", { text: fact })]),
    );
    if (this.#isOperator) this.#addTrace(this.#details.lastElementChild);
  }

  /** The service takes seconds to say where the Web UI is while Temporal is away: the facts don't wait for that. */
  async #addTrace(last) {
    const temporal = (await this.#system)?.temporal;
    if (!temporal?.ui_url || this.#isRunGone) return;
    const trace = `${temporal.ui_url.replace(/\/$/, "")}/namespaces/${temporal.namespace}/workflows/${this.#video.workflow_id}`;
    const link = element("a", { href: trace, target: "_blank", rel: "noreferrer", text: "In the Temporal Web UI" });
    this.#trace = [element("dt", { text: "Trace" }), element("dd", {}, link)];
    last.after(...this.#trace); // or nowhere, where the facts are others by now
  }

  /** The steps are asked for while there are new ones; those of a run that has ended do not change. */
  async #lookAtSteps() {
    clearTimeout(this.#timer);
    try {
      const told = await this.#api.get(`/api/v1/videos/${this.#video.id}/steps`);
      if (this.#isOver) return;
      this.#showSteps(told);
    } catch (error) {
      if (this.#isOver) return;
      if (this.#timeline.element.hidden) say(this.#noSteps, "The steps can't be shown right now.");
      if (!isMade(this.#video) || error.status === 401) return;
    }
    const isOpen = isMade(this.#video) || !this.#hasEnded;
    if (isOpen && this.#video.status !== "uploading")
      this.#timer = setTimeout(() => this.#lookAtSteps(), STEPS_MILLISECONDS);
  }

  #showSteps({ steps, plan, before, after }) {
    this.#hasEnded =
      steps.length === 0 || steps.every((step) => !["scheduled", "running", "retrying", "paused"].includes(step.state));
    this.#plan.hidden = !plan;
    if (plan) say(this.#plan, `${plan.charAt(0).toUpperCase()}${plan.slice(1)}.`);
    const hasSteps = steps.length > 0;
    this.#timeline.element.hidden = !hasSteps;
    if (hasSteps) this.#timeline.show(steps, isCancelled(this.#video));
    const isToCome = this.#video.status === "uploading";
    this.#isRunGone = !hasSteps && !isToCome && !isMade(this.#video);
    if (this.#isRunGone) for (const part of this.#trace) part.remove(); // it would lead to nothing
    say(this.#noSteps, hasSteps ? "" : isToCome ? "Nothing yet." : "The steps are no longer kept, or nothing was started.");
    const table = factsTable(before, after);
    this.#facts.replaceChildren(...(table ? [element("section", {}, element("h2", { text: "The file" }), table)] : []));
  }
}
