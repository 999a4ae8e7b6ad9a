-- Layers for the mutation fuzzer, from the layer table: source that makes one of each entry as a layer of four features, and
-- changes of any of their fields.

local nn = require "nn"
local core = require "nn.core"

package.path = "tests/lua/?.lua;" .. package.path
local cases = require "layer_cases"

local M = {}

---Source of what the layers below are wrapped in: each gives rows x 4 for rows x 4.
M.head = [[
local function wrapper(name, forward)
  local Class = nn.Module:extend(name)
  function Class:init(layer) self.layer = layer end
  Class.forward = forward
  return Class
end
Image = wrapper("Image", function(self, x)
  return x + self.layer(x:reshape(-1, 1, 2, 2)):flatten(2):mean(2, true)
end)
Volume = wrapper("Volume", function(self, x)
  return x + self.layer(x:reshape(-1, 1, 1, 2, 2)):flatten(2):mean(2, true)
end)
Line = wrapper("Line", function(self, x)
  return x + self.layer(x:reshape(-1, 1, 4)):flatten(2):mean(2, true)
end)
Steps = wrapper("Steps", function(self, x)
  return x + (self.layer(x:unsqueeze(1))):flatten(2):mean({ 1, 2 }, true):reshape(1, 1)
end)
Symbols = wrapper("Symbols", function(self, x)
  return x + self.layer((x:detach():abs() * 0):to "int64" + 1):flatten(2):mean(2, true)
end)
Narrow = wrapper("Narrow", function(self, x)
  return x + self.layer(x):mean(2, true)
end)
]]

-- "nn.Conv2d { in_channels = 1, ... }": sizes that fit the wrapper.
local whole = {
  Upsample = "nn.Upsample { scale_factor = 2 }",
  TransformerEncoder = "nn.TransformerEncoder(nn.TransformerEncoderLayer(4, 2, 4), 2)",
}
-- Those that take no rows of four features.
local apart = { Fold = true, Unflatten = true, EmbeddingBag = true, PixelUnshuffle = true }

local function takes_two(entry)
  local second = entry.inputs:match "^[%w_]+, [%w_]+(%??)"
  return second == ""
end

local function written(entry)
  if whole[entry.name] then
    return whole[entry.name]
  end
  local parts, width = {}, entry.accepts and entry.accepts:find "length" and 1 or 4
  for _, f in ipairs(entry.fields) do
    if f.kind == "layers" then
      return ("nn.%s(nn.Linear(4, 4), nn.Tanh())"):format(entry.name)
    elseif f.setting and not f.optional and not f.default then
      local one = width == 1 or entry.accepts and entry.accepts:find "height"
      local value = f.kind == "layer" and "nn.Linear(4, 4)" or f.kind == "number" and "0.5"
        or f.name == "num_groups" and "2" or f.name == "normalized_shape" and "4" or f.name == "nhead" and "2" or (f.name == "kernel_size" or f.name == "padding") and "1"
        or one and "1" or "4"
      parts[#parts + 1] = ("%s = %s"):format(f.name, value)
    end
  end
  return ("nn.%s { %s }"):format(entry.name, table.concat(parts, ", "))
end

---Sources of layers, one or more for each entry that takes one input.
function M.sources()
  local list = {}
  for _, entry in ipairs(core.layers()) do
    local text = (entry.inputs or whole[entry.name]) and not apart[entry.name] and written(entry)
    if entry.loss or not text or entry.name == "Sequential" or entry.inputs and takes_two(entry) then
      text = nil
    elseif entry.name == "Embedding" then
      text = ("Symbols(%s)"):format(text)
    elseif entry.family == "recurrent" then
      text = ("%s(%s)"):format(entry.name:find "Cell" and "Narrow" or "Steps", text)
    elseif entry.accepts and entry.accepts:find "^batch x [%w_]+ x height" then
      text = ("Image(%s)"):format(text)
    elseif entry.accepts and entry.accepts:find "^batch x [%w_]+ x depth" then
      text = ("Volume(%s)"):format(text)
    elseif entry.accepts and entry.accepts:find "^batch x [%w_]+ x length" then
      text = ("Line(%s)"):format(text)
    elseif entry.name == "GLU" then
      text = ("Narrow(%s)"):format(text)
    end
    list[#list + 1] = text
  end
  list[#list + 1] = "nn.Sequential(nn.Linear(4, 4), nn.Sigmoid())"
  return list
end

local by_name = {}
for _, entry in ipairs(core.layers()) do
  by_name[entry.name] = entry
end

-- What a field may become.
local function candidates(object, f)
  local old = object[f.name]
  if f.setting then
    local list = cases.values(f)
    if type(old) == "table" then
      list[#list + 1] = "in place"
    end
    return list
  elseif f.kind == "parameter" and old then
    return { nn.Parameter(old:detach() * 0.5), nn.Parameter(old:detach() + 0.1), "frozen", "none", nn.Parameter(nn.ones(3)) }
  elseif f.kind == "parameter" then
    return { nn.Parameter(nn.ones(4)) }
  elseif f.kind == "buffer" then
    return { old and old + 1 or nn.ones(4), "none" }
  end
  return { nn.Linear(4, 4), nn.Tanh(), "none" }
end

---Changes a field of a layer, or of the one that it wraps: field number a, value number b. What does not go is an error.
function M.mutate(object, a, b)
  local entry = by_name[core.entry_of(object) or ""]
  if not entry then
    object = object.layer
    entry = by_name[core.entry_of(object) or ""]
  end
  local f = entry.fields[a % math.max(1, #entry.fields) + 1]
  if not f or not f.stored then
    object.training = b % 2 == 0
    return
  end
  local list = candidates(object, f)
  local value = list[b % math.max(1, #list) + 1]
  if value == "in place" then
    object[f.name][1] = b % 3 + 1
  elseif value == "frozen" then
    object[f.name].requires_grad = not object[f.name].requires_grad
  elseif value == "none" then
    object[f.name] = nil
  else
    object[f.name] = value
  end
end

return M
