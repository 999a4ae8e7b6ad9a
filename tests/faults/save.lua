-- Saving over a good file while memory fails, at each request in turn: what is there afterwards is the old file or the new one,
-- whole, and which of them it is is what was reported. Run with tests/faults/malloc.c loaded before the C library.
--   ./nnlua tests/faults/save.lua [npz|safetensors]

local nn = require "nn"

local path = os.tmpname()
local kinds = {
  safetensors = { function(p, t) nn.save(p, t) end, function(p) return nn.load(p) end },
  npz = { function(p, t) nn.io.npz(p, t) end, function(p) return nn.io.npz(p) end },
}
local old = { weight = nn.ones(2, 3), ["layer.bias"] = nn.arange(4) }
local new = { weight = nn.zeros(3, 2), ["layer.bias"] = nn.arange(5), more = nn.rand(3) }

local same = dofile("tests/faults/files.lua").same

local arm = os.getenv
local points, wrong = 0, 0
for _, kind in ipairs { arg[1] or "safetensors" } do
  local save, load = table.unpack(kinds[kind])
  for _, way in ipairs { "FAULT_MALLOC_%d", "FAULT_MALLOC_FROM_%d" } do
    for n = 1, 2000 do
      save(path, old)
      collectgarbage()
      local trigger = way:format(n)
      arm(trigger)
      local ok, why = pcall(save, path, new)
      arm "FAULT_MALLOC_0"
      points = points + 1
      local fine, there = pcall(load, path)
      local right = fine and same(there, ok and new or old)
      if not right then
        wrong = wrong + 1
        print(("%s, %s: %s, and then the file %s"):format(kind, trigger, ok and "reported success" or tostring(why),
          not fine and "cannot be read: " .. tostring(there) or same(there, old) and "is the old one"
            or same(there, new) and "is the new one" or "is neither"))
      end
      if ok and n > 400 then
        break
      end
    end
  end
end
os.remove(path)
print(("%d failures, %d wrong"):format(points, wrong))
os.exit(wrong == 0)
