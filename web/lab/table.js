// The table of runs. Only the rows that are seen are in the page, so that thousands cost what thirty do.

import { h } from "./dom.js";
import { compare, duration, keyOf, own, rankOf, restore, short, textsOf, time, value } from "./format.js";

const tall = 34; // px, as the style sheet has it

const stateSigns = { finished: "\u2713", running: "\u25b6", failed: "\u2717", interrupted: "\u2016", "broken off": "\u2016" };

export function stateBadge(state) {
  return h("span", { class: `state state-${String(state).replace(/\W/g, "-")}` },
    h("span", { "aria-hidden": "true" }, own(stateSigns, state) || "?", " "), state || "unknown");
}

function columnsOf(runs, varied, results) {
  const columns = [
    { key: "id", label: "run", get: (r) => short(r.id), kind: "run" },
    { key: "state", label: "state", get: (r) => r.state, kind: "state" },
  ];
  if (new Set(runs.map((r) => r.name)).size > 1) columns.push({ key: "name", label: "experiment", get: (r) => r.name });
  for (const name of varied) columns.push({ key: `p ${name}`, label: name, get: (r) => own(r.parameters, name), kind: "parameter" });
  for (const name of results) columns.push({ key: `r ${name}`, label: name, get: (r) => own(r.result, name), kind: "result" });
  columns.push({ key: "rows", label: "rows", get: (r) => r.rows },
    { key: "seconds", label: "time", get: (r) => r.seconds, show: (r) => duration(r.seconds) },
    { key: "started", label: "started", get: (r) => r.started, show: (r) => time(r.started) });
  for (const c of columns) {
    if (c.kind === "parameter" || c.kind === "result") {
      const texts = textsOf(runs.map(c.get).filter((v) => v !== undefined));
      c.show = (r) => (c.get(r) === undefined ? "" : texts.get(keyOf(c.get(r))));
    }
    c.show = c.show || ((r) => value(c.get(r)));
    let longest = c.label.length + 2, numeric = true;
    for (const r of runs) {
      const v = c.get(r);
      longest = Math.max(longest, Math.min(28, c.show(r).length));
      if (v !== undefined && v !== null && typeof v !== "number" && !["nan", "inf", "-inf"].includes(v)) numeric = false;
    }
    c.numeric = numeric || c.key === "seconds";
    c.width = Math.min(30, c.kind === "state" ? Math.max(13, longest) : longest) + 3;
  }
  return columns;
}

/**
 * o: runs, varied, results (names of columns), hidden (a Set of ids), colorOf(run), onToggle(run), onToggleAll(on),
 * onSort(key, down), sort {key, down}, href(run).
 */
export function runTable(o) {
  let rows = [], columns = [], from = -1, to = -1, made = new Map();
  const head = h("tr", {}), body = h("tbody", {}), columnGroup = h("colgroup", {});
  const table = h("table", { class: "runs" }, columnGroup, h("thead", {}, head), body);
  const scroller = h("div", { class: "scroller", tabindex: "0", role: "region", "aria-label": "Table of runs" }, table);

  function ordered() {
    const c = columns.find((x) => x.key === o.sort.key) || columns[columns.length - 1];
    const sign = o.sort.down ? -1 : 1;
    // Whichever way, what is no finite number is behind those that are.
    return [...o.runs].map((r, i) => [r, i, restore(c.get(r))])
      .sort((a, b) => rankOf(a[2]) - rankOf(b[2]) || sign * compare(a[2], b[2]) || a[1] - b[1]).map((a) => a[0]);
  }

  function row(run, index) {
    const shown = !o.hidden.has(run.id);
    const box = h("input", { type: "checkbox", checked: shown, "aria-label": `show run ${short(run.id)} in the curves`,
      onchange: () => o.onToggle(run, box.checked) });
    return h("tr", { "data-run": run.id, "aria-rowindex": index + 2, class: shown ? "" : "off" },
      h("td", { class: "pick" }, h("label", {}, box, h("span", { class: "dot", style: { background: o.colorOf(run) } }))),
      columns.map((c) => {
        if (c.kind === "run") return h("th", { scope: "row" }, h("a", { href: o.href(run), title: run.directory }, c.show(run)));
        if (c.kind === "state") return h("td", {}, stateBadge(run.state));
        const text = c.show(run);
        return h("td", { class: c.numeric ? "number" : "", title: text.length > c.width - 3 ? text : null }, text);
      }));
  }

  // Rows that are as they were stay the elements they are: nobody loses what is being clicked.
  function kept(before, run, index) {
    const says = [index, o.hidden.has(run.id), o.colorOf(run), ...columns.map((c) => c.width + c.show(run))].join("\n");
    const old = before.get(run.id);
    const now = old && old.says === says ? old : { says, element: row(run, index) };
    made.set(run.id, now);
    return now.element;
  }

  function filler(height) {
    return h("tr", { class: "filler", "aria-hidden": "true" }, h("td", { colspan: columns.length + 1, style: { height: `${height}px` } }));
  }

  function draw(force) {
    const first = Math.max(0, Math.floor(scroller.scrollTop / tall) - 8);
    const last = Math.min(rows.length, first + Math.ceil((scroller.clientHeight || 600) / tall) + 20);
    if (!force && first === from && last === to) return;
    from = first;
    to = last;
    const focused = body.contains(document.activeElement) ? document.activeElement : null;
    const before = made;
    made = new Map();
    body.replaceChildren(filler(first * tall), ...rows.slice(first, last).map((r, i) => kept(before, r, first + i)),
      filler((rows.length - last) * tall));
    if (!focused) return;
    const again = body.contains(focused) ? focused : body.querySelector(`tr[data-run="${CSS.escape(focused.closest("tr").dataset.run)}"] ${focused.tagName}`);
    again?.focus({ preventScroll: true });
  }

  function update(changes) {
    Object.assign(o, changes);
    columns = columnsOf(o.all || o.runs, o.varied, o.results);
    rows = ordered();
    table.setAttribute("aria-rowcount", rows.length + 1);
    const all = h("input", { type: "checkbox", checked: o.runs.some((r) => !o.hidden.has(r.id)), "aria-label": "show all of these runs in the curves",
      onchange: () => o.onToggleAll(all.checked) });
    const focused = head.contains(document.activeElement) && document.activeElement.dataset.key;
    head.replaceChildren(h("th", { class: "pick" }, h("label", {}, all)), ...columns.map((c) => {
      const on = c.key === o.sort.key;
      return h("th", { scope: "col", class: c.numeric ? "number" : "", "aria-sort": on ? (o.sort.down ? "descending" : "ascending") : "none" },
        h("button", { type: "button", "data-key": c.key, title: `${c.label}: sorts by it`,
          onclick: () => o.onSort(c.key, on ? !o.sort.down : c.kind === "result") },
        c.label, h("span", { class: "arrow", "aria-hidden": "true" }, on ? (o.sort.down ? "\u2193" : "\u2191") : "")));
    }));
    if (focused) for (const b of head.querySelectorAll("button")) if (b.dataset.key === focused) b.focus();
    columnGroup.replaceChildren(h("col", { style: { width: "58px" } }), ...columns.map((c) => h("col", { style: { width: `${c.width}ch` } })));
    table.style.width = `calc(58px + ${columns.reduce((a, c) => a + c.width, 0)}ch)`;
    draw(true);
  }

  let waiting = false;
  scroller.addEventListener("scroll", () => {
    if (waiting) return;
    waiting = true;
    requestAnimationFrame(() => {
      waiting = false;
      draw(false);
    });
  });
  new ResizeObserver(() => draw(false)).observe(scroller);
  update({});
  return { element: scroller, update, order: () => rows };
}
