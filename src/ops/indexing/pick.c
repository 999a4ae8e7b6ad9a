/* More ways to pick and place elements: take and scatter, index_add and its kin, positions of what is not 0, searches,
   sets. Positions are int64 from 1; negative ones count from the end. */
#include "kernels/sort.h"

#include <math.h>
#include <string.h>

#include "core/interrupt.h"
#include "core/pool.h"
#include "ops/indexing/indexing.h"
#include "optable/compose.h"
#include "optable/iterate.h"
#include "optable/promote.h"
#include "optable/rules.h"

typedef const int64_t *ints;

NL_ATTRS(along, dim)
NL_ATTRS(scatter_reduce, dim, reduce, include_self)
NL_ATTRS(index_add, dim, alpha)
NL_ATTRS(index_places, shape)
NL_ATTRS(index_put, accumulate)

/* ---- take ---- */

NL_COMPOSE(take) {
  nl_tensor *index = c->in[1];
  nl_tensor *flat = nl_b_reshape(b, x, 1, (int64_t[]){-1}), *at = nl_b_reshape(b, index, 1, (int64_t[]){-1});
  nl_give(c, nl_b_reshape(b, b_index_select(b, flat, 1, at), index->ndim, index->shape));
}
/* gather whose operands broadcast in the other dims */
NL_COMPOSE(take_along_dim) {
  nl_tensor *index = c->in[1];
  int d = dim_at(b, c->attr[along_dim].i, x->ndim), n = 0;
  if (b->status == NL_OK && index->ndim != x->ndim) {
    nl_b_fail(b, "the index of shape %s must have as many dims as the tensor of shape %s",
              nl_tensor_shape_string(index).s, nl_tensor_shape_string(x).s);
  }
  int64_t a[NL_MAX_DIM], z[NL_MAX_DIM], both[NL_MAX_DIM];
  for (int i = 0; b->status == NL_OK && i < x->ndim; i++) {
    a[i] = i == d ? 1 : x->shape[i];
    z[i] = i == d ? 1 : index->shape[i];
  }
  if (b->status == NL_OK) {
    b->status = nl_broadcast_shapes(x->ndim, a, x->ndim, z, &n, both);
  }
  if (b->status != NL_OK) {
    return;
  }
  if (n == 0) {
    nl_give(c, b_gather(b, x, c->attr[along_dim].i, index));
    return;
  }
  both[d] = x->shape[d];
  nl_tensor *wide = nl_b_expand(b, x, n, both);
  both[d] = index->shape[d];
  nl_give(c, b_gather(b, wide, d + 1, nl_b_expand(b, index, n, both)));
}

/* ---- scatter ---- */

enum { REDUCE_SUM, REDUCE_PROD, REDUCE_MEAN, REDUCE_AMAX, REDUCE_AMIN, REDUCE_SET };

/* scatter and scatter_reduce */
static nl_status infer_scatter(nl_call *c) {
  nl_tensor *x = c->in[0], *index = c->in[1], *source = c->in[2];
  int dim;
  nl_status status = nl_rule_dim(c->attr[along_dim].i, x->ndim, &dim);
  status = status == NL_OK ? nl_rule_index(index, x->ndim, x->shape, dim) : status;
  bool number = source->numel == 1 && source->ndim == 0;
  if (status == NL_OK && !number) {
    bool fits = source->ndim == x->ndim && source->dtype == x->dtype;
    for (int d = 0; fits && d < x->ndim; d++) {
      fits = index->shape[d] <= source->shape[d];
    }
    if (!fits) {
      status = nl_fail("src (%s, shape %s) must have the tensor's dtype (%s) and be nowhere smaller than the index "
                       "(shape %s)",
                       nl_dtype_name(nl_tensor_dtype(source)), nl_tensor_shape_string(source).s,
                       nl_dtype_name(nl_tensor_dtype(x)), nl_tensor_shape_string(index).s);
    }
  }
  if (status == NL_OK && x->dtype == NL_U8 && c->op->variant == 1 && c->attr[scatter_reduce_reduce].i == REDUCE_MEAN) {
    return nl_fail("sums of uint8 for a mean would wrap around at 256; convert with x:to(\"int64\")");
  }
  if (status == NL_OK && number) {
    status = nl_rule_holds(c, source, nl_tensor_dtype(x));
  }
  if (status == NL_OK) {
    nl_rule_like(c, 0, x, nl_tensor_dtype(x));
    c->dtype = nl_tensor_dtype(x);
    c->workspace_bytes = (size_t)x->numel * 8 + 8; /* how many met in each place */
  }
  return status;
}
static double combine(int how, double a, double v) {
  switch (how) {
  case REDUCE_PROD:
    return a * v;
  case REDUCE_AMAX:
    return a != a || a > v ? a : v;
  case REDUCE_AMIN:
    return a != a || a < v ? a : v;
  case REDUCE_SET:
    return v;
  default:
    return a + v;
  }
}
static void run_scatter(nl_call *c) {
  nl_tensor *x = c->rin[0], *index = c->rin[1], *source = c->rin[2], *out = c->out[0];
  int dim = 0, how = c->op->variant == 1 ? (int)c->attr[scatter_reduce_reduce].i : REDUCE_SET;
  bool self = c->op->variant != 1 || c->attr[scatter_reduce_include_self].b,
       whole = !nl_dtype_is_float(nl_tensor_dtype(x));
  nl_rule_dim(c->attr[along_dim].i, x->ndim, &dim);
  int64_t *count = c->workspace->storage->data, strides[NL_MAX_DIM];
  memset(count, 0, (size_t)out->numel * sizeof *count);
  nl_copy_values(out, x);
  nl_shape_strides(source->ndim, source->shape, strides);
  const int64_t *ids = nl_tensor_data(index);
  for (int64_t i = 0; i < index->numel && !nl_interrupted_at(i); i++) {
    int64_t rest = i, to = 0, from = 0;
    for (int d = index->ndim - 1; d >= 0; d--) {
      int64_t k = rest % index->shape[d];
      rest /= index->shape[d];
      from += source->ndim ? k * strides[d] : 0;
      to += (d == dim ? (ids[i] < 0 ? ids[i] + out->shape[d] : ids[i] - 1) : k) * out->strides[d];
    }
    bool first = !self && count[to] == 0;
    count[to]++;
    if (whole) {
      int64_t v = nl_tensor_get_int(source, from), a = nl_tensor_get_int(out, to);
      int64_t r = how == REDUCE_SUM || how == REDUCE_MEAN ? (int64_t)((uint64_t)a + (uint64_t)v)
                  : how == REDUCE_PROD                    ? (int64_t)((uint64_t)a * (uint64_t)v)
                  : how == REDUCE_AMAX                    ? (a > v ? a : v)
                  : how == REDUCE_AMIN                    ? (a < v ? a : v)
                                                          : v;
      nl_tensor_set_int(out, to, first ? v : r);
    } else {
      double v = nl_tensor_get_double(source, from);
      nl_tensor_set_double(out, to, first ? v : combine(how, nl_tensor_get_double(out, to), v));
    }
  }
  for (int64_t i = 0; how == REDUCE_MEAN && i < out->numel; i++) {
    int64_t n = count[i] + (self ? 1 : 0);
    if (n > 1 && whole) {
      int64_t v = nl_tensor_get_int(out, i);
      nl_tensor_set_int(out, i, v / n - (v % n != 0 && v < 0));
    } else if (n > 1) {
      nl_tensor_set_double(out, i, nl_tensor_get_double(out, i) / (double)n);
    }
  }
}
/* of the source, what the index reaches */
static nl_tensor *reached(nl_build *b, nl_tensor *t, const nl_tensor *index) {
  for (int d = 0; d < index->ndim && b->status == NL_OK; d++) {
    t = t->shape[d] == index->shape[d] ? t : b_narrow(b, t, d + 1, 1, index->shape[d]);
  }
  return t;
}
static nl_tensor *wide_zeros(nl_build *b, nl_tensor *t, const nl_tensor *like) {
  for (int d = 0; d < like->ndim && b->status == NL_OK; d++) {
    if (t->shape[d] != like->shape[d]) {
      int64_t shape[NL_MAX_DIM];
      memcpy(shape, t->shape, (size_t)t->ndim * sizeof *shape);
      shape[d] = like->shape[d];
      t = nl_b_do(b, op_slice_zeros(), "tiiil", t, (int64_t)d + 1, (int64_t)1, (int64_t)1, t->ndim, shape);
    }
  }
  return t;
}
/* g where the element was the last to be written to its positions, else 0. `op` writes the elements' numbers once more,
   which are then read back; places and numbers have the shapes of the index. */
static nl_tensor *of_last_written(nl_build *b, const nl_op *op, const nl_tensor *x, int64_t dim, nl_tensor *index,
                                  nl_tensor *g) {
  if (b->status != NL_OK) {
    return NULL;
  }
  bool along = op == op_index_copy(); /* a vector of indices, along one dim */
  nl_tensor *numbers = ramp(b, 1, index->numel, 1);
  int d = dim_at(b, dim, x->ndim);
  int64_t n = size_at(x, d), shape[NL_MAX_DIM];
  numbers = along ? numbers : nl_b_reshape(b, numbers, index->ndim, index->shape);
  nl_tensor *none = along ? nl_b_zeros(b, NL_I64, 1, &n) : nl_b_zeros(b, NL_I64, x->ndim, x->shape);
  int64_t axis = along ? 1 : dim;
  nl_tensor *seen = nl_b_do(b, op, "ttti", none, index, numbers, axis);
  seen = along ? b_index_select(b, seen, axis, index) : b_gather(b, seen, axis, index);
  nl_tensor *last = b_eq(b, seen, numbers);
  if (along) {
    for (int k = 0; k < g->ndim; k++) {
      shape[k] = k == d ? index->numel : 1;
    }
    last = nl_b_reshape(b, last, g->ndim, shape);
  }
  return b_where(b, last, g, nl_b_cast(b, nl_b_number(b, 0), nl_tensor_dtype(g)));
}

/* What arrived in a place came from the source written there last. */
static nl_status vjp_scatter(nl_call *c, nl_vjp *v) {
  nl_build *b = v->build;
  nl_tensor *index = c->in[1], *source = c->in[2];
  if (v->need[0]) {
    v->gin[0] = nl_b_do(b, op_scatter(), "ttti", v->gout[0], index, nl_b_cast(b, nl_b_number(b, 0), c->dtype),
                        c->attr[along_dim].i);
  }
  if (v->need[2]) {
    nl_tensor *g = b_gather(b, v->gout[0], c->attr[along_dim].i, index);
    g = of_last_written(b, op_scatter(), c->in[0], c->attr[along_dim].i, index, g);
    v->gin[2] = source->ndim == 0 ? nl_b_sum(b, g, 0, NULL, false) : wide_zeros(b, g, source);
  }
  return b->status;
}
/* sum: 1; mean: 1 / count; amax, amin: shared evenly among equals; prod: the result over the value (which is not 0) */
static nl_status vjp_scatter_reduce(nl_call *c, nl_vjp *v) {
  nl_build *b = v->build;
  nl_tensor *x = c->in[0], *index = c->in[1], *source = c->in[2], *y = c->out[0], *g = v->gout[0];
  int64_t dim = c->attr[scatter_reduce_dim].i;
  int how = (int)c->attr[scatter_reduce_reduce].i;
  bool self = c->attr[scatter_reduce_include_self].b;
  nl_tensor *ones = b_ones_like(b, index, c->dtype);
  nl_tensor *count = b_scatter_add(b, nl_b_do(b, op_zeros_like(), "t", x), dim, index, ones);
  nl_tensor *touched = b_gt(b, count, nl_b_number(b, 0)), *zero = nl_b_number(b, 0);
  nl_tensor *s = reached(b, source, index);
  nl_tensor *dx = g, *ds;
  if (how == REDUCE_MEAN) {
    nl_tensor *n = self ? b_plus(b, count, 1) : b_maximum(b, count, nl_b_number(b, 1));
    g = b_div(b, g, n);
    dx = g;
    ds = b_gather(b, g, dim, index);
  } else if (how == REDUCE_SUM) {
    ds = b_gather(b, g, dim, index);
  } else if (how == REDUCE_PROD) {
    dx = b_div(b, b_mul(b, g, y), x);
    ds = b_div(b, b_gather(b, b_mul(b, g, y), dim, index), s);
  } else {
    nl_tensor *own = b_eq(b, x, y), *theirs = b_eq(b, s, b_gather(b, y, dim, index));
    own = nl_b_cast(b, self ? own : b_logical_and(b, own, b_logical_not(b, touched)), c->dtype);
    theirs = nl_b_cast(b, theirs, c->dtype);
    nl_tensor *ties = b_scatter_add(b, own, dim, index, theirs);
    nl_tensor *share = b_div(b, g, ties);
    dx = b_mul(b, own, share);
    ds = b_mul(b, theirs, b_gather(b, share, dim, index));
  }
  if (!self) {
    dx = b_where(b, touched, zero, v->gout[0]);
  }
  v->gin[0] = dx;
  v->gin[2] = v->need[2] ? wide_zeros(b, ds, source) : NULL;
  return b->status;
}

/* ---- index_add and its kin ---- */

NL_COMPOSE(index_add) {
  nl_tensor *index = c->in[1], *source = c->in[2];
  if (c->attr[index_add_alpha].number != 1) {
    const nl_attr *alpha = &c->attr[index_add_alpha];
    bool whole = alpha->is_whole && !nl_dtype_is_float(nl_tensor_dtype(source));
    source = whole ? b_mul(b, source, nl_b_int(b, nl_attr_whole(alpha))) : b_times(b, source, alpha->number);
  }
  nl_tensor *t = nl_b_do(b, op_index_zeros(), "ttil", source, index, c->attr[index_add_dim].i, x->ndim, x->shape);
  nl_give(c, b_add(b, x, t));
}

static nl_status infer_index_copy(nl_call *c) {
  nl_tensor *x = c->in[0], *index = c->in[1], *source = c->in[2];
  int dim;
  nl_status status = nl_rule_dim(c->attr[along_dim].i, x->ndim, &dim);
  status = status == NL_OK ? nl_rule_positions(index, x->ndim ? x->shape[dim] : 1) : status;
  bool fits = x->ndim > 0 && index->ndim <= 1 && source->ndim == x->ndim && source->dtype == x->dtype;
  for (int d = 0; fits && d < x->ndim; d++) {
    fits = source->shape[d] == (d == dim ? index->numel : x->shape[d]);
  }
  if (status == NL_OK && !fits) {
    status = nl_fail("the source (%s, shape %s) does not go with an index of shape %s and the tensor (%s, shape %s)",
                     nl_dtype_name(nl_tensor_dtype(source)), nl_tensor_shape_string(source).s,
                     nl_tensor_shape_string(index).s, nl_dtype_name(nl_tensor_dtype(x)), nl_tensor_shape_string(x).s);
  }
  if (status == NL_OK) {
    nl_rule_like(c, 0, x, nl_tensor_dtype(x));
  }
  return status;
}
static void run_index_copy(nl_call *c) {
  nl_tensor *x = c->rin[0], *index = c->rin[1], *source = c->rin[2], *out = c->out[0];
  int dim = 0;
  nl_rule_dim(c->attr[along_dim].i, x->ndim, &dim);
  nl_around a = nl_rule_around(x, dim);
  size_t bytes = (size_t)a.inner * nl_dtype_size(nl_tensor_dtype(x));
  const int64_t *ids = nl_tensor_data(index);
  nl_copy_values(out, x);
  for (int64_t o = 0; o < a.outer; o++) {
    for (int64_t i = 0; i < index->numel && !nl_interrupted_at(i); i++) {
      int64_t at = ids[i] < 0 ? ids[i] + a.red : ids[i] - 1;
      memcpy((char *)nl_tensor_data(out) + (size_t)(o * a.red + at) * bytes,
             (const char *)nl_tensor_data(source) + (size_t)(o * index->numel + i) * bytes, bytes);
    }
  }
}
static nl_status vjp_index_copy(nl_call *c, nl_vjp *v) {
  nl_build *b = v->build;
  if (v->need[0]) {
    nl_tensor *zeros = nl_b_zeros(b, nl_tensor_dtype(c->in[2]), c->in[2]->ndim, c->in[2]->shape);
    v->gin[0] = b_index_copy(b, v->gout[0], c->attr[along_dim].i, c->in[1], zeros);
  }
  if (v->need[2]) {
    nl_tensor *g = b_index_select(b, v->gout[0], c->attr[along_dim].i, c->in[1]);
    v->gin[2] = of_last_written(b, op_index_copy(), c->in[0], c->attr[along_dim].i, c->in[1], g);
  }
  return b->status;
}
NL_COMPOSE(index_fill) {
  nl_tensor *index = c->in[1], *value = c->in[2];
  int d = dim_at(b, c->attr[along_dim].i, x->ndim);
  if (b->status == NL_OK && (value->numel != 1 || x->ndim == 0)) {
    nl_b_fail(b, "the value must be one number (shape %s), and the tensor have a dim (shape %s)",
              nl_tensor_shape_string(value).s, nl_tensor_shape_string(x).s);
  }
  if (b->status != NL_OK) {
    return;
  }
  int64_t shape[NL_MAX_DIM];
  memcpy(shape, x->shape, (size_t)x->ndim * sizeof *shape);
  shape[d] = index->numel;
  nl_tensor *one = nl_b_cast(b, nl_b_reshape(b, value, 0, NULL), nl_tensor_dtype(x));
  nl_give(c, b_index_copy(b, x, c->attr[along_dim].i, index, b_clone(b, nl_b_expand(b, one, x->ndim, shape))));
}

/* ---- several index tensors at once: x[{i, j}] ---- */

/* index_places(i, j?, k?, l?, shape): the positions, from 1, that index tensors name together in these first dims. */
static nl_status infer_places(nl_call *c) {
  int n;
  ints sizes = nl_call_list(c, index_places_shape, &n);
  nl_out_desc *d = &c->desc[0];
  nl_status status = NL_OK;
  d->ndim = 0;
  for (int i = 0; i < c->nin && c->in[i] && status == NL_OK; i++) {
    nl_out_desc so_far = *d;
    status = i < n && sizes[i] >= 0 ? nl_rule_positions(c->in[i], sizes[i])
                                    : nl_fail("%d indices do not go with %d dims", i + 1, n);
    if (status == NL_OK) {
      status = nl_broadcast_shapes(so_far.ndim, so_far.shape, c->in[i]->ndim, c->in[i]->shape, &d->ndim, d->shape);
    }
  }
  d->dtype = NL_I64;
  c->nout = 1;
  return status;
}
static void run_places(nl_call *c) {
  int n;
  ints sizes = nl_call_list(c, index_places_shape, &n);
  nl_tensor *out = c->out[0];
  int64_t *to = nl_tensor_data(out);
  memset(to, 0, (size_t)out->numel * sizeof *to);
  for (int k = 0; k < n && c->rin[k]; k++) {
    nl_tensor *index = c->rin[k];
    const int64_t *ids = nl_tensor_data(index);
    int lead = out->ndim - index->ndim;
    for (int64_t i = 0; i < out->numel && !nl_interrupted_at(i); i++) {
      int64_t rest = i, at = 0;
      for (int d = out->ndim - 1; d >= 0; d--) {
        int64_t p = rest % out->shape[d];
        rest /= out->shape[d];
        at += d >= lead && index->shape[d - lead] > 1 ? p * index->strides[d - lead] : 0;
      }
      to[i] = to[i] * sizes[k] + (ids[at] < 0 ? ids[at] + sizes[k] : ids[at] - 1);
    }
  }
  for (int64_t i = 0; i < out->numel; i++) {
    to[i]++;
  }
}
/* The n index tensors of the call from `first` on, as one vector of positions; their common shape to ndim and shape. */
static nl_tensor *joined_places(nl_call *c, nl_build *b, int first, int n, int *ndim, int64_t *shape) {
  nl_tensor *x = c->in[0];
  *ndim = 0;
  if (n < 1 || n > x->ndim) {
    return nl_b_fail(b, "%d indices do not go with shape %s", n, nl_tensor_shape_string(x).s);
  }
  nl_call k;
  nl_call_init(&k, op_index_places(), 4, NULL);
  for (int i = 0; i < n; i++) {
    k.in[i] = c->in[first + i];
  }
  nl_call_set_list(&k, index_places_shape, n, x->shape);
  nl_tensor *positions = nl_b_call(b, &k);
  *ndim = positions ? positions->ndim : 0;
  for (int d = 0; d < *ndim; d++) {
    shape[d] = positions->shape[d];
  }
  return nl_b_reshape(b, positions, 1, (int64_t[]){-1});
}
/* x with its first n dims joined */
static nl_tensor *joined(nl_build *b, nl_tensor *x, int n) {
  int64_t shape[NL_MAX_DIM];
  shape[0] = 1;
  for (int d = 0; d < x->ndim; d++) {
    if (d < n) {
      shape[0] *= x->shape[d];
    } else {
      shape[d - n + 1] = x->shape[d];
    }
  }
  return nl_b_reshape(b, x, x->ndim - n + 1, shape);
}
static int indices_of(const nl_call *c, int first) {
  int n = 0;
  while (first + n < c->nin && c->in[first + n]) {
    n++;
  }
  return n;
}
NL_COMPOSE(index) {
  int n = indices_of(c, 1), ndim;
  int64_t shape[2 * NL_MAX_DIM];
  nl_tensor *positions = joined_places(c, b, 1, n, &ndim, shape);
  nl_tensor *t = b_index_select(b, joined(b, x, n), 1, positions);
  for (int d = n; d < x->ndim; d++) {
    shape[ndim++] = x->shape[d];
  }
  nl_give(c, nl_b_reshape(b, t, ndim, shape));
}
NL_COMPOSE(index_put) {
  int n = indices_of(c, 2), ndim;
  int64_t shape[2 * NL_MAX_DIM];
  nl_tensor *positions = joined_places(c, b, 2, n, &ndim, shape), *values = c->in[1];
  if (b->status != NL_OK) {
    return;
  }
  int lead = ndim;
  for (int d = n; d < x->ndim; d++) {
    shape[ndim++] = x->shape[d];
  }
  values = nl_b_expand(b, nl_b_cast(b, values, nl_tensor_dtype(x)), ndim, shape);
  if (b->status != NL_OK) {
    return;
  }
  nl_tensor *rows = lead == 0 ? b_unsqueeze(b, values, 1) : joined(b, values, lead);
  nl_tensor *flat = joined(b, x, n), *t;
  if (c->attr[index_put_accumulate].b) {
    t = nl_b_do(b, op_index_add(), "ttti", flat, positions, rows, (int64_t)1);
  } else {
    t = b_index_copy(b, flat, 1, positions, rows);
  }
  nl_give(c, nl_b_reshape(b, t, x->ndim, x->shape));
}

#define INDEXED "x: tensor, dim: dim, index: tensor, source: tensor"
#define GRID "nn.tensor {{1.0, 2.0, 3.0}, {4.0, 5.0, 6.0}}"

static const nl_op ops[] = {
    {
        .name = "take",
        .args = "x: tensor, index: tensor",
        .returns = "tensor",
        .doc = "The elements of the flattened x at these positions.",
        .compose = compose_take,
        .example = "nn.take(" GRID ", nn.tensor {1, 6})",
    },
    {
        .name = "take_along_dim",
        .args = "x: tensor, indices: tensor, dim: dim = -1",
        .attrs = along_attrs,
        .returns = "tensor",
        .doc = "gather whose operands broadcast in the other dims.",
        .compose = compose_take_along_dim,
        .example = "nn.take_along_dim(" GRID ", nn.tensor {{3}, {1}}, 2)",
    },
    {.name = "scatter",
     .args = "x: tensor, dim: dim, index: tensor, src: operand",
     .attrs = along_attrs,
     .returns = "tensor",
     .doc = "x with the places along dim that index names set to the elements of src, or to a number; of equal "
            "places the last counts.",
     .example = "nn.scatter(nn.zeros(2, 3), 2, nn.tensor {{3}, {1}}, 7.0)",
     .infer = infer_scatter,
     .run = run_scatter,
     .vjp = vjp_scatter,
     .flags = NL_OP_CHECKS | NL_OP_CONTIGUOUS | NL_OP_INPLACE,
     .save = NL_SAVE_IN(1)},
    {.name = "scatter_reduce",
     .args = "x: tensor, dim: dim, index: tensor, src: tensor, reduce: choice = sum|prod|mean|amax|amin, include_self: "
             "bool = true",
     .attrs = scatter_reduce_attrs,
     .returns = "tensor",
     .doc = "x with the elements of src joined to the places along dim that index names.",
     .example = "nn.scatter_reduce(nn.zeros(2), 1, nn.tensor {1, 1, 2}, nn.tensor {3.0, 5.0, 7.0}, \"amax\")",
     .infer = infer_scatter,
     .run = run_scatter,
     .vjp = vjp_scatter_reduce,
     .flags = NL_OP_CHECKS | NL_OP_CONTIGUOUS | NL_OP_INPLACE,
     .save = NL_SAVE_ALL_IN | NL_SAVE_OUT(0),
     .variant = 1},
    {
        .name = "index_add",
        .args = INDEXED ", alpha: number = 1",
        .attrs = index_add_attrs,
        .returns = "tensor",
        .doc = "x plus alpha times each slice of source at the place along dim that index names.",
        .compose = compose_index_add,
        .flags = NL_OP_INPLACE,
        .example = "nn.index_add(nn.zeros(3), 1, nn.tensor {1, 1, 3}, nn.tensor {1.0, 2.0, 3.0})",
    },
    {.name = "index_copy",
     .args = INDEXED,
     .attrs = along_attrs,
     .returns = "tensor",
     .doc = "x with the slices along dim that index names replaced by those of source.",
     .example = "nn.index_copy(nn.zeros(3), 1, nn.tensor {3, 1}, nn.tensor {7.0, 8.0})",
     .infer = infer_index_copy,
     .run = run_index_copy,
     .vjp = vjp_index_copy,
     .flags = NL_OP_CHECKS | NL_OP_CONTIGUOUS | NL_OP_INPLACE,
     .save = NL_SAVE_IN(1)},
    {
        .name = "index_fill",
        .args = "x: tensor, dim: dim, index: tensor, value: operand",
        .attrs = along_attrs,
        .returns = "tensor",
        .doc = "x with the slices along dim that index names set to a number.",
        .compose = compose_index_fill,
        .flags = NL_OP_INPLACE,
        .example = "nn.index_fill(nn.zeros(3), 1, nn.tensor {1, 3}, 5)",
    },
    {
        .name = "index",
        .args = "x: tensor, i: tensor, j: tensor?, k: tensor?, l: tensor?",
        .returns = "tensor",
        .doc = "The elements (or slices) of x at the places that index tensors for its first dims name together; x[{i, "
               "j}] is the same.",
        .compose = compose_index,
        .example = "nn.index(" GRID ", nn.tensor {1, 2}, nn.tensor {3, 1})",
    },
    {
        .name = "index_put",
        .args = "x: tensor, values: operand, i: tensor, j: tensor?, k: tensor?, l: tensor?, accumulate: bool = false",
        .attrs = index_put_attrs,
        .returns = "tensor",
        .doc = "x with those places set to values, or with values added; x[{i, j}] = values does it in place.",
        .compose = compose_index_put,
        .flags = NL_OP_INPLACE,
        .example = "nn.index_put(nn.zeros(2, 3), 9, nn.tensor {1, 2}, nn.tensor {3, 1})",
    },
    {.name = "index_places",
     .args = "i: tensor, j: tensor?, k: tensor?, l: tensor?, shape: shape",
     .attrs = index_places_attrs,
     .returns = "tensor",
     .doc = "The place that index tensors name together in dims of these sizes, joined.",
     .infer = infer_places,
     .run = run_places,
     .flags = NL_OP_CHECKS | NL_OP_INTERNAL | NL_OP_CONTIGUOUS},
};

NL_FAMILY(pick, ops);
