/* Softmax and its logarithm along any dim, and their gradients. */
#include "core/pool.h"
#include "kernels/kernels.h"
#include "optable/helpers.h"
#include "optable/iterate.h"
#include "optable/rules.h"

NL_ATTRS(softmax, dim)

typedef void (*rows_1)(int64_t rows, int64_t n, const void *x, void *out);
typedef void (*rows_2)(int64_t rows, int64_t n, const void *x, const void *y, void *out);
typedef void (*columns_1)(int64_t n, int64_t inner, int64_t begin, int64_t end, const void *x, void *out);
typedef void (*columns_2)(int64_t n, int64_t inner, int64_t begin, int64_t end, const void *x, const void *y,
                          void *out);

typedef struct softmax_job {
  rows_1 rows_1;
  rows_2 rows_2;
  columns_1 columns_1;
  columns_2 columns_2;
  int64_t n, inner;
  size_t size;
  const char *in[2];
  char *out;
} softmax_job;

static void row_range(void *ctx, int64_t begin, int64_t end) {
  const softmax_job *j = ctx;
  size_t at = (size_t)(begin * j->n) * j->size;
  if (j->rows_1) {
    j->rows_1(end - begin, j->n, j->in[0] + at, j->out + at);
  } else {
    j->rows_2(end - begin, j->n, j->in[0] + at, j->in[1] + at, j->out + at);
  }
}

/* Columns are cut into pieces of this many, whatever the number of threads. */
enum { PIECE = 512, FEW = 8 };

static void column_range(void *ctx, int64_t begin, int64_t end) {
  const softmax_job *j = ctx;
  int64_t pieces = (j->inner + PIECE - 1) / PIECE;
  for (int64_t i = begin; i < end; i++) {
    size_t at = (size_t)(i / pieces * j->n * j->inner) * j->size;
    int64_t from = i % pieces * PIECE, to = from + PIECE < j->inner ? from + PIECE : j->inner;
    if (j->columns_1) {
      j->columns_1(j->n, j->inner, from, to, j->in[0] + at, j->out + at);
    } else {
      j->columns_2(j->n, j->inner, from, to, j->in[0] + at, j->in[1] + at, j->out + at);
    }
  }
}

/* t with dim and the last dim exchanged, as a struct on the caller's stack */
static nl_tensor exchanged(const nl_tensor *t, int dim, int64_t geometry[2][NL_MAX_DIM]) {
  nl_tensor v = *t;
  int last = t->ndim - 1;
  for (int d = 0; d <= last; d++) {
    int from = d == dim ? last : (d == last ? dim : d);
    geometry[0][d] = t->shape[from];
    geometry[1][d] = t->strides[from];
  }
  v.shape = geometry[0];
  v.strides = geometry[1];
  v.contiguous = t->contiguous && dim == last;
  return v;
}

/* Lines of a few elements are no vectors: rows of them are made first. */
static bool wants_rows_made(const nl_around *a) {
  return a->inner > 1 && a->inner < FEW;
}

static nl_status infer_softmax(nl_call *c) {
  nl_status status = NL_OK;
  int dim;
  for (int i = 0; i < c->nin && status == NL_OK; i++) {
    status = nl_rule_want_float(c->in[i], "the input");
    if (status == NL_OK && (!nl_shape_equal(c->in[i], c->in[0]) || c->in[i]->dtype != c->in[0]->dtype)) {
      status =
          nl_fail("shapes %s and %s differ", nl_tensor_shape_string(c->in[0]).s, nl_tensor_shape_string(c->in[i]).s);
    }
  }
  status = status == NL_OK ? nl_rule_dim(c->attr[softmax_dim].i, c->in[0]->ndim, &dim) : status;
  if (status != NL_OK) {
    return status;
  }
  c->dtype = nl_tensor_dtype(c->in[0]);
  nl_rule_like(c, 0, c->in[0], c->dtype);
  nl_around a = nl_rule_around(c->in[0], dim);
  if (wants_rows_made(&a)) {
    c->workspace_bytes = (size_t)(c->nin + 1) * (size_t)c->in[0]->numel * nl_dtype_size(c->dtype) + 1;
  }
  return NL_OK;
}

/* By way of copies whose last dim is the one. */
static void run_exchanged(nl_call *c, int dim, softmax_job *job) {
  nl_tensor *x = c->rin[0], *out = c->out[0], packed = *x;
  int64_t geometry[2][NL_MAX_DIM], plain[NL_MAX_DIM];
  for (int i = 0; i <= c->nin; i++) {
    nl_tensor from = exchanged(i < c->nin ? c->rin[i] : out, dim, geometry);
    packed = from;
    packed.storage = c->workspace->storage;
    packed.offset = i * x->numel;
    nl_shape_strides(from.ndim, from.shape, plain);
    packed.strides = plain;
    packed.contiguous = true;
    if (i < c->nin) {
      nl_copy_values(&packed, &from);
      job->in[i] = nl_tensor_data(&packed);
    } else {
      job->out = nl_tensor_data(&packed);
    }
  }
  nl_parallel_for(job->n ? x->numel / job->n : 0, 1 + 8192 / (job->n ? job->n : 1), row_range, job);
  nl_tensor to = exchanged(out, dim, geometry);
  nl_copy_values(&to, &packed);
}

static void run_softmaxes(nl_call *c, softmax_job job) {
  nl_tensor *x = c->rin[0];
  int dim = 0;
  nl_rule_dim(c->attr[softmax_dim].i, x->ndim, &dim);
  nl_around a = nl_rule_around(x, dim);
  job.n = a.red;
  job.inner = a.inner;
  job.size = nl_dtype_size(c->dtype);
  for (int i = 0; i < c->nin; i++) {
    job.in[i] = nl_tensor_data(c->rin[i]);
  }
  job.out = nl_tensor_data(c->out[0]);
  if (x->numel == 0) {
    return;
  }
  if (wants_rows_made(&a)) {
    run_exchanged(c, dim, &job);
  } else if (a.inner == 1) {
    nl_parallel_for(a.outer, 1 + 8192 / job.n, row_range, &job);
  } else {
    int64_t piece = job.inner < PIECE ? job.inner : PIECE;
    nl_parallel_for(a.outer * ((a.inner + PIECE - 1) / PIECE), 1 + 8192 / (job.n * piece), column_range, &job);
  }
}

#define RUN(name, inputs)                                                                                              \
  static void run_##name(nl_call *c) {                                                                                 \
    run_softmaxes(c, (softmax_job){.rows_##inputs = nl_k->softmax->name[c->dtype],                                     \
                                   .columns_##inputs = nl_k->softmax_columns->name[c->dtype]});                        \
  }
RUN(softmax, 1)
RUN(log_softmax, 1)
RUN(softmax_backward, 2)
RUN(log_softmax_backward, 2)

static nl_tensor *backward_row(nl_build *b, const nl_op *op, nl_tensor *g, nl_tensor *y, int64_t dim) {
  return nl_b_do(b, op, "tti", g, y, dim);
}
static nl_status vjp_softmax(nl_call *c, nl_vjp *g) {
  g->gin[0] = backward_row(g->build, op_softmax_backward(), g->gout[0], c->out[0], c->attr[softmax_dim].i);
  return g->build->status;
}
static nl_status vjp_log_softmax(nl_call *c, nl_vjp *g) {
  g->gin[0] = backward_row(g->build, op_log_softmax_backward(), g->gout[0], c->out[0], c->attr[softmax_dim].i);
  return g->build->status;
}
static nl_tensor *sum_along(nl_build *b, nl_tensor *t, int64_t dim) {
  return nl_b_sum(b, t, 1, &dim, true);
}
/* f(g, y) = (g - sum(g y)) y. For an incoming h: df/dg^T h = f(h, y); df/dy^T h = h (g - sum(g y)) - g sum(h y) */
static nl_status vjp_softmax_backward(nl_call *c, nl_vjp *v) {
  nl_build *b = v->build;
  nl_tensor *g = c->in[0], *y = c->in[1], *h = v->gout[0];
  if (v->need[0]) {
    v->gin[0] = backward_row(b, op_softmax_backward(), h, y, c->attr[softmax_dim].i);
  }
  if (v->need[1]) {
    nl_tensor *gy = sum_along(b, nl_b2(b, op_mul(), g, y), c->attr[softmax_dim].i);
    nl_tensor *hy = sum_along(b, nl_b2(b, op_mul(), h, y), c->attr[softmax_dim].i);
    nl_tensor *left = nl_b2(b, op_mul(), h, nl_b2(b, op_sub(), g, gy));
    v->gin[1] = nl_b2(b, op_sub(), left, nl_b2(b, op_mul(), g, hy));
  }
  return b->status;
}
/* f(g, y) = g - exp(y) sum(g). df/dg^T h = h - sum(exp(y) h); df/dy^T h = -h exp(y) sum(g) */
static nl_status vjp_log_softmax_backward(nl_call *c, nl_vjp *v) {
  nl_build *b = v->build;
  nl_tensor *h = v->gout[0];
  nl_tensor *eh = nl_b2(b, op_mul(), nl_b1(b, op_exp(), c->in[1]), h);
  if (v->need[0]) {
    v->gin[0] = nl_b2(b, op_sub(), h, sum_along(b, eh, c->attr[softmax_dim].i));
  }
  if (v->need[1]) {
    nl_tensor *d = nl_b2(b, op_mul(), eh, sum_along(b, c->in[0], c->attr[softmax_dim].i));
    v->gin[1] = nl_b1(b, op_neg(), d);
  }
  return b->status;
}

static const nl_op ops[] = {
    {.name = "softmax",
     .args = "x: tensor, dim: dim = -1",
     .attrs = softmax_attrs,
     .returns = "tensor",
     .doc = "exp(x) / sum(exp(x)) along a dim, without overflow.",
     .example = "nn.softmax(nn.tensor {-1.0, 0.0, 2.0})",
     .infer = infer_softmax,
     .run = run_softmax,
     .vjp = vjp_softmax,
     .flags = NL_OP_CONTIGUOUS,
     .save = NL_SAVE_OUT(0)},
    {.name = "log_softmax",
     .args = "x: tensor, dim: dim = -1",
     .attrs = softmax_attrs,
     .returns = "tensor",
     .doc = "The logarithm of softmax, without overflow.",
     .example = "nn.log_softmax(nn.tensor {-1.0, 0.0, 2.0})",
     .infer = infer_softmax,
     .run = run_log_softmax,
     .vjp = vjp_log_softmax,
     .flags = NL_OP_CONTIGUOUS,
     .save = NL_SAVE_OUT(0)},
    {.name = "softmax_backward",
     .args = "g: tensor, y: tensor, dim: dim = -1",
     .attrs = softmax_attrs,
     .returns = "tensor",
     .doc = "(g - sum(g y)) y.",
     .infer = infer_softmax,
     .run = run_softmax_backward,
     .vjp = vjp_softmax_backward,
     .flags = NL_OP_CONTIGUOUS | NL_OP_INTERNAL,
     .save = NL_SAVE_ALL_IN},
    {.name = "log_softmax_backward",
     .args = "g: tensor, y: tensor, dim: dim = -1",
     .attrs = softmax_attrs,
     .returns = "tensor",
     .doc = "g - exp(y) sum(g).",
     .infer = infer_softmax,
     .run = run_log_softmax_backward,
     .vjp = vjp_log_softmax_backward,
     .flags = NL_OP_CONTIGUOUS | NL_OP_INTERNAL,
     .save = NL_SAVE_ALL_IN},
};

NL_FAMILY(softmax, ops);
