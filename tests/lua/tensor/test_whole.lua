-- What whole dtypes cannot hold is an error, never another number.

local lu = require "luaunit"
local nn = require "nn"

TestWhole = {}

local function bytes(...)
  return nn.tensor({ ... }, { dtype = "uint8" })
end

local function fails(text, f)
  local ok, message = pcall(f)
  lu.assertFalse(ok, text)
  lu.assertStrContains(message, text)
end

function TestWhole:test_numbers_must_fit()
  local b, i = bytes(250, 3), nn.tensor { 1, 2 }
  for name, f in pairs {
    table = function() return bytes(1, 300) end,
    negative = function() return bytes(-1) end,
    full = function() return nn.full({ 2 }, 300, { dtype = "uint8" }) end,
    full_like = function() return nn.full_like(b, 300) end,
    fill_ = function() return b:clone():fill_(256) end,
    assigned = function() b[1] = 300 end,
    assigned_table = function() b[{}] = { 1, 300 } end,
    assigned_mask = function() b[b:gt(5)] = 300 end,
    assigned_places = function() b[nn.tensor { 1, 2 }] = 300 end,
    add = function() return b + 300 end,
    times = function() return b * -1 end,
    zero_dim = function() return b + nn.tensor(300) end,
    minimum = function() return b:minimum(300) end,
    where = function() return nn.where(b:gt(5), b, 300) end,
    masked_fill = function() return b:masked_fill(b:gt(5), 300) end,
    index_fill = function() return b:index_fill(1, nn.tensor { 1 }, 300) end,
    scatter = function() return b:scatter(1, nn.tensor { 1 }, 300) end,
    pad = function() return b:pad({ 1, 1 }, "constant", 300) end,
    clamp = function() return b:clamp(300, 400) end,
    arange = function() return nn.arange(250, 260, { dtype = "uint8" }) end,
    linspace = function() return nn.linspace(0, 300, 4, { dtype = "uint8" }) end,
    randint = function() return nn.randint(0, 300, { 5 }, { dtype = "uint8" }) end,
  } do
    local ok, message = pcall(f)
    lu.assertFalse(ok, name)
    lu.assertStrContains(message, "fit into uint8 (0 to 255)", false, name)
  end
  lu.assertEquals(b:totable(), { 250, 3 })
  fails("no whole number", function() return nn.tensor({ 1.5 }, { dtype = "int64" }) end)
  fails("no whole number", function() i[1] = 1.5 end)
  fails("no whole number", function() i[{}] = { 1, 2.5 } end)
  fails("no whole number", function() return i:fill_(0.5) end)
  fails("no whole number", function() return nn.full({ 1 }, 0.5, { dtype = "int64" }) end)
  fails("step is 0.5", function() return nn.arange(0, 2, 0.5, { dtype = "int64" }) end)
  fails("does not fit into int64", function() return nn.tensor({ 1e20 }, { dtype = "int64" }) end)
  fails("does not fit into int64", function() return nn.tensor({ 0 / 0 }, { dtype = "int64" }) end)
  fails("cannot be written into a uint8 tensor", function() return b:add_(nn.tensor { 300, 1 }) end)
  lu.assertEquals(bytes(0, 255.0):totable(), { 0, 255 })
  lu.assertEquals(nn.tensor({ 2.0 ^ 53, math.mininteger }, { dtype = "int64" }):totable(), { 1 << 53, math.mininteger })
  lu.assertEquals((b + 10):totable(), { 4, 13 }) -- arithmetic wraps around
end

function TestWhole:test_conversions_must_fit()
  fails("element 2 is 256, which uint8 (0 to 255) cannot hold", function() return nn.tensor { 0.5, 256 }:to "uint8" end)
  fails("element (2, 1) is -1", function() return nn.tensor { { 3, 4 }, { -1, 5 } }:to "uint8" end)
  fails("element (1, 2) is -1", function() return nn.tensor { { 3, 4 }, { -1, 5 } }:t():to "uint8" end)
  fails("element 1 is nan, which int64 cannot hold; replace it", function() return nn.tensor { 0 / 0 }:to "int64" end)
  fails("element 1 is inf", function() return nn.tensor({ math.huge }, { dtype = "float64" }):to "int64" end)
  fails("element 3 is 9.223", function() return nn.tensor { 0, 1, 2 ^ 63 }:to "int64" end)
  fails("element 3000 is 300", function()
    local x = nn.zeros(4000)
    x[3000] = 300
    return x:to "uint8"
  end)
  fails("element 1 is 300", function() return nn.zeros(2, { dtype = "uint8" }):copy_(nn.tensor { 300, 2 }) end)
  lu.assertEquals(nn.tensor { -0.5, 255.9, 1.5 }:to("uint8"):totable(), { 0, 255, 1 })
  lu.assertEquals(nn.tensor { -(2 ^ 63), 2 ^ 40 + 0.0 }:to("int64"):totable(), { math.mininteger, 1 << 40 })
  lu.assertEquals(nn.tensor { 0 / 0, 0 }:to("bool"):totable(), { true, false })
  lu.assertEquals(nn.zeros(0):to("uint8"):totable(), {})
end

-- A replay looks at its own values.
function TestWhole:test_compiled()
  local f = nn.compile(function(x)
    return x:to "uint8"
  end)
  local add = nn.compile(function(x, y)
    return x + y
  end)
  local write = nn.compile(function(x, y)
    x:copy_(y)
  end)
  local b, kept = bytes(1, 2), bytes(7, 7)
  for _ = 1, 3 do
    lu.assertEquals(f(nn.tensor { 1, 255 }):totable(), { 1, 255 })
    lu.assertEquals(add(b, nn.tensor(3)):totable(), { 4, 5 })
    write(kept, nn.tensor { 8, 9 })
    lu.assertEquals(kept:totable(), { 8, 9 })
    fails("element 2 is 300", function() return f(nn.tensor { 1, 300 }) end)
    fails("300 does not fit", function() return add(b, nn.tensor(300)) end)
    fails("element 1 is -1", function() return write(kept, nn.tensor { -1, 9 }) end)
    lu.assertEquals(kept:totable(), { 8, 9 })
  end
  lu.assertEquals(f:recordings(), 1)
end

function TestWhole:test_comparisons_lose_nothing()
  local b, big = bytes(250, 3), 1 << 24
  local i = nn.tensor { big, big + 1 }
  lu.assertEquals(b:lt(300):totable(), { true, true })
  lu.assertEquals(b:eq(-6):totable(), { false, false })
  lu.assertEquals(b:gt(nn.tensor(-1)):totable(), { true, true })
  lu.assertEquals(i:eq(2 ^ 24):totable(), { true, false })
  lu.assertEquals(i:eq(nn.tensor { 2 ^ 24 }):totable(), { true, false })
  lu.assertEquals(i:ge(big + 0.5):totable(), { false, true })
  lu.assertEquals(nn.tensor({ (1 << 53) + 1 }):eq(2 ^ 53):item(), false)
  lu.assertEquals(nn.searchsorted(i, nn.tensor { 2.0 ^ 24, 0 }):totable(), { 1, 1 })
end

-- int64 and floats are compared as they are: neither dtype holds all numbers of the other.
function TestWhole:test_comparisons_are_exact()
  local big = 1 << 53
  local a, b = nn.tensor { big + 1 }, nn.tensor({ 2 ^ 53 }, { dtype = "float64" })
  local function compared(x, y)
    return x:eq(y), x:gt(y), x:ne(y), y:lt(x), y:ge(x)
  end
  for _, all in ipairs { compared, nn.compile(compared) } do
    for _ = 1, 2 do
      local got = {}
      for i, t in ipairs { all(a, b) } do
        got[i] = t:item()
      end
      lu.assertEquals(got, { false, true, true, true, false })
    end
  end
  lu.assertFalse(a:equal(b) or a:isin(b):item() or b:isin(a):item() or a:eq(nn.tensor { 2 ^ 53 }):item())
  local most = nn.tensor { math.maxinteger }
  lu.assertEquals({ most:lt(2 ^ 63):item(), most:eq(2 ^ 63):item(), nn.tensor { math.mininteger }:eq(-2 ^ 63):item() },
    { true, false, true })
  lu.assertEquals(nn.tensor { 1, 2, 3 }:ge(nn.tensor { 0 / 0, 2, 3.5 }):totable(), { false, true, false })
  for i = 1, 60 do -- small ones, as float64 has them
    local x, y = nn.randint(-5, 6, { 7, 5 }), (nn.randn(i % 3 == 0 and 1 or 7, 5) * 3):round()
    y = i % 2 == 0 and y:double() + nn.randint(0, 2, { 1, 5 }) * 0.5 or y
    x = i % 4 == 0 and x:t():contiguous():t() or x
    for _, name in ipairs { "eq", "ne", "lt", "le", "gt", "ge" } do
      lu.assertTrue(x[name](x, y):equal(x:double()[name](x:double(), y:double())))
      lu.assertTrue(y[name](y, x):equal(y:double()[name](y:double(), x:double())))
    end
  end
end

function TestWhole:test_tables_keep_their_digits()
  local x = nn.zeros(2, { dtype = "float64" })
  x[{}] = { 0.1, 0.2 }
  lu.assertEquals(x:totable(), { 0.1, 0.2 })
  local i = nn.zeros(2, { dtype = "int64" })
  i[{}] = { 2.0 ^ 53, (1 << 24) + 1 }
  lu.assertEquals(i:totable(), { 1 << 53, (1 << 24) + 1 })
end

-- What is a float in the end is computed without wrapping around on the way.
function TestWhole:test_bytes_on_the_way_to_floats()
  local function near(got, want)
    lu.assertTrue(nn.tensor(got):double():allclose(nn.tensor(want):double(), 1e-4, 1e-6), tostring(got))
  end
  local function value(f, ...)
    return f(bytes(5, 1), bytes(6, 1), { reduction = "sum", ... }):item()
  end
  near(value(nn.huber_loss), 0.5)
  near(value(nn.smooth_l1_loss), 0.5)
  near(value(nn.l1_loss), 1)
  near(value(nn.log_cosh_loss), 0.43378)
  near(value(nn.soft_margin_loss), 0.31326)
  near(nn.pairwise_distance(bytes(5, 1):unsqueeze(1), bytes(6, 1):unsqueeze(1)):item(), 1)
  near(bytes(200, 100):lerp(bytes(100, 100), 0.5):totable(), { 150., 100. })
  near(nn.addcmul(bytes(5, 6), bytes(100, 2), bytes(3, 4), 0.5):totable(), { 155., 10. })
  near((bytes(1, 2) / 256):totable(), { 1 / 256, 2 / 256 })
  near((300 / bytes(1, 2)):totable(), { 300., 150. })
  near(nn.hypot(bytes(3), 400):item(), 400.01125)
  lu.assertEquals(bytes(1, 2):isclose(bytes(2, 1), 0, 1):totable(), { true, true })
  lu.assertFalse(bytes(1, 200):allclose(300))
  local M = nn.train.metrics
  for name, want in pairs { MAE = 0.5, MSE = 220.5 } do
    local m = M[name]()
    m:add(bytes(5, 1), name == "MAE" and bytes(6, 1) or bytes(26, 1))
    near(m:value(), want)
  end
  fails("would wrap around at 256", function()
    return nn.scatter_reduce(bytes(200, 100), 1, nn.tensor { 1, 1 }, bytes(100, 200), "mean")
  end)
end

function TestWhole:test_numbers_that_int64_cannot_hold()
  local i = nn.tensor { 1, 2 }
  for text, f in pairs {
    ["value is nan"] = function() return i:pad({ 1, 1 }, "constant", 0 / 0) end,
    ["value is 0.5"] = function() return nn.ConstantPad1d(1, 0.5)(i:reshape(1, 1, 2)) end,
    ["1.5 is no whole number"] = function() return i:repeat_interleave(1.5) end,
    ["min is 9.22"] = function() return i:clamp(2 ^ 63) end,
    ["max is -inf"] = function() return i:clamp { max = -math.huge } end,
    ["max is -1, which does not fit into uint8"] = function() return bytes(0, 1):hardtanh(0, -1) end,
    ["to the power -1 are fractions"] = function() return i ^ -1 end,
    ["to the power -3 are fractions"] = function() return i ^ nn.tensor { 2, -3 } end,
  } do
    fails(text, f)
  end
  lu.assertEquals(i:clamp { max = math.huge }:totable(), { 1, 2 })
  lu.assertEquals((i ^ nn.tensor { 3, 4 }):totable(), { 1, 16 })
  lu.assertEquals((i ^ -1.0):totable(), { 1, 0.5 })
  lu.assertEquals(i:index_add(1, nn.tensor { 1 }, nn.tensor { 5 }, 2):totable(), { 11, 2 })
  lu.assertEquals(i:index_add(1, nn.tensor { 1 }, nn.tensor { 1 }, (1 << 53) + 1):totable(), { (1 << 53) + 2, 2 })
  lu.assertEquals(i:addcmul(i, i, 2 ^ 63).dtype, "float32")
  local least, most = nn.tensor { math.mininteger }, nn.tensor { math.maxinteger }
  lu.assertFalse(least:allclose(most) or least:allclose(nn.tensor { 0 }))
  lu.assertTrue(most:allclose(most))
  local power = nn.compile(function(x, y)
    return x ^ y
  end)
  for _ = 1, 2 do
    lu.assertEquals(power(i, nn.tensor { 3, 4 }):totable(), { 1, 16 })
    fails("to the power -4", function() return power(i, nn.tensor { 3, -4 }) end)
  end
end

return TestWhole
