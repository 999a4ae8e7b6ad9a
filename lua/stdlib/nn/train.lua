-- nn.train: the training loop, for when you do not want to write it. Its parts, each usable by hand: train/metrics.lua,
-- train/evaluate.lua, train/checkpoint.lua, train/checks.lua; what they are put together with: train/loop.lua (what can be
-- broken off and gone on with), train/steps.lua (an update), train/keeping.lua (files), train/monitor.lua (what the run goes
-- by), train/callbacks.lua.

local callbacks = require "nn.train.callbacks"
local checkpoint = require "nn.train.checkpoint"
local checks = require "nn.train.checks"
local core = require "nn.core"
local evaluate = require "nn.train.evaluate"
local keeping = require "nn.train.keeping"
local loop = require "nn.train.loop"
local metrics = require "nn.train.metrics"
local module = require "nn.layers.module"
local monitor = require "nn.train.monitor"
local options = require "nn.internal.options"
local progress = require "nn.train.progress"

local M = { evaluate = evaluate.evaluate, metrics = metrics.functions, checkpoint = checkpoint.checkpoint,
  lr_range_test = checks.lr_range_test, overfit_batch = checks.overfit_batch }

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

-- An optimizer of another model would step without a word: nothing it holds gets a gradient. Some of its parameters may be the
-- loss's or a function's, and a model of which nothing is trained may have none.
local function check_whose(o)
  local of_model, trained = {}, false
  for _, p in ipairs(o.model:parameters()) do
    of_model[p], trained = true, trained or p.requires_grad
  end
  local n = 0
  for _, group in ipairs(trained and o.optimizer.param_groups or {}) do
    for _, p in ipairs(group.params or {}) do
      if of_model[p] then
        return
      end
      n = n + 1
    end
  end
  if n > 0 then
    core.raise(("fit: none of the %d parameters of the optimizer belongs to the model, so it would not learn; make the optimizer "
      .. "of this model's: nn.optim.%s(model:parameters())"):format(n, o.optimizer.name or "SGD"))
  end
end

local function read_options(opts)
  local o = options.read("fit", opts, {
    model = { "any", needed = true }, loss = { "any", needed = true }, optimizer = { "any", needed = true },
    train = { "any", needed = true }, valid = { "any" },
    epochs = { "integer", 1 }, metrics = { "table", {} }, out = { "string" }, progress = { "string", "auto" },
    on_epoch = { "function" }, compile = { "boolean", true }, scheduler = { "any" }, early_stopping = { "table" },
    after_step = { "function" }, before_step = { "function" }, monitor = { "string" }, mode = { "string" },
    clip_grad_norm = { "number" }, clip_grad_value = { "number" }, callbacks = { "table", {} }, run = { "any" },
    resume = { "boolean", false }, checkpoint = { "table" }, accumulate = { "integer", 1, least = 1 },
    ema = { "number", above = 0, most = 0.9999999 }, max_steps = { "integer", least = 1 }, max_seconds = { "number", above = 0 },
    valid_every = { "integer", least = 1 }, observe = { "boolean", false },
    log = { "string", one_of = { "tensorboard" } },
  })
  for _, name in ipairs { "model", "loss", "optimizer", "train" } do
    if o[name] == nil then
      core.raise(("fit: %s is missing; it takes model, loss, optimizer, train, and may take valid, epochs, metrics, monitor, "
        .. "mode, run, out, resume, checkpoint, progress, on_epoch, callbacks, scheduler, early_stopping, accumulate, ema, "
        .. "clip_grad_norm, clip_grad_value, before_step, after_step, valid_every, observe, log, max_steps, max_seconds, "
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
  check_whose(o)
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
  elseif o.optimizer.takes_closure
    and (o.before_step or o.clip_grad_norm or o.clip_grad_value or o.accumulate > 1) then
    core.raise(("fit: %s computes gradients several times in a step and needs them as they are: it goes without before_step, "
      .. "clip_grad_norm, clip_grad_value and accumulate"):format(o.optimizer.name))
  elseif o.run ~= nil and not (type(o.run) == "table" and (getmetatable(o.run) or {}).__name == "nn.Run") then
    core.raise(("fit: run must be the run that an experiment's function is given, but is %s"):format(core.describe(o.run)))
  elseif o.run and o.out then
    core.raise "fit: run and out are two places for the results; give one"
  elseif o.log and not o.out and not o.run then
    core.raise "fit: log = \"tensorboard\" needs a place: out = \"a directory\" (or run, within an experiment)"
  end
  return o
end

local function length_of(loader)
  local ok, n = core.try(function()
    return #loader
  end)
  return ok and math.type(n) == "integer" and n > 0 and n or nil
end

-- What fit takes; what it does is said above it.

---@class nn.FitOptions
---@field model nn.Module layers that were set to model[i]:eval() stay so
---@field loss fun(output: nn.Tensor, target: nn.Tensor): nn.Tensor a loss layer, or a function; gives one number
---@field optimizer nn.Optimizer also LBFGS and ConjugateGradient, which take several looks at a batch
---@field train nn.Loader or a function that gives the next batch x, y, and nil at the end of each epoch
---@field valid? nn.Loader looked at after each epoch, in evaluation mode; default none
---@field epochs? integer how often to go over the training set; default 1
---@field metrics? table names ("accuracy", "auc", ...), {"f1", average = "macro"}, nn.train.metrics.AUC(), or your own as
---{name, function(output, target), "max" | "min"}: a sum over the batch and, as a second value, of how many (the samples). A
---figure that has no meaning, such as auc over one class, is nan, and a line on standard error says why, once. Default {}
---@field monitor? string the figure the run goes by, e.g. "valid_loss"; default the first metric, or the loss, of the
---validation set if there is one
---@field mode? string "min" or "max": which way that is better; default known of the loss and of nn's own metrics
---@field compile? boolean default true: the step is compiled where it can be; a line on standard error says why not
---@field out? string a directory for history.json, best.safetensors and last.safetensors; a run that was interrupted leaves its
---weights in interrupted.safetensors. Default: nothing is written
---@field progress? string "auto" (default: a live line in a terminal, else "line"), "line" (one line an epoch) or "none"
---@field scheduler? table from nn.sched; steps once an epoch (OneCycleLR once a batch). Default none
---@field early_stopping? {patience: integer, min_delta: number, monitor: string, mode: string, restore: boolean} ends the
---run when the figure has not improved by min_delta (0) for `patience` epochs (5), and with restore (true) puts the best
---weights back; monitor and mode are another way to say those of the run. Default: no early stopping
---@field clip_grad_norm? number gradients whose joint norm is larger are scaled down to it before the update; default: never
---@field clip_grad_value? number each element of a gradient beyond it is cut off; default: never. One of the two at most
---@field before_step? fun(step: integer) called after the backward and before the update: change gradients here
---@field after_step? fun(step: integer) called after each update, e.g. for a projection of the weights
---@field on_epoch? fun(row: table, run: table): boolean|nil called with each row; ends the run by returning false
---@field run? nn.Run of an experiment: rows go into its history, checkpoints into its directory, and a resumed one goes on
---@field resume? boolean goes on from out/last.safetensors, with the bits of a run that was not broken off; also after its end,
---where there are more epochs now. The optimizer's settings are the saved ones; where the script's differ, it says so. Without
---that file it begins with epoch 1, and says so. Default false
---@field checkpoint? {every_steps: integer, every_epochs: integer, every_seconds: number, keep: integer} when last.safetensors
---is written besides at the end (by default after epochs, so that it takes a fiftieth of the time at most); keep: so many older
---ones stay (0)
---@field callbacks? table[] of {start =, step =, validation =, epoch =, checkpoint =, stop =}: functions; false ends the run.
---start(run), step(step, loss, run), validation(row, run), epoch(row, run), checkpoint(path, run), stop(reason, run); a
---function alone is for epochs
---@field accumulate? integer so many batches make one update, by the mean of the gradients of their losses (each batch counts
---the same, also a smaller one); default 1
---@field ema? number an exponential moving average of the weights with this decay, from the first update on, is what is
---validated and kept; default: the weights themselves
---@field valid_every? integer looks at the validation set every so many steps as well; default: after epochs only
---@field observe? boolean within a recorded run: looks at the layers once an epoch (layers.jsonl) and at the samples in the end
---(samples.json), for reports; default false
---@field log? string "tensorboard": rows also go into an event file in the directory of the run; default: they do not
---@field max_steps? integer ends the run after so many updates; default: no limit
---@field max_seconds? number ends the run after so many seconds; default: no limit
-- What ends a fit, well or not: files are written, best weights put back; errors go on.
local function finish(o, l, ok, err, interrupts)
  local run, keep, show = l.run, l.keep, l.show
  show:finish()
  local interrupted, ends = core.is_interrupt(err, interrupts)
  local function state()
    return l:state()
  end
  if interrupted and l.ready then
    core.whole(keep.keep_interrupted, keep, l.model, state)
  end
  -- Before averaged or best weights take the place of those of the last step: these are what can be gone on with.
  local written, why = pcall(function()
    keep:write_history(run.history, true)
    if ok and keep.last and not l.over then
      keep:save(state, run)
    end
  end)
  if ok and l.average then
    core.no_grad(function()
      o.model:load_state_dict(l.average.model:state_dict())
    end)
  end
  if l.best_state then
    o.model:load_state_dict(l.best_state)
  end
  if ok and not written then
    error(why, 0)
  elseif not ok then
    if o.run and (interrupted or err == require("nn.lab.run").PAUSE) then
      o.run._interrupted = err
    end
    if not interrupted or ends or o.run then
      error(err, 0)
    end
    run.interrupted = true
    show:say(("interrupted in epoch %d, after step %d%s"):format(#run.history + 1, run.steps,
      o.out and "; resume = true goes on from there" or ""))
  end
end

---Trains a model on the batches of a loader and returns what happened, the run.
---
---A run goes by one figure, `monitor`: by default the first metric, or the loss where there is none; of the validation set
---if there is one. run.best is the row where it was best; best.safetensors, early stopping and ReduceLROnPlateau go by it,
---too. Whether more or less of it is better is known of the loss and of nn's own metrics; of yours, say it.
---
---Fields of the run: history (a row an epoch: epoch, loss, metrics, valid_loss, valid_..., seconds, lr), best and best_epoch,
---tables and best_tables (metrics that are tensors, such as confusion and valid_confusion, of the last epoch and of the best),
---monitor and mode, steps, interrupted, stopped_early (the epoch, if so), stopped (why, if before the last epoch), within (rows
---of valid_every), resumed ({epoch, steps, over} where it went on; over: nothing was left to train), compiled (whether the
---step was, to the end) and not_compiled (why it was not). A loss that is not finite is an error that names the step. Ctrl-C
---ends the run and returns what was reached; SIGTERM ends the run and the program; with `out`, both leave the weights in
---interrupted.safetensors. The loss of a row is the mean over its samples; with reduction = "sum", the sum divided by their
---number. valid_loss is what the same loss function gives: a penalty inside it is part of both, and of what best and early
---stopping go by. (weight_decay is in neither; a figure without the penalty: metrics = {{"plain", f, "min"}},
---monitor = "valid_plain".)
---@param opts nn.FitOptions
---@return table run
---example:
---  > nn.manual_seed(1)
---  > model, data = nn.Sequential(nn.Linear(2, 8), nn.Tanh(), nn.Linear(8, 2)), nn.data.moons{n = 40, noise = 0}
---  > opt, loader = nn.optim.Adam(model:parameters(), {lr = 0.1}), data:loader{batch_size = 10, shuffle = true}
---  > options = {model = model, loss = nn.CrossEntropyLoss(), optimizer = opt, train = loader, epochs = 4, progress = "none"}
---  > options.metrics = {"accuracy"}
---  > run = nn.train.fit(options)
---  > #run.history, run.steps, run.monitor
---  4	16	accuracy
---  > ("%.2f"):format(run.best.accuracy)
---  0.90
---see: nn.train.evaluate, nn.Dataset:loader, nn.optim.Adam, nn.experiment
function M.fit(opts)
  local o = read_options(opts)
  local list = metrics.read("fit", o.metrics, o.loss, o.train)
  local valid_list = o.valid and metrics.read("fit", o.metrics, o.loss, o.valid) or list
  local watch = monitor.new(o, list, o.valid ~= nil)
  local calls = callbacks.new(o.callbacks)
  calls:add("epoch", o.on_epoch)
  local keep <close> = keeping.new(o)
  local run = { history = {}, steps = 0, interrupted = false, monitor = watch.name, mode = watch.mode }
  local show = progress.new(o.progress, o.epochs, length_of(o.train))
  if keep.aside then
    show:say(("fit: what was in %s is kept in %s"):format(o.out, keep.aside))
  end
  if not o.model.training then
    o.model:train()
  end
  local l = loop.new(o, { train = list, valid = valid_list }, watch, keep, calls, show, run)
  local interrupts = core.interrupts()
  local ok, err = xpcall(function()
    local saved = keep:load()
    l.over = core.whole(l.take_up, l, saved)
    if l.over and o.resume then
      show:say(("fit: nothing is left to train: the run in %s came to its end in epoch %d%s"):format(o.out,
        l.at.epoch - 1, run.stopped and (" (%s)"):format(run.stopped) or "; more epochs go on with it"))
    elseif saved then
      show:say(("fit: goes on in epoch %d, after step %d"):format(l.at.epoch, run.steps))
    elseif o.resume then
      show:say(("fit: there is no checkpoint in %s to go on with; begins with epoch 1"):format(o.out))
    end
    if l.over then
      l.done = true
    else
      l:go()
      l:observe_samples()
    end
  end, function(e)
    return e
  end)
  if l.events then
    l.events:close()
  end
  finish(o, l, ok, err, interrupts)
  calls:call("stop", run.stopped or run.interrupted and "interrupted" or "the end", run)
  return run
end

return options.namespace("nn.train", M)
