-- Whatever a compiled function depends on may change between two calls: the next call gives what the function itself gives.
-- Each case is run with its variables as upvalues and as globals. (tests/fuzz/mutations.lua changes things at random.)

local lu = require "luaunit"
local nn = require "nn"

TestChanges = {}

-- {what there is, what the step does with x, changes in turn, x}; all in Lua source. Names that begin with v are variables.
local cases = {
  -- models
  dropout_to_eval = { "v = nn.Dropout(0.5)", "return v(x)", { "v:eval()", "v:train()" }, "nn.ones(8)" },
  training_flag = { "v = nn.Linear(4, 2)", "return v.training and x or -x", { "v:eval()", "v:train()" } },
  bias_taken_away = { "v = nn.Linear(4, 2)", "return v(x):detach()", { "v.bias = nil" } },
  weight_replaced = { "v = nn.Linear(4, 2)", "return v(x):detach()", { "v.weight = nn.Parameter(nn.ones(2, 4))" } },
  layer_replaced = { "v = nn.Sequential(nn.Linear(4, 2), nn.Tanh())", "return v(x):detach()", { "v[2] = nn.Sigmoid()" } },
  layer_added = { "v = nn.Sequential(nn.Tanh())", "return v(x)", { "v:add(nn.ReLU())" } },
  average_replaced = { "v = nn.BatchNorm1d(4):eval()", "return v(x):detach()", { "v.running_mean = nn.ones(4)" } },
  alpha_of_elu = { "v = nn.ELU()", "return v(x)", { "v.alpha = 3" } },
  dims_of_flatten = { "v = nn.Flatten()", "return v(x):sum(-1)", { "v.start_dim = 1" }, "nn.randn(2, 3, 4)" },
  stride_of_conv = { "v = nn.Conv2d(1, 1, 2)", "return v(x):detach()", { "v.stride = { 2, 2 }", "v.stride[1] = 1" },
    "nn.randn(1, 1, 5, 5)" },
  kernel_of_pool = { "v = nn.MaxPool2d(2)", "return v(x)", { "v.kernel_size = { 3, 3 }" }, "nn.randn(1, 1, 6, 6)" },
  factor_for_each_dim = { "v = { 2, 2 }", "return nn.interpolate(x, { scale_factor = v })", { "v[1] = 3", "v = { 1, 1.5 }", "v = 2" },
    "nn.randn(1, 1, 2, 2)" },
  weight_of_embedding = { "v = nn.Embedding(5, 3)", "return v(x):detach()", { "v.weight = nn.Parameter(nn.ones(5, 3))" },
    "nn.tensor { 1, 2 }" },
  weight_of_lstm = { "v = nn.LSTM(4, 3)", "return (v(x:unsqueeze(1))):detach()",
    { "v.weight_hh_l1 = nn.Parameter(nn.ones(12, 3))" } },
  forward_of_an_object = { "v = nn.Tanh()", "return v(x)", { "v.forward = function(_, x) return x * 2 end", "v.forward = nil" } },
  forward_of_a_class = { "v = nn.Module:extend 'V'; function v:forward(x) return x + 1 end; v1 = v()", "return v1(x)",
    { "function v:forward(x) return x * 3 end" } },
  forward_of_the_librarys = { "v, v1 = nn.Tanh(), nn.Tanh.forward", "return v(x)",
    { "nn.Tanh.forward = function(_, x) return x * 7 end", "nn.Tanh.forward = v1" } },
  variable_in_a_method = { "v = 2; v1 = nn.Module:extend 'V'; function v1:forward(x) return x * v end; v2 = v1()", "return v2(x)",
    { "v = 5" } },
  field_of_a_class = { "v = nn.Module:extend 'V'; v.k = 2; function v:forward(x) return x * self.k end; v1 = v()",
    "return v1(x)", { "v.k = 5", "v1.k = 9", "v1.k = nil" } },
  layers_in_a_table = { "v = nn.Module:extend 'V'; function v:init() self.l = { a = nn.Linear(4, 2) } end "
    .. "function v:forward(x) return self.l.a(x):detach() end; v1 = v()", "return v1(x)", { "v1.l.a = nn.Linear(4, 2)" } },
  parameters = { "v = nn.Sequential(nn.Linear(4, 2))",
    "local s = 0; for _, p in ipairs(v:parameters()) do s = s + p:detach():sum() end return s",
    { "v:add(nn.Linear(2, 3))", "v[1].bias = nil" } },
  hook_of_a_layer = { "v = nn.Tanh(); v1 = nil", "return v(x)",
    { "v1 = v:register_forward_hook(function(_, y) return y * 2 end)", "v1()" } },
  settings_of_a_loss = { "v = nn.HuberLoss()", "return v(x * 5, x * 0)", { "v.delta = 3", "v.reduction = 'sum'" } },
  learning_rate = { "v = nn.optim.SGD({ nn.Parameter(nn.ones(2)) }, { lr = 0.5 })", "return x * v.param_groups[1].lr",
    { "v.param_groups[1].lr = 0.1", "v.param_groups[1] = { lr = 3 }", "v.param_groups = { { lr = 4 } }" } },
  wants_gradients = { "v = nn.ones(3):requires_grad_()", "return v.requires_grad and x or -x", { "v.requires_grad = false" } },
  -- Lua's own
  number = { "v = 2", "return x * v", { "v = 3", "v = 3.5" } },
  nan = { "v = 0 / 0", "return x * (v ~= v and 3 or 4)", { "v = 2" } },
  absent = { "v = nil", "return v and x * v or x", { "v = 5", "v = nil" } },
  field_that_was_nil = { "v = {}", "return v.k and x * v.k or x", { "v.k = 5", "v.k = nil" } },
  item_that_was_nil = { "v = { 1 }", "return v[2] and x * v[2] or x", { "v[2] = 5" } },
  table_of_tables = { "v = { a = { b = { c = 2 } } }", "return x * v.a.b.c", { "v.a.b.c = 3", "v.a = { b = { c = 9 } }" } },
  keys_of_all_kinds = { "v1 = {}; v = { [v1] = 2, [true] = 3, [2.5] = 4 }", "return x * v[v1] * v[true] * v[2.5]",
    { "v[v1] = 5", "v[true] = 1", "v[2.5] = 7" } },
  length = { "v = { 1, 2 }", "return x * #v", { "v[3] = 1" } },
  pairs = { "v = { a = 1, b = 2 }", "local s = 0; for _, n in pairs(v) do s = s + n end return x * s", { "v.c = 5", "v.a = nil" } },
  ipairs = { "v = { 1, 2 }", "local s = 0; for _, n in ipairs(v) do s = s + n end return x * s", { "v[3] = 5", "v[1] = 4" } },
  next = { "v, v1 = { a = 1 }, next", "local s, k, n = 0, v1(v) while k do s = s + n k, n = v1(v, k) end return x * s", { "v.b = 5" } },
  unpack = { "v = { 1, 2 }", "local a, b, c = table.unpack(v) return x * (a + b + (c or 0))", { "v[3] = 5" } },
  rawget = { "v, v1 = { a = 1 }, rawget", "return x * v1(v, 'a')", { "v.a = 5" } },
  metatable = { "v = setmetatable({}, { __index = { k = 2 } })", "return x * v.k",
    { "getmetatable(v).__index.k = 4", "setmetatable(v, { __index = { k = 6 } })", "v.k = 7" } },
  index_function = { "v1 = 2; v = setmetatable({}, { __index = function() return v1 end })", "return x * v.k", { "v1 = 4" } },
  add_event = { "v = setmetatable({}, { __add = function() return 2 end })", "return x * (v + 1)",
    { "getmetatable(v).__add = function() return 9 end" } },
  call_event = { "v = setmetatable({ k = 2 }, { __call = function(self, x) return x * self.k end })", "return v(x)",
    { "v.k = 3", "getmetatable(v).__call = function(_, x) return -x end" } },
  inner_function = { "v = 2", "local function h(y) return y * v end return h(x)", { "v = 5" } },
  coroutine = { "v = 2", "return coroutine.wrap(function(y) return coroutine.yield(y * v) end)(x)", { "v = 5" } },
  string_method = { "v = 'ab'", "return x * v:len()", { "v = 'abc'" } },
  replacement_table = { "v = { a = '3' }", "return x * tonumber((nn.rex.gsub('a', '.', v)))", { "v.a = '4'" } },
  module = { "v = { k = 2, f = function(x) return x * 2 end }; package.loaded.test_changes_module = v",
    "local m = require 'test_changes_module' return m.f(x) * m.k", { "v.k = 3", "v.f = function(x) return -x end",
      "package.loaded.test_changes_module = { k = 1, f = function(x) return x end }" } },
  own_environment = { "v = { k = 2 }; v1 = load('return function(x) return x * k end', 'own', 't', v)()", "return v1(x)",
    { "v.k = 5" } },
  inner_compiled = { "v = 2; v1 = nn.compile(function(x) return x * v end)", "return v1(x) + 1", { "v = 7" } },
  -- what is made inside, of what was there before
  new_table_of_an_old_class = { "v = { k = 2 }; v.__index = v", "return x * setmetatable({}, v).k", { "v.k = 3" } },
  new_table_that_is_added = { "v = { __add = function() return 2 end }", "return x * (setmetatable({}, v) + 1)",
    { "v.__add = function() return 3 end" } },
  new_table_that_is_called = { "v = { __call = function() return 2 end }", "return x * setmetatable({}, v)()",
    { "v.__call = function() return 3 end" } },
  new_table_that_is_measured = { "v = { __len = function() return 2 end }", "return x * #setmetatable({}, v)",
    { "v.__len = function() return 3 end" } },
  new_tables_that_are_sorted = { "v = { __lt = function(a, b) return a.n < b.n end }",
    "local t = { setmetatable({ n = 1 }, v), setmetatable({ n = 2 }, v) } table.sort(t) return x * t[1].n",
    { "v.__lt = function(a, b) return a.n > b.n end" } },
  variable_that_is_closed = { "v = { __close = function() end }",
    "local r = { n = 1 } do local c <close> = setmetatable({ r = r }, v) end return x * r.n",
    { "v.__close = function(t) t.r.n = 3 end" } },
  new_object_of_an_old_class = { "v = nn.Module:extend 'V'; function v:forward(x) return x * 2 end", "return v()(x)",
    { "function v:forward(x) return x * 3 end" } },
  call_of_an_object = { "v = nn.Module:extend 'V'; v.__call = function(_, x) return x * 2 end; v1 = v()", "return v1(x)",
    { "v.__call = function(_, x) return x * 3 end" } },
  sum_of_an_object = { "v = nn.Module:extend 'V'; v.__add = function(_, x) return x * 2 end; v1 = v()", "return v1 + x",
    { "v.__add = function(_, x) return x * 3 end" } },
  field_through_a_captured_local = { "v = { k = 2, l = { 1 } }",
    "local s = v local function f() return x * s.k * #s.l end return f()", { "v.k = 3", "v.l = { 1, 2 }", "v.l[3] = 3" } },
  field_of_self_in_a_function = { "v = nn.Module:extend 'V'; v.k = 1; function v:forward(x) "
    .. "return x + nn.no_grad(function() return x * self.k end) end; v1 = v()", "return v1(x)", { "v1.k = 3", "v.k = 4" } },
  order_of_pairs = { "v = {} for i = 1, 20 do v['k' .. i] = i end", "local s = 0 for _, n in pairs(v) do s = n - s / 3 end return x * s",
    { "local keep = {} for k, n in pairs(v) do keep[#keep + 1] = { k, n } end for i = #keep, 1, -1 do v[keep[i][1]] = nil end "
      .. "v.more = 1 collectgarbage() for i = #keep, 1, -1 do v[keep[i][1]] = keep[i][2] end v.more = nil" } },
  keys_that_are_tables = { "v1 = { n = 2 }; v = { [v1] = true }", "local s = 0 for k in pairs(v) do s = s + k.n end return x * s",
    { "v1.n = 3" } },
  tables_behind_a_replacement = { "v = { a = '2' }; v1 = setmetatable({}, { __index = v })",
    "return x * tonumber((string.gsub('a', 'a', v1)))", { "v.a = '3'" } },
  text_of_a_table = { "v = { __tostring = function() return '2' end }; v1 = setmetatable({}, v)",
    "return x * tonumber(string.format('%s', v1))", { "v.__tostring = function() return '3' end" } },
  calls_through_a_table = { "v1 = setmetatable({}, { __call = function() return 2 end }); v = setmetatable({}, { __call = v1 })",
    "return x * v()", { "getmetatable(v1).__call = function() return 3 end" } },
  -- values given to operations
  shape = { "v = { 2, 6 }", "return x:reshape(v)", { "v[1], v[2] = 3, 4", "v = { 12 }" } },
  options = { "v = { dtype = 'float64' }", "return nn.zeros({ 2 }, v)", { "v.dtype = 'float32'" } },
  tensors = { "v = { nn.ones(2), nn.ones(2) }", "return nn.cat(v)", { "v[2] = nn.zeros(2)", "v[3] = nn.ones(1)" } },
}

local function same(a, b)
  return a.shape == b.shape and a.dtype == b.dtype and a:equal(b)
end

local function world_of(case, as_globals)
  local setup, body, changes, x = table.unpack(case)
  local list = {}
  for i, change in ipairs(changes) do
    list[i] = ("function() %s end"):format(change)
  end
  local source = ("%s %s\nlocal function step(x) %s end\nreturn step, { %s }, %s"):format(as_globals and "" or "local v, v1, v2",
    setup, body, table.concat(list, ", "), x or "nn.randn(3, 4)")
  return assert(load(source, "=world", "t", setmetatable({ nn = nn }, { __index = _G })))()
end

local function check(case, as_globals)
  local step, changes, x = world_of(case, as_globals)
  local compiled = nn.compile(step)
  local function compare(what)
    nn.manual_seed(5)
    local want = step(x)
    nn.manual_seed(5)
    lu.assertTrue(same(compiled(x), want), what)
  end
  compare "recorded"
  compare "replayed"
  for i = 1, #changes do
    changes[i]()
    compare(("after change %d"):format(i))
    local recordings = compiled:recordings()
    compare(("after change %d, replayed"):format(i))
    lu.assertEquals(compiled:recordings(), recordings, "nothing has changed")
  end
end

for name, case in pairs(cases) do
  TestChanges["test_" .. name .. "_as_upvalues"] = function()
    check(case, false)
  end
  TestChanges["test_" .. name .. "_as_globals"] = function()
    check(case, true)
  end
end

-- An argument that is no tensor: its kind, and what is in it.
function TestChanges:test_arguments()
  local times = nn.compile(function(x, k)
    return x * k
  end)
  local whole = nn.ones(1, { dtype = "int64" })
  lu.assertEquals(times(whole, 2.0).dtype, "float32")
  lu.assertEquals(times(whole, 2).dtype, "int64")
  local field = nn.compile(function(x, t)
    return x * t.k
  end)
  local t = { k = 2 }
  lu.assertEquals(field(nn.ones(1), t):item(), 2)
  t.k = 3
  lu.assertEquals(field(nn.ones(1), t):item(), 3)
  lu.assertEquals(field(nn.ones(1), { k = 4 }):item(), 4)
end

-- nn.compile is loaded when it is first touched: what was defined before is watched, too.
function TestChanges:test_globals_from_before()
  local process = require "process"
  local path = os.tmpname()
  local f = io.open(path, "w")
  f:write [[
    local nn = require "nn"
    model = nn.Dropout(0.5)
    local f = nn.compile(function(x) return model(x) end)
    f(nn.ones(8))
    model:eval()
    print(f(nn.ones(8)):sum():item())]]
  f:close()
  local out = process.run(process.nnlua .. " " .. path)
  os.remove(path)
  lu.assertEquals(out, "8.0\n")
end
