/* Rows that factorize matrices, by LAPACK in float64 whatever the dtype. Leading dims are a batch. A matrix without
   the factorization (singular, not positive definite) gives nan, as 0/0 does. */
#include <limits.h>
#include <math.h>

#include "core/interrupt.h"
#include "kernels/lapack.h"
#include "ops/build.h"
#include "ops/rules.h"

NL_USE(solve)
NL_USE(matmul)
NL_USE(neg)

typedef struct matrices {
  int64_t batch;
  int m, n, k; /* k: the smaller of both */
} matrices;

static matrices look_at(const nl_tensor *x) {
  int64_t m = x->shape[x->ndim - 2], n = x->shape[x->ndim - 1];
  int64_t batch = 1;
  for (int d = 0; d < x->ndim - 2; d++) {
    batch *= x->shape[d];
  }
  return (matrices){batch, (int)m, (int)n, (int)(m < n ? m : n)};
}

static nl_status check_matrix(const nl_tensor *x, bool square) {
  nl_status status = nl_rule_want_float(x, "the matrix");
  if (status != NL_OK) {
    return status;
  }
  if (x->ndim < 2) {
    return nl_fail("needs a matrix (or a batch of them), but got shape %s", nl_tensor_shape_string(x).s);
  }
  int64_t m = x->shape[x->ndim - 2], n = x->shape[x->ndim - 1];
  if (square && m != n) {
    return nl_fail("needs a square matrix, but got shape %s", nl_tensor_shape_string(x).s);
  }
  if (m > INT_MAX / 256 || n > INT_MAX / 256) {
    return nl_fail("a matrix of shape %s is too large", nl_tensor_shape_string(x).s);
  }
  return NL_OK;
}

/* Result i: the batch of x, then rows x cols (cols < 0: a vector of rows). */
static void result(nl_call *c, int i, int64_t rows, int64_t cols) {
  const nl_tensor *x = c->in[0];
  int64_t shape[NL_MAX_DIM];
  int n = x->ndim - 2;
  for (int d = 0; d < n; d++) {
    shape[d] = x->shape[d];
  }
  shape[n++] = rows;
  if (cols >= 0) {
    shape[n++] = cols;
  }
  nl_rule_shape(c, i, n, shape, nl_tensor_dtype(x));
}

/* Scratch: the matrix, up to three results, and work. */
static void ask_scratch(nl_call *c, size_t results) {
  matrices a = look_at(c->in[0]);
  c->dtype = nl_tensor_dtype(c->in[0]);
  c->scratch_bytes = sizeof(double) * ((size_t)a.m * (size_t)a.n + results + nl_lapack_work(a.m, a.n) + 1);
}

/* Row-major rows x cols number `at` of t to column-major doubles, and back. */
static void read_in(const nl_tensor *t, int64_t at, int rows, int cols, double *to) {
  int64_t first = at * rows * cols;
  const void *data = nl_tensor_data(t);
  for (int i = 0; i < rows; i++) {
    for (int j = 0; j < cols; j++) {
      int64_t from = first + (int64_t)i * cols + j;
      to[(size_t)j * rows + i] =
          t->dtype == NL_F32 ? (double)((const float *)data)[from] : ((const double *)data)[from];
    }
  }
}
static void write_out(nl_tensor *t, int64_t at, int rows, int cols, const double *from, bool failed) {
  int64_t first = at * rows * cols;
  void *data = nl_tensor_data(t);
  for (int i = 0; i < rows; i++) {
    for (int j = 0; j < cols; j++) {
      double v = failed ? NAN : from[(size_t)j * rows + i];
      int64_t to = first + (int64_t)i * cols + j;
      if (t->dtype == NL_F32) {
        ((float *)data)[to] = (float)v;
      } else {
        ((double *)data)[to] = v;
      }
    }
  }
}

static nl_status infer_qr(nl_call *c) {
  nl_status status = check_matrix(c->in[0], false);
  if (status == NL_OK) {
    matrices a = look_at(c->in[0]);
    result(c, 0, a.m, a.k);
    result(c, 1, a.k, a.n);
    ask_scratch(c, (size_t)a.k * (size_t)a.n);
  }
  return status;
}
static void run_qr(nl_call *c) {
  matrices a = look_at(c->rin[0]);
  double *x = c->scratch->storage->data, *r = x + (size_t)a.m * (size_t)a.n, *work = r + (size_t)a.k * (size_t)a.n;
  for (int64_t i = 0; i < a.batch && !nl_interrupt_pending(); i++) {
    read_in(c->rin[0], i, a.m, a.n, x);
    bool failed = nl_lapack_qr(a.m, a.n, x, r, work) != 0;
    write_out(c->out[0], i, a.m, a.k, x, failed);
    write_out(c->out[1], i, a.k, a.n, r, failed);
  }
}

static nl_status infer_svd(nl_call *c) {
  nl_status status = check_matrix(c->in[0], false);
  if (status == NL_OK) {
    matrices a = look_at(c->in[0]);
    result(c, 0, a.m, a.k);
    result(c, 1, a.k, -1);
    result(c, 2, a.k, a.n);
    ask_scratch(c, (size_t)a.k * ((size_t)a.m + (size_t)a.n + 1));
  }
  return status;
}
static void run_svd(nl_call *c) {
  matrices a = look_at(c->rin[0]);
  double *x = c->scratch->storage->data, *u = x + (size_t)a.m * (size_t)a.n, *s = u + (size_t)a.m * (size_t)a.k;
  double *vt = s + a.k, *work = vt + (size_t)a.k * (size_t)a.n;
  for (int64_t i = 0; i < a.batch && !nl_interrupt_pending(); i++) {
    read_in(c->rin[0], i, a.m, a.n, x);
    bool failed = false;
    for (size_t j = 0; j < (size_t)a.m * (size_t)a.n; j++) {
      failed = failed || !isfinite(x[j]);
    }
    failed = failed || nl_lapack_svd(a.m, a.n, x, u, s, vt, work) != 0;
    write_out(c->out[0], i, a.m, a.k, u, failed);
    write_out(c->out[1], i, a.k, 1, s, failed);
    write_out(c->out[2], i, a.k, a.n, vt, failed);
  }
}

static nl_status infer_eigh(nl_call *c) {
  nl_status status = check_matrix(c->in[0], true);
  if (status == NL_OK) {
    matrices a = look_at(c->in[0]);
    result(c, 0, a.n, -1);
    result(c, 1, a.n, a.n);
    ask_scratch(c, (size_t)a.n);
  }
  return status;
}
static void run_eigh(nl_call *c) {
  matrices a = look_at(c->rin[0]);
  double *x = c->scratch->storage->data, *values = x + (size_t)a.n * (size_t)a.n, *work = values + a.n;
  for (int64_t i = 0; i < a.batch && !nl_interrupt_pending(); i++) {
    read_in(c->rin[0], i, a.n, a.n, x);
    bool failed = false;
    for (size_t j = 0; j < (size_t)a.n * (size_t)a.n; j++) {
      failed = failed || !isfinite(x[j]);
    }
    failed = failed || nl_lapack_eigh(a.n, x, values, work) != 0;
    write_out(c->out[0], i, a.n, 1, values, failed);
    write_out(c->out[1], i, a.n, a.n, x, failed);
  }
}

static nl_status infer_cholesky(nl_call *c) {
  nl_status status = check_matrix(c->in[0], true);
  if (status == NL_OK) {
    result(c, 0, look_at(c->in[0]).n, look_at(c->in[0]).n);
    ask_scratch(c, 0);
  }
  return status;
}
static void run_cholesky(nl_call *c) {
  matrices a = look_at(c->rin[0]);
  double *x = c->scratch->storage->data;
  for (int64_t i = 0; i < a.batch && !nl_interrupt_pending(); i++) {
    read_in(c->rin[0], i, a.n, a.n, x);
    bool failed = nl_lapack_cholesky(a.n, x) != 0;
    for (int col = 1; col < a.n; col++) {
      for (int row = 0; row < col; row++) {
        x[(size_t)col * (size_t)a.n + (size_t)row] = 0;
      }
    }
    write_out(c->out[0], i, a.n, a.n, x, failed);
  }
}

/* solve(a, b): b is n x k, or a vector of n for one matrix */
static nl_status infer_solve(nl_call *c) {
  nl_tensor *a = c->in[0], *b = c->in[1];
  nl_status status = check_matrix(a, true);
  if (status != NL_OK) {
    return status;
  }
  bool vector = b->ndim == 1 && a->ndim == 2;
  bool fits = b->dtype == a->dtype && (vector ? b->shape[0] == a->shape[0] : b->ndim == a->ndim);
  for (int d = 0; fits && !vector && d < a->ndim - 1; d++) {
    fits = a->shape[d] == b->shape[d];
  }
  if (!fits || (!vector && b->shape[b->ndim - 1] > INT_MAX / 256)) {
    return nl_fail("the right side (%s, shape %s) does not go with the matrix (%s, shape %s)",
                   nl_dtype_name(nl_tensor_dtype(b)), nl_tensor_shape_string(b).s, nl_dtype_name(nl_tensor_dtype(a)),
                   nl_tensor_shape_string(a).s);
  }
  nl_rule_like(c, 0, b, nl_tensor_dtype(b));
  ask_scratch(c, (size_t)a->shape[a->ndim - 1] * (size_t)(vector ? 1 : b->shape[b->ndim - 1]));
  return NL_OK;
}
static void run_solve(nl_call *c) {
  matrices a = look_at(c->rin[0]);
  nl_tensor *b = c->rin[1];
  int k = b->ndim == 1 ? 1 : (int)b->shape[b->ndim - 1];
  double *x = c->scratch->storage->data, *y = x + (size_t)a.n * (size_t)a.n, *work = y + (size_t)a.n * (size_t)k;
  for (int64_t i = 0; i < a.batch && !nl_interrupt_pending(); i++) {
    read_in(c->rin[0], i, a.n, a.n, x);
    read_in(b, i, a.n, k, y);
    bool failed = nl_lapack_solve(a.n, k, x, y, work) != 0;
    write_out(c->out[0], i, a.n, k, y, failed);
  }
}

/* With x = a^-1 b: db = a^-T g and da = -db x^T. */
static nl_status vjp_solve(nl_call *c, nl_vjp *g) {
  nl_build *b = g->build;
  nl_tensor *x = c->out[0];
  nl_tensor *db = nl_b2(b, row_solve(), nl_b_transpose(b, c->in[0], -2, -1), g->gout[0]);
  g->gin[1] = db;
  if (g->need[0] && db) {
    int64_t column[2] = {c->in[1]->shape[0], 1}, row[2] = {1, c->in[1]->shape[0]};
    bool vector = c->in[1]->ndim == 1;
    nl_tensor *left = vector ? nl_b_reshape(b, db, 2, column) : db;
    nl_tensor *right = vector ? nl_b_reshape(b, x, 2, row) : nl_b_transpose(b, x, -2, -1);
    nl_tensor *product = nl_b2(b, row_matmul(), left, right);
    g->gin[0] = product ? nl_b1(b, row_neg(), product) : NULL;
  }
  return b->status;
}

static const nl_op ops[] = {
    {.name = "qr",
     .args = "x: tensor",
     .returns = "tensor, tensor",
     .doc = "x = q r with orthonormal columns in q and an upper triangular r. No gradient.",
     .infer = infer_qr,
     .run = run_qr,
     .flags = NL_OP_CONTIGUOUS},
    {.name = "svd",
     .args = "x: tensor",
     .returns = "tensor, tensor, tensor",
     .doc = "x = u diag(s) vt: singular values s, largest first, with their vectors (thin form). No gradient.",
     .infer = infer_svd,
     .run = run_svd,
     .flags = NL_OP_CONTIGUOUS},
    {.name = "eigh",
     .args = "x: tensor",
     .returns = "tensor, tensor",
     .doc =
         "Eigenvalues (smallest first) and eigenvectors (columns) of a symmetric matrix; its lower triangle is read. "
         "No gradient.",
     .infer = infer_eigh,
     .run = run_eigh,
     .flags = NL_OP_CONTIGUOUS},
    {.name = "cholesky",
     .args = "x: tensor",
     .returns = "tensor",
     .doc = "The lower triangular L with L L^T = x, for a symmetric positive definite x; nan for others. No gradient.",
     .infer = infer_cholesky,
     .run = run_cholesky,
     .flags = NL_OP_CONTIGUOUS},
    {.name = "solve",
     .args = "a: tensor, b: tensor",
     .returns = "tensor",
     .doc = "The x with a x = b, for a square a and one or more right sides; nan where a is singular.",
     .infer = infer_solve,
     .run = run_solve,
     .vjp = vjp_solve,
     .flags = NL_OP_CONTIGUOUS,
     .save = NL_SAVE_IN(0) | NL_SAVE_OUT(0)},
};

NL_FAMILY(nl_ops_linalg, ops);
