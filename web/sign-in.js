/** The form that turns a key into a session. */

import { Problem } from "./api.js";
import { element } from "./elements.js";

/**
 * Make the form.
 * @param {import("./session.js").Session} session
 * @param {boolean} hasEnded Whether there was a session a moment ago.
 */
export function signInView(session, hasEnded) {
  const problem = element("p", { class: "reason", role: "alert" });
  const key = element("input", {
    id: "key",
    type: "password",
    autocomplete: "current-password",
    required: true,
    spellcheck: "false",
    placeholder: "rushes_…",
  });
  const submit = element("button", { class: "button primary", type: "submit", text: "Sign in" });
  const form = element(
    "form",
    { class: "sign-in" },
    element("h1", { text: hasEnded ? "Your session has ended" : "Sign in" }),
    element("p", {
      class: "detail",
      text: hasEnded
        ? "Sign in again to return to where you were. Uploads continue."
        : "With the key that you were given. It is not stored where a script could read it.",
    }),
    element("label", { for: "key", text: "Key" }),
    key,
    problem,
    submit,
  );
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    submit.disabled = true;
    problem.textContent = "";
    try {
      await session.signIn(key.value.trim());
    } catch (error) {
      problem.textContent = error instanceof Problem ? error.message : "The service can't be reached. Try again.";
      key.select();
    } finally {
      submit.disabled = false;
    }
  });
  return element("main", { class: "narrow" }, form);
}
