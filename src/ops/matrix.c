/* Linear algebra on top of the factorizations: inverses, determinants, least squares, norms, functions of matrices. */
#include <float.h>
#include <math.h>
#include <string.h>

#include "core/interrupt.h"
#include "kernels/lapack.h"
#include "ops/formula.h"
#include "ops/linalg.h"
#include "ops/rules.h"

NL_OP(eigh_lower)
NL_OP(cholesky_lower)
NL_OP(svd)
NL_OP(amax)
NL_OP(amin)
NL_OP(eig)
NL_OP(slogdet)
NL_OP(pinv)
NL_OP(matrix_exp)
NL_OP(solve_triangular)
NL_OP(tril)
NL_OP(triu)
NL_OP(matrix_norm)

static nl_tensor *turned(nl_build *b, nl_tensor *x) {
  return b->status == NL_OK ? nl_b_transpose(b, x, -2, -1) : NULL;
}
static nl_tensor *symmetric(nl_build *b, nl_tensor *x) {
  b->status = nl_check_matrix(x, true);
  return b_times(b, b_add(b, x, turned(b, x)), 0.5);
}
static nl_tensor *identity(nl_build *b, const nl_tensor *x) {
  if (b->status != NL_OK) {
    return NULL;
  }
  nl_tensor *one = nl_b_do(b, op_eye(), "i-i", x->shape[x->ndim - 1], (int64_t)nl_tensor_dtype(x));
  return nl_b_expand(b, one, x->ndim, x->shape);
}
/* result `which` of an op that has several */
static nl_tensor *one_of(nl_build *b, const nl_op *op, nl_tensor *x, int which) {
  if (b->status != NL_OK) {
    return NULL;
  }
  nl_call k;
  nl_call_init(&k, op, 1, NULL);
  k.in[0] = x;
  nl_b_call(b, &k);
  return b->status == NL_OK ? k.out[which] : NULL;
}

/* ---- of symmetric matrices ---- */

NL_COMPOSE(eigh) {
  nl_tensor *s = symmetric(b, x);
  if (b->status == NL_OK) {
    nl_call k;
    nl_call_init(&k, op_eigh_lower(), 1, NULL);
    k.in[0] = s;
    nl_b_call(b, &k);
    nl_give2(c, k.out[0], k.out[1]);
  }
}
NL_COMPOSE(eigvalsh) {
  nl_give(c, one_of(b, op_eigh_lower(), symmetric(b, x), 0));
}
NL_COMPOSE(cholesky) {
  nl_give(c, nl_b1(b, op_cholesky_lower(), symmetric(b, x)));
}
static nl_tensor *by_triangle(nl_build *b, nl_tensor *t, nl_tensor *y, bool upper, bool transpose) {
  return nl_b_do(b, op_solve_triangular(), "ttbb", t, y, (int)upper, (int)transpose);
}
NL_COMPOSE(cholesky_solve) {
  nl_tensor *l = c->in[1];
  nl_give(c, by_triangle(b, l, by_triangle(b, l, x, false, false), false, true));
}
NL_COMPOSE(cholesky_inverse) {
  b->status = nl_check_matrix(x, true);
  nl_give(c, by_triangle(b, x, by_triangle(b, x, identity(b, x), false, false), false, true));
}

/* ---- triangular systems ---- */

static nl_status infer_triangular(nl_call *c) {
  nl_tensor *t = c->in[0], *y = c->in[1];
  nl_status status = nl_check_matrix(t, true);
  if (status != NL_OK) {
    return status;
  }
  bool fits = y->dtype == t->dtype && y->ndim == t->ndim;
  for (int d = 0; fits && d < t->ndim - 1; d++) {
    fits = y->shape[d] == t->shape[d];
  }
  if (!fits || y->shape[y->ndim - 1] > INT32_MAX / 256) {
    return nl_fail("the right side (%s, shape %s) does not go with the matrix (%s, shape %s)",
                   nl_dtype_name(nl_tensor_dtype(y)), nl_tensor_shape_string(y).s, nl_dtype_name(nl_tensor_dtype(t)),
                   nl_tensor_shape_string(t).s);
  }
  nl_rule_like(c, 0, y, nl_tensor_dtype(y));
  nl_matrix_scratch(c, (size_t)t->shape[t->ndim - 1] * (size_t)y->shape[y->ndim - 1]);
  return NL_OK;
}
static void run_triangular(nl_call *c) {
  nl_matrices a = nl_matrices_of(c->rin[0]);
  nl_tensor *y = c->rin[1];
  int k = (int)y->shape[y->ndim - 1];
  double *t = c->workspace->storage->data, *x = t + (size_t)a.n * (size_t)a.n;
  for (int64_t i = 0; i < a.batch && !nl_interrupt_pending(); i++) {
    nl_matrix_read(c->rin[0], i, a.n, a.n, t);
    nl_matrix_read(y, i, a.n, k, x);
    bool failed = nl_lapack_triangular(a.n, k, c->attr[0].b, c->attr[1].b, c->attr[2].b, t, x) != 0;
    nl_matrix_write(c->out[0], i, a.n, k, x, failed);
  }
}
/* With x = t^-1 y: gy = t^-T g, and gt = -gy x^T within the triangle that was read. */
static nl_status vjp_triangular(nl_call *c, nl_vjp *v) {
  nl_build *b = v->build;
  bool upper = c->attr[0].b, transpose = c->attr[1].b, unit = c->attr[2].b;
  nl_tensor *gy =
      nl_b_do(b, op_solve_triangular(), "ttbbb", c->in[0], v->gout[0], (int)upper, (int)!transpose, (int)unit);
  v->gin[1] = gy;
  if (v->need[0] && gy) {
    nl_tensor *x = c->out[0];
    nl_tensor *t = b_neg(b, transpose ? b_matmul(b, x, turned(b, gy)) : b_matmul(b, gy, turned(b, x)));
    int64_t edge = unit ? 1 : 0;
    v->gin[0] = nl_b_do(b, upper ? op_triu() : op_tril(), "ti", t, upper ? edge : -edge);
  }
  return b->status;
}

/* ---- determinants ---- */

static nl_status infer_slogdet(nl_call *c) {
  nl_status status = nl_check_matrix(c->in[0], true);
  if (status == NL_OK) {
    nl_tensor *x = c->in[0];
    nl_rule_shape(c, 0, x->ndim - 2, x->shape, nl_tensor_dtype(x));
    nl_rule_shape(c, 1, x->ndim - 2, x->shape, nl_tensor_dtype(x));
    nl_matrix_scratch(c, (size_t)x->shape[x->ndim - 1]);
  }
  return status;
}
static void run_slogdet(nl_call *c) {
  nl_matrices a = nl_matrices_of(c->rin[0]);
  double *x = c->workspace->storage->data;
  int *pivots = (int *)(void *)(x + (size_t)a.n * (size_t)a.n);
  for (int64_t i = 0; i < a.batch && !nl_interrupt_pending(); i++) {
    nl_matrix_read(c->rin[0], i, a.n, a.n, x);
    bool missing = nl_lapack_lu(a.n, x, pivots) < 0;
    double sign = missing ? NAN : 1, size = missing ? NAN : 0;
    for (int k = 0; k < a.n && !missing; k++) {
      double d = x[(size_t)k * (size_t)a.n + (size_t)k];
      sign *= (pivots[k] != k + 1 ? -1 : 1) * (d != d ? d : (double)((d > 0) - (d < 0)));
      size += log(fabs(d));
    }
    nl_tensor_set_double(c->out[0], i, sign);
    nl_tensor_set_double(c->out[1], i, size);
  }
}
static nl_status vjp_slogdet(nl_call *c, nl_vjp *v) {
  nl_build *b = v->build;
  if (v->gout[1]) {
    nl_tensor *g = b_unsqueeze(b, b_unsqueeze(b, v->gout[1], -1), -1);
    v->gin[0] = b_mul(b, g, turned(b, b_inv(b, c->in[0])));
  }
  return b->status;
}
NL_COMPOSE(det) {
  nl_call k;
  nl_call_init(&k, op_slogdet(), 1, NULL);
  k.in[0] = x;
  nl_b_call(b, &k);
  nl_give(c, b->status == NL_OK ? b_mul(b, k.out[0], b_exp(b, k.out[1])) : NULL);
}
NL_COMPOSE(logdet) {
  nl_call k;
  nl_call_init(&k, op_slogdet(), 1, NULL);
  k.in[0] = x;
  nl_b_call(b, &k);
  if (b->status == NL_OK) {
    nl_give(c, b_where(b, b_lt(b, k.out[0], nl_b_number(b, 0)), nl_b_number(b, NAN), k.out[1]));
  }
}

/* ---- inverses and least squares ---- */

NL_COMPOSE(inv) {
  b->status = nl_check_matrix(x, true);
  nl_give(c, b_solve(b, x, b->status == NL_OK ? b_clone(b, identity(b, x)) : NULL));
}

/* v diag(1/s) u^T, singular values below rtol times the largest left out */
static nl_status infer_pinv(nl_call *c) {
  nl_status status = nl_check_matrix(c->in[0], false);
  if (status == NL_OK) {
    nl_matrices a = nl_matrices_of(c->in[0]);
    nl_matrix_result(c, 0, a.n, a.m);
    nl_matrix_scratch(c, (size_t)a.k * ((size_t)a.m + (size_t)a.n + 1) + (size_t)a.m * (size_t)a.n);
  }
  return status;
}
static double default_rtol(const nl_tensor *x) {
  nl_matrices a = nl_matrices_of(x);
  return (a.m > a.n ? a.m : a.n) * (x->dtype == NL_F32 ? (double)FLT_EPSILON : DBL_EPSILON);
}
static void run_pinv(nl_call *c) {
  nl_matrices a = nl_matrices_of(c->rin[0]);
  double rtol = c->attr[0].set ? c->attr[0].number : default_rtol(c->rin[0]);
  size_t m = (size_t)a.m, n = (size_t)a.n, k = (size_t)a.k;
  double *x = c->workspace->storage->data, *u = x + m * n, *s = u + m * k, *vt = s + k, *out = vt + k * n,
         *work = out + m * n;
  for (int64_t i = 0; i < a.batch && !nl_interrupt_pending(); i++) {
    nl_matrix_read(c->rin[0], i, a.m, a.n, x);
    bool failed = false;
    for (size_t j = 0; j < m * n; j++) {
      failed = failed || !isfinite(x[j]);
      out[j] = 0;
    }
    failed = failed || nl_lapack_svd(a.m, a.n, x, u, s, vt, work) != 0;
    for (size_t r = 0; r < k && !failed; r++) {
      if (s[r] > rtol * s[0]) {
        for (size_t j = 0; j < m; j++) {
          for (size_t l = 0; l < n; l++) {
            out[j * n + l] += vt[l * k + r] * u[r * m + j] / s[r];
          }
        }
      }
    }
    nl_matrix_write(c->out[0], i, a.n, a.m, out, failed);
  }
}
/* Golub & Pereyra 1973, with p = x^+: gx = -p^T g p^T + (1 - x p) g^T p^T... for a matrix of constant rank. */
static nl_status vjp_pinv(nl_call *c, nl_vjp *v) {
  nl_build *b = v->build;
  nl_tensor *x = c->in[0], *p = c->out[0], *pt = turned(b, p), *gt = turned(b, v->gout[0]);
  nl_tensor *first = b_neg(b, b_matmul(b, pt, b_matmul(b, v->gout[0], pt)));
  /* (1 - x p) g^T p p^T + p^T p g^T (1 - p x), with g^T of x's shape */
  nl_tensor *left = b_sub(b, gt, b_matmul(b, x, b_matmul(b, p, gt)));
  nl_tensor *right = b_sub(b, gt, b_matmul(b, b_matmul(b, gt, p), x));
  nl_tensor *second = b_matmul(b, left, b_matmul(b, p, pt));
  nl_tensor *third = b_matmul(b, b_matmul(b, pt, p), right);
  v->gin[0] = b_add(b, first, b_add(b, second, third));
  return b->status;
}
NL_COMPOSE(lstsq) {
  nl_tensor *y = c->in[1];
  b->status = nl_check_matrix(x, false);
  nl_tensor *p = b->status == NL_OK
                     ? (c->attr[0].set ? nl_b_do(b, op_pinv(), "tn", x, c->attr[0].number) : nl_b1(b, op_pinv(), x))
                     : NULL;
  nl_tensor *solution = b_matmul(b, p, y), *error = b_sub(b, b_matmul(b, x, solution), y);
  int64_t rows = y->ndim == 1 || y->ndim < x->ndim ? -1 : -2;
  nl_tensor *squares = b->status == NL_OK ? nl_b_sum(b, b_square(b, error), 1, &rows, false) : NULL;
  nl_give2(c, solution, squares);
}

/* ---- eigenvalues of any matrix ---- */

static nl_status infer_eig(nl_call *c) {
  nl_status status = nl_check_matrix(c->in[0], true);
  if (status == NL_OK) {
    nl_matrices a = nl_matrices_of(c->in[0]);
    for (int i = 0; i < 4; i++) {
      nl_matrix_result(c, i, a.n, i < 2 ? -1 : a.n);
    }
    nl_matrix_scratch(c, (size_t)a.n * (3 * (size_t)a.n + 2));
  }
  return status;
}
static void run_eig(nl_call *c) {
  nl_matrices a = nl_matrices_of(c->rin[0]);
  size_t n = (size_t)a.n;
  double *x = c->workspace->storage->data, *v = x + n * n, *re = v + n * n, *im = re + n * n, *values = im + n * n,
         *work = values + 2 * n;
  for (int64_t i = 0; i < a.batch && !nl_interrupt_pending(); i++) {
    nl_matrix_read(c->rin[0], i, a.n, a.n, x);
    bool failed = false;
    for (size_t j = 0; j < n * n; j++) {
      failed = failed || !isfinite(x[j]);
    }
    failed = failed || nl_lapack_eig(a.n, x, values, values + n, v, work) != 0;
    for (size_t j = 0; j < n && !failed; j++) {
      bool second = j > 0 && values[n + j] < 0; /* of a pair: the first one's conjugate */
      for (size_t r = 0; r < n; r++) {
        bool pair = values[n + j] != 0;
        re[j * n + r] = v[(second ? j - 1 : j) * n + r];
        im[j * n + r] = pair ? (second ? -v[j * n + r] : v[(j + 1) * n + r]) : 0;
      }
    }
    nl_matrix_write(c->out[0], i, a.n, 1, values, failed);
    nl_matrix_write(c->out[1], i, a.n, 1, values + n, failed);
    nl_matrix_write(c->out[2], i, a.n, a.n, re, failed);
    nl_matrix_write(c->out[3], i, a.n, a.n, im, failed);
  }
}
NL_COMPOSE(eigvals) {
  nl_call k;
  nl_call_init(&k, op_eig(), 1, NULL);
  k.in[0] = x;
  nl_b_call(b, &k);
  if (b->status == NL_OK) {
    nl_give2(c, k.out[0], k.out[1]);
  }
}

/* ---- lu ---- */

static nl_status infer_lu(nl_call *c) {
  nl_status status = nl_check_matrix(c->in[0], true);
  if (status == NL_OK) {
    nl_matrices a = nl_matrices_of(c->in[0]);
    for (int i = 0; i < 3; i++) {
      nl_matrix_result(c, i, a.n, a.n);
    }
    nl_matrix_scratch(c, 3 * (size_t)a.n * (size_t)a.n + 2 * (size_t)a.n);
  }
  return status;
}
static void run_lu(nl_call *c) {
  nl_matrices a = nl_matrices_of(c->rin[0]);
  size_t n = (size_t)a.n;
  double *x = c->workspace->storage->data, *p = x + n * n, *l = p + n * n, *u = l + n * n;
  int *pivots = (int *)(void *)(u + n * n), *order = pivots + n;
  for (int64_t i = 0; i < a.batch && !nl_interrupt_pending(); i++) {
    nl_matrix_read(c->rin[0], i, a.n, a.n, x);
    bool failed = nl_lapack_lu(a.n, x, pivots) < 0;
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

/* ---- ranks, norms, conditions ---- */

NL_COMPOSE(svdvals) {
  nl_give(c, one_of(b, op_svd(), x, 1));
}
NL_COMPOSE(matrix_rank) {
  b->status = nl_check_matrix(x, false);
  nl_tensor *s = one_of(b, op_svd(), x, 1);
  if (b->status != NL_OK) {
    return;
  }
  double rtol = c->attr[0].set ? c->attr[0].number : default_rtol(x);
  int64_t last = -1;
  nl_tensor *most = s->shape[s->ndim - 1] ? nl_b_do(b, op_amax(), "tlb", s, 1, &last, 1) : nl_b_number(b, 0);
  nl_give(c, nl_b_sum(b, b_gt(b, s, b_times(b, most, rtol)), 1, &last, false));
}
enum { FRO, NUC, ONE, MINUS_ONE, TWO, MINUS_TWO, INF, MINUS_INF };
NL_COMPOSE(matrix_norm) {
  int64_t ord = c->attr[0].i, last = -1, sides[2] = {-2, -1};
  int keep = c->attr[1].b;
  b->status = nl_check_matrix(x, false);
  nl_tensor *t;
  if (ord == FRO) {
    nl_give(c, nl_b_do(b, op_norm(), "tnlb", x, 2.0, 2, sides, keep));
    return;
  }
  if (ord == NUC || ord == TWO || ord == MINUS_TWO) {
    t = one_of(b, op_svd(), x, 1);
  } else {
    int64_t over = ord == ONE || ord == MINUS_ONE ? -2 : -1;
    t = b->status == NL_OK ? nl_b_sum(b, b_abs(b, x), 1, &over, false) : NULL;
  }
  if (ord == NUC) {
    t = b->status == NL_OK ? nl_b_sum(b, t, 1, &last, false) : NULL;
  } else {
    bool least = ord == MINUS_ONE || ord == MINUS_TWO || ord == MINUS_INF;
    t = nl_b_do(b, least ? op_amin() : op_amax(), "tlb", t, 1, &last, 0);
  }
  nl_give(c, keep ? b_unsqueeze(b, b_unsqueeze(b, t, -1), -1) : t);
}
NL_COMPOSE(cond) {
  int64_t ord = c->attr[0].i, last = -1;
  if (ord == 0 || ord == 1) { /* 2, -2: by singular values */
    nl_tensor *s = one_of(b, op_svd(), x, 1);
    nl_tensor *most = nl_b_do(b, op_amax(), "tlb", s, 1, &last, 0),
              *least = nl_b_do(b, op_amin(), "tlb", s, 1, &last, 0);
    nl_give(c, ord == 0 ? b_div(b, most, least) : b_div(b, least, most));
    return;
  }
  static const int64_t names[] = {TWO, MINUS_TWO, FRO, NUC, ONE, MINUS_ONE, INF, MINUS_INF};
  nl_tensor *a = nl_b_do(b, op_matrix_norm(), "ti", x, names[ord]),
            *z = nl_b_do(b, op_matrix_norm(), "ti", b_inv(b, x), names[ord]);
  nl_give(c, b_mul(b, a, z));
}

/* ---- the exponential ---- */

/* c = a b, column-major n x n */
static void multiply(int n, const double *a, const double *z, double *out) {
  memset(out, 0, (size_t)n * (size_t)n * sizeof *out);
  for (int j = 0; j < n; j++) {
    for (int k = 0; k < n; k++) {
      double v = z[(size_t)j * (size_t)n + (size_t)k];
      for (int i = 0; i < n; i++) {
        out[(size_t)j * (size_t)n + (size_t)i] += a[(size_t)k * (size_t)n + (size_t)i] * v;
      }
    }
  }
}
static nl_status infer_exp(nl_call *c) {
  nl_status status = nl_check_matrix(c->in[0], true);
  if (status == NL_OK) {
    nl_matrices a = nl_matrices_of(c->in[0]);
    nl_rule_like(c, 0, c->in[0], nl_tensor_dtype(c->in[0]));
    nl_matrix_scratch(c, 6 * (size_t)a.n * (size_t)a.n);
  }
  return status;
}
/* Scaling and squaring with Pade's approximant of degree 13 (Higham 2005). */
static void run_exp(nl_call *c) {
  static const double p[] = {64764752532480000.,
                             32382376266240000.,
                             7771770303897600.,
                             1187353796428800.,
                             129060195264000.,
                             10559470521600.,
                             670442572800.,
                             33522128640.,
                             1323241920.,
                             40840800.,
                             960960.,
                             16380.,
                             182.,
                             1.};
  nl_matrices m = nl_matrices_of(c->rin[0]);
  int n = m.n;
  size_t size = (size_t)n * (size_t)n;
  double *a = c->workspace->storage->data, *a2 = a + size, *a4 = a2 + size, *a6 = a4 + size, *u = a6 + size,
         *v = u + size, *t = v + size, *work = t + size;
  for (int64_t i = 0; i < m.batch && !nl_interrupt_pending(); i++) {
    nl_matrix_read(c->rin[0], i, n, n, a);
    double most = 0;
    for (int j = 0; j < n; j++) {
      double column = 0;
      for (int k = 0; k < n; k++) {
        column += fabs(a[(size_t)j * (size_t)n + (size_t)k]);
      }
      most = column > most || column != column ? column : most;
    }
    bool failed = !isfinite(most);
    int squarings = 0;
    if (!failed && most > 5.371920351148152) {
      frexp(most / 5.371920351148152, &squarings);
      for (size_t k = 0; k < size; k++) {
        a[k] = ldexp(a[k], -squarings);
      }
    }
    multiply(n, a, a, a2);
    multiply(n, a2, a2, a4);
    multiply(n, a4, a2, a6);
    for (size_t k = 0; k < size; k++) {
      t[k] = p[13] * a6[k] + p[11] * a4[k] + p[9] * a2[k];
    }
    multiply(n, a6, t, v);
    for (size_t k = 0; k < size; k++) {
      v[k] += p[7] * a6[k] + p[5] * a4[k] + p[3] * a2[k] + (k % ((size_t)n + 1) == 0 ? p[1] : 0);
    }
    multiply(n, a, v, u);
    for (size_t k = 0; k < size; k++) {
      t[k] = p[12] * a6[k] + p[10] * a4[k] + p[8] * a2[k];
    }
    multiply(n, a6, t, v);
    for (size_t k = 0; k < size; k++) {
      v[k] += p[6] * a6[k] + p[4] * a4[k] + p[2] * a2[k] + (k % ((size_t)n + 1) == 0 ? p[0] : 0);
      t[k] = v[k] - u[k];
      v[k] += u[k];
    }
    failed = failed || nl_lapack_solve(n, n, t, v, work) != 0;
    for (int k = 0; k < squarings && !failed; k++) {
      multiply(n, v, v, t);
      memcpy(v, t, size * sizeof *v);
    }
    nl_matrix_write(c->out[0], i, n, n, v, failed);
  }
}
/* The upper right block of exp([x^T g; 0 x^T]) (Mathias 1996). */
static nl_status vjp_exp(nl_call *c, nl_vjp *v) {
  nl_build *b = v->build;
  nl_tensor *xt = turned(b, c->in[0]);
  int64_t n = c->in[0]->shape[c->in[0]->ndim - 1];
  if (b->status != NL_OK) {
    return b->status;
  }
  nl_tensor *zeros = nl_b_zeros(b, nl_tensor_dtype(xt), xt->ndim, xt->shape), *rows[2], *all = NULL;
  for (int r = 0; r < 2 && b->status == NL_OK; r++) {
    nl_tensor *parts[2] = {r == 0 ? xt : zeros, r == 0 ? v->gout[0] : xt};
    nl_call k;
    nl_call_init(&k, op_cat(), 2, parts);
    k.attr[0] = (nl_attr){.set = true, .i = -1};
    rows[r] = nl_b_call(b, &k);
  }
  if (b->status == NL_OK) {
    nl_call k;
    nl_call_init(&k, op_cat(), 2, rows);
    k.attr[0] = (nl_attr){.set = true, .i = -2};
    all = nl_b_call(b, &k);
  }
  nl_tensor *e = nl_b1(b, op_matrix_exp(), all);
  v->gin[0] = b_narrow(b, b_narrow(b, e, -2, 1, n), -1, n + 1, n);
  return b->status;
}

#define A "nn.tensor {{2.0, 0.0}, {1.0, 4.0}}"
#define S "nn.tensor {{2.0, 1.0}, {1.0, 2.0}}"
#define ORD "fro|nuc|1|-1|2|-2|inf|-inf"

static const nl_op ops[] = {
    {
        .name = "eigh",
        .args = "x: tensor",
        .returns = "tensor, tensor",
        .doc = "Eigenvalues (smallest first) and eigenvectors (columns) of a symmetric matrix. The gradient of the "
               "vectors "
               "needs distinct values.",
        .compose = compose_eigh,
        .example = "nn.eigh(" S ")",
    },
    {
        .name = "eigvalsh",
        .args = "x: tensor",
        .returns = "tensor",
        .doc = "The eigenvalues of a symmetric matrix, smallest first.",
        .compose = compose_eigvalsh,
        .example = "nn.eigvalsh(" S ")",
    },
    {
        .name = "cholesky",
        .args = "x: tensor",
        .returns = "tensor",
        .doc = "The lower triangular L with L L^T = x, for a symmetric positive definite x; nan for others.",
        .compose = compose_cholesky,
        .example = "nn.cholesky(" S ")",
    },
    {
        .name = "cholesky_solve",
        .args = "y: tensor, l: tensor",
        .returns = "tensor",
        .doc = "The x with L L^T x = y.",
        .compose = compose_cholesky_solve,
        .example = "nn.cholesky_solve(nn.ones(2, 1), nn.cholesky(" S "))",
    },
    {
        .name = "cholesky_inverse",
        .args = "l: tensor",
        .returns = "tensor",
        .doc = "The inverse of L L^T.",
        .compose = compose_cholesky_inverse,
        .example = "nn.cholesky_inverse(nn.cholesky(" S "))",
    },
    {.name = "solve_triangular",
     .args = "t: tensor, y: tensor, upper: bool = false, transpose: bool = false, unitriangular: bool = false",
     .returns = "tensor",
     .doc = "The x with t x = y (t^T x = y, if transpose), of a triangular t; the other triangle is not read. nan "
            "where t is singular.",
     .example = "nn.solve_triangular(" A ", nn.tensor {{2.0}, {5.0}})",
     .infer = infer_triangular,
     .run = run_triangular,
     .vjp = vjp_triangular,
     .flags = NL_OP_CONTIGUOUS,
     .save = NL_SAVE_IN(0) | NL_SAVE_OUT(0)},
    {.name = "slogdet",
     .args = "x: tensor",
     .returns = "tensor, tensor",
     .doc = "The sign of the determinant, and the logarithm of its size; 0 and -inf where x is singular.",
     .example = "nn.slogdet(" A ")",
     .infer = infer_slogdet,
     .run = run_slogdet,
     .vjp = vjp_slogdet,
     .flags = NL_OP_CONTIGUOUS,
     .save = NL_SAVE_IN(0)},
    {
        .name = "det",
        .args = "x: tensor",
        .returns = "tensor",
        .doc = "The determinant; its gradient is nan where x is singular.",
        .compose = compose_det,
        .example = "nn.det(" A ")",
    },
    {
        .name = "logdet",
        .args = "x: tensor",
        .returns = "tensor",
        .doc = "The logarithm of the determinant; nan where that is negative.",
        .compose = compose_logdet,
        .example = "nn.logdet(" A ")",
    },
    {
        .name = "inv",
        .args = "x: tensor",
        .returns = "tensor",
        .doc = "The inverse of a square matrix; nan where it is singular. To solve x y = b use solve.",
        .compose = compose_inv,
        .example = "nn.inv(" A ")",
    },
    {.name = "pinv",
     .args = "x: tensor, rtol: number?",
     .returns = "tensor",
     .doc = "The pseudoinverse (Moore and Penrose's); singular values below rtol times the largest count as 0.",
     .example = "nn.pinv(nn.tensor {{1.0, 0.0}, {0.0, 0.0}, {0.0, 2.0}})",
     .infer = infer_pinv,
     .run = run_pinv,
     .vjp = vjp_pinv,
     .flags = NL_OP_CONTIGUOUS,
     .save = NL_SAVE_IN(0) | NL_SAVE_OUT(0)},
    {
        .name = "lstsq",
        .args = "x: tensor, y: tensor, rtol: number?",
        .returns = "tensor, tensor",
        .doc =
            "The w (the shortest, if there are several) for which |x w - y| is smallest, and the sums of the squared "
            "errors.",
        .compose = compose_lstsq,
        .example = "nn.lstsq(nn.tensor {{1.0, 1.0}, {1.0, 2.0}, {1.0, 3.0}}, nn.tensor {1.0, 2.0, 4.0})",
    },
    {.name = "eig",
     .args = "x: tensor",
     .returns = "tensor, tensor, tensor, tensor",
     .doc = "Eigenvalues and eigenvectors (columns) of any square matrix: real and imaginary values, real and "
            "imaginary vectors. No gradient.",
     .example = "select(2, nn.eig(nn.tensor {{0.0, -1.0}, {1.0, 0.0}}))",
     .infer = infer_eig,
     .run = run_eig,
     .flags = NL_OP_CONTIGUOUS},
    {
        .name = "eigvals",
        .args = "x: tensor",
        .returns = "tensor, tensor",
        .doc = "The eigenvalues of any square matrix: real and imaginary parts. No gradient.",
        .compose = compose_eigvals,
        .flags = NL_OP_NO_GRAD,
        .example = "nn.eigvals(" A ")",
    },
    {.name = "lu",
     .args = "x: tensor",
     .returns = "tensor, tensor, tensor",
     .doc = "x = p l u: a permutation, a lower triangle with ones on its diagonal, an upper triangle. No gradient.",
     .example = "nn.lu(" A ")",
     .infer = infer_lu,
     .run = run_lu,
     .flags = NL_OP_CONTIGUOUS},
    {
        .name = "svdvals",
        .args = "x: tensor",
        .returns = "tensor",
        .doc = "The singular values, largest first.",
        .compose = compose_svdvals,
        .example = "nn.svdvals(" A ")",
    },
    {
        .name = "matrix_rank",
        .args = "x: tensor, rtol: number?",
        .returns = "tensor",
        .doc = "How many singular values are above rtol times the largest.",
        .compose = compose_matrix_rank,
        .flags = NL_OP_NO_GRAD,
        .example = "nn.matrix_rank(nn.ones(3, 3))",
    },
    {
        .name = "matrix_norm",
        .args = "x: tensor, ord: choice = " ORD ", keepdim: bool = false",
        .returns = "tensor",
        .doc = "Frobenius' norm of matrices, the nuclear one, the largest (smallest) column sum 1 (-1), row sum inf "
               "(-inf), "
               "or singular value 2 (-2).",
        .compose = compose_matrix_norm,
        .example = "nn.matrix_norm(" A ", 1)",
    },
    {
        .name = "cond",
        .args = "x: tensor, ord: choice = 2|-2|fro|nuc|1|-1|inf|-inf",
        .returns = "tensor",
        .doc = "The condition number |x| |x^-1| in a matrix_norm.",
        .compose = compose_cond,
        .example = "nn.cond(" A ")",
    },
    {.name = "matrix_exp",
     .args = "x: tensor",
     .returns = "tensor",
     .doc = "The exponential 1 + x + x x / 2 + ... of a square matrix: Higham 2005.",
     .example = "nn.matrix_exp(nn.tensor {{0.0, 1.0}, {0.0, 0.0}})",
     .infer = infer_exp,
     .run = run_exp,
     .vjp = vjp_exp,
     .flags = NL_OP_CONTIGUOUS,
     .save = NL_SAVE_IN(0)},
};

NL_FAMILY(nl_ops_matrix, ops);
