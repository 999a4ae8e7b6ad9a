-- Memory that a compiled function shares with the rest of the program: constants, gradients, arguments that are one another
-- or parameters; and what it keeps alive.

local lu = require "luaunit"
local nn = require "nn"

TestSharing = {}

-- A gradient that a recording hands out is not the constant that replays start from.
function TestSharing:test_gradients_handed_out()
  local w = nn.Parameter(nn.zeros(2))
  local f = nn.compile(function(x)
    w.grad = nil
    local y = (w + x):sum()
    y:backward()
    return y:detach()
  end)
  for _ = 1, 4 do
    f(nn.ones(2))
    lu.assertEquals(w.grad:totable(), { 1, 1 })
    w.grad:mul_(0.5)
  end
end

function TestSharing:test_results_handed_out()
  local f = nn.compile(function(x)
    local c = nn.full({ 2 }, 3)
    return x * c, c
  end)
  for _ = 1, 3 do
    local y, c = f(nn.ones(2))
    lu.assertEquals({ y:totable(), c:totable() }, { { 3, 3 }, { 3, 3 } })
    c:fill_(100)
  end
end

function TestSharing:test_one_tensor_as_two_arguments()
  local f = nn.compile(function(a, b)
    (a * b):sum():backward()
  end)
  local v, u = nn.tensor({ 2.0, 3.0 }):requires_grad_(), nn.tensor({ 5.0, 7.0 }):requires_grad_()
  for _ = 1, 3 do
    v.grad, u.grad = nil, nil
    f(v, v)
    lu.assertEquals(v.grad:totable(), { 4, 6 })
    f(v, v)
    lu.assertEquals(v.grad:totable(), { 8, 12 })
    v.grad = nil
    f(v, u)
    lu.assertEquals({ v.grad:totable(), u.grad:totable() }, { { 5, 7 }, { 2, 3 } })
  end
end

function TestSharing:test_an_argument_that_is_a_parameter()
  local w, u = nn.tensor({ 2.0, 3.0 }):requires_grad_(), nn.tensor({ 5.0, 7.0 }):requires_grad_()
  local f = nn.compile(function(a)
    (a * w):sum():backward()
  end)
  for _ = 1, 3 do
    w.grad, u.grad = nil, nil
    f(w)
    lu.assertEquals(w.grad:totable(), { 4, 6 })
    w.grad = nil
    f(u)
    lu.assertEquals({ w.grad:totable(), u.grad:totable() }, { { 5, 7 }, { 2, 3 } })
  end
end

function TestSharing:test_an_argument_that_is_a_gradient()
  local w = nn.tensor({ 2.0, 3.0 }):requires_grad_()
  local f = nn.compile(function(g)
    (w * g):sum():backward()
  end)
  w.grad = nn.ones(2)
  local want = 1
  for _ = 1, 4 do
    f(w.grad) -- adds to what it reads
    want = 2 * want
    lu.assertEquals(w.grad:totable(), { want, want })
    f(nn.ones(2))
    want = want + 1
    lu.assertEquals(w.grad:totable(), { want, want })
  end
end

-- It would not run in replays, so it is refused, though the function was recorded before the hook was there.
function TestSharing:test_a_hook_on_an_argument()
  local x = nn.tensor({ 1.0, 2.0 }):requires_grad_()
  local f = nn.compile(function(a)
    (a * a):sum():backward()
  end)
  f(x)
  x.grad = nil
  local remove = x:register_hook(function(g)
    return g * 10
  end)
  lu.assertErrorMsgContains("Lua code on the way back (a hook", f, x)
  lu.assertNil(x.grad)
  remove()
  x.grad = nil
  f(x)
  lu.assertEquals(x.grad:totable(), { 2, 4 })
end

function TestSharing:test_overlapping_arguments()
  local f = nn.compile(function(x, y)
    x:add_(y)
    return x:sum()
  end)
  f(nn.ones(4), nn.ones(4))
  f(nn.ones(4), nn.ones(4))
  local a = nn.arange(6):float()
  f(a[{ { 1, 4 } }], a[{ { 3, 6 } }])
  lu.assertEquals(a:totable(), { 2, 4, 6, 8, 4, 5 })
end

-- A replay that writes to an argument is a write: what needs the old values afterwards says so.
function TestSharing:test_versions()
  local f = nn.compile(function(x)
    x:add_(1)
  end)
  local x, y = nn.ones(2):requires_grad_(), nn.ones(2)
  for _ = 1, 3 do
    local z = (x * y):sum()
    f(y)
    lu.assertErrorMsgContains("was changed in place after it was used", z.backward, z)
  end
end

function TestSharing:test_reset_inside()
  local f
  f = nn.compile(function(x)
    f:reset()
    return x + 1
  end)
  for _ = 1, 3 do
    lu.assertEquals(f(nn.ones(1)):item(), 2)
  end
  local g
  g = nn.compile(function(x)
    collectgarbage() -- which runs the finalizer below
    return f(x) * 2
  end)
  for _ = 1, 3 do
    setmetatable({}, { __gc = function()
      f:reset()
      g:reset()
    end })
    lu.assertEquals(g(nn.ones(1)):item(), 4)
  end
end

local function live()
  collectgarbage()
  collectgarbage()
  return nn.memory().live
end

-- Programs that cannot serve any more go; what was recorded does not keep a model alive.
function TestSharing:test_memory()
  local megabyte = 1 << 20
  local unrelated, model, x = nn.Linear(2, 2), nn.Linear(500, 500), nn.ones(500, 500)
  local f = nn.compile(function(a)
    return model(a):sum()
  end)
  f(x)
  f(x) -- the first replay takes the memory of temporaries
  local before = live()
  for _ = 1, 30 do
    local remove = unrelated:register_forward_hook(function() end)
    f(x)
    remove()
  end
  lu.assertEquals(f:recordings(), 1)
  lu.assertTrue(live() - before < megabyte)
  local silent = nn.compile(function(a, m)
    return m(a):sum()
  end)
  for _ = 1, 8 do -- a megabyte each
    silent(x, nn.Linear(500, 500))
  end
  silent:reset()
  lu.assertTrue(live() - before < megabyte)
  local h = nn.compile(function(a) -- luacheck: ignore 411
    return model(a):sum()
  end)
  h(x)
  h = nil -- luacheck: ignore 311
  f:reset()
  model = nil
  lu.assertTrue(live() - before < -megabyte / 2)
end

function TestSharing:test_nothing_is_recorded_in_vain()
  local k, unused = 0 / 0, 1
  local f = nn.compile(function(x)
    return x * (k ~= k and 1 or 2)
  end)
  for i = 1, 20 do
    unused = i
    _G.test_unused_global = i -- luacheck: ignore 142
    f(nn.ones(1))
  end
  _G.test_unused_global = nil -- luacheck: ignore 142
  lu.assertEquals({ f:recordings(), unused }, { 1, 20 })
end

-- 17. A closure for L-BFGS with zero_grad inside is recorded once.
function TestSharing:test_lbfgs_closure()
  nn.manual_seed(1)
  local m, x, y = nn.Linear(3, 1), nn.randn(8, 3), nn.randn(8, 1)
  local opt, loss_of = nn.optim.LBFGS(m:parameters(), { max_iter = 5 }), nn.MSELoss()
  local closure = nn.compile(function()
    opt:zero_grad()
    local loss = loss_of(m(x), y)
    loss:backward()
    return loss
  end)
  for _ = 1, 4 do
    opt:step(closure)
  end
  lu.assertTrue(closure:recordings() <= 2)
end

-- A replay that adds to a gradient changes it: what needs its old value says so.
function TestSharing:test_versions_of_gradients()
  local w, p = nn.ones(2):requires_grad_(), nn.ones(2):requires_grad_()
  local f = nn.compile(function(x)
    (w * x):sum():backward()
  end)
  f(nn.ones(2))
  for _ = 1, 3 do
    local z = (p * w.grad):sum()
    f(nn.ones(2))
    lu.assertErrorMsgContains("was changed in place after it was used", z.backward, z)
  end
end

-- A hook on an argument, where the function goes on uncompiled.
function TestSharing:test_hook_with_fallback()
  local x = nn.ones(2):requires_grad_()
  local f = nn.compile(function(a)
    a:register_hook(function(g)
      return g * 3
    end);
    (a * a):sum():backward()
  end, { fallback = true })
  f(x)
  lu.assertEquals(x.grad:totable(), { 6, 6 })
end

-- A weight that a layer around it sets for the time of a call.
function TestSharing.test_weights_set_for_a_call()
  local S = nn.Module:extend "S"
  function S:init()
    self.weight = nn.Parameter(nn.ones(2, 2))
  end
  local f = nn.compile(function(s, x)
    return x:matmul(s.weight)
  end)
  function S:forward(x)
    return f(self, x)
  end
  local m = nn.WeightNorm(S())
  nn.no_grad(function()
    for _, want in ipairs { 2, 4, 12 } do
      lu.assertEquals(m(nn.ones(1, 2)):totable(), { { want, want } })
      for _, p in ipairs(m:parameters()) do
        p:mul_(want == 2 and 2 or 3)
      end
    end
  end)
end

function TestSharing:test_anomalies_are_looked_for()
  local w = nn.zeros(1):requires_grad_()
  local f = nn.compile(function(x)
    w.grad = nil;
    (w:sqrt() * 0):sum():backward()
    return x
  end)
  f(nn.ones(1))
  lu.assertErrorMsgContains("made nan", nn.autograd.detect_anomaly, f, nn.ones(1))
end
