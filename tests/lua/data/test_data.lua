-- Data sets and loaders.

local lu = require "luaunit"
local nn = require "nn"

TestData = {}

local function set(n)
  return nn.data.tensors(nn.arange(n):float():reshape(n, 1), nn.arange(1, n + 1))
end

function TestData:test_batches_cover_everything_once()
  local d = set(10)
  local loader = d:loader { batch_size = 4, shuffle = true }
  lu.assertEquals(#loader, 3)
  for _ = 1, 2 do
    local seen, sizes = {}, {}
    for x, y in loader do
      sizes[#sizes + 1] = #x
      for i = 1, #y do
        lu.assertEquals(x[{ i, 1 }]:item() + 1, y[i]:item()) -- pairs stay pairs
        seen[y[i]:item()] = true
      end
    end
    lu.assertEquals(sizes, { 4, 4, 2 })
    lu.assertEquals(#seen, 10)
  end
end

function TestData:test_break_begins_anew()
  local loader = set(10):loader { batch_size = 3 }
  for x in loader do
    if #x == 3 then
      break
    end
  end
  local n = 0
  for x in loader do
    n = n + #x
  end
  lu.assertEquals(n, 10)
end

function TestData:test_loops_nest()
  local loader = set(6):loader { batch_size = 2, shuffle = true }
  local pairs_seen = 0
  for a in loader do
    for b in loader do
      pairs_seen = pairs_seen + #a * #b
    end
  end
  lu.assertEquals(pairs_seen, 36)
end

function TestData:test_the_loop_variable_may_be_changed()
  local n = 0
  for x, y in set(6):loader { batch_size = 2 } do
    x = x * 2
    n = n + #x + #y
  end
  lu.assertEquals(n, 12)
end

function TestData:test_drop_last()
  local loader = set(10):loader { batch_size = 4, drop_last = true }
  lu.assertEquals(#loader, 2)
end

function TestData:test_shuffles_are_seeded()
  local function order(seed)
    nn.manual_seed(seed)
    local out = {}
    for _, y in set(20):loader { batch_size = 20, shuffle = true } do
      out = y:totable()
    end
    return out
  end
  lu.assertEquals(order(1), order(1))
  lu.assertNotEquals(order(1), order(2))
end

function TestData:test_split()
  local a, b = set(10):split(0.3)
  lu.assertEquals({ #a, #b }, { 3, 7 })
  local all = nn.cat { a.y, b.y }
  lu.assertEquals((all:sort()):totable(), nn.arange(1, 11):totable())
end

function TestData:test_fashion_mnist()
  if not nn.data.has_fashion_mnist() then
    lu.skip "dataset-fashion-mnist is not installed"
  end
  local train, test = nn.data.fashion_mnist()
  lu.assertEquals(tostring(train.x.shape), "60000x784")
  lu.assertEquals(tostring(test.y.shape), "10000")
  lu.assertEquals({ train.y:min():item(), train.y:max():item() }, { 1, 10 })
  lu.assertEquals({ train.x:min():item(), train.x:max():item() }, { 0, 1 })
  lu.assertEquals(train.classes[train.y[1]:item()], "Ankle boot") -- the data set's first picture
  -- the mean and deviation that the field quotes for it
  lu.assertAlmostEquals(train.x:mean():item(), 0.2860, 1e-4)
  lu.assertAlmostEquals(train.x:std():item(), 0.3530, 1e-4)
  nn.data.normalize(train, test)
  lu.assertAlmostEquals(train.x:mean():item(), 0, 1e-4)
  lu.assertAlmostEquals(train.x:std():item(), 1, 1e-4)
end

function TestData:test_synthetic_images_can_be_learned()
  local train, test = nn.data.synthetic_images { train = 600, test = 300 }
  lu.assertEquals(tostring(train.x.shape), "600x784")
  nn.manual_seed(1)
  local model = nn.Linear(784, 10)
  nn.train.fit {
    model = model, loss = nn.CrossEntropyLoss(), optimizer = nn.optim.Adam(model:parameters()),
    train = train:loader { batch_size = 50, shuffle = true }, epochs = 5, progress = "none",
  }
  local r = nn.train.evaluate(model, test:loader(), { metrics = { "accuracy" } })
  lu.assertTrue(r.accuracy > 0.5, "accuracy " .. r.accuracy) -- chance is 0.1
end

-- A third tensor goes wherever the samples go.
function TestData:test_more_tensors()
  local d = nn.data.tensors(nn.arange(12):reshape(6, 2), nn.arange(6), nn.arange(6) * 10, { classes = { "a" } })
  local seen = 0
  for x, y, z in d:loader { batch_size = 4, shuffle = true } do
    lu.assertTrue((y * 10):equal(z) and x:select(2, 1):equal(y * 2))
    seen = seen + #z
  end
  lu.assertEquals(seen, 6)
  lu.assertEquals(d:range(2, 3).more[1]:totable(), { 10, 20 })
  local part, rest = d:split(4)
  lu.assertTrue((part.y * 10):equal(part.more[1]) and (rest.y * 10):equal(rest.more[1]))
  lu.assertErrorMsgContains("their first dims must be equal", nn.data.tensors, nn.ones(3), nn.ones(3), nn.ones(2))
  lu.assertErrorMsgContains("has 3 tensors a batch", nn.train.evaluate, nn.Identity(), d:loader(), { loss = nn.MSELoss() })
end

function TestData:test_errors()
  lu.assertErrorMsgContains("first dims must be equal", nn.data.tensors, nn.zeros(3, 2), nn.zeros(4))
  lu.assertErrorMsgContains("did you mean 'batch_size'", function()
    set(3):loader { batchsize = 2 }
  end)
  lu.assertErrorMsgContains("apt-get install dataset-fashion-mnist", nn.data.fashion_mnist, { root = "/nowhere" })
end

function TestData:test_scaler()
  nn.manual_seed(2)
  local x = nn.randn(50, 3) * nn.tensor { 1.0, 100.0, 0.0 } + nn.tensor { 0.0, 500.0, 0.1 }
  local before = x:clone()
  local scaler = nn.data.StandardScaler()
  lu.assertErrorMsgContains("nothing is fitted yet", scaler.transform, scaler, x)
  local y = scaler:fit_transform(x)
  lu.assertTrue(x:equal(before))
  lu.assertTrue(y:mean(1):abs():lt(1e-5):all():item())
  lu.assertTrue((y:std { dim = 1, correction = 0 } - nn.tensor { 1.0, 1.0, 0.0 }):abs():lt(1e-5):all():item())
  lu.assertEquals(scaler.std[{ 1, 3 }]:item(), 1)
  lu.assertTrue(scaler:inverse_transform(y):allclose(x, { rtol = 1e-5, atol = 1e-5 }))
  lu.assertEquals(tostring(scaler), "StandardScaler(1x3)")
  -- by another one that was told what this one knows, of other samples and of another dtype
  local again = nn.data.StandardScaler():load_state_dict(scaler:state_dict())
  lu.assertTrue(again:transform(x[{ { 1, 4 } }]:double()):allclose(y[{ { 1, 4 } }]:double(), { rtol = 1e-4, atol = 1e-4 }))
  -- channels of images; numbers that are whole; vectors
  local images = nn.randn(4, 2, 3, 3) * 7 + 2
  local by_channel = nn.data.StandardScaler { dim = { 1, 3, 4 } }
  lu.assertTrue(by_channel:fit_transform(images):mean({ 1, 3, 4 }):abs():lt(1e-5):all():item())
  lu.assertEquals(by_channel.mean:totable(), images:double():mean({ 1, 3, 4 }, true):totable())
  lu.assertEquals(nn.data.StandardScaler():fit_transform(nn.tensor { 1, 3 }):totable(), { -1, 1 })
  lu.assertErrorMsgContains("x has shape 4x2, which does not go with the mean's, 1x3", scaler.transform, scaler, nn.ones(4, 2))
  lu.assertErrorMsgContains("1 of the values of x are nan or infinite", scaler.fit, scaler, nn.tensor { { 0 / 0 }, { 1 } })
  lu.assertErrorMsgContains("dim 2 is not there", function()
    nn.data.StandardScaler { dim = 2 }:fit(nn.ones(3))
  end)
  lu.assertErrorMsgContains("dim must be an integer from 1 on", nn.data.StandardScaler, { dim = 0 })
  -- what is constant has no deviation to divide by
  lu.assertErrorMsgContains("the deviation of x (shape 3x1) is 0", nn.data.normalize, nn.data.tensors(nn.ones(3, 1), nn.ones(3)))
end
-- A pass that was left is none to go on with: by break, or by an error.
function TestData:test_state_after_a_pass_was_left()
  local loader = nn.data.tensors(nn.arange(10), nn.arange(10)):loader { batch_size = 4, shuffle = true }
  for _ = 1, 3 do
    for _, y in loader do
      if y:size(1) == 4 then
        break
      end
    end
    pcall(function()
      for _ in loader do
        error "mine"
      end
    end)
    local state = loader:state_dict()
    lu.assertEquals({ state.at, state.order }, { 0 })
    loader:load_state_dict(state)
  end
  for _, y in loader do
    lu.assertEquals(#loader:state_dict().order, 10)
    if y:size(1) == 4 then
      break
    end
  end
end
