/* Rows that order elements: sort and topk. Both give values and positions (from 1). */
#include "kernels/sort.h"
#include "core/interrupt.h"
#include "ops/build.h"
#include "ops/rules.h"

NL_USE(scatter_zeros)

/* sort(x, dim, descending); topk(x, k, dim, largest) */
static bool is_topk(const nl_call *c) {
  return c->op->kernel == 1;
}
static nl_attr dim_of(const nl_call *c) {
  return c->attr[is_topk(c) ? 1 : 0];
}

static nl_status infer_sort(nl_call *c) {
  nl_tensor *x = c->in[0];
  int dim;
  nl_status status = nl_rule_dim(dim_of(c).i, x->ndim, &dim);
  if (status != NL_OK) {
    return status;
  }
  int64_t shape[NL_MAX_DIM], n = x->ndim ? x->shape[dim] : 1, keep = is_topk(c) ? c->attr[0].i : n;
  if (keep < 0 || keep > n) {
    return nl_fail("k is %lld, but dim %d has %lld elements", (long long)keep, dim + 1, (long long)n);
  }
  for (int d = 0; d < x->ndim; d++) {
    shape[d] = d == dim ? keep : x->shape[d];
  }
  nl_rule_shape(c, 0, x->ndim, shape, nl_tensor_dtype(x));
  nl_rule_shape(c, 1, x->ndim, shape, NL_I64);
  c->scratch_bytes = nl_sort_scratch(n) + (size_t)n * 32 + 64; /* keys, then one row in, one out */
  return NL_OK;
}

static void run_sort(nl_call *c) {
  nl_tensor *x = c->rin[0];
  int dim = 0;
  nl_rule_dim(dim_of(c).i, x->ndim, &dim);
  nl_around a = nl_rule_around(x, dim);
  int64_t keep = is_topk(c) ? c->attr[0].i : a.red;
  bool descending = is_topk(c) ? c->attr[2].b : c->attr[1].b;
  size_t size = nl_dtype_size(nl_tensor_dtype(x));
  char *keys = c->scratch->storage->data, *row = keys + nl_sort_scratch(a.red), *values = row + a.red * 8;
  int64_t *positions = (int64_t *)(values + a.red * 8);
  const char *from = nl_tensor_data(x);
  char *to = nl_tensor_data(c->out[0]);
  int64_t *at = nl_tensor_data(c->out[1]);
  for (int64_t r = 0; r < a.outer * a.inner && !nl_interrupt_pending(); r++) {
    int64_t o = r / a.inner, i = r % a.inner;
    for (int64_t k = 0; k < a.red; k++) {
      __builtin_memcpy(row + (size_t)k * size, from + (size_t)((o * a.red + k) * a.inner + i) * size, size);
    }
    nl_sort_row(nl_tensor_dtype(x), a.red, row, descending, keep, values, positions, keys);
    for (int64_t k = 0; k < keep; k++) {
      int64_t place = (o * keep + k) * a.inner + i;
      __builtin_memcpy(to + (size_t)place * size, values + (size_t)k * size, size);
      at[place] = positions[k] + 1;
    }
  }
}

static nl_status vjp_sort(nl_call *c, nl_vjp *g) {
  if (!g->gout[0]) {
    return NL_OK;
  }
  nl_call s;
  nl_call_init(&s, row_scatter_zeros(), 2, NULL);
  s.in[0] = g->gout[0];
  s.in[1] = c->out[1];
  s.attr[0] = dim_of(c);
  nl_call_set_list(&s, 1, c->in[0]->ndim, c->in[0]->shape);
  g->gin[0] = nl_b_call(g->build, &s);
  return g->build->status;
}

static const nl_op ops[] = {
    {.name = "sort",
     .args = "x: tensor, dim: dim = -1, descending: bool = false",
     .returns = "tensor, tensor",
     .doc = "The elements in order along a dim, and their positions (from 1). Stable; nan counts as largest.",
     .example = "nn.sort(nn.tensor {3, 1, 2})",
     .infer = infer_sort,
     .run = run_sort,
     .vjp = vjp_sort,
     .flags = NL_OP_CONTIGUOUS,
     .save = NL_SAVE_OUT(1)},
    {.name = "topk",
     .args = "x: tensor, k: int, dim: dim = -1, largest: bool = true",
     .returns = "tensor, tensor",
     .doc = "The k largest (or smallest) elements along a dim, in order, and their positions (from 1).",
     .example = "nn.topk(nn.tensor {3, 1, 2}, 2)",
     .infer = infer_sort,
     .run = run_sort,
     .vjp = vjp_sort,
     .flags = NL_OP_CONTIGUOUS,
     .save = NL_SAVE_OUT(1),
     .kernel = 1},
};

NL_FAMILY(nl_ops_sort, ops);
