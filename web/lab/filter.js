// What the filter's text means: words and comparisons, all of which must hold. `lr<0.1 depth=3 failed`.

import { restore, value } from "./format.js";

const comparison = /^([^<>=!~\s]+)(<=|>=|!=|=|<|>)(.+)$/;

function field(run, name) {
  for (const place of [run.parameters, run.result, run]) {
    if (Object.prototype.hasOwnProperty.call(place, name) && typeof place[name] !== "object") return restore(place[name]);
  }
  return undefined;
}

function test(v, op, text) {
  if (v === undefined) return false;
  const number = Number(text);
  const numeric = typeof v === "number" && !Number.isNaN(number);
  const a = numeric ? v : String(v).toLowerCase(), b = numeric ? number : text.toLowerCase();
  switch (op) {
    case "=": return a === b;
    case "!=": return a !== b;
    case "<": return a < b;
    case ">": return a > b;
    case "<=": return a <= b;
    default: return a >= b;
  }
}

function textOf(run) {
  if (!run.text) {
    const pairs = Object.entries(run.parameters).map(([k, v]) => `${k} ${value(v)}`);
    run.text = [run.id, run.directory, run.name, run.error || "", ...pairs].join("\n").toLowerCase();
  }
  return run.text;
}

/** A function of a run from the text; without text all runs pass. */
export function filter(text) {
  const tests = text.trim().split(/\s+/).filter(Boolean).map((word) => {
    const m = word.match(comparison);
    if (m) return (run) => test(field(run, m[1]), m[2], m[3]);
    const part = word.toLowerCase();
    return (run) => run.state === part || textOf(run).includes(part);
  });
  return (run) => tests.every((t) => t(run));
}
