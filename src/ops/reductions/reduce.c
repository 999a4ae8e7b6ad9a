/* Sums, means, norms, extremes and their like, over any dims. */
#include <float.h>
#include <math.h>
#include <string.h>

#include "ops/reductions/reduction.h"
#include "optable/helpers.h"
#include "optable/rules.h"

NL_ATTRS(reduce, dim, keepdim)
NL_ATTRS(var, dim, correction, keepdim)
NL_ATTRS(norm, p, dim, keepdim)
NL_ATTRS(extreme, dim, keepdim)

static void scale(nl_tensor *t, double factor) {
  for (int64_t i = 0; i < t->numel; i++) {
    if (t->dtype == NL_F32) {
      ((float *)t->storage->data)[i] *= (float)factor;
    } else {
      ((double *)t->storage->data)[i] *= factor;
    }
  }
}

/* ---- sum, mean, prod, logsumexp, all, any ---- */

static nl_status infer_sum(nl_call *c) {
  c->dtype = nl_reduction_dtype(nl_tensor_dtype(c->in[0]));
  return nl_infer_reduction(c, reduce_dim, reduce_keepdim, c->dtype, c->op->kernel);
}
static nl_status infer_float(nl_call *c) {
  c->dtype = nl_tensor_dtype(c->in[0]);
  nl_status status = nl_rule_want_float(c->in[0], "the input");
  return status == NL_OK ? nl_infer_reduction(c, reduce_dim, reduce_keepdim, c->dtype, c->op->kernel) : status;
}
static nl_status infer_bool(nl_call *c) {
  c->dtype = nl_reduction_dtype(nl_tensor_dtype(c->in[0]));
  return nl_infer_reduction(c, reduce_dim, reduce_keepdim, NL_BOOL, c->op->kernel);
}
static void run_reduce(nl_call *c) {
  if (c->prepared) {
    nl_reduction_job *j = c->prepared;
    j->x = nl_tensor_data(c->rin[0]);
    j->out = nl_tensor_data(c->out[0]);
    nl_run_sized_reduction(j);
    return;
  }
  nl_reduce(c, c->op->kernel, reduce_dim, nl_tensor_data(c->out[0]));
}
static void run_amax(nl_call *c) {
  if (c->prepared) {
    run_reduce(c);
    return;
  }
  nl_reduce(c, c->op->kernel, reduce_dim, nl_found(c));
  nl_narrow(c);
}
/* What needs no copy is one job, whose sizes are known. */
static bool prepare_reduce(const nl_call *c, void *prepared) {
  nl_reduction g = nl_reduction_of(c, reduce_dim);
  bool one = c->op->run == run_reduce || c->op->run == run_amax;
  if (!one || !nl_reduction_is_one_job(c, c->op->kernel, &g)) {
    return false;
  }
  nl_reduction_job *j = prepared;
  *j = (nl_reduction_job){.fn = nl_k->reduce->reduce[c->op->kernel][c->dtype]};
  nl_size_reduction(j, &g);
  return true;
}
static void run_mean(nl_call *c) {
  nl_reduction g = nl_reduction_of(c, reduce_dim);
  nl_reduce(c, NL_RED_SUM, reduce_dim, nl_tensor_data(c->out[0]));
  scale(c->out[0], 1.0 / (double)g.count);
}

/* g, with the reduced dims put back as 1 */
static nl_tensor *with_dims(nl_call *c, nl_vjp *g, int dims, nl_tensor *t) {
  const nl_tensor *x = c->in[0];
  bool mask[NL_MAX_DIM];
  nl_rule_dims(c, dims, x->ndim, mask);
  int64_t shape[NL_MAX_DIM];
  for (int d = 0; d < x->ndim; d++) {
    shape[d] = mask[d] ? 1 : x->shape[d];
  }
  return nl_b_reshape(g->build, t, x->ndim, shape);
}

static nl_status spread_back(nl_call *c, nl_vjp *g, nl_tensor *up) {
  g->gin[0] = nl_b_expand(g->build, up, c->in[0]->ndim, c->in[0]->shape);
  return g->build->status;
}
static nl_status vjp_sum(nl_call *c, nl_vjp *g) {
  return spread_back(c, g, with_dims(c, g, reduce_dim, g->gout[0]));
}
static nl_status vjp_mean(nl_call *c, nl_vjp *g) {
  nl_tensor *up = with_dims(c, g, reduce_dim, g->gout[0]);
  return spread_back(c, g, nl_b_scale(g->build, up, 1.0 / (double)nl_reduction_of(c, reduce_dim).count));
}

static nl_status vjp_logsumexp(nl_call *c, nl_vjp *g) {
  nl_build *b = g->build;
  nl_tensor *share = nl_b1(b, op_exp(), nl_b2(b, op_sub(), c->in[0], with_dims(c, g, reduce_dim, c->out[0])));
  g->gin[0] = nl_b2(b, op_mul(), share, with_dims(c, g, reduce_dim, g->gout[0]));
  return b->status;
}

/* The product of the others: prod / x, or, where one element is 0, the product without it there and 0 elsewhere. */
static nl_status vjp_prod(nl_call *c, nl_vjp *g) {
  nl_build *b = g->build;
  nl_tensor *x = c->in[0], *zero_number = nl_b_number(b, 0), *one = nl_b_number(b, 1);
  nl_tensor *zero = nl_b2(b, op_eq(), x, zero_number);
  int count;
  const int64_t *dims = nl_call_list(c, reduce_dim, &count);
  nl_tensor *zeros = nl_b_sum(b, zero, count, c->attr[reduce_dim].set ? dims : NULL, true);
  nl_tensor *filled = nl_b3(b, op_where(), zero, one, x);
  nl_call p;
  nl_call_init(&p, op_prod(), 1, NULL);
  p.in[0] = filled;
  if (c->attr[reduce_dim].set) {
    nl_call_set_list(&p, reduce_dim, count, dims);
  }
  p.attr[reduce_keepdim].b = true;
  nl_tensor *rest = nl_b_call(b, &p);
  nl_tensor *no_zero = nl_b2(b, op_eq(), zeros, zero_number), *one_zero = nl_b2(b, op_eq(), zeros, one);
  nl_tensor *others = nl_b2(b, op_div(), rest, filled);
  nl_tensor *only = nl_b3(b, op_where(), zero, rest, zero_number);
  only = nl_b3(b, op_where(), one_zero, only, zero_number);
  nl_tensor *d = nl_b3(b, op_where(), no_zero, others, only);
  g->gin[0] = nl_b2(b, op_mul(), d, with_dims(c, g, reduce_dim, g->gout[0]));
  return b->status;
}

/* ---- var and std ---- */

/* With count - correction <= 0 the result is inf or nan, as in PyTorch. */
static nl_status infer_var(nl_call *c) {
  c->dtype = nl_tensor_dtype(c->in[0]);
  nl_status status = nl_rule_want_float(c->in[0], "the input");
  if (status == NL_OK && !isfinite(c->attr[var_correction].number)) {
    status = nl_fail("correction must be a finite number, not %g", c->attr[var_correction].number);
  }
  return status == NL_OK ? nl_infer_reduction(c, var_dim, var_keepdim, c->dtype, -1) : status;
}
static void run_var(nl_call *c) {
  nl_reduction g = nl_reduction_of(c, var_dim);
  nl_reduction_job j = {.var = nl_k->reduce->var[c->dtype],
                        .correction = c->attr[var_correction].number,
                        .x = nl_reduction_input(c, &g),
                        .out = nl_tensor_data(c->out[0])};
  nl_run_reduction(&j, &g);
  if (c->op->variant == 1) {
    nl_k->elementwise->unary[NL_UN_SQRT][c->dtype](c->out[0]->numel, nl_tensor_data(c->out[0]),
                                                   nl_tensor_data(c->out[0]));
  }
}
/* var: 2 (x - mean) / (n - correction); std: (x - mean) / ((n - correction) std) */
static nl_status vjp_var(nl_call *c, nl_vjp *g) {
  nl_build *b = g->build;
  int count;
  const int64_t *dims = nl_call_list(c, var_dim, &count);
  nl_call m;
  nl_call_init(&m, op_mean(), 1, NULL);
  m.in[0] = c->in[0];
  if (c->attr[var_dim].set) {
    nl_call_set_list(&m, reduce_dim, count, dims);
  }
  m.attr[reduce_keepdim].b = true;
  nl_tensor *dev = nl_b2(b, op_sub(), c->in[0], nl_b_call(b, &m));
  double divisor = (double)nl_reduction_of(c, var_dim).count - c->attr[var_correction].number;
  nl_tensor *up = with_dims(c, g, var_dim, g->gout[0]);
  if (c->op->variant == 1) {
    nl_tensor *std = with_dims(c, g, var_dim, c->out[0]), *zero = nl_b_number(b, 0);
    nl_tensor *flat = nl_b2(b, op_eq(), std, zero); /* where all are equal the gradient is 0, as in PyTorch */
    up = nl_b2(b, op_div(), nl_b3(b, op_where(), flat, zero, up), nl_b3(b, op_where(), flat, nl_b_number(b, 1), std));
  }
  nl_tensor *d = nl_b2(b, op_mul(), dev, up);
  g->gin[0] = nl_b_scale(b, d, (c->op->variant == 1 ? 1.0 : 2.0) / divisor);
  return b->status;
}

/* ---- norm ---- */

/* -1: of these there is none. */
static int norm_kernel(double p) {
  return p == 2 ? NL_RED_SUMSQ : (p == 1 ? NL_RED_SUMABS : (p == INFINITY ? NL_RED_MAXABS : -1));
}

static nl_status infer_norm(nl_call *c) {
  c->dtype = nl_tensor_dtype(c->in[0]);
  nl_status status = nl_rule_want_float(c->in[0], "the input");
  double p = c->attr[norm_p].number;
  if (status == NL_OK && p != p) {
    return nl_fail("p must be a number (1, 2, ... or math.huge), not nan");
  }
  int kernel = p == 2 ? -1 : norm_kernel(p); /* mending needs room for all of x */
  return status == NL_OK ? nl_infer_reduction(c, norm_dim, norm_keepdim, c->dtype, kernel) : status;
}
static double float_at(const void *x, nl_dtype dtype, int64_t i) {
  return dtype == NL_F32 ? (double)((const float *)x)[i] : ((const double *)x)[i];
}

/* Squares leave the range of numbers long before the norm does: 1e25 squared is inf in float32, 1e-25 squared is 0.
   Where the sum of squares says that this has happened, the norm is made again of elements divided by the largest. */
static void mend_norms(nl_call *c, const nl_reduction *g) {
  bool narrow = c->dtype == NL_F32;
  double low = sqrt((double)g->count * (narrow ? FLT_MIN / FLT_EPSILON : DBL_MIN / DBL_EPSILON));
  const void *out = nl_tensor_data(c->out[0]), *x = NULL;
  int64_t inner = g->around.inner;
  for (int64_t r = 0; r < c->out[0]->numel; r++) {
    double norm = float_at(out, c->dtype, r), largest = 0, sum = 0;
    if (g->count == 0 || norm != norm || (norm >= low && !isinf(norm))) {
      continue;
    }
    x = x ? x : nl_reduction_input(c, g);
    int64_t from = r / inner * g->count * inner + r % inner;
    for (int64_t i = 0; i < g->count; i++) {
      largest = fmax(largest, fabs(float_at(x, c->dtype, from + i * inner)));
    }
    if (largest == 0 || isinf(largest)) {
      continue;
    }
    for (int64_t i = 0; i < g->count; i++) {
      double v = float_at(x, c->dtype, from + i * inner) / largest;
      sum += v * v;
    }
    nl_tensor_set_double(c->out[0], r, largest * sqrt(sum));
  }
}

static void run_norm(nl_call *c) {
  nl_reduction g = nl_reduction_of(c, norm_dim);
  double p = c->attr[norm_p].number;
  void *out = nl_tensor_data(c->out[0]);
  int64_t n = c->out[0]->numel;
  if (norm_kernel(p) >= 0) {
    nl_reduce(c, norm_kernel(p), norm_dim, out);
    if (p == 2) {
      nl_k->elementwise->unary[NL_UN_SQRT][c->dtype](n, out, out);
      mend_norms(c, &g);
    }
    return;
  }
  const void *x = nl_reduction_input(c, &g);
  for (int64_t r = 0; r < n; r++) {
    int64_t from = r / g.around.inner * g.count * g.around.inner + r % g.around.inner;
    double sum = p == -INFINITY ? INFINITY : 0, unit = 1;
    if (p > 0) { /* powers of the share of the largest stay within the range of numbers */
      double largest = 0;
      for (int64_t i = 0; i < g.count; i++) {
        largest = fmax(largest, fabs(float_at(x, c->dtype, from + i * g.around.inner)));
      }
      unit = largest > 0 && !isinf(largest) ? largest : 1;
    }
    for (int64_t i = 0; i < g.count; i++) {
      double v = fabs(float_at(x, c->dtype, from + i * g.around.inner));
      if (p == -INFINITY) {
        sum = v < sum || v != v ? v : sum;
      } else {
        sum += p == 0 ? v != 0 : pow(v / unit, p);
      }
    }
    nl_tensor_set_double(c->out[0], r, p == 0 || p == -INFINITY ? sum : unit * pow(sum, 1 / p));
  }
}
/* g * sign(x) |x|^(p-1) / norm^(p-1); at norm 0 the gradient is 0 */
static nl_status vjp_norm(nl_call *c, nl_vjp *g) {
  nl_build *b = g->build;
  double p = c->attr[norm_p].number;
  nl_tensor *x = c->in[0], *up = with_dims(c, g, norm_dim, g->gout[0]), *norm = with_dims(c, g, norm_dim, c->out[0]),
            *d;
  if (isinf(p)) { /* shared evenly among the largest */
    nl_tensor *at = nl_b2(b, op_eq(), nl_b1(b, op_abs(), x), norm);
    at = nl_b_cast(b, at, c->dtype);
    int count;
    const int64_t *dims = nl_call_list(c, norm_dim, &count);
    nl_tensor *ties = nl_b_sum(b, at, count, c->attr[norm_dim].set ? dims : NULL, true);
    d = nl_b2(b, op_mul(), nl_b1(b, op_sign(), x), nl_b2(b, op_div(), at, ties));
  } else if (p == 1) {
    d = nl_b1(b, op_sign(), x);
  } else if (p == 0) {
    d = nl_b_scale(b, x, 0);
  } else {
    nl_tensor *zero = nl_b2(b, op_eq(), norm, nl_b_number(b, 0));
    nl_tensor *safe = nl_b3(b, op_where(), zero, nl_b_number(b, 1), norm);
    nl_tensor *ratio = nl_b2(b, op_div(), x, safe);
    if (p == 2) {
      d = ratio;
    } else {
      nl_tensor *size = nl_b2(b, op_pow(), nl_b1(b, op_abs(), ratio), nl_b_number(b, p - 1));
      d = nl_b2(b, op_mul(), nl_b1(b, op_sign(), x), size);
    }
  }
  g->gin[0] = nl_b2(b, op_mul(), d, up);
  return b->status;
}

/* ---- max, min, argmax, argmin ---- */

static nl_status not_empty(const nl_call *c, const nl_reduction *g) {
  if (g->count == 0) {
    return nl_fail("has no answer over 0 elements (shape %s)", nl_tensor_shape_string(c->in[0]).s);
  }
  return NL_OK;
}

static nl_status infer_arg(nl_call *c) {
  nl_tensor *x = c->in[0];
  c->dtype = nl_reduction_dtype(nl_tensor_dtype(x));
  if (c->attr[extreme_dim].set) {
    nl_call_set_list(c, extreme_dim, 1, (int64_t[]){c->attr[extreme_dim].i});
  }
  nl_status status = nl_infer_reduction(c, extreme_dim, extreme_keepdim, NL_I64, -1);
  if (status == NL_OK) {
    nl_reduction g = nl_reduction_of(c, extreme_dim);
    status = not_empty(c, &g);
  }
  return status;
}
static void to_one_based(nl_tensor *t) {
  int64_t *p = nl_tensor_data(t);
  for (int64_t i = 0; i < t->numel; i++) {
    p[i]++;
  }
}
static void run_arg(nl_call *c) {
  run_reduce(c);
  to_one_based(c->out[0]);
}

/* Without dim: the one extreme value. With dim: values and their positions. */
static nl_status infer_extreme(nl_call *c) {
  nl_tensor *x = c->in[0];
  nl_dtype dtype = nl_tensor_dtype(x);
  c->dtype = nl_reduction_dtype(dtype);
  bool by_dim = c->attr[extreme_dim].set;
  if (by_dim) {
    nl_call_set_list(c, extreme_dim, 1, (int64_t[]){c->attr[extreme_dim].i});
  }
  nl_status status = nl_infer_reduction(c, extreme_dim, extreme_keepdim, c->dtype, -1);
  if (status != NL_OK) {
    return status;
  }
  nl_reduction g = nl_reduction_of(c, extreme_dim);
  status = not_empty(c, &g);
  if (by_dim) {
    c->nout = 2;
    c->desc[1] = c->desc[0];
    c->desc[1].dtype = NL_I64;
  }
  nl_keep_dtype(c);
  return status;
}
static void run_extreme(nl_call *c) {
  nl_reduction g = nl_reduction_of(c, extreme_dim);
  if (c->nout == 1) {
    nl_reduce(c, c->op->kernel, extreme_dim, nl_found(c));
    nl_narrow(c);
    return;
  }
  /* the positions tell the values, so the elements are read once */
  const char *x = nl_reduction_input(c, &g);
  nl_reduction_job j = {.fn =
                            nl_k->reduce->reduce[c->op->kernel == NL_RED_MAX ? NL_RED_ARGMAX : NL_RED_ARGMIN][c->dtype],
                        .x = x,
                        .out = nl_tensor_data(c->out[1])};
  nl_run_reduction(&j, &g);
  size_t size = nl_dtype_size(c->dtype);
  int64_t *at = nl_tensor_data(c->out[1]);
  char *out = nl_found(c);
  for (int64_t r = 0; r < j.results; r++) {
    int64_t from = (r / j.inner * j.red + at[r]) * j.inner + r % j.inner;
    memcpy(out + (size_t)r * size, x + (size_t)from * size, size);
    at[r]++;
  }
  nl_narrow(c);
}
/* With dim, to the position found; without, shared evenly among equals, as PyTorch does. */
static nl_status vjp_extreme(nl_call *c, nl_vjp *g) {
  nl_build *b = g->build;
  nl_tensor *x = c->in[0];
  if (c->nout == 2) {
    nl_tensor *gk = with_dims(c, g, extreme_dim, g->gout[0]), *at = with_dims(c, g, extreme_dim, c->out[1]);
    int64_t dim = *nl_call_list(c, extreme_dim, &(int){0});
    g->gin[0] = nl_b_do(b, op_scatter_zeros(), "ttil", gk, at, dim, x->ndim, x->shape);
    return b->status;
  }
  nl_tensor *at = nl_b2(b, op_eq(), x, c->out[0]);
  at = nl_b_cast(b, at, nl_tensor_dtype(x));
  nl_tensor *ties = nl_b_sum(b, at, 0, NULL, false);
  g->gin[0] = nl_b2(b, op_mul(), at, nl_b2(b, op_div(), g->gout[0], ties));
  return b->status;
}

/* Over any dims; the gradient is shared evenly among equals. */
static nl_status infer_amax(nl_call *c) {
  nl_tensor *x = c->in[0];
  c->dtype = nl_reduction_dtype(nl_tensor_dtype(x));
  nl_status status = nl_infer_reduction(c, reduce_dim, reduce_keepdim, c->dtype, c->op->kernel);
  if (status == NL_OK) {
    nl_reduction g = nl_reduction_of(c, reduce_dim);
    status = not_empty(c, &g);
    nl_keep_dtype(c);
  }
  return status;
}
static nl_status vjp_amax(nl_call *c, nl_vjp *g) {
  nl_build *b = g->build;
  nl_tensor *at = nl_b2(b, op_eq(), c->in[0], with_dims(c, g, reduce_dim, c->out[0]));
  at = nl_b_cast(b, at, c->dtype);
  int count;
  const int64_t *dims = nl_call_list(c, reduce_dim, &count);
  nl_tensor *ties = nl_b_sum(b, at, count, c->attr[reduce_dim].set ? dims : NULL, true);
  g->gin[0] = nl_b2(b, op_mul(), at, nl_b2(b, op_div(), with_dims(c, g, reduce_dim, g->gout[0]), ties));
  return b->status;
}

#define DIMS "x: tensor, dim: dims?, keepdim: bool = false"
#define REDUCE(n, text, i, r, v, s, k, e)                                                                              \
  {                                                                                                                    \
    .name = n, .args = DIMS, .attrs = reduce_attrs, .returns = "tensor", .doc = text, .example = e, .infer = i,        \
    .run = r, .vjp = v, .save = s, .kernel = k, .prepared_bytes = sizeof(nl_reduction_job), .prepare = prepare_reduce  \
  }

static const nl_op ops[] = {
    REDUCE("sum", "The sum over the dims named, or over all. Integers and bools are summed as int64.", infer_sum,
           run_reduce, vjp_sum, 0, NL_RED_SUM, "nn.sum(nn.tensor {{1.0, 2.0, 3.0}, {4.0, 5.0, 6.0}}, 2)"),
    REDUCE("mean", "The mean over the dims named, or over all.", infer_float, run_mean, vjp_mean, 0, NL_RED_SUM,
           "nn.mean(nn.tensor {{1.0, 2.0, 3.0}, {4.0, 5.0, 6.0}}, 1)"),
    REDUCE("prod", "The product over the dims named, or over all.", infer_sum, run_reduce, vjp_prod, NL_SAVE_IN(0),
           NL_RED_PROD, "nn.prod(nn.tensor {{1.0, 2.0, 3.0}, {4.0, 5.0, 6.0}})"),
    REDUCE("logsumexp", "log(sum(exp(x))) over the dims named, or over all, without overflow.", infer_float, run_reduce,
           vjp_logsumexp, NL_SAVE_IN(0) | NL_SAVE_OUT(0), NL_RED_LOGSUMEXP, "nn.logsumexp(nn.tensor {1000.0, 1000.0})"),
    REDUCE("amax", "The largest element over the dims named, or over all; equals share the gradient.", infer_amax,
           run_amax, vjp_amax, NL_SAVE_IN(0) | NL_SAVE_OUT(0), NL_RED_MAX,
           "nn.amax(nn.tensor {{1.0, 2.0, 3.0}, {4.0, 5.0, 6.0}}, {1, 2})"),
    REDUCE("amin", "The smallest element over the dims named, or over all; equals share the gradient.", infer_amax,
           run_amax, vjp_amax, NL_SAVE_IN(0) | NL_SAVE_OUT(0), NL_RED_MIN,
           "nn.amin(nn.tensor {{1.0, 2.0, 3.0}, {4.0, 5.0, 6.0}}, 1)"),
    REDUCE("all", "True where all elements over the dims named are not 0.", infer_bool, run_reduce, NULL, 0, NL_RED_ALL,
           "nn.all(nn.tensor {true, false})"),
    REDUCE("any", "True where any element over the dims named is not 0.", infer_bool, run_reduce, NULL, 0, NL_RED_ANY,
           "nn.any(nn.tensor {true, false})"),
    {.name = "var",
     .args = "x: tensor, dim: dims?, correction: number = 1, keepdim: bool = false",
     .attrs = var_attrs,
     .returns = "tensor",
     .doc = "The variance over the dims named, or over all; the divisor is count - correction.",
     .example = "nn.var(nn.tensor {{1.0, 2.0, 3.0}, {4.0, 5.0, 6.0}}, 2)",
     .infer = infer_var,
     .run = run_var,
     .vjp = vjp_var,
     .save = NL_SAVE_IN(0)},
    {.name = "std",
     .args = "x: tensor, dim: dims?, correction: number = 1, keepdim: bool = false",
     .attrs = var_attrs,
     .returns = "tensor",
     .doc = "The standard deviation: the square root of var.",
     .example = "nn.std(nn.tensor {{1.0, 2.0, 3.0}, {4.0, 5.0, 6.0}}, 2)",
     .infer = infer_var,
     .run = run_var,
     .vjp = vjp_var,
     .save = NL_SAVE_IN(0) | NL_SAVE_OUT(0),
     .variant = 1},
    {.name = "norm",
     .args = "x: tensor, p: number = 2, dim: dims?, keepdim: bool = false",
     .attrs = norm_attrs,
     .returns = "tensor",
     .doc = "The p-norm over the dims named, or over all: (sum |x|^p)^(1/p); math.huge gives the "
            "largest |x|, -math.huge the smallest, 0 counts those that are not 0.",
     .example = "nn.norm(nn.tensor {3.0, 4.0})",
     .infer = infer_norm,
     .run = run_norm,
     .vjp = vjp_norm,
     .save = NL_SAVE_IN(0) | NL_SAVE_OUT(0)},
    {.name = "max",
     .args = "x: tensor, dim: dim?, keepdim: bool = false",
     .attrs = extreme_attrs,
     .returns = "tensor, tensor?",
     .doc = "The largest element; with dim, the largest along it and their positions.",
     .example = "nn.max(nn.tensor {{1.0, 2.0, 3.0}, {4.0, 5.0, 6.0}}, 2)",
     .infer = infer_extreme,
     .run = run_extreme,
     .vjp = vjp_extreme,
     .save = NL_SAVE_IN(0) | NL_SAVE_OUT(0) | NL_SAVE_OUT(1),
     .kernel = NL_RED_MAX},
    {.name = "min",
     .args = "x: tensor, dim: dim?, keepdim: bool = false",
     .attrs = extreme_attrs,
     .returns = "tensor, tensor?",
     .doc = "The smallest element; with dim, the smallest along it and their positions.",
     .example = "nn.min(nn.tensor {{1.0, 2.0, 3.0}, {4.0, 5.0, 6.0}})",
     .infer = infer_extreme,
     .run = run_extreme,
     .vjp = vjp_extreme,
     .save = NL_SAVE_IN(0) | NL_SAVE_OUT(0) | NL_SAVE_OUT(1),
     .kernel = NL_RED_MIN},
    {.name = "argmax",
     .args = "x: tensor, dim: dim?, keepdim: bool = false",
     .attrs = extreme_attrs,
     .returns = "tensor",
     .doc = "The position (from 1) of the largest element along dim; without dim, in the flattened tensor.",
     .example = "nn.argmax(nn.tensor {{1.0, 2.0, 3.0}, {4.0, 5.0, 6.0}}, 1)",
     .infer = infer_arg,
     .run = run_arg,
     .kernel = NL_RED_ARGMAX},
    {.name = "argmin",
     .args = "x: tensor, dim: dim?, keepdim: bool = false",
     .attrs = extreme_attrs,
     .returns = "tensor",
     .doc = "The position (from 1) of the smallest element along dim; without dim, in the flattened tensor.",
     .example = "nn.argmin(nn.tensor {{1.0, 2.0, 3.0}, {4.0, 5.0, 6.0}})",
     .infer = infer_arg,
     .run = run_arg,
     .kernel = NL_RED_ARGMIN},
};

NL_FAMILY(reduce, ops);
