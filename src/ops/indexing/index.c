/* Ops that pick elements by index tensors (int64, from 1) or bool masks, and their gradients. */
#include <stdatomic.h>
#include <string.h>

#include "core/interrupt.h"
#include "core/number.h"
#include "core/pool.h"
#include "kernels/kernels.h"
#include "ops/indexing/indexing.h"
#include "optable/compose.h"
#include "optable/helpers.h"
#include "optable/iterate.h"
#include "optable/rules.h"

NL_ATTRS(along, dim)
NL_ATTRS(zeros, dim, shape)

nl_status nl_rule_int_index(const nl_tensor *t) {
  if (t->dtype == NL_I64) {
    return NL_OK;
  }
  return nl_fail("the index must be an int64 tensor, but is %s (shape %s); convert it with x:to(\"int64\")",
                 nl_dtype_name(nl_tensor_dtype(t)), nl_tensor_shape_string(t).s);
}

typedef struct range_job {
  const int64_t *ids;
  int64_t n;
  atomic_bool bad;
} range_job;

static void check_ids(void *ctx, int64_t begin, int64_t end) {
  range_job *j = ctx;
  if (!nl_k->places->all(end - begin, j->ids + begin, j->n)) {
    atomic_store(&j->bad, true);
  }
}

/* All of 1..n (negative ones count from the end where allowed). */
static nl_status check_range(const nl_tensor *index, int64_t n) {
  if (index->contiguous && index->dtype == NL_I64) { /* one fast pass; the slow one finds what is wrong */
    range_job job = {.ids = nl_tensor_data(index), .n = n};
    nl_parallel_for(index->numel, 1 << 16, check_ids, &job);
    if (!atomic_load(&job.bad) && !nl_interrupt_pending()) {
      return NL_OK;
    }
  }
  for (int64_t i = 0; i < index->numel; i++) {
    int64_t v = nl_tensor_get_int(index, i);
    if (v == 0 || v > n || v < -n) {
      return nl_fail("index %lld (element %lld of the index) is out of range 1..%lld%s", (long long)v,
                     (long long)(i + 1), (long long)n, v == 0 ? "; indices count from 1" : "");
    }
  }
  return NL_OK;
}

nl_status nl_rule_positions(const nl_tensor *index, int64_t n) {
  nl_status status = nl_rule_int_index(index);
  return status == NL_OK ? check_range(index, n) : status;
}

static int64_t from_zero(int64_t v, int64_t n) {
  return v < 0 ? v + n : v - 1;
}

/* ---- gather and scatter ---- */

/* index has x's ndim and is nowhere longer than x but along dim. */
static nl_status check_gather(const nl_tensor *index, int ndim, const int64_t *shape, int dim) {
  bool fits = index->ndim == ndim;
  for (int d = 0; d < ndim && fits; d++) {
    fits = d == dim || index->shape[d] <= shape[d];
  }
  if (!fits) {
    return nl_fail("the index of shape %s must have as many dims as the tensor of shape %s, and none longer but dim %d",
                   nl_tensor_shape_string(index).s, nl_shape_string(ndim, shape).s, dim + 1);
  }
  return check_range(index, ndim ? shape[dim] : 1);
}

nl_status nl_rule_index(const nl_tensor *index, int ndim, const int64_t *shape, int dim) {
  nl_status status = nl_rule_int_index(index);
  return status == NL_OK ? check_gather(index, ndim, shape, dim) : status;
}

static nl_status infer_gather(nl_call *c) {
  nl_tensor *x = c->in[0], *index = c->in[1];
  int dim;
  nl_status status = nl_rule_dim(c->attr[along_dim].i, x->ndim, &dim);
  status = status == NL_OK ? nl_rule_int_index(index) : status;
  status = status == NL_OK ? check_gather(index, x->ndim, x->shape, dim) : status;
  if (status == NL_OK) {
    nl_rule_like(c, 0, index, nl_tensor_dtype(x));
  }
  return status;
}

/* Elements i .. of index that lie in one row of its last dim, at most up to `end`: where the first one is and where it
   would be in the big tensor if it named the first place, and the steps to the next ones. */
typedef struct index_run {
  int64_t count, at, in_big, step_at, step_big;
  int64_t along, n; /* what a place along dim is worth in the big tensor, and how many there are */
} index_run;

static index_run run_at(const nl_tensor *index, const nl_tensor *big, int dim, int64_t i, int64_t end) {
  int last = index->ndim - 1;
  index_run r = {.count = 1, .n = big->ndim ? big->shape[dim] : 1, .along = big->ndim ? big->strides[dim] : 0};
  int64_t rest = i;
  for (int d = last; d >= 0; d--) {
    int64_t k = rest % index->shape[d];
    rest /= index->shape[d];
    r.at += k * index->strides[d];
    r.in_big += d != dim ? k * big->strides[d] : 0;
    if (d == last) {
      r.count = nl_smaller(index->shape[d] - k, end - i);
      r.step_at = index->strides[d];
      r.step_big = d != dim ? big->strides[d] : 0;
    }
  }
  return r;
}

/* Where element k of the run is in the big tensor. */
static inline int64_t place_in(const index_run *r, const int64_t *ids, int64_t k) {
  return r->in_big + k * r->step_big + from_zero(ids[r->at + k * r->step_at], r->n) * r->along;
}

/* Where index and the big tensor are contiguous and differ along dim alone, both are [outer][red][inner] and places are
   computed without walking the dims. */
static bool is_plain(const nl_tensor *index, const nl_tensor *big, int dim) {
  bool plain = index->contiguous && big->contiguous && index->ndim > 0;
  for (int d = 0; d < index->ndim && plain; d++) {
    plain = d == dim || index->shape[d] == big->shape[d];
  }
  return plain;
}

/* Lines [begin, end) of a plain gather; line l of the index is (outer, k): its `inner` neighbours. */
#define PLAIN_GATHER(type)                                                                                             \
  static void gather_##type(const type *x, const int64_t *at, type *to, nl_around a, int64_t red, int64_t begin,       \
                            int64_t end) {                                                                             \
    for (int64_t l = begin; l < end;) {                                                                                \
      const type *from = x + l / a.red * red * a.inner;                                                                \
      int64_t stop = (l / a.red + 1) * a.red;                                                                          \
      stop = stop < end ? stop : end;                                                                                  \
      if (a.inner == 1) {                                                                                              \
        nl_k->places->pick[sizeof(type)](stop - l, at + l, red, from, to + l);                                         \
        l = stop;                                                                                                      \
      }                                                                                                                \
      for (; l < stop; l++) {                                                                                          \
        for (int64_t i = l * a.inner; i < (l + 1) * a.inner; i++) {                                                    \
          int64_t v = at[i];                                                                                           \
          to[i] = from[(v < 0 ? v + red : v - 1) * a.inner + (i - l * a.inner)];                                       \
        }                                                                                                              \
      }                                                                                                                \
    }                                                                                                                  \
  }
PLAIN_GATHER(uint8_t)
PLAIN_GATHER(uint32_t)
PLAIN_GATHER(uint64_t)

typedef struct plain_job {
  const nl_tensor *x, *index, *out;
  nl_around around; /* of the index */
  int64_t red;      /* of x */
} plain_job;

static void plain_range(void *ctx, int64_t begin, int64_t end) {
  const plain_job *j = ctx;
  const void *x = nl_tensor_data(j->x);
  const int64_t *at = nl_tensor_data(j->index);
  void *to = nl_tensor_data(j->out);
  switch (nl_dtype_size(nl_tensor_dtype(j->x))) {
  case 1:
    gather_uint8_t(x, at, to, j->around, j->red, begin, end);
    break;
  case 4:
    gather_uint32_t(x, at, to, j->around, j->red, begin, end);
    break;
  default:
    gather_uint64_t(x, at, to, j->around, j->red, begin, end);
  }
}

typedef struct gather_job {
  const nl_tensor *x, *index;
  int dim;
  size_t size;
  char *to;
} gather_job;

static void gather_range(void *ctx, int64_t begin, int64_t end) {
  const gather_job *j = ctx;
  const char *from = nl_tensor_data(j->x);
  const int64_t *ids = nl_tensor_data(j->index);
  for (int64_t i = begin; i < end;) {
    index_run r = run_at(j->index, j->x, j->dim, i, end);
    for (int64_t k = 0; k < r.count; k++, i++) {
      memcpy(j->to + (size_t)i * j->size, from + place_in(&r, ids, k) * (int64_t)j->size, j->size);
    }
  }
}

static void run_gather(nl_call *c) {
  nl_tensor *x = c->rin[0];
  gather_job job = {
      .x = x, .index = c->rin[1], .size = nl_dtype_size(nl_tensor_dtype(x)), .to = nl_tensor_data(c->out[0])};
  nl_rule_dim(c->attr[along_dim].i, x->ndim, &job.dim);
  if (is_plain(job.index, x, job.dim)) {
    plain_job plain = {x, job.index, c->out[0], nl_rule_around(job.index, job.dim), x->shape[job.dim]};
    int64_t inner = plain.around.inner > 0 ? plain.around.inner : 1;
    nl_parallel_for(c->out[0]->numel / inner, 1 + 16384 / inner, plain_range, &plain);
    return;
  }
  nl_parallel_for(c->out[0]->numel, 8192, gather_range, &job);
}
static nl_status vjp_gather(nl_call *c, nl_vjp *g) {
  nl_tensor *x = c->in[0];
  g->gin[0] =
      nl_b_do(g->build, op_scatter_zeros(), "ttil", g->gout[0], c->in[1], c->attr[along_dim].i, x->ndim, x->shape);
  return g->build->status;
}

void nl_add_element(nl_dtype dtype, void *to, int64_t at, const void *from, int64_t i) {
  switch (dtype) {
  case NL_F32:
    ((float *)to)[at] += ((const float *)from)[i];
    break;
  case NL_F64:
    ((double *)to)[at] += ((const double *)from)[i];
    break;
  case NL_I64:
    ((uint64_t *)to)[at] += ((const uint64_t *)from)[i];
    break;
  case NL_BOOL:
    ((uint8_t *)to)[at] |= ((const uint8_t *)from)[i];
    break;
  default:
    ((uint8_t *)to)[at] = (uint8_t)(((uint8_t *)to)[at] + ((const uint8_t *)from)[i]);
  }
}

/* scatter_zeros(g, index, dim, shape): zeros, plus g[i] at the place index[i] names */
static nl_status infer_scatter_zeros(nl_call *c) {
  int ndim, dim;
  const int64_t *shape = nl_call_list(c, zeros_shape, &ndim);
  nl_tensor *g = c->in[0], *index = c->in[1];
  nl_status status = nl_rule_dim(c->attr[zeros_dim].i, ndim, &dim);
  status = status == NL_OK ? nl_rule_int_index(index) : status;
  for (int d = 0; d < ndim && status == NL_OK; d++) {
    status = shape[d] < 0 ? nl_fail("sizes must be 0 or more") : NL_OK;
  }
  status = status == NL_OK ? check_gather(index, ndim, shape, dim) : status;
  if (status == NL_OK && !nl_shape_equal(g, index)) {
    status = nl_fail("the values of shape %s must have the index's shape %s", nl_tensor_shape_string(g).s,
                     nl_tensor_shape_string(index).s);
  }
  if (status == NL_OK) {
    nl_rule_shape(c, 0, ndim, shape, nl_tensor_dtype(g));
  }
  return status;
}
/* The same for sums; floats only. Outer rows [begin, end), each of which has places of its own. */
typedef struct scatter_job {
  void *to;
  const void *g;
  const int64_t *at;
  nl_around around; /* of the index */
  int64_t red;      /* of the result */
} scatter_job;

#define PLAIN_SCATTER(type)                                                                                            \
  static void scatter_##type(void *ctx, int64_t begin, int64_t end) {                                                  \
    const scatter_job *j = ctx;                                                                                        \
    const nl_around a = j->around;                                                                                     \
    const int64_t red = j->red, *at = j->at;                                                                           \
    const type *g = j->g;                                                                                              \
    for (int64_t o = begin; o < end && !nl_interrupted_at(o); o++) {                                                   \
      type *line = (type *)j->to + o * red * a.inner;                                                                  \
      int64_t l = o * a.red, stop = l + a.red;                                                                         \
      for (; a.inner == 1 && l < stop; l++) {                                                                          \
        line[at[l] + (at[l] < 0 ? red : -1)] += g[l];                                                                  \
      }                                                                                                                \
      for (; l < stop; l++) {                                                                                          \
        for (int64_t i = l * a.inner; i < (l + 1) * a.inner; i++) {                                                    \
          int64_t v = at[i];                                                                                           \
          line[(v < 0 ? v + red : v - 1) * a.inner + (i - l * a.inner)] += g[i];                                       \
        }                                                                                                              \
      }                                                                                                                \
    }                                                                                                                  \
  }
PLAIN_SCATTER(float)
PLAIN_SCATTER(double)

static void scatter_into(nl_tensor *out, const nl_tensor *g, const nl_tensor *index, int dim) {
  if (is_plain(index, out, dim) && g->contiguous && nl_dtype_is_float(nl_tensor_dtype(out)) && index->numel) {
    scatter_job job = {nl_tensor_data(out), nl_tensor_data(g), nl_tensor_data(index), nl_rule_around(index, dim),
                       out->shape[dim]};
    int64_t each = job.around.red * job.around.inner;
    nl_parallel_for(job.around.outer, 1 + 16384 / each, out->dtype == NL_F32 ? scatter_float : scatter_double, &job);
    return;
  }
  const int64_t *ids = nl_tensor_data(index);
  for (int64_t i = 0; i < index->numel && !nl_interrupt_pending();) {
    index_run r = run_at(index, out, dim, i, nl_smaller(index->numel, i + (1 << 16)));
    for (int64_t k = 0; k < r.count; k++, i++) {
      nl_add_element(nl_tensor_dtype(out), nl_tensor_data(out), place_in(&r, ids, k), nl_tensor_data(g), i);
    }
  }
}
static void run_scatter_zeros(nl_call *c) {
  nl_tensor *out = c->out[0];
  int dim = 0;
  nl_rule_dim(c->attr[zeros_dim].i, out->ndim, &dim);
  memset(nl_tensor_data(out), 0, out->storage->bytes);
  scatter_into(out, c->rin[0], c->rin[1], dim);
}
static nl_status gather_back(nl_vjp *g, int which, nl_tensor *index, int64_t dim) {
  g->gin[which] = b_gather(g->build, g->gout[0], dim, index);
  return g->build->status;
}
static nl_status vjp_scatter_zeros(nl_call *c, nl_vjp *g) {
  return gather_back(g, 0, c->in[1], c->attr[zeros_dim].i);
}

static nl_status infer_scatter_add(nl_call *c) {
  nl_tensor *x = c->in[0], *index = c->in[1], *source = c->in[2];
  int dim;
  nl_status status = nl_rule_dim(c->attr[along_dim].i, x->ndim, &dim);
  status = status == NL_OK ? nl_rule_int_index(index) : status;
  status = status == NL_OK ? check_gather(index, x->ndim, x->shape, dim) : status;
  if (status == NL_OK && (!nl_shape_equal(index, source) || source->dtype != x->dtype)) {
    status = nl_fail("src (%s, shape %s) must have the tensor's dtype (%s) and the index's shape (%s)",
                     nl_dtype_name(nl_tensor_dtype(source)), nl_tensor_shape_string(source).s,
                     nl_dtype_name(nl_tensor_dtype(x)), nl_tensor_shape_string(index).s);
  }
  if (status == NL_OK) {
    nl_rule_like(c, 0, x, nl_tensor_dtype(x));
  }
  return status;
}
static void run_scatter_add(nl_call *c) {
  int dim = 0;
  nl_rule_dim(c->attr[along_dim].i, c->out[0]->ndim, &dim);
  nl_copy_values(c->out[0], c->rin[0]);
  scatter_into(c->out[0], c->rin[2], c->rin[1], dim);
}
static nl_status vjp_scatter_add(nl_call *c, nl_vjp *g) {
  g->gin[0] = g->gout[0];
  return g->need[2] ? gather_back(g, 2, c->in[1], c->attr[along_dim].i) : NL_OK;
}

static const nl_op ops[] = {
    {.name = "gather",
     .args = "x: tensor, dim: dim, index: tensor",
     .attrs = along_attrs,
     .returns = "tensor",
     .doc = "For each element of index (int64, from 1), the element of x at that place along dim.",
     .example = "nn.gather(nn.tensor {{1.0, 2.0, 3.0}, {4.0, 5.0, 6.0}}, 2, nn.tensor {{3}, {1}})",
     .infer = infer_gather,
     .run = run_gather,
     .vjp = vjp_gather,
     .flags = NL_OP_CHECKS,
     .save = NL_SAVE_IN(1)},
    {.name = "scatter_add",
     .args = "x: tensor, dim: dim, index: tensor, src: tensor",
     .attrs = along_attrs,
     .returns = "tensor",
     .doc = "x plus each element of src at the place along dim that index names.",
     .example = "nn.scatter_add(nn.zeros(3), 1, nn.tensor {1, 1, 3}, nn.tensor {1.0, 2.0, 3.0})",
     .infer = infer_scatter_add,
     .run = run_scatter_add,
     .vjp = vjp_scatter_add,
     .flags = NL_OP_CHECKS | NL_OP_CONTIGUOUS | NL_OP_INPLACE,
     .save = NL_SAVE_IN(1)},
    {.name = "scatter_zeros",
     .args = "g: tensor, index: tensor, dim: dim, shape: shape",
     .attrs = zeros_attrs,
     .returns = "tensor",
     .doc = "scatter_add into zeros of the given shape: a gather's gradient.",
     .infer = infer_scatter_zeros,
     .run = run_scatter_zeros,
     .vjp = vjp_scatter_zeros,
     .flags = NL_OP_CHECKS | NL_OP_CONTIGUOUS | NL_OP_INTERNAL,
     .save = NL_SAVE_IN(1)},
};
NL_FAMILY(index, ops);
