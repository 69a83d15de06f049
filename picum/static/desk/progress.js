// Fetches the numbers again every two seconds until nothing moves any more, more rarely where counting takes long.
// Without it there is "Refresh".
"use strict";
document.addEventListener("DOMContentLoaded", () => {
  const region = document.querySelector("[data-progress]");
  const phase = document.querySelector("[data-phase-shown]");
  const say = (text) => { if (phase.textContent !== text) phase.textContent = text; };

  const refresh = async () => {
    const began = performance.now();
    try {
      const response = await fetch(region.dataset.progress);
      if (!response.ok || response.redirected) throw new Error(response.statusText);
      const page = new DOMParser().parseFromString(await response.text(), "text/html");
      const fresh = page.querySelector(".desk-progress");
      const focused = region.contains(document.activeElement) ? document.activeElement.id : "";
      const opened = [...region.querySelectorAll("details[open]")].map((details) => details.id);
      region.replaceChildren(fresh);
      for (const id of opened) document.getElementById(id)?.setAttribute("open", "");
      if (focused) document.getElementById(focused)?.focus();
      say(fresh.dataset.phase);
      // "The issue is on its way" was true when the button was pressed.
      if (fresh.dataset.final === "true") for (const said of document.querySelectorAll(".messagelist .success")) said.remove();
    } catch {
      say(region.dataset.lost);
    }
    again(performance.now() - began);
  };
  const again = (took) => {
    if (region.firstElementChild.dataset.final !== "true") setTimeout(refresh, Math.max(2000, 10 * took));
  };
  again(0);
});
