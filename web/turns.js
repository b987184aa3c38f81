/** Whose turn it is: a few uploads at a time in this tab, and none that another tab sends or is about to send. */

import { alone } from "./holds.js";

const AT_ONCE = 2;

export class Turns {
  #running = 0;
  #waiting = new Map();

  /**
   * Do something for an upload when its turn comes. From now until that has ended, no other tab can.
   * @param {string} key Of the upload.
   * @param {() => Promise<void>} act
   * @returns {Promise<boolean>} False where another tab has it, and nothing was done.
   */
  async take(key, act) {
    return alone(key, async (isAlone) => {
      if (isAlone && (await this.#comes(key))) await this.#do(act);
      return isAlone;
    });
  }

  /** Wait no longer: the upload was given up. */
  leave(key) {
    const end = this.#waiting.get(key);
    this.#waiting.delete(key);
    end?.(false);
  }

  #comes(key) {
    return new Promise((resolve) => {
      this.#waiting.set(key, resolve);
      this.#next();
    });
  }

  async #do(act) {
    try {
      await act();
    } finally {
      this.#running -= 1;
      this.#next();
    }
  }

  #next() {
    for (const [key, begin] of this.#waiting) {
      if (this.#running >= AT_ONCE) return;
      this.#running += 1;
      this.#waiting.delete(key);
      begin(true);
    }
  }
}
