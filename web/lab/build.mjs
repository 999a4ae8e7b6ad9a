// Bundles the page into one file that needs no other: build.mjs OUT. Its own script and style are named in the policy by
// their hashes, so that nothing that comes with a run can ever be run.
import { build } from "esbuild";
import { createHash } from "node:crypto";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const here = dirname(fileURLToPath(import.meta.url));
const out = process.argv[2];
if (!out) {
  console.error("usage: node build.mjs OUT.html");
  process.exit(2);
}

async function bundle(entry, options) {
  const result = await build({
    absWorkingDir: here, entryPoints: [join(here, entry)], bundle: true, minify: true, write: false, charset: "ascii",
    legalComments: "none", target: ["chrome100", "firefox100", "safari15.4"], logLevel: "warning", ...options,
  });
  return result.outputFiles[0].text.trim();
}

const script = await bundle("page.js", { format: "iife" });
const style = await bundle("page.css", {});
if (/<\/script|<!--/i.test(script) || /<\/style/i.test(style)) {
  throw new Error("the bundle holds a text that would end its own element");
}
const licence = readFileSync(join(here, "node_modules/uplot/LICENSE"), "utf8").trim();
const hash = (text) => createHash("sha256").update(text).digest("base64");
const parts = {
  "SCRIPT-TEXT": script, "STYLE-TEXT": style, "sha256-SCRIPT": "sha256-" + hash(script), "sha256-STYLE": "sha256-" + hash(style),
};
const page = readFileSync(join(here, "page.html"), "utf8")
  .replace(/SCRIPT-TEXT|STYLE-TEXT|sha256-SCRIPT|sha256-STYLE/g, (name) => parts[name])
  .replace("<html", () => `<!-- The curves are drawn by uPlot:\n${licence}\n-->\n<html`);
mkdirSync(dirname(out), { recursive: true });
writeFileSync(out, page);
console.log(`${out}: ${Math.round(page.length / 1024)} KiB`);
