-- Ops made of others: the first thing that is wrong is what the error says, and what reads a shape reads its own.

local lu = require "luaunit"
local nn = require "nn"

TestComposed = {}

function TestComposed:test_first_reason_stands()
  for name, f in pairs {
    diag_embed = function()
      nn.diag_embed(nn.ones(3), 0, 9, 2)
    end,
    unflatten = function()
      nn.unflatten(nn.ones(6), 9, { 2, 3 })
    end,
    moveaxis = function()
      nn.moveaxis(nn.ones(2, 3), 9, 1)
    end,
    glu = function()
      nn.glu(nn.ones(2, 3), 9)
    end,
  } do
    lu.assertErrorMsgContains(name .. ": dim 9 does not exist", f)
  end
end

-- Places with fewer dims than the values broadcast; they must have as many as the dim.
function TestComposed:test_trapezoid_places()
  local at = nn.tensor { { 0.0, 1.0, 3.0, 6.0 }, { 1.0, 1.0, 1.0, 1.0 }, { 0.0, 2.0, 4.0, 6.0 } }
  local area = nn.trapezoid(nn.ones(2, 3, 4), at, 1, 3)
  lu.assertEquals(area:totable(), { { 6.0, 0.0, 6.0 }, { 6.0, 0.0, 6.0 } })
  lu.assertErrorMsgContains("at must have the 4 places of dim 3", nn.trapezoid, nn.ones(2, 3, 4), nn.ones(2, 3), 1, 3)
  lu.assertErrorMsgContains("at must have the 4 places of dim 1", nn.trapezoid, nn.ones(4), nn.ones(3))
  lu.assertErrorMsgContains("trapezoid: at must have", nn.trapezoid, nn.ones(4), nn.ones(1, 4))
end

-- What a tensor is divided and multiplied by must be a number of its dtype, and so must its inverse: no nan without a word.
function TestComposed:test_scales()
  for name, f in pairs {
    ["celu: alpha"] = nn.celu,
    ["gumbel_softmax: tau"] = nn.gumbel_softmax,
    ["softclip: limit"] = nn.softclip,
  } do
    for _, v in ipairs { 0, -1, 0 / 0 } do
      lu.assertErrorMsgContains(name .. " must be positive, not", f, nn.ones(2), v)
    end
    for _, v in ipairs { math.huge, 1e300, 1e-300 } do
      lu.assertErrorMsgContains(name .. " must be a number that float32 can hold", f, nn.ones(2), v)
    end
    lu.assertFalse(f(nn.ones(2):double(), 1e300):isnan():any():item())
  end
  lu.assertErrorMsgContains("Softplus: beta must be a number from 1e-30 to 1e+30", nn.Softplus, 1e300)
end

-- Found by reading adversarially: memory that nobody wrote, nan where all are equal, whole numbers that wrapped.
function TestComposed:test_edges()
  lu.assertErrorMsgContains("topk: k is 0, but a 0-dim tensor", nn.topk, nn.tensor(5.0), 0)
  lu.assertEquals(nn.tensor(5.0):topk(1):item(), 5.0)
  for _, x in ipairs { nn.ones(4), nn.tensor { { 1.0, 1.0 }, { 1.0, 2.0 } } } do
    local leaf = x:clone():requires_grad_()
    leaf:std(-1):sum():backward()
    lu.assertFalse(leaf.grad:isnan():any():item())
  end
  lu.assertErrorMsgContains("var: correction must be a finite number", nn.var, nn.ones(3), { correction = 0 / 0 })
  lu.assertEquals(nn.trapezoid(nn.tensor({ 200, 200 }, { dtype = "uint8" })):item(), 200.0)
  lu.assertEquals(nn.trapezoid(nn.ones(3), nn.tensor({ 3, 2, 1 }, { dtype = "uint8" })):item(), -2.0)
end

function TestComposed:test_gradients_of_large_numbers()
  for _, size in ipairs { 1e30, 1e-30, 1.0 } do
    local x, y = nn.tensor({ 3 * size }):requires_grad_(), nn.tensor({ 4 * size }):requires_grad_()
    nn.hypot(x, y):sum():backward()
    lu.assertAlmostEquals(x.grad:item(), 0.6, 1e-6)
    lu.assertAlmostEquals(y.grad:item(), 0.8, 1e-6)
    x.grad, y.grad = nil, nil
    nn.atan2(x, y):sum():backward()
    lu.assertAlmostEquals(x.grad:item() * size, 0.16, 1e-6)
    lu.assertAlmostEquals(y.grad:item() * size, -0.12, 1e-6)
  end
end

-- Dims that are not neighbours are reduced in two stages: against the same with them laid side by side.
function TestComposed:test_reductions_in_stages()
  for _, sizes in ipairs { { 50, 2, 700 }, { 3, 4, 2, 64 }, { 2, 3, 4, 5, 70 }, { 3, 2, 64 } } do
    local x, dims = nn.randn(sizes, { dtype = "float64" }), { 1, #sizes }
    x:select(2, 1):zero_()
    local order = { table.unpack(dims) }
    for d = 2, #sizes - 1 do
      order[#order + 1] = d
    end
    local flat = x:permute(order):flatten(1, 2)
    for _, name in ipairs { "sum", "mean", "amax", "amin", "norm" } do
      local a = name == "norm" and x:norm(2, dims) or x[name](x, dims)
      local b = name == "norm" and flat:norm(2, 1) or flat[name](flat, 1)
      lu.assertTrue(a:allclose(b, { rtol = 1e-12, atol = 1e-12 }), name)
    end
    lu.assertTrue((x * 9):long():sum(dims):equal((flat * 9):long():sum(1)))
  end
end
