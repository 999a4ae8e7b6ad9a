-- nn.diagnose: one network made sick for each disease, and healthy ones.

local lu = require "luaunit"
local nn = require "nn"

TestDiagnose = {}

-- classes that follow from the inputs
local function loader_of(x, batch)
  local columns = x:detach():narrow(2, 1, 3)
  local _, y = ((columns - columns:mean(1, true)) / columns:std(1, 1, true)):max(2)
  return nn.data.tensors(x, y):loader { batch_size = batch or 64 }
end
local function inputs()
  return nn.randn({ 256, 16 }, { generator = nn.Generator(1) })
end
local function mlp(act, depth, init, norm)
  local net, width = nn.Sequential(), 16
  for _ = 1, depth do
    net:add(nn.Linear(width, 32, { init = init }))
    nn.init.zeros_(net[#net].bias)
    if norm then
      net:add(norm(32))
    end
    net:add(act())
    width = 32
  end
  return net:add(nn.Linear(width, 3, { init = "glorot_uniform" }))
end

local ce = nn.CrossEntropyLoss()
local function names(report)
  local list = {}
  for i, d in ipairs(report.diseases) do
    list[i] = d.name
    lu.assertTrue(#d.remedy > 10 and #d.text > 10)
  end
  return table.concat(list, "; ")
end

local function sick(disease, net, loader, opts)
  local report = nn.diagnose(net, loader or loader_of(inputs()), ce, opts)
  lu.assertFalse(report.healthy, disease)
  lu.assertStrContains(names(report), disease)
  lu.assertStrContains(tostring(report), "verdict 1: ")
  for _, d in ipairs(report.diseases) do
    lu.assertTrue(d.confidence == "low" or d.confidence == "medium" or d.confidence == "high")
    lu.assertTrue(next(d.evidence) ~= nil)
  end
  return report
end

function TestDiagnose:setUp()
  nn.manual_seed(3)
end

function TestDiagnose:test_healthy()
  for _, c in ipairs {
    { nn.ReLU, "he_normal" }, { nn.Tanh, "glorot_uniform" }, { nn.ELU, "lecun_normal" }, { nn.SiLU, "he_normal" }, { nn.ReLU, "he_uniform", nn.BatchNorm1d },
    { nn.Sigmoid, "glorot_normal", nn.BatchNorm1d },
  } do
    for seed = 1, 3 do
      nn.manual_seed(seed)
      local report = nn.diagnose(mlp(c[1], 5, c[2], c[3]), loader_of(inputs()), ce)
      lu.assertEquals(names(report), "")
      lu.assertStrContains(tostring(report), "verdict: healthy")
    end
  end
end

function TestDiagnose:test_vanishing_gradients()
  local r = sick("vanishing gradients", mlp(nn.Sigmoid, 10, "glorot_uniform"))
  lu.assertStrMatches(r.diseases[1].text, "gradients fall by 0%.%d+ per layer from output to input.*")
  lu.assertStrContains(r.diseases[1].remedy, "He initialization with ReLU")
end

function TestDiagnose:test_saturation()
  local net = mlp(nn.Tanh, 4, "lecun_normal")
  nn.no_grad(function()
    for _, p in ipairs(nn.regularize.weights(net)) do
      p:mul_(12)
    end
  end)
  sick("saturation", net)
end

function TestDiagnose:test_exploding()
  local net = mlp(nn.ReLU, 8, "he_normal")
  nn.no_grad(function()
    for _, p in ipairs(nn.regularize.weights(net)) do
      p:mul_(3)
    end
  end)
  local r = sick("exploding gradients", net)
  lu.assertStrContains(names(r), "exploding activations")
end

function TestDiagnose:test_dead_units()
  local net = mlp(nn.ReLU, 3, "he_normal")
  nn.init.constant_(net[3].bias, -30)
  sick("dead units", net)
end

function TestDiagnose:test_symmetry()
  local net = mlp(nn.Tanh, 3, "glorot_uniform")
  nn.init.constant_(net[3].weight, 0.1)
  -- what comes after differs from unit to unit, so the first step parts them
  lu.assertEquals(names(nn.diagnose(net, loader_of(inputs()), ce)), "")
  nn.init.constant_(net[5].weight, 0.1)
  sick("symmetry", net)
end

function TestDiagnose:test_inputs()
  sick("inputs not normalized", mlp(nn.ReLU, 3, "he_normal"), loader_of(inputs() * 50 + 300))
end

function TestDiagnose:test_not_finite()
  local net = mlp(nn.ReLU, 2, "he_normal")
  nn.no_grad(function()
    net[1].weight[{ 1, 1 }] = math.huge
  end)
  sick("values that are not finite", net)
end

function TestDiagnose:test_vanishing_activations_and_collapse()
  local net = mlp(nn.Tanh, 8, "small_normal")
  nn.no_grad(function()
    for _, p in ipairs(nn.regularize.weights(net)) do
      p:mul_(0.3)
    end
  end)
  sick("vanishing activations", net)
  local ordered = mlp(nn.Tanh, 12, "small_normal")
  for i = 1, #ordered, 2 do
    nn.init.normal_(ordered[i].bias, 0, 1)
  end
  sick("collapsed representations", ordered)
end

function TestDiagnose:test_updates()
  for _, c in ipairs { { 20, "updates too large" }, { 1e-9, "updates too small" } } do
    nn.manual_seed(3)
    local net = mlp(nn.ReLU, 3, "he_normal")
    local loader = loader_of(inputs())
    local watch = nn.diagnose.watch(net)
    local opt = nn.optim.SGD(net:parameters(), { lr = c[1] })
    local x, y = loader:batches()()
    ce(net(x), y):backward()
    opt:step()
    watch.step()
    local report = watch:report(loader, ce)
    lu.assertStrContains(names(report), c[2])
  end
end

function TestDiagnose:test_small_batches_of_batch_norm()
  sick("normalization with few samples", mlp(nn.ReLU, 3, "he_normal", nn.BatchNorm1d), loader_of(inputs(), 4))
end

function TestDiagnose:test_noise()
  -- labels that have nothing to do with the inputs, and a net that already says their shares: only noise is left
  local g = nn.Generator(2)
  local set = nn.data.tensors(nn.randn({ 4096, 16 }, { generator = g }), nn.randint(1, 4, { 4096 }, { generator = g }))
  local net = mlp(nn.Tanh, 1, "glorot_uniform")
  nn.init.zeros_(net[#net].weight)
  nn.init.zeros_(net[#net].bias)
  local loader = set:loader { batch_size = 64 }
  sick("gradient lost in noise", net, loader, { samples = 0, batches = 64 })
  sick("labels unrelated to inputs", net, loader)
end

function TestDiagnose:test_overconfident()
  local net = mlp(nn.ReLU, 2, "he_normal")
  nn.no_grad(function()
    net[#net].weight:mul_(60)
  end)
  sick("overconfident outputs", net)
end

function TestDiagnose:test_fields()
  local net = mlp(nn.ReLU, 2, "he_normal", nn.BatchNorm1d)
  local report = nn.diagnose(net, loader_of(inputs()), ce)
  local s = report.layers[1].singular
  lu.assertTrue(#s == 16 and s[1] >= s[16] and s[16] >= 0)
  lu.assertEquals(#report.input_output, 3)
  lu.assertTrue(rawequal(report.layers[1].module, net[1]))
  lu.assertTrue(report.labels.samples == 256 and report.labels.relation > 4.5)
end

function TestDiagnose:test_by_name()
  local net, loader = mlp(nn.ReLU, 2, "he_normal"), loader_of(inputs())
  lu.assertTrue(nn.diagnose({ model = net, loader = loader, loss = ce, jacobian = false }).healthy)
  lu.assertErrorMsgContains("has no option 'modell'", nn.diagnose, { modell = net, loader = loader, loss = ce })
  lu.assertErrorMsgContains("option optimizer must be an optimizer", nn.diagnose, net, loader, ce, { optimizer = 3 })
end
