-- nn.train's metrics against scikit-learn's numbers (tests/golden/make_metrics.py): by hand, over batches of any sizes, over
-- a loader, compiled, and from a state that was saved between two batches. Each test goes over all cases, and
-- test_every_kind_is_compared over all kinds.

local lu = require "luaunit"
local nn = require "nn"
local golden = require "golden"
local metric = require "nn.train.metrics.metric"
local metrics = require "nn.train.metrics"

TestMetricsGolden = {}

local cases = golden.read("metrics").cases

-- Kinds whose meaning is fixed take no input_is.
local takes = {}
for name, kind in pairs(metric.kinds) do
  takes[name] = (kind.takes or ""):find "input_is" ~= nil or name == "accuracy"
end

local function settings_of(c, wanted)
  local settings = {}
  for key, value in pairs(wanted.settings) do
    settings[key] = key == "weight" and nn.tensor(value, { dtype = "float64" }) or value
  end
  settings.input_is = takes[wanted.kind] and c.input_is or nil
  return settings
end

local function make(c, wanted)
  return nn.train.metrics[metric.kinds[wanted.kind].title](settings_of(c, wanted))
end

local function tensors(c)
  local dtype = c.input_is == "values" and "float64" or nil
  return nn.tensor(c.output, { dtype = "float64" }), nn.tensor(c.target, { dtype = dtype })
end

-- f(case, wanted, output, target, words for a message), for each number.
local function each(f)
  for _, c in ipairs(cases) do
    local x, y = tensors(c)
    for _, wanted in ipairs(c.wanted) do
      f(c, wanted, x, y, ("%s of %s (%s)"):format(wanted.kind, c.name, tostring(wanted.settings.average or "")))
    end
  end
end

local function near(got, want, words, eps)
  if type(want) == "table" then
    lu.assertTrue(nn.is_tensor(got), words)
    want = nn.tensor(want, { dtype = "float64" })
    lu.assertEquals(tostring(got.shape), tostring(want.shape), words)
    got, want = got:double():reshape(-1):totable(), want:reshape(-1):totable()
    for i, value in ipairs(want) do
      lu.assertAlmostEquals(got[i], value, eps, words)
    end
  else
    lu.assertEquals(type(got), "number", words)
    lu.assertAlmostEquals(got, want, eps * math.max(1, math.abs(want)), words)
  end
end

-- float32 sums, as they have always been
local function eps_of(wanted)
  return metric.kinds[wanted.kind].old and 1e-6 or wanted.kind == "r2" and 1e-9 or 1e-12
end

function TestMetricsGolden:test_every_kind_is_compared()
  local seen = { categorical_accuracy = true, binary_accuracy = true } -- tests/lua/train/test_metrics.lua
  each(function(_, wanted)
    seen[wanted.kind] = true
  end)
  for name, kind in pairs(metric.kinds) do
    lu.assertTrue(seen[name], name .. " is compared with nothing")
    lu.assertEquals(kind.mode == nil, name == "confusion", name)
  end
end

function TestMetricsGolden:test_in_one_batch()
  each(function(c, wanted, x, y, words)
    local m = make(c, wanted)
    lu.assertIs(m:add(x, y), m)
    local value, why = m:value()
    near(value, wanted.value, words, eps_of(wanted))
    lu.assertNil(why, words)
  end)
end

-- The batches begin with one sample, so that some hold one class only.
local function batches(n, sizes)
  local list, at, i = {}, 1, 0
  while at <= n do
    i = i + 1
    local size = math.min(sizes[(i - 1) % #sizes + 1], n - at + 1)
    list[i] = { at, size }
    at = at + size
  end
  return list
end

function TestMetricsGolden:test_uneven_batches()
  for _, sizes in ipairs { { 1 }, { 1, 5, 2 }, { 1, 30, 1 } } do
    each(function(c, wanted, x, y, words)
      local m = make(c, wanted)
      for _, b in ipairs(batches(#x, sizes)) do
        m:add(x:narrow(1, b[1], b[2]), y:narrow(1, b[1], b[2]))
      end
      near(m:value(), wanted.value, words, eps_of(wanted))
    end)
  end
end

-- Saved between two batches, loaded into a fresh object: the same bits.
function TestMetricsGolden:test_saved_in_the_middle()
  local path = os.tmpname()
  each(function(c, wanted, x, y, words)
    local whole, resumed = make(c, wanted), make(c, wanted)
    for i, b in ipairs(batches(#x, { 4, 7, 1 })) do
      for _, m in ipairs { whole, resumed } do
        m:add(x:narrow(1, b[1], b[2]), y:narrow(1, b[1], b[2]))
      end
      if i == 1 or i == 3 then
        nn.save(path, resumed:state_dict())
        resumed = make(c, wanted):load_state_dict(nn.load(path))
      end
    end
    local a, b = whole:value(), resumed:value()
    if nn.is_tensor(a) then
      lu.assertTrue(a:equal(b), words)
    else
      lu.assertEquals(a, b, words)
    end
  end)
  os.remove(path)
end

local losses = { scores = nn.CrossEntropyLoss, logits = nn.BCEWithLogitsLoss, probabilities = nn.BCELoss, values = nn.MSELoss }

-- All numbers of a case as one list for fit and evaluate; what the output is, the loss says where it can.
local function list_of(c, first, last)
  local list = {}
  for i = first or 1, math.min(last or #c.wanted, #c.wanted) do
    local wanted = c.wanted[i]
    local given = settings_of(c, wanted)
    given[1], given.name = wanted.kind, "m" .. i
    if c.input_is ~= "probabilities" then
      given.input_is = nil
    end
    list[#list + 1] = given
  end
  return list
end

-- Probabilities of classes have no loss; what the others want of the targets' dtype.
local function problem(c)
  local x, y = tensors(c)
  local of_classes = c.input_is == "scores" or c.input_is == "probabilities" and x.ndim == 2
  return x, of_classes and y or y:double(), not (of_classes and c.input_is == "probabilities") and losses[c.input_is]() or nil
end

local function compare(c, row, tables, prefix, first, last)
  for i = first or 1, math.min(last or #c.wanted, #c.wanted) do
    local wanted, name = c.wanted[i], prefix .. "m" .. i
    local got = row[name]
    if type(wanted.value) == "table" then
      lu.assertNil(got)
      got = tables[name]
    end
    near(got, wanted.value, ("%s of %s"):format(wanted.kind, c.name), eps_of(wanted))
  end
end

function TestMetricsGolden:test_over_a_loader()
  for _, c in ipairs(cases) do
    local x, y, loss = problem(c)
    for _, size in ipairs { 1, 6, #x } do
      local row, tables, why = nn.train.evaluate(function(t)
        return t
      end, nn.data.tensors(x, y):loader { batch_size = size }, { loss = loss, metrics = list_of(c) })
      compare(c, row, tables, "")
      lu.assertNil(next(why))
    end
  end
end

local function fitted(c, compile, first, last)
  local x, y, loss = problem(c)
  if x.ndim == 1 then
    x, y = x:unsqueeze(2), y:unsqueeze(2)
  end
  local model = nn.Affine(x:size(2)):to "float64"
  if c.input_is == "probabilities" then
    model = nn.Sequential(model, nn.Hardtanh(0, 1))
  end
  local data = nn.data.tensors(x, y)
  local run = nn.train.fit { model = model, loss = loss, optimizer = nn.optim.SGD(model:parameters(), { lr = 0 }),
    train = data:loader { batch_size = 8 }, valid = data:loader { batch_size = 11 }, epochs = 2, compile = compile,
    metrics = list_of(c, first, last), progress = "none" }
  compare(c, run.history[2], run.tables, "", first, last)
  compare(c, run.history[2], run.tables, "valid_", first, last)
  lu.assertEquals(run.compiled, compile, run.not_compiled)
  return run
end

-- All kinds in a compiled step, in training and validation: the bits of the step as it is; and the golden numbers. (A compiled
-- step gives at most 32 values: a few metrics at a time.)
function TestMetricsGolden:test_compiled_equals_eager()
  for _, c in ipairs(cases) do
    for first = 1, select(3, problem(c)) and #c.wanted or 0, 6 do
      local a, b = fitted(c, true, first, first + 5), fitted(c, false, first, first + 5)
      for epoch = 1, 2 do
        for name, value in pairs(a.history[epoch]) do
          if name ~= "seconds" then
            lu.assertEquals(value, b.history[epoch][name], name)
          end
        end
      end
      for name, value in pairs(a.tables) do
        lu.assertTrue(value:equal(b.tables[name]), name)
      end
    end
  end
end

-- The sums of an epoch are plain: saved between two batches and loaded they go on with the same bits.
function TestMetricsGolden:test_sums_of_an_epoch_can_be_saved()
  local path = os.tmpname()
  for _, c in ipairs(cases) do
    local x, y, loss = problem(c)
    local list = metrics.read("test", list_of(c), loss, nn.data.tensors(x, y):loader { batch_size = 9 })
    local function row_of(save)
      local sums = {}
      for i, b in ipairs(batches(#x, { 9, 1, 5 })) do
        local output, target = x:narrow(1, b[1], b[2]), y:narrow(1, b[1], b[2])
        metrics.add(list, sums, table.pack(metrics.values(list, output, target)), 1, output, target)
        if save and i == 2 then
          nn.save(path, { sums = sums })
          sums = nn.load(path).sums
        end
      end
      return metrics.finish(list, sums, {}, "")
    end
    local row, tables = row_of(false)
    local again, tables_again = row_of(true)
    compare(c, again, tables_again, "")
    lu.assertEquals(again, row)
    for name, value in pairs(tables) do
      lu.assertTrue(value:equal(tables_again[name]), name)
    end
  end
  os.remove(path)
end
