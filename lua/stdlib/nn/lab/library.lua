-- nnlua list [DIR]: the experiments of a folder; nnlua new NAME: the beginning of one.

local core = require "nn.core"
local experiments = require "nn.lab.experiment"
local params = require "nn.lab.params"
local provenance = require "nn.lab.provenance"

local M = {}

-- What a file returns, if it may be an experiment: only files that mention one are run.
local function load_experiment(path)
  local text = provenance.read_text(path)
  if not text or not text:find("experiment", 1, true) then
    return nil
  end
  local f, why = loadfile(path, "t")
  if not f then
    return nil, why
  end
  local exit = os.exit
  os.exit = function() -- luacheck: ignore 122
    error("it calls os.exit when it is loaded", 0)
  end
  local ok, value = pcall(f, path)
  os.exit = exit -- luacheck: ignore 122
  if not ok then
    return nil, tostring(value)
  end
  return experiments.is_experiment(value) and value or nil
end

local function find(directory, depth, list)
  for _, name in ipairs(core.list_directory(directory) or {}) do
    local path = directory == "." and name or directory .. "/" .. name
    local hidden = name:find "^%."
    if name:find "%.lua$" and not hidden then
      local experiment, why = load_experiment(path)
      if experiment or why then
        list[#list + 1] = { path = path, experiment = experiment, why = why }
      end
    elseif depth > 0 and not hidden and core.is_directory(path) and not core.file_exists(path .. "/run.json") then
      find(path, depth - 1, list)
    end
  end
  return list
end

---The experiments in a folder and in those below it: {path, experiment} or {path, why}, where one cannot be loaded.
function M.experiments(directory)
  return find(directory, 3, {})
end

local function list(directory)
  if not core.is_directory(directory) then
    core.raise(("nnlua list: %s is no directory"):format(directory))
  end
  local found = M.experiments(directory)
  if #found == 0 then
    print(("no experiments in %s; make one: nnlua new %s/first.lua"):format(directory, directory))
  end
  for _, one in ipairs(found) do
    if one.why then
      print(("%s\n  cannot be loaded: %s"):format(one.path, one.why))
    else
      local e = one.experiment
      local parts = {}
      for _, name in ipairs(params.names(e.params)) do
        parts[#parts + 1] = ("--%s %s"):format(name, params.text(e.params[name].default))
      end
      print(("%s%s\n  %s"):format(one.path, e.doc ~= "" and "  " .. e.doc or "", table.concat(parts, " ")))
    end
  end
end

local template = [=[
-- %s: what this experiment asks.
--
--   nnlua %s --help
--   nnlua %s --width 64 --seed 2

local nn = require "nn"

return nn.experiment{
  name = "%s", doc = "what this experiment asks",
  params = {
    width = {32, doc = "hidden units", min = 1},
    lr = {0.01, doc = "learning rate", min = 0},
    epochs = {20, doc = "passes over the data", min = 1},
  },
  run = function(p, run)
    -- data: two classes that no line separates
    local x = nn.rand{400, 2} * 2 - 1
    local y = ((x:select(2, 1) * x:select(2, 2)):gt(0)):to "int64" + 1
    local train, valid = nn.data.tensors(x, y):split(0.75)

    local model = nn.Sequential(nn.Linear(2, p.width), nn.ReLU(), nn.Linear(p.width, 2))
    local fit = nn.train.fit{
      model = model, loss = nn.CrossEntropyLoss(), optimizer = nn.optim.Adam(model:parameters(), {lr = p.lr}),
      train = train:loader{batch_size = 32, shuffle = true}, valid = valid:loader{batch_size = 100},
      epochs = p.epochs, metrics = {"accuracy"}, run = run,
    }
    run:figure("boundary", function(file)
      nn.plot.boundary(model, valid.x, valid.y, {file = file})
    end)
    return {accuracy = fit.best.valid_accuracy}
  end,
}
]=]

local function new(path)
  if not path:find "%.lua$" then
    path = path .. ".lua"
  end
  local name = path:match "([^/]*)%.lua$"
  if not name:find "^[%w_][%w_.%-]*$" then
    core.raise(("nnlua new: the name must be of letters, digits, _ and -, but is '%s'"):format(name))
  elseif core.file_exists(path) then
    core.raise(("nnlua new: %s is there already"):format(path))
  end
  local folder = path:match "^(.*)/"
  if folder and folder ~= "" then
    core.make_directory(folder)
  end
  core.write_file(path, template:format(name, path, path, name))
  print(("made %s; run it: nnlua %s"):format(path, path))
end

---nnlua list, nnlua new
function M.main(word, args)
  if word == "new" then
    if #args ~= 1 or args[1]:sub(1, 1) == "-" then
      core.raise "usage: nnlua new NAME   makes NAME.lua, an experiment to begin with, e.g. nnlua new experiments/width"
    end
    return new(args[1])
  end
  if #args > 1 or args[1] and args[1]:sub(1, 2) == "--" then
    core.raise "usage: nnlua list [DIR]   the experiments in DIR (default: experiments), with their parameters"
  end
  list(args[1] or "experiments")
end

return M
