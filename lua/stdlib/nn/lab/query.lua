-- What `--where` and `--sort` say: an expression over a run's name, state, parameters and results, in Lua's words.
--   accuracy > 0.9 and depth < 30
-- One rule for names: params.NAME and result.NAME are always these (and run.NAME is what is said of every run); NAME alone
-- is the parameter, else the result, else what is said of every run. The filter of the page has the same.

local core = require "nn.core"
local expression = require "nn.lab.expression"
local plain = require "nn.lab.plain"

local M = {}

---What is said of every run.
M.fields = { "name", "state", "seconds", "started", "directory", "error" }

local function field(run, name)
  for _, known in ipairs(M.fields) do
    if name == known then
      return run[name] or nil
    end
  end
end

---A value of a run; place: "params", "result", "run", or nil for the first of these that has the name.
function M.look(run, place, name)
  local value
  if place == "params" or not place then
    value = (run.parameters or {})[name]
  end
  if place == "result" or not place and value == nil then
    value = (run.result or {})[name]
  end
  if place == "run" or not place and value == nil then
    value = field(run, name)
  end
  return value
end

local places = { params = true, result = true, run = true }

-- A name as --sort takes it: its place, and the rest.
local function split(text)
  local place, name = text:match "^(%a+)%.(.+)$"
  if places[place] then
    return place, name
  end
  return nil, text
end

---The columns of a table of all that is known: {label, place, name}, sorted. A name that only one place has stands alone.
function M.columns(runs)
  local seen = { params = {}, result = {}, run = { name = true, state = true, seconds = true, started = true } }
  for _, run in ipairs(runs) do
    for name in pairs(run.parameters or {}) do
      seen.params[name] = true
    end
    for name in pairs(run.result or {}) do
      seen.result[name] = true
    end
    seen.run.error = seen.run.error or run.error and true or nil
  end
  local list = {}
  for place, names in pairs(seen) do
    for name in pairs(names) do
      local alone = (seen.params[name] and 1 or 0) + (seen.result[name] and 1 or 0) + (seen.run[name] and 1 or 0) == 1
      list[#list + 1] = { alone and name ~= "directory" and name or place .. "." .. name, place, name }
    end
  end
  table.sort(list, function(a, b)
    return a[1] < b[1]
  end)
  return list
end

local function unknown(asked, runs)
  local list, known = {}, { [""] = {}, run = { directory = true, error = true } }
  for _, column in ipairs(M.columns(runs)) do
    local place, name = column[2], column[3]
    list[#list + 1] = column[1]
    known[place] = known[place] or {}
    known[place][name], known[""][name] = true, true
  end
  for _, one in ipairs(asked) do
    local place, name = one[1], one[2]
    if not (known[place or ""] or {})[name] and not known.run[name] then
      local text = place and place .. "." .. name or name
      local near = core.nearest(text, list)
      return plain.line(("no run has '%s'%s (they have %s)"):format(text, near and ("; did you mean '%s'?"):format(near) or "",
        table.concat(list, ", ")))
    end
  end
  return ""
end

---A sentence about a name of --sort that no run has, or "".
function M.unknown_key(text, runs)
  return unknown({ { split((text:gsub("^%-", ""))) } }, runs)
end

---A function that tells whether an expression holds for a run, and one that gives a sentence about a name that none of some
---runs has, or "".
---@param text string
function M.filter(text)
  local ok, f, asked = pcall(expression.parse, text)
  if not ok then
    core.raise(("--where \"%s\" is no expression: %s; write e.g. --where \"accuracy > 0.9 and depth < 30\""):format(text,
      (tostring(f):gsub("^.-:%d+: ", ""))))
  end
  return function(run)
    return f(function(place, name)
      return M.look(run, place, name)
    end)
  end, function(runs)
    return unknown(asked, runs)
  end
end

local ranks = { number = 1, boolean = 4, string = 5, table = 6 }

-- Finite numbers, infinities, nan, true and false, texts, the rest; nothing is last.
local function rank(v)
  if type(v) == "number" and v - v ~= 0 then
    return v ~= v and 3 or 2
  end
  return ranks[type(v)] or 7
end

local function less(a, b)
  if type(a) == "boolean" then
    return not a and b
  end
  return (type(a) == "number" or type(a) == "string") and a == a and b == b and a < b
end

---Sorts runs by a name; "-accuracy" has the largest first. Whichever way, what is no finite number is behind those that are.
function M.sort(list, text)
  local down = text:sub(1, 1) == "-"
  local at, name = split(down and text:sub(2) or text)
  local keys, place = {}, {}
  for i, run in ipairs(list) do
    keys[run], place[run] = M.look(run, at, name), i
  end
  table.sort(list, function(a, b)
    local x, y = keys[a], keys[b]
    local p, q = rank(x), rank(y)
    if p ~= q then
      return p < q
    elseif less(x, y) then
      return not down
    elseif less(y, x) then
      return down
    end
    return place[a] < place[b]
  end)
  return list
end

return M
