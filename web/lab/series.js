// Curves as lists of numbers: one axis for many of them, means and spreads, smoothing. No element is touched here.

/** All x of the curves, each once, in order. Where all are the same, that one. */
export function union(xs) {
  const first = xs[0] || [];
  const same = xs.every((x) => {
    if (x === first) return true;
    if (x.length !== first.length) return false;
    for (let i = 0; i < x.length; i++) if (x[i] !== first[i]) return false;
    return true;
  });
  if (same) return { x: first, same };
  let total = 0;
  for (const x of xs) total += x.length;
  const all = new Float64Array(total);
  let at = 0;
  for (const x of xs) {
    all.set(x, at);
    at += x.length;
  }
  all.sort();
  const out = [];
  for (let i = 0; i < total; i++) if (i === 0 || all[i] !== all[i - 1]) out.push(all[i]);
  return { x: out, same };
}

/** A curve's y on an axis that has more points: undefined where it has none, so that the line goes on. */
export function spread(axis, x, y) {
  const out = new Array(axis.length);
  let k = 0;
  for (let i = 0; i < axis.length && k < x.length; i++) if (axis[i] === x[k]) out[i] = y[k++];
  return out;
}

/** Exponential moving average without the pull of its beginning (Kingma & Ba 2015, section 3). */
export function smooth(y, beta) {
  if (!beta) return y;
  let m = 0, weight = 1;
  return y.map((v) => {
    if (v === null || v === undefined) return v;
    m = beta * m + (1 - beta) * v;
    weight *= beta;
    return m / (1 - weight);
  });
}

/** Mean and standard deviation (of the sample, n - 1) at each x over the curves that have a number there. */
export function meanOf(curves) {
  const { x, same } = union(curves.map((c) => c.x));
  const n = x.length, count = new Uint32Array(n), mean = new Float64Array(n), m2 = new Float64Array(n);
  for (const c of curves) {
    let k = 0;
    for (let i = 0; i < n && k < c.x.length; i++) {
      if (!same && c.x[k] !== x[i]) continue;
      const v = c.y[k++];
      if (v === null || v === undefined) continue;
      const d = v - mean[i];
      mean[i] += d / ++count[i];
      m2[i] += d * (v - mean[i]);
    }
  }
  const xs = [], y = [], lo = [], hi = [], least = [];
  for (let i = 0; i < n; i++) {
    if (count[i] === 0) continue;
    const sd = count[i] > 1 ? Math.sqrt(m2[i] / (count[i] - 1)) : 0;
    xs.push(x[i]);
    y.push(mean[i]);
    lo.push(mean[i] - sd);
    hi.push(mean[i] + sd);
    least.push(count[i]);
  }
  return { x: xs, y, lo, hi, count: least };
}

/** Mean, standard deviation, least, most and number of the finite ones; bad: how many numbers are not finite. */
export function describe(values) {
  const v = values.filter((x) => typeof x === "number" && Number.isFinite(x));
  const mean = v.reduce((a, b) => a + b, 0) / v.length;
  const sd = v.length > 1 ? Math.sqrt(v.reduce((a, b) => a + (b - mean) ** 2, 0) / (v.length - 1)) : 0;
  return { n: v.length, bad: values.filter((x) => typeof x === "number").length - v.length, mean, sd, min: v.reduce((a, b) => Math.min(a, b), Infinity), max: v.reduce((a, b) => Math.max(a, b), -Infinity) };
}
