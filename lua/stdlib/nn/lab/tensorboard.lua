-- Event files as TensorBoard reads them: records of protocol buffers with checksums. A record is its length (8 bytes), the
-- masked CRC-32C of these, the data, the masked CRC-32C of the data; the data is an Event of TensorFlow's event.proto.

local core = require "nn.core"

local M = {}
M.__index = M

-- ---- CRC-32C (Castagnoli; RFC 3720, B.4) ----

local crcs
local function crc32c(text)
  if not crcs then
    crcs = {}
    for i = 0, 255 do
      local c = i
      for _ = 1, 8 do
        c = c & 1 == 1 and (c >> 1) ~ 0x82F63B78 or c >> 1
      end
      crcs[i] = c
    end
  end
  local c = 0xFFFFFFFF
  for i = 1, #text do
    c = crcs[(c ~ text:byte(i)) & 0xFF] ~ (c >> 8)
  end
  return c ~ 0xFFFFFFFF
end
M.crc32c = crc32c

-- A checksum of data that itself holds checksums would be weak: TensorFlow masks them.
local function masked(text)
  local c = crc32c(text)
  return (((c >> 15) | (c << 17)) + 0xA282EAD8) & 0xFFFFFFFF
end

local function record(data)
  local length = ("<I8"):pack(#data)
  return length .. ("<I4"):pack(masked(length)) .. data .. ("<I4"):pack(masked(data))
end

-- ---- protocol buffers ----

local function varint(n)
  local bytes = {}
  repeat
    local low = n & 0x7F
    n = n >> 7
    bytes[#bytes + 1] = string.char(n ~= 0 and low | 0x80 or low)
  until n == 0
  return table.concat(bytes)
end

local VARINT, DOUBLE, BYTES, FLOAT = 0, 1, 2, 5
local function key(field, kind)
  return varint(field << 3 | kind)
end
local function bytes(field, text)
  return key(field, BYTES) .. varint(#text) .. text
end

-- Event: wall_time = 1, step = 2, file_version = 3, summary = 5. Summary.value = 1: tag = 1, simple_value = 2.
local function event(step, rest)
  return key(1, DOUBLE) .. ("<d"):pack(core.wall_clock()) .. (step and key(2, VARINT) .. varint(step) or "") .. rest
end

local function scalar(tag, value)
  return bytes(1, bytes(1, tag) .. key(2, FLOAT) .. ("<f"):pack(value))
end

---A writer of one event file in a directory.
---@param directory string
function M.new(directory)
  core.make_directory(directory)
  local path = ("%s/events.out.tfevents.%d.%s.%d"):format(directory, math.floor(core.wall_clock()), core.host_name(),
    core.process_id())
  local file, why = io.open(path, "ab")
  if not file then
    core.raise(("tensorboard: %s cannot be written: %s"):format(path, tostring(why)))
  end
  local self = setmetatable({ path = path, file = file }, M)
  self:write(record(event(nil, bytes(3, "brain.Event:2"))))
  return self
end

function M:write(text)
  local ok, why = self.file:write(text)
  if ok then
    ok, why = self.file:flush()
  end
  if not ok then
    core.raise(("tensorboard: %s cannot be written: %s"):format(self.path, tostring(why)))
  end
end

---The numbers of a row, at a step. Names with valid_ before them stand beside the others: loss/train, loss/valid.
---@param step integer
---@param row table<string, number>
function M:add(step, row)
  local names = {}
  for name, value in pairs(row) do
    if type(value) == "number" and name ~= "epoch" and name ~= "step" then
      names[#names + 1] = name
    end
  end
  table.sort(names)
  local values = {}
  for i, name in ipairs(names) do
    local plain = name:match "^valid_(.*)$"
    local tag = plain and plain .. "/valid" or (row["valid_" .. name] and name .. "/train" or name)
    values[i] = scalar(tag, row[name])
  end
  self:write(record(event(step, bytes(5, table.concat(values)))))
end

function M:close()
  self.file:close()
end

return M
