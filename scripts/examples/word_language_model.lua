-- Shows: a recurrent net or a transformer learns to tell the next word of a text (word_language_model of pytorch/examples).
--
--   ./nnlua --seed 1 scripts/examples/word_language_model.lua [--model LSTM|GRU|RNN_TANH|RNN_RELU|Transformer] [--tied]
--     [--text FILE | --data DIR] [--epochs 40] [--emsize 200] [--nhid 200] [--nlayers 2] [--lr 20] [--limit N] [--words 100]
--
-- --data DIR is a directory with train.txt, valid.txt and test.txt, such as WikiText-2. Of one text, nnlua's own documentation
-- by default, each tenth block of 20 lines is the test set and the one before it the validation set; words that come less than
-- --min_count times are <unk> there. Models, loss, clipping and schedule are those of PyTorch's example: plain steps down the
-- gradient, whose rate is a quarter as large after each epoch that was no better. For the transformer take --lr 5, as there,
-- for the plain RNNs --lr 1.
-- With the default text an epoch takes some seconds; --epochs 1 --limit 10000 is a quick look.

local nn = require "nn"

-- ---- the text ----

local own = { "docs/lecture.md", "docs/errata.md", "docs/diagnose.md", "docs/lab.md", "docs/performance.md", "docs/promises.md",
  "docs/sandbox.md", "docs/lab/report.md", "docs/guide/01-tensors.md", "docs/guide/02-gradients.md", "docs/guide/03-layers.md",
  "docs/guide/04-training.md", "docs/guide/05-data.md", "docs/guide/06-looking-inside.md", "docs/guide/07-saving.md",
  "docs/guide/08-speed.md", "docs/guide/09-experiments.md", "docs/guide/10-coming-from.md" }

-- The words of a file's lines, each line with <eos> at its end.
local function lines_of(path)
  local lines = {}
  for line in io.lines(path) do
    local words = {}
    for word in line:gmatch "%S+" do
      words[#words + 1] = word
    end
    words[#words + 1] = "<eos>"
    lines[#lines + 1] = words
  end
  return lines
end

-- Three lists of lines: to learn from, to validate with, to test with.
local function parts_of(p)
  if p.data ~= "" then
    return lines_of(p.data .. "/train.txt"), lines_of(p.data .. "/valid.txt"), lines_of(p.data .. "/test.txt")
  end
  local parts, counts = { {}, {}, {} }, {}
  for _, path in ipairs(p.text ~= "" and { p.text } or own) do
    for i, line in ipairs(lines_of(path)) do
      local part = parts[math.max(1, (i - 1) // 20 % 10 - 6)]
      part[#part + 1] = line
      for _, word in ipairs(line) do
        counts[word] = (counts[word] or 0) + 1
      end
    end
  end
  for _, part in ipairs(parts) do
    for _, line in ipairs(part) do
      for i, word in ipairs(line) do
        line[i] = counts[word] >= p.min_count and word or "<unk>"
      end
    end
  end
  return table.unpack(parts)
end

-- A tensor of the words' numbers; words that are new get the next one.
local function numbered(lines, names, numbers, limit)
  local out = {}
  for _, line in ipairs(lines) do
    for _, word in ipairs(line) do
      if not numbers[word] then
        names[#names + 1] = word
        numbers[word] = #names
      end
      out[#out + 1] = numbers[word]
    end
  end
  return nn.tensor(table.move(out, 1, math.min(limit, #out), 1, {}))
end

-- The text in columns that are read side by side: length x columns.
local function batchify(data, columns)
  local length = #data // columns
  return data[{ { 1, length * columns } }]:reshape(columns, length):t():contiguous()
end

-- ---- models: length x batch of words, and states, to logarithms of probabilities, and states ----

local RNNModel = nn.Module:extend "RNNModel"
function RNNModel:init(words, p)
  local options = { num_layers = p.nlayers, dropout = p.dropout }
  local kind, nonlinearity = p.model:match "^(RNN)_(%a+)$"
  if kind then
    options.nonlinearity = nonlinearity:lower()
  end
  self.drop = nn.Dropout(p.dropout)
  self.encoder = nn.Embedding(words, p.emsize)
  self.rnn = nn[kind or p.model](p.emsize, p.nhid, options)
  self.decoder = nn.Linear(p.nhid, words)
  if p.tied then
    assert(p.nhid == p.emsize, "with --tied, nhid and emsize must be equal")
    self.decoder.weight = self.encoder.weight
  end
  nn.init.uniform_(self.encoder.weight, -0.1, 0.1)
  nn.init.zeros_(self.decoder.bias)
  nn.init.uniform_(self.decoder.weight, -0.1, 0.1)
  self.states = p.model == "LSTM" and 2 or 1
  self.layers, self.width = p.nlayers, p.nhid
end
function RNNModel:init_hidden(batch)
  local h = nn.zeros(self.layers, batch, self.width)
  return h, self.states == 2 and h:clone() or nil
end
function RNNModel:forward(x, h, c)
  local output
  output, h, c = self.rnn(self.drop(self.encoder(x)), h, c)
  return self.decoder(self.drop(output)):log_softmax(-1), h, c
end

local TransformerModel = nn.Module:extend "TransformerModel"
function TransformerModel:init(words, p)
  self.width = p.emsize
  self.input_emb = nn.Embedding(words, p.emsize)
  self.pos_encoder = nn.PositionalEncoding(p.emsize, { dropout = p.dropout })
  local layer = nn.TransformerEncoderLayer(p.emsize, p.nhead, p.nhid) -- with dropout 0.1 of its own, as there
  self.encoder = nn.TransformerEncoder(layer, p.nlayers, nn.LayerNorm(p.emsize))
  self.decoder = nn.Linear(p.emsize, words)
  for _, w in ipairs(self.encoder:parameters()) do
    if w.ndim > 1 then
      nn.init.xavier_uniform_(w)
    end
  end
  nn.init.uniform_(self.input_emb.weight, -0.1, 0.1)
  nn.init.zeros_(self.decoder.bias)
  nn.init.uniform_(self.decoder.weight, -0.1, 0.1)
end
function TransformerModel.init_hidden()
  return nil
end
function TransformerModel:forward(x)
  x = self.pos_encoder(self.input_emb(x) * math.sqrt(self.width))
  return self.decoder(self.encoder(x, { is_causal = true })):log_softmax(-1)
end

-- ---- a sample, without <unk> ----

local function written(model, p, names, unknown)
  local out = { nn.randint(1, #names + 1, { 1 }):item() }
  local h, c = model:init_hidden(1)
  nn.no_grad(function()
    for i = 1, p.words do
      local scores
      if p.model == "Transformer" then -- reads what it wrote anew, at most bptt words
        scores = model(nn.tensor { table.unpack(out, math.max(1, i - p.bptt + 1)) }:unsqueeze(2))
      else
        scores, h, c = model(nn.tensor { { out[i] } }, h, c)
      end
      local weights = (scores[-1][1] / p.temperature):softmax(1)
      if unknown then
        weights[unknown] = 0
      end
      out[i + 1] = weights:multinomial(1):item()
    end
  end)
  local words = {}
  for i = 2, #out do
    words[i - 1] = names[out[i]]
  end
  return (table.concat(words, " "):gsub(" ?<eos> ?", "\n"))
end

-- ---- the experiment ----

return nn.experiment {
  name = "word_language_model", doc = "A language model of words (word_language_model of pytorch/examples)",
  params = {
    data = { "", doc = "a directory with train.txt, valid.txt, test.txt" }, text = { "", doc = "one text; else nnlua's own" },
    min_count = { 2, min = 1, doc = "words of a text that come less often are <unk>" },
    model = { "LSTM", choices = { "RNN_TANH", "RNN_RELU", "LSTM", "GRU", "Transformer" } },
    emsize = { 200, min = 1, doc = "width of a word's vector" }, nhid = { 200, min = 1, doc = "hidden units of a layer" },
    nlayers = { 2, min = 1 }, nhead = { 2, min = 1, doc = "heads of the transformer" },
    lr = { 20.0, min = 0 }, clip = { 0.25, min = 0, doc = "the largest norm of the gradient" }, epochs = { 40, min = 1 },
    batch_size = { 20, min = 1 }, bptt = { 35, min = 1, doc = "words that are gone back through" },
    dropout = { 0.2, min = 0, max = 1 }, tied = { false, doc = "one matrix for reading and writing words" },
    adamw = { false, doc = "AdamW instead of plain steps; then --lr 1e-3" },
    limit = { 1000000000, min = 1000, doc = "words to learn from" },
    log_interval = { 200, min = 1, doc = "steps between two lines" },
    words = { 100, min = 0, doc = "words to write in the end" }, temperature = { 1.0, min = 1e-3, doc = "of what is written" },
  },
  run = function(p, run)
    local names, numbers = {}, {}
    local train, valid, test = parts_of(p)
    train = numbered(train, names, numbers, p.limit)
    valid, test = numbered(valid, names, numbers, p.limit), numbered(test, names, numbers, p.limit)
    print(("%d words to learn from, %d and %d to validate and test with; %d different ones"):format(#train, #valid, #test,
      #names))
    train, valid, test = batchify(train, p.batch_size), batchify(valid, 10), batchify(test, 10)

    local model = (p.model == "Transformer" and TransformerModel or RNNModel)(#names, p)
    print(("%s of %d parameters"):format(p.model, (model:parameter_count())))
    local criterion = nn.NLLLoss()
    local opt = nn.optim[p.adamw and "AdamW" or "SGD"](model:parameters(), { lr = p.lr })
    local group = opt.param_groups[1]

    local function loss_of(x, y, h, c)
      local output
      output, h, c = model(x, h, c)
      return criterion(output:reshape(-1, #names), y:reshape(-1)), h, c
    end
    local step = nn.compile(function(x, y, h, c)
      opt:zero_grad()
      local loss
      loss, h, c = loss_of(x, y, h, c)
      loss:backward()
      nn.optim.clip_grad_norm_(model:parameters(), p.clip)
      opt:step()
      return loss, h, c
    end)
    local function batch(source, first)
      local last = math.min(first + p.bptt - 1, #source - 1)
      return source[{ { first, last } }], source[{ { first + 1, last + 1 } }], last - first + 1
    end
    local function evaluate(source)
      local sum, h, c = 0, model:init_hidden(source:size(2))
      model:eval()
      nn.no_grad(function()
        for first = 1, #source - 1, p.bptt do
          local x, y, n = batch(source, first)
          local loss
          loss, h, c = loss_of(x, y, h, c)
          sum = sum + n * loss:item()
        end
      end)
      model:train()
      return sum / (#source - 1)
    end

    local begun, best, best_state = nn.time(), math.huge, nil
    local steps = math.ceil((#train - 1) / p.bptt)
    for epoch = 1, p.epochs do
      local started, total, since, i = nn.time(), 0, 0, 0
      local h, c = model:init_hidden(p.batch_size)
      for first = 1, #train - 1, p.bptt do
        local x, y = batch(train, first)
        local loss
        loss, h, c = step(x, y, h, c)
        i, total, since = i + 1, total + loss:item(), since + loss:item()
        if i % p.log_interval == 0 then
          print(("epoch %d  step %d of %d  lr %.3g  loss %.3f  perplexity %.2f  %.1f s"):format(epoch, i, steps, group.lr,
            since / p.log_interval, math.exp(since / p.log_interval), nn.time() - started))
          since = 0
        end
      end
      local loss = evaluate(valid)
      run:log { epoch = epoch, loss = total / steps, valid_loss = loss, valid_perplexity = math.exp(loss), lr = group.lr }
      print(("epoch %d  lr %.3g  loss %.3f  valid_loss %.3f  valid_perplexity %.2f  %.1f s"):format(epoch, group.lr,
        total / steps, loss, math.exp(loss), nn.time() - started))
      if loss < best then
        best, best_state = loss, {}
        for name, tensor in pairs(model:state_dict()) do
          best_state[name] = tensor:clone()
        end
      else
        group.lr = group.lr / 4
      end
    end
    local seconds = nn.time() - begun

    if best_state then
      model:load_state_dict(best_state)
    end
    local loss = evaluate(test)
    print(("test_loss %.3f  test_perplexity %.2f"):format(loss, math.exp(loss)))
    local file = run:file "model.safetensors"
    if file then
      nn.save(file, model:state_dict())
    end
    model:eval()
    if p.words > 0 and best_state then
      print(written(model, p, names, numbers["<unk>"]))
    end
    return { perplexity = math.exp(loss), valid_perplexity = math.exp(best), seconds = seconds, words = #names,
      parameters = (model:parameter_count()) }
  end,
}
