/** The way to the api: problem documents become errors, a session's token goes with what changes anything. */

const SOON_SECONDS = 120;
/** The api refused. */
export class Problem extends Error {
  /**
   * @param {number} status Of HTTP.
   * @param {string} code Stable name of the reason.
   * @param {string} detail A sentence.
   * @param {number|null} retryAfter Seconds after which asking again may help.
   */
  constructor(status, code, detail, retryAfter = null) {
    super(detail);
    this.status = status;
    this.code = code;
    this.retryAfter = retryAfter;
  }

  /** Whether the same may succeed soon. */
  get passes() {
    if ((this.retryAfter ?? 0) > SOON_SECONDS) return false;
    return [408, 423, 429].includes(this.status) || (this.status >= 500 && this.code !== "no_room");
  }
}

/** There was no answer: the network or the service is away. */
export class Away extends Error {}

/** Read a problem out of a status and a body. */
export function problemOf(status, body, retryAfter) {
  let document = {};
  try {
    document = JSON.parse(body);
  } catch {
    // not one of ours: a proxy, or a server that is going down
  }
  const seconds = Number.parseFloat(retryAfter ?? "");
  const detail = document.detail ?? `The service answered ${status}.`;
  return new Problem(status, document.code ?? "http_error", detail, Number.isFinite(seconds) ? seconds : null);
}

/**
 * Fires `signed-out` when the service does not know any more who asks, `lost` when something was not answered, and
 * `another` when the browser's session has become another user's.
 */
export class Api extends EventTarget {
  #patience;
  #token = null;
  #user = null;
  #isAnothers = false;

  /** @param {object} patience As `PATIENCE` has it. */
  constructor(patience) {
    super();
    this.#patience = patience;
  }

  /** The headers that say who asks. What only reads has them too: another session's answer would be taken for this one's. */
  get headers() {
    return this.#token === null ? {} : { "X-CSRF-Token": this.#token };
  }

  /** Take the token of a session, or null for none. */
  use(token) {
    this.#token = token;
  }

  /**
   * Make sure that this is the user whose page it is: the first one who is named. For another one this never returns,
   * nor does any request from then on: what is here must not be sent for them.
   */
  async be(user) {
    this.#user ??= user;
    if (this.#user === user) return;
    if (!this.#isAnothers) {
      this.#isAnothers = true;
      this.dispatchEvent(new Event("another"));
    }
    await never();
  }

  /** Ask for the token anew, as after a reload. False where there is no session. */
  async learnToken() {
    try {
      const session = await this.request("GET", "/api/v1/session", { quiet: true, bare: true });
      await this.be(session.user_id);
      this.use(session.csrf_token);
      return true;
    } catch (error) {
      if (error instanceof Problem && error.status === 401) return false;
      throw error;
    }
  }

  /**
   * Ask, and return what the answer's JSON is; null for an answer without one. Throws `Away` where none comes in time.
   * @param {string} method
   * @param {string} path
   * @param {{json?: object, headers?: object, keepalive?: boolean, quiet?: boolean, bare?: boolean,
   *   signal?: AbortSignal}} options `quiet`: a 401 is not told to the page. `bare`: whose session it is, is asked.
   */
  async request(method, path, options = {}, again = false) {
    const { json, headers = {}, keepalive = false, quiet = false, bare = false, signal } = options;
    if (this.#isAnothers) await never();
    const content = json === undefined ? {} : { "Content-Type": "application/json" };
    const limit = AbortSignal.timeout(this.#patience.answer);
    let answer;
    let body;
    try {
      answer = await fetch(path, {
        method,
        headers: { ...(bare ? {} : this.headers), ...content, ...headers },
        body: json === undefined ? undefined : JSON.stringify(json),
        keepalive,
        signal: signal ? AbortSignal.any([signal, limit]) : limit,
      });
      body = await answer.text();
    } catch (error) {
      if (error.name === "AbortError") throw error;
      this.lost();
      throw new Away("The service can't be reached.", { cause: error });
    }
    if (answer.ok) return body === "" ? null : JSON.parse(body);
    const problem = problemOf(answer.status, body, answer.headers.get("Retry-After"));
    if (problem.code === "csrf_refused" && !again && (await this.learnToken())) {
      return this.request(method, path, options, true);
    }
    if (!quiet) this.tell(problem);
    throw problem;
  }

  /** Let the page know of a problem that is about who asks. */
  tell(problem) {
    if (problem.status === 401) this.dispatchEvent(new Event("signed-out"));
  }

  /** Let the page know that something was not answered: whether the service is away, `Live` finds out. */
  lost() {
    this.dispatchEvent(new Event("lost"));
  }

  get(path, options) {
    return this.request("GET", path, options);
  }

  post(path, json, options) {
    return this.request("POST", path, { json, ...options });
  }
}

function never() {
  return new Promise(() => undefined);
}
