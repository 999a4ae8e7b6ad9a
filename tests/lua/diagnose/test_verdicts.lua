-- Verdicts of nn.diagnose that were wrong once: sick networks that were called healthy, healthy ones that were called sick, and
-- wrong causes.

local lu = require "luaunit"
local nn = require "nn"

TestVerdicts = {}

local ce = nn.CrossEntropyLoss()

local function classes(n)
  return (nn.data.teacher { n = n or 512, features = 16, outputs = 4, classes = true, seed = 7 })
end

local function diagnosis(net, data, o)
  o = o or {}
  return nn.diagnose(net, (data or classes()):loader { batch_size = o.batch or 64 }, o.loss or ce,
    { jacobian = false, optimizer = o.optimizer, batches = o.batches })
end

local function names_of(report)
  local names = {}
  for i, d in ipairs(report.diseases) do
    names[i] = d.name
  end
  return table.concat(names, "; ")
end

local function sick(name, net, data, o)
  local report = diagnosis(net, data, o)
  lu.assertEquals(names_of(report):match "^[^;]*", name)
  return report.diseases[1], report
end

local function healthy(net, data, o)
  local report = diagnosis(net, data, o)
  lu.assertEquals(names_of(report), "")
  return report
end

local function mlp(act, depth)
  local net = nn.Sequential()
  for i = 1, depth or 2 do
    net:add(nn.Linear(i == 1 and 16 or 32, 32, { init = "he_normal" })):add(act())
    nn.init.zeros_(net[#net - 1].bias)
  end
  return net:add(nn.Linear(32, 4))
end

local function net_of(layers, forward)
  local Class = nn.Module:extend "Net"
  function Class:init()
    for name, layer in pairs(layers) do
      self[name] = layer
    end
  end
  Class.forward = forward
  return Class()
end

local function three(forward)
  return net_of({ a = nn.Linear(16, 32), b = nn.Linear(32, 32), c = nn.Linear(32, 4) }, forward)
end

function TestVerdicts:setUp()
  nn.manual_seed(5)
end

-- ---- sick, once called healthy ----

function TestVerdicts:test_detach()
  local d = sick("cut off from the loss", three(function(n, x)
    return n.c(nn.relu(n.b(nn.relu(n.a(x)):detach())))
  end))
  lu.assertEquals(d.evidence.layers, { "a" })
  lu.assertEquals(d.confidence, "high")
  sick("cut off from the loss", three(function(n, x)
    return n.c(n.a(x):detach()) + n.c(nn.relu(n.b(n.a(x):detach())))
  end))
end

function TestVerdicts:test_all_of_it_cut_off()
  sick("cut off from the loss", three(function(n, x)
    return n.c(n.b(n.a(x))):detach()
  end))
end

function TestVerdicts:test_frozen()
  local net = mlp(nn.ReLU)
  net[1]:requires_grad_(false)
  local d = sick("frozen layers", net)
  lu.assertEquals(d.evidence.layers, { "1" })
  net:requires_grad_(false)
  d = sick("frozen layers", net)
  lu.assertEquals(d.evidence.layers, { "1", "3", "5" })
end

function TestVerdicts:test_never_called()
  local d = sick("layers never called", three(function(n, x)
    return n.c(nn.relu(n.a(x)))
  end))
  lu.assertEquals(d.evidence.layers, { "b" })
end

function TestVerdicts:test_no_activation()
  sick("no activation between layers", nn.Sequential(nn.Linear(16, 32), nn.Linear(32, 32), nn.ReLU(), nn.Linear(32, 4)))
  sick("no activation between layers", nn.Sequential(nn.Linear(16, 32), nn.Dropout(0.2), nn.Flatten(), nn.Linear(32, 4)))
  -- functions that only drop or scale
  sick("no activation between layers", three(function(n, x)
    return n.c(nn.relu(n.b(nn.dropout(n.a(x), 0.3) * 2)))
  end))
  for _, bends in ipairs { nn.leaky_relu, nn.abs, nn.softplus, nn.relu } do
    healthy(three(function(n, x)
      return n.c(nn.relu(n.b(bends(n.a(x)))))
    end))
  end
  -- a function between the layers, also one that writes in place, is an activation; a bottleneck is meant
  healthy(three(function(n, x)
    return n.c(nn.relu(n.b(n.a(x):tanh())))
  end))
  healthy(net_of({ a = nn.Linear(16, 32), c = nn.Linear(32, 4) }, function(n, x)
    return n.c(n.a(x):relu_())
  end))
  local x = classes().x
  -- what a shortcut reads, too, is no mere part of the next layer
  healthy(nn.Sequential(nn.Linear(16, 32), nn.Residual(nn.Linear(32, 32), nn.ReLU(), nn.Linear(32, 32)), nn.ReLU(), nn.Linear(32, 4)))
  healthy(nn.Sequential(nn.Linear(16, 4), nn.Linear(4, 16)), nn.data.tensors(x, x), { loss = nn.MSELoss() })
end

function TestVerdicts:test_random_labels()
  for _, c in ipairs { { 8, 32 }, { 60, 8 }, { 20, 8 }, { 60, 64 } } do
    local n, g = c[1] * c[2], nn.Generator(c[1])
    local data = nn.data.tensors(nn.randn({ n, 16 }, { generator = g }), nn.randint(1, 5, { n }, { generator = g }))
    local d = sick("labels unrelated to inputs", mlp(nn.ReLU), data, { batch = c[2] })
    lu.assertEquals(d.evidence.samples, math.min(n, 1024))
    sick("labels unrelated to inputs", mlp(nn.ReLU), data, { batch = c[2], batches = c[1] })
  end
  -- the same numbers of samples, where labels do follow
  for _, c in ipairs { { 8, 32 }, { 60, 8 } } do
    healthy(mlp(nn.ReLU), classes(c[1] * c[2]), { batch = c[2] })
  end
end

local function elman(init)
  local net = net_of({ rnn = nn.RNN(3, 24, { batch_first = true }), out = nn.Linear(24, 2) }, function(n, x)
    return n.out(n.rnn(x):select(2, x:size(2)))
  end)
  init(net.rnn.weight_hh_l1)
  return net
end

local function sequences(steps)
  local x = nn.randn({ 128, steps, 3 }, { generator = nn.Generator(2) })
  return nn.data.tensors(x, x:select(2, steps):select(2, 1):gt(0):long() + 1)
end

function TestVerdicts:test_time()
  local d = sick("vanishing gradients through time", elman(function() end), sequences(100))
  lu.assertTrue(d.evidence.steps == 100 and d.evidence.first < d.evidence.last * 1e-4)
  sick("exploding gradients through time", elman(function(w)
    nn.init.orthogonal_(w, { gain = 2.5 })
  end), sequences(100))
  healthy(elman(nn.init.orthogonal_), sequences(20))
end

function TestVerdicts:test_dead_layers_of_smooth_activations()
  for _, act in ipairs { nn.ELU, nn.GELU, nn.SiLU } do
    local net = mlp(act, 3)
    nn.init.constant_(net[3].bias, -30)
    local d = sick("dead units", net)
    lu.assertEquals(d.evidence.layer, "4")
    lu.assertEquals(d.evidence.share, 1)
  end
end

function TestVerdicts:test_dead_functional_relu()
  local net = three(function(n, x)
    return n.c(nn.relu(n.b(nn.relu(n.a(x)))))
  end)
  healthy(net)
  nn.init.constant_(net.b.bias, -30)
  local d = sick("dead units", net)
  lu.assertEquals(d.evidence, { layer = "b", share = 1 })
end

function TestVerdicts:test_dead_units_in_every_layer()
  local net = nn.Sequential(nn.Linear(16, 64), nn.ReLU(), nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 4))
  for _, i in ipairs { 1, 3 } do
    nn.init.he_normal_(net[i].weight)
    nn.no_grad(function()
      net[i].bias:narrow(1, 1, 25):fill_(-30)
    end)
  end
  local d = sick("dead units", net)
  lu.assertAlmostEquals(d.evidence.all, 25 / 64, 0.02)
end

function TestVerdicts:test_dropout()
  local d = sick("too much dropout", nn.Sequential(nn.Linear(16, 32), nn.ReLU(), nn.Dropout(0.98), nn.Linear(32, 4)))
  lu.assertAlmostEquals(d.evidence.share, 0.98, 0.01)
  healthy(nn.Sequential(nn.Linear(16, 32), nn.ReLU(), nn.Dropout(0.5), nn.Linear(32, 4)))
end

function TestVerdicts:test_softmax_twice()
  sick("activation before the loss", mlp(nn.ReLU):add(nn.Softmax(2)))
  sick("activation before the loss", three(function(n, x)
    return nn.softmax(n.c(nn.relu(n.a(x)) + nn.relu(n.b(nn.relu(n.a(x))))), 2)
  end))
  healthy(mlp(nn.ReLU):add(nn.LogSoftmax(2)), nil, { loss = nn.NLLLoss() })
end

function TestVerdicts:test_functions_before_the_loss()
  local data = classes()
  local bits = nn.data.tensors(data.x, data.y:gt(2):float():unsqueeze(2))
  local function net(f)
    return net_of({ a = nn.Linear(16, 32), b = nn.Linear(32, 1) }, function(n, x)
      return f(n.b(nn.relu(n.a(x))))
    end)
  end
  local d = sick("activation before the loss", net(nn.sigmoid), bits, { loss = nn.BCEWithLogitsLoss() })
  lu.assertEquals(d.evidence.kind, "Sigmoid")
  healthy(net(nn.sigmoid), bits, { loss = nn.BCELoss() })
  healthy(net(function(x)
    return x
  end), bits, { loss = nn.BCEWithLogitsLoss() })
  -- a loss that says nothing of its inputs
  healthy(net(function(x)
    return x
  end), nn.data.tensors(data.x, data.y:float():unsqueeze(2)), { loss = nn.PoissonNLLLoss() })
end

function TestVerdicts:test_saturated_functions()
  local net = three(function(n, x)
    return n.c(n.b(n.a(x):tanh()):tanh())
  end)
  healthy(net)
  nn.no_grad(function()
    net.a.weight:mul_(40)
    net.b.weight:mul_(40)
  end)
  lu.assertTrue(sick("saturation", net).evidence.share > 0.5)
end

function TestVerdicts:test_targets()
  local data = nn.data.teacher { n = 512, features = 16, outputs = 1, seed = 7 }
  local mse = nn.MSELoss()
  local function net()
    return nn.Sequential(nn.Linear(16, 32), nn.ReLU(), nn.Linear(32, 1))
  end
  healthy(net(), data, { loss = mse })
  sick("targets on another scale", net(), nn.data.tensors(data.x, data.y * 1e5), { loss = mse })
  local d = sick("targets out of reach", net():add(nn.Sigmoid()), nn.data.tensors(data.x, data.y * 3), { loss = mse })
  lu.assertTrue(d.evidence.share > 0.3)
  local y = data.y:clone()
  y[{ 3, 1 }] = 0 / 0
  sick("values that are not finite", net(), nn.data.tensors(data.x, y), { loss = mse })
  local x = data.x:clone()
  x[{ 3, 1 }] = 1 / 0
  lu.assertEquals(sick("values that are not finite", net(), nn.data.tensors(x, data.y), { loss = mse }).evidence.layer, "inputs")
end

function TestVerdicts:test_learning_rates()
  for _, c in ipairs { { "SGD", 1e-5, "small" }, { "Adam", 1e-5, "small" }, { "Adam", 1, "large" } } do
    nn.manual_seed(5)
    local net = mlp(nn.ReLU)
    local opt = nn.optim[c[1]](net:parameters(), { lr = c[2] })
    sick("updates too " .. c[3], net, nil, { optimizer = opt })
    -- the same, watched
    local watch = nn.diagnose.watch(net)
    for x, y in classes():loader { batch_size = 64 } do
      opt:zero_grad()
      ce(net(x), y):backward()
      opt:step()
      watch.step()
    end
    local report = watch:report(classes():loader { batch_size = 64 }, ce, { jacobian = false })
    lu.assertEquals(names_of(report), "updates too " .. c[3])
    for _, d in ipairs(report.consequences) do
      lu.assertEquals(d.cause, "updates too " .. c[3])
    end
  end
  local net = mlp(nn.ReLU)
  healthy(net, nil, { optimizer = nn.optim.Adam(net:parameters(), { lr = 1e-3 }) })
  healthy(net, nil, { optimizer = nn.optim.SGD(net:parameters(), { lr = 0.01, momentum = 0.9 }) })
end

-- ---- the wrong cause ----

function TestVerdicts:test_scales_of_features()
  local data, scale = classes(), nn.ones(16)
  scale[3] = 5000
  local d, report = sick("features on different scales", mlp(nn.Tanh), nn.data.tensors(data.x * scale, data.y))
  lu.assertTrue(d.evidence.ratio > 1000)
  for _, c in ipairs(report.consequences) do
    lu.assertEquals(c.cause, "features on different scales")
  end
end

-- ---- healthy, once called sick ----

function TestVerdicts:test_what_starts_at_zero()
  local net = mlp(nn.ReLU, 4)
  nn.init.zeros_(net[9].weight)
  nn.init.zeros_(net[9].bias)
  lu.assertEquals(healthy(net).started_at_zero, { "9.weight" })
  lu.assertEquals(net[9].weight:abs():max():item(), 0)
  net = mlp(nn.Tanh)
  nn.init.zeros_(net[1].weight)
  healthy(net)
  -- all of it at 0 does not end with a step
  nn.init.zeros_(net[3].weight)
  nn.init.zeros_(net[5].weight)
  sick("symmetry", net)
end

function TestVerdicts:test_equal_weights()
  local net = mlp(nn.Tanh)
  nn.init.constant_(net[3].weight, 0.1)
  nn.init.constant_(net[5].weight, 0.1)
  sick("symmetry", net)
  nn.init.normal_(net[3].bias, 0, 0.5)
  healthy(net)
end

function TestVerdicts:test_numbers_that_name_something()
  local x = nn.randint(1, 1001, { 512, 8 }, { generator = nn.Generator(2) })
  local y = x:le(500):long():sum(2):gt(4):long() + 1
  healthy(nn.Sequential(nn.Embedding(1000, 16), nn.Flatten(), nn.Linear(128, 32), nn.ReLU(), nn.Linear(32, 2)), nn.data.tensors(x, y))
  local k = nn.randint(1, 3001, { 512 }, { generator = nn.Generator(3) })
  healthy(nn.Sequential(nn.Linear(3000, 16), nn.ReLU(), nn.Linear(16, 2)),
    nn.data.tensors(nn.one_hot(k, 3000):to "float32", k:gt(1500):long() + 1))
end
