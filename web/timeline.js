/** What was done to a video: each step, when and how long, where, and what failed on the way. */

import { element } from "./elements.js";
import { beginOf, endOf, gathered } from "./gathering.js";
import { activityText, stateText } from "./steps.js";
import { durationText, momentText } from "./words.js";

const LEAST_SHARE = 0.4;
const DOT = "0.375rem";

/** The steps as lists, each with its place in time. The many parts of a film's picture are one until that is opened. */
export class Timeline {
  #before = element("ol");
  #heading = element("div");
  #parts = element("ol");
  #whole = element("details", {}, element("summary", {}, this.#heading), this.#parts);
  #after = element("ol");
  #buildParts = () => undefined;
  element = element("div", { class: "timeline" }, this.#before, this.#whole, this.#after);

  constructor() {
    this.#whole.addEventListener("toggle", () => this.#buildParts());
  }

  /**
   * @param {object[]} steps
   * @param {boolean} isCancelled Whether their run ended because somebody cancelled it.
   */
  show(steps, isCancelled) {
    const { before, parts, whole, after } = gathered(steps);
    const begin = Math.min(...steps.map((step) => new Date(step.scheduled_at).getTime()));
    const end = Math.max(...steps.map((step) => endOf(step)), begin + 1);
    const tell = (step) => told(step, isCancelled, begin, end - begin);
    const list = (place, of) => {
      place.hidden = of.length === 0;
      place.replaceChildren(...of.map((step) => element("li", { data: { state: step.state } }, ...tell(step))));
    };
    list(this.#before, before);
    list(this.#after, after);
    this.#buildParts = () => list(this.#parts, this.#whole.open ? parts : []);
    this.#buildParts();
    this.#whole.hidden = whole === null;
    if (whole === null) return;
    this.#heading.dataset.state = whole.state;
    this.#heading.replaceChildren(...tell(whole));
  }
}

/** What is told of one step. */
function told(step, isCancelled, begin, length) {
  const bar = element("span", { class: "span", "aria-hidden": "true" });
  const from = beginOf(step);
  // The shortest bar is a dot, which ends with the track and not beyond it.
  bar.style.marginInlineStart = `min(${(100 * (from - begin)) / length}%, 100% - ${DOT})`;
  bar.style.inlineSize = `${Math.max(LEAST_SHARE, (100 * (endOf(step) - from)) / length)}%`;
  const took = step.duration_seconds === null ? "" : durationText(step.duration_seconds);
  const where = [step.worker && `on ${step.worker.split(" ")[0]}`, step.attempts > 1 && `attempt ${step.attempts}`];
  const detail = where.filter(Boolean).join(" · ");
  return [
    element(
      "div",
      { class: "step-heading" },
      element("span", { class: "step-name", text: step.name ?? activityText(step, isCancelled) }),
      element("span", { class: "step-state", text: stateText(step.state) }),
      element("span", { class: "step-time", text: took, title: momentText(step.started_at ?? step.scheduled_at) }),
    ),
    element("div", { class: "track" }, bar),
    detail && element("p", { class: "detail", text: detail }),
    step.last_failure && failure(step),
  ].filter(Boolean);
}

function failure({ last_failure: { code, message }, state, attempts }) {
  const overcome = state === "completed";
  const before = overcome ? `Attempt ${attempts - 1} failed: ` : "Failed: ";
  return element("p", { class: overcome ? "detail" : "reason" }, before, message, " ", element("code", { text: code }));
}
