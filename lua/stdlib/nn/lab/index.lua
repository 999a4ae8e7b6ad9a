-- Runs found on disk. A run's state is what result.json says; without one it is under way where its lock is held, else it
-- was broken off.

local core = require "nn.core"
local plain = require "nn.lab.plain"

local M = {}

---What of a table has a name and is no table: somebody else may have written it.
function M.scalars(t)
  local out = {}
  for name, value in pairs(t) do
    if type(name) == "string" and type(value) ~= "table" then
      out[name] = value
    end
  end
  return out
end

local function named(t)
  for name in pairs(t) do
    if type(name) ~= "string" then
      return {}
    end
  end
  return t
end

---The rows of a run, each with the names it was logged with. Half a line at the end is none.
function M.history(directory)
  local rows = {}
  local f = io.open(directory .. "/history.jsonl", "rb")
  if f then
    for line in f:lines() do
      local row = core.json_decode(line)
      rows[#rows + 1] = type(row) == "table" and M.scalars(plain.restore(row)) or nil
    end
    f:close()
  end
  return rows
end

local function either(kind, value, otherwise)
  return type(value) == kind and value or otherwise
end

---A run by what its files say, which somebody else may have written.
---@param directory string
---@param about table run.json
---@param done table|nil result.json
---@param held boolean|nil whether its lock is
function M.of(directory, about, done, held)
  return {
    directory = directory, name = either("string", about.name, directory:match "[^/]+$"),
    parameters = named(either("table", about.parameters, {})), started = either("string", about.started, ""), about = about,
    state = done and either("string", done.state, "failed") or held and "running" or "broken off",
    seconds = done and either("number", done.seconds), result = named(done and either("table", done.result) or {}),
    error = done and done.error,
  }
end

---What is known of a run; nil and the reason where the directory is none.
---@param directory string
---@param with_history? boolean
function M.run(directory, with_history)
  directory = directory:gsub("(.)/+$", "%1")
  local about, why = plain.read(directory .. "/run.json")
  if not about then
    return nil, why
  end
  local done = plain.read(directory .. "/result.json")
  local held = not done and core.lock_file(directory .. "/lock", true)
  local run = M.of(directory, about, done, held)
  if with_history then
    run.history = M.history(directory)
  end
  return run
end

-- Runs in a directory and in those below it, but not the runs within runs.
local function collect(directory, depth, list)
  if core.file_exists(directory .. "/run.json") then
    local run, why = M.run(directory)
    list[#list + 1] = run
    if not run then
      io.stderr:write(("%s cannot be read: %s\n"):format(directory, why))
    end
    return
  end
  if depth == 0 then
    return
  end
  for _, name in ipairs(core.list_directory(directory) or {}) do
    local path = directory .. "/" .. name
    if name:sub(1, 1) ~= "." and core.is_directory(path) then
      collect(path, depth - 1, list)
    end
  end
end

---All runs below a directory, the oldest first.
function M.runs(directory)
  if not core.is_directory(directory) then
    core.raise(("there are no runs in %s: it is no directory"):format(directory))
  end
  local list = {}
  collect((directory:gsub("(.)/+$", "%1")), 4, list)
  table.sort(list, function(a, b)
    local x, y = tonumber(a.about.time) or 0, tonumber(b.about.time) or 0
    if x ~= y then
      return x < y
    end
    return a.directory < b.directory
  end)
  return list
end

---A run by its directory, or by the end of one: "7f3a" is enough where only one in runs/ ends so.
function M.find(name)
  local run, why = M.run(name)
  if run then
    return run
  end
  local found = {}
  if core.is_directory "runs" and not name:find("/", 1, true) then
    for _, r in ipairs(M.runs "runs") do
      if r.directory:sub(-#name) == name then
        found[#found + 1] = r
      end
    end
  end
  if #found == 1 then
    return found[1]
  end
  core.raise(#found > 1 and ("%d runs end in '%s'; say more of the name"):format(#found, name)
    or ("%s is no run: %s"):format(name, why))
end

return M
