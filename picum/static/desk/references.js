// "Refer to an earlier item": a search under the editor, by the pattern of a combobox (WAI-ARIA 1.2), that puts a link
// to what is chosen where the cursor stands. The page brings the words along in a <template>.
"use strict";
document.addEventListener("prose-editor:ready", (event) => {
  const { editor, textarea } = event.detail;
  const template = document.getElementById("reference-search");
  if (!template || !template.dataset.fields.split(" ").includes(textarea.name)) return;

  const box = template.content.firstElementChild.cloneNode(true);
  const [label, input, list, status] = ["label", "input", "[role=listbox]", "[role=status]"].map((s) => box.querySelector(s));
  input.id = `${textarea.id}_reference`;
  list.id = `${input.id}_list`;
  label.htmlFor = input.id;
  input.setAttribute("aria-controls", list.id);
  editor.view.dom.closest(".prose-editor").append(box);

  let found = [];
  let active = -1;
  let waiting = null;
  let asking = null;

  const say = (words) => { status.textContent = words; };
  const close = () => {
    found = [];
    active = -1;
    list.hidden = true;
    list.replaceChildren();
    input.setAttribute("aria-expanded", "false");
    input.removeAttribute("aria-activedescendant");
  };
  const stop = () => {
    clearTimeout(waiting);
    if (asking) asking.abort();
    asking = null;
  };
  const mark = (at) => {
    active = at;
    [...list.children].forEach((option, number) => option.setAttribute("aria-selected", String(number === at)));
    if (at < 0) return input.removeAttribute("aria-activedescendant");
    input.setAttribute("aria-activedescendant", list.children[at].id);
    list.children[at].scrollIntoView({ block: "nearest" });
  };
  const choose = (at) => {
    const item = found[at];
    const link = { type: "link", attrs: { href: item.address } };
    // Words that are marked become the link; else the title does.
    if (editor.state.selection.empty) {
      editor.chain().focus().insertContent([{ type: "text", text: item.title, marks: [link] }]).unsetMark("link").run();
    } else {
      editor.chain().focus().setMark("link", link.attrs).run();
    }
    input.value = "";
    close();
    say(template.dataset.inserted);
  };
  const show = (items) => {
    close();
    found = items;
    say(items.length ? template.dataset.found.replace("{number}", items.length) : template.dataset.nothing);
    if (!items.length) return;
    list.replaceChildren(...items.map((item, number) => {
      const option = document.createElement("li");
      option.id = `${list.id}_${number}`;
      option.setAttribute("role", "option");
      option.setAttribute("aria-selected", "false");
      const title = document.createElement("span");
      title.lang = item.language;
      title.textContent = item.title;
      const issue = document.createElement("span");
      issue.className = "desk-quiet";
      issue.textContent = item.issue;
      option.append(title, " ", issue);
      // Before the editor loses what is marked in it.
      option.addEventListener("mousedown", (pressed) => pressed.preventDefault());
      option.addEventListener("click", () => choose(number));
      return option;
    }));
    list.hidden = false;
    input.setAttribute("aria-expanded", "true");
  };
  const ask = async () => {
    stop();
    const words = input.value.trim();
    if (words.length < 2) { say(""); return close(); }
    const mine = asking = new AbortController();
    const query = new URLSearchParams({ q: words, language: template.dataset.language });
    try {
      const answer = await fetch(`${template.dataset.url}?${query}`, { signal: mine.signal });
      if (!answer.ok) throw new Error(answer.status);
      show((await answer.json()).items);
    } catch (error) {
      if (error.name === "AbortError") return;
      close();
      say(template.dataset.failed);
    }
  };

  input.addEventListener("input", () => {
    clearTimeout(waiting);
    waiting = setTimeout(ask, 250);
  });
  input.addEventListener("keydown", (pressed) => {
    const step = { ArrowDown: 1, ArrowUp: -1 }[pressed.key];
    if (step && found.length) {
      pressed.preventDefault();
      mark(active < 0 && step < 0 ? found.length - 1 : (active + step + found.length) % found.length);
    } else if (pressed.key === "Enter") {
      pressed.preventDefault(); // it would save the form
      if (active >= 0) choose(active);
      else ask();
    } else if (pressed.key === "Escape" && (found.length || input.value)) {
      pressed.preventDefault();
      stop();
      if (!found.length) input.value = "";
      close();
      say("");
    }
  });
  input.addEventListener("blur", () => { stop(); close(); });
});
