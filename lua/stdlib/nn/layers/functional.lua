-- Functions of what stands in the layer table: nn.nll_loss(input, target, {weight = w}) is nn.NLLLoss{weight = w}(input, target).
-- Where there is an op of the name that takes the same settings, it is the function.

local builtin = require "nn.layers.builtin"
local core = require "nn.core"
local contract = require "nn.internal.contract"

local M = {}

-- The inputs that stand in order: "input, target" -> 2.
local function count_inputs(entry)
  local n = 0
  for _ in entry.inputs:gsub("|.*", ""):gmatch "[%w_]+%??" do
    n = n + 1
  end
  return n
end

-- "nn.NLLLoss()(x, y)" -> "nn.nll_loss(x, y)"
local function example_of(entry, name)
  local settings, inputs = entry.example:match("^nn%." .. entry.name .. " ?(%b{})(%b())$")
  if not settings then
    settings, inputs = entry.example:match("^nn%." .. entry.name .. "(%b())(%b())")
    settings = settings and settings:sub(2, -2)
  end
  if settings then
    return ("nn.%s(%s%s)"):format(name, inputs:sub(2, -2), settings ~= "" and ", " .. settings or "")
  end
  local sizes = (entry.accepts or "batch x channels"):gsub(" or .*", ""):gsub("[%w_.]+", function(word)
    return word == "x" and "," or word == "channels" and "4" or "2"
  end):gsub(" ,", ",")
  return (("nn.%s(nn.ones(%s), %s).shape"):format(name, sizes, entry.example:match "%((%d[%d., ]*)%)$" or ""):gsub(", %)", ")"))
end

local function help_of(entry, name)
  local words, help = require "nn.internal.layer_help", require "nn.internal.help"
  local settings, inputs = words.signature(entry):match "%((.*)%)$", entry.inputs:gsub(" *|.*", "")
  local out = { ("nn.%s(%s%s)\n"):format(name, inputs, settings ~= "" and ", " .. settings or ""),
    ("Is nn.%s as a function. %s%s"):format(entry.name, entry.doc,
      entry.doc:find "while training" and " {training = false} is what it does in evaluation." or "") }
  local code, shown = help.example { example = example_of(entry, name) }
  if code then
    out[#out + 1] = "example:\n  > " .. code .. "\n  " .. shown:gsub("\n", "\n  ")
  end
  out[#out + 1] = "see: nn." .. entry.name
  return table.concat(out, "\n")
end

local functions = {} -- of each layer
for name, layer in pairs(core.layer_functions()) do
  functions[layer] = name
end

-- Options that an op of the name has, but the layer has not: nn.dropout(x, 0.5, {generator = g}).
local function of_op_alone(entry, op)
  local names = {}
  for _, param in ipairs(op.params) do
    names[param.name] = true
  end
  names.generator = op.random
  for _, field in ipairs(entry.fields) do
    names[field.name] = nil
  end
  return names
end

-- The arguments, the last of which is a table of options, without one of these.
local function without(args, option)
  local copy, options = table.move(args, 1, args.n, 1, { n = args.n }), {}
  for key, value in pairs(args[args.n]) do
    if key ~= option then
      options[key] = value
    end
  end
  copy[args.n] = options
  return copy
end

local ops = {}
for _, op in ipairs(core.ops()) do
  ops[op.name] = op
end
for _, entry in ipairs(core.layers()) do
  local name = functions[entry.name]
  if name then
    local n, plain = count_inputs(entry), nil
    local op_alone = ops[name] and of_op_alone(entry, ops[name])
    local function f(...)
      local args = table.pack(...)
      if args.n == n then
        plain = plain or builtin[entry.name]()
        return plain(...)
      end
      local last, training = args[args.n], nil
      local options = args.n > n and type(last) == "table" and not core.is_tensor(last)
      if op_alone and entry.loss and type(args[n + 1]) == "string" then -- nn.cross_entropy(x, y, "sum")
        local given = { reduction = args[n + 1] }
        if options and last.reduction ~= nil then
          core.raise(("%s: the reduction is given twice, by its place and by its name; leave one out"):format(name))
        end
        for key, value in pairs(options and last or {}) do
          given[key] = value
        end
        args.n = args.n - (options and 1 or 0)
        args[n + 1], last, options = given, given, args.n == n + 1
      end
      for key in pairs(options and last or {}) do
        if op_alone and op_alone[key] and last.training ~= false then
          return core[name](table.unpack(without(args, "training"), 1, args.n))
        elseif op_alone and op_alone[key] then -- without chance there is nothing to draw
          args = without(args, key)
          last = args[args.n]
        end
      end
      if options and last.training ~= nil then
        training = last.training
        if type(training) ~= "boolean" then
          core.raise(("%s: training must be true or false, but is %s"):format(name, core.describe(training)))
        end
        args = without(args, "training")
      end
      if args.n < n then
        core.raise(("%s: takes %s, and settings, but got %d argument%s"):format(name, entry.inputs, args.n,
          args.n == 1 and "" or "s"))
      end
      local layer = builtin[entry.name](table.unpack(args, n + 1, args.n))
      if training == false then
        layer:eval()
      end
      return layer(table.unpack(args, 1, n))
    end
    M[name], contract.settings[f] = f, { entry = entry, more = op_alone or {} }
    contract.help[f] = function()
      return help_of(entry, name)
    end
  end
end

for alias, name in pairs(require "nn.internal.aliases") do
  M[alias] = M[name]
end

return M
