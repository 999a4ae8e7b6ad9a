-- nn.plot: pictures. With a file ("loss.png", .svg or .pdf) they are drawn by gnuplot; without one they appear in the
-- terminal, in braille.
-- Options of all: nn.PlotOptions (plot/reading.lua). Colours can be told apart by colour-blind readers (Okabe & Ito 2008;
-- viridis for values); in the terminal each curve bears a letter. Values are tensors or lists.

local core = require "nn.core"
local gnuplot = require "nn.plot.gnuplot"
local options = require "nn.internal.options"
local reading = require "nn.plot.reading"
local terminal = require "nn.plot.terminal"

local M = {}

---Where files with relative names go; by default what nnlua --out DIR (or NNLUA_OUT) says.
M.directory = false

---Tells whether pictures can be written to files, that is, whether gnuplot is there. In the terminal they can always be drawn.
---@return boolean
---example:
---  > type(nn.plot.available())
---  boolean
---see: nn.plot.line
M.available = gnuplot.is_there

-- ---- lines and points ----

-- The dashed line of the option hline, as a part of gnuplot's plot.
local function dashed_line(o)
  local h = o.hline
  if h and not reading.is_finite(h[1]) then
    core.raise(("%s: hline must be {value, label}, such as {0.1, \"chance\"}, but its value is %s"):format(o.who,
      core.describe(h[1])))
  end
  return h and ("%s with lines dashtype 2 linecolor rgb '#555555' %s"):format(gnuplot.number(h[1]), gnuplot.titled(h[2]))
end

local function xy(series, o, default)
  if not o.file then
    return terminal.xy(series, o, default)
  end
  local lines, parts = {}, { dashed_line(o) }
  for i, s in ipairs(series) do
    local style, columns = s.style or default, { s.x, s.y, s.error }
    if s.edges then -- of a histogram: each bar says its middle and its width
      local middles, widths = {}, {}
      for k = 1, #s.y do
        middles[k], widths[k] = (s.edges[k] + s.edges[k + 1]) / 2, s.edges[k + 1] - s.edges[k]
      end
      style, columns = "boxes fillstyle transparent solid 0.5 noborder", { middles, s.y, widths }
    end
    gnuplot.block(lines, "d" .. i, columns)
    if s.error then
      parts[#parts + 1] = ("$d%d using 1:($2-$3):($2+$3) with filledcurves linetype %d fillstyle transparent solid 0.18 "
        .. "noborder notitle"):format(i, i)
    end
    parts[#parts + 1] = ("$d%d using %s with %s linetype %d %s"):format(i, s.edges and "1:2:3" or "1:2", style, i,
      gnuplot.titled(s.label))
  end
  lines[#lines + 1] = "plot " .. table.concat(parts, ", ")
  return reading.run(o, lines)
end

---Draws lines, such as the losses of a training run. Series: y, or {x =, y =, label =, error =}, or a list of such; error
---draws a band of y +- error. Of a run, or a run's history, it draws the losses: nn.plot.line(run). Values are tensors or
---lists; x is 1, 2, ... where it is not given. Options also: hline, {value, label}: a dashed line across, such as what
---guessing reaches (default none).
---@param series nn.Tensor|table
---@param opts? nn.PlotOptions and hline
---@return string|nil path of the file
---example:
---  > nn.plot.line({1, 4, 9, 16}, {title = "squares"})
---            squares
---         16 │...
---  ...
---  $ nn.plot.line({{y = train, label = "training"}, {y = valid, label = "validation"}}, {xlabel = "epoch", file = "loss.png"})
---see: nn.plot.scatter, nn.plot.bar, nn.train.fit
function M.line(series, opts)
  local o = reading.read("line", opts, { hline = { "table" } })
  return xy(reading.series_of(o.who, series), o, "lines")
end

---Draws points in the plane: n x 2, with options classes (n labels, one colour each) and labels (the classes' names); or
---series as in nn.plot.line. Options also: hline, {value, label}: a dashed line across (default none).
---@param given nn.Tensor|table
---@param opts? nn.PlotOptions and classes, labels, hline
---@return string|nil path of the file
---example:
---  > data = nn.data.moons{n = 20}
---  > nn.plot.scatter(data.x, {classes = data.y, title = "two moons"})
---            two moons
---  ...
---see: nn.plot.boundary, nn.plot.line, nn.data.moons
function M.scatter(given, opts)
  local o = reading.read("scatter", opts, { classes = { "any" }, labels = { "table" }, hline = { "table" } })
  if core.is_tensor(given) and given.ndim == 2 then
    if given:size(2) ~= 2 then
      core.raise(("plot.scatter: points must be n x 2, but have shape %s"):format(tostring(given.shape)))
    end
    local points, classes = given:detach():totable(), o.classes and reading.list(o.who, "classes", o.classes)
    if classes and #classes ~= #points then
      core.raise(("plot.scatter: classes must be one for each of the %d points, but there are %d"):format(#points, #classes))
    end
    local by, order = {}, {}
    for i, p in ipairs(points) do
      local c = classes and classes[i] or 1
      if not by[c] then
        by[c] = { x = {}, y = {}, label = classes and (o.labels and o.labels[c] or ("class %g"):format(c)) }
        order[#order + 1] = c
      end
      table.insert(by[c].x, p[1])
      table.insert(by[c].y, p[2])
    end
    table.sort(order)
    given = {}
    for i, c in ipairs(order) do
      given[i] = by[c]
    end
  end
  return xy(reading.series_of(o.who, given), o, "points")
end

---Draws bars: values with names, beside each other for groups. Options also: hline, {value, label}: a dashed line (default
---none).
---@param values nn.Tensor|table numbers, or a list of groups {label =, y = numbers, error = numbers}
---@param names? string[] default 1, 2, ...
---@param opts? nn.PlotOptions and hline
---@return string|nil path of the file
---example:
---  > nn.plot.bar({3, 1}, {"dogs", "cats"})
---  dogs │████████████████████████████████████████████████ 3
---  cats │████████████████ 1
---see: nn.plot.hist, nn.plot.line
function M.bar(values, names, opts)
  local o = reading.read("bar", opts, { hline = { "table" } })
  local series = reading.series_of(o.who, values)
  local n = series[1] and #series[1].y or 0
  if n == 0 then
    core.raise "plot.bar: there are no values"
  end
  for k, s in ipairs(series) do
    if #s.y ~= n then
      core.raise(("plot.bar: each group must have %d values, as the first, but group %d has %d"):format(n, k, #s.y))
    end
  end
  names = names or {}
  if not o.file then
    return terminal.bars(series, names, o)
  end
  local lines, columns, dashed, errors = {}, {}, dashed_line(o), false
  lines[#lines + 1] = "$d << EOD"
  for i = 1, n do
    local cells = { '"' .. tostring(names[i] or i):gsub('["%c]', " ") .. '"' }
    for k, s in ipairs(series) do
      cells[2 * k] = gnuplot.number(s.y[i] or 0 / 0)
      cells[2 * k + 1] = gnuplot.number(s.error and s.error[i] or 0 / 0)
      errors = errors or s.error ~= nil
    end
    lines[#lines + 1] = table.concat(cells, " ")
  end
  lines[#lines + 1] = "EOD"
  o.key = o.key ~= "" and o.key or "above"
  lines[#lines + 1] = ("set style data histograms\nset style histogram %s gap 1%s\nset style fill solid 0.9 noborder"):format(
    errors and "errorbars" or "clustered", errors and " linewidth 1" or "")
  local longest = 0
  for _, name in ipairs(names) do
    longest = math.max(longest, #tostring(name))
  end
  if longest * n > 60 then
    lines[#lines + 1] = "set xtics rotate by -35 noenhanced"
  else
    lines[#lines + 1] = "set xtics noenhanced"
  end
  if o.log == "" and not o.yrange then
    lines[#lines + 1] = "set yrange [*<0:0<*]"
  end
  if errors then
    lines[#lines + 1] = "set errorbars linecolor rgb '#333333' linewidth 1"
  end
  for k, s in ipairs(series) do
    columns[k] = ("$d using %d%s:xtic(1) linetype %d %s"):format(2 * k, errors and (":%d"):format(2 * k + 1) or "", k,
      gnuplot.titled(s.label))
  end
  columns[#columns + 1] = dashed
  lines[#lines + 1] = "plot " .. table.concat(columns, ", ")
  return reading.run(o, lines)
end

-- The edges of `bins` equal bins from low to high, one more than bins, and how many values lie in each; the last one holds its
-- right edge, too.
local function counts(values, bins, low, high)
  local edges, count, width = {}, {}, (high - low) / bins
  for i = 1, bins do
    edges[i], count[i] = low + (i - 1) * width, 0
  end
  edges[bins + 1] = high
  for _, v in ipairs(values) do
    if reading.is_finite(v) then
      local i = math.min(bins, math.floor((v - low) / width) + 1)
      while i > 1 and v < edges[i] do -- the division rounds; the edges say what belongs where
        i = i - 1
      end
      while i < bins and v >= edges[i + 1] do
        i = i + 1
      end
      count[i] = count[i] + 1
    end
  end
  return edges, count
end

---Draws a histogram of one or more sets of values: how many fall into each of equal bins. Options also: bins (40), density
---(false; true: shares divided by the width, so that the area is 1).
---@param given nn.Tensor|table a set of values, or a list of sets {y =, label =}
---@param opts? nn.PlotOptions and bins, density
---@return string|nil path of the file
---example:
---  > nn.plot.hist(nn.randn(100), {bins = 10, title = "weights"})
---            weights
---  ...
---see: nn.plot.bar, nn.histc, nn.plot.line
function M.hist(given, opts)
  local o = reading.read("hist", opts, { bins = { "integer", 40 }, density = { "boolean", false } })
  if o.bins < 1 or o.bins > 100000 then
    core.raise(("plot.hist: bins must be from 1 to 100000, but is %d"):format(o.bins))
  end
  local series, low, high = reading.series_of(o.who, given), math.huge, -math.huge
  for _, s in ipairs(series) do
    for _, v in ipairs(s.y) do
      if v == v and v < math.huge and v > -math.huge then
        low, high = math.min(low, v), math.max(high, v)
      end
    end
  end
  if low > high then
    core.raise "plot.hist: there are no values"
  end
  if low == high then -- as NumPy: one value stands in the middle of a range of 1
    low, high = low - 0.5, high + 0.5
  end
  for _, s in ipairs(series) do
    s.edges, s.y = counts(s.y, o.bins, low, high)
    if o.density then
      local n = 0
      for _, c in ipairs(s.y) do
        n = n + c
      end
      for i, c in ipairs(s.y) do
        s.y[i] = c / (n * (s.edges[i + 1] - s.edges[i]))
      end
    end
  end
  if not o.yrange then
    local least = math.huge -- on a logarithmic axis, a bar of the least height has half of itself to stand on
    for _, s in ipairs(series) do
      for _, c in ipairs(s.y) do
        least = c > 0 and math.min(least, c) or least
      end
    end
    o.yrange = { o.log:find "y" and least / 2 or 0 }
  end
  return xy(series, o, "lines")
end

-- ---- of files of their own ----

for _, file in ipairs { "matrices", "plane", "models" } do
  for name, f in pairs(require("nn.plot." .. file)) do
    M[name] = f
  end
end

return options.namespace("nn.plot", M)
