// A result against a parameter: a point for each run, and for each value of the parameter the mean with its spread.

import uPlot from "uplot";
import { canvas, h } from "./dom.js";
import { fade, variable } from "./colors.js";
import { compare, number, restore, short, textsOf, value } from "./format.js";
import { describe } from "./series.js";

// Round places for ticks between lo and hi.
function ticks(lo, hi, log, most) {
  const out = [];
  if (log) {
    const decades = Math.log10(hi / lo), steps = decades > 4 ? [1] : decades > 1.5 ? [1, 3] : [1, 2, 5];
    for (let e = Math.floor(Math.log10(lo)); e <= Math.ceil(Math.log10(hi)); e++) {
      for (const s of steps) {
        const v = Number((s * 10 ** e).toPrecision(12));
        if (v >= lo * 0.999 && v <= hi * 1.001) out.push(v);
      }
    }
    if (out.length >= 2) return out;
    out.length = 0;
  }
  const rough = (hi - lo) / most, power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 5, 10].map((k) => k * power).find((s) => s >= rough) || rough;
  for (let v = Math.ceil(lo / step) * step; v <= hi + step * 1e-6; v += step) out.push(Number(v.toPrecision(12)));
  return out;
}

/** o: points [{run, x, y, color}], xLabel, yLabel, logX, logY, means, onOpen(run). */
export function scatter(o) {
  const tip = h("div", { class: "tip", hidden: true });
  const note = h("p", { class: "note" });
  let placed = [];

  function draw(g, width, height) {
    const ink = variable("--quiet"), lines = variable("--grid"), strong = variable("--ink");
    const left = 62, right = 14, top = 10, bottom = 44, w = width - left - right, t = height - top - bottom;
    const numeric = o.points.every((p) => typeof p.x === "number");
    let unusable = 0;
    const points = o.points.filter((p) => {
      const good = typeof p.y === "number" && Number.isFinite(p.y) && (!o.logY || p.y > 0) &&
        (!numeric || (Number.isFinite(p.x) && (!o.logX || p.x > 0)));
      unusable += good ? 0 : 1;
      return good;
    });
    note.textContent = unusable ? `${unusable} of ${o.points.length} runs have no number that can be shown here.` : "";
    note.hidden = !unusable;
    g.font = "12px system-ui, sans-serif";
    placed = [];
    if (!points.length) {
      g.fillStyle = ink;
      g.textAlign = "center";
      g.fillText("Nothing to draw yet.", width / 2, height / 2);
      return;
    }
    const kinds = numeric ? null : [...new Set(points.map((p) => p.x))].sort(compare);
    const distinct = new Set(points.map((p) => p.x)).size;
    const logX = numeric && o.logX;
    let [x0, x1] = kinds ? [-0.5, kinds.length - 0.5] : [Infinity, -Infinity];
    if (numeric) for (const p of points) { x0 = Math.min(x0, p.x); x1 = Math.max(x1, p.x); }
    const fx = (x) => (kinds ? kinds.indexOf(x) : logX ? Math.log10(x) : x);
    let a = kinds ? x0 : fx(x0), b = kinds ? x1 : fx(x1);
    const margin = kinds ? 0 : (b - a || Math.abs(a) * 0.1 || 1) * 0.06;
    a -= margin;
    b += margin;
    const ys = describe(points.map((p) => p.y));
    let [y0, y1] = o.logY ? uPlot.rangeLog(ys.min, ys.min === ys.max ? ys.max * 2 : ys.max, 10, false)
      : uPlot.rangeNum(ys.min, ys.max, ys.min === ys.max ? 0.4 : 0.08, true);
    const fy = (y) => (o.logY ? Math.log10(y) : y);
    const px = (x) => left + ((x - a) / (b - a)) * w, py = (y) => top + t - ((fy(y) - fy(y0)) / (fy(y1) - fy(y0))) * t;

    g.strokeStyle = lines;
    g.fillStyle = ink;
    g.lineWidth = 1;
    g.textAlign = "right";
    g.textBaseline = "middle";
    for (const y of ticks(y0, y1, o.logY, 6)) {
      g.beginPath();
      g.moveTo(left, Math.round(py(y)) + 0.5);
      g.lineTo(width - right, Math.round(py(y)) + 0.5);
      g.stroke();
      g.fillText(number(y), left - 8, py(y));
    }
    g.textAlign = "center";
    g.textBaseline = "top";
    const own = numeric && distinct <= 8 ? [...new Set(points.map((p) => p.x))].sort(compare) : null;
    const texts = own ? [...textsOf(own).values()] : [];
    const places = kinds ? kinds.map((k, i) => [i, value(k)])
      : own ? own.map((x, i) => [fx(x), texts[i]]) : ticks(x0, x1, logX, Math.max(2, w / 70)).map((x) => [fx(x), number(x)]);
    let reached = -Infinity;
    for (const [x, text] of places) {
      const half = g.measureText(text).width / 2, at = px(x);
      g.beginPath();
      g.moveTo(Math.round(at) + 0.5, top);
      g.lineTo(Math.round(at) + 0.5, top + t);
      g.stroke();
      if (at - half < reached + 6) continue;
      g.fillText(kinds && text.length > 14 ? `${text.slice(0, 13)}\u2026` : text, at, top + t + 6);
      reached = at + half;
    }
    g.fillText(o.xLabel, left + w / 2, height - 16);
    g.save();
    g.translate(10, top + t / 2);
    g.rotate(-Math.PI / 2);
    g.textBaseline = "middle";
    g.fillText(o.yLabel, 0, 0);
    g.restore();

    // Points of one place are drawn beside each other, by a number that is the same at each drawing.
    const stray = distinct <= 12 && points.length > distinct ? Math.min(16, w / distinct / 5) : 0;
    const radius = points.length > 600 ? 2.5 : 4;
    points.forEach((p, i) => {
      const x = px(fx(p.x)) + stray * ((((i * 0.618034) % 1) - 0.5) * 2), y = py(p.y);
      g.beginPath();
      g.arc(x, y, radius, 0, 7);
      g.fillStyle = fade(p.color, points.length > 600 ? 0.5 : 0.75);
      g.fill();
      placed.push({ p, x, y });
    });
    if (o.means && distinct > 1 && distinct <= 60) {
      const groups = new Map();
      for (const p of points) groups.set(p.x, [...(groups.get(p.x) || []), p.y]);
      const means = [...groups].map(([x, list]) => ({ x: px(fx(x)), ...describe(list) })).sort((m, n) => m.x - n.x);
      g.strokeStyle = g.fillStyle = strong;
      g.lineWidth = 2;
      g.beginPath();
      if (!kinds) means.forEach((m, i) => (i ? g.lineTo(m.x, py(m.mean)) : g.moveTo(m.x, py(m.mean))));
      g.stroke();
      for (const m of means) {
        g.beginPath();
        if (m.n > 1) {
          const low = o.logY ? Math.max(y0, m.mean - m.sd) : m.mean - m.sd;
          g.moveTo(m.x, Math.min(top + t, py(low)));
          g.lineTo(m.x, Math.max(top, py(m.mean + m.sd)));
          g.stroke();
        }
        g.fillRect(m.x - 7, py(m.mean) - 1.5, 14, 3);
      }
    }
  }

  const picture = canvas(`${o.yLabel} against ${o.xLabel}, a point for each run`, (w) => (w < 500 ? 260 : 320), draw);
  const area = h("div", { class: "scatter" }, picture, tip);
  const element = h("figure", { class: "chart" }, area, note);
  let near = null;
  picture.addEventListener("pointermove", (e) => {
    const r = picture.getBoundingClientRect(), x = e.clientX - r.left, y = e.clientY - r.top;
    near = null;
    let best = 18 ** 2;
    for (const q of placed) {
      const d = (q.x - x) ** 2 + (q.y - y) ** 2;
      if (d < best) [best, near] = [d, q];
    }
    tip.hidden = !near;
    picture.style.cursor = near ? "pointer" : "default";
    if (!near) return;
    const { run } = near.p;
    tip.replaceChildren(h("b", {}, `run ${short(run.id)}`), h("div", {}, `${o.yLabel} ${number(near.p.y, 5)}`),
      ...Object.entries(run.parameters).slice(0, 8).map(([k, v]) => h("div", {}, `${k} ${value(restore(v), 17)}`)));
    tip.style.left = `${Math.min(near.x + 12, r.width - tip.offsetWidth - 4)}px`;
    tip.style.top = `${Math.max(0, Math.min(near.y + 12, r.height - tip.offsetHeight))}px`;
  });
  picture.addEventListener("pointerleave", () => (tip.hidden = true));
  picture.addEventListener("click", () => near && o.onOpen(near.p.run));

  return {
    element,
    update(changes) {
      Object.assign(o, changes);
      for (const p of o.points) {
        p.x = restore(p.x);
        p.y = restore(p.y);
      }
      picture.setAttribute("aria-label", `${o.yLabel} against ${o.xLabel}, a point for each of ${o.points.length} runs; the table has the numbers`);
      picture.redraw();
    },
  };
}
