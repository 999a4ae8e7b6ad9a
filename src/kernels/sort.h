/* Sorting: stable, with the permutation. NaN counts as larger than every number, as in PyTorch and NumPy. */
#ifndef NL_KERNELS_SORT_H
#define NL_KERNELS_SORT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/dtype.h"

/* Bytes of workspace that nl_sort_row needs for n elements. */
size_t nl_sort_workspace(int64_t n);

/* Looks at the interrupt flag: what it gives after an interrupt is to be thrown away. The first `keep` of the n
   elements x[0], x[step], ... in sorted order: values and their 0-based positions. Equal elements keep their order in
   both directions. */
void nl_sort_row(nl_dtype dtype, int64_t n, const void *x, bool descending, int64_t keep, void *values,
                 int64_t *positions, void *workspace);

#endif
