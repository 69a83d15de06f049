/* Adds new mails to the list without reloading it. The list works without this file too. */
"use strict";
(() => {
  const EVERY = 2000; // milliseconds between two questions
  const list = document.getElementById("list");
  const rows = document.getElementById("rows");
  const notice = document.getElementById("notice");
  const older = document.getElementById("older");
  const pause = document.getElementById("pause");
  const perPage = Number(list.dataset.perPage);
  const title = document.title;
  const opened = list.dataset.newest; // mails with a greater number are new to the reader
  let newest = opened;
  let paused = false;

  const say = (text) => {
    // Only when it differs: each change is read aloud by screen readers.
    if (notice.textContent !== text) notice.textContent = text;
  };

  const show = (news) => {
    if (!news.count) {
      rows.replaceChildren(); // the box was emptied elsewhere
      older.hidden = true;
    }
    if (news.rows) rows.insertAdjacentHTML("afterbegin", news.rows);
    // Keep one page. What falls out is the top of the next page, so "Older mails" starts there.
    while (rows.children.length > perPage) {
      rows.lastElementChild.remove();
      older.hidden = false;
    }
    if (rows.lastElementChild && !older.hidden) {
      const address = new URLSearchParams(list.dataset.query);
      address.set("before", rows.lastElementChild.dataset.mail);
      older.search = address;
    }
    document.getElementById("nothing").hidden = rows.children.length > 0;
    document.getElementById("total").textContent = news.total;
    document.title = news.notice ? `${news.notice} – ${title}` : title;
    newest = news.newest;
    say(news.notice);
  };

  const ask = async () => {
    if (!paused && !document.hidden) {
      const query = new URLSearchParams(list.dataset.query);
      query.set("after", newest);
      query.set("since", opened);
      try {
        const answer = await fetch(`${list.dataset.latest}?${query}`);
        if (!answer.ok) throw new Error(answer.status);
        show(await answer.json());
      } catch {
        say(list.dataset.lost);
      }
    }
    setTimeout(ask, EVERY);
  };

  pause.hidden = false;
  pause.addEventListener("click", () => {
    paused = !paused;
    pause.setAttribute("aria-pressed", paused);
  });
  setTimeout(ask, EVERY);
})();
