// The page: which view is seen (all runs, or one), by the address's #run=..., and what it is told of changes.

import { h } from "./dom.js";
import { onTheme } from "./colors.js";
import { compareView } from "./compare.js";
import { open } from "./data.js";
import { short } from "./format.js";
import { destroyPlots } from "./plot.js";
import { runView } from "./run.js";

const page = document.getElementById("page");
const title = h("h1", {}), back = h("a", { href: "#", class: "back", hidden: true }, h("span", { "aria-hidden": "true" }, "\u2190 "), "all runs");
const when = h("p", { class: "note when" }), banner = h("p", { class: "banner", role: "alert", hidden: true });
const main = h("main", { id: "main", tabindex: "-1" });
const states = { compare: {}, run: { axis: "epoch", beta: 0, log: false } };

let store = null, view = null, place = null;

function fail(e) {
  banner.hidden = false;
  banner.textContent = `The page cannot show this: ${e && e.message ? e.message : e}`;
}

function wantedRun() {
  const m = location.hash.match(/^#run=(.*)$/);
  if (m) {
    try {
      return store.byId.get(decodeURIComponent(m[1])) || null;
    } catch {
      return null;
    }
  }
  return store.runs.length === 1 && !store.live ? store.runs[0] : null;
}

function show() {
  const run = wantedRun();
  if (view) view.close();
  destroyPlots();
  const go = (r) => (location.hash = `#run=${encodeURIComponent(r.id)}`);
  if (!store.runs.length) {
    view = { element: h("p", { class: "opening" }, store.live ? "There are no runs yet. They appear here when they begin." : "There are no runs in this report."),
      update: show, close() {} };
  } else {
    view = run ? runView(store, run, states.run) : compareView(store, states.compare, go);
  }
  place = run;
  title.textContent = run ? `${run.name || "run"} ${short(run.id)}` : store.title;
  document.title = run ? `${run.name} ${short(run.id)}` : store.title;
  back.hidden = !run || (store.runs.length === 1 && !store.live);
  when.textContent = store.live ? "live" : store.generated ? `made ${store.generated.replace("T", " ")}` : "";
  when.classList.toggle("live", store.live);
  main.replaceChildren(view.element);
}

async function begin() {
  page.replaceChildren(h("header", {}, h("div", { class: "top" }, back, title, when), banner), main);
  store = await open();
  store.listeners.add((ids) => {
    banner.hidden = !store.trouble;
    banner.textContent = store.trouble || "";
    if (!view) return;
    if (wantedRun() !== place) show();
    else view.update(ids);
  });
  banner.hidden = !store.trouble;
  banner.textContent = store.trouble || "";
  show();
  window.addEventListener("hashchange", () => {
    if (wantedRun() === place && view) return;
    const where = place ? 0 : window.scrollY;
    if (!place) states.scroll = where;
    show();
    window.scrollTo(0, place ? 0 : states.scroll || 0);
    main.focus({ preventScroll: true });
  });
  onTheme(show);
  performance.mark("opened");
}

window.addEventListener("error", (e) => {
  if (!/^ResizeObserver loop/.test(e.message)) fail(e.error || e.message);
});
window.addEventListener("unhandledrejection", (e) => fail(e.reason));
begin().catch(fail);
