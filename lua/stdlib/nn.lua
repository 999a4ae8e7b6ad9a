-- nn: everything under one name. What is written in C comes from nn.core; layers, losses and the rest are Lua on top.
-- Namespaces (nn.optim, nn.data, ...) load when first touched; `require "nn.optim"` gives the same table.

local core = require "nn.core"

-- Errors blame the nearest line that is not in one of these files.
local here = debug.getinfo(1, "S").source
core.set_stdlib((here:gsub("%.lua$", "")))

local nn = { _VERSION = "0.1.0" }

local public = require "nn.internal.public"
local namespaces, homes = public.namespaces, public.homes

for name, value in pairs(core.public) do
  if not homes[name] then -- an op that does less than the function of its name
    nn[name] = value
  end
end

for alias, op in pairs(require "nn.internal.aliases") do
  nn[alias] = not homes[alias] and core[op] or nil
  local methods = core.tensor_methods
  methods[alias] = methods[op]
  methods[alias .. "_"] = methods[alias .. "_"] or methods[op .. "_"] -- copy_ is an op of its own
end

local function known_names()
  local names = {}
  for _, t in ipairs { nn, namespaces, homes } do
    for name in pairs(t) do
      names[#names + 1] = name
    end
  end
  table.sort(names)
  return names
end

setmetatable(nn, {
  __index = function(t, name)
    local value
    if namespaces[name] then
      value = require(namespaces[name])
    elseif homes[name] then
      value = require("nn.internal.contract").strict(name, require(homes[name])[name])
    elseif type(name) == "string" then
      core.raise(("nn has no '%s'%s"):format(name, require("nn.internal.options").hint("nn", name, known_names(), "nn.")))
    end
    if value ~= nil then
      rawset(t, name, value)
    end
    return value
  end,
  __name = "nn",
  homes = homes,
  namespaces = namespaces,
})

-- nn and nn.x may require each other; this makes the half-built table visible to them.
package.loaded.nn = nn
require "nn.internal.tensor"
require "nn.autograd"

return nn
