-- Where a loss that is not finite began: which input, which weights, or which operation in which layer.

local core = require "nn.core"

local M = {}

local function all_finite(x)
  return not x.dtype:find "float" or x:isfinite():all():item()
end

-- The first parameter or buffer that is not finite, by name.
local function bad_weight(model)
  for _, list in ipairs { model:named_parameters(), model:named_buffers() } do
    for _, entry in ipairs(list) do
      if not all_finite(entry[2]) then
        return entry[1]
      end
    end
  end
end

-- Runs the forward pass again, looking at each operation's result; says what it was and in which layer.
local function look(model, loss, x, y)
  local within, removals = {}, {}
  for _, entry in ipairs(model:named_modules()) do
    local name, m = entry[1], entry[2]
    if name ~= "" then
      removals[#removals + 1] = m:register_forward_pre_hook(function()
        within[#within + 1] = ("layer '%s' (%s)"):format(name, m._name or "a layer")
      end)
      removals[#removals + 1] = m:register_forward_hook(function()
        within[#within] = nil
      end)
    end
  end
  local where
  local was = core.set_anomaly(true, true)
  local ok, why = core.try(core.no_grad, function()
    local output = model(x)
    where = "the loss"
    return loss(output, y)
  end)
  core.set_anomaly(was)
  for _, remove in ipairs(removals) do
    remove()
  end
  return ok and nil or tostring(why), within[#within] or where or "the model"
end

---A sentence about where it began, or "" where that cannot be found. Random numbers stay where they were.
---@param o table fit's options
---@param x any
---@param y any
function M.explain(o, x, y)
  local name = bad_weight(o.model)
  if name then
    return ("; the weights were not finite before it: '%s'. The update before this step made them so"):format(name)
  elseif core.is_tensor(x) and not all_finite(x) then
    return "; the inputs of this batch are not finite"
  elseif core.is_tensor(y) and not all_finite(y) then
    return "; the targets of this batch are not finite"
  end
  local seed, counter = core.rng_state()
  local buffers = {}
  for i, entry in ipairs(o.model:named_buffers()) do
    buffers[i] = { entry[2], entry[2]:clone() }
  end
  local ok, why, where = core.try(look, o.model, o.loss, x, y)
  core.set_rng_state(seed, counter)
  core.no_grad(function() -- running statistics saw the batch once more
    for _, pair in ipairs(buffers) do
      pair[1]:copy_(pair[2])
    end
  end)
  if ok and why then
    return ("; it began in %s: %s"):format(where, (why:gsub("^[^:]*:%d+: ", "")))
  end
  return ""
end

return M
