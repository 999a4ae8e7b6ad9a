/* Reductions beyond sums and extremes, most of them made of other ops: orders and quantiles, reductions that leave
   nan out, and counts. */
#include <float.h>
#include <math.h>
#include <string.h>

#include "core/interrupt.h"
#include "kernels/sort.h"
#include "optable/compose.h"
#include "optable/iterate.h"
#include "optable/rules.h"

typedef const int64_t *ints;

NL_ATTRS(over, dim, keepdim)
NL_ATTRS(quantile, dim, keepdim, interpolation)
NL_ATTRS(spread_mean, dim, correction, keepdim)
NL_ATTRS(diff, n, dim)
NL_ATTRS(trapezoid, dx, dim)
NL_ATTRS(histc, bins, min, max)
NL_ATTRS(bincount, minlength)

/* x with the dims of attr `dims` last and joined; left out: all of them. shape, n: what remains, with 1 in the place of
   the reduced dims if keepdim. */
static nl_tensor *dims_last(nl_call *c, nl_build *b, nl_tensor *x, int dims, bool keepdim, int64_t *shape, int *n) {
  bool mask[NL_MAX_DIM];
  b->status = b->status == NL_OK ? nl_rule_dims(c, dims, x->ndim, mask) : b->status;
  if (b->status != NL_OK) {
    return NULL;
  }
  int64_t order[NL_MAX_DIM], joined[NL_MAX_DIM + 1], count = 1;
  int kept = 0, at = 0;
  *n = 0;
  for (int d = 0; d < x->ndim; d++) {
    if (!mask[d]) {
      joined[kept] = x->shape[d];
      order[kept++] = d + 1;
      shape[(*n)++] = x->shape[d];
    } else {
      count *= x->shape[d];
      if (keepdim) {
        shape[(*n)++] = 1;
      }
    }
  }
  at = kept;
  for (int d = 0; d < x->ndim; d++) {
    if (mask[d]) {
      order[at++] = d + 1;
    }
  }
  joined[kept] = count;
  nl_tensor *t = b_permute(b, x, order);
  return nl_b_reshape(b, t, kept + 1, joined);
}

/* sorted along the last dim, and the positions in *at */
static nl_tensor *sorted(nl_build *b, nl_tensor *x, nl_tensor **at) {
  nl_call k;
  nl_call_init(&k, op_sort(), 1, NULL);
  k.in[0] = x;
  nl_tensor *t = nl_b_call(b, &k);
  *at = k.out[1];
  return t;
}
static nl_tensor *any_nan(nl_build *b, nl_tensor *x, bool keep) {
  return nl_b_do(b, op_any(), "tlb", b_isnan(b, x), 1, (int64_t[]){-1}, keep);
}
static nl_tensor *nan_number(nl_build *b) {
  return nl_b_number(b, NAN);
}
static void fail_empty(nl_build *b, const nl_tensor *x) {
  nl_b_fail(b, "has no answer over 0 elements (shape %s)", nl_tensor_shape_string(x).s);
}

/* The lower of the two in the middle. Variant 1 leaves nan out; else nan wins. With dim also the positions. */
NL_COMPOSE(median) {
  bool by_dim = c->attr[over_dim].set, keepdim = c->attr[over_keepdim].b,
       floats = nl_dtype_is_float(nl_tensor_dtype(x));
  if (by_dim) {
    nl_call_set_list(c, over_dim, 1, (int64_t[]){c->attr[over_dim].i});
  }
  int n;
  int64_t shape[NL_MAX_DIM];
  nl_tensor *t = dims_last(c, b, x, over_dim, keepdim, shape, &n), *at;
  if (b->status != NL_OK) {
    return;
  }
  int64_t count = t->shape[t->ndim - 1];
  if (count == 0) {
    fail_empty(b, x);
    return;
  }
  nl_tensor *ordered = sorted(b, t, &at), *where = nl_b_int(b, (count + 1) / 2);
  if (floats) {
    nl_tensor *good = nl_b_sum(b, b_logical_not(b, b_isnan(b, t)), 1, (int64_t[]){-1}, true);
    nl_tensor *middle = b_floor_divide(b, b_add(b, good, nl_b_int(b, 1)), nl_b_int(b, 2));
    if (c->op->variant == 1) {
      where = b_maximum(b, middle, nl_b_int(b, 1));
    } else { /* nan is last in order */
      where = b_where(b, b_lt(b, good, nl_b_int(b, count)), nl_b_int(b, count), nl_b_int(b, (count + 1) / 2));
    }
    where = nl_b_cast(b, where, NL_I64);
  } else {
    int64_t one[NL_MAX_DIM];
    memcpy(one, t->shape, (size_t)t->ndim * sizeof *one);
    one[t->ndim - 1] = 1;
    where = nl_b_expand(b, where, t->ndim, one);
  }
  nl_tensor *value = nl_b_reshape(b, b_gather(b, ordered, -1, where), n, shape);
  nl_tensor *place = by_dim ? nl_b_reshape(b, b_gather(b, at, -1, where), n, shape) : NULL;
  if (by_dim) {
    nl_give2(c, value, place);
  } else {
    nl_give(c, value);
  }
}

/* The most frequent element (the smallest of equals): its last position, by sorting each line. */
static nl_status infer_mode_index(nl_call *c) {
  nl_tensor *x = c->in[0];
  int64_t n = x->ndim ? x->shape[x->ndim - 1] : 1;
  if (n == 0 || x->ndim == 0) {
    return nl_fail("has no answer over 0 elements (shape %s)", nl_tensor_shape_string(x).s);
  }
  int64_t shape[NL_MAX_DIM];
  memcpy(shape, x->shape, (size_t)x->ndim * sizeof *shape);
  shape[x->ndim - 1] = 1;
  nl_rule_shape(c, 0, x->ndim, shape, NL_I64);
  c->workspace_bytes = nl_sort_workspace(n) + (size_t)n * 16 + 64;
  return NL_OK;
}
/* Neighbours in sorted order: -0 equals 0, and nan itself. */
static bool same_sorted(nl_dtype dtype, const char *p, int64_t i, int64_t k) {
  if (dtype == NL_F32) {
    float a = ((const float *)p)[i], b = ((const float *)p)[k];
    return a == b || (a != a && b != b);
  } else if (dtype == NL_F64) {
    double a = ((const double *)p)[i], b = ((const double *)p)[k];
    return a == b || (a != a && b != b);
  }
  size_t size = nl_dtype_size(dtype);
  return memcmp(p + (size_t)i * size, p + (size_t)k * size, size) == 0;
}
static void run_mode_index(nl_call *c) {
  nl_tensor *x = c->rin[0];
  int64_t n = x->shape[x->ndim - 1], *out = nl_tensor_data(c->out[0]);
  size_t size = nl_dtype_size(nl_tensor_dtype(x));
  char *keys = c->workspace->storage->data, *values = keys + nl_sort_workspace(n);
  int64_t *places = (int64_t *)(values + n * 8);
  for (int64_t line = 0; line < c->out[0]->numel && !nl_interrupt_pending(); line++) {
    nl_sort_row(&(nl_sort){.dtype = nl_tensor_dtype(x),
                           .n = n,
                           .step = 1,
                           .keep = n,
                           .to_step = 1,
                           .x = (const char *)nl_tensor_data(x) + (size_t)(line * n) * size,
                           .values = values,
                           .positions = places,
                           .workspace = keys});
    int64_t best = 0, at = 0;
    for (int64_t i = 0; i < n;) {
      int64_t k = i + 1;
      while (k < n && same_sorted(nl_tensor_dtype(x), values, k, i)) {
        k++;
      }
      if (k - i > best) {
        best = k - i;
        at = places[k - 1];
      }
      i = k;
    }
    out[line] = at + 1;
  }
}
NL_COMPOSE(mode) {
  nl_call_set_list(c, over_dim, 1, (int64_t[]){c->attr[over_dim].i});
  int n;
  int64_t shape[NL_MAX_DIM];
  nl_tensor *t = dims_last(c, b, x, over_dim, c->attr[over_keepdim].b, shape, &n),
            *at = nl_b_do(b, op_mode_index(), "t", t);
  nl_give2(c, nl_b_reshape(b, b_gather(b, t, -1, at), n, shape), nl_b_reshape(b, at, n, shape));
}

/* The value below which a share q lies: at position q (count - 1) of the sorted elements, between two of them as
   `interpolation` says (Hyndman & Fan 1996, definition 7). Variant 1 leaves nan out. A vector of shares gives a first
   dim. */
NL_COMPOSE(quantile) {
  nl_tensor *q = c->in[1];
  nl_dtype dtype = nl_tensor_dtype(x);
  enum { LINEAR, LOWER, HIGHER, MIDPOINT, NEAREST };
  int64_t how = c->attr[quantile_interpolation].i;
  b->status = nl_rule_want_float(x, "the input");
  if (b->status == NL_OK && q->ndim > 1) {
    nl_b_fail(b, "q must be a number or a vector, but has shape %s", nl_tensor_shape_string(q).s);
  }
  for (int64_t i = 0; b->status == NL_OK && q->wrapped_number && i < 1; i++) {
    double share = nl_tensor_get_double(q, 0);
    b->status = share >= 0 && share <= 1 ? NL_OK : nl_fail("q must lie in 0..1, not %g", share);
  }
  if (c->attr[quantile_dim].set) {
    nl_call_set_list(c, quantile_dim, 1, (int64_t[]){c->attr[quantile_dim].i});
  }
  int n;
  int64_t shape[NL_MAX_DIM + 1];
  nl_tensor *t = dims_last(c, b, x, quantile_dim, c->attr[quantile_keepdim].b, shape, &n), *at;
  if (b->status != NL_OK) {
    return;
  }
  int64_t count = t->shape[t->ndim - 1];
  if (count == 0) {
    fail_empty(b, x);
    return;
  }
  nl_tensor *ordered = sorted(b, t, &at);
  bool skip = c->op->variant == 1;
  nl_tensor *good = nl_b_sum(b, b_logical_not(b, b_isnan(b, t)), 1, (int64_t[]){-1}, true);
  nl_tensor *most = skip ? b_maximum(b, b_sub(b, good, nl_b_int(b, 1)), nl_b_int(b, 0))
                         : b_add(b, b_times(b, good, 0), nl_b_number(b, (double)count - 1));
  most = nl_b_cast(b, most, NL_F64);
  nl_tensor *shares = nl_b_cast(b, nl_b_reshape(b, q, 1, (int64_t[]){-1}), NL_F64);
  nl_tensor *rank = b_mul(b, most, shares); /* [..., shares] */
  nl_tensor *low = b_floor(b, rank);
  if (how == NEAREST) {
    low = nl_b1(b, op_round(), rank);
  } else if (how == HIGHER) {
    low = nl_b1(b, op_ceil(), rank);
  }
  nl_tensor *low_at = nl_b_cast(b, b_plus(b, low, 1), NL_I64);
  nl_tensor *value = b_gather(b, ordered, -1, low_at);
  if (how == LINEAR || how == MIDPOINT) {
    nl_tensor *high = nl_b1(b, op_ceil(), rank);
    nl_tensor *above = b_gather(b, ordered, -1, nl_b_cast(b, b_plus(b, high, 1), NL_I64));
    nl_tensor *weight = b_sub(b, rank, low);
    if (how == MIDPOINT) {
      weight = b_times(b, b_gt(b, weight, nl_b_number(b, 0)), 0.5);
    }
    weight = nl_b_cast(b, weight, dtype);
    value = b_add(b, value, b_mul(b, weight, b_sub(b, above, value)));
  }
  nl_tensor *bad = skip ? b_eq(b, good, nl_b_int(b, 0)) : any_nan(b, t, true);
  value = b_where(b, bad, nan_number(b), value);
  if (b->status != NL_OK) {
    return;
  }
  if (q->ndim == 0) {
    nl_give(c, nl_b_reshape(b, value, n, shape));
    return;
  }
  int64_t order[NL_MAX_DIM];
  order[0] = value->ndim;
  for (int d = 1; d < value->ndim; d++) {
    order[d] = d;
  }
  value = b_permute(b, value, order);
  memmove(shape + 1, shape, (size_t)n * sizeof *shape);
  shape[0] = q->numel;
  nl_give(c, nl_b_reshape(b, value, n + 1, shape));
}

/* ---- nan left out ---- */

static nl_tensor *summed(nl_call *c, nl_build *b, nl_tensor *x) {
  int n;
  ints dims = nl_call_list(c, over_dim, &n);
  return nl_b_sum(b, x, n, c->attr[over_dim].set ? dims : NULL, c->attr[over_keepdim].b);
}
static nl_tensor *without_nan(nl_build *b, nl_tensor *x) {
  return nl_dtype_is_float(nl_tensor_dtype(x)) ? b_where(b, b_isnan(b, x), nl_b_number(b, 0), x) : x;
}
NL_COMPOSE(nansum) {
  nl_give(c, summed(c, b, without_nan(b, x)));
}
NL_COMPOSE(nanmean) {
  b->status = nl_rule_want_float(x, "the input");
  nl_tensor *count = summed(c, b, b_logical_not(b, b_isnan(b, x)));
  nl_give(c, b_div(b, summed(c, b, without_nan(b, x)), count));
}
NL_COMPOSE(count_nonzero) {
  nl_give(c, summed(c, b, b_ne(b, x, nl_b_int(b, 0))));
}

/* ---- pairs ---- */

NL_COMPOSE(aminmax) {
  int n;
  ints dims = nl_call_list(c, over_dim, &n);
  const char *format = c->attr[over_dim].set ? "tlb" : "t-b";
  nl_tensor *lo, *hi;
  if (c->attr[over_dim].set) {
    lo = nl_b_do(b, op_amin(), format, x, n, dims, (int)c->attr[over_keepdim].b);
    hi = nl_b_do(b, op_amax(), format, x, n, dims, (int)c->attr[over_keepdim].b);
  } else {
    lo = nl_b_do(b, op_amin(), format, x, (int)c->attr[over_keepdim].b);
    hi = nl_b_do(b, op_amax(), format, x, (int)c->attr[over_keepdim].b);
  }
  nl_give2(c, lo, hi);
}
/* var_mean 0, std_mean 1 */
NL_COMPOSE(spread_mean) {
  int n;
  ints dims = nl_call_list(c, spread_mean_dim, &n);
  const nl_op *spread = c->op->variant ? op_std() : op_var();
  double correction = c->attr[spread_mean_correction].number;
  int keep = c->attr[spread_mean_keepdim].b;
  if (c->attr[spread_mean_dim].set) {
    nl_give2(c, nl_b_do(b, spread, "tlnb", x, n, dims, correction, keep),
             nl_b_do(b, op_mean(), "tlb", x, n, dims, keep));
  } else {
    nl_give2(c, nl_b_do(b, spread, "t-nb", x, correction, keep), nl_b_do(b, op_mean(), "t-b", x, keep));
  }
}

/* ---- differences and areas ---- */

static nl_tensor *steps(nl_build *b, nl_tensor *x, int d) {
  if (b->status != NL_OK) {
    return NULL;
  }
  int64_t n = x->shape[d];
  if (n == 0) {
    return x;
  }
  nl_tensor *after = b_narrow(b, x, d + 1, n > 1 ? 2 : n, n - 1), *before = b_narrow(b, x, d + 1, 1, n - 1);
  return x->dtype == NL_BOOL ? b_ne(b, after, before) : b_sub(b, after, before);
}
NL_COMPOSE(diff) {
  int d = 0;
  b->status = nl_rule_dim(c->attr[diff_dim].i, x->ndim, &d);
  if (b->status == NL_OK && (x->ndim == 0 || c->attr[diff_n].i < 0)) {
    nl_b_fail(b, "needs a dim and an order of at least 0, but got shape %s and %lld", nl_tensor_shape_string(x).s,
              (long long)c->attr[diff_n].i);
  }
  nl_tensor *t = x;
  for (int64_t i = 0; i < c->attr[diff_n].i && b->status == NL_OK && t->shape[d] > 0; i++) {
    t = steps(b, t, d);
  }
  nl_give(c, t == x ? b_clone(b, x) : t);
}
/* The distances between the places `at` along dim d of x: a vector is of that dim, others are as x or broadcast. */
static nl_tensor *widths_of(nl_build *b, nl_tensor *at, const nl_tensor *x, int d) {
  int64_t shape[NL_MAX_DIM];
  for (int i = 0; i < x->ndim; i++) {
    int k = i - (x->ndim - at->ndim);
    shape[i] = at->ndim == 1 ? (i == d ? at->numel : 1) : k < 0 ? 1 : at->shape[k];
  }
  if (at->ndim == 0 || at->ndim > x->ndim || shape[d] != x->shape[d]) {
    return nl_b_fail(b,
                     "at must have the %lld places of dim %d, as a vector or with the dims of the values' shape %s, "
                     "but has shape %s",
                     (long long)x->shape[d], d + 1, nl_tensor_shape_string(x).s, nl_tensor_shape_string(at).s);
  }
  if (!nl_dtype_is_float(nl_tensor_dtype(at))) {
    at = nl_b_cast(b, at, NL_DEFAULT_FLOAT);
  }
  return steps(b, nl_b_reshape(b, at, x->ndim, shape), d);
}

NL_COMPOSE(trapezoid) {
  int d = 0;
  b->status = nl_rule_dim(c->attr[trapezoid_dim].i, x->ndim, &d);
  if (b->status == NL_OK && (x->ndim == 0 || x->shape[d] < 1)) {
    nl_b_fail(b, "needs values along a dim, but got shape %s", nl_tensor_shape_string(x).s);
  }
  if (b->status != NL_OK) {
    return;
  }
  int64_t n = x->shape[d];
  if (!nl_dtype_is_float(nl_tensor_dtype(x))) {
    x = nl_b_cast(b, x, NL_DEFAULT_FLOAT); /* whole numbers would wrap around */
  }
  nl_tensor *heights = b_add(b, b_narrow(b, x, d + 1, n > 1 ? 2 : n, n - 1), b_narrow(b, x, d + 1, 1, n - 1)),
            *at = c->in[1];
  if (at) {
    heights = b_mul(b, heights, widths_of(b, at, x, d));
  } else {
    heights = b_times(b, heights, c->attr[trapezoid_dx].number);
  }
  nl_tensor *sum = nl_b_sum(b, heights, 1, (int64_t[]){d + 1}, false);
  nl_give(c, b_times(b, sum, 0.5));
}

/* ---- counts ---- */

/* bins from min to max, the last one closed; both 0: from the smallest to the largest */
static nl_status infer_histc(nl_call *c) {
  int64_t bins = c->attr[histc_bins].i;
  nl_status status = nl_rule_want_float(c->in[0], "the input");
  if (status == NL_OK && (bins < 1 || !(c->attr[histc_min].number <= c->attr[histc_max].number) ||
                          !isfinite(c->attr[histc_min].number) || !isfinite(c->attr[histc_max].number))) {
    status = nl_fail("needs at least one bin and finite min <= max, but got %lld bins from %g to %g", (long long)bins,
                     c->attr[histc_min].number, c->attr[histc_max].number);
  }
  if (status == NL_OK) {
    nl_rule_shape(c, 0, 1, &bins, nl_tensor_dtype(c->in[0]));
  }
  return status;
}
static void run_histc(nl_call *c) {
  nl_tensor *x = c->rin[0], *out = c->out[0];
  int64_t bins = out->numel;
  double lo = c->attr[histc_min].number, hi = c->attr[histc_max].number;
  memset(nl_tensor_data(out), 0, out->storage->bytes);
  if (lo == hi && x->numel) {
    lo = hi = nl_tensor_get_double(x, 0);
    for (int64_t i = 1; i < x->numel; i++) {
      double v = nl_tensor_get_double(x, i);
      lo = v < lo ? v : lo;
      hi = v > hi ? v : hi;
    }
  }
  if (!(hi - lo < INFINITY)) { /* infinite elements, or nan: they lie in no bin */
    lo = -DBL_MAX / 4;
    hi = DBL_MAX / 4;
  }
  if (lo == hi) {
    lo -= 1;
    hi += 1;
  }
  for (int64_t i = 0; i < x->numel && !nl_interrupted_at(i); i++) {
    double v = nl_tensor_get_double(x, i);
    if (v >= lo && v <= hi) {
      int64_t k = (int64_t)((v - lo) / (hi - lo) * (double)bins);
      k = k >= bins ? bins - 1 : (k < 0 ? 0 : k);
      nl_tensor_set_double(out, k, nl_tensor_get_double(out, k) + 1);
    }
  }
}

/* How often each of 1, 2, ... occurs, or the sum of its weights. */
static nl_status infer_bincount(nl_call *c) {
  nl_tensor *x = c->in[0], *weights = c->in[1];
  int64_t n = c->attr[bincount_minlength].i;
  if (n < 0) {
    return nl_fail("minlength must be 0 or more, not %lld", (long long)n);
  }
  if (x->dtype != NL_I64 || x->ndim != 1) {
    return nl_fail("counts an int64 vector, but got %s of shape %s", nl_dtype_name(nl_tensor_dtype(x)),
                   nl_tensor_shape_string(x).s);
  }
  if (weights && !nl_shape_equal(weights, x)) {
    return nl_fail("the weights of shape %s must have the shape of the values, %s", nl_tensor_shape_string(weights).s,
                   nl_tensor_shape_string(x).s);
  }
  for (int64_t i = 0; i < x->numel; i++) {
    int64_t v = nl_tensor_get_int(x, i);
    if (v < 1) {
      return nl_fail("element %lld is %lld; values count from 1%s", (long long)i + 1, (long long)v,
                     v == 0 ? ": if yours start at 0, add 1" : "");
    }
    n = v > n ? v : n;
  }
  if (n < 0 || n > (int64_t)1 << 40) {
    return nl_fail("%lld counters are too many", (long long)n);
  }
  nl_rule_shape(c, 0, 1, &n, weights ? nl_rule_float(nl_tensor_dtype(weights)) : NL_I64);
  return NL_OK;
}
static void run_bincount(nl_call *c) {
  nl_tensor *x = c->rin[0], *weights = c->rin[1], *out = c->out[0];
  memset(nl_tensor_data(out), 0, out->storage->bytes);
  for (int64_t i = 0; i < x->numel && !nl_interrupted_at(i); i++) {
    int64_t at = nl_tensor_get_int(x, i) - 1;
    if (weights) {
      nl_tensor_set_double(out, at, nl_tensor_get_double(out, at) + nl_tensor_get_double(weights, i));
    } else {
      ((int64_t *)nl_tensor_data(out))[at]++;
    }
  }
}

#define DIMS "x: tensor, dim: dims?, keepdim: bool = false"
#define ONE_DIM "x: tensor, dim: dim?, keepdim: bool = false"
#define GRID "nn.tensor {{3.0, 1.0, 2.0}, {6.0, 5.0, 0/0}}"
#define ROW "nn.tensor {3.0, 1.0, 2.0, 10.0}"
#define BETWEEN "interpolation: choice = linear|lower|higher|midpoint|nearest"

static const nl_op ops[] = {
    {
        .name = "median",
        .args = ONE_DIM,
        .attrs = over_attrs,
        .returns = "tensor, tensor?",
        .doc = "The middle element, the lower of two; nan wins. With dim, those along it and their positions.",
        .compose = compose_median,
        .example = "nn.median(" ROW ")",
    },
    {
        .name = "nanmedian",
        .args = ONE_DIM,
        .attrs = over_attrs,
        .returns = "tensor, tensor?",
        .doc = "median without nan.",
        .compose = compose_median,
        .variant = 1,
        .example = "nn.nanmedian(" GRID ", 2)",
    },
    {
        .name = "mode",
        .args = "x: tensor, dim: dim = -1, keepdim: bool = false",
        .attrs = over_attrs,
        .returns = "tensor, tensor",
        .doc = "The most frequent element along a dim (the smallest of equals), and its last position.",
        .compose = compose_mode,
        .example = "nn.mode(nn.tensor {2, 1, 2, 1, 3})",
    },
    {.name = "mode_index",
     .args = "x: tensor",
     .returns = "tensor",
     .doc = "The position of the most frequent element of each line.",
     .infer = infer_mode_index,
     .run = run_mode_index,
     .flags = NL_OP_CONTIGUOUS | NL_OP_INTERNAL},
    {
        .name = "quantile",
        .args = "x: tensor, q: operand, dim: dim?, keepdim: bool = false, " BETWEEN,
        .attrs = quantile_attrs,
        .returns = "tensor",
        .doc = "The value below which a share q of the elements lies; a vector of shares gives a first dim. nan wins.",
        .compose = compose_quantile,
        .example = "nn.quantile(" ROW ", nn.tensor {0.25, 0.5})",
    },
    {
        .name = "nanquantile",
        .args = "x: tensor, q: operand, dim: dim?, keepdim: bool = false, " BETWEEN,
        .attrs = quantile_attrs,
        .returns = "tensor",
        .doc = "quantile without nan.",
        .compose = compose_quantile,
        .variant = 1,
        .example = "nn.nanquantile(" GRID ", 0.5, 2)",
    },
    {
        .name = "nansum",
        .args = DIMS,
        .attrs = over_attrs,
        .returns = "tensor",
        .doc = "The sum without nan.",
        .compose = compose_nansum,
        .example = "nn.nansum(" GRID ")",
    },
    {
        .name = "nanmean",
        .args = DIMS,
        .attrs = over_attrs,
        .returns = "tensor",
        .doc = "The mean without nan.",
        .compose = compose_nanmean,
        .example = "nn.nanmean(" GRID ", 2)",
    },
    {.name = "count_nonzero",
     .args = DIMS,
     .attrs = over_attrs,
     .returns = "tensor",
     .doc = "How many elements are not 0.",
     .compose = compose_count_nonzero,
     .flags = NL_OP_NO_GRAD,
     .example = "nn.count_nonzero(nn.tensor {0, 3, 4})"},
    {
        .name = "aminmax",
        .args = DIMS,
        .attrs = over_attrs,
        .returns = "tensor, tensor",
        .doc = "The smallest and the largest, over the dims named or all.",
        .compose = compose_aminmax,
        .example = "nn.aminmax(" ROW ")",
    },
    {
        .name = "var_mean",
        .args = "x: tensor, dim: dims?, correction: number = 1, keepdim: bool = false",
        .attrs = spread_mean_attrs,
        .returns = "tensor, tensor",
        .doc = "The variance and the mean.",
        .compose = compose_spread_mean,
        .example = "nn.var_mean(" ROW ")",
    },
    {
        .name = "std_mean",
        .args = "x: tensor, dim: dims?, correction: number = 1, keepdim: bool = false",
        .attrs = spread_mean_attrs,
        .returns = "tensor, tensor",
        .doc = "The standard deviation and the mean.",
        .compose = compose_spread_mean,
        .variant = 1,
        .example = "nn.std_mean(" ROW ")",
    },
    {
        .name = "diff",
        .args = "x: tensor, n: int = 1, dim: dim = -1",
        .attrs = diff_attrs,
        .returns = "tensor",
        .doc = "The differences of neighbours along a dim, n times over.",
        .compose = compose_diff,
        .example = "nn.diff(nn.tensor {1, 4, 9, 16})",
    },
    {
        .name = "trapezoid",
        .args = "x: tensor, at: tensor?, dx: number = 1, dim: dim = -1",
        .attrs = trapezoid_attrs,
        .returns = "tensor",
        .doc =
            "The area under values along a dim, by the trapezoidal rule; they stand dx apart, or at the places named.",
        .compose = compose_trapezoid,
        .example = "nn.trapezoid(nn.tensor {0.0, 1.0, 4.0})",
    },
    {.name = "histc",
     .args = "x: tensor, bins: int = 100, min: number = 0, max: number = 0",
     .attrs = histc_attrs,
     .returns = "tensor",
     .doc = "How many elements lie in each of equal bins from min to max (both 0: all of them).",
     .infer = infer_histc,
     .run = run_histc,
     .flags = NL_OP_CONTIGUOUS,
     .example = "nn.histc(" ROW ", 3)"},
    {.name = "bincount",
     .args = "x: tensor, weights: tensor?, minlength: int = 0",
     .attrs = bincount_attrs,
     .returns = "tensor",
     .doc = "How often 1, 2, 3, ... occur in a vector, or the sums of their weights.",
     .infer = infer_bincount,
     .run = run_bincount,
     .flags = NL_OP_CONTIGUOUS | NL_OP_DATA_SHAPE,
     .example = "nn.bincount(nn.tensor {1, 3, 3})"},
};

NL_FAMILY(statistic, ops);
