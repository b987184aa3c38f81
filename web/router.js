/**
 * Which view an address is: `/` the library, with what it is filtered by as its query, `/videos/{id}` one video. Links
 * within the page load nothing anew.
 */

const VIDEO = /^\/videos\/([0-9a-f-]{36})\/?$/i;

/** Fires `change` when the address is another. */
export class Router extends EventTarget {
  #shown = place();
  #library = location.pathname === "/" ? place() : "/";

  constructor() {
    super();
    // A link to a place within the page fires it as well: what is shown stays, with the film that plays.
    window.addEventListener("popstate", () => place() !== this.#shown && this.#changed());
    document.addEventListener("click", (event) => this.#follow(event));
  }

  /** Id of the video that the address names, or null. */
  get videoId() {
    return VIDEO.exec(location.pathname)?.[1].toLowerCase() ?? null;
  }

  /** Whether the address is none of the page's. */
  get isNowhere() {
    return location.pathname !== "/" && this.videoId === null;
  }

  /** Whether the address asks for the film to be played at once. */
  get wantsPlay() {
    return location.hash === "#play";
  }

  /** What the library is filtered by, as the address says it. */
  get filter() {
    const query = new URLSearchParams(location.pathname === "/" ? location.search : "");
    return { title: query.get("title")?.trim() ?? "", status: query.get("status") ?? "" };
  }

  /** Say in the address what the library is filtered by now: it is the same after a reload, and where it is sent. */
  keepFilter(filter) {
    const query = new URLSearchParams(Object.entries(filter).filter(([, value]) => value !== "")).toString();
    this.#library = query === "" ? "/" : `/?${query}`;
    if (location.pathname !== "/") return;
    history.replaceState(null, "", this.#library + location.hash);
    this.#shown = place();
  }

  /** Go to an address of this page; to the library as it was left. */
  go(address) {
    const wanted = address === "/" ? this.#library : address;
    if (wanted === place() + location.hash) return;
    history.pushState(null, "", wanted);
    this.#changed();
  }

  #follow(event) {
    const link = event.target.closest?.("a[href]");
    const isPlain = event.button === 0 && !event.metaKey && !event.ctrlKey && !event.shiftKey && !event.altKey;
    if (!link || !isPlain || event.defaultPrevented || link.target || link.hasAttribute("download")) return;
    const address = new URL(link.href);
    const isOurs = address.pathname === "/" || VIDEO.test(address.pathname);
    if (address.origin !== location.origin || !isOurs || link.getAttribute("href").startsWith("#")) return;
    event.preventDefault();
    this.go(address.pathname + address.hash);
  }

  #changed() {
    this.#shown = place();
    this.dispatchEvent(new Event("change"));
  }
}

function place() {
  return location.pathname + location.search;
}
