/* Ops that cut tensors into pieces and that join tensors. Dims in the calls below count from 1, as in Lua. */
#include <string.h>

#include "core/memory.h"
#include "ops/shapes/shapes.h"
#include "optable/compose.h"
#include "optable/iterate.h"
#include "optable/promote.h"
#include "optable/rules.h"

typedef const int64_t *ints;

NL_ATTRS(cat, dim)
NL_ATTRS(unbind, dim)
NL_ATTRS(split, split_size, dim)
NL_ATTRS(chunk, chunks, dim)
NL_ATTRS(cuts, sections)
NL_ATTRS(tensor_split, sections, dim)
NL_ATTRS(meshgrid, indexing)

/* ---- cat and stack ---- */

static nl_status infer_cat(nl_call *c) {
  bool stack = c->op->variant == 1;
  if (c->nin == 0) {
    return nl_fail("at least one tensor is needed");
  }
  nl_tensor *first = c->in[0];
  int dim, extra = stack ? 1 : 0;
  if (!stack && first->ndim == 0) {
    return nl_fail("0-dim tensors cannot be joined along a dim; use stack");
  }
  if (first->ndim + extra > NL_MAX_DIM) {
    return nl_fail("at most %d dims are possible", NL_MAX_DIM);
  }
  nl_status status = nl_rule_dim(c->attr[cat_dim].i, first->ndim + extra, &dim);
  if (status != NL_OK) {
    return status;
  }
  int64_t total = 0;
  for (int i = 0; i < c->nin; i++) {
    nl_tensor *t = c->in[i];
    bool same = t->ndim == first->ndim;
    for (int d = 0; d < first->ndim && same; d++) {
      same = t->shape[d] == first->shape[d] || (!stack && d == dim);
    }
    if (!same) {
      return nl_fail("tensor %d has shape %s, which does not go with the first one's %s%s", i + 1,
                     nl_tensor_shape_string(t).s, nl_tensor_shape_string(first).s,
                     stack ? "; all must be equal" : "; all dims but the joined one must be equal");
    }
    total += stack ? 1 : t->shape[dim];
  }
  c->dtype = nl_promote(c->nin, c->in);
  int64_t shape[NL_MAX_DIM];
  for (int d = 0, from = 0; d < first->ndim + extra; d++) {
    shape[d] = d == dim ? total : first->shape[from];
    from += !(stack && d == dim);
  }
  nl_rule_shape(c, 0, first->ndim + extra, shape, c->dtype);
  return NL_OK;
}

static void run_cat(nl_call *c) {
  nl_tensor *out = c->out[0];
  int dim = 0;
  nl_rule_dim(c->attr[cat_dim].i, out->ndim, &dim);
  int64_t at = 0;
  for (int i = 0; i < c->nin; i++) {
    nl_tensor *t = c->rin[i], place = *out;
    int64_t shape[NL_MAX_DIM], strides[NL_MAX_DIM];
    int n = 0;
    for (int d = 0; d < out->ndim; d++) {
      if (c->op->variant == 1 && d == dim) {
        continue;
      }
      shape[n] = d == dim ? t->shape[d] : out->shape[d];
      strides[n++] = out->strides[d];
    }
    place.ndim = (uint8_t)n;
    place.shape = shape;
    place.strides = strides;
    place.numel = t->numel;
    place.offset = at * out->strides[dim];
    place.contiguous = false;
    nl_copy_values(&place, t);
    at += c->op->variant == 1 ? 1 : t->shape[dim];
  }
}

static nl_status vjp_cat(nl_call *c, nl_vjp *g) {
  bool stack = c->op->variant == 1;
  int dim = 0;
  nl_rule_dim(c->attr[cat_dim].i, g->gout[0]->ndim, &dim);
  int64_t at = 1;
  for (int i = 0; i < c->nin && g->build->status == NL_OK; i++) {
    int64_t length = stack ? 1 : c->in[i]->shape[dim];
    if (g->need[i]) {
      g->gin[i] =
          stack ? b_select(g->build, g->gout[0], dim + 1, at) : b_narrow(g->build, g->gout[0], dim + 1, at, length);
    }
    at += length;
  }
  return g->build->status;
}

/* ---- pieces ---- */

static void push_piece(nl_call *c, nl_build *b, nl_tensor *t) {
  if (b->status == NL_OK) {
    b->status = nl_call_push(c, t);
  }
}
NL_COMPOSE(unbind) {
  int d = dim_at(b, c->attr[unbind_dim].i, x->ndim);
  if (b->status == NL_OK && x->ndim == 0) {
    nl_b_fail(b, "a 0-dim tensor has nothing to unbind");
  }
  for (int64_t i = 1; b->status == NL_OK && i <= size_at(x, d); i++) {
    push_piece(c, b, b_select(b, x, d + 1, i));
  }
}
static void push_pieces(nl_call *c, nl_build *b, nl_tensor *x, int d, int64_t size) {
  int64_t n = size_at(x, d);
  for (int64_t at = 1; b->status == NL_OK && (at <= n || (n == 0 && at == 1)); at += size) {
    push_piece(c, b, b_narrow(b, x, d + 1, at, size < n - at + 1 ? size : n - at + 1));
    if (n == 0) {
      return;
    }
  }
}
NL_COMPOSE(chunk) {
  int64_t count = c->attr[chunk_chunks].i;
  int d = dim_at(b, c->attr[chunk_dim].i, x->ndim);
  if (b->status == NL_OK && (count < 1 || x->ndim == 0)) {
    nl_b_fail(b, "the count must be at least 1, not %lld, and the tensor have a dim (shape %s)", (long long)count,
              nl_tensor_shape_string(x).s);
  }
  if (b->status == NL_OK) {
    int64_t n = size_at(x, d), size = n / count + (n % count != 0);
    push_pieces(c, b, x, d, size > 0 ? size : 1);
  }
}
NL_COMPOSE(split) {
  int n, d = dim_at(b, c->attr[split_dim].i, x->ndim);
  ints sizes = nl_call_list(c, split_split_size, &n);
  int64_t total = 0;
  if (b->status != NL_OK) {
    return;
  }
  if (x->ndim == 0 || (n == 1 && sizes[0] < 1)) {
    nl_b_fail(b, "pieces must have at least 1 element, not %lld, and the tensor a dim (shape %s)",
              (long long)(n ? sizes[0] : 0), nl_tensor_shape_string(x).s);
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
    nl_b_fail(b, "the sizes add up to %lld, but dim %d of shape %s has %lld", (long long)total, d + 1,
              nl_tensor_shape_string(x).s, (long long)size_at(x, d));
    return;
  }
  for (int64_t i = 0, at = 1; i < n; at += sizes[i++]) {
    push_piece(c, b, b_narrow(b, x, d + 1, at, sizes[i]));
  }
}
static void push_sections(nl_call *c, nl_build *b, nl_tensor *x, int d, int n, ints where) {
  int64_t size = size_at(x, d), at = 0;
  for (int i = 0; i <= n && b->status == NL_OK; i++) { /* cuts behind the elements named */
    int64_t end = i < n ? (where[i] < 0 ? tame(where[i]) + size : tame(where[i])) : size;
    end = end > size ? size : (end < at ? at : end);
    push_piece(c, b, b_narrow(b, x, d + 1, at < size ? at + 1 : size + 1, end - at));
    at = end;
  }
}
/* tensor_split; variant 1, 2, 3: hsplit, vsplit, dsplit, which know their dim */
NL_COMPOSE(tensor_split) {
  int n, variant = c->op->variant;
  ints where = nl_call_list(c, cuts_sections, &n);
  int need = variant == 0 ? 1 : variant;
  if (x->ndim < need) {
    nl_b_fail(b, "needs at least %d dim%s, but got shape %s", need, need > 1 ? "s" : "", nl_tensor_shape_string(x).s);
    return;
  }
  int d = variant == 0 ? dim_at(b, c->attr[tensor_split_dim].i, x->ndim)
                       : (variant == 1 ? (x->ndim == 1 ? 0 : 1) : (variant == 2 ? 0 : 2));
  if (b->status != NL_OK) {
    return;
  }
  if (n != 1) {
    push_sections(c, b, x, d, n, where);
    return;
  }
  int64_t count = where[0], size = size_at(x, d);
  if (count < 1 || count > 1 << 24) {
    nl_b_fail(b, "the number of pieces must be at least 1, not %lld", (long long)count);
    return;
  }
  for (int64_t i = 0, at = 1; i < count && b->status == NL_OK; i++) {
    int64_t length = size / count + (i < size % count);
    push_piece(c, b, b_narrow(b, x, d + 1, at, length));
    at += length;
  }
}

/* ---- joins ---- */

/* hstack 1, vstack 2, dstack 3, column_stack 4 */
NL_COMPOSE(stacked) {
  (void)x;
  int variant = c->op->variant;
  if (c->nin == 0) {
    nl_b_fail(b, "at least one tensor is needed");
    return;
  }
  nl_tensor **parts = nl_new((size_t)c->nin * sizeof *parts);
  if (!parts) {
    b->status = NL_NOMEM;
    return;
  }
  for (int i = 0; i < c->nin; i++) {
    nl_tensor *t = c->in[i];
    if (variant == 4) {
      parts[i] = t->ndim < 2 ? nl_b_reshape(b, t, 2, (int64_t[]){t->numel, 1}) : t;
    } else {
      parts[i] = nl_at_least(b, t, variant);
    }
  }
  if (b->status == NL_OK) {
    nl_call k;
    nl_call_init(&k, op_cat(), c->nin, parts);
    int64_t dim = variant == 1 ? (parts[0]->ndim == 1 ? 1 : 2) : (variant == 2 ? 1 : (variant == 3 ? 3 : 2));
    k.attr[cat_dim] = (nl_attr){.set = true, .i = dim};
    nl_give(c, nl_b_call(b, &k));
  }
  nl_delete(parts);
}
NL_COMPOSE(block_diag) {
  (void)x;
  int64_t rows = 0, cols = 0, row = 1, col = 1;
  for (int i = 0; i < c->nin; i++) {
    nl_tensor *t = nl_at_least(b, c->in[i], 2);
    if (b->status == NL_OK && t->ndim > 2) {
      nl_b_fail(b, "tensor %d has shape %s; blocks are matrices", i + 1, nl_tensor_shape_string(t).s);
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
    nl_tensor *t = nl_at_least(b, c->in[i], 2);
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
      push_piece(c, b, nl_b_expand(b, c->in[i], n, shape));
    }
  }
}
/* Result i has element k of tensor i wherever index i is k. xy: the first two dims change places. */
NL_COMPOSE(meshgrid) {
  (void)x;
  bool xy = c->attr[meshgrid_indexing].i == 1 && c->nin > 1;
  int64_t shape[NL_MAX_DIM];
  if (c->nin > NL_MAX_DIM) {
    nl_b_fail(b, "at most %d tensors are possible", NL_MAX_DIM);
    return;
  }
  for (int i = 0; i < c->nin; i++) {
    if (c->in[i]->ndim > 1) {
      nl_b_fail(b, "tensor %d has shape %s; a grid is made of vectors", i + 1, nl_tensor_shape_string(c->in[i]).s);
      return;
    }
    shape[xy && i < 2 ? 1 - i : i] = c->in[i]->numel;
  }
  for (int i = 0; i < c->nin; i++) {
    int64_t own[NL_MAX_DIM];
    for (int d = 0; d < c->nin; d++) {
      own[d] = d == (xy && i < 2 ? 1 - i : i) ? c->in[i]->numel : 1;
    }
    push_piece(c, b, nl_b_expand(b, nl_b_reshape(b, c->in[i], c->nin, own), c->nin, shape));
  }
}
/* All pairs (triples, ...) of elements, one a row. */
NL_COMPOSE(cartesian_prod) {
  (void)x;
  int64_t total = 1, inner = 1;
  nl_tensor *cols[NL_MAX_DIM];
  if (c->nin > NL_MAX_DIM || c->nin == 0) {
    nl_b_fail(b, "1 to %d tensors are possible, not %d", NL_MAX_DIM, c->nin);
    return;
  }
  for (int i = 0; i < c->nin; i++) {
    if (c->in[i]->ndim > 1 || __builtin_mul_overflow(total, c->in[i]->numel, &total)) {
      nl_b_fail(b, "tensor %d has shape %s; it must be a vector", i + 1, nl_tensor_shape_string(c->in[i]).s);
      return;
    }
  }
  for (int i = c->nin - 1; i >= 0; i--) {
    int64_t n = c->in[i]->numel, block = n * inner, wide[3] = {block > 0 ? total / block : 0, n, inner};
    nl_tensor *t = nl_b_expand(b, nl_b_reshape(b, c->in[i], 3, (int64_t[]){1, n, 1}), 3, wide);
    cols[i] = nl_b_reshape(b, t, 1, (int64_t[]){total});
    inner *= n;
  }
  if (c->nin == 1) {
    nl_give(c, cols[0]);
    return;
  }
  nl_call k;
  nl_call_init(&k, op_stack(), c->nin, cols);
  k.attr[cat_dim] = (nl_attr){.set = true, .i = 2};
  nl_give(c, nl_b_call(b, &k));
}

#define GRID "nn.arange(6):reshape(2, 3)"

static const nl_op ops[] = {
    {.name = "cat",
     .args = "tensors: tensors, dim: dim = 1",
     .attrs = cat_attrs,
     .returns = "tensor",
     .doc = "Joins tensors along a dim.",
     .example = "nn.cat {nn.tensor {1, 2}, nn.tensor {3}}",
     .infer = infer_cat,
     .run = run_cat,
     .vjp = vjp_cat},
    {.name = "stack",
     .args = "tensors: tensors, dim: dim = 1",
     .attrs = cat_attrs,
     .returns = "tensor",
     .doc = "Joins tensors of equal shape along a new dim.",
     .example = "nn.stack {nn.tensor {1, 2}, nn.tensor {3, 4}}",
     .infer = infer_cat,
     .run = run_cat,
     .vjp = vjp_cat,
     .variant = 1},
    {
        .name = "unbind",
        .args = "x: tensor, dim: dim = 1",
        .attrs = unbind_attrs,
        .returns = "tensors",
        .doc = "A list of the slices along a dim, which is gone in them.",
        .compose = compose_unbind,
        .example = "nn.unbind(" GRID ")[2]",
    },
    {
        .name = "split",
        .args = "x: tensor, split_size: shape, dim: dim = 1",
        .attrs = split_attrs,
        .returns = "tensors",
        .doc = "A list of pieces along a dim: of one size (the last may be shorter), or of the sizes listed.",
        .compose = compose_split,
        .example = "nn.split(nn.arange(5), 2)[3]",
    },
    {
        .name = "chunk",
        .args = "x: tensor, chunks: int, dim: dim = 1",
        .attrs = chunk_attrs,
        .returns = "tensors",
        .doc = "A list of at most `chunks` pieces of equal size along a dim (the last may be shorter).",
        .compose = compose_chunk,
        .example = "#nn.chunk(nn.arange(5), 2)",
    },
    {
        .name = "tensor_split",
        .args = "x: tensor, sections: shape, dim: dim = 1",
        .attrs = tensor_split_attrs,
        .returns = "tensors",
        .doc =
            "A list of so many pieces along a dim, as equal as can be; a list of positions cuts behind each of them.",
        .compose = compose_tensor_split,
        .example = "nn.tensor_split(nn.arange(5), {1, 3})[2]",
    },
    {
        .name = "hsplit",
        .args = "x: tensor, sections: shape",
        .attrs = cuts_attrs,
        .returns = "tensors",
        .doc = "tensor_split along dim 2 (of a vector, dim 1).",
        .compose = compose_tensor_split,
        .variant = 1,
        .example = "nn.hsplit(" GRID ", 3)[1]",
    },
    {
        .name = "vsplit",
        .args = "x: tensor, sections: shape",
        .attrs = cuts_attrs,
        .returns = "tensors",
        .doc = "tensor_split along dim 1.",
        .compose = compose_tensor_split,
        .variant = 2,
        .example = "nn.vsplit(" GRID ", 2)[1]",
    },
    {
        .name = "dsplit",
        .args = "x: tensor, sections: shape",
        .attrs = cuts_attrs,
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
        .attrs = meshgrid_attrs,
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
NL_FAMILY(join, ops);
