-- nnlua doc: the manual, offline. A name's entry as text, or all of it as one page that can be searched.

local core = require "nn.core"
local manual = require "nn.internal.manual"

local M = {}

local function escaped(text)
  return (text:gsub("[&<>\"]", { ["&"] = "&amp;", ["<"] = "&lt;", [">"] = "&gt;", ['"'] = "&quot;" }))
end

local function anchor(name)
  return (name:gsub("[^%w_]", "-"))
end

local style = [[
:root { color-scheme: light dark; --text: #1a1a1a; --back: #fff; --dim: #6a6a6a; --line: #ddd; --code: #f5f5f2; --link: #0b57a4; }
@media (prefers-color-scheme: dark) {
  :root { --text: #e4e4e0; --back: #17181a; --dim: #9a9a96; --line: #333; --code: #222426; --link: #7db7f5; } }
* { box-sizing: border-box; }
body { margin: 0; font: 15px/1.5 system-ui, sans-serif; color: var(--text); background: var(--back); }
nav { position: fixed; inset: 0 auto 0 0; width: 17rem; overflow-y: auto; border-right: 1px solid var(--line); padding: 1rem; }
main { margin-left: 17rem; padding: 1rem 2rem 40vh; max-width: 60rem; }
input { width: 100%; font: inherit; padding: .35rem .5rem; border: 1px solid var(--line); border-radius: 4px;
  color: inherit; background: var(--back); }
nav details { margin: .4rem 0; } nav summary { cursor: pointer; font-weight: 600; }
nav a { display: block; padding-left: 1rem; overflow-wrap: anywhere; }
a { color: var(--link); text-decoration: none; } a:hover { text-decoration: underline; }
h1 { font-size: 1.5rem; } h2 { font-size: 1.25rem; margin-top: 3rem; border-bottom: 1px solid var(--line); }
article { border-bottom: 1px solid var(--line); padding: .6rem 0; scroll-margin-top: .5rem; }
article:target { background: var(--code); }
code, pre { font: 13px/1.45 ui-monospace, "DejaVu Sans Mono", monospace; }
.head { font-weight: 600; overflow-wrap: anywhere; }
pre { background: var(--code); padding: .6rem .8rem; border-radius: 4px; overflow-x: auto; margin: .5rem 0; }
.body { white-space: pre-wrap; margin: .4rem 0; } .see, .source { color: var(--dim); margin: .2rem 0; font-size: .92em; }
#hits a { display: inline-block; margin-right: 1rem; font-family: ui-monospace, monospace; }
#found { margin: .5rem 0; color: var(--dim); font-size: .9em; } [hidden] { display: none !important; }
@media (max-width: 50rem) { nav { position: static; width: auto; border: 0; } main { margin: 0; padding: 1rem; } }]]

-- Every word must be in the entry, its name counting first; the address keeps what one looks for.
local script = [[
const box = document.querySelector("input"), found = document.querySelector("#found"), hits = document.querySelector("#hits");
const entries = [...document.querySelectorAll("article")].map(e => ({e, name: e.dataset.name.toLowerCase(),
  text: e.textContent.toLowerCase().replaceAll("_", " ")}));
const parts = [...document.querySelectorAll("main section")];
const rows = new Map([...document.querySelectorAll("nav a")].map(a => [a.getAttribute("href").slice(1), a]));
function look() {
  const words = box.value.toLowerCase().replaceAll("_", " ").split(/\s+/).filter(w => w);
  let n = 0;
  for (const {e, name, text} of entries) {
    const plain = name.replaceAll("_", " ");
    const fits = words.every(w => plain.includes(w) || text.includes(w));
    e.hidden = !fits;
    rows.get(e.id).hidden = !fits;
    n += fits;
  }
  for (const s of parts) s.hidden = ![...s.querySelectorAll("article")].some(e => !e.hidden);
  for (const d of document.querySelectorAll("nav details")) {
    const some = [...d.querySelectorAll("a")].some(a => !a.hidden);
    d.hidden = !some;
    d.open = words.length > 0 && some;
  }
  found.textContent = words.length ? n + (n == 1 ? " entry" : " entries") : "";
  // names come before texts: the nearest ones stand on top
  const rank = ({name}) => { const last = name.split(/[.:]/).pop(), w = box.value.trim().toLowerCase();
    return last == w ? 0 : last.startsWith(w) ? 1 : name.includes(w) ? 2 : 9; };
  hits.replaceChildren(...(words.length ? entries.filter(x => rank(x) < 9).sort((a, b) => rank(a) - rank(b)
    || a.name.localeCompare(b.name)).slice(0, 12) : []).map(x => {
      const a = document.createElement("a"); a.href = "#" + x.e.id; a.textContent = x.e.dataset.name; return a; }));
}
box.addEventListener("input", look);
addEventListener("keydown", e => { if (e.key == "/" && document.activeElement != box) { e.preventDefault(); box.focus(); }
  if (e.key == "Escape") { box.value = ""; look(); } });]]

-- "nn.optim.Adam" -> the anchor of its entry.
local function anchors(pages)
  local out = {}
  for _, page in ipairs(pages) do
    for _, name in ipairs(page.names) do
      local id = anchor(page.kind == "layers" and "layer-" .. name or name)
      if name:find ":" then
        out[name], out["nn." .. name] = id, id
      else
        out["nn." .. name] = id
        out["x:" .. name] = page.kind == "ops" and id or nil
      end
    end
  end
  return out
end

local function see_text(names, ids)
  local out = {}
  for i, name in ipairs(names) do
    out[i] = ids[name] and ('<a href="#%s">%s</a>'):format(ids[name], escaped(name)) or escaped(name)
  end
  return table.concat(out, ", ")
end

---The whole manual as one HTML page.
---@return string
function M.html()
  local pages = manual.pages()
  local ids = anchors(pages)
  local nav, body = {}, {}
  for _, page in ipairs(pages) do
    nav[#nav + 1] = ("<details><summary>%s</summary>"):format(escaped(page.title))
    body[#body + 1] = ("<section><h2>%s</h2>"):format(escaped(page.title))
    for _, name in ipairs(page.names) do
      local e = manual.entry(name)
      local full = name:find ":" and name or "nn." .. name
      local id = ids[full]
      nav[#nav + 1] = ('<a href="#%s">%s</a>'):format(id, escaped(name))
      body[#body + 1] = ('<article id="%s" data-name="%s"><div class="head"><code>%s</code></div>'):format(id, escaped(full),
        escaped(e.head))
      body[#body + 1] = ('<div class="body">%s</div>'):format(escaped(table.concat(e.body, "\n")))
      if #e.example > 0 then
        body[#body + 1] = ("<pre>%s</pre>"):format(escaped(table.concat(e.example, "\n")))
      end
      if #e.see > 0 then
        body[#body + 1] = ('<div class="see">See also: %s</div>'):format(see_text(e.see, ids))
      end
      if e.source then
        body[#body + 1] = ('<div class="source">Source: %s</div>'):format(escaped(e.source))
      end
      body[#body + 1] = "</article>"
    end
    nav[#nav + 1] = "</details>"
    body[#body + 1] = "</section>"
  end
  return table.concat({ '<!doctype html><html lang="en"><head><meta charset="utf-8">',
    '<meta name="viewport" content="width=device-width"><title>nnlua: the reference</title>', "<style>", style, "</style></head>",
    "<body><nav>", '<input type="search" placeholder="search ( / )" aria-label="search">', '<div id="found"></div>',
    table.concat(nav, "\n"), "</nav><main>", ("<h1>nnlua %s: the reference</h1>"):format(core.versions().nnlua),
    "<p>The same texts are at the prompt: <code>?softmax</code>, <code>??weight decay</code>.</p>", '<p id="hits"></p>',
    table.concat(body, "\n"),
    "</main><script>", script, "</script></body></html>\n" }, "\n")
end

local function write(path, text)
  local file, why = io.open(path, "w")
  if not file then
    core.raise(why)
  end
  local fine
  fine, why = file:write(text)
  local closed, later = file:close()
  if not (fine and closed) then
    core.raise(("%s: %s"):format(path, why or later))
  end
end

-- Where the page is kept: $XDG_CACHE_HOME/nnlua, or else ~/.cache/nnlua, or else the directory for temporary files.
local function kept_at()
  local base, home = os.getenv "XDG_CACHE_HOME", os.getenv "HOME"
  base = base and base ~= "" and base or home and home .. "/.cache" or nil
  local ok = base and core.try(core.make_directory, base .. "/nnlua")
  return (ok and base .. "/nnlua" or "/tmp") .. "/reference.html"
end

---nnlua doc
function M.main(_, args)
  local first = args[1]
  if first == "--html" then
    if not args[2] then
      core.raise "--html needs a file, e.g. nnlua doc --html reference.html"
    end
    write(args[2], M.html())
  elseif first == "--search" then
    print(require("nn.internal.search").search(table.concat(args, " ", 2)))
  elseif first and first:find "^%-" then
    core.raise(("there is no option '%s'\n%s"):format(first, require("nn.tool.usages").doc))
  elseif first then
    local help = require "nn.internal.help"
    local missing = false
    for _, name in ipairs(args) do
      local text = help.text((name:gsub("^nn%.", ""))) or ("there is no '%s'"):format(name)
      missing = missing or text:find "^there is no '" ~= nil
      print(text)
    end
    if missing then
      os.exit(1, true)
    end
  else
    local path = kept_at()
    write(path, M.html())
    print(path)
    local browser = os.getenv "BROWSER"
    local screen = (os.getenv "DISPLAY" or os.getenv "WAYLAND_DISPLAY") and "xdg-open"
    local program = browser and browser ~= "" and browser or screen
    if program then
      os.execute(("%s '%s' >/dev/null 2>&1 &"):format(program, (path:gsub("'", "'\\''"))))
    end
  end
end

return M
