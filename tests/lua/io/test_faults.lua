-- Files under faults: memory that fails while they are written, and bits that were turned over.

local lu = require "luaunit"
local nn = require "nn"
local process = require "process"

TestFaults = {}

-- A library that lets calls fail, in a file to be removed.
local function failing(what)
  lu.skipIf(process.nnlua:find "address" or process.nnlua:find "thread", "sanitizers have a C library of their own")
  local library = os.tmpname()
  local out, err, status = process.run(("cc -O1 -shared -fPIC -o %s tests/faults/%s.c"):format(library, what))
  lu.assertEquals(status, 0, out .. err)
  return library
end

-- Each call that writes fails in turn, or writes half.
function TestFaults:test_failing_writes()
  local library = failing "io"
  local out, err, status = process.run(("LD_PRELOAD=%s %s tests/faults/disk.lua"):format(library, process.nnlua))
  os.remove(library)
  lu.assertEquals(status, 0, out .. err)
  lu.assertStrContains(out, " 0 wrong")
end

-- (A thousand: make test-long.)
function TestFaults:test_kills()
  local wrong, seen = dofile "tests/faults/kills.lua".run(3, 12, process.nnlua)
  lu.assertEquals(wrong, 0)
  lu.assertTrue(seen > 0)
end

-- Nothing that fails may leave a file that is neither the old nor the new one.
function TestFaults:test_failing_memory_while_saving()
  local library = failing "malloc"
  local out, err, status
  for _, kind in ipairs { "safetensors", "npz" } do
    out, err, status = process.run(("LD_PRELOAD=%s %s tests/faults/save.lua %s"):format(library, process.nnlua, kind))
    lu.assertEquals(status, 0, out .. err)
    lu.assertStrContains(out, " 0 wrong")
  end
  os.remove(library)
end

-- Everything a script does, while requests for memory fail. (At each of them: make test-long.)
function TestFaults:test_failing_memory_everywhere()
  local library = failing "malloc"
  local out, err, status = process.run(("LD_PRELOAD=%s %s tests/faults/everything.lua all quick"):format(library, process.nnlua))
  os.remove(library)
  lu.assertEquals(status, 0, out .. err)
  lu.assertStrContains(out, " 0 wrong")
end

function TestFaults:test_failing_memory_at_the_start()
  local library = failing "malloc"
  for _, way in ipairs { "FAULT_START", "FAULT_START_FROM" } do
    local n, refused = 1, 0
    while n < 4000 do
      local out, err, status = process.run(("%s=%d LD_PRELOAD=%s %s -e 'print(require(\"nn\").ones(2):sum():item())'"):format(way, n,
        library, process.nnlua))
      if status == 0 then
        lu.assertEquals(out, "2.0\n")
      else
        refused = refused + 1
        lu.assertEquals(status, 1, ("%s=%d: %s"):format(way, n, err))
        lu.assertStrContains(err, "memory")
      end
      n = n + 1 + n // 5
    end
    lu.assertTrue(refused > 3, way)
  end
  os.remove(library)
end

-- A bit that was turned over is told, or changes nothing that is read.
function TestFaults:test_flipped_bits_in_an_archive()
  local path, broken = os.tmpname(), os.tmpname()
  local want = { a = nn.rand(3, 4), bb = nn.arange(7), c = nn.rand(2, 2):double() }
  nn.io.npz(path, want)
  local file = assert(io.open(path, "rb"))
  local data = file:read "a"
  file:close()
  local refused, bits = 0, nn.Generator(5)
  for i = 1, #data do
    local other = string.char(data:byte(i) ~ (1 << (bits:integer(8) - 1)))
    file = assert(io.open(broken, "wb"))
    file:write(data:sub(1, i - 1), other, data:sub(i + 1))
    file:close()
    local ok, there = pcall(nn.io.npz, broken)
    refused = refused + (ok and 0 or 1)
    for name, t in pairs(ok and want or {}) do
      lu.assertTrue(there[name] ~= nil and there[name].dtype == t.dtype and there[name]:equal(t), ("byte %d: %s"):format(i, name))
    end
  end
  lu.assertTrue(refused > 0.8 * #data, ("%d of %d refused"):format(refused, #data))
  os.remove(path)
  os.remove(broken)
end

function TestFaults:test_tensors_that_overlap()
  local path = os.tmpname()
  local function write(spans)
    local head = ('{"a":{"dtype":"F32","shape":[2],"data_offsets":[%s]},"b":{"dtype":"F32","shape":[2],"data_offsets":[%s]}}'):format(
      spans[1], spans[2])
    local file = assert(io.open(path, "wb"))
    file:write(string.pack("<I8", #head), head, ("\0"):rep(16))
    file:close()
  end
  write { "0,8", "8,16" }
  lu.assertEquals(nn.load(path).b:totable(), { 0, 0 })
  write { "8,16", "0,8" }
  lu.assertEquals(nn.load(path).a:totable(), { 0, 0 })
  write { "0,8", "4,12" }
  lu.assertErrorMsgContains("its tensors overlap at byte 4 of its data", nn.load, path)
  write { "0,8", "0,8" }
  lu.assertErrorMsgContains("its tensors overlap at byte 0", nn.load, path)
  os.remove(path)
end

-- Each writer over a good file on a disk with less and less room.
function TestFaults:test_a_full_disk()
  local directory = os.tmpname()
  os.remove(directory)
  os.execute(("mkdir '%s'"):format(directory))
  local out, err, status = process.run(([[
    if unshare -rm mount -t tmpfs -o size=256k none %s 2>/dev/null; then
      unshare -rm sh -c 'mount -t tmpfs -o size=256k none %s && %s tests/faults/full.lua %s'
    else
      echo "cannot mount"
    fi]]):format(directory, directory, process.nnlua, directory))
  os.execute(("rmdir '%s'"):format(directory))
  lu.skipIf(out:find "cannot mount", "no small file system can be mounted here")
  lu.assertEquals(status, 0, out .. err)
  lu.assertStrContains(out, " 0 wrong")
end

-- What a killed program has left behind is removed by the next that writes there; what others are writing is not.
function TestFaults:test_litter()
  local directory = os.tmpname()
  os.remove(directory)
  os.execute(("mkdir '%s'"):format(directory))
  local function touch(name, ago)
    os.execute(("touch -d '%d seconds ago' '%s/%s'"):format(ago, directory, name))
  end
  local gone, alive = "x.npz.nnlua-999999999-1.tmp", "x.npz.nnlua-1-1.tmp"
  touch(gone, 8000)
  touch(gone .. ".aB3dEf", 8000) -- libzip's own behind ours
  touch(alive, 8000)
  touch("y.nnlua-999999999-1.tmp", 0)
  touch("mine.nnlua-notes.txt", 8000)
  -- by a program of its own: one cleans a directory once, and this one may have known one that had this number
  local out, err, status = process.run(process.nnlua .. " - '" .. directory .. "/a.safetensors'",
    "local nn = require 'nn' nn.save(arg[1], { w = nn.ones(1) })")
  lu.assertEquals(status, 0, out .. err)
  local names = process.run(("ls '%s'"):format(directory))
  os.execute(("rm -r '%s'"):format(directory))
  lu.assertEquals(names, "a.safetensors\nmine.nnlua-notes.txt\nx.npz.nnlua-1-1.tmp\ny.nnlua-999999999-1.tmp\n")
end

-- What stands where a file is to go: links stay links, permissions stay, and what is no file is left alone.
function TestFaults:test_what_stands_there()
  local directory = os.tmpname()
  os.remove(directory)
  local function sh(command)
    return (process.run(("cd '%s' && %s"):format(directory, command)))
  end
  os.execute(("mkdir -p '%s/real'"):format(directory))
  for _, kind in ipairs { "st", "npz" } do
    local save = kind == "npz" and nn.io.npz or nn.save
    sh(("echo old > real/a.%s; chmod 600 real/a.%s; ln -s real/a.%s l.%s; mkfifo f.%s"):format(kind, kind, kind, kind, kind))
    save(directory .. "/l." .. kind, { x = nn.ones(2) })
    lu.assertEquals(sh(("readlink l.%s; stat -c %%a real/a.%s"):format(kind, kind)), ("real/a.%s\n600\n"):format(kind))
    local load = kind == "npz" and nn.io.npz or nn.load
    lu.assertEquals(load(directory .. "/real/a." .. kind).x:totable(), { 1, 1 })
    lu.assertErrorMsgContains("no file that could be replaced, but a pipe", save, directory .. "/f." .. kind, { x = nn.ones(2) })
    save(directory .. "/" .. ("n"):rep(240) .. "." .. kind, { x = nn.ones(2) })
  end
  -- as root: owner and group stay, and nobody gets the owner's rights with them
  if sh("id -u") == "0\n" then
    for _, kind in ipairs { "st", "npz" } do
      sh(("echo old > o.%s; chown 65534:65534 o.%s; chmod 640 o.%s"):format(kind, kind, kind))
      local save = kind == "npz" and nn.io.npz or nn.save
      save(directory .. "/o." .. kind, { x = nn.ones(2) })
      lu.assertEquals(sh("stat -c '%u:%g %a' o." .. kind), "65534:65534 640\n")
    end
  end
  sh "ln -s real/new.st d.st; ln -s loop loop; echo kept > kept; chmod 400 kept"
  nn.save(directory .. "/d.st", { x = nn.ones(2) })
  lu.assertEquals(sh "readlink d.st; ls real", "real/new.st\na.npz\na.st\nnew.st\n")
  lu.assertErrorMsgContains("Too many levels", nn.save, directory .. "/loop", { x = nn.ones(2) })
  lu.assertErrorMsgContains("but a device", nn.save, "/dev/null", { x = nn.ones(2) })
  lu.assertEquals(sh "ls -A | grep -c nnlua-", "0\n")
  lu.assertEquals(sh "stat -c %F f.st f.npz", "fifo\nfifo\n")
  os.execute(("rm -r '%s'"):format(directory))
end
