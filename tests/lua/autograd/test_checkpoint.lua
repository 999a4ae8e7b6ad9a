-- nn.checkpoint: the gradients of the plain call, whatever is asked for.

local lu = require "luaunit"
local nn = require "nn"

local function close(a, b, bound)
  lu.assertTrue((a - b):abs():max():item() <= (bound or 1e-12), ("%s is not %s"):format(tostring(a), tostring(b)))
end

TestCheckpoint = {}

function TestCheckpoint:test_same_gradients()
  local model = nn.Sequential(nn.Linear(4, 8), nn.Tanh(), nn.Dropout(0.3), nn.Linear(8, 1))
  local x = nn.randn(5, 4):requires_grad_()
  nn.manual_seed(3)
  model(x):sum():backward()
  local want = { x.grad:clone() }
  for _, p in ipairs(model:parameters()) do
    want[#want + 1] = p.grad:clone()
  end
  model:zero_grad()
  x.grad = nil
  nn.manual_seed(3)
  nn.checkpoint(model, x):sum():backward()
  local got = { x.grad }
  for _, p in ipairs(model:parameters()) do
    got[#got + 1] = p.grad
  end
  for i, g in ipairs(want) do
    close(got[i], g, 1e-6)
  end
end

-- Dropout draws the same again, from any generator, and running averages move once.
function TestCheckpoint:test_random_numbers_and_running_averages()
  local norm, g = nn.BatchNorm1d(4), nn.Generator(5)
  local function block(x)
    return norm(x) * nn.rand({ 5, 4 }, { generator = g }) * nn.rand(5, 4)
  end
  local x = nn.randn(5, 4)
  local results = {}
  for k, call in ipairs { function(...) return block(...) end, function(...) return nn.checkpoint(block, ...) end } do
    norm.running_mean:zero_()
    norm.running_var:fill_(1)
    norm:zero_grad()
    g:manual_seed(9)
    nn.manual_seed(4)
    local input = x:clone():requires_grad_()
    local loss = call(input):square():sum()
    nn.rand(3) -- others draw in between
    nn.rand({ 2 }, { generator = g })
    loss:backward()
    results[k] = { loss:detach(), input.grad, norm.weight.grad, norm.running_mean:clone(), norm.running_var:clone(),
      nn.rand(2), nn.rand({ 2 }, { generator = g }) }
  end
  for i, want in ipairs(results[1]) do
    lu.assertTrue(want:equal(results[2][i]), i)
  end
end

function TestCheckpoint:test_inputs_that_are_asked_for()
  local w, v = nn.tensor({ 2.0 }, { requires_grad = true }), nn.tensor({ 5.0 }, { requires_grad = true })
  local function f(x)
    return x * w * 3
  end
  lu.assertEquals(nn.grad(nn.checkpoint(f, v):sum(), { v })[1]:item(), 6.0)
  lu.assertNil(w.grad)
  lu.assertEquals(nn.grad(nn.checkpoint(f, v):sum(), { w })[1]:item(), 15.0)
  lu.assertNil(v.grad)
end

function TestCheckpoint:test_second_order()
  local v = nn.tensor({ 2.0 }, { requires_grad = true })
  local y = nn.checkpoint(function(x)
    return x * x * x
  end, v)
  local g = nn.grad(y:sum(), v, { create_graph = true })
  lu.assertEquals(nn.grad(g:sum(), v):item(), 12.0)
end

function TestCheckpoint:test_checkpoints_in_checkpoints()
  local w = nn.randn({ 4, 4 }, { dtype = "float64" }):requires_grad_()
  local function inner(x)
    return (x:matmul(w)):tanh()
  end
  local function outer(x)
    local h = nn.checkpoint(inner, x:sin())
    return nn.checkpoint(inner, h * h) * h
  end
  local x = nn.randn({ 3, 4 }, { dtype = "float64" }):requires_grad_()
  local want = nn.grad((function(y)
    local h = inner(y:sin())
    return inner(h * h) * h
  end)(x):sum(), { x, w })
  local got = nn.grad(nn.checkpoint(outer, x):sum(), { x, w })
  close(got[1], want[1])
  close(got[2], want[2])
end

-- A gradient that is computed inside the function, as a penalty on it is.
function TestCheckpoint:test_a_gradient_inside()
  local x = nn.tensor({ 2.0 }, { requires_grad = true })
  local function penalty(y)
    return nn.grad((y * y * y):sum(), y, { create_graph = true }) * y
  end
  lu.assertEquals(nn.grad(nn.checkpoint(penalty, x * 1):sum(), x):item(), nn.grad(penalty(x * 1):sum(), x):item())
  lu.assertErrorMsgContains("sets the gradient of a tensor from outside", nn.checkpoint, function(y)
    y:sum():backward()
    return y
  end, x)
end

function TestCheckpoint:test_writes_in_place_inside()
  local x = nn.randn({ 3, 2 }, { dtype = "float64" }):requires_grad_()
  local function f(y)
    local z = y * y
    z:narrow(1, 1, 2):mul_(3)
    z[3]:mul_(y[1])
    return z * y
  end
  close(nn.grad(nn.checkpoint(f, x):sum(), x), nn.grad(f(x):sum(), x))
end

function TestCheckpoint:test_changes_are_noticed()
  local w = nn.ones(2):requires_grad_()
  local x = nn.ones(2)
  local function f(y)
    return (y * w):square()
  end
  local loss = nn.checkpoint(f, x):sum()
  x:mul_(2)
  lu.assertErrorMsgContains("a tensor of shape 2 that the function was called with or uses was changed in place", loss.backward, loss)
  loss = nn.checkpoint(f, x):sum()
  nn.no_grad(function()
    w:mul_(2)
  end)
  lu.assertErrorMsgContains("changed in place", loss.backward, loss)
  local scale = 1
  loss = nn.checkpoint(function(y)
    scale = scale + 1
    return (y * w * scale):square()
  end, x):sum()
  lu.assertErrorMsgContains("did not do what it did the first time", loss.backward, loss)
  loss = nn.checkpoint(function(y)
    return (y * w):square()
  end, x):sum()
  w = nn.ones(2):requires_grad_()
  lu.assertErrorMsgContains("it did not use the first time", loss.backward, loss)
  lu.assertErrorMsgMatches(".*test_checkpoint.lua:%d+: mine.*", nn.checkpoint, function()
    error "mine"
  end, x)
end

-- What a region computes is not kept: memory grows with its ends.
function TestCheckpoint:test_memory()
  local w = nn.randn(256, 256):requires_grad_()
  local function block(x)
    for _ = 1, 20 do
      x = (x * w):tanh()
    end
    return x
  end
  local function held(call)
    collectgarbage()
    collectgarbage()
    local before = nn.memory().live
    local y = w
    for _ = 1, 4 do
      y = call(y)
    end
    collectgarbage()
    collectgarbage()
    local after = nn.memory().live
    y:sum():backward()
    w.grad = nil
    return after - before
  end
  local plain, saved = held(block), held(function(x) return nn.checkpoint(block, x) end)
  lu.assertTrue(saved * 10 < plain, ("%d bytes beside %d"):format(saved, plain))
end
