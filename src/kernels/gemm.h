/* Matrix products. All of the program goes through nl_gemm, whichever library then does the work. C[m,n] (+)= A[m,k]
 * B[k,n], row-major views with a row and a column stride. */
#ifndef NL_KERNELS_GEMM_H
#define NL_KERNELS_GEMM_H

#include <stdbool.h>
#include <stdint.h>

#include "core/dtype.h"
#include "kernels/tilecode.h"

typedef struct nl_gemm_args {
  nl_dtype dtype; /* float32, float64 or int64 */
  int64_t m, n, k;
  const void *a;
  int64_t a_row, a_col; /* strides, in elements; for floats one of the two is 1, or the dim has one element */
  const void *b;
  int64_t b_row, b_col;
  void *c;
  int64_t c_row; /* C's columns are contiguous */
  bool accumulate;
  const void *bias; /* n elements that every row of C begins with, or NULL */
} nl_gemm_args;

/* True where nl_gemm takes these strides as they are; the caller copies what it does not take. */
bool nl_gemm_takes(int64_t rows, int64_t cols, int64_t row_stride, int64_t col_stride);

/* How a product of given sizes and strides is done, settled once; its pointers may change from run to run. */
typedef struct nl_gemm_plan {
  nl_gemm_args g;
  void (*run)(const struct nl_gemm_plan *);
  struct {
    const char *p;
    int64_t ld;
    bool transposed; /* columns are contiguous */
  } a, b;
  size_t size; /* of an element */
  int64_t tile_m, tile_n, tiles_n, tiles, grain;
  bool blocks; /* by generated code, in blocks of tiles; `tiles` counts the blocks */
  int64_t vector, block_m, block_n, k_part, strip_ld; /* strip_ld: between packed rows of A, 0 where it is not packed */
  nl_tilecode kernel[2][2][2][2]; /* generated code: last rows, last columns, last terms, accumulating */
} nl_gemm_plan;

/* Holds code until nl_gemm_release. False: there is no room to hold more; nl_gemm gives the same bits. */
bool nl_gemm_prepare(nl_gemm_plan *, const nl_gemm_args *);

void nl_gemm_release(const nl_gemm_plan *);

/* The same bits as nl_gemm with these pointers; there must be a bias if there was one. */
void nl_gemm_run(nl_gemm_plan *, const void *a, const void *b, const void *bias, void *c);

/* A product that is done many times, at other addresses: its plan is settled when it is first needed. Begins as {0}. */
typedef struct nl_gemm_kept {
  nl_gemm_plan plan;
  bool there;
} nl_gemm_kept;
void nl_gemm_again(nl_gemm_kept *, const nl_gemm_args *);
void nl_gemm_let_go(nl_gemm_kept *, int count);

/* Computes the product, cut into tiles by size and spread over the pool. Results are the same bits for any number of
   threads. Looks at the interrupt flag between tiles. */
void nl_gemm(const nl_gemm_args *);

/* What runs underneath, for --version: "libxsmm 1.17 (hsw), OpenBLAS 0.3.21". */
const char *nl_gemm_backends(void);

/* A function of OpenBLAS (which contains LAPACK) by its name, or NULL. */
void *nl_blas_symbol(const char *name);

#endif
