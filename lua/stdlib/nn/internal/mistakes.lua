-- What may have been meant where an error says that a name is nothing: names that are near, for messages of Lua itself.

local core = require "nn.core"

local M = {}

---More names that a name may be: the prompt adds its locals.
M.more = {}

local function add(t, out)
  for key in next, t do
    if type(key) == "string" then
      out[#out + 1] = key
    end
  end
end

local function variables()
  local out = {}
  add(_G, out)
  for _, names in ipairs(M.more) do
    for _, name in ipairs(names()) do
      out[#out + 1] = name
    end
  end
  return out
end

-- Methods and fields of tensors and layers, and the names of nn.
local function fields()
  local out = { "shape", "dtype", "grad", "weight", "bias" }
  add(core.tensor_methods, out)
  local public = require "nn.internal.public"
  for _, t in ipairs { core.public, public.homes, public.namespaces, string, table, math, io, os, coroutine, utf8 } do
    add(t, out)
  end
  local Module = package.loaded["nn.layers.module"]
  if Module then
    add(core.fields(require("nn").Module) or {}, out)
  end
  return out
end

local kinds = {
  global = variables,
  field = fields,
  method = fields,
}

---"f.lua:3: attempt to call a nil value (global 'pritn')" -> the same with "; did you mean 'print'?", or as it is.
---@param text string
---@return string
function M.explained(text)
  local head, rest = text:match "^([^\n]*)(.*)$"
  local iterated = head:match "attempt to call an? (nn%.%w+) value %(for iterator"
  if iterated == "nn.Tensor" then
    return ("%s: write for i, row in pairs(x) do%s"):format(head, rest)
  elseif iterated == "nn.Dataset" then
    return ("%s: write for x, y in data:loader{batch_size = 32} do%s"):format(head, rest)
  elseif head:find("attempt to call a table value (for iterator", 1, true) then
    return ("%s: write for i, v in ipairs(t) do, or pairs(t)%s"):format(head, rest)
  end
  local kind, name = head:match "a nil value %((%a+) '([%a_][%w_]*)'%)$"
  if not kinds[kind] or #name < 3 or head:find("did you mean", 1, true) then
    return text
  end
  -- what is there, but not where it was looked for, has its place said
  if kind == "global" then
    local nn, public = package.loaded.nn, require "nn.internal.public"
    if nn and name ~= "nn" and (rawget(nn, name) or public.homes[name] or public.namespaces[name]) then
      return ("%s; did you mean 'nn.%s'?%s"):format(head, name, rest)
    end
  end
  if kind == "field" and require("nn.layers.module").is_field(name) then
    return ("%s; a layer without '%s' gives nil, and what holds layers has none of its own: net[1].%s%s"):format(head, name, name,
      rest)
  end
  if kind == "method" and package.loaded.nn then -- of a class of one's own, whose missing fields are nil
    local names = require "nn.internal.names"
    local answer = names.answer("module", name) or names.answer("tensor", name)
    if answer then
      return ("%s; %s%s"):format(head, answer, rest)
    end
  end
  local near = core.nearest(name, kinds[kind]())
  return near and near ~= name and ("%s; did you mean '%s'?%s"):format(head, near, rest) or text
end

return M
