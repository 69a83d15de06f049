// The translator's page: keys, what may be inserted, what to look at, the mail; keeping.js and conflict.js do the rest.
"use strict";
{
  const form = document.getElementById("words");
  const keeper = new Keeper(form, document.getElementById("kept"));
  new Conflict(keeper, document.getElementById("conflict"), document.getElementById("taken"));
  const places = new Places(keeper.fields[0].lang, form.dataset.abbreviations.split(" "), keeper.editors);
  const button = (deed) => form.querySelector(`button[name="deed"]${deed}`);

  // --- what only this browser had ---------------------------------------------------------------------------------------

  const restored = document.getElementById("restored");
  window.addEventListener("load", () => setTimeout(() => { // the editors are there
    const before = keeper.words();
    restored.hidden = !keeper.restore();
    restored.querySelector("[data-drop-restored]").addEventListener("click", () => {
      keeper.put(before);
      keeper.keep();
      restored.hidden = true;
      keeper.fields[0].focus();
    });
    if (restored.hidden && "unkept" in form.dataset) keeper.keep();
  }));

  // --- buttons: nothing is handed on before it is kept -------------------------------------------------------------------

  document.addEventListener("submit", async (event) => {
    const sends = event.target;
    if (sends.method !== "post" || !document.getElementById("content").contains(sends)) return;
    if (event.submitter?.value === "discard") {
      keeper.kept = keeper.words(); // nothing of it is to be kept any more
      keeper.forget();
    }
    if (sends.elements.csrfmiddlewaretoken) sends.elements.csrfmiddlewaretoken.value = Keeper.token(sends);
    const isKept = keeper.isKept && !keeper.busy;
    if (isKept && navigator.onLine) return;
    event.preventDefault();
    keeper.pressed = false;
    // Without a network the browser would put its own page in place of this one.
    if (isKept) keeper.failed("lost");
    else if (await keeper.keep()) return sends.requestSubmit(event.submitter);
    const conflict = document.querySelector("#conflict:not([hidden]) h2");
    if (conflict) conflict.focus();
    else keeper.notDone();
  });

  // Here, not by way of the desk: so it can be undone.
  button("[data-draft]")?.addEventListener("click", (event) => {
    event.preventDefault();
    keeper.put(JSON.parse(event.target.dataset.draft));
    event.target.closest("details").hidden = true;
    document.getElementById("machines").hidden = false;
    keeper.fields[0].focus();
  });

  // --- keys ---------------------------------------------------------------------------------------------------------------

  // Before the editor, for which Ctrl and Enter is a new line.
  document.addEventListener("keydown", (event) => {
    const does = key(event);
    if (!does) return;
    event.preventDefault();
    event.stopPropagation();
    does();
  }, { capture: true });

  const key = (event) => {
    const plain = !event.shiftKey && !event.isComposing;
    const control = plain && (event.ctrlKey || event.metaKey) && !event.altKey;
    const alt = plain && event.altKey && !event.ctrlKey && !event.metaKey;
    const elsewhere = event.target.closest("form");
    if (control && event.key === "Enter") {
      return () => (elsewhere && elsewhere !== form ? elsewhere.requestSubmit() : button("[data-done]").click());
    }
    if (control && event.key.toLowerCase() === "s") return keepNow;
    if (alt && event.key === "PageUp") return () => document.querySelector(".translate-way [rel=prev]")?.click();
    if (alt && event.key === "PageDown") return () => document.querySelector(".translate-way [rel=next]")?.click();
    return null;
  };

  const keepNow = async () => {
    if (await keeper.keep()) Keeper.speak(keeper.shown.dataset.kept);
  };

  // --- inserting -----------------------------------------------------------------------------------------------------------

  let last = null; // the field in which the person wrote last
  form.addEventListener("focusin", (event) => {
    const field = event.target.closest(".translate-target")?.querySelector("[data-words]");
    if (field) last = field;
  });
  document.addEventListener("click", (event) => {
    const offer = event.target.closest("[data-insert]");
    if (!offer) return;
    const { field: name, key, insert: words } = offer.dataset;
    const field = keeper.fields.find((one) => one.name === name) ?? last ?? keeper.fields.at(-1);
    const editor = keeper.editors.get(field.name), place = key ? places.place(field, key) : null;
    if (place) putInPlace(field, editor, place, words);
    else if (editor) insertRich(editor, words, field === last);
    else insertPlain(field, words);
    last = field;
  });

  const putInPlace = (field, editor, place, words) => {
    if (editor) {
      // A line break before the sentence is part of it, where the remembered one has it as well.
      const breaks = words.startsWith("<br>") && editor.state.doc.resolve(place.from).nodeBefore?.type.name === "hardBreak";
      const range = { from: place.from - (breaks ? 1 : 0), to: place.to };
      beginStep(editor);
      // Words without bold would take over that of those they replace.
      editor.chain().focus().setTextSelection(range).unsetAllMarks().insertContentAt(range, words).run();
      show(editor);
    } else {
      field.setSelectionRange(place.from, place.to);
      insertPlain(field, words, { spaced: false });
    }
    Keeper.speak(form.dataset.placed);
  };

  // Where the cursor is, above the bar with the buttons.
  const show = (editor) => {
    const { top, bottom } = editor.view.coordsAtPos(editor.state.selection.to);
    const end = document.querySelector(".translate-bar").getBoundingClientRect().top;
    if (top < 0 || bottom > end) scrollBy(0, top - innerHeight / 3);
  };

  // What is put in is one step for "undo", also right after typing. (The name is prosemirror-history's.)
  const beginStep = (editor) => editor.view.dispatch(editor.state.tr.setMeta("closeHistory$", true));

  const insertRich = (editor, html, atCursor) => {
    beginStep(editor);
    const chain = () => editor.chain().focus(atCursor ? undefined : "end");
    chain().run();
    const { from } = editor.state.selection;
    const before = editor.state.doc.textBetween(Math.max(0, from - 1), from);
    chain().insertContent((before && !/[\s(«“„"'’]/.test(before) ? " " : "") + html).run();
  };

  const insertPlain = (field, words, { spaced = true } = {}) => {
    field.focus();
    const before = spaced && field.value.slice(0, field.selectionStart).at(-1);
    // Unlike setting the value, this can be undone.
    document.execCommand("insertText", false, (before && !/[\s(«“„"'’]/.test(before) ? " " : "") + words);
  };

  // --- what is missing: the words were refused as done -----------------------------------------------------------------------

  const refused = keeper.fields.filter((field) => field.getAttribute("aria-invalid"));
  // Marked in editors; a plain field shows its first one selected.
  const markGaps = () => {
    const found = refused.flatMap((field) => places.gaps(field).map((gap) => [keeper.editors.get(field.name), gap]));
    const ranges = found.filter(([editor]) => editor).map(([editor, { from, to }]) => {
      const range = new Range(), begin = editor.view.domAtPos(from, 1), end = editor.view.domAtPos(to, -1);
      range.setStart(begin.node, begin.offset);
      range.setEnd(end.node, end.offset);
      return range;
    });
    CSS.highlights?.set("gap", new Highlight(...ranges));
  };
  const goToGap = () => {
    const [field] = refused, [gap] = places.gaps(field), editor = keeper.editors.get(field.name);
    if (!gap) return;
    if (editor) {
      editor.chain().focus(null, { scrollIntoView: false }).setTextSelection(gap).run();
      show(editor);
    } else {
      field.focus();
      field.setSelectionRange(gap.from, gap.to);
    }
  };
  if (refused.length) {
    window.addEventListener("load", () => setTimeout(() => { markGaps(); goToGap(); })); // the editors are there
    keeper.addEventListener("typed", markGaps);
  }

  // --- what to look at -----------------------------------------------------------------------------------------------------

  const warnings = document.getElementById("warnings");
  let pause = 0;
  keeper.addEventListener("typed", () => {
    clearTimeout(pause);
    if (warnings) pause = setTimeout(look, 1500);
  });

  const look = async () => {
    try {
      const response = await fetch(form.dataset.aid, {
        method: "POST",
        redirect: "manual",
        headers: { "Content-Type": "application/json", "X-CSRFToken": Keeper.token(form) },
        body: JSON.stringify(keeper.words()),
      });
      if (response.ok) showWarnings(await response.text());
    } catch {
      // Without a connection the last ones stay.
    }
  };

  const showWarnings = (html) => {
    const said = () => warnings.querySelector("[data-told]")?.textContent ?? "";
    const before = said();
    if (warnings.dataset.html === html) return;
    warnings.dataset.html = warnings.innerHTML = html;
    if (said() !== before) Keeper.speak(said());
  };

  // --- the mail, drawn anew while somebody looks at it ----------------------------------------------------------------------

  const mail = document.getElementById("mail");
  let stale = false, seen = false;
  const draw = () => {
    if (!stale || !seen) return;
    stale = false;
    mail.contentWindow.location.replace(mail.src); // no step back for each drawing
  };
  new IntersectionObserver(([entry]) => { seen = entry.isIntersecting; draw(); }).observe(mail);
  keeper.addEventListener("kept", (event) => {
    stale = true;
    draw();
    for (const drop of document.querySelectorAll(".translate-drop")) drop.hidden = false;
    const known = Number(form.elements.source.value);
    if (known && event.detail.source > known) document.getElementById("newer").hidden = false;
  });

  // --- from text to text -----------------------------------------------------------------------------------------------------

  // Who comes from another text goes on writing. Whom a button brought here begins at the title, and hears what became of
  // the other text. Nothing scrolls: on a phone the title is out of sight, and what is said is not.
  const cameFromText = document.referrer.includes("/translate/") && !location.hash;
  const isStopped = Boolean(refused.length || document.querySelector("#conflict:not([hidden]), .translate-stop"));
  if (cameFromText && !isStopped) {
    const messages = document.querySelector(".messagelist"), title = document.querySelector(".translate-title");
    const isInSight = (one) => one.getBoundingClientRect().bottom < innerHeight;
    if (messages) messages.tabIndex = -1;
    (messages ? [title, messages] : [keeper.fields[0], title]).find(isInSight)?.focus({ preventScroll: true });
    const said = [...document.querySelectorAll(".messagelist li")].map((message) => message.textContent.trim());
    if (said.length) setTimeout(() => Keeper.speak(said.join(" ")), 500);
  }
  document.querySelector(".translate-stop")?.focus();
}
