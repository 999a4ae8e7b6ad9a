-- nn.io.torch_state: the names that PyTorch has for a model's parameters, and back.

local core = require "nn.core"
local options = require "nn.internal.options"

local M = {}

-- What PyTorch calls a parameter of a model: places of lists and layers of recurrent nets count from 0 there. Keys of a
-- ModuleDict are names, whatever they look like.
local function torch_name(model, name)
  local parts, at = {}, model
  for part in name:gmatch "[^.]+" do
    local place = math.tointeger(part)
    parts[#parts + 1] = place and core.entry_of(at) ~= "ModuleDict" and tostring(place - 1) or part
    local fields = core.fields(at) or type(at) == "table" and at or {}
    at = rawget(fields, part) or rawget(fields, place or part)
  end
  return (table.concat(parts, "."):gsub("([a-z]_[ih]h_l)(%d+)", function(stem, digits)
    return stem .. tostring(math.tointeger(digits) - 1)
  end))
end

-- What PyTorch's DataParallel puts before each name.
local function without_prefix(model, state)
  local out = {}
  for name, tensor in pairs(state) do
    local rest = tostring(name):match "^module%.(.+)$"
    if not rest or rawget(core.fields(model), "module") ~= nil then
      return state
    end
    out[rest] = tensor
  end
  return out
end

---Gives a state of PyTorch's the names that a model has here: lists count from 1 (0.weight is 1.weight) and so do layers of
---recurrent nets (weight_ih_l0 is weight_ih_l1); the "module." of DataParallel goes. What the model has and the state lacks, or
---the other way round, is an error. Options: strict (true; false: what is on one side only is left out, for
---model:load_state_dict(state, {strict = false})). Without a state: the model's own under PyTorch's names, for files that Python
---reads.
---@param model nn.Module
---@param state? table<string, nn.Tensor> what nn.load gives of a safetensors file that PyTorch wrote
---@param opts? {strict: boolean}
---@return table<string, nn.Tensor> state for model:load_state_dict
---example:
---  > model = nn.Sequential(nn.Linear(2, 3), nn.ReLU(), nn.Linear(3, 1))
---  > theirs = {["0.weight"] = nn.ones(3, 2), ["0.bias"] = nn.zeros(3), ["2.weight"] = nn.ones(1, 3), ["2.bias"] = nn.zeros(1)}
---  > model = model:load_state_dict(nn.io.torch_state(model, theirs))
---  > model(nn.ones(1, 2)):item()
---  6.0
---see: nn.Module:load_state_dict, nn.load, nn.io.safetensors
function M.torch_state(model, state, opts)
  if not core.is_module(model) then
    core.raise(("torch_state: the first argument must be a model, but is %s"):format(core.describe(model)))
  end
  local own = model:state_dict()
  if state == nil then
    local out = {}
    for name, tensor in pairs(own) do
      out[torch_name(model, name)] = tensor
    end
    return out
  elseif type(state) ~= "table" then
    core.raise(("torch_state: the state must be a table of tensors, but is %s"):format(core.describe(state)))
  end
  opts = options.read("torch_state", opts, { strict = { "boolean", true } })
  state = without_prefix(model, state)
  local out, used, missing = {}, {}, {}
  for name, tensor in pairs(own) do
    local theirs = torch_name(model, name)
    if state[theirs] ~= nil then
      out[name], used[theirs] = state[theirs], true
    elseif name:find "num_batches_tracked$" then
      out[name] = tensor
    else
      missing[#missing + 1] = ("'%s' (here '%s')"):format(theirs, name)
    end
  end
  local left = {}
  for name in pairs(state) do
    if not used[name] and not tostring(name):find "num_batches_tracked$" then
      left[#left + 1] = ("'%s'"):format(tostring(name))
    end
  end
  table.sort(missing)
  table.sort(left)
  if opts.strict and #missing + #left > 0 then
    local why = {}
    for words, list in pairs { ["it lacks "] = missing, ["the model lacks "] = left } do
      why[#why + 1] = #list > 0 and words .. table.concat(list, ", ", 1, math.min(6, #list)) or nil
    end
    table.sort(why)
    core.raise(("torch_state: the state does not fit the %s: %s; {strict = false} takes what fits"):format(model._name,
      table.concat(why, "; ")))
  end
  return out
end

return M
