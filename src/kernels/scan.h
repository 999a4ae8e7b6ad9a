/* Running sums and their kin along the middle of [outer][red][inner]. A line is one (outer, inner): lines [begin, end)
   are done, line l lying at l / inner * red * inner + l % inner with step inner. */
#ifndef NL_KERNELS_SCAN_H
#define NL_KERNELS_SCAN_H

#include <stdbool.h>
#include <stdint.h>

#include "core/dtype.h"

typedef enum nl_scan_kind {
  NL_SCAN_SUM, /* float32 is summed in float64 */
  NL_SCAN_PROD,
  NL_SCAN_MAX, /* nan wins, and stays */
  NL_SCAN_MIN,
  NL_SCAN_LOGSUMEXP, /* floats only */
  NL_SCAN_LINEAR,    /* out_k = x_k + a_k out_(k-1), floats only */
} nl_scan_kind;

typedef struct nl_scan_args {
  nl_scan_kind kind;
  nl_dtype dtype;
  bool reverse; /* from the last element to the first */
  int64_t red, inner;
  const void *x, *a; /* a: of LINEAR */
  void *out;
  int64_t *at; /* of MAX and MIN: positions from 1 */
} nl_scan_args;

void nl_scan(const nl_scan_args *, int64_t begin, int64_t end);

#endif
