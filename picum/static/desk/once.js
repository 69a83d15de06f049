// A second click on the same button does nothing. The server refuses it too.
"use strict";
document.addEventListener("submit", (event) => {
  if (!event.target.matches("[data-once]")) return;
  // After the browser has read which button was pressed.
  setTimeout(() => { for (const button of event.target.querySelectorAll("button")) button.disabled = true; });
});
window.addEventListener("pageshow", () => {
  for (const button of document.querySelectorAll("[data-once] button")) button.disabled = false;
});
