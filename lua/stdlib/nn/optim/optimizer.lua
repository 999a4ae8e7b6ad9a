-- What optimizers have in common: groups of parameters with options, whose changes are counted (so that compiled steps look
-- again when there were some), a state that belongs to the parameters, and its way to a file and back.

local class = require "nn.internal.class"
local core = require "nn.core"
local module = require "nn.layers.module"
local options = require "nn.internal.options"

local M = {}

local function sorted_names(group)
  local names = {}
  for name in pairs(group) do
    if name ~= "params" then
      names[#names + 1] = name
    end
  end
  table.sort(names)
  return names
end

---@class nn.Optimizer
---@field param_groups table[]
local Optimizer = class.new("Optimizer", nil, {
  __set = function(self, key, value)
    if type(key) == "string" and self.spec and self.spec[key] and type(value) ~= "function" then
      core.raise(("%s: '%s' is an option of each group: opt.param_groups[1].%s = %s"):format(self.name, key, key,
        type(value) == "table" and "{...}" or tostring(value)))
    end
    core.set_field(self, key, key == "param_groups" and class.counted(value) or value)
  end,
  __tostring = function(self)
    return self:describe()
  end,
})
M.Optimizer = Optimizer

class.on_missing(Optimizer, function(name)
  local names = sorted_names(core.fields(Optimizer))
  local near = type(name) == "string" and core.nearest(name, names)
  if near then
    core.raise(("an optimizer has no '%s'; did you mean '%s'?"):format(name, near))
  end
end)

function M.is_optimizer(value)
  return class.is(value, Optimizer)
end

---A list of parameters as a plain list, with the name of who asks in the error.
function M.list_of(who, params)
  local list = core.fields(params)
  if module.is_module(params) or (type(params) ~= "table" and not list) then
    local hint = module.is_module(params) and "; pass model:parameters()" or ""
    core.raise(("%s: the first argument must be a list of parameters, but is %s%s"):format(who, core.describe(params), hint))
  end
  return list or params
end

-- ---- groups ----

-- Parameters come as a list of tensors, or as a list of groups {params = {...}, lr = ...}.
local function read_groups(self, given)
  given = M.list_of(self.name, given)
  if #given == 0 and not given.params then
    core.raise(("%s: the list of parameters is empty"):format(self.name))
  end
  local list = module.is_tensor(given[1]) and { { params = given } } or (given.params and { given } or given)
  for _, group in ipairs(list) do
    self:add_param_group(group)
  end
end

-- The parameters of a group, none of which may be in another one.
local function check_params(self, params)
  local who, seen, list = self.name, {}, {}
  params = M.list_of(who, params)
  local n = #params
  for key in pairs(params) do
    if math.type(key) ~= "integer" or key < 1 or key > n or params[n] == nil then
      core.raise(("%s: the parameters must be a list, 1 to %d, but there is something at %s"):format(who, n, tostring(key)))
    end
  end
  for _, group in ipairs(self.param_groups) do
    for _, p in ipairs(group.params) do
      seen[p] = true
    end
  end
  for i = 1, n do
    local p = params[i]
    if not module.is_tensor(p) then
      core.raise(("%s: parameter %d must be a tensor, but is %s"):format(who, i, core.describe(p)))
    elseif not p.dtype:find "float" then
      core.raise(("%s: parameter %d (shape %s) is %s; only float tensors can be optimized"):format(who, i, tostring(p.shape),
        p.dtype))
    elseif not p.is_leaf then
      core.raise(("%s: parameter %d (shape %s) was computed; only leaves can be optimized"):format(who, i, tostring(p.shape)))
    elseif seen[p] then
      core.raise(("%s: parameter %d (shape %s) is listed twice"):format(who, i, tostring(p.shape)))
    end
    seen[p] = true
    list[i] = p
  end
  return list
end

---Adds a group of parameters: {params = {...}} with options of its own; those left out are the optimizer's.
---@param group any {params = {...}}, and options of its own
---example:
---  > opt = nn.optim.SGD({nn.Parameter(nn.zeros(1))}, {lr = 0.1})
---  > opt:add_param_group{params = {nn.Parameter(nn.zeros(2))}, lr = 0.5}
---  > opt.param_groups[2].lr
---  0.5
---see: nn.optim.groups, nn.Optimizer:state_dict
function Optimizer:add_param_group(group)
  local who = self.name
  local given = core.fields(group) or type(group) == "table" and group
  if given and (module.is_module(given.params) or module.is_tensor(given.params)) then
    M.list_of(who, given.params) -- raises, with what to do
  end
  group = class.plain(group)
  if type(group) ~= "table" or type(group.params) ~= "table" then
    core.raise(("%s: a group must be a table with a list 'params', but is %s"):format(who, core.describe(group)))
  end
  local own, spec = {}, {}
  for name, value in pairs(group) do
    if name ~= "params" then
      own[name] = value
    end
  end
  for name, rule in pairs(self.spec) do
    spec[name] = setmetatable({ rule[1], self.defaults[name] }, { __index = rule })
  end
  local out = options.read(who, own, spec)
  if self._check then
    self._check(who, out)
  end
  out.params = check_params(self, group.params)
  for _, p in ipairs(out.params) do
    self.state:add(p)
  end
  local n = #self.param_groups + 1
  self.param_groups[n] = out
  class.check_assignments(self.param_groups[n], function(key, value)
    if type(key) == "string" and key ~= "params" and not self.spec[key] and value ~= nil then
      core.raise(("%s: a group has no option '%s'%s (it has %s)"):format(who, key,
        options.hint(nil, key, sorted_names(self.spec)), table.concat(sorted_names(self.spec), ", ")))
    end
  end)
end

-- ---- steps ----

Optimizer.takes_closure = false -- or what the function that step takes gives back: "loss", "residuals"

---Makes one update of all parameters that have gradients. A closure, if one is given, is called before and computes them: it
---does what a training step does (zero_grad, forward, backward) and returns the loss, which step then gives back.
---@param closure? fun(): nn.Tensor
---example:
---  > w = nn.Parameter(nn.tensor {1.0})
---  > opt = nn.optim.SGD({w}, {lr = 0.1})
---  > opt:zero_grad(); (w * w):sum():backward() opt:step()
---  > w:item()
---  0.80000001192093
---see: nn.Optimizer:zero_grad, x:backward, nn.compile
function Optimizer:step(closure)
  local loss
  if closure ~= nil then
    loss = core.enable_grad(core.admit, closure)
  end
  self.state:step(self.name, self.param_groups)
  return loss
end

---Forgets all gradients, which backward would otherwise add to. Call it before each backward.
---example:
---  > w = nn.Parameter(nn.tensor {1.0})
---  > opt = nn.optim.SGD {w}
---  > (w * w):sum():backward()
---  > opt:zero_grad()
---  > w.grad == nil
---  true
---see: nn.Optimizer:step, x:backward, nn.Module:zero_grad
function Optimizer:zero_grad()
  core.zero_grad(self.param_groups)
end

-- ---- to a file and back ----

---Gives what is needed to go on later: options of the groups and, for each parameter, the number of steps and its averages.
---@return table state
---example:
---  > w = nn.Parameter(nn.tensor {1.0})
---  > opt = nn.optim.SGD({w}, {lr = 0.1, momentum = 0.9})
---  > (w * w):sum():backward() opt:step()
---  > opt:state_dict().state[1].step
---  1
---see: nn.Optimizer:load_state_dict, nn.save, nn.train.checkpoint
function Optimizer:state_dict()
  local groups, state, at = {}, {}, 0
  for g, group in ipairs(self.param_groups) do
    local plain = class.plain(group)
    for i, p in ipairs(plain.params) do
      at = at + 1
      plain.params[i] = at
      local step, m, v, u, product = self.state:get(p)
      state[at] = { step = step, m = m and m:clone(), v = v and v:clone(), u = u and u:clone(), product = product }
    end
    groups[g] = plain
  end
  return { name = self.name, param_groups = groups, state = state }
end

-- Raises where a state is not one of this optimizer; returns what to do: options for each group, and a state for each
-- parameter.
local function check_saved(self, saved)
  local who = self.name
  local function wrong(text, ...)
    core.raise(("%s: load_state_dict: %s"):format(who, text:format(...)))
  end
  if type(saved) ~= "table" or type(saved.param_groups) ~= "table" or type(saved.state) ~= "table" then
    core.raise(("%s: load_state_dict needs what state_dict gave, but got %s"):format(who, core.describe(saved)))
  elseif saved.name ~= who then
    core.raise(("%s: the state is that of %s"):format(who, tostring(saved.name)))
  elseif #saved.param_groups ~= #self.param_groups then
    wrong("the state has %d parameter groups, this optimizer %d", #saved.param_groups, #self.param_groups)
  end
  local all_options, states = {}, {}
  for g, group in ipairs(self.param_groups) do
    local from = saved.param_groups[g]
    if type(from) ~= "table" or type(from.params) ~= "table" or #from.params ~= #group.params then
      wrong("group %d has %d parameters here and %s there", g, #group.params,
        type(from) == "table" and type(from.params) == "table" and #from.params or "none")
    end
    local given = {}
    for name, value in pairs(from) do
      if name ~= "params" then
        given[name] = value
      end
    end
    all_options[g] = options.read(who, given, self.spec)
    if self._check then
      self._check(who, all_options[g])
    end
    for i, p in ipairs(group.params) do
      local s = saved.state[from.params[i]]
      local at = #states + 1
      local step = type(s) == "table" and math.tointeger(s.step)
      if not step or step < 0 or step > 2 ^ 53 or type(s.product or 0) ~= "number" then
        wrong("the state of parameter %d must be a table with the number of steps (step), but %s", at,
          type(s) ~= "table" and "is " .. core.describe(s) or "step is " .. core.describe(s.step))
      end
      for _, key in ipairs { "m", "v", "u" } do
        local t = s[key]
        if t ~= nil and (not module.is_tensor(t) or t.shape ~= p.shape or not t.dtype:find "float") then
          wrong("the state '%s' of parameter %d is %s, but the parameter has shape %s", key, at, core.describe(t),
            tostring(p.shape))
        end
      end
      states[at] = { p, s }
    end
  end
  return all_options, states
end

local function put_saved(self, all_options, states)
  for g, group in ipairs(self.param_groups) do
    for name, value in pairs(all_options[g]) do
      group[name] = value
    end
  end
  for _, entry in ipairs(states) do
    local p, s = entry[1], entry[2]
    self.state:set(p, math.tointeger(s.step), s.m, s.v, s.u, s.product)
  end
end

---Goes on from a state_dict of an optimizer of the same kind over parameters of the same shapes. Where it does not fit, it is
---an error and nothing is changed.
---@param saved any what state_dict gave
---example:
---  > a, b = nn.optim.SGD({nn.Parameter(nn.zeros(1))}, {lr = 0.1}), nn.optim.SGD({nn.Parameter(nn.zeros(1))}, {lr = 0.5})
---  > b:load_state_dict(a:state_dict())
---  > b.param_groups[1].lr
---  0.1
---see: nn.Optimizer:state_dict, nn.load
function Optimizer:load_state_dict(saved)
  core.whole(put_saved, self, check_saved(self, saved))
end

---Gives the text that print shows: a line for each group, with its options.
---@return string
---example:
---  > nn.optim.SignSGD({nn.Parameter(nn.zeros(1))}, {lr = 0.1}):describe()
---  SignSGD(
---    1: 1 parameter in 1 tensor, lr = 0.1, maximize = false, momentum = 0.9, weight_decay = 0
---  )
---see: nn.Module:describe
function Optimizer:describe()
  local parts = {}
  for g, group in ipairs(self.param_groups) do
    local texts = {}
    for i, name in ipairs(sorted_names(group)) do
      local value = class.plain(group[name])
      local text = type(value) == "table" and ("{%s}"):format(table.concat(value, ", ")) or tostring(value)
      texts[i] = ("%s = %s"):format(name, text)
    end
    local n = 0
    for _, p in ipairs(group.params) do
      n = n + p:numel()
    end
    parts[g] = ("  %d: %d parameter%s in %d tensor%s, %s"):format(g, n, n == 1 and "" or "s", #group.params,
      #group.params == 1 and "" or "s", table.concat(texts, ", "))
  end
  return ("%s(\n%s\n)"):format(self.name, table.concat(parts, "\n"))
end

---An optimizer object with groups, before any parameter.
function M.new(kind, name, spec, check, defaults)
  local self = class.object(kind)
  for key, value in pairs { name = name, spec = spec, defaults = defaults, state = core.optimizer_state() } do
    core.set_hidden(self, key, value)
  end
  core.set_hidden(self, "_check", check)
  self.param_groups = {}
  return self
end

---A function that makes optimizers of a kind: options by a specification, checked by check(who, options).
function M.define(name, spec, check)
  local kind = class.new(name, Optimizer)
  return function(params, opts)
    local self = M.new(kind, name, spec, check, options.read(name, opts, spec))
    read_groups(self, params)
    return self
  end
end

M.read_groups = read_groups

return M
