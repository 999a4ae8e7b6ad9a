-- What fit has beside the loop: accumulation, averages, callbacks, limits, looks before a run, where a loss began to be nan.

local lu = require "luaunit"
local nn = require "nn"

TestFitMore = {}

local function setup(n, seed)
  nn.manual_seed(seed or 1)
  local x = nn.randn(n, 3)
  local y = x:sum(2):unsqueeze(2)
  local model = nn.Sequential(nn.Linear(3, 8), nn.Tanh(), nn.Linear(8, 1))
  return model, nn.data.tensors(x, y)
end

local function fit(model, data, size, more)
  local o = { model = model, loss = nn.MSELoss(), optimizer = nn.optim.SGD(model:parameters(), { lr = 0.1 }), progress = "none",
    train = data:loader { batch_size = size } }
  for key, value in pairs(more or {}) do
    o[key] = value
  end
  return nn.train.fit(o)
end

-- Gradients of k batches make one update: the numbers of batches k times as large, also where the last group is cut short.
function TestFitMore:test_accumulate()
  for _, compile in ipairs { true, false } do
    local a, data = setup(48)
    local one = fit(a, data, 24, { epochs = 3, compile = compile, clip_grad_norm = 0.5 })
    local b = setup(48)
    local many = fit(b, data, 8, { epochs = 3, accumulate = 3, compile = compile, clip_grad_norm = 0.5 })
    lu.assertEquals({ one.steps, many.steps }, { 6, 6 })
    for i, p in ipairs(a:parameters()) do
      lu.assertTrue(p:allclose(b:parameters()[i], { rtol = 1e-4, atol = 1e-6 }))
    end
  end
  local a, data = setup(40) -- 5 batches in groups of 3: the second group has 2
  local b = setup(40)
  fit(a, data:range(25, 40), 16, { epochs = 1 })
  local c = setup(40)
  lu.assertEquals(fit(c, data, 8, { accumulate = 3 }).steps, 2)
  lu.assertEquals(fit(b, data:range(25, 40), 8, { accumulate = 3 }).steps, 1)
  for i, p in ipairs(a:parameters()) do
    lu.assertTrue(p:allclose(b:parameters()[i], { rtol = 1e-4, atol = 1e-6 }))
  end
end

function TestFitMore:test_ema()
  local a, data = setup(40)
  local seen = {}
  fit(a, data, 10, { epochs = 1, ema = 0.5, after_step = function(step)
    seen[step] = a[1].weight:detach():clone()
  end })
  -- the first as it is, then halves
  local mean = seen[1]
  for i = 2, 4 do
    mean = (mean + seen[i]) / 2
  end
  lu.assertTrue(a[1].weight:allclose(mean, { rtol = 1e-5, atol = 1e-7 }))
end

function TestFitMore:test_callbacks_and_limits()
  local model, data = setup(40)
  local told = {}
  local function note(name)
    return function()
      told[#told + 1] = name
    end
  end
  local run = fit(model, data, 10, { epochs = 3, valid = data:loader { batch_size = 40 }, valid_every = 3, callbacks = {
    { start = note "start", epoch = note "epoch", stop = note "stop", validation = note "validation" },
    { step = function(step, loss)
      lu.assertTrue(loss > 0)
      return step < 6
    end },
    function(row)
      lu.assertNotNil(row.valid_loss)
    end,
  } })
  lu.assertEquals(told, { "start", "validation", "epoch", "epoch", "stop" })
  lu.assertEquals({ run.steps, run.stopped, #run.within, #run.history }, { 6, "a callback", 1, 2 })
  lu.assertEquals(fit(model, data, 10, { epochs = 9, max_steps = 5 }).stopped, "max_steps")
  local quick = fit(model, data, 10, { epochs = 100000, max_seconds = 0.05 })
  lu.assertEquals(quick.stopped, "max_seconds")
  lu.assertErrorMsgContains("there is no event 'epohc'; did you mean 'epoch'?", fit, model, data, 10, {
    callbacks = { { epohc = print } } })
  lu.assertErrorMsgContains("callback 1 must be a table", fit, model, data, 10, { callbacks = { 3 } })
  lu.assertErrorMsgContains("need a place", fit, model, data, 10, { resume = true })
end

function TestFitMore:test_where_nan_began()
  local model, data = setup(20)
  local Bad = nn.Module:extend "Bad"
  function Bad.forward(_, x)
    return (x - x:max() - 1):log()
  end
  local net = nn.Sequential(nn.Linear(3, 4), Bad(), nn.Linear(4, 1))
  lu.assertErrorMsgContains("it began in layer '2' (Bad): log: made nan", fit, net, data, 10)
  nn.no_grad(function()
    model[3].weight[{ 1, 1 }] = 0 / 0
  end)
  lu.assertErrorMsgContains("the weights were not finite before it: '3.weight'", fit, model, data, 10)
  local fresh = setup(20)
  lu.assertErrorMsgContains("the inputs of this batch are not finite", fit, fresh, nn.data.tensors(nn.full({ 4, 3 }, math.huge),
    nn.ones(4, 1)), 2)
end

function TestFitMore:test_looks_before_a_run()
  local model, data = setup(64)
  local opt = nn.optim.SGD(model:parameters(), { lr = 0.123, momentum = 0.9 })
  local generator = nn.Generator(3)
  local train = data:loader { batch_size = 16, shuffle = true, generator = generator }
  local before, draw = model[1].weight:detach():clone(), { nn.rng_state() }
  local order = generator:state()
  local o = { model = model, loss = nn.MSELoss(), optimizer = opt, train = train }
  local t = nn.train.lr_range_test(o)
  lu.assertTrue(t.suggestion > 1e-4 and t.suggestion < 1 and t.lowest >= t.suggestion, tostring(t.suggestion))
  local fine = nn.train.overfit_batch(o)
  lu.assertTrue(fine.learned, fine.why)
  lu.assertTrue(model[1].weight:equal(before))
  lu.assertEquals({ opt.param_groups[1].lr, { nn.rng_state() }, generator:state() }, { 0.123, draw, order })
  local frozen = nn.Sequential(nn.Linear(3, 8), nn.ReLU(), nn.Linear(8, 1))
  nn.no_grad(function()
    frozen[1].bias:fill_(-100)
  end)
  local bad = nn.train.overfit_batch { model = frozen, loss = nn.MSELoss(), train = train,
    optimizer = nn.optim.SGD(frozen:parameters(), { lr = 0.01 }), steps = 50 }
  lu.assertFalse(bad.learned)
  lu.assertStrContains(bad.why, "'1.weight' got no gradient")
  lu.assertErrorMsgContains("train is missing", nn.train.lr_range_test, { model = model, loss = nn.MSELoss(), optimizer = opt })
end

-- An optimizer of another model is an error before the first step; parameters that are the loss's are fine.
function TestFitMore:test_whose_parameters()
  local model, data = setup(20)
  local other = setup(20)
  local before = model[1].weight:detach():clone()
  local function train(o)
    o.model, o.loss, o.progress = o.model or model, o.loss or nn.MSELoss(), "none"
    o.train = data:loader { batch_size = 10 }
    return nn.train.fit(o)
  end
  lu.assertErrorMsgContains("none of the 4 parameters of the optimizer belongs to the model", train,
    { optimizer = nn.optim.Adam(other:parameters()) })
  lu.assertTrue(model[1].weight:equal(before))
  local scale = nn.Parameter(nn.ones(1))
  local function loss(x, y)
    return ((x - y) * scale):square():mean()
  end
  lu.assertEquals(train { optimizer = nn.optim.SGD({ { params = { scale } }, { params = model:parameters() } }), loss = loss }.steps, 2)
  other:requires_grad_(false)
  lu.assertEquals(train { model = other, optimizer = nn.optim.SGD { scale }, loss = loss }.steps, 2)
  lu.assertErrorMsgContains("has no option 'los'; did you mean 'loss'?", nn.train.fit, { model = model, los = loss })
end

-- The last update of an epoch, of fewer batches than the others, goes by the mean of these, also for what the loss holds.
function TestFitMore:test_accumulate_and_the_loss()
  local scale, model = nn.Parameter(nn.zeros(1)), nn.Linear(1, 1)
  nn.train.fit { model = model, optimizer = nn.optim.SGD({ scale, model.weight, model.bias }, { lr = 1 }), accumulate = 4,
    loss = function(x)
      return (x * 0 + scale):mean()
    end, train = nn.data.tensors(nn.ones(3, 1), nn.ones(3, 1)):loader(), progress = "none", epochs = 1 }
  lu.assertAlmostEquals(scale:item(), -1, 1e-6)
end
