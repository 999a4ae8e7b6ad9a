/* The nearest points of two convex hulls over the rationals (GMP), of which every double is one: Wolfe's algorithm
   (P. Wolfe 1976, "Finding the nearest point in a polytope") without rounding, which ends, and cannot be wrong.
   Equations are solved by lifting (kernels/lift.h): a hundred active points take seconds. */
#ifndef NL_KERNELS_EXACT_HULL_H
#define NL_KERNELS_EXACT_HULL_H

#include <stdint.h>

#include "core/error.h"

enum { NL_EXACT_PARTS = 4, NL_EXACT_TRIES = 32 };

typedef enum nl_exact_answer { NL_EXACT_TOO_LARGE, NL_EXACT_APART, NL_EXACT_MEET } nl_exact_answer;

typedef struct nl_exact_hull {
  int64_t n, d;
  const double *x;     /* n x d, finite */
  const uint8_t *side; /* n of 0 or 1, both there */
  int64_t start;       /* points to begin with, and their weights (above 0); both sides must be there */
  const int64_t *start_index;
  const double *start_weight;
  int limit; /* no more active points than that */
  /* results; the arrays' memory is the caller's, texts are freed by nl_exact_hull_free */
  nl_exact_answer answer;
  int k;
  int64_t *index; /* limit */
  double *weight; /* limit; rounded */
  char **text;    /* limit fractions such as "1/2" */
  /* if apart: w . x > theta for side 1, < theta for side 0. The exact plane, its largest |w| between 1/2 and 1, is the
     sum of the parts. Row t of tries is (w, theta), all times (1 + t / TRIES), rounded: some of them may hold. */
  double *parts; /* NL_EXACT_PARTS x (d + 1) */
  double *tries; /* NL_EXACT_TRIES x (d + 1) */
  double margin; /* half the distance of the hulls, rounded down by at most 2^-50 of it */
  int rounds;
} nl_exact_hull;

/* Errors: memory, Ctrl-C. */
nl_status nl_exact_hull_nearest(nl_exact_hull *);
void nl_exact_hull_free(nl_exact_hull *);

#endif
