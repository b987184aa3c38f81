/**
 * Uploads of this browser that are not through, those that wait for their turn among them: what a page that was loaded
 * anew needs to go on with them.
 *
 * Each has a place of its own in localStorage, so that tabs that write at the same moment lose none of each other's.
 * Where the browser gives out a handle of a file, that is in IndexedDB, and the upload goes on by itself; elsewhere the
 * person has to choose the file once more, and it is recognised by name, size and time.
 */

const DATABASE = "rushes";
const HANDLES = "handles";
const KEY = /^[0-9a-f]{32}$/;

export class KeptUploads {
  #place;

  /** @param {string} user Whose uploads: another user of the same browser sees none of them. */
  constructor(user) {
    this.#place = `rushes.upload.${user}.`;
  }

  /**
   * All of them, oldest first: `{key, id, name, size, lastModified, addedAt, isWaiting}`. `id` is null until the service
   * gave one; as long as `isWaiting`, it was not asked for one.
   */
  all() {
    const keys = storedNames().map((name) => this.#keyOf(name)).filter((key) => key !== null);
    const entries = keys.map((key) => this.find(key)).filter((entry) => entry !== undefined);
    return entries.sort((one, other) => one.addedAt - other.addedAt);
  }

  /** One of them as it is now; undefined once it is through, or gone. */
  find(key) {
    try {
      return JSON.parse(localStorage.getItem(this.#place + key)) ?? undefined;
    } catch {
      return undefined;
    }
  }

  /** Keep one, or what is new of it. */
  async keep(entry, handle = null) {
    try {
      localStorage.setItem(this.#place + entry.key, JSON.stringify(entry));
    } catch {
      // without room to remember it, an upload still goes on for as long as the page is open
    }
    if (handle !== null) await this.#handles("readwrite", (store) => store.put(handle, entry.key));
  }

  /** Forget one: it is through, or gone. */
  async forget(key) {
    try {
      localStorage.removeItem(this.#place + key);
    } catch {
      // where nothing can be kept, nothing was
    }
    await this.#handles("readwrite", (store) => store.delete(key));
  }

  /**
   * Hear of what other tabs keep and forget.
   * @param {(key: string) => void} hear Told of which upload there is something new.
   */
  listen(hear) {
    window.addEventListener("storage", ({ key: name }) => {
      const key = name === null ? null : this.#keyOf(name);
      if (key !== null) hear(key);
    });
  }

  /** Where the file of an upload is, or null where the browser did not say. */
  async handle(key) {
    return (await this.#handles("readonly", (store) => store.get(key))) ?? null;
  }

  /** The upload that is kept under this name; null where that is something else, or another user's. */
  #keyOf(name) {
    const key = name.startsWith(this.#place) ? name.slice(this.#place.length) : "";
    return KEY.test(key) ? key : null;
  }

  /** Do one thing in the database of handles; undefined where the browser has none, as in some private windows. */
  async #handles(mode, act) {
    try {
      const database = await settled(opened());
      const result = await settled(act(database.transaction(HANDLES, mode).objectStore(HANDLES)));
      database.close();
      return result;
    } catch {
      return undefined;
    }
  }
}

/** Whether a file is the one that an upload was begun with, as far as a browser tells. */
export function isFileOf(entry, file) {
  return entry.name === file.name && entry.size === file.size && entry.lastModified === file.lastModified;
}

function storedNames() {
  try {
    return Object.keys(localStorage);
  } catch {
    return [];
  }
}

function opened() {
  const request = indexedDB.open(DATABASE, 1);
  request.addEventListener("upgradeneeded", () => request.result.createObjectStore(HANDLES));
  return request;
}

function settled(request) {
  return new Promise((resolve, reject) => {
    request.addEventListener("success", () => resolve(request.result));
    request.addEventListener("error", () => reject(request.error));
  });
}
