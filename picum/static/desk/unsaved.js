// Asks before unsaved words are lost: on a change of the language tab, on any other way off the page.
"use strict";
window.addEventListener("load", () => {
  const form = document.querySelector(".change-form #content-main > form");
  if (!form) return;

  // The two lists of a selector are compared by what stands in the right one, whatever is highlighted.
  const words = () => {
    const lists = [...form.querySelectorAll(".selector select")];
    const names = new Set(lists.map((list) => list.name));
    const fields = [...new FormData(form)].filter(([name]) => !names.has(name));
    const chosen = lists.filter((list) => !list.name.endsWith("_old"));
    return JSON.stringify([fields, chosen.map((list) => [...list.options].map((option) => option.value).sort())]);
  };
  let saved = null;
  let saving = false;
  setTimeout(() => { saved = words(); }); // after Django's own scripts have made their lists
  form.addEventListener("submit", () => { saving = true; });
  window.addEventListener("beforeunload", (event) => {
    if (!saving && saved !== null && words() !== saved) event.preventDefault();
    saving = false;
  });
});
