-- All that nn offers, as a manual: the pages in order, the names on each, and an entry for a name. Help, the reference in
-- docs/reference, `nnlua doc` and the search go by it; tests/lua/docs/test_manual.lua holds that nothing public is missing.

local contract = require "nn.internal.contract"
local core = require "nn.core"
local objects = require "nn.internal.objects"
local public = require "nn.internal.public"

local M = {}

-- ---- related names of what stands in the tables ----

local function names_within(text, known, own)
  local out = {}
  for word in (text or ""):gmatch "%f[%w_][%a_][%w_]*%f[^%w_]" do
    if known[word] and word ~= own then
      out[#out + 1] = word
    end
  end
  return out
end

-- Of a list in which kin stand side by side: those named in the text first, then the nearest ones of the same family.
local function related(list, at, text, family_of)
  local known, out, seen = {}, {}, {}
  for _, entry in ipairs(list) do
    known[entry.name] = true
  end
  local function put(name)
    if #out < 3 and not seen[name] and name ~= list[at].name then
      seen[name], out[#out + 1] = true, (name:find "_$" and "x:" or "nn.") .. name
    end
  end
  for _, name in ipairs(names_within(text, known, list[at].name)) do
    put(name)
  end
  for distance = 1, 3 do
    for _, k in ipairs { at + distance, at - distance } do
      if list[k] and family_of(list[k]) == family_of(list[at]) then
        put(list[k].name)
      end
    end
  end
  if #out == 0 then -- alone in its family
    for distance = 1, 2 do
      for _, k in ipairs { at - distance, at + distance } do
        if list[k] then
          put(list[k].name)
        end
      end
    end
  end
  return out
end

local ops, layers, op_at, layer_at

local function load_tables()
  if not ops then
    ops, layers, op_at, layer_at = {}, core.layers(), {}, {}
    for _, op in ipairs(core.ops()) do
      if not op.internal then
        ops[#ops + 1] = op
      end
    end
    for i, op in ipairs(ops) do
      op_at[op.name] = i
    end
    for i, entry in ipairs(layers) do
      layer_at[entry.name] = i
    end
  end
end

---Related names of an op: those that its text names, and its neighbours in the table.
---@param name string
---@return string[]
function M.see_of_op(name)
  load_tables()
  local at = op_at[name]
  return at and related(ops, at, ops[at].doc, function(op)
    return op.page .. "/" .. op.family
  end) or {}
end

---Related names of a layer.
---@param name string
---@return string[]
function M.see_of_layer(name)
  load_tables()
  local at = layer_at[name]
  return at and related(layers, at, layers[at].doc, function(entry)
    return entry.family
  end) or {}
end

-- ---- names ----

-- What a table of functions has, also what is not loaded yet.
local function names_in(space)
  local names, meta = {}, getmetatable(space)
  for _, t in ipairs { space, type(meta) == "table" and meta.homes or {} } do
    for name in pairs(t) do
      if type(name) == "string" and not name:find "^[%u_*]*_[%u_]*$" and not name:find "^[_*]" then
        names[name] = true
      end
    end
  end
  return names
end

local functions

---The public functions that have a help text of their own, by name: not those of the op and layer tables, and not those that
---take the place of an op, which stand on its page.
---@return table<string, function>
function M.functions()
  if functions then
    return functions
  end
  local nn = require "nn"
  local of_table, out = {}, {}
  for _, op in ipairs(core.ops()) do
    of_table[core[op.name] or false], of_table[core.tensor_methods[op.name] or false] = true, true
    of_table[core.tensor_methods[op.name .. "_"] or false] = true
  end
  local function put(name, f)
    if type(f) == "function" and not of_table[f] then
      out[name] = f
    end
  end
  for space in pairs(public.namespaces) do
    for name in pairs(names_in(nn[space])) do
      put(space .. "." .. name, nn[space][name])
    end
  end
  for name in pairs(names_in(nn.train.metrics)) do
    put("train.metrics." .. name, nn.train.metrics[name])
  end
  load_tables()
  local aliases = require "nn.internal.aliases"
  for name, home in pairs(public.homes) do
    if home ~= "nn.layers.builtin" and not op_at[name] and not aliases[name] then
      put(name, nn[name])
    end
  end
  for name, f in pairs(core.public) do
    put(name, f)
  end
  for name, f in pairs(core.tensor_methods) do
    put("x:" .. name, f)
  end
  local bases = { objects.methods "Optimizer", objects.methods "Scheduler" }
  for _, kind in ipairs(objects.kinds()) do
    for name, f in pairs(objects.methods(kind)) do
      local inherited = name == "watches" -- which is private
      for _, base in ipairs(kind ~= "Optimizer" and kind ~= "Scheduler" and bases or {}) do
        inherited = inherited or base[name] and contract.original(f) == contract.original(base[name])
      end
      if not inherited then
        put(kind .. ":" .. name, f)
      end
    end
  end
  functions = out
  return out
end

-- ---- pages ----

-- Pages of functions: file, title, what stands above, patterns of names in the order in which they come.
local function_pages = {
  { "core", "Tensors from values, seeds, memory", "What stands in `nn` itself beside operations and layers.",
    "^[%w_]+$" },
  { "tensor", "Methods of tensors", "Beside these, all operations are methods: `x:sum(2)` is `nn.sum(x, 2)`.", "^x:" },
  { "module", "Methods of layers and models", "What every layer, model and loss has, also a class of your own.", "^Module:" },
  { "optim", "Optimizers", "`nn.optim`. Options stand in one table; so do those of groups of parameters.",
    "^optim%.", "^Optimizer:",
    "^LBFGS:", "^ConjugateGradient:", "^LevenbergMarquardt:", "^Lookahead:", "^AveragedModel:" },
  { "sched", "Schedules of the learning rate", "`nn.sched`. A schedule changes the rates of an optimizer.", "^sched%.",
    "^Scheduler:", "^ReduceLROnPlateau:" },
  { "data", "Data sets and loaders", "`nn.data`.", "^data%.", "^Dataset:", "^Loader:", "^StandardScaler:" },
  { "train", "Training", "`nn.train`.", "^train%.[%a_]+$", "^Checkpoint:" },
  { "metrics", "Metrics", "`nn.train.metrics`: named in `fit{metrics = {\"f1\"}}`, or made and used by hand.",
    "^train%.metrics%.",
    "^Metric:" },
  { "init", "Initializers", "`nn.init`. Each fills a tensor in place and returns it; layers take their names: "
    .. "`nn.Linear(4, 2, {init = \"he_normal\"})`.", "^init%." },
  { "regularize", "Regularization", "`nn.regularize`.", "^regularize%." },
  { "io", "Files", "`nn.io`, `nn.save` and `nn.load`.", "^io%." },
  { "plot", "Pictures", "`nn.plot`. In the terminal, or in a file by gnuplot.", "^plot%." },
  { "diagnose", "What ails a network", "`nn.diagnose`; see also [diagnose.md](../diagnose.md).", "^diagnose%.", "^Watch:" },
  { "linalg", "Norms under NumPy's names",
    "`nn.linalg` has the operations of [linear algebra](linalg.md) under the names that NumPy "
    .. "and PyTorch give them there, and:", "^linalg%." },
  { "theory", "Theory", "`nn.theory`.", "^theory%." },
  { "func", "Functions of functions", "`nn.func`: derivatives and batches of functions.", "^func%." },
  { "autograd", "Gradients of your own", "`nn.autograd`.", "^autograd%.", "^Context:" },
  { "testing", "Assertions for tests", "`nn.testing`, for suites that `nnlua test` runs.", "^testing%." },
  { "lab", "Experiments and runs", "`nn.experiment`, `nn.sweep`, `nn.lab`; see also [lab.md](../lab.md).", "^lab%.",
    "^Experiment:", "^Run:" },
  { "architectures", "Well-known nets", "`nn.models`: made without weights; the names of their parts are torchvision's.",
    "^models%." },
  { "models", "Models to fit and predict", "Perceptron and linear models, with `fit`, `predict` and `score`.",
    "^Perceptron:", "^LinearRegression:", "^RidgeRegression:", "^LassoRegression:", "^LogisticRegression:" },
  { "generator", "Random numbers and compiled functions as objects", "`nn.Generator`, `nn.compile`.", "^Generator:",
    "^Compiled:" },
  { "rex", "Regular expressions", "`nn.rex`: PCRE2, with the names of lrexlib.", "^rex%.", "^Regex:" },
}

local op_pages = {
  { "creation", "Making tensors" }, { "elementwise", "Element by element" }, { "activations", "Activations" },
  { "reductions", "Reductions, scans and orders" }, { "shapes", "Shapes" }, { "indexing", "Picking and placing" },
  { "products", "Products and distances" },
  { "convolution", "Convolution and pooling" }, { "attention", "Attention" },
  { "losses", "Losses and norms" }, { "linalg", "Linear algebra" },
  { "random", "Random numbers" },
}

local layer_pages = {
  { "linear", "Linear maps and shapes" }, { "embedding", "Vectors for symbols" },
  { "activations", "Activations" }, { "dropout", "Dropout and noise" },
  { "norm", "Normalization" }, { "convolution", "Convolution and pooling" },
  { "resample", "Sizes, margins and columns of images" },
  { "recurrent", "Recurrent layers" },
  { "attention", "Attention" }, { "transformer", "Transformers" },
  { "blocks", "Gates and shortcuts" }, { "containers", "Layers that hold others" }, { "regression", "Losses of regression" },
  { "classification", "Losses of classification" }, { "margin", "Losses of margins and similarity" },
  { "ctc", "Losses of sequences" },
}

---@class nn.ManualPage
---@field file string without an ending
---@field title string
---@field intro? string
---@field kind "ops"|"layers"|"functions"
---@field names string[] as nn.help takes them

---The pages in order. Every public name stands on one.
---@return nn.ManualPage[]
function M.pages()
  load_tables()
  local out = {}
  local function page(file, title, kind, intro)
    local p = { file = file, title = title, kind = kind, intro = intro, names = {} }
    out[#out + 1] = p
    return p.names
  end
  local by_page, by_family = {}, {}
  for _, p in ipairs(op_pages) do
    by_page[p[1]] = page(p[1], p[2], "ops")
  end
  for _, op in ipairs(ops) do
    table.insert(by_page[op.page], op.name)
  end
  for _, p in ipairs(layer_pages) do
    by_family[p[1]] = page("layers-" .. p[1], p[2], "layers")
  end
  for _, entry in ipairs(layers) do
    table.insert(by_family[entry.family], entry.name)
  end
  local rest = {}
  for name in pairs(M.functions()) do
    rest[#rest + 1] = name
  end
  table.sort(rest)
  local placed = {}
  for _, p in ipairs(function_pages) do
    local names = page("nn-" .. p[1], p[2], "functions", p[3])
    for k = 4, #p do
      for _, name in ipairs(rest) do
        if name:find(p[k]) and not placed[name] then
          placed[name], names[#names + 1] = true, name
        end
      end
    end
  end
  for _, name in ipairs(rest) do
    assert(placed[name], name .. " stands on no page of the manual")
  end
  return out
end

-- ---- an entry ----

---@class nn.ManualEntry
---@field name string
---@field head string how it is called
---@field body string[] what it is
---@field example string[] lines, those typed begin with "> " (or "$ ", where they are not run)
---@field see string[]
---@field source? string

---The parts of a help text.
---@param name string
---@param text string
---@return nn.ManualEntry
function M.parts(name, text)
  local entry = { name = name, head = "", body = {}, example = {}, see = {} }
  local into, first = entry.body, true
  for line in (text .. "\n"):gmatch "(.-)\n" do
    if first then
      entry.head = line:gsub("^  ", "")
    elseif line:find "^%s*example:$" then
      into = entry.example
    elseif line:find "^%s*see: " then
      for other in line:match("see: (.*)"):gmatch "[^, ]+" do
        entry.see[#entry.see + 1] = other
      end
      into = entry.body
    elseif line:find "^source: " then
      entry.source = line:match "^source: (.*)"
    elseif not line:find "^defined in " then
      into[#into + 1] = into == entry.example and line:gsub("^  ", "") or line
    end
    first = false
  end
  while entry.body[1] == "" do
    table.remove(entry.body, 1)
  end
  while entry.body[#entry.body] == "" do
    entry.body[#entry.body] = nil
  end
  return entry
end

---What is written about a name of the manual.
---@param name string "softmax", "Linear", "optim.Adam", "Dataset:split", "x:item"
---@return nn.ManualEntry
function M.entry(name)
  return M.parts(name, (require("nn.internal.help").text(name)))
end

return M
