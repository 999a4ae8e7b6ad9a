-- Looks at a model and its data before a long run: which learning rates serve, and whether one batch can be learned at all.
-- Model, optimizer and random numbers are afterwards as they were.

local core = require "nn.core"
local evaluate = require "nn.train.evaluate"
local module = require "nn.layers.module"
local options = require "nn.internal.options"

local M = {}

-- Calls f and puts weights, buffers, the optimizer's state and random numbers back, also where f raises.
local function on_trial(model, opt, train, f)
  local drawn = evaluate.is_loader(train) and train.generator
  local order = drawn and drawn:state()
  local state = {}
  for name, t in pairs(model:state_dict()) do
    state[name] = t:clone()
  end
  local saved, training = opt and opt:state_dict(), model.training
  local grads = {}
  for i, p in ipairs(model:parameters()) do
    grads[i] = p.grad or false
    p.grad = nil
  end
  local seed, counter = core.rng_state()
  if not training then
    model:train()
  end
  local results = table.pack(pcall(f))
  model:load_state_dict(state)
  if opt then
    opt:load_state_dict(saved)
  end
  for i, p in ipairs(model:parameters()) do
    p.grad = grads[i] or nil
  end
  if not training then
    model:eval()
  end
  core.set_rng_state(seed, counter)
  if order then
    drawn:set_state(order)
  end
  if not results[1] then
    error(results[2], 0)
  end
  return table.unpack(results, 2, results.n)
end

local function check(who, o)
  for _, name in ipairs { "model", "loss", "optimizer", "train" } do
    if o[name] == nil then
      core.raise(("%s: %s is missing; it takes model, loss, optimizer and train, as fit does"):format(who, name))
    end
  end
  if not module.is_module(o.model) then
    core.raise(("%s: model must be an nn.Module, but is %s"):format(who, core.describe(o.model)))
  elseif o.optimizer.takes_closure then
    core.raise(("%s: %s chooses its steps itself"):format(who, o.optimizer.name))
  end
  evaluate.check_loss(who, o.loss)
  evaluate.check_loader(who, "train", o.train)
end

local function step(o, x, y)
  o.optimizer:zero_grad()
  local loss = o.loss(o.model(x), y)
  local value = evaluate.loss_value("fit", loss)
  loss:backward()
  o.optimizer:step()
  return value
end

-- Batches without end.
local function forever(train)
  local last
  return function()
    local x, y = train(nil, last)
    if x == nil then
      x, y = train(nil, nil)
      if x == nil then
        core.raise "lr_range_test: train gave no batches"
      end
    end
    last = x
    return x, y
  end
end

-- The rate at which the smoothed loss falls fastest over the logarithm of the rate.
local function steepest(rates, losses)
  local best, slope = nil, 0
  local lowest = 1
  for i, v in ipairs(losses) do
    lowest = v < losses[lowest] and i or lowest
  end
  for i = 3, math.min(#losses - 2, lowest) do
    local s = (losses[i + 2] - losses[i - 2]) / (math.log(rates[i + 2]) - math.log(rates[i - 2]))
    if s < slope then
      best, slope = i, s
    end
  end
  return best and rates[best], rates[lowest]
end

---Looks for a learning rate by the range test: the rate grows by a factor at each step; where the loss falls fastest
---is a good rate, where it is lowest it is too large already. The model, the optimizer and random numbers stay as they were.
---Options beside fit's model, loss, optimizer and train: low (1e-6), high (10), steps (100, at least 10), file (a picture;
---default none).
---@param opts {model: nn.Module, loss: function, optimizer: nn.Optimizer, train: nn.Loader, low: number, high: number, steps:
---integer, file: string}
---@return table {suggestion = rate or nil, lowest = rate, rates, losses (smoothed)}
---example:
---  > model, loader = nn.Linear(1, 1), nn.data.sines{n = 20, frequency = 0.1}:loader{batch_size = 10}
---  > options = {model = model, loss = nn.MSELoss(), optimizer = nn.optim.SGD(model:parameters(), {lr = 1}), train = loader}
---  > options.low, options.high, options.steps = 1e-4, 1, 20
---  > t = nn.train.lr_range_test(options)
---  > #t.rates, t.suggestion > 1e-4, t.suggestion < t.lowest
---  20	true	true
---see: nn.train.overfit_batch, nn.sched.OneCycleLR, nn.train.fit
---source: Smith 2017, "Cyclical learning rates for training neural networks", section 3.3
function M.lr_range_test(opts)
  local o = options.read("lr_range_test", opts, {
    model = { "any" }, loss = { "any" }, optimizer = { "any" }, train = { "any" }, low = { "number", 1e-6, above = 0 },
    high = { "number", 10, above = 0 }, steps = { "integer", 100, least = 10 }, file = { "string" },
  })
  check("lr_range_test", o)
  if o.low >= o.high then
    core.raise(("lr_range_test: low (%g) must be below high (%g)"):format(o.low, o.high))
  end
  local rates, losses = {}, {}
  on_trial(o.model, o.optimizer, o.train, function()
    local next_batch, mean, lowest = forever(o.train), 0, math.huge
    for i = 1, o.steps do
      local rate = o.low * (o.high / o.low) ^ ((i - 1) / (o.steps - 1))
      for _, group in ipairs(o.optimizer.param_groups) do
        group.lr = rate
      end
      local value = step(o, next_batch())
      mean = 0.8 * mean + 0.2 * value -- smoothed, without the bias of the beginning
      local smooth = mean / (1 - 0.8 ^ i)
      if value ~= value or value == math.huge or smooth > 4 * lowest and i > 10 then
        break
      end
      lowest = math.min(lowest, smooth)
      rates[i], losses[i] = rate, smooth
    end
  end)
  local suggestion, lowest = steepest(rates, losses)
  if o.file then
    require("nn.plot").line({ x = rates, y = losses, label = "loss, smoothed" }, { file = o.file, log = "x",
      xlabel = "learning rate", ylabel = "loss", title = suggestion and ("falls fastest at %.2g"):format(suggestion) or nil })
  end
  return { suggestion = suggestion, lowest = lowest, rates = rates, losses = losses }
end

---Asks whether the model can learn one batch by heart. One that cannot has a mistake in it: in the loss, the labels, the
---architecture, a frozen layer. The model and the optimizer stay as they were.
---Options beside fit's model, loss, optimizer and train: steps (at most so many: 500), share (learned when the loss is below
---this share of the first: 0.05).
---@param opts {model: nn.Module, loss: function, optimizer: nn.Optimizer, train: nn.Loader, steps: integer, share: number}
---@return table {learned = boolean, first, last, steps, losses, why = string or nil}
---example:
---  > nn.manual_seed(1)
---  > model, loader = nn.Sequential(nn.Linear(2, 16), nn.Tanh(), nn.Linear(16, 2)), nn.data.xor():loader()
---  > opt = nn.optim.Adam(model:parameters(), {lr = 0.1})
---  > t = nn.train.overfit_batch{model = model, loss = nn.CrossEntropyLoss(), optimizer = opt, train = loader}
---  > t.learned, t.why
---  true	nil
---see: nn.train.lr_range_test, nn.diagnose.look, nn.train.fit
function M.overfit_batch(opts)
  local o = options.read("overfit_batch", opts, {
    model = { "any" }, loss = { "any" }, optimizer = { "any" }, train = { "any" }, steps = { "integer", 500, least = 1 },
    share = { "number", 0.05, above = 0 },
  })
  check("overfit_batch", o)
  local losses, idle = {}, nil
  on_trial(o.model, o.optimizer, o.train, function()
    local x, y = o.train(nil, nil)
    if x == nil then
      core.raise "overfit_batch: train gave no batches"
    end
    for i = 1, o.steps do
      losses[i] = step(o, x, y)
      if i == 1 then
        for _, entry in ipairs(o.model:named_parameters()) do
          local g = entry[2].grad
          if not g or g:abs():max():item() == 0 then
            idle = idle or entry[1]
          end
        end
      end
      if losses[i] ~= losses[i] or losses[i] <= o.share * losses[1] then
        break
      end
    end
  end)
  local first, last = losses[1], losses[#losses]
  local out = { learned = last <= o.share * first, first = first, last = last, steps = #losses, losses = losses }
  if not out.learned then
    out.why = ("the loss of one batch went from %.4g to %.4g in %d steps%s%s"):format(first, last, #losses,
      idle and ("; '%s' got no gradient"):format(idle) or "",
      last ~= last and "; it is nan: try a smaller learning rate" or last > first and "; it grew: try a smaller learning rate"
        or "; try a larger learning rate or more steps, then look at the loss, the labels and the layers")
  end
  return out
end

return M
