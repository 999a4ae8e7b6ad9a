// Runs on disk for the tests: plain ones, and such as a page must not believe.

import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";

export const hostile = `</script><img src=x onerror="window.pwned=1"><script>window.pwned=2</script>\u2028"'&lt;`;

/** files: history (rows), layers (lines), samples, script, changes, log, figures {name: bytes}. */
export function writeRun(directory, about, result, files = {}) {
  mkdirSync(directory, { recursive: true });
  const put = (name, text) => writeFileSync(join(directory, name), text);
  put("run.json", JSON.stringify({ format: 1, doc: "", started: "2026-11-24T10:15:02", command: ["x.lua"],
    versions: { nnlua: "0.1.0" }, machine: { name: "here", threads: 1 }, ...about }));
  if (result) put("result.json", JSON.stringify({ state: "finished", seconds: 3.5, ended: "2026-11-24T10:15:05", result: {}, ...result }));
  const lines = (rows) => rows.map((r) => JSON.stringify(r) + "\n").join("");
  if (files.history) put("history.jsonl", typeof files.history === "string" ? files.history : lines(files.history));
  if (files.layers) put("layers.jsonl", lines(files.layers));
  if (files.samples) put("samples.json", JSON.stringify(files.samples));
  if (files.script) put("script.lua", files.script);
  if (files.changes) put("changes.diff", files.changes);
  if (files.log) put("log.txt", files.log);
  for (const [name, bytes] of Object.entries(files.figures || {})) {
    mkdirSync(join(directory, "figures"), { recursive: true });
    put(join("figures", name), bytes);
  }
}

const png = Buffer.from("iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==", "base64");

/** A run with everything that a run can have; `odd` stands where a run's own words do. */
export function fullRun(directory, odd = "") {
  const history = Array.from({ length: 100 }, (_, i) => ({
    epoch: i + 1, loss: i === 40 ? "nan" : 2 * Math.exp(-i / 30) + 0.01, valid_loss: i % 5 === 4 ? 2 * Math.exp(-i / 40) : undefined,
    accuracy: 1 - Math.exp(-i / 20), lr: 0.1 / (i + 1), seconds: 0.5, [`column${odd}`]: i, remark: `text${odd}`,
  }));
  const layers = Array.from({ length: 20 }, (_, i) => ({ epoch: i + 1, step: i * 5, layers: [1, 2, 3].map((k) => ({
    name: `${k}${odd}`, kind: "Linear", activation: k / (i + 1), gradient: i === 7 ? "inf" : 1 / (i + k), weight: 3, update: 0.001, dead: 0.1,
  })) }));
  writeRun(directory, { name: `full${odd}`, doc: `All of it${odd}`, parameters: { width: 32, lr: 0.1, seed: 1, [`p${odd}`]: `v${odd}` },
    git: { revision: "abcdef", changed: true } },
  { result: { accuracy: 0.9, loss: "inf", [`r${odd}`]: `s${odd}`, table: [[1, 2], [3, 4]] }, error: odd ? `e${odd}` : undefined },
  { history, layers, script: `-- comment${odd}\nlocal x = "string${odd}"\nreturn 0x1F\n`, changes: `--- a\n+++ b\n@@ 1 @@\n-old${odd}\n+new\n`,
    log: `epoch 1\repoch 2\n\u001b[31mred\u001b[0m${odd}\n`, figures: { [`fig${odd.replaceAll("/", "|")}.png`]: png },
    samples: {
      classes: [`cat${odd}`, `dog${odd}`], confusion: [[8, 2], [1, 9]],
      worst: [{ index: 3, true: 1, predicted: 2, probability: 0.998, image: [[0, 1], [0.5, 0.25]] }, { index: 5, true: 2, predicted: 1, probability: 0.7 }],
      boundary: { x: [-1, 1], y: [-1, 1], grid: [[1, 1, 2], [1, 2, 2], [2, 2, 2]], points: [[-0.5, -0.5, 1], [0.5, 0.5, 2]] },
      histograms: [{ name: `1.weight${odd}`, edges: [-1, 0, 1], counts: [3, 4] }],
      diagnosis: [{ verdict: `overfits${odd}`, evidence: `seen${odd}`, remedy: `less${odd}` }],
    } });
}

/** Runs whose parameters are nearly the same, or the same but for their type; numbers that are not finite; one that cannot be read. */
export function nearRuns(directory) {
  const history = (v) => [{ epoch: 1, loss: v }, { epoch: 2, loss: v }];
  const run = (name, i, parameters, result, more = {}) => writeRun(join(directory, name, `r${i}`), { name: "near", parameters, time: i }, { result, ...more },
    { history: history(typeof result.acc === "number" ? result.acc : 0.5) });
  [[5, 1.23456e-5, 1], [5, 1.23461e-5, 2], [12345678, 1.23456e-5, 10], [12345679, 1.23461e-5, 10.000001]]
    .forEach(([n, lr, acc], i) => run("digits", i, { n, lr, seed: 1, bias: 100.0004 }, { acc }));
  [[1, 1], ["1", 3], [2, "nan"], [2, 5], [2, "inf"], [undefined, 7], ["none", 9]]
    .forEach(([n, acc], i) => run("types", i, { n, constructor: i % 2 }, { acc, toString: i }, { seconds: 119.6 }));
  writeRun(join(directory, "types", "bad"), { name: "near", parameters: { n: [1, null, 3] } }, { result: {} });
  writeRun(join(directory, "types", "failed"), { name: "near", parameters: { n: 3, state: 4 } }, { state: "failed", error: "it broke there", result: { n: 8 } },
    { history: '{"epoch":1,"loss":1}\nbroken\n{"epoch":2,"loss":1e400}\n{"epoch":3,"loss":3}' });
  writeRun(join(directory, "types", "killed"), { name: "near", parameters: { n: 4 } }, null, { history: history(1) });
}

/** n runs that differ in lr and seed, of `rows` rows each. */
export function manyRuns(directory, n, rows) {
  for (let i = 0; i < n; i++) {
    const lr = [0.001, 0.01, 0.1][i % 3], seed = 1 + Math.floor(i / 3);
    writeRun(join(directory, `2026-11-24T10-15-02-${i.toString(16).padStart(4, "0")}`),
      { name: "many", parameters: { lr, seed, epochs: rows } },
      i % 10 === 9 ? { state: "failed", error: "it broke" } : { result: { accuracy: 0.5 + lr + seed / 10000, loss: i === 1 ? "nan" : 1 - lr } },
      { history: Array.from({ length: rows }, (_, k) => ({ epoch: k + 1, loss: (1 + seed / 100) * Math.exp(-lr * k) })) });
  }
}
