// How many stars: a dialog with five of them, by mouse, arrow keys or the digits 1 to 5.

import { $, icon, make } from "./elements.js";
import { titleOf } from "./words.js";

/** The number of stars that is chosen, 1 to 5; nothing if none is. */
export function chooseStars(post, before) {
  const dialog = $("#stars");
  const place = $(".star-row", dialog);
  $("#stars-title").textContent = `Rate ${titleOf(post)}`;
  place.replaceChildren(...[1, 2, 3, 4, 5].map((stars) => make("label", { className: "star" },
    make("input", { type: "radio", name: "stars", value: String(stars), checked: stars === (before ?? 4) }),
    icon("star"), make("span", { className: "unseen", textContent: stars === 1 ? "1 star" : `${stars} stars` }))));
  const show = () => {
    const chosen = Number($("input:checked", place)?.value ?? 0);
    place.querySelectorAll(".star").forEach((star, index) => star.classList.toggle("lit", index < chosen));
  };
  place.onchange = show;
  dialog.onkeydown = (event) => {
    if (!/^[1-5]$/.test(event.key)) return;
    $(`input[value="${event.key}"]`, place).checked = true;
    show();
  };
  show();
  dialog.returnValue = "";
  dialog.showModal();
  $("input:checked", place).focus();
  return new Promise((resolve) => {
    dialog.addEventListener("close", () => resolve(dialog.returnValue === "rate" ? Number($("input:checked", place).value) : undefined), { once: true });
  });
}
