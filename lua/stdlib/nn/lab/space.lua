-- What a sweep varies: for each parameter a list of values or a range, in the words of the command line.
--   depth=10,30,100   lr=log(1e-4,1e-1)   lr=log(1e-4,1e-1,4)   width=uniform(16,256)

local core = require "nn.core"
local params = require "nn.lab.params"

local M = {}

local function number(p, text)
  return tonumber(text) or core.raise(("sweep: %s: '%s' is no number"):format(p.name, text))
end

-- log(low,high,count) or uniform(low,high,count)
local function range(p, kind, inside)
  local parts = {}
  for part in (inside .. ","):gmatch "%s*(.-)%s*," do
    parts[#parts + 1] = part
  end
  if #parts < 2 or #parts > 3 then
    core.raise(("sweep: %s: %s takes a low and a high end, and for a grid the number of points: %s(1e-4,1e-1,4)"):format(p.name,
      kind, kind))
  end
  local low, high, points = number(p, parts[1]), number(p, parts[2]), parts[3] and number(p, parts[3])
  if p.type ~= "number" and p.type ~= "integer" then
    core.raise(("sweep: %s is a %s; a range is of numbers, give its values: %s=a,b"):format(p.name, p.type, p.name))
  elseif low >= high or low ~= low or high ~= high or kind == "log" and low <= 0 then
    core.raise(("sweep: %s: %s(%s,%s) is no range%s"):format(p.name, kind, parts[1], parts[2],
      kind == "log" and "; its low end must be above 0" or ""))
  elseif points and (math.tointeger(points) or 0) < 2 then
    core.raise(("sweep: %s: a grid has 2 points or more"):format(p.name))
  end
  params.check("sweep", p, p.type == "integer" and math.ceil(low) or low)
  params.check("sweep", p, p.type == "integer" and math.floor(high) or high)
  return { kind = kind, low = low, high = high, points = points and math.tointeger(points) }
end

---Reads what is varied of one parameter: text as on the command line, or a list of values.
---@return table dimension {name, values} or {name, kind = "log" or "uniform", low, high, points}
function M.dimension(experiment, name, given)
  local p = params.known(("sweep of '%s'"):format(experiment.name), experiment.params, name)
  local d
  if type(given) == "table" then
    d = { values = {} }
    for i, value in ipairs(given) do
      d.values[i] = params.check("sweep", p, value)
    end
  elseif type(given) == "string" and given:find "^%a+%(.*%)$" then
    local kind, inside = given:match "^(%a+)%((.*)%)$"
    if kind ~= "log" and kind ~= "uniform" then
      core.raise(("sweep: %s: there is no '%s(...)'; there are log(low,high) and uniform(low,high)"):format(name, kind))
    end
    d = range(p, kind, inside)
  elseif type(given) == "string" and p.type == "list" and given:find "{" then -- {64,32},{8}
    d = { values = {} }
    for inside in given:gmatch "%b{}" do
      d.values[#d.values + 1] = params.read("sweep", p, inside:sub(2, -2))
    end
  elseif type(given) == "string" then
    d = { values = {} }
    for part in given:gmatch "[^,]+" do
      d.values[#d.values + 1] = params.read("sweep", p, part)
    end
  else
    d = { values = { params.check("sweep", p, given) } }
  end
  if d.values and #d.values == 0 then
    core.raise(("sweep: %s has no values; write --set %s=1,2,3"):format(name, name))
  end
  local seen, different = {}, {}
  for _, value in ipairs(d.values or {}) do -- the same value twice would be the same trial twice
    if not seen[params.text(value)] then
      different[#different + 1] = value
    end
    seen[params.text(value)] = true
  end
  d.values = d.values and different
  d.name, d.type, d.min, d.max = name, p.type, p.min, p.max
  return d
end

---A place in a range, from 0 to 1, as a value, and back.
function M.value_at(d, at)
  local v
  if d.values then
    return d.values[math.min(#d.values, math.floor(at * #d.values) + 1)]
  elseif d.kind == "log" then
    v = math.exp(math.log(d.low) + at * (math.log(d.high) - math.log(d.low)))
  else
    v = d.low + at * (d.high - d.low)
  end
  if d.type == "integer" then
    return math.max(math.ceil(d.low), math.min(math.floor(d.high), math.floor(v + 0.5)))
  end
  return math.max(d.low, math.min(d.high, tonumber(("%.4g"):format(v))))
end
function M.place_of(d, value)
  if d.values then
    for i, v in ipairs(d.values) do
      if v == value then
        return (i - 0.5) / #d.values
      end
    end
    return 0.5
  elseif d.kind == "log" then
    return (math.log(value) - math.log(d.low)) / (math.log(d.high) - math.log(d.low))
  end
  return (value - d.low) / (d.high - d.low)
end

local function points(d)
  if d.values then
    return d.values
  elseif not d.points then
    core.raise(("sweep: a grid needs values: --set %s=a,b,c or %s=%s(%s,%s,4); or take --search random"):format(d.name, d.name,
      d.kind, params.text(d.low), params.text(d.high)))
  end
  local out, seen = {}, {}
  for i = 1, d.points do
    local value = M.value_at(d, (i - 1) / (d.points - 1))
    out[#out + 1] = not seen[value] and value or nil -- integers of a short range come twice
    seen[value] = true
  end
  return out
end

---All combinations, the last parameter varying fastest.
function M.grid(dimensions)
  local list = { {} }
  for _, d in ipairs(dimensions) do
    local longer = {}
    for _, one in ipairs(list) do
      for _, value in ipairs(points(d)) do
        local copy = {}
        for name, v in pairs(one) do
          copy[name] = v
        end
        copy[d.name] = value
        longer[#longer + 1] = copy
      end
    end
    list = longer
  end
  return list
end

return M
