/* Ops that put elements into other or larger places, made of other ops: diagonals, triangles, margins, windows, parts
   replaced. Dims in the calls below count from 1, as in Lua. */
#include <string.h>

#include "optable/compose.h"
#include "optable/promote.h"
#include "optable/rules.h"

typedef const int64_t *ints;

NL_ATTRS(diagonal, offset, dim1, dim2)
NL_ATTRS(diag, diagonal)
NL_ATTRS(pad, pad, mode, value)
NL_ATTRS(unfold, dim, size, step)
NL_ATTRS(select_scatter, dim, index)
NL_ATTRS(slice_scatter, dim, start, end, step)
NL_ATTRS(vander, N, increasing)
NL_ATTRS(combinations, r, with_replacement)

/* ---- diagonals and triangles ---- */

typedef struct diagonal {
  int d1, d2, n; /* n: dims of the result */
  int64_t shape[NL_MAX_DIM], strides[NL_MAX_DIM], offset;
} diagonal;

/* Where the diagonal lies in a contiguous tensor of this shape: its other dims, then itself. */
static diagonal find_diagonal(nl_build *b, int ndim, ints shape, int64_t offset, int64_t dim1, int64_t dim2) {
  offset = tame(offset);
  diagonal g = {.d1 = dim_at(b, dim1, ndim)};
  g.d2 = dim_at(b, dim2, ndim);
  if (b->status == NL_OK && (ndim < 2 || g.d1 == g.d2)) {
    nl_b_fail(b, "a diagonal lies in two different dims; the shape is %s", nl_shape_string(ndim, shape).s);
  }
  if (b->status != NL_OK) {
    return g;
  }
  int64_t strides[NL_MAX_DIM];
  nl_shape_strides(ndim, shape, strides);
  for (int d = 0; d < ndim; d++) {
    if (d != g.d1 && d != g.d2) {
      g.shape[g.n] = shape[d];
      g.strides[g.n++] = strides[d];
    }
  }
  int64_t row = offset < 0 ? -offset : 0, col = offset > 0 ? offset : 0;
  int64_t rows = shape[g.d1] - row, cols = shape[g.d2] - col, length = rows < cols ? rows : cols;
  length = length < 0 ? 0 : length;
  g.shape[g.n] = length;
  g.strides[g.n++] = strides[g.d1] + strides[g.d2];
  g.offset = length ? row * strides[g.d1] + col * strides[g.d2] : 0;
  return g;
}
static nl_tensor *take_diagonal(nl_build *b, nl_tensor *x, int64_t offset, int64_t dim1, int64_t dim2) {
  diagonal g = find_diagonal(b, x->ndim, x->shape, offset, dim1, dim2);
  return nl_b_do(b, op_as_strided(), "tlli", x, g.n, g.shape, g.n, g.strides, g.offset);
}
/* Zeros of this shape with t as their diagonal. */
static nl_tensor *put_diagonal(nl_build *b, nl_tensor *t, int ndim, ints shape, int64_t offset, int64_t dim1,
                               int64_t dim2) {
  int64_t numel = nl_shape_numel(ndim, shape);
  if (numel < 0) {
    return nl_b_fail(b, "the result has more elements than can be counted");
  }
  diagonal g = find_diagonal(b, ndim, shape, offset, dim1, dim2);
  nl_tensor *flat = nl_b_do(b, op_strided_zeros(), "tllii", t, g.n, g.shape, g.n, g.strides, g.offset, numel);
  return nl_b_reshape(b, flat, ndim, shape);
}
NL_COMPOSE(diagonal) {
  nl_give(c, take_diagonal(b, x, c->attr[diagonal_offset].i, c->attr[diagonal_dim1].i, c->attr[diagonal_dim2].i));
}
static nl_tensor *embedded(nl_build *b, nl_tensor *x, int64_t offset, int64_t dim1, int64_t dim2) {
  int n = x->ndim + 1, d1 = dim_at(b, dim1, n), d2 = dim_at(b, dim2, n);
  if (b->status != NL_OK || x->ndim == 0 || n > NL_MAX_DIM || offset > INT32_MAX || offset < -INT32_MAX) {
    return nl_b_fail(b, "needs at least one dim, but got shape %s", nl_tensor_shape_string(x).s);
  }
  int64_t shape[NL_MAX_DIM], size = x->shape[x->ndim - 1] + (offset < 0 ? -offset : offset);
  for (int d = 0, from = 0; d < n; d++) {
    shape[d] = d == d1 || d == d2 ? size : x->shape[from];
    from += d != d1 && d != d2;
  }
  return put_diagonal(b, x, n, shape, offset, dim1, dim2);
}
NL_COMPOSE(diag_embed) {
  nl_give(c, embedded(b, x, c->attr[diagonal_offset].i, c->attr[diagonal_dim1].i, c->attr[diagonal_dim2].i));
}
NL_COMPOSE(diag) {
  if (x->ndim != 1 && x->ndim != 2) {
    nl_b_fail(b, "takes a vector or a matrix, but got shape %s; see diagonal and diag_embed",
              nl_tensor_shape_string(x).s);
    return;
  }
  nl_give(c, x->ndim == 1 ? embedded(b, x, c->attr[diag_diagonal].i, 1, 2)
                          : take_diagonal(b, x, c->attr[diag_diagonal].i, 1, 2));
}
NL_COMPOSE(trace) {
  nl_give(c, nl_b_sum(b, take_diagonal(b, x, 0, -2, -1), 1, (int64_t[]){-1}, false));
}
NL_COMPOSE(diagonal_scatter) {
  nl_tensor *source = c->in[1];
  nl_tensor *t = put_diagonal(b, source, x->ndim, x->shape, c->attr[diagonal_offset].i, c->attr[diagonal_dim1].i,
                              c->attr[diagonal_dim2].i);
  nl_tensor *ones = b_ones_like(b, source, NL_U8);
  nl_tensor *at = put_diagonal(b, ones, x->ndim, x->shape, c->attr[diagonal_offset].i, c->attr[diagonal_dim1].i,
                               c->attr[diagonal_dim2].i);
  nl_give(c, b_where(b, nl_b_cast(b, at, NL_BOOL), t, x));
}
/* tril 0, triu 1: where column - row <= (>=) k */
NL_COMPOSE(triangle) {
  if (x->ndim < 2) {
    nl_b_fail(b, "needs a matrix (or a batch of them), but got shape %s", nl_tensor_shape_string(x).s);
    return;
  }
  int64_t k = tame(c->attr[diag_diagonal].i);
  nl_tensor *rows = ramp(b, 1, x->shape[x->ndim - 2], 1), *cols = ramp(b, 1, x->shape[x->ndim - 1], 1);
  nl_tensor *limit = b_add(b, b_unsqueeze(b, rows, 2), nl_b_int(b, k));
  nl_tensor *keep = c->op->variant == 0 ? b_le(b, cols, limit) : b_ge(b, cols, limit);
  nl_give(c, b_where(b, keep, x,
                     nl_dtype_is_float(nl_tensor_dtype(x)) ? nl_b_number(b, 0)
                                                           : nl_b_cast(b, nl_b_int(b, 0), nl_tensor_dtype(x))));
}

/* ---- padding and windows ---- */

/* Of position i (from 0, may lie outside) of n elements: where a mode finds its value. */
static int64_t mirrored(int64_t i, int64_t n, int mode) {
  if (mode == 1) { /* reflect: the edge is not repeated */
    return i < 0 ? -i : (i >= n ? 2 * (n - 1) - i : i);
  }
  if (mode == 2) {
    return i < 0 ? 0 : (i >= n ? n - 1 : i);
  }
  return i < 0 ? i + n : (i >= n ? i - n : i);
}
static nl_tensor *pad_by_index(nl_build *b, nl_tensor *x, int d, int64_t left, int64_t right, int mode) {
  static const char *const names[] = {"constant", "reflect", "replicate", "circular"};
  if (b->status != NL_OK) {
    return NULL;
  }
  int64_t n = x->shape[d], first = 0, kept = n;
  if (mode == 3) { /* what a negative side leaves goes round */
    first = left < 0 ? -left : 0;
    kept = n - first + (right < 0 ? right : 0);
  }
  int64_t most = mode == 1 ? n - 1 : (mode == 2 ? (n > 0 ? INT32_MAX : 0) : kept);
  if (left > most || right > most || n + left + right < 0) {
    return nl_b_fail(b, "%s padding by %lld and %lld is not possible for dim %d of shape %s", names[mode],
                     (long long)left, (long long)right, d + 1, nl_tensor_shape_string(x).s);
  }
  int64_t total = n + left + right;
  nl_tensor *index = NULL;
  b->status = nl_tensor_new(NL_I64, 1, &total, &index);
  nl_b_own(b, index);
  for (int64_t i = 0; i < total && index; i++) {
    nl_tensor_set_int(index, i, first + mirrored(i - left - first, kept, mode) + 1);
  }
  return b_index_select(b, x, d + 1, index);
}
/* Zeros around x in dim d, or less of x where a side is negative. */
static nl_tensor *pad_zeros(nl_build *b, nl_tensor *x, int d, int64_t left, int64_t right) {
  if (b->status != NL_OK) {
    return NULL;
  }
  int64_t cut_left = left < 0 ? -left : 0, cut_right = right < 0 ? -right : 0, n = x->shape[d] - cut_left - cut_right;
  if (n < 0 || left > INT32_MAX || right > INT32_MAX) {
    return nl_b_fail(b, "padding by %lld and %lld is not possible for dim %d of shape %s", (long long)left,
                     (long long)right, d + 1, nl_tensor_shape_string(x).s);
  }
  if (cut_left || cut_right) {
    x = b_narrow(b, x, d + 1, cut_left + 1, n);
  }
  if (left <= 0 && right <= 0) {
    return x;
  }
  if (b->status != NL_OK) {
    return NULL;
  }
  int64_t shape[NL_MAX_DIM];
  memcpy(shape, x->shape, (size_t)x->ndim * sizeof *shape);
  left = left < 0 ? 0 : left;
  shape[d] = n + left + (right < 0 ? 0 : right);
  if (x->numel == 0) {
    nl_tensor *zeros = nl_b_zeros(b, nl_tensor_dtype(x), x->ndim, shape);
    return nl_dtype_is_float(nl_tensor_dtype(x)) ? b_add(b, zeros, nl_b_sum(b, x, 0, NULL, false))
                                                 : zeros; /* x has a gradient */
  }
  return nl_b_do(b, op_slice_zeros(), "tiiil", x, (int64_t)d + 1, left + 1, (int64_t)1, x->ndim, shape);
}
NL_COMPOSE(pad) {
  int n, mode = (int)c->attr[pad_mode].i;
  ints by = nl_call_list(c, pad_pad, &n);
  if (n % 2 || n / 2 > x->ndim) {
    nl_b_fail(b,
              "takes two numbers for each dim, the last dim first ({left, right, top, bottom, ...}), for at most "
              "%d dims here, but got %d numbers",
              x->ndim, n);
    return;
  }
  nl_tensor *t = x;
  double value = c->attr[pad_value].number;
  bool filled = mode == 0 && value != 0;
  nl_tensor *inside = filled ? b_ones_like(b, x, NL_U8) : NULL;
  for (int i = 0; i < n / 2; i++) {
    int d = x->ndim - 1 - i;
    t = mode == 0 ? pad_zeros(b, t, d, tame(by[2 * i]), tame(by[2 * i + 1]))
                  : pad_by_index(b, t, d, tame(by[2 * i]), tame(by[2 * i + 1]), mode);
    inside = filled ? pad_zeros(b, inside, d, tame(by[2 * i]), tame(by[2 * i + 1])) : NULL;
  }
  if (filled && x->dtype == NL_I64) {
    b->status = nl_rule_element(value, NL_I64, "value is");
  }
  if (filled && b->status == NL_OK) {
    nl_tensor *k = x->dtype == NL_I64 ? nl_b_int(b, nl_attr_whole(&c->attr[pad_value])) : nl_b_number(b, value);
    k = nl_dtype_is_float(nl_tensor_dtype(x)) ? k : nl_b_cast(b, k, nl_tensor_dtype(x));
    t = b_where(b, nl_b_cast(b, inside, NL_BOOL), t, k);
  }
  nl_give(c, t == x ? b_clone(b, x) : t);
}
NL_COMPOSE(unfold) {
  int d = dim_at(b, c->attr[unfold_dim].i, x->ndim);
  int64_t size = tame(c->attr[unfold_size].i), step = tame(c->attr[unfold_step].i), shape[NL_MAX_DIM],
          strides[NL_MAX_DIM];
  if (b->status == NL_OK && (x->ndim == 0 || x->ndim == NL_MAX_DIM || size < 1 || step < 1 || size > x->shape[d])) {
    nl_b_fail(b, "windows of %lld elements, %lld apart, do not fit into dim %d of shape %s", (long long)size,
              (long long)step, d + 1, nl_tensor_shape_string(x).s);
  }
  if (b->status != NL_OK) {
    return;
  }
  nl_shape_strides(x->ndim, x->shape, strides);
  memcpy(shape, x->shape, (size_t)x->ndim * sizeof *shape);
  shape[d] = (x->shape[d] - size) / step + 1;
  shape[x->ndim] = size;
  strides[x->ndim] = strides[d];
  strides[d] *= step;
  nl_give(c, nl_b_do(b, op_as_strided(), "tlli", x, x->ndim + 1, shape, x->ndim + 1, strides, (int64_t)0));
}

/* ---- with a part replaced ---- */

/* x with rows first .. by step along d replaced by source. */
static nl_tensor *replaced(nl_build *b, nl_tensor *x, nl_tensor *source, int d, int64_t first, int64_t step) {
  if (b->status != NL_OK || source->numel == 0) {
    return b_clone(b, x);
  }
  nl_tensor *t = nl_b_do(b, op_slice_zeros(), "tiiil", source, (int64_t)d + 1, first, step, x->ndim, x->shape);
  nl_tensor *ones = b_ones_like(b, source, NL_BOOL);
  nl_tensor *at = nl_b_do(b, op_slice_zeros(), "tiiil", ones, (int64_t)d + 1, first, step, x->ndim, x->shape);
  return b_where(b, at, t, x);
}
NL_COMPOSE(select_scatter) {
  nl_tensor *source = c->in[1];
  int d = dim_at(b, c->attr[select_scatter_dim].i, x->ndim);
  int64_t index = tame(c->attr[select_scatter_index].i), n = size_at(x, d);
  index = index < 0 ? index + n + 1 : index;
  if (b->status == NL_OK && (index < 1 || index > n || x->ndim == 0)) {
    nl_b_fail(b, "index %lld is out of range 1..%lld of dim %d", (long long)c->attr[select_scatter_index].i,
              (long long)n, d + 1);
  }
  nl_give(c, replaced(b, x, b_unsqueeze(b, source, d + 1), d, index, 1));
}
NL_COMPOSE(slice_scatter) {
  int d = dim_at(b, c->attr[slice_scatter_dim].i, x->ndim);
  int64_t n = size_at(x, d), step = tame(c->attr[slice_scatter_step].i);
  int64_t ends[2] = {tame(c->attr[slice_scatter_start].i), tame(c->attr[slice_scatter_end].i)};
  for (int i = 0; i < 2; i++) {
    ends[i] = ends[i] < 0 ? ends[i] + n + 1 : ends[i];
  }
  int64_t first = ends[0] < 1 ? 1 : ends[0], last = ends[1] > n ? n : ends[1];
  if (b->status == NL_OK && (x->ndim == 0 || step < 1)) {
    nl_b_fail(b, "needs a dim (shape %s) and a step of 1 or more (%lld)", nl_tensor_shape_string(x).s, (long long)step);
  }
  if (b->status != NL_OK) {
    return;
  }
  int64_t count = last < first ? 0 : (last - first) / step + 1;
  nl_tensor *src = c->in[1];
  if (src->ndim != x->ndim || src->shape[d] != count) {
    nl_b_fail(b, "the slice %lld..%lld by %lld of dim %d has %lld elements, but the src has shape %s", (long long)first,
              (long long)last, (long long)step, d + 1, (long long)count, nl_tensor_shape_string(src).s);
    return;
  }
  nl_give(c, replaced(b, x, src, d, first, step));
}

/* ---- small builders ---- */

/* powers of x, one a column */
NL_COMPOSE(vander) {
  int64_t n = c->attr[vander_N].set ? c->attr[vander_N].i : x->numel;
  if (x->ndim != 1 || n < 0) {
    nl_b_fail(b, "takes a vector and a number of columns, but got shape %s", nl_tensor_shape_string(x).s);
    return;
  }
  nl_tensor *powers = c->attr[vander_increasing].b ? ramp(b, 0, n, 1) : ramp(b, n - 1, n, -1);
  nl_give(c, b_pow(b, b_unsqueeze(b, x, 2), powers));
}
/* all choices of r elements, in order */
NL_COMPOSE(combinations) {
  int64_t n = x->numel, r = c->attr[combinations_r].i, total = 1;
  bool again = c->attr[combinations_with_replacement].b;
  if (x->ndim != 1 || r < 1 || r > NL_MAX_DIM) {
    nl_b_fail(b, "takes a vector and a number of elements from 1 to %d, but got shape %s and %lld", NL_MAX_DIM,
              nl_tensor_shape_string(x).s, (long long)r);
    return;
  }
  int64_t pool = again ? n + r - 1 : n;
  for (int64_t i = 1; i <= r; i++) { /* binomials are whole at every step */
    if (pool - r + i <= 0 || __builtin_mul_overflow(total, pool - r + i, &total) || total / i > INT32_MAX) {
      if (pool - r + i > 0) {
        nl_b_fail(b, "the number of combinations is too large");
        return;
      }
      total = 0;
      break;
    }
    total /= i;
  }
  int64_t shape[2] = {total, r}, at[NL_MAX_DIM];
  nl_tensor *index = NULL;
  b->status = nl_tensor_new(NL_I64, 1, (int64_t[]){total * r}, &index);
  nl_b_own(b, index);
  for (int64_t i = 0; i < r; i++) {
    at[i] = again ? 0 : i;
  }
  for (int64_t row = 0; row < total && index; row++) {
    for (int64_t i = 0; i < r; i++) {
      nl_tensor_set_int(index, row * r + i, at[i] + 1);
    }
    int64_t i = r - 1;
    while (i >= 0 && at[i] == (again ? n - 1 : n - r + i)) {
      i--;
    }
    if (i >= 0) {
      at[i]++;
      for (int64_t k = i + 1; k < r; k++) {
        at[k] = again ? at[i] : at[k - 1] + 1;
      }
    }
  }
  nl_give(c, nl_b_reshape(b, b_index_select(b, x, 1, index), 2, shape));
}

#define GRID "nn.arange(6):reshape(2, 3)"
#define SQUARE "nn.arange(9):reshape(3, 3)"

static const nl_op ops[] = {
    {
        .name = "diagonal",
        .args = "x: tensor, offset: int = 0, dim1: dim = 1, dim2: dim = 2",
        .attrs = diagonal_attrs,
        .returns = "tensor",
        .doc = "A copy of the diagonal in two dims, as the last dim; offset > 0 lies above.",
        .compose = compose_diagonal,
        .example = "nn.diagonal(" SQUARE ", 1)",
    },
    {
        .name = "diag_embed",
        .args = "x: tensor, offset: int = 0, dim1: dim = -2, dim2: dim = -1",
        .attrs = diagonal_attrs,
        .returns = "tensor",
        .doc = "Zeros with the last dim of x as diagonal in two dims.",
        .compose = compose_diag_embed,
        .example = "nn.diag_embed(nn.tensor {1, 2})",
    },
    {
        .name = "diag",
        .args = "x: tensor, diagonal: int = 0",
        .attrs = diag_attrs,
        .returns = "tensor",
        .doc = "The matrix with this diagonal, or a matrix's diagonal.",
        .compose = compose_diag,
        .example = "nn.diag(nn.tensor {1, 2})",
    },
    {
        .name = "trace",
        .args = "x: tensor",
        .returns = "tensor",
        .doc = "The sum of the diagonal.",
        .compose = compose_trace,
        .example = "nn.trace(" SQUARE ")",
    },
    {
        .name = "diagonal_scatter",
        .args = "x: tensor, src: tensor, offset: int = 0, dim1: dim = 1, dim2: dim = 2",
        .attrs = diagonal_attrs,
        .returns = "tensor",
        .doc = "x with its diagonal replaced.",
        .compose = compose_diagonal_scatter,
        .example = "nn.diagonal_scatter(" SQUARE ", nn.tensor {9, 9, 9})",
    },
    {
        .name = "tril",
        .args = "x: tensor, diagonal: int = 0",
        .attrs = diag_attrs,
        .returns = "tensor",
        .doc = "The lower triangle, up to a diagonal; 0 above.",
        .compose = compose_triangle,
        .example = "nn.tril(" SQUARE ")",
    },
    {
        .name = "triu",
        .args = "x: tensor, diagonal: int = 0",
        .attrs = diag_attrs,
        .returns = "tensor",
        .doc = "The upper triangle, from a diagonal on; 0 below.",
        .compose = compose_triangle,
        .variant = 1,
        .example = "nn.triu(" SQUARE ", 1)",
    },
    {
        .name = "pad",
        .args = "x: tensor, pad: shape, mode: choice = constant|reflect|replicate|circular, value: number = 0",
        .attrs = pad_attrs,
        .returns = "tensor",
        .doc =
            "x with a margin: {left, right} of the last dim, then of the one before, and so on; negative numbers cut.",
        .compose = compose_pad,
        .example = "nn.pad(nn.tensor {1, 2, 3}, {2, 1}, \"reflect\")",
    },
    {
        .name = "unfold",
        .args = "x: tensor, dim: dim, size: int, step: int = 1",
        .attrs = unfold_attrs,
        .returns = "tensor",
        .doc = "A copy of all windows of a size along a dim, as a new last dim.",
        .compose = compose_unfold,
        .example = "nn.unfold(nn.arange(5), 1, 3, 2)",
    },
    {
        .name = "select_scatter",
        .args = "x: tensor, src: tensor, dim: dim, index: int",
        .attrs = select_scatter_attrs,
        .returns = "tensor",
        .doc = "x with one slice replaced.",
        .compose = compose_select_scatter,
        .example = "nn.select_scatter(" GRID ", nn.tensor {8, 9}, 2, 1)",
    },
    {
        .name = "slice_scatter",
        .args = "x: tensor, src: tensor, dim: dim = 1, start: int = 1, end: int = -1, step: int = 1",
        .attrs = slice_scatter_attrs,
        .returns = "tensor",
        .doc = "x with the slices start .. end (both of them, by step) along a dim replaced.",
        .compose = compose_slice_scatter,
        .example = "nn.slice_scatter(nn.zeros(5), nn.ones(2), 1, 2, 3)",
    },
    {
        .name = "vander",
        .args = "x: tensor, N: int?, increasing: bool = false",
        .attrs = vander_attrs,
        .returns = "tensor",
        .doc = "Powers of a vector's elements, one a column, falling unless increasing.",
        .compose = compose_vander,
        .example = "nn.vander(nn.tensor {1, 2, 3})",
    },
    {
        .name = "combinations",
        .args = "x: tensor, r: int = 2, with_replacement: bool = false",
        .attrs = combinations_attrs,
        .returns = "tensor",
        .doc = "All choices of r elements of a vector, one a row.",
        .compose = compose_combinations,
        .example = "nn.combinations(nn.tensor {1, 2, 3})",
    },
};

NL_FAMILY(place, ops);
