/* A task is a block of rows of the batch, which goes through all steps by itself. The weight is packed once into panels
   as wide as the products' tiles: its columns (rows of the transposed weight) lie together, without conflicts of
   stride. */
#include "kernels/recurrent.h"

#include <string.h>

#include "core/interrupt.h"
#include "core/number.h"
#include "core/pool.h"
#include "kernels/gemm.h"
#include "kernels/kernels.h"

enum { ROWS = 16, WIDE = 64 };

typedef struct recurrence {
  const nl_recurrent *r;
  size_t size;          /* of an element */
  int64_t across, deep; /* of the matrix that is multiplied by: columns and rows */
  char *panels;
} recurrence;

size_t nl_recurrent_work(const nl_recurrent *r) {
  return (size_t)(nl_recurrent_blocks(r->kind) * r->units * r->units) * nl_dtype_size(r->dtype) + 64;
}

/* The matrix's columns j .. j+WIDE as a block of their own, from a matrix or from its transpose. */
static recurrence pack_weight(const nl_recurrent *r, bool transposed) {
  int64_t all = nl_recurrent_blocks(r->kind) * r->units;
  recurrence c = {.r = r,
                  .size = nl_dtype_size(r->dtype),
                  .across = transposed ? all : r->units,
                  .deep = transposed ? r->units : all,
                  .panels = r->work};
  const char *w = r->weight;
  for (int64_t j = 0; j < c.across; j += WIDE) {
    int64_t n = nl_smaller(WIDE, c.across - j);
    char *panel = c.panels + (size_t)(j * c.deep) * c.size;
    if (transposed) {
      nl_k->transpose->transpose[r->dtype](n, c.deep, w + (size_t)(j * r->units) * c.size, r->units, panel, n);
    } else {
      for (int64_t i = 0; i < c.deep; i++) {
        memcpy(panel + (size_t)(i * n) * c.size, w + (size_t)(i * r->units + j) * c.size, (size_t)n * c.size);
      }
    }
  }
  return c;
}

/* Products by panels of full width and of the last one. */
typedef struct panel_products {
  nl_gemm_kept kept[2];
} panel_products;

/* c (rows x across) (+)= a (rows x deep) matrix */
static void multiply_panels(const recurrence *c, panel_products *p, int64_t rows, const void *a, void *to, bool add) {
  for (int64_t j = 0; j < c->across; j += WIDE) {
    int64_t n = nl_smaller(WIDE, c->across - j);
    nl_gemm_args args = {.dtype = c->r->dtype,
                         .m = rows,
                         .n = n,
                         .k = c->deep,
                         .a = a,
                         .a_row = c->deep,
                         .a_col = 1,
                         .b = c->panels + (size_t)(j * c->deep) * c->size,
                         .b_row = n,
                         .b_col = 1,
                         .c = (char *)to + (size_t)j * c->size,
                         .c_row = c->across,
                         .accumulate = add};
    nl_gemm_again(&p->kept[n < WIDE], &args);
  }
}

/* Row `row` of step t of a tensor of steps x rows x width; NULL stays NULL. */
static void *row_at(const recurrence *c, const void *p, int64_t t, int64_t row, int64_t width) {
  return p ? (char *)(uintptr_t)p + (size_t)((t * c->r->rows + row) * width) * c->size : NULL;
}

/* Step number i in the order in which they come. */
static int64_t step_at(const nl_recurrent *r, int64_t i) {
  return r->reverse ? r->steps - 1 - i : i;
}

/* As many rows as have their products in the thread's panel, ROWS at most. */
static int64_t rows_of_task(const recurrence *c) {
  int64_t most = NL_THREAD_PANEL_BYTES / (int64_t)c->size / (4 * c->r->units);
  return most < 1 ? 1 : nl_smaller(ROWS, most);
}

static nl_gates_step gates_of_step(const recurrence *c, int64_t i, int64_t row, int64_t rows) {
  const nl_recurrent *r = c->r;
  int64_t t = step_at(r, i), n = r->units, wide = nl_recurrent_blocks(r->kind) * n;
  nl_gates_step s = {.rows = rows,
                     .n = n,
                     .relu = r->relu,
                     .z = row_at(c, r->z, t, row, wide),
                     .bias = r->bias,
                     .h = row_at(c, r->h, t, row, n),
                     .c = row_at(c, r->c, t, row, n),
                     .gates = row_at(c, r->gates, t, row, 4 * n)};
  if (i > 0) {
    s.h0 = row_at(c, r->h, step_at(r, i - 1), row, n);
    s.c0 = row_at(c, r->c, step_at(r, i - 1), row, n);
  } else {
    s.h0 = row_at(c, r->h0, 0, row, n);
    s.c0 = row_at(c, r->c0, 0, row, n);
  }
  return s;
}

/* Rows of a block that are no longer, or not yet, in their sequence at step t. */
static bool rests(const nl_recurrent *r, int64_t t, int64_t row) {
  return r->lengths && t >= r->lengths[row];
}

/* to = from, or zeros */
static void carry(const recurrence *c, void *to, const void *from, int64_t width) {
  if (from) {
    memcpy(to, from, (size_t)width * c->size);
  } else {
    memset(to, 0, (size_t)width * c->size);
  }
}
static const void *line(const recurrence *c, const void *p, int64_t row, int64_t width) {
  return p ? (const char *)p + (size_t)(row * width) * c->size : NULL;
}

/* The state of a row that rests is the one before. */
static void rest_rows(const recurrence *c, const nl_gates_step *s, int64_t t, int64_t first) {
  int64_t n = s->n;
  for (int64_t i = 0; i < s->rows && c->r->lengths; i++) {
    if (rests(c->r, t, first + i)) {
      carry(c, (char *)s->h + (size_t)(i * n) * c->size, line(c, s->h0, i, n), n);
      if (s->c) {
        carry(c, (char *)s->c + (size_t)(i * n) * c->size, line(c, s->c0, i, n), n);
      }
    }
  }
}

static void forward_rows(void *ctx, int64_t begin, int64_t end) {
  const recurrence *c = ctx;
  const nl_recurrent *r = c->r;
  panel_products products = {0};
  int64_t rows = end - begin;
  void *product = nl_thread_panel();
  for (int64_t i = 0; i < r->steps && !nl_interrupt_pending(); i++) {
    nl_gates_step s = gates_of_step(c, i, begin, rows);
    if (s.h0) {
      multiply_panels(c, &products, rows, s.h0, product, false);
      s.product = product;
    }
    nl_k->gates->forward[r->kind][r->dtype](&s);
    rest_rows(c, &s, step_at(r, i), begin);
  }
  nl_gemm_let_go(products.kept, 2);
}

static void run_tasks(const recurrence *c, nl_range_fn fn) {
  nl_parallel_for(c->r->rows, rows_of_task(c), fn, (void *)(uintptr_t)c);
}

void nl_recurrent_forward(const nl_recurrent *r) {
  recurrence c = pack_weight(r, true);
  run_tasks(&c, forward_rows);
}

/* What comes from behind for a row that rests, with what comes from outside, goes on as it is. `kept`: room for a row.
 */
static void add_outside(const recurrence *c, const nl_gates_step *s, int64_t i, void *kept_h, void *kept_c) {
  int64_t n = s->n;
  const void *from[2] = {s->g, s->gc};
  void *kept[2] = {kept_h, kept_c}, *behind[2] = {s->dh, s->dc};
  for (int k = 0; k < 2 && behind[k]; k++) {
    carry(c, kept[k], s->last ? NULL : line(c, behind[k], i, n), n);
    if (from[k]) {
      nl_k->elementwise->binary[NL_BIN_ADD][c->r->dtype](n, kept[k], kept[k], 1, line(c, from[k], i, n), 1);
    }
  }
}

static void backward_rows(void *ctx, int64_t begin, int64_t end) {
  const recurrence *c = ctx;
  const nl_recurrent *r = c->r;
  panel_products products = {0};
  int64_t rows = end - begin, n = r->units, wide = nl_recurrent_blocks(r->kind) * n;
  for (int64_t i = r->steps - 1; i >= 0 && !nl_interrupt_pending(); i--) {
    int64_t t = step_at(r, i);
    nl_gates_step s = gates_of_step(c, i, begin, rows);
    s.g = row_at(c, r->g, t, begin, n);
    s.gc = row_at(c, r->gc, t, begin, n);
    s.dh = row_at(c, r->dh0, 0, begin, n);
    s.dc = row_at(c, r->dc0, 0, begin, n);
    s.last = i == r->steps - 1;
    s.dz = row_at(c, r->dz, t, begin, wide);
    s.dproduct = row_at(c, r->dproduct, t, begin, wide);
    void *kept = nl_thread_panel(); /* two rows for each that rests */
    for (int64_t q = 0; q < rows && r->lengths; q++) {
      if (rests(r, t, begin + q)) {
        add_outside(c, &s, q, row_at(c, kept, 0, 2 * q, n), row_at(c, kept, 0, 2 * q + 1, n));
      }
    }
    nl_k->gates->backward[r->kind][r->dtype](&s);
    for (int64_t q = 0; q < rows && r->lengths; q++) {
      if (rests(r, t, begin + q)) {
        carry(c, (char *)s.dz + (size_t)(q * wide) * c->size, NULL, wide);
        if (s.dproduct) {
          carry(c, (char *)s.dproduct + (size_t)(q * wide) * c->size, NULL, wide);
        }
      }
    }
    multiply_panels(c, &products, rows, r->kind == NL_GRU ? s.dproduct : s.dz, s.dh, r->kind == NL_GRU);
    for (int64_t q = 0; q < rows && r->lengths; q++) {
      if (rests(r, t, begin + q)) {
        carry(c, (char *)s.dh + (size_t)(q * n) * c->size, row_at(c, kept, 0, 2 * q, n), n);
        if (s.dc) {
          carry(c, (char *)s.dc + (size_t)(q * n) * c->size, row_at(c, kept, 0, 2 * q + 1, n), n);
        }
      }
    }
  }
  nl_gemm_let_go(products.kept, 2);
}

void nl_recurrent_backward(const nl_recurrent *r) {
  recurrence c = pack_weight(r, false);
  run_tasks(&c, backward_rows);
}
