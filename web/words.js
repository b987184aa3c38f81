/** Sizes, times and rates as people read them: a number and its unit stay on one line. */

const NO_BREAK = "\u00a0";
const KIBI = 1024;
const MINUTE = 60;
const HOUR = 3600;
const DAY = 86400;

/** Bytes: `1.9 MiB`. */
export function sizeText(bytes) {
  let size = bytes;
  for (const unit of ["bytes", "KiB", "MiB", "GiB"]) {
    if (size < KIBI || unit === "GiB") return unit === "bytes" ? joined(bytes, unit) : joined(size.toFixed(1), unit);
    size /= KIBI;
  }
  return "";
}

/** Seconds on a clock: `0:12`, `1:03:20`. */
export function clockText(seconds) {
  const whole = Math.max(0, Math.round(seconds));
  const minutes = Math.floor(whole / MINUTE) % 60;
  const hours = Math.floor(whole / HOUR);
  const two = (number) => String(number).padStart(2, "0");
  return hours > 0 ? `${hours}:${two(minutes)}:${two(whole % MINUTE)}` : `${minutes}:${two(whole % MINUTE)}`;
}

/** How long something took: `0.52 s`, `8.2 s`, `3 min 05 s`. */
export function durationText(seconds) {
  if (seconds < 1) return joined(seconds.toFixed(2), "s");
  if (Number(seconds.toFixed(1)) < MINUTE) return joined(seconds.toFixed(1), "s");
  const whole = Math.round(seconds);
  const two = (number) => String(number).padStart(2, "0");
  if (whole < HOUR) return joined(Math.floor(whole / MINUTE), "min", two(whole % MINUTE), "s");
  return joined(Math.floor(whole / HOUR), "h", two(Math.floor(whole / MINUTE) % 60), "min");
}

/** How long something will take, in no more detail than is known: `about 3 min left`. */
export function timeLeftText(seconds) {
  if (!Number.isFinite(seconds)) return "";
  if (seconds < 10) return joined("a few seconds left");
  if (seconds < MINUTE - 5) return joined("about", Math.round(seconds / 10) * 10, "s left");
  if (seconds < HOUR - MINUTE / 2) return joined("about", Math.round(seconds / MINUTE), "min left");
  return joined("about", (seconds / HOUR).toFixed(1), "h left");
}

/** When something was, from now: `3 minutes ago`. */
export function agoText(moment, now = Date.now()) {
  const seconds = (now - new Date(moment).getTime()) / 1000;
  const words = new Intl.RelativeTimeFormat("en", { numeric: "auto" });
  if (seconds < MINUTE) return "just now";
  if (seconds < HOUR - MINUTE / 2) return words.format(-Math.round(seconds / MINUTE), "minute");
  if (seconds < DAY - HOUR / 2) return words.format(-Math.round(seconds / HOUR), "hour");
  if (seconds < 30 * DAY) return words.format(-Math.round(seconds / DAY), "day");
  return new Date(moment).toLocaleDateString("en", { dateStyle: "medium" });
}

/** When something was, to the second. */
export function momentText(moment) {
  return new Date(moment).toLocaleString("en", { dateStyle: "medium", timeStyle: "medium" });
}

/** A part of the whole: `42 %`. */
export function percentText(fraction) {
  return joined(Math.floor(fraction * 100), "%");
}

function joined(...words) {
  return words.join(" ").replaceAll(" ", NO_BREAK);
}
