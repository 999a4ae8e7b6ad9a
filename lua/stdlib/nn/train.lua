-- nn.train: the training loop, for when you do not want to write it.

local core = require "nn.core"
local module = require "nn.module"
local options = require "nn.options"
local progress = require "nn.progress"
local compile = require "nn.compile"

local M = {}

-- ---- metrics ----

-- A metric gives, for a batch, a sum over its samples, as a number or a tensor; fit divides by their number. Those
-- here read no value, so that they can stand in a compiled step.
M.metrics = {}

---Share of samples whose largest logit is at the target; for one logit, whose sign agrees with the target.
function M.metrics.accuracy(output, target)
  if output.ndim == 2 and output:size(2) > 1 then
    return output:argmax(2):eq(target):sum()
  end
  return output:gt(0):eq(target:gt(0.5)):sum()
end

local function number(value)
  return module.is_tensor(value) and value:item() or value
end

local function find_metrics(list)
  local out = {}
  for i, m in ipairs(list) do
    if type(m) == "string" then
      if not M.metrics[m] then
        local names = {}
        for name in pairs(M.metrics) do
          names[#names + 1] = name
        end
        table.sort(names)
        local near = core.nearest(m, names)
        core.raise(("fit: there is no metric '%s'%s (there are: %s; or pass a function(output, target) that gives a sum "
          .. "over the batch)"):format(m, near and ("; did you mean '%s'?"):format(near) or "", table.concat(names, ", ")))
      end
      out[i] = { m, M.metrics[m] }
    elseif type(m) == "table" and type(m[1]) == "string" and type(m[2]) == "function" then
      out[i] = m
    else
      core.raise(("fit: metric %d must be a name or {name, function}, but is %s"):format(i, core.describe(m)))
    end
  end
  return out
end

-- ---- steps ----

-- loss, output, and for each metric its sum over the batch, or false: the user's own metrics may read values, so they
-- are left to add_metrics, outside the compiled step.
local function step_results(metrics, loss, output, y)
  local sums = {}
  for i, m in ipairs(metrics) do
    sums[i] = M.metrics[m[1]] == m[2] and m[2](output, y)
  end
  return loss, output, table.unpack(sums, 1, #metrics)
end

local function add_metrics(metrics, sums, values, y)
  for i, m in ipairs(metrics) do
    sums[m[1]] = (sums[m[1]] or 0) + number(values[i + 2] or m[2](values[2], y))
  end
end

-- f as a compiled function that goes back to f itself, once and for all, where f cannot be compiled; say(text) tells
-- why. What the failed recording has changed (random numbers drawn, buffers of the model) is put back.
local function compiled_or_plain(f, model, say)
  local run = compile.compile(f)
  local recorded = {}
  return function(x, y)
    if run == f then
      return f(x, y)
    end
    local tensors = module.is_tensor(x) and module.is_tensor(y)
    local key = tensors and ("%s %s %s"):format(tostring(x.shape), tostring(y.shape), tostring(model.training)) or "?"
    if recorded[key] then
      return run(x, y)
    end
    local buffers, seed, counter = {}, core.rng_state()
    for i, entry in ipairs(module.is_module(model) and model:named_buffers() or {}) do
      buffers[i] = { entry[2], entry[2]:clone() }
    end
    local results = table.pack(xpcall(run, function(e)
      return e
    end, x, y))
    if results[1] then
      recorded[key] = true
      return table.unpack(results, 2, results.n)
    end
    local why = tostring(results[2])
    if why:find("interrupted!", 1, true) then
      error(results[2], 0)
    end
    core.set_rng_state(seed, counter)
    core.no_grad(function()
      for _, pair in ipairs(buffers) do
        pair[1]:copy_(pair[2])
      end
    end)
    run = f
    local values = table.pack(f(x, y)) -- an error of the user's own comes up here again
    say("not compiled: " .. why)
    return table.unpack(values, 1, values.n)
  end
end

-- ---- evaluation ----

---One batch of an evaluation: a function(x, y) that gives the loss (or false), the output and the metrics' sums.
---@private
function M.evaluation_step(model, loss, metrics)
  return function(x, y)
    local output = model(x)
    return step_results(metrics, loss and loss(output, y) or false, output, y)
  end
end

---Mean loss and metrics of a model over a loader, in evaluation mode, without gradients.
---@param model nn.Module|fun(x: nn.Tensor): nn.Tensor
---@param loader nn.Loader
---@param opts? {loss: function, metrics: table}
---@return table {loss =, accuracy =, ...}
function M.evaluate(model, loader, opts)
  local o = options.read("evaluate", opts, { loss = { "any" }, metrics = { "table", {} }, step = { "function" } })
  local metrics = find_metrics(o.metrics)
  local step = o.step or M.evaluation_step(model, o.loss, metrics)
  local was = module.is_module(model) and model.training
  if was then
    model:eval()
  end
  local sums, count = { loss = 0 }, 0
  local ok, err = xpcall(core.no_grad, function(e)
    return e
  end, function()
    for x, y in loader do
      local values = { step(x, y) }
      local n = #y
      count = count + n
      if o.loss then
        sums.loss = sums.loss + values[1]:item() * n
      end
      add_metrics(metrics, sums, values, y)
    end
  end)
  if was then
    model:train()
  end
  if not ok then
    error(err, 0)
  end
  local result = {}
  if o.loss then
    result.loss = sums.loss / count
  end
  for _, m in ipairs(metrics) do
    result[m[1]] = (sums[m[1]] or 0) / count
  end
  return result
end

-- ---- fit ----

local function is_interrupt(err)
  return type(err) == "string" and err:find("interrupted!", 1, true) ~= nil
end

local function write_file(path, text)
  local f, why = io.open(path .. ".new", "w")
  if not f then
    core.raise(("fit: %s"):format(why))
  end
  local ok, trouble = f:write(text)
  local closed, late = f:close()
  if not ok or not closed then
    core.raise(("fit: %s: %s"):format(path, trouble or late))
  end
  local renamed, reason = os.rename(path .. ".new", path)
  if not renamed then
    core.raise(("fit: %s"):format(reason))
  end
end

-- What ends a run that does not get better: called with each epoch's row, and once without one at the end.
local function early_stopping(given, model, has_valid)
  local o = options.read("early_stopping", given, {
    patience = { "integer", 5 }, min_delta = { "number", 0 }, monitor = { "string", has_valid and "valid_loss" or "loss" },
    mode = { "string" }, restore = { "boolean", true },
  })
  local lower = o.mode and o.mode == "min" or (not o.mode and o.monitor:find "loss" ~= nil)
  local best, state, waited = nil, nil, 0
  return function(row, run)
    if not row then
      if state and o.restore then
        model:load_state_dict(state)
      end
      return nil
    end
    local value = row[o.monitor]
    if value == nil then
      core.raise(("fit: early_stopping watches '%s', which the epochs do not have; name a metric, or give valid"):format(
        o.monitor))
    end
    if not best or (lower and value < best - o.min_delta) or (not lower and value > best + o.min_delta) then
      best, waited, run.best_epoch = value, 0, row.epoch
      if o.restore then
        state = core.no_grad(function()
          local copy = {}
          for name, t in pairs(model:state_dict()) do
            copy[name] = t:clone()
          end
          return copy
        end)
      end
    else
      waited = waited + 1
      if waited >= o.patience then
        run.stopped_early = row.epoch
        return false
      end
    end
  end
end

-- One pass over the training data.
local function train_epoch(o, step, metrics, epoch, run, show)
  local model, opt = o.model, o.optimizer
  local count, sums = 0, { loss = 0 }
  model:train()
  for x, y in o.train do
    local values = { step(x, y) }
    local value = values[1]:item()
    run.steps = run.steps + 1
    if value ~= value or value == math.huge or value == -math.huge then
      core.raise(("fit: the loss is %s at step %d (epoch %d): training stopped before the update. Try a smaller learning "
        .. "rate, or look for log(0), 0/0 or inputs that are not finite"):format(tostring(value), run.steps, epoch))
    end
    opt:step()
    if o.scheduler and o.scheduler.per == "step" then
      o.scheduler:step()
    end
    if o.after_step then
      o.after_step(run.steps)
    end
    local n = #y
    count = count + n
    sums.loss = sums.loss + value * n
    add_metrics(metrics, sums, values, y)
    show:step(n, sums.loss / count)
  end
  local row = { loss = sums.loss / count }
  for _, m in ipairs(metrics) do
    row[m[1]] = (sums[m[1]] or 0) / count
  end
  return row
end

-- Which of two rows is better: higher metric, or lower loss where there is none.
local function better(row, best, metrics, valid)
  if not best then
    return true
  end
  local prefix = valid and "valid_" or ""
  if metrics[1] then
    local key = prefix .. metrics[1][1]
    return row[key] > best[key]
  end
  return row[prefix .. "loss"] < best[prefix .. "loss"]
end

---Trains a model and returns what happened.
---
---    local run = nn.train.fit{model = model, loss = nn.CrossEntropyLoss(), optimizer = opt,
---      train = loader, valid = test_loader, epochs = 10, metrics = {"accuracy"}}
---    print(run.best.valid_accuracy)
---
---Fields of the run: history (a row an epoch: epoch, loss, metrics, valid_loss, valid_..., seconds, lr), best (the row
---with the best first metric, of the validation set if there is one, else the lowest loss), steps, interrupted.
---A loss that is not finite is an error that names the step. Ctrl-C ends the run and returns what was reached.
---@class nn.FitOptions
---@field model nn.Module
---@field loss fun(output: nn.Tensor, target: nn.Tensor): nn.Tensor
---@field optimizer nn.Optimizer
---@field train nn.Loader
---@field valid? nn.Loader
---@field epochs? integer default 1
---@field metrics? table names, or pairs {name, function(output, target)} that give a sum over the batch
---@field compile? boolean default true: the step is compiled where it can be; a line on standard error says why not
---@field out? string a directory for history.json and best.safetensors
---@field progress? string "auto", "line" (one line an epoch) or "none"
---@field scheduler? table from nn.sched; steps once an epoch (OneCycleLR once a batch)
---@field early_stopping? {patience: integer, min_delta: number, monitor: string, mode: string, restore: boolean} ends the
---run when the monitored figure (valid_loss, or loss) has not improved by min_delta for `patience` epochs, and puts the
---best weights back
---@field after_step? fun(step: integer) called after each update, e.g. for a projection of the weights
---@field on_epoch? fun(row: table, run: table): boolean|nil called with each row; ends the run by returning false

---@param opts nn.FitOptions
---@return table run
function M.fit(opts)
  local o = options.read("fit", opts, {
    model = { "any" }, loss = { "any" }, optimizer = { "any" }, train = { "any" }, valid = { "any" },
    epochs = { "integer", 1 }, metrics = { "table", {} }, out = { "string" }, progress = { "string", "auto" },
    on_epoch = { "function" }, compile = { "boolean", true }, scheduler = { "any" }, early_stopping = { "table" },
    after_step = { "function" },
  })
  for _, name in ipairs { "model", "loss", "optimizer", "train" } do
    if o[name] == nil then
      core.raise(("fit: %s is missing; it takes model, loss, optimizer, train, and may take valid, epochs, metrics, out, "
        .. "progress, on_epoch, scheduler, early_stopping, after_step, compile"):format(name))
    end
  end
  if not module.is_module(o.model) then
    core.raise(("fit: model must be an nn.Module, but is %s"):format(core.describe(o.model)))
  end
  o.valid = o.valid or nil
  local metrics = find_metrics(o.metrics)
  if o.out then
    core.make_directory(o.out)
  end
  local run = { history = {}, steps = 0, interrupted = false }
  local show = progress.new(o.progress, o.epochs, #o.train)

  local model, loss_fn, opt = o.model, o.loss, o.optimizer -- not o: a compiled step looks at what it can see
  local function train_step(x, y)
    opt:zero_grad()
    local output = model(x)
    local loss = loss_fn(output, y)
    loss:backward()
    return step_results(metrics, loss, output:detach(), y)
  end
  local evaluation_step = M.evaluation_step(o.model, o.loss, metrics)
  if o.compile then
    local function say(text)
      show:say("fit: " .. text)
    end
    train_step = compiled_or_plain(train_step, o.model, say)
    evaluation_step = compiled_or_plain(evaluation_step, o.model, say)
  end

  local stopper = o.early_stopping and early_stopping(o.early_stopping, o.model, o.valid ~= nil, metrics)
  local function epoch_of(epoch)
    local started = core.time()
    show:begin_epoch(epoch)
    local row = train_epoch(o, train_step, metrics, epoch, run, show)
    row.epoch = epoch
    row.lr = o.optimizer.param_groups and o.optimizer.param_groups[1].lr
    if o.valid then
      for name, value in pairs(M.evaluate(o.model, o.valid, {
        loss = o.loss, metrics = o.metrics, step = evaluation_step,
      })) do
        row["valid_" .. name] = value
      end
      o.model:train()
    end
    row.seconds = core.time() - started
    run.history[epoch] = row
    local improved = better(row, run.best, metrics, o.valid ~= nil)
    if improved then
      run.best = row
    end
    if o.out then
      write_file(o.out .. "/history.json", core.json_encode(run.history))
      if improved then
        require("nn.io").save(o.out .. "/best.safetensors", o.model:state_dict())
      end
    end
    show:end_epoch(row)
    local schedule = o.scheduler
    if schedule and schedule.per ~= "step" then
      schedule:step(schedule.wants_metric and (row.valid_loss or row.loss) or nil)
    end
    if stopper and stopper(row, run) == false then
      return false
    end
    return not (o.on_epoch and o.on_epoch(row, run) == false)
  end

  local ok, err = xpcall(function()
    for epoch = 1, o.epochs do
      if not epoch_of(epoch) then
        break
      end
    end
  end, function(e)
    return e
  end)
  show:finish()
  if stopper then
    stopper(nil, run)
  end
  if not ok then
    if not is_interrupt(err) then
      error(err, 0)
    end
    run.interrupted = true
    show:say(("interrupted in epoch %d, after step %d"):format(#run.history + 1, run.steps))
  end
  return run
end

return M
