/* The elements of a kernel pass over the rows of one image in its border (depthwise.c). Compiled once for each
   instruction set. */
#include <string.h>

#include "kernels/kernels.h"

#if defined(__AVX512F__)
enum { VECTOR = 64 };
#elif defined(__AVX2__)
enum { VECTOR = 32 };
#else
enum { VECTOR = 16 };
#endif

#define EACH_ROW(t, y)                                                                                                 \
  for (int64_t d = 0; d < (t)->out[0]; d++)                                                                            \
    for (int64_t h = 0; h < (t)->out[1]; h++, (y) += (t)->out[2])

#define TAPS(type, itype, suffix)                                                                                      \
  typedef type vec_##suffix __attribute__((vector_size(VECTOR)));                                                      \
  typedef itype mask_##suffix __attribute__((vector_size(VECTOR)));                                                    \
  enum { N_##suffix = VECTOR / sizeof(type) };                                                                         \
                                                                                                                       \
  static inline vec_##suffix load_##suffix(const type *x, int64_t step) {                                              \
    vec_##suffix v;                                                                                                    \
    if (step == 1) {                                                                                                   \
      memcpy(&v, x, sizeof v);                                                                                         \
      return v;                                                                                                        \
    }                                                                                                                  \
    for (int i = 0; i < N_##suffix; i++) {                                                                             \
      v[i] = x[i * step];                                                                                              \
    }                                                                                                                  \
    return v;                                                                                                          \
  }                                                                                                                    \
  static inline void save_##suffix(type *y, vec_##suffix v, int64_t n) {                                               \
    if (n >= N_##suffix) {                                                                                             \
      memcpy(y, &v, sizeof v);                                                                                         \
    } else if (n > 0) {                                                                                                \
      memcpy(y, &v, (size_t)n * sizeof(type));                                                                         \
    }                                                                                                                  \
  }                                                                                                                    \
  static inline vec_##suffix read_##suffix(const type *y, int64_t n) {                                                 \
    vec_##suffix v = {0};                                                                                              \
    if (n >= N_##suffix) {                                                                                             \
      memcpy(&v, y, sizeof v);                                                                                         \
    } else if (n > 0) {                                                                                                \
      memcpy(&v, y, (size_t)n * sizeof(type));                                                                         \
    }                                                                                                                  \
    return v;                                                                                                          \
  }                                                                                                                    \
                                                                                                                       \
  static inline void pass_##suffix(const nl_taps *t, const type *x, int64_t step, const type *w, type start, bool add, \
                                   type *y) {                                                                          \
    for (int64_t j = 0; j < t->out[2]; j += 2 * N_##suffix) {                                                          \
      int64_t left = t->out[2] - j, more = left - N_##suffix;                                                          \
      vec_##suffix a = add ? read_##suffix(y + j, left) : (vec_##suffix){0} + start;                                   \
      vec_##suffix b = add ? read_##suffix(y + j + N_##suffix, more) : (vec_##suffix){0} + start;                      \
      const type *from = x + j * step, *next = from + N_##suffix * step;                                               \
      if (more > 0) {                                                                                                  \
        for (int64_t k = 0; k < t->taps; k++) {                                                                        \
          a += w[k] * load_##suffix(from + t->offsets[k], step);                                                       \
          b += w[k] * load_##suffix(next + t->offsets[k], step);                                                       \
        }                                                                                                              \
        save_##suffix(y + j + N_##suffix, b, more);                                                                    \
      } else {                                                                                                         \
        for (int64_t k = 0; k < t->taps; k++) {                                                                        \
          a += w[k] * load_##suffix(from + t->offsets[k], step);                                                       \
        }                                                                                                              \
      }                                                                                                                \
      save_##suffix(y + j, a, left);                                                                                   \
    }                                                                                                                  \
  }                                                                                                                    \
  static void correlate_##suffix(const nl_taps *t, const void *image, const void *weight, const void *start, bool add, \
                                 void *result) {                                                                       \
    type *y = result, from = start ? *(const type *)start : 0;                                                         \
    EACH_ROW(t, y) {                                                                                                   \
      const type *x = (const type *)image + d * t->stride[0] * t->plane + h * t->stride[1] * t->row;                   \
      if (t->stride[2] == 1) {                                                                                         \
        pass_##suffix(t, x, 1, weight, from, add, y);                                                                  \
      } else {                                                                                                         \
        pass_##suffix(t, x, t->stride[2], weight, from, add, y);                                                       \
      }                                                                                                                \
    }                                                                                                                  \
  }                                                                                                                    \
                                                                                                                       \
  /* Positions behind the row must not count, whatever is there. */                                                    \
  static inline void gather_##suffix(const nl_taps *t, const type *x, int64_t step, const type *g,                     \
                                     vec_##suffix *sum) {                                                              \
    int64_t j = 0;                                                                                                     \
    for (; j + N_##suffix <= t->out[2]; j += N_##suffix) {                                                             \
      vec_##suffix up = read_##suffix(g + j, N_##suffix);                                                              \
      for (int64_t k = 0; k < t->taps; k++) {                                                                          \
        sum[k] += up * load_##suffix(x + j * step + t->offsets[k], step);                                              \
      }                                                                                                                \
    }                                                                                                                  \
    int64_t left = t->out[2] - j;                                                                                      \
    if (left > 0) {                                                                                                    \
      vec_##suffix up = read_##suffix(g + j, left);                                                                    \
      mask_##suffix keep;                                                                                              \
      for (int i = 0; i < N_##suffix; i++) {                                                                           \
        keep[i] = i < left ? -1 : 0;                                                                                   \
      }                                                                                                                \
      for (int64_t k = 0; k < t->taps; k++) {                                                                          \
        sum[k] += up * (vec_##suffix)((mask_##suffix)load_##suffix(x + j * step + t->offsets[k], step) & keep);        \
      }                                                                                                                \
    }                                                                                                                  \
  }                                                                                                                    \
  static void collect_##suffix(const nl_taps *t, const void *image, const void *grad, void *lanes) {                   \
    const type *g = grad;                                                                                              \
    EACH_ROW(t, g) {                                                                                                   \
      const type *x = (const type *)image + d * t->stride[0] * t->plane + h * t->stride[1] * t->row;                   \
      if (t->stride[2] == 1) {                                                                                         \
        gather_##suffix(t, x, 1, g, lanes);                                                                            \
      } else {                                                                                                         \
        gather_##suffix(t, x, t->stride[2], g, lanes);                                                                 \
      }                                                                                                                \
    }                                                                                                                  \
  }                                                                                                                    \
  static void add_lanes_##suffix(int64_t taps, const void *lanes, void *sums, int64_t step) {                          \
    const type *from = lanes;                                                                                          \
    type *to = sums;                                                                                                   \
    for (int64_t k = 0; k < taps; k++, from += N_##suffix) {                                                           \
      type sum = 0;                                                                                                    \
      for (int i = 0; i < N_##suffix; i++) {                                                                           \
        sum += from[i];                                                                                                \
      }                                                                                                                \
      to[k * step] = sum;                                                                                              \
    }                                                                                                                  \
  }
TAPS(float, int32_t, f32)
TAPS(double, int64_t, f64)

extern const nl_taps_kernels NL_ISA(nl_taps_kernels);
const nl_taps_kernels NL_ISA(nl_taps_kernels) = {
    .correlate = {[NL_F32] = correlate_f32, [NL_F64] = correlate_f64},
    .collect = {[NL_F32] = collect_f32, [NL_F64] = collect_f64},
    .add_lanes = {[NL_F32] = add_lanes_f32, [NL_F64] = add_lanes_f64},
};
