-- Resuming: 10 steps, everything saved to a file, loaded into fresh objects, and 10 more give the bits of 20 steps. For every
-- optimizer, schedule, average, and for loaders; compiled and not.

local lu = require "luaunit"
local nn = require "nn"
local core = require "nn.core"

TestResume = {}

local path = os.tmpname()

local function net()
  return nn.Sequential(nn.Linear(3, 5), nn.BatchNorm1d(5), nn.Tanh(), nn.Dropout(0.2), nn.Linear(5, 2))
end

local data = {}
for i = 1, 20 do
  local g = nn.Generator(i)
  data[i] = { nn.randn({ 8, 3 }, { generator = g }), nn.randn({ 8, 2 }, { generator = g }) }
end

-- parts: what has a state, by name; step(x, y, i). One world for each seed of its first weights.
local function build(make, seed, compiled)
  nn.manual_seed(seed)
  local model, loss = net(), nn.MSELoss()
  local world = { parts = { model = model } }
  local function compute(x, y)
    model:zero_grad()
    local l = loss(model(x), y)
    l:backward()
    return l
  end
  world.step = make(world, model, compiled and nn.compile(compute) or compute)
  return world
end

local function states(world)
  local all = {}
  for name, part in pairs(world.parts) do
    all[name] = part:state_dict()
  end
  local seed, counter = nn.rng_state()
  all.random = { seed = seed, counter = counter }
  return all
end

local function bits(value, out)
  if nn.is_tensor(value) then
    out[#out + 1] = tostring(value.shape) .. value.dtype
    for _, x in ipairs(value:reshape(-1):totable()) do
      out[#out + 1] = type(x) == "boolean" and tostring(x) or math.type(x) == "integer" and tostring(x) or ("%a"):format(x)
    end
  elseif type(value) == "table" then
    local keys = {}
    for key in pairs(value) do
      keys[#keys + 1] = key
    end
    table.sort(keys, function(a, b)
      return tostring(a) < tostring(b)
    end)
    for _, key in ipairs(keys) do
      out[#out + 1] = tostring(key)
      bits(value[key], out)
    end
  else
    out[#out + 1] = tostring(value)
  end
  return out
end

local function check(name, make)
  for _, compiled in ipairs { false, true } do
    local straight = build(make, 1, compiled)
    nn.manual_seed(100)
    for i = 1, 20 do
      straight.step(data[i][1], data[i][2], i)
    end
    local wanted = table.concat(bits(states(straight), {}), " ")

    local first = build(make, 1, compiled)
    nn.manual_seed(100)
    for i = 1, 10 do
      first.step(data[i][1], data[i][2], i)
    end
    nn.save(path, states(first))
    local second = build(make, 2, compiled)
    local saved = nn.load(path)
    for part, object in pairs(second.parts) do
      object:load_state_dict(saved[part])
    end
    nn.set_rng_state(saved.random.seed, saved.random.counter)
    for i = 11, 20 do
      second.step(data[i][1], data[i][2], i)
    end
    lu.assertEquals(table.concat(bits(states(second), {}), " "), wanted, name .. (compiled and ", compiled" or ""))
  end
end

local sgd = { momentum = 0.9, lr = 0.05 }
local optimizers = {
  SGD = { {}, sgd, { momentum = 0.9, nesterov = true, weight_decay = 0.1 }, { momentum = 0.5, dampening = 0.3 } },
  Adam = { {}, { betas = { 0.8, 0.95 } } }, Adagrad = { {}, { lr_decay = 0.1 } },
  RMSprop = { {}, { centered = true, momentum = 0.5 } }, ASGD = { {}, { t0 = 5 } },
  LBFGS = { {}, { max_iter = 3, line_search_fn = "strong_wolfe" } }, ConjugateGradient = { {} }, LevenbergMarquardt = { {} },
}

for _, rule in ipairs(core.optimizers()) do
  optimizers[rule.name] = optimizers[rule.name] or { {} }
end

function TestResume:test_every_optimizer()
  local optim = require "nn.optim"
  for name, list in pairs(optimizers) do
    for _, options in ipairs(list) do
      check(name, function(world, model, compute)
        local opt = optim[name](model:parameters(), options)
        world.parts.opt = opt
        return function(x, y)
          if opt.takes_closure == "residuals" then
            opt:step(function()
              return model(x) - y
            end)
          elseif opt.takes_closure then
            opt:step(function()
              return compute(x, y)
            end)
          else
            compute(x, y)
            opt:step()
          end
        end
      end)
    end
  end
  for name, make in pairs(optim) do -- none is forgotten
    local ok, opt = pcall(make, net():parameters(), {})
    if name:find "^[A-Z]" and ok and opt.load_state_dict and name ~= "Lookahead" and name ~= "AveragedModel" then
      lu.assertNotNil(optimizers[name], name)
    end
  end
end

function TestResume:test_groups_and_options_changed_on_the_way()
  check("groups", function(world, model, compute)
    local opt = nn.optim.Adam({
      { params = model[1]:parameters(), lr = 0.1 }, { params = model[5]:parameters() },
    }, { weight_decay = 0.01 })
    world.parts.opt = opt
    return function(x, y, i)
      compute(x, y)
      opt:step()
      if i == 5 then
        opt.param_groups[1].lr, opt.param_groups[2].betas[1] = 0.03, 0.7
      end
    end
  end)
end

function TestResume:test_averages()
  check("Lookahead", function(world, model, compute)
    local opt = nn.optim.Lookahead(nn.optim.SGD(model:parameters(), sgd), { k = 3 })
    world.parts.opt = opt
    return function(x, y)
      compute(x, y)
      opt:step()
    end
  end)
  for _, options in ipairs { {}, { decay = 0.9 } } do
    check("AveragedModel", function(world, model, compute)
      local opt, average = nn.optim.SGD(model:parameters(), sgd), nn.optim.AveragedModel(model, options)
      world.parts.opt, world.parts.average = opt, average
      return function(x, y)
        compute(x, y)
        opt:step()
        average:update()
      end
    end)
  end
end

local schedules = {
  StepLR = { step_size = 4 }, MultiStepLR = { milestones = { 3, 12 } }, ExponentialLR = { gamma = 0.9 },
  ConstantLR = { total_iters = 12 }, LinearLR = { total_iters = 12 }, PolynomialLR = { total_iters = 15, power = 2 },
  CosineAnnealingLR = { T_max = 15 }, CosineAnnealingWarmRestarts = { T_0 = 4, T_mult = 2 },
  OneCycleLR = { max_lr = 0.2, total_steps = 25 }, ReduceLROnPlateau = { patience = 1, cooldown = 1 },
}
local makers = {
  LambdaLR = function(opt)
    return nn.sched.LambdaLR(opt, function(t)
      return 1 / (1 + t)
    end)
  end,
  ChainedScheduler = function(opt)
    return nn.sched.ChainedScheduler { nn.sched.StepLR(opt, { step_size = 3 }), nn.sched.ExponentialLR(opt, { gamma = 0.95 }) }
  end,
  SequentialLR = function(opt)
    return nn.sched.SequentialLR({
      nn.sched.LinearLR(opt, { total_iters = 4 }), nn.sched.ExponentialLR(opt, { gamma = 0.95 }),
    }, { 8 })
  end,
}

function TestResume:test_every_schedule()
  for name, options in pairs(schedules) do
    makers[name] = function(opt)
      return nn.sched[name](opt, options)
    end
  end
  for name in pairs(require "nn.sched") do
    lu.assertNotNil(makers[name], name)
  end
  for name, make in pairs(makers) do
    for _, rule in ipairs { "SGD", "Adam" } do
      check(name, function(world, model, compute)
        local opt = nn.optim[rule](model:parameters(), rule == "SGD" and sgd or {})
        local schedule = make(opt)
        world.parts.opt, world.parts.schedule = opt, schedule
        return function(x, y)
          local l = compute(x, y)
          opt:step()
          schedule:step(schedule.wants_metric and l or nil)
        end
      end)
    end
  end
end

function TestResume:test_loaders()
  local g = nn.Generator(3)
  local set = nn.data.tensors(nn.randn({ 26, 3 }, { generator = g }), nn.randn({ 26, 2 }, { generator = g }))
  for _, options in ipairs {
    { batch_size = 4 }, { batch_size = 4, shuffle = true }, { batch_size = 4, shuffle = true, drop_last = true },
    { batch_size = 4, shuffle = true, generator = true }, { batch_size = 2, shuffle = true, generator = true },
  } do
    check("loader", function(world, model, compute)
      local o = {}
      for name, value in pairs(options) do
        o[name] = value
      end
      o.generator = options.generator and nn.Generator(7) or nil
      local loader, opt = set:loader(o), nn.optim.SGD(model:parameters(), sgd)
      world.parts.loader, world.parts.opt = loader, opt
      local pass
      return function()
        local x, y = nil, nil
        if pass then
          x, y = pass()
        end
        if not x then
          pass = loader:batches()
          x, y = pass()
        end
        compute(x, y)
        opt:step()
      end
    end)
  end
  local loader = set:loader { batch_size = 4, shuffle = true }
  local pass = loader:batches()
  pass()
  local state = loader:state_dict()
  lu.assertErrorMsgContains("of 26 samples in batches of 4, this loader has 26 in batches of 5",
    function() set:loader { batch_size = 5, shuffle = true }:load_state_dict(state) end)
  lu.assertErrorMsgContains("other options", function() set:loader { batch_size = 4 }:load_state_dict(state) end)
  lu.assertErrorMsgContains("needs what state_dict gave", loader.load_state_dict, loader, 3)
  local again = set:loader { batch_size = 4, shuffle = true }
  again:load_state_dict(state)
  local seen = {}
  for x in again do
    seen[#seen + 1] = x
  end
  lu.assertEquals(#seen, 6)
end

-- Numbers and strings come back as they were, in every place.
function TestResume:test_what_a_file_can_hold()
  local state = {
    inf = math.huge, minus = -math.huge, one = 1.0, integer = 1, most = math.maxinteger, least = math.mininteger, tenth = 0.1,
    tiny = 5e-324, zero = -0.0, bytes = "a\0b\xff", text = "\"\\\n\u{e4}", empty = "", list = { 1, { x = nn.ones(2) } },
    ["odd\xffkey\0"] = nn.zeros(1), ["$number"] = "inf", ["$tensor"] = "x", yes = true,
  }
  nn.save(path, state)
  local back = nn.load(path)
  for name, value in pairs(state) do
    if type(value) == "number" then
      lu.assertEquals(string.pack("n", back[name]), string.pack("n", value), name)
      lu.assertEquals(math.type(back[name]), math.type(value), name)
    elseif not nn.is_tensor(value) and type(value) ~= "table" then
      lu.assertEquals(back[name], value)
    end
  end
  lu.assertEquals(back.list[2].x:totable(), { 1, 1 })
  lu.assertEquals(back["odd\xffkey\0"]:totable(), { 0 })
  nn.save(path, { x = 0 / 0, y = 1 })
  local nan = nn.load(path).x
  lu.assertTrue(nan ~= nan)
  os.remove(path)
end

-- Loops within a loop (an evaluation, say): the state is that of the outer one.
function TestResume:test_nested_passes()
  local x = nn.arange(1, 9):reshape(8, 1)
  local loader = nn.data.tensors(x, x):loader { batch_size = 2, shuffle = true }
  local n, state = 0, nil
  for _ in loader do
    n = n + 1
    if n == 2 then
      for _ in loader do -- luacheck: ignore 542
      end
      state = loader:state_dict()
    end
  end
  lu.assertEquals({ n, state.at, #state.order }, { 4, 2, 8 })
  lu.assertEquals(loader:state_dict().at, 0)
  loader:load_state_dict(state)
  n = 0
  for _ in loader do
    n = n + 1
  end
  lu.assertEquals(n, 2)
end

-- A fit that goes on does so with the optimizer as it was; where the script wants another one, that is said.
function TestResume:test_changed_settings_are_said()
  local out = os.tmpname()
  os.remove(out)
  local said = {}
  local function fit(epochs, lr, weight_decay, schedule)
    nn.manual_seed(3)
    local model = nn.Linear(3, 2)
    local opt = nn.optim.SGD(model:parameters(), { lr = lr, weight_decay = weight_decay, momentum = 0.9 })
    local options = schedule == nn.sched.StepLR and { step_size = 1 } or { max_lr = lr, total_steps = 20 }
    local scheduler = schedule and schedule(opt, options) or nil
    said = {}
    local stderr = io.stderr
    io.stderr = { write = function(_, ...) -- luacheck: ignore 122
      said[#said + 1] = table.concat { ... }
    end }
    local ok, why = pcall(nn.train.fit, { model = model, optimizer = opt, scheduler = scheduler, loss = nn.MSELoss(), epochs = epochs,
      train = nn.data.tensors(data[1][1], data[1][2]):loader { batch_size = 4 }, progress = "none", out = out, resume = true })
    io.stderr = stderr -- luacheck: ignore 122
    lu.assertTrue(ok, why)

  end
  for _, schedule in ipairs { false, nn.sched.StepLR, nn.sched.OneCycleLR } do
    fit(2, 0.1, 0, schedule)
    lu.assertEquals(said, {})
    fit(4, 0.1, 0, schedule)
    lu.assertEquals(said, {})
    fit(5, 0.2, 0.5, schedule)
    local line = "fit: %s was %s when the fit began, and is %s in the script now: it goes on as it was saved; begin anew to change it\n"
    local lrs = schedule == nn.sched.OneCycleLR and { "0.004", "0.008" } or { "0.1", "0.2" } -- it begins with max_lr / 25
    lu.assertEquals(table.concat(said), line:format("lr", lrs[1], lrs[2]) .. line:format("weight_decay", "0", "0.5"))
    fit(5, 0.3, 0, schedule) -- there is nothing left to do
    lu.assertEquals(said, {})
    os.execute("rm -r " .. out)
  end
end

-- A limit that ended a run within an epoch, the last one too, leaves the rest of it to do.
function TestResume:test_limits_within_an_epoch()
  local out = os.tmpname()
  os.remove(out)
  local function trained(o)
    nn.manual_seed(7)
    local x, model = nn.randn(7, 4), nn.Linear(4, 1)
    o.model, o.loss, o.progress, o.epochs = model, nn.MSELoss(), "none", 2
    o.optimizer = nn.optim.SGD(model:parameters(), { lr = 0.05 })
    o.train = nn.data.tensors(x, x:sum(2, true)):loader { batch_size = 1, shuffle = true }
    return model.bias:item(), nn.train.fit(o), model.bias:item()
  end
  local _, _, want = trained {}
  for _, stop in ipairs { 1, 6, 7, 8, 13 } do
    for _, again in ipairs { 14, false } do
      os.execute("rm -rf " .. out)
      trained { max_steps = stop, out = out }
      local _, run, bias = trained { max_steps = again or nil, out = out, resume = true }
      lu.assertEquals({ run.steps, bias }, { 14, want }, ("stopped at %d"):format(stop))
    end
  end
  os.execute("rm -rf " .. out)
end
