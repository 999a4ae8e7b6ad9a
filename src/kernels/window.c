/* Pooling: the largest value or the sum of each window of a plane, and the ways back. Geometry as of a convolution with
   one channel (conv.h). Compiled once for each instruction set. */
#include <math.h>
#include <string.h>

#include "kernels/conv.h"
#include "kernels/kernels.h"

enum { ROW = 256 }; /* positions of a row that are done together */

/* Of a row of the result (od, oh), positions w .. w+count, and an element of the kernel: the first one's place in the
   plane, and which of them, lo .. hi, are inside. False: none. */
static inline bool meet(const nl_conv *g, int64_t od, int64_t oh, int64_t ow, int64_t count, int64_t kd, int64_t kh,
                        int64_t kw, int64_t *at, int64_t *lo, int64_t *hi) {
  int64_t d = od * g->stride[0] - g->padding[0] + kd * g->dilation[0], s = g->stride[2];
  int64_t h = oh * g->stride[1] - g->padding[1] + kh * g->dilation[1];
  int64_t w = ow * s - g->padding[2] + kw * g->dilation[2];
  if (d < 0 || d >= g->in[0] || h < 0 || h >= g->in[1] || w >= g->in[2]) {
    return false;
  }
  *at = (d * g->in[1] + h) * g->in[2] + w;
  *lo = w >= 0 ? 0 : nl_smaller((-w + s - 1) / s, count);
  *hi = nl_smaller((g->in[2] - w + s - 1) / s, count);
  return *lo < *hi;
}

#define EACH_ROW(g)                                                                                                    \
  for (int64_t od = 0; od < (g)->out[0]; od++)                                                                         \
    for (int64_t oh = 0; oh < (g)->out[1]; oh++)                                                                       \
      for (int64_t ow = 0, count; count = nl_smaller(ROW, (g)->out[2] - ow), ow < (g)->out[2]; ow += ROW)
#define EACH_TAP(g)                                                                                                    \
  for (int64_t kd = 0; kd < (g)->kernel[0]; kd++)                                                                      \
    for (int64_t kh = 0; kh < (g)->kernel[1]; kh++)                                                                    \
      for (int64_t kw = 0; kw < (g)->kernel[2]; kw++)

#define WINDOWS(type, suffix, integer)                                                                                 \
  /* best[j] and its place become those of x[s j], which lies at place at + s j, where that is larger */               \
  static inline void larger_##suffix(type *restrict best, integer *restrict which, const type *restrict x, int64_t s,  \
                                     int64_t n, integer at) {                                                          \
    for (integer j = 0; j < n; j++) {                                                                                  \
      type v = x[j * s], b = best[j];                                                                                  \
      integer w = which[j];                                                                                            \
      int take = ((v > b) | (v != v) | (w < 0)) & (b == b);                                                            \
      best[j] = take ? v : b;                                                                                          \
      which[j] = take ? (integer)(at + j * (integer)s) : w;                                                            \
    }                                                                                                                  \
  }                                                                                                                    \
  /* nan wins, as everywhere; of equal values the first. */                                                            \
  static void max_##suffix(const nl_conv *g, const void *plane, void *result, int64_t *where) {                        \
    const type *x = plane;                                                                                             \
    type *y = result;                                                                                                  \
    int64_t s = g->stride[2];                                                                                          \
    EACH_ROW(g) {                                                                                                      \
      type best[ROW];                                                                                                  \
      integer which[ROW];                                                                                              \
      for (int64_t j = 0; j < count; j++) {                                                                            \
        best[j] = (type)-INFINITY;                                                                                     \
        which[j] = -1;                                                                                                 \
      }                                                                                                                \
      EACH_TAP(g) {                                                                                                    \
        int64_t at, lo, hi;                                                                                            \
        if (!meet(g, od, oh, ow, count, kd, kh, kw, &at, &lo, &hi)) {                                                  \
          continue;                                                                                                    \
        }                                                                                                              \
        if (s == 1) { /* constants let the compiler use vectors */                                                     \
          larger_##suffix(best + lo, which + lo, x + at + lo, 1, hi - lo, (integer)(at + lo));                         \
        } else if (s == 2) {                                                                                           \
          larger_##suffix(best + lo, which + lo, x + at + 2 * lo, 2, hi - lo, (integer)(at + 2 * lo));                 \
        } else {                                                                                                       \
          larger_##suffix(best + lo, which + lo, x + at + s * lo, s, hi - lo, (integer)(at + s * lo));                 \
        }                                                                                                              \
      }                                                                                                                \
      int64_t to = (od * g->out[1] + oh) * g->out[2] + ow;                                                             \
      for (int64_t j = 0; j < count; j++) {                                                                            \
        y[to + j] = best[j];                                                                                           \
        where[to + j] = (int64_t)which[j] + 1;                                                                         \
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
    int64_t s = g->stride[2];                                                                                          \
    EACH_ROW(g) {                                                                                                      \
      type sum[ROW];                                                                                                   \
      memset(sum, 0, (size_t)count * sizeof(type));                                                                    \
      EACH_TAP(g) {                                                                                                    \
        int64_t at, lo, hi;                                                                                            \
        if (meet(g, od, oh, ow, count, kd, kh, kw, &at, &lo, &hi)) {                                                   \
          const type *from = x + at;                                                                                   \
          for (int64_t j = lo; j < hi; j++) {                                                                          \
            sum[j] += from[j * s];                                                                                     \
          }                                                                                                            \
        }                                                                                                              \
      }                                                                                                                \
      int64_t to = (od * g->out[1] + oh) * g->out[2] + ow;                                                             \
      for (int64_t j = 0; j < count; j++) {                                                                            \
        y[to + j] = sum[j] * (type)scale[to + j];                                                                      \
      }                                                                                                                \
    }                                                                                                                  \
  }                                                                                                                    \
  static void sum_back_##suffix(const nl_conv *g, const void *gradient, const double *scale, void *plane) {            \
    const type *up = gradient;                                                                                         \
    type *dx = plane;                                                                                                  \
    int64_t s = g->stride[2];                                                                                          \
    memset(dx, 0, (size_t)(g->in[0] * g->in[1] * g->in[2]) * sizeof(type));                                            \
    EACH_ROW(g) {                                                                                                      \
      type part[ROW];                                                                                                  \
      int64_t from = (od * g->out[1] + oh) * g->out[2] + ow;                                                           \
      for (int64_t j = 0; j < count; j++) {                                                                            \
        part[j] = up[from + j] * (type)scale[from + j];                                                                \
      }                                                                                                                \
      EACH_TAP(g) {                                                                                                    \
        int64_t at, lo, hi;                                                                                            \
        if (meet(g, od, oh, ow, count, kd, kh, kw, &at, &lo, &hi)) {                                                   \
          for (int64_t j = lo; j < hi; j++) {                                                                          \
            dx[at + j * s] += part[j];                                                                                 \
          }                                                                                                            \
        }                                                                                                              \
      }                                                                                                                \
    }                                                                                                                  \
  }
WINDOWS(float, f32, int32_t)
WINDOWS(double, f64, int64_t)

extern const nl_window_kernels NL_ISA(nl_window_kernels);
const nl_window_kernels NL_ISA(nl_window_kernels) = {
    .max = {[NL_F32] = max_f32, [NL_F64] = max_f64},
    .max_back = {[NL_F32] = max_back_f32, [NL_F64] = max_back_f64},
    .max_pick = {[NL_F32] = max_pick_f32, [NL_F64] = max_pick_f64},
    .sum = {[NL_F32] = sum_f32, [NL_F64] = sum_f64},
    .sum_back = {[NL_F32] = sum_back_f32, [NL_F64] = sum_back_f64},
};
