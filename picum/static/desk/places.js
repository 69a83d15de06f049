// Where sentences stand in what somebody writes, cut as newsletter/translation/sentences.py cuts them: so a sentence that
// was translated before goes to the place of the one that it translates, and what is missing is found.
"use strict";
class Places {
  static GAP = /\[…\]/g;
  static ENDS = /(?<![.!?…])([.!?…]+["'”’»)\]]*)\s+/g;
  static BEFORE_A_WORD = /[ "'“”„‘’«»(\[¿¡–—-]*/y;
  static LAST_WORD = /([^\s(«“„"']+)$/;
  // Words of their own as well: only before a number are they abbreviations.
  static NUMBERED = ["dec", "int", "mar", "max", "min", "no", "par"];

  // `abbreviations` of the language, in small letters without their last stop. `editors`: by the names of their fields.
  constructor(language, abbreviations, editors = new Map()) {
    Object.assign(this, { language, abbreviations: new Set(abbreviations), editors });
  }

  // Where the translation of a sentence of the source stands: { from, to }, in the field or in its editor; null where
  // that is not known, because the field is divided in another way than its source. `key`: field, block, sentence, as
  // "text.2.1". The field says how many sentences each block of its source has.
  place(field, key) {
    const [, block, number] = key.split(".").map(Number);
    const wanted = JSON.parse(field.dataset.shape ?? "[]"), blocks = this.blocks(field);
    if (blocks.length !== wanted.length) return null;
    const found = this.cut(blocks[block]);
    return found.length === wanted[block] ? found[number] : null;
  }

  gaps(field) {
    return this.blocks(field).flatMap(({ text, at }) =>
      [...text.matchAll(Places.GAP)].map(({ index, 0: gap }) => ({ from: at + index, to: at + index + gap.length })));
  }

  // Paragraphs, and what stands in items of lists, that have words. `at`: the place of the first letter.
  blocks(field) {
    const editor = this.editors.get(field.name);
    const blocks = editor ? Places.paragraphs(editor.state.doc) : [{ text: field.value, at: 0, isInside: () => false }];
    return blocks.filter(({ text }) => text.trim());
  }

  static paragraphs(doc) {
    const found = [];
    doc.descendants((node, place) => {
      if (!node.isTextblock) return true;
      let text = "";
      const marks = []; // of each letter
      node.forEach((child) => {
        text += child.isText ? child.text : "\n"; // a line break takes one place, too
        while (marks.length < text.length) marks.push(child.marks);
      });
      const isInside = (at) => marks[at - 1].some((mark) => mark.isInSet(marks[at]));
      found.push({ text, at: place + 1, isInside });
      return false;
    });
    return found;
  }

  // The sentences of a block: { from, to }.
  cut({ text, at, isInside }) {
    const found = [];
    let start = 0;
    const add = (end) => {
      const words = text.slice(start, end), from = start + words.search(/\S/);
      if (words.trim()) found.push({ from: at + from, to: at + from + words.trim().length });
    };
    for (const end of text.matchAll(Places.ENDS)) {
      const stop = end.index + end[1].length, next = end.index + end[0].length;
      if (isInside(stop) || !this.isEnd(text, Math.max(start, end.index - 80), end, next)) continue;
      add(stop);
      start = next;
    }
    add(text.length);
    return found;
  }

  isEnd(text, start, end, next) {
    Places.BEFORE_A_WORD.lastIndex = next;
    const begins = text.charAt(next + Places.BEFORE_A_WORD.exec(text)[0].length);
    const isSmall = begins !== begins.toUpperCase() && begins === begins.toLowerCase();
    if (!begins || isSmall) return false;
    if (end[1] !== ".") return true; // a question, an ellipsis, the end of a quotation
    const last = (Places.LAST_WORD.exec(text.slice(start, end.index))?.[1] ?? "").toLowerCase().replace(/^\.+|\.+$/g, "");
    if (Places.NUMBERED.includes(last)) return !/\d/.test(begins);
    if (this.abbreviations.has(last)) return false;
    if (/^\p{L}$/u.test(last)) return false; // J. Smith
    return !(/^\d{1,2}$/.test(last) && this.language === "de");
  }
}
