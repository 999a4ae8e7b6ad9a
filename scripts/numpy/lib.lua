-- Numbers that look random and are the same in every language: for these scripts, and for the golden values that NumPy
-- computed for them (tests/golden/make_scripts.py).

local nn = require "nn"

---n numbers in [0, 1).
return function(n, seed)
  local i = nn.arange(1, n + 1, { dtype = "float64" }) + (seed or 0) * 1000
  return ((i * 12.9898):sin() * 43758.5453):remainder(1)
end
