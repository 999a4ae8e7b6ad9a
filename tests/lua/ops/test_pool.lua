-- Pooling against loops in Lua, with nan, infinities, windows that are partly or wholly in the padding, and rows that do not
-- fill what the kernels do at once.

local lu = require "luaunit"
local nn = require "nn"

TestPool = {}

local g = nn.Generator(21)
local function pick(low, high)
  return nn.randint(low, high + 1, { 1 }, { generator = g }):item()
end

local function values(dtype, shape)
  local x = nn.randn(shape, { generator = g, dtype = dtype })
  x = (x * 4):round() / 4 -- so that there are equal ones
  for _ = 1, pick(0, 6) do
    local special = ({ 0 / 0, math.huge, -math.huge })[pick(1, 3)]
    x:flatten()[pick(1, x:numel())] = special
  end
  return x
end

-- What a window of a plane gives: its largest value (nan wins, of equal ones the first) and where that is, from 1.
local function largest(plane, h, w, o, i, j)
  local best, where
  for a = 0, o.kernel[1] - 1 do
    for b = 0, o.kernel[2] - 1 do
      local y, x = i * o.stride[1] - o.padding[1] + a * o.dilation[1], j * o.stride[2] - o.padding[2] + b * o.dilation[2]
      if y >= 0 and y < h and x >= 0 and x < w then
        local v = plane[y + 1][x + 1]
        if not best or (best == best and (v ~= v or v > best)) then
          best, where = v, y * w + x + 1
        end
      end
    end
  end
  return best or -math.huge, where or 0
end

local function same(a, b)
  return a == b or a ~= a and b ~= b
end

function TestPool:test_largest()
  for case = 1, 150 do
    local dtype = case % 2 == 0 and "float32" or "float64"
    local o = { kernel = { pick(1, 4), pick(1, 4) }, stride = { pick(1, 3), pick(1, 4) }, dilation = { pick(1, 2), pick(1, 3) } }
    o.padding = { pick(0, o.kernel[1] // 2), pick(0, o.kernel[2] // 2) }
    local h, w = pick(7, 20), pick(10, case % 10 == 0 and 700 or 40)
    if case % 5 == 0 then -- windows that fill the rows go another way
      o = { kernel = { 2, 2 }, stride = { 2, 2 }, dilation = { 1, 1 }, padding = { 0, 0 } }
      w = w // 2 * 2
    end
    local x = values(dtype, { 2, 1, h, w })
    local y, places = nn.max_pool2d(x, o.kernel, { stride = o.stride, padding = o.padding, dilation = o.dilation,
      return_indices = true })
    local planes, ys, wheres = x:totable(), y:totable(), places:totable()
    for n = 1, 2 do
      for i = 1, y.shape[3] do
        for j = 1, y.shape[4] do
          local best, where = largest(planes[n][1], h, w, o, i - 1, j - 1)
          local what = ("case %d, place %d %d %d"):format(case, n, i, j)
          lu.assertTrue(same(ys[n][1][i][j], best), what)
          lu.assertEquals(wheres[n][1][i][j], where, what)
        end
      end
    end
  end
end

-- Windows of two by two whose elements are apart are none of neighbours.
function TestPool:test_dilated_pairs()
  local x = nn.arange(16):float():reshape(1, 1, 4, 4)
  lu.assertEquals(nn.max_pool2d(x, { 2, 2 }, { stride = { 2, 2 }, dilation = { 2, 1 } }):totable(), { { { { 9, 11 } } } })
  lu.assertEquals(nn.max_pool2d(x, { 2, 2 }, { stride = { 2, 2 }, dilation = { 2, 2 }, ceil_mode = true }):totable(),
    { { { { 10, 10 }, { 10, 10 } } } })
  local y, at = nn.max_pool2d(x, { 2, 2 }, { stride = { 1, 1 }, dilation = { 1, 2 }, return_indices = true })
  lu.assertEquals(y:reshape(-1):totable(), { 6, 7, 10, 11, 14, 15 })
  lu.assertEquals(at:reshape(-1):totable(), { 7, 8, 11, 12, 15, 16 })
end

-- Rows of every length, plain and of pairs, with nan and equal elements, in both dtypes.
function TestPool:test_rows_of_every_length()
  for width = 2, 70 do
    local x = nn.randint(0, 9, { 2, 1, 4, width }):to(width % 2 == 0 and "float64" or "float32")
    x[{ 1, 1, 2, width }] = 0 / 0
    for stride = 1, 2 do
      local y, at = nn.max_pool2d(x, { 2, 2 }, { stride = { stride, stride }, return_indices = true })
      local windows = x:unfold(3, 2, stride):unfold(4, 2, stride):reshape(y.shape[1], 1, y.shape[3], y.shape[4], 4)
      local best = windows:max(5)
      lu.assertTrue(y:allclose(best, { equal_nan = true }), width .. " wide")
      lu.assertTrue(x:reshape(2, -1):gather(2, at:reshape(2, -1)):allclose(best:reshape(2, -1), { equal_nan = true }))
    end
  end
end

return TestPool
