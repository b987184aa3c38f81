/** Building a place anew while somebody may have a hand in it. */

/**
 * Build what is in the place anew. A menu that is open there is waited for, and the focus stays: on what has the same
 * words, or else on the first of what can have it.
 * @param {HTMLElement} place
 * @param {() => void} build
 */
export function rebuild(place, build) {
  const open = place.querySelector(":popover-open");
  if (open !== null) {
    open.addEventListener("toggle", () => rebuild(place, build), { once: true });
    return;
  }
  const focused = place.contains(document.activeElement) ? document.activeElement.textContent : null;
  build();
  if (focused === null) return;
  const tools = Array.from(place.querySelectorAll("a, button"));
  (tools.find((tool) => tool.textContent === focused) ?? tools[0])?.focus();
}
