/* Ops that factorize matrices, by LAPACK in float64 whatever the dtype. Leading dims are a batch. A matrix without
   the factorization (singular, not positive definite) gives nan, as 0/0 does. */
#include "ops/linalg/linalg.h"

#include <float.h>
#include <limits.h>
#include <math.h>
#include <string.h>

#include "core/interrupt.h"
#include "kernels/gemm.h"
#include "kernels/lapack.h"
#include "optable/compose.h"
#include "optable/rules.h"

nl_matrices nl_matrices_of(const nl_tensor *x) {
  int64_t m = x->shape[x->ndim - 2], n = x->shape[x->ndim - 1];
  int64_t batch = 1;
  for (int d = 0; d < x->ndim - 2; d++) {
    batch *= x->shape[d];
  }
  return (nl_matrices){batch, (int)m, (int)n, (int)(m < n ? m : n)};
}

nl_status nl_check_matrix(const nl_tensor *x, bool square) {
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
void nl_matrix_result(nl_call *c, int i, int64_t rows, int64_t cols) {
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

/* Asks for workspace: the matrix, up to three results, and work. */
void nl_matrix_workspace(nl_call *c, size_t results) {
  nl_matrices a = nl_matrices_of(c->in[0]);
  c->dtype = nl_tensor_dtype(c->in[0]);
  c->workspace_bytes = sizeof(double) * ((size_t)a.m * (size_t)a.n + results + nl_lapack_work(a.m, a.n) + 1);
}
void nl_matrix_divide_workspace(nl_call *c, size_t results) {
  nl_matrices a = nl_matrices_of(c->in[0]);
  nl_matrix_workspace(c, results + nl_lapack_divide_work(a.m, a.n) - nl_lapack_work(a.m, a.n));
}

static void keep_workspace(void *owner) {
  nl_tensor_ref(owner);
}
static void let_workspace_go(void *owner) {
  nl_tensor_unref(owner);
}
nl_keeper nl_workspace_keeper(const nl_call *c) {
  return (nl_keeper){c->workspace, keep_workspace, let_workspace_go};
}

void nl_matrix_multiply(int m, int n, int k, const double *a, const double *b, double *c) {
  nl_gemm(&(nl_gemm_args){.dtype = NL_F64, /* of rows: c^T = b^T a^T */
                          .m = n,
                          .n = m,
                          .k = k,
                          .a = b,
                          .a_row = k,
                          .a_col = 1,
                          .b = a,
                          .b_row = m,
                          .b_col = 1,
                          .c = c,
                          .c_row = m});
}

/* Row-major rows x cols number `at` of t to column-major doubles, and back; in squares, so that both sides stay in the
   cache. */
enum { SQUARE = 64 };

static void read_square(const nl_tensor *t, int64_t first, int rows, int cols, int row, int col, double *to) {
  const void *data = nl_tensor_data(t);
  for (int i = row; i < rows && i < row + SQUARE; i++) {
    for (int j = col; j < cols && j < col + SQUARE; j++) {
      int64_t from = first + (int64_t)i * cols + j;
      to[(size_t)j * rows + i] =
          t->dtype == NL_F32 ? (double)((const float *)data)[from] : ((const double *)data)[from];
    }
  }
}
void nl_matrix_read(const nl_tensor *t, int64_t at, int rows, int cols, double *to) {
  for (int i = 0; i < rows && !nl_interrupt_pending(); i += SQUARE) {
    for (int j = 0; j < cols; j += SQUARE) {
      read_square(t, at * rows * cols, rows, cols, i, j, to);
    }
  }
}
static void write_square(nl_tensor *t, int64_t first, int rows, int cols, int row, int col, const double *from,
                         bool failed) {
  void *data = nl_tensor_data(t);
  for (int i = row; i < rows && i < row + SQUARE; i++) {
    for (int j = col; j < cols && j < col + SQUARE; j++) {
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
void nl_matrix_write(nl_tensor *t, int64_t at, int rows, int cols, const double *from, bool failed) {
  for (int i = 0; i < rows && !nl_interrupt_pending(); i += SQUARE) {
    for (int j = 0; j < cols; j += SQUARE) {
      write_square(t, at * rows * cols, rows, cols, i, j, from, failed);
    }
  }
}

double nl_default_rtol(const nl_tensor *x) {
  nl_matrices a = nl_matrices_of(x);
  return (a.m > a.n ? a.m : a.n) * (x->dtype == NL_F32 ? (double)FLT_EPSILON : DBL_EPSILON);
}

nl_tensor *nl_turned(nl_build *b, nl_tensor *x) {
  return nl_b_transpose(b, x, -2, -1);
}

static nl_status infer_qr(nl_call *c) {
  nl_status status = nl_check_matrix(c->in[0], false);
  if (status == NL_OK) {
    nl_matrices a = nl_matrices_of(c->in[0]);
    nl_matrix_result(c, 0, a.m, a.k);
    nl_matrix_result(c, 1, a.k, a.n);
    nl_matrix_workspace(c, (size_t)a.k * (size_t)a.n);
  }
  return status;
}
static void run_qr(nl_call *c) {
  const nl_keeper keeper = nl_workspace_keeper(c);
  nl_matrices a = nl_matrices_of(c->rin[0]);
  double *x = c->workspace->storage->data, *r = x + (size_t)a.m * (size_t)a.n, *work = r + (size_t)a.k * (size_t)a.n;
  for (int64_t i = 0; i < a.batch && !nl_interrupt_pending(); i++) {
    nl_matrix_read(c->rin[0], i, a.m, a.n, x);
    bool failed = nl_lapack_qr(&keeper, a.m, a.n, x, r, work) != 0;
    nl_matrix_write(c->out[0], i, a.m, a.k, x, failed);
    nl_matrix_write(c->out[1], i, a.k, a.n, r, failed);
  }
}

static nl_status infer_svd(nl_call *c) {
  nl_status status = nl_check_matrix(c->in[0], false);
  if (status == NL_OK) {
    nl_matrices a = nl_matrices_of(c->in[0]);
    nl_matrix_result(c, 0, a.m, a.k);
    nl_matrix_result(c, 1, a.k, -1);
    nl_matrix_result(c, 2, a.k, a.n);
    nl_matrix_divide_workspace(c, (size_t)a.k * ((size_t)a.m + (size_t)a.n + 1));
  }
  return status;
}
static void run_svd(nl_call *c) {
  const nl_keeper keeper = nl_workspace_keeper(c);
  nl_matrices a = nl_matrices_of(c->rin[0]);
  double *x = c->workspace->storage->data, *u = x + (size_t)a.m * (size_t)a.n, *s = u + (size_t)a.m * (size_t)a.k;
  double *vt = s + a.k, *work = vt + (size_t)a.k * (size_t)a.n;
  for (int64_t i = 0; i < a.batch && !nl_interrupt_pending(); i++) {
    nl_matrix_read(c->rin[0], i, a.m, a.n, x);
    bool failed = false;
    for (size_t j = 0; j < (size_t)a.m * (size_t)a.n; j++) {
      failed = failed || !isfinite(x[j]);
    }
    failed = failed || nl_lapack_svd(&keeper, a.m, a.n, x, u, s, vt, work) != 0;
    nl_matrix_write(c->out[0], i, a.m, a.k, u, failed);
    nl_matrix_write(c->out[1], i, a.k, 1, s, failed);
    nl_matrix_write(c->out[2], i, a.k, a.n, vt, failed);
  }
}

static nl_status infer_eigh(nl_call *c) {
  nl_status status = nl_check_matrix(c->in[0], true);
  if (status == NL_OK) {
    nl_matrices a = nl_matrices_of(c->in[0]);
    nl_matrix_result(c, 0, a.n, -1);
    nl_matrix_result(c, 1, a.n, a.n);
    nl_matrix_divide_workspace(c, (size_t)a.n);
  }
  return status;
}
static void run_eigh(nl_call *c) {
  const nl_keeper keeper = nl_workspace_keeper(c);
  nl_matrices a = nl_matrices_of(c->rin[0]);
  double *x = c->workspace->storage->data, *values = x + (size_t)a.n * (size_t)a.n, *work = values + a.n;
  for (int64_t i = 0; i < a.batch && !nl_interrupt_pending(); i++) {
    nl_matrix_read(c->rin[0], i, a.n, a.n, x);
    bool failed = false;
    for (size_t j = 0; j < (size_t)a.n * (size_t)a.n; j++) {
      failed = failed || !isfinite(x[j]);
    }
    failed = failed || nl_lapack_eigh(&keeper, a.n, x, values, work) != 0;
    nl_matrix_write(c->out[0], i, a.n, 1, values, failed);
    nl_matrix_write(c->out[1], i, a.n, a.n, x, failed);
  }
}

static nl_status infer_cholesky(nl_call *c) {
  nl_status status = nl_check_matrix(c->in[0], true);
  if (status == NL_OK) {
    nl_matrix_result(c, 0, nl_matrices_of(c->in[0]).n, nl_matrices_of(c->in[0]).n);
    nl_matrix_workspace(c, 0);
  }
  return status;
}
static void run_cholesky(nl_call *c) {
  const nl_keeper keeper = nl_workspace_keeper(c);
  nl_matrices a = nl_matrices_of(c->rin[0]);
  double *x = c->workspace->storage->data;
  for (int64_t i = 0; i < a.batch && !nl_interrupt_pending(); i++) {
    nl_matrix_read(c->rin[0], i, a.n, a.n, x);
    bool failed = nl_lapack_cholesky(&keeper, a.n, x) != 0;
    for (int col = 1; col < a.n; col++) {
      for (int row = 0; row < col; row++) {
        x[(size_t)col * (size_t)a.n + (size_t)row] = 0;
      }
    }
    nl_matrix_write(c->out[0], i, a.n, a.n, x, failed);
  }
}

/* solve(a, b): b is n x k, or a vector of n for one matrix */
static nl_status infer_solve(nl_call *c) {
  nl_tensor *a = c->in[0], *b = c->in[1];
  nl_status status = nl_check_matrix(a, true);
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
  nl_matrix_workspace(c, (size_t)a->shape[a->ndim - 1] * (size_t)(vector ? 1 : b->shape[b->ndim - 1]));
  return NL_OK;
}
static void run_solve(nl_call *c) {
  const nl_keeper keeper = nl_workspace_keeper(c);
  nl_matrices a = nl_matrices_of(c->rin[0]);
  nl_tensor *b = c->rin[1];
  int k = b->ndim == 1 ? 1 : (int)b->shape[b->ndim - 1];
  double *x = c->workspace->storage->data, *y = x + (size_t)a.n * (size_t)a.n, *work = y + (size_t)a.n * (size_t)k;
  for (int64_t i = 0; i < a.batch && !nl_interrupt_pending(); i++) {
    nl_matrix_read(c->rin[0], i, a.n, a.n, x);
    nl_matrix_read(b, i, a.n, k, y);
    bool failed = nl_lapack_solve(&keeper, a.n, k, x, y, work) != 0;
    nl_matrix_write(c->out[0], i, a.n, k, y, failed);
  }
}

/* With x = a^-1 b: db = a^-T g and da = -db x^T. */
static nl_status vjp_solve(nl_call *c, nl_vjp *g) {
  nl_build *b = g->build;
  nl_tensor *x = c->out[0];
  nl_tensor *db = nl_b2(b, op_solve(), nl_b_transpose(b, c->in[0], -2, -1), g->gout[0]);
  g->gin[1] = db;
  if (g->need[0]) {
    int64_t column[2] = {c->in[1]->shape[0], 1}, row[2] = {1, c->in[1]->shape[0]};
    bool vector = c->in[1]->ndim == 1;
    nl_tensor *left = vector ? nl_b_reshape(b, db, 2, column) : db;
    nl_tensor *right = vector ? nl_b_reshape(b, x, 2, row) : nl_b_transpose(b, x, -2, -1);
    nl_tensor *product = nl_b2(b, op_matmul(), left, right);
    g->gin[0] = nl_b1(b, op_neg(), product);
  }
  return b->status;
}

/* ---- gradients of factorizations ---- */

static nl_tensor *with_diagonal(nl_build *b, nl_tensor *values) {
  return nl_b_do(b, op_diag_embed(), "t", values);
}
static nl_tensor *triangle(nl_build *b, nl_tensor *x, int64_t diagonal) {
  return nl_b_do(b, op_tril(), "ti", x, diagonal);
}
static nl_tensor *sum_of(nl_build *b, nl_tensor *x, nl_tensor *y) {
  return !x ? y : (!y ? x : b_add(b, x, y));
}
/* 1 / (v_j - v_i), and 0 on the diagonal */
static nl_tensor *over_gaps(nl_build *b, nl_tensor *v) {
  nl_tensor *gap = b_sub(b, b_unsqueeze(b, v, -2), b_unsqueeze(b, v, -1));
  nl_tensor *one = b->status == NL_OK ? b_eye(b, v->shape[v->ndim - 1], NL_BOOL) : NULL;
  return b_where(b, one, nl_b_number(b, 0), b_reciprocal(b, b_where(b, one, nl_b_number(b, 1), gap)));
}
static nl_tensor *skew(nl_build *b, nl_tensor *x) {
  return b_sub(b, x, nl_turned(b, x));
}

/* With M = r gr^T - gq^T q and its lower triangle mirrored up, gx = (gq + q M) r^-T (Walter & Lehmann 2010). */
static nl_status vjp_qr(nl_call *c, nl_vjp *v) {
  nl_build *b = v->build;
  nl_tensor *q = c->out[0], *r = c->out[1], *gq = v->gout[0], *gr = v->gout[1];
  if (c->in[0]->shape[c->in[0]->ndim - 2] < c->in[0]->shape[c->in[0]->ndim - 1]) {
    return nl_fail("has no gradient for a matrix with more columns than rows (shape %s)",
                   nl_tensor_shape_string(c->in[0]).s);
  }
  nl_tensor *m = gr ? b_matmul(b, r, nl_turned(b, gr)) : NULL;
  nl_tensor *n = gq ? b_neg(b, b_matmul(b, nl_turned(b, gq), q)) : NULL;
  m = sum_of(b, m, n);
  m = b_add(b, triangle(b, m, 0), nl_turned(b, triangle(b, m, -1)));
  nl_tensor *t = sum_of(b, gq, b_matmul(b, q, m));
  nl_tensor *solved = nl_b_do(b, op_solve_triangular(), "ttb", r, nl_turned(b, t), 1);
  v->gin[0] = nl_turned(b, solved);
  return b->status;
}

/* gx = u [(skew(u^T gu) / E) s + s (skew(v^T gv) / E) + diag(gs)] v^T, E_ij = s_j^2 - s_i^2, and what u and v leave out
   of space (Townsend 2016). Equal singular values have no gradient of their vectors: nan or inf. */
static nl_status vjp_svd(nl_call *c, nl_vjp *v) {
  nl_build *b = v->build;
  nl_tensor *u = c->out[0], *s = c->out[1], *vt = c->out[2], *gu = v->gout[0], *gs = v->gout[1], *gv = v->gout[2];
  nl_tensor *mid = gs ? with_diagonal(b, gs) : NULL;
  nl_tensor *row = b_unsqueeze(b, s, -2), *col = b_unsqueeze(b, s, -1);
  nl_tensor *gaps = gu || gv ? over_gaps(b, b_square(b, s)) : NULL, *rest = NULL;
  if (gu) {
    nl_tensor *inner = b_matmul(b, nl_turned(b, u), gu);
    mid = sum_of(b, mid, b_mul(b, b_mul(b, skew(b, inner), gaps), row));
    rest = b_matmul(b, b_div(b, b_sub(b, gu, b_matmul(b, u, inner)), row), vt);
  }
  if (gv) { /* gv is of vt: k x n */
    nl_tensor *inner = b_matmul(b, vt, nl_turned(b, gv));
    mid = sum_of(b, mid, b_mul(b, b_mul(b, skew(b, inner), gaps), col));
    nl_tensor *outside = b_sub(b, gv, b_matmul(b, nl_turned(b, inner), vt));
    rest = sum_of(b, rest, b_matmul(b, u, b_div(b, outside, col)));
  }
  v->gin[0] = sum_of(b, b_matmul(b, u, b_matmul(b, mid, vt)), rest);
  return b->status;
}

/* gx = v (diag(gl) + (v^T gv) / E) v^T, E_ij = l_j - l_i */
static nl_status vjp_eigh(nl_call *c, nl_vjp *v) {
  nl_build *b = v->build;
  nl_tensor *vectors = c->out[1], *gl = v->gout[0], *gv = v->gout[1];
  nl_tensor *mid = gl ? with_diagonal(b, gl) : NULL, *back = nl_turned(b, vectors);
  if (gv) {
    mid = sum_of(b, mid, b_mul(b, b_matmul(b, back, gv), over_gaps(b, c->out[0])));
  }
  v->gin[0] = b_matmul(b, vectors, b_matmul(b, mid, back));
  return b->status;
}

/* gx = l^-T F l^-1 made symmetric, F the lower triangle of l^T gl with half its diagonal (Murray 2016). */
static nl_status vjp_cholesky(nl_call *c, nl_vjp *v) {
  nl_build *b = v->build;
  nl_tensor *l = c->out[0];
  nl_tensor *f = b_matmul(b, nl_turned(b, l), v->gout[0]);
  f = b_times(b, b_add(b, triangle(b, f, 0), triangle(b, f, -1)), 0.5);
  const nl_op *solve = op_solve_triangular();
  nl_tensor *left = nl_b_do(b, solve, "ttbb", l, f, 0, 1); /* l^-T f */
  nl_tensor *both = nl_b_do(b, solve, "ttbb", l, nl_turned(b, left), 0, 1);
  v->gin[0] = b_times(b, b_add(b, both, nl_turned(b, both)), 0.5);
  return b->status;
}

/* ---- lu ---- */

static nl_status infer_lu(nl_call *c) {
  nl_status status = nl_check_matrix(c->in[0], true);
  if (status == NL_OK) {
    nl_matrices a = nl_matrices_of(c->in[0]);
    for (int i = 0; i < 3; i++) {
      nl_matrix_result(c, i, a.n, a.n);
    }
    nl_matrix_workspace(c, 3 * (size_t)a.n * (size_t)a.n + 2 * (size_t)a.n);
  }
  return status;
}
static void run_lu(nl_call *c) {
  const nl_keeper keeper = nl_workspace_keeper(c);
  nl_matrices a = nl_matrices_of(c->rin[0]);
  size_t n = (size_t)a.n;
  double *x = c->workspace->storage->data, *p = x + n * n, *l = p + n * n, *u = l + n * n;
  int *pivots = (int *)(void *)(u + n * n), *order = pivots + n;
  for (int64_t i = 0; i < a.batch && !nl_interrupt_pending(); i++) {
    nl_matrix_read(c->rin[0], i, a.n, a.n, x);
    bool failed = nl_lapack_lu(&keeper, a.n, x, pivots) < 0;
    for (int r = 0; r < a.n; r++) {
      order[r] = r;
    }
    for (int r = 0; r < a.n && !failed; r++) {
      int t = order[r];
      order[r] = order[pivots[r] - 1];
      order[pivots[r] - 1] = t;
    }
    memset(p, 0, 3 * n * n * sizeof *p);
    for (size_t col = 0; col < n; col++) {
      p[col * n + (size_t)order[col]] = 1;
      l[col * n + col] = 1;
      for (size_t row = 0; row < n; row++) {
        (row > col ? l : u)[col * n + row] = x[col * n + row];
      }
    }
    nl_matrix_write(c->out[0], i, a.n, a.n, p, failed);
    nl_matrix_write(c->out[1], i, a.n, a.n, l, failed);
    nl_matrix_write(c->out[2], i, a.n, a.n, u, failed);
  }
}

/* ---- the table ---- */

static const nl_op ops[] = {
    {.name = "qr",
     .args = "x: tensor",
     .returns = "tensor, tensor",
     .doc = "x = q r with orthonormal columns in q and an upper triangular r. A gradient where there are no "
            "more columns than rows.",
     .example = "select(2, nn.qr(nn.tensor {{3.0, 1.0}, {4.0, 2.0}})):abs()",
     .infer = infer_qr,
     .run = run_qr,
     .vjp = vjp_qr,
     .flags = NL_OP_LAPACK | NL_OP_CONTIGUOUS,
     .save = NL_SAVE_OUT(0) | NL_SAVE_OUT(1)},
    {.name = "svd",
     .args = "x: tensor",
     .returns = "tensor, tensor, tensor",
     .doc = "x = u diag(s) vt: singular values s, largest first, with their vectors (thin form). The "
            "gradient of the vectors needs distinct values.",
     .example = "select(2, nn.svd(nn.tensor {{3.0, 0.0}, {4.0, 5.0}}))",
     .infer = infer_svd,
     .run = run_svd,
     .vjp = vjp_svd,
     .flags = NL_OP_LAPACK | NL_OP_CONTIGUOUS,
     .save = NL_SAVE_OUT(0) | NL_SAVE_OUT(1) | NL_SAVE_OUT(2)},
    {.name = "eigh_lower",
     .args = "x: tensor",
     .returns = "tensor, tensor",
     .doc = "eigh of the matrix whose lower triangle this is.",
     .infer = infer_eigh,
     .run = run_eigh,
     .vjp = vjp_eigh,
     .flags = NL_OP_LAPACK | NL_OP_CONTIGUOUS | NL_OP_INTERNAL,
     .save = NL_SAVE_OUT(0) | NL_SAVE_OUT(1)},
    {.name = "cholesky_lower",
     .args = "x: tensor",
     .returns = "tensor",
     .doc = "cholesky of the matrix whose lower triangle this is.",
     .infer = infer_cholesky,
     .run = run_cholesky,
     .vjp = vjp_cholesky,
     .flags = NL_OP_LAPACK | NL_OP_CONTIGUOUS | NL_OP_INTERNAL,
     .save = NL_SAVE_OUT(0)},
    {.name = "solve",
     .args = "a: tensor, b: tensor",
     .returns = "tensor",
     .doc = "The x with a x = b, for a square a and one or more right sides; nan where a is singular.",
     .example = "nn.solve(nn.tensor {{2.0, 0.0}, {1.0, 4.0}}, nn.tensor {2.0, 5.0})",
     .infer = infer_solve,
     .run = run_solve,
     .vjp = vjp_solve,
     .flags = NL_OP_LAPACK | NL_OP_CONTIGUOUS,
     .save = NL_SAVE_IN(0) | NL_SAVE_OUT(0)},
    {.name = "lu",
     .args = "x: tensor",
     .returns = "tensor, tensor, tensor",
     .doc = "x = p l u: a permutation, a lower triangle with ones on its diagonal, an upper triangle.",
     .example = "nn.lu(nn.tensor {{2.0, 0.0}, {1.0, 4.0}})",
     .infer = infer_lu,
     .run = run_lu,
     .flags = NL_OP_LAPACK | NL_OP_CONTIGUOUS},
};
NL_FAMILY(factorize, ops);
