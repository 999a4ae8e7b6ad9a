/* How a product is done, by what was measured (tests/bench/gemm.c):
   - libxsmm generates code for each tile shape (tilecode.c); its row-major forms are A B and A^T B.
     A tile of C is COLUMNS wide (two vectors of accumulators' worth) and as tall as fits; k runs in blocks of at most
     K_BLOCK, so that a packed panel of B stays in the second-level cache, and of at most K_BLOCK_ACROSS where A is
     transposed, since each of its terms is then a line of the first-level cache. Rows of C are taken together as long
     as their part of A (A_BLOCK elements) stays in the second level. B is packed when it has to be transposed, or
     when enough rows of C use the panel to pay for the copy: packed panels have no stride conflicts.
   - OpenBLAS, kept to one thread, takes matrix-vector products, very large products on AVX2, where its blocking is
     worth 5%, and everything on processors libxsmm generates no code for.
   - The tiniest products are plain loops: looking a kernel up would take longer.
   - int64 is a plain loop.
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

static int64_t part(int64_t whole, int64_t from, int64_t size) {
  return whole - from < size ? whole - from : size;
}

/* A tile of C: rows i .. i+m, columns j .. j+n. */
typedef struct gemm_tile {
  int64_t i, j, m, n;
} gemm_tile;

/* Rows i .. i+m, columns j .. j+n of C begin as the bias. */
static void begin_block(const nl_gemm_plan *p, int64_t i, int64_t j, int64_t m, int64_t n) {
  for (int64_t r = i; p->g.bias && r < i + m; r++) {
    memcpy((char *)p->g.c + (size_t)(r * p->g.c_row + j) * p->size, (const char *)p->g.bias + (size_t)j * p->size,
           (size_t)n * p->size);
  }
}

/* Tile number t, whose part of C has begun. */
static gemm_tile begin_tile(const nl_gemm_plan *p, int64_t t) {
  gemm_tile c = {.i = t / p->tiles_n * p->tile_m, .j = t % p->tiles_n * p->tile_n};
  c.m = part(p->g.m, c.i, p->tile_m);
  c.n = part(p->g.n, c.j, p->tile_n);
  begin_block(p, c.i, c.j, c.m, c.n);
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
static void loops_block(const nl_gemm_plan *p, int64_t i, int64_t j, int64_t k0, int64_t m, int64_t n, int64_t k,
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
    loops_block(p, c.i, c.j, 0, c.m, c.n, p->g.k, p->g.accumulate);
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

/* ---- libxsmm ---- */

enum { K_BLOCK = 512, K_BLOCK_ACROSS = 128, TALL = 128, A_BLOCK = 65536 };

/* B[k0 .. k0+kc, j .. j+nc] into a panel whose rows are `wide` long, zero where there is no column. */
static void pack_panel(const nl_gemm_plan *p, int64_t k0, int64_t kc, int64_t j, int64_t nc, int64_t wide,
                       char *panel) {
  const char *from = p->b.p + (size_t)(p->b.transposed ? j * p->b.ld + k0 : k0 * p->b.ld + j) * p->size;
  if (p->b.transposed) {
    nl_k->transpose->transpose[p->g.dtype](nc, kc, from, p->b.ld, panel, wide);
  }
  for (int64_t q = 0; q < kc && (!p->b.transposed || wide > nc); q++) {
    char *row = panel + (size_t)(q * wide) * p->size;
    if (!p->b.transposed) {
      memcpy(row, from + (size_t)(q * p->b.ld) * p->size, (size_t)nc * p->size);
    }
    memset(row + (size_t)nc * p->size, 0, (size_t)(wide - nc) * p->size);
  }
}

/* C's columns from a padded tile: only the real ones, added where C is to be added to. */
static void unpad(const nl_gemm_plan *p, int64_t rows, int64_t nc, int64_t wide, const char *tile, char *c,
                  bool accumulate) {
  for (int64_t i = 0; i < rows; i++) {
    if (p->g.dtype == NL_F32) {
      const float *from = (const float *)tile + i * wide;
      float *to = (float *)c + i * p->g.c_row;
      for (int64_t k = 0; k < nc; k++) {
        to[k] = accumulate ? to[k] + from[k] : from[k];
      }
    } else {
      const double *from = (const double *)tile + i * wide;
      double *to = (double *)c + i * p->g.c_row;
      for (int64_t k = 0; k < nc; k++) {
        to[k] = accumulate ? to[k] + from[k] : from[k];
      }
    }
  }
}

/* How a tile is laid out: a width that is no multiple of a vector is padded with zeros, since the generated kernels do
   single columns one by one. */
typedef struct layout {
  bool pad, pack;
  int64_t wide;
} layout;

static layout lay_out(const nl_gemm_plan *p, int64_t mc, int64_t nc) {
  layout l = {.wide = (nc + p->vector - 1) / p->vector * p->vector};
  l.pad = l.wide != nc && mc >= 16;
  l.pack = l.pad || p->b.transposed || (mc >= 32 && p->g.n > p->tile_n);
  l.wide = l.pad ? l.wide : nc;
  return l;
}

/* One tile of C: all of k, in blocks. */
static void xsmm_tile(const nl_gemm_plan *p, int64_t i0, int64_t j, int64_t mc, int64_t nc, char *workspace) {
  layout l = lay_out(p, mc, nc);
  char *tile = l.pad ? workspace + NL_THREAD_WORKSPACE_BYTES / 2 : NULL;
  for (int64_t k0 = 0; k0 < p->g.k; k0 += p->k_block) {
    int64_t kc = part(p->g.k, k0, p->k_block);
    const char *b = p->b.p + (size_t)(k0 * p->b.ld + j) * p->size;
    if (l.pack) {
      pack_panel(p, k0, kc, j, nc, l.wide, workspace);
      b = workspace;
    }
    bool accumulate = p->g.accumulate || k0 > 0;
    for (int64_t i = i0; i < i0 + mc; i += TALL) {
      int64_t rows = part(i0 + mc, i, TALL);
      const char *a = p->a.p + (size_t)(p->a.transposed ? k0 * p->a.ld + i : i * p->a.ld + k0) * p->size;
      char *c = (char *)p->g.c + (size_t)(i * p->g.c_row + j) * p->size, *to = l.pad ? tile : c;
      nl_tilecode fn = p->kernel[rows < TALL][nc < p->tile_n][kc < p->k_block][accumulate && !l.pad];
      if (!fn.any) { /* the generator has none for this shape */
        loops_block(p, i, j, k0, rows, nc, kc, accumulate);
        continue;
      }
      if (p->g.dtype == NL_F32) {
        fn.f32((const float *)b, (const float *)a, (float *)to);
      } else {
        fn.f64((const double *)b, (const double *)a, (double *)to);
      }
      if (l.pad) {
        unpad(p, rows, nc, l.wide, tile, c, accumulate);
      }
    }
  }
}

static void xsmm_tiles(void *ctx, int64_t begin, int64_t end) {
  const nl_gemm_plan *p = ctx;
  char *workspace = nl_thread_workspace();
  for (int64_t t = begin; t < end; t++) {
    gemm_tile c = begin_tile(p, t);
    xsmm_tile(p, c.i, c.j, c.m, c.n, workspace);
  }
}

static void run_xsmm(const nl_gemm_plan *p) {
  nl_parallel_for(p->tiles, p->grain, xsmm_tiles, (void *)(uintptr_t)p);
}

static void drop_kernels(const nl_gemm_plan *p) {
  const nl_tilecode *codes = &p->kernel[0][0][0][0];
  for (size_t i = 0; i < sizeof p->kernel / sizeof *codes; i++) {
    nl_tilecode_drop(codes[i]);
  }
}

/* The kernels that the tiles of this product need: of full and of last rows, columns and terms. False: there is no room
   to keep them for long. */
static bool find_kernels(nl_gemm_plan *p, bool keep) {
  int64_t last_m = p->g.m % p->tile_m, last_n = p->g.n % p->tile_n, last_k = p->g.k % p->k_block;
  bool full = false;
  for (int columns = 0; columns < (last_n && p->g.n > p->tile_n ? 2 : 1); columns++) {
    int64_t nc = columns ? last_n : p->tile_n;
    for (int terms = 0; terms < (last_k && p->g.k > p->k_block ? 2 : 1); terms++) {
      int64_t kc = terms ? last_k : p->k_block;
      int64_t heights[] = {p->tile_m, last_m ? last_m : p->tile_m};
      for (int h = 0; h < 2; h++) {
        layout l = lay_out(p, heights[h], nc);
        int64_t rows[] = {heights[h] >= TALL ? TALL : heights[h], heights[h] % TALL};
        for (int r = 0; r < 2; r++) {
          for (int add = 0; add < 2 && rows[r]; add++) {
            nl_tilecode *place = &p->kernel[rows[r] < TALL][columns][terms][add];
            bool used = l.pad ? !add : (add ? p->g.accumulate || p->g.k > p->k_block : !p->g.accumulate && !terms);
            if (used && !place->any) {
              nl_tilecode_shape shape = {.dtype = (uint8_t)p->g.dtype,
                                         .m = (int32_t)rows[r],
                                         .n = (int32_t)l.wide,
                                         .k = (int32_t)kc,
                                         .lda = (int32_t)p->a.ld,
                                         .ldb = (int32_t)(l.pack ? l.wide : p->b.ld),
                                         .ldc = (int32_t)(l.pad ? l.wide : p->g.c_row),
                                         .a_transposed = p->a.transposed,
                                         .accumulate = (uint8_t)add};
              *place = nl_tilecode_take(&shape, keep, &full);
            }
          }
        }
      }
    }
  }
  if (full && keep) {
    drop_kernels(p);
    return false;
  }
  return true;
}

/* False when the product is better done by OpenBLAS. */
static bool take_xsmm(nl_gemm_plan *p) {
  const nl_gemm_args *g = &p->g;
  if (!nl_thread_workspace() || g->n == 1 || (g->m == 1 && p->b.transposed) || !nl_tilecode_ready()) {
    return false;
  }
  double flops = 2.0 * (double)g->m * (double)g->n * (double)g->k;
  bool avx512 = nl_cpu_isa() == NL_ISA_AVX512;
  if (!avx512 && flops > 2e8 && g->m >= 256 && g->n >= 256 && g->k >= 256) {
    return false;
  }
  p->vector = (avx512 ? 64 : 32) / (int64_t)p->size;
  p->tile_n = p->vector * 4;
  if (g->n <= 2 * p->tile_n && !p->b.transposed && g->k <= K_BLOCK) {
    p->tile_n = g->n; /* small: no tiles at all */
  }
  p->tile_n = p->tile_n < g->n ? p->tile_n : g->n;
  int64_t most = p->a.transposed ? K_BLOCK_ACROSS : K_BLOCK, k_blocks = (g->k + most - 1) / most;
  p->k_block = (g->k + k_blocks - 1) / k_blocks;
  int64_t rows = A_BLOCK / g->k / TALL * TALL;
  rows = rows < TALL ? TALL : (rows > 4096 ? 4096 : rows);
  p->tile_m = g->m > rows ? rows : g->m;
  p->tiles_n = (g->n + p->tile_n - 1) / p->tile_n;
  p->tiles = (g->m + p->tile_m - 1) / p->tile_m * p->tiles_n;
  p->grain = (int64_t)(4e5 / (flops / (double)p->tiles)) + 1; /* tiles worth waking a thread for */
  p->run = run_xsmm;
  return true;
}

/* ---- the door ---- */

static void run_int64(const nl_gemm_plan *p) {
  const nl_gemm_args *g = &p->g;
  begin_block(p, 0, 0, g->m, g->n);
  const int64_t *a = g->a, *b = g->b;
  int64_t *c = g->c;
  for (int64_t i = 0; i < g->m; i++) {
    for (int64_t j = 0; j < g->n; j++) {
      uint64_t sum = g->accumulate ? (uint64_t)c[i * g->c_row + j] : 0;
      for (int64_t q = 0; q < g->k; q++) {
        sum += (uint64_t)a[i * g->a_row + q * g->a_col] * (uint64_t)b[q * g->b_row + j * g->b_col];
      }
      c[i * g->c_row + j] = (int64_t)sum;
    }
  }
}

/* No terms. */
static void run_zeros(const nl_gemm_plan *p) {
  begin_block(p, 0, 0, p->g.m, p->g.n);
  for (int64_t i = 0; i < p->g.m && !p->g.accumulate; i++) {
    memset((char *)p->g.c + (size_t)(i * p->g.c_row) * p->size, 0, (size_t)p->g.n * p->size);
  }
}

static void gemm_of_nothing(const nl_gemm_plan *p) {
  (void)p;
}

static void run_small(const nl_gemm_plan *p) {
  begin_block(p, 0, 0, p->g.m, p->g.n);
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
  begin_block(p, 0, 0, p->g.m, p->g.n);
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
  } else if (!take_dots(p) && (!fits_int(p) || (!take_xsmm(p) && !take_blas(p)))) {
    take_loops(p);
  }
}

bool nl_gemm_prepare(nl_gemm_plan *p, const nl_gemm_args *g) {
  choose(p, g);
  return p->run != run_xsmm || find_kernels(p, true);
}

void nl_gemm_release(const nl_gemm_plan *p) {
  drop_kernels(p);
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
  if (p.run == run_xsmm) {
    find_kernels(&p, false);
    run_xsmm(&p);
    drop_kernels(&p);
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
