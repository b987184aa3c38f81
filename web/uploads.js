/** All uploads of this page: two at a time, the others wait; those of an earlier visit are gone on with. */

import { BegunUploads, isFileOf } from "./begun-uploads.js";
import { Problem } from "./api.js";
import { State, Upload } from "./upload.js";
import { sizeText } from "./words.js";

const AT_ONCE = 2;

/** Fires `change` with `detail` the upload that has changed. */
export class Uploads extends EventTarget {
  #api;
  #session;
  #patience;
  #begun = null;
  #all = [];
  #running = 0;

  /** @param {object} patience As `PATIENCE` has it. */
  constructor(api, session, patience) {
    super();
    /** What an upload may be, as far as that is known. */
    this.limits = { extensions: [], mostBytes: 0 };
    this.#api = api;
    this.#session = session;
    this.#patience = patience;
    window.addEventListener("beforeunload", (event) => this.#keepPage(event));
  }

  /** Newest first. */
  get all() {
    return this.#all;
  }

  /** The upload that makes a video here, or undefined. */
  of(videoId) {
    return this.#all.find((upload) => upload.id === videoId);
  }

  /** Go on with what this user began on an earlier visit. */
  async begin(user) {
    this.#begun = new BegunUploads(user);
    window.addEventListener("storage", () => this.#learnIds());
    for (const entry of this.#begun.all()) {
      if (this.#all.some((known) => known.entry.key === entry.key)) continue;
      await this.#revive(entry);
    }
  }

  /**
   * Upload files; one that was begun earlier goes on.
   * @param {{file: File, handle: FileSystemFileHandle|null}[]} chosen
   */
  add(chosen) {
    for (const { file, handle } of chosen) {
      const known = this.#all.find((upload) => upload.state === State.NEEDS_FILE && isFileOf(upload.entry, file));
      if (known) {
        this.#resume(known, file, handle);
        continue;
      }
      const { name, size, lastModified } = file;
      const upload = this.#made({ key: newKey(), id: null, name, size, lastModified }, file);
      upload.handle = handle;
      this.#follow(upload);
      const problem = this.#problemOf(file);
      if (problem !== null) upload.become(State.FAILED, problem);
    }
    this.#next();
  }

  /** What the service would refuse anyway is told before its turn comes. */
  #problemOf({ name, size }) {
    const { extensions, mostBytes } = this.limits;
    if (size === 0) return new Problem(422, "file_empty", "");
    if (extensions.length > 0 && !extensions.some((extension) => name.toLowerCase().endsWith(extension))) {
      return new Problem(415, "unsupported_extension", `The file's name must end in one of ${extensions.join(", ")}.`);
    }
    if (mostBytes > 0 && size > mostBytes) {
      return new Problem(413, "too_large", `A file may have at most ${sizeText(mostBytes)}.`);
    }
    return null;
  }

  /** Go on with one whose file had to be chosen again. False where that is another file. */
  resume(upload, file, handle) {
    if (!isFileOf(upload.entry, file)) return false;
    this.#resume(upload, file, handle);
    this.#next();
    return true;
  }

  /** Try one again that failed before it became a video: from where it was, if the service still knows it. */
  async again(upload) {
    const { file, handle } = upload;
    if (upload.id === null || upload.isGone) {
      this.remove(upload);
      this.add([{ file, handle }]);
      return;
    }
    upload.take(file);
    await this.#begun.keep(upload.entry, handle);
    this.#next();
  }

  /** The service is back: nobody waits any longer. */
  wake() {
    for (const upload of this.#all) upload.wake();
  }

  /** Stop one and forget it. */
  async remove(upload) {
    upload.stop();
    this.#all = this.#all.filter((known) => known !== upload);
    this.#tell(upload);
    await this.#begun?.forget(upload.entry.key);
  }

  #made(entry, file) {
    return new Upload(this.#api, this.#session, this.#patience, entry, file);
  }

  async #revive(entry) {
    const upload = this.#made(entry, null);
    if (await isTaken(entry.key)) {
      this.#follow(upload);
      this.#standBy(upload);
      return;
    }
    if (!(await upload.look())) {
      await this.#begun.forget(entry.key);
      return;
    }
    if (upload.id !== entry.id) await this.#begun.keep(upload.entry);
    this.#follow(upload);
    const handle = await this.#begun.handle(entry.key);
    if (handle !== null && (await isAllowed(handle))) {
      const file = await handle.getFile().catch(() => null);
      if (file !== null && this.resume(upload, file, handle)) return;
    }
    upload.handle = handle;
  }

  /** Another tab sends it: show it as what it is, and go on with it should that tab be closed too early. */
  async #standBy(upload) {
    upload.become(State.ELSEWHERE);
    await navigator.locks.request(lockOf(upload.entry.key), () => undefined);
    const kept = this.#begun.find(upload.entry.key);
    upload.entry = kept ?? upload.entry; // it may have an id by now
    if (kept === undefined && upload.id === null) {
      await this.remove(upload); // to ask for its id now would begin it anew
      return;
    }
    const goesOn = (await upload.look()) && kept !== undefined;
    if (upload.sent >= upload.total) {
      upload.become(State.DONE);
    } else if (goesOn) {
      upload.become(upload.file === null ? State.NEEDS_FILE : State.QUEUED);
      this.#next();
    } else {
      await this.remove(upload); // given up over there: what the service has of it goes, or is gone
    }
  }

  /** A page that is loaded anew knows nothing of files that wait for their turn: the browser asks whether to leave. */
  #keepPage(event) {
    if (this.#all.some(({ state }) => state === State.QUEUED)) event.preventDefault();
  }

  /** Another tab has been given the id of what it sends, by which the video here is known to be the same. */
  #learnIds() {
    for (const upload of this.#all.filter(({ id }) => id === null)) {
      const kept = this.#begun.find(upload.entry.key);
      if (!kept?.id) continue;
      upload.entry = kept;
      this.#tell(upload);
    }
  }

  #resume(upload, file, handle) {
    upload.handle = handle ?? upload.handle;
    upload.take(file);
  }

  #follow(upload) {
    this.#all.unshift(upload);
    upload.addEventListener("change", () => this.#tell(upload));
    this.#tell(upload);
  }

  #tell(upload) {
    this.dispatchEvent(new CustomEvent("change", { detail: upload }));
  }

  /** Send it to its end. It is forgotten before other tabs may look, which see by that whether it has ended. */
  async #send(upload) {
    await upload.run(() => this.#begun.keep(upload.entry, upload.handle));
    if (!upload.isOpen) await this.#begun.forget(upload.entry.key);
  }

  #next() {
    const waiting = this.#all.filter((upload) => upload.state === State.QUEUED).reverse();
    for (const upload of waiting.slice(0, AT_ONCE - this.#running)) this.#start(upload);
  }

  async #start(upload) {
    this.#running += 1;
    upload.become(State.SENDING);
    try {
      await alone(upload.entry.key, async (isAlone) => {
        if (isAlone) await this.#send(upload);
        else this.#standBy(upload);
      });
    } finally {
      this.#running -= 1;
      this.#next();
    }
  }
}

/** Ask for the right to read a file again; some browsers show a question, so this has to follow a click. */
export async function fileOf(handle) {
  if ((await handle.requestPermission({ mode: "read" })) !== "granted") return null;
  return handle.getFile().catch(() => null);
}

async function isAllowed(handle) {
  return (await handle.queryPermission({ mode: "read" })) === "granted";
}

/** Two tabs never send the same upload. */
async function alone(key, act) {
  if (!navigator.locks) return act(true);
  return navigator.locks.request(lockOf(key), { ifAvailable: true }, (lock) => act(lock !== null));
}

async function isTaken(key) {
  const locks = (await navigator.locks?.query()) ?? { held: [] };
  return locks.held.some((lock) => lock.name === lockOf(key));
}

function lockOf(key) {
  return `rushes.upload.${key}`;
}

function newKey() {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}
