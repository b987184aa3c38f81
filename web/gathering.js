/** What was done to a video, gathered as people ask after it: the tries of one step as one, and the parts of a picture. */

import { partOf } from "./steps.js";

const FEWEST = 4;
const MOST_TELLING = ["failed", "timed_out", "cancelled", "running", "paused", "retrying", "scheduled"];
const IN_TROUBLE = new Set(["failed", "timed_out", "paused", "retrying"]);

/** Milliseconds since the epoch at which a step began: its first try. */
export function beginOf(step) {
  return new Date(step.first_started_at ?? step.started_at ?? step.scheduled_at).getTime();
}

/** When it ended, or how far it is. */
export function endOf(step) {
  if (step.started_at === null) return new Date(step.scheduled_at).getTime();
  return new Date(step.started_at).getTime() + 1000 * (step.duration_seconds ?? 0);
}

/**
 * A film has hundreds of parts: they are one, and those that are in trouble stand by themselves as well.
 * @param {object[]} told The steps in the order in which they began.
 * @returns {{before: object[], parts: object[], whole: object|null, after: object[]}} `whole` tells of all `parts`; it
 *   is null where they are few and stand among the others.
 */
export function gathered(told) {
  const steps = triesAsOne(told);
  const parts = steps.filter((step) => partOf(step) !== null);
  if (parts.length < FEWEST) return { before: steps, parts: [], whole: null, after: [] };
  const first = steps.indexOf(parts[0]);
  const after = steps.slice(first).filter((step) => partOf(step) === null || IN_TROUBLE.has(step.state));
  return { before: steps.slice(0, first), parts, whole: asOne(parts), after };
}

/** What the workflow asked for again, where it was first asked for: as it stands now, and why it failed last. */
function triesAsOne(steps) {
  const newest = new Map();
  for (const step of steps) {
    const name = step.activity_id.split(".")[0];
    const before = newest.get(name);
    newest.set(name, before === undefined ? step : after(before, step));
  }
  return [...newest.values()];
}

function after(before, step) {
  return {
    ...step,
    attempts: before.attempts + step.attempts,
    first_started_at: before.first_started_at ?? before.started_at,
    last_failure: step.last_failure ?? before.last_failure,
  };
}

function asOne(parts) {
  const of = partOf(parts[0])[1];
  const done = parts.filter(({ state }) => state === "completed").length;
  const telling = MOST_TELLING.find((state) => parts.some((part) => part.state === state)) ?? "completed";
  const begun = parts.filter(({ started_at: started }) => started !== null);
  const started = begun.length > 0 ? Math.min(...begun.map(beginOf)) : null;
  return {
    ...parts[0],
    name: `Encode the picture: ${done} of ${of} parts`,
    state: telling === "completed" && done < of ? "running" : telling,
    attempts: 1, // each part tells its own
    last_failure: null,
    worker: null,
    first_started_at: null,
    started_at: started === null ? null : new Date(started).toISOString(),
    duration_seconds: started === null ? null : (Math.max(...begun.map(endOf)) - started) / 1000,
  };
}
