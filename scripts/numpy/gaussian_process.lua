-- Regression with a Gaussian process (Rasmussen & Williams 2006, algorithm 2.1).

local nn = require "nn"
local numbers = dofile "scripts/numpy/lib.lua"

local function kernel(a, b)                                          -- np.exp(-0.5 * (a[:, None] - b) ** 2)
  return ((a:unsqueeze(2) - b):square() * -0.5):exp()
end

local x = numbers(20):mul(10):sort()
local y = x:sin() + (numbers(20, 3) - 0.5) * 0.1
local at = nn.linspace(0, 10, 50, { dtype = "float64" })

local K = kernel(x, x) + nn.eye(20, { dtype = "float64" }) * 0.01
local L = nn.linalg.cholesky(K)                                      -- np.linalg.cholesky(K)
local alpha = nn.cholesky_solve(y:unsqueeze(2), L):squeeze(2)
local mean = kernel(at, x):matmul(alpha)
local v = nn.linalg.solve_triangular(L, kernel(x, at))               -- scipy.linalg.solve_triangular(L, ..., lower=True)
local spread = (1 - v:square():sum(1)):sqrt()
local evidence = -0.5 * y:dot(alpha) - L:diagonal():log():sum() - 10 * math.log(2 * math.pi)

print(("at %.1f: %.4f +- %.4f (sin: %.4f)"):format(at[25]:item(), mean[25]:item(), spread[25]:item(), at[25]:sin():item()))
print(("log marginal likelihood %.6f"):format(evidence:item()))
return evidence:item()
