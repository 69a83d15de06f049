// Keeps what is typed on the translator's page: in this browser at every key, at the desk a second later. What the desk
// does not have yet stays here when the connection drops, the session ends or the page is left, and is brought back.
"use strict";
class Keeper extends EventTarget {
  // Events: "typed"; "kept" (detail: the desk's answer); "conflict" (the same).
  constructor(form, shown) {
    super();
    Object.assign(this, { form, shown, editors: new Map(), sent: [], busy: null, timer: 0, tries: 0, waits: "" });
    this.fields = [...form.querySelectorAll("[data-words]")];
    this.key = `${form.dataset.store} ${Date.now()}${Math.random()}`;
    // What the desk has, as far as this page knows; null: not what stands here.
    this.kept = "unkept" in form.dataset ? null : this.words();
    Shelf.tidy("picum words ", `${form.dataset.store} `);
    document.addEventListener("prose-editor:ready", (event) => this.editors.set(event.detail.textarea.name, event.detail.editor));
    form.addEventListener("input", (event) => { if (this.fields.includes(event.target)) this.typed(); });
    form.addEventListener("focusout", () => this.keep());
    window.addEventListener("online", () => this.keep());
    window.addEventListener("pagehide", () => this.keep({ keepalive: true }));
    document.addEventListener("visibilitychange", () => this.keep({ keepalive: document.hidden }));
    window.addEventListener("beforeunload", (event) => { if (!this.isKept && !this.remember()) event.preventDefault(); });
  }

  // --- words ---------------------------------------------------------------------------------------------------------

  words() {
    return Object.fromEntries(this.fields.map((field) => [field.name, field.value]));
  }

  same(one, two) {
    return Boolean(one && two) && this.fields.every(({ name }) => Shelf.plain(one[name]) === Shelf.plain(two[name]));
  }

  put(words) {
    for (const field of this.fields) {
      if (!(field.name in words) || Shelf.plain(field.value) === Shelf.plain(words[field.name])) continue;
      const editor = this.editors.get(field.name);
      if (editor) {
        editor.commands.setContent(words[field.name]);
      } else {
        field.value = words[field.name];
        field.dispatchEvent(new Event("input", { bubbles: true }));
      }
    }
  }

  numbers() {
    const { working, number, source } = this.form.elements;
    return { working: working.value, number: number.value, source: source.dataset.behind };
  }

  get isKept() {
    return this.same(this.words(), this.kept);
  }

  // --- in this browser: each window under a key of its own, that none forgets what another one has ---------------------

  // False where the browser refuses.
  remember() {
    const { kept, sent } = this;
    return Shelf.keep(this.key, { words: this.words(), numbers: this.numbers(), kept, sent });
  }

  forget() {
    Shelf.drop(this.key);
  }

  // What was left of this text, the newest first; taken out.
  leftovers() {
    const found = Shelf.lefts(`${this.form.dataset.store} `);
    for (const { key } of found) Shelf.drop(key);
    return found.filter((left) => left.numbers);
  }

  // Brings back what only this browser has; true if there was something.
  restore() {
    const left = this.leftovers()[0];
    if (!left || this.same(left.words, this.words())) return false;
    // As that page had seen it: has the desk other words since, both are shown.
    this.form.elements.working.value = left.numbers.working;
    Object.assign(this, { kept: left.kept ?? null, sent: left.sent ?? [] });
    this.put(left.words);
    this.remember();
    this.keep();
    return true;
  }

  // --- at the desk ---------------------------------------------------------------------------------------------------

  typed() {
    this.remember();
    if (!this.waits) this.say("typing");
    this.since ||= Date.now();
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.keep(), Date.now() - this.since > 4000 ? 0 : 1000);
    this.dispatchEvent(new Event("typed"));
  }

  // Settles with true when the desk has what stands here.
  async keep({ keepalive = false } = {}) {
    clearTimeout(this.timer);
    while (this.busy) await this.busy;
    if (this.isKept) return this.done();
    if (this.waits === "differs" || this.waits === "refused") return false;
    this.since = 0;
    this.busy = this.send(keepalive);
    const answered = await this.busy;
    this.busy = null;
    if (answered && !this.isKept) return this.keep({ keepalive });
    return answered;
  }

  async send(keepalive) {
    const words = this.words();
    this.sent = [...this.sent.slice(-9), words];
    try {
      const response = await fetch(this.form.dataset.keep, {
        method: "POST",
        redirect: "manual", // the way to the login
        keepalive,
        headers: { "Content-Type": "application/json", "X-CSRFToken": Keeper.token(this.form) },
        body: JSON.stringify({ ...words, ...this.numbers() }),
      });
      if (response.type === "opaqueredirect" || response.status === 403) return this.failed("ended");
      if (response.status === 404) return this.failed("refused");
      if (response.status === 409) return this.differs(await response.json());
      if (!response.ok) return this.failed("failed");
      return this.took(words, await response.json());
    } catch {
      return this.failed("lost");
    }
  }

  took(words, answer) {
    this.kept = words;
    this.tries = 0;
    this.form.elements.working.value = answer.working;
    const { source } = this.form.elements;
    if (source.value === "0") source.value = source.dataset.behind = answer.source;
    this.dispatchEvent(new CustomEvent("kept", { detail: answer }));
    return this.isKept ? this.done() : true;
  }

  // Not a conflict is what this page sent itself without hearing that it arrived, or started from.
  differs(answer) {
    const own = [this.kept, this.words(), ...this.sent].some((words) => this.same(words, answer.theirs));
    if (own && answer.number === Number(this.form.elements.number.value)) {
      this.adopt(answer);
      return true;
    }
    this.failed("differs");
    this.dispatchEvent(new CustomEvent("conflict", { detail: answer }));
    return false;
  }

  // From now on the desk's words count as seen.
  adopt(answer) {
    this.waits = "";
    this.kept = answer.theirs;
    this.form.elements.working.value = answer.working;
    this.form.elements.number.value = answer.number;
  }

  done() {
    this.forget();
    this.waits = "";
    this.since = 0;
    this.say("kept");
    return true;
  }

  failed(why) {
    this.waits = why;
    this.remember();
    this.say(why);
    if (why === "lost" || why === "failed" || why === "ended") {
      this.tries += 1;
      this.timer = setTimeout(() => this.keep(), Math.min(30, 2 ** this.tries) * 1000);
    }
    return false;
  }

  // --- words to the person -------------------------------------------------------------------------------------------

  say(what) {
    if (this.shown.dataset.now === what || (what === "kept" && !this.shown.dataset.now && !this.sent.length)) return;
    const trouble = !["kept", "typing"].includes(what);
    const ends = this.shown.classList.contains("translate-kept--trouble") && what === "kept";
    this.shown.dataset.now = what;
    this.shown.textContent = this.shown.dataset[what];
    this.shown.classList.toggle("translate-kept--trouble", trouble);
    if (what === "ended") this.shown.append(" ", this.signIn());
    if (what === "differs") this.shown.append(" ", this.showBoth());
    if (this.pressed) this.shown.append(" ", Object.assign(document.createElement("strong"), { textContent: this.shown.dataset.pressed }));
    // Trouble and its end are spoken; that all is well is not said again every second.
    if (trouble || ends) Keeper.speak([this.shown.dataset[what], this.pressed && this.shown.dataset.pressed].filter(Boolean).join(" "));
  }

  // Somebody pressed a button, and nothing came of it: that is said until they press again, also when all is kept.
  notDone() {
    this.pressed = true;
    const { now } = this.shown.dataset;
    delete this.shown.dataset.now;
    this.say(now);
  }

  signIn() {
    const { signIn, signInUrl } = this.shown.dataset;
    return Object.assign(document.createElement("a"), { href: signInUrl, target: "_blank", textContent: signIn });
  }

  showBoth() {
    return Object.assign(document.createElement("a"), { href: "#conflict", textContent: this.shown.dataset.showBoth });
  }

  static speak(text) {
    document.getElementById("spoken").textContent = text;
  }

  // Of the cookie: signing in anew, in another tab, makes a new one.
  static token(form) {
    return document.cookie.match(/(?:^|; )csrftoken=([^;]+)/)?.[1] ?? form.elements.csrfmiddlewaretoken.value;
  }
}
