-- Metrics as objects, and in the lists of fit and evaluate: what they mean, what they refuse, and where they have no meaning.
-- (Their numbers: test_metrics_golden.lua.)

local lu = require "luaunit"
local nn = require "nn"
local metric = require "nn.train.metrics.metric"

TestMetricObjects = {}

local T = nn.train.metrics
local x, y

function TestMetricObjects:setUp()
  nn.manual_seed(9)
  x, y = nn.randn(30, 3), nn.randint(1, 4, { 30 })
end

local function over(output, target, loss, list, batch)
  return nn.train.evaluate(function(t)
    return t
  end, nn.data.tensors(output, target):loader { batch_size = batch or 7 }, { loss = loss, metrics = list })
end

-- A metric of each kind, of scores of three classes or of values.
local function one_of_each()
  local list = {}
  for name, kind in pairs(metric.kinds) do
    local of_scores = (kind.takes or ""):find "input_is"
    local m = T[kind.title](of_scores and { input_is = "scores" } or name == "top_k" and { k = 2 } or nil)
    list[name] = { m, (of_scores or name == "top_k" or name == "accuracy" or name == "categorical_accuracy") and y or x }
  end
  return list
end

function TestMetricObjects:test_what_an_object_does()
  for name, pair in pairs(one_of_each()) do
    local m, target = table.unpack(pair)
    lu.assertEquals(m.name, name == "top_k" and "top_2" or name)
    local value, why = m:value()
    lu.assertTrue(value ~= value, name)
    lu.assertEquals(why, "nothing was added")
    local empty = tostring(m)
    local first = m:add(x + 0.1, target):value()
    lu.assertNil(select(2, m:value()))
    lu.assertStrContains(tostring(m), empty .. ":")
    local state = m:state_dict()
    m:add(x * -3, target)
    lu.assertFalse(nn.equal(nn.tensor(first), nn.tensor((m:value()))), name)
    m:load_state_dict(state)
    lu.assertTrue(nn.equal(nn.tensor(first), nn.tensor((m:value()))), name)
    lu.assertEquals(tostring(m:reset()), empty)
  end
  lu.assertEquals(tostring(T.F1()), "F1()")
  lu.assertEquals(tostring(T.TopK(5)), "TopK()")
  lu.assertEquals(tostring(T.F1 { average = "micro" }:add(x, x:argmax(2))), 'F1{average = "micro"}: 1')
  lu.assertStrContains(tostring(T.Confusion():add(x, x:argmax(2))), "Confusion():\ntensor([[")
end

-- What a model gives may be written to afterwards, and has a history.
function TestMetricObjects:test_nothing_is_held()
  for name, pair in pairs(one_of_each()) do
    local m, target = table.unpack(pair)
    local output, copy = (x + 0.1):requires_grad_(), target:clone()
    local want = m:add(output, copy):value()
    nn.no_grad(function()
      output:fill_(0)
      copy:fill_(1)
    end)
    lu.assertTrue(nn.equal(nn.tensor(want), nn.tensor((m:value()))), name)
    for _, part in pairs(m.state) do
      for _, t in ipairs(type(part) == "table" and part or { part }) do
        lu.assertFalse(nn.is_tensor(t) and t.requires_grad, name)
      end
    end
  end
end

function TestMetricObjects:test_nan_is_never_a_number()
  local bad = x:clone()
  bad[{ 12, 2 }] = 0 / 0
  for name, pair in pairs(one_of_each()) do
    local m, target = table.unpack(pair)
    m:add(x, target):add(bad, target):add(x, target)
    local value, why = m:value()
    lu.assertStrContains(why, "nan", name)
    if nn.is_tensor(value) then
      lu.assertTrue(value:isnan():all():item(), name)
    else
      lu.assertTrue(value ~= value, name)
    end
  end
  local row, _, why = over(bad, y, nil, { "accuracy", { "auc", input_is = "scores" } })
  lu.assertTrue(row.accuracy ~= row.accuracy and row.auc ~= row.auc)
  lu.assertStrContains(why.accuracy, "nan")
  row = over(bad:select(2, 2), y:eq(1):float(), nn.BCEWithLogitsLoss(), { "accuracy", "f1", "auc", "log_loss" })
  for name, value in pairs(row) do
    lu.assertTrue(value ~= value, name)
  end
end

-- Where a figure has no meaning it is nan, and it is said why.
function TestMetricObjects:test_no_meaning()
  local function nan(m, words)
    local value, why = m:value()
    lu.assertTrue(value ~= value)
    lu.assertStrContains(why, words)
  end
  local scores = x:select(2, 1)
  nan(T.AUC():add(scores, nn.ones(30)), "all targets are of one class")
  nan(T.AUC():add(scores, nn.zeros(30)), "all targets are of one class")
  nan(T.AUC { input_is = "scores" }:add(x, y:clamp(1, 2)), "class 3 has no targets")
  nan(T.AveragePrecision():add(scores, nn.zeros(30)), "no target is positive")
  lu.assertEquals(T.AveragePrecision():add(scores, nn.ones(30)):value(), 1)
  nan(T.R2():add(scores, nn.full({ 30 }, 0.1)):add(scores, nn.full({ 30 }, 0.1)), "targets that are all equal")
  nan(T.R2():add(nn.ones(1), nn.ones(1)), "one sample")
  for _, name in ipairs { "F1", "Precision", "Recall", "TopK", "Perplexity", "LogLoss", "AUC" } do
    local m = name == "TopK" and T.TopK { k = 2, ignore_index = -1 } or T[name] { input_is = "scores", ignore_index = -1 }
    nan(m:add(x, nn.full({ 30 }, -1)), "no target counted")
  end
  local each = T.AUC { average = "none", input_is = "scores" }:add(x, y:clamp(1, 2)):value()
  lu.assertEquals(each:isnan():totable(), { false, false, true })
end

function TestMetricObjects:test_ignored_targets()
  local some = y:clone()
  some[{ { 1, 10 } }] = -100
  local rest, labels = x[{ { 11, 30 } }], y[{ { 11, 30 } }]
  local list = { "accuracy", { "top_k", k = 2 }, "precision", "recall", "f1", "confusion", "auc", "average_precision",
    "log_loss", "perplexity" }
  local row, tables = over(x, some, nn.CrossEntropyLoss { ignore_index = -100 }, list)
  local want, want_tables = over(rest, labels, nn.CrossEntropyLoss(), list)
  for name, value in pairs(want) do
    lu.assertAlmostEquals(row[name], value, 1e-6, name)
  end
  lu.assertTrue(tables.confusion:equal(want_tables.confusion))
  lu.assertAlmostEquals(row.perplexity, math.exp(row.loss), 1e-5)
  lu.assertEquals(T.F1 { ignore_index = -100 }:add(x, some):value(), T.F1():add(rest, labels):value())
end

function TestMetricObjects:test_perplexity_is_that_of_the_loss()
  local weight = nn.tensor { 1.0, 2.0, 0.5 }
  for _, loss in ipairs { nn.CrossEntropyLoss(), nn.CrossEntropyLoss { weight = weight },
    nn.CrossEntropyLoss { weight = weight, ignore_index = 2 }, nn.NLLLoss { weight = weight } } do
    local output = loss._name == "NLLLoss" and x:log_softmax(2) or x
    for _, batch in ipairs { 1, 7, 30 } do
      local row = over(output, y, loss, { "perplexity" }, batch)
      lu.assertAlmostEquals(row.perplexity, math.exp(row.loss), 1e-5)
    end
  end
  local hot = nn.one_hot(y, 3):float()
  local row = over(x, hot, nn.CrossEntropyLoss(), { "perplexity", "log_loss", "f1", "auc" })
  local want = over(x, y, nn.CrossEntropyLoss(), { "perplexity", "log_loss", "f1", "auc" })
  for name, value in pairs(want) do
    lu.assertAlmostEquals(row[name], value, 1e-6, name)
  end
  local smooth = over(x, y, nn.CrossEntropyLoss { label_smoothing = 0.3 }, { "perplexity" })
  lu.assertAlmostEquals(smooth.perplexity, want.perplexity, 1e-9)
end

-- Tokens: batch x classes x places, with targets batch x places.
function TestMetricObjects:test_targets_of_more_dims()
  local output, target = nn.randn(6, 4, 5), nn.randint(1, 5, { 6, 5 })
  local list = { { "top_k", k = 2 }, "f1", "auc", "confusion", "perplexity", "accuracy" }
  local row, tables = over(output, target, nn.CrossEntropyLoss(), list, 4)
  local flat, flat_tables = over(output:transpose(2, 3):reshape(30, 4), target:reshape(30), nn.CrossEntropyLoss(), list)
  for name, value in pairs(flat) do
    lu.assertAlmostEquals(row[name], value, 1e-6, name)
  end
  lu.assertTrue(tables.confusion:equal(flat_tables.confusion))
end

function TestMetricObjects:test_what_the_loss_says()
  local scores, truth = x:select(2, 1):contiguous(), y:eq(1):float()
  local list = { "f1", "auc", "average_precision", "confusion", "accuracy" }
  local want, want_tables = over(scores, truth, nn.BCEWithLogitsLoss(), list)
  for _, case in ipairs {
    { scores:sigmoid(), truth, nn.BCELoss() }, { scores, truth * 2 - 1, nn.HingeLoss() },
    { scores, truth * 2 - 1, nn.MSELoss() }, { scores:sigmoid(), truth, nn.MSELoss() },
    { scores:unsqueeze(2), truth, function(output, target)
      return (output:squeeze(2) - target):square():mean()
    end, "logits" },
  } do
    local told = {}
    for i, name in ipairs(list) do
      told[i] = case[4] and { name, input_is = case[4] } or name
    end
    local row, tables = over(case[1], case[2], case[3], told)
    for name, value in pairs(want) do
      lu.assertTrue(name == "loss" or math.abs(row[name] - value) < 1e-12, name)
    end
    lu.assertTrue(tables.confusion:equal(want_tables.confusion))
  end
  local two = nn.stack({ -scores, scores }, 2)
  lu.assertEquals(over(two, truth:long() + 1, nn.CrossEntropyLoss(), { "f1" }).f1, want.f1)
end

-- Of equal scores the first counts as better, so top_1 is accuracy, and a model that says the same of all is not good.
function TestMetricObjects:test_top_k_and_ties()
  local rounded = (x * 2):round()
  lu.assertEquals(T.TopK(1):add(rounded, y):value(), T.Accuracy():add(rounded, y):value())
  lu.assertEquals(T.TopK(2):add(nn.zeros(4, 4), nn.tensor { 1, 2, 3, 4 }):value(), 0.5)
end

function TestMetricObjects:test_large_sums_stay_exact()
  local far = nn.randn(1000, { dtype = "float64" })
  local near, away = T.R2(), T.R2()
  for i = 1, 1000, 100 do
    local target = far:narrow(1, i, 100)
    near:add(target * 0.5, target)
    away:add(target * 0.5 + 2 ^ 30, target + 2 ^ 30)
  end
  lu.assertAlmostEquals(away:value(), near:value(), 1e-6)
end

-- ---- lists ----

function TestMetricObjects:test_all_ways_to_name_one()
  local row, tables = over(x, y, nn.CrossEntropyLoss(), { "accuracy", "auc", { "top_k", k = 2 }, { "f1", average = "macro" },
    T.AUC(), T.AUC { average = "weighted", name = "weighted" }, { "recall", average = "none" }, "confusion",
    { "own", function()
      return 1, 1
    end, "max" } })
  lu.assertEquals(row.auc, row.auc_2)
  lu.assertEquals(row.own, 1)
  for _, name in ipairs { "accuracy", "top_2", "f1", "weighted", "loss" } do
    lu.assertEquals(type(row[name]), "number", name)
  end
  lu.assertNil(row.confusion)
  lu.assertEquals(tables.confusion:sum():item(), 30)
  lu.assertEquals(tostring(tables.recall.shape), "3")
end

-- An object in a list says what to count; what it has counted by hand stays as it is.
function TestMetricObjects:test_lists_leave_objects_alone()
  local m = T.Accuracy():add(x, y)
  local before = m:value()
  over(x, x:argmax(2), nil, { m })
  lu.assertEquals(m:value(), before)
end

local function problem(options)
  local model = nn.Linear(3, 2)
  local loader = nn.data.tensors(x, y:clamp(1, 2)):loader { batch_size = 8 }
  local spec = { model = model, loss = nn.CrossEntropyLoss(), optimizer = nn.optim.SGD(model:parameters(), { lr = 0.1 }),
    train = loader, valid = loader, epochs = 3, progress = "none" }
  for name, value in pairs(options) do
    spec[name] = value
  end
  return spec
end

function TestMetricObjects:test_fit_keeps_tables()
  local seen = {}
  local run = nn.train.fit(problem { metrics = { "confusion", "auc" }, on_epoch = function(row, so_far)
    seen[row.epoch] = so_far.tables
  end })
  lu.assertEquals(run.monitor, "valid_auc")
  for _, name in ipairs { "confusion", "valid_confusion" } do
    lu.assertEquals(run.tables[name]:sum():item(), 30)
  end
  lu.assertIs(run.tables, seen[3])
  lu.assertIs(run.best_tables, seen[run.best_epoch])
  lu.assertTrue(run.compiled)
  run = nn.train.fit(problem { metrics = { "confusion", { "f1", average = "none" } } })
  lu.assertEquals(run.monitor, "valid_loss")
  lu.assertErrorMsgContains("monitor 'confusion' is none of the figures", nn.train.fit,
    problem { metrics = { "confusion" }, monitor = "confusion" })
  lu.assertErrorMsgContains('{{"mine", f, "min"}}', nn.train.fit, problem { metrics = { "confusion", { "mine", function()
    return 1
  end } } })
end

function TestMetricObjects:test_fit_says_once_what_has_no_meaning()
  local program = [[
    local nn = require "nn"
    local model = nn.Linear(3, 2)
    local loader = nn.data.tensors(nn.randn(9, 3), nn.ones(9):long()):loader{batch_size = 4}
    local run = nn.train.fit{model = model, loss = nn.CrossEntropyLoss(), metrics = {"auc"}, train = loader, epochs = 3,
      optimizer = nn.optim.SGD(model:parameters(), {lr = 0.1}), progress = "line"}
    print(run.history[3].auc)
  ]]
  local out, err = require("process").script(program, "", "fit.lua")
  lu.assertStrContains(out, "nan")
  lu.assertEquals(select(2, err:gsub("fit: auc is nan: all targets are of one class", "")), 1, err)
end

function TestMetricObjects:test_errors()
  for _, case in ipairs {
    { "k is 5, but the output has scores of 3 classes", T.TopK(), x, y },
    { "labels from 1 to 3, but one is 0; if they count from 0, add 1", T.F1(), x, y - 1 },
    { "labels from 1 to 3, but one is 4", T.Confusion(), x, y + 1 },
    { "labels from 1 to 3, but one is 1.5", T.F1 { input_is = "scores" }, x, y:clamp(1, 1) + 0.5 },
    { "the targets must be 0 or 1, or -1 and 1, but one is 2; of labels 1 and 2, take away 1", T.AUC(), x:select(2, 1),
      y:clamp(1, 2) },
    { "but one is 0.5", T.F1 { threshold = 0 }, x:select(2, 1), nn.full({ 30 }, 0.5) },
    { "but one is nan", T.AUC(), x:select(2, 1), nn.full({ 30 }, 0 / 0) },
    { "say it: F1{threshold = 0} for logits", T.F1(), x:select(2, 1), y:eq(1) },
    { 'say it: F1{input_is = "scores"}', T.F1(), x, x:gt(0) },
    { 'say it: AUC{input_is = "scores"}', T.AUC(), x, y },
    { 'say it: LogLoss{input_is = "scores"}', T.LogLoss(), x, y },
    { 'for yes or no take "log_loss"', T.Perplexity { input_is = "logits" }, x, x:gt(0) },
    { "have no confusion matrix", T.Confusion { input_is = "logits" }, x, x:gt(0) },
    { "weight must have one element for each of the 3 classes", T.Perplexity { input_is = "scores", weight = nn.ones(2) },
      x, y },
    { "with as many samples", T.R2(), x, x[{ { 1, 5 } }] },
    { "they must be equal", T.RMSE(), x, nn.ones(30, 2) },
    { "one label for each target", T.F1 { input_is = "scores" }, x, nn.ones(30, 2):long() },
  } do
    local m, output, target = case[2], case[3], case[4]
    lu.assertErrorMsgContains(case[1], function()
      m:add(output, target)
    end)
    lu.assertEquals(select(2, m:value()), "nothing was added") -- a batch is added whole, or not at all
  end
  lu.assertErrorMsgContains("scores of 3 classes before, and now is scores of 2", function()
    T.F1():add(x, y):add(nn.randn(4, 2), nn.ones(4):long())
  end)
  lu.assertErrorMsgContains("a target had 3 values before, and now has 1", function()
    T.R2():add(x, x):add(nn.ones(4), nn.ones(4))
  end)
  lu.assertErrorMsgContains('"binary" is for one yes or no, or two classes, and not for 3', function()
    T.F1 { average = "binary" }:add(x, y):value()
  end)
  lu.assertErrorMsgContains("did you mean 'average'", T.F1, { avrage = "macro" })
  lu.assertErrorMsgContains("option k must be at least 1", T.TopK, 0)
  lu.assertErrorMsgContains("did you mean 'Accuracy'", function()
    return T.Acuracy
  end)
  lu.assertErrorMsgContains("did you mean 'auc'", over, x, y, nn.CrossEntropyLoss(), { "AUC" })
  lu.assertErrorMsgContains("give metric 2 another name: {\"f1\", name = ", over, x, y, nn.CrossEntropyLoss(),
    { "f1", { "f1", average = "micro" } })
  lu.assertErrorMsgContains("metric 1: 'f1': has no option 'k'", over, x, y, nn.CrossEntropyLoss(), { { "f1", k = 3 } })
  lu.assertErrorMsgContains("an object such as nn.train.metrics.AUC()", over, x, y, nn.CrossEntropyLoss(), { T.AUC })
  lu.assertErrorMsgContains('{"perplexity", input_is = "scores"}', over, x, y, nn.MultiMarginLoss(), { "perplexity" })
end

function TestMetricObjects:test_foreign_states_are_refused()
  for name, pair in pairs(one_of_each()) do
    local m, target = table.unpack(pair)
    m:add(x, target)
    local state = m:state_dict()
    for _, other in ipairs { {}, { metric = state.metric }, { metric = "F2()", state = {} },
      { metric = state.metric, state = { sum = "1" } }, { metric = state.metric, state = { nothing = 1 } } } do
      lu.assertErrorMsgContains("load_state_dict", m.load_state_dict, m, other)
    end
    for key in pairs(state.state) do
      local broken = m:state_dict()
      broken.state[key] = "x"
      lu.assertErrorMsgContains(key, m.load_state_dict, m, broken)
      broken.state[key] = nil
      if next(broken.state) ~= nil then
        lu.assertErrorMsgContains(key, m.load_state_dict, m, broken)
      end
    end
    m:load_state_dict(state):add(x, target)
    lu.assertNotNil(m:value(), name)
  end
  local a = T.AUC():add(x:select(2, 1), y:eq(1)):state_dict()
  a.state.truth[1] = a.state.truth[1][{ { 1, 5 } }]
  lu.assertErrorMsgContains("do not belong together", function()
    T.AUC():load_state_dict(a)
  end)
end
