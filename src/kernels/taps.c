/* The elements of several kernels pass over the rows of one image in its border (direct.c): tiles of some channels
   times some vectors of positions, whose sums stay in registers. Compiled once for each instruction set. */
#include "core/number.h"
#include "kernels/kernels.h"
#include "kernels/vectors.h"
enum { MOST_ROWS = 8, MOST_COLUMNS = 8 };
enum { NEAR = 512 }; /* positions of which the first-level cache holds some channels */

/* Channels x vectors of positions, the most channels first; and channels x taps. As many sums as there are registers.
 */
#if defined(__AVX512F__)
#define CORRELATE_TILES(M, S) M(S, 8, 3) M(S, 6, 4) M(S, 4, 6) M(S, 3, 8) M(S, 2, 8) M(S, 1, 8)
#define COLLECT_TILES(M, S) M(S, 8, 3) M(S, 6, 4) M(S, 5, 5) M(S, 4, 6) M(S, 3, 8) M(S, 2, 8) M(S, 1, 8)
#else
#define CORRELATE_TILES(M, S) M(S, 6, 2) M(S, 4, 2) M(S, 3, 3) M(S, 2, 4) M(S, 1, 6)
#define COLLECT_TILES(M, S) M(S, 6, 2) M(S, 4, 3) M(S, 3, 3) M(S, 2, 5) M(S, 1, 6)
#endif

/* ---- results: correlation ---- */

/* Channels of the next tile, of so many that are left. */
static int rows_for(int64_t channels) {
#define ENOUGH(S, rows, columns)                                                                                       \
  if (channels >= rows) {                                                                                              \
    return rows;                                                                                                       \
  }
  CORRELATE_TILES(ENOUGH, )
  return 1;
}

#define ARRANGE(S)                                                                                                     \
  static void arrange_##S(int64_t channels, int64_t taps, const void *weight, void *to) {                              \
    const real_##S *w = weight;                                                                                        \
    real_##S *next = to;                                                                                               \
    for (int64_t o = 0, rows; o < channels; o += rows) {                                                               \
      rows = rows_for(channels - o);                                                                                   \
      for (int64_t k = 0; k < taps; k++) {                                                                             \
        for (int64_t r = 0; r < rows; r++) {                                                                           \
          *next++ = w[(o + r) * taps + k];                                                                             \
        }                                                                                                              \
      }                                                                                                                \
    }                                                                                                                  \
  }
ARRANGE(f32)
ARRANGE(f64)

/* A vector of positions, all of one row of the result. */
typedef struct place {
  int64_t from, to, count; /* where the first kernel element meets the image, where they stand, how many they are */
} place;

/* Where a walk over the rows of the result is. */
typedef struct walk {
  int64_t d, h, w, to;
} walk;

static inline bool next_place(const nl_taps *t, walk *at, int64_t n, place *p) {
  if (at->d >= t->out[0]) {
    return false;
  }
  int64_t left = t->out[2] - at->w;
  *p = (place){at->d * t->apart[0] + at->h * t->apart[1] + at->w, at->to, left < n ? left : n};
  at->to += p->count;
  at->w += n;
  if (at->w >= t->out[2]) {
    at->w = 0;
    if (++at->h == t->out[1]) {
      at->h = 0;
      at->d++;
    }
  }
  return true;
}

/* The elements that meet more than the border in rows first .. last of the result. Gives how many are left out before.
 */
static inline int64_t cut_taps(const nl_taps *t, int64_t first, int64_t last, nl_taps *to) {
  *to = *t;
  if (!t->line) {
    return 0;
  }
  int64_t low = t->top > last ? (t->top - last + t->dilation - 1) / t->dilation : 0;
  int64_t reach = t->top + t->rows - 1 - first, high = reach < 0 ? 0 : reach / t->dilation + 1;
  high = high < t->lines ? high : t->lines;
  low = low < high ? low : high;
  to->taps = (high - low) * t->line;
  to->offsets += low * t->line;
  return low * t->line;
}

#define BEGIN(S, r, c) vec_##S a##r##c = (vec_##S){0} + first[r];
#define AT(S, c) const real_##S *at##c = x + p[c].from;
#define MEET(S, c) vec_##S x##c = load_##S(at##c + offset);
#define MULTIPLY(S, r, c) a##r##c += w[r] * x##c;
#define KEEP(S, r, c) save_some_##S(y + r * ld + p[c].to, a##r##c, p[c].count);

#define CORRELATE_TILE(S, rows, columns)                                                                               \
  static void correlate_##rows##x##columns##_##S(const nl_taps *t, const real_##S *x, const place *p,                  \
                                                 const real_##S *w, const real_##S *first, real_##S *y, int64_t ld) {  \
    ALONG_##columns(AT, S);                                                                                            \
    GRID_##rows(ACROSS_##columns, BEGIN, S);                                                                           \
    for (int64_t k = 0; k < t->taps; k++, w += rows) {                                                                 \
      int64_t offset = t->offsets[k];                                                                                  \
      ALONG_##columns(MEET, S);                                                                                        \
      GRID_##rows(ACROSS_##columns, MULTIPLY, S);                                                                      \
    }                                                                                                                  \
    GRID_##rows(ACROSS_##columns, KEEP, S);                                                                            \
  }
#define CHOOSE_CORRELATE(S, r, c)                                                                                      \
  if (rows == r) {                                                                                                     \
    tile = correlate_##r##x##c##_##S;                                                                                  \
    columns = c;                                                                                                       \
  }
#define CORRELATE(S)                                                                                                   \
  CORRELATE_TILES(CORRELATE_TILE, S)                                                                                   \
  static void correlate_##S(const nl_taps *t, const void *image, int64_t channels, const void *weight,                 \
                            const void *start, void *result, int64_t ld) {                                             \
    const real_##S *w = weight, *x = image, *begin = start;                                                            \
    real_##S *y = result;                                                                                              \
    for (int64_t o = 0, rows; o < channels; o += rows, w += rows * t->taps, y += rows * ld) {                          \
      void (*tile)(const nl_taps *, const real_##S *, const place *, const real_##S *, const real_##S *, real_##S *,   \
                   int64_t) = NULL;                                                                                    \
      int columns = 0;                                                                                                 \
      rows = rows_for(channels - o);                                                                                   \
      CORRELATE_TILES(CHOOSE_CORRELATE, S)                                                                             \
      real_##S first[MOST_ROWS] = {0};                                                                                 \
      if (begin) {                                                                                                     \
        memcpy(first, begin + o, (size_t)rows * sizeof *first);                                                        \
      }                                                                                                                \
      place p[MOST_COLUMNS];                                                                                           \
      walk at = {0};                                                                                                   \
      for (int64_t top = 0, bottom; next_place(t, &at, N_##S, &p[0]); top = at.h) {                                    \
        bottom = top;                                                                                                  \
        for (int c = 1; c < columns; c++) {                                                                            \
          int64_t here = at.h;                                                                                         \
          if (next_place(t, &at, N_##S, &p[c])) {                                                                      \
            bottom = here;                                                                                             \
          } else {                                                                                                     \
            p[c] = (place){p[0].from, p[0].to, 0};                                                                     \
          }                                                                                                            \
        }                                                                                                              \
        nl_taps some;                                                                                                  \
        int64_t before = cut_taps(t, top, bottom, &some);                                                              \
        tile(&some, x, p, w + before * rows, first, y, ld);                                                            \
      }                                                                                                                \
    }                                                                                                                  \
  }
CORRELATE(f32)
CORRELATE(f64)

/* ---- sums over positions: the weight's gradient ---- */

/* Of a block of channels and taps. Where fewer are left than a tile has, the last one is done again, and not kept. */
typedef struct block {
  int64_t rows, columns;
  int64_t ld, ld_image; /* from one channel, and one image, of the result to the next */
} block;

#define NOTHING(S, r, c) vec_##S a##r##c = {0};
#define UP(S, r) const real_##S *up##r = g + (r < b->rows ? r : b->rows - 1) * b->ld;
#define OFFSET(S, c) int64_t offset##c = t->offsets[c < b->columns ? c : b->columns - 1];
#define LOAD_X(S, c) vec_##S x##c = load_##S(from + offset##c + j);
#define LOAD_UP(S, r) load_##S(up##r + to + j)
/* positions behind the row must not count, whatever is there */
#define SOME_X(S, c) vec_##S x##c = load_some_##S(from + offset##c + j, left);
#define SOME_UP(S, r) load_some_##S(up##r + to + j, left)
#define GATHER(S, r, c) a##r##c += g##r * x##c;
#define GATHER_ROW(S, r, across, LOAD)                                                                                 \
  {                                                                                                                    \
    vec_##S g##r = LOAD(S, r);                                                                                         \
    HOLD(g##r);                                                                                                        \
    across(GATHER, S, r)                                                                                               \
  }
#define GATHER_1(S, A, L) GATHER_ROW(S, 0, A, L)
#define GATHER_2(S, A, L) GATHER_1(S, A, L) GATHER_ROW(S, 1, A, L)
#define GATHER_3(S, A, L) GATHER_2(S, A, L) GATHER_ROW(S, 2, A, L)
#define GATHER_4(S, A, L) GATHER_3(S, A, L) GATHER_ROW(S, 3, A, L)
#define GATHER_5(S, A, L) GATHER_4(S, A, L) GATHER_ROW(S, 4, A, L)
#define GATHER_6(S, A, L) GATHER_5(S, A, L) GATHER_ROW(S, 5, A, L)
#define GATHER_8(S, A, L) GATHER_6(S, A, L) GATHER_ROW(S, 6, A, L) GATHER_ROW(S, 7, A, L)
#define ADD(S, r, c)                                                                                                   \
  if (r < b->rows && c < b->columns) {                                                                                 \
    lanes[r * t->taps + c] += a##r##c;                                                                                 \
  }

#define COLLECT_TILE(S, rows, columns)                                                                                 \
  static void collect_##rows##x##columns##_##S(const nl_taps *t, const real_##S *x, const real_##S *g, const block *b, \
                                               vec_##S *lanes) {                                                       \
    ALONG_##rows(UP, S);                                                                                               \
    ALONG_##columns(OFFSET, S);                                                                                        \
    GRID_##rows(ACROSS_##columns, NOTHING, S);                                                                         \
    for (int64_t image = 0; image < t->images; image++) {                                                              \
      int64_t to = image * b->ld_image;                                                                                \
      for (int64_t d = 0; d < t->out[0]; d++) {                                                                        \
        for (int64_t h = 0; h < t->out[1]; h++, to += t->out[2]) {                                                     \
          const real_##S *from = x + image * t->image + d * t->apart[0] + h * t->apart[1];                             \
          int64_t j = 0;                                                                                               \
          for (; j + N_##S <= t->out[2]; j += N_##S) {                                                                 \
            ALONG_##columns(LOAD_X, S);                                                                                \
            GATHER_##rows(S, ACROSS_##columns, LOAD_UP)                                                                \
          }                                                                                                            \
          int64_t left = t->out[2] - j;                                                                                \
          if (left > 0) {                                                                                              \
            ALONG_##columns(SOME_X, S);                                                                                \
            GATHER_##rows(S, ACROSS_##columns, SOME_UP)                                                                \
          }                                                                                                            \
        }                                                                                                              \
      }                                                                                                                \
    }                                                                                                                  \
    GRID_##rows(ACROSS_##columns, ADD, S);                                                                             \
  }

/* The tile that does the least in vain. */
#define LEAST_WASTE(S, r, c)                                                                                           \
  if ((channels + r - 1) / r * r * ((t->taps + c - 1) / c * c) < least) {                                              \
    least = (channels + r - 1) / r * r * ((t->taps + c - 1) / c * c);                                                  \
    tile = collect_##r##x##c##_##S;                                                                                    \
    rows = r;                                                                                                          \
    columns = c;                                                                                                       \
  }
#define COLLECT(S)                                                                                                     \
  COLLECT_TILES(COLLECT_TILE, S)                                                                                       \
  static void collect_##S(const nl_taps *t, const void *image, int64_t channels, const void *grad, int64_t ld,         \
                          int64_t ld_image, void *lanes) {                                                             \
    void (*tile)(const nl_taps *, const real_##S *, const real_##S *, const block *, vec_##S *) = NULL;                \
    int64_t rows = 1, columns = 1, least = INT64_MAX;                                                                  \
    COLLECT_TILES(LEAST_WASTE, S)                                                                                      \
    bool all = t->images * t->out[0] * t->out[1] * t->out[2] <= NEAR;                                                  \
    int64_t planes = all ? t->out[0] : 1, lines = all ? t->out[1] : nl_smaller(t->out[1], NEAR / t->out[2] + 1);       \
    for (int64_t d = 0; d < t->out[0]; d += planes) {                                                                  \
      for (int64_t h = 0; h < t->out[1]; h += lines) {                                                                 \
        const real_##S *x = (const real_##S *)image + d * t->apart[0] + h * t->apart[1];                               \
        const real_##S *g = (const real_##S *)grad + (d * t->out[1] + h) * t->out[2];                                  \
        nl_taps here = *t;                                                                                             \
        here.out[0] = planes;                                                                                          \
        here.out[1] = nl_smaller(lines, t->out[1] - h);                                                                \
        for (int64_t o = 0; o < channels; o += rows) {                                                                 \
          for (int64_t k = 0; k < t->taps; k += columns) {                                                             \
            block b = {.rows = channels - o, .columns = t->taps - k, .ld = ld, .ld_image = ld_image};                  \
            here.offsets = t->offsets + k;                                                                             \
            tile(&here, x, g + o * ld, &b, (vec_##S *)lanes + o * t->taps + k);                                        \
          }                                                                                                            \
        }                                                                                                              \
      }                                                                                                                \
    }                                                                                                                  \
  }                                                                                                                    \
  static void add_lanes_##S(int64_t channels, int64_t taps, const void *lanes, void *sums, int64_t step) {             \
    const real_##S *from = lanes;                                                                                      \
    for (int64_t o = 0; o < channels; o++) {                                                                           \
      for (int64_t k = 0; k < taps; k++, from += N_##S) {                                                              \
        real_##S sum = 0;                                                                                              \
        for (int i = 0; i < N_##S; i++) {                                                                              \
          sum += from[i];                                                                                              \
        }                                                                                                              \
        ((real_##S *)sums)[k * step + o] = sum;                                                                        \
      }                                                                                                                \
    }                                                                                                                  \
  }
COLLECT(f32)
COLLECT(f64)

extern const nl_taps_kernels NL_ISA(nl_taps_kernels);
const nl_taps_kernels NL_ISA(nl_taps_kernels) = {
    .arrange = {[NL_F32] = arrange_f32, [NL_F64] = arrange_f64},
    .correlate = {[NL_F32] = correlate_f32, [NL_F64] = correlate_f64},
    .collect = {[NL_F32] = collect_f32, [NL_F64] = collect_f64},
    .add_lanes = {[NL_F32] = add_lanes_f32, [NL_F64] = add_lanes_f64},
};
