/** What a file holds, before and after. */

import { element } from "./elements.js";
import { durationText, sizeText } from "./words.js";

const CODECS = {
  h264: "H.264",
  hevc: "H.265",
  av1: "AV1",
  vp8: "VP8",
  vp9: "VP9",
  mpeg4: "MPEG-4",
  mpeg2video: "MPEG-2",
  prores: "ProRes",
  aac: "AAC",
  opus: "Opus",
  mp3: "MP3",
  ac3: "AC-3",
  eac3: "E-AC-3",
  flac: "FLAC",
  vorbis: "Vorbis",
};
const CONTAINERS = {
  avi: "AVI",
  "matroska,webm": "Matroska or WebM",
  mpeg: "MPEG program stream",
  mpegts: "MPEG transport stream",
  asf: "Windows Media",
  flv: "Flash Video",
  ogg: "Ogg",
};
const CHANNELS = { 1: "mono", 2: "stereo", 6: "5.1", 8: "7.1" };

const ROWS = [
  ["Size", (facts) => sizeText(facts.size_bytes)],
  ["Length", (facts) => durationText(facts.duration_seconds)],
  ["Container", (facts) => container(facts.container)],
  ["Picture", (facts) => `${codec(facts.picture_codec)}, ${facts.width}×${facts.height}`],
  ["Frame rate", (facts) => (facts.frame_rate === null ? "" : `${Number(facts.frame_rate.toFixed(2))} fps`)],
  ["Bit rate", (facts) => rate(facts)],
  ["Sound", (facts) => sound(facts)],
];

/** A table with a column before and one after; null where nothing is known. */
export function factsTable(before, after) {
  if (!before && !after) return null;
  const head = element(
    "tr",
    {},
    element("td"),
    before && element("th", { scope: "col", text: "Uploaded" }),
    after && element("th", { scope: "col", text: "Published" }),
  );
  const rows = ROWS.map(([name, tell]) =>
    element(
      "tr",
      {},
      element("th", { scope: "row", text: name }),
      before && element("td", { text: tell(before) }),
      after && element("td", { text: tell(after) }),
    ),
  );
  return element("table", { class: "facts" }, element("thead", {}, head), element("tbody", {}, ...rows));
}

function container(name) {
  return name.split(",").includes("mp4") ? "MP4 or MOV" : (CONTAINERS[name] ?? name);
}

function codec(name) {
  return CODECS[name] ?? name;
}

function rate({ size_bytes: size, duration_seconds: seconds }) {
  return seconds > 0 ? `${((8 * size) / seconds / 1e6).toFixed(1)} Mbit/s` : "";
}

function sound({ sound_codec: name, channels, sample_rate_hertz: hertz }) {
  if (name === null) return "none";
  return `${codec(name)}, ${CHANNELS[channels] ?? `${channels} channels`}, ${hertz / 1000} kHz`;
}
