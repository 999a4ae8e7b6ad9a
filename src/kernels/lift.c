#include "kernels/lift.h"

#include <stdbool.h>
#include <string.h>

#include "core/interrupt.h"
#include "core/memory.h"

/* 2^61 - 1, a prime by which remainders are easy. */
#define PRIME ((UINT64_C(1) << 61) - 1)

__extension__ typedef unsigned __int128 product;

static uint64_t reduce(product x) {
  uint64_t r = (uint64_t)(x & PRIME) + (uint64_t)(x >> 61);
  r = (r & PRIME) + (r >> 61);
  return r >= PRIME ? r - PRIME : r;
}

static uint64_t times(uint64_t a, uint64_t b) {
  return reduce((product)a * b);
}

static uint64_t power_of(uint64_t a, uint64_t e) {
  uint64_t r = 1;
  for (; e; e >>= 1, a = times(a, a)) {
    r = e & 1 ? times(r, a) : r;
  }
  return r;
}

/* a (k x k, modulo the prime) becomes its inverse; returns the first column without a pivot, or -1. */
static int invert(int k, uint64_t *a, int *row_of) {
  for (int i = 0; i < k; i++) {
    row_of[i] = i;
  }
  for (int c = 0; c < k; c++) {
    int found = c;
    while (found < k && a[(size_t)found * k + c] == 0) {
      found++;
    }
    if (found == k) {
      return c;
    }
    for (int j = 0; found != c && j < k; j++) {
      uint64_t t = a[(size_t)found * k + j];
      a[(size_t)found * k + j] = a[(size_t)c * k + j];
      a[(size_t)c * k + j] = t;
    }
    int t = row_of[c];
    row_of[c] = row_of[found];
    row_of[found] = t;
    uint64_t *pivot = a + (size_t)c * k, inverse = power_of(pivot[c], PRIME - 2);
    pivot[c] = 1;
    for (int j = 0; j < k; j++) {
      pivot[j] = times(pivot[j], inverse);
    }
    for (int r = 0; r < k; r++) {
      uint64_t *row = a + (size_t)r * k, f = row[c] ? PRIME - row[c] : 0;
      if (r == c || f == 0) {
        continue;
      }
      row[c] = 0;
      for (int j = 0; j < k; j++) {
        row[j] = reduce((product)f * pivot[j] + row[j]);
      }
    }
  }
  return -1;
}

/* n / d = x modulo m with |n|, d below sqrt(m / 2), by half of Euclid's algorithm; false: there is none. */
static bool as_fraction(const mpz_t x, const mpz_t m, mpz_t n, mpz_t d) {
  mpz_t r, t, q;
  mpz_inits(r, t, q, NULL);
  mpz_set(r, m);
  mpz_mod(n, x, m);
  mpz_set_ui(d, 1);
  mp_bitcnt_t half = (mpz_sizeinbase(m, 2) - 2) / 2;
  while (mpz_sizeinbase(n, 2) > half && mpz_sgn(n)) {
    mpz_tdiv_qr(q, r, r, n);
    mpz_swap(r, n);
    mpz_submul(t, q, d);
    mpz_swap(t, d);
  }
  if (mpz_sgn(d) < 0) {
    mpz_neg(d, d);
    mpz_neg(n, n);
  }
  bool small = mpz_sizeinbase(d, 2) <= half;
  mpz_clears(r, t, q, NULL);
  return small;
}

/* The digits so far as fractions with one denominator. */
static bool reconstruct(int count, int digits, const uint64_t *digit, mpz_t *x, mpz_t den) {
  mpz_t m, half, n, d, v;
  mpz_inits(m, half, n, d, v, NULL);
  mpz_ui_pow_ui(m, PRIME, (unsigned long)digits);
  mpz_tdiv_q_2exp(half, m, 1);
  mpz_set_ui(den, 1);
  mp_bitcnt_t room = mpz_sizeinbase(m, 2) - 64; /* what is so small is no remainder by chance */
  bool fine = true;
  for (int i = 0; i < count && fine && !nl_interrupt_pending(); i++) {
    mpz_set_ui(v, 0);
    for (int k = digits - 1; k >= 0; k--) {
      mpz_mul_ui(v, v, PRIME);
      mpz_add_ui(v, v, digit[(size_t)k * (size_t)count + (size_t)i]);
    }
    mpz_mul(n, v, den); /* the denominator of those before it nearly always does */
    mpz_mod(n, n, m);
    if (mpz_cmp(n, half) > 0) {
      mpz_sub(n, n, m);
    }
    if (mpz_sizeinbase(n, 2) + mpz_sizeinbase(den, 2) > room) {
      mpz_mul(v, v, den);
      fine = as_fraction(v, m, n, d);
      for (int j = 0; j < i && fine; j++) {
        mpz_mul(x[j], x[j], d);
      }
      mpz_mul(den, den, d);
    }
    mpz_set(x[i], n);
  }
  mpz_clears(m, half, n, d, v, NULL);
  return fine;
}

static bool solves(int k, int ld, mpz_t *h, int sides, const int *b, mpz_t *x, const mpz_t den) {
  mpz_t sum, want;
  mpz_inits(sum, want, NULL);
  bool fine = true;
  for (int i = 0; i < k * sides && fine; i++) {
    fine = !nl_interrupt_pending();
    mpz_set_ui(sum, 0);
    for (int j = 0; j < k; j++) {
      mpz_addmul(sum, h[(i / sides) * ld + j], x[j * sides + i % sides]);
    }
    mpz_mul_si(want, den, b[i]);
    fine = fine && mpz_cmp(sum, want) == 0;
  }
  mpz_clears(sum, want, NULL);
  return fine;
}

typedef struct lift {
  int k, ld, sides;
  mpz_t *h, *rest;
  uint64_t *inverse, *mod, *digit;
  int *row_of, most;
} lift;

/* One more digit of each unknown. */
static void next_digit(lift *s, int at) {
  int count = s->k * s->sides;
  uint64_t *digit = s->digit + (size_t)at * (size_t)count;
  for (int i = 0; i < count; i++) {
    s->mod[i] = mpz_fdiv_ui(s->rest[i], PRIME);
  }
  for (int i = 0; i < s->k; i++) {
    const uint64_t *row = s->inverse + (size_t)i * (size_t)s->k;
    for (int e = 0; e < s->sides; e++) {
      uint64_t sum = 0;
      for (int j = 0; j < s->k; j++) {
        sum = reduce((product)row[j] * s->mod[s->row_of[j] * s->sides + e] + sum);
      }
      digit[i * s->sides + e] = sum;
    }
  }
  for (int i = 0; i < count; i++) {
    for (int j = 0; j < s->k; j++) {
      mpz_submul_ui(s->rest[i], s->h[(i / s->sides) * s->ld + j], digit[j * s->sides + i % s->sides]);
    }
    mpz_divexact_ui(s->rest[i], s->rest[i], PRIME);
  }
}

static nl_status lift_up(lift *s, const int *b, mpz_t *x, mpz_t den, int *dependent) {
  for (int i = 0; i < s->k; i++) {
    for (int j = 0; j < s->k; j++) {
      s->inverse[(size_t)i * s->k + j] = mpz_fdiv_ui(s->h[i * s->ld + j], PRIME);
    }
  }
  *dependent = invert(s->k, s->inverse, s->row_of);
  for (int i = 0; i < s->k * s->sides; i++) {
    mpz_set_si(s->rest[i], b[i]);
  }
  int look = 8;
  for (int at = 0; *dependent < 0 && at < s->most; at++) {
    if (nl_interrupt_pending()) {
      return nl_fail_interrupted();
    }
    next_digit(s, at);
    if (at + 1 == look || at + 1 == s->most) {
      if (reconstruct(s->k * s->sides, at + 1, s->digit, x, den) && solves(s->k, s->ld, s->h, s->sides, b, x, den)) {
        return NL_OK;
      }
      look += look / 2;
    }
  }
  if (nl_interrupt_pending()) {
    return nl_fail_interrupted();
  }
  return *dependent >= 0 ? NL_OK : nl_fail("nl_lift_solve: no solution");
}

nl_status nl_lift_solve(int k, int ld, mpz_t *h, int sides, const int *b, mpz_t *x, mpz_t den, int *dependent) {
  lift s = {.k = k, .ld = ld, .sides = sides, .h = h};
  size_t bits = 0, count = (size_t)k * (size_t)sides, n = (size_t)k;
  for (int i = 0; i < k; i++) {
    size_t most = 0;
    for (int j = 0; j < k; j++) {
      size_t size = mpz_sizeinbase(h[i * ld + j], 2);
      most = size > most ? size : most;
    }
    bits += most + 8; /* Hadamard's bound of the determinant, with its root of k */
  }
  s.most = (int)(2 * bits / 60 + 10);
  s.inverse = nl_new(n * n * sizeof *s.inverse);
  s.mod = nl_new(count * sizeof *s.mod);
  s.digit = nl_new((size_t)s.most * count * sizeof *s.digit);
  s.row_of = nl_new(n * sizeof *s.row_of);
  s.rest = nl_new(count * sizeof *s.rest);
  nl_status status = NL_NOMEM;
  if (s.inverse && s.mod && s.digit && s.row_of && s.rest) {
    for (size_t i = 0; i < count; i++) {
      mpz_init(s.rest[i]);
    }
    status = lift_up(&s, b, x, den, dependent);
    for (size_t i = 0; i < count; i++) {
      mpz_clear(s.rest[i]);
    }
  }
  nl_delete(s.inverse);
  nl_delete(s.mod);
  nl_delete(s.digit);
  nl_delete(s.row_of);
  nl_delete(s.rest);
  return status;
}
