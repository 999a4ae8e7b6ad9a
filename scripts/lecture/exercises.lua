-- Predict, then run: questions on the lecture whose answers an experiment gives. Each: the part, the question, choices, the
-- experiment and the parameters that make it quick, and how the choice that is right follows from its results.

-- The number of the only choice that holds.
local function of(...)
  for i = 1, select("#", ...) do
    if select(i, ...) then
      return i
    end
  end
end

return {
  { part = "Perceptrons", script = "02_perceptron_terminates", params = { seeds = 5 },
    ask = "The margin of the data gets ten times smaller, 0.1 to 0.01. The bound on the perceptron's updates grows about",
    choices = { "ten times", "a hundred times", "not at all, the data are separable" },
    answer = function(r)
      local growth = r.margin_0_01_bound / r.margin_0_1_bound
      return of(growth > 3 and growth < 30, growth >= 30, growth <= 3)
    end },
  { part = "Multi-layer perceptrons", script = "05_intermediate_layers", params = { seeds = 10, steps = 800 },
    ask = "Nets with four hidden units learn XOR by backpropagation. With threshold units (and their true derivative) it works",
    choices = { "as often as with tanh units", "less often: only the output layer learns", "more often: XOR is a step function" },
    answer = function(r)
      return of(math.abs(r.units_4_tanh - r.units_4_threshold) < 0.2, r.units_4_threshold < r.units_4_tanh,
        r.units_4_threshold > r.units_4_tanh)
    end },
  { part = "Activation functions", script = "06_linear_without_activation", params = { seeds = 4, epochs = 30 },
    ask = "Four linear layers without activations learn two moons. Compared with logistic regression the accuracy is",
    choices = { "much higher: there are 2,000 weights", "the same", "much lower" },
    answer = function(r)
      local gain = r.linear - r.logistic
      return of(gain > 0.05, math.abs(gain) <= 0.05, gain < -0.05)
    end },
  { part = "Universal approximation", script = "10_universal_approximation", params = {},
    ask = "Units with the activation z + z^2 + z^3, more and more of them, fit f(x, y) in the plane. The largest error",
    choices = { "goes to 0, as with tanh", "stays where it is from ten units on" },
    answer = function(r)
      return of(r.plane_60_polynomial < 0.5 * r.plane_20_polynomial, true)
    end },
  { part = "Gradients for logistic regression", script = "11_logistic_gradient", params = {},
    ask = "The four lines of the slide's derivation, computed in float64, differ by",
    choices = { "some percent: they are approximations", "rounding only" },
    answer = function(r)
      return of(r.worst > 1e-3, r.worst < 1e-12)
    end },
  { part = "Backpropagation", script = "12_backpropagation_by_hand", params = { seeds = 5 },
    ask = "dL/dh1 has four factors dh/dh more than dL/dh5. In a tanh net of six layers, compared with the output's, its size is",
    choices = { "smaller", "the same", "larger" },
    answer = function(r)
      return of(r.fall < 0.8, math.abs(r.fall - 1) <= 0.2, r.fall > 1.2)
    end },
  { part = "Vanishing gradient", script = "13_vanishing_gradient", params = { seeds = 4 },
    ask = "Which initial weights keep the gradient's size through many ReLU layers?",
    choices = { "PyTorch's default, U(-1/√k, 1/√k)", "Glorot's", "He's" },
    answer = function(r)
      local best, at = math.huge, nil
      for i, name in ipairs { "ReLU_default", "ReLU_Glorot", "ReLU_He" } do
        if math.abs(r[name] - 1) < best then
          best, at = math.abs(r[name] - 1), i
        end
      end
      return at
    end },
  { part = "Saturation", script = "14_saturation_and_noise", params = { seeds = 3 },
    ask = "All weights of a tanh net are made ten times larger, and most units saturate. From layer to layer the gradient now",
    choices = { "shrinks faster: tanh' is near 0", "grows" },
    answer = function(r)
      return of(r.weights_10_factor < 1, r.weights_10_factor > 1)
    end },
  { part = "Cures: gating", script = "42_gradient_through_time", params = { seeds = 3, steps = 40 },
    ask = "An LSTM's forget gates stand at sigma(4) = 0.98. Through its cells alone, 40 steps back, there is left of "
      .. "the gradient",
    choices = { "nothing, as in an RNN of radius 0.5", "about half" },
    answer = function(r)
      local left = r.k7 ^ 39
      return of(left < 0.1, left > 0.3 and left < 0.7)
    end },
  { part = "ReLUs", script = "20_dying_relus", params = { seeds = 3 },
    ask = "A high learning rate has killed half of the ReLUs. The rate is set right, and training goes on. The dead ones",
    choices = { "mostly come back", "mostly stay dead" },
    answer = function(r)
      local stay = r.after_ReLU_dead > 0.7 * r.after_shocked
      return of(not stay, stay)
    end },
  { part = "Losses", script = "22_losses_and_noise", params = { seeds = 4, sets = 50 },
    ask = "The noise is uniform. Which loss estimates the line best?",
    choices = { "mean-squared error", "absolute error", "Huber's" },
    answer = function(r)
      return of(r.uniform_MSE < math.min(r.uniform_L1, r.uniform_Huber), r.uniform_L1 < r.uniform_Huber, true)
    end },
  { part = "Weight initialization", script = "25_glorot_variances", params = { seeds = 2 },
    ask = "A ReLU net gets the slide's rule, √3 in the place of √6. Through four layers its activations",
    choices = { "keep their size", "shrink to about a sixteenth", "grow" },
    answer = function(r)
      return of(r.acts_3 > 0.5 and r.acts_3 < 2, r.acts_3 < 0.15, r.acts_3 > 2)
    end },
  { part = "Orthogonal weights", script = "26_orthogonal_and_linear_nets", params = { seeds = 2 },
    ask = "Ten Gaussian matrices, each scaled to determinant 1, are multiplied: 32 x 32. Within a factor 100 of the longest "
      .. "direction lie",
    choices = { "all 32 directions: the determinant is 1", "about half of them" },
    answer = function(r)
      return of(r.product_10_kept2 > 30, r.product_10_kept2 < 22)
    end },
  { part = "Regularization", script = "44_double_descent", params = { seeds = 6 },
    ask = "50 samples; the number of features grows from 10 to 500. The test error of the smallest fitting solution "
      .. "is worst with",
    choices = { "10", "50", "500" },
    answer = function(r)
      local few, equal, many = r.share_0_2_least, r.share_1_least, r.share_10_least
      return of(few > math.max(equal, many), equal > math.max(few, many), true)
    end },
  { part = "Dropout", script = "29_dropout_scaling", params = { seeds = 5, n = 800, epochs = 12, width = 128 },
    ask = "After training with dropout (the paper's form) the factor 1 - p is forgotten. What suffers?",
    choices = { "the accuracy: it falls to chance", "the loss: the net is too sure; the accuracy hardly changes", "nothing" },
    answer = function(r)
      local lost, dearer = r.activations_x_1_p_ - r.no_scaling, r.no_scaling_loss - r.activations_x_1_p_loss
      return of(lost > 0.2, lost < 0.05 and dearer > 0.01, true)
    end },
  { part = "Batch normalization", script = "34_l2_weight_decay", params = { seeds = 2 },
    ask = "All weights in front of a batch norm are divided by 10. The net's outputs",
    choices = { "are ten times smaller", "do not change", "change in an unforeseeable way" },
    answer = function(r)
      return of(r.by_norm > 0.5, r.by_norm < 1e-6, true)
    end },
  { part = "L1 weight decay", script = "36_l1_sparsity", params = { seeds = 2 },
    ask = "0.02 sum |w| is added to the loss, and a net is trained by gradient descent. How many weights are exactly 0?",
    choices = { "most of them: L1 makes sparse", "none" },
    answer = function(r)
      return of(r.nets_zeros_2 > 0.3, r.nets_zeros_2 == 0)
    end },
  { part = "Neurons", script = "39_spiking_neuron", params = { seeds = 5 },
    ask = "A leaky neuron gets its impulses spread over 50 ms; its charge leaks with 20 ms. Compared with the threshold "
      .. "unit it fires",
    choices = { "exactly when that does", "less often in all", "more often in all" },
    answer = function(r)
      return of(r.agree_50 == 1, r.sent_50 < r.unit, r.sent_50 > r.unit)
    end },
}
