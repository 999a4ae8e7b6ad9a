-- Shows: a net learns to paint any picture in the manner of one (fast_neural_style of pytorch/examples).
--
--   ./nnlua --seed 1 scripts/examples/fast_neural_style.lua [--epochs 2] [--limit 400] [--image_size 64] [--batch_size 4]
--     [--style PICTURE] [--content PICTURE] [--vgg FILE.safetensors] [--content_weight 1e5] [--style_weight 1e10]
--
-- The loss compares features of VGG-16: those of the picture for its content, their Gram matrices with those of the style.
-- Without --vgg these features are of RANDOM weights: colours and stripes go over, but it sees no objects as a trained VGG does.
-- --vgg takes torchvision's vgg16 as a safetensors file. Nets, losses and optimizer are those of PyTorch's example; the pictures
-- to learn from are coloured clothes of Fashion-MNIST, 64 x 64 (photographs of 256 x 256 there), the style is a swirl made here.
-- A recorded run keeps stylized.png (pictures above, what becomes of them below); with --lr 5e-3 --image_size 48 --batch_size 2
-- it shows the swirl's colours after a minute.

local nn = require "nn"

-- ---- the net that paints ----

local ConvLayer = nn.Module:extend "ConvLayer"
function ConvLayer:init(from, to, size, stride, upsample)
  self.upsample = upsample
  self.reflection_pad = nn.ReflectionPad2d(size // 2)
  self.conv2d = nn.Conv2d(from, to, size, stride)
end
function ConvLayer:forward(x)
  if self.upsample then
    x = nn.interpolate(x, { scale_factor = self.upsample, mode = "nearest" })
  end
  return self.conv2d(self.reflection_pad(x))
end

local function norm(channels)
  return nn.InstanceNorm2d(channels, { affine = true })
end

local ResidualBlock = nn.Module:extend "ResidualBlock"
function ResidualBlock:init(channels)
  self.conv1 = ConvLayer(channels, channels, 3, 1)
  self.in1 = norm(channels)
  self.conv2 = ConvLayer(channels, channels, 3, 1)
  self.in2 = norm(channels)
end
function ResidualBlock:forward(x)
  return self.in2(self.conv2(self.in1(self.conv1(x)):relu())) + x
end

local TransformerNet = nn.Module:extend "TransformerNet"
function TransformerNet:init()
  self.conv1 = ConvLayer(3, 32, 9, 1)
  self.in1 = norm(32)
  self.conv2 = ConvLayer(32, 64, 3, 2)
  self.in2 = norm(64)
  self.conv3 = ConvLayer(64, 128, 3, 2)
  self.in3 = norm(128)
  for i = 1, 5 do
    self["res" .. i] = ResidualBlock(128)
  end
  self.deconv1 = ConvLayer(128, 64, 3, 1, 2)
  self.in4 = norm(64)
  self.deconv2 = ConvLayer(64, 32, 3, 1, 2)
  self.in5 = norm(32)
  self.deconv3 = ConvLayer(32, 3, 9, 1)
end
function TransformerNet:forward(x) -- batch x 3 x height x width, from 0 to 255; so is what it gives, some beyond
  local y = self.in1(self.conv1(x)):relu()
  y = self.in2(self.conv2(y)):relu()
  y = self.in3(self.conv3(y)):relu()
  for i = 1, 5 do
    y = self["res" .. i](y)
  end
  y = self.in4(self.deconv1(y)):relu()
  y = self.in5(self.deconv2(y)):relu()
  return self.deconv3(y)
end

-- ---- the net that looks ----

-- VGG-16 up to relu4_3; gives relu1_2, relu2_2, relu3_3 and relu4_3.
local Vgg = nn.Module:extend "Vgg"
function Vgg:init(path)
  self.features = nn.Sequential()
  self.ends = {} -- places of the layers whose output counts
  local from = 3
  for _, stage in ipairs { { 64, 2 }, { 128, 2 }, { 256, 3 }, { 512, 3 } } do
    if from > 3 then
      self.features:add(nn.MaxPool2d(2))
    end
    for _ = 1, stage[2] do
      local conv = nn.Conv2d(from, stage[1], 3, { padding = 1 })
      nn.init.normal_(conv.weight)
      nn.init.zeros_(conv.bias)
      self.features:add(conv):add(nn.ReLU())
      from = stage[1]
    end
    self.ends[#self.features] = true
  end
  if path then
    local state = {}
    for name, tensor in pairs(nn.load(path)) do
      local place = name:match "^features%.(%d+)%." -- from 0
      state[name] = place and tonumber(place) < #self.features and tensor or nil
    end
    self:load_state_dict(nn.io.torch_state(self, state))
  end
  self:requires_grad_(false)
end
-- Makes random filters worth looking with: but for the first ones each has mean 0, so that it sees differences and not how
-- bright all is; and what each layer gives for these pictures has deviation 1.
function Vgg:balance(x)
  nn.no_grad(function()
    for i, layer in ipairs(self.features) do
      if layer.weight then
        if i > 1 then
          layer.weight:sub_(layer.weight:mean { dim = { 2, 3, 4 }, keepdim = true })
        end
        layer.weight:div_(layer(x):std())
      end
      x = layer(x)
    end
  end)
end
function Vgg:forward(x)
  local out = {}
  for i, layer in ipairs(self.features) do
    x = layer(x)
    if self.ends[i] then
      out[#out + 1] = x
    end
  end
  return table.unpack(out)
end

local mean = nn.tensor { 0.485, 0.456, 0.406 }:reshape(3, 1, 1)
local std = nn.tensor { 0.229, 0.224, 0.225 }:reshape(3, 1, 1)
local function normalized(x) -- as VGG's pictures were
  return (x / 255 - mean) / std
end

local function gram(y)
  local b, channels, height, width = table.unpack(y.shape)
  local flat = y:reshape(b, channels, height * width)
  return flat:bmm(flat:transpose(2, 3)) / (channels * height * width)
end

-- ---- pictures: batch x 3 x height x width, from 0 to 255 ----

local function read_picture(path)
  return nn.io.image(path, { channels = 3 }):float():unsqueeze(1)
end

local function write_picture(path, picture) -- 3 x height x width
  nn.io.image(path, picture:clamp(0, 255):round():to "uint8")
end

-- Clothes before a ground, both of colours that flow into each other, with some grain: what is to be painted must not be flat.
local function coloured(x, size, generator)
  local draws = { generator = generator }
  local function enlarged(images)
    return nn.interpolate(images, { size = { size, size }, mode = "bilinear" })
  end
  local front, ground = enlarged(nn.rand({ #x, 3, 3, 3 }, draws)), enlarged(nn.rand({ #x, 3, 3, 3 }, draws))
  local grain = nn.randn({ #x, 3, size, size }, draws) * 0.04
  return (ground + enlarged(x:unsqueeze(2)) * (front - ground) + grain):clamp(0, 1) * 255
end

-- Three arms that wind around the middle, in three colours.
local function swirl(size)
  local axis = nn.linspace(-1, 1, size)
  local x, y = axis:unsqueeze(1):expand(size, size), axis:unsqueeze(2):expand(size, size)
  local turn = nn.atan2(y, x) * 3 + (x * x + y * y):sqrt() * 25
  local channels = {}
  for i, phase in ipairs { 0, 1.2, 3.5 } do
    channels[i] = ((turn + phase):sin() * 0.5 + 0.5) * 255
  end
  return nn.stack(channels, 1):unsqueeze(1)
end

-- ---- the experiment ----

return nn.experiment {
  name = "fast_neural_style", doc = "Learns to paint pictures in the manner of one (fast_neural_style of pytorch/examples)",
  params = {
    epochs = { 2, min = 1 }, batch_size = { 4, min = 1 }, image_size = { 64, min = 16, doc = "of the pictures to learn from" },
    limit = { 400, min = 1, max = 60000, doc = "pictures an epoch" }, lr = { 1e-3, min = 0 },
    content_weight = { 1e5, min = 0 }, style_weight = { 1e10, min = 0 },
    style = { "", doc = "a picture (PNG, JPEG, PPM); else a swirl" }, content = { "", doc = "a picture to paint in the end" },
    vgg = { "", doc = "weights of torchvision's vgg16, a safetensors file; else random ones" },
    log_interval = { 20, min = 1, doc = "steps between two lines" },
  },
  run = function(p, run)
    local colours = nn.Generator(p.seed)
    local train, test = nn.data.fashion_mnist { flatten = false }
    local pictures = coloured(train:range(1, p.limit).x, p.image_size, colours)
    local loader = nn.data.tensors(pictures, train:range(1, p.limit).y):loader { batch_size = p.batch_size, shuffle = true }
    local style = p.style ~= "" and read_picture(p.style) or swirl(p.image_size)

    local vgg, transformer = Vgg(p.vgg ~= "" and p.vgg or nil), TransformerNet()
    print(p.vgg ~= "" and ("features of VGG-16 with the weights of %s"):format(p.vgg)
      or "features of VGG-16 with RANDOM weights; --vgg FILE takes trained ones")
    print(("%d parameters paint, %d look"):format(transformer:parameter_count(), (vgg:parameter_count())))
    if p.vgg == "" then
      vgg:balance(normalized(pictures[{ { 1, math.min(16, p.limit) } }]))
    end
    local grams = {}
    nn.no_grad(function()
      for i, features in ipairs { vgg(normalized(style)) } do
        grams[i] = gram(features)
      end
    end)

    local opt = nn.optim.Adam(transformer:parameters(), { lr = p.lr })
    local step = nn.compile(function(x)
      opt:zero_grad()
      local of_y, of_x = { vgg(normalized(transformer(x))) }, { vgg(normalized(x)) }
      local content = nn.mse_loss(of_y[2], of_x[2]) * p.content_weight -- relu2_2
      local manner = 0
      for i, features in ipairs(of_y) do
        local g = gram(features)
        manner = manner + nn.mse_loss(g, grams[i]:expand(g.shape))
      end
      manner = manner * p.style_weight
      local loss = content + manner
      loss:backward()
      opt:step()
      return content:detach(), manner:detach()
    end)

    local begun, content, manner = nn.time(), 0, 0
    for epoch = 1, p.epochs do
      local started, i = nn.time(), 0
      content, manner = 0, 0
      local since_content, since_manner, since = 0, 0, 0
      for x in loader do
        local c, s = step(x)
        c, s, i, since = c:item(), s:item(), i + 1, since + 1
        content, manner, since_content, since_manner = content + c, manner + s, since_content + c, since_manner + s
        if i % p.log_interval == 0 or i == #loader then
          print(("epoch %d  step %d of %d  content %.4g  style %.4g  total %.4g  %.1f s"):format(epoch, i, #loader,
            since_content / since, since_manner / since, (since_content + since_manner) / since, nn.time() - started))
          since_content, since_manner, since = 0, 0, 0
        end
      end
      content, manner = content / i, manner / i
      run:log { epoch = epoch, content = content, style = manner, loss = content + manner }
    end
    local seconds = nn.time() - begun

    local before = coloured(test:range(1, 8).x, p.image_size, colours)
    transformer:eval()
    local after, painted = nn.no_grad(function()
      return transformer(before), p.content ~= "" and transformer(read_picture(p.content))
    end)
    local file = run:file "stylized.png"
    if file then
      write_picture(file, nn.cat({ nn.cat(before:split(1), 4), nn.cat(after:split(1), 4) }, 3)[1])
      write_picture(run:file "style.png", style[1])
      run:figure("stylized", function(picture) -- in grey
        nn.plot.grid(nn.cat { before, after:clamp(0, 255) }:mean(2), { across = 8, size = { 640, 160 }, file = picture })
      end)
      if painted then
        write_picture(run:file "painted.png", painted[1])
      end
      nn.save(run:file "transformer.safetensors", transformer:state_dict())
    end
    return { content = content, style = manner, loss = content + manner, seconds = seconds,
      parameters = transformer:parameter_count() }
  end,
}
