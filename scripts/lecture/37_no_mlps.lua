-- Convolutional and recurrent nets are no MLPs: partial connection, feedback, and a task for each where it counts.
local here = (debug.getinfo(1, "S").source:gsub("^@", ""):gsub("[^/]*$", ""))
local L = dofile(here .. "lib.lua")
local nn = L.nn

local Last = nn.Module:extend "Last"
function Last:init(layer, hidden)
  self.layer, self.out = layer, nn.Linear(hidden, 2)
end
function Last:forward(x)
  return self.out((self.layer(x)):select(2, -1))
end

return L.experiment {
  name = "37_no_mlps",
  title = "Convolutional and recurrent nets", slide = "Activation functions", tools = "nn.Conv2d, nn.MaxPool2d, nn.RNN, "
    .. "nn.LSTM, nn.theory.jacobian",
  source = "LeCun et al. 1989; Hochreiter & Schmidhuber 1997",
  says = "MLP is fully connected feed-forward neural network (FNN). Convolutional NNs are only partially connected, recurrent "
    .. "NNs have feedback loops (No MLPs!).",
  does = "Partial connection: the Jacobian of a convolution is written down as the matrix it is, its zeros and its repeated "
    .. "weights are counted. Feedback: an impulse goes into an RNN at the first step and into an MLP's first input; what is "
    .. "left of it steps later. "
    .. "Then an MLP and a convolutional net of as many weights on images as they are and on images that are shifted in the "
    .. "test, but not in training. Then an MLP, an RNN and an LSTM of about as many weights on sequences of random symbols, "
    .. "the first of which is to be named at the end (more runs of these).",
  asks = {
    { "A 3 x 3 convolution from 6 x 6 to 4 x 4 pixels: how many different numbers has its 16 x 36 matrix?", "nine, and 0" },
    { "Why does the convolutional net suffer less from shifts?", "a shifted input gives a shifted map, and pooling forgets "
      .. "small shifts" },
  },
  seeds = { 5, small = 2 },
  params = {
    n = { 20000, small = 400, doc = "training images", min = 64 }, epochs = { 8, small = 2, min = 1 }, shift = { 3,
      doc = "pixels", min = 0, max = 10 }, length = { 60, small = 30, doc = "of the sequences", min = 2 },
    sequences = { 500, small = 300, min = 32 }, sequence_epochs = { 15, small = 6, min = 1 }, rate = { 3e-3,
      doc = "of Adam, for the sequences", min = 0.0 },
  },
  run = function(p)
    -- partial connection
    nn.manual_seed(p.seed)
    local conv = nn.Conv2d(1, 1, 3, { bias = false })
    local matrix = nn.theory.jacobian(function(v)
      return conv(v:reshape(1, 1, 6, 6)):reshape(-1)
    end, nn.randn(36)):reshape(16, 36)
    local connected, values, different = matrix:ne(0):sum():item(), {}, 0
    for _, row in ipairs(matrix:totable()) do
      for _, v in ipairs(row) do
        local key = ("%.6f"):format(v)
        if v ~= 0 and not values[key] then
          values[key], different = true, different + 1
        end
      end
    end
    L.say("A 3 x 3 convolution of 6 x 6 pixels is a 16 x 36 matrix with %d of 576 connections, of %d different weights; a "
      .. "fully connected layer has 576 of 576.", connected, different)
    L.check(connected == 16 * 9 and different == 9, "each output sees 9 inputs, through the same 9 weights")
    L.picture("heatmap", matrix, { title = "A convolution as a matrix: partly connected, weights shared" })
    -- feedback
    local rnn = nn.RNN(1, 8, { batch_first = true })
    local quiet, impulse = nn.zeros(1, 10, 1), nn.zeros(1, 10, 1)
    impulse[{ 1, 1, 1 }] = 1
    local echo = (rnn(impulse) - rnn(quiet)):detach():square():sum(3):sqrt():reshape(-1):totable()
    L.say("An impulse at step 1 of an RNN is still there at step 2 (%.2f), 5 (%.3f) and 10 (%.1e): feedback. In an MLP that "
      .. "gets the steps one after another nothing of it is left at step 2: exactly 0.", echo[2], echo[5], echo[10])
    L.check(echo[2] > 0, "the RNN's output at step 2 depends on the input at step 1")

    -- images, shifted in the test
    local function shifted(x, by, seed)
      local g, n = nn.Generator(seed), #x
      local out = nn.full({ n, 1, 28, 28 }, x:min():item())
      local dx, dy = nn.randint(-by, by + 1, { n }, { generator = g }):totable(), nn.randint(-by, by + 1, { n },
        { generator = g }):totable()
      for i = 1, n do
        local a, b = math.floor(dx[i]), math.floor(dy[i])
        local function span(d)
          return { 1 + math.max(0, d), 28 + math.min(0, d) }, { 1 + math.max(0, -d), 28 + math.min(0, -d) }
        end
        local to_r, from_r = span(a)
        local to_c, from_c = span(b)
        out[{ i, 1, to_r, to_c }] = x[{ i, 1, from_r, from_c }]
      end
      return out
    end
    local weights = {}
    local images = L.over(p, function(seed)
      local train, test = L.images(seed, p.n, 0, L.size(1000, 300))
      local x, tx = train.x:reshape(-1, 1, 28, 28), test.x:reshape(-1, 1, 28, 28)
      local set, out = nn.data.tensors(x, train.y), {}
      local plain, moved = nn.data.tensors(tx, test.y), nn.data.tensors(shifted(tx, p.shift, seed), test.y)
      nn.manual_seed(seed)
      local nets = {
        mlp = nn.Sequential(nn.Flatten(), nn.Linear(784, 14), nn.ReLU(), nn.Linear(14, 10)),
        cnn = nn.Sequential(nn.Conv2d(1, 9, 3), nn.ReLU(), nn.MaxPool2d(2), nn.Conv2d(9, 25, 3, { padding = 1 }), nn.ReLU(),
          nn.MaxPool2d(2), nn.Flatten(), nn.Linear(900, 10)),
      }
      for _, name in ipairs { "mlp", "cnn" } do
        local net = nets[name]
        L.fit(net, set, { optimizer = nn.optim.Adam(net:parameters(), { lr = 3e-3 }), epochs = p.epochs })
        weights[name] = net:parameter_count()
        out[name], out[name .. "_shifted"] = L.accuracy(net, plain), L.accuracy(net, moved)
      end
      return out
    end, "images_")
    -- sequences of the symbols +1 and -1: which came first? A flag in the second channel marks it.
    local length, n = p.length, p.sequences
    local sequences = L.over({ seed = p.seed, seeds = 2 * p.seeds + 4 }, function(seed)
      local g = nn.Generator(seed)
      local function make()
        local x = nn.zeros(n, length, 2)
        x[{ {}, {}, 1 }] = nn.randint(0, 2, { n, length }, { generator = g }):to "float32" * 2 - 1
        x[{ {}, 1, 2 }] = 1
        return nn.data.tensors(x, x[{ {}, 1, 1 }]:gt(0):to "int64" + 1)
      end
      local train, test, out = make(), make(), {}
      for _, c in ipairs {
        { "mlp", function() return nn.Sequential(nn.Flatten(), nn.Linear(2 * length, 6), nn.Tanh(), nn.Linear(6, 2)) end },
          { "rnn", function() return Last(nn.RNN(2, 25, { batch_first = true }), 25) end },
        { "lstm", function() return Last(nn.LSTM(2, 12, { batch_first = true }), 12) end },
      } do
        nn.manual_seed(seed)
        local net = c[2]()
        if c[1] == "lstm" then -- forget gates that begin open for as long as the sequence (Tallec & Ollivier 2018)
          nn.no_grad(function()
            net.layer.bias_hh_l1[{ { 13, 24 } }]:fill_(math.log(length))
          end)
        end
        L.fit(net, train, { optimizer = nn.optim.Adam(net:parameters(), { lr = p.rate }), epochs = p.sequence_epochs,
          batch = 32, clip_grad_norm = 1.0 })
        weights["s" .. c[1]] = net:parameter_count()
        out[c[1]] = L.accuracy(net, test)
      end
      return out
    end, "sequences_")
    L.table({ "images", "weights", "test accuracy", ("shifted by up to %d pixels"):format(p.shift) }, {
      { "MLP 784-14-10", weights.mlp, L.percent(images.mlp), L.percent(images.mlp_shifted) }, { "convolutional", weights.cnn,
        L.percent(images.cnn), L.percent(images.cnn_shifted) },
    })
    L.table({ ("sequences of %d steps"):format(length), "weights", "test accuracy" }, {
      { "MLP over all steps", weights.smlp, L.percent(sequences.mlp) }, { "RNN", weights.srnn, L.percent(sequences.rnn) },
        { "LSTM", weights.slstm, L.percent(sequences.lstm) },
    })
    L.picture("bar", { L.bars { images.mlp_shifted, images.cnn_shifted, sequences.mlp, sequences.rnn, sequences.lstm } },
      { "MLP, shifted", "CNN, shifted", "MLP, sequence", "RNN", "LSTM" },
      { title = "Test accuracy (bars: one deviation)", yrange = { 0, 1.05 }, columns = 2 })
    local plain = L.compare("images as they are: CNN over MLP", images.cnn, images.mlp, { points = true })
    local moved = L.compare("shifted images: CNN over MLP", images.cnn_shifted, images.mlp_shifted, { points = true })
    local gated = L.compare("sequences: LSTM over RNN", sequences.lstm, sequences.rnn, { points = true })
    local flat = L.compare("sequences: MLP over LSTM", sequences.mlp, sequences.lstm, { points = true })
    L.expect(moved, "higher")
    L.expect(gated, "higher")
    L.finding("a convolution is a matrix with %d of 576 connections and 9 different weights; with about 11,000 weights each, "
      .. "the convolutional net is %s on images as they are and %s on shifted ones; the first of %d symbols is named by "
      .. "an LSTM in "
      .. "%.0f%%, which is %s than by an RNN; an MLP that sees all steps at once is %s",
      connected, tostring(plain), tostring(moved), length, 100 * L.mean(sequences.lstm), tostring(gated),
        tostring(flat))
  end,
}
