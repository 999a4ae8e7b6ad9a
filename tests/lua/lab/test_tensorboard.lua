-- Event files: read back by protoc, which is not ours, and checksums by the standard's own examples.

local core = require "nn.core"
local lu = require "luaunit"
local nn = require "nn"
local process = require "process"
local tensorboard = require "nn.lab.tensorboard"

TestTensorboard = {}

-- RFC 3720, B.4
function TestTensorboard:test_checksum()
  lu.assertEquals(tensorboard.crc32c "123456789", 0xE3069283)
  lu.assertEquals(tensorboard.crc32c(("\0"):rep(32)), 0x8A9136AA)
  lu.assertEquals(tensorboard.crc32c(("\255"):rep(32)), 0x62A8AB43)
  local up = {}
  for i = 0, 31 do
    up[i + 1] = string.char(i)
  end
  lu.assertEquals(tensorboard.crc32c(table.concat(up)), 0x46DD794E)
end

local function unmask(c)
  c = (c - 0xA282EAD8) & 0xFFFFFFFF
  return ((c >> 17) | (c << 15)) & 0xFFFFFFFF
end

function TestTensorboard:test_what_fit_writes()
  local directory = os.tmpname()
  os.remove(directory)
  nn.manual_seed(1)
  local model = nn.Linear(2, 1)
  local data = nn.data.tensors(nn.randn(20, 2), nn.randn(20, 1)):loader { batch_size = 5 }
  local run = nn.train.fit { model = model, loss = nn.MSELoss(), optimizer = nn.optim.SGD(model:parameters()), train = data,
    valid = data, epochs = 3, out = directory, log = "tensorboard", progress = "none" }
  local name
  for _, one in ipairs(core.list_directory(directory)) do
    name = one:find "^events%.out%.tfevents%." and one or name
  end
  local f = assert(io.open(directory .. "/" .. name, "rb"))
  local text = f:read "a"
  f:close()
  local records, at = {}, 1
  while at <= #text do
    local length, check
    length, check, at = ("<I8I4"):unpack(text, at)
    lu.assertEquals(unmask(check), tensorboard.crc32c(("<I8"):pack(length)))
    records[#records + 1] = text:sub(at, at + length - 1)
    check, at = ("<I4"):unpack(text, at + length)
    lu.assertEquals(unmask(check), tensorboard.crc32c(records[#records]))
  end
  lu.assertEquals(#records, 4)
  if not os.execute "command -v protoc >/dev/null 2>&1" then
    os.execute(("rm -r '%s'"):format(directory))
    lu.skip "protoc is not there: apt-get install protobuf-compiler"
  end
  local first = process.run("protoc --decode_raw", records[1])
  lu.assertStrContains(first, '3: "brain.Event:2"')
  local last = process.run("protoc --decode_raw", records[4])
  lu.assertStrContains(last, "2: 12\n") -- the step
  local shown = {}
  for tag, bits in last:gmatch '1: "([%w_/]+)"%s+2: 0x(%x+)' do
    shown[tag] = ("<f"):unpack(("<I4"):pack(tonumber(bits, 16)))
  end
  local row = run.history[3]
  lu.assertAlmostEquals(shown["loss/train"], row.loss, 1e-6)
  lu.assertAlmostEquals(shown["loss/valid"], row.valid_loss, 1e-6)
  lu.assertAlmostEquals(shown.lr, row.lr, 1e-9)
  os.execute(("rm -r '%s'"):format(directory))
end
