/* Slices along a dim by an index tensor, their gradient, and embeddings, which are such slices. */
#include <string.h>

#include "core/interrupt.h"
#include "core/pool.h"
#include "kernels/kernels.h"
#include "ops/indexing/indexing.h"
#include "optable/compose.h"
#include "optable/helpers.h"
#include "optable/rules.h"

NL_ATTRS(slices, dim)
NL_ATTRS(zeros, dim, shape)

/* ---- index_select ---- */

static nl_status infer_index_select(nl_call *c) {
  nl_tensor *x = c->in[0], *index = c->in[1];
  int dim;
  nl_status status = nl_rule_dim(c->attr[slices_dim].i, x->ndim, &dim);
  status = status == NL_OK ? nl_rule_int_index(index) : status;
  if (status == NL_OK && (index->ndim > 1 || x->ndim == 0)) {
    status = nl_fail("the index must have one dim (shape %s) and the tensor at least one (shape %s)",
                     nl_tensor_shape_string(index).s, nl_tensor_shape_string(x).s);
  }
  status = status == NL_OK ? nl_rule_positions(index, x->shape[dim]) : status;
  if (status == NL_OK) {
    int64_t shape[NL_MAX_DIM];
    memcpy(shape, x->shape, (size_t)x->ndim * sizeof *shape);
    shape[dim] = index->numel;
    nl_rule_shape(c, 0, x->ndim, shape, nl_tensor_dtype(x));
  }
  return status;
}

/* Between a tensor [outer][red][inner] and another [outer][count][inner]: row i of one is row ids[i] of the other. */
typedef struct slices {
  const char *from;
  char *to;
  const int64_t *ids;
  int64_t count;
  nl_around around; /* of the tensor that ids count in */
  nl_dtype dtype;
  size_t size, bytes; /* of an element, of a row */
} slices;

static slices slices_of(nl_call *c, const nl_tensor *big, int64_t dim) {
  nl_tensor *from = c->rin[0], *index = c->rin[1];
  slices s = {.from = nl_tensor_data(from), .to = nl_tensor_data(c->out[0]), .ids = nl_tensor_data(index)};
  int d = 0;
  nl_rule_dim(dim, big->ndim, &d);
  s.count = index->numel;
  s.around = nl_rule_around(big, d);
  s.dtype = nl_tensor_dtype(from);
  s.size = nl_dtype_size(s.dtype);
  s.bytes = (size_t)s.around.inner * s.size;
  return s;
}

/* Where index id of outer row o begins, in elements. */
static inline int64_t start_of_slice(const slices *s, int64_t o, int64_t id) {
  return (o * s->around.red + (id < 0 ? id + s->around.red : id - 1)) * s->around.inner;
}

/* Outer rows begin .. end where each row is one element. */
static void pick_elements(void *ctx, int64_t begin, int64_t end) {
  const slices *s = ctx;
  for (int64_t o = begin; o < end; o++) {
    nl_k->places->pick[s->size](s->count, s->ids, s->around.red, s->from + (size_t)(o * s->around.red) * s->size,
                                s->to + (size_t)(o * s->count) * s->size);
  }
}

enum { AHEAD = 4, MOST_AHEAD = 4096 };

/* Rows begin .. end of the result: row r is of outer index r / count, index r % count. They lie anywhere, so those that
   come next are asked for while this one is copied. */
static void pick_rows(void *ctx, int64_t begin, int64_t end) {
  const slices *s = ctx;
  size_t ask = s->bytes < MOST_AHEAD ? s->bytes : MOST_AHEAD;
  int64_t o = begin / s->count, i = begin % s->count;
  for (int64_t r = begin; r < end; r++) {
    if (i + AHEAD < s->count) {
      const char *next = s->from + (size_t)start_of_slice(s, o, s->ids[i + AHEAD]) * s->size;
      for (size_t at = 0; at < ask; at += 64) {
        __builtin_prefetch(next + at);
      }
    }
    memcpy(s->to + (size_t)r * s->bytes, s->from + (size_t)start_of_slice(s, o, s->ids[i]) * s->size, s->bytes);
    i = i + 1 < s->count ? i + 1 : 0;
    o += i == 0;
  }
}

static void run_index_select(nl_call *c) {
  slices s = slices_of(c, c->rin[0], c->attr[slices_dim].i);
  if (s.around.inner == 1) {
    nl_parallel_for(s.count > 0 ? s.around.outer : 0, 1 + (1 << 16) / (s.count + 1), pick_elements, &s);
  } else {
    nl_parallel_for(s.around.outer * s.count, 1 + (int64_t)((1 << 18) / (s.bytes + 1)), pick_rows, &s);
  }
}
static nl_status vjp_index_select(nl_call *c, nl_vjp *g) {
  nl_tensor *x = c->in[0];
  g->gin[0] =
      nl_b_do(g->build, op_index_zeros(), "ttil", g->gout[0], c->in[1], c->attr[slices_dim].i, x->ndim, x->shape);
  return g->build->status;
}

/* ---- its gradient ---- */

/* index_zeros(g, index, dim, shape): zeros, plus row i of g at row index[i] */
static nl_status infer_index_zeros(nl_call *c) {
  int ndim, dim;
  const int64_t *shape = nl_call_list(c, zeros_shape, &ndim);
  nl_tensor *g = c->in[0], *index = c->in[1];
  nl_status status = nl_rule_dim(c->attr[zeros_dim].i, ndim, &dim);
  status = status == NL_OK ? nl_rule_int_index(index) : status;
  bool fits = status == NL_OK && ndim == g->ndim && ndim > 0 && index->ndim <= 1 && g->shape[dim] == index->numel;
  for (int d = 0; d < ndim && fits; d++) {
    fits = shape[d] >= 0 && (d == dim || g->shape[d] == shape[d]);
  }
  if (status == NL_OK && !fits) {
    status = nl_fail("values of shape %s and an index of shape %s do not go with shape %s", nl_tensor_shape_string(g).s,
                     nl_tensor_shape_string(index).s, nl_shape_string(ndim, shape).s);
  }
  status = status == NL_OK ? nl_rule_positions(index, shape[dim]) : status;
  if (status == NL_OK) {
    nl_rule_shape(c, 0, ndim, shape, nl_tensor_dtype(g));
  }
  return status;
}

/* The rows of outer rows begin .. end are added in the order of the index, so each sum has one order. Whole numbers
   wrap; bools are true where one of them is. */
#define ADD_ROWS(name, type, plus)                                                                                     \
  static void add_##name(const slices *s, int64_t begin, int64_t end) {                                                \
    const int64_t inner = s->around.inner, red = s->around.red, *ids = s->ids;                                         \
    const type *g = (const type *)(const void *)s->from + begin * s->count * inner;                                    \
    type *to = (type *)(void *)s->to;                                                                                  \
    for (int64_t o = begin; o < end && !nl_interrupted_at(o); o++) {                                                   \
      if (inner == 1) {                                                                                                \
        type *line = to + o * red;                                                                                     \
        for (int64_t i = 0; i < s->count; i++, g++) {                                                                  \
          line[ids[i] + (ids[i] < 0 ? red : -1)] plus *g;                                                              \
        }                                                                                                              \
        continue;                                                                                                      \
      }                                                                                                                \
      for (int64_t i = 0; i < s->count; i++, g += inner) {                                                             \
        type *row = to + start_of_slice(s, o, ids[i]);                                                                 \
        for (int64_t k = 0; k < inner; k++) {                                                                          \
          row[k] plus g[k];                                                                                            \
        }                                                                                                              \
      }                                                                                                                \
    }                                                                                                                  \
  }
ADD_ROWS(f32, float, +=)
ADD_ROWS(f64, double, +=)
ADD_ROWS(i64, uint64_t, +=)
ADD_ROWS(u8, uint8_t, +=)
ADD_ROWS(bool, uint8_t, |=)

static void add_rows(void *ctx, int64_t begin, int64_t end) {
  const slices *s = ctx;
  memset(s->to + (size_t)(begin * s->around.red) * s->bytes, 0, (size_t)((end - begin) * s->around.red) * s->bytes);
  switch (s->dtype) {
  case NL_F32:
    add_f32(s, begin, end);
    break;
  case NL_F64:
    add_f64(s, begin, end);
    break;
  case NL_I64:
    add_i64(s, begin, end);
    break;
  case NL_U8:
    add_u8(s, begin, end);
    break;
  default:
    add_bool(s, begin, end);
  }
}

static void run_index_zeros(nl_call *c) {
  slices s = slices_of(c, c->out[0], c->attr[zeros_dim].i);
  int64_t each = (s.around.red + s.count) * s.around.inner;
  nl_parallel_for(each > 0 ? s.around.outer : 0, 1 + (1 << 16) / (each + 1), add_rows, &s);
}
static nl_status vjp_index_zeros(nl_call *c, nl_vjp *g) {
  g->gin[0] = b_index_select(g->build, g->gout[0], c->attr[zeros_dim].i, c->in[1]);
  return g->build->status;
}

/* ---- embedding ---- */

NL_ATTRS(embedding, padding_idx)

NL_COMPOSE(embedding) {
  nl_tensor *weight = c->in[1];
  int64_t shape[NL_MAX_DIM], padding = c->attr[embedding_padding_idx].i;
  if (nl_tensor_dtype(x) != NL_I64 || x->ndim == NL_MAX_DIM || weight->ndim != 2) {
    nl_b_fail(b,
              "takes int64 symbols, from 1, and a weight of symbols x features, but got %s of shape %s and a weight of "
              "shape %s",
              nl_dtype_name(nl_tensor_dtype(x)), nl_tensor_shape_string(x).s, nl_tensor_shape_string(weight).s);
    return;
  }
  int64_t n = weight->shape[0];
  if (c->attr[embedding_padding_idx].set && (padding == 0 || padding > n || padding < -n)) {
    nl_b_fail(b, "padding_idx must be one of the %lld symbols, counted from 1, but is %lld", (long long)n,
              (long long)padding);
    return;
  }
  for (int d = 0; d < x->ndim; d++) {
    shape[d] = x->shape[d];
  }
  shape[x->ndim] = weight->shape[1];
  nl_tensor *flat = nl_b_reshape(b, x, 1, (int64_t[]){-1}), *rows = b_index_select(b, weight, 1, flat);
  if (c->attr[embedding_padding_idx].set) { /* no gradient for this one, by either of its numbers */
    int64_t from_end = padding < 0 ? padding + n + 1 : padding;
    nl_tensor *other =
        b_logical_and(b, b_ne(b, flat, nl_b_int(b, from_end)), b_ne(b, flat, nl_b_int(b, from_end - n - 1)));
    rows = b_where(b, b_unsqueeze(b, other, 2), rows, nl_b1(b, op_stop_gradient(), rows));
  }
  nl_give(c, nl_b_reshape(b, rows, x->ndim + 1, shape));
}

static const nl_op ops[] = {
    {.name = "embedding",
     .args = "x: tensor, weight: tensor, padding_idx: int?",
     .attrs = embedding_attrs,
     .returns = "tensor",
     .doc = "A row of the weight (symbols x features) for each of x's int64 symbols, from 1. The row of the symbol "
            "padding_idx gets no gradient.",
     .example = "nn.embedding(nn.tensor {2, 1}, nn.tensor {{1.0, 2.0}, {3.0, 4.0}})",
     .compose = compose_embedding},
    {.name = "index_select",
     .args = "x: tensor, dim: dim, index: tensor",
     .attrs = slices_attrs,
     .returns = "tensor",
     .doc = "The slices of x along dim that index (int64, from 1) names, in its order.",
     .example = "nn.index_select(nn.tensor {{1.0, 2.0, 3.0}, {4.0, 5.0, 6.0}}, 2, nn.tensor {3, 1})",
     .infer = infer_index_select,
     .run = run_index_select,
     .vjp = vjp_index_select,
     .flags = NL_OP_CHECKS | NL_OP_CONTIGUOUS,
     .save = NL_SAVE_IN(1)},
    {.name = "index_zeros",
     .args = "g: tensor, index: tensor, dim: dim, shape: shape",
     .attrs = zeros_attrs,
     .returns = "tensor",
     .doc = "Zeros plus each slice of g at the place index names: an index_select's gradient.",
     .infer = infer_index_zeros,
     .run = run_index_zeros,
     .vjp = vjp_index_zeros,
     .flags = NL_OP_CHECKS | NL_OP_CONTIGUOUS | NL_OP_INTERNAL,
     .save = NL_SAVE_IN(1)},
};
NL_FAMILY(slices, ops);
