-- Averages of weights over a run, and lookahead.

local core = require "nn.core"
local module = require "nn.module"
local options = require "nn.options"

local M = {}

-- ---- averaged models ----

local Averaged = {}
Averaged.__index = Averaged
Averaged.__name = "nn.optim.AveragedModel"

---A model whose weights are the average of another's: equal weights over all update() calls (stochastic weight averaging,
---Izmailov et al. 2018), or an exponential average with `decay`.
---
---    local swa = nn.optim.AveragedModel(model)
---    ... swa:update() after each epoch ...
---    nn.population_statistics(swa.model, train_loader)   -- if there is batch norm
---    nn.train.evaluate(swa.model, test_loader, ...)
---
---@param model nn.Module
---@param opts? {decay: number}
function M.AveragedModel(model, opts)
  if not module.is_module(model) then
    core.raise(("AveragedModel: the first argument must be a model, but is %s"):format(core.describe(model)))
  end
  local o = options.read("AveragedModel", opts, { decay = { "number" } })
  return setmetatable({ source = model, model = model:clone(), decay = o.decay, count = 0 }, Averaged)
end

---Takes the model's weights into the average. Buffers (running statistics) are copied.
function Averaged:update()
  self.count = self.count + 1
  core.no_grad(function()
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

function Averaged:__call(...)
  return self.model(...)
end

function Averaged:__tostring()
  return ("AveragedModel(%d updates, %s)"):format(self.count, self.decay and ("decay = %g"):format(self.decay) or "equal weights")
end

-- ---- lookahead ----

---Every k steps the slow weights go a share alpha of the way to the fast ones, which then start from there: Zhang et al.
---2019. Wraps any optimizer; its groups and learning rates are the inner one's.
---@param inner nn.Optimizer
---@param opts? {k: integer, alpha: number}
function M.Lookahead(inner, opts)
  local o = options.read("Lookahead", opts, { k = { "integer", 5 }, alpha = { "number", 0.5 } })
  if type(inner) ~= "table" or not inner.param_groups or o.k < 1 then
    core.raise(("Lookahead: the first argument must be an optimizer, and k at least 1, but they are %s and %d"):format(
      core.describe(inner), o.k))
  end
  local self = { inner = inner, param_groups = inner.param_groups, count = 0, k = o.k, alpha = o.alpha, slow = {} }
  local function each(f)
    local at = 0
    for _, group in ipairs(inner.param_groups) do
      for _, p in ipairs(group.params) do
        at = at + 1
        f(at, p)
      end
    end
  end
  each(function(i, p)
    self.slow[i] = p:detach():clone()
  end)
  function self.zero_grad()
    inner:zero_grad()
  end
  function self.step()
    if core.is_recording() then
      core.raise "Lookahead: every k-th step differs, so it cannot stand in a compiled function; call opt:step() outside"
    end
    inner:step()
    self.count = self.count + 1
    if self.count % self.k == 0 then
      core.no_grad(each, function(i, p)
        self.slow[i]:add_((p:detach() - self.slow[i]) * self.alpha)
        p:copy_(self.slow[i])
      end)
    end
  end
  return setmetatable(self, { __index = inner, __tostring = function()
    return ("Lookahead(k = %d, alpha = %g, %s)"):format(o.k, o.alpha, tostring(inner))
  end })
end

---Parameter groups by the parameters' names: an ordered list of {pattern, option = value, ...}; the first pattern (PCRE2)
---that matches decides; a parameter that none matches, and a rule that matches none, are errors.
---
---    nn.optim.AdamW(nn.optim.groups(model, {{"bias$|norm", weight_decay = 0}, {".*", weight_decay = 1e-4}}), {lr = 1e-3})
---
---@param model nn.Module
---@param rules table[]
---@return table[] groups for an optimizer
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
