-- nn.diagnose: looks into a model at work, and says in words what ails it and what helps. docs/diagnose.md has the diseases.
--
--   local report = nn.diagnose(model, loader, nn.CrossEntropyLoss())
--   print(report)                       -- a table of the layers and the verdict
--   for _, d in ipairs(report.diseases) do print(d.name, d.text, d.remedy, d.confidence) end
--   print(nn.diagnose{model = model, loader = loader, loss = loss, optimizer = opt, try = true})  -- tries the remedies on a copy
--
-- While training: local watch = nn.diagnose.watch(model); fit{..., after_step = watch.step}; print(watch:report(loader, loss)).

local core = require "nn.core"
local keep = require "nn.diagnose.keep"
local labels = require "nn.diagnose.labels"
local measure = require "nn.diagnose.measure"
local module = require "nn.layers.module"
local optimizer = require "nn.optim.optimizer"
local options = require "nn.internal.options"
local structure = require "nn.diagnose.structure"
local trial = require "nn.diagnose.trial"
local verdict = require "nn.diagnose.verdict"
local Report = require "nn.diagnose.show"

local M = {}

local known = {
  batches = { "integer", 8, least = 1 }, samples = { "integer", 2048, least = 0 }, jacobian = { "boolean", true },
  largest_jacobian = { "integer", 512 }, updates = { "table" }, optimizer = { "any" }, try = { "boolean", false },
  steps = { "integer", 30, least = 1 },
}

-- The loss of the best answer that does not look at the input: the classes' shares, or the mean target.
local function chance_of(loss, batches)
  local ok, value = core.try(core.no_grad, function()
    local ys = {}
    for i, b in ipairs(batches) do
      ys[i] = b[2]
    end
    local y = core.cat(ys, 1)
    if y.dtype == "int64" and y.ndim == 1 then
      local entropy = 0
      local low = y:min():item()
      for _, n in ipairs(y:max():item() - low < 2 ^ 20 and (y - low + 1):bincount():totable() or {}) do
        entropy = entropy - (n > 0 and n / #y * math.log(n / #y) or 0)
      end
      return entropy
    elseif structure.wants(loss) == "values" and y.dtype:find "float" then
      return loss(y:mean(1, true):expand_as(y), y):item()
    end
  end)
  return ok and value or nil
end

---Looks for what ails a model: measures it over some batches of a loader, without changing it, the loader or the random
---numbers, and says in words what is wrong and what helps. nn.diagnose(model, loader, loss, opts) is the same, and
---nn.diagnose{model =, loader =, loss =, ...}. A disease is {name, text, remedy, confidence, evidence, trial}.
---Options: batches (8), samples (2048: how many are asked whether the targets follow from the inputs; 0: none), jacobian (true:
---whether the input-output Jacobian is measured), largest_jacobian (512: the most inputs or outputs of it), updates (sizes by
---parameter, which watch has), optimizer (its steps are measured on a copy; default none), try (false; true: remedies are
---tried on a copy), steps (30: for so many steps).
---@param model nn.Module
---@param loader nn.Loader gives x, y
---@param loss fun(output: nn.Tensor, target: nn.Tensor): nn.Tensor
---@param opts? {batches: integer, samples: integer, jacobian: boolean, largest_jacobian: integer, updates: table,
---optimizer: table, try: boolean, steps: integer}
---@return table report layers, parameters, input, loss, input_output, diseases, consequences, healthy, summary
---example:
---  > nn.manual_seed(1)
---  > model, data = nn.Sequential(nn.Linear(2, 8), nn.Sigmoid(), nn.Linear(8, 2)), nn.data.moons{n = 40}
---  > w = nn.init.constant_(model[1].weight, 100)
---  > report = nn.diagnose(model, data:loader(), nn.CrossEntropyLoss(), {samples = 0})
---  > report.healthy, report.diseases[1].name
---  false	saturation
---see: nn.diagnose.watch, nn.train.overfit_batch, nn.train.lr_range_test
function M.look(model, loader, loss, opts)
  local o = options.read("diagnose", opts, known)
  if o.optimizer ~= nil and not optimizer.is_optimizer(o.optimizer) then
    core.raise(("diagnose: option optimizer must be an optimizer, but is %s"):format(core.describe(o.optimizer)))
  end
  return keep.around(model, loader, function()
    local seed, counter = core.rng_state()
    local back = keep.hold(model)
    local report, batches = measure.measure(model, loader, loss, o)
    back()
    setmetatable(report, Report)
    report.optimizer = o.optimizer
    report.chance = chance_of(loss, batches)
    if o.optimizer then
      local ok, updates, why = core.try(trial.updates, model, o.optimizer, batches, loss)
      if not ok then -- one that looks at the loss itself (LBFGS) makes no steps of this kind
        updates, why = nil, tostring(updates)
      end
      report.not_stepped = why
      for _, p in ipairs(report.parameters) do
        p.update = updates and updates[p.name] or p.update
        p.update_ratio = p.update and p.weight > 0 and p.update / p.weight or nil
      end
    end
    verdict.judge(report, function()
      local copy = trial.copy_of(model, batches[1][1])
      if not copy then
        return nil
      end
      local l = report.labels
      local ok, value = core.try(labels.learns, copy, loss, l.x, l.y, report.batch_size, 200)
      return ok and value or nil
    end)
    if report.labels then
      report.labels.x, report.labels.y = nil, nil
    end
    if o.try then
      core.set_rng_state(seed, counter)
      trial.run(model, loss, report, batches, o)
    end
    report.optimizer = nil
    return report
  end)
end

-- ---- while training ----

local Watch = options.class "nn.Watch"

---Follows the updates of a model's weights during training: call watch.step after each optimizer step (fit's after_step takes
---it); watch:report gives the diagnosis with them.
---@param model nn.Module
---@return nn.Watch
---example:
---  > model = nn.Linear(2, 1)
---  > watch = nn.diagnose.watch(model)
---  > w = nn.init.zeros_(model.weight)
---  > watch.step()
---  > watch.steps
---  1
---see: nn.Watch:report, nn.diagnose.look, nn.train.fit
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
      local size = math.sqrt(d:square():sum():item())
      local old = self.updates[entry[1]]
      self.updates[entry[1]] = old and 0.9 * old + 0.1 * size or size
    end
    remember()
  end
  return self
end

---Gives the diagnosis with the updates that were seen. Options: those of nn.diagnose.look.
---@param loader nn.Loader
---@param loss fun(output: any, target: any): nn.Tensor a loss layer, or a function
---@param opts? table those of nn.diagnose
---@return nn.Diagnosis
---example:
---  > model, data = nn.Linear(2, 2), nn.data.moons{n = 20}
---  > watch = nn.diagnose.watch(model)
---  > report = watch:report(data:loader(), nn.CrossEntropyLoss(), {samples = 0})
---  > type(report.summary)
---  string
---see: nn.diagnose.watch, nn.diagnose.look
function Watch:report(loader, loss, opts)
  local all = { updates = self.steps > 0 and self.updates or nil }
  for key, value in pairs(opts or {}) do
    all[key] = value
  end
  return M.look(self.model, loader, loss, all)
end

-- nn.diagnose{model = ..., loader = ..., loss = ..., and options}
local function by_name(given)
  local all, opts = { model = { "any" }, loader = { "any" }, loss = { "any" } }, {}
  for key, rule in pairs(known) do
    all[key] = rule
  end
  options.read("diagnose", given, all)
  for key, value in pairs(given) do
    opts[key] = known[key] and value or nil
  end
  return M.look(given.model, given.loader, given.loss, opts)
end

return options.namespace("nn.diagnose", M, nil, { __call = function(_, first, ...)
  if type(first) == "table" and not module.is_module(first) and select("#", ...) == 0 and options.has_names(first) then
    return by_name(first)
  end
  return M.look(first, ...)
end })
