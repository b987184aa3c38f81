/** The steps of a video, in words. */

/** What is told of a video on its way: its parts in order. An import begins with a fetch. */
export const STEPS = [
  ["validate", "Check"],
  ["transcode", "Convert"],
  ["join", "Assemble"],
  ["verify", "Verify"],
  ["publish", "Publish"],
];

const NOW = {
  fetch: "Fetching the file",
  validate: "Checking the file",
  transcode: "Converting the video",
  join: "Assembling the video",
  verify: "Verifying the result",
  publish: "Publishing",
  finish: "Finishing",
};

const ACTIVITIES = {
  claim_video: "Start",
  fetch_original: "Fetch the file",
  validate_video: "Check the file and plan the work",
  hash_original: "Compute the checksum",
  count_minutes: "Check the minutes of the day",
  create_thumbnail: "Create the thumbnail",
  encode_sound: "Encode the sound",
  join_streams: "Assemble the video",
  verify_output: "Verify the result",
  publish_files: "Publish",
  withdraw_files: "Unpublish",
  claim_reprocessing: "Start",
  publish_edition: "Publish the new version",
  mark_reprocessed: "Switch to the new version",
  fail_reprocessing: "Record the failure",
  withdraw_edition: "Remove the new version",
  mark_ready: "Mark as ready",
  mark_error: "Mark as failed",
  clean_scratch: "Clean up",
};

/** What ends a run says why: a video that a person cancelled has not failed. */
const ACTIVITIES_OF_CANCELLED = {
  mark_error: "Mark as cancelled",
  fail_reprocessing: "Record the cancellation",
};

const STATES = {
  scheduled: "waiting for a worker",
  running: "running",
  retrying: "waiting to retry",
  paused: "paused by an operator",
  completed: "done",
  failed: "failed",
  timed_out: "took too long",
  cancelled: "cancelled",
};

/** What a video does now. A list tells nothing of that, and who was told of no step was told that none has begun. */
export function nowText({ step, progress }) {
  const isTold = progress !== null && progress !== undefined;
  return NOW[step] ?? (isTold ? "Waiting for a worker" : "In processing");
}

/** Where each of `STEPS` stands: `done`, `now` or `next`. */
export function standings(step) {
  const at = step === "finish" ? STEPS.length : STEPS.findIndex(([name]) => name === step);
  return STEPS.map((_, number) => (number < at ? "done" : number === at ? "now" : "next"));
}

/** Which part of a picture a step encodes, as `[part, of]`; null for other steps. */
export function partOf({ activity_id: id }) {
  const found = /^chunk-(\d+)-of-(\d+)/.exec(id);
  return found && [Number(found[1]), Number(found[2])];
}

/**
 * What an activity does.
 * @param {{activity: string, activity_id: string}} step
 * @param {boolean} isCancelled Whether its run ended because somebody cancelled it.
 */
export function activityText(step, isCancelled) {
  const part = partOf(step);
  if (part) return part[1] === 1 ? "Encode the picture" : `Encode the picture, part ${part[0]} of ${part[1]}`;
  const { activity } = step;
  return (isCancelled && ACTIVITIES_OF_CANCELLED[activity]) || (ACTIVITIES[activity] ?? activity);
}

/** Where an activity stands. */
export function stateText(state) {
  return STATES[state] ?? state;
}
