// What the desk says after a deed is said at the place to which one is led back, and is what has the focus: at the top
// of the page, which is scrolled past it, nobody would see it.
"use strict";
document.addEventListener("DOMContentLoaded", () => {
  const said = document.querySelector("ul.messagelist");
  if (!said || !location.hash) return;
  const place = document.getElementById(location.hash.slice(1));
  const row = place?.closest("tr");
  if (row) {
    const cell = document.createElement("td");
    cell.colSpan = [...row.cells].reduce((sum, one) => sum + one.colSpan, 0);
    cell.append(said);
    const above = document.createElement("tr");
    above.className = "desk-said";
    above.append(cell);
    row.before(above);
  } else {
    place?.closest("li, section")?.prepend(said);
  }
  said.tabIndex = -1;
  const look = () => {
    said.focus({ preventScroll: true });
    said.scrollIntoView({ block: "center" });
  };
  look();
  // The browser scrolls to the place once more when all is loaded.
  window.addEventListener("load", () => requestAnimationFrame(look), { once: true });
});
