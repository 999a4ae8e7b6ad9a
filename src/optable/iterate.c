/* The iterator: dims of size 1 are dropped, neighbours that every operand steps through evenly are merged, and the
   innermost dim becomes the run. */
#include "optable/iterate.h"

#include <string.h>

#include "core/number.h"
#include "core/pool.h"
#include "kernels/kernels.h"

enum {
  GRAIN = 16384,
  BLOCK = 2048, /* elements that pass through a buffer at once */
  ROWS = 32,    /* rows of a block: two lines of the cache of floats, which are fetched together */
  LINES = 8,    /* lines that are turned together */
  LONGEST = 1 << 20
};

typedef struct walk {
  int n, ndim;
  int64_t shape[NL_MAX_DIM];
  int64_t strides[NL_MAX_OPERANDS][NL_MAX_DIM]; /* in elements */
  char *data[NL_MAX_OPERANDS];
  size_t size[NL_MAX_OPERANDS];
  nl_dtype dtype[NL_MAX_OPERANDS];
  bool turned; /* an operand's elements lie beside each other along the last but one dim */
  nl_run_of fn;
  void *ctx;
} walk;

static void make_walk(walk *p, int n, nl_tensor *const t[]) {
  p->n = n;
  p->ndim = 0;
  const nl_tensor *out = t[0];
  for (int d = 0; d < out->ndim; d++) {
    if (out->shape[d] == 1) {
      continue;
    }
    int64_t s[NL_MAX_OPERANDS];
    for (int k = 0; k < n; k++) {
      int e = d - (out->ndim - t[k]->ndim);
      s[k] = e < 0 || t[k]->shape[e] == 1 ? 0 : t[k]->strides[e];
    }
    bool merge = p->ndim > 0;
    for (int k = 0; k < n && merge; k++) {
      merge = p->strides[k][p->ndim - 1] == s[k] * out->shape[d];
    }
    int at = merge ? p->ndim - 1 : p->ndim++;
    p->shape[at] = merge ? p->shape[at] * out->shape[d] : out->shape[d];
    for (int k = 0; k < n; k++) {
      p->strides[k][at] = s[k];
    }
  }
  if (p->ndim == 0) {
    p->ndim = 1;
    p->shape[0] = 1;
    for (int k = 0; k < n; k++) {
      p->strides[k][0] = 0;
    }
  }
  for (int k = 0; k < n; k++) {
    p->data[k] = nl_tensor_data(t[k]);
    p->dtype[k] = nl_tensor_dtype(t[k]);
    p->size[k] = nl_dtype_size(p->dtype[k]);
  }
}

#define MOVE_STRIDED(type)                                                                                             \
  for (int64_t i = 0; i < n; i++) {                                                                                    \
    ((type *)out)[i * ostride] = ((const type *)x)[i * xstride];                                                       \
  }
static void move(int64_t n, size_t size, void *out, int64_t ostride, const void *x, int64_t xstride) {
  switch (size) {
  case 1:
    MOVE_STRIDED(uint8_t)
    break;
  case 4:
    MOVE_STRIDED(uint32_t)
    break;
  default:
    MOVE_STRIDED(uint64_t)
  }
}

/* Whether a step of operand k along the last but one dim is a step of one element, and along the last one is not. */
static bool is_turned(const walk *p, int k) {
  int last = p->ndim - 1;
  int64_t s = p->strides[k][last];
  return last > 0 && s != 0 && s != 1 && p->strides[k][last - 1] == 1;
}

/* to[c][r] = from[r][c] */
static void turn_block(size_t size, int64_t rows, int64_t columns, const char *from, int64_t ld, char *to,
                       int64_t ldto) {
  if (size == 1) {
    for (int64_t c = 0; c < columns; c++) {
      move(rows, 1, to + c * ldto, 1, from + c, ld);
    }
    return;
  }
  nl_k->transpose->transpose[size == 4 ? NL_F32 : NL_F64](rows, columns, from, ld, to, ldto);
}

/* Rows of the innermost dim, `columns` of each, BLOCK elements in all at most: operands whose elements do not lie
   beside each other pass through buffers. Turned operands are read and written by whole blocks, so that a line of the
   cache is fetched once for all its elements. */
static void run_block(const walk *p, int64_t rows, int64_t columns, char *const at[]) {
  int last = p->ndim - 1;
  int step[NL_MAX_OPERANDS];
  bool turned[NL_MAX_OPERANDS];
  int64_t s[NL_MAX_OPERANDS], next[NL_MAX_OPERANDS]; /* steps to the next column and row, in bytes next */
  double buffer[NL_MAX_OPERANDS][BLOCK];
  for (int k = 0; k < p->n; k++) {
    size_t size = p->size[k];
    s[k] = p->strides[k][last];
    next[k] = rows > 1 ? p->strides[k][last - 1] * (int64_t)size : 0;
    step[k] = s[k] != 0;
    turned[k] = rows > 1 && is_turned(p, k);
    for (int64_t c = 0; turned[k] && k > 0 && c < columns; c += LINES) {
      turn_block(size, nl_smaller(LINES, columns - c), rows, at[k] + (size_t)(c * s[k]) * size, s[k],
                 (char *)buffer[k] + (size_t)c * size, columns);
      for (int64_t i = c; i < c + LINES; i++) { /* of the block that comes next */
        const char *line = at[k] + (size_t)((columns + i) * s[k]) * size;
        __builtin_prefetch(line);
        __builtin_prefetch(line + 64);
      }
    }
  }
  for (int64_t r = 0; r < rows; r++) {
    void *data[NL_MAX_OPERANDS];
    for (int k = 0; k < p->n; k++) {
      char *x = at[k] + r * next[k];
      bool apart = s[k] != 1 && s[k] != 0;
      data[k] = turned[k] ? (char *)buffer[k] + (size_t)(r * columns) * p->size[k] : apart ? (char *)buffer[k] : x;
      if (apart && !turned[k] && k > 0) {
        move(columns, p->size[k], data[k], 1, x, s[k]);
      }
    }
    p->fn(p->ctx, columns, data, step);
    if (s[0] != 1 && !turned[0]) {
      move(columns, p->size[0], at[0] + r * next[0], s[0], buffer[0], 1);
    }
  }
  for (int64_t c = 0; turned[0] && c < columns; c += LINES) {
    turn_block(p->size[0], rows, nl_smaller(LINES, columns - c), (char *)buffer[0] + (size_t)c * p->size[0], columns,
               at[0] + (size_t)(c * s[0]) * p->size[0], s[0]);
  }
}

/* Runs along the innermost dim. */
static void run_lines(const walk *p, int64_t rows, int64_t n, char *const at[]) {
  int last = p->ndim - 1;
  int step[NL_MAX_OPERANDS];
  bool simple = true;
  void *data[NL_MAX_OPERANDS];
  for (int k = 0; k < p->n; k++) {
    int64_t s = p->strides[k][last];
    step[k] = s != 0;
    simple = simple && (s == 1 || (s == 0 && k > 0));
    data[k] = at[k];
  }
  if (rows == 1 && (simple || n == 1)) {
    p->fn(p->ctx, n, data, step);
    return;
  }
  int64_t width = BLOCK / rows;
  for (int64_t i = 0; i < n; i += width) {
    char *from[NL_MAX_OPERANDS];
    for (int k = 0; k < p->n; k++) {
      from[k] = at[k] + i * p->strides[k][last] * (int64_t)p->size[k];
    }
    run_block(p, rows, nl_smaller(width, n - i), from);
  }
}

/* Where element `begin`'s line of the innermost dim starts, and which it is. */
static void find_run(const walk *p, int64_t line, int64_t *index, char **at) {
  int last = p->ndim - 1;
  for (int d = last - 1; d >= 0; d--) {
    index[d] = line % p->shape[d];
    line /= p->shape[d];
  }
  for (int k = 0; k < p->n; k++) {
    int64_t offset = 0;
    for (int d = 0; d < last; d++) {
      offset += index[d] * p->strides[k][d];
    }
    at[k] = p->data[k] + offset * (int64_t)p->size[k];
  }
}

/* `rows` lines on, which stay within the dim before the innermost or end with it. */
static void next_run(const walk *p, int64_t rows, int64_t *index, char **at) {
  int d = p->ndim - 2;
  index[d] += rows;
  for (int k = 0; k < p->n; k++) {
    at[k] += rows * p->strides[k][d] * (int64_t)p->size[k];
  }
  for (; d > 0 && index[d] == p->shape[d]; d--) {
    index[d] = 0;
    index[d - 1]++;
    for (int k = 0; k < p->n; k++) {
      at[k] += (p->strides[k][d - 1] - p->shape[d] * p->strides[k][d]) * (int64_t)p->size[k];
    }
  }
}

static void iterate_range(void *ctx, int64_t begin, int64_t end) {
  const walk *p = ctx;
  int last = p->ndim - 1;
  int64_t inner = p->shape[last], column = begin % inner, index[NL_MAX_DIM];
  char *line[NL_MAX_OPERANDS];
  find_run(p, begin / inner, index, line);
  for (;;) {
    int64_t rows = 1, n = nl_smaller(inner - column, end - begin);
    char *at[NL_MAX_OPERANDS];
    if (p->turned && n == inner) {
      rows = nl_smaller(nl_smaller(ROWS, p->shape[last - 1] - index[last - 1]), (end - begin) / inner);
    }
    for (int k = 0; k < p->n; k++) {
      at[k] = line[k] + column * p->strides[k][last] * (int64_t)p->size[k];
    }
    run_lines(p, rows, n, at);
    begin += rows * n;
    if (begin >= end) {
      return;
    }
    next_run(p, rows, index, line);
    column = 0;
  }
}

void nl_iterate(int n, nl_tensor *const t[], nl_run_of fn, void *ctx) {
  if (t[0]->numel == 0) {
    return;
  }
  bool flat = true;
  for (int k = 0; k < n; k++) {
    flat = flat && t[k]->contiguous && (k == 0 || t[k]->numel == 1 || nl_shape_equal(t[k], t[0]));
  }
  if (flat && t[0]->numel <= GRAIN) { /* the common small case, without a walk */
    void *data[NL_MAX_OPERANDS];
    int step[NL_MAX_OPERANDS];
    for (int k = 0; k < n; k++) {
      data[k] = nl_tensor_data(t[k]);
      step[k] = t[k]->numel != 1;
    }
    step[0] = 1;
    fn(ctx, t[0]->numel, data, step);
    return;
  }
  walk p;
  make_walk(&p, n, t);
  p.fn = fn;
  p.ctx = ctx;
  p.turned = false;
  for (int k = 0; k < n; k++) {
    p.turned = p.turned || is_turned(&p, k);
  }
  int64_t block = p.turned ? ROWS * p.shape[p.ndim - 1] : 1, grain = (GRAIN + block - 1) / block * block;
  grain = block > LONGEST
              ? GRAIN
              : (p.turned ? grain : nl_even_grain(t[0]->numel, grain, NL_POOL_LANES)); /* whole blocks in each */
  nl_parallel_for(t[0]->numel, grain, iterate_range, &p);
}

void nl_repeat_first(void *out, size_t size, int64_t n) {
  char *p = out;
  for (int64_t filled = 1; filled < n;) { /* the filled part doubles */
    int64_t m = filled < n - filled ? filled : n - filled;
    memcpy(p + (size_t)filled * size, p, (size_t)m * size);
    filled += m;
  }
}

static void cast_run(void *ctx, int64_t n, void *const data[], const int step[]) {
  const nl_strip *s = ctx;
  if (step[1] || n == 1) {
    s->ctx.one.cast(n, data[0], data[1]);
    return;
  }
  s->ctx.one.cast(1, data[0], data[1]);
  nl_repeat_first(data[0], s->ctx.one.size, n);
}

void nl_strip_of_copy(nl_tensor *out, nl_tensor *x, nl_strip *s) {
  s->fn = cast_run;
  s->ctx.one.cast = nl_k->elementwise->cast[out->dtype][x->dtype];
  s->ctx.one.size = nl_dtype_size(nl_tensor_dtype(out));
  s->n = 2;
  s->t[0] = out;
  s->t[1] = x;
}

void nl_copy_values(nl_tensor *out, nl_tensor *x) {
  if (out->contiguous && x->contiguous && out->dtype == x->dtype && out->numel == x->numel) {
    memmove(nl_tensor_data(out), nl_tensor_data(x), (size_t)out->numel * nl_dtype_size(nl_tensor_dtype(out)));
    return;
  }
  nl_strip s;
  nl_strip_of_copy(out, x, &s);
  nl_iterate(s.n, s.t, s.fn, &s);
}

nl_status nl_broadcast_shapes(int na, const int64_t *a, int nb, const int64_t *b, int *ndim, int64_t *shape) {
  int n = na > nb ? na : nb;
  for (int i = 0; i < n; i++) {
    int64_t x = i < n - na ? 1 : a[i - (n - na)];
    int64_t y = i < n - nb ? 1 : b[i - (n - nb)];
    if (x != y && x != 1 && y != 1) {
      return nl_fail("shapes %s and %s do not broadcast: dim %d has %lld and %lld elements (they must be equal, or one "
                     "of them 1)",
                     nl_shape_string(na, a).s, nl_shape_string(nb, b).s, i - n, (long long)x, (long long)y);
    }
    shape[i] = x == 1 ? y : x;
  }
  *ndim = n;
  return NL_OK;
}
