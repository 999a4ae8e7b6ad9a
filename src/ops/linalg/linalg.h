/* What ops on matrices share: batches of row-major matrices of either float dtype on the outside,
   column-major float64 ones in the workspace for LAPACK. */
#ifndef NL_OPS_LINALG_H
#define NL_OPS_LINALG_H

#include "core/apart.h"
#include "optable/build.h"

typedef struct nl_matrices {
  int64_t batch;
  int m, n, k; /* k: the smaller of both */
} nl_matrices;

nl_matrices nl_matrices_of(const nl_tensor *x);

/* An error unless x is a float matrix or a batch of them, square if asked. */
nl_status nl_check_matrix(const nl_tensor *x, bool square);

/* Result i: the batch of in[0], then rows x cols (cols < 0: a vector of rows). */
void nl_matrix_result(nl_call *, int i, int64_t rows, int64_t cols);

/* Asks for workspace: the matrix, `results` float64 elements, and LAPACK's work. */
void nl_matrix_workspace(nl_call *, size_t results);
void nl_matrix_divide_workspace(nl_call *, size_t results); /* for svd and eigh */

/* Owns all that LAPACK is given. */
nl_keeper nl_workspace_keeper(const nl_call *);

/* c (m x n) = a (m x k) b (k x n), all column-major in float64. */
void nl_matrix_multiply(int m, int n, int k, const double *a, const double *b, double *c);

/* Row-major rows x cols number `at` of t to column-major doubles, and back (nan if it failed). */
void nl_matrix_read(const nl_tensor *t, int64_t at, int rows, int cols, double *to);
void nl_matrix_write(nl_tensor *t, int64_t at, int rows, int cols, const double *from, bool failed);

/* Singular values below so much of the largest count as 0, as in NumPy's matrix_rank. */
double nl_default_rtol(const nl_tensor *x);

/* x with its last two dims swapped. */
nl_tensor *nl_turned(nl_build *, nl_tensor *x);

#endif
