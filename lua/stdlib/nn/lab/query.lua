-- What `--where` and `--sort` say: an expression over a run's name, state, parameters and results, in Lua's words.
--   accuracy > 0.9 and depth < 30

local core = require "nn.core"

local M = {}

---The names of a run as an expression sees them: results before parameters, and what is said of every run.
function M.names(run)
  local names = {}
  for _, t in ipairs { run.parameters or {}, run.result or {} } do
    for name, value in pairs(t) do
      names[name] = value
    end
  end
  for _, name in ipairs { "name", "state", "seconds", "started" } do
    names[name] = run[name]
  end
  return names
end

local keywords = { ["and"] = true, ["or"] = true, ["not"] = true, ["true"] = true, ["false"] = true, ["nil"] = true }

---A sentence about a name that no run has, or "".
---@param text string an expression, or the name of --sort
function M.unknown(text, runs)
  local known = {}
  for _, run in ipairs(runs) do
    for name in pairs(M.names(run)) do
      known[name] = true
    end
  end
  local list = {}
  for name in pairs(known) do
    list[#list + 1] = name
  end
  table.sort(list)
  for name in text:gsub("%b''", ""):gsub('%b""', ""):gmatch "%f[%a_][%a_][%w_]*" do
    if not known[name] and not keywords[name] then
      local near = core.nearest(name, list)
      return ("no run has '%s'%s (they have %s)"):format(name, near and ("; did you mean '%s'?"):format(near) or "",
        table.concat(list, ", "))
    end
  end
  return ""
end

---A function that tells whether an expression holds for a run. What compares a name that the run does not have does not hold.
---@param text string
---@return fun(run: table): boolean
function M.filter(text)
  local f, why = load("return " .. text, "=--where", "t", {})
  if not f then
    core.raise(("--where \"%s\" is no expression: %s; write e.g. --where \"accuracy > 0.9 and depth < 30\""):format(text,
      (why:gsub("^%-%-where:1: ", ""))))
  end
  return function(run)
    local g = load("return " .. text, "=--where", "t", M.names(run))
    local ok, holds = pcall(g)
    return ok and holds ~= nil and holds ~= false
  end
end

---Sorts runs by a name, those that do not have it last; "-accuracy" has the largest first.
function M.sort(list, name)
  local down = name:sub(1, 1) == "-"
  name = down and name:sub(2) or name
  local keys, place = {}, {}
  for i, run in ipairs(list) do
    keys[run], place[run] = M.names(run)[name], i
  end
  table.sort(list, function(a, b)
    local x, y = keys[a], keys[b]
    if x == nil or y == nil or x ~= x or y ~= y or type(x) ~= type(y) or x == y or type(x) == "boolean" or type(x) == "table" then
      local has_x, has_y = x ~= nil and x == x, y ~= nil and y == y
      if has_x ~= has_y then
        return has_x
      elseif type(x) ~= type(y) or x == y or type(x) == "table" or type(x) == "boolean" then
        if type(x) == type(y) and type(x) == "boolean" and x ~= y then
          return (x == false) ~= down
        end
        return place[a] < place[b]
      end
    end
    if down then
      return x > y
    end
    return x < y
  end)
  return list
end

return M
