-- Do the targets follow from the inputs at all? A test of independence, which needs no training; where it finds nothing, a copy
-- of the network is trained on some of the samples and asked about the others.

local core = require "nn.core"

local M = {}

-- ---- kernels ----

local function centered(k)
  local rows = k:mean(2, true)
  return k - rows - rows:t() + k:mean()
end

local function columns(t)
  t = t:detach():reshape(#t, -1):to "float64"
  local std = (t - t:mean(1, true)):square():mean(1, true):sqrt()
  return (t - t:mean(1, true)) / core.where(std:gt(0), std, core.ones_like(std))
end

local function squared_distances(z)
  local s = z:square():sum(2, true)
  return (s + s:t() - z:matmul(z:t()) * 2):clamp(0)
end

-- Alike by a straight line, and alike by nearness.
local function kernels_of_numbers(t, list)
  local z = columns(t)
  list[#list + 1] = z:matmul(z:t())
  local d = squared_distances(z)
  local middle = d:mean():item()
  if middle > 0 then
    list[#list + 1] = (d / -middle):exp()
    list[#list + 1] = (d * (-8 / middle)):exp()
  end
end

-- Numbers that name things: alike in the same places, and alike in what they hold.
local function kernels_of_names(t, list)
  local z = t:detach():reshape(#t, -1):to "int64"
  local n, width = #z, z:size(2)
  local same = core.zeros({ n, n }, { dtype = "float64" })
  for i = 1, math.min(width, 64) do
    local c = z:select(2, i)
    same = same + c:unsqueeze(1):eq(c:unsqueeze(2)):to "float64"
  end
  list[#list + 1] = same
  local low, high = z:min():item(), z:max():item()
  if high - low < 4096 and width > 1 then
    local counts = core.zeros({ n, high - low + 1 }, { dtype = "float64" })
    counts = counts:scatter_add(2, z - low + 1, core.ones({ n, width }, { dtype = "float64" }))
    kernels_of_numbers(counts, list)
  end
end

-- Mean and variance of sum(A * B) where B's samples are dealt out anew, over all orders (Kazi-Aoual et al. 1995): how far the
-- sum found lies from what independent samples give, in deviations. A and B are centered.
local function deviations(a, b)
  local n = a:size(1)
  local function traces(k)
    local d = k:diagonal()
    return d:sum():item(), k:square():sum():item(), d:square():sum():item()
  end
  local t, t2, s2 = traces(a)
  local u, u2, v2 = traces(b)
  local mean = t * u / (n - 1)
  local variance = 2 * ((n - 1) * t2 - t * t) * ((n - 1) * u2 - u * u) / ((n - 1) ^ 2 * (n + 1) * (n - 2))
    + (n * (n + 1) * s2 - (n - 1) * (t * t + 2 * t2)) * (n * (n + 1) * v2 - (n - 1) * (u * u + 2 * u2))
    / ((n + 1) * n * (n - 1) * (n - 2) * (n - 3))
  return variance > 0 and ((a * b):sum():item() - mean) / math.sqrt(variance) or 0
end

local function target_kernel(y)
  if y.dtype:find "float" then
    local z = columns(y)
    return z:matmul(z:t())
  end
  return y:unsqueeze(1):eq(y:unsqueeze(2)):to "float64"
end

local function finite(t)
  return not t.dtype:find "float" or t:isfinite():all():item()
end

---How many deviations the strongest relation between some features and the targets lies above chance.
---@param features nn.Tensor[] each samples x ...
---@param y nn.Tensor
---@return number
function M.relation(features, y)
  local target = centered(target_kernel(y))
  local list, most = {}, 0
  for _, t in ipairs(features) do
    if finite(t) then
      (t.dtype:find "float" and kernels_of_numbers or kernels_of_names)(t, list)
    end
  end
  for _, k in ipairs(list) do
    local c = centered(k)
    if c:square():sum():item() > 0 then
      most = math.max(most, deviations(c, target))
    end
  end
  return most
end

-- ---- the test ----

-- Fewer samples cannot tell: a relation that a network of use could learn is often below chance there.
M.least = 32
-- Above chance by so many deviations is a relation. The sum is skewed like a chi-square with few degrees of freedom, and the
-- strongest of up to a dozen kernels counts: of a thousand sets of random labels (32 to 256 samples) it was above 4.5 in two.
M.clear = 4.5
-- After training one relation is looked at, with samples that were not trained on.
M.learnt = 3

---Targets that this test understands: classes, or numbers for each sample.
function M.can_judge(y)
  return core.is_tensor(y) and y.ndim >= 1 and (y.dtype == "int64" and y.ndim == 1
    or y.dtype:find "float" and y.ndim <= 2 or (y.dtype:find "float" and y:numel() / #y <= 4096))
end

---@param batches table[] {x, y}
---@param most integer samples
---@return nn.Tensor x, nn.Tensor y
function M.gather(batches, most)
  local xs, ys, n = {}, {}, 0
  for _, b in ipairs(batches) do
    if n < most and b[1].ndim == batches[1][1].ndim and b[1][1].shape == batches[1][1][1].shape then
      xs[#xs + 1], ys[#ys + 1] = b[1], b[2]
      n = n + #b[1]
    end
  end
  local x, y = core.cat(xs, 1), core.cat(ys, 1)
  if #x > most then
    x, y = x:narrow(1, 1, most), y:narrow(1, 1, most)
  end
  return x, y
end

---True where the targets are not all the same.
function M.varies(y)
  return y:ne(y:narrow(1, 1, 1)):any():item()
end

---Trains a copy of a network on two thirds of the samples; how far its answers on the rest are related to the targets.
---@return number deviations
function M.learns(copy, loss, x, y, batch, steps)
  local n = #x
  local cut = n - math.max(M.least // 2, n // 3)
  local order = core.randperm(n)
  x, y = x:index_select(1, order), y:index_select(1, order)
  copy:train()
  local params = {}
  for _, p in ipairs(copy:parameters()) do
    params[#params + 1] = p.requires_grad and p or nil
  end
  if #params == 0 then
    return 0
  end
  local opt = require("nn").optim.Adam(params, { lr = 5e-3 })
  batch = math.max(8, math.min(batch, cut, 64))
  local at = 1
  core.enable_grad(function()
    for _ = 1, steps do
      if at + batch - 1 > cut then
        at = 1
      end
      opt:zero_grad()
      loss(copy(x:narrow(1, at, batch)), y:narrow(1, at, batch)):backward()
      opt:step()
      at = at + batch
    end
  end)
  copy:eval()
  return core.no_grad(function()
    local out = copy(x:narrow(1, cut + 1, n - cut))
    out = core.is_tensor(out) and out or core.zeros(n - cut, 1)
    return M.relation({ out }, y:narrow(1, cut + 1, n - cut))
  end)
end

return M
