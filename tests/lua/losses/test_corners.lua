-- Corners of losses: no target that counts, targets of more digits than the input.

local lu = require "luaunit"
local nn = require "nn"

TestLossCorners = {}

-- A mean over no target is nan, but does not reach the weights.
function TestLossCorners:test_no_target_counts()
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
function TestLossCorners:test_targets_of_more_digits()
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

return TestLossCorners
