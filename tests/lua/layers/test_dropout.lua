-- Layers that draw random numbers: what their distribution must be, with bounds of five standard errors.

local lu = require "luaunit"
local nn = require "nn"

TestDropout = {}

local n = 40000
local function near(got, want, deviation, what)
  local bound = 5 * deviation / math.sqrt(n)
  lu.assertTrue(math.abs(got - want) <= bound, ("%s: %g, wanted %g within %g"):format(what, got, want, bound))
end

function TestDropout:test_both_forms()
  nn.manual_seed(1)
  local x = nn.ones(200, 200)
  local a, b = nn.Dropout(0.3), nn.Dropout(0.3, { inverted = false })
  near(a(x):mean():item(), 1, math.sqrt(0.3 / 0.7), "inverted, training")
  near(b(x):mean():item(), 0.7, math.sqrt(0.3 * 0.7), "plain, training")
  lu.assertAlmostEquals(b(x):max():item(), 1, 1e-6)
  a:eval()
  b:eval()
  lu.assertTrue(a(x):equal(x))
  lu.assertAlmostEquals(b(x):mean():item(), 0.7, 1e-6)
  -- masks differ from sample to sample
  local y = nn.Dropout(0.5)(nn.ones(2, 100))
  lu.assertFalse(y[1]:equal(y[2]))
end

function TestDropout:test_channels()
  nn.manual_seed(1)
  local y = nn.Dropout2d(0.5)(nn.ones(100, 100, 2, 2))
  lu.assertTrue(y:flatten(3):std(3):eq(0):all():item()) -- whole channels
  near(y:mean():item(), 1, 2, "Dropout2d")
  lu.assertErrorMsgContains("must be batch x channels x length", nn.Dropout1d(), nn.ones(2, 2))
end

function TestDropout:test_alpha_keeps_mean_and_variance()
  nn.manual_seed(1)
  local x = nn.randn(200, 200)
  local y = nn.AlphaDropout(0.2)(x)
  near(y:mean():item(), 0, 1, "mean")
  near(y:var():item(), 1, 3, "variance")
end

function TestDropout:test_noise()
  nn.manual_seed(1)
  local x = nn.ones(200, 200)
  local y = nn.GaussianDropout(0.5)(x)
  near(y:mean():item(), 1, 1, "GaussianDropout mean")
  near(y:var():item(), 1, 2, "GaussianDropout variance")
  local z = nn.GaussianNoise(0.1)(x)
  near(z:std():item(), 0.1, 0.1, "GaussianNoise")
  lu.assertTrue(nn.GaussianNoise(0.1):eval()(x):equal(x))
end

function TestDropout:test_drop_connect()
  nn.manual_seed(1)
  local inner = nn.Linear(50, 40)
  local layer = nn.DropConnect(inner, 0.4)
  local x = nn.randn(8, 50)
  local sum = nn.zeros(8, 40)
  for _ = 1, 400 do
    sum = sum + layer(x):detach()
  end
  lu.assertTrue((sum / 400 - inner(x)):abs():max():item() < 0.5)
  lu.assertFalse(layer(x):equal(inner(x)))
  lu.assertTrue(layer:eval()(x):equal(inner(x)))
  lu.assertEquals(#layer:parameters(), 2)
end

function TestDropout:test_randomized_relu()
  nn.manual_seed(1)
  local layer = nn.RReLU()
  local y = layer(nn.full({ 200, 200 }, -1.0))
  near(y:mean():item(), -(1 / 8 + 1 / 3) / 2, 0.06, "RReLU")
  lu.assertAlmostEquals(layer:eval()(nn.tensor { -1.0 }):item(), -(1 / 8 + 1 / 3) / 2, 1e-6)
end

function TestDropout:test_step_passes_gradients_through()
  local x = nn.tensor({ -2.0, -0.5, 0.0, 0.5, 2.0 }, { requires_grad = true })
  local y = nn.Step()(x)
  lu.assertEquals(y:totable(), { 0.0, 0.0, 0.0, 1.0, 1.0 })
  y:sum():backward()
  lu.assertEquals(x.grad:totable(), { 0.0, 1.0, 1.0, 1.0, 0.0 })
end

-- What stands in a compiled step gives the same bits as without.
function TestDropout:test_compiled()
  local makers = {
    function() return nn.Dropout(0.3, { inverted = false }) end, function() return nn.GaussianDropout(0.3) end,
    function() return nn.AlphaDropout(0.3) end, function() return nn.DropConnect(nn.Linear(6, 6), 0.3) end,
    function() return nn.RReLU() end, function() return nn.LayerNorm(6) end, function() return nn.WeightNorm(nn.Linear(6, 6)) end,
    function() return nn.SpectralNorm(nn.Linear(6, 6)) end, function() return nn.Highway(6) end,
    function() return nn.Residual(nn.Linear(6, 6), nn.GELU()) end, function() return nn.Maxout(6, 6) end,
    function() return nn.GRUCell(6, 6) end, function() return nn.Step() end,
  }
  for i, make in ipairs(makers) do
    local function run(compiled)
      nn.manual_seed(i)
      local net = nn.Sequential(nn.Linear(6, 6), make(), nn.Linear(6, 2))
      local opt = nn.optim.RMSprop(net:parameters())
      local x, y = nn.randn(5, 6), nn.randn(5, 2)
      local function step(a, b)
        opt:zero_grad()
        local loss = nn.mse_loss(net(a), b)
        loss:backward()
        opt:step()
        return loss
      end
      local f, out = compiled and nn.compile(step) or step, {}
      for k = 1, 6 do
        out[k] = f(x, y):item()
      end
      return out
    end
    lu.assertEquals(run(true), run(false), "layer " .. i)
  end
  for _, kind in ipairs { "LSTM", "GRU", "RNN", "Conv1d", "MaxPool" } do
    local function run(compiled)
      nn.manual_seed(7)
      local layer, x
      if kind == "Conv1d" then
        layer, x = nn.Conv1d(3, 4, 3), nn.Parameter(nn.randn(2, 3, 7))
      elseif kind == "MaxPool" then
        layer, x = nn.Sequential(nn.Conv2d(1, 2, 3), nn.BatchNorm2d(2), nn.MaxPool2d(2), nn.Flatten()), nn.Parameter(nn.randn(3, 1, 8, 8))
      else
        layer, x = nn[kind](3, 4, { num_layers = 2, dropout = 0.2 }), nn.Parameter(nn.randn(5, 2, 3))
      end
      local params = layer:parameters()
      params[#params + 1] = x
      local opt = nn.optim.Lion(params, { lr = 0.01 })
      local function step()
        opt:zero_grad()
        local loss = (layer(x)):square():sum()
        loss:backward()
        opt:step()
        return loss
      end
      local f, out = compiled and nn.compile(step) or step, {}
      for k = 1, 6 do
        out[k] = f():item()
      end
      return out
    end
    lu.assertEquals(run(true), run(false), kind)
  end
end

function TestDropout:test_everything_is_dropped()
  for _, name in ipairs { "Dropout", "Dropout1d", "Dropout2d", "Dropout3d", "AlphaDropout" } do
    local x = nn.ones(name == "Dropout3d" and { 2, 3, 4, 5, 2 } or name == "Dropout2d" and { 2, 3, 4, 5 } or { 2, 3, 4 }):requires_grad_()
    local y = nn[name](1)(x)
    lu.assertEquals(y:abs():max():item(), 0.0, name)
    y:sum():backward()
    lu.assertEquals(x.grad:abs():max():item(), 0.0, name)
    lu.assertTrue(nn[name](1):eval()(x):equal(x), name)
  end
end
