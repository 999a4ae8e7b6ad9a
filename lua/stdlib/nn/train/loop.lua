-- The loop of fit as something that can be broken off after any step and gone on with: all that it counts stands in
-- `self.at`, which a checkpoint holds.

local core = require "nn.core"
local evaluate = require "nn.train.evaluate"
local keeping = require "nn.train.keeping"
local metrics = require "nn.train.metrics"
local settings = require "nn.train.settings"
local steps = require "nn.train.steps"

local M = {}
M.__index = M

local function fresh_sums(at)
  at.count, at.total, at.terms, at.sums = 0, 0, 0, {}
end

---@param o table fit's options, read
---@param lists {train: table, valid: table} metrics
---@param watch table from train/monitor.lua
---@param keep table from train/keeping.lua
---@param calls table from train/callbacks.lua
---@param show table from train/progress.lua
---@param run table what fit returns
function M.new(o, lists, watch, keep, calls, show, run)
  local self = setmetatable({
    o = o, lists = lists, told = {}, watch = watch, keep = keep, calls = calls, show = show, run = run,
    average = o.ema and require("nn.optim").AveragedModel(o.model, { decay = o.ema }) or nil,
    at = { epoch = 1, seconds = 0, rows = 0, validated = 0 }, began = core.time(),
  }, M)
  fresh_sums(self.at)
  if keep.last then -- what cannot be kept is told before the first step
    keeping.parts(o, self.average)
  end
  self.budget = o.run and o.run._budget or nil
  self.model = self.average and self.average.model or o.model -- the one that is looked at
  self.steps = steps.make(o, self.model, lists.train, lists.valid, run, function(text)
    show:say(text)
  end)
  return self
end

-- ---- the state ----

-- All that is needed to go on. Random numbers are those of the last whole step, not of a validation that was broken off.
function M:state()
  local at, parts = {}, {}
  for key, value in pairs(self.at) do
    at[key] = value
  end
  at.seconds = at.seconds + core.time() - self.began
  at.rows = self.o.run and #self.o.run.history or 0 -- with those that the user's functions logged
  for name, part in pairs(keeping.parts(self.o, self.average)) do
    parts[name] = part:state_dict()
  end
  local seed, counter = core.rng_state()
  local train = self.o.train
  local loader
  if evaluate.is_loader(train) then
    loader = train:_state(self.pass or train.resumed or nil) -- a pass that was restored may not have begun again
  elseif type(train) == "table" and type(train.state_dict) == "function" then
    loader = train:state_dict()
  end
  local w = self.watch
  return {
    parts = parts, at = at, steps = self.run.steps, history = self.run.history, loader = loader, epochs = self.o.epochs,
    random = self.boundary or { seed = seed, counter = counter }, done = self.done or false,
    watch = { best = w.best, reference = w.reference, waited = w.waited }, stopped = self.run.stopped,
    stopped_early = self.run.stopped_early, best_epoch = self.run.best_epoch, tables = self.run.tables,
    best_tables = self.run.best_tables, cut = self.cut, settings = self.settings,
  }
end

-- Whether a run that came to its end has nothing left to do by the options of now: no more epochs, no higher limit, no more
-- patience. One that a callback ended goes on only where there are more epochs than it had.
local function is_over(self, saved)
  local o, stopped = self.o, saved.stopped
  local epoch = (saved.cut or saved).at.epoch -- one that a limit ended within the last epoch has that to finish
  if not saved.done or epoch > o.epochs then
    return saved.done
  elseif stopped == "early stopping" then
    return self.watch:waited_enough()
  elseif stopped == "max_steps" or stopped == "max_seconds" then
    return self:limit() ~= nil
  end
  return stopped ~= nil and o.epochs <= (saved.epochs or o.epochs)
end

function M:restore(saved)
  local o, run = self.o, self.run
  require("nn.train.checkpoint").put(self.keep.last, keeping.parts(o, self.average), saved)
  self.at, run.steps, run.history = saved.at, saved.steps, saved.history
  local w = self.watch
  w.best, w.reference, w.waited = saved.watch.best, saved.watch.reference, saved.watch.waited
  local over = is_over(self, saved)
  if not over and saved.cut then -- a limit ended it within an epoch: it goes on there, as if it had not
    saved.cut.cut = nil
    return self:restore(saved.cut)
  end
  if evaluate.is_loader(o.train) or type(o.train) == "table" and type(o.train.load_state_dict) == "function" then
    o.train:load_state_dict(saved.loader)
    core.set_rng_state(saved.random.seed, saved.random.counter)
  elseif not over then
    core.raise("fit: train is a function, so its place cannot be found again; resume needs a loader, or an object with "
      .. "state_dict and load_state_dict")
  end
  run.best_epoch, run.stopped = saved.best_epoch, over and saved.stopped or nil
  run.stopped_early = (over or w:waited_enough()) and saved.stopped_early or nil
  run.tables, run.best_tables = saved.tables, saved.best_tables
  run.best = run.best_epoch and run.history[run.best_epoch] or nil
  if w.stopping and w.stopping.restore and run.best and core.file_exists(self.keep.best) then
    self.best_state = require("nn.io").load(self.keep.best)
  end
  if o.run then
    o.run:_take_up(self.at.rows)
  end
  run.resumed = { epoch = self.at.epoch, steps = run.steps, over = over or nil }
  return over
end

---Takes up what was saved, if anything: all of it, or nothing. From here on there is something to save. True if nothing is left
---to train.
function M:take_up(saved)
  local now = settings.of(self.o.optimizer)
  self.settings = saved and saved.settings or now
  local over = saved and self:restore(saved)
  for _, line in ipairs(not over and settings.differences(self.settings, now) or {}) do
    io.stderr:write(line, "\n")
  end
  self.ready = true
  return over
end

-- ---- an epoch ----

-- Random numbers as they are now are those that a resume starts from.
function M:mark()
  if self.whole then
    local seed, counter = core.rng_state()
    self.boundary = { seed = seed, counter = counter }
  end
end

-- A function for the next batch of this epoch.
function M:batches()
  local train = self.o.train
  if evaluate.is_loader(train) then
    if not self.pass then
      core.whole(function() -- the order of the samples is drawn: all of that, or nothing
        self.pass = train:_begin()
        self:mark()
      end)
    end
    return function()
      return train:_next(self.pass)
    end
  end
  local last
  return function()
    local x, y = train(nil, last)
    last = x
    return x, y
  end
end

-- One update and all that is counted with it. False at the end of the epoch.
local function one_update(self, next_batch)
  local o, run, at = self.o, self.run, self.at
  local samples = 0
  local loss = steps.update(o, self.steps, run, at.epoch, self.average, next_batch, function(values, value, y)
    local n = evaluate.batch_size("fit", y)
    samples = samples + n
    at.count = at.count + n
    local sum, over = evaluate.loss_terms(o.loss, value, y, n)
    at.total, at.terms = at.total + sum, at.terms + over
    metrics.add(self.lists.train, at.sums, values, 3, values[2], y)
  end)
  if loss == nil then
    return false
  end
  if o.after_step then
    o.after_step(run.steps)
  end
  self:mark()
  self.show:step(samples, at.total / at.terms)
  return true, loss
end

function M:log(row)
  local o = self.o
  local directory = o.out or o.run and o.run.directory
  if o.log and directory then
    self.events = self.events or require("nn.lab.tensorboard").new(directory)
    self.events:add(self.run.steps, row)
  end
  if self.o.run then
    self.o.run:log(row)
  end
end

-- A look at the validation set within an epoch.
function M:validate_within()
  local o, run, at = self.o, self.run, self.at
  if o.valid_every and o.valid and run.steps > at.validated and run.steps % o.valid_every == 0 then
    local row = evaluate.run("fit", "valid", self.model, o.valid, o.loss, self.lists.valid, self.steps.valid, "valid_")
    row.epoch, row.step = at.epoch, run.steps
    core.whole(function()
      at.validated = run.steps
      run.within = run.within or {}
      table.insert(run.within, row)
      self:log(row)
    end)
    self.show:say(("step %d  valid_loss %.4f"):format(run.steps, row.valid_loss))
    return self.calls:call("validation", row, run)
  end
  return true
end

-- Why the run is to end after this step, or nil.
function M:limit()
  local o = self.o
  if o.max_steps and self.run.steps >= o.max_steps then
    return "max_steps"
  elseif o.max_seconds and self.at.seconds + core.time() - self.began >= o.max_seconds then
    return "max_seconds"
  end
end

-- Updates until the epoch or a limit ends it. Gives the reason where it is not the epoch's end.
function M:train_epoch()
  local next_batch = self:batches()
  local wants_steps = self.calls:wants "step"
  while true do
    if not self:validate_within() then
      return "a callback"
    end
    local more, loss
    if self.whole then -- so that what Ctrl-C leaves can be gone on with
      more, loss = core.whole(one_update, self, next_batch)
    else
      more, loss = one_update(self, next_batch)
    end
    if not more then
      break
    end
    if wants_steps and not self.calls:call("step", self.run.steps, loss, self.run) then
      return "a callback"
    end
    self.keep:after_step(function()
      return self:state()
    end, self.run, self.calls)
    local limit = self:limit()
    if limit then
      return limit
    end
  end
  if self.at.count == 0 then
    core.raise(("fit: train gave no batches in epoch %d: the data set is empty, smaller than a batch with drop_last = true, or "
      .. "a function that does not start over"):format(self.at.epoch))
  end
end

-- What an epoch comes to: its row, the best one, schedules, early stopping. Whole, since a resume begins after it.
local function finish_epoch(self, row)
  local o, run, at = self.o, self.run, self.at
  run.history[at.epoch] = row
  self:log(row)
  if self.watch:improved(row) then
    run.best, run.best_epoch, run.best_tables = row, row.epoch, run.tables
    if self.watch.stopping and self.watch.stopping.restore then
      self.best_state = keeping.copy_of_state(self.model)
    end
    self.keep:keep_best(self.model)
  end
  self.keep:write_history(run.history, false)
  self.show:end_epoch(row)
  local schedule = o.scheduler
  if schedule and schedule.wants_metric then
    schedule:step(self.watch:figure_for(schedule, row))
  elseif schedule and schedule.per ~= "step" then
    schedule:step()
  end
  local over = self.watch:is_over(row)
  if over then
    run.stopped_early = at.epoch
  end
  at.epoch = at.epoch + 1
  fresh_sums(at)
  self.pass, self.boundary = nil, nil
  return over
end

-- Why figures are nan: once for each.
function M:tell_why(why)
  local names = {}
  for name in pairs(why) do
    names[#names + 1] = not self.told[name] and name or nil
    self.told[name] = true
  end
  table.sort(names)
  for _, name in ipairs(names) do
    self.show:say(("fit: %s is nan: %s"):format(name, why[name]))
  end
end

-- The layers on the first samples of the training set, always the same ones.
function M:observe_layers(row)
  local o = self.o
  if not (o.observe and self.keep.prefix and o.run and evaluate.is_loader(o.train)) then
    return
  end
  local data = o.train.dataset
  local n = math.min(o.train.batch_size, #data)
  self.layers = self.layers or require("nn.train.layers").new(o.model, o.loss, o.run:file "layers.jsonl")
  self.layers:look(data.x:narrow(1, 1, n), data.y:narrow(1, 1, n), row)
end

---What a report shows of the trained model.
function M:observe_samples()
  local o = self.o
  local loader = evaluate.is_loader(o.valid) and o.valid or o.train
  if o.observe and self.keep.prefix and o.run and evaluate.is_loader(loader) then
    require("nn.train.samples").write(o.run:file "samples.json", self.model, loader, o.loss)
  end
end

-- One epoch, or what is left of it. Returns why the run is to end, or nil.
function M:epoch()
  local o, run, at = self.o, self.run, self.at
  local started = core.time()
  self.show:begin_epoch(at.epoch)
  local stop = self:train_epoch()
  local row, tables, why = metrics.finish(self.lists.train, at.sums, { epoch = at.epoch, loss = at.total / at.terms }, "")
  row.lr = o.optimizer.param_groups and o.optimizer.param_groups[1].lr
  if o.valid then
    local seen = table.pack(evaluate.run("fit", "valid", self.model, o.valid, o.loss, self.lists.valid, self.steps.valid,
      "valid_"))
    for i, all in ipairs { row, tables, why } do
      for name, value in pairs(seen[i]) do
        all[name] = value
      end
    end
  end
  run.tables = tables
  self:tell_why(why)
  self:observe_layers(row)
  row.seconds = core.time() - started
  local within = self.pass and evaluate.is_loader(o.train) and self.pass.at < #o.train
  if within and (stop == "max_steps" or stop == "max_seconds") and self.keep.last then
    self.cut = self:state() -- tensors stay as they are until it is written
  end
  local over = core.whole(finish_epoch, self, row)
  local goes_on = self.calls:call("epoch", row, run)
  self.keep:after_epoch(at.epoch - 1, function()
    return self:state()
  end, run, self.calls)
  return stop or over and "early stopping" or not goes_on and "a callback" or nil
end

---Trains to the end, or to what ends it before. Raises what breaks it off.
function M:go()
  self.whole = self.keep:whole_steps()
  if not self.run.resumed then
    self.calls:call("start", self.run)
  end
  -- a checkpoint may have been written between the epoch that was the last one and the end
  local reason = self.run.resumed and self.watch:waited_enough() and "early stopping" or nil
  while self.at.epoch <= self.o.epochs and not reason and not self:limit() do
    reason = self:epoch()
    if not reason and self.budget and self.at.epoch > self.budget and self.at.epoch <= self.o.epochs then
      core.whole(self.keep.save, self.keep, function()
        return self:state()
      end, self.run)
      error(require("nn.lab.run").PAUSE, 0)
    end
  end
  reason = reason or self:limit()
  self:mark() -- what follows, such as samples for a report, is no part of what can be gone on with
  self.run.stopped = reason
  self.done = true
end

return M
