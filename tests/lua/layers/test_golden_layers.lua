-- Layers against PyTorch (tests/golden/make_layers.py), with its weights, in float64: results, gradients of inputs and
-- parameters, the gradient of the squares of those, and 20 steps of SGD, eager and compiled.

local lu = require "luaunit"
local nn = require "nn"
local golden = require "golden"

TestGoldenLayers = {}

local function value_of(v)
  return v.t and golden.tensor(v.t) or v.v
end

local function near(got, want, what, tolerance)
  lu.assertEquals(tostring(got.shape), tostring(want.shape), what)
  lu.assertEquals(got.dtype, want.dtype, what)
  if got:numel() == 0 then
    return
  end
  local apart = (got:double() - want:double()):abs() / (want:double():abs() + 1)
  local same = got:eq(want) -- infinities
  lu.assertTrue(nn.where(same, 0, apart):max():item() <= tolerance, ("%s: differs by %g"):format(what, apart:max():item()))
end

local function call(layer, inputs, named)
  if not next(named) then
    return { layer(table.unpack(inputs)) }
  end
  local args = { table.unpack(inputs) }
  args[#args + 1] = named
  return { layer(table.unpack(args)) }
end

local function loss_of(c, outs, weights)
  local sum, at = 0, 0
  for i, out in ipairs(outs) do
    if c.out[i].dtype ~= "int64" then
      at = at + 1
      sum = sum + (out * weights[at]):sum() + (out ^ 2):sum() * 0.1
    end
  end
  return sum
end

local function leaves_of(inputs)
  local list = {}
  for _, x in ipairs(inputs) do
    if x.dtype == "float64" then
      list[#list + 1] = x:requires_grad_()
    end
  end
  return list
end

local function check(c, what)
  local layer = assert(load("local nn = ... return " .. c.name, c.name))(nn):to "float64"
  local state = {}
  for name, t in pairs(c.state) do
    state[name] = golden.tensor(t)
  end
  layer:load_state_dict(nn.io.torch_state(layer, state))
  local inputs, named, weights = {}, {}, {}
  for i, v in ipairs(c.inputs) do
    inputs[i] = value_of(v)
  end
  for name, v in pairs(c.named) do
    named[name] = value_of(v)
  end
  for i, t in ipairs(c.weights) do
    weights[i] = golden.tensor(t)
  end
  local leaves = leaves_of(inputs)
  local outs = call(layer, inputs, named)
  lu.assertEquals(#outs, #c.out, what .. ": results")
  for i, t in ipairs(c.out) do
    near(outs[i], golden.tensor(t), ("%s: result %d"):format(what, i), 1e-10)
  end
  if not c.names then
    return
  end
  -- PyTorch's order of parameters, under our names
  local ours = {}
  for _, pair in ipairs(layer:named_parameters()) do
    ours[pair[1]] = pair[2]
  end
  local renamed = nn.io.torch_state(layer, state)
  local by_values = {} -- their tensor -> ours
  for name in pairs(ours) do
    by_values[renamed[name]] = ours[name]
  end
  local wanted, at = {}, 0
  for i, name in ipairs(c.names) do
    if name:find "^input " then
      at = at + 1
      wanted[i] = leaves[at]
    else
      wanted[i] = by_values[state[name]]
      lu.assertNotNil(wanted[i], what .. ": " .. name)
    end
  end
  local tests_second = c.second ~= nil
  for _, second in ipairs(tests_second and { false, true } or { false }) do
    local loss = loss_of(c, call(layer, inputs, named), weights)
    local grads = nn.grad(loss, wanted, { create_graph = second, allow_unused = true })
    local total = 0
    for i, t in ipairs(c.grads) do
      local got = grads[i] or nn.zeros(wanted[i].shape, { dtype = "float64" })
      near(got, golden.tensor(t), ("%s: gradient of %s"):format(what, c.names[i]), 1e-8)
      total = total + (got ^ 2):sum()
    end
    if second then
      local more = total.requires_grad and nn.grad(total, wanted, { allow_unused = true }) or {}
      for i, t in ipairs(c.second) do
        near(more[i] or nn.zeros(wanted[i].shape, { dtype = "float64" }), golden.tensor(t),
          ("%s: second order, %s"):format(what, c.names[i]), 1e-7)
      end
    end
  end
  if not c.losses then
    return
  end
  for _, x in ipairs(leaves) do
    x:requires_grad_(false)
  end
  for _, compiled in ipairs { false, true } do
    layer:load_state_dict(renamed)
    local opt = nn.optim.SGD(layer:parameters(), { lr = 0.002 })
    local step = function()
      opt:zero_grad()
      local loss = loss_of(c, call(layer, inputs, named), weights)
      loss:backward()
      opt:step()
      return loss
    end
    step = compiled and nn.compile(step) or step
    for i, want in ipairs(c.losses) do
      local got = step():item()
      lu.assertTrue(math.abs(got - want) <= 1e-8 * (1 + math.abs(want)),
        ("%s: %s step %d: %.17g, not %.17g"):format(what, compiled and "compiled" or "eager", i, got, want))
    end
  end
end

for i, c in ipairs(golden.read("layers").layers) do
  TestGoldenLayers[("test_%03d"):format(i)] = function()
    check(c, ("case %d, %s"):format(i, c.name))
  end
end
