-- Memory that fails at each request in turn, of the process as a whole (libraries too), in everything a script does: each
-- operation gives what it gave without a fault or an error, and afterwards it works again. Run with tests/faults/malloc.c
-- loaded before the C library; what is kept for reuse is given back first, so that requests reach it.
--   ./nnlua tests/faults/everything.lua [NAME|all] [quick]

local nn = require "nn"
local core = require "nn.core"

local files = dofile "tests/faults/files.lua"
local directory = files.directory()
local file = directory .. "/a"
nn.save(file .. ".safetensors", { w = nn.arange(6):reshape(2, 3), note = "x", deep = { 1, 2, { 3 } } })
nn.io.npz(file .. ".npz", { a = nn.arange(5), b = nn.ones(2, 2) }, { compress = true })
nn.io.npy(file .. ".npy", nn.arange(7))
core.write_file(file .. ".csv", "a,b,c\n1,x,2.5\n2,\"y \"\"z\",3\n3,x,4\n")
local matrix = nn.randn({ 6, 6 }, { generator = nn.Generator(3) })

local function bits(...)
  local parts = {}
  for i = 1, select("#", ...) do
    local v = select(i, ...)
    parts[i] = core.is_tensor(v) and core.json_encode(v:detach():totable()) or tostring(v)
  end
  return table.concat(parts, " ")
end

local function training(compiled)
  return function()
    nn.manual_seed(4)
    local model = nn.Sequential(nn.Linear(3, 8), nn.BatchNorm1d(8), nn.ReLU(), nn.Dropout(0.2), nn.Linear(8, 2))
    local opt, loss = nn.optim.AdamW(model:parameters()), nn.CrossEntropyLoss()
    local x, y = nn.randn(16, 3), nn.randint(1, 2, { 16 })
    local function step()
      opt:zero_grad()
      loss(model(x), y):backward()
      opt:step()
    end
    step = compiled and nn.compile(step) or step
    for _ = 1, 3 do
      step()
    end
    return bits(table.unpack(model:parameters()))
  end
end

local operations = {
  eager = training(false),
  compiled = training(true),
  load = function() return bits(nn.load(file .. ".safetensors").w) end,
  save = function() nn.save(file .. "2.safetensors", { w = matrix, t = { a = { 1, "x" } } }) return bits(nn.load(file .. "2.safetensors").w) end,
  npz = function() return bits(nn.io.npz(file .. ".npz").a) end,
  npz_write = function() nn.io.npz(file .. "2.npz", { m = matrix }) return bits(nn.io.npz(file .. "2.npz").m) end,
  npy = function() return bits(nn.io.npy(file .. ".npy")) end,
  csv = function()
    local x, names, classes = nn.io.csv(file .. ".csv", { columns = { "b", "a" } })
    return bits(x) .. names[1] .. classes.b[2]
  end,
  csv_write = function() nn.io.csv(file .. "2.csv", matrix) return bits((nn.io.csv(file .. "2.csv"))) end,
  json = function() return core.json_encode(core.json_decode '{"a":[1,2,{"b":"text"}],"c":1.5}') end,
  rex = function() return bits(nn.rex.gsub("hello world", "(?<x>o|l+)", "<%1>")) end,
  rex_loop = function()
    local t = {}
    for a in nn.rex.gmatch("a1b22c333", "\\d+") do
      t[#t + 1] = a
    end
    return table.concat(t, ",")
  end,
  linalg = function() return bits(nn.svd(matrix)) .. bits(nn.solve(matrix, matrix)) .. bits(nn.qr(matrix)) end,
  autograd = function()
    local x = nn.arange(4, { dtype = "float64" }):requires_grad_()
    local g = nn.grad((x * x * x):sum(), { x }, { create_graph = true })[1]
    return bits(nn.grad(g:sum(), { x })[1])
  end,
  data = function()
    local d = nn.data.moons { n = 20, noise = 0 }
    local n = 0
    for x in d:loader { batch_size = 6 } do
      n = n + #x
    end
    return n
  end,
  show = function() return tostring(matrix) .. tostring(nn.Linear(2, 2)) end,
  index = function() return bits(matrix[{ { 1, 3 }, 2 }], matrix[matrix:gt(0)], matrix:t():contiguous()) end,
  fit = function()
    nn.manual_seed(1)
    local m = nn.Linear(3, 1)
    local run = nn.train.fit { model = m, loss = nn.MSELoss(), optimizer = nn.optim.SGD(m:parameters()), epochs = 2,
      train = nn.data.tensors(nn.randn(8, 3), nn.randn(8, 1)):loader { batch_size = 4 }, progress = "none", out = directory .. "/run" }
    return bits(m.weight, run.steps)
  end,
  layers = function() return tostring(nn.Sequential(nn.Conv2d(1, 2, 3), nn.Flatten(), nn.LSTM(4, 4))) end,
}

local arm = os.getenv
local points, failed, wrong = 0, 0, 0
local names = {}
for name in pairs(operations) do
  names[#names + 1] = name
end
table.sort(names)
for _, name in ipairs(arg[1] and arg[1] ~= "all" and { arg[1] } or names) do
  local f = operations[name]
  local want = f()
  for _, way in ipairs { "FAULT_MALLOC_%d", "FAULT_MALLOC_FROM_%d" } do
    local n, struck = 1, true
    while struck do
      collectgarbage()
      core.memory_trim()
      local trigger = way:format(n)
      arm(trigger)
      local ok, got = pcall(f)
      arm "FAULT_MALLOC_0"
      struck = arm "FAULT_MALLOC_STRUCK" ~= nil
      points = points + (struck and 1 or 0)
      if ok and got ~= want or not ok and not tostring(got):find "memory" then
        wrong = wrong + 1
        print(("%s, %s: %s"):format(name, trigger, ok and "another result" or tostring(got)))
      end
      failed = failed + (ok and 0 or 1)
      local again, what = pcall(f)
      if not again or what ~= want then
        wrong = wrong + 1
        print(("%s, after %s: %s"):format(name, trigger, again and "another result" or tostring(what)))
      end
      n = n + 1 + n // (arg[2] == "quick" and 8 or 64)
    end
  end
end
files.remove(directory)
print(("%d failures put in, %d operations failed, %d wrong"):format(points, failed, wrong))
os.exit(wrong == 0)
