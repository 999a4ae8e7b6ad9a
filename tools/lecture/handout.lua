-- One page for each experiment, as HTML that prints on paper: docs/lecture/handouts/NN_name.html, and the
-- style they share, style.css beside them.

local M = {}

local function html(text)
  return (tostring(text):gsub("&", "&amp;"):gsub("<", "&lt;"):gsub(">", "&gt;"))
end

local style = [[
body { font: 10.5pt/1.35 Georgia, "DejaVu Serif",
  serif; color: #111; background: #fff; max-width: 46em; margin: 2em auto; padding: 0 1em; }
h1 { font-size: 16pt; margin: 0; } header p { margin: .2em 0; color: #444; }
blockquote { margin: .6em 0; padding-left: .8em; border-left: 3px solid #0072b2; font-style: italic; }
table { border-collapse: collapse; font-size: 8.5pt; margin: .4em 0; font-family: sans-serif; display: block; overflow-x: auto; }
th, td { border-bottom: 1px solid #ccc; padding: .15em .5em; text-align: right; } th:first-child,
  td:first-child { text-align: left; }
img { max-width: 48%; height: auto; } figure { margin: .4em 0; } .finding { border: 1px solid #0072b2; padding: .5em .8em; }
details { margin: .2em 0 .5em 1em; } code { font-size: 9pt; } h2 { font-size: 11pt; margin: .8em 0 .2em; }
@media print { body { margin: 0; max-width: none; font-size: 8.4pt; line-height: 1.25; }
  h1 { font-size: 13pt; } h2 { font-size: 9.5pt; margin: .5em 0 .1em; }
  p, blockquote { margin: .35em 0; }
  table { font-size: 6.8pt; } th, td { padding: .05em .4em; } img { max-width: 44%; } details, nav { display: none; }
  @page { size: A4; margin: 14mm; } }
]]

-- The tables that fit on a page: of few rows and columns, two at most.
local function chosen(parts)
  local tables, pictures = {}, {}
  for _, part in ipairs(parts or {}) do
    if part.kind == "table" and #tables < 2 and #part.rows <= 14 then
      tables[#tables + 1] = part
    elseif part.kind == "picture" and #pictures < 2 then
      pictures[#pictures + 1] = part
    end
  end
  return tables, pictures
end

local function page(r, before, after)
  local out = {}
  local function add(format, ...)
    out[#out + 1] = select("#", ...) > 0 and format:format(...) or format
  end
  local number = r.script:match "^%d+"
  add('<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">')
  add('<title>%s. %s</title><link rel="stylesheet" href="style.css"></head><body>', number, html(r.title))
  add("<header><h1>%s. %s</h1><p>Slide: %s%s</p></header>", number, html(r.title), html(r.slide), r.citation and "<br>Source: "
    .. html(r.citation) or "")
  add("<blockquote>%s</blockquote><p>%s</p>", html(r.says), html(r.does))
  if r.wrong then
    add("<p><b>Wrong on the slide:</b> %s</p>", html(r.wrong))
  end
  if r.asks then
    add "<h2>Predict, then run</h2>"
    for _, a in ipairs(r.asks) do
      add("<p>%s</p><details><summary>answer</summary>%s</details>", html(a[1]), html(a[2]))
    end
  end
  add("<h2>Run it</h2><p><code>./nnlua scripts/lecture/%s</code> (%.0f s; <code>--help</code> shows its knobs)</p>", r.script,
    math.max(1, r.seconds or 0))
  local tables, pictures = chosen(r.parts)
  add "<h2>What comes out</h2>"
  for _, t in ipairs(tables) do
    if t.caption then
      add("<p>%s</p>", html(t.caption))
    end
    local cells = {}
    for c, name in ipairs(t.columns) do
      cells[c] = "<th>" .. html(name) .. "</th>"
    end
    add("<table><tr>%s</tr>", table.concat(cells))
    for _, row in ipairs(t.rows) do
      cells = {}
      for c, v in ipairs(row) do
        cells[c] = "<td>" .. html(v) .. "</td>"
      end
      add("<tr>%s</tr>", table.concat(cells))
    end
    add "</table>"
  end
  if #pictures > 0 then
    add "<figure>"
    for _, p in ipairs(pictures) do
      add('<img src="../%s" alt="%s">', p.file, html(p.title or ""))
    end
    add "</figure>"
  end
  add('<p class="finding"><b>Finding.</b> %s.%s</p>', html(r.finding), r.seeds and r.again and (
    " At other seeds (from %d): %s."):format(r.fresh_seed, html(r.again)) or "")
  local links = {}
  for label, other in pairs { ["previous"] = before or false, ["next"] = after or false } do
    if other then
      links[#links + 1] = ('<a href="%s.html">%s</a>'):format(other.script:gsub("%.lua$", ""), label)
    end
  end
  table.sort(links)
  add("<nav><p>%s</p></nav></body></html>", table.concat(links, " · "))
  return table.concat(out, "\n") .. "\n"
end

local function write(name, text)
  local f = assert(io.open("docs/lecture/handouts/" .. name, "w"))
  assert(f:write(text))
  assert(f:close())
end

function M.all(records)
  write("style.css", style)
  for i, r in ipairs(records) do
    write(r.script:gsub("%.lua$", "") .. ".html", page(r, records[i - 1], records[i + 1]))
  end
end

return M
