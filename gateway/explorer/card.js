// One post as a card: its picture, its words, its scores, and what may be done with it.

import { deedsWith } from "./deeds.js";
import { $, copyOf, icon, make } from "./elements.js";
import { picture } from "./pictures.js";
import { DEEDS, titleOf } from "./words.js";

/** Scores that a card shows, each from 0 to 1 on its bar: name, and where its number stands. */
const SCORES = [
  ["User", (post) => post.explanation?.user_score],
  ["Mood", (post) => post.explanation?.mood_closeness],
  ["Similar", (post) => post.explanation?.similarity],
  ["Popular", (post) => post.explanation?.popularity],
];

export function newCard(post, { categories, settings, withActs = true }) {
  const card = copyOf("card");
  card.post = post;
  card.dataset.postId = post.post_id;
  const title = $(".title", card);
  title.textContent = post.title.trim() || post.stand_in || "Untitled";
  title.classList.toggle("untitled", !post.title.trim());
  const category = categories.find((each) => each.category_id === post.category_id)?.name;
  $(".about", card).append(category ? make("span", { className: "tag", dir: "auto", textContent: category }) : "",
    make("span", { className: "owner", dir: "auto", textContent: post.owner_username ? `@${post.owner_username}` : "" }));
  const play = $(".picture", card);
  play.setAttribute("aria-label", `Play ${titleOf(post)}`);
  play.prepend(picture(post, settings));
  const acts = $(".acts", card);
  if (withActs) {
    for (const [verb, { key, icon: drawing, name }] of Object.entries(DEEDS)) {
      acts.append(make("button", { type: "button", title: `${name} (${key})`, "data-verb": verb, "aria-pressed": "false", "aria-label": name }, icon(drawing)));
    }
  }
  showPost(card, post);
  return card;
}

/** Show what another page says about the same post: its scores. */
export function showPost(card, post) {
  card.post = post;
  const bars = SCORES.map(([name, read]) => [name, read(post)]).filter(([, value]) => typeof value === "number").map(([name, value]) => bar(name, value));
  $(".scores", card).replaceChildren(...bars);
}

/** Show its place, what changed about it, and what the person did with it. */
export function showPlace(card, { place, change, username }) {
  $(".place", card).textContent = `${place + 1}`;
  const badge = $(".change", card);
  badge.hidden = !change;
  badge.dataset.kind = change?.kind ?? "";
  badge.textContent = change?.words ?? "";
  card.classList.toggle("changed", Boolean(change));
  showDeeds(card, username);
}

/** Show that another feed lacks the post, unless the card says already what changed about it. */
export function showAlone(card, isAlone) {
  const badge = $(".change", card);
  if (badge.dataset.kind && badge.dataset.kind !== "alone") return;
  badge.hidden = !isAlone;
  badge.dataset.kind = isAlone ? "alone" : "";
  badge.textContent = isAlone ? "only here" : "";
}

export function showDeeds(card, username) {
  const done = deedsWith(username, card.post.post_id);
  for (const button of card.querySelectorAll("[data-verb]")) {
    const deed = done.get(button.dataset.verb);
    const { name, key } = DEEDS[button.dataset.verb];
    button.setAttribute("aria-pressed", String(Boolean(deed)));
    const words = deed?.percent ? `${name}: ${Math.round(deed.percent / 20)} of 5 stars` : name;
    button.setAttribute("aria-label", words);
    button.title = deed ? `${words}: press to undo (${key})` : `${name} (${key})`;
  }
}

function bar(name, value) {
  const share = Math.min(Math.max(value, 0), 1);
  const filled = make("span", { className: "filled" });
  filled.style.width = `${(share * 100).toFixed(1)}%`;
  return make("div", { className: `score by-${name.toLowerCase()}` },
    make("span", { className: "score-name", textContent: name, "aria-hidden": "true" }),
    make("span", { className: "bar", role: "meter", "aria-label": name, "aria-valuemin": "-1", "aria-valuemax": "1", "aria-valuenow": value.toFixed(2) }, filled),
    make("span", { className: "number", textContent: value.toFixed(2), "aria-hidden": "true" }));
}
