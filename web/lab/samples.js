// What the trained model makes of its samples: confusion, the worst of them, the decision boundary; and its weights.

import { canvas, choice, h, svg } from "./dom.js";
import { color, fade, isDark, variable } from "./colors.js";
import { list, number, restore } from "./format.js";

const className = (classes, i) => (classes && classes[i - 1] !== undefined ? String(classes[i - 1]) : String(i));
// 99.98 % is not 100 %.
const percent = (v) => (v === v ? `${(v > 0.999 && v < 1 ? 99.9 : 100 * v).toFixed((v < 0.0995 && v > 0) || (v > 0.99 && v < 1) ? 1 : 0)}\u00a0%` : "");

// ---- confusion ----

const blue = () => (isDark() ? [91, 184, 240] : [0, 114, 178]);
const orange = () => (isDark() ? [255, 154, 82] : [213, 94, 0]);

function cellStyle(share, diagonal) {
  const alpha = share > 0 ? 0.06 + 0.8 * Math.sqrt(share) : 0; // by the root, so that rare mistakes are seen
  const dark = isDark() ? alpha > 0.55 : alpha > 0.6;
  return { background: `rgba(${(diagonal ? blue() : orange()).join(",")},${alpha.toFixed(3)})`,
    color: dark ? (isDark() ? "#10151b" : "#fff") : "inherit" };
}

function bigConfusion(rows, sums, classes) {
  const n = rows.length, readout = h("p", { class: "note" }, "Point at a place to read it.");
  const picture = canvas(`Confusion matrix of ${n} classes: rows are true, columns predicted`, (w) => Math.min(w, 640), (g, width, height) => {
    const a = Math.min(width, height) / n;
    g.fillStyle = variable("--grid");
    g.fillRect(0, 0, a * n, a * n);
    rows.forEach((row, i) => row.forEach((v, j) => {
      if (!v) return;
      g.fillStyle = `rgba(${(i === j ? blue() : orange()).join(",")},${0.15 + (0.85 * v) / sums[i]})`;
      g.fillRect(j * a, i * a, Math.max(1, a - 0.5), Math.max(1, a - 0.5));
    }));
  });
  picture.addEventListener("pointermove", (e) => {
    const r = picture.getBoundingClientRect(), a = Math.min(r.width, r.height) / n;
    const i = Math.floor((e.clientY - r.top) / a), j = Math.floor((e.clientX - r.left) / a);
    if (rows[i] && rows[i][j] !== undefined) {
      readout.textContent = `${className(classes, i + 1)} taken for ${className(classes, j + 1)}: ${rows[i][j]} of ${sums[i]}`;
    }
  });
  return h("div", {}, picture, readout);
}

export function confusionView(confusion, classes) {
  const rows = list(confusion).map((r) => list(r).map(Number)), n = rows.length;
  const sums = rows.map((r) => r.reduce((a, b) => a + b, 0)), total = sums.reduce((a, b) => a + b, 0);
  const right = rows.reduce((a, r, i) => a + (r[i] || 0), 0);
  const columnSums = rows.map((_, j) => rows.reduce((a, r) => a + (r[j] || 0), 0));
  const pairs = rows.flatMap((r, i) => r.map((v, j) => ({ i, j, v }))).filter((p) => p.i !== p.j && p.v > 0).sort((a, b) => b.v - a.v).slice(0, 3);
  const said = h("p", { class: "note" }, `${percent(right / total)} of ${total.toLocaleString("en")} are right.`,
    pairs.length ? ` Most often confused: ${pairs.map((p) => `${className(classes, p.i + 1)} taken for ${className(classes, p.j + 1)} (${p.v})`).join(", ")}.` : "");
  if (n > 24) return h("div", {}, said, bigConfusion(rows, sums, classes));
  const place = h("div", { class: "scroller wide", tabindex: "0", role: "region", "aria-label": "Confusion matrix" });
  function draw(kind) {
    place.replaceChildren(h("table", { class: "confusion" },
      h("caption", {}, "Rows: the true class. Columns: the predicted one."),
      h("thead", {}, h("tr", {}, h("td", {}), rows.map((_, j) => h("th", { scope: "col" }, h("span", {}, className(classes, j + 1)))),
        h("th", { scope: "col" }, h("span", {}, "recall")))),
      h("tbody", {}, rows.map((r, i) => h("tr", {}, h("th", { scope: "row" }, className(classes, i + 1)),
        r.map((v, j) => h("td", { class: "number", style: cellStyle(v / sums[i], i === j),
          title: `${className(classes, i + 1)} taken for ${className(classes, j + 1)}: ${v} of ${sums[i]}` },
        v === 0 ? h("span", { class: "zero" }, "\u00b7") : kind === "share" ? percent(v / sums[i]) : v)),
        h("td", { class: "number sum" }, percent(r[i] / sums[i]))))),
      h("tfoot", {}, h("tr", {}, h("th", { scope: "row" }, "precision"),
        rows.map((r, j) => h("td", { class: "number sum" }, percent(r[j] / columnSums[j]))), h("td", {})))));
  }
  draw("count");
  return h("div", {}, said, h("div", { class: "controls" },
    choice("Show", [["count", "how many"], ["share", "share of the true class"]], "count", draw)), place);
}

// ---- worst samples ----

// Rows of grey values, or three planes or triples of colour.
function pixels(image) {
  const deep = list(image).map((r) => list(r));
  const planes = deep.length === 3 && Array.isArray(deep[0][0]) && deep[0].length > 3;
  const rows = planes ? deep[0].map((_, i) => list(deep[0][i]).map((__, j) => deep.map((p) => list(p[i])[j]))) : deep;
  let lo = Infinity, hi = -Infinity;
  for (const r of rows) for (const v of r) for (const c of [].concat(v)) [lo, hi] = [Math.min(lo, c), Math.max(hi, c)];
  return { rows, lo, span: hi > lo ? hi - lo : 1 };
}

function thumbnail(image, label) {
  const { rows, lo, span } = pixels(image), tall = rows.length, wide = rows[0] ? rows[0].length : 0;
  if (!wide || tall > 1024 || wide > 1024) return h("div", { class: "missing" }, "no image");
  const element = h("canvas", { role: "img", "aria-label": label, width: wide, height: tall });
  const g = element.getContext("2d"), data = g.createImageData(wide, tall);
  rows.forEach((r, i) => r.forEach((v, j) => {
    const at = 4 * (i * wide + j), c = [].concat(v).map((x) => (255 * (x - lo)) / span);
    data.data.set([c[0], c[1] ?? c[0], c[2] ?? c[0], 255], at);
  }));
  g.putImageData(data, 0, 0);
  return element;
}

export function worstView(worst, classes) {
  const all = list(worst), first = 24;
  const place = h("ul", { class: "worst" });
  const item = (w) => {
    const truth = className(classes, w.true), taken = className(classes, w.predicted);
    const label = `sample ${w.index}: ${truth}, predicted ${taken}`;
    return h("li", {}, w.image !== undefined ? thumbnail(w.image, label) : h("div", { class: "missing" }, `sample ${w.index}`),
      h("div", { class: "truth" }, truth), h("div", { class: "taken" }, h("span", { "aria-hidden": "true" }, "\u2192 "),
        h("span", { class: "unseen" }, "predicted "), taken, " ", h("span", { class: "note" }, percent(Number(restore(w.probability))))),
      h("div", { class: "note" }, `no. ${w.index}`));
  };
  place.append(...all.slice(0, first).map(item));
  const more = all.length > first ? h("button", { type: "button", class: "small", onclick: () => {
    place.append(...all.slice(first).map(item));
    more.remove();
  } }, `show all ${all.length}`) : null;
  return h("div", {}, h("p", { class: "note" }, `The true class, what the model takes it for, and how sure it is: the surest mistakes first.`), place, more);
}

// ---- decision boundary ----

export function boundaryView(boundary, classes) {
  const grid = list(boundary.grid).map((r) => list(r)), points = list(boundary.points).map((p) => list(p));
  const [x0, x1] = list(boundary.x), [y0, y1] = list(boundary.y);
  const used = [...new Set([...grid.flat(), ...points.map((p) => p[2])])].filter((c) => c !== undefined).sort((a, b) => a - b);
  const of = (c) => color(used.indexOf(c));
  const picture = canvas(`Decision boundary of ${used.length} classes over x from ${number(x0)} to ${number(x1)}, y from ${number(y0)} to ${number(y1)}`,
    (w) => Math.min(w * ((y1 - y0) / (x1 - x0) || 1), 520) + 24, (g, width, height) => {
      const bottom = 24, left = 48, tall = height - bottom, wide = Math.min(width - left, tall * ((x1 - x0) / (y1 - y0) || 1));
      const px = (x) => left + ((x - x0) / (x1 - x0)) * wide, py = (y) => tall - ((y - y0) / (y1 - y0)) * tall;
      grid.forEach((row, i) => row.forEach((c, j) => {
        g.fillStyle = fade(of(c), isDark() ? 0.34 : 0.26);
        const a = Math.floor(left + (j / row.length) * wide), b = Math.floor(left + ((j + 1) / row.length) * wide);
        const top = Math.floor(tall - ((i + 1) / grid.length) * tall), low = Math.floor(tall - (i / grid.length) * tall);
        g.fillRect(a, top, b - a, low - top);
      }));
      const r = points.length > 1000 ? 1.8 : 3.2;
      for (const [x, y, c] of points) {
        const k = used.indexOf(c);
        g.fillStyle = of(c);
        g.strokeStyle = variable("--card");
        g.lineWidth = 1;
        g.beginPath(); // shapes tell the classes apart, too
        if (k % 3 === 0) g.arc(px(x), py(y), r, 0, 7);
        else if (k % 3 === 1) g.rect(px(x) - r * 0.9, py(y) - r * 0.9, r * 1.8, r * 1.8);
        else {
          g.moveTo(px(x), py(y) - r * 1.3);
          g.lineTo(px(x) + r * 1.2, py(y) + r);
          g.lineTo(px(x) - r * 1.2, py(y) + r);
          g.closePath();
        }
        g.fill();
        g.stroke();
      }
      g.font = "12px system-ui, sans-serif";
      g.fillStyle = variable("--quiet");
      g.textBaseline = "top";
      for (const [t, align] of [[0, "left"], [0.5, "center"], [1, "right"]]) {
        g.textAlign = align;
        g.fillText(number(x0 + t * (x1 - x0), 3), left + t * wide, tall + 6);
      }
      g.textAlign = "right";
      for (const [t, base] of [[0, "bottom"], [0.5, "middle"], [1, "top"]]) {
        g.textBaseline = base;
        g.fillText(number(y0 + t * (y1 - y0), 3), left - 6, tall - t * tall);
      }
    });
  const signs = ["\u25cf", "\u25a0", "\u25b2"];
  return h("div", { class: "boundary" }, picture, h("ul", { class: "legend" }, used.map((c, k) => h("li", {},
    h("span", { class: "plain" }, h("span", { style: { color: of(c) }, "aria-hidden": "true" }, signs[k % 3]), " ", className(classes, c))))));
}

// ---- histograms ----

function histogram(given) {
  const edges = list(given.edges).map(Number), counts = list(given.counts).map(Number);
  const w = 260, t = 90, n = counts.length, most = Math.max(1, ...counts), total = counts.reduce((a, b) => a + b, 0);
  const lo = edges[0], hi = edges[edges.length - 1], label = String(given.name);
  const zero = lo < 0 && hi > 0 ? ((0 - lo) / (hi - lo)) * w : null;
  return h("figure", { class: "histogram" }, h("figcaption", {}, label, h("span", { class: "note" }, ` ${total.toLocaleString("en")} weights`)),
    svg("svg", { viewBox: `0 0 ${w} ${t + 16}`, role: "img", "aria-label": `Histogram of ${label} from ${number(lo)} to ${number(hi)}` },
      counts.map((c, i) => {
        const a = ((edges[i] - lo) / (hi - lo || 1)) * w, b = ((edges[i + 1] - lo) / (hi - lo || 1)) * w, tall = (c / most) * (t - 4);
        return svg("rect", { x: a, y: t - tall, width: Math.max(0.5, b - a - 0.5), height: tall, class: "bar" },
          svg("title", {}, `${number(edges[i])} to ${number(edges[i + 1])}: ${c}`));
      }),
      svg("line", { x1: 0, x2: w, y1: t, y2: t, class: "base" }),
      zero === null ? null : svg("line", { x1: zero, x2: zero, y1: 0, y2: t, class: "zero-line" }),
      svg("text", { x: 0, y: t + 13 }, number(lo, 3)), svg("text", { x: w, y: t + 13, "text-anchor": "end" }, number(hi, 3)),
      zero === null || zero < 50 || zero > w - 50 ? null : svg("text", { x: zero, y: t + 13, "text-anchor": "middle" }, "0")));
}

export function histogramsView(histograms) {
  const all = list(histograms), first = 24;
  const place = h("div", { class: "histograms" }, all.slice(0, first).map(histogram));
  const more = all.length > first ? h("button", { type: "button", class: "small", onclick: () => {
    place.append(...all.slice(first).map(histogram));
    more.remove();
  } }, `show all ${all.length}`) : null;
  return h("div", {}, place, more);
}

export function diagnosisView(diagnosis) {
  return h("ul", { class: "diagnosis" }, list(diagnosis).map((d) => h("li", {}, h("b", {}, d.verdict),
    d.evidence ? h("p", {}, d.evidence) : null, d.remedy ? h("p", { class: "remedy" }, h("span", { class: "note" }, "Try: "), d.remedy) : null)));
}

