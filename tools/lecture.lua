-- make lecture: runs every script of scripts/lecture at full size, keeps its pictures in docs/lecture/, and writes
-- docs/lecture.md: the lecture retold around the experiments.
--
--   nnlua tools/lecture.lua [NUMBER ...]     only these scripts again; the others' records are kept in build/lecture/

local nn = require "nn"
local core = require "nn.core"

local program = (arg[-1] and arg[-1]:sub(1, 1) ~= "-") and arg[-1] or "./nnlua"
local wanted = {}
for _, n in ipairs(arg) do
  wanted[n] = true
end
core.make_directory "build/lecture"
core.make_directory "docs/lecture"
if not nn.plot.available() then
  io.stderr:write "make lecture draws with gnuplot: apt-get install gnuplot-nox\n"
  os.exit(1)
end

local scripts = {}
for path in io.popen("ls scripts/lecture/[0-9]*.lua"):lines() do
  scripts[#scripts + 1] = path
end

local function read_json(path)
  local f = io.open(path)
  if not f then
    return nil
  end
  local text = f:read "a"
  f:close()
  return core.json_decode(text)
end

local records, failed = {}, 0
for _, path in ipairs(scripts) do
  local name = path:match "([^/]+)%.lua$"
  local number = name:match "^%d+"
  local json = ("build/lecture/%s.json"):format(name)
  if next(wanted) == nil or wanted[number] or not core.file_exists(json) then
    local started = core.time()
    io.write(("%-34s "):format(name))
    io.stdout:flush()
    local command = "NNLUA_LECTURE=%s %s --out docs/lecture %s --no-record > build/lecture/%s.txt 2>&1"
    local ok = os.execute(command:format(json, program, path, name))
    if not ok then
      failed = failed + 1
      os.remove(json)
      print("FAILED: " .. (io.popen(("tail -n 3 build/lecture/%s.txt"):format(name)):read "a"))
    else
      local record = read_json(json)
      record.seconds = core.time() - started
      local f = assert(io.open(json, "w"))
      f:write(core.json_encode(record))
      f:close()
      print(("%5.1f s  %s"):format(record.seconds, record.finding))
    end
  end
  records[#records + 1] = read_json(json)
end

-- ---- the page ----

local out = {}
local function add(format, ...)
  out[#out + 1] = select("#", ...) > 0 and format:format(...) or format
end
local function cell(text)
  return (tostring(text):gsub("|", "\\|"):gsub("\n", " "))
end
local function with_article(text)
  return (text:gsub("([*_<])", "\\%1"))
end

add [[
# The lecture, checked

This page retells a deep-learning lecture (perceptron, multi-layer perceptron, backpropagation, vanishing gradient, activations,
losses, initialization, dropout, batch normalization, weight decay) around experiments. Each sentence of the slides has a script
that you can run. It prints what the slide says, what it does, a table, a picture, and one finding with a number:

    ./nnlua scripts/lecture/12_backpropagation_by_hand.lua
    ./nnlua --out pictures scripts/lecture/12_backpropagation_by_hand.lua    # pictures as PNG files

Without `--out` the pictures appear in the terminal. `--small` runs a smaller version in about a second. A script stops with an error
if its finding does not hold; `make test` runs all of them small, and `make lecture` runs all of them in full and writes this page.
Nothing here is written by hand but the words: numbers and pictures are what the scripts printed.
]]

add "\n## Slides, tools, scripts, findings\n"
add "| | slide | tools | script | finding |"
add "| --- | --- | --- | --- | --- |"
for _, r in ipairs(records) do
  add("| %s | %s | %s | [%s](../scripts/lecture/%s) | %s |", r.script:match "^%d+", cell(r.slide), cell(r.tools or ""), r.script,
    r.script, cell(r.finding))
end

add "\n## Building blocks\n"
add "Where each tool is proved. *Golden*: 20 steps (or all values) against PyTorch, tests/lua/golden/test_lecture.lua.\n"
add "| what | tools | tested by |"
add "| --- | --- | --- |"
for _, row in ipairs(dofile "tools/lecture_blocks.lua") do
  add("| %s | %s | %s |", row[1], row[2], row[3])
end

add "\n## Papers reproduced in kind\n"
for _, r in ipairs(records) do
  for _, part in ipairs(r.parts or {}) do
    if part.kind == "text" and (part.text:find "^Agree" or part.text:find "^Their claim" or part.text:find "^Input dropout") then
      add("- **%s** ([%s](../scripts/lecture/%s)): %s", r.source or r.title, r.script, r.script, with_article(part.text))
    end
  end
end

for _, r in ipairs(records) do
  add("\n## %s. %s\n", r.script:match "^%d+", r.title)
  add("*Slide: %s*%s\n", r.slide, r.source and ("  \n*Source: %s*"):format(r.source) or "")
  add("> %s\n", with_article(r.says))
  add("%s\n", with_article(r.does))
  for _, part in ipairs(r.parts or {}) do
    if part.kind == "text" then
      add("%s\n", with_article(part.text))
    elseif part.kind == "picture" then
      add("![%s](lecture/%s)\n", part.title or r.title, part.file)
    elseif part.kind == "table" then
      if part.caption then
        add("%s\n", part.caption)
      end
      local heads, dashes = {}, {}
      for c, name in ipairs(part.columns) do
        heads[c], dashes[c] = cell(name), "---"
      end
      add("| %s |", table.concat(heads, " | "))
      add("| %s |", table.concat(dashes, " | "))
      for _, row in ipairs(part.rows) do
        local cells = {}
        for c, value in ipairs(row) do
          cells[c] = cell(value)
        end
        add("| %s |", table.concat(cells, " | "))
      end
      add ""
    end
  end
  add("**Finding:** %s. Run it: `./nnlua scripts/lecture/%s` (%.0f s)", with_article(r.finding), r.script, math.max(1, r.seconds or 0))
  if r.checks and #r.checks > 0 then
    add "\nThe script fails unless:"
    local seen, n = {}, 0
    for _, c in ipairs(r.checks) do
      local shape = c:gsub("%d+%.?%d*", "#")
      if not seen[shape] and n < 6 then
        seen[shape], n = true, n + 1
        add("- %s", with_article(c))
      end
    end
  end
end
add ""
local f = assert(io.open("docs/lecture.md", "w"))
f:write(table.concat(out, "\n"))
f:close()
print(("docs/lecture.md: %d scripts, %d failed"):format(#records, failed))
os.exit(failed == 0 and 0 or 1)
