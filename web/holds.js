/**
 * Which tab has an upload: one alone sends it. The browser has locks for that, which end with their tab, but none on a
 * page that came over plain http from another machine. There the tab says in localStorage that it has it, again and
 * again, and takes that back when it is left; one that was killed is believed for as long as a browser may let a tab
 * rest that nobody looks at.
 */

const PLACE = "rushes.held.";
const SAID_MILLISECONDS = 5_000;
const BELIEVED_MILLISECONDS = 90_000;
const SETTLED_MILLISECONDS = 150;

const tab = Math.random().toString(36).slice(2);

/**
 * Do something for an upload while no other tab can.
 * @param {string} key Of the upload.
 * @param {(isAlone: boolean) => Promise<Done>} act Told whether no other tab has it.
 * @template Done
 * @returns {Promise<Done>}
 */
export async function alone(key, act) {
  if (!navigator.locks) return aloneBySaying(key, act);
  return navigator.locks.request(PLACE + key, { ifAvailable: true }, (lock) => act(lock !== null));
}

/** Resolves once no tab has this upload any more. */
export async function released(key) {
  if (navigator.locks) return navigator.locks.request(PLACE + key, () => undefined);
  while (isSaidElsewhere(key)) await somethingSaid();
}

/** @returns {Promise<(key: string) => boolean>} Whether a tab has an upload now. */
export async function taken() {
  if (!navigator.locks) return isSaidElsewhere;
  const { held } = await navigator.locks.query();
  const locks = new Set(held.map(({ name }) => name));
  return (key) => locks.has(PLACE + key);
}

async function aloneBySaying(key, act) {
  if (isSaidElsewhere(key)) return act(false);
  const takeBack = () => forget(key);
  say(key);
  await pause(SETTLED_MILLISECONDS); // two that said so at the same moment: it is the one who was later
  if (isSaidElsewhere(key)) return act(false);
  const saying = setInterval(() => say(key), SAID_MILLISECONDS);
  window.addEventListener("pagehide", takeBack);
  try {
    return await act(true);
  } finally {
    clearInterval(saying);
    window.removeEventListener("pagehide", takeBack);
    takeBack();
  }
}

/** Resolves when another tab has said something, or may have ended without a word. */
function somethingSaid() {
  return new Promise((resolve) => {
    window.addEventListener("storage", resolve, { once: true });
    setTimeout(resolve, SAID_MILLISECONDS);
  });
}

function isSaidElsewhere(key) {
  try {
    const said = JSON.parse(localStorage.getItem(PLACE + key));
    return said !== null && said.tab !== tab && Date.now() - said.at < BELIEVED_MILLISECONDS;
  } catch {
    return false;
  }
}

function say(key) {
  try {
    localStorage.setItem(PLACE + key, JSON.stringify({ tab, at: Date.now() }));
  } catch {
    // where nothing can be kept, no other tab knows of the upload either
  }
}

function forget(key) {
  try {
    localStorage.removeItem(PLACE + key);
  } catch {
    // nothing was said
  }
}

function pause(milliseconds) {
  return new Promise((resolve) => setTimeout(resolve, milliseconds));
}
