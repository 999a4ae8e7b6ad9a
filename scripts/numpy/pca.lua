-- Principal components by the singular value decomposition (Pearson 1901).

local nn = require "nn"
local numbers = dofile "scripts/numpy/lib.lua"

local n, d = 200, 5
local mix = numbers(d * d, 1):reshape(d, d)
local x = (numbers(n * d):reshape(n, d) * nn.tensor({ 5, 3, 1, 0.5, 0.1 }, { dtype = "float64" })):matmul(mix)

local centred = x - x:mean(1, true)                                  -- x - x.mean(0, keepdims=True)
local _, s, vt = nn.linalg.svd(centred)                              -- u, s, vt = np.linalg.svd(..., full_matrices=False)
local variance = s:square() / (n - 1)
local share = variance / variance:sum()
local scores = centred:matmul(vt[{ { 1, 2 } }]:t())                  -- centred @ vt[:2].T

print("share of the variance", share)
print("scores", scores.shape, "covariance\n" .. tostring(nn.cov(scores:t())))
return share[1]:item()
