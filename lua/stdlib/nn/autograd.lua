-- nn.autograd: operations with a backward written in Lua, checkpoints, hooks, and the search for nan.

local core = require "nn.core"
local options = require "nn.options"

local M = {}

-- ---- functions with their own backward ----

---@class nn.autograd.Function
local Function = {}

-- What forward and backward share. Results that are saved are kept without their history, so that nothing holds itself.
local Context = {}
Context.__index = Context

---Keeps tensors for backward; there, ctx:saved() gives them.
function Context:save_for_backward(...)
  self.kept = table.pack(...)
end

---@return nn.Tensor ...
function Context:saved()
  if not self.kept then
    core.raise("saved: forward kept nothing; call ctx:save_for_backward(...) there")
  end
  return table.unpack(self.kept, 1, self.kept.n)
end

---Runs forward without recording and makes its results depend on the tensors among the arguments.
function Function.apply(self, ...)
  local ctx = setmetatable({}, Context)
  local args = table.pack(...)
  local inputs, positions, wanted = {}, {}, false
  for i = 1, args.n do
    if core.is_tensor(args[i]) then
      inputs[#inputs + 1], positions[#positions + 1] = args[i], i
      wanted = wanted or args[i].requires_grad
    end
  end
  local outs = table.pack(core.no_grad(self.forward, ctx, ...))
  if not (wanted and core.is_grad_enabled()) then
    return table.unpack(outs, 1, outs.n)
  end
  local results = {}
  for i = 1, outs.n do
    if core.is_tensor(outs[i]) then
      for _, x in ipairs(inputs) do
        if rawequal(x, outs[i]) then -- an input passed through needs a history of its own
          outs[i] = x:detach()
        end
      end
      results[#results + 1] = outs[i]
    end
  end
  if ctx.kept then
    for i = 1, ctx.kept.n do
      for _, y in ipairs(results) do
        if rawequal(ctx.kept[i], y) then
          ctx.kept[i] = y:detach()
        end
      end
    end
  end
  local backward = self.backward
  core.custom(inputs, results, function(...)
    local grads = table.pack(backward(ctx, ...))
    local mine = {}
    for k, i in ipairs(positions) do
      mine[k] = grads[i]
    end
    return table.unpack(mine, 1, #positions)
  end)
  return table.unpack(outs, 1, outs.n)
end

local class = {
  __call = Function.apply,
  __index = Function,
  __tostring = function()
    return "nn.autograd.Function"
  end,
}

---An operation whose forward and backward are Lua functions:
---    local Cube = nn.autograd.Function {
---      forward = function(ctx, x) ctx:save_for_backward(x) return x * x * x end,
---      backward = function(ctx, g) local x = ctx:saved() return g * 3 * x * x end,
---    }
---    local y = Cube(x)
---backward gets a gradient for each result and gives one for each argument (nil for those that are no tensors).
---@param definition {forward: function, backward: function}
---@return nn.autograd.Function
function M.Function(definition)
  for _, name in ipairs { "forward", "backward" } do
    if type(definition) ~= "table" or type(definition[name]) ~= "function" then
      core.raise(("Function: takes {forward = function(ctx, ...) end, backward = function(ctx, ...) end}, but %s is %s"):format(
        name, core.describe(type(definition) == "table" and definition[name] or nil)))
    end
  end
  return setmetatable({ forward = definition.forward, backward = definition.backward }, class)
end

-- ---- checkpoints ----

---Calls f(...) without keeping what its gradients need, and calls it again on the way back: memory for time (Chen et al.
---2016). Random numbers are drawn the same again.
---@param f function
---@param ... any tensors and others
---@return any ... f's results
function M.checkpoint(f, ...)
  options.callable("checkpoint", f)
  local seed, counter = core.rng_state()
  local args = table.pack(...)
  local again = M.Function {
    forward = function(_, ...)
      return f(...)
    end,
    backward = function(_, ...)
      local seed_now, counter_now = core.rng_state()
      core.set_rng_state(seed, counter)
      local given = { n = args.n }
      for i = 1, args.n do
        given[i] = core.is_tensor(args[i]) and args[i]:detach():requires_grad_(args[i].requires_grad) or args[i]
      end
      local outs = table.pack(core.enable_grad(f, table.unpack(given, 1, given.n)))
      core.set_rng_state(seed_now, counter_now)
      local k = 0
      for i = 1, outs.n do
        if core.is_tensor(outs[i]) then
          k = k + 1
          local g = select(k, ...)
          if g and outs[i].requires_grad then
            outs[i]:backward(g, { retain_graph = true })
          end
        end
      end
      local grads = { n = args.n }
      for i = 1, args.n do
        grads[i] = core.is_tensor(given[i]) and given[i].grad or nil
      end
      return table.unpack(grads, 1, args.n)
    end,
  }
  -- parameters that f uses want gradients even where its arguments do not
  local anchor = core.zeros(0):requires_grad_()
  local through = M.Function {
    forward = function(ctx, _, ...)
      return again.forward(ctx, ...)
    end,
    backward = function(ctx, ...)
      return nil, again.backward(ctx, ...)
    end,
  }
  return through(anchor, ...)
end

-- ---- hooks and anomalies ----

---Calls f with x's gradient whenever one arrives (of a leaf: with the whole of one backward); what it returns takes its
---place.
---@param x nn.Tensor
---@param f fun(gradient: nn.Tensor): nn.Tensor?
---@return fun() remove takes the hook away again
function M.register_hook(x, f)
  local key = core.hook(x, f)
  core.structure_changed() -- a compiled function recorded before knows nothing of it
  return function()
    if key then
      core.remove_hook(x, key)
      key = nil
    end
  end
end
core.tensor_methods.register_hook = M.register_hook

---While f runs, a row that makes nan from inputs without nan is an error which names it, its line, and on the way back the
---line of the forward pass. Slow: every result is looked at. What nn.compile replays is not: look at the plain function.
---@param f function
---@param ... any its arguments
---@return any ... its results
function M.detect_anomaly(f, ...)
  options.callable("detect_anomaly", f)
  local was = core.set_anomaly(true)
  local results = table.pack(pcall(f, ...))
  core.set_anomaly(was)
  if not results[1] then
    error(results[2], 0)
  end
  return table.unpack(results, 2, results.n)
end

M.grad, M.no_grad, M.enable_grad = core.grad, core.no_grad, core.enable_grad

return setmetatable(M, {
  __index = function(_, name)
    options.unknown("nn.autograd", name, M)
  end,
})
