/** The whole page: which view is shown, and what happens between them. */

import { choose, filesOf, takeDrops } from "./choosing.js";
import { element, icon } from "./elements.js";
import { LibraryView } from "./library-view.js";
import { menu } from "./menu.js";
import { reasonOf } from "./reasons.js";
import { isReprocessing } from "./reprocessing.js";
import { signInView } from "./sign-in.js";
import { State } from "./upload.js";
import { fileOf } from "./uploads.js";
import { VideoView, nothingHere } from "./video-view.js";

export class Page {
  #given;
  #user = null;
  #library = null;
  #video = null;
  #asked = new Set();
  #input = element("input", {
    type: "file",
    id: "files",
    class: "visually-hidden",
    multiple: true,
    tabindex: -1,
    "aria-hidden": "true",
  });

  /** @param {object} given Everything that the page is made of; see `start.js`. */
  constructor(given) {
    this.#given = given;
    const { api, session, router, library, uploads, live, actions, places } = given;
    api.addEventListener("another", () => location.replace(location.pathname)); // what is here is not theirs
    session.addEventListener("change", () => this.#signedInOrOut());
    router.addEventListener("change", () => this.#show());
    library.addEventListener("video", ({ detail }) => this.#learned(detail));
    uploads.addEventListener("change", ({ detail }) => this.#uploadChanged(detail));
    actions.addEventListener("removed", ({ detail }) => router.videoId === detail && router.go("/"));
    actions.addEventListener("restored", ({ detail }) => this.#restored(detail));
    live.addEventListener("gone", ({ detail }) => this.#gone(detail));
    live.addEventListener("away", () => this.#tellAway(true));
    live.addEventListener("back", () => this.#tellAway(false));
    this.#input.addEventListener("change", () => this.#took(filesOf(this.#input)));
    places.body.append(this.#input);
    takeDrops(
      places.body,
      (chosen) => this.#user !== null && this.#took(chosen),
      () => this.#given.notices.show("A folder can't be uploaded. Drop the files that are in it."),
    );
  }

  #signedInOrOut() {
    const { session, live } = this.#given;
    const me = session.me;
    if (me === null) {
      live.stop();
      this.#showTools();
      const form = signInView(session, this.#user !== null);
      document.title = "Rushes";
      this.#place(form);
      form.querySelector("input").focus();
      return;
    }
    const isFirst = this.#user === null;
    this.#user = me.user_id;
    this.#showTools();
    if (isFirst) this.#begin();
    this.#show();
    live.start();
  }

  #begin() {
    const { library, uploads, actions, limits, router } = this.#given;
    const tasks = {
      actions,
      ownerOf: (video) => (video.user_id === this.#user ? null : video.user_id),
      choose: () => this.#choose(),
      keepFilter: (filter) => router.keepFilter(filter),
      chooseAgain: (upload) => this.#chooseAgain(upload),
      tryAgain: (upload) => uploads.again(upload),
      chooseAnother: (upload) => this.#chooseAnother(upload),
    };
    const known = limits();
    known.then((told) => {
      this.#input.accept = told.extensions.join(",");
      uploads.limits = told;
    });
    this.#library = new LibraryView(library, uploads, tasks, known);
    this.#library.show(router.filter);
    uploads.begin(this.#user);
  }

  /** Show the view that the address names. */
  async #show() {
    const { session, router, live, library } = this.#given;
    if (session.me === null) return;
    const id = router.videoId;
    const before = this.#video;
    before?.end();
    this.#video = null;
    live.watch(id);
    if (router.isNowhere) {
      document.title = "Rushes";
      this.#place(nothingHere());
      return;
    }
    if (id === null) {
      document.title = "Rushes";
      this.#place(this.#library.element);
      this.#library.show(router.filter);
      if (before) this.#library.focusOn(before.id);
      return;
    }
    const system = this.#given.system();
    const view = new VideoView({ ...this.#given, isOperator: session.isOperator, user: this.#user, system });
    this.#video = view;
    view.id = id;
    this.#place(view.element);
    window.scrollTo(0, 0);
    try {
      const video = library.get(id) ?? (await library.look(id));
      if (this.#video === view) view.show(video, router.wantsPlay);
    } catch (error) {
      if (this.#video === view && error.status !== 401) view.fail(error);
    }
  }

  #place(view) {
    const { content } = this.#given.places;
    if (content.firstElementChild === view && content.childElementCount === 1) return;
    const scrolled = window.scrollY;
    const before = content.firstElementChild;
    if (before) before.scrolled = scrolled;
    content.replaceChildren(view);
    window.scrollTo(0, view.scrolled ?? 0);
  }

  #showTools() {
    const { session, places } = this.#given;
    const upload = element(
      "button",
      { class: "button primary", type: "button", on: { click: () => this.#choose() } },
      icon("upload"),
      "Upload",
    );
    const account = session.canEnd
      ? menu(`Signed in as ${session.me.user_id}`, () => [
          { label: `Sign out ${session.me.user_id}`, act: () => this.#signOut() },
        ])
      : null;
    places.tools.replaceChildren(...[session.me && upload, account].filter(Boolean));
  }

  async #signOut() {
    const { actions, session, notices } = this.#given;
    await actions.deleteAll();
    try {
      await session.signOut();
    } catch {
      notices.show("You are still signed in: the service can't be reached. Try again in a moment.");
      return;
    }
    this.#user = null;
    location.assign("/");
  }

  async #choose() {
    this.#took(await choose(this.#input));
  }

  async #chooseAgain(upload) {
    const { uploads, notices } = this.#given;
    const file = upload.handle === null ? null : await fileOf(upload.handle);
    const [chosen] = file === null ? await choose(this.#input, false) : [{ file, handle: upload.handle }];
    if (chosen && !uploads.resume(upload, chosen.file, chosen.handle)) {
      notices.show(`That is not the same file as before, or it has changed. Choose ${upload.entry.name} again.`);
    }
  }

  /** The file of an upload has changed: what was sent of it is of no use. */
  async #chooseAnother(upload) {
    const chosen = await choose(this.#input, false);
    if (chosen.length === 0) return;
    this.#given.actions.dismiss(upload);
    this.#took(chosen);
  }

  #took(chosen) {
    const { uploads, router, notices } = this.#given;
    this.#input.value = "";
    if (chosen.length === 0) return;
    uploads.add(chosen);
    this.#library.showAll();
    router.go("/");
    notices.say(chosen.length === 1 ? `Uploading ${chosen[0].file.name}.` : `Uploading ${chosen.length} files.`);
  }

  /** A video has become something else, or is seen for the first time. */
  #learned({ video, before }) {
    if (this.#video?.id === video.id) this.#video.show(video);
    const { notices } = this.#given;
    if (before && isReprocessing(before) && video.status === "ready" && !isReprocessing(video)) {
      const how = video.reprocess_error_code ? "could not be processed again; it plays as before" : "was processed again";
      notices.say(`“${video.title}” ${how}.`);
    }
    if (!before || before.status === video.status) return;
    this.#given.uploads.placeIsFree();
    if (video.status === "ready") notices.say(`“${video.title}” is ready to play.`);
    if (video.status === "error")
      notices.say(`“${video.title}”: ${reasonOf(video.error_code, video.error_reason).what}`);
  }

  #gone(id) {
    if (this.#video?.id === id) this.#video.fail(null);
    this.#given.uploads.placeIsFree();
  }

  /** A deleted video is back; the button that brought it back is gone, and the focus with it. */
  #restored(id) {
    const { content } = this.#given.places;
    if (content.firstElementChild === this.#library.element) this.#library.focusOn(id);
    else if (document.activeElement === document.body) content.querySelector("h1[tabindex], input")?.focus();
  }

  #uploadChanged(upload) {
    const { library, live, notices } = this.#given;
    const moment = `${upload.entry.key} ${upload.id === null ? "" : "begun"} ${upload.isOpen ? "" : upload.state}`;
    if (this.#asked.has(moment)) return;
    this.#asked.add(moment);
    if (upload.state === State.DONE) notices.say(`${upload.entry.name} is uploaded.`);
    if (upload.state === State.FAILED) {
      notices.say(`${upload.entry.name}: ${reasonOf(upload.problem.code, upload.problem.message).what}`);
    }
    if (upload.id !== null && upload.state !== State.STOPPED) {
      library.look(upload.id).catch(() => live.soon());
    }
  }

  #tellAway(isAway) {
    const { banner } = this.#given.places;
    banner.textContent = isAway
      ? navigator.onLine
        ? "The service can't be reached. This page keeps trying."
        : "You are offline. Everything continues when you are back."
      : "";
    if (isAway) return;
    this.#given.uploads.wake();
    this.#given.notices.say("The connection is back.");
  }
}
