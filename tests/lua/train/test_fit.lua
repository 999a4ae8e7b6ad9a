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

function TestFit:test_interrupt_returns_the_history()
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
  local run = nn.train.fit(p)
  lu.assertTrue(run.interrupted)
  lu.assertEquals(#run.history, 2)
  lu.assertEquals(run.steps, 9)
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
