-- Layers that PyTorch 1.13 has not, and what layers say of themselves that no golden data shows.

local lu = require "luaunit"
local nn = require "nn"

TestMoreLayers = {}

function TestMoreLayers:test_margins()
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

function TestMoreLayers:test_positions()
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
function TestMoreLayers:test_inputs_in_tables()
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

-- What is given by name is neither lost behind a nil nor taken over by a place.
function TestMoreLayers:test_inputs_by_name_and_by_place()
  local mha = nn.MultiheadAttention(4, 2)
  local q, k, other = nn.randn(3, 1, 4), nn.randn(5, 1, 4), nn.randn(5, 1, 4)
  local want = mha(q, k, k)
  lu.assertTrue((mha(q, nil, nil, { key = k, value = k })):equal(want))
  lu.assertFalse((mha(q, other, other)):equal(want))
  lu.assertErrorMsgContains("the key is given twice", mha, q, k, { key = other })
  lu.assertErrorMsgContains("the value is given twice", mha, q, k, k, { value = other })
end

function TestMoreLayers:test_settled_settings()
  local mha = nn.MultiheadAttention(4, 2)
  lu.assertErrorMsgContains("kdim is settled", function() mha.kdim = 3 end)
end

-- Of the sizes that a stride leaves open, the one that is asked for; also where it changes between compiled calls.
function TestMoreLayers:test_output_size()
  local layer = nn.ConvTranspose2d(2, 3, 3, { stride = 2, padding = 1 })
  local padded = nn.ConvTranspose2d(2, 3, 3, { stride = 2, padding = 1, output_padding = { 1, 0 } })
  padded.weight, padded.bias = layer.weight, layer.bias
  local x = nn.randn(1, 2, 7, 5)
  lu.assertTrue(layer(x, { output_size = { 14, 9 } }):equal(padded(x)))
  lu.assertTrue(layer(x, { output_size = nn.ones(1, 3, 13, 9).shape }):equal(layer(x)))
  local sizes = { 14, 10 }
  local f = nn.compile(function(a)
    return layer(a, { output_size = sizes })
  end)
  for height = 13, 14 do
    sizes[1] = height
    for _ = 1, 2 do
      lu.assertTrue(f(x):equal(layer(x, { output_size = { height, 10 } })))
    end
  end
  for text, o in pairs {
    ["an input of 7 becomes 13 to 14 there"] = { output_size = { 15, 10 } },
    ["must have 2 sizes (or 4, with batch and channels), but has 1"] = { output_size = { 14 } },
    ["must be a list of sizes, e.g. {14, 10}, but is the number 14"] = { output_size = 14 },
    ["must be an integer, but is the number 14.5"] = { output_size = { 14.5, 10 } },
    ["takes output_size by name, but got size"] = { size = { 14, 10 } },
  } do
    lu.assertErrorMsgContains(text, layer, x, o)
  end
  local line = nn.ConvTranspose1d(1, 1, 2, { stride = 3 })
  lu.assertEquals(tostring(line(nn.ones(1, 1, 4), { output_size = { 13 } }).shape), "1x1x13")
end

-- A foreign head, the prefix of DataParallel, and the way back.
function TestMoreLayers:test_torch_state_in_part()
  local net = nn.Sequential(nn.Linear(2, 3), nn.BatchNorm1d(3))
  local theirs = nn.io.torch_state(net)
  lu.assertTrue(theirs["0.weight"]:equal(net[1].weight) and theirs["1.running_var"]:equal(net[2].running_var))
  local other = nn.Sequential(nn.Linear(2, 3), nn.BatchNorm1d(3))
  local parallel = {}
  for name, tensor in pairs(theirs) do
    parallel["module." .. name] = tensor
  end
  other:load_state_dict(nn.io.torch_state(other, parallel))
  lu.assertTrue(other[1].weight:equal(net[1].weight))
  parallel["module.0.bias"], parallel["module.head"] = nil, nn.ones(1)
  lu.assertErrorMsgContains("it lacks '0.bias' (here '1.bias'); the model lacks 'head'; {strict = false} takes what fits",
    nn.io.torch_state, other, parallel)
  local _, names = other:load_state_dict(nn.io.torch_state(other, parallel, { strict = false }), { strict = false })
  lu.assertEquals(names, { missing = { "1.bias" }, unexpected = {} })
  lu.assertErrorMsgContains("must be a model", nn.io.torch_state, theirs)
end

function TestMoreLayers:test_torch_state()
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

-- The last offset ends the last bag; offsets that are none are errors, in replays too.
function TestMoreLayers:test_offsets_of_bags()
  local bag = nn.EmbeddingBag(4, 1, { mode = "sum" })
  local ended = nn.EmbeddingBag(4, 1, { mode = "sum", include_last_offset = true })
  for _, layer in ipairs { bag, ended } do
    layer:load_state_dict { weight = nn.tensor { { 1.0 }, { 10.0 }, { 100.0 }, { 1000.0 } } }
  end
  local x = nn.tensor { 1, 2, 3, 4 }
  lu.assertEquals(ended(x, nn.tensor { 1, 2, 4 }):totable(), { { 1 }, { 110 } })
  lu.assertEquals(bag(x, nn.tensor { 1, 2, 2 }):totable(), { { 1 }, { 0 }, { 1110 } })
  local f = nn.compile(function(o)
    return bag(x, o)
  end)
  for _ = 1, 3 do
    f(nn.tensor { 1, 3 })
  end
  for _, wrong in ipairs { { 0, 2 }, { -5, 3 }, { 1, 9 }, { 3, 2 }, { 2, 3 } } do
    lu.assertErrorMsgContains("offsets must begin with 1, ascend", bag, x, nn.tensor(wrong))
    lu.assertErrorMsgContains("offsets must begin with 1, ascend", f, nn.tensor(wrong))
  end
  lu.assertErrorMsgContains("but offsets must begin", ended, x, nn.tensor { 1, 2, -7 })
end

function TestMoreLayers:test_lengths_of_ctc()
  local loss = nn.CTCLoss()
  local f = nn.compile(function(p, t, n, m)
    return loss(p, t, n, m)
  end)
  local p, t = nn.randn(4, 1, 3):log_softmax(3), nn.tensor { { 2, 3 } }
  for _ = 1, 3 do
    f(p, t, nn.tensor { 4 }, nn.tensor { 2 })
  end
  for _, c in ipairs { { 9, 2 }, { 0, 1 }, { 4, -1 }, { 4, 3 } } do
    lu.assertErrorMsgContains("is out of range", loss, p, t, nn.tensor { c[1] }, nn.tensor { c[2] })
    lu.assertErrorMsgContains("is out of range", f, p, t, nn.tensor { c[1] }, nn.tensor { c[2] })
  end
end

-- Targets one behind another: as in rows; a sum of lengths that does not fit is said; more labels than steps are
-- impossible, and so are none at all.
function TestMoreLayers:test_joined_targets_of_ctc()
  local p, n = nn.randn(6, 3, 5):log_softmax(3), nn.tensor { 6, 5, 6 }
  local loss = nn.CTCLoss { reduction = "none" }
  local f = nn.compile(function(...) return loss(...) end)
  local rows, lengths = nn.tensor { { 2, 3, 2 }, { 4, 1, 1 }, { 5, 5, 1 } }, nn.tensor { 3, 1, 2 }
  for _ = 1, 3 do
    lu.assertTrue(f(p, nn.tensor { 2, 3, 2, 4, 5, 5 }, n, lengths):equal(loss(p, rows, n, lengths)))
    local other = nn.tensor { 1, 3, 2 }
    lu.assertTrue(f(p, nn.tensor { 2, 4, 4, 2, 5, 5 }, n, other):equal(
      loss(p, nn.tensor { { 2, 1, 1 }, { 4, 4, 2 }, { 5, 5, 1 } }, n, other)))
  end
  local joined = nn.tensor { 2, 3, 2, 4, 5, 5 }
  for sum, wrong in pairs { [5] = { 2, 1, 2 }, [7] = { 3, 2, 2 } } do
    lu.assertErrorMsgContains(("the sum of target_lengths: %d "):format(sum), loss, p, joined, n, nn.tensor(wrong))
    lu.assertErrorMsgContains(("%d (element 1) is out of range 6..6"):format(sum), f, p, joined, n, nn.tensor(wrong))
  end
  lu.assertErrorMsgContains("target_lengths: -1 ", loss, p, joined, n, nn.tensor { 3, -1, 4 })
  lu.assertErrorMsgContains("-1 (element 2) is out of range", f, p, joined, n, nn.tensor { 3, -1, 4 })
  lu.assertErrorMsgContains("target 6 (element 5) is out of range 1..5", loss, p, nn.tensor { 2, 3, 2, 4, 6, 5 }, n, lengths)
  local none = loss(p, nn.zeros(0):long(), n, nn.tensor { 0, 0, 0 })
  lu.assertTrue(none:equal(loss(p, nn.zeros(3, 0):long(), n, nn.tensor { 0, 0, 0 })))
  local long = loss(p, nn.tensor { 2, 3, 2, 3, 2, 3, 2, 3 }, n, nn.tensor { 8, 0, 0 })
  lu.assertEquals(long[1]:item(), math.huge)
  lu.assertTrue(long[{ { 2, 3 } }]:equal(none[{ { 2, 3 } }]))
end

-- What stands behind a target's end is not looked at; what stands before it must be a class.
function TestMoreLayers:test_targets_of_ctc()
  local p, n, m = nn.randn(6, 2, 4):log_softmax(3), nn.tensor { 6, 6 }, nn.tensor { 2, 3 }
  local loss = nn.CTCLoss()
  local want = loss(p, nn.tensor { { 2, 3, 1 }, { 3, 4, 2 } }, n, m):item()
  for _, padding in ipairs { 0, -1, -100, 4 } do
    lu.assertEquals(loss(p, nn.tensor { { 2, 3, padding }, { 3, 4, 2 } }, n, m):item(), want)
  end
  for _, wrong in ipairs { 0, -1, 5 } do
    lu.assertErrorMsgContains("is out of range 1..4", loss, p, nn.tensor { { 2, wrong, 1 }, { 3, 4, 2 } }, n, m)
  end
end

-- A likelihood that is not a number stays so; one that is impossible is infinite, or 0 on request.
function TestMoreLayers:test_ctc_of_nan()
  local p, t, n, m = nn.randn(5, 2, 4):log_softmax(3), nn.tensor { { 2, 3 }, { 3, 2 } }, nn.tensor { 5, 1 }, nn.tensor { 2, 2 }
  p[3][1][2] = 0 / 0
  for _, zero in ipairs { false, true } do
    local loss = nn.ctc_loss(p, t, n, m, { zero_infinity = zero, reduction = "none" })
    lu.assertNaN(loss[1]:item())
    lu.assertEquals(loss[2]:item(), zero and 0 or math.huge)
  end
end

function TestMoreLayers:test_states_that_count_from_0()
  local model = nn.Sequential(nn.Linear(2, 2), nn.Linear(2, 2))
  local state = { ["0.weight"] = nn.ones(2, 2), ["1.weight"] = nn.ones(2, 2) }
  for _, strict in ipairs { true, false } do
    lu.assertErrorMsgContains("nn.io.torch_state(model, state)", model.load_state_dict, model, state, { strict = strict })
  end
  lu.assertErrorMsgContains("nn.io.torch_state", nn.LSTM(2, 2).load_state_dict, nn.LSTM(2, 2), { weight_ih_l0 = nn.ones(8, 2) })
end

-- One result, so that functions stand in each other.
function TestMoreLayers:test_places_on_request()
  local x = nn.randn(1, 1, 4, 4)
  lu.assertEquals(select("#", nn.max_pool2d(x, 2)), 1)
  lu.assertEquals(select("#", nn.max_pool2d(x, 2, { return_indices = true })), 2)
  lu.assertEquals(select("#", nn.adaptive_max_pool2d(x, 2)), 1)
  lu.assertEquals(select("#", nn.adaptive_max_pool2d(x, 2, { return_indices = true })), 2)
  lu.assertTrue(nn.relu(nn.max_pool2d(x, 2)):equal(nn.max_pool2d(x, 2):clamp { min = 0 }))
end

function TestMoreLayers:test_nearest_by_whole_factors()
  for factor = 1, 200 do
    local x = nn.arange(6):float():reshape(1, 1, 6)
    local want = x:reshape(6, 1):expand(6, factor):reshape(1, 1, 6 * factor)
    lu.assertTrue(nn.interpolate(x, { scale_factor = factor }):equal(want), factor)
    lu.assertTrue(nn.interpolate(x, { size = { 6 * factor } }):equal(want), factor)
  end
end

function TestMoreLayers:test_a_factor_for_each_dim()
  local x = nn.randn(1, 1, 2, 3)
  lu.assertTrue(nn.interpolate(x, { scale_factor = { 2, 1 } }):equal(nn.interpolate(x, { size = { 4, 3 } })))
  for message, factor in pairs { ["element 2 of scale_factor must be a number, but is the string 'a'"] = { 2, "a" },
    ["scale_factor must have one number or 2, but has 3"] = { 2, 2, 2 },
    ["scale_factor must be a number or a list of numbers, e.g. {1.5, 2}, but is the string 'a'"] = "a" } do
    lu.assertErrorMsgContains(message, nn.interpolate, x, { scale_factor = factor })
  end
end

-- What stands behind the end of a sequence has no part in anything.
function TestMoreLayers:test_behind_the_end()
  for _, name in ipairs { "RNN", "LSTM", "GRU" } do
    local layer, x = nn[name](2, 3), nn.randn(4, 2, 2)
    x[{ { 3, 4 }, 2 }]:fill_(0 / 0)
    x:requires_grad_()
    layer(x, { lengths = nn.tensor { 4, 2 } }):sum():backward()
    for _, p in ipairs(layer:parameters()) do
      lu.assertTrue(p.grad:isfinite():all():item(), name)
    end
    lu.assertTrue(x.grad:isfinite():all():item(), name)
  end
end

function TestMoreLayers:test_all_is_cut_away()
  local x = nn.ones(1, 1, 2, { requires_grad = true })
  nn.ConstantPad1d({ 1, -2 }, 1.5)(x):sum():backward()
  lu.assertEquals(x.grad:totable(), { { { 0, 0 } } })
end

function TestMoreLayers:test_parameters_of_other_shapes()
  local q, k, m, l = nn.randn(3, 1, 4), nn.randn(3, 1, 4), nn.MultiheadAttention(4, 2), nn.LSTM(2, 3)
  m.in_proj_bias = nn.Parameter(nn.randn(13))
  lu.assertErrorMsgContains("must have 12 rows", m, q, k)
  l.bias_hh_l1 = nn.Parameter(nn.randn(1))
  lu.assertErrorMsgContains("bias_ih has shape 12, but bias_hh 1", l, nn.randn(4, 1, 2))
end

function TestMoreLayers:test_names_in_a_dict()
  local net, state = nn.Module:extend "Net" (), {}
  net.heads = nn.ModuleDict { ["1"] = nn.Linear(1, 1), ["2"] = nn.Linear(1, 1) }
  net.list = { nn.Linear(1, 1), nn.Linear(1, 1) }
  for _, name in ipairs { "heads.1", "heads.2", "list.0", "list.1" } do
    state[name .. ".weight"], state[name .. ".bias"] = nn.randn(1, 1), nn.randn(1)
  end
  net:load_state_dict(nn.io.torch_state(net, state))
  lu.assertTrue(net.heads["2"].weight:equal(state["heads.2.weight"]))
  lu.assertTrue(net.list[1].weight:equal(state["list.0.weight"]))
end

function TestMoreLayers:test_folding_volumes()
  local net = nn.Sequential(nn.ConvTranspose3d(1, 2, 2), nn.BatchNorm3d(2), nn.Conv3d(2, 2, 2), nn.BatchNorm3d(2)):to "float64"
  nn.no_grad(function()
    net(nn.randn({ 4, 1, 3, 3, 3 }, { dtype = "float64" }) * 3)
  end)
  net:eval()
  local folded, x = nn.fold_batch_norm(net), nn.randn({ 2, 1, 3, 3, 3 }, { dtype = "float64" })
  lu.assertEquals(#folded, 3) -- transposed, affine, folded
  lu.assertTrue((folded(x) - net(x)):abs():max():item() < 1e-12)
end

-- Functions of layers take all settings of the layer, also where an op has the name.
function TestMoreLayers:test_functions()
  nn.manual_seed(3)
  local x, y = nn.randn(6, 4), nn.tensor { 1, 2, 3, 4, 1, 2 }
  local weight = nn.tensor { 1.0, 2.0, 3.0, 4.0 }
  local o = { weight = weight, ignore_index = 3, label_smoothing = 0.1 }
  lu.assertEquals(nn.cross_entropy(x, y, o):item(), nn.CrossEntropyLoss(o)(x, y):item())
  lu.assertAlmostEquals(nn.cross_entropy(x, y, "sum"):item(), 6 * nn.cross_entropy(x, y):item(), 1e-4)
  lu.assertEquals(nn.cross_entropy(nn.zeros(2, 4, 3, 3), nn.ones(2, 3, 3, { dtype = "int64" })):item(), nn.tensor(4.0):log():item())
  lu.assertTrue(nn.softplus(x, { beta = 2 }):allclose(nn.softplus(x * 2) / 2))
  lu.assertTrue(nn.dropout(x, 0.5, { training = false }):equal(x))
  lu.assertTrue(nn.dropout(x, 0.5, { generator = nn.Generator(1) }):equal(nn.dropout(x, 0.5, { generator = nn.Generator(1) })))
  lu.assertTrue(nn.dropout(x, 0.5, { generator = nn.Generator(1), training = true }):equal(nn.dropout(x, 0.5,
    { generator = nn.Generator(1) })))
  lu.assertTrue(nn.dropout(x, 0.5, { generator = nn.Generator(1), training = false }):equal(x))
  local images, labels = nn.zeros(2, 4, 3), nn.ones(2, 3, { dtype = "int64" })
  lu.assertAlmostEquals(nn.cross_entropy(images, labels, "sum"):item(), 6 * math.log(4), 1e-5)
  -- a setting that is false stays false beside `training`
  local rates, counts = nn.rand(4) + 1, nn.ones(4)
  lu.assertEquals(nn.poisson_nll_loss(rates, counts, { log_input = false, training = true }):item(),
    nn.poisson_nll_loss(rates, counts, { log_input = false }):item())
  lu.assertErrorMsgContains("has no option 'weigth'; did you mean 'weight'?", nn.cross_entropy, x, y, { weigth = weight })
end

function TestMoreLayers:test_add_with_a_factor()
  local x = nn.ones(3)
  x:add_(nn.tensor { 1.0, 2.0, 3.0 }, { alpha = -0.5 })
  lu.assertEquals(x:totable(), { 0.5, 0, -0.5 })
  lu.assertEquals(nn.sub(x, 2, { alpha = 3 }):totable(), { -5.5, -6, -6.5 })
  -- the product is of the result's dtype
  local z = nn.zeros(1, { dtype = "float64" })
  lu.assertEquals(z:add(nn.tensor { 1 }, { alpha = 0.1 }):item(), 0.1)
  lu.assertEquals(z:add(nn.tensor { 4611686018427387904 }, { alpha = 4 }):item(), 2.0 ^ 64)
  lu.assertTrue(z:add(nn.full({ 1 }, 1e30), { alpha = 1e30 }):item() < math.huge)
  lu.assertEquals(nn.zeros(1):add(math.maxinteger, { alpha = 2 }):item(), 2.0 ^ 64)
  lu.assertErrorMsgContains("y must be a tensor or a number, but is a table", nn.add, x, { 1, 2 }, { alpha = 2 })
  lu.assertEquals(x:add(1, {}):totable(), { 1.5, 1, 0.5 })
  lu.assertErrorMsgContains("alpha must be a number", nn.add, x, 1, { alpha = "a" })
  lu.assertErrorMsgContains("has no option but alpha", nn.add, x, 1, { alpha = 1, beta = 2 })
end

-- Probabilities that are exactly 0 and 1 have a finite gradient, that of PyTorch but where the target is met.
function TestMoreLayers:test_bce_at_the_ends()
  local p = nn.tensor({ 1.0, 0.0, 1e-30, 0.5 }, { requires_grad = true })
  local loss = nn.BCELoss { reduction = "sum" }(p, nn.tensor { 0.0, 1.0, 1.0, 0.3 })
  local slope = nn.autograd.grad(loss, { p }, { create_graph = true })[1]
  for i, want in ipairs { 1e12, -1e12, -1e12, 0.8 } do
    lu.assertAlmostEquals(slope[i]:item() / want, 1, 1e-5)
  end
  lu.assertTrue(nn.autograd.grad(slope:sum(), { p })[1]:isfinite():all():item())
  local logits = nn.tensor({ 30.0, -120.0, 20.0 }, { requires_grad = true })
  nn.BCELoss()(logits:sigmoid(), nn.tensor { 0.0, 1.0, 1.0 }):backward()
  lu.assertTrue(logits.grad:isfinite():all():item())
end

function TestMoreLayers:test_same_padding_of_even_kernels()
  local conv = nn.Conv1d(1, 1, 4, { padding = "same", bias = false })
  nn.no_grad(function()
    conv.weight:copy_(nn.tensor { { { 1.0, 10.0, 100.0, 1000.0 } } })
  end)
  lu.assertEquals(conv(nn.tensor { { { 1.0, 2.0, 3.0, 4.0 } } }):totable(), { { { 3210, 4321, 432, 43 } } })
end

-- Numbers near the largest are interpolated without leaving the range; what is inf spoils its neighbours alone.
function TestMoreLayers:test_interpolation_of_large_numbers()
  local y = nn.interpolate(nn.tensor { { { -3e38, 3e38 } } }, { scale_factor = 2, mode = "linear" })
  nn.testing.assert_close(y / 1e38, nn.tensor { { { -3, -1.5, 1.5, 3 } } }:float())
  nn.testing.assert_equal(nn.interpolate(nn.tensor { { { 1.0, 2.0, 4.0 } } }, { scale_factor = 1.1, mode = "linear" }),
    { { { 1.0, 2.0, 4.0 } } })
end

function TestMoreLayers:test_bags_of_nothing_and_of_little()
  local bag = nn.EmbeddingBag(3, 2, { mode = "max", padding_idx = 1 })
  nn.no_grad(function()
    bag.weight:fill_(-math.huge)
  end)
  lu.assertEquals(bag(nn.tensor { { 2, 3 }, { 1, 1 } }):totable(), { { -math.huge, -math.huge }, { 0, 0 } })
  local sum = nn.EmbeddingBag(3, 2, { mode = "sum" })
  local shares = nn.tensor { { 0.5, 2.0 } }
  nn.testing.assert_equal(sum(nn.tensor { { 1, 2 } }, { per_sample_weights = shares }), sum(nn.tensor { { 1, 2 } }, nil, shares))
end

function TestMoreLayers:test_what_contradicts_itself()
  lu.assertErrorMsgContains("lengths must be int64, one for each of the 2 sequences", nn.GRU(2, 3), nn.zeros(4, 2, 2),
    { lengths = nn.tensor { 1, 2, 2 } })
  local stack, mask = nn.TransformerEncoder(nn.TransformerEncoderLayer(4, 1), 1), nn.zeros(2, 2)
  lu.assertErrorMsgContains("mask and src_mask are one and the same", stack, nn.zeros(2, 1, 4), { mask = mask, src_mask = mask })
  lu.assertErrorMsgContains("the reduction is given twice", nn.cross_entropy, nn.zeros(1, 2), nn.tensor { 1 }, "sum",
    { reduction = "mean" })
  lu.assertErrorMsgContains("did you mean 'weight'?", nn.CrossEntropyLoss, { weights = nn.ones(2) })
  lu.assertErrorMsgContains("nets come without weights", nn.models.resnet18, { weights = "any" })
end

-- A single sequence is a batch of one that does not show.
function TestMoreLayers:test_a_single_sequence()
  for _, name in ipairs { "RNN", "LSTM", "GRU" } do
    for _, first in ipairs { false, true } do
      local layer = nn[name](3, 4, { num_layers = 2, bidirectional = true, batch_first = first })
      local x, dim = nn.randn(5, 3), first and 1 or 2
      local y, h = layer(x)
      local many, states = layer(x:unsqueeze(dim))
      lu.assertTrue(y:equal(many:squeeze(dim)) and h:equal(states:squeeze(2)), name)
      local compiled = nn.compile(function(v)
        return (layer(v))
      end)
      lu.assertTrue(compiled(x):equal(y) and compiled(x):equal(y), name)
    end
  end
end

-- Known nets begin as torchvision's do.
function TestMoreLayers:test_known_nets_begin()
  nn.manual_seed(1)
  local net = nn.models.resnet18 { num_classes = 10 }
  lu.assertAlmostEquals(net.conv1.weight:std():item(), math.sqrt(2 / (64 * 49)), 1e-3)
end
