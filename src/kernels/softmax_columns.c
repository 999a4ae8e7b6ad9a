/* Softmax and cross-entropy along a dim that is not the last, as of images that have classes for channels: n lines of
   `inner` elements, a sum for each column. Columns go beside each other in blocks of WIDE; the last few pass through
   rooms of LANES. A column's sum runs from its first line to its last. */
#include <math.h>

#include "kernels/kernels.h"
#include "kernels/vmath.h"

typedef float f32;
typedef double f64;

enum { WIDE = 64, LANES = 16 };

#define INLINE static inline __attribute__((always_inline))
#define EACH for (int k = 0; k < w; k++)

/* w columns of a line, of which `count` are there. */
#define LINES_OF(type)                                                                                                 \
  INLINE void load_##type(int w, int count, const type *x, type *to) {                                                 \
    if (count == w) {                                                                                                  \
      EACH to[k] = x[k];                                                                                               \
    } else {                                                                                                           \
      EACH to[k] = k < count ? x[k] : 0;                                                                               \
    }                                                                                                                  \
  }                                                                                                                    \
  INLINE void store_##type(int w, int count, const type *x, type *to) {                                                \
    if (count == w) {                                                                                                  \
      EACH to[k] = x[k];                                                                                               \
    } else {                                                                                                           \
      for (int k = 0; k < count; k++) {                                                                                \
        to[k] = x[k];                                                                                                  \
      }                                                                                                                \
    }                                                                                                                  \
  }
LINES_OF(f32)
LINES_OF(f64)

/* The largest of each column, or 0 where that is -inf, and the sums of exp(x - largest); exps, if not NULL,
   receives these. */
#define SUMS(type, EXPF)                                                                                               \
  INLINE void sums_##type(int w, int count, int64_t n, int64_t inner, const type *x, type *exps, type *largest,        \
                          type *sum) {                                                                                 \
    type line[WIDE];                                                                                                   \
    load_##type(w, count, x, largest);                                                                                 \
    for (int64_t i = 1; i < n; i++) {                                                                                  \
      load_##type(w, count, x + i * inner, line);                                                                      \
      EACH largest[k] = line[k] > largest[k] ? line[k] : largest[k];                                                   \
    }                                                                                                                  \
    EACH {                                                                                                             \
      largest[k] = largest[k] == -(type)INFINITY ? 0 : largest[k];                                                     \
      sum[k] = 0;                                                                                                      \
    }                                                                                                                  \
    for (int64_t i = 0; i < n; i++) {                                                                                  \
      load_##type(w, count, x + i * inner, line);                                                                      \
      EACH line[k] = EXPF(line[k] - largest[k]);                                                                       \
      EACH sum[k] += line[k];                                                                                          \
      if (exps) {                                                                                                      \
        store_##type(w, count, line, exps + i * inner);                                                                \
      }                                                                                                                \
    }                                                                                                                  \
  }
SUMS(f32, nl_expf)
SUMS(f64, exp)

#define BLOCKS(type, EXPF, LOGF)                                                                                       \
  INLINE void softmax_block_##type(int w, int count, int64_t n, int64_t inner, const type *x, type *o) {               \
    type largest[WIDE], sum[WIDE], line[WIDE];                                                                         \
    sums_##type(w, count, n, inner, x, o, largest, sum);                                                               \
    EACH sum[k] = 1 / sum[k];                                                                                          \
    for (int64_t i = 0; i < n; i++) {                                                                                  \
      load_##type(w, count, o + i * inner, line);                                                                      \
      EACH line[k] *= sum[k];                                                                                          \
      store_##type(w, count, line, o + i * inner);                                                                     \
    }                                                                                                                  \
  }                                                                                                                    \
  INLINE void log_softmax_block_##type(int w, int count, int64_t n, int64_t inner, const type *x, type *o) {           \
    type largest[WIDE], sum[WIDE], line[WIDE];                                                                         \
    sums_##type(w, count, n, inner, x, NULL, largest, sum);                                                            \
    EACH sum[k] = LOGF(sum[k]);                                                                                        \
    for (int64_t i = 0; i < n; i++) {                                                                                  \
      load_##type(w, count, x + i * inner, line);                                                                      \
      EACH line[k] = line[k] - largest[k] - sum[k];                                                                    \
      store_##type(w, count, line, o + i * inner);                                                                     \
    }                                                                                                                  \
  }                                                                                                                    \
  INLINE void softmax_backward_block_##type(int w, int count, int64_t n, int64_t inner, const type *g, const type *y,  \
                                            type *o) {                                                                 \
    type dot[WIDE] = {0}, a[WIDE], b[WIDE];                                                                            \
    for (int64_t i = 0; i < n; i++) {                                                                                  \
      load_##type(w, count, g + i * inner, a);                                                                         \
      load_##type(w, count, y + i * inner, b);                                                                         \
      EACH dot[k] += a[k] * b[k];                                                                                      \
    }                                                                                                                  \
    for (int64_t i = 0; i < n; i++) {                                                                                  \
      load_##type(w, count, g + i * inner, a);                                                                         \
      load_##type(w, count, y + i * inner, b);                                                                         \
      EACH a[k] = (a[k] - dot[k]) * b[k];                                                                              \
      store_##type(w, count, a, o + i * inner);                                                                        \
    }                                                                                                                  \
  }                                                                                                                    \
  INLINE void log_softmax_backward_block_##type(int w, int count, int64_t n, int64_t inner, const type *g,             \
                                                const type *y, type *o) {                                              \
    type sum[WIDE] = {0}, a[WIDE], b[WIDE];                                                                            \
    for (int64_t i = 0; i < n; i++) {                                                                                  \
      load_##type(w, count, g + i * inner, a);                                                                         \
      EACH sum[k] += a[k];                                                                                             \
    }                                                                                                                  \
    for (int64_t i = 0; i < n; i++) {                                                                                  \
      load_##type(w, count, g + i * inner, a);                                                                         \
      load_##type(w, count, y + i * inner, b);                                                                         \
      EACH a[k] -= EXPF(b[k]) * sum[k];                                                                                \
      store_##type(w, count, a, o + i * inner);                                                                        \
    }                                                                                                                  \
  }                                                                                                                    \
  INLINE void cross_entropy_block_##type(int w, int count, int64_t n, int64_t inner, const type *x,                    \
                                         const int64_t *target, int64_t ignore, type *loss) {                          \
    type largest[WIDE], sum[WIDE];                                                                                     \
    sums_##type(w, count, n, inner, x, NULL, largest, sum);                                                            \
    EACH sum[k] = LOGF(sum[k]);                                                                                        \
    for (int k = 0; k < count; k++) {                                                                                  \
      loss[k] = target[k] == ignore ? 0 : largest[k] + sum[k] - x[(target[k] - 1) * inner + k];                        \
    }                                                                                                                  \
  }                                                                                                                    \
  INLINE void cross_entropy_backward_block_##type(int w, int count, int64_t n, int64_t inner, const type *x,           \
                                                  const int64_t *target, int64_t ignore, const type *pg, int gstep,    \
                                                  double dscale, type *o) {                                            \
    type largest[WIDE], sum[WIDE], line[WIDE], g[WIDE] = {0};                                                          \
    for (int k = 0; k < count; k++) {                                                                                  \
      g[k] = target[k] == ignore ? 0 : pg[gstep ? k : 0] * (type)dscale;                                               \
    }                                                                                                                  \
    sums_##type(w, count, n, inner, x, o, largest, sum);                                                               \
    EACH sum[k] = g[k] / sum[k];                                                                                       \
    for (int64_t i = 0; i < n; i++) {                                                                                  \
      load_##type(w, count, o + i * inner, line);                                                                      \
      EACH line[k] *= sum[k];                                                                                          \
      store_##type(w, count, line, o + i * inner);                                                                     \
    }                                                                                                                  \
    for (int k = 0; k < count; k++) {                                                                                  \
      if (target[k] == ignore) { /* nothing flows, whatever the logits are */                                          \
        for (int64_t i = 0; i < n; i++) {                                                                              \
          o[i * inner + k] = 0;                                                                                        \
        }                                                                                                              \
      } else {                                                                                                         \
        o[(target[k] - 1) * inner + k] -= g[k];                                                                        \
      }                                                                                                                \
    }                                                                                                                  \
  }
BLOCKS(f32, nl_expf, nl_logf)
BLOCKS(f64, exp, log)

/* Columns [begin, end): whole blocks, whole lanes, and what is left. */
#define ALL_COLUMNS(block, ...)                                                                                        \
  {                                                                                                                    \
    int64_t at = begin;                                                                                                \
    for (; at + WIDE <= end; at += WIDE) {                                                                             \
      block(WIDE, WIDE, __VA_ARGS__);                                                                                  \
    }                                                                                                                  \
    for (; at + LANES <= end; at += LANES) {                                                                           \
      block(LANES, LANES, __VA_ARGS__);                                                                                \
    }                                                                                                                  \
    if (at < end) {                                                                                                    \
      block(LANES, (int)(end - at), __VA_ARGS__);                                                                      \
    }                                                                                                                  \
  }

#define COLUMNS(type)                                                                                                  \
  static void softmax_##type(int64_t n, int64_t inner, int64_t begin, int64_t end, const void *px, void *po) {         \
    const type *x = px;                                                                                                \
    type *o = po;                                                                                                      \
    ALL_COLUMNS(softmax_block_##type, n, inner, x + at, o + at)                                                        \
  }                                                                                                                    \
  static void log_softmax_##type(int64_t n, int64_t inner, int64_t begin, int64_t end, const void *px, void *po) {     \
    const type *x = px;                                                                                                \
    type *o = po;                                                                                                      \
    ALL_COLUMNS(log_softmax_block_##type, n, inner, x + at, o + at)                                                    \
  }                                                                                                                    \
  static void softmax_backward_##type(int64_t n, int64_t inner, int64_t begin, int64_t end, const void *pg,            \
                                      const void *py, void *po) {                                                      \
    const type *g = pg, *y = py;                                                                                       \
    type *o = po;                                                                                                      \
    ALL_COLUMNS(softmax_backward_block_##type, n, inner, g + at, y + at, o + at)                                       \
  }                                                                                                                    \
  static void log_softmax_backward_##type(int64_t n, int64_t inner, int64_t begin, int64_t end, const void *pg,        \
                                          const void *py, void *po) {                                                  \
    const type *g = pg, *y = py;                                                                                       \
    type *o = po;                                                                                                      \
    ALL_COLUMNS(log_softmax_backward_block_##type, n, inner, g + at, y + at, o + at)                                   \
  }                                                                                                                    \
  static void cross_entropy_##type(int64_t n, int64_t inner, int64_t begin, int64_t end, const void *px,               \
                                   const int64_t *target, int64_t ignore, void *ploss) {                               \
    const type *x = px;                                                                                                \
    type *loss = ploss;                                                                                                \
    ALL_COLUMNS(cross_entropy_block_##type, n, inner, x + at, target + at, ignore, loss + at)                          \
  }                                                                                                                    \
  static void cross_entropy_backward_##type(int64_t n, int64_t inner, int64_t begin, int64_t end, const void *px,      \
                                            const int64_t *target, int64_t ignore, const void *pg, int gstep,          \
                                            double scale, void *po) {                                                  \
    const type *x = px, *g = pg;                                                                                       \
    type *o = po;                                                                                                      \
    ALL_COLUMNS(cross_entropy_backward_block_##type, n, inner, x + at, target + at, ignore, g + (gstep ? at : 0),      \
                gstep, scale, o + at)                                                                                  \
  }
COLUMNS(f32)
COLUMNS(f64)

#define FLOATS(id)                                                                                                     \
  { [NL_F32] = id##_f32, [NL_F64] = id##_f64 }

extern const nl_softmax_columns_kernels NL_ISA(nl_softmax_columns_kernels);
const nl_softmax_columns_kernels NL_ISA(nl_softmax_columns_kernels) = {
    .softmax = FLOATS(softmax),
    .log_softmax = FLOATS(log_softmax),
    .softmax_backward = FLOATS(softmax_backward),
    .log_softmax_backward = FLOATS(log_softmax_backward),
    .cross_entropy = FLOATS(cross_entropy),
    .cross_entropy_backward = FLOATS(cross_entropy_backward),
};
