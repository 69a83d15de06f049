// What was typed and not saved, in this browser: for two weeks at most, as others may use the computer too.
"use strict";
class Shelf {
  static LASTS = 14 * 24 * 60 * 60 * 1000; // milliseconds

  static keys(prefix) {
    try {
      return Object.keys(localStorage).filter((key) => key.startsWith(prefix));
    } catch {
      return []; // a browser that refuses has kept nothing
    }
  }

  // Null for what is not there, and for what we did not write.
  static read(key) {
    try {
      return JSON.parse(localStorage.getItem(key));
    } catch {
      return null;
    }
  }

  // False where the browser refuses.
  static keep(key, left) {
    try {
      localStorage.setItem(key, JSON.stringify({ at: Date.now(), ...left }));
      return true;
    } catch {
      return false;
    }
  }

  static drop(key) {
    try { localStorage.removeItem(key); } catch { /* then there is nothing of ours either */ }
  }

  // Words that are done with go, and those that nobody came back for, of whatever text. Those that begin with `own`
  // stay, however old: their person is just coming back for them.
  static tidy(prefix, own, isDone = () => false) {
    for (const key of Shelf.keys(prefix)) {
      const left = Shelf.read(key);
      const isOld = !(own && key.startsWith(own)) && !(left?.at >= Date.now() - Shelf.LASTS);
      if (!left?.words || isDone(left) || isOld) Shelf.drop(key);
    }
  }

  // All that was kept under a prefix, the newest first, each with its key.
  static lefts(prefix) {
    return Shelf.keys(prefix).map((key) => ({ ...Shelf.read(key), key })).filter((left) => left.words)
      .sort((one, two) => two.at - one.at);
  }

  // The editor and the desk write the same text in different ways.
  static plain(html = "") {
    const body = new DOMParser().parseFromString(html, "text/html").body;
    for (const element of body.querySelectorAll("*")) {
      for (const { name } of [...element.attributes]) if (name !== "href") element.removeAttribute(name);
    }
    return body.innerHTML.replace(/\s+/g, " ").replace(/> </g, "><").replace(/^<p>(<br>)?<\/p>$/, "").trim();
  }

  // Do the words of two say the same? What only one of them has is empty in the other.
  static same(one, two) {
    return [...new Set([...Object.keys(one), ...Object.keys(two)])]
      .every((name) => Shelf.plain(one[name]) === Shelf.plain(two[name]));
  }
}
