/** Questions that have to be answered before anything goes on. */

import { element, say } from "./elements.js";

const ON_ITS_WAY = "It was sent already. One moment, until the service has answered.";

/**
 * Ask in a dialog. What was sent can't be taken back, and may be refused: until it is answered, the dialog stays.
 * @template Answer
 * @param {{title: string, confirm: string, content: Node[], answer: () => Answer,
 *   refuse?: (said: Answer) => Promise<string|null>}} question `answer` reads what was said, when it is confirmed;
 *   `refuse` does with it what is asked for, and says why that could not be: it can be said otherwise then.
 * @returns {Promise<Answer|null>} Null where the person thought better of it.
 */
export function askIn({ title, confirm, content, answer, refuse = async () => null }) {
  const reason = element("p", { class: "reason", role: "alert" });
  const isOnItsWay = () => submit.getAttribute("aria-disabled") === "true";
  const leave = () => (isOnItsWay() ? say(reason, ON_ITS_WAY) : dialog.close());
  const submit = element("button", { class: "button primary", type: "submit", text: confirm });
  const form = element(
    "form",
    { method: "dialog" },
    element("h2", { id: "asked-title", text: title }),
    ...content,
    reason,
    element(
      "div",
      { class: "row end" },
      element("button", { class: "button quiet", type: "button", text: "Cancel", on: { click: leave } }),
      submit,
    ),
  );
  const dialog = element("dialog", { class: "dialog", "aria-labelledby": "asked-title" }, form);
  return new Promise((resolve) => {
    let said = null;
    form.addEventListener("submit", async (event) => {
      event.preventDefault();
      if (isOnItsWay()) return;
      const answered = answer();
      say(reason, "");
      submit.setAttribute("aria-disabled", "true");
      const refusal = await refuse(answered).finally(() => submit.removeAttribute("aria-disabled"));
      say(reason, refusal ?? "");
      if (refusal !== null) return;
      said = answered;
      dialog.close();
    });
    dialog.addEventListener("keydown", (event) => {
      if (event.key !== "Escape") return;
      event.preventDefault();
      leave();
    });
    dialog.addEventListener("cancel", (event) => {
      event.preventDefault();
      leave();
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
 * @param {object} question `refuse` as `askIn` has it.
 * @returns {Promise<string|null>} Null where the person thought better of it.
 */
export function askForText({ title, label, value, confirm, most, refuse }) {
  const input = element("input", {
    id: "asked",
    type: "text",
    value,
    maxlength: most,
    required: true,
    pattern: String.raw`.*\S.*`, // spaces alone are none
    autocomplete: "off",
  });
  const content = [element("label", { for: "asked", text: label }), input];
  const asked = askIn({ title, confirm, content, answer: () => input.value.trim() || null, refuse });
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
