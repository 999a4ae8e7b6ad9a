-- What is seen of a model's layers while it is trained, for reports: sizes of activations and gradients, how far an update
-- goes, units that are dead. One batch an epoch is looked at; training does not change by it.

local core = require "nn.core"
local plain = require "nn.lab.plain"

local M = {}
M.__index = M

local function spread(x)
  return x:numel() > 1 and x:to("float64"):std():item() or 0
end

---@param model nn.Module
---@param loss function
---@param path string rows are appended to this file
function M.new(model, loss, path)
  return setmetatable({ model = model, loss = loss, path = path }, M)
end

local function is_leaf_layer(m)
  return #m:named_modules() == 1
end

-- Units whose output is 0 for every sample of the batch.
local function dead_share(x)
  if x.ndim < 2 or not x.dtype:find "float" then
    return nil
  end
  local flat = x:reshape(x.shape[1], -1)
  return flat:abs():amax(1):eq(0):to("float64"):mean():item()
end

---Looks at one batch, and writes a row of what it saw. How far the updates went is told from the second look on.
function M:look(x, y, row)
  local seed, counter = core.rng_state()
  local model, seen, removals = self.model, {}, {}
  local grads, buffers = {}, {}
  for i, entry in ipairs(model:named_parameters()) do
    grads[i] = { entry[2], entry[2].grad }
    entry[2].grad = nil
  end
  for i, entry in ipairs(model:named_buffers()) do
    buffers[i] = { entry[2], entry[2]:clone() }
  end
  for _, entry in ipairs(model:named_modules()) do
    local name, m = entry[1], entry[2]
    if name ~= "" and is_leaf_layer(m) then
      removals[#removals + 1] = m:register_forward_hook(function(_, output)
        output = type(output) == "table" and output[1] or output -- the first of several
        if core.is_tensor(output) then
          seen[#seen + 1] = { name = name, kind = m._name, module = m, activation = spread(output:detach()),
            dead = (m._name or ""):find "ReLU" and dead_share(output:detach()) or nil }
        end
      end)
    end
  end
  local ok, why = pcall(function()
    self.loss(model(x), y):backward()
  end)
  for _, remove in ipairs(removals) do
    remove()
  end
  local weights, layers = {}, {}
  for i, one in ipairs(seen) do
    local weight, gradient, moved = 0, 0, 0
    for _, entry in ipairs(one.module:named_parameters()) do
      local p = entry[2]
      local now = p:detach():to "float64"
      weight = weight + now:square():sum():item()
      gradient = gradient + (p.grad and p.grad:to("float64"):square():sum():item() or 0)
      local key = one.name .. "." .. entry[1]
      weights[key] = now:clone()
      if self.weights and self.weights[key] then
        moved = moved + (now - self.weights[key]):square():sum():item()
      end
    end
    layers[i] = { name = one.name, kind = one.kind, activation = one.activation, dead = one.dead }
    if weight > 0 then
      layers[i].weight, layers[i].gradient = math.sqrt(weight), math.sqrt(gradient)
      layers[i].update = self.weights and math.sqrt(moved / weight) or nil
    end
  end
  self.weights = weights
  for i, entry in ipairs(model:named_parameters()) do
    entry[2].grad = grads[i][2]
  end
  core.no_grad(function()
    for _, pair in ipairs(buffers) do
      pair[1]:copy_(pair[2])
    end
  end)
  core.set_rng_state(seed, counter)
  if not ok then
    error(why, 0)
  end
  local f = assert(io.open(self.path, "ab"))
  f:write(plain.encode { epoch = row.epoch, layers = layers }, "\n")
  f:close()
end

return M
