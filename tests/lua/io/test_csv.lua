-- Tables as text: what is read is what was written, and what is not sure is told with its place.

local lu = require "luaunit"
local nn = require "nn"
local process = require "process"

TestCsv = {}

local path = os.tmpname()

local function put(text)
  local f = assert(io.open(path, "wb"))
  f:write(text)
  f:close()
end

local function read(text, o)
  put(text)
  return nn.io.csv(path, o)
end

function TestCsv:tearDown()
  os.remove(path)
end

function TestCsv:test_numbers_names_and_classes()
  local x, names, classes = read "length,width,kind\n1.5,.5,rose\n-4,1e2,lily\n+1.0,2.5E-1,rose\n"
  lu.assertEquals(x.dtype, "float32")
  lu.assertEquals(x:totable(), { { 1.5, 0.5, 2 }, { -4, 100, 1 }, { 1, 0.25, 2 } })
  lu.assertEquals(names, { "length", "width", "kind" })
  lu.assertEquals(classes, { kind = { "lily", "rose" } })
  x, names, classes = read "1,2\n3,4"
  lu.assertEquals({ x:totable(), names, classes }, { { { 1, 2 }, { 3, 4 } }, nil, {} })
  x, names, classes = read("1,b\n3,a", { header = false })
  lu.assertEquals({ x:totable(), names, classes }, { { { 1, 2 }, { 3, 1 } }, nil, { [2] = { "a", "b" } } })
  x, names = read("1990,1991\n3,4", { header = true })
  lu.assertEquals({ x:totable(), names }, { { { 3, 4 } }, { "1990", "1991" } })
end

-- As programs write: quotes, separators and ends of lines within them, \r\n, \r, a mark in front, blank lines, gzip.
function TestCsv:test_dialects()
  local want = { { 1, 2 }, { 3, 1 } }
  for _, text in ipairs { "a,b\n1,y\n3,x\n", "a,b\r\n1,y\r\n3,x", "a,b\r1,y\r3,x\r", "\xef\xbb\xbfa,b\n1,y\n3,x\n\n\n",
    '"a","b"\n"1","y"\n"3","x"\n', "\n\na , b\n\n  1 ,\ty\n \t\n3, x \n", 'a,b\n1 , "y" \n"3",x' } do
    local x, names, classes = read(text)
    lu.assertEquals({ x:totable(), names, classes }, { want, { "a", "b" }, { b = { "x", "y" } } }, text)
  end
  local x, names, classes = read 'a,"q ""b"", c"\n1,"two\nlines, ""or"" more"\n2,5" pipe\n'
  lu.assertEquals(x:totable(), { { 1, 2 }, { 2, 1 } })
  lu.assertEquals(names[2], 'q "b", c')
  lu.assertEquals(classes[names[2]], { '5" pipe', 'two\nlines, "or" more' })
  lu.assertEquals(read("a;b\n1,5;2\n", { decimal = "," }):totable(), { { 1.5, 2 } })
  lu.assertEquals(read("a\tb\n1\t2\n", { sep = "\t" }):totable(), { { 1, 2 } })
  lu.assertEquals(read "a\n1\n2\n\n":totable(), { { 1 }, { 2 } })
  put "a,b\n1,2\n"
  os.execute(("gzip -c %s > %s.gz"):format(path, path))
  lu.assertEquals(nn.io.csv(path .. ".gz"):totable(), { { 1, 2 } })
  os.remove(path .. ".gz")
end

function TestCsv:test_options()
  local text = "zip,size,kind\n01,1.5,rose\n1,NA,lily\n01,,\n"
  local x, names, classes = read(text, { missing = { "NA", "" }, classes = { zip = true, kind = { "rose", "tulip", "lily" } } })
  lu.assertEquals(tostring(x), tostring(nn.tensor { { 1, 1.5, 1 }, { 2, 0 / 0, 3 }, { 1, 0 / 0, 0 / 0 } }))
  lu.assertEquals(classes, { zip = { "01", "1" }, kind = { "rose", "tulip", "lily" } })
  lu.assertEquals(names, { "zip", "size", "kind" })
  x, names, classes = read("a,b,c,d\n1,2,x,\n4,5,y,\n", { columns = { "c", 1 }, dtype = "float64" })
  lu.assertEquals({ x.dtype, x:totable(), names, classes }, { "float64", { { 1, 1 }, { 2, 4 } }, { "c", "a" }, { c = { "x", "y" } } })
  x = read("a,b\n1,u\n2,v\n3,u\n", { columns = { 2 }, classes = { b = { "v", "u" } } })
  lu.assertEquals(x:totable(), { { 2 }, { 1 }, { 2 } })
end

-- The nearest number that the dtype has, as Lua reads it.
function TestCsv:test_every_digit()
  local g, lines, want = nn.Generator(3), { "a" }, {}
  for i = 1, 3000 do
    local digits = {}
    for k = 1, g:integer(25) do
      digits[k] = g:integer(10) - 1
    end
    local text = table.concat(digits)
    if i % 3 > 0 then
      text = text:sub(1, #text // 2) .. "." .. text:sub(#text // 2 + 1)
    else
      text = text .. ".0"
    end
    text = (i % 2 == 0 and "-" or "") .. text .. (i % 5 == 0 and ("e%d"):format(g:integer(600) - 330) or "")
    local v = tonumber(text)
    if v and v - v == 0 then
      lines[#lines + 1], want[#want + 1] = text, v
    end
  end
  local x = read(table.concat(lines, "\n"), { dtype = "float64" }):reshape(-1):totable()
  lu.assertEquals(#x, #want)
  for i, v in ipairs(want) do
    lu.assertTrue(x[i] == v, lines[i + 1])
  end
  local words = read("a\nnan\n-inf\nInfinity\n"):reshape(-1):totable()
  lu.assertTrue(words[1] ~= words[1])
  lu.assertEquals({ words[2], words[3] }, { -math.huge, math.huge })
end

function TestCsv:test_refusals()
  for _, case in ipairs {
    { "", "is empty" }, { "\n\r\n", "is empty" }, { "a,b\n", "has no rows behind its header" }, { "a\0,b\n1,2", "zero bytes" },
    { "\xff\xfea\0", "is UTF-16" }, { "a,b\n1,2\n3\n", "line 3 has 1 field, but the first has 2" },
    { "a,b\n\n1,2,3\n", "line 3 has 3 fields, but the first has 2" },
    { "5.1,rose\n4,lily\n", "1 of the 2 fields of line 1 are numbers: is that a header, or the first row?" },
    { "a,b\n1,\n", "line 2, column 2 ('b'): is empty; missing = {\"\"}" },
    { "a\n1\n\n2\n", "line 3, column 1 ('a'): is empty" },
    { "a,b\n1,x\n2,3\n", "line 2, column 2 ('b'): 'x' is no number, as others of this column are" },
    { "a,b\n1,\"x\n\n", "line 2: a quote opens there and does not close" },
    { "a,b\n1,\"x\"y\n", "line 2: there is 'y' behind the end of a quoted field" },
    { "a;b\n1;2\n", "line 1 has ';' or tabs" }, { "a;b\n1,5;2\n", "decimal = \",\" reads 1,5", { sep = ";" } },
    { "a\n\"1,234\"\n", "is no number as it stands" }, { "a\n12 %\n", "is no number as it stands" },
    { "a\n16777217\n", "whole number that float32 rounds; say dtype = \"float64\"" }, { "a\n1e39\n", "beyond float32" },
    { "a\n9007199254740993\n", "float64 rounds", { dtype = "float64" } }, { "a\n1e309\n", "beyond float64", { dtype = "float64" } },
    { "a,a\n1,2\n", "two columns are called 'a'", { columns = { "a" } } },
    { "a,b\n1,2\n", "there is no column 'c' (there are: a, b)", { columns = { "c" } } },
    { "1,2\n", "columns have numbers", { classes = { c = true } } }, { "1,2\n", "there is no column 3; there are 2", { columns = { 3 } } },
    { "1,2\n", "asked for twice", { columns = { 1, 1 } } }, { "1,2\n", "option columns is empty", { columns = {} } },
    { "a\nx\n", "column 'a' has 'x', which is none of the classes given", { classes = { a = { "y" } } } },
    { "a\nx\n", "'x' stands twice in the classes of column 'a'", { classes = { a = { "x", "y", "x" } } } },
    { "a\n1", "must be one character", { sep = ",," } }, { "a\n1", "must be one character", { sep = "e" } },
    { "a\n1", "are both", { sep = ",", decimal = "," } }, { "a\n1", "has no option 'seperator'", { seperator = "," } },
    { "a\n1", "must be a list of strings", { missing = { 1 } } }, { "a\n1", "must be {COLUMN = true}", { classes = { a = 1 } } },
  } do
    lu.assertErrorMsgContains(case[2], read, case[1], case[3])
  end
  lu.assertErrorMsgContains("No such file", nn.io.csv, "/no/such/file.csv")
  lu.assertErrorMsgContains("not a regular file", nn.io.csv, "/tmp")
end

function TestCsv:test_there_and_back()
  local x = nn.randn(40, 3) * 10 ^ nn.randn(40, 3)
  x[{ 3, 2 }] = 0 / 0
  nn.io.csv(path, x, { names = { "a", "b, c", 'd "e"' } })
  local y, names = nn.io.csv(path)
  lu.assertTrue(y:isnan():equal(x:isnan()) and y:nan_to_num():equal(x:nan_to_num()))
  lu.assertEquals(names, { "a", "b, c", 'd "e"' })
  x = x:double():nan_to_num()
  nn.io.csv(path, x, { sep = ";" })
  lu.assertTrue(nn.io.csv(path, { sep = ";", dtype = "float64" }):equal(x))
  nn.io.csv(path, nn.tensor { { 1, 2 }, { 3, 4 } })
  lu.assertEquals(nn.io.csv(path):totable(), { { 1, 2 }, { 3, 4 } })
  lu.assertErrorMsgContains("its shape is 2", nn.io.csv, path, nn.ones(2))
  lu.assertErrorMsgContains("1 names for 2 columns", nn.io.csv, path, nn.ones(2, 2), { names = { "a" } })
  lu.assertErrorMsgContains("a third argument is for writing", nn.io.csv, path, {}, {})
end

-- Garbage is an error or a table, whatever it is; and tables of any fields are what they were.
function TestCsv:test_garbage()
  local g, alphabet = nn.Generator(11), { "1", "2.5", ",", ",", "\n", "\r", '"', "x", " ", "\t", ";", "e", "-", ".", "nan", "\xef",
    "9007199254740993", "\0" }
  local tables = 0
  for i = 1, 4000 do
    local parts = {}
    for k = 1, g:integer(40) do
      parts[k] = alphabet[g:integer(i % 2 == 0 and 7 or #alphabet)]
    end
    put(table.concat(parts))
    local ok, x = pcall(nn.io.csv, path, i % 3 == 0 and { missing = { "", "x" }, header = false } or nil)
    tables = tables + (ok and 1 or 0)
    if ok then
      lu.assertEquals(x.ndim, 2)
    else
      lu.assertStrContains(x, "csv: ")
    end
  end
  lu.assertTrue(tables > 100, tables)
  local fields = { "a", "b c", 'q"', "x,y", "l\nm", "'", "\u{e4}", "r\r\ns" }
  for _ = 1, 200 do
    local rows, cells = g:integer(5), {}
    local lines = { "k" }
    for r = 1, rows do
      cells[r] = fields[g:integer(#fields)]
      lines[r + 1] = '"' .. cells[r]:gsub('"', '""') .. '"'
    end
    local x, _, classes = read(table.concat(lines, "\n"))
    for r = 1, rows do
      lu.assertEquals(classes.k[x[r]:item()], cells[r])
    end
  end
end

function TestCsv:test_sandbox_and_memory()
  put "a\n1\n"
  local _, err = process.run(("%s --sandbox -l nn -e 'nn.io.csv(%q)'"):format(process.nnlua, path))
  lu.assertStrContains(err, path)
  put("a\n" .. ("1\n"):rep(4000000))
  _, err = process.run(("%s --max-memory 20M -l nn -e 'nn.io.csv(%q)'"):format(process.nnlua, path))
  lu.assertStrContains(err, "could not be had")
end
