-- Index tensors and masks mixed with slices, against a model written with loops: reading, assigning, differentiating.

local lu = require "luaunit"
local nn = require "nn"

TestIndexTensors = {}

-- Every multi-index of a shape.
local function indices(shape)
  local at, done = {}, false
  for d = 1, #shape do
    at[d] = 1
    done = done or shape[d] == 0
  end
  return function()
    if done then
      return nil
    end
    local copy = { table.unpack(at) }
    local d = #shape
    while d >= 1 and at[d] == shape[d] do
      at[d] = 1
      d = d - 1
    end
    done = d < 1
    if d >= 1 then
      at[d] = at[d] + 1
    end
    return copy
  end
end

local function get(x, at)
  for _, i in ipairs(at) do
    x = x[i]
  end
  return type(x) == "number" and x or x:item()
end

-- The result's shape, and for a multi-index of it the one in x. key: an entry for each dim: an integer, a table of
-- positions (a slice), or an int64 tensor.
local function model(key)
  local joint, slices, first, apart, last = {}, {}, nil, false, nil
  local position = 0 -- among the dims that integers leave
  for d, entry in ipairs(key) do
    if nn.is_tensor(entry) then
      position = position + 1
      joint = nn.broadcast_tensors({ nn.zeros(joint), nn.zeros(entry.shape) })[1].shape
      joint = { table.unpack(joint) }
      first = first or position
      apart = apart or (last and position ~= last + 1)
      last = position
    elseif type(entry) == "table" then
      position = position + 1
      slices[#slices + 1] = { d, entry, position }
    end
  end
  local before = {}
  for _, s in ipairs(slices) do
    if first and not apart and s[3] < first then
      before[#before + 1] = s
    end
  end
  local shape, parts = {}, {}
  local function add_slice(s)
    shape[#shape + 1] = #s[2]
    parts[#parts + 1] = s
  end
  for _, s in ipairs(before) do
    add_slice(s)
  end
  local joint_at = #shape
  for _, n in ipairs(joint) do
    shape[#shape + 1] = n
  end
  for i = #before + 1, #slices do
    add_slice(slices[i])
  end
  return shape, function(at)
    local place = {}
    for d, entry in ipairs(key) do
      if nn.is_tensor(entry) then
        local wide = nn.broadcast_to(entry, joint)
        local sub = { table.unpack(at, joint_at + 1, joint_at + #joint) }
        place[d] = get(wide, sub)
      elseif type(entry) ~= "table" then
        place[d] = entry
      end
    end
    for i, s in ipairs(parts) do
      local k = i <= #before and i or i + #joint
      place[s[1]] = s[2][at[k]]
    end
    return place
  end
end

local int = function(t)
  return nn.tensor(t, { dtype = "int64" })
end
-- the key as users write it, and as the model takes it
local cases = {
  { { 3, 4 }, { int { 1, 3 } }, { int { 1, 3 }, { 1, 2, 3, 4 } } },
  { { 3, 4 }, { {}, int { 4, 1, 1 } }, { { 1, 2, 3 }, int { 4, 1, 1 } } },
  { { 3, 4 }, { int { 1, 3 }, int { 2, 4 } }, { int { 1, 3 }, int { 2, 4 } } },
  { { 3, 4 }, { int { { 1 }, { 3 } }, int { 2, 4, 4 } }, { int { { 1 }, { 3 } }, int { 2, 4, 4 } } },
  { { 2, 3, 4 }, { {}, int { { 1, 2 }, { 3, 3 } } }, { { 1, 2 }, int { { 1, 2 }, { 3, 3 } }, { 1, 2, 3, 4 } } },
  { { 2, 3, 4 }, { int { 1, 2 }, {}, int { 4, 1 } }, { int { 1, 2 }, { 1, 2, 3 }, int { 4, 1 } } },
  { { 2, 3, 4 }, { {}, int { 1, 2 }, int { 4, 1 } }, { { 1, 2 }, int { 1, 2 }, int { 4, 1 } } },
  { { 2, 3, 4 }, { 2, {}, int { 4, 1 } }, { 2, { 1, 2, 3 }, int { 4, 1 } } },
  { { 2, 3, 4 }, { "...", int { 4, 1 } }, { { 1, 2 }, { 1, 2, 3 }, int { 4, 1 } } },
  { { 2, 3, 4 }, { { 2, 2 }, int { 3, 1 }, { 1, 4, 2 } }, { { 2 }, int { 3, 1 }, { 1, 3 } } },
  { { 2, 3, 4 }, { {}, nn.tensor { true, false, true } }, { { 1, 2 }, int { 1, 3 }, { 1, 2, 3, 4 } } },
  { { 2, 3, 4 }, { {}, {}, nn.tensor { false, true, true, false } }, { { 1, 2 }, { 1, 2, 3 }, int { 2, 3 } } },
  { { 2, 2, 3 }, { nn.tensor { { true, false }, { false, true } }, { 2, 3 } }, { int { 1, 2 }, int { 1, 2 }, { 2, 3 } } },
  { { 3, 4 }, { int { -1, 1 }, { 2, 3 } }, { int { 3, 1 }, { 2, 3 } } },
  { { 3, 2 }, { int { { 1, 2 }, { 3, 1 } } }, { int { { 1, 2 }, { 3, 1 } }, { 1, 2 } } },
}

function TestIndexTensors:test_reading_and_gradient()
  for number, case in ipairs(cases) do
    local x = nn.randn(case[1], { dtype = "float64" }):requires_grad_()
    local shape, place = model(case[3])
    local y = x[case[2]]
    lu.assertEquals({ table.unpack(y.shape) }, shape, "case " .. number)
    local w = nn.randn(shape, { dtype = "float64" })
    ;(y * w):sum():backward()
    local want = nn.zeros(case[1], { dtype = "float64" })
    for at in indices(shape) do
      local p = place(at)
      lu.assertEquals(get(y:detach(), at), get(x:detach(), p), "case " .. number)
      want[p] = get(want, p) + get(w, at)
    end
    lu.assertTrue((x.grad - want):abs():max():item() < 1e-12, "gradient of case " .. number)
  end
end

function TestIndexTensors:test_assigning()
  for number, case in ipairs(cases) do
    local shape, place = model(case[3])
    for _, value in ipairs { nn.randn(shape, { dtype = "float64" }), 7.5, nn.randn({ shape[#shape] }, { dtype = "float64" }) } do
      local x = nn.randn(case[1], { dtype = "float64" })
      local want = x:clone()
      local wide = nn.broadcast_to(nn.is_tensor(value) and value or nn.tensor(value, { dtype = "float64" }), shape)
      for at in indices(shape) do
        local p = place(at)
        want[p] = get(wide, at)
      end
      x[case[2]] = value
      lu.assertTrue(x:equal(want), ("case %d\ngot %s\nwant %s"):format(number, tostring(x), tostring(want)))
    end
  end
end

function TestIndexTensors:test_assigning_is_differentiable()
  local w = nn.tensor({ 1.0, 2.0 }, { requires_grad = true })
  local x = nn.zeros(3, 3)
  x[{ int { 1, 3 }, int { 2, 2 } }] = w * 3
  ;(x * nn.arange(9):reshape(3, 3)):sum():backward()
  lu.assertEquals(w.grad:totable(), { 3.0, 21.0 })
end

function TestIndexTensors:test_wrong_keys()
  local x = nn.zeros(2, 3)
  lu.assertErrorMsgContains("index 4 (element 2 of the index) is out of range 1..3", function()
    return x[{ {}, int { 1, 4 } }]
  end)
  lu.assertErrorMsgContains("there are more indices than dims", function()
    return x[{ int { 1 }, int { 1 }, int { 1 } }]
  end)
  lu.assertErrorMsgContains("a mask of shape 2 does not go with", function()
    return x[{ {}, nn.tensor { true, false } }]
  end)
  lu.assertErrorMsgContains("must be int64", function()
    return x[{ nn.tensor { 1.5 } }]
  end)
end

function TestIndexTensors:test_assigning_is_compiled()
  local index = int { 3, 1 }
  local function f(x, v)
    local y = x:clone()
    y[index] = v
    y[{ {}, int { 2 } }] = v:unsqueeze(2)
    return y
  end
  local compiled = nn.compile(f)
  for _ = 1, 3 do
    local x, v = nn.randn(3, 2), nn.randn(2)
    local ok = pcall(f, x, v)
    lu.assertFalse(ok) -- two values do not fill three rows of column 2
    v = nn.randn(1)
    lu.assertTrue(compiled(x, v):equal(f(x, v)))
  end
end

-- Of equal places the last counts, for gradients too: what was written over gets none.
function TestIndexTensors:test_gradients_of_equal_places()
  local function gradient(s, f)
    s:requires_grad_()
    f(s):sum():backward()
    return s.grad:totable()
  end
  lu.assertEquals(gradient(nn.rand(3), function(s)
    local y = nn.zeros(3)
    y[{ nn.tensor { 1, 1, 3 } }] = s
    return y
  end), { 0, 1, 1 })
  lu.assertEquals(gradient(nn.rand(2, 3), function(s)
    return nn.scatter(nn.zeros(2, 4), 2, nn.tensor { { 2, 2, 4 }, { 1, 2, 1 } }, s)
  end), { { 0, 1, 1 }, { 0, 1, 1 } })
  lu.assertEquals(gradient(nn.rand(2, 3), function(s)
    return nn.index_copy(nn.zeros(2, 4), 2, nn.tensor { 2, 2, 4 }, s)
  end), { { 0, 1, 1 }, { 0, 1, 1 } })
end
