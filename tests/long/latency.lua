-- How long a Ctrl-C takes inside of one long call, for calls of many kinds: the time from the signal to the error.
--   ./nnlua tests/long/latency.lua          each in a process of its own; all must take less than 0.1 seconds
--   ./nnlua tests/long/latency.lua svd

local nn = require "nn"

-- A function that prepares, and gives what is interrupted.
local calls = {
  product = function() local x = nn.ones(4096, 4096) return function() x:matmul(x) end end,
  lstsq = function() local a, b = nn.randn(5000, 1500), nn.randn(5000, 1) return function() nn.lstsq(a, b) end end,
  multinomial = function() local w = nn.rand(1000000) return function() nn.multinomial(w, 1000000) end end,
  eigh = function() local a = nn.randn(2500, 2500) a = a + a:t() return function() nn.linalg.eigh(a) end end,
  svd = function() local a = nn.randn(1500, 1500) return function() nn.svd(a) end end,
  matrix_exp = function() local a = nn.randn(2500, 2500) return function() nn.matrix_exp(a) end end,
  solve = function() local a = nn.randn(6000, 6000) return function() nn.solve(a, a) end end,
  npz = function()
    local a, path = nn.randn(20000000), os.tmpname()
    return function() nn.io.npz(path, { a = a }, { compress = true }) end, path
  end,
  safetensors = function()
    local a, path = nn.randn(20000000), os.tmpname() .. ".safetensors"
    return function() nn.save(path, { a = a }) end, path
  end,
  separable = function()
    local x, y = nn.randn(3000, 300), nn.randint(1, 2, { 3000 })
    return function() nn.theory.separable(x, y) end
  end,
  regular_expression = function() local s = ("a"):rep(30000) return function() pcall(nn.rex.find, s, "(a+)+b") local _ = nn.ones(1) end end,
  sort = function() local a = nn.randn(50000000) return function() a:sort() end end,
  unique = function() local a = nn.randint(1, 1 << 40, { 30000000 }) return function() a:unique() end end,
  json = function()
    local t = {}
    for i = 1, 3000000 do
      t[i] = i
    end
    return function() require("nn.core").json_encode(t) end
  end,
  convolution = function() local m, x = nn.Conv2d(64, 64, 3), nn.randn(64, 64, 64, 64) return function() m(x) end end,
  recurrence = function() local m, x = nn.LSTM(256, 512), nn.randn(500, 32, 256) return function() m(x) end end,
  backward = function() local m, x = nn.LSTM(256, 512), nn.randn(400, 32, 256) return function() m(x):sum():backward() end end,
  lua = function() return function() local n = 0 for i = 1, 1e9 do n = n + i end end end,
  coroutines = function()
    return function() coroutine.wrap(function() coroutine.wrap(function() while true do end end)() end)() end
  end,
}

local function one(name)
  local f = assert(io.open "/proc/self/stat")
  local pid = f:read "n"
  f:close()
  local function now()
    local u = assert(io.open "/proc/uptime")
    local t = u:read "n"
    u:close()
    return t
  end
  local call, path = calls[name]()
  local p = assert(io.popen(("sleep 0.3; cat /proc/uptime; kill -INT %d"):format(pid)))
  local ok, why = pcall(function()
    while true do
      call()
    end
  end)
  local at = now()
  local took = at - p:read "n"
  if path then
    os.remove(path)
  end
  local fine = not ok and tostring(why):find("interrupted!", 1, true) and took < 0.1
    and nn.svd(nn.eye(3)) and nn.ones(2):sum():item() == 2
  print(("%-20s %4.0f ms%s"):format(name, took * 1000, fine and "" or "  WRONG: " .. tostring(why)))
  os.exit(fine)
end

if arg[1] then
  one(arg[1])
end
local names, failed = {}, 0
for name in pairs(calls) do
  names[#names + 1] = name
end
table.sort(names)
for _, name in ipairs(names) do
  if not os.execute(("env --default-signal=INT %s %s %s"):format(arg[-1], arg[0], name)) then
    failed = failed + 1
  end
end
print(("%d calls interrupted, %d late or wrong"):format(#names, failed))
os.exit(failed == 0)
