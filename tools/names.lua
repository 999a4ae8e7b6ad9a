-- What NumPy's and PyTorch's names are called here: docs/reference/names.md. The names come from tests/golden/names.json
-- (made from the installed NumPy and PyTorch), the answers from lua/stdlib/nn/internal/names.lua. A name that is neither the same
-- here, nor called otherwise, nor left out with a reason is an error.

local nn = require "nn"
local core = require "nn.core"
local public = require "nn.internal.public"
local names = require "nn.internal.names"

local function words(text)
  return text:gmatch "%S+"
end

local both = require "nn.internal.aliases"
local alias = {}
for theirs, ours in pairs(both) do
  alias[theirs] = ours
end
for theirs, ours in pairs(names.renamed) do
  alias[theirs] = ours
end

local function reason_for(name)
  for _, group in ipairs(names.left_out) do
    for pattern in words(group[2]) do
      if name:find("^" .. pattern .. "$") then
        return group[1]
      end
    end
  end
end

return function(_, head)
  local f = assert(io.open "tests/golden/names.json")
  local data = assert(core.json_decode(f:read "a"))
  f:close()
  local out = { head, "# Names of NumPy and PyTorch\n", ([[
What the functions of NumPy %s and PyTorch %s are called here. The meaning is the same, with two exceptions: positions, dims
and classes count from 1, and a slice `{2, 5}` has both its ends. Options are named as in PyTorch (`dim`, `keepdim`).
]]):format(data.numpy_version, data.torch_version) }
  local order = { "numpy", "numpy.linalg", "torch", "torch.Tensor", "torch.nn.functional", "torch.linalg", "torch.special" }
  local same_count, unknown = 0, {}
  local reasons = {}
  for _, module in ipairs(order) do
    local same, others = {}, {}
    for _, name in ipairs(data.names[module]) do
      local here = (core[name] or (public.homes[name] or ""):find "^nn%.layers%.") and nn[name] or core.tensor_methods[name]
        or (module:find "linalg" and rawget(nn.linalg, name))
      local differs = names.differs[module .. "." .. name] or module == "torch.Tensor" and names.differs["torch." .. name]
      if differs then
        others[#others + 1] = ("| %s | %s |"):format(name, (differs:gsub("|", "\\|")))
      elseif here and not alias[name] then
        same[#same + 1] = name
      elseif alias[name] then
        local here_too = both[name] and ", by both names" or ""
        others[#others + 1] = ("| %s | `%s`%s |"):format(name, (alias[name]:gsub("|", "\\|")), here_too)
      else
        local why = reason_for(name)
        if why then
          reasons[why] = reasons[why] or {}
          reasons[why][name] = true
        else
          unknown[#unknown + 1] = module .. "." .. name
        end
      end
    end
    same_count = same_count + #same
    out[#out + 1] = ("## %s\n\nThe same here (%d): %s.\n"):format(module, #same, table.concat(same, ", "))
    if #others > 0 then
      out[#out + 1] = ("| %s | here |\n| --- | --- |\n%s\n"):format(module, table.concat(others, "\n"))
    end
  end
  for _, family in ipairs { { "torch.nn", nn, "nn" }, { "torch.optim", nn.optim, "optim" },
    { "torch.optim.lr_scheduler", nn.sched, "sched" }, { "torch.nn.init", nn.init, "init" } } do
    local module, here, where = table.unpack(family)
    local same, others, absent = {}, {}, {}
    for _, name in ipairs(data.names[module]) do
      local answer = names.answer(where, name)
      if pcall(function()
        return here[name] or error()
      end) then
        same[#same + 1] = name
      elseif answer and answer:find "not built" then
        absent[#absent + 1] = name
      elseif answer then
        others[#others + 1] = ("| %s | %s |"):format(name, answer:match "is here (.*)$" or answer)
      else
        unknown[#unknown + 1] = module .. "." .. name
      end
    end
    out[#out + 1] = ("## %s\n\nThe same here (%d): %s.\n"):format(module, #same, table.concat(same, ", "))
    if #absent > 0 then
      out[#out + 1] = ("Not built yet (%d): %s.\n"):format(#absent, table.concat(absent, ", "))
    end
    if #others > 0 then
      out[#out + 1] = ("| %s | here |\n| --- | --- |\n%s\n"):format(module, table.concat(others, "\n"))
    end
  end
  if #unknown > 0 then
    error("names without an answer (tools/names.lua): " .. table.concat(unknown, " "), 0)
  end
  out[#out + 1] = "## Left out\n"
  for _, group in ipairs(names.left_out) do
    local list = {}
    for name in pairs(reasons[group[1]] or {}) do
      list[#list + 1] = name
    end
    table.sort(list)
    if #list > 0 then
      out[#out + 1] = ("- **%s** (%d): %s"):format(group[1], #list, table.concat(list, ", "))
    end
  end
  return table.concat(out, "\n") .. "\n"
end
