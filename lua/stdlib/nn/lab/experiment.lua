-- nn.experiment: an experiment is a value. The same file is a script (its parameters become options), a module (call what it
-- returns), and a trial of a sweep.

local core = require "nn.core"
local options = require "nn.internal.options"
local params = require "nn.lab.params"
local plain = require "nn.lab.plain"
local provenance = require "nn.lab.provenance"
local runs = require "nn.lab.run"

local Experiment = options.strict_class("nn.Experiment", { name = true, doc = true, params = true, file = true, text = true },
  "it is called with a table of parameters: e{seed = 2}")

local M = {}

-- The user's file, by the function that is to run: `return nn.experiment{...}` leaves no other trace.
local function source(run)
  local name = debug.getinfo(run, "S").source
  if name:sub(1, 1) == "@" then
    return name:sub(2), provenance.read_text(name:sub(2))
  end
end

---Declares an experiment: what it is called, what can be varied, and what is done.
---
---    return nn.experiment{
---      name = "depth", doc = "How deep can a tanh net be and still train?",
---      params = {depth = {30, doc = "hidden layers", min = 1}, init = {"he_normal", choices = {"he_normal", "normal"}}},
---      run = function(p, run)
---        ...
---        return {accuracy = accuracy}
---      end,
---    }
---
---`nnlua depth.lua --depth 50 --seed 3` runs it and keeps a directory in runs/depth; from Lua, `depth{depth = 50}` gives the
---result, and the run. Random numbers start from the parameter `seed`, which every experiment has.
---Fields: name (needed), run (needed: a function of the parameters and the run), doc (""), params ({}: a default, or {default,
---doc =, min =, max =, choices =, type =}), file (of the script, where `run` is not written in it; default that of `run`).
---@param spec {name: string, doc: string, params: table, run: function, file: string} file: of the script, where `run` is not
---written in it
---@return nn.Experiment
---example:
---  > depth = nn.experiment{name = "depth", params = {depth = 3}, run = function(p, run) return {twice = 2 * p.depth} end}
---  > depth
---  Experiment depth(depth = 3, seed = 1)
---  > depth{depth = 50}
---  {twice = 100}	Run(depth, 0 rows)
---see: nn.sweep, nn.Run:log, nn.lab.runs, nn.Experiment:with
function M.experiment(spec)
  local o = options.read("experiment", spec, {
    name = { "string" }, doc = { "string", "" }, params = { "table", {} }, run = { "function" }, file = { "string" },
  })
  if not o.name or not o.name:find "^[%w_][%w_.%-]*$" then
    core.raise(("experiment: needs a name of letters, digits, _ and -: it names the directory of its runs; it is %s"):format(
      core.describe(o.name)))
  elseif not o.run then
    core.raise(("experiment '%s': needs run = function(p, run) ... end"):format(o.name))
  end
  local file, text = o.file, o.file and provenance.read_text(o.file)
  if not file then
    file, text = source(o.run)
  end
  return setmetatable({
    name = o.name, doc = o.doc, params = params.declare(("experiment '%s'"):format(o.name), o.params), file = file, text = text,
    _run = o.run,
  }, Experiment)
end

---Gives the same experiment with other defaults.
---@param values table name -> value
---@return nn.Experiment
---example:
---  > depth = nn.experiment{name = "depth", params = {depth = 3}, run = function(p) return {twice = 2 * p.depth} end}
---  > depth:with{depth = 4}()
---  {twice = 8}	Run(depth, 0 rows)
---see: nn.experiment, nn.sweep
function Experiment:with(values)
  local who = ("experiment '%s'"):format(self.name)
  local copy = {}
  for key, value in pairs(self) do
    copy[key] = value
  end
  copy.params = {}
  for name, p in pairs(self.params) do
    copy.params[name] = p
  end
  for name, value in pairs(values) do
    local p = {}
    for key, setting in pairs(params.known(who, self.params, name)) do
      p[key] = setting
    end
    p.default = params.check(who, p, value)
    copy.params[name] = p
  end
  return setmetatable(copy, Experiment)
end

-- What the function gave: a table, or one value.
local function read_result(who, ...)
  local value = ...
  if value == nil then
    return {}
  elseif type(value) ~= "table" or core.is_tensor(value) then
    value = { result = value }
  end
  return plain.value(who .. ": the result", value)
end

-- An experiment within another is a run within its run: numbered, so that it is found when the outer one is resumed.
local function nested(self, parent)
  parent:_go_on()
  if not parent.directory then
    return {}
  end
  local directory = ("%s/runs/%s"):format(parent.directory, parent:_next(self.name))
  local done = core.file_exists(directory .. "/run.json") and directory
  local before = done and plain.read(directory .. "/result.json")
  return before and before.state == "finished" and { result = before.result or {}, directory = directory }
    or done and { resume = directory } or { directory = directory }
end

local function execute(self, values, o)
  local who = ("experiment '%s'"):format(self.name)
  local seed, counter = core.rng_state()
  local run = runs.new(self, values, o)
  local outer = run.parent
  local before = core.interrupts()
  local ok, result = xpcall(function()
    core.manual_seed(values.seed)
    return read_result(who, self._run(values, run))
  end, function(e)
    local trace = type(e) == "string" and debug.traceback(e, 2)
    run._trace = trace and trace:gsub("\n[^\n]*/nn/lab/experiment%.lua:.*$", "") or nil -- the rest is not the user's
    return e
  end)
  if outer then -- what an experiment draws does not depend on those that it calls
    core.set_rng_state(seed, counter)
  end
  if ok and run._interrupted then -- a pcall of the user's caught it
    ok, result = false, run._interrupted
  end
  local interrupted, ends = false, false
  if result == runs.PAUSE then
    core.whole(runs.finish, run, "paused", run.history[#run.history])
    return "paused", nil, run
  elseif not ok then
    interrupted, ends = core.is_interrupt(result, before)
    if interrupted and outer then
      outer._interrupted = result
    end
  end
  core.whole(runs.finish, run, ok and "finished" or interrupted and "interrupted" or "failed", ok and result or nil,
    not ok and result or nil)
  return ok, result, run, interrupted, ends
end

---Runs the experiment with these parameters; those that are not given have their defaults.
---@param given? table e.g. {depth = 10, seed = 1}
---@param opts? {out: string} the directory of runs in which it is recorded; without, only runs within recorded runs are
---@return table result
---@return nn.Run run
function Experiment:__call(given, opts)
  local who = ("experiment '%s'"):format(self.name)
  local o = options.read(who, opts, { out = { "string" } })
  local values = params.values(who, self.params, given)
  local place = { out = o.out }
  if runs.current then
    place = nested(self, runs.current)
    if place.result then
      return place.result, runs.over(self.name, values, place.directory, require("nn.lab.index").history(place.directory),
        place.result)
    end
  end
  local ok, result, run = execute(self, values, place)
  if not ok then
    error(result, 0)
  end
  return result, run
end

function Experiment:__tostring()
  local parts = {}
  for i, name in ipairs(params.names(self.params)) do
    parts[i] = ("%s = %s"):format(name, params.text(self.params[name].default))
  end
  return ("Experiment %s(%s)%s"):format(self.name, table.concat(parts, ", "), self.doc ~= "" and ": " .. self.doc or "")
end

-- The program calls this with the arguments of the command line for what a script returns.
function Experiment:__script(...)
  return require("nn.lab.command").main(self, { ... })
end

---For the command line: as a call, but errors are results.
M.execute = execute

---True for what nn.experiment gave.
function M.is_experiment(value)
  return getmetatable(value) == Experiment
end

return M
