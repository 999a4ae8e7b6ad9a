/* The elementwise functions beyond those that nets are made of. Compiled once for each instruction set. */
#include "kernels/kernels.h"
#include "kernels/libm.h"
#include "kernels/special.h"

typedef uint8_t u8;
typedef int64_t i64;
typedef float f32;
typedef double f64;

/* ---- unary ---- */

#define UNARY(id, type, otype, expr)                                                                                   \
  static void id##_##type(int64_t n, void *out, const void *px) {                                                      \
    otype *o = out;                                                                                                    \
    const type *xs = px;                                                                                               \
    NL_INDEPENDENT                                                                                                     \
    for (int64_t i = 0; i < n; i++) {                                                                                  \
      type x = xs[i];                                                                                                  \
      o[i] = (otype)(expr);                                                                                            \
    }                                                                                                                  \
  }
#define LIBM(id, fn) NL_UNARY_BLOCKS(id, f32, fn##f(x)) NL_UNARY_BLOCKS(id, f64, fn(x))
#define BOTH(id, expr)                                                                                                 \
  UNARY(id, f32, f32, expr)                                                                                            \
  UNARY(id, f64, f64, expr)
/* functions that leave whole numbers as they are */
#define ROUNDING(id, fn)                                                                                               \
  UNARY(id, f32, f32, fn##f(x))                                                                                        \
  UNARY(id, f64, f64, fn(x))                                                                                           \
  UNARY(id, i64, i64, x)                                                                                               \
  UNARY(id, u8, u8, x)
/* questions about floats, whose answer is known for whole numbers */
#define QUESTION(id, expr, whole)                                                                                      \
  UNARY(id, f32, u8, expr)                                                                                             \
  UNARY(id, f64, u8, expr)                                                                                             \
  UNARY(id, i64, u8, ((void)x, whole))                                                                                 \
  UNARY(id, u8, u8, ((void)x, 0))

LIBM(EXP2, exp2)
LIBM(EXPM1, expm1)
LIBM(LOG2, log2)
LIBM(LOG10, log10)
LIBM(CBRT, cbrt)
LIBM(TAN, tan)
LIBM(ASIN, asin)
LIBM(ACOS, acos)
LIBM(ATAN, atan)
LIBM(SINH, sinh)
LIBM(COSH, cosh)
LIBM(ASINH, asinh)
LIBM(ACOSH, acosh)
LIBM(ATANH, atanh)
LIBM(ERFC, erfc)
UNARY(RSQRT, f32, f32, 1.0f / sqrtf(x))
UNARY(RSQRT, f64, f64, 1.0 / sqrt(x))
BOTH(RECIPROCAL, 1 / x)
BOTH(ERFINV, nl_erfinv(x))
BOTH(LGAMMA, nl_lgamma(x))
BOTH(DIGAMMA, nl_digamma(x))
/* The sine repeats: what is left of x after whole turns is exact. */
NL_UNARY_BLOCKS(SINC, f32, x == 0 ? 1.0f : sinf((f32)M_PI * (x - 2 * rintf(x * 0.5f))) / ((f32)M_PI * x))
NL_UNARY_BLOCKS(SINC, f64, x == 0 ? 1.0 : sin(M_PI * (x - 2 * rint(x * 0.5))) / (M_PI * x))
NL_UNARY_BLOCKS(GELU, f32, x * 0.5f * erfcf(x * -(f32)M_SQRT1_2))
NL_UNARY_BLOCKS(GELU, f64, x * 0.5 * erfc(x * -M_SQRT1_2))
UNARY(SPACING, f32, f32, copysignf(nextafterf(fabsf(x), INFINITY) - fabsf(x), x))
UNARY(SPACING, f64, f64, copysign(nextafter(fabs(x), INFINITY) - fabs(x), x))
ROUNDING(CEIL, ceil)
ROUNDING(ROUND, rint)
ROUNDING(TRUNC, trunc)
UNARY(FRAC, f32, f32, x - truncf(x))
UNARY(FRAC, f64, f64, x - trunc(x))
QUESTION(ISNAN, x != x, 0)
QUESTION(ISINF, x == INFINITY || x == -INFINITY, 0)
UNARY(ISFINITE, f32, u8, x - x == 0)
UNARY(ISFINITE, f64, u8, x - x == 0)
QUESTION(ISPOSINF, x == INFINITY, 0)
QUESTION(ISNEGINF, x == -INFINITY, 0)
QUESTION(SIGNBIT, signbit(x) != 0, x < 0)
static void ISFINITE_whole(int64_t n, void *out, const void *px) {
  (void)px;
  memset(out, 1, (size_t)n);
}
UNARY(BITNOT, i64, i64, ~x)
UNARY(BITNOT, u8, u8, ~x)
static void BITNOT_bool(int64_t n, void *out, const void *px) {
  const u8 *xs = px;
  u8 *o = out;
  for (int64_t i = 0; i < n; i++) {
    o[i] = !xs[i];
  }
}

/* ---- binary ---- */

#define LOOPS(otype, type, expr)                                                                                       \
  otype *o = out;                                                                                                      \
  const type *as = pa, *bs = pb;                                                                                       \
  if (astep && bstep) {                                                                                                \
    NL_INDEPENDENT                                                                                                     \
    for (int64_t i = 0; i < n; i++) {                                                                                  \
      type a = as[i], b = bs[i];                                                                                       \
      o[i] = (otype)(expr);                                                                                            \
    }                                                                                                                  \
    return;                                                                                                            \
  }                                                                                                                    \
  for (int64_t i = 0; i < n; i++) {                                                                                    \
    type a = as[i * astep], b = bs[i * bstep];                                                                         \
    o[i] = (otype)(expr);                                                                                              \
  }
#define BINARY(id, type, expr)                                                                                         \
  static void id##_##type(int64_t n, void *out, const void *pa, int astep, const void *pb, int bstep) {                \
    LOOPS(type, type, expr)                                                                                            \
  }
#define BINARY_LIBM(id, fn) NL_BINARY_BLOCKS(id, f32, fn##f(a, b)) NL_BINARY_BLOCKS(id, f64, fn(a, b))
#define WHOLE(id, expr)                                                                                                \
  BINARY(id, i64, expr)                                                                                                \
  BINARY(id, u8, expr)

/* Python's and NumPy's: the remainder has the sign of the divisor, and the quotient is rounded down. Dividing a whole
   number by 0 gives 0, as NumPy has it; INT64_MIN // -1 wraps. */
static inline i64 floor_divide_i64(i64 a, i64 b) {
  if (b == 0) {
    return 0;
  }
  if (b == -1) {
    return (i64)(0 - (uint64_t)a);
  }
  i64 q = a / b;
  return q - (a % b != 0 && (a < 0) != (b < 0));
}
static inline i64 remainder_i64(i64 a, i64 b) {
  if (b == 0 || b == -1) {
    return 0;
  }
  i64 r = a % b;
  return r + (r != 0 && (r < 0) != (b < 0) ? b : 0);
}
static inline i64 fmod_i64(i64 a, i64 b) {
  return b == 0 || b == -1 ? 0 : a % b;
}
static inline f64 remainder_f64(f64 a, f64 b) {
  f64 r = fmod(a, b);
  return r != 0 && (r < 0) != (b < 0) ? r + b : r;
}
/* From the exact remainder, so that (a // b) * b + a % b is a. */
static inline f64 floor_divide_f64(f64 a, f64 b) {
  if (b == 0) {
    return a / b;
  }
  f64 r = fmod(a, b), q = (a - r) / b;
  if (r != 0 && (r < 0) != (b < 0)) {
    q -= 1;
  }
  if (q == 0) {
    return copysign(0, a / b);
  }
  f64 whole = floor(q);
  return q - whole > 0.5 ? whole + 1 : whole;
}
static inline i64 gcd_i64(i64 a, i64 b) {
  uint64_t x = a < 0 ? 0 - (uint64_t)a : (uint64_t)a, y = b < 0 ? 0 - (uint64_t)b : (uint64_t)b;
  while (y) {
    uint64_t t = x % y;
    x = y;
    y = t;
  }
  return (i64)x;
}
static inline i64 lcm_i64(i64 a, i64 b) {
  i64 g = gcd_i64(a, b);
  uint64_t x = a < 0 ? 0 - (uint64_t)a : (uint64_t)a, y = b < 0 ? 0 - (uint64_t)b : (uint64_t)b;
  return g ? (i64)(x / (uint64_t)g * y) : 0;
}
static inline f64 logaddexp_f64(f64 a, f64 b) {
  f64 hi = a > b ? a : b, lo = a > b ? b : a;
  return a != a || b != b ? NAN : (hi == lo && hi - hi != 0 ? hi : hi + log1p(exp(lo - hi)));
}
static inline f64 logaddexp2_f64(f64 a, f64 b) {
  f64 hi = a > b ? a : b, lo = a > b ? b : a;
  return a != a || b != b ? NAN : (hi == lo && hi - hi != 0 ? hi : hi + log1p(exp2(lo - hi)) * 1.44269504088896340736);
}

#define THROUGH_F64(id, fn)                                                                                            \
  BINARY(id, f32, fn(a, b))                                                                                            \
  BINARY(id, f64, fn(a, b))

BINARY_LIBM(ATAN2, atan2)
BINARY_LIBM(HYPOT, hypot)
THROUGH_F64(FMOD, fmod)
WHOLE(FMOD, fmod_i64(a, b))
THROUGH_F64(REMAINDER, remainder_f64)
WHOLE(REMAINDER, remainder_i64(a, b))
THROUGH_F64(FLOOR_DIVIDE, floor_divide_f64)
WHOLE(FLOOR_DIVIDE, floor_divide_i64(a, b))
NL_BINARY_BLOCKS(LOGADDEXP, f32, logaddexp_f64(a, b))
NL_BINARY_BLOCKS(LOGADDEXP, f64, logaddexp_f64(a, b))
NL_BINARY_BLOCKS(LOGADDEXP2, f32, logaddexp2_f64(a, b))
NL_BINARY_BLOCKS(LOGADDEXP2, f64, logaddexp2_f64(a, b))
NL_BINARY_BLOCKS(XLOGY, f32, b != b ? NAN : (a == 0 ? 0 : a * logf(b)))
NL_BINARY_BLOCKS(XLOGY, f64, b != b ? NAN : (a == 0 ? 0 : a * log(b)))
NL_BINARY_BLOCKS(XLOG1PY, f32, b != b ? NAN : (a == 0 ? 0 : a * log1pf(b)))
NL_BINARY_BLOCKS(XLOG1PY, f64, b != b ? NAN : (a == 0 ? 0 : a * log1p(b)))
BINARY(COPYSIGN, f32, copysignf(a, b))
BINARY(COPYSIGN, f64, copysign(a, b))
BINARY(NEXTAFTER, f32, nextafterf(a, b))
BINARY(NEXTAFTER, f64, nextafter(a, b))
/* fmax and fmin take the other one where one is nan */
BINARY(FMAX, f32, fmaxf(a, b))
BINARY(FMAX, f64, fmax(a, b))
WHOLE(FMAX, a > b ? a : b)
BINARY(FMIN, f32, fminf(a, b))
BINARY(FMIN, f64, fmin(a, b))
WHOLE(FMIN, a < b ? a : b)
BINARY(HEAVISIDE, f32, a != a ? a : (a == 0 ? b : (a > 0)))
BINARY(HEAVISIDE, f64, a != a ? a : (a == 0 ? b : (a > 0)))
WHOLE(HEAVISIDE, a == 0 ? b : (a > 0))
WHOLE(GCD, gcd_i64(a, b))
WHOLE(LCM, lcm_i64(a, b))
WHOLE(BITAND, a &b)
WHOLE(BITOR, a | b)
WHOLE(BITXOR, a ^ b)
/* Shifts by more bits than there are, or by a negative number, move everything out: 0, or -1 for a negative number
   shifted right. */
BINARY(SHL, i64, b<0 || b> 63 ? 0 : (uint64_t)a << b)
BINARY(SHL, u8, b > 7 ? 0 : a << b)
BINARY(SHR, i64, b<0 || b> 63 ? (a < 0 ? -1 : 0) : (a >> b))
BINARY(SHR, u8, b > 7 ? 0 : a >> b)
/* polygamma(n, x): a is n */
THROUGH_F64(POLYGAMMA, nl_polygamma)

#define F(id) [NL_F32] = id##_f32, [NL_F64] = id##_f64
#define W(id) [NL_I64] = id##_i64, [NL_U8] = id##_u8
#define WB(id) W(id), [NL_BOOL] = id##_u8
#define ALL(id) F(id), WB(id)

extern const nl_math_kernels NL_ISA(nl_math_kernels);
const nl_math_kernels NL_ISA(nl_math_kernels) = {
#define UN(id, ...) [NL_UN_##id - NL_MATH_UNARY] = {__VA_ARGS__}
#define BIN(id, ...) [NL_BIN_##id - NL_MATH_BINARY] = {__VA_ARGS__}
    .unary = {UN(EXP2, F(EXP2)),
              UN(EXPM1, F(EXPM1)),
              UN(LOG2, F(LOG2)),
              UN(LOG10, F(LOG10)),
              UN(CBRT, F(CBRT)),
              UN(TAN, F(TAN)),
              UN(ASIN, F(ASIN)),
              UN(ACOS, F(ACOS)),
              UN(ATAN, F(ATAN)),
              UN(SINH, F(SINH)),
              UN(COSH, F(COSH)),
              UN(ASINH, F(ASINH)),
              UN(ACOSH, F(ACOSH)),
              UN(ATANH, F(ATANH)),
              UN(ERFC, F(ERFC)),
              UN(RSQRT, F(RSQRT)),
              UN(RECIPROCAL, F(RECIPROCAL)),
              UN(ERFINV, F(ERFINV)),
              UN(LGAMMA, F(LGAMMA)),
              UN(DIGAMMA, F(DIGAMMA)),
              UN(GELU, F(GELU)),
              UN(SPACING, F(SPACING)),
              UN(SINC, F(SINC)),
              UN(CEIL, F(CEIL), W(CEIL)),
              UN(ROUND, F(ROUND), W(ROUND)),
              UN(TRUNC, F(TRUNC), W(TRUNC)),
              UN(FRAC, F(FRAC)),
              UN(ISNAN, ALL(ISNAN)),
              UN(ISINF, ALL(ISINF)),
              UN(ISFINITE,
                 F(ISFINITE), [NL_I64] = ISFINITE_whole, [NL_U8] = ISFINITE_whole, [NL_BOOL] = ISFINITE_whole),
              UN(ISPOSINF, ALL(ISPOSINF)),
              UN(ISNEGINF, ALL(ISNEGINF)),
              UN(SIGNBIT, ALL(SIGNBIT)),
              UN(BITNOT, W(BITNOT), [NL_BOOL] = BITNOT_bool)},
    .binary = {BIN(ATAN2, F(ATAN2)),
               BIN(HYPOT, F(HYPOT)),
               BIN(FMOD, F(FMOD), W(FMOD)),
               BIN(REMAINDER, F(REMAINDER), W(REMAINDER)),
               BIN(FLOOR_DIVIDE, F(FLOOR_DIVIDE), W(FLOOR_DIVIDE)),
               BIN(LOGADDEXP, F(LOGADDEXP)),
               BIN(LOGADDEXP2, F(LOGADDEXP2)),
               BIN(XLOGY, F(XLOGY)),
               BIN(XLOG1PY, F(XLOG1PY)),
               BIN(COPYSIGN, F(COPYSIGN)),
               BIN(NEXTAFTER, F(NEXTAFTER)),
               BIN(FMAX, F(FMAX), WB(FMAX)),
               BIN(FMIN, F(FMIN), WB(FMIN)),
               BIN(HEAVISIDE, F(HEAVISIDE), WB(HEAVISIDE)),
               BIN(GCD, W(GCD)),
               BIN(LCM, W(LCM)),
               BIN(BITAND, WB(BITAND)),
               BIN(BITOR, WB(BITOR)),
               BIN(BITXOR, WB(BITXOR)),
               BIN(SHL, W(SHL)),
               BIN(SHR, W(SHR)),
               BIN(POLYGAMMA, F(POLYGAMMA))},
};
