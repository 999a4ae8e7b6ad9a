-- Other libraries as processes that answer over pipes: "NAME STEPS" gives the microseconds a step took, or "-".

local M = {}

local Peer = {}
Peer.__index = Peer

local function start(command)
  local dir = os.tmpname()
  os.remove(dir)
  os.execute(("mkdir -p %s && mkfifo %s/out"):format(dir, dir))
  local self = setmetatable({ dir = dir }, Peer)
  self.pipe = io.popen(("%s >%s/out 2>%s/err || echo failed >%s/out"):format(command, dir, dir, dir), "w")
  self.out = io.open(dir .. "/out")
  self.version = (self.out:read "l" or ""):match "^ready (.*)$"
  if not self.version then
    self:stop()
    return nil
  end
  return self
end

---Microseconds a step, or nil where the peer has no such workload.
function Peer:time(name, steps)
  self.pipe:write(name, " ", steps, "\n")
  self.pipe:flush()
  return tonumber(self.out:read "l")
end

function Peer:stop()
  self.pipe:close()
  self.out:close()
  os.execute("rm -r " .. self.dir)
end

---A peer from a shell command; nil when it does not answer.
M.start_command = start

local function build_kann(here, source)
  local binary = "build/peer_kann"
  local ok = os.execute(("mkdir -p build && gcc -O2 -DHAVE_CBLAS -DHAVE_PTHREAD -I%s $(pkg-config --cflags openblas) -o %s %s/peer_kann.c %s/kann.c "
    .. "%s/kautodiff.c -lopenblas -lpthread -lm 2>build/peer_kann.log"):format(source, binary, here, source, source))
  return ok and binary
end

---What starts PyTorch on one thread; its set_num_threads does not reach OpenBLAS, which would use all cores.
function M.torch(here)
  return ("OPENBLAS_NUM_THREADS=1 /usr/bin/python3 -B %s/peer_torch.py 1"):format(here)
end

---The peers that are here, in a fixed order; says how to get the others. kann: a directory with its source.
---@return table[] {key, peer}
function M.start(here, kann)
  local found, missing = {}, {}
  local function try(key, command, hint)
    local peer = command and start(command)
    if peer then
      found[#found + 1] = { key, peer }
    else
      missing[#missing + 1] = hint
    end
  end
  try("PyTorch", M.torch(here), "PyTorch: apt-get install python3-torch")
  try("scikit-learn", ("OPENBLAS_NUM_THREADS=1 /usr/bin/python3 %s/peer_sklearn.py"):format(here),
    "scikit-learn: apt-get install python3-sklearn")
  local binary = kann and build_kann(here, kann)
  try("KANN", binary and "OPENBLAS_NUM_THREADS=1 " .. binary,
    "KANN: git clone https://github.com/attractivechaos/kann /tmp/kann && make bench KANN=/tmp/kann")
  return found, missing
end

return M
