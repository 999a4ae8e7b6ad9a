-- Averages of weights over a run, and lookahead.

local class = require "nn.internal.class"
local core = require "nn.core"
local module = require "nn.layers.module"
local optimizer = require "nn.optim.optimizer"
local options = require "nn.internal.options"

local M = {}

-- ---- averaged models ----

local Averaged = class.new("AveragedModel", nil, {
  __call = function(self, ...)
    return self.model(...)
  end,
  __tostring = function(self)
    return ("AveragedModel(%d updates, %s)"):format(self.count,
      self.decay and ("decay = %g"):format(self.decay) or "equal weights")
  end,
})

---Keeps a model whose weights are the average of another's: equal weights over all update() calls (stochastic weight
---averaging), or an exponential average with `decay`. Calling it calls the averaged model, which is its field model.
---
---    local swa = nn.optim.AveragedModel(model)
---    ... swa:update() after each epoch ...
---    nn.population_statistics(swa.model, train_loader)   -- if there is batch norm
---    nn.train.evaluate(swa.model, test_loader, ...)
---
---Options: decay (default none: equal weights; e.g. 0.999: average <- decay average + (1 - decay) weights).
---@param model nn.Module
---@param opts? {decay: number}
---example:
---  > model = nn.Linear(1, 1)
---  > swa = nn.optim.AveragedModel(model)
---  > for i = 1, 3 do nn.init.constant_(model.weight, i) swa:update() end
---  > swa.model.weight:item()
---  2.0
---see: nn.AveragedModel:update, nn.population_statistics, nn.train.fit, nn.optim.ASGD
---source: Izmailov et al. 2018, "Averaging weights leads to wider optima and better generalization"
function M.AveragedModel(model, opts)
  if not module.is_module(model) then
    core.raise(("AveragedModel: the first argument must be a model, but is %s"):format(core.describe(model)))
  end
  local o = options.read("AveragedModel", opts, { decay = { "number" } })
  local self = class.object(Averaged)
  self.source, self.model, self.decay, self.count = model, model:clone(), o.decay, 0
  return self
end

---Takes the model's weights into the average. Buffers (running statistics) are copied.
---@return nn.AveragedModel self
---example:
---  > model = nn.Linear(1, 1)
---  > average = nn.optim.AveragedModel(model, {decay = 0.9})
---  > average:update()
---  AveragedModel(1 updates, decay = 0.9)
---see: nn.optim.AveragedModel, nn.AveragedModel:state_dict
function Averaged:update()
  core.whole(core.no_grad, function()
    self.count = self.count + 1
    local share = self.decay and self.count > 1 and 1 - self.decay or 1 / self.count
    local from, to = self.source:named_parameters(), self.model:named_parameters()
    for i, entry in ipairs(to) do
      local p, q = entry[2], from[i][2]
      p:add_((q:detach() - p:detach()) * share)
    end
    local buffers = self.source:named_buffers()
    for i, entry in ipairs(self.model:named_buffers()) do
      entry[2]:copy_(buffers[i][2])
    end
  end)
  return self
end

---Gives what is needed to go on later: the averages, and of how many updates they are.
---@return table state
---example:
---  > average = nn.optim.AveragedModel(nn.Linear(1, 1)):update()
---  > average:state_dict().count
---  1
---see: nn.AveragedModel:load_state_dict, nn.train.checkpoint, nn.save
function Averaged:state_dict()
  local state = {}
  for name, t in pairs(self.model:state_dict()) do
    state[name] = t:clone()
  end
  return { name = "AveragedModel", count = self.count, decay = self.decay, model = state }
end

---Goes on from what state_dict gave: averages, their number and the decay.
---@param state any what state_dict gave
---example:
---  > model = nn.Linear(1, 1)
---  > average, other = nn.optim.AveragedModel(model):update(), nn.optim.AveragedModel(model)
---  > other:load_state_dict(average:state_dict())
---  > other
---  AveragedModel(1 updates, equal weights)
---see: nn.AveragedModel:state_dict
function Averaged:load_state_dict(state)
  if type(state) ~= "table" or state.name ~= "AveragedModel" or math.type(state.count) ~= "integer" then
    core.raise(("AveragedModel: load_state_dict needs what state_dict gave, but got %s"):format(core.describe(state)))
  end
  self.model:load_state_dict(state.model)
  self.count, self.decay = state.count, state.decay
end

-- ---- lookahead ----

local Lookahead = class.new("Lookahead", optimizer.Optimizer)

local function each_parameter(self, f)
  for _, group in ipairs(self.param_groups) do
    for _, p in ipairs(group.params) do
      f(p)
    end
  end
end

---Wraps any optimizer: every k steps the slow weights go a share alpha of the way to the fast ones, which then start from
---there. Its groups and learning rates are the inner one's. It cannot stand in a compiled function.
---Options: k (5), alpha (0.5).
---@param inner nn.Optimizer
---@param opts? {k: integer, alpha: number}
---example:
---  > w = nn.Parameter(nn.tensor {1.0})
---  > opt = nn.optim.Lookahead(nn.optim.SGD({w}, {lr = 0.1}), {k = 2})
---  > for i = 1, 2 do opt:zero_grad(); (w * w):sum():backward() opt:step() end
---  > w:item()
---  0.81999999284744
---see: nn.optim.SGD, nn.optim.AveragedModel
---source: Zhang et al. 2019, "Lookahead optimizer: k steps forward, 1 step back", algorithm 1
function M.Lookahead(inner, opts)
  local o = options.read("Lookahead", opts, { k = { "integer", 5 }, alpha = { "number", 0.5 } })
  if not optimizer.is_optimizer(inner) or o.k < 1 then
    core.raise(("Lookahead: the first argument must be an optimizer, and k at least 1, but they are %s and %d"):format(
      core.describe(inner), o.k))
  end
  local self = class.object(Lookahead)
  for key, value in pairs { inner = inner, name = "Lookahead", count = 0, k = o.k, alpha = o.alpha } do
    core.set_hidden(self, key, value)
  end
  core.set_hidden(self, "takes_closure", inner.takes_closure)
  core.set_hidden(self, "param_groups", inner.param_groups)
  core.set_hidden(self, "slow", {})
  each_parameter(self, function(p)
    self.slow[p] = p:detach():clone()
  end)
  return self
end

---Adds a group to the inner optimizer; its slow weights begin where it is at the next k-th step.
---@param group any {params = {...}}, and options of its own
---example:
---  > opt = nn.optim.Lookahead(nn.optim.SGD({nn.Parameter(nn.zeros(1))}))
---  > opt:add_param_group{params = {nn.Parameter(nn.zeros(2))}, lr = 0.5}
---  > #opt.param_groups
---  2
---see: nn.Optimizer:add_param_group
function Lookahead:add_param_group(group)
  self.inner:add_param_group(group)
end

local function lookahead_step(self, ...)
  local result = self.inner:step(...)
  core.set_hidden(self, "count", self.count + 1)
  if self.count % self.k == 0 then
    core.no_grad(each_parameter, self, function(p)
      local slow = self.slow[p]
      if slow then
        slow:add_((p:detach() - slow) * self.alpha)
        p:copy_(slow)
      else -- it joined since
        self.slow[p] = p:detach():clone()
      end
    end)
  end
  return result
end

---Makes the inner optimizer's step; after every k-th, the slow weights move and the fast ones start from them.
---example:
---  > w = nn.Parameter(nn.tensor {1.0})
---  > opt = nn.optim.Lookahead(nn.optim.SGD({w}, {lr = 0.1}), {k = 1})
---  > (w * w):sum():backward() opt:step()
---  > w:item()
---  0.89999997615814
---see: nn.optim.Lookahead, nn.Optimizer:step
function Lookahead:step(...)
  if core.is_recording() then
    core.refuse "Lookahead: every k-th step differs, so it cannot stand in a compiled function; call opt:step() outside"
  end
  return core.whole(lookahead_step, self, ...)
end

---Gives what is needed to go on later: the inner optimizer's state, the slow weights and the steps since they moved.
---@return table state
---example:
---  > nn.optim.Lookahead(nn.optim.SGD({nn.Parameter(nn.zeros(1))})):state_dict().slow
---  {tensor([0.], shape=1, float32)}
---see: nn.Lookahead:load_state_dict, nn.Optimizer:state_dict
function Lookahead:state_dict()
  local slow = {}
  each_parameter(self, function(p)
    slow[#slow + 1] = (self.slow[p] or p:detach()):clone()
  end)
  return { name = "Lookahead", inner = self.inner:state_dict(), count = self.count, k = self.k, alpha = self.alpha, slow = slow }
end

---Goes on from what state_dict gave. Where the slow weights do not fit the parameters, it is an error and nothing changes.
---@param saved any what state_dict gave
---example:
---  > opt = nn.optim.Lookahead(nn.optim.SGD({nn.Parameter(nn.zeros(1))}))
---  > opt:load_state_dict(opt:state_dict())
---see: nn.Lookahead:state_dict
function Lookahead:load_state_dict(saved)
  if type(saved) ~= "table" or saved.name ~= "Lookahead" or type(saved.slow) ~= "table"
    or math.type(saved.count) ~= "integer" then
    core.raise(("Lookahead: load_state_dict needs what state_dict gave, but got %s"):format(core.describe(saved)))
  end
  local n = 0
  each_parameter(self, function(p)
    n = n + 1
    if not core.is_tensor(saved.slow[n]) or saved.slow[n].shape ~= p.shape then
      core.raise(("Lookahead: load_state_dict: the slow weights of parameter %d are %s, but the parameter has shape %s"):format(
        n, core.describe(saved.slow[n]), tostring(p.shape)))
    end
  end)
  self.inner:load_state_dict(saved.inner)
  n = 0
  each_parameter(self, function(p)
    n = n + 1
    self.slow[p] = saved.slow[n]:to(p.dtype):clone()
  end)
  for _, key in ipairs { "count", "k", "alpha" } do
    core.set_hidden(self, key, saved[key])
  end
end

---Gives the text that print shows: k, alpha and the inner optimizer.
---@return string
---example:
---  > opt = nn.optim.Lookahead(nn.optim.SGD({nn.Parameter(nn.zeros(1))}))
---  > opt:describe():match "^[^,]+, [^,]+"
---  Lookahead(k = 5, alpha = 0.5
---see: nn.Optimizer:describe
function Lookahead:describe()
  return ("Lookahead(k = %d, alpha = %g, %s)"):format(self.k, self.alpha, tostring(self.inner))
end

---Makes parameter groups by names: so that biases, say, have no weight decay. An ordered list of rules {pattern, option =
---value, ...}; the first pattern (PCRE2) that matches decides; a parameter that none matches, and a rule that matches none,
---are errors.
---@param model nn.Module
---@param rules table[]
---@return table[] groups for an optimizer
---example:
---  > model = nn.Linear(3, 2)
---  > groups = nn.optim.groups(model, {{"bias$", weight_decay = 0}, {".*", weight_decay = 1e-4}})
---  > optimizer = nn.optim.AdamW(groups, {lr = 1e-3})
---  > groups[1].weight_decay, #groups[1].params, groups[2].weight_decay
---  0	1	0.0001
---see: nn.optim.AdamW, nn.Module:named_parameters, nn.rex.new
function M.groups(model, rules)
  if not module.is_module(model) or type(rules) ~= "table" or #rules == 0 then
    core.raise("optim.groups: takes a model and a list of rules, e.g. {{\"bias$\", weight_decay = 0}, {\".*\"}}")
  end
  local rex, groups, patterns = require "nn.rex", {}, {}
  for i, rule in ipairs(rules) do
    if type(rule) ~= "table" or type(rule[1]) ~= "string" then
      core.raise(("optim.groups: rule %d must be {pattern, option = value}, but is %s"):format(i, core.describe(rule)))
    end
    patterns[i] = rex.new(rule[1])
    groups[i] = { params = {} }
    for key, value in pairs(rule) do
      if key ~= 1 then
        groups[i][key] = value
      end
    end
  end
  for _, entry in ipairs(model:named_parameters()) do
    local found
    for i, pattern in ipairs(patterns) do
      if pattern:find(entry[1]) then
        found = i
        break
      end
    end
    if not found then
      core.raise(("optim.groups: no rule matches the parameter '%s'; end the list with {\".*\"}"):format(entry[1]))
    end
    table.insert(groups[found].params, entry[2])
  end
  for i, group in ipairs(groups) do
    if #group.params == 0 then
      core.raise(("optim.groups: rule %d ('%s') is the first to match no parameter"):format(i, rules[i][1]))
    end
  end
  return groups
end

return M
