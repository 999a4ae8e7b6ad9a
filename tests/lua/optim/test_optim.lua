-- Optimizers against PyTorch's trajectories, their groups and their state.

local lu = require "luaunit"
local nn = require "nn"
local process = require "process"
local golden = require "golden"

TestTrajectories = {}

for i, t in ipairs(golden.read("training").trajectories) do
  TestTrajectories[("test_%02d_%s_%s"):format(i, t.optimizer, t.loss)] = function()
    local model = nn.Sequential()
    for _, layer in ipairs(t.layers or { { "Linear", 6, 5 }, { t.activation }, { "Linear", 5, 4 } }) do
      model:add(nn[layer[1]](table.unpack(layer, 2)))
    end
    local state = {}
    for name, value in pairs(t.start) do -- PyTorch counts layers from 0
      state[name:gsub("^%d", function(d)
        return d + 1
      end)] = golden.tensor(value)
    end
    model:load_state_dict(state)
    local opt = nn.optim[t.optimizer](model:parameters(), t.options)
    local criterion = nn[t.loss]()
    local x, y = golden.tensor(t.x), golden.tensor(t.y)
    for step = 1, 20 do
      opt:zero_grad()
      local loss = criterion(model(x), y)
      loss:backward()
      opt:step()
      lu.assertAlmostEquals(loss:item(), t.losses[step], 2e-5, t.name .. ", step " .. step)
    end
    local output = model:eval()(x):detach()
    local off = golden.difference(output, golden.tensor(t.eval))
    lu.assertTrue(off < 1e-4, ("%s: evaluation differs by %g"):format(t.name, off))
    for name, value in pairs(t["end"]) do
      local mine = model:state_dict()[name:gsub("^%d", function(d)
        return d + 1
      end)]
      lu.assertTrue(golden.difference(mine, golden.tensor(value)) < 1e-4, t.name .. ": " .. name)
    end
  end
end

TestOptim = {}

local function problem()
  nn.manual_seed(2)
  local model = nn.Sequential(nn.Linear(3, 4), nn.Tanh(), nn.Linear(4, 1))
  local x, y = nn.randn(8, 3), nn.randn(8, 1)
  local criterion = nn.MSELoss()
  return model, function(opt)
    opt:zero_grad()
    local loss = criterion(model(x), y)
    loss:backward()
    opt:step()
    return loss:item()
  end
end

function TestOptim:test_groups()
  local model, step = problem()
  local opt = nn.optim.SGD({ { params = { model[1].weight }, lr = 0 }, { params = { model[3].weight } } }, { lr = 0.1 })
  local frozen, moving = model[1].weight:detach():clone(), model[3].weight:detach():clone()
  step(opt)
  lu.assertTrue(model[1].weight:detach():equal(frozen))
  lu.assertFalse(model[3].weight:detach():equal(moving))
  opt.param_groups[1].lr = 0.1
  step(opt)
  lu.assertFalse(model[1].weight:detach():equal(frozen))
  opt:add_param_group { params = { model[1].bias }, lr = 0.5 }
  lu.assertEquals(opt.param_groups[3].lr, 0.5)
  step(opt)
end

function TestOptim:test_state_continues_exactly()
  for _, kind in ipairs { "SGD", "Adam", "AdamW" } do
    local function run(break_at)
      local model, step = problem()
      local options = kind == "SGD" and { lr = 0.1, momentum = 0.9 } or { lr = 0.1 }
      local opt = nn.optim[kind](model:parameters(), options)
      local loss
      for i = 1, 10 do
        if i == break_at then -- through a file
          local path = os.tmpname()
          nn.save(path, { optimizer = opt:state_dict(), model = model:state_dict() })
          local saved = nn.load(path)
          os.remove(path)
          opt = nn.optim[kind](model:parameters(), { lr = 99 })
          opt:load_state_dict(saved.optimizer)
          model:load_state_dict(saved.model)
        end
        loss = step(opt)
      end
      return loss
    end
    lu.assertEquals(run(5), run(nil))
  end
end

function TestOptim:test_errors()
  local model = problem()
  lu.assertErrorMsgContains("pass model:parameters()", nn.optim.SGD, model, { lr = 0.1 })
  lu.assertErrorMsgContains("did you mean 'momentum'", nn.optim.SGD, model:parameters(), { momentun = 0.9 })
  lu.assertErrorMsgContains("lr must be 0 or more", nn.optim.Adam, model:parameters(), { lr = -1 })
  lu.assertErrorMsgContains("betas", nn.optim.Adam, model:parameters(), { betas = { 0.9 } })
  lu.assertErrorMsgContains("empty", nn.optim.Adam, {})
  lu.assertErrorMsgContains("nesterov needs momentum", nn.optim.SGD, model:parameters(), { nesterov = true })
  lu.assertErrorMsgContains("listed twice", nn.optim.SGD, { model[1].weight, model[1].weight })
  lu.assertErrorMsgContains("did you mean 'Adam'", function()
    return nn.optim.Adm
  end)
  local opt = nn.optim.SGD(model:parameters())
  opt.param_groups[1].lr = "fast"
  lu.assertErrorMsgContains("lr must be a number", function()
    opt:step()
  end)
end

-- Options stand in groups, under their names.
function TestOptim:test_settings_that_would_be_ignored()
  local opt = nn.optim.SGD({ nn.Parameter(nn.ones(2)) }, { lr = 0.1 })
  lu.assertErrorMsgContains("opt.param_groups[1].lr = 0", function()
    opt.lr = 0
  end)
  lu.assertErrorMsgContains("a group has no option 'learning_rate'", function()
    opt.param_groups[1].learning_rate = 3
  end)
  opt.param_groups[1].lr = 0.5
  lu.assertEquals(opt.param_groups[1].lr, 0.5)
end

-- Options are held to the table's bounds wherever they come from, and before anything is updated.
function TestOptim:test_bounds_hold_at_each_step()
  for _, c in ipairs {
    { "Adam", "betas", { 1, 1 } }, { "Adam", "betas", { 0.9, 0.9, 0.9 } }, { "Adam", "betas", { 0.9 } }, { "Adam", "lr", -1 },
    { "Adam", "lr", 0 / 0 }, { "Adam", "lr", math.huge }, { "Adam", "lr", {} }, { "SignSGD", "momentum", 1 },
    { "SGD", "nesterov", true }, { "SGD", "maximize", 1 }, { "RMSprop", "eps", "x" }, { "Adadelta", "rho", 1 },
  } do
    local kind, name, value = table.unpack(c)
    local function one()
      local w = nn.Parameter(nn.ones(3))
      w.grad = nn.ones(3)
      return w
    end
    lu.assertErrorMsgContains(kind .. ": ", nn.optim[kind], { one() }, { [name] = value })
    local first, second = one(), one()
    local opt = nn.optim[kind] { { params = { first } }, { params = { second } } }
    opt.param_groups[2][name] = value
    lu.assertErrorMsgContains(("%s: %s"):format(kind, name), opt.step, opt)
    lu.assertEquals(first:totable(), { 1.0, 1.0, 1.0 }, "the first group was updated")
    opt = nn.optim[kind] { first }
    local step = nn.compile(function()
      opt:step()
    end)
    step()
    opt.param_groups[1][name] = value
    lu.assertErrorMsgContains(("%s: %s"):format(kind, name), step)
  end
end

function TestOptim:test_lists_that_are_none()
  local w = nn.Parameter(nn.ones(2))
  lu.assertErrorMsgContains("pass model:parameters()", nn.optim.SGD, { { params = nn.Linear(2, 2) } })
  lu.assertErrorMsgContains("must be a list of parameters, but is a float32 tensor", nn.optim.SGD, { { params = w } })
  lu.assertErrorMsgContains("there is something at 3", nn.optim.SGD, { w, nil, nn.Parameter(nn.ones(1)) })
  lu.assertErrorMsgContains("is int64; only float tensors", nn.optim.SGD, { nn.ones(2):to "int64" })
end

function TestOptim:test_states_that_are_none()
  for key, values in pairs { step = { 0 / 0, 1e300, math.maxinteger, -1, 2.5, "x" }, product = { "x" } } do
    for _, value in ipairs(values) do
      local opt = nn.optim.Adam { nn.Parameter(nn.ones(2)) }
      local saved = opt:state_dict()
      saved.param_groups[1].lr, saved.state[1][key] = 9, value
      lu.assertErrorMsgContains("load_state_dict: the state of parameter 1 must be", opt.load_state_dict, opt, saved)
      lu.assertEquals(opt.param_groups[1].lr, 1e-3, "nothing is changed")
    end
  end
end

-- Norms of weights whose squares float32 does not hold.
function TestOptim:test_lamb_of_large_and_small_weights()
  for _, size in ipairs { 1e20, 1e-25 } do
    local w = nn.Parameter(nn.full({ 3 }, size))
    w.grad = nn.ones(3)
    nn.optim.LAMB({ w }, { lr = 0.1 }):step()
    lu.assertAlmostEquals(w[1]:item() / size, 0.9, 1e-5)
  end
end

-- Moments of gradients that have vanished end as subnormal numbers; what is divided by them must not be infinite.
function TestOptim:test_gradients_that_vanish()
  for _, dtype in ipairs { "float32", "float64" } do
    for _, rule in ipairs(require("nn.core").optimizers()) do
      local w = nn.Parameter(nn.tensor({ 1.5, -2, 0.25 }, { dtype = dtype }))
      local opt = nn.optim[rule.name]({ w }, {})
      local function steps(n, grad)
        w.grad = nn.tensor(grad, { dtype = dtype })
        for _ = 1, n do
          opt:step()
        end
        lu.assertTrue(w:isfinite():all():item(), rule.name .. " " .. dtype)
      end
      steps(20, { 0.1, -0.3, 0.2 })
      steps(3000, { 0, 0, 0 })
      steps(20, { 1e-30, -1e-25, 1e-20 })
    end
  end
end

-- Graves 2013 subtracts the mean of the gradients; without `centered` it does not, also where it was subtracted before. And the
-- difference, which rounding can make negative, has a root.
function TestOptim:test_centered_that_changes()
  local w = nn.Parameter(nn.zeros(1, { dtype = "float64" }))
  local opt = nn.optim.RMSprop({ w }, { lr = 0.1, alpha = 0.5, centered = true, eps = 0 })
  w.grad = nn.ones(1, { dtype = "float64" })
  opt:step()
  local before = w:item()
  opt.param_groups[1].centered = false
  opt:step()
  lu.assertAlmostEquals(before - w:item(), 0.1 / 0.75 ^ 0.5, 1e-12)
  local v = nn.Parameter(nn.zeros(100))
  opt = nn.optim.RMSprop({ v }, { lr = 1e-6, alpha = 0.5, centered = true })
  v.grad = nn.linspace(0.01, 1, 100)
  for _ = 1, 200 do
    opt:step()
    lu.assertTrue(v:isfinite():all():item())
  end
end

-- A gradient that is a view in another layout is the same gradient.
function TestOptim:test_gradients_in_other_layouts()
  for _, rule in ipairs(require("nn.core").optimizers()) do
    for _, shape in ipairs { { 3, 5 }, { 130, 300 } } do -- the second is cut into parts
      nn.manual_seed(4)
      local start = nn.randn(shape)
      local a, b = nn.Parameter(start:clone()), nn.Parameter(start:clone())
      local one, other = nn.optim[rule.name] { a }, nn.optim[rule.name] { b }
      for _ = 1, 3 do
        local g = nn.randn(shape[2], shape[1]):t()
        lu.assertFalse(g:is_contiguous())
        a.grad, b.grad = g:contiguous(), g
        one:step()
        other:step()
      end
      lu.assertTrue(a:detach():equal(b:detach()), rule.name)
      lu.assertFalse(a:detach():equal(start), rule.name)
    end
  end
end

-- A model that is converted between steps goes on with the states it had.
function TestOptim:test_states_of_converted_parameters()
  for _, rule in ipairs(require("nn.core").optimizers()) do
    local function trained(convert)
      local w = nn.Parameter(nn.tensor { 1.0, -2.0, 3.0 })
      local holder = nn.Module:extend "Holder"()
      holder.w = w
      local opt = nn.optim[rule.name] { w }
      for step = 1, 6 do
        if step == 4 and convert then
          holder:to "float64"
        end
        w.grad = nn.tensor({ 0.5, 1.5, -1.0 }, { dtype = w.dtype }) * step
        opt:step()
      end
      return w:detach():double()
    end
    local one, other = trained(false), trained(true)
    lu.assertTrue(one:allclose(other, 1e-5, 1e-6), rule.name .. tostring(one) .. tostring(other))
  end
end

-- A finalizer may make a step of its own while a step is planned: each of the two is made once. (In a process of its own,
-- whose collector is made to run at every occasion.)
function TestOptim:test_steps_within_steps()
  local out, err = process.script [[
local nn = require "nn"
local wrong, nested_steps = 0, 0
for _, groups in ipairs { 1, 27 } do
  for trial = 1, 60, 6 do
    local list = {}
    for i = 1, groups do
      local p = nn.Parameter(nn.zeros(3))
      p.grad = nn.ones(3)
      list[i] = { params = { p } }
    end
    local opt, nested, armed = nn.optim.SGD(list, { lr = 1 }), 0, true
    collectgarbage()
    collectgarbage "stop"
    setmetatable({}, { __gc = function()
      if armed then
        armed, nested = false, nested + 1
        opt:step()
      end
    end })
    collectgarbage("incremental", 10, 1000, 0)
    local function deep(n) -- a stack that grows makes the collector's debt
      if n == 0 then
        collectgarbage "restart"
        opt:step()
        armed = false
        return 0
      end
      return (deep(n - 1))
    end
    assert(coroutine.resume(coroutine.create(deep), trial))
    nested_steps = nested_steps + nested
    for _, group in ipairs(list) do
      wrong = wrong + (group.params[1][1]:item() == -1 - nested and 0 or 1)
    end
  end
end
print(wrong, nested_steps > 0)]]
  lu.assertEquals(out, "0\ttrue\n", err)
end

-- A finalizer that adds parameters while the state is read. (Found by the sanitizers: it read what was freed.)
function TestOptim:test_parameters_that_come_while_the_state_is_read()
  local out, err = process.script [[
local nn = require "nn"
local right = 0
for pad = 0, 40, 2 do
  local list = {}
  for i = 1, 8 do
    list[i] = nn.Parameter(nn.zeros(2))
    list[i].grad = nn.ones(2)
  end
  local opt, armed = nn.optim.Adam(list, { lr = 1 }), true
  opt:step()
  collectgarbage()
  collectgarbage "stop"
  setmetatable({}, { __gc = function()
    if armed then
      armed = false
      for i = 1, 100 do
        local q = nn.Parameter(nn.zeros(2))
        q.grad = nn.ones(2)
        opt:add_param_group { params = { q } }
      end
      opt:step()
    end
  end })
  collectgarbage("incremental", 10, 400, 0)
  local t = {}
  for i = 1, pad do
    t[i] = {}
  end
  collectgarbage "restart"
  for i = 1, 60 do
    local state = opt:state_dict().state[1]
    right = right + ((state.step == 1 or state.step == 2) and state.m:numel() == 2 and 1 or 0)
    if not armed then break end
  end
  armed = false
end
print(right > 20)]]
  lu.assertEquals(out, "true\n", err)
end
