#include "kernels/exact_hull.h"

#include <float.h>
#include <gmp.h>
#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "core/interrupt.h"
#include "core/memory.h"
#include "kernels/lift.h"

/* Points are x * 2^-lowest, whole numbers, with their side's sign (1: +, 0: -). The weights of a side add up to 1. With
   G the products of the active points, H = G + C' C (C: two rows, which say the side) and U = H^-1 C', the weights of
   the smallest norm in the affine hull are U (C U)^-1 (1, 1). */
typedef struct rationals {
  nl_exact_hull *h;
  int lowest, highest; /* exponents: of the lowest bit of all numbers, and above the largest */
  int k, cap;
  int64_t *index;
  mpz_t *point;     /* cap x d */
  mpz_t *gram;      /* cap x cap */
  mpz_t *table, *u; /* cap x cap: H; cap x 2: U, times some number */
  int *right;
  mpz_t *now, now_den; /* weights: now[i] / now_den */
  mpz_t *goal, goal_den;
  mpz_t *w;         /* d: the sum of now * point */
  mpz_t level[2];   /* w . p of the active points of a side */
  mpz_t a, b, c, e; /* for a while */
  double *wd, *bound;
} rationals;

static void *bunch(size_t count) {
  mpz_t *z = nl_new(count * sizeof *z + 1);
  for (size_t i = 0; z && i < count; i++) {
    mpz_init(z[i]);
  }
  return z;
}

static void unbunch(mpz_t *z, size_t count) {
  for (size_t i = 0; z && i < count; i++) {
    mpz_clear(z[i]);
  }
  nl_delete(z);
}

/* The last 53 bits and their exponent; 0 for 0. */
static int64_t mantissa_of(double x, int *exponent) {
  return (int64_t)ldexp(frexp(x, exponent), 53);
}

static void find_range(rationals *s) {
  s->lowest = DBL_MAX_EXP;
  s->highest = DBL_MIN_EXP - DBL_MANT_DIG;
  for (int64_t i = 0; i < s->h->n * s->h->d; i++) {
    int e;
    int64_t m = mantissa_of(s->h->x[i], &e);
    if (m != 0) {
      int low = e - 53 + __builtin_ctzll((uint64_t)m);
      s->lowest = low < s->lowest ? low : s->lowest;
      s->highest = e > s->highest ? e : s->highest;
    }
  }
}

static void as_whole(const rationals *s, double x, mpz_t out) {
  int e;
  int64_t m = mantissa_of(x, &e);
  mpz_set_si(out, m);
  int shift = m ? e - 53 - s->lowest : 0;
  if (shift >= 0) {
    mpz_mul_2exp(out, out, (mp_bitcnt_t)shift);
  } else {
    mpz_tdiv_q_2exp(out, out, (mp_bitcnt_t)-shift);
  }
}

static void dot_whole(const rationals *s, const mpz_t *a, const mpz_t *b, mpz_t out) {
  mpz_set_ui(out, 0);
  for (int64_t j = 0; j < s->h->d; j++) {
    mpz_addmul(out, a[j], b[j]);
  }
}

static void admit_point(rationals *s, int64_t point) {
  int64_t d = s->h->d;
  mpz_t *p = s->point + s->k * d;
  for (int64_t j = 0; j < d; j++) {
    as_whole(s, s->h->x[point * d + j], p[j]);
    if (s->h->side[point] == 0) {
      mpz_neg(p[j], p[j]);
    }
  }
  s->index[s->k] = point;
  mpz_set_ui(s->now[s->k], 0);
  for (int i = 0; i <= s->k; i++) {
    dot_whole(s, p, s->point + i * d, s->gram[s->k * s->cap + i]);
    mpz_set(s->gram[i * s->cap + s->k], s->gram[s->k * s->cap + i]);
  }
  s->k++;
}

/* The last takes its place. */
static void quit(rationals *s, int at) {
  int last = --s->k;
  s->index[at] = s->index[last];
  mpz_swap(s->now[at], s->now[last]);
  for (int64_t j = 0; j < s->h->d; j++) {
    mpz_swap(s->point[at * s->h->d + j], s->point[last * s->h->d + j]);
  }
  for (int i = 0; i <= last; i++) {
    mpz_swap(s->gram[at * s->cap + i], s->gram[last * s->cap + i]);
  }
  for (int i = 0; i <= last; i++) {
    mpz_swap(s->gram[i * s->cap + at], s->gram[i * s->cap + last]);
  }
}

static int side_of(const rationals *s, int i) {
  return s->h->side[s->index[i]];
}

/* The goal of the active points. *dependent: a point that depends on those before it (-1: none). */
static nl_status aim_exactly(rationals *s, int *dependent) {
  int k = s->k;
  for (int i = 0; i < k; i++) {
    for (int j = 0; j < k; j++) {
      mpz_add_ui(s->table[i * s->cap + j], s->gram[i * s->cap + j], side_of(s, i) == side_of(s, j));
    }
    s->right[2 * i] = side_of(s, i) == 0;
    s->right[2 * i + 1] = side_of(s, i) == 1;
  }
  nl_status status = nl_lift_solve(k, s->cap, s->table, 2, s->right, s->u, s->a, dependent);
  if (status != NL_OK || *dependent >= 0) {
    return status;
  }
  mpz_t t[4];
  for (int i = 0; i < 4; i++) {
    mpz_init(t[i]);
  }
  for (int i = 0; i < k; i++) { /* t = C U, which is symmetric */
    for (int b = 0; b < 2; b++) {
      mpz_add(t[2 * side_of(s, i) + b], t[2 * side_of(s, i) + b], s->u[2 * i + b]);
    }
  }
  mpz_mul(s->goal_den, t[0], t[3]);
  mpz_submul(s->goal_den, t[1], t[2]);
  mpz_sub(t[3], t[3], t[1]);
  mpz_sub(t[0], t[0], t[2]);
  mpz_set(s->a, s->goal_den);
  for (int i = 0; i < k; i++) {
    mpz_mul(s->goal[i], s->u[2 * i], t[3]);
    mpz_addmul(s->goal[i], s->u[2 * i + 1], t[0]);
    mpz_gcd(s->a, s->a, s->goal[i]);
  }
  for (int i = 0; i < k; i++) {
    mpz_divexact(s->goal[i], s->goal[i], s->a);
  }
  mpz_divexact(s->goal_den, s->goal_den, s->a);
  for (int i = 0; i < 4; i++) {
    mpz_clear(t[i]);
  }
  return NL_OK;
}

/* From the weights now towards the goal, as far as none gets below 0; true: all the way. */
static bool approach(rationals *s) {
  int first = -1;
  for (int i = 0; i < s->k; i++) { /* the smallest now / (now - goal): b / c */
    if (mpz_sgn(s->goal[i]) <= 0) {
      mpz_mul(s->a, s->now[i], s->goal_den);
      mpz_mul(s->e, s->goal[i], s->now_den);
      mpz_sub(s->e, s->a, s->e);
      if (mpz_sgn(s->e) == 0) { /* 0 now, and 0 there */
        mpz_set_ui(s->e, 1);
      }
      bool less = first < 0;
      if (!less) {
        mpz_t left, right;
        mpz_init(left);
        mpz_init(right);
        mpz_mul(left, s->a, s->c);
        mpz_mul(right, s->b, s->e);
        less = mpz_cmp(left, right) < 0;
        mpz_clear(left);
        mpz_clear(right);
      }
      if (less) {
        first = i;
        mpz_swap(s->b, s->a);
        mpz_swap(s->c, s->e);
      }
    }
  }
  if (first < 0) {
    for (int i = 0; i < s->k; i++) {
      mpz_set(s->now[i], s->goal[i]);
    }
    mpz_set(s->now_den, s->goal_den);
    return true;
  }
  /* now (1 - b / c) + goal b / c, over now_den goal_den c */
  mpz_sub(s->e, s->c, s->b);
  mpz_mul(s->e, s->e, s->goal_den);
  mpz_mul(s->b, s->b, s->now_den);
  mpz_mul(s->now_den, s->now_den, s->goal_den);
  mpz_mul(s->now_den, s->now_den, s->c);
  mpz_set(s->a, s->now_den);
  for (int i = 0; i < s->k; i++) {
    mpz_mul(s->now[i], s->now[i], s->e);
    mpz_addmul(s->now[i], s->goal[i], s->b);
    mpz_gcd(s->a, s->a, s->now[i]);
  }
  mpz_divexact(s->now_den, s->now_den, s->a);
  for (int i = 0; i < s->k; i++) {
    mpz_divexact(s->now[i], s->now[i], s->a);
  }
  for (int i = s->k - 1; i >= 0; i--) {
    if (mpz_sgn(s->now[i]) == 0) {
      quit(s, i);
    }
  }
  return false;
}

/* w and the levels of the weights now; true: w is 0. */
static bool find_place(rationals *s) {
  bool zero = true;
  for (int64_t j = 0; j < s->h->d; j++) {
    mpz_set_ui(s->w[j], 0);
    for (int i = 0; i < s->k; i++) {
      mpz_addmul(s->w[j], s->now[i], s->point[i * s->h->d + j]);
    }
    zero = zero && mpz_sgn(s->w[j]) == 0;
  }
  for (int i = 0; i < s->k; i++) {
    dot_whole(s, s->w, s->point + i * s->h->d, s->level[side_of(s, i)]);
  }
  return zero;
}

/* z 2^shift, rounded towards 0; 0 where it is too small. */
static double at_scale(const mpz_t z, long shift) {
  long e;
  double v = mpz_get_d_2exp(&e, z);
  return mpz_sgn(z) == 0 ? 0 : ldexp(v, (int)fmax(fmin((double)(e + shift), 5000), -5000));
}

static long size_of_w(const rationals *s) {
  long most = 0;
  for (int64_t j = 0; j < s->h->d; j++) {
    long e = mpz_sgn(s->w[j]) ? (long)mpz_sizeinbase(s->w[j], 2) : 0;
    most = e > most ? e : most;
  }
  return most;
}

/* A point on the wrong side of its level, or -1. Floating point tells where it can. */
static int64_t find_wrong(rationals *s) {
  const nl_exact_hull *h = s->h;
  long size = size_of_w(s);
  for (int64_t j = 0; j < h->d; j++) {
    s->wd[j] = at_scale(s->w[j], -size);
  }
  double level[2] = {at_scale(s->level[0], s->lowest - s->highest - size),
                     at_scale(s->level[1], s->lowest - s->highest - size)};
  double most = 0;
  int64_t found = -1;
  for (int64_t i = 0; i < h->n; i++) {
    double value = 0, about = 0, sign = h->side[i] ? 1 : -1;
    for (int64_t j = 0; j < h->d; j++) {
      double term = s->wd[j] * ldexp(h->x[i * h->d + j], -s->highest);
      value += term;
      about += fabs(term);
    }
    double below = level[h->side[i]] - sign * value;
    s->bound[i] = (about + fabs(level[h->side[i]])) * (double)(h->d + 8) * 4e-16 + 1e-290;
    if (below > s->bound[i] && below > most) {
      most = below;
      found = i;
    }
    s->bound[i] = below < -s->bound[i] ? 0 : 1; /* 1: in doubt */
  }
  if (found >= 0) {
    return found;
  }
  for (int i = 0; i < s->k; i++) {
    s->bound[s->index[i]] = 0;
  }
  for (int64_t i = 0; i < h->n; i++) {
    if (s->bound[i] == 0) {
      continue;
    }
    if (nl_interrupt_pending()) {
      return -1; /* which the next elimination, or the end, notices */
    }
    mpz_set_ui(s->b, 0);
    for (int64_t j = 0; j < h->d; j++) {
      as_whole(s, h->x[i * h->d + j], s->a);
      mpz_addmul(s->b, s->a, s->w[j]);
    }
    if (h->side[i] == 0) {
      mpz_neg(s->b, s->b);
    }
    if (mpz_cmp(s->b, s->level[h->side[i]]) < 0) {
      return i;
    }
  }
  return -1;
}

/* Writes z 2^shift as a sum of parts, and rounded (times 1, 1 + 1 / TRIES, ...) to tries; both go in steps of d + 1. */
static void spread(rationals *s, const mpz_t z, long shift, int64_t at) {
  int64_t step = s->h->d + 1;
  for (int t = -1; t < NL_EXACT_TRIES; t++) {
    mpz_mul_ui(s->a, z, (unsigned long)(NL_EXACT_TRIES + (t > 0 ? t : 0)));
    double sum = 0;
    for (int p = 0; p < (t < 0 ? NL_EXACT_PARTS : 2); p++) {
      long e = 0, bits = (long)mpz_sizeinbase(s->a, 2);
      double v = mpz_sgn(s->a) ? mpz_get_d_2exp(&e, s->a) : 0;
      double part = at_scale(s->a, shift - 5);
      sum += part;
      if (t < 0) {
        s->h->parts[p * step + at] = part;
      }
      mpz_set_d(s->b, ldexp(v, 53));
      if (bits >= 53) {
        mpz_mul_2exp(s->b, s->b, (mp_bitcnt_t)(e - 53));
      } else {
        mpz_tdiv_q_2exp(s->b, s->b, (mp_bitcnt_t)(53 - e));
      }
      mpz_sub(s->a, s->a, s->b);
    }
    if (t >= 0) {
      s->h->tries[t * step + at] = sum;
    }
  }
}

static void report_plane(rationals *s) {
  nl_exact_hull *h = s->h;
  long size = size_of_w(s);
  for (int64_t j = 0; j < h->d; j++) {
    spread(s, s->w[j], -size, j);
  }
  mpz_sub(s->c, s->level[1], s->level[0]); /* twice theta, as side 0 has its sign changed */
  spread(s, s->c, s->lowest - size - 1, h->d);
  mpz_set_ui(s->a, 0);
  for (int64_t j = 0; j < h->d; j++) {
    mpz_addmul(s->a, s->w[j], s->w[j]);
  }
  mpf_t root, den;
  mpf_init2(root, 256);
  mpf_init2(den, 256);
  mpf_set_z(root, s->a);
  mpf_sqrt(root, root);
  mpf_set_z(den, s->now_den);
  mpf_div(root, root, den);
  long e;
  double v = mpf_get_d_2exp(&e, root);
  h->margin = ldexp(v, (int)e + s->lowest - 1);
  mpf_clear(root);
  mpf_clear(den);
}

static nl_status report_weights(rationals *s) {
  nl_exact_hull *h = s->h;
  mpq_t q;
  mpq_init(q);
  nl_status status = NL_OK;
  for (int i = 0; i < s->k && status == NL_OK; i++) {
    mpz_set(mpq_numref(q), s->now[i]);
    mpz_set(mpq_denref(q), s->now_den);
    mpq_canonicalize(q);
    size_t room = mpz_sizeinbase(mpq_numref(q), 10) + mpz_sizeinbase(mpq_denref(q), 10) + 4;
    h->index[i] = s->index[i];
    h->weight[i] = mpq_get_d(q);
    h->text[i] = malloc(room);
    h->k = i + 1;
    if (h->text[i]) {
      mpq_get_str(h->text[i], 10, q);
    } else {
      status = nl_fail_memory(room);
    }
  }
  mpq_clear(q);
  return status;
}

/* The active points at first, without those that depend on others; their weights as they are, over their side's sum. */
static nl_status choose_first(rationals *s) {
  const nl_exact_hull *h = s->h;
  int seen[2] = {0};
  for (int64_t i = 0; i < h->start && i < s->cap; i++) {
    admit_point(s, h->start_index[i]);
  }
  for (int dependent = 0; dependent >= 0;) {
    nl_status status = aim_exactly(s, &dependent);
    if (status != NL_OK) {
      return status;
    }
    if (dependent >= 0) { /* in order, so that those before stay as they are */
      quit(s, dependent);
    }
  }
  mpz_set_ui(s->level[0], 0);
  mpz_set_ui(s->level[1], 0);
  for (int i = 0; i < s->k; i++) {
    double weight = 0;
    for (int64_t j = 0; j < h->start; j++) {
      weight = h->start_index[j] == s->index[i] ? h->start_weight[j] : weight;
    }
    mpz_set_d(s->now[i], fmax(ldexp(weight, 60), 1));
    mpz_add(s->level[side_of(s, i)], s->level[side_of(s, i)], s->now[i]);
    seen[side_of(s, i)] = 1;
  }
  if (!seen[0] || !seen[1]) { /* two points of different sides never depend on each other */
    return nl_fail("exact_hull: a side has no point to begin with");
  }
  mpz_mul(s->now_den, s->level[0], s->level[1]);
  for (int i = 0; i < s->k; i++) {
    mpz_mul(s->now[i], s->now[i], s->level[!side_of(s, i)]);
  }
  return NL_OK;
}

static nl_status run(rationals *s) {
  nl_exact_hull *h = s->h;
  find_range(s);
  nl_status status = choose_first(s);
  for (int64_t point = 0; status == NL_OK; h->rounds++) {
    int dependent = -1;
    do {
      status = aim_exactly(s, &dependent);
      if (status == NL_OK && dependent >= 0) {
        status = nl_fail("exact_hull: point %d depends on the others", dependent);
      }
    } while (status == NL_OK && !approach(s));
    if (status != NL_OK) {
      break;
    }
    bool zero = find_place(s);
    point = zero ? -1 : find_wrong(s);
    if (nl_interrupt_pending()) {
      return nl_fail_interrupted();
    }
    if (point < 0) {
      h->answer = zero ? NL_EXACT_MEET : NL_EXACT_APART;
      if (!zero) {
        report_plane(s);
      }
      return report_weights(s);
    }
    if (s->k == s->cap) {
      return NL_OK;
    }
    admit_point(s, point);
  }
  return status;
}

nl_status nl_exact_hull_nearest(nl_exact_hull *h) {
  h->answer = NL_EXACT_TOO_LARGE;
  h->k = h->rounds = 0;
  if (h->start > h->limit || h->limit < 2) {
    return NL_OK;
  }
  rationals s = {.h = h, .cap = h->limit};
  size_t cap = (size_t)s.cap, d = (size_t)h->d;
  s.index = nl_new(cap * sizeof *s.index);
  s.wd = nl_new((d + 1) * sizeof *s.wd);
  s.bound = nl_new((size_t)h->n * sizeof *s.bound);
  s.point = bunch(cap * d);
  s.gram = bunch(cap * cap);
  s.table = bunch(cap * cap);
  s.u = bunch(2 * cap);
  s.right = nl_new(2 * cap * sizeof *s.right);
  s.now = bunch(cap);
  s.goal = bunch(cap);
  s.w = bunch(d);
  mpz_t *single[] = {&s.now_den, &s.goal_den, &s.level[0], &s.level[1], &s.a, &s.b, &s.c, &s.e};
  for (size_t i = 0; i < sizeof single / sizeof *single; i++) {
    mpz_init(*single[i]);
  }
  bool all = s.index && s.wd && s.bound && s.point && s.gram && s.table && s.u && s.right && s.now && s.goal && s.w;
  nl_status status = all ? run(&s) : NL_NOMEM;
  for (size_t i = 0; i < sizeof single / sizeof *single; i++) {
    mpz_clear(*single[i]);
  }
  unbunch(s.point, cap * d);
  unbunch(s.gram, cap * cap);
  unbunch(s.table, cap * cap);
  unbunch(s.u, 2 * cap);
  unbunch(s.now, cap);
  unbunch(s.goal, cap);
  unbunch(s.w, d);
  nl_delete(s.index);
  nl_delete(s.right);
  nl_delete(s.wd);
  nl_delete(s.bound);
  return status;
}

void nl_exact_hull_free(nl_exact_hull *h) {
  for (int i = 0; h->text && i < h->k; i++) {
    free(h->text[i]);
  }
  h->k = 0;
}
