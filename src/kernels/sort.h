/* Sorting: stable, with the permutation. NaN counts as larger than every number, as in PyTorch and NumPy. */
#ifndef NL_KERNELS_SORT_H
#define NL_KERNELS_SORT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/dtype.h"

/* Bytes of workspace that nl_sort_row needs for n elements. */
size_t nl_sort_workspace(int64_t n);

/* A row: the n elements x[0], x[step], ...; the first `keep` of them in sorted order go to values[0], values[to_step],
   ... and where they stood, counted from `first`, to positions[0], positions[to_step], ... */
typedef struct nl_sort {
  nl_dtype dtype;
  bool descending;
  int64_t n, step, keep, to_step, first;
  const void *x;
  void *values;
  int64_t *positions;
  void *workspace;
} nl_sort;

/* Equal elements keep their order in both directions. Looks at the interrupt flag: what it gives after an interrupt is
   to be thrown away. */
void nl_sort_row(const nl_sort *);

#endif
