/* Products made of matmul: batches, vectors, tensors; distances and angles between vectors. */
#include <math.h>
#include <string.h>

#include "core/memory.h"
#include "optable/compose.h"
#include "optable/iterate.h"
#include "optable/rules.h"

typedef const int64_t *ints;

NL_ATTRS(tensordot, dims, dims_y)
NL_ATTRS(cross, dim)
NL_ATTRS(blend, beta, alpha)
NL_ATTRS(matrix_power, n)
NL_ATTRS(distance, p)
NL_ATTRS(pairwise_distance, p, eps, keepdim)
NL_ATTRS(cosine_similarity, dim, eps)
NL_ATTRS(normalize, p, dim, eps)
NL_ATTRS(cov, correction)

/* Fails the build unless t has n dims. */
static bool has_dims(nl_build *b, const nl_tensor *t, int n, const char *what) {
  static const char *const names[] = {"a number", "a vector", "a matrix", "a batch of matrices"};
  if (b->status == NL_OK && t->ndim != n) {
    nl_b_fail(b, "%s must be %s, but has shape %s", what, names[n], nl_tensor_shape_string(t).s);
  }
  return b->status == NL_OK;
}
/* bmm 3 x 3, mv 2 x 1, dot 1 x 1: matmul that insists on dims (variant: those of x, then of y) */
NL_COMPOSE(strict) {
  int k = c->op->variant;
  if (has_dims(b, x, k / 10, "x") && has_dims(b, c->in[1], k % 10, "y")) {
    if (k == 33 && x->shape[0] != c->in[1]->shape[0]) {
      nl_b_fail(b, "the batches of shapes %s and %s have different sizes", nl_tensor_shape_string(x).s,
                nl_tensor_shape_string(c->in[1]).s);
    }
    nl_give(c, b_matmul(b, x, c->in[1]));
  }
}
NL_COMPOSE(vdot) {
  nl_tensor *y = c->in[1];
  nl_give(c, b_matmul(b, nl_b_reshape(b, x, 1, (int64_t[]){-1}), nl_b_reshape(b, y, 1, (int64_t[]){-1})));
}
static nl_tensor *contract(nl_build *b, nl_tensor *x, nl_tensor *y, int n, ints from_x, ints from_y);
NL_COMPOSE(inner) {
  nl_tensor *y = c->in[1];
  if (x->ndim == 0 || y->ndim == 0) {
    nl_give(c, b_mul(b, x, y));
    return;
  }
  int64_t a = x->ndim - 1, z = y->ndim - 1;
  nl_give(c, contract(b, x, y, 1, &a, &z));
}

/* Sums products over n pairs of dims (from 0): x with those last times y with those first. */
static nl_tensor *contract(nl_build *b, nl_tensor *x, nl_tensor *y, int n, ints from_x, ints from_y) {
  if (b->status != NL_OK) {
    return NULL;
  }
  bool in_x[NL_MAX_DIM] = {false}, in_y[NL_MAX_DIM] = {false};
  int64_t order_x[NL_MAX_DIM], order_y[NL_MAX_DIM], shape[2 * NL_MAX_DIM], rows = 1, inner = 1, cols = 1;
  int nx = 0, ny = 0, ns = 0;
  for (int i = 0; i < n; i++) {
    if (in_x[from_x[i]] || in_y[from_y[i]]) {
      return nl_b_fail(b, "a dim is summed over twice");
    }
    in_x[from_x[i]] = in_y[from_y[i]] = true;
    int64_t sx = x->shape[from_x[i]], sy = y->shape[from_y[i]];
    if (sx != sy) {
      return nl_b_fail(b,
                       "dim %lld of shape %s and dim %lld of shape %s are summed over together, but have %lld and "
                       "%lld elements",
                       (long long)from_x[i] + 1, nl_tensor_shape_string(x).s, (long long)from_y[i] + 1,
                       nl_tensor_shape_string(y).s, (long long)sx, (long long)sy);
    }
    inner *= sx;
  }
  for (int d = 0; d < x->ndim; d++) {
    if (!in_x[d]) {
      order_x[nx++] = d + 1;
      shape[ns++] = x->shape[d];
      rows *= x->shape[d];
    }
  }
  for (int i = 0; i < n; i++) {
    order_x[nx++] = from_x[i] + 1;
    order_y[ny++] = from_y[i] + 1;
  }
  for (int d = 0; d < y->ndim; d++) {
    if (!in_y[d]) {
      order_y[ny++] = d + 1;
      shape[ns++] = y->shape[d];
      cols *= y->shape[d];
    }
  }
  if (ns > NL_MAX_DIM) {
    return nl_b_fail(b, "the result would have %d dims; at most %d are possible", ns, NL_MAX_DIM);
  }
  nl_tensor *left = nl_b_reshape(b, b_permute(b, x, order_x), 2, (int64_t[]){rows, inner});
  nl_tensor *right = nl_b_reshape(b, b_permute(b, y, order_y), 2, (int64_t[]){inner, cols});
  return nl_b_reshape(b, b_matmul(b, left, right), ns, shape);
}
/* dims: a number: the last so many of x with the first of y; else those of x, and dims_y those of y */
NL_COMPOSE(tensordot) {
  nl_tensor *y = c->in[1];
  int n, m;
  ints dims = nl_call_list(c, tensordot_dims, &n), dims_y = nl_call_list(c, tensordot_dims_y, &m);
  int64_t from_x[NL_MAX_DIM], from_y[NL_MAX_DIM];
  if (!c->attr[tensordot_dims_y].set) {
    int64_t count = c->attr[tensordot_dims].set ? (n == 1 ? dims[0] : -1) : 2;
    if (count < 0 || count > x->ndim || count > y->ndim) {
      nl_b_fail(b, "sums over a number of dims that both have (shapes %s and %s), or over lists {...} and {...}",
                nl_tensor_shape_string(x).s, nl_tensor_shape_string(y).s);
      return;
    }
    n = (int)count;
    for (int i = 0; i < n; i++) {
      from_x[i] = x->ndim - n + i;
      from_y[i] = i;
    }
  } else {
    if (n != m) {
      nl_b_fail(b, "%d dims of x do not go with %d dims of y", n, m);
      return;
    }
    for (int i = 0; i < n; i++) {
      from_x[i] = dim_at(b, dims[i], x->ndim);
      from_y[i] = dim_at(b, dims_y[i], y->ndim);
    }
  }
  if (b->status == NL_OK && n > 0 && (x->ndim == 0 || y->ndim == 0)) {
    nl_b_fail(b, "a 0-dim tensor has no dims to sum over");
  }
  nl_give(c, contract(b, x, y, n, from_x, from_y));
}
/* Every element of x times all of y. */
NL_COMPOSE(kron) {
  nl_tensor *y = c->in[1];
  int n = x->ndim > y->ndim ? x->ndim : y->ndim;
  if (2 * n > NL_MAX_DIM) {
    nl_b_fail(b, "too many dims");
    return;
  }
  int64_t a[NL_MAX_DIM], z[NL_MAX_DIM], joined[NL_MAX_DIM];
  for (int d = 0; d < n; d++) {
    int64_t sx = d < n - x->ndim ? 1 : x->shape[d - (n - x->ndim)],
            sy = d < n - y->ndim ? 1 : y->shape[d - (n - y->ndim)];
    a[2 * d] = sx;
    a[2 * d + 1] = z[2 * d] = 1;
    z[2 * d + 1] = sy;
    if (__builtin_mul_overflow(sx, sy, &joined[d])) {
      nl_b_fail(b, "the result has more elements than can be counted");
      return;
    }
  }
  nl_tensor *t = b_mul(b, nl_b_reshape(b, x, 2 * n, a), nl_b_reshape(b, y, 2 * n, z));
  nl_give(c, nl_b_reshape(b, t, n, joined));
}
NL_COMPOSE(cross) {
  nl_tensor *y = c->in[1];
  int n = x->ndim > y->ndim ? x->ndim : y->ndim, ndim;
  int64_t shape[NL_MAX_DIM];
  b->status = nl_broadcast_shapes(x->ndim, x->shape, y->ndim, y->shape, &ndim, shape);
  int d = dim_at(b, c->attr[cross_dim].i, n);
  if (b->status == NL_OK && (n == 0 || shape[d] != 3)) {
    nl_b_fail(b, "dim %d must have 3 elements in both; the shapes are %s and %s", d + 1, nl_tensor_shape_string(x).s,
              nl_tensor_shape_string(y).s);
  }
  if (b->status != NL_OK) {
    return;
  }
  x = nl_b_expand(b, x, ndim, shape);
  y = nl_b_expand(b, y, ndim, shape);
  nl_tensor *order[2] = {NULL, NULL};
  for (int k = 0; k < 2 && b->status == NL_OK; k++) { /* 2 3 1 and 3 1 2 */
    b->status = nl_tensor_new(NL_I64, 1, (int64_t[]){3}, &order[k]);
    nl_b_own(b, order[k]);
    for (int64_t i = 0; i < 3 && b->status == NL_OK; i++) {
      nl_tensor_set_int(order[k], i, (i + 1 + k) % 3 + 1);
    }
  }
  nl_tensor *first = b_mul(b, b_index_select(b, x, d + 1, order[0]), b_index_select(b, y, d + 1, order[1]));
  nl_tensor *second = b_mul(b, b_index_select(b, x, d + 1, order[1]), b_index_select(b, y, d + 1, order[0]));
  nl_give(c, b_sub(b, first, second));
}

/* ---- sums of a tensor and a product: beta input + alpha product ---- */

static nl_tensor *scaled(nl_build *b, nl_tensor *x, double factor) {
  bool whole = x && !nl_dtype_is_float(nl_tensor_dtype(x)) && factor == floor(factor) && fabs(factor) < 0x1p53;
  nl_tensor *number = nl_b_number(b, factor); /* integers times an integer are integers */
  return factor == 1 ? x : b_mul(b, x, whole ? nl_b_cast(b, number, NL_I64) : number);
}
static nl_tensor *blended(nl_build *b, nl_tensor *input, nl_tensor *product, double beta, double alpha) {
  product = scaled(b, product, alpha);
  if (beta == 0) { /* what input holds, even nan, does not count */
    return product;
  }
  return b_add(b, scaled(b, input, beta), product);
}
/* variant: dims of the factors; 11: outer; 330: summed over the batch */
NL_COMPOSE(add_product) {
  nl_tensor *y = c->in[1], *z = c->in[2], *p;
  int k = c->op->variant;
  if (!has_dims(b, y, k == 330 ? 3 : k / 10, "x") || !has_dims(b, z, k == 330 ? 3 : k % 10, "y")) {
    return;
  }
  if (k == 11) {
    p = b_mul(b, b_unsqueeze(b, y, 2), z);
  } else {
    p = b_matmul(b, y, z);
    p = k == 330 ? nl_b_sum(b, p, 1, (int64_t[]){1}, false) : p;
  }
  nl_give(c, blended(b, x, p, c->attr[blend_beta].number, c->attr[blend_alpha].number));
}

/* ---- chains and powers ---- */

NL_COMPOSE(matrix_power) {
  int64_t n = c->attr[matrix_power_n].i;
  if (x->ndim < 2 || x->shape[x->ndim - 1] != x->shape[x->ndim - 2]) {
    nl_b_fail(b, "needs a square matrix (or a batch of them), but got shape %s", nl_tensor_shape_string(x).s);
    return;
  }
  nl_tensor *base = n < 0 ? b_inv(b, x) : x, *result = NULL;
  uint64_t k = n < 0 ? 0 - (uint64_t)n : (uint64_t)n;
  for (; k; k >>= 1) {
    if (k & 1) {
      result = result ? b_matmul(b, result, base) : base;
    }
    base = k > 1 ? b_matmul(b, base, base) : base;
  }
  if (n == 0) {
    nl_tensor *one = b_eye(b, x->shape[x->ndim - 1], nl_tensor_dtype(x));
    result = b_clone(b, nl_b_expand(b, one, x->ndim, x->shape));
  }
  nl_give(c, result == x ? b_clone(b, x) : result);
}
/* The order with the fewest multiplications (Cormen et al., matrix-chain multiplication). */
enum { MAX_CHAIN = 64 };
static nl_tensor *chain(nl_build *b, nl_tensor **m, int (*cut)[MAX_CHAIN], int i, int j) {
  return i == j ? m[i] : b_matmul(b, chain(b, m, cut, i, cut[i][j]), chain(b, m, cut, cut[i][j] + 1, j));
}
NL_COMPOSE(multi_dot) {
  (void)x;
  int n = c->nin;
  if (n < 1 || n > MAX_CHAIN) {
    nl_b_fail(b, "multiplies 1 to %d matrices, not %d", MAX_CHAIN, n);
    return;
  }
  double cost[MAX_CHAIN][MAX_CHAIN] = {{0}};
  int cut[MAX_CHAIN][MAX_CHAIN];
  for (int i = 0; i < n; i++) {
    bool end = i == 0 || i == n - 1;
    if (c->in[i]->ndim != 2 && !(end && c->in[i]->ndim == 1)) {
      nl_b_fail(b, "tensor %d has shape %s; all must be matrices (the first and the last may be vectors)", i + 1,
                nl_tensor_shape_string(c->in[i]).s);
      return;
    }
  }
  for (int length = 2; length <= n; length++) {
    for (int i = 0; i + length <= n; i++) {
      int j = i + length - 1;
      cost[i][j] = INFINITY;
      double rows = c->in[i]->ndim == 2 ? (double)c->in[i]->shape[0] : 1;
      double cols = c->in[j]->ndim == 2 ? (double)c->in[j]->shape[1] : 1;
      for (int k = i; k < j; k++) {
        double here = cost[i][k] + cost[k + 1][j] + rows * cols * (double)c->in[k]->shape[c->in[k]->ndim - 1];
        if (here < cost[i][j]) {
          cost[i][j] = here;
          cut[i][j] = k;
        }
      }
    }
  }
  nl_tensor *t = chain(b, c->in, cut, 0, n - 1);
  nl_give(c, n == 1 ? b_clone(b, t) : t);
}

/* ---- distances and angles ---- */

/* The p-norm over the last dim. Near 0 the gradient of the 2-norm is taken as 0. */
static nl_tensor *vector_length(nl_build *b, nl_tensor *t, double p) {
  return nl_b_do(b, op_norm(), "tnlb", t, p, 1, (int64_t[]){-1}, 0);
}
NL_COMPOSE(cdist) {
  nl_tensor *y = c->in[1];
  if (x->ndim < 2 || y->ndim < 2 || x->shape[x->ndim - 1] != y->shape[y->ndim - 1]) {
    nl_b_fail(b, "takes rows of points with equal numbers of coordinates, but got shapes %s and %s",
              nl_tensor_shape_string(x).s, nl_tensor_shape_string(y).s);
    return;
  }
  nl_give(c, vector_length(b, b_sub(b, b_unsqueeze(b, x, -2), b_unsqueeze(b, y, -3)), c->attr[distance_p].number));
}
NL_COMPOSE(pdist) {
  if (!has_dims(b, x, 2, "x")) {
    return;
  }
  nl_tensor *pairs = nl_b_do(b, op_triu_indices(), "i-i", x->shape[0], (int64_t)1);
  nl_tensor *i = b_select(b, pairs, 1, 1);
  nl_tensor *k = b_select(b, pairs, 1, 2);
  nl_give(c, vector_length(b, b_sub(b, b_index_select(b, x, 1, i), b_index_select(b, x, 1, k)),
                           c->attr[distance_p].number));
}
NL_COMPOSE(pairwise_distance) {
  nl_tensor *d = b_plus(b, b_sub(b, b_wide(b, x), c->in[1]), c->attr[pairwise_distance_eps].number);
  nl_give(c, nl_b_do(b, op_norm(), "tnlb", d, c->attr[pairwise_distance_p].number, 1, (int64_t[]){-1},
                     (int)c->attr[pairwise_distance_keepdim].b));
}
NL_COMPOSE(dist) {
  nl_give(c, nl_b_do(b, op_norm(), "tn", b_sub(b, b_wide(b, x), c->in[1]), c->attr[distance_p].number));
}
NL_COMPOSE(cosine_similarity) {
  nl_tensor *y = c->in[1];
  int ndim;
  int64_t shape[NL_MAX_DIM], dim = c->attr[cosine_similarity_dim].i;
  double eps = c->attr[cosine_similarity_eps].number;
  b->status = nl_broadcast_shapes(x->ndim, x->shape, y->ndim, y->shape, &ndim, shape);
  if (b->status != NL_OK) {
    return;
  }
  x = nl_b_expand(b, x, ndim, shape);
  y = nl_b_expand(b, y, ndim, shape);
  /* each is brought to length 1 before they meet: the product of long ones may be no number */
  nl_tensor *least = nl_b_number(b, eps);
  x = b_div(b, x, b_maximum(b, nl_b_do(b, op_norm(), "tnlb", x, 2.0, 1, &dim, 1), least));
  y = b_div(b, y, b_maximum(b, nl_b_do(b, op_norm(), "tnlb", y, 2.0, 1, &dim, 1), least));
  nl_give(c, nl_b_sum(b, b_mul(b, x, y), 1, &dim, false));
}
NL_COMPOSE(normalize) {
  int64_t dim = c->attr[normalize_dim].i;
  nl_tensor *n = nl_b_do(b, op_norm(), "tnlb", x, c->attr[normalize_p].number, 1, &dim, 1);
  nl_give(c, b_div(b, x, b_maximum(b, n, nl_b_number(b, c->attr[normalize_eps].number))));
}

/* Rows are variables, columns observations. */
static nl_tensor *covariance(nl_build *b, nl_tensor *x, double correction) {
  b->status = b->status == NL_OK && x->ndim > 2
                  ? nl_fail("rows are variables and columns observations: a matrix (or a vector), but got shape %s",
                            nl_tensor_shape_string(x).s)
                  : b->status;
  nl_tensor *t = nl_b_reshape(b, x, 2, (int64_t[]){x->ndim == 2 ? x->shape[0] : 1, -1});
  nl_tensor *centred = b_sub(b, t, nl_b_do(b, op_mean(), "tlb", t, 1, (int64_t[]){2}, 1));
  nl_tensor *product = b_matmul(b, centred, nl_b_transpose(b, centred, 1, 2));
  double count = (b->status == NL_OK ? (double)t->shape[1] : 1) - correction;
  return b_times(b, product, count > 0 ? 1 / count : INFINITY);
}
NL_COMPOSE(cov) {
  nl_tensor *t = covariance(b, x, c->attr[cov_correction].number);
  nl_give(c, x->ndim < 2 ? nl_b_reshape(b, t, 0, NULL) : t);
}
NL_COMPOSE(corrcoef) {
  nl_tensor *t = covariance(b, x, 1), *spread = b_sqrt(b, nl_b1(b, op_diagonal(), t));
  nl_tensor *share = b_div(b, b_div(b, t, b_unsqueeze(b, spread, 2)), spread);
  nl_give(c, x->ndim < 2 ? nl_b_reshape(b, share, 0, NULL) : share);
}

#define XY "x: tensor, y: tensor"
#define BLEND "input: tensor, x: tensor, y: tensor, beta: number = 1, alpha: number = 1"
#define A "nn.tensor {{1.0, 2.0}, {3.0, 4.0}}"
#define V "nn.tensor {1.0, 2.0}"

static const nl_op ops[] = {
    {
        .name = "bmm",
        .args = XY,
        .returns = "tensor",
        .doc = "Products of the matrices of two batches.",
        .compose = compose_strict,
        .variant = 33,
        .example = "nn.bmm(nn.ones(2, 1, 3), nn.ones(2, 3, 1)).shape",
    },
    {
        .name = "mv",
        .args = XY,
        .returns = "tensor",
        .doc = "A matrix times a vector.",
        .compose = compose_strict,
        .variant = 21,
        .example = "nn.mv(" A ", " V ")",
    },
    {
        .name = "mm",
        .args = XY,
        .returns = "tensor",
        .doc = "A matrix times a matrix.",
        .compose = compose_strict,
        .variant = 22,
        .example = "nn.mm(" A ", " A ")",
    },
    {
        .name = "dot",
        .args = XY,
        .returns = "tensor",
        .doc = "The sum of the products of two vectors.",
        .compose = compose_strict,
        .variant = 11,
        .example = "nn.dot(" V ", " V ")",
    },
    {
        .name = "vdot",
        .args = XY,
        .returns = "tensor",
        .doc = "dot of the flattened tensors.",
        .compose = compose_vdot,
        .example = "nn.vdot(" A ", " A ")",
    },
    {
        .name = "inner",
        .args = XY,
        .returns = "tensor",
        .doc = "Sums of products over the last dims.",
        .compose = compose_inner,
        .example = "nn.inner(" A ", " V ")",
    },
    {
        .name = "tensordot",
        .args = "x: tensor, y: tensor, dims: dims?, dims_y: dims?",
        .attrs = tensordot_attrs,
        .returns = "tensor",
        .doc = "Sums of products over so many dims (the last of x, the first of y; 2 unless said), or over two lists "
               "of dims.",
        .compose = compose_tensordot,
        .example = "nn.tensordot(" A ", " A ", {2}, {1})",
    },
    {
        .name = "kron",
        .args = XY,
        .returns = "tensor",
        .doc = "Kronecker's product: every element of x times all of y.",
        .compose = compose_kron,
        .example = "nn.kron(" V ", nn.tensor {1.0, 10.0})",
    },
    {
        .name = "cross",
        .args = "x: tensor, y: tensor, dim: dim = -1",
        .attrs = cross_attrs,
        .returns = "tensor",
        .doc = "The cross product of vectors of 3 elements along a dim.",
        .compose = compose_cross,
        .example = "nn.cross(nn.tensor {1.0, 0.0, 0.0}, nn.tensor {0.0, 1.0, 0.0})",
    },
    {
        .name = "baddbmm",
        .args = BLEND,
        .attrs = blend_attrs,
        .returns = "tensor",
        .doc = "beta input + alpha x y for batches of matrices.",
        .compose = compose_add_product,
        .variant = 33,
        .example = "nn.baddbmm(nn.ones(1, 1), nn.ones(2, 1, 3), nn.ones(2, 3, 1)).shape",
    },
    {
        .name = "addbmm",
        .args = BLEND,
        .attrs = blend_attrs,
        .returns = "tensor",
        .doc = "beta input + alpha times the sum of the products of the matrices of two batches.",
        .compose = compose_add_product,
        .variant = 330,
        .example = "nn.addbmm(nn.ones(1, 1), nn.ones(2, 1, 3), nn.ones(2, 3, 1))",
    },
    {
        .name = "addmv",
        .args = BLEND,
        .attrs = blend_attrs,
        .returns = "tensor",
        .doc = "beta input + alpha x y for a matrix and a vector.",
        .compose = compose_add_product,
        .variant = 21,
        .example = "nn.addmv(" V ", " A ", " V ")",
    },
    {
        .name = "addr",
        .args = BLEND,
        .attrs = blend_attrs,
        .returns = "tensor",
        .doc = "beta input + alpha times the outer product of two vectors.",
        .compose = compose_add_product,
        .variant = 11,
        .example = "nn.addr(nn.zeros(2, 2), " V ", " V ")",
    },
    {
        .name = "matrix_power",
        .args = "x: tensor, n: int",
        .attrs = matrix_power_attrs,
        .returns = "tensor",
        .doc = "A square matrix multiplied n times; of negative n, its inverse.",
        .compose = compose_matrix_power,
        .example = "nn.matrix_power(" A ", 3)",
    },
    {
        .name = "multi_dot",
        .args = "tensors: tensors",
        .returns = "tensor",
        .doc = "The product of a list of matrices, in the order that costs least.",
        .compose = compose_multi_dot,
        .example = "nn.multi_dot {" A ", " A ", " V "}",
    },
    {
        .name = "cdist",
        .args = "x: tensor, y: tensor, p: number = 2",
        .attrs = distance_attrs,
        .returns = "tensor",
        .doc = "The distances (p-norm) between all rows of x and all rows of y.",
        .compose = compose_cdist,
        .example = "nn.cdist(" A ", nn.zeros(1, 2))",
    },
    {
        .name = "pdist",
        .args = "x: tensor, p: number = 2",
        .attrs = distance_attrs,
        .returns = "tensor",
        .doc = "The distances between all pairs of rows, in the order of combinations.",
        .compose = compose_pdist,
        .example = "nn.pdist(" A ")",
    },
    {
        .name = "pairwise_distance",
        .args = "x: tensor, y: tensor, p: number = 2, eps: number = 1e-6, keepdim: bool = false",
        .attrs = pairwise_distance_attrs,
        .returns = "tensor",
        .doc = "The p-norm of x - y + eps over the last dim.",
        .compose = compose_pairwise_distance,
        .example = "nn.pairwise_distance(" A ", " V ")",
    },
    {
        .name = "dist",
        .args = "x: tensor, y: tensor, p: number = 2",
        .attrs = distance_attrs,
        .returns = "tensor",
        .doc = "The p-norm of x - y over all elements.",
        .compose = compose_dist,
        .example = "nn.dist(" A ", " V ")",
    },
    {
        .name = "cosine_similarity",
        .args = "x: tensor, y: tensor, dim: dim = 2, eps: number = 1e-8",
        .attrs = cosine_similarity_attrs,
        .returns = "tensor",
        .doc = "The cosine of the angle between vectors along a dim; norms below eps count as eps.",
        .compose = compose_cosine_similarity,
        .example = "nn.cosine_similarity(" A ", " V ")",
    },
    {
        .name = "normalize",
        .args = "x: tensor, p: number = 2, dim: dim = 2, eps: number = 1e-12",
        .attrs = normalize_attrs,
        .returns = "tensor",
        .doc = "x divided by its p-norm along a dim.",
        .compose = compose_normalize,
        .example = "nn.normalize(nn.tensor {{3.0, 4.0}})",
    },
    {
        .name = "cov",
        .args = "x: tensor, correction: number = 1",
        .attrs = cov_attrs,
        .returns = "tensor",
        .doc = "The covariances of variables (rows) over observations (columns).",
        .compose = compose_cov,
        .example = "nn.cov(" A ")",
    },
    {
        .name = "corrcoef",
        .args = "x: tensor",
        .returns = "tensor",
        .doc = "The correlations of variables (rows) over observations (columns).",
        .compose = compose_corrcoef,
        .example = "nn.corrcoef(" A ")",
    },
};

NL_FAMILY(product, ops);
