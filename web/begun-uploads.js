/**
 * Uploads that were begun here and are not through: what a page that was loaded anew needs to go on with them.
 *
 * The list is in localStorage. Where the browser gives out a handle of a file, that is in IndexedDB, and the upload
 * goes on by itself; elsewhere the person has to choose the file once more, and it is recognised by name, size and
 * time.
 */

const DATABASE = "rushes";
const HANDLES = "handles";

export class BegunUploads {
  #place;

  /** @param {string} user Whose uploads: another user of the same browser sees none of them. */
  constructor(user) {
    this.#place = `rushes.begun.${user}`;
  }

  /** All of them, oldest first: `{key, id, name, size, lastModified}`; `id` is null until the service gave one. */
  all() {
    try {
      return JSON.parse(localStorage.getItem(this.#place) ?? "[]");
    } catch {
      return [];
    }
  }

  /** One of them as it is now; undefined once it is through, or gone. */
  find(key) {
    return this.all().find((known) => known.key === key);
  }

  /** Keep one, or what is new of it. */
  async keep(entry, handle = null) {
    this.#write([...this.all().filter((known) => known.key !== entry.key), entry]);
    if (handle !== null) await this.#handles("readwrite", (store) => store.put(handle, entry.key));
  }

  /** Forget one: it is through, or gone. */
  async forget(key) {
    this.#write(this.all().filter((known) => known.key !== key));
    await this.#handles("readwrite", (store) => store.delete(key));
  }

  /** Where the file of an upload is, or null where the browser did not say. */
  async handle(key) {
    return (await this.#handles("readonly", (store) => store.get(key))) ?? null;
  }

  #write(entries) {
    try {
      localStorage.setItem(this.#place, JSON.stringify(entries));
    } catch {
      // without room to remember it, an upload still goes on for as long as the page is open
    }
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
