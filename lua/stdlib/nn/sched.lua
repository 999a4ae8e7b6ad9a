-- nn.sched: learning rates over time. A scheduler is made from an optimizer; each step() moves it one step on (an epoch,
-- or a batch, as you like) and sets lr in every group. Names, settings and values are PyTorch's.
--
--   local schedule = nn.sched.CosineAnnealingLR(opt, {T_max = 20})
--   for epoch = 1, 20 do ... ; schedule:step() end
--
-- or nn.train.fit{..., scheduler = schedule}. Inside, a scheduler is a function of the number of steps t = 0, 1, ... and
-- the base rate; ChainedScheduler and SequentialLR put such functions together.

local class = require "nn.internal.class"
local contract = require "nn.internal.contract"
local core = require "nn.core"
local optimizer = require "nn.optim.optimizer"
local options = require "nn.internal.options"

local M = {}

local Scheduler = class.new("Scheduler", nil, {
  __tostring = function(self)
    return ("%s(step %d)"):format(self.name, self.t)
  end,
})

---True for schedulers.
local function is_scheduler(value)
  return class.is(value, Scheduler)
end

local function want_optimizer(who, opt)
  if not optimizer.is_optimizer(opt) then
    core.raise(("%s: the first argument must be an optimizer, but is %s"):format(who, core.describe(opt)))
  end
end

-- The rate each group had before its first schedule: a second one starts from there, too (PyTorch's initial_lr).
local initial = setmetatable({}, { __mode = "k" })

local function apply(self)
  for i, group in ipairs(self.optimizer.param_groups) do
    initial[group] = initial[group] or group.lr
    local base = self.base[i] or initial[group]
    self.base[i] = base
    group.lr = self._value(self.t, base, i)
  end
end

local function want_schedulers(who, list)
  if list[1] == nil then
    core.raise(("%s: needs a list of schedulers"):format(who))
  end
  for i, s in ipairs(list) do
    if not is_scheduler(s) then
      core.raise(("%s: needs a list of schedulers, but number %d is %s"):format(who, i, core.describe(s)))
    elseif s.optimizer ~= list[1].optimizer then
      core.raise(("%s: the schedulers must be those of one optimizer, but number %d has another"):format(who, i))
    end
  end
end

-- value(t, base, group) -> lr
local function make(name, opt, value, per, kind)
  want_optimizer(name, opt)
  for _, group in ipairs(opt.param_groups) do
    if type(group.lr) ~= "number" then
      core.raise(("%s: %s has no learning rate to change"):format(name, opt.name))
    end
  end
  local self = class.object(kind or Scheduler)
  for key, v in pairs { name = name, optimizer = opt, t = 0, base = class.counted {}, _value = value, per = per or "epoch" } do
    core.set_hidden(self, key, v)
  end
  apply(self)
  return self
end

---Goes one step on, an epoch or a batch as you like, and sets the learning rate of every group. Call it after the optimizer's.
---example:
---  > opt = nn.optim.SGD({nn.Parameter(nn.zeros(1))}, {lr = 1})
---  > schedule = nn.sched.ExponentialLR(opt, {gamma = 0.5})
---  > schedule:step()
---  > opt.param_groups[1].lr
---  0.5
---see: nn.Scheduler:get_last_lr, nn.train.fit
function Scheduler:step()
  core.set_hidden(self, "t", self.t + 1)
  apply(self)
end

---Gives the learning rates as they are now, one a group.
---@return number[]
---example:
---  > opt = nn.optim.SGD({nn.Parameter(nn.zeros(1))}, {lr = 0.1})
---  > nn.sched.StepLR(opt, {step_size = 1}):get_last_lr()
---  {0.1}
---see: nn.Scheduler:step
function Scheduler:get_last_lr()
  local list = {}
  for i, group in ipairs(self.optimizer.param_groups) do
    list[i] = group.lr
  end
  return list
end

-- What schedulers set in a group.
local scheduled = { "lr", "momentum", "betas" }

---Gives what is needed to go on later: the step, the base rates, what the scheduler has seen, and the options of the groups as
---they are now.
---@return table state
---example:
---  > opt = nn.optim.SGD({nn.Parameter(nn.zeros(1))}, {lr = 1})
---  > nn.sched.StepLR(opt, {step_size = 1}):state_dict()
---  {base = {1}, groups = {{lr = 1.0, momentum = 0}}, name = "StepLR", t = 0}
---see: nn.Scheduler:load_state_dict, nn.train.checkpoint
function Scheduler:state_dict()
  local groups = {}
  for i, group in ipairs(self.optimizer.param_groups) do
    groups[i] = {}
    for _, name in ipairs(scheduled) do
      groups[i][name] = class.plain(group[name])
    end
  end
  return { name = self.name, t = self.t, base = class.plain(self.base), seen = class.plain(self.seen), groups = groups }
end

---Goes on from the state of a scheduler of the same kind over an optimizer with as many groups.
---@param state any what state_dict gave
---example:
---  > opt = nn.optim.SGD({nn.Parameter(nn.zeros(1))}, {lr = 1})
---  > schedule = nn.sched.StepLR(opt, {step_size = 1})
---  > state = schedule:state_dict()
---  > schedule:step() schedule:load_state_dict(state)
---  > schedule
---  StepLR(step 0)
---see: nn.Scheduler:state_dict
function Scheduler:load_state_dict(state)
  local function wrong(text, ...)
    core.raise(("%s: load_state_dict: %s"):format(self.name, text:format(...)))
  end
  if type(state) ~= "table" or state.name ~= self.name then
    core.raise(("%s: the state is that of %s"):format(self.name, type(state) == "table" and tostring(state.name) or "nothing"))
  elseif math.type(state.t) ~= "integer" or state.t < 0 or type(state.base) ~= "table" or type(state.groups) ~= "table" then
    wrong("this is not what state_dict gave")
  elseif #state.groups ~= #self.optimizer.param_groups then
    wrong("the state is for %d parameter groups, the optimizer has %d", #state.groups, #self.optimizer.param_groups)
  end
  core.set_hidden(self, "t", state.t)
  core.set_hidden(self, "base", class.counted(class.plain(state.base)))
  core.set_hidden(self, "seen", state.seen and class.counted(class.plain(state.seen)) or nil)
  for i, group in ipairs(self.optimizer.param_groups) do
    for _, name in ipairs(scheduled) do
      if state.groups[i][name] ~= nil and group[name] ~= nil then
        group[name] = class.plain(state.groups[i][name])
      end
    end
  end
end

-- Of the schedules that `define` makes: options of an example, the rates from 1 that it gives before and after three steps,
-- related ones, and what options mean.
local notes = {
  StepLR = { "step_size = 2", "1.0, 1.0, 0.1, 0.1", "nn.sched.MultiStepLR, nn.sched.ExponentialLR",
    step_size = "steps between two falls", gamma = "the factor of a fall" },
  MultiStepLR = { "milestones = {2, 3}", "1.0, 1.0, 0.1, 0.01", "nn.sched.StepLR, nn.sched.SequentialLR",
    milestones = "the steps at which it falls, rising", gamma = "the factor of a fall" },
  ExponentialLR = { "gamma = 0.5", "1.0, 0.5, 0.25, 0.125", "nn.sched.StepLR, nn.sched.CosineAnnealingLR",
    gamma = "the factor of a step" },
  ConstantLR = { "factor = 0.5, total_iters = 2", "0.5, 0.5, 1, 1", "nn.sched.LinearLR, nn.sched.SequentialLR",
    factor = "what the rate is multiplied with at first", total_iters = "for so many steps" },
  LinearLR = { "start_factor = 0.25, total_iters = 3", "0.25, 0.5, 0.75, 1.0", "nn.sched.ConstantLR, nn.sched.SequentialLR",
    start_factor = "of the rate at the beginning", end_factor = "of the rate in the end",
    total_iters = "steps from one to the other" },
  PolynomialLR = { "total_iters = 4", "1.0, 0.75, 0.5, 0.25", "nn.sched.LinearLR, nn.sched.CosineAnnealingLR",
    total_iters = "steps until 0", power = "1: a straight line" },
  CosineAnnealingLR = { "T_max = 2", "1.0, 0.5, 0.0, 0.5", "nn.sched.CosineAnnealingWarmRestarts, nn.sched.OneCycleLR",
    T_max = "steps from top to bottom", eta_min = "the lowest rate" },
  CosineAnnealingWarmRestarts = { "T_0 = 2", "1.0, 0.5, 1.0, 0.5", "nn.sched.CosineAnnealingLR, nn.sched.OneCycleLR",
    T_0 = "steps of the first cosine", T_mult = "how many times as long the next one is", eta_min = "the lowest rate" },
}

-- What is said of one: its head, the sentence, options, an example.
local function help_of(name, doc, spec)
  local note, keys, parts, meanings = notes[name], {}, {}, {}
  for key in pairs(spec) do
    keys[#keys + 1] = key
  end
  table.sort(keys)
  for i, key in ipairs(keys) do
    local default = spec[key][2]
    local text = type(default) == "number" and ("%.4g"):format(default) or tostring(default)
    parts[i] = default == nil and key or ("%s = %s"):format(key, text)
    meanings[i] = ("  %s: %s; %s"):format(key, default == nil and "needed" or "default " .. text, note[key])
  end
  return ([[
nn.sched.%s(opt, {%s})
%s
lr is a group's rate, base what it was at first, t the number of step() calls: one an epoch.
%s
example:
  > opt = nn.optim.SGD({nn.Parameter(nn.zeros(1))}, {lr = 1})
  > schedule, rates = nn.sched.%s(opt, {%s}), {}
  > for i = 1, 4 do rates[i] = opt.param_groups[1].lr schedule:step() end
  > rates
  {%s}
see: nn.train.fit, %s]]):format(name, table.concat(parts, ", "), doc, table.concat(meanings, "\n"), name, note[1], note[2],
    note[3])
end

-- A scheduler whose value needs nothing but its options: define(name, doc, spec, function(o, t, base)).
local function define(name, doc, spec, value, check, per)
  ---@param opt nn.Optimizer
  ---@param opts? table
  M[name] = function(opt, opts)
    local o = options.read(name, opts, spec)
    for key in pairs(spec) do
      if spec[key].needed and o[key] == nil then
        core.raise(("%s: %s is missing"):format(name, key))
      end
    end
    if check then
      check(o)
    end
    return make(name, opt, function(t, base, group)
      return value(o, t, base, group)
    end, per)
  end
  contract.help[M[name]] = function()
    return help_of(name, doc, spec)
  end
end

local function needed(kind, least)
  return { kind, needed = true, least = least }
end

local function check_milestones(who, list)
  for i, m in ipairs(list) do
    if math.type(m) ~= "integer" or (i > 1 and m < list[i - 1]) then
      core.raise(("%s: milestones must be steps in rising order, e.g. {30, 60}, but number %d is %s"):format(who, i,
        core.describe(m)))
    end
  end
end

define("StepLR",
  "Lets the rate fall by gamma every step_size steps: lr = base * gamma^floor(t / step_size).",
  { step_size = needed("integer", 1), gamma = { "number", 0.1 } }, function(o, t, base)
  return base * o.gamma ^ (t // o.step_size)
end)

define("MultiStepLR",
  "Lets the rate fall by gamma at each milestone: lr = base * gamma^(number of milestones reached).",
  { milestones = needed "table", gamma = { "number", 0.1 } }, function(o, t, base)
  local n = 0
  for _, m in ipairs(o.milestones) do
    n = n + (t >= m and 1 or 0)
  end
  return base * o.gamma ^ n
end, function(o)
  check_milestones("MultiStepLR", o.milestones)
end)

define("ExponentialLR",
  "Lets the rate fall by gamma with each step: lr = base * gamma^t.",
  { gamma = needed "number" }, function(o, t, base)
  return base * o.gamma ^ t
end)

define("ConstantLR",
  "Begins with a lower rate: lr = base * factor for the first total_iters steps.",
  { factor = { "number", 1 / 3 }, total_iters = { "integer", 5, least = 1 } }, function(o, t, base)
  return t < o.total_iters and base * o.factor or base
end)

define("LinearLR",
  "Moves the rate along a straight line: from base * start_factor to base * end_factor in total_iters steps, a warm-up.",
  {
  start_factor = { "number", 1 / 3 }, end_factor = { "number", 1 }, total_iters = { "integer", 5, least = 1 },
}, function(o, t, base)
  return base * (o.start_factor + (o.end_factor - o.start_factor) * math.min(t, o.total_iters) / o.total_iters)
end)

define("PolynomialLR",
  "Lets the rate fall to 0 along a power: lr = base * (1 - t / total_iters)^power.",
  { total_iters = { "integer", 5, least = 1 }, power = { "number", 1 } }, function(o, t, base)
  return base * (1 - math.min(t, o.total_iters) / o.total_iters) ^ o.power
end)

define("CosineAnnealingLR",
  "Lets the rate fall along half a cosine: from base to eta_min in T_max steps, then back (Loshchilov & Hutter 2017).",
  { T_max = needed("integer", 1), eta_min = { "number", 0 } }, function(o, t, base)
  return o.eta_min + (base - o.eta_min) * (1 + math.cos(math.pi * t / o.T_max)) / 2
end)

define("CosineAnnealingWarmRestarts",
  "Lets the rate fall along cosines that start again: after T_0, T_0 * T_mult, ... steps (Loshchilov & Hutter 2017).",
  {
  T_0 = needed("integer", 1), T_mult = { "integer", 1, least = 1 }, eta_min = { "number", 0 },
}, function(o, t, base)
  local length = o.T_0
  while t >= length do
    t, length = t - length, length * o.T_mult
  end
  return o.eta_min + (base - o.eta_min) * (1 + math.cos(math.pi * t / length)) / 2
end)

---Sets the rate by a function of yours: lr = base * f(t), t being the number of step() calls, from 0.
---@param opt any an optimizer
---@param f any function(t) -> number
---example:
---  > opt = nn.optim.SGD({nn.Parameter(nn.zeros(1))}, {lr = 1})
---  > schedule = nn.sched.LambdaLR(opt, function(t) return 1 / (1 + t) end)
---  > schedule:step()
---  > opt.param_groups[1].lr
---  0.5
---see: nn.sched.ExponentialLR, nn.sched.SequentialLR
M.LambdaLR = function(opt, f)
  if type(f) ~= "function" then
    core.raise(("LambdaLR: the second argument must be a function(step) that gives a factor, but is %s"):format(core.describe(f)))
  end
  return make("LambdaLR", opt, function(t, base)
    local factor = f(t)
    if type(factor) ~= "number" then
      core.raise(("LambdaLR: the function must give a number, but gave %s at step %d"):format(core.describe(factor), t))
    end
    return base * factor
  end)
end

local function cosine(from, to, share)
  return to + (from - to) / 2 * (1 + math.cos(math.pi * share))
end

local function straight(from, to, share)
  return from + (to - from) * share
end

---Moves the rate along one cycle, a step a batch: up from max_lr / div_factor to max_lr over pct_start of the steps, then down
---to max_lr / (div_factor * final_div_factor); momentum (or Adam's beta1) goes the other way, from max_momentum to
---base_momentum and back.
---Options: max_lr (needed), total_steps (or epochs and steps_per_epoch; needed), pct_start (0.3), anneal_strategy ("cos" or
---"linear"), cycle_momentum (true), base_momentum (0.85), max_momentum (0.95), div_factor (25), final_div_factor (1e4),
---three_phase (false; true: down as long as up, then to the end).
---@param opt nn.Optimizer
---@param opts {max_lr: number, total_steps: integer, epochs: integer, steps_per_epoch: integer, pct_start: number,
---anneal_strategy: string, cycle_momentum: boolean, base_momentum: number, max_momentum: number, div_factor: number,
---final_div_factor: number, three_phase: boolean}
---example:
---  > opt = nn.optim.SGD({nn.Parameter(nn.zeros(1))}, {lr = 1})
---  > schedule = nn.sched.OneCycleLR(opt, {max_lr = 1, total_steps = 10, pct_start = 0.5, anneal_strategy = "linear"})
---  > for i = 1, 4 do schedule:step() end
---  > schedule:get_last_lr()
---  {1.0}
---see: nn.sched.CosineAnnealingLR, nn.train.lr_range_test, nn.train.fit
---source: Smith & Topin 2018, "Super-convergence"
function M.OneCycleLR(opt, opts)
  local o = options.read("OneCycleLR", opts, {
    max_lr = { "number" }, total_steps = { "integer" }, epochs = { "integer" }, steps_per_epoch = { "integer" },
    pct_start = { "number", 0.3, least = 0, most = 1 }, anneal_strategy = { "string", "cos", one_of = { "cos", "linear" } },
    cycle_momentum = { "boolean", true },
    base_momentum = { "number", 0.85 }, max_momentum = { "number", 0.95 }, div_factor = { "number", 25, above = 0 },
    final_div_factor = { "number", 1e4, above = 0 }, three_phase = { "boolean", false },
  })
  want_optimizer("OneCycleLR", opt)
  local total = o.total_steps or (o.epochs and o.steps_per_epoch and o.epochs * o.steps_per_epoch)
  if not o.max_lr or not total or total < 2 then
    core.raise "OneCycleLR: needs max_lr, and total_steps (or epochs and steps_per_epoch) of at least 2"
  end
  local between = ({ cos = cosine, linear = straight })[o.anneal_strategy]
  local low = o.max_lr / o.div_factor
  local phases = { { o.pct_start * total - 1, low, o.max_lr, o.max_momentum, o.base_momentum } }
  if o.three_phase then
    phases[2] = { 2 * o.pct_start * total - 2, o.max_lr, low, o.base_momentum, o.max_momentum }
    phases[3] = { total - 1, low, low / o.final_div_factor, o.max_momentum, o.max_momentum }
  else
    phases[2] = { total - 1, o.max_lr, low / o.final_div_factor, o.base_momentum, o.max_momentum }
  end
  local first = opt.param_groups[1]
  local momentum = o.cycle_momentum and (first.betas and "betas" or (first.momentum and "momentum"))
  return make("OneCycleLR", opt, function(t, _, i)
    if t > total then
      core.raise(("OneCycleLR: step %d, but the cycle has %d"):format(t, total))
    end
    local start = 0
    for k, phase in ipairs(phases) do
      if t <= phase[1] or k == #phases then
        local share = phase[1] > start and (t - start) / (phase[1] - start) or 1 -- a phase without steps is over at once
        if momentum then
          local group = opt.param_groups[i]
          local m = between(phase[4], phase[5], share)
          if momentum == "betas" then
            group.betas = { m, group.betas[2] }
          else
            group.momentum = m
          end
        end
        return between(phase[2], phase[3], share)
      end
      start = phase[1]
    end
  end, "step")
end

---Applies several schedules at once: each one's result is the next one's base rate. They must be those of one optimizer.
---@param list table[] schedulers
---example:
---  > opt = nn.optim.SGD({nn.Parameter(nn.zeros(1))}, {lr = 1})
---  > a, b = nn.sched.ExponentialLR(opt, {gamma = 0.5}), nn.sched.ConstantLR(opt, {factor = 0.1, total_iters = 5})
---  > schedule = nn.sched.ChainedScheduler {a, b}
---  > schedule:step()
---  > ("%.3f"):format(opt.param_groups[1].lr)
---  0.050
---see: nn.sched.SequentialLR
function M.ChainedScheduler(list)
  want_schedulers("ChainedScheduler", list)
  local opt = list[1].optimizer
  for i, group in ipairs(opt.param_groups) do
    group.lr = list[1].base[i]
  end
  return make("ChainedScheduler", opt, function(t, base, i)
    for _, s in ipairs(list) do
      base = s._value(t, base, i)
    end
    return base
  end, list[1].per)
end

---Applies schedules one after another: milestones[i] is the step at which scheduler i + 1 begins, with a count of its own.
---@param list table[] schedulers of one optimizer
---@param milestones integer[] one fewer than there are schedulers, rising
---example:
---  > opt = nn.optim.SGD({nn.Parameter(nn.zeros(1))}, {lr = 1})
---  > warmup, rest = nn.sched.LinearLR(opt, {start_factor = 0.5, total_iters = 2}), nn.sched.ExponentialLR(opt, {gamma = 0.5})
---  > schedule, rates = nn.sched.SequentialLR({warmup, rest}, {2}), {}
---  > for i = 1, 5 do rates[i] = opt.param_groups[1].lr schedule:step() end
---  > rates
---  {0.5, 0.75, 1.0, 0.5, 0.25}
---see: nn.sched.ChainedScheduler, nn.sched.LinearLR
function M.SequentialLR(list, milestones)
  if #list == 0 or #milestones ~= #list - 1 then
    core.raise "SequentialLR: needs a list of schedulers, and a milestone for each but the first"
  end
  want_schedulers("SequentialLR", list)
  check_milestones("SequentialLR", milestones)
  local opt = list[1].optimizer
  for i, group in ipairs(opt.param_groups) do
    group.lr = list[1].base[i]
  end
  return make("SequentialLR", opt, function(t, base, i)
    local k, from = 1, 0
    while milestones[k] and t >= milestones[k] do
      from, k = milestones[k], k + 1
    end
    return list[k]._value(t - from, base, i)
  end, list[1].per)
end

local Plateau = class.new("ReduceLROnPlateau", Scheduler)

---Lets the rate fall when a figure stops improving: by `factor`, when it has not improved by `threshold` for more than
---`patience` steps: give it the figure, schedule:step(loss). nn.train.fit does so with the figure that the run goes by.
---Options: mode ("min", the default, where lower is better, or "max"; in fit that of the figure), factor (0.1), patience (10),
---threshold (1e-4), threshold_mode ("rel": a share of the best, or "abs"), cooldown (0 steps of rest after a fall), min_lr (0),
---eps (1e-8: smaller changes are not made).
---@param opt nn.Optimizer
---@param opts? {mode: string, factor: number, patience: integer, threshold: number, threshold_mode: string,
---cooldown: integer, min_lr: number, eps: number} mode: "min" where lower is better (the default), or "max"; in
---nn.train.fit the default is that of the figure the run goes by
---example:
---  > opt = nn.optim.SGD({nn.Parameter(nn.zeros(1))}, {lr = 1})
---  > schedule = nn.sched.ReduceLROnPlateau(opt, {patience = 1})
---  > for _, loss in ipairs {0.5, 0.6, 0.7} do schedule:step(loss) end
---  > opt.param_groups[1].lr
---  0.1
---see: nn.sched.StepLR, nn.train.fit
function M.ReduceLROnPlateau(opt, opts)
  want_optimizer("ReduceLROnPlateau", opt)
  local o = options.read("ReduceLROnPlateau", opts, {
    mode = { "string", one_of = { "min", "max" } }, factor = { "number", 0.1 }, patience = { "integer", 10 },
    threshold = { "number", 1e-4 },
    threshold_mode = { "string", "rel", one_of = { "rel", "abs" } },
    cooldown = { "integer", 0 }, min_lr = { "number", 0 }, eps = { "number", 1e-8 },
  })
  local mode_given = o.mode ~= nil
  o.mode = o.mode or "min"
  local self = make("ReduceLROnPlateau", opt, function(_, base)
    return base
  end, "epoch", Plateau)
  core.set_hidden(self, "options", o)
  core.set_hidden(self, "mode_given", mode_given)
  core.set_hidden(self, "wants_metric", true)
  core.set_hidden(self, "seen", class.counted { bad = 0, resting = 0, mode = o.mode })
  return self
end

---Which way is better; `mode` is taken over unless one was given when the schedule was made, or it has already judged.
---@private
function Plateau:watches(mode)
  if not self.mode_given and self.seen.best == nil then
    self.seen.mode = mode
  end
  return self.seen.mode
end

local function is_better(o, mode, value, best)
  if value ~= value then
    return false
  elseif best == nil then
    return true
  elseif o.threshold_mode == "rel" then
    -- a share of the best's size, so that negative figures have to improve, too
    local sign = best < 0 and -1 or 1
    return mode == "min" and value < best * (1 - sign * o.threshold)
      or mode == "max" and value > best * (1 + sign * o.threshold)
  end
  return mode == "min" and value < best - o.threshold or mode == "max" and value > best + o.threshold
end

---Takes the figure of this epoch and lets the rate fall if it has not improved for too long.
---@param value number|nn.Tensor the figure to watch
---example:
---  > opt = nn.optim.SGD({nn.Parameter(nn.zeros(1))}, {lr = 1})
---  > schedule = nn.sched.ReduceLROnPlateau(opt, {patience = 0})
---  > schedule:step(0.5) schedule:step(0.5)
---  > opt.param_groups[1].lr
---  0.1
---see: nn.sched.ReduceLROnPlateau
function Plateau:step(value)
  if core.is_tensor(value) then
    value = value:item()
  end
  if type(value) ~= "number" then
    core.raise(("ReduceLROnPlateau: step needs the figure to watch, e.g. schedule:step(valid_loss), but got %s"):format(
      core.describe(value)))
  end
  core.set_hidden(self, "t", self.t + 1)
  local o, seen = self.options, self.seen
  if is_better(o, seen.mode, value, seen.best) then
    seen.best, seen.bad = value, 0
  else
    seen.bad = seen.bad + 1
  end
  if seen.resting > 0 then
    seen.resting, seen.bad = seen.resting - 1, 0
  end
  if seen.bad > o.patience then
    for i, group in ipairs(self.optimizer.param_groups) do
      local lr = math.max(group.lr * o.factor, o.min_lr)
      if group.lr - lr > o.eps then
        group.lr, self.base[i] = lr, lr
      end
    end
    seen.resting, seen.bad = o.cooldown, 0
  end
end

return options.namespace("nn.sched", M)
