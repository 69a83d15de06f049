// Fetches the numbers again every two seconds until nothing moves any more. Without it there is "Refresh".
"use strict";
document.addEventListener("DOMContentLoaded", () => {
  const region = document.querySelector("[data-progress]");
  const phase = document.querySelector("[data-phase-shown]");
  const say = (text) => { if (phase.textContent !== text) phase.textContent = text; };

  const refresh = async () => {
    try {
      const response = await fetch(region.dataset.progress);
      if (!response.ok || response.redirected) throw new Error(response.statusText);
      const page = new DOMParser().parseFromString(await response.text(), "text/html");
      const fresh = page.querySelector(".desk-progress");
      const focused = region.contains(document.activeElement) ? document.activeElement.id : "";
      region.replaceChildren(fresh);
      if (focused) document.getElementById(focused)?.focus();
      say(fresh.dataset.phase);
    } catch {
      say(region.dataset.lost);
    }
    again();
  };
  const again = () => {
    if (region.firstElementChild.dataset.final !== "true") setTimeout(refresh, 2000);
  };
  again();
});
