/* Random draws for whole tensors: sixteen Philox blocks side by side. Compiled without contraction of a*b+c, and only
   from operations that IEEE 754 rounds exactly, so that every instruction set gives the same bits.
   Normal variates: Box & Muller (1958), with the angle's quadrant taken from two bits, so that sine and cosine are
   only needed on [-pi/4, pi/4); polynomials are Cephes' (float) and fdlibm's (double). */
#include <math.h>
#include <string.h>

#include "kernels/kernels.h"
#include "kernels/vmath.h"

#if defined(__AVX2__)
#include <immintrin.h>
#endif

enum { WIDE = 16 };

typedef struct words {
  uint32_t w[4][WIDE];
} words;

#if defined(__AVX2__)
/* The low and high halves of eight 32 x 32-bit products; the compiler does not find this form by itself. */
static inline void multiply8(__m256i x, __m256i by, __m256i *low, __m256i *high) {
  __m256i even = _mm256_mul_epu32(x, by), odd = _mm256_mul_epu32(_mm256_srli_epi64(x, 32), by);
  *low = _mm256_blend_epi32(even, _mm256_slli_epi64(odd, 32), 0xaa);
  *high = _mm256_blend_epi32(_mm256_srli_epi64(even, 32), odd, 0xaa);
}
#endif

static inline void philox_rounds(uint32_t w[4][WIDE], uint32_t k0, uint32_t k1) {
#if defined(__AVX2__)
  const __m256i m0 = _mm256_set1_epi32((int)0xD2511F53u), m1 = _mm256_set1_epi32((int)0xCD9E8D57u);
  for (int j = 0; j < WIDE; j += 8) {
    __m256i c[4];
    for (int l = 0; l < 4; l++) {
      c[l] = _mm256_loadu_si256((const __m256i *)&w[l][j]);
    }
    __m256i q0 = _mm256_set1_epi32((int)k0), q1 = _mm256_set1_epi32((int)k1);
    for (int round = 0; round < 10; round++) {
      __m256i low0, high0, low1, high1;
      multiply8(c[0], m0, &low0, &high0);
      multiply8(c[2], m1, &low1, &high1);
      c[0] = _mm256_xor_si256(_mm256_xor_si256(high1, c[1]), q0);
      c[2] = _mm256_xor_si256(_mm256_xor_si256(high0, c[3]), q1);
      c[1] = low1;
      c[3] = low0;
      q0 = _mm256_add_epi32(q0, _mm256_set1_epi32((int)0x9E3779B9u));
      q1 = _mm256_add_epi32(q1, _mm256_set1_epi32((int)0xBB67AE85u));
    }
    for (int l = 0; l < 4; l++) {
      _mm256_storeu_si256((__m256i *)&w[l][j], c[l]);
    }
  }
#else
  for (int round = 0; round < 10; round++) {
    for (int j = 0; j < WIDE; j++) {
      uint64_t p0 = (uint64_t)0xD2511F53u * w[0][j];
      uint64_t p1 = (uint64_t)0xCD9E8D57u * w[2][j];
      w[0][j] = (uint32_t)(p1 >> 32) ^ w[1][j] ^ k0;
      w[2][j] = (uint32_t)(p0 >> 32) ^ w[3][j] ^ k1;
      w[1][j] = (uint32_t)p1;
      w[3][j] = (uint32_t)p0;
    }
    k0 += 0x9E3779B9u;
    k1 += 0xBB67AE85u;
  }
#endif
}

/* Blocks block .. block + 15 of the seed's stream. */
static inline void philox_wide(uint64_t seed, uint64_t block, words *out) {
  for (int j = 0; j < WIDE; j++) {
    uint64_t at = block + (uint64_t)j;
    out->w[0][j] = (uint32_t)at;
    out->w[1][j] = (uint32_t)(at >> 32);
    out->w[2][j] = 0;
    out->w[3][j] = 0;
  }
  philox_rounds(out->w, (uint32_t)seed, (uint32_t)(seed >> 32));
}

/* [0, 1) with 24 and 53 bits */
static inline float unit_f32(uint32_t w) {
  return (float)(int32_t)(w >> 8) * 0x1p-24f;
}
static inline double unit_f64(uint64_t w) {
  return (double)(int64_t)(w >> 11) * 0x1p-53;
}
static inline uint64_t wide_word(const words *w, int half, int j) {
  return (uint64_t)w->w[2 * half + 1][j] << 32 | w->w[2 * half][j];
}

/* ---- float32: four elements a block, 64 a round ---- */

/* Element 4 b + l is lane l of block b. */
#define DRAW_F32(name, type, param, fill)                                                                              \
  static void name(uint64_t seed, uint64_t first, int64_t begin, int64_t end, param, type *out) {                      \
    for (int64_t i = begin; i < end; i += 4 * WIDE) {                                                                  \
      words w;                                                                                                         \
      philox_wide(seed, first + (uint64_t)i / 4, &w);                                                                  \
      type buffer[4][WIDE], rest[4 * WIDE];                                                                            \
      fill;                                                                                                            \
      type *to = end - i >= 4 * WIDE ? out + i : rest;                                                                 \
      for (int j = 0; j < WIDE; j++) {                                                                                 \
        for (int l = 0; l < 4; l++) {                                                                                  \
          to[4 * j + l] = buffer[l][j];                                                                                \
        }                                                                                                              \
      }                                                                                                                \
      for (int64_t k = 0; to == rest && k < end - i; k++) {                                                            \
        out[i + k] = rest[k];                                                                                          \
      }                                                                                                                \
    }                                                                                                                  \
  }

static inline void fill_uniform(const words *w, float lo, float span, float buffer[4][WIDE]) {
  for (int l = 0; l < 4; l++) {
    for (int j = 0; j < WIDE; j++) {
      buffer[l][j] = unit_f32(w->w[l][j]) * span + lo;
    }
  }
}
#define LO_HI double lo, double hi
DRAW_F32(uniform_f32, float, LO_HI, fill_uniform(&w, (float)lo, (float)(hi - lo), buffer))

static inline void fill_normal(const words *w, float mean, float std, float buffer[4][WIDE]) {
  for (int l = 0; l < 4; l += 2) {
    for (int j = 0; j < WIDE; j++) {
      float u = (float)(int32_t)(w->w[l][j] >> 1) * 0x1p-31f + 0x1p-32f; /* (0, 1] */
      float r = sqrtf(-2.0f * nl_logf(u)) * std;
      uint32_t angle = w->w[l + 1][j];
      int32_t quadrant = (int32_t)(angle >> 30);
      float t = (float)((int32_t)(angle & 0x3fffffffu) - 0x20000000) * 1.4629180792671596e-9f; /* pi/2 / 2^30 */
      float z = t * t;
      float s = ((-1.9515295891e-4f * z + 8.3321608736e-3f) * z - 1.6666654611e-1f) * z * t + t;
      float c =
          ((2.443315711809948e-5f * z - 1.388731625493765e-3f) * z + 4.166664568298827e-2f) * z * z - 0.5f * z + 1.0f;
      float a = (quadrant & 1) ? s : c, b = (quadrant & 1) ? c : s;
      a = (quadrant == 1 || quadrant == 2) ? -a : a;
      b = (quadrant >= 2) ? -b : b;
      buffer[l][j] = r * a + mean;
      buffer[l + 1][j] = r * b + mean;
    }
  }
}
#define MEAN_STD double mean, double std
DRAW_F32(normal_f32, float, MEAN_STD, fill_normal(&w, (float)mean, (float)std, buffer))

/* ---- true with probability p: sixteen bits an element, 128 elements a round ---- */

/* Where the sixteen bits equal those of p, the rest of p's bits decide by a draw from a stream of its own: once in
   65536 elements, and it makes the probability p to 2^-40 and better. */
static bool decide_bernoulli(uint64_t seed, uint64_t element, double rest) {
  uint32_t w[4][WIDE] = {{(uint32_t)element}, {(uint32_t)(element >> 32)}, {1}, {0}};
  philox_rounds(w, (uint32_t)seed, (uint32_t)(seed >> 32));
  return (double)w[0][0] * 0x1p-32 < rest;
}

static void bernoulli(uint64_t seed, uint64_t first, int64_t begin, int64_t end, double p, uint8_t *out) {
  enum { GROUP = 8 * WIDE };
  double scaled = p * 65536;
  uint16_t bound = (uint16_t)(p < 1 ? scaled : 65535);
  for (int64_t i = begin; i < end; i += GROUP) {
    words w;
    philox_wide(seed, first + (uint64_t)i / 8, &w);
    uint16_t lane[GROUP];
    uint8_t group[GROUP], equal = 0;
    memcpy(lane, w.w, sizeof lane);
    for (int k = 0; k < GROUP; k++) {
      group[k] = lane[k] < bound;
      equal |= lane[k] == bound;
    }
    for (int k = 0; equal && k < GROUP; k++) {
      if (lane[k] == bound) {
        group[k] = decide_bernoulli(seed, 8 * first + (uint64_t)(i + k), scaled - bound);
      }
    }
    memcpy(out + i, group, (size_t)(end - i < GROUP ? end - i : GROUP));
  }
}

/* ---- 64-bit: two elements a block, 32 a round ---- */

#define DRAW_64(name, type, param, fill)                                                                               \
  static void name(uint64_t seed, uint64_t first, int64_t begin, int64_t end, param, type *out) {                      \
    for (int64_t i = begin; i < end; i += 2 * WIDE) {                                                                  \
      words w;                                                                                                         \
      philox_wide(seed, first + (uint64_t)i / 2, &w);                                                                  \
      type buffer[2][WIDE];                                                                                            \
      for (int j = 0; j < WIDE; j++) {                                                                                 \
        fill;                                                                                                          \
      }                                                                                                                \
      int64_t n = end - i < 2 * WIDE ? end - i : 2 * WIDE;                                                             \
      for (int64_t k = 0; k < n; k++) {                                                                                \
        out[i + k] = buffer[k % 2][k / 2];                                                                             \
      }                                                                                                                \
    }                                                                                                                  \
  }

DRAW_64(uniform_f64, double, LO_HI, buffer[0][j] = unit_f64(wide_word(&w, 0, j)) * (hi - lo) + lo;
        buffer[1][j] = unit_f64(wide_word(&w, 1, j)) * (hi - lo) + lo)

/* ln u for u in (0, 1], normal range; fdlibm's e_log.c */
static inline double log_plain(double u) {
  int64_t bits;
  memcpy(&bits, &u, sizeof bits);
  int64_t e = ((bits >> 52) & 0x7ff) - 1023;
  bits = (bits & 0x000fffffffffffffLL) | 0x3ff0000000000000LL;
  double m;
  memcpy(&m, &bits, sizeof m);
  int high = m > 1.4142135623730951;
  m = high ? m * 0.5 : m;
  double k = (double)(high ? e + 1 : e), f = m - 1.0, s = f / (2.0 + f), z = s * s, w = z * z;
  double t1 = w * (3.999999999940941908e-01 + w * (2.222219843214978396e-01 + w * 1.531383769920937332e-01));
  double t2 = z * (6.666666666666735130e-01 +
                   w * (2.857142874366239149e-01 + w * (1.818357216161805012e-01 + w * 1.479819860511658591e-01)));
  double half = 0.5 * f * f;
  return k * 6.93147180369123816490e-01 - ((half - (s * (half + t1 + t2) + k * 1.90821492927058770002e-10)) - f);
}

static inline void normal_pair(uint64_t w0, uint64_t w1, double mean, double std, double *a_out, double *b_out) {
  double r = sqrt(-2.0 * log_plain((double)(int64_t)(w0 >> 11) * 0x1p-53 + 0x1p-54)) * std;
  int quadrant = (int)(w1 >> 62);
  double t =
      (double)((int64_t)(w1 >> 10 & 0x000fffffffffffffULL) - 0x0008000000000000LL) * (1.57079632679489661923 * 0x1p-52);
  double z = t * t;
  double s = t + t * z *
                     (-1.66666666666666324348e-01 +
                      z * (8.33333333332248946124e-03 +
                           z * (-1.98412698298579493134e-04 +
                                z * (2.75573137070700676789e-06 +
                                     z * (-2.50507602534068634195e-08 + z * 1.58969099521155010221e-10)))));
  double c = 1.0 - 0.5 * z +
             z * z *
                 (4.16666666666666019037e-02 +
                  z * (-1.38888888888741095749e-03 +
                       z * (2.48015872894767294178e-05 +
                            z * (-2.75573143513906633035e-07 +
                                 z * (2.08757232129817482790e-09 + z * -1.13596475577881948265e-11)))));
  double a = (quadrant & 1) ? s : c, b = (quadrant & 1) ? c : s;
  a = (quadrant == 1 || quadrant == 2) ? -a : a;
  b = (quadrant >= 2) ? -b : b;
  *a_out = r * a + mean;
  *b_out = r * b + mean;
}
DRAW_64(normal_f64, double, MEAN_STD,
        normal_pair(wide_word(&w, 0, j), wide_word(&w, 1, j), mean, std, &buffer[0][j], &buffer[1][j]))

/* The high half of a 64x64 product maps a word onto [0, span): Lemire 2019, without the rejection, whose bias is
   below span / 2^64. */
static inline int64_t bounded(uint64_t w, int64_t lo, uint64_t span) {
  return (int64_t)((uint64_t)lo + (uint64_t)(((unsigned __int128)w * span) >> 64));
}
static void randint(uint64_t seed, uint64_t first, int64_t begin, int64_t end, int64_t lo, uint64_t span,
                    int64_t *out) {
  for (int64_t i = begin; i < end; i += 2 * WIDE) {
    words w;
    philox_wide(seed, first + (uint64_t)i / 2, &w);
    for (int64_t k = 0; k < 2 * WIDE && i + k < end; k++) {
      out[i + k] = bounded(wide_word(&w, (int)(k % 2), (int)(k / 2)), lo, span);
    }
  }
}

extern const nl_random_kernels NL_ISA(nl_random_kernels);
const nl_random_kernels NL_ISA(nl_random_kernels) = {
    .uniform_f32 = uniform_f32,
    .uniform_f64 = uniform_f64,
    .normal_f32 = normal_f32,
    .normal_f64 = normal_f64,
    .bernoulli = bernoulli,
    .randint = randint,
};
