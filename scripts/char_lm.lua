-- Shows: a small transformer (or an LSTM) learns to write: it tells the next character of a text better than a trigram model
-- that has counted the same text.
--
--   ./nnlua --seed 1 scripts/char_lm.lua [FILE] [--net transformer|lstm] [--steps 1500] [--sample 300]
--
-- The text is a file's, or the lecture's (docs/lecture.md). Its last tenth is kept for validation: losses are bits a character
-- there, beside those of a unigram and of a trigram model (interpolated: Witten & Bell 1991) of the rest.

local nn = require "nn"

-- ---- the text ----

-- Characters that come 10 times or more have a class each, the others share the first one.
local function read(path)
  local file = assert(io.open(path))
  local text = file:read("a"):gsub("\r", "")
  file:close()
  local counts, classes, names = {}, {}, { "?" }
  for c in text:gmatch(utf8.charpattern) do
    counts[c] = (counts[c] or 0) + 1
  end
  local known = {}
  for c, n in pairs(counts) do
    known[#known + 1] = n >= 10 and c or nil
  end
  table.sort(known)
  for _, c in ipairs(known) do
    names[#names + 1] = c
    classes[c] = #names
  end
  local symbols = {}
  for c in text:gmatch(utf8.charpattern) do
    symbols[#symbols + 1] = classes[c] or 1
  end
  return symbols, names
end

-- ---- models that count ----

local function unigram_bits(train, valid, classes)
  local counts = {}
  for _, c in ipairs(train) do
    counts[c] = (counts[c] or 0) + 1
  end
  local bits = 0
  for _, c in ipairs(valid) do
    bits = bits - math.log(((counts[c] or 0) + 1) / (#train + classes), 2)
  end
  return bits / #valid
end

-- P(c | a b) = (count(a b c) + kinds(a b) P(c | b)) / (count(a b) + kinds(a b)), and so on down to 1 / classes.
local function trigram_bits(train, valid, classes)
  local seen, totals, kinds = {}, {}, {}
  local function contexts(list, i)
    return { "", tostring(list[i - 1]), list[i - 2] .. " " .. list[i - 1] }
  end
  for i = 3, #train do
    for _, context in ipairs(contexts(train, i)) do
      local key = context .. ">" .. train[i]
      kinds[context] = (kinds[context] or 0) + (seen[key] and 0 or 1)
      seen[key], totals[context] = (seen[key] or 0) + 1, (totals[context] or 0) + 1
    end
  end
  local bits = 0
  for i = 3, #valid do
    local p = 1 / classes
    for _, context in ipairs(contexts(valid, i)) do
      local k = kinds[context] or 0
      if k > 0 then
        p = ((seen[context .. ">" .. valid[i]] or 0) + k * p) / (totals[context] + k)
      end
    end
    bits = bits - math.log(p, 2)
  end
  return bits / (#valid - 2)
end

-- ---- models that learn: batch x length of classes to batch x length x classes of scores ----

local Transformer = nn.Module:extend "Transformer"
function Transformer:init(classes, p)
  self.symbols = nn.Embedding(classes, p.width)
  self.positions = nn.PositionalEncoding(p.width, { kind = "learned", max_len = p.context, batch_first = true })
  local layer = nn.TransformerEncoderLayer(p.width, p.heads, { dim_feedforward = 4 * p.width, dropout = p.dropout,
    activation = "gelu", batch_first = true, norm_first = true })
  self.layers = nn.TransformerEncoder(layer, p.layers, nn.LayerNorm(p.width))
  self.head = nn.Linear(p.width, classes)
  for _, pair in ipairs(self:named_parameters()) do -- small, so that a deep stack starts as the identity
    if pair[2].ndim > 1 then
      nn.init.normal_(pair[2], 0, 0.02)
    end
  end
end
function Transformer:forward(x)
  return self.head(self.layers(self.positions(self.symbols(x)), { is_causal = true }))
end

local Recurrent = nn.Module:extend "Recurrent"
function Recurrent:init(classes, p)
  self.symbols = nn.Embedding(classes, p.width)
  self.lstm = nn.LSTM(p.width, 2 * p.width, { num_layers = 1, batch_first = true })
  self.drop = nn.Dropout(p.dropout)
  self.head = nn.Linear(2 * p.width, classes)
end
function Recurrent:forward(x)
  return self.head(self.drop((self.lstm(self.symbols(x)))))
end

-- ---- the experiment ----

return nn.experiment {
  name = "char_lm", doc = "A language model of characters",
  params = {
    file = { "docs/lecture.md", doc = "the text" }, net = { "transformer", choices = { "transformer", "lstm" } },
    steps = { 1500, min = 1 }, batch_size = { 32, min = 1 }, context = { 96, min = 2, doc = "characters that are seen at once" },
    width = { 96, min = 8 }, heads = { 4, min = 1 }, layers = { 3, min = 1 }, dropout = { 0.1, min = 0, max = 1 },
    lr = { 3e-3, min = 0 }, sample = { 300, min = 0, doc = "characters to write at the end" },
    temperature = { 0.7, min = 0.01, doc = "of the sample" },
  },
  run = function(p)
    local symbols, names = read(p.file)
    local cut = #symbols - #symbols // 10
    local train, valid = table.move(symbols, 1, cut, 1, {}), table.move(symbols, cut + 1, #symbols, 1, {})
    assert(#valid > 2 * p.context, "the text is too short for this context")
    print(("%d characters of %d kinds; %d are kept for validation"):format(#symbols, #names, #valid))
    local unigram, trigram = unigram_bits(train, valid, #names), trigram_bits(train, valid, #names)
    print(("unigram %.3f bits a character, trigram %.3f"):format(unigram, trigram))

    local model = (p.net == "lstm" and Recurrent or Transformer)(#names, p)
    print(("%s of %d parameters"):format(p.net, model:parameter_count()))
    local opt = nn.optim.AdamW(model:parameters(), { lr = p.lr, betas = { 0.9, 0.99 }, weight_decay = 0.05 })
    local schedule = nn.sched.OneCycleLR(opt, { max_lr = p.lr, total_steps = p.steps, pct_start = 0.1 })
    local criterion = nn.CrossEntropyLoss()
    local text, held = nn.tensor(train), nn.tensor(valid)
    local offsets = nn.arange(p.context + 1)

    local function loss_of(windows) -- batch x (context + 1)
      local scores = model(windows[{ {}, { 1, p.context } }])
      return criterion(scores:reshape(-1, #names), windows[{ {}, { 2, p.context + 1 } }]:reshape(-1))
    end
    local step = nn.compile(function(windows)
      opt:zero_grad()
      local loss = loss_of(windows)
      loss:backward()
      nn.optim.clip_grad_norm_(model:parameters(), 1)
      opt:step()
      return loss
    end)
    local function valid_bits() -- over all of it, window by window
      model:eval()
      local sum, n = 0, 0
      nn.no_grad(function()
        for first = 1, #valid - p.context, p.context * p.batch_size do
          local starts = nn.arange(first, math.min(first + p.context * p.batch_size, #valid - p.context + 1), p.context)
          local windows = held:take(starts:unsqueeze(2) + offsets)
          sum, n = sum + loss_of(windows):item() * #windows, n + #windows
        end
      end)
      model:train()
      return sum / n / math.log(2)
    end

    local begun, sum, best = nn.time(), 0, nil
    for i = 1, p.steps do
      local starts = nn.randint(1, #train - p.context + 1, { p.batch_size, 1 })
      sum = sum + step(text:take(starts + offsets)):item()
      schedule:step()
      if i % 250 == 0 or i == p.steps then
        best = valid_bits()
        local learned = sum / ((i - 1) % 250 + 1) / math.log(2)
        print(("step %d  train %.3f  valid %.3f bits a character, %.0f s"):format(i, learned, best, nn.time() - begun))
        sum = 0
      end
    end

    -- A sample: one character after another.
    model:eval()
    local written = { table.unpack(valid, 1, p.context) }
    nn.no_grad(function()
      for _ = 1, p.sample do
        local seen = nn.tensor { table.move(written, #written - p.context + 1, #written, 1, {}) }
        local scores = model(seen)[1][-1] / p.temperature
        written[#written + 1] = scores:softmax(1):multinomial(1):item()
      end
    end)
    local out = {}
    for i = p.context + 1, #written do
      out[#out + 1] = names[written[i]]
    end
    print(table.concat(out))
    return { bits = best, unigram = unigram, trigram = trigram, seconds = nn.time() - begun }
  end,
}
