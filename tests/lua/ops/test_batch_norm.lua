-- Batch norm of images works on planes; it must say what it says of the same values as rows of a matrix.

local nn = require "nn"
local core = require "nn.core"
local lu = require "luaunit"

TestBatchNormOp = {}

local g = nn.Generator(9)
local function randn(dtype, shape)
  return nn.randn(shape, { generator = g, dtype = dtype }) * 2 + 1
end

local function to_rows(x)
  local order = { 1 }
  for d = 3, #x.shape do
    order[#order + 1] = d
  end
  order[#order + 1] = 2
  return x:permute(order):reshape(-1, x.shape[2])
end

local shapes = { { 4, 3, 2 }, { 2, 5, 4, 4 }, { 3, 2, 7, 7 }, { 9, 4, 33 }, { 5, 3, 2, 3, 5 }, { 2, 3, 70, 70 }, { 6, 4, 1 }, { 1, 2, 9 },
  { 1, 1, 100, 100 } }

function TestBatchNormOp:test_planes_and_rows()
  for _, dtype in ipairs { "float32", "float64" } do
    local near = dtype == "float32" and { atol = 1e-4, rtol = 1e-4 } or { atol = 1e-11, rtol = 1e-11 }
    for _, shape in ipairs(shapes) do
      local x = randn(dtype, shape):requires_grad_(true)
      local weight, bias = randn(dtype, { shape[2] }):requires_grad_(true), randn(dtype, { shape[2] }):requires_grad_(true)
      local y, mean, var = core.batch_standardize(x, weight, bias, { eps = 1e-3 })
      local rows, row_mean, row_var = core.batch_standardize(to_rows(x), weight, bias, { eps = 1e-3 })
      local up = randn(dtype, shape)
      local a = nn.autograd.grad(y, { x, weight, bias }, { gradient = up })
      local b = nn.autograd.grad(rows, { x, weight, bias }, { gradient = to_rows(up) })
      local pairs_of = { { to_rows(y), rows }, { mean, row_mean }, { var, row_var } }
      for i = 1, 3 do
        pairs_of[#pairs_of + 1] = { a[i], b[i] }
      end
      for i, pair in ipairs(pairs_of) do
        local ok, why = pcall(nn.testing.assert_close, pair[1], pair[2], near)
        lu.assertTrue(ok, ("%s %s, number %d: %s"):format(table.concat(shape, "x"), dtype, i, tostring(why)))
      end
    end
  end
end

function TestBatchNormOp:test_gradients_of_gradients()
  for _, shape in ipairs { { 4, 3 }, { 3, 2, 3 }, { 2, 3, 2, 2 } } do
    local x = randn("float64", shape):requires_grad_(true)
    local weight, bias = randn("float64", { shape[2] }):requires_grad_(true), randn("float64", { shape[2] }):requires_grad_(true)
    local function f(p, q, r)
      local y, mean, var = core.batch_standardize(p, q, r)
      return (y * y * y):sum() + mean:pow(3):sum() + (var * y:select(1, 1):flatten():sum()):sum()
    end
    nn.autograd.gradcheck(f, { x, weight, bias })
    nn.autograd.gradcheck(function(p, q, r)
      return nn.autograd.enable_grad(function()
        local inputs = { p, q, r }
        for i, t in ipairs(inputs) do
          inputs[i] = t.requires_grad and t or t:clone():requires_grad_(true)
        end
        local d = nn.autograd.grad(f(table.unpack(inputs)), { inputs[1], inputs[2] }, { create_graph = true })
        return (d[1] * d[1]):sum() + d[2]:sum()
      end)
    end, { x, weight, bias })
  end
end

-- A mean of many: 4 million values near 1000 in single precision.
function TestBatchNormOp:test_large_channels()
  local x = nn.rand({ 16, 1, 512, 512 }, { generator = g }) + 1000
  local y, mean, var = core.batch_standardize(x)
  lu.assertAlmostEquals(mean:item(), x:double():mean():item(), 1e-3)
  lu.assertAlmostEquals(var:item(), 1 / 12, 1e-4)
  lu.assertAlmostEquals(y:double():mean():item(), 0, 1e-3)
end

-- A channel far from 0: the mean of single precision is rounded, what is made with it is not.
function TestBatchNormOp:test_far_channels()
  for _, value in ipairs { 1000007, 12345.67, 1e18, -3e30 } do
    local y, mean, var = core.batch_standardize(nn.ones(6, 1, 11, 7) * value)
    lu.assertEquals({ y:abs():max():item(), var:item() }, { 0, 0 })
    lu.assertEquals(mean:item(), (nn.ones(1) * value):item())
  end
  local x = nn.randn({ 6, 2, 11, 7 }, { generator = g }) + 1e5
  local up, weight = nn.randn({ 6, 2, 11, 7 }, { generator = g }), nn.tensor { 2.0, -3.0 }
  local function all(p, q, r)
    p, q = p:clone():requires_grad_(true), q:clone():requires_grad_(true)
    local y, mean, var = core.batch_standardize(p, q)
    local d = nn.autograd.grad(y, { p, q }, { gradient = r })
    return { y:double(), mean:double(), var:double(), d[1]:double(), d[2]:double() }
  end
  local single, double = all(x, weight, up), all(x:double(), weight:double(), up:double())
  for i, near in ipairs { 1e-5, 4e-3, 1e-6, 1e-5, 1e-4 } do
    lu.assertTrue((single[i] - double[i]):abs():max():item() < near, i)
  end
end

function TestBatchNormOp:test_refusals()
  lu.assertErrorMsgContains("at least one value of each channel, but has shape 0x3x2", core.batch_standardize, nn.zeros(0, 3, 2))
  lu.assertErrorMsgContains("but has shape 3", core.batch_standardize, nn.zeros(3))
  lu.assertErrorMsgContains("the weight must be float32 of shape 3", core.batch_standardize, nn.zeros(2, 3, 2), nn.ones(2))
end

return TestBatchNormOp
