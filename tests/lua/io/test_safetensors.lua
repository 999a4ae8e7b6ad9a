-- States in files: round trips, files by others, files that lie, and what a full disk or a crash leaves.

local lu = require "luaunit"
local nn = require "nn"
local process = require "process"

TestSave = {}

local function temporary(f)
  local path = os.tmpname()
  local ok, err = pcall(f, path)
  os.remove(path)
  if not ok then
    error(err, 0)
  end
end

local function file(header, data)
  return string.pack("<I8", #header) .. header .. (data or "")
end

local function write(path, bytes)
  local h = assert(io.open(path, "wb"))
  h:write(bytes)
  h:close()
end

function TestSave:test_round_trip_of_tensors()
  temporary(function(path)
    local state = {
      a = nn.randn(3, 4), b = nn.tensor { 1, -2, math.maxinteger }, c = nn.tensor { true, false },
      d = nn.tensor({ 1.5 }, { dtype = "float64" }), e = nn.tensor({ 0, 255 }, { dtype = "uint8" }), f = nn.zeros(0, 3),
      g = nn.tensor(7.0), h = nn.randn(4, 3):t(),
    }
    nn.save(path, state)
    local back = nn.load(path)
    for name, t in pairs(state) do
      lu.assertEquals(back[name].dtype, t.dtype)
      lu.assertEquals(tostring(back[name].shape), tostring(t.shape))
      lu.assertTrue(back[name]:equal(t), name)
    end
  end)
end

function TestSave:test_round_trip_of_structures()
  temporary(function(path)
    local state = { epoch = 3, name = "run \"ä\"", flags = { true, false }, nested = { [1] = nn.ones(2), deep = { x = 1.5 } }, [7] = "seven" }
    nn.save(path, state)
    local back = nn.load(path)
    lu.assertEquals(back.epoch, 3)
    lu.assertEquals(back.name, state.name)
    lu.assertEquals(back.flags, { true, false })
    lu.assertEquals(back.nested[1]:totable(), { 1, 1 })
    lu.assertEquals(back.nested.deep.x, 1.5)
    lu.assertEquals(back[7], "seven")
  end)
end

function TestSave:test_names_that_meet()
  temporary(function(path)
    nn.save(path, { a = { b = nn.ones(1) }, ["a.b"] = nn.zeros(1), ["__metadata__"] = nn.ones(2), n = 1 })
    local back = nn.load(path)
    lu.assertEquals(back.a.b:item(), 1)
    lu.assertEquals(back["a.b"]:item(), 0)
    lu.assertEquals(#back["__metadata__"], 2)
    nn.save(path, { ["__metadata__"] = nn.ones(2) })
    lu.assertEquals(#nn.load(path)["__metadata__"], 2)
  end)
end

function TestSave:test_damaged_notes()
  for _, note in ipairs { '[1,2]', '{"x":1}', '{"sx":{"$tensor":"gone"}}', 'nonsense', '{"ix":1}', '{"x6":1}', '{"xgg":1}',
    '{"sx":{"$number":"many"}}', '{"sx":{"$bytes":"6"}}', '{"sx":{"$bytes":[]}}',
  } do
    note = note:gsub('"', '\\"')
    temporary(function(path)
      write(path, file('{"__metadata__":{"nnlua":"' .. note .. '"}}'))
      lu.assertErrorMsgContains(path, nn.load, path)
    end)
  end
end

-- Written by the published format's rules, not by us.
function TestSave:test_a_file_by_others()
  temporary(function(path)
    local header = [[{"__metadata__":{"format":"pt"},"w":{"dtype":"F32","shape":[2,2],"data_offsets":[0,16]},"i":{"dtype":"I64","shape":[1],"data_offsets":[16,24]}}  ]]
    write(path, file(header, string.pack("<ffffi8", 1, 2, 3, 4.5, -9)))
    local t = nn.load(path)
    lu.assertEquals(t.w:totable(), { { 1, 2 }, { 3, 4.5 } })
    lu.assertEquals(t.i:totable(), { -9 })
  end)
end

function TestSave:test_files_that_lie()
  local entry = '{"w":{"dtype":"%s","shape":%s,"data_offsets":%s}}'
  local data = ("\0"):rep(16)
  local cases = {
    file(entry:format("F32", "[2,2]", "[0,15]"), data), file(entry:format("F32", "[2,3]", "[0,16]"), data),
    file(entry:format("F32", "[2,2]", "[8,24]"), data), file(entry:format("F32", "[-2,-2]", "[0,16]"), data),
    file(entry:format("F32", "[4611686018427387904,4]", "[0,16]"), data), file(entry:format("F99", "[2,2]", "[0,16]"), data),
    file(entry:format("F32", "[2,2]", "[16,0]"), data), file(entry:format("F32", '"x"', "[0,16]"), data),
    file(entry:format("F32", "[2,2]", "[0,16]"), data .. "more"), file("[1,2,3]", ""), file("{nonsense", ""),
    file('{"w":{"dtype":"U8","shape":[1],"data_offsets":[0,1]},"w":{"dtype":"U8","shape":[1],"data_offsets":[0,1]}}', "x"),
    file('{"w":{"dtype":"U8","shape":[2],"data_offsets":[0,2]},"v":{"dtype":"U8","shape":[2],"data_offsets":[0,2]}}', "xxxx"):sub(1, -3),
    string.pack("<I8", 1 << 62) .. "{}", "short", "",
    file(entry:format("F32", "[" .. ("1,"):rep(100) .. "1]", "[0,4]"), "1234"),
  }
  for i, bytes in ipairs(cases) do
    temporary(function(path)
      write(path, bytes)
      lu.assertErrorMsgContains(path, nn.load, path)
      lu.assertTrue(i > 0)
    end)
  end
  -- a good file, cut after every byte
  local good = file(entry:format("F32", "[2,2]", "[0,16]"), data)
  for n = 0, #good - 1 do
    temporary(function(path)
      write(path, good:sub(1, n))
      lu.assertErrorMsgContains(path, nn.load, path)
    end)
  end
  -- and with every byte changed: a result or an error, never a crash
  for n = 1, #good do
    temporary(function(path)
      write(path, good:sub(1, n - 1) .. string.char((good:byte(n) + 97) % 256) .. good:sub(n + 1))
      pcall(nn.load, path)
    end)
  end
end

function TestSave:test_bools_are_bools()
  temporary(function(path)
    write(path, file('{"b":{"dtype":"BOOL","shape":[2],"data_offsets":[0,2]}}', "\7\0"))
    local b = nn.load(path).b
    lu.assertEquals(b:sum():item(), 1)
  end)
end

function TestSave:test_a_failed_write_leaves_the_old_file()
  temporary(function(path)
    nn.save(path, { a = nn.ones(2) })
    -- a disk that is full: a limit on the size of files
    local script = ([[
      local nn = require "nn"
      print(pcall(nn.save, %q, {a = nn.zeros(1000000)}))
    ]]):format(path)
    local s = os.tmpname()
    write(s, script)
    local out, _, status = process.run(("sh -c 'trap \"\" XFSZ; ulimit -f 8; %s %s'"):format(process.nnlua, s))
    os.remove(s)
    lu.assertEquals(status, 0)
    lu.assertStrContains(out, "false")
    lu.assertStrContains(out, "File too large")
    lu.assertEquals(nn.load(path).a:totable(), { 1, 1 })
    lu.assertEquals(process.run(("ls %s.tmp* 2>/dev/null | wc -l"):format(path)):match "%d+", "0")
  end)
end

function TestSave:test_errors()
  lu.assertErrorMsgContains("No such file or directory", nn.save, "/no/such/dir/x", { a = nn.ones(1) })
  lu.assertErrorMsgContains("model:state_dict()", nn.save, "/tmp/x", nn.Linear(1, 1))
  lu.assertErrorMsgContains("a function", nn.save, "/tmp/x", { f = print })
  lu.assertErrorMsgContains("path must be a string", nn.save, { a = nn.ones(1) })
end
