-- A disk that is full: each writer over a good file, with less and less room. What is there afterwards is the old file or
-- the new one, whole; which one is what was reported; nothing else is left behind.
--   unshare -rm sh -c 'mount -t tmpfs -o size=256k none DIR && ./nnlua tests/faults/full.lua DIR'

local nn = require "nn"

local files = dofile "tests/faults/files.lua"
local directory = assert(arg[1], "which directory? It is filled up.")
local small, large = { w = nn.arange(20) }, { w = nn.arange(9000), b = nn.ones(3) }

local function read(path)
  local f = io.open(path, "rb")
  local text = f and f:read "a"
  if f then
    f:close()
  end
  return text
end

local function fit(path)
  nn.manual_seed(1)
  local model = nn.Linear(4, 2)
  nn.train.fit { model = model, loss = nn.MSELoss(), optimizer = nn.optim.SGD(model:parameters()),
    train = nn.data.tensors(nn.randn(8, 4), nn.randn(8, 2)):loader { batch_size = 4 }, epochs = 2, progress = "none",
    out = path:match "^(.*)/" }
end

-- name, file, writer(path, new)
local writers = {
  { "safetensors", "a.safetensors", function(p, new) nn.save(p, new and large or small) end },
  { "npz", "a.npz", function(p, new) nn.io.npz(p, new and large or small) end },
  { "compressed npz", "a.npz", function(p, new) nn.io.npz(p, new and large or small, { compress = true }) end },
  { "npy", "a.npy", function(p, new) nn.io.npy(p, (new and large or small).w) end },
  { "fit", "history.json", fit },
}
if nn.plot.available() then
  for _, kind in ipairs { "png", "svg", "pdf" } do
    writers[#writers + 1] = { kind, "a." .. kind, function(p, new)
      nn.plot.line({ y = new and nn.arange(300):sin() or nn.arange(3) }, { file = p })
    end }
  end
end

-- Leaves so many bytes free, about.
local function fill(free)
  local f = assert(io.open(directory .. "/filler", "wb"))
  f:setvbuf "no"
  local all = 0
  while f:write(("x"):rep(4096)) do
    all = all + 4096
  end
  f:close()
  f = assert(io.open(directory .. "/filler", "wb"))
  f:write(("x"):rep(math.max(0, all - free)))
  f:close()
end

local points, wrong = 0, 0
for _, w in ipairs(writers) do
  local name, file, write = table.unpack(w)
  local path = directory .. "/" .. file
  local refused = 0
  for free = 0, 26 * 4096, 4096 do
    os.execute(("rm -rf '%s'/*"):format(directory))
    write(path, true)
    local new = read(path)
    write(path, false)
    local old, before = read(path), files.names(directory)
    fill(free)
    local ok, why = pcall(write, path, true)
    local there = read(path)
    os.remove(directory .. "/filler")
    points, refused = points + 1, refused + (ok and 0 or 1)
    local pictures = name == "pdf" -- it says when it was made
    local right = ok and (there == new or pictures and #there == #new) or not ok and there == old
    local names = files.names(directory)
    if name == "fit" then -- the run before is put aside, whole; each epoch writes: any of them may be the last
      local aside = read(directory .. "/earlier-2/history.json") or there
      right = aside == old and (there == nil or there:find "^%[.*%]%s*$" ~= nil) and not names:find(".tmp", 1, true)
      names = before
    end
    if not right or names ~= before or not ok and not tostring(why):find(directory, 1, true) then
      wrong = wrong + 1
      print(("%s, %d bytes free: %s; the file %s; left: %s"):format(name, free, ok and "reported success" or tostring(why),
        there == old and "is the old one" or there == new and "is the new one" or "is neither", files.names(directory):gsub("\n", " ")))
    end
  end
  print(("%-16s refused %2d of 27"):format(name, refused))
end
print(("%d failures, %d wrong"):format(points, wrong))
os.exit(wrong == 0)
