/* What attention does with a tile of scores between its products: scale and mask, the running softmax (Milakov &
   Gimelshein 2018), and the way back. Compiled once for each instruction set. */
#include <math.h>

#include "kernels/kernels.h"
#include "kernels/vmath.h"

typedef float f32;
typedef double f64;

static inline int64_t wide_of(const nl_scores *t) {
  return (t->cols + NL_SCORES_LANES - 1) / NL_SCORES_LANES * NL_SCORES_LANES;
}

#define SCORES(type, EXP, LOG)                                                                                         \
  static void place_##type(const nl_scores *t, void *ps) {                                                             \
    int64_t wide = wide_of(t);                                                                                         \
    const type scale = (type)t->scale;                                                                                 \
    for (int64_t i = 0; i < t->rows; i++) {                                                                            \
      type *s = (type *)ps + i * t->ld;                                                                                \
      int64_t seen = t->visible >= t->cols - 1 - i ? t->cols : (t->visible + i < 0 ? 0 : t->visible + i + 1);          \
      if (!t->mask) {                                                                                                  \
        for (int64_t j = 0; j < seen; j++) {                                                                           \
          s[j] *= scale;                                                                                               \
        }                                                                                                              \
      } else if (t->mask_bytes) {                                                                                      \
        const uint8_t *mask = (const uint8_t *)t->mask + i * t->mask_row;                                              \
        for (int64_t j = 0; j < seen; j++) {                                                                           \
          s[j] = mask[j * t->mask_col] ? s[j] * scale : (type)-INFINITY;                                               \
        }                                                                                                              \
      } else {                                                                                                         \
        const type *mask = (const type *)t->mask + i * t->mask_row;                                                    \
        for (int64_t j = 0; j < seen; j++) {                                                                           \
          s[j] = s[j] * scale + mask[j * t->mask_col];                                                                 \
        }                                                                                                              \
      }                                                                                                                \
      for (int64_t j = seen; j < wide; j++) {                                                                          \
        s[j] = (type)-INFINITY;                                                                                        \
      }                                                                                                                \
    }                                                                                                                  \
  }                                                                                                                    \
  static void join_##type(const nl_scores *t, void *ps, void *pmax, void *psum, void *pfactor) {                       \
    enum { LANES = NL_SCORES_LANES };                                                                                  \
    int64_t wide = wide_of(t);                                                                                         \
    for (int64_t i = 0; i < t->rows; i++) {                                                                            \
      type *s = (type *)ps + i * t->ld, *max = (type *)pmax + i, *sum = (type *)psum + i;                              \
      type most[LANES], lane[LANES] = {0};                                                                             \
      for (int k = 0; k < LANES; k++) {                                                                                \
        most[k] = *max;                                                                                                \
      }                                                                                                                \
      for (int64_t j = 0; j < wide; j += LANES) {                                                                      \
        for (int k = 0; k < LANES; k++) {                                                                              \
          most[k] = s[j + k] > most[k] ? s[j + k] : most[k];                                                           \
        }                                                                                                              \
      }                                                                                                                \
      for (int w = LANES / 2; w; w /= 2) {                                                                             \
        for (int k = 0; k < w; k++) {                                                                                  \
          most[k] = most[k + w] > most[k] ? most[k + w] : most[k];                                                     \
        }                                                                                                              \
      }                                                                                                                \
      type shift = most[0] == (type)-INFINITY ? 0 : most[0];                                                           \
      type factor = most[0] == *max ? 1 : EXP(*max - shift);                                                           \
      for (int64_t j = 0; j < wide; j += LANES) {                                                                      \
        for (int k = 0; k < LANES; k++) {                                                                              \
          type e = EXP(s[j + k] - shift);                                                                              \
          s[j + k] = e;                                                                                                \
          lane[k] += e;                                                                                                \
        }                                                                                                              \
      }                                                                                                                \
      for (int w = LANES / 2; w; w /= 2) {                                                                             \
        for (int k = 0; k < w; k++) {                                                                                  \
          lane[k] += lane[k + w];                                                                                      \
        }                                                                                                              \
      }                                                                                                                \
      *sum = *sum * factor + lane[0];                                                                                  \
      *max = most[0];                                                                                                  \
      ((type *)pfactor)[i] = factor;                                                                                   \
    }                                                                                                                  \
  }                                                                                                                    \
  static void again_##type(const nl_scores *t, void *ps, const void *pmax, const void *plse) {                         \
    int64_t wide = wide_of(t);                                                                                         \
    for (int64_t i = 0; i < t->rows; i++) {                                                                            \
      type *s = (type *)ps + i * t->ld, max = ((const type *)pmax)[i], lse = ((const type *)plse)[i];                  \
      for (int64_t j = 0; j < wide; j++) {                                                                             \
        s[j] = EXP((s[j] - max) - lse); /* lse would be lost in a large max */                                         \
      }                                                                                                                \
    }                                                                                                                  \
  }                                                                                                                    \
  static void drop_##type(const nl_scores *t, void *ps, const uint8_t *keep, double scale) {                           \
    for (int64_t i = 0; i < t->rows; i++) {                                                                            \
      type *s = (type *)ps + i * t->ld;                                                                                \
      for (int64_t j = 0; j < t->cols; j++) {                                                                          \
        s[j] = keep[i * t->cols + j] ? s[j] * (type)scale : 0;                                                         \
      }                                                                                                                \
    }                                                                                                                  \
  }                                                                                                                    \
  static void differ_##type(const nl_scores *t, const void *pp, void *pd, const void *pdelta) {                        \
    const type scale = (type)t->scale;                                                                                 \
    for (int64_t i = 0; i < t->rows; i++) {                                                                            \
      const type *p = (const type *)pp + i * t->ld, delta = ((const type *)pdelta)[i];                                 \
      type *d = (type *)pd + i * t->ld;                                                                                \
      for (int64_t j = 0; j < t->cols; j++) {                                                                          \
        d[j] = p[j] * (d[j] - delta) * scale;                                                                          \
      }                                                                                                                \
    }                                                                                                                  \
  }                                                                                                                    \
  static void stretch_##type(int64_t rows, int64_t n, const void *pfactor, void *px) {                                 \
    for (int64_t i = 0; i < rows; i++) {                                                                               \
      type *x = (type *)px + i * n, factor = ((const type *)pfactor)[i];                                               \
      for (int64_t j = 0; j < n; j++) {                                                                                \
        x[j] *= factor;                                                                                                \
      }                                                                                                                \
    }                                                                                                                  \
  }                                                                                                                    \
  static void close_##type(int64_t rows, void *pmax, const void *psum, void *pfactor, void *plse) {                    \
    for (int64_t i = 0; i < rows; i++) {                                                                               \
      type sum = ((const type *)psum)[i];                                                                              \
      ((type *)pfactor)[i] = sum == 0 ? 0 : 1 / sum;                                                                   \
      ((type *)plse)[i] = sum == 0 ? (type)INFINITY : LOG(sum);                                                        \
      ((type *)pmax)[i] = sum == 0 ? 0 : ((type *)pmax)[i];                                                            \
    }                                                                                                                  \
  }
SCORES(f32, nl_expf, nl_logf)
SCORES(f64, exp, log)

#define FLOATS(id)                                                                                                     \
  { [NL_F32] = id##_f32, [NL_F64] = id##_f64 }

extern const nl_scores_kernels NL_ISA(nl_scores_kernels);
const nl_scores_kernels NL_ISA(nl_scores_kernels) = {
    .place = FLOATS(place),
    .join = FLOATS(join),
    .again = FLOATS(again),
    .drop = FLOATS(drop),
    .differ = FLOATS(differ),
    .stretch = FLOATS(stretch),
    .close = FLOATS(close),
};
