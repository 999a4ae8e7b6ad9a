/* Batch norm: forward and backward beside each other. Compiled once for each instruction set. */
#include <string.h>

#include "kernels/kernels.h"
#include "kernels/vectors.h"

/* ---- over the rows of a matrix: x is rows x n, mean and inverse deviation have n elements ---- */

/* y = (x - mean) * scale + shift, where scale = weight * inverse deviation */
#define NORM_APPLY(type)                                                                                               \
  static void apply_##type(int64_t rows, int64_t n, const void *px, const void *pmean, const void *pscale,             \
                           const void *pshift, void *py) {                                                             \
    const type *mean = pmean, *scale = pscale, *shift = pshift;                                                        \
    for (int64_t r = 0; r < rows; r++) {                                                                               \
      const type *x = (const type *)px + r * n;                                                                        \
      type *y = (type *)py + r * n;                                                                                    \
      for (int64_t i = 0; i < n; i++) {                                                                                \
        y[i] = (x[i] - mean[i]) * scale[i] + shift[i];                                                                 \
      }                                                                                                                \
    }                                                                                                                  \
  }
NORM_APPLY(float)
NORM_APPLY(double)

/* sums over rows, in their order: sum_g += g, sum_gx += g * (x - mean) * inv */
#define NORM_SUMS(type)                                                                                                \
  static void sums_##type(int64_t rows, int64_t n, const void *pg, const void *px, const void *pmean,                  \
                          const void *pinv, void *psum_g, void *psum_gx) {                                             \
    const type *mean = pmean, *inv = pinv;                                                                             \
    type *sum_g = psum_g, *sum_gx = psum_gx;                                                                           \
    for (int64_t i = 0; i < n; i++) {                                                                                  \
      sum_g[i] = sum_gx[i] = 0;                                                                                        \
    }                                                                                                                  \
    for (int64_t r = 0; r < rows; r++) {                                                                               \
      const type *g = (const type *)pg + r * n, *x = (const type *)px + r * n;                                         \
      for (int64_t i = 0; i < n; i++) {                                                                                \
        sum_g[i] += g[i];                                                                                              \
        sum_gx[i] += g[i] * ((x[i] - mean[i]) * inv[i]);                                                               \
      }                                                                                                                \
    }                                                                                                                  \
  }
NORM_SUMS(float)
NORM_SUMS(double)

/* dx = scale * (g - sum_g / rows - xhat * sum_gx / rows), Ioffe & Szegedy 2015, section 3 */
#define NORM_BACKWARD(type)                                                                                            \
  static void backward_##type(int64_t rows, int64_t n, const void *pg, const void *px, const void *pmean,              \
                              const void *pinv, const void *pscale, const void *psum_g, const void *psum_gx,           \
                              void *pdx) {                                                                             \
    const type *mean = pmean, *inv = pinv, *scale = pscale, *sum_g = psum_g, *sum_gx = psum_gx;                        \
    const type share = (type)1 / (type)rows;                                                                           \
    for (int64_t r = 0; r < rows; r++) {                                                                               \
      const type *g = (const type *)pg + r * n, *x = (const type *)px + r * n;                                         \
      type *dx = (type *)pdx + r * n;                                                                                  \
      for (int64_t i = 0; i < n; i++) {                                                                                \
        type xhat = (x[i] - mean[i]) * inv[i];                                                                         \
        dx[i] = scale[i] * (g[i] - share * (sum_g[i] + xhat * sum_gx[i]));                                             \
      }                                                                                                                \
    }                                                                                                                  \
  }
NORM_BACKWARD(float)
NORM_BACKWARD(double)

/* ---- one channel of images: runs of n elements, `step` elements from one to the next ---- */

enum { TOGETHER = 256 }; /* vectors that are added before their sum joins that of all, which is a double */

/* Sums over a channel of terms of v (from p) and w (from q): sum_a of `one`, sum_b of `two`. Whole vectors go through
   lanes, what is left of a run through the doubles. */
#define EACH_OF_CHANNEL(type, p, q, one, two)                                                                          \
  typedef type vec __attribute__((vector_size(VECTOR)));                                                               \
  enum { N = VECTOR / sizeof(type) };                                                                                  \
  double sum_a = 0, sum_b = 0;                                                                                         \
  vec a = {0}, b = {0};                                                                                                \
  int64_t waiting = 0;                                                                                                 \
  for (int64_t r = 0; r < runs; r++) {                                                                                 \
    const type *from_p = (const type *)(p) + r * step, *from_q = (const type *)(q) + r * step;                         \
    int64_t i = 0;                                                                                                     \
    for (; i + N <= n; i += N) {                                                                                       \
      vec v, w;                                                                                                        \
      memcpy(&v, from_p + i, sizeof v);                                                                                \
      memcpy(&w, from_q + i, sizeof w);                                                                                \
      a += one;                                                                                                        \
      b += two;                                                                                                        \
      if (++waiting == TOGETHER) {                                                                                     \
        for (int l = 0; l < N; l++) {                                                                                  \
          sum_a += (double)a[l];                                                                                       \
          sum_b += (double)b[l];                                                                                       \
        }                                                                                                              \
        a = b = (vec){0};                                                                                              \
        waiting = 0;                                                                                                   \
      }                                                                                                                \
    }                                                                                                                  \
    for (; i < n; i++) {                                                                                               \
      type v = from_p[i], w = from_q[i];                                                                               \
      sum_a += (double)(one);                                                                                          \
      sum_b += (double)(two);                                                                                          \
      (void)w;                                                                                                         \
    }                                                                                                                  \
  }                                                                                                                    \
  for (int l = 0; l < N; l++) {                                                                                        \
    sum_a += (double)a[l];                                                                                             \
    sum_b += (double)b[l];                                                                                             \
  }

#define NORM_CHANNEL(type)                                                                                             \
  static void channel_moments_##type(int64_t runs, int64_t n, int64_t step, const void *x, double shift, double *sum,  \
                                     double *square) {                                                                 \
    const type mean = (type)shift;                                                                                     \
    EACH_OF_CHANNEL(type, x, x, (v - mean), (w - mean) * (w - mean))                                                   \
    *sum = sum_a;                                                                                                      \
    *square = sum_b;                                                                                                   \
  }                                                                                                                    \
  static void channel_apply_##type(int64_t runs, int64_t n, int64_t step, const void *px, double pmean, double pscale, \
                                   double pshift, void *py) {                                                          \
    const type mean = (type)pmean, scale = (type)pscale, shift = (type)pshift;                                         \
    for (int64_t r = 0; r < runs; r++) {                                                                               \
      const type *x = (const type *)px + r * step;                                                                     \
      type *y = (type *)py + r * step;                                                                                 \
      for (int64_t i = 0; i < n; i++) {                                                                                \
        y[i] = (x[i] - mean) * scale + shift;                                                                          \
      }                                                                                                                \
    }                                                                                                                  \
  }                                                                                                                    \
  static void channel_sums_##type(int64_t runs, int64_t n, int64_t step, const void *g, const void *x, double pmean,   \
                                  double pinv, double *sum_g, double *sum_gx) {                                        \
    const type mean = (type)pmean, inv = (type)pinv;                                                                   \
    EACH_OF_CHANNEL(type, g, x, v, v *((w - mean) * inv))                                                              \
    *sum_g = sum_a;                                                                                                    \
    *sum_gx = sum_b;                                                                                                   \
  }                                                                                                                    \
  static void channel_backward_##type(int64_t runs, int64_t n, int64_t step, const void *pg, const void *px,           \
                                      double pmean, double pinv, double pscale, double mean_g, double mean_gx,         \
                                      void *pdx) {                                                                     \
    const type mean = (type)pmean, inv = (type)pinv, scale = (type)pscale, a = (type)mean_g, b = (type)mean_gx;        \
    for (int64_t r = 0; r < runs; r++) {                                                                               \
      const type *g = (const type *)pg + r * step, *x = (const type *)px + r * step;                                   \
      type *dx = (type *)pdx + r * step;                                                                               \
      for (int64_t i = 0; i < n; i++) {                                                                                \
        dx[i] = scale * (g[i] - (a + (x[i] - mean) * inv * b));                                                        \
      }                                                                                                                \
    }                                                                                                                  \
  }
NORM_CHANNEL(float)
NORM_CHANNEL(double)

extern const nl_norm_kernels NL_ISA(nl_norm_kernels);
const nl_norm_kernels NL_ISA(nl_norm_kernels) = {
    .apply = {[NL_F32] = apply_float, [NL_F64] = apply_double},
    .sums = {[NL_F32] = sums_float, [NL_F64] = sums_double},
    .backward = {[NL_F32] = backward_float, [NL_F64] = backward_double},
    .channel_moments = {[NL_F32] = channel_moments_float, [NL_F64] = channel_moments_double},
    .channel_apply = {[NL_F32] = channel_apply_float, [NL_F64] = channel_apply_double},
    .channel_sums = {[NL_F32] = channel_sums_float, [NL_F64] = channel_sums_double},
    .channel_backward = {[NL_F32] = channel_backward_float, [NL_F64] = channel_backward_double},
};
