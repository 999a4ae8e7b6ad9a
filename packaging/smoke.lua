-- What an installed nnlua, or a stock Lua with the module, must be able to do. Ends with status 0 and a line.

local nn = require "nn"
nn.manual_seed(1)

-- kernels, with and without OpenBLAS's help
assert(nn.ones(3, 4):matmul(nn.ones(4, 2)):sum():item() == 24)
assert(nn.ones(300, 300):matmul(nn.ones(300, 300)):sum():item() == 300 ^ 3)
assert(nn.linalg.solve(nn.eye(3) * 2, nn.ones(3)):sum():item() == 1.5)

-- a model learns
local data = nn.data.moons { n = 200, noise = 0.05 }
local model = nn.Sequential(nn.Linear(2, 16), nn.Tanh(), nn.Linear(16, 2))
local optimizer = nn.optim.Adam(model:parameters(), { lr = 0.05 })
local run = nn.train.fit { model = model, loss = nn.CrossEntropyLoss(), optimizer = optimizer, epochs = 20,
  train = data:loader { batch_size = 20, shuffle = true }, metrics = { "accuracy" }, progress = "none" }
assert(run.best.accuracy > 0.95, run.best.accuracy)

-- what it learned is written and read
local path = os.tmpname()
nn.save(path, model:state_dict())
local again = nn.Sequential(nn.Linear(2, 16), nn.Tanh(), nn.Linear(16, 2))
again:load_state_dict(nn.load(path))
os.remove(path)
assert(again(data.x):equal(model(data.x)))

-- texts are there
assert(require("nn.internal.help").text "softmax":find("without overflow", 1, true))
print(("nn works: %s, accuracy %.3f"):format(nn.versions().nnlua, run.best.accuracy))
