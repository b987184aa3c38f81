/** A ready video that is made anew: with which profile, how far that is, and why it failed. */

import { askForChoice } from "./dialogs.js";
import { element } from "./elements.js";
import { reasonOf } from "./reasons.js";
import { nowText } from "./steps.js";
import { percentText, timeLeftText } from "./words.js";

/** Whether it is ready, and a run makes it anew. */
export function isReprocessing({ status, reprocess_profile: profile, reprocess_error_code: code }) {
  return status === "ready" && Boolean(profile) && !code;
}

/** How far a run is, in words. */
export function runText({ step, step_failure: failure, progress, time_left_seconds: left }) {
  const share = progress === null || progress === undefined ? "" : percentText(progress);
  const failed = failure ? `Retrying: ${failure}` : "";
  return [nowText({ step, progress }), share, left ? timeLeftText(left) : "", failed].filter(Boolean).join(" · ");
}

/**
 * Ask with which profile; null where the person thought better of it.
 * @param {object} video
 * @param {{name: string, description: string}[]} profiles
 */
export function askForProfile(video, profiles) {
  return askForChoice({
    title: "Process again",
    detail: "From the uploaded file. The current version plays until the new one is ready.",
    label: "Profile",
    value: video.profile,
    choices: profiles.map(({ name, description }) => ({ value: name, label: name, detail: description })),
    confirm: "Process again",
  });
}

/** What is told of one that could not be made anew. */
export function failedCallout(video) {
  const { reprocess_profile: profile, reprocess_error_code: code, reprocess_error_reason: detail } = video;
  const { what } = reasonOf(code, detail ?? "");
  const isCancelled = code === "cancelled";
  return element(
    "div",
    { class: isCancelled ? "callout" : "callout failed" },
    element("p", {
      class: "callout-title",
      text: isCancelled ? "Processing again was cancelled" : `It could not be processed again with profile ${profile}`,
    }),
    !isCancelled && element("p", { text: `${what} Try again, or use another profile.` }),
    element(
      "p",
      { class: "detail" },
      "The version from before still plays. ",
      !isCancelled && element("code", { text: code }),
    ),
  );
}
