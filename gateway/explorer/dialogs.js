// The one dialog that shows things: its title, what is in it, and that focus comes back to where it was.

import { $ } from "./elements.js";

/** Show these in the dialog; an open dialog changes what it shows. */
export function openDialog(title, ...content) {
  const dialog = $("#dialog");
  $("#dialog-title").textContent = title;
  $("#dialog-body").replaceChildren(...content);
  if (!dialog.open) dialog.showModal();
  $("#dialog-body").scrollTop = 0;
  return dialog;
}

export function closeDialog() {
  if ($("#dialog").open) $("#dialog").close();
}
