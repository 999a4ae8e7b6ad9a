-- nnlua report: what is put into the page. The page itself is tried in a browser (make test-web) and need not be built here.

local lu = require "luaunit"
local core = require "nn.core"
local index = require "nn.lab.index"
local process = require "process"
local provenance = require "nn.lab.provenance"
local report = require "nn.lab.report"

TestReport = {}

local folder
local hostile = "</script><img src=x onerror=alert(1)>\u{2028}\u{2029}<!--"
local template = "<html><!--data--><script>own</script></html>"

local function put(name, text)
  local path = folder .. "/" .. name
  core.make_directory(path:match "^(.*)/")
  local f = assert(io.open(path, "wb"))
  f:write(text)
  f:close()
end

local function text_of(path)
  local f = assert(io.open(path, "rb"))
  local text = f:read "a"
  f:close()
  return text
end

-- A run's directory with these files, beside run.json.
local function run(name, about, files)
  about.name, about.started = about.name or "trial", "2026-11-24T10:15:02"
  about.parameters = about.parameters or { lr = 0.1 }
  put(name .. "/run.json", core.json_encode(about))
  for file, text in pairs(files or {}) do
    put(name .. "/" .. file, text)
  end
  return assert(index.run(folder .. "/" .. name))
end

function TestReport:setUp()
  folder = os.tmpname()
  os.remove(folder)
  core.make_directory(folder)
end

function TestReport:tearDown()
  os.execute("rm -rf " .. process.quote(folder))
end

function TestReport:test_columns()
  run("a", {}, { ["history.jsonl"] = table.concat({
    '{"epoch":1,"loss":0.123456789,"step":12345678}', '{"epoch":2,"loss":"nan","valid_loss":"inf"}', '{"epoch":3,"loss":1e-30,"remark":"x"}',
    '{"epoch":4,"lo' }, "\n") })
  local json, columns = report.history(folder .. "/a")
  lu.assertEquals(json, '{"columns":{"epoch":[1,2,3],"loss":[0.123456789,"nan",1e-30],' ..
    '"step":[12345678,null,null],"valid_loss":[null,"inf",null]},"rows":3,"others":["remark"]}')
  lu.assertEquals(columns.names, { "epoch", "loss", "step", "valid_loss" })
  lu.assertEquals({ columns.rows, columns.unreadable }, { 3, 0 })
  lu.assertEquals((report.history(folder .. "/none")), '{"columns":{},"rows":0}')
end

-- No digit is lost, and none is written that says nothing.
function TestReport:test_digits()
  run("b", {}, { ["history.jsonl"] = '{"t":1700000000.1234567}\n{"t":0.10000000000000001}\n{"t":1.00000001}\n' })
  lu.assertEquals((report.history(folder .. "/b")), '{"columns":{"t":[1700000000.1234567,0.1,1.00000001]},"rows":3}')
end

function TestReport:test_base64() -- RFC 4648, section 10
  for text, code in pairs { [""] = "", f = "Zg==", fo = "Zm8=", foo = "Zm9v", foob = "Zm9vYg==", fooba = "Zm9vYmE=", foobar = "Zm9vYmFy",
    ["\0\xff\xfe"] = "AP/+" } do
    lu.assertEquals(report.base64(text), code)
  end
end

function TestReport:test_data()
  local r = run("c", { doc = "d" }, {
    ["history.jsonl"] = '{"epoch":1,"loss":0.5}\n', ["layers.jsonl"] = '{"epoch":1,"layers":[{"name":"1","activation":0.25}]}\n{"ep',
    ["samples.json"] = '{"classes":["a","b"],"confusion":[[1,2],[3,4]]}', ["script.lua"] = "return 1\n", ["changes.diff"] = "+x\n",
    ["log.txt"] = "one\xff\n", ["figures/loss.png"] = "PNG", ["figures/other.txt"] = "no",
    ["result.json"] = '{"state":"finished","seconds":2,"result":{"accuracy":0.5,"loss":"inf"}}',
  })
  local data = core.json_decode(report.data({ r }, { title = "all" }))
  lu.assertEquals({ data.title, data.live, #data.runs }, { "all", false, 1 })
  local d = data.runs[1]
  lu.assertEquals({ d.id, d.directory, d.name, d.state, d.seconds }, { r.directory, r.directory, "trial", "finished", 2 })
  lu.assertEquals(d.parameters, { lr = 0.1 })
  lu.assertEquals(d.result, { accuracy = 0.5, loss = "inf" })
  lu.assertEquals(d.history, { columns = { epoch = { 1 }, loss = { 0.5 } }, rows = 1 })
  lu.assertEquals(d.layers, { { epoch = 1, layers = { { name = "1", activation = 0.25 } } } })
  lu.assertEquals(d.samples.confusion, { { 1, 2 }, { 3, 4 } })
  lu.assertEquals(d.figures, { { name = "loss", src = "data:image/png;base64,UE5H" } })
  lu.assertEquals({ d.script, d.changes, d.log, d.about.doc }, { "return 1\n", "+x\n", "one\u{FFFD}\n", "d" })
  -- a server has an address for its figures
  local other = core.json_decode(report.run(r, { figure = function(_, name)
    return "figure?" .. name
  end }))
  lu.assertEquals(other.figures, { { name = "loss", src = "figure?loss.png" } })
end

-- What is not there is not in the data, and what is broken harms nothing else.
function TestReport:test_little_and_broken()
  local d = core.json_decode(report.run(run("d", {}, { ["samples.json"] = '{"classes":[', ["layers.jsonl"] = "nothing", ["script.lua"] = "" })))
  lu.assertEquals({ d.samples, d.layers, d.figures, d.script, d.log, d.error }, {})
  lu.assertEquals(d.state, "broken off")
  lu.assertEquals(d.history.rows, 0)
  local long = core.json_decode(report.run(run("e", {}, { ["log.txt"] = ("x"):rep(1 << 20) .. "end" })))
  lu.assertStrContains(long.log:sub(1, 60), "(3 bytes are left out")
  lu.assertEquals(long.log:sub(-3), "end")
end

-- The blocks of a page, by id.
local function blocks(page)
  local found = {}
  for id, json in page:gmatch '<script type="application/json" id="([^"]*)">(.-)</script>' do
    found[id] = assert(core.json_decode(json))
  end
  return found
end

function TestReport:test_page()
  local list = {}
  for i = 1, 3 do
    list[i] = run("f" .. i, { name = hostile, parameters = { [hostile] = hostile } }, {
      ["history.jsonl"] = core.json_encode { [hostile] = i } .. "\n", ["script.lua"] = hostile, ["log.txt"] = "log " .. i,
      ["samples.json"] = core.json_encode { classes = { hostile } },
    })
  end
  local path = folder .. "/page.html"
  local bytes = report.write(path, list, { title = hostile, page = template })
  local page = text_of(path)
  lu.assertEquals(#page, bytes)
  -- nothing of a run opens or ends an element, or a line of a script
  local inside = page:gsub('<script type="application/json" id="[%w%-]+">', ""):gsub("</script>\n", ""):gsub("<script>own</script></html>$", "")
  lu.assertEquals(inside:match "^<html>[^<]*$" ~= nil, true)
  lu.assertNil(page:find("\u{2028}", 1, true))
  lu.assertNil(page:find("\u{2029}", 1, true))
  local found = blocks(page)
  lu.assertEquals(found.data.title, hostile)
  lu.assertEquals(#found.data.runs, 3)
  for i = 1, 3 do
    lu.assertEquals(found.data.runs[i].name, hostile)
    lu.assertEquals(found.data.runs[i].parameters, { [hostile] = hostile })
    lu.assertEquals(found.data.runs[i].history, { rows = 1, unreadable = 0, names = { hostile } })
    lu.assertEquals(found["h-" .. i - 1], { columns = { [hostile] = { i } }, rows = 1 })
    local d = found["d-" .. i - 1]
    lu.assertEquals(d.samples.classes, { hostile })
    lu.assertEquals(found["t-" .. d.log.text], "log " .. i)
    lu.assertEquals(found["t-" .. d.script.text], hostile)
  end
  lu.assertEquals(found["d-0"].script, found["d-2"].script) -- one text, one block
end

function TestReport:test_find()
  run("g/one/2026-a", {})
  run("g/one/2026-a/runs/inner", {})
  run("g/one/2026-a/runs/inner/runs/innermost", {})
  run("g/two/2026-b", {})
  local function names(...)
    local list = {}
    for i, r in ipairs(report.find(...)) do
      list[i] = r.directory:sub(#folder + 4)
    end
    return list
  end
  lu.assertEquals(names { folder .. "/g" }, { "one/2026-a", "two/2026-b" })
  lu.assertEquals(names { folder .. "/g/two/2026-b", folder .. "/g", folder .. "/g/two/2026-b/" }, { "two/2026-b", "one/2026-a" })
  lu.assertEquals(names({ folder .. "/g/one" }, true), { "one/2026-a", "one/2026-a/runs/inner", "one/2026-a/runs/inner/runs/innermost" })
  core.make_directory(folder .. "/empty")
  lu.assertErrorMsgContains("there are no runs in " .. folder .. "/empty", report.find, { folder .. "/empty" })
  lu.assertErrorMsgContains("is no run", report.find, { folder .. "/nowhere" })
end

function TestReport:test_title()
  local function title(...)
    local list = {}
    for i, name in ipairs { ... } do
      list[i] = { name = name }
    end
    return report.title(list)
  end
  lu.assertEquals(title("a", "b", "a"), "a, b")
  lu.assertEquals(title("a", "b", "c", "d", "e"), "5 experiments")
  lu.assertEquals(title(), "Runs")
end

local function with_page(text, f)
  local old = provenance.read_text
  provenance.read_text = function(path)
    if path:find "page%.html$" then
      return text
    end
    return old(path)
  end
  local ok, why = pcall(f)
  provenance.read_text = old
  if not ok then
    error(why, 0)
  end
end

function TestReport:test_page_that_is_not_there()
  local r = run("h", {})
  with_page(nil, function()
    lu.assertErrorMsgContains("run: make page", report.write, folder .. "/h.html", { r })
  end)
  with_page("<html>another", function()
    lu.assertErrorMsgContains("is not of this nnlua", report.write, folder .. "/h.html", { r })
  end)
  lu.assertFalse(core.file_exists(folder .. "/h.html"))
end

-- A file may ask nobody; the page of a server may ask that server.
function TestReport:test_policy()
  local policy = "connect-src 'self'; img-src 'self' data:;<!--data-->"
  with_page(policy, function()
    lu.assertEquals(report.page(), policy)
    lu.assertEquals(report.page(true), "connect-src 'none'; img-src data:;<!--data-->")
  end)
end

function TestReport:test_command()
  run("i/2026-x", {}, { ["history.jsonl"] = '{"loss":1}\n' })
  local path = folder .. "/out.html"
  local wrong = { { "usage: nnlua report RUN" }, { "no option %-%-wrong", folder, "--wrong" }, { "%-o needs a value", folder, "-o" } }
  for _, case in ipairs(wrong) do
    local ok, why = pcall(report.main, "report", { table.unpack(case, 2) })
    lu.assertFalse(ok)
    lu.assertStrMatches(tostring(why), ".*" .. case[1] .. ".*")
  end
  local said = {}
  local old = print
  print = function(text) -- luacheck: ignore
    said[#said + 1] = text
  end
  with_page("connect-src 'self'; img-src 'self' data:;<!--data-->", function()
    report.main("report", { folder .. "/i", "-o", path, "--title", "T" })
  end)
  print = old -- luacheck: ignore
  lu.assertEquals(said, { path .. ": 1 run, 0 KiB; open it in a browser" })
  lu.assertEquals(blocks(text_of(path)).data.title, "T")
  local out, err = process.run(("%s report %s -o %s"):format(process.quote(process.nnlua), process.quote(folder .. "/i"), process.quote(path)))
  lu.assertTrue(out:find("1 run,", 1, true) ~= nil or err:find("make page", 1, true) ~= nil, out .. err)
end

function TestReport:test_many_columns()
  local lines = {}
  for i = 1, 300 do
    lines[i] = ('{"c%d":1}\n'):format(i)
  end
  run("many", {}, { ["history.jsonl"] = table.concat(lines) .. "broken\n" })
  local json, columns = report.history(folder .. "/many")
  lu.assertEquals({ #columns.names, columns.rows, columns.unreadable, columns.left_out }, { 256, 300, 1, true })
  lu.assertStrContains(json, '"left_out":true')
  local path = folder .. "/page.html"
  core.write_file(folder .. "/w.lua", ([[
    local index, report = require "nn.lab.index", require "nn.lab.report"
    report.write(%q, {assert(index.run(%q))}, {page = "<!--data-->"})]]):format(path, folder .. "/many"))
  local _, err = process.run(("%s %s"):format(process.quote(process.nnlua), process.quote(folder .. "/w.lua")))
  lu.assertStrContains(err, "many/history.jsonl has more than 256 columns")
  lu.assertStrContains(err, "1 line of " .. folder .. "/many/history.jsonl could not be read")
end
