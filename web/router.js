/** Which view an address is: `/` the library, `/videos/{id}` one video. Links within the page load nothing anew. */

const VIDEO = /^\/videos\/([0-9a-f-]{36})\/?$/i;

/** Fires `change` when the address is another. */
export class Router extends EventTarget {
  #shown = location.pathname;

  constructor() {
    super();
    // A link to a place within the page fires it as well: what is shown stays, with the film that plays.
    window.addEventListener("popstate", () => location.pathname !== this.#shown && this.#changed());
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

  /** Go to an address of this page. */
  go(address) {
    if (address === location.pathname + location.hash) return;
    history.pushState(null, "", address);
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
    this.#shown = location.pathname;
    this.dispatchEvent(new Event("change"));
  }
}
