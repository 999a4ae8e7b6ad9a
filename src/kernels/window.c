/* Pooling: the largest value or the sum of each window of a plane, and the ways back. Geometry as of a convolution with
   one channel (conv.h). Compiled once for each instruction set. */
#include <math.h>
#include <string.h>

#include "kernels/conv.h"
#include "kernels/kernels.h"
#include "kernels/vectors.h"

enum { STRIP = 256 }; /* positions that are done together */

/* `count` neighbours in a row of the result, from (d, h, w) on. */
typedef struct piece {
  int64_t d, h, w, count;
} piece;

/* The pieces of positions first .. first+n of the result. */
static int pieces_of(const nl_conv *g, int64_t first, int64_t n, piece *to) {
  int count = 0;
  piece p = {.w = first % g->out[2]};
  p.h = first / g->out[2] % g->out[1];
  p.d = first / g->out[2] / g->out[1];
  while (n > 0) {
    p.count = nl_smaller(g->out[2] - p.w, n);
    n -= p.count;
    to[count++] = p;
    p.w = 0;
    p.h++;
    if (p.h == g->out[1]) {
      p.h = 0;
      p.d++;
    }
  }
  return count;
}

/* Of a piece and an element of the kernel: the first position's place in the plane, and which of them, lo .. hi, are
   inside. False: none. */
static inline bool meet(const nl_conv *g, const piece *p, int64_t kd, int64_t kh, int64_t kw, int64_t *at, int64_t *lo,
                        int64_t *hi) {
  int64_t d = p->d * g->stride[0] - g->padding[0] + kd * g->dilation[0], s = g->stride[2];
  int64_t h = p->h * g->stride[1] - g->padding[1] + kh * g->dilation[1];
  int64_t w = p->w * s - g->padding[2] + kw * g->dilation[2];
  if (d < 0 || d >= g->in[0] || h < 0 || h >= g->in[1] || w >= g->in[2]) {
    return false;
  }
  *at = (d * g->in[1] + h) * g->in[2] + w;
  *lo = w >= 0 ? 0 : nl_smaller((-w + s - 1) / s, p->count);
  *hi = w + (p->count - 1) * s < g->in[2] ? p->count : (g->in[2] - w + s - 1) / s;
  return *lo < *hi;
}

/* The first element of the kernel that is inside, where its first one lies at `start`; -1: none is. */
static inline int64_t first_inside(int64_t start, int64_t kernel, int64_t dilation, int64_t in) {
  int64_t k = start >= 0 ? 0 : (-start + dilation - 1) / dilation;
  return k < kernel && start + k * dilation < in ? k : -1;
}

/* Where each window's first element that is inside lies, -1: none is; and where its first one would lie. */
static void find_origins(const nl_conv *g, const piece *p, int64_t *first, int64_t *origin) {
  int64_t d = p->d * g->stride[0] - g->padding[0], h = p->h * g->stride[1] - g->padding[1];
  int64_t kd = first_inside(d, g->kernel[0], g->dilation[0], g->in[0]);
  int64_t kh = first_inside(h, g->kernel[1], g->dilation[1], g->in[1]);
  int64_t row = (d * g->in[1] + h) * g->in[2];
  int64_t inside = ((d + kd * g->dilation[0]) * g->in[1] + h + kh * g->dilation[1]) * g->in[2];
  int64_t begin = p->w * g->stride[2] - g->padding[2];
  if (kd == 0 && kh == 0 && begin >= 0 && begin + (p->count - 1) * g->stride[2] < g->in[2]) {
    for (int64_t j = 0; j < p->count; j++) {
      first[j] = origin[j] = row + begin + j * g->stride[2];
    }
    return;
  }
  for (int64_t j = 0; j < p->count; j++) {
    int64_t w = begin + j * g->stride[2];
    int64_t kw = first_inside(w, g->kernel[2], g->dilation[2], g->in[2]);
    origin[j] = row + w;
    first[j] = kd < 0 || kh < 0 || kw < 0 ? -1 : inside + w + kw * g->dilation[2];
  }
}

#define EACH_STRIP(g, first, n, all)                                                                                   \
  for (int64_t all = (g)->out[0] * (g)->out[1] * (g)->out[2], first = 0, n;                                            \
       n = nl_smaller(STRIP, all - first), first < all; first += STRIP)
#define EACH_TAP(g)                                                                                                    \
  for (int64_t kd = 0; kd < (g)->kernel[0]; kd++)                                                                      \
    for (int64_t kh = 0; kh < (g)->kernel[1]; kh++)                                                                    \
      for (int64_t kw = 0; kw < (g)->kernel[2]; kw++)

/* The largest values with places of type `integer`, which hold every place of the plane. In each window nan wins, as
   everywhere; of equal values the first. */
#define LARGEST(name, type, suffix, integer)                                                                           \
  static void name(const nl_conv *g, const type *x, type *y, int64_t *where) {                                         \
    EACH_STRIP(g, from, n, all) {                                                                                      \
      type best[STRIP], v[STRIP];                                                                                      \
      integer which[STRIP], origin[STRIP];                                                                             \
      piece pieces[STRIP];                                                                                             \
      int count = pieces_of(g, from, n, pieces);                                                                       \
      for (int64_t i = 0, to = 0; i < count; to += pieces[i++].count) {                                                \
        int64_t first_of[STRIP], origin_of[STRIP];                                                                     \
        find_origins(g, &pieces[i], first_of, origin_of);                                                              \
        for (int64_t j = 0; j < pieces[i].count; j++) {                                                                \
          which[to + j] = (integer)first_of[j];                                                                        \
          origin[to + j] = (integer)origin_of[j];                                                                      \
        }                                                                                                              \
      }                                                                                                                \
      for (int64_t j = 0; j < n; j++) {                                                                                \
        best[j] = (type)-INFINITY;                                                                                     \
      }                                                                                                                \
      EACH_TAP(g) {                                                                                                    \
        gather_##suffix(g, pieces, count, kd, kh, kw, x, (type)-INFINITY, v);                                          \
        integer tap =                                                                                                  \
            (integer)((kd * g->dilation[0] * g->in[1] + kh * g->dilation[1]) * g->in[2] + kw * g->dilation[2]);        \
        for (int64_t j = 0; j < n; j++) {                                                                              \
          type b = best[j], a = v[j];                                                                                  \
          bool take = (a > b) | ((a != a) & (b == b));                                                                 \
          best[j] = take ? a : b;                                                                                      \
          which[j] = take ? origin[j] + tap : which[j];                                                                \
        }                                                                                                              \
      }                                                                                                                \
      for (int64_t j = 0; j < n; j++) {                                                                                \
        y[from + j] = best[j];                                                                                         \
        where[from + j] = (int64_t)which[j] + 1;                                                                       \
      }                                                                                                                \
    }                                                                                                                  \
  }

#define WINDOWS(type, suffix)                                                                                          \
  /* what an element of the kernel meets, `outside` where it is outside */                                             \
  static inline void gather_##suffix(const nl_conv *g, const piece *p, int count, int64_t kd, int64_t kh, int64_t kw,  \
                                     const type *x, type outside, type *restrict v) {                                  \
    int64_t s = g->stride[2];                                                                                          \
    for (int i = 0; i < count; v += p[i++].count) {                                                                    \
      int64_t at = 0, lo, hi;                                                                                          \
      if (!meet(g, &p[i], kd, kh, kw, &at, &lo, &hi)) {                                                                \
        lo = hi = 0;                                                                                                   \
      }                                                                                                                \
      for (int64_t j = 0; j < lo; j++) {                                                                               \
        v[j] = outside;                                                                                                \
      }                                                                                                                \
      if (s == 1) {                                                                                                    \
        memcpy(v + lo, x + at + lo, (size_t)(hi - lo) * sizeof(type));                                                 \
      } else if (s == 2) { /* a constant lets the compiler use vectors */                                              \
        for (int64_t j = lo; j < hi; j++) {                                                                            \
          v[j] = x[at + j * 2];                                                                                        \
        }                                                                                                              \
      } else {                                                                                                         \
        for (int64_t j = lo; j < hi; j++) {                                                                            \
          v[j] = x[at + j * s];                                                                                        \
        }                                                                                                              \
      }                                                                                                                \
      for (int64_t j = hi; j < p[i].count; j++) {                                                                      \
        v[j] = outside;                                                                                                \
      }                                                                                                                \
    }                                                                                                                  \
  }                                                                                                                    \
  static void max_back_##suffix(const nl_conv *g, const void *gradient, const int64_t *where, void *plane) {           \
    const type *up = gradient;                                                                                         \
    type *dx = plane;                                                                                                  \
    int64_t all = g->in[0] * g->in[1] * g->in[2], n = g->out[0] * g->out[1] * g->out[2];                               \
    memset(dx, 0, (size_t)all * sizeof(type));                                                                         \
    for (int64_t i = 0; i < n; i++) {                                                                                  \
      if (where[i] >= 1 && where[i] <= all) {                                                                          \
        dx[where[i] - 1] += up[i];                                                                                     \
      }                                                                                                                \
    }                                                                                                                  \
  }                                                                                                                    \
  static void max_pick_##suffix(const nl_conv *g, const void *plane, const int64_t *where, void *result) {             \
    const type *x = plane;                                                                                             \
    type *y = result;                                                                                                  \
    int64_t all = g->in[0] * g->in[1] * g->in[2], n = g->out[0] * g->out[1] * g->out[2];                               \
    for (int64_t i = 0; i < n; i++) {                                                                                  \
      y[i] = where[i] >= 1 && where[i] <= all ? x[where[i] - 1] : 0;                                                   \
    }                                                                                                                  \
  }                                                                                                                    \
  /* scale: what the sum of each window is multiplied by */                                                            \
  static void sum_##suffix(const nl_conv *g, const void *plane, const double *scale, void *result) {                   \
    const type *x = plane;                                                                                             \
    type *y = result;                                                                                                  \
    EACH_STRIP(g, from, n, all) {                                                                                      \
      type sum[STRIP], v[STRIP];                                                                                       \
      piece pieces[STRIP];                                                                                             \
      int count = pieces_of(g, from, n, pieces);                                                                       \
      memset(sum, 0, (size_t)n * sizeof(type));                                                                        \
      EACH_TAP(g) {                                                                                                    \
        gather_##suffix(g, pieces, count, kd, kh, kw, x, 0, v);                                                        \
        for (int64_t j = 0; j < n; j++) {                                                                              \
          sum[j] += v[j];                                                                                              \
        }                                                                                                              \
      }                                                                                                                \
      for (int64_t j = 0; j < n; j++) {                                                                                \
        y[from + j] = sum[j] * (type)scale[from + j];                                                                  \
      }                                                                                                                \
    }                                                                                                                  \
  }                                                                                                                    \
  static void sum_back_##suffix(const nl_conv *g, const void *gradient, const double *scale, void *plane) {            \
    const type *up = gradient;                                                                                         \
    type *dx = plane;                                                                                                  \
    int64_t s = g->stride[2];                                                                                          \
    memset(dx, 0, (size_t)(g->in[0] * g->in[1] * g->in[2]) * sizeof(type));                                            \
    EACH_STRIP(g, from, n, all) {                                                                                      \
      piece pieces[STRIP];                                                                                             \
      int count = pieces_of(g, from, n, pieces);                                                                       \
      for (int64_t i = 0, to = from; i < count; to += pieces[i++].count) {                                             \
        type part[STRIP];                                                                                              \
        for (int64_t j = 0; j < pieces[i].count; j++) {                                                                \
          part[j] = up[to + j] * (type)scale[to + j];                                                                  \
        }                                                                                                              \
        EACH_TAP(g) {                                                                                                  \
          int64_t at, lo, hi;                                                                                          \
          if (meet(g, &pieces[i], kd, kh, kw, &at, &lo, &hi)) {                                                        \
            for (int64_t j = lo; j < hi; j++) {                                                                        \
              dx[at + j * s] += part[j];                                                                               \
            }                                                                                                          \
          }                                                                                                            \
        }                                                                                                              \
      }                                                                                                                \
    }                                                                                                                  \
  }
WINDOWS(float, f32)
WINDOWS(double, f64)
LARGEST(largest_f32, float, f32, int32_t)
LARGEST(largest_f32_wide, float, f32, int64_t)
LARGEST(largest_f64, double, f64, int64_t)

/* ---- windows that are all inside, one or two elements apart: a vector of them at once ---- */

static bool all_inside(const nl_conv *g) {
  bool inside = g->stride[2] <= 2 && (double)g->in[0] * (double)g->in[1] * (double)g->in[2] < INT32_MAX;
  for (int d = 0; d < NL_CONV_DIMS; d++) {
    int64_t last = (g->out[d] - 1) * g->stride[d] + (g->kernel[d] - 1) * g->dilation[d];
    inside = inside && g->padding[d] == 0 && last < g->in[d];
  }
  return inside;
}

typedef int32_t ivec_f32 __attribute__((vector_size(VECTOR)));
typedef int64_t ivec_f64 __attribute__((vector_size(VECTOR)));
typedef int32_t int_f32;
typedef int64_t int_f64;
#if defined(__AVX512F__)
#define EVEN_f32 0, 2, 4, 6, 8, 10, 12, 14, 16, 18, 20, 22, 24, 26, 28, 30
#define EVEN_f64 0, 2, 4, 6, 8, 10, 12, 14
#elif defined(__AVX2__)
#define EVEN_f32 0, 2, 4, 6, 8, 10, 12, 14
#define EVEN_f64 0, 2, 4, 6
#else
#define EVEN_f32 0, 2, 4, 6
#define EVEN_f64 0, 2
#endif

/* where[i] = first + at[i] */
static inline void save_places_f64(int64_t *where, int64_t first, ivec_f64 at, int64_t n) {
  for (int i = 0; i < N_f64 && i < n; i++) {
    where[i] = first + at[i];
  }
}
static inline void save_places_f32(int64_t *where, int64_t first, ivec_f32 at, int64_t n) {
#if defined(__AVX512F__)
  __m512i begin = _mm512_set1_epi64(first), v = (__m512i)at;
  __m512i low = _mm512_cvtepi32_epi64(_mm512_castsi512_si256(v));
  __m512i high = _mm512_cvtepi32_epi64(_mm512_extracti64x4_epi64(v, 1));
  __mmask16 mask = first_of(n);
  _mm512_mask_storeu_epi64(where, (__mmask8)mask, _mm512_add_epi64(low, begin));
  _mm512_mask_storeu_epi64(where + 8, (__mmask8)(mask >> 8), _mm512_add_epi64(high, begin));
#else
  for (int i = 0; i < N_f32 && i < n; i++) {
    where[i] = first + at[i];
  }
#endif
}

#define INSIDE(S)                                                                                                      \
  /* n elements from x on, next to each other or two apart, n at most a vector */                                      \
  static inline vec_##S meet_##S(const real_##S *x, int64_t apart, int64_t n) {                                        \
    if (apart == 1) {                                                                                                  \
      return load_some_##S(x, n);                                                                                      \
    }                                                                                                                  \
    int64_t all = 2 * n - 1;                                                                                           \
    vec_##S a = load_some_##S(x, all), b = all > N_##S ? load_some_##S(x + N_##S, all - N_##S) : (vec_##S){0};         \
    return __builtin_shufflevector(a, b, EVEN_##S);                                                                    \
  }                                                                                                                    \
  static inline __attribute__((always_inline)) void inside_row_##S(const nl_conv *g, int64_t apart,                    \
                                                                   const int64_t *kernel, const real_##S *x,           \
                                                                   int64_t first, real_##S *y, int64_t *where) {       \
    ivec_##S step;                                                                                                     \
    for (int i = 0; i < N_##S; i++) {                                                                                  \
      step[i] = (int_##S)(i * apart);                                                                                  \
    }                                                                                                                  \
    for (int64_t j = 0; j < g->out[2]; j += N_##S) {                                                                   \
      int64_t n = nl_smaller(N_##S, g->out[2] - j), begin = first + j * apart;                                         \
      vec_##S best = {0};                                                                                              \
      ivec_##S which = step;                                                                                           \
      for (int64_t kd = 0; kd < kernel[0]; kd++) {                                                                     \
        for (int64_t kh = 0; kh < kernel[1]; kh++) {                                                                   \
          int64_t tap = (kd * g->dilation[0] * g->in[1] + kh * g->dilation[1]) * g->in[2];                             \
          for (int64_t kw = 0; kw < kernel[2]; kw++, tap += g->dilation[2]) {                                          \
            vec_##S v = meet_##S(x + begin + tap, apart, n);                                                           \
            if (tap == 0) {                                                                                            \
              best = v;                                                                                                \
              continue;                                                                                                \
            }                                                                                                          \
            ivec_##S take = (v > best) | ((v != v) & (best == best)), places = step + (int_##S)tap;                    \
            best = (vec_##S)(((ivec_##S)v & take) | ((ivec_##S)best & ~take));                                         \
            which = (places & take) | (which & ~take);                                                                 \
          }                                                                                                            \
        }                                                                                                              \
      }                                                                                                                \
      save_some_##S(y + j, best, n);                                                                                   \
      save_places_##S(where + j, begin + 1, which, n);                                                                 \
    }                                                                                                                  \
  }                                                                                                                    \
  static void inside_##S(const nl_conv *g, const real_##S *x, real_##S *y, int64_t *where) {                           \
    static const int64_t halves[NL_CONV_DIMS] = {1, 2, 2};                                                             \
    bool halved = g->stride[2] == 2 && memcmp(g->kernel, halves, sizeof halves) == 0;                                  \
    for (int64_t d = 0; d < g->out[0]; d++) {                                                                          \
      for (int64_t h = 0; h < g->out[1]; h++, y += g->out[2], where += g->out[2]) {                                    \
        int64_t first = (d * g->stride[0] * g->in[1] + h * g->stride[1]) * g->in[2];                                   \
        if (halved) { /* the loops over the window unroll */                                                           \
          inside_row_##S(g, 2, halves, x, first, y, where);                                                            \
        } else if (g->stride[2] == 2) {                                                                                \
          inside_row_##S(g, 2, g->kernel, x, first, y, where);                                                         \
        } else {                                                                                                       \
          inside_row_##S(g, 1, g->kernel, x, first, y, where);                                                         \
        }                                                                                                              \
      }                                                                                                                \
    }                                                                                                                  \
  }
INSIDE(f32)
INSIDE(f64)

static void max_f32(const nl_conv *g, const void *plane, void *result, int64_t *where) {
  if (all_inside(g)) {
    inside_f32(g, plane, result, where);
    return;
  }
  int64_t reach = (g->in[0] + 2 * g->padding[0]) * (g->in[1] + 2 * g->padding[1]) * (g->in[2] + 2 * g->padding[2]);
  (reach < INT32_MAX ? largest_f32 : largest_f32_wide)(g, plane, result, where);
}
static void max_f64(const nl_conv *g, const void *plane, void *result, int64_t *where) {
  if (all_inside(g)) {
    inside_f64(g, plane, result, where);
    return;
  }
  largest_f64(g, plane, result, where);
}

extern const nl_window_kernels NL_ISA(nl_window_kernels);
const nl_window_kernels NL_ISA(nl_window_kernels) = {
    .max = {[NL_F32] = max_f32, [NL_F64] = max_f64},
    .max_back = {[NL_F32] = max_back_f32, [NL_F64] = max_back_f64},
    .max_pick = {[NL_F32] = max_pick_f32, [NL_F64] = max_pick_f64},
    .sum = {[NL_F32] = sum_f32, [NL_F64] = sum_f64},
    .sum_back = {[NL_F32] = sum_back_f32, [NL_F64] = sum_back_f64},
};
