-- The IDX reader: real files, every dtype, and files that lie.

local lu = require "luaunit"
local nn = require "nn"

TestIdx = {}

local function with_file(bytes, f)
  local path = os.tmpname()
  local h = assert(io.open(path, "wb"))
  h:write(bytes)
  h:close()
  local ok, err = pcall(f, path)
  os.remove(path)
  if not ok then
    error(err, 0)
  end
end

local function header(code, ...)
  local s = string.char(0, 0, code, select("#", ...))
  for _, n in ipairs { ... } do
    s = s .. string.pack(">I4", n)
  end
  return s
end

function TestIdx:test_dtypes()
  local cases = {
    { 0x08, ">B", { 0, 255 }, "uint8" }, { 0x09, ">i1", { -1, 5 }, "int64" }, { 0x0b, ">i2", { -300, 7 }, "int64" },
    { 0x0c, ">i4", { -70000, 9 }, "int64" }, { 0x0d, ">f", { 1.5, -2.25 }, "float32" }, { 0x0e, ">d", { 1.1, -2.2 }, "float64" },
  }
  for _, c in ipairs(cases) do
    local body = string.pack(c[2], c[3][1]) .. string.pack(c[2], c[3][2])
    with_file(header(c[1], 2) .. body, function(path)
      local t = nn.io.idx(path)
      lu.assertEquals(t.dtype, c[4])
      lu.assertEquals(t:totable(), c[3])
    end)
  end
end

function TestIdx:test_wrong_files()
  local good = header(0x08, 2, 3) .. "abcdef"
  for n = 0, #good - 1 do -- cut after every byte
    with_file(good:sub(1, n), function(path)
      lu.assertErrorMsgContains(path, nn.io.idx, path)
    end)
  end
  with_file(good .. "x", function(path)
    lu.assertErrorMsgContains("more data than its header says", nn.io.idx, path)
  end)
  with_file("hello world, no IDX", function(path)
    lu.assertErrorMsgContains("not an IDX file", nn.io.idx, path)
  end)
  with_file(header(0x08, 0xffffffff, 0xffffffff, 0xffffffff), function(path)
    lu.assertErrorMsgContains("cannot hold", nn.io.idx, path)
  end)
  with_file(header(0x08, 100000) .. "short", function(path)
    lu.assertErrorMsgContains("cannot hold", nn.io.idx, path)
  end)
  lu.assertErrorMsgContains("/no/such/file: No such file", nn.io.idx, "/no/such/file")
  lu.assertErrorMsgContains("not a regular file", nn.io.idx, "/tmp")
end

function TestIdx:test_damaged_gzip()
  local path = os.tmpname()
  local h = assert(io.open(path, "wb"))
  h:write(header(0x08, 200, 200), ("0123456789"):rep(4000))
  h:close()
  os.execute(("gzip -f %s"):format(path))
  local z = assert(io.open(path .. ".gz", "rb"))
  local bytes = z:read "a"
  z:close()
  lu.assertEquals(tostring(nn.io.idx(path .. ".gz").shape), "200x200")
  for _, n in ipairs { 5, 20, #bytes // 2, #bytes - 6 } do
    with_file(bytes:sub(1, n), function(cut)
      lu.assertErrorMsgContains(cut, nn.io.idx, cut)
    end)
  end
  with_file(bytes:sub(1, -9) .. "\0\0\0\0" .. bytes:sub(-4), function(wrong)
    lu.assertErrorMsgContains("damaged", nn.io.idx, wrong) -- the checksum
  end)
  os.remove(path .. ".gz")
end
