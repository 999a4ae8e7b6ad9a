-- Schedules and early stopping in fit.

local lu = require "luaunit"
local nn = require "nn"

TestEarlyStopping = {}

local function net()
  nn.manual_seed(1)
  return nn.Sequential(nn.Linear(3, 8), nn.Tanh(), nn.Linear(8, 1))
end

local function problem(n)
  local g = nn.Generator(2)
  local x = nn.randn({ n or 40, 3 }, { generator = g })
  return x, (x:select(2, 1) * 2):sin():unsqueeze(2)
end

function TestEarlyStopping:test_fit_with_schedule_and_early_stopping()
  local x, y = problem(64)
  local set = nn.data.tensors(x, y)
  local m = net()
  local opt = nn.optim.SGD(m:parameters(), { lr = 0.1 })
  local steps = 0
  local run = nn.train.fit { model = m, loss = nn.MSELoss(), optimizer = opt, train = set:loader { batch_size = 16 }, valid = set:loader { batch_size = 64 },
    epochs = 4, progress = "none", scheduler = nn.sched.LambdaLR(opt, function(t) return 1 / (1 + t) end),
    after_step = function() steps = steps + 1 end }
  lu.assertAlmostEquals(run.history[3].lr, 0.1 / 3, 1e-9)
  lu.assertEquals(steps, 16)
  -- a rate that destroys: the best weights come back
  opt = nn.optim.SGD(m:parameters(), { lr = 0.0 })
  local before = m[1].weight:detach():clone()
  run = nn.train.fit { model = m, loss = nn.MSELoss(), optimizer = opt, train = set:loader { batch_size = 64 }, valid = set:loader { batch_size = 64 },
    epochs = 20, progress = "none", early_stopping = { patience = 3 }, on_epoch = function(row)
      opt.param_groups[1].lr = row.epoch > 1 and 0.5 or 0.0
      nn.init.normal_(m[3].weight, 0, row.epoch)
    end }
  lu.assertEquals(run.best_epoch, 1)
  lu.assertEquals(run.stopped_early, 4)
  lu.assertTrue((m[1].weight:detach() - before):abs():max():item() < 1e-6)
end
