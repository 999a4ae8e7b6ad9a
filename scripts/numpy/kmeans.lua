-- k-means (Lloyd 1982). In NumPy the lines in comments.

local nn = require "nn"
local numbers = dofile "scripts/numpy/lib.lua"

local n, k = 300, 3
local centres = nn.tensor({ { 0, 0 }, { 4, 0 }, { 2, 3 } }, { dtype = "float64" })
local label = nn.arange(n) % k + 1                                   -- label = np.arange(n) % k
local x = centres[label] + numbers(2 * n):reshape(n, 2) * 2 - 1      -- x = centres[label] + ...

local c = x[{ { 1, k } }]:clone()                                    -- c = x[:k].copy()
local assigned
for _ = 1, 20 do
  assigned = nn.cdist(x, c):argmin(2)                                -- assigned = cdist(x, c).argmin(1)
  local hot = nn.one_hot(assigned, k):double()                       -- hot = np.eye(k)[assigned]
  c = hot:t():matmul(x) / hot:sum(1):unsqueeze(2)                    -- c = hot.T @ x / hot.sum(0)[:, None]
end
local inertia = (x - c[assigned]):square():sum():item()              -- ((x - c[assigned]) ** 2).sum()

print("sizes", table.concat(assigned:bincount():totable(), " "))
print("centres\n" .. tostring(c))
print(("inertia %.6f"):format(inertia))
return inertia
