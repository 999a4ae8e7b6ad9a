-- A board that is started for a test, and clients that need no other program than bash.

local core = require "nn.core"
local process = require "process"

local M = {}
M.__index = M

---A directory that nobody has.
function M.new_directory()
  local name = os.tmpname()
  os.remove(name)
  core.make_directory(name)
  return name
end

function M.put(path, text)
  core.make_directory(path:match "^(.*)/")
  local f = assert(io.open(path, "wb"))
  f:write(text)
  f:close()
end

function M.add(path, text)
  local f = assert(io.open(path, "ab"))
  f:write(text)
  f:close()
end

---A run as nn.lab writes one; done: its result.json.
function M.put_run(directory, parameters, rows, done)
  M.put(directory .. "/run.json", core.json_encode { format = 1, name = "trial", parameters = parameters,
    started = "2026-11-24T10:15:02" })
  local lines = {}
  for i = 1, rows do
    lines[i] = ('{"epoch":%d,"loss":%.17g}\n'):format(i, 1 / i)
  end
  M.put(directory .. "/history.jsonl", table.concat(lines))
  M.put(directory .. "/lock", "")
  if done then
    M.put(directory .. "/result.json", core.json_encode(done))
  end
end

local function read_all(path)
  local f = assert(io.open(path, "rb"))
  local text = f:read "a"
  f:close()
  return text
end
M.read_all = read_all

---Starts `nnlua board`, or with limits a script that calls what it calls; gives it when it listens.
function M.start(directory, limits)
  local self = setmetatable({ log = os.tmpname() }, M)
  local nnlua = core.real_path(process.nnlua)
  if limits then
    self.script = os.tmpname()
    M.put(self.script, ("require('nn.lab.board').serve(%q, 0, %s)"):format(directory, limits))
    self.process = assert(core.start({ nnlua, self.script }, self.log))
  else
    self.process = assert(core.start({ nnlua, "board", directory, "--port", "0" }, self.log))
  end
  for _ = 1, 1000 do
    self.port = tonumber(read_all(self.log):match "http://127.0.0.1:(%d+)/")
    if self.port or self.process:poll() then
      break
    end
    core.sleep(0.01)
  end
  assert(self.port, read_all(self.log))
  return self
end

---Ends it by a signal; gives how it ended, after how many seconds, and what it printed.
function M:stop(signal)
  local began = core.time()
  self.process:kill(signal or "term")
  local kind, number = self.process:poll()
  while not kind and core.time() - began < 60 do
    core.sleep(0.005)
    kind, number = self.process:poll()
  end
  local seconds, text = core.time() - began, read_all(self.log)
  os.remove(self.log)
  os.remove(self.script or "")
  return kind, number, seconds, text
end

---Runs a bash script that has the port in $PORT and the function `open`, which opens a connection as number 3; gives what it
---prints.
function M:bash(script)
  local name = os.tmpname()
  M.put(name, ("PORT=%d; open() { exec 3<>/dev/tcp/127.0.0.1/$PORT; }\n%s\n"):format(self.port, script))
  local out = process.run("bash " .. name .. " 2>&1")
  os.remove(name)
  return out
end

---Sends these bytes and gives all that comes back.
function M:send(bytes)
  local name = os.tmpname()
  M.put(name, bytes)
  local out = self:bash(("open; cat %s >&3; timeout 20 cat <&3"):format(name))
  os.remove(name)
  return out
end

---A request; gives the status, the body and the headers (as text).
function M:get(path, o)
  o = o or {}
  local text = self:send(("%s %s HTTP/1.1\r\n%sConnection: close\r\n%s\r\n"):format(o.method or "GET", path,
    o.host == false and "" or ("Host: %s\r\n"):format(o.host or "127.0.0.1:" .. self.port), o.headers or ""))
  local headers, body = text:match "^(.-\r\n)\r\n(.*)$"
  return tonumber(text:match "^HTTP/1.1 (%d+)"), body, headers or text
end

---The same for JSON.
function M:json(path)
  local status, body = self:get(path)
  assert(status == 200, ("%s: %s"):format(path, tostring(status)))
  local value, why = core.json_decode(body)
  return assert(value, why)
end

---Calls f until it gives something.
function M.wait_for(f)
  for _ = 1, 400 do
    local value = f()
    if value then
      return value
    end
    core.sleep(0.05)
  end
end

return M
