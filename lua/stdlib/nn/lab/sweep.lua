-- nnlua sweep, nn.sweep: many runs of an experiment, each a process with a directory of its own. The sweep's directory holds
-- all that is needed to go on: sweep.json says what is varied, trials.jsonl a line for each trial that was begun.

local core = require "nn.core"
local index = require "nn.lab.index"
local options = require "nn.internal.options"
local plain = require "nn.lab.plain"
local provenance = require "nn.lab.provenance"
local rows = require "nn.lab.rows"
local search = require "nn.lab.search"
local space = require "nn.lab.space"
local summary = require "nn.lab.summary"
local tables = require "nn.lab.table"

local M = {}

local Sweep = { __name = "nn.Sweep" }
Sweep.__index = Sweep

-- ---- what is asked ----

local function dimensions_of(experiment, set)
  local names, list = {}, {}
  for name in pairs(set) do
    names[#names + 1] = name
  end
  table.sort(names)
  for i, name in ipairs(names) do
    list[i] = space.dimension(experiment, name, set[name])
  end
  return list, names
end

local function new_directory(out, name)
  core.make_directory(out .. "/" .. name)
  local n = 1
  while not core.new_directory(("%s/%s/sweep-%d"):format(out, name, n)) do
    n = n + 1
  end
  return ("%s/%s/sweep-%d"):format(out, name, n)
end

---@class nn.SweepOptions
---@field experiment nn.Experiment what is run; it must stand in a file of its own
---@field set? table name of a parameter -> a list of values, or a range: "log(1e-4,1e-1)", "uniform(16,256)", of a grid with
---the number of points: "log(1e-4,1e-1,4)"; default {}
---@field seeds? integer each set of parameters with so many seeds; default 1
---@field jobs? integer how many trials run at a time; default 1
---@field search? string "grid" (default), "random", "tpe" (learns where good ones are) or "halving" (stops bad ones early)
---@field max_trials? integer how many sets of parameters, of random, tpe and halving
---@field maximize? string the result that should be large, e.g. "accuracy"
---@field minimize? string the result that should be small; default "loss"
---@field seconds? number limit of each trial; default none
---@field memory? string limit of each trial, e.g. "2G"; default none
---@field threads? integer of each trial; default 1
---@field seed? integer of the first trial of a set, and of the search; default 1
---@field out? string where runs are kept; default "runs"
---@field progress? boolean whether a line is shown for each trial; default true
---@field epochs? integer of halving: the most epochs; default the experiment's parameter epochs

local spec = {
  experiment = { "any" }, set = { "table", {} }, seeds = { "integer", 1, least = 1 }, jobs = { "integer", 1, least = 1 },
  search = { "string", "grid" }, max_trials = { "integer", least = 1 }, maximize = { "string" }, minimize = { "string" },
  out = { "string", "runs" }, seconds = { "number", above = 0 }, memory = { "string" }, threads = { "integer", 1, least = 1 },
  seed = { "integer", 1 }, progress = { "boolean", true }, epochs = { "integer", least = 1 },
}

local function check(o)
  local experiment = o.experiment
  if not require("nn.lab.experiment").is_experiment(experiment) then
    core.raise(("sweep: experiment must be what nn.experiment gives, but is %s"):format(core.describe(experiment)))
  elseif not experiment.file or not experiment.text then
    core.raise "sweep: the experiment must stand in a file of its own: its trials are processes that run it"
  elseif o.maximize and o.minimize then
    core.raise "sweep: maximize and minimize are two directions; give one"
  elseif o.set.seed ~= nil then
    core.raise "sweep: the seed is not varied by --set; give --seeds K"
  elseif o.search == "halving" and not o.epochs then
    local p = experiment.params.epochs
    o.epochs = p and math.tointeger(p.default)
      or core.raise "sweep: halving stops trials after some epochs: give --epochs N, the most"
  end
  if next(o.set) == nil and o.search ~= "grid" then
    core.raise "sweep: nothing is varied; give set (--set NAME=VALUES)"
  end
  if o.search == "halving" and o.seeds > 1 then
    core.raise "sweep: halving takes one seed; sweep the best again with --seeds"
  end
end

-- ---- the state on disk ----

function Sweep:trial_directory(number)
  return ("%s/trials/%04d"):format(self.directory, number)
end

-- A trial is written down before it begins, so that its number always means the same.
function Sweep:note(trial)
  if not self.file then
    local path = self.directory .. "/trials.jsonl"
    local _, _, ends, whole = rows.read(self.directory, "trials.jsonl")
    local size = core.file_exists(path) and select(2, assert(core.open_folder(self.directory)):status "trials.jsonl") or 0
    self.file = assert(io.open(path, "ab"))
    if not whole or size > (ends[#ends] or 0) then -- half a line of a sweep that was killed is no beginning of another
      self.file:write "\n"
    end
  end
  assert(self.file:write(plain.encode { number = trial.number, parameters = trial.parameters, proposal = trial.proposal }, "\n"))
  assert(self.file:flush())
end

-- What is known of a trial on disk. Where its process is gone and left no result, it is "broken off" (or not begun).
function Sweep:look(trial)
  local directory = self:trial_directory(trial.number)
  local run = core.file_exists(directory .. "/run.json") and index.run(directory)
  trial.state = run and (run.state == "unreadable" and "failed" or run.state) or "new"
  trial.error = run and run.error
  trial.seconds = run and run.seconds
  if run and (run.state == "finished" or run.state == "paused") then
    self:read_value(trial, run)
  end
  return trial
end

function Sweep:read_value(trial, run)
  local value = run.result[self.objective]
  if run.state == "paused" then -- the last row of its history
    value = run.result["valid_" .. self.objective] or value
    trial.error = ("after epoch %d"):format(run.result.epoch or 0)
  end
  if type(value) ~= "number" then
    trial.state, trial.error = "failed", ("its result has no number '%s'"):format(self.objective)
    return
  end
  trial.nan = value ~= value
  trial.value = trial.nan and math.huge or self.maximize and -value or value
  if run.state == "paused" or self.search.rungs then
    local rung = #self.search.rungs
    for i, epochs in ipairs(self.search.rungs) do
      rung = run.state == "paused" and run.result.epoch == epochs and i or rung
    end
    trial.rung = rung
    trial.values = trial.values or {}
    trial.values[rung] = trial.value
    if rung > 1 and trial.values[1] == nil then -- of a sweep that was killed: its rows tell
      for _, row in ipairs(index.history(run.directory)) do
        local v = row["valid_" .. self.objective] or row[self.objective]
        for i = 1, rung - 1 do
          if row.epoch == self.search.rungs[i] and row.step == nil and type(v) == "number" and trial.values[i] == nil then
            trial.values[i] = v ~= v and math.huge or self.maximize and -v or v
          end
        end
      end
    end
  end
end

-- ---- trials as processes ----

-- All parameters of a trial: those of the sweep, and the defaults of the experiment that was swept.
function Sweep:values_of(trial)
  local values = {}
  for name, value in pairs(self.defaults) do
    values[name] = value
  end
  for name, value in pairs(trial.parameters) do
    values[name] = value
  end
  return values
end

-- A sweep is of one text: trials of two would stand in one table.
function Sweep:check_text()
  if provenance.read_text(self.script) ~= self.text then
    core.raise(("sweep: %s was changed (or is gone) since the sweep began; put the text of %s/script.lua back, or begin "
      .. "another sweep"):format(self.script, self.directory))
  end
end

function Sweep:start(trial, budget)
  self:check_text()
  local directory = self:trial_directory(trial.number)
  local argv = { core.program(), "--threads", tostring(self.threads) }
  if self.memory then
    table.move({ "--max-memory", self.memory }, 1, 2, #argv + 1, argv)
  end
  if core.file_exists(directory .. "/run.json") then
    table.move({ "resume", directory }, 1, 2, #argv + 1, argv)
  else
    if core.is_directory(directory) then -- it was killed before it could say what it is
      for _, name in ipairs(core.list_directory(directory) or {}) do
        os.remove(directory .. "/" .. name)
      end
    end
    core.make_directory(self.directory .. "/trials")
    table.move({ self.script, "--directory", directory }, 1, 3, #argv + 1, argv)
    argv[#argv + 1] = "--parameters=" .. plain.encode(self:values_of(trial))
  end
  if budget then
    argv[#argv + 1] = "--budget=" .. budget
  end
  local process, why = core.start(argv, self.directory .. "/output.txt")
  if not process then
    core.raise("sweep: a trial cannot be started: " .. why)
  end
  trial.state, trial.process, trial.began = "running", process, core.time()
end

-- A trial that left no result gets one that says how it ended.
function Sweep:close(trial, reason)
  local directory = self:trial_directory(trial.number)
  core.make_directory(directory)
  if not core.file_exists(directory .. "/run.json") then
    core.write_file(directory .. "/run.json", plain.encode { format = 1, name = self.name, parameters = trial.parameters,
      started = os.date "%Y-%m-%dT%H:%M:%S", time = core.wall_clock() } .. "\n")
  end
  core.write_file(directory .. "/result.json", plain.encode { state = "failed", error = reason } .. "\n")
end

function Sweep:ended(trial, kind, number)
  trial.process = nil
  local directory = self:trial_directory(trial.number)
  if not core.file_exists(directory .. "/result.json") then
    local why = trial.late and ("it took longer than %g seconds"):format(self.seconds)
      or kind == "signal" and number == 9 and "it was killed (signal 9; out of memory?)"
      or kind == "signal" and ("it crashed (signal %d)"):format(number)
      or ("it ended with status %d and no result"):format(number)
    self:close(trial, why)
  end
  self:look(trial)
  if trial.state == "interrupted" then -- nobody but the trial itself ends it so: again it would do the same
    trial.state, trial.error = "failed", "it was ended by a signal (SIGTERM or SIGINT)"
    self:close(trial, trial.error)
  end
  if trial.late and trial.state ~= "finished" then
    trial.state, trial.error = "failed", ("it took longer than %g seconds"):format(self.seconds)
    self:close(trial, trial.error)
  end
end

-- A trial of a sweep that was killed, beyond its time: ended by its number, if that is still its own, which its command says.
function Sweep:end_late(trial)
  local directory = self:trial_directory(trial.number)
  local holder = self.seconds and provenance.read_text(directory .. "/holder") or ""
  local pid, since = index.holder(holder)
  local command = pid and provenance.read_text(("/proc/%s/cmdline"):format(pid)) or ""
  local own = command:find(("%s/trials/%04d"):format(self.directory:match "[^/]*$", trial.number), 1, true)
  if trial.state == "running" and own and core.wall_clock() - since > self.seconds then
    local p = core.start { "kill", "-KILL", pid }
    while p and not p:poll() do
      core.sleep(0.002)
    end
    core.sleep(0.02)
    if not core.lock_file(directory .. "/lock", true) then
      self:close(trial, ("it took longer than %g seconds"):format(self.seconds))
      self:look(trial)
    end
  end
end

-- ---- the loop ----

-- What a search may learn from; a trial that failed is the worst there is.
function Sweep:ended_trials()
  local list = {}
  for _, t in ipairs(self.trials) do
    if t.value and (t.state == "finished" or t.state == "paused") then
      list[#list + 1] = t
    elseif t.state == "failed" then
      list[#list + 1] = { number = t.number, parameters = t.parameters, value = math.huge }
    end
  end
  return list
end

local function waits_for_its_turn(t)
  return t.state == "new" or t.state == "broken off" or t.state == "interrupted"
end

-- The next trial to run, and its budget; nil where there is none now.
function Sweep:next()
  for _, t in ipairs(self.trials) do
    if waits_for_its_turn(t) then
      local rungs = self.search.rungs
      return t, rungs and rungs[math.min((t.rung or 0) + 1, #rungs)] or nil
    end
  end
  if self.search.rungs then
    local t, rung = search.promotion(self.trials, self.search.rungs)
    if t then
      return t, self.search.rungs[rung]
    end
  end
  if self.proposed < self.search.total then
    -- proposals of a search that learns depend on what ended before: fixed, once they are written down
    self.proposed = self.proposed + 1
    local values = self.search.propose(self.proposed, self:ended_trials())
    local first
    for seed = 1, self.seeds do
      local parameters = { seed = self.seed + seed - 1, epochs = self.search.rungs and self.takes_epochs and self.epochs or nil }
      for name, value in pairs(values) do
        parameters[name] = value
      end
      local trial = { number = #self.trials + 1, parameters = parameters, proposal = self.proposed, state = "new" }
      self:note(trial)
      self.trials[#self.trials + 1] = trial
      first = first or trial
    end
    return first, self.search.rungs and self.search.rungs[1]
  end
end

function Sweep:show(running)
  if not self.progress or not core.terminal_width() or core.time() - (self.shown or 0) < 0.2 then
    return
  end
  self.shown = core.time()
  local done, failed, best = 0, 0, nil
  for _, t in ipairs(self.trials) do
    done = done + (t.state == "finished" and 1 or 0)
    failed = failed + (t.state == "failed" and 1 or 0)
    if t.value and t.value < math.huge and (not best or t.value < best) then
      best = t.value
    end
  end
  local all = self.search.total * self.seeds
  local left = done > 2 and (core.time() - self.began) / (done - self.done_before) * (all - done - failed) or nil
  local text = ("%d of %d trials, %d running%s%s%s"):format(done, all, running,
    failed > 0 and (", %d failed"):format(failed) or "",
    best and (", best %s %s"):format(self.objective, tables.text(self.maximize and -best or best)) or "",
    left and left < math.huge and left == left and (", %.0f s left"):format(left) or "")
  io.stderr:write("\r", text:sub(1, core.terminal_width() - 1), "\27[K")
  io.stderr:flush()
end

local function stop_all(running)
  for _, t in ipairs(running) do
    t.process:kill "term"
  end
  local until_ = core.time() + 10
  for _, t in ipairs(running) do
    while not t.process:poll() and core.time() < until_ do
      core.sleep(0.01)
    end
  end
end

-- Runs trials until all are done.
function Sweep:go()
  local running = {}
  self.began = core.time()
  self.done_before = 0
  for _, t in ipairs(self.trials) do
    self:look(t)
    self.done_before = self.done_before + (t.state == "finished" and 1 or 0)
  end
  local ok, why = xpcall(function()
    while true do
      local waits = false
      while #running < self.jobs do
        local trial, budget = self:next()
        if not trial then
          break
        end
        self:start(trial, budget)
        running[#running + 1] = trial
      end
      for i = #running, 1, -1 do
        local t = running[i]
        local kind, number = t.process:poll()
        if kind then
          table.remove(running, i)
          self:ended(t, kind, number)
        elseif self.seconds and core.time() - t.began > self.seconds then
          t.late = true
          t.process:kill "kill"
        end
      end
      for _, t in ipairs(self.trials) do -- of a sweep that was killed: its trials go on, and are waited for
        if t.state == "running" and not t.process then
          self:look(t)
          waits = waits or t.state == "running"
          self:end_late(t)
        end
      end
      self:show(#running)
      if #running == 0 and not waits and not self:next_is_there() then
        break
      end
      core.sleep(0.001)
    end
  end, function(e)
    return e
  end)
  if self.shown then
    io.stderr:write "\r\27[K"
  end
  if not ok then
    core.whole(stop_all, running)
    error(why, 0)
  end
end

function Sweep:next_is_there()
  for _, t in ipairs(self.trials) do
    if waits_for_its_turn(t) then
      return true
    end
  end
  return self.proposed < self.search.total or self.search.rungs and search.promotion(self.trials, self.search.rungs) ~= nil
end

-- ---- the doors ----

local function open_sweep(directory)
  local about, why = plain.read(directory .. "/sweep.json")
  if not about then
    core.raise(("%s is no sweep: %s"):format(directory, why))
  end
  local self = setmetatable(about, Sweep)
  self.directory = directory
  self.lock = core.lock_file(directory .. "/lock")
    or core.raise(("sweep: %s is under way in another process"):format(directory))
  self.text = provenance.read_text(directory .. "/script.lua")
  self:check_text()
  local f, bad = load(self.text, "@" .. self.script, "t")
  M.loading = true
  local fine, experiment = pcall(f or error, f and self.script or bad)
  M.loading = false
  if not fine or not require("nn.lab.experiment").is_experiment(experiment) then
    core.raise(("sweep: %s gives no experiment, but %s"):format(self.script, fine and core.describe(experiment)
      or tostring(experiment)))
  end
  for name, p in pairs(experiment.params) do
    if self.defaults[name] == nil then
      self.defaults[name] = p.default
    end
  end
  self.takes_epochs = experiment.params.epochs ~= nil
  local dimensions
  dimensions, self.names = dimensions_of(experiment, self.set)
  self.search = search.new(self.kind, dimensions, { seed = self.seed, max_trials = self.max_trials, epochs = self.epochs })
  self.trials, self.proposed = {}, 0
  for i, t in ipairs((rows.read(directory, "trials.jsonl"))) do
    if t.number ~= i then
      break
    end
    self.trials[i] = t
    self.proposed = math.max(self.proposed, t.proposal)
  end
  -- a proposal is a trial for each seed: what was killed in between is completed
  local last = self.trials[#self.trials]
  if last and #self.trials < self.proposed * self.seeds then
    for seed = #self.trials - (self.proposed - 1) * self.seeds + 1, self.seeds do
      local parameters = {}
      for name, value in pairs(last.parameters) do
        parameters[name] = value
      end
      parameters.seed = self.seed + seed - 1
      local trial = { number = #self.trials + 1, parameters = parameters, proposal = self.proposed, state = "new" }
      self:note(trial)
      self.trials[#self.trials + 1] = trial
    end
  end
  return self
end

local function finish(self)
  if self.file then
    self.file:close()
    self.file = nil
  end
  getmetatable(self.lock).__close(self.lock)
end

-- While the file of an experiment is loaded for a trial, a sweep in it would begin another one, and so on.
local function is_loading()
  local trial = M.loading
  for _, text in ipairs(arg or {}) do
    trial = trial or text == "--directory"
  end
  return trial and not require("nn.lab.run").current
end

---Runs a sweep to its end: many trials of an experiment, each a process with a run of its own. Gives the directory, the trials
---and the best of them.
---
---    local s = nn.sweep{experiment = require "experiments.depth", set = {depth = {10, 30}, lr = "log(1e-4,1e-1)"}, seeds = 5,
---      jobs = 2, search = "random", max_trials = 20, maximize = "accuracy"}
---    print(s.best.parameters.depth, s.best.value)
---@param opts nn.SweepOptions
---@return table {directory, trials = {{parameters, value, state, error}...}, best}
---example:
---  > f = io.open("/tmp/nn-help-square.lua", "w")
---  > text = [[{name = "square", params = {x = 0.0}, run = function(p) return {loss = (p.x - 1) ^ 2} end}]]
---  > f:write("return require('nn').experiment" .. text) f:close()
---  > square = dofile "/tmp/nn-help-square.lua"
---  > s = nn.sweep{experiment = square, set = {x = {0.0, 1.5}}, out = "/tmp/nn-help-runs", progress = false}
---  > #s.trials, s.best.parameters.x, s.best.value
---  2	1.5	0.25
---see: nn.experiment, nn.lab.runs
function M.sweep(opts)
  if is_loading() then
    core.raise "sweep: the file of an experiment must not sweep when it is loaded: its trials load it, too; sweep in another file"
  end
  local o = options.read("sweep", opts, spec)
  check(o)
  dimensions_of(o.experiment, o.set)
  local directory, defaults = new_directory(o.out, o.experiment.name), {}
  for name, p in pairs(o.experiment.params) do
    defaults[name] = p.default
  end
  core.write_file(directory .. "/script.lua", o.experiment.text)
  core.write_file(directory .. "/sweep.json", plain.encode {
    format = 1, name = o.experiment.name, script = core.real_path(o.experiment.file) or o.experiment.file,
    defaults = defaults, set = o.set, seeds = o.seeds, jobs = o.jobs, kind = o.search,
    max_trials = o.max_trials, objective = o.maximize or o.minimize or "loss", maximize = o.maximize ~= nil, seconds = o.seconds,
    memory = o.memory, threads = o.threads, seed = o.seed, progress = o.progress, epochs = o.epochs,
    started = os.date "%Y-%m-%dT%H:%M:%S",
  } .. "\n")
  return M.go_on(directory)
end

---Goes on with a sweep that was broken off.
---@param directory string
---@return table as sweep
function M.go_on(directory)
  local self = open_sweep(directory)
  M.last = directory
  local ok, why = xpcall(self.go, function(e)
    return e
  end, self)
  finish(self)
  if not ok then
    error(why, 0)
  end
  local best
  for _, t in ipairs(self.trials) do
    if t.state == "finished" and t.value and t.value < math.huge and (not best or t.value < best.value) then
      best = t
    end
  end
  local out = { directory = directory, trials = {}, names = self.names, sweep = self }
  for i, t in ipairs(self.trials) do
    out.trials[i] = { number = t.number, parameters = t.parameters, state = t.state, error = t.error, seconds = t.seconds,
      value = t.nan and 0 / 0 or t.value and (self.maximize and -t.value or t.value), directory = self:trial_directory(t.number) }
    out.best = t == best and out.trials[i] or out.best
  end
  return out
end

local usage = [[
usage: nnlua sweep EXPERIMENT.lua --set NAME=VALUES... [options]
       nnlua sweep --resume DIR
  --set NAME=A,B,C           values of a parameter; or a range: NAME=log(1e-4,1e-1), NAME=uniform(16,256); for a grid with
                             the number of points: NAME=log(1e-4,1e-1,4)
  --seeds K                  each with the seeds 1 to K (default 1)
  --jobs N                   so many at a time (default 1)
  --search KIND              grid (default), random, tpe (learns where good ones are), halving (stops bad ones early)
  --max-trials N             of random, tpe and halving: how many sets of parameters
  --maximize NAME, --minimize NAME   a result of the experiment (default: --minimize loss)
  --seconds S, --memory SIZE limits of each trial; one that goes beyond is a row that says so
  --threads N                threads of each trial (default 1)
  --epochs N                 of halving: the most epochs (default: the parameter `epochs`)
  --out DIR                  where runs are kept (default: runs)]]
M.usage = usage

local function integer(name, text)
  return math.tointeger(tonumber(text)) or core.raise(("nnlua sweep: --%s needs an integer, but got '%s'"):format(name, text))
end

local function from_command_line(args)
  local o, names = tables.options("sweep", args, {
    set = "many", seeds = true, jobs = true, search = true, ["max-trials"] = true, maximize = true, minimize = true,
    seconds = true, memory = true, threads = true, seed = true, out = true, resume = true, epochs = true,
  }, usage)
  if o.resume then
    return o.resume:gsub("/+$", "")
  elseif #names ~= 1 then
    core.raise(usage)
  end
  local f, why = loadfile(names[1], "t")
  if not f then
    core.raise("nnlua sweep: " .. why)
  end
  local seconds = o.seconds and (tonumber(o.seconds) or core.raise "nnlua sweep: --seconds needs a number")
  local given = { experiment = f(names[1]), set = {}, search = o.search, maximize = o.maximize, minimize = o.minimize,
    memory = o.memory, out = o.out, seconds = seconds }
  for _, text in ipairs(o.sets or {}) do
    local name, values = text:match "^([%w_%-]+)=(.+)$"
    if not name then
      core.raise(("nnlua sweep: --set takes NAME=VALUES, but got '%s'"):format(text))
    end
    name = name:gsub("%-", "_")
    if given.set[name] then
      core.raise(("nnlua sweep: --set %s is given twice"):format(name))
    end
    given.set[name] = values
  end
  for name, key in pairs { seeds = "seeds", jobs = "jobs", ["max-trials"] = "max_trials", threads = "threads", seed = "seed",
    epochs = "epochs" } do
    given[key] = o[name] and integer(name, o[name]) or nil
  end
  return given
end

---nnlua sweep
function M.main(_, args)
  local given = from_command_line(args)
  local before = core.interrupts()
  local ok, result = pcall(type(given) == "string" and M.go_on or M.sweep, given)
  if not ok then
    if core.is_interrupt(result, before) then
      local directory = type(given) == "string" and given or M.last
      core.raise(("interrupted; go on with: nnlua sweep --resume %s"):format(directory or "DIR"))
    end
    error(result, 0)
  end
  local groups = summary.show(result.sweep, result.sweep.trials, result.names)
  for _, file in ipairs(summary.pictures(result.sweep, result.sweep.trials, result.names)) do
    print("picture: " .. file)
  end
  io.stderr:write(("sweep: %s (%d trials, %d sets of parameters)\n"):format(result.directory, #result.trials, #groups))
end

return M
