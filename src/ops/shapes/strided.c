/* Ops with an explicit geometry: what autograd needs when tensors are written through views. x is contiguous; shape,
   strides and offset describe a view of it. */
#include <string.h>

#include "core/interrupt.h"
#include "ops/indexing/indexing.h"
#include "optable/helpers.h"
#include "optable/iterate.h"
#include "optable/rules.h"

/* The view described by the attributes, checked to lie inside `numel` elements. */
static nl_status check_geometry(const nl_call *c, int64_t numel) {
  int n, m;
  const int64_t *shape = nl_call_list(c, nl_strided_size, &n), *strides = nl_call_list(c, nl_strided_stride, &m);
  int64_t last = c->attr[nl_strided_storage_offset].i, count = 1;
  if (n != m || n > NL_MAX_DIM || last < 0) {
    return nl_fail("size and stride must have the same length, and storage_offset be 0 or more");
  }
  for (int d = 0; d < n; d++) {
    int64_t reach;
    if (shape[d] < 0 || strides[d] < 0 || __builtin_mul_overflow(shape[d] - 1, strides[d], &reach) ||
        __builtin_add_overflow(last, shape[d] ? reach : 0, &last) || __builtin_mul_overflow(count, shape[d], &count)) {
      return nl_fail("shape %s with these strides is not a view of %lld elements", nl_shape_string(n, shape).s,
                     (long long)numel);
    }
  }
  if (count > 0 && last >= numel) {
    return nl_fail("shape %s with these strides reaches element %lld of %lld", nl_shape_string(n, shape).s,
                   (long long)(last < INT64_MAX ? last + 1 : last), (long long)numel);
  }
  return NL_OK;
}

/* t seen as the attributes say */
static nl_tensor looked_into(const nl_call *c, const nl_tensor *t, int64_t *geometry) {
  nl_tensor v = *t;
  int n;
  const int64_t *shape = nl_call_list(c, nl_strided_size, &n), *strides = nl_call_list(c, nl_strided_stride, &n);
  memcpy(geometry, shape, (size_t)n * sizeof *geometry);
  memcpy(geometry + NL_MAX_DIM, strides, (size_t)n * sizeof *geometry);
  v.ndim = (uint8_t)n;
  v.shape = geometry;
  v.strides = geometry + NL_MAX_DIM;
  v.offset = t->offset + c->attr[nl_strided_storage_offset].i;
  v.numel = nl_shape_numel(n, shape);
  v.contiguous = false;
  return v;
}

static nl_status infer_as_strided(nl_call *c) {
  nl_status status = check_geometry(c, c->in[0]->numel);
  if (status == NL_OK) {
    int n;
    const int64_t *shape = nl_call_list(c, nl_strided_size, &n);
    nl_rule_shape(c, 0, n, shape, nl_tensor_dtype(c->in[0]));
  }
  return status;
}
static void run_as_strided(nl_call *c) {
  int64_t geometry[2 * NL_MAX_DIM];
  nl_tensor v = looked_into(c, c->rin[0], geometry);
  nl_copy_values(c->out[0], &v);
}

static void copy_geometry(nl_call *to, const nl_call *from) {
  for (int i = nl_strided_size; i <= nl_strided_stride; i++) {
    int n;
    const int64_t *list = nl_call_list(from, i, &n);
    nl_call_set_list(to, i, n, list);
  }
  to->attr[nl_strided_storage_offset] = from->attr[nl_strided_storage_offset];
}

static nl_status vjp_as_strided(nl_call *c, nl_vjp *g) {
  nl_call k;
  nl_call_init(&k, op_strided_zeros(), 1, NULL);
  k.in[0] = g->gout[0];
  copy_geometry(&k, c);
  k.attr[nl_strided_zeros_numel] = (nl_attr){.set = true, .i = c->in[0]->numel};
  nl_tensor *d = nl_b_call(g->build, &k);
  g->gin[0] = nl_b_reshape(g->build, d, c->in[0]->ndim, c->in[0]->shape);
  return g->build->status;
}

/* strided_zeros(g, ..., numel): numel zeros, plus g at the view's places (which may coincide) */
static nl_status infer_strided_zeros(nl_call *c) {
  int n;
  const int64_t *shape = nl_call_list(c, nl_strided_zeros_size, &n);
  int64_t numel = c->attr[nl_strided_zeros_numel].i;
  nl_status status = numel < 0 ? nl_fail("numel must be 0 or more") : check_geometry(c, numel);
  if (status == NL_OK && (n != c->in[0]->ndim || memcmp(shape, c->in[0]->shape, (size_t)n * sizeof *shape) != 0)) {
    status = nl_fail("the values of shape %s must have the view's shape %s", nl_tensor_shape_string(c->in[0]).s,
                     nl_shape_string(n, shape).s);
  }
  if (status == NL_OK) {
    nl_rule_shape(c, 0, 1, &numel, nl_tensor_dtype(c->in[0]));
  }
  return status;
}
static void run_strided_zeros(nl_call *c) {
  nl_tensor *g = c->rin[0], *out = c->out[0];
  int n;
  const int64_t *strides = nl_call_list(c, nl_strided_zeros_stride, &n);
  memset(nl_tensor_data(out), 0, out->storage->bytes);
  for (int64_t i = 0; i < g->numel && !nl_interrupted_at(i); i++) {
    int64_t at = c->attr[nl_strided_zeros_storage_offset].i, rest = i;
    for (int d = n - 1; d >= 0; d--) {
      at += rest % g->shape[d] * strides[d];
      rest /= g->shape[d];
    }
    nl_add_element(nl_tensor_dtype(out), nl_tensor_data(out), at, nl_tensor_data(g), i);
  }
}
static nl_tensor *look(nl_build *b, nl_tensor *t, const nl_call *c) {
  nl_call k;
  nl_call_init(&k, op_as_strided(), 1, NULL);
  k.in[0] = t;
  copy_geometry(&k, c);
  return nl_b_call(b, &k);
}
static nl_status vjp_strided_zeros(nl_call *c, nl_vjp *g) {
  g->gin[0] = look(g->build, g->gout[0], c);
  return g->build->status;
}

/* view_scatter(base, value, ...): base with value at the view's places */
static nl_status infer_view_scatter(nl_call *c) {
  nl_tensor *base = c->in[0], *value = c->in[1];
  int n;
  const int64_t *shape = nl_call_list(c, nl_strided_size, &n);
  nl_status status = check_geometry(c, base->numel);
  if (status == NL_OK && (n != value->ndim || memcmp(shape, value->shape, (size_t)n * sizeof *shape) != 0)) {
    status = nl_fail("the values of shape %s must have the view's shape %s", nl_tensor_shape_string(value).s,
                     nl_shape_string(n, shape).s);
  }
  if (status == NL_OK) {
    nl_rule_like(c, 0, base, nl_tensor_dtype(base));
  }
  return status;
}
static void run_view_scatter(nl_call *c) {
  nl_copy_values(c->out[0], c->rin[0]);
  int64_t geometry[2 * NL_MAX_DIM];
  nl_tensor v = looked_into(c, c->out[0], geometry);
  nl_copy_values(&v, c->rin[1]);
}
static nl_status vjp_view_scatter(nl_call *c, nl_vjp *g) {
  nl_build *b = g->build;
  if (g->need[0]) {
    nl_tensor *zeros = nl_b_zeros(b, nl_tensor_dtype(c->in[1]), c->in[1]->ndim, c->in[1]->shape);
    nl_call k;
    nl_call_init(&k, op_view_scatter(), 2, NULL);
    k.in[0] = g->gout[0];
    k.in[1] = zeros;
    copy_geometry(&k, c);
    g->gin[0] = nl_b_call(b, &k);
  }
  if (g->need[1]) {
    g->gin[1] = look(b, g->gout[0], c);
  }
  return b->status;
}

#define GEOMETRY "size: shape, stride: shape, storage_offset: int = 0"

static const nl_op ops[] = {
    {.name = "as_strided",
     .args = "x: tensor, " GEOMETRY,
     .attrs = nl_strided_attrs,
     .returns = "tensor",
     .doc =
         "A copy of the elements of x, taken as contiguous, at offset + index . strides, counted from 0; all must lie "
         "inside.",
     .example = "nn.as_strided(nn.arange(6), {2, 2}, {1, 2})",
     .infer = infer_as_strided,
     .run = run_as_strided,
     .vjp = vjp_as_strided,
     .flags = NL_OP_CONTIGUOUS},
    {.name = "strided_zeros",
     .args = "g: tensor, " GEOMETRY ", numel: int = 0",
     .attrs = nl_strided_zeros_attrs,
     .returns = "tensor",
     .doc = "Zeros plus g at offset + index . strides: as_strided's gradient.",
     .infer = infer_strided_zeros,
     .run = run_strided_zeros,
     .vjp = vjp_strided_zeros,
     .flags = NL_OP_CONTIGUOUS | NL_OP_INTERNAL},
    {.name = "view_scatter",
     .args = "x: tensor, value: tensor, " GEOMETRY,
     .attrs = nl_strided_attrs,
     .returns = "tensor",
     .doc = "x with value at offset + index . strides.",
     .infer = infer_view_scatter,
     .run = run_view_scatter,
     .vjp = vjp_view_scatter,
     .flags = NL_OP_CONTIGUOUS | NL_OP_INTERNAL},
};

NL_FAMILY(strided, ops);
