-- nn.func: derivatives of functions of tensors. Functions are called with tensors and give tensors.

local core = require "nn.core"
local module = require "nn.layers.module"
local options = require "nn.internal.options"

local M = {}

local function want(who, ok, what, value)
  if not ok then
    core.raise(("%s: %s, but got %s"):format(who, what, core.describe(value)))
  end
end

-- A leaf of our own with x's values; while a function is recorded, in memory of its own.
local function leaf_of(x)
  local leaf = x:detach()
  return (core.is_recording() and leaf:clone() or leaf):requires_grad_()
end

-- Such leaves for the arguments that are floats.
local function leaves(who, args)
  local out = {}
  for i = 1, args.n do
    want(who, core.is_tensor(args[i]), ("argument %d must be a tensor"):format(i), args[i])
    out[i] = args[i].dtype:find "float" and leaf_of(args[i]) or args[i]
  end
  return out
end

local function differentiable(list)
  local out = {}
  for _, x in ipairs(list) do
    if x.requires_grad then
      out[#out + 1] = x
    end
  end
  return out
end

-- A gradient for each input, 0 where the output does not depend on it.
local function grads_of(output, inputs, settings)
  if not output.requires_grad then
    local zeros = {}
    for i, x in ipairs(inputs) do
      zeros[i] = core.zeros_like(x)
    end
    return zeros
  end
  settings.allow_unused = true
  local grads = core.grad(output, inputs, settings)
  for i, x in ipairs(inputs) do
    grads[i] = grads[i] or core.zeros_like(x)
  end
  return grads
end

---Gives f(...) and a function that takes a cotangent v to v^T J: one gradient for each float argument.
---@param f function
---@param ... nn.Tensor
---@return nn.Tensor output
---@return fun(v: nn.Tensor): nn.Tensor ...
---example:
---  > y, back = nn.func.vjp(function(x) return x ^ 2 end, nn.tensor {1.0, 3.0})
---  > y
---  tensor([1., 9.], shape=2, float32)
---  > back(nn.tensor {1.0, 1.0})
---  tensor([2., 6.], shape=2, float32)
---see: nn.func.jvp, nn.grad, nn.func.jacobian
function M.vjp(f, ...)
  options.callable("vjp", f)
  local inputs = leaves("vjp", table.pack(...))
  local output = core.enable_grad(f, table.unpack(inputs))
  want("vjp", core.is_tensor(output), "the function must give a tensor", output)
  local wanted = differentiable(inputs)
  return output:detach(), function(v)
    return table.unpack(grads_of(output, wanted, { gradient = v, retain_graph = true }))
  end
end

---Gives f(...) and J t for tangents t, one for each argument: the change of f along a direction. Computed by differentiating
---v^T J, which is linear in v.
---@param f function
---@param primals nn.Tensor[]
---@param tangents nn.Tensor[]
---@return nn.Tensor output
---@return nn.Tensor tangent
---example:
---  > y, dy = nn.func.jvp(function(x) return x ^ 2 end, {nn.tensor {1.0, 3.0}}, {nn.tensor {1.0, 0.0}})
---  > dy
---  tensor([2., 0.], shape=2, float32)
---see: nn.func.vjp, nn.func.jacobian
---source: Pearlmutter 1994, "Fast exact multiplication by the Hessian"
function M.jvp(f, primals, tangents)
  want("jvp", type(primals) == "table", "the primals must be a list of tensors", primals)
  want("jvp", type(tangents) == "table", "the tangents must be a list of tensors", tangents)
  if #primals ~= #tangents then
    core.raise(("jvp: %d primals do not go with %d tangents"):format(#primals, #tangents))
  end
  local inputs = leaves("jvp", table.pack(table.unpack(primals)))
  local output = core.enable_grad(f, table.unpack(inputs))
  want("jvp", core.is_tensor(output), "the function must give a tensor", output)
  local v = core.zeros_like(output):requires_grad_()
  local total
  core.enable_grad(function()
    for i, g in ipairs(grads_of(output, inputs, { gradient = v, create_graph = true })) do
      local part = (g * tangents[i]):sum()
      total = total and total + part or part
    end
  end)
  local tangent = total.requires_grad and grads_of(total, { v }, {})[1] or core.zeros_like(output)
  return output:detach(), tangent:detach()
end

---Gives the matrix of derivatives of f's output by x, of shape output x input. Options: create_graph (false; true: it can be
---differentiated in turn).
---@param f fun(x: nn.Tensor): nn.Tensor
---@param x nn.Tensor
---@param opts? {create_graph: boolean}
---@return nn.Tensor
---example:
---  > nn.func.jacobian(function(x) return x ^ 2 end, nn.tensor {1.0, 3.0})
---  tensor([[2., 0.],
---          [0., 6.]], shape=2x2, float32)
---see: nn.func.hessian, nn.func.vjp, nn.theory.jacobian
function M.jacobian(f, x, opts)
  want("jacobian", core.is_tensor(x), "takes a function and a tensor", x)
  local again = options.read("jacobian", opts, { create_graph = { "boolean", false } }).create_graph
  local input = again and x.requires_grad and x or leaf_of(x)
  local output = core.enable_grad(f, input)
  want("jacobian", core.is_tensor(output), "the function must give a tensor", output)
  local flat, rows = output:reshape(-1), {}
  local shape = { table.unpack(output.shape) }
  table.move(input.shape, 1, #input.shape, #shape + 1, shape)
  for i = 1, #flat do
    rows[i] = grads_of(flat[i], { input }, { retain_graph = true, create_graph = again })[1]
  end
  return #rows == 0 and core.zeros(shape, { dtype = x.dtype }) or core.stack(rows):reshape(shape)
end

---Gives the matrix of second derivatives: of a function with one number as result, of shape input x input.
---@param f fun(x: nn.Tensor): nn.Tensor
---@param x nn.Tensor
---@return nn.Tensor
---example:
---  > nn.func.hessian(function(x) return (x ^ 3):sum() end, nn.tensor {1.0, 2.0})
---  tensor([[ 6.,  0.],
---          [ 0., 12.]], shape=2x2, float32)
---see: nn.func.jacobian, nn.theory.hessian_eigenvalues
function M.hessian(f, x)
  return M.jacobian(function(input)
    local output = f(input)
    want("hessian", core.is_tensor(output) and output:numel() == 1, "the function must give one number", output)
    return grads_of(output:sum(), { input }, { create_graph = true })[1]
  end, x)
end

---Turns a function of one sample into one of a batch: it applies f to each slice of dim 1 of its arguments and stacks the
---results (of each result). in_dims names other dims, one for each argument; false: the argument is passed as it is. Default:
---dim 1 of each.
---@param f function
---@param in_dims? (integer|false)[]
---@return function
---example:
---  > dots = nn.func.vmap(function(a, b) return a:dot(b) end)
---  > dots(nn.tensor {{1.0, 2.0}, {3.0, 4.0}}, nn.tensor {{1.0, 1.0}, {1.0, 0.0}})
---  tensor([3., 3.], shape=2, float32)
---see: nn.func.per_sample_gradients, nn.einsum
function M.vmap(f, in_dims)
  want("vmap", in_dims == nil or type(in_dims) == "table", "in_dims must be a list of dims", in_dims)
  return function(...)
    local args = table.pack(...)
    local pieces, count = {}, nil
    for i = 1, args.n do
      local dim = 1
      if in_dims then
        dim = in_dims[i]
      end
      if dim and core.is_tensor(args[i]) then
        pieces[i] = args[i]:unbind(dim)
        if count and count ~= #pieces[i] then
          core.raise(("vmap: argument %d has %d slices, but an earlier one has %d"):format(i, #pieces[i], count))
        end
        count = #pieces[i]
      end
    end
    if not count then
      core.raise("vmap: no argument is a tensor to go over")
    end
    local results, n = {}, 0
    for k = 1, count do
      local given = {}
      for i = 1, args.n do
        given[i] = pieces[i] and pieces[i][k] or args[i]
      end
      local outs = table.pack(f(table.unpack(given, 1, args.n)))
      n = outs.n
      for i = 1, n do
        results[i] = results[i] or {}
        results[i][k] = core.is_tensor(outs[i]) and outs[i] or core.tensor(outs[i])
      end
    end
    for i = 1, n do
      results[i] = core.stack(results[i])
    end
    return table.unpack(results, 1, n)
  end
end

---Gives the gradients of each sample's loss by a module's parameters: a table from a parameter's name to a tensor whose dim 1
---goes over the samples.
---@param model nn.Module
---@param loss fun(output: nn.Tensor, target: nn.Tensor): nn.Tensor
---@param x nn.Tensor samples along dim 1
---@param y nn.Tensor targets along dim 1
---@return table<string, nn.Tensor>
---example:
---  > model = nn.Linear(2, 1)
---  > grads = nn.func.per_sample_gradients(model, nn.MSELoss(), nn.randn(5, 2), nn.randn(5, 1))
---  > grads.weight.shape
---  5x1x2
---see: nn.func.vmap, nn.grad
function M.per_sample_gradients(model, loss, x, y)
  want("per_sample_gradients", module.is_module(model), "takes a module first", model)
  for _, batch in ipairs({ { "samples", x }, { "targets", y } }) do
    want("per_sample_gradients", core.is_tensor(batch[2]), "takes a tensor of " .. batch[1], batch[2])
  end
  if #x ~= #y then
    core.raise(("per_sample_gradients: there are %d samples and %d targets"):format(#x, #y))
  end
  loss = options.gives_tensor("per_sample_gradients", "the loss", loss)
  local names, parameters, lists = {}, {}, {}
  for _, entry in ipairs(model:named_parameters()) do
    if entry[2].requires_grad then
      names[#names + 1], parameters[#parameters + 1], lists[#lists + 1] = entry[1], entry[2], {}
    end
  end
  for i = 1, #x do
    local value = core.enable_grad(function()
      return loss(model(x:narrow(1, i, 1)), y:narrow(1, i, 1))
    end)
    for k, g in ipairs(grads_of(value, parameters, {})) do
      lists[k][i] = g
    end
  end
  local out = {}
  for k, name in ipairs(names) do
    out[name] = #x == 0 and core.zeros({ 0, table.unpack(parameters[k].shape) }, { dtype = parameters[k].dtype })
      or core.stack(lists[k])
  end
  return out
end

return options.namespace("nn.func", M)
