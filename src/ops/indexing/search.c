/* Ops that look for elements: positions of what is not 0, orders, searches in sorted values, sets, classes. Positions
   are int64 from 1. */
#include "kernels/sort.h"

#include <math.h>
#include <string.h>

#include "core/interrupt.h"
#include "core/pool.h"
#include "optable/compose.h"
#include "optable/iterate.h"
#include "optable/promote.h"
#include "optable/rules.h"

typedef const int64_t *ints;

NL_ATTRS(kthvalue, k, dim, keepdim)
NL_ATTRS(searchsorted, right)
NL_ATTRS(isin, invert)
NL_ATTRS(one_hot, num_classes)
NL_ATTRS(repeat_index, size)
NL_ATTRS(triangle, rows, cols, offset)

/* ---- positions ---- */

static nl_status infer_nonzero(nl_call *c) {
  nl_tensor *x = c->in[0];
  int64_t count = 0;
  for (int64_t i = 0; i < x->numel; i++) {
    count += nl_dtype_is_float(nl_tensor_dtype(x)) ? nl_tensor_get_double(x, i) != 0 : nl_tensor_get_int(x, i) != 0;
  }
  int64_t shape[2] = {count, x->ndim};
  nl_rule_shape(c, 0, 2, shape, NL_I64);
  return NL_OK;
}
static void run_nonzero(nl_call *c) {
  nl_tensor *x = c->rin[0];
  int64_t *to = nl_tensor_data(c->out[0]);
  for (int64_t i = 0; i < x->numel && !nl_interrupted_at(i); i++) {
    if (nl_dtype_is_float(nl_tensor_dtype(x)) ? nl_tensor_get_double(x, i) != 0 : nl_tensor_get_int(x, i) != 0) {
      int64_t rest = i;
      for (int d = x->ndim - 1; d >= 0; d--) {
        to[d] = rest % x->shape[d] + 1;
        rest /= x->shape[d];
      }
      to += x->ndim;
    }
  }
}
NL_COMPOSE(argsort) {
  nl_call k;
  nl_call_init(&k, op_sort(), 1, NULL);
  k.in[0] = x;
  k.attr[nl_sort_dim] = c->attr[nl_sort_dim];
  k.attr[nl_sort_descending] = c->attr[nl_sort_descending];
  nl_b_call(b, &k);
  nl_give(c, k.out[1]);
}
NL_COMPOSE(kthvalue) {
  int d = dim_at(b, c->attr[kthvalue_dim].i, x->ndim);
  int64_t n = x->ndim ? x->shape[d] : 1, k = c->attr[kthvalue_k].i;
  if (b->status == NL_OK && (k < 1 || k > n)) {
    nl_b_fail(b, "k is %lld, but dim %d has %lld elements", (long long)k, d + 1, (long long)n);
  }
  if (b->status != NL_OK) {
    return;
  }
  nl_call s;
  nl_call_init(&s, op_sort(), 1, NULL);
  s.in[0] = x;
  s.attr[nl_sort_dim] = c->attr[kthvalue_dim];
  nl_tensor *t = nl_b_call(b, &s), *at = s.out[1];
  if (x->ndim == 0) {
    nl_give2(c, t, at);
    return;
  }
  t = b_narrow(b, t, d + 1, k, 1);
  at = b_narrow(b, at, d + 1, k, 1);
  bool keep = c->attr[kthvalue_keepdim].b;
  nl_give2(c, keep ? t : b_squeeze(b, t, d + 1), keep ? at : b_squeeze(b, at, d + 1));
}

/* ---- searches ---- */

/* Row by row when both have the same leading dims, else one sorted vector for all values. */
static nl_status infer_searchsorted(nl_call *c) {
  nl_tensor *s = c->in[0], *v = c->in[1];
  nl_rule_comparable(c, 2, c->in);
  bool fits = s->ndim == 1 || (s->ndim == v->ndim && s->ndim > 0);
  for (int d = 0; fits && s->ndim > 1 && d < s->ndim - 1; d++) {
    fits = s->shape[d] == v->shape[d];
  }
  if (!fits) {
    return nl_fail(
        "the sorted values (shape %s) must be a vector, or have the leading dims of what is sought (shape %s)",
        nl_tensor_shape_string(s).s, nl_tensor_shape_string(v).s);
  }
  nl_rule_like(c, 0, v, NL_I64);
  return NL_OK;
}
#define SEARCH(type)                                                                                                   \
  static int64_t search_##type(const type *s, int64_t n, type v, bool right) {                                         \
    int64_t lo = 0, hi = n;                                                                                            \
    while (lo < hi) {                                                                                                  \
      int64_t mid = lo + (hi - lo) / 2;                                                                                \
      bool below = right ? !(s[mid] > v) : (s[mid] < v || (v != v && s[mid] == s[mid])); /* nan is last */             \
      lo = below ? mid + 1 : lo;                                                                                       \
      hi = below ? hi : mid;                                                                                           \
    }                                                                                                                  \
    return lo;                                                                                                         \
  }
typedef float f32;
typedef double f64;
typedef int64_t i64;
typedef uint8_t u8;
SEARCH(f32)
SEARCH(f64)
SEARCH(i64)
SEARCH(u8)
static void search_range(void *ctx, int64_t begin, int64_t end) {
  nl_call *c = ctx;
  nl_tensor *s = c->rin[0], *v = c->rin[1];
  int64_t n = s->shape[s->ndim - 1], inner = s->ndim > 1 ? v->shape[v->ndim - 1] : v->numel,
          *out = nl_tensor_data(c->out[0]);
  for (int64_t i = begin; i < end; i++) {
    int64_t base = s->ndim > 1 ? i / inner * n : 0;
    bool right = c->attr[searchsorted_right].b;
    const void *data = nl_tensor_data(s), *values = nl_tensor_data(v);
    switch (c->dtype) {
    case NL_F32:
      out[i] = search_f32((const f32 *)data + base, n, ((const f32 *)values)[i], right) + 1;
      break;
    case NL_F64:
      out[i] = search_f64((const f64 *)data + base, n, ((const f64 *)values)[i], right) + 1;
      break;
    case NL_I64:
      out[i] = search_i64((const i64 *)data + base, n, ((const i64 *)values)[i], right) + 1;
      break;
    default:
      out[i] = search_u8((const u8 *)data + base, n, ((const u8 *)values)[i], right) + 1;
    }
  }
}
static void run_searchsorted(nl_call *c) {
  nl_parallel_for(c->out[0]->numel, 4096, search_range, c);
}
NL_COMPOSE(bucketize) {
  nl_give(c, nl_b_do(b, op_searchsorted(), "ttb", c->in[1], x, (int)c->attr[searchsorted_right].b));
}
NL_COMPOSE(isin) {
  nl_tensor *test = nl_b_reshape(b, c->in[1], 1, (int64_t[]){-1});
  if (b->status == NL_OK && test->numel == 0) {
    nl_give(c, nl_b_do(b, op_zeros_like(), "ti", x, (int64_t)NL_BOOL));
    return;
  }
  nl_tensor *ordered = nl_b_do(b, op_sort(), "t", test);
  nl_tensor *at = nl_b_do(b, op_searchsorted(), "ttb", ordered, x, 0);
  if (b->status != NL_OK) {
    return;
  }
  at = b_minimum(b, at, nl_b_int(b, test->numel));
  nl_tensor *near =
      nl_b_reshape(b, b_index_select(b, ordered, 1, nl_b_reshape(b, at, 1, (int64_t[]){-1})), x->ndim, x->shape);
  nl_give(c, c->attr[isin_invert].b ? b_ne(b, near, x) : b_eq(b, near, x));
}

/* ---- sets ---- */

/* The sorted distinct values, where each element's stands among them, and how often it occurs. Sorting is done in
   infer, since it tells the shape; consecutive: runs of equals instead. */
static bool same_element(nl_dtype dtype, const char *p, int64_t i, int64_t k) {
  size_t size = nl_dtype_size(dtype);
  if (dtype == NL_F32) {
    return ((const float *)p)[i] == ((const float *)p)[k];
  }
  return dtype == NL_F64 ? ((const double *)p)[i] == ((const double *)p)[k]
                         : memcmp(p + (size_t)i * size, p + (size_t)k * size, size) == 0;
}
static nl_status infer_unique(nl_call *c) {
  nl_tensor *x = c->in[0];
  nl_dtype dtype = nl_tensor_dtype(x);
  int64_t n = x->numel, runs = 0;
  nl_build b;
  nl_build_init(&b);
  nl_tensor *flat = nl_b_reshape(&b, x, 1, &n);
  nl_tensor *ordered = c->op->variant == 0 ? nl_b_do(&b, op_sort(), "t", flat) : b_clone(&b, flat);
  const char *p = ordered ? nl_tensor_data(ordered) : NULL;
  for (int64_t i = 0; p && i < n; i++) {
    runs += i == 0 || !same_element(dtype, p, i, i - 1);
  }
  nl_status status = b.status;
  nl_build_free(&b);
  nl_rule_shape(c, 0, 1, &runs, dtype);
  nl_rule_like(c, 1, x, NL_I64);
  nl_rule_shape(c, 2, 1, &runs, NL_I64);
  c->workspace_bytes = nl_sort_workspace(n) + (size_t)n * 16 + 64;
  return status;
}
static void run_unique(nl_call *c) {
  nl_tensor *x = c->rin[0];
  nl_dtype dtype = nl_tensor_dtype(x);
  size_t size = nl_dtype_size(dtype);
  int64_t n = x->numel, *inverse = nl_tensor_data(c->out[1]), *counts = nl_tensor_data(c->out[2]), run = -1;
  char *keys = c->workspace->storage->data, *values = keys + nl_sort_workspace(n), *out = nl_tensor_data(c->out[0]);
  int64_t *places = (int64_t *)(values + n * 8);
  if (c->op->variant == 0) {
    nl_sort_row(&(nl_sort){.dtype = dtype,
                           .n = n,
                           .step = 1,
                           .keep = n,
                           .to_step = 1,
                           .x = nl_tensor_data(x),
                           .values = values,
                           .positions = places,
                           .workspace = keys});
  } else {
    memcpy(values, nl_tensor_data(x), (size_t)n * size);
    for (int64_t i = 0; i < n; i++) {
      places[i] = i;
    }
  }
  for (int64_t i = 0; i < n && !nl_interrupted_at(i); i++) {
    if (i == 0 || !same_element(dtype, values, i, i - 1)) {
      run++;
      memcpy(out + (size_t)run * size, values + (size_t)i * size, size);
      counts[run] = 0;
    }
    counts[run]++;
    inverse[places[i]] = run + 1;
  }
}

/* 1, 2, ... up to the largest element */
static nl_status infer_class_range(nl_call *c) {
  nl_tensor *x = c->in[0];
  int64_t n = 0;
  for (int64_t i = 0; i < x->numel; i++) {
    int64_t v = nl_tensor_get_int(x, i);
    n = v > n ? v : n;
  }
  nl_rule_shape(c, 0, 1, &n, NL_I64);
  return NL_OK;
}
static void run_class_range(nl_call *c) {
  for (int64_t i = 0; i < c->out[0]->numel; i++) {
    nl_tensor_set_int(c->out[0], i, i + 1);
  }
}
static nl_status check_classes(const nl_tensor *x, int64_t n) {
  for (int64_t i = 0; i < x->numel; i++) {
    int64_t v = nl_tensor_get_int(x, i);
    if (v < 1 || v > n) {
      return nl_fail("class %lld of %lld is %lld, but classes count from 1 to %lld%s", (long long)i + 1,
                     (long long)x->numel, (long long)v, (long long)n,
                     v == 0 ? "; if your labels start at 0, add 1: y + 1" : "");
    }
  }
  return NL_OK;
}
NL_COMPOSE(one_hot) {
  if (x->dtype != NL_I64) {
    nl_b_fail(b, "takes int64 classes from 1, but got %s (shape %s)", nl_dtype_name(nl_tensor_dtype(x)),
              nl_tensor_shape_string(x).s);
    return;
  }
  nl_tensor *classes;
  if (c->attr[one_hot_num_classes].set) {
    b->status = check_classes(x, c->attr[one_hot_num_classes].i);
    classes = nl_b_do(b, op_arange(), "nnni", 1.0, (double)c->attr[one_hot_num_classes].i + 1, 1.0, (int64_t)NL_I64);
  } else {
    classes = nl_b_do(b, op_class_range(), "t", x);
    b->status = b->status == NL_OK ? check_classes(x, classes->numel) : b->status;
  }
  nl_tensor *hot = b_eq(b, b_unsqueeze(b, x, -1), classes);
  nl_give(c, nl_b_cast(b, hot, NL_I64));
}

/* repeats -> the index that repeats: element i so often */
static nl_status infer_repeat_index(nl_call *c) {
  nl_tensor *r = c->in[0];
  int64_t size = c->attr[repeat_index_size].i, total = 0;
  if (r->dtype != NL_I64 || r->ndim > 1 || (r->ndim == 1 && r->numel != size)) {
    return nl_fail("repeats must be a number or an int64 vector of %lld, but got %s of shape %s", (long long)size,
                   nl_dtype_name(nl_tensor_dtype(r)), nl_tensor_shape_string(r).s);
  }
  for (int64_t i = 0; i < size; i++) {
    int64_t n = nl_tensor_get_int(r, r->ndim ? i : 0);
    if (n < 0 || __builtin_add_overflow(total, n, &total)) {
      return nl_fail("each element can be repeated 0 or more times, not %lld", (long long)n);
    }
  }
  nl_rule_shape(c, 0, 1, &total, NL_I64);
  return NL_OK;
}
static void run_repeat_index(nl_call *c) {
  nl_tensor *r = c->rin[0];
  int64_t *to = nl_tensor_data(c->out[0]);
  for (int64_t i = 0; i < c->attr[repeat_index_size].i; i++) {
    for (int64_t n = nl_tensor_get_int(r, r->ndim ? i : 0); n > 0; n--) {
      *to++ = i + 1;
    }
  }
}

/* tril_indices 0, triu_indices 1 */
static bool is_within(const nl_call *c, int64_t row, int64_t col) {
  int64_t offset = c->attr[triangle_offset].i;
  return c->op->variant == 0 ? col - row <= offset : col - row >= offset;
}
static nl_status infer_triangle(nl_call *c) {
  int64_t rows = c->attr[triangle_rows].i, cols = c->attr[triangle_cols].set ? c->attr[triangle_cols].i : rows,
          count = 0;
  if (rows < 0 || cols < 0 || rows > INT32_MAX || cols > INT32_MAX) {
    return nl_fail("a matrix of %lld x %lld is not possible", (long long)rows, (long long)cols);
  }
  c->attr[triangle_cols] = (nl_attr){.set = true, .i = cols};
  int64_t offset = c->attr[triangle_offset].i;
  offset = offset > cols ? cols : (offset < -rows ? -rows : offset);
  for (int64_t r = 0; r < rows; r++) {
    int64_t below = r + offset + 1; /* columns up to the diagonal */
    if (c->op->variant == 0) {
      count += below < 0 ? 0 : (below > cols ? cols : below);
    } else {
      count += below - 1 < 0 ? cols : (below - 1 > cols ? 0 : cols - below + 1);
    }
  }
  c->attr[triangle_offset].i = offset;
  nl_rule_shape(c, 0, 2, (int64_t[]){2, count}, NL_I64);
  return NL_OK;
}
static void run_triangle(nl_call *c) {
  int64_t n = c->out[0]->shape[1], at = 0, *to = nl_tensor_data(c->out[0]);
  for (int64_t r = 0; r < c->attr[triangle_rows].i; r++) {
    for (int64_t k = 0; k < c->attr[triangle_cols].i; k++) {
      if (is_within(c, r, k)) {
        to[at] = r + 1;
        to[n + at++] = k + 1;
      }
    }
  }
}

static const nl_op ops[] = {
    {.name = "nonzero",
     .args = "x: tensor",
     .returns = "tensor",
     .doc = "The positions of the elements that are not 0, one a row; NumPy's argwhere.",
     .example = "nn.nonzero(nn.tensor {{0, 3}, {4, 0}})",
     .infer = infer_nonzero,
     .run = run_nonzero,
     .flags = NL_OP_DATA_SHAPE | NL_OP_CONTIGUOUS},
    {
        .name = "argsort",
        .args = "x: tensor, dim: dim = -1, descending: bool = false",
        .attrs = nl_sort_attrs,
        .returns = "tensor",
        .doc = "The positions that put x in order along a dim. Stable.",
        .compose = compose_argsort,
        .flags = NL_OP_NO_GRAD,
        .example = "nn.argsort(nn.tensor {3, 1, 2})",
    },
    {
        .name = "kthvalue",
        .args = "x: tensor, k: int, dim: dim = -1, keepdim: bool = false",
        .attrs = kthvalue_attrs,
        .returns = "tensor, tensor",
        .doc = "The k-th smallest along a dim, and its position.",
        .compose = compose_kthvalue,
        .example = "nn.kthvalue(nn.tensor {3, 1, 2}, 2)",
    },
    {.name = "searchsorted",
     .args = "sorted: tensor, values: operand, right: bool = false",
     .attrs = searchsorted_attrs,
     .returns = "tensor",
     .doc = "Where each value would have to stand to keep sorted in order (from 1), before its equals, or behind them "
            "if right.",
     .example = "nn.searchsorted(nn.tensor {1, 3, 5}, nn.tensor {3, 4, 9})",
     .infer = infer_searchsorted,
     .run = run_searchsorted,
     .flags = NL_OP_PROMOTE | NL_OP_CONTIGUOUS},
    {
        .name = "bucketize",
        .args = "x: tensor, boundaries: tensor, right: bool = false",
        .attrs = searchsorted_attrs,
        .returns = "tensor",
        .doc = "searchsorted with its arguments exchanged.",
        .compose = compose_bucketize,
        .flags = NL_OP_NO_GRAD,
        .example = "nn.bucketize(nn.tensor {3, 4, 9}, nn.tensor {1, 3, 5})",
    },
    {
        .name = "isin",
        .args = "x: tensor, test_elements: tensor, invert: bool = false",
        .attrs = isin_attrs,
        .returns = "tensor",
        .doc = "True where an element is one of test_elements (is none of them, if invert).",
        .compose = compose_isin,
        .flags = NL_OP_NO_GRAD,
        .example = "nn.isin(nn.tensor {1, 2, 3}, nn.tensor {3, 1})",
    },
    {.name = "unique",
     .args = "x: tensor",
     .returns = "tensor, tensor, tensor",
     .doc = "The distinct elements in order, where each element of x stands among them (from 1), and how often each "
            "occurs.",
     .example = "nn.unique(nn.tensor {3, 1, 3})",
     .infer = infer_unique,
     .run = run_unique,
     .flags = NL_OP_DATA_SHAPE | NL_OP_CONTIGUOUS},
    {.name = "unique_consecutive",
     .args = "x: tensor",
     .returns = "tensor, tensor, tensor",
     .doc = "unique that only joins neighbours.",
     .example = "nn.unique_consecutive(nn.tensor {3, 3, 1, 3})",
     .infer = infer_unique,
     .run = run_unique,
     .flags = NL_OP_DATA_SHAPE | NL_OP_CONTIGUOUS,
     .variant = 1},
    {
        .name = "one_hot",
        .args = "x: tensor, num_classes: int?",
        .attrs = one_hot_attrs,
        .returns = "tensor",
        .doc = "1 at each class (from 1) and 0 elsewhere, along a new last dim.",
        .compose = compose_one_hot,
        .flags = NL_OP_NO_GRAD,
        .example = "nn.one_hot(nn.tensor {1, 3}, 3)",
    },
    {.name = "class_range",
     .args = "x: tensor",
     .returns = "tensor",
     .doc = "1, 2, ... up to the largest element.",
     .infer = infer_class_range,
     .run = run_class_range,
     .flags = NL_OP_DATA_SHAPE | NL_OP_INTERNAL | NL_OP_CONTIGUOUS},
    {.name = "repeat_index",
     .args = "x: tensor, size: int",
     .attrs = repeat_index_attrs,
     .returns = "tensor",
     .doc = "The positions 1 .. size, each repeated as x says.",
     .infer = infer_repeat_index,
     .run = run_repeat_index,
     .flags = NL_OP_DATA_SHAPE | NL_OP_INTERNAL | NL_OP_CONTIGUOUS},
    {.name = "tril_indices",
     .args = "rows: int, cols: int?, offset: int = 0",
     .attrs = triangle_attrs,
     .returns = "tensor",
     .doc = "Rows and columns (from 1) of a matrix's lower triangle: two rows of numbers.",
     .example = "nn.tril_indices(2)",
     .infer = infer_triangle,
     .run = run_triangle,
     .flags = NL_OP_CREATE},
    {.name = "triu_indices",
     .args = "rows: int, cols: int?, offset: int = 0",
     .attrs = triangle_attrs,
     .returns = "tensor",
     .doc = "Rows and columns (from 1) of a matrix's upper triangle: two rows of numbers.",
     .example = "nn.triu_indices(2)",
     .infer = infer_triangle,
     .run = run_triangle,
     .flags = NL_OP_CREATE,
     .variant = 1},
};

NL_FAMILY(search, ops);
