#include "kernels/hull.h"

#include <float.h>
#include <math.h>
#include <stdbool.h>
#include <string.h>

#include "core/interrupt.h"
#include "core/memory.h"
#include "kernels/kernels.h"

/* This file is compiled a second time by hull_wide.c, where a real has twice the digits: slow, for what is left. */
#ifdef NL_HULL_WIDE
#if defined(__SIZEOF_FLOAT128__) && !defined(__aarch64__)
__extension__ typedef __float128 real;
#else
typedef long double real;
#endif
#define ROUNDING ((real)1e-33)

static void dots(int64_t m, int64_t k, const real *rows, const real *x, real *out) {
  for (int64_t i = 0; i < m && !nl_interrupt_pending(); i++) { /* what is wrong then is not used */
    out[i] = 0;
    for (int64_t j = 0; j < k; j++) {
      out[i] += rows[i * k + j] * x[j];
    }
  }
}

static void subtract(int64_t m, int64_t k, const real *rows, const real *c, real *x) {
  for (int64_t i = 0; i < m && !nl_interrupt_pending(); i++) { /* what is wrong then is not used */
    for (int64_t j = 0; j < k; j++) {
      x[j] -= c[i] * rows[i * k + j];
    }
  }
}

static void rotate(int64_t n, real *x, real *y, real c, real s) {
  for (int64_t j = 0; j < n; j++) {
    real a = x[j], b = y[j];
    x[j] = c * a + s * b;
    y[j] = c * b - s * a;
  }
}
#else
typedef double real;
#define ROUNDING 2e-16

static void dots(int64_t m, int64_t k, const real *rows, const real *x, real *out) {
  nl_k->product->dots[NL_F64](m, k, rows, k, x, out, 1, false);
}

static void subtract(int64_t m, int64_t k, const real *rows, const real *c, real *x) {
  nl_k->product->subtract(m, k, rows, k, c, x);
}

static void rotate(int64_t n, real *x, real *y, real c, real s) {
  nl_k->product->rotate(n, x, y, c, s);
}
#endif

static real dot_of(int64_t n, const real *a, const real *b) {
  real s = 0;
  dots(1, n, a, b, &s);
  return s;
}

/* Newton's step makes the root of a double one of a real. */
static real root(real x) {
  real r = (real)sqrt((double)x);
  return r > 0 ? (r + x / r) / 2 : r;
}

/* Points have one or two numbers more in front: 1 in the place of their side. With B = (the active points, extended) =
   Q R, the weights of the point of smallest norm in the affine hull are R^-1 C eta, where C (k x sides) holds the first
   numbers of each row of Q, and eta is such that the weights of each side add up to 1: C' C eta = 1. The point itself
   is Q C eta without its first numbers, whose rounding does not grow with the condition of B. */
typedef struct walk {
  nl_hull *h;
  int sides;
  int64_t length, room; /* of a row of q; of rows in q and in r */
  real *q, *r;          /* room x length, rows orthonormal; room x room, upper triangular, row-major */
  real *v, *extended, *c, *goal, *value, *weight, *w;
  bool *active, *banned;
  size_t bytes;
} walk;

/* The points, from their centre and with their signs; where these are given, that is done here without rounding. */
static real at(const nl_hull *h, int64_t i, int64_t j) {
  return h->center ? ((real)h->p[i * h->m + j] - (real)h->center[j]) * (h->side[i] ? 1 : -1) : (real)h->p[i * h->m + j];
}

/* value[i] = point i . w, of one point or of all */
static void project(const nl_hull *h, int64_t from, int64_t to, const real *w, real *value) {
#ifndef NL_HULL_WIDE
  if (!h->center) {
    dots(to - from, h->m, h->p + from * h->m, w, value);
    return;
  }
#endif
  for (int64_t i = from; i < to && !nl_interrupt_pending(); i++) {
    real sum = 0;
    for (int64_t j = 0; j < h->m; j++) {
      sum += at(h, i, j) * w[j];
    }
    value[i - from] = sum;
  }
}

static void extended_point(const walk *s, int64_t i, real *v) {
  const nl_hull *h = s->h;
  v[0] = v[s->sides - 1] = 0;
  v[s->sides == 2 ? h->side[i] : 0] = 1;
  for (int64_t j = 0; j < h->m; j++) {
    v[s->sides + j] = at(h, i, j);
  }
}

/* Makes room for one more row. */
static nl_status make_room(walk *s) {
  if (s->h->k < s->room) {
    return NL_OK;
  }
  int64_t room = s->room ? 2 * s->room : 32;
  room = room < s->h->room + 1 ? room : s->h->room + 1;
  size_t bytes = (size_t)(room * s->length + room * room) * sizeof(real);
  real *q = nl_data_alloc(bytes);
  if (!q) {
    return NL_NOMEM;
  }
  real *r = q + room * s->length;
  memset(r, 0, (size_t)(room * room) * sizeof *r);
  if (s->q) {
    memcpy(q, s->q, (size_t)(s->h->k * s->length) * sizeof *q);
    for (int64_t i = 0; i < s->h->k; i++) {
      memcpy(r + i * room, s->r + i * s->room, (size_t)s->h->k * sizeof *r);
    }
    nl_data_free(s->q, s->bytes);
  }
  s->q = q;
  s->r = r;
  s->room = room;
  s->bytes = bytes;
  return NL_OK;
}

/* The point joins the active ones, with weight 0; *joined = false: it depends on them, by rounding. */
static nl_status join(walk *s, int64_t point, bool *joined) {
  nl_hull *h = s->h;
  *joined = false;
  if (h->k == h->room) {
    return NL_OK;
  }
  nl_status status = make_room(s);
  if (status != NL_OK) {
    return status;
  }
  real *v = s->v, *more = s->goal;
  extended_point(s, point, v);
  real before = root(dot_of(s->length, v, v));
  memset(s->c, 0, (size_t)h->k * sizeof *s->c);
  for (int pass = 0; pass < 2; pass++) { /* twice is enough: Gram and Schmidt, and again */
    dots(h->k, s->length, s->q, v, more);
    subtract(h->k, s->length, s->q, more, v);
    for (int64_t i = 0; i < h->k; i++) {
      s->c[i] += more[i];
    }
  }
  real rest = root(dot_of(s->length, v, v));
  if (!(rest > 5 * ROUNDING * before)) {
    return NL_OK;
  }
  for (int64_t i = 0; i < h->k; i++) {
    s->r[i * s->room + h->k] = s->c[i];
  }
  s->r[h->k * s->room + h->k] = rest;
  real *row = s->q + h->k * s->length;
  for (int64_t i = 0; i < s->length; i++) {
    row[i] = v[i] / rest;
  }
  h->index[h->k] = point;
  s->weight[h->k] = 0;
  h->k++;
  s->active[point] = *joined = true;
  return NL_OK;
}

static void drop_active(walk *s, int64_t at) {
  nl_hull *h = s->h;
  s->active[h->index[at]] = false;
  h->k--;
  for (int64_t i = at; i < h->k; i++) {
    h->index[i] = h->index[i + 1];
    s->weight[i] = s->weight[i + 1];
  }
  for (int64_t i = 0; i <= h->k; i++) {
    real *row = s->r + i * s->room;
    int64_t from = i > at ? i - 1 : at;
    memmove(row + from, row + from + 1, (size_t)(h->k - from) * sizeof *row);
    row[h->k] = 0;
  }
  for (int64_t i = at; i < h->k; i++) { /* an entry below the diagonal in each row from here on */
    real *upper = s->r + i * s->room, *lower = upper + s->room;
    real size = root(upper[i] * upper[i] + lower[i] * lower[i]);
    if (size > 0) {
      real c = upper[i] / size, sine = lower[i] / size;
      rotate(h->k - i, upper + i, lower + i, c, sine);
      rotate(s->length, s->q + i * s->length, s->q + (i + 1) * s->length, c, sine);
    }
    lower[i] = 0;
  }
}

/* Weights (goal) and place (v, with the first numbers) of the point of smallest norm in the affine hull. */
static bool aim(walk *s) {
  nl_hull *h = s->h;
  real t[3] = {0}, eta[2];
  for (int64_t i = 0; i < h->k; i++) {
    const real *row = s->q + i * s->length;
    t[0] += row[0] * row[0];
    t[1] += row[0] * row[s->sides - 1];
    t[2] += row[s->sides - 1] * row[s->sides - 1];
  }
  if (s->sides == 1) {
    eta[0] = 1 / t[0];
    eta[1] = 0;
  } else {
    real det = t[0] * t[2] - t[1] * t[1];
    eta[0] = (t[2] - t[1]) / det;
    eta[1] = (t[0] - t[1]) / det;
  }
  for (int64_t i = 0; i < h->k; i++) {
    const real *row = s->q + i * s->length;
    s->c[i] = -(eta[0] * row[0] + (s->sides == 2 ? eta[1] * row[1] : 0));
  }
  memset(s->v, 0, (size_t)s->length * sizeof *s->v);
  subtract(h->k, s->length, s->q, s->c, s->v);
  bool finite = true;
  for (int64_t i = h->k - 1; i >= 0; i--) {
    const real *row = s->r + i * s->room;
    real known = i + 1 < h->k ? dot_of(h->k - i - 1, row + i + 1, s->goal + i + 1) : 0;
    s->goal[i] = (-s->c[i] - known) / row[i];
    finite = finite && s->goal[i] - s->goal[i] == 0;
  }
  return finite;
}

/* The place is right to rounding of 1, which is not enough where it is near to 0: its direction decides. All active
   points of a side are to be at one level along it; what they lack is found with the rounding of the place alone, and
   taken away: w += Q R^-T (level - w . point). */
static void straighten(walk *s) {
  nl_hull *h = s->h;
  real *w = s->v + s->sides, size = root(dot_of(h->m, w, w));
  if (!(size < 1e-3) || size == 0) {
    return;
  }
  real *extended = s->extended, level[2], count[2];
  for (int pass = 0; pass < 3; pass++) {
    memset(level, 0, sizeof level);
    memset(count, 0, sizeof count);
    for (int64_t i = 0; i < h->k; i++) {
      int side = s->sides == 2 ? h->side[h->index[i]] : 0;
      project(h, h->index[i], h->index[i] + 1, w, &s->c[i]);
      level[side] += s->c[i];
      count[side]++;
    }
    for (int side = 0; side < s->sides; side++) {
      level[side] /= count[side];
    }
    if (pass == 2) {
      break;
    }
    for (int64_t i = 0; i < h->k; i++) {
      s->c[i] = level[s->sides == 2 ? h->side[h->index[i]] : 0] - s->c[i];
    }
    for (int64_t i = 0; i < h->k; i++) { /* R' u = c, row by row; then minus u, for Q u is added */
      const real *row = s->r + i * s->room;
      s->c[i] /= row[i];
      real u = s->c[i];
      if (i + 1 < h->k) {
        subtract(1, h->k - i - 1, row + i + 1, &u, s->c + i + 1);
      }
      s->c[i] = -u;
    }
    memset(extended, 0, (size_t)s->length * sizeof *extended);
    subtract(h->k, s->length, s->q, s->c, extended);
    for (int64_t j = 0; j < h->m; j++) {
      w[j] += extended[s->sides + j];
    }
  }
  /* the levels add up to the square of the norm */
  real scale = (level[0] + (s->sides == 2 ? level[1] : 0)) / dot_of(h->m, w, w);
  for (int64_t j = 0; j < h->m && scale > 0 && scale - scale == 0; j++) {
    w[j] *= scale;
  }
}

/* To the point of smallest norm that needs no weight below 0; points without weight leave. False: the point that joined
   last left at once, or nothing is left to go on with. */
static bool settle(walk *s, int64_t newest) {
  nl_hull *h = s->h;
  bool useful = true;
  while (aim(s)) {
    int64_t first = -1;
    real step = 1;
    for (int64_t i = 0; i < h->k; i++) {
      if (s->goal[i] <= 0) {
        real ratio = s->weight[i] / (s->weight[i] - s->goal[i]);
        ratio = s->weight[i] > 0 ? ratio : 0;
        if (first < 0 || ratio < step) {
          first = i;
          step = ratio;
        }
      }
    }
    for (int64_t i = 0; i < h->k; i++) {
      s->weight[i] = first < 0 ? s->goal[i] : s->weight[i] + step * (s->goal[i] - s->weight[i]);
    }
    if (first < 0) {
      return useful;
    }
    s->weight[first] = 0;
    for (int64_t i = h->k - 1; i >= 0; i--) {
      if (s->weight[i] <= 0 && (i == first || h->index[i] != newest)) {
        useful = useful && h->index[i] != newest;
        drop_active(s, i);
      }
    }
    if (h->k < s->sides) {
      return false;
    }
  }
  return false;
}

/* The point that is farthest on the wrong side of the plane through the active ones (-1: none is), and by how much. */
static int64_t farthest(walk *s, real *by) {
  nl_hull *h = s->h;
  real level[2] = {0}, count[2] = {0};
  for (int64_t i = 0; i < h->k; i++) {
    int side = s->sides == 2 ? h->side[h->index[i]] : 0;
    level[side] += s->value[h->index[i]];
    count[side]++;
  }
  level[0] /= count[0] > 0 ? count[0] : 1;
  level[1] /= count[1] > 0 ? count[1] : 1;
  int64_t found = -1;
  *by = 0;
  for (int64_t i = 0; i < h->n; i++) {
    real d = level[s->sides == 2 ? h->side[i] : 0] - s->value[i];
    if (d > *by && !s->active[i] && !s->banned[i]) {
      *by = d;
      found = i;
    }
  }
  return found;
}

/* The first active points: those that are given, or the shortest of each side. */
static nl_status set_out(walk *s) {
  nl_hull *h = s->h;
  int64_t first[2] = {-1, -1}, count = h->start;
  for (int64_t i = 0; i < h->n && count == 0; i++) {
    real size = 0;
    for (int64_t j = 0; j < h->m; j++) {
      size += at(h, i, j) * at(h, i, j);
    }
    s->value[i] = size;
    int side = s->sides == 2 ? h->side[i] : 0;
    if (first[side] < 0 || size < s->value[first[side]]) {
      first[side] = i;
    }
  }
  const int64_t *list = count ? h->start_index : first;
  count = count ? count : s->sides;
  real sum[2] = {0};
  for (int64_t i = 0; i < count; i++) {
    bool joined;
    nl_status status = join(s, list[i], &joined);
    if (status != NL_OK) {
      return status;
    }
    if (joined) {
      s->weight[h->k - 1] = h->start ? h->start_weight[i] : 1;
      sum[s->sides == 2 ? h->side[list[i]] : 0] += s->weight[h->k - 1];
    }
  }
  for (int64_t i = 0; i < h->k; i++) {
    s->weight[i] /= sum[s->sides == 2 ? h->side[h->index[i]] : 0];
  }
  settle(s, -1);
  return NL_OK;
}

static nl_status go(walk *s) {
  nl_hull *h = s->h;
  nl_status set = set_out(s);
  if (set != NL_OK || h->k < s->sides) {
    return set;
  }
  real best = INFINITY;
  int idle = 0;
  for (bool fresh = true; idle < 30; h->rounds++) {
    if (nl_interrupt_pending()) {
      return nl_fail_interrupted();
    }
    const real *w = s->v + s->sides;
    if (fresh) {
      straighten(s);
      memcpy(s->w, w, (size_t)h->m * sizeof *w);
      real size = dot_of(h->m, w, w);
      idle = size < best * (1 - 1e-12) ? 0 : idle + 1;
      if (idle == 0) {
        memset(s->banned, 0, (size_t)h->n * sizeof *s->banned);
      }
      best = size < best ? size : best;
      project(h, 0, h->n, s->w, s->value);
    }
    real by, size = root(dot_of(h->m, s->w, s->w));
    int64_t point = farthest(s, &by);
    if (point < 0 || size <= 50 * ROUNDING || by <= 1e-12 * size * size || by <= ROUNDING * size) {
      break;
    }
    bool joined;
    nl_status status = join(s, point, &joined);
    if (status != NL_OK) {
      return status;
    }
    fresh = joined;
    s->banned[point] = !joined || !settle(s, point);
    if (h->k < s->sides) {
      break;
    }
  }
  return NL_OK;
}

static nl_status find_nearest(nl_hull *h) {
  walk s = {.h = h, .sides = h->side ? 2 : 1};
  s.length = h->m + s.sides;
  h->k = h->rounds = 0;
  size_t numbers = (size_t)(2 * s.length + 3 * (h->room + 1) + h->n + h->m),
         bytes = numbers * sizeof(real) + 2 * (size_t)h->n;
  void *block = nl_data_alloc(bytes);
  if (!block) {
    return NL_NOMEM;
  }
  memset(block, 0, bytes);
  s.v = block;
  s.extended = s.v + s.length;
  s.c = s.extended + s.length;
  s.goal = s.c + h->room + 1;
  s.weight = s.goal + h->room + 1;
  s.w = s.weight + h->room + 1;
  s.value = s.w + h->m;
  s.active = (bool *)(s.value + h->n);
  s.banned = s.active + h->n;
  nl_status status = go(&s);
  for (int64_t i = 0; i < h->k; i++) {
    h->weight[i] = (double)s.weight[i];
    if (h->weight_low) {
      h->weight_low[i] = (double)(s.weight[i] - (real)h->weight[i]);
    }
  }
  for (int64_t j = 0; j < h->m; j++) {
    h->w[j] = (double)s.w[j];
    if (h->w_low) {
      h->w_low[j] = (double)(s.w[j] - (real)h->w[j]);
    }
  }
  if (s.q) {
    nl_data_free(s.q, s.bytes);
  }
  nl_data_free(block, bytes);
  return status;
}

#ifdef NL_HULL_WIDE
nl_status nl_hull_nearest_wide(nl_hull *h) {
  return find_nearest(h);
}
#else
nl_status nl_hull_nearest(nl_hull *h) {
  return find_nearest(h);
}

int64_t nl_independent_rows(int64_t rows, int64_t cols, double *a, double tol, int64_t *chosen) {
  double largest = 0;
  for (int64_t c = 0; c < cols; c++) {
    int64_t best = -1;
    double most = 0;
    for (int64_t r = 0; r < rows; r++) { /* a chosen row is zero from here on */
      if (fabs(a[r * cols + c]) > most) {
        most = fabs(a[r * cols + c]);
        best = r;
      }
    }
    largest = fmax(largest, most);
    if (best < 0 || most <= tol * largest || nl_interrupt_pending()) {
      return c;
    }
    chosen[c] = best;
    const double *pivot = a + best * cols;
    for (int64_t r = 0; r < rows; r++) {
      double f = a[r * cols + c] / pivot[c];
      if (r != best && f != 0) {
        nl_k->product->subtract(1, cols - c, pivot + c, cols, &f, a + r * cols + c);
      }
    }
    memset(a + best * cols, 0, (size_t)cols * sizeof *a);
  }
  return cols;
}
#endif
