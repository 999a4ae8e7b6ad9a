-- Convolutions from many channels to few go the other way round: from few to many. The same convolution with channels of
-- zeros in the result, forty of each group, does not.

local nn = require "nn"
local lu = require "luaunit"

TestConvSwap = {}

local g = nn.Generator(8)
local function pick(low, high)
  return nn.randint(low, high + 1, { 1 }, { generator = g }):item()
end
local function randn(dtype, shape)
  return nn.randn(shape, { generator = g, dtype = dtype })
end

local MANY = 40
-- Rows of zeros behind those of each group.
local function with_zeros(w, groups)
  local n, rest = w.shape[1] // groups, { table.unpack(w.shape, 2) }
  local zeros = nn.zeros({ groups, MANY - n, table.unpack(rest) }):to(w.dtype)
  return nn.cat({ w:reshape(groups, n, table.unpack(rest)), zeros }, 2):reshape(groups * MANY, table.unpack(rest))
end
local function without(y, groups, n)
  local rest = { table.unpack(y.shape, 3) }
  local parts = y:reshape(y.shape[1], groups, MANY, table.unpack(rest)):narrow(3, 1, n)
  return parts:reshape(y.shape[1], groups * n, table.unpack(rest))
end

local function case_of(i)
  local dims, dtype = i % 3 + 1, i % 2 == 0 and "float32" or "float64"
  local groups, from, to = i % 5 == 0 and 2 or 1, pick(30, 45), pick(1, 18)
  local o, sizes, kernel = { groups = groups, padding = {}, dilation = {}, stride = {} }, {}, {}
  for d = 1, dims do
    kernel[d], o.dilation[d], o.stride[d] = pick(1, 4), pick(1, 2), i % 7 == 0 and 2 or 1
    o.padding[d] = pick(0, i % 3 == 0 and 5 or o.dilation[d] * (kernel[d] - 1))
    sizes[d] = o.dilation[d] * (kernel[d] - 1) + 1 + pick(0, dims == 3 and 3 or 14)
  end
  local x = randn(dtype, { pick(1, 4), groups * from, table.unpack(sizes) })
  local w = randn(dtype, { groups * to, from, table.unpack(kernel) })
  return nn["conv" .. dims .. "d"], x, w, randn(dtype, { groups * to }), o, to
end

-- y and the gradients of x, w and bias, in either way.
local function all_of(conv, x, w, bias, o, to, widened, up)
  x, w, bias = x:clone():requires_grad_(), w:clone():requires_grad_(), bias:clone():requires_grad_()
  local y = widened and without(conv(x, with_zeros(w, o.groups), with_zeros(bias, o.groups), o), o.groups, to) or conv(x, w, bias, o)
  return { y, table.unpack(nn.autograd.grad(y, { x, w, bias }, { gradient = up or nn.ones(y.shape):to(y.dtype) })) }
end

function TestConvSwap:test_against_the_wide_way()
  for i = 1, 120 do
    local conv, x, w, bias, o, to = case_of(i)
    local up = randn(x.dtype, conv(x, w, bias, o).shape)
    local a, b = all_of(conv, x, w, bias, o, to, false, up), all_of(conv, x, w, bias, o, to, true, up)
    local bound = x.dtype == "float32" and 1e-5 or 1e-13
    for k, name in ipairs { "result", "input", "weight", "bias" } do
      local scale = b[k]:abs():max():item() + 1
      local difference = (a[k] - b[k]):abs():max():item()
      lu.assertTrue(difference < bound * scale, ("case %d, %s: %g of %g; %s by %s"):format(i, name, difference, scale,
        table.concat(x.shape, "x"), table.concat(w.shape, "x")))
    end
  end
end

function TestConvSwap:test_threads_and_compiled()
  local threads = nn.get_num_threads()
  for i = 1, 12 do
    local conv, x, w, bias, o, to = case_of(2 * i)
    local first = all_of(conv, x, w, bias, o, to, false)
    local compiled = nn.compile(function() return table.unpack(all_of(conv, x, w, bias, o, to, false)) end)
    for _, n in ipairs { 1, 2, 3 } do
      nn.set_num_threads(n)
      local again, replayed = all_of(conv, x, w, bias, o, to, false), { compiled() }
      for k = 1, 4 do
        lu.assertTrue(again[k]:equal(first[k]) and replayed[k]:equal(first[k]), ("case %d, %d threads, %d"):format(i, n, k))
      end
    end
  end
  nn.set_num_threads(threads)
end

-- A weight that is inf or nan reaches what it is multiplied with, and nothing else.
function TestConvSwap:test_weights_that_are_no_numbers()
  for _, wrong in ipairs { math.huge, 0 / 0 } do
    local conv, x, w, bias, o, to = case_of(4)
    w[{ 1, 2, 1 }] = wrong
    local a, b = all_of(conv, x, w, bias, o, to, false), all_of(conv, x, w, bias, o, to, true)
    for k = 1, 4 do
      lu.assertTrue(a[k]:isfinite():equal(b[k]:isfinite()), k)
    end
    lu.assertFalse(a[1]:isfinite():all():item())
  end
end

-- What no window meets does not count: the last column but for one element of the kernel.
function TestConvSwap:test_images_that_are_no_numbers()
  local x = nn.ones(1, 40, 3, 6):requires_grad_()
  x:detach()[{ 1, 3, 2, 6 }] = math.huge
  local w = nn.ones(2, 40, 1, 2):requires_grad_()
  local dw = nn.grad(nn.conv2d(x, w):sum(), { w })[1]
  lu.assertEquals(dw[{ 2, 3, 1 }]:totable(), { 15, math.huge })
  lu.assertEquals(dw:isfinite():sum():item(), 158)
end

function TestConvSwap:test_of_nothing()
  for _, shape in ipairs { { 2, 40, 0, 5 }, { 2, 40, 5, 0 }, { 0, 40, 5, 5 } } do
    local x, w = nn.zeros(shape):requires_grad_(), nn.ones(3, 40, 3, 3):requires_grad_()
    local y = nn.conv2d(x, w, nn.ones(3), 1, 2)
    lu.assertEquals(y:sum():item(), y:numel())
    local grads = nn.grad(y:sum(), { x, w })
    lu.assertEquals(grads[1].shape, x.shape)
    lu.assertEquals(grads[2]:abs():sum():item(), 0)
  end
end
