/* Losses of regression: what is minimized says what noise is assumed. Names, settings and defaults are PyTorch's. */
#include "nn/loss.h"

static nl_tensor *b_half(nl_build *b, nl_tensor *x) {
  return b_times(b, x, 0.5);
}

NL_LOSS(absolute) {
  (void)p;
  return b_abs(b, b_sub(b, x, y));
}

NL_FIELDS(huber, reduction, delta)
NL_LOSS(huber) {
  double d = number_of(p, huber_delta);
  nl_tensor *a = b_abs(b, b_sub(b, x, y));
  nl_tensor *near = b_lt(b, a, nl_b_number(b, d)), *inside = b_half(b, b_mul(b, a, a));
  return b_where(b, near, inside, b_times(b, b_sub(b, a, nl_b_number(b, 0.5 * d)), d));
}

NL_FIELDS(smooth, reduction, beta)
NL_LOSS(smooth) {
  double beta = number_of(p, smooth_beta);
  nl_tensor *a = b_abs(b, b_sub(b, x, y));
  if (beta == 0) {
    return a;
  }
  nl_tensor *near = b_lt(b, a, nl_b_number(b, beta)), *inside = b_times(b, b_mul(b, a, a), 0.5 / beta);
  return b_where(b, near, inside, b_sub(b, a, nl_b_number(b, 0.5 * beta)));
}

NL_LOSS(log_cosh) {
  (void)p;
  nl_tensor *d = b_sub(b, x, y);
  return b_sub(b, b_add(b, d, b_softplus(b, b_times(b, d, -2))), nl_b_number(b, log(2)));
}

NL_FIELDS(quantile, reduction, q)
NL_LOSS(quantile) {
  double q = number_of(p, quantile_q);
  nl_tensor *d = b_sub(b, y, x);
  nl_tensor *above = b_times(b, d, q), *below = b_times(b, d, q - 1);
  return b_where(b, b_gt(b, d, nl_b_int(b, 0)), above, below);
}

NL_FIELDS(poisson, reduction, log_input, full, eps)
NL_LOSS(poisson) {
  nl_tensor *loss;
  if (flag_of(p, poisson_log_input)) {
    loss = b_sub(b, b_exp(b, x), b_mul(b, y, x));
  } else {
    loss = b_sub(b, x, b_mul(b, y, b_log(b, b_plus(b, x, number_of(p, poisson_eps)))));
  }
  if (flag_of(p, poisson_full)) { /* Stirling's term */
    nl_tensor *one = nl_b_int(b, 1), *large = b_gt(b, y, one), *safe = b_where(b, large, y, one);
    nl_tensor *term = b_sub(b, b_mul(b, y, b_log(b, safe)), y);
    term = b_add(b, term, b_half(b, b_log(b, b_times(b, safe, 2 * acos(-1)))));
    loss = b_add(b, loss, b_where(b, large, term, nl_b_int(b, 0)));
  }
  return loss;
}

/* ---- with a third tensor for the spread ---- */

NL_FIELDS(spread, reduction, full, eps)

/* At least eps, with the gradient of the spread itself. */
static nl_tensor *floored(nl_pass *p, nl_build *b, nl_tensor *spread) {
  nl_loss_within(p, spread, "is a variance or scale, which is not negative", 0, INFINITY,
                 "end that output with nn.Softplus()");
  nl_tensor *limited = nl_b_do(b, op_clamp(), "tt", spread, nl_b_number(b, number_of(p, spread_eps)));
  return b_add(b, spread, nl_b_detach(b, b_sub(b, limited, spread)));
}

NL_LOSS(gaussian) {
  nl_tensor *var = floored(p, b, p->in[2]), *logarithm = b_log(b, var);
  nl_tensor *loss = b_half(b, b_add(b, logarithm, b_div(b, b_square(b, b_sub(b, x, y)), var)));
  return flag_of(p, spread_full) ? b_plus(b, loss, 0.5 * log(2 * acos(-1))) : loss;
}

NL_LOSS(laplace) {
  nl_tensor *scale = floored(p, b, p->in[2]), *logarithm = b_log(b, scale);
  nl_tensor *loss = b_add(b, logarithm, b_div(b, b_abs(b, b_sub(b, x, y)), scale));
  return flag_of(p, spread_full) ? b_plus(b, loss, log(2)) : loss;
}

#define REGRESSION(loss, set, names, what, form, from, ex, function)                                                   \
  {                                                                                                                    \
    .name = loss, .settings = NL_REDUCTION set, .fields = names, .inputs = "input, target", .doc = what,               \
    .formula = form, .source = from, .example = "nn." loss "()" ex, .forward = function,                               \
    .predicts = NL_PREDICTS_VALUES                                                                                     \
  }
#define PAIR "(nn.tensor {1.0, 2.0}, nn.tensor {1.0, 5.0})"

static const nl_layer_entry entries[] = {
    {.name = "MSELoss",
     .function = "mse_loss",
     .settings = NL_REDUCTION,
     .inputs = "input, target",
     .doc = "The squared difference: the negative log-likelihood of Gaussian noise, up to constants.",
     .formula = "(input - target)^2",
     .source = "Gauss 1809",
     .example = "nn.MSELoss()" PAIR,
     .op = "mse_loss",
     .predicts = NL_PREDICTS_VALUES},
    REGRESSION("L1Loss", "", NULL,
               "The absolute difference: the negative log-likelihood of Laplace noise, up to constants.",
               "|input - target|", "Laplace 1774", PAIR, forward_absolute),
    REGRESSION("HuberLoss", ", delta: number = 1 in 0<..", huber_fields, "Quadratic within delta, linear beyond.",
               "d^2 / 2 where |d| < delta, else delta (|d| - delta / 2), d = input - target", "Huber 1964", PAIR,
               forward_huber),
    REGRESSION("SmoothL1Loss", ", beta: number = 1 in 0..", smooth_fields,
               "Huber's loss with delta = beta, divided by it.", "d^2 / (2 beta) where |d| < beta, else |d| - beta / 2",
               "Girshick 2015", PAIR, forward_smooth),
    REGRESSION("LogCoshLoss", "", NULL, "Between the square and the absolute value, smooth.",
               "log cosh(input - target)", NULL, PAIR, forward_log_cosh),
    REGRESSION("QuantileLoss", ", q: number = 0.5 in 0..1", quantile_fields, "Its minimum is the target's q-quantile.",
               "q d where d > 0, else (q - 1) d, d = target - input", "Koenker & Bassett 1978", PAIR, forward_quantile),
    {.name = "PoissonNLLLoss",
     .function = "poisson_nll_loss",
     .settings = NL_REDUCTION ", log_input: bool = true, full: bool = false, eps: number = 1e-8 in 0..",
     .fields = poisson_fields,
     .inputs = "input, target",
     .doc =
         "Targets are counts. log_input: the input is the logarithm of the rate, else the rate; full: with Stirling's "
         "term.",
     .formula = "exp(input) - target input, or input - target log(input + eps)",
     .example = "nn.PoissonNLLLoss()(nn.tensor {0.0, 1.0}, nn.tensor {1.0, 3.0})",
     .forward = forward_poisson},
    {.name = "GaussianNLLLoss",
     .function = "gaussian_nll_loss",
     .settings = NL_REDUCTION ", full: bool = false, eps: number = 1e-6 in 0..",
     .fields = spread_fields,
     .inputs = "mean, target, variance",
     .doc = "The negative log-likelihood of Gaussian noise whose variance (at least eps) is an output, too; full adds "
            "log(2 pi) / 2.",
     .formula = "1/2 (log var + (mean - target)^2 / var)",
     .source = "Nix & Weigend 1994",
     .example = "nn.GaussianNLLLoss()(nn.zeros(2), nn.ones(2), nn.ones(2))",
     .forward = forward_gaussian},
    {.name = "LaplaceNLLLoss",
     .function = "laplace_nll_loss",
     .settings = NL_REDUCTION ", full: bool = false, eps: number = 1e-6 in 0..",
     .fields = spread_fields,
     .inputs = "center, target, scale",
     .doc =
         "The negative log-likelihood of Laplace noise whose scale (at least eps) is an output, too; full adds log 2.",
     .formula = "log(scale) + |center - target| / scale",
     .example = "nn.LaplaceNLLLoss()(nn.zeros(2), nn.ones(2), nn.ones(2))",
     .forward = forward_laplace},
};

NL_LAYERS(regression, entries);
