-- Going on with a run that was broken off: with the texts of the script and of its modules as they were, not as they are.

local core = require "nn.core"
local index = require "nn.lab.index"
local plain = require "nn.lab.plain"
local provenance = require "nn.lab.provenance"

local M = {}

-- Modules of the user's come from the run's directory first. Returns what ends that, so that another run finds its own.
local function use_modules(directory)
  local loaded = {}
  local function searcher(name)
    local path = ("%s/modules/%s"):format(directory, provenance.module_file(name))
    local text = provenance.read_text(path)
    if not text then
      return nil
    end
    loaded[#loaded + 1] = name
    local f, why = load(text, "@" .. path, "t")
    return f or error(why, 0), path
  end
  table.insert(package.searchers, 2, searcher)
  return setmetatable({}, { __close = function()
    for i = #package.searchers, 1, -1 do
      if package.searchers[i] == searcher then
        table.remove(package.searchers, i)
      end
    end
    for _, name in ipairs(loaded) do
      package.loaded[name] = nil
    end
  end })
end

-- The experiment of a run: from its own text; errors name the file it came from.
local function experiment_of(directory, about)
  local text = provenance.read_text(directory .. "/script.lua")
  if not text then
    core.raise(("resume: %s has no script.lua; was the experiment typed at the prompt?"):format(directory))
  end
  local name = about.file or directory .. "/script.lua"
  local f, why = load(text, "@" .. name, "t")
  if not f then
    core.raise(("resume: %s"):format(why))
  end
  local now = about.file and provenance.read_text(about.file)
  if now and now ~= text then
    io.stderr:write(("resume: %s was changed since; the run goes on with its own copy, %s/script.lua\n"):format(about.file,
      directory))
  end
  local sweep = require "nn.lab.sweep"
  sweep.loading = true
  local fine, value = pcall(f, name)
  sweep.loading = false
  if not fine then
    error(value, 0)
  end
  if not require("nn.lab.experiment").is_experiment(value) then
    core.raise(("resume: the script of %s gives no experiment, but %s"):format(directory, core.describe(value)))
  end
  if value.name ~= about.name then
    core.raise(("resume: %s is a run of '%s' within a run of '%s'; go on with that one: nnlua resume %s"):format(directory,
      tostring(about.name), value.name, tostring(about.parent or "RUN")))
  end
  value.file, value.text = about.file, text
  return value
end

---What run.json says, or an error that says what is missing.
function M.about(directory)
  local about, why = plain.read(directory .. "/run.json")
  if not about or type(about.parameters) ~= "table" then
    core.raise(("%s is no run: %s"):format(directory, why or "run.json has no parameters"))
  end
  return about
end

---Goes on with a run; a finished one is only told of.
---@param directory string
---@param budget? integer epochs after which it pauses again
function M.resume(directory, budget)
  directory = directory:gsub("/+$", "")
  local about = M.about(directory)
  local done = plain.read(directory .. "/result.json")
  if done and done.state == "finished" then
    print(("%s is finished; there is nothing to go on with"):format(directory))
    return
  end
  local _ <close> = use_modules(directory)
  local experiment = experiment_of(directory, about)
  local given = {}
  for name, value in pairs(about.parameters) do
    given[name] = value
  end
  return require("nn.lab.command").run(experiment, given, { resume = directory, budget = budget })
end

---nnlua resume RUN...
function M.main(_, args)
  if #args == 0 then
    core.raise "usage: nnlua resume RUN...   goes on with runs that were broken off, e.g. 7f3a"
  end
  local budget = args[#args]:match "^%-%-budget=(%d+)$" -- a sweep's
  if budget then
    args[#args] = nil
  end
  for _, name in ipairs(args) do
    M.resume(index.find(name).directory, math.tointeger(tonumber(budget)))
  end
end

return M
