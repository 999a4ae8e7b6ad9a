-- Ridge regression as a least squares problem with rows added (Hoerl & Kennard 1970).

local nn = require "nn"
local numbers = dofile "scripts/numpy/lib.lua"

local n, d, lambda = 100, 6, 0.5
local x = numbers(n * d):reshape(n, d) * 2 - 1
local truth = nn.linspace(-2, 3, d, { dtype = "float64" })
local y = x:matmul(truth) + (numbers(n, 7) - 0.5) * 0.3              -- x @ truth + ...

local a = nn.vstack { x, nn.eye(d, { dtype = "float64" }) * math.sqrt(lambda) }   -- np.vstack([x, sqrt(lambda) * np.eye(d)])
local b = nn.hstack { y, nn.zeros(d, { dtype = "float64" }) }        -- np.hstack([y, np.zeros(d)])
local w, residual = nn.linalg.lstsq(a, b)                            -- w, residual, *_ = np.linalg.lstsq(a, b, rcond=None)

print("w    ", w)
print("truth", truth)
print(("squared error %.6f"):format(residual:item()))
return w:norm():item()
