/* Tasks are blocks of a head's rows on the way there, and heads on the way back (blocks of keys, then of rows, where
   there are few heads). Tiles lie behind the thread's workspace, which the products use. */
#include "kernels/attention.h"

#include <string.h>

#include "core/interrupt.h"
#include "core/number.h"
#include "core/pool.h"
#include "kernels/gemm.h"
#include "kernels/kernels.h"

enum { ROWS = 64, KEYS = 256, FEW_HEADS = 8, TILE = ROWS * KEYS, UNIT = 128 /* elements drawn together */ };

/* A thread's tiles: scores, their gradient, what is kept, and numbers of each row. */
typedef struct tiles {
  char *s, *d;
  uint8_t *keep;
  char *max, *sum, *factor;
} tiles;

static tiles find_tiles(const nl_attention *a) {
  char *p = nl_thread_panel();
  size_t size = nl_dtype_size(a->dtype), row = ROWS * size;
  tiles t = {.s = p, .d = p + TILE * size};
  t.keep = (uint8_t *)(p + 2 * TILE * size);
  t.max = (char *)t.keep + TILE;
  t.sum = t.max + row;
  t.factor = t.sum + row;
  return t;
}

static const char *head_of(const nl_attention *a, const nl_heads *h, int64_t head, int64_t row) {
  int64_t at = (h->at ? h->at[head] : head * h->each) + row * h->row;
  return (const char *)h->p + at * (int64_t)nl_dtype_size(a->dtype);
}
static void *own(const nl_attention *a, const void *p, int64_t element) {
  return (char *)(uintptr_t)p + (size_t)element * nl_dtype_size(a->dtype);
}

/* c[m,n] (+)= a b, all strides given */
static void multiply_heads(const nl_attention *a, int64_t m, int64_t n, int64_t k, const void *x, int64_t x_row,
                           int64_t x_col, const void *y, int64_t y_row, int64_t y_col, void *c, int64_t c_row,
                           bool add) {
  nl_gemm_args g = {.dtype = a->dtype,
                    .m = m,
                    .n = n,
                    .k = k,
                    .a = x,
                    .a_row = x_row,
                    .a_col = x_col,
                    .b = y,
                    .b_row = y_row,
                    .b_col = y_col,
                    .c = c,
                    .c_row = c_row,
                    .accumulate = add};
  nl_gemm(&g);
}

/* A tile of a head: rows i .. , keys j .. */
typedef struct place {
  int64_t head, i, j;
} place;

static nl_scores tile_at(const nl_attention *a, place at) {
  nl_scores t = {.rows = nl_smaller(ROWS, a->rows - at.i),
                 .cols = nl_smaller(KEYS, a->keys - at.j),
                 .scale = a->scale,
                 .visible = a->causal ? at.i - at.j : INT64_MAX};
  t.ld = (t.cols + NL_SCORES_LANES - 1) / NL_SCORES_LANES * NL_SCORES_LANES;
  if (a->mask.p) {
    int64_t first =
        (a->mask.at ? a->mask.at[at.head] : at.head * a->mask.each) + at.i * a->mask.row + at.j * a->mask_col;
    t.mask = (const char *)a->mask.p + first * (a->mask_bytes ? 1 : (int64_t)nl_dtype_size(a->dtype));
    t.mask_bytes = a->mask_bytes;
    t.mask_row = a->mask.row;
    t.mask_col = a->mask_col;
  }
  return t;
}

/* No row of the tile sees any of its keys. */
static bool is_hidden(const nl_attention *a, place at) {
  return a->causal && at.j > at.i + ROWS - 1;
}

static void fill_scores(const nl_attention *a, const nl_scores *t, place at, void *s) {
  multiply_heads(a, t->rows, t->cols, a->width, head_of(a, &a->q, at.head, at.i), a->q.row, 1,
                 head_of(a, &a->k, at.head, at.j), 1, a->k.row, s, t->ld, false);
  nl_k->scores->place[a->dtype](t, s);
}

/* ---- what is dropped: each tile has a part of the stream, which begins with a unit of it ---- */

static int64_t count_tiles(int64_t n, int64_t size) {
  return (n + size - 1) / size;
}
static int64_t drawn_tile(const nl_attention *a) {
  int64_t all = nl_smaller(ROWS, a->rows) * nl_smaller(KEYS, a->keys);
  return (all + UNIT - 1) / UNIT * UNIT;
}

uint64_t nl_attention_blocks(const nl_attention *a) {
  uint64_t count = (uint64_t)(a->heads * count_tiles(a->rows, ROWS)) * (uint64_t)count_tiles(a->keys, KEYS);
  return count * (uint64_t)drawn_tile(a) / 8;
}

/* rows x cols bytes, one row behind the other. */
static void draw_kept(const nl_attention *a, place at, int64_t rows, int64_t cols, uint8_t *keep) {
  int64_t tile = (at.head * count_tiles(a->rows, ROWS) + at.i / ROWS) * count_tiles(a->keys, KEYS) + at.j / KEYS;
  uint64_t first = a->first + (uint64_t)tile * (uint64_t)drawn_tile(a) / 8;
  nl_k->random->bernoulli(a->seed, first, 0, rows * cols, 1 - a->drop, keep);
}

static double kept_scale(const nl_attention *a) {
  return a->drop < 1 ? 1 / (1 - a->drop) : 0;
}

static void spread_kept(const nl_attention *a, place at, const nl_scores *t, const uint8_t *drawn, void *keep) {
  double scale = kept_scale(a);
  for (int64_t i = 0; i < t->rows; i++) {
    int64_t to = (at.head * a->rows + at.i + i) * a->keys + at.j;
    for (int64_t j = 0; j < t->cols; j++) {
      double v = drawn[i * t->cols + j] ? scale : 0;
      if (a->dtype == NL_F32) {
        ((float *)keep)[to + j] = (float)v;
      } else {
        ((double *)keep)[to + j] = v;
      }
    }
  }
}

void nl_attention_kept(const nl_attention *a, void *keep) {
  tiles w = find_tiles(a);
  for (place at = {0}; at.head < a->heads && !nl_interrupt_pending(); at.head++) {
    for (at.i = 0; at.i < a->rows; at.i += ROWS) {
      for (at.j = 0; at.j < a->keys; at.j += KEYS) {
        nl_scores t = tile_at(a, at);
        draw_kept(a, at, t.rows, t.cols, w.keep);
        spread_kept(a, at, &t, w.keep, keep);
      }
    }
  }
}

static void drop_some(const nl_attention *a, const nl_scores *t, const tiles *own_tiles, void *s) {
  if (a->drop > 0) {
    nl_k->scores->drop[a->dtype](t, s, own_tiles->keep, kept_scale(a));
  }
}

/* ---- forward ---- */

typedef struct forward_job {
  const nl_attention *a;
  int64_t blocks; /* of rows in a head */
  void *out, *lse;
} forward_job;

static void begin_rows(const nl_attention *a, int64_t rows, void *max, void *sum) {
  for (int64_t i = 0; i < rows; i++) {
    if (a->dtype == NL_F32) {
      ((float *)max)[i] = -__builtin_inff();
      ((float *)sum)[i] = 0;
    } else {
      ((double *)max)[i] = -__builtin_inf();
      ((double *)sum)[i] = 0;
    }
  }
}

static void forward_blocks(void *ctx, int64_t begin, int64_t end) {
  const forward_job *job = ctx;
  const nl_attention *a = job->a;
  const nl_scores_kernels *k = nl_k->scores;
  tiles w = find_tiles(a);
  for (int64_t b = begin; b < end; b++) {
    place at = {b / job->blocks, b % job->blocks * ROWS, 0};
    int64_t rows = nl_smaller(ROWS, a->rows - at.i), line = at.head * a->rows + at.i;
    void *out = own(a, job->out, line * a->value_width);
    begin_rows(a, rows, w.max, w.sum);
    memset(out, 0, (size_t)(rows * a->value_width) * nl_dtype_size(a->dtype));
    for (; at.j < a->keys && !is_hidden(a, at) && !nl_interrupt_pending(); at.j += KEYS) {
      nl_scores t = tile_at(a, at);
      fill_scores(a, &t, at, w.s);
      k->join[a->dtype](&t, w.s, w.max, w.sum, w.factor);
      if (a->drop > 0) {
        draw_kept(a, at, t.rows, t.cols, w.keep);
        drop_some(a, &t, &w, w.s);
      }
      if (at.j > 0) {
        k->stretch[a->dtype](rows, a->value_width, w.factor, out);
      }
      multiply_heads(a, rows, a->value_width, t.cols, w.s, t.ld, 1, head_of(a, &a->v, at.head, at.j), a->v.row, 1, out,
                     a->value_width, at.j > 0);
    }
    k->close[a->dtype](rows, w.max, w.sum, w.factor, own(a, job->lse, a->heads * a->rows + line));
    memcpy(own(a, job->lse, line), w.max, (size_t)rows * nl_dtype_size(a->dtype));
    k->stretch[a->dtype](rows, a->value_width, w.factor, out);
  }
}

void nl_attention_forward(const nl_attention *a, void *out, void *lse) {
  forward_job job = {a, (a->rows + ROWS - 1) / ROWS, out, lse};
  double work = (double)ROWS * (double)(a->keys + 1) * (double)(a->width + a->value_width + 1);
  nl_parallel_for(a->heads * job.blocks, 1 + (int64_t)(2e5 / work), forward_blocks, &job);
}

/* ---- backward ---- */

typedef struct backward_job {
  const nl_attention *a;
  int64_t parts; /* of a head */
  const nl_heads *g;
  const void *lse, *delta;
  void *dq, *dk, *dv; /* NULL: not in this pass */
} backward_job;

/* What tile `at` gives to the gradients that are wanted; `add`: which of them have begun. */
static void differentiate(const backward_job *job, place at, const tiles *w, bool add_rows, bool add_keys) {
  const nl_attention *a = job->a;
  const nl_scores_kernels *k = nl_k->scores;
  nl_scores t = tile_at(a, at);
  int64_t line = at.head * a->rows + at.i, key = at.head * a->keys + at.j, e = a->width, ev = a->value_width;
  const void *g = head_of(a, job->g, at.head, at.i);
  fill_scores(a, &t, at, w->s);
  k->again[a->dtype](&t, w->s, own(a, job->lse, line), own(a, job->lse, a->heads * a->rows + line));
  multiply_heads(a, t.rows, t.cols, ev, g, job->g->row, 1, head_of(a, &a->v, at.head, at.j), 1, a->v.row, w->d, t.ld,
                 false);
  if (a->drop > 0) {
    draw_kept(a, at, t.rows, t.cols, w->keep);
    drop_some(a, &t, w, w->d);
  }
  k->differ[a->dtype](&t, w->s, w->d, own(a, job->delta, line));
  if (job->dq) {
    multiply_heads(a, t.rows, e, t.cols, w->d, t.ld, 1, head_of(a, &a->k, at.head, at.j), a->k.row, 1,
                   own(a, job->dq, line * e), e, add_rows);
  }
  if (job->dk) {
    drop_some(a, &t, w, w->s);
    multiply_heads(a, t.cols, ev, t.rows, w->s, 1, t.ld, g, job->g->row, 1, own(a, job->dv, key * ev), ev, add_keys);
    multiply_heads(a, t.cols, e, t.rows, w->d, 1, t.ld, head_of(a, &a->q, at.head, at.i), a->q.row, 1,
                   own(a, job->dk, key * e), e, add_keys);
  }
}

static void clear(const nl_attention *a, void *p, int64_t from, int64_t count) {
  memset(own(a, p, from), 0, (size_t)count * nl_dtype_size(a->dtype));
}

/* Keys j .. j + KEYS of a head under all rows. */
static void keys_of(const backward_job *job, int64_t head, int64_t j, const tiles *w) {
  const nl_attention *a = job->a;
  int64_t cols = nl_smaller(KEYS, a->keys - j), key = head * a->keys + j;
  bool begun = false;
  for (place at = {head, 0, j}; at.i < a->rows && !nl_interrupt_pending(); at.i += ROWS) {
    if (!is_hidden(a, at)) {
      differentiate(job, at, w, j > 0, begun);
      begun = true;
    }
  }
  if (!begun) {
    clear(a, job->dk, key * a->width, cols * a->width);
    clear(a, job->dv, key * a->value_width, cols * a->value_width);
  }
}

static void whole_heads(void *ctx, int64_t begin, int64_t end) {
  const backward_job *job = ctx;
  tiles w = find_tiles(job->a);
  for (int64_t head = begin; head < end; head++) {
    for (int64_t j = 0; j < job->a->keys; j += KEYS) {
      keys_of(job, head, j, &w);
    }
  }
}
static void blocks_of_keys(void *ctx, int64_t begin, int64_t end) {
  const backward_job *job = ctx;
  tiles w = find_tiles(job->a);
  for (int64_t b = begin; b < end; b++) {
    keys_of(job, b / job->parts, b % job->parts * KEYS, &w);
  }
}
static void blocks_of_rows(void *ctx, int64_t begin, int64_t end) {
  const backward_job *job = ctx;
  tiles w = find_tiles(job->a);
  for (int64_t b = begin; b < end; b++) {
    for (place at = {b / job->parts, b % job->parts * ROWS, 0};
         at.j < job->a->keys && !is_hidden(job->a, at) && !nl_interrupt_pending(); at.j += KEYS) {
      differentiate(job, at, &w, at.j > 0, false);
    }
  }
}

void nl_attention_backward(const nl_attention *a, const nl_heads *g, const void *lse, const void *delta, void *dq,
                           void *dk, void *dv) {
  backward_job job = {a, 1, g, lse, delta, dq, dk, dv};
  if (a->keys == 0) {
    clear(a, dq, 0, a->heads * a->rows * a->width);
  } else if (a->heads >= FEW_HEADS || (a->rows <= ROWS && a->keys <= KEYS)) {
    double work = 2.5 * (double)a->rows * (double)a->keys * (double)(a->width + a->value_width + 1);
    nl_parallel_for(a->heads, 1 + (int64_t)(2e5 / (work + 1)), whole_heads, &job);
  } else {
    job.dq = NULL;
    job.parts = (a->keys + KEYS - 1) / KEYS;
    nl_parallel_for(a->heads * job.parts, 1, blocks_of_keys, &job);
    job.dq = dq;
    job.dk = job.dv = NULL;
    job.parts = (a->rows + ROWS - 1) / ROWS;
    nl_parallel_for(a->heads * job.parts, 1, blocks_of_rows, &job);
  }
}
