#include "ops/reductions/reduction.h"

#include "core/pool.h"
#include "optable/helpers.h"
#include "optable/iterate.h"

typedef nl_reduction_job job;

/* Kernels whose results can be joined. */
static bool joins(int kernel) {
  return kernel == NL_RED_SUM || kernel == NL_RED_SUMSQ || kernel == NL_RED_SUMABS || kernel == NL_RED_MAX ||
         kernel == NL_RED_MIN || kernel == NL_RED_MAXABS || kernel == NL_RED_PROD;
}

static nl_reduction find_reduction(const nl_tensor *x, const bool mask[NL_MAX_DIM]) {
  nl_reduction g = {.around = {1, 1, 1}, .count = 1};
  int first = -1, last = -1, n = 0, kept = 0;
  for (int d = 0; d < x->ndim; d++) {
    if (mask[d]) {
      first = first < 0 ? d : first;
      last = d;
      n++;
      g.count *= x->shape[d];
    } else {
      g.order[kept++] = d;
    }
  }
  for (int d = 0; d < x->ndim; d++) {
    if (mask[d]) {
      g.order[kept++] = d;
    }
  }
  g.permute = n > 0 && last - first + 1 != n;
  g.around.red = g.count;
  for (int d = 0; d < x->ndim; d++) {
    if (!mask[d]) {
      if (g.permute || n == 0 || d < first) {
        g.around.outer *= x->shape[d];
      } else {
        g.around.inner *= x->shape[d];
      }
    }
  }
  return g;
}

/* Fills the call's result shape: reduced dims gone, or 1 with keepdim. */
static void reduced_shape(nl_call *c, int i, const bool mask[NL_MAX_DIM], bool keepdim, nl_dtype dtype) {
  const nl_tensor *x = c->in[0];
  int64_t shape[NL_MAX_DIM];
  int n = 0;
  for (int d = 0; d < x->ndim; d++) {
    if (!mask[d]) {
      shape[n++] = x->shape[d];
    } else if (keepdim) {
      shape[n++] = 1;
    }
  }
  nl_rule_shape(c, i, n, shape, dtype);
}

enum { WORTH_A_STAGE = 64 };

/* The dims that are reduced at the end of x are done first; what is left is then reduced over neighbours, without a
   copy of x. For kernels whose results can be joined. */
typedef struct stages {
  int64_t rows, each; /* results of the first stage, elements of each */
  nl_around around;   /* the second */
} stages;

static bool find_stages(const nl_tensor *x, const bool mask[NL_MAX_DIM], stages *s) {
  int ndim = x->ndim, first = -1, last = -1, n = 0;
  *s = (stages){1, 1, {1, 1, 1}};
  while (ndim > 0 && mask[ndim - 1]) {
    s->each *= x->shape[--ndim];
  }
  for (int d = 0; d < ndim; d++) {
    s->rows *= x->shape[d];
    if (mask[d]) {
      first = first < 0 ? d : first;
      last = d;
      n++;
    }
  }
  for (int d = 0; d < ndim; d++) {
    *(d < first ? &s->around.outer : (d > last ? &s->around.inner : &s->around.red)) *= x->shape[d];
  }
  return n > 0 && s->each >= WORTH_A_STAGE && last - first + 1 == n && x->numel > 0;
}

static bool is_staged(const nl_call *c, int kernel, const nl_tensor *x, const bool mask[NL_MAX_DIM], stages *s) {
  return joins(kernel) && x->contiguous && x->dtype == c->dtype && find_stages(x, mask, s);
}

/* The workspace holds the first stage, or x converted and laid out. */
nl_status nl_infer_reduction(nl_call *c, int dims, int keep, nl_dtype out, int kernel) {
  bool mask[NL_MAX_DIM];
  nl_status status = nl_rule_dims(c, dims, c->in[0]->ndim, mask);
  if (status != NL_OK) {
    return status;
  }
  reduced_shape(c, 0, mask, c->attr[keep].b, out);
  nl_tensor *x = c->in[0];
  stages s;
  if (is_staged(c, kernel, x, mask, &s)) {
    c->workspace_bytes = (size_t)s.rows * nl_dtype_size(c->dtype) + 1;
  } else if (!x->contiguous || x->dtype != c->dtype || find_reduction(x, mask).permute) {
    c->workspace_bytes = (size_t)x->numel * nl_dtype_size(c->dtype) + 1;
  }
  return NL_OK;
}

nl_dtype nl_reduction_dtype(nl_dtype t) {
  return nl_dtype_is_float(t) ? t : NL_I64;
}

const void *nl_reduction_input(nl_call *c, const nl_reduction *g) {
  nl_tensor *x = c->rin[0];
  if (!c->workspace) {
    return nl_tensor_data(x);
  }
  int64_t dims[3][NL_MAX_DIM]; /* shape, strides of x, strides of the copy */
  for (int d = 0; d < x->ndim; d++) {
    int from = g->permute ? g->order[d] : d;
    dims[0][d] = x->shape[from];
    dims[1][d] = x->strides[from];
  }
  nl_shape_strides(x->ndim, dims[0], dims[2]);
  nl_tensor from = *x, to = *x;
  from.shape = to.shape = dims[0];
  from.strides = dims[1];
  from.contiguous = x->contiguous && !g->permute;
  to.strides = dims[2];
  to.storage = c->workspace->storage;
  to.offset = 0;
  to.dtype = (uint8_t)c->dtype;
  to.contiguous = true;
  nl_copy_values(&to, &from);
  return c->workspace->storage->data;
}

/* Found values stand at the end of the workspace. */
static size_t found_bytes(int64_t n) {
  return ((size_t)n + 1) * sizeof(int64_t); /* never 0, so that there is a workspace */
}

void nl_keep_dtype(nl_call *c) {
  nl_out_desc *d = &c->desc[0];
  d->dtype = nl_tensor_dtype(c->in[0]);
  if (d->dtype != c->dtype) {
    int64_t n = nl_shape_numel(d->ndim, d->shape);
    c->workspace_bytes = (c->workspace_bytes + 7) / 8 * 8 + found_bytes(n > 0 ? n : 0);
  }
}

void *nl_found(const nl_call *c) {
  const nl_tensor *out = c->out[0];
  return out->dtype == c->dtype ? nl_tensor_data(out)
                                : (char *)c->workspace->storage->data + c->workspace_bytes - found_bytes(out->numel);
}

void nl_narrow(nl_call *c) {
  nl_tensor *out = c->out[0];
  if (out->dtype != c->dtype) {
    nl_k->elementwise->cast[out->dtype][c->dtype](out->numel, nl_tensor_data(out), nl_found(c));
  }
}

/* ---- running ---- */

static void job_range(void *ctx, int64_t begin, int64_t end) {
  const job *j = ctx;
  if (j->var) {
    j->var(j->red, j->inner, begin, end, j->correction, j->x, j->out);
  } else {
    j->fn(j->red, j->inner, begin, end, j->x, j->out);
  }
}

void nl_size_reduction(job *j, const nl_reduction *g) {
  int64_t per = g->count > 0 ? g->count : 1;
  j->results = g->around.outer * g->around.inner;
  j->grain = 65536 / per;
  j->grain = g->around.inner > 1 && j->grain < 256 ? 256 : (j->grain < 1 ? 1 : j->grain);
  j->grain = nl_even_grain(j->results, j->grain, g->around.inner > 1 ? NL_POOL_LANES : 1);
  j->red = g->around.red;
  j->inner = g->around.inner;
}

void nl_run_sized_reduction(const job *j) {
  nl_parallel_for(j->results, j->grain, job_range, (void *)(uintptr_t)j);
}

void nl_run_reduction(job *j, const nl_reduction *g) {
  nl_size_reduction(j, g);
  nl_run_sized_reduction(j);
}

enum { PIECE = 1 << 16 };

/* One long reduction is cut into fixed pieces, whose results are then joined. Pieces of sums are a power of two of
   blocks, so the pairwise tree is the same as in one go. */
static int joining_kernel(int kernel) {
  return kernel == NL_RED_SUMSQ || kernel == NL_RED_SUMABS ? NL_RED_SUM
                                                           : (kernel == NL_RED_MAXABS ? NL_RED_MAX : kernel);
}

static bool run_long(const nl_call *c, int kernel, const void *x, int64_t n, void *out) {
  size_t size = nl_dtype_size(c->dtype);
  int64_t pieces = n / PIECE;
  char partial[8 * 1024];
  if (pieces < 4 || pieces >= (int64_t)(sizeof partial / size)) {
    return false;
  }
  job j = {.fn = nl_k->reduce->reduce[kernel][c->dtype], .red = PIECE, .inner = 1, .x = x, .out = partial};
  nl_parallel_for(pieces, 1, job_range, &j);
  int64_t rest = n - pieces * PIECE;
  if (rest > 0) {
    j.fn(rest, 1, 0, 1, (const char *)x + (size_t)(pieces * PIECE) * size, partial + (size_t)pieces * size);
    pieces++;
  }
  nl_k->reduce->reduce[joining_kernel(kernel)][c->dtype](pieces, 1, 0, 1, partial, out);
  return true;
}

nl_reduction nl_reduction_of(const nl_call *c, int dims) {
  bool mask[NL_MAX_DIM];
  nl_rule_dims(c, dims, c->in[0]->ndim, mask);
  return find_reduction(c->in[0], mask);
}

/* One result over all elements, which may be many. */
static bool is_total(int kernel, const nl_reduction *g) {
  return joins(kernel) && g->around.outer * g->around.inner == 1;
}

static bool run_staged(nl_call *c, int kernel, int dims, void *out) {
  bool mask[NL_MAX_DIM];
  stages s;
  const nl_tensor *x = c->rin[0];
  nl_rule_dims(c, dims, x->ndim, mask);
  if (!is_staged(c, kernel, x, mask, &s)) {
    return false;
  }
  void *partial = c->workspace->storage->data;
  job j = {.fn = nl_k->reduce->reduce[kernel][c->dtype], .x = nl_tensor_data(x), .out = partial};
  nl_run_reduction(&j, &(nl_reduction){.around = {s.rows, s.each, 1}, .count = s.each});
  j = (job){.fn = nl_k->reduce->reduce[joining_kernel(kernel)][c->dtype], .x = partial, .out = out};
  nl_run_reduction(&j, &(nl_reduction){.around = s.around, .count = s.around.red});
  return true;
}

void nl_reduce(nl_call *c, int kernel, int dims, void *out) {
  if (run_staged(c, kernel, dims, out)) {
    return;
  }
  nl_reduction g = nl_reduction_of(c, dims);
  const void *x = nl_reduction_input(c, &g);
  if (is_total(kernel, &g) && run_long(c, kernel, x, g.count, out)) {
    return;
  }
  job j = {.fn = nl_k->reduce->reduce[kernel][c->dtype], .x = x, .out = out};
  nl_run_reduction(&j, &g);
}

bool nl_reduction_is_one_job(const nl_call *c, int kernel, const nl_reduction *g) {
  return !c->workspace && !(is_total(kernel, g) && g->count >= 4 * PIECE);
}
