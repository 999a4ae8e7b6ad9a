/* Normalization of each sample by itself: layer, group and instance norm. All of them make rows of mean 0 and variance
   1, then scale and move them. */
#include <math.h>

#include "core/pool.h"
#include "kernels/kernels.h"
#include "optable/compose.h"

NL_ATTRS(standardize, dims, eps)
NL_ATTRS(standardize_backward, dims)
NL_ATTRS(layer_norm, normalized_shape, eps)
NL_ATTRS(group_norm, num_groups, eps)
NL_ATTRS(instance_norm, eps)

/* ---- rows of mean 0 and variance 1 ---- */

typedef struct rows_job {
  nl_dtype dtype;
  int64_t n;
  double eps;
  const char *x, *g, *spread;
  char *y, *spread_to;
} rows_job;

static double figure_at(nl_dtype dtype, const void *p, int64_t i) {
  return dtype == NL_F32 ? (double)((const float *)p)[i] : ((const double *)p)[i];
}

/* Elements of a row: of the last `dims` dims. */
static int64_t row_of(const nl_tensor *x, int64_t dims) {
  int64_t n = 1;
  for (int d = x->ndim - (int)dims; d < x->ndim; d++) {
    n *= x->shape[d];
  }
  return n;
}

/* The kernels are those of one channel of batch norm. What rounding takes from the mean counts where that is large. */
static void standardize_rows(void *ctx, int64_t begin, int64_t end) {
  const rows_job *j = ctx;
  const nl_norm_kernels *k = nl_k->norm;
  size_t size = nl_dtype_size(j->dtype);
  for (int64_t r = begin; r < end; r++) {
    const char *x = j->x + (size_t)(r * j->n) * size;
    double sum, square, first = figure_at(j->dtype, x, 0), near = isfinite(first) ? first : 0, count = (double)j->n;
    k->channel_moments[j->dtype](1, j->n, 0, x, near, &sum, &square);
    double mean = near + sum / count;
    mean = j->dtype == NL_F32 ? (double)(float)mean : mean;
    k->channel_moments[j->dtype](1, j->n, 0, x, mean, &sum, &square);
    double rest = sum / count, var = square / count - rest * rest, spread = sqrt((var < 0 ? 0 : var) + j->eps);
    if (j->dtype == NL_F32) {
      ((float *)(void *)j->spread_to)[r] = (float)spread;
    } else {
      ((double *)(void *)j->spread_to)[r] = spread;
    }
    k->channel_apply[j->dtype](1, j->n, 0, x, mean, 1 / spread, -rest / spread, j->y + (size_t)(r * j->n) * size);
  }
}

/* dx = (g - mean(g) - y mean(g y)) / spread: Ba, Kiros & Hinton 2016 */
static void differentiate_rows(void *ctx, int64_t begin, int64_t end) {
  const rows_job *j = ctx;
  const nl_norm_kernels *k = nl_k->norm;
  for (int64_t r = begin; r < end; r++) {
    size_t at = (size_t)(r * j->n) * nl_dtype_size(j->dtype);
    double sum_g, sum_gy, count = (double)j->n;
    k->channel_sums[j->dtype](1, j->n, 0, j->g + at, j->x + at, 0, 1, &sum_g, &sum_gy);
    k->channel_backward[j->dtype](1, j->n, 0, j->g + at, j->x + at, 0, 1, 1 / figure_at(j->dtype, j->spread, r),
                                  sum_g / count, sum_gy / count, j->y + at);
  }
}

static void each_row(rows_job *j, int64_t rows, nl_range_fn fn) {
  if (j->n > 0) {
    nl_parallel_for(rows, 1 + 16384 / j->n, fn, j);
  }
}

/* standardize(x, dims, eps) -> y, spread (sqrt(var + eps), with the last dims as 1) */
static nl_status infer_standardize(nl_call *c) {
  nl_tensor *x = c->in[0];
  nl_status status = nl_rule_want_float(x, "the input");
  int64_t dims = c->attr[standardize_dims].i, shape[NL_MAX_DIM];
  if (status == NL_OK && (dims < 0 || dims > x->ndim)) {
    status = nl_fail("dims must be 0 to %d, but is %lld", x->ndim, (long long)dims);
  }
  if (status != NL_OK) {
    return status;
  }
  c->dtype = nl_tensor_dtype(x);
  for (int d = 0; d < x->ndim; d++) {
    shape[d] = d < x->ndim - (int)dims ? x->shape[d] : 1;
  }
  nl_rule_like(c, 0, x, c->dtype);
  nl_rule_shape(c, 1, x->ndim, shape, c->dtype);
  return NL_OK;
}
static void run_standardize(nl_call *c) {
  nl_tensor *x = c->rin[0];
  rows_job j = {.dtype = c->dtype,
                .n = row_of(x, c->attr[standardize_dims].i),
                .eps = c->attr[standardize_eps].number,
                .x = nl_tensor_data(x),
                .y = nl_tensor_data(c->out[0]),
                .spread_to = nl_tensor_data(c->out[1])};
  for (int64_t r = 0; j.n == 0 && r < c->out[1]->numel; r++) {
    nl_tensor_set_double(c->out[1], r, sqrt(j.eps));
  }
  each_row(&j, c->out[1]->numel, standardize_rows);
}

/* Over the last n dims, which stay as 1. */
static nl_tensor *mean_of_rows(nl_build *b, nl_tensor *t, int64_t n) {
  int64_t dims[NL_MAX_DIM];
  if (b->status != NL_OK || n == 0) {
    return t;
  }
  for (int64_t d = 0; d < n; d++) {
    dims[d] = d - n;
  }
  return nl_b_scale(b, nl_b_sum(b, t, (int)n, dims, true), 1.0 / (double)row_of(t, n));
}

static nl_status vjp_standardize(nl_call *c, nl_vjp *g) {
  nl_build *b = g->build;
  nl_tensor *up = g->gout[0], *y = c->out[0], *spread = c->out[1], *dx = NULL;
  int64_t n = c->attr[standardize_dims].i;
  if (up && !g->differentiable) {
    dx = nl_b_do(b, op_standardize_backward(), "ttti", up, y, spread, n);
  } else if (up) { /* of single ops, which have gradients themselves */
    nl_tensor *rest = b_sub(b, up, mean_of_rows(b, up, n)), *along = mean_of_rows(b, b_mul(b, up, y), n);
    dx = b_div(b, b_sub(b, rest, b_mul(b, y, along)), spread);
  }
  if (g->gout[1]) { /* of the spread: y / n */
    nl_tensor *d = b_times(b, b_mul(b, g->gout[1], y), 1 / (double)row_of(c->in[0], n));
    dx = dx ? b_add(b, dx, d) : d;
  }
  g->gin[0] = dx;
  return b->status;
}

/* standardize_backward(g, y, spread, dims) */
static nl_status infer_standardize_backward(nl_call *c) {
  nl_tensor *g = c->in[0], *y = c->in[1], *spread = c->in[2];
  int64_t dims = c->attr[standardize_backward_dims].i, n = dims >= 0 && dims <= y->ndim ? row_of(y, dims) : 0;
  if (dims < 0 || dims > y->ndim) {
    return nl_fail("dims must be 0 to %d, but is %lld", y->ndim, (long long)dims);
  } else if (!nl_shape_equal(g, y) || g->dtype != y->dtype || spread->dtype != y->dtype ||
             !nl_dtype_is_float(y->dtype) || (n > 0 && spread->numel != y->numel / n)) {
    return nl_fail("gradient (shape %s), result (shape %s) and spread (shape %s) do not go together",
                   nl_tensor_shape_string(g).s, nl_tensor_shape_string(y).s, nl_tensor_shape_string(spread).s);
  }
  c->dtype = nl_tensor_dtype(y);
  nl_rule_like(c, 0, y, c->dtype);
  return NL_OK;
}
static void run_standardize_backward(nl_call *c) {
  nl_tensor *y = c->rin[1];
  rows_job j = {.dtype = c->dtype,
                .n = row_of(y, c->attr[standardize_backward_dims].i),
                .g = nl_tensor_data(c->rin[0]),
                .x = nl_tensor_data(y),
                .spread = nl_tensor_data(c->rin[2]),
                .y = nl_tensor_data(c->out[0])};
  each_row(&j, j.n ? y->numel / j.n : 0, differentiate_rows);
}

static nl_tensor *standardized(nl_build *b, nl_tensor *x, int64_t dims, double eps) {
  return nl_b_do(b, op_standardize(), "tin", x, dims, eps);
}

/* ---- as users know them ---- */

static nl_tensor *affine(nl_build *b, nl_tensor *y, nl_tensor *weight, nl_tensor *bias) {
  y = weight ? b_mul(b, y, weight) : y;
  return bias ? b_add(b, y, bias) : y;
}

static void want_input(nl_build *b, const nl_tensor *x, double eps) {
  b->status = b->status == NL_OK ? nl_rule_want_float(x, "the input") : b->status;
  if (b->status == NL_OK && (!(eps >= 0) || isinf(eps))) {
    nl_b_fail(b, "eps must be a number that is not negative, but is %g", eps);
  }
}

static void want_shape(nl_build *b, const nl_tensor *t, const char *what, int ndim, const int64_t *shape,
                       nl_dtype dtype) {
  bool fits = !t || (t->ndim == ndim && nl_tensor_dtype(t) == dtype);
  for (int d = 0; t && fits && d < ndim; d++) {
    fits = t->shape[d] == shape[d];
  }
  if (!fits) {
    nl_b_fail(b, "%s must be %s of shape %s, but is %s of shape %s", what, nl_dtype_name(dtype),
              nl_shape_string(ndim, shape).s, nl_dtype_name(nl_tensor_dtype(t)), nl_tensor_shape_string(t).s);
  }
}

NL_COMPOSE(layer_norm) {
  int n;
  const int64_t *shape = nl_call_list(c, layer_norm_normalized_shape, &n);
  bool fits = n >= 1 && n <= x->ndim;
  for (int d = 0; fits && d < n; d++) {
    fits = shape[d] == x->shape[x->ndim - n + d];
  }
  if (!fits) {
    nl_b_fail(b, "normalized_shape must be the input's last sizes, but it is %s and the input has shape %s",
              nl_shape_string(n, shape).s, nl_tensor_shape_string(x).s);
    return;
  }
  want_input(b, x, c->attr[layer_norm_eps].number);
  want_shape(b, c->in[1], "the weight", n, shape, nl_tensor_dtype(x));
  want_shape(b, c->in[2], "the bias", n, shape, nl_tensor_dtype(x));
  nl_give(c, affine(b, standardized(b, x, n, c->attr[layer_norm_eps].number), c->in[1], c->in[2]));
}

/* Weight and bias of channels, dim 2. */
static nl_tensor *channels_affine(nl_call *c, nl_build *b, int weight, nl_tensor *y) {
  int64_t shape[NL_MAX_DIM], n = y ? y->shape[1] : 0;
  nl_tensor *at[2] = {c->in[weight], c->in[weight + 1]};
  static const char *const names[] = {"the weight", "the bias"};
  for (int i = 0; i < 2 && b->status == NL_OK; i++) {
    want_shape(b, at[i], names[i], 1, &n, nl_tensor_dtype(y));
    for (int d = 0; d < y->ndim; d++) {
      shape[d] = d == 1 ? n : 1;
    }
    at[i] = at[i] ? nl_b_reshape(b, at[i], y->ndim, shape) : NULL;
  }
  return affine(b, y, at[0], at[1]);
}

NL_COMPOSE(group_norm) {
  int64_t groups = c->attr[group_norm_num_groups].i;
  if (x->ndim < 2 || groups < 1 || x->shape[1] % groups) {
    nl_b_fail(b,
              "the input must be batch x channels x ..., with channels that divide evenly into %lld groups, but has "
              "shape %s",
              (long long)groups, nl_tensor_shape_string(x).s);
    return;
  }
  want_input(b, x, c->attr[group_norm_eps].number);
  int64_t each = x->shape[0] && groups ? x->numel / x->shape[0] / groups : 0;
  nl_tensor *rows = nl_b_reshape(b, x, 3, (int64_t[]){x->shape[0], groups, each});
  rows = standardized(b, rows, 1, c->attr[group_norm_eps].number);
  nl_give(c, channels_affine(c, b, 1, nl_b_reshape(b, rows, x->ndim, x->shape)));
}

NL_COMPOSE(instance_norm) {
  if (x->ndim < 3) {
    nl_b_fail(b, "the input must be batch x channels x positions, but has shape %s", nl_tensor_shape_string(x).s);
    return;
  }
  if (c->in[1] || c->in[2]) {
    nl_b_fail(b,
              "running statistics are not used by an instance norm here: leave running_mean and running_var out, e.g. "
              "nn.instance_norm(x, {weight = w, bias = b})");
    return;
  }
  want_input(b, x, c->attr[instance_norm_eps].number);
  nl_give(c, channels_affine(c, b, 3, standardized(b, x, x->ndim - 2, c->attr[instance_norm_eps].number)));
}

static const nl_op ops[] = {
    {.name = "standardize",
     .args = "x: tensor, dims: int, eps: number = 1e-5",
     .attrs = standardize_attrs,
     .returns = "tensor, tensor",
     .doc = "Gives each row (of the last `dims` dims) mean 0 and variance 1; and what it was divided by.",
     .infer = infer_standardize,
     .run = run_standardize,
     .vjp = vjp_standardize,
     .flags = NL_OP_CONTIGUOUS | NL_OP_INTERNAL,
     .save = NL_SAVE_OUT(0) | NL_SAVE_OUT(1),
     .visible = 1},
    {.name = "standardize_backward",
     .args = "g: tensor, y: tensor, spread: tensor, dims: int",
     .attrs = standardize_backward_attrs,
     .returns = "tensor",
     .doc = "The gradient of standardize.",
     .infer = infer_standardize_backward,
     .run = run_standardize_backward,
     .flags = NL_OP_CONTIGUOUS | NL_OP_INTERNAL},
    {.name = "layer_norm",
     .args = "x: tensor, normalized_shape: shape, weight: tensor?, bias: tensor?, eps: number = 1e-5",
     .attrs = layer_norm_attrs,
     .returns = "tensor",
     .doc =
         "Normalizes each sample over its last dims, whose sizes are normalized_shape, to mean 0 and variance 1; then "
         "scales and moves it: Ba, Kiros & Hinton 2016.",
     .example = "nn.layer_norm(nn.tensor {{1.0, 3.0}, {5.0, 9.0}}, {2})",
     .compose = compose_layer_norm},
    {.name = "group_norm",
     .args = "x: tensor, num_groups: int, weight: tensor?, bias: tensor?, eps: number = 1e-5",
     .attrs = group_norm_attrs,
     .returns = "tensor",
     .doc = "Normalizes each sample over groups of its channels (dim 2); weight and bias are of the channels: Wu & He "
            "2018.",
     .example = "nn.group_norm(nn.tensor {{1.0, 3.0, 5.0, 9.0}}, 2)",
     .compose = compose_group_norm},
    {.name = "instance_norm",
     .args =
         "x: tensor, running_mean: tensor?, running_var: tensor?, weight: tensor?, bias: tensor?, eps: number = 1e-5",
     .attrs = instance_norm_attrs,
     .returns = "tensor",
     .doc = "Normalizes each channel (dim 2) of each sample over its positions (running_mean and running_var stand "
            "where PyTorch has them, and must be left out): Ulyanov, Vedaldi & Lempitsky 2016.",
     .example = "nn.instance_norm(nn.tensor {{{1.0, 3.0}, {5.0, 9.0}}})",
     .compose = compose_instance_norm},
};

NL_FAMILY(standardize, ops);
