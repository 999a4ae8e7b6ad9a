/* Scans. Each line is sequential; neighbouring lines are done together, so that memory is read in its order. */
#include "kernels/scan.h"

#include <math.h>

#include "core/interrupt.h"

enum { STRIP = 64 };

static double log_add(double a, double b) {
  double hi = a > b ? a : b, lo = a > b ? b : a;
  return a != a || b != b ? NAN : (hi - hi != 0 && hi == lo ? hi : hi + log1p(exp(lo - hi)));
}

/* wrap: what sums and products are computed in. Up to STRIP neighbouring lines from `base` on; `state` is each line's
 * running value. */
#define SCAN(type, acc, wrap)                                                                                          \
  static void scan_##type(const nl_scan_args *s, int64_t base, int64_t lines) {                                        \
    const type *x = s->x, *a = s->a;                                                                                   \
    type *out = s->out;                                                                                                \
    acc state[STRIP];                                                                                                  \
    int64_t at[STRIP];                                                                                                 \
    for (int64_t k = 0; k < s->red; k++) {                                                                             \
      int64_t r = s->reverse ? s->red - 1 - k : k;                                                                     \
      const type *row = x + base + r * s->inner, *factor = a ? a + base + r * s->inner : 0;                            \
      type *to = out + base + r * s->inner;                                                                            \
      if (nl_interrupted_at(k)) {                                                                                      \
        return;                                                                                                        \
      }                                                                                                                \
      if (k == 0) {                                                                                                    \
        for (int64_t i = 0; i < lines; i++) {                                                                          \
          state[i] = row[i];                                                                                           \
          at[i] = r + 1;                                                                                               \
        }                                                                                                              \
      } else if (s->kind == NL_SCAN_SUM) {                                                                             \
        for (int64_t i = 0; i < lines; i++) {                                                                          \
          state[i] = (acc)((wrap)state[i] + (wrap)row[i]);                                                             \
        }                                                                                                              \
      } else if (s->kind == NL_SCAN_PROD) {                                                                            \
        for (int64_t i = 0; i < lines; i++) {                                                                          \
          state[i] = (acc)((wrap)state[i] * (wrap)row[i]);                                                             \
        }                                                                                                              \
      } else if (s->kind == NL_SCAN_LINEAR) {                                                                          \
        for (int64_t i = 0; i < lines; i++) {                                                                          \
          state[i] = (acc)((wrap)row[i] + (wrap)factor[i] * (wrap)state[i]);                                           \
        }                                                                                                              \
      } else if (s->kind == NL_SCAN_LOGSUMEXP) {                                                                       \
        for (int64_t i = 0; i < lines; i++) {                                                                          \
          state[i] = (acc)log_add((double)state[i], (double)row[i]);                                                   \
        }                                                                                                              \
      } else {                                                                                                         \
        for (int64_t i = 0; i < lines; i++) {                                                                          \
          acc v = (acc)row[i];                                                                                         \
          bool better = s->kind == NL_SCAN_MAX ? v >= state[i] : v <= state[i];                                        \
          if (state[i] == state[i] && (better || v != v)) {                                                            \
            state[i] = v;                                                                                              \
            at[i] = r + 1;                                                                                             \
          } else if (state[i] != state[i] && v != v) {                                                                 \
            at[i] = r + 1;                                                                                             \
          }                                                                                                            \
        }                                                                                                              \
      }                                                                                                                \
      for (int64_t i = 0; i < lines; i++) {                                                                            \
        to[i] = (type)state[i];                                                                                        \
      }                                                                                                                \
      for (int64_t i = 0; s->at && i < lines; i++) {                                                                   \
        s->at[base + r * s->inner + i] = at[i];                                                                        \
      }                                                                                                                \
    }                                                                                                                  \
  }
typedef float f32;
typedef double f64;
typedef int64_t i64;
SCAN(f32, double, double)
SCAN(f64, double, double)
SCAN(i64, i64, uint64_t)

/* One long line: the running value stays in a register. */
#define SUM(type, acc)                                                                                                 \
  static void sum_##type(const nl_scan_args *s, int64_t base) {                                                        \
    const type *x = (const type *)s->x + base;                                                                         \
    type *out = (type *)s->out + base;                                                                                 \
    acc state = 0;                                                                                                     \
    for (int64_t k = 0; k < s->red && !nl_interrupted_at(k); k++) {                                                    \
      int64_t r = s->reverse ? s->red - 1 - k : k;                                                                     \
      state += (acc)x[r];                                                                                              \
      out[r] = (type)state;                                                                                            \
    }                                                                                                                  \
  }
SUM(f32, double)
SUM(f64, double)
SUM(i64, uint64_t)

void nl_scan(const nl_scan_args *s, int64_t begin, int64_t end) {
  for (int64_t l = begin; l < end && s->red > 0;) {
    int64_t base = l / s->inner * s->red * s->inner + l % s->inner;
    if (s->kind == NL_SCAN_SUM && s->inner == 1) {
      (s->dtype == NL_F32 ? sum_f32 : (s->dtype == NL_F64 ? sum_f64 : sum_i64))(s, base);
      l++;
      continue;
    }
    int64_t lines = s->inner - l % s->inner;
    lines = lines > STRIP ? STRIP : lines;
    lines = lines > end - l ? end - l : lines;
    (s->dtype == NL_F32 ? scan_f32 : (s->dtype == NL_F64 ? scan_f64 : scan_i64))(s, base, lines);
    l += lines;
  }
}
