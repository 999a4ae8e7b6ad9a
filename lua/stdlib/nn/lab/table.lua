-- nnlua runs [DIR]: a table of runs.

local core = require "nn.core"
local index = require "nn.lab.index"
local params = require "nn.lab.params"
local plain = require "nn.lab.plain"
local query = require "nn.lab.query"

local M = {}

---A value in a table.
function M.text(value)
  if value == nil then
    return ""
  elseif type(value) == "number" and math.type(value) == "float" then
    return value ~= value and "nan" or ("%.5g"):format(value)
  elseif type(value) == "table" then
    return #value > 0 and params.text(value) or "..."
  end
  return (tostring(value):gsub("%c", " "))
end

-- Names of parameters that differ between the runs, and of all results that are no tables.
local function columns(runs)
  local first, differ, results = {}, {}, {}
  for _, run in ipairs(runs) do
    for name, value in pairs(run.parameters) do
      local text = M.text(value)
      differ[name] = differ[name] or first[name] ~= nil and first[name] ~= text
      first[name] = first[name] or text
    end
    for name, value in pairs(run.result) do
      results[name] = results[name] or type(value) ~= "table"
    end
  end
  for _, run in ipairs(runs) do
    for name in pairs(first) do
      differ[name] = differ[name] or run.parameters[name] == nil
    end
  end
  local function sorted(set)
    local names = {}
    for name, is in pairs(set) do
      names[#names + 1] = is and name or nil
    end
    table.sort(names)
    return names
  end
  return sorted(differ), sorted(results)
end
M.columns = columns

local function width_of(text)
  return utf8.len(text) or #text
end

---Rows of texts as lines, their columns under one another; numbers to the right.
function M.lines(rows)
  local widths, numeric = {}, {}
  for r, row in ipairs(rows) do
    for c = 1, #rows[1] do
      widths[c] = math.max(widths[c] or 0, width_of(row[c]))
      if r > 1 and row[c] ~= "" then
        numeric[c] = numeric[c] ~= false and tonumber(row[c]) ~= nil or row[c] == "nan"
      end
    end
  end
  local lines = {}
  for r, row in ipairs(rows) do
    local parts = {}
    for c = 1, #rows[1] do
      local space = (" "):rep(widths[c] - width_of(row[c]))
      parts[c] = numeric[c] and space .. row[c] or row[c] .. space
    end
    lines[r] = table.concat(parts, "  "):gsub("%s+$", "")
  end
  return lines
end

local function csv(text)
  return text:find '[,"\n]' and '"' .. text:gsub('"', '""') .. '"' or text
end

-- All that is known, a line a run.
local function as_csv(runs)
  local names = {}
  for _, run in ipairs(runs) do
    for name in pairs(query.names(run)) do
      names[name] = true
    end
  end
  local list = {}
  for name in pairs(names) do
    list[#list + 1] = name
  end
  table.sort(list)
  local lines = { "directory," .. table.concat(list, ",") }
  for _, run in ipairs(runs) do
    local values, parts = query.names(run), { csv(run.directory) }
    for _, name in ipairs(list) do
      local value = values[name]
      parts[#parts + 1] = csv(value == nil and "" or type(value) == "number" and params.text(value) or type(value) == "table"
        and plain.encode(value) or tostring(value))
    end
    lines[#lines + 1] = table.concat(parts, ",")
  end
  return table.concat(lines, "\n")
end

---Reads options such as --where EXPRESSION beside names: takes names -> true (with a value) or false.
function M.options(word, args, takes, usage)
  local o, names, i = {}, {}, 1
  while i <= #args do
    local name, value = args[i]:match "^%-%-([%w-]+)=?(.*)$"
    if args[i] == "-o" and takes.output then
      name, value = "output", ""
    end
    if name == "help" then
      print(usage)
      os.exit(0, true)
    elseif not name then
      names[#names + 1] = args[i]
    elseif takes[name] == nil then
      local known = {}
      for n in pairs(takes) do
        known[#known + 1] = n
      end
      local near = core.nearest(name, known)
      core.raise(("nnlua %s: there is no option --%s%s\n%s"):format(word, name,
        near and ("; did you mean --%s?"):format(near) or "", usage))
    elseif takes[name] then
      if not args[i]:find("=", 1, true) then
        i = i + 1
        value = args[i]
      end
      if value == nil then
        core.raise(("nnlua %s: --%s needs a value\n%s"):format(word, name, usage))
      end
      o[name] = value
      if takes[name] == "many" then
        o[name .. "s"] = o[name .. "s"] or {}
        table.insert(o[name .. "s"], value)
      end
    else
      o[name] = true
    end
    i = i + 1
  end
  return o, names
end

local usage = [[
usage: nnlua runs [DIR] [--where EXPRESSION] [--sort NAME] [--csv | --json]
  DIR      a directory of runs (default: runs)
  --where  only runs for which this holds, e.g. --where "accuracy > 0.9 and depth < 30"; names: parameters, results,
           name, state ("finished", "failed", "interrupted", "running", "broken off"), seconds, started
  --sort   by a parameter or result; -NAME: the largest first, e.g. --sort=-accuracy
  --csv    all that is known of each run, a line a run; --json: the same as JSON]]

---nnlua runs
function M.main(word, args)
  local o, names = M.options(word, args, { where = true, sort = true, csv = false, json = false }, usage)
  if #names > 1 then
    core.raise(("nnlua runs: takes one directory\n%s"):format(usage))
  end
  local list, all = {}, index.runs(names[1] or "runs")
  local holds = o.where and query.filter(o.where)
  for _, run in ipairs(all) do
    if not holds or holds(run) then
      list[#list + 1] = run
    end
  end
  for _, text in ipairs { o.where or "", o.sort or "" } do
    local why = #all > 0 and query.unknown(text, all) or ""
    if why ~= "" then
      io.stderr:write("nnlua runs: ", why, "\n")
    end
  end
  if o.sort then
    query.sort(list, o.sort)
  end
  if o.csv then
    print(as_csv(list))
    return
  elseif o.json then
    local out = {}
    for i, run in ipairs(list) do
      out[i] = { directory = run.directory, name = run.name, state = run.state, seconds = run.seconds or nil,
        started = run.started, parameters = run.parameters, result = run.result, error = run.error }
    end
    print(#out == 0 and "[]" or plain.encode(out))
    return
  elseif #list == 0 then
    print(o.where and "no run is like that" or ("no runs in %s"):format(names[1] or "runs"))
    return
  end
  -- experiments have parameters of their own: a table for each
  local groups, names_seen = {}, {}
  for _, run in ipairs(list) do
    local name = run.name or ""
    if not names_seen[name] then
      names_seen[name] = {}
      groups[#groups + 1] = names_seen[name]
    end
    table.insert(names_seen[name], run)
  end
  for i, group in ipairs(groups) do
    print((i > 1 and "\n" or "") .. table.concat(M.lines(M.rows(group)), "\n"))
  end
end

---The table's rows: what it is, the parameters that differ, the results.
function M.rows(list)
  local parameters, results = columns(list)
  local head = { "run", "name", "started", "state" }
  for _, t in ipairs { parameters, results } do
    for _, name in ipairs(t) do
      head[#head + 1] = name
    end
  end
  local rows = { head }
  for _, run in ipairs(list) do
    local row = { run.directory:match "%-(%x%x%x%x)$" or run.directory:match "[^/]*$", run.name or "",
      tostring(run.started or ""):gsub("T", " "), run.state }
    for _, name in ipairs(parameters) do
      row[#row + 1] = M.text(run.parameters[name])
    end
    for _, name in ipairs(results) do
      row[#row + 1] = M.text(run.result[name])
    end
    rows[#rows + 1] = row
  end
  return rows
end

return M
