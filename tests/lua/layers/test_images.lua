-- Layers that PyTorch 1.13 has not, and what layers say of themselves that no golden data shows.

local lu = require "luaunit"
local nn = require "nn"

TestImages = {}

function TestImages:test_margins()
  local line = nn.tensor { { { 1.0, 2.0, 3.0 } } }
  lu.assertEquals(nn.CircularPad1d(2)(line):totable(), { { { 2, 3, 1, 2, 3, 1, 2 } } })
  lu.assertEquals(nn.ZeroPad1d { 1, 0 }(line):totable(), { { { 0, 1, 2, 3 } } })
  lu.assertEquals(nn.ZeroPad1d(-1)(line):totable(), { { { 2 } } })
  local x = nn.randn(1, 2, 3, 4, 5)
  local y = nn.CircularPad3d(1)(x)
  lu.assertEquals(tostring(y.shape), "1x2x5x6x7")
  lu.assertTrue(y[{ {}, {}, { 2, 4 }, { 2, 5 }, { 2, 6 } }]:equal(x))
  lu.assertTrue(y[{ {}, {}, 1, { 2, 5 }, { 2, 6 } }]:equal(x[{ {}, {}, 3 }]))
  local z = nn.ZeroPad3d { 0, 0, 0, 1, 2, 0 }(x)
  lu.assertEquals(tostring(z.shape), "1x2x5x5x5")
  lu.assertEquals(z[{ {}, {}, { 1, 2 } }]:abs():sum():item(), 0)
  for text, f in pairs {
    ["padding must be one number or 4"] = function() return nn.ZeroPad2d { 1, 2, 3 }(nn.ones(1, 1, 3, 3)) end,
    ["reflect padding by 3"] = function() return nn.ReflectionPad1d(3)(line) end,
    ["input must be batch x channels x length"] = function() return nn.ZeroPad1d(1)(nn.ones(2, 3)) end,
  } do
    lu.assertErrorMsgContains(text, f)
  end
end

function TestImages:test_positions()
  local layer = nn.PositionalEncoding(6, { max_len = 7 })
  local y = layer(nn.zeros(7, 2, 6))
  for i = 0, 6 do
    for k = 0, 2 do
      local angle = i / 10000 ^ (2 * k / 6)
      lu.assertAlmostEquals(y[i + 1][2][2 * k + 1]:item(), math.sin(angle), 1e-6)
      lu.assertAlmostEquals(y[i + 1][1][2 * k + 2]:item(), math.cos(angle), 1e-6)
    end
  end
  lu.assertEquals(#layer:parameters(), 0)
  local learned = nn.PositionalEncoding(4, { kind = "learned", max_len = 3, batch_first = true })
  local x = nn.randn(2, 3, 4)
  lu.assertTrue((learned(x) - x - learned.weight):abs():max():item() < 1e-6)
  lu.assertErrorMsgContains("max_len is 7", layer, nn.zeros(8, 2, 6))
end

-- A table of states or of named inputs outside of a compiled function is looked at there.
function TestImages:test_inputs_in_tables()
  local lstm, s = nn.LSTM(4, 5), { nn.zeros(1, 3, 5), nn.zeros(1, 3, 5) }
  local x, options = nn.randn(1, 3, 4), { need_weights = false }
  local mha = nn.MultiheadAttention(4, 2)
  local f = nn.compile(function(v)
    return (lstm(v, s))
  end)
  local g = nn.compile(function(v)
    return (mha(v, options))
  end)
  for _ = 1, 2 do
    f(x)
    g(x)
  end
  s[1], options.is_causal = nn.ones(1, 3, 5), true
  lu.assertTrue(f(x):equal((lstm(x, s))))
  lu.assertTrue(g(x:transpose(1, 2)):equal((mha(x:transpose(1, 2), options))))
  lu.assertErrorMsgContains("takes the states as tensors or as {h, c}", lstm, x, { s[1], s[2], lengths = 1 })
  lu.assertErrorMsgContains("by name, but got mask", mha, x, { mask = 1 })
  lu.assertErrorMsgContains("lengths[2] is 4, but must be from 1 to the number of steps, 3", nn.GRU(2, 2), nn.ones(3, 2, 2),
    { lengths = nn.tensor { 3, 4 } })
end

function TestImages:test_settled_settings()
  local mha = nn.MultiheadAttention(4, 2)
  lu.assertErrorMsgContains("kdim is settled", function() mha.kdim = 3 end)
end

function TestImages:test_torch_state()
  local model = nn.Sequential(nn.LSTM(2, 3), nn.Linear(3, 1))
  local state = {}
  for name, t in pairs(model:state_dict()) do
    state[(name:gsub("^%d", { ["1"] = "0", ["2"] = "1" }):gsub("_l1", "_l0"))] = t:clone() + 1
  end
  local loaded = nn.io.torch_state(model, state)
  lu.assertTrue(loaded["1.weight_hh_l1"]:equal(state["0.weight_hh_l0"]))
  state["0.weight_hh_l0"] = nil
  state.more = nn.ones(1)
  lu.assertErrorMsgContains("it lacks '0.weight_hh_l0' (here '1.weight_hh_l1'); the model lacks 'more'", nn.io.torch_state, model,
    state)
end
