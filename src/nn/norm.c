/* Normalization. The ops of each layer have gradients of their own, so second derivatives work everywhere. */
#include "nn/pass.h"

/* ---- scale and shift ---- */

/* y weight + bias, each of them where it is there */
static nl_tensor *scaled_and_moved(nl_build *b, nl_tensor *y, nl_tensor *weight, nl_tensor *bias) {
  y = weight ? b_mul(b, y, weight) : y;
  return bias ? b_add(b, y, bias) : y;
}

/* The same for channels in dim 2. */
static nl_tensor *channels_scaled(nl_build *b, nl_tensor *y, nl_tensor *weight, nl_tensor *bias, const nl_tensor *x) {
  weight = weight ? nl_along_channels(b, weight, x) : NULL;
  bias = bias ? nl_along_channels(b, bias, x) : NULL;
  return scaled_and_moved(b, y, weight, bias);
}

/* ---- batch norm ---- */

NL_FIELDS(batch_norm, num_features, eps, momentum, affine, track_running_stats, dtype, weight, bias, running_mean,
          running_var, num_batches_tracked)

static void make_batch_norm(nl_making *m) {
  int64_t n = made_int(m, batch_norm_num_features);
  if (wants(m, batch_norm_affine)) {
    m->put(m, batch_norm_weight, NULL, nl_made_full(m, 1, &n, 1));
    m->put(m, batch_norm_bias, NULL, nl_made_full(m, 1, &n, 0));
  }
  if (wants(m, batch_norm_track_running_stats)) {
    m->put(m, batch_norm_running_mean, NULL, nl_made_full(m, 1, &n, 0));
    m->put(m, batch_norm_running_var, NULL, nl_made_full(m, 1, &n, 1));
    m->put(m, batch_norm_num_batches_tracked, NULL, nl_b_zeros(&m->build, NL_I64, 0, NULL));
  }
}

/* running = (1 - momentum) running + momentum batch, where the batch's variance is the unbiased one. */
static void track_statistics(nl_pass *p, nl_tensor *mean, nl_tensor *var, int64_t n) {
  nl_build *b = &p->build;
  double m = number_of(p, batch_norm_momentum);
  nl_tensor *running_mean = tensor_of(p, batch_norm_running_mean), *running_var = tensor_of(p, batch_norm_running_var);
  nl_tensor *count = tensor_of(p, batch_norm_num_batches_tracked);
  mean = nl_b_detach(b, mean);
  var = nl_b_detach(b, var);
  nl_b_into(b, op_mul(), running_mean, nl_b_number(b, 1 - m));
  nl_b_into(b, op_add(), running_mean, b_times(b, mean, m));
  if (running_var) {
    nl_b_into(b, op_mul(), running_var, nl_b_number(b, 1 - m));
    nl_b_into(b, op_add(), running_var, b_times(b, var, m * (double)n / (double)(n > 1 ? n - 1 : 1)));
  }
  if (count) {
    nl_b_into(b, op_add(), count, nl_b_int(b, 1));
  }
}

NL_FORWARD(batch_norm_layer) {
  nl_tensor *weight = tensor_of(p, batch_norm_weight), *bias = tensor_of(p, batch_norm_bias);
  nl_tensor *mean = tensor_of(p, batch_norm_running_mean), *var = tensor_of(p, batch_norm_running_var);
  bool training = p->layer->training;
  double eps = number_of(p, batch_norm_eps);
  if (training || !mean || !var) {
    int64_t n = x->shape[1] > 0 ? x->numel / x->shape[1] : 0;
    if (n < 2 && training) {
      return nl_pass_fail(p,
                          "a batch of one value (shape %s) has no variance to train on; use larger batches, or "
                          "drop_last = true in the loader",
                          nl_tensor_shape_string(x).s);
    }
    nl_call c;
    nl_call_init(&c, op_batch_standardize(), 3, NULL);
    c.in[0] = x;
    c.in[1] = weight;
    c.in[2] = bias;
    c.attr[nl_batch_standardize_eps] = (nl_attr){.set = true, .number = eps};
    nl_tensor *y = nl_b_call(b, &c);
    if (b->status == NL_OK && mean && training) {
      track_statistics(p, c.out[1], c.out[2], n);
    }
    return b->status == NL_OK ? y : NULL;
  }
  nl_tensor *spread = b_sqrt(b, b_plus(b, var, eps));
  nl_tensor *y = b_div(b, b_sub(b, x, nl_along_channels(b, mean, x)), nl_along_channels(b, spread, x));
  return channels_scaled(b, y, weight, bias, x);
}

/* ---- norms that look at one sample ---- */

NL_FIELDS(layer_norm, normalized_shape, eps, elementwise_affine, weight, bias)

static void make_layer_norm(nl_making *m) {
  int n;
  const int64_t *shape = sizes_of(m->layer, layer_norm_normalized_shape, &n);
  if (wants(m, layer_norm_elementwise_affine)) {
    m->put(m, layer_norm_weight, NULL, nl_made_full(m, n, shape, 1));
    if (!m->layer->entry->variant) {
      m->put(m, layer_norm_bias, NULL, nl_made_full(m, n, shape, 0));
    }
  }
}

NL_FORWARD(layer_norm) {
  int n;
  const int64_t *shape = sizes_of(p->layer, layer_norm_normalized_shape, &n);
  return nl_b_do(b, op_layer_norm(), "tttln", x, tensor_of(p, layer_norm_weight), tensor_of(p, layer_norm_bias), n,
                 shape, number_of(p, layer_norm_eps));
}

NL_FORWARD(rms_norm) {
  int n;
  int64_t dims[NL_MAX_DIM];
  sizes_of(p->layer, layer_norm_normalized_shape, &n);
  for (int i = 0; i < n; i++) {
    dims[i] = -(i + 1);
  }
  nl_tensor *square = b_mean(b, b_square(b, x), n, dims, true);
  nl_tensor *y = b_div(b, x, b_sqrt(b, b_plus(b, square, number_of(p, layer_norm_eps))));
  return scaled_and_moved(b, y, tensor_of(p, layer_norm_weight), NULL);
}

NL_FIELDS(group_norm, num_groups, num_channels, eps, affine, weight, bias)

static const char *refuse_group_norm(const nl_layer *l) {
  return l->value[group_norm_num_channels].i % l->value[group_norm_num_groups].i
             ? "the channels must divide evenly into the groups"
             : NULL;
}

/* weight and bias, of so many channels */
static void make_affine(nl_making *m, int64_t n, int weight, int bias) {
  m->put(m, weight, NULL, nl_made_full(m, 1, &n, 1));
  m->put(m, bias, NULL, nl_made_full(m, 1, &n, 0));
}

static void make_group_norm(nl_making *m) {
  if (wants(m, group_norm_affine)) {
    make_affine(m, made_int(m, group_norm_num_channels), group_norm_weight, group_norm_bias);
  }
}

NL_FORWARD(group_norm) {
  return nl_b_do(b, op_group_norm(), "tttin", x, tensor_of(p, group_norm_weight), tensor_of(p, group_norm_bias),
                 int_of(p, group_norm_num_groups), number_of(p, group_norm_eps));
}

NL_FIELDS(instance_norm, num_features, eps, affine, weight, bias)

static void make_instance_norm(nl_making *m) {
  if (wants(m, instance_norm_affine)) {
    make_affine(m, made_int(m, instance_norm_num_features), instance_norm_weight, instance_norm_bias);
  }
}

NL_FORWARD(instance_norm) {
  return nl_b_do(b, op_instance_norm(), "tttttn", x, (nl_tensor *)NULL, (nl_tensor *)NULL,
                 tensor_of(p, instance_norm_weight), tensor_of(p, instance_norm_bias), number_of(p, instance_norm_eps));
}

NL_FIELDS(response, size, alpha, beta, k)

/* The sum over `size` neighbouring channels is one of shifted copies, with zeros around. */
NL_FORWARD(local_response) {
  int64_t size = int_of(p, response_size), channels = x->shape[1], shape[NL_MAX_DIM];
  for (int d = 0; d < x->ndim; d++) {
    shape[d] = x->shape[d];
  }
  shape[1] += size - 1;
  nl_tensor *padded =
      nl_b_do(b, op_slice_zeros(), "tiiil", b_square(b, x), (int64_t)2, size / 2 + 1, (int64_t)1, x->ndim, shape);
  nl_tensor *sum = b_narrow(b, padded, 2, 1, channels);
  for (int64_t i = 2; i <= size && b->status == NL_OK; i++) {
    sum = b_add(b, sum, b_narrow(b, padded, 2, i, channels));
  }
  nl_tensor *base = b_plus(b, b_times(b, sum, number_of(p, response_alpha) / (double)size), number_of(p, response_k));
  return b_div(b, x, b_pow(b, base, nl_b_number(b, number_of(p, response_beta))));
}

NL_FIELDS(affine, num_features, weight, bias)

static void make_affine_layer(nl_making *m) {
  make_affine(m, made_int(m, affine_num_features), affine_weight, affine_bias);
}

NL_FORWARD(affine) {
  nl_tensor *weight = tensor_of(p, affine_weight), *bias = tensor_of(p, affine_bias);
  return x->ndim == 2 ? scaled_and_moved(b, x, weight, bias) : channels_scaled(b, x, weight, bias, x);
}

/* ---- norms of the weights ---- */

NL_FIELDS(weight_norm, layer, name, dim, weight_g, weight_v)

/* The norm over all dims but `dim`, kept as dims of size 1. */
static nl_tensor *norm_except(nl_build *b, nl_tensor *v, int64_t dim) {
  int64_t dims[NL_MAX_DIM];
  int n = 0;
  for (int d = 1; b->status == NL_OK && d <= v->ndim; d++) {
    if (d != dim) {
      dims[n++] = d;
    }
  }
  return b_sqrt(b, nl_b_sum(b, b_square(b, v), n, dims, true));
}

static void make_weight_norm(nl_making *m) {
  nl_tensor *w = m->want(m, weight_norm_layer, m->layer->value[weight_norm_name].name, true);
  if (!w) {
    return;
  }
  w = nl_b_detach(&m->build, w);
  m->put(m, weight_norm_weight_g, NULL, norm_except(&m->build, w, made_int(m, weight_norm_dim)));
  m->put(m, weight_norm_weight_v, NULL, b_clone(&m->build, w));
}

static nl_tensor *normed_weight(nl_pass *p) {
  nl_tensor *v = tensor_of(p, weight_norm_weight_v), *g = tensor_of(p, weight_norm_weight_g);
  nl_build *b = &p->build;
  return b_mul(b, v, b_div(b, g, norm_except(b, v, int_of(p, weight_norm_dim))));
}

NL_FORWARD(weight_norm) {
  (void)b;
  return p->host->call_with(p, weight_norm_layer, p->layer->value[weight_norm_name].name, normed_weight(p), x);
}

NL_FIELDS(spectral, layer, name, n_power_iterations, eps, weight_orig, weight_u, weight_v)

/* n steps of the power method on the weight as a matrix. */
static void power_iterate(nl_build *b, nl_tensor *weight, nl_tensor *u, nl_tensor *v, double eps, int64_t n) {
  bool was = nl_grad_set_enabled(false);
  nl_tensor *w = nl_b_do(b, op_flatten(), "ti", nl_b_detach(b, weight), (int64_t)2);
  for (int64_t i = 0; i < n && b->status == NL_OK; i++) {
    nl_tensor *wv = b_matmul(b, nl_b_transpose(b, w, 1, 2), u);
    nl_b_into(b, op_copy_(), v, b_div(b, wv, b_plus(b, nl_b_do(b, op_norm(), "t", wv), eps)));
    nl_tensor *wu = b_matmul(b, w, v);
    nl_b_into(b, op_copy_(), u, b_div(b, wu, b_plus(b, nl_b_do(b, op_norm(), "t", wu), eps)));
  }
  nl_grad_set_enabled(was);
}

static nl_tensor *random_direction(nl_making *m, int64_t n, nl_dtype dtype) {
  nl_build *b = &m->build;
  nl_tensor *u = nl_b_do(b, op_randn(), "li", 1, &n, (int64_t)dtype);
  return b_div(b, u, nl_b_do(b, op_norm(), "t", u));
}

static void make_spectral(nl_making *m) {
  nl_tensor *w = m->want(m, spectral_layer, m->layer->value[spectral_name].name, true);
  if (!w) {
    return;
  }
  int64_t rows = w->ndim ? w->shape[0] : 1;
  w = nl_b_detach(&m->build, w);
  m->put(m, spectral_weight_orig, NULL, b_clone(&m->build, w));
  if (m->build.status != NL_OK) {
    return;
  }
  nl_tensor *u = random_direction(m, rows, nl_tensor_dtype(w));
  m->put(m, spectral_weight_u, NULL, u);
  nl_tensor *v = random_direction(m, rows ? w->numel / rows : 0, nl_tensor_dtype(w));
  m->put(m, spectral_weight_v, NULL, v);
  power_iterate(&m->build, w, u, v, made_number(m, spectral_eps), 15);
}

/* Clones: the buffers change in place at the next call, before this one's backward may have run. */
static nl_tensor *spectral_weight(nl_pass *p) {
  nl_build *b = &p->build;
  nl_tensor *w = tensor_of(p, spectral_weight_orig);
  nl_tensor *u = b_clone(b, tensor_of(p, spectral_weight_u)), *v = b_clone(b, tensor_of(p, spectral_weight_v));
  nl_tensor *matrix = nl_b_do(b, op_flatten(), "ti", w, (int64_t)2);
  return b_div(b, w, b_total(b, b_mul(b, u, b_matmul(b, matrix, v))));
}

NL_FORWARD(spectral) {
  if (p->layer->training) {
    power_iterate(b, tensor_of(p, spectral_weight_orig), tensor_of(p, spectral_weight_u),
                  tensor_of(p, spectral_weight_v), number_of(p, spectral_eps), int_of(p, spectral_n_power_iterations));
  }
  return p->host->call_with(p, spectral_layer, p->layer->value[spectral_name].name, spectral_weight(p), x);
}

/* ---- the table ---- */

#define BATCH_NORM(layer, shape, what)                                                                                 \
  {                                                                                                                    \
    .name = layer,                                                                                                     \
    .settings = "num_features: int in 1.. fixed, eps: number = 1e-5 in 0.., momentum: number = 0.1 in 0..1, "          \
                "affine: bool = true fixed, track_running_stats: bool = true fixed | dtype: dtype = float32",          \
    .makes = "weight: parameter?, bias: parameter?, running_mean: buffer?, running_var: buffer?, "                     \
             "num_batches_tracked: buffer?",                                                                           \
    .fields = batch_norm_fields, .inputs = "x", .accepts = shape,                                                      \
    .doc = "While training, normalizes each " what " by the batch's mean and (biased) variance; in evaluation by "     \
           "their running averages, where the variance is the unbiased one. Then scales and moves it.",                \
    .formula = "y = (x - mean) / sqrt(var + eps) weight + bias", .source = "Ioffe & Szegedy 2015",                     \
    .example = "nn." layer "(3)", .make = make_batch_norm, .forward = forward_batch_norm_layer                         \
  }
#define INSTANCE_NORM(layer, shape)                                                                                    \
  {                                                                                                                    \
    .name = layer,                                                                                                     \
    .settings = "num_features: int in 1.. fixed, eps: number = 1e-5 in 0.. | affine: bool = false fixed",              \
    .makes = "weight: parameter?, bias: parameter?", .fields = instance_norm_fields, .inputs = "x", .accepts = shape,  \
    .doc = "Normalizes each channel of each sample over its positions.",                                               \
    .formula = "y = (x - mean) / sqrt(var + eps)", .source = "Ulyanov, Vedaldi & Lempitsky 2016",                      \
    .example = "nn." layer "(3)", .make = make_instance_norm, .forward = forward_instance_norm                         \
  }

static const nl_layer_entry entries[] = {
    BATCH_NORM("BatchNorm1d", "batch x num_features or batch x num_features x length", "feature"),
    BATCH_NORM("BatchNorm2d", "batch x num_features x height x width", "channel"),
    BATCH_NORM("BatchNorm3d", "batch x num_features x depth x height x width", "channel"),
    {.name = "LayerNorm",
     .settings =
         "normalized_shape: sizes in 1.. fixed, eps: number = 1e-5 in 0.., elementwise_affine: bool = true fixed",
     .makes = "weight: parameter?, bias: parameter?",
     .fields = layer_norm_fields,
     .inputs = "x",
     .accepts = "... x normalized_shape",
     .doc = "Normalizes each sample over its last dims, which are of the given shape (a number, or a list).",
     .formula = "y = (x - mean) / sqrt(var + eps) weight + bias",
     .source = "Ba, Kiros & Hinton 2016",
     .example = "nn.LayerNorm(2)(nn.tensor {{1.0, 3.0}, {5.0, 9.0}})",
     .make = make_layer_norm,
     .forward = forward_layer_norm},
    {.name = "RMSNorm",
     .settings =
         "normalized_shape: sizes in 1.. fixed, eps: number = 1e-5 in 0.., elementwise_affine: bool = true fixed",
     .makes = "weight: parameter?",
     .fields = "normalized_shape, eps, elementwise_affine, weight" /* as far as it has them, LayerNorm's */,
     .inputs = "x",
     .accepts = "... x normalized_shape",
     .doc = "Divides by the root of the mean square over the last dims.",
     .formula = "y = x / sqrt(mean(x^2) + eps) weight",
     .source = "Zhang & Sennrich 2019",
     .example = "nn.RMSNorm(2)(nn.tensor {{3.0, 4.0}})",
     .make = make_layer_norm,
     .forward = forward_rms_norm,
     .variant = 1},
    {.name = "GroupNorm",
     .settings =
         "num_groups: int in 1.., num_channels: int in 1.. fixed, eps: number = 1e-5 in 0.., affine: bool = true fixed",
     .makes = "weight: parameter?, bias: parameter?",
     .fields = group_norm_fields,
     .inputs = "x",
     .accepts = "batch x num_channels x ...",
     .doc = "Normalizes each sample over groups of channels.",
     .formula = "y = (x - mean) / sqrt(var + eps) weight + bias",
     .source = "Wu & He 2018",
     .example = "nn.GroupNorm(2, 4)",
     .refuse = refuse_group_norm,
     .make = make_group_norm,
     .forward = forward_group_norm},
    INSTANCE_NORM("InstanceNorm1d", "batch x num_features x length"),
    INSTANCE_NORM("InstanceNorm2d", "batch x num_features x height x width"),
    INSTANCE_NORM("InstanceNorm3d", "batch x num_features x depth x height x width"),
    {.name = "LocalResponseNorm",
     .function = "local_response_norm",
     .settings = "size: int in 1..65536, alpha: number = 1e-4, beta: number = 0.75, k: number = 1",
     .fields = response_fields,
     .inputs = "x",
     .accepts = "batch x channels x length x ...",
     .doc = "Divides by the activity of neighbouring channels.",
     .formula = "y = x / (k + alpha / size sum of squares over size channels)^beta",
     .source = "Krizhevsky et al. 2012",
     .example = "nn.LocalResponseNorm(2)",
     .forward = forward_local_response},
    {.name = "Affine",
     .settings = "num_features: int in 1.. fixed",
     .makes = "weight: parameter, bias: parameter",
     .fields = affine_fields,
     .inputs = "x",
     .accepts = "batch x num_features x ...",
     .doc = "A scale and a shift for each feature (dim 2): what batch norm is after training.",
     .formula = "y = x weight + bias",
     .source = "Ioffe & Szegedy 2015, algorithm 2",
     .example = "nn.Affine(3)",
     .make = make_affine_layer,
     .forward = forward_affine},
    {.name = "WeightNorm",
     .settings = "layer: layer | name: name = weight fixed, dim: int = 1 fixed",
     .makes = "weight_g: parameter, weight_v: parameter",
     .fields = weight_norm_fields,
     .inputs = "x",
     .doc = "A layer whose parameter `name` has its length and its direction trained apart, one length for each place "
            "of dim `dim` (the outputs). weight() gives the weight as it is now.",
     .formula = "weight = g v / |v|",
     .source = "Salimans & Kingma 2016",
     .example = "nn.WeightNorm(nn.Linear(10, 5))",
     .make = make_weight_norm,
     .forward = forward_weight_norm,
     .weight = normed_weight},
    {.name = "SpectralNorm",
     .settings =
         "layer: layer | name: name = weight fixed, n_power_iterations: int = 1 in 0.., eps: number = 1e-12 in 0..",
     .makes = "weight_orig: parameter, weight_u: buffer, weight_v: buffer",
     .fields = spectral_fields,
     .inputs = "x",
     .doc = "A layer whose parameter `name` is divided by its largest singular value, found by power iteration while "
            "training. weight() gives the weight as it is now.",
     .formula = "weight = W / sigma(W)",
     .source = "Miyato et al. 2018",
     .example = "nn.SpectralNorm(nn.Linear(10, 5))",
     .make = make_spectral,
     .forward = forward_spectral,
     .weight = spectral_weight},
};

NL_LAYERS(norm, entries);
