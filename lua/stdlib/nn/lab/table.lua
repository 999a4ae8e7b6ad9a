-- nnlua runs [DIR]: a table of runs.

local core = require "nn.core"
local index = require "nn.lab.index"
local params = require "nn.lab.params"
local plain = require "nn.lab.plain"
local query = require "nn.lab.query"

local M = {}

---A value in a table, by itself; nothing in it moves the terminal's cursor.
function M.text(value, digits)
  if value == nil then
    return ""
  elseif type(value) == "number" and math.type(value) == "float" then
    return value ~= value and "nan" or ("%." .. (digits or 5) .. "g"):format(value)
  elseif type(value) == "table" then
    return #value > 0 and plain.line(params.text(value)) or "..."
  end
  return plain.line(tostring(value))
end

---What tells a value from others: its type and all its digits.
function M.key(value)
  if type(value) == "number" then
    local whole = math.tointeger(value)
    return whole and ("%d"):format(whole) or value ~= value and "nan" or ("%.17g"):format(value)
  elseif type(value) == "table" then
    local parts, names = {}, {}
    for name in pairs(value) do
      names[#names + 1] = name
    end
    table.sort(names, function(a, b)
      return tostring(a) < tostring(b)
    end)
    for i, name in ipairs(names) do
      parts[i] = ("%s=%s"):format(M.key(name), M.key(value[name]))
    end
    return "{" .. table.concat(parts, ",") .. "}"
  end
  return type(value) == "string" and ("%q"):format(value) or tostring(value)
end

-- Texts of values, and whether different values have different ones.
local function texts_with(values, n, f)
  local texts, of, apart = {}, {}, true
  for i = 1, n do
    local text, key = f(values[i]), M.key(values[i])
    texts[i] = text
    apart = apart and (of[text] or key) == key
    of[text] = of[text] or key
  end
  return texts, apart
end

---The texts of n values that stand beside one another: with as many digits as tell them apart, and in quotes where a text
---would be taken for another value.
function M.texts(values, n)
  for digits = 5, 17 do
    local texts, apart = texts_with(values, n, function(v)
      return M.text(v, digits)
    end)
    if apart then
      return texts
    end
  end
  return (texts_with(values, n, function(v)
    return type(v) == "string" and plain.line(("%q"):format(v)) or type(v) == "table" and plain.line(M.key(v)) or M.text(v, 17)
  end))
end

-- Names of parameters that differ between the runs, and of all results that are no tables.
local function columns(runs)
  local first, differ, results = {}, {}, {}
  for _, run in ipairs(runs) do
    for name, value in pairs(run.parameters) do
      local key = M.key(value)
      differ[name] = differ[name] or first[name] ~= nil and first[name] ~= key
      first[name] = first[name] or key
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

---Rows of texts as lines, their columns under one another; numbers to the right. Names that others chose stand in them.
function M.lines(texts)
  local widths, numeric, rows = {}, {}, {}
  for r, row in ipairs(texts) do
    rows[r] = {}
    for c = 1, #texts[1] do
      rows[r][c] = plain.line(row[c])
    end
  end
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

local function quoted(text)
  return text:find '[,"\r\n]' and '"' .. text:gsub('"', '""') .. '"' or text
end

-- A text in CSV. What a spreadsheet would take for a formula has an apostrophe before it, as for those who type it.
local function csv(text)
  return quoted(text:find "^[=+@\t\r-]" and "'" .. text or text)
end

local function csv_value(value)
  if value == nil then
    return ""
  elseif type(value) == "number" then
    return value == math.huge and "inf" or value == -math.huge and "-inf" or params.text(value)
  end
  return csv(type(value) == "table" and plain.encode(value) or tostring(value))
end

-- All that is known, a line a run.
local function as_csv(runs)
  local columns_, head = query.columns(runs), { "directory" }
  for _, column in ipairs(columns_) do
    head[#head + 1] = csv(column[1])
  end
  local lines = { table.concat(head, ",") }
  for _, run in ipairs(runs) do
    local parts = { csv(run.directory) }
    for _, column in ipairs(columns_) do
      parts[#parts + 1] = csv_value(query.look(run, column[2], column[3]))
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
           name, state ("finished", "failed", "interrupted", "running", "broken off", "unreadable"), seconds, started;
           params.NAME and result.NAME where one name is of two things
  --sort   by a parameter or result; -NAME: the largest first, e.g. --sort=-accuracy
  --csv    all that is known of each run, a line a run; --json: the same as JSON]]
M.usage = usage

---nnlua runs
function M.main(word, args)
  local o, names = M.options(word, args, { where = true, sort = true, csv = false, json = false }, usage)
  if #names > 1 then
    core.raise(("nnlua runs: takes one directory\n%s"):format(usage))
  end
  local list, all = {}, index.runs(names[1] or "runs")
  local holds, unknown
  if o.where then
    holds, unknown = query.filter(o.where)
  end
  for _, run in ipairs(all) do
    if not holds or holds(run) then
      list[#list + 1] = run
    end
  end
  local asked = #all > 0
  for _, why in ipairs { asked and unknown and unknown(all) or "", asked and o.sort and query.unknown_key(o.sort, all) or "" } do
    if why ~= "" then
      io.stderr:write("nnlua runs: ", why, "\n")
    end
  end
  for _, run in ipairs(all) do
    if run.state == "unreadable" then
      io.stderr:write(("nnlua runs: %s cannot be read: %s\n"):format(plain.line(run.directory), plain.line(run.error)))
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
  local head, rows = { "run", "name", "started", "state" }, {}
  for i, run in ipairs(list) do
    rows[i] = { run.directory:match "%-(%x%x%x%x)$" or run.directory:match "[^/]*$", run.name or "",
      tostring(run.started or ""):gsub("T", " "), run.state }
  end
  for _, part in ipairs { { "parameters", parameters }, { "result", results } } do
    for _, name in ipairs(part[2]) do
      local values = {}
      for i, run in ipairs(list) do
        values[i] = run[part[1]][name]
      end
      head[#head + 1] = name
      for i, text in ipairs(M.texts(values, #list)) do
        table.insert(rows[i], text)
      end
    end
  end
  table.insert(rows, 1, head)
  return rows
end

return M
