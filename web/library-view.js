/** The library: what is on its way and what is ready, as one grid. */

import { Card } from "./card.js";
import { element, icon, say } from "./elements.js";
import { sizeText } from "./words.js";

const STATUSES = [
  ["", "All"],
  ["ready", "Ready"],
  ["processing", "Processing"],
  ["uploading", "Uploading"],
  ["error", "Failed"],
  ["cancelled", "Cancelled"],
];
const TYPING_MILLISECONDS = 250;

export class LibraryView {
  #library;
  #uploads;
  #tasks;
  #cards = new Map();
  #grid = element("ul", { class: "grid", id: "videos", "aria-label": "Videos" });
  #state = element("div", { class: "state", role: "status" });
  #more = element("button", { class: "button", type: "button", text: "Load more", hidden: true });
  #drop;
  #heading = element("h1", { text: "Videos", tabindex: -1 });
  #search;
  #status;
  #planned = false;
  #wanted = null;
  #isShown = false;

  /** @param {object} tasks As `Card` takes them, with `choose()` and `keepFilter(filter)`, told of each that is set. */
  constructor(library, uploads, tasks, limits) {
    this.#library = library;
    this.#uploads = uploads;
    this.#tasks = tasks;
    this.#drop = dropZone(tasks.choose, limits);
    this.element = element("main", {}, this.#toolbar(), this.#drop, this.#grid, this.#state, this.#more);
    this.#more.addEventListener("click", () => library.more());
    new IntersectionObserver((seen) => seen.some((entry) => entry.isIntersecting) && library.more(), {
      rootMargin: "600px",
    }).observe(this.#more);
    library.addEventListener("change", () => this.#plan());
    uploads.addEventListener("change", () => this.#plan());
    this.#render();
  }

  /** Put the focus on the card of a video that somebody has come back from, or has brought back. */
  focusOn(id) {
    if (this.#focusCard(id)) return;
    this.#wanted = id; // its card may be on its way
    this.#plan();
  }

  #focusCard(id) {
    const link = this.#grid.querySelector(`a.title[href="/videos/${id}"]`);
    link?.focus({ preventScroll: true });
    return link !== null;
  }

  /** Show what matches, as an address says it, unless that is shown already. */
  show({ title, status }) {
    const known = STATUSES.some(([value]) => value === status) ? status : "";
    const shown = this.#library.filter;
    if (this.#isShown && shown.title === title && shown.status === known) return;
    this.#search.value = title;
    this.#status.value = known;
    this.#load();
  }

  /** Hide nothing: what somebody has just brought is to be seen. */
  showAll() {
    if (this.#search.value === "" && this.#status.value === "") return;
    this.#search.value = "";
    this.#status.value = "";
    this.#load();
  }

  #load() {
    this.#isShown = true;
    const filter = { title: this.#search.value.trim(), status: this.#status.value };
    this.#tasks.keepFilter(filter);
    this.#library.load(filter);
  }

  #toolbar() {
    this.#search = element("input", {
      id: "search",
      type: "search",
      placeholder: "Search by title",
      autocomplete: "off",
    });
    this.#status = element(
      "select",
      { id: "status" },
      ...STATUSES.map(([value, text]) => element("option", { value, text })),
    );
    let typing = null;
    const find = () => {
      clearTimeout(typing);
      this.#load();
    };
    this.#search.addEventListener("input", () => {
      clearTimeout(typing);
      typing = setTimeout(find, TYPING_MILLISECONDS);
    });
    this.#status.addEventListener("change", find);
    return element(
      "div",
      { class: "toolbar" },
      this.#heading,
      element(
        "form",
        { class: "filters", role: "search", on: { submit: (event) => event.preventDefault() } },
        element(
          "div",
          { class: "field search" },
          icon("search"),
          element("label", { class: "visually-hidden", for: "search", text: "Search by title" }),
          this.#search,
        ),
        element("label", { class: "visually-hidden", for: "status", text: "Status" }),
        this.#status,
      ),
    );
  }

  /** Many changes in one moment are shown together. */
  #plan() {
    if (this.#planned) return;
    this.#planned = true;
    requestAnimationFrame(() => {
      this.#planned = false;
      this.#render();
    });
  }

  #items() {
    const { title, status } = this.#library.filter;
    const isWanted = (upload) =>
      ["", "uploading"].includes(status) && upload.entry.name.toLowerCase().includes(title.toLowerCase());
    const begun = this.#uploads.all
      .filter((upload) => !this.#library.get(upload.id) && upload.state !== "done" && isWanted(upload))
      .map((upload) => ({ key: upload.entry.key, upload }));
    const videos = this.#library.all;
    const own = this.#uploads.notYetKnown(videos);
    const known = videos.filter(({ id }) => !own.has(id)).map((video) => {
      const upload = this.#uploads.of(video.id);
      return { key: upload?.entry.key ?? video.id, video, upload };
    });
    return [...begun, ...known];
  }

  #render() {
    const items = this.#items();
    const kept = new Set(items.map((item) => item.key));
    for (const [key, card] of this.#cards) {
      if (kept.has(key)) continue;
      const neighbour = card.element.nextElementSibling ?? card.element.previousElementSibling;
      const hadFocus = card.element.contains(document.activeElement);
      card.element.remove();
      if (hadFocus) (neighbour?.querySelector("a, button") ?? this.#heading).focus();
      this.#cards.delete(key);
    }
    items.forEach((item, at) => {
      if (!this.#cards.has(item.key)) this.#cards.set(item.key, new Card(this.#tasks));
      const card = this.#cards.get(item.key);
      card.show(item);
      if (this.#grid.children[at] !== card.element)
        this.#grid.insertBefore(card.element, this.#grid.children[at] ?? null);
    });
    this.#showState(items.length);
    const wanted = this.#wanted;
    this.#wanted = null;
    if (wanted !== null && !this.#focusCard(wanted)) this.#heading.focus({ preventScroll: true });
  }

  #showState(count) {
    const { state, isFiltered, hasMore } = this.#library;
    const isEmpty = count === 0 && state === "ready" && !isFiltered;
    this.#drop.classList.toggle("large", isEmpty);
    this.#grid.hidden = count === 0;
    this.#more.hidden = !hasMore || state !== "ready";
    this.element.setAttribute("aria-busy", String(state === "loading"));
    const wanted =
      state === "loading" ? "loading" : state === "failed" ? "failed" : count === 0 && isFiltered ? "none" : "";
    if (this.#state.dataset.shown === wanted) return;
    this.#state.dataset.shown = wanted;
    this.#state.replaceChildren(...this.#stateParts(wanted));
  }

  #stateParts(state) {
    switch (state) {
      case "loading":
        return [
          element("p", { class: "visually-hidden", text: "The videos are loading." }),
          element("div", { class: "grid", "aria-hidden": "true" }, ...Array.from({ length: 4 }, skeleton)),
        ];
      case "failed":
        return [
          stateText("The videos can't be loaded", "The service does not answer. This page keeps trying."),
          element("button", {
            class: "button",
            type: "button",
            text: "Try now",
            on: { click: () => this.#library.load() },
          }),
        ];
      case "none":
        return [
          stateText("Nothing matches", "There is no video with this title and status."),
          element("button", {
            class: "button",
            type: "button",
            text: "Show all",
            on: { click: () => this.#showAll() },
          }),
        ];
      default:
        return [];
    }
  }

  #showAll() {
    this.showAll();
    this.#search.focus();
  }
}

function stateText(title, text) {
  return element("div", {}, element("h2", { text: title }), element("p", { class: "detail", text }));
}

function skeleton() {
  return element(
    "div",
    { class: "card skeleton" },
    element("div", { class: "poster" }),
    element("div", { class: "card-text" }, element("div", { class: "line" }), element("div", { class: "line short" })),
  );
}

function dropZone(choose, limits) {
  const kinds = element("p", { class: "detail" });
  limits.then(({ extensions, mostBytes }) => {
    const names = extensions.map((extension) => extension.slice(1).toUpperCase());
    const list = new Intl.ListFormat("en", { type: "disjunction" }).format(names);
    say(kinds, mostBytes ? `${list}, up to ${sizeText(mostBytes)} each` : list);
  });
  return element(
    "section",
    { class: "drop", "aria-label": "Upload" },
    icon("upload"),
    element(
      "div",
      {},
      element("p", { class: "drop-title for-none", text: "No videos yet" }),
      element("p", { class: "drop-title for-some", text: "Drop videos anywhere on this page" }),
      element("p", { class: "for-none for-pointers", text: "Drop some anywhere on this page, or choose files." }),
      element("p", { class: "for-none for-touch", text: "Choose some to upload." }),
      kinds,
    ),
    element("button", { class: "button", type: "button", text: "Choose files", on: { click: choose } }),
  );
}
