-- Corners of ops: whole numbers that float64 does not hold, and nan.

local lu = require "luaunit"
local nn = require "nn"
local core = require "nn.core"

TestCorners = {}

-- Whole numbers that float64 does not hold.
function TestCorners:test_large_whole_numbers()
  local big = 1 << 53
  lu.assertEquals(nn.arange(big + 1, big + 4):totable(), { big + 1, big + 2, big + 3 })
  lu.assertEquals(nn.arange(big + 7, big, -3):totable(), { big + 7, big + 4, big + 1 })
  lu.assertEquals(nn.arange(math.maxinteger - 2, math.maxinteger):totable(), { math.maxinteger - 2, math.maxinteger - 1 })
  lu.assertEquals(nn.arange(math.mininteger, math.mininteger + 2):totable(), { math.mininteger, math.mininteger + 1 })
  lu.assertEquals(nn.arange(big, big + 3, 1.0):totable(), { big, big + 1, big + 2 })
  local x = nn.tensor { big + 1, big + 7, -big - 3 }
  local function clamped(y)
    return y:clamp(-big - 1, big + 5)
  end
  local want, compiled = { big + 1, big + 5, -big - 1 }, nn.compile(clamped)
  lu.assertEquals(clamped(x):totable(), want)
  for _ = 1, 3 do
    lu.assertEquals(compiled(x):totable(), want)
  end
  lu.assertEquals(x:clamp { min = big + 3 }:totable(), { big + 3, big + 7, big + 3 })
  lu.assertEquals(nn.tensor({ big + 1 }):pad({ 1, 1 }, "constant", big + 3):totable(), { big + 3, big + 1, big + 3 })
  lu.assertEquals(nn.hardtanh(x, -big - 1, big + 5):totable(), want)
  lu.assertEquals(nn.hardtanh(nn.tensor { -3, 0, 5 }):totable(), { -1, 0, 1 })
  local sums = nn.addcmul(x, nn.tensor { 3, 5, 7 }, nn.tensor { 1, 1, 1 }, 2)
  lu.assertEquals({ sums.dtype, sums:totable() }, { "int64", { big + 7, big + 17, -big + 11 } })
  lu.assertEquals(nn.addcmul(x, x, nn.tensor { 1, 1, 1 })[1]:item(), 2 * big + 2)
  lu.assertEquals(nn.addcmul(nn.tensor { 1 }, nn.tensor { 2 }, nn.tensor { 3 }, 0.5):item(), 4)
  lu.assertEquals(x:clamp(3, math.maxinteger):totable(), { big + 1, big + 7, 3 })
end

-- A net whose numbers are nan does not look healthy behind an activation.
function TestCorners:test_activations_pass_nan_on()
  local calls = { threshold = { 0.5, 9 } }
  for name in ([[threshold relu relu6 hardtanh hardshrink softshrink tanhshrink elu celu selu gelu silu mish softplus leaky_relu
      hardswish hardsigmoid sigmoid logsigmoid tanh softsign]]):gmatch "%S+" do
    local x = nn.tensor { 0 / 0, 1.0, 0.25 }:requires_grad_()
    local y = nn[name](x, table.unpack(calls[name] or {}))
    lu.assertEquals(y:isnan():totable(), { true, false, false }, name)
    y:sum():backward()
    lu.assertEquals(x.grad[{ { 2, 3 } }]:isnan():any():item(), false, name)
  end
  local x = nn.tensor { 0 / 0, 1.0, 0.25 }:requires_grad_()
  local y = nn.threshold(x, 0.5, 9)
  y:sum():backward()
  lu.assertEquals(y[{ { 2, 3 } }]:totable(), { 1, 9 })
  lu.assertEquals(x.grad:totable(), { 1, 1, 0 })
end

-- The largest of bytes is a byte.
function TestCorners:test_extremes_keep_their_dtype()
  local u = nn.tensor({ { 250, 3, 7 }, { 1, 9, 4 } }, { dtype = "uint8" })
  for _, x in ipairs { u, u:gt(5), u:t(), u:gt(5):t() } do
    local wide = x:to "int64"
    local function same(got, want)
      lu.assertEquals(got.dtype, x.dtype)
      lu.assertEquals(got:to("int64"):totable(), want:totable())
    end
    for _, how in ipairs { "max", "min", "amax", "amin" } do
      same(x[how](x), wide[how](wide))
      same(x[how](x, 1), wide[how](wide, 1))
      same(x[how](x, 2, true), wide[how](wide, 2, true))
    end
    same((x:cummax(2)), (wide:cummax(2)))
    same((x:cummin(1)), (wide:cummin(1)))
    local f = nn.compile(function(t)
      return t:amax(1), (t:max(2)), (t:cummin(1))
    end)
    for _ = 1, 2 do
      local a, b, c = f(x)
      same(a, wide:amax(1))
      same(b, wide:amax(2))
      same(c, (wide:cummin(1)))
    end
  end
  local long = nn.randint(0, 256, { 300000 }, { dtype = "uint8" })
  lu.assertEquals({ long:max():item(), long:amin():item() }, { 255, 0 })
  lu.assertEquals(nn.zeros(0, { dtype = "uint8" }):cummax(1):totable(), {})
end

-- padding = "same" of the functions is that of the layers, also where it is uneven.
function TestCorners:test_same_padding_of_functions()
  for k = 1, 5 do
    for dilation = 1, 2 do
      local layer, x = nn.Conv2d(2, 3, k, { padding = "same", dilation = dilation }), nn.randn(2, 2, 9, 8)
      lu.assertTrue(nn.conv2d(x, layer.weight, layer.bias, { padding = "same", dilation = dilation }):equal(layer(x)))
    end
  end
  lu.assertEquals(nn.conv1d(nn.ones(1, 1, 5), nn.ones(1, 1, 4), nil, 1, "same"):totable(), { { { 3, 4, 4, 3, 2 } } })
  for text, o in pairs { ["or \"same\", but is the string 'sme'"] = { padding = "sme" },
    ["needs stride 1"] = { padding = "same", stride = 2 } } do
    lu.assertErrorMsgContains(text, nn.conv2d, nn.ones(1, 1, 3, 3), nn.ones(1, 1, 2, 2), o)
  end
end

function TestCorners:test_signs_of_zero_and_infinity()
  local value, at = nn.mode(nn.tensor { -1.0, 0.0, -0.0, -1.0, -0.0, 0.0, 0.0 })
  lu.assertEquals({ value:item(), at:item() }, { 0, 7 })
  local x = nn.tensor { { 1, math.huge, 2.0 } }
  for _, y in ipairs { x:softmax(2), x:log_softmax(2), x:t():softmax(1), x:unsqueeze(3):expand(1, 3, 20):log_softmax(2) } do
    lu.assertTrue(y:isnan():all():item())
  end
  -- of the way back of a norm, called with dims that are not there
  lu.assertErrorMsgContains("dims must be 0 to 1, but is 3", core.standardize_backward, nn.ones(4), nn.ones(4), nn.ones(1), 3)
  lu.assertErrorMsgContains("minlength must be 0 or more", nn.bincount, nn.tensor { 1 }, { minlength = -1 })
end

return TestCorners
