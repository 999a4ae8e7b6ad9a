/* Vectors of the instruction set that a kernel is compiled for, and tiles of sums that stay in registers. */
#ifndef NL_KERNELS_VECTORS_H
#define NL_KERNELS_VECTORS_H

#include <stdint.h>
#include <string.h>

#if defined(__AVX2__)
#include <immintrin.h>
#endif

#if defined(__AVX512F__)
enum { VECTOR = 64 };
#elif defined(__AVX2__)
enum { VECTOR = 32 };
#else
enum { VECTOR = 16 };
#endif

typedef float real_f32;
typedef double real_f64;
typedef float vec_f32 __attribute__((vector_size(VECTOR)));
typedef double vec_f64 __attribute__((vector_size(VECTOR)));
enum { N_f32 = VECTOR / sizeof(float), N_f64 = VECTOR / sizeof(double) };

static inline vec_f32 load_f32(const float *x) {
  vec_f32 v;
  memcpy(&v, x, sizeof v);
  return v;
}
static inline vec_f64 load_f64(const double *x) {
  vec_f64 v;
  memcpy(&v, x, sizeof v);
  return v;
}

/* The first n elements of a vector, at most all of them; load gives zeros for the others. */
#if defined(__AVX512F__)
static inline __mmask16 first_of(int64_t n) {
  return n >= 16 ? 0xffff : (n > 0 ? (__mmask16)((1u << n) - 1) : 0);
}
static inline vec_f32 load_some_f32(const float *x, int64_t n) {
  return (vec_f32)_mm512_maskz_loadu_ps(first_of(n), x);
}
static inline vec_f64 load_some_f64(const double *x, int64_t n) {
  return (vec_f64)_mm512_maskz_loadu_pd((__mmask8)first_of(n), x);
}
static inline void save_some_f32(float *y, vec_f32 v, int64_t n) {
  _mm512_mask_storeu_ps(y, first_of(n), (__m512)v);
}
static inline void save_some_f64(double *y, vec_f64 v, int64_t n) {
  _mm512_mask_storeu_pd(y, (__mmask8)first_of(n), (__m512d)v);
}
#elif defined(__AVX2__)
static inline __m256i first_of_f32(int64_t n) {
  static const int32_t ones[16] = {-1, -1, -1, -1, -1, -1, -1, -1};
  return _mm256_loadu_si256((const __m256i *)(const void *)(ones + 8 - (n > 8 ? 8 : n)));
}
static inline __m256i first_of_f64(int64_t n) {
  static const int64_t ones[8] = {-1, -1, -1, -1};
  return _mm256_loadu_si256((const __m256i *)(const void *)(ones + 4 - (n > 4 ? 4 : n)));
}
static inline vec_f32 load_some_f32(const float *x, int64_t n) {
  return (vec_f32)_mm256_maskload_ps(x, first_of_f32(n));
}
static inline vec_f64 load_some_f64(const double *x, int64_t n) {
  return (vec_f64)_mm256_maskload_pd(x, first_of_f64(n));
}
static inline void save_some_f32(float *y, vec_f32 v, int64_t n) {
  _mm256_maskstore_ps(y, first_of_f32(n), (__m256)v);
}
static inline void save_some_f64(double *y, vec_f64 v, int64_t n) {
  _mm256_maskstore_pd(y, first_of_f64(n), (__m256d)v);
}
#else
#define SOME(type, suffix)                                                                                             \
  static inline vec_##suffix load_some_##suffix(const type *x, int64_t n) {                                            \
    vec_##suffix v = {0};                                                                                              \
    for (int i = 0; i < N_##suffix && i < n; i++) {                                                                    \
      v[i] = x[i];                                                                                                     \
    }                                                                                                                  \
    return v;                                                                                                          \
  }                                                                                                                    \
  static inline void save_some_##suffix(type *y, vec_##suffix v, int64_t n) {                                          \
    for (int i = 0; i < N_##suffix && i < n; i++) {                                                                    \
      y[i] = v[i];                                                                                                     \
    }                                                                                                                  \
  }
SOME(float, f32)
SOME(double, f64)
#endif

/* Keeps the compiler from loading v again for each of its uses. */
#if defined(__x86_64__)
#define HOLD(v) __asm__("" : "+v"(v))
#else
#define HOLD(v) (void)0
#endif

/* ---- tiles ---- */

/* M for each of so many columns, and of rows times columns. S: the dtype. */
#define ALONG_1(M, S) M(S, 0)
#define ALONG_2(M, S) ALONG_1(M, S) M(S, 1)
#define ALONG_3(M, S) ALONG_2(M, S) M(S, 2)
#define ALONG_4(M, S) ALONG_3(M, S) M(S, 3)
#define ALONG_5(M, S) ALONG_4(M, S) M(S, 4)
#define ALONG_6(M, S) ALONG_5(M, S) M(S, 5)
#define ALONG_7(M, S) ALONG_6(M, S) M(S, 6)
#define ALONG_8(M, S) ALONG_7(M, S) M(S, 7)
#define ALONG_9(M, S) ALONG_8(M, S) M(S, 8)
#define ALONG_10(M, S) ALONG_9(M, S) M(S, 9)
#define ALONG_12(M, S) ALONG_10(M, S) M(S, 10) M(S, 11)
#define ACROSS_1(M, S, r) M(S, r, 0)
#define ACROSS_2(M, S, r) ACROSS_1(M, S, r) M(S, r, 1)
#define ACROSS_3(M, S, r) ACROSS_2(M, S, r) M(S, r, 2)
#define ACROSS_4(M, S, r) ACROSS_3(M, S, r) M(S, r, 3)
#define ACROSS_5(M, S, r) ACROSS_4(M, S, r) M(S, r, 4)
#define ACROSS_6(M, S, r) ACROSS_5(M, S, r) M(S, r, 5)
#define ACROSS_7(M, S, r) ACROSS_6(M, S, r) M(S, r, 6)
#define ACROSS_8(M, S, r) ACROSS_7(M, S, r) M(S, r, 7)
#define GRID_1(A, M, S) A(M, S, 0)
#define GRID_2(A, M, S) GRID_1(A, M, S) A(M, S, 1)
#define GRID_3(A, M, S) GRID_2(A, M, S) A(M, S, 2)
#define GRID_4(A, M, S) GRID_3(A, M, S) A(M, S, 3)
#define GRID_5(A, M, S) GRID_4(A, M, S) A(M, S, 4)
#define GRID_6(A, M, S) GRID_5(A, M, S) A(M, S, 5)
#define GRID_7(A, M, S) GRID_6(A, M, S) A(M, S, 6)
#define GRID_8(A, M, S) GRID_7(A, M, S) A(M, S, 7)
#define GRID_9(A, M, S) GRID_8(A, M, S) A(M, S, 8)
#define GRID_10(A, M, S) GRID_9(A, M, S) A(M, S, 9)
#define GRID_12(A, M, S) GRID_10(A, M, S) A(M, S, 10) A(M, S, 11)
#define GRID_14(A, M, S) GRID_12(A, M, S) A(M, S, 12) A(M, S, 13)
#endif
