-- Convolutions of few channels are computed in another way than those of many: both must say the same. The same
-- convolution with channels of zeros behind, forty in all, is one of many.

local nn = require "nn"
local lu = require "luaunit"

TestConvDirect = {}

local g = nn.Generator(5)
local function pick(low, high)
  return nn.randint(low, high + 1, { 1 }, { generator = g }):item()
end
local function randn(dtype, ...)
  return nn.randn({ ... }, { generator = g, dtype = dtype })
end

-- Channels of zeros behind those of each group, along dim 2.
local MANY = 40
local function with_zeros(x, groups)
  local n, c, rest = x.shape[1], x.shape[2] // groups, { table.unpack(x.shape, 3) }
  local zeros = nn.zeros { n, groups, MANY - c, table.unpack(rest) }:to(x.dtype)
  return nn.cat({ x:reshape(n, groups, c, table.unpack(rest)), zeros }, 3):reshape(n, groups * MANY, table.unpack(rest))
end

local function geometry(dims)
  local o, sizes, kernel = { stride = {}, padding = {}, dilation = {} }, {}, {}
  for d = 1, dims do
    kernel[d] = pick(1, 4)
    o.stride[d], o.dilation[d], o.padding[d] = pick(1, 3), pick(1, 2), pick(0, 3)
    sizes[d] = pick(o.dilation[d] * (kernel[d] - 1) + 1, dims == 3 and 8 or 40)
  end
  o.groups = pick(1, 3)
  return o, sizes, kernel
end

function TestConvDirect:test_against_the_general_way()
  for case = 1, 160 do
    local dims, dtype = case % 3 + 1, case % 2 == 0 and "float32" or "float64"
    local tolerance = dtype == "float32" and 1e-3 or 1e-11
    local conv = nn["conv" .. dims .. "d"]
    local o, sizes, kernel = geometry(dims)
    local from, to = case % 4 == 0 and 1 or pick(1, 18), pick(1, case % 4 == 0 and 3 or 40)
    local x = randn(dtype, pick(1, 9), o.groups * from, table.unpack(sizes)):requires_grad_(true)
    local w = randn(dtype, o.groups * to, from, table.unpack(kernel)):requires_grad_(true)
    local y = conv(x, w, o)
    local z = conv(with_zeros(x, o.groups), with_zeros(w, 1), o)
    local what = ("case %d: %s, kernel %s"):format(case, tostring(x.shape), table.concat(kernel, "x"))
    local function same(p, q)
      local ok, why = pcall(nn.testing.assert_close, p, q, { atol = tolerance, rtol = tolerance })
      lu.assertTrue(ok, what .. ": " .. tostring(why))
    end
    same(y, z)
    local up = randn(dtype, table.unpack(y.shape))
    local a = nn.autograd.grad(y, { x, w }, { gradient = up })
    local b = nn.autograd.grad(z, { x, w }, { gradient = up })
    same(a[1], b[1])
    same(a[2], b[2])
  end
end

-- What is not finite reaches what it meets, and nothing else.
function TestConvDirect:test_what_is_not_finite()
  for _, dtype in ipairs { "float32", "float64" } do
    local x = nn.ones(1, 1, 3, 6, { dtype = dtype }):requires_grad_(true)
    x:detach()[{ 1, 1, 2, 6 }] = math.huge -- nothing meets the last column
    local w = nn.ones(1, 1, 1, 2, { dtype = dtype }):requires_grad_(true)
    local y = nn.conv2d(x, w, { stride = { 1, 3 } })
    lu.assertEquals(y:totable(), { { { { 2, 2 }, { 2, 2 }, { 2, 2 } } } })
    lu.assertEquals(nn.autograd.grad(y:sum(), { w })[1]:totable(), { { { { 6, 6 } } } })
    -- an infinite weight meets the second of each three places only
    w:detach()[{ 1, 1, 1, 2 }] = math.huge
    local dx = nn.autograd.grad(nn.conv2d(x, w, { stride = { 1, 3 } }):sum(), { x })[1]
    lu.assertEquals(dx[{ 1, 1, 1 }]:totable(), { 1, math.huge, 0, 1, math.huge, 0 })
  end
end

function TestConvDirect:test_any_number_of_threads()
  local threads = nn.get_num_threads()
  for _, groups in ipairs { 8, 1 } do
    local results = {}
    for n = 1, 2 do
      nn.set_num_threads(n)
      nn.manual_seed(3)
      local x, w = nn.randn(40, 8, 33, 29):requires_grad_(true), nn.randn(8, 8 // groups, 3, 3):requires_grad_(true)
      local y = nn.conv2d(x, w, { groups = groups, padding = 1 })
      y:pow(2):sum():backward()
      results[n] = { y, x.grad, w.grad }
    end
    nn.set_num_threads(threads)
    for i = 1, 3 do
      lu.assertTrue(results[1][i]:eq(results[2][i]):all():item())
    end
  end
end

-- What an image's border takes does not reach what lies behind it.
function TestConvDirect:test_long_rows_far_apart()
  for _, c in ipairs { { { 1, 1, 122880 }, { 1, 1, 1024 }, 256 }, { { 1, 1, 130000 }, { 1, 1, 1000 }, 30 },
    { { 1, 1, 356, 364 }, { 1, 1, 3, 3 }, 2 } } do
    local conv = #c[1] == 3 and nn.conv1d or nn.conv2d
    local x, w, both = randn("float64", table.unpack(c[1])), randn("float64", table.unpack(c[2])), {}
    for i, dtype in ipairs { "float32", "float64" } do
      local leaf = x:to(dtype):detach():requires_grad_(true)
      conv(leaf, w:to(dtype), { stride = { c[3] } }):sum():backward()
      both[i] = leaf.grad:double()
    end
    lu.assertTrue((both[1] - both[2]):abs():max():item() < 1e-4, table.concat(c[1], "x"))
  end
end

-- Images of no height or width, inside of their padding.
function TestConvDirect:test_no_positions()
  for _, sizes in ipairs { { 0, 5 }, { 5, 0 }, { 0, 3, 4 }, { 3, 0, 4 } } do
    local conv = #sizes == 2 and nn.conv2d or nn.conv3d
    local x = nn.zeros({ 2, 2, table.unpack(sizes) }):requires_grad_(true)
    local w = nn.ones(#sizes == 2 and { 3, 2, 3, 3 } or { 3, 2, 3, 3, 3 }):requires_grad_(true)
    local grads = nn.grad(conv(x, w, nil, 1, 2):sum(), { x, w })
    lu.assertEquals({ table.unpack(grads[1].shape) }, { table.unpack(x.shape) })
    lu.assertEquals(grads[2]:abs():sum():item(), 0)
  end
end

function TestConvDirect:test_no_channels()
  local x, w = nn.zeros(2, 0, 5, 5):requires_grad_(true), nn.zeros(4, 0, 3, 3):requires_grad_(true)
  local y = nn.conv2d(x, w, nn.ones(4))
  lu.assertEquals({ table.unpack(y.shape) }, { 2, 4, 3, 3 })
  lu.assertEquals(y:sum():item(), 72)
  y:sum():backward()
  lu.assertEquals({ x.grad:numel(), w.grad:numel() }, { 0, 0 })
  lu.assertEquals(nn.conv2d(x, nn.zeros(4, 0, 1, 1)):abs():sum():item(), 0)
  lu.assertEquals({ table.unpack(nn.conv_transpose2d(nn.zeros(2, 3, 5, 5), nn.zeros(3, 0, 3, 3)).shape) }, { 2, 0, 7, 7 })
  lu.assertEquals({ table.unpack(nn.conv2d(nn.zeros(2, 3, 5, 5), nn.zeros(0, 3, 3, 3)).shape) }, { 2, 0, 3, 3 })
end

return TestConvDirect
