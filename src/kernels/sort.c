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
/* The key of element i; the same bits turned, where the largest come first. */
static inline uint64_t key_of(const nl_sort *s, int64_t i) {
  uint64_t key, turned = s->descending ? UINT64_MAX : 0;
  switch (s->dtype) {
  case NL_F32:
    key = key_f32(((const float *)s->x)[i * s->step]);
    turned &= UINT32_MAX;
    break;
  case NL_F64:
    key = key_f64(((const double *)s->x)[i * s->step]);
    break;
  case NL_I64:
    key = (uint64_t)((const int64_t *)s->x)[i * s->step] ^ 0x8000000000000000u;
    break;
  default:
    key = ((const uint8_t *)s->x)[i * s->step];
    turned &= UINT8_MAX;
  }
  return key ^ turned;
}

enum { DIGIT = 8, VALUES = 1 << DIGIT };

/* Sorts a by its keys; b is room for as many. Returns which of both holds the result, NULL if interrupted. */
#define RADIX(item, number)                                                                                            \
  static item *radix_##item(item *a, item *b, int64_t n) {                                                             \
    enum { PASSES = 8 * sizeof a->key / DIGIT };                                                                       \
    number count[PASSES][VALUES] = {{0}};                                                                              \
    for (int64_t i = 0; i < n && !nl_interrupted_at(i); i++) {                                                         \
      for (int p = 0; p < PASSES; p++) {                                                                               \
        count[p][a[i].key >> (p * DIGIT) & (VALUES - 1)]++;                                                            \
      }                                                                                                                \
    }                                                                                                                  \
    for (int p = 0; p < PASSES && n > 0; p++) {                                                                        \
      number *c = count[p], sum = 0;                                                                                   \
      int shift = p * DIGIT;                                                                                           \
      if ((int64_t)c[a[0].key >> shift & (VALUES - 1)] == n) {                                                         \
        continue;                                                                                                      \
      }                                                                                                                \
      for (int d = 0; d < VALUES; d++) {                                                                               \
        number here = c[d];                                                                                            \
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
RADIX(narrow_item, uint32_t)
RADIX(wide_item, int64_t)

/* What is found goes out: positions, and the elements that stand there. */
#define PUT_AS(type)                                                                                                   \
  for (int64_t i = 0; i < s->keep && !nl_interrupted_at(i); i++) {                                                     \
    ((type *)s->values)[i * s->to_step] = ((const type *)s->x)[(int64_t)item[i].at * s->step];                         \
    s->positions[i * s->to_step] = (int64_t)item[i].at + s->first;                                                     \
  }
#define PUT(item_type)                                                                                                 \
  static void put_##item_type(const nl_sort *s, const item_type *item) {                                               \
    switch (nl_dtype_size(s->dtype)) {                                                                                 \
    case 1:                                                                                                            \
      PUT_AS(uint8_t)                                                                                                  \
      break;                                                                                                           \
    case 4:                                                                                                            \
      PUT_AS(uint32_t)                                                                                                 \
      break;                                                                                                           \
    default:                                                                                                           \
      PUT_AS(uint64_t)                                                                                                 \
    }                                                                                                                  \
  }
PUT(narrow_item)
PUT(wide_item)

/* The first `keep` of n by a heap of the best so far, whose worst stands at the root. */
static void select_few(const nl_sort *s) {
  const float *floats = s->dtype == NL_F32 ? s->x : NULL;
  float worst = 0; /* of floats: what has to be beaten, told without making a key */
  int64_t keep = s->keep;
  wide_item *heap = s->workspace;
  for (int64_t i = 0; i < s->n; i++) {
    if (nl_interrupted_at(i)) {
      return;
    }
    if (floats && i >= keep) {
      float v = floats[i * s->step];
      if (s->descending ? v <= worst : v >= worst) {
        continue;
      }
    }
    wide_item item = {key_of(s, i), i};
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
    worst = floats ? floats[heap[0].at * s->step] : 0;
  }
  for (int64_t i = 1; i < keep; i++) { /* few: by insertion */
    wide_item item = heap[i];
    int64_t k = i;
    for (; k > 0 && (heap[k - 1].key > item.key || (heap[k - 1].key == item.key && heap[k - 1].at > item.at)); k--) {
      heap[k] = heap[k - 1];
    }
    heap[k] = item;
  }
  put_wide_item(s, heap);
}

/* Keys of each dtype in a loop of its own. */
#define MAKE(item)                                                                                                     \
  static inline __attribute__((always_inline)) void make_##item(const nl_sort *s, nl_dtype dtype, item *a) {           \
    nl_sort known = *s;                                                                                                \
    known.dtype = dtype;                                                                                               \
    for (int64_t i = 0; i < s->n && !nl_interrupted_at(i); i++) {                                                      \
      a[i].key = (__typeof__(a->key))key_of(&known, i);                                                                \
      a[i].at = (__typeof__(a->at))i;                                                                                  \
    }                                                                                                                  \
  }
MAKE(narrow_item)
MAKE(wide_item)

void nl_sort_row(const nl_sort *s) {
  if (s->keep < s->n && s->keep <= 64) {
    select_few(s);
    return;
  }
  if (s->dtype != NL_F64 && s->dtype != NL_I64 && s->n <= UINT32_MAX) {
    narrow_item *a = s->workspace;
    if (s->dtype == NL_F32) {
      make_narrow_item(s, NL_F32, a);
    } else {
      make_narrow_item(s, NL_U8, a);
    }
    a = radix_narrow_item(a, a + s->n, s->n);
    if (a) {
      put_narrow_item(s, a);
    }
    return;
  }
  wide_item *a = s->workspace;
  if (s->dtype == NL_F64) {
    make_wide_item(s, NL_F64, a);
  } else {
    make_wide_item(s, s->dtype, a);
  }
  a = radix_wide_item(a, a + s->n, s->n);
  if (a) {
    put_wide_item(s, a);
  }
}
