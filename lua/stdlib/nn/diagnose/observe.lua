-- What is measured of a network at work: of its layers, of its parameters, of its inputs, in a batch after another.

local core = require "nn.core"
local module = require "nn.layers.module"

local M = {}

-- Activations that are flat on both sides: their saturated units are reported, single samples' included.
local squashing = { Sigmoid = true, Tanh = true, Softsign = true, Hardtanh = true, Hardsigmoid = true }
M.squashing = squashing
M.pointwise = {}
for _, entry in ipairs(core.layers()) do
  M.pointwise[entry.name] = entry.pointwise or nil
end
local recurrent = { RNN = true, LSTM = true, GRU = true }

---Layers with weights that mix units: gradients are compared by depth at their outputs.
function M.mixes(kind)
  return kind == "Linear" or kind:find "^Conv" ~= nil
end

local function number(t)
  return t:item()
end

---Modules without modules in them, by path.
function M.leaves_of(model)
  local list = {}
  for _, entry in ipairs(model:named_modules()) do
    local m, inner = entry[2], false
    for _, child in ipairs(module.children_of(m)) do
      inner = inner or module.is_module(child.value)
    end
    -- a container with a forward of its own and no modules in it is a leaf; one that only holds others is none
    if not inner and m._name ~= "Residual" and m._name ~= "Sequential" then
      list[#list + 1] = { name = entry[1] == "" and m._name or entry[1], module = m }
    end
  end
  return list
end

---Calls f while each leaf's calls are written down: a list of {leaf, x, y} in the order of the calls. A recurrent layer reads an
---alias of its input that gradients reach, so that they can be compared by time.
function M.traced(leaves, f)
  local calls, own = {}, {} -- own: a forward that an object has of itself
  for i, leaf in ipairs(leaves) do
    local forward = leaf.module.forward
    own[i] = core.fields(leaf.module).forward
    core.set_hidden(leaf.module, "forward", function(self, x, ...)
      if recurrent[self._name] and core.is_tensor(x) and not x.requires_grad and core.is_grad_enabled() then
        x = x:detach():requires_grad_()
      end
      local read = core.is_tensor(x) and core.storage_version(x)
      local results = table.pack(forward(self, x, ...))
      local y = results[1]
      if core.is_tensor(y) and read then
        -- versions: what was written in place between two calls is no longer what the first one gave
        calls[#calls + 1] = { leaf = leaf, x = x, y = y, forward = forward, read = read, wrote = core.storage_version(y) }
      else
        calls[#calls + 1] = { leaf = leaf, other = true }
      end
      return table.unpack(results, 1, results.n)
    end)
  end
  local ok, err = xpcall(f, function(e)
    return e
  end)
  for i, leaf in ipairs(leaves) do
    core.set_hidden(leaf.module, "forward", own[i])
  end
  if not ok then
    error(err, 0)
  end
  local list, called = {}, {}
  for _, c in ipairs(calls) do
    called[c.leaf] = true
    if not c.other then
      list[#list + 1] = c
    end
  end
  return list, called
end

-- ---- slopes ----

-- |phi'(x)| of an activation, element by element, as autograd has it: right for every activation there is and will be.
local function slope_of(call)
  local m = call.leaf.module
  return core.enable_grad(function()
    local x = call.x:detach():clone():requires_grad_()
    local y = call.forward(m, x)
    if not y.requires_grad then
      return core.zeros_like(x)
    end
    return core.grad(y:sum(), { x }, { allow_unused = true })[1]:detach():abs()
  end)
end

-- The largest slope between -6 and 6, where all activations have theirs.
local function peak_of(call)
  local m = call.leaf.module
  if m._name == "PReLU" then
    return math.max(1, number(m.weight:detach():abs():max()))
  end
  local x = core.linspace(-6, 6, 601, { dtype = call.x.dtype })
  return number(slope_of({ leaf = call.leaf, forward = call.forward, x = x }):max())
end

-- Dims to reduce over so that units are left: channels of images, features of all else.
local function all_but_units(y, channels)
  local dims, unit = {}, channels and y.ndim >= 3 and 2 or y.ndim
  for d = 1, y.ndim do
    if d ~= unit then
      dims[#dims + 1] = d
    end
  end
  return dims
end

-- ---- layers ----

---Running sums over batches of what is measured of one layer.
function M.new_row(call)
  local m = call.leaf.module
  return {
    name = call.leaf.name, kind = m._name, text = tostring(m):match "^[^\n]-%)" or m._name, module = m,
    is_activation = M.pointwise[m._name] or false, count = 0, mean = 0, square = 0,
    grad_count = 0, grad_square = 0, grad_mean = 0, saturated = 0, across = 0, nonfinite = 0, zeroed = 0,
  }
end

local function add_slopes(row, call)
  row.peak = row.peak or peak_of(call)
  local peak = row.peak
  if peak <= 0 then
    return -- a step: no gradient is meant to pass
  end
  local slope = slope_of(call)
  if squashing[row.kind] then
    row.can_saturate = true
    row.saturated = row.saturated + number(slope:lt(0.1 * peak):to("float32"):mean())
  elseif call.y.ndim >= 2 then
    -- a unit lives if some sample has a slope of a hundredth of the largest; leaky ReLU's 0.01 is alive
    local images = call.after_conv or call.y.ndim >= 4
    local alive = slope:gt(0.0095 * peak):to("float32"):sum(all_but_units(call.y, images)):gt(0)
    if not row.alive or row.alive.shape == alive.shape then
      row.alive = row.alive and core.logical_or(row.alive, alive) or alive
    end
  end
end

-- How much of a tensor's power lies between samples: 0 where all inputs look alike.
local function between_samples(y)
  if #y > 1 and y.ndim >= 2 then
    local flat = y:flatten(2)
    local total = number(flat:square():mean())
    local between = number((flat - flat:mean(1, true)):square():mean())
    return total > 0 and between / total or 1
  end
end

---Adds what one call of a layer shows.
---@param row table
---@param call table
---@param grad nn.Tensor|nil the loss's gradient at the output
---@param grad_x nn.Tensor|nil and at the input
function M.add_call(row, call, grad, grad_x)
  local y = call.y:detach()
  if not y.dtype:find "float" or y:numel() == 0 then
    return
  end
  row.count = row.count + 1
  row.mean = row.mean + number(y:mean())
  row.square = row.square + number(y:square():mean())
  row.nonfinite = row.nonfinite + number(core.logical_not(y:isfinite()):sum())
  if grad then
    row.grad_count = row.grad_count + 1
    row.grad_mean = row.grad_mean + number(grad:mean())
    row.grad_square = row.grad_square + number(grad:to("float64"):square():mean())
    if M.mixes(row.kind) and y.ndim >= 2 then
      -- the largest gradient that any sample brings to a unit
      local most = grad:abs():amax(all_but_units(y, row.kind ~= "Linear"))
      row.unit_grad = row.unit_grad and core.maximum(row.unit_grad, most) or most
    end
  end
  if row.is_activation then
    add_slopes(row, call)
  end
  if row.kind:find "^Dropout" and call.x:numel() == y:numel() then
    row.zeroed = row.zeroed + number(core.logical_and(y:eq(0), call.x:detach():ne(0)):to("float32"):mean())
      / math.max(1e-12, number(call.x:detach():ne(0):to("float32"):mean()))
  end
  row.across = row.across + (between_samples(y) or 0)
  if M.mixes(row.kind) and call.x.dtype:find "float" then
    local x = call.x:detach()
    row.reads = row.reads or { square = 0, across = 0, grad_square = 0 }
    row.reads.grad_square = row.reads.grad_square + (grad_x and number(grad_x:to("float64"):square():mean()) or 0)
    row.reads.square = row.reads.square + number(x:square():mean())
    row.reads.across = row.reads.across + (between_samples(x) or 0)
  end
end

-- Activations that are functions, between a layer with weights and the one that is called next: an element is saturated where
-- little of the gradient comes back though the value is near the largest. (Where ReLU is flat its value is 0.)
function M.add_between(row, call, next_call, grad_y, grad_x)
  if not grad_y or not grad_x or call.y.shape ~= next_call.x.shape or call.y.ndim ~= 2
    or core.storage_id(call.y) == core.storage_id(next_call.x) then
    return
  end
  local passed = grad_x:abs()
  local counts = passed:gt(1e-3 * number(passed:max()))
  local slope = grad_y:abs() / core.where(counts, passed, core.ones_like(passed))
  local value = next_call.x:detach():abs()
  local near_end = value:gt(0.9 * number(value:max()))
  local flat = core.logical_and(core.logical_and(counts, near_end), slope:lt(0.1))
  row.flat_count = (row.flat_count or 0) + number(flat:sum())
  row.passed_count = (row.passed_count or 0) + number(counts:sum())
end

-- ---- time ----

-- From the sizes of gradients step by step: first over last, and how many steps lie between.
local function add_time(row, sizes)
  local first, last = sizes[1], 0
  for _, v in ipairs(sizes) do
    last = math.max(last, v)
  end
  row.time = row.time or { steps = #sizes, first = 0, last = 0, largest = 0, count = 0 }
  local t = row.time
  t.first, t.last, t.largest, t.count = t.first + first, t.last + sizes[#sizes], t.largest + last, t.count + 1
end

---Gradients along time: of recurrent layers at their inputs, of cells and layers that are called many times at their outputs.
function M.add_times(rows, calls, gradient_of)
  local by_leaf = {}
  for _, c in ipairs(calls) do
    local list = by_leaf[c.leaf] or {}
    by_leaf[c.leaf], list[#list + 1] = list, c
  end
  for leaf, list in pairs(by_leaf) do
    local m, sizes = leaf.module, {}
    if recurrent[m._name] and #list == 1 then
      local g = gradient_of(list[1].x)
      if g and g.ndim == 3 then
        local along = m.batch_first and 2 or 1
        g = g:to "float64" -- squares of what vanishes are 0 in float32
        local per_step = g:square():mean(along == 2 and { 1, 3 } or { 2, 3 }):sqrt()
        sizes = per_step:totable()
      end
    elseif #list >= 8 then
      for i, c in ipairs(list) do
        local g = gradient_of(c.y)
        sizes[i] = g and math.sqrt(number(g:to("float64"):square():mean())) or 0
      end
    end
    if #sizes >= 8 then
      add_time(rows[leaf], sizes)
    end
  end
end

-- ---- parameters ----

---How many units of a layer have the same weights, the same bias and the same gradient as another: they stay the same.
---@param p nn.Tensor weights, a row a unit
---@param bias nn.Tensor|nil
---@param grad nn.Tensor the mean gradient
function M.twins(p, bias, grad)
  local n = p:size(1)
  local rows = { p:reshape(n, -1), grad:reshape(n, -1) }
  if bias and bias:numel() == n then
    rows[3] = bias:reshape(n, 1)
  end
  -- compared by a projection that no two different rows share but by accident, to five digits: rounding makes no twin a stranger
  local keys = {}
  for i, r in ipairs(rows) do
    r = r:to "float64"
    local along = (core.arange(r:size(2)):to "float64" * 1.618 + 0.3):cos()
    local scale = number(r:abs():max())
    keys[i] = (scale > 0 and r / scale or r):matmul(along):totable()
  end
  local distinct, seen = 0, {}
  for u = 1, n do
    local parts = {}
    for i, key in ipairs(keys) do
      parts[i] = ("%.5f"):format(key[u] + 1e-7)
    end
    local key = table.concat(parts, " ")
    if not seen[key] then
      distinct, seen[key] = distinct + 1, true
    end
  end
  return n - distinct
end

---Singular values of a Linear layer with the activation after it, at some samples of the batch: diag(phi') W.
function M.layer_jacobian(linear_call, activation_call, most)
  local w = linear_call.leaf.module.weight
  if not core.is_tensor(w) or w.ndim ~= 2 or w:size(1) > most or w:size(2) > most or linear_call.y.ndim ~= 2 then
    return nil
  end
  w = w:detach():to "float64"
  local samples = math.min(3, #linear_call.y)
  local all
  for s = 1, samples do
    local j = w
    if activation_call then
      local slope = core.enable_grad(function()
        local h = linear_call.y:detach()[{ { s, s } }]:clone():requires_grad_()
        local y = activation_call.forward(activation_call.leaf.module, h):sum()
        return y.requires_grad and core.grad(y, { h }, { allow_unused = true })[1] or core.zeros_like(h)
      end)
      j = w * slope:detach():to("float64"):reshape(-1, 1)
    end
    local _, values = core.svd(j)
    all = all and all + values or values
  end
  return (all / samples):totable()
end

-- ---- inputs ----

---What the features of the inputs are like. Numbers that count or name something (tokens, one-hot) are not measured on a scale.
---@param list nn.Tensor[] inputs of some batches
function M.features(list)
  local x = core.cat(list, 1):detach()
  local out = { discrete = not x.dtype:find "float" }
  local y = x:to "float64"
  out.mean, out.std = number(y:mean()), y:numel() > 1 and number((y - y:mean()):square():mean():sqrt()) or 0
  local binary = number(core.logical_or(y:eq(0), y:eq(1)):to("float32"):mean()) == 1
  out.discrete = out.discrete or binary
  if out.discrete or y.ndim < 2 or #y < 8 then
    return out
  end
  -- features: columns; channels of images; the last dim of sequences
  local unit = y.ndim == 2 and 2 or y.ndim == 4 and 2 or y.ndim
  local dims = {}
  for d = 1, y.ndim do
    if d ~= unit then
      dims[#dims + 1] = d
    end
  end
  if y:size(unit) < 2 then
    return out
  end
  local centered = y - y:mean(dims, true)
  -- the range, not the deviation: a pixel that is seldom lit is on the scale of the others
  local range, rms = centered:abs():amax(dims), y:square():mean(dims):sqrt()
  local sizes = {}
  for i, v in ipairs(range:totable()) do
    if v > 0 then
      sizes[#sizes + 1] = { range = v, rms = rms[i]:item(), at = i }
    end
  end
  if #sizes >= 2 then
    table.sort(sizes, function(a, b)
      return a.range < b.range
    end)
    local small = sizes[math.max(1, math.ceil(#sizes * 0.1))]
    out.scales = { smallest = small.range, largest = sizes[#sizes].range, small_at = small.at, large_at = sizes[#sizes].at }
  end
  return out
end

return M
