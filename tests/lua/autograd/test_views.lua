-- Views and writes in place: gradients go where the values went.

local lu = require "luaunit"
local nn = require "nn"
package.path = "tests/fuzz/?.lua;" .. package.path
local views = require "views"

TestViews = {}

local function leaf(values)
  return nn.tensor(values, { requires_grad = true })
end

function TestViews:test_writes_through_views()
  local w = leaf { 2.0, 3.0, 4.0 }
  local v = w * 1
  local y = v:narrow(1, 1, 2)
  y:mul_(5)
  y:sum():backward()
  lu.assertEquals(w.grad:totable(), { 5.0, 5.0, 0.0 })
  for name, want in pairs { square_ = { 4.0, 6.0 }, fill_ = { 0.0, 0.0 }, neg_ = { -1.0, -1.0 } } do
    for _, look in ipairs { function(x) return x:view(2, 1) end, function(x) return x:flatten() end,
      function(x) return x:unsqueeze(1):t() end } do
      w = leaf { 2.0, 3.0 }
      v = w * 1
      y = look(v)
      y[name](y, table.unpack(name == "fill_" and { 1 } or {}))
      nn.grad(y:sum(), v, { retain_graph = true, allow_unused = true })
      y:sum():backward { retain_graph = true }
      lu.assertEquals(w.grad:totable(), want, name)
      v:sum():backward()
      lu.assertEquals(w.grad:totable(), { 2 * want[1], 2 * want[2] }, name)
    end
  end
end

function TestViews:test_a_view_as_operand_of_its_base()
  local w = leaf { 2.0, 3.0, 4.0 }
  local v = w * 1
  local y = v:view(3)
  v:add_(y)
  y:sum():backward()
  lu.assertEquals(w.grad:totable(), { 2.0, 2.0, 2.0 })
end

-- A base that is itself laid out like a view: a transposed tensor without history.
function TestViews:test_views_of_what_is_not_contiguous()
  local x = nn.arange(6):float():reshape(2, 3)
  for _, base in ipairs { x:clone():t():detach(), x:clone():narrow(2, 2, 2):detach(), x:clone()[2]:detach():unsqueeze(2) } do
    local w = nn.ones(base.shape):requires_grad_()
    local row = base[2]
    base:mul_(w)
    row:mul_(3)
    base:sum():backward()
    local want = base:detach() * 1 -- d(base)/dw is what base was times 3 in the row
    lu.assertTrue(w.grad:equal(want), tostring(w.grad))
  end
end

function TestViews:test_views_made_while_nothing_was_recorded()
  local w = leaf { 1.0, 2.0 }
  local v = w * 1
  local y = nn.no_grad(function()
    return v:view(2)
  end)
  lu.assertErrorMsgContains("made while nothing was recorded", y.mul_, y, w)
  lu.assertErrorMsgContains("made while nothing was recorded", function()
    y[1] = w[1]
  end)
  y:detach():mul_(w)
end

function TestViews:test_leaves_are_not_written_to()
  local base = nn.zeros(3)
  local y = base:narrow(1, 1, 2):requires_grad_()
  lu.assertErrorMsgContains("a leaf that requires a gradient (shape 2)", y.mul_, y, 2)
end

-- An op without a gradient that writes over a value ends its history.
function TestViews:test_writes_without_gradient()
  local w = leaf { 1.5, 2.5 }
  local y = w * 2
  y:heaviside_(0.5)
  lu.assertFalse(y.requires_grad)
  local v = w * 2
  v[1]:heaviside_(0.5)
  v:sum():backward()
  lu.assertEquals(w.grad:totable(), { 0.0, 2.0 })
end

-- nn.grad runs, and frees, what leads to the inputs it is asked for.
function TestViews:test_the_graph_beyond_the_inputs_stays()
  local w = leaf { 1.0 }
  local h = (w * w):exp()
  local g = nn.grad((h * h):sum(), { h })[1]
  h:backward(g)
  lu.assertAlmostEquals(w.grad:item(), 4 * math.exp(2), 1e-4)
end

function TestViews:test_random_programs()
  for seed = 1, 3 do
    local said = {}
    local wrong, compared = views.fuzz(seed, 700, function(text)
      said[#said + 1] = text
    end)
    lu.assertEquals(wrong, 0, table.concat(said, "\n"))
    lu.assertTrue(compared > 350)
  end
end
