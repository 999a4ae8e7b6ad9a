-- docs/lecture.md and docs/errata.md, from the records of the last runs.

local M = {}

local out = {}
local function add(format, ...)
  out[#out + 1] = select("#", ...) > 0 and format:format(...) or format
end
local function cell(text)
  return (tostring(text):gsub("|", "\\|"):gsub("\n", " "))
end
local function marked(text)
  return (text:gsub("([*_<])", "\\%1"))
end
local function write(path)
  out[#out + 1] = ""
  local f = assert(io.open(path, "w"))
  f:write(table.concat(out, "\n"))
  f:close()
  out = {}
end

local function by_number(records)
  local list = {}
  for _, r in ipairs(records) do
    list[r.script:match "^%d+"] = r
  end
  return list
end

local function linked(numbers, known)
  local list = {}
  for number in numbers:gmatch "%d+" do
    local r = known[number]
    list[#list + 1] = r and ("[%s](../scripts/lecture/%s)"):format(number, r.script) or number
  end
  return table.concat(list, " ")
end

local function show(part)
  if part.kind == "text" then
    add("%s\n", marked(part.text))
  elseif part.kind == "picture" then
    add("![%s](lecture/%s)\n", part.title or "", part.file)
  elseif part.kind == "table" then
    if part.caption then
      add("%s\n", part.caption)
    end
    local heads, dashes = {}, {}
    for c, name in ipairs(part.columns) do
      heads[c], dashes[c] = name == "" and " " or cell(name), "---"
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

local function section(r)
  local number = r.script:match "^%d+"
  add("\n## %s. %s\n", number, r.title)
  add("<!-- made from %s %s -->\n", r.script, r.source)
  add("*Slide: %s*%s\n", r.slide, r.citation and ("  \n*Source: %s*"):format(r.citation) or "")
  add("> %s\n", marked(r.says))
  add("%s\n", marked(r.does))
  if r.wrong then
    add("**Wrong on the slide:** %s ([errata](errata.md))\n", marked(r.wrong))
  end
  if r.asks then
    add "Predict, then run:\n"
    for _, a in ipairs(r.asks) do
      add("- %s <details><summary>answer</summary>%s</details>", marked(a[1]), marked(a[2]))
    end
    add ""
  end
  for _, part in ipairs(r.parts or {}) do
    show(part)
  end
  add("**Finding:** %s. Run it: `./nnlua scripts/lecture/%s` (%.0f s%s)\n", marked(r.finding), r.script, math.max(1, r.seconds
    or 0),
    r.seeds and (", %d runs, seeds from %d"):format(r.seeds, r.seed) or "")
  if r.seeds and r.again then
    add("At the seeds from %d: %s.\n", r.fresh_seed, marked(r.again))
  end
  if r.checks and #r.checks > 0 then
    add "The script fails unless:"
    local seen, n = {}, 0
    for _, c in ipairs(r.checks) do
      local shape = c:gsub("%d+%.?%d*", "#")
      if not seen[shape] and n < 8 then
        seen[shape], n = true, n + 1
        add("- %s", marked(c))
      end
    end
  end
end

---@param records table[] in the order of their numbers
function M.lecture(records)
  local known, revisions, kernels, list = by_number(records), {}, "", {}
  for _, r in ipairs(records) do
    if r.revision and not revisions[r.revision] then
      revisions[r.revision] = true
      list[#list + 1] = r.revision
    end
    kernels = r.kernels or kernels
  end
  add([[
# The lecture, checked

This page retells a deep-learning lecture (perceptron, multi-layer perceptron, backpropagation, vanishing gradient,
activations, losses, initialization, dropout, batch normalization, weight decay) around %d experiments. Each prints what the
slide says, what it does, tables, pictures, and one finding:

    ./nnlua scripts/lecture/12_backpropagation_by_hand.lua
    ./nnlua scripts/lecture/24_initializers_deep.lua --depth 60 --seeds 3 --seed 100
    ./nnlua --out pictures scripts/lecture/24_initializers_deep.lua    # pictures as PNG files

A finding is a statement about a distribution. Each experiment runs at several seeds, and everything random in it, its data
too, follows the seed. A comparison is paired by seed; it is shown with its mean and Student's interval of 99%%, and where
that holds 0 the words are "within noise", which says that these runs do not tell the two apart: the sentence of the finding
is made of the interval, so that it cannot say more. Each interval is for itself: of a hundred, one misses. `--seed N` and
`--seeds K` choose other seeds, `--small` a version of about a second, `--help` shows the knobs of each. A script stops with
an error if its finding does not hold. `make lecture` runs all of them in full at the seeds from 1 and at fresh ones that the clock
chooses, fails if a difference is on the other side there, and writes this page and [errata.md](errata.md), what is wrong on
the slides. Nothing here is written by hand but the words.

Made from revision %s, with kernels for %s. On these kernels and with these libraries the numbers are the same bits each
time, for any number of threads; on others (`NNLUA_ISA`, another processor) sums are added in another order, and what training
makes of that differs as it does with another seed.

To learn with it: [a handout for each experiment](lecture/handouts/), and `./nnlua scripts/exercises.lua`, which asks first,
then runs.
]], #records, table.concat(list, ", "), kernels)

  add "\n## Slides, tools, scripts, findings\n"
  add "| | slide | tools | script | finding |"
  add "| --- | --- | --- | --- | --- |"
  for _, r in ipairs(records) do
    add("| %s | %s | %s | [%s](../scripts/lecture/%s) | %s |", r.script:match "^%d+", cell(r.slide), cell(r.tools or ""),
      r.script,
      r.script, cell(marked(r.finding)))
  end

  add "\n## Sentence by sentence\n"
  add "Each sentence of the slides, and the experiments that check it, or why there is none.\n"
  add "| slide | sentence | experiments | |"
  add "| --- | --- | --- | --- |"
  for _, slide in ipairs(dofile "tools/lecture/sentences.lua") do
    for i = 2, #slide do
      local s = slide[i]
      add("| %s | %s | %s | %s |", i == 2 and cell(slide[1]) or "", cell(marked(s[1])), s[2] and linked(s[2], known) or "none",
        cell(s[3] or ""))
    end
  end

  add "\n## Building blocks\n"
  add "Where each tool is proved. *Golden*: 20 steps (or all values) against PyTorch, tests/lua/golden/test_lecture.lua.\n"
  add "| what | tools | tested by |"
  add "| --- | --- | --- |"
  for _, row in ipairs(dofile "tools/lecture/blocks.lua") do
    add("| %s | %s | %s |", row[1], row[2], row[3])
  end

  for _, r in ipairs(records) do
    section(r)
  end
  write "docs/lecture.md"
end

---@param records table[]
function M.errata(records)
  local known = by_number(records)
  local list = dofile "tools/lecture/errata.lua"
  add([[
# Errata of the lecture

What is wrong, or not the whole truth, in the slides that [lecture.md](lecture.md) checks: %d sentences, each with the
derivation of what is right and the measurement. The slides are quoted as they are.
]], #list)
  for i, e in ipairs(list) do
    local r = known[e.script]
    add("\n## %d. %s\n", i, e.slide)
    add("> %s\n", marked(e.says))
    add("%s\n", (e.right:gsub("%s+$", "")))
    if e.history then
      add "(History; nothing is measured.)"
    elseif r then
      add("**Measured** ([%s](../scripts/lecture/%s)): %s.", r.script, r.script, marked(r.finding))
    end
  end
  write "docs/errata.md"
end

return M
