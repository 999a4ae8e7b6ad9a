-- Initializers by rules, parameter groups, regularizers, closure optimizers, averaging, early stopping, schedules in fit.

local lu = require "luaunit"
local nn = require "nn"

TestTools = {}

local function net()
  nn.manual_seed(1)
  return nn.Sequential(nn.Linear(3, 8), nn.Tanh(), nn.Linear(8, 1))
end
local function problem(n)
  local g = nn.Generator(2)
  local x = nn.randn({ n or 40, 3 }, { generator = g })
  return x, (x:select(2, 1) * 2):sin():unsqueeze(2)
end

function TestTools:test_init_apply()
  local m = net()
  nn.init.apply(m, { { "bias$", "zeros" }, { "^1\\.", "constant", 0.5 }, { "weight", function(t, name)
    lu.assertEquals(name, "3.weight")
    return t:fill_(2)
  end } })
  lu.assertTrue(m[1].bias:eq(0):all():item())
  lu.assertTrue(m[1].weight:eq(0.5):all():item())
  lu.assertTrue(m[3].weight:eq(2):all():item())
  lu.assertErrorMsgContains("rule 2 ('^9') is the first to match no parameter", nn.init.apply, m, { { ".", "zeros" }, { "^9", "ones" } })
  lu.assertErrorMsgContains("did you mean 'zeros'", nn.init.apply, m, { { ".", "zeroes" } })
end

function TestTools:test_init_structure()
  nn.manual_seed(1)
  local w = nn.init.orthogonal_(nn.zeros({ 30, 20 }, { dtype = "float64" }))
  lu.assertTrue((w:t():matmul(w) - nn.eye(20, { dtype = "float64" })):abs():max():item() < 1e-12)
  local c = nn.Conv1d(3, 3, 3, { padding = 1, bias = false })
  nn.init.dirac_(c.weight)
  local x = nn.randn(2, 3, 5)
  lu.assertTrue((c(x) - x):abs():max():item() < 1e-6)
  lu.assertEquals(nn.init.identity_(nn.zeros(2, 2)):totable(), { { 1.0, 0.0 }, { 0.0, 1.0 } })
  lu.assertAlmostEquals(nn.init.calculate_gain(nn.relu), math.sqrt(2), 1e-6)
  lu.assertAlmostEquals(nn.init.calculate_gain(function(z) return z end), 1, 1e-9)
  for _, row in ipairs(nn.init.lsuv(net(), nn.randn(200, 3))) do
    lu.assertTrue(math.abs(row.variance - 1) < 0.03)
  end
end

function TestTools:test_groups()
  local m = nn.Sequential(nn.Linear(3, 4), nn.BatchNorm1d(4), nn.Linear(4, 1))
  local opt = nn.optim.AdamW(nn.optim.groups(m, { { "bias$|^2\\.", weight_decay = 0 }, { ".*", weight_decay = 1e-4 } }))
  lu.assertEquals({ #opt.param_groups[1].params, #opt.param_groups[2].params }, { 4, 2 })
  lu.assertEquals({ opt.param_groups[1].weight_decay, opt.param_groups[2].weight_decay }, { 0, 1e-4 })
  lu.assertErrorMsgContains("no rule matches the parameter '1.weight'", nn.optim.groups, m, { { "bias$" } })
  lu.assertErrorMsgContains("is the first to match no parameter", nn.optim.groups, m, { { ".*" }, { "bias" } })
end

function TestTools:test_proximal_and_projection()
  local w = nn.Parameter(nn.tensor { 3.0, -0.5, 0.2, -2.0 })
  nn.regularize.proximal_l1_(w, 0.5)
  lu.assertEquals(w:totable(), { 2.5, 0.0, 0.0, -1.5 })
  lu.assertEquals(nn.regularize.sparsity(w), 0.5)
  lu.assertTrue(nn.regularize.project_l2_(w, 1))
  lu.assertAlmostEquals(nn.regularize.l2(w):item(), 1, 1e-6)
  lu.assertFalse(nn.regularize.project_l2_(w, 2))
  local m = nn.Parameter(nn.tensor { { 3.0, 4.0 }, { 0.3, 0.4 } })
  nn.regularize.max_norm_(m, 1)
  lu.assertTrue((m:detach() - nn.tensor { { 0.6, 0.8 }, { 0.3, 0.4 } }):abs():max():item() < 1e-6)
  lu.assertEquals(#nn.regularize.weights(net()), 2) -- biases are exempt
  lu.assertEquals(#nn.regularize.weights(net(), "bias$"), 2)
end

-- The optimum under sum w^2 <= T is ridge regression's with lambda_of_constraint's lambda.
function TestTools:test_lambda_of_a_constraint()
  local g = nn.Generator(1)
  local x = nn.randn({ 50, 4 }, { generator = g, dtype = "float64" })
  local y = nn.randn({ 50 }, { generator = g, dtype = "float64" })
  local w = nn.Parameter(nn.zeros({ 4 }, { dtype = "float64" }))
  local T = 0.5 * nn.LinearRegression({ intercept = false }):fit(x, y).weight:square():sum():item()
  local opt = nn.optim.SGD({ w }, { lr = 2e-3 })
  for _ = 1, 1500 do
    opt:zero_grad();
    (x:matmul(w) - y):square():sum():backward()
    opt:step()
    nn.regularize.project_l2_(w, T)
  end
  opt:zero_grad();
  (x:matmul(w) - y):square():sum():backward()
  local lambda, residual = nn.regularize.lambda_of_constraint(w)
  lu.assertTrue(residual < 1e-6)
  local ridge = nn.RidgeRegression({ lambda = lambda, intercept = false }):fit(x, y).weight
  lu.assertTrue((ridge - w:detach()):abs():max():item() < 1e-8)
end

function TestTools:test_mixing()
  nn.manual_seed(1)
  local x, y = nn.randn(6, 4), nn.tensor { 1, 2, 3, 1, 2, 3 }
  local mx, my = nn.regularize.mixup(x, y, 3, { alpha = 0.4 })
  lu.assertTrue((my:sum(2) - 1):abs():max():item() < 1e-6)
  lu.assertAlmostEquals(mx:sum():item(), x:sum():item(), 1e-4) -- a permutation mixed with itself
  lu.assertTrue(nn.CrossEntropyLoss()(nn.randn(6, 3), my):item() > 0)
  local holes = nn.regularize.cutout(nn.ones(50, 8, 8), 4)
  local zeros = holes:eq(0):sum({ 2, 3 })
  lu.assertTrue(zeros:max():item() == 16 and zeros:min():item() >= 4)
  lu.assertAlmostEquals(nn.regularize.smooth_labels(y, 3, 0.3)[1][1]:item(), 0.8, 1e-6)
  lu.assertAlmostEquals(nn.regularize.elastic_net(nn.tensor { { 1.0, -2.0 } }, 0.5):item(), 0.5 * 3 + 0.25 * 5, 1e-6)
end

function TestTools:test_closure_optimizers_converge()
  local x, y = problem()
  for _, kind in ipairs { "LBFGS", "ConjugateGradient" } do
    local m = net()
    local opt = nn.optim[kind](m:parameters(), kind == "LBFGS" and { line_search_fn = "strong_wolfe", max_iter = 100 } or { max_iter = 100 })
    local function closure()
      opt:zero_grad()
      local loss = nn.mse_loss(m(x), y)
      loss:backward()
      return loss
    end
    local first = opt:step(closure)
    local last = closure():item()
    lu.assertTrue(last < 0.05 * first, ("%s: from %g to %g"):format(kind, first, last))
  end
  -- a quadratic: L-BFGS finds the exact minimum
  local w = nn.Parameter(nn.zeros({ 3 }, { dtype = "float64" }))
  local a = nn.tensor({ 1.0, 10.0, 100.0 }, { dtype = "float64" })
  local opt = nn.optim.LBFGS({ w }, { line_search_fn = "strong_wolfe", max_iter = 50 })
  opt:step(function()
    opt:zero_grad()
    local loss = (a * (w - 1):square()):sum()
    loss:backward()
    return loss
  end)
  lu.assertTrue((w:detach() - 1):abs():max():item() < 1e-5)
  local m = net()
  local lm = nn.optim.LevenbergMarquardt(m:parameters(), { max_iter = 50 })
  local before, after = lm:step(function()
    return m(x) - y
  end)
  lu.assertTrue(after < 1e-3 * before, ("LM: from %g to %g"):format(before, after))
  lu.assertErrorMsgContains("LBFGS: step needs a function", function()
    opt:step(function() end)
  end)
end

function TestTools:test_averaging()
  local m = net()
  local swa, ema = nn.optim.AveragedModel(m), nn.optim.AveragedModel(m, { decay = 0.5 })
  local values = { 1, 2, 6 }
  for _, v in ipairs(values) do
    nn.init.constant_(m[1].bias, v)
    swa:update()
    ema:update()
  end
  lu.assertAlmostEquals(swa.model[1].bias[1]:item(), 3, 1e-5)
  lu.assertAlmostEquals(ema.model[1].bias[1]:item(), 0.5 * (0.5 * 1 + 0.5 * 2) + 0.5 * 6, 1e-5)
  local w = nn.Parameter(nn.tensor { 1.0 })
  local opt = nn.optim.Lookahead(nn.optim.SGD({ w }, { lr = 1 }), { k = 2, alpha = 0.5 })
  for _ = 1, 2 do
    opt:zero_grad()
    w:sum():backward()
    opt:step()
  end
  lu.assertAlmostEquals(w:item(), 0, 1e-6) -- 1 -> 0 -> -1, and half of the way back
end

function TestTools:test_fit_with_schedule_and_early_stopping()
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

function TestTools:test_optimizer_state_goes_on()
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

function TestTools:test_groups_do_not_share_their_defaults()
  for _, kind in ipairs { "Adam", "NAdam" } do
    local mine = { 0.8, 0.9 }
    nn.optim[kind]({ nn.Parameter(nn.zeros(1)) }).param_groups[1].betas[1] = 0.5
    lu.assertEquals(nn.optim[kind]({ nn.Parameter(nn.zeros(1)) }).param_groups[1].betas[1], 0.9)
    nn.optim[kind]({ nn.Parameter(nn.zeros(1)) }, { betas = mine }).param_groups[1].betas[1] = 0.5
    lu.assertEquals(mine[1], 0.8)
  end
end

function TestTools:test_losses_name_what_is_wrong()
  local function fails(text, f, ...)
    lu.assertErrorMsgContains(text, f, ...)
  end
  local smooth = nn.CrossEntropyLoss { label_smoothing = 0.1 }
  fails("CrossEntropyLoss: target index 4 (element 1 of the index) is out of range 1..3 (input 2x3)", smooth, nn.ones(2, 3), nn.tensor { 4, 1 })
  fails("MultiMarginLoss: target index 0", nn.MultiMarginLoss(), nn.ones(2, 3), nn.tensor { 0, 1 })
  fails("MarginRankingLoss: needs a third tensor of 1 and -1", nn.MarginRankingLoss(), nn.ones(2), nn.ones(2))
  fails("one for each pair (shape 2), but it is a float32 tensor of shape 3", nn.CosineEmbeddingLoss(), nn.ones(2, 3), nn.ones(2, 3), nn.ones(3))
  fails("Embedding(3, 4): index 4 (element 1 of the index) is out of range 1..3", nn.Embedding(3, 4), nn.tensor { 4 })
  fails("diagnose.look: loader must be a loader", nn.diagnose, nn.Linear(2, 2), nil, nn.MSELoss())
  fails("linear_regions: the net must be a Sequential", nn.theory.linear_regions, nn.Linear(2, 2))
end

function TestTools:test_refusals()
  local w = { nn.Parameter(nn.zeros(2)) }
  lu.assertErrorMsgContains("Adagrad: eps must be 0 or more", nn.optim.Adagrad, w, { eps = -1 })
  lu.assertErrorMsgContains("nn.optim has no 'Adadleta'; did you mean 'Adadelta'?", function() return nn.optim.Adadleta end)
  lu.assertErrorMsgContains("nn.sched has no 'Cosine'", function() return nn.sched.Cosine end)
  lu.assertErrorMsgContains("StepLR: step_size is missing", nn.sched.StepLR, nn.optim.SGD(w))
  lu.assertErrorMsgContains("monitor 'f1' is none of the figures of this run", nn.train.fit, { model = net(), loss = nn.MSELoss(), optimizer = nn.optim.SGD(net():parameters()),
    train = nn.data.tensors(problem()):loader {}, progress = "none", early_stopping = { monitor = "f1" } })
end
