-- The layers of a model.

local core = require "nn.core"
local gnuplot = require "nn.plot.gnuplot"
local reading = require "nn.plot.reading"
local terminal = require "nn.plot.terminal"

local M = {}

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

---Draws a model's layers as boxes, from input (top) to output, with their parameters; in the terminal as lines.
---@param model nn.Module
---@param opts? nn.PlotOptions
---@return string|nil path of the file
---example:
---  > nn.plot.graph(nn.Sequential(nn.Linear(2, 3), nn.ReLU()))
---  Sequential()
---    1: Linear(2, 3)  9 parameters
---    2: ReLU()
---see: nn.Module:describe, nn.plot.heatmap
function M.graph(model, opts)
  local o = reading.read("graph", opts)
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
  return reading.run(o, lines)
end

return M
