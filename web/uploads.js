/** All uploads of this page, those that wait for their turn, and those of an earlier visit, which are gone on with. */

import { refusalOf } from "./choosing.js";
import { released, taken } from "./holds.js";
import { KeptUploads, isFileOf } from "./kept-uploads.js";
import { Turns } from "./turns.js";
import { State, Upload } from "./upload.js";

/** Fires `change` with `detail` the upload that has changed. */
export class Uploads extends EventTarget {
  #api;
  #session;
  #patience;
  #kept = null;
  #turns = new Turns();
  #all = [];
  #givenUp = new Set();
  #looks = new Set();
  #user = null;
  #addedAt = 0;

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

  /**
   * Which videos are uploads from here that do not know it yet: the service's first answer is late. They are shown already.
   * @param {object[]} videos Newest first.
   * @returns {Set<string>} Their ids.
   */
  notYetKnown(videos) {
    const asked = [...this.#all.filter(({ isOpen }) => isOpen), ...this.#givenUp].filter((upload) => upload.isUnanswered);
    const names = asked.map(({ entry }) => entry.name.normalize("NFC").trim()); // as the service keeps them
    const found = new Set();
    for (const { id, user_id: user, status, original_filename: name } of videos) {
      const isOwn = user === this.#user && status === "uploading" && this.of(id) === undefined;
      const at = isOwn ? names.indexOf(name) : -1;
      if (at < 0) continue;
      names.splice(at, 1); // each is one video
      found.add(id);
    }
    return found;
  }

  /** Go on with what this user began on an earlier visit, and then with what waited, which is shown meanwhile. */
  async begin(user) {
    this.#user = user;
    this.#kept = new KeptUploads(user);
    this.#kept.listen((key) => this.#hear(key));
    await this.#looking(this.#goOn());
  }

  /**
   * Upload files; one that was begun earlier goes on. What may be one of those waits until it is known how they stand.
   * @param {{file: File, handle: FileSystemFileHandle|null}[]} chosen
   */
  async add(chosen) {
    await Promise.all(chosen.map(({ file, handle }) => this.#add(file, handle)));
  }

  async #add(file, handle) {
    const mayBeKept = this.#kept.all().some((entry) => isFileOf(entry, file));
    if (mayBeKept && this.#needing(file) === undefined) await Promise.allSettled(this.#looks);
    const known = this.#needing(file);
    if (known) {
      this.#resume(known, file, handle);
      return;
    }
    const { name, size, lastModified } = file;
    this.#addedAt = Math.max(Date.now(), this.#addedAt + 1);
    const entry = { key: newKey(), id: null, name, size, lastModified, addedAt: this.#addedAt, isWaiting: true };
    const upload = this.#made(entry, file);
    upload.handle = handle;
    this.#follow(upload);
    const problem = refusalOf(file, this.limits);
    if (problem === null) this.#queue(upload);
    else upload.become(State.FAILED, problem);
  }

  /** The upload that goes on once this file is chosen again, or undefined. */
  #needing(file) {
    return this.#all.find((upload) => upload.state === State.NEEDS_FILE && isFileOf(upload.entry, file));
  }

  /** Have files wait that may be those of what is looked at. */
  async #looking(look) {
    this.#looks.add(look);
    await look.finally(() => this.#looks.delete(look));
  }

  async #goOn() {
    const isElsewhere = await taken();
    const entries = this.#kept.all().filter(({ key }) => !this.#all.some((known) => known.entry.key === key));
    const uploads = entries.map((entry) => this.#made(entry, null));
    const waiting = uploads.filter(({ entry }) => entry.isWaiting && !isElsewhere(entry.key));
    for (const upload of waiting) this.#follow(upload);
    const begun = uploads.filter((upload) => !waiting.includes(upload));
    await Promise.all(begun.map((upload) => this.#revive(upload, isElsewhere(upload.entry.key))));
    for (const upload of waiting) await this.#reopen(upload);
  }

  /** Go on with one whose file had to be chosen again. False where that is another file. */
  resume(upload, file, handle) {
    if (!isFileOf(upload.entry, file)) return false;
    this.#resume(upload, file, handle);
    return true;
  }

  /** Try one again that failed before it became a video: from where it was, if the service still knows it. */
  again(upload) {
    const { file, handle } = upload;
    if (upload.id === null || upload.isGone) {
      this.remove(upload);
      this.add([{ file, handle }]);
      return;
    }
    this.#resume(upload, file, handle);
  }

  /** The service is back: nobody waits any longer. */
  wake() {
    for (const upload of this.#all) upload.wake();
  }

  /** Something of this user's has ended: what waits until fewer are on their way is tried again at once. */
  placeIsFree() {
    for (const upload of this.#all) upload.placeIsFree();
  }

  /** Stop one and forget it. */
  async remove(upload) {
    upload.stop();
    this.#all = this.#all.filter((known) => known !== upload);
    this.#tell(upload);
    const forgotten = this.#kept?.forget(upload.entry.key);
    this.#turns.leave(upload.entry.key); // other tabs look then whether it is kept
    await forgotten;
  }

  /**
   * Stop one for good.
   * @returns {Promise<string|null>} Id of what the service has of it, also where its first answer was still to come.
   */
  async giveUp(upload) {
    this.#givenUp.add(upload);
    await this.remove(upload);
    const id = await upload.idAfterAll();
    this.#givenUp.delete(upload);
    this.#tell(upload);
    return id;
  }

  #made(entry, file) {
    return new Upload(this.#api, this.#session, this.#patience, entry, file);
  }

  async #revive(upload, isElsewhere) {
    const { entry } = upload;
    if (isElsewhere) {
      this.#follow(upload);
      this.#standBy(upload);
      return;
    }
    if (!(await upload.look())) {
      await this.#kept.forget(entry.key);
      return;
    }
    if (upload.id !== entry.id) await this.#kept.keep(upload.entry);
    this.#follow(upload);
    await this.#reopen(upload);
  }

  /** Go on by itself where the browser says where the file is, and lets it be read; else it has to be chosen again. */
  async #reopen(upload) {
    const handle = await this.#kept.handle(upload.entry.key);
    const file = handle !== null && (await isAllowed(handle)) ? await handle.getFile().catch(() => null) : null;
    upload.handle = handle;
    if (file === null || !this.resume(upload, file, handle)) upload.become(State.NEEDS_FILE);
  }

  /** Another tab has it: show it as what it is, and go on with it should that tab be closed too early. */
  async #standBy(upload) {
    upload.become(State.ELSEWHERE);
    await released(upload.entry.key);
    if (upload.isOpen) await this.#looking(this.#takeOver(upload));
  }

  /** The tab that had it has let it go. */
  async #takeOver(upload) {
    const kept = this.#kept.find(upload.entry.key);
    upload.entry = kept ?? upload.entry; // it may have an id by now
    if (kept === undefined && upload.id === null) {
      await this.remove(upload); // to ask for its id now would begin it anew
      return;
    }
    const goesOn = (await upload.look()) && kept !== undefined;
    if (upload.sent >= upload.total) {
      upload.become(State.DONE);
    } else if (!goesOn) {
      await this.remove(upload); // given up over there: what the service has of it goes, or is gone
    } else if (upload.file === null) {
      await this.#reopen(upload);
    } else {
      this.#resume(upload, upload.file, upload.handle);
    }
  }

  /** What waits and could not be kept is lost with the page: the browser asks whether to leave. */
  #keepPage(event) {
    const isLost = ({ state, entry }) => state === State.QUEUED && this.#kept.find(entry.key) === undefined;
    if (this.#all.some(isLost)) event.preventDefault();
  }

  /** Another tab keeps something new of an upload, such as the id by which its video is known, or has forgotten it. */
  #hear(key) {
    const isAtRest = ({ state }) => [State.QUEUED, State.NEEDS_FILE, State.ELSEWHERE].includes(state);
    const upload = this.#all.find(({ entry }) => entry.key === key);
    if (upload === undefined || !isAtRest(upload)) return;
    const kept = this.#kept.find(key);
    if (kept !== undefined) {
      upload.entry = kept;
      this.#tell(upload);
    } else if (upload.state !== State.ELSEWHERE) {
      this.remove(upload); // it was given up there, or is through; what is elsewhere is looked at when it is let go
    }
  }

  #resume(upload, file, handle) {
    upload.handle = handle ?? upload.handle;
    upload.take(file);
    this.#queue(upload);
  }

  /** Send it when its turn comes, unless another tab has it. It is kept at once: a page that is loaded anew knows it. */
  async #queue(upload) {
    if (!upload.isOpen) return;
    this.#kept.keep(upload.entry, upload.handle);
    const isHere = await this.#turns.take(upload.entry.key, () => this.#send(upload));
    if (!isHere) this.#standBy(upload);
  }

  #follow(upload) {
    this.#all.push(upload);
    this.#all.sort((one, other) => other.entry.addedAt - one.entry.addedAt);
    upload.addEventListener("change", () => this.#tell(upload));
    this.#tell(upload);
  }

  #tell(upload) {
    this.dispatchEvent(new CustomEvent("change", { detail: upload }));
  }

  /** Resolves once nothing that was chosen before this one waits for a place: it would be overtaken. */
  async #afterOthers(upload) {
    const isBefore = ({ hasNoPlace, isOpen, entry }) => hasNoPlace && isOpen && entry.addedAt < upload.entry.addedAt;
    while (upload.isOpen && this.#all.some(isBefore)) await changed(this);
  }

  /** Send it to its end. It is forgotten before other tabs may look, which see by that whether it has ended. */
  async #send(upload) {
    if (upload.id !== null) upload.become(State.SENDING);
    const remember = () => this.#kept.keep(upload.entry, upload.handle);
    await upload.run(remember, () => this.#afterOthers(upload));
    this.placeIsFree();
    if (!upload.isOpen) await this.#kept.forget(upload.entry.key);
  }
}

function changed(uploads) {
  return new Promise((resolve) => uploads.addEventListener("change", resolve, { once: true }));
}

/** Ask for the right to read a file again; some browsers show a question, so this has to follow a click. */
export async function fileOf(handle) {
  if ((await handle.requestPermission({ mode: "read" })) !== "granted") return null;
  return handle.getFile().catch(() => null);
}

async function isAllowed(handle) {
  return (await handle.queryPermission({ mode: "read" })) === "granted";
}

function newKey() {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}
