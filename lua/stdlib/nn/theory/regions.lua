-- The linear regions of a piecewise linear network of the plane, exactly: a square is cut along the zero lines of every
-- unit, layer by layer; inside each piece the net is one affine map.

local core = require "nn.core"
local options = require "nn.internal.options"

local M = {}

-- The parts of a convex polygon on both sides of a x + b y + c = 0.
local function cut(polygon, a, b, c)
  local sides, value = { {}, {} }, {}
  local above, below, scale = false, false, 0
  for _, p in ipairs(polygon) do
    scale = math.max(scale, math.abs(a * p[1]) + math.abs(b * p[2]) + math.abs(c))
  end
  local least = 1e-12 * scale -- what rounding makes of 0; weights may be tiny or huge
  for i, p in ipairs(polygon) do
    value[i] = a * p[1] + b * p[2] + c
    above, below = above or value[i] > least, below or value[i] < -least
  end
  if not (above and below) then
    return above and polygon or nil, below and polygon or (not above and polygon or nil)
  end
  for i, p in ipairs(polygon) do
    local k = i % #polygon + 1
    local v, w = value[i], value[k]
    if v >= 0 then
      table.insert(sides[1], p)
    end
    if v <= 0 then
      table.insert(sides[2], p)
    end
    if (v > 0 and w < 0) or (v < 0 and w > 0) then
      local t = v / (v - w)
      local q = { p[1] + t * (polygon[k][1] - p[1]), p[2] + t * (polygon[k][2] - p[2]) }
      table.insert(sides[1], q)
      table.insert(sides[2], q)
    end
  end
  return sides[1], sides[2]
end

-- Slopes of both sides of 0, of the activations that are piecewise linear with one corner at 0.
local function slopes(layer)
  local name = layer._name
  if name == "ReLU" then
    return 0.0, 1.0
  elseif name == "LeakyReLU" then
    return layer.negative_slope, 1.0
  elseif name == "PReLU" and #layer.weight == 1 then
    return layer.weight:item(), 1.0
  end
  return nil
end

---Cuts a square of the plane into the regions where a net is affine. The net is a Sequential of
---Linear and ReLU, LeakyReLU or PReLU layers on two inputs. Regions are counted by the pattern of active units.
---Options: low (-1), high (1): the square; most (200000: more regions are an error).
---@param model nn.Sequential
---@param opts? {low: number, high: number, most: integer}
---@return table {count, polygons = lists of {x, y}}
---example:
---  > layer = nn.Linear(2, 2)
---  > layer.weight = nn.Parameter(nn.eye(2))
---  > layer.bias = nn.Parameter(nn.zeros(2))
---  > nn.theory.linear_regions(nn.Sequential(layer, nn.ReLU())).count
---  4
---see: nn.theory.plot_regions, nn.ReLU
---source: Montufar et al. 2014, "On the number of linear regions of deep neural networks"
function M.linear_regions(model, opts)
  local o = options.read("linear_regions", opts, { low = { "number", -1 }, high = { "number", 1 }, most = { "integer", 200000 } })
  if not require("nn.layers.module").is_module(model) or #model == 0 then
    core.raise(("linear_regions: the net must be a Sequential with layers, but is %s"):format(core.describe(model)))
  end
  local l, h = o.low, o.high
  -- a piece: its polygon, and the affine map {{a, b, c}, ...} of each unit reached so far
  local pieces = { { polygon = { { l, l }, { h, l }, { h, h }, { l, h } }, map = { { 1.0, 0.0, 0.0 }, { 0.0, 1.0, 0.0 } } } }
  for i = 1, #model do
    local layer = model[i]
    local low, high = slopes(layer)
    if layer._name == "Linear" then
      if i == 1 and layer.in_features ~= 2 then
        core.raise(("linear_regions: the net must take 2 inputs, but takes %d"):format(layer.in_features))
      end
      local w = layer.weight:detach():to("float64"):totable()
      local b = layer.bias and layer.bias:detach():to("float64"):totable()
      for _, piece in ipairs(pieces) do
        local map = {}
        for u, row in ipairs(w) do
          local p, q, r = 0.0, 0.0, b and b[u] or 0.0
          for k, f in ipairs(piece.map) do
            p, q, r = p + row[k] * f[1], q + row[k] * f[2], r + row[k] * f[3]
          end
          map[u] = { p, q, r }
        end
        piece.map = map
      end
    elseif low then
      local units = #pieces[1].map
      for u = 1, units do
        local new = {}
        for _, piece in ipairs(pieces) do
          local f = piece.map[u]
          local above, below = cut(piece.polygon, f[1], f[2], f[3])
          for side, polygon in pairs { [1] = above or false, [2] = below or false } do
            if polygon and #polygon >= 3 then
              local map = table.move(piece.map, 1, units, 1, {})
              local s = side == 1 and high or low
              map[u] = { f[1] * s, f[2] * s, f[3] * s }
              new[#new + 1] = { polygon = polygon, map = map }
            end
          end
        end
        pieces = new
        if #pieces > o.most then
          core.raise(("linear_regions: more than %d regions; raise 'most' or take a smaller net"):format(o.most))
        end
      end
    elseif layer._name ~= "Identity" and layer._name ~= "Dropout" then
      core.raise(("linear_regions: layer %d is %s; it takes Linear, ReLU, LeakyReLU and PReLU layers"):format(i, tostring(layer)))
    end
  end
  local polygons, affine = {}, {}
  for k, piece in ipairs(pieces) do
    polygons[k], affine[k] = piece.polygon, piece.map
  end
  return { count = #pieces, polygons = polygons, maps = affine }
end

---Draws the edges of the regions that linear_regions found. Options: those of nn.plot.line.
---@param regions table what linear_regions gives
---@param opts? table
---@return string|nil path of the file
---example:
---  > regions = nn.theory.linear_regions(nn.Sequential(nn.Linear(2, 3), nn.ReLU()))
---  > nn.theory.plot_regions(regions, {title = "regions"})
---            regions
---  ...
---see: nn.theory.linear_regions, nn.plot.line
function M.plot_regions(regions, opts)
  local x, y = {}, {}
  for _, polygon in ipairs(regions.polygons) do
    for i = 1, #polygon + 1 do
      local p = polygon[(i - 1) % #polygon + 1]
      x[#x + 1], y[#y + 1] = p[1], p[2]
    end
    x[#x + 1], y[#y + 1] = 0 / 0, 0 / 0
  end
  return require("nn.plot").line({ { x = x, y = y } }, opts)
end

return M
