-- nn.train: the training loop, for when you do not want to write it. Its parts: train/metrics.lua, train/evaluate.lua (also
-- what is checked of loaders and losses), train/monitor.lua (what the run goes by).

local compile = require "nn.internal.compile"
local core = require "nn.core"
local evaluate = require "nn.train.evaluate"
local metrics = require "nn.train.metrics"
local module = require "nn.layers.module"
local monitor = require "nn.train.monitor"
local options = require "nn.internal.options"
local progress = require "nn.train.progress"

local M = { evaluate = evaluate.evaluate, metrics = metrics.functions }

local function copy_of_state(model)
  return core.no_grad(function()
    local copy = {}
    for name, t in pairs(model:state_dict()) do
      copy[name] = t:clone()
    end
    return copy
  end)
end

-- ---- steps ----

-- f compiled, as long as it can be; where it cannot, f itself, from within the call in which that comes out. found(why) is
-- called once, then.
local function compiled_step(f, found)
  local c, told = compile.compile(f, { fallback = true }), false
  local function tell(why, ...)
    if why and not told then
      told = true
      found(why)
    end
    return ...
  end
  local function after(...)
    return tell(c:refused(), ...)
  end
  return function(x, y)
    if module.is_tensor(x) and module.is_tensor(y) then
      return after(c(x, y))
    end
    return tell("batches are not pairs of tensors", f(x, y))
  end
end

-- What is done after a backward and before the update.
local function clipping(o)
  local clip = require "nn.optim"
  local model, norm, value = o.model, o.clip_grad_norm, o.clip_grad_value
  return norm and function()
    clip.clip_grad_norm_(model:parameters(), norm)
  end or value and function()
    clip.clip_grad_value_(model:parameters(), value)
  end or nil
end

-- zero_grad, forward, backward: gives the loss, the output, and the metrics' values.
local function training_step(o, list)
  local model, loss_fn, opt, clip = o.model, o.loss, o.optimizer, clipping(o)
  return function(x, y)
    opt:zero_grad()
    local output = model(x)
    local loss = loss_fn(output, y)
    if not module.is_tensor(loss) or loss:numel() ~= 1 then
      evaluate.loss_value("fit", loss)
    end
    loss:backward()
    if clip then
      clip()
    end
    output = output:detach()
    return loss, output, metrics.values(list, output, y)
  end
end

local function check_finite(value, step, epoch)
  if value ~= value or value == math.huge or value == -math.huge then
    core.raise(("fit: the loss is %s at step %d (epoch %d): training stopped before the update. Try a smaller learning "
      .. "rate, or look for log(0), 0/0 or inputs that are not finite"):format(tostring(value), step, epoch))
  end
end

-- The optimizer's step and what is counted with it: all of it, or nothing.
local function take_step(o, run, ...)
  o.optimizer:step(...)
  run.steps = run.steps + 1
  if o.scheduler and o.scheduler.per == "step" then
    o.scheduler:step()
  end
end

-- One update. Returns the packed values of the step and the loss as a number.
local function update(o, step, x, y, run, epoch)
  local number = run.steps + 1
  if o.optimizer.takes_closure then -- the loss is computed as often as the optimizer asks; what is told is the first
    local values
    core.whole(take_step, o, run, function()
      local again = table.pack(step(x, y))
      if not values then
        values = again
        check_finite(again[1]:item(), number, epoch)
      end
      return again[1]
    end)
    return values, values[1]:item()
  end
  local values = table.pack(step(x, y))
  local value = values[1]:item()
  check_finite(value, number, epoch)
  if o.before_step then
    o.before_step(number)
  end
  core.whole(take_step, o, run)
  return values, value
end

-- One pass over the training data.
local function train_epoch(o, step, list, epoch, run, show)
  local count, total, terms, sums = 0, 0, 0, {}
  for x, y in o.train do
    local values, value = update(o, step, x, y, run, epoch)
    if o.after_step then
      o.after_step(run.steps)
    end
    local n = evaluate.batch_size("fit", y)
    count = count + n
    local sum, over = evaluate.loss_terms(o.loss, value, y, n)
    total, terms = total + sum, terms + over
    metrics.add(list, sums, values, 3, values[2], y)
    show:step(n, total / terms)
  end
  if count == 0 then
    core.raise(("fit: train gave no batches in epoch %d: the data set is empty, smaller than a batch with drop_last = true, or "
      .. "a function that does not start over"):format(epoch))
  end
  return metrics.finish(list, sums, { epoch = epoch, loss = total / terms }, "")
end

-- ---- fit ----

local function is_scheduler(s)
  local ok, step = core.try(function()
    return s.step
  end)
  return ok and type(step) == "function" and type(s) ~= "string"
end

local function check_optimizer(opt)
  local ok = core.try(function()
    return opt.step and opt.zero_grad or error()
  end)
  if not ok then
    core.raise(("fit: optimizer must be one of nn.optim's, e.g. nn.optim.Adam(model:parameters(), {lr = 1e-3}), but is "
      .. "%s"):format(core.describe(opt)))
  end
end

local function read_options(opts)
  local o = options.read("fit", opts, {
    model = { "any" }, loss = { "any" }, optimizer = { "any" }, train = { "any" }, valid = { "any" },
    epochs = { "integer", 1 }, metrics = { "table", {} }, out = { "string" }, progress = { "string", "auto" },
    on_epoch = { "function" }, compile = { "boolean", true }, scheduler = { "any" }, early_stopping = { "table" },
    after_step = { "function" }, before_step = { "function" }, monitor = { "string" }, mode = { "string" },
    clip_grad_norm = { "number" }, clip_grad_value = { "number" },
  })
  for _, name in ipairs { "model", "loss", "optimizer", "train" } do
    if o[name] == nil then
      core.raise(("fit: %s is missing; it takes model, loss, optimizer, train, and may take valid, epochs, metrics, monitor, "
        .. "mode, out, progress, on_epoch, scheduler, early_stopping, clip_grad_norm, clip_grad_value, before_step, after_step, "
        .. "compile"):format(name))
    end
  end
  o.valid = o.valid or nil
  if not module.is_module(o.model) then
    core.raise(("fit: model must be an nn.Module, but is %s"):format(core.describe(o.model)))
  end
  evaluate.check_loss("fit", o.loss)
  evaluate.check_loader("fit", "train", o.train)
  if o.valid then
    evaluate.check_loader("fit", "valid", o.valid)
  end
  check_optimizer(o.optimizer)
  if o.epochs < 0 then
    core.raise(("fit: epochs must be 0 or more, but is %d"):format(o.epochs))
  elseif o.clip_grad_norm and o.clip_grad_value then
    core.raise "fit: clip_grad_norm and clip_grad_value are two ways to clip; give one"
  elseif o.scheduler ~= nil and not is_scheduler(o.scheduler) then
    core.raise(("fit: scheduler must be one of nn.sched's, e.g. nn.sched.StepLR(opt, {step_size = 10}), but is %s"):format(
      core.describe(o.scheduler)))
  elseif o.optimizer.takes_closure == "residuals" then
    core.raise(("fit: %s needs the residuals, not a loss; call opt:step(function() return model(x) - y end) yourself"):format(
      o.optimizer.name))
  elseif o.optimizer.takes_closure and (o.before_step or o.clip_grad_norm or o.clip_grad_value) then
    core.raise(("fit: %s computes gradients several times in a step and needs them as they are: it goes without before_step, "
      .. "clip_grad_norm and clip_grad_value"):format(o.optimizer.name))
  end
  return o
end

local function length_of(loader)
  local ok, n = core.try(function()
    return #loader
  end)
  return ok and math.type(n) == "integer" and n > 0 and n or nil
end

-- The steps of training and validation, compiled where that is wanted; what comes of it is told in the run.
local function make_steps(o, list, valid_list, run, show)
  local train, valid = training_step(o, list), evaluate.step(o.model, o.loss, valid_list)
  run.compiled = o.compile
  if not o.compile then
    run.not_compiled = "compile = false"
    return train, valid
  end
  return compiled_step(train, function(why)
    run.compiled, run.not_compiled = false, why
    show:say("fit: not compiled: " .. why)
  end), compiled_step(valid, function(why)
    if why ~= run.not_compiled then
      show:say("fit: validation is not compiled: " .. why)
    end
  end)
end

---Trains a model and returns what happened.
---
---    local run = nn.train.fit{model = model, loss = nn.CrossEntropyLoss(), optimizer = opt,
---      train = loader, valid = test_loader, epochs = 10, metrics = {"accuracy"}}
---    print(run.best.valid_accuracy)
---
---A run goes by one figure, `monitor`: by default the first metric, or the loss where there is none; of the validation set
---if there is one. run.best is the row where it was best; best.safetensors, early stopping and ReduceLROnPlateau go by it,
---too. Whether more or less of it is better is known of the loss and of nn's own metrics; of yours, say it.
---
---Fields of the run: history (a row an epoch: epoch, loss, metrics, valid_loss, valid_..., seconds, lr), best and best_epoch,
---monitor and mode, steps, interrupted, stopped_early (the epoch, if so), compiled (whether the step was, to the end) and
---not_compiled (why it was not). A loss that is not finite is an error that names the step. Ctrl-C ends the run and returns
---what was reached; SIGTERM ends the run and the program; with `out`, both leave the weights in interrupted.safetensors. The
---loss of a row is the mean over its samples; with reduction = "sum", the sum divided by their number.
---@class nn.FitOptions
---@field model nn.Module layers that were set to model[i]:eval() stay so
---@field loss fun(output: nn.Tensor, target: nn.Tensor): nn.Tensor
---@field optimizer nn.Optimizer also LBFGS and ConjugateGradient, which take several looks at a batch
---@field train nn.Loader or a function that gives the next batch x, y, and nil at the end of each epoch
---@field valid? nn.Loader
---@field epochs? integer default 1
---@field metrics? table names ("accuracy", "mae", ...), {"binary_accuracy", threshold = 0.5}, or your own as {name,
---function(output, target), "max" | "min"}: a sum over the batch and, as a second value, of how many (the samples)
---@field monitor? string the figure the run goes by, e.g. "valid_loss"
---@field mode? string "min" or "max": which way that is better
---@field compile? boolean default true: the step is compiled where it can be; a line on standard error says why not
---@field out? string a directory for history.json and best.safetensors; a run that was interrupted leaves its weights in
---interrupted.safetensors
---@field progress? string "auto", "line" (one line an epoch) or "none"
---@field scheduler? table from nn.sched; steps once an epoch (OneCycleLR once a batch)
---@field early_stopping? {patience: integer, min_delta: number, monitor: string, mode: string, restore: boolean} ends the
---run when the figure has not improved by min_delta for `patience` epochs (5), and puts the best weights back
---@field clip_grad_norm? number gradients of a larger norm are scaled down to it before the update
---@field clip_grad_value? number and those beyond it are cut off
---@field before_step? fun(step: integer) called after the backward and before the update: change gradients here
---@field after_step? fun(step: integer) called after each update, e.g. for a projection of the weights
---@field on_epoch? fun(row: table, run: table): boolean|nil called with each row; ends the run by returning false

---@param opts nn.FitOptions
---@return table run
function M.fit(opts)
  local o = read_options(opts)
  local list = metrics.read("fit", o.metrics, o.loss, o.train)
  local valid_list = o.valid and metrics.read("fit", o.metrics, o.loss, o.valid) or list
  local watch = monitor.new(o, list, o.valid ~= nil)
  if o.out then
    core.make_directory(o.out)
  end
  local run = { history = {}, steps = 0, interrupted = false, monitor = watch.name, mode = watch.mode }
  local show = progress.new(o.progress, o.epochs, length_of(o.train))
  local train_step, valid_step = make_steps(o, list, valid_list, run, show)
  local model, best_state = o.model, nil

  local function keep(row)
    run.best, run.best_epoch = row, row.epoch
    if watch.stopping and watch.stopping.restore then
      best_state = copy_of_state(model)
    end
    if o.out then
      require("nn.io").save(o.out .. "/best.safetensors", model:state_dict())
    end
  end

  -- Whole each time, so that at any moment a whole one is there; but not so often that it takes more than a twentieth of the
  -- time, and in the end. (Best weights are there before the history that tells of them.)
  local wrote, took = 0, 0
  local function write_history(last)
    local now = core.time()
    if o.out and #run.history > 0 and (last or now - wrote > 20 * took) then
      core.write_file(o.out .. "/history.json", core.json_encode(run.history))
      wrote = core.time()
      took = wrote - now
    end
  end

  local function epoch_of(epoch)
    local started = core.time()
    show:begin_epoch(epoch)
    local row = train_epoch(o, train_step, list, epoch, run, show)
    row.lr = o.optimizer.param_groups and o.optimizer.param_groups[1].lr
    if o.valid then
      local seen = evaluate.run("fit", "valid", model, o.valid, o.loss, valid_list, valid_step, "valid_")
      for name, value in pairs(seen) do
        row[name] = value
      end
    end
    row.seconds = core.time() - started
    run.history[epoch] = row
    if watch:improved(row) then
      keep(row)
    end
    write_history(false)
    show:end_epoch(row)
    local schedule = o.scheduler
    if schedule and schedule.wants_metric then
      schedule:step(watch:figure_for(schedule, row))
    elseif schedule and schedule.per ~= "step" then
      schedule:step()
    end
    local over = watch:is_over(row)
    if over then
      run.stopped_early = epoch
    end
    local goes_on = not (o.on_epoch and o.on_epoch(row, run) == false)
    return goes_on and not over
  end

  if not model.training then
    model:train()
  end
  local interrupts = core.interrupts()
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
  local interrupted, ends = core.is_interrupt(err, interrupts)
  if interrupted and o.out then
    require("nn.io").save(o.out .. "/interrupted.safetensors", model:state_dict())
  end
  if best_state then
    model:load_state_dict(best_state)
  end
  local written, why = pcall(write_history, true)
  if ok and not written then
    error(why, 0)
  elseif not ok then
    if not interrupted or ends then
      error(err, 0)
    end
    run.interrupted = true
    show:say(("interrupted in epoch %d, after step %d"):format(#run.history + 1, run.steps))
  end
  return run
end

return options.namespace("nn.train", M)
