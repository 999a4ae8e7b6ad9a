-- Groups of parameters, and the state that goes on with them.

local lu = require "luaunit"
local nn = require "nn"

TestGroups = {}

local function net()
  nn.manual_seed(1)
  return nn.Sequential(nn.Linear(3, 8), nn.Tanh(), nn.Linear(8, 1))
end

local function problem(n)
  local g = nn.Generator(2)
  local x = nn.randn({ n or 40, 3 }, { generator = g })
  return x, (x:select(2, 1) * 2):sin():unsqueeze(2)
end

function TestGroups:test_groups()
  local m = nn.Sequential(nn.Linear(3, 4), nn.BatchNorm1d(4), nn.Linear(4, 1))
  local opt = nn.optim.AdamW(nn.optim.groups(m, { { "bias$|^2\\.", weight_decay = 0 }, { ".*", weight_decay = 1e-4 } }))
  lu.assertEquals({ #opt.param_groups[1].params, #opt.param_groups[2].params }, { 4, 2 })
  lu.assertEquals({ opt.param_groups[1].weight_decay, opt.param_groups[2].weight_decay }, { 0, 1e-4 })
  lu.assertErrorMsgContains("no rule matches the parameter '1.weight'", nn.optim.groups, m, { { "bias$" } })
  lu.assertErrorMsgContains("is the first to match no parameter", nn.optim.groups, m, { { ".*" }, { "bias" } })
end

function TestGroups:test_groups_do_not_share_their_defaults()
  for _, kind in ipairs { "Adam", "NAdam" } do
    local mine = { 0.8, 0.9 }
    nn.optim[kind]({ nn.Parameter(nn.zeros(1)) }).param_groups[1].betas[1] = 0.5
    lu.assertEquals(nn.optim[kind]({ nn.Parameter(nn.zeros(1)) }).param_groups[1].betas[1], 0.9)
    nn.optim[kind]({ nn.Parameter(nn.zeros(1)) }, { betas = mine }).param_groups[1].betas[1] = 0.5
    lu.assertEquals(mine[1], 0.8)
  end
end

function TestGroups:test_optimizer_state_goes_on()
  local x, y = problem()
  for _, kind in ipairs { "NAdam", "LAMB", "RMSprop", "Rprop", "ASGD", "Adagrad", "RAdam" } do
    local function run(break_at)
      local m = net()
      local opt = nn.optim[kind](m:parameters(), { lr = 0.01 })
      for i = 1, 8 do
        if i == break_at then
          local state = opt:state_dict()
          opt = nn.optim[kind](m:parameters(), { lr = 0.5 })
          opt:load_state_dict(state)
        end
        opt:zero_grad()
        nn.mse_loss(m(x), y):backward()
        opt:step()
      end
      return m[1].weight:detach()
    end
    lu.assertTrue(run(nil):equal(run(5)), kind)
  end
end

-- Tensors and what is in them have different names; groups are shown by what they hold.
function TestGroups:test_printing()
  local opt = nn.optim.SGD(nn.Linear(2, 1):parameters(), { lr = 0.5 })
  lu.assertStrContains(tostring(opt), "1: 3 parameters in 2 tensors, ")
  lu.assertStrContains(tostring(nn.optim.SGD { nn.Parameter(nn.ones(1)) }), "1: 1 parameter in 1 tensor, ")
  lu.assertStrContains(tostring(opt.param_groups), "lr = 0.5")
  lu.assertStrContains(tostring(opt.param_groups[1]), "shape=1x2, float32, requires_grad)")
end
