-- nn.autograd: operations with a backward written in Lua, checkpoints, hooks, the search for nan, and the
-- check against differences.

local core = require "nn.core"
local options = require "nn.internal.options"

local M = {}

-- ---- functions with their own backward ----

---@class nn.autograd.Function
local Function = {}

-- What forward and backward share.
local Context = options.class "nn.autograd.Context"

---Keeps tensors for backward; there, ctx:saved() gives them (ctx.saved_tensors as a list). Arguments and results keep their
---history, so that backward can be differentiated in turn; what is changed in place before then is an error there. Other values
---can be fields of ctx.
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

-- What PyTorch's users look for.
local methods = Context.__index
function Context.__index(self, key)
  if key == "saved_tensors" then
    return { self:saved() }
  end
  return methods[key]
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
  if type(self) ~= "table" or not self.forward then
    core.raise(("apply: is called on a Function: F:apply(x), or F(x), but got %s"):format(core.describe(self)))
  end
  local count, args = select("#", ...), table.pack(...)
  local ctx = setmetatable({ needs_input_grad = {} }, Context)
  for i = 1, count do
    ctx.needs_input_grad[i] = core.is_tensor(args[i]) and args[i].requires_grad
  end
  local inputs, positions, versions, wanted = split_tensors(args)
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
---Written with operations that have gradients, it can be differentiated in turn. ctx.needs_input_grad[i] tells whether argument i
---wants a gradient.
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

-- ---- gradients against differences ----

-- "[2, 3]" of the i-th element of a shape.
local function place_in(shape, i)
  local at = {}
  i = i - 1
  for d = #shape, 1, -1 do
    at[d], i = i % shape[d] + 1, i // shape[d]
  end
  return ("[%s]"):format(table.concat(at, ", "))
end

local function number(v)
  return v ~= v and "nan" or ("%.9g"):format(v)
end

-- A call of f with the same random numbers each time. Gives its float results, in float64.
local function call_again(f, args, random)
  core.set_rng_state(random[1], random[2])
  local given = table.pack(f(table.unpack(args, 1, args.n)))
  local outputs = {}
  for k = 1, given.n do
    local y = given[k]
    if not core.is_tensor(y) then
      core.raise(("gradcheck: the function must give tensors, but result %d is %s"):format(k, core.describe(y)))
    elseif y.dtype == "float32" then
      core.raise(("gradcheck: result %d of the function is float32, in which differences are mostly rounding; make what it uses "
        .. "float64, e.g. model:to(\"float64\")"):format(k))
    elseif y.dtype == "float64" then
      outputs[#outputs + 1] = y
    end
  end
  if #outputs == 0 then
    core.raise "gradcheck: the function gives no float tensor"
  end
  return outputs
end

-- The arguments as float64 leaves of our own, and the places of those that are looked at: those that require a gradient, or all
-- that are floats if none does.
local function leaves_of(inputs)
  local list = core.is_tensor(inputs) and { inputs } or core.fields(inputs) or inputs
  local args, floats, wanted = { n = #list }, {}, {}
  for i = 1, args.n do
    local x = list[i]
    if core.is_tensor(x) and x.dtype:find "float" then
      args[i] = x:detach():to("float64"):clone():requires_grad_()
      floats[#floats + 1] = i
      wanted[#wanted + 1] = x.requires_grad and i or nil
    else
      args[i] = x
    end
  end
  if #floats == 0 then
    core.raise "gradcheck: there is no float tensor among the inputs"
  end
  return args, #wanted > 0 and wanted or floats
end

-- For each output a matrix, as lists: gradient[o][e] of its element o for element e of the input.
local function by_backward(outputs, x)
  local all = {}
  for k, y in ipairs(outputs) do
    local rows, flat = {}, y:reshape(-1)
    for o = 1, #flat do
      local g = y.requires_grad and core.grad(flat[o], x, { retain_graph = true, allow_unused = true })
      rows[o] = (g or core.zeros_like(x)):reshape(-1):totable()
    end
    all[k] = rows
  end
  return all
end

-- The outputs' changes for a change of element e of input i, as lists.
local function by_differences(f, args, i, e, eps, random)
  local function moved(by)
    local copies = table.move(args, 1, args.n, 1, { n = args.n })
    for k = 1, args.n do
      copies[k] = core.is_tensor(args[k]) and args[k]:detach():clone() or args[k]
    end
    local flat = copies[i]:reshape(-1)
    flat[e] = flat[e]:item() + by
    for k = 1, args.n do -- as in the first call: f may ask for gradients itself
      if core.is_tensor(args[k]) and args[k].requires_grad then
        copies[k]:requires_grad_()
      end
    end
    local out = core.enable_grad(call_again, f, copies, random)
    for k, y in ipairs(out) do
      out[k] = y:detach():clone()
    end
    return out
  end
  local up, down = moved(eps), moved(-eps)
  for k, y in ipairs(up) do
    up[k] = ((y - down[k]) / (2 * eps)):reshape(-1):totable()
  end
  return up
end

---Holds the gradients of f against central differences, in float64: true, or an error that names the first element where they
---differ, and both numbers. They may differ by atol + rtol * |difference quotient|.
---inputs: a tensor, or a list of what f is called with; of the float tensors among them those that require a gradient are
---looked at, or all if none does. They are copied to float64; what else f uses must be float64 already. Random numbers (dropout)
---are the same in each call. At a kink, such as ReLU at 0, the two rightly differ. It takes a backward for each element of the
---results, and two calls for each element of the inputs.
---@param f function
---@param inputs nn.Tensor|table
---@param opts? {eps: number, atol: number, rtol: number} 1e-6, 1e-5, 1e-3
---@return boolean true
---example:
---  > nn.autograd.gradcheck(function(x, w) return x:matmul(w):tanh() end, {nn.randn(3, 4), nn.randn(4, 2)})
---  true
---  > nn.autograd.gradcheck(function(x) return x:detach() * x end, {nn.tensor {2.0}})
---  error: ...gradcheck: ...
---see: nn.autograd.Function, nn.func.jacobian, nn.grad
function M.gradcheck(f, inputs, opts)
  options.callable("gradcheck", f)
  local o = options.read("gradcheck", opts, {
    eps = { "number", 1e-6, above = 0 }, atol = { "number", 1e-5, least = 0 }, rtol = { "number", 1e-3, least = 0 },
  })
  local args, places = leaves_of(inputs)
  local random = table.pack(core.rng_state())
  local outputs = core.enable_grad(call_again, f, args, random)
  for _, i in ipairs(places) do
    local exact, shape = by_backward(outputs, args[i]), args[i].shape
    for e = 1, args[i]:numel() do
      local near = by_differences(f, args, i, e, o.eps, random)
      for k, values in ipairs(near) do
        for at, n in ipairs(values) do
          local g = exact[k][at][e]
          local near_enough = math.abs(g - n) <= o.atol + o.rtol * math.abs(n) -- not so where one is nan
          if not near_enough then
            core.set_rng_state(random[1], random[2])
            core.raise(("gradcheck: the gradient for input %d, element %s (of result %d, element %s) is %s by backward, but %s "
              .. "by differences"):format(i, place_in(shape, e), k, place_in(outputs[k].shape, at), number(g), number(n)))
          end
        end
      end
    end
  end
  core.set_rng_state(random[1], random[2])
  return true
end

---Holds the gradients of gradients of f against differences, as gradcheck does: for its inputs, and for the gradients that come
---in to its results (random ones).
---@param f function
---@param inputs nn.Tensor|table
---@param opts? {eps: number, atol: number, rtol: number} 1e-6, 1e-5, 1e-3
---@return boolean true
---example:
---  > nn.autograd.gradgradcheck(function(x, w) return x:matmul(w):tanh() end, {nn.randn(2, 3), nn.randn(3, 2)})
---  true
---see: nn.autograd.gradcheck, nn.grad
function M.gradgradcheck(f, inputs, opts)
  options.callable("gradgradcheck", f)
  local args, places = leaves_of(inputs)
  local random, generator = table.pack(core.rng_state()), core.Generator(0)
  local outputs = core.enable_grad(call_again, f, args, random)
  core.set_rng_state(random[1], random[2])
  local count, looked = args.n, {}
  for _, i in ipairs(places) do
    looked[i] = true
  end
  local all = {}
  for i = 1, count do
    all[i] = core.is_tensor(args[i]) and not looked[i] and args[i]:detach() or args[i]
  end
  for k, y in ipairs(outputs) do -- the gradients that come in are inputs, too
    all[count + k] = core.randn(y.shape, { dtype = "float64", generator = generator }):requires_grad_()
  end
  return M.gradcheck(function(...)
    local given, wanted, total = table.pack(...), {}, 0
    for k, i in ipairs(places) do
      wanted[k] = given[i]
    end
    local k = 0
    for _, y in ipairs(table.pack(f(table.unpack(given, 1, count)))) do
      if core.is_tensor(y) and y.dtype:find "float" then
        k = k + 1
        total = total + (y * given[count + k]):sum()
      end
    end
    local grads = core.grad(total, wanted, { create_graph = true, allow_unused = true })
    for at, x in ipairs(wanted) do
      grads[at] = grads[at] or core.zeros_like(x)
    end
    return table.unpack(grads, 1, #wanted)
  end, all, opts)
end

M.grad, M.no_grad, M.enable_grad = core.grad, core.no_grad, core.enable_grad

return options.namespace("nn.autograd", M)
