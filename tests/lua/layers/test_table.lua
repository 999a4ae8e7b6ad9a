-- What holds for every entry of the layer table, by going through it.

local lu = require "luaunit"
local nn = require "nn"
local cases = require "layer_cases"
local core = require "nn.core"

TestLayerTable = {}

local function text_of(object)
  return tostring(object):match "^[^\n]-%)" or tostring(object)
end

-- The same numbers, and nan at the same places.
local function same_values(a, b)
  return a:ne(a):equal(b:ne(b)) and nn.where(a:eq(a), a, 0):equal(nn.where(b:eq(b), b, 0))
end

function TestLayerTable:test_entries_are_whole()
  cases.each(function(entry)
    lu.assertTrue(entry.doc:find "%.[%)\"]?$" ~= nil, entry.name .. ": its doc is no sentence")
    lu.assertNotNil(entry.example, entry.name .. " has no example")
    lu.assertNotNil(assert(load("local nn = ... return " .. entry.example, entry.name))(nn), entry.name)
    lu.assertNotNil(cases.make(entry), entry.name)
    if entry.inputs then
      lu.assertNotNil(cases.inputs(entry, cases.make(entry)), entry.name .. ": no inputs found that it takes")
    end
  end)
end

-- What print shows makes the same layer again.
function TestLayerTable:test_printed_as_written()
  local count = 0
  cases.each(function(entry)
    local has_layers = entry.family == "containers"
    for _, f in ipairs(entry.fields) do
      has_layers = has_layers or f.kind == "layer" or f.kind == "layers" or f.kind == "part"
    end
    for _, f in ipairs(entry.fields) do
      for _, value in ipairs(f.setting and not has_layers and f.kind ~= "tensor" and cases.values(f) or {}) do
        local ok, object = pcall(cases.make, entry, { [f.name] = value })
        if ok then
          local text = text_of(object)
          local named, n = text:gsub("%((%l[%w_]* = .*)%)$", "({%1})")
          named = n > 0 and named or text:gsub(", (%l[%w_]* = .*)%)$", ", {%1})")
          local again = assert(load("local nn = ... return nn." .. named, text))(nn)
          lu.assertEquals(text_of(again), text)
          count = count + 1
          for _, g in ipairs(entry.fields) do
            if g.setting and g.stored then
              lu.assertEquals(again[g.name], object[g.name], text .. ": " .. g.name)
            end
          end
        end
      end
    end
  end)
  lu.assertTrue(count > 100, ("only %d settings were read back"):format(count))
end

-- A wrong setting is told in the same words where it is made and where it is assigned; nothing changes then.
function TestLayerTable:test_settings_are_checked()
  local count = 0
  local wrong = { "x", 0 / 0, -1e9, { "a" }, 1e9, true, print }
  cases.each(function(entry)
    local object = cases.make(entry)
    for _, f in ipairs(entry.fields) do
      for _, value in ipairs(f.setting and f.stored and wrong or {}) do
        local before = object[f.name]
        local set, why_set = pcall(function()
          object[f.name] = value
        end)
        if f.fixed and not set and why_set:find "is settled when" then
          count = count + 1
          lu.assertEquals(object[f.name], before)
        elseif not set then
          local made, why = pcall(cases.make, entry, { [f.name] = value })
          count = count + 1
          lu.assertFalse(made, ("%s: %s = %s"):format(entry.name, f.name, tostring(value)))
          lu.assertEquals((why_set:gsub("^.-: ", "", 1)), (why:gsub("^.-: ", "", 1):gsub("option ", "", 1)))
          lu.assertEquals(object[f.name], before)
          lu.assertNil(why:find("stdlib", 1, true), why)
        else
          object[f.name] = before
        end
      end
    end
  end)
  lu.assertTrue(count > 300, count .. " refusals")
end

-- Gradients of inputs and parameters against differences, in float64; random layers draw the same numbers each time.
-- Not derivatives: a step's is straight through; u and v of the spectral norm count as constants while they move.
local surrogate = { Step = { [true] = true, [false] = true }, SpectralNorm = { [true] = true } }

local function check_gradient(entry, object, inputs)
  local tensors = {}
  for i, x in ipairs(inputs) do
    if x.dtype == "float32" then
      inputs[i] = x:double()
      if i == 1 or entry.inputs == "mean, target, variance" and i == 3 then
        tensors[#tensors + 1] = inputs[i]
        inputs[i].requires_grad = true
      end
    end
  end
  for _, p in ipairs(object:parameters()) do
    tensors[#tensors + 1] = p
  end
  local state = object:state_dict()
  for name, t in pairs(state) do
    state[name] = t:clone()
  end
  local weights
  local function value()
    nn.manual_seed(3)
    object:load_state_dict(state)
    local total
    for _, y in ipairs { object(table.unpack(inputs)) } do
      weights = weights or nn.rand(y.shape, { dtype = "float64" }) + 0.5
      local part = (y.shape == weights.shape and y * weights or y):sum()
      total = total and total + part or part
    end
    return total
  end
  local gradients = nn.grad(value(), tensors, { allow_unused = true })
  for k, t in ipairs(tensors) do
    local g = gradients[k] and gradients[k]:reshape(-1) or nn.zeros({ t:numel() }, { dtype = "float64" })
    for _, at in ipairs { 1, t:numel() // 2 + 1, t:numel() } do
      local function moved(d)
        return nn.no_grad(function()
          local flat = t:detach():reshape(-1)
          local old = flat[at]:item()
          flat[at] = old + d
          state = {}
          for name, s in pairs(object:state_dict()) do
            state[name] = s:clone()
          end
          local v = value():item()
          flat[at] = old
          return v
        end)
      end
      local h = 1e-6
      local numeric = (moved(h) - moved(-h)) / (2 * h)
      local analytic = g[at]:item()
      if math.abs(numeric - analytic) > 1e-5 * math.max(1, math.abs(numeric)) then
        lu.fail(("%s: gradient of tensor %d, element %d: %g, by differences %g"):format(text_of(object), k, at, analytic, numeric))
      end
    end
  end
end

function TestLayerTable:test_gradients()
  local count = 0
  cases.each(function(entry)
    for _, training in ipairs { true, false } do
      nn.manual_seed(2)
      local object = cases.make(entry)
      local inputs = not (surrogate[entry.name] and surrogate[entry.name][training]) and cases.inputs(entry, object)
      if inputs and (inputs[1].dtype == "float32" or #object:parameters() > 0) then
        object:to "float64"
        object:train(training)
        check_gradient(entry, object, inputs)
        count = count + 1
      end
    end
  end)
  lu.assertTrue(count > 140, count .. " layers")
end

-- The same bits compiled, in training and in evaluation, also after each setting has changed.
function TestLayerTable:test_compiled()
  local count = 0
  cases.each(function(entry)
    local object = cases.make(entry)
    local inputs = cases.inputs(entry, object)
    if not inputs then
      return
    end
    local run
    local function compile()
      run = nn.compile(function(...)
        return object(...)
      end)
    end
    compile()
    local function same(what)
      local function outs(f)
        nn.manual_seed(7)
        local list = table.pack(pcall(f, table.unpack(inputs)))
        for i = 2, list.n do
          list[i] = list[1] and tostring(list[i]:detach():double():totable()) and list[i]:detach():clone() or list[i]
        end
        return list
      end
      local state = {}
      for name, t in pairs(object:state_dict()) do
        state[name] = t:clone()
      end
      local a = outs(object)
      object:load_state_dict(state)
      local b = outs(run)
      lu.assertEquals(b[1], a[1], ("%s, %s: %s"):format(text_of(object), what, tostring(b[2])))
      for i = 2, a[1] and a.n or 1 do
        lu.assertTrue(same_values(a[i], b[i]), ("%s, %s"):format(text_of(object), what))
      end
      count = count + 1
    end
    same "as it is made"
    object:eval()
    same "in evaluation"
    object:train()
    for _, f in ipairs(entry.fields) do
      for _, value in ipairs(f.setting and f.stored and cases.values(f) or {}) do
        local before = object[f.name]
        if pcall(function()
          object[f.name] = value
        end) then
          compile() -- recordings are limited
          object[f.name] = before
          same "once more"
          object[f.name] = value
          same(("%s = %s"):format(f.name, tostring(value)))
          object[f.name] = before
          same(f.name .. " as before")
        end
      end
    end
  end)
  lu.assertTrue(count > 500, count .. " comparisons")
end

-- Wrong inputs are told in the layer's name and the user's line.
function TestLayerTable:test_inputs_are_checked()
  local wrong = { 3, "x", {}, print, nn.Tanh, true }
  cases.each(function(entry)
    local object = cases.make(entry)
    for _, value in ipairs(entry.inputs and wrong or {}) do
      local ok, why = pcall(object, value)
      lu.assertFalse(ok, entry.name)
      lu.assertStrContains(why, entry.name == "Sequential" and "Linear(4, 4)" or entry.name)
      lu.assertStrContains(why, "must be a tensor, but is")
      lu.assertNil(why:find("stdlib", 1, true), why)
    end
    for _, value in ipairs { 3, "x", {}, nn.Identity(), nn.Tanh } do
      for _, method in ipairs { "forward", "init", "extra" } do
        if nn[entry.name][method] and not (entry.name == "Identity" and value == nn.Identity()) then
          local ok, why = pcall(nn[entry.name][method], value, nn.ones(2))
          if not ok then
            lu.assertNil(why:find("stdlib", 1, true), why)
          end
        end
      end
    end
  end)
end

-- Copies are the same layer, with tensors of their own.
function TestLayerTable:test_copies()
  cases.each(function(entry)
    local object = cases.make(entry)
    local copy = object:clone()
    lu.assertEquals(tostring(copy), tostring(object))
    lu.assertEquals(core.entry_of(copy), entry.name)
    local inputs = cases.inputs(entry, object)
    if inputs then
      nn.manual_seed(4)
      copy:load_state_dict(object:state_dict())
      object(table.unpack(inputs))
      copy = object:clone()
      object:eval()
      copy:eval()
      nn.manual_seed(4)
      local y = object(table.unpack(inputs))
      nn.manual_seed(4)
      local z = copy(table.unpack(inputs))
      lu.assertTrue(same_values(y, z), entry.name)
    end
    for _, p in ipairs(copy:parameters()) do
      for _, q in ipairs(object:parameters()) do
        lu.assertFalse(p == q, entry.name)
      end
    end
  end)
end

-- Every method of every class, called on everything: a result, or an error that blames the caller.
function TestLayerTable:test_methods_of_everything()
  local count = 0
  local methods = { "new", "call" }
  for name, f in pairs(core.fields(nn.Module)) do
    if type(f) == "function" then
      methods[#methods + 1] = name
    end
  end
  table.sort(methods)
  cases.each(function(entry)
    local class = nn[entry.name]
    local names = { table.unpack(methods) }
    for _, own in ipairs { "init", "forward", "extra", "weight", "add" } do
      names[#names + 1] = type(rawget(core.fields(class), own)) == "function" and own or nil
    end
    local selves = {
      false, 1, "x", {}, print, nn.ones(2), coroutine.create(print), class, nn.Identity, nn.Tanh(), nn.Linear(2, 2), io.stdout,
      nn.optim.SGD({ nn.Parameter(nn.ones(1)) }, { lr = 1 }), nn.Generator(1), cases.make(entry), setmetatable({}, { __index = class }),
    }
    for _, method in ipairs(names) do
      for i = 0, #selves do
        for _, argument in ipairs { false, nn.ones(2, 4), 3 } do
          local ok, why = pcall(class[method], selves[i] or nil, argument or nil)
          count = count + 1
          if not ok then
            lu.assertNil(tostring(why):find("stdlib", 1, true), ("%s.%s: %s"):format(entry.name, method, tostring(why)))
            lu.assertNil(tostring(why):find "attempt to %l+ a", ("%s.%s: %s"):format(entry.name, method, tostring(why)))
          end
        end
      end
    end
  end)
  lu.assertTrue(count > 50000, count .. " calls")
end
