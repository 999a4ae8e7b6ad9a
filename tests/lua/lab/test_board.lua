-- nnlua board: what it shows, and what it does with those who want something else of it.

local client = require "lab.board_client"
local core = require "nn.core"
local lu = require "luaunit"
local process = require "process"

local module = core.real_path(process.nnlua):match "^(.*)/" .. "/nn_board.so"
local done = { state = "finished", seconds = 12.5, result = { accuracy = 0.5, odd = "nan" } }

local function skip_without_module()
  lu.skipIf(not core.file_exists(module), "nnlua was built without libmicrohttpd")
end

-- All names, sizes, times of change, kinds and contents.
local function traces(directory)
  return (process.run(("cd %s && find . -printf '%%p %%y %%s %%T@ %%C@ %%m\\n' | sort && find . -type f | sort | xargs md5sum"):format(
    directory)))
end

TestBoard = {}

function TestBoard:setUp()
  skip_without_module()
  self.top = client.new_directory()
  self.runs = self.top .. "/runs"
  client.put_run(self.runs .. "/trial/one", { depth = 3, name = "</script><b>" }, 10, done)
  client.put_run(self.runs .. "/trial/two", { depth = 4 }, 3)
  local one = self.runs .. "/trial/one/"
  client.put(one .. "figures/loss.png", "\137PNG not really")
  client.put(one .. "figures/notes.txt", "no picture")
  client.put(one .. "script.lua", "return '</script>'")
  client.put(one .. "log.txt", "ab\xffcd\n" .. ("x"):rep(300000) .. "the end\n")
  client.put(one .. "changes.diff", "-a\n+b\n")
  client.put(one .. "layers.jsonl", '{"epoch":1,"layers":[]}\nnonsense\n{"epoch":2,"layers":[{"name":"1"}]}\n{"epo')
  client.put(one .. "samples.json", '{"classes":[],"confusion":[[1,null],[0,2]]}')
  client.put(self.top .. "/secret/run.json", '{"name":"secret"}')
  client.put(self.top .. "/secret.png", "secret")
end

-- Whatever was tried, the board lives, has nothing to complain of, and ends as it should (with a sanitizer: without a leak).
function TestBoard:tearDown()
  local board = self.board
  self.board = nil
  local kind, number, _, text
  if board then
    kind, number, _, text = board:stop "int"
  end
  if self.top then
    os.execute("rm -rf " .. self.top)
  end
  if board then
    lu.assertEquals({ kind, number }, { "exit", 0 }, text)
    lu.assertNotNil(text:find "^board: the runs in [^\n]* %(Ctrl%-C ends it%)\n$", text)
  end
end

function TestBoard:start(limits)
  self.board = client.start(self.runs, limits)
  return self.board
end

function TestBoard:alive()
  lu.assertEquals((self.board:get "/api/runs"), 200)
end

-- ---- what it shows ----

function TestBoard:test_runs()
  local b = self:start()
  local all = b:json "/api/runs"
  table.sort(all.runs, function(x, y)
    return x.id < y.id
  end)
  lu.assertEquals(#all.runs, 2)
  lu.assertEquals(all.runs[1], { id = "trial/one", name = "trial", state = "finished", started = "2026-11-24T10:15:02",
    seconds = 12.5, rows = 10, parameters = { depth = 3, name = "</script><b>" }, result = { accuracy = 0.5, odd = "nan" } })
  lu.assertEquals({ all.runs[2].state, all.runs[2].rows, all.runs[2].seconds }, { "broken off", 3, nil })
  lu.assertEquals(#b:json("/api/runs?since=" .. all.stamp).runs, 0)
  lu.assertEquals(#b:json "/api/runs?since=0".runs, 2)
  lu.assertEquals((b:get "/api/runs?since=x"), 400)
  lu.assertEquals((b:get "/api/runs?since=99999999999999999999"), 400)
end

function TestBoard:test_one_run()
  local b = self:start()
  local _, text = b:get "/api/run?id=trial/one"
  local run = assert(core.json_decode(text))
  lu.assertEquals(run.history.rows, 10)
  lu.assertEquals(run.history.columns.epoch, { 1, 2, 3, 4, 5, 6, 7, 8, 9, 10 })
  lu.assertEquals(run.history.columns.loss[3], 1 / 3)
  lu.assertEquals({ run.id, run.name, run.state, run.seconds }, { "trial/one", "trial", "finished", 12.5 })
  lu.assertEquals(run.directory, self.runs .. "/trial/one")
  lu.assertEquals({ run.script, run.changes }, { "return '</script>'", "-a\n+b\n" })
  lu.assertEquals(run.log:sub(1, 39), "[262144 of 300014 bytes are shown]\nxxxx")
  lu.assertEquals(run.log:sub(-10), "xxthe end\n")
  lu.assertEquals({ #run.layers, run.layers[2].epoch }, { 2, 2 })
  lu.assertStrContains(text, '"samples":{"classes":[],"confusion":[[1,null],[0,2]]}')
  lu.assertEquals(run.figures, { { name = "loss", src = "file?id=trial/one&name=figures/loss.png" } })
  lu.assertEquals(run.about.parameters.depth, 3)
  lu.assertEquals(b:json("/api/run?id=trial%2ftwo").history.rows, 3)
  client.put(self.runs .. "/trial/two/log.txt", "ab\xffcd\0\n")
  lu.assertEquals(b:json("/api/run?id=trial/two").log, "ab\u{fffd}cd\u{fffd}\n")
  local status, picture, headers = b:get "/file?id=trial/one&name=figures/loss.png"
  lu.assertEquals({ status, picture }, { 200, "\137PNG not really" })
  lu.assertStrContains(headers, "Content-Type: image/png")
  lu.assertEquals((b:get "/file?id=trial/one&name=figures/notes.txt"), 404)
  lu.assertEquals(b:json "/api/rows?id=trial/one&from=8", { columns = { epoch = { 9, 10 }, loss = { 1 / 9, 0.1 } }, rows = 2 })
end

function TestBoard:test_page_and_headers()
  local b = self:start()
  local status, text, headers = b:get "/"
  lu.assertEquals(status, 200)
  lu.assertStrContains(text, "<!doctype html>")
  lu.assertNotStrContains(text, "</script><b>")
  lu.assertStrContains(headers, "Content-Type: text/html")
  lu.assertNotNil(headers:find "Content%-Security%-Policy: default%-src 'none'[^\r]*; frame%-ancestors 'none'\r\n")
  for _, path in ipairs { "/", "/api/runs", "/nothing", "/file?id=trial/one&name=figures/loss.png" } do
    local _, _, h = b:get(path)
    lu.assertStrContains(h, "X-Content-Type-Options: nosniff")
    lu.assertStrContains(h, "Cache-Control: no-store")
    lu.assertStrContains(h, "Content-Security-Policy: default-src 'none'")
    lu.assertNotStrContains(h, "Access-Control")
  end
  local head_status, body, head = b:get("/api/runs", { method = "HEAD" })
  lu.assertEquals({ head_status, body }, { 200, "" })
  lu.assertStrContains(head, "Content-Length: " .. #select(2, b:get "/api/runs"))
end

-- The page of `make page` goes out as it is, with the policy that stands in it.
function TestBoard:test_page_that_was_made()
  local copy = self.top .. "/program"
  os.execute(("mkdir -p %s/lua && cp %s %s %s && cp -r lua/stdlib %s/lua"):format(copy, process.nnlua, module, copy, copy))
  local page = '<!doctype html><meta http-equiv="Content-Security-Policy" content="default-src \'none\'; script-src \'sha256-abc\'">x'
  client.put(copy .. "/lua/stdlib/nn/lab/page.html", page)
  local nnlua = process.nnlua
  process.nnlua = copy .. "/nnlua"
  local ok, err = pcall(self.start, self)
  process.nnlua = nnlua
  assert(ok, err)
  local _, text, headers = self.board:get "/"
  lu.assertEquals(text, page)
  lu.assertStrContains(headers, "Content-Security-Policy: default-src 'none'; script-src 'sha256-abc'; frame-ancestors 'none'\r\n")
end

function TestBoard:test_a_run_that_grows()
  local b = self:start()
  local run = self.runs .. "/trial/live"
  local stamp = b:json "/api/runs".stamp
  local lock = assert(core.lock_file(self.runs .. "/trial/two/lock"))
  client.put_run(run, { depth = 1 }, 2)
  local mine = assert(core.lock_file(run .. "/lock"))
  local function changed(wanted)
    return client.wait_for(function()
      for _, r in ipairs(b:json("/api/runs?since=" .. stamp).runs) do
        if r.id == "trial/live" and wanted(r) then
          return r
        end
      end
    end)
  end
  local r = changed(function() return true end)
  lu.assertEquals({ r.state, r.rows }, { "running", 2 })
  lu.assertTrue(r.seconds > 0)
  client.add(run .. "/history.jsonl", '{"epoch":3,"loss":"inf"}\n{"epoch":4,"lo')
  lu.assertEquals(changed(function(x) return x.rows > 2 end).rows, 3)
  lu.assertEquals(b:json "/api/rows?id=trial/live&from=2", { columns = { epoch = { 3 }, loss = { "inf" } }, rows = 1 })
  client.add(run .. "/history.jsonl", 'ss":0.5}\n')
  lu.assertEquals(changed(function(x) return x.rows > 3 end).rows, 4)
  lu.assertEquals(b:json "/api/rows?id=trial/live&from=2".columns.loss[2], 0.5)
  client.put(run .. "/result.json", core.json_encode(done))
  r = changed(function(x) return x.state ~= "running" end)
  lu.assertEquals({ r.state, r.result.accuracy }, { "finished", 0.5 })
  -- resumed: the result is gone, and more rows come
  os.remove(run .. "/result.json")
  lu.assertNotNil(changed(function(x) return x.state == "running" end))
  getmetatable(mine).__close(mine)
  lu.assertNotNil(changed(function(x) return x.state == "broken off" end))
  os.execute("rm -r " .. run)
  lu.assertTrue(client.wait_for(function()
    return b:json("/api/runs?since=" .. stamp).gone[1] == "trial/live"
  end))
  lu.assertEquals((b:get "/api/run?id=trial/live"), 404)
  getmetatable(lock).__close(lock)
end

function TestBoard:test_a_directory_that_vanishes()
  local b = self:start()
  lu.assertEquals(#b:json "/api/runs".runs, 2)
  os.execute(("mv %s %s.away"):format(self.runs, self.runs))
  local now = client.wait_for(function()
    local answer = b:json "/api/runs"
    return #answer.runs == 0 and answer
  end)
  lu.assertStrContains(now.missing, "No such file")
  lu.assertEquals((b:get "/api/run?id=trial/one"), 404)
  lu.assertEquals((b:get "/"), 200)
  os.execute(("mv %s.away %s"):format(self.runs, self.runs))
  lu.assertTrue(client.wait_for(function()
    return #b:json "/api/runs".runs == 2
  end))
end

function TestBoard:test_it_changes_nothing()
  local before = traces(self.top)
  local b = self:start()
  for _, path in ipairs { "/", "/api/runs", "/api/run?id=trial/one", "/api/run?id=trial/two", "/api/rows?id=trial/one&from=3",
    "/file?id=trial/one&name=figures/loss.png", "/file?id=trial/one&name=../x", "/nothing" } do
    b:get(path)
    b:get(path, { method = "HEAD" })
    b:get(path, { method = "DELETE" })
    b:get(path, { method = "PUT", headers = "Content-Length: 0\r\n" })
  end
  lu.assertEquals(traces(self.top), before)
end

-- ---- what it does not show ----

function TestBoard:test_names_that_lead_out()
  local b = self:start()
  for _, id in ipairs { "..", "../secret", "trial/../../secret", "%2e%2e/secret", "%2E%2E%2Fsecret", "trial%2f..%2f..%2fsecret",
    "/etc", "%2fetc", "trial/one/", "./trial/one", "trial//one", "trial/one%00", "trial/one%00/../../secret", "trial%5cone", "",
    "trial", "trial/one/figures", ("a"):rep(5000), ("../"):rep(1000) .. "etc", "trial/on%65%00", "..%c0%af..%c0%afsecret",
    "trial/one#x", "trial/one?x", "%ff%fe" } do
    for _, path in ipairs { "/api/run?id=" .. id, "/api/rows?from=0&id=" .. id, "/file?name=figures/loss.png&id=" .. id } do
      local status, body = b:get(path)
      lu.assertTrue(status == 404 or status == 400 or id == "trial/one#x", path .. ": " .. tostring(status))
      lu.assertNotStrContains(body, "secret\"")
    end
  end
  for _, name in ipairs { "../../../../secret.png", "figures/../../../../secret.png", "figures/%2e%2e/run.json", "run.json",
    "script.lua", "figures/", "figures", "figures/loss.png%00", "/etc/passwd", "figures/loss.png/", "figures//loss.png", "loss.png",
    "FIGURES/loss.png", ("figures/"):rep(500) .. "loss.png", "lock", "" } do
    lu.assertEquals((b:get("/file?id=trial/one&name=" .. name)), 404, name)
  end
  for _, path in ipairs { "/../secret.png", "/..%2fsecret.png", "//", "/api", "/api/", "/api/runs/", "/api/runs%00", "/API/runs",
    "/trial/one/run.json", "/%2e%2e/etc/passwd", "/api/run", "/file", "/file?id=trial/one", "http://elsewhere/api/runs",
    "/api/runs%2f" } do
    local status = b:get(path)
    lu.assertTrue(status == 404 or status == 400, path .. ": " .. tostring(status))
  end
  for _, query in ipairs { "id=trial/one&id=trial/two", "id", "=x", "id=%", "id=%4", "id=%zz", "id=trial/one&&from=x", "1=2" } do
    lu.assertNotEquals((b:get("/api/rows?" .. query)), 200, query)
  end
  self:alive()
end

function TestBoard:test_links_and_special_files()
  local trial = self.runs .. "/trial"
  os.execute(("cd %s && ln -s ../../secret linked && ln -s one own && ln -s ../.. up && mkfifo one/figures/pipe.png && "
    .. "ln -s ../../../../secret.png one/figures/out.png && ln -s loss.png one/figures/in.png && mkdir one/figures/folder.png && "
    .. "rm two/lock && mkfifo two/lock two/result.json two/log.txt && ln -s /etc/passwd two/script.lua && "
    .. "ln -s ../../../secret/run.json two/samples.json && ln -s ../one/changes.diff two/changes.diff && "
    .. "rm two/history.jsonl && ln -s ../one/history.jsonl two/history.jsonl && mkdir two/layers.jsonl"):format(trial))
  client.put(trial .. "/\xff\xfe/run.json", "{}")
  local b = self:start()
  local ids = {}
  for _, run in ipairs(b:json "/api/runs".runs) do
    ids[#ids + 1] = run.id
  end
  table.sort(ids)
  lu.assertEquals(ids, { "trial/one", "trial/two" })
  for _, name in ipairs { "pipe.png", "out.png", "in.png", "folder.png" } do
    lu.assertEquals((b:get("/file?id=trial/one&name=figures/" .. name)), 404, name)
  end
  lu.assertEquals(#b:json("/api/run?id=trial/one").figures, 1)
  local two = b:json "/api/run?id=trial/two"
  lu.assertEquals(two.history, { columns = {}, rows = 0 })
  lu.assertEquals({ two.script, two.changes, two.log, two.samples, two.layers }, {})
  for _, id in ipairs { "trial/linked", "trial/own", "trial/up/secret", "trial/up/runs/trial/one" } do
    lu.assertEquals((b:get("/api/run?id=" .. id)), 404, id)
  end
end

function TestBoard:test_files_that_are_too_large()
  local one = self.runs .. "/trial/one/"
  os.execute(("truncate -s 20M %sfigures/loss.png %ssamples.json && truncate -s 3M %sscript.lua && truncate -s 5M %s/trial/two/run.json"):format(
    one, one, one, self.runs))
  local b = self:start()
  lu.assertEquals((b:get "/file?id=trial/one&name=figures/loss.png"), 404)
  local run = b:json "/api/run?id=trial/one"
  lu.assertNil(run.samples)
  lu.assertStrContains(run.script, "[1048576 of 3145728 bytes are shown]")
  for _, r in ipairs(b:json "/api/runs".runs) do
    lu.assertEquals({ r.state, r.error }, r.id == "trial/one" and { "finished" }
      or { "unreadable", "trial/two/run.json: it has more than 4 MiB" })
  end
end

-- One line without an end holds nobody up: it is looked at once, not from each of its bytes.
function TestBoard:test_half_a_line_of_layers()
  client.put(self.runs .. "/trial/one/layers.jsonl", '{"epoch":1}\n{"epoch":2,"layers":[' .. ("1,"):rep(3000000))
  local b = self:start()
  lu.assertEquals(b:json("/api/run?id=trial/one").layers, { { epoch = 1 } })
end

-- What one run has that cannot be told in JSON is told of this run, and the others stay.
function TestBoard:test_bad_runs()
  for name, text in pairs { hole = '{"parameters":{"a":[1,null,3]}}', deep = '{"a":' .. ("["):rep(150) .. ("]"):rep(150) .. "}", half = '{"na' } do
    client.put(self.runs .. "/bad/" .. name .. "/run.json", text)
  end
  os.execute(("mkdir %s/bad/pipe && mkfifo %s/bad/pipe/run.json"):format(self.runs, self.runs))
  local b = self:start()
  local told = {}
  for _, run in ipairs(b:json "/api/runs".runs) do
    told[run.id] = run.state .. " " .. (run.error or "")
  end
  lu.assertEquals(told["trial/one"], "finished ")
  lu.assertStrContains(told["bad/hole"], "unreadable bad/hole/run.json: a list in it has null")
  lu.assertStrContains(told["bad/deep"], "unreadable bad/deep/run.json: it is nested deeper")
  lu.assertStrContains(told["bad/half"], "unreadable bad/half/run.json: ")
  lu.assertStrContains(told["bad/pipe"], "unreadable bad/pipe/run.json: no regular file")
  lu.assertEquals(b:json "/api/run?id=bad/hole".state, "unreadable")
end

-- Ctrl-C ends it as it should from its first line on: here it comes while that is printed.
function TestBoard:test_ended_at_once()
  local out, err, status = process.run(("timeout 20 %s -e %s"):format(process.quote(process.nnlua), process.quote(([[
    local core, old = require "nn.core", print
    function print(...)
      old(...)
      local p = core.start { "kill", "-INT", tostring(core.process_id()) }
      while not p:poll() do end
    end
    require("nn.lab.board").serve(%q, 0)
    old "ended"]]):format(self.runs))))
  lu.assertEquals({ status, err }, { 0, "" })
  lu.assertStrMatches(out, "board: the runs in .*\nended\n")
end

function TestBoard:test_other_hosts()
  local b = self:start()
  for _, host in ipairs { "localhost", "LocalHost:80", "127.0.0.1", "127.0.0.1:1", "[::1]:8642" } do
    lu.assertEquals((b:get("/api/runs", { host = host })), 200, host)
  end
  for _, host in ipairs { "evil.example", "evil.example:" .. b.port, "127.0.0.1.evil.example", "localhost.evil.example", "127.0.0.2",
    "", "localhost:80:80", "localhost@evil.example", "evil.example#localhost", "localhost:x", "0.0.0.0", "localhost evil" } do
    local status, body = b:get("/api/runs", { host = host })
    lu.assertTrue(status == 403 or status == 400, host .. ": " .. tostring(status))
    lu.assertNotStrContains(body, "trial")
  end
  local status = b:get("/api/runs", { host = false })
  lu.assertTrue(status == 400 or status == 403)
  lu.assertEquals((b:get("/api/runs", { headers = "Host: evil.example\r\n" })), 403)
  lu.assertStrContains(b:send "GET /api/runs HTTP/1.0\r\n\r\n", " 403 ")
end

-- Nobody reaches it by another address of this machine.
function TestBoard:test_only_on_127_0_0_1()
  local b = self:start()
  local table_ = client.read_all "/proc/net/tcp"
  lu.assertStrContains(table_, (" 0100007F:%04X 00000000:0000 0A"):format(b.port))
  lu.assertNotStrContains(table_, (" 00000000:%04X "):format(b.port))
  lu.assertStrContains(b:bash "exec 3<>/dev/tcp/127.0.0.2/$PORT", "refused")
end

-- ---- clients that are wrong or slow ----

function TestBoard:test_methods_and_bodies()
  local b = self:start()
  for _, method in ipairs { "POST", "PUT", "DELETE", "OPTIONS", "PATCH", "TRACE", "CONNECT", "get", "X" } do
    local status, _, headers = b:get("/api/runs", { method = method, headers = "Content-Length: 0\r\n" })
    lu.assertEquals(status, 405, method)
    lu.assertStrContains(headers, "Allow: GET, HEAD")
  end
  local body = ("Content-Length: %d\r\n\r\n%s"):format(100000, ("x"):rep(100000))
  lu.assertStrContains(b:send("POST /api/runs HTTP/1.1\r\nHost: localhost\r\n" .. body), " 405 ")
  lu.assertStrContains(b:send("GET /api/runs HTTP/1.1\r\nHost: localhost\r\n" .. body), " 400 ")
  lu.assertStrContains(b:send "GET /api/runs HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n",
    " 400 ")
  self:alive()
end

function TestBoard:test_requests_that_are_none()
  local b = self:start "{request = 1, silence = 2}"
  for _, bytes in ipairs { "\r\n\r\n", "GET\r\n\r\n", "GET /\r\n\r\n", "\0\0\0\0", "GET / HTTP/9.9\r\nHost: localhost\r\n\r\n", ("A"):rep(100000),
    "GET /" .. ("a"):rep(100000) .. " HTTP/1.1\r\nHost: localhost\r\n\r\n", "\22\3\1\2\0\1\0\1\252\3\3", "GET / HTTP/1.1\nHost: localhost\n\n",
    "GET /\0api HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n", "GET /api/runs\0x HTTP/1.1\r\nHost: local\0host\r\n\r\n",
    "GET / HTTP/1.1\r\nHost: localhost\r\n" .. ("X: y\r\n"):rep(20000) .. "\r\n", "GET / HTTP/1.1\r\nHost: localhost\r\nX: " .. ("y"):rep(200000)
      .. "\r\n\r\n", "GET / HTTP/1.1\r\nHost: localhost\r\nNo colon\r\n\r\n", "GET / HTTP/1.1\r\n: x\r\n\r\n",
    "GET / HTTP/1.1\r\nContent-Length: -1\r\nHost: localhost\r\n\r\n", "GET / HTTP/1.1\r\nContent-Length: 99999999999999999999999\r\n\r\n" } do
    b:send(bytes)
    self:alive()
  end
  local text = b:send("GET / HTTP/1.1\r\nHost: localhost\r\nX: " .. ("y"):rep(17000) .. "\r\n\r\n")
  lu.assertNotNil(text:find "^HTTP/1.1 431 ", text:sub(1, 100))
end

function TestBoard:test_pipelining_and_keeping_alive()
  local b = self:start()
  local one = "GET /api/rows?id=trial/one&from=%d HTTP/1.1\r\nHost: localhost\r\n%s\r\n"
  local parts = {}
  for i = 0, 50 do
    parts[#parts + 1] = one:format(i % 10, i == 50 and "Connection: close\r\n" or "")
  end
  local text, count = b:send(table.concat(parts)), 0
  for body in text:gmatch '\r\n\r\n({"columns".-"rows":%d+})' do
    local row = core.json_decode(body)
    lu.assertEquals(row.columns.epoch[1], count % 10 + 1)
    count = count + 1
  end
  lu.assertEquals(count, 51)
end

-- Who sends a byte now and then is cut off all the same; half requests, too; those who read nothing hold nobody up.
function TestBoard:test_slow_clients()
  local b = self:start "{request = 1.5, silence = 1}"
  local began = core.time()
  b:bash "open; printf 'GET /api/runs HT' >&3; timeout 20 cat <&3"
  lu.assertTrue(core.time() - began < 15)
  began = core.time()
  local out = b:bash [[
    trap '' PIPE
    open
    printf 'GET /api/runs HTTP/1.1\r\nHost: localhost\r\nX: ' >&3
    for i in $(seq 40); do sleep 0.25; printf x >&3 || { echo cut after $i; break; }; done 2>/dev/null]]
  lu.assertStrContains(out, "cut after")
  lu.assertTrue(core.time() - began < 9.5)
  self:alive()
  -- asks for much and reads nothing, fifty times
  client.put_run(self.runs .. "/trial/large", {}, 30000)
  out = b:bash [[
    for i in $(seq 50); do exec {fd}<>/dev/tcp/127.0.0.1/$PORT
      printf 'GET /api/run?id=trial/large HTTP/1.1\r\nHost: localhost\r\n\r\n' >&$fd; done
    open; printf 'GET /api/runs HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n' >&3; timeout 20 cat <&3 | grep -c trial/one]]
  lu.assertEquals(out, "1\n")
  self:alive()
end

function TestBoard:test_two_hundred_at_once()
  local b = self:start()
  local out = b:bash [[
    fds=()
    for i in $(seq 200); do exec {fd}<>/dev/tcp/127.0.0.1/$PORT || exit 1; fds+=($fd); done
    for fd in ${fds[@]}; do printf 'GET /api/run?id=trial/one HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n' >&$fd; done
    n=0
    for fd in ${fds[@]}; do timeout 20 cat <&$fd | grep -q '"rows":10' && n=$((n + 1)); done
    echo $n]]
  lu.assertEquals(out, "200\n")
  -- more than are served: the others wait or are refused, and their going makes room
  b:bash "for i in $(seq 400); do exec {fd}<>/dev/tcp/127.0.0.1/$PORT; done; sleep 0.5"
  self:alive()
end

-- Clients that go in the middle of everything.
function TestBoard:test_clients_that_go()
  client.put_run(self.runs .. "/trial/large", {}, 200000)
  local b = self:start()
  b:bash [[
    for i in $(seq 30); do
      open; printf 'GET /api/run?id=trial/large HTTP/1.1\r\nHost: localhost\r\n\r\n' >&3; exec 3>&-
      open; printf 'GET /api/runs HTTP/1.1\r\nHost: localhost\r\n\r\n' >&3; read -t 0.01 -N 10 x <&3; exec 3>&-
    done]]
  self:alive()
  lu.assertEquals(b:json "/api/run?id=trial/large".history.rows, 200000)
end

-- A large run, asked for by many of whom most read nothing: the others are answered all the same, and memory has an end.
function TestBoard:test_many_large_answers()
  client.put_run(self.runs .. "/trial/large", {}, 0)
  local lines = {}
  for i = 1, 50000 do
    lines[i] = ('{"step":%d,"a":%.17g,"b":%.17g,"c":%.17g}\n'):format(i, 1 / i, 2 / i, 3 / i)
  end
  client.put(self.runs .. "/trial/large/history.jsonl", table.concat(lines):rep(15))
  local b = self:start()
  local out = b:bash [[
    for i in $(seq 20); do exec {fd}<>/dev/tcp/127.0.0.1/$PORT
      printf 'GET /api/run?id=trial/large HTTP/1.1\r\nHost: localhost\r\n\r\n' >&$fd; done
    for i in $(seq 20); do
      open; printf 'GET /api/rows?id=trial/one&from=0 HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n' >&3
      timeout 3 cat <&3 | grep -c '"rows":10'; sleep 0.2; done]]
  lu.assertEquals(out, ("1\n"):rep(20))
  local peak = tonumber(client.read_all(("/proc/%d/status"):format(b.process:pid())):match "VmHWM:%s*(%d+) kB")
  lu.assertTrue(peak < 600 * 1024, peak)
  self:alive()
end

-- ---- beginning and end ----

function TestBoard:test_it_ends_at_once()
  for _, signal in ipairs { "int", "term" } do
    local b = self:start()
    b:bash "for i in 1 2 3; do exec {fd}<>/dev/tcp/127.0.0.1/$PORT; printf 'GET / H' >&$fd; done"
    local kind, number, seconds, text = b:stop(signal)
    lu.assertEquals({ kind, number }, signal == "int" and { "exit", 0 } or { "signal", 15 }, text)
    lu.assertTrue(seconds < 10)
    lu.assertNotNil(text:find "^board: the runs in [^\n]* %(Ctrl%-C ends it%)\n$", text)
    self.board = nil
  end
end

TestBoardWords = {}

function TestBoardWords.test_what_cannot_be()
  local directory = client.new_directory()
  client.put_run(directory .. "/run", {}, 1)
  local function board(words)
    local out, err, status = process.run(("timeout 20 %s board %s"):format(process.nnlua, words))
    lu.assertEquals(out, "")
    lu.assertEquals(status, 1, err)
    lu.assertNotStrContains(err, "traceback")
    return err
  end
  lu.assertStrContains(board "/no/such", "/no/such is no directory; runs are kept in one when an experiment runs")
  lu.assertStrContains(board(directory .. "/run"), "is one run; name the directory that it lies in")
  for _, port in ipairs { "x", "-1", "65536", "99999999999", "1.5", "''" } do
    lu.assertStrContains(board(directory .. " --port " .. port), "--port takes a number from 0 (any that is free) to 65535")
  end
  lu.assertStrContains(board(directory .. " --port"), "--port takes a number")
  lu.assertStrContains(board(directory .. " --prot 1"), "'--prot' is not understood\nusage: nnlua board [DIR] [--port N]")
  lu.assertStrContains(board "a b", "'b' is not understood")
  lu.assertStrContains(process.run(process.nnlua .. " board --help"), "usage: nnlua board [DIR] [--port N]")
  os.execute("rm -r " .. directory)
end

function TestBoardWords.test_a_port_that_is_taken()
  skip_without_module()
  local directory = client.new_directory()
  local b = client.start(directory)
  local _, err, status = process.run(("timeout 20 %s board %s --port %d"):format(process.nnlua, directory, b.port))
  b:stop()
  os.execute("rmdir " .. directory)
  lu.assertEquals(status, 1)
  lu.assertStrContains(err, ("board: port %d is taken, perhaps by another board; try --port %d, or --port 0"):format(b.port,
    b.port % 65535 + 1))
end

-- A program that lies alone has no module beside it.
function TestBoardWords.test_without_libmicrohttpd()
  local directory = client.new_directory()
  os.execute(("mkdir %s/bin %s/bin/lua && cp %s %s/bin/nnlua && ln -s %s %s/bin/lua/stdlib"):format(directory, directory,
    process.nnlua, directory, core.real_path "lua/stdlib", directory))
  local out, err, status = process.run(("timeout 20 %s/bin/nnlua board %s"):format(directory, directory))
  lu.assertEquals({ out, status }, { "", 1 })
  lu.assertStrContains(err, "board: libmicrohttpd was not there when nnlua was built; as root, in its directory: "
    .. "apt-get install libmicrohttpd-dev && make")
  lu.assertEquals(process.run(directory .. "/bin/nnlua -e 'print(1)'"), "1\n")
  os.execute("rm -r " .. directory)
end

function TestBoardWords.test_not_in_the_sandbox()
  local _, err, status = process.run(("timeout 20 %s --sandbox -e \"require('nn.lab.board').serve('/', 0)\" </dev/null"):format(
    process.nnlua))
  lu.assertEquals(status, 1)
  lu.assertStrContains(err, "board: there is no network in the sandbox")
end
