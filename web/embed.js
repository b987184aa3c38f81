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

film.addEventListener("error", () => {
  const words = "This video can't be played here. It is private, its link has expired, or it is gone.";
  place.replaceChildren(element("p", { class: "embed-problem", role: "alert" }, icon("failed"), words));
});
controlByKeys(film);
place.replaceChildren(film);
