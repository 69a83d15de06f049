// The board by keyboard, as a grid (WAI-ARIA): the table is one stop of the Tab key, the arrows go from place to place in
// it, Space ticks, Enter opens. Columns are ticked at once. Without it each link and each box is a stop of its own.
"use strict";
document.addEventListener("DOMContentLoaded", () => {
  const board = document.querySelector("[data-board]");
  const ticked = document.querySelector("[data-ticked]");
  const boxes = [...board.querySelectorAll("input[name=cell]")];

  const count = () => {
    for (const box of boxes) box.closest("td").setAttribute("aria-selected", box.checked);
    if (!ticked) return;
    const number = boxes.filter((box) => box.checked).length;
    ticked.textContent = number;
    ticked.hidden = !number;
  };
  board.addEventListener("change", count);
  window.addEventListener("pageshow", count);

  for (const button of board.querySelectorAll("[data-all]")) {
    button.hidden = false;
    button.addEventListener("click", () => {
      const mine = boxes.filter((box) => box.parentElement.dataset.language === button.dataset.all);
      const tick = mine.some((box) => !box.checked);
      for (const box of mine) box.checked = tick;
      count();
    });
  }

  // --- places and the one that has the Tab key's stop -----------------------------------------------------------

  const CELL = ".board-cell:not(.board-cell--hidden)";
  // A text is one place, with all that is in it; elsewhere each link and each button is one.
  const placesIn = (cell) => (cell.matches(CELL) ? [cell] : [...cell.querySelectorAll("a, button")]);
  const lines = [...board.rows].flatMap((row) => {
    const cells = [...row.cells].map(placesIn);
    const depth = Math.max(0, ...cells.map((places) => places.length));
    return Array.from({ length: depth }, (_, line) => cells.map((places) => places[line]));
  });
  const places = lines.flat().filter(Boolean);
  if (!places.length) return;

  board.setAttribute("role", "grid");
  board.setAttribute("aria-describedby", "board-keys");
  if (boxes.length) board.setAttribute("aria-multiselectable", "true");
  for (const inner of board.querySelectorAll("a, button, input")) inner.tabIndex = -1;
  for (const place of places) place.tabIndex = -1;

  let current = null;
  const stopAt = (place) => {
    if (current) current.tabIndex = -1;
    current = place;
    current.tabIndex = 0;
  };
  const back = location.hash && document.getElementById(location.hash.slice(1));
  stopAt(places.find((place) => place === back) || places.find((place) => place.matches(CELL)) || places[0]);

  const placeOf = (element) => element.closest(CELL) || element;
  board.addEventListener("focusin", (event) => {
    const place = placeOf(event.target);
    if (places.includes(place)) stopAt(place);
  });

  // --- keys -----------------------------------------------------------------------------------------------------

  const ARROWS = { ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1] };

  const isThere = (place) => place && place.getClientRects().length > 0;

  // Over headings, over what the filters hide, and what is not shown at this width.
  const beside = (place, [down, right]) => {
    let line = lines.findIndex((one) => one.includes(place));
    let column = lines[line].indexOf(place);
    do [line, column] = [line + down, column + right];
    while (lines[line] && column >= 0 && column < lines[line].length && !isThere(lines[line][column]));
    return lines[line]?.[column];
  };
  const outermost = (place, key, all) => {
    const line = (all ? places : lines.find((one) => one.includes(place))).filter(isThere);
    return key === "Home" ? line[0] : line.at(-1);
  };

  board.addEventListener("keydown", (event) => {
    const place = placeOf(event.target);
    if (!places.includes(place) || event.altKey || event.metaKey || event.shiftKey) return;
    const inCell = place.matches(CELL);
    let next = null;
    if (event.key === "Home" || event.key === "End") next = outermost(place, event.key, event.ctrlKey);
    else if (event.ctrlKey) return;
    else if (ARROWS[event.key]) next = beside(place, ARROWS[event.key]);
    else if (event.key === " " && event.target === place && inCell) place.querySelector("input")?.click();
    // In a box, Enter would press the first button of the form, and approve.
    else if (event.key === "Enter" && inCell && !event.target.matches("a")) place.querySelector("a")?.click();
    else return;
    event.preventDefault();
    next?.focus();
  });
});
