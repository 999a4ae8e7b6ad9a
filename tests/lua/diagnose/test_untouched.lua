-- nn.diagnose leaves all as it was, bit for bit: weights, buffers, gradients, modes, fields, random numbers, the loader. Also where
-- an error jumps, and where remedies are tried.

local lu = require "luaunit"
local nn = require "nn"
local core = require "nn.core"

TestUntouched = {}

local ce = nn.CrossEntropyLoss()

local function model()
  local net = nn.Sequential(nn.Linear(16, 32), nn.BatchNorm1d(32), nn.ReLU(), nn.Dropout(0.3), nn.Linear(32, 32), nn.BatchNorm1d(32),
    nn.ReLU(), nn.Linear(32, 4))
  net[6]:eval() -- one layer in another mode than the rest
  net[5].bias.requires_grad = false
  ce(net(nn.randn(32, 16)), nn.randint(1, 5, { 32 })):backward()
  return net
end

local function data()
  return (nn.data.teacher { n = 256, features = 16, outputs = 4, classes = true, seed = 7 })
end

-- Bits as text: LuaUnit takes minutes to tell where two long lists differ.
local function bits(t)
  local out = {}
  for i, v in ipairs(t:detach():reshape(-1):totable()) do
    out[i] = ("%a"):format(v)
  end
  return table.concat(out, " ")
end

-- All that may not change, as text and numbers.
local function state_of(net, loader)
  local s = { rng = { core.rng_state() }, loader = loader.generator and loader.generator:state(), modes = {}, values = {}, fields = {} }
  for i, entry in ipairs(net:named_modules()) do
    s.modes[i] = entry[2].training
    local keys = {}
    for key, v in next, (core.fields(entry[2])) do
      keys[#keys + 1] = tostring(key) .. " " .. (type(v) == "number" and tostring(v) or type(v))
    end
    table.sort(keys)
    s.fields[i] = table.concat(keys, ", ")
  end
  for name, t in pairs(net:state_dict()) do
    s.values[name] = bits(t)
  end
  s.objects = {}
  for i, p in ipairs(net:parameters()) do
    s.objects[i] = { p, p.grad and core.storage_id(p.grad), p.requires_grad, p.grad }
    s.values["gradient " .. i] = p.grad and bits(p.grad)
  end
  return s
end

local function same(a, b)
  lu.assertEquals(b.rng, a.rng)
  lu.assertEquals(b.loader and b.loader.counter, a.loader and a.loader.counter)
  lu.assertEquals(b.loader and tostring(b.loader.seed), a.loader and tostring(a.loader.seed))
  lu.assertEquals(b.modes, a.modes)
  lu.assertEquals(b.fields, a.fields)
  for name, text in pairs(a.values) do
    lu.assertTrue(b.values[name] == text, name)
  end
  for i, o in ipairs(a.objects) do
    lu.assertTrue(rawequal(b.objects[i][1], o[1]) and rawequal(b.objects[i][2], o[2]))
    lu.assertEquals(b.objects[i][3], o[3])
  end
end

local function check(net, loader, f)
  local before = state_of(net, loader)
  f()
  same(before, state_of(net, loader))
end

function TestUntouched:setUp()
  nn.manual_seed(3)
end

function TestUntouched:test_the_check_sees_changes()
  local net, loader = model(), data():loader { shuffle = true }
  for _, change in ipairs {
    function() net:train() end,
    function() net[2].running_mean:add_(1e-7) end,
    function() net[1].weight.grad:mul_(1 + 1e-6) end,
    function() net[5].bias.requires_grad = true end,
    function() nn.rand(1) end,
    function() net[4].p = 0.31 end,
    function() net:zero_grad() end,
  } do
    lu.assertError(check, net, loader, change)
  end
end

function TestUntouched:test_look()
  for _, generator in ipairs { false, nn.Generator(4) } do
    local net = model()
    local loader = data():loader { batch_size = 32, shuffle = true, generator = generator or nil }
    check(net, loader, function()
      lu.assertTrue(#nn.diagnose(net, loader, ce).layers == 8)
    end)
    check(net, loader, function()
      nn.diagnose(net, loader, ce, { optimizer = nn.optim.Adam(net:parameters(), { lr = 1e-3 }) })
    end)
  end
end

function TestUntouched:test_the_optimizer()
  local net, loader = model(), data():loader { batch_size = 32 }
  local opt = nn.optim.SGD(net:parameters(), { lr = 0.1, momentum = 0.9 })
  opt:step()
  local momentum
  for _, slot in pairs(opt:state_dict().state) do
    for _, t in pairs(slot) do
      momentum = core.is_tensor(t) and t.ndim == 2 and t or momentum
    end
  end
  local kept = momentum:clone()
  check(net, loader, function()
    nn.diagnose { model = net, loader = loader, loss = ce, optimizer = opt, try = true, steps = 3 }
  end)
  lu.assertEquals(opt.param_groups[1].lr, 0.1)
  lu.assertTrue(momentum:equal(kept) and momentum:abs():max():item() > 0)
end

function TestUntouched:test_what_starts_at_zero_and_nan()
  local net, loader = model(), data():loader { batch_size = 32 }
  nn.init.zeros_(net[8].weight)
  check(net, loader, function()
    lu.assertEquals(nn.diagnose(net, loader, ce).started_at_zero, { "8.weight" })
  end)
  nn.no_grad(function()
    net[1].weight[{ 1, 1 }] = 0 / 0
  end)
  local rest = nn.where(net[1].weight:isnan(), nn.zeros(32, 16), net[1].weight):detach():clone()
  lu.assertEquals(nn.diagnose(net, loader, ce).diseases[1].name, "values that are not finite")
  lu.assertTrue(nn.where(net[1].weight:isnan(), nn.zeros(32, 16), net[1].weight):equal(rest))
end

function TestUntouched:test_trial()
  local net, loader = model(), data():loader { batch_size = 32, shuffle = true }
  nn.init.constant_(net[5].bias, -50)
  net[6]:train()
  net[6].weight.requires_grad = false
  nn.init.constant_(net[6].bias, -50)
  check(net, loader, function()
    local report = nn.diagnose { model = net, loader = loader, loss = ce, try = true, steps = 5 }
    lu.assertFalse(report.healthy)
    lu.assertTrue(report.trial.applied)
  end)
end

function TestUntouched:test_errors_that_jump()
  local net, loader = model(), data():loader { batch_size = 32, shuffle = true, generator = nn.Generator(4) }
  local calls = 0
  local function fails(after)
    return function(out, y)
      calls = calls + 1
      if calls > after then
        error "the loss fails"
      end
      return ce(out, y)
    end
  end
  for after = 0, 9, 3 do
    calls = 0
    check(net, loader, function()
      lu.assertErrorMsgContains("the loss fails", nn.diagnose, net, loader, fails(after), { batches = 16 })
    end)
  end
  -- an error in a forward, behind layers that were called already
  net:add(function(x)
    return x:reshape(7, 7)
  end)
  check(net, loader, function()
    lu.assertError(nn.diagnose, net, loader, ce)
  end)
end

function TestUntouched:test_fields_that_forward_writes()
  local Counts = nn.Module:extend "Counts"
  function Counts.init(n)
    n.fc = nn.Linear(16, 4)
    n.calls = 0
    n:register_buffer("last", nn.zeros(1))
  end
  function Counts.forward(n, x)
    n.calls = n.calls + 1
    n.last = x:narrow(1, 1, 1):mean():reshape(1):detach()
    return n.fc(x)
  end
  local net, loader = Counts(), data():loader { batch_size = 32 }
  local buffer = net.last
  check(net, loader, function()
    lu.assertTrue(nn.diagnose(net, loader, ce).healthy)
  end)
  lu.assertTrue(rawequal(net.last, buffer))
end
