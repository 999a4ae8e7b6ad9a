/* Special functions that the C library does not have. */
#ifndef NL_KERNELS_SPECIAL_H
#define NL_KERNELS_SPECIAL_H

/* The inverse of erf on [-1, 1]; inf at the ends, nan outside. */
double nl_erfinv(double x);

/* The logarithmic derivative of gamma; nan at 0 and the negative integers, as PyTorch has it (-inf at +0). */
double nl_digamma(double x);

/* The n-th derivative of digamma: digamma for 0, else (-1)^(n+1) n! zeta(n + 1, x); nan for orders that are no such
 * number. */
double nl_polygamma(double order, double x);

/* log |gamma(x)|, safe in threads. */
double nl_lgamma(double x);

#endif
