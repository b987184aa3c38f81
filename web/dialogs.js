/** Questions that have to be answered before anything goes on. */

import { element } from "./elements.js";

/**
 * Ask for a text.
 * @returns {Promise<string|null>} Null where the person thought better of it.
 */
export function askForText({ title, label, value, confirm, most }) {
  const input = element("input", {
    id: "asked",
    type: "text",
    value,
    maxlength: most,
    required: true,
    autocomplete: "off",
  });
  const form = element(
    "form",
    { method: "dialog" },
    element("h2", { id: "asked-title", text: title }),
    element("label", { for: "asked", text: label }),
    input,
    element(
      "div",
      { class: "row end" },
      element("button", { class: "button quiet", type: "button", text: "Cancel", on: { click: () => dialog.close() } }),
      element("button", { class: "button primary", type: "submit", text: confirm }),
    ),
  );
  const dialog = element("dialog", { class: "dialog", "aria-labelledby": "asked-title" }, form);
  return new Promise((resolve) => {
    let answer = null;
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      answer = input.value.trim() || null;
      dialog.close();
    });
    dialog.addEventListener("close", () => {
      dialog.remove();
      resolve(answer);
    });
    document.body.append(dialog);
    dialog.showModal();
    input.select();
  });
}
