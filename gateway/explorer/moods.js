// The palette: which moods are offered, and what each emoji is called.

import { make } from "./elements.js";

export const MOODS = [
  ["😌", "calm"], ["😂", "funny"], ["🥰", "loving"], ["🤩", "amazed"], ["🎉", "festive"], ["💪", "driven"],
  ["🤔", "thoughtful"], ["😴", "sleepy"], ["😢", "sad"], ["💔", "heartbroken"], ["😱", "scared"], ["😡", "angry"],
];

/** What a mood is called: the names of its emoji, where it has any. */
export function named(mood) {
  const names = MOODS.filter(([emoji]) => mood.includes(emoji)).map(([, name]) => name);
  return names.length ? `${mood} (${names.join(", ")})` : mood;
}

/** Buttons of all moods; `choose` gets the emoji, or nothing where it is taken back. */
export function palette(place, choose) {
  for (const [emoji, name] of MOODS) {
    const button = make("button", { type: "button", className: "mood", "data-mood": emoji, "aria-pressed": "false" },
      make("span", { className: "emoji", textContent: emoji, "aria-hidden": "true" }), make("span", { textContent: name }));
    button.onclick = () => choose(button.getAttribute("aria-pressed") === "true" ? "" : emoji);
    place.append(button);
  }
}

/** Show which button is the mood. */
export function press(place, mood) {
  for (const button of place.querySelectorAll("button")) button.setAttribute("aria-pressed", String(button.dataset.mood === mood.trim()));
}
