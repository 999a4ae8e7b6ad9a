/* Softmax and the losses that stand on it: forward and backward beside each other. Rows of n contiguous elements. */
#include <math.h>
#include <string.h>

#include "kernels/kernels.h"
#include "kernels/vmath.h"

typedef float f32;
typedef double f64;

enum { LANES = 16 };   /* sums that go beside each other, joined in a fixed tree */
enum { AHEAD = 1024 }; /* elements: the first pass over long rows waits for memory, and asks for it early */

#define JOIN_LANES(lane, joined)                                                                                       \
  for (int w = LANES / 2; w; w /= 2) {                                                                                 \
    for (int k = 0; k < w; k++) {                                                                                      \
      lane[k] = joined(lane[k], lane[k + w]);                                                                          \
    }                                                                                                                  \
  }
#define LARGER(a, b) ((a) > (b) ? (a) : (b))
#define PLUS(a, b) ((a) + (b))

/* The largest element (where one is nan, that or another: the sum of exponentials tells); the sum of g y, or of g. */
#define ROWS_OF(type)                                                                                                  \
  static inline type largest_##type(int64_t n, const type *x) {                                                        \
    type lane[LANES];                                                                                                  \
    int64_t i = 0;                                                                                                     \
    for (int k = 0; k < LANES; k++) {                                                                                  \
      lane[k] = x[0];                                                                                                  \
    }                                                                                                                  \
    for (; i + LANES <= n; i += LANES) {                                                                               \
      __builtin_prefetch(x + i + AHEAD);                                                                               \
      for (int k = 0; k < LANES; k++) {                                                                                \
        lane[k] = LARGER(x[i + k], lane[k]);                                                                           \
      }                                                                                                                \
    }                                                                                                                  \
    for (int k = 0; i < n; i++, k++) {                                                                                 \
      lane[k] = LARGER(x[i], lane[k]);                                                                                 \
    }                                                                                                                  \
    JOIN_LANES(lane, LARGER)                                                                                           \
    return lane[0];                                                                                                    \
  }                                                                                                                    \
  static inline type dot_##type(int64_t n, const type *g, const type *y) {                                             \
    type lane[LANES] = {0};                                                                                            \
    int64_t i = 0;                                                                                                     \
    for (; i + LANES <= n; i += LANES) {                                                                               \
      __builtin_prefetch(g + i + AHEAD);                                                                               \
      for (int k = 0; k < LANES; k++) {                                                                                \
        lane[k] += g[i + k] * y[i + k];                                                                                \
      }                                                                                                                \
    }                                                                                                                  \
    for (int k = 0; i < n; i++, k++) {                                                                                 \
      lane[k] += g[i] * y[i];                                                                                          \
    }                                                                                                                  \
    JOIN_LANES(lane, PLUS)                                                                                             \
    return lane[0];                                                                                                    \
  }                                                                                                                    \
  static inline type sum_##type(int64_t n, const type *g) {                                                            \
    type lane[LANES] = {0};                                                                                            \
    int64_t i = 0;                                                                                                     \
    for (; i + LANES <= n; i += LANES) {                                                                               \
      __builtin_prefetch(g + i + AHEAD);                                                                               \
      for (int k = 0; k < LANES; k++) {                                                                                \
        lane[k] += g[i + k];                                                                                           \
      }                                                                                                                \
    }                                                                                                                  \
    for (int k = 0; i < n; i++, k++) {                                                                                 \
      lane[k] += g[i];                                                                                                 \
    }                                                                                                                  \
    JOIN_LANES(lane, PLUS)                                                                                             \
    return lane[0];                                                                                                    \
  }
ROWS_OF(f32)
ROWS_OF(f64)

/* The largest element and the sum of exp(x - largest); exps, if not NULL, receives exp(x - largest). */
#define ROW_SUM(type, EXPF)                                                                                            \
  static type row_sum_##type(int64_t n, const type *x, type *exps, type *largest) {                                    \
    type max = largest_##type(n, x);                                                                                   \
    type shift = max == -INFINITY ? 0 : max; /* inf less inf is nan, and so is the whole row */                        \
    *largest = shift;                                                                                                  \
    type lane[16] = {0}, buffer[16];                                                                                   \
    int64_t i = 0;                                                                                                     \
    for (; i + 16 <= n; i += 16) {                                                                                     \
      for (int k = 0; k < 16; k++) {                                                                                   \
        buffer[k] = EXPF(x[i + k] - shift);                                                                            \
        lane[k] += buffer[k];                                                                                          \
      }                                                                                                                \
      if (exps) {                                                                                                      \
        for (int k = 0; k < 16; k++) {                                                                                 \
          exps[i + k] = buffer[k];                                                                                     \
        }                                                                                                              \
      }                                                                                                                \
    }                                                                                                                  \
    if (i < n) { /* the rest, padded, so that the same vector code serves short rows */                                \
      for (int k = 0; k < 16; k++) {                                                                                   \
        buffer[k] = i + k < n ? x[i + k] - shift : -INFINITY;                                                          \
      }                                                                                                                \
      for (int k = 0; k < 16; k++) {                                                                                   \
        buffer[k] = EXPF(buffer[k]);                                                                                   \
        lane[k] += buffer[k];                                                                                          \
      }                                                                                                                \
      for (int k = 0; exps && i + k < n; k++) {                                                                        \
        exps[i + k] = buffer[k];                                                                                       \
      }                                                                                                                \
    }                                                                                                                  \
    JOIN_LANES(lane, PLUS)                                                                                             \
    return lane[0];                                                                                                    \
  }
ROW_SUM(f32, nl_expf)
ROW_SUM(f64, exp)

#define SOFTMAX(type, LOGF)                                                                                            \
  static void softmax_##type(int64_t rows, int64_t n, const void *px, void *pout) {                                    \
    for (int64_t r = 0; r < rows && n; r++) {                                                                          \
      const type *x = (const type *)px + r * n;                                                                        \
      type *o = (type *)pout + r * n;                                                                                  \
      type largest, scale = 1 / row_sum_##type(n, x, o, &largest);                                                     \
      for (int64_t i = 0; i < n; i++) {                                                                                \
        o[i] *= scale;                                                                                                 \
      }                                                                                                                \
    }                                                                                                                  \
  }                                                                                                                    \
  static void softmax_backward_##type(int64_t rows, int64_t n, const void *pg, const void *py, void *pout) {           \
    for (int64_t r = 0; r < rows; r++) {                                                                               \
      const type *g = (const type *)pg + r * n, *y = (const type *)py + r * n;                                         \
      type *o = (type *)pout + r * n;                                                                                  \
      type dot = dot_##type(n, g, y);                                                                                  \
      for (int64_t i = 0; i < n; i++) {                                                                                \
        o[i] = (g[i] - dot) * y[i];                                                                                    \
      }                                                                                                                \
    }                                                                                                                  \
  }                                                                                                                    \
  static void log_softmax_##type(int64_t rows, int64_t n, const void *px, void *pout) {                                \
    for (int64_t r = 0; r < rows && n; r++) {                                                                          \
      const type *x = (const type *)px + r * n;                                                                        \
      type *o = (type *)pout + r * n;                                                                                  \
      type largest, shift = LOGF(row_sum_##type(n, x, NULL, &largest));                                                \
      for (int64_t i = 0; i < n; i++) {                                                                                \
        o[i] = x[i] - largest - shift;                                                                                 \
      }                                                                                                                \
    }                                                                                                                  \
  }                                                                                                                    \
  static void cross_entropy_##type(int64_t rows, int64_t n, const void *px, const int64_t *target, int64_t ignore,     \
                                   void *ploss) {                                                                      \
    for (int64_t r = 0; r < rows; r++) {                                                                               \
      if (target[r] == ignore) {                                                                                       \
        ((type *)ploss)[r] = 0;                                                                                        \
        continue;                                                                                                      \
      }                                                                                                                \
      const type *x = (const type *)px + r * n;                                                                        \
      type largest, shift = LOGF(row_sum_##type(n, x, NULL, &largest));                                                \
      ((type *)ploss)[r] = largest + shift - x[target[r] - 1];                                                         \
    }                                                                                                                  \
  }                                                                                                                    \
  static void cross_entropy_backward_##type(int64_t rows, int64_t n, const void *px, const int64_t *target,            \
                                            int64_t ignore, const void *pg, int gstep, double dscale, void *pout) {    \
    for (int64_t r = 0; r < rows; r++) {                                                                               \
      const type *x = (const type *)px + r * n;                                                                        \
      type *o = (type *)pout + r * n;                                                                                  \
      if (target[r] == ignore) {                                                                                       \
        memset(o, 0, (size_t)n * sizeof *o);                                                                           \
        continue;                                                                                                      \
      }                                                                                                                \
      type g = ((const type *)pg)[gstep ? r : 0] * (type)dscale;                                                       \
      type largest, scale = g / row_sum_##type(n, x, o, &largest);                                                     \
      for (int64_t i = 0; i < n; i++) {                                                                                \
        o[i] *= scale;                                                                                                 \
      }                                                                                                                \
      o[target[r] - 1] -= g;                                                                                           \
    }                                                                                                                  \
  }
SOFTMAX(f32, nl_logf)
SOFTMAX(f64, log)

#define LOG_SOFTMAX_BACKWARD(type, EXPF)                                                                               \
  static void log_softmax_backward_##type(int64_t rows, int64_t n, const void *pg, const void *py, void *pout) {       \
    for (int64_t r = 0; r < rows; r++) {                                                                               \
      const type *g = (const type *)pg + r * n, *y = (const type *)py + r * n;                                         \
      type *o = (type *)pout + r * n;                                                                                  \
      type sum = sum_##type(n, g);                                                                                     \
      for (int64_t i = 0; i < n; i++) {                                                                                \
        o[i] = g[i] - EXPF(y[i]) * sum;                                                                                \
      }                                                                                                                \
    }                                                                                                                  \
  }
LOG_SOFTMAX_BACKWARD(f32, nl_expf)
LOG_SOFTMAX_BACKWARD(f64, exp)

/* Where functions come in vectors, a few last elements pass through the room of a whole one: one by one they would take
   as long as a dozen. */
enum { BCE_ROOM = 16 };

#define BCE(type, SOFTPLUS)                                                                                            \
  static void some_bce_##type(int64_t n, const type *x, const type *y, type *o) {                                      \
    NL_INDEPENDENT                                                                                                     \
    for (int64_t i = 0; i < n; i++) {                                                                                  \
      o[i] = SOFTPLUS(x[i]) - x[i] * y[i];                                                                             \
    }                                                                                                                  \
  }                                                                                                                    \
  static void bce_##type(int64_t n, const void *px, const void *py, void *pout) {                                      \
    const type *x = px, *y = py;                                                                                       \
    type *o = pout;                                                                                                    \
    int64_t whole = sizeof(type) == 4 ? n / BCE_ROOM * BCE_ROOM : n, left = n - whole;                                 \
    some_bce_##type(whole, x, y, o);                                                                                   \
    if (left) {                                                                                                        \
      type a[BCE_ROOM] = {0}, b[BCE_ROOM] = {0};                                                                       \
      for (int64_t i = 0; i < left; i++) {                                                                             \
        a[i] = x[whole + i];                                                                                           \
        b[i] = y[whole + i];                                                                                           \
      }                                                                                                                \
      some_bce_##type(BCE_ROOM, a, b, a);                                                                              \
      for (int64_t i = 0; i < left; i++) {                                                                             \
        o[whole + i] = a[i];                                                                                           \
      }                                                                                                                \
    }                                                                                                                  \
  }
BCE(f32, nl_softplusf)
BCE(f64, nl_softplus)

#define FLOATS(id)                                                                                                     \
  { [NL_F32] = id##_f32, [NL_F64] = id##_f64 }

extern const nl_softmax_kernels NL_ISA(nl_softmax_kernels);
const nl_softmax_kernels NL_ISA(nl_softmax_kernels) = {
    .softmax = FLOATS(softmax),
    .log_softmax = FLOATS(log_softmax),
    .softmax_backward = FLOATS(softmax_backward),
    .log_softmax_backward = FLOATS(log_softmax_backward),
    .cross_entropy = FLOATS(cross_entropy),
    .cross_entropy_backward = FLOATS(cross_entropy_backward),
    .bce_with_logits = FLOATS(bce),
};
