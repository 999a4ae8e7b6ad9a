/* Products that are too small to look a kernel up for, and matrices times vectors. */
#include "kernels/gemm.h"
#include "kernels/kernels.h"

enum { MOST = 256 };

/* C row by row: each term adds a multiple of a row of B, which is brought into rows first. */
#define SMALL(type)                                                                                                    \
  static void small_##type(const nl_gemm_args *g) {                                                                    \
    const type *a = g->a, *b = g->b;                                                                                   \
    type *c = g->c;                                                                                                    \
    const int64_t m = g->m, n = g->n, k = g->k;                                                                        \
    if (n == 1) {                                                                                                      \
      for (int64_t i = 0; i < m; i++) {                                                                                \
        type sum = g->accumulate ? c[i * g->c_row] : 0;                                                                \
        for (int64_t q = 0; q < k; q++) {                                                                              \
          sum += a[i * g->a_row + q * g->a_col] * b[q * g->b_row];                                                     \
        }                                                                                                              \
        c[i * g->c_row] = sum;                                                                                         \
      }                                                                                                                \
      return;                                                                                                          \
    }                                                                                                                  \
    type packed[MOST];                                                                                                 \
    int64_t ld = g->b_row;                                                                                             \
    if (g->b_col != 1) {                                                                                               \
      for (int64_t q = 0; q < k; q++) {                                                                                \
        for (int64_t j = 0; j < n; j++) {                                                                              \
          packed[q * n + j] = b[q * g->b_row + j * g->b_col];                                                          \
        }                                                                                                              \
      }                                                                                                                \
      b = packed;                                                                                                      \
      ld = n;                                                                                                          \
    }                                                                                                                  \
    for (int64_t i = 0; i < m; i++) {                                                                                  \
      type *row = c + i * g->c_row;                                                                                    \
      int64_t j = 0;                                                                                                   \
      for (; j + 8 <= n; j += 8) {                                                                                     \
        type sum[8];                                                                                                   \
        for (int e = 0; e < 8; e++) {                                                                                  \
          sum[e] = g->accumulate ? row[j + e] : 0;                                                                     \
        }                                                                                                              \
        for (int64_t q = 0; q < k; q++) {                                                                              \
          type x = a[i * g->a_row + q * g->a_col];                                                                     \
          for (int e = 0; e < 8; e++) {                                                                                \
            sum[e] += x * b[q * ld + j + e];                                                                           \
          }                                                                                                            \
        }                                                                                                              \
        for (int e = 0; e < 8; e++) {                                                                                  \
          row[j + e] = sum[e];                                                                                         \
        }                                                                                                              \
      }                                                                                                                \
      for (; j < n; j++) {                                                                                             \
        type sum = g->accumulate ? row[j] : 0;                                                                         \
        for (int64_t q = 0; q < k; q++) {                                                                              \
          sum += a[i * g->a_row + q * g->a_col] * b[q * ld + j];                                                       \
        }                                                                                                              \
        row[j] = sum;                                                                                                  \
      }                                                                                                                \
    }                                                                                                                  \
  }
SMALL(float)
SMALL(double)

/* Sixteen sums side by side, joined pairwise: a fixed order, whatever the vectors' width is. */
#define DOTS(type)                                                                                                     \
  static void dots_##type(int64_t m, int64_t k, const void *rows, int64_t ld, const void *px, void *pc, int64_t step,  \
                          bool accumulate) {                                                                           \
    const type *x = px;                                                                                                \
    type *c = pc;                                                                                                      \
    for (int64_t i = 0; i < m; i++) {                                                                                  \
      const type *a = (const type *)rows + i * ld;                                                                     \
      type sum[32] = {0};                                                                                              \
      int64_t q = 0;                                                                                                   \
      for (; q + 32 <= k; q += 32) {                                                                                   \
        for (int e = 0; e < 32; e++) {                                                                                 \
          sum[e] += a[q + e] * x[q + e];                                                                               \
        }                                                                                                              \
      }                                                                                                                \
      for (int half = 16; half >= 1; half /= 2) {                                                                      \
        for (int e = 0; e < half; e++) {                                                                               \
          sum[e] += sum[e + half];                                                                                     \
        }                                                                                                              \
      }                                                                                                                \
      type rest = 0;                                                                                                   \
      for (; q < k; q++) {                                                                                             \
        rest += a[q] * x[q];                                                                                           \
      }                                                                                                                \
      c[i * step] = (accumulate ? c[i * step] : 0) + (sum[0] + rest);                                                  \
    }                                                                                                                  \
  }
DOTS(float)
DOTS(double)

extern const nl_product_kernels NL_ISA(nl_product_kernels);
const nl_product_kernels NL_ISA(nl_product_kernels) = {
    .small = {[NL_F32] = small_float, [NL_F64] = small_double},
    .dots = {[NL_F32] = dots_float, [NL_F64] = dots_double},
};
