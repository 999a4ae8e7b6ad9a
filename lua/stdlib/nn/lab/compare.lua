-- nnlua compare A B ...: what differs between runs, and their curves over one another. nnlua diff A B: also the texts.

local core = require "nn.core"
local index = require "nn.lab.index"
local provenance = require "nn.lab.provenance"
local tables = require "nn.lab.table"

local M = {}

local function label(run)
  return run.directory:match "%-(%x%x%x%x)$" or run.directory:match "[^/]*$"
end

-- Rows of names whose values differ (or all of them), a column a run.
local function differences(runs, field, all)
  local names, rows = {}, {}
  for _, run in ipairs(runs) do
    for name, value in pairs(run[field]) do
      names[name] = names[name] or type(value) ~= "table" or #value > 0
    end
  end
  local list = {}
  for name, is in pairs(names) do
    list[#list + 1] = is and name or nil
  end
  table.sort(list)
  for _, name in ipairs(list) do
    local row, same = { name }, true
    for i, run in ipairs(runs) do
      row[i + 1] = tables.text(run[field][name])
      same = same and row[i + 1] == row[2]
    end
    if all or not same then
      rows[#rows + 1] = row
    end
  end
  return rows
end

local function show(title, rows, runs)
  if #rows == 0 then
    return
  end
  local head = { title }
  for i, run in ipairs(runs) do
    head[i + 1] = label(run)
  end
  table.insert(rows, 1, head)
  print(table.concat(tables.lines(rows), "\n"))
  print ""
end

-- The numbers of one name over the rows of a run that have it.
local function column(run, name)
  local values = {}
  for _, row in ipairs(run.history) do
    if type(row[name]) == "number" then
      values[#values + 1] = row[name]
    end
  end
  return values
end

-- What a curve is drawn of, where the user does not say: losses and what else most runs have, at most four.
local function figures(runs, wanted)
  if wanted then
    return { wanted }
  end
  local counts, names = {}, {}
  for _, run in ipairs(runs) do
    local seen = {}
    for _, row in ipairs(run.history) do
      for name, value in pairs(row) do
        if type(value) == "number" and not seen[name] then
          seen[name] = true
          counts[name] = (counts[name] or 0) + 1
        end
      end
    end
  end
  for _, name in ipairs { "epoch", "step", "seconds", "lr" } do
    counts[name] = nil
  end
  for name in pairs(counts) do
    names[#names + 1] = name
  end
  table.sort(names, function(a, b)
    local la, lb = a:find "loss" ~= nil, b:find "loss" ~= nil
    if la ~= lb then
      return la
    elseif counts[a] ~= counts[b] then
      return counts[a] > counts[b]
    end
    return a < b
  end)
  return table.move(names, 1, 4, 1, {})
end

local function draw(runs, name)
  local series = {}
  for _, run in ipairs(runs) do
    local values = column(run, name)
    if #values > 1 then
      series[#series + 1] = { y = values, label = label(run) }
    end
  end
  if #series > 0 then
    require("nn.plot").line(series, { title = name })
  end
end

local usage = [[
usage: nnlua compare RUN RUN... [--figure NAME] [--all]
  RUN       a run's directory, or the end of its name (7f3a)
  --figure  draws the curves of this name of the histories (default: losses, and what else they have)
  --all     also what does not differ]]

local function find_all(word, names)
  if #names < 2 then
    core.raise(("nnlua %s: needs two runs\n%s"):format(word, word == "diff" and "usage: nnlua diff RUN RUN" or usage))
  end
  local runs = {}
  for i, name in ipairs(names) do
    runs[i] = index.find(name)
    runs[i].history = index.history(runs[i].directory)
  end
  return runs
end

local function compare(runs, all)
  for _, run in ipairs(runs) do
    print(("%s  %s, %s, %s"):format(label(run), run.directory, run.state, run.started or ""))
  end
  print ""
  show("parameters", differences(runs, "parameters", all), runs)
  show("results", differences(runs, "result", true), runs)
end

-- Lines that one text has and the other has not, in their order: the longest common subsequence, of texts of some length.
local function diff(a, b)
  local x, y = {}, {}
  for line in (a .. "\n"):gmatch "(.-)\n" do
    x[#x + 1] = line
  end
  for line in (b .. "\n"):gmatch "(.-)\n" do
    y[#y + 1] = line
  end
  local first, last = 1, 0
  while x[first] and x[first] == y[first] do
    first = first + 1
  end
  while #x - last >= first and #y - last >= first and x[#x - last] == y[#y - last] do
    last = last + 1
  end
  local m, n = #x - last - first + 1, #y - last - first + 1
  local out = {}
  if m * n > 4000000 then
    return { ("  (%d and %d lines between line %d and the end differ)"):format(m, n, first) }
  end
  local best = {}
  for i = m, 0, -1 do
    best[i] = {}
    for k = n, 0, -1 do
      if i == m or k == n then
        best[i][k] = 0
      elseif x[first + i] == y[first + k] then
        best[i][k] = best[i + 1][k + 1] + 1
      else
        best[i][k] = math.max(best[i + 1][k], best[i][k + 1])
      end
    end
  end
  local i, k = 0, 0
  while i < m or k < n do
    if i < m and k < n and x[first + i] == y[first + k] then
      i, k = i + 1, k + 1
    elseif k == n or i < m and best[i + 1][k] >= best[i][k + 1] then
      out[#out + 1] = ("%5d - %s"):format(first + i, x[first + i])
      i = i + 1
    else
      out[#out + 1] = ("%5d + %s"):format(first + k, y[first + k])
      k = k + 1
    end
  end
  return out
end
M.diff = diff

local function texts(directory)
  local list = { ["script.lua"] = provenance.read_text(directory .. "/script.lua") or "" }
  for _, name in ipairs(core.list_directory(directory .. "/modules") or {}) do
    list["modules/" .. name] = provenance.read_text(directory .. "/modules/" .. name)
  end
  return list
end

local function show_texts(a, b)
  local x, y, names = texts(a.directory), texts(b.directory), {}
  for _, t in ipairs { x, y } do
    for name in pairs(t) do
      names[name] = true
    end
  end
  local list = {}
  for name in pairs(names) do
    list[#list + 1] = name
  end
  table.sort(list)
  for _, name in ipairs(list) do
    if x[name] ~= y[name] then
      print(("%s: - %s, + %s"):format(name, x[name] and label(a) or "not there", y[name] and label(b) or "not there"))
      print(table.concat(diff(x[name] or "", y[name] or ""), "\n"))
    else
      print(("%s: the same"):format(name))
    end
  end
end

---nnlua compare, nnlua diff
function M.main(word, args)
  local o, names = tables.options(word, args, word == "diff" and {} or { figure = true, all = false },
    word == "diff" and "usage: nnlua diff RUN RUN   what differs, with the texts of script and modules" or usage)
  local runs = find_all(word, names)
  compare(runs, o.all)
  if word == "diff" then
    if #runs > 2 then
      core.raise "nnlua diff: takes two runs"
    end
    show_texts(runs[1], runs[2])
    return
  end
  for _, name in ipairs(figures(runs, o.figure)) do
    draw(runs, name)
  end
end

return M
