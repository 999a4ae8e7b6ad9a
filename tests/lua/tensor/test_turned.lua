-- Operands whose elements do not lie beside each other along the last dim: they are read and written by blocks.

local nn = require "nn"
local lu = require "luaunit"

TestTurned = {}

local shapes = { { 17, 33 }, { 2, 9 }, { 3, 40, 70 }, { 5, 1000, 31 }, { 2000, 9 }, { 9, 2000 }, { 16, 1024 }, { 4, 3, 20000 },
  { 7, 5, 11, 13 } }
local orders = { [2] = { { 2, 1 } }, [3] = { { 1, 3, 2 }, { 2, 1, 3 }, { 3, 2, 1 }, { 2, 3, 1 } },
  [4] = { { 1, 3, 4, 2 }, { 4, 1, 2, 3 }, { 4, 3, 2, 1 } } }

-- 1, 2, 3 .. of this shape; and what stands at each place once its dims are in that order, counted here.
local function counted(shape, order)
  local steps, step = {}, 1
  for d = #shape, 1, -1 do
    steps[d] = step
    step = step * shape[d]
  end
  local values, index = {}, {}
  local function go(d)
    if d > #order then
      local at = 1
      for k, from in ipairs(order) do
        at = at + index[k] * steps[from]
      end
      values[#values + 1] = at
      return
    end
    for i = 0, shape[order[d]] - 1 do
      index[d] = i
      go(d + 1)
    end
  end
  go(1)
  return nn.arange(1, step + 1):reshape(shape), nn.tensor(values)
end

local function each(f)
  for _, shape in ipairs(shapes) do
    for _, order in ipairs(orders[#shape]) do
      local x, wanted = counted(shape, order)
      for _, threads in ipairs { 1, 2 } do
        nn.set_num_threads(threads)
        f(x, order, wanted, ("%s in order %s, %d threads"):format(table.concat(shape, "x"), table.concat(order, ","), threads))
      end
    end
  end
end

local threads = nn.get_num_threads()
function TestTurned:tearDown()
  nn.set_num_threads(threads)
end

function TestTurned:test_copies()
  each(function(x, order, wanted, what)
    for _, dtype in ipairs { "float32", "float64", "int64", "uint8", "bool" } do
      local typed = dtype == "uint8" and (x:fmod(251)):to(dtype) or dtype == "bool" and x:fmod(3):eq(1) or x:to(dtype)
      local expected = dtype == "uint8" and (wanted:fmod(251)):to(dtype) or dtype == "bool" and wanted:fmod(3):eq(1)
        or wanted:to(dtype)
      lu.assertTrue(typed:permute(order):contiguous():flatten():eq(expected):all():item(), what .. ", " .. dtype)
      local out = nn.zeros(x.shape, { dtype = dtype })
      out:permute(order):copy_(expected:reshape(typed:permute(order).shape))
      lu.assertTrue(out:eq(typed):all():item(), "into " .. what .. ", " .. dtype)
    end
  end)
end

-- With other operands: one that lies straight, one that is repeated, one of another dtype that is turned, too.
function TestTurned:test_with_others()
  each(function(x, order, wanted, what)
    local turned = x:permute(order)
    local shape = turned.shape
    local straight = wanted:reshape(shape)
    local column, row = nn.rand(shape[#shape - 1], 1), nn.rand(shape[#shape])
    local double = x:double():permute(order)
    local function same(a, b, name)
      lu.assertTrue(a:eq(b):all():item(), name .. " of " .. what)
    end
    same(turned + straight, straight + straight, "sum")
    same(turned * row, straight * row, "product with rows")
    same(column - turned, column - straight, "difference with columns")
    same(turned + double, straight + straight:double(), "sum of two dtypes")
    same(nn.where(turned:gt(100), turned, column), nn.where(straight:gt(100), straight, column), "where")
    local target = x:clone()
    target:permute(order):add_(straight)
    same(target, x + x, "sum in place")
    target:permute(order):mul_(target:permute(order))
    same(target, (x + x) * (x + x), "product in place")
  end)
end

return TestTurned
