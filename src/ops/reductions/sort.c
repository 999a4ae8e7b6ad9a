/* Ops that order elements: sort and topk. Both give values and positions (from 1). */
#include "kernels/sort.h"
#include <pthread.h>
#include <string.h>

#include "core/interrupt.h"
#include "core/pool.h"
#include "optable/helpers.h"
#include "optable/rules.h"

NL_ATTRS(topk, k, dim, largest)

static bool is_topk(const nl_call *c) {
  return c->op->variant == 1;
}
static int64_t dim_of(const nl_call *c) {
  return c->attr[is_topk(c) ? topk_dim : nl_sort_dim].i;
}

static nl_status infer_sort(nl_call *c) {
  nl_tensor *x = c->in[0];
  int dim;
  nl_status status = nl_rule_dim(dim_of(c), x->ndim, &dim);
  if (status != NL_OK) {
    return status;
  }
  int64_t shape[NL_MAX_DIM], n = x->ndim ? x->shape[dim] : 1, keep = is_topk(c) ? c->attr[topk_k].i : n;
  if (keep < 0 || keep > n) {
    return nl_fail("k is %lld, but dim %d has %lld elements", (long long)keep, dim + 1, (long long)n);
  }
  if (x->ndim == 0 && keep == 0) {
    return nl_fail("k is 0, but a 0-dim tensor has no dim to leave out elements of; k can be 1");
  }
  for (int d = 0; d < x->ndim; d++) {
    shape[d] = d == dim ? keep : x->shape[d];
  }
  nl_rule_shape(c, 0, x->ndim, shape, nl_tensor_dtype(x));
  nl_rule_shape(c, 1, x->ndim, shape, NL_I64);
  c->workspace_bytes = nl_sort_workspace(n) + 64;
  return NL_OK;
}

typedef struct sort_job {
  nl_tensor *x, *values, *positions;
  nl_around around;
  int64_t keep;
  bool descending;
  char *workspace; /* for lines one after the other */
  bool shared;     /* lines are cut over threads, which have workspace of their own, or wait for this one */
} sort_job;

static void sort_range(void *ctx, int64_t begin, int64_t end) {
  const sort_job *j = ctx;
  nl_dtype dtype = nl_tensor_dtype(j->x);
  size_t size = nl_dtype_size(dtype);
  int64_t n = j->around.red, inner = j->around.inner;
  static pthread_mutex_t one_at_a_time = PTHREAD_MUTEX_INITIALIZER;
  char *own = j->shared ? nl_thread_workspace() : NULL;
  if (!own) {
    pthread_mutex_lock(&one_at_a_time);
  }
  for (int64_t r = begin; r < end && !nl_interrupt_pending(); r++) {
    int64_t o = r / inner, i = r % inner, to = o * j->keep * inner + i;
    nl_sort_row(&(nl_sort){.dtype = dtype,
                           .descending = j->descending,
                           .n = n,
                           .step = inner,
                           .keep = j->keep,
                           .to_step = inner,
                           .first = 1,
                           .x = (const char *)nl_tensor_data(j->x) + (size_t)(o * n * inner + i) * size,
                           .values = (char *)nl_tensor_data(j->values) + (size_t)to * size,
                           .positions = (int64_t *)nl_tensor_data(j->positions) + to,
                           .workspace = own ? own : j->workspace});
  }
  if (!own) {
    pthread_mutex_unlock(&one_at_a_time);
  }
}

static void run_sort(nl_call *c) {
  nl_tensor *x = c->rin[0];
  int dim = 0;
  nl_rule_dim(dim_of(c), x->ndim, &dim);
  nl_around a = nl_rule_around(x, dim);
  sort_job job = {.x = x,
                  .values = c->out[0],
                  .positions = c->out[1],
                  .around = a,
                  .keep = is_topk(c) ? c->attr[topk_k].i : a.red,
                  .descending = is_topk(c) ? c->attr[topk_largest].b : c->attr[nl_sort_descending].b,
                  .workspace = c->workspace->storage->data,
                  .shared = nl_sort_workspace(a.red) <= NL_THREAD_WORKSPACE_BYTES};
  int64_t lines = a.outer * a.inner;
  nl_parallel_for(lines, job.shared ? 1 + 8192 / (a.red + 1) : lines + 1, sort_range, &job);
}

static nl_status vjp_sort(nl_call *c, nl_vjp *g) {
  nl_tensor *x = c->in[0];
  if (g->gout[0]) {
    g->gin[0] = nl_b_do(g->build, op_scatter_zeros(), "ttil", g->gout[0], c->out[1], dim_of(c), x->ndim, x->shape);
  }
  return g->build->status;
}

static const nl_op ops[] = {
    {.name = "sort",
     .args = "x: tensor, dim: dim = -1, descending: bool = false",
     .attrs = nl_sort_attrs,
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
     .attrs = topk_attrs,
     .returns = "tensor, tensor",
     .doc = "The k largest (or smallest) elements along a dim, in order, and their positions (from 1).",
     .example = "nn.topk(nn.tensor {3, 1, 2}, 2)",
     .infer = infer_sort,
     .run = run_sort,
     .vjp = vjp_sort,
     .flags = NL_OP_CONTIGUOUS,
     .save = NL_SAVE_OUT(1),
     .variant = 1},
};

NL_FAMILY(sort, ops);
