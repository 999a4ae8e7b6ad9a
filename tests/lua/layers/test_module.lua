-- Modules, layers and losses as users write and use them.

local lu = require "luaunit"
local nn = require "nn"

TestModule = {}

local Net = nn.Module:extend "Net"
function Net:init(n)
  self.first = nn.Linear(n, 4)
  self.scale = nn.Parameter(nn.ones(4))
  self.branches = { nn.Linear(4, 2), nn.Linear(4, 2, { bias = false }) }
  self:register_buffer("count", nn.zeros(1))
  self.plain = nn.ones(3) -- a tensor that is neither
end
function Net:forward(x)
  x = self.first(x):relu() * self.scale
  return self.branches[1](x) + self.branches[2](x)
end

local function names(list)
  local out = {}
  for i, entry in ipairs(list) do
    out[i] = entry[1]
  end
  return out
end

function TestModule:test_names_in_order()
  local net = Net(3)
  lu.assertEquals(names(net:named_parameters()),
    { "first.weight", "first.bias", "scale", "branches.1.weight", "branches.1.bias", "branches.2.weight" })
  lu.assertEquals(names(net:named_modules()), { "", "first", "branches.1", "branches.2" })
  lu.assertEquals(#net:parameters(), 6)
  lu.assertEquals(names(net:named_buffers()), { "count" })
end

function TestModule:test_shared_parameters_count_once()
  local layer = nn.Linear(3, 3)
  local net = nn.Sequential(layer, nn.ReLU(), layer)
  lu.assertEquals(#net:parameters(), 2)
end

function TestModule:test_state_dict_round_trip()
  local a, b = Net(3), Net(3)
  b:load_state_dict(a:state_dict())
  local x = nn.randn(5, 3)
  lu.assertTrue(a(x):equal(b(x)))
  local state = a:state_dict()
  lu.assertNotNil(state.count)
  state.scale = nil
  state.extra = nn.ones(1)
  state["first.bias"] = nn.ones(7)
  lu.assertErrorMsgContains("'extra' is not in this Net; 'first.bias' has shape 7 there and 4 here; 'scale' is missing",
    b.load_state_dict, b, state)
  lu.assertErrorMsgContains("'first.bias' has shape 7 there and 4 here", b.load_state_dict, b, state, { strict = false })
  state["first.bias"] = nil
  b:load_state_dict(state, { strict = false })
end

function TestModule:test_modes_and_apply()
  local net = nn.Sequential(nn.Linear(2, 2), nn.Sequential(nn.Dropout(0.9)))
  net:eval()
  lu.assertFalse(net[2][1].training)
  local x = nn.ones(4, 2)
  lu.assertTrue(net[2](x):equal(x))
  net:train()
  lu.assertTrue(net[2][1].training)
  local seen = {}
  net:apply(function(m)
    seen[#seen + 1] = m._name
  end)
  lu.assertEquals(seen, { "Dropout", "Sequential", "Linear", "Sequential" })
end

function TestModule:test_zero_grad_and_freezing()
  local net = Net(3)
  net(nn.randn(2, 3)):sum():backward()
  lu.assertNotNil(net.scale.grad)
  net:zero_grad()
  lu.assertNil(net.scale.grad)
  net.first:requires_grad_(false)
  net(nn.randn(2, 3)):sum():backward()
  lu.assertNil(net.first.weight.grad)
  lu.assertNotNil(net.scale.grad)
  lu.assertEquals(#net:parameters(), 6)
end

function TestModule:test_printing()
  local net = nn.Sequential(nn.Linear(784, 256), nn.ReLU(), nn.Dropout(0.3), nn.Linear(256, 10, { bias = false }))
  lu.assertEquals(tostring(net), [[
Sequential(
  (1): Linear(784, 256)  200,960 parameters
  (2): ReLU()
  (3): Dropout(0.3)
  (4): Linear(256, 10, bias = false)  2,560 parameters
)  203,520 parameters]])
  lu.assertEquals(tostring(nn.MSELoss { reduction = "sum" }), "MSELoss(reduction = \"sum\")")
end

function TestModule:test_conversion()
  local net = Net(3):to "float64"
  lu.assertEquals(net(nn.randn({ 2, 3 }, { dtype = "float64" })).dtype, "float64")
  lu.assertEquals(net.branches[1].weight.dtype, "float64")
end

function TestModule:test_errors()
  lu.assertErrorMsgContains("Linear(3, 4): input has 5 features in its last dim (shape 2x5)", nn.Linear(3, 4), nn.zeros(2, 5))
  lu.assertErrorMsgContains("x:flatten(2)", nn.Linear(784, 4), nn.zeros(2, 28, 28))
  lu.assertErrorMsgContains("must be a tensor, but is nil", nn.Linear(3, 4), nil)
  lu.assertErrorMsgContains("did you mean 'bias'", nn.Linear, 3, 4, { bais = false })
  lu.assertErrorMsgContains("option bias must be a boolean", nn.Linear, 3, 4, { bias = 1 })
  lu.assertErrorMsgContains("did you mean 'he_normal'", nn.Linear, 3, 4, { init = "he_norml" })
  lu.assertErrorMsgContains("layer 2 is the class ReLU", nn.Sequential, nn.Linear(2, 2), nn.ReLU)
  lu.assertErrorMsgContains("layer 1 must be a layer, but is nil", nn.Sequential, nil, nn.ReLU())
  lu.assertErrorMsgContains("no forward", nn.Module:extend "Empty"(), nn.zeros(1))
  lu.assertErrorMsgContains("did you mean 'nn.Sequential'", function()
    return nn.Sequental
  end)
  lu.assertErrorMsgContains("reduction must be", nn.MSELoss, { reduction = "avg" })
end

TestBatchNorm = {}

function TestBatchNorm:test_modes()
  nn.manual_seed(1)
  local bn = nn.BatchNorm1d(3)
  local x = nn.randn(50, 3) * 4 + 10
  local y = bn(x):detach()
  lu.assertTrue(y:mean(1):abs():max():item() < 1e-5)
  lu.assertTrue((y:var(1, 0) - 1):abs():max():item() < 1e-4)
  lu.assertTrue((bn.running_mean - x:mean(1) * 0.1):abs():max():item() < 1e-5)
  lu.assertTrue((bn.running_var - (x:var(1) * 0.1 + 0.9)):abs():max():item() < 1e-4) -- the unbiased one
  lu.assertEquals(bn.num_batches_tracked:item(), 1)
  bn:eval()
  local before = bn.running_mean:clone()
  local one = bn(x[{ { 1, 1 } }])
  lu.assertTrue(bn.running_mean:equal(before))
  local want = (x[1] - bn.running_mean) / (bn.running_var + 1e-5):sqrt()
  lu.assertTrue((one[1]:detach() - want):abs():max():item() < 1e-5)
  lu.assertErrorMsgContains("drop_last = true", bn:train(), nn.ones(1, 3))
  lu.assertErrorMsgContains("BatchNorm1d(3): input must be batch x 3", bn, nn.ones(2, 4))
end

function TestBatchNorm:test_with_length()
  local bn = nn.BatchNorm1d(3)
  local x = nn.randn(4, 3, 5)
  local y = bn(x)
  lu.assertEquals(tostring(y.shape), "4x3x5")
  lu.assertTrue(y:detach():mean({ 1, 3 }):abs():max():item() < 1e-5)
end

-- Tables and modules within themselves are looked into once.
function TestModule:test_within_itself()
  local m = nn.Sequential(nn.Linear(2, 2))
  m.list = { nn.Tanh() }
  m.list[2] = m.list
  m.me = m
  lu.assertEquals(#m:parameters(), 2)
  lu.assertStrContains(tostring(m), "(me): Sequential(..., which this stands in)")
  lu.assertStrContains(tostring(m), "(list.1): Tanh()")
end

-- A hole in the list would end the net early.
function TestModule:test_places_of_a_sequential()
  local net = nn.Sequential(nn.Linear(2, 3), nn.Tanh(), nn.Linear(3, 2))
  for text, f in pairs {
    ["there are 3 layers, so net[2] cannot be taken away"] = function()
      net[2] = nil
    end,
    ["so net[5] cannot be set"] = function()
      net[5] = nn.Tanh()
    end,
    ["layer 2 must be a layer, but is a float32 tensor of shape 2"] = function()
      net[2] = nn.ones(2)
    end,
  } do
    lu.assertErrorMsgContains(text, f)
  end
  table.remove(net, 2)
  lu.assertEquals({ #net, net[2].out_features }, { 2, 2 })
  table.insert(net, 2, nn.ReLU())
  lu.assertEquals({ #net, tostring(net[2]) }, { 3, "ReLU()" })
  net[3] = nil
  lu.assertEquals(#net, 2)
end

-- A weight does not stop being one without a word.
function TestModule:test_tensors_in_the_place_of_parameters()
  local layer = nn.Linear(3, 2)
  lu.assertErrorMsgContains("'weight' is a parameter", function()
    layer.weight = nn.ones(2, 3)
  end)
  layer.weight = nn.Parameter(nn.ones(2, 3))
  layer.bias = nil
  layer.bias = nn.ones(2)
  lu.assertEquals(#layer:parameters(), 1)
end

function TestModule:test_functions_among_layers_are_shown()
  local net = nn.Sequential(nn.Linear(3, 4), nn.relu)
  lu.assertStrContains(tostring(net), "(2): function nn.relu(x)")
  lu.assertEquals(#net:parameters(), 2)
end

-- Tables in tables: lists first, then names in their order, whatever order the table has.
function TestModule.test_names_within_tables()
  local Nested = nn.Module:extend "Nested"
  function Nested:init()
    self.parts = { nn.Linear(1, 1), deep = { z = nn.Linear(1, 2), y = nn.Linear(1, 3) } }
    for _, name in ipairs { "m", "b", "x", "a", "q" } do
      self.parts[name] = nn.Linear(1, 1, { bias = false })
    end
  end
  lu.assertEquals(names(Nested():named_parameters()), {
    "parts.1.weight", "parts.1.bias", "parts.a.weight", "parts.b.weight", "parts.deep.y.weight", "parts.deep.y.bias",
    "parts.deep.z.weight", "parts.deep.z.bias", "parts.m.weight", "parts.q.weight", "parts.x.weight" })
  local one, other = Nested(), Nested()
  other:load_state_dict(one:state_dict())
  for i, p in ipairs(one:parameters()) do
    lu.assertTrue(p:equal(other:parameters()[i]))
  end
end

-- What stands behind a closing bracket is all that is within, of which some may be the module's own.
function TestModule:test_totals()
  local Gate = nn.Module:extend "Gate"
  Gate.init = function(gate)
    gate.a, gate.scale = nn.Linear(3, 3), nn.Parameter(nn.ones(3))
  end
  lu.assertStrContains(tostring(Gate()), "\n)  15 parameters, 3 of them its own")
  local text = tostring(nn.Sequential(Gate(), nn.Residual(nn.Linear(1, 1)), nn.Sequential(nn.ReLU())))
  lu.assertStrContains(text, "\n  )  15 parameters, 3 of them its own\n")
  lu.assertStrContains(text, "\n  )  2 parameters\n")
  lu.assertStrContains(text, "ReLU()\n  )\n)  17 parameters")
end

-- A hook sees all that a layer gives, and cannot lose some of it without a word.
function TestModule:test_hooks_of_several_outputs()
  local lstm, x = nn.LSTM(3, 4), nn.zeros(2, 1, 3)
  local seen
  local remove = lstm:register_forward_hook(function(_, outs, input)
    seen = { #outs, tostring(outs[2].shape), input == x }
  end)
  lu.assertEquals(select("#", lstm(x)), 3)
  lu.assertEquals(seen, { 3, "1x1x4", true })
  remove()
  remove = lstm:register_forward_hook(function(_, outs)
    return { outs[1] + 1, outs[2], outs[3] }
  end)
  local y, h, c = lstm(x)
  lu.assertTrue((y[{ 2, 1 }] - 1):allclose(h[{ 1, 1 }]))
  lu.assertEquals({ tostring(h.shape), tostring(c.shape) }, { "1x1x4", "1x1x4" })
  remove()
  lstm:register_forward_hook(function(_, outs)
    return outs[1]
  end)
  lu.assertErrorMsgContains("return a table of all outputs", lstm, x)
  local other = nn.LSTM(3, 4)
  other:register_forward_hook(function(_, outs)
    return { outs[1], nil, outs[3] }
  end)
  lu.assertErrorMsgContains("output 2 is missing", other, x)
end

function TestModule:test_what_makes_an_object_is_init()
  for _, name in ipairs { "__init", "__init__" } do
    lu.assertErrorMsgContains("what makes an object is called init: function X:init(...)", function()
      local X = nn.Module:extend "X"
      X[name] = function() end
    end)
  end
end

function TestModule:test_states_that_fit_in_part()
  local m = nn.Linear(3, 3)
  local before = m.bias:clone()
  local same, lists = m:load_state_dict({ weight = nn.ones(3, 3), wieght = nn.ones(3, 3) }, { strict = false })
  lu.assertTrue(rawequal(same, m) and m.bias:equal(before) and m.weight:equal(nn.ones(3, 3)))
  lu.assertEquals(lists, { missing = { "bias" }, unexpected = { "wieght" } })
  lu.assertErrorMsgContains("'weight' is the number 5 and no tensor", m.load_state_dict, m, { weight = 5 }, { strict = false })
  lu.assertErrorMsgContains("'weight' has shape 2x2 there and 3x3 here", m.load_state_dict, m, { weight = nn.ones(2, 2) },
    { strict = false })
  lu.assertEquals(select("#", m:load_state_dict(m:state_dict())), 1)
end
