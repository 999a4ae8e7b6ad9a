-- nn.Module: what layers and networks have in common. A class is a table; make one with Base:extend("Name") and give it
-- init and forward:
--
--   local Scale = nn.Module:extend("Scale")
--   function Scale:init(n)
--     self.weight = nn.Parameter(nn.ones(n))
--   end
--   function Scale:forward(x)
--     return x * self.weight
--   end
--   local layer = Scale(10)      -- calls init
--   local y = layer(x)           -- calls forward
--
-- Parameters, modules and lists of modules assigned to self are found by parameters(), state_dict() and the rest, in
-- the order in which they were assigned.

local core = require "nn.core"
local class = require "nn.internal.class"

local is_tensor, fields, class_of = core.is_tensor, core.fields, core.class_of

---@class nn.Module
local Module

-- What every module has from the start, beside the fields that are assigned: hidden, since it is neither parameter nor
-- setting.
local function new_object(self)
  local object = class.object(self)
  core.set_hidden(object, "training", true)
  core.set_hidden(object, "_hooks", false)
  core.set_hidden(object, "_buffers", false)
  return object
end

local is_module, is_module_class, children_of = core.is_module, core.is_module_class, core.children

-- Hooks before forward may change its arguments, hooks after it its result.
local function call_with_hooks(self, hooks, ...)
  local args = table.pack(...)
  for _, hook in ipairs(hooks.before) do
    local changed = table.pack(hook(self, table.unpack(args, 1, args.n)))
    if changed.n > 0 and changed[1] ~= nil then
      args = changed
    end
  end
  local outs = table.pack(self:forward(table.unpack(args, 1, args.n)))
  for _, hook in ipairs(hooks.after) do -- gets all outputs where there are several, and may change some of them
    local many = outs.n > 1 and table.move(outs, 1, outs.n, 1, {})
    local changed = table.pack(hook(self, many or outs[1], table.unpack(args, 1, args.n)))
    if many and type(changed[1]) == "table" and getmetatable(changed[1]) == nil then
      changed = table.move(changed[1], 1, outs.n, 1, { n = outs.n })
      for i = 1, outs.n do
        if changed[i] == nil and outs[i] ~= nil then
          core.raise(("%s: output %d is missing in what its hook returned: return a table of all %d"):format(self._name, i,
            outs.n))
        end
      end
    elseif many and changed.n == 1 and changed[1] ~= nil then
      core.raise(("%s: gives %d outputs; its hook returned one value (%s): return a table of all outputs"):format(self._name,
        outs.n, core.describe(changed[1])))
    end
    if changed.n > 0 and changed[1] ~= nil then
      outs = changed
    end
  end
  return table.unpack(outs, 1, outs.n)
end

local call = core.layer_call(call_with_hooks)

local function make_class(name, base)
  local c = class.new(name, base, not base and {
    __call = call,
    __tostring = function(self)
      return self:describe()
    end,
  } or nil)
  if not base then
    core.mark_module(c)
  end
  return c
end

Module = make_class "Module"
Module.call = call

---Makes a class of layers or networks: give it init, which makes the parts, and forward, which computes.
---@param name string shown by print
---@return nn.Module class
---example:
---  > Net = nn.Module:extend "Net"
---  > function Net:init(n) self.first, self.last = nn.Linear(n, 8), nn.Linear(8, 1) end
---  > function Net:forward(x) return self.last(self.first(x):tanh()) end
---  > net = Net(2)
---  > net(nn.randn(5, 2)).shape
---  5x1
---see: nn.Module:parameters, nn.Sequential, nn.Parameter
function Module:extend(name)
  if not is_module_class(self) then
    core.raise(("extend: is a method of classes, e.g. nn.Module:extend(\"Net\"), but was called on %s"):format(
      core.describe(self)))
  end
  if type(name) ~= "string" then
    core.raise(("extend: the class needs a name, e.g. nn.Module:extend(\"Net\"), but it is %s"):format(core.describe(name)))
  end
  return make_class(name, self)
end

---Makes an object: what calling the class does.
function Module:new(...)
  if not is_module_class(self) then
    core.raise(("new: makes an object of a class, e.g. nn.Linear:new(2, 3), but was called on %s"):format(core.describe(self)))
  elseif rawequal(self, Module) then
    core.raise("nn.Module is to be extended: local Net = nn.Module:extend(\"Net\")")
  end
  local object = new_object(self)
  if self.init then
    self.init(object, ...)
  elseif ... ~= nil and core.is_library(self) then
    core.raise(("%s: takes no arguments, but got %d: the last is %s"):format(self._name, select("#", ...),
      core.describe((select(-1, ...)))))
  end
  return object
end

local function add_hook(self, when, f)
  if type(f) ~= "function" then
    core.raise(("%s: a hook is a function, but got %s"):format(self._name, core.describe(f)))
  end
  local hooks = self._hooks
  if not hooks then
    hooks = { before = {}, after = {} }
    core.set_hidden(self, "_hooks", hooks)
  end
  local list = hooks[when]
  list[#list + 1] = f
  return function()
    for i, g in ipairs(list) do
      if g == f then
        table.remove(list, i)
        if #hooks.before + #hooks.after == 0 then
          core.set_hidden(self, "_hooks", false)
        end
        return
      end
    end
  end
end

---Calls f(module, ...) with the arguments before each forward; what it returns takes their place. Gives a function that takes
---the hook away again.
---@param f function
---@return fun() remove takes the hook away again
---example:
---  > layer = nn.Linear(2, 1)
---  > remove = layer:register_forward_pre_hook(function(m, x) print("gets", x.shape) end)
---  > layer(nn.zeros(3, 2)).shape
---  gets	3x2
---  3x1
---see: nn.Module:register_forward_hook, nn.autograd.register_hook
function Module:register_forward_pre_hook(f)
  return add_hook(self, "before", f)
end

---Calls f(module, output, ...) after each forward, with the arguments of forward behind the output, to look at a layer's outputs
---or to change them; what it returns takes the output's place. Of a layer with several outputs (nn.LSTM) `output` is a table
---of them, and so is what takes their place. Gives a function that takes the hook away again.
---@param f function
---@return fun() remove takes the hook away again
---example:
---  > layer = nn.ReLU()
---  > remove = layer:register_forward_hook(function(m, output) print("gives", output) end)
---  > y = layer(nn.tensor {-1.0, 2.0})
---  gives	tensor([0., 2.], shape=2, float32)
---see: nn.Module:register_forward_pre_hook, nn.autograd.register_hook, nn.diagnose.look
function Module:register_forward_hook(f)
  return add_hook(self, "after", f)
end

---Computes the output: a class defines it, and a call of the module, net(x), calls it with the hooks. Without one it is an
---error.
---example:
---  > Double = nn.Module:extend "Double"
---  > function Double:forward(x) return x * 2 end
---  > Double()(nn.ones(2))
---  tensor([2., 2.], shape=2, float32)
---see: nn.Module:extend, nn.Module:register_forward_hook
function Module:forward()
  core.raise(("%s has no forward: define function %s:forward(x)"):format(self._name, self._name))
end

---Makes a tensor part of the module that is saved with it but not trained, such as a running average. It is the field
---self[name].
---@param name string
---@param value nn.Tensor
---example:
---  > net = nn.Sequential(nn.Linear(2, 1))
---  > net:register_buffer("seen", nn.zeros(1))
---  > net:named_buffers()
---  {{"seen", tensor([0.], shape=1, float32)}}
---see: nn.Module:named_buffers, nn.Parameter, nn.Module:state_dict
function Module:register_buffer(name, value)
  local buffers = { [name] = true }
  for known in pairs(self._buffers or {}) do
    buffers[known] = true
  end
  core.set_hidden(self, "_buffers", buffers)
  self[name] = value
end

-- Pairs {name, value} of what core.walk finds, each value once.
local function collect(self, kind)
  local found, list, seen = core.walk(self, kind), {}, {}
  for i = 1, #found, 2 do
    local value = found[i + 1]
    if not seen[value] then
      seen[value] = true
      list[#list + 1] = { found[i], value }
    end
  end
  return list
end

---Gives all parameters, sub-modules' included, in the order in which they were assigned: what an optimizer is made of.
---@return nn.Tensor[]
---example:
---  > #nn.Sequential(nn.Linear(2, 3), nn.Tanh(), nn.Linear(3, 1)):parameters()
---  4
---see: nn.Module:named_parameters, nn.optim.Adam, nn.Module:parameter_count
function Module:parameters()
  return core.module_parameters(self)
end

---Gives pairs {name, parameter}, in order; names are paths such as "1.weight", as in state_dict.
---@return table[]
---example:
---  > for _, p in ipairs(nn.Sequential(nn.Linear(2, 3)):named_parameters()) do print(p[1], p[2].shape) end
---  1.weight	3x2
---  1.bias	3
---see: nn.Module:parameters, nn.optim.groups, nn.init.apply
function Module:named_parameters()
  return collect(self, "parameters")
end

---Gives pairs {name, buffer}, in order: tensors that are saved but not trained, such as a batch norm's running averages.
---@return table[]
---example:
---  > for _, b in ipairs(nn.BatchNorm1d(3):named_buffers()) do print(b[1], b[2].shape) end
---  running_mean	3
---  running_var	3
---  num_batches_tracked	scalar
---see: nn.Module:register_buffer, nn.Module:named_parameters, nn.BatchNorm1d
function Module:named_buffers()
  return collect(self, "buffers")
end

---Gives pairs {name, module}, this one first, with the name "".
---@return table[]
---example:
---  > for _, m in ipairs(nn.Sequential(nn.Linear(2, 3), nn.ReLU()):named_modules()) do print(m[1], m[2]._name) end
---  	Sequential
---  1	Linear
---  2	ReLU
---see: nn.Module:apply, nn.Module:named_parameters
function Module:named_modules()
  return collect(self, "modules")
end

---Calls f on this module and all below it, the inner ones first.
---@param f fun(m: nn.Module)
---@return nn.Module self
---example:
---  > net = nn.Sequential(nn.Linear(2, 3), nn.ReLU())
---  > net = net:apply(function(m) if m.bias then nn.init.zeros_(m.bias) end end)
---  > net[1].bias
---  tensor([0., 0., 0.], shape=3, float32, requires_grad)
---see: nn.init.apply, nn.Module:named_modules
function Module:apply(f)
  local list = self:named_modules()
  for i = #list, 1, -1 do
    f(list[i][2])
  end
  return self
end

---Sets training mode for this module and all below it: dropout drops, batch norm uses the batch. Modules begin in it.
---@param on? boolean default true; false: evaluation mode
---@return nn.Module self
---example:
---  > nn.Dropout(0.5):train().training
---  true
---see: nn.Module:eval, nn.Dropout, nn.BatchNorm1d, nn.train.fit
function Module:train(on)
  core.set_training(self, on == nil or on)
  return self
end

---Sets evaluation mode for this module and all below it: dropout does nothing, batch norm uses its running averages. It does
---not turn off gradients; nn.no_grad does.
---@return nn.Module self
---example:
---  > nn.Dropout(0.5):eval()(nn.ones(3))
---  tensor([1., 1., 1.], shape=3, float32)
---see: nn.Module:train, nn.no_grad, nn.train.evaluate
function Module:eval()
  return self:train(false)
end

---Forgets the gradients of all parameters, which backward would otherwise add to.
---example:
---  > net = nn.Linear(2, 1)
---  > net(nn.ones(1, 2)):sum():backward()
---  > net:zero_grad()
---  > net.weight.grad == nil
---  true
---see: nn.Optimizer:zero_grad, x:backward
function Module:zero_grad()
  core.clear_gradients(self)
end

---Turns gradients of all parameters on or off: off, the module is frozen, and an optimizer leaves it as it is.
---@param on? boolean default true
---@return nn.Module self
---example:
---  > net = nn.Sequential(nn.Linear(2, 3), nn.Linear(3, 1))
---  > frozen = net[1]:requires_grad_(false)
---  > net:parameter_count()
---  13	4
---see: nn.Module:parameter_count, x:requires_grad_, nn.no_grad
function Module:requires_grad_(on)
  for _, p in ipairs(self:parameters()) do
    p.requires_grad = on == nil or on
  end
  return self
end

---Converts parameters, their gradients and float buffers to another float dtype, in place: they stay the objects they are,
---so optimizers made before go on, and what was shared stays shared.
---@param dtype string "float32" or "float64"
---@return nn.Module self
---example:
---  > nn.Linear(2, 1):to("float64").weight.dtype
---  float64
---see: x:double, x:float
function Module:to(dtype)
  if dtype ~= "float32" and dtype ~= "float64" then
    core.raise(("to: a module can be converted to \"float32\" or \"float64\", but not to %s"):format(core.describe(dtype)))
  end
  local state = core.walk(self, "state")
  for i = 2, #state, 2 do
    if state[i].dtype:find "float" then
      core.convert(state[i], dtype)
    end
  end
  return self
end

---Gives all parameters and buffers by name, for nn.save. The tensors share memory with the module: clone what is to stay.
---@return table<string, nn.Tensor>
---example:
---  > state = nn.Linear(2, 1):state_dict()
---  > state.weight.shape, state.bias.shape
---  1x2	1
---see: nn.Module:load_state_dict, nn.save, nn.train.checkpoint
function Module:state_dict()
  local state, found = {}, core.walk(self, "state")
  for i = 1, #found, 2 do
    state[found[i]] = found[i + 1]:detach()
  end
  return state
end

---Copies values from a state into parameters and buffers. Names and shapes must agree: what is missing, left over or
---of another shape is an error, and then nothing was changed. Options: strict (true; false: names that are missing or left over
---are no error, and a second result lists them: {missing = {...}, unexpected = {...}}).
---@param state table<string, nn.Tensor>
---@param options? {strict: boolean}
---@return nn.Module self, {missing: string[], unexpected: string[]}? names
---example:
---  > a, b = nn.Linear(2, 1), nn.Linear(2, 1)
---  > b:load_state_dict(a:state_dict())
---  Linear(2, 1)  3 parameters
---  > b.weight:equal(a.weight)
---  true
---see: nn.Module:state_dict, nn.load
function Module:load_state_dict(state, options)
  local read = require("nn.internal.options").read
  options = read("load_state_dict", options, { strict = { "boolean", true } })
  if type(state) ~= "table" then
    core.raise(("load_state_dict: the state must be a table of tensors, but is %s"):format(core.describe(state)))
  end
  local wrong, todo, known, found, names = {}, {}, {}, core.walk(self, "state"), { missing = {}, unexpected = {} }
  for i = 1, #found, 2 do
    local name, value = found[i], found[i + 1]
    known[name] = true
    local source = state[name]
    if source == nil and not options.strict then
      names.missing[#names.missing + 1] = name
    elseif source == nil then
      wrong[#wrong + 1] = ("'%s' is missing"):format(name)
    elseif not is_tensor(source) then
      wrong[#wrong + 1] = ("'%s' is %s and no tensor"):format(name, core.describe(source))
    elseif source.shape ~= value.shape then
      wrong[#wrong + 1] = ("'%s' has shape %s there and %s here"):format(name, tostring(source.shape), tostring(value.shape))
    else
      todo[#todo + 1] = { value, source }
    end
  end
  for name in pairs(state) do
    if not known[name] and not options.strict then
      names.unexpected[#names.unexpected + 1] = tostring(name)
    elseif not known[name] then
      wrong[#wrong + 1] = ("'%s' is not in this %s"):format(tostring(name), self._name)
    end
  end
  table.sort(wrong)
  table.sort(names.unexpected)
  for name in pairs(state) do -- places count from 0: what has the same names here would be another layer's
    local from_zero = type(name) == "string" and not known[name] and (("." .. name):find "%.0%." or name:find "_[ih]h_l0")
    if from_zero then
      core.raise(("load_state_dict: the state counts from 0 ('%s'), as PyTorch's do; give it the names of here: "
        .. "nn.io.torch_state(model, state)"):format(name))
    end
  end
  if #wrong > 0 then
    local more = #wrong > 8 and (" and %d more"):format(#wrong - 8) or ""
    core.raise(("load_state_dict: the state does not fit %s: %s%s"):format(self._name,
      table.concat(wrong, "; ", 1, math.min(8, #wrong)), more))
  end
  core.whole(core.no_grad, function()
    for _, pair in ipairs(todo) do
      pair[1]:copy_(pair[2])
    end
  end)
  if options.strict then
    return self
  end
  return self, names
end

---Gives a copy with parameters, buffers and sub-modules of its own; what was shared within the module is shared within the
---copy.
---@return nn.Module
---example:
---  > net = nn.Linear(2, 1)
---  > copy = net:clone()
---  > copy.weight == net.weight, copy.weight:equal(net.weight)
---  false	true
---see: nn.optim.AveragedModel, nn.Module:state_dict
function Module:clone()
  local copies = {}
  local function copy(value)
    if copies[value] ~= nil then
      return copies[value]
    end
    if is_tensor(value) then
      local new = core.no_grad(function()
        return value:detach():clone()
      end)
      if value.is_parameter then
        new = core.Parameter(new, value.requires_grad)
      elseif value.requires_grad and value.is_leaf then
        new:requires_grad_()
      end
      copies[value] = new
      return new
    elseif is_module(value) then
      local new = class.object(class_of(value))
      copies[value] = new
      local values, order = fields(value)
      local named = {}
      for _, key in ipairs(order) do
        named[key] = true
        core.set_field(new, key, copy(values[key]))
      end
      for key, v in next, values do
        if not named[key] then
          core.set_hidden(new, key, copy(v))
        end
      end
      return new
    elseif type(value) == "table" and not getmetatable(value) then
      local new = {}
      copies[value] = new
      for key, v in next, value do
        new[key] = copy(v)
      end
      return new
    end
    return value
  end
  return copy(self)
end

local with_commas

local function parameters(n)
  return ("%s parameter%s"):format(with_commas(n), n == 1 and "" or "s")
end

function with_commas(n)
  local s = tostring(n):reverse():gsub("(%d%d%d)", "%1,"):reverse()
  return (s:gsub("^,", ""))
end

---Gives the number of parameters (all elements), and how many of them are trained.
---@return integer all, integer trained
---example:
---  > nn.Linear(784, 10):parameter_count()
---  7850	7850
---see: nn.Module:describe, nn.Module:requires_grad_
function Module:parameter_count()
  local all, trained = 0, 0
  for _, p in ipairs(self:parameters()) do
    all = all + p:numel()
    trained = trained + (p.requires_grad and p:numel() or 0)
  end
  return all, trained
end

-- "Linear(784, 256)" or, with sub-modules, one line for each. Classes may define extra() for what stands in the
-- brackets. within: the modules this one stands in; one that is among them stands in itself.
local function lines_of(self, name, indent, within, out)
  local label = name and ("(%s): "):format(name) or ""
  if within[self] then
    out[#out + 1] = ("%s%s%s(..., which this stands in)"):format(indent, label, self._name)
    return
  end
  within[self] = true
  local extra = self.extra and self:extra() or ""
  local inner, own = {}, 0
  for _, child in ipairs(children_of(self)) do
    if not is_tensor(child.value) then
      inner[#inner + 1] = child
    else
      own = own + (child.value.is_parameter and child.value:numel() or 0)
    end
  end
  local count = own > 0 and "  " .. parameters(own) or ""
  if #inner == 0 then
    out[#out + 1] = ("%s%s%s(%s)%s"):format(indent, label, self._name, extra, count)
  else
    out[#out + 1] = ("%s%s%s(%s"):format(indent, label, self._name, extra)
    for _, child in ipairs(inner) do
      if is_module(child.value) then
        lines_of(child.value, child.path, indent .. "  ", within, out)
      else
        local what = require("nn.internal.show").func(child.value):gsub("^function %(", "function("):gsub("  %-%- ", " at ")
        out[#out + 1] = ("%s  (%s): %s"):format(indent, child.path, what)
      end
    end
    local mine = own > 0 and (", %s of them its own"):format(with_commas(own)) or ""
    local all = name and self:parameter_count() or 0
    out[#out + 1] = indent .. ")" .. (all > 0 and "  " .. parameters(all) or "") .. mine
  end
  within[self] = nil
end

---Gives the text that print shows: the layer, or the layers within it, with their numbers of parameters.
---@return string
---example:
---  > print(nn.Sequential(nn.Linear(2, 3), nn.Tanh()):describe())
---  Sequential(
---    (1): Linear(2, 3)  9 parameters
---    (2): Tanh()
---  )  9 parameters
---see: nn.Module:parameter_count, nn.plot.graph
function Module:describe()
  local out = {}
  lines_of(self, nil, "", {}, out)
  local all, trained = self:parameter_count()
  if #out > 1 then
    local frozen = trained < all and (", %s of them trained"):format(with_commas(trained)) or ""
    local head, own = out[#out]:match "^(.-%))(.*)$"
    out[#out] = ("%s  %s%s%s"):format(head, parameters(all), own, frozen)
  end
  return table.concat(out, "\n")
end

require("nn.internal.contract").help[Module.new] = function()
  return [[
Is what layers and networks have in common. Make a class with init and forward; calling the class (or Net:new(4)) makes an
object. Parameters, layers, and lists of layers that are assigned to self belong to it. nn.help "Module:state_dict" and the
like tell what a method does.
example:
  > Net = nn.Module:extend("Net")
  > function Net:init(n) self.first = nn.Linear(n, 8); self.scale = nn.Parameter(nn.ones(8)) end
  > function Net:forward(x) return self.first(x):tanh() * self.scale end
  > net = Net(4)
  > net(nn.randn(3, 4)).shape
  3x8
  > net:parameter_count()
  48	48
see: nn.Module:extend, nn.Module:parameters, nn.Sequential, nn.Parameter]]
end

-- A built-in layer is asked for what it does not have. What some layer has is nil then (`if layer.weight then ...`); what none
-- has is misspelt, or one of PyTorch's names, and told.
local names_of_fields

-- Whether some layer has a field of this name.
local function is_field(name)
  if not names_of_fields then
    names_of_fields = {}
    for _, entry in ipairs(core.layers()) do
      for _, f in ipairs(entry.fields) do
        names_of_fields[f.name] = true
      end
    end
  end
  return names_of_fields[name] == true
end

class.on_missing(Module, function(name)
  if name:find "^_" then
    return
  end
  if is_field(name) or name:find "^%l+_[ih]h_l[1-9]%d*" then
    return
  end
  local step = name:match "^%l+_[ih]h_l0"
  if step then
    core.raise(("a layer has no '%s'; layers of a recurrent net count from 1 here: '%s'"):format(name, (name:gsub("_l0", "_l1"))))
  end
  local function names_in(t)
    local names = {}
    for known in pairs(t) do
      if type(known) == "string" and not known:find "^_" then
        names[#names + 1] = known
      end
    end
    table.sort(names)
    return names
  end
  local hint = ""
  if #name > 2 then -- a method, and else a field
    local near = require("nn.internal.options").hint
    hint = near("module", name, names_in(fields(Module)))
    hint = hint ~= "" and hint or near("module", name, names_in(names_of_fields))
  end
  core.raise(("a layer has no '%s'%s"):format(name, hint ~= "" and hint or "; no layer of nn has a field or method of this name"))
end)

return {
  Module = Module,
  children_of = children_of,
  is_field = is_field,
  is_module = is_module,
  is_module_class = is_module_class,
  is_tensor = is_tensor,
}
