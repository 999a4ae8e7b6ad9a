-- nn: everything under one name. What is written in C comes from nn.core; layers, losses and the rest are Lua on top.
-- Families (nn.optim, nn.data, ...) load when first touched; `require "nn.optim"` gives the same table.

local core = require "nn.core"

-- Errors blame the nearest line that is not in one of these files.
local here = debug.getinfo(1, "S").source
core.set_stdlib((here:gsub("%.lua$", "")))

local nn = { _VERSION = "0.1.0" }

local hidden = {
  ops = true, raise = true, nearest = true, describe = true, set_stdlib = true, tensor_methods = true,
  optimizer_state = true, zero_grad = true, idx_read = true, safetensors_read = true, safetensors_write = true,
  json_encode = true, json_decode = true, make_directory = true, file_exists = true, terminal_width = true,
  fail_memory_at = true, options_changed = true, has_features = true,
  profile_start = true, profile_stop = true, peak_flops = true,
  compiled = true, structure_changed = true, is_recording = true, null = true, rex = true,
}
local rows = core.ops()
for _, row in ipairs(rows) do
  hidden[row.name] = hidden[row.name] or row.internal
end
for name, value in pairs(core) do
  if not hidden[name] then
    nn[name] = value
  end
end

-- Where a name lives that is not here yet.
local families = { optim = "nn.optim", data = "nn.data", train = "nn.train", init = "nn.init", io = "nn.io",
  rex = "nn.rex" }
local homes = {
  Module = "nn.module", Sequential = "nn.layers", Linear = "nn.layers", ReLU = "nn.layers", Tanh = "nn.layers",
  Sigmoid = "nn.layers", Flatten = "nn.layers", Dropout = "nn.layers", Identity = "nn.layers",
  ELU = "nn.layers", BatchNorm1d = "nn.layers",
  compile = "nn.compile",
  CrossEntropyLoss = "nn.losses", MSELoss = "nn.losses", BCEWithLogitsLoss = "nn.losses",
  save = "nn.io", load = "nn.io", split = "nn.tensor", chunk = "nn.tensor",
}

local function known_names()
  local names = {}
  for _, t in ipairs { nn, families, homes } do
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
    if families[name] then
      value = require(families[name])
    elseif homes[name] then
      value = require(homes[name])[name]
    elseif type(name) == "string" then
      local near = core.nearest(name, known_names())
      core.raise(("nn has no '%s'%s"):format(name, near and ("; did you mean 'nn.%s'?"):format(near) or ""))
    end
    if value ~= nil then
      rawset(t, name, value)
    end
    return value
  end,
  __name = "nn",
})

-- nn and nn.x may require each other; this makes the half-built table visible to them.
package.loaded.nn = nn
require "nn.tensor"

return nn
