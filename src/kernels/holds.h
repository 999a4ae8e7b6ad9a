/* Whether a whole dtype can hold given values. */
#ifndef NL_KERNELS_HOLDS_H
#define NL_KERNELS_HOLDS_H

#include <stdint.h>

#include "core/dtype.h"

/* True for conversions between numbers that not every value survives: floats to whole numbers, int64 to uint8. Cutting
   off a fraction is what such a conversion does; only values beyond the range, and nan, are lost. */
static inline bool nl_may_lose(nl_dtype to, nl_dtype from) {
  return (to == NL_I64 && nl_dtype_is_float(from)) || (to == NL_U8 && (from == NL_I64 || nl_dtype_is_float(from)));
}

/* The position from 0 of the first of n values that `to` cannot hold, or -1. nl_may_lose(to, from) must hold. */
int64_t nl_first_lost(nl_dtype to, nl_dtype from, int64_t n, const void *x);

#endif
