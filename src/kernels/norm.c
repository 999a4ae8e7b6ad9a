/* Normalization over the rows of a matrix (batch norm): forward and backward beside each other. x is rows x n, mean and
   inverse deviation have n elements. Compiled once for each instruction set. */
#include "kernels/kernels.h"

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

extern const nl_norm_kernels NL_ISA(nl_norm_kernels);
const nl_norm_kernels NL_ISA(nl_norm_kernels) = {
    .apply = {[NL_F32] = apply_float, [NL_F64] = apply_double},
    .sums = {[NL_F32] = sums_float, [NL_F64] = sums_double},
    .backward = {[NL_F32] = backward_float, [NL_F64] = backward_double},
};
