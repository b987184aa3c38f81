/** Where everything of the page is put together. */

import { Actions } from "./actions.js";
import { Api } from "./api.js";
import { Library } from "./library.js";
import { Live } from "./live.js";
import { Notices } from "./notices.js";
import { Page } from "./page.js";
import { keepPicturesFromWaiting } from "./pictures.js";
import { PATIENCE } from "./patience.js";
import { Router } from "./router.js";
import { Session } from "./session.js";
import { Uploads } from "./uploads.js";

const AGAIN_MILLISECONDS = 3000;
const LONGEST_MILLISECONDS = 60_000;

const place = (id) => document.getElementById(id);
const places = { body: document.body, content: place("content"), tools: place("tools"), banner: place("banner") };
const api = new Api(PATIENCE);
const session = new Session(api);
const notices = new Notices(place("notices"), place("announcements"));
const uploads = new Uploads(api, session, PATIENCE);
const library = new Library(api);
const actions = new Actions(api, session, library, uploads, notices, system);
const live = new Live(api, library, uploads, PATIENCE);
const router = new Router();

let asked = null;

/** How the service stands, asked until it is told; null where it is not now. */
function system() {
  asked ??= api.get("/api/v1/system").catch(() => (asked = null));
  return asked;
}

/** What an upload may be, once the service tells. Until then it is the service that refuses. */
async function limits() {
  for (let pause = 1000; ; pause = Math.min(2 * pause, LONGEST_MILLISECONDS)) {
    await session.signedIn();
    const told = await system();
    const largest = await fetch("/api/v1/uploads", { method: "OPTIONS", signal: AbortSignal.timeout(PATIENCE.answer) }).catch(() => null);
    if (told !== null && largest?.ok) {
      return {
        extensions: told.limits.allowed_extensions,
        mostBytes: Number(largest.headers.get("Tus-Max-Size") ?? 0),
      };
    }
    await new Promise((resolve) => setTimeout(resolve, pause));
  }
}

keepPicturesFromWaiting(live);
new Page({ api, session, notices, uploads, library, actions, live, router, system, limits, places });

/** Find out who is here; a service that is away is asked again. */
async function begin() {
  try {
    await session.begin();
    places.banner.textContent = "";
  } catch {
    places.banner.textContent = "The service can't be reached. This page keeps trying.";
    setTimeout(begin, AGAIN_MILLISECONDS);
  }
}

begin();
