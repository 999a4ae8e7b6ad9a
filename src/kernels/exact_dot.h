/* Sums of products of doubles without any rounding: a fixed-point number as wide as products of doubles are (U. Kulisch
   1971). A product takes some 5 ns, whatever the exponents are. */
#ifndef NL_KERNELS_EXACT_DOT_H
#define NL_KERNELS_EXACT_DOT_H

#include <stdint.h>

/* out[i] = sum over p < parts of (x[i] . w[p] - theta[p]) with x n x d, w parts x d, all finite. The sign is right, and
   0 means 0; the value is the exact one, rounded (by at most 2^-52 of it; never to 0 or beyond what is finite). */
void nl_exact_dots(int64_t n, int64_t d, const double *x, int64_t parts, const double *w, const double *theta,
                   double *out);

#endif
