-- Einstein's notation: nn.einsum("bij,bjk->bik", x, y). Made of permute, diagonal, sum and matmul, so gradients, compiling
-- and profiling are theirs.

local core = require "nn.core"

local M = {}

local function fail(text, ...)
  core.raise("einsum: " .. text:format(...))
end

-- "b...ij" -> {"b", "...", "i", "j"}
local function letters(term, equation)
  local list, dots = {}, false
  local i = 1
  while i <= #term do
    if term:sub(i, i + 2) == "..." then
      if dots then
        fail("'%s' has two ellipses in one term", equation)
      end
      dots = true
      list[#list + 1] = "..."
      i = i + 3
    else
      local c = term:sub(i, i)
      if not c:find "%a" then
        fail("'%s' has the character '%s'; dims are letters, and '...' stands for those that are not named", equation, c)
      end
      list[#list + 1] = c
      i = i + 1
    end
  end
  return list
end

local function parse(equation)
  if type(equation) ~= "string" then
    fail("the first argument is the equation, e.g. \"ij,jk->ik\", but it is %s", core.describe(equation))
  end
  local plain = equation:gsub("%s", "")
  local left, right = plain:match "^(.-)%->(.*)$"
  local terms = {}
  for term in ((left or plain) .. ","):gmatch "([^,]*)," do
    terms[#terms + 1] = letters(term, equation)
  end
  return terms, right and letters(right, equation)
end

-- Replaces "..." by labels "1", "2", ... counted from the last dim that it stands for.
local function name_dims(terms, tensors, equation)
  local operands, most = {}, 0
  for k, term in ipairs(terms) do
    local x, labels, named = tensors[k], {}, 0
    for _, l in ipairs(term) do
      named = named + (l == "..." and 0 or 1)
    end
    local open = x.ndim - named
    local dotted = #term > named
    if open < 0 or (open > 0 and not dotted) then
      fail("term %d of '%s' names %d dims, but its tensor has shape %s", k, equation, named, tostring(x.shape))
    end
    most = dotted and math.max(most, open) or most
    for _, l in ipairs(term) do
      if l == "..." then
        for d = open, 1, -1 do
          labels[#labels + 1] = tostring(d)
        end
      else
        labels[#labels + 1] = l
      end
    end
    operands[k] = { x = x, labels = labels }
  end
  return operands, most
end

local function output_labels(right, terms, most, equation)
  local dots, out, count, names = {}, {}, {}, {}
  for d = most, 1, -1 do
    dots[#dots + 1] = tostring(d)
  end
  for _, term in ipairs(terms) do
    for _, l in ipairs(term) do
      if l ~= "..." then
        count[l] = (count[l] or 0) + 1
        names[#names + 1] = count[l] == 1 and l or nil
      end
    end
  end
  if not right then -- without an arrow: what stands once, in the order of the alphabet
    table.move(dots, 1, #dots, 1, out)
    table.sort(names)
    for _, l in ipairs(names) do
      if count[l] == 1 then
        out[#out + 1] = l
      end
    end
    return out
  end
  local seen = {}
  for _, l in ipairs(right) do
    if l == "..." then
      table.move(dots, 1, #dots, #out + 1, out)
    else
      if not count[l] or seen[l] then
        fail("'%s': the result's dim '%s' %s", equation, l, seen[l] and "stands twice" or "is in no term")
      end
      seen[l] = true
      out[#out + 1] = l
    end
  end
  return out
end

-- A dim named twice within one tensor: its diagonal.
local function take_diagonals(o, equation)
  local i = 1
  while i <= #o.labels do
    local again
    for k = i + 1, #o.labels do
      again = again or (o.labels[k] == o.labels[i] and k)
    end
    if again then
      if o.x:size(i) ~= o.x:size(again) then
        fail("'%s': dim '%s' has %d and %d elements in one tensor (shape %s)", equation, o.labels[i], o.x:size(i),
          o.x:size(again), tostring(o.x.shape))
      end
      o.x = core.diagonal(o.x, 0, i, again)
      local label = o.labels[i]
      table.remove(o.labels, again)
      table.remove(o.labels, i)
      o.labels[#o.labels + 1] = label
    else
      i = i + 1
    end
  end
end

-- The size of each label; dims of one element broadcast, and are dropped where others have more.
local function settle_sizes(operands, equation)
  local size = {}
  for _, o in ipairs(operands) do
    for d, l in ipairs(o.labels) do
      local n = o.x:size(d)
      if size[l] and size[l] ~= n and size[l] ~= 1 and n ~= 1 then
        fail("'%s': dim '%s' has %d elements in one tensor and %d in another", equation, l, size[l], n)
      end
      size[l] = (not size[l] or size[l] == 1) and n or size[l]
    end
  end
  for _, o in ipairs(operands) do
    for d = #o.labels, 1, -1 do
      if o.x:size(d) == 1 and size[o.labels[d]] ~= 1 then
        o.x = o.x:squeeze(d)
        table.remove(o.labels, d)
      end
    end
  end
  return size
end

local function set_of(list)
  local set = {}
  for _, l in ipairs(list) do
    set[l] = true
  end
  return set
end

-- Sums out what only this operand has and nobody needs.
local function sum_out(o, needed)
  local dims, labels = {}, {}
  for d, l in ipairs(o.labels) do
    if needed[l] then
      labels[#labels + 1] = l
    else
      dims[#dims + 1] = d
    end
  end
  if #dims > 0 then
    o = { x = o.x:sum(dims), labels = labels }
  end
  return o
end

local function permuted(o, labels)
  local at, order = {}, {}
  for d, l in ipairs(o.labels) do
    at[l] = d
  end
  local plain = true
  for i, l in ipairs(labels) do
    order[i] = at[l]
    plain = plain and order[i] == i
  end
  return plain and o.x or o.x:permute(order)
end

local function concat(...)
  local out = {}
  for _, list in ipairs { ... } do
    table.move(list, 1, #list, #out + 1, out)
  end
  return out
end

-- Two operands into one, as a product of batches of matrices; `needed` labels stay.
local function join(a, b, needed, size)
  local in_a, in_b = set_of(a.labels), set_of(b.labels)
  local wanted_a, wanted_b = {}, {}
  for l in pairs(in_a) do
    wanted_a[l] = needed[l] or in_b[l]
  end
  for l in pairs(in_b) do
    wanted_b[l] = needed[l] or in_a[l]
  end
  a, b = sum_out(a, wanted_a), sum_out(b, wanted_b)
  local batch, inner, rows, cols = {}, {}, {}, {}
  for _, l in ipairs(a.labels) do
    local list = in_b[l] and (needed[l] and batch or inner) or rows
    list[#list + 1] = l
  end
  for _, l in ipairs(b.labels) do
    if not in_a[l] then
      cols[#cols + 1] = l
    end
  end
  local function count(list)
    local n = 1
    for _, l in ipairs(list) do
      n = n * size[l]
    end
    return n
  end
  local labels = concat(batch, rows, cols)
  local shape = {}
  for i, l in ipairs(labels) do
    shape[i] = size[l]
  end
  local x = permuted(a, concat(batch, rows, inner)):reshape(count(batch), count(rows), count(inner))
  local y = permuted(b, concat(batch, inner, cols)):reshape(count(batch), count(inner), count(cols))
  return { x = x:matmul(y):reshape(shape), labels = labels }
end

-- The labels that the product of the operands in a set keeps, and the multiplications of joining two sets.
local function plan(operands, out, size)
  local n = #operands
  local needed_outside = {} -- of a set (a bit mask): labels that others or the result have
  local function kept(mask)
    if not needed_outside[mask] then
      local inside, list = {}, {}
      local outside = set_of(out)
      for k, o in ipairs(operands) do
        for _, l in ipairs(o.labels) do
          if mask >> (k - 1) & 1 == 1 then
            inside[l] = true
          else
            outside[l] = true
          end
        end
      end
      for l in pairs(inside) do
        if outside[l] then
          list[#list + 1] = l
        end
      end
      needed_outside[mask] = list
    end
    return needed_outside[mask]
  end
  local function cost(a, b)
    local c = 1.0
    for l in pairs(set_of(concat(kept(a), kept(b)))) do
      c = c * size[l]
    end
    return c
  end
  local full = (1 << n) - 1
  if n > 8 then -- greedy: always the cheapest pair
    local groups, steps = {}, {}
    for k = 1, n do
      groups[k] = 1 << (k - 1)
    end
    while #groups > 1 do
      local best, bi, bj = math.huge, 1, 2
      for i = 1, #groups do
        for j = i + 1, #groups do
          local c = cost(groups[i], groups[j])
          if c < best then
            best, bi, bj = c, i, j
          end
        end
      end
      steps[#steps + 1] = { groups[bi], groups[bj] }
      groups[bi] = groups[bi] | groups[bj]
      table.remove(groups, bj)
    end
    return steps, kept
  end
  local best, cut = {}, {}
  for mask = 1, full do
    best[mask] = mask & (mask - 1) == 0 and 0 or math.huge
    local part = (mask - 1) & mask
    while part > 0 do
      local other = mask ~ part
      if part > other then
        local c = best[part] + best[other] + cost(part, other)
        if c < best[mask] then
          best[mask], cut[mask] = c, part
        end
      end
      part = (part - 1) & mask
    end
  end
  local steps = {}
  local function walk(mask)
    if cut[mask] then
      walk(cut[mask])
      walk(mask ~ cut[mask])
      steps[#steps + 1] = { cut[mask], mask ~ cut[mask] }
    end
  end
  walk(full)
  return steps, kept
end

---Computes sums of products in Einstein's notation. Dims with the same letter go together; those that the result does not name
---are summed over. `...` stands for dims that are not named, which broadcast. Without `->` the result has the letters that
---stand once, in the order of the alphabet. The order of the products is the one with the fewest multiplications (up to 8
---tensors; beyond, the cheapest pair first).
---@param equation string e.g. "bij,bjk->bik"
---@param ... nn.Tensor
---@return nn.Tensor
---example:
---  > a, b = nn.tensor {{1, 2}, {3, 4}}, nn.tensor {{1, 0}, {0, 2}}
---  > nn.einsum("ij,jk->ik", a, b)
---  tensor([[1, 4],
---          [3, 8]], shape=2x2, int64)
---  > nn.einsum("ii", a)
---  tensor(5, int64)
---see: nn.matmul, nn.tensordot, nn.bmm
function M.einsum(equation, ...)
  local tensors = { ... }
  if #tensors == 1 and type(tensors[1]) == "table" then
    tensors = tensors[1]
  end
  local terms, right = parse(equation)
  if #terms ~= #tensors then
    fail("'%s' has %d terms, but there are %d tensors", equation, #terms, #tensors)
  end
  for k, x in ipairs(tensors) do
    if not core.is_tensor(x) then
      fail("argument %d must be a tensor, but is %s", k + 1, core.describe(x))
    end
  end
  local operands, most = name_dims(terms, tensors, equation)
  local out = output_labels(right, terms, most, equation)
  for _, o in ipairs(operands) do
    take_diagonals(o, equation)
  end
  local size = settle_sizes(operands, equation)
  local steps, kept = plan(operands, out, size)
  local value = {}
  for k, o in ipairs(operands) do
    value[1 << (k - 1)] = o
  end
  for _, step in ipairs(steps) do
    local a, b = step[1], step[2]
    value[a | b] = join(value[a], value[b], set_of(kept(a | b)), size)
  end
  local last = sum_out(value[(1 << #operands) - 1], set_of(out))
  return permuted(last, out)
end

return M
