// What stands in the form of an item or an issue and is not saved yet stays in this browser, at every key: the session
// may end, and the connection drop, at the moment of saving. It is offered when the same person opens the form again.
"use strict";
{
  const PREFIX = "picum form ";
  const editors = new Map();
  document.addEventListener("prose-editor:ready", ({ detail }) => editors.set(detail.textarea.name, detail.editor));

  // Words that were handed in and then saved: the desk says so on the page that follows, and the browser knows from
  // where one came. Words of another form, handed in without a connection, are not meant.
  const tidy = (own) => {
    const saved = document.querySelector(".messagelist .success");
    Shelf.tidy(PREFIX, own, (left) => saved && left.handedIn && left.page === document.referrer);
  };

  // The rows below the words, as sources: they have no key before they are saved, and others may add some meanwhile.
  class Rows {
    constructor(form) {
      this.form = form;
    }

    get all() {
      const rows = [...this.form.querySelectorAll(".inline-related:not(.empty-form)")];
      const fresh = rows.filter((row) => !Rows.pk(row));
      return rows.map((row) => [Rows.pk(row) || `new ${fresh.indexOf(row)}`, row]);
    }

    static pk(row) {
      return row.querySelector("input[name$='-id']")?.value;
    }

    // Each by its row and its name there: "12 outlet", "new 0 url".
    get fields() {
      return this.all.flatMap(([key, row]) =>
        [...row.querySelectorAll("input:not([type=hidden], [type=checkbox]), select, textarea")]
          .map((field) => [`${key} ${field.name.split("-").at(-1)}`, field]));
    }

    // A row that is not there, or not any more, becomes a new one; under its own key, or the next that is free.
    make(words) {
      const moved = {};
      for (const name of Object.keys(words).filter((one) => one.includes(" "))) {
        const key = name.slice(0, name.lastIndexOf(" "));
        if (key in moved || this.all.some(([there]) => there === key)) continue;
        this.form.querySelector(".inline-group .add-row a")?.click();
        moved[key] = this.all.at(-1)?.[0];
      }
      return Object.fromEntries(Object.entries(words).map(([name, value]) => {
        const at = name.lastIndexOf(" ");
        return [at < 0 || !moved[name.slice(0, at)] ? name : moved[name.slice(0, at)] + name.slice(at), value];
      }));
    }
  }

  window.addEventListener("load", () => {
    const offer = document.getElementById("left");
    const form = offer?.closest("form");
    const written = [...(form?.querySelectorAll("textarea[lang], input[type=text][lang]") ?? [])];
    const of = written.length ? `${PREFIX}${offer.dataset.of} ${written[0].lang} ` : "";
    tidy(of);
    if (!of) return;
    // Each opening of the form under a key of its own, that none forgets what another one has.
    const key = `${of}${Date.now()}${Math.random()}`;
    const rows = new Rows(form);
    const fields = () => new Map([...written.map((field) => [field.name, field]), ...rows.fields]);
    const words = () => Object.fromEntries([...fields()].map(([name, field]) => [name, field.value]));
    const lefts = Shelf.lefts(of);
    // What the desk refused stands in the form, and is stored nowhere.
    const now = words();
    const refused = form.querySelector(".errornote") && lefts.find((left) => left.handedIn && Shelf.same(left.words, now));
    const start = refused?.start ?? now;
    const remember = (handedIn = false) => {
      if (Shelf.same(words(), start) && !handedIn) Shelf.drop(key);
      else Shelf.keep(key, { words: words(), start, handedIn, page: location.href.split("#")[0] });
    };
    if (refused) remember();
    for (const left of lefts.filter((one) => Shelf.same(one.words, now))) Shelf.drop(left.key);
    const offered = lefts.filter((left) => !Shelf.same(left.words, now));
    // They were handed in, and never arrived: saving others from here does not mean them.
    for (const { key: one, ...left } of offered) Shelf.keep(one, { ...left, handedIn: false });
    const show = () => {
      offer.hidden = !offered.length;
      if (offered.length) offer.querySelector("[data-changed]").hidden = Shelf.same(offered[0].start ?? {}, start);
    };
    show();
    offer.querySelector("[data-take]").addEventListener("click", () => {
      const left = offered.shift();
      // Neither are the words lost that are in the form by now: they are offered next.
      const others = words();
      if (!Shelf.same(others, start)) {
        const again = { words: others, start, handedIn: false, key: `${key} again${Math.random()}` };
        Shelf.keep(again.key, again);
        offered.push(again);
      }
      const taken = rows.make(left.words);
      for (const [name, field] of [...fields()].filter(([one]) => one in taken)) {
        const editor = editors.get(field.name);
        if (editor) editor.commands.setContent(taken[name], { emitUpdate: true });
        else field.value = taken[name];
      }
      remember();
      Shelf.drop(left.key);
      show();
      written[0].focus();
    });
    offer.querySelector("[data-drop]").addEventListener("click", () => {
      Shelf.drop(offered.shift().key);
      show();
      written[0].focus();
    });
    // What is offered stays until the person decides.
    form.addEventListener("input", (event) => { if ([...fields().values()].includes(event.target)) remember(); });
    form.addEventListener("submit", () => { if (!Shelf.same(words(), start)) remember(true); });
  });
}
