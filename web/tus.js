/** tus 1.0 (https://tus.io/protocols/resumable-upload): begin an upload, ask how far it is, send a piece of it. */

import { Away, problemOf } from "./api.js";

const UPLOADS = "/api/v1/uploads";
const VERSION = { "Tus-Resumable": "1.0.0" };

/** The address of a begun upload. */
export function uploadPath(id) {
  return `${UPLOADS}/${id}`;
}

/**
 * Begin an upload; with the same key once more it is the same upload.
 * @returns {Promise<string>} Id of the upload, which is its video's.
 */
export async function create(api, file, key, signal) {
  const headers = {
    "Upload-Length": String(file.size),
    "Upload-Metadata": `filename ${base64(file.name)}`,
    "Idempotency-Key": key,
  };
  const answer = await send(api, "POST", UPLOADS, { headers, signal });
  return answer.getResponseHeader("Location").split("/").at(-1);
}

/** How many bytes of an upload are durable. */
export async function offsetOf(api, id, signal) {
  const answer = await send(api, "HEAD", uploadPath(id), { signal });
  return Number(answer.getResponseHeader("Upload-Offset"));
}

/**
 * Send a piece of the file.
 * @param {(sent: number) => void} onProgress Told how many bytes of the piece are on their way, when there are more.
 * @returns {Promise<number>} How many bytes are durable now.
 */
export async function append(api, id, offset, piece, onProgress, signal) {
  const headers = { "Upload-Offset": String(offset), "Content-Type": "application/offset+octet-stream" };
  const answer = await send(api, "PATCH", uploadPath(id), { headers, body: piece, onProgress, signal });
  return Number(answer.getResponseHeader("Upload-Offset"));
}

/** By XMLHttpRequest, the only one that says how much of a body was sent. */
function send(api, method, path, { headers = {}, body = null, onProgress, signal }) {
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest();
    const abort = () => request.abort();
    request.open(method, path);
    for (const [name, value] of Object.entries({ ...VERSION, ...api.headers, ...headers })) {
      request.setRequestHeader(name, value);
    }
    if (onProgress) request.upload.addEventListener("progress", tellingMore(onProgress));
    request.addEventListener("load", () => {
      if (request.status >= 200 && request.status < 300) return resolve(request);
      const problem = problemOf(request.status, request.responseText, request.getResponseHeader("Retry-After"));
      api.tell(problem);
      return reject(problem);
    });
    request.addEventListener("error", () => {
      api.lost();
      reject(new Away("The service can't be reached."));
    });
    request.addEventListener("abort", () => reject(new DOMException("The upload was stopped.", "AbortError")));
    request.addEventListener("loadend", () => signal?.removeEventListener("abort", abort));
    signal?.addEventListener("abort", abort);
    if (signal?.aborted) return reject(new DOMException("The upload was stopped.", "AbortError"));
    return request.send(body);
  });
}

/** Some browsers tell the same number twice: that is no progress. */
function tellingMore(onProgress) {
  let told = 0;
  return ({ loaded }) => {
    if (loaded <= told) return;
    told = loaded;
    onProgress(loaded);
  };
}

function base64(text) {
  return btoa(String.fromCharCode(...new TextEncoder().encode(text)));
}
