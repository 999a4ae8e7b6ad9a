-- Twenty training steps of every layer, loss and optimizer, every schedule and the statistics of every initializer,
-- against PyTorch: tests/golden/make_lecture.py. Tolerance: losses agree to 2e-4 relative to the larger of 1 and the
-- value over all steps (float32, sums in another order, twenty times), learning rates to 1e-12.

local lu = require "luaunit"
local nn = require "nn"
local golden = require "golden"

local data = golden.read "lecture"

TestGoldenLecture = {}

local function close(name, step, got, want, bound)
  local d = math.abs(got - want) / math.max(1, math.abs(want))
  if not (d <= bound) then
    lu.fail(("%s, step %d: %.9g, PyTorch has %.9g (off by %.2g, bound %g)"):format(name, step, got, want, d, bound))
  end
end

-- What is tested, for the test at the end that asks for the rest.
local seen = { layers = {}, losses = {}, optim = {}, sched = {}, init = {} }

for i, c in ipairs(data.layers) do
  seen.layers[c.name] = true
  TestGoldenLecture[("test_layer_%02d_%s"):format(i, c.name)] = function()
    local layer = nn[c.name](table.unpack(c.args))
    local params = layer:parameters()
    lu.assertEquals(#params, #c.params, c.name .. ": number of parameters")
    nn.no_grad(function()
      for k, p in ipairs(params) do
        p:copy_(golden.tensor(c.params[k]))
      end
    end)
    local x = golden.tensor(c.x)
    if x.dtype == "float32" then
      x = nn.Parameter(x)
      params[#params + 1] = x
    end
    local target = golden.tensor(c.target)
    local opt = nn.optim.SGD(params, { lr = c.lr })
    for step = 1, 20 do
      opt:zero_grad()
      local out = layer(x)
      local loss = (out - target):square():sum() / #x
      loss:backward()
      opt:step()
      close(c.name, step, loss:item(), c.losses[step], 2e-4)
    end
  end
end

for i, c in ipairs(data.losses) do
  seen.losses[c.name] = true
  TestGoldenLecture[("test_loss_%02d_%s"):format(i, c.name)] = function()
    local options = {}
    for key, value in pairs(c.options) do
      options[key] = type(value) == "table" and golden.tensor(value.t) or value
    end
    local criterion = nn[c.name](options)
    local tensors, params = {}, {}
    for k, t in ipairs(c.tensors) do
      tensors[k] = golden.tensor(t)
    end
    for _, k in ipairs(c.train) do
      tensors[k] = nn.Parameter(tensors[k])
      params[#params + 1] = tensors[k]
    end
    local opt = nn.optim.SGD(params, { lr = c.lr })
    for step = 1, 20 do
      opt:zero_grad()
      local loss = criterion(table.unpack(tensors)):sum()
      loss:backward()
      opt:step()
      close(c.name, step, loss:item(), c.losses[step], 2e-4)
    end
  end
end

for i, c in ipairs(data.optimizers) do
  seen.optim[c.name] = true
  TestGoldenLecture[("test_optimizer_%02d_%s"):format(i, c.name)] = function()
    local dtype = c.name == "LBFGS" and "float64" or "float32"
    local function net(k)
      return golden.tensor(data.net[k]):to(dtype)
    end
    local w1, w2, x, goal = nn.Parameter(net(1)), nn.Parameter(net(2)), net(3), net(4)
    local opt = nn.optim[c.name]({ w1, w2 }, c.options)
    local mse = nn.MSELoss()
    local function closure()
      opt:zero_grad()
      local loss = mse(x:matmul(w1:t()):tanh():matmul(w2:t()), goal)
      loss:backward()
      return loss
    end
    for step = 1, 20 do
      local value
      if c.name == "LBFGS" then
        value = opt:step(closure)
      else
        value = closure():item()
        opt:step()
      end
      close(c.name, step, value, c.losses[step], 2e-4)
    end
    for k, w in ipairs { w1, w2 } do
      local d = golden.difference(w:detach(), golden.tensor(c["end"][k]))
      lu.assertTrue(d < 1e-3, ("%s: parameter %d differs by %g"):format(c.name, k, d))
      if c.average then
        local _, average = opt.state:get(k)
        lu.assertTrue(golden.difference(average, golden.tensor(c.average[k])) < 1e-3, c.name .. ": the average")
      end
    end
  end
end

for i, c in ipairs(data.schedules) do
  seen.sched[c.name] = true
  TestGoldenLecture[("test_schedule_%02d_%s"):format(i, c.name)] = function()
    local p = nn.Parameter(nn.zeros(1))
    local opt = c.optimizer == "SGD" and nn.optim.SGD({ p }, { lr = 0.5, momentum = 0.9 }) or nn.optim.Adam({ p }, { lr = 0.5 })
    local s = nn.sched
    local schedule
    if c.name == "Chained" then
      schedule = s.ChainedScheduler {
        s.ConstantLR(opt, { factor = 0.5, total_iters = 4 }), s.ExponentialLR(opt, { gamma = 0.9 }),
      }
    elseif c.name == "Sequential" then
      schedule = s.SequentialLR({
        s.LinearLR(opt, { start_factor = 0.1, total_iters = 5 }), s.CosineAnnealingLR(opt, { T_max = 15 }),
      }, { 5 })
    else
      schedule = s[c.name](opt, c.options)
    end
    for step = 1, #c.lr do
      local group = opt.param_groups[1]
      close(c.name, step, group.lr, c.lr[step], 1e-12)
      close(c.name .. " momentum", step, group.momentum or group.betas[1], c.momentum[step], 1e-12)
      schedule:step(c.feed ~= 0 and c.feed[step] or nil)
    end
  end
end

-- A sample of n = 240,000 has its mean within 5 deviations / sqrt(n) and its deviation within 5 / sqrt(2 n) of the
-- distribution's (kurtosis up to 3), once for PyTorch's sample and once for ours: both bounds are doubled.
for i, c in ipairs(data.inits) do
  seen.init[c.name] = true
  TestGoldenLecture[("test_init_%02d_%s"):format(i, c.name)] = function()
    if c.name == "gain" then
      lu.assertAlmostEquals(nn.init.calculate_gain(table.unpack(c.options)), c.mean, 1e-12)
      return
    end
    nn.manual_seed(4)
    local w = nn.zeros(600, 400)
    nn.init[c.name .. "_"](w, table.unpack(c.options))
    local n = w:numel()
    lu.assertAlmostEquals(w:mean():item(), c.mean, 10 * c.std / math.sqrt(n) + 1e-9)
    lu.assertAlmostEquals(w:std():item(), c.std, 10 * c.std / math.sqrt(2 * n) + 1e-9)
    lu.assertAlmostEquals(w:eq(0):to("float32"):mean():item(), c.zeros, 10 * 0.5 / math.sqrt(n))
    -- the largest of a bounded distribution is its bound; of a normal one it varies
    if c.name:find "uniform" or c.name:find "trunc" or c.name == "constant" then
      lu.assertAlmostEquals(w:abs():max():item(), c.largest, 1e-3 * c.largest)
    end
  end
end

-- Nothing is left out: every name of these files is in the data above, or here with its own tests.
function TestGoldenLecture:test_nothing_is_missing()
  for _, c in ipairs(golden.read("layers").layers) do -- layers/test_golden_layers
    for name in c.name:gmatch "nn%.(%u%w+)" do
      seen.layers[name], seen.losses[name] = true, true
    end
  end
  local elsewhere = {
    CircularPad1d = "layers/test_more_layers", CircularPad3d = "layers/test_more_layers", ZeroPad1d = "layers/test_more_layers",
    ZeroPad3d = "layers/test_more_layers", Dropout3d = "layers/test_dropout", PositionalEncoding = "layers/test_more_layers",
    Step = "layers/test_table", RReLU = "layers/test_dropout", Dropout = "layers/test_dropout",
    Dropout1d = "layers/test_dropout", Dropout2d = "layers/test_dropout", AlphaDropout = "layers/test_dropout",
    GaussianDropout = "layers/test_dropout", GaussianNoise = "layers/test_dropout", DropConnect = "layers/test_dropout",
    WeightNorm = "layers/test_norm", SpectralNorm = "layers/test_norm", Affine = "layers/test_norm",
    Residual = "layers/test_containers", Sequential = "layers/test_containers", ModuleList = "layers/test_containers",
    ModuleDict = "layers/test_containers", ParameterList = "layers/test_containers",
    dirac_ = "init/test_init", identity_ = "init/test_init", delta_ = "init/test_init",
    clip_grad_norm_ = "compile/test_compile", clip_grad_value_ = "compile/test_compile",
    Lookahead = "optim/test_closure", AveragedModel = "optim/test_closure", ConjugateGradient = "optim/test_closure",
    LevenbergMarquardt = "optim/test_closure", LambdaLR = "train/test_resume", ChainedScheduler = "train/test_resume",
    SequentialLR = "train/test_resume",
  }
  for name, suite in pairs(elsewhere) do
    local file <close> = assert(io.open("tests/lua/" .. suite .. ".lua"))
    lu.assertStrMatches(file:read "a", ".*%f[%w_]" .. name .. "%f[^%w_].*", nil, nil, name .. " is not in " .. suite)
  end
  local missing = {}
  local function look(kind, list, pattern)
    for name in pairs(list) do
      if type(name) == "string" and name:find(pattern) and not seen[kind][(name:gsub("_$", ""))] and not elsewhere[name] then
        missing[#missing + 1] = name
      end
    end
  end
  for _, entry in ipairs(require("nn.core").layers()) do
    look(entry.loss and "losses" or "layers", { [entry.name] = true }, ".")
  end
  look("optim", require "nn.optim", "^[A-Z]")
  look("sched", require "nn.sched", ".")
  look("init", require "nn.init", "_$")
  table.sort(missing)
  lu.assertEquals(table.concat(missing, " "), "")
end
