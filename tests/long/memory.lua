-- A loop that makes and drops 100 GB of temporaries stays under 200 MB resident, without collectgarbage.
--   ./nnlua tests/long/memory.lua [gigabytes]

local nn = require "nn"

local function resident()
  for line in io.lines "/proc/self/status" do
    local kb = line:match "^VmHWM:%s+(%d+)"
    if kb then
      return tonumber(kb) / 1024
    end
  end
end

local wanted, made = tonumber(arg[1] or 100) * 1e9, 0
local x = nn.zeros(1000000)
local sizes = { 1000, 50000, 1000000 }
local small = nn.zeros(1000)
local i = 0
while made < wanted do
  i = i + 1
  if i % 10 == 0 then
    local _ = nn.zeros(sizes[i % 3 + 1]):add(1)
    made = made + 8 * sizes[i % 3 + 1]
  end
  local _ = x + 1
  local _ = small * 2
  made = made + 4e6 + 4e3
end
local peak = resident()
print(("%.0f GB of temporaries, peak resident memory %.0f MB"):format(made / 1e9, peak))
os.exit(peak < 200)
