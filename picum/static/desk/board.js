// The board by keyboard: arrows go from cell to cell, a column is ticked at once. Everything works without it.
"use strict";
document.addEventListener("DOMContentLoaded", () => {
  const board = document.querySelector("[data-board]");
  const ticked = document.querySelector("[data-ticked]");
  const boxes = [...board.querySelectorAll("input[name=cell]")];

  const count = () => {
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

  // Enter in a box would press the first button of the form, and approve.
  board.addEventListener("keydown", (event) => {
    if (event.key === "Enter" && event.target.matches("input[name=cell]")) event.preventDefault();
  });

  const STEPS = { ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1] };
  board.addEventListener("keydown", (event) => {
    const step = STEPS[event.key];
    const cell = event.target.closest("tbody td");
    if (!step || !cell || event.altKey || event.ctrlKey || event.metaKey || event.shiftKey) return;
    const kind = event.target.matches("input") ? "input" : "a";
    const rows = [...board.querySelectorAll("tbody tr")];
    let [row, column] = [rows.indexOf(cell.parentElement) + step[0], cell.cellIndex + step[1]];
    // Over headings, and over what the filters hide.
    while (rows[row] && (step[0] || (column > 0 && rows[row].cells[column]))) {
      const next = rows[row].cells[column]?.querySelector(kind);
      if (next) {
        event.preventDefault();
        next.focus();
        return;
      }
      [row, column] = [row + step[0], column + step[1]];
    }
  });
});
