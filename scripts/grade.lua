-- Grades homework: each check runs the student's script anew in the sandbox, and what passed is added up.
--
--   nnlua scripts/grade.lua scripts/grade/checks.lua scripts/grade/student.lua [more.lua ...]
--
-- The file of checks returns a list. An entry has a name, points, and either what the script must print (`output`, given
-- `input`), or `check`: a function that gets the script's globals; it raises, or gives false, or a number of points.
-- Checks run beside the script, but with functions of Lua that it cannot have changed; what is nn's own it could change.

-- What runs inside: text that comes through a pipe, so that the script has no directory and finds neither checks nor expected
-- results. Methods of strings are Lua's own (others that the script adds to its `string` are found, too), and the real tables
-- of Lua's functions, which `require "string"` gives, are not those that checks use.
local inside = [[
local word, checks, number, name, script = %q, %q, %d, %q, %q
local pcall, tostring, type, gsub, rawget = pcall, tostring, type, string.gsub, rawget
local stdout, put = io.stdout, io.stdout.write
local function copy()
  local out = {}
  for key, value in pairs(_G) do
    out[key] = value
    if type(value) == "table" then
      out[key] = {}
      for k, v in pairs(value) do
        out[key][k] = v
      end
    end
  end
  out._G = out
  return out
end
local ours, theirs = copy(), copy()
local own, added = ours.string, theirs.string
local strings = getmetatable("")
strings.__metatable = false
strings.__index = function(_, key)
  local method = rawget(own, key)
  if method == nil then
    method = rawget(added, key)
  end
  return method
end
theirs.debug = nil
package.loaded.debug = nil
local check = load(checks, "=checks", "t", ours)()[number].check
theirs.arg = {[0] = name}
local ok, result = pcall(function()
  local f, why = load(script, "@" .. name, "t", theirs)
  if not f then
    error(why, 0)
  end
  f()
  return check(theirs)
end)
local points = ok and (type(result) == "number" and result or result ~= false and "all") or 0
result = ok and "" or gsub(tostring(result), "%%s+", " ")
put(stdout, "\n", word, " ", points, " ", result, "\n")
]]

local function quote(s)
  return "'" .. s:gsub("'", "'\\''") .. "'"
end

local function read(path)
  local f = assert(io.open(path, "rb"))
  local text = f:read "a"
  f:close()
  return text
end

local function write(path, text)
  local f = assert(io.open(path, "wb"))
  f:write(text)
  f:close()
end

-- What scripts print and say may hold codes for the terminal.
local function plain(s)
  return (s:gsub("%c", function(c)
    return ("\\%03d"):format(c:byte())
  end))
end

local function stop(text, ...)
  io.stderr:write("grade: ", text:format(...), "\n")
  os.exit(1, true)
end

-- A file of ours, which is gone when it is closed, also where Ctrl-C comes.
local function temporary(text)
  local path = os.tmpname()
  write(path, text)
  return setmetatable({ path = path }, { __close = function()
    os.remove(path)
  end })
end

local first = 0
while arg[first - 1] do
  first = first - 1
end
local nnlua = arg[first]

-- What nnlua itself said last on standard error.
local function last_words(text)
  local said = ""
  for line in text:gmatch "[^\n]+" do
    local late = line:match "nnlua: (%-%-max%-seconds.*)$" -- the script may have written before it in the same line
    if late then
      said = late
    elseif line:sub(1, #nnlua + 2) == nnlua .. ": " and not line:find("--sandbox: this kernel", 1, true) then
      said = line:sub(#nnlua + 3)
    end
  end
  return plain(said)
end

local most_printed, most_said = 1000000, 65536

-- Runs nnlua in the sandbox on a file (or "-", what it is given through a pipe, which cannot be read twice); gives what it
-- printed, and why it ended, if it said so. Of standard error the end is kept.
local function sandbox(checks, file, input)
  local inp <close> = temporary(input)
  local err <close> = temporary ""
  local run = ("%s --sandbox --max-seconds %g --max-memory %s %s"):format(quote(nnlua), checks.seconds or 10,
    quote(tostring(checks.memory or "1G")), quote(file))
  local p <close> = assert(io.popen(("{ cat %s | %s 2>&1 1>&3 3>&- | tail -c %d >%s 3>&-; } 3>&1 | head -c %d"):format(inp.path,
    run, most_said, err.path, most_printed)))
  local out = p:read "a"
  p:close()
  return out, #out >= most_printed and "it printed more than a million bytes" or last_words(read(err.path))
end

local function shown(s)
  return '"' .. plain(s:sub(1, 200):gsub("\n", "\\n")) .. '"'
end

-- The points of one check, and what went wrong.
local function printed(checks, check, script)
  local dir <close> = setmetatable({ path = os.tmpname() }, { __close = function(d)
    os.execute("rm -r " .. d.path)
  end })
  os.remove(dir.path)
  assert(os.execute("mkdir " .. dir.path))
  write(dir.path .. "/homework.lua", script)
  local out, err = sandbox(checks, dir.path .. "/homework.lua", check.input or "")
  if out == check.output then
    return check.points, ""
  end
  err = err:gsub(dir.path:gsub("%p", "%%%0") .. "/", "")
  return 0, err ~= "" and err or ("printed %s instead of %s"):format(shown(out), shown(check.output))
end

local random = assert(io.open("/dev/urandom", "rb"))

local function checked(checks, text, number, name, script)
  local word = random:read(16):gsub(".", function(c)
    return ("%02x"):format(c:byte())
  end)
  local out, err = sandbox(checks, "-", inside:format(word, text, number, name, script))
  local points, why = out:match("\n" .. word .. " (%S+) ([^\n]*)\n") -- what is collected at the end may print, too
  local most = checks[number].points
  if not points then
    return 0, err ~= "" and err or "the script ended the program"
  end
  return points == "all" and most or math.max(0, math.min(most, tonumber(points) or 0)), plain(why)
end

local function grade(checks, text, path, script)
  local name, sum, most = path:match "[^/]*$", 0, 0
  print(plain(path))
  for number, check in ipairs(checks) do
    local points, why
    if check.output then
      points, why = printed(checks, check, script)
    else
      points, why = checked(checks, text, number, name, script)
    end
    sum, most = sum + points, most + check.points
    print(("  %4g /%3g  %s%s"):format(points, check.points, check.name, why ~= "" and ": " .. why or ""))
  end
  print(("  %4g /%3g"):format(sum, most))
end

-- Lua skips a first line that begins with #, and editors leave a mark of UTF-8.
local function read_script(path)
  return (read(path):gsub("^\239\187\191", ""):gsub("^#[^\n]*", ""))
end

-- The teacher's own mistakes are told before anybody is graded.
local function read_checks(path)
  local ok, text = pcall(read_script, path)
  local f, why = load(ok and text or "", "@" .. path, "t")
  if not ok or not f then
    stop("%s", tostring(ok and why or text))
  end
  local fine, checks = pcall(f)
  if not fine or type(checks) ~= "table" or #checks == 0 then
    stop("%s: must return a list of checks%s", path, fine and "" or ", but: " .. tostring(checks))
  end
  for i, c in ipairs(checks) do
    local given = type(c) == "table" and c or {}
    local points = type(given.points) == "number" and given.points >= 0 and given.points < math.huge
    if type(given.name) ~= "string" or not points or type(given.input or "") ~= "string"
      or (type(given.output) == "string") == (type(given.check) == "function") then
      stop("%s: check %d must be {name = text, points = number, output = text, input = text} or {name = text, points = number, "
        .. "check = function}", path, i)
    end
  end
  for key in pairs(checks) do
    if key ~= "seconds" and key ~= "memory" and not (math.type(key) == "integer" and key >= 1 and key <= #checks) then
      stop("%s: the list of checks has a hole before, or something else at, %s", path, tostring(key))
    end
  end
  if type(checks.seconds or 1) ~= "number" then
    stop("%s: seconds must be a number", path)
  end
  local _, said = sandbox(checks, "-", "")
  if said ~= "" then
    stop("%s: seconds or memory: %s", path, said)
  end
  local tried, words = sandbox(checks, "-", ("local ok, why = pcall(load(%q, '=checks', 't')) io.write(ok and 'fine' or "
    .. "tostring(why))"):format(text))
  if tried ~= "fine" then
    stop("%s: fails in the sandbox, where checks run and no files are: %s", path, plain(tried ~= "" and tried or words))
  end
  return checks, text
end

if #arg < 2 then
  io.stderr:write("usage: nnlua scripts/grade.lua checks.lua student.lua [more.lua ...]\n")
  os.exit(1)
end
local checks, text = read_checks(arg[1])
local all_there = true
for i = 2, #arg do
  local ok, script = pcall(read_script, arg[i])
  if ok and script then
    grade(checks, text, arg[i], script)
  else
    all_there = false
    print(("%s\n  not graded: %s"):format(plain(arg[i]), ok and "it is no file" or tostring(script):gsub("^.-: ", "")))
  end
end
os.exit(all_there)
