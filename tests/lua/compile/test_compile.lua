-- Compiled functions do what the same function does eagerly, bit for bit.

local lu = require "luaunit"
local nn = require "nn"
local core = require "nn.core"

TestCompile = {}

-- Runs `steps` steps of two twins, one eager, one compiled. build() gives the function, a list of tensors to compare,
-- and optionally what to do between steps (with the step's number).
local function assert_twins(build, inputs, steps, name)
  nn.manual_seed(11)
  local eager, state_e, between_e = build()
  local eager_generator_state = nn.rand(1)
  nn.manual_seed(11)
  local plain, state_c, between_c = build()
  lu.assertTrue(nn.rand(1):equal(eager_generator_state))
  local compiled = nn.compile(plain)
  local outputs = {}
  nn.manual_seed(5)
  for i = 1, steps do
    if between_e then
      between_e(i)
    end
    outputs[i] = table.pack(eager(table.unpack(inputs(i))))
  end
  nn.manual_seed(5)
  for i = 1, steps do
    if between_c then
      between_c(i)
    end
    local out = table.pack(compiled(table.unpack(inputs(i))))
    lu.assertEquals(out.n, outputs[i].n, name)
    for k = 1, out.n do
      if nn.is_tensor(out[k]) then
        lu.assertTrue(out[k]:equal(outputs[i][k]), ("%s: result %d of step %d differs"):format(name, k, i))
      else
        lu.assertEquals(out[k], outputs[i][k])
      end
    end
  end
  for k, t in ipairs(state_e()) do
    local u = state_c()[k]
    lu.assertTrue(t:equal(u), ("%s: tensor %d differs after %d steps"):format(name, k, steps))
    lu.assertEquals(t.grad ~= nil, u.grad ~= nil, name)
    if t.grad then
      lu.assertTrue(t.grad:equal(u.grad), ("%s: gradient %d differs"):format(name, k))
    end
  end
  return compiled
end

local function trainer(model, criterion, opt, extra)
  return function(x, y)
    opt:zero_grad()
    local out = model(x)
    local loss = criterion(out, y)
    loss:backward()
    if extra then
      extra(model)
    end
    opt:step()
    return loss, out
  end, function()
    local list = model:parameters()
    for _, entry in ipairs(model:named_buffers()) do
      list[#list + 1] = entry[2]
    end
    return list
  end
end

local function fixed(x, y)
  return function()
    return { x, y }
  end
end

local function regression(n, from, to)
  nn.manual_seed(99)
  return fixed(nn.randn(n, from), nn.randn(n, to))
end

local function classes(n, from, to)
  nn.manual_seed(99)
  return fixed(nn.randn(n, from), nn.randint(1, to + 1, { n }))
end

-- ---- layers, losses, optimizers ----

local layers = {
  ReLU = function() return nn.ReLU() end,
  Tanh = function() return nn.Tanh() end,
  Sigmoid = function() return nn.Sigmoid() end,
  ELU = function() return nn.ELU(0.7) end,
  Dropout = function() return nn.Dropout(0.4) end,
  Identity = function() return nn.Identity() end,
  BatchNorm1d = function() return nn.BatchNorm1d(9) end,
  Flatten = function() return nn.Flatten() end,
  ["a function"] = function() return function(x) return x:abs():log1p() end end,
}
for name, layer in pairs(layers) do
  TestCompile["test_layer_" .. name:gsub("%W", "_")] = function()
    for _, batch in ipairs { 5, 32 } do
      assert_twins(function()
        local model = nn.Sequential(nn.Linear(7, 9), layer(), nn.Linear(9, 3))
        return trainer(model, nn.CrossEntropyLoss(), nn.optim.SGD(model:parameters(), { lr = 0.1, momentum = 0.9 }))
      end, classes(batch, 7, 3), 100, name)
    end
  end
end

local losses = {
  MSE = { nn.MSELoss, regression(8, 5, 2) },
  BCEWithLogits = { nn.BCEWithLogitsLoss, function()
    return { nn.ones(8, 5), nn.ones(8, 2) }
  end },
}
for name, loss in pairs(losses) do
  TestCompile["test_loss_" .. name] = function()
    for _, reduction in ipairs { "mean", "sum" } do
      assert_twins(function()
        local model = nn.Sequential(nn.Linear(5, 6), nn.Tanh(), nn.Linear(6, 2))
        return trainer(model, loss[1]({ reduction = reduction }), nn.optim.SGD(model:parameters(), { lr = 0.05 }))
      end, loss[2], 100, name .. reduction)
    end
  end
end

local optimizers = {
  SGD = function(p) return nn.optim.SGD(p, { lr = 0.1 }) end,
  momentum = function(p) return nn.optim.SGD(p, { lr = 0.1, momentum = 0.9, dampening = 0.1, weight_decay = 1e-3 }) end,
  nesterov = function(p) return nn.optim.SGD(p, { lr = 0.1, momentum = 0.9, nesterov = true }) end,
  maximize = function(p) return nn.optim.SGD(p, { lr = 0.001, maximize = true }) end,
  Adam = function(p) return nn.optim.Adam(p, { lr = 0.01, weight_decay = 1e-2 }) end,
  AdamW = function(p) return nn.optim.AdamW(p, { lr = 0.01 }) end,
  groups = function(p)
    return nn.optim.SGD({ { params = { p[1], p[2] }, lr = 0.1 }, { params = { p[3], p[4] }, momentum = 0.5 } }, { lr = 0.01 })
  end,
}
for _, rule in ipairs(core.optimizers()) do -- each rule as it is, and with all its options a little elsewhere
  optimizers[rule.name] = optimizers[rule.name] or function(p) return nn.optim[rule.name](p) end
  optimizers[rule.name .. "_elsewhere"] = function(p)
    local options = {}
    for _, o in ipairs(rule.options) do
      if o.at > 0 then
        options[o.name] = options[o.name] or {}
        options[o.name][o.at] = o.default * 0.9
      elseif not o.boolean and o.name ~= "dampening" then
        options[o.name] = math.max(o.default * 0.9, math.min(0.01, o.below))
      end
    end
    return nn.optim[rule.name](p, options)
  end
end
for name, optimizer in pairs(optimizers) do
  TestCompile["test_optimizer_" .. name] = function()
    assert_twins(function()
      local model = nn.Sequential(nn.Linear(7, 20), nn.ReLU(), nn.Linear(20, 3))
      return trainer(model, nn.CrossEntropyLoss(), optimizer(model:parameters()))
    end, classes(16, 7, 3), 100, name)
  end
end

-- ---- what changes between calls ----

function TestCompile:test_schedule()
  local compiled = assert_twins(function()
    local model = nn.Sequential(nn.Linear(5, 8), nn.Tanh(), nn.Linear(8, 2))
    local opt = nn.optim.SGD(model:parameters(), { lr = 0.1, momentum = 0.9 })
    local step, state = trainer(model, nn.MSELoss(), opt)
    return step, state, function(i)
      opt.param_groups[1].lr = 0.1 / i
      opt.param_groups[1].momentum = i > 50 and 0.5 or 0.9
    end
  end, regression(8, 5, 2), 100, "schedule")
  lu.assertEquals(compiled:recordings(), 1) -- the learning rate is read anew, not recorded
end

function TestCompile:test_train_and_eval()
  local compiled = assert_twins(function()
    local model = nn.Sequential(nn.Linear(5, 8), nn.BatchNorm1d(8), nn.ReLU(), nn.Dropout(0.5), nn.Linear(8, 2))
    local step, state = trainer(model, nn.MSELoss(), nn.optim.Adam(model:parameters()))
    return step, state, function(i)
      model:train(i % 10 < 5)
    end
  end, regression(8, 5, 2), 100, "train and eval")
  lu.assertEquals(compiled:recordings(), 2)
end

function TestCompile:test_freezing()
  local compiled = assert_twins(function()
    local model = nn.Sequential(nn.Linear(5, 8), nn.Tanh(), nn.Linear(8, 2))
    local step, state = trainer(model, nn.MSELoss(), nn.optim.SGD(model:parameters(), { lr = 0.1 }))
    return step, state, function(i)
      if i == 20 or i == 60 then
        model[1]:requires_grad_(i == 60)
      end
    end
  end, regression(8, 5, 2), 100, "freezing")
  lu.assertEquals(compiled:recordings(), 2)
end

function TestCompile:test_changes_from_outside_are_seen()
  assert_twins(function()
    local model = nn.Sequential(nn.Linear(5, 8), nn.Tanh(), nn.Linear(8, 2))
    local step, state = trainer(model, nn.MSELoss(), nn.optim.SGD(model:parameters(), { lr = 0.1 }))
    return step, state, function(i)
      if i % 7 == 0 then
        nn.no_grad(function()
          model[1].weight:mul_(0.5)
          if model[3].bias.grad then
            model[3].bias.grad:fill_(7)
          end
        end)
      elseif i % 7 == 3 then
        model:load_state_dict(model:state_dict())
      elseif i % 7 == 5 then
        model(nn.ones(2, 5)):sum():backward() -- an eager call in between
      end
    end
  end, regression(8, 5, 2), 100, "changes from outside")
end

function TestCompile:test_accumulation()
  nn.manual_seed(99)
  local x, y = nn.randn(8, 5), nn.randn(8, 2)
  local compiled = assert_twins(function()
    local model = nn.Sequential(nn.Linear(5, 8), nn.Tanh(), nn.Linear(8, 2))
    local opt = nn.optim.SGD(model:parameters(), { lr = 0.1 })
    local criterion = nn.MSELoss()
    return function(a, b)
      local loss = criterion(model(a), b) / 4
      loss:backward()
      return loss
    end, function()
      return model:parameters()
    end, function(i)
      if i % 4 == 1 then
        opt:step()
        opt:zero_grad()
      end
    end
  end, fixed(x, y), 100, "accumulation")
  lu.assertEquals(compiled:recordings(), 2) -- with and without gradients to add to
end

function TestCompile:test_clipping()
  assert_twins(function()
    local model = nn.Sequential(nn.Linear(5, 8), nn.Tanh(), nn.Linear(8, 2))
    return trainer(model, nn.MSELoss(), nn.optim.SGD(model:parameters(), { lr = 0.1 }), function(m)
      nn.optim.clip_grad_norm_(m:parameters(), 0.3)
      nn.optim.clip_grad_value_(m:parameters(), 0.1)
    end)
  end, regression(8, 5, 2), 100, "clipping")
end

function TestCompile:test_shared_weights()
  assert_twins(function()
    local shared = nn.Linear(6, 6)
    local model = nn.Sequential(nn.Linear(5, 6), shared, nn.Tanh(), shared, nn.Linear(6, 2))
    return trainer(model, nn.MSELoss(), nn.optim.Adam(model:parameters()))
  end, regression(8, 5, 2), 100, "shared weights")
end

function TestCompile:test_second_order()
  assert_twins(function()
    local model = nn.Sequential(nn.Linear(5, 8), nn.Tanh(), nn.Linear(8, 2))
    local opt = nn.optim.SGD(model:parameters(), { lr = 0.1 })
    return function(x, y)
      opt:zero_grad()
      x = x:clone():requires_grad_()
      local loss = nn.mse_loss(model(x), y)
      local g = nn.grad(loss, x, { create_graph = true })
      local penalty = g:square():sum()
      local total = loss + penalty * 0.5
      total:backward()
      opt:step()
      return loss, penalty
    end, function()
      return model:parameters()
    end
  end, regression(8, 5, 2), 100, "second order")
end

function TestCompile:test_gradients_of_arguments()
  nn.manual_seed(99)
  local x = nn.randn(4, 3):requires_grad_()
  local w = nn.randn(3, 2)
  local f = nn.compile(function(a)
    local loss = nn.matmul(a, w):square():sum()
    loss:backward()
    return loss
  end)
  f(x)
  local first = x.grad:clone()
  f(x) -- adds to what is there
  f(x)
  lu.assertTrue(x.grad:equal(first + first + first))
  local other = nn.randn(4, 3):requires_grad_()
  f(other)
  lu.assertTrue(x.grad:equal(first + first + first))
  lu.assertFalse(other.grad:equal(first))
  lu.assertTrue(x.requires_grad and x.is_leaf)
end

local Scaled = nn.Module:extend "Scaled"
function Scaled:init(n)
  self.gain = nn.Parameter(nn.ones(n))
  self.power = 2
  self:register_buffer("calls", nn.zeros(1))
end
function Scaled:forward(x)
  nn.no_grad(function()
    self.calls:add_(1)
  end)
  local y = x * self.gain
  y = y + y:abs() ^ self.power * 0.1
  if self.training then
    y = y + nn.randn(y.shape) * 0.01
  end
  return y[{ {}, { 1, -1, 2 } }]
end

function TestCompile:test_custom_layer()
  local compiled = assert_twins(function()
    local scaled = Scaled(8)
    local model = nn.Sequential(nn.Linear(5, 8), scaled, nn.Linear(4, 2))
    local step, state = trainer(model, nn.MSELoss(), nn.optim.SGD(model:parameters(), { lr = 0.01 }))
    return step, state, function(i)
      if i == 40 then
        scaled.power = 3
      end
      model:train(i < 70)
    end
  end, regression(8, 5, 2), 100, "custom layer")
  lu.assertEquals(compiled:recordings(), 3)
end

function TestCompile:test_optimizer_in_lua()
  assert_twins(function()
    local model = nn.Sequential(nn.Linear(5, 8), nn.Tanh(), nn.Linear(8, 2))
    local params, averages = model:parameters(), {}
    for i, p in ipairs(params) do
      averages[i] = nn.zeros(p.shape)
    end
    local t = nn.zeros()
    return function(x, y)
      model:zero_grad()
      local loss = nn.mse_loss(model(x), y)
      loss:backward()
      nn.no_grad(function()
        t:add_(1)
        for i, p in ipairs(params) do -- RMSprop with a falling rate
          averages[i]:mul_(0.9):add_(p.grad:square() * 0.1)
          p:sub_(p.grad / (averages[i]:sqrt() + 1e-6) * 0.01 / t:sqrt())
        end
      end)
      return loss
    end, function()
      return params
    end
  end, regression(8, 5, 2), 100, "optimizer in Lua")
end

function TestCompile:test_changing_shapes()
  nn.manual_seed(4)
  local batches = {}
  for i = 1, 4 do
    batches[i] = { nn.randn(4 + i % 2, 5), nn.randn(4 + i % 2, 2) }
  end
  local compiled = assert_twins(function()
    local model = nn.Sequential(nn.Linear(5, 8), nn.Tanh(), nn.Linear(8, 2))
    return trainer(model, nn.MSELoss(), nn.optim.SGD(model:parameters(), { lr = 0.1 }))
  end, function(i)
    return batches[i % 4 + 1]
  end, 40, "changing shapes")
  lu.assertEquals(compiled:recordings(), 2)
end

function TestCompile:test_strided_and_converted_arguments()
  nn.manual_seed(4)
  local big = nn.randn(6, 10)
  local bytes = nn.randint(0, 255, { 6, 5 }):to "uint8"
  assert_twins(function()
    local w = nn.randn(5, 3)
    return function(x, u)
      return nn.matmul(x, w), x:sum(2), u / 255 + x, (u:float() * 2):relu()
    end, function()
      return {}
    end
  end, function(i)
    return { i % 2 == 0 and big[{ {}, { 1, 5 } }] or big[{ {}, { 1, 10, 2 } }], bytes }
  end, 10, "strided")
end

-- ---- any network ----

local function random_network(seed)
  local r = nn.Generator(seed)
  local function draw(n)
    return nn.randint(1, n + 1, { 1 }, { generator = r }):item()
  end
  local batch, width, depth = draw(20) + 1, draw(40), draw(4)
  local input = draw(30)
  local kinds = {}
  for i = 1, depth do
    kinds[i] = { draw(7), draw(40), draw(3) }
  end
  local optimizer, outputs = draw(4), draw(5) + 1
  local function build()
    local model, n = nn.Sequential(nn.Linear(input, width)), width
    for _, kind in ipairs(kinds) do
      local layer = ({ nn.ReLU, nn.Tanh, nn.Sigmoid, nn.ELU, function() return nn.Dropout(0.3) end,
        function() return nn.BatchNorm1d(n) end, function() return function(x) return x * x:sigmoid() + 0.1 end end })[kind[1]]
      model:add(layer())
      if kind[3] > 1 then
        model:add(nn.Linear(n, kind[2], { bias = kind[3] == 3 }))
        n = kind[2]
      end
    end
    model:add(nn.Linear(n, outputs))
    local p = model:parameters()
    local opt = ({ optimizers.SGD, optimizers.momentum, optimizers.Adam, optimizers.AdamW })[optimizer](p)
    return trainer(model, nn.CrossEntropyLoss(), opt)
  end
  return build, classes(batch, input, outputs)
end

function TestCompile:test_random_networks()
  local first = tonumber(os.getenv "NNLUA_TEST_SEED") or 1000
  for seed = first, first + 199 do
    local build, inputs = random_network(seed)
    assert_twins(build, inputs, 6, "random network, seed " .. seed)
  end
end

-- tests/fuzz/compile.lua runs longer.
function TestCompile:test_random_programs()
  local process = require "process"
  local out, err, status = process.run(("%s tests/fuzz/compile.lua %s 300"):format(process.nnlua,
    os.getenv "NNLUA_TEST_SEED" or "1000"))
  lu.assertEquals(status, 0, out .. err)
  lu.assertStrContains(out, "300 programs, 0 different")
end

-- Large enough that every kind of work is cut over the pool.
function TestCompile:test_same_bits_for_any_number_of_threads()
  local before = nn.get_num_threads()
  local first
  for _, threads in ipairs { 1, 2, 3, 5 } do
    nn.set_num_threads(threads)
    nn.manual_seed(8)
    local model = nn.Sequential(nn.Linear(300, 400), nn.BatchNorm1d(400), nn.ReLU(), nn.Dropout(0.3), nn.Linear(400, 200),
      nn.ELU(), nn.Linear(200, 10))
    local step = nn.compile((trainer(model, nn.CrossEntropyLoss(), nn.optim.Adam(model:parameters()))))
    local x, y = nn.randn(200, 300), nn.randint(1, 11, { 200 })
    local values = {}
    for i = 1, 4 do
      values[i] = step(x, y):item()
    end
    local state = { losses = values, weight = model[1].weight:clone(), out = model[7].bias:clone() }
    first = first or state
    lu.assertEquals(state.losses, first.losses)
    lu.assertTrue(state.weight:equal(first.weight) and state.out:equal(first.out))
  end
  nn.set_num_threads(before)
end

-- ---- what can be compiled besides steps ----

function TestCompile:test_forward_and_metric()
  nn.manual_seed(2)
  local model = nn.Sequential(nn.Linear(5, 8), nn.ReLU(), nn.Linear(8, 3))
  local x, y = nn.randn(10, 5), nn.randint(1, 4, { 10 })
  local f = nn.compile(model)
  for _ = 1, 3 do
    lu.assertTrue(f(x):equal(model(x)))
  end
  local metric = nn.compile(function(out, target)
    return out:argmax(2):eq(target):sum()
  end)
  for _ = 1, 3 do
    lu.assertEquals(metric(model(x):detach(), y):item(), model(x):argmax(2):eq(y):sum():item())
  end
end

function TestCompile:test_results_are_their_own()
  local f = nn.compile(function(x)
    local y = x + 1
    return y, y * 2, x, 5, nil, "text"
  end)
  local kept = {}
  for i = 1, 5 do
    local a, b, c, n, none, text = f(nn.full({ 2 }, i))
    kept[i] = { a, b, c }
    lu.assertEquals({ n, none, text }, { 5, nil, "text" })
  end
  for i = 1, 5 do
    lu.assertEquals(kept[i][1]:totable(), { i + 1, i + 1 })
    lu.assertEquals(kept[i][2]:totable(), { 2 * i + 2, 2 * i + 2 })
    lu.assertEquals(kept[i][3]:totable(), { i, i })
  end
end

function TestCompile:test_held_gradients_stay()
  nn.manual_seed(2)
  local model = nn.Linear(3, 2)
  local step = nn.compile(function(x)
    model:zero_grad()
    model(x):sum():backward()
  end)
  local held = {}
  for i = 1, 5 do
    step(nn.full({ 1, 3 }, i + 0.0))
    held[i] = model.weight.grad
  end
  for i = 1, 5 do
    lu.assertEquals(held[i]:totable(), { { i, i, i }, { i, i, i } })
  end
end

function TestCompile:test_a_gradient_read_and_replaced()
  assert_twins(function()
    local w = nn.ones(3):requires_grad_()
    w.grad = nn.ones(3)
    return function()
      local old = w.grad
      w.grad = old * 2
      return old:sum()
    end, function()
      return { w }
    end
  end, fixed(), 5, "a gradient read and replaced")
end

-- Gradients that are parts of one tensor, then tensors of their own.
function TestCompile:test_gradients_that_share_memory()
  assert_twins(function()
    local a, b, flat = nn.ones(2):requires_grad_(), nn.ones(2):requires_grad_(), nn.zeros(4)
    a.grad, b.grad = flat[{ { 1, 2 } }], flat[{ { 3, 4 } }]
    return function()
      (a * 2 + b * 3):sum():backward()
    end, function()
      return { a, b }
    end, function(i)
      if i == 3 then
        a.grad, b.grad = nn.zeros(2), nn.zeros(2)
      end
    end
  end, fixed(), 5, "gradients that share memory")
end

function TestCompile:test_constants_that_are_written()
  local f = nn.compile(function(x)
    local sum = nn.tensor { 0, 0 }
    sum:add_(x)
    local zeros = nn.zeros(2)
    zeros[1] = x[2]
    return sum, zeros
  end)
  for i = 1, 4 do
    local sum, zeros = f(nn.tensor { i, 2 * i })
    lu.assertEquals(sum:totable(), { i, 2 * i })
    lu.assertEquals(zeros:totable(), { 2 * i, 0 })
  end
end

function TestCompile:test_writes_to_arguments()
  local f = nn.compile(function(x)
    x:add_(1)
    x[1] = 7
    return x:sum()
  end)
  for i = 1, 4 do
    local x = nn.full({ 3 }, i)
    lu.assertEquals(f(x):item(), 7 + 2 * (i + 1))
    lu.assertEquals(x:totable(), { 7, i + 1, i + 1 })
  end
end

function TestCompile:test_arguments_that_share_memory()
  local add = nn.compile(function(x, y)
    x:add_(1)
    return x * y
  end)
  for _ = 1, 3 do
    lu.assertEquals(add(nn.ones(2), nn.ones(2)):totable(), { 2, 2 })
    local x = nn.ones(2)
    lu.assertEquals(add(x, x):totable(), { 4, 4 })
    local row = nn.ones(2, 2)
    lu.assertEquals(add(row[1], row[2]):totable(), { 2, 2 })
    lu.assertEquals(add(row[{ { 1, 1 } }], row):totable(), { { 9, 9 }, { 3, 3 } })
  end
  local w = nn.ones(2)
  local change = nn.compile(function(x)
    w:add_(1)
    return x * 1
  end)
  for i = 1, 3 do
    lu.assertEquals(change(nn.ones(2)):totable(), { 1, 1 })
    lu.assertEquals(change(w):totable(), { 2 * i + 1, 2 * i + 1 })
  end
  local twice = nn.compile(function(x, y)
    return x * y
  end)
  local x = nn.full({ 2 }, 3)
  for _ = 1, 3 do
    lu.assertEquals(twice(x, x):totable(), { 9, 9 })
  end
end

-- Globals that the function names are watched, others are not: at the prompt everything is global.
function TestCompile:test_globals()
  _G.test_scale, _G.test_history = 2, {} -- luacheck: ignore 142
  local f = nn.compile(function(x)
    return x * _G.test_scale
  end)
  for i = 1, 5 do
    table.insert(_G.test_history, f(nn.tensor { i }):item())
  end
  _G.test_scale = 3 -- luacheck: ignore 142
  lu.assertEquals(f(nn.tensor { 1 }):item(), 3)
  lu.assertEquals(_G.test_history, { 2, 4, 6, 8, 10 })
  lu.assertEquals(f:recordings(), 2)
  _G.test_scale, _G.test_history = nil, nil -- luacheck: ignore 142
end

function TestCompile:test_generators()
  local f = nn.compile(function()
    return nn.rand(3, { generator = _G.test_generator })
  end)
  _G.test_generator = nn.Generator(5) -- luacheck: ignore 142
  local first = { f(), f() }
  local again = nn.Generator(5)
  for i = 1, 2 do
    lu.assertTrue(first[i]:equal(nn.rand(3, { generator = again })))
  end
  _G.test_generator = nn.Generator(6) -- luacheck: ignore 142
  collectgarbage()
  lu.assertTrue(f():equal(nn.rand(3, { generator = nn.Generator(6) })))
  _G.test_generator = nil -- luacheck: ignore 142
end

function TestCompile:test_nested()
  local inner = nn.compile(function(x)
    return x * 2
  end)
  local outer = nn.compile(function(x)
    return inner(x) + 1
  end)
  for i = 1, 3 do
    lu.assertEquals(outer(nn.tensor { i }):item(), 2 * i + 1)
    lu.assertEquals(inner(nn.tensor { i }):item(), 2 * i)
  end
end

function TestCompile:test_the_reason_for_recording_again()
  local process = require "process"
  local _, err = process.script([[
    local nn = require "nn"
    local state = {scale = 1}
    local f = nn.compile(function(x) return x * state.scale end)
    local g = nn.compile(function(x) return x + 1 end)
    local h = nn.compile(function(x, pair) return x + pair[1] end)
    for i = 1, 20 do
      state.scale = i
      f(nn.ones(2))
      g(nn.ones(i))
      h(nn.ones(2), {nn.ones(2)})
    end
  ]], "", "thrash.lua")
  lu.assertStrContains(err, "the compiled function at thrash.lua:3 was recorded 9 times")
  lu.assertStrContains(err, "'state.scale' changed")
  lu.assertStrContains(err, "argument 1 was a float32 tensor of shape 8, then float32 of shape 9")
  local _, lines = err:gsub("\n", "")
  lu.assertStrContains(err, "argument 2 is another table in each call")
  lu.assertEquals(lines, 3) -- once for each
end

function TestCompile:test_number_arguments()
  local f = nn.compile(function(x, k, flag)
    return flag and x * k or x
  end)
  local x = nn.tensor { 3 }
  for _ = 1, 2 do
    lu.assertEquals(f(x, 2, true):item(), 6)
    lu.assertEquals(f(x, 3, true):item(), 9)
    lu.assertEquals(f(x, 3, false):item(), 3)
    lu.assertEquals(f(x, nil, false):item(), 3)
  end
  lu.assertEquals(f:recordings(), 4)
end

function TestCompile:test_upvalues_are_watched()
  local k, t = 2, { k = 3 }
  local f = nn.compile(function(x)
    return x * k * t.k
  end)
  local x = nn.tensor { 1 }
  lu.assertEquals(f(x):item(), 6)
  k = 5
  lu.assertEquals(f(x):item(), 15)
  t.k = 4
  lu.assertEquals(f(x):item(), 20)
  t = { k = 1 }
  lu.assertEquals(f(x):item(), 5)
  local fields = { list = { nn.ones(1) } }
  local g = nn.compile(function(y)
    return y + fields.list[1]
  end)
  lu.assertEquals(g(x):item(), 2)
  fields.list[1] = nn.full({ 1 }, 4)
  lu.assertEquals(g(x):item(), 5)
  fields.list = { x }
  lu.assertEquals(g(x):item(), 2)
end

function TestCompile:test_replaced_parameters_are_seen()
  nn.manual_seed(3)
  local model = nn.Sequential(nn.Linear(3, 3))
  local f = nn.compile(model)
  f(nn.ones(1, 3))
  model:to "float64"
  local x = nn.ones(1, 3, { dtype = "float64" })
  lu.assertTrue(f(x):equal(model(x)))
  model:add(nn.Tanh())
  lu.assertTrue(f(x):equal(model(x)))
end

function TestCompile:test_checks_are_repeated()
  local f = nn.compile(function(x, y)
    return nn.cross_entropy(x, y)
  end)
  local x = nn.zeros(2, 3)
  f(x, nn.tensor({ 1, 2 }, { dtype = "int64" }))
  lu.assertErrorMsgContains("target 2 of 2 is 0, but classes count from 1 to 3", f, x,
    nn.tensor({ 1, 0 }, { dtype = "int64" }))
  lu.assertErrorMsgContains("test_compile.lua:", f, x, nn.tensor({ 1, 0 }, { dtype = "int64" }))
  f(x, nn.tensor({ 1, 2 }, { dtype = "int64" }))
end

-- ---- what it shows ----

function TestCompile:test_text()
  nn.manual_seed(1)
  local model = nn.Sequential(nn.Linear(4, 8), nn.ReLU(), nn.Linear(8, 3))
  local step = nn.compile((trainer(model, nn.CrossEntropyLoss(), nn.optim.SGD(model:parameters(), { lr = 0.1 }))))
  lu.assertEquals(tostring(step), "compiled function, not recorded yet: call it once")
  local x, y = nn.randn(6, 4), nn.randint(1, 4, { 6 })
  step(x, y)
  step(x, y)
  local text = tostring(step)
  lu.assertStrContains(text, "compiled function: 1 program, recorded 1 time")
  lu.assertStrContains(text, "linear(x1[6x4]")
  lu.assertStrContains(text, "SGD(")
  lu.assertStrContains(text, "test_compile.lua:")
  local profile = step:profile(x, y)
  lu.assertStrContains(profile, " us a run")
  lu.assertStrContains(profile, "%")
end

function TestCompile:test_memory_is_steady()
  nn.manual_seed(1)
  local model = nn.Sequential(nn.Linear(4, 8), nn.ReLU(), nn.Linear(8, 3))
  local step = nn.compile((trainer(model, nn.CrossEntropyLoss(), nn.optim.SGD(model:parameters(), { lr = 0.1 }))))
  local x, y = nn.randn(6, 4), nn.randint(1, 4, { 6 })
  for _ = 1, 10 do
    step(x, y)
  end
  local before = nn.memory().from_system
  for _ = 1, 20000 do
    step(x, y)
  end
  lu.assertEquals(nn.memory().from_system, before)
end

-- What Lua reads in other ways than by an index, while it is recorded.
function TestCompile:test_lengths_and_bits()
  local list, flip = { 1, 2, 3 }, nn.compile(function(x)
    return ~x
  end)
  lu.assertEquals(flip(nn.tensor { 1, 2 }):totable(), { -2, -3 })
  lu.assertEquals(flip(nn.tensor { 5, -2 }):totable(), { -6, 1 })
  local scale = nn.compile(function(x)
    return x * rawlen(list)
  end)
  lu.assertEquals({ scale(nn.ones(1)):item(), scale(nn.ones(1)):item() }, { 3.0, 3.0 })
  list[4] = 4
  lu.assertEquals(scale(nn.ones(1)):item(), 4.0)
  local co = coroutine.create(coroutine.yield)
  lu.assertErrorMsgContains("coroutine.status: a compiled function runs in Lua only while", nn.compile(function(x)
    return coroutine.status(co) == "suspended" and x or x * 2
  end), nn.ones(1))
end

-- A replay that fails leaves no gradient of the call before.
function TestCompile:test_gradients_after_an_error()
  local w = nn.Parameter(nn.ones(2, 3))
  local opt = nn.optim.SGD({ w }, { lr = 0.1 })
  local step = nn.compile(function(y)
    opt:zero_grad()
    local loss = nn.cross_entropy(w, y)
    loss:backward()
    return loss
  end)
  for _ = 1, 3 do
    step(nn.tensor { 1, 2 })
  end
  lu.assertNotNil(w.grad)
  local want = w.grad:clone()
  lu.assertErrorMsgContains("classes count from 1 to 3", step, nn.tensor { 1, 4 })
  lu.assertNil(w.grad)
  step(nn.tensor { 1, 2 })
  lu.assertTrue(w.grad:equal(want))
end
