/* A least-significant-digit radix sort over keys whose unsigned order is the elements' order. Passes whose digit is
   the same everywhere are skipped, so small integers cost two passes, not eight. */
#include "kernels/sort.h"

#include <string.h>

#include "core/interrupt.h"

typedef struct item {
  uint64_t key;
  int64_t at;
} item;

size_t nl_sort_scratch(int64_t n) {
  return 2 * (size_t)n * sizeof(item);
}

/* Flip so that unsigned comparison orders negative below positive; every NaN becomes the largest key. */
static uint64_t key_of(nl_dtype dtype, const void *x, int64_t i) {
  switch (dtype) {
  case NL_F32: {
    float v = ((const float *)x)[i];
    if (v != v) {
      return UINT64_MAX;
    }
    v = v == 0 ? 0 : v; /* -0 equals 0 */
    uint32_t b;
    memcpy(&b, &v, sizeof b);
    return (b & 0x80000000u) ? (uint32_t)~b : (b | 0x80000000u);
  }
  case NL_F64: {
    double v = ((const double *)x)[i];
    if (v != v) {
      return UINT64_MAX;
    }
    v = v == 0 ? 0 : v;
    uint64_t b;
    memcpy(&b, &v, sizeof b);
    return (b & 0x8000000000000000u) ? ~b : (b | 0x8000000000000000u);
  }
  case NL_I64:
    return (uint64_t)((const int64_t *)x)[i] ^ 0x8000000000000000u;
  default:
    return ((const uint8_t *)x)[i];
  }
}

void nl_sort_row(nl_dtype dtype, int64_t n, const void *x, bool descending, int64_t keep, void *values,
                 int64_t *positions, void *scratch) {
  item *a = scratch, *b = a + n;
  uint64_t ones = UINT64_MAX, zeros = 0;
  for (int64_t i = 0; i < n; i++) {
    if (nl_interrupted_at(i)) {
      return;
    }
    uint64_t key = key_of(dtype, x, i);
    key = descending ? ~key : key;
    a[i] = (item){key, i};
    ones &= key;
    zeros |= key;
  }
  uint64_t differs = ones ^ zeros;
  for (int shift = 0; shift < 64; shift += 8) {
    if (((differs >> shift) & 0xff) == 0) {
      continue;
    }
    int64_t count[257] = {0};
    for (int64_t i = 0; i < n; i++) {
      if (nl_interrupted_at(i)) {
        return;
      }
      count[((a[i].key >> shift) & 0xff) + 1]++;
    }
    for (int d = 0; d < 256; d++) {
      count[d + 1] += count[d];
    }
    for (int64_t i = 0; i < n; i++) {
      if (nl_interrupted_at(i)) {
        return;
      }
      b[count[(a[i].key >> shift) & 0xff]++] = a[i];
    }
    item *t = a;
    a = b;
    b = t;
  }
  size_t size = nl_dtype_size(dtype);
  for (int64_t i = 0; i < keep; i++) {
    positions[i] = a[i].at;
    memcpy((char *)values + (size_t)i * size, (const char *)x + (size_t)a[i].at * size, size);
  }
}
