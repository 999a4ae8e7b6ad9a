/* Elementary functions in float32, branch-free, so that the compiler turns loops over them into vector code. Range
   reduction and polynomials follow Cody & Waite (1980) with Cephes' minimax coefficients (Moshier, expf.c, logf.c,
   tanhf.c). Bounds, tested against float64 in tests/c/test_vmath.c:
     exp 2 ulp, log 2 ulp, log1p 3 ulp, tanh 3 ulp, sigmoid 3 ulp, softplus 4 ulp, expm1 of x <= 0 (elu) 5 ulp.
   float64 uses the C library. */
#ifndef NL_KERNELS_VMATH_H
#define NL_KERNELS_VMATH_H

#include <math.h>
#include <stdint.h>
#include <string.h>

static inline float nl_bits_to_float(int32_t i) {
  float f;
  memcpy(&f, &i, sizeof f);
  return f;
}

static inline int32_t nl_float_to_bits(float f) {
  int32_t i;
  memcpy(&i, &f, sizeof i);
  return i;
}

/* The nearest integer of |x| < 2^22, as a float: adding and taking away 1.5 * 2^23 rounds. */
static inline float nl_roundf(float x) {
  return (x + 12582912.0f) - 12582912.0f;
}

/* exp(r) - 1 for x = n ln 2 + r with |r| <= ln 2 / 2; n comes out as a whole number. */
static inline float nl_exp_reduced(float x, float *n) {
  *n = nl_roundf(x * 1.44269504088896341f);
  float r = x - *n * 0.693359375f;
  r = r - *n * -2.12194440e-4f;
  float p = 1.9875691500e-4f;
  p = p * r + 1.3981999507e-3f;
  p = p * r + 8.3334519073e-3f;
  p = p * r + 4.1665795894e-2f;
  p = p * r + 1.6666665459e-1f;
  p = p * r + 5.0000001201e-1f;
  return p * (r * r) + r;
}

static inline float nl_expf(float x) {
  float c = x < 89.0f ? x : 89.0f; /* nan too, so that the conversion below is defined */
  c = c < -104.0f ? -104.0f : c;
  float n, p = nl_exp_reduced(c, &n) + 1.0f;
  /* 2^n in two factors, so that results below the normal range round once, and 2^128 is reached */
  int32_t i = (int32_t)n;
  int32_t half = i >> 1;
  float y = p * nl_bits_to_float((half + 127) << 23);
  y = y * nl_bits_to_float((i - half + 127) << 23);
  return x != x ? x : y;
}

static inline float nl_logf(float x) {
  /* denormals are brought into the normal range */
  int tiny = x < 1.17549435e-38f;
  float s = tiny ? x * 8388608.0f : x;
  int32_t bits = nl_float_to_bits(s);
  int32_t e = ((bits >> 23) & 0xff) - 126;
  e = tiny ? e - 23 : e;
  float m = nl_bits_to_float((bits & 0x007fffff) | 0x3f000000); /* [0.5, 1) */
  int low = m < 0.707106781186547524f;
  float fe = (float)(low ? e - 1 : e);
  m = low ? m + m - 1.0f : m - 1.0f;
  float z = m * m;
  float p = 7.0376836292e-2f;
  p = p * m - 1.1514610310e-1f;
  p = p * m + 1.1676998740e-1f;
  p = p * m - 1.2420140846e-1f;
  p = p * m + 1.4249322787e-1f;
  p = p * m - 1.6668057665e-1f;
  p = p * m + 2.0000714765e-1f;
  p = p * m - 2.4999993993e-1f;
  p = p * m + 3.3333331174e-1f;
  p = p * m * z;
  p = p + fe * -2.12194440e-4f;
  p = p - 0.5f * z;
  float y = m + p;
  y = y + fe * 0.693359375f;
  y = x == 0.0f ? -INFINITY : y;
  y = x < 0.0f ? NAN : y;
  return (x != x || x == INFINITY) ? x : y;
}

static inline float nl_log1pf(float x) {
  /* log(u) times what rounding took from u = 1 + x */
  float u = 1.0f + x;
  float d = u - 1.0f;
  float y = nl_logf(u) * (x / (d == 0.0f ? 1.0f : d));
  y = d == 0.0f ? x : y;
  return u == INFINITY ? u : (u == 0.0f ? -INFINITY : y);
}

/* exp(x) - 1 for -18 <= x <= 88, without cancellation: x = n ln 2 + r, and 2^n (exp(r) - 1) + (2^n - 1), of which the
   first factor is exact and so is the last term for n <= 24. */
static inline float nl_expm1f_core(float x) {
  float n, p = nl_exp_reduced(x, &n);
  float s = nl_bits_to_float(((int32_t)n + 127) << 23);
  return s * p + (s - 1.0f);
}

/* With e = exp(2|x|) - 1 it is e / (e + 2). */
static inline float nl_tanhf(float x) {
  float a = fabsf(x);
  a = a < 10.0f ? a : 10.0f; /* nan too, so that the conversion above is defined */
  float e = nl_expm1f_core(a + a);
  float y = copysignf(e / (e + 2.0f), x);
  return x != x ? x : y;
}

/* exp(x) - 1 for x <= 0 */
static inline float nl_expm1f_negative(float x) {
  float y = nl_expm1f_core(x > -18.0f ? x : -18.0f);
  return x != x ? x : y;
}

static inline float nl_sigmoidf(float x) {
  /* e = exp(-|x|) <= 1 keeps both branches exact near their small end */
  float e = nl_expf(-fabsf(x));
  float r = 1.0f / (1.0f + e);
  return x < 0.0f ? e * r : r;
}

static inline float nl_softplusf(float x) {
  float e = nl_log1pf(nl_expf(-fabsf(x)));
  return (x > 0.0f ? x : 0.0f) + e + (x != x ? x : 0.0f);
}

static inline double nl_sigmoid(double x) {
  double e = exp(-fabs(x));
  double r = 1.0 / (1.0 + e);
  return x < 0.0 ? e * r : r;
}

static inline double nl_softplus(double x) {
  return x != x ? x : (x > 0.0 ? x : 0.0) + log1p(exp(-fabs(x)));
}

#endif
