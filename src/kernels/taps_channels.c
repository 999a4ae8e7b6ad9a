/* As taps.c, for short rows: a vector is of neighbouring channels of the result, and a tile of some positions of a row
   times one or two such vectors. Results and gradients are positions x channels here. Compiled once for each
   instruction set. */
#include "core/number.h"
#include "kernels/kernels.h"
#include "kernels/vectors.h"

/* Positions, or elements of the kernel, x vectors of channels. As many sums as there are registers for them. */
#if defined(__AVX512F__)
#define CORRELATE_TILES(M, S)                                                                                          \
  M(S, 14, 1) M(S, 12, 1) M(S, 10, 1) M(S, 8, 1) M(S, 7, 1) M(S, 12, 2) M(S, 10, 2) M(S, 8, 2) M(S, 7, 2)
#define COLLECT_TILES(M, S) M(S, 12, 1) M(S, 10, 1) M(S, 9, 1) M(S, 12, 2) M(S, 10, 2) M(S, 9, 2)
#else
#define CORRELATE_TILES(M, S) M(S, 12, 1) M(S, 10, 1) M(S, 8, 1) M(S, 7, 1) M(S, 6, 2) M(S, 5, 2) M(S, 4, 2)
#define COLLECT_TILES(M, S) M(S, 12, 1) M(S, 10, 1) M(S, 9, 1) M(S, 6, 2) M(S, 5, 2)
#endif

/* Of `all` positions or elements, with as few in vain as can be. */
#define LEAST_WASTE(name, S, r, c)                                                                                     \
  if (c == columns && (all + r - 1) / r * r < least) {                                                                 \
    least = (all + r - 1) / r * r;                                                                                     \
    tile = name##_##r##x##c##_##S;                                                                                     \
    rows = r;                                                                                                          \
  }

#define ARRANGE(S)                                                                                                     \
  static void arrange_##S(int64_t channels, int64_t taps, const void *weight, void *to) {                              \
    const real_##S *w = weight;                                                                                        \
    real_##S *next = to;                                                                                               \
    for (int64_t o = 0, wide; o < channels; o += wide) {                                                               \
      wide = channels - o > N_##S ? 2 * N_##S : N_##S;                                                                 \
      for (int64_t k = 0; k < taps; k++) {                                                                             \
        for (int64_t i = o; i < o + wide; i++) {                                                                       \
          *next++ = i < channels ? w[i * taps + k] : 0;                                                                \
        }                                                                                                              \
      }                                                                                                                \
    }                                                                                                                  \
  }
ARRANGE(f32)
ARRANGE(f64)

/* ---- results: correlation ---- */

#define BEGIN(S, r, c) vec_##S a##r##c = start##c;
#define START(S, c) vec_##S start##c = load_##S(first + c * N_##S);
#define WEIGHT(S, c) vec_##S w##c = load_##S(w + c * N_##S);
#define MULTIPLY(S, r, c) a##r##c += w##c * at[r];
#define KEEP(S, r, c) memcpy(y + r * ld + c * N_##S, &a##r##c, sizeof a##r##c);

#define CORRELATE_TILE(S, rows, columns)                                                                               \
  static void correlate_##rows##x##columns##_##S(const nl_taps *t, const real_##S *x, const real_##S *w,               \
                                                 const real_##S *first, real_##S *y, int64_t ld) {                     \
    ALONG_##columns(START, S);                                                                                         \
    GRID_##rows(ACROSS_##columns, BEGIN, S);                                                                           \
    for (int64_t k = 0; k < t->taps; k++, w += columns * N_##S) {                                                      \
      const real_##S *at = x + t->offsets[k];                                                                          \
      ALONG_##columns(WEIGHT, S);                                                                                      \
      GRID_##rows(ACROSS_##columns, MULTIPLY, S);                                                                      \
    }                                                                                                                  \
    GRID_##rows(ACROSS_##columns, KEEP, S);                                                                            \
  }

/* What a tile has behind the end of a row is written over by the next one. */
#define CORRELATE(S)                                                                                                   \
  CORRELATE_TILES(CORRELATE_TILE, S)                                                                                   \
  static void correlate_##S(const nl_taps *t, const void *image, int64_t channels, const void *weight,                 \
                            const void *start, void *result, int64_t ld) {                                             \
    const real_##S *w = weight;                                                                                        \
    for (int64_t o = 0, columns; o < channels; o += columns * N_##S, w += t->taps * columns * N_##S) {                 \
      void (*tile)(const nl_taps *, const real_##S *, const real_##S *, const real_##S *, real_##S *, int64_t) = NULL; \
      int64_t rows = 1, least = INT64_MAX, all = t->out[2];                                                            \
      columns = channels - o > N_##S ? 2 : 1;                                                                          \
      CORRELATE_TILES(CHOOSE_CORRELATE, S)                                                                             \
      real_##S first[2 * N_##S] = {0}, *y = (real_##S *)result + o;                                                    \
      if (start) {                                                                                                     \
        memcpy(first, (const real_##S *)start + o, (size_t)nl_smaller(channels - o, columns * N_##S) * sizeof *first); \
      }                                                                                                                \
      for (int64_t d = 0; d < t->out[0]; d++) {                                                                        \
        for (int64_t h = 0; h < t->out[1]; h++, y += all * ld) {                                                       \
          const real_##S *x = (const real_##S *)image + d * t->apart[0] + h * t->apart[1];                             \
          for (int64_t j = 0; j < all; j += rows) {                                                                    \
            tile(t, x + j, w, first, y + j * ld, ld);                                                                  \
          }                                                                                                            \
        }                                                                                                              \
      }                                                                                                                \
    }                                                                                                                  \
  }
#define CHOOSE_CORRELATE(S, r, c) LEAST_WASTE(correlate, S, r, c)
CORRELATE(f32)
CORRELATE(f64)

/* ---- sums over positions: the weight's gradient ---- */

#define NOTHING(S, r, c) vec_##S a##r##c = {0};
#define ELEMENT(S, r) const real_##S *x##r = x + t->offsets[r < left ? r : left - 1];
#define UP(S, c) vec_##S g##c = load_##S(g + c * N_##S);
#define GATHER(S, r, c) a##r##c += g##c * x##r[at];
#define ADD(S, r, c)                                                                                                   \
  if (r < left) {                                                                                                      \
    vec_##S sum##r##c = load_##S(sums + r * ld + c * N_##S) + a##r##c;                                                 \
    memcpy(sums + r * ld + c * N_##S, &sum##r##c, sizeof sum##r##c);                                                   \
  }

#define COLLECT_TILE(S, rows, columns)                                                                                 \
  static void collect_##rows##x##columns##_##S(const nl_taps *t, const real_##S *x, const real_##S *g, int64_t left,   \
                                               real_##S *sums, int64_t ld) {                                           \
    ALONG_##rows(ELEMENT, S);                                                                                          \
    GRID_##rows(ACROSS_##columns, NOTHING, S);                                                                         \
    for (int64_t image = 0; image < t->images; image++) {                                                              \
      for (int64_t d = 0; d < t->out[0]; d++) {                                                                        \
        for (int64_t h = 0; h < t->out[1]; h++) {                                                                      \
          int64_t at = image * t->image + d * t->apart[0] + h * t->apart[1], end = at + t->out[2];                     \
          for (; at < end; at++, g += ld) {                                                                            \
            ALONG_##columns(UP, S);                                                                                    \
            GRID_##rows(ACROSS_##columns, GATHER, S);                                                                  \
          }                                                                                                            \
        }                                                                                                              \
      }                                                                                                                \
    }                                                                                                                  \
    GRID_##rows(ACROSS_##columns, ADD, S);                                                                             \
  }
#define CHOOSE_COLLECT(S, r, c) LEAST_WASTE(collect, S, r, c)
#define COLLECT(S)                                                                                                     \
  COLLECT_TILES(COLLECT_TILE, S)                                                                                       \
  static void collect_##S(const nl_taps *t, const void *image, int64_t channels, const void *grad, void *sums,         \
                          int64_t ld) {                                                                                \
    for (int64_t o = 0, columns; o < channels; o += columns * N_##S) {                                                 \
      void (*tile)(const nl_taps *, const real_##S *, const real_##S *, int64_t, real_##S *, int64_t) = NULL;          \
      int64_t rows = 1, least = INT64_MAX, all = t->taps;                                                              \
      columns = channels - o > N_##S ? 2 : 1;                                                                          \
      COLLECT_TILES(CHOOSE_COLLECT, S)                                                                                 \
      for (int64_t k = 0; k < all; k += rows) {                                                                        \
        nl_taps here = *t;                                                                                             \
        here.offsets += k;                                                                                             \
        tile(&here, image, (const real_##S *)grad + o, all - k, (real_##S *)sums + k * ld + o, ld);                    \
      }                                                                                                                \
    }                                                                                                                  \
  }
COLLECT(f32)
COLLECT(f64)

extern const nl_taps_channels_kernels NL_ISA(nl_taps_channels_kernels);
const nl_taps_channels_kernels NL_ISA(nl_taps_channels_kernels) = {
    .lanes = {[NL_F32] = N_f32, [NL_F64] = N_f64},
    .arrange = {[NL_F32] = arrange_f32, [NL_F64] = arrange_f64},
    .correlate = {[NL_F32] = correlate_f32, [NL_F64] = correlate_f64},
    .collect = {[NL_F32] = collect_f32, [NL_F64] = collect_f64},
};
