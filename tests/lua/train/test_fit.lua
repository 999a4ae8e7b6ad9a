-- nn.train.fit: what it returns, shows, writes, and how it ends.

local lu = require "luaunit"
local nn = require "nn"
local core = require "nn.core"

TestFit = {}

local function problem(options)
  nn.manual_seed(1)
  local x = nn.randn(64, 2)
  local y = (x:select(2, 1) * x:select(2, 2)):gt(0):long() + 1
  local d = nn.data.tensors(x, y)
  local model = nn.Sequential(nn.Linear(2, 16), nn.Tanh(), nn.Dropout(0.1), nn.Linear(16, 2))
  local spec = {
    model = model, loss = nn.CrossEntropyLoss(), optimizer = nn.optim.Adam(model:parameters(), { lr = 0.02 }),
    train = d:loader { batch_size = 16, shuffle = true }, valid = d:loader { batch_size = 64 }, epochs = 30,
    metrics = { "accuracy" }, progress = "none",
  }
  for name, value in pairs(options or {}) do
    spec[name] = value
  end
  return spec
end

function TestFit:test_history()
  local run = nn.train.fit(problem())
  lu.assertEquals(#run.history, 30)
  lu.assertEquals(run.steps, 120)
  local first, last = run.history[1], run.history[30]
  for _, key in ipairs { "epoch", "loss", "accuracy", "valid_loss", "valid_accuracy", "seconds", "lr" } do
    lu.assertEquals(type(first[key]), "number", key)
  end
  lu.assertTrue(last.loss < first.loss)
  for _, row in ipairs(run.history) do
    lu.assertTrue(run.best.valid_accuracy >= row.valid_accuracy)
  end
end

function TestFit:test_the_same_by_hand()
  local run = nn.train.fit(problem { epochs = 3, valid = false })
  local p = problem()
  local losses = {}
  for epoch = 1, 3 do
    local sum, n = 0, 0
    p.model:train()
    for x, y in p.train do
      p.optimizer:zero_grad()
      local loss = p.loss(p.model(x), y)
      loss:backward()
      p.optimizer:step()
      sum, n = sum + loss:item() * #y, n + #y
    end
    losses[epoch] = sum / n
  end
  for epoch = 1, 3 do
    lu.assertEquals(run.history[epoch].loss, losses[epoch])
  end
end

function TestFit:test_a_loss_that_is_not_finite_ends_the_run()
  local p = problem()
  local calls = 0
  local loss = p.loss
  p.loss = function(out, y)
    calls = calls + 1
    return calls == 6 and loss(out, y) * (0 / 0) or loss(out, y)
  end
  p.valid, p.compile = nil, false -- the loss counts its calls
  lu.assertErrorMsgContains("at step 6 (epoch 2)", nn.train.fit, p)
end

-- (What a real Ctrl-C gives: tests/lua/host/test_interrupt.lua.)
function TestFit:test_an_error_that_looks_like_an_interrupt_is_none()
  local p = problem()
  local loss, calls = p.loss, 0
  p.valid, p.compile = nil, false
  p.loss = function(out, y)
    calls = calls + 1
    if calls == 10 then
      error "interrupted!"
    end
    return loss(out, y)
  end
  lu.assertErrorMsgContains("interrupted!", nn.train.fit, p)
end

function TestFit:test_on_epoch_can_end()
  local run = nn.train.fit(problem {
    on_epoch = function(row)
      return row.epoch < 4
    end,
  })
  lu.assertEquals(#run.history, 4)
end

function TestFit:test_out_directory()
  local dir = os.tmpname()
  os.remove(dir)
  local p = problem { epochs = 3, out = dir .. "/deep" }
  local run = nn.train.fit(p)
  local f = assert(io.open(dir .. "/deep/history.json"))
  local history = core.json_decode(f:read "a")
  f:close()
  lu.assertEquals(#history, 3)
  lu.assertEquals(history[3].loss, run.history[3].loss)
  p.model:load_state_dict(nn.load(dir .. "/deep/best.safetensors"))
  local r = nn.train.evaluate(p.model, p.valid, { metrics = { "accuracy" } })
  lu.assertEquals(r.accuracy, run.best.valid_accuracy)
  os.execute("rm -r " .. dir)
end

function TestFit:test_threads_do_not_matter()
  local function last(threads)
    nn.set_num_threads(threads)
    return nn.train.fit(problem { epochs = 5 }).history[5].loss
  end
  local one, two = last(1), last(2)
  lu.assertEquals(one, two)
end

function TestFit:test_evaluate_restores_the_mode()
  local p = problem()
  p.model:train()
  nn.train.evaluate(p.model, p.valid, { loss = p.loss })
  lu.assertTrue(p.model.training)
  lu.assertTrue(nn.is_grad_enabled())
  lu.assertError(nn.train.evaluate, p.model, nn.data.tensors(nn.zeros(2, 5), nn.zeros(2)):loader())
  lu.assertTrue(p.model.training)
  lu.assertTrue(nn.is_grad_enabled())
end

function TestFit:test_errors()
  lu.assertErrorMsgContains("optimizer is missing", nn.train.fit, { model = nn.Linear(1, 1), loss = print })
  lu.assertErrorMsgContains("did you mean 'epochs'", nn.train.fit, { epoch = 3 })
  lu.assertErrorMsgContains("did you mean 'accuracy'", nn.train.fit, problem { metrics = { "acuracy" } })
end

-- ---- compiled steps ----

function TestFit:test_compiled_and_plain_agree()
  local runs = {}
  for i, compile in ipairs { true, false } do
    runs[i] = nn.train.fit(problem { compile = compile, epochs = 4 })
  end
  for epoch = 1, 4 do
    for _, name in ipairs { "loss", "accuracy", "valid_loss", "valid_accuracy" } do
      lu.assertEquals(runs[1].history[epoch][name], runs[2].history[epoch][name], name)
    end
  end
end

function TestFit:test_own_metrics_may_read_values()
  local run = nn.train.fit(problem {
    metrics = { "accuracy", { "largest", function(output)
      return output:max():item()
    end } }, epochs = 2,
  })
  lu.assertTrue(run.history[2].largest > 0)
end

function TestFit:test_falls_back_and_says_why()
  local program = [[
    local nn = require "nn"
    nn.manual_seed(1)
    local x = nn.randn(64, 2)
    local d = nn.data.tensors(x, (x:select(2, 1):gt(0):long() + 1))
    local norm = nn.BatchNorm1d(4)
    local model = nn.Sequential(nn.Linear(2, 4), norm, nn.Dropout(0.5), nn.Linear(4, 2))
    local loss = nn.CrossEntropyLoss()
    local run = nn.train.fit{model = model, optimizer = nn.optim.SGD(model:parameters(), {lr = 0.1}), progress = "line",
      train = d:loader{batch_size = 16}, epochs = 2, compile = COMPILE, loss = function(out, y)
        local l = loss(out, y)
        return l:item() > 1e9 and l * 0 or l
      end}
    print(("%.17g"):format(run.history[2].loss), norm.running_mean:sum():item(), norm.num_batches_tracked:item())
  ]]
  local process = require "process"
  local outputs = {}
  for i, compile in ipairs { "true", "false" } do
    local out, err = process.script(program:gsub("COMPILE", compile), "", "fit.lua")
    outputs[i] = out
    local _, count = err:gsub("fit: not compiled: fit.lua:%d+: item: a value is read", "")
    lu.assertEquals(count, i == 1 and 1 or 0, err)
  end
  lu.assertEquals(outputs[1], outputs[2]) -- what the failed recording did was undone
end

-- Both ways give the same; returns the compiled run.
local function both(make)
  local runs = {}
  for i, compile in ipairs { true, false } do
    local p = make()
    p.compile = compile
    runs[i] = nn.train.fit(p)
  end
  lu.assertEquals(#runs[1].history, #runs[2].history)
  for epoch, row in ipairs(runs[1].history) do
    for name, value in pairs(row) do
      if name ~= "seconds" then
        lu.assertEquals(value, runs[2].history[epoch][name], ("%s of epoch %d"):format(name, epoch))
      end
    end
  end
  return runs[1]
end

function TestFit:test_what_changes_between_epochs_is_seen()
  local run = both(function()
    local p = problem { epochs = 6, loss = nn.CrossEntropyLoss() }
    p.on_epoch = function(row)
      p.loss.label_smoothing = 0.05 * row.epoch
      p.model[3].p = 0.1 * row.epoch
    end
    return p
  end)
  lu.assertTrue(run.compiled)
  run = both(function()
    local weight = 1
    return problem { epochs = 4, loss = function(out, y)
      return nn.CrossEntropyLoss()(out, y) * weight
    end, on_epoch = function(row)
      weight = 1 / row.epoch
    end }
  end)
  lu.assertTrue(run.compiled)
  lu.assertNil(run.not_compiled)
end

function TestFit:test_a_later_refusal_goes_on_eagerly()
  local run = both(function()
    local late = false
    return problem { epochs = 5, loss = function(out, y)
      local l = nn.CrossEntropyLoss()(out, y)
      return late and l * (l:item() > 1e9 and 0 or 1) or l
    end, on_epoch = function(row)
      late = row.epoch >= 2
    end }
  end)
  lu.assertFalse(run.compiled)
  lu.assertStrContains(run.not_compiled, "item: a value is read")
end

function TestFit:test_before_step_and_clipping()
  local run = both(function()
    return problem { epochs = 3, clip_grad_norm = 0.1 }
  end)
  lu.assertTrue(run.compiled)
  local losses = {}
  for i = 1, 2 do
    local p = problem { epochs = 3, clip_grad_norm = i == 1 and 0.1 or nil }
    p.before_step = i == 2 and function()
      nn.optim.clip_grad_norm_(p.model:parameters(), 0.1)
    end or nil
    local norms = {}
    p.after_step = function()
      local sum = 0
      for _, w in ipairs(p.model:parameters()) do
        sum = sum + w.grad:square():sum():item()
      end
      norms[#norms + 1] = math.sqrt(sum)
    end
    losses[i] = nn.train.fit(p).history[3].loss
    for _, norm in ipairs(norms) do
      lu.assertTrue(norm < 0.1001)
    end
  end
  lu.assertEquals(losses[1], losses[2])
  lu.assertNotEquals(losses[1], nn.train.fit(problem { epochs = 3 }).history[3].loss)
  lu.assertErrorMsgContains("two ways to clip", nn.train.fit, problem { clip_grad_norm = 1, clip_grad_value = 1 })
end

function TestFit:test_frozen_layers_stay_frozen()
  local p = problem { epochs = 2 }
  local norm = nn.BatchNorm1d(16)
  p.model:add(norm)
  p.model:add(nn.Linear(16, 2))
  p.model[4] = nn.Identity()
  norm:eval()
  local before = norm.running_mean:clone()
  nn.train.fit(p)
  lu.assertTrue(p.model.training)
  lu.assertFalse(norm.training)
  lu.assertTrue(norm.running_mean:equal(before))
  nn.train.evaluate(p.model, p.valid, { loss = p.loss })
  lu.assertFalse(norm.training)
  lu.assertTrue(p.model[1].training)
  p.model:eval()
  nn.train.fit(p)
  lu.assertTrue(p.model.training)
end

function TestFit:test_optimizers_that_look_several_times()
  for _, name in ipairs { "LBFGS", "ConjugateGradient" } do
    local run = both(function()
      local p = problem { epochs = 4 }
      p.model = nn.Sequential(nn.Linear(2, 8), nn.Tanh(), nn.Linear(8, 2))
      p.train = nn.data.tensors(p.train.dataset.x, p.train.dataset.y):loader { batch_size = 64 }
      p.optimizer = nn.optim[name](p.model:parameters())
      return p
    end)
    lu.assertTrue(run.compiled)
    lu.assertTrue(run.history[4].loss < run.history[1].loss)
  end
  local p = problem()
  lu.assertErrorMsgContains("needs the residuals", nn.train.fit, problem {
    model = p.model, optimizer = nn.optim.LevenbergMarquardt(p.model:parameters()),
  })
  lu.assertErrorMsgContains("goes without before_step", nn.train.fit, problem {
    model = p.model, optimizer = nn.optim.LBFGS(p.model:parameters()), before_step = print,
  })
end

function TestFit:test_lookahead_and_compiled_steps()
  local run = both(function()
    local p = problem { epochs = 3 }
    p.optimizer = nn.optim.Lookahead(p.optimizer, { k = 3 })
    return p
  end)
  lu.assertTrue(run.compiled)
  local model = nn.Linear(2, 1)
  local opt = nn.optim.Lookahead(nn.optim.SGD(model:parameters()), { k = 2 })
  local f = nn.compile(function(x)
    opt:zero_grad()
    local l = model(x):sum()
    l:backward()
    return l
  end)
  for _ = 1, 6 do
    f(nn.ones(3, 2))
    opt:step()
  end
  lu.assertEquals((f:recordings()), 1)
end

-- A model whose input is a list of one tensor.
local function listed_net()
  local Net = nn.Module:extend "Net"
  function Net:init()
    self.net = nn.Linear(2, 2)
  end
  function Net:forward(list)
    return self.net(list[1])
  end
  return Net()
end

function TestFit:test_functions_as_loaders()
  local p = problem { epochs = 3, valid = false }
  local d, i = p.train.dataset, 0
  p.train = function()
    i = i + 1
    if i % 5 ~= 0 then
      local first = (i % 5 - 1) * 16 + 1
      return d.x:narrow(1, first, 16), d.y:narrow(1, first, 16)
    end
  end
  lu.assertEquals(nn.train.fit(p).steps, 12)
  i = 0
  lu.assertErrorMsgContains("train gave no batches in epoch 2", nn.train.fit, problem { train = function()
    i = i + 1
    return i == 1 and d.x or nil, d.y
  end })
  i = 0
  local net = listed_net()
  local run = nn.train.fit(problem { valid = false, train = function()
    i = i + 1
    return i % 3 ~= 0 and { d.x } or nil, d.y
  end, model = net, optimizer = nn.optim.SGD(net:parameters()) })
  lu.assertEquals(run.not_compiled, "batches are not pairs of tensors")
end

function TestFit:test_wrong_uses_are_explained()
  local p = problem()
  local d = p.train.dataset
  for _, case in ipairs {
    { { train = d }, "train is a data set; give its batches" },
    { { valid = d }, "valid is a data set" },
    { { train = { d.x, d.y } }, "train must be a loader" },
    { { loss = "cross_entropy" }, "write loss = nn.CrossEntropyLoss()" },
    { { loss = nn.MSELoss }, "make one: loss = nn.MSELoss()" },
    { { loss = function(out)
      return out
    end }, "the loss has shape 16x2, but must be one number" },
    { { loss = function()
      return 1
    end }, "the loss must give a tensor with one element, but gave the number 1" },
    { { optimizer = nn.optim.SGD }, "optimizer must be one of nn.optim's" },
    { { model = print }, "model must be an nn.Module" },
    { { train = d:range(1, 4):loader { batch_size = 8, drop_last = true } }, "train gave no batches" },
    { { valid = d:range(1, 4):loader { batch_size = 8, drop_last = true } }, "valid gave no batches" },
  } do
    for _, compile in ipairs { true, false } do
      case[1].compile = compile
      local ok, message = pcall(nn.train.fit, problem(case[1]))
      lu.assertFalse(ok)
      lu.assertStrContains(message, case[2])
      lu.assertNil(message:find("stdlib", 1, true), message)
    end
  end
  local ok, message = pcall(nn.train.evaluate, p.model, p.valid, nn.MSELoss())
  lu.assertFalse(ok)
  lu.assertStrContains(message, "evaluate(model, loader, {loss = nn.MSELoss()")
end

function TestFit:test_on_epoch_sees_the_last_row()
  local m, data = nn.Linear(1, 1), nn.data.tensors(nn.ones(4, 1), nn.ones(4, 1)):loader { batch_size = 2 }
  local rows = 0
  local run = nn.train.fit { model = m, loss = nn.MSELoss(), optimizer = nn.optim.SGD(m:parameters(), { lr = 0 }), train = data,
    epochs = 10, progress = "none", early_stopping = { patience = 2 }, on_epoch = function()
      rows = rows + 1
    end }
  lu.assertEquals(rows, #run.history)
  local opt = nn.optim.Lookahead(nn.optim.LBFGS(m:parameters()))
  run = nn.train.fit { model = m, loss = nn.MSELoss(), optimizer = opt, train = data, epochs = 2, progress = "none" }
  lu.assertTrue(run.history[2].loss < 1e-6)
end
