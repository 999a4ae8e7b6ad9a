-- What the lecture's experiments share: a heading, runs over seeds, comparisons, tables, pictures, checks and the finding.
--
-- Each takes --seed N (its runs have the seeds N, N + 1, ...), --seeds K (how many), --small (a size for tests, a second or
-- less), its own parameters and, through nnlua, --out DIR for its pictures; without that they appear in the terminal.
-- Everything random in an experiment, its data included, follows the seed of the run it belongs to (L.over). What is said of
-- a difference comes from L.compare, which knows what the seeds allow to say.
-- NNLUA_LECTURE=FILE makes it write what it shows as JSON, for `make lecture`.

local nn = require "nn"
local core = require "nn.core"

local here = (debug.getinfo(1, "S").source:gsub("^@", ""):gsub("[^/]*$", ""))
local stats = dofile(here .. "stats.lua")

local L = { small = false, nn = nn, mean = stats.mean, deviation = stats.deviation, interval = stats.interval }
local record, lab = nil, nil

local function wrap(text, indent)
  local lines, line = {}, indent
  for word in text:gmatch "%S+" do
    if utf8.len(line) + utf8.len(word) > 100 and line ~= indent then
      lines[#lines + 1] = line:gsub("%s+$", "")
      line = indent
    end
    line = line .. word .. " "
  end
  lines[#lines + 1] = line:gsub("%s+$", "")
  return table.concat(lines, "\n")
end

local function heading(t)
  print(("== %s =="):format(t.title))
  print(("slide:      %s"):format(t.slide))
  print("it says:\n" .. wrap(t.says, "  "))
  print("experiment:\n" .. wrap(t.does, "  "))
  if t.source then
    print(("source:     %s"):format(t.source))
  end
  print()
end

-- What makes an experiment of the lecture, beside params and run: printed, and kept in the record.
local words = { "title", "slide", "says", "does", "tools", "source", "wrong", "asks" }

---An experiment of the lecture: {name, title, slide, says = what the slide says, does = the experiment, tools = "nn.x, nn.y",
---source =, wrong = what is wrong on the slide, asks = {{question, answer}, ...}, params =, seeds = {20, small = 3},
---run = function(p)}. A parameter may say what it is with --small: {30, small = 12}. Without `seeds` nothing in it is random.
function L.experiment(t)
  local params, small = { small = { false, doc = "a size for tests" } }, {}
  local given_params = { seeds = { 1, doc = "not used: nothing here is random", min = 1 } }
  if t.seeds then
    given_params.seeds = { t.seeds[1], small = t.seeds.small, min = 1, doc = "how many runs, each with the next seed" }
  end
  for name, given in pairs(t.params or {}) do
    given_params[name] = given
  end
  for name, given in pairs(given_params) do
    local p = {}
    for key, value in pairs(given) do
      p[key] = value
    end
    small[name], p.small = p.small, nil
    params[name] = p
  end
  return nn.experiment {
    name = t.name, doc = t.title, params = params, file = debug.getinfo(t.run, "S").source:sub(2),
    run = function(given, run)
      local p = {}
      for name, value in pairs(given) do
        local default = params[name] and params[name][1]
        p[name] = given.small and value == default and small[name] or value
      end
      L.small, lab = given.small, run
      record = { script = t.name .. ".lua", parts = {}, checks = {}, seed = p.seed, seeds = t.seeds and p.seeds or nil }
      for _, key in ipairs(words) do
        record[key] = t[key]
      end
      L.pictures, L.results, L.comparisons, L.seed = 0, {}, {}, p.seed
      heading(t)
      if t.seeds then
        print(("runs:       %d, seeds %d to %d\n"):format(p.seeds, p.seed, p.seed + p.seeds - 1))
      end
      t.run(p)
      return L.results
    end,
  }
end

---Runs f(seed, i) for each of the seeds, after nn.manual_seed(seed). f gives a table of numbers by name; L.over gives for
---each name the list of them, one for each run, and makes their means results that a sweep can go by. `prefix` stands before
---those results' names, where an experiment calls this more than once.
---@param p table the parameters: seed, seeds
---@param f fun(seed: integer, i: integer): table
---@return table lists
function L.over(p, f, prefix)
  local lists = {}
  for i = 1, p.seeds do
    local seed = p.seed + i - 1
    nn.manual_seed(seed)
    for name, value in pairs(f(seed, i)) do
      lists[name] = lists[name] or {}
      lists[name][i] = value
    end
  end
  for name, list in pairs(lists) do
    if type(list[1]) == "number" then
      L.results[((prefix or "") .. name):gsub("%W+", "_")] = stats.mean(list)
    end
  end
  return lists
end

---A difference between two lists by the same seeds, with its interval and what may be said of it; shown before the finding.
---Written into a sentence with %s: "1.2 points higher (0.8 to 1.6)", or "within noise (...)", which says that these runs do not tell them apart.
---@param what string
---@param a number[]
---@param b number[]|number
---@param opts? table unit, scale; ratio = true: a / b; points = true: shares, in points of a hundred
function L.compare(what, a, b, opts)
  opts = opts or {}
  if opts.points then
    opts.scale, opts.unit, opts.share = 100, "points", true
  end
  local c = stats.compare(what, a, b, opts)
  L.comparisons[#L.comparisons + 1] = c
  return c
end

---The finding rests on this difference being "higher" or "lower": an error if the interval does not say so. With --small, where
---intervals of two or three runs are wide, an error if it says the opposite.
function L.expect(c, verdict)
  local opposite = verdict == "higher" and "lower" or "higher"
  c.expected = verdict
  L.check(L.small and c.verdict ~= opposite or c.verdict == verdict, "%s: the %g%% interval lies %s %s", c.what,
    100 * stats.confidence, verdict == "higher" and "above" or "below", c.ratio and "1" or "0")
end

local function show_comparisons()
  local rows = {}
  for i, c in ipairs(L.comparisons) do
    rows[i] = { c.what, c.n, c:number(c.mean), c.ratio and "x" or c.unit, ("%s .. %s"):format(c:number(c.low), c:number(c.high)),
      c.verdict == "within noise" and c.verdict or c.ratio and (c.verdict == "higher" and "larger" or "smaller") or c.verdict }
  end
  if #rows > 0 then
    L.table({ "difference, paired by seed", "runs", "mean", "", "99% interval", "verdict" }, rows,
      "Differences (Student's t, each at 99%; ratios by their logarithms):")
  end
end

---A value for the full size, another for --small.
function L.size(full, small)
  if L.small then
    return small
  end
  return full
end

---A sentence between tables and pictures.
function L.say(format, ...)
  local text = format:format(...)
  print(wrap(text, ""))
  record.parts[#record.parts + 1] = { kind = "text", text = text }
end

local function cell(v)
  if math.type(v) == "float" then
    if v ~= v then
      return "nan"
    elseif v == math.huge then
      return "inf"
    end
    local a = math.abs(v)
    return (a ~= 0 and (a < 1e-3 or a >= 1e5)) and ("%.2e"):format(v) or ("%.4g"):format(v)
  end
  return tostring(v)
end

---A table: names of columns, rows of values.
function L.table(columns, rows, caption)
  local texts, widths = { columns }, {}
  for r, row in ipairs(rows) do
    texts[r + 1] = {}
    for c = 1, #columns do
      texts[r + 1][c] = cell(row[c] == nil and "" or row[c])
    end
  end
  for c = 1, #columns do
    widths[c] = 0
    for _, row in ipairs(texts) do
      widths[c] = math.max(widths[c], utf8.len(row[c]) or #row[c])
    end
  end
  if caption then
    print(caption)
  end
  for r, row in ipairs(texts) do
    local line = {}
    for c = 1, #columns do
      local pad = (" "):rep(widths[c] - (utf8.len(row[c]) or #row[c]))
      line[c] = c == 1 and row[c] .. pad or pad .. row[c]
    end
    print("  " .. table.concat(line, "  "))
    if r == 1 then
      local total = 2 * (#columns - 1)
      for c = 1, #columns do
        total = total + widths[c]
      end
      print("  " .. ("-"):rep(total))
    end
  end
  print()
  table.remove(texts, 1)
  record.parts[#record.parts + 1] = { kind = "table", columns = columns, rows = texts, caption = caption }
end

---A picture: L.picture("line", series, {title = ...}), or for boundary and others with all their arguments before the
---options.
function L.picture(kind, ...)
  local args = { ... }
  local opts = args[#args]
  L.pictures = L.pictures + 1
  local plot = nn.plot
  local to_file = (plot.directory or os.getenv "NNLUA_OUT") and true
  local name = ("%s%s.png"):format(record.script:gsub("%.lua$", ""), L.pictures > 1 and "_" .. L.pictures or "")
  if to_file and plot.available() then
    opts.file = name
    local path = plot[kind](table.unpack(args))
    print("picture: " .. path)
    record.parts[#record.parts + 1] = { kind = "picture", file = name, title = opts.title }
  elseif to_file then
    print "picture: not drawn; gnuplot is missing: apt-get install gnuplot-nox"
  else
    plot[kind](table.unpack(args))
  end
  print()
end

---Something the finding rests on: an error if it does not hold. `why`: what was expected, and where the tolerance comes
---from.
function L.check(holds, why, ...)
  local text = why:format(...)
  record.checks[#record.checks + 1] = text
  if not holds then
    error(("%s: did not hold: %s"):format(record.script, text), 0)
  end
end

---Numbers that a sweep can go by, by name.
function L.result(values)
  for name, value in pairs(values) do
    L.results[name] = value
  end
end

---The last line. Comparisons go into it with %s.
function L.finding(format, ...)
  local text = format:format(...)
  show_comparisons()
  record.finding, record.comparisons = text, {}
  for i, c in ipairs(L.comparisons) do
    record.comparisons[i] = { what = c.what, verdict = c.verdict, expected = c.expected, text = tostring(c) }
  end
  lab:log { finding = text, checks = #record.checks }
  local path = os.getenv "NNLUA_LECTURE"
  if path then
    local f = assert(io.open(path, "w"))
    f:write(core.json_encode(record))
    f:close()
  end
  print("finding: " .. text)
end

-- ---- experiments' common parts ----

---"0.912 ± 0.003": mean and deviation
function L.pm(list, digits)
  return ("%%.%df ± %%.%df"):format(digits or 3, digits or 3):format(L.mean(list), L.deviation(list))
end

---"91.2 ± 0.3 %" of shares
function L.percent(list, digits)
  return ("%%.%df ± %%.%df %%%%"):format(digits or 1, digits or 1):format(100 * L.mean(list), 100 * L.deviation(list))
end

---A curve for a picture from those of all runs: their mean, with a band of one deviation.
---@param curves number[][]
---@param more? table label, x, style
function L.band(curves, more)
  local s = { y = {}, error = {} }
  for k, v in pairs(more or {}) do
    s[k] = v
  end
  for e = 1, #curves[1] do
    local column = {}
    for i, curve in ipairs(curves) do
      column[i] = curve[e]
    end
    s.y[e], s.error[e] = L.mean(column), L.deviation(column)
  end
  return s
end

---Bars with their deviations: lists in the order of the names.
function L.bars(lists, more)
  local s = { y = {}, error = {} }
  for k, v in pairs(more or {}) do
    s[k] = v
  end
  for i, list in ipairs(lists) do
    s.y[i], s.error[i] = L.mean(list), L.deviation(list)
  end
  return s
end

---A fully connected net: sizes {784, 256, 10}; opts: act (class, default nn.ReLU), init (name), before(i, width) and
---after(i, width) give layers to stand before and after the i-th activation.
function L.mlp(sizes, opts)
  opts = opts or {}
  local net = nn.Sequential()
  for i = 1, #sizes - 1 do
    local last = i == #sizes - 1
    net:add(nn.Linear(sizes[i], sizes[i + 1], { init = last and opts.last_init or opts.init }))
    if opts.init then
      nn.init.zeros_(net[#net].bias)
    end
    if not last then
      if opts.before then
        net:add(opts.before(i, sizes[i + 1]))
      end
      if opts.act ~= false then
        net:add((opts.act or nn.ReLU)())
      end
      if opts.after then
        net:add(opts.after(i, sizes[i + 1]))
      end
    end
  end
  return net
end

---The parts of Fashion-MNIST that a run uses: n training images, m others for validation and k test images, drawn by the
---seed, normalized by the training images. The synthetic images where the real ones are not installed.
local whole
function L.images(seed, n, m, k)
  if not whole then
    if nn.data.has_fashion_mnist() then
      whole = { nn.data.fashion_mnist() }
    else
      L.say "(Fashion-MNIST is not here: synthetic images instead. For the real ones: apt-get install dataset-fashion-mnist)"
      whole = { nn.data.synthetic_images { train = 20000, test = 5000 } }
    end
  end
  local g = nn.Generator(seed)
  local function draw(set, index)
    return nn.data.tensors(set.x[index], set.y[index])
  end
  local order, order_test = nn.randperm(#whole[1], { generator = g }), nn.randperm(#whole[2], { generator = g })
  local train = draw(whole[1], order[{ { 1, n } }])
  local test = draw(whole[2], order_test[{ { 1, k or 1000 } }])
  local valid = m and m > 0 and draw(whole[1], order[{ { n + 1, n + m } }]) or nil
  nn.data.normalize(train, test, valid)
  return train, test, valid
end

---Accuracy of a model on a data set.
function L.accuracy(model, data)
  return nn.train.evaluate(model, data:loader { batch_size = 500 }, { metrics = { "accuracy" } }).accuracy
end

---Trains quietly; options as nn.train.fit's, with batch.
function L.fit(model, data, opts)
  return nn.train.fit {
    model = model, loss = opts.loss or nn.CrossEntropyLoss(), optimizer = opts.optimizer,
    train = data:loader { batch_size = opts.batch or 64, shuffle = opts.shuffle ~= false }, valid = opts.valid and
      opts.valid:loader { batch_size = 500 } or nil, epochs = opts.epochs, metrics = opts.metrics or { "accuracy" },
    progress = "none", scheduler = opts.scheduler, after_step = opts.after_step, on_epoch = opts.on_epoch,
    early_stopping = opts.early_stopping, clip_grad_norm = opts.clip_grad_norm,
  }
end

---Column `name` of a run's history.
function L.history(run, name)
  local out = {}
  for i, row in ipairs(run.history) do
    out[i] = row[name]
  end
  return out
end

---For each hidden Linear of a net, the root mean square of the loss's gradient at its output, first layer first.
function L.layer_gradients(net, x, y, loss)
  local outs, h = {}, x
  for i = 1, #net do
    h = net[i](h)
    if net[i]._name == "Linear" then
      outs[#outs + 1] = h
    end
  end
  local grads = nn.grad((loss or nn.CrossEntropyLoss())(h, y), outs)
  local list = {}
  for i, g in ipairs(grads) do
    list[i] = g:norm():item() / math.sqrt(g:numel())
  end
  return list
end

return L
