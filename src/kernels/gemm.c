/* How a product is done, by what was measured (tests/bench/gemm.c):
   - libxsmm generates code for tiles (gemm_blocks.c).
   - OpenBLAS, kept to one thread, takes matrix-vector products, very large products on AVX2, where its blocking is
     worth 5%, and everything on processors libxsmm generates no code for.
   - The tiniest products are plain loops: looking a kernel up would take longer.
   - int64 is a plain loop over rows.
   Tiles are the same whatever the number of threads is, and each is written by one thread. */
#include "kernels/gemm.h"

#include <cblas.h>
#include <dlfcn.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#ifdef NL_HAVE_XSMM
#include <libxsmm_version.h>
#endif

#include "core/cpu.h"
#include "core/pool.h"
#include "kernels/gemm_blocks.h"
#include "kernels/kernels.h"
#include "kernels/tilecode.h"

bool nl_gemm_takes(int64_t rows, int64_t cols, int64_t row_stride, int64_t col_stride) {
  bool by_rows = (col_stride == 1 || cols <= 1) && (row_stride >= cols || rows <= 1);
  bool by_cols = (row_stride == 1 || rows <= 1) && (col_stride >= rows || cols <= 1);
  return by_rows || by_cols;
}

static void make_sides(nl_gemm_plan *p) {
  const nl_gemm_args *g = &p->g;
  p->a.p = g->a;
  p->b.p = g->b;
  p->a.transposed = !((g->a_col == 1 || g->k <= 1) && (g->a_row >= g->k || g->m <= 1));
  p->a.ld =
      p->a.transposed ? (g->k <= 1 ? (g->m > 0 ? g->m : 1) : g->a_col) : (g->m <= 1 ? (g->k > 0 ? g->k : 1) : g->a_row);
  p->b.transposed = !((g->b_col == 1 || g->n <= 1) && (g->b_row >= g->n || g->k <= 1));
  p->b.ld =
      p->b.transposed ? (g->n <= 1 ? (g->k > 0 ? g->k : 1) : g->b_col) : (g->k <= 1 ? (g->n > 0 ? g->n : 1) : g->b_row);
}

/* A tile of C: rows i .. i+m, columns j .. j+n. */
typedef struct gemm_tile {
  int64_t i, j, m, n;
} gemm_tile;

/* Rows i .. i+m, columns j .. j+n of C begin as the bias. */
void nl_gemm_begin(const nl_gemm_plan *p, int64_t i, int64_t j, int64_t m, int64_t n) {
  for (int64_t r = i; p->g.bias && r < i + m; r++) {
    memcpy((char *)p->g.c + (size_t)(r * p->g.c_row + j) * p->size, (const char *)p->g.bias + (size_t)j * p->size,
           (size_t)n * p->size);
  }
}

/* Tile number t, whose part of C has begun. */
static gemm_tile begin_tile(const nl_gemm_plan *p, int64_t t) {
  gemm_tile c = {.i = t / p->tiles_n * p->tile_m, .j = t % p->tiles_n * p->tile_n};
  c.m = nl_gemm_part(p->g.m, c.i, p->tile_m);
  c.n = nl_gemm_part(p->g.n, c.j, p->tile_n);
  nl_gemm_begin(p, c.i, c.j, c.m, c.n);
  return c;
}

/* ---- plain loops ---- */

#define LOOPS(type)                                                                                                    \
  for (int64_t i = 0; i < g->m; i++) {                                                                                 \
    for (int64_t j = 0; j < g->n; j++) {                                                                               \
      const type *a = (const type *)g->a + i * g->a_row, *b = (const type *)g->b + j * g->b_col;                       \
      type *c = (type *)g->c + i * g->c_row + j, sum = g->accumulate ? *c : 0;                                         \
      for (int64_t q = 0; q < g->k; q++) {                                                                             \
        sum += a[q * g->a_col] * b[q * g->b_row];                                                                      \
      }                                                                                                                \
      *c = sum;                                                                                                        \
    }                                                                                                                  \
  }
/* For what is too small to look a kernel up, and where neither library can serve. */
static void gemm_loops(const nl_gemm_args *g) {
  if (g->dtype == NL_F32) {
    LOOPS(float)
  } else {
    LOOPS(double)
  }
}

/* Part of a product: rows i .. i+m, columns j .. j+n, terms k0 .. k0+k. */
void nl_gemm_loops_part(const nl_gemm_plan *p, int64_t i, int64_t j, int64_t k0, int64_t m, int64_t n, int64_t k,
                        bool accumulate) {
  int64_t a_row = p->a.transposed ? 1 : p->a.ld, a_col = p->a.transposed ? p->a.ld : 1;
  int64_t b_row = p->b.transposed ? 1 : p->b.ld, b_col = p->b.transposed ? p->b.ld : 1;
  gemm_loops(&(nl_gemm_args){.dtype = p->g.dtype,
                             .m = m,
                             .n = n,
                             .k = k,
                             .a = p->a.p + (size_t)(i * a_row + k0 * a_col) * p->size,
                             .a_row = a_row,
                             .a_col = a_col,
                             .b = p->b.p + (size_t)(k0 * b_row + j * b_col) * p->size,
                             .b_row = b_row,
                             .b_col = b_col,
                             .c = (char *)p->g.c + (size_t)(i * p->g.c_row + j) * p->size,
                             .c_row = p->g.c_row,
                             .accumulate = accumulate});
}

static void loops_tiles(void *ctx, int64_t begin, int64_t end) {
  const nl_gemm_plan *p = ctx;
  for (int64_t t = begin; t < end; t++) {
    gemm_tile c = begin_tile(p, t);
    nl_gemm_loops_part(p, c.i, c.j, 0, c.m, c.n, p->g.k, p->g.accumulate);
  }
}

static void run_loops(const nl_gemm_plan *p) {
  nl_parallel_for(p->tiles, p->grain, loops_tiles, (void *)(uintptr_t)p);
}

static void take_loops(nl_gemm_plan *p) {
  /* tiles of some 2^25 flops, so that Ctrl-C is seen soon */
  p->tile_m = p->tile_n = p->g.k > 1 << 16 ? 8 : 64;
  p->tiles_n = (p->g.n + p->tile_n - 1) / p->tile_n;
  p->tiles = (p->g.m + p->tile_m - 1) / p->tile_m * p->tiles_n;
  p->grain = 1;
  p->run = run_loops;
}

/* ---- OpenBLAS ---- */

typedef struct blas {
  __typeof__(cblas_sgemm) *sgemm; /* NULL: the library is not there */
  __typeof__(cblas_dgemm) *dgemm;
  char *(*config)(void);
  void *handle;
} blas;

/* Loaded when first needed, because only the environment keeps OpenBLAS from starting threads of its own, and they
   would spin beside ours. The environment is put back afterwards. */
static blas library;

/* NNLUA_BLAS may name another file. NULL: it is not there, or memory was too short for it. */
static void *open_blas(void) {
  static const char name[] = "OPENBLAS_NUM_THREADS";
  const char *file = getenv("NNLUA_BLAS");
  const char *old = getenv(name);
  char *kept = old ? strdup(old) : NULL;
  setenv(name, "1", 1);
  void *handle = dlopen(file && *file ? file : "libopenblas.so.0", RTLD_NOW | RTLD_LOCAL);
  if (kept) {
    setenv(name, kept, 1);
  } else {
    unsetenv(name);
  }
  free(kept);
  return handle;
}

static void load_blas_once(void) {
  void *handle = library.handle = open_blas();
  if (handle) {
    *(void **)&library.dgemm = dlsym(handle, "cblas_dgemm");
    *(void **)&library.config = dlsym(handle, "openblas_get_config");
    *(void **)&library.sgemm = library.dgemm && library.config ? dlsym(handle, "cblas_sgemm") : NULL;
  }
}

static const blas *load_blas(void) {
  static pthread_once_t once = PTHREAD_ONCE_INIT;
  pthread_once(&once, load_blas_once);
  return &library;
}

/* Products keep to what there was at first, so that they give the same bits to the end; linear algebra has no other way
   and tries again. */
void *nl_blas_symbol(const char *name) {
  static void *later;
  void *handle = load_blas()->handle;
  if (!handle && !later) {
    later = open_blas();
  }
  handle = handle ? handle : later;
  return handle ? dlsym(handle, name) : NULL;
}

static void blas_tile(const nl_gemm_plan *p, int64_t i, int64_t j, int64_t m, int64_t n) {
  const char *a = p->a.p + (size_t)(p->a.transposed ? i : i * p->a.ld) * p->size;
  const char *b = p->b.p + (size_t)(p->b.transposed ? j * p->b.ld : j) * p->size;
  char *c = (char *)p->g.c + (size_t)(i * p->g.c_row + j) * p->size;
  CBLAS_TRANSPOSE ta = p->a.transposed ? CblasTrans : CblasNoTrans, tb = p->b.transposed ? CblasTrans : CblasNoTrans;
  int M = (int)m, N = (int)n, K = (int)p->g.k, lda = (int)p->a.ld, ldb = (int)p->b.ld, ldc = (int)p->g.c_row;
  if (p->g.dtype == NL_F32) {
    library.sgemm(CblasRowMajor, ta, tb, M, N, K, 1, (const float *)a, lda, (const float *)b, ldb,
                  p->g.accumulate ? 1 : 0, (float *)c, ldc);
  } else {
    library.dgemm(CblasRowMajor, ta, tb, M, N, K, 1, (const double *)a, lda, (const double *)b, ldb,
                  p->g.accumulate ? 1 : 0, (double *)c, ldc);
  }
}

static void blas_tiles(void *ctx, int64_t begin, int64_t end) {
  const nl_gemm_plan *p = ctx;
  for (int64_t t = begin; t < end; t++) {
    gemm_tile c = begin_tile(p, t);
    blas_tile(p, c.i, c.j, c.m, c.n);
  }
}

static void run_blas(const nl_gemm_plan *p) {
  nl_parallel_for(p->tiles, 1, blas_tiles, (void *)(uintptr_t)p);
}

static bool take_blas(nl_gemm_plan *p) {
  if (!load_blas()->sgemm) {
    return false;
  }
  /* tiles of at most 2^31 flops, so that Ctrl-C is seen within tens of milliseconds */
  p->tile_m = p->g.m > 512 ? 512 : p->g.m;
  p->tile_n = p->g.n > 512 ? 512 : p->g.n;
  p->tiles_n = (p->g.n + p->tile_n - 1) / p->tile_n;
  p->tiles = (p->g.m + p->tile_m - 1) / p->tile_m * p->tiles_n;
  p->run = run_blas;
  return true;
}

/* ---- the door ---- */

/* Rows begin .. end of C. */
static void int64_rows(void *ctx, int64_t begin, int64_t end) {
  const nl_gemm_plan *p = ctx;
  const nl_gemm_args *g = &p->g;
  nl_gemm_begin(p, begin, 0, end - begin, g->n);
  const uint64_t *a = g->a, *b = g->b;
  for (int64_t i = begin; i < end; i++) {
    uint64_t *c = (uint64_t *)g->c + i * g->c_row;
    for (int64_t j = 0; j < g->n && !g->accumulate; j++) {
      c[j] = 0;
    }
    for (int64_t q = 0; q < g->k && g->b_col == 1; q++) { /* one row of B after another */
      uint64_t x = a[i * g->a_row + q * g->a_col];
      for (int64_t j = 0; j < g->n; j++) {
        c[j] += x * b[q * g->b_row + j];
      }
    }
    for (int64_t j = 0; j < g->n && g->b_col != 1; j++) {
      for (int64_t q = 0; q < g->k; q++) {
        c[j] += a[i * g->a_row + q * g->a_col] * b[q * g->b_row + j * g->b_col];
      }
    }
  }
}

static void run_int64(const nl_gemm_plan *p) {
  double each = (double)p->g.n * (double)p->g.k;
  nl_parallel_for(p->g.m, 1 + (int64_t)(4e6 / (each + 1)), int64_rows, (void *)(uintptr_t)p);
}

/* No terms. */
static void run_zeros(const nl_gemm_plan *p) {
  nl_gemm_begin(p, 0, 0, p->g.m, p->g.n);
  for (int64_t i = 0; i < p->g.m && !p->g.accumulate; i++) {
    memset((char *)p->g.c + (size_t)(i * p->g.c_row) * p->size, 0, (size_t)p->g.n * p->size);
  }
}

static void gemm_of_nothing(const nl_gemm_plan *p) {
  (void)p;
}

static void run_small(const nl_gemm_plan *p) {
  nl_gemm_begin(p, 0, 0, p->g.m, p->g.n);
  nl_k->product->small[p->g.dtype](&p->g);
}

/* Rows of A, or of B transposed, times one vector. */
typedef struct dots {
  const nl_gemm_plan *p;
  const char *rows, *x;
  int64_t ld, step;
} dots;

static void dots_range(void *ctx, int64_t begin, int64_t end) {
  const dots *d = ctx;
  const nl_gemm_plan *p = d->p;
  nl_k->product->dots[p->g.dtype](end - begin, p->g.k, d->rows + (size_t)(begin * d->ld) * p->size, d->ld, d->x,
                                  (char *)p->g.c + (size_t)(begin * d->step) * p->size, d->step, p->g.accumulate);
}

static void run_dots(const nl_gemm_plan *p) {
  nl_gemm_begin(p, 0, 0, p->g.m, p->g.n);
  bool column = p->g.n == 1;
  dots d = {.p = p,
            .rows = column ? p->a.p : p->b.p,
            .x = column ? p->b.p : p->a.p,
            .ld = column ? p->a.ld : p->b.ld,
            .step = column ? p->g.c_row : 1};
  nl_parallel_for(column ? p->g.m : p->g.n, 1 + (int64_t)(1 << 17) / p->g.k, dots_range, &d);
}

/* A matrix whose rows are contiguous times a vector that is: dot products. */
static bool take_dots(nl_gemm_plan *p) {
  const nl_gemm_args *g = &p->g;
  bool column = g->n == 1 && !p->a.transposed && (g->b_row == 1 || g->k == 1);
  bool row = g->m == 1 && p->b.transposed && (g->a_col == 1 || g->k == 1);
  if (column || row) {
    p->run = run_dots;
  }
  return column || row;
}

/* Both libraries count in int. */
static bool fits_int(const nl_gemm_plan *p) {
  int64_t sizes[] = {p->g.m, p->g.n, p->g.k, p->a.ld, p->b.ld, p->g.c_row};
  for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
    if (sizes[i] > INT32_MAX) {
      return false;
    }
  }
  return true;
}

/* How the product is done, without code for its tiles. */
static void choose(nl_gemm_plan *p, const nl_gemm_args *g) {
  memset(p, 0, sizeof *p);
  p->g = *g;
  p->g.accumulate = g->accumulate || g->bias;
  p->size = nl_dtype_size(g->dtype);
  if (g->m == 0 || g->n == 0) {
    p->run = gemm_of_nothing;
    return;
  }
  if (g->dtype == NL_I64) {
    p->run = run_int64;
    return;
  }
  make_sides(p);
  if (g->k == 0) {
    p->run = run_zeros;
  } else if (g->m * g->n < 256 && g->k <= 256 && g->m * g->n * g->k <= 256) {
    p->run = run_small;
  } else if (!take_dots(p) && (!fits_int(p) || (!nl_gemm_take_blocks(p) && !take_blas(p)))) {
    take_loops(p);
  }
}

bool nl_gemm_prepare(nl_gemm_plan *p, const nl_gemm_args *g) {
  choose(p, g);
  return !p->blocks || nl_gemm_find_code(p, true);
}

void nl_gemm_release(const nl_gemm_plan *p) {
  nl_gemm_drop_code(p);
}

void nl_gemm_run(nl_gemm_plan *p, const void *a, const void *b, const void *bias, void *c) {
  p->g.bias = bias;
  p->g.a = p->a.p = a;
  p->g.b = p->b.p = b;
  p->g.c = c;
  p->run(p);
}

void nl_gemm(const nl_gemm_args *g) {
  nl_gemm_plan p;
  choose(&p, g);
  if (p.blocks) {
    nl_gemm_find_code(&p, false);
    p.run(&p);
    nl_gemm_drop_code(&p);
  } else {
    p.run(&p);
  }
}

void nl_gemm_again(nl_gemm_kept *p, const nl_gemm_args *args) {
  if (!p->there) {
    p->there = nl_gemm_prepare(&p->plan, args);
  }
  if (p->there) {
    nl_gemm_run(&p->plan, args->a, args->b, args->bias, args->c);
  } else {
    nl_gemm(args);
  }
}

void nl_gemm_let_go(nl_gemm_kept *p, int count) {
  for (int i = 0; i < count; i++) {
    if (p[i].there) {
      nl_gemm_release(&p[i].plan);
    }
  }
}

const char *nl_gemm_backends(void) {
  static char text[128];
  char name[40] = "no OpenBLAS";
  if (load_blas()->sgemm) { /* "OpenBLAS 0.3.21 NO_LAPACKE ..." */
    snprintf(name, sizeof name, "%s", library.config());
    char *end = strchr(name, ' ');
    end = end ? strchr(end + 1, ' ') : NULL;
    if (end) {
      *end = 0;
    }
  }
#ifdef NL_HAVE_XSMM
  snprintf(text, sizeof text, "libxsmm %s (%s), %s", LIBXSMM_CONFIG_VERSION, nl_tilecode_target(), name);
#else
  snprintf(text, sizeof text, "%s", name);
#endif
  return text;
}
