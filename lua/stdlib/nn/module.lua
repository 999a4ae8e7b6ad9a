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

---@class nn.Module
local Module = { _name = "Module" }
Module.__index = Module

local order_key = setmetatable({}, { __name = "order" }) -- the fields' order, under a key nobody can clash with

local is_tensor = core.is_tensor

local function is_module(v)
  local meta = type(v) == "table" and getmetatable(v)
  return meta and rawget(meta, "_is_module_class") or false
end

-- First assignment of a field: remember its place, then store it as usual.
local function newindex(self, name, value)
  local order = rawget(self, order_key)
  order[#order + 1] = name
  rawset(self, name, value)
end

---Makes a subclass.
---@param name string shown by print
---@return nn.Module class
function Module:extend(name)
  if type(name) ~= "string" then
    core.raise(("extend: the class needs a name, e.g. nn.Module:extend(\"Net\"), but it is %s"):format(core.describe(name)))
  end
  local class = setmetatable({ _name = name, _base = self, _is_module_class = true }, {
    __index = self,
    __call = function(class, ...)
      return class:new(...)
    end,
    __tostring = function()
      return ("class %s"):format(name)
    end,
  })
  class.__index = class
  class.__newindex = newindex
  class.__call = Module.call
  class.__tostring = Module.describe
  class.__name = name
  return class
end

---Makes an object: what calling the class does.
function Module:new(...)
  local object = setmetatable({ [order_key] = {}, training = true }, self)
  if self.init then
    self.init(object, ...)
  end
  return object
end

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
  for _, hook in ipairs(hooks.after) do
    local changed = table.pack(hook(self, outs[1], table.unpack(args, 1, args.n)))
    if changed.n > 0 and changed[1] ~= nil then
      outs = changed
    end
  end
  return table.unpack(outs, 1, outs.n)
end

function Module:call(...)
  local hooks = rawget(self, "_hooks")
  if hooks then
    return call_with_hooks(self, hooks, ...)
  end
  return self:forward(...)
end

local function add_hook(self, when, f)
  if type(f) ~= "function" then
    core.raise(("%s: a hook is a function, but got %s"):format(self._name, core.describe(f)))
  end
  local hooks = rawget(self, "_hooks")
  if not hooks then
    hooks = { before = {}, after = {} }
    rawset(self, "_hooks", hooks)
  end
  local list = hooks[when]
  list[#list + 1] = f
  core.structure_changed()
  return function()
    for i, g in ipairs(list) do
      if g == f then
        table.remove(list, i)
        core.structure_changed()
        return
      end
    end
  end
end

---Calls f(module, ...) with the arguments before each forward; what it returns takes their place.
---@param f function
---@return fun() remove takes the hook away again
function Module:register_forward_pre_hook(f)
  return add_hook(self, "before", f)
end

---Calls f(module, output, ...) after each forward; what it returns takes the output's place.
---@param f function
---@return fun() remove takes the hook away again
function Module:register_forward_hook(f)
  return add_hook(self, "after", f)
end

function Module:forward()
  core.raise(("%s has no forward: define function %s:forward(x)"):format(self._name, self._name))
end

---A tensor that is saved with the module but not trained, such as a running average.
---@param name string
---@param value nn.Tensor
function Module:register_buffer(name, value)
  local buffers = rawget(self, "_buffers")
  if not buffers then
    buffers = {}
    rawset(self, "_buffers", buffers)
  end
  buffers[name] = true
  self[name] = value
end

-- Calls visit(kind, full_name, value, owner, key) for each parameter, buffer and sub-module, depth first, each object
-- once.
local function walk(module, prefix, seen, visit)
  if seen[module] then
    return
  end
  seen[module] = true
  visit("module", prefix, module)
  local buffers = rawget(module, "_buffers") or {}
  local function field(value, name, owner, key)
    if is_tensor(value) then
      if value.is_parameter then
        visit("parameter", name, value, owner, key)
      elseif buffers[key] and owner == module then
        visit("buffer", name, value, owner, key)
      end
    elseif is_module(value) then
      walk(value, name, seen, visit)
    elseif type(value) == "table" and not getmetatable(value) then
      for i, item in ipairs(value) do
        field(item, ("%s.%d"):format(name, i), value, i)
      end
    end
  end
  for _, key in ipairs(rawget(module, order_key)) do
    local value = rawget(module, key)
    if value ~= nil then
      field(value, prefix == "" and tostring(key) or prefix .. "." .. tostring(key), module, key)
    end
  end
end

local function collect(self, wanted)
  local list, shared = {}, {}
  walk(self, "", {}, function(kind, name, value)
    if kind == wanted and not shared[value] then
      shared[value] = true
      list[#list + 1] = { name, value }
    end
  end)
  return list
end

---All parameters, sub-modules' included.
---@return nn.Tensor[]
function Module:parameters()
  local list = collect(self, "parameter")
  for i, entry in ipairs(list) do
    list[i] = entry[2]
  end
  return list
end

---Pairs {name, parameter}, in order; names are paths such as "1.weight".
---@return table[]
function Module:named_parameters()
  return collect(self, "parameter")
end

---Pairs {name, buffer}.
function Module:named_buffers()
  return collect(self, "buffer")
end

---Pairs {name, module}, this one first, with the name "".
function Module:named_modules()
  return collect(self, "module")
end

---Calls f on this module and all below it, the inner ones first.
---@param f fun(m: nn.Module)
---@return nn.Module self
function Module:apply(f)
  local list = self:named_modules()
  for i = #list, 1, -1 do
    f(list[i][2])
  end
  return self
end

---Training mode: dropout drops, batch norm uses the batch.
---@param on? boolean default true
function Module:train(on)
  on = on == nil or on
  for _, entry in ipairs(self:named_modules()) do
    rawset(entry[2], "training", on)
  end
  return self
end

---Evaluation mode.
function Module:eval()
  return self:train(false)
end

---Forgets the gradients of all parameters.
function Module:zero_grad()
  for _, p in ipairs(self:parameters()) do
    p.grad = nil
  end
end

---Turns gradients of all parameters on or off.
function Module:requires_grad_(on)
  for _, p in ipairs(self:parameters()) do
    p.requires_grad = on == nil or on
  end
  return self
end

---Converts parameters and buffers to another float dtype, in place: the parameters stay the same objects only within
---this module, so make optimizers afterwards.
---@param dtype string "float32" or "float64"
function Module:to(dtype)
  core.structure_changed()
  walk(self, "", {}, function(kind, _, value, owner, key)
    if kind == "parameter" then
      owner[key] = core.Parameter(value:detach():to(dtype), value.requires_grad)
    elseif kind == "buffer" and value.dtype:find "float" then
      owner[key] = value:to(dtype)
    end
  end)
  return self
end

---All parameters and buffers by name. The tensors share memory with the module.
---@return table<string, nn.Tensor>
function Module:state_dict()
  local state = {}
  walk(self, "", {}, function(kind, name, value)
    if kind ~= "module" then
      state[name] = value:detach()
    end
  end)
  return state
end

---Copies values from a state into parameters and buffers. Names and shapes must agree: what is missing, left over or
---of another shape is an error, and then nothing was changed.
---@param state table<string, nn.Tensor>
---@param options? {strict: boolean} strict = false: take what fits
---@return nn.Module self
function Module:load_state_dict(state, options)
  local read = require("nn.options").read
  options = read("load_state_dict", options, { strict = { "boolean", true } })
  if type(state) ~= "table" then
    core.raise(("load_state_dict: the state must be a table of tensors, but is %s"):format(core.describe(state)))
  end
  local wrong, todo, known = {}, {}, {}
  walk(self, "", {}, function(kind, name, value)
    if kind == "module" then
      return
    end
    known[name] = true
    local source = state[name]
    if not is_tensor(source) then
      wrong[#wrong + 1] = ("'%s' is missing"):format(name)
    elseif source.shape ~= value.shape then
      wrong[#wrong + 1] = ("'%s' has shape %s there and %s here"):format(name, tostring(source.shape), tostring(value.shape))
    else
      todo[#todo + 1] = { value, source }
    end
  end)
  for name in pairs(state) do
    if not known[name] then
      wrong[#wrong + 1] = ("'%s' is not in this %s"):format(tostring(name), self._name)
    end
  end
  table.sort(wrong)
  if options.strict and #wrong > 0 then
    local more = #wrong > 8 and (" and %d more"):format(#wrong - 8) or ""
    core.raise(("load_state_dict: the state does not fit %s: %s%s"):format(self._name,
      table.concat(wrong, "; ", 1, math.min(8, #wrong)), more))
  end
  core.no_grad(function()
    for _, pair in ipairs(todo) do
      pair[1]:copy_(pair[2])
    end
  end)
  return self
end

---A copy with parameters, buffers and sub-modules of its own; what was shared within the module is shared within the copy.
---@return nn.Module
function Module:clone()
  local copies = {}
  local function copy(value)
    if copies[value] ~= nil then
      return copies[value]
    end
    local kind = type(value)
    if is_tensor(value) then
      local new = core.no_grad(function()
        return value:detach():clone()
      end)
      if value.is_parameter then
        new = core.Parameter(new, value.requires_grad)
      end
      copies[value] = new
      return new
    elseif kind == "table" and (is_module(value) or not getmetatable(value)) then
      local new = {}
      copies[value] = new
      for key, v in next, value do
        rawset(new, key, copy(v))
      end
      return setmetatable(new, getmetatable(value))
    end
    return value
  end
  return copy(self)
end

-- Calls a layer with another value in one of its fields, e.g. a weight that was computed. The field gets its old value
-- back whatever happens.
local function with_field(layer, name, value, ...)
  local old = rawget(layer, name)
  rawset(layer, name, value)
  local results = table.pack(xpcall(layer.forward, function(e)
    return e
  end, layer, ...))
  rawset(layer, name, old)
  if not results[1] then
    error(results[2], 0)
  end
  return table.unpack(results, 2, results.n)
end

local function with_commas(n)
  local s = tostring(n):reverse():gsub("(%d%d%d)", "%1,"):reverse()
  return (s:gsub("^,", ""))
end

---Number of parameters, and how many of them are trained.
function Module:parameter_count()
  local all, trained = 0, 0
  for _, p in ipairs(self:parameters()) do
    all = all + p:numel()
    trained = trained + (p.requires_grad and p:numel() or 0)
  end
  return all, trained
end

-- "Linear(784, 256)" or, with sub-modules, one line for each. Classes may define extra() for what stands in the
-- brackets.
local function lines_of(self, name, indent, out)
  local label = name and ("(%s): "):format(name) or ""
  local extra = self.extra and self:extra() or ""
  local children = {}
  for _, key in ipairs(rawget(self, order_key)) do
    local value = rawget(self, key)
    if is_module(value) then
      children[#children + 1] = { tostring(key), value }
    elseif type(value) == "table" and not getmetatable(value) then
      for i, item in ipairs(value) do
        if is_module(item) then
          children[#children + 1] = { ("%s.%d"):format(key, i), item }
        end
      end
    end
  end
  local own = 0
  for _, key in ipairs(rawget(self, order_key)) do
    local value = rawget(self, key)
    if is_tensor(value) and value.is_parameter then
      own = own + value:numel()
    end
  end
  local count = own > 0 and ("  %s parameters"):format(with_commas(own)) or ""
  if #children == 0 then
    out[#out + 1] = ("%s%s%s(%s)%s"):format(indent, label, self._name, extra, count)
    return
  end
  out[#out + 1] = ("%s%s%s(%s"):format(indent, label, self._name, extra)
  for _, child in ipairs(children) do
    lines_of(child[2], child[1], indent .. "  ", out)
  end
  out[#out + 1] = indent .. ")" .. count
end

function Module:describe()
  local out = {}
  lines_of(self, nil, "", out)
  local all, trained = self:parameter_count()
  if #out > 1 then
    local frozen = trained < all and (", %s of them trained"):format(with_commas(trained)) or ""
    out[#out] = ("%s  %s parameters%s"):format(out[#out], with_commas(all), frozen)
  end
  return table.concat(out, "\n")
end

return {
  Module = setmetatable(Module, {
    __call = function()
      core.raise("nn.Module is to be extended: local Net = nn.Module:extend(\"Net\")")
    end,
  }),
  is_module = is_module,
  is_tensor = is_tensor,
  with_field = with_field,
  order_key = order_key,
}
