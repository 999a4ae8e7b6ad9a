/* Linear algebra on top of the factorizations: systems, determinants, inverses, least squares. */
#include <float.h>
#include <math.h>
#include <string.h>

#include "core/interrupt.h"
#include "kernels/lapack.h"
#include "ops/linalg/linalg.h"
#include "optable/compose.h"
#include "optable/rules.h"

NL_ATTRS(solve_triangular, upper, transpose, unitriangular)
NL_ATTRS(pinv, rtol)

static nl_tensor *symmetric(nl_build *b, nl_tensor *x) {
  b->status = nl_check_matrix(x, true);
  return b_times(b, b_add(b, x, nl_turned(b, x)), 0.5);
}
static nl_tensor *identity(nl_build *b, const nl_tensor *x) {
  if (b->status != NL_OK) {
    return NULL;
  }
  nl_tensor *one = b_eye(b, x->shape[x->ndim - 1], nl_tensor_dtype(x));
  return nl_b_expand(b, one, x->ndim, x->shape);
}

/* ---- of symmetric matrices ---- */

NL_COMPOSE(eigh) {
  nl_tensor *s = symmetric(b, x);
  nl_call k;
  nl_call_init(&k, op_eigh_lower(), 1, NULL);
  k.in[0] = s;
  nl_b_call(b, &k);
  nl_give2(c, k.out[0], k.out[1]);
}
NL_COMPOSE(eigvalsh) {
  nl_give(c, nl_b_result(b, op_eigh_lower(), symmetric(b, x), 0));
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
  nl_matrix_workspace(c, (size_t)t->shape[t->ndim - 1] * (size_t)y->shape[y->ndim - 1]);
  return NL_OK;
}
static void run_triangular(nl_call *c) {
  const nl_keeper keeper = nl_workspace_keeper(c);
  nl_matrices a = nl_matrices_of(c->rin[0]);
  nl_tensor *y = c->rin[1];
  int k = (int)y->shape[y->ndim - 1];
  double *t = c->workspace->storage->data, *x = t + (size_t)a.n * (size_t)a.n;
  for (int64_t i = 0; i < a.batch && !nl_interrupt_pending(); i++) {
    nl_matrix_read(c->rin[0], i, a.n, a.n, t);
    nl_matrix_read(y, i, a.n, k, x);
    bool failed =
        nl_lapack_triangular(&keeper, a.n, k, c->attr[solve_triangular_upper].b, c->attr[solve_triangular_transpose].b,
                             c->attr[solve_triangular_unitriangular].b, t, x) != 0;
    nl_matrix_write(c->out[0], i, a.n, k, x, failed);
  }
}
/* With x = t^-1 y: gy = t^-T g, and gt = -gy x^T within the triangle that was read. */
static nl_status vjp_triangular(nl_call *c, nl_vjp *v) {
  nl_build *b = v->build;
  bool upper = c->attr[solve_triangular_upper].b, transpose = c->attr[solve_triangular_transpose].b,
       unit = c->attr[solve_triangular_unitriangular].b;
  nl_tensor *gy =
      nl_b_do(b, op_solve_triangular(), "ttbbb", c->in[0], v->gout[0], (int)upper, (int)!transpose, (int)unit);
  v->gin[1] = gy;
  if (v->need[0]) {
    nl_tensor *x = c->out[0];
    nl_tensor *t = b_neg(b, transpose ? b_matmul(b, x, nl_turned(b, gy)) : b_matmul(b, gy, nl_turned(b, x)));
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
    nl_matrix_workspace(c, (size_t)x->shape[x->ndim - 1]);
  }
  return status;
}
static void run_slogdet(nl_call *c) {
  const nl_keeper keeper = nl_workspace_keeper(c);
  nl_matrices a = nl_matrices_of(c->rin[0]);
  double *x = c->workspace->storage->data;
  int *pivots = (int *)(void *)(x + (size_t)a.n * (size_t)a.n);
  for (int64_t i = 0; i < a.batch && !nl_interrupt_pending(); i++) {
    nl_matrix_read(c->rin[0], i, a.n, a.n, x);
    bool missing = nl_lapack_lu(&keeper, a.n, x, pivots) < 0;
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
    v->gin[0] = b_mul(b, g, nl_turned(b, b_inv(b, c->in[0])));
  }
  return b->status;
}
NL_COMPOSE(det) {
  nl_call k;
  nl_call_init(&k, op_slogdet(), 1, NULL);
  k.in[0] = x;
  nl_b_call(b, &k);
  nl_give(c, b_mul(b, k.out[0], b_exp(b, k.out[1])));
}
NL_COMPOSE(logdet) {
  nl_call k;
  nl_call_init(&k, op_slogdet(), 1, NULL);
  k.in[0] = x;
  nl_b_call(b, &k);
  nl_give(c, b_where(b, b_lt(b, k.out[0], nl_b_number(b, 0)), nl_b_number(b, NAN), k.out[1]));
}

/* ---- inverses and least squares ---- */

NL_COMPOSE(inv) {
  b->status = nl_check_matrix(x, true);
  nl_give(c, b_solve(b, x, b_clone(b, identity(b, x))));
}

/* v diag(1/s) u^T, singular values below rtol times the largest left out */
static nl_status infer_pinv(nl_call *c) {
  nl_status status = nl_check_matrix(c->in[0], false);
  if (status == NL_OK) {
    nl_matrices a = nl_matrices_of(c->in[0]);
    nl_matrix_result(c, 0, a.n, a.m);
    nl_matrix_divide_workspace(c, (size_t)a.k * (2 * (size_t)a.m + (size_t)a.n + 1) + (size_t)a.m * (size_t)a.n);
  }
  return status;
}
/* to (cols x rows) = from (rows x cols) turned, column-major */
static void turn(size_t rows, size_t cols, const double *from, double *to) {
  for (size_t r = 0; r < rows; r++) {
    for (size_t k = 0; k < cols; k++) {
      to[r * cols + k] = from[k * rows + r];
    }
  }
}
static void run_pinv(nl_call *c) {
  const nl_keeper keeper = nl_workspace_keeper(c);
  nl_matrices a = nl_matrices_of(c->rin[0]);
  double rtol = c->attr[pinv_rtol].set ? c->attr[pinv_rtol].number : nl_default_rtol(c->rin[0]);
  size_t m = (size_t)a.m, n = (size_t)a.n, k = (size_t)a.k;
  double *x = c->workspace->storage->data, *u = x + m * n, *s = u + m * k, *vt = s + k, *out = vt + k * n,
         *ut = out + m * n, *work = ut + m * k;
  for (int64_t i = 0; i < a.batch && !nl_interrupt_pending(); i++) {
    nl_matrix_read(c->rin[0], i, a.m, a.n, x);
    bool failed = false;
    for (size_t j = 0; j < m * n; j++) {
      failed = failed || !isfinite(x[j]);
    }
    failed = failed || nl_lapack_svd(&keeper, a.m, a.n, x, u, s, vt, work) != 0;
    if (!failed) { /* out = (vt^T / s) u^T; x is free */
      double *scaled = x;
      for (size_t r = 0; r < k; r++) {
        bool counts = s[r] > rtol * s[0];
        for (size_t l = 0; l < n; l++) {
          scaled[r * n + l] = counts ? vt[l * k + r] / s[r] : 0;
        }
      }
      turn(m, k, u, ut);
      nl_matrix_multiply(a.n, a.m, a.k, scaled, ut, out);
    }
    nl_matrix_write(c->out[0], i, a.n, a.m, out, failed);
  }
}
/* Golub & Pereyra 1973, with p = x^+: gx = -p^T g p^T + (1 - x p) g^T p^T... for a matrix of constant rank. */
static nl_status vjp_pinv(nl_call *c, nl_vjp *v) {
  nl_build *b = v->build;
  nl_tensor *x = c->in[0], *p = c->out[0], *pt = nl_turned(b, p), *gt = nl_turned(b, v->gout[0]);
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
  nl_attr rtol = c->attr[pinv_rtol];
  nl_tensor *p = rtol.set ? nl_b_do(b, op_pinv(), "tn", x, rtol.number) : nl_b1(b, op_pinv(), x);
  nl_tensor *solution = b_matmul(b, p, y), *error = b_sub(b, b_matmul(b, x, solution), y);
  int64_t rows = y->ndim == 1 || y->ndim < x->ndim ? -1 : -2;
  nl_tensor *squares = nl_b_sum(b, b_square(b, error), 1, &rows, false);
  nl_give2(c, solution, squares);
}

#define A "nn.tensor {{2.0, 0.0}, {1.0, 4.0}}"
#define S "nn.tensor {{2.0, 1.0}, {1.0, 2.0}}"

static const nl_op ops[] = {
    {
        .name = "eigh",
        .args = "x: tensor",
        .returns = "tensor, tensor",
        .doc = "Eigenvalues (smallest first) and eigenvectors (columns) of a symmetric matrix. The gradient of the "
               "vectors needs distinct values.",
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
     .attrs = solve_triangular_attrs,
     .returns = "tensor",
     .doc = "The x with t x = y (t^T x = y, if transpose), of a triangular t; the other triangle is not read. nan "
            "where t is singular.",
     .example = "nn.solve_triangular(" A ", nn.tensor {{2.0}, {5.0}})",
     .infer = infer_triangular,
     .run = run_triangular,
     .vjp = vjp_triangular,
     .flags = NL_OP_LAPACK | NL_OP_CONTIGUOUS,
     .save = NL_SAVE_IN(0) | NL_SAVE_OUT(0)},
    {.name = "slogdet",
     .args = "x: tensor",
     .returns = "tensor, tensor",
     .doc = "The sign of the determinant, and the logarithm of its size; 0 and -inf where x is singular.",
     .example = "nn.slogdet(" A ")",
     .infer = infer_slogdet,
     .run = run_slogdet,
     .vjp = vjp_slogdet,
     .flags = NL_OP_LAPACK | NL_OP_CONTIGUOUS,
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
     .attrs = pinv_attrs,
     .returns = "tensor",
     .doc = "The pseudoinverse (Moore and Penrose's); singular values below rtol times the largest count as 0.",
     .example = "nn.pinv(nn.tensor {{1.0, 0.0}, {0.0, 0.0}, {0.0, 2.0}})",
     .infer = infer_pinv,
     .run = run_pinv,
     .vjp = vjp_pinv,
     .flags = NL_OP_LAPACK | NL_OP_CONTIGUOUS,
     .save = NL_SAVE_IN(0) | NL_SAVE_OUT(0)},
    {
        .name = "lstsq",
        .args = "x: tensor, y: tensor, rtol: number?",
        .attrs = pinv_attrs,
        .returns = "tensor, tensor",
        .doc =
            "The w (the shortest, if there are several) for which |x w - y| is smallest, and the sums of the squared "
            "errors.",
        .compose = compose_lstsq,
        .example = "nn.lstsq(nn.tensor {{1.0, 1.0}, {1.0, 2.0}, {1.0, 3.0}}, nn.tensor {1.0, 2.0, 4.0})",
    },
};
NL_FAMILY(matrix, ops);
