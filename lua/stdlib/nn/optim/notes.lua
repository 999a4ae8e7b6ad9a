-- What nn.help says of the optimizers of src/optim/rules.c beyond their table: the step as a formula, what options mean,
-- related ones, and the weights after a step of the example (lr, from w = 1, -2 with the gradient 2, -4).

local M = {}

-- Options of more than one rule.
M.options = {
  lr = "the learning rate",
  weight_decay = "a share wd of w that is added to the gradient",
  maximize = "go up the gradient instead of down",
  eps = "added to the denominator, against a division by 0",
  betas = "the decay rates b1, b2 of the averages",
  momentum = "the share of the last direction that is kept",
}

local decoupled = "each step shrinks w by lr wd w, beside the gradient"

M.rules = {
  SGD = {
    formula = "w <- w - lr g; with momentum w <- w - lr v, v <- momentum v + g.",
    lr = 0.1, after = "tensor([ 0.8, -1.6], shape=2, float32)", see = "nn.optim.Adam, nn.optim.SignSGD, nn.sched.OneCycleLR",
    options = { dampening = "v <- momentum v + (1 - dampening) g",
      nesterov = "Nesterov's momentum: w <- w - lr (g + momentum v); needs momentum and no dampening" } },
  Adam = {
    formula = "w <- w - lr m' / (sqrt(v') + eps) with m <- b1 m + (1 - b1) g, v <- b2 v + (1 - b2) g^2,\n"
      .. "and m', v' without the bias of their beginning at 0.",
    lr = 0.1, after = "tensor([ 0.9, -1.9], shape=2, float32)", see = "nn.optim.AdamW, nn.optim.SGD, nn.optim.RAdam" },
  AdamW = {
    formula = "w <- (1 - lr wd) w - lr m' / (sqrt(v') + eps), as Adam; the usual choice for transformers.",
    lr = 0.1, after = "tensor([ 0.8990, -1.8980], shape=2, float32)", see = "nn.optim.Adam, nn.optim.groups, nn.optim.LAMB",
    options = { weight_decay = decoupled } },
  Adagrad = {
    formula = "w <- w - lr g / (sqrt(sum of g^2) + eps).",
    lr = 0.1, after = "tensor([ 0.9, -1.9], shape=2, float32)", see = "nn.optim.Adadelta, nn.optim.RMSprop",
    options = { lr_decay = "in step t the rate is lr / (1 + (t - 1) lr_decay)",
      initial_accumulator_value = "what the sum of squares begins with" } },
  Adadelta = {
    formula = "w <- w - lr d with d = g sqrt(average d^2 + eps) / sqrt(average g^2 + eps).",
    lr = 1, after = "tensor([ 0.9968, -1.9968], shape=2, float32)", see = "nn.optim.Adagrad, nn.optim.RMSprop",
    options = { rho = "the decay rate of both averages" } },
  RMSprop = {
    formula = "w <- w - lr g / (sqrt(v) + eps), v <- alpha v + (1 - alpha) g^2; centered: Graves 2013.",
    lr = 0.01, after = "tensor([ 0.9, -1.9], shape=2, float32)", see = "nn.optim.Adam, nn.optim.Adagrad",
    options = { alpha = "the decay rate of the average square",
      centered = "divides by the deviation: sqrt(v - (average g)^2)" } },
  Rprop = {
    formula = "w <- w - size sign(g); the size grows while the sign stays, and shrinks when it changes. For full batches.",
    lr = 0.1, after = "tensor([ 0.9, -1.9], shape=2, float32)", see = "nn.optim.SignSGD, nn.optim.LBFGS",
    options = { lr = "the first step size", etas = "its factors after the sign changed, and after it did not",
      step_sizes = "the least and the largest" } },
  Adamax = {
    formula = "w <- w - lr m' / (u + eps), u <- max(b2 u, |g|).",
    lr = 0.1, after = "tensor([ 0.9, -1.9], shape=2, float32)", see = "nn.optim.Adam, nn.optim.NAdam" },
  NAdam = {
    formula = "As Adam, with this batch's gradient in place of the oldest part of the average; as the paper has it "
      .. "(PyTorch 1.13 multiplies by b1 once more).",
    lr = 0.1, after = "tensor([ 0.8944, -1.8944], shape=2, float32)", see = "nn.optim.Adam, nn.optim.SGD",
    options = { momentum_decay = "b1 in step t is b1 (1 - 0.96^(t momentum_decay) / 2)" } },
  RAdam = {
    formula = "As Adam, but by m' alone until the average square is sure enough to divide by.",
    lr = 0.1, after = "tensor([ 0.8, -1.6], shape=2, float32)", see = "nn.optim.Adam, nn.sched.LinearLR" },
  LAMB = {
    formula = "As AdamW, but each tensor's step is scaled by |w| / |step|, so that layers move by a like share.",
    lr = 0.1, after = "tensor([ 0.8419, -1.8419], shape=2, float32)", see = "nn.optim.AdamW, nn.optim.Adam" },
  Lion = {
    formula = "w <- (1 - lr wd) w - lr sign(b1 m + (1 - b1) g), then m <- b2 m + (1 - b2) g.",
    lr = 0.1, after = "tensor([ 0.9, -1.9], shape=2, float32)", see = "nn.optim.SignSGD, nn.optim.AdamW",
    options = { weight_decay = decoupled } },
  SignSGD = {
    formula = "w <- (1 - lr wd) w - lr sign(m), m <- momentum m + (1 - momentum) g (Signum); without momentum sign(g).",
    lr = 0.1, after = "tensor([ 0.9, -1.9], shape=2, float32)", see = "nn.optim.Lion, nn.optim.SGD",
    options = { weight_decay = decoupled, momentum = "the decay rate of the average; 0: the gradient's own sign" } },
  ASGD = {
    formula = "The average, which is what to use in the end, is the second result of opt.state:get(parameter).",
    lr = 0.1, after = "tensor([ 0.8, -1.6], shape=2, float32)", see = "nn.optim.AveragedModel, nn.optim.SGD",
    options = { lambd = "in step t the rate is lr / (1 + lambd lr (t - 1))^alpha, and w shrinks by lambd times that",
      alpha = "the power of the falling rate", t0 = "the step at which the average begins" } },
}

return M
