-- Draws random numbers and trains three small nets for some steps from a seed, and prints checksums of the bits: of the
-- numbers, and of each net's losses, parameters and buffers. For comparing builds: one build on one set of kernels gives
-- the same line for any number of threads.

local nn = require "nn"

-- FNV-1a over 64 bits
local function checksum(tensors)
  local h = 0xcbf29ce484222325
  for _, t in ipairs(tensors) do
    local format = t.dtype == "float64" and "<d" or t.dtype == "float32" and "<f" or "<i8"
    for _, v in ipairs(t:detach():reshape(-1):totable()) do
      for _, byte in ipairs { format:pack(v):byte(1, -1) } do
        h = (h ~ byte) * 0x100000001b3
      end
    end
  end
  return ("%016x"):format(h)
end

local function train(model, criterion, optimizer, x, y)
  local losses = {}
  for step = 1, 20 do
    optimizer:zero_grad()
    local loss = criterion(model(x), y)
    loss:backward()
    optimizer:step()
    losses[step] = loss:detach()
  end
  for _, t in ipairs(model:parameters()) do
    losses[#losses + 1] = t
  end
  for _, buffer in ipairs(model:named_buffers()) do
    losses[#losses + 1] = buffer[2]
  end
  return checksum(losses)
end

nn.manual_seed(1)
io.write("draws ", checksum { nn.rand(1000), nn.randn(1000), nn.randperm(1000), nn.randn({ 1000 }, { dtype = "float64" }) })
local classes = nn.randint(1, 5, { 64 })
local mlp = nn.Sequential(nn.Linear(37, 50), nn.BatchNorm1d(50), nn.GELU(), nn.Dropout(0.2), nn.Linear(50, 50), nn.Tanh(),
  nn.LayerNorm(50), nn.Linear(50, 5))
io.write(" mlp ", train(mlp, nn.CrossEntropyLoss(), nn.optim.AdamW(mlp:parameters(), { lr = 1e-2 }), nn.randn(64, 37), classes))

local conv = nn.Sequential(nn.Conv2d(1, 6, 3), nn.ReLU(), nn.MaxPool2d(2), nn.Conv2d(6, 8, 3), nn.SiLU(), nn.Flatten(),
  nn.Linear(8 * 4 * 4, 5))
io.write(" conv ", train(conv, nn.CrossEntropyLoss(), nn.optim.SGD(conv:parameters(), { lr = 0.05, momentum = 0.9 }),
  nn.randn(64, 1, 14, 14), classes))

local line = nn.Sequential(nn.Linear(9, 30), nn.Sigmoid(), nn.Linear(30, 30), nn.Softplus(), nn.Linear(30, 1)):to "float64"
local x = nn.randn({ 50, 9 }, { dtype = "float64" })
io.write(" float64 ", train(line, nn.MSELoss(), nn.optim.RMSprop(line:parameters()), x, x:sin():sum(2, true)), "\n")
