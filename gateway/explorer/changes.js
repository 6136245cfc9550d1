// What changed between two pages of the same feed, in numbers, in words, and as a movement.

import { count } from "./words.js";

/** Compare the ids of two pages: where each post was before, and what can be said about it. */
export function changesOf(before, now) {
  const places = new Map(before.map((id, place) => [id, place]));
  const of = new Map();
  now.forEach((id, place) => {
    const was = places.get(id);
    if (was === undefined) of.set(id, { kind: "new", words: "new" });
    else if (was > place) of.set(id, { kind: "up", words: `up ${was - place}` });
  });
  const kinds = [...of.values()].map((each) => each.kind);
  const ids = new Set(now);
  return {
    of,
    fresh: kinds.filter((kind) => kind === "new").length,
    up: kinds.filter((kind) => kind === "up").length,
    gone: before.filter((id) => !ids.has(id)).length,
  };
}

export function changesIn({ fresh, up, gone }) {
  const parts = [fresh && `${fresh} new`, up && `${up} moved up`, gone && `${gone} gone`].filter(Boolean);
  return parts.length ? parts.join(", ") : "nothing changed";
}

export const bothIn = (one, other) => {
  const shared = one.filter((id) => other.includes(id)).length;
  const same = one.filter((id, place) => other[place] === id).length;
  return shared ? `${count(shared, "post is", "posts are")} in both feeds, ${same} of them in the same place.` : "No post is in both feeds.";
};

/** Where the cards are now; the function that is returned moves them from there to where they are then. */
export function movement(cards) {
  if (matchMedia("(prefers-reduced-motion: reduce)").matches) return () => {};
  const was = new Map(cards.map((card) => [card, card.getBoundingClientRect()]));
  return (after) => {
    for (const card of after) {
      const from = was.get(card), to = card.getBoundingClientRect();
      const frames = from
        ? [{ transform: `translate(${from.left - to.left}px, ${from.top - to.top}px)` }, { transform: "none" }]
        : [{ opacity: 0, transform: "translateY(12px)" }, { opacity: 1, transform: "none" }];
      card.animate(frames, { duration: 320, easing: "cubic-bezier(.2, .8, .2, 1)" });
    }
  };
}
