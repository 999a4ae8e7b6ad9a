/* Elementwise kernels. Compiled once for each instruction set; each loop is written so that the compiler vectorizes
   it. The macros write one small function for each dtype: a loop is one line, and its name appears in a debugger. */
#include <math.h>

#include "kernels/kernels.h"
#include "kernels/libm.h"
#include "kernels/vmath.h"

typedef uint8_t u8;
typedef int64_t i64;
typedef float f32;
typedef double f64;

/* ---- unary ---- */

#define UNARY(id, type, expr)                                                                                          \
  static void id##_##type(int64_t n, void *out, const void *px) {                                                      \
    type *o = out;                                                                                                     \
    const type *xs = px;                                                                                               \
    NL_INDEPENDENT                                                                                                     \
    for (int64_t i = 0; i < n; i++) {                                                                                  \
      type x = xs[i];                                                                                                  \
      o[i] = (type)(expr);                                                                                             \
    }                                                                                                                  \
  }
#define UNARY_FLOATS(id, expr32, expr64)                                                                               \
  UNARY(id, f32, expr32)                                                                                               \
  UNARY(id, f64, expr64)

UNARY_FLOATS(NEG, -x, -x)
UNARY(NEG, i64, (i64)(0 - (uint64_t)x))
UNARY(NEG, u8, -x)
UNARY_FLOATS(ABS, fabsf(x), fabs(x))
UNARY(ABS, i64, x < 0 ? (i64)(0 - (uint64_t)x) : x)
UNARY(ABS, u8, x)
UNARY_FLOATS(SIGN, (f32)((x > 0) - (x < 0)), (f64)((x > 0) - (x < 0)))
UNARY(SIGN, i64, (x > 0) - (x < 0))
UNARY(SIGN, u8, x > 0)
UNARY_FLOATS(SQUARE, x *x, x *x)
UNARY(SQUARE, i64, (i64)((uint64_t)x *(uint64_t)x))
UNARY(SQUARE, u8, x *x)
UNARY(EXP, f32, nl_expf(x))
NL_UNARY_BLOCKS(EXP, f64, exp(x))
UNARY(LOG, f32, nl_logf(x))
NL_UNARY_BLOCKS(LOG, f64, log(x))
UNARY(LOG1P, f32, nl_log1pf(x))
NL_UNARY_BLOCKS(LOG1P, f64, log1p(x))
UNARY_FLOATS(SQRT, sqrtf(x), sqrt(x))
UNARY(TANH, f32, nl_tanhf(x))
NL_UNARY_BLOCKS(TANH, f64, tanh(x))
UNARY(SIGMOID, f32, nl_sigmoidf(x))
NL_UNARY_BLOCKS(SIGMOID, f64, nl_sigmoid(x))
UNARY_FLOATS(RELU, x < 0 ? 0 : x, x < 0 ? 0 : x)
UNARY(RELU, i64, x < 0 ? 0 : x)
UNARY(RELU, u8, x)
UNARY(SOFTPLUS, f32, nl_softplusf(x))
NL_UNARY_BLOCKS(SOFTPLUS, f64, nl_softplus(x))

NL_UNARY_BLOCKS(ERF, f32, erff(x))
NL_UNARY_BLOCKS(ERF, f64, erf(x))
NL_UNARY_BLOCKS(SIN, f32, sinf(x))
NL_UNARY_BLOCKS(SIN, f64, sin(x))
NL_UNARY_BLOCKS(COS, f32, cosf(x))
NL_UNARY_BLOCKS(COS, f64, cos(x))
UNARY_FLOATS(FLOOR, floorf(x), floor(x))
UNARY(FLOOR, i64, x)
UNARY(FLOOR, u8, x)

#define NOT(type)                                                                                                      \
  static void NOT_##type(int64_t n, void *out, const void *px) {                                                       \
    u8 *o = out;                                                                                                       \
    const type *xs = px;                                                                                               \
    NL_INDEPENDENT                                                                                                     \
    for (int64_t i = 0; i < n; i++) {                                                                                  \
      o[i] = xs[i] == 0;                                                                                               \
    }                                                                                                                  \
  }
NOT(f32)
NOT(f64)
NOT(i64)
NOT(u8)

/* ---- binary ---- */

/* One vector loop for each way to step, since a step known to be 1 or 0 is what lets the compiler vectorize. */
#define LOOPS(otype, type, expr)                                                                                       \
  otype *o = out;                                                                                                      \
  const type *as = pa, *bs = pb;                                                                                       \
  if (astep && bstep) {                                                                                                \
    NL_INDEPENDENT                                                                                                     \
    for (int64_t i = 0; i < n; i++) {                                                                                  \
      type a = as[i], b = bs[i];                                                                                       \
      o[i] = (otype)(expr);                                                                                            \
    }                                                                                                                  \
  } else if (astep) {                                                                                                  \
    type b = *bs;                                                                                                      \
    NL_INDEPENDENT                                                                                                     \
    for (int64_t i = 0; i < n; i++) {                                                                                  \
      type a = as[i];                                                                                                  \
      o[i] = (otype)(expr);                                                                                            \
    }                                                                                                                  \
  } else {                                                                                                             \
    type a = *as;                                                                                                      \
    NL_INDEPENDENT                                                                                                     \
    for (int64_t i = 0; i < n; i++) {                                                                                  \
      type b = bs[bstep ? i : 0];                                                                                      \
      o[i] = (otype)(expr);                                                                                            \
    }                                                                                                                  \
  }

#define BINARY(id, type, expr)                                                                                         \
  static void id##_##type(int64_t n, void *out, const void *pa, int astep, const void *pb, int bstep) {                \
    LOOPS(type, type, expr)                                                                                            \
  }
#define BINARY_FLOATS(id, expr)                                                                                        \
  BINARY(id, f32, expr)                                                                                                \
  BINARY(id, f64, expr)

/* Integers wrap around, as NumPy's do; the detour over unsigned keeps that defined in C. */
BINARY_FLOATS(ADD, a + b)
BINARY(ADD, i64, (uint64_t)a + (uint64_t)b)
BINARY(ADD, u8, a + b)
BINARY_FLOATS(SUB, a - b)
BINARY(SUB, i64, (uint64_t)a - (uint64_t)b)
BINARY(SUB, u8, a - b)
/* Times 1 in place nothing changes: a clip that does not clip costs no pass over the gradients. */
#define MUL_FLOAT(type)                                                                                                \
  static void MUL_##type(int64_t n, void *out, const void *pa, int astep, const void *pb, int bstep) {                 \
    if (out == pa && astep && !bstep && *(const type *)pb == 1) {                                                      \
      return;                                                                                                          \
    }                                                                                                                  \
    LOOPS(type, type, a *b)                                                                                            \
  }
MUL_FLOAT(f32)
MUL_FLOAT(f64)
BINARY(MUL, i64, (uint64_t)a *(uint64_t)b)
BINARY(MUL, u8, a *b)
BINARY_FLOATS(DIV, a / b)
NL_BINARY_BLOCKS(POW, f32, powf(a, b))
NL_BINARY_BLOCKS(POW, f64, pow(a, b))
static i64 ipow(i64 a, i64 b) {
  if (b < 0) {
    return a == 1 ? 1 : (a == -1 ? ((b & 1) ? -1 : 1) : 0);
  }
  uint64_t r = 1, base = (uint64_t)a;
  for (; b; b >>= 1) {
    r *= (b & 1) ? base : 1;
    base *= base;
  }
  return (i64)r;
}
BINARY(POW, i64, ipow(a, b))
BINARY(POW, u8, ipow(a, b))
BINARY_FLOATS(MAXIMUM, (a > b || a != a) ? a : b)
BINARY(MAXIMUM, i64, a > b ? a : b)
BINARY(MAXIMUM, u8, a > b ? a : b)
BINARY_FLOATS(MINIMUM, (a < b || a != a) ? a : b)
BINARY(MINIMUM, i64, a < b ? a : b)
BINARY(MINIMUM, u8, a < b ? a : b)
/* a: gradient, b: the function's output */
BINARY_FLOATS(TANH_BACKWARD, a *(1 - b * b))
BINARY_FLOATS(SIGMOID_BACKWARD, a *(b *(1 - b)))
BINARY_FLOATS(RELU_BACKWARD, b > 0 ? a : 0)

#define COMPARE(id, type, expr)                                                                                        \
  static void id##_##type(int64_t n, void *out, const void *pa, int astep, const void *pb, int bstep) {                \
    LOOPS(u8, type, expr)                                                                                              \
  }
#define COMPARE_ALL(id, expr)                                                                                          \
  COMPARE(id, f32, expr)                                                                                               \
  COMPARE(id, f64, expr)                                                                                               \
  COMPARE(id, i64, expr)                                                                                               \
  COMPARE(id, u8, expr)
COMPARE_ALL(EQ, a == b)
COMPARE_ALL(NE, a != b)
COMPARE_ALL(LT, a < b)
COMPARE_ALL(LE, a <= b)
COMPARE_ALL(GT, a > b)
COMPARE_ALL(GE, a >= b)

/* ---- clamp, select, cast ---- */

/* NaN stays NaN. Where lo > hi the result is hi, as in NumPy and PyTorch. */
#define CLAMP(type)                                                                                                    \
  static void clamp_##type(int64_t n, void *out, const void *px, double dlo, double dhi) {                             \
    type *o = out;                                                                                                     \
    const type *xs = px;                                                                                               \
    type lo = (type)dlo, hi = (type)dhi;                                                                               \
    NL_INDEPENDENT                                                                                                     \
    for (int64_t i = 0; i < n; i++) {                                                                                  \
      type x = xs[i] < lo ? lo : xs[i];                                                                                \
      o[i] = x > hi ? hi : x;                                                                                          \
    }                                                                                                                  \
  }
CLAMP(f32)
CLAMP(f64)
#define SAT(d, min, max) ((d) <= (double)(min) ? (min) : ((d) >= (double)(max) ? (max) : (i64)(d)))
static void clamp_i64(int64_t n, void *out, const void *px, double dlo, double dhi) {
  i64 *o = out;
  const i64 *xs = px;
  i64 lo = SAT(dlo, INT64_MIN, INT64_MAX), hi = SAT(dhi, INT64_MIN, INT64_MAX);
  for (int64_t i = 0; i < n; i++) {
    i64 x = xs[i] < lo ? lo : xs[i];
    o[i] = x > hi ? hi : x;
  }
}
static void clamp_u8(int64_t n, void *out, const void *px, double dlo, double dhi) {
  u8 *o = out;
  const u8 *xs = px;
  i64 lo = SAT(dlo, 0, 255), hi = SAT(dhi, 0, 255);
  for (int64_t i = 0; i < n; i++) {
    i64 x = xs[i] < lo ? lo : xs[i];
    o[i] = (u8)(x > hi ? hi : x);
  }
}

#define ELU(type, EXPM1)                                                                                               \
  static void elu_##type(int64_t n, void *out, const void *px, double dalpha) {                                        \
    type *o = out, alpha = (type)dalpha;                                                                               \
    const type *xs = px;                                                                                               \
    NL_INDEPENDENT                                                                                                     \
    for (int64_t i = 0; i < n; i++) {                                                                                  \
      type x = xs[i];                                                                                                  \
      type low = alpha * EXPM1(x < 0 ? x : 0);                                                                         \
      o[i] = x < 0 ? low : x;                                                                                          \
    }                                                                                                                  \
  }
ELU(f32, nl_expm1f_negative)

NL_UNARY_BLOCKS(EXPM1_NEGATIVE, f64, expm1(x < 0 ? x : 0))
static void elu_f64(int64_t n, void *out, const void *px, double alpha) {
  enum { STRIP = 256 };
  f64 *o = out, low[STRIP];
  const f64 *xs = px;
  for (int64_t i = 0; i < n; i += STRIP) {
    int64_t m = n - i < STRIP ? n - i : STRIP;
    EXPM1_NEGATIVE_f64(m, low, xs + i);
    NL_INDEPENDENT
    for (int64_t k = 0; k < m; k++) {
      o[i + k] = xs[i + k] < 0 ? alpha * low[k] : xs[i + k];
    }
  }
}

#define ELU_BACKWARD(type)                                                                                             \
  static void elu_backward_##type(int64_t n, void *out, const void *pg, int gstep, const void *px, int xstep,          \
                                  const void *py, int ystep, double dalpha) {                                          \
    type *o = out;                                                                                                     \
    const type *gs = pg, *xs = px, *ys = py, alpha = (type)dalpha;                                                     \
    if (gstep && xstep && ystep) {                                                                                     \
      NL_INDEPENDENT                                                                                                   \
      for (int64_t i = 0; i < n; i++) {                                                                                \
        type low = gs[i] * (ys[i] + alpha);                                                                            \
        o[i] = xs[i] > 0 ? gs[i] : low;                                                                                \
      }                                                                                                                \
      return;                                                                                                          \
    }                                                                                                                  \
    for (int64_t i = 0; i < n; i++) {                                                                                  \
      type g = gs[i * gstep], low = g * (ys[i * ystep] + alpha);                                                       \
      o[i] = xs[i * xstep] > 0 ? g : low;                                                                              \
    }                                                                                                                  \
  }
ELU_BACKWARD(f32)
ELU_BACKWARD(f64)

#define SELECT_LOOP(a, b)                                                                                              \
  NL_INDEPENDENT                                                                                                       \
  for (int64_t i = 0; i < n; i++) {                                                                                    \
    o[i] = cond[i] ? (a) : (b);                                                                                        \
  }
#define SELECT(type)                                                                                                   \
  static void select_##type(int64_t n, void *out, const uint8_t *cond, const void *pa, int astep, const void *pb,      \
                            int bstep) {                                                                               \
    type *o = out;                                                                                                     \
    const type *as = pa, *bs = pb, a = n ? *as : 0, b = n ? *bs : 0;                                                   \
    if (astep && bstep) {                                                                                              \
      SELECT_LOOP(as[i], bs[i])                                                                                        \
    } else if (astep) {                                                                                                \
      SELECT_LOOP(as[i], b)                                                                                            \
    } else if (bstep) {                                                                                                \
      SELECT_LOOP(a, bs[i])                                                                                            \
    } else {                                                                                                           \
      SELECT_LOOP(a, b)                                                                                                \
    }                                                                                                                  \
  }
SELECT(f32)
SELECT(f64)
SELECT(i64)
SELECT(u8)

/* Float to integer truncates; what int64 cannot hold becomes its smallest value, so that every input has one
   answer. */
static inline i64 to_i64(double v) {
  return v >= -0x1p63 && v < 0x1p63 ? (i64)v : INT64_MIN;
}
#define CAST(to, from, expr)                                                                                           \
  static void cast_##to##_##from(int64_t n, void *out, const void *px) {                                               \
    CAST_TYPE_##to *o = out;                                                                                           \
    const CAST_TYPE_##from *xs = px;                                                                                   \
    NL_INDEPENDENT                                                                                                     \
    for (int64_t i = 0; i < n; i++) {                                                                                  \
      CAST_TYPE_##from x = xs[i];                                                                                      \
      o[i] = (CAST_TYPE_##to)(expr);                                                                                   \
    }                                                                                                                  \
  }
#define CAST_TYPE_f32 f32
#define CAST_TYPE_f64 f64
#define CAST_TYPE_i64 i64
#define CAST_TYPE_u8 u8
#define CAST_TYPE_b8 u8
CAST(f32, f32, x)
CAST(f32, f64, x)
CAST(f32, i64, x)
CAST(f32, u8, x)
CAST(f64, f32, x)
CAST(f64, f64, x)
CAST(f64, i64, x)
CAST(f64, u8, x)
CAST(i64, f32, to_i64(x))
CAST(i64, f64, to_i64(x))
CAST(i64, i64, x)
CAST(i64, u8, x)
CAST(u8, f32, (u8)to_i64(x))
CAST(u8, f64, (u8)to_i64(x))
CAST(u8, i64, x)
CAST(u8, u8, x)
CAST(b8, f32, x != 0)
CAST(b8, f64, x != 0)
CAST(b8, i64, x != 0)
CAST(b8, u8, x != 0)

/* ---- the table ---- */

#define FLOATS(id) [NL_F32] = id##_f32, [NL_F64] = id##_f64
#define NUMBERS(id) FLOATS(id), [NL_I64] = id##_i64, [NL_U8] = id##_u8
#define ALL(id) NUMBERS(id), [NL_BOOL] = id##_u8
#define CASTS(to)                                                                                                      \
  {                                                                                                                    \
    [NL_F32] = cast_##to##_f32, [NL_F64] = cast_##to##_f64, [NL_I64] = cast_##to##_i64, [NL_U8] = cast_##to##_u8,      \
    [NL_BOOL] = cast_##to##_u8                                                                                         \
  }

extern const nl_elementwise_kernels NL_ISA(nl_elementwise_kernels);
const nl_elementwise_kernels NL_ISA(nl_elementwise_kernels) = {
    .unary = {[NL_UN_NEG] = {NUMBERS(NEG)},
              [NL_UN_ABS] = {NUMBERS(ABS)},
              [NL_UN_SIGN] = {NUMBERS(SIGN)},
              [NL_UN_SQUARE] = {NUMBERS(SQUARE)},
              [NL_UN_EXP] = {FLOATS(EXP)},
              [NL_UN_LOG] = {FLOATS(LOG)},
              [NL_UN_LOG1P] = {FLOATS(LOG1P)},
              [NL_UN_SQRT] = {FLOATS(SQRT)},
              [NL_UN_TANH] = {FLOATS(TANH)},
              [NL_UN_SIGMOID] = {FLOATS(SIGMOID)},
              [NL_UN_RELU] = {NUMBERS(RELU)},
              [NL_UN_SOFTPLUS] = {FLOATS(SOFTPLUS)},
              [NL_UN_ERF] = {FLOATS(ERF)},
              [NL_UN_SIN] = {FLOATS(SIN)},
              [NL_UN_COS] = {FLOATS(COS)},
              [NL_UN_FLOOR] = {NUMBERS(FLOOR)},
              [NL_UN_NOT] = {ALL(NOT)}},
    .binary = {[NL_BIN_ADD] = {NUMBERS(ADD)},
               [NL_BIN_SUB] = {NUMBERS(SUB)},
               [NL_BIN_MUL] = {NUMBERS(MUL)},
               [NL_BIN_DIV] = {FLOATS(DIV)},
               [NL_BIN_POW] = {NUMBERS(POW)},
               [NL_BIN_MAXIMUM] = {ALL(MAXIMUM)},
               [NL_BIN_MINIMUM] = {ALL(MINIMUM)},
               [NL_BIN_TANH_BACKWARD] = {FLOATS(TANH_BACKWARD)},
               [NL_BIN_SIGMOID_BACKWARD] = {FLOATS(SIGMOID_BACKWARD)},
               [NL_BIN_RELU_BACKWARD] = {FLOATS(RELU_BACKWARD)}},
    .compare = {[NL_CMP_EQ] = {ALL(EQ)},
                [NL_CMP_NE] = {ALL(NE)},
                [NL_CMP_LT] = {ALL(LT)},
                [NL_CMP_LE] = {ALL(LE)},
                [NL_CMP_GT] = {ALL(GT)},
                [NL_CMP_GE] = {ALL(GE)}},
    .clamp = {[NL_F32] = clamp_f32, [NL_F64] = clamp_f64, [NL_I64] = clamp_i64, [NL_U8] = clamp_u8},
    .elu = {[NL_F32] = elu_f32, [NL_F64] = elu_f64},
    .elu_backward = {[NL_F32] = elu_backward_f32, [NL_F64] = elu_backward_f64},
    .select = {ALL(select)},
    .cast = {[NL_F32] = CASTS(f32),
             [NL_F64] = CASTS(f64),
             [NL_I64] = CASTS(i64),
             [NL_U8] = CASTS(u8),
             [NL_BOOL] = CASTS(b8)},
};
