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
