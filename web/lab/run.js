// One run: what came of it, its curves, its layers, its samples, its texts.

import { check, choice, h, section } from "./dom.js";
import { color } from "./colors.js";
import { duration, list, own, plural, restore, time, value } from "./format.js";
import { layersView } from "./layers.js";
import { chart } from "./plot.js";
import { boundaryView, confusionView, diagnosisView, histogramsView, worstView } from "./samples.js";
import { smooth } from "./series.js";
import { stateBadge } from "./table.js";
import { diffText, logText, scriptText } from "./text.js";

const counters = new Set(["epoch", "step", "row"]);

// loss and valid_loss share a chart, as do a metric and its own on the validation data.
function pairs(names) {
  const bases = new Map();
  for (const name of names) {
    if (counters.has(name)) continue;
    const base = name.replace(/^(valid|test|train)_/, "");
    if (!bases.has(base)) bases.set(base, []);
    bases.get(base).push(name);
  }
  const rank = (b) => (b === "loss" ? 0 : b === "lr" ? 2 : b === "seconds" ? 3 : 1);
  return [...bases.entries()].sort((a, b) => rank(a[0]) - rank(b[0]) || a[0].localeCompare(b[0]))
    .map(([base, all]) => ({ base, names: all.sort((a, b) => a.length - b.length) }));
}

const titles = { lr: "learning rate", seconds: "seconds per row" };
const labels = (name, base) => (base === "lr" || base === "seconds" ? titles[base] : name === base ? "training" : name.startsWith("valid_") ? "validation"
  : name.startsWith("test_") ? "test" : name);

function curvesPart(run, state) {
  const place = h("div", { class: "charts" }), controls = h("div", { class: "controls" });
  const charts = new Map(), group = new Set();
  const others = h("p", { class: "note" });

  // What was chosen, where this run has it.
  function axisNow() {
    const names = run.decoded ? run.decoded.names : [];
    const there = { row: true, time: names.includes("seconds"), epoch: names.includes("epoch"), step: names.includes("step") };
    return [state.axis, "epoch", "step", "row"].find((a) => there[a]);
  }

  function draw() {
    const history = run.decoded, axis = axisNow();
    const wanted = history && history.rows ? pairs(history.names) : [];
    for (const { base, names } of wanted) {
      const notes = [], all = names.map((name, i) => ({ name, i, p: history.points(name, axis) }));
      const bad = all.reduce((a, c) => a + c.p.bad, 0), used = all[0].p.used;
      const single = all.filter((c) => c.p.y.some((v) => v !== null));
      if (bad) notes.push(`${plural(bad, "value")} ${bad === 1 ? "is" : "are"} ${[...new Set(all.flatMap((c) => c.p.words || []))].join(" or ")}: gaps in the curve.`);
      if (used !== axis) notes.push(`The ${axis} does not rise from row to row, so rows are counted.`);
      if (!single.length) notes.push("It has no finite number.");
      const series = [];
      for (const c of all) {
        const paint = base === "lr" || base === "seconds" ? color(6) : color(names.length === 1 && c.name.startsWith("valid_") ? 1 : c.i);
        const label = labels(c.name, base), mean = state.beta > 0 && base !== "lr";
        if (mean) series.push({ label: `${label}, as it is`, x: c.p.x, y: c.p.y, color: paint, alpha: 0.3, width: 1.25, quiet: true });
        series.push({ label, x: c.p.x, y: smooth(c.p.y, mean ? state.beta : 0), color: paint });
      }
      const changes = { title: own(titles, base) || base, xLabel: used === "time" ? "seconds" : used, series, notes, logY: state.log };
      if (charts.has(base)) {
        charts.get(base).update(changes);
      } else {
        const c = chart({ ...changes, group, height: base === "loss" ? 280 : 220 });
        charts.set(base, c);
        if (base === "loss") c.element.classList.add("first");
        place.append(c.element);
      }
    }
    const skipped = history ? history.others : [];
    others.textContent = [
      wanted.length ? "" : history && history.rows ? "No numbers were logged yet." : "No rows were logged yet.",
      skipped.length ? `Columns that are no numbers: ${skipped.join(", ")}.` : "",
      history && history.leftOut ? "There are more columns than are shown." : "",
      run.unreadable ? `${plural(run.unreadable, "line")} of history.jsonl could not be read.` : "",
    ].filter(Boolean).join(" ");
    others.hidden = others.textContent === "";
  }

  function makeControls() {
    const names = run.decoded ? run.decoded.names : [];
    const axes = ["epoch", "step"].filter((a) => names.includes(a));
    const set = (name) => (v) => {
      state[name] = v;
      draw();
    };
    controls.replaceChildren(
      choice("Over", [...axes, ["row", "row"], ...(names.includes("seconds") ? [["time", "time"]] : [])], axisNow(), (v) => {
        for (const c of charts.values()) c.zoom(null, true);
        set("axis")(v);
      }),
      choice("Smooth", [["0", "not"], ["0.6", "a little"], ["0.9", "more"], ["0.98", "much"]], String(state.beta), (v) => set("beta")(Number(v))),
      check("log scale", state.log, set("log")),
      h("span", { class: "note hint" }, "Drag to zoom, double click to go back."));
  }
  makeControls();
  draw();
  let known = run.decoded ? run.decoded.names.join() : "";
  return {
    element: h("div", {}, controls, place, others),
    update() {
      const names = run.decoded ? run.decoded.names.join() : "";
      if (names !== known) makeControls();
      known = names;
      draw();
    },
  };
}

function pairsTable(label, object, show) {
  const names = Object.keys(object).sort();
  return h("table", { class: "pairs" }, h("caption", { class: "unseen" }, label),
    h("tbody", {}, names.map((n) => h("tr", {}, h("th", { scope: "row" }, n), h("td", {}, show(object[n]))))));
}

function environment(about) {
  const rows = [];
  const walk = (prefix, v) => {
    if (v && typeof v === "object" && !Array.isArray(v)) for (const [k, x] of Object.entries(v)) walk(prefix ? `${prefix} ${k}` : k, x);
    else rows.push([prefix, v]);
  };
  for (const name of ["doc", "file", "command", "started", "git", "machine", "versions", "parent"]) {
    if (about[name] !== undefined) walk(name === "versions" ? "" : name, about[name]);
  }
  return h("table", { class: "pairs" }, h("caption", { class: "unseen" }, "environment"), h("tbody", {}, rows.map(([k, v]) =>
    h("tr", {}, h("th", { scope: "row" }, k), h("td", {}, k === "command" && Array.isArray(v) ? `nnlua ${v.join(" ")}` : value(v))))));
}

function resultTiles(result) {
  const plain = Object.entries(result).filter(([, v]) => v === null || typeof v !== "object");
  return h("dl", { class: "tiles" }, plain.map(([k, v]) => h("div", {}, h("dt", {}, k),
    h("dd", {}, value(restore(v), 8)))));
}

function parameterLine(parameters) {
  const names = Object.keys(parameters).sort();
  return names.length ? h("dl", { class: "parameters", "aria-label": "parameters" },
    names.map((n) => h("div", {}, h("dt", {}, n), h("dd", {}, value(restore(parameters[n]), 17))))) : "";
}

const safeImage = (src) => typeof src === "string" && (/^data:image\/(png|jpeg|gif|webp|svg\+xml);base64,/.test(src) || !/^[a-z][a-z0-9+.-]*:|^\/\//i.test(src));

/** What is left of a result beyond single values: tables, lists. */
function restOf(result) {
  const deep = Object.fromEntries(Object.entries(result).filter(([, v]) => v !== null && typeof v === "object" && Object.keys(v).length));
  return Object.keys(deep).length ? pairsTable("result", deep, (v) => {
    const text = value(v);
    return text.length > 2000 ? `${text.slice(0, 2000)}\u2026` : text;
  }) : null;
}

export function runView(store, run, state) {
  const lead = h("div", { class: "lead" }), parts = h("div", { class: "parts" }), nav = h("nav", { "aria-label": "Parts of the run", class: "contents" });
  const element = h("div", { class: "run" }, lead, nav, parts);
  let curves = null, closed = false, detailed = "", failed = "";

  function drawLead() {
    const about = (run.full && run.full.about) || run.about || {};
    lead.replaceChildren(
      about.doc ? h("p", { class: "doc" }, about.doc) : "",
      h("div", { class: "facts" }, h("span", {}, stateBadge(run.state)), run.started ? h("span", {}, `started ${time(run.started)}`) : "",
        run.seconds ? h("span", {}, `${run.state === "running" ? "takes" : "took"} ${duration(run.seconds)}`) : "", h("span", {}, plural(run.rows, "row")),
        h("span", { class: "path" }, run.directory || run.id)),
      run.error ? h("pre", { class: "error", tabindex: "0", role: "region", "aria-label": "error" }, run.error) : "",
      resultTiles(run.result), restOf(run.result) || "", parameterLine(run.parameters));
  }

  function drawParts() {
    const full = run.full || {}, samples = full.samples || {}, classes = samples.classes ? list(samples.classes) : null;
    const sections = [];
    const addPart = (id, title, there, make) => {
      if (!there) return;
      let content;
      try {
        content = make();
      } catch (e) { // other programs write these files, too: what is wrong in one part leaves the others whole
        content = h("p", { class: "note" }, `This part cannot be shown: ${e.message}.`);
      }
      sections.push({ id, title, element: section(id, title, content) });
    };
    const has = (v) => v !== undefined && v !== null && (typeof v !== "object" || Object.keys(v).length > 0);
    addPart("diagnosis", "Diagnosis", has(samples.diagnosis), () => diagnosisView(samples.diagnosis));
    addPart("curves", "Curves", true, () => curves.element);
    addPart("layers", "Layers", has(full.layers), () => layersView(full.layers));
    addPart("confusion", "Confusion", has(samples.confusion), () => confusionView(samples.confusion, classes));
    addPart("worst", "Worst samples", has(samples.worst), () => worstView(samples.worst, classes));
    addPart("boundary", "Decision boundary", has(samples.boundary), () => boundaryView(samples.boundary, classes));
    addPart("weights", "Weights", has(samples.histograms), () => histogramsView(samples.histograms));
    addPart("figures", "Figures", has(full.figures), () => h("div", { class: "figures" }, list(full.figures).map((f) => h("figure", {},
      safeImage(f.src) ? h("img", { src: f.src, alt: f.name }) : h("p", { class: "note" }, "This figure is no image."),
      h("figcaption", {}, f.name)))));
    addPart("script", "Script", has(full.script), () => scriptText(full.script));
    addPart("changes", "Changes", has(full.changes), () => [h("p", { class: "note" }, "What was changed since the last commit when the run began."), diffText(full.changes)]);
    addPart("log", "Log", has(full.log), () => logText(full.log));
    addPart("environment", "Environment", has(full.about), () => environment(full.about));
    parts.replaceChildren(...(failed ? [h("p", { class: "banner", role: "alert" }, failed)] : []), ...sections.map((s) => s.element));
    nav.replaceChildren(...sections.map((s) => h("button", { type: "button", onclick: () => {
      s.element.scrollIntoView({ behavior: window.matchMedia("(prefers-reduced-motion: reduce)").matches ? "auto" : "smooth" });
      s.element.querySelector("h2").focus({ preventScroll: true });
    } }, s.title)));
    nav.hidden = sections.length < 3;
  }

  async function load(anew) {
    try {
      await store.detail(run, anew);
      await store.history(run);
      failed = "";
    } catch (e) {
      failed = `The run could not be read: ${e.message}`;
    }
    if (closed) return;
    drawLead();
    if (curves) curves.update();
    else curves = curvesPart(run, state);
    // The rest only where it changed: who reads the script is not disturbed by a new row.
    const full = run.full || {};
    const now = JSON.stringify([failed, run.state, full.log, full.layers, full.samples, list(full.figures).map((f) => f.name)]);
    if (now !== detailed) drawParts();
    detailed = now;
  }
  drawLead();
  load(false);

  return {
    element,
    async update(ids) {
      if (ids.has(run.id)) {
        drawLead();
        await load(run.state !== "running" || performance.now() - (run.asked || 0) > 8000);
        run.asked = performance.now();
      }
    },
    close() {
      closed = true;
    },
  };
}
