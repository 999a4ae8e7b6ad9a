-- nn.models: well-known nets, without weights. Their parts are called as torchvision calls them, so that its states fit
-- (nn.io.torch_state). The classes have no init, which could be called again with anything: functions here fill them.

local builtin = require "nn.layers.builtin"
local core = require "nn.core"
local module = require "nn.layers.module"
local options = require "nn.internal.options"

local M = {}

local function conv(from, to, size, stride)
  local layer = builtin.Conv2d(from, to, size, { stride = stride or 1, padding = size // 2, bias = false })
  require("nn.init").kaiming_normal_(layer.weight, { mode = "fan_out", nonlinearity = "relu" })
  return layer
end

-- ---- residual nets ----

local BasicBlock = module.Module:extend "BasicBlock"

local function basic_block(from, to, stride)
  local self = BasicBlock()
  self.conv1 = conv(from, to, 3, stride)
  self.bn1 = builtin.BatchNorm2d(to)
  self.conv2 = conv(to, to, 3)
  self.bn2 = builtin.BatchNorm2d(to)
  self.downsample = (stride ~= 1 or from ~= to) and builtin.Sequential(conv(from, to, 1, stride), builtin.BatchNorm2d(to))
    or builtin.Identity()
  return self
end

function BasicBlock:forward(x)
  local y = core.relu(self.bn1(self.conv1(x)))
  return core.relu(self.bn2(self.conv2(y)) + self.downsample(x))
end

local ResNet = module.Module:extend "ResNet"

local function resnet(blocks, o)
  local self = ResNet()
  self.conv1 = conv(o.in_channels, 64, 7, 2)
  self.bn1 = builtin.BatchNorm2d(64)
  self.maxpool = builtin.MaxPool2d(3, { stride = 2, padding = 1 })
  local from = 64
  for i, count in ipairs(blocks) do
    local to, stage = 64 * 2 ^ (i - 1) // 1 | 0, builtin.Sequential()
    for k = 1, count do
      stage:add(basic_block(from, to, k == 1 and i > 1 and 2 or 1))
      from = to
    end
    self["layer" .. i] = stage
  end
  self.avgpool = builtin.AdaptiveAvgPool2d(1)
  self.fc = builtin.Linear(from, o.num_classes)
  return self
end

function ResNet:forward(x)
  x = self.maxpool(core.relu(self.bn1(self.conv1(x))))
  x = self.layer4(self.layer3(self.layer2(self.layer1(x))))
  return self.fc(self.avgpool(x):flatten(2))
end

local function read(name, opts, more)
  local spec = { num_classes = { "integer", 1000, least = 1 }, in_channels = { "integer", 3, least = 1 } }
  for key, rule in pairs(more or {}) do
    spec[key] = rule
  end
  return options.read(name, opts, spec)
end

---Makes a residual net of 18 layers for images of some 224 x 224 (small ones work, too). Options: num_classes (1000),
---in_channels (3).
---@param opts? {num_classes: integer, in_channels: integer}
---@return nn.Module
---example:
---  > model = nn.models.resnet18{num_classes = 10}
---  > model(nn.zeros(2, 3, 32, 32)).shape, (model:parameter_count())
---  2x10	11181642
---see: nn.models.resnet34, nn.models.vgg11, nn.io.torch_state
---source: He et al. 2016, "Deep residual learning for image recognition", table 1
function M.resnet18(opts)
  return resnet({ 2, 2, 2, 2 }, read("resnet18", opts))
end

---Makes a residual net of 34 layers, as nn.models.resnet18 does.
---@param opts? {num_classes: integer, in_channels: integer}
---@return nn.Module
---example:
---  > #nn.models.resnet34{num_classes = 10}:parameters()
---  110
---see: nn.models.resnet18
---source: He et al. 2016, "Deep residual learning for image recognition", table 1
function M.resnet34(opts)
  return resnet({ 3, 4, 6, 3 }, read("resnet34", opts))
end

-- ---- VGG ----

local VGG = module.Module:extend "VGG"

local function vgg(stages, o)
  local self = VGG()
  local from = o.in_channels
  self.features = builtin.Sequential()
  for i, count in ipairs(stages) do
    local to = ({ 64, 128, 256, 512, 512 })[i]
    for _ = 1, count do
      local layer = builtin.Conv2d(from, to, 3, { padding = 1 })
      require("nn.init").kaiming_normal_(layer.weight, { mode = "fan_out", nonlinearity = "relu" })
      require("nn.init").zeros_(layer.bias)
      self.features:add(layer)
      if o.batch_norm then
        self.features:add(builtin.BatchNorm2d(to))
      end
      self.features:add(builtin.ReLU())
      from = to
    end
    self.features:add(builtin.MaxPool2d(2))
  end
  self.avgpool = builtin.AdaptiveAvgPool2d(7)
  self.classifier = builtin.Sequential(builtin.Linear(512 * 49, 4096), builtin.ReLU(), builtin.Dropout(o.dropout),
    builtin.Linear(4096, 4096), builtin.ReLU(), builtin.Dropout(o.dropout), builtin.Linear(4096, o.num_classes))
  for _, layer in ipairs(self.classifier) do
    if layer.weight then
      require("nn.init").normal_(layer.weight, 0, 0.01)
      require("nn.init").zeros_(layer.bias)
    end
  end
  return self
end

function VGG:forward(x)
  return self.classifier(self.avgpool(self.features(x)):flatten(2))
end

local more = { batch_norm = { "boolean", false }, dropout = { "number", 0.5, least = 0, most = 1 } }

---Makes a VGG net of 11 layers for images of some 224 x 224 (32 x 32 at least). Options: num_classes (1000), in_channels (3),
---batch_norm (false), dropout (0.5).
---@param opts? {num_classes: integer, in_channels: integer, batch_norm: boolean, dropout: number}
---@return nn.Module
---example:
---  > nn.models.vgg11{num_classes = 10}.features[1]
---  Conv2d(3, 64, 3, padding = 1)  1,792 parameters
---see: nn.models.vgg16, nn.models.resnet18, nn.io.torch_state
---source: Simonyan & Zisserman 2015, "Very deep convolutional networks for large-scale image recognition", table 1, A
function M.vgg11(opts)
  return vgg({ 1, 1, 2, 2, 2 }, read("vgg11", opts, more))
end

---Makes a VGG net of 16 layers, as nn.models.vgg11 does.
---@param opts? {num_classes: integer, in_channels: integer, batch_norm: boolean, dropout: number}
---@return nn.Module
---example:
---  > #nn.models.vgg16{num_classes = 10, batch_norm = true}.features
---  44
---see: nn.models.vgg11
---source: Simonyan & Zisserman 2015, "Very deep convolutional networks for large-scale image recognition", table 1, D
function M.vgg16(opts)
  return vgg({ 2, 2, 3, 3, 3 }, read("vgg16", opts, more))
end

return options.namespace("nn.models", M)
