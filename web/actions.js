/** What a person may do with a video. */

import { askForText } from "./dialogs.js";
import { askForMetadata } from "./metadata.js";
import { reasonOf } from "./reasons.js";
import { askForProfile, isReprocessing } from "./reprocessing.js";
import { uploadPath } from "./tus.js";

const VIDEOS = "/api/v1/videos";
const UNDO_SECONDS = 7;
const UNTIL_SIGNED_IN_SECONDS = 24 * 3600;
const LINK_SECONDS = 7 * 24 * 3600;
const LONGEST_TITLE = 200;
const REASON_SECONDS = 10;

/** Fires `removed` with `detail` the id when a video is taken away, and `restored` when it is back after all. */
export class Actions extends EventTarget {
  #api;
  #session;
  #library;
  #uploads;
  #notices;
  #system;
  #toBeDeleted = new Map();

  /** @param {() => Promise<object|null>} system How the service stands. */
  constructor(api, session, library, uploads, notices, system) {
    super();
    this.#system = system;
    this.#api = api;
    this.#session = session;
    this.#library = library;
    this.#uploads = uploads;
    this.#notices = notices;
    // Whoever closes the page after a delete has not undone it: what waits is sent, and outlives the page.
    window.addEventListener("pagehide", () => this.#toBeDeleted.forEach((send) => send({ keepalive: true })));
  }

  /** What can be done with a video as it stands, for a menu. */
  entries(video) {
    const isReady = video.status === "ready";
    const isWhole = video.file_size_bytes > 0;
    return [
      isReady && { label: "Copy link", act: () => this.copyLink(video) },
      isReady && { label: "Copy embed code", act: () => this.copyEmbed(video) },
      isReady && {
        label: video.visibility === "public" ? "Make private" : "Make public",
        act: () => this.show(video, video.visibility === "public" ? "private" : "public"),
      },
      isReady && isWhole && !isReprocessing(video) && { label: "Process again …", act: () => this.reprocess(video) },
      isWhole && { label: "Download original", href: `${VIDEOS}/${video.id}/original` },
      { label: "Rename", act: () => this.rename(video) },
      { label: "Delete", act: () => this.remove(video), isDangerous: true },
    ].filter(Boolean);
  }

  async rename(video) {
    await askForText({
      title: "Rename",
      label: "Title",
      value: video.title,
      confirm: "Rename",
      most: LONGEST_TITLE,
      refuse: async (title) =>
        title === null || title === video.title ? null : this.#change(video, { title }, `Renamed to “${title}”.`),
    });
  }

  /** Let everybody see it who knows the address, or only who has a link. */
  async show(video, visibility) {
    const words = visibility === "public" ? "is public: anyone with its address can watch it" : "is private";
    this.#tellRefusal(await this.#change(video, { visibility }, `“${video.title}” ${words}.`));
  }

  async retry(video) {
    await this.#try(async () => {
      await this.#api.post(`${VIDEOS}/${video.id}/retry`);
      this.#notices.say(`Trying “${video.title}” again.`);
      await this.#library.look(video.id);
    });
  }

  /** Have it processed again, with a profile that is asked for. */
  async reprocess(video) {
    const known = (await this.#system())?.profiles ?? [{ name: video.profile, description: "" }];
    const profile = await askForProfile(video, known);
    if (profile === null) return;
    await this.#try(async () => {
      await this.#api.post(`${VIDEOS}/${video.id}/reprocess`, { profile });
      this.#notices.show(`“${video.title}” is processed again with profile ${profile}. The current version plays meanwhile.`);
      await this.#library.look(video.id);
    });
  }

  /** Change what is kept with it. */
  async editMetadata(video) {
    await askForMetadata(video.metadata, (metadata) => this.#change(video, { metadata }, "The metadata was saved."));
  }

  /** Stop what is on its way. Of an upload of this page nothing stays; of another video its file does. */
  async cancel(video) {
    const upload = this.#uploads.of(video.id);
    await this.#try(async () => {
      if (upload?.isOpen && video.status === "uploading") {
        await this.stop(upload);
        return;
      }
      await this.#api.post(`${VIDEOS}/${video.id}/cancel`);
      this.#notices.say(`“${video.title}” is being cancelled.`);
      await this.#library.look(video.id);
    });
  }

  /** Stop an upload of this page. */
  async stop(upload) {
    this.#notices.show(`The upload of ${upload.entry.name} was cancelled.`);
    await this.dismiss(upload);
  }

  /** Forget an upload of this page; what the service has of it goes as well, with the room that it holds. */
  async dismiss(upload) {
    const id = await this.#uploads.giveUp(upload);
    if (id === null) return;
    this.#library.drop(id);
    await this.#api
      .request("DELETE", uploadPath(id), { headers: { "Tus-Resumable": "1.0.0" } })
      .catch(() => undefined); // it ends by itself, as one that nobody goes on with
    this.#uploads.placeIsFree();
  }

  /** Delete a video, in a moment: until then it can be undone. */
  remove(video) {
    if (this.#toBeDeleted.has(video.id)) return;
    this.#library.hide(video.id);
    this.#announce(video, `“${video.title}” was deleted.`, UNDO_SECONDS);
    this.dispatchEvent(new CustomEvent("removed", { detail: video.id }));
  }

  /** Delete now what could still be undone: somebody signs out. */
  async deleteAll() {
    await Promise.all([...this.#toBeDeleted.values()].map((send) => send()));
  }

  /** A link that plays the video for whoever has it: for a week where the video is private. */
  async copyLink(video) {
    await this.#try(async () => {
      const address = await this.#playerAddress(video);
      const held = video.visibility === "public" ? "Anyone who has it can watch." : "It works for a week.";
      await this.#copy(address, `Link copied. ${held}`);
    });
  }

  /** What another website puts into its page. */
  async copyEmbed(video) {
    await this.#try(async () => {
      const address = (await this.#playerAddress(video)).replaceAll("&", "&amp;");
      const code = `<iframe src="${address}" width="640" height="360" allow="fullscreen" loading="lazy"></iframe>`;
      const held = video.visibility === "public" ? "" : " It works for a week. Make the video public to have it work for longer.";
      await this.#copy(code, `Code copied.${held}`);
    });
  }

  async #playerAddress(video) {
    const address = new URL(`/videos/${video.id}/embed`, location.href);
    if (video.visibility !== "public") {
      const link = await this.#api.post(`${VIDEOS}/${video.id}/links`, { expires_in_seconds: LINK_SECONDS });
      address.search = new URL(link.url_mp4, location.href).search;
    }
    return address.href;
  }

  async #copy(text, message) {
    try {
      await navigator.clipboard.writeText(text);
      this.#notices.show(message);
    } catch {
      await askForText({
        title: "Copy this",
        label: "Your browser does not let this page copy",
        value: text,
        confirm: "Done",
      });
    }
  }

  /** @returns {Promise<string|null>} Why it could not be changed. */
  async #change(video, change, message) {
    try {
      this.#library.put(await this.#api.request("PATCH", `${VIDEOS}/${video.id}`, { json: change }));
    } catch (error) {
      if (error.status !== 401) return sentenceOf(error);
      this.#changeOnceSignedIn(video, change, message);
      return null;
    }
    this.#notices.show(message);
    return null;
  }

  async #changeOnceSignedIn(video, change, message) {
    const close = this.#notices.show("It is saved once you have signed in again.", { seconds: UNTIL_SIGNED_IN_SECONDS });
    await this.#session.signedIn();
    close();
    this.#tellRefusal(await this.#change(video, change, message));
  }

  #tellRefusal(refusal) {
    if (refusal !== null) this.#notices.show(refusal, { seconds: REASON_SECONDS });
  }

  /** @returns {() => Promise<void>} Deletes it at once. */
  #announce(video, text, seconds) {
    const over = () => this.#delete(video);
    const action = { label: "Undo", act: () => this.#undo(video) };
    const close = this.#notices.show(text, { seconds, action, over });
    const send = async (options) => {
      const sent = this.#delete(video, options);
      close();
      await sent;
    };
    this.#toBeDeleted.set(video.id, send);
    return send;
  }

  #undo(video) {
    this.#toBeDeleted.delete(video.id);
    this.#library.hide(video.id, false);
    this.#notices.say(`“${video.title}” was restored.`);
    this.dispatchEvent(new CustomEvent("restored", { detail: video.id }));
  }

  async #delete(video, { keepalive = false } = {}) {
    if (!this.#toBeDeleted.delete(video.id)) return;
    try {
      await this.#api.request("DELETE", `${VIDEOS}/${video.id}`, { keepalive });
    } catch (error) {
      if (error.status === 401) {
        this.#deleteOnceSignedIn(video);
        return;
      }
      if (error.status !== 404) {
        this.#failed(error, `“${video.title}” could not be deleted.`);
        this.#library.hide(video.id, false);
        return;
      }
    }
    const upload = this.#uploads.of(video.id);
    if (upload) this.#uploads.remove(upload);
    this.#library.drop(video.id);
    this.#library.hide(video.id, false);
    this.#uploads.placeIsFree();
  }

  /** The session has ended before its time to undo was up: what was announced holds, and can still be undone. */
  async #deleteOnceSignedIn(video) {
    const text = `“${video.title}” will be deleted once you have signed in again.`;
    const send = this.#announce(video, text, UNTIL_SIGNED_IN_SECONDS);
    await this.#session.signedIn();
    await send();
  }

  async #try(act) {
    try {
      await act();
    } catch (error) {
      this.#failed(error);
    }
  }

  #failed(error, what) {
    if (error.status === 401) return;
    this.#tellRefusal(sentenceOf(error, what));
  }
}

function sentenceOf(error, what = "That did not work.") {
  const { what: reason } = reasonOf(error.code, error.message);
  return `${what} ${reason}`;
}
