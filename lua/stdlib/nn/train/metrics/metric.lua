-- A metric: what it takes from a batch, how that is merged into an accumulator, and the number this becomes. The same object
-- counts by hand (add, value, reset) and says to fit and evaluate what to count. An accumulator is a plain table of numbers,
-- tensors and booleans, so that it can be saved in the middle of an epoch and goes on with the same bits.
--
-- A kind of metric, as the files beside this one have them:
--   name, title  in a row ("top_k"), and of the constructor ("TopK")
--   mode         "max", "min", or nil: which way is better
--   settings     what options.read takes, beside name, input_is and ignore_index; `takes` lists which of the latter two
--   width        how many values parts gives
--   parts        f(m, output, target) -> tensors; runs within the compiled step and reads no value
--   merge        f(m, state, n, ...) adds the parts of a batch of n samples to the state
--   result       f(m, state) -> a number or, of a kind that is a table, a tensor; and why, where it is nan
--   state        what a state holds: name -> {"number"}, {"boolean"}, {"tensor", dtype, ndim}, {"list", dtype, ndim} of tensors
--   fits         f(state) -> whether what was loaded belongs together; may be nil
--   tabular      f(settings) -> whether the result is a tensor; nil: it is a number
--   label        f(settings) -> its name in a row; nil: name
--   refuse       f(who, settings) raises for settings that do not do; may be nil

local core = require "nn.core"
local forms = require "nn.train.metrics.forms"
local module = require "nn.layers.module"
local options = require "nn.internal.options"

local M = { kinds = {} }

local optional = { coding = true, loss = true, mode = true, state = true }
local Metric = options.strict_class("nn.Metric", optional, "a metric has no elements; metric:value() gives its number")

---Adds the kinds of a file.
function M.define(list)
  for _, kind in ipairs(list) do
    M.kinds[kind.name] = kind
  end
end

local common = {
  name = { "string" }, ignore_index = { "integer" },
  input_is = { "string", one_of = { "scores", "probabilities", "logits", "values" } },
}

local function read_settings(who, kind, given)
  local spec = { name = common.name }
  for name, rule in pairs(kind.settings or {}) do
    spec[name] = rule
  end
  for name in (kind.takes or ""):gmatch "%S+" do
    spec[name] = common[name]
  end
  return options.read(who, given, spec)
end

---Makes a metric of a kind.
---@param who string what to call it in errors
---@param kind table
---@param given? table its settings
function M.new(who, kind, given)
  local settings = read_settings(who, kind, given)
  if kind.refuse then
    kind.refuse(who, settings)
  end
  local name = settings.name or kind.label and kind.label(settings) or kind.name
  if name == "" then
    core.raise(("%s: option name must not be empty"):format(who))
  end
  return setmetatable({
    name = name, mode = kind.mode, kind = kind, settings = settings, own = false, state = {},
    tabular = kind.tabular and kind.tabular(settings) or false,
  }, Metric)
end

---The same metric, told what the loss is and, where outputs are values, the number halfway between two classes.
function M.bind(m, loss, coding)
  return setmetatable({ name = m.name, mode = m.mode, kind = m.kind, settings = m.settings, own = false, tabular = m.tabular,
    loss = loss, coding = coding }, Metric)
end

function M.is(value)
  return type(value) == "table" and getmetatable(value) == Metric
end

---What a state gives: a number or a tensor, and why it is nan.
function M.result(m, state)
  if next(state) == nil then
    return forms.nan, "nothing was added"
  end
  local value, why = m.kind.result(m, state)
  return value ~= value and forms.nan or value, why
end

-- ---- by hand ----

---Adds a batch: what the model gave, and the targets.
---@param output nn.Tensor
---@param target nn.Tensor
---@return nn.Metric self
---example:
---  > m = nn.train.metrics.MSE()
---  > m:add(nn.tensor {1.0, 3.0}, nn.tensor {1.0, 1.0})
---  MSE(): 2
---see: nn.Metric:value, nn.Metric:reset
function Metric:add(output, target)
  forms.check(self.name, output, target)
  core.no_grad(function()
    local kind, state = self.kind, {}
    for key, value in pairs(self.state) do -- a batch is added whole, or not at all
      state[key] = type(value) == "table" and table.move(value, 1, #value, 1, {}) or value
    end
    kind.merge(self, state, #target, kind.parts(self, output:detach(), target:detach()))
    self.state = state
  end)
  return self
end

---Gives the metric over all batches that were added: a number, or of a confusion matrix and of average = "none" a tensor.
---Where it is nan, a second value says why.
---@return number|nn.Tensor value, string? why
---example:
---  > m = nn.train.metrics.MSE()
---  > m:value()
---  nan	nothing was added
---  > m:add(nn.tensor {1.0, 3.0}, nn.tensor {1.0, 1.0}):value()
---  2.0	nil
---see: nn.Metric:add, nn.train.evaluate
function Metric:value()
  return core.no_grad(function()
    return M.result(self, self.state)
  end)
end

---Forgets all batches.
---@return nn.Metric self
---example:
---  > m = nn.train.metrics.MAE():add(nn.tensor {1.0}, nn.tensor {0.0})
---  > m:reset()
---  MAE()
---see: nn.Metric:add
function Metric:reset()
  self.state = {}
  return self
end

local function copied(state)
  local out = {}
  for key, value in pairs(state) do
    out[key] = module.is_tensor(value) and value:detach():clone() or type(value) == "table" and copied(value) or value
  end
  return out
end

-- Settings as one writes them, without defaults; of a tensor only that it is there.
local function written(m)
  local spec = m.kind.settings or {}
  local names, parts = {}, {}
  for name in pairs(m.settings) do
    names[#names + 1] = name
  end
  table.sort(names)
  for _, name in ipairs(names) do
    local value = m.settings[name]
    if name ~= "name" and not (spec[name] and value == spec[name][2]) then
      parts[#parts + 1] = ("%s = %s"):format(name, type(value) == "string" and ("%q"):format(value)
        or module.is_tensor(value) and "tensor" or tostring(value))
    end
  end
  return m.kind.title .. (#parts > 0 and ("{%s}"):format(table.concat(parts, ", ")) or "()")
end

---Gives what was counted so far, for nn.save.
---@return table state
---example:
---  > nn.train.metrics.MAE():add(nn.tensor {1.0, 2.0}, nn.tensor {0.0, 0.0}):state_dict().metric
---  MAE()
---see: nn.Metric:load_state_dict, nn.save
function Metric:state_dict()
  return { metric = written(self), state = copied(self.state) }
end

-- Is a value what a state holds under a name?
local function fits(value, rule)
  if rule[1] == "list" then
    for _, t in ipairs(type(value) == "table" and value or {}) do
      if not fits(t, { "tensor", rule[2], rule[3] }) then
        return false
      end
    end
    return type(value) == "table" and not getmetatable(value) and #value > 0
  elseif rule[1] == "tensor" then
    return module.is_tensor(value) and (not rule[3] or value.ndim == rule[3])
      and (not rule[2] or value.dtype == rule[2] or rule[2] == "float" and value.dtype:find "^float" ~= nil)
  end
  return type(value) == rule[1]
end

---Goes on from a state of the same metric.
---@param state table
---@return nn.Metric self
---example:
---  > a = nn.train.metrics.MAE():add(nn.tensor {1.0}, nn.tensor {0.0})
---  > nn.train.metrics.MAE():load_state_dict(a:state_dict())
---  MAE(): 1
---see: nn.Metric:state_dict
function Metric:load_state_dict(state)
  local who = self.kind.title .. ": load_state_dict"
  if type(state.metric) ~= "string" or type(state.state) ~= "table" then
    core.raise(who .. ": this is not what state_dict gave")
  elseif state.metric ~= written(self) then
    core.raise(("%s: the state is that of %s, but this is %s"):format(who, state.metric, written(self)))
  end
  for key in pairs(state.state) do
    if not self.kind.state[key] then
      core.raise(("%s: this is not what state_dict gave: it has '%s'"):format(who, tostring(key)))
    end
  end
  for key, rule in pairs(next(state.state) ~= nil and self.kind.state or {}) do
    if not fits(state.state[key], rule) then
      core.raise(("%s: this is not what state_dict gave: '%s' is %s"):format(who, key, core.describe(state.state[key])))
    end
  end
  if next(state.state) ~= nil and self.kind.fits and not self.kind.fits(state.state) then
    core.raise(who .. ": this is not what state_dict gave: its parts do not belong together")
  end
  self.state = copied(state.state)
  return self
end

function Metric.__tostring(m)
  if not m.state or next(m.state) == nil then
    return written(m)
  end
  local value, why = m:value()
  if module.is_tensor(value) then
    return ("%s:\n%s"):format(written(m), tostring(value))
  end
  return ("%s: %s"):format(written(m), why and ("nan (%s)"):format(why) or ("%.6g"):format(value))
end

return M
