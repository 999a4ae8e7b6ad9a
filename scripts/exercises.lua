-- Predict, then run: asks about the lecture, runs the experiment that knows, and says who was right.
--
--   nnlua scripts/exercises.lua                  all of them, one after the other
--   nnlua scripts/exercises.lua 8                the eighth
--   nnlua scripts/exercises.lua 8 --predict 2    without asking
--   nnlua scripts/exercises.lua --list

local here = (debug.getinfo(1, "S").source:gsub("^@", ""):gsub("[^/]*$", ""))
local list = dofile(here .. "lecture/exercises.lua")

local wanted, prediction
local i = 1
while arg[i] do
  if arg[i] == "--list" then
    for n, e in ipairs(list) do
      print(("%2d. %-34s %s"):format(n, e.part, e.ask))
    end
    os.exit(0)
  elseif arg[i] == "--predict" and math.tointeger(tonumber(arg[i + 1])) then
    prediction, i = math.tointeger(tonumber(arg[i + 1])), i + 1
  elseif list[math.tointeger(tonumber(arg[i]) or 0)] and not wanted then
    wanted = math.tointeger(tonumber(arg[i]))
  else
    io.stderr:write(("exercises: '%s' is no exercise; there are 1 to %d (see --list), and --predict NUMBER\n"):format(arg[i],
      #list))
    os.exit(2)
  end
  i = i + 1
end

-- Runs the experiment without what it prints; gives its results and its finding.
local function run(e)
  local experiment = dofile(here .. "lecture/" .. e.script .. ".lua")
  local given, finding = { small = true }, nil
  for key, value in pairs(e.params) do
    given[key] = value
  end
  local print_ = print
  rawset(_G, "print", function(...)
    finding = (...) and tostring(...):match "^finding: (.*)" or finding
  end)
  local ok, results = pcall(experiment, given)
  rawset(_G, "print", print_)
  if not ok then
    error(results, 0)
  end
  return results, finding
end

local right, asked = 0, 0
for n = wanted or 1, wanted or #list do
  local e = list[n]
  print(("\n%d. %s\n%s\n"):format(n, e.part, e.ask))
  for k, choice in ipairs(e.choices) do
    print(("  %d) %s"):format(k, choice))
  end
  local said = prediction
  while not e.choices[said] do
    io.write(said and ("One of 1 to %d: "):format(#e.choices) or "\nYour prediction: ")
    io.stdout:flush()
    local line = io.read()
    if not line then
      print ""
      os.exit(0)
    end
    said = math.tointeger(tonumber(line)) or 0
  end
  print(("\n(running scripts/lecture/%s.lua, small)"):format(e.script))
  local results, finding = run(e)
  local answer = e.answer(results)
  asked, right = asked + 1, right + (said == answer and 1 or 0)
  print(answer == nil and ("At this size the experiment does not say. The whole of it: ./nnlua scripts/lecture/%s.lua"):format(
    e.script) or ("%s: %d) %s.\nWhat the experiment found: %s.\nThe whole of it: ./nnlua scripts/lecture/%s.lua"):format(
    said == answer and "You were right" or "It is another", answer, e.choices[answer], finding, e.script))
end
if asked > 1 then
  print(("\n%d of %d predictions were right."):format(right, asked))
end
