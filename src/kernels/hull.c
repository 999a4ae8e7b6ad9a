#include "kernels/hull.h"

#include <float.h>
#include <math.h>
#include <stdbool.h>
#include <string.h>

#include "core/interrupt.h"
#include "core/memory.h"
#include "kernels/kernels.h"

/* Points have one or two numbers more in front: 1 in the place of their side. With B = (the active points, extended) =
   Q R, the weights of the point of smallest norm in the affine hull are R^-1 C eta, where C (k x sides) holds the first
   numbers of each row of Q, and eta is such that the weights of each side add up to 1: C' C eta = 1. The point itself
   is Q C eta without its first numbers, whose rounding does not grow with the condition of B. */
typedef struct walk {
  nl_hull *h;
  int sides;
  int64_t length, room; /* of a row of q; of rows in q and in r */
  double *q, *r;        /* room x length, rows orthonormal; room x room, upper triangular, row-major */
  double *v, *extended, *c, *goal, *value;
  bool *active, *banned;
  size_t bytes;
  void *block;
} walk;

static double dot_of(int64_t n, const double *a, const double *b) {
  double s;
  nl_k->product->dots[NL_F64](1, n, a, n, b, &s, 1, false);
  return s;
}

static void extended_point(const walk *s, int64_t i, double *v) {
  const nl_hull *h = s->h;
  v[0] = v[s->sides - 1] = 0;
  v[s->sides == 2 ? h->side[i] : 0] = 1;
  memcpy(v + s->sides, h->p + i * h->m, (size_t)h->m * sizeof *v);
}

/* Makes room for one more row. */
static nl_status make_room(walk *s) {
  if (s->h->k < s->room) {
    return NL_OK;
  }
  int64_t room = s->room ? 2 * s->room : 32;
  room = room < s->h->room + 1 ? room : s->h->room + 1;
  size_t bytes = (size_t)(room * s->length + room * room) * sizeof(double);
  double *q = nl_data_alloc(bytes);
  if (!q) {
    return NL_NOMEM;
  }
  double *r = q + room * s->length;
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
  double *v = s->v, *more = s->goal;
  extended_point(s, point, v);
  double before = sqrt(dot_of(s->length, v, v));
  memset(s->c, 0, (size_t)h->k * sizeof *s->c);
  for (int pass = 0; pass < 2; pass++) { /* twice is enough: Gram and Schmidt, and again */
    nl_k->product->dots[NL_F64](h->k, s->length, s->q, s->length, v, more, 1, false);
    nl_k->product->subtract(h->k, s->length, s->q, s->length, more, v);
    for (int64_t i = 0; i < h->k; i++) {
      s->c[i] += more[i];
    }
  }
  double rest = sqrt(dot_of(s->length, v, v));
  if (!(rest > 1e-15 * before)) {
    return NL_OK;
  }
  for (int64_t i = 0; i < h->k; i++) {
    s->r[i * s->room + h->k] = s->c[i];
  }
  s->r[h->k * s->room + h->k] = rest;
  double *row = s->q + h->k * s->length;
  for (int64_t i = 0; i < s->length; i++) {
    row[i] = v[i] / rest;
  }
  h->index[h->k] = point;
  h->weight[h->k] = 0;
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
    h->weight[i] = h->weight[i + 1];
  }
  for (int64_t i = 0; i <= h->k; i++) {
    double *row = s->r + i * s->room;
    int64_t from = i > at ? i - 1 : at;
    memmove(row + from, row + from + 1, (size_t)(h->k - from) * sizeof *row);
    row[h->k] = 0;
  }
  for (int64_t i = at; i < h->k; i++) { /* an entry below the diagonal in each row from here on */
    double *upper = s->r + i * s->room, *lower = upper + s->room;
    double size = hypot(upper[i], lower[i]);
    if (size > 0) {
      double c = upper[i] / size, sine = lower[i] / size;
      nl_k->product->rotate(h->k - i, upper + i, lower + i, c, sine);
      nl_k->product->rotate(s->length, s->q + i * s->length, s->q + (i + 1) * s->length, c, sine);
    }
    lower[i] = 0;
  }
}

/* Weights (goal) and place (v, with the first numbers) of the point of smallest norm in the affine hull. */
static bool aim(walk *s) {
  nl_hull *h = s->h;
  double t[3] = {0}, eta[2];
  for (int64_t i = 0; i < h->k; i++) {
    const double *row = s->q + i * s->length;
    t[0] += row[0] * row[0];
    t[1] += row[0] * row[s->sides - 1];
    t[2] += row[s->sides - 1] * row[s->sides - 1];
  }
  if (s->sides == 1) {
    eta[0] = 1 / t[0];
    eta[1] = 0;
  } else {
    double det = t[0] * t[2] - t[1] * t[1];
    eta[0] = (t[2] - t[1]) / det;
    eta[1] = (t[0] - t[1]) / det;
  }
  for (int64_t i = 0; i < h->k; i++) {
    const double *row = s->q + i * s->length;
    s->c[i] = -(eta[0] * row[0] + (s->sides == 2 ? eta[1] * row[1] : 0));
  }
  memset(s->v, 0, (size_t)s->length * sizeof *s->v);
  nl_k->product->subtract(h->k, s->length, s->q, s->length, s->c, s->v);
  bool finite = true;
  for (int64_t i = h->k - 1; i >= 0; i--) {
    const double *row = s->r + i * s->room;
    double known = i + 1 < h->k ? dot_of(h->k - i - 1, row + i + 1, s->goal + i + 1) : 0;
    s->goal[i] = (-s->c[i] - known) / row[i];
    finite = finite && isfinite(s->goal[i]);
  }
  return finite;
}

/* The place is right to rounding of 1, which is not enough where it is near to 0: its direction decides. All active
   points of a side are to be at one level along it; what they lack is found with the rounding of the place alone, and
   taken away: w += Q R^-T (level - w . point). */
static void straighten(walk *s) {
  nl_hull *h = s->h;
  double *w = s->v + s->sides, size = sqrt(dot_of(h->m, w, w));
  if (!(size < 1e-3) || size == 0) {
    return;
  }
  double *extended = s->extended, level[2], count[2];
  for (int pass = 0; pass < 3; pass++) {
    memset(level, 0, sizeof level);
    memset(count, 0, sizeof count);
    for (int64_t i = 0; i < h->k; i++) {
      int side = s->sides == 2 ? h->side[h->index[i]] : 0;
      s->c[i] = dot_of(h->m, h->p + h->index[i] * h->m, w);
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
      const double *row = s->r + i * s->room;
      s->c[i] /= row[i];
      double u = s->c[i];
      if (i + 1 < h->k) {
        nl_k->product->subtract(1, h->k - i - 1, row + i + 1, h->k, &u, s->c + i + 1);
      }
      s->c[i] = -u;
    }
    memset(extended, 0, (size_t)s->length * sizeof *extended);
    nl_k->product->subtract(h->k, s->length, s->q, s->length, s->c, extended);
    for (int64_t j = 0; j < h->m; j++) {
      w[j] += extended[s->sides + j];
    }
  }
  /* the levels add up to the square of the norm */
  double scale = (level[0] + (s->sides == 2 ? level[1] : 0)) / dot_of(h->m, w, w);
  for (int64_t j = 0; j < h->m && scale > 0 && isfinite(scale); j++) {
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
    double step = 1;
    for (int64_t i = 0; i < h->k; i++) {
      if (s->goal[i] <= 0) {
        double ratio = h->weight[i] / (h->weight[i] - s->goal[i]);
        ratio = h->weight[i] > 0 ? ratio : 0;
        if (first < 0 || ratio < step) {
          first = i;
          step = ratio;
        }
      }
    }
    for (int64_t i = 0; i < h->k; i++) {
      h->weight[i] = first < 0 ? s->goal[i] : h->weight[i] + step * (s->goal[i] - h->weight[i]);
    }
    if (first < 0) {
      return useful;
    }
    h->weight[first] = 0;
    for (int64_t i = h->k - 1; i >= 0; i--) {
      if (h->weight[i] <= 0 && (i == first || h->index[i] != newest)) {
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
static int64_t farthest(walk *s, double *by) {
  nl_hull *h = s->h;
  double level[2] = {0}, count[2] = {0};
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
    double d = level[s->sides == 2 ? h->side[i] : 0] - s->value[i];
    if (d > *by && !s->active[i] && !s->banned[i]) {
      *by = d;
      found = i;
    }
  }
  return found;
}

static nl_status go(walk *s) {
  nl_hull *h = s->h;
  int64_t first[2] = {-1, -1};
  for (int64_t i = 0; i < h->n; i++) { /* the shortest of each side */
    s->value[i] = dot_of(h->m, h->p + i * h->m, h->p + i * h->m);
    int side = s->sides == 2 ? h->side[i] : 0;
    if (first[side] < 0 || s->value[i] < s->value[first[side]]) {
      first[side] = i;
    }
  }
  for (int side = 0; side < s->sides; side++) {
    bool joined;
    nl_status status = join(s, first[side], &joined);
    if (status != NL_OK) {
      return status;
    }
    h->weight[side] = 1;
  }
  settle(s, -1);
  double best = INFINITY;
  int idle = 0;
  for (bool fresh = true; idle < 30; h->rounds++) {
    if (nl_interrupt_pending()) {
      return nl_fail_interrupted();
    }
    const double *w = s->v + s->sides;
    if (fresh) {
      straighten(s);
      memcpy(h->w, w, (size_t)h->m * sizeof *w);
      double size = dot_of(h->m, w, w);
      idle = size < best * (1 - 1e-12) ? 0 : idle + 1;
      if (idle == 0) {
        memset(s->banned, 0, (size_t)h->n * sizeof *s->banned);
      }
      best = fmin(best, size);
      nl_k->product->dots[NL_F64](h->n, h->m, h->p, h->m, h->w, s->value, 1, false);
    }
    double by, size = sqrt(dot_of(h->m, h->w, h->w));
    int64_t point = farthest(s, &by);
    if (point < 0 || size <= 1e-14 || by <= 1e-12 * size * size || by <= 2e-16 * size) {
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

nl_status nl_hull_nearest(nl_hull *h) {
  walk s = {.h = h, .sides = h->side ? 2 : 1};
  s.length = h->m + s.sides;
  h->k = h->rounds = 0;
  memset(h->w, 0, (size_t)h->m * sizeof *h->w);
  size_t numbers = (size_t)(2 * s.length + 2 * (h->room + 1) + h->n),
         bytes = numbers * sizeof(double) + 2 * (size_t)h->n;
  s.block = nl_data_alloc(bytes);
  if (!s.block) {
    return NL_NOMEM;
  }
  memset(s.block, 0, bytes);
  s.v = s.block;
  s.extended = s.v + s.length;
  s.c = s.extended + s.length;
  s.goal = s.c + h->room + 1;
  s.value = s.goal + h->room + 1;
  s.active = (bool *)(s.value + h->n);
  s.banned = s.active + h->n;
  nl_status status = go(&s);
  if (s.q) {
    nl_data_free(s.q, s.bytes);
  }
  nl_data_free(s.block, bytes);
  return status;
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
