/** Bytes a second of the last seconds. */

const WINDOW_MILLISECONDS = 5000;
const LEAST_MILLISECONDS = 700;

export class Rate {
  #seen = [];

  /** Note how far it is now. */
  note(bytes, now = performance.now()) {
    const last = this.#seen.at(-1);
    if (last && bytes < last.bytes) this.#seen = [];
    this.#seen.push({ bytes, now });
    while (this.#seen.length > 2 && this.#seen[0].now < now - WINDOW_MILLISECONDS) this.#seen.shift();
  }

  /** Begin anew, as after a pause. */
  forget() {
    this.#seen = [];
  }

  /** Bytes a second, or null while that is not known. */
  get value() {
    const [first, last] = [this.#seen[0], this.#seen.at(-1)];
    if (!first || last.now - first.now < LEAST_MILLISECONDS) return null;
    return (1000 * (last.bytes - first.bytes)) / (last.now - first.now);
  }
}
