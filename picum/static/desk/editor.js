// The prose editor and the list of countries, made to say what they are: labelled, in the language of the tab,
// spell-checked.
"use strict";
{
  // The editor writes a style sheet into the page unless it finds one, and the page's policy refuses it. It finds this
  // element, which only has the name: a real <style>, even an empty one, would be refused too. desk.css has the rules.
  const decoy = document.createElementNS("urn:desk", "style");
  decoy.setAttribute("data-tiptap-style", "");
  document.head.append(decoy);

  document.addEventListener("prose-editor:ready", (event) => {
    const { editor, textarea } = event.detail;
    const label = document.querySelector(`label[for="${textarea.id}"]`);
    const attributes = { role: "textbox", "aria-multiline": "true", spellcheck: "true" };
    if (textarea.lang) attributes.lang = textarea.lang;
    const help = textarea.getAttribute("aria-describedby");
    if (help) attributes["aria-describedby"] = help;
    if (label) {
      label.id ||= `${textarea.id}_label`;
      attributes["aria-labelledby"] = label.id;
      label.addEventListener("click", () => editor.commands.focus());
    }
    editor.setOptions({ editorProps: { ...editor.options.editorProps, attributes } });
  });

  // Django's selector names an icon that has no role; without one the name is not spoken (ARIA 1.2).
  window.addEventListener("load", () => setTimeout(() => {
    for (const icon of document.querySelectorAll(".selector .help-tooltip[aria-label]")) icon.setAttribute("role", "img");
  }));
}
