-- Metrics of values: the root of the mean squared error, and the share of the variance that is explained. In float64, whatever
-- the model computes in.

local core = require "nn.core"
local forms = require "nn.train.metrics.forms"
local plain = require "nn.train.metrics.plain"

local M = {}

local function pair(m, output, target)
  forms.check(m.name, output, target)
  local a, b = forms.aligned(m.name, output, target)
  return a:to("float64"), b:to("float64")
end

local saw_nan = "an output or a target was nan"

-- Of each column: the mean of the targets, the sums of their squared distances from it and from the outputs. The first target
-- is taken from all: it makes them small, and those that are all equal exactly 0.
local function moments(m, output, target)
  local a, b = pair(m, output, target)
  local n = #b
  a, b = a:reshape(n, -1), b:reshape(n, -1)
  local first = b:narrow(1, 1, 1)
  local from = b - first
  local mean = from:mean(1, true)
  return core.stack { (first + mean):squeeze(1), (from - mean):square():sum(1), (b - a):square():sum(1) }
end

-- Two parts of a sample joined (Chan, Golub & LeVeque 1979).
local function merge(m, s, n, found)
  local mean, spread, errors = table.unpack(found:unbind(1))
  if not s.mean then
    s.count, s.mean, s.spread, s.errors = n, mean:clone(), spread:clone(), errors:clone()
    return
  elseif #mean ~= #s.mean then
    core.raise(("%s: a target had %d values before, and now has %d"):format(m.name, #s.mean, #mean))
  end
  local all, step = s.count + n, mean - s.mean
  s.spread = s.spread + spread + step:square() * (s.count * n / all)
  s.mean = s.mean + step * (n / all)
  s.errors = s.errors + errors
  s.count = all
end

M.kinds = {
  {
    name = "rmse", title = "RMSE", mode = "min", width = 1, state = plain.sums,
    parts = function(m, output, target)
      local a, b = pair(m, output, target)
      local squares = (a - b):square()
      return squares:sum() / forms.per_sample(squares)
    end,
    merge = plain.merge_sum,
    result = function(_, s)
      local value = math.sqrt(s.sum / s.count)
      return value, value ~= value and saw_nan or nil
    end,
  },
  {
    name = "r2", title = "R2", mode = "max", width = 1, parts = moments, merge = merge,
    state = { count = { "number" }, mean = { "tensor", "float64", 1 }, spread = { "tensor", "float64", 1 },
      errors = { "tensor", "float64", 1 } },
    fits = function(s)
      return #s.mean == #s.spread and #s.mean == #s.errors
    end,
    result = function(_, s)
      local value = (s.errors * -1 / s.spread + 1):mean():item()
      if s.spread:eq(0):any():item() then
        return forms.nan, s.count == 1 and "one sample has no variance"
          or "targets that are all equal have no variance to explain"
      end
      return value, value ~= value and saw_nan or nil
    end,
  },
}

return M
