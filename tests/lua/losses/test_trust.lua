-- Corners in which a loss, or what leads to one, once gave numbers that look like others.

local lu = require "luaunit"
local nn = require "nn"

TestTrust = {}

-- A mean over no target is nan, but does not reach the weights.
function TestTrust:test_no_target_counts()
  for _, o in ipairs { {}, { label_smoothing = 0.1 }, { weight = nn.tensor { 1.0, 2.0, 3.0 } } } do
    o.ignore_index = -100
    local x = nn.randn(2, 3):requires_grad_()
    local loss = nn.cross_entropy(x, nn.tensor { -100, -100 }, o)
    loss:backward()
    lu.assertTrue(loss:isnan():item())
    lu.assertEquals(x.grad:totable(), { { 0, 0, 0 }, { 0, 0, 0 } })
  end
  local logp = nn.randn(2, 3):log_softmax(2):detach():requires_grad_()
  nn.nll_loss(logp, nn.tensor { 2, 2 }, { ignore_index = 2 }):backward()
  lu.assertEquals(logp.grad:abs():sum():item(), 0)
end

-- A target of more digits is not cut to the input's.
function TestTrust:test_targets_of_more_digits()
  local x, y = nn.tensor { 16777216.0 }, nn.tensor({ 16777217.0 }, { dtype = "float64" })
  for _, pair in ipairs { { x, y }, { y, x } } do
    local loss = nn.mse_loss(pair[1], pair[2])
    lu.assertEquals({ loss:item(), loss.dtype }, { 1, "float64" })
  end
  local w = x:clone():requires_grad_()
  local loss = nn.bce_with_logits(w, y)
  loss:backward()
  lu.assertEquals({ loss.dtype, w.grad.dtype }, { "float64", "float32" })
end

function TestTrust:test_threshold_passes_nan_on()
  local x = nn.tensor { 0 / 0, 1.0, 0.25 }:requires_grad_()
  local y = nn.threshold(x, 0.5, 9)
  y:sum():backward()
  lu.assertEquals(y:isnan():totable(), { true, false, false })
  lu.assertEquals(y[{ { 2, 3 } }]:totable(), { 1, 9 })
  lu.assertEquals(x.grad:totable(), { 1, 1, 0 })
end

-- Whole numbers that float64 does not hold.
function TestTrust:test_large_whole_numbers()
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

return TestTrust
