/* A least-significant-digit radix sort over keys whose unsigned order is the elements' order, and a selection of the
   first few. Keys of 32 bits travel with their place in 8 bytes. All digits are counted in one pass; passes whose digit
   is the same everywhere are skipped, so small integers cost two passes, not eight. */
#include "kernels/sort.h"

#include <string.h>

#include "core/interrupt.h"

typedef struct narrow_item {
  uint32_t key, at;
} narrow_item;
typedef struct wide_item {
  uint64_t key;
  int64_t at;
} wide_item;

size_t nl_sort_workspace(int64_t n) {
  return 2 * (size_t)n * sizeof(wide_item);
}

/* Flip so that unsigned comparison orders negative below positive; every NaN becomes the largest key. */
static inline uint32_t key_f32(float v) {
  v = v == 0 ? 0 : v; /* -0 equals 0 */
  uint32_t b;
  memcpy(&b, &v, sizeof b);
  return v != v ? UINT32_MAX : ((b & 0x80000000u) ? ~b : (b | 0x80000000u));
}
static inline uint64_t key_f64(double v) {
  v = v == 0 ? 0 : v;
  uint64_t b;
  memcpy(&b, &v, sizeof b);
  return v != v ? UINT64_MAX : ((b & 0x8000000000000000u) ? ~b : (b | 0x8000000000000000u));
}
static inline uint64_t key_of(nl_dtype dtype, const void *x, int64_t i) {
  switch (dtype) {
  case NL_F32:
    return key_f32(((const float *)x)[i]);
  case NL_F64:
    return key_f64(((const double *)x)[i]);
  case NL_I64:
    return (uint64_t)((const int64_t *)x)[i] ^ 0x8000000000000000u;
  default:
    return ((const uint8_t *)x)[i];
  }
}
/* The same bits turned, where the largest come first. */
static inline uint64_t ordered_key(nl_dtype dtype, const void *x, int64_t i, bool descending) {
  uint64_t key = key_of(dtype, x, i);
  return !descending ? key
                     : (dtype == NL_F32 ? (uint32_t)~key : (dtype == NL_F64 || dtype == NL_I64 ? ~key : 255 - key));
}

enum { DIGIT = 8, VALUES = 1 << DIGIT };

/* Sorts a by its keys; b is room for as many. Returns which of both holds the result, NULL if interrupted. */
#define RADIX(item)                                                                                                    \
  static item *radix_##item(item *a, item *b, int64_t n) {                                                             \
    enum { PASSES = 8 * sizeof a->key / DIGIT };                                                                       \
    int64_t count[PASSES][VALUES] = {{0}};                                                                             \
    for (int64_t i = 0; i < n && !nl_interrupted_at(i); i++) {                                                         \
      for (int p = 0; p < PASSES; p++) {                                                                               \
        count[p][a[i].key >> (p * DIGIT) & (VALUES - 1)]++;                                                            \
      }                                                                                                                \
    }                                                                                                                  \
    for (int p = 0; p < PASSES && n > 0; p++) {                                                                        \
      int64_t *c = count[p], sum = 0;                                                                                  \
      int shift = p * DIGIT;                                                                                           \
      if (c[a[0].key >> shift & (VALUES - 1)] == n) {                                                                  \
        continue;                                                                                                      \
      }                                                                                                                \
      for (int d = 0; d < VALUES; d++) {                                                                               \
        int64_t here = c[d];                                                                                           \
        c[d] = sum;                                                                                                    \
        sum += here;                                                                                                   \
      }                                                                                                                \
      for (int64_t i = 0; i < n; i++) {                                                                                \
        if (nl_interrupted_at(i)) {                                                                                    \
          return NULL;                                                                                                 \
        }                                                                                                              \
        b[c[a[i].key >> shift & (VALUES - 1)]++] = a[i];                                                               \
      }                                                                                                                \
      item *t = a;                                                                                                     \
      a = b;                                                                                                           \
      b = t;                                                                                                           \
    }                                                                                                                  \
    return a;                                                                                                          \
  }
RADIX(narrow_item)
RADIX(wide_item)

static void put_pair(nl_dtype dtype, const void *x, int64_t i, int64_t at, void *values, int64_t *positions) {
  size_t size = nl_dtype_size(dtype);
  positions[i] = at;
  memcpy((char *)values + (size_t)i * size, (const char *)x + (size_t)at * size, size);
}

/* The first `keep` of n by a heap of the best so far, whose worst stands at the root. */
static void select_few(nl_dtype dtype, int64_t n, const void *x, bool descending, int64_t keep, void *values,
                       int64_t *positions, wide_item *heap) {
  const float *floats = dtype == NL_F32 ? x : NULL;
  float worst = 0; /* of floats: what has to be beaten, told without making a key */
  for (int64_t i = 0; i < n; i++) {
    if (nl_interrupted_at(i)) {
      return;
    }
    if (floats && i >= keep && (descending ? floats[i] <= worst : floats[i] >= worst)) {
      continue;
    }
    wide_item item = {ordered_key(dtype, x, i, descending), i};
    int64_t k;
    if (i < keep) { /* grows at the end */
      for (k = i; k > 0 && heap[(k - 1) / 2].key <= item.key; k = (k - 1) / 2) {
        heap[k] = heap[(k - 1) / 2];
      }
    } else if (item.key < heap[0].key) { /* of equals the earlier one stays */
      for (k = 0;;) {
        int64_t child = 2 * k + 1;
        if (child >= keep) {
          break;
        }
        bool right =
            child + 1 < keep && (heap[child + 1].key > heap[child].key ||
                                 (heap[child + 1].key == heap[child].key && heap[child + 1].at > heap[child].at));
        child += right;
        if (heap[child].key < item.key || (heap[child].key == item.key && heap[child].at < item.at)) {
          break;
        }
        heap[k] = heap[child];
        k = child;
      }
    } else {
      continue;
    }
    heap[k] = item;
    worst = floats ? floats[heap[0].at] : 0;
  }
  for (int64_t i = 1; i < keep; i++) { /* few: by insertion */
    wide_item item = heap[i];
    int64_t k = i;
    for (; k > 0 && (heap[k - 1].key > item.key || (heap[k - 1].key == item.key && heap[k - 1].at > item.at)); k--) {
      heap[k] = heap[k - 1];
    }
    heap[k] = item;
  }
  for (int64_t i = 0; i < keep; i++) {
    put_pair(dtype, x, i, heap[i].at, values, positions);
  }
}

void nl_sort_row(nl_dtype dtype, int64_t n, const void *x, bool descending, int64_t keep, void *values,
                 int64_t *positions, void *workspace) {
  if (keep < n && keep <= 64) {
    select_few(dtype, n, x, descending, keep, values, positions, workspace);
    return;
  }
  if (dtype != NL_F64 && dtype != NL_I64 && n <= UINT32_MAX) {
    narrow_item *a = workspace;
    for (int64_t i = 0; i < n && !nl_interrupted_at(i); i++) {
      a[i] = (narrow_item){(uint32_t)ordered_key(dtype, x, i, descending), (uint32_t)i};
    }
    a = radix_narrow_item(a, a + n, n);
    for (int64_t i = 0; i < keep && a && !nl_interrupted_at(i); i++) {
      put_pair(dtype, x, i, a[i].at, values, positions);
    }
    return;
  }
  wide_item *a = workspace;
  for (int64_t i = 0; i < n && !nl_interrupted_at(i); i++) {
    a[i] = (wide_item){ordered_key(dtype, x, i, descending), i};
  }
  a = radix_wide_item(a, a + n, n);
  for (int64_t i = 0; i < keep && a && !nl_interrupted_at(i); i++) {
    put_pair(dtype, x, i, a[i].at, values, positions);
  }
}
