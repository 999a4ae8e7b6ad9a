/* How a product is done, by what was measured (tests/bench/gemm.c):
   - libxsmm generates a kernel for each tile shape the first time it is asked; its row-major forms are A B and A^T B.
     A tile of C is COLUMNS wide (two vectors of accumulators' worth) and as tall as fits; k runs in blocks of at most
     K_BLOCK, so that a packed panel of B stays in the second-level cache. B is packed when it has to be transposed, or
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
#include <libxsmm.h>
#endif

#include "core/cpu.h"
#include "core/pool.h"
#include "kernels/kernels.h"

bool nl_gemm_takes(int64_t rows, int64_t cols, int64_t row_stride, int64_t col_stride) {
  bool by_rows = (col_stride == 1 || cols <= 1) && (row_stride >= cols || rows <= 1);
  bool by_cols = (row_stride == 1 || rows <= 1) && (col_stride >= rows || cols <= 1);
  return by_rows || by_cols;
}

/* A side of the product with its orientation made plain: transposed means columns are contiguous. */
typedef struct side {
  const char *p;
  int64_t ld;
  bool transposed;
} side;

static side make_side(const void *p, int64_t rows, int64_t cols, int64_t row_stride, int64_t col_stride) {
  if ((col_stride == 1 || cols <= 1) && (row_stride >= cols || rows <= 1)) {
    return (side){p, rows <= 1 ? (cols > 0 ? cols : 1) : row_stride, false};
  }
  return (side){p, cols <= 1 ? (rows > 0 ? rows : 1) : col_stride, true};
}

typedef struct product {
  nl_dtype dtype;
  size_t size; /* of an element */
  int64_t m, n, k;
  side a, b;
  char *c;
  int64_t ldc;
  bool accumulate;
  int64_t tile_m, tile_n, tiles_n, k_block, vector;
} product;

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
static void loops_block(const product *p, int64_t i, int64_t j, int64_t k0, int64_t m, int64_t n, int64_t k,
                        bool accumulate) {
  int64_t a_row = p->a.transposed ? 1 : p->a.ld, a_col = p->a.transposed ? p->a.ld : 1;
  int64_t b_row = p->b.transposed ? 1 : p->b.ld, b_col = p->b.transposed ? p->b.ld : 1;
  gemm_loops(&(nl_gemm_args){.dtype = p->dtype,
                             .m = m,
                             .n = n,
                             .k = k,
                             .a = p->a.p + (size_t)(i * a_row + k0 * a_col) * p->size,
                             .a_row = a_row,
                             .a_col = a_col,
                             .b = p->b.p + (size_t)(k0 * b_row + j * b_col) * p->size,
                             .b_row = b_row,
                             .b_col = b_col,
                             .c = p->c + (size_t)(i * p->ldc + j) * p->size,
                             .c_row = p->ldc,
                             .accumulate = accumulate});
}

/* ---- OpenBLAS ---- */

typedef struct blas {
  __typeof__(cblas_sgemm) *sgemm; /* NULL: the library is not there */
  __typeof__(cblas_dgemm) *dgemm;
  char *(*config)(void);
} blas;

/* Loaded when first needed, because only the environment keeps OpenBLAS from starting threads of its own, and they
   would spin beside ours. The environment is put back afterwards. */
static blas library;

static void load_blas_once(void) {
  static const char name[] = "OPENBLAS_NUM_THREADS";
  const char *old = getenv(name);
  char *kept = old ? strdup(old) : NULL;
  setenv(name, "1", 1);
  void *handle = dlopen("libopenblas.so.0", RTLD_NOW | RTLD_LOCAL);
  if (kept) {
    setenv(name, kept, 1);
  } else {
    unsetenv(name);
  }
  free(kept);
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

static void blas_tile(const product *p, int64_t i, int64_t j, int64_t m, int64_t n) {
  const char *a = p->a.p + (size_t)(p->a.transposed ? i : i * p->a.ld) * p->size;
  const char *b = p->b.p + (size_t)(p->b.transposed ? j * p->b.ld : j) * p->size;
  char *c = p->c + (size_t)(i * p->ldc + j) * p->size;
  CBLAS_TRANSPOSE ta = p->a.transposed ? CblasTrans : CblasNoTrans, tb = p->b.transposed ? CblasTrans : CblasNoTrans;
  int M = (int)m, N = (int)n, K = (int)p->k, lda = (int)p->a.ld, ldb = (int)p->b.ld, ldc = (int)p->ldc;
  if (p->dtype == NL_F32) {
    library.sgemm(CblasRowMajor, ta, tb, M, N, K, 1, (const float *)a, lda, (const float *)b, ldb,
                  p->accumulate ? 1 : 0, (float *)c, ldc);
  } else {
    library.dgemm(CblasRowMajor, ta, tb, M, N, K, 1, (const double *)a, lda, (const double *)b, ldb,
                  p->accumulate ? 1 : 0, (double *)c, ldc);
  }
}

static void run_blas_tiles(void *ctx, int64_t begin, int64_t end) {
  const product *p = ctx;
  for (int64_t t = begin; t < end; t++) {
    int64_t i = t / p->tiles_n * p->tile_m, j = t % p->tiles_n * p->tile_n;
    blas_tile(p, i, j, p->m - i < p->tile_m ? p->m - i : p->tile_m, p->n - j < p->tile_n ? p->n - j : p->tile_n);
  }
}

static bool run_blas(product *p) {
  if (!load_blas()->sgemm) {
    return false;
  }
  /* tiles of at most 2^31 flops, so that Ctrl-C is seen within tens of milliseconds */
  p->tile_m = p->m > 512 ? 512 : p->m;
  p->tile_n = p->n > 512 ? 512 : p->n;
  p->tiles_n = (p->n + p->tile_n - 1) / p->tile_n;
  nl_parallel_for((p->m + p->tile_m - 1) / p->tile_m * p->tiles_n, 1, run_blas_tiles, p);
  return true;
}

/* ---- libxsmm ---- */

#ifdef NL_HAVE_XSMM
enum { K_BLOCK = 512, TALL = 128 };

static void xsmm_init_once(void) {
  static const char *const targets[] = {"sse", "hsw", "skx"};
  if (nl_cpu_isa() != NL_ISA_AVX512) {
    libxsmm_set_target_arch(targets[nl_cpu_isa()]);
  }
  libxsmm_init();
}

static bool xsmm_ready(void) {
  static pthread_once_t once = PTHREAD_ONCE_INIT;
  pthread_once(&once, xsmm_init_once);
  return nl_cpu_isa() != NL_ISA_PLAIN;
}

typedef union kernel {
  libxsmm_smmfunction f32;
  libxsmm_dmmfunction f64;
} kernel;

/* libxsmm is column-major: our row-major C = A B is its C^T = B^T A^T, so A and B change places. */
static kernel find_kernel(nl_dtype dtype, int64_t m, int64_t n, int64_t k, int64_t ldb, int64_t lda, int64_t ldc,
                          bool a_transposed, bool accumulate) {
  libxsmm_blasint M = (int)n, N = (int)m, K = (int)k, LDA = (int)ldb, LDB = (int)lda, LDC = (int)ldc;
  int flags = a_transposed ? LIBXSMM_GEMM_FLAG_TRANS_B : LIBXSMM_GEMM_FLAG_NONE;
  kernel fn;
  if (dtype == NL_F32) {
    float alpha = 1, beta = accumulate ? 1 : 0;
    fn.f32 = libxsmm_smmdispatch(M, N, K, &LDA, &LDB, &LDC, &alpha, &beta, &flags, NULL);
  } else {
    double alpha = 1, beta = accumulate ? 1 : 0;
    fn.f64 = libxsmm_dmmdispatch(M, N, K, &LDA, &LDB, &LDC, &alpha, &beta, &flags, NULL);
  }
  return fn;
}

/* B[k0 .. k0+kc, j .. j+nc] into a panel whose rows are `wide` long, zero where there is no column. */
static void pack_panel(const product *p, int64_t k0, int64_t kc, int64_t j, int64_t nc, int64_t wide, char *panel) {
  const char *from = p->b.p + (size_t)(p->b.transposed ? j * p->b.ld + k0 : k0 * p->b.ld + j) * p->size;
  if (p->b.transposed) {
    nl_k->transpose->transpose[p->dtype](nc, kc, from, p->b.ld, panel, wide);
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
static void unpad(const product *p, int64_t rows, int64_t nc, int64_t wide, const char *tile, char *c,
                  bool accumulate) {
  for (int64_t i = 0; i < rows; i++) {
    if (p->dtype == NL_F32) {
      const float *from = (const float *)tile + i * wide;
      float *to = (float *)c + i * p->ldc;
      for (int64_t k = 0; k < nc; k++) {
        to[k] = accumulate ? to[k] + from[k] : from[k];
      }
    } else {
      const double *from = (const double *)tile + i * wide;
      double *to = (double *)c + i * p->ldc;
      for (int64_t k = 0; k < nc; k++) {
        to[k] = accumulate ? to[k] + from[k] : from[k];
      }
    }
  }
}

/* One tile of C: all of k, in blocks. A width that is no multiple of a vector is padded with zeros: the generated
   kernels do single columns one by one. */
static void xsmm_tile(const product *p, int64_t i0, int64_t j, int64_t mc, int64_t nc, char *scratch) {
  int64_t wide = (nc + p->vector - 1) / p->vector * p->vector;
  bool pad = scratch && wide != nc && mc >= 16;
  bool pack = pad || p->b.transposed || (scratch && mc >= 32 && p->n > p->tile_n);
  wide = pad ? wide : nc;
  char *tile = pad ? scratch + NL_SCRATCH_BYTES / 2 : NULL;
  for (int64_t k0 = 0; k0 < p->k; k0 += p->k_block) {
    int64_t kc = p->k - k0 < p->k_block ? p->k - k0 : p->k_block;
    const char *b = p->b.p + (size_t)(k0 * p->b.ld + j) * p->size;
    if (pack) {
      pack_panel(p, k0, kc, j, nc, wide, scratch);
      b = scratch;
    }
    bool accumulate = p->accumulate || k0 > 0;
    for (int64_t i = i0; i < i0 + mc; i += TALL) {
      int64_t rows = i0 + mc - i < TALL ? i0 + mc - i : TALL;
      const char *a = p->a.p + (size_t)(p->a.transposed ? k0 * p->a.ld + i : i * p->a.ld + k0) * p->size;
      char *c = p->c + (size_t)(i * p->ldc + j) * p->size, *to = pad ? tile : c;
      kernel fn = find_kernel(p->dtype, rows, wide, kc, pack ? wide : p->b.ld, p->a.ld, pad ? wide : p->ldc,
                              p->a.transposed, accumulate && !pad);
      if (!fn.f32) { /* no room for more generated code, or none for this shape */
        loops_block(p, i, j, k0, rows, nc, kc, accumulate);
        continue;
      }
      if (p->dtype == NL_F32) {
        fn.f32((const float *)b, (const float *)a, (float *)to);
      } else {
        fn.f64((const double *)b, (const double *)a, (double *)to);
      }
      if (pad) {
        unpad(p, rows, nc, wide, tile, c, accumulate);
      }
    }
  }
}

static void run_xsmm_tiles(void *ctx, int64_t begin, int64_t end) {
  const product *p = ctx;
  char *scratch = nl_thread_scratch();
  for (int64_t t = begin; t < end; t++) {
    int64_t i = t / p->tiles_n * p->tile_m, j = t % p->tiles_n * p->tile_n;
    int64_t mc = p->m - i < p->tile_m ? p->m - i : p->tile_m, nc = p->n - j < p->tile_n ? p->n - j : p->tile_n;
    xsmm_tile(p, i, j, mc, nc, scratch);
  }
}

/* False when the product is better done by OpenBLAS. */
static bool run_xsmm(product *p) {
  if ((p->b.transposed && !nl_thread_scratch()) || p->n == 1 || (p->m == 1 && p->b.transposed) || !xsmm_ready()) {
    return false;
  }
  double flops = 2.0 * (double)p->m * (double)p->n * (double)p->k;
  bool avx512 = nl_cpu_isa() == NL_ISA_AVX512;
  if (!avx512 && flops > 2e8 && p->m >= 256 && p->n >= 256 && p->k >= 256) {
    return false;
  }
  p->vector = (avx512 ? 64 : 32) / (int64_t)p->size;
  p->tile_n = p->vector * 4;
  if (p->n <= 2 * p->tile_n && !p->b.transposed && p->k <= K_BLOCK) {
    p->tile_n = p->n; /* small: no tiles at all */
  }
  p->tile_m = p->m > 4096 ? 4096 : p->m;
  int64_t k_blocks = (p->k + K_BLOCK - 1) / K_BLOCK;
  p->k_block = (p->k + k_blocks - 1) / k_blocks;
  p->tiles_n = (p->n + p->tile_n - 1) / p->tile_n;
  int64_t tiles = (p->m + p->tile_m - 1) / p->tile_m * p->tiles_n;
  int64_t grain = (int64_t)(4e5 / (flops / (double)tiles)) + 1; /* tiles worth waking a thread for */
  nl_parallel_for(tiles, grain, run_xsmm_tiles, p);
  return true;
}
#else
static bool run_xsmm(product *p) {
  (void)p;
  return false;
}
#endif

/* ---- the door ---- */

static void gemm_int64(const nl_gemm_args *g) {
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

/* Both libraries count in int. */
static bool fits_int(const product *p) {
  int64_t sizes[] = {p->m, p->n, p->k, p->a.ld, p->b.ld, p->ldc};
  for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
    if (sizes[i] > INT32_MAX) {
      return false;
    }
  }
  return true;
}

void nl_gemm(const nl_gemm_args *g) {
  if (g->m == 0 || g->n == 0) {
    return;
  }
  if (g->dtype == NL_I64) {
    gemm_int64(g);
    return;
  }
  if (g->m * g->n < 256 && g->m * g->n * g->k <= 256) {
    gemm_loops(g);
    return;
  }
  size_t size = nl_dtype_size(g->dtype);
  if (g->k == 0) {
    for (int64_t i = 0; i < g->m && !g->accumulate; i++) {
      memset((char *)g->c + (size_t)(i * g->c_row) * size, 0, (size_t)g->n * size);
    }
    return;
  }
  product p = {.dtype = g->dtype,
               .size = size,
               .m = g->m,
               .n = g->n,
               .k = g->k,
               .a = make_side(g->a, g->m, g->k, g->a_row, g->a_col),
               .b = make_side(g->b, g->k, g->n, g->b_row, g->b_col),
               .c = g->c,
               .ldc = g->c_row,
               .accumulate = g->accumulate};
  if (!fits_int(&p) || (!run_xsmm(&p) && !run_blas(&p))) {
    gemm_loops(g);
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
  (void)xsmm_ready();
  snprintf(text, sizeof text, "libxsmm %s (%s), %s", LIBXSMM_VERSION, libxsmm_get_target_arch(), name);
#else
  snprintf(text, sizeof text, "%s", name);
#endif
  return text;
}
