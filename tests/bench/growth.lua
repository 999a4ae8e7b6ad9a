-- make bench-growth: how the time of a training step grows with batch, width and depth, and its memory with depth,
-- beside PyTorch's. Tables, and a plot where gnuplot is installed: build/growth.png.
--
--   ./nnlua tests/bench/growth.lua [ROUNDS]

local nn = require "nn"
local here = arg[0]:match "^(.*)/[^/]*$" or "."
package.path = here .. "/?.lua;" .. package.path
local workloads = require "workloads"
local peers = require "peers"
local stats = require "stats"

local rounds = math.tointeger(tonumber(arg[1] ~= "" and arg[1] or 5))
nn.set_num_threads(1)
local torch = peers.start_command(peers.torch(here))
print(torch and torch.version or "PyTorch is not here; for the comparison: apt-get install python3-torch")

-- batch, width, depth; what varies
local sweeps = {
  { "batch", "batch 1 to 4096 (width 256, 2 hidden layers)", {} },
  { "width", "width 16 to 4096 (batch 64, 2 hidden layers)", {} },
  { "depth", "depth 1 to 256 (batch 64, width 64)", {} },
}
for i = 0, 12 do
  table.insert(sweeps[1][3], { 1 << i, 256, 2 })
end
for i = 4, 12 do
  table.insert(sweeps[2][3], { 64, 1 << i, 2 })
end
for i = 0, 8 do
  table.insert(sweeps[3][3], { 64, 64, 1 << i })
end
local position = { batch = 1, width = 2, depth = 3 }

local function flops(batch, width, depth)
  return 6.0 * batch * (64 * width + (depth - 1) * width * width + width * 10)
end

-- How far each point lies above what its neighbours lead one to expect: the geometric mean of the two.
local function worst_cliff(points)
  local worst, at = 0, nil
  for i = 2, #points - 1 do
    local expected = math.sqrt(points[i - 1].per * points[i + 1].per)
    if points[i].per / expected > worst then
      worst, at = points[i].per / expected, points[i]
    end
  end
  return worst, at
end

local data = {}
for _, sweep in ipairs(sweeps) do
  local what, title, list = table.unpack(sweep)
  print(("\n%s\n%8s %14s %14s %14s %12s %12s"):format(title, what, "us a step", "ns a sample", "GFLOP/s", "PyTorch us", "ratio"))
  local points = {}
  data[what] = points
  for _, shape in ipairs(list) do
    local batch, width, depth = table.unpack(shape)
    nn.manual_seed(1)
    local step = nn.compile(workloads.grown(batch, width, depth))
    stats.time(step, 3)
    local work = flops(batch, width, depth)
    local count = math.max(1, math.min(2000, math.floor(4e8 / work)))
    local ours, theirs = {}, {}
    for _ = 1, rounds do
      table.insert(ours, stats.time(step, count))
      if torch then
        local name = ("grown:%d:%d:%d"):format(batch, width, depth)
        table.insert(theirs, torch:time(name, math.max(1, count // 8)))
      end
    end
    local us = stats.median(ours)
    points[#points + 1] = { x = shape[position[what]], us = us, per = us / batch, torch = torch and stats.median(theirs) }
    print(("%8d %14.2f %14.2f %14.2f %12s %12s"):format(shape[position[what]], us, us * 1e3 / batch, work / us / 1e3,
      torch and ("%.1f"):format(stats.median(theirs)) or "-", stats.number(stats.ratio(ours, theirs))))
    step:reset()
    collectgarbage()
  end
  local worst, at = worst_cliff(points)
  print(("largest step above the neighbours' trend, in time a sample: %.2f (at %s %d; wanted: at most 1.3)"):format(worst, what,
    at.x))
end

print(("\nmemory of a training step against depth (batch 64, width 64), bytes beside parameters and their gradients\n%8s %14s "
  .. "%14s %14s"):format("depth", "compiled", "eager, peak", "PyTorch, peak"))
local memory = {}
for i = 0, 8 do
  local depth = 1 << i
  local parameters = 4 * (64 * 64 + 64 + (depth - 1) * (64 * 64 + 64) + 64 * 10 + 10)
  local step = workloads.grown(64, 64, depth)
  collectgarbage()
  local before = nn.memory().live
  nn.reset_peak_memory()
  step()
  local eager = nn.memory().peak - before - parameters
  local compiled = nn.compile(step)
  compiled()
  compiled()
  local theirs = torch and torch:time(("memory:64:64:%d"):format(depth), 1)
  memory[#memory + 1] = { depth, compiled:_info(1).arena, eager, theirs }
  print(("%8d %14d %14d %14s"):format(depth, compiled:_info(1).arena, eager, theirs and ("%.0f"):format(theirs - parameters) or "-"))
end
if torch then
  torch:stop()
end

-- ---- the plot ----

os.execute "mkdir -p build"
for what, points in pairs(data) do
  local f = assert(io.open("build/growth_" .. what .. ".txt", "w"))
  for _, p in ipairs(points) do
    f:write(("%g %g %s\n"):format(p.x, p.us, p.torch or "nan"))
  end
  f:close()
end
local gnuplot = io.popen("gnuplot 2>/dev/null", "w")
gnuplot:write [[
set terminal pngcairo size 1500,480 font "DejaVu Sans,11"
set output "build/growth.png"
set multiplot layout 1,3
set logscale xy
set grid
set key top left
set ylabel "microseconds a step, one thread"
]]
for _, sweep in ipairs(sweeps) do
  gnuplot:write(("set xlabel '%s'\nplot 'build/growth_%s.txt' using 1:2 with linespoints lw 2 title 'nnlua, compiled', "
    .. "'' using 1:3 with linespoints lw 2 title 'PyTorch'\n"):format(sweep[2], sweep[1]))
end
gnuplot:write "unset multiplot\n"
print(gnuplot:close() and "\nplot: build/growth.png" or "\nno plot; for one: apt-get install gnuplot-nox")
