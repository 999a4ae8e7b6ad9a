-- nnlua test: runs suites of LuaUnit that users write for their own libraries.

local core = require "nn.core"

local M = {}

-- All test_*.lua and *_test.lua below a directory.
local function suites_below(dir, out)
  for _, name in ipairs(core.list_directory(dir) or {}) do
    local path = dir == "." and name or dir .. "/" .. name
    if name:sub(1, 1) ~= "." and core.is_directory(path) then
      suites_below(path, out)
    elseif name:find "^test_.*%.lua$" or name:find "_test%.lua$" then
      out[#out + 1] = path
    end
  end
end

local function luaunit()
  rawset(_G, "arg", { [0] = "nnlua test" }) -- it would read the names of files as names of tests
  local before = package.path
  package.path = package.path .. ";/usr/share/lua/5.4/?.lua;/usr/share/lua/5.3/?.lua"
  local ok, lu = pcall(require, "luaunit")
  package.path = before
  if not ok then
    core.raise "nnlua test runs suites of LuaUnit, which is not there; apt-get install lua-unit brings it"
  end
  return lu
end

---nnlua test
function M.main(_, args)
  local places, options, i = {}, {}, 1
  while i <= #args do
    local word = args[i]
    if word == "-v" then
      options[#options + 1] = "-v"
    elseif word == "-p" then
      i = i + 1
      if not args[i] then
        core.raise "-p needs a pattern, e.g. nnlua test -p mean"
      end
      options[#options + 1] = "-p"
      options[#options + 1] = args[i]
    elseif word:find "^%-" then
      core.raise(("there is no option '%s'\n%s"):format(word, require("nn.tool.usages").test))
    else
      places[#places + 1] = word:gsub("/+$", "")
    end
    i = i + 1
  end
  if #places == 0 then
    places[1] = core.is_directory "tests" and "tests" or "."
  end
  local lu = luaunit()
  local suites = {}
  for _, place in ipairs(places) do
    if core.is_directory(place) then
      suites_below(place, suites)
    else
      suites[#suites + 1] = place
    end
  end
  local seen, path = {}, { "?.lua" }
  for _, suite in ipairs(suites) do -- modules beside the tests
    local dir = suite:match "^(.*)/" or "."
    if not seen[dir] then
      seen[dir], path[#path + 1] = true, dir .. "/?.lua"
    end
  end
  package.path = table.concat(path, ";") .. ";" .. package.path
  if #suites == 0 then
    core.raise(("there is no test_*.lua in %s\n%s"):format(table.concat(places, ", "), require("nn.tool.usages").test))
  end
  -- A suite may end with os.exit(lu.LuaUnit.run()), for when it is run alone: here all run together, in the end.
  local run, exit, leave = lu.LuaUnit.run, os.exit, {}
  lu.LuaUnit.run = function()
    return 0
  end
  os.exit = function() -- luacheck: ignore 122
    error(leave, 0)
  end
  local of, count = {}, 0 -- name of a suite -> the file that made it
  for _, file in ipairs(suites) do
    local f, why = loadfile(file)
    if not f then
      core.raise(why)
    end
    local before = {}
    for name, value in next, _G do
      before[name] = value
    end
    local ok, problem = xpcall(f, function(e)
      return e == leave and e or type(e) == "string" and debug.traceback(e, 2) or e
    end)
    if not ok and problem ~= leave then
      core.raise(("%s could not be loaded: %s"):format(file, tostring(problem)))
    end
    for name, value in next, _G do
      if type(name) == "string" and name:find "^[Tt]est" and value ~= before[name] then
        if of[name] then
          core.raise(("%s and %s both make the suite %s"):format(of[name], file, name))
        end
        of[name] = file
        count = count + 1
      end
    end
  end
  lu.LuaUnit.run, os.exit = run, exit -- luacheck: ignore 122
  if count == 0 then
    core.raise(("no suite in %s: a suite is a global table whose name begins with Test\n%s"):format(table.concat(suites, ", "),
      require("nn.tool.usages").test))
  end
  rawset(_G, "lu", lu)
  os.exit(lu.LuaUnit.run(table.unpack(options)), true)
end

return M
