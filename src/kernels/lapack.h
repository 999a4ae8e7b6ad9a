/* Factorizations of float64 matrices by LAPACK, which OpenBLAS brings. Matrices are column-major; every function
   returns LAPACK's info: 0 when all is well, above 0 when the matrix has no such factorization (see each). Work memory
   comes from the caller. Long calls run apart (core/apart.h): the keeper says who owns all the memory that is given. */
#ifndef NL_KERNELS_LAPACK_H
#define NL_KERNELS_LAPACK_H

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>

#include "core/apart.h"

/* A Ctrl-C came: what was given may still be written to, and holds nothing. */
enum { NL_LAPACK_LEFT = INT_MIN };

/* Loads the library when first asked; false: it is not there, and no other function may be called. */
bool nl_lapack_ready(void);

/* float64 elements of `work` that each function needs for an m x n matrix. */
size_t nl_lapack_work(int m, int n);
size_t nl_lapack_divide_work(int m, int n); /* svd and eigh, by divide and conquer (LAPACK's gesdd, syevd) */

/* a (m x n) = q r: a becomes q (its first min(m, n) columns), r (min x n) is written apart. */
int nl_lapack_qr(const nl_keeper *, int m, int n, double *a, double *r, double *work);

/* a = u diag(s) vt with min(m, n) singular values, largest first; a is destroyed. > 0: did not converge. */
int nl_lapack_svd(const nl_keeper *, int m, int n, double *a, double *u, double *s, double *vt, double *work);

/* Eigenvalues of a symmetric n x n matrix (its lower triangle), smallest first; a becomes the vectors. > 0: did not
   converge. */
int nl_lapack_eigh(const nl_keeper *, int n, double *a, double *values, double *work);

/* The lower factor of a symmetric positive definite matrix, in place; above the diagonal is not touched. > 0: not
   positive definite. */
int nl_lapack_cholesky(const nl_keeper *, int n, double *a);

/* b (n x k) becomes the solution of a x = b; a is destroyed. > 0: a is singular. */
int nl_lapack_solve(const nl_keeper *, int n, int k, double *a, double *b, double *work);

/* a (n x n) = p l u in place; pivots: row i changed places with row pivots[i] (from 1). > 0: a is singular. */
int nl_lapack_lu(const nl_keeper *, int n, double *a, int *pivots);

/* b (n x k) becomes the solution of t x = b (or t^T x = b) for a triangular t. > 0: t is singular. */
int nl_lapack_triangular(const nl_keeper *, int n, int k, bool upper, bool transpose, bool unit, const double *t,
                         double *b);

/* Eigenvalues re + i im of any n x n matrix, and vectors: column j, or for a complex pair j, j + 1 the real and the
   imaginary part of the first. a is destroyed. > 0: did not converge. */
int nl_lapack_eig(const nl_keeper *, int n, double *a, double *re, double *im, double *vectors, double *work);

#endif
