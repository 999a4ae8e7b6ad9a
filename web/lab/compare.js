// Several runs: their curves over one another, results against parameters, and the table.

import { check, choice, h, section } from "./dom.js";
import { color, colorsOf, dash } from "./colors.js";
import { compare, duration, keyOf, number, own, plural, restore, short, textsOf } from "./format.js";
import { filter } from "./filter.js";
import { chart } from "./plot.js";
import { scatter } from "./scatter.js";
import { describe, meanOf, smooth } from "./series.js";
import { runTable, stateBadge } from "./table.js";

const linesMost = 200; // more lines than this say nothing more

// Names of columns that count rows, and are no result of one.
const counters = new Set(["epoch", "step", "row", "seconds", "lr"]);

const simple = (v) => v !== null && v !== undefined && typeof v !== "object";

// What the runs have in common, and what they do not.
function survey(runs) {
  const values = new Map(), results = new Map(), quantities = new Map(), known = new Map();
  for (const r of runs) {
    for (const [name, v] of Object.entries(r.parameters)) {
      if (!values.has(name)) values.set(name, new Map());
      const key = keyOf(v);
      values.get(name).set(key, (values.get(name).get(key) || 0) + 1);
      known.set(key, v);
    }
    for (const [name, v] of Object.entries(r.result)) if (simple(v)) results.set(name, (results.get(name) || 0) + 1);
    for (const name of r.names) quantities.set(name, (quantities.get(name) || 0) + 1);
  }
  const varied = [], constant = [];
  for (const [name, seen] of values) {
    let n = 0;
    for (const count of seen.values()) n += count;
    if (seen.size > 1 || n < runs.length) varied.push(name);
    else constant.push([name, [...textsOf([known.get([...seen.keys()][0])]).values()][0]]);
  }
  varied.sort((a, b) => (a === "seed") - (b === "seed") || a.localeCompare(b));
  constant.sort((a, b) => a[0].localeCompare(b[0]));
  return { values, varied, constant, results: [...results.keys()].sort(), quantities: [...quantities.keys()] };
}

function firstQuantity(names) {
  for (const wanted of ["valid_loss", "loss"]) if (names.includes(wanted)) return wanted;
  return names.find((n) => !counters.has(n)) || names[0] || "loss";
}

function firstGroup(s) {
  return s.varied.find((n) => n !== "seed" && s.values.get(n).size >= 2 && s.values.get(n).size <= 8) || "";
}

/** The whole view; gives what takes changes. state is kept while a single run is looked at. */
export function compareView(store, state, go) {
  let s = survey(store.runs), runs = [], drawing = 0;
  if (!state.ready) {
    const group = firstGroup(s);
    Object.assign(state, {
      ready: true, hidden: new Set(), text: "", sort: { key: "started", down: false }, quantity: firstQuantity(s.quantities), axis: "epoch",
      group, show: store.runs.length > 8 && group ? "mean" : "lines", logY: false, beta: 0,
      x: "", y: "", tint: "", logX: false, logResult: false, means: true,
    });
  }
  const colors = new Map();
  const head = h("div", { class: "facts" }), same = h("p", { class: "note" }), count = h("p", { class: "note", "aria-live": "polite" });
  const controls = h("div", { class: "controls" }), scatterControls = h("div", { class: "controls" });
  const groups = h("ul", { class: "legend" });
  const busy = h("p", { class: "note busy", hidden: true, role: "status" });
  const curves = chart({ title: "", series: [], height: 340, legend: false, notes: [],
    onPick: (series) => series.run && go(series.run) });
  const points = scatter({ points: [], xLabel: "", yLabel: "", means: true, onOpen: go });
  const table = runTable({
    runs: [], all: store.runs, varied: s.varied, results: s.results, hidden: state.hidden, sort: state.sort,
    colorOf: (run) => colors.get(run.id) || "transparent", href: (run) => `#run=${encodeURIComponent(run.id)}`,
    onToggle: (run, on) => {
      if (on) state.hidden.delete(run.id);
      else state.hidden.add(run.id);
      redraw();
    },
    onToggleAll: (on) => {
      for (const r of runs) if (on) state.hidden.delete(r.id); else state.hidden.add(r.id);
      redraw();
    },
    onSort: (key, down) => {
      state.sort = { key, down };
      table.update({ sort: state.sort });
    },
  });

  // What was chosen, where there is such a column.
  function axisNow() {
    const has = (q) => s.quantities.includes(q);
    const there = { row: true, time: has("seconds"), epoch: has("epoch"), step: has("step") };
    return [state.axis, "epoch", "step", "row"].find((a) => there[a]);
  }


  function grouping(list) {
    const seen = new Map(), texts = state.group ? textsOf(list.map((r) => own(r.parameters, state.group))) : null;
    for (const r of list) {
      const v = state.group ? own(r.parameters, state.group) : short(r.id), key = state.group ? keyOf(v) : r.id;
      if (!seen.has(key)) seen.set(key, { key: state.group ? `${state.group} ${texts.get(key)}` : key, v: restore(v), runs: [] });
      seen.get(key).runs.push(r);
    }
    const all = [...seen.values()];
    if (state.group) all.sort((a, b) => compare(a.v, b.v));
    const palette = colorsOf(all.length, state.group && all.every((g) => typeof g.v === "number"));
    all.forEach((g, i) => {
      g.color = palette[i];
      g.dash = palette[i] === color(i) ? dash(i) : undefined;
    });
    return all;
  }

  // Histories are read a few at a time, so that the page answers meanwhile.
  async function read(list, mine) {
    let last = performance.now(), drawn = last;
    const waiting = [];
    for (let i = 0; i < list.length; i++) {
      const got = store.history(list[i]);
      if (got instanceof Promise) {
        waiting.push(got.catch(() => null));
        if (waiting.length < 6) continue;
        await Promise.all(waiting.splice(0));
      }
      if (performance.now() - last > 14) {
        busy.hidden = false;
        busy.textContent = `Reading histories: ${i + 1} of ${list.length}`;
        await new Promise((next) => setTimeout(next));
        if (mine !== drawing) return false;
        last = performance.now();
        if (last - drawn > 1200) {
          drawCurves(list.slice(0, i + 1));
          drawn = performance.now();
          last = drawn;
        }
      }
    }
    await Promise.all(waiting);
    busy.hidden = true;
    return mine === drawing;
  }

  function drawCurves(list) {
    const notes = [], series = [], axis = axisNow();
    let bad = 0, other = 0, words = new Set();
    const curve = (r) => {
      const p = r.decoded ? r.decoded.points(state.quantity, axis) : { x: [], y: [], bad: 0 };
      bad += p.bad;
      for (const w of p.words || []) words.add(w);
      if (p.x.length && p.used !== axis) other++;
      return { x: p.x, y: smooth(p.y, state.beta) };
    };
    const sets = grouping(list);
    if (state.show === "mean" && state.group) {
      for (const g of sets) {
        const c = g.runs.map(curve).filter((x) => x.x.length);
        const m = meanOf(c);
        series.push({ label: `${g.key} (${plural(c.length, "run")})`, ...m, lo: c.length > 1 ? m.lo : undefined, color: g.color, dash: g.dash });
      }
      notes.push("Bands are one standard deviation to either side of the mean over the runs of a group.");
    } else {
      let n = 0;
      for (const g of sets) {
        for (const r of g.runs) {
          if (n >= linesMost) break;
          const c = curve(r);
          if (!c.x.length) continue;
          n++;
          series.push({ label: state.group ? `${g.key}, ${short(r.id)}` : short(r.id), ...c, run: r, color: g.color, dash: g.dash,
            width: list.length > 20 ? 1.25 : 1.75, alpha: list.length > 40 ? 0.6 : undefined });
        }
      }
      if (list.length > linesMost && n >= linesMost) notes.push(`The first ${linesMost} of ${list.length.toLocaleString("en")} runs are drawn; filter them, or show means of groups.`);
    }
    if (bad) notes.push(`${plural(bad, "value")} ${bad === 1 ? "is" : "are"} ${[...words].join(" or ")}: gaps in the curves.`);
    const lines = list.reduce((a, r) => a + (r.unreadable || 0), 0);
    if (lines) notes.push(`${plural(lines, "line")} of these histories could not be read.`);
    if (other) notes.push(`${plural(other, "run")} ${other === 1 ? "has" : "have"} no rising ${axis}; there it is the ${axis === "row" ? "row" : "row's number"}.`);
    curves.update({ title: state.quantity, xLabel: axis === "time" ? "seconds" : axis, logY: state.logY, series, notes, legend: !state.group });
    const results = s.results[0], found = new Map(sets.map((g) => [g, describe(g.runs.map((r) => restore(own(r.result, state.y))))]));
    const means = textsOf([...found.values()].map((d) => d.mean));
    groups.replaceChildren(...(state.group && sets.length <= 24 ? sets : []).map((g) => {
      const d = found.get(g), odd = d.bad ? `${d.bad} not finite` : "";
      const size = d.n < g.runs.length || d.bad ? ` (${[d.n ? `n = ${d.n}` : "", odd].filter(Boolean).join("; ")})` : "";
      const text = results && d.n + d.bad ? `  ${state.y}${d.n ? ` ${means.get(keyOf(d.mean))}` : ""}${d.n > 1 ? ` \u00b1 ${number(d.sd, 2)}` : ""}${size}` : "";
      return h("li", {}, h("button", { type: "button", "aria-pressed": "true", title: "Hides the runs of this group", onclick: () => {
        for (const r of g.runs) state.hidden.add(r.id);
        redraw();
      } }, h("span", { class: "dot", style: { background: g.color } }), " ", g.key, h("output", {}, text)));
    }), ...(state.hidden.size ? [h("li", {}, h("button", { type: "button", onclick: () => {
      state.hidden.clear();
      redraw();
    } }, `show the ${plural(state.hidden.size, "hidden run")}`))] : []));
  }

  function drawPoints(list) {
    const get = (r, key) => {
      const name = key.slice(2);
      return restore(own(key[0] === "p" ? r.parameters : r.result, name));
    };
    const kinds = new Map(), tintOf = (r) => own(r.parameters, state.tint);
    let tintTexts = new Map();
    if (state.tint) {
      const sorted = [...new Map(list.map((r) => [keyOf(tintOf(r)), restore(tintOf(r))])).entries()].sort((a, b) => compare(a[1], b[1]));
      tintTexts = textsOf(list.map(tintOf));
      const palette = colorsOf(sorted.length, sorted.every((k) => typeof k[1] === "number"));
      sorted.forEach((k, i) => kinds.set(k[0], palette[i]));
    }
    const places = textsOf(list.map((r) => own(state.x[0] === "p" ? r.parameters : r.result, state.x.slice(2))));
    points.update({
      points: state.x && state.y ? list.map((r) => {
        const v = get(r, state.x);
        const raw = own(state.x[0] === "p" ? r.parameters : r.result, state.x.slice(2));
        return { run: r, x: typeof v === "number" ? v : places.get(keyOf(raw)), y: restore(own(r.result, state.y)),
          color: state.tint ? kinds.get(keyOf(tintOf(r))) : colors.get(r.id) || color(0) };
      }) : [],
      xLabel: state.x.slice(2), yLabel: state.y, logX: state.logX, logY: state.logResult, means: state.means,
    });
    tintKey.replaceChildren(...(kinds.size && kinds.size <= 12 ? [...kinds] : []).map(([k, c]) =>
      h("li", {}, h("span", { class: "plain" }, h("span", { class: "dot", style: { background: c } }), " ", state.tint, " ", tintTexts.get(k)))));
  }
  const tintKey = h("ul", { class: "legend" });

  async function redraw() {
    const mine = ++drawing;
    const passes = filter(state.text);
    runs = store.runs.filter(passes);
    const shown = runs.filter((r) => !state.hidden.has(r.id));
    colors.clear();
    for (const g of grouping(shown)) for (const r of g.runs) colors.set(r.id, g.color);
    table.update({ runs, all: store.runs, varied: s.varied, results: s.results });
    count.textContent = (runs.length === store.runs.length ? plural(runs.length, "run")
      : `${runs.length.toLocaleString("en")} of ${plural(store.runs.length, "run")}`) +
      (shown.length < runs.length ? `, ${shown.length.toLocaleString("en")} shown` : "");
    drawPoints(shown);
    const wanted = state.show === "mean" && state.group ? shown : shown.slice(0, linesMost);
    if (await read(wanted, mine)) {
      // A server tells of columns only with their rows.
      const known = s.quantities.length;
      if (!known) {
        s = survey(store.runs);
        if (s.quantities.length) {
          if (!s.quantities.includes(state.quantity)) state.quantity = firstQuantity(s.quantities);
          makeControls();
        }
      }
      drawCurves(shown);
    }
  }

  function makeControls() {
    const set = (name) => (v) => {
      state[name] = v;
      redraw();
    };
    const quantities = s.quantities.filter((q) => q !== "epoch" && q !== "step");
    if (!quantities.includes(state.quantity)) quantities.unshift(state.quantity);
    const axes = ["epoch", "step"].filter((a) => s.quantities.includes(a));
    controls.replaceChildren(...[
      choice("Curve", quantities, state.quantity, set("quantity")),
      choice("over", [...axes, ["row", "row"], ...(s.quantities.includes("seconds") ? [["time", "time"]] : [])], axisNow(), set("axis")),
      choice("Group by", [["", "nothing"], ...s.varied, ...s.constant.map((c) => c[0])], state.group, (v) => {
        state.group = v;
        if (!v) state.show = "lines";
        else if (runs.length > 8) state.show = "mean";
        makeControls();
        redraw();
      }),
      state.group ? choice("Show", [["mean", "mean and spread"], ["lines", "every run"]], state.show, set("show")) : null,
      choice("Smooth", [["0", "not"], ["0.6", "a little"], ["0.9", "more"], ["0.98", "much"]], String(state.beta), (v) => set("beta")(Number(v))),
      check("log scale", state.logY, set("logY"))].filter(Boolean));
    const xs = [...s.varied.map((n) => [`p ${n}`, n]), ...s.results.map((n) => [`r ${n}`, `${n} (result)`])];
    if (!xs.some((x) => x[0] === state.x)) {
      const spans = (k) => { // from 0.001 to 0.1, say
        const v = store.runs.map((r) => restore(own(r.parameters, k.slice(2)))).filter((x) => typeof x === "number");
        return k[0] === "p" && v.length > 0 && Math.min(...v) > 0 && Math.max(...v) / Math.min(...v) >= 8;
      };
      state.x = (xs.find((x) => x[0] === `p ${state.group}` && spans(x[0])) || xs.find((x) => spans(x[0])) || xs[0] || [""])[0];
      state.logX = state.x !== "" && spans(state.x);
    }
    const numbers = s.results.filter((n) => store.runs.some((r) => typeof restore(own(r.result, n)) === "number"));
    if (!numbers.includes(state.y)) {
      state.y = numbers.find((n) => /acc|f1|auc/.test(n)) || numbers.find((n) => /loss/.test(n)) || numbers[0] || "";
    }
    scatterControls.replaceChildren(
      choice("Result", numbers, state.y, set("y")), choice("against", xs, state.x, set("x")),
      choice("Colour", [["", state.group ? `as the curves (${state.group})` : "as the curves"], ...s.varied], state.tint, set("tint")),
      check("log x", state.logX, set("logX")), check("log y", state.logResult, set("logResult")),
      check("mean and spread", state.means, set("means")));
    scatterPart.hidden = numbers.length === 0 || xs.length === 0;
  }

  function facts() {
    const states = new Map();
    for (const r of store.runs) states.set(r.state, (states.get(r.state) || 0) + 1);
    const total = store.runs.reduce((a, r) => a + (r.seconds || 0), 0);
    head.replaceChildren(h("span", {}, plural(store.runs.length, "run")),
      ...[...states].map(([state_, n]) => h("span", {}, stateBadge(state_), ` ${n.toLocaleString("en")}`)),
      total ? h("span", {}, `${duration(total)} in all`) : "");
    same.textContent = s.constant.length ? `The same in all: ${s.constant.map(([k, v]) => `${k} ${v}`).join(", ")}.` : "";
    same.hidden = !s.constant.length;
  }

  const search = h("input", { type: "search", id: "filter", value: state.text, placeholder: "lr<0.1 depth=3 failed", autocomplete: "off", spellcheck: "false",
    oninput: () => {
      state.text = search.value;
      clearTimeout(search.waiting);
      search.waiting = setTimeout(redraw, 150);
    } });
  const scatterPart = section("results", "Results and parameters", scatterControls, points.element, tintKey);
  const element = h("div", { class: "compare" },
    h("div", { class: "lead" }, head, same,
      h("p", { class: "search" }, h("label", { for: "filter" }, "Filter "), search,
        h("span", { class: "note" }, "Words, and comparisons with parameters and results; all must hold. It is for the whole page."))),
    h("div", { class: "pair" }, section("curves", "Curves", controls, groups, curves.element, busy), scatterPart),
    section("table", "Runs", count, table.element));
  makeControls();
  facts();
  redraw();

  return {
    element,
    /** Runs that came or changed. */
    update(ids) {
      if (!ids.size) return;
      const before = [s.varied, s.results, s.quantities, s.constant.map((c) => c[0])].join();
      s = survey(store.runs);
      facts();
      if ([s.varied, s.results, s.quantities, s.constant.map((c) => c[0])].join() !== before) makeControls();
      redraw();
    },
    close() {
      drawing++;
    },
  };
}
