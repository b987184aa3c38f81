/**
 * Pictures that are on their way hold connections, of which a browser has six for each service, and gives none up while
 * its network is silent: six posters would keep an upload from going on when the network is back. So pictures are let
 * go of while the service is away, and asked for again once it answers.
 */

/** @param {Live} live Which tells when the service is away, and when it is back. */
export function keepPicturesFromWaiting(live) {
  const sources = new Map();
  live.addEventListener("away", () => {
    for (const picture of document.images) {
      if (isThere(picture) || !picture.hasAttribute("src")) continue;
      sources.set(picture, picture.src);
      picture.removeAttribute("src");
    }
  });
  live.addEventListener("back", () => {
    for (const [picture, source] of sources) if (!picture.hasAttribute("src")) picture.src = source;
    sources.clear();
  });
}

function isThere({ complete, naturalWidth }) {
  return complete && naturalWidth > 0;
}
