-- docs/reference is what the op table says: every page is made again and compared, which runs every op's example.

local lu = require "luaunit"
local nn = require "nn"
local core = require "nn.core"

TestReference = {}

-- The same text, but for the last printed digit of numbers: other builds (sanitized, plain) round in another way.
local function same(a, b)
  local function tokens(text)
    local list = {}
    for word in text:gsub("[%[%]%(%),]", " %0 "):gmatch "%S+" do
      list[#list + 1] = word
    end
    return list
  end
  local x, y = tokens(a), tokens(b)
  for i = 1, math.max(#x, #y) do
    local n, m = tonumber(x[i] or ""), tonumber(y[i] or "")
    local near = n and m and math.abs(n - m) <= 2e-4 * math.max(1e-3, math.abs(n))
    if x[i] ~= y[i] and not near then
      return false
    end
  end
  return true
end

function TestReference:test_files_are_fresh()
  local files = dofile("tools/docs.lua").files()
  for name, text in pairs(files) do
    local f = io.open("docs/reference/" .. name)
    lu.assertNotNil(f, name)
    local there = f:read "a"
    f:close()
    if not same(there, text) then
      local at = 1
      while there:byte(at) == text:byte(at) do
        at = at + 1
      end
      lu.fail(("docs/reference/%s is stale; run `make docs`. It says\n%s\nbut should say\n%s"):format(name,
        there:sub(at - 80, at + 120), text:sub(at - 80, at + 120)))
    end
  end
  local f = assert(io.popen "ls docs/reference")
  for name in f:lines() do
    lu.assertNotNil(files[name], "docs/reference/" .. name .. " is made by nobody")
  end
  f:close()
end

function TestReference:test_manual_page_is_fresh()
  local f = assert(io.open "docs/nnlua.1")
  local there = f:read "a"
  f:close()
  lu.assertEquals(there, dofile("tools/docs.lua").man(require("process").nnlua))
end

function TestReference:test_every_public_row_has_an_example_that_runs()
  local count = 0
  for _, op in ipairs(core.ops()) do
    if not op.internal then
      lu.assertNotNil(op.example, op.name .. " has no example")
      local f = assert(load("local nn = ... return " .. op.example, op.name))
      lu.assertNotNil(f(nn))
      count = count + 1
    end
  end
  lu.assertTrue(count >= 300, count .. " public ops")
end

local function printed(f, ...)
  local lines, original = {}, print
  _G.print = function(...)
    lines[#lines + 1] = table.concat({ ... }, "\t")
  end
  local ok, err = pcall(f, ...)
  _G.print = original
  lu.assertTrue(ok, err)
  return table.concat(lines, "\n")
end

function TestReference:test_help()
  lu.assertStrContains(printed(nn.help, "softmax"), "softmax(x, dim = -1) -> tensor")
  lu.assertStrContains(printed(nn.help, nn.softmax), "> nn.softmax(")
  lu.assertStrContains(printed(nn.help, "x:add_"), "x + y, broadcast.")
  lu.assertStrContains(printed(nn.help, nn.Linear), "in_features: integer, at least 1")
  lu.assertStrContains(printed(nn.help, "CrossEntropyLoss"), "-log softmax(input)[target]")
  lu.assertStrContains(printed(nn.help, nn.Conv2d(1, 2, 3)), 'padding: integer, or a list of 2, or "same", at least 0, default 0')
  lu.assertStrContains(printed(nn.help, "einsum"), "Einstein")
  lu.assertStrContains(printed(nn.help, "optim.Adam"), "betas: default {0.9, 0.999}")
  lu.assertStrContains(printed(nn.help, nn.optim.RMSprop), "Tieleman & Hinton 2012")
  lu.assertStrContains(printed(nn.help, "softmx"), "did you mean 'softmax'?")
  lu.assertStrContains(printed(nn.help, nn.zeros(2, 3)), "a float32 tensor of shape 2x3")
  lu.assertStrContains(printed(nn.help), "?softmax")
end

function TestReference:test_print_options()
  local x = nn.tensor { math.pi }
  nn.set_printoptions { precision = 6 }
  lu.assertStrContains(tostring(x), "3.141593")
  nn.set_printoptions { threshold = 4, edgeitems = 1, sci_mode = true }
  lu.assertStrContains(tostring(nn.arange(10) * 1.5), "...")
  lu.assertStrContains(tostring(x), "e+00")
  nn.set_printoptions()
  lu.assertStrContains(tostring(x), "3.1416")
  lu.assertErrorMsgContains("did you mean 'precision'?", nn.set_printoptions, { precison = 3 })
  lu.assertErrorMsgContains("from 0 to 17", nn.set_printoptions, { precision = 40 })
end

function TestReference:test_second_names()
  local x = nn.tensor { -1.5, 2.0 }
  for alias, op in pairs(require "nn.internal.aliases") do
    lu.assertNotNil(core[op], op)
    lu.assertIs(nn[alias], nn[op])
  end
  lu.assertEquals(x:absolute():totable(), { 1.5, 2.0 })
  lu.assertEquals(nn.concatenate({ x, x }):numel(), 4)
  lu.assertEquals(x:clip_(-1, 1):totable(), { -1.0, 1.0 })
  lu.assertStrContains(printed(nn.help, "multiply"), "x * y, elementwise")
end

-- Functions in C that are no ops have their help in internal/core_help.lua: all of them, and no others.
function TestReference:test_help_of_c_functions()
  local written = require "nn.internal.core_help"
  local ops = require "nn.internal.aliases"
  local known = {}
  for name in pairs(ops) do
    known[name], known[name .. "_"] = true, true
  end
  for _, op in ipairs(core.ops()) do
    known[op.name], known[op.name .. "_"] = true, true
  end
  for kind, there in pairs { functions = core.public, methods = core.tensor_methods } do
    for name, f in pairs(there) do
      if not known[name] and debug.getinfo(f, "S").what == "C" then
        lu.assertNotNil(written[kind][name], ("nothing is written about %s"):format(name))
      end
    end
    for name in pairs(written[kind]) do
      lu.assertNotNil(there[name], name .. " is not there")
    end
  end
  lu.assertStrContains(printed(nn.help, "tensor"), "tensor(values, {dtype =, requires_grad =})")
  lu.assertStrContains(printed(nn.help, nn.tensor(1).backward), "x:backward(gradient?")
  lu.assertStrContains(printed(nn.help, "optim"), "LBFGS")
end
