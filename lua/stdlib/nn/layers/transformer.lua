-- Stacks of transformer layers: copies of one layer, called one after another with the same masks.

local core = require "nn.core"
local module = require "nn.layers.module"

local M = {}

local function fill(name, wanted)
  return function(self, layer, num_layers, norm, ...)
    if not module.is_module(layer) then
      core.raise(("%s: takes a layer (nn.%s, or one of yours), num_layers and a norm, but the first is %s"):format(name, wanted,
        core.describe(layer)))
    elseif math.type(num_layers) ~= "integer" or num_layers < 1 then
      core.raise(("%s: num_layers must be an integer of at least 1, but is %s"):format(name, core.describe(num_layers)))
    elseif norm ~= nil and not module.is_module(norm) then
      core.raise(("%s: norm must be a layer, but is %s"):format(name, core.describe(norm)))
    elseif ... ~= nil then
      core.raise(("%s: takes a layer, num_layers and a norm, but got more: %s"):format(name, core.describe((...))))
    end
    local builtin, layers = require "nn.layers.builtin", {}
    for i = 1, num_layers do
      layers[i] = layer:clone()
    end
    self.layers = builtin.ModuleList(layers)
    self.norm = norm or builtin.Identity()
  end
end

local function check_self(self, name)
  if core.entry_of(self) ~= name then
    core.raise(("%s: self must be what it belongs to (call it as stack(x)), but is %s"):format(name, core.describe(self)))
  end
end

-- What an encoder calls `mask` its layers call `src_mask`.
local function renamed(options)
  if type(options) == "table" and not core.is_tensor(options) and options.mask ~= nil then
    if options.src_mask ~= nil then
      core.raise "TransformerEncoder: mask and src_mask are one and the same; leave one out"
    end
    local copy = {}
    for key, value in pairs(options) do
      copy[key == "mask" and "src_mask" or key] = value
    end
    return copy
  end
  return options
end

function M.TransformerEncoder(Class)
  Class.init = fill("TransformerEncoder", "TransformerEncoderLayer(d_model, nhead)")
  function Class:forward(src, mask, padding, options)
    check_self(self, "TransformerEncoder")
    mask, padding, options = renamed(mask), renamed(padding), renamed(options)
    for _, layer in ipairs(self.layers) do
      src = layer(src, mask, padding, options)
    end
    return self.norm(src)
  end
end

function M.TransformerDecoder(Class)
  Class.init = fill("TransformerDecoder", "TransformerDecoderLayer(d_model, nhead)")
  function Class:forward(tgt, memory, ...)
    check_self(self, "TransformerDecoder")
    for _, layer in ipairs(self.layers) do
      tgt = layer(tgt, memory, ...)
    end
    return self.norm(tgt)
  end
end

return M
