-- What `nnlua board` reads by: directories of which nothing outside is seen, and histories as columns.

local client = require "lab.board_client"
local core = require "nn.core"
local lu = require "luaunit"
local nn = require "nn"
local plain = require "nn.lab.plain"
local watch = require "nn.lab.watch"

TestColumns = {}

-- Columns as Lua values, and the same made by way of json_decode.
local function columns(text)
  local rows, texts, left_out, unreadable = core.json_columns(text)
  local out = {}
  for name, list in pairs(texts) do
    out[name] = assert(core.json_decode('{"x":[' .. list:gsub("null", '"-"') .. "]}")).x
  end
  return rows, out, left_out, unreadable
end

local function expected(text)
  local rows, out, names = {}, {}, {}
  local unreadable = 0
  for line, stop in text:gmatch "([^\n]*)(\n?)" do
    local row = core.json_row(line)
    rows[#rows + 1] = row
    unreadable = unreadable + (not row and stop ~= "" and 1 or 0)
    for name, value in pairs(row or {}) do
      names[name] = names[name] or type(plain.restore(value)) == "number" or nil
    end
  end
  for name in pairs(names) do
    out[name] = {}
    for i, row in ipairs(rows) do
      local value = plain.restore(row[name])
      local finite = type(value) == "number" and value - value == 0
      out[name][i] = finite and value or type(value) == "number" and plain.encode { value }:match '"(.*)"' or "-"
    end
  end
  return #rows, out, unreadable
end

local function same(text)
  local rows, got, _, unreadable = columns(text)
  local wanted_rows, wanted, wanted_unreadable = expected(text)
  lu.assertEquals({ rows, unreadable }, { wanted_rows, wanted_unreadable }, text)
  lu.assertEquals({ core.json_rows(text) }, { wanted_rows, wanted_unreadable }, text)
  lu.assertEquals(got, wanted, text)
end

function TestColumns.test_values()
  local rows, got, left_out = columns '{"epoch":1,"loss":0.1}\n{"epoch":2,"loss":"nan","acc":5e-1}\n{"epoch":3}\n'
  lu.assertEquals(rows, 3)
  lu.assertEquals(got, { epoch = { 1, 2, 3 }, loss = { 0.1, "nan", "-" }, acc = { "-", 0.5, "-" } })
  lu.assertFalse(left_out)
  lu.assertEquals(core.json_columns "", 0)
  lu.assertEquals({ core.json_rows "\n\n" }, { 0, 2 })
  lu.assertEquals(core.json_columns '{"a":1}', 1)
end

-- Lines that are nearly right: whatever one reader takes, the other takes.
function TestColumns.test_as_json_decode_has_it()
  for _, line in ipairs { "{}", "{ }", '{"a":01}', '{"a":-}', '{"a":1.}', '{"a":.5}', '{"a":1e}', '{"a":1e400}', '{"a":1e99}',
    '{"a":123456789012345678901}', '{"a":-0.0}', '{"a":1,}', '{"a":1,,"b":2}', '{,"a":1}', '{"a":1}}', '{"a":1}x', '{"a":1 }',
    '{"a":1,"a":2}', '{"a" :1}', '{"a":[1,2]}', '{"a":{"b":1},"c":2}', '{"a\\n":1}', '{"a":"x,\\"b\\":2"}', '{"a":tru}',
    '{"a":true,"b":null,"c":false,"d":3}', '{"":1}', '{"\xff":1}', '{"a":"\xff","b":1}', '{"ä":1}', '[1]', "1", '"a"', "{", "}", "",
    '{"a":1}{"b":2}', '{"a":1\r}', '{"a":1}\r', '{"a":NaN}', '{"a":+1}', '{"a":0x10}', '{"a":1', '{"a"', '{"a":', '{"a":1,"b"}',
    '{"a\0":1}', '{"a":1}\0', '{"a":-1e999,"b":1}', '{"a":9223372036854775808,"b":1}', '{"a":-9223372036854775808}', '{"a":"1e400"}',
    '{"a":01e400}', '{"a":1e400.5}', '{"a":"nan","b":"inf","c":"-inf","d":"\\\\nan"}', '{"a":"x","a":"y"}', '{"a":true,"a":1}' } do
    same(line)
    same('{"a":5}\n' .. line .. '\n{"a":6}\n')
  end
end

function TestColumns.test_numbers_that_do_not_fit()
  local rows, got = columns '{"a":1e400,"b":-1e999,"c":9223372036854775808,"d":0.5}\n'
  lu.assertEquals({ rows, got }, { 1, { a = { "inf" }, b = { "-inf" }, c = { 2.0 ^ 63 }, d = { 0.5 } } })
  lu.assertEquals(core.json_row '{"a":1e400,"b":1}', { a = "inf", b = 1 })
  lu.assertNil((core.json_decode "1e400"))
  for _, line in ipairs { "[1]", "5", "", "null", "{} {}" } do
    lu.assertNil((core.json_row(line)), line)
  end
end

function TestColumns.test_shortest()
  local _, texts = core.json_columns('{"a":0.10000000000000001}\n{"a":1700000000123.4567}\n{"a":12345678901234567}\n' ..
    '{"a":1.00000001}\n{"a":0.30000000000000004}\n', true)
  lu.assertEquals(texts.a, "0.1,1700000000123.4568,12345678901234567,1.00000001,0.30000000000000004")
end

function TestColumns.test_random_changes()
  local g = nn.Generator(3)
  local good = '{"epoch":12,"loss":0.125,"note":"x","lr":1e-05}\n{"epoch":13,"loss":-3,"ok":true}\n'
  for _ = 1, 3000 do
    local text = good
    for _ = 1, g:integer(3) do
      local at, with = g:integer(#text), ('{}[]":,.0123e-+ntf \\\n'):sub(g:integer(21)):sub(1, 1)
      text = text:sub(1, at - 1) .. with .. text:sub(at + g:integer(2))
    end
    same(text)
  end
end

-- Names without end cost neither time nor memory.
function TestColumns.test_many_names()
  local parts = {}
  for i = 1, 3000 do
    parts[i] = ('{"name%d":1}'):format(i)
  end
  local rows, texts, left_out = core.json_columns(table.concat(parts, "\n"))
  local count = 0
  for _ in pairs(texts) do
    count = count + 1
  end
  lu.assertEquals({ rows, count, left_out }, { 3000, 256, true })
  lu.assertTrue((select(3, core.json_columns('{"' .. ("n"):rep(1000) .. '":1}'))))
end

TestFolder = {}

function TestFolder:setUp()
  self.top = client.new_directory()
  self.inside = self.top .. "/inside"
  client.put(self.top .. "/secret", "secret")
  client.put(self.inside .. "/a/file", "0123456789")
  client.put(self.inside .. "/.hidden/file", "x")
  client.put(self.top .. "/other/file", "secret")
  os.execute(("cd %s && ln -s ../secret link && ln -s ../other linked && ln -s a own && mkfifo a/pipe && ln -s file a/link"):format(
    self.inside))
end

function TestFolder:tearDown()
  os.execute("rm -rf " .. self.top)
end

function TestFolder:test_only_what_is_inside()
  local f = assert(core.open_folder(self.inside))
  lu.assertEquals({ f:read("a/file", 2, 3) }, { "234", 10 })
  lu.assertEquals({ f:read("a/file", 20, 3) }, { "", 10 })
  lu.assertEquals(f:status "a/file", "file")
  lu.assertEquals(f:status "a", "directory")
  lu.assertEquals(f:status "", "directory")
  for _, path in ipairs { "../secret", "..", ".", "a/../../secret", "a/..", "./a/file", "a/./file", "/etc/passwd", "a//file", "link",
    "linked/file", "own/file", "a/link", "a/pipe", "a", "", "a/file/x", "no", ("x"):rep(300), ("x/"):rep(3000), self.top .. "/secret",
    "/dev/null", "/proc/self/mem" } do
    local text, why = f:read(path, 0, 100)
    lu.assertNil(text, path)
    lu.assertStrContains(why, ": ")
    lu.assertNil((f:lines(path, 0, 100)), path)
    lu.assertFalse(f:held(path), path)
  end
  lu.assertErrorMsgContains("zero byte", f.read, f, "a/file\0x", 0, 10)
  local directories, files = f:list ""
  lu.assertEquals({ directories, files }, { { "a" }, {} })
  directories, files = f:list "a"
  lu.assertEquals({ directories, files }, { {}, { "file" } })
  for _, path in ipairs { "..", "linked", "own", "a/file", ".", "no" } do
    lu.assertNil((f:list(path)), path)
  end
  f:close()
  lu.assertNil((f:read("a/file", 0, 10)))
  lu.assertNil((core.open_folder(self.inside .. "/no")))
end

function TestFolder:test_lines()
  local f = assert(core.open_folder(self.inside))
  client.put(self.inside .. "/a/file", "a\nbb\nccc")
  lu.assertEquals({ f:lines("a/file", 0, 100) }, { 2, 5, 8 })
  lu.assertEquals({ f:lines("a/file", 2, 3) }, { 1, 5, 3 })
  lu.assertEquals({ f:lines("a/file", 5, 100) }, { 0, nil, 3 })
  client.put(self.inside .. "/a/file", ("x"):rep(99999) .. "\n" .. ("y\n"):rep(50000))
  lu.assertEquals({ f:lines("a/file", 0, 1 << 40) }, { 50001, 200000, 200000 })
end

function TestFolder:test_no_files_are_left_open()
  local f = assert(core.open_folder(self.inside))
  local function open_now()
    return #core.list_directory "/proc/self/fd"
  end
  local before = open_now()
  for _ = 1, 50 do
    f:read("a/file", 0, 10)
    f:read("linked/file", 0, 10)
    f:list "a"
    f:list "no"
    f:status "a/file"
    f:lines("a/pipe", 0, 10)
    f:held "a/file"
    pcall(f.read, f, "a/file", 0, -1)
  end
  lu.assertEquals(open_now(), before)
end

TestWatch = {}

function TestWatch:setUp()
  self.directory = client.new_directory()
  self.watch = watch.new(self.directory)
end

function TestWatch:tearDown()
  os.execute("rm -rf " .. self.directory)
end

function TestWatch:look()
  self.watch.looked = -math.huge
  local co = coroutine.wrap(function()
    self.watch:refresh(function() end)
  end)
  co()
end

function TestWatch:rows(id, from, most)
  local out = {}
  self.watch:rows(self.watch.runs[id], from, most or 1 << 40, out, function() end)
  return assert(core.json_decode(table.concat(out)))
end

-- From any row, over the marks, and with columns that begin and end in the middle.
function TestWatch:test_rows_from_anywhere()
  local lines = {}
  for i = 1, 30000 do
    lines[i] = i % 3 == 0 and ('{"step":%d}'):format(i) or ('{"loss":%d.5,"step":%d%s}'):format(i, i,
      i > 20000 and i < 20010 and ',"late":1' or "")
  end
  client.put_run(self.directory .. "/a/r", {}, 0)
  client.put(self.directory .. "/a/r/history.jsonl", table.concat(lines, "\n") .. "\n" .. '{"step":')
  self:look()
  lu.assertEquals(self.watch.runs["a/r"].history.rows, 30000)
  lu.assertTrue(#self.watch.runs["a/r"].history.marks > 2)
  for _, from in ipairs { 0, 1, 2, 999, 1000, 10000, 19999, 20003, 20008, 29998, 29999 } do
    local got = self:rows("a/r", from)
    lu.assertEquals({ got.rows, #got.columns.step }, { 30000 - from, 30000 - from })
    lu.assertEquals({ got.columns.step[1], got.columns.step[#got.columns.step] }, { from + 1, 30000 })
    lu.assertEquals(got.columns.late ~= nil, from < 20009)
    if got.columns.loss then
      lu.assertEquals(got.columns.loss[(from + 1) % 3 == 0 and 2 or 1], from + ((from + 1) % 3 == 0 and 2.5 or 1.5))
    end
  end
  for _, from in ipairs { 30000, 30001, 999999 } do
    lu.assertEquals(self:rows("a/r", from), { columns = {}, rows = 0 })
  end
  -- in parts
  local from, sum = 0, 0
  while from < 30000 do
    local got = self:rows("a/r", from, 1)
    lu.assertTrue(got.rows > 0)
    lu.assertEquals(#got.columns.step, got.rows)
    for i, step in ipairs(got.columns.step) do
      sum = sum + (step == from + i and 1 or 0)
    end
    from = from + got.rows
  end
  lu.assertEquals(sum, 30000)
end

function TestWatch:test_a_line_without_end()
  client.put_run(self.directory .. "/r", {}, 0)
  client.put(self.directory .. "/r/history.jsonl", '{"a":1}\n{"a":' .. ("1"):rep(3000000) .. '}\n{"a":3}\n' .. ("x"):rep(2000000))
  self:look()
  local got = self:rows("r", 0)
  lu.assertEquals({ got.rows, got.columns.a }, { 2, { 1, 3 } })
  lu.assertEquals(self:rows("r", 1).columns.a, { 3 })
  lu.assertEquals(assert(core.json_decode(self.watch:changes(0))).runs[1].unreadable, 1)
end

-- Only what changes is told; a history that was cut is counted anew.
function TestWatch:test_changes()
  client.put_run(self.directory .. "/a/one", { n = 1 }, 5)
  client.put_run(self.directory .. "/a/two", { n = 2 }, 5, { state = "finished", seconds = 1, result = { accuracy = 0.5 } })
  local function since(stamp)
    self:look()
    return assert(core.json_decode(self.watch:changes(stamp)))
  end
  local all = since(0)
  lu.assertEquals(#all.runs, 2)
  lu.assertEquals(#since(all.stamp).runs, 0)
  lu.assertEquals(since(all.stamp).stamp, all.stamp)
  client.add(self.directory .. "/a/one/history.jsonl", '{"epoch":6}\n{"epo')
  local next_ = since(all.stamp)
  lu.assertEquals({ #next_.runs, next_.runs[1].id, next_.runs[1].rows }, { 1, "a/one", 6 })
  client.add(self.directory .. "/a/one/history.jsonl", 'ch":7}\n')
  lu.assertEquals(since(next_.stamp).runs[1].rows, 7)
  lu.assertEquals(self:rows("a/one", 5).columns.epoch, { 6, 7 })
  client.put(self.directory .. "/a/one/history.jsonl", '{"epoch":1}\n')
  lu.assertEquals(since(0).runs[1].rows + since(0).runs[2].rows, 6)
  os.execute("rm -r " .. self.directory .. "/a/two")
  local last = since(next_.stamp)
  lu.assertEquals(last.gone, { "a/two" })
  -- what is broken is told as what it is, and harms no other run
  client.put(self.directory .. "/b/x/run.json", "{")
  client.put(self.directory .. "/b/y/run.json", '{"name":7,"parameters":3,"started":[],"x":1}')
  client.put(self.directory .. "/b/y/result.json", '{"state":1,"seconds":"nan","result":"x"}')
  client.put(self.directory .. "/b/z/run.json/file", "x")
  client.put(self.directory .. "/deep/1/2/3/4/run.json", "{}")
  last = since(last.stamp)
  local told = {}
  for _, run in ipairs(last.runs) do
    told[run.id] = run.state .. (run.error and ": " .. run.error or "")
  end
  lu.assertStrContains(told["b/x"], "unreadable: b/x/run.json: ")
  lu.assertStrContains(told["b/z"], "unreadable: b/z/run.json: Is a directory")
  lu.assertEquals({ #last.runs, told["b/y"] }, { 3, "failed" })
end

-- What is written into a run that has ended is seen too, also where the directory's time stays as it was, and where a file
-- has as many bytes as before.
function TestWatch:test_a_run_that_has_settled()
  local place = self.directory .. "/r"
  client.put_run(place, { n = 1 }, 3, { state = "finished", seconds = 1, result = { accuracy = 0.5 } })
  local function age(seconds, all)
    os.execute(("find %s %s -exec touch -d @%d {} +"):format(self.directory, all or "-type f", 1700000000 + seconds))
  end
  local function told(stamp)
    self:look()
    local all = assert(core.json_decode(self.watch:changes(stamp or 0)))
    return all.runs[1], all.stamp
  end
  age(0, "-true")
  local run, stamp = told()
  lu.assertEquals({ run.rows, run.result.accuracy }, { 3, 0.5 })
  lu.assertNil((told(stamp)))
  local function write(name, text)
    local f = assert(io.open(place .. "/" .. name, "r+"))
    f:write(text)
    f:close()
  end
  write("result.json", '{"state":"finished","seconds":1,"result":{"accuracy":0.75}}')
  age(1)
  run, stamp = told(stamp)
  lu.assertEquals(run.result.accuracy, 0.75)
  client.add(place .. "/history.jsonl", '{"epoch":4,"loss":1}\n')
  age(2)
  run, stamp = told(stamp)
  lu.assertEquals(run.rows, 4)
  -- the same bytes in number, but other rows
  local f = assert(io.open(place .. "/history.jsonl"))
  local size = #f:read "a"
  f:close()
  write("history.jsonl", ('{"epoch":7}\n'):rep(9):sub(1, size - 1) .. "\n")
  age(3)
  run = told(stamp)
  lu.assertEquals(run.rows, self:rows("r", 0).rows)
  lu.assertEquals(self:rows("r", 0).columns.epoch[1], 7)
end

function TestWatch:test_what_is_told_of_a_run()
  client.put_run(self.directory .. "/failed", {}, 0, { state = "failed", error = "no memory" })
  client.put(self.directory .. "/failed/history.jsonl", '{"a":1}\n5\n\n{"a":"nan"}\n{"a":3}')
  client.put_run(self.directory .. "/going", {}, 1)
  local lock = assert(core.lock_file(self.directory .. "/going/lock"))
  client.put(self.directory .. "/going/holder", ("1 %.3f 5000.000\n"):format(core.wall_clock() - 100))
  self:look()
  local told = {}
  for _, run in ipairs(assert(core.json_decode(self.watch:changes(0))).runs) do
    told[run.id] = run
  end
  lu.assertEquals({ told.failed.error, told.failed.rows, told.failed.unreadable }, { "no memory", 3, 2 })
  lu.assertEquals(self:rows("failed", 0), { columns = { a = { 1, "nan", 3 } }, rows = 3 })
  lu.assertEquals(self:rows("failed", 2), { columns = { a = { 3 } }, rows = 1 })
  lu.assertTrue(told.going.seconds > 5099.9 and told.going.seconds < 5400, told.going.seconds) -- "%.3f" rounds
  getmetatable(lock).__close(lock)
end

-- Names without end cost no memory without end, and it is told that some are left out.
function TestWatch:test_many_columns()
  local lines = {}
  for i = 1, 20000 do
    lines[i] = ('{"c%d":1}\n'):format(i)
  end
  client.put_run(self.directory .. "/r", {}, 0)
  client.put(self.directory .. "/r/history.jsonl", table.concat(lines))
  self:look()
  local out = {}
  self.watch:rows(self.watch.runs.r, 0, 1 << 40, out, function() end)
  local got = assert(core.json_decode(table.concat(out)))
  local count = 0
  for _ in pairs(got.columns) do
    count = count + 1
  end
  lu.assertEquals({ got.rows, count, got.left_out }, { 20000, 256, true })
end

-- A directory in which runs come and go for weeks is not remembered run by run; who asks with an old stamp is given all.
function TestWatch:test_runs_that_are_gone()
  client.put_run(self.directory .. "/stays", {}, 0)
  self:look()
  local first = assert(core.json_decode(self.watch:changes(0))).stamp
  os.execute(("cd %s && for i in $(seq 1100); do mkdir r$i && echo '{}' > r$i/run.json; done"):format(self.directory))
  self:look()
  os.execute(("rm -r %s/r*"):format(self.directory))
  self:look()
  local all = assert(core.json_decode(self.watch:changes(first)))
  lu.assertEquals({ all.whole, #all.gone, #all.runs, all.runs[1].id }, { true, 0, 1, "stays" })
  lu.assertNil(next(self.watch.gone))
  lu.assertNil(assert(core.json_decode(self.watch:changes(all.stamp))).whole)
end
