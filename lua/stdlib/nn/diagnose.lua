-- nn.diagnose: looks into a model at work, and says in words what ails it and what helps.
--
--   local report = nn.diagnose(model, loader, nn.CrossEntropyLoss())
--   print(report)                       -- a table of the layers and the verdict
--   for _, d in ipairs(report.diseases) do print(d.name, d.text, d.remedy) end
--
-- While training: local watch = nn.diagnose.watch(model); fit{..., after_step = watch.step}; print(watch:report(loader, loss)).

local core = require "nn.core"
local module = require "nn.layers.module"
local options = require "nn.internal.options"
local verdict = require "nn.diagnose.verdict"

local M = {}

-- Activations: what their outputs say about the derivative. Each gives, for outputs y and inputs x, a mask of saturated
-- elements (derivative below a tenth of its largest value), or nil; and whether units can die.
local saturates = {
  Sigmoid = function(y)
    return (y * (1 - y)):lt(0.025)
  end,
  Tanh = function(y)
    return (1 - y:square()):lt(0.1)
  end,
  Softsign = function(y)
    return (1 - y:abs()):square():lt(0.1)
  end,
  Hardtanh = function(_, x, m)
    return core.logical_or(x:le(m.min_val), x:ge(m.max_val))
  end,
  Hardsigmoid = function(y)
    return core.logical_or(y:le(0), y:ge(1))
  end,
}
local can_die = { ReLU = true, ReLU6 = true, Hardshrink = true }
local activations = {}
for _, entry in ipairs(core.layers()) do
  activations[entry.name] = entry.pointwise or nil
end

local function leaves_of(model)
  local list = {}
  for _, entry in ipairs(model:named_modules()) do
    local m, inner = entry[2], false
    for _, child in ipairs(module.children_of(m)) do
      inner = inner or module.is_module(child.value)
    end
    if not inner then
      list[#list + 1] = { name = entry[1] == "" and m._name or entry[1], module = m }
    end
  end
  return list
end

-- Calls f while each leaf's calls are written down: a list of {leaf, x, y} in the order of the calls.
local function traced(leaves, f)
  local calls, own = {}, {} -- own: a forward that an object has of itself
  for i, leaf in ipairs(leaves) do
    local forward = leaf.module.forward
    own[i] = core.fields(leaf.module).forward
    core.set_hidden(leaf.module, "forward", function(self, x, ...)
      local y = forward(self, x, ...)
      if core.is_tensor(y) and core.is_tensor(x) then
        calls[#calls + 1] = { leaf = leaf, x = x, y = y }
      end
      return y
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
  return calls
end

local function number(t)
  return t:item()
end

-- Running sums over batches of what is measured of one layer.
local function new_row(call)
  local m = call.leaf.module
  return {
    name = call.leaf.name, kind = m._name, text = tostring(m):match "^[^\n]-%)" or m._name, module = m,
    is_activation = activations[m._name] or false, count = 0, mean = 0, square = 0, grad_square = 0, grad_mean = 0,
    saturated = 0, across = 0,
  }
end

local function add_call(row, call, grad)
  local y = call.y:detach()
  row.count = row.count + 1
  row.mean = row.mean + number(y:mean())
  row.square = row.square + number(y:square():mean())
  row.nonfinite = (row.nonfinite or 0) + number(core.logical_or(y:ne(y), y:abs():eq(math.huge)):sum())
  if grad then
    row.has_grad = true
    row.grad_mean = row.grad_mean + number(grad:mean())
    row.grad_square = row.grad_square + number(grad:square():mean())
  end
  local test = saturates[row.kind]
  if test then
    row.can_saturate = true
    row.saturated = row.saturated + number(test(y, call.x:detach(), row.module):to("float32"):mean())
  end
  if #y > 1 and y.ndim >= 2 then
    -- how much of a layer's variation is between samples: 0 where all inputs look alike
    local flat = y:flatten(2)
    local total = number(flat:square():mean())
    local between = number((flat - flat:mean(1, true)):square():mean())
    row.across = row.across + (total > 0 and between / total or 1)
  end
  if can_die[row.kind] and y.ndim >= 2 then
    local dims = { 1 }
    for d = 3, y.ndim do
      dims[#dims + 1] = d
    end
    local alive = y:ne(0):to("float32"):sum(dims):gt(0)
    row.alive = row.alive and core.logical_or(row.alive, alive) or alive
  end
  if row.kind == "Linear" and not row.pre then
    row.pre = call
  end
end

-- Singular values of a Linear layer with the activation after it, at some samples of the batch: diag(phi') W.
local function layer_jacobian(linear_call, activation_call, most)
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
        local y = activation_call.leaf.module:forward(h):sum()
        return y.requires_grad and core.grad(y, { h }, { allow_unused = true })[1] or core.zeros_like(h)
      end)
      j = w * slope:detach():to("float64"):reshape(-1, 1)
    end
    local _, values = core.svd(j)
    all = all and all + values or values
  end
  return (all / samples):totable()
end

local function mean_of(list, f)
  local sum = 0
  for _, v in ipairs(list) do
    sum = sum + (f and f(v) or v)
  end
  return #list > 0 and sum / #list or 0
end

local Report = options.class "nn.Diagnosis"

---Measures a model over some batches of a loader, without changing it (buffers are put back).
---@param model nn.Module
---@param loader nn.Loader gives x, y
---@param loss fun(output: nn.Tensor, target: nn.Tensor): nn.Tensor
---@param opts? {batches: integer, jacobian: boolean, largest_jacobian: integer, updates: table}
---@return table report fields: layers, parameters, input, loss, input_output (singular values), diseases, healthy
function M.look(model, loader, loss, opts)
  local o = options.read("diagnose", opts, {
    batches = { "integer", 8 }, jacobian = { "boolean", true }, largest_jacobian = { "integer", 512 }, updates = { "table" },
  })
  local leaves, rows, order = leaves_of(model), {}, {}
  local named = model:named_parameters()
  local params, grads = {}, {}
  for i, entry in ipairs(named) do
    params[i], grads[i] = entry[2], { sum = nil, square = 0, count = 0 }
  end
  local buffers = {}
  for i, entry in ipairs(model:named_buffers()) do
    buffers[i] = { entry[2], entry[2]:clone() }
  end
  local was = model.training
  model:train()
  local report = setmetatable({ batches = 0, loss = 0, layers = {}, parameters = {} }, Report)
  local sample_x, first_calls, input_sum, input_square = nil, nil, 0, 0
  local ok, err = xpcall(function()
    for x, y in loader do
      local value
      local calls = traced(leaves, function()
        core.enable_grad(function()
          value = loss(model(x), y)
        end)
      end)
      local wanted, seen = {}, {}
      for _, c in ipairs(calls) do
        if c.y.requires_grad and not seen[c.y] then
          wanted[#wanted + 1], seen[c.y] = c.y, #wanted + 1
        end
      end
      local outputs = #wanted
      for _, p in ipairs(params) do
        if p.requires_grad then
          wanted[#wanted + 1], seen[p] = p, #wanted + 1
        end
      end
      local found = core.grad(value, wanted, { allow_unused = true })
      for _, c in ipairs(calls) do
        local key = c.leaf
        if not rows[key] then
          rows[key] = new_row(c)
          order[#order + 1] = rows[key]
        end
        local at = seen[c.y]
        add_call(rows[key], c, at and at <= outputs and found[at] and found[at]:detach() or nil)
      end
      for i, p in ipairs(params) do
        local g = seen[p] and found[seen[p]]
        if g then
          g = g:detach()
          grads[i].sum = grads[i].sum and grads[i].sum + g or g
          grads[i].square = grads[i].square + number(g:square():sum())
          grads[i].count = grads[i].count + 1
        end
      end
      report.loss = report.loss + value:item()
      report.batches = report.batches + 1
      input_sum = input_sum + number(x:to("float32"):mean())
      input_square = input_square + number(x:to("float32"):square():mean())
      if not sample_x then
        sample_x, first_calls = x, calls
        report.batch_size = #x
        local out = calls[#calls].y
        report.outputs = out.ndim == 2 and out:size(2) or 1
        report.target_classes = y.dtype == "int64"
      end
      if report.batches >= o.batches then
        break
      end
    end
    if report.batches == 0 then
      core.raise "diagnose: the loader gave no batches"
    end
    if o.jacobian and sample_x.dtype:find "float" then
      for i, c in ipairs(first_calls) do
        if c.leaf.module._name == "Linear" then
          local after = first_calls[i + 1]
          local activation = after and activations[after.leaf.module._name] and after or nil
          rows[c.leaf].singular = layer_jacobian(c, activation, o.largest_jacobian)
        end
      end
      model:eval()
      if report.outputs <= 32 and sample_x:numel() / #sample_x <= 4096 then
        local fine, s = core.try(require("nn.theory.landscape").singular_values, model, sample_x[1])
        report.input_output = fine and s:totable() or nil
      end
    end
  end, function(e)
    return e
  end)
  core.no_grad(function()
    for _, pair in ipairs(buffers) do
      pair[1]:copy_(pair[2])
    end
  end)
  model:train(was)
  if not ok then
    error(err, 0)
  end

  local n = report.batches
  report.loss = report.loss / n
  report.input = { mean = input_sum / n, std = math.sqrt(math.max(0, input_square / n - (input_sum / n) ^ 2)) }
  for i, row in ipairs(order) do
    local c = row.count
    local mean, square = row.mean / c, row.square / c
    local layer = {
      name = row.name, kind = row.kind, module = row.module, text = row.text, is_activation = row.is_activation, mean = mean,
      std = math.sqrt(math.max(0, square - mean * mean)), rms = math.sqrt(math.max(0, square)),
      grad_mean = row.has_grad and row.grad_mean / c or nil,
      grad_std = row.has_grad and math.sqrt(math.max(0, row.grad_square / c - (row.grad_mean / c) ^ 2)) or nil,
      grad_rms = row.has_grad and math.sqrt(row.grad_square / c) or nil,
      saturated = row.can_saturate and row.saturated / c or nil,
      dead = row.alive and 1 - row.alive:to("float32"):mean():item() or nil,
      nonfinite = row.nonfinite, singular = row.singular, between_samples = row.across > 0 and row.across / c or 0,
    }
    if row.kind:find "^BatchNorm" and row.module.running_var then
      local previous = order[i - 1]
      layer.norm = {
        smallest = row.module.running_var:min():item(), largest = row.module.running_var:max():item(),
        batches = row.module.num_batches_tracked:item(), input_rms = previous and math.sqrt(previous.square / previous.count),
      }
    end
    report.layers[i] = layer
  end
  for i, entry in ipairs(named) do
    local p, g = entry[2]:detach(), grads[i]
    local weight = math.sqrt(number(p:square():sum()))
    local row = { name = entry[1], shape = tostring(p.shape), weight = weight, size = p:numel(),
      trained = entry[2].requires_grad }
    if g.sum then
      local signal = number((g.sum / g.count):square():sum())
      local spread = math.max(0, g.square / g.count - signal)
      row.grad = math.sqrt(g.square / g.count)
      -- the mean's own noise is spread / count; signal to noise of one batch's gradient
      row.signal_to_noise = spread > 0 and math.sqrt(math.max(0, signal - spread / math.max(1, g.count)) / spread) or math.huge
    end
    if p.ndim == 2 and p:size(1) > 1 then
      row.identical_units = number((p - p[{ { 1, 1 } }]):abs():max()) == 0
    end
    row.update = o.updates and o.updates[entry[1]]
    row.update_ratio = row.update and weight > 0 and row.update / weight or nil
    report.parameters[i] = row
  end
  verdict.judge(report)
  return report
end

-- ---- while training ----

local Watch = options.class "nn.Watch"

---Follows the updates of a model's weights: call watch.step after each optimizer step (fit's after_step takes it).
---@param model nn.Module
function M.watch(model)
  if not module.is_module(model) then
    core.raise(("diagnose.watch: takes a model, but got %s"):format(core.describe(model)))
  end
  local self = setmetatable({ model = model, updates = {}, last = {}, steps = 0 }, Watch)
  local named = model:named_parameters()
  local function remember()
    for _, entry in ipairs(named) do
      self.last[entry[1]] = entry[2]:detach():clone()
    end
  end
  remember()
  function self.step()
    self.steps = self.steps + 1
    for _, entry in ipairs(named) do
      local d = entry[2]:detach() - self.last[entry[1]]
      local size = math.sqrt(number(d:square():sum()))
      local old = self.updates[entry[1]]
      self.updates[entry[1]] = old and 0.9 * old + 0.1 * size or size
    end
    remember()
  end
  return self
end

---The diagnosis with the updates seen.
---@param loader nn.Loader
---@param loss fun(output: any, target: any): nn.Tensor a loss layer, or a function
---@param opts? table those of nn.diagnose
---@return nn.Diagnosis
function Watch:report(loader, loss, opts)
  local all = { updates = self.steps > 0 and self.updates or nil }
  for key, value in pairs(opts or {}) do
    all[key] = value
  end
  return M.look(self.model, loader, loss, all)
end

-- ---- what it prints ----

local function short(v, format)
  if v == nil then
    return "-"
  elseif v == math.huge then
    return "inf"
  end
  return (format or "%.2g"):format(v)
end

local function percent(v)
  return v and ("%.0f%%"):format(100 * v) or "-"
end

function Report:__tostring()
  local out = {}
  out[1] = ("%-24s %9s %9s %9s %6s %6s  %s"):format("layer", "mean", "std", "gradient", "satur.", "dead", "singular values")
  for _, l in ipairs(self.layers) do
    local s = l.singular
    out[#out + 1] = ("%-24s %9s %9s %9s %6s %6s  %s"):format((l.name .. " " .. l.text):sub(1, 24), short(l.mean), short(l.std),
      short(l.grad_rms), percent(l.saturated), percent(l.dead), s and ("%.2g .. %.2g, mean %.2g"):format(s[#s], s[1],
        mean_of(s)) or "")
  end
  out[#out + 1] = ("%-24s %9s %9s %9s %9s"):format("parameter", "weight", "gradient", "signal", "update")
  for _, p in ipairs(self.parameters) do
    out[#out + 1] = ("%-24s %9s %9s %9s %9s"):format((p.name .. " " .. p.shape):sub(1, 24), short(p.weight), short(p.grad),
      short(p.signal_to_noise), short(p.update_ratio))
  end
  if self.input_output then
    local s = self.input_output
    out[#out + 1] = ("input-output Jacobian: singular values %.2g .. %.2g"):format(s[#s], s[1])
  end
  out[#out + 1] = ("loss %.4g over %d batches of %d; inputs: mean %.2g, deviation %.2g"):format(self.loss, self.batches,
    self.batch_size, self.input.mean, self.input.std)
  if self.healthy then
    out[#out + 1] = "verdict: healthy. " .. self.summary
  else
    for i, d in ipairs(self.diseases) do
      out[#out + 1] = ("verdict %d: %s: %s. Try %s."):format(i, d.name, d.text, d.remedy)
    end
  end
  return table.concat(out, "\n")
end

return options.namespace("nn.diagnose", M, nil, { __call = function(_, ...)
  return M.look(...)
end })
