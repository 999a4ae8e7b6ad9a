-- Runs found on disk. A run's state is what result.json says; without one it is under way where its lock is held, else it
-- was broken off.

local core = require "nn.core"
local plain = require "nn.lab.plain"
local rows = require "nn.lab.rows"

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

---The rows of a run, each with the names it was logged with, and how many lines are no rows (nn.lab.rows).
function M.history(directory)
  local list, unreadable = rows.read(directory, "history.jsonl")
  for i, row in ipairs(list) do
    list[i] = M.scalars(row)
  end
  return list, unreadable
end

local function either(kind, value, otherwise)
  return type(value) == kind and value or otherwise
end

---A run by what its files say, which somebody else may have written.
---@param directory string
---@param about table|nil run.json
---@param done table|nil result.json
---@param held boolean|nil whether its lock is
---@param problem string|nil why one of the two cannot be read
function M.of(directory, about, done, held, problem)
  about = about or {}
  return {
    directory = directory, name = either("string", about.name, directory:match "[^/]+$"),
    parameters = named(either("table", about.parameters, {})), started = either("string", about.started, ""), about = about,
    state = problem and "unreadable" or done and either("string", done.state, "failed") or held and "running" or "broken off",
    seconds = done and either("number", done.seconds), result = named(done and either("table", done.result) or {}),
    error = problem or done and done.error and either("string", done.error, plain.encode(done.error)),
  }
end

---Who holds a run's lock, since when (seconds of the wall clock), and how many seconds its sessions before took; nil: nobody
---said.
function M.holder(text)
  local process, since, before = (text or ""):match "^(%d+) ([%d.]+) ?([%d.]*)\n$"
  return process, tonumber(since), tonumber(before) or 0
end

---What is known of a run; nil and the reason where the directory is none.
---@param directory string
---@param with_history? boolean
function M.run(directory, with_history)
  directory = directory:gsub("(.)/+$", "%1")
  local folder, closed = core.open_folder(directory)
  if not folder then
    return nil, closed
  end
  local about, why, missing = rows.json(folder, "run.json")
  if missing then
    folder:close()
    return nil, ("%s/%s"):format(directory, why)
  end
  local done, bad, under_way = rows.json(folder, "result.json")
  local held = under_way and folder:held "lock"
  folder:close()
  local run = M.of(directory, about, done, held, not about and why or not done and not under_way and bad or nil)
  if with_history then
    run.history, run.unreadable = M.history(directory)
  end
  return run
end

---Whether a directory with these files, directories and others in it (as folder:list has them) is a run's.
function M.is_run(files, directories, others)
  for _, names in ipairs { files, directories, others } do
    for _, name in ipairs(names) do
      if name == "run.json" then
        return true
      end
    end
  end
  return false
end

-- Runs in a directory and in those below it, but not the runs within runs; links are not followed.
local function collect(folder, top, path, depth, list)
  local directories, files, others = folder:list(path)
  if directories and M.is_run(files, directories, others) then
    list[#list + 1] = M.run(path == "" and top or top .. "/" .. path)
    return
  end
  for _, name in ipairs(depth > 0 and directories or {}) do
    collect(folder, top, path == "" and name or path .. "/" .. name, depth - 1, list)
  end
end

---All runs below a directory, the oldest first.
function M.runs(directory)
  if not core.is_directory(directory) then
    core.raise(("there are no runs in %s: it is no directory"):format(directory))
  end
  local list = {}
  local folder = assert(core.open_folder(directory))
  collect(folder, (directory:gsub("(.)/+$", "%1")), "", 4, list)
  folder:close()
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
