// What the layers did from epoch to epoch: sizes of activations and gradients, weights, updates, dead units.

import { canvas, check, choice, h } from "./dom.js";
import { colorsOf, dash, variable, viridisRGB } from "./colors.js";
import { list, number, plural, restore } from "./format.js";
import { chart } from "./plot.js";

const quantities = {
  activation: ["activations", "Standard deviation of what each layer gives. Growing or shrinking from layer to layer, it explodes or vanishes."],
  gradient: ["gradients", "Norm of the gradient of each layer's weights."],
  weight: ["weights", "Norm of each layer's weights."],
  update: ["updates", "Size of a step's change relative to the weights; about 0.001 is usual."],
  dead: ["dead units", "Share of units that gave 0 for every sample looked at."],
};

function collect(lines) {
  const layers = new Map();
  const x = lines.map((line, i) => line.epoch ?? i + 1);
  const rises = x.every((v, i) => i === 0 || v > x[i - 1]);
  lines.forEach((line, i) => {
    for (const l of list(line.layers)) {
      const key = `${l.name} ${l.kind || ""}`.trim();
      if (!layers.has(key)) layers.set(key, { key, at: [], lines: [] });
      layers.get(key).at.push(rises ? x[i] : i + 1);
      layers.get(key).lines.push(l);
    }
  });
  return { layers: [...layers.values()], xLabel: rises && lines.some((l) => l.epoch !== undefined) ? "epoch" : "look" };
}

function heatMap(rows, name, log, xLabel) {
  const xs = [...new Set(rows.flatMap((r) => r.x))].sort((a, b) => a - b);
  const place = new Map(xs.map((x, i) => [x, i]));
  const f = (v) => (log ? (v > 0 ? Math.log10(v) : NaN) : v);
  let lo = Infinity, hi = -Infinity;
  for (const r of rows) for (const v of r.y) {
    if (v === null) continue;
    const u = f(v);
    if (u === u) [lo, hi] = [Math.min(lo, u), Math.max(hi, u)];
  }
  const t = (v) => (hi > lo ? (f(v) - lo) / (hi - lo) : 0.5);
  const tall = Math.max(14, Math.min(26, 420 / rows.length)), left = 120, bottom = 36;
  const readout = h("p", { class: "note", "aria-live": "off" });
  const rest = `Colours go from ${number(log ? 10 ** lo : lo)} (dark) to ${number(log ? 10 ** hi : hi)} (bright). Hatched: no number.`;
  readout.textContent = rest;
  const picture = canvas(`Heat map of ${name}: a row for each layer, a column for each ${xLabel}`, rows.length * tall + bottom, (g, width) => {
    const w = (width - left - 4) / xs.length;
    g.font = "12px system-ui, sans-serif";
    g.textBaseline = "middle";
    g.fillStyle = variable("--quiet");
    rows.forEach((r, i) => {
      g.textAlign = "right";
      g.fillStyle = variable("--quiet");
      g.fillText(r.key.length > 18 ? `${r.key.slice(0, 17)}\u2026` : r.key, left - 8, (i + 0.5) * tall);
      r.x.forEach((x, k) => {
        const v = r.y[k], u = v === null ? NaN : t(v), at = left + place.get(x) * w;
        if (u === u) {
          g.fillStyle = `rgb(${viridisRGB(u).join(",")})`;
          g.fillRect(at, i * tall, Math.ceil(w), tall - 1);
        } else {
          g.strokeStyle = variable("--quiet");
          g.strokeRect(at + 1, i * tall + 1, w - 2, tall - 3);
        }
      });
    });
    g.fillStyle = variable("--quiet");
    g.textAlign = "center";
    const every = Math.ceil(xs.length / Math.max(2, Math.floor((width - left) / 60)));
    xs.forEach((x, i) => i % every === 0 && g.fillText(number(x), left + (i + 0.5) * w, rows.length * tall + 10));
    g.fillText(xLabel, left + (width - left) / 2, rows.length * tall + 27);
  });
  picture.addEventListener("pointermove", (e) => {
    const r = picture.getBoundingClientRect(), row = rows[Math.floor((e.clientY - r.top) / tall)];
    const i = Math.floor(((e.clientX - r.left - left) / (r.width - left - 4)) * xs.length), k = row ? row.x.indexOf(xs[i]) : -1;
    readout.textContent = k < 0 ? rest : `${row.key}, ${xLabel} ${xs[i]}: ${row.y[k] === null ? "no number" : number(row.y[k], 5)}`;
  });
  picture.addEventListener("pointerleave", () => (readout.textContent = rest));
  return h("div", {}, picture, readout);
}

/** lines: those of layers.jsonl. */
export function layersView(lines) {
  const { layers, xLabel } = collect(list(lines));
  const there = Object.keys(quantities).filter((q) => layers.some((l) => l.lines.some((v) => v[q] !== undefined)));
  const state = { q: there[0], log: true, map: layers.length > 14 };
  const place = h("div", {}), controls = h("div", { class: "controls" }), about = h("p", { class: "note" });
  let now = null;

  function draw() {
    const q = state.q, palette = colorsOf(layers.length, layers.length > 6);
    let bad = 0;
    const rows = layers.map((l, i) => {
      const x = [], y = [];
      l.lines.forEach((v, k) => {
        if (v[q] === undefined || v[q] === null) return;
        const value = restore(v[q]), good = typeof value === "number" && Number.isFinite(value);
        x.push(l.at[k]);
        y.push(good ? value : null);
        bad += good ? 0 : 1;
      });
      return { key: l.key, label: l.key, x, y, color: palette[i], dash: layers.length > 6 ? undefined : dash(i) };
    }).filter((r) => r.x.length);
    about.textContent = quantities[q][1];
    if (now) now.destroy();
    now = null;
    if (state.map) {
      place.replaceChildren(heatMap(rows, quantities[q][0], state.log && q !== "dead", xLabel));
    } else {
      now = chart({ title: quantities[q][0], xLabel, series: rows, logY: state.log && q !== "dead", height: 280,
        notes: bad ? [`${plural(bad, "value")} nan or infinite: gaps in the curves.`] : [] });
      place.replaceChildren(now.element);
    }
  }
  const set = (name) => (v) => {
    state[name] = v;
    draw();
  };
  controls.append(choice("Size of", there.map((q) => [q, quantities[q][0]]), state.q, set("q")),
    choice("as", [["", "curves"], ["map", "heat map"]], state.map ? "map" : "", (v) => set("map")(v === "map")),
    check("log scale", state.log, set("log")));
  if (!there.length) return h("p", { class: "note" }, "No sizes were written.");
  draw();
  return h("div", {}, controls, about, place);
}

