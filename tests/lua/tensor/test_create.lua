-- Making tensors, reading them back, printing them.

local lu = require "luaunit"
local nn = require "nn"

TestCreate = {}

function TestCreate:test_from_tables()
  lu.assertEquals(nn.tensor({ { 1, 2 }, { 3, 4 } }).dtype, "int64")
  lu.assertEquals(nn.tensor({ { 1, 2 }, { 3, 4.5 } }).dtype, "float32")
  lu.assertEquals(nn.tensor({ true, false }).dtype, "bool")
  lu.assertEquals(nn.tensor({}).dtype, "float32")
  lu.assertEquals(tostring(nn.tensor({ { {}, {} } }).shape), "1x2x0")
  lu.assertEquals(nn.tensor(3).ndim, 0)
  lu.assertEquals(nn.tensor({ 1, 2 }, { dtype = "uint8" }):totable(), { 1, 2 })
  local x = nn.randn(2, 3)
  local y = nn.tensor(x)
  y[{ 1, 1 }] = 100
  lu.assertNotEquals(x[{ 1, 1 }]:item(), 100) -- a copy
  lu.assertErrorMsgContains("uneven", nn.tensor, { { 1, 2 }, { 3 } })
  lu.assertErrorMsgContains("the string 'a'", nn.tensor, { 1, "a" })
  lu.assertErrorMsgContains("nn.stack", nn.tensor, { nn.ones(2), nn.ones(2) })
  local loop = {}
  loop[1] = loop
  lu.assertErrorMsgContains("nested deeper", nn.tensor, loop)
end

function TestCreate:test_round_trip()
  for _, dtype in ipairs { "float32", "float64", "int64", "uint8", "bool" } do
    local values = dtype == "bool" and { { true, false }, { false, true } } or { { 1, 0 }, { 0, 5 } }
    lu.assertEquals(nn.tensor(values, { dtype = dtype }):totable(), values)
  end
  local big = math.maxinteger
  lu.assertEquals(nn.tensor({ big }):totable(), { big })
  lu.assertEquals(nn.tensor({ { 1, 2 }, { 3, 4 } }):t():totable(), { { 1, 3 }, { 2, 4 } })
end

function TestCreate:test_shapes()
  lu.assertEquals(tostring(nn.zeros(2, 3).shape), "2x3")
  lu.assertEquals(tostring(nn.zeros({ 2, 3 }).shape), "2x3")
  lu.assertEquals(tostring(nn.zeros({ 2, 3, dtype = "int64" }).shape), "2x3")
  lu.assertEquals(nn.zeros().ndim, 0)
  lu.assertTrue(nn.zeros(2, 3).shape == nn.ones(2, 3).shape)
  lu.assertErrorMsgContains("sizes must be 0 or more", nn.zeros, -1)
  lu.assertErrorMsgContains("more elements than can be counted", nn.zeros, 1 << 40, 1 << 40)
  lu.assertErrorMsgContains("not enough memory", nn.zeros, 1 << 50)
  local dims = {}
  for i = 1, 40 do
    dims[i] = 1
  end
  lu.assertError(nn.zeros, dims)
end

function TestCreate:test_item()
  lu.assertEquals(nn.tensor({ 7 }):item(), 7)
  lu.assertEquals(math.type(nn.tensor({ 7 }):item()), "integer")
  lu.assertEquals(math.type(nn.tensor({ 7.0 }):item()), "float")
  lu.assertErrorMsgContains("6 elements", function()
    nn.zeros(2, 3):item()
  end)
end

function TestCreate:test_random()
  nn.manual_seed(3)
  local a = nn.randn(100)
  nn.manual_seed(3)
  lu.assertTrue(a:equal(nn.randn(100)))
  local g, h = nn.Generator(3), nn.Generator(3)
  lu.assertTrue(nn.rand(50, { generator = g }):equal(nn.rand(50, { generator = h })))
  lu.assertTrue(nn.rand(50, { generator = g }):equal(nn.rand(50, { generator = h })))
  local state = g:state()
  local next_draw = nn.rand(10, { generator = g })
  g:set_state(state)
  lu.assertTrue(next_draw:equal(nn.rand(10, { generator = g })))
  local p = nn.randperm(1000)
  lu.assertTrue((p:sort()):equal(nn.arange(1, 1001)))
  local r = nn.randint(-3, 4, { 10000 })
  lu.assertEquals({ r:min():item(), r:max():item() }, { -3, 3 })
  local b = nn.zeros(100000):bernoulli_(0.25)
  lu.assertTrue(math.abs(b:mean():item() - 0.25) < 5 * math.sqrt(0.25 * 0.75 / 100000)) -- five standard errors
end

TestPrint = {}

function TestPrint:test_columns()
  lu.assertEquals(tostring(nn.tensor { { 1, -20 }, { 300, 4 } }), "tensor([[  1, -20],\n        [300,   4]], shape=2x2, int64)")
  lu.assertEquals(tostring(nn.tensor { 1.5, -2, 0.25 }), "tensor([ 1.50, -2.00,  0.25], shape=3, float32)")
  lu.assertEquals(tostring(nn.tensor { 1.0, 2.0 }), "tensor([1., 2.], shape=2, float32)")
  lu.assertEquals(tostring(nn.tensor(2.5)), "tensor(2.5, float32)")
  lu.assertEquals(tostring(nn.tensor { true, false }), "tensor([ true, false], shape=2, bool)")
  lu.assertEquals(tostring(nn.zeros(0, 3)), "tensor([], shape=0x3, float32)")
  lu.assertStrContains(tostring(nn.tensor { 1e-10, 1.0 }), "1.0000e-10")
  lu.assertStrContains(tostring(nn.tensor { 0 / 0, math.huge, 1.5 }), "nan")
end

function TestPrint:test_large_ones_are_summarized()
  local s = tostring(nn.zeros(1000, 1000))
  lu.assertTrue(#s < 2000)
  lu.assertStrContains(s, "...")
  lu.assertStrContains(s, "1000x1000")
end

TestClose = {}

function TestClose:test_close_gives_memory_back()
  local before = nn.memory().live
  do
    local x <close> = nn.zeros(1000000)
    lu.assertTrue(nn.memory().live >= before + 4000000)
    lu.assertEquals(#x, 1000000)
  end
  lu.assertTrue(nn.memory().live < before + 4000000)
end

function TestClose:test_scope_frees_temporaries()
  collectgarbage()
  local before = nn.memory().live
  local sum, text = nn.scope(function(n)
    local x = nn.ones(n)
    for _ = 1, 5 do
      x = x + 1
    end
    return x:sum(), "kept"
  end, 100000)
  lu.assertTrue(nn.memory().live < before + 100000)
  lu.assertEquals(sum:item(), 600000)
  lu.assertEquals(text, "kept")
end

function TestClose:test_a_closed_tensor_is_an_explained_error()
  local kept
  do
    local x <close> = nn.zeros(3)
    kept = x
  end
  lu.assertErrorMsgContains("closed", function()
    return kept:item()
  end)
  lu.assertEquals(tostring(kept), "tensor(closed)")
end

-- One reader of dtypes: names and second names everywhere, and what is no name nowhere.
function TestCreate:test_names_of_dtypes()
  for name, dtype in pairs { float = "float32", double = "float64", long = "int64", byte = "uint8" } do
    lu.assertEquals(nn.zeros(2, { dtype = name }).dtype, dtype)
    lu.assertEquals(nn.tensor({ 1, 2 }, { dtype = name }).dtype, dtype)
    lu.assertEquals(nn.ones(2):to(name).dtype, dtype)
  end
  for name, text in pairs { half = "16-bit floats are for files", bfloat16 = "16-bit floats", ["t16 b"] = "is the string 't16 b'",
    floa = "must be the name of a dtype" } do
    lu.assertErrorMsgContains(text, nn.zeros, 2, { dtype = name })
    lu.assertErrorMsgContains(text, nn.tensor, { 1, 2 }, { dtype = name })
    lu.assertErrorMsgContains(text, nn.ones(2).to, nn.ones(2), name)
  end
end

-- A table is a list and nothing else, or what is not read would be lost without a word.
function TestCreate:test_lists_that_are_none()
  local proxy = setmetatable({}, { __len = function() return 3 end })
  for text, list in pairs {
    ["a function (__len) says how long the table is"] = { 1, proxy },
    ["no element 1, but as a key the string 'a'"] = { a = 1 },
    ["more than its elements 1 to 2: as a key the string 'dtype'"] = { 1, 2, dtype = "float64" },
    ["more than its elements 1 to 1: as a key the number 3"] = { [1] = 1, [3] = 3 },
    ["more than its elements 1 to 1: as a key the number 0"] = { { [0] = 1, 2 } },
  } do
    lu.assertErrorMsgContains(text, nn.tensor, list[2] == proxy and proxy or list)
  end
  lu.assertEquals(nn.tensor(table.pack(1, 2)):totable(), { 1, 2 })
  lu.assertEquals(nn.tensor(setmetatable({ 1, 2 }, { __index = table })):totable(), { 1, 2 })
  local encode = require("nn.core").json_encode
  lu.assertErrorMsgContains("as a key the string 'x'", encode, { 1, 2, x = 3 })
  lu.assertErrorMsgContains("(__len)", encode, proxy)
end

-- What tensors are not: the message says what to do instead.
function TestCreate:test_what_cannot_be()
  local x = nn.ones(2, 3)
  for text, f in pairs {
    ["no single order"] = function() return x < x end,
    ["use tostring"] = function() return x .. "a" end,
    ["a 0-dim tensor has no length"] = function() return #nn.tensor(1) end,
    ["transposes matrices, but the shape is 2x2x2"] = function() return nn.ones(2, 2, 2):t() end,
    ["dim must be 1 to 2 or -2 to -1 for shape 2x3, but is the number 3"] = function() return x:size(3) end,
    ["no option 'dtyp'; did you mean 'dtype'?"] = function() return nn.tensor({ 1 }, { dtyp = "int64" }) end,
    ["values must be a number or nested tables of numbers, but are the string 'a'"] = function() return nn.tensor "a" end,
    ["the table is uneven: at level 2"] = function() return nn.tensor { { 1, 2 }, 3 } end,
  } do
    lu.assertErrorMsgContains(text, f)
  end
  lu.assertEquals(x:stride(), { 3, 1 })
  lu.assertEquals(tostring(nn.Generator(3)), "Generator(seed=3, counter=0)")
end
