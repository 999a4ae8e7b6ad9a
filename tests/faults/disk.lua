-- Calls that write fail in turn, or write half: each writer over a good file. What is there afterwards is the old file or the
-- new one, whole, which one is what was reported, and nothing is left beside it (but where removing it was struck). Run with
-- tests/faults/io.c loaded before the C library.
--   ./nnlua tests/faults/disk.lua

local nn = require "nn"
local core = require "nn.core"

local files = dofile "tests/faults/files.lua"
local same = files.same
local directory = files.directory()
local old, new = { weight = nn.ones(2, 3), b = nn.arange(4) }, { weight = nn.zeros(3, 2), b = nn.arange(5000), more = nn.ones(3) }
local writers = {
  { "a.safetensors", nn.save, nn.load },
  { "a.npz", nn.io.npz, nn.io.npz },
  { "a.npy", function(p, t) nn.io.npy(p, t.b) end, function(p) return { b = nn.io.npy(p) } end, function(t) return { b = t.b } end },
  { "a.json", function(p, t) core.write_file(p, core.json_encode { #t.b }) end, function(p)
    local f = assert(io.open(p))
    local text = f:read "a"
    f:close()
    return { b = nn.zeros(core.json_decode(text)[1]) }
  end, function(t) return { b = nn.zeros(#t.b) } end },
}

local arm = os.getenv
local points, refused, wrong = 0, 0, 0
for _, w in ipairs(writers) do
  local path, write, read, part = directory .. "/" .. w[1], w[2], w[3], w[4] or function(t) return t end
  for _, way in ipairs { "FAULT_IO_%d", "FAULT_IO_FROM_%d", "FAULT_IO_SHORT_%d" } do
    local n, struck = 1, true
    while struck do
      os.execute(("rm -f '%s'/*"):format(directory))
      write(path, old)
      arm(way:format(n))
      local ok, why = pcall(write, path, new)
      arm "FAULT_IO_0"
      struck = arm "FAULT_IO_STRUCK" ~= nil
      points, refused = points + (struck and 1 or 0), refused + (ok and 0 or 1)
      local fine, there = pcall(read, path)
      local right = fine and (same(there, part(ok and new or old)) or not ok and same(there, part(new)))
      if not right or files.names(directory) ~= w[1] .. "\n" then
        wrong = wrong + 1
        print(("%s, %s: %s; the file %s; there is: %s"):format(w[1], way:format(n), ok and "reported success" or tostring(why),
          not fine and tostring(there) or same(there, part(old)) and "is the old one" or same(there, part(new)) and "is the new one"
            or "is neither", files.names(directory):gsub("\n", " ")))
      end
      n = n + 1
    end
  end
end
files.remove(directory)
print(("%d failures put in, %d refused, %d wrong"):format(points, refused, wrong))
os.exit(wrong == 0)
