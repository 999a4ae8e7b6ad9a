-- Layers that are changed after they were made, called in other ways than usual, or derived from: what was found wrong once.

local lu = require "luaunit"
local nn = require "nn"

TestLayerChanges = {}

local function refused(text, f, ...)
  local ok, why = pcall(f, ...)
  lu.assertFalse(ok, text)
  lu.assertStrContains(tostring(why), text)
  lu.assertNil(tostring(why):find("stdlib", 1, true), why)
end

local function set(object, name, value)
  return function()
    object[name] = value
  end
end

-- What the constructor refuses, an assignment refuses, too.
function TestLayerChanges:test_settings_that_do_not_go_together()
  refused("GroupNorm: the channels must divide evenly into the groups", set(nn.GroupNorm(2, 4), "num_groups", 3))
  refused("GroupNorm: the channels must divide", set(nn.GroupNorm(2, 4):clone(), "num_groups", 3))
  refused("MultiMarginLoss: p must be", set(nn.MultiMarginLoss(), "p", 5))
  refused("Embedding: padding_idx must be one of the symbols", set(nn.Embedding(4, 2), "padding_idx", 9))
  refused("MaxPool1d: padding can be half", set(nn.MaxPool1d(2), "padding", 4))
  refused("RReLU: lower must not be above upper", set(nn.RReLU(0.1, 0.3), "lower", 0.5))
  refused("Hardtanh: min_val must not be above max_val", set(nn.Hardtanh(), "min_val", 3))
  local wider = nn.Hardtanh()
  wider.max_val = 5
  wider.min_val = 3
  lu.assertEquals(wider(nn.tensor { 0.0, 4, 9 }):totable(), { 3, 4, 5 })
end

function TestLayerChanges:test_settings_that_are_settled()
  for _, case in ipairs {
    { nn.Linear(3, 4), "in_features", 5 }, { nn.BatchNorm1d(3), "affine", false }, { nn.LSTM(2, 3), "bias", false },
    { nn.PReLU(), "num_parameters", 3 }, { nn.Highway(4), "gate_bias", 3 }, { nn.Conv2d(1, 2, 3), "kernel_size", 5 },
    { nn.WeightNorm(nn.Linear(2, 2)), "name", "bias" }, { nn.Linear(2, 2), "dtype", "float64" },
  } do
    refused(case[2] .. " is settled when the layer is made", set(table.unpack(case)))
  end
  local same = nn.Linear(3, 4)
  same.in_features = 3
  refused("p cannot be nil", set(nn.Dropout(0.5), "p", nil))
  refused("momentum cannot be nil", set(nn.BatchNorm1d(3), "momentum", nil))
  refused("init was called on this layer before", function()
    same:init(3, 4, false)
  end)
  refused("training must be true or false", set(same, "training", "no"))
end

function TestLayerChanges:test_parts_that_are_gone()
  local x = nn.ones(1, 2)
  for _, case in ipairs {
    { nn.Linear(2, 2), "weight", "Linear(2, 2): weight is nil; it is needed" },
    { nn.WeightNorm(nn.Linear(2, 2)), "weight_v", "WeightNorm(): weight_v is nil; it is needed" },
    { nn.SpectralNorm(nn.Linear(2, 2)), "weight_orig", "SpectralNorm(): weight_orig is nil; it is needed" },
    { nn.Highway(2), "activation", "Highway(2): activation is nil; it is needed" },
  } do
    local layer = case[1]
    layer[case[2]] = nil
    refused(case[3], layer, x)
    if layer.weight and not nn.is_tensor(layer.weight) then
      refused(case[3], layer.weight, layer)
    end
  end
  local layer = nn.Linear(2, 2)
  do
    local w <close> = layer.weight
    lu.assertNotNil(w)
  end
  refused("Linear(2, 2): weight was closed: its values are gone", layer, x)
  local Empty = nn.Conv2d:extend "Empty"
  function Empty.init() end
  refused("Empty(): in_channels is nil; the class's init must call nn.Conv2d.init(self, ...)", Empty(), nn.ones(1, 1, 3, 3))
  lu.assertEquals(tostring(Empty()), "Empty()")
end

-- The field whose value a layer changes for the time of a call may lose its name meanwhile.
function TestLayerChanges:test_names_that_go_while_a_layer_runs()
  local key = "a_name_" .. tostring(os.time())
  local Inner = nn.Module:extend "Inner"
  function Inner.init(inner)
    inner[key] = nn.Parameter(nn.ones(2, 2))
  end
  function Inner.forward(inner, x)
    local y = x:matmul(inner[key])
    inner[key] = nil
    key = nil
    collectgarbage()
    collectgarbage()
    return y
  end
  local outer = nn.WeightNorm(Inner(), { name = key })
  lu.assertEquals(tostring(outer(nn.ones(1, 2)).shape), "1x2")
end

-- A forward that is another built-in's is not taken for the layer's own.
function TestLayerChanges:test_borrowed_forward()
  local Odd = nn.Linear:extend "Odd"
  Odd.forward = nn.Tanh.forward
  refused("Tanh: self must be what it belongs to", Odd(2, 2), nn.ones(1, 2))
  local Own = nn.Linear:extend "Own"
  function Own.forward(own, x)
    return nn.Linear.forward(own, x) * 2
  end
  local one = Own(2, 2)
  local plain = nn.Linear(2, 2)
  plain:load_state_dict(one:state_dict())
  lu.assertTrue(one(nn.ones(1, 2)):equal(plain(nn.ones(1, 2)) * 2))
  refused("Own(2, 2): input has 3 features", one, nn.ones(1, 3))
end

-- Sizes that cannot be are told at once.
function TestLayerChanges:test_large_sizes()
  refused("upscale_factor must be an integer", nn.PixelShuffle, 1 << 40)
  refused("size must be an integer", nn.LocalResponseNorm, math.maxinteger)
  refused("output_size must be an integer", nn.AdaptiveAvgPool1d, 1 << 50)
  refused("out_features times pieces", nn.Maxout, 2, 1 << 30, 1 << 30)
  refused("dilation must be an integer", nn.Conv1d, 1, 1, 3, { dilation = 1 << 62 })
  lu.assertEquals(nn.Linear(2.0, 3.0).in_features, 2)
  refused("is a variance or scale, which is not negative", nn.GaussianNLLLoss(), nn.ones(2), nn.ones(2), -nn.ones(2))
end
