/* Small things about whole numbers. */
#ifndef NL_CORE_NUMBER_H
#define NL_CORE_NUMBER_H

#include <stdint.h>

static inline int64_t nl_smaller(int64_t a, int64_t b) {
  return a < b ? a : b;
}

#endif
