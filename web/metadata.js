/** What is kept with a video: texts by key, shown and changed. */

import { element, icon } from "./elements.js";
import { askIn } from "./dialogs.js";

const LONGEST_KEY = 40;
const LONGEST_VALUE = 500;
const MOST_KEYS = 50;

/** What a JSON merge patch has to say, so that one becomes the other; null where they are the same. */
function patchOf(before, after) {
  const gone = Object.keys(before).filter((key) => !(key in after));
  const set = Object.entries(after).filter(([key, value]) => before[key] !== value);
  if (gone.length === 0 && set.length === 0) return null;
  return Object.fromEntries([...gone.map((key) => [key, null]), ...set]);
}

/** The section of a video's page. `edit` is called when somebody wants to change it. */
export function metadataSection(metadata, edit) {
  const entries = Object.entries(metadata);
  const change = element("button", {
    type: "button",
    class: "button",
    text: entries.length > 0 ? "Edit metadata" : "Add metadata",
    on: { click: edit },
  });
  return element(
    "section",
    { class: "metadata" },
    element("h2", { text: "Metadata" }),
    entries.length > 0
      ? element(
          "dl",
          { class: "details" },
          ...entries.flatMap(([key, value]) => [element("dt", { text: key }), element("dd", { text: value })]),
        )
      : element("p", { class: "detail", text: "No metadata yet." }),
    change,
  );
}

/**
 * Ask for texts by key.
 * @param {object} metadata As it is.
 * @param {(patch: object) => Promise<string|null>} refuse Changes it, and says why that could not be.
 */
export async function askForMetadata(metadata, refuse) {
  const rows = element("div", { class: "pairs" });
  const read = new Map();
  const add = (key = "", value = "") => {
    const [keyField, valueField] = [field("Key", key, LONGEST_KEY), field("Value", value, LONGEST_VALUE)];
    const row = element(
      "div",
      { class: "pair" },
      keyField,
      valueField,
      element(
        "button",
        {
          type: "button",
          class: "button quiet icon-only",
          "aria-label": key ? `Remove ${key}` : "Remove this key",
          on: { click: () => take(row) },
        },
        icon("remove"),
      ),
    );
    const [keyOf, valueOf] = [reading(keyField, key), reading(valueField, value)];
    read.set(row, () => [keyOf(), valueOf()]);
    rows.append(row);
    more.hidden = rows.childElementCount >= MOST_KEYS;
    return row;
  };
  const more = element("button", { type: "button", class: "button quiet", text: "Add a key" });
  const take = (row) => {
    row.remove();
    more.hidden = false;
    more.focus();
  };
  more.addEventListener("click", () => add().querySelector("input").focus());
  Object.entries(metadata).forEach(([key, value]) => add(key, value));
  if (rows.childElementCount === 0) add();
  const detail = element("p", { class: "detail", text: "Returned with every API answer, event and webhook." });
  await askIn({
    title: "Metadata",
    confirm: "Save",
    content: [detail, rows, more],
    answer: () => pairsOf([...rows.children].map((row) => read.get(row)())),
    refuse: async (pairs) => {
      const ambiguous = ambiguityOf(pairs);
      if (ambiguous !== null) return ambiguous;
      const patch = patchOf(metadata, Object.fromEntries(pairs));
      return patch === null ? null : refuse(patch);
    },
  });
}

/** One that has lines is shown with them. */
function field(label, value, most) {
  const look = { placeholder: label, "aria-label": label, autocomplete: "off", maxlength: most };
  if (/[\r\n]/.test(value)) return element("textarea", { ...look, rows: 3, text: value });
  return element("input", { type: "text", ...look, value });
}

/**
 * How a field is read: without the spaces around what was typed. What nobody has touched stays as it was, whatever the
 * field makes of it: it takes line ends for others, or has none.
 */
function reading(field, before) {
  const shown = field.value;
  return () => (field.value === shown ? before : field.value.trim());
}

/** What the rows say; one in which nothing is says nothing. */
function pairsOf(pairs) {
  return pairs.filter(([key, value]) => key !== "" || value !== "");
}

/** Why it can't be told what was meant, or null. */
function ambiguityOf(pairs) {
  const nameless = pairs.find(([key]) => key === "");
  if (nameless) return `“${nameless[1]}” has no key.`;
  const keys = pairs.map(([key]) => key);
  const twice = keys.find((key, at) => keys.indexOf(key) < at);
  return twice === undefined ? null : `Two rows have the key “${twice}”.`;
}
