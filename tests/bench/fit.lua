-- What fit costs beside a compiled loop written by hand: the plain net of Fashion-MNIST, batches of 128, in turn.
--   ./nnlua tests/bench/fit.lua [ROUNDS] [EPOCHS]

local nn = require "nn"

local rounds, epochs = tonumber(arg[1] or 5), tonumber(arg[2] or 3)
local train = nn.data.has_fashion_mnist() and nn.data.fashion_mnist() or nn.data.synthetic_images()
local directory = os.tmpname()
os.remove(directory)

local function model()
  nn.manual_seed(1)
  local m = nn.Sequential(nn.Linear(784, 256), nn.ReLU(), nn.Linear(256, 128), nn.ReLU(), nn.Linear(128, 10))
  return m, nn.optim.Adam(m:parameters(), { lr = 1e-3 }), train:loader { batch_size = 128, shuffle = true }
end
local criterion = nn.CrossEntropyLoss()

local function bare()
  local m, opt, loader = model()
  local step = nn.compile(function(x, y)
    opt:zero_grad()
    local loss = criterion(m(x), y)
    loss:backward()
    opt:step()
    return loss
  end)
  local from = nn.time()
  for _ = 1, epochs do
    for x, y in loader do
      step(x, y):item()
    end
  end
  return nn.time() - from
end

local function fit(more)
  local m, opt, loader = model()
  local o = { model = m, loss = criterion, optimizer = opt, train = loader, epochs = epochs, progress = "none" }
  for key, value in pairs(more) do
    o[key] = value
  end
  local from = nn.time()
  nn.train.fit(o)
  return nn.time() - from
end

local function nothing() end
local kinds = {
  { "fit, plain", function()
    return fit {}
  end },
  { "with accuracy", function()
    return fit { metrics = { "accuracy" } }
  end },
  { "with clipping", function()
    return fit { clip_grad_norm = 10.0 }
  end },
  { "with callbacks and limits", function()
    return fit { callbacks = { { step = nothing, epoch = nothing } }, max_seconds = 1000, max_steps = 100000 }
  end },
  { "all of these", function()
    return fit { metrics = { "accuracy" }, clip_grad_norm = 10.0, callbacks = { { step = nothing, epoch = nothing } },
      max_seconds = 1000, max_steps = 100000 }
  end },
  { "and history and checkpoints", function()
    return fit { metrics = { "accuracy" }, clip_grad_norm = 10.0, callbacks = { { step = nothing, epoch = nothing } },
      max_seconds = 1000, max_steps = 100000, out = directory }
  end },
  { "and a run with its log, observed", function()
    local seconds
    nn.experiment { name = "bench", run = function(_, run)
      seconds = fit { metrics = { "accuracy" }, clip_grad_norm = 10.0, callbacks = { { step = nothing, epoch = nothing } },
        max_seconds = 1000, max_steps = 100000, run = run, observe = true }
    end }({}, { out = directory })
    return seconds
  end },
}

local base, times = {}, {}
for r = 1, rounds do
  base[r] = bare()
  for i, kind in ipairs(kinds) do
    times[i] = times[i] or {}
    times[i][r] = kind[2]() / base[r]
  end
end
local function median(list)
  table.sort(list)
  return list[#list // 2 + 1]
end
print(("a compiled loop by hand: %.3f s for %d epochs of %d steps"):format(median(base), epochs, (#train + 127) // 128))
for i, kind in ipairs(kinds) do
  print(("%-40s %.3f (%.3f .. %.3f)"):format(kind[1], median(times[i]), times[i][1], times[i][#times[i]]))
end
os.execute(("rm -rf '%s'"):format(directory))
