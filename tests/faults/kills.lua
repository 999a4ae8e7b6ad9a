-- kill -9 at random instants of programs that write files again and again: what is there afterwards is whole, and what they
-- have left behind is removed by the next one that writes there after an hour.
--   ./nnlua tests/faults/kills.lua SEED COUNT

local nn = require "nn"

local M = {}

local writer = [[
local nn = require "nn"
local path = %q
io.open(path .. "/begun", "w"):close()
local sets = { { w = nn.zeros(20000), n = 0 }, { w = nn.ones(30000), n = 1 } }
for i = 1, 1e9 do
  local t = sets[i %% 2 + 1]
  nn.save(path .. "/a.safetensors", t)
  nn.io.npz(path .. "/a.npz", { w = t.w }, { compress = i %% 3 == 0 })
  nn.io.npy(path .. "/a.npy", t.w)
end
]]

local function whole(w)
  return (#w == 20000 and w:sum():item() == 0) or (#w == 30000 and w:sum():item() == 30000)
end

---Gives how many files were broken, of how many that were looked at, and how many were left behind by their writers.
function M.run(seed, count, program)
  local r = nn.Generator(seed)
  local files = dofile "tests/faults/files.lua"
  local directory = files.directory()
  local script = directory .. "/writer.lua"
  local f = assert(io.open(script, "w"))
  f:write(writer:format(directory))
  f:close()
  local wrong, seen = 0, 0
  local readers = { ["a.safetensors"] = function(p) return nn.load(p).w end, ["a.npz"] = function(p) return nn.io.npz(p).w end,
    ["a.npy"] = nn.io.npy }
  for n = 1, count do
    local seconds = 0.03 * nn.rand({ 1 }, { generator = r }):item()
    os.remove(directory .. "/begun") -- it takes its time to start where much else runs
    os.execute(("'%s' '%s' & pid=$!; while [ ! -e '%s/begun' ]; do sleep 0.002; done; sleep %.4f; kill -KILL $pid; "
      .. "wait $pid 2>/dev/null"):format(program, script, directory, seconds))
    for name, read in pairs(readers) do
      local path = directory .. "/" .. name
      local there = io.open(path)
      if there then
        there:close()
        seen = seen + 1
        local ok, w = pcall(read, path)
        if not ok or not whole(w) then
          wrong = wrong + 1
          print(("seed %d, kill %d: %s: %s"):format(seed, n, name, ok and "other values" or tostring(w)))
        end
      end
    end
  end
  local _, left = files.names(directory):gsub("%.nnlua%-", "")
  files.remove(directory)
  return wrong, seen, left
end

if arg and arg[0] and arg[0]:find "kills.lua$" then
  local seed, count = math.tointeger(tonumber(arg[1] or 1)), math.tointeger(tonumber(arg[2] or 100))
  local wrong, seen, left = M.run(seed, count, arg[-1])
  print(("seed %d: %d kills, %d files looked at, %d wrong; %d left to the next start"):format(seed, count, seen, wrong, left))
  os.exit(wrong == 0)
end

return M
