-- Shows: two nets learn from each other; one draws clothes out of noise, the other tells them from real ones (dcgan of
-- pytorch/examples).
--
--   ./nnlua --seed 1 scripts/examples/dcgan.lua [--epochs 25] [--batch_size 64] [--ngf 64] [--ndf 64] [--limit 60000]
--
-- The images of Fashion-MNIST are enlarged to 64 x 64, as PyTorch's example does with digits. Nets, weights, loss (BCE) and
-- both Adams are those of the example. After each epoch the run's folder gets figures/samples-NNN.png: what the generator
-- makes of the same 64 noises. At full width a step of 64 images takes over two seconds on one processor, an epoch 40 minutes.
-- With --ngf 32 --ndf 16 --lr 1e-3 --limit 6400 --epochs 4 one sees shirts and trousers after two and a half minutes.

local nn = require "nn"

-- Convolutions begin as N(0, 0.02), the factors of batch norm as N(1, 0.02).
local function begin(model)
  return model:apply(function(layer)
    local name = tostring(layer)
    if name:find "^Conv" then
      nn.init.normal_(layer.weight, 0, 0.02)
    elseif name:find "^BatchNorm" then
      nn.init.normal_(layer.weight, 1, 0.02)
      nn.init.zeros_(layer.bias)
    end
  end)
end

-- batch x nz x 1 x 1 to batch x 1 x 64 x 64, in -1 to 1
local function generator_of(nz, ngf)
  local model, from = nn.Sequential(), nz
  for i, to in ipairs { 8 * ngf, 4 * ngf, 2 * ngf, ngf } do -- 4 x 4, then twice as large each time
    model:add(nn.ConvTranspose2d(from, to, 4, { stride = i == 1 and 1 or 2, padding = i == 1 and 0 or 1, bias = false }))
      :add(nn.BatchNorm2d(to)):add(nn.ReLU())
    from = to
  end
  return begin(model:add(nn.ConvTranspose2d(from, 1, 4, { stride = 2, padding = 1, bias = false })):add(nn.Tanh()))
end

-- batch x 1 x 64 x 64 to a probability for each image that it is real
local function discriminator_of(ndf)
  local model, from = nn.Sequential(nn.Conv2d(1, ndf, 4, { stride = 2, padding = 1, bias = false }), nn.LeakyReLU(0.2)), ndf
  for _, to in ipairs { 2 * ndf, 4 * ndf, 8 * ndf } do
    model:add(nn.Conv2d(from, to, 4, { stride = 2, padding = 1, bias = false })):add(nn.BatchNorm2d(to)):add(nn.LeakyReLU(0.2))
    from = to
  end
  return begin(model:add(nn.Conv2d(from, 1, 4, { bias = false })):add(nn.Sigmoid()):add(nn.Flatten(1)))
end

return nn.experiment {
  name = "dcgan", doc = "A generator and a discriminator of clothes (dcgan of pytorch/examples)",
  params = {
    epochs = { 25, min = 1 }, batch_size = { 64, min = 2 }, nz = { 100, min = 1, doc = "numbers of noise for an image" },
    ngf = { 64, min = 1, doc = "channels of the generator's last hidden layer" },
    ndf = { 64, min = 1, doc = "channels of the discriminator's first layer" },
    lr = { 2e-4, min = 0 }, beta1 = { 0.5, min = 0, max = 1, doc = "Adam's first decay rate" },
    limit = { 60000, min = 64, max = 60000, doc = "training images that are used" },
    log_interval = { 100, min = 1, doc = "steps between two lines" },
  },
  run = function(p, run)
    local train = nn.data.fashion_mnist { flatten = false }
    train = train:range(1, p.limit)
    local generator, discriminator = generator_of(p.nz, p.ngf), discriminator_of(p.ndf)
    print(generator)
    print(discriminator)

    local criterion = nn.BCELoss()
    local adam = { lr = p.lr, betas = { p.beta1, 0.999 } }
    local of_d, of_g = nn.optim.Adam(discriminator:parameters(), adam), nn.optim.Adam(generator:parameters(), adam)
    local fixed = nn.randn(64, p.nz, 1, 1)
    local loader = train:loader { batch_size = p.batch_size, shuffle = true, drop_last = true }
    local real, fake = nn.ones(p.batch_size), nn.zeros(p.batch_size)

    local step = nn.compile(function(images)
      -- the discriminator: towards log D(x) + log(1 - D(G(z)))
      discriminator:zero_grad()
      local d_x = discriminator(images)
      local loss_real = criterion(d_x, real)
      loss_real:backward()
      local made = generator(nn.randn(p.batch_size, p.nz, 1, 1))
      local d_made = discriminator(made:detach())
      local loss_fake = criterion(d_made, fake)
      loss_fake:backward()
      of_d:step()
      -- the generator: towards log D(G(z))
      generator:zero_grad()
      local loss_g = criterion(discriminator(made), real)
      loss_g:backward()
      of_g:step()
      return nn.stack({ loss_real + loss_fake, loss_g, d_x:mean(), d_made:mean() }, 1):detach()
    end)

    local begun, seen = nn.time(), nil
    for epoch = 1, p.epochs do
      local started, sum, i = nn.time(), nn.zeros(4), 0
      for x in loader do
        i = i + 1
        local images = nn.interpolate(x:unsqueeze(2) * 2 - 1, { size = { 64, 64 }, mode = "bilinear" })
        sum:add_(step(images))
        if i % p.log_interval == 0 and i < #loader then
          seen = (sum / i):totable()
          print(("epoch %d  step %d of %d  loss_D %.4f  loss_G %.4f  D(x) %.4f  D(G(z)) %.4f  %.1f s"):format(epoch, i, #loader,
            seen[1], seen[2], seen[3], seen[4], nn.time() - started))
        end
      end
      seen = (sum / i):totable()
      run:log { epoch = epoch, loss_d = seen[1], loss_g = seen[2], d_real = seen[3], d_fake = seen[4] }
      print(("epoch %d  loss_D %.4f  loss_G %.4f  D(x) %.4f  D(G(z)) %.4f  %.1f s"):format(epoch, seen[1], seen[2], seen[3],
        seen[4], nn.time() - started))
      local made = nn.no_grad(function()
        return generator(fixed)
      end)
      run:figure(("samples-%03d"):format(epoch), function(file)
        if file then
          nn.plot.grid(made:squeeze(2), { across = 8, size = { 640, 640 }, file = file })
        end
      end)
    end
    for name, model in pairs { generator = generator, discriminator = discriminator } do
      local file = run:file(name .. ".safetensors")
      if file then
        nn.save(file, model:state_dict())
      end
    end
    return { loss_d = seen[1], loss_g = seen[2], d_real = seen[3], d_fake = seen[4], seconds = nn.time() - begun,
      parameters_g = generator:parameter_count(), parameters_d = (discriminator:parameter_count()) }
  end,
}
