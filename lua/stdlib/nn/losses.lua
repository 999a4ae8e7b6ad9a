-- Losses as modules. Each takes {reduction = "mean" | "sum" | "none"}.

local core = require "nn.core"
local module = require "nn.module"
local options = require "nn.options"

local M = {}

local reductions = { mean = true, sum = true, none = true }

local function loss(name, f)
  local Loss = module.Module:extend(name)
  Loss._static = {} -- for nn.compile: nothing that changes
  function Loss:init(opts)
    local o = options.read(name, opts, { reduction = { "string", "mean" } })
    if not reductions[o.reduction] then
      core.raise(("%s: reduction must be \"mean\", \"sum\" or \"none\", but is \"%s\""):format(name, o.reduction))
    end
    self.reduction = o.reduction
  end
  function Loss:extra()
    return self.reduction == "mean" and "" or ("reduction = %q"):format(self.reduction)
  end
  function Loss:forward(input, target)
    return f(input, target, self.reduction)
  end
  M[name] = Loss
end

-- -log softmax(logits)[target]: logits batch x classes, target int64 classes from 1.
loss("CrossEntropyLoss", core.cross_entropy)
-- (input - target)^2
loss("MSELoss", core.mse_loss)
-- Binary cross-entropy of sigmoid(logits) against targets in 0..1, stable.
loss("BCEWithLogitsLoss", core.bce_with_logits)

return M
