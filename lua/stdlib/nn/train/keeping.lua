-- What fit keeps on disk: the history, the best weights, and checkpoints from which it can go on.

local core = require "nn.core"
local options = require "nn.internal.options"

local M = {}
M.__index = M

---A model's state as it is now.
function M.copy_of_state(model)
  return core.no_grad(function()
    local copy = {}
    for name, t in pairs(model:state_dict()) do
      copy[name] = t:clone()
    end
    return copy
  end)
end

-- Results of an earlier run in the same directory are put aside, not lost.
local function put_aside(out)
  local names = {}
  for _, name in ipairs { "history.json", "best.safetensors", "last.safetensors", "interrupted.safetensors" } do
    if core.file_exists(out .. "/" .. name) then
      names[#names + 1] = name
    end
  end
  if #names == 0 then
    return nil
  end
  local n = 1
  while not core.new_directory(("%s/earlier-%d"):format(out, n)) do
    n = n + 1
  end
  local place = ("%s/earlier-%d"):format(out, n)
  for _, name in ipairs(names) do
    assert(os.rename(out .. "/" .. name, place .. "/" .. name))
  end
  return place
end

---@param o table fit's options: run (a run of an experiment), out (a directory), checkpoint, resume
function M.new(o)
  local c = options.read("checkpoint", o.checkpoint, {
    every_steps = { "integer", least = 1 }, every_epochs = { "integer", least = 1 }, every_seconds = { "number", above = 0 },
    keep = { "integer", 0, least = 0 },
  })
  local self = setmetatable({ o = o, policy = c, took = 0, saved = 0, spent = 0, started = core.time() }, M)
  if o.run and o.run.directory then
    self.name = o.run:_next "fit"
    self.prefix = ("%s/%s"):format(o.run.directory, self.name)
    self.best, self.last = self.prefix .. "-best.safetensors", self.prefix .. ".safetensors"
    self.resumes = o.run.resuming
  elseif o.out then
    core.make_directory(o.out)
    self.lock = core.lock_file(o.out .. "/.lock") or collectgarbage() and core.lock_file(o.out .. "/.lock")
      or core.raise(("fit: another run is under way in %s; give it another directory"):format(o.out))
    self.prefix = o.out .. "/checkpoint"
    self.best, self.last = o.out .. "/best.safetensors", o.out .. "/last.safetensors"
    self.history, self.broken = o.out .. "/history.json", o.out .. "/interrupted.safetensors"
    self.resumes = o.resume
    if not o.resume or not core.file_exists(self.last) then
      self.aside = put_aside(o.out)
    end
  elseif not o.run and (o.resume or o.checkpoint) then
    core.raise "fit: resume and checkpoint need a place: out = \"a directory\" (or run, within an experiment)"
  end
  return self
end

---True where a step must not be broken off in its middle, since it can be gone on with.
function M:whole_steps()
  return self.last ~= nil
end

---The state that was saved, or nil.
function M:load()
  if self.last and self.resumes and core.file_exists(self.last) then
    local ok, saved = core.try(require("nn.io").load, self.last)
    if not ok then
      core.raise(("fit: the checkpoint cannot be read: %s. Without that file the fit begins anew"):format(tostring(saved)))
    end
    return saved
  end
end

-- Writing is to take a fiftieth of the time at most, where the user does not ask for more.
function M:may_write()
  return core.time() - self.started > 50 * (self.spent + self.took)
end

local function timed(self, f, ...)
  local began = core.time()
  f(...)
  self.took = core.time() - began
  self.spent = self.spent + self.took
end

-- Best weights that were not written yet: before anything else that tells of them.
function M:flush()
  local best = self.pending
  if best then
    self.pending = nil
    timed(self, require("nn.io").save, self.best, best)
  end
end

---Writes what state() gives, now.
function M:save(state, run, calls)
  if calls then -- before it is written, so that it knows of what they log
    calls:call("checkpoint", self.last, run)
  end
  self:flush()
  timed(self, require("nn.io").save, self.last, state())
  self.saved = core.time()
end

local function copy_file(from, to)
  local f = assert(io.open(from, "rb"))
  local text = f:read "a"
  f:close()
  core.write_file(to, text)
end

-- The last `keep` of them stay beside the newest.
function M:keep_numbered(steps)
  if self.policy.keep > 0 then
    copy_file(self.last, ("%s-%d.safetensors"):format(self.prefix, steps))
    self.kept = self.kept or {}
    table.insert(self.kept, steps)
    if #self.kept > self.policy.keep then
      os.remove(("%s-%d.safetensors"):format(self.prefix, table.remove(self.kept, 1)))
    end
  end
end

---After a step: saved if the user wants that.
function M:after_step(state, run, calls)
  local p = self.policy
  if not self.last then
    return
  end
  if (p.every_steps and run.steps % p.every_steps == 0)
    or (p.every_seconds and core.time() - math.max(self.saved, self.started) > p.every_seconds) then
    self:save(state, run, calls)
    self:keep_numbered(run.steps)
  end
end

---After an epoch: as the user says, and else so that it takes no more than a fiftieth of the time.
function M:after_epoch(epoch, state, run, calls)
  local p = self.policy
  if not self.last then
    return
  end
  local wanted
  if p.every_epochs then
    wanted = epoch % p.every_epochs == 0
  else
    wanted = not p.every_steps and not p.every_seconds and self:may_write()
  end
  if wanted then
    self:save(state, run, calls)
    if p.every_epochs then
      self:keep_numbered(run.steps)
    end
  end
end

---The weights of the best epoch: now, or when there is time for it.
function M:keep_best(model)
  if self.best and self:may_write() then
    self.pending = nil
    timed(self, require("nn.io").save, self.best, model:state_dict())
  elseif self.best then
    self.pending = M.copy_of_state(model)
  end
end

---Whole each time, so that at any moment a whole one is there; but not so often that it takes long, and in the end. (Best
---weights are there before the history that tells of them.)
function M:write_history(history, last)
  if last then
    self:flush()
  end
  if self.history and #history > 0 and (last or self:may_write()) then
    self:flush()
    timed(self, core.write_file, self.history, core.json_encode(history))
  end
end

---What is left of a run that was broken off.
function M:keep_interrupted(model, state)
  self:flush()
  if self.broken then
    require("nn.io").save(self.broken, model:state_dict())
  end
  if self.last then
    require("nn.io").save(self.last, state())
  end
end

function M:__close()
  if self.lock then
    getmetatable(self.lock).__close(self.lock)
    self.lock = nil
  end
end

---States of the parts by name; a model in its best weights is not one of them.
function M.parts(o, average)
  local parts = { model = o.model, optimizer = o.optimizer, scheduler = o.scheduler, average = average }
  for name, part in pairs(parts) do
    local ok, found = core.try(function()
      return part.state_dict and part.load_state_dict
    end)
    if not ok or not found then
      core.raise(("fit: the %s has no state_dict and load_state_dict, so a checkpoint cannot hold it"):format(name))
    end
  end
  return parts
end

return M
