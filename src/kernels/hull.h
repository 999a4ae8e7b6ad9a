/* The point of smallest norm in the convex hull of many points, and the nearest points of two hulls, in float64: by an
   active set whose factorization is updated. P. Wolfe 1976, "Finding the nearest point in a polytope"; the updates of
   QR are those of Daniel, Gragg, Kaufman & Stewart 1976. What comes out is near the answer by rounding, and proves
   nothing: the caller checks it (kernels/exact_dot.h). */
#ifndef NL_KERNELS_HULL_H
#define NL_KERNELS_HULL_H

#include <stdint.h>

#include "core/error.h"

typedef struct nl_hull {
  int64_t n, m;         /* points, numbers of each */
  const double *p;      /* n x m; the largest norm should be about 1 */
  const uint8_t *side;  /* n of 0 or 1, both there: weights of either side add up to 1. NULL: of all */
  int64_t room;         /* of index and weight: at least min(n, m + 2) */
  const double *center; /* NULL; or m numbers that are taken away from each point of p, and then those of side 0 have
                           their sign changed, which is done already where this is NULL */
  int64_t start;        /* 0; or so many points to begin with, of either side one at least, and their weights */
  const int64_t *start_index;
  const double *start_weight;
  /* results, the arrays' memory being the caller's */
  int64_t k, *index; /* the points that have a weight, from 0 */
  double *weight,
      *w; /* k weights, all above 0; m numbers: the sum of weight * point, which is as near to 0 as can be */
  double *weight_low, *w_low; /* NULL, or what a double leaves of them */
  int64_t rounds;
} nl_hull;

/* Errors: memory, Ctrl-C. The wide one has twice the digits of float64, and takes some fifty times as long: for hulls
   that are nearer to each other than 1e-13 of their size. */
nl_status nl_hull_nearest(nl_hull *);
nl_status nl_hull_nearest_wide(nl_hull *);

/* Of a (rows x cols, row-major, rows >= cols; destroyed): cols rows that are independent, written to chosen, found by
   elimination with pivots. Returns how many there were before the rest fell below tol times the largest pivot. */
int64_t nl_independent_rows(int64_t rows, int64_t cols, double *a, double tol, int64_t *chosen);

#endif
