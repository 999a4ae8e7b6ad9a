-- A run: what an experiment is given, and, where it is recorded, a directory that holds all of it. No database; another
-- program can read every file:
--
--   run.json       name, parameters, when, where, with what versions; script.lua, modules/, changes.diff: the texts
--   history.jsonl  a line for each row that was logged
--   result.json    written last: state (finished, failed, interrupted), seconds (of all
--                  sessions of a run that was resumed), result, error
--   fit*.safetensors  checkpoints; figures/; log.txt: what was printed; lock: held while the run lives, holder: by whom

local core = require "nn.core"
local index = require "nn.lab.index"
local options = require "nn.internal.options"
local plain = require "nn.lab.plain"
local provenance = require "nn.lab.provenance"
local rows = require "nn.lab.rows"

local Run = options.strict_class("nn.Run", {
  name = true, params = true, directory = true, parent = true, history = true, resuming = true, result = true,
  _file = true, _lock = true, _outer = true, _untee = true, _unwatch = true, _budget = true, _trial = true, _trace = true,
  _interrupted = true, _over = true,
}, "its rows are run.history[i]")

local M = {}

---The run that is under way, or nil.
M.current = nil

-- ---- directories ----

local count = 0

-- 2026-11-24T10-15-02-7f3a: nobody else has it, also where many begin at once.
local function new_directory(parent)
  core.make_directory(parent)
  for _ = 1, 1000 do
    count = count + 1
    local mixed = (core.process_id() * 2654435761 + count * 40503 + math.floor(core.time() * 1e6) * 69069) & 0xffffffff
    local path = ("%s/%s-%04x"):format(parent, os.date "%Y-%m-%dT%H-%M-%S", (mixed ~ mixed >> 16) & 0xffff)
    if core.new_directory(path) then
      return path
    end
  end
  core.raise(("run: no new directory can be made in %s"):format(parent))
end

-- Who only looks whether a lock is held (nnlua runs, nnlua board) has it for an instant.
local function lock(directory, before)
  local held = core.lock_file(directory .. "/lock")
  for _ = 1, held and 0 or 5 do
    core.sleep(0.01)
    held = held or core.lock_file(directory .. "/lock")
  end
  if held then -- who holds it, since when, and how many seconds the run took before
    local seconds = before and before(directory) or 0
    core.write_file(directory .. "/holder", ("%d %.3f %.3f\n"):format(core.process_id(), core.wall_clock(), seconds))
    return held, seconds
  end
  core.raise(("run: %s is under way in another process; wait for it, or end it"):format(directory))
end

-- Seconds that the sessions of a run took before this one. One that was killed left no result: it lived at least until its
-- files changed for the last time.
local function seconds_before(directory)
  local folder = core.open_folder(directory)
  if not folder then
    return 0
  end
  local done = rows.json(folder, "result.json")
  local seconds = done and tonumber(done.seconds)
  if not seconds or seconds - seconds ~= 0 then
    local _, since, before = index.holder(folder:read("holder", 0, 100))
    local last = since or 0
    for _, name in ipairs { "history.jsonl", "log.txt", "fit.safetensors", "layers.jsonl" } do
      local kind, _, time = folder:status(name)
      last = math.max(last, kind == "file" and time / 1e9 or 0)
    end
    seconds = before + last - (since or last)
  end
  folder:close()
  return seconds
end

-- ---- rows ----

local function write(file, path, text)
  local ok, why = file:write(text)
  if ok then
    ok, why = file:flush()
  end
  if not ok then
    core.raise(("run: %s cannot be written: %s"):format(path, tostring(why)))
  end
end

-- The file holds the first `keep` rows and no more.
local function open_history(self, keep)
  local path = self.directory .. "/history.jsonl"
  local _, _, ends, whole = rows.read(self.directory, "history.jsonl")
  local behind = keep == 0 and 0 or ends[keep] or 0
  local file = io.open(path, "rb")
  if file and (file:seek "end" > behind or not whole) then
    file:seek("set", 0)
    local text = file:read(behind) or ""
    core.write_file(path, text .. (text ~= "" and text:sub(-1) ~= "\n" and "\n" or ""))
  end
  if file then
    file:close()
  end
  self._file = assert(io.open(path, "ab"))
end

-- What Ctrl-C has ended does not go on, also where a pcall around an inner experiment caught the error.
function Run:_go_on()
  if self._over then
    core.raise(("run:log: the run of '%s' is over"):format(self.name))
  end
  if self._interrupted then
    error(self._interrupted, 0)
  end
end

---Adds a row to the run's history: any names, numbers, strings or booleans. A recorded run has it in history.jsonl.
---@param row table
---example:
---  > e = nn.experiment{name = "log", run = function(p, run) for i = 1, 2 do run:log{step = i, loss = 1 / i} end end}
---  > result, run = e()
---  > run.history
---  2 rows
---  ...
---see: nn.experiment, nn.train.fit, nn.lab.run
function Run:log(row)
  if type(row) ~= "table" or core.is_tensor(row) then
    core.raise(("run:log: takes a table such as {loss = 0.3}, but got %s"):format(core.describe(row)))
  end
  self:_go_on()
  local copy = plain.value("run:log", row)
  local line = plain.encode(copy)
  self.history[#self.history + 1] = copy
  if not self.directory then
    return
  end
  if #self.history <= #self._before then -- what is logged again after a resume stands there already
    if line == plain.encode(self._before[#self.history]) then
      return
    end
    self._before = {}
    if self._file then
      self._file:close()
    end
    open_history(self, #self.history - 1)
  elseif not self._file then
    open_history(self, #self.history - 1)
  end
  write(self._file, self.directory .. "/history.jsonl", line .. "\n")
end

---For what takes up its work in the middle (a fit from a checkpoint): rows up to number n were logged by then.
function Run:_take_up(n)
  if n > math.max(#self._before, #self.history) then
    io.stderr:write(("run: history.jsonl has %d rows, but there were %d when the checkpoint was written: the others are lost\n")
      :format(#self._before, n))
  end
  for i = #self.history + 1, math.min(n, #self._before) do
    self.history[i] = self._before[i]
  end
end

-- ---- files ----

---Gives the path of a file of the run by its name, or nil where the run is not recorded. Folders are made.
---@param name string e.g. "samples.npy"
---@return string|nil
---example:
---  > e = nn.experiment{name = "file", run = function(p, run) return {path = run:file "samples.npy" or "none"} end}
---  > (e())
---  {path = "none"}
---see: nn.Run:figure, nn.save, nn.train.checkpoint
function Run:file(name)
  options.argument("run:file", "name", name, "string")
  if name == "" or name:find "^/" or name:find("..", 1, true) then
    core.raise(("run:file: the name must be one below the run's directory, but is '%s'"):format(name))
  end
  if not self.directory then
    return nil
  end
  local folder = name:match "^(.*)/"
  if folder then
    core.make_directory(self.directory .. "/" .. folder)
  end
  return self.directory .. "/" .. name
end

---Makes a picture: calls draw with the name of a file (figures/NAME.png), or with nil where the run is not recorded, so that
---nn.plot draws in the terminal.
---@param name string
---@param draw fun(file: string|nil)
---example:
---  > draw = function(file) nn.plot.bar({2}, {"a"}, {file = file}) end
---  > e = nn.experiment{name = "figure", run = function(p, run) run:figure("bars", draw) end}
---  > (e())
---  a │...
---  ...
---see: nn.plot.line, nn.Run:file, nn.experiment
function Run:figure(name, draw)
  options.argument("run:figure", "name", name, "string")
  options.callable("run:figure", draw)
  if not name:find "^[%w_%-]+$" then
    core.raise(("run:figure: a name of letters, digits, _ and -, but it is '%s'"):format(name))
  end
  return draw(not core.is_sandboxed() and self:file("figures/" .. name .. ".png") or nil) -- no program draws in the sandbox
end

-- The place of the next fit in this run: its first, second, ... Its checkpoints are found by that when it is resumed.
function Run:_next(what)
  self._numbers[what] = (self._numbers[what] or 0) + 1
  return self._numbers[what] == 1 and what or ("%s+%d"):format(what, self._numbers[what]) -- no experiment has + in its name
end

-- ---- what is printed ----

-- Also into log.txt: print, io.write and io.stdout:write. Returns what puts them back.
local function tee(path)
  local file = io.open(path, "ab")
  if not file then
    return function() end
  end
  file:setvbuf "line"
  local old_print, old_write, handles = print, io.write, getmetatable(io.stdout).__index
  local old_method = handles.write
  local function keep(...)
    local n = select("#", ...)
    for i = 1, n do
      old_method(file, tostring((select(i, ...))), i == n and "" or "\t")
    end
  end
  local function new_print(...)
    old_print(...)
    keep(...)
    old_method(file, "\n")
  end
  local function new_write(...)
    if io.output() == io.stdout then
      for i = 1, select("#", ...) do
        keep((select(i, ...)))
      end
    end
    return old_write(...)
  end
  local function new_method(handle, ...)
    if handle == io.stdout then
      for i = 1, select("#", ...) do
        keep((select(i, ...)))
      end
    end
    return old_method(handle, ...)
  end
  _G.print, io.write, handles.write = new_print, new_write, new_method -- luacheck: ignore
  return function()
    if _G.print == new_print then
      _G.print = old_print -- luacheck: ignore
    end
    if io.write == new_write then
      io.write = old_write -- luacheck: ignore
    end
    if handles.write == new_method then
      handles.write = old_method
    end
    file:close()
  end
end

-- ---- beginning and end ----

---@param experiment table
---@param params table its values
---@param o {out: string|nil, resume: string|nil, command: table|nil} out: the directory of the runs; neither: not recorded
function M.new(experiment, params, o)
  local self = setmetatable({
    name = experiment.name, params = params, history = {}, parent = M.current, resuming = o.resume ~= nil,
    _before = {}, _numbers = {}, _started = core.time(), _seconds = 0, _budget = o.budget, _trial = o.directory ~= nil,
  }, Run)
  if o.resume then
    self.directory = o.resume
    self._lock, self._seconds = lock(o.resume, seconds_before)
    local unreadable
    self._before, unreadable = rows.read(o.resume, "history.jsonl")
    local remark = rows.remark(o.resume .. "/history.jsonl", unreadable)
    if remark then
      io.stderr:write("run: ", remark)
    end
    os.remove(o.resume .. "/result.json")
  elseif o.directory then
    core.make_directory(o.directory)
    self.directory, self._lock = o.directory, lock(o.directory)
  elseif o.out then
    self.directory = new_directory(o.out .. "/" .. experiment.name)
    self._lock = lock(self.directory)
  end
  if self.directory and not o.resume then
    provenance.write(self, experiment, o.command)
  end
  if self.directory and not self.parent then
    self._untee = tee(self.directory .. "/log.txt")
  end
  if self.directory and not core.is_sandboxed() then
    self._unwatch = provenance.watch_modules(self)
  end
  self._outer, M.current = M.current, self
  return self
end

---A run within another that was finished before the other was resumed: what its files say.
function M.over(name, params, directory, history, result)
  return setmetatable({ name = name, params = params, directory = directory, history = history, result = result,
    parent = M.current, resuming = false, _over = true }, Run)
end

-- What fit raises where a run has used up its budget of epochs: the sweep may go on with it.
M.PAUSE = setmetatable({}, { __tostring = function()
  return "the run's budget of epochs is used up"
end })

---The end of a run: what came of it is written, last.
---@param state string "finished", "failed", "interrupted" or "paused"
function M.finish(self, state, result, err)
  M.current = self._outer
  if self._unwatch then
    self._unwatch()
  end
  if self._untee then
    self._untee()
  end
  if self._file then
    self._file:close()
  end
  self.result = result
  if self.directory then
    provenance.write_modules(self)
    core.write_file(self.directory .. "/result.json", plain.encode {
      state = state, seconds = self._seconds + core.time() - self._started, ended = os.date "%Y-%m-%dT%H:%M:%S", result = result,
      error = err and tostring(err) or nil,
    } .. "\n")
  end
  if self._lock then
    getmetatable(self._lock).__close(self._lock)
  end
end

function Run:__tostring()
  return ("Run(%s, %d rows%s)"):format(self.name, #self.history, self.directory and ", " .. self.directory or "")
end

return M
