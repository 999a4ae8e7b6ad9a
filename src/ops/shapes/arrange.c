/* Ops that rearrange elements, made of other ops: flips, rolls, repeats, and dims moved, split or
   added. Dims in the
   calls below count from 1, as in Lua. */
#include <string.h>

#include "core/memory.h"
#include "ops/shapes/shapes.h"
#include "optable/compose.h"
#include "optable/iterate.h"
#include "optable/rules.h"

typedef const int64_t *ints;

NL_ATTRS(flip, dims)
NL_ATTRS(roll, shifts, dims)
NL_ATTRS(rot90, k, dims)
NL_ATTRS(tile, dims)
NL_ATTRS(repeat_interleave, dim)
NL_ATTRS(unflatten, dim, sizes)
NL_ATTRS(moveaxis, source, destination)
NL_ATTRS(swapaxes, dim0, dim1)
NL_ATTRS(broadcast_to, shape)

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

/* ---- flips, rolls, repeats ---- */

static nl_tensor *flipped(nl_build *b, nl_tensor *x, int d) {
  if (b->status != NL_OK) {
    return NULL;
  }
  int64_t n = size_at(x, d);
  return x->ndim == 0 ? b_clone(b, x) : b_index_select(b, x, d + 1, ramp(b, n, n, -1));
}
NL_COMPOSE(flip) {
  bool mask[NL_MAX_DIM];
  b->status = nl_rule_dims(c, flip_dims, x->ndim, mask);
  nl_tensor *t = x;
  for (int d = 0; d < x->ndim && b->status == NL_OK; d++) {
    t = mask[d] ? flipped(b, t, d) : t;
  }
  nl_give(c, t == x ? b_clone(b, x) : t);
}
/* fliplr (variant 2) and flipud (variant 1) */
NL_COMPOSE(flip_matrix) {
  int need = c->op->variant;
  if (x->ndim < need) {
    nl_b_fail(b, "needs at least %d dim%s, but got shape %s", need, need > 1 ? "s" : "", nl_tensor_shape_string(x).s);
    return;
  }
  nl_give(c, flipped(b, x, need - 1));
}
static nl_tensor *rolled(nl_build *b, nl_tensor *x, int d, int64_t shift) {
  if (b->status != NL_OK) {
    return NULL;
  }
  int64_t n = size_at(x, d);
  shift = n ? shift % n : 0;
  shift = shift < 0 ? shift + n : shift;
  if (shift == 0) {
    return b_clone(b, x);
  }
  nl_tensor *last = b_narrow(b, x, d + 1, n - shift + 1, shift);
  return b_cat(b, last, b_narrow(b, x, d + 1, 1, n - shift), d + 1);
}
NL_COMPOSE(roll) {
  int n, m;
  ints shifts = nl_call_list(c, roll_shifts, &n), dims = nl_call_list(c, roll_dims, &m);
  if (!c->attr[roll_dims].set && n == 1) {
    int64_t flat = -1;
    nl_tensor *t = rolled(b, nl_b_reshape(b, x, 1, &flat), 0, shifts[0]);
    nl_give(c, nl_b_reshape(b, t, x->ndim, x->shape));
    return;
  }
  if (n != m) {
    nl_b_fail(b, "%d shifts do not go with %d dims", n, m);
    return;
  }
  nl_tensor *t = x;
  for (int i = 0; i < n; i++) {
    t = rolled(b, t, dim_at(b, dims[i], x->ndim), shifts[i]);
  }
  nl_give(c, t);
}
NL_COMPOSE(rot90) {
  int n;
  ints dims = nl_call_list(c, rot90_dims, &n);
  int a = 0, z = 1;
  if (c->attr[rot90_dims].set) {
    a = n == 2 ? dim_at(b, dims[0], x->ndim) : 0;
    z = n == 2 ? dim_at(b, dims[1], x->ndim) : 0;
  }
  if (b->status == NL_OK && (a == z || x->ndim < 2)) {
    nl_b_fail(b, "turns the plane of two different dims, e.g. {1, 2}; the tensor has shape %s",
              nl_tensor_shape_string(x).s);
  }
  if (b->status != NL_OK) {
    return;
  }
  int64_t k = ((c->attr[rot90_k].i % 4) + 4) % 4;
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
  ints reps = nl_call_list(c, tile_dims, &n);
  x = with_leading_dims(b, x, n);
  if (b->status != NL_OK || 2 * x->ndim > NL_MAX_DIM) {
    nl_b_fail(b, "too many dims");
    return;
  }
  int64_t apart[NL_MAX_DIM], wide[NL_MAX_DIM], joined[NL_MAX_DIM];
  for (int d = 0; d < x->ndim; d++) {
    int64_t r = d < x->ndim - n ? 1 : reps[d - (x->ndim - n)];
    if (r < 0) {
      nl_b_fail(b, "a dim can be repeated 0 or more times, not %lld", (long long)r);
      return;
    }
    apart[2 * d] = 1;
    wide[2 * d] = r;
    apart[2 * d + 1] = wide[2 * d + 1] = x->shape[d];
    if (__builtin_mul_overflow(r, x->shape[d], &joined[d])) {
      nl_b_fail(b, "the result has more elements than can be counted");
      return;
    }
  }
  nl_tensor *t = nl_b_expand(b, nl_b_reshape(b, x, 2 * x->ndim, apart), 2 * x->ndim, wide);
  nl_give(c, b_clone(b, nl_b_reshape(b, t, x->ndim, joined)));
}
NL_COMPOSE(repeat_interleave) {
  nl_tensor *times = c->in[1];
  int64_t flat = -1;
  if (!c->attr[repeat_interleave_dim].set) {
    x = nl_b_reshape(b, x, 1, &flat);
  }
  int d = x ? dim_at(b, c->attr[repeat_interleave_dim].set ? c->attr[repeat_interleave_dim].i : 1, x->ndim) : 0;
  if (b->status != NL_OK) {
    return;
  }
  if (!times->wrapped_number) {
    nl_give(c, b_index_select(b, x, d + 1, nl_b_do(b, op_repeat_index(), "ti", times, size_at(x, d))));
    return;
  }
  times = nl_b_cast(b, times, NL_I64); /* or an error: 1.5 is no count */
  if (b->status != NL_OK) {
    return;
  }
  int64_t n = nl_tensor_get_int(times, 0);
  if (n < 0 || x->ndim + 1 > NL_MAX_DIM) {
    nl_b_fail(b, "each element can be repeated 0 or more times, not %lld", (long long)n);
    return;
  }
  int64_t wide[NL_MAX_DIM], joined[NL_MAX_DIM];
  for (int i = 0, to = 0; i < x->ndim; i++) {
    joined[i] = x->shape[i];
    wide[to++] = x->shape[i];
    if (i == d) {
      wide[to++] = n;
      if (__builtin_mul_overflow(joined[i], n, &joined[i])) {
        nl_b_fail(b, "the result has more elements than can be counted");
        return;
      }
    }
  }
  nl_tensor *t = nl_b_expand(b, b_unsqueeze(b, x, d + 2), x->ndim + 1, wide);
  nl_give(c, b_clone(b, nl_b_reshape(b, t, x->ndim, joined)));
}

/* ---- dims ---- */

NL_COMPOSE(unflatten) {
  int n, d = dim_at(b, c->attr[unflatten_dim].i, x->ndim);
  ints sizes = nl_call_list(c, unflatten_sizes, &n);
  if (b->status != NL_OK || x->ndim == 0 || x->ndim - 1 + n > NL_MAX_DIM) {
    nl_b_fail(b, "needs at least one dim, and gives at most %d", NL_MAX_DIM);
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
        nl_b_fail(b, "sizes %s have more elements than can be counted", nl_shape_string(n, sizes).s);
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
  ints source = nl_call_list(c, moveaxis_source, &n), target = nl_call_list(c, moveaxis_destination, &m);
  int64_t order[NL_MAX_DIM] = {0};
  bool taken[NL_MAX_DIM] = {false};
  if (n != m) {
    nl_b_fail(b, "%d dims cannot be moved to %d places", n, m);
    return;
  }
  for (int i = 0; i < n; i++) {
    int from = dim_at(b, source[i], x->ndim), to = dim_at(b, target[i], x->ndim);
    if (b->status != NL_OK || taken[from] || order[to]) {
      nl_b_fail(b, "each dim can be moved, and each place be taken, once");
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
  nl_give(c, b_permute(b, x, order));
}
NL_COMPOSE(swapaxes) {
  nl_give(c, nl_b_transpose(b, x, c->attr[swapaxes_dim0].i, c->attr[swapaxes_dim1].i));
}
NL_COMPOSE(broadcast_to) {
  int n;
  ints shape = nl_call_list(c, broadcast_to_shape, &n);
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
nl_tensor *nl_at_least(nl_build *b, nl_tensor *x, int n) {
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
  nl_give(c, nl_at_least(b, x, c->op->variant));
}

#define GRID "nn.arange(6):reshape(2, 3)"

static const nl_op ops[] = {
    {
        .name = "flip",
        .args = "x: tensor, dims: dims?",
        .attrs = flip_attrs,
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
        .attrs = roll_attrs,
        .returns = "tensor",
        .doc = "The elements moved on along the dims, those that leave come in again; without dims, flattened.",
        .compose = compose_roll,
        .example = "nn.roll(nn.arange(5), 2)",
    },
    {
        .name = "rot90",
        .args = "x: tensor, k: int = 1, dims: dims?",
        .attrs = rot90_attrs,
        .returns = "tensor",
        .doc = "Turned by k quarters, from the first of two dims towards the second.",
        .compose = compose_rot90,
        .example = "nn.rot90(" GRID ")",
    },
    {
        .name = "tile",
        .args = "x: tensor, dims: shape",
        .attrs = tile_attrs,
        .returns = "tensor",
        .doc = "x put next to itself, so many times along each dim; PyTorch's repeat.",
        .compose = compose_tile,
        .example = "nn.tile(nn.tensor {1, 2}, {2, 2})",
    },
    {
        .name = "repeat_interleave",
        .args = "x: tensor, repeats: operand, dim: dim?",
        .attrs = repeat_interleave_attrs,
        .returns = "tensor",
        .doc = "Each element so many times: one number, or one for each; without dim, flattened.",
        .compose = compose_repeat_interleave,
        .example = "nn.repeat_interleave(nn.tensor {1, 2}, nn.tensor {3, 1})",
    },
    {
        .name = "unflatten",
        .args = "x: tensor, dim: dim, sizes: shape",
        .attrs = unflatten_attrs,
        .returns = "tensor",
        .doc = "One dim cut into several; -1 is worked out.",
        .compose = compose_unflatten,
        .example = "nn.unflatten(nn.arange(6), 1, {2, -1})",
    },
    {
        .name = "moveaxis",
        .args = "x: tensor, source: dims, destination: dims",
        .attrs = moveaxis_attrs,
        .returns = "tensor",
        .doc = "Dims moved to other places, the rest in order.",
        .compose = compose_moveaxis,
        .example = "nn.moveaxis(nn.zeros(2, 3, 4), 1, 3).shape",
    },
    {
        .name = "swapaxes",
        .args = "x: tensor, dim0: dim, dim1: dim",
        .attrs = swapaxes_attrs,
        .returns = "tensor",
        .doc = "Exchanges two dims, as transpose does.",
        .compose = compose_swapaxes,
        .example = "nn.swapaxes(" GRID ", 1, 2)",
    },
    {
        .name = "broadcast_to",
        .args = "x: tensor, shape: shape",
        .attrs = broadcast_to_attrs,
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
};
NL_FAMILY(arrange, ops);
