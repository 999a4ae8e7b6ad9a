-- nn.diagnose{try = true}: the remedy on a copy, beside the network as it is.

local lu = require "luaunit"
local nn = require "nn"

TestTrial = {}

local ce = nn.CrossEntropyLoss()

local function data()
  return (nn.data.teacher { n = 256, features = 16, outputs = 4, classes = true, seed = 7 })
end

local function mlp(act, depth)
  local net = nn.Sequential()
  for i = 1, depth or 2 do
    net:add(nn.Linear(i == 1 and 16 or 32, 32, { init = "he_normal" })):add(act())
    nn.init.zeros_(net[#net - 1].bias)
  end
  return net:add(nn.Linear(32, 4))
end

local function tried(name, net, o)
  o = o or {}
  local report = nn.diagnose { model = net, loader = (o.data or data()):loader { batch_size = o.batch or 64 }, loss = o.loss or ce,
    optimizer = o.optimizer, try = true, steps = 30, jacobian = false }
  lu.assertEquals(report.diseases[1].name, name)
  lu.assertTrue(rawequal(report.trial, report.diseases[1].trial))
  lu.assertStrContains(tostring(report), "  tried: ")
  return report.trial
end

local function helps(name, net, o)
  local t = tried(name, net, o)
  lu.assertTrue(t.applied and t.steps == 30)
  lu.assertTrue(t.loss.with < t.loss.without, ("%s: %g and %g"):format(name, t.loss.with, t.loss.without))
  lu.assertTrue(t.helped)
  lu.assertStrContains(t.text, t.remedy)
  lu.assertStrContains(t.text, ("%.3g"):format(t.loss.with))
  return t
end

function TestTrial:setUp()
  nn.manual_seed(3)
end

function TestTrial:test_remedies_that_help()
  local net = mlp(nn.Sigmoid, 10)
  local t = helps("vanishing gradients", net)
  lu.assertTrue(t.gradient_ratio.without < 0.01 and t.gradient_ratio.with > 0.05)
  net = mlp(nn.ReLU, 3)
  nn.init.constant_(net[3].bias, -30)
  t = helps("dead units", net)
  lu.assertTrue(t.gradient_ratio.with > 0)
  net = mlp(nn.ReLU)
  net:requires_grad_(false)
  t = helps("frozen layers", net)
  lu.assertEquals(t.loss.without, t.loss.before) -- nothing moves
  net = mlp(nn.ReLU)
  helps("updates too small", net, { optimizer = nn.optim.SGD(net:parameters(), { lr = 1e-5 }) })
  net = mlp(nn.ReLU)
  helps("updates too large", net, { optimizer = nn.optim.Adam(net:parameters(), { lr = 1 }) })
  net = mlp(nn.Tanh)
  for i = 1, 5, 2 do
    nn.init.constant_(net[i].weight, 0.1)
  end
  helps("symmetry", net)
  local d = data()
  helps("inputs not normalized", mlp(nn.Tanh), { data = nn.data.tensors(d.x * 100 + 2000, d.y) })
  local scale = nn.ones(16)
  scale[3] = 5000
  helps("features on different scales", mlp(nn.Tanh), { data = nn.data.tensors(d.x * scale, d.y) })
end

function TestTrial:test_remedies_in_the_net()
  lu.assertEquals(tried("activation before the loss", mlp(nn.ReLU):add(nn.Softmax(2))).remedy, "without 6 (Softmax)")
  lu.assertEquals(tried("no activation between layers", nn.Sequential(nn.Linear(16, 32), nn.Linear(32, 4))).remedy, "ReLU after 1")
  lu.assertEquals(helps("too much dropout", nn.Sequential(nn.Linear(16, 64), nn.ReLU(), nn.Dropout(0.98), nn.Linear(64, 4))).remedy,
    "dropout with p = 0.5")
  local normed = nn.Sequential(nn.Linear(16, 32), nn.BatchNorm1d(32), nn.ReLU(), nn.Linear(32, 4))
  lu.assertStrContains(tried("normalization with few samples", normed, { batch = 4 }).remedy, "layer norm")
end

function TestTrial:test_what_cannot_be_tried()
  local Net = nn.Module:extend "Net"
  function Net.init(n)
    n.a, n.b, n.c = nn.Linear(16, 32), nn.Linear(32, 32), nn.Linear(32, 4)
  end
  function Net.forward(n, x)
    return n.c(nn.relu(n.b(nn.relu(n.a(x)):detach())))
  end
  local t = tried("cut off from the loss", Net())
  lu.assertFalse(t.applied)
  lu.assertStrContains(t.why_not, "written in forward")
  lu.assertStrContains(t.text, "not by itself")
  function Net.forward(n, x)
    return nn.softmax(n.c(nn.relu(n.b(nn.relu(n.a(x))))), 2)
  end
  t = tried("activation before the loss", Net())
  lu.assertStrContains(t.why_not, "written in forward")
  -- a forward that names its layers from outside: a copy would call the original
  local inner = nn.Linear(16, 4)
  local Outside = nn.Module:extend "Outside"
  function Outside.init(n)
    n.fc = inner
  end
  function Outside.forward(_, x)
    return inner(x) * 1e3 + nn.arange(4)
  end
  local outside = Outside()
  local before = inner.weight:detach():clone()
  t = tried("overconfident outputs", outside)
  lu.assertFalse(t.applied)
  lu.assertStrContains(t.why_not, "calls the layers of the original")
  lu.assertTrue(inner.weight:detach():equal(before))
end

function TestTrial:test_a_watch_does_not_know_the_optimizer()
  local net = mlp(nn.ReLU)
  local watch, opt = nn.diagnose.watch(net), nn.optim.Adam(net:parameters(), { lr = 1 })
  ce(net(data().x), data().y):backward()
  opt:step()
  watch.step()
  local report = watch:report(data():loader { batch_size = 64 }, ce, { try = true })
  lu.assertEquals(report.diseases[1].name, "updates too large")
  lu.assertStrContains(report.trial.why_not, "give it as optimizer")
end

function TestTrial:test_nothing_to_try()
  local report = nn.diagnose { model = mlp(nn.ReLU), loader = data():loader(), loss = ce, try = true }
  lu.assertTrue(report.healthy)
  lu.assertNil(report.trial)
end
