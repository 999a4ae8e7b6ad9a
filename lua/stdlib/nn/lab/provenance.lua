-- Where a run came from: parameters, machine, versions, the script and the modules it used, as they were.

local core = require "nn.core"
local plain = require "nn.lab.plain"

local M = {}

local function read_text(path)
  local f = io.open(path, "rb")
  local text = f and f:read "a"
  if f then
    f:close()
  end
  return text
end
M.read_text = read_text

local function processor()
  local text = read_text "/proc/cpuinfo"
  return text and text:match "model name%s*:%s*([^\n]+)" or nil
end

-- What a program prints, or nil. Without a shell, so that no name is a command.
local function output_of(argv)
  if core.is_sandboxed() then
    return nil
  end
  local file = os.tmpname()
  local ok, p = pcall(core.start, argv, file)
  if not ok or not p then
    os.remove(file)
    return nil
  end
  local kind, number = p:poll()
  local pause = 0.0005
  while not kind do
    core.sleep(pause)
    pause = math.min(pause * 1.5, 0.02)
    kind, number = p:poll()
  end
  local text = read_text(file)
  os.remove(file)
  return kind == "exit" and number == 0 and text or nil
end

local function git_of(folder)
  local revision = output_of { "git", "-C", folder, "rev-parse", "HEAD" }
  if not revision then
    return nil
  end
  return revision:match "%x+", output_of { "git", "-C", folder, "diff", "HEAD" }
end

local function is_ours(name)
  return name == "nn" or name:find "^nn%." ~= nil
end

-- The user's modules that are loaded: name -> file. What is found on Lua's path and is not the library's own.
local function modules()
  local list = {}
  if core.is_sandboxed() then -- no files are looked for there
    return list
  end
  for name in pairs(package.loaded) do
    if type(name) == "string" and not is_ours(name) then
      local file = package.searchpath(name, package.path)
      if file and not file:find "%.so$" then
        list[name] = file
      end
    end
  end
  return list
end

---The file of a module in a run's directory.
function M.module_file(name)
  return name:gsub("[^%w_.%-]", function(c)
    return ("%%%02X"):format(c:byte())
  end) .. ".lua"
end

local function keep_module(run, name, file)
  local path = ("%s/modules/%s"):format(run.directory, M.module_file(name))
  local text = not core.file_exists(path) and read_text(file)
  if text then
    core.make_directory(run.directory .. "/modules")
    core.write_file(path, text)
  end
end

---From now on a module is kept as it is when it is required. Returns what ends that.
function M.watch_modules(run)
  local originals = table.move(package.searchers, 1, #package.searchers, 1, {})
  local watching = {}
  for i, original in ipairs(originals) do
    watching[i] = function(name)
      local loader, file = original(name)
      if type(loader) == "function" and type(file) == "string" and not is_ours(name) and file:find "%.lua$" then
        keep_module(run, name, file)
      end
      return loader, file
    end
    package.searchers[i] = watching[i]
  end
  return function()
    for i, searcher in ipairs(package.searchers) do
      for k, one in ipairs(watching) do
        if searcher == one then
          package.searchers[i] = originals[k]
        end
      end
    end
  end
end

---Modules that are not written yet; once at the beginning and once at the end, where some were required in between.
function M.write_modules(run)
  for name, file in pairs(modules()) do
    keep_module(run, name, file)
  end
end

---Writes run.json and the texts.
function M.write(run, experiment, command)
  local directory, file = run.directory, experiment.file
  local folder = file and (file:match "^(.*)/" or ".")
  local revision, changes
  if folder and not run.parent and not run._trial then -- a sweep's trials are many
    revision, changes = git_of(folder)
  end
  local values = {}
  for name, value in pairs(run.params) do
    values[name] = value
  end
  core.write_file(directory .. "/run.json", plain.encode {
    format = 1, name = experiment.name, doc = experiment.doc, file = file and core.real_path(file) or file, parameters = values,
    started = os.date "%Y-%m-%dT%H:%M:%S", time = core.wall_clock(), command = command,
    parent = run.parent and run.parent.directory or nil,
    versions = core.versions(),
    machine = {
      name = core.host_name(), processor = processor(), threads = core.get_num_threads(), process = core.process_id(),
    },
    git = revision and { revision = revision, changed = changes ~= nil and changes ~= "" } or nil,
  } .. "\n")
  if changes and changes ~= "" then
    core.write_file(directory .. "/changes.diff", changes)
  end
  if experiment.text then
    core.write_file(directory .. "/script.lua", experiment.text)
  end
  M.write_modules(run)
end

return M
