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

/** What a video does now. */
export function nowText(step) {
  return NOW[step] ?? "Waiting for a worker";
}

/** Where each of `STEPS` stands: `done`, `now` or `next`. */
export function standings(step) {
  const at = step === "finish" ? STEPS.length : STEPS.findIndex(([name]) => name === step);
  return STEPS.map((_, number) => (number < at ? "done" : number === at ? "now" : "next"));
}

/**
 * What an activity does.
 * @param {{activity: string, activity_id: string}} step
 * @param {boolean} isCancelled Whether its run ended because somebody cancelled it.
 */
export function activityText({ activity, activity_id: id }, isCancelled) {
  const chunk = /^chunk-(\d+)-of-(\d+)/.exec(id);
  if (chunk) return chunk[2] === "1" ? "Encode the picture" : `Encode the picture, part ${chunk[1]} of ${chunk[2]}`;
  return (isCancelled && ACTIVITIES_OF_CANCELLED[activity]) || (ACTIVITIES[activity] ?? activity);
}

/** Where an activity stands. */
export function stateText(state) {
  return STATES[state] ?? state;
}
