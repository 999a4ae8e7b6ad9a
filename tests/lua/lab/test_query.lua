-- nnlua runs, compare and diff over runs that nobody would write: values that are nearly the same, names that are taken,
-- files that are none.

local client = require "lab.board_client"
local core = require "nn.core"
local expression = require "nn.lab.expression"
local index = require "nn.lab.index"
local lu = require "luaunit"
local plain = require "nn.lab.plain"
local process = require "process"
local query = require "nn.lab.query"
local tables = require "nn.lab.table"

local nnlua = core.real_path(process.nnlua)

TestQuery = {}

function TestQuery:setUp()
  self.directory = client.new_directory()
end

function TestQuery:tearDown()
  os.execute("rm -rf " .. self.directory)
end

function TestQuery:put(name, parameters, result, more)
  client.put(("%s/runs/%s/run.json"):format(self.directory, name), plain.encode { name = "trial", parameters = parameters,
    started = "2026-11-24T10:15:02", time = more and more.time or nil })
  if result then
    client.put(("%s/runs/%s/result.json"):format(self.directory, name), plain.encode { state = "finished", seconds = 2,
      result = result })
  end
end

-- What nnlua prints; a pipe that it waits for would end the test by the time limit.
function TestQuery:nnlua(words)
  return process.run(("cd %s && timeout 60 %s %s"):format(process.quote(self.directory), process.quote(nnlua), words))
end

function TestQuery:test_resume_takes_the_end_of_a_name()
  self:put("e/2026-11-24T10-15-02-7f3a", { lr = 1 }, { accuracy = 0.5 })
  local out, err = self:nnlua "resume 7f3a"
  lu.assertEquals(out, "runs/e/2026-11-24T10-15-02-7f3a is finished; there is nothing to go on with\n", err)
  out, err = self:nnlua "resume 7f3b"
  lu.assertStrContains(err, "7f3b is no run", out)
end

function TestQuery:test_texts_tell_values_apart()
  lu.assertEquals(tables.texts({ 1.000001, 1.000002 }, 2), { "1.000001", "1.000002" })
  lu.assertEquals(tables.texts({ 0.123456789, 5 }, 2), { "0.12346", "5" })
  lu.assertEquals(tables.texts({ 0.1, 0.1 + 2 ^ -56 }, 2), { "0.10000000000000001", "0.10000000000000002" })
  lu.assertEquals(tables.texts({ "1", 1 }, 2), { '"1"', "1" })
  lu.assertEquals(tables.texts({ [2] = "" }, 2), { "", '""' })
  lu.assertEquals(tables.texts({ "true", true }, 2), { '"true"', "true" })
  lu.assertEquals(tables.texts({ { 1, 2 }, "1,2" }, 2), { "{1=1,2=2}", '"1,2"' })
  lu.assertEquals(tables.texts({ 0 / 0, 0 / 0, 1.0 }, 3), { "nan", "nan", "1" })
  self:put("a", { lr = 1.000001, n = "1" }, { accuracy = 0.5 })
  self:put("b", { lr = 1.000002, n = 1 }, { accuracy = 0.5 })
  local out = self:nnlua "runs"
  for _, text in ipairs { "lr", "1.000001", "1.000002", '"1"' } do
    lu.assertStrContains(out, text)
  end
  for _, word in ipairs { "compare", "diff" } do
    out = self:nnlua(word .. " runs/a runs/b")
    lu.assertStrMatches(out, ".*lr +1%.000001 +1%.000002\n.*")
    lu.assertStrMatches(out, '.*\nn +"1" +1\n.*')
  end
end

function TestQuery:test_sort_of_several_types()
  local values = { "b", 3, false, 0 / 0, math.huge, 1, "a", true, 2, -math.huge, { 1 }, 10 }
  local list = {}
  for i, v in ipairs(values) do
    list[i] = { parameters = { n = v }, result = {}, directory = i }
  end
  list[#list + 1] = { parameters = {}, result = {}, directory = "none" }
  local function order(text)
    local out = {}
    for i, run in ipairs(query.sort(table.move(list, 1, #list, 1, {}), text)) do
      local v = run.parameters.n
      out[i] = v == nil and "none" or type(v) == "table" and "list" or tostring(v)
    end
    return table.concat(out, " "):gsub("%-nan", "nan")
  end
  lu.assertEquals(order "n", "1 2 3 10 -inf inf nan false true a b list none")
  lu.assertEquals(order "-n", "10 3 2 1 inf -inf nan true false b a list none")
end

function TestQuery:test_expressions()
  local run = { name = "trial", state = "finished", seconds = 4, started = "2026", parameters = { lr = 0.5, depth = 3, name = "own",
    odd = 0 / 0, model = "resnet18", ["a-b"] = 7 }, result = { accuracy = 0.9, lr = 8, seconds = 1, top = true } }
  for text, wanted in pairs {
    ["accuracy > 0.8 and depth < 5"] = true, ["missing > 1 or depth == 3"] = true, ["not (missing > 1)"] = true,
    ["missing > 1"] = false, ["missing ~= 3"] = false, ["missing == nil"] = true, ["depth ~= nil"] = true, ["missing"] = false,
    ["model < 3 or depth == 3"] = true, ["depth ~= 'x'"] = true, ["depth == '3'"] = false, ["model > 3"] = false,
    ["lr == 0.5"] = true, ["params.lr == 0.5 and result.lr == 8"] = true, ["name == 'own' and run.name == 'trial'"] = true,
    ["result.seconds == 1 and seconds == 1 and run.seconds == 4"] = true, ["state == \"finished\""] = true,
    ["params['a-b'] == 7"] = true, ["odd ~= odd"] = true, ["odd < 1 or odd >= 1"] = false, ["top"] = true, ["not top"] = false,
    ["1 + 2 * 3 ^ 2 == 19 and -2 ^ 2 == -4 and 2 ^ 3 ^ 2 == 512"] = true, ["7 // 2 == 3 and 7 % 4 == 3 and 1 // 0 > 1"] = true,
    ["missing + 1 > 0"] = false, ["model:find 'net' and model:find('18', 1, true)"] = true, ["depth:find 'x'"] = false,
    ["model:upper() == 'RESNET18'"] = true, ["'a' .. 'b' == 'ab'"] = true, ["#model == 8"] = true, ["'it\\'s' == \"it's\""] = true,
    ["1 < 2 == true"] = true, ["true or false and false"] = true, ["0x10 == 16 and 1e2 == 100 and .5 == 0.5"] = true,
  } do
    lu.assertEquals(query.filter(text)(run), wanted, text)
  end
  for _, text in ipairs { "", "depth >", "depth = 3", "(depth", "depth)", "depth 3", "'open", "model:rep(9)", "f()", "x.y", "local x",
    "while true do end", ("("):rep(500), "depth > 1 print" } do
    lu.assertErrorMsgContains("is no expression", query.filter, text)
  end
  local _, unknown = query.filter "acuracy > 1 and params.dept < 3"
  lu.assertStrContains(unknown { run }, "no run has 'acuracy'; did you mean 'accuracy'?")
  lu.assertEquals((select(2, query.filter "result.accuracy > 1 and run.state == 'x'"))({ run }), "")
  local _, asked = expression.parse "a + params.b"
  lu.assertEquals(asked, { { nil, "a" }, { "params", "b" } })
end

function TestQuery:test_csv()
  self:put("a", { name = "own", ["x,y"] = "l\rm", f = "=1+1", n = -2, lr = 1 }, { lr = 0.1, seconds = 7, inf = math.huge, text = "-x" })
  local out = self:nnlua "runs --csv"
  local head, line = out:match "^([^\n]*)\n(.*)\n$"
  lu.assertEquals(head, 'directory,f,inf,n,params.lr,params.name,result.lr,result.seconds,run.name,run.seconds,started,state,text,"x,y"')
  lu.assertEquals(line, "runs/a,'=1+1,inf,-2,1,own,0.1,7,trial,2,2026-11-24T10:15:02,finished,'-x,\"l\rm\"" )
  client.put(self.directory .. "/runs/a/run.json", '{"name":"t","parameters":{"empty":[],"none":{},"list":[[],[1]]}}')
  lu.assertStrContains(self:nnlua "runs --json", '"parameters":{"empty":[],"list":[[],[1]],"none":{}}')
end

-- What is no file, or none of a run's, is waited for by nobody and read by nobody, and harms no other run.
function TestQuery:test_bad_runs()
  self:put("good", { n = 1 }, { accuracy = 0.5 }, { time = 1 })
  client.put(self.directory .. "/secret.json", '{"name":"secret","parameters":{"word":"secret"}}')
  client.put(self.directory .. "/outside/run.json", '{"name":"secret"}')
  client.put(self.directory .. "/secret.txt", "secret")
  local runs = self.directory .. "/runs"
  self:put("hole", {})
  client.put(runs .. "/hole/run.json", '{"parameters":{"a":[1,null,3]}}')
  self:put("deep", {})
  client.put(runs .. "/deep/run.json", '{"parameters":{"a":' .. ("["):rep(200) .. ("]"):rep(200) .. "}}")
  self:put("half", {})
  client.put(runs .. "/half/run.json", '{"parame')
  self:put("list", {})
  client.put(runs .. "/list/run.json", '[{"name":"x"}]')
  self:put("odd", { n = 3 })
  client.put(runs .. "/odd/result.json", '{"state":"failed","error":{"why":[1]}}')
  self:put("result", { n = 2 })
  client.put(runs .. "/result/result.json", '{"state":"finished","result":{"a":[null,1]}}')
  os.execute(("cd %s && mkdir -p pipe link big figures/figures && mkfifo pipe/run.json && ln -s ../../secret.json link/run.json && "
    .. "ln -s ../outside linked && touch big/run.json && truncate -s 1G big/run.json && cp good/run.json figures/ && cd figures && "
    .. "mkfifo history.jsonl log.txt result.json samples.json figures/a.png && ln -s ../../secret.txt script.lua && "
    .. "mkdir layers.jsonl changes.diff && ln -s ../../../secret.txt figures/b.png && mkdir modules && "
    .. "ln -s ../../../secret.txt modules/m.lua"):format(runs))
  local why = {}
  for _, run in ipairs(index.runs(runs)) do
    why[run.directory:match "[^/]*$"] = run.state .. (run.error and " " .. run.error or "")
  end
  local function says(name, text)
    lu.assertStrContains(why[name], text)
  end
  lu.assertEquals(why.good, "finished")
  says("hole", "unreadable run.json: a list in it has null")
  says("deep", "unreadable run.json: it is nested deeper")
  says("half", "unreadable run.json: ")
  says("list", "unreadable run.json: no object")
  lu.assertEquals(why.odd, 'failed {"why":[1]}')
  says("result", "unreadable result.json: a list in it has null")
  says("pipe", "unreadable run.json: no regular file")
  says("link", "unreadable run.json: no regular file")
  says("big", "unreadable run.json: it has more than 4 MiB")
  says("figures", "unreadable result.json: no regular file")
  lu.assertNil(why.linked)
  for _, words in ipairs { "runs", "runs --json", "runs --csv", "compare runs/good runs/figures", "diff runs/good runs/figures" } do
    local out, err, status = self:nnlua(words)
    lu.assertEquals(status, 0, words .. err)
    lu.assertNotStrContains(out .. err, "secret")
    lu.assertStrContains(out, "good")
  end
  lu.assertStrContains(select(2, self:nnlua "runs"), "runs/hole cannot be read: run.json: a list in it has null")
  local report = require "nn.lab.report"
  local data = report.data(index.runs(runs))
  lu.assertNotStrContains(data, "secret")
  lu.assertNotStrContains(data, "c2VjcmV0") -- the same in base64
  lu.assertEquals(#core.json_decode(data).runs, 11)
  lu.assertEquals(#report.find { runs }, 11)
end

function TestQuery:test_terminal()
  local evil = "a\27]0;x\7\27[31m\u{9b}31m\u{202e}\nz"
  self:put("evil" .. evil:gsub("\n", ""), { [evil] = 1, p = evil }, { [evil] = 1, r = evil })
  self:put("other", { [evil] = 2, p = "x" }, { [evil] = 2, r = "y" })
  client.put(self.directory .. "/runs/other/result.json", plain.encode { state = evil, error = evil })
  client.put(self.directory .. "/runs/other/run.json", plain.encode { name = evil, started = evil, parameters = { [evil] = 2 } })
  client.put(self.directory .. "/runs/other/script.lua", evil)
  for _, words in ipairs { "runs", "compare runs/ev* runs/other", "diff runs/ev* runs/other", "runs --where 'q > 1'" } do
    local out, err = self:nnlua(words)
    lu.assertNil((out .. err):find "[\0-\9\11-\31]", words)
    lu.assertNil((out .. err):find("\u{9b}", 1, true), words)
    lu.assertNil((out .. err):find("\u{202e}", 1, true), words)
  end
end

function TestQuery:test_compare_curves()
  self:put("a", {})
  self:put("b", {})
  client.put(self.directory .. "/runs/a/history.jsonl", '{"epoch":1,"loss":5}\n{"epoch":2}\nbroken\n{"epoch":3,"loss":"nan"}\n{"epoch":40,"loss":7}\n')
  client.put(self.directory .. "/runs/b/history.jsonl", '{"epoch":1,"loss":1}\n{"epoch":2,"loss":2}')
  local drawn = {}
  local plot = require "nn.plot"
  local old = plot.line
  plot.line = function(series, o)
    drawn[#drawn + 1] = { series, o }
  end
  local old_print, said = print, {}
  print = function(text) -- luacheck: ignore
    said[#said + 1] = text
  end
  local ok, why = pcall(require("nn.lab.compare").main, "compare", { self.directory .. "/runs/a", self.directory .. "/runs/b" })
  print, plot.line = old_print, old -- luacheck: ignore
  lu.assertTrue(ok, tostring(why))
  lu.assertEquals(#drawn, 1)
  lu.assertEquals(drawn[1][1], { { x = { 1, 40 }, y = { 5, 7 }, label = "a" }, { x = { 1, 2 }, y = { 1, 2 }, label = "b" } })
  lu.assertEquals(drawn[1][2], { title = "loss", xlabel = "epoch" })
  lu.assertEquals(said[#said], "a: 1 of 3 values of loss are no finite number (nan first), and are not drawn")
  local _, err, status = self:nnlua "compare runs/a runs/b --figure nosuch"
  lu.assertEquals(status, 1)
  lu.assertStrContains(err, "no run has a column 'nosuch'; they have loss")
  lu.assertStrContains(err, "1 line of runs/a/history.jsonl could not be read")
end
