// The API token: typed once in a dialog, kept until the tab is closed, never in an address.

import { $ } from "./elements.js";

const KEY = "moodfeed-token";
const HEADER_TEXT = /^[\x20-\x7e]+$/;
let asking; // one dialog for all requests that wait for a token
let isDeclined = false; // until a person asks for something again

export const token = () => sessionStorage.getItem(KEY) ?? "";

/** A person asks for something: if that needs a token, the dialog may open again. */
export function allowAsking() { isDeclined = false; }

/** Ask for a token; true if another one than the refused one was given. */
export function askForToken({ refused }) {
  if (token() !== refused) return Promise.resolve(true); // somebody else has just been given one
  if (isDeclined) return Promise.resolve(false);
  asking ??= open(refused).finally(() => { asking = undefined; });
  return asking;
}

function open(refused) {
  const dialog = $("#token");
  const input = $("input", dialog);
  $("#token-told").textContent = refused ? "The gateway rejected that token. Enter another one." : "";
  input.value = "";
  input.toggleAttribute("aria-invalid", Boolean(refused));
  dialog.returnValue = "";
  dialog.showModal();
  return new Promise((resolve) => {
    dialog.addEventListener("close", () => {
      const given = dialog.returnValue === "use" ? input.value.trim() : "";
      input.value = "";
      if (given && !HEADER_TEXT.test(given)) return resolve(open(given)); // no request could be sent with it
      if (given) sessionStorage.setItem(KEY, given);
      isDeclined = !given;
      resolve(Boolean(given));
    }, { once: true });
  });
}
