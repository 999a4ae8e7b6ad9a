-- Grades homework: each check runs the student's script anew in the sandbox, and what passed is added up.
--
--   nnlua scripts/grade.lua scripts/grade/checks.lua scripts/grade/student.lua [more.lua ...]
--
-- The file of checks returns a list. An entry has a name, points, and either what the script must print (`output`, given
-- `input`), or `check`: a function that gets the script's globals; it raises, or gives false, or a number of points.
-- Checks run beside the script, but with functions of Lua that it cannot have changed; what is nn's own it could change.

-- What runs inside: text that is piped in, so that the script has no directory and finds neither checks nor expected results.
local inside = [[
local word, checks, number, name, script = %q, %q, %d, %q, %q
local pcall, tostring, type, gsub, write = pcall, tostring, type, string.gsub, io.write
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
getmetatable("").__metatable = false -- or methods of strings would be the script's
local check = load(checks, "=checks", "t", ours)()[number].check
theirs.arg = {[0] = name}
local ok, result = pcall(function()
  assert(load(script, "@" .. name, "t", theirs))()
  return check(theirs)
end)
local points = ok and (type(result) == "number" and result or result ~= false and "all") or 0
result = ok and "" or gsub(tostring(result), "%%s+", " ")
write("\n", word, " ", points, " ", result, "\n")
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

local first = 0
while arg[first - 1] do
  first = first - 1
end
local nnlua = arg[first]

-- Runs nnlua in the sandbox on a file (or "-") with this input; gives what it printed, and its last words.
local function sandbox(checks, file, input)
  local inp, err = os.tmpname(), os.tmpname()
  write(inp, input)
  local p = assert(io.popen(("%s --sandbox --max-seconds %g --max-memory %s %s <%s 2>%s | head -c 1000000"):format(quote(nnlua),
    checks.seconds or 10, checks.memory or "1G", quote(file), inp, err)))
  local out = p:read "a"
  p:close()
  local said = read(err):gsub("^[^\n]*%-%-sandbox: this kernel[^\n]*\n", ""):match "^[^\n]*"
  os.remove(inp)
  os.remove(err)
  return out, (said:gsub("^.-nnlua: ", ""))
end

local function shown(s)
  return '"' .. s:sub(1, 200):gsub("\n", "\\n") .. '"'
end

-- The points of one check, and what went wrong.
local function printed(checks, check, script)
  local dir = os.tmpname()
  os.remove(dir)
  assert(os.execute("mkdir " .. dir))
  write(dir .. "/homework.lua", script)
  local out, err = sandbox(checks, dir .. "/homework.lua", check.input or "")
  os.execute("rm -r " .. dir)
  if out == check.output then
    return check.points, ""
  end
  return 0, err ~= "" and err or ("printed %s instead of %s"):format(shown(out), shown(check.output))
end

local random = assert(io.open("/dev/urandom", "rb"))

local function checked(checks, text, number, name, script)
  local word = random:read(16):gsub(".", function(c)
    return ("%02x"):format(c:byte())
  end)
  local out, err = sandbox(checks, "-", inside:format(word, text, number, name, script))
  local points, why = out:match("\n" .. word .. " (%S+) ([^\n]*)\n$")
  local most = checks[number].points
  if not points then
    return 0, err ~= "" and err or "the script ended the program"
  end
  return points == "all" and most or math.max(0, math.min(most, tonumber(points) or 0)), why
end

local function grade(checks, text, path)
  local script, name, sum, most = read(path), path:match "[^/]*$", 0, 0
  print(path)
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

if #arg < 2 then
  io.stderr:write("usage: nnlua scripts/grade.lua checks.lua student.lua [more.lua ...]\n")
  os.exit(1)
end
local text = read(arg[1])
local checks = assert(load(text, "@" .. arg[1], "t"))()
for i = 2, #arg do
  grade(checks, text, arg[i])
end
