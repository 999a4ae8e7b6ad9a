-- Timing and the arithmetic of the tables.

local nn = require "nn"

local M = {}

---Microseconds a call, over `count` calls.
function M.time(f, count)
  local began = nn.time()
  for _ = 1, count do
    f()
  end
  return (nn.time() - began) / count * 1e6
end

function M.quantile(list, q)
  local sorted = table.move(list, 1, #list, 1, {})
  table.sort(sorted)
  return sorted[math.max(1, math.ceil(q * #sorted))]
end

function M.median(list)
  return M.quantile(list, 0.5)
end

---The median of the ratios of what was measured in one round; nil where one of the two is missing.
function M.ratio(a, b)
  if not b or #b == 0 or #b ~= #a then
    return nil
  end
  local ratios = {}
  for i = 1, #a do
    ratios[i] = a[i] / b[i]
  end
  return M.median(ratios)
end

function M.number(x)
  return x and ("%.3g"):format(x) or "-"
end

function M.bounded(x, bound)
  return x and ("%.4f %s (%.4g)"):format(x, x <= bound and "met" or "missed", bound) or "-"
end

local function short(x)
  return x >= 1000 and ("%.0f"):format(x) or (x >= 10 and ("%.1f"):format(x) or ("%.2f"):format(x))
end

function M.spread(list)
  if not list or #list == 0 then
    return "-"
  end
  return ("%s (%s .. %s)"):format(short(M.median(list)), short(M.quantile(list, 0)), short(M.quantile(list, 1)))
end

function M.columns(cells, width)
  local out = {}
  for i, cell in ipairs(cells) do
    out[i] = ("%-" .. width .. "s"):format(cell)
  end
  return out
end

return M
