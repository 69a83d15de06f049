// What is pasted from a word processor, made plain before the editor reads it. The editor itself keeps bold, italic,
// links and lists and drops the rest; here is what it would misunderstand: bold that is only a style (the page's policy
// hides styles from the editor), lists that are paragraphs with a drawn bullet (Word), words that were deleted or are
// remarks on others (Word), rows of tables, links that lead nowhere.
"use strict";
{
  const KEPT = /^(?:https?|mailto):/i;
  const BULLET = /^\s*(?:[·•▪●○◦§–—*o-]|\uf0b7|\uf0a7)\s/u;
  const NUMBER = /^\s*\(?(?:\d{1,3}|[a-z]|[ivxlc]+)[.)]\s/i;

  const BOLD = /(?<![-\w])font-weight:\s*(?:bold|[6-9]00)/i;
  const NOT_BOLD = /(?<![-\w])font-weight:\s*(?:normal|400)/i;
  const ITALIC = /(?<![-\w])font-style:\s*(?:italic|oblique)/i;
  const BLOCKS = "p, div, ul, ol, li, table, h1, h2, h3, h4, h5, h6, blockquote";

  // Under another name, styles may be read without being applied, which the policy would complain of.
  const withoutStyles = (html) => html
    .replace(/<style\b[\s\S]*?<\/style>/gi, "")
    .replace(/(<[a-z][^<>]*?\s)style(\s*=)/gi, "$1data-style$2");
  const style = (element) => element.dataset.style || "";
  const wrap = (element, name) => {
    const inner = document.createElement(name);
    inner.append(...element.childNodes);
    element.append(inner);
  };
  const isListItem = (element) => /mso-list:\s*l\d/i.test(style(element))
    || (/^MsoListParagraph/i.test(element.className) && (BULLET.test(element.textContent) || NUMBER.test(element.textContent)));
  const level = (element) => Number((/mso-list:[^;]*level(\d)/i.exec(style(element)) || [0, 1])[1]);

  // Word: the bullet or number stands in the paragraph, in a span that other programs should ignore.
  const withoutSign = (paragraph) => {
    const signs = [...paragraph.querySelectorAll("span")].filter((span) => /mso-list:\s*ignore/i.test(style(span)));
    const sign = signs.map((span) => span.textContent).join("");
    for (const span of signs) span.remove();
    if (sign) return sign;
    const text = document.createTreeWalker(paragraph, NodeFilter.SHOW_TEXT).nextNode();
    const found = text && (BULLET.exec(text.data) || NUMBER.exec(text.data));
    if (!found) return "";
    text.data = text.data.slice(found[0].length);
    return found[0];
  };

  const listsOfWord = (body) => {
    let open = []; // lists by depth
    for (const paragraph of [...body.querySelectorAll("p, h1, h2, h3, h4, h5, h6")]) {
      if (!isListItem(paragraph)) { open = []; continue; }
      const depth = level(paragraph);
      const name = NUMBER.test(withoutSign(paragraph).trimStart() + " ") ? "ol" : "ul";
      if (open.length && paragraph.previousElementSibling !== open[0]) open = [];
      open.length = Math.min(open.length, depth);
      if (open.length === depth && open[depth - 1].localName !== name && depth === 1) open = [];
      while (open.length < depth) {
        const list = document.createElement(name);
        const last = open.length && open[open.length - 1].lastElementChild;
        if (open.length && !last) break;
        if (last) last.append(list);
        else paragraph.before(list);
        open.push(list);
      }
      const item = document.createElement("li");
      const words = document.createElement("p");
      words.append(...paragraph.childNodes);
      item.append(words);
      open[open.length - 1].append(item);
      paragraph.remove();
    }
  };

  const styled = (body) => {
    for (const element of [...body.querySelectorAll("b, i, span, font, a")]) {
      const says = style(element);
      if (element.localName === "b" && NOT_BOLD.test(says)) { element.replaceWith(...element.childNodes); continue; }
      if (element.localName !== "b" && BOLD.test(says)) wrap(element, "strong");
      if (element.localName !== "i" && ITALIC.test(says)) wrap(element, "em");
    }
  };

  // Google: a list below an item of another stands beside it.
  const nested = (body) => {
    for (const list of [...body.querySelectorAll("ul > ul, ul > ol, ol > ul, ol > ol")]) {
      if (list.previousElementSibling) list.previousElementSibling.append(list);
    }
  };

  // A row of a table is a paragraph, its cells apart by a dot.
  const tables = (body) => {
    for (const table of [...body.querySelectorAll("table")].reverse()) {
      const rows = [...table.rows].map((row) => {
        const paragraph = document.createElement("p");
        for (const cell of row.cells) {
          if (!cell.textContent.trim()) continue;
          if (paragraph.hasChildNodes()) paragraph.append(" · ");
          const blocks = cell.querySelectorAll("p, div, li");
          for (const block of blocks) block.append(" ");
          for (const block of [...blocks, ...cell.querySelectorAll("ul, ol")]) block.replaceWith(...block.childNodes);
          paragraph.append(...cell.childNodes);
        }
        return paragraph;
      });
      table.replaceWith(...rows.filter((row) => row.hasChildNodes()));
    }
  };

  const cleaned = (html) => {
    const page = new DOMParser().parseFromString(withoutStyles(html), "text/html"); // nothing in it is loaded or run
    const body = page.body;
    const junk = "style, script, meta, link, title, xml, del, img, picture, svg, object, hr, .MsoCommentReference,"
      + " .msocomoff, .msocomanchor, .Apple-interchange-newline, [data-style*='mso-element:comment'],"
      + " [data-style*='mso-hide:all'], [data-style*='display:none'], [data-style*='display: none']";
    for (const element of [...body.querySelectorAll(junk)]) element.remove();
    for (const element of [...body.querySelectorAll("*")]) {
      // <o:p>, <st1:place>, <v:shape>: what is in it may be words.
      if (element.localName.includes(":")) element.replaceWith(...element.childNodes);
    }
    for (const link of [...body.querySelectorAll("a")]) {
      if (!KEPT.test((link.getAttribute("href") || "").trim())) link.replaceWith(...link.childNodes);
    }
    styled(body);
    listsOfWord(body);
    nested(body);
    tables(body);
    if (body.querySelector(BLOCKS)) for (const line of [...body.querySelectorAll(":scope > br")]) line.remove();
    for (const paragraph of [...body.querySelectorAll("p, h1, h2, h3, h4, h5, h6")]) {
      if (!paragraph.textContent.trim() && !paragraph.querySelector("li")) paragraph.remove();
    }
    for (const element of [...body.querySelectorAll("[data-style]")]) element.removeAttribute("data-style");
    return body.innerHTML;
  };

  document.addEventListener("prose-editor:ready", (event) => {
    const { editor } = event.detail;
    editor.setOptions({ editorProps: { ...editor.options.editorProps, transformPastedHTML: cleaned } });
  });
}
