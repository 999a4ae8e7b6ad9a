/* Batch normalization (Ioffe & Szegedy 2015, algorithm 1) of each channel, dim 2: over the rows of a matrix, or over
   images, whose channels lie in runs. */
#include <math.h>

#include "core/pool.h"
#include "kernels/kernels.h"
#include "optable/helpers.h"
#include "optable/rules.h"

static nl_status check_vector(const nl_tensor *t, const nl_tensor *x, const char *what) {
  if (t && (t->ndim != 1 || t->shape[0] != x->shape[1] || t->dtype != x->dtype)) {
    return nl_fail("%s must be %s of shape %lld, but is %s of shape %s", what, nl_dtype_name(nl_tensor_dtype(x)),
                   (long long)x->shape[1], nl_dtype_name(nl_tensor_dtype(t)), nl_tensor_shape_string(t).s);
  }
  return NL_OK;
}

static int64_t values_of_channel(const nl_tensor *x) {
  return x->shape[1] > 0 ? x->numel / x->shape[1] : 0;
}

static nl_status check_batch(const nl_tensor *x) {
  nl_status status = nl_rule_want_float(x, "the input");
  int64_t each = x->ndim < 2 ? 0 : x->shape[0];
  for (int d = 2; d < x->ndim; d++) {
    each *= x->shape[d];
  }
  if (status == NL_OK && each < 1) {
    status = nl_fail("the input must be batch x channels, or batch x channels x .., with at least one value of each "
                     "channel, but has shape %s",
                     nl_tensor_shape_string(x).s);
  }
  return status;
}

/* batch_norm(x, weight?, bias?, eps) -> y, mean, var (the batch's, biased) */
static nl_status infer_batch_standardize(nl_call *c) {
  nl_tensor *x = c->in[0];
  nl_status status = check_batch(x);
  status = status == NL_OK ? check_vector(c->in[1], x, "the weight") : status;
  status = status == NL_OK ? check_vector(c->in[2], x, "the bias") : status;
  if (status != NL_OK) {
    return status;
  }
  c->dtype = nl_tensor_dtype(x);
  c->workspace_bytes = 2 * (size_t)x->shape[1] * nl_dtype_size(c->dtype) + 1; /* scale, shift */
  nl_rule_like(c, 0, x, c->dtype);
  nl_rule_shape(c, 1, 1, &x->shape[1], c->dtype);
  nl_rule_shape(c, 2, 1, &x->shape[1], c->dtype);
  return NL_OK;
}

/* Element i of a vector of either float type. */
static double batch_at(nl_dtype dtype, const void *p, int64_t i) {
  return dtype == NL_F32 ? (double)((const float *)p)[i] : ((const double *)p)[i];
}
static void give_statistic(nl_dtype dtype, void *p, int64_t i, double v) {
  if (dtype == NL_F32) {
    ((float *)p)[i] = (float)v;
  } else {
    ((double *)p)[i] = v;
  }
}

typedef struct apply_job {
  nl_dtype dtype;
  int64_t n;
  const char *x;
  const void *mean, *scale, *shift;
  char *y;
} apply_job;

static void apply_range(void *ctx, int64_t begin, int64_t end) {
  const apply_job *j = ctx;
  size_t from = (size_t)(begin * j->n) * nl_dtype_size(j->dtype);
  nl_k->norm->apply[j->dtype](end - begin, j->n, j->x + from, j->mean, j->scale, j->shift, j->y + from);
}

enum { FAR = 16 }; /* deviations from 0 to the mean from which on the rounding of the mean is looked at */

/* Channels of images, one after another on any thread. */
typedef struct channels_job {
  nl_dtype dtype;
  int64_t runs, n, channels;
  double eps;
  const char *x, *g;
  const void *weight, *bias;
  void *mean, *var; /* of the batch */
  void *sum_gx, *sum_g;
  char *to;
} channels_job;

static channels_job channels_of(const nl_call *c, nl_tensor *x, nl_tensor *weight) {
  int64_t n = values_of_channel(x) / x->shape[0];
  return (channels_job){.dtype = c->dtype,
                        .runs = x->shape[0],
                        .n = n,
                        .channels = x->shape[1],
                        .eps = c->attr[nl_batch_standardize_eps].number,
                        .x = nl_tensor_data(x),
                        .weight = weight ? nl_tensor_data(weight) : NULL,
                        .to = nl_tensor_data(c->out[0])};
}

static void run_channels(channels_job *j, nl_range_fn fn) {
  nl_parallel_for(j->channels, 1 + 16384 / (j->runs * j->n + 1), fn, j);
}

static void normalize_channels(void *ctx, int64_t begin, int64_t end) {
  const channels_job *j = ctx;
  const nl_norm_kernels *k = nl_k->norm;
  int64_t step = j->n * j->channels;
  double count = (double)(j->runs * j->n);
  for (int64_t i = begin; i < end; i++) {
    const char *x = j->x + (size_t)(i * j->n) * nl_dtype_size(j->dtype);
    char *y = j->to + (size_t)(i * j->n) * nl_dtype_size(j->dtype);
    double sum, square, first = batch_at(j->dtype, x, 0), near = isfinite(first) ? first : 0;
    k->channel_moments[j->dtype](j->runs, j->n, step, x, near, &sum, &square);
    give_statistic(j->dtype, j->mean, i, near + sum / count);
    double mean = batch_at(j->dtype, j->mean, i), rest; /* what rounding takes from the mean counts where it is large */
    k->channel_moments[j->dtype](j->runs, j->n, step, x, mean, &sum, &square);
    rest = sum / count;
    double var = square / count - rest * rest;
    give_statistic(j->dtype, j->var, i, var < 0 ? 0 : var);
    double inv = 1 / sqrt(batch_at(j->dtype, j->var, i) + j->eps);
    double scale = (j->weight ? batch_at(j->dtype, j->weight, i) : 1) * inv;
    k->channel_apply[j->dtype](j->runs, j->n, step, x, mean, scale,
                               (j->bias ? batch_at(j->dtype, j->bias, i) : 0) - rest * scale, y);
  }
}

static void differentiate_channels(void *ctx, int64_t begin, int64_t end) {
  const channels_job *j = ctx;
  const nl_norm_kernels *k = nl_k->norm;
  int64_t step = j->n * j->channels;
  double count = (double)(j->runs * j->n);
  for (int64_t i = begin; i < end; i++) {
    size_t from = (size_t)(i * j->n) * nl_dtype_size(j->dtype);
    double mean = batch_at(j->dtype, j->mean, i), inv = 1 / sqrt(batch_at(j->dtype, j->var, i) + j->eps);
    double sum_g, sum_gx, rest = 0, scale = (j->weight ? batch_at(j->dtype, j->weight, i) : 1) * inv;
    k->channel_sums[j->dtype](j->runs, j->n, step, j->g + from, j->x + from, mean, inv, &sum_g, &sum_gx);
    if (fabs(mean) * inv > FAR) {
      double sum, square;
      k->channel_moments[j->dtype](j->runs, j->n, step, j->x + from, mean, &sum, &square);
      rest = sum / count * inv;
      sum_gx -= rest * sum_g;
    }
    give_statistic(j->dtype, j->sum_g, i, sum_g);
    give_statistic(j->dtype, j->sum_gx, i, sum_gx);
    k->channel_backward[j->dtype](j->runs, j->n, step, j->g + from, j->x + from, mean, inv, scale,
                                  (sum_g - rest * sum_gx) / count, sum_gx / count, j->to + from);
  }
}

static void run_batch_standardize(nl_call *c) {
  nl_tensor *x = c->rin[0], *weight = c->rin[1], *bias = c->rin[2];
  int64_t rows = x->shape[0], n = x->shape[1];
  void *mean = nl_tensor_data(c->out[1]), *var = nl_tensor_data(c->out[2]);
  if (values_of_channel(x) > rows) {
    channels_job job = channels_of(c, x, weight);
    job.bias = bias ? nl_tensor_data(bias) : NULL;
    job.mean = mean, job.var = var;
    run_channels(&job, normalize_channels);
    return;
  }
  char *scale = c->workspace->storage->data, *shift = scale + (size_t)n * nl_dtype_size(c->dtype);
  const nl_reduce_kernels *k = nl_k->reduce;
  k->reduce[NL_RED_SUM][c->dtype](rows, n, 0, n, nl_tensor_data(x), mean);
  k->var[c->dtype](rows, n, 0, n, 0, nl_tensor_data(x), var);
  for (int64_t i = 0; i < n; i++) {
    give_statistic(c->dtype, mean, i, batch_at(c->dtype, mean, i) / (double)rows);
    double inv = 1 / sqrt(batch_at(c->dtype, var, i) + c->attr[nl_batch_standardize_eps].number);
    give_statistic(c->dtype, scale, i, (weight ? batch_at(c->dtype, nl_tensor_data(weight), i) : 1) * inv);
    give_statistic(c->dtype, shift, i, bias ? batch_at(c->dtype, nl_tensor_data(bias), i) : 0);
  }
  apply_job job = {c->dtype, n, nl_tensor_data(x), mean, scale, shift, nl_tensor_data(c->out[0])};
  nl_parallel_for(rows, 1 + 16384 / (n ? n : 1), apply_range, &job);
}

/* A vector of the channels as x has them. */
static nl_tensor *along(nl_build *b, nl_tensor *t, const nl_tensor *x) {
  int64_t shape[NL_MAX_DIM];
  for (int d = 0; d < x->ndim; d++) {
    shape[d] = d == 1 ? -1 : 1;
  }
  return t && x->ndim > 2 ? nl_b_reshape(b, t, x->ndim, shape) : t;
}

/* The gradient from single ops of the table, which have gradients themselves. */
static nl_status vjp_composed(nl_call *c, nl_vjp *g) {
  nl_build *b = g->build;
  nl_tensor *x = c->in[0], *weight = along(b, c->in[1], x), *up = g->gout[0];
  int64_t dims[NL_MAX_DIM] = {1};
  int n = x->ndim - 1;
  for (int d = 3; d <= x->ndim; d++) {
    dims[d - 2] = d;
  }
  double share = 1.0 / (double)values_of_channel(x);
  nl_tensor *dev = nl_b2(b, op_sub(), x, along(b, c->out[1], x)), *dx = NULL;
  if (up) {
    nl_tensor *eps = nl_b_number(b, c->attr[nl_batch_standardize_eps].number);
    nl_tensor *spread = along(b, nl_b1(b, op_sqrt(), nl_b2(b, op_add(), c->out[2], eps)), x);
    nl_tensor *xhat = nl_b2(b, op_div(), dev, spread);
    nl_tensor *up_xhat = nl_b2(b, op_mul(), up, xhat);
    if (g->need[1]) {
      g->gin[1] = nl_b_sum(b, up_xhat, n, dims, false);
    }
    if (g->need[2]) {
      g->gin[2] = nl_b_sum(b, up, n, dims, false);
    }
    nl_tensor *gw = weight ? nl_b2(b, op_mul(), up, weight) : up;
    nl_tensor *mean_g = nl_b_scale(b, nl_b_sum(b, gw, n, dims, true), share);
    nl_tensor *gx = nl_b2(b, op_mul(), gw, xhat);
    nl_tensor *mean_gx = nl_b_scale(b, nl_b_sum(b, gx, n, dims, true), share);
    nl_tensor *rest = nl_b2(b, op_sub(), gw, mean_g);
    dx = nl_b2(b, op_div(), nl_b2(b, op_sub(), rest, nl_b2(b, op_mul(), xhat, mean_gx)), spread);
  }
  if (g->gout[1]) { /* mean: 1 / values each */
    nl_tensor *d = nl_b_expand(b, along(b, nl_b_scale(b, g->gout[1], share), x), x->ndim, x->shape);
    dx = dx ? nl_b2(b, op_add(), dx, d) : d;
  }
  if (g->gout[2]) { /* var: 2 (x - mean) / values */
    nl_tensor *d = nl_b2(b, op_mul(), dev, along(b, nl_b_scale(b, g->gout[2], 2 * share), x));
    dx = dx ? nl_b2(b, op_add(), dx, d) : d;
  }
  g->gin[0] = dx;
  return b->status;
}

static nl_status vjp_batch_standardize(nl_call *c, nl_vjp *g) {
  if (g->differentiable || g->gout[1] || g->gout[2]) {
    return vjp_composed(c, g);
  }
  nl_call k;
  nl_call_init(&k, op_batch_standardize_backward(), 5,
               (nl_tensor *[]){g->gout[0], c->in[0], c->out[1], c->out[2], c->in[1]});
  k.attr[nl_batch_standardize_eps] = c->attr[nl_batch_standardize_eps];
  g->gin[0] = nl_b_call(g->build, &k);
  g->gin[1] = k.out[1];
  g->gin[2] = k.out[2];
  return g->build->status;
}

/* batch_norm_backward(g, x, mean, var, weight?, eps) -> dx, dweight, dbias, in two passes */
static nl_status infer_backward(nl_call *c) {
  nl_tensor *g = c->in[0], *x = c->in[1];
  nl_status status = check_batch(x);
  if (status == NL_OK && (!nl_shape_equal(g, x) || g->dtype != x->dtype)) {
    status = nl_fail("the gradient (%s, shape %s) does not go with the input (%s, shape %s)",
                     nl_dtype_name(nl_tensor_dtype(g)), nl_tensor_shape_string(g).s, nl_dtype_name(nl_tensor_dtype(x)),
                     nl_tensor_shape_string(x).s);
  }
  static const char *const names[] = {"the mean", "the variance", "the weight"};
  for (int i = 2; i < 5 && status == NL_OK; i++) {
    status = check_vector(c->in[i], x, names[i - 2]);
  }
  if (status != NL_OK) {
    return status;
  }
  c->dtype = nl_tensor_dtype(x);
  c->workspace_bytes = 2 * (size_t)x->shape[1] * nl_dtype_size(c->dtype) + 1; /* inverse deviation, scale */
  nl_rule_like(c, 0, x, c->dtype);
  nl_rule_shape(c, 1, 1, &x->shape[1], c->dtype);
  nl_rule_shape(c, 2, 1, &x->shape[1], c->dtype);
  return NL_OK;
}
static void run_norm_backward(nl_call *c) {
  nl_tensor *g = c->rin[0], *x = c->rin[1], *weight = c->rin[4];
  int64_t rows = x->shape[0], n = x->shape[1];
  if (values_of_channel(x) > rows) {
    channels_job job = channels_of(c, x, weight);
    job.g = nl_tensor_data(g);
    job.mean = nl_tensor_data(c->rin[2]), job.var = nl_tensor_data(c->rin[3]);
    job.sum_gx = nl_tensor_data(c->out[1]), job.sum_g = nl_tensor_data(c->out[2]);
    run_channels(&job, differentiate_channels);
    return;
  }
  char *inv = c->workspace->storage->data, *scale = inv + (size_t)n * nl_dtype_size(c->dtype);
  for (int64_t i = 0; i < n; i++) {
    double v = 1 / sqrt(batch_at(c->dtype, nl_tensor_data(c->rin[3]), i) + c->attr[nl_batch_standardize_eps].number);
    give_statistic(c->dtype, inv, i, v);
    give_statistic(c->dtype, scale, i, (weight ? batch_at(c->dtype, nl_tensor_data(weight), i) : 1) * v);
  }
  void *mean = nl_tensor_data(c->rin[2]), *sum_gx = nl_tensor_data(c->out[1]), *sum_g = nl_tensor_data(c->out[2]);
  nl_k->norm->sums[c->dtype](rows, n, nl_tensor_data(g), nl_tensor_data(x), mean, inv, sum_g, sum_gx);
  nl_k->norm->backward[c->dtype](rows, n, nl_tensor_data(g), nl_tensor_data(x), mean, inv, scale, sum_g, sum_gx,
                                 nl_tensor_data(c->out[0]));
}

static const nl_op ops[] = {
    {.name = "batch_standardize",
     .args = "x: tensor, weight: tensor?, bias: tensor?, eps: number = 1e-5",
     .attrs = nl_batch_standardize_attrs,
     .returns = "tensor, tensor, tensor",
     .doc = "Normalizes each channel (dim 2: a column, or a plane of every image) of a batch to mean 0 and variance 1, "
            "then scales and shifts; gives the result and the batch's mean and (biased) variance.",
     .infer = infer_batch_standardize,
     .run = run_batch_standardize,
     .vjp = vjp_batch_standardize,
     .flags = NL_OP_CONTIGUOUS | NL_OP_INTERNAL,
     .save = NL_SAVE_IN(0) | NL_SAVE_IN(1) | NL_SAVE_OUT(1) | NL_SAVE_OUT(2)},
    {.name = "batch_standardize_backward",
     .args = "g: tensor, x: tensor, mean: tensor, var: tensor, weight: tensor?, eps: number = 1e-5",
     .attrs = nl_batch_standardize_attrs,
     .returns = "tensor, tensor, tensor",
     .doc = "The gradients of batch_standardize for x, weight and bias.",
     .infer = infer_backward,
     .run = run_norm_backward,
     .flags = NL_OP_CONTIGUOUS | NL_OP_INTERNAL},
};

NL_FAMILY(norm, ops);
