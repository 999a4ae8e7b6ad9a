/* Reductions. x is [outer][red][inner]; a result is one (outer, inner) pair, and begin..end is a range of results, so
   that the pool can cut the work without changing any sum. With inner 1 a result's elements are contiguous; else
   neighbouring results are reduced side by side, which vectorizes over inner.

   Sums: blocks of 128 elements are added in 16 lanes joined in a fixed tree; block sums are joined pairwise by the
   binary counter below (Higham 1993, "The accuracy of floating point summation"): error O(log n), fixed order. */
#include <math.h>
#include <string.h>

#include "kernels/kernels.h"
#include "kernels/vmath.h"

typedef int64_t i64;
typedef float f32;
typedef double f64;

enum { LANES = 16, BLOCK = 128, STRIP = 256 };

/* Joins block sums pairwise: like a binary counter, level k holds the sum of 2^k blocks. */
#define PAIRWISE(type)                                                                                                 \
  typedef struct pairwise_##type {                                                                                     \
    type level[64];                                                                                                    \
    uint64_t count;                                                                                                    \
  } pairwise_##type;                                                                                                   \
  static inline void push_##type(pairwise_##type *p, type v) {                                                         \
    int k = 0;                                                                                                         \
    for (uint64_t c = p->count; c & 1; c >>= 1) {                                                                      \
      v = p->level[k++] + v;                                                                                           \
    }                                                                                                                  \
    p->level[k] = v;                                                                                                   \
    p->count++;                                                                                                        \
  }                                                                                                                    \
  static inline type total_##type(const pairwise_##type *p) {                                                          \
    type sum = 0;                                                                                                      \
    int k = 0;                                                                                                         \
    for (uint64_t c = p->count; c; c >>= 1, k++) {                                                                     \
      sum = (c & 1) ? p->level[k] + sum : sum;                                                                         \
    }                                                                                                                  \
    return sum;                                                                                                        \
  }
PAIRWISE(f32)
PAIRWISE(f64)

/* Sum over `term` of n contiguous elements. */
#define SUM_ROW(name, type, term)                                                                                      \
  static type name##_row_##type(const type *xs, i64 n, type shift) {                                                   \
    (void)shift;                                                                                                       \
    pairwise_##type p = {.count = 0};                                                                                  \
    i64 i = 0;                                                                                                         \
    for (; i + BLOCK <= n; i += BLOCK) {                                                                               \
      type lane[LANES] = {0};                                                                                          \
      for (int j = 0; j < BLOCK; j += LANES) {                                                                         \
        for (int k = 0; k < LANES; k++) {                                                                              \
          type x = xs[i + j + k];                                                                                      \
          lane[k] += (term);                                                                                           \
        }                                                                                                              \
      }                                                                                                                \
      for (int w = LANES / 2; w; w /= 2) {                                                                             \
        for (int k = 0; k < w; k++) {                                                                                  \
          lane[k] += lane[k + w];                                                                                      \
        }                                                                                                              \
      }                                                                                                                \
      push_##type(&p, lane[0]);                                                                                        \
    }                                                                                                                  \
    type lane[LANES] = {0};                                                                                            \
    for (; i + LANES <= n; i += LANES) {                                                                               \
      for (int k = 0; k < LANES; k++) {                                                                                \
        type x = xs[i + k];                                                                                            \
        lane[k] += (term);                                                                                             \
      }                                                                                                                \
    }                                                                                                                  \
    for (int k = 0; i < n; i++, k++) {                                                                                 \
      type x = xs[i];                                                                                                  \
      lane[k] += (term);                                                                                               \
    }                                                                                                                  \
    for (int w = LANES / 2; w; w /= 2) {                                                                               \
      for (int k = 0; k < w; k++) {                                                                                    \
        lane[k] += lane[k + w];                                                                                        \
      }                                                                                                                \
    }                                                                                                                  \
    return total_##type(&p) + lane[0];                                                                                 \
  }

/* The same for `count` neighbouring columns, `inner` elements from row to row. */
#define SUM_COLUMNS(name, type, term)                                                                                  \
  static void name##_columns_##type(const type *xs, i64 red, i64 inner, i64 count, const type *shifts, type *out) {    \
    type level[24][STRIP];                                                                                             \
    uint64_t blocks = 0;                                                                                               \
    for (i64 r = 0; r < red; r += BLOCK) {                                                                             \
      i64 stop = r + BLOCK < red ? r + BLOCK : red;                                                                    \
      type acc[STRIP];                                                                                                 \
      for (i64 c = 0; c < count; c++) {                                                                                \
        acc[c] = 0;                                                                                                    \
      }                                                                                                                \
      for (i64 q = r; q < stop; q++) {                                                                                 \
        const type *row = xs + q * inner;                                                                              \
        for (i64 c = 0; c < count; c++) {                                                                              \
          type x = row[c], shift = shifts ? shifts[c] : 0;                                                             \
          (void)shift;                                                                                                 \
          acc[c] += (term);                                                                                            \
        }                                                                                                              \
      }                                                                                                                \
      int k = 0;                                                                                                       \
      for (uint64_t b = blocks; (b & 1) && k < 23; b >>= 1, k++) {                                                     \
        for (i64 c = 0; c < count; c++) {                                                                              \
          acc[c] = level[k][c] + acc[c];                                                                               \
        }                                                                                                              \
      }                                                                                                                \
      for (i64 c = 0; c < count; c++) {                                                                                \
        level[k][c] = acc[c];                                                                                          \
      }                                                                                                                \
      blocks++;                                                                                                        \
    }                                                                                                                  \
    for (i64 c = 0; c < count; c++) {                                                                                  \
      out[c] = 0;                                                                                                      \
    }                                                                                                                  \
    int k = 0;                                                                                                         \
    for (uint64_t b = blocks; b && k < 24; b >>= 1, k++) {                                                             \
      if (b & 1) {                                                                                                     \
        for (i64 c = 0; c < count; c++) {                                                                              \
          out[c] = level[k][c] + out[c];                                                                               \
        }                                                                                                              \
      }                                                                                                                \
    }                                                                                                                  \
  }

/* Results begin..end: rows when inner is 1, else strips of columns inside one outer index. */
#define SUM_DRIVER(name, type)                                                                                         \
  static void name##_##type(i64 red, i64 inner, i64 begin, i64 end, const void *px, void *pout) {                      \
    const type *xs = px;                                                                                               \
    type *out = pout;                                                                                                  \
    if (inner == 1) {                                                                                                  \
      for (i64 r = begin; r < end; r++) {                                                                              \
        out[r] = name##_row_##type(xs + r * red, red, 0);                                                              \
      }                                                                                                                \
      return;                                                                                                          \
    }                                                                                                                  \
    for (i64 r = begin; r < end;) {                                                                                    \
      i64 o = r / inner, c = r % inner;                                                                                \
      i64 count = inner - c < end - r ? inner - c : end - r;                                                           \
      count = count < STRIP ? count : STRIP;                                                                           \
      name##_columns_##type(xs + o * red * inner + c, red, inner, count, NULL, out + r);                               \
      r += count;                                                                                                      \
    }                                                                                                                  \
  }
#define SUM_LIKE(name, type, term)                                                                                     \
  SUM_ROW(name, type, term)                                                                                            \
  SUM_COLUMNS(name, type, term)                                                                                        \
  SUM_DRIVER(name, type)
SUM_LIKE(SUM, f32, x)
SUM_LIKE(SUM, f64, x)
SUM_LIKE(SUMSQ, f32, x *x)
SUM_LIKE(SUMSQ, f64, x *x)
SUM_LIKE(SUMABS, f32, fabsf(x))
SUM_LIKE(SUMABS, f64, fabs(x))

SUM_ROW(dev, f32, (x - shift) * (x - shift))
SUM_ROW(dev, f64, (x - shift) * (x - shift))
SUM_COLUMNS(dev, f32, (x - shift) * (x - shift))
SUM_COLUMNS(dev, f64, (x - shift) * (x - shift))

/* Two passes: the mean, then the squared deviations from it. */
#define VAR(type)                                                                                                      \
  static void var_##type(i64 red, i64 inner, i64 begin, i64 end, double correction, const void *px, void *pout) {      \
    const type *xs = px;                                                                                               \
    type *out = pout;                                                                                                  \
    double divisor = (double)red - correction;                                                                         \
    divisor = divisor > 0 ? divisor : 0;                                                                               \
    for (i64 r = begin; r < end;) {                                                                                    \
      if (inner == 1) {                                                                                                \
        const type *row = xs + r * red;                                                                                \
        type mean = SUM_row_##type(row, red, 0) / (type)red;                                                           \
        out[r] = (type)(dev_row_##type(row, red, mean) / divisor);                                                     \
        r++;                                                                                                           \
        continue;                                                                                                      \
      }                                                                                                                \
      i64 o = r / inner, c = r % inner;                                                                                \
      i64 count = inner - c < end - r ? inner - c : end - r;                                                           \
      count = count < STRIP ? count : STRIP;                                                                           \
      const type *first = xs + o * red * inner + c;                                                                    \
      type mean[STRIP];                                                                                                \
      SUM_columns_##type(first, red, inner, count, NULL, mean);                                                        \
      for (i64 k = 0; k < count; k++) {                                                                                \
        mean[k] /= (type)red;                                                                                          \
      }                                                                                                                \
      dev_columns_##type(first, red, inner, count, mean, out + r);                                                     \
      for (i64 k = 0; k < count; k++) {                                                                                \
        out[r + k] = (type)(out[r + k] / divisor);                                                                     \
      }                                                                                                                \
      r += count;                                                                                                      \
    }                                                                                                                  \
  }
VAR(f32)
VAR(f64)

/* Everything whose order does not matter to the bits (or that runs left to right): start, then one step for each
   element. `v` is the result so far, `x` the element, `i` its place. */
#define FOLD(name, type, otype, state, start, step, finish)                                                            \
  static void name##_##type(i64 red, i64 inner, i64 begin, i64 end, const void *px, void *pout) {                      \
    const type *xs = px;                                                                                               \
    otype *out = pout;                                                                                                 \
    for (i64 r = begin; r < end; r++) {                                                                                \
      const type *first = xs + (r / inner) * red * inner + r % inner;                                                  \
      state;                                                                                                           \
      start;                                                                                                           \
      for (i64 i = 0; i < red; i++) {                                                                                  \
        type x = first[i * inner];                                                                                     \
        (void)x;                                                                                                       \
        step;                                                                                                          \
      }                                                                                                                \
      out[r] = (otype)(finish);                                                                                        \
    }                                                                                                                  \
  }
#define FOLD_SAME(name, type, start, step) FOLD(name, type, type, type v, v = start, step, v)
FOLD(SUM, i64, i64, uint64_t v, v = 0, v += (uint64_t)x, v)
FOLD(PROD, i64, i64, uint64_t v, v = 1, v *= (uint64_t)x, v)
/* Folds whose steps may be done in any grouping: sixteen lanes at a time along a row, or a strip of columns. The
   grouping is \ fixed by the sizes alone. `join` is an expression of v and x. */
#define LANE_FOLD(name, type, start, join)                                                                             \
  static inline type name##_join_##type(type v, type x) {                                                              \
    return join;                                                                                                       \
  }                                                                                                                    \
  static void name##_##type(i64 red, i64 inner, i64 begin, i64 end, const void *px, void *pout) {                      \
    const type *xs = px;                                                                                               \
    type *out = pout;                                                                                                  \
    for (i64 r = begin; r < end && inner == 1; r++) {                                                                  \
      const type *first = xs + r * red;                                                                                \
      type lane[LANES];                                                                                                \
      for (int k = 0; k < LANES; k++) {                                                                                \
        lane[k] = start;                                                                                               \
      }                                                                                                                \
      i64 i = 0;                                                                                                       \
      for (; i + LANES <= red; i += LANES) {                                                                           \
        for (int k = 0; k < LANES; k++) {                                                                              \
          lane[k] = name##_join_##type(lane[k], first[i + k]);                                                         \
        }                                                                                                              \
      }                                                                                                                \
      for (int k = 0; i < red; i++, k++) {                                                                             \
        lane[k] = name##_join_##type(lane[k], first[i]);                                                               \
      }                                                                                                                \
      for (int w = LANES / 2; w; w /= 2) {                                                                             \
        for (int k = 0; k < w; k++) {                                                                                  \
          lane[k] = name##_join_##type(lane[k], lane[k + w]);                                                          \
        }                                                                                                              \
      }                                                                                                                \
      out[r] = lane[0];                                                                                                \
    }                                                                                                                  \
    for (i64 r = begin; r < end && inner > 1;) {                                                                       \
      i64 o = r / inner, c = r % inner;                                                                                \
      i64 count = inner - c < end - r ? inner - c : end - r;                                                           \
      count = count < STRIP ? count : STRIP;                                                                           \
      const type *first = xs + o * red * inner + c;                                                                    \
      type v[STRIP];                                                                                                   \
      for (i64 k = 0; k < count; k++) {                                                                                \
        v[k] = start;                                                                                                  \
      }                                                                                                                \
      for (i64 i = 0; i < red; i++) {                                                                                  \
        const type *row = first + i * inner;                                                                           \
        for (i64 k = 0; k < count; k++) {                                                                              \
          v[k] = name##_join_##type(v[k], row[k]);                                                                     \
        }                                                                                                              \
      }                                                                                                                \
      for (i64 k = 0; k < count; k++) {                                                                                \
        out[r + k] = v[k];                                                                                             \
      }                                                                                                                \
      r += count;                                                                                                      \
    }                                                                                                                  \
  }
LANE_FOLD(PROD, f32, 1, v *x)
LANE_FOLD(PROD, f64, 1, v *x)
/* Bytes of a register. */
#if defined(__AVX512F__)
#define VECTOR 64
#elif defined(__AVX__)
#define VECTOR 32
#else
#define VECTOR 16
#endif

/* The largest or smallest element (`keep` clears the sign bit for absolute values). A NaN wins, as in NumPy and
   PyTorch: it is \
   looked for beside, since a plain comparison is one instruction and one that keeps NaN is three. Rows go in 64-byte
   vectors, \ which stay in registers where the compiler would keep an array of lanes in memory. */
#define EXTREME(name, type, itype, start, sign, of, keep)                                                              \
  static void name##_row_##type(const type *first, i64 n, type *out) {                                                 \
    typedef type vec __attribute__((vector_size(VECTOR)));                                                             \
    typedef itype mask __attribute__((vector_size(VECTOR)));                                                           \
    enum { W = VECTOR / sizeof(type) };                                                                                \
    type best = start, bad = 0;                                                                                        \
    i64 i = 0;                                                                                                         \
    if (n >= W) {                                                                                                      \
      vec v, x;                                                                                                        \
      memcpy(&v, first, sizeof v);                                                                                     \
      mask nan = v != v;                                                                                               \
      v = (vec)((mask)v & (itype)(keep));                                                                              \
      for (i = W; i + W <= n; i += W) {                                                                                \
        memcpy(&x, first + i, sizeof x);                                                                               \
        nan |= x != x;                                                                                                 \
        x = (vec)((mask)x & (itype)(keep));                                                                            \
        mask better = x sign v;                                                                                        \
        v = (vec)(((mask)x & better) | ((mask)v & ~better));                                                           \
      }                                                                                                                \
      for (int k = 0; k < W; k++) {                                                                                    \
        best = v[k] sign best ? v[k] : best;                                                                           \
        bad = nan[k] ? (type)NAN : bad;                                                                                \
      }                                                                                                                \
    }                                                                                                                  \
    for (; i < n; i++) {                                                                                               \
      type x = first[i];                                                                                               \
      bad = x == x ? bad : x;                                                                                          \
      x = of;                                                                                                          \
      best = x sign best ? x : best;                                                                                   \
    }                                                                                                                  \
    *out = bad == bad ? best : bad;                                                                                    \
  }                                                                                                                    \
  static void name##_##type(i64 red, i64 inner, i64 begin, i64 end, const void *px, void *pout) {                      \
    const type *xs = px;                                                                                               \
    type *out = pout;                                                                                                  \
    for (i64 r = begin; r < end && inner == 1; r++) {                                                                  \
      name##_row_##type(xs + r * red, red, out + r);                                                                   \
    }                                                                                                                  \
    for (i64 r = begin; r < end && inner > 1;) {                                                                       \
      i64 o = r / inner, c = r % inner;                                                                                \
      i64 count = inner - c < end - r ? inner - c : end - r;                                                           \
      count = count < STRIP ? count : STRIP;                                                                           \
      const type *column = xs + o * red * inner + c;                                                                   \
      type v[STRIP], nan[STRIP];                                                                                       \
      for (i64 k = 0; k < count; k++) {                                                                                \
        v[k] = start;                                                                                                  \
        nan[k] = 0;                                                                                                    \
      }                                                                                                                \
      for (i64 i = 0; i < red; i++) {                                                                                  \
        const type *row = column + i * inner;                                                                          \
        for (i64 k = 0; k < count; k++) {                                                                              \
          type x = row[k];                                                                                             \
          nan[k] = x == x ? nan[k] : x;                                                                                \
          x = of;                                                                                                      \
          v[k] = x sign v[k] ? x : v[k];                                                                               \
        }                                                                                                              \
      }                                                                                                                \
      for (i64 k = 0; k < count; k++) {                                                                                \
        out[r + k] = nan[k] == nan[k] ? v[k] : nan[k];                                                                 \
      }                                                                                                                \
      r += count;                                                                                                      \
    }                                                                                                                  \
  }
/* The place of the extreme, the first of equals. Of a row its value is found first, by the loop that is fast at that.
 */
#define ARG_FLOAT(name, type, extreme, better)                                                                         \
  static void name##_##type(i64 red, i64 inner, i64 begin, i64 end, const void *px, void *pout) {                      \
    const type *xs = px;                                                                                               \
    i64 *out = pout;                                                                                                   \
    for (i64 r = begin; r < end; r++) {                                                                                \
      const type *first = xs + (r / inner) * red * inner + r % inner;                                                  \
      i64 at = 0;                                                                                                      \
      if (inner == 1) {                                                                                                \
        type v;                                                                                                        \
        extreme##_row_##type(first, red, &v);                                                                          \
        while (at < red && !(first[at] == v || (v != v && first[at] != first[at]))) {                                  \
          at++;                                                                                                        \
        }                                                                                                              \
      } else {                                                                                                         \
        type v = first[0];                                                                                             \
        for (i64 i = 0; i < red; i++) {                                                                                \
          type x = first[i * inner];                                                                                   \
          if (better || (x != x && v == v)) {                                                                          \
            v = x;                                                                                                     \
            at = i;                                                                                                    \
          }                                                                                                            \
        }                                                                                                              \
      }                                                                                                                \
      out[r] = at;                                                                                                     \
    }                                                                                                                  \
  }
#define EXTREME_FLOAT(type, itype)                                                                                     \
  EXTREME(MAX, type, itype, -INFINITY, >, x, -1)                                                                       \
  EXTREME(MIN, type, itype, INFINITY, <, x, -1)                                                                        \
  ARG_FLOAT(ARGMAX, type, MAX, x > v)                                                                                  \
  ARG_FLOAT(ARGMIN, type, MIN, x < v)
EXTREME_FLOAT(f32, int32_t)
EXTREME_FLOAT(f64, i64)
EXTREME(MAXABS, f32, int32_t, 0, >, fabsf(x), INT32_MAX)
EXTREME(MAXABS, f64, i64, 0, >, fabs(x), INT64_MAX)
LANE_FOLD(MAX, i64, INT64_MIN, x > v ? x : v)
LANE_FOLD(MIN, i64, INT64_MAX, x < v ? x : v)
FOLD(
    ARGMAX, i64, i64, i64 v; i64 at, v = first[0]; at = 0,
                                                   if (x > v) {
                                                     v = x;
                                                     at = i;
                                                   },
                                                   at)
FOLD(
    ARGMIN, i64, i64, i64 v; i64 at, v = first[0]; at = 0,
                                                   if (x < v) {
                                                     v = x;
                                                     at = i;
                                                   },
                                                   at)
#define LOGIC(type)                                                                                                    \
  FOLD(ALL, type, uint8_t, uint8_t v, v = 1, v &= x != 0, v)                                                           \
  FOLD(ANY, type, uint8_t, uint8_t v, v = 0, v |= x != 0, v)
LOGIC(f32)
LOGIC(f64)
LOGIC(i64)

/* log(sum(exp(x))), shifted by the largest element; all -inf gives -inf. */
#define LOGSUMEXP_FOR(type, EXPF, LOGF)                                                                                \
  static void LOGSUMEXP_##type(i64 red, i64 inner, i64 begin, i64 end, const void *px, void *pout) {                   \
    const type *xs = px;                                                                                               \
    type *out = pout;                                                                                                  \
    for (i64 r = begin; r < end; r++) {                                                                                \
      const type *first = xs + (r / inner) * red * inner + r % inner;                                                  \
      type max = -INFINITY;                                                                                            \
      for (i64 i = 0; i < red; i++) {                                                                                  \
        type x = first[i * inner];                                                                                     \
        max = (x > max || x != x) ? x : max;                                                                           \
      }                                                                                                                \
      type shift = (max == INFINITY || max == -INFINITY) ? 0 : max, sum = 0;                                           \
      for (i64 i = 0; i < red; i++) {                                                                                  \
        sum += EXPF(first[i * inner] - shift);                                                                         \
      }                                                                                                                \
      out[r] = LOGF(sum) + shift;                                                                                      \
    }                                                                                                                  \
  }
LOGSUMEXP_FOR(f32, nl_expf, nl_logf)
LOGSUMEXP_FOR(f64, exp, log)

#define FLOATS(id) [NL_F32] = id##_f32, [NL_F64] = id##_f64
#define NUMBERS(id) FLOATS(id), [NL_I64] = id##_i64

extern const nl_reduce_kernels NL_ISA(nl_reduce_kernels);
const nl_reduce_kernels NL_ISA(nl_reduce_kernels) = {
    .reduce = {[NL_RED_SUM] = {NUMBERS(SUM)},
               [NL_RED_PROD] = {NUMBERS(PROD)},
               [NL_RED_MAX] = {NUMBERS(MAX)},
               [NL_RED_MIN] = {NUMBERS(MIN)},
               [NL_RED_ARGMAX] = {NUMBERS(ARGMAX)},
               [NL_RED_ARGMIN] = {NUMBERS(ARGMIN)},
               [NL_RED_SUMSQ] = {FLOATS(SUMSQ)},
               [NL_RED_SUMABS] = {FLOATS(SUMABS)},
               [NL_RED_MAXABS] = {FLOATS(MAXABS)},
               [NL_RED_LOGSUMEXP] = {FLOATS(LOGSUMEXP)},
               [NL_RED_ALL] = {NUMBERS(ALL)},
               [NL_RED_ANY] = {NUMBERS(ANY)}},
    .var = {[NL_F32] = var_f32, [NL_F64] = var_f64},
};
