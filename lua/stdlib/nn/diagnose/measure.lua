-- All measurements of a model over some batches, as a report that the verdict reads.

local core = require "nn.core"
local labels = require "nn.diagnose.labels"
local observe = require "nn.diagnose.observe"
local structure = require "nn.diagnose.structure"

local M = {}

local function number(t)
  return t:item()
end

-- Batches to measure, and behind them those of which only the targets are looked at.
local function read(loader, o)
  local measured, more, samples, values = {}, {}, 0, 0
  for x, y in loader do
    local batch = { x, y }
    if #measured < o.batches then
      measured[#measured + 1] = batch
    end
    more[#more + 1] = batch
    samples, values = samples + (core.is_tensor(x) and x.ndim > 0 and #x or 1), values + (core.is_tensor(x) and x:numel() or 0)
    -- 16 million numbers: enough for 2048 samples of most kinds, and not all of a disk's
    if #measured >= o.batches and (samples >= o.samples or values > 2 ^ 24) then
      break
    end
  end
  return measured, more
end

-- One pass: forward, loss, and the gradients of all that was wanted.
local function pass(model, leaves, params, loss, batch)
  local value, out
  local calls, called = observe.traced(leaves, function()
    core.enable_grad(function()
      out = model(batch[1])
      value = loss(out, batch[2])
    end)
  end)
  if not core.is_tensor(value) or value:numel() ~= 1 then
    core.raise(("diagnose: the loss must give one number as a tensor, but gives %s"):format(core.describe(value)))
  end
  local wanted, at = {}, {}
  local function want(t)
    if core.is_tensor(t) and t.requires_grad and not at[t] then
      wanted[#wanted + 1], at[t] = t, #wanted + 1
    end
  end
  for _, c in ipairs(calls) do
    want(c.y)
    want(c.x)
  end
  for _, p in ipairs(params) do
    want(p.parameter)
  end
  local found = #wanted > 0 and value.requires_grad and core.grad(value, wanted, { allow_unused = true }) or {}
  return {
    calls = calls, called = called, value = value:item(), out = out,
    gradient_of = function(t)
      local i = at[t]
      local g = i and found[i]
      return g and g:detach() or nil
    end,
  }
end

-- Weights that are all 0 and get a gradient will be others after one step; what they hide behind them shows then. They are moved
-- against their gradient, to a thousandth of the size that fresh weights have: too little to matter beside any others.
local function wake(params, seen)
  local moved = {}
  for _, p in ipairs(params) do
    local t, g = p.parameter:detach(), seen.gradient_of(p.parameter)
    if g and t:numel() > 1 and number(t:abs():max()) == 0 and (t.ndim >= 2 or p.name:find "weight" or p.name:find "gamma") then
      local size = number(g:square():mean():sqrt())
      if size > 0 and size < math.huge then
        local fan = t.ndim >= 2 and t:numel() / t:size(1) or 1
        t:copy_(g * (-1e-3 / (size * math.sqrt(fan))))
        moved[#moved + 1] = p.name
      end
    end
  end
  return moved
end

local function add_parameters(params, seen)
  for _, p in ipairs(params) do
    local g = seen.gradient_of(p.parameter)
    if g then
      p.got = true
      p.sum = p.sum and p.sum + g or g
      p.square = p.square + number(g:square():sum())
      p.count = p.count + 1
    end
  end
end

local function layer_of(row, previous)
  local c = math.max(1, row.count)
  local mean, square = row.mean / c, row.square / c
  local n = row.grad_count
  local layer = {
    name = row.name, kind = row.kind, module = row.module, text = row.text, is_activation = row.is_activation, mean = mean,
    std = math.sqrt(math.max(0, square - mean * mean)), rms = math.sqrt(math.max(0, square)),
    grad_mean = n > 0 and row.grad_mean / n or nil,
    grad_std = n > 0 and math.sqrt(math.max(0, row.grad_square / n - (row.grad_mean / n) ^ 2)) or nil,
    grad_rms = n > 0 and math.sqrt(row.grad_square / n) or nil,
    saturated = row.can_saturate and row.saturated / c or nil,
    saturated_after = (row.passed_count or 0) > 0 and row.flat_count / row.passed_count or nil,
    dead = row.alive and 1 - row.alive:to("float32"):mean():item() or nil,
    units = row.alive and row.alive:numel() or row.unit_grad and row.unit_grad:numel() or nil,
    dropped = row.kind:find "^Dropout" and row.zeroed / c or nil,
    nonfinite = row.nonfinite, singular = row.singular, between_samples = row.across > 0 and row.across / c or 0,
  }
  if row.reads then
    local r = row.reads
    layer.reads = { rms = math.sqrt(r.square / c), between_samples = r.across / c, grad_rms = math.sqrt(r.grad_square / c) }
  end
  if row.time then
    local t = row.time
    layer.time = { steps = t.steps, first = t.first / t.count, last = t.last / t.count, largest = t.largest / t.count }
  end
  if row.kind:find "^BatchNorm" and row.module.running_var then
    layer.norm = {
      smallest = row.module.running_var:min():item(), largest = row.module.running_var:max():item(),
      batches = row.module.num_batches_tracked:item(),
      input_rms = previous and math.sqrt(previous.square / math.max(1, previous.count)),
    }
  end
  return layer
end

local function parameter_of(p, biases, updates)
  local t = p.parameter:detach()
  local weight = math.sqrt(number(t:square():sum()))
  local fan = t.ndim >= 2 and t:numel() / t:size(1) or 1
  local row = {
    name = p.name, shape = tostring(t.shape), weight = weight, size = t:numel(), trained = p.parameter.requires_grad,
    matrix = t.ndim >= 2,
    -- the norm that fresh weights have: 1 / sqrt(3 fan-in) each (LeCun's, and a little below He's and Glorot's)
    fresh = t.ndim >= 2 and math.sqrt(t:numel() / (3 * fan)) or nil,
  }
  if p.sum then
    local mean = p.sum / p.count
    local signal = number(mean:square():sum())
    local spread = math.max(0, p.square / p.count - signal)
    row.grad = math.sqrt(p.square / p.count)
    -- the mean's own noise is spread / count; signal to noise of one batch's gradient
    row.signal_to_noise = spread > 0 and math.sqrt(math.max(0, signal - spread / math.max(1, p.count)) / spread) or math.huge
    if t.ndim >= 2 and t:size(1) > 1 and row.trained and not p.table_of_vectors then
      row.twins = observe.twins(t, biases[p.name:gsub("weight$", "bias")], mean) / t:size(1)
      row.identical_units = row.twins * t:size(1) == t:size(1) - 1
    end
  end
  local update = updates and updates[p.name]
  row.update = update
  row.update_ratio = update and weight > 0 and update / weight or nil
  return row
end

-- Reports, in its fields, what labels.lua finds.
local function judge_labels(report, model, more, leaves, o)
  local first = more[1]
  if o.samples < labels.least or not (core.is_tensor(first[1]) and core.is_tensor(first[2])) or not labels.can_judge(first[2])
    or first[1].ndim == 0 or #first[1] ~= #first[2] then
    return
  end
  local x, y = labels.gather(more, math.min(o.samples, 1024))
  if #x < labels.least or not labels.varies(y) then
    return
  end
  local features = { x }
  if #x * math.max(1, x:numel() / #x) <= 2 ^ 22 then
    -- what the network makes of the samples, by its output and by what its last layer reads
    core.try(core.no_grad, function()
      model:train()
      local out
      local calls = observe.traced(leaves, function()
        out = model(x)
      end)
      local last = calls[#calls]
      for _, t in ipairs { out, last and last.x or nil } do
        if core.is_tensor(t) and t.dtype:find "float" and #t == #x and t:numel() / #t <= 4096 then
          features[#features + 1] = t:detach()
        end
      end
    end)
  end
  report.labels = { samples = #x, relation = labels.relation(features, y), x = x, y = y }
end

---Measures. The caller puts back what this changes.
function M.measure(model, loader, loss, o)
  local leaves, rows, order, params, biases = observe.leaves_of(model), {}, {}, {}, {}
  local tables = {}
  for _, leaf in ipairs(leaves) do
    if leaf.module._name == "Embedding" then
      tables[leaf.module.weight] = true -- rows are words here, not units
    end
  end
  for i, entry in ipairs(model:named_parameters()) do
    params[i] = { name = entry[1], parameter = entry[2], square = 0, count = 0, table_of_vectors = tables[entry[2]] }
    biases[entry[1]] = entry[2]:detach()
  end
  local measured, more = read(loader, o)
  if #measured == 0 then
    core.raise "diagnose: the loader gave no batches"
  end
  model:train()
  local report = { batches = #measured, loss = 0, layers = {}, parameters = {} }
  local called, losses = {}, {}
  for b, batch in ipairs(measured) do
    local seen = pass(model, leaves, params, loss, batch)
    if b == 1 then
      report.batch_size = #batch[1]
      report.structure = structure.before_loss(seen.calls, seen.out, loss, batch[2])
      report.structure.straight = structure.straight_pairs(seen.calls, seen.gradient_of)
      local out = core.is_tensor(seen.out) and seen.out or seen.calls[#seen.calls].y
      report.outputs = out.ndim == 2 and out:size(2) or 1
      report.target_classes = core.is_tensor(batch[2]) and batch[2].dtype == "int64"
      local woken = core.no_grad(wake, params, seen)
      report.started_at_zero = #woken > 0 and woken or nil
      if #woken > 0 then
        losses[1] = seen.value
        -- what lies behind the first is reached now, and may be 0 as well
        seen = pass(model, leaves, params, loss, batch)
        if #core.no_grad(wake, params, seen) > 0 then
          seen = pass(model, leaves, params, loss, batch)
        end
      end
    end
    losses[b] = losses[b] or seen.value
    for leaf in pairs(seen.called) do
      called[leaf] = true
    end
    for i, c in ipairs(seen.calls) do
      local key, before = c.leaf, seen.calls[i - 1]
      c.after_conv = before and before.leaf.module._name:find "^Conv" and before.y.ndim == c.x.ndim
      if not rows[key] then
        rows[key] = observe.new_row(c)
        order[#order + 1] = rows[key]
      end
      observe.add_call(rows[key], c, seen.gradient_of(c.y), seen.gradient_of(c.x))
    end
    for i, c in ipairs(seen.calls) do
      local after = seen.calls[i + 1]
      if after and observe.mixes(c.leaf.module._name) and observe.mixes(after.leaf.module._name) then
        observe.add_between(rows[c.leaf], c, after, seen.gradient_of(c.y), seen.gradient_of(after.x))
      end
    end
    observe.add_times(rows, seen.calls, seen.gradient_of)
    add_parameters(params, seen)
    if b == 1 and o.jacobian and batch[1].dtype:find "float" then
      for i, c in ipairs(seen.calls) do
        local after = seen.calls[i + 1]
        if c.leaf.module._name == "Linear" then
          rows[c.leaf].singular = observe.layer_jacobian(c, after and observe.pointwise[after.leaf.module._name] and after or nil,
            o.largest_jacobian)
        end
      end
    end
  end
  for _, v in ipairs(losses) do
    report.loss = report.loss + v / #losses
  end
  local inputs = {}
  for i, batch in ipairs(measured) do
    inputs[i] = batch[1].ndim == measured[1][1].ndim and batch[1] or nil
  end
  local fine, features = core.try(observe.features, inputs)
  report.input = fine and features or observe.features { measured[1][1] }
  report.input.nonfinite = 0
  for _, t in ipairs(inputs) do
    report.input.nonfinite = report.input.nonfinite + (t.dtype:find "float" and number(core.logical_not(t:isfinite()):sum()) or 0)
  end
  report.input.tokens = order[1] and order[1].kind == "Embedding" or nil
  report.reach = structure.reach(leaves, called, params)
  judge_labels(report, model, more, leaves, o)
  local sample = measured[1][1]
  if o.jacobian and sample.dtype:find "float" then
    model:eval()
    if report.outputs <= 32 and sample:numel() / #sample <= 4096 then
      local done, s = core.try(require("nn.theory.landscape").singular_values, model, sample[1])
      report.input_output = done and s:totable() or nil
    end
  end
  for i, row in ipairs(order) do
    report.layers[i] = layer_of(row, order[i - 1])
  end
  -- units of a layer with weights that next to nothing reaches of the gradient that the next one sends back
  local next_layer, next_row
  for i = #order, 1, -1 do
    local row, layer = order[i], report.layers[i]
    if row.unit_grad then
      if next_row and next_layer.reads and next_layer.reads.grad_rms > 0 then
        layer.unreached = row.unit_grad:le(1e-6 * next_layer.reads.grad_rms):to("float32"):mean():item()
      end
      next_layer, next_row = layer, row
    end
  end
  for i, p in ipairs(params) do
    report.parameters[i] = parameter_of(p, biases, o.updates)
  end
  return report, measured
end

return M
