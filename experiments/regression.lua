-- Regression on a table of numbers. Without --file it makes one: the strength of concrete by a formula, with noise.
--
--   nnlua experiments/regression.lua --file houses.csv --target price

local nn = require "nn"

-- Columns by name. One of names would be a number that means an order.
local function read(path)
  local all, names, classes = nn.io.csv(path, { header = true })
  for name in pairs(classes) do
    error(("%s: column '%s' holds names, not numbers"):format(path, name), 0)
  end
  return names, all
end

local function make()
  local x = nn.rand { 1000, 5 }
  local cement, water, ash, age = x:select(2, 1), x:select(2, 2), x:select(2, 3), x:select(2, 4)
  local y = cement * 40 - water * 25 + ash * cement * 15 + (age * 50 + 1):log() * 8 + nn.randn(1000) * 2
  return { "cement", "water", "ash", "age", "sand", "strength" }, nn.cat({ x, y:unsqueeze(2) }, 2)
end

return nn.experiment {
  name = "regression", doc = "Regression on a CSV file by a small network, and by a linear model beside it",
  params = {
    file = { "", doc = "a CSV file whose first line has names; without it, data is made" },
    target = { "strength", doc = "the column to predict" },
    width = { 32, min = 1 }, lr = { 0.01, min = 0 }, epochs = { 60, min = 1 }, weight_decay = { 1e-3, min = 0 },
  },
  run = function(p, run)
    local names, all = table.unpack(p.file ~= "" and table.pack(read(p.file)) or table.pack(make()))
    local inputs, at = {}, nil
    for i, name in ipairs(names) do
      if name == p.target then at = i else inputs[#inputs + 1] = i end
    end
    local y = all:select(2, at or error(("there is no column '%s'"):format(p.target), 0)):unsqueeze(2)
    local train, valid = nn.data.tensors(all:index_select(2, nn.tensor(inputs)), y):split(0.8)
    local scale_x, scale_y = nn.data.StandardScaler():fit(train.x), nn.data.StandardScaler():fit(train.y)
    for _, part in ipairs { train, valid } do -- targets in units of their deviation; results are told in their own
      part.x, part.y = scale_x:transform(part.x), scale_y:transform(part.y)
    end
    local function fit(model)
      return nn.train.fit {
        model = model, loss = nn.MSELoss(), metrics = { "rmse", "r2" }, epochs = p.epochs, progress = "none",
        optimizer = nn.optim.AdamW(model:parameters(), { lr = p.lr, weight_decay = p.weight_decay }), monitor = "valid_loss",
        train = train:loader { batch_size = 32, shuffle = true }, valid = valid:loader { batch_size = 200 }, run = run,
      }
    end
    local net = fit(nn.Sequential(nn.Linear(#inputs, p.width), nn.ReLU(), nn.Linear(p.width, 1)))
    local linear = fit(nn.Linear(#inputs, 1))
    local scale = scale_y.std:item()
    return { rmse = net.best.valid_rmse * scale, r2 = net.best.valid_r2, linear_rmse = linear.best.valid_rmse * scale }
  end,
}
