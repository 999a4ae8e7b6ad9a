-- What the lecture's experiments share: a heading, tables, pictures, checks and the finding.
--
-- Each takes --small (a size for tests, a second or less), its own parameters and, through nnlua, --out DIR for its pictures;
-- without that they appear in the terminal. NNLUA_LECTURE=FILE makes it write what it shows as JSON, for `make lecture`.

local nn = require "nn"
local core = require "nn.core"

local L = { small = false, quiet = false }
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

---An experiment of the lecture: {name, title, slide, says = what the slide says, does = the experiment, tools = "nn.x, nn.y",
---source =, params =, run = function(p)}. A parameter may say what it is with --small: {30, small = 12}.
function L.experiment(t)
  local params, small = { small = { os.getenv "NNLUA_LECTURE_SMALL" ~= nil, doc = "a size for tests" } }, {}
  for name, given in pairs(t.params or {}) do
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
      record = { script = t.name .. ".lua", parts = {}, checks = {} }
      for _, key in ipairs { "title", "slide", "says", "does", "tools", "source" } do
        record[key] = t[key]
      end
      L.pictures = 0
      heading(t)
      L.results = {}
      t.run(p)
      return L.results
    end,
  }
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
  local text = select("#", ...) > 0 and format:format(...) or format
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
  local text = select("#", ...) > 0 and why:format(...) or why
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

---The last line.
function L.finding(format, ...)
  local text = select("#", ...) > 0 and format:format(...) or format
  record.finding = text
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

function L.mean(list)
  local s = 0
  for _, v in ipairs(list) do
    s = s + v
  end
  return s / #list
end

---Standard deviation over runs (n - 1).
function L.deviation(list)
  local m, s = L.mean(list), 0
  for _, v in ipairs(list) do
    s = s + (v - m) ^ 2
  end
  return #list > 1 and math.sqrt(s / (#list - 1)) or 0
end

---"0.912 ± 0.003"
function L.pm(list, digits)
  return ("%%.%df ± %%.%df"):format(digits or 3, digits or 3):format(L.mean(list), L.deviation(list))
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

---The parts of Fashion-MNIST an experiment uses: n training images, the next m for validation and k test images,
---normalized. The synthetic images where the real ones are not installed.
function L.images(n, m, k)
  local train, test
  if nn.data.has_fashion_mnist() then
    train, test = nn.data.fashion_mnist()
  else
    L.say "(Fashion-MNIST is not here: synthetic images instead. For the real ones: apt-get install dataset-fashion-mnist)"
    train, test = nn.data.synthetic_images { train = n + (m or 0), test = k or 1000 }
  end
  nn.data.normalize(train, test)
  local valid = m and m > 0 and train:range(n + 1, n + m) or nil
  return train:range(1, n), valid, k and test:range(1, k) or test
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
    list[i] = math.sqrt(g:to("float64"):square():mean():item())
  end
  return list
end

L.nn = nn
return L
