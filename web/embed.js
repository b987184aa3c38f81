/** The player alone, for a page of somebody else's. A token in the address is that of a link. */

import { element, icon } from "./elements.js";
import { controlByKeys, player } from "./player.js";

const place = document.getElementById("content");
const id = location.pathname.split("/").at(-2);
const files = `/uploads/processed/${id}`;
const film = player({
  source: `${files}/video.mp4${location.search}`,
  poster: `${files}/thumbnail.jpg${location.search}`,
  label: "Video",
});

let hasBegunAgain = false;

/** The video was made anew in mid-play: it goes on with the new file from where it was. */
function beginAgain() {
  hasBegunAgain = true;
  const from = film.currentTime;
  film.addEventListener("loadedmetadata", () => (film.currentTime = from), { once: true });
  film.load();
  film.play().catch(() => undefined);
}

film.addEventListener("error", () => {
  if (film.currentTime > 0 && !hasBegunAgain) {
    beginAgain();
    return;
  }
  const words = "This video can't be played here. It is private, its link has expired, or it is gone.";
  place.replaceChildren(element("p", { class: "embed-problem", role: "alert" }, icon("failed"), words));
});
controlByKeys(film);
place.replaceChildren(film);
