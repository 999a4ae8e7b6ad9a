-- Homework 1: a mean, a greeting, a neuron.
return {
  seconds = 5, memory = "500M", -- for each check
  { name = "the mean of a list", points = 2, check = function(env)
    assert(env.mean { 1, 2, 3, 6 } == 3, "mean{1, 2, 3, 6} is 3")
    assert(env.mean { -1.5 } == -1.5, "the mean of one number is this number")
  end },
  { name = "the mean of an empty list is an error", points = 1, check = function(env)
    assert(env.mean { 1 } == 1 and not pcall(env.mean, {}), "mean{} gave a value")
  end },
  { name = "greets", points = 2, input = "Ada\n", output = "Hello, Ada!\n" },
  { name = "a neuron that learns AND", points = 4, check = function(env)
    local nn = require "nn"
    local x = nn.tensor { { 0, 0 }, { 0, 1 }, { 1, 0 }, { 1, 1 } }:float()
    local y = env.neuron(x):flatten():totable()
    local right = 0
    for i, want in ipairs { false, false, false, true } do
      right = right + ((y[i] > 0.5) == want and 1 or 0)
    end
    return right -- a number is the points
  end },
}
