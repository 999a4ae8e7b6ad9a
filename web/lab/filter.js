// What the filter's text means: words and comparisons, all of which must hold. `lr < 0.1 depth=3 failed`. Names are as in nnlua
// runs --where: params.NAME and result.NAME are these, NAME alone is the parameter, else the result, else the run's own.

import { own, restore, value } from "./format.js";

const part = /(?:"([^"]*)"|([^<>=!~\s"]+))(?:\s*(<=|>=|!=|~=|==|=|<|>)\s*(?:"([^"]*)"|([^\s"]+)))?/g;
const fields = ["name", "state", "seconds", "started", "directory", "error", "id", "rows"];

function field(run, name) {
  const [, place, rest] = name.match(/^(params|result|run)\.(.+)$/) || [null, "", name];
  const places = { params: () => own(run.parameters, rest), result: () => own(run.result, rest), run: () => (fields.includes(rest) ? run[rest] : undefined) };
  for (const [key, get] of Object.entries(places)) {
    const v = !place || place === key ? get() : undefined;
    if (v !== undefined && v !== null && typeof v !== "object") return restore(v);
  }
  return undefined;
}

// The number that a text is; undefined: none.
function numberOf(text) {
  const word = text.replace(/^\+/, "").toLowerCase(), special = restore(word);
  if (typeof special === "number") return special;
  return text.trim() !== "" && !Number.isNaN(Number(text)) ? Number(text) : undefined;
}

function test(v, op, text, quoted) {
  if (v === undefined) return false;
  let a = String(v).toLowerCase(), b = text.toLowerCase();
  if (typeof v === "number" && !quoted) {
    a = v;
    b = numberOf(text);
    if (b === undefined) return op === "!=" || op === "~=";
  }
  const same = a === b || (Number.isNaN(a) && Number.isNaN(b)); // who asks for nan wants those that are
  switch (op) {
    case "=": case "==": return same;
    case "!=": case "~=": return !same;
    case "<": return a < b;
    case ">": return a > b;
    case "<=": return a <= b;
    default: return a >= b;
  }
}

function textOf(run) {
  if (!run.text) {
    const pairs = Object.entries(run.parameters).map(([k, v]) => `${k} ${value(v, 17)}`);
    run.text = [run.id, run.directory, run.name, run.error || "", ...pairs].join("\n").toLowerCase();
  }
  return run.text;
}

/** A function of a run from the text; without text all runs pass. */
export function filter(text) {
  const tests = [...text.matchAll(part)].map(([, quotedName, name, op, quotedText, word]) => {
    if (op) return (run) => test(field(run, name ?? quotedName), op, quotedText ?? word, quotedText !== undefined);
    const wanted = (quotedName ?? name).toLowerCase();
    return (run) => run.state === wanted || String(run.state).split(" ").includes(wanted) || textOf(run).includes(wanted);
  });
  return (run) => tests.every((t) => t(run));
}
