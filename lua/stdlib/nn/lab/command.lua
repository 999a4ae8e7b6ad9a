-- An experiment at the command line: nnlua depth.lua --depth 50 --seed 3.

local core = require "nn.core"
local params = require "nn.lab.params"

local M = {}

-- Options of every experiment beside its parameters.
local own = {
  { "out", "DIR", "the run's directory is made in DIR/NAME (default: runs)" },
  { "resume", "RUN", "goes on with a run that was broken off" },
  { "no-record", nil, "keeps nothing" },
  { "help", nil, "shows this" },
}

local function pad(text, width)
  return text .. (" "):rep(width - #text)
end

---What --help prints.
function M.help(experiment, program)
  local lines = { ("usage: nnlua %s [--parameter value]..."):format(program) }
  if experiment.doc ~= "" then
    lines[#lines + 1] = ("%s: %s"):format(experiment.name, experiment.doc)
  end
  lines[#lines + 1] = ""
  local rows, width = {}, 0
  for _, name in ipairs(params.names(experiment.params)) do
    local p = experiment.params[name]
    local left = p.type == "boolean" and ("--%s, --no-%s"):format(name, name) or ("--%s %s"):format(name, p.type:upper())
    local parts, values = { p.doc }, params.describe(p, true)
    parts[#parts + 1] = values ~= "" and values or nil
    local default = ("default: %s"):format(params.text(p.default))
    rows[#rows + 1] = { left, #parts > 0 and ("%s (%s)"):format(table.concat(parts, "; "), default) or default }
    width = math.max(width, #left)
  end
  local parameters = #rows
  for _, option in ipairs(own) do
    local left = ("--%s%s"):format(option[1], option[2] and " " .. option[2] or "")
    rows[#rows + 1] = { left, option[3] }
    width = math.max(width, #left)
  end
  lines[#lines + 1] = "parameters:"
  for i, row in ipairs(rows) do
    if i == parameters + 1 then
      lines[#lines + 1] = ""
      lines[#lines + 1] = "the run:"
    end
    lines[#lines + 1] = ("  %s  %s"):format(pad(row[1], width), row[2])
  end
  return table.concat(lines, "\n")
end

-- What is wrong with a command line is said without a traceback.
local Message = { __tostring = function(e)
  return e.text
end }
local function say(text)
  error(setmetatable({ text = text }, Message), 0)
end

---Calls f; its errors are told as they are, without where in the library they arose.
function M.plainly(f, ...)
  local results = table.pack(pcall(f, ...))
  if not results[1] then
    local text = tostring(results[2])
    local file, rest = text:match "^(.-):%d+: (.*)$"
    say(file and (file == "(command)" or core.is_ours("@" .. file)) and rest or text)
  end
  return table.unpack(results, 2, results.n)
end

local function refuse(program, text)
  core.raise(("%s\ntry: nnlua %s --help"):format(text, program))
end

local truths = { ["true"] = true, ["false"] = true, yes = true, no = true }

---Reads the options of an experiment: its parameters' values as given, and what is said of the run.
---@return table given, table o {out, resume, record, help}
function M.read(experiment, args, program)
  local who = ("experiment '%s'"):format(experiment.name)
  -- in the sandbox nothing may be written, or only where it is said
  local given, o = {}, { out = "runs", record = not core.is_sandboxed() }
  local i = 1
  while i <= #args do
    local name, value = (args[i] == "-h" and "--help" or args[i]):match "^%-%-([^=]+)=?(.*)$"
    local has_value = args[i]:find("=", 1, true) ~= nil
    if not name then
      refuse(program, ("%s: '%s' is no option; parameters are given as --name value"):format(who, args[i]))
    end
    local function take()
      if not has_value then
        i = i + 1
        value = args[i]
      end
      if value == nil or not has_value and value:find "^%-%-%a" then
        refuse(program, ("%s: --%s needs a value"):format(who, name))
      end
      return value
    end
    local plain = name:gsub("%-", "_")
    local p = experiment.params[name] or experiment.params[plain]
    local off = not p and plain:match "^no_(.+)$"
    if name == "help" or args[i] == "-h" then
      o.help = true
    elseif name == "out" then
      o.out, o.record = take(), true
    elseif name == "resume" then
      o.resume = take()
    elseif name == "directory" then -- of a trial: exactly there
      o.directory = take()
    elseif name == "parameters" then -- all of a trial's, as JSON
      local values = require("nn.lab.plain").restore(core.json_decode(take()) or refuse(program, "--parameters needs JSON"))
      for one, v in pairs(values) do
        given[params.known(who, experiment.params, one).name] = v
      end
    elseif name == "budget" then
      o.budget = math.tointeger(tonumber(take())) or refuse(program, "--budget needs a number of epochs")
    elseif name == "no-record" then
      o.record = false
    elseif off and experiment.params[off] and experiment.params[off].type == "boolean" and not has_value then
      given[off] = false
    elseif p and p.type == "boolean" and not has_value and not truths[args[i + 1]] then
      given[p.name] = true
    else
      p = p or params.known(who, experiment.params, plain)
      given[p.name] = params.read(who, p, take())
    end
    i = i + 1
  end
  return given, o
end

-- The results, one a line, as a person reads them.
local function show_result(result)
  local names = {}
  for name in pairs(result) do
    names[#names + 1] = name
  end
  table.sort(names, function(a, b)
    return tostring(a) < tostring(b)
  end)
  local parts = {}
  for _, name in ipairs(names) do
    local value = result[name]
    if type(value) ~= "table" then
      local text = value ~= value and "nan" or math.type(value) == "float" and ("%.6g"):format(value) or tostring(value)
      parts[#parts + 1] = ("%s %s"):format(name, text)
    end
  end
  return table.concat(parts, "  ")
end

---Runs an experiment and says where it is kept. Used by scripts and by `nnlua resume`.
function M.run(experiment, given, o, command)
  local who = ("experiment '%s'"):format(experiment.name)
  local values = M.plainly(params.values, who, experiment.params, given)
  local execute = require("nn.lab.experiment").execute
  local ok, result, run, interrupted, ends = execute(experiment, values, {
    out = not o.resume and not o.directory and o.record and o.out or nil, resume = o.resume, command = command,
    directory = o.directory, budget = o.budget,
  })
  local place = run.directory
  if ok == "paused" then
    return
  elseif ok then
    local text = show_result(result)
    if text ~= "" then
      print(("%s: %s"):format(experiment.name, text))
    end
    if place then
      io.stderr:write(("run: %s\n"):format(place))
    end
    return
  end
  if interrupted and place and not ends then
    io.stderr:write(("interrupted; go on with: nnlua resume %s\n"):format(place))
  elseif place then
    io.stderr:write(("run: %s (%s)\n"):format(place, interrupted and "interrupted" or "failed"))
  end
  say(interrupted and tostring(result) or run._trace or tostring(result))
end

-- What `nnlua --seed 7 script.lua` said before the script's name: of an experiment that is its seed, too.
local function seed_before()
  local seed
  for i = -1, -64, -1 do
    local text = arg and arg[i]
    if not text then
      break
    end
    local value = text:match "^%-%-seed=(.+)$" or text == "--seed" and arg[i + 1] or nil
    seed = seed or value and math.tointeger(tonumber(value)) or nil
  end
  return seed
end

---The program calls this for an experiment that a script returned.
function M.main(experiment, args)
  local program = arg and arg[0] or experiment.name .. ".lua"
  local given, o = M.plainly(M.read, experiment, args, program)
  if given.seed == nil and not o.resume then
    given.seed = seed_before()
  end
  if o.help then
    print(M.help(experiment, program))
    return
  end
  if o.resume and next(given) then
    refuse(program, ("experiment '%s': --resume goes on with the run's own parameters; it takes no others"):format(
      experiment.name))
  elseif o.resume then
    return M.plainly(require("nn.lab.resume").resume, o.resume)
  end
  local command = { program }
  for i, text in ipairs(args) do
    command[i + 1] = text
  end
  return M.run(experiment, given, o, command)
end

return M
