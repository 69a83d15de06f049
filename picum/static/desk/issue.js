// On the page that adds an issue, its address follows the period until somebody writes one.
"use strict";
document.addEventListener("DOMContentLoaded", () => {
  const [kind, period, slug] = ["period_kind", "period", "slug"].map((name) => document.getElementById(`id_${name}`));
  if (!location.pathname.endsWith("/add/") || !kind || !period || !slug) return;

  const suggestion = () => {
    const [year, month] = period.value.split("-");
    if (!month) return "";
    if (kind.value === "quarter") return `${year}-q${Math.ceil(Number(month) / 3)}`;
    return kind.value === "date" ? period.value : `${year}-${month}`;
  };
  let last = suggestion();
  const follow = () => {
    if (!slug.value || slug.value === last) slug.value = suggestion();
    last = suggestion();
  };
  kind.addEventListener("change", follow);
  period.addEventListener("change", follow);
});
