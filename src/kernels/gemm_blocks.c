/* Products by code that libxsmm's generator writes for each tile shape (tilecode.c); its row-major forms are A B and
   A^T B. What was measured (tests/bench/gemm.c):
   - A tile of C is four vectors wide and up to TALL rows high. k runs in parts, so that what is packed of B stays in
     the second-level cache: of at most K_PART, of fewer where A is transposed and not packed (K_PART_ACROSS), since
     each of its terms is then a line of the first-level cache, and of K_PART_LARGE in large products.
   - B is packed when it has to be transposed, or when enough rows of C use the panel to pay for the copy: packed panels
     have no stride conflicts.
   - Large products are done in blocks of several tiles side by side and several one above the other: for each part of
     k a block packs its panels of B once, for all its rows, and brings its rows of A in once, for all its columns.
   - A's rows are packed where A is transposed and so wide that each term lies on a page of its own, as gradients of
     large weights have it, and three tiles or more make use of the copy or A comes from memory.
   How k is cut follows from the shape alone, and a tile's elements are the same sums in whatever block it lies; so
   blocks may follow the number of threads, and the bits do not. */
#include "kernels/gemm_blocks.h"

#include <string.h>

#include "core/cpu.h"
#include "core/interrupt.h"
#include "core/pool.h"
#include "kernels/kernels.h"
#include "kernels/tilecode.h"

enum {
  K_PART = 512,
  K_PART_LARGE = 384,
  K_PART_ACROSS = 128,
  TALL = 128,
  A_BLOCK = 65536,        /* elements of A that stay in the second-level cache */
  BLOCK_ROWS = 4 * TALL,  /* of large products */
  WIDE_ROW_BYTES = 4096,  /* a transposed A's row from which on it is packed */
  LEAST_REUSE = 3,        /* tiles side by side that pay for packing A */
  FAR_BYTES = 4 << 20,    /* an A that comes from far away: packing it is a faster way through it than the tiles' own */
  TILE_BYTES = 64 << 10,  /* of a padded tile */
  STRIP_BYTES = 256 << 10 /* of A's packed rows */
};
#define LARGE_FLOPS 1.3e8

/* ---- packing ---- */

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
   single columns one by one. A padded tile is added to C as a whole, so it depends on the product's shape alone. */
typedef struct layout {
  bool pad, pack;
  int64_t wide;
} layout;

static layout lay_out(const nl_gemm_plan *p, int64_t nc) {
  layout l = {.wide = (nc + p->vector - 1) / p->vector * p->vector};
  l.pad = l.wide != nc && p->g.m >= 16;
  l.pack = l.pad || p->b.transposed || (p->g.m >= 32 && p->g.n > p->tile_n);
  l.wide = l.pad ? l.wide : nc;
  return l;
}

/* ---- blocks ---- */

/* A block of C, rows i .. i+m and columns j .. j+n, at its terms k0 .. k0+kc; the workspace has panels of B first, then
   rows of A, then a padded tile. */
typedef struct gemm_block {
  const nl_gemm_plan *p;
  int64_t i, j, m, n, k0, kc;
  char *panels, *strip, *tile;
} gemm_block;

/* Where rows i .. i+rows of A are at the block's terms. */
static const char *take_strip(const gemm_block *b, int64_t i, int64_t rows) {
  const nl_gemm_plan *p = b->p;
  const char *a = p->a.p + (size_t)(p->a.transposed ? b->k0 * p->a.ld + i : i * p->a.ld + b->k0) * p->size;
  if (!p->strip_ld) {
    return a;
  }
  nl_k->transpose->transpose[p->g.dtype](b->kc, rows, a, p->a.ld, b->strip, p->strip_ld);
  return b->strip;
}

/* Columns j .. j+nc of these rows of C. */
static void do_tile(const gemm_block *b, layout l, const char *a, const char *panel, int64_t i, int64_t rows, int64_t j,
                    int64_t nc) {
  const nl_gemm_plan *p = b->p;
  bool accumulate = p->g.accumulate || b->k0 > 0;
  if (b->k0 == 0) {
    nl_gemm_begin(p, i, j, rows, nc);
  }
  char *c = (char *)p->g.c + (size_t)(i * p->g.c_row + j) * p->size, *to = l.pad ? b->tile : c;
  nl_tilecode fn = p->kernel[rows < TALL][nc < p->tile_n][b->kc < p->k_part][accumulate && !l.pad];
  if (!fn.any) { /* the generator has none for this shape */
    nl_gemm_loops_part(p, i, j, b->k0, rows, nc, b->kc, accumulate);
    return;
  }
  if (p->g.dtype == NL_F32) {
    fn.f32((const float *)panel, (const float *)a, (float *)to);
  } else {
    fn.f64((const double *)panel, (const double *)a, (double *)to);
  }
  nl_tilecode_leave();
  if (l.pad) {
    unpad(p, rows, nc, l.wide, b->tile, c, accumulate);
  }
}

/* The block's terms, of all its rows and columns. */
static void do_terms(const gemm_block *b) {
  const nl_gemm_plan *p = b->p;
  for (int64_t i = b->i; i < b->i + b->m; i += TALL) {
    int64_t rows = nl_gemm_part(b->i + b->m, i, TALL);
    const char *a = take_strip(b, i, rows);
    char *panel = b->panels;
    for (int64_t j = b->j; j < b->j + b->n; j += p->tile_n) {
      int64_t nc = nl_gemm_part(b->j + b->n, j, p->tile_n);
      layout l = lay_out(p, nc);
      if (!l.pack) {
        do_tile(b, l, a, p->b.p + (size_t)(b->k0 * p->b.ld + j) * p->size, i, rows, j, nc);
        continue;
      }
      if (i == b->i) {
        pack_panel(p, b->k0, b->kc, j, nc, l.wide, panel);
      }
      do_tile(b, l, a, panel, i, rows, j, nc);
      panel += (size_t)(p->k_part * l.wide) * p->size;
    }
  }
}

static void run_range(void *ctx, int64_t begin, int64_t end) {
  const nl_gemm_plan *p = ctx;
  char *workspace = nl_thread_workspace();
  int64_t across = (p->g.n + p->block_n - 1) / p->block_n;
  for (int64_t t = begin; t < end; t++) {
    gemm_block b = {.p = p, .i = t / across * p->block_m, .j = t % across * p->block_n, .panels = workspace};
    b.m = nl_gemm_part(p->g.m, b.i, p->block_m);
    b.n = nl_gemm_part(p->g.n, b.j, p->block_n);
    b.tile = workspace + NL_THREAD_WORKSPACE_BYTES - TILE_BYTES;
    b.strip = b.tile - STRIP_BYTES;
    for (; b.k0 < p->g.k && !nl_interrupt_pending(); b.k0 += p->k_part) {
      b.kc = nl_gemm_part(p->g.k, b.k0, p->k_part);
      do_terms(&b);
    }
  }
}

static void run_blocks(const nl_gemm_plan *p) {
  nl_parallel_for(p->tiles, p->grain, run_range, (void *)(uintptr_t)p);
}

/* ---- the plan ---- */

void nl_gemm_drop_code(const nl_gemm_plan *p) {
  const nl_tilecode *codes = &p->kernel[0][0][0][0];
  for (size_t i = 0; i < sizeof p->kernel / sizeof *codes; i++) {
    nl_tilecode_drop(codes[i]);
  }
}

/* Of full and of last rows, columns and terms. */
bool nl_gemm_find_code(nl_gemm_plan *p, bool keep) {
  const int64_t rows[] = {p->g.m >= TALL ? TALL : 0, p->g.m % TALL}, last_n = p->g.n % p->tile_n;
  const int64_t columns[] = {p->tile_n, p->g.n > p->tile_n ? last_n : 0}, last_k = p->g.k % p->k_part;
  const int64_t terms[] = {p->k_part, p->g.k > p->k_part ? last_k : 0};
  bool full = false;
  for (int i = 0; i < 16; i++) {
    int r = i & 1, c = i >> 1 & 1, t = i >> 2 & 1, add = i >> 3;
    if (!rows[r] || !columns[c] || !terms[t]) {
      continue;
    }
    layout l = lay_out(p, columns[c]);
    if (l.pad ? add : (add ? !p->g.accumulate && p->g.k <= p->k_part : p->g.accumulate || t)) {
      continue; /* is not used */
    }
    nl_tilecode_shape shape = {.dtype = (uint8_t)p->g.dtype,
                               .m = (int32_t)rows[r],
                               .n = (int32_t)l.wide,
                               .k = (int32_t)terms[t],
                               .lda = (int32_t)(p->strip_ld ? p->strip_ld : p->a.ld),
                               .ldb = (int32_t)(l.pack ? l.wide : p->b.ld),
                               .ldc = (int32_t)(l.pad ? l.wide : p->g.c_row),
                               .a_transposed = p->a.transposed && !p->strip_ld,
                               .accumulate = (uint8_t)add};
    p->kernel[r][c][t][add] = nl_tilecode_take(&shape, keep, &full);
  }
  if (full && keep) {
    nl_gemm_drop_code(p);
    return false;
  }
  return true;
}

static int64_t parts(int64_t whole, int64_t size) {
  return (whole + size - 1) / size;
}

/* How k is cut, and whether A is packed. */
static void cut_terms(nl_gemm_plan *p, bool large) {
  const nl_gemm_args *g = &p->g;
  int64_t row_bytes = p->a.ld * (int64_t)p->size;
  bool pays = parts(g->n, p->tile_n) >= LEAST_REUSE || row_bytes * g->k >= FAR_BYTES;
  bool strips = p->a.transposed && row_bytes >= WIDE_ROW_BYTES && g->m >= TALL && pays;
  int64_t most = p->a.transposed && !strips ? K_PART_ACROSS : (large ? K_PART_LARGE : K_PART);
  if (strips && most > STRIP_BYTES / TALL / (int64_t)p->size - 16) {
    most = STRIP_BYTES / TALL / (int64_t)p->size - 16;
  }
  p->k_part = parts(g->k, parts(g->k, most));
  p->strip_ld = strips ? parts(p->k_part, 16) * 16 : 0;
}

/* Blocks as large as the caches allow, but enough of them for all threads. */
static void cut_blocks(nl_gemm_plan *p, bool large, bool avx512) {
  const nl_gemm_args *g = &p->g;
  int64_t rows = A_BLOCK / g->k / TALL * TALL, across = 1;
  rows = rows < TALL ? TALL : (rows > 4096 ? 4096 : rows);
  if (large || p->strip_ld) {
    int64_t room = (avx512 ? 512 << 10 : 192 << 10) / (p->k_part * p->tile_n * (int64_t)p->size);
    across = room < 1 ? 1 : room;
    rows = rows < BLOCK_ROWS ? BLOCK_ROWS : rows;
    int64_t wanted = nl_pool_threads() > 1 ? 3 * nl_pool_threads() : 1;
    while (rows > TALL && parts(g->m, rows) * parts(g->n, across * p->tile_n) < wanted) {
      rows = parts(rows / 2, TALL) * TALL;
    }
    while (across > 1 && parts(g->m, rows) * parts(g->n, across * p->tile_n) < wanted) {
      across--;
    }
    across = parts(parts(g->n, p->tile_n), parts(g->n, across * p->tile_n)); /* of about one width */
    rows = parts(parts(g->m, TALL), parts(g->m, rows)) * TALL;
  }
  p->block_m = g->m > rows ? rows : g->m;
  p->block_n = across * p->tile_n;
  p->tiles = parts(g->m, p->block_m) * parts(g->n, p->block_n);
}

bool nl_gemm_take_blocks(nl_gemm_plan *p) {
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
  if (g->n <= 2 * p->tile_n && !p->b.transposed && g->k <= K_PART) {
    p->tile_n = g->n; /* small: no tiles at all */
  }
  p->tile_n = p->tile_n < g->n ? p->tile_n : g->n;
  bool large = flops >= LARGE_FLOPS && g->m > TALL && g->n > p->tile_n;
  cut_terms(p, large);
  cut_blocks(p, large, avx512);
  p->grain = (int64_t)(4e5 / (flops / (double)p->tiles)) + 1; /* blocks worth waking a thread for */
  p->run = run_blocks;
  p->blocks = true;
  return true;
}
