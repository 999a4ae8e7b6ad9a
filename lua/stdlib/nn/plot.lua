-- nn.plot: pictures. With a file ("loss.png", .svg or .pdf) they are drawn by gnuplot; without one they appear in the
-- terminal, in braille.
--
--   nn.plot.line({{y = train, label = "training"}, {y = valid, label = "validation"}},
--     {title = "Loss", xlabel = "epoch", ylabel = "loss", file = "loss.png"})
--
-- Options of all: file, title, xlabel, ylabel, log ("x", "y", "xy"), xrange and yrange ({low, high}), columns (1 or 2: the
-- width of a page's column or of the page), size ({width, height} in pixels). Lines, points and bars also take hline: a
-- dashed line across, {value, label}, such as what guessing reaches. Colours can be told apart by colour-blind readers
-- (Okabe & Ito 2008; viridis for values); in the terminal each curve bears a letter. Values are tensors or lists.

local core = require "nn.core"
local gnuplot = require "nn.plot.gnuplot"
local options = require "nn.internal.options"
local terminal = require "nn.plot.terminal"

local M = {}

---Where files with relative names go; by default what nnlua --out DIR (or NNLUA_OUT) says.
M.directory = false

---True if pictures can be written to files.
M.available = gnuplot.is_there

local function run(o, lines)
  return gnuplot.run(o, lines, M.directory)
end

local common = {
  file = { "string" }, title = { "string" }, xlabel = { "string" }, ylabel = { "string" }, log = { "string", "" },
  xrange = { "table" }, yrange = { "table" }, columns = { "integer", 1 }, size = { "table" }, key = { "string", "" },
}

local function is_finite(v)
  return type(v) == "number" and v == v and v > -math.huge and v < math.huge
end

local function is_length(v)
  return type(v) == "number" and v >= 16 and v <= 20000
end

local function read(who, opts, own)
  local spec = {}
  for _, t in ipairs { common, own or {} } do
    for name, rule in pairs(t) do
      spec[name] = rule
    end
  end
  local o = options.read("plot." .. who, opts, spec)
  o.who = "plot." .. who
  for _, name in ipairs { "xrange", "yrange", "range" } do
    local r = o[name]
    local function is_end(v)
      return v == nil and name ~= "range" or is_finite(v)
    end
    if r and not (is_end(r[1]) and is_end(r[2])) then
      core.raise(("%s: %s must be {low, high}, two numbers, but is {%s, %s}"):format(o.who, name, core.describe(r[1]),
        core.describe(r[2])))
    end
  end
  if o.size and not (is_length(o.size[1]) and is_length(o.size[2])) then
    core.raise(("%s: size must be {width, height} in pixels, each from 16 to 20000, but is {%s, %s}"):format(o.who,
      core.describe(o.size[1]), core.describe(o.size[2])))
  end
  return o
end

-- ---- values ----

-- A list of numbers from a tensor or a table.
local function list(who, what, v)
  if core.is_tensor(v) then
    return v:detach():reshape(-1):to("float64"):totable()
  elseif type(v) == "table" then
    local out = {}
    for i = 1, #v do
      out[i] = v[i]
      if type(out[i]) ~= "number" then
        core.raise(("%s: %s must be numbers, but number %d is %s"):format(who, what, i, core.describe(out[i])))
      end
    end
    return out
  end
  core.raise(("%s: %s must be a tensor or a list, but is %s"):format(who, what, core.describe(v)))
end

-- Rows of numbers from a matrix.
local function rows_of(who, v)
  if core.is_tensor(v) then
    if v.ndim ~= 2 then
      core.raise(("%s: needs a matrix, but the shape is %s"):format(who, tostring(v.shape)))
    end
    if v:numel() == 0 then
      core.raise(("%s: there are no values: the shape is %s"):format(who, tostring(v.shape)))
    end
    return v:detach():to("float64"):totable()
  elseif type(v) ~= "table" or type(v[1]) ~= "table" or #v[1] == 0 then
    core.raise(("%s: needs a matrix, but got %s"):format(who, core.describe(v)))
  end
  for r, row in ipairs(v) do
    if type(row) ~= "table" or #row ~= #v[1] then
      core.raise(("%s: each row must have %d numbers, as the first, but row %d is %s"):format(who, #v[1], r,
        type(row) == "table" and ("a list of %d"):format(#row) or core.describe(row)))
    end
    list(who, ("row %d"):format(r), row)
  end
  return v
end

-- Series {x =, y =, label =, ...} from what users give: one series or many, as tables or as bare values.
local function series_of(who, given)
  if type(given) ~= "table" and not core.is_tensor(given) then
    core.raise(("%s: needs values, but got %s"):format(who, core.describe(given)))
  end
  if core.is_tensor(given) or type(given[1]) == "number" then
    given = { { y = given } }
  elseif given.y ~= nil then
    given = { given }
  end
  local out = {}
  for i = 1, #given do
    local s = given[i]
    if core.is_tensor(s) or type(s) == "table" and type(s[1]) == "number" then
      s = { y = s }
    end
    if type(s) ~= "table" or s.y == nil then
      core.raise(("%s: series %d must be a tensor, a list of numbers or {x =, y =, label =}, but is %s"):format(who, i,
        type(s) == "table" and "a table without y" or core.describe(s)))
    end
    local new = { label = s.label, style = s.style, error = s.error and list(who, "error", s.error) }
    new.y = list(who, "y", s.y)
    new.x = s.x and list(who, "x", s.x)
    if not new.x then
      new.x = {}
      for k = 1, #new.y do
        new.x[k] = k
      end
    end
    if #new.x ~= #new.y then
      core.raise(("%s: series %d has %d x and %d y"):format(who, i, #new.x, #new.y))
    elseif new.error and #new.error ~= #new.y then
      core.raise(("%s: series %d has %d y and an error of %d"):format(who, i, #new.y, #new.error))
    end
    out[i] = new
  end
  return out
end

-- ---- lines and points ----

-- The dashed line of the option hline, as a part of gnuplot's plot.
local function dashed_line(o)
  local h = o.hline
  if h and not is_finite(h[1]) then
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
  return run(o, lines)
end

---Lines. Series: y, or {x =, y =, label =, error =}, or a list of such; error draws a band of y +- error.
---@param series nn.Tensor|table
---@param opts? table
function M.line(series, opts)
  local o = read("line", opts, { hline = { "table" } })
  return xy(series_of(o.who, series), o, "lines")
end

---Points. x, y and optionally classes: nn.plot.scatter(points, {classes = labels}) with points n x 2, or series as in line.
---@param given nn.Tensor|table
---@param opts? table
function M.scatter(given, opts)
  local o = read("scatter", opts, { classes = { "any" }, labels = { "table" }, hline = { "table" } })
  if core.is_tensor(given) and given.ndim == 2 then
    if given:size(2) ~= 2 then
      core.raise(("plot.scatter: points must be n x 2, but have shape %s"):format(tostring(given.shape)))
    end
    local points, classes = given:detach():totable(), o.classes and list(o.who, "classes", o.classes)
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
  return xy(series_of(o.who, given), o, "points")
end

---Bars: values with names.
---@param opts? table
---@param values nn.Tensor|table numbers, or a list of groups {label =, y = numbers}
---@param names? string[]
function M.bar(values, names, opts)
  local o = read("bar", opts, { hline = { "table" } })
  local series = series_of(o.who, values)
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
  return run(o, lines)
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
    if is_finite(v) then
      local i = math.min(bins, math.floor((v - low) / width) + 1)
      count[i] = count[i] + 1
    end
  end
  return edges, count
end

---A histogram of one or more sets of values.
---@param given nn.Tensor|table
---@param opts? {bins: integer, density: boolean} bins: 40; density: heights for which the bars' areas add up to 1
function M.hist(given, opts)
  local o = read("hist", opts, { bins = { "integer", 40 }, density = { "boolean", false } })
  if o.bins < 1 or o.bins > 100000 then
    core.raise(("plot.hist: bins must be from 1 to 100000, but is %d"):format(o.bins))
  end
  local series, low, high = series_of(o.who, given), math.huge, -math.huge
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

-- ---- matrices ----

-- As a bitmap, whose squares have no seams between them, and whose file is small; in an svg viewers would blur it.
local function squares(o)
  return o.file:find "%.svg$" and "image pixels" or "image"
end

---A matrix in colours, its first row on top.
---@param matrix nn.Tensor|table
---@param opts? {names: string[], rows: string[], range: number[], diverging: boolean}
function M.heatmap(matrix, opts)
  local o = read("heatmap", opts, {
    names = { "table" }, rows = { "table" }, range = { "table" }, diverging = { "boolean", false },
  })
  local rows = rows_of(o.who, matrix)
  if not o.file then
    return terminal.heatmap(rows, o)
  end
  local lines = { "set palette " .. (o.diverging and gnuplot.diverging or gnuplot.viridis), "unset grid", "unset key" }
  if o.range then
    lines[#lines + 1] = ("set cbrange [%s:%s]"):format(gnuplot.number(o.range[1]), gnuplot.number(o.range[2]))
  end
  for axis, names in pairs { x = o.names or false, y = o.rows or false } do
    if names then
      local tics = {}
      for i, name in ipairs(names) do
        tics[i] = ("%s %d"):format(gnuplot.quoted(tostring(name)), i - 1)
      end
      lines[#lines + 1] = ("set %stics (%s) noenhanced%s"):format(axis, table.concat(tics, ", "),
        axis == "x" and #names > 6 and " rotate by -35" or "")
    end
  end
  lines[#lines + 1] = ("set xrange [-0.5:%g]\nset yrange [%g:-0.5]"):format(#rows[1] - 0.5, #rows - 0.5)
  gnuplot.matrix_block(lines, "d", rows)
  lines[#lines + 1] = "plot $d matrix with " .. squares(o)
  return run(o, lines)
end

---An image: height x width (grey).
---@param matrix nn.Tensor|table
---@param opts? table
function M.image(matrix, opts)
  local o = read("image", opts, { range = { "table" } })
  local rows = rows_of(o.who, matrix)
  if not o.file then
    return terminal.heatmap(rows, o)
  end
  local lines = { "set palette gray", "unset grid", "unset key", "unset colorbox", "unset tics", "set size ratio -1",
    ("set xrange [-0.5:%g]\nset yrange [%g:-0.5]"):format(#rows[1] - 0.5, #rows - 0.5) }
  gnuplot.matrix_block(lines, "d", rows)
  lines[#lines + 1] = "plot $d matrix with " .. squares(o)
  o.tall = math.max(140, math.min(700, 600 * #rows // #rows[1] + 60))
  return run(o, lines)
end

---Images beside each other: n x height x width.
---@param images nn.Tensor
---@param opts? {across: integer}
function M.grid(images, opts)
  local o = read("grid", opts, { across = { "integer" } })
  if not core.is_tensor(images) or images.ndim ~= 3 then
    core.raise(("plot.grid: needs images as n x height x width, but got %s"):format(core.describe(images)))
  end
  local n, h, w = images:size(1), images:size(2), images:size(3)
  local across = o.across or math.ceil(math.sqrt(n))
  local down = math.ceil(n / across)
  local low, high = images:min():item(), images:max():item()
  local sheet = core.full({ down * (h + 1) - 1, across * (w + 1) - 1 }, high, { dtype = "float32" })
  for i = 0, n - 1 do
    local r, c = i // across * (h + 1), i % across * (w + 1)
    sheet[{ { r + 1, r + h }, { c + 1, c + w } }] = images[i + 1]:to "float32"
  end
  o.across, o.who = nil, nil
  o.range = { low, high }
  return M.image(sheet, o)
end

-- ---- functions of the plane ----

---What a classifier of points (n x 2) says in the plane, with the points over it. f: a model or function from n x 2 to
---scores (n x classes), or to one number a point, whose sign decides.
---@param f function|nn.Module
---@param points nn.Tensor n x 2
---@param labels nn.Tensor n classes
---@param opts? {resolution: integer}
function M.boundary(f, points, labels, opts)
  local o = read("boundary", opts, { resolution = { "integer", 160 }, margin = { "number", 0.15 } })
  local resolution = o.file and o.resolution or 72
  if points.ndim ~= 2 or points:size(2) ~= 2 or #points == 0 or labels:numel() ~= #points then
    core.raise(("plot.boundary: needs points n x 2 and n labels, but got shapes %s and %s"):format(tostring(points.shape),
      tostring(labels.shape)))
  elseif resolution < 2 or resolution > 4000 then
    core.raise(("plot.boundary: resolution must be from 2 to 4000, but is %d"):format(resolution))
  end
  labels = labels:reshape(-1)
  local low, high = points:detach():min(1), points:detach():max(1)
  local l, h = low:totable(), high:totable()
  local range = {}
  for d = 1, 2 do
    local pad = math.max(1e-6, (h[d] - l[d]) * o.margin)
    range[d] = { l[d] - pad, h[d] + pad }
  end
  local down = o.file and resolution or 30
  local gx = core.linspace(range[1][1], range[1][2], resolution)
  local gy = core.linspace(range[2][1], range[2][2], down)
  local all = core.stack({ gx:unsqueeze(1):expand(down, resolution):reshape(-1),
    gy:unsqueeze(2):expand(down, resolution):reshape(-1) }, 2)
  local score = core.no_grad(function()
    return options.gives_tensor("plot.boundary", "f", f)(all:to(points.dtype))
  end)
  if score.ndim == 0 or #score ~= #all or score.ndim > 2 then
    core.raise(("plot.boundary: f must give n x classes scores or n numbers for n points, but gave shape %s for %d"):format(
      tostring(score.shape), #all))
  end
  local class
  if score.ndim == 2 and score:size(2) > 1 then
    class = score:argmax(2)
  else
    class = score:reshape(-1):gt(0):to "int64" + 1
  end
  local grid = class:reshape(down, resolution)
  if not o.file then
    return terminal.boundary(grid:totable(), points:detach():totable(), labels:totable(), range, o)
  end
  local lines, parts = {}, {}
  local classes = math.max(class:max():item(), labels:max():item())
  lines[#lines + 1] = "set grid noxtics noytics"
  lines[#lines + 1] = ("set xrange [%s:%s]\nset yrange [%s:%s]"):format(gnuplot.number(range[1][1]), gnuplot.number(range[1][2]),
    gnuplot.number(range[2][1]), gnuplot.number(range[2][2]))
  local hexes = {}
  for c = 1, classes do
    hexes[c] = tonumber(gnuplot.colours[(c - 1) % #gnuplot.colours + 1]:sub(2), 16)
  end
  -- regions as pale dots on a dense grid, points on top
  local function pale(hex)
    local r, g, b = hex >> 16, (hex >> 8) & 255, hex & 255
    return (r + 2 * 255) // 3 << 16 | (g + 2 * 255) // 3 << 8 | (b + 2 * 255) // 3
  end
  local shades = {}
  for i, c in ipairs(class:totable()) do
    shades[i] = pale(hexes[c])
  end
  gnuplot.block(lines, "g", { all:select(2, 1):to("float64"):totable(), all:select(2, 2):to("float64"):totable(), shades })
  parts[1] = "$g using 1:2:(int($3)>>16):((int($3)>>8)&255):(int($3)&255) with rgbimage notitle"
  local by = {}
  local p, y = points:detach():totable(), labels:totable()
  for i, c in ipairs(y) do
    c = math.type(c) and c or (c and 2 or 1)
    by[c] = by[c] or { {}, {} }
    table.insert(by[c][1], p[i][1])
    table.insert(by[c][2], p[i][2])
  end
  for c = 1, classes do
    if by[c] then
      gnuplot.block(lines, "p" .. c, by[c])
      parts[#parts + 1] = ("$p%d with points linetype %d pointsize 0.8 %s"):format(c, c, gnuplot.titled(("class %d"):format(c)))
    end
  end
  lines[#lines + 1] = "plot " .. table.concat(parts, ", ")
  o.tall = 480
  return run(o, lines)
end

---Arrows: points n x 2, directions n x 2.
---@param points nn.Tensor|table
---@param directions nn.Tensor|table
---@param opts? {scale: number}
function M.quiver(points, directions, opts)
  local o = read("quiver", opts, { scale = { "number", 1 } })
  local p, d = rows_of(o.who, points), rows_of(o.who, directions)
  if #p ~= #d then
    core.raise(("plot.quiver: %d points and %d directions"):format(#p, #d))
  elseif #p[1] ~= 2 or #d[1] ~= 2 then
    core.raise(("plot.quiver: points and directions must be n x 2, but are n x %d and n x %d"):format(#p[1], #d[1]))
  end
  local c = { {}, {}, {}, {} }
  for i = 1, #p do
    c[1][i], c[2][i], c[3][i], c[4][i] = p[i][1], p[i][2], d[i][1] * o.scale, d[i][2] * o.scale
  end
  if not o.file then
    return terminal.arrows(c, o)
  end
  local lines = {}
  gnuplot.block(lines, "d", c)
  lines[#lines + 1] = "plot $d with vectors head size graph 0.012,20 filled linetype 1 notitle"
  return run(o, lines)
end

---A surface over the plane: z is rows x columns, x and y (optional) the columns' and rows' places. With contours below.
---@param z nn.Tensor|table
---@param opts? {x: table, y: table, zlabel: string, contour: boolean} contour: only the map seen from above
function M.surface(z, opts)
  local o = read("surface", opts, {
    x = { "any" }, y = { "any" }, zlabel = { "string" }, contour = { "boolean", false }, logz = { "boolean", false },
  })
  local rows = rows_of(o.who, z)
  if not o.file then
    return terminal.heatmap(rows, o)
  end
  local x, y = o.x and list(o.who, "x", o.x), o.y and list(o.who, "y", o.y)
  for name, given in pairs { x = x or false, y = y or false } do
    local n = name == "x" and #rows[1] or #rows
    if given and #given ~= n then
      core.raise(("plot.surface: z has %d %s, so %s must be %d numbers, but there are %d"):format(n,
        name == "x" and "columns" or "rows", name, n, #given))
    end
  end
  local lines = { "set palette " .. gnuplot.viridis, "$d << EOD" }
  for r, row in ipairs(rows) do
    for c, v in ipairs(row) do
      lines[#lines + 1] = ("%s %s %s"):format(gnuplot.number(x and x[c] or c), gnuplot.number(y and y[r] or r), gnuplot.number(v))
    end
    lines[#lines + 1] = ""
  end
  lines[#lines + 1] = "EOD"
  if o.logz then
    lines[#lines + 1] = "set logscale zcb"
  end
  if o.contour then
    lines[#lines + 1] = "set view map\nset contour base\nset cntrlabel onecolor\nset cntrparam levels 12\nunset key\n"
      .. "set xrange [] noextend\nset yrange [] noextend"
    lines[#lines + 1] = "splot $d with pm3d notitle, $d with lines nosurface linecolor '#ffffff' linewidth 0.6 notitle"
  else
    lines[#lines + 1] = "set ticslevel 0\nunset key\nset hidden3d"
    if o.zlabel then
      lines[#lines + 1] = "set zlabel " .. gnuplot.quoted(o.zlabel) .. " rotate"
    end
    lines[#lines + 1] = "splot $d with pm3d notitle"
  end
  return run(o, lines)
end

-- ---- models ----

-- One line a layer, in the order of a Sequential, indented for what is inside others.
local function outline(model)
  local rows, within = {}, {}
  local module = require "nn.layers.module"
  local function walk(m, depth, name)
    local inner, own = {}, 0
    for _, child in ipairs(module.children_of(m)) do
      if core.is_tensor(child.value) then
        own = own + (child.value.is_parameter and child.value:numel() or 0)
      else
        inner[#inner + 1] = child
      end
    end
    rows[#rows + 1] = { depth, name, ("%s(%s)"):format(m._name, m.extra and m:extra() or ""), own }
    within[m] = true
    for _, child in ipairs(inner) do
      if not module.is_module(child.value) then
        rows[#rows + 1] = { depth + 1, child.path, "a function", 0 }
      elseif not within[child.value] then
        walk(child.value, depth + 1, child.path)
      end
    end
    within[m] = nil
  end
  walk(model, 0, "")
  return rows
end

---A model's layers as boxes, from input (top) to output, with their parameters.
---@param model nn.Module
---@param opts? table
function M.graph(model, opts)
  local o = read("graph", opts)
  if not require("nn.layers.module").is_module(model) then
    core.raise(("plot.graph: needs a model, but got %s"):format(core.describe(model)))
  end
  local rows = outline(model)
  if not o.file then
    return terminal.outline(rows)
  end
  local lines = { "unset border\nunset tics\nunset key\nunset grid\nset margins 1,1,1,1" }
  local n = #rows
  lines[#lines + 1] = ("set xrange [0:10]\nset yrange [%g:0]"):format(n + 0.5)
  for i, row in ipairs(rows) do
    local left = 1 + row[1] * 0.5
    local leaf = not rows[i + 1] or rows[i + 1][1] <= row[1]
    lines[#lines + 1] = ("set object %d rectangle from %g,%g to %g,%g fillcolor rgb '%s' fillstyle solid 1 border "
      .. "linecolor rgb '#888888'"):format(i, left, i - 0.35, 9, i + 0.35, leaf and "#dcebf5" or "#f2f2f2")
    lines[#lines + 1] = ("set label %d %s at %g,%g left noenhanced"):format(i,
      gnuplot.quoted((row[2] ~= "" and row[2] .. ": " or "") .. row[3]
        .. (row[4] > 0 and ("   %d parameters"):format(row[4]) or "")),
      left + 0.15, i)
    if i > 1 and leaf and rows[i - 1][1] >= row[1] then
      lines[#lines + 1] = ("set arrow %d from %g,%g to %g,%g head filled size 0.1,20 linecolor rgb '#888888'"):format(i,
        left + 0.6,
        i - 0.65, left + 0.6, i - 0.35)
    end
  end
  lines[#lines + 1] = "plot NaN notitle"
  o.tall = math.max(160, 34 * n + 40)
  return run(o, lines)
end

return options.namespace("nn.plot", M)
