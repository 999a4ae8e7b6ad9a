// Curves, drawn by uPlot: drag to zoom, double click to go back, values under the pointer or by the arrow keys.

import uPlot from "uplot";
import { h, svg } from "./dom.js";
import { fade, variable } from "./colors.js";
import { number, plural } from "./format.js";
import { spread, union } from "./series.js";

const alive = new Set();

// Epochs, steps and rows are counted: no tick stands between two of them.
const wholes = Array.from({ length: 16 }, (_, e) => [1, 2, 5].map((k) => k * 10 ** e)).flat();

export function destroyPlots() {
  for (const p of alive) p.destroy();
  alive.clear();
}

const legendMost = 14;
const nearMost = 6;

// What uPlot is given: an axis and lists; two more lists for each band.
function lay(o) {
  const curves = o.series.filter((s) => s.x.length > 0);
  const { x, same } = union(curves.map((s) => s.x));
  const noneOf = (y) => (o.logY ? y.map((v) => (v !== undefined && !(v > 0) ? null : v)) : y);
  const on = (s, y) => noneOf(same ? y : spread(x, s.x, y));
  const data = [x], series = [{}], bands = [];
  let dropped = 0;
  if (o.logY) for (const s of curves) for (const v of s.y) if (v !== null && v !== undefined && !(v > 0)) dropped++;
  const order = curves.map((s) => {
    data.push(on(s, s.y));
    series.push({
      label: s.label, stroke: s.alpha ? fade(s.color, s.alpha) : s.color, width: s.width || 2, dash: s.dash, spanGaps: false,
      points: { show: x.length < 40 && curves.length < 13 && !s.quiet, size: 5, fill: s.color }, show: !s.hidden,
    });
    return series.length - 1;
  });
  curves.forEach((s, i) => {
    if (!s.lo) return;
    const least = o.logY ? s.lo.map((v, k) => (v > 0 ? v : s.y[k] / 10)) : s.lo;
    data.push(on(s, s.hi), on(s, least));
    const plain = { stroke: "transparent", width: 0, points: { show: false }, show: !s.hidden, label: "" };
    series.push({ ...plain }, { ...plain });
    bands.push({ series: [series.length - 2, series.length - 1], fill: fade(s.color, 0.18), of: order[i] });
  });
  return { data, series, bands, curves, order, dropped };
}

function swatch(s) {
  return svg("svg", { width: 22, height: 10, "aria-hidden": "true" },
    svg("line", { x1: 0, x2: 22, y1: 5, y2: 5, stroke: s.color, "stroke-width": 3, "stroke-dasharray": (s.dash || []).join(" ") || null }));
}

/**
 * o: title, xLabel, series [{label, x, y, lo, hi, color, dash, width, alpha, quiet, hidden}], logY, logX, height, notes,
 * group (a Set: charts of one group zoom together), onPick(series index).
 */
export function chart(o) {
  const box = h("div", { class: "plot", tabindex: "0", role: "group" });
  const legend = h("ul", { class: "legend" });
  const note = h("p", { class: "note" });
  const said = h("p", { class: "unseen", "aria-live": "polite" });
  const caption = h("figcaption", {}, o.title);
  const element = h("figure", { class: "chart" }, caption, box, legend, note, said);
  const tip = h("div", { class: "tip", "aria-hidden": "true" });
  let plot = null, laid = null, zoomed = null;
  const hidden = new Set(o.series.filter((s) => s.hidden).map((s) => s.label));

  function bounds() {
    const x = laid.data[0];
    return [x[0], x[x.length - 1]];
  }

  function zoom(range, told) {
    zoomed = range;
    if (!plot || !laid.data[0].length) return;
    const [lo, hi] = range || bounds();
    plot.setScale("x", lo === hi ? { min: lo - 0.5, max: hi + 0.5 } : { min: lo, max: hi });
    if (!told && o.group) for (const other of o.group) if (other !== self) other.zoom(range, true);
  }

  function near(u, idx) {
    const rows = [];
    laid.curves.forEach((s, i) => {
      if (hidden.has(s.label) || s.quiet) return;
      const list = u.data[laid.order[i]];
      let k = idx;
      if (list[k] === undefined) { // the nearest point that this curve has
        let a = k, b = k;
        while (a >= 0 && list[a] === undefined) a--;
        while (b < list.length && list[b] === undefined) b++;
        k = a >= 0 && (b >= list.length || k - a <= b - k) ? a : b;
      }
      const v = list[k];
      if (v !== undefined && k < list.length) rows.push({ s, i, v, y: v === null ? Infinity : u.valToPos(v, "y") });
    });
    return rows;
  }

  function show(u) {
    const { idx, left, top } = u.cursor;
    const out = idx === null || idx === undefined || left < 0;
    tip.hidden = out;
    const values = legend.querySelectorAll("output");
    if (out) {
      for (const v of values) v.textContent = "";
      return;
    }
    const x = u.data[0][idx], rows = near(u, idx);
    if (values.length) for (const r of rows) if (values[r.i]) values[r.i].textContent = r.v === null ? "none" : number(r.v, 5);
    rows.sort((a, b) => Math.abs(a.y - top) - Math.abs(b.y - top));
    const chosen = rows.slice(0, nearMost).sort((a, b) => a.y - b.y);
    const head = `${o.xLabel || "x"} ${number(x, 6)}`;
    tip.replaceChildren(h("b", {}, head), ...chosen.map((r) => h("div", {}, swatch(r.s), " ", r.s.label, " ",
      h("b", {}, r.v === null ? "no number" : number(r.v, 5)))),
      rows.length > nearMost ? h("div", { class: "more" }, `and ${rows.length - nearMost} more`) : "");
    const wide = u.over.clientWidth, w = tip.offsetWidth;
    tip.style.left = `${left + 16 + w > wide ? Math.max(0, left - 16 - w) : left + 16}px`;
    tip.style.top = `${Math.max(0, Math.min(top + 8, u.over.clientHeight - tip.offsetHeight))}px`;
    self.nearest = rows.length ? rows[0].s : null;
    self.spoken = `${head}: ${chosen.map((r) => `${r.s.label} ${r.v === null ? "no number" : number(r.v, 5)}`).join(", ")}`;
  }

  function build() {
    const pointer = plot && plot.cursor.left >= 0 ? { left: plot.cursor.left, top: plot.cursor.top } : null;
    if (plot) plot.destroy();
    laid = lay(o);
    const ink = variable("--quiet"), lines = variable("--grid"), font = "12px system-ui, sans-serif";
    const axis = { stroke: ink, font, labelFont: font, grid: { stroke: lines, width: 1 }, ticks: { stroke: lines, width: 1, size: 4 } };
    const width = Math.max(200, box.clientWidth || 300);
    const round = (u, lo, hi) => lo === null || lo === undefined ? [o.logY ? 0.1 : 0, 1]
      : o.logY ? uPlot.rangeLog(lo, lo === hi ? hi * 2 : hi, 10, false) : uPlot.rangeNum(lo, hi, lo === hi ? 0.4 : 0.06, true);
    plot = new uPlot({
      width, height: o.height || 240, legend: { show: false }, padding: [10, 26, 0, 0],
      cursor: {
        drag: { x: true, y: false, dist: 6, setScale: false }, points: { size: 7, show: laid.curves.length <= legendMost },
        focus: { prox: laid.curves.length > 1 && laid.curves.length <= 60 ? 16 : -1 },
      },
      focus: { alpha: 0.25 },
      scales: { x: { time: false, distr: o.logX ? 3 : 1, range: (u, lo, hi) => (lo === hi ? [lo - 0.5, hi + 0.5] : [lo, hi]) },
        y: { distr: o.logY ? 3 : 1, range: round } },
      axes: [
        { ...axis, label: o.xLabel, labelSize: 18, size: 30, ...(o.xLabel === "seconds" || o.logX ? {} : { incrs: wholes }), values: (u, v) => v.map((x) => (x === null ? "" : number(x))) },
        { ...axis, size: 58, values: (u, v) => v.map((x) => (x === null ? "" : number(x))) },
      ],
      series: laid.series, bands: laid.bands,
      hooks: {
        setCursor: [show],
        setSelect: [(u) => {
          if (u.select.width > 5) zoom([u.posToVal(u.select.left, "x"), u.posToVal(u.select.left + u.select.width, "x")]);
          u.setSelect({ left: 0, top: 0, width: 0, height: 0 }, false);
        }],
      },
    }, laid.data, box);
    plot.over.append(tip);
    plot.over.addEventListener("dblclick", () => zoom(null));
    if (o.onPick) plot.over.addEventListener("click", () => self.nearest && plot.select.width < 6 && o.onPick(self.nearest));
    touch(plot);
    tip.hidden = true;
    if (zoomed) zoom(zoomed, true);
    tell();
    if (pointer && laid.data[0].length) plot.setCursor(pointer); // who reads a value goes on reading it
  }

  // A finger that moves sideways selects as a mouse does; up and down it scrolls the page.
  function touch(u) {
    let from = null, to = null;
    const at = (e) => Math.min(u.over.clientWidth, Math.max(0, e.touches[0].clientX - u.over.getBoundingClientRect().left));
    u.over.addEventListener("touchstart", (e) => {
      from = e.touches.length === 1 ? at(e) : null;
      to = null;
    }, { passive: true });
    u.over.addEventListener("touchmove", (e) => {
      if (from === null || (to === null && Math.abs(at(e) - from) < 12)) return;
      to = at(e);
      u.setSelect({ left: Math.min(from, to), top: 0, width: Math.abs(to - from), height: u.over.clientHeight }, false);
      if (e.cancelable) e.preventDefault();
    }, { passive: false });
    u.over.addEventListener("touchend", () => {
      if (to !== null) u.setSelect({ left: Math.min(from, to), top: 0, width: Math.abs(to - from), height: u.over.clientHeight }, true);
      from = null;
    });
  }

  function toggle(label, button) {
    if (hidden.has(label)) hidden.delete(label);
    else hidden.add(label);
    button.setAttribute("aria-pressed", String(!hidden.has(label)));
    laid.curves.forEach((s, i) => {
      if (s.label !== label) return;
      s.hidden = hidden.has(label);
      plot.setSeries(laid.order[i], { show: !s.hidden });
      for (const b of laid.bands) if (b.of === laid.order[i]) for (const k of b.series) plot.setSeries(k, { show: !s.hidden });
    });
  }

  function tell() {
    const curves = laid.curves.filter((s) => !s.quiet);
    caption.textContent = o.title;
    box.setAttribute("aria-label", `${o.title || "Curves"}: ${plural(curves.length, "curve")} over ${o.xLabel || "x"}. ` +
      "Arrow keys read values, plus and minus zoom, 0 shows all.");
    if (o.legend === false || curves.length < 2 || laid.curves.length > legendMost) {
      legend.replaceChildren();
    } else {
      legend.replaceChildren(...laid.curves.map((s) => {
        const button = h("button", { type: "button", "aria-pressed": String(!hidden.has(s.label)), title: "Shows or hides the curve",
          onclick: () => toggle(s.label, button) }, swatch(s), " ", s.label, " ", h("output", { "aria-hidden": "true" }));
        return h("li", { hidden: !!s.quiet }, button);
      }));
    }
    const notes = [...(o.notes || [])];
    if (laid.dropped) notes.push(`${plural(laid.dropped, "value")} of 0 or less cannot be shown on a log scale.`);
    if (!laid.curves.length) notes.push("Nothing to draw yet.");
    note.textContent = notes.join(" ");
    note.hidden = notes.length === 0;
  }

  box.addEventListener("keydown", (e) => {
    if (!plot || e.ctrlKey || e.altKey || e.metaKey) return;
    const x = laid.data[0], n = x.length;
    const step = { ArrowRight: 1, ArrowLeft: -1 }[e.key] * (e.shiftKey ? Math.ceil(n / 50) : 1);
    if (step) {
      const lo = plot.scales.x.min, hi = plot.scales.x.max;
      const now = plot.cursor.idx ?? (step > 0 ? -1 : n);
      let idx = Math.min(n - 1, Math.max(0, now + step));
      while (idx < n - 1 && x[idx] < lo) idx++;
      while (idx > 0 && x[idx] > hi) idx--;
      const first = laid.order.map((k) => plot.data[k][idx]).find((v) => typeof v === "number");
      plot.setCursor({ left: plot.valToPos(x[idx], "x"), top: first === undefined ? 10 : plot.valToPos(first, "y") });
      said.textContent = self.spoken || "";
    } else if (e.key === "+" || e.key === "-") {
      const lo = plot.scales.x.min, hi = plot.scales.x.max, by = e.key === "+" ? 0.25 : -0.5;
      const at = plot.cursor.idx !== null && plot.cursor.left >= 0 ? x[plot.cursor.idx] : (lo + hi) / 2;
      const [a, b] = bounds();
      const to = [Math.max(a, at - (at - lo) * (1 - 2 * by)), Math.min(b, at + (hi - at) * (1 - 2 * by))];
      if (to[1] > to[0]) zoom(to[0] <= a && to[1] >= b ? null : to);
    } else if (e.key === "0" || e.key === "Escape") {
      zoom(null);
    } else {
      return;
    }
    e.preventDefault();
  });

  let gone = false;
  const watch = new ResizeObserver(() => requestAnimationFrame(() => {
    if (gone) return;
    if (!plot) build();
    else if (Math.abs(plot.width - box.clientWidth) > 1) plot.setSize({ width: Math.max(200, box.clientWidth), height: o.height || 240 });
  }));
  watch.observe(box);

  const self = {
    element,
    zoom,
    get plot() { return plot; },
    /** New curves in the same place; what is zoomed and hidden stays so. */
    update(changes) {
      Object.assign(o, changes);
      for (const s of o.series) s.hidden = s.hidden || hidden.has(s.label);
      if (plot) build();
    },
    destroy() {
      gone = true;
      watch.disconnect();
      if (plot) plot.destroy();
      plot = null;
      if (o.group) o.group.delete(self);
    },
  };
  alive.add(self);
  if (o.group) o.group.add(self);
  return self;
}
