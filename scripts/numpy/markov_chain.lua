-- A Markov chain: its stationary distribution from eigenvectors, from powers, and from a walk.

local nn = require "nn"

local P = nn.tensor({ { 0.9, 0.075, 0.025 }, { 0.15, 0.8, 0.05 }, { 0.25, 0.25, 0.5 } }, { dtype = "float64" })

local values, _, vectors = nn.linalg.eig(P:t())                      -- values, vectors = np.linalg.eig(P.T)
local one = (values - 1):abs():argmin():item()
local stationary = vectors[{ {}, one }] / vectors[{ {}, one }]:sum()
local power = nn.linalg.matrix_power(P, 200)[1]                      -- np.linalg.matrix_power(P, 200)[0]

nn.manual_seed(1)
local state, visits = 1, nn.zeros(3)
for _ = 1, 5000 do
  state = nn.multinomial(P[state], 1):item()                         -- rng.choice(3, p=P[state])
  visits[state] = visits[state] + 1
end

print("eigenvector", stationary)
print("power      ", power)
print("walk       ", visits / visits:sum())
assert(stationary:allclose(power))
assert(((visits / visits:sum()) - stationary):abs():max():item() < 0.05)
return stationary[1]:item()
