/* Ops that pick and place elements by bool masks, and their gradients. */
#include <string.h>

#include "core/interrupt.h"
#include "core/pool.h"
#include "optable/helpers.h"
#include "optable/iterate.h"
#include "optable/rules.h"

NL_ATTRS(masked_take, count)

/* ---- masks ---- */

static nl_status check_mask(const nl_tensor *x, const nl_tensor *mask, int64_t *count) {
  if (mask->dtype != NL_BOOL) {
    return nl_fail("the mask must be a bool tensor, but is %s (shape %s)", nl_dtype_name(nl_tensor_dtype(mask)),
                   nl_tensor_shape_string(mask).s);
  }
  bool fits = mask->ndim <= x->ndim;
  for (int d = 0; d < mask->ndim && fits; d++) {
    fits = mask->shape[d] == x->shape[d];
  }
  if (!fits) {
    return nl_fail("the mask's shape %s must be that of the tensor (%s) or of its first dims",
                   nl_tensor_shape_string(mask).s, nl_tensor_shape_string(x).s);
  }
  *count = 0;
  for (int64_t i = 0; i < mask->numel; i++) {
    *count += nl_tensor_get_int(mask, i) != 0;
  }
  return NL_OK;
}

static int64_t rest_of(const nl_tensor *x, const nl_tensor *mask, int64_t shape[NL_MAX_DIM], int *ndim) {
  int64_t inner = 1;
  *ndim = 1;
  for (int d = mask->ndim; d < x->ndim; d++) {
    inner *= x->shape[d];
    shape[(*ndim)++] = x->shape[d];
  }
  return inner;
}

/* masked_take is told how many elements the mask picks, so that its result's shape depends on no value */
static nl_status infer_masked_select(nl_call *c) {
  int64_t count, shape[NL_MAX_DIM + 1];
  nl_status status = check_mask(c->in[0], c->in[1], &count);
  if (status == NL_OK && c->attr[masked_take_count].set && c->attr[masked_take_count].i != count) {
    return nl_fail("the mask picks %lld elements, not %lld", (long long)count, (long long)c->attr[masked_take_count].i);
  }
  if (status == NL_OK) {
    int ndim;
    rest_of(c->in[0], c->in[1], shape, &ndim);
    shape[0] = count;
    if (ndim > NL_MAX_DIM) {
      return nl_fail("at most %d dims are possible", NL_MAX_DIM);
    }
    nl_rule_shape(c, 0, ndim, shape, nl_tensor_dtype(c->in[0]));
  }
  return status;
}

static int64_t mask_bytes(const nl_tensor *x, const nl_tensor *mask) {
  int64_t shape[NL_MAX_DIM + 1];
  int ndim;
  return rest_of(x, mask, shape, &ndim) * (int64_t)nl_dtype_size(nl_tensor_dtype(x));
}

static void run_masked_select(nl_call *c) {
  nl_tensor *x = c->rin[0], *mask = c->rin[1];
  int64_t bytes = mask_bytes(x, mask);
  const uint8_t *m = nl_tensor_data(mask);
  char *to = nl_tensor_data(c->out[0]);
  for (int64_t i = 0; i < mask->numel && !nl_interrupted_at(i); i++) {
    if (m[i]) {
      memcpy(to, (const char *)nl_tensor_data(x) + i * bytes, (size_t)bytes);
      to += bytes;
    }
  }
}
static nl_status vjp_masked_select(nl_call *c, nl_vjp *g) {
  nl_build *b = g->build;
  nl_tensor *zeros = nl_b_zeros(b, nl_tensor_dtype(c->in[0]), c->in[0]->ndim, c->in[0]->shape);
  g->gin[0] = nl_b3(b, op_masked_scatter(), zeros, c->in[1], g->gout[0]);
  return b->status;
}

/* masked_scatter(x, mask, source): x with the masked places taken, in order, from source */
static nl_status infer_masked_scatter(nl_call *c) {
  nl_tensor *x = c->in[0], *source = c->in[2];
  int64_t count;
  nl_status status = check_mask(x, c->in[1], &count);
  if (status != NL_OK) {
    return status;
  }
  int64_t inner = mask_bytes(x, c->in[1]) / (int64_t)nl_dtype_size(nl_tensor_dtype(x));
  if (source->numel != count * inner || source->dtype != x->dtype) {
    return nl_fail("the mask picks %lld elements of a %s tensor, but the source has %lld (%s)",
                   (long long)(count * inner), nl_dtype_name(nl_tensor_dtype(x)), (long long)source->numel,
                   nl_dtype_name(nl_tensor_dtype(source)));
  }
  nl_rule_like(c, 0, x, nl_tensor_dtype(x));
  return NL_OK;
}
static void run_masked_scatter(nl_call *c) {
  nl_tensor *x = c->rin[0], *mask = c->rin[1];
  int64_t bytes = mask_bytes(x, mask);
  const uint8_t *m = nl_tensor_data(mask);
  const char *from = nl_tensor_data(c->rin[2]);
  nl_copy_values(c->out[0], x);
  for (int64_t i = 0; i < mask->numel && !nl_interrupted_at(i); i++) {
    if (m[i]) {
      memcpy((char *)nl_tensor_data(c->out[0]) + i * bytes, from, (size_t)bytes);
      from += bytes;
    }
  }
}
static nl_status vjp_masked_scatter(nl_call *c, nl_vjp *g) {
  nl_build *b = g->build;
  nl_tensor *mask = c->in[1];
  if (g->need[0]) {
    int64_t shape[NL_MAX_DIM]; /* the mask over first dims, made to broadcast from the right */
    for (int d = 0; d < c->in[0]->ndim; d++) {
      shape[d] = d < mask->ndim ? mask->shape[d] : 1;
    }
    nl_tensor *wide = nl_b_reshape(b, mask, c->in[0]->ndim, shape);
    g->gin[0] = nl_b3(b, op_masked_fill(), g->gout[0], wide, nl_b_number(b, 0));
  }
  if (g->need[2]) {
    int64_t inner = mask_bytes(c->in[0], mask) / (int64_t)nl_dtype_size(nl_tensor_dtype(c->in[0]));
    int64_t count = inner ? c->in[2]->numel / inner : 0;
    nl_tensor *picked = nl_b_do(b, op_masked_take(), "tti", g->gout[0], mask, count);
    g->gin[2] = nl_b_reshape(b, picked, c->in[2]->ndim, c->in[2]->shape);
  }
  return b->status;
}

static const nl_op ops[] = {
    {.name = "masked_select",
     .args = "x: tensor, mask: tensor",
     .returns = "tensor",
     .doc = "The elements of x where the bool mask holds, in order; x[mask] is the same.",
     .example = "nn.masked_select(nn.tensor {-1.0, 0.0, 2.0}, nn.tensor {-1.0, 0.0, 2.0}:ge(0))",
     .infer = infer_masked_select,
     .run = run_masked_select,
     .vjp = vjp_masked_select,
     .flags = NL_OP_DATA_SHAPE | NL_OP_CONTIGUOUS,
     .save = NL_SAVE_IN(1)},
    {.name = "masked_take",
     .args = "x: tensor, mask: tensor, count: int",
     .attrs = masked_take_attrs,
     .returns = "tensor",
     .doc = "masked_select with the number of elements known: masked_scatter's gradient.",
     .infer = infer_masked_select,
     .run = run_masked_select,
     .vjp = vjp_masked_select,
     .flags = NL_OP_CHECKS | NL_OP_CONTIGUOUS | NL_OP_INTERNAL,
     .save = NL_SAVE_IN(1)},
    {.name = "masked_scatter",
     .args = "x: tensor, mask: tensor, source: tensor",
     .returns = "tensor",
     .doc = "x with the places where the mask holds taken, in order, from source.",
     .example = "nn.masked_scatter(nn.tensor {-1.0, 0.0, 2.0}, nn.tensor {-1.0, 0.0, 2.0}:le(0), nn.tensor {8.0, 9.0})",
     .infer = infer_masked_scatter,
     .run = run_masked_scatter,
     .vjp = vjp_masked_scatter,
     .flags = NL_OP_CHECKS | NL_OP_CONTIGUOUS | NL_OP_INPLACE,
     .save = NL_SAVE_IN(1)},
};
NL_FAMILY(mask, ops);
