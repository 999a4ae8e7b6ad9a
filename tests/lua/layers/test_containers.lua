-- Layers that hold others: what can stand in them, and that what does belongs to the model.

local lu = require "luaunit"
local nn = require "nn"

TestContainers = {}

local function names(model)
  local out = {}
  for i, entry in ipairs(model:named_parameters()) do
    out[i] = entry[1]
  end
  return table.concat(out, " ")
end

function TestContainers:test_slices()
  local net = nn.Sequential(nn.Linear(2, 3), nn.ReLU(), nn.Linear(3, 1))
  local body = net:slice(1, -2)
  lu.assertEquals(#body, 2)
  lu.assertTrue(body[1] == net[1])
  lu.assertEquals({ table.unpack(net:slice(2)(nn.ones(1, 3)).shape) }, { 1, 1 })
  lu.assertErrorMsgContains("there are 3 layers, so 4 is the place of none", net.slice, net, 1, 4)
  lu.assertErrorMsgContains("net:slice(first, last)", function()
    return net[{ 1, 2 }]
  end)
end

function TestContainers:test_module_list()
  local Net = nn.Module:extend "Net"
  function Net.init(net)
    net.layers = nn.ModuleList { nn.Linear(3, 4), nn.Linear(4, 2) }
    net.layers:add(nn.Linear(2, 2, { bias = false }))
  end
  function Net.forward(net, x)
    for _, layer in ipairs(net.layers) do
      x = layer(x)
    end
    return x
  end
  local net = Net()
  lu.assertEquals(names(net), "layers.1.weight layers.1.bias layers.2.weight layers.2.bias layers.3.weight")
  lu.assertEquals({ #net.layers, tostring(net(nn.ones(5, 3)).shape) }, { 3, "5x2" })
  local step = nn.compile(function(x) return net(x) end)
  local x = nn.randn(5, 3)
  lu.assertTrue(step(x):equal(net(x)))
  net.layers[3] = nn.Linear(2, 7)
  lu.assertEquals(tostring(step(x).shape), "5x7")
  lu.assertTrue(step(x):equal(net(x)))
  lu.assertErrorMsgContains("layer 2 must be a layer, but is the number 3", nn.ModuleList, nn.Tanh(), 3)
  lu.assertErrorMsgContains("has no forward", net.layers, x)
  lu.assertEquals(names(net:clone()), names(net))
end

function TestContainers:test_module_dict()
  local dict = nn.ModuleDict { right = nn.Linear(2, 2), left = nn.Linear(2, 3) }
  lu.assertEquals(names(dict), "left.weight left.bias right.weight right.bias")
  lu.assertEquals(dict:keys(), { "left", "right" })
  lu.assertEquals(names(nn.ModuleDict { { "b", nn.PReLU() }, { "a", nn.PReLU() } }), "b.weight a.weight")
  dict.left = nil
  dict.middle = nn.Tanh()
  lu.assertEquals(dict:keys(), { "right", "middle" })
  lu.assertErrorMsgContains("'train' is a method of layers", nn.ModuleDict, { train = nn.Tanh() })
  lu.assertErrorMsgContains("layer 'x' must be a layer, but is the number 1", function() dict.x = 1 end)
  lu.assertErrorMsgContains("a layer has no 'missing'", function() return dict.missing end)
  dict:eval()
  lu.assertFalse(dict.middle.training)
end

function TestContainers:test_parameter_list()
  local list = nn.ParameterList { nn.Parameter(nn.ones(2)), nn.Parameter(nn.zeros(3)) }
  lu.assertEquals(names(list), "1 2")
  list:add(nn.Parameter(nn.ones(1)))
  lu.assertEquals({ #list, (list:parameter_count()) }, { 3, 6 })
  lu.assertErrorMsgContains("element 1 must be an nn.Parameter, but is a float32 tensor", nn.ParameterList, nn.ones(2))
end

-- Depth is no limit where it is meant; a layer that stands in itself is told.
function TestContainers:test_layers_within_layers()
  local x = nn.ones(2, 2)
  local net, block = nn.Sequential(nn.Tanh()), nn.Residual(nn.Identity())
  for _ = 1, 2000 do
    net = nn.Sequential(net, nn.Identity())
  end
  lu.assertTrue(net(x):equal(x:tanh()))
  for _ = 1, 20 do
    block = nn.Residual(block)
  end
  local step = nn.compile(function(v)
    return block(v)
  end)
  lu.assertEquals(block(x)[1][1]:item(), 22)
  lu.assertEquals(step(x)[1][1]:item(), 22)
  for _ = 1, 250 do
    block = nn.Residual(block)
  end
  lu.assertTrue(block(x * 0):equal(x * 0))
  net = nn.Sequential(nn.Tanh())
  net[2] = net
  lu.assertErrorMsgContains("one may stand in itself", net, x)
  block.body[1] = block
  lu.assertErrorMsgContains("one may stand in itself", block, x)
end

-- What a layer in Lua raises, or yields, goes through the layers it stands in.
function TestContainers:test_errors_and_yields_go_through()
  local x, mark = nn.ones(2, 2), {}
  local function fails()
    error(mark)
  end
  for _, net in ipairs { nn.Sequential(nn.Tanh(), fails), nn.Residual(nn.Tanh(), fails), nn.Highway(2, { activation = fails }) } do
    local ok, what = pcall(net, x)
    lu.assertEquals({ ok, what == mark }, { false, true })
  end
  local net = nn.Sequential(nn.Tanh(), function(v) return v * coroutine.yield(1) end, nn.Sequential(function(v)
    return v + coroutine.yield(2)
  end))
  local co = coroutine.create(function(v)
    return net(v)
  end)
  lu.assertEquals({ coroutine.resume(co, x) }, { true, 1 })
  lu.assertEquals({ coroutine.resume(co, 3) }, { true, 2 })
  local _, y = coroutine.resume(co, 1)
  lu.assertTrue(y:equal(x:tanh() * 3 + 1))
end
