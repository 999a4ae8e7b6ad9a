/* Copies a transposed block, for packing. Compiled once for each instruction set. */
#include "kernels/kernels.h"

#if defined(__AVX2__)
#include <immintrin.h>
#endif

/* to[0..8)[0..8) = from[0..8)[0..8)^T */
static inline void square8(const float *from, int64_t ld, float *to, int64_t ldto) {
#if defined(__AVX2__)
  __m256 r[8], t[8];
  for (int i = 0; i < 8; i++) {
    r[i] = _mm256_loadu_ps(from + i * ld);
  }
  for (int i = 0; i < 4; i++) {
    t[2 * i] = _mm256_unpacklo_ps(r[2 * i], r[2 * i + 1]);
    t[2 * i + 1] = _mm256_unpackhi_ps(r[2 * i], r[2 * i + 1]);
  }
  for (int i = 0; i < 2; i++) {
    r[4 * i] = _mm256_shuffle_ps(t[4 * i], t[4 * i + 2], 0x44);
    r[4 * i + 1] = _mm256_shuffle_ps(t[4 * i], t[4 * i + 2], 0xee);
    r[4 * i + 2] = _mm256_shuffle_ps(t[4 * i + 1], t[4 * i + 3], 0x44);
    r[4 * i + 3] = _mm256_shuffle_ps(t[4 * i + 1], t[4 * i + 3], 0xee);
  }
  for (int i = 0; i < 4; i++) {
    _mm256_storeu_ps(to + i * ldto, _mm256_permute2f128_ps(r[i], r[i + 4], 0x20));
    _mm256_storeu_ps(to + (i + 4) * ldto, _mm256_permute2f128_ps(r[i], r[i + 4], 0x31));
  }
#else
  for (int c = 0; c < 8; c++) {
    for (int r = 0; r < 8; r++) {
      to[c * ldto + r] = from[r * ld + c];
    }
  }
#endif
}

static void transpose_f32(int64_t rows, int64_t cols, const void *pfrom, int64_t ld, void *pto, int64_t ldto) {
  const float *from = pfrom;
  float *to = pto;
  int64_t whole_rows = rows / 8 * 8, whole_cols = cols / 8 * 8;
  /* the inner loop runs over the shorter side, so that the lines it begins are still there when it comes back */
  if (rows > cols) {
    for (int64_t r = 0; r < whole_rows; r += 8) {
      for (int64_t c = 0; c < whole_cols; c += 8) {
        square8(from + r * ld + c, ld, to + c * ldto + r, ldto);
      }
    }
  } else {
    for (int64_t c = 0; c < whole_cols; c += 8) {
      for (int64_t r = 0; r < whole_rows; r += 8) {
        square8(from + r * ld + c, ld, to + c * ldto + r, ldto);
      }
    }
  }
  for (int64_t c = 0; c < cols; c++) {
    for (int64_t r = c < whole_cols ? whole_rows : 0; r < rows; r++) {
      to[c * ldto + r] = from[r * ld + c];
    }
  }
}

static void transpose_f64(int64_t rows, int64_t cols, const void *pfrom, int64_t ld, void *pto, int64_t ldto) {
  const double *from = pfrom;
  double *to = pto;
  for (int64_t c0 = 0; c0 < cols; c0 += 8) {
    int64_t c1 = c0 + 8 < cols ? c0 + 8 : cols;
    for (int64_t r = 0; r < rows; r++) {
      for (int64_t c = c0; c < c1; c++) {
        to[c * ldto + r] = from[r * ld + c];
      }
    }
  }
}

extern const nl_transpose_kernels NL_ISA(nl_transpose_kernels);
const nl_transpose_kernels NL_ISA(nl_transpose_kernels) = {
    .transpose = {[NL_F32] = transpose_f32, [NL_F64] = transpose_f64},
};
