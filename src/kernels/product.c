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
    if (n == 1) { /* four rows at a time, since each waits for its own sum */                                          \
      int64_t i = 0;                                                                                                   \
      for (; i + 4 <= m; i += 4) {                                                                                     \
        type sum[4];                                                                                                   \
        for (int e = 0; e < 4; e++) {                                                                                  \
          sum[e] = g->accumulate ? c[(i + e) * g->c_row] : 0;                                                          \
        }                                                                                                              \
        for (int64_t q = 0; q < k; q++) {                                                                              \
          for (int e = 0; e < 4; e++) {                                                                                \
            sum[e] += a[(i + e) * g->a_row + q * g->a_col] * b[q * g->b_row];                                          \
          }                                                                                                            \
        }                                                                                                              \
        for (int e = 0; e < 4; e++) {                                                                                  \
          c[(i + e) * g->c_row] = sum[e];                                                                              \
        }                                                                                                              \
      }                                                                                                                \
      for (; i < m; i++) {                                                                                             \
        type sum = g->accumulate ? c[i * g->c_row] : 0;                                                                \
        for (int64_t q = 0; q < k; q++) {                                                                              \
          sum += a[i * g->a_row + q * g->a_col] * b[q * g->b_row];                                                     \
        }                                                                                                              \
        c[i * g->c_row] = sum;                                                                                         \
      }                                                                                                                \
      return;                                                                                                          \
    }                                                                                                                  \
    if (n < 8 && m % 8 == 0 && g->a_row == 1) { /* A's columns are contiguous: eight rows side by side */              \
      for (int64_t i = 0; i < m; i += 8) {                                                                             \
        for (int64_t j = 0; j < n; j++) {                                                                              \
          type sum[8];                                                                                                 \
          for (int e = 0; e < 8; e++) {                                                                                \
            sum[e] = g->accumulate ? c[(i + e) * g->c_row + j] : 0;                                                    \
          }                                                                                                            \
          for (int64_t q = 0; q < k; q++) {                                                                            \
            for (int e = 0; e < 8; e++) {                                                                              \
              sum[e] += a[i + e + q * g->a_col] * b[q * g->b_row + j * g->b_col];                                      \
            }                                                                                                          \
          }                                                                                                            \
          for (int e = 0; e < 8; e++) {                                                                                \
            c[(i + e) * g->c_row + j] = sum[e];                                                                        \
          }                                                                                                            \
        }                                                                                                              \
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

/* Thirty-two sums side by side, joined pairwise: a fixed order, whatever the vectors' width is. */
#define DOTS(type)                                                                                                     \
  typedef type vec_##type __attribute__((vector_size(8 * sizeof(type)), aligned(sizeof(type)), may_alias));            \
  static void dots_##type(int64_t m, int64_t k, const void *rows, int64_t ld, const void *px, void *pc, int64_t step,  \
                          bool accumulate) {                                                                           \
    const type *x = px;                                                                                                \
    type *c = pc;                                                                                                      \
    for (int64_t i = 0; i < m; i++) {                                                                                  \
      const type *a = (const type *)rows + i * ld;                                                                     \
      vec_##type s0 = {0}, s1 = {0}, s2 = {0}, s3 = {0};                                                               \
      int64_t q = 0;                                                                                                   \
      for (; q + 32 <= k; q += 32) {                                                                                   \
        s0 += *(const vec_##type *)(a + q) * *(const vec_##type *)(x + q);                                             \
        s1 += *(const vec_##type *)(a + q + 8) * *(const vec_##type *)(x + q + 8);                                     \
        s2 += *(const vec_##type *)(a + q + 16) * *(const vec_##type *)(x + q + 16);                                   \
        s3 += *(const vec_##type *)(a + q + 24) * *(const vec_##type *)(x + q + 24);                                   \
      }                                                                                                                \
      s0 = (s0 + s2) + (s1 + s3);                                                                                      \
      type rest = 0;                                                                                                   \
      for (; q < k; q++) {                                                                                             \
        rest += a[q] * x[q];                                                                                           \
      }                                                                                                                \
      type sum = ((s0[0] + s0[4]) + (s0[2] + s0[6])) + ((s0[1] + s0[5]) + (s0[3] + s0[7]));                            \
      c[i * step] = (accumulate ? c[i * step] : 0) + (sum + rest);                                                     \
    }                                                                                                                  \
  }
DOTS(float)
DOTS(double)

static void subtract_rows(int64_t m, int64_t k, const double *rows, int64_t ld, const double *c, double *restrict x) {
  int64_t i = 0;
  for (; i + 4 <= m; i += 4) {
    const double *a = rows + i * ld, *b = a + ld, *d = b + ld, *e = d + ld;
    const double ca = c[i], cb = c[i + 1], cd = c[i + 2], ce = c[i + 3];
    for (int64_t q = 0; q < k; q++) {
      x[q] -= (ca * a[q] + cb * b[q]) + (cd * d[q] + ce * e[q]);
    }
  }
  for (; i < m; i++) {
    const double *a = rows + i * ld;
    for (int64_t q = 0; q < k; q++) {
      x[q] -= c[i] * a[q];
    }
  }
}

static void rotate_rows(int64_t n, double *restrict x, double *restrict y, double c, double s) {
  for (int64_t q = 0; q < n; q++) {
    const double a = x[q], b = y[q];
    x[q] = c * a + s * b;
    y[q] = c * b - s * a;
  }
}

/* Twelve independent sums of sixteen elements: enough to hide the latency of multiplying and adding. */
static double spin(int64_t n, float *sink) {
  float sum[12][16];
  for (int j = 0; j < 12; j++) {
    for (int e = 0; e < 16; e++) {
      sum[j][e] = (float)(j + e);
    }
  }
  typedef float wide __attribute__((vector_size(8 * sizeof(float)), aligned(4), may_alias));
  wide s0 = *(wide *)sum[0], s1 = *(wide *)sum[1], s2 = *(wide *)sum[2], s3 = *(wide *)sum[3], s4 = *(wide *)sum[4],
       s5 = *(wide *)sum[5], s6 = *(wide *)sum[6], s7 = *(wide *)sum[7], s8 = *(wide *)sum[8], s9 = *(wide *)sum[9];
  wide a = s0 * 0 + 0.999f, b = s0 * 0 + 0.001f;
  for (int64_t i = 0; i < n; i++) {
    s0 = s0 * a + b;
    s1 = s1 * a + b;
    s2 = s2 * a + b;
    s3 = s3 * a + b;
    s4 = s4 * a + b;
    s5 = s5 * a + b;
    s6 = s6 * a + b;
    s7 = s7 * a + b;
    s8 = s8 * a + b;
    s9 = s9 * a + b;
  }
  wide all = s0 + s1 + s2 + s3 + s4 + s5 + s6 + s7 + s8 + s9;
  *sink = all[0] + all[7];
  return 160.0 * (double)n;
}

extern const nl_product_kernels NL_ISA(nl_product_kernels);
const nl_product_kernels NL_ISA(nl_product_kernels) = {
    .small = {[NL_F32] = small_float, [NL_F64] = small_double},
    .dots = {[NL_F32] = dots_float, [NL_F64] = dots_double},
    .subtract = subtract_rows,
    .rotate = rotate_rows,
    .spin = spin,
};
