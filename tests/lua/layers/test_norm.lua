-- Normalization: folding, population statistics, weight and spectral norm, second derivatives.

local lu = require "luaunit"
local nn = require "nn"

TestNorm = {}

local function close(a, b, bound)
  local d = (a - b):abs():max():item()
  lu.assertTrue(d <= bound, ("differs by %g"):format(d))
end

local function data(n, d)
  return nn.data.tensors(nn.randn(n, d) * 2 + 1, nn.randint(1, 3, { n }))
end

function TestNorm:test_population_statistics_are_algorithm_2()
  nn.manual_seed(1)
  local set = data(96, 5)
  local net = nn.Sequential(nn.BatchNorm1d(5), nn.Linear(5, 4), nn.BatchNorm1d(4))
  nn.population_statistics(net, set:loader { batch_size = 32 })
  local mean, var = 0, 0
  for x in set:loader { batch_size = 32 } do
    mean, var = mean + x:mean(1) / 3, var + x:var(1, 0) * (32 / 31) / 3
  end
  close(net[1].running_mean, mean, 1e-5)
  close(net[1].running_var, var, 1e-4)
  lu.assertTrue(net.training)
end

-- A loader that fails on the way leaves the model as it was before.
function TestNorm:test_population_statistics_fail_whole()
  nn.manual_seed(3)
  local net = nn.Sequential(nn.BatchNorm1d(5), nn.Linear(5, 4), nn.BatchNorm1d(4))
  net(nn.randn(8, 5))
  net:eval()
  local before = {}
  for name, t in pairs(net:state_dict()) do
    before[name] = t:clone()
  end
  local count = 0
  local function loader()
    count = count + 1
    if count > 2 then
      error("the file is short", 0)
    end
    return nn.randn(8, 5)
  end
  local ok, message = pcall(nn.population_statistics, net, loader)
  lu.assertFalse(ok)
  lu.assertStrContains(tostring(message), "the file is short")
  lu.assertEquals(count, 3)
  for name, t in pairs(net:state_dict()) do
    lu.assertTrue(t:equal(before[name]), name)
  end
  lu.assertEquals({ net[1].momentum, net[1].num_batches_tracked:item() }, { 0.1, 1 })
  lu.assertFalse(net.training)
end

function TestNorm:test_folding_keeps_the_function()
  nn.manual_seed(2)
  local set = data(64, 6)
  local net = nn.Sequential(nn.BatchNorm1d(6), nn.Linear(6, 8), nn.BatchNorm1d(8), nn.ReLU(),
    nn.Sequential(nn.Linear(8, 8, { bias = false }), nn.BatchNorm1d(8, { affine = false }), nn.Tanh(), nn.BatchNorm1d(8)), nn.Dropout(0.5), nn.Linear(8, 2))
  nn.init.uniform_(net[3].weight, 0.5, 2)
  local folded = nn.fold_batch_norm(net, set:loader { batch_size = 16 })
  close(folded(set.x), net:eval()(set.x), 1e-5)
  local text = tostring(folded)
  lu.assertNotStrContains(text, "BatchNorm")
  lu.assertEquals(select(2, text:gsub("Affine", "")), 2) -- where no linear layer stands before
  -- the model itself is as it was
  lu.assertStrContains(tostring(net), "BatchNorm1d(8)")
  local images = nn.Sequential(nn.Conv2d(1, 3, 3), nn.BatchNorm2d(3), nn.ReLU())
  images(nn.randn(8, 1, 6, 6))
  local x = nn.randn(2, 1, 6, 6)
  close(nn.fold_batch_norm(images)(x), images:eval()(x), 1e-5)
end

function TestNorm:test_weight_norm()
  nn.manual_seed(3)
  local inner = nn.Linear(4, 3)
  local w, x = inner.weight:detach():clone(), nn.randn(5, 4)
  local plain = inner(x):detach()
  local layer = nn.WeightNorm(inner)
  close(layer(x), plain, 1e-6)
  local names = {}
  for i, e in ipairs(layer:named_parameters()) do
    names[i] = e[1]
  end
  table.sort(names)
  lu.assertEquals(names, { "layer.bias", "weight_g", "weight_v" })
  -- the gradient for v is perpendicular to v (Salimans & Kingma 2016, eq. 4)
  layer(x):square():sum():backward()
  close((layer.weight_v.grad * layer.weight_v):sum(2), nn.zeros(3), 1e-4)
  close(layer:weight():detach(), w, 1e-6)
end

function TestNorm:test_spectral_norm()
  nn.manual_seed(4)
  local layer = nn.SpectralNorm(nn.Linear(6, 5))
  local x = nn.randn(3, 6)
  for _ = 1, 50 do
    layer(x)
  end
  local _, s = nn.svd(layer.weight_orig:detach())
  close(layer(x):detach(), (x:matmul(layer.weight_orig:t() / s[1]:item()) + layer.layer.bias):detach(), 1e-4)
end

function TestNorm:test_second_derivatives()
  nn.manual_seed(5)
  local makers = {
    function() return nn.LayerNorm(4) end, function() return nn.RMSNorm(4) end, function() return nn.GroupNorm(2, 4) end,
    function() return nn.BatchNorm1d(4) end, function() return nn.WeightNorm(nn.Linear(4, 3)) end,
  }
  for i, make in ipairs(makers) do
    local layer = make():to "float64"
    local x = nn.randn({ 5, 4 }, { dtype = "float64" }):requires_grad_()
    local v = nn.randn({ 5, 4 }, { dtype = "float64" })
    local function inner(t)
      local g = nn.grad(layer(t):tanh():sum(), { t }, { create_graph = true })[1]
      return (g * v):sum()
    end
    local second = nn.grad(inner(x), { x })[1]
    local h, d = 1e-5, nn.randn({ 5, 4 }, { dtype = "float64" })
    local function at(step)
      return inner((x:detach() + d * step):requires_grad_()):item()
    end
    lu.assertAlmostEquals((second * d):sum():item(), (at(h) - at(-h)) / (2 * h), 1e-6, "layer " .. i)
  end
end

function TestNorm:test_a_subclass_is_a_batch_norm()
  local Mine = nn.BatchNorm1d:extend "Mine"
  local layer = Mine(3)
  lu.assertEquals(tostring(layer(nn.randn(4, 3)).shape), "4x3")
  lu.assertNotStrContains(tostring(nn.fold_batch_norm(nn.Sequential(nn.Linear(2, 3), layer))), "Mine")
end

function TestNorm:test_clone_and_refusals()
  local net = nn.Sequential(nn.Linear(2, 2), nn.BatchNorm1d(2))
  local copy = net:clone()
  nn.init.zeros_(copy[1].weight)
  lu.assertFalse(net[1].weight:eq(0):all():item())
  lu.assertEquals(tostring(copy), tostring(net))
  lu.assertErrorMsgContains("BatchNorm2d(3): input must be batch x 3 x height x width", nn.BatchNorm2d(3), nn.ones(2, 3))
  lu.assertErrorMsgContains("LayerNorm(4): input has 3 features in its last dim (shape 2x3); it takes 4", nn.LayerNorm(4), nn.ones(2, 3))
  lu.assertErrorMsgContains("divide evenly", nn.GroupNorm, 4, 6)
  lu.assertErrorMsgContains("needs", nn.Residual)
end

-- A layer or weight that is used elsewhere, too, stays what it is.
function TestNorm:test_folding_with_shared_layers()
  nn.manual_seed(4)
  local twice = nn.Linear(3, 3)
  local net = nn.Sequential(twice, nn.BatchNorm1d(3), twice, nn.BatchNorm1d(3), nn.Linear(3, 3))
  net[5].weight = twice.weight
  net = nn.Sequential(net, nn.BatchNorm1d(3), nn.Linear(3, 2), nn.BatchNorm1d(2))
  net(nn.randn(20, 3) * 2 + 1)
  local x = nn.randn(4, 3)
  local folded = nn.fold_batch_norm(net:eval())
  close(folded(x), net(x), 1e-5)
  lu.assertNotStrContains(tostring(folded), "BatchNorm")
end

-- What folding cannot do right it refuses, or leaves.
function TestNorm:test_folding_elsewhere()
  nn.manual_seed(5)
  local net = nn.Sequential(nn.Linear(4, 4), nn.BatchNorm1d(4))
  net(nn.randn(8, 4, 4) * 3 + 1)
  local folded = nn.fold_batch_norm(net:eval())
  lu.assertErrorMsgContains("right for inputs of shape batch x features, but this one has shape 8x4x4", folded, nn.ones(8, 4, 4))
  close(folded(nn.ones(8, 4)), net(nn.ones(8, 4)), 1e-5)
  local hooked = nn.Linear(3, 4)
  hooked:register_forward_hook(function(_, y)
    return y * 2
  end)
  net = nn.Sequential(hooked, nn.BatchNorm1d(4), nn.relu, nn.BatchNorm1d(4))
  net(nn.randn(8, 3))
  local x = nn.randn(5, 3)
  close(nn.fold_batch_norm(net:eval())(x), net(x), 1e-5)
  lu.assertErrorMsgContains("track_running_stats = false", nn.fold_batch_norm,
    nn.Sequential(nn.Linear(3, 4), nn.BatchNorm1d(4, { track_running_stats = false })))
end

-- The function has PyTorch's arguments in PyTorch's order, and is what the layer does.
function TestNorm:test_batch_norm_as_a_function()
  local layer, x = nn.BatchNorm2d(3), nn.randn(4, 3, 2, 5) * 2 + 1
  nn.init.uniform_(layer.weight)
  nn.init.uniform_(layer.bias)
  local mean, var = layer.running_mean:clone(), layer.running_var:clone()
  for _ = 1, 3 do
    close(nn.batch_norm(x, mean, var, layer.weight, layer.bias, true, 0.1, 1e-5), layer(x), 1e-6)
    close(mean, layer.running_mean, 1e-6)
    close(var, layer.running_var, 1e-6)
  end
  layer:eval()
  close(nn.batch_norm(x, mean, var, layer.weight, layer.bias), layer(x), 1e-6)
  close(nn.batch_norm(x, mean, var, { weight = layer.weight, bias = layer.bias, eps = 1e-5 }), layer(x), 1e-6)
  close(nn.batch_norm(x, { running_mean = mean, running_var = var, weight = layer.weight, bias = layer.bias }), layer(x), 1e-6)
  close(nn.batch_norm(x, nil, nil, { training = true }):mean { 1, 3, 4 }, nn.zeros(3), 1e-6)
  for text, f in pairs {
    ["needs running_mean and running_var, or training = true"] = function() nn.batch_norm(x) end,
    ["running_mean must be a float tensor of shape 3"] = function() nn.batch_norm(x, nn.ones(2), nn.ones(2)) end,
    ["but running_var was left out"] = function() nn.batch_norm(x, nn.ones(3)) end,
    ["has no variance to train on"] = function() nn.batch_norm(nn.ones(1, 3), nil, nil, { training = true }) end,
    ["takes x, running_mean, running_var, weight, bias, training"] = function() nn.batch_norm(x, mean, var, nil, nil, 3) end,
  } do
    lu.assertErrorMsgContains(text, f)
  end
  lu.assertErrorMsgContains("leave running_mean and running_var out", nn.instance_norm, x, nn.zeros(3), nn.ones(3))
end
