/* Panels of convolutions: a row for each channel and element of the kernel, with the inputs that they meet at some
   output positions; and the way back, which adds. Compiled once for each instruction set. */
#include "kernels/conv.h"
#include "kernels/kernels.h"

#include "kernels/vectors.h"

/* Positions of a run in a row of the result, lo .. hi of them inside the image for the element kw of the kernel. */
static inline void edges(const nl_conv *g, int64_t w, int64_t count, int64_t *lo, int64_t *hi) {
  int64_t s = g->stride[2], room = g->in[2] - w;
  if (s == 1) {
    *lo = w >= 0 ? 0 : nl_smaller(-w, count);
    *hi = room <= 0 ? 0 : nl_smaller(room, count);
  } else {
    *lo = w >= 0 ? 0 : nl_smaller((-w + s - 1) / s, count);
    *hi = room <= 0 ? 0 : nl_smaller((room + s - 1) / s, count);
  }
  *hi = *hi < *lo ? *lo : *hi;
}

/* Each run q .. q+count of positions p .. end that lies in one row of the result, and each tap of the kernel: `body`
   sees also tap, and at, lo, hi: the first position's place in a channel, and which positions are inside the image. */
#define EACH_RUN(g, p, end, body)                                                                                      \
  for (int64_t q = (p), count; q < (end); q += count) {                                                                \
    int64_t ow = q % (g)->out[2], row = q / (g)->out[2], oh = row % (g)->out[1], od = row / (g)->out[1], tap = 0;      \
    count = nl_smaller((g)->out[2] - ow, (end)-q);                                                                     \
    int64_t d = od * (g)->stride[0] - (g)->padding[0], h0 = oh * (g)->stride[1] - (g)->padding[1];                     \
    int64_t w0 = ow * (g)->stride[2] - (g)->padding[2];                                                                \
    for (int64_t kd = 0; kd < (g)->kernel[0]; kd++, d += (g)->dilation[0]) {                                           \
      int64_t h = h0;                                                                                                  \
      for (int64_t kh = 0; kh < (g)->kernel[1]; kh++, h += (g)->dilation[1]) {                                         \
        bool there = d >= 0 && d < (g)->in[0] && h >= 0 && h < (g)->in[1];                                             \
        int64_t w = w0;                                                                                                \
        for (int64_t kw = 0; kw < (g)->kernel[2]; kw++, tap++, w += (g)->dilation[2]) {                                \
          int64_t lo = 0, hi = 0, at = 0;                                                                              \
          if (there) {                                                                                                 \
            at = (d * (g)->in[1] + h) * (g)->in[2] + w;                                                                \
            edges((g), w, count, &lo, &hi);                                                                            \
          }                                                                                                            \
          body;                                                                                                        \
        }                                                                                                              \
      }                                                                                                                \
    }                                                                                                                  \
  }

/* to[0 .. count) = from[0 .. n), then zeros; up to NL_PANEL_SLACK elements behind are written, too. */
static inline void fill_f32(float *to, const float *from, int64_t n, int64_t count) {
#if defined(__AVX512F__)
  for (int64_t j = 0; j < count; j += 16) {
    _mm512_storeu_ps(to + j, _mm512_maskz_loadu_ps(first_of(n - j), from + j));
  }
#elif defined(__AVX2__)
  static const int32_t ones[16] = {-1, -1, -1, -1, -1, -1, -1, -1};
  for (int64_t j = 0; j < count; j += 8) {
    int64_t here = n - j >= 8 ? 8 : (n > j ? n - j : 0);
    __m256i mask = _mm256_loadu_si256((const __m256i *)(const void *)(ones + 8 - here));
    _mm256_storeu_ps(to + j, _mm256_maskload_ps(from + j, mask));
  }
#else
  for (int64_t j = 0; j < count; j++) {
    to[j] = j < n ? from[j] : 0;
  }
#endif
}
static inline void fill_f64(double *to, const double *from, int64_t n, int64_t count) {
  for (int64_t j = 0; j < count; j++) {
    to[j] = j < n ? from[j] : 0;
  }
}

/* The same for every second element of from. */
static inline void fill_second_f32(float *to, const float *from, int64_t n, int64_t count) {
  int64_t j = 0;
#if defined(__AVX512F__)
  const __m512i evens = _mm512_setr_epi32(0, 2, 4, 6, 8, 10, 12, 14, 16, 18, 20, 22, 24, 26, 28, 30);
  for (; j < count; j += 16) {
    int64_t spread = 2 * (n - j) - 1; /* elements of from up to the last one */
    __m512 a = _mm512_maskz_loadu_ps(first_of(spread), from + 2 * j);
    __m512 b = _mm512_maskz_loadu_ps(first_of(spread - 16), from + 2 * j + 16);
    _mm512_storeu_ps(to + j, _mm512_permutex2var_ps(a, evens, b));
  }
#else
#if defined(__AVX2__)
  for (; j + 8 < n; j += 8) { /* the last one alone: there is nothing behind it */
    __m256 pairs = _mm256_shuffle_ps(_mm256_loadu_ps(from + 2 * j), _mm256_loadu_ps(from + 2 * j + 8), 0x88);
    _mm256_storeu_ps(to + j, (__m256)_mm256_permute4x64_epi64((__m256i)pairs, 0xd8));
  }
#endif
  for (; j < count; j++) {
    to[j] = j < n ? from[2 * j] : 0;
  }
#endif
}
static inline void fill_second_f64(double *to, const double *from, int64_t n, int64_t count) {
  for (int64_t j = 0; j < count; j++) {
    to[j] = j < n ? from[2 * j] : 0;
  }
}

/* to[0 .. n) += from[0 .. n) */
static inline void add_f32(float *to, const float *from, int64_t n) {
#if defined(__AVX512F__)
  for (int64_t j = 0; j < n; j += 16) {
    __mmask16 mask = first_of(n - j);
    __m512 sum = _mm512_add_ps(_mm512_maskz_loadu_ps(mask, to + j), _mm512_maskz_loadu_ps(mask, from + j));
    _mm512_mask_storeu_ps(to + j, mask, sum);
  }
#else
  for (int64_t j = 0; j < n; j++) {
    to[j] += from[j];
  }
#endif
}

/* Every second element of to += from[0 .. n) */
static inline void add_second_f32(float *to, const float *from, int64_t n) {
  int64_t j = 0;
#if defined(__AVX512F__)
  const __m512i first = _mm512_setr_epi32(0, 0, 1, 1, 2, 2, 3, 3, 4, 4, 5, 5, 6, 6, 7, 7);
  const __m512i last = _mm512_setr_epi32(8, 8, 9, 9, 10, 10, 11, 11, 12, 12, 13, 13, 14, 14, 15, 15);
  for (; j < n; j += 16) {
    int64_t spread = 2 * (n - j) - 1;
    __m512 more = _mm512_maskz_loadu_ps(first_of(n - j), from + j);
    __mmask16 a = 0x5555 & first_of(spread), b = 0x5555 & first_of(spread - 16);
    float *at = to + 2 * j;
    _mm512_mask_storeu_ps(at, a, _mm512_add_ps(_mm512_maskz_loadu_ps(a, at), _mm512_permutexvar_ps(first, more)));
    at += 16;
    _mm512_mask_storeu_ps(at, b, _mm512_add_ps(_mm512_maskz_loadu_ps(b, at), _mm512_permutexvar_ps(last, more)));
  }
#endif
  for (; j < n; j++) {
    to[2 * j] += from[j];
  }
}
static inline void add_second_f64(double *to, const double *from, int64_t n) {
  for (int64_t j = 0; j < n; j++) {
    to[2 * j] += from[j];
  }
}
static inline void add_f64(double *to, const double *from, int64_t n) {
  for (int64_t j = 0; j < n; j++) {
    to[j] += from[j];
  }
}

#define PANELS(type, suffix)                                                                                           \
  static void pack_##suffix(const nl_conv *g, const void *image, int64_t channels, int64_t p, int64_t end,             \
                            void *panel, int64_t wide) {                                                               \
    int64_t taps = g->kernel[0] * g->kernel[1] * g->kernel[2], all = g->in[0] * g->in[1] * g->in[2];                   \
    int64_t s = g->stride[2], down = taps * wide;                                                                      \
    EACH_RUN(g, p, end, {                                                                                              \
      type *to = (type *)panel + tap * wide + (q - p);                                                                 \
      const type *from = (const type *)image + at;                                                                     \
      for (int64_t i = 0; i < channels; i++, to += down, from += all) {                                                \
        for (int64_t j = 0; j < lo; j++) {                                                                             \
          to[j] = 0;                                                                                                   \
        }                                                                                                              \
        if (s == 1) {                                                                                                  \
          fill_##suffix(to + lo, from + lo, hi - lo, count - lo);                                                      \
        } else if (s == 2) {                                                                                           \
          fill_second_##suffix(to + lo, from + 2 * lo, hi - lo, count - lo);                                           \
        } else {                                                                                                       \
          for (int64_t j = lo; j < count; j++) {                                                                       \
            to[j] = j < hi ? from[j * s] : 0;                                                                          \
          }                                                                                                            \
        }                                                                                                              \
      }                                                                                                                \
    })                                                                                                                 \
  }                                                                                                                    \
  static void unpack_##suffix(const nl_conv *g, void *image, int64_t channels, int64_t p, int64_t end,                 \
                              const void *panel, int64_t wide) {                                                       \
    int64_t taps = g->kernel[0] * g->kernel[1] * g->kernel[2], all = g->in[0] * g->in[1] * g->in[2];                   \
    int64_t s = g->stride[2], down = taps * wide;                                                                      \
    EACH_RUN(g, p, end, {                                                                                              \
      const type *from = (const type *)panel + tap * wide + (q - p);                                                   \
      type *to = (type *)image + at;                                                                                   \
      for (int64_t i = 0; i < channels && lo < hi; i++, from += down, to += all) {                                     \
        if (s == 1) {                                                                                                  \
          add_##suffix(to + lo, from + lo, hi - lo);                                                                   \
        } else if (s == 2) {                                                                                           \
          add_second_##suffix(to + 2 * lo, from + lo, hi - lo);                                                        \
        } else {                                                                                                       \
          for (int64_t j = lo; j < hi; j++) {                                                                          \
            to[j * s] += from[j];                                                                                      \
          }                                                                                                            \
        }                                                                                                              \
      }                                                                                                                \
    })                                                                                                                 \
  }
PANELS(float, f32)
PANELS(double, f64)

extern const nl_panel_kernels NL_ISA(nl_panel_kernels);
const nl_panel_kernels NL_ISA(nl_panel_kernels) = {
    .pack = {[NL_F32] = pack_f32, [NL_F64] = pack_f64},
    .unpack = {[NL_F32] = unpack_f32, [NL_F64] = unpack_f64},
};
