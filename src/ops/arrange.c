/* Ops that rearrange elements, made of other ops: flips and rolls, pieces and joins, diagonals, padding. Dims in the
   calls below count from 1, as in Lua. */
#include <string.h>

#include "core/memory.h"
#include "ops/formula.h"
#include "ops/iterate.h"
#include "ops/rules.h"

NL_OP(slice_zeros)

typedef const int64_t *ints;

/* x with 1s put before its dims until there are n. */
static nl_tensor *with_leading_dims(nl_build *b, nl_tensor *x, int n) {
  if (b->status != NL_OK || x->ndim >= n) {
    return x;
  }
  int64_t shape[NL_MAX_DIM];
  for (int d = 0; d < n; d++) {
    shape[d] = d < n - x->ndim ? 1 : x->shape[d - (n - x->ndim)];
  }
  return nl_b_reshape(b, x, n, shape);
}

static nl_tensor *permuted(nl_build *b, nl_tensor *x, ints order) {
  return nl_b_do(b, op_permute(), "tl", x, x ? x->ndim : 0, order);
}

/* ---- flips, rolls, repeats ---- */

static nl_tensor *flipped(nl_build *b, nl_tensor *x, int d) {
  int64_t n = size_at(x, d);
  return x->ndim == 0 ? b_clone(b, x) : b_index_select(b, x, d + 1, ramp(b, n, n, -1));
}
NL_COMPOSE(flip) {
  bool mask[NL_MAX_DIM];
  b->status = nl_rule_dims(c, 0, x->ndim, mask);
  nl_tensor *t = x;
  for (int d = 0; d < x->ndim && b->status == NL_OK; d++) {
    t = mask[d] ? flipped(b, t, d) : t;
  }
  nl_give(c, t == x ? b_clone(b, x) : t);
}
/* fliplr (kernel 2) and flipud (1) */
NL_COMPOSE(flip_matrix) {
  int need = c->op->variant;
  if (x->ndim < need) {
    nl_b_fail(b, nl_fail("needs at least %d dim%s, but got shape %s", need, need > 1 ? "s" : "",
                         nl_tensor_shape_string(x).s));
    return;
  }
  nl_give(c, flipped(b, x, need - 1));
}
static nl_tensor *rolled(nl_build *b, nl_tensor *x, int d, int64_t shift) {
  int64_t n = size_at(x, d);
  shift = n ? shift % n : 0;
  shift = shift < 0 ? shift + n : shift;
  if (shift == 0) {
    return b_clone(b, x);
  }
  nl_call k;
  nl_tensor *parts[2] = {b_narrow(b, x, d + 1, n - shift + 1, shift), b_narrow(b, x, d + 1, 1, n - shift)};
  nl_call_init(&k, op_cat(), 2, parts);
  k.attr[0] = (nl_attr){.set = true, .i = d + 1};
  return nl_b_call(b, &k);
}
NL_COMPOSE(roll) {
  int n, m;
  ints shifts = nl_call_list(c, 0, &n), dims = nl_call_list(c, 1, &m);
  if (!c->attr[1].set && n == 1) {
    int64_t flat = -1;
    nl_tensor *t = rolled(b, nl_b_reshape(b, x, 1, &flat), 0, shifts[0]);
    nl_give(c, nl_b_reshape(b, t, x->ndim, x->shape));
    return;
  }
  if (n != m) {
    nl_b_fail(b, nl_fail("%d shifts do not go with %d dims", n, m));
    return;
  }
  nl_tensor *t = x;
  for (int i = 0; i < n && b->status == NL_OK; i++) {
    int d = dim_at(b, dims[i], x->ndim);
    t = b->status == NL_OK ? rolled(b, t, d, shifts[i]) : NULL;
  }
  nl_give(c, t);
}
NL_COMPOSE(rot90) {
  int n;
  ints dims = nl_call_list(c, 1, &n);
  int a = 0, z = 1;
  if (c->attr[1].set) {
    a = n == 2 ? dim_at(b, dims[0], x->ndim) : 0;
    z = n == 2 ? dim_at(b, dims[1], x->ndim) : 0;
  }
  if (b->status == NL_OK && (a == z || x->ndim < 2)) {
    b->status = nl_fail("turns the plane of two different dims, e.g. {1, 2}; the tensor has shape %s",
                        nl_tensor_shape_string(x).s);
  }
  if (b->status != NL_OK) {
    return;
  }
  int64_t k = ((c->attr[0].i % 4) + 4) % 4;
  if (k == 0) {
    nl_give(c, b_clone(b, x));
  } else if (k == 2) {
    nl_give(c, flipped(b, flipped(b, x, a), z));
  } else {
    nl_tensor *t = flipped(b, x, k == 1 ? z : a);
    nl_give(c, nl_b_transpose(b, t, a + 1, z + 1));
  }
}
NL_COMPOSE(tile) {
  int n;
  ints reps = nl_call_list(c, 0, &n);
  x = with_leading_dims(b, x, n);
  if (b->status != NL_OK || 2 * x->ndim > NL_MAX_DIM) {
    nl_b_fail(b, nl_fail("too many dims"));
    return;
  }
  int64_t apart[NL_MAX_DIM], wide[NL_MAX_DIM], joined[NL_MAX_DIM];
  for (int d = 0; d < x->ndim; d++) {
    int64_t r = d < x->ndim - n ? 1 : reps[d - (x->ndim - n)];
    if (r < 0) {
      nl_b_fail(b, nl_fail("a dim can be repeated 0 or more times, not %lld", (long long)r));
      return;
    }
    apart[2 * d] = 1;
    wide[2 * d] = r;
    apart[2 * d + 1] = wide[2 * d + 1] = x->shape[d];
    if (__builtin_mul_overflow(r, x->shape[d], &joined[d])) {
      nl_b_fail(b, nl_fail("the result has more elements than can be counted"));
      return;
    }
  }
  nl_tensor *t = nl_b_expand(b, nl_b_reshape(b, x, 2 * x->ndim, apart), 2 * x->ndim, wide);
  nl_give(c, b_clone(b, nl_b_reshape(b, t, x->ndim, joined)));
}
NL_OP(repeat_index)
NL_COMPOSE(repeat_interleave) {
  nl_tensor *times = c->in[1];
  int64_t flat = -1;
  if (!c->attr[0].set) {
    x = nl_b_reshape(b, x, 1, &flat);
  }
  int d = x ? dim_at(b, c->attr[0].set ? c->attr[0].i : 1, x->ndim) : 0;
  if (b->status != NL_OK) {
    return;
  }
  if (!times->wrapped_number) {
    nl_give(c, b_index_select(b, x, d + 1, nl_b_do(b, op_repeat_index(), "ti", times, size_at(x, d))));
    return;
  }
  int64_t n = nl_tensor_get_int(times, 0);
  if (n < 0 || x->ndim + 1 > NL_MAX_DIM) {
    nl_b_fail(b, nl_fail("each element can be repeated 0 or more times, not %lld", (long long)n));
    return;
  }
  int64_t wide[NL_MAX_DIM], joined[NL_MAX_DIM];
  for (int i = 0, to = 0; i < x->ndim; i++) {
    joined[i] = x->shape[i];
    wide[to++] = x->shape[i];
    if (i == d) {
      wide[to++] = n;
      if (__builtin_mul_overflow(joined[i], n, &joined[i])) {
        nl_b_fail(b, nl_fail("the result has more elements than can be counted"));
        return;
      }
    }
  }
  nl_tensor *t = nl_b_expand(b, b_unsqueeze(b, x, d + 2), x->ndim + 1, wide);
  nl_give(c, b_clone(b, nl_b_reshape(b, t, x->ndim, joined)));
}

/* ---- dims ---- */

NL_COMPOSE(unflatten) {
  int n, d = dim_at(b, c->attr[0].i, x->ndim);
  ints sizes = nl_call_list(c, 1, &n);
  if (b->status != NL_OK || x->ndim == 0 || x->ndim - 1 + n > NL_MAX_DIM) {
    nl_b_fail(b, nl_fail("needs at least one dim, and gives at most %d", NL_MAX_DIM));
    return;
  }
  int64_t shape[2 * NL_MAX_DIM];
  int to = 0;
  int64_t known = 1;
  int open = -1;
  for (int i = 0; i < x->ndim; i++) {
    for (int k = 0; i == d && k < n; k++) {
      open = sizes[k] == -1 ? to : open;
      if (sizes[k] > 0 && __builtin_mul_overflow(known, sizes[k], &known)) {
        nl_b_fail(b, nl_fail("sizes %s have more elements than can be counted", nl_shape_string(n, sizes).s));
        return;
      }
      shape[to++] = sizes[k];
    }
    if (i != d) {
      shape[to++] = x->shape[i];
    }
  }
  if (open >= 0) {
    shape[open] = x->shape[d] / known;
  }
  nl_give(c, nl_b_reshape(b, x, to, shape));
}
NL_COMPOSE(moveaxis) {
  int n, m;
  ints source = nl_call_list(c, 0, &n), target = nl_call_list(c, 1, &m);
  int64_t order[NL_MAX_DIM] = {0};
  bool taken[NL_MAX_DIM] = {false};
  if (n != m) {
    nl_b_fail(b, nl_fail("%d dims cannot be moved to %d places", n, m));
    return;
  }
  for (int i = 0; i < n; i++) {
    int from = dim_at(b, source[i], x->ndim), to = dim_at(b, target[i], x->ndim);
    if (b->status != NL_OK || taken[from] || order[to]) {
      nl_b_fail(b, nl_fail("each dim can be moved, and each place be taken, once"));
      return;
    }
    taken[from] = true;
    order[to] = from + 1;
  }
  for (int from = 0, to = 0; from < x->ndim; from++) {
    if (!taken[from]) {
      while (order[to]) {
        to++;
      }
      order[to] = from + 1;
    }
  }
  nl_give(c, permuted(b, x, order));
}
NL_COMPOSE(swapaxes) {
  nl_give(c, nl_b_transpose(b, x, c->attr[0].i, c->attr[1].i));
}
NL_COMPOSE(broadcast_to) {
  int n;
  ints shape = nl_call_list(c, 0, &n);
  nl_give(c, nl_b_expand(b, x, n, shape));
}
/* expand_as, view_as, reshape_as: the shape of another tensor */
NL_COMPOSE(like_other) {
  nl_tensor *y = c->in[1];
  nl_give(c, c->op->variant == 0 ? nl_b_expand(b, x, y->ndim, y->shape) : nl_b_reshape(b, x, y->ndim, y->shape));
}
NL_COMPOSE(ravel) {
  nl_give(c, nl_b_reshape(b, x, 1, (int64_t[]){-1}));
}
static nl_tensor *at_least(nl_build *b, nl_tensor *x, int n) {
  if (b->status != NL_OK || x->ndim >= n) {
    return x;
  }
  if (n == 3 && x->ndim == 2) { /* NumPy's choice: a matrix gets its third dim behind */
    return b_unsqueeze(b, x, 3);
  }
  if (n == 3 && x->ndim == 1) {
    return nl_b_reshape(b, x, 3, (int64_t[]){1, x->shape[0], 1});
  }
  return with_leading_dims(b, x, n);
}
NL_COMPOSE(atleast) {
  nl_give(c, at_least(b, x, c->op->variant));
}

/* ---- pieces ---- */

static void push(nl_call *c, nl_build *b, nl_tensor *t) {
  if (b->status == NL_OK) {
    b->status = nl_call_push(c, t);
  }
}
NL_COMPOSE(unbind) {
  int d = dim_at(b, c->attr[0].i, x->ndim);
  if (b->status == NL_OK && x->ndim == 0) {
    b->status = nl_fail("a 0-dim tensor has nothing to unbind");
  }
  for (int64_t i = 1; b->status == NL_OK && i <= size_at(x, d); i++) {
    push(c, b, nl_b_do(b, op_select(), "tii", x, (int64_t)d + 1, i));
  }
}
static void push_pieces(nl_call *c, nl_build *b, nl_tensor *x, int d, int64_t size) {
  int64_t n = size_at(x, d);
  for (int64_t at = 1; b->status == NL_OK && (at <= n || (n == 0 && at == 1)); at += size) {
    push(c, b, b_narrow(b, x, d + 1, at, size < n - at + 1 ? size : n - at + 1));
    if (n == 0) {
      return;
    }
  }
}
NL_COMPOSE(chunk) {
  int64_t count = c->attr[0].i;
  int d = dim_at(b, c->attr[1].i, x->ndim);
  if (b->status == NL_OK && (count < 1 || x->ndim == 0)) {
    b->status = nl_fail("the count must be at least 1, not %lld, and the tensor have a dim (shape %s)",
                        (long long)count, nl_tensor_shape_string(x).s);
  }
  if (b->status == NL_OK) {
    int64_t n = size_at(x, d), size = n / count + (n % count != 0);
    push_pieces(c, b, x, d, size > 0 ? size : 1);
  }
}
NL_COMPOSE(split) {
  int n, d = dim_at(b, c->attr[1].i, x->ndim);
  ints sizes = nl_call_list(c, 0, &n);
  int64_t total = 0;
  if (b->status != NL_OK) {
    return;
  }
  if (x->ndim == 0 || (n == 1 && sizes[0] < 1)) {
    nl_b_fail(b, nl_fail("pieces must have at least 1 element, not %lld, and the tensor a dim (shape %s)",
                         (long long)(n ? sizes[0] : 0), nl_tensor_shape_string(x).s));
    return;
  }
  if (n == 1) {
    push_pieces(c, b, x, d, tame(sizes[0]));
    return;
  }
  for (int i = 0; i < n; i++) {
    total += sizes[i] < 0 ? -x->numel - 1 : tame(sizes[i]);
  }
  if (total != size_at(x, d)) {
    nl_b_fail(b, nl_fail("the sizes add up to %lld, but dim %d of shape %s has %lld", (long long)total, d + 1,
                         nl_tensor_shape_string(x).s, (long long)size_at(x, d)));
    return;
  }
  for (int64_t i = 0, at = 1; i < n; at += sizes[i++]) {
    push(c, b, b_narrow(b, x, d + 1, at, sizes[i]));
  }
}
static void push_sections(nl_call *c, nl_build *b, nl_tensor *x, int d, int n, ints where) {
  int64_t size = size_at(x, d), at = 0;
  if (n == 1 && !c->attr[0].list.count) {
    return;
  }
  for (int i = 0; i <= n && b->status == NL_OK; i++) { /* cuts behind the elements named */
    int64_t end = i < n ? (where[i] < 0 ? tame(where[i]) + size : tame(where[i])) : size;
    end = end > size ? size : (end < at ? at : end);
    push(c, b, b_narrow(b, x, d + 1, at < size ? at + 1 : size + 1, end - at));
    at = end;
  }
}
/* tensor_split; kernel 1, 2, 3: hsplit, vsplit, dsplit, which know their dim */
NL_COMPOSE(tensor_split) {
  int n, kernel = c->op->variant;
  ints where = nl_call_list(c, 0, &n);
  int need = kernel == 0 ? 1 : kernel;
  if (x->ndim < need) {
    nl_b_fail(b, nl_fail("needs at least %d dim%s, but got shape %s", need, need > 1 ? "s" : "",
                         nl_tensor_shape_string(x).s));
    return;
  }
  int d =
      kernel == 0 ? dim_at(b, c->attr[1].i, x->ndim) : (kernel == 1 ? (x->ndim == 1 ? 0 : 1) : (kernel == 2 ? 0 : 2));
  if (b->status != NL_OK) {
    return;
  }
  if (n != 1) {
    push_sections(c, b, x, d, n, where);
    return;
  }
  int64_t count = where[0], size = size_at(x, d);
  if (count < 1 || count > 1 << 24) {
    nl_b_fail(b, nl_fail("the number of pieces must be at least 1, not %lld", (long long)count));
    return;
  }
  for (int64_t i = 0, at = 1; i < count && b->status == NL_OK; i++) {
    int64_t length = size / count + (i < size % count);
    push(c, b, b_narrow(b, x, d + 1, at, length));
    at += length;
  }
}

/* ---- joins ---- */

/* hstack 1, vstack 2, dstack 3, column_stack 4 */
NL_COMPOSE(stacked) {
  (void)x;
  int kernel = c->op->variant;
  if (c->nin == 0) {
    nl_b_fail(b, nl_fail("at least one tensor is needed"));
    return;
  }
  nl_tensor **parts = nl_new((size_t)c->nin * sizeof *parts);
  if (!parts) {
    b->status = NL_NOMEM;
    return;
  }
  for (int i = 0; i < c->nin; i++) {
    nl_tensor *t = c->in[i];
    if (kernel == 4) {
      parts[i] = t->ndim < 2 ? nl_b_reshape(b, t, 2, (int64_t[]){t->numel, 1}) : t;
    } else {
      parts[i] = at_least(b, t, kernel);
    }
  }
  if (b->status == NL_OK) {
    nl_call k;
    nl_call_init(&k, op_cat(), c->nin, parts);
    int64_t dim = kernel == 1 ? (parts[0]->ndim == 1 ? 1 : 2) : (kernel == 2 ? 1 : (kernel == 3 ? 3 : 2));
    k.attr[0] = (nl_attr){.set = true, .i = dim};
    nl_give(c, nl_b_call(b, &k));
  }
  nl_delete(parts);
}
NL_COMPOSE(block_diag) {
  (void)x;
  int64_t rows = 0, cols = 0, row = 1, col = 1;
  for (int i = 0; i < c->nin; i++) {
    nl_tensor *t = at_least(b, c->in[i], 2);
    if (b->status == NL_OK && t->ndim > 2) {
      b->status = nl_fail("tensor %d has shape %s; blocks are matrices", i + 1, nl_tensor_shape_string(t).s);
    }
    if (b->status != NL_OK) {
      return;
    }
    rows += t->shape[0];
    cols += t->shape[1];
  }
  nl_dtype dtype = c->nin ? nl_promote(c->nin, c->in) : NL_DEFAULT_FLOAT;
  nl_tensor *sum = nl_b_zeros(b, dtype, 2, (int64_t[]){rows, cols});
  for (int i = 0; i < c->nin && b->status == NL_OK; i++) {
    nl_tensor *t = at_least(b, c->in[i], 2);
    if (b->status == NL_OK && t->numel) {
      nl_tensor *wide =
          nl_b_do(b, op_slice_zeros(), "tiiil", t, (int64_t)2, col, (int64_t)1, 2, (int64_t[]){t->shape[0], cols});
      nl_tensor *tall =
          nl_b_do(b, op_slice_zeros(), "tiiil", wide, (int64_t)1, row, (int64_t)1, 2, (int64_t[]){rows, cols});
      sum = dtype == NL_BOOL ? b_logical_or(b, sum, tall) : b_add(b, sum, tall);
    }
    if (b->status == NL_OK) {
      row += t->shape[0];
      col += t->shape[1];
    }
  }
  nl_give(c, sum);
}
static bool broadcast_all(nl_call *c, nl_build *b, int *ndim, int64_t *shape) {
  *ndim = 0;
  for (int i = 0; i < c->nin && b->status == NL_OK; i++) {
    int64_t so_far[NL_MAX_DIM];
    memcpy(so_far, shape, (size_t)*ndim * sizeof *shape);
    b->status = nl_broadcast_shapes(*ndim, so_far, c->in[i]->ndim, c->in[i]->shape, ndim, shape);
  }
  return b->status == NL_OK;
}
NL_COMPOSE(broadcast_tensors) {
  (void)x;
  int n;
  int64_t shape[NL_MAX_DIM];
  if (broadcast_all(c, b, &n, shape)) {
    for (int i = 0; i < c->nin; i++) {
      push(c, b, nl_b_expand(b, c->in[i], n, shape));
    }
  }
}
/* Result i has element k of tensor i wherever index i is k. xy: the first two dims change places. */
NL_COMPOSE(meshgrid) {
  (void)x;
  bool xy = c->attr[0].i == 1 && c->nin > 1;
  int64_t shape[NL_MAX_DIM];
  if (c->nin > NL_MAX_DIM) {
    nl_b_fail(b, nl_fail("at most %d tensors are possible", NL_MAX_DIM));
    return;
  }
  for (int i = 0; i < c->nin; i++) {
    if (c->in[i]->ndim > 1) {
      nl_b_fail(
          b, nl_fail("tensor %d has shape %s; a grid is made of vectors", i + 1, nl_tensor_shape_string(c->in[i]).s));
      return;
    }
    shape[xy && i < 2 ? 1 - i : i] = c->in[i]->numel;
  }
  for (int i = 0; i < c->nin; i++) {
    int64_t own[NL_MAX_DIM];
    for (int d = 0; d < c->nin; d++) {
      own[d] = d == (xy && i < 2 ? 1 - i : i) ? c->in[i]->numel : 1;
    }
    push(c, b, nl_b_expand(b, nl_b_reshape(b, c->in[i], c->nin, own), c->nin, shape));
  }
}
/* All pairs (triples, ...) of elements, one a row. */
NL_COMPOSE(cartesian_prod) {
  (void)x;
  int64_t total = 1, inner = 1;
  nl_tensor *cols[NL_MAX_DIM];
  if (c->nin > NL_MAX_DIM || c->nin == 0) {
    nl_b_fail(b, nl_fail("1 to %d tensors are possible, not %d", NL_MAX_DIM, c->nin));
    return;
  }
  for (int i = 0; i < c->nin; i++) {
    if (c->in[i]->ndim > 1 || __builtin_mul_overflow(total, c->in[i]->numel, &total)) {
      nl_b_fail(b, nl_fail("tensor %d has shape %s; it must be a vector", i + 1, nl_tensor_shape_string(c->in[i]).s));
      return;
    }
  }
  for (int i = c->nin - 1; i >= 0; i--) {
    int64_t n = c->in[i]->numel, block = n * inner, wide[3] = {block > 0 ? total / block : 0, n, inner};
    nl_tensor *t = nl_b_expand(b, nl_b_reshape(b, c->in[i], 3, (int64_t[]){1, n, 1}), 3, wide);
    cols[i] = nl_b_reshape(b, t, 1, (int64_t[]){total});
    inner *= n;
  }
  if (c->nin == 1 || b->status != NL_OK) {
    nl_give(c, cols[0]);
    return;
  }
  nl_call k;
  nl_call_init(&k, op_stack(), c->nin, cols);
  k.attr[0] = (nl_attr){.set = true, .i = 2};
  nl_give(c, nl_b_call(b, &k));
}

#define GRID "nn.arange(6):reshape(2, 3)"
#define SQUARE "nn.arange(9):reshape(3, 3)"

static const nl_op ops[] = {
    {
        .name = "flip",
        .args = "x: tensor, dim: dims?",
        .returns = "tensor",
        .doc = "The elements in reverse order along the dims named, or all.",
        .compose = compose_flip,
        .example = "nn.flip(" GRID ", 2)",
    },
    {
        .name = "fliplr",
        .args = "x: tensor",
        .returns = "tensor",
        .doc = "The columns in reverse order.",
        .compose = compose_flip_matrix,
        .variant = 2,
        .example = "nn.fliplr(" GRID ")",
    },
    {
        .name = "flipud",
        .args = "x: tensor",
        .returns = "tensor",
        .doc = "The rows in reverse order.",
        .compose = compose_flip_matrix,
        .variant = 1,
        .example = "nn.flipud(" GRID ")",
    },
    {
        .name = "roll",
        .args = "x: tensor, shifts: shape, dims: dims?",
        .returns = "tensor",
        .doc = "The elements moved on along the dims, those that leave come in again; without dims, flattened.",
        .compose = compose_roll,
        .example = "nn.roll(nn.arange(5), 2)",
    },
    {
        .name = "rot90",
        .args = "x: tensor, k: int = 1, dims: dims?",
        .returns = "tensor",
        .doc = "Turned by k quarters, from the first of two dims towards the second.",
        .compose = compose_rot90,
        .example = "nn.rot90(" GRID ")",
    },
    {
        .name = "tile",
        .args = "x: tensor, reps: shape",
        .returns = "tensor",
        .doc = "x put next to itself, so many times along each dim; PyTorch's repeat.",
        .compose = compose_tile,
        .example = "nn.tile(nn.tensor {1, 2}, {2, 2})",
    },
    {
        .name = "repeat_interleave",
        .args = "x: tensor, repeats: operand, dim: dim?",
        .returns = "tensor",
        .doc = "Each element so many times: one number, or one for each; without dim, flattened.",
        .compose = compose_repeat_interleave,
        .example = "nn.repeat_interleave(nn.tensor {1, 2}, nn.tensor {3, 1})",
    },
    {
        .name = "unflatten",
        .args = "x: tensor, dim: dim, sizes: shape",
        .returns = "tensor",
        .doc = "One dim cut into several; -1 is worked out.",
        .compose = compose_unflatten,
        .example = "nn.unflatten(nn.arange(6), 1, {2, -1})",
    },
    {
        .name = "moveaxis",
        .args = "x: tensor, source: dims, destination: dims",
        .returns = "tensor",
        .doc = "Dims moved to other places, the rest in order.",
        .compose = compose_moveaxis,
        .example = "nn.moveaxis(nn.zeros(2, 3, 4), 1, 3).shape",
    },
    {
        .name = "swapaxes",
        .args = "x: tensor, dim0: dim, dim1: dim",
        .returns = "tensor",
        .doc = "Exchanges two dims, as transpose does.",
        .compose = compose_swapaxes,
        .example = "nn.swapaxes(" GRID ", 1, 2)",
    },
    {
        .name = "broadcast_to",
        .args = "x: tensor, shape: shape",
        .returns = "tensor",
        .doc = "x repeated to a shape without copying, as expand does.",
        .compose = compose_broadcast_to,
        .example = "nn.broadcast_to(nn.tensor {1, 2}, {2, 2})",
    },
    {
        .name = "expand_as",
        .args = "x: tensor, y: tensor",
        .returns = "tensor",
        .doc = "x expanded to the shape of y.",
        .compose = compose_like_other,
        .example = "nn.expand_as(nn.tensor {1, 2}, nn.zeros(2, 2))",
    },
    {
        .name = "reshape_as",
        .args = "x: tensor, y: tensor",
        .returns = "tensor",
        .doc = "x in the shape of y.",
        .compose = compose_like_other,
        .variant = 1,
        .example = "nn.reshape_as(nn.arange(4), nn.zeros(2, 2))",
    },
    {
        .name = "ravel",
        .args = "x: tensor",
        .returns = "tensor",
        .doc = "x as one dim; a view if it can be.",
        .compose = compose_ravel,
        .example = "nn.ravel(" GRID ")",
    },
    {
        .name = "atleast_1d",
        .args = "x: tensor",
        .returns = "tensor",
        .doc = "x with at least one dim.",
        .compose = compose_atleast,
        .variant = 1,
        .example = "nn.atleast_1d(nn.tensor(7))",
    },
    {
        .name = "atleast_2d",
        .args = "x: tensor",
        .returns = "tensor",
        .doc = "x with at least two dims; a vector becomes a row.",
        .compose = compose_atleast,
        .variant = 2,
        .example = "nn.atleast_2d(nn.tensor {1, 2})",
    },
    {
        .name = "atleast_3d",
        .args = "x: tensor",
        .returns = "tensor",
        .doc = "x with at least three dims.",
        .compose = compose_atleast,
        .variant = 3,
        .example = "nn.atleast_3d(nn.tensor {1, 2}).shape",
    },
    {
        .name = "unbind",
        .args = "x: tensor, dim: dim = 1",
        .returns = "tensors",
        .doc = "A list of the slices along a dim, which is gone in them.",
        .compose = compose_unbind,
        .example = "nn.unbind(" GRID ")[2]",
    },
    {
        .name = "split",
        .args = "x: tensor, size: shape, dim: dim = 1",
        .returns = "tensors",
        .doc = "A list of pieces along a dim: of one size (the last may be shorter), or of the sizes listed.",
        .compose = compose_split,
        .example = "nn.split(nn.arange(5), 2)[3]",
    },
    {
        .name = "chunk",
        .args = "x: tensor, count: int, dim: dim = 1",
        .returns = "tensors",
        .doc = "A list of at most count pieces of equal size along a dim (the last may be shorter).",
        .compose = compose_chunk,
        .example = "#nn.chunk(nn.arange(5), 2)",
    },
    {
        .name = "tensor_split",
        .args = "x: tensor, sections: shape, dim: dim = 1",
        .returns = "tensors",
        .doc =
            "A list of so many pieces along a dim, as equal as can be; a list of positions cuts behind each of them.",
        .compose = compose_tensor_split,
        .example = "nn.tensor_split(nn.arange(5), {1, 3})[2]",
    },
    {
        .name = "hsplit",
        .args = "x: tensor, sections: shape",
        .returns = "tensors",
        .doc = "tensor_split along dim 2 (of a vector, dim 1).",
        .compose = compose_tensor_split,
        .variant = 1,
        .example = "nn.hsplit(" GRID ", 3)[1]",
    },
    {
        .name = "vsplit",
        .args = "x: tensor, sections: shape",
        .returns = "tensors",
        .doc = "tensor_split along dim 1.",
        .compose = compose_tensor_split,
        .variant = 2,
        .example = "nn.vsplit(" GRID ", 2)[1]",
    },
    {
        .name = "dsplit",
        .args = "x: tensor, sections: shape",
        .returns = "tensors",
        .doc = "tensor_split along dim 3.",
        .compose = compose_tensor_split,
        .variant = 3,
        .example = "nn.dsplit(nn.zeros(1, 1, 4), 2)[1].shape",
    },
    {
        .name = "hstack",
        .args = "tensors: tensors",
        .returns = "tensor",
        .doc = "Joins side by side: along dim 2, vectors along dim 1.",
        .compose = compose_stacked,
        .variant = 1,
        .example = "nn.hstack {nn.tensor {1}, nn.tensor {2, 3}}",
    },
    {
        .name = "vstack",
        .args = "tensors: tensors",
        .returns = "tensor",
        .doc = "Joins one below the other, vectors as rows.",
        .compose = compose_stacked,
        .variant = 2,
        .example = "nn.vstack {nn.tensor {1, 2}, nn.tensor {3, 4}}",
    },
    {
        .name = "dstack",
        .args = "tensors: tensors",
        .returns = "tensor",
        .doc = "Joins along dim 3.",
        .compose = compose_stacked,
        .variant = 3,
        .example = "nn.dstack {nn.tensor {1, 2}, nn.tensor {3, 4}}",
    },
    {
        .name = "column_stack",
        .args = "tensors: tensors",
        .returns = "tensor",
        .doc = "Joins side by side, vectors as columns.",
        .compose = compose_stacked,
        .variant = 4,
        .example = "nn.column_stack {nn.tensor {1, 2}, nn.tensor {3, 4}}",
    },
    {
        .name = "block_diag",
        .args = "tensors: tensors",
        .returns = "tensor",
        .doc = "A matrix with these along its diagonal.",
        .compose = compose_block_diag,
        .example = "nn.block_diag {nn.tensor {1, 2}, nn.tensor {{3}}}",
    },
    {
        .name = "broadcast_tensors",
        .args = "tensors: tensors",
        .returns = "tensors",
        .doc = "A list of the tensors, all expanded to the shape they broadcast to.",
        .compose = compose_broadcast_tensors,
        .example = "nn.broadcast_tensors {nn.zeros(2, 1), nn.zeros(3)}[1].shape",
    },
    {
        .name = "meshgrid",
        .args = "tensors: tensors, indexing: choice = ij|xy",
        .returns = "tensors",
        .doc = "A list of grids, one for each vector: its values along its own dim. xy exchanges the first two dims.",
        .compose = compose_meshgrid,
        .example = "nn.meshgrid {nn.arange(2), nn.arange(3)}[2]",
    },
    {
        .name = "cartesian_prod",
        .args = "tensors: tensors",
        .returns = "tensor",
        .doc = "All combinations of one element from each vector, one a row.",
        .compose = compose_cartesian_prod,
        .example = "nn.cartesian_prod {nn.tensor {1, 2}, nn.tensor {3, 4}}",
    },
};

NL_FAMILY(nl_ops_arrange, ops);
