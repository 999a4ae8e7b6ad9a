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
  if (Number.isInteger(v) && (size < 1e7 || (digits >= 10 && size < 1e21))) text = String(v);
  else if (size >= 1e6 || size < 1e-4) text = v.toExponential(Math.max(0, digits - 2)).replace(/\.?0+e/, "e").replace("e+", "e");
  else text = String(Number(v.toPrecision(size >= 1000 ? digits + 2 : digits)));
  return text.replace("-", "\u2212").replace("e-", "e\u2212");
}

export function duration(s) {
  if (typeof s !== "number" || !Number.isFinite(s)) return "";
  if (s < 0.9995) return `${Math.round(s * 1000)} ms`;
  if (s < 9.95) return `${s.toFixed(1)} s`;
  const whole = Math.round(s), m = Math.round(s / 60); // what is rounded goes over to the next unit
  if (whole < 60) return `${whole} s`;
  if (whole < 3600) return `${Math.floor(whole / 60)} min ${whole % 60} s`;
  return m < 60 * 48 ? `${Math.floor(m / 60)} h ${m % 60} min` : `${(m / 1440).toFixed(1)} days`;
}

export function time(text) {
  return typeof text === "string" ? text.replace("T", " ") : "";
}

/** Any value of JSON in one line; whole numbers in full. */
export function value(v, digits = 5) {
  if (typeof v === "number") return Number.isInteger(v) ? number(v, 21) : number(v, digits);
  if (v === null || v === undefined) return "";
  if (typeof v === "object") {
    const one = (x) => value(x, digits);
    return Array.isArray(v) ? `{${v.map(one).join(", ")}}`
      : `{${Object.entries(v).map(([k, x]) => `${k} = ${one(x)}`).join(", ")}}`;
  }
  return String(v).replace(/^\\(\\*(?:nan|inf|-inf))$/, "$1"); // a text that is such a word came with a backslash
}

/** What tells a value from others: its type and all its digits. */
export const keyOf = (v) => (v === undefined ? "none" : JSON.stringify(v));

/** Texts of values that are shown together, by their keys: with as many digits as tell them apart, in quotes where a text would be taken for another value. */
export function textsOf(values) {
  const distinct = new Map(values.map((v) => [keyOf(v), v]));
  const attempt = (show) => {
    const texts = new Map([...distinct].map(([k, v]) => [k, show(v)]));
    return [texts, new Set(texts.values()).size === texts.size];
  };
  const plain = (digits) => (v) => (v === undefined ? "none" : value(restore(v), digits));
  for (let digits = 5; digits <= 17; digits++) {
    const [texts, apart] = attempt(plain(digits));
    if (apart) return texts;
  }
  return attempt((v) => (typeof v === "string" && typeof restore(v) === "string" ? JSON.stringify(v) : v !== null && typeof v === "object"
    ? JSON.stringify(v) : v === null ? "null" : plain(17)(v)))[0];
}

/** A member of an object that came with a run: `constructor` may be one of its names, and is not otherwise there. */
export const own = (object, name) => (Object.prototype.hasOwnProperty.call(object, name) ? object[name] : undefined);

const words = { nan: NaN, inf: Infinity, "-inf": -Infinity };

/** The number that JSON has no word for, or what it is. */
export function restore(v) {
  return typeof v === "string" && Object.prototype.hasOwnProperty.call(words, v) ? words[v] : v;
}

/** Lua writes an empty list as {}. */
export function list(v) {
  return Array.isArray(v) ? v : v && typeof v === "object" ? Object.values(v) : [];
}

// Finite numbers, infinities, nan, texts; nothing is last.
export const rankOf = (v) => (v === undefined || v === null || v === "" ? 4 : typeof v !== "number" ? 3 : Number.isNaN(v) ? 2 : Number.isFinite(v) ? 0 : 1);

/** Numbers by size, then texts; nothing last. */
export function compare(a, b) {
  a = restore(a);
  b = restore(b);
  const ra = rankOf(a), rb = rankOf(b);
  if (ra !== rb) return ra - rb;
  if (ra <= 1) return a === b ? 0 : a - b;
  return ra === 3 ? value(a).localeCompare(value(b), undefined, { numeric: true }) : 0;
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
