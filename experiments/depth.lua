-- How deep can a plain network be and still learn? Glorot & Bengio 2010, He et al. 2015, Saxe et al. 2014.
--
--   nnlua sweep experiments/depth.lua --set depth=5,20,60 --set init=glorot_normal,he_normal,orthogonal --seeds 5 --jobs 2 \
--     --maximize accuracy

local nn = require "nn"

return nn.experiment {
  name = "depth", doc = "How deep can a net of one width be and still learn?",
  params = {
    depth = { 30, doc = "hidden layers", min = 1 }, width = { 64, min = 2 },
    init = { "glorot_normal", choices = { "glorot_normal", "he_normal", "orthogonal", "normal" } },
    gain = { 1.0, doc = "the weights are multiplied by it", min = 0 },
    activation = { "Tanh", choices = { "Tanh", "ReLU", "Sigmoid" } },
    lr = { 0.01, min = 0 }, epochs = { 10, min = 1 }, samples = { 2000, min = 100 },
  },
  run = function(p, run)
    -- which of ten directions a point of the plane has
    local angle = nn.rand(p.samples) * (2 * math.pi)
    local radius = nn.rand(p.samples):sqrt() * 2
    local x = nn.stack({ radius * angle:cos(), radius * angle:sin() }, 2)
    local y = (angle * (10 / (2 * math.pi))):floor():clamp(0, 9):to "int64" + 1
    local train, valid = nn.data.tensors(x, y):split(0.8)
    local model, width = nn.Sequential(), 2
    for _ = 1, p.depth do
      model:append(nn.Linear(width, p.width, { init = p.init }))
      model:append(nn[p.activation]())
      width = p.width
    end
    model:append(nn.Linear(width, 10))
    nn.no_grad(function()
      for _, entry in ipairs(model:named_parameters()) do
        if entry[1]:find "weight$" then entry[2]:mul_(p.gain) end
      end
    end)
    local fit = nn.train.fit {
      model = model, loss = nn.CrossEntropyLoss(), metrics = { "accuracy" }, run = run, epochs = p.epochs, observe = true,
      optimizer = nn.optim.SGD(model:parameters(), { lr = p.lr, momentum = 0.9 }), clip_grad_norm = 10.0,
      train = train:loader { batch_size = 32, shuffle = true }, valid = valid:loader { batch_size = 400 }, progress = "none",
    }
    run:figure("boundary", function(file)
      nn.plot.boundary(model, valid.x, valid.y, { file = file })
    end)
    return { accuracy = fit.best.valid_accuracy, loss = fit.best.valid_loss }
  end,
}
