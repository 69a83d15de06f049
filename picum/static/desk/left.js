// What stands in the form of an item or an issue and is not saved yet stays in this browser, at every key: the session
// may end, and the connection drop, at the moment of saving. It is offered when the same person opens the form again.
"use strict";
{
  const LASTS = 14 * 24 * 60 * 60 * 1000; // milliseconds, as on the translator's page
  const PREFIX = "picum form ";
  const editors = new Map();
  document.addEventListener("prose-editor:ready", ({ detail }) => editors.set(detail.textarea.name, detail.editor));

  const read = (key) => {
    try {
      return JSON.parse(localStorage.getItem(key));
    } catch {
      return null; // nothing that we wrote
    }
  };
  const drop = (key) => { try { localStorage.removeItem(key); } catch { /* then there is nothing of ours either */ } };
  const keep = (key, left) => { try { localStorage.setItem(key, JSON.stringify(left)); } catch { /* "unsaved.js" still warns */ } };
  const keysOf = (prefix) => {
    try {
      return Object.keys(localStorage).filter((key) => key.startsWith(prefix));
    } catch {
      return []; // a browser that refuses has kept nothing
    }
  };
  // The editor and the desk write the same text in different ways.
  const plain = (html) => {
    const body = new DOMParser().parseFromString(html, "text/html").body;
    for (const element of body.querySelectorAll("*")) {
      for (const { name } of [...element.attributes]) if (name !== "href") element.removeAttribute(name);
    }
    return body.innerHTML.replace(/\s+/g, " ").replace(/> </g, "><").replace(/^<p>(<br>)?<\/p>$/, "").trim();
  };
  const same = (one, two) => Object.keys(two).every((name) => plain(one[name] ?? "") === plain(two[name]));

  // Words that were handed in and then saved: the desk says so on the page that follows, and the browser knows from
  // where one came. Words of another form, handed in without a connection, are not meant. Others go after two weeks,
  // those of this form excepted: its person is just coming back for them.
  const tidy = (own) => {
    const saved = document.querySelector(".messagelist .success");
    for (const key of keysOf(PREFIX)) {
      const left = read(key);
      const isSaved = saved && left?.handedIn && left.page === document.referrer;
      if (!left?.words || isSaved || (!(own && key.startsWith(own)) && !(left.at >= Date.now() - LASTS))) drop(key);
    }
  };

  window.addEventListener("load", () => {
    const offer = document.getElementById("left");
    const form = offer?.closest("form");
    const fields = [...(form?.querySelectorAll("textarea[lang], input[type=text][lang]") ?? [])];
    const of = fields.length ? `${PREFIX}${offer.dataset.of} ${fields[0].lang} ` : "";
    tidy(of);
    if (!of) return;
    // Each opening of the form under a key of its own, that none forgets what another one has.
    const key = `${of}${Date.now()}${Math.random()}`;
    const words = () => Object.fromEntries(fields.map((field) => [field.name, field.value]));
    // The newest first.
    const lefts = keysOf(of).map((one) => ({ ...read(one), key: one })).filter((left) => left.words)
      .sort((one, two) => two.at - one.at);
    // What the desk refused stands in the form, and is stored nowhere.
    const now = words();
    const refused = form.querySelector(".errornote") && lefts.find((left) => left.handedIn && same(left.words, now));
    const start = refused?.start ?? now;
    const remember = (handedIn = false) => {
      if (same(words(), start) && !handedIn) drop(key);
      else keep(key, { words: words(), start, handedIn, page: location.href.split("#")[0], at: Date.now() });
    };
    if (refused) remember();
    for (const left of lefts.filter((one) => same(one.words, now))) drop(left.key);
    const offered = lefts.filter((left) => !same(left.words, now));
    // They were handed in, and never arrived: saving others from here does not mean them.
    for (const { key: one, ...left } of offered) keep(one, { ...left, handedIn: false });
    const show = () => {
      offer.hidden = !offered.length;
      if (offered.length) offer.querySelector("[data-changed]").hidden = same(offered[0].start ?? {}, start);
    };
    show();
    offer.querySelector("[data-take]").addEventListener("click", () => {
      const left = offered.shift();
      // Neither are the words lost that are in the form by now: they are offered next.
      const others = words();
      if (!same(others, start)) {
        const again = { words: others, start, handedIn: false, at: Date.now(), key: `${key} again${Math.random()}` };
        keep(again.key, again);
        offered.push(again);
      }
      for (const field of fields.filter(({ name }) => name in left.words)) {
        const editor = editors.get(field.name);
        if (editor) editor.commands.setContent(left.words[field.name], { emitUpdate: true });
        else field.value = left.words[field.name];
      }
      remember();
      drop(left.key);
      show();
      fields[0].focus();
    });
    offer.querySelector("[data-drop]").addEventListener("click", () => {
      drop(offered.shift().key);
      show();
      fields[0].focus();
    });
    form.addEventListener("input", (event) => {
      // What is offered stays until the person decides.
      if (fields.includes(event.target)) remember();
    });
    form.addEventListener("submit", () => { if (!same(words(), start)) remember(true); });
  });
}
