/** Asks for the API key. */

import { byId } from "./dom.js";

/**
 * The key that is typed; null where none is.
 * @returns {Promise<string | null>}
 */
export function askForKey() {
  const dialog = byId("key-dialog", HTMLDialogElement);
  const input = byId("key", HTMLInputElement);
  if (dialog.open) return answer(dialog, input); // one question for all that wait
  input.value = "";
  dialog.returnValue = "";
  dialog.showModal();
  return answer(dialog, input);
}

/**
 * @param {HTMLDialogElement} dialog
 * @param {HTMLInputElement} input
 * @returns {Promise<string | null>}
 */
function answer(dialog, input) {
  return new Promise((resolve) => {
    dialog.addEventListener(
      "close",
      () => resolve(dialog.returnValue === "use" ? input.value : null),
      { once: true },
    );
  });
}
