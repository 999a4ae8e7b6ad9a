-- What cannot be recorded is an error that names the user's line and says what to do; nothing is left behind.

local lu = require "luaunit"
local nn = require "nn"

TestRefusals = {}

local function refused(text, f, ...)
  local compiled = nn.compile(f)
  local args = table.pack(...)
  for _ = 1, 2 do -- the second time as the first
    local ok, message = pcall(function()
      return compiled(table.unpack(args, 1, args.n))
    end)
    lu.assertFalse(ok)
    lu.assertStrContains(message, text)
    lu.assertStrContains(message, "test_refusals.lua:")
  end
  lu.assertFalse(require "nn.core".is_recording())
  lu.assertEquals((nn.ones(2) + 1):totable(), { 2, 2 })
end

function TestRefusals:test_reading_values()
  refused("item: a value is read while a compiled function is recorded", function(x)
    return x * x:sum():item()
  end, nn.ones(2))
  refused("totable: a value is read", function(x)
    return #x:totable()
  end, nn.ones(2))
  refused("tostring: a value is read", function(x)
    return tostring(x)
  end, nn.ones(2))
  refused("equal: a value is read", function(x)
    return x:equal(x) and x
  end, nn.ones(2))
  refused("nn.save: a compiled function runs in Lua only", function(x)
    nn.save("/tmp/never.safetensors", { x = x })
    return x
  end, nn.ones(2))
  refused("return the tensor and read it outside", function(x)
    if x:sum():item() > 0 then
      return x
    end
    return -x
  end, nn.ones(2))
end

function TestRefusals:test_shapes_that_depend_on_values()
  refused("the shape of its result depends on values", function(x)
    return x[x:gt(0)]:sum()
  end, nn.ones(2))
end

function TestRefusals:test_effects_that_would_be_lost()
  refused("print: a compiled function runs in Lua only while it is recorded", function(x)
    print("step")
    return x
  end, nn.ones(2))
  refused("random: a compiled function runs in Lua only while it is recorded", function(x)
    return x * math.random()
  end, nn.ones(2))
  refused("write: a compiled function", function(x)
    io.write("step")
    return x
  end, nn.ones(2))
  refused("clock: a compiled function", function(x)
    return x * os.clock()
  end, nn.ones(2))
  local count = 0
  refused("the function changes 'count'", function(x)
    count = count + 1
    return x
  end, nn.ones(2))
  local seen = {}
  refused("the function changes 'seen[1]'", function(x)
    seen[#seen + 1] = x
    return x
  end, nn.ones(2))
  local object = { t = 0 }
  refused("the function changes 'object.t'", function(x)
    object.t = object.t + 1
    return x / object.t
  end, nn.ones(2))
end

-- What would happen once, or be read once, as rows: the error, what is there before, and the step.
local once = {
  { "nn.manual_seed: a compiled function runs in Lua only", "", "nn.manual_seed(1)" },
  { "nn.Generator: a compiled function", "", "x = nn.rand({ 2 }, { generator = nn.Generator(1) })" },
  { "nn.Generator:integer: a compiled function", "local g = nn.Generator(1)", "x = x * g:integer(3)" },
  { "draw with nn.rand", "local random = math.random", "x = x * random()" },
  { "seeding would happen only once", "", "math.randomseed(1)" },
  { "io.open: a compiled function", "", "io.open('/dev/null', 'w'):write 'x'" },
  { "write: a compiled function", "local f = io.open('/dev/null', 'w')", "f:write 'x'" },
  { "print: a compiled function", "local p = print", "p(1)" },
  { "nn.load: a compiled function", "", "nn.load '/dev/null'" },
  { "nn.time: a compiled function", "", "x = x * nn.time()" },
  { "os.time: a compiled function", "", "x = x * os.time()" },
  { "os.getenv: a compiled function", "", "x = x * #(os.getenv 'HOME' or '')" },
  { "ask outside", "", "x = x * collectgarbage 'count'" },
  { "compile it outside, once", "", "load 'return 1'()" },
  { "load: a compiled function", "local l = load", "l 'return 1'()" },
  { "the function changes 'm.h'", "local V = nn.Module:extend 'V'; function V:forward(x) self.h = self.h and self.h + x or x "
    .. "return self.h end; local m = V()", "x = m(x)" },
  { "the function changes 'm._buffers'", "local V = nn.Module:extend 'V'; function V:forward(x) self:register_buffer('b', x) "
    .. "return x end; local m = V()", "x = m(x)" },
  { "the function changes 'm.training'", "local m = nn.Linear(2, 2)", "m:eval()" },
  { "a module would be converted only once", "local m = nn.Linear(2, 2)", "m:to 'float64'" },
  { "the function changes 'o.param_groups[1].lr'", "local o = nn.optim.SGD({ nn.Parameter(nn.ones(2)) }, { lr = 0.5 })",
    "o.param_groups[1].lr = o.param_groups[1].lr / 2" },
  { "the function changes 'o.param_groups[2]'", "local o = nn.optim.SGD({ nn.Parameter(nn.ones(2)) }, { lr = 0.5 })",
    "table.insert(o.param_groups, 1)" },
  { "the function changes 's.t'",
    "local s = nn.sched.StepLR(nn.optim.SGD({ nn.Parameter(nn.ones(2)) }, { lr = 0.5 }), { step_size = 1 })", "s:step()" },
  { "freeze and unfreeze outside", "local w = nn.ones(2):requires_grad_()", "w.requires_grad = false" },
  { "it changes a table that was there before", "local t = {}", "table.insert(t, 1)" },
  { "it changes a table that was there before", "local t = { 2, 1 }", "table.sort(t)" },
  { "it changes a table that was there before", "local t = {}", "rawset(t, 1, 1)" },
  { "it changes a table that was there before", "local t = {}", "setmetatable(t, {})" },
  { "it fills a table that was there before", "local t = {}", "nn.rex.flags(t)" },
  { "the function changes '_ENV.a_global'", "", "a_global = 1" },
  { "this coroutine began before", "local co = coroutine.wrap(function() while true do coroutine.yield(1) end end); co()",
    "x = x * co()" },
  { "it cannot stop half-way", "", "coroutine.yield(1)" },
  { "it was made before and would go on only once", "local word = ('a b c'):gmatch '%a'", "x = x * #word()" },
  { "it was made before and would go on only once", "local t = { nn.rex.gmatch('a b c', '[a-c]') }", "x = x * #t[1]()" },
  { "it was made before and would go on only once", "local word = nn.rex.split('a b c', ' ')", "x = x * #word()" },
  { "was computed outside from tensors that want gradients is used", "local h = nn.ones(2):requires_grad_() * 2", "x = x * h" },
  { "a replay could not give it that history", "local w = nn.ones(2):requires_grad_()", "x:mul_(w)" },
  { "that error was caught inside of the function", "local n = 0", "pcall(function() n = n + 1 end)" },
  { "that error was caught inside of the function", "", "x = x * (pcall(x.item, x:sum()) and 2 or 3)" },
  { "the function changes 'old.n'", "local old = { n = 0 }", "local s = old; local function f() s.n = s.n + 1 end; f()" },
  { "the function changes 'old.n'", "local old = { n = 0 }",
    "local p = setmetatable({}, { __newindex = old, __index = old }); p.n = p.n + 1" },
  { "register_hook: Lua code on the way back", "local w = nn.ones(2):requires_grad_()", "w:register_hook(function() end)" },
  { "the state would be set only once", "local o = nn.optim.SGD({ nn.Parameter(nn.ones(2)) }, { lr = 0.5 }); local s = o:state_dict()",
    "o:load_state_dict(s)" },
  { "the state would be read only once", "local o = nn.optim.SGD({ nn.Parameter(nn.ones(2)) }, { lr = 0.5 })", "o:state_dict()" },
  { "argument 1 is used as a key", "local t = {}", "x = x * (t[x] or 1)" },
  { "argument 1 is compared with a tensor from outside", "local t = nn.ones(2)", "x = x * (x == t and 2 or 1)" },
  { "argument 1 is compared with a tensor from outside", "local t = nn.ones(2)", "x = x * (rawequal(t, x) and 2 or 1)" },
  { "a finalizer would run only for what is made while recording", "", "setmetatable({}, { __gc = function() end })" },
  { "the collector would be set, or asked, only once", "", "collectgarbage 'stop'" },
  { "cannot be recorded", "local w = nn.ones(2):requires_grad_()",
    "local y = w * 2; y:register_hook(function() end); y:sum():backward()" },
}

function TestRefusals:test_what_would_happen_only_once()
  for _, row in ipairs(once) do
    local text, before, step = table.unpack(row)
    local source = ("%s\nreturn function(x) %s return x end"):format(before, step)
    local env = setmetatable({ nn = nn }, { __index = _G })
    local f = nn.compile(assert(load(source, "=step", "t", env))())
    for _ = 1, 2 do
      lu.assertErrorMsgContains(text, f, nn.ones(2))
      lu.assertErrorMsgContains("step:", f, nn.ones(2)) -- where
    end
  end
end

function TestRefusals:test_other_refusals()
  refused("result 1 of the function is a table", function(x)
    return { x }
  end, nn.ones(2))
  local w = nn.ones(2):requires_grad_()
  refused("argument 1 of a compiled function was computed from tensors that want gradients", function(x)
    return x
  end, w * 2)
  lu.assertErrorMsgContains("compile: f must be a function, but is the number 3", nn.compile, 3)
end

function TestRefusals:test_errors_of_the_function()
  local fail = true
  local f = nn.compile(function(x)
    if fail then
      error("mine", 0)
    end
    return x + 1
  end)
  lu.assertErrorMsgEquals("mine", f, nn.ones(1))
  fail = false
  lu.assertEquals(f(nn.ones(1)):item(), 2)
  lu.assertErrorMsgContains("Linear(3, 2): input has 5 features", nn.compile(nn.Linear(3, 2)), nn.ones(1, 5))
end

function TestRefusals:test_no_history()
  local w = nn.ones(2):requires_grad_()
  local f = nn.compile(function()
    return (w * 2):sum()
  end)
  for _ = 1, 2 do
    local loss = f()
    lu.assertFalse(loss.requires_grad)
    lu.assertErrorMsgContains("no history", loss.backward, loss)
  end
end

-- An optimizer that is made inside begins anew with each call, and replays would go on with what it keeps.
function TestRefusals:test_optimizer_made_inside()
  local w = nn.Parameter(nn.ones(2))
  local function adapt(make)
    return function(x)
      local p = nn.Parameter(w:detach():clone())
      local opt = make { p }
      for _ = 1, 3 do
        opt:zero_grad()
        local loss = ((p - x) ^ 2):sum()
        loss:backward()
        opt:step()
      end
      return p:detach()
    end
  end
  local plain = adapt(function(p) return nn.optim.SGD(p, { lr = 0.1 }) end)
  local compiled = nn.compile(plain)
  for i = 1, 3 do
    lu.assertTrue(compiled(nn.zeros(2) + i):equal(plain(nn.zeros(2) + i)))
  end
  for _, make in ipairs { function(p) return nn.optim.SGD(p, { lr = 0.1, momentum = 0.9 }) end, nn.optim.Adam } do
    lu.assertErrorMsgContains("is made inside of the compiled function", nn.compile(adapt(make)), nn.zeros(2))
  end
end

-- The steps of one without a state have the options that they had while recorded, whoever changes them in between.
function TestRefusals:test_options_of_an_optimizer_made_inside()
  local rate = 0.1
  local function adapt(x)
    local w = nn.Parameter(nn.ones(2))
    local opt = nn.optim.SGD({ w }, { lr = rate })
    local schedule = nn.sched.StepLR(opt, { step_size = 1, gamma = 0.5 })
    for _ = 1, 3 do
      opt:zero_grad()
      local loss = (w * x):sum()
      loss:backward()
      opt:step()
      schedule:step()
    end
    opt.param_groups[1].lr = 7
    return w:detach()
  end
  local compiled = nn.compile(adapt)
  for i = 1, 6 do
    rate = i > 3 and 0.2 or 0.1
    lu.assertTrue(compiled(nn.ones(2) * i):equal(adapt(nn.ones(2) * i)), i)
  end
end

-- An option that is written is not written by replays: it must have the value already, at each call.
function TestRefusals:test_options_that_are_written()
  local w = nn.Parameter(nn.ones(1))
  local opt = nn.optim.SGD({ w }, { lr = 0.1 })
  local step = nn.compile(function()
    opt.param_groups[1].lr = 0.1
    opt:zero_grad()
    w:sum():backward()
    opt:step()
  end)
  step()
  step()
  lu.assertAlmostEquals(w:item(), 0.8, 1e-6)
  opt.param_groups[1].lr = 0.5
  lu.assertErrorMsgContains("changes 'opt.param_groups[1].lr'", step)
end
