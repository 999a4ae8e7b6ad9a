-- make bench: times training steps, ours eager and compiled, and those of the peers that are installed, on one thread
-- each, in turn over several rounds; prints medians, spread and ratios. Writes build/bench.json beside.
--
--   ./nnlua tests/bench/run.lua [ROUNDS] [KANN_SOURCE] [NAMES, such as "W6 E1": these workloads alone]

local nn = require "nn"
local here = arg[0]:match "^(.*)/[^/]*$" or "."
package.path = here .. "/?.lua;" .. package.path
local workloads = require "workloads"
local peers = require "peers"
local stats = require "stats"

local rounds = math.tointeger(tonumber(arg[1] ~= "" and arg[1] or 15))
local median = stats.median
local chosen = workloads.choose(arg[3] or "")

-- ---- the machine ----

local function machine()
  local name, n = "unknown processor", 0
  for line in io.lines "/proc/cpuinfo" do
    name = line:match "^model name%s*:%s*(.*)$" or name
    n = n + (line:find "^processor" and 1 or 0)
  end
  return ("%s, %d cores"):format(name, n)
end

local v = nn.versions()
print(("nnlua %s, %s kernels, %s"):format(v.nnlua, v.kernels, v.gemm))
print(machine())
print(("OPENBLAS_CORETYPE: %s"):format(os.getenv "OPENBLAS_CORETYPE" or "not set"))
local list, missing = peers.start(here, arg[2] ~= "" and arg[2] or nil)
for _, p in ipairs(list) do
  print(p[2].version)
end
for _, hint in ipairs(missing) do
  print("not here: " .. hint)
end

-- ---- measuring ----

local time = stats.time
local results = {}
local function measure(w)
  nn.manual_seed(1)
  nn.set_num_threads(1)
  local eager, for_two = w.make(), w.make()
  local compiled, two = nn.compile(w.make()), nn.compile(for_two)
  local r = { eager = {}, compiled = {}, two = {}, peers = {} }
  time(eager, 2)
  time(compiled, 3)
  time(two, 3)
  for _ = 1, w.rounds and math.min(w.rounds, rounds) or rounds do
    table.insert(r.eager, time(eager, w.steps < 100 and w.steps or w.steps // 4))
    table.insert(r.compiled, time(compiled, w.steps))
    nn.set_num_threads(2)
    time(two, 1)
    table.insert(r.two, time(two, w.steps))
    nn.set_num_threads(1)
    for _, p in ipairs(list) do
      local fast = p[1] == "KANN" or w.steps < 100
      local us = p[2]:time(w.name, fast and w.steps or w.steps // 8)
      r.peers[p[1]] = r.peers[p[1]] or {}
      table.insert(r.peers[p[1]], us)
    end
  end
  results[w.name] = r
end
for _, w in ipairs(chosen) do
  io.stderr:write(w.name, " ")
  measure(w)
end
io.stderr:write "\n"

-- ---- the tables ----

print(("\nMicroseconds a step on one thread, median of %d rounds in turn (lowest .. highest)\n"):format(rounds))
local cells = { "compiled", "eager", "compiled, 2 threads" }
for _, p in ipairs(list) do
  cells[#cells + 1] = p[1]
end
print(("%-46s"):format "" .. table.concat(stats.columns(cells, 30)))
for _, w in ipairs(chosen) do
  local r = results[w.name]
  local row = { stats.spread(r.compiled), stats.spread(r.eager), stats.spread(r.two) }
  for _, p in ipairs(list) do
    row[#row + 1] = stats.spread(r.peers[p[1]])
  end
  print(("%-4s%-42s"):format(w.name, w.title) .. table.concat(stats.columns(row, 30)))
end

print "\nRatios of times, medians over the rounds (lower is better; in brackets what is wanted)\n"
print(("%-6s%-26s%-24s%-20s%-20s%s"):format("", "compiled / PyTorch", "eager / PyTorch", "compiled / KANN",
  "compiled / sklearn", "2 threads / 1"))
local report = { rounds = rounds, machine = machine(), versions = v, peers = {}, workloads = {} }
for _, p in ipairs(list) do
  report.peers[p[1]] = p[2].version
end
for _, w in ipairs(chosen) do
  local r = results[w.name]
  local torch, kann, sk = r.peers.PyTorch, r.peers.KANN, r.peers["scikit-learn"]
  local a, b = stats.ratio(r.compiled, torch), stats.ratio(r.eager, torch)
  print(("%-6s%-26s%-24s%-20s%-20s%s"):format(w.name, stats.bounded(a, w.bound[1]), stats.bounded(b, w.bound[2]),
    stats.number(stats.ratio(r.compiled, kann)), stats.number(stats.ratio(r.compiled, sk)),
    stats.number(stats.ratio(r.two, r.compiled))))
  report.workloads[w.name] = { title = w.title, compiled = r.compiled, eager = r.eager, two_threads = r.two,
    peers = r.peers, compiled_to_torch = a, eager_to_torch = b, median = median(r.compiled) }
end
local torch = list[1] and list[1][1] == "PyTorch" and list[1][2] or nil
if #chosen == #workloads.list then
  report.epochs = require("epochs").run(torch, math.min(rounds, 3))
end
for _, p in ipairs(list) do
  p[2]:stop()
end
os.execute "mkdir -p build"
local f = assert(io.open("build/bench.json", "w"))
f:write(require("nn.core").json_encode(report), "\n")
f:close()
print "\nAll samples: build/bench.json. How time and memory grow: make bench-growth."
