-- What a report shows of a trained model: which samples it gets most wrong, the confusion of classes, the boundary between them
-- where the inputs have two numbers, how its weights are spread, and what nn.diagnose says.

local core = require "nn.core"
local evaluate = require "nn.train.evaluate"
local module = require "nn.layers.module"
local plain = require "nn.lab.plain"

local M = {}

local WORST, BINS, GRID, POINTS, MOST = 24, 30, 60, 400, 4000

local function histograms(model)
  local list = {}
  for _, entry in ipairs(model:named_parameters()) do
    local w = entry[2]:detach():to("float64"):reshape(-1)
    local low, high = w:min():item(), w:max():item()
    if w:numel() >= 10 and high > low and high - low < math.huge then
      local at = ((w - low) / (high - low) * BINS):floor():clamp(0, BINS - 1):to "int64" + 1
      local counts = core.zeros(BINS):scatter_add(1, at, core.ones(#w)):to("int64"):totable()
      local edges = {}
      for i = 0, BINS do
        edges[i + 1] = low + (high - low) * i / BINS
      end
      list[#list + 1] = { name = entry[1], edges = edges, counts = counts }
    end
  end
  return list
end

-- The side of a square image, of a sample of this shape; nil where it is none.
local function side_of(x)
  if x.ndim == 2 then
    local side = math.tointeger(math.sqrt(x.shape[2]))
    return side and side >= 8 and side <= 64 and side or nil
  elseif x.ndim == 4 and x.shape[2] == 1 or x.ndim == 3 then
    local h, w = x.shape[x.ndim - 1], x.shape[x.ndim]
    return h == w and h <= 64 and h or nil
  end
end

local function probabilities(model, x, batch)
  local parts = {}
  for first = 1, #x, batch do
    local output = model(x:narrow(1, first, math.min(batch, #x - first + 1)))
    parts[#parts + 1] = output
  end
  return core.cat(parts, 1):softmax(2)
end

-- Of a classifier: confusion, worst samples, boundary.
local function classes(out, model, data)
  local n = math.min(#data.x, MOST)
  local x, y = data.x:narrow(1, 1, n), data.y:narrow(1, 1, n)
  local p = probabilities(model, x, 512)
  local count = p.shape[2]
  if count > 50 or y.ndim ~= 1 or y:min():item() < 1 or y:max():item() > count then
    return
  end
  local _, predicted = p:max(2)
  predicted = predicted:reshape(-1)
  local confusion = core.zeros(count * count):scatter_add(1, (y - 1) * count + predicted, core.ones(n))
  out.confusion = confusion:reshape(count, count):to("int64"):totable()
  out.classes = data.classes
  -- the surest mistakes first
  local sure = core.where(predicted:ne(y), p:amax(2), core.zeros(n) - 1)
  local _, order = sure:sort(1, true)
  local side, worst = side_of(x), {}
  for k = 1, math.min(WORST, n) do
    local i = order[k]:item()
    if predicted[i]:item() == y[i]:item() then
      break
    end
    local image = side and x[i]:reshape(side, side)
    if image then
      local low, high = image:min():item(), image:max():item()
      image = ((image - low) / math.max(high - low, 1e-12) * 100):round():nan_to_num(0):to("int64"):totable()
    end
    worst[k] = { index = i, ["true"] = y[i]:item(), predicted = predicted[i]:item(),
      probability = p[{ i, predicted[i]:item() }]:item(), image = image or nil }
  end
  out.worst = #worst > 0 and worst or nil
  if x.ndim == 2 and x.shape[2] == 2 then
    local a, b = x:select(2, 1), x:select(2, 2)
    local x0, x1, y0, y1 = a:min():item(), a:max():item(), b:min():item(), b:max():item()
    local function axis(low, high)
      return core.linspace(low - (high - low) * 0.05, high + (high - low) * 0.05, GRID)
    end
    local ax, ay = axis(x0, x1), axis(y0, y1)
    local columns, rows = ax:unsqueeze(1):expand(GRID, GRID), ay:unsqueeze(2):expand(GRID, GRID)
    local points = core.stack({ columns:reshape(-1), rows:reshape(-1) }, 2)
    local _, at = probabilities(model, points, 4096):max(2)
    local shown = {}
    for i = 1, math.min(POINTS, n) do
      shown[i] = { a[i]:item(), b[i]:item(), y[i]:item() }
    end
    out.boundary = { x = { ax[1]:item(), ax[GRID]:item() }, y = { ay[1]:item(), ay[GRID]:item() },
      grid = at:reshape(GRID, GRID):totable(), points = shown }
  end
end

local function diagnosis(model, loader, loss)
  local report = require "nn.diagnose"(model, loader, loss, { batches = 2, samples = 0 }) -- no copy is trained at a run's end
  local list = {}
  for i, d in ipairs(report.diseases) do
    list[i] = { verdict = d.name, evidence = d.text, remedy = d.remedy }
  end
  return list
end

---Writes samples.json. What cannot be found out is left out: a report is not worth a run.
---@param path string
---@param model nn.Module
---@param loader nn.Loader
---@param loss any
function M.write(path, model, loader, loss)
  local out = {}
  local seed, counter = core.rng_state()
  local x, y = loader.dataset.x, loader.dataset.y
  core.try(function()
    out.histograms = histograms(model)
  end)
  if module.is_module(loss) and loss.input_is == "scores" and y.dtype == "int64" and core.is_tensor(x) then
    core.try(evaluate.in_evaluation, model, function()
      core.no_grad(classes, out, model, loader.dataset)
    end)
  end
  core.try(function()
    local list = diagnosis(model, loader, loss)
    out.diagnosis = #list > 0 and list or nil
  end)
  core.set_rng_state(seed, counter)
  core.write_file(path, plain.encode(out) .. "\n")
end

return M
