-- What is given beyond what a function takes, and names that are not there: errors that say what to do.

local lu = require "luaunit"
local nn = require "nn"

TestArguments = {}

local function fails(text, f, ...)
  local ok, message = pcall(f, ...)
  lu.assertFalse(ok, text)
  lu.assertStrContains(message, text)
  lu.assertNil(message:find("stdlib", 1, true), message)
end

local function read(t, name)
  return t[name]
end

function TestArguments:test_too_many()
  local x, net = nn.ones(2, 3), nn.Sequential(nn.Linear(3, 3), nn.Tanh())
  fails("Conv2d: stride must be an integer of at least 1, or a list of 2 such, but is a list of 0", nn.Conv2d, 1, 1, 3, {}, 7)
  fails("MaxPool2d: takes kernel_size, stride, padding, dilation, return_indices, ceil_mode, and settings by name: nn.MaxPool2d{...}; but argument 7 is the number 7",
    nn.MaxPool2d, 2, 2, 0, 1, false, false, 7)
  fails("Dropout: takes p, and settings by name: nn.Dropout{...}; but argument 2 is true", nn.Dropout, 0.5, true)
  fails("ELU: takes alpha, and settings by name: nn.ELU{...}; but argument 2 is true", nn.ELU, 1, true)
  fails("ReLU: takes no arguments, but got 1", nn.ReLU, true)
  fails("LeakyReLU: negative_slope is given twice", nn.LeakyReLU, 0.1, { negative_slope = 0.2 })
  fails("Linear(3, 3): takes one input, but got 2", net[1], x, 3)
  fails("Tanh(): takes one input, but got 2", nn.Tanh(), x, x)
  fails("MSELoss(): takes at most 2 inputs, but got 3", nn.MSELoss(), x, x, "mean")
  fails("Module:eval: takes no arguments, but got more: true", net.eval, net, true)
  fails("optim.SGD: takes at most 2 arguments (params, opts), but got more: the number 1", nn.optim.SGD, net:parameters(), {}, 1)
  fails("nn.Dataset:loader: takes at most 1 argument (opts), but got more", function()
    return nn.data.tensors(x, x):loader({}, 1)
  end)
  fails("save: takes at most 2 arguments (path, state), but got more: true", nn.save, "x", {}, true)
  lu.assertEquals(nn.Dropout({ p = 0.3, inverted = false }).inverted, false)
  lu.assertEquals(nn.Dropout(0.3, { inverted = false }).p, 0.3)
  lu.assertEquals(net(x, nil).shape, x.shape) -- nil is nothing
end

function TestArguments:test_norms_of_gradients()
  for _, case in ipairs { { 1, 8 }, { 2, math.sqrt(26) }, { 3, 92 ^ (1 / 3) }, { math.huge, 4 } } do
    local p = nn.Parameter(nn.zeros(3, { dtype = "float64" }))
    p.grad = nn.tensor({ 3, -4, 1 }, { dtype = "float64" })
    lu.assertAlmostEquals(nn.optim.clip_grad_norm_({ p }, 1, case[1]):item(), case[2], 1e-6)
    lu.assertAlmostEquals(p.grad[1]:item(), 3 / case[2], 1e-6)
  end
  fails("norm_type must be above 0", nn.optim.clip_grad_norm_, {}, 1, 0)
  fails("max_norm must be a number of at least 0, but is the number", nn.optim.clip_grad_norm_, {}, 0 / 0)
end

function TestArguments:test_a_closure_computes_the_gradients()
  local w = nn.Parameter(nn.ones(1))
  local opt = nn.optim.SGD({ w }, { lr = 0.5 })
  local loss = nn.no_grad(opt.step, opt, function()
    opt:zero_grad()
    local l = (w * w):sum()
    l:backward()
    return l
  end)
  lu.assertEquals(loss:item(), 1)
  lu.assertEquals(w:item(), 0)
  fails("closure must be a function, but is the number 3", opt.step, opt, 3)
end

function TestArguments:test_sizes_and_dims()
  local x = nn.arange(6):reshape(2, 3)
  local function texts(list)
    for i, t in ipairs(list) do
      list[i] = tostring(t.shape)
    end
    return table.concat(list, " ")
  end
  lu.assertEquals(texts(x:split(1, 2)), "2x1 2x1 2x1")
  lu.assertEquals(texts(x:split({ 1, 2 }, 2)), "2x1 2x2")
  lu.assertEquals(texts(x:tensor_split(2, 2)), "2x2 2x1")
  lu.assertEquals(x:roll(1, 2):totable(), { { 2, 0, 1 }, { 5, 3, 4 } })
end

function TestArguments:test_states_of_recurrent_layers()
  local lstm, gru = nn.LSTM(3, 4), nn.GRU(3, 4)
  local x, h, c = nn.randn(5, 2, 3), nn.randn(1, 2, 4), nn.randn(1, 2, 4)
  lu.assertTrue(lstm(x, h, c):equal(lstm(x, { h, c })))
  lu.assertTrue(gru(x, h):equal(gru(x, { h })))
  fails("LSTM(3, 4): the state h is given without c", lstm, x, h)
  fails("LSTM(3, 4): takes the states as tensors or as {h, c}, but got a table of 1", lstm, x, { h })
  fails("the state h must be (num_layers * directions) x batch x hidden_size (1x2x4, float32), but is a float32 tensor of shape 2x4",
    lstm, x, h[1], c)
  fails("the state c must be (num_layers * directions) x batch x hidden_size (1x2x4, float32), but is a float64 tensor", lstm, x,
    h, c:double())
  fails("GRU(3, 4): takes at most 2 inputs, but got 3", gru, x, h, c)
  fails("LSTMCell(3, 4): the state h must be batch x hidden_size (2x4, float32)", nn.LSTMCell(3, 4), x[1], h, c)
  lu.assertEquals(tostring(nn.LSTMCell(3, 4)(x[1], { h[1], c[1] }).shape), "2x4")
end

function TestArguments:test_names_that_are_not_there()
  for _, family in ipairs {
    "data", "init", "train", "io", "plot", "regularize", "optim", "sched", "func", "linalg", "theory", "autograd", "diagnose",
  } do
    fails(("nn.%s has no 'nonsense'"):format(family), read, nn[family], "nonsense")
  end
  fails("did you mean 'parameters'?", read, nn.Linear(1, 1), "paramters")
  fails("nn.Dataset has no 'clases'; did you mean 'classes'?", read, nn.data.tensors(nn.ones(1), nn.ones(1)), "clases")
  lu.assertNil(nn.ReLU().weight)
  local Own = nn.Module:extend "Own"
  lu.assertNil(Own().paramters) -- one's own classes may ask for any field
end

function TestArguments:test_options_of_pytorch()
  fails("ReLU: 'inplace' is not needed here", nn.ReLU, { inplace = true })
  fails("Adam: 'foreach' is not needed here", nn.optim.Adam, { nn.ones(1) }, { lr = 1, foreach = true })
  fails("Linear: 'device' is not needed here", nn.Linear, 2, 3, { device = "cuda" })
end

function TestArguments:test_names_of_pytorch()
  for name, text in pairs {
    gru = "nn.GRU", lstm = "nn.LSTM", MaxUnpool2d = "is not built here yet", Adam = "nn.optim.Adam",
    ParameterDict = "a plain table of nn.Parameter", DataLoader = "data:loader{batch_size = 32}",
  } do
    fails(text, read, nn, name)
  end
  fails("not needed", read, nn.ones(1), "device")
  fails("PyTorch's cuda is not needed: all runs on the processor", read, nn.ones(1), "cuda")
  fails("model:named_modules()", read, nn.Linear(1, 1), "children")
  fails("nn.init.xavier_uniform_", read, nn.init, "xavier_uniform")
  fails("nn.sched.OneCycleLR", read, nn.sched, "CyclicLR")
end

function TestArguments:test_bounds_of_options()
  local opt = nn.optim.SGD({ nn.Parameter(nn.ones(2)) }, { lr = 0.1 })
  for text, f in pairs {
    ["StepLR: option step_size must be at least 1, but is the number 0"] = function()
      nn.sched.StepLR(opt, { step_size = 0 })
    end,
    ["CosineAnnealingLR: option T_max must be at least 1"] = function()
      nn.sched.CosineAnnealingLR(opt, { T_max = 0 })
    end,
    ["LinearLR: option total_iters must be at least 1"] = function()
      nn.sched.LinearLR(opt, { total_iters = 0 })
    end,
    ["option div_factor must be above 0"] = function()
      nn.sched.OneCycleLR(opt, { max_lr = 1, total_steps = 9, div_factor = 0 })
    end,
    ['option anneal_strategy must be "cos" or "linear", but is the string \'linea\''] = function()
      nn.sched.OneCycleLR(opt, { max_lr = 1, total_steps = 9, anneal_strategy = "linea" })
    end,
    ["option gamma must be a number, but is"] = function()
      nn.sched.ExponentialLR(opt, { gamma = 0 / 0 })
    end,
    ["milestones must be steps in rising order, e.g. {30, 60}, but number 2 is the number 3"] = function()
      nn.sched.MultiStepLR(opt, { milestones = { 5, 3 } })
    end,
    ["SequentialLR: the schedulers must be those of one optimizer"] = function()
      local other = nn.optim.SGD({ nn.Parameter(nn.ones(2)) }, { lr = 0.1 })
      nn.sched.SequentialLR({ nn.sched.LinearLR(opt), nn.sched.LinearLR(other) }, { 3 })
    end,
  } do
    lu.assertErrorMsgContains(text, f)
  end
end

-- A phase that is too short for a step is over at once.
function TestArguments:test_one_cycle_without_a_warm_up()
  local o = nn.optim.SGD({ nn.Parameter(nn.ones(1)) }, { lr = 1, momentum = 0.9 })
  local s = nn.sched.OneCycleLR(o, { max_lr = 1, total_steps = 10, pct_start = 0.1 })
  lu.assertEquals(o.param_groups[1].lr, 1)
  for _ = 1, 9 do
    s:step()
    lu.assertTrue(o.param_groups[1].lr > 0 and o.param_groups[1].lr < 1)
  end
end

function TestArguments:test_probabilities()
  fails("must be probabilities in 0..1, but goes from -0.1 to 1.2; end the model with nn.Sigmoid()", nn.BCELoss(),
    nn.tensor { 1.2, -0.1 }, nn.tensor { 1., 0 })
  lu.assertTrue(nn.BCELoss()(nn.tensor { 0., 1 }, nn.tensor { 0., 1 }):item() == 0)
end

function TestArguments:test_methods_of_optimizers()
  local opt = nn.optim.SGD({ nn.Parameter(nn.ones(1)) }, { lr = 1 })
  fails("an optimizer has no 'zerograd'; did you mean 'zero_grad'?", function()
    opt:zerograd()
  end)
end

-- As PyTorch's initial_lr: a second schedule starts from the rate before the first.
function TestArguments:test_two_schedules_of_one_optimizer()
  local opt = nn.optim.SGD({ nn.Parameter(nn.ones(1)) }, { lr = 1 })
  local first = nn.sched.LinearLR(opt, { start_factor = 0.5, total_iters = 2 })
  local second = nn.sched.StepLR(opt, { step_size = 1, gamma = 0.1 })
  lu.assertEquals({ first.base[1], second.base[1] }, { 1, 1 })
end

function TestArguments:test_help_lists_the_options_of_fit()
  local process = require "process"
  lu.assertStrContains(process.run(process.nnlua .. " -e 'require\"nn\".help \"train.fit\"'"), "before_step?: fun(step: integer)")
end

-- Names of PyTorch's that mean something else here say so.
function TestArguments:test_hints_are_right()
  lu.assertErrorMsgContains("arange(a,b+step/2,step)", function()
    return nn.range
  end)
  local a, b, step = 0, 1, 0.1
  lu.assertEquals(#nn.arange(a, b + step / 2, step), 11) -- as torch.range, which holds its end
  for _, x in ipairs { nn.ones(1), nn.Linear(1, 1) } do
    lu.assertErrorMsgContains("half is not a dtype of tensors here", function()
      return x:half()
    end)
  end
  local x = nn.ones(2):requires_grad_()
  lu.assertErrorMsgContains(": zero_: a leaf that requires a gradient", function()
    x:zero_()
  end)
end

-- Torch7's names, whose users have the same language.
function TestArguments:test_torch7()
  for _, case in ipairs {
    { nn, "SpatialConvolution", "nn has no 'SpatialConvolution'; what Torch7 calls SpatialConvolution is here nn.Conv2d(" },
    { nn, "ClassNLLCriterion", "is here nn.NLLLoss" }, { nn.optim, "sgd", "what Torch7 calls sgd is here nn.optim.SGD" },
    { nn.Linear(1, 1), "zeroGradParameters", "is here model:zero_grad(), or opt:zero_grad()" },
    { nn.Linear(1, 1), "evaluate", "what Torch7 calls evaluate is here model:eval()" },
    { nn.Linear(1, 1), "updateGradInput", "Torch7's updateGradInput is not needed" },
    { nn.ones(1), "nElement", "what Torch7 calls nElement is here x:numel()" },
    { nn.ones(1), "nelement", "what PyTorch calls nelement is here x:numel()" },
  } do
    lu.assertErrorMsgContains(case[3], function()
      return case[1][case[2]]
    end)
  end
end
