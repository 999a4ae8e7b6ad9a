-- NumPy's files: what NumPy wrote is read, what is written has NumPy's bytes, and damaged files are errors.

local lu = require "luaunit"
local nn = require "nn"
local core = require "nn.core"

TestNpy = {}

local here = "tests/golden/npy/"
local function bytes_of(path)
  local f = assert(io.open(path, "rb"))
  local text = f:read "a"
  f:close()
  return text
end
local function write_bytes(path, text)
  local f = assert(io.open(path, "wb"))
  f:write(text)
  f:close()
end
local path = os.tmpname()
local function with_file(f)
  local ok, err = pcall(f)
  os.remove(path)
  if not ok then
    error(err, 0)
  end
end

function TestNpy:test_every_dtype_and_order()
  local becomes = { b1 = "bool", u1 = "uint8", f2 = "float32", f4 = "float32", f8 = "float64" }
  for _, code in ipairs { "b1", "u1", "i1", "u2", "i2", "u4", "i4", "u8", "i8", "f2", "f4", "f8" } do
    local size = tonumber(code:sub(2))
    for _, order in ipairs(size == 1 and { "" } or { "little_", "big_" }) do
      local x = nn.io.npy(here .. order .. code .. ".npy")
      lu.assertEquals(x.dtype, becomes[code] or "int64", code)
      local want = nn.arange(6):reshape(2, 3)
      want = (code:find "[if]" and want - 2 or want):to(x.dtype)
      lu.assertTrue(x:equal(want), order .. code)
    end
  end
end

function TestNpy:test_shapes_and_values()
  lu.assertTrue(nn.io.npy(here .. "fortran.npy"):equal(nn.arange(24):reshape(2, 3, 4)))
  lu.assertEquals(nn.io.npy(here .. "scalar.npy"):item(), 2.5)
  lu.assertEquals(tostring(nn.io.npy(here .. "empty.npy").shape), "0x3")
  lu.assertTrue(nn.io.npy(here .. "version2.npy"):equal(nn.arange(6):reshape(2, 3)))
  local v = nn.io.npy(here .. "vector.npy"):totable()
  lu.assertEquals({ v[1], v[2], v[3] }, { 1.0, math.huge, -math.huge })
  lu.assertTrue(v[4] ~= v[4] and v[5] > 0 and v[5] < 1e-39)
end

-- The same array gives the same file, byte for byte.
function TestNpy:test_writes_what_numpy_writes()
  with_file(function()
    for name, x in pairs {
      little_f4 = nn.arange(6, { dtype = "float32" }):reshape(2, 3) - 2, little_i8 = nn.arange(6):reshape(2, 3) - 2,
      b1 = nn.arange(6):reshape(2, 3):ne(0), u1 = nn.arange(6):reshape(2, 3):to "uint8", scalar = nn.tensor(2.5),
      empty = nn.zeros(0, 3), little_f8 = (nn.arange(6):reshape(2, 3) - 2):to "float64",
    } do
      nn.io.npy(path, x)
      lu.assertEquals(bytes_of(path), bytes_of(here .. name .. ".npy"), name)
    end
    nn.io.npy(path, (nn.arange(6):reshape(2, 3) - 2):to "float32", { dtype = "float16" })
    lu.assertEquals(bytes_of(path), bytes_of(here .. "little_f2.npy"))
    nn.io.npy(path, nn.arange(6):reshape(3, 2):t())
    lu.assertEquals(nn.io.npy(path):totable(), { { 0, 2, 4 }, { 1, 3, 5 } })
  end)
end

-- All 65536 halves go to float32 and back as they were.
function TestNpy:test_halves()
  with_file(function()
    local head = bytes_of(here .. "halves.npy"):sub(1, 128):gsub("%(9,%)", "(65536,)"):sub(1, 127) .. "\n"
    head = head:sub(1, 128)
    local all = {}
    for i = 0, 65535 do
      all[i + 1] = string.pack("<I2", i)
    end
    write_bytes(path, head .. table.concat(all))
    local x = nn.io.npy(path)
    nn.io.npy(path, x, { dtype = "float16" })
    local back = bytes_of(path):sub(-131072)
    for i = 0, 65535 do
      local h = string.unpack("<I2", back, 2 * i + 1)
      local nan = i & 0x7c00 == 0x7c00 and i & 0x3ff ~= 0
      lu.assertTrue(h == i or (nan and h & 0x7e00 == 0x7e00), i)
    end
    nn.io.npy(path, nn.tensor({ 1.00048828125, 1.00146484375, 65519.0, 65520.0, 2.98e-8, 2.99e-8 }, { dtype = "float64" }), { dtype = "float16" })
    lu.assertEquals(nn.io.npy(path):totable(), { 1.0, 1.001953125, 65504.0, math.huge, 0.0, 2 ^ -24 }) -- ties to even
  end)
end

function TestNpy:test_archives()
  local stored = nn.io.npz(here .. "stored.npz")
  lu.assertTrue(stored.weight:equal(nn.arange(6):reshape(2, 3)))
  lu.assertEquals(stored.bias:totable(), { 0.0, 1.0, 2.0 })
  local deflated = nn.io.npz(here .. "deflated.npz")
  lu.assertEquals(tostring(deflated.big.shape), "100x50")
  lu.assertEquals(deflated.small:item(), 7)
  with_file(function()
    for _, compress in ipairs { false, true } do
      nn.io.npz(path, { a = nn.arange(1000), ["b/c"] = nn.eye(3), empty = nn.zeros(0) }, { compress = compress })
      local back = nn.io.npz(path)
      lu.assertTrue(back.a:equal(nn.arange(1000)))
      lu.assertTrue(back["b/c"]:equal(nn.eye(3)))
      lu.assertEquals(back.empty:numel(), 0)
    end
  end)
end

-- Cut at every byte: an error, or (where only padding of the archive is gone) what was written; never a crash.
local function cut_everywhere(read, file)
  local text = bytes_of(file)
  local refused = 0
  for n = 0, #text - 1 do
    write_bytes(path, text:sub(1, n))
    local ok, err = pcall(read, path)
    lu.assertFalse(ok, ("%s read from %d of %d bytes"):format(file, n, #text))
    lu.assertStrContains(err, path)
    refused = refused + 1
  end
  lu.assertEquals(refused, #text)
end

function TestNpy:test_not_a_safetensors_file()
  lu.assertErrorMsgContains("read it by nn.io.npy", nn.io.load, here .. "little_f4.npy")
end

function TestNpy:test_truncated()
  with_file(function()
    cut_everywhere(nn.io.npy, here .. "little_f4.npy")
    cut_everywhere(nn.io.npy, here .. "version2.npy")
    cut_everywhere(nn.io.npz, here .. "stored.npz")
    cut_everywhere(nn.io.npz, here .. "deflated.npz")
  end)
end

-- Every byte changed in turn: no crash, and no memory beyond what the file could hold.
function TestNpy:test_changed_bytes()
  with_file(function()
    for _, name in ipairs { "little_f4.npy", "stored.npz", "deflated.npz" } do
      local text = bytes_of(here .. name)
      local read = name:find "npz" and nn.io.npz or nn.io.npy
      for i = 1, #text do
        for _, c in ipairs { "\0", "\255", "9" } do
          write_bytes(path, text:sub(1, i - 1) .. c .. text:sub(i + 1))
          pcall(read, path)
        end
      end
    end
  end)
end

local function npy(dict, data, version)
  dict = dict .. (" "):rep(-(#dict + 11) % 64) .. "\n"
  return "\x93NUMPY" .. (version or "\1\0") .. string.pack("<I2", #dict) .. dict .. (data or "")
end

function TestNpy:test_lying_headers()
  local function refused(text, message)
    write_bytes(path, text)
    local before = core.memory().peak
    lu.assertErrorMsgContains(message, nn.io.npy, path)
    lu.assertTrue(core.memory().peak < before + (1 << 20), "memory before the check")
  end
  with_file(function()
    refused(npy "{'descr': '<f4', 'fortran_order': False, 'shape': (1000000000000,), }", "more than the file holds")
    refused(npy "{'descr': '<f8', 'fortran_order': False, 'shape': (4611686018427387904, 4), }", "more than the file holds")
    refused(npy "{'descr': '<f4', 'fortran_order': False, 'shape': (-1,), }", "not made of sizes")
    refused(npy "{'descr': '|O', 'fortran_order': False, 'shape': (1,), }", "Python objects could run code")
    refused(npy "{'descr': [('a', '<f4')], 'fortran_order': False, 'shape': (1,), }", "records")
    refused(npy "{'descr': '<c8', 'fortran_order': False, 'shape': (1,), }", "not supported")
    refused(npy "{'fortran_order': False, 'shape': (1,), }", "lacks descr")
    refused(npy("{'descr': '<f4', 'fortran_order': False, 'shape': (0,), }", "", "\9\0"), "format version 9")
    refused(npy "{'descr': '<f4', 'fortran_order': False, 'shape': (" .. ("1,"):rep(40) .. "), }", "not made of sizes")
    refused("\x93NUMPY\2\0\255\255\255\127", "claims")
    refused(npy("{'descr': '<u8', 'fortran_order': False, 'shape': (1,), }", ("\255"):rep(8)), "beyond int64")
    refused("not an array", "is not a .npy file")
  end)
  lu.assertErrorMsgContains("No such file", nn.io.npy, "no/such/file.npy")
  lu.assertErrorMsgContains("npz: ", nn.io.npz, "no/such/file.npz")
  lu.assertErrorMsgContains("npy: tests: is not a file", nn.io.npy, "tests")
end

-- safetensors with the types that other programs write
function TestNpy:test_safetensors_of_other_types()
  with_file(function()
    local header = '{"h":{"dtype":"F16","shape":[2],"data_offsets":[0,4]},"b":{"dtype":"BF16","shape":[2],"data_offsets":[4,8]},'
      .. '"i":{"dtype":"I32","shape":[1],"data_offsets":[8,12]}}'
    write_bytes(path, string.pack("<I8", #header) .. header .. string.pack("<I2I2I2I2i4", 0x3c00, 0xc000, 0x3f80, 0xc040, -5))
    local t = nn.io.safetensors(path)
    lu.assertEquals(t.h:totable(), { 1.0, -2.0 })
    lu.assertEquals(t.b:totable(), { 1.0, -3.0 })
    lu.assertEquals(t.i:totable(), { -5 })
    nn.io.safetensors(path, { a = nn.eye(2) })
    lu.assertTrue(nn.io.safetensors(path).a:equal(nn.eye(2)))
  end)
end

function TestNpy:test_names_that_are_hard()
  local file = os.tmpname()
  local long = ("x"):rep(590)
  local want = { [long .. "1"] = nn.ones(1), [long .. "2"] = nn.zeros(2), [""] = nn.ones(3), ["../a/b"] = nn.ones(4), a = nn.ones(5),
    ["a.npy"] = nn.ones(6) }
  nn.io.npz(file, want)
  local there, n = nn.io.npz(file), 0
  for name, t in pairs(there) do
    n = n + 1
    lu.assertEquals(t.shape, want[name].shape)
  end
  lu.assertEquals(n, 6)
  lu.assertErrorMsgContains("a name with a zero byte (behind 'a')", nn.io.npz, file, { ["a\0b"] = nn.ones(1) })
  lu.assertErrorMsgContains("a name with a zero byte", nn.save, file .. "\0b", { a = nn.ones(1) })
  lu.assertErrorMsgContains("has 70000 bytes; an archive takes", nn.io.npz, file, { [("y"):rep(70000)] = nn.ones(1) })
  os.remove(file)
end
