/** What was done to a video: each step, when and how long, where, and what failed on the way. */

import { element } from "./elements.js";
import { activityText, stateText } from "./steps.js";
import { durationText, momentText } from "./words.js";

const LEAST_SHARE = 0.4;
const DOT = "0.375rem";

/**
 * The steps as a list, each with its place in time.
 * @param {object[]} steps
 * @param {boolean} isCancelled Whether their run ended because somebody cancelled it.
 */
export function timeline(steps, isCancelled) {
  const begin = Math.min(...steps.map((step) => at(step.scheduled_at)));
  const end = Math.max(...steps.map((step) => endOf(step)), begin + 1);
  return element("ol", { class: "timeline" }, ...steps.map((step) => row(step, isCancelled, begin, end - begin)));
}

function row(step, isCancelled, begin, length) {
  const bar = element("span", { class: "span", "aria-hidden": "true" });
  const from = step.started_at === null ? at(step.scheduled_at) : at(step.started_at);
  // The shortest bar is a dot, which ends with the track and not beyond it.
  bar.style.marginInlineStart = `min(${(100 * (from - begin)) / length}%, 100% - ${DOT})`;
  bar.style.inlineSize = `${Math.max(LEAST_SHARE, (100 * (endOf(step) - from)) / length)}%`;
  const took = step.duration_seconds === null ? "" : durationText(step.duration_seconds);
  const worker = step.worker ? element("span", { class: "worker", text: `on ${step.worker.split(" ")[0]}` }) : null;
  return element(
    "li",
    { data: { state: step.state } },
    element(
      "div",
      { class: "step-heading" },
      element("span", { class: "step-name", text: activityText(step, isCancelled) }),
      element("span", { class: "step-state", text: stateText(step.state) }),
      element("span", { class: "step-time", text: took, title: momentText(step.started_at ?? step.scheduled_at) }),
    ),
    element("div", { class: "track" }, bar),
    worker || step.attempts > 1
      ? element("p", { class: "detail" }, worker, step.attempts > 1 ? ` attempt ${step.attempts}` : null)
      : null,
    step.last_failure ? failure(step) : null,
  );
}

function failure({ last_failure: { code, message }, state, attempts }) {
  const overcome = state === "completed";
  const before = overcome ? `Attempt ${attempts - 1} failed: ` : "Failed: ";
  return element("p", { class: overcome ? "detail" : "reason" }, before, message, " ", element("code", { text: code }));
}

function at(moment) {
  return new Date(moment).getTime();
}

function endOf(step) {
  if (step.started_at === null) return at(step.scheduled_at);
  return at(step.started_at) + 1000 * (step.duration_seconds ?? 0);
}
