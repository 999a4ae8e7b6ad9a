// Numbers, times and values as a person reads them.

/** About `digits` digits: 0.8643, 1.25e-5, 109386. */
export function number(v, digits = 4) {
  if (v === null || v === undefined) return "";
  if (typeof v !== "number") return String(v);
  if (Number.isNaN(v)) return "nan";
  if (!Number.isFinite(v)) return v > 0 ? "inf" : "\u2212inf";
  let text;
  const size = Math.abs(v);
  if (v === 0) return "0";
  if (Number.isInteger(v) && size < 1e7) text = String(v);
  else if (size >= 1e6 || size < 1e-4) text = v.toExponential(Math.max(0, digits - 2)).replace(/\.?0+e/, "e").replace("e+", "e");
  else text = String(Number(v.toPrecision(size >= 1000 ? digits + 2 : digits)));
  return text.replace("-", "\u2212").replace("e-", "e\u2212");
}

export function duration(s) {
  if (typeof s !== "number" || !Number.isFinite(s)) return "";
  if (s < 1) return `${Math.round(s * 1000)} ms`;
  if (s < 60) return `${s < 10 ? s.toFixed(1) : Math.round(s)} s`;
  const m = Math.round(s / 60);
  if (s < 3600) return `${Math.floor(s / 60)} min ${Math.round(s % 60)} s`;
  return m < 60 * 48 ? `${Math.floor(m / 60)} h ${m % 60} min` : `${(m / 1440).toFixed(1)} days`;
}

export function time(text) {
  return typeof text === "string" ? text.replace("T", " ") : "";
}

/** Any value of JSON in one line. */
export function value(v) {
  if (typeof v === "number") return number(v, 5);
  if (v === null || v === undefined) return "";
  if (typeof v === "object") {
    return Array.isArray(v) ? `{${v.map(value).join(", ")}}`
      : `{${Object.entries(v).map(([k, x]) => `${k} = ${value(x)}`).join(", ")}}`;
  }
  return String(v);
}

const words = { nan: NaN, inf: Infinity, "-inf": -Infinity };

/** The number that JSON has no word for, or what it is. */
export function restore(v) {
  return typeof v === "string" && Object.prototype.hasOwnProperty.call(words, v) ? words[v] : v;
}

/** Lua writes an empty list as {}. */
export function list(v) {
  return Array.isArray(v) ? v : v && typeof v === "object" ? Object.values(v) : [];
}

/** Numbers by size, then texts; nothing last. */
export function compare(a, b) {
  a = restore(a);
  b = restore(b);
  const rank = (v) => v === undefined || v === null || v === "" ? 3 : typeof v === "number" ? (Number.isNaN(v) ? 1 : 0) : 2;
  const ra = rank(a), rb = rank(b);
  if (ra !== rb) return ra - rb;
  if (ra === 0) return a - b;
  return ra === 2 ? value(a).localeCompare(value(b), undefined, { numeric: true }) : 0;
}

/** The end of a directory's name, which tells it from others: 7f3a of 2026-11-24T10-15-02-7f3a. */
export function short(id) {
  const last = String(id).replace(/\/+$/, "").split("/").pop();
  const end = last.match(/^\d{4}-\d\d-\d\dT[\d-]+-([0-9a-f]{4})$/);
  return end ? end[1] : last;
}

export function plural(n, one, many) {
  return `${n.toLocaleString("en")} ${n === 1 ? one : many || one + "s"}`;
}
