-- The kinds of objects beside tensors, each by one of its kind: nn.help finds their methods there ("Dataset:split").

local core = require "nn.core"

local M = {}

local function optimizer(nn, name)
  return nn.optim[name] { nn.Parameter(nn.zeros(1)) }
end

local function schedule(nn, name)
  return nn.sched[name](optimizer(nn, "SGD"), { step_size = name == "StepLR" and 1 or nil })
end

local makers = {
  Dataset = function(nn)
    return nn.data.xor()
  end,
  Loader = function(nn)
    return nn.data.xor():loader()
  end,
  StandardScaler = function(nn)
    return nn.data.StandardScaler()
  end,
  Module = function(nn)
    return nn.Module
  end,
  Optimizer = function(nn)
    return optimizer(nn, "SGD")
  end,
  LBFGS = function(nn)
    return optimizer(nn, "LBFGS")
  end,
  ConjugateGradient = function(nn)
    return optimizer(nn, "ConjugateGradient")
  end,
  LevenbergMarquardt = function(nn)
    return optimizer(nn, "LevenbergMarquardt")
  end,
  Lookahead = function(nn)
    return nn.optim.Lookahead(optimizer(nn, "SGD"))
  end,
  AveragedModel = function(nn)
    return nn.optim.AveragedModel(nn.Identity())
  end,
  Scheduler = function(nn)
    return schedule(nn, "StepLR")
  end,
  ReduceLROnPlateau = function(nn)
    return schedule(nn, "ReduceLROnPlateau")
  end,
  Generator = function(nn)
    return nn.Generator(1)
  end,
  Metric = function(nn)
    return nn.train.metrics.MSE()
  end,
  Checkpoint = function(nn)
    return nn.train.checkpoint("-", {})
  end,
  Perceptron = function(nn)
    return nn.Perceptron()
  end,
  LinearRegression = function(nn)
    return nn.LinearRegression()
  end,
  RidgeRegression = function(nn)
    return nn.RidgeRegression()
  end,
  LassoRegression = function(nn)
    return nn.LassoRegression()
  end,
  LogisticRegression = function(nn)
    return nn.LogisticRegression()
  end,
  Experiment = function(nn)
    return nn.experiment { name = "example", run = function() end }
  end,
  Run = function()
    return require("nn.lab.run").over("example", {}, nil, {}, {})
  end,
  Watch = function(nn)
    return nn.diagnose.watch(nn.Identity())
  end,
  Compiled = function(nn)
    return nn.compile(print)
  end,
  Regex = function(nn)
    return nn.rex.new "."
  end,
  Context = function(nn)
    local context
    nn.autograd.Function { forward = function(ctx, x)
      context = ctx
      return x + 0
    end, backward = function(_, g)
      return g
    end } (nn.zeros(1))
    return context
  end,
}

---The names of the kinds.
---@return string[]
function M.kinds()
  local names = {}
  for name in pairs(makers) do
    names[#names + 1] = name
  end
  table.sort(names)
  return names
end

---The methods that objects of a kind have, by name; nil where there is no such kind.
---@param kind string
---@return table<string, function>|nil
function M.methods(kind)
  local make = makers[kind]
  if not make then
    return nil
  end
  local object, out = make(require "nn"), {}
  local class, meta = core.class_of(object) or core.is_module_class(object) and object, debug.getmetatable(object)
  local homes = class and {} or { meta, meta.__index }
  while class do
    homes[#homes + 1] = core.fields(class)
    class = rawget(core.fields(class), "_base")
  end
  for _, home in ipairs(homes) do
    for name, f in pairs(type(home) == "table" and home or {}) do
      if type(name) == "string" and not name:find "^_" and type(f) == "function" then
        out[name] = out[name] or f
      end
    end
  end
  return out
end

return M
