/** Who one is: nobody's business on a machine without keys, else a key that became a cookie. */

import { Problem } from "./api.js";

/** Fires `change` when somebody has signed in or out. */
export class Session extends EventTarget {
  #api;
  #me = null;
  #byCookie = false;
  #tabs = new BroadcastChannel("rushes.session");

  constructor(api) {
    super();
    this.#api = api;
    api.addEventListener("signed-out", () => this.#became(null));
    this.#tabs.addEventListener("message", () => this.#lookAgain());
  }

  /** Who one is, or null for nobody. */
  get me() {
    return this.#me;
  }

  /** Whether there is a session that can be ended. */
  get canEnd() {
    return this.#me !== null && this.#byCookie;
  }

  /** Whether what operators look at is of use to this person: administrators, and whoever sits at the machine. */
  get isOperator() {
    return this.#me !== null && (this.#me.is_admin || !this.#byCookie);
  }

  /** Find out who one is. A cookie of a session that has ended is put away, as it would hide that no key is needed. */
  async begin() {
    try {
      await this.#learn();
    } catch (error) {
      if (!(error instanceof Problem) || error.status !== 401) throw error;
      await this.#api.request("DELETE", "/api/v1/session", { quiet: true });
      try {
        await this.#learn();
      } catch (again) {
        if (!(again instanceof Problem) || again.status !== 401) throw again;
        this.#became(null);
      }
    }
  }

  /** Turn a key into a session. Throws `Problem` where it is none. */
  async signIn(key) {
    const headers = { Authorization: `Bearer ${key}` };
    const session = await this.#api.request("POST", "/api/v1/session", { headers, quiet: true, bare: true });
    this.#tabs.postMessage("begun");
    await this.#api.be(session.user_id);
    this.#api.use(session.csrf_token);
    await this.#learn();
  }

  /** End the session, where it is still this user's. */
  async signOut() {
    await this.#api.learnToken();
    await this.#api.request("DELETE", "/api/v1/session", { quiet: true });
    this.#tabs.postMessage("ended");
    this.#api.use(null);
    this.#became(null);
  }

  /** Resolves once the user is signed in whose page it is; for another one never. */
  signedIn() {
    if (this.#me !== null) return Promise.resolve();
    return new Promise((resolve) => {
      const look = () => {
        if (this.#me === null) return;
        this.removeEventListener("change", look);
        resolve();
      };
      this.addEventListener("change", look);
    });
  }

  async #learn() {
    const me = await this.#api.request("GET", "/api/v1/me", { quiet: true });
    await this.#api.be(me.user_id);
    this.#byCookie = me.known_by === "session";
    if (this.#byCookie) await this.#api.learnToken();
    this.#became(me);
  }

  /** Another tab has begun a session, or ended it: it is this one's as well. */
  async #lookAgain() {
    try {
      await this.#learn();
    } catch (error) {
      if (error instanceof Problem && error.status === 401) this.#became(null);
    }
  }

  #became(me) {
    const isSame = this.started && this.#me?.user_id === me?.user_id;
    this.started = true;
    this.#me = me;
    if (!isSame) this.dispatchEvent(new Event("change"));
  }
}
