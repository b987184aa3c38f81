/** Why a video is in error, or an upload was refused, for whoever chose the file: what was wrong, and what to do. */

const ANOTHER_COPY = "Play the file on your own machine first. If it plays, export it again as MP4 and upload that.";
const OURS = "Nothing is wrong with your file. Try again; if it happens again, tell whoever runs this service.";

const REASONS = {
  invalid_media: ["This file can't be read as a video. It is damaged, ends early, or is something else.", ANOTHER_COPY],
  no_video_stream: ["This file has no picture, only sound or data.", "Choose the file that has the film in it."],
  unsupported_codec: [
    "The picture or sound is in a format that can't be read here.",
    "Export it as MP4 with H.264, and upload that.",
  ],
  encrypted: ["This file is copy-protected, so it can't be read.", "Upload a copy without protection."],
  limit_exceeded: ["This video is longer or larger than this service accepts.", "Shorten it or make its picture smaller."],
  unknown_profile: ["The encoding profile of this video does not exist any more.", "Upload the video again."],
  transcode_failed: ["The video could not be encoded, though its file can be read.", "Try again. " + ANOTHER_COPY],
  output_mismatch: ["The converted video did not pass its check, so it is not published.", OURS],
  address_refused: ["The address leads nowhere, or not to the public internet alone.", "Check how it is spelt, or give a public one."],
  source_not_found: ["There is no such file at that address.", "Check the address in your browser."],
  source_failed: ["The server that has the file fails or drops the connection.", "Try again later."],
  original_missing: ["The uploaded file is gone.", "Upload it again."],
  storage_failed: ["The file could not be stored, or not be read back.", OURS],
  upload_interrupted: ["The upload never finished.", "Upload the file again."],
  cancelled: ["This was cancelled.", "You can try again at any time: the uploaded file is kept."],
  timed_out: ["A step took too long.", OURS],
  processing_lost: ["The processing of this video was interrupted.", OURS],
  unsupported_extension: ["This kind of file isn't accepted.", ""],
  too_large: ["The file is too large.", ""],
  file_empty: ["The file is empty.", "Perhaps it was not copied to the end. Choose another copy."],
  no_room: ["There is no room for this file right now.", "Delete videos that are not needed, or try again later."],
  not_reprocessable: ["It can't be processed again right now.", ""],
  quota_exceeded: ["You have reached your limit.", ""],
  upload_gone: ["The upload has ended.", "Upload the file again."],
  upload_withdrawn: ["The upload was ended while it came.", "Unless you have ended it yourself, upload the file again."],
  video_not_found: ["The video is not there any more.", ""],
  file_changed: ["The file has changed or moved since it was chosen.", "Choose it again."],
};

/** The same file again would end the same way. */
const OF_THE_FILE = new Set(["encrypted", "invalid_media", "limit_exceeded", "no_video_stream", "unsupported_codec"]);
const FINAL = new Set([...OF_THE_FILE, "address_refused", "original_missing", "upload_interrupted"]);

/** Whether the file itself is at fault. */
export function isOfTheFile(code) {
  return OF_THE_FILE.has(code);
}

/** Whether a video in error may become ready when it is tried again. An import without its file fetches it then. */
export function mayHelpToTryAgain({ status, error_code: code, file_size_bytes: size }) {
  return status === "error" && !FINAL.has(code) && (size > 0 || code !== "cancelled");
}

const PASSING = {
  storage_failed: "The service can't store it right now. The upload continues by itself.",
  quota_exceeded: "As many of your videos are on their way as may be at a time. The upload continues by itself.",
  too_many_uploads: "As many uploads are on their way as may be at a time. The upload continues by itself.",
  upload_locked: "Another request is still writing it. The upload continues by itself.",
};

/** What an upload waits for that goes on by itself; without a code nothing answered, or none but a proxy on the way. */
export function waitingText(code) {
  const isAnswered = Boolean(code) && !code.startsWith("http_");
  return PASSING[code] ?? `The service can't ${isAnswered ? "take it now" : "be reached"}. The upload continues by itself.`;
}

/**
 * What a code means.
 * @param {string|null} code
 * @param {string} detail The service's own sentence, for what is not known here.
 * @returns {{what: string, advice: string}}
 */
export function reasonOf(code, detail = "") {
  const [what, advice] = REASONS[code] ?? [detail || "Something went wrong.", OURS];
  return { what, advice: advice || detail };
}
