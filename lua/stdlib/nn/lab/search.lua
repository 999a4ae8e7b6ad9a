-- Which trials a sweep makes. A search proposes the next parameters, knowing how the trials so far ended; what it draws
-- depends on the sweep's seed and on the number of the proposal alone, so that a sweep that was killed goes on as before.

local core = require "nn.core"
local space = require "nn.lab.space"

local M = {}

local function generator(seed, number)
  return core.Generator(seed * 1000003 + number)
end

local function uniform(g)
  return (g:integer(1 << 30) - 0.5) / (1 << 30)
end

local function draw(dimensions, g)
  local values = {}
  for _, d in ipairs(dimensions) do
    values[d.name] = space.value_at(d, uniform(g))
  end
  return values
end

---@class search
---@field total integer|nil how many proposals there will be
---@field propose fun(number: integer, ended: table[]): table parameters; ended: {parameters =, value =}

M.kinds = {}

function M.kinds.grid(dimensions, o)
  local list = space.grid(dimensions)
  return { total = math.min(#list, o.max_trials or #list), propose = function(number)
    return list[number]
  end }
end

function M.kinds.random(dimensions, o)
  return { total = o.max_trials or 20, propose = function(number)
    return draw(dimensions, generator(o.seed, number))
  end }
end

-- ---- tree-structured Parzen estimator: Bergstra et al. 2011 ----

local STARTUP, CANDIDATES, GOOD = 10, 24, 0.25

-- The logarithm of a density over 0..1: a mixture of Gaussians at the places, and the uniform one; of choices, counts.
local function density(d, places, at)
  local n = #places
  if d.values then
    local same = 0
    for _, p in ipairs(places) do
      same = same + (math.abs(p - at) < 1e-9 and 1 or 0)
    end
    return math.log((same + 1) / (n + #d.values))
  end
  local width = math.max(0.05, 1 / (n + 1))
  local sum = 1
  for _, p in ipairs(places) do
    sum = sum + math.exp(-0.5 * ((at - p) / width) ^ 2) / (width * 2.5066282746)
  end
  return math.log(sum / (n + 1))
end

local function normal(g)
  return math.sqrt(-2 * math.log(uniform(g))) * math.cos(2 * math.pi * uniform(g))
end

function M.kinds.tpe(dimensions, o)
  return { total = o.max_trials or 40, propose = function(number, ended)
    local g = generator(o.seed, number)
    if #ended < STARTUP then
      return draw(dimensions, g)
    end
    local order = table.move(ended, 1, #ended, 1, {})
    table.sort(order, function(a, b)
      return a.value < b.value or a.value == b.value and a.number < b.number
    end)
    local split = math.max(1, math.ceil(GOOD * #order))
    local values = {}
    for _, d in ipairs(dimensions) do
      local good, bad = {}, {}
      for i, one in ipairs(order) do
        local list = i <= split and good or bad
        list[#list + 1] = space.place_of(d, one.parameters[d.name])
      end
      local best, best_ratio
      for _ = 1, CANDIDATES do
        local at
        if d.values or uniform(g) < 1 / (#good + 1) then
          at = d.values and (g:integer(#d.values) - 0.5) / #d.values or uniform(g)
        else
          at = good[g:integer(#good)] + normal(g) * math.max(0.05, 1 / (#good + 1))
          at = math.max(0, math.min(1, at))
        end
        local ratio = density(d, good, at) - density(d, bad, at)
        if not best_ratio or ratio > best_ratio then
          best, best_ratio = at, ratio
        end
      end
      values[d.name] = space.value_at(d, best)
    end
    return values
  end }
end

-- ---- asynchronous successive halving: Li et al. 2018 ----

local ETA = 3

---The budgets in epochs: the last is the most, each a third of the next.
function M.rungs(most)
  local list = { most }
  while list[1] // ETA >= 1 and #list < 5 do
    table.insert(list, 1, math.max(1, list[1] // ETA))
  end
  return list
end

---The trial to go on with, and to which rung: one in the best third of those that came to its rung, which was not gone on with.
---@param trials table[] {number, rung (reached), value, failed}
function M.promotion(trials, rungs)
  for rung = #rungs - 1, 1, -1 do
    local there = {}
    for _, t in ipairs(trials) do
      if t.rung and t.rung >= rung and t.values[rung] then
        there[#there + 1] = t
      end
    end
    table.sort(there, function(a, b)
      return a.values[rung] < b.values[rung] or a.values[rung] == b.values[rung] and a.number < b.number
    end)
    for i = 1, #there // ETA do
      local t = there[i]
      if t.rung == rung and t.state == "paused" then
        return t, rung + 1
      end
    end
  end
end

function M.kinds.halving(dimensions, o)
  local random = M.kinds.random(dimensions, { seed = o.seed, max_trials = o.max_trials or 27 })
  random.rungs = M.rungs(o.epochs)
  return random
end

---@param kind string
function M.new(kind, dimensions, o)
  local make = M.kinds[kind]
  if not make then
    core.raise(("sweep: there is no search '%s' (there are grid, random, tpe and halving)"):format(tostring(kind)))
  end
  return make(dimensions, o)
end

return M
