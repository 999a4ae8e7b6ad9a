-- Running programs from tests.

local M = {}

M.nnlua = os.getenv "NNLUA" or "./nnlua"

local function quote(s)
  return "'" .. s:gsub("'", "'\\''") .. "'"
end
M.quote = quote

---Runs a shell command; gives standard output, standard error and the exit status.
function M.run(command, input)
  local err, inp = os.tmpname(), os.tmpname()
  local f = assert(io.open(inp, "w"))
  f:write(input or "")
  f:close()
  local p = assert(io.popen(("( %s ) <%s 2>%s; echo \" status=$?\""):format(command, inp, err)))
  local out = p:read "a"
  p:close()
  local e = assert(io.open(err))
  local errors = e:read "a"
  e:close()
  os.remove(err)
  os.remove(inp)
  local text, status = out:match "^(.*) status=(%d+)\n$"
  return text, errors, tonumber(status)
end

---Writes a script to a temporary file, runs nnlua on it in its directory, and removes it. `name` is what errors show.
function M.script(text, options, name)
  local dir = os.tmpname()
  os.remove(dir)
  os.execute("mkdir " .. dir)
  name = name or "script.lua"
  local f = assert(io.open(dir .. "/" .. name, "w"))
  f:write(text)
  f:close()
  local program = M.nnlua:sub(1, 1) == "/" and M.nnlua or (io.popen("pwd"):read "l" .. "/" .. M.nnlua)
  local out, err, status = M.run(("cd %s && %s %s %s"):format(dir, program, options or "", name))
  os.execute("rm -r " .. dir)
  return out, err, status
end

return M
