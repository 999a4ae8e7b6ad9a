-- nn.autograd: operations with a backward written in Lua, checkpoints, hooks, and the search for nan.

local core = require "nn.core"
local options = require "nn.internal.options"

local M = {}

-- ---- functions with their own backward ----

---@class nn.autograd.Function
local Function = {}

-- What forward and backward share.
local Context = options.class "nn.autograd.Context"

---Keeps tensors for backward; there, ctx:saved() gives them. Arguments and results keep their history, so that backward can
---be differentiated in turn; what is changed in place before then is an error there. Other values can be fields of ctx.
---example:
---  > function forward(ctx, x) ctx:save_for_backward(x) return x ^ 2 end
---  > function backward(ctx, g) local x = ctx:saved() return g * 2 * x end
---  > x = nn.tensor({3.0}, {requires_grad = true})
---  > nn.autograd.Function {forward = forward, backward = backward} (x):sum():backward()
---  > x.grad
---  tensor([6.], shape=1, float32)
---see: nn.Context:saved, nn.autograd.Function
function Context:save_for_backward(...)
  local kept = table.pack(...)
  for i = 1, kept.n do
    if not core.is_tensor(kept[i]) then
      core.raise(("save_for_backward: takes tensors, but argument %d is %s; other values can be fields of ctx"):format(i,
        core.describe(kept[i])))
    end
  end
  self.kept = kept
end

---Gives the tensors that forward kept with save_for_backward, in their order. Without any it is an error.
---@return nn.Tensor ...
---example:
---  > function forward(ctx, a, b) ctx:save_for_backward(a, b) return a * b end
---  > function backward(ctx, g) local a, b = ctx:saved() return g * b, g * a end
---  > a, b = nn.tensor({3.0}, {requires_grad = true}), nn.tensor {4.0}
---  > nn.autograd.Function {forward = forward, backward = backward} (a, b):sum():backward()
---  > a.grad
---  tensor([4.], shape=1, float32)
---see: nn.Context:save_for_backward, nn.autograd.Function
function Context:saved()
  if not self.kept then
    core.raise("saved: forward kept nothing; call ctx:save_for_backward(...) there")
  end
  return table.unpack(self.kept, 1, self.kept.n)
end

---Says whether backward gets zeros (true, as at the start) or nil as the gradient of a result that nothing depends on.
---@param on boolean
---example:
---  > function forward(ctx, x) ctx:set_materialize_grads(false) return x * 1, x * 2 end
---  > function backward(ctx, g1, g2) print(g1, g2) return g2 * 2 end
---  > x = nn.tensor({1.0}, {requires_grad = true})
---  > first, second = nn.autograd.Function {forward = forward, backward = backward} (x)
---  > second:backward()
---  nil	tensor([1.], shape=1, float32)
---see: nn.autograd.Function, nn.Context:saved
function Context:set_materialize_grads(on)
  self.no_zeros = not on
end

-- The argument that forward changed in place, if it did.
local function changed_argument(inputs, versions, positions)
  for i, x in ipairs(inputs) do
    if core.storage_version(x) ~= versions[i] then
      return positions[i]
    end
  end
  return nil
end

local function split_tensors(args)
  local inputs, positions, versions, wanted = {}, {}, {}, false
  for i = 1, args.n do
    if core.is_tensor(args[i]) then
      local k = #inputs + 1
      inputs[k], positions[k], versions[k] = args[i], i, core.storage_version(args[i])
      wanted = wanted or args[i].requires_grad
    end
  end
  return inputs, positions, versions, wanted
end

---Runs forward without recording and makes its results depend on the tensors among the arguments.
function Function.apply(self, ...)
  local ctx = setmetatable({}, Context)
  local count = select("#", ...)
  local inputs, positions, versions, wanted = split_tensors(table.pack(...))
  wanted = wanted and core.is_grad_enabled()
  local serial = core.storage_serial()
  local outs = table.pack(core.no_grad(self.forward, ctx, ...))
  if not wanted then
    return table.unpack(outs, 1, outs.n)
  end
  local changed = changed_argument(inputs, versions, positions)
  if changed then
    core.raise(("Function: forward changed its argument %d in place, which backward could not know of; compute a new tensor")
      :format(changed))
  end
  local results, places = {}, {}
  for i = 1, outs.n do
    if core.is_tensor(outs[i]) then
      results[#results + 1], places[#places + 1] = outs[i], i
    end
  end
  local kept = ctx.kept or { n = 0 }
  ctx.kept = nil -- the graph keeps them
  local shapes = {}
  for k, y in ipairs(results) do
    shapes[k] = { y.shape, y.dtype }
  end
  local backward = self.backward
  local own = core.custom(inputs, results, { table.unpack(kept, 1, kept.n) }, function(saved, ...)
    local given = table.pack(...)
    for k = 1, #shapes do
      if given[k] == nil and not ctx.no_zeros then
        given[k] = core.zeros(shapes[k][1], { dtype = shapes[k][2] })
      end
    end
    saved.n = kept.n
    ctx.kept = saved
    local grads = table.pack(backward(ctx, table.unpack(given, 1, #shapes)))
    ctx.kept = nil
    if grads.n > count or grads.n < positions[#positions] then
      core.raise(("Function: forward took %d argument%s, so backward must return as many gradients (nil for those that have "
        .. "none), but it returned %d"):format(count, count == 1 and "" or "s", grads.n))
    end
    local mine = {}
    for k, i in ipairs(positions) do
      mine[k] = grads[i]
    end
    return table.unpack(mine, 1, #positions)
  end, serial)
  kept = { n = kept.n }
  for k, i in ipairs(places) do
    outs[i] = own[k]
  end
  return table.unpack(outs, 1, outs.n)
end

local class = {
  __call = Function.apply,
  __index = Function,
  __tostring = function()
    return "nn.autograd.Function"
  end,
}

---Makes an operation with a gradient of one's own: its forward and backward are Lua functions. backward gets a gradient for
---each result (zeros where nothing depends on it) and gives one for each argument (nil for those that are no tensors).
---Written with operations that have gradients, it can be differentiated in turn.
---@param definition {forward: function, backward: function}
---@return nn.autograd.Function
---example:
---  > function forward(ctx, x) ctx:save_for_backward(x) return x * x * x end
---  > function backward(ctx, g) local x = ctx:saved() return g * 3 * x * x end
---  > Cube = nn.autograd.Function {forward = forward, backward = backward}
---  > x = nn.tensor({2.0}, {requires_grad = true})
---  > Cube(x):sum():backward()
---  > x.grad
---  tensor([12.], shape=1, float32)
---see: nn.Context:save_for_backward, nn.autograd.checkpoint, nn.grad
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

---Saves memory in a backward pass: calls f(...) without keeping what its gradients need, and again on the way back, when the
---first of these is needed: memory for time. The graph is that of the plain call, so gradients of any order and for any
---tensor are, too. Random numbers are drawn the same again, and running averages that f changes are changed once. f must do
---the same when it is called again; where it does not, the backward is an error that says so.
---@param f function
---@param ... any tensors and others
---@return any ... f's results
---example:
---  > block = nn.Sequential(nn.Linear(4, 4), nn.Tanh(), nn.Linear(4, 4))
---  > y = nn.checkpoint(block, nn.randn(2, 4))
---  > y:sum():backward()
---  > block[1].weight.grad.shape
---  4x4
---see: nn.no_grad, nn.scope, nn.memory
---source: Chen, Xu, Zhang & Guestrin 2016, "Training deep nets with sublinear memory cost"
function M.checkpoint(f, ...)
  options.callable("checkpoint", f)
  if not core.is_grad_enabled() or core.is_recording() then
    return f(...) -- nothing is kept, or a compiled function decides what is
  end
  local args = table.pack(...)
  local tensors, positions = {}, {}
  for i = 1, args.n do
    if core.is_tensor(args[i]) then
      tensors[#tensors + 1], positions[#positions + 1] = args[i], i
      args[i] = false -- the region keeps it
    end
  end
  local function again(...)
    local given = table.move(args, 1, args.n, 1, {})
    for k, i in ipairs(positions) do
      given[i] = (select(k, ...))
    end
    f(table.unpack(given, 1, args.n))
  end
  local _ <close> = core.region(again, tensors)
  return f(...)
end

-- ---- hooks and anomalies ----

---Calls f with x's gradient whenever one arrives: to look at it or to change it; what f returns takes its place. Of a
---leaf, that is the whole gradient of one backward. Also x:register_hook(f). Gives a function that takes the hook away again.
---@param x nn.Tensor
---@param f fun(gradient: nn.Tensor): nn.Tensor?
---@return fun() remove
---example:
---  > x = nn.tensor({1.0}, {requires_grad = true})
---  > remove = x:register_hook(function(g) return g * 10 end)
---  > (x * 2):sum():backward()
---  > x.grad
---  tensor([20.], shape=1, float32)
---see: nn.Module:register_forward_hook, nn.autograd.detect_anomaly
function M.register_hook(x, f)
  local handle = core.hook(x, f)
  return function()
    core.remove_hook(x, handle)
  end
end
core.tensor_methods.register_hook = M.register_hook

---Looks for where nan begins: while f runs, an op that makes nan from inputs without nan is an error which names it, its
---line, and on the way back the line of the forward pass. Slow: every result is looked at. What nn.compile replays is not:
---look at the plain function.
---@param f function
---@param ... any its arguments
---@return any ... its results
---example:
---  > f = function(x) return (x - 1):log():sum() end
---  > (pcall(nn.autograd.detect_anomaly, f, nn.tensor {0.5}))
---  false
---  > nn.autograd.detect_anomaly(f, nn.tensor {2.0})
---  tensor(0., float32)
---see: nn.autograd.register_hook, nn.isfinite, nn.train.fit
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

return options.namespace("nn.autograd", M)
