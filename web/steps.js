/** The steps of a video, in words. */

/** What is told of a video on its way: its parts in order. An import begins with a fetch. */
export const STEPS = [
  ["validate", "Check"],
  ["transcode", "Make"],
  ["join", "Put together"],
  ["verify", "Verify"],
  ["publish", "Publish"],
];

const NOW = {
  fetch: "Fetching the file",
  validate: "Checking the file",
  transcode: "Making the video",
  join: "Putting it together",
  verify: "Verifying the result",
  publish: "Publishing",
  finish: "Finishing",
};

const ACTIVITIES = {
  claim_video: "Take up",
  fetch_original: "Fetch the file",
  validate_video: "Check the file and plan",
  hash_original: "Fingerprint the file",
  create_thumbnail: "Draw the poster",
  encode_sound: "Encode the sound",
  join_streams: "Put together",
  verify_output: "Verify the result",
  publish_files: "Publish",
  withdraw_files: "Withdraw what was published",
  claim_reprocessing: "Take up",
  publish_edition: "Publish beside the old files",
  mark_reprocessed: "Show the new files",
  fail_reprocessing: "Note why it failed",
  withdraw_edition: "Withdraw what was published",
  mark_ready: "Mark as ready",
  mark_error: "Mark as failed",
  clean_scratch: "Tidy up",
};

/** What ends a run says why: a video that a person cancelled has not failed. */
const ACTIVITIES_OF_CANCELLED = {
  mark_error: "Mark as cancelled",
  fail_reprocessing: "Note that it was cancelled",
};

const STATES = {
  scheduled: "waits for a worker",
  running: "runs",
  retrying: "waits to be tried again",
  paused: "held by an operator",
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
