/* Activations as layers. Names, settings and defaults are PyTorch's. */
#include "nn/pass.h"

#define SOME "(nn.tensor {-2.0, -0.5, 0.0, 1.5})"

/* ---- those that are more than an op ---- */

NL_FIELDS(prelu, num_parameters, init, weight)

static void make_prelu(nl_making *m) {
  int64_t n = made_int(m, prelu_num_parameters);
  m->put(m, prelu_weight, NULL, nl_made_full(m, 1, &n, made_number(m, prelu_init)));
}

NL_FORWARD(prelu) {
  nl_tensor *w = tensor_of(p, prelu_weight);
  int64_t n = w->ndim ? w->shape[0] : 1;
  if (n > 1 && (x->ndim < 2 || x->shape[1] != n)) {
    return nl_pass_fail(p, "the input must have %lld channels in dim 2, but has shape %s", (long long)n,
                        nl_tensor_shape_string(x).s);
  }
  return nl_b2(b, op_prelu(), x, w);
}

NL_FIELDS(rrelu, lower, upper)

static const char *refuse_rrelu(const nl_layer *l) {
  return l->value[rrelu_lower].number > l->value[rrelu_upper].number ? "lower must not be above upper" : NULL;
}

NL_FORWARD(rrelu) {
  double low = number_of(p, rrelu_lower), high = number_of(p, rrelu_upper);
  nl_tensor *slope;
  if (p->layer->training) {
    slope = b_plus(b, b_times(b, nl_b_do(b, op_rand_like(), "t", x), high - low), low);
  } else {
    slope = nl_b_number(b, (low + high) / 2);
  }
  return b_where(b, b_gt(b, x, nl_b_int(b, 0)), x, b_mul(b, x, slope));
}

NL_FIELDS(softplus, beta, threshold)

NL_FORWARD(softplus) {
  double beta = number_of(p, softplus_beta);
  if (beta == 1) {
    return b_softplus(b, x);
  }
  return b_div(b, b_softplus(b, b_times(b, x, beta)), nl_b_number(b, beta));
}

NL_FIELDS(hardtanh, min_val, max_val)

static const char *refuse_hardtanh(const nl_layer *l) {
  return l->value[hardtanh_min_val].number > l->value[hardtanh_max_val].number ? "min_val must not be above max_val"
                                                                               : NULL;
}

static nl_tensor *limited(nl_build *b, nl_tensor *x, double low, double high) {
  return nl_b_do(b, op_clamp(), "ttt", x, nl_b_number(b, low), nl_b_number(b, high));
}

NL_FORWARD(hardtanh_layer) {
  return limited(b, x, number_of(p, hardtanh_min_val), number_of(p, hardtanh_max_val));
}

NL_FIELDS(step, width)

/* The value of the step with the gradient of what is passed through. */
NL_FORWARD(step) {
  double width = number_of(p, step_width);
  nl_tensor *through = width == INFINITY ? x : limited(b, x, -width, width);
  nl_tensor *value = nl_b_cast(b, b_gt(b, x, nl_b_int(b, 0)), nl_tensor_dtype(x));
  return b_add(b, through, nl_b_detach(b, b_sub(b, value, through)));
}

/* ---- pieces ---- */

NL_FIELDS(maxout, in_features, out_features, pieces, linear)

static const char *refuse_maxout(const nl_layer *l) {
  return l->value[maxout_out_features].i * l->value[maxout_pieces].i > INT32_MAX
             ? "out_features times pieces is more than a layer can have"
             : NULL;
}

static void make_maxout(nl_making *m) {
  double sizes[2] = {(double)made_int(m, maxout_in_features),
                     (double)(made_int(m, maxout_out_features) * made_int(m, maxout_pieces))};
  m->part(m, maxout_linear, "Linear", 2, sizes, NULL, NULL);
}

NL_FORWARD(softmax2d) {
  (void)p;
  return b_softmax(b, x, 2);
}

NL_FORWARD(maxout) {
  nl_tensor *y = p->host->call(p, maxout_linear, x);
  int64_t shape[NL_MAX_DIM];
  int n = x->ndim;
  if (b->status != NL_OK) {
    return NULL;
  }
  if (n == 0 || n == NL_MAX_DIM) {
    return nl_pass_fail(p, "the input must have a dim of features, and one dim less than the most, but has shape %s",
                        nl_tensor_shape_string(x).s);
  }
  for (int d = 0; d < n; d++) {
    shape[d] = x->shape[d];
  }
  shape[n - 1] = int_of(p, maxout_out_features);
  shape[n] = int_of(p, maxout_pieces);
  return nl_b_do(b, op_max(), "ti", nl_b_reshape(b, y, n + 1, shape), (int64_t)-1);
}

/* ---- the table ---- */

#define PLAIN(layer, of, what, form, from, ex)                                                                         \
  {                                                                                                                    \
    .name = layer, .settings = "", .inputs = "x", .doc = what, .formula = form, .source = from,                        \
    .example = "nn." layer "()" ex, .op = of, .pointwise = true                                                        \
  }
#define WITH(layer, set, of, what, form, from, ex)                                                                     \
  {                                                                                                                    \
    .name = layer, .settings = set, .inputs = "x", .doc = what, .formula = form, .source = from,                       \
    .example = "nn." layer ex, .op = of, .pointwise = true                                                             \
  }
/* those that look along a dim */
#define ALONG(layer, of, what, form, from)                                                                             \
  {                                                                                                                    \
    .name = layer, .settings = "dim: int = -1", .inputs = "x", .doc = what, .formula = form, .source = from,           \
    .example = "nn." layer "()" SOME, .op = of                                                                         \
  }

static const nl_layer_entry entries[] = {
    PLAIN("ReLU", "relu", "The rectifier.", "y = max(0, x)", "Nair & Hinton 2010", SOME),
    PLAIN("Tanh", "tanh", "The hyperbolic tangent, between -1 and 1.", "y = tanh(x)", "LeCun et al. 1998", SOME),
    PLAIN("Sigmoid", "sigmoid", "The logistic function, between 0 and 1.", "y = 1 / (1 + exp(-x))", NULL, SOME),
    WITH("ELU", "alpha: number = 1", "elu", "Exponential below 0, where it goes to -alpha.",
         "y = x for x > 0, else alpha (exp(x) - 1)", "Clevert, Unterthiner & Hochreiter 2015", "(0.5)" SOME),
    WITH("LeakyReLU", "negative_slope: number = 0.01", "leaky_relu", "A rectifier that lets a little through below 0.",
         "y = x for x > 0, else negative_slope x", "Maas, Hannun & Ng 2013", "(0.1)" SOME),
    {.name = "PReLU",
     .settings = "num_parameters: int = 1 in 1.. fixed, init: number = 0.25 fixed",
     .makes = "weight: parameter",
     .fields = prelu_fields,
     .inputs = "x",
     .doc = "A leaky rectifier whose slope is learned: one for all, or one a channel (dim 2).",
     .formula = "y = x for x > 0, else weight x",
     .source = "He et al. 2015",
     .example = "nn.PReLU()" SOME,
     .make = make_prelu,
     .forward = forward_prelu,
     .pointwise = true},
    {.name = "RReLU",
     .function = "rrelu",
     .settings = "lower: number = 0.125, upper: number = 0.3333333333333333",
     .fields = rrelu_fields,
     .inputs = "x",
     .doc =
         "A leaky rectifier whose slope is drawn from U(lower, upper) for each element while training; their mean in "
         "evaluation.",
     .formula = "y = x for x > 0, else slope x",
     .source = "Xu et al. 2015",
     .example = "nn.RReLU():eval()" SOME,
     .refuse = refuse_rrelu,
     .forward = forward_rrelu,
     .pointwise = true},
    PLAIN("ReLU6", "relu6", "A rectifier that ends at 6.", "y = min(max(0, x), 6)", "Krizhevsky 2010", SOME),
    PLAIN("SELU", "selu", "ELU with the constants for which activations keep mean 0 and variance 1.",
          "y = 1.0507 elu(x, 1.6733)", "Klambauer et al. 2017", SOME),
    WITH("CELU", "alpha: number = 1", "celu", "ELU with a continuous slope for every alpha.",
         "y = max(0, x) + min(0, alpha (exp(x / alpha) - 1))", "Barron 2017", "(0.5)" SOME),
    WITH("GELU", "approximate: choice = none|tanh", "gelu",
         "x times the normal distribution's area up to x, or its approximation by tanh.", "y = x Phi(x)",
         "Hendrycks & Gimpel 2016", "()" SOME),
    PLAIN("SiLU", "silu", "x gated by its own sigmoid; also called swish.", "y = x sigmoid(x)", "Elfwing et al. 2018",
          SOME),
    PLAIN("Mish", "mish", "A smooth rectifier with a dip below 0.", "y = x tanh(softplus(x))", "Misra 2019", SOME),
    {.name = "Softplus",
     .function = "softplus",
     .settings = "beta: number = 1 in 1e-30..1e30, threshold: number = 20",
     .fields = softplus_fields,
     .inputs = "x",
     .doc = "A smooth rectifier. It is stable for every x, so threshold is not needed, and only taken for PyTorch's "
            "scripts.",
     .formula = "y = log(1 + exp(beta x)) / beta",
     .source = "Dugas et al. 2001",
     .example = "nn.Softplus()" SOME,
     .forward = forward_softplus,
     .pointwise = true},
    PLAIN("Softsign", "softsign", "Like tanh, with tails that fall off more slowly.", "y = x / (1 + |x|)",
          "Bergstra et al. 2009", SOME),
    PLAIN("LogSigmoid", "logsigmoid", "The logarithm of the sigmoid, stable.", "y = log(1 / (1 + exp(-x)))", NULL,
          SOME),
    {.name = "Hardtanh",
     .settings = "min_val: number = -1, max_val: number = 1",
     .fields = hardtanh_fields,
     .inputs = "x",
     .doc = "x limited to min_val .. max_val.",
     .formula = "y = min(max(x, min_val), max_val)",
     .source = "Collobert 2004",
     .example = "nn.Hardtanh()" SOME,
     .refuse = refuse_hardtanh,
     .forward = forward_hardtanh_layer,
     .pointwise = true},
    PLAIN("Hardsigmoid", "hardsigmoid", "A sigmoid of three straight lines.",
          "y = 0 below -3, 1 above 3, x / 6 + 1/2 between", NULL, SOME),
    PLAIN("Hardswish", "hardswish", "x gated by its hard sigmoid.", "y = x hardsigmoid(x)", "Howard et al. 2019", SOME),
    WITH("Hardshrink", "lambd: number = 0.5 in 0..", "hardshrink", "Sets what is near 0 to 0.",
         "y = x where |x| > lambd, else 0", NULL, "()" SOME),
    WITH("Softshrink", "lambd: number = 0.5 in 0..", "softshrink",
         "Moves x towards 0 by lambd, and to 0 what is nearer.", "y = sign(x) max(0, |x| - lambd)", NULL, "()" SOME),
    PLAIN("Tanhshrink", "tanhshrink", "What tanh takes away.", "y = x - tanh(x)", NULL, SOME),
    WITH("Threshold", "threshold: number, value: number", "threshold", "x above a threshold, else a value.",
         "y = x where x > threshold, else value", NULL, "(0.1, 20)" SOME),
    {.name = "Step",
     .settings = "width: number = 1 in 0..",
     .fields = step_fields,
     .inputs = "x",
     .doc = "The threshold unit. Its derivative is 0 almost everywhere, so the straight-through gradient stands in: 1 "
            "where |x| <= width, else 0. width = math.huge passes every gradient.",
     .formula = "y = 1 where x > 0, else 0",
     .source = "Rosenblatt 1958; the gradient: Bengio, Leonard & Courville 2013, Hubara et al. 2016",
     .example = "nn.Step()" SOME,
     .forward = forward_step,
     .pointwise = true},
    ALONG("Softmax", "softmax", "Positive, and of sum 1 along a dim.", "y_i = exp(x_i) / sum_j exp(x_j)",
          "Bridle 1990"),
    {.name = "Softmax2d",
     .inputs = "x",
     .accepts = "batch x channels x height x width",
     .doc = "Softmax over the channels of each place of an image.",
     .formula = "y_i = exp(x_i) / sum_j exp(x_j)",
     .example = "nn.Softmax2d()(nn.zeros(1, 2, 1, 3))",
     .forward = forward_softmax2d},
    ALONG("LogSoftmax", "log_softmax", "The logarithm of softmax, stable.", "y_i = x_i - log sum_j exp(x_j)", NULL),
    ALONG("Softmin", "softmin", "Softmax of -x.", "y_i = exp(-x_i) / sum_j exp(-x_j)", NULL),
    ALONG("GLU", "glu", "The first half of a dim, gated by the second.", "y = a sigmoid(b)", "Dauphin et al. 2017"),
    {.name = "Maxout",
     .settings = "in_features: int in 1.. fixed, out_features: int in 1.. fixed, pieces: int = 2 in 1.. fixed",
     .makes = "linear: part",
     .fields = maxout_fields,
     .inputs = "x",
     .doc = "The largest of `pieces` linear maps, for each output.",
     .formula = "y_i = max_k (W_ik x + b_ik)",
     .source = "Goodfellow et al. 2013",
     .example = "nn.Maxout(4, 3, 2)",
     .refuse = refuse_maxout,
     .make = make_maxout,
     .forward = forward_maxout},
};

NL_LAYERS(activations, entries);
