
"use strict";
(() => {
  const $ = (id) => document.getElementById(id);
  const cards = [...document.querySelectorAll(".card")];
  const groups = [...document.querySelectorAll(".group")];
  const findings = [...document.querySelectorAll(".finding")];
  const chips = [...document.querySelectorAll("button.purpose")];
  const texts = new Map();
  const text = (e) => {
    if (!texts.has(e)) texts.set(e, e.textContent.toLowerCase());
    return texts.get(e);
  };
  const find = $("find"), red = $("red"), environment = $("environment"), single = $("single");
  let purpose = "";

  const apply = () => {
    const words = find.value.toLowerCase().split(/\s+/).filter(Boolean);
    const says = (e) => words.every((w) => text(e).includes(w));
    let shown = 0;
    for (const g of groups) {
      let here = 0;
      for (const c of g.querySelectorAll(".card")) {
        const fits = (!purpose || g.dataset.purpose === purpose)
          && (!red.checked || c.matches(".bad, .warn"))
          && (!environment || !environment.value || c.dataset.environment === environment.value)
          && says(c);
        c.hidden = !fits;
        here += fits ? 1 : 0;
      }
      g.hidden = here === 0;
      shown += here;
    }
    for (const f of findings) f.hidden = !says(f) || (red.checked && !f.matches(".bad, .warn"));
    $("none").hidden = shown > 0 || cards.length === 0;
    $("count").textContent = `${shown} of ${cards.length} identities`;
    for (const c of chips) c.setAttribute("aria-pressed", String(c.dataset.purpose === purpose));
  };
  const clear = () => {
    find.value = ""; red.checked = false; purpose = "";
    if (environment) environment.value = "";
    apply();
  };
  const visible = () => cards.filter((c) => !c.hidden);
  const toggleAll = () => {
    const all = visible(), open = !all.every((c) => c.open);
    for (const c of all) c.open = open;
  };
  const step = (by) => {
    const all = visible();
    if (all.length === 0) return;
    const at = all.findIndex((c) => c.contains(document.activeElement));
    const to = at < 0 ? (by > 0 ? 0 : all.length - 1) : Math.min(all.length - 1, Math.max(0, at + by));
    const summary = all[to].querySelector("summary");
    summary.focus();
    all[to].scrollIntoView({ block: "nearest" });
  };
  const theme = () => {
    const root = document.documentElement;
    const dark = root.dataset.theme ? root.dataset.theme === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
    root.dataset.theme = dark ? "light" : "dark";
    $("theme").textContent = dark ? "Dark" : "Light";
  };
  const help = () => {
    $("help").hidden = !$("help").hidden;
    $("keys").setAttribute("aria-expanded", String(!$("help").hidden));
  };
  const follow = () => {
    const to = /^#[if]\d+$/.test(location.hash) && $(location.hash.slice(1));
    if (!to) return;
    if (to.hidden) clear();
    if (to.tagName === "DETAILS") { to.open = true; to.querySelector("summary").focus(); } else to.focus();
    to.scrollIntoView({ block: "start" });
  };

  find.addEventListener("input", apply);
  red.addEventListener("change", apply);
  if (environment) environment.addEventListener("change", apply);
  for (const c of chips) c.addEventListener("click", () => { purpose = purpose === c.dataset.purpose ? "" : c.dataset.purpose; apply(); });
  for (const c of document.querySelectorAll(".clear")) c.addEventListener("click", () => { clear(); find.focus(); });
  $("open").addEventListener("click", toggleAll);
  $("theme").addEventListener("click", theme);
  $("keys").addEventListener("click", help);
  addEventListener("hashchange", follow);
  addEventListener("keydown", (e) => {
    if (e.ctrlKey || e.metaKey || e.altKey || e.isComposing) return;
    if (e.key === "Escape") { clear(); if (document.activeElement === find) find.blur(); return; }
    if (!single.checked || e.target.matches("input[type=search], select, textarea")) return;
    const act = {
      "/": () => find.focus(), j: () => step(1), k: () => step(-1), e: toggleAll, d: theme, "?": help,
      r: () => { red.checked = !red.checked; apply(); }, f: () => $("findings").focus(),
    }[e.key];
    if (act) { e.preventDefault(); act(); }
  });
  if (matchMedia("(prefers-color-scheme: dark)").matches) $("theme").textContent = "Light";
  apply();
  follow();
})();
