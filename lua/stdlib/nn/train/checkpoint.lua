-- Checkpoints: all that a training run needs to go on with the same bits. A file is there whole or not at all (nn.save).

local class = require "nn.internal.class"
local core = require "nn.core"
local io_ = require "nn.io"
local options = require "nn.internal.options"

local M = {}

local Checkpoint = class.new("Checkpoint", nil, {
  __tostring = function(self)
    local names = {}
    for name in pairs(self.parts) do
      names[#names + 1] = name
    end
    table.sort(names)
    return ("Checkpoint('%s': %s)"):format(self.path, table.concat(names, ", "))
  end,
})

-- The run of an experiment that is under way: its history belongs to the state of what is done in it.
local function lab_run()
  local runs = package.loaded["nn.lab.run"]
  return runs and runs.current
end

local function has_state(part)
  local ok, found = core.try(function()
    return type(part.state_dict) == "function" and type(part.load_state_dict) == "function"
  end)
  return ok and found
end

---Makes a checkpoint for a loop of one's own: it keeps what has a state, by name, and the random numbers, so that a loop that
---was broken off goes on with the same bits. Within an experiment its path is run:file "loop.safetensors"; where the run is not
---recorded that is nil, and the checkpoint does nothing.
---
---    local ck = nn.train.checkpoint("run.safetensors", {model = model, optimizer = opt, loader = loader})
---    local at = ck:restore() or {step = 0}
---    for step = at.step + 1, 1000 do
---      ...
---      if step % 100 == 0 then ck:save{step = step} end
---    end
---@param path string|nil
---@param parts table name -> model, optimizer, schedule, loader, average: whatever has state_dict and load_state_dict
---@return nn.Checkpoint
---example:
---  > model = nn.Linear(2, 1)
---  > ck = nn.train.checkpoint("/tmp/nn-help-loop.safetensors", {model = model})
---  > ck:save{step = 100}
---  > ck:restore()
---  {step = 100}
---  > ck
---  Checkpoint('/tmp/nn-help-loop.safetensors': model)
---see: nn.Checkpoint:save, nn.Checkpoint:restore, nn.save, nn.train.fit
function M.checkpoint(path, parts)
  if path ~= nil or not lab_run() then
    options.argument("checkpoint", "path", path, "string")
  end
  options.argument("checkpoint", "parts", parts, "table")
  for name, part in pairs(parts) do
    if not has_state(part) then
      core.raise(("checkpoint: '%s' is %s, which has no state_dict and load_state_dict"):format(tostring(name),
        core.describe(part)))
    end
  end
  local self = class.object(Checkpoint)
  self.path, self.parts = path, parts
  return self
end

---Writes the states of all parts, the random numbers, and numbers of one's own. The file is there whole or not at all.
---@param extra? table what the loop needs to know to go on, e.g. {step = 100}
---example:
---  > ck = nn.train.checkpoint("/tmp/nn-help-ck.safetensors", {model = nn.Linear(2, 1)})
---  > ck:save{step = 7}
---  > ck:restore()
---  {step = 7}
---see: nn.train.checkpoint, nn.Checkpoint:restore, nn.save
function Checkpoint:save(extra)
  local run = lab_run()
  if not self.path then
    return
  end
  local seed, counter = core.rng_state()
  local state = { parts = {}, random = { seed = seed, counter = counter }, extra = extra or {},
    rows = run and #run.history or nil }
  for name, part in pairs(self.parts) do
    state.parts[name] = part:state_dict()
  end
  io_.save(self.path, state)
end

---Puts everything back as it was saved, and gives what save was given; nil where there is no checkpoint yet.
---@return table|nil extra what save was given; nil where there is no checkpoint
---example:
---  > nn.train.checkpoint("/tmp/nn-help-nothing.safetensors", {model = nn.Linear(2, 1)}):restore()
---  > ck = nn.train.checkpoint("/tmp/nn-help-ck.safetensors", {model = nn.Linear(2, 1)})
---  > ck:save{step = 7}
---  > ck:restore()
---  {step = 7}
---see: nn.train.checkpoint, nn.Checkpoint:save
function Checkpoint:restore()
  if not self.path or not core.file_exists(self.path) then
    return nil
  end
  local state = io_.load(self.path)
  if type(state.parts) ~= "table" or type(state.random) ~= "table" then
    core.raise(("checkpoint: %s is no checkpoint"):format(self.path))
  end
  M.put(self.path, self.parts, state)
  local run = lab_run()
  if run and math.type(state.rows) == "integer" then
    run:_take_up(state.rows)
  end
  return state.extra
end

---Puts saved states into parts; those on both sides must be the same.
function M.put(path, parts, state)
  for name in pairs(state.parts) do
    if not parts[name] then
      core.raise(("checkpoint: %s has a state for '%s', which is not among the parts"):format(path, name))
    end
  end
  for name, part in pairs(parts) do
    if state.parts[name] == nil then
      core.raise(("checkpoint: %s has no state for '%s'"):format(path, name))
    end
    part:load_state_dict(state.parts[name])
  end
  core.set_rng_state(state.random.seed, state.random.counter)
end

return M
