-- Matrices and images in colours.

local core = require "nn.core"
local gnuplot = require "nn.plot.gnuplot"
local reading = require "nn.plot.reading"
local terminal = require "nn.plot.terminal"

local M = {}

-- As a bitmap, whose squares have no seams between them, and whose file is small; in an svg viewers would blur it.
local function squares(o)
  return o.file:find "%.svg$" and "image pixels" or "image"
end

---Draws a matrix in colours, such as a confusion matrix, its first row on top. Options also: names (of the columns), rows
---(names of the rows), range ({low, high} of the colours; default those of the values), diverging (false; true: blue over
---white to red).
---@param matrix nn.Tensor|table rows x columns
---@param opts? nn.PlotOptions and names, rows, range, diverging
---@return string|nil path of the file
---example:
---  > nn.plot.heatmap({{1, 2}, {3, 4}}, {rows = {"a", "b"}})
---    ░░  a
---  ▓▓██  b
---  ' ' = 1 … █ = 4
---see: nn.plot.image, nn.train.metrics.Confusion, nn.plot.surface
function M.heatmap(matrix, opts)
  local o = reading.read("heatmap", opts, {
    names = { "table" }, rows = { "table" }, range = { "table" }, diverging = { "boolean", false },
  })
  local rows = reading.rows_of(o.who, matrix)
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
  return reading.run(o, lines)
end

---Draws an image, height x width, in grey. Options also: range ({black, white}; default the lowest and the highest value).
---@param matrix nn.Tensor|table
---@param opts? nn.PlotOptions and range
---@return string|nil path of the file
---example:
---  > nn.plot.image {{0, 1}, {1, 0}}
---    ██
---  ██
---  ' ' = 0 … █ = 1
---see: nn.plot.grid, nn.plot.heatmap
function M.image(matrix, opts)
  local o = reading.read("image", opts, { range = { "table" } })
  local rows = reading.rows_of(o.who, matrix)
  if not o.file then
    return terminal.heatmap(rows, o)
  end
  local lines = { "set palette gray", "unset grid", "unset key", "unset colorbox", "unset tics", "set size ratio -1",
    ("set xrange [-0.5:%g]\nset yrange [%g:-0.5]"):format(#rows[1] - 0.5, #rows - 0.5) }
  gnuplot.matrix_block(lines, "d", rows)
  lines[#lines + 1] = "plot $d matrix with " .. squares(o)
  o.tall = math.max(140, math.min(700, 600 * #rows // #rows[1] + 60))
  return reading.run(o, lines)
end

---Draws images beside each other, n x height x width, in grey. Options also: across (how many in a row; default the root of n).
---@param images nn.Tensor
---@param opts? nn.PlotOptions and across
---@return string|nil path of the file
---example:
---  > nn.plot.grid(nn.tensor {{{0.0, 1.0}, {1.0, 0.0}}, {{1.0, 1.0}, {0.0, 0.0}}}, {across = 2})
---    ████████
---  ██  ██
---  ' ' = 0 … █ = 1
---see: nn.plot.image, nn.data.fashion_mnist
function M.grid(images, opts)
  local o = reading.read("grid", opts, { across = { "integer" } })
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

return M
