// Two versions of one text beside each other, until the person has chosen. Neither is lost.
"use strict";
class Conflict {
  constructor(keeper, section, taken) {
    Object.assign(this, { keeper, section, taken, answer: null, mine: null });
    keeper.addEventListener("conflict", (event) => this.show(event.detail));
    section.addEventListener("click", (event) => {
      if (event.target.matches("[data-keep-mine]")) this.keepMine();
      if (event.target.matches("[data-take-theirs]")) this.takeTheirs();
    });
    taken.querySelector("[data-mine-back]").addEventListener("click", () => this.mineBack());
    if (!section.hidden) this.found();
  }

  // The desk has answered a button with it: its numbers are in the form already.
  found() {
    const { working, number } = this.keeper.form.elements;
    this.answer = {
      theirs: JSON.parse(this.section.dataset.theirs), working: Number(working.value), number: Number(number.value),
    };
    this.keeper.failed("differs");
    this.section.querySelector("h2").focus();
  }

  // Who is typing is not torn away: the bar below says so, and leads there.
  show(answer) {
    this.answer = answer;
    this.section.innerHTML = answer.html;
    this.section.hidden = false;
    document.getElementById("restored").hidden = true;
  }

  keepMine() {
    this.keeper.adopt(this.answer);
    this.close();
    this.keeper.keep();
  }

  takeTheirs() {
    this.mine = this.keeper.words();
    this.keeper.adopt(this.answer);
    this.keeper.put(this.answer.theirs);
    this.keeper.kept = this.keeper.words(); // in the editor's way of writing
    this.keeper.done();
    this.close();
    this.taken.hidden = false;
  }

  mineBack() {
    this.keeper.put(this.mine);
    this.taken.hidden = true;
    this.keeper.fields[0].focus();
  }

  close() {
    this.section.hidden = true;
    this.keeper.fields[0].focus();
  }
}
