/* Ops that change a tensor's geometry and keep its elements: views wherever that is possible. */
#include <string.h>

#include "optable/helpers.h"
#include "optable/iterate.h"
#include "optable/rules.h"

NL_ATTRS(reshape, shape)
NL_ATTRS(flatten, start_dim, end_dim)
NL_ATTRS(squeeze, dim)
NL_ATTRS(unsqueeze, dim)
NL_ATTRS(transpose, dim0, dim1)
NL_ATTRS(permute, dims)
NL_ATTRS(expand, shape)
NL_ATTRS(select, dim, index)
NL_ATTRS(slice, dim, first, last, step)
NL_ATTRS(narrow, dim, start, length)
NL_ATTRS(slice_zeros, dim, start, step, shape)

/* ---- reshape and its kin ---- */

/* The strides of a reshaped view, or false where elements would have to move: each group of new dims must come from a
   group of old dims that step evenly. */
static bool view_strides(const nl_tensor *x, int ndim, const int64_t *shape, int64_t *strides) {
  if (x->contiguous) {
    nl_shape_strides(ndim, shape, strides);
    return true;
  }
  int view = ndim - 1;
  int64_t base = x->ndim ? x->strides[x->ndim - 1] : 1, old_count = 1, new_count = 1;
  for (int d = x->ndim - 1; d >= 0; d--) {
    old_count *= x->shape[d];
    bool ends = d == 0 || (x->shape[d - 1] != 1 && x->strides[d - 1] != old_count * base);
    if (!ends) {
      continue;
    }
    while (view >= 0 && (new_count < old_count || shape[view] == 1)) {
      strides[view] = new_count * base;
      new_count *= shape[view];
      view--;
    }
    if (new_count != old_count) {
      return false;
    }
    if (d > 0) {
      base = x->strides[d - 1];
      old_count = new_count = 1;
    }
  }
  return view == -1;
}

static nl_status reshape_to(nl_call *c, int ndim, const int64_t *shape, bool must_view) {
  nl_tensor *x = c->in[0];
  int64_t strides[NL_MAX_DIM];
  if (view_strides(x, ndim, shape, strides)) {
    return nl_rule_view(c, ndim, shape, strides, x->offset);
  }
  if (must_view) {
    return nl_fail("the tensor of shape %s is not laid out so that shape %s is a view of it; use reshape, which copies",
                   nl_tensor_shape_string(x).s, nl_shape_string(ndim, shape).s);
  }
  nl_rule_shape(c, 0, ndim, shape, nl_tensor_dtype(x));
  return NL_OK;
}

static nl_status infer_reshape(nl_call *c) {
  nl_tensor *x = c->in[0];
  int ndim;
  const int64_t *wanted = nl_call_list(c, reshape_shape, &ndim);
  if (ndim > NL_MAX_DIM) {
    return nl_fail("%d dims were asked for; at most %d are possible", ndim, NL_MAX_DIM);
  }
  int64_t shape[NL_MAX_DIM], known = 1;
  int open = -1;
  for (int d = 0; d < ndim; d++) {
    shape[d] = wanted[d];
    if (shape[d] == -1 && open < 0) {
      open = d;
    } else if (shape[d] < 0) {
      return nl_fail("shape %s is impossible: one size may be -1 (to be worked out), the others must be 0 or more",
                     nl_shape_string(ndim, wanted).s);
    } else if (__builtin_mul_overflow(known, shape[d], &known)) {
      return nl_fail("shape %s has more elements than can be counted", nl_shape_string(ndim, wanted).s);
    }
  }
  if (open >= 0) {
    if (known == 0 || x->numel % known != 0) {
      return nl_fail("the %lld elements of shape %s do not fill shape %s", (long long)x->numel,
                     nl_tensor_shape_string(x).s, nl_shape_string(ndim, wanted).s);
    }
    shape[open] = x->numel / known;
  } else if (known != x->numel) {
    return nl_fail("the %lld elements of shape %s do not fill shape %s, which has %lld", (long long)x->numel,
                   nl_tensor_shape_string(x).s, nl_shape_string(ndim, wanted).s, (long long)known);
  }
  return reshape_to(c, ndim, shape, c->op->variant == 1);
}

static void run_reshape_copy(nl_call *c) {
  nl_tensor out = *c->out[0]; /* same elements in the same order: give it x's shape */
  int64_t strides[NL_MAX_DIM];
  out.ndim = c->rin[0]->ndim;
  out.shape = c->rin[0]->shape;
  nl_shape_strides(out.ndim, out.shape, strides);
  out.strides = strides;
  nl_copy_values(&out, c->rin[0]);
}

static nl_status vjp_reshape(nl_call *c, nl_vjp *g) {
  g->gin[0] = nl_b_reshape(g->build, g->gout[0], c->in[0]->ndim, c->in[0]->shape);
  return g->build->status;
}

static nl_status infer_flatten(nl_call *c) {
  nl_tensor *x = c->in[0];
  int from, to;
  nl_status status = nl_rule_dim(c->attr[flatten_start_dim].i, x->ndim, &from);
  status = status == NL_OK ? nl_rule_dim(c->attr[flatten_end_dim].i, x->ndim, &to) : status;
  if (status != NL_OK) {
    return status;
  }
  if (from > to) {
    return nl_fail("dims %lld to %lld are in the wrong order", (long long)c->attr[flatten_start_dim].i,
                   (long long)c->attr[flatten_end_dim].i);
  }
  int64_t shape[NL_MAX_DIM], joined = 1;
  int n = 0;
  for (int d = 0; d < x->ndim; d++) {
    if (d < from || d > to) {
      shape[n++] = x->shape[d];
    } else {
      joined *= x->shape[d];
      if (d == to) {
        shape[n++] = joined;
      }
    }
  }
  if (x->ndim == 0) {
    shape[n++] = 1;
  }
  return reshape_to(c, n, shape, false);
}

static nl_status infer_squeeze(nl_call *c) {
  nl_tensor *x = c->in[0];
  bool mask[NL_MAX_DIM];
  nl_status status = nl_rule_dims(c, squeeze_dim, x->ndim, mask);
  if (status != NL_OK) {
    return status;
  }
  int64_t shape[NL_MAX_DIM], strides[NL_MAX_DIM];
  int n = 0;
  for (int d = 0; d < x->ndim; d++) {
    if (x->shape[d] != 1 || !mask[d]) {
      shape[n] = x->shape[d];
      strides[n++] = x->strides[d];
    }
  }
  return nl_rule_view(c, n, shape, strides, x->offset);
}

static nl_status infer_unsqueeze(nl_call *c) {
  nl_tensor *x = c->in[0];
  int at;
  if (x->ndim + 1 > NL_MAX_DIM) {
    return nl_fail("at most %d dims are possible", NL_MAX_DIM);
  }
  nl_status status = nl_rule_dim(c->attr[unsqueeze_dim].i, x->ndim + 1, &at);
  if (status != NL_OK) {
    return status;
  }
  int64_t shape[NL_MAX_DIM], strides[NL_MAX_DIM];
  for (int d = 0, from = 0; d <= x->ndim; d++) {
    shape[d] = d == at ? 1 : x->shape[from];
    strides[d] = d == at ? (from < x->ndim ? x->shape[from] * x->strides[from] : 1) : x->strides[from];
    from += d != at;
  }
  return nl_rule_view(c, x->ndim + 1, shape, strides, x->offset);
}

/* ---- transpose, permute, expand ---- */

static nl_status infer_transpose(nl_call *c) {
  nl_tensor *x = c->in[0];
  int a, b;
  nl_status status = nl_rule_dim(c->attr[transpose_dim0].i, x->ndim, &a);
  status = status == NL_OK ? nl_rule_dim(c->attr[transpose_dim1].i, x->ndim, &b) : status;
  if (status != NL_OK) {
    return status;
  }
  int64_t shape[NL_MAX_DIM], strides[NL_MAX_DIM];
  for (int d = 0; d < x->ndim; d++) {
    int from = d == a ? b : (d == b ? a : d);
    shape[d] = x->shape[from];
    strides[d] = x->strides[from];
  }
  return nl_rule_view(c, x->ndim, shape, strides, x->offset);
}
static nl_status vjp_transpose(nl_call *c, nl_vjp *g) {
  g->gin[0] = nl_b_transpose(g->build, g->gout[0], c->attr[transpose_dim0].i, c->attr[transpose_dim1].i);
  return g->build->status;
}

static nl_status infer_permute(nl_call *c) {
  nl_tensor *x = c->in[0];
  int count;
  const int64_t *dims = nl_call_list(c, permute_dims, &count);
  if (count != x->ndim) {
    return nl_fail("%d dims are named, but the tensor of shape %s has %d", count, nl_tensor_shape_string(x).s, x->ndim);
  }
  bool mask[NL_MAX_DIM];
  nl_status status = nl_rule_dims(c, permute_dims, x->ndim, mask); /* each exists and is named once */
  if (status != NL_OK) {
    return status;
  }
  int64_t shape[NL_MAX_DIM], strides[NL_MAX_DIM];
  for (int d = 0; d < count; d++) {
    int from = 0;
    nl_rule_dim(dims[d], x->ndim, &from);
    shape[d] = x->shape[from];
    strides[d] = x->strides[from];
  }
  return nl_rule_view(c, count, shape, strides, x->offset);
}
static nl_status vjp_permute(nl_call *c, nl_vjp *g) {
  int count;
  const int64_t *dims = nl_call_list(c, permute_dims, &count);
  int64_t back[NL_MAX_DIM];
  for (int d = 0; d < count; d++) {
    int from = 0;
    nl_rule_dim(dims[d], count, &from);
    back[from] = d + 1;
  }
  g->gin[0] = nl_b_do(g->build, op_permute(), "tl", g->gout[0], count, back);
  return g->build->status;
}

static nl_status infer_expand(nl_call *c) {
  nl_tensor *x = c->in[0];
  int ndim;
  const int64_t *wanted = nl_call_list(c, expand_shape, &ndim);
  int lead = ndim - x->ndim;
  if (lead < 0 || ndim > NL_MAX_DIM) {
    return nl_fail("shape %s cannot be expanded to %s", nl_tensor_shape_string(x).s, nl_shape_string(ndim, wanted).s);
  }
  int64_t shape[NL_MAX_DIM], strides[NL_MAX_DIM];
  for (int d = 0; d < ndim; d++) {
    int64_t have = d < lead ? 1 : x->shape[d - lead];
    shape[d] = wanted[d] == -1 && d >= lead ? have : wanted[d];
    if (shape[d] < 0 || (have != 1 && have != shape[d])) {
      return nl_fail("shape %s cannot be expanded to %s: dim %d has %lld elements, and only dims of 1 expand",
                     nl_tensor_shape_string(x).s, nl_shape_string(ndim, wanted).s, d - ndim, (long long)have);
    }
    strides[d] = d < lead || have == 1 ? 0 : x->strides[d - lead];
  }
  return nl_rule_view(c, ndim, shape, strides, x->offset);
}
static nl_status vjp_expand(nl_call *c, nl_vjp *g) {
  g->gin[0] = nl_b_like(g->build, g->gout[0], c->in[0]);
  return g->build->status;
}

/* ---- select, slice, narrow ---- */

static nl_status bad_index(int64_t index, int dim, int64_t n) {
  if (n == 0) {
    return nl_fail("index %lld is out of range: dim %d has no elements", (long long)index, dim + 1);
  }
  return nl_fail("index %lld is out of range: dim %d has %lld elements (1 to %lld, or -%lld to -1)", (long long)index,
                 dim + 1, (long long)n, (long long)n, (long long)n);
}

static nl_status infer_select(nl_call *c) {
  nl_tensor *x = c->in[0];
  int dim;
  nl_status status = nl_rule_dim(c->attr[select_dim].i, x->ndim, &dim);
  if (status != NL_OK) {
    return status;
  }
  if (x->ndim == 0) {
    return nl_fail("a 0-dim tensor cannot be indexed; x:item() gives its value");
  }
  int64_t index = c->attr[select_index].i, n = x->shape[dim], i = index < 0 ? index + n : index - 1;
  if (i < 0 || i >= n) {
    return bad_index(index, dim, n);
  }
  int64_t shape[NL_MAX_DIM], strides[NL_MAX_DIM];
  for (int d = 0, to = 0; d < x->ndim; d++) {
    if (d != dim) {
      shape[to] = x->shape[d];
      strides[to++] = x->strides[d];
    }
  }
  return nl_rule_view(c, x->ndim - 1, shape, strides, x->offset + i * x->strides[dim]);
}

/* Where a slice starts (0-based), its length and step: what forward and backward both need. */
typedef struct span {
  int dim;
  int64_t start, length, step;
} span;

static nl_status find_span(const nl_call *c, const nl_tensor *x, span *s) {
  nl_status status = nl_rule_dim(c->attr[slice_dim].i, x->ndim, &s->dim);
  if (status != NL_OK) {
    return status;
  }
  int64_t n = x->ndim ? x->shape[s->dim] : 1;
  if (c->op->variant == 1) { /* narrow */
    int64_t start = c->attr[narrow_start].i;
    s->start = start < 0 ? start + n : start - 1;
    s->length = c->attr[narrow_length].i;
    s->step = 1;
    if (s->start < 0 || s->length < 0 || s->start > n || s->length > n - s->start) {
      return nl_fail("elements from %lld on, %lld of them, do not lie in dim %d, which has %lld", (long long)start,
                     (long long)s->length, s->dim + 1, (long long)n);
    }
    return NL_OK;
  }
  /* slice: from first to last, both included and clipped to what is there, as string.sub does */
  int64_t first = c->attr[slice_first].i, last = c->attr[slice_last].i;
  s->step = c->attr[slice_step].i;
  if (s->step < 1) {
    return nl_fail("a slice's step must be 1 or more, not %lld", (long long)s->step);
  }
  first = first < 0 ? first + n + 1 : first;
  last = last < 0 ? last + n + 1 : last;
  first = first < 1 ? 1 : first;
  last = last > n ? n : last;
  s->start = first - 1;
  s->length = last >= first ? (last - first) / s->step + 1 : 0;
  if (s->length == 0) {
    s->start = 0;
  }
  return NL_OK;
}

static nl_status infer_slice(nl_call *c) {
  nl_tensor *x = c->in[0];
  span s;
  nl_status status = find_span(c, x, &s);
  if (status != NL_OK) {
    return status;
  }
  if (x->ndim == 0) {
    return nl_fail("a 0-dim tensor cannot be sliced");
  }
  int64_t shape[NL_MAX_DIM], strides[NL_MAX_DIM];
  memcpy(shape, x->shape, (size_t)x->ndim * sizeof *shape);
  memcpy(strides, x->strides, (size_t)x->ndim * sizeof *strides);
  shape[s.dim] = s.length;
  strides[s.dim] *= s.length > 1 ? s.step : 1; /* nobody steps within one */
  return nl_rule_view(c, x->ndim, shape, strides, x->offset + s.start * x->strides[s.dim]);
}

/* The gradient of a slice: zeros with g in its place. */
static nl_tensor *into_zeros(nl_vjp *g, nl_tensor *t, const nl_tensor *x, span s) {
  return nl_b_do(g->build, op_slice_zeros(), "tiiil", t, (int64_t)s.dim + 1, s.start + 1, s.step, x->ndim, x->shape);
}
/* The gradient of a slice, added where there is a sum already: work and memory are then those of the slice, and a
   sequence that is taken apart step by step costs as much as it is long. */
static nl_tensor *slice_gradient(nl_vjp *g, nl_tensor *t, const nl_tensor *x, span s) {
  if (!g->sum || g->build->status != NL_OK) {
    g->fresh = true;
    return into_zeros(g, t, x, s);
  }
  nl_tensor *window = nl_b_do(g->build, op_slice(), "tiiii", g->sum, (int64_t)s.dim + 1, s.start + 1,
                              s.start + (s.length - 1) * s.step + 1, s.step);
  if (s.length > 0) {
    nl_call add;
    nl_call_init(&add, op_add(), 2, NULL);
    add.in[0] = window;
    add.in[1] = t;
    add.inplace = true;
    nl_b_call(g->build, &add);
  }
  return g->sum;
}

static nl_status vjp_slice(nl_call *c, nl_vjp *g) {
  span s;
  nl_status status = find_span(c, c->in[0], &s);
  g->gin[0] = status == NL_OK ? slice_gradient(g, g->gout[0], c->in[0], s) : NULL;
  return status == NL_OK ? g->build->status : status;
}
static nl_status vjp_select(nl_call *c, nl_vjp *g) {
  nl_tensor *x = c->in[0];
  int dim = 0;
  nl_rule_dim(c->attr[select_dim].i, x->ndim, &dim);
  int64_t index = c->attr[select_index].i, start = index < 0 ? index + x->shape[dim] : index - 1;
  int64_t shape[NL_MAX_DIM];
  memcpy(shape, x->shape, (size_t)x->ndim * sizeof *shape);
  shape[dim] = 1;
  nl_tensor *t = nl_b_reshape(g->build, g->gout[0], x->ndim, shape);
  g->gin[0] = slice_gradient(g, t, x, (span){dim, start, 1, 1});
  return g->build->status;
}

static nl_status infer_slice_zeros(nl_call *c) {
  int ndim, dim;
  const int64_t *shape = nl_call_list(c, slice_zeros_shape, &ndim);
  nl_tensor *g = c->in[0];
  nl_status status = nl_rule_dim(c->attr[slice_zeros_dim].i, ndim, &dim);
  if (status != NL_OK) {
    return status;
  }
  int64_t start = c->attr[slice_zeros_start].i, step = c->attr[slice_zeros_step].i;
  bool fits = ndim == g->ndim && ndim > 0 && start >= 1 && step >= 1;
  for (int d = 0; d < ndim && fits; d++) {
    fits = shape[d] >= 0 && (d == dim || shape[d] == g->shape[d]);
  }
  if (!fits || (g->shape[dim] > 0 && (start > shape[dim] || g->shape[dim] > (shape[dim] - start) / step + 1))) {
    return nl_fail("values of shape %s do not fit into shape %s", nl_tensor_shape_string(g).s,
                   nl_shape_string(ndim, shape).s);
  }
  nl_rule_shape(c, 0, ndim, shape, nl_tensor_dtype(g));
  return NL_OK;
}
static void run_slice_zeros(nl_call *c) {
  nl_tensor *out = c->out[0], *g = c->rin[0], window = *out;
  memset(nl_tensor_data(out), 0, out->storage->bytes);
  if (g->numel == 0) {
    return;
  }
  int dim = 0;
  nl_rule_dim(c->attr[slice_zeros_dim].i, out->ndim, &dim);
  int64_t strides[NL_MAX_DIM];
  memcpy(strides, out->strides, (size_t)out->ndim * sizeof *strides);
  window.offset = (c->attr[slice_zeros_start].i - 1) * strides[dim];
  strides[dim] *= g->shape[dim] > 1 ? c->attr[slice_zeros_step].i : 1;
  window.strides = strides;
  window.shape = g->shape;
  window.numel = g->numel;
  window.contiguous = false;
  nl_copy_values(&window, g);
}
static nl_status vjp_slice_zeros(nl_call *c, nl_vjp *g) {
  int64_t written = c->attr[slice_zeros_dim].i, start = c->attr[slice_zeros_start].i,
          step = c->attr[slice_zeros_step].i;
  int dim = 0;
  nl_rule_dim(written, c->in[0]->ndim, &dim);
  int64_t length = c->in[0]->shape[dim];
  if (length == 0) {
    g->gin[0] = nl_b_zeros(g->build, nl_tensor_dtype(c->in[0]), c->in[0]->ndim, c->in[0]->shape);
  } else {
    g->gin[0] = nl_b_do(g->build, op_slice(), "tiiii", g->gout[0], written, start, start + (length - 1) * step, step);
  }
  return g->build->status;
}

#define VIEW(n, a, set, text, i, v, e)                                                                                 \
  {                                                                                                                    \
    .name = n, .args = a, .attrs = set##_attrs, .returns = "tensor", .doc = text, .example = e, .infer = i,            \
    .run = run_reshape_copy, .vjp = v, .flags = NL_OP_VIEW                                                             \
  }

static const nl_op ops[] = {
    VIEW("reshape", "x: tensor, shape: shape", reshape,
         "The same elements in another shape; -1 is worked out. A view if it can "
         "be, else a copy.",
         infer_reshape, vjp_reshape, "nn.reshape(nn.arange(6), 2, -1)"),
    {.name = "view",
     .args = "x: tensor, shape: shape",
     .attrs = reshape_attrs,
     .returns = "tensor",
     .doc = "reshape that never copies: an error where the layout does not allow it.",
     .example = "nn.view(nn.arange(6), 3, 2)",
     .infer = infer_reshape,
     .run = run_reshape_copy,
     .vjp = vjp_reshape,
     .flags = NL_OP_VIEW,
     .variant = 1},
    VIEW("flatten", "x: tensor, start_dim: dim = 1, end_dim: dim = -1", flatten,
         "Joins the dims start_dim .. end_dim into one.", infer_flatten, vjp_reshape,
         "nn.flatten(nn.tensor {{1.0, 2.0, 3.0}, {4.0, 5.0, 6.0}})"),
    VIEW("squeeze", "x: tensor, dim: dims?", squeeze, "Drops dims of one element: all of them, or those named.",
         infer_squeeze, vjp_reshape, "nn.squeeze(nn.zeros(1, 2, 1)).shape"),
    VIEW("unsqueeze", "x: tensor, dim: dim", unsqueeze, "A new dim of one element at this place.", infer_unsqueeze,
         vjp_reshape, "nn.unsqueeze(nn.zeros(2), 1).shape"),
    VIEW("transpose", "x: tensor, dim0: dim, dim1: dim", transpose, "Exchanges two dims.", infer_transpose,
         vjp_transpose, "nn.transpose(nn.tensor {{1.0, 2.0, 3.0}, {4.0, 5.0, 6.0}}, 1, 2)"),
    VIEW("permute", "x: tensor, dims: dims", permute, "Puts the dims in the order named.", infer_permute, vjp_permute,
         "nn.permute(nn.zeros(2, 3, 4), 3, 1, 2).shape"),
    VIEW("expand", "x: tensor, shape: shape", expand, "Repeats dims of one element without copying; -1 keeps a size.",
         infer_expand, vjp_expand, "nn.expand(nn.tensor {{1}, {2}}, 2, 3)"),
    VIEW("select", "x: tensor, dim: dim, index: int", select, "One index along a dim; the dim is gone.", infer_select,
         vjp_select, "nn.select(nn.tensor {{1.0, 2.0, 3.0}, {4.0, 5.0, 6.0}}, 2, -1)"),
    VIEW("slice", "x: tensor, dim: dim, first: int = 1, last: int = -1, step: int = 1", slice,
         "Indices first to last along a dim, both included.", infer_slice, vjp_slice,
         "nn.slice(nn.arange(6), 1, 2, 6, 2)"),
    {.name = "narrow",
     .args = "x: tensor, dim: dim, start: int, length: int",
     .attrs = narrow_attrs,
     .returns = "tensor",
     .doc = "length indices along a dim, from start on.",
     .example = "nn.narrow(nn.arange(6), 1, 2, 3)",
     .infer = infer_slice,
     .run = run_reshape_copy,
     .vjp = vjp_slice,
     .flags = NL_OP_VIEW,
     .variant = 1},
    {.name = "slice_zeros",
     .args = "g: tensor, dim: dim, start: int, step: int, shape: shape",
     .attrs = slice_zeros_attrs,
     .returns = "tensor",
     .doc = "Zeros of the given shape with g in the place of a slice: a slice's gradient.",
     .infer = infer_slice_zeros,
     .run = run_slice_zeros,
     .vjp = vjp_slice_zeros,
     .flags = NL_OP_INTERNAL},
};
NL_FAMILY(shape, ops);
