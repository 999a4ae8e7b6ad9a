/* Matrix products as ops. All arithmetic goes through kernels/gemm.h. */
#include <string.h>

#include "kernels/gemm.h"
#include "kernels/kernels.h"
#include "optable/helpers.h"
#include "optable/iterate.h"
#include "optable/promote.h"
#include "optable/rules.h"

NL_ATTRS(addmm, beta, alpha)

/* ---- laying out ---- */

/* A matrix of a batch, as gemm wants it. */
typedef struct matrix {
  char *p;
  int64_t rows, cols, row_stride, col_stride;
} matrix;

/* The matrices of a tensor with at least two dims; a 1-dim one counts as one row (or one column). */
typedef struct matrices {
  matrix first;
  int nbatch;
  int64_t batch[NL_MAX_DIM], batch_strides[NL_MAX_DIM];
} matrices;

static matrices find_matrices(const nl_tensor *t, bool vector_is_column) {
  matrices m; /* not zeroed: its lists of batch dims are long, and mostly empty */
  m.first.p = nl_tensor_data(t);
  m.nbatch = 0;
  if (t->ndim == 1) {
    int64_t n = t->shape[0], s = t->strides[0];
    m.first.rows = vector_is_column ? n : 1;
    m.first.cols = vector_is_column ? 1 : n;
    m.first.row_stride = vector_is_column ? s : n * s;
    m.first.col_stride = vector_is_column ? 1 : s;
    return m;
  }
  m.nbatch = t->ndim - 2;
  m.first.rows = t->shape[m.nbatch];
  m.first.cols = t->shape[m.nbatch + 1];
  m.first.row_stride = t->strides[m.nbatch];
  m.first.col_stride = t->strides[m.nbatch + 1];
  memcpy(m.batch, t->shape, (size_t)m.nbatch * sizeof *m.batch);
  memcpy(m.batch_strides, t->strides, (size_t)m.nbatch * sizeof *m.batch_strides);
  return m;
}

static bool taken_as_is(const nl_tensor *t) {
  int64_t rows = t->ndim > 1 ? t->shape[t->ndim - 2] : 1, cols = t->shape[t->ndim - 1];
  int64_t row_stride = t->ndim > 1 ? t->strides[t->ndim - 2] : cols;
  return nl_gemm_takes(rows, cols, row_stride, t->strides[t->ndim - 1]);
}

static size_t copy_bytes(const nl_tensor *t) {
  return taken_as_is(t) ? 0 : ((size_t)t->numel * nl_dtype_size(nl_tensor_dtype(t)) + 63) / 64 * 64;
}

/* t, or its copy at `workspace + *used`. `copy` provides the struct. */
static nl_tensor *usable(nl_call *c, nl_tensor *t, size_t *used, nl_tensor *copy, int64_t *strides) {
  size_t bytes = copy_bytes(t);
  if (bytes == 0) {
    return t;
  }
  *copy = *t;
  copy->storage = c->workspace->storage;
  copy->offset = (int64_t)(*used / nl_dtype_size(nl_tensor_dtype(t)));
  nl_shape_strides(t->ndim, t->shape, strides);
  copy->strides = strides;
  copy->contiguous = true;
  *used += bytes;
  nl_copy_values(copy, t);
  return copy;
}

static nl_status want_same_dtype(const nl_call *c, const char *a, const char *b) {
  nl_tensor *x = c->in[0], *y = c->in[1];
  if (x->dtype != y->dtype) {
    return nl_fail("%s is %s and %s is %s; convert one of them, e.g. x:to(\"%s\")", a,
                   nl_dtype_name(nl_tensor_dtype(x)), b, nl_dtype_name(nl_tensor_dtype(y)),
                   nl_dtype_name(nl_dtype_is_float(nl_tensor_dtype(y)) ? nl_tensor_dtype(y) : nl_tensor_dtype(x)));
  }
  if (!nl_dtype_is_float(nl_tensor_dtype(x)) && x->dtype != NL_I64) {
    return nl_fail("is not defined for %s tensors; convert first, e.g. x:to(\"float32\")",
                   nl_dtype_name(nl_tensor_dtype(x)));
  }
  return NL_OK;
}

/* ---- matmul ---- */

static nl_status infer_matmul(nl_call *c) {
  nl_tensor *a = c->in[0], *b = c->in[1];
  if (a->ndim == 0 || b->ndim == 0) {
    return nl_fail("takes vectors and matrices, but got shapes %s and %s; use x * y for numbers",
                   nl_tensor_shape_string(a).s, nl_tensor_shape_string(b).s);
  }
  nl_status status = want_same_dtype(c, "the first matrix", "the second");
  if (status != NL_OK) {
    return status;
  }
  int64_t k = a->shape[a->ndim - 1], kb = b->shape[b->ndim > 1 ? b->ndim - 2 : 0];
  if (k != kb) {
    return nl_fail("shapes %s and %s do not multiply: the first has %lld columns, the second %lld rows%s",
                   nl_tensor_shape_string(a).s, nl_tensor_shape_string(b).s, (long long)k, (long long)kb,
                   b->ndim == 2 && b->shape[1] == k ? "; did you mean y:t()?" : "");
  }
  int64_t shape[NL_MAX_DIM + 2];
  int n = 0;
  int na = a->ndim > 2 ? a->ndim - 2 : 0, nb = b->ndim > 2 ? b->ndim - 2 : 0;
  status = nl_broadcast_shapes(na, a->shape, nb, b->shape, &n, shape);
  if (status != NL_OK) {
    nl_error_prefix("batch dims of %s and %s", nl_tensor_shape_string(a).s, nl_tensor_shape_string(b).s);
    return status;
  }
  if (a->ndim > 1) {
    shape[n++] = a->shape[a->ndim - 2];
  }
  if (b->ndim > 1) {
    shape[n++] = b->shape[b->ndim - 1];
  }
  c->dtype = nl_tensor_dtype(a);
  c->workspace_bytes = copy_bytes(a) + copy_bytes(b);
  nl_rule_shape(c, 0, n, shape, c->dtype);
  return NL_OK;
}

static nl_gemm_args product(nl_dtype dtype, const matrix *a, const matrix *b, void *c, bool accumulate) {
  return (nl_gemm_args){.dtype = dtype,
                        .m = a->rows,
                        .n = b->cols,
                        .k = a->cols,
                        .a = a->p,
                        .a_row = a->row_stride,
                        .a_col = a->col_stride,
                        .b = b->p,
                        .b_row = b->row_stride,
                        .b_col = b->col_stride,
                        .c = c,
                        .c_row = b->cols,
                        .accumulate = accumulate};
}

static void multiply_batches(nl_dtype dtype, const matrix *a, const matrix *b, void *c, bool accumulate) {
  nl_gemm_args args = product(dtype, a, b, c, accumulate);
  nl_gemm(&args);
}

static double product_flops(const nl_call *c) {
  const nl_tensor *x = c->in[0];
  return 2.0 * (double)c->out[0]->numel * (double)x->shape[x->ndim - 1];
}

static double addmm_flops(const nl_call *c) {
  return 2.0 * (double)c->out[0]->numel * (double)c->in[1]->shape[1];
}

static void release_product(void *prepared) {
  nl_gemm_release(prepared);
}

/* Two matrices that need no copy: one product, which can be prepared. */
static bool prepare_matmul(const nl_call *c, void *prepared) {
  const nl_tensor *x = c->rin[0], *y = c->rin[1];
  if (c->workspace || x->ndim != 2 || y->ndim != 2) {
    return false;
  }
  matrix a = {NULL, x->shape[0], x->shape[1], x->strides[0], x->strides[1]};
  matrix b = {NULL, y->shape[0], y->shape[1], y->strides[0], y->strides[1]};
  nl_gemm_args args = product(c->dtype, &a, &b, NULL, false);
  return nl_gemm_prepare(prepared, &args);
}

static void run_matmul(nl_call *c) {
  if (c->prepared) {
    nl_gemm_run(c->prepared, nl_tensor_data(c->rin[0]), nl_tensor_data(c->rin[1]), NULL, nl_tensor_data(c->out[0]));
    return;
  }
  nl_tensor copies[2];
  int64_t strides[2][NL_MAX_DIM];
  size_t used = 0, size = nl_dtype_size(c->dtype);
  nl_tensor *ta = usable(c, c->rin[0], &used, &copies[0], strides[0]);
  nl_tensor *tb = usable(c, c->rin[1], &used, &copies[1], strides[1]);
  matrices a = find_matrices(ta, false), b = find_matrices(tb, true);
  nl_tensor *out = c->out[0];
  char *to = nl_tensor_data(out);
  if (out->numel == 0) {
    return;
  }
  if (ta->ndim > 2 && tb->ndim <= 2 && ta->contiguous) { /* one tall product */
    a.first.rows = ta->numel / (a.first.cols ? a.first.cols : 1);
    a.first.rows = a.first.cols ? a.first.rows : out->numel / b.first.cols;
    multiply_batches(c->dtype, &a.first, &b.first, to, false);
    return;
  }
  int nbatch = a.nbatch > b.nbatch ? a.nbatch : b.nbatch;
  int64_t each = a.first.rows * b.first.cols, count = out->numel / each;
  for (int64_t i = 0; i < count; i++) {
    int64_t rest = i;
    matrix x = a.first, y = b.first;
    for (int d = 1; d <= nbatch; d++) { /* batch dims meet from the right */
      int da = a.nbatch - d, db = b.nbatch - d;
      int64_t na = da >= 0 ? a.batch[da] : 1, nb = db >= 0 ? b.batch[db] : 1, n = na == 1 ? nb : na;
      int64_t k = rest % n;
      rest /= n;
      x.p += na == 1 ? 0 : k * a.batch_strides[da] * (int64_t)size;
      y.p += nb == 1 ? 0 : k * b.batch_strides[db] * (int64_t)size;
    }
    multiply_batches(c->dtype, &x, &y, to + i * each * (int64_t)size, false);
  }
}

/* t with a dim of one element at `at` (from the end), if it was a vector */
static nl_tensor *as_matrix(nl_build *b, nl_tensor *t, bool column) {
  if (t->ndim != 1) {
    return t;
  }
  return nl_b_reshape(b, t, 2, (int64_t[]){column ? t->shape[0] : 1, column ? 1 : t->shape[0]});
}

/* The rows that x, and the columns that y, contributes: a vector stands for one. */
static int64_t rows_of(const nl_tensor *x) {
  return x->ndim > 1 ? x->shape[x->ndim - 2] : 1;
}
static int64_t columns_of(const nl_tensor *y) {
  return y->ndim > 1 ? y->shape[y->ndim - 1] : 1;
}

/* d, a batch of matrices, summed to the shape of t, whose values are not looked at. */
static nl_tensor *summed_like(nl_build *b, nl_tensor *d, const nl_tensor *t, bool column) {
  if (t->ndim != 1) {
    return nl_b_like(b, d, t);
  }
  nl_tensor wide = *t; /* of the vector's numbers */
  int64_t shape[2] = {column ? t->shape[0] : 1, column ? 1 : t->shape[0]};
  wide.ndim = 2;
  wide.shape = shape;
  d = nl_b_like(b, d, &wide);
  return nl_b_reshape(b, d, 1, t->shape);
}

/* dx = g y^T, dy = x^T g */
static nl_status vjp_matmul(nl_call *c, nl_vjp *g) {
  nl_build *b = g->build;
  nl_tensor *x = c->in[0], *y = c->in[1], *up = g->gout[0];
  if (x->ndim == 1 || y->ndim == 1) { /* give the gradient the dims the vectors lack */
    int64_t shape[NL_MAX_DIM + 2];
    int lead = up->ndim - (x->ndim > 1) - (y->ndim > 1);
    memcpy(shape, up->shape, (size_t)lead * sizeof *shape);
    shape[lead] = rows_of(x);
    shape[lead + 1] = columns_of(y);
    up = nl_b_reshape(b, up, lead + 2, shape);
  }
  if (g->need[0]) {
    nl_tensor *back = nl_b_transpose(b, as_matrix(b, y, true), -1, -2);
    g->gin[0] = summed_like(b, nl_b2(b, op_matmul(), up, back), x, false);
  }
  if (g->need[1]) {
    nl_tensor *back = nl_b_transpose(b, as_matrix(b, x, false), -1, -2);
    g->gin[1] = summed_like(b, nl_b2(b, op_matmul(), back, up), y, true);
  }
  return b->status;
}

/* ---- linear ---- */

/* y = x W^T + bias; x: [..., in], W: [out, in], bias: [out] */
static nl_status infer_linear(nl_call *c) {
  nl_tensor *x = c->in[0], *w = c->in[1], *bias = c->in[2];
  nl_status status = want_same_dtype(c, "the input", "the weight");
  if (status != NL_OK) {
    return status;
  }
  if (w->ndim != 2 || x->ndim == 0 || x->shape[x->ndim - 1] != w->shape[1]) {
    return nl_fail("the input's last dim must equal the weight's second: input %s, weight %s",
                   nl_tensor_shape_string(x).s, nl_tensor_shape_string(w).s);
  }
  if (bias && (bias->ndim != 1 || bias->shape[0] != w->shape[0] || bias->dtype != w->dtype)) {
    return nl_fail("the bias (%s, shape %s) must be %s of shape %lld", nl_dtype_name(nl_tensor_dtype(bias)),
                   nl_tensor_shape_string(bias).s, nl_dtype_name(nl_tensor_dtype(w)), (long long)w->shape[0]);
  }
  c->dtype = nl_tensor_dtype(x);
  bool rows = x->contiguous || (x->ndim <= 2 && taken_as_is(x));
  c->workspace_bytes = copy_bytes(w) + (rows ? 0 : ((size_t)x->numel * nl_dtype_size(c->dtype) + 63) / 64 * 64);
  int64_t shape[NL_MAX_DIM];
  memcpy(shape, x->shape, (size_t)x->ndim * sizeof *shape);
  shape[x->ndim - 1] = w->shape[0];
  nl_rule_shape(c, 0, x->ndim, shape, c->dtype);
  return NL_OK;
}

static bool lies_flat(const nl_tensor *bias) {
  return bias->numel <= 1 || bias->strides[0] == 1;
}

static bool prepare_linear(const nl_call *c, void *prepared) {
  const nl_tensor *x = c->rin[0], *w = c->rin[1];
  if (c->workspace || x->ndim != 2 || (c->rin[2] && !lies_flat(c->rin[2]))) {
    return false;
  }
  matrix a = {NULL, x->shape[0], x->shape[1], x->strides[0], x->strides[1]};
  matrix b = {NULL, w->shape[1], w->shape[0], w->strides[1], w->strides[0]};
  nl_gemm_args args = product(c->dtype, &a, &b, NULL, c->rin[2] != NULL);
  return nl_gemm_prepare(prepared, &args);
}

static void run_linear(nl_call *c) {
  nl_tensor *x = c->rin[0], *bias = c->rin[2], *out = c->out[0], copies[2];
  if (c->prepared) {
    nl_gemm_run(c->prepared, nl_tensor_data(x), nl_tensor_data(c->rin[1]), bias ? nl_tensor_data(bias) : NULL,
                nl_tensor_data(out));
    return;
  }
  int64_t strides[2][NL_MAX_DIM];
  size_t used = 0;
  if (!(x->contiguous || (x->ndim <= 2 && taken_as_is(x)))) {
    copies[0] = *x;
    copies[0].storage = c->workspace->storage;
    copies[0].offset = 0;
    nl_shape_strides(x->ndim, x->shape, strides[0]);
    copies[0].strides = strides[0];
    copies[0].contiguous = true;
    used = ((size_t)x->numel * nl_dtype_size(c->dtype) + 63) / 64 * 64;
    nl_copy_values(&copies[0], x);
    x = &copies[0];
  }
  nl_tensor *w = usable(c, c->rin[1], &used, &copies[1], strides[1]);
  int64_t k = w->shape[1], n = w->shape[0], m = n ? out->numel / n : 0;
  bool flat = bias && lies_flat(bias);
  if (bias && !flat) {
    nl_tensor wide = *bias;
    nl_copy_values(out, &wide);
  }
  matrix a = {nl_tensor_data(x), m, k, x->contiguous ? k : x->strides[0], x->contiguous ? 1 : x->strides[x->ndim - 1]};
  if (x->ndim == 1) {
    a.row_stride = k;
    a.col_stride = x->strides[0];
  }
  matrix b = {nl_tensor_data(w), k, n, w->strides[1], w->strides[0]};
  nl_gemm_args args = product(c->dtype, &a, &b, nl_tensor_data(out), bias != NULL);
  args.bias = flat ? nl_tensor_data(bias) : NULL;
  nl_gemm(&args);
}

/* dx = g W, dW = g^T x, db = sum of g's rows */
static nl_status vjp_linear_layer(nl_call *c, nl_vjp *g) {
  nl_build *b = g->build;
  nl_tensor *x = c->in[0], *w = c->in[1], *up = g->gout[0];
  int64_t rows = w->shape[0] ? up->numel / w->shape[0] : 0;
  nl_tensor *x2 = x, *up2 = up;
  if (x->ndim != 2) {
    up2 = nl_b_reshape(b, up, 2, (int64_t[]){rows, w->shape[0]});
    x2 = g->need[1] ? nl_b_reshape(b, x, 2, (int64_t[]){rows, w->shape[1]}) : x;
  }
  if (g->need[0]) {
    nl_tensor *d = nl_b2(b, op_matmul(), up2, w);
    g->gin[0] = x->ndim != 2 ? nl_b_reshape(b, d, x->ndim, x->shape) : d;
  }
  if (g->need[1]) {
    g->gin[1] = nl_b2(b, op_matmul(), nl_b_transpose(b, up2, 1, 2), x2);
  }
  if (c->nin > 2 && c->in[2] && g->need[2]) {
    g->gin[2] = nl_b_sum(b, up2, 1, (int64_t[]){1}, false);
  }
  return b->status;
}

/* ---- addmm, outer ---- */

static nl_status infer_addmm(nl_call *c) {
  nl_tensor *input = c->in[0], *a = c->in[1], *b = c->in[2];
  if (a->ndim != 2 || b->ndim != 2 || a->shape[1] != b->shape[0]) {
    return nl_fail("needs two matrices that multiply, but got shapes %s and %s", nl_tensor_shape_string(a).s,
                   nl_tensor_shape_string(b).s);
  }
  if (a->dtype != b->dtype || input->dtype != a->dtype || !nl_dtype_is_float(nl_tensor_dtype(a))) {
    return nl_fail("needs three float tensors of one dtype, but got %s, %s and %s",
                   nl_dtype_name(nl_tensor_dtype(input)), nl_dtype_name(nl_tensor_dtype(a)),
                   nl_dtype_name(nl_tensor_dtype(b)));
  }
  int64_t shape[2] = {a->shape[0], b->shape[1]}, wide[NL_MAX_DIM];
  int n;
  nl_status status = nl_broadcast_shapes(input->ndim, input->shape, 2, shape, &n, wide);
  if (status != NL_OK || n != 2 || wide[0] != shape[0] || wide[1] != shape[1]) {
    return nl_fail("the input of shape %s does not broadcast to the product's %s", nl_tensor_shape_string(input).s,
                   nl_shape_string(2, shape).s);
  }
  c->dtype = nl_tensor_dtype(a);
  c->workspace_bytes = copy_bytes(a) + copy_bytes(b);
  if (c->attr[addmm_alpha].number != 1 && c->attr[addmm_beta].number != 0) {
    c->workspace_bytes += (size_t)(shape[0] * shape[1]) * nl_dtype_size(nl_tensor_dtype(a));
  }
  nl_rule_shape(c, 0, 2, shape, c->dtype);
  return NL_OK;
}
static void scale_all(nl_tensor *t, double factor) {
  if (factor != 1) {
    float f32 = (float)factor;
    nl_k->elementwise->binary[NL_BIN_MUL][t->dtype](t->numel, nl_tensor_data(t), nl_tensor_data(t), 1,
                                                    t->dtype == NL_F32 ? (void *)&f32 : (void *)&factor, 0);
  }
}
/* out = alpha * out + beta * input; with beta = 0 what input holds, even nan, does not count. */
static void blend(nl_call *c, double beta, double alpha, size_t used) {
  nl_tensor *out = c->out[0], wide = *out;
  scale_all(out, alpha);
  if (beta == 0) {
    return;
  }
  wide.storage = c->workspace->storage;
  wide.offset = (int64_t)(used / nl_dtype_size(c->dtype));
  nl_copy_values(&wide, c->rin[0]);
  scale_all(&wide, beta);
  nl_k->elementwise->binary[NL_BIN_ADD][c->dtype](out->numel, nl_tensor_data(out), nl_tensor_data(out), 1,
                                                  nl_tensor_data(&wide), 1);
}
/* beta * input + alpha * a b: where alpha is 1, the product is added to what stands there. */
static void run_addmm(nl_call *c) {
  double beta = c->attr[addmm_beta].number, alpha = c->attr[addmm_alpha].number;
  nl_tensor copies[2], *out = c->out[0];
  int64_t strides[2][NL_MAX_DIM];
  size_t used = 0;
  bool within = alpha == 1 && beta != 0;
  if (within) {
    nl_copy_values(out, c->rin[0]);
    scale_all(out, beta);
  }
  matrices a = find_matrices(usable(c, c->rin[1], &used, &copies[0], strides[0]), false);
  matrices b = find_matrices(usable(c, c->rin[2], &used, &copies[1], strides[1]), true);
  multiply_batches(c->dtype, &a.first, &b.first, nl_tensor_data(out), within);
  if (!within) {
    blend(c, beta, alpha, used);
  }
}
static nl_status vjp_addmm(nl_call *c, nl_vjp *g) {
  nl_build *b = g->build;
  double beta = c->attr[addmm_beta].number, alpha = c->attr[addmm_alpha].number;
  if (g->need[0]) {
    g->gin[0] = nl_b_scale(b, g->gout[0], beta);
  }
  if (g->need[1]) {
    nl_tensor *d = nl_b2(b, op_matmul(), g->gout[0], nl_b_transpose(b, c->in[2], 1, 2));
    g->gin[1] = nl_b_scale(b, d, alpha);
  }
  if (g->need[2]) {
    nl_tensor *d = nl_b2(b, op_matmul(), nl_b_transpose(b, c->in[1], 1, 2), g->gout[0]);
    g->gin[2] = nl_b_scale(b, d, alpha);
  }
  return b->status;
}

static nl_status infer_outer(nl_call *c) {
  nl_tensor *a = c->in[0], *b = c->in[1];
  if (a->ndim != 1 || b->ndim != 1) {
    return nl_fail("needs two vectors, but got shapes %s and %s", nl_tensor_shape_string(a).s,
                   nl_tensor_shape_string(b).s);
  }
  c->dtype = nl_promote(2, c->in);
  if (!nl_k->elementwise->binary[NL_BIN_MUL][c->dtype]) {
    return nl_fail("is not defined for %s tensors", nl_dtype_name(c->dtype));
  }
  nl_rule_shape(c, 0, 2, (int64_t[]){a->shape[0], b->shape[0]}, c->dtype);
  return NL_OK;
}
static void run_outer(nl_call *c) {
  nl_tensor *a = c->rin[0], *b = c->rin[1], *out = c->out[0];
  size_t size = nl_dtype_size(c->dtype);
  for (int64_t i = 0; i < a->numel; i++) {
    nl_k->elementwise->binary[NL_BIN_MUL][c->dtype](
        b->numel, (char *)nl_tensor_data(out) + (size_t)(i * b->numel) * size,
        (char *)nl_tensor_data(a) + (size_t)i * size, 0, nl_tensor_data(b), 1);
  }
}
static nl_status vjp_outer(nl_call *c, nl_vjp *g) {
  nl_build *b = g->build;
  if (g->need[0]) {
    nl_tensor *d = nl_b2(b, op_mul(), g->gout[0], c->in[1]);
    g->gin[0] = nl_b_sum(b, d, 1, (int64_t[]){2}, false);
  }
  if (g->need[1]) {
    nl_tensor *column = nl_b_reshape(b, c->in[0], 2, (int64_t[]){c->in[0]->numel, 1});
    nl_tensor *d = nl_b2(b, op_mul(), g->gout[0], column);
    g->gin[1] = nl_b_sum(b, d, 1, (int64_t[]){1}, false);
  }
  return b->status;
}

static const nl_op ops[] = {
    {.name = "matmul",
     .args = "x: tensor, y: tensor",
     .returns = "tensor",
     .doc = "The matrix product of vectors, matrices, or batches of matrices (leading dims broadcast).",
     .example = "nn.matmul(nn.tensor {{1.0, 2.0, 3.0}, {4.0, 5.0, 6.0}}, nn.tensor {1.0, 0.0, -1.0})",
     .infer = infer_matmul,
     .run = run_matmul,
     .flops = product_flops,
     .prepared_bytes = sizeof(nl_gemm_plan),
     .release = release_product,
     .prepare = prepare_matmul,
     .vjp = vjp_matmul,
     .save = NL_SAVE_ALL_IN,
     .saved_for = {1 << 1, 1 << 0}},
    {.name = "linear",
     .args = "x: tensor, weight: tensor, bias: tensor?",
     .returns = "tensor",
     .doc = "x weight^T + bias over the last dim; weight has shape out x in.",
     .example = "nn.linear(nn.ones(1, 2), nn.tensor {{1.0, 2.0}, {3.0, 4.0}}, nn.tensor {10.0, 20.0})",
     .infer = infer_linear,
     .run = run_linear,
     .flops = product_flops,
     .prepared_bytes = sizeof(nl_gemm_plan),
     .release = release_product,
     .prepare = prepare_linear,
     .vjp = vjp_linear_layer,
     .save = NL_SAVE_IN(0) | NL_SAVE_IN(1),
     .saved_for = {1 << 1, 1 << 0}},
    {.name = "addmm",
     .args = "input: tensor, x: tensor, y: tensor, beta: number = 1, alpha: number = 1",
     .attrs = addmm_attrs,
     .returns = "tensor",
     .doc = "beta * input + alpha * (x y), for matrices x and y.",
     .example = "nn.addmm(nn.ones(2), nn.eye(2), nn.eye(2))",
     .infer = infer_addmm,
     .run = run_addmm,
     .flops = addmm_flops,
     .vjp = vjp_addmm,
     .flags = NL_OP_BROADCAST | NL_OP_INPLACE,
     .save = NL_SAVE_IN(1) | NL_SAVE_IN(2)},
    {.name = "outer",
     .args = "x: tensor, y: tensor",
     .returns = "tensor",
     .doc = "The matrix of all products of elements of two vectors.",
     .example = "nn.outer(nn.tensor {1.0, 2.0}, nn.tensor {1.0, 10.0})",
     .infer = infer_outer,
     .run = run_outer,
     .vjp = vjp_outer,
     .flags = NL_OP_PROMOTE | NL_OP_CONTIGUOUS,
     .save = NL_SAVE_ALL_IN},
};

NL_FAMILY(matmul, ops);
