-- What settings and names say that are wrong.

local lu = require "luaunit"
local nn = require "nn"

TestSettings = {}

local function net()
  nn.manual_seed(1)
  return nn.Sequential(nn.Linear(3, 8), nn.Tanh(), nn.Linear(8, 1))
end

local function problem(n)
  local g = nn.Generator(2)
  local x = nn.randn({ n or 40, 3 }, { generator = g })
  return x, (x:select(2, 1) * 2):sin():unsqueeze(2)
end

function TestSettings:test_refusals()
  local w = { nn.Parameter(nn.zeros(2)) }
  lu.assertErrorMsgContains("Adagrad: eps must be 0 or more", nn.optim.Adagrad, w, { eps = -1 })
  lu.assertErrorMsgContains("nn.optim has no 'Adadleta'; did you mean 'Adadelta'?", function() return nn.optim.Adadleta end)
  lu.assertErrorMsgContains("nn.sched has no 'Cosine'", function() return nn.sched.Cosine end)
  lu.assertErrorMsgContains("StepLR: step_size is missing", nn.sched.StepLR, nn.optim.SGD(w))
  local model = net()
  lu.assertErrorMsgContains("monitor 'f1' is none of the figures of this run", nn.train.fit, { model = model,
    loss = nn.MSELoss(), optimizer = nn.optim.SGD(model:parameters()),
    train = nn.data.tensors(problem()):loader {}, progress = "none", early_stopping = { monitor = "f1" } })
end
