/* Layers that disturb what passes through them while training, against co-adaptation and overfitting. */
#include "nn/pass.h"

NL_FIELDS(dropout, p, inverted)

NL_FORWARD(dropout) {
  double rate = number_of(p, dropout_p);
  bool inverted = flag_of(p, dropout_inverted);
  if (rate == 0 || (inverted && is_resting(p))) {
    return x;
  }
  nl_tensor *y = is_resting(p) ? x : nl_b_do(b, op_dropout(), "tn", x, rate);
  return inverted ? y : b_times(b, y, 1 - rate);
}

/* Zeros and ones (kept with probability 1 - rate) of a shape, in x's dtype. */
static nl_tensor *keep_mask(nl_build *b, const nl_tensor *x, const int64_t *shape, double rate) {
  int64_t dtype = nl_tensor_dtype(x);
  nl_tensor *drawn = nl_b_do(b, op_rand(), "li", x->ndim, shape, dtype);
  return nl_b_cast(b, b_ge(b, drawn, nl_b_number(b, rate)), (nl_dtype)dtype);
}

NL_FIELDS(drop, p)

static nl_tensor *nothing_of(nl_build *b, nl_tensor *x) {
  return b_mul(b, x, nl_b_int(b, 0));
}

/* Whole channels: the mask has size 1 in the dims after the second. */
NL_FORWARD(drop_channels) {
  double rate = number_of(p, drop_p);
  int64_t shape[NL_MAX_DIM];
  if (is_resting(p) || rate == 0) {
    return x;
  } else if (rate == 1) {
    return nothing_of(b, x);
  }
  for (int d = 0; d < x->ndim; d++) {
    shape[d] = d < 2 ? x->shape[d] : 1;
  }
  return b_mul(b, x, b_div(b, keep_mask(b, x, shape, rate), nl_b_number(b, 1 - rate)));
}

/* Units are set to SELU's negative limit; a and -a rate low move and scale the result so that mean and variance stay.
 */
NL_FORWARD(alpha_dropout) {
  double rate = number_of(p, drop_p);
  if (is_resting(p) || rate == 0) {
    return x;
  } else if (rate == 1) {
    return nothing_of(b, x);
  }
  const double low = -1.0507009873554804934193349852946 * 1.6732632423543772848170429916717;
  double a = pow((1 - rate) * (1 + rate * low * low), -0.5);
  nl_tensor *keep = keep_mask(b, x, x->shape, rate);
  nl_tensor *mixed = b_add(b, b_mul(b, x, keep), b_times(b, b_minus_from(b, 1, keep), low));
  return b_sub(b, b_times(b, mixed, a), nl_b_number(b, a * low * rate));
}

NL_FORWARD(gaussian_dropout) {
  double rate = number_of(p, drop_p);
  if (is_resting(p) || rate == 0) {
    return x;
  }
  nl_tensor *noise = b_times(b, nl_b_do(b, op_randn_like(), "t", x), sqrt(rate / (1 - rate)));
  return b_mul(b, x, b_plus(b, noise, 1));
}

NL_FIELDS(noise, std)

NL_FORWARD(gaussian_noise) {
  double std = number_of(p, noise_std);
  if (is_resting(p) || std == 0) {
    return x;
  }
  return b_add(b, x, b_times(b, nl_b_do(b, op_randn_like(), "t", x), std));
}

NL_FIELDS(drop_connect, layer, p)

NL_FORWARD(drop_connect) {
  double rate = number_of(p, drop_connect_p);
  if (is_resting(p) || rate == 0) {
    return p->host->call(p, drop_connect_layer, x);
  }
  nl_tensor *w = p->host->tensor_in(p, drop_connect_layer, "weight");
  return p->host->call_with(p, drop_connect_layer, "weight", nl_b_do(b, op_dropout(), "tn", w, rate), x);
}

/* Takes no weight out of the layer; only looks whether there is one. */
static void make_drop_connect(nl_making *m) {
  m->want(m, drop_connect_layer, "weight", false);
}

#define CHANNELS(layer, name_of_function, shape)                                                                       \
  {                                                                                                                    \
    .name = layer, .function = name_of_function, .settings = "p: number = 0.5 in 0..1", .fields = drop_fields,         \
    .inputs = "x", .accepts = shape,                                                                                   \
    .doc = "Drops whole channels of each sample with probability p while training, and scales the others by 1/(1-p).", \
    .source = "Tompson et al. 2015", .example = "nn." layer "(0.2)", .forward = forward_drop_channels                  \
  }

static const nl_layer_entry entries[] = {
    {.name = "Dropout",
     .function = "dropout",
     .settings = "p: number = 0.5 in 0..1 | inverted: bool = true",
     .fields = dropout_fields,
     .inputs = "x",
     .doc = "While training, sets each element to 0 with probability p, anew for each unit of each sample. inverted = "
            "true (the default, and PyTorch's form) scales the others by 1/(1-p) at once and does nothing in "
            "evaluation; inverted = false is the paper's and the lecture's form: no scaling while training, times 1-p "
            "in evaluation.",
     .formula = "y = m x / (1 - p) with m from Bernoulli(1 - p)",
     .source = "Srivastava et al. 2014",
     .example = "nn.Dropout(0.3):eval()(nn.ones(3))",
     .forward = forward_dropout},
    CHANNELS("Dropout1d", "dropout1d", "batch x channels x length"),
    CHANNELS("Dropout2d", "dropout2d", "batch x channels x height x width"),
    CHANNELS("Dropout3d", "dropout3d", "batch x channels x depth x height x width"),
    {.name = "AlphaDropout",
     .function = "alpha_dropout",
     .settings = "p: number = 0.5 in 0..1",
     .fields = drop_fields,
     .inputs = "x",
     .doc = "Dropout for SELU nets: units are set to SELU's negative limit, and the result is moved and scaled so that "
            "mean and variance stay.",
     .source = "Klambauer et al. 2017",
     .example = "nn.AlphaDropout(0.1)",
     .forward = forward_alpha_dropout},
    {.name = "GaussianDropout",
     .settings = "p: number = 0.5 in 0..<1",
     .fields = drop_fields,
     .inputs = "x",
     .doc = "x times noise from N(1, p / (1 - p)), the Gaussian with dropout's variance, while training.",
     .formula = "y = x (1 + sqrt(p / (1 - p)) e) with e from N(0, 1)",
     .source = "Srivastava et al. 2014, section 10",
     .example = "nn.GaussianDropout(0.2)",
     .forward = forward_gaussian_dropout},
    {.name = "GaussianNoise",
     .settings = "std: number = 0.1 in 0..",
     .fields = noise_fields,
     .inputs = "x",
     .doc = "x plus noise from N(0, std^2) while training; for small noise, a penalty on the slope.",
     .formula = "y = x + std e with e from N(0, 1)",
     .source = "Bishop 1995",
     .example = "nn.GaussianNoise(0.05)",
     .forward = forward_gaussian_noise},
    {.name = "DropConnect",
     .settings = "layer: layer, p: number = 0.5 in 0..<1",
     .fields = drop_connect_fields,
     .inputs = "x",
     .doc = "A layer whose weights, not units, are dropped: a mask over its weight for each batch, scaled by 1/(1-p); "
            "the mean weights in evaluation. (The paper draws a mask for each sample.)",
     .source = "Wan et al. 2013",
     .example = "nn.DropConnect(nn.Linear(3, 4), 0.3)",
     .make = make_drop_connect,
     .forward = forward_drop_connect},
};

NL_LAYERS(dropout, entries);
