/* What eigenvalues and singular values tell of a matrix: ranks, norms, conditions; and its exponential. */
#include <float.h>
#include <math.h>
#include <string.h>

#include "core/interrupt.h"
#include "kernels/lapack.h"
#include "ops/linalg/linalg.h"
#include "optable/compose.h"
#include "optable/rules.h"

NL_ATTRS(matrix_rank, rtol)
NL_ATTRS(matrix_norm, ord, keepdim)
NL_ATTRS(cond, ord)

/* ---- eigenvalues of any matrix ---- */

static nl_status infer_eig(nl_call *c) {
  nl_status status = nl_check_matrix(c->in[0], true);
  if (status == NL_OK) {
    nl_matrices a = nl_matrices_of(c->in[0]);
    for (int i = 0; i < 4; i++) {
      nl_matrix_result(c, i, a.n, i < 2 ? -1 : a.n);
    }
    nl_matrix_workspace(c, (size_t)a.n * (3 * (size_t)a.n + 2));
  }
  return status;
}
static void run_eig(nl_call *c) {
  const nl_keeper keeper = nl_workspace_keeper(c);
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
    failed = failed || nl_lapack_eig(&keeper, a.n, x, values, values + n, v, work) != 0;
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
  nl_give2(c, k.out[0], k.out[1]);
}

/* ---- ranks, norms, conditions ---- */

NL_COMPOSE(svdvals) {
  nl_give(c, nl_b_result(b, op_svd(), x, 1));
}
NL_COMPOSE(matrix_rank) {
  b->status = nl_check_matrix(x, false);
  nl_tensor *s = nl_b_result(b, op_svd(), x, 1);
  if (b->status != NL_OK) {
    return;
  }
  double rtol = c->attr[matrix_rank_rtol].set ? c->attr[matrix_rank_rtol].number : nl_default_rtol(x);
  int64_t last = -1;
  nl_tensor *most = s->shape[s->ndim - 1] ? nl_b_do(b, op_amax(), "tlb", s, 1, &last, 1) : nl_b_number(b, 0);
  nl_give(c, nl_b_sum(b, b_gt(b, s, b_times(b, most, rtol)), 1, &last, false));
}
enum { FRO, NUC, ONE, MINUS_ONE, TWO, MINUS_TWO, INF, MINUS_INF };
NL_COMPOSE(matrix_norm) {
  int64_t ord = c->attr[matrix_norm_ord].i, last = -1, sides[2] = {-2, -1};
  int keep = c->attr[matrix_norm_keepdim].b;
  b->status = nl_check_matrix(x, false);
  nl_tensor *t;
  if (ord == FRO) {
    nl_give(c, nl_b_do(b, op_norm(), "tnlb", x, 2.0, 2, sides, keep));
    return;
  }
  if (ord == NUC || ord == TWO || ord == MINUS_TWO) {
    t = nl_b_result(b, op_svd(), x, 1);
  } else {
    int64_t over = ord == ONE || ord == MINUS_ONE ? -2 : -1;
    t = nl_b_sum(b, b_abs(b, x), 1, &over, false);
  }
  if (ord == NUC) {
    t = nl_b_sum(b, t, 1, &last, false);
  } else {
    bool least = ord == MINUS_ONE || ord == MINUS_TWO || ord == MINUS_INF;
    t = nl_b_do(b, least ? op_amin() : op_amax(), "tlb", t, 1, &last, 0);
  }
  nl_give(c, keep ? b_unsqueeze(b, b_unsqueeze(b, t, -1), -1) : t);
}
NL_COMPOSE(cond) {
  int64_t ord = c->attr[cond_ord].i, last = -1;
  if (ord == 0 || ord == 1) { /* 2, -2: by singular values */
    nl_tensor *s = nl_b_result(b, op_svd(), x, 1);
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

static void multiply_square(int n, const double *a, const double *z, double *out) {
  nl_matrix_multiply(n, n, n, a, z, out);
}
static nl_status infer_exp(nl_call *c) {
  nl_status status = nl_check_matrix(c->in[0], true);
  if (status == NL_OK) {
    nl_matrices a = nl_matrices_of(c->in[0]);
    nl_rule_like(c, 0, c->in[0], nl_tensor_dtype(c->in[0]));
    nl_matrix_workspace(c, 6 * (size_t)a.n * (size_t)a.n);
  }
  return status;
}
/* Scaling and squaring with Pade's approximant of degree 13 (Higham 2005). */
static void run_exp(nl_call *c) {
  const nl_keeper keeper = nl_workspace_keeper(c);
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
    if (nl_interrupt_pending()) {
      return;
    }
    multiply_square(n, a, a, a2);
    multiply_square(n, a2, a2, a4);
    multiply_square(n, a4, a2, a6);
    if (nl_interrupt_pending()) {
      return;
    }
    for (size_t k = 0; k < size; k++) {
      t[k] = p[13] * a6[k] + p[11] * a4[k] + p[9] * a2[k];
    }
    multiply_square(n, a6, t, v);
    if (nl_interrupt_pending()) {
      return;
    }
    for (size_t k = 0; k < size; k++) {
      v[k] += p[7] * a6[k] + p[5] * a4[k] + p[3] * a2[k] + (k % ((size_t)n + 1) == 0 ? p[1] : 0);
    }
    multiply_square(n, a, v, u);
    for (size_t k = 0; k < size; k++) {
      t[k] = p[12] * a6[k] + p[10] * a4[k] + p[8] * a2[k];
    }
    multiply_square(n, a6, t, v);
    for (size_t k = 0; k < size; k++) {
      v[k] += p[6] * a6[k] + p[4] * a4[k] + p[2] * a2[k] + (k % ((size_t)n + 1) == 0 ? p[0] : 0);
      t[k] = v[k] - u[k];
      v[k] += u[k];
    }
    failed = failed || nl_lapack_solve(&keeper, n, n, t, v, work) != 0;
    for (int k = 0; k < squarings && !failed && !nl_interrupt_pending(); k++) {
      multiply_square(n, v, v, t);
      memcpy(v, t, size * sizeof *v);
    }
    nl_matrix_write(c->out[0], i, n, n, v, failed);
  }
}
/* The upper right block of exp([x^T g; 0 x^T]) (Mathias 1996). */
static nl_status vjp_matrix_exp(nl_call *c, nl_vjp *v) {
  nl_build *b = v->build;
  nl_tensor *xt = nl_turned(b, c->in[0]);
  int64_t n = c->in[0]->shape[c->in[0]->ndim - 1];
  if (b->status != NL_OK) {
    return b->status;
  }
  nl_tensor *zeros = nl_b_zeros(b, nl_tensor_dtype(xt), xt->ndim, xt->shape);
  nl_tensor *upper = b_cat(b, xt, v->gout[0], -1), *lower = b_cat(b, zeros, xt, -1);
  nl_tensor *e = nl_b1(b, op_matrix_exp(), b_cat(b, upper, lower, -2));
  v->gin[0] = b_narrow(b, b_narrow(b, e, -2, 1, n), -1, n + 1, n);
  return b->status;
}

#define A "nn.tensor {{2.0, 0.0}, {1.0, 4.0}}"
#define ORD "fro|nuc|1|-1|2|-2|inf|-inf"

static const nl_op ops[] = {
    {.name = "eig",
     .args = "x: tensor",
     .returns = "tensor, tensor, tensor, tensor",
     .doc = "Eigenvalues and eigenvectors (columns) of any square matrix: real and imaginary values, real and "
            "imaginary vectors.",
     .example = "select(2, nn.eig(nn.tensor {{0.0, -1.0}, {1.0, 0.0}}))",
     .infer = infer_eig,
     .run = run_eig,
     .flags = NL_OP_LAPACK | NL_OP_CONTIGUOUS},
    {
        .name = "eigvals",
        .args = "x: tensor",
        .returns = "tensor, tensor",
        .doc = "The eigenvalues of any square matrix: real and imaginary parts.",
        .compose = compose_eigvals,
        .flags = NL_OP_NO_GRAD,
        .example = "nn.eigvals(" A ")",
    },
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
        .attrs = matrix_rank_attrs,
        .returns = "tensor",
        .doc = "How many singular values are above rtol times the largest.",
        .compose = compose_matrix_rank,
        .flags = NL_OP_NO_GRAD,
        .example = "nn.matrix_rank(nn.ones(3, 3))",
    },
    {
        .name = "matrix_norm",
        .args = "x: tensor, ord: choice = " ORD ", keepdim: bool = false",
        .attrs = matrix_norm_attrs,
        .returns = "tensor",
        .doc = "Frobenius' norm of matrices, the nuclear one, the largest (smallest) column sum 1 (-1), row sum inf "
               "(-inf), or singular value 2 (-2).",
        .compose = compose_matrix_norm,
        .example = "nn.matrix_norm(" A ", 1)",
    },
    {
        .name = "cond",
        .args = "x: tensor, ord: choice = 2|-2|fro|nuc|1|-1|inf|-inf",
        .attrs = cond_attrs,
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
     .vjp = vjp_matrix_exp,
     .flags = NL_OP_LAPACK | NL_OP_CONTIGUOUS,
     .save = NL_SAVE_IN(0)},
};
NL_FAMILY(spectral, ops);
