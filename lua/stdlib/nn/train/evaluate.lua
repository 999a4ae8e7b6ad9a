-- A model looked at: mean loss and metrics over a loader, in evaluation mode, without gradients.

local core = require "nn.core"
local metrics = require "nn.train.metrics"
local module = require "nn.layers.module"
local options = require "nn.internal.options"

local M = {}

-- ---- what fit and evaluate are given ----

local function is_callable(f)
  local meta = getmetatable(f)
  return type(f) == "function" or type(meta) == "table" and meta.__call ~= nil
end

---Raises unless `loader` can stand in `for x, y in loader do`.
function M.check_loader(who, name, loader)
  local meta = type(loader) == "table" and getmetatable(loader)
  if type(meta) == "table" and meta.__name == "nn.Dataset" then
    core.raise(("%s: %s is a data set; give its batches: data:loader{batch_size = 32%s}"):format(who, name,
      name == "train" and ", shuffle = true" or ""))
  elseif not is_callable(loader) or module.is_module(loader) then
    core.raise(("%s: %s must be a loader, e.g. nn.data.tensors(x, y):loader{batch_size = 32}, or a function that gives the next "
      .. "batch x, y, and nil at the end; but it is %s"):format(who, name, core.describe(loader)))
  elseif M.is_loader(loader) and loader.dataset.more[1] then
    core.raise(("%s: %s has %d tensors a batch, but only inputs and targets go through model and loss here; write the loop "
      .. "by hand: for x, y, z in loader do ... end"):format(who, name, 2 + #loader.dataset.more))
  end
end

---True for what data:loader() gives.
function M.is_loader(loader)
  local meta = type(loader) == "table" and getmetatable(loader)
  return type(meta) == "table" and meta.__name == "nn.Loader"
end

local spellings = {
  mse = "MSELoss", mean_squared_error = "MSELoss", l2 = "MSELoss", mae = "L1Loss", l1 = "L1Loss", mean_absolute_error = "L1Loss",
  huber = "HuberLoss", smooth_l1 = "SmoothL1Loss", cross_entropy = "CrossEntropyLoss", crossentropy = "CrossEntropyLoss",
  categorical_crossentropy = "CrossEntropyLoss", sparse_categorical_crossentropy = "CrossEntropyLoss", nll = "NLLLoss",
  bce = "BCELoss", binary_crossentropy = "BCELoss", binary_cross_entropy = "BCELoss", hinge = "HingeLoss",
  bce_with_logits = "BCEWithLogitsLoss", binary_cross_entropy_with_logits = "BCEWithLogitsLoss", kl_div = "KLDivLoss",
}

---Raises unless `loss` is a function or a layer.
function M.check_loss(who, loss)
  if is_callable(loss) and not module.is_module_class(loss) then
    return
  end
  local homes = require("nn.internal.public").homes
  local hint = "e.g. nn.CrossEntropyLoss()"
  if type(loss) == "string" then
    local name = spellings[loss:lower():gsub("_loss$", "")] or (homes[loss] or ""):find "^nn%.losses%." and loss
    hint = name and ("write loss = nn.%s()"):format(name) or hint
  elseif module.is_module_class(loss) then
    hint = ("make one: loss = nn.%s()"):format(loss._name)
  end
  core.raise(("%s: loss must be a loss layer or a function(output, target), but is %s; %s"):format(who, core.describe(loss),
    hint))
end

-- ---- sums over batches ----

---How many samples a batch has.
function M.batch_size(who, y)
  local ok, n = core.try(function()
    return #y
  end)
  if not ok or math.type(n) ~= "integer" or n < 1 then
    core.raise(("%s: a batch has %s for targets; they must be samples x ..."):format(who,
      module.is_tensor(y) and ("a tensor of shape %s"):format(tostring(y.shape)) or core.describe(y)))
  end
  return n
end

---What a batch's loss adds to the sum over all, and what it adds to what that is divided by. A loss with reduction "sum" is
---a sum already; class weights and ignore_index decide how much a batch counts.
---@return number sum, number count
function M.loss_terms(loss, value, y, n)
  if not module.is_module(loss) then
    return value * n, n
  elseif loss.reduction == "sum" then
    return value, n
  end
  local over = core.mean_over(loss, y) or n
  return over > 0 and value * over or 0, over
end

---The loss as a number; explains what else it is.
function M.loss_value(who, loss)
  if not module.is_tensor(loss) then
    core.raise(("%s: the loss must give a tensor with one element, but gave %s"):format(who, core.describe(loss)))
  elseif loss:numel() ~= 1 then
    core.raise(("%s: the loss has shape %s, but must be one number: take its mean or sum (reduction = \"mean\")"):format(who,
      tostring(loss.shape)))
  end
  return loss:item()
end

-- ---- evaluation ----

---Calls f while the model and all in it are in evaluation mode, and puts each module's mode back.
function M.in_evaluation(model, f)
  local training = {}
  for _, entry in ipairs(module.is_module(model) and model:named_modules() or {}) do
    if entry[2].training then
      training[#training + 1] = entry[2]
    end
  end
  if #training > 0 then
    model:eval()
  end
  local results = table.pack(xpcall(f, function(e)
    return e
  end))
  for _, m in ipairs(training) do
    core.set_hidden(m, "training", true)
  end
  if not results[1] then
    error(results[2], 0)
  end
  return table.unpack(results, 2, results.n)
end

---One batch of an evaluation: a function(x, y) that gives the loss (or false), the output and the metrics' values.
function M.step(model, loss, list)
  return function(x, y)
    local output = model(x)
    return loss and loss(output, y) or false, output, metrics.values(list, output, y)
  end
end

---Goes over a loader with a step. Returns a row: loss and metrics, each with the prefix before its name; the metrics that are
---tensors; and why a metric is nan.
function M.run(who, name, model, loader, loss, list, step, prefix)
  local sums, total, count, terms = {}, 0, 0, 0
  M.in_evaluation(model, function()
    core.no_grad(function()
      for x, y in loader do
        local values = table.pack(step(x, y))
        local n = M.batch_size(who, y)
        if loss then
          local sum, over = M.loss_terms(loss, M.loss_value(who, values[1]), y, n)
          total, terms = total + sum, terms + over
        end
        count = count + n
        metrics.add(list, sums, values, 3, values[2], y)
      end
    end)
  end)
  if count == 0 then
    core.raise(("%s: %s gave no batches: the data set is empty, smaller than a batch with drop_last = true, or a function that "
      .. "does not start over"):format(who, name))
  end
  local row, tables, why = metrics.finish(list, sums, {}, prefix)
  if loss then
    row[prefix .. "loss"] = total / terms
  end
  return row, tables, why
end

---Gives the mean loss and metrics of a model over a loader: in evaluation mode, without gradients. A second table has what
---is no number (a confusion matrix), a third says of metrics that are nan why they are. Each module's mode is put back
---afterwards.
---Options: loss (default none), metrics (default {}; as fit's).
---@param model nn.Module|fun(x: nn.Tensor): nn.Tensor
---@param loader nn.Loader
---@param opts? {loss: function, metrics: table}
---@return table row {loss =, accuracy =, ...}
---@return table<string, nn.Tensor> tables {confusion =, ...}
---@return table<string, string> why {auc = "all targets are of one class, ..."}
---example:
---  > loader = nn.data.tensors(nn.tensor {{1.0, 0.0}, {3.0, 0.0}}, nn.tensor {1, 2}):loader()
---  > row = nn.train.evaluate(nn.Identity(), loader, {loss = nn.CrossEntropyLoss(), metrics = {"accuracy"}})
---  > ("loss %.3f, accuracy %g"):format(row.loss, row.accuracy)
---  loss 1.681, accuracy 0.5
---see: nn.train.fit, nn.train.metrics.Accuracy, nn.Module:eval
function M.evaluate(model, loader, opts)
  if module.is_module(opts) or type(opts) == "function" then
    core.raise(("evaluate: the third argument is a table: evaluate(model, loader, {loss = %s, metrics = {\"accuracy\"}})"):format(
      module.is_module(opts) and ("nn.%s()"):format(opts._name) or "f"))
  end
  local o = options.read("evaluate", opts, { loss = { "any" }, metrics = { "table", {} } })
  if not is_callable(model) or module.is_module_class(model) then
    core.raise(("evaluate: the model must be an nn.Module or a function, but is %s"):format(core.describe(model)))
  end
  M.check_loader("evaluate", "the loader", loader)
  if o.loss ~= nil then
    M.check_loss("evaluate", o.loss)
  end
  local list = metrics.read("evaluate", o.metrics, o.loss, loader)
  return M.run("evaluate", "the loader", model, loader, o.loss, list, M.step(model, o.loss, list), "")
end

return M
