-- What a diagnosis may not change, written down before it and put back after it: fields and modes of the modules, weights,
-- buffers and gradients, the random numbers, and where the loader is.

local core = require "nn.core"

local M = {}

local function is_generator(v)
  local meta = type(v) == "userdata" and debug.getmetatable(v)
  return type(meta) == "table" and meta.__name == "nn.Generator"
end

local function equal_bits(a, b)
  -- equal() calls nan different from itself; then the copy is written back, which does no harm
  return a:equal(b)
end

-- Fields of an object, those that have an order (assigned ones) and the hidden ones.
local function copy_of_fields(m)
  local values, order = core.fields(m)
  local copy, named = {}, {}
  for key, v in next, values do
    copy[key] = v
  end
  for _, key in ipairs(order) do
    named[key] = true
  end
  return { module = m, values = copy, named = named }
end

local function put_fields_back(saved)
  local now, named_now = {}, {}
  local values, order = core.fields(saved.module)
  for key, v in next, values do
    now[key] = v
  end
  for _, key in ipairs(order) do
    named_now[key] = true
  end
  for key in pairs(now) do
    if saved.values[key] == nil then
      (named_now[key] and core.set_field or core.set_hidden)(saved.module, key, nil)
    end
  end
  for key, v in pairs(saved.values) do
    if not rawequal(now[key], v) then
      (saved.named[key] and core.set_field or core.set_hidden)(saved.module, key, v)
    end
  end
end

---Writes down a model's and a loader's state.
---@return fun() back puts all of it back
function M.hold(model, loader)
  local seed, counter = core.rng_state()
  local objects, tensors, generators = {}, {}, {}
  local function generator(g)
    generators[#generators + 1] = { g, g:state() }
  end
  for i, entry in ipairs(model:named_modules()) do
    objects[i] = copy_of_fields(entry[2])
    for _, v in pairs(objects[i].values) do
      if is_generator(v) then
        generator(v)
      end
    end
  end
  local state = core.walk(model, "state")
  for i = 2, #state, 2 do
    local t = state[i]
    tensors[#tensors + 1] = { t, t:detach():clone(), t.requires_grad, t.grad, t.grad and t.grad:detach():clone() }
  end
  local pass = type(loader) == "table" and { resumed = rawget(loader, "resumed"), started = rawget(loader, "started") } or nil
  if pass and is_generator(rawget(loader, "generator")) then
    generator(rawget(loader, "generator"))
  end
  return function()
    for _, saved in ipairs(objects) do
      put_fields_back(saved)
    end
    core.no_grad(function()
      for _, saved in ipairs(tensors) do
        local t, copy, wanted, grad, grad_copy = table.unpack(saved, 1, 5)
        if not equal_bits(t:detach(), copy) then
          t:detach():copy_(copy)
        end
        if t.is_leaf and t.requires_grad ~= wanted then
          t.requires_grad = wanted
        end
        local now = t.grad
        if (now == nil) ~= (grad == nil) or now and core.storage_id(now) ~= core.storage_id(grad) then
          t.grad = grad
        end
        if grad and not equal_bits(grad:detach(), grad_copy) then
          grad:detach():copy_(grad_copy)
        end
      end
    end)
    for _, g in ipairs(generators) do
      g[1]:set_state(g[2])
    end
    if pass then
      for key, v in pairs(pass) do
        rawset(loader, key, v)
      end
    end
    core.set_rng_state(seed, counter)
  end
end

---Calls f(...) between writing down and putting back, also where f fails.
function M.around(model, loader, f)
  local back = M.hold(model, loader)
  local ok, result = xpcall(f, function(e)
    return e
  end)
  back()
  if not ok then
    error(result, 0)
  end
  return result
end

return M
