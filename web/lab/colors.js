// Colours that colour-blind readers can tell apart (after Okabe & Ito 2008, darkened or lightened so that a line has a
// contrast of 3 to 1 on either ground), and scales for values (viridis, van der Walt & Smith 2015).

const light = ["#0072b2", "#d55e00", "#008a64", "#b0468a", "#9a6f00", "#2b8fc7", "#5f5f5f"];
const dark = ["#5bb8f0", "#ff9a52", "#2fc79b", "#e58fc4", "#f0c64a", "#9ad3ff", "#b9b9b9"];
const dashes = [undefined, [6, 4], [2, 3], [10, 3, 2, 3]];

const query = window.matchMedia("(prefers-color-scheme: dark)");
const watchers = new Set();
query.addEventListener("change", () => watchers.forEach((f) => f()));

export const isDark = () => query.matches;

export function onTheme(f) {
  watchers.add(f);
}

/** The colour of thing number i (from 0). */
export function color(i) {
  const p = query.matches ? dark : light;
  return p[i % p.length];
}

/** Beyond seven things, dashes tell them apart. */
export function dash(i) {
  return dashes[Math.floor(i / light.length) % dashes.length];
}

/** A colour of the style sheet: variable("--ink"). */
export function variable(name) {
  return getComputedStyle(document.documentElement).getPropertyValue(name).trim();
}

const viridis = [[68, 1, 84], [71, 44, 122], [59, 81, 139], [44, 113, 142], [33, 144, 141], [39, 173, 129], [92, 200, 99],
  [170, 220, 50], [253, 231, 37]];

export function viridisRGB(t) {
  const u = Math.min(1, Math.max(0, t)) * (viridis.length - 1), i = Math.min(viridis.length - 2, Math.floor(u)), f = u - i;
  return viridis[i].map((c, k) => Math.round(c + (viridis[i + 1][k] - c) * f));
}

/** A colour for a place in an order, t from 0 to 1, visible on the ground. */
export function ordered(t) {
  const u = query.matches ? 0.25 + 0.75 * t : 0.82 * t;
  return `rgb(${viridisRGB(u).join(",")})`;
}

/** Colours for n things that have an order, or have none. */
export function colorsOf(n, hasOrder) {
  return Array.from({ length: n }, (_, i) => hasOrder && n > 2 ? ordered(i / (n - 1)) : color(i));
}

/** The same colour, let through: alpha from 0 to 1. */
export function fade(c, alpha) {
  const m = c.match(/^#(..)(..)(..)$/);
  const rgb = m ? m.slice(1).map((x) => parseInt(x, 16)) : c.match(/\d+/g).slice(0, 3);
  return `rgba(${rgb.join(",")},${alpha})`;
}
