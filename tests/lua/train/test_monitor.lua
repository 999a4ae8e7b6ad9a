-- What a run goes by: one figure for the best row, the best weights, early stopping and the schedules that watch one.

local lu = require "luaunit"
local nn = require "nn"
local sched = require "nn.sched"

TestMonitor = {}

-- A run whose own metric takes given values, one an epoch; the model's weight is the number of the epoch.
local function run_with(values, options)
  local x = nn.ones(4, 1)
  local model = nn.Linear(1, 1)
  nn.no_grad(model.weight.fill_, model.weight, 0)
  local epoch = 1
  local spec = {
    model = model, loss = nn.MSELoss(), optimizer = nn.optim.SGD(model:parameters(), { lr = 0 }),
    train = nn.data.tensors(x, x):loader { batch_size = 4 }, epochs = #values, progress = "none",
    metrics = { { "figure", function()
      return values[epoch] * 4
    end, options.direction } },
    before_step = function(step)
      nn.no_grad(model.weight.fill_, model.weight, step)
    end,
    on_epoch = function(row)
      epoch = row.epoch + 1
    end,
  }
  options.direction = nil
  for name, value in pairs(options) do
    spec[name] = type(value) == "function" and name == "scheduler" and value(spec.optimizer) or value
  end
  return nn.train.fit(spec), model
end

local nan = 0 / 0

function TestMonitor:test_the_best_row()
  for _, case in ipairs {
    { { 3, 1, 2 }, "min", 2 }, { { 3, 1, 4 }, "max", 3 }, { { 1, 1, 1 }, "min", 1 }, { { nan, 2, 1 }, "max", 2 },
    { { nan, 2, 1 }, "min", 3 }, { { 2, nan, 3 }, "min", 1 }, { { nan, nan }, "max", 1 }, { { -1, math.huge, 0 }, "max", 2 },
  } do
    local run = run_with(case[1], { direction = case[2] })
    lu.assertEquals(run.best_epoch, case[3])
    lu.assertIs(run.best, run.history[case[3]])
    lu.assertEquals(run.monitor, "figure")
    lu.assertEquals(run.mode, case[2])
  end
end

function TestMonitor:test_the_direction_is_asked()
  lu.assertErrorMsgContains("say which way is better", run_with, { 1 }, {})
  lu.assertEquals(run_with({ 2, 1 }, { mode = "min" }).best_epoch, 2)
  lu.assertEquals(run_with({ 2, 1 }, { monitor = "loss" }).monitor, "loss")
  lu.assertErrorMsgContains("mode must be", run_with, { 1 }, { mode = "up" })
  lu.assertErrorMsgContains("a run goes by one figure", run_with, { 1 }, {
    direction = "min", monitor = "figure", early_stopping = { monitor = "loss" },
  })
  lu.assertErrorMsgContains("did you mean 'figure'", run_with, { 1 }, { direction = "min", monitor = "figur" })
end

function TestMonitor:test_early_stopping_puts_the_best_weights_back()
  local run, model = run_with({ 5, 3, 2, 4, 4, 1 }, { direction = "min", early_stopping = { patience = 2 } })
  lu.assertEquals(run.stopped_early, 5)
  lu.assertEquals(run.best_epoch, 3)
  lu.assertEquals(model.weight:item(), 3)
  run, model = run_with({ 1, 2, 3 }, { direction = "max", early_stopping = { patience = 1, restore = false } })
  lu.assertEquals(run.best_epoch, 3)
  lu.assertEquals(model.weight:item(), 3)
  -- min_delta decides when to stop, not what is best
  run, model = run_with({ 5, 4.9, 4.8, 4.7 }, { direction = "min", early_stopping = { patience = 2, min_delta = 0.5 } })
  lu.assertEquals(run.stopped_early, 3)
  lu.assertEquals(run.best_epoch, 3)
  lu.assertEquals(model.weight:item(), 3)
  run = run_with({ nan, nan, nan, 1 }, { direction = "min", early_stopping = { patience = 2 } })
  lu.assertEquals(run.stopped_early, 2)
end

function TestMonitor:test_the_best_file()
  local dir = os.tmpname()
  os.remove(dir)
  local run = run_with({ 5, 3, 4 }, { direction = "min", out = dir })
  lu.assertEquals(nn.load(dir .. "/best.safetensors").weight:item(), run.best_epoch)
  os.execute("rm -r " .. dir)
end

local function rates(run)
  local list = {}
  for i, row in ipairs(run.history) do
    list[i] = row.lr
  end
  return list
end

function TestMonitor:test_schedules_go_by_the_figure()
  local function plateau(mode)
    return function(opt)
      opt.param_groups[1].lr = 1
      return sched.ReduceLROnPlateau(opt, { patience = 0, factor = 0.5, mode = mode })
    end
  end
  -- the rate of a row is that of its epoch; the schedule moves after it
  lu.assertEquals(rates(run_with({ 1, 2, 1, 1 }, { direction = "max", scheduler = plateau(nil) })), { 1, 1, 1, 0.5 })
  lu.assertEquals(rates(run_with({ 1, 2, 1, 1 }, { direction = "max", scheduler = plateau "max" })), { 1, 1, 1, 0.5 })
  lu.assertEquals(rates(run_with({ 1, 2, 1, 1 }, { direction = "min", scheduler = plateau(nil) })), { 1, 1, 0.5, 0.25 })
  lu.assertErrorMsgContains("no figure of this run gets better that way", run_with, { 1 }, {
    direction = "min", scheduler = plateau "max",
  })
end
