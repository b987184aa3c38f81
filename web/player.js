/** The player: the browser's own, with the keys that people know from others. */

import { element } from "./elements.js";

const STEP_SECONDS = 10;
const SMALL_STEP_SECONDS = 5;
const VOLUME_STEP = 0.1;
const LETTER = /^[a-z\d]$/i;

/**
 * Make a player.
 * @param {{source: string, poster: string, label: string}} film
 */
export function player({ source, poster, label }) {
  return element("video", {
    class: "player",
    src: source,
    poster,
    controls: true,
    playsinline: true,
    preload: "metadata",
    "aria-label": label,
    tabindex: 0,
  });
}

/**
 * Let keys control the player wherever the focus is, except where they mean something else; up and down are the
 * page's, unless the focus is on the film.
 * @param {() => boolean} lettersToo Whether letters and digits do so as well, and not on the film alone.
 * @returns {() => void} Ends that.
 */
export function controlByKeys(video, lettersToo = () => true) {
  const listen = (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || meansSomethingElse(event.target, event.key, video)) return;
    if (LETTER.test(event.key) && event.target !== video && !lettersToo()) return;
    if (!act(video, event.key)) return;
    event.preventDefault();
    event.stopPropagation();
  };
  // While it is captured: the browser's own player would take some of the keys as well, and do the same twice.
  document.addEventListener("keydown", listen, true);
  return () => document.removeEventListener("keydown", listen, true);
}

function meansSomethingElse(target, key, video) {
  if (target === video || !(target instanceof Element)) return false;
  if (target.closest("input, select, textarea, [popover], dialog")) return true;
  if (["ArrowUp", "ArrowDown"].includes(key)) return true; // they scroll, where the film has not the focus
  return [" ", "Enter"].includes(key) && target.closest("a, button, summary") !== null;
}

function act(video, key) {
  const move = (seconds) => {
    video.currentTime = Math.max(0, Math.min(video.duration || 0, video.currentTime + seconds));
  };
  const louder = (step) => {
    video.volume = Math.max(0, Math.min(1, video.volume + step));
  };
  const acts = {
    " ": () => (video.paused ? video.play().catch(() => undefined) : video.pause()),
    j: () => move(-STEP_SECONDS),
    l: () => move(STEP_SECONDS),
    arrowleft: () => move(-SMALL_STEP_SECONDS),
    arrowright: () => move(SMALL_STEP_SECONDS),
    arrowup: () => louder(VOLUME_STEP),
    arrowdown: () => louder(-VOLUME_STEP),
    m: () => (video.muted = !video.muted),
    f: () => (document.fullscreenElement ? document.exitFullscreen() : video.requestFullscreen()),
  };
  acts.k = acts[" "];
  const taken = acts[key.toLowerCase()];
  if (taken) taken();
  else if (/^\d$/.test(key) && video.duration) video.currentTime = (video.duration * Number(key)) / 10;
  else return false;
  return true;
}
