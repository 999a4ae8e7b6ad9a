-- nnlua compare A B ...: what differs between runs, and their curves over one another. nnlua diff A B: also the texts.

local core = require "nn.core"
local index = require "nn.lab.index"
local plain = require "nn.lab.plain"
local rows = require "nn.lab.rows"
local tables = require "nn.lab.table"

local M = {}

local function label(run)
  return run.directory:match "%-(%x%x%x%x)$" or run.directory:match "[^/]*$"
end

-- Rows of names whose values differ (or all of them), a column a run.
local function differences(runs, field, all)
  local names, out = {}, {}
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
    local values, same = {}, true
    for i, run in ipairs(runs) do
      values[i] = run[field][name]
      same = same and tables.key(values[i]) == tables.key(values[1])
    end
    if all or not same then
      out[#out + 1] = { name, table.unpack(tables.texts(values, #runs)) }
    end
  end
  return out
end

local function show(title, list, runs)
  if #list == 0 then
    return
  end
  local head = { title }
  for i, run in ipairs(runs) do
    head[i + 1] = label(run)
  end
  table.insert(list, 1, head)
  print(table.concat(tables.lines(list), "\n"))
  print ""
end

-- What the rows of a run are counted by: a count of theirs that rises from row to row, or their number.
local function axis_of(run)
  for _, name in ipairs { "epoch", "step" } do
    local last, rises = -math.huge, #run.history > 0
    for _, row in ipairs(run.history) do
      local v = row[name]
      rises = rises and type(v) == "number" and v > last
      last = rises and v or last
    end
    if rises then
      return name
    end
  end
  return "row"
end

-- The numbers of one name over the rows of a run that have it, and where they stand.
local function column(run, name, axis)
  local x, y, bad = {}, {}, {}
  for i, row in ipairs(run.history) do
    local v = row[name]
    if type(v) == "number" and v - v == 0 then
      x[#x + 1], y[#y + 1] = axis == "row" and i or row[axis], v
    elseif type(v) == "number" then
      bad[#bad + 1] = tables.text(v)
    end
  end
  return x, y, bad
end

-- What a curve is drawn of, where the user does not say: losses and what else most runs have, at most four.
local function figures(runs, wanted, all)
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
  return all and names or table.move(names, 1, 4, 1, {})
end

-- Over the axis that all of them have.
local function draw(runs, name)
  local axis
  for _, run in ipairs(runs) do
    local own = axis_of(run)
    axis = (axis or own) == own and own or "row"
  end
  local series, remarks, any = {}, {}, false
  for _, run in ipairs(runs) do
    local x, y, bad = column(run, name, axis)
    any = any or #y + #bad > 0
    if #bad > 0 then
      remarks[#remarks + 1] = ("%s: %d of %d values of %s are no finite number (%s first), and are not drawn"):format(
        plain.line(label(run)), #bad, #bad + #y, plain.line(name), bad[1])
    end
    if #y > 1 then
      series[#series + 1] = { x = x, y = y, label = plain.line(label(run)) }
    end
  end
  if #series > 0 then
    require("nn.plot").line(series, { title = plain.line(name), xlabel = axis })
  end
  if #remarks > 0 then
    print(table.concat(remarks, "\n"))
  end
  return any, #series > 0
end

local usage = [[
usage: nnlua compare RUN RUN... [--figure NAME] [--all]
  RUN       a run's directory, or the end of its name (7f3a)
  --figure  draws the curves of this name of the histories (default: losses, and what else they have)
  --all     also what does not differ]]
M.usage = usage

local function find_all(word, names)
  if #names < 2 then
    core.raise(("nnlua %s: needs two runs\n%s"):format(word, word == "diff" and "usage: nnlua diff RUN RUN" or usage))
  end
  local runs = {}
  for i, name in ipairs(names) do
    runs[i] = index.find(name)
    local unreadable
    runs[i].history, unreadable = index.history(runs[i].directory)
    local remark = rows.remark(runs[i].directory .. "/history.jsonl", unreadable)
    if remark then
      io.stderr:write(("nnlua %s: %s"):format(word, remark))
    end
  end
  return runs
end

local function compare(runs, all)
  for _, run in ipairs(runs) do
    print(plain.line(("%s  %s, %s%s, %s"):format(label(run), run.directory, run.state,
      run.error and (" (%s)"):format(tostring(run.error)) or "", run.started or "")))
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

local MOST_TEXT = 4 * 1024 * 1024

-- As they stand in the run's directory and not where a link leads.
local function texts(directory)
  local list, folder = { ["script.lua"] = "" }, core.open_folder(directory)
  if not folder then
    return list
  end
  local _, modules = folder:list "modules"
  local names = { "script.lua" }
  for _, name in ipairs(type(modules) == "table" and modules or {}) do
    names[#names + 1] = "modules/" .. name
  end
  for _, name in ipairs(names) do
    list[name] = rows.text(folder, name, MOST_TEXT) or list[name]
  end
  folder:close()
  return list
end

local function say_text(text)
  print((text:gsub("[^\n]+", function(line)
    return (plain.line((line:gsub("\t", "  "))))
  end)))
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
      say_text(("%s: - %s, + %s"):format(name, x[name] and label(a) or "not there", y[name] and label(b) or "not there"))
      say_text(table.concat(diff(x[name] or "", y[name] or ""), "\n"))
    else
      say_text(("%s: the same"):format(name))
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
    local any, drawn = draw(runs, name)
    if o.figure and not drawn then
      core.raise(plain.line(any and ("nnlua compare: '%s' has less than two finite numbers in each run"):format(name)
        or ("nnlua compare: no run has a column '%s'; they have %s"):format(name, table.concat(figures(runs, nil, true), ", "))))
    end
  end
end

return M
