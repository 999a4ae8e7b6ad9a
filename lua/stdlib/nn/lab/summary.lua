-- What a sweep found: mean and deviation over seeds, which parameters mattered, pictures.

local params = require "nn.lab.params"
local tables = require "nn.lab.table"

local M = {}

local function mean_and_deviation(values)
  local n, mean, m2 = 0, 0, 0
  for _, v in ipairs(values) do
    n = n + 1
    local d = v - mean
    mean = mean + d / n
    m2 = m2 + d * (v - mean)
  end
  return mean, n > 1 and math.sqrt(m2 / (n - 1)) or nil, n
end

---Trials with the same parameters but for the seed, together; the best first.
---@param trials table[] {parameters, value (in the direction "less is better"), state}
---@param names string[] the varied parameters
function M.groups(trials, names)
  local groups, by = {}, {}
  for _, t in ipairs(trials) do
    local parts = {}
    for i, name in ipairs(names) do
      parts[i] = tables.key(t.parameters[name])
    end
    local key = table.concat(parts, "\0")
    local g = by[key]
    if not g then
      g = { parameters = t.parameters, values = {}, failed = 0, trials = {} }
      by[key] = g
      groups[#groups + 1] = g
    end
    g.trials[#g.trials + 1] = t
    if t.value and t.value < math.huge and t.state == "finished" then
      g.values[#g.values + 1] = t.value
    else
      g.failed = g.failed + 1
    end
  end
  for i, g in ipairs(groups) do
    g.mean, g.deviation, g.count = mean_and_deviation(g.values)
    g.place = i
  end
  table.sort(groups, function(a, b)
    if (a.count > 0) ~= (b.count > 0) then
      return a.count > 0
    elseif a.mean ~= b.mean then
      return a.mean < b.mean
    end
    return a.place < b.place
  end)
  return groups
end

---The share of the variance of the results that a parameter explains: between the means of its values, over all (eta squared).
---Values of a range are taken in quarters.
function M.explained(trials, name)
  local pairs_, all = {}, {}
  for _, t in ipairs(trials) do
    if t.value and t.value == t.value and math.abs(t.value) < math.huge and t.state == "finished" then
      pairs_[#pairs_ + 1] = { t.parameters[name], t.value }
      all[#all + 1] = t.value
    end
  end
  local distinct, count = {}, 0
  for _, p in ipairs(pairs_) do
    local key = params.text(p[1])
    count = count + (distinct[key] and 0 or 1)
    distinct[key] = true
  end
  local quarters = count > 8 and type((pairs_[1] or {})[1]) == "number"
  if quarters then
    table.sort(pairs_, function(a, b)
      return a[1] < b[1]
    end)
  end
  local groups = {}
  for i, p in ipairs(pairs_) do
    local key = quarters and (i - 1) * 4 // #pairs_ or params.text(p[1])
    groups[key] = groups[key] or {}
    table.insert(groups[key], p[2])
  end
  local mean, deviation, n = mean_and_deviation(all)
  local parts = 0
  for _ in pairs(groups) do
    parts = parts + 1
  end
  if 2 * parts > n then -- each value once explains everything, and says nothing
    return nil
  end
  if n < 3 or not deviation or deviation == 0 or count < 2 then
    return nil
  end
  local between = 0
  for _, values in pairs(groups) do
    local m = mean_and_deviation(values)
    between = between + #values * (m - mean) ^ 2
  end
  return between / (deviation ^ 2 * (n - 1))
end

local function signed(value, maximize)
  return value and (maximize and -value or value)
end

---Prints the table and which parameters mattered.
function M.show(sweep, trials, names)
  local groups = M.groups(trials, names)
  local seeds = sweep.seeds > 1
  local head = table.move(names, 1, #names, 1, {})
  head[#head + 1] = sweep.objective
  if seeds then
    head[#head + 1] = "deviation"
    head[#head + 1] = "seeds"
  end
  head[#head + 1] = "note"
  local rows = { head }
  local texts = {}
  for i, name in ipairs(names) do
    local values = {}
    for k, g in ipairs(groups) do
      values[k] = g.parameters[name]
    end
    texts[i] = tables.texts(values, #groups)
  end
  local means = {}
  for k, g in ipairs(groups) do
    means[k] = g.count > 0 and signed(g.mean, sweep.maximize) or nil
  end
  means = tables.texts(means, #groups)
  for k, g in ipairs(groups) do
    local row = {}
    for i in ipairs(names) do
      row[i] = texts[i][k]
    end
    row[#row + 1] = means[k]
    if seeds then
      row[#row + 1] = g.deviation and ("%.3g"):format(g.deviation) or ""
      row[#row + 1] = tostring(g.count)
    end
    local notes = {}
    for _, t in ipairs(g.trials) do
      if t.nan and t.state == "finished" then
        notes[#notes + 1] = ("%s is nan"):format(sweep.objective)
      elseif t.state ~= "finished" then
        local why = t.error and t.error:gsub("%s+", " "):sub(1, 60)
        local at = tables.text(signed(t.value, sweep.maximize))
        notes[#notes + 1] = t.state == "paused" and ("stopped %s, at %s"):format(why, at)
          or t.state .. (why and ": " .. why or "")
      end
    end
    row[#row + 1] = #notes > 1 and ("%s (and %d more)"):format(notes[1], #notes - 1) or notes[1] or ""
    rows[#rows + 1] = row
  end
  print(table.concat(tables.lines(rows), "\n"))
  local shares = {}
  for _, name in ipairs(names) do
    local share = M.explained(trials, name)
    if share then
      shares[#shares + 1] = { name, share }
    end
  end
  table.sort(shares, function(a, b)
    return a[2] > b[2]
  end)
  if #shares > 0 then
    print "\nshare of the variance that each parameter explains alone (shares overlap where parameters act together):"
    for _, s in ipairs(shares) do
      print(("  %-12s %5.1f%%"):format(s[1], 100 * s[2]))
    end
  end
  return groups, shares
end

-- Places 0..1 for a picture: numbers by their size (by their logarithm where they span much), others by their order.
local function places(trials, name)
  local numbers, texts, order = true, {}, {}
  local low, high = math.huge, -math.huge
  for _, t in ipairs(trials) do
    local v = t.parameters[name]
    numbers = numbers and type(v) == "number"
    if type(v) == "number" then
      low, high = math.min(low, v), math.max(high, v)
    end
    local text = params.text(v)
    if not texts[text] then
      order[#order + 1] = text
      texts[text] = #order
    end
  end
  if not numbers then
    return function(v)
      return #order > 1 and (texts[params.text(v)] - 1) / (#order - 1) or 0.5
    end
  end
  local log = low > 0 and high / low > 50
  local function scale(v)
    return log and math.log(v) or v
  end
  return function(v)
    return high > low and (scale(v) - scale(low)) / (scale(high) - scale(low)) or 0.5
  end, log
end

---Pictures in the sweep's directory: a slice for each parameter, and parallel coordinates.
---@return string[] files
function M.pictures(sweep, trials, names)
  local plot = require "nn.plot"
  local files, good = {}, {}
  for _, t in ipairs(trials) do
    if t.state == "finished" and t.value and math.abs(t.value) < math.huge then
      good[#good + 1] = t
    end
  end
  local varied = {}
  for _, name in ipairs(names) do
    for _, t in ipairs(good) do
      if params.text(t.parameters[name]) ~= params.text(good[1].parameters[name]) then
        varied[#varied + 1] = name
        break
      end
    end
  end
  if not plot.available() or #good < 2 or #varied == 0 then
    return files
  end
  for _, name in ipairs(varied) do
    local x, y = {}, {}
    local at, log = places(good, name)
    local numbers = type(good[1].parameters[name]) == "number"
    for i, t in ipairs(good) do
      x[i] = numbers and t.parameters[name] or at(t.parameters[name])
      y[i] = signed(t.value, sweep.maximize)
    end
    local file = ("%s/slice-%s.png"):format(sweep.directory, name)
    plot.scatter({ x = x, y = y, label = "trials" }, { file = file, xlabel = name, ylabel = sweep.objective,
      title = ("%s against %s"):format(sweep.objective, name), log = numbers and log and "x" or "" })
    files[#files + 1] = file
  end
  -- a vertical place for each parameter; the colour is the result's third
  local worst, best = -math.huge, math.huge
  for _, t in ipairs(good) do
    worst, best = math.max(worst, t.value), math.min(best, t.value)
  end
  local at, ticks = {}, {}
  for i, name in ipairs(varied) do
    at[i] = places(good, name)
    ticks[i] = ("%d: %s"):format(i, name)
  end
  ticks[#ticks + 1] = ("%d: %s, the best on top"):format(#varied + 1, sweep.objective)
  local thirds = { { label = "best third" }, { label = "middle" }, { label = "worst third" } }
  local order = table.move(good, 1, #good, 1, {})
  table.sort(order, function(a, b)
    return a.value < b.value
  end)
  for k, t in ipairs(order) do
    local third = thirds[(k - 1) * 3 // #order + 1]
    for i, name in ipairs(varied) do
      third[#third + 1] = { i, at[i](t.parameters[name]) }
    end
    third[#third + 1] = { #varied + 1, worst > best and (worst - t.value) / (worst - best) or 0.5 }
    third[#third + 1] = { 0 / 0, 0 / 0 } -- the pen is lifted
  end
  local series = {}
  for _, third in ipairs(thirds) do
    if #third > 0 then
      local x, y = {}, {}
      for i, point in ipairs(third) do
        x[i], y[i] = point[1], point[2]
      end
      series[#series + 1] = { x = x, y = y, label = third.label }
    end
  end
  local file = sweep.directory .. "/parallel.png"
  plot.line(series, { file = file, title = "each line a trial, from the smallest value to the largest", key = "outside right",
    xlabel = table.concat(ticks, "    "), yrange = { -0.03, 1.03 }, xrange = { 1, #varied + 1 }, size = { 900, 420 } })
  files[#files + 1] = file
  return files
end

return M
