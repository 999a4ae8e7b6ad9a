#include "kernels/distribution.h"

#include <math.h>

#include "core/random.h"
#include "kernels/special.h"

void nl_stream_start(nl_stream *s, uint64_t seed, uint64_t draw, uint64_t element) {
  *s = (nl_stream){.seed = seed, .draw = draw, .element = element};
}

/* The counter: 32 bits of block within the element, 48 of the element, 48 of the draw. */
static uint32_t word(nl_stream *s) {
  if (s->left == 0) {
    uint32_t counter[4] = {s->block++, (uint32_t)s->element,
                           (uint32_t)(s->element >> 32 & 0xffff) | (uint32_t)(s->draw << 16),
                           (uint32_t)(s->draw >> 16) | 0x80000000u};
    uint32_t key[2] = {(uint32_t)s->seed, (uint32_t)(s->seed >> 32)};
    nl_philox4x32_10(counter, key, s->words);
    s->left = 4;
  }
  return s->words[--s->left];
}

double nl_stream_uniform(nl_stream *s) {
  uint64_t hi = word(s), lo = word(s);
  return ((double)((hi << 32 | lo) >> 12) + 0.5) * 0x1p-52;
}

double nl_stream_normal(nl_stream *s) {
  double u = nl_stream_uniform(s), v = nl_stream_uniform(s);
  return sqrt(-2 * log(u)) * cos(2 * M_PI * v);
}

double nl_stream_gamma(nl_stream *s, double shape) {
  if (!(shape > 0) || shape == INFINITY) {
    return NAN;
  }
  double boost = 1;
  if (shape < 1) { /* gamma(a) = gamma(a + 1) u^(1/a) */
    boost = pow(nl_stream_uniform(s), 1 / shape);
    shape += 1;
  }
  double d = shape - 1.0 / 3, c = 1 / sqrt(9 * d);
  for (;;) {
    double x = nl_stream_normal(s), v = 1 + c * x;
    if (v <= 0) {
      continue;
    }
    v = v * v * v;
    double u = nl_stream_uniform(s);
    if (log(u) < 0.5 * x * x + d - d * v + d * log(v)) {
      return boost * d * v;
    }
  }
}

double nl_stream_poisson(nl_stream *s, double rate) {
  if (!(rate >= 0) || rate > 1e15) {
    return NAN;
  }
  if (rate < 10) {
    double limit = exp(-rate), product = nl_stream_uniform(s);
    int64_t k = 0;
    while (product > limit) {
      product *= nl_stream_uniform(s);
      k++;
    }
    return (double)k;
  }
  double root = sqrt(rate), b = 0.931 + 2.53 * root, a = -0.059 + 0.02483 * b;
  double inverse = 1.1239 + 1.1328 / (b - 3.4), vr = 0.9277 - 3.6224 / (b - 2), ln = log(rate);
  for (;;) {
    double u = nl_stream_uniform(s) - 0.5, v = nl_stream_uniform(s), us = 0.5 - fabs(u);
    double k = floor((2 * a / us + b) * u + rate + 0.43);
    if (us >= 0.07 && v <= vr) {
      return k;
    }
    if (k < 0 || (us < 0.013 && v > us)) {
      continue;
    }
    if (log(v) + log(inverse) - log(a / (us * us) + b) <= -rate + k * ln - nl_lgamma(k + 1)) {
      return k;
    }
  }
}
