// Texts of a run: the script with its words coloured, changes as a diff, the log. All of them are text nodes.

import { h } from "./dom.js";
import { plural } from "./format.js";

const linesMost = 3000;

const lua = /(--\[(=*)\[[\s\S]*?(?:\]\2\]|$)|--[^\n]*)|("(?:\\[\s\S]|[^"\\\n])*"?|'(?:\\[\s\S]|[^'\\\n])*'?|\[(=*)\[[\s\S]*?(?:\]\4\]|$))|(\b(?:and|break|do|else|elseif|end|false|for|function|goto|if|in|local|nil|not|or|repeat|return|then|true|until|while)\b)|(\b0[xX][\da-fA-F.]+(?:[pP][+-]?\d+)?|\b\d+\.?\d*(?:[eE][+-]?\d+)?)/g;
const kinds = [[1, "comment"], [3, "string"], [5, "keyword"], [6, "number"]];

function colored(text) {
  const out = [];
  let last = 0;
  for (const m of text.matchAll(lua)) {
    if (m.index > last) out.push(text.slice(last, m.index));
    const kind = kinds.find(([i]) => m[i] !== undefined);
    out.push(h("span", { class: `lua-${kind[1]}` }, m[0]));
    last = m.index + m[0].length;
  }
  out.push(text.slice(last));
  return out;
}

// Without the colours of a terminal, and with what a carriage return left of a line.
function plainLog(text) {
  // eslint-disable-next-line no-control-regex
  return text.replace(/\u001b\[[0-9;?]*[A-Za-z]/g, "").split("\n").map((line) => line.replace(/\r+$/, "").split("\r").pop()).join("\n");
}

function copyButton(text) {
  const button = h("button", { type: "button", class: "small", onclick: async () => {
    try {
      await navigator.clipboard.writeText(text);
      button.textContent = "copied";
    } catch {
      button.textContent = "not allowed here; select the text";
    }
    setTimeout(() => (button.textContent = "copy"), 1500);
  } }, "copy");
  return button;
}

function block(label, text, content) {
  const lines = text.replace(/\n$/, "").split("\n");
  const pre = h("pre", { tabindex: "0", role: "region", "aria-label": label });
  const say = (from) => pre.replaceChildren(...content(lines.slice(from).join("\n"), from));
  const long = lines.length > linesMost ? h("button", { type: "button", class: "small", onclick: () => {
    say(0);
    long.remove();
  } }, `show all ${lines.length.toLocaleString("en")} lines, not only the last ${linesMost.toLocaleString("en")}`) : null;
  say(Math.max(0, lines.length - linesMost));
  return [h("p", { class: "tools" }, h("span", { class: "note" }, plural(lines.length, "line")), copyButton(text), long), pre];
}

function numbered(text, from) {
  const n = text.split("\n").length;
  const numbers = Array.from({ length: n }, (_, i) => from + i + 1).join("\n");
  return [h("span", { class: "line-numbers", "aria-hidden": "true" }, numbers), h("code", {}, colored(text))];
}

function diff(text) {
  return text.split("\n").map((line) => {
    const kind = /^(\+\+\+|---|diff |index )/.test(line) ? "file" : line[0] === "@" ? "place" : line[0] === "+" ? "added"
      : line[0] === "-" ? "removed" : "";
    return h("span", { class: `diff ${kind}` }, line, "\n");
  });
}

export const scriptText = (text) => h("div", { class: "text script" }, block("the script", text, numbered));
export const diffText = (text) => h("div", { class: "text" }, block("changes", text, diff));
export const logText = (text) => h("div", { class: "text" }, block("the log", plainLog(text), (t) => [t]));
