// The keyboard: keys of the page, keys of the card that has the focus, and the help that lists both.

import { openDialog } from "./dialogs.js";
import { $, make } from "./elements.js";
import { DEEDS } from "./words.js";

const OF_CARDS = { ...Object.fromEntries(Object.entries(DEEDS).map(([verb, { key }]) => [key, `[data-verb="${verb}"]`])),
  p: '[data-act="play"]', w: '[data-act="why"]', m: '[data-act="similar"]' };
const MOVES = { j: 1, ArrowRight: 1, k: -1, ArrowLeft: -1, ArrowDown: "row", ArrowUp: "-row" };
const OFF = "moodfeed-single-keys-off";
const isOff = () => localStorage.getItem(OFF) === "yes";

/** `page` maps single keys to what they do anywhere on the page. */
export function listenForKeys(page) {
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || $("dialog[open]")) return;
    if (event.target.closest("input, select, textarea, video")) {
      if (event.key === "Escape") event.target.blur();
      return;
    }
    const card = event.target.closest(".card");
    if (card && MOVES[event.key] && !event.shiftKey) {
      event.preventDefault();
      return move(card, MOVES[event.key]);
    }
    if (isOff() && event.key !== "?") return;
    const button = card && OF_CARDS[event.key] && $(OF_CARDS[event.key], card);
    const handler = button ? () => button.click() : page[event.key] ?? (event.key === "j" ? firstCard : undefined);
    if (!handler) return;
    event.preventDefault();
    handler();
  });
}

function firstCard() { $(".card[tabindex]")?.focus(); }

function move(card, by) {
  const cards = [...card.parentElement.children];
  const columns = getComputedStyle(card.parentElement).gridTemplateColumns.split(" ").length;
  const step = by === "row" ? columns : by === "-row" ? -columns : by;
  cards[cards.indexOf(card) + step]?.focus();
}

export function openHelp() {
  const off = make("input", { type: "checkbox", checked: !isOff() });
  off.onchange = () => localStorage.setItem(OFF, off.checked ? "no" : "yes");
  openDialog("Keyboard shortcuts",
    table("Anywhere", [["?", "keyboard shortcuts"], ["/", "enter a username"], ["e", "enter a mood"], ["c", "two feeds or one"], ["a", "add a post"], ["h", "system health"], ["j", "go to the first post"]]),
    table("On a post", [["j k ← → ↑ ↓", "go to another post"], ...Object.values(DEEDS).map(({ key, name }) => [key, name.toLowerCase()]), ["p", "play"], ["w", "why this post is here"], ["m", "similar posts"]]),
    make("label", { className: "check" }, off, " Enable single-key shortcuts"));
}

function table(caption, rows) {
  return make("table", { className: "keys" }, make("caption", { textContent: caption }), make("tbody", {}, ...rows.map(([keys, words]) => make("tr", {},
    make("th", { scope: "row" }, ...keys.split(" ").flatMap((key, place) => [place ? " " : "", make("kbd", { textContent: key })])), make("td", { textContent: words })))));
}
