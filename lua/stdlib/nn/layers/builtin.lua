-- What files of layers share: defining a small layer in one place, checking its input.

local contract = require "nn.internal.contract"
local class = require "nn.internal.class"
local core = require "nn.core"
local module = require "nn.layers.module"
local options = require "nn.internal.options"

local M = {}

---Raises unless x is a tensor, in the layer's name.
function M.want_tensor(self, x)
  if not core.is_tensor(x) then
    core.raise(("%s: the input must be a tensor, but is %s"):format(tostring(self):match "^[^\n]-%)" or self._name,
      core.describe(x)))
  end
end

---Raises in the layer's name, with its settings.
function M.fail(self, text, ...)
  core.raise(("%s(%s): %s"):format(self._name, self.extra and self:extra() or "", text:format(...)))
end

local function same(a, b)
  return a == b or (a ~= a and b ~= b)
end

---Defines a layer whose settings may be given in order or by name, e.g. nn.LeakyReLU(0.2) and
---nn.LeakyReLU{negative_slope = 0.2}. print shows those that are not the default.
---@param into table where the class goes, under its name
---@param name string
---@param settings table[] {name, type, default, least?, most?, named?}; a setting without default and with least = "needed"
---must be given; one that is named = true is given by its name only
---@param forward fun(self, x, ...)
---@param build? fun(self) called at the end of init, to make parameters
function M.define(into, name, settings, forward, build)
  local Layer = module.Module:extend(name)
  local spec, positional, names = {}, 0, {}
  for i, s in ipairs(settings) do
    spec[s[1]] = { s[2], s[3] }
    if not s.named then
      positional, names[i] = i, s[1]
    end
  end
  -- Settings in their order, then at most one table with settings by name.
  local function read(...)
    local given, count = {}, select("#", ...)
    local last = select(count > 0 and count or 1, ...)
    local s = settings[count]
    local table_wanted = s and not s.named and (s[2] == "table" or s[2] == "any") and not options.has_names(last)
    if type(last) == "table" and not getmetatable(last) and not table_wanted then
      for key, v in pairs(last) do
        given[key] = v
      end
      count = count - 1
    end
    for i = 1, count do
      local value, key = (select(i, ...)), names[i]
      if not key and value ~= nil then
        core.raise(("%s: takes %s, and settings by name: nn.%s{...}; but argument %d is %s"):format(name,
          positional == 0 and "no arguments" or table.concat(names, ", "), name, i, core.describe(value)))
      elseif key and value ~= nil and given[key] ~= nil then
        core.raise(("%s: %s is given twice, as argument %d and by name"):format(name, key, i))
      elseif key and value ~= nil then
        given[key] = value
      end
    end
    return given
  end
  function Layer:init(...)
    local given = read(...)
    local o = options.read(name, given, spec)
    for _, s in ipairs(settings) do
      local value = o[s[1]]
      if value == nil and s[4] == "needed" then
        core.raise(("%s: %s is missing"):format(name, s[1]))
      elseif type(s[4]) == "number" and type(value) == "number" and (value < s[4] or value ~= value) then
        core.raise(("%s: %s must be at least %g, but is %g"):format(name, s[1], s[4], value))
      elseif type(s[5]) == "number" and type(value) == "number" and value > s[5] then
        core.raise(("%s: %s must be at most %g, but is %g"):format(name, s[1], s[5], value))
      end
      self[s[1]] = value
    end
    if build then
      build(self)
    end
  end
  function Layer:extra()
    local parts = {}
    for i, s in ipairs(settings) do
      local value = self[s[1]]
      if s[4] == "needed" or (s[3] == nil and value ~= nil) then
        parts[#parts + 1] = type(value) == "table" and (#value == 1 and tostring(value[1])
          or ("{%s}"):format(table.concat(value, ", "))) or tostring(value)
      elseif not same(value, s[3]) and i == 1 and type(value) == "number" then
        parts[1] = tostring(value)
      elseif not same(value, s[3]) and type(value) ~= "table" then
        parts[#parts + 1] = ("%s = %s"):format(s[1], type(value) == "string" and ("%q"):format(value) or tostring(value))
      end
    end
    return table.concat(parts, ", ")
  end
  function Layer:forward(x, ...)
    if not core.is_tensor(x) then
      M.want_tensor(self, x)
    end
    return forward(self, x, ...)
  end
  class.most_arguments[Layer.forward] = contract.most(forward)
  into[name] = Layer
  return Layer
end

---n numbers from one number or a list, e.g. a kernel size.
function M.tuple(who, what, value, n, least)
  local list, given = {}, type(value) == "table"
  for i = 1, n do
    list[i] = value
    if given then
      list[i] = value[i]
    end
    if math.type(list[i]) ~= "integer" or list[i] < (least or 0) or given and #value ~= n then
      core.raise(("%s: %s must be an integer of at least %d, or a list of %d such, but is %s"):format(who, what, least or 0, n,
        given and ("a list of %d"):format(#value) or core.describe(value)))
    end
  end
  return list
end

---A value for each channel (dim 2), shaped so that it broadcasts over x.
function M.along_channels(t, x)
  local shape = {}
  for d = 1, x.ndim do
    shape[d] = d == 2 and -1 or 1
  end
  return t:reshape(shape)
end

---x with the channels (dim 2) last and all else in the rows.
function M.channel_rows(x)
  local n = x.ndim
  if n == 2 then
    return x
  end
  local order = { 1 }
  for d = 3, n do
    order[#order + 1] = d
  end
  order[n] = 2
  return x:permute(order):reshape(-1, x:size(2))
end

---Such rows as x was.
function M.from_rows(y, x)
  local n = x.ndim
  if n == 2 then
    return y
  end
  local shape, back = { x:size(1) }, { 1, n }
  for d = 3, n do
    shape[#shape + 1], back[d] = x:size(d), d - 1
  end
  shape[n] = x:size(2)
  return y:reshape(shape):permute(back)
end

return M
