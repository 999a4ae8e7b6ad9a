#include "kernels/exact_dot.h"

#include <float.h>
#include <math.h>
#include <string.h>

/* Bit 0 is worth 2^LOWEST: the last bit of the smallest number, squared, and room for carries above the largest. */
enum { LOWEST = -2148, LIMBS = 70 };

/* What is added and what is taken away stand apart, so that no borrow runs through the whole. */
typedef struct accumulator {
  uint64_t limb[2][LIMBS];
} accumulator;

static void accumulate(accumulator *s, double a, double b) {
  if (a == 0 || b == 0) {
    return;
  }
  int ea, eb;
  int64_t ma = (int64_t)ldexp(frexp(a, &ea), 53), mb = (int64_t)ldexp(frexp(b, &eb), 53);
  uint64_t *limb = s->limb[(ma < 0) != (mb < 0)];
  int at = ea + eb - 106 - LOWEST; /* below 0 only where the product's lowest bits are 0 */
  __extension__ typedef unsigned __int128 wide;
  wide p = (wide)(uint64_t)(ma < 0 ? -ma : ma) * (uint64_t)(mb < 0 ? -mb : mb);
  if (at < 0) {
    p >>= -at;
    at = 0;
  }
  int k = at / 64, shift = at % 64;
  uint64_t part[3] = {(uint64_t)(p << shift), (uint64_t)((p << shift) >> 64),
                      shift ? (uint64_t)(p >> (128 - shift)) : 0};
  uint64_t carry = 0;
  for (int i = 0; i < 3 || carry; i++, k++) {
    wide sum = (wide)limb[k] + (i < 3 ? part[i] : 0) + carry;
    limb[k] = (uint64_t)sum;
    carry = (uint64_t)(sum >> 64);
  }
}

static double rounded(const accumulator *s) {
  int top = LIMBS - 1;
  while (top >= 0 && s->limb[0][top] == s->limb[1][top]) {
    top--;
  }
  if (top < 0) {
    return 0;
  }
  int sign = s->limb[0][top] < s->limb[1][top];
  const uint64_t *a = s->limb[sign], *b = s->limb[!sign];
  uint64_t difference[LIMBS] = {0}, borrow = 0;
  for (int i = 0; i <= top; i++) {
    uint64_t d = a[i] - b[i], e = d - borrow;
    borrow = (a[i] < b[i]) || (d < borrow);
    difference[i] = e;
  }
  while (difference[top] == 0) {
    top--;
  }
  int bits = 64 - __builtin_clzll(difference[top]);
  uint64_t high = difference[top] << (64 - bits);
  if (bits < 64 && top > 0) {
    high |= difference[top - 1] >> bits;
  }
  double value = ldexp((double)high, top * 64 + bits - 64 + LOWEST);
  value = fmin(fmax(value, DBL_TRUE_MIN), DBL_MAX);
  return sign ? -value : value;
}

void nl_exact_dots(int64_t n, int64_t d, const double *x, int64_t parts, const double *w, const double *theta,
                   double *out) {
  for (int64_t i = 0; i < n; i++) {
    accumulator s;
    memset(&s, 0, sizeof s);
    for (int64_t p = 0; p < parts; p++) {
      for (int64_t j = 0; j < d; j++) {
        accumulate(&s, x[i * d + j], w[p * d + j]);
      }
      accumulate(&s, theta[p], -1);
    }
    out[i] = rounded(&s);
  }
}
