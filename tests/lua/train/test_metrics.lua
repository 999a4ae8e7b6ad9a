-- nn.train's metrics: what an output means is the loss's business; shapes that do not fit are told, not broadcast.

local lu = require "luaunit"
local nn = require "nn"

TestMetrics = {}

local n = 40
local x, labels

function TestMetrics:setUp()
  nn.manual_seed(5)
  x = nn.randn(n, 3)
  labels = x:sum(2):gt(0):to("float32") -- 0 or 1
end

local function evaluate(model, y, loss, metrics, batch)
  return nn.train.evaluate(model, nn.data.tensors(x, y):loader { batch_size = batch or 7 }, { loss = loss, metrics = metrics })
end

local function share(right)
  return right:to("float64"):mean():item()
end

function TestMetrics:test_accuracy_of_logits_probabilities_and_values()
  local net = nn.Linear(3, 1)
  local y = labels:reshape(-1, 1)
  local out = net(x):detach()
  local truth = y:gt(0.5)
  lu.assertAlmostEquals(evaluate(net, y, nn.BCEWithLogitsLoss(), { "accuracy" }).accuracy, share(out:gt(0):eq(truth)), 1e-12)
  lu.assertAlmostEquals(evaluate(net, y, nn.HingeLoss(), { "accuracy" }).accuracy, share(out:gt(0):eq(truth)), 1e-12)
  local probable = nn.Sequential(net, nn.Sigmoid())
  lu.assertAlmostEquals(evaluate(probable, y, nn.BCELoss(), { "accuracy" }).accuracy, share(out:gt(0):eq(truth)), 1e-12)
  lu.assertAlmostEquals(evaluate(net, y, nn.MSELoss(), { "accuracy" }).accuracy, share(out:gt(0.5):eq(truth)), 1e-12)
  local signed = y * 2 - 1
  lu.assertAlmostEquals(evaluate(net, signed, nn.MSELoss(), { "accuracy" }).accuracy, share(out:gt(0):eq(truth)), 1e-12)
  lu.assertAlmostEquals(evaluate(net, signed, nn.SoftMarginLoss(), { "accuracy" }).accuracy, share(out:gt(0):eq(truth)), 1e-12)
end

function TestMetrics:test_accuracy_of_scores()
  local net = nn.Linear(3, 4)
  local y = nn.randint(1, 5, { n })
  local chosen = net(x):detach():argmax(2)
  local right = share(chosen:eq(y))
  lu.assertAlmostEquals(evaluate(net, y, nn.CrossEntropyLoss(), { "accuracy" }).accuracy, right, 1e-12)
  lu.assertAlmostEquals(evaluate(net, y, nil, { "accuracy" }).accuracy, right, 1e-12)
  lu.assertAlmostEquals(evaluate(net, y, nil, { "categorical_accuracy" }).categorical_accuracy, right, 1e-12)
  local hot = nn.one_hot(y, 4):to("float32")
  lu.assertAlmostEquals(evaluate(net, hot, nn.CrossEntropyLoss(), { "accuracy" }).accuracy, right, 1e-12)
  lu.assertAlmostEquals(evaluate(net, hot, nn.MSELoss(), { "accuracy" }).accuracy, right, 1e-12)
end

function TestMetrics:test_ignored_targets_do_not_count()
  local net = nn.Linear(3, 4)
  local y = nn.randint(1, 5, { n })
  y[{ { 1, 10 } }] = -1
  local loss = nn.CrossEntropyLoss { ignore_index = -1 }
  local right = share(net(x):detach():argmax(2):eq(y)[{ { 11, n } }])
  lu.assertAlmostEquals(evaluate(net, y, loss, { "accuracy" }).accuracy, right, 1e-12)
end

function TestMetrics:test_several_labels_a_sample()
  local net = nn.Linear(3, 2)
  local y = nn.cat({ labels:unsqueeze(2), 1 - labels:unsqueeze(2) }, 2)
  local right = share(net(x):detach():gt(0):eq(y:gt(0.5)))
  lu.assertAlmostEquals(evaluate(net, y, nn.BCEWithLogitsLoss(), { "accuracy" }).accuracy, right, 1e-12)
end

function TestMetrics:test_a_last_dim_of_1_is_no_other_shape()
  local net = nn.Linear(3, 1)
  local right = share(net(x):detach():squeeze(2):gt(0):eq(labels:gt(0.5)))
  local function loss(output, y)
    return nn.BCEWithLogitsLoss()(output:squeeze(2), y)
  end
  local r = evaluate(net, labels, loss, { "binary_accuracy", "mae", "mse" })
  lu.assertAlmostEquals(r.binary_accuracy, right, 1e-12)
  lu.assertAlmostEquals(r.mae, (net(x):detach():squeeze(2) - labels):abs():mean():item(), 1e-6)
  lu.assertAlmostEquals(r.mse, (net(x):detach():squeeze(2) - labels):square():mean():item(), 1e-6)
  lu.assertErrorMsgContains("the output has shape 7x2, but the target 7", evaluate, nn.Linear(3, 2), labels, nil, { "mae" })
end

function TestMetrics:test_what_is_not_known_is_asked()
  local function loss(output)
    return output:mean()
  end
  lu.assertErrorMsgContains('{"binary_accuracy", threshold = 0}', evaluate, nn.Linear(3, 1), labels:unsqueeze(2), loss,
    { "accuracy" })
  lu.assertErrorMsgContains("all of them 0 or 1, or all -1 or 1", evaluate, nn.Linear(3, 1), labels:unsqueeze(2) * 3,
    nn.MSELoss(), { "accuracy" })
  lu.assertErrorMsgContains("did you mean 'accuracy'", evaluate, nn.Linear(3, 1), labels, nil, { "acuracy" })
  lu.assertErrorMsgContains("must be \"max\" or \"min\"", evaluate, nn.Linear(3, 1), labels, nil, { { "m", print, "up" } })
  lu.assertErrorMsgContains("no setting treshold (it takes threshold, a number)", evaluate, nn.Linear(3, 1), labels, nil,
    { { "binary_accuracy", treshold = 1 } })
  lu.assertErrorMsgContains("has the key 'accuracy'", evaluate, nn.Linear(3, 1), labels, nil, { accuracy = true })
  lu.assertErrorMsgContains("another figure is called 'mae'", evaluate, nn.Linear(3, 1), labels, nil, { "mae", "mae" })
end

function TestMetrics:test_own_metrics()
  local net = nn.Linear(3, 1)
  local r = evaluate(net, labels, nil, {
    { "largest", function(output)
      return output:max() * #output
    end, "max" },
    { "some", function(_, y)
      return y:sum(), 2
    end, "max" },
  }, n)
  lu.assertAlmostEquals(r.largest, net(x):max():item(), 1e-6)
  lu.assertAlmostEquals(r.some, labels:sum():item() / 2, 1e-6)
  lu.assertErrorMsgContains("metric 'm': gave a tensor of shape 7x1", evaluate, net, labels, nil, { { "m", function(output)
    return output
  end } })
  lu.assertErrorMsgContains("metric 'm': must give a number", evaluate, net, labels, nil, { { "m", function() end } })
end

function TestMetrics:test_a_batch_size_does_not_matter()
  local net = nn.Linear(3, 1)
  local y = labels:unsqueeze(2)
  for _, reduction in ipairs { "mean", "sum" } do
    local losses = {}
    for i, batch in ipairs { 1, 7, n } do
      losses[i] = evaluate(net, y, nn.MSELoss { reduction = reduction }, {}, batch).loss
    end
    lu.assertAlmostEquals(losses[1], losses[2], 1e-6)
    lu.assertAlmostEquals(losses[1], losses[3], 1e-6)
  end
end

-- Class weights and ignored targets count as they do over all at once, whatever the batch size.
function TestMetrics:test_losses_with_weights()
  nn.manual_seed(2)
  local m, points, y = nn.Linear(2, 3), nn.randn(5, 2), nn.tensor { 1, 2, 3, 1, 2 }
  for _, loss in ipairs { nn.CrossEntropyLoss { ignore_index = 2 }, nn.CrossEntropyLoss { weight = nn.tensor { 1., 2., 10. } },
    nn.CrossEntropyLoss { weight = nn.tensor { 1., 2., 10. }, ignore_index = 1, label_smoothing = 0.1 } } do
    local want = loss(m(points), y):item()
    for _, size in ipairs { 1, 2, 3, 5 } do
      local loader = nn.data.tensors(points, y):loader { batch_size = size }
      lu.assertAlmostEquals(nn.train.evaluate(m, loader, { loss = loss }).loss, want, 1e-5)
    end
  end
end

-- Some losses do not say what an output means: then the metric is told so, or knows by the targets.
function TestMetrics:test_losses_that_do_not_say_what_outputs_mean()
  lu.assertFalse(nn.PoissonNLLLoss().input_is)
  local data = nn.data.tensors(nn.randn(8, 2), nn.ones(8, 1))
  local function fit(metric)
    local m = nn.Linear(2, 1)
    return nn.train.fit { model = m, loss = nn.PoissonNLLLoss(), optimizer = nn.optim.SGD(m:parameters(), { lr = 0.01 }),
      train = data:loader { batch_size = 4 }, metrics = { metric }, progress = "none" }
  end
  lu.assertEquals(#fit("binary_accuracy").history, 1)
  lu.assertEquals(#fit("mae").history, 1)
  lu.assertErrorMsgContains("the loss does not tell what an output", fit, "accuracy")
end

-- Outputs of sequences whose classes stand last: the message says what to do.
function TestMetrics:test_classes_that_stand_last()
  local text = nn.randint(1, 6, { 8, 7 })
  local function model(ids)
    return nn.one_hot(ids, 5):float() * 10
  end
  local loader = nn.data.tensors(text, text):loader()
  for _, metric in ipairs { "accuracy", { "perplexity", input_is = "scores" } } do
    lu.assertErrorMsgContains("if they stand last, move them, e.g. scores:movedim(-1, 2)", nn.train.evaluate, model, loader,
      { metrics = { metric } })
  end
  local row = nn.train.evaluate(function(ids)
    return model(ids):movedim(-1, 2)
  end, loader, { metrics = { "accuracy" } })
  lu.assertEquals(row.accuracy, 1)
end

-- A batch in which no target counts has no mean, and no gradient: training goes on.
function TestMetrics:test_batches_without_targets()
  local inputs, targets = nn.randn(6, 3), nn.tensor { 1, 2, -100, 3, -100, 1 }
  for _, compile in ipairs { true, false } do
    local model = nn.Linear(3, 3)
    local run = nn.train.fit { model = model, loss = nn.CrossEntropyLoss(), progress = "none", epochs = 2, compile = compile,
      optimizer = nn.optim.SGD(model:parameters(), { lr = 0.1 }), metrics = { "accuracy" },
      train = nn.data.tensors(inputs, targets):loader { batch_size = 1 } }
    lu.assertEquals(run.steps, 12)
    local loss = run.history[2].loss
    lu.assertTrue(loss == loss and not model.weight:isnan():any():item())
  end
end
