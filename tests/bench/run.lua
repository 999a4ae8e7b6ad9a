-- make bench: times training steps, ours and PyTorch's (if Debian's python3-torch is there), on one thread each, in turn
-- over several rounds, and prints medians and ratios. Writes build/bench.json beside.
--
--   ./nnlua tests/bench/run.lua [rounds]

local nn = require "nn"
local here = arg[0]:match "^(.*)/[^/]*$" or "."
package.path = here .. "/?.lua;" .. package.path
local workloads = require "workloads"

local rounds = math.tointeger(tonumber(arg[1] or 15))
nn.set_num_threads(1)
nn.manual_seed(1)

-- A peer process answers over a pair of named pipes.
local peer = {}
function peer.start()
  local dir = os.tmpname()
  os.remove(dir)
  os.execute(("mkdir -p %s && mkfifo %s/out"):format(dir, dir))
  peer.dir = dir
  peer.pipe = io.popen(("/usr/bin/python3 %s/peer_torch.py 1 >%s/out 2>/dev/null || echo failed >%s/out"):format(here, dir, dir), "w")
  peer.out = io.open(dir .. "/out")
  local first = peer.out:read "l" or ""
  peer.version = first:match "^ready (.*)$"
  return peer.version ~= nil
end
function peer.time(name, steps)
  peer.pipe:write(name, " ", steps, "\n")
  peer.pipe:flush()
  return tonumber(peer.out:read "l")
end
function peer.stop()
  peer.pipe:close()
  peer.out:close()
  os.execute("rm -r " .. peer.dir)
end

local function time_ours(step, count)
  local began = nn.time()
  for _ = 1, count do
    step()
  end
  return (nn.time() - began) / count * 1e6
end

local function quantile(list, q)
  local sorted = table.move(list, 1, #list, 1, {})
  table.sort(sorted)
  return sorted[math.max(1, math.ceil(q * #sorted))]
end

local v = nn.versions()
print(("nnlua %s, %s kernels, %s"):format(v.nnlua, v.kernels, v.gemm))
local has_peer = peer.start()
print(has_peer and ("PyTorch %s"):format(peer.version) or "PyTorch is not here; for the comparison: apt-get install python3-torch")

local ours, theirs, steps = {}, {}, {}
for _, name in ipairs(workloads.order) do
  local step, count = workloads[name]()
  steps[name] = { step, count }
  ours[name], theirs[name] = {}, {}
  time_ours(step, 20)
end
for _ = 1, rounds do
  for _, name in ipairs(workloads.order) do
    local step, count = table.unpack(steps[name])
    table.insert(ours[name], time_ours(step, count))
    if has_peer then
      table.insert(theirs[name], peer.time(name, math.max(20, count // 4)))
    end
  end
end
peer.stop()

print(("%d rounds in turn, one thread, microseconds a step: median (lowest .. highest)\n"):format(rounds))
print(("%-44s %-28s %-28s %s"):format("workload", "nnlua, eager", "PyTorch", "ratio (wanted)"))
local report = { rounds = rounds, versions = v, torch = peer.version, workloads = {} }
for _, name in ipairs(workloads.order) do
  local function cell(list)
    return ("%9.2f (%.2f .. %.2f)"):format(quantile(list, 0.5), quantile(list, 0), quantile(list, 1))
  end
  local ratio
  if has_peer then
    local ratios = {}
    for i = 1, rounds do
      ratios[i] = ours[name][i] / theirs[name][i]
    end
    ratio = quantile(ratios, 0.5)
  end
  print(("%-44s %-28s %-28s %s"):format(workloads.titles[name], cell(ours[name]), has_peer and cell(theirs[name]) or "-",
    ratio and ("%.3f (%.2f)"):format(ratio, workloads.bounds[name]) or "-"))
  report.workloads[name] = { ours = ours[name], torch = theirs[name], ratio = ratio }
end
os.execute "mkdir -p build"
local f = assert(io.open("build/bench.json", "w"))
f:write(require("nn.core").json_encode(report), "\n")
f:close()
