/** Questions that have to be answered before anything goes on. */

import { element } from "./elements.js";

/**
 * Ask in a dialog.
 * @template Answer
 * @param {{title: string, confirm: string, content: Node[], answer: () => Answer}} question `answer` reads what was
 *   said, when it is confirmed.
 * @returns {Promise<Answer|null>} Null where the person thought better of it.
 */
export function askIn({ title, confirm, content, answer }) {
  const form = element(
    "form",
    { method: "dialog" },
    element("h2", { id: "asked-title", text: title }),
    ...content,
    element(
      "div",
      { class: "row end" },
      element("button", { class: "button quiet", type: "button", text: "Cancel", on: { click: () => dialog.close() } }),
      element("button", { class: "button primary", type: "submit", text: confirm }),
    ),
  );
  const dialog = element("dialog", { class: "dialog", "aria-labelledby": "asked-title" }, form);
  return new Promise((resolve) => {
    let said = null;
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      said = answer();
      dialog.close();
    });
    dialog.addEventListener("close", () => {
      dialog.remove();
      resolve(said);
    });
    document.body.append(dialog);
    dialog.showModal();
  });
}

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
  const content = [element("label", { for: "asked", text: label }), input];
  const asked = askIn({ title, confirm, content, answer: () => input.value.trim() || null });
  input.select();
  return asked;
}

/**
 * Ask for one of several.
 * @param {{title: string, detail: string, label: string, value: string, confirm: string,
 *   choices: {value: string, label: string, detail: string}[]}} question
 * @returns {Promise<string|null>} Its value; null where the person thought better of it.
 */
export function askForChoice({ title, detail, label, value, choices, confirm }) {
  const options = choices.map((choice, at) =>
    element(
      "label",
      { class: "choice" },
      element("input", {
        type: "radio",
        name: "asked",
        value: choice.value,
        checked: choice.value === value || (at === 0 && !choices.some((other) => other.value === value)),
      }),
      element("span", {}, choice.label, element("span", { class: "detail", text: choice.detail })),
    ),
  );
  const fields = element("fieldset", { class: "choices" }, element("legend", { text: label }), ...options);
  const content = [element("p", { class: "detail", text: detail }), fields];
  return askIn({ title, confirm, content, answer: () => fields.querySelector(":checked")?.value ?? null });
}
