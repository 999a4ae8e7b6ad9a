-- Functions of the plane: regions, arrows, surfaces.

local core = require "nn.core"
local gnuplot = require "nn.plot.gnuplot"
local options = require "nn.internal.options"
local reading = require "nn.plot.reading"
local terminal = require "nn.plot.terminal"

local M = {}

---Draws what a classifier says of each point in the plane, with the samples over it. f: a model or function from n x 2 to
---scores (n x classes), or to one number a point, whose sign decides. Options also: resolution (160 points a side, of a file),
---margin (0.15, the share of the points' range that is shown beyond them).
---@param f function|nn.Module
---@param points nn.Tensor n x 2
---@param labels nn.Tensor n classes
---@param opts? nn.PlotOptions and resolution, margin
---@return string|nil path of the file
---example:
---  > data = nn.data.xor()
---  > nn.plot.boundary(nn.Linear(2, 2), data.x, data.y, {title = "untrained"})
---  ...untrained
---  ...
---see: nn.plot.scatter, nn.data.moons, nn.train.fit
function M.boundary(f, points, labels, opts)
  local o = reading.read("boundary", opts, { resolution = { "integer", 160 }, margin = { "number", 0.15 } })
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
  return reading.run(o, lines)
end

---Draws arrows, such as gradients: points n x 2, directions n x 2. Options also: scale (1; directions are multiplied with it).
---@param points nn.Tensor|table
---@param directions nn.Tensor|table
---@param opts? nn.PlotOptions and scale
---@return string|nil path of the file
---example:
---  > nn.plot.quiver({{0, 0}, {1, 1}}, {{1, 0}, {0, 1}}, {title = "a field"})
---            a field
---  ...
---see: nn.plot.surface, nn.plot.scatter
function M.quiver(points, directions, opts)
  local o = reading.read("quiver", opts, { scale = { "number", 1 } })
  local p, d = reading.rows_of(o.who, points), reading.rows_of(o.who, directions)
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
  return reading.run(o, lines)
end

---Draws a surface over the plane, such as a loss over two weights: z is rows x columns. In the terminal it is a map in shades.
---Options also: x and y (the columns' and rows' places; default 1, 2, ...), zlabel, contour (false; true: only the map seen
---from above, with contours), logz (false; true: a logarithmic scale of z).
---@param z nn.Tensor|table
---@param opts? nn.PlotOptions and x, y, zlabel, contour, logz
---@return string|nil path of the file
---example:
---  > nn.plot.surface {{1, 2}, {3, 4}}
---    ░░
---  ▓▓██
---  ' ' = 1 … █ = 4
---see: nn.theory.loss_plane, nn.plot.heatmap
function M.surface(z, opts)
  local o = reading.read("surface", opts, {
    x = { "any" }, y = { "any" }, zlabel = { "string" }, contour = { "boolean", false }, logz = { "boolean", false },
  })
  local rows = reading.rows_of(o.who, z)
  if not o.file then
    return terminal.heatmap(rows, o)
  end
  local x, y = o.x and reading.list(o.who, "x", o.x), o.y and reading.list(o.who, "y", o.y)
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
  return reading.run(o, lines)
end

return M
