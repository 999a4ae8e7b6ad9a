/* Blocks are looked at as a whole, which compilers turn into vectors; only in one that has a value too many is it
   looked for. */
#include "kernels/holds.h"

enum { BLOCK = 1024 };

/* Comparisons are written so that nan fails them. */
#define FIRST_LOST(name, type, holds)                                                                                  \
  static int64_t name(int64_t n, const type *x) {                                                                      \
    for (int64_t begin = 0; begin < n; begin += BLOCK) {                                                               \
      int64_t end = n - begin < BLOCK ? n : begin + BLOCK;                                                             \
      int lost = 0;                                                                                                    \
      for (int64_t i = begin; i < end; i++) {                                                                          \
        type v = x[i];                                                                                                 \
        lost |= !(holds);                                                                                              \
      }                                                                                                                \
      for (int64_t i = begin; lost && i < end; i++) {                                                                  \
        type v = x[i];                                                                                                 \
        if (!(holds)) {                                                                                                \
          return i;                                                                                                    \
        }                                                                                                              \
      }                                                                                                                \
    }                                                                                                                  \
    return -1;                                                                                                         \
  }
FIRST_LOST(lost_i64_f32, float, (v >= -0x1p63f) & (v < 0x1p63f))
FIRST_LOST(lost_i64_f64, double, (v >= -0x1p63) & (v < 0x1p63))
FIRST_LOST(lost_u8_f32, float, (v > -1) & (v < 256))
FIRST_LOST(lost_u8_f64, double, (v > -1) & (v < 256))
FIRST_LOST(lost_u8_i64, int64_t, (v & ~(int64_t)255) == 0)

int64_t nl_first_lost(nl_dtype to, nl_dtype from, int64_t n, const void *x) {
  bool bytes = to == NL_U8;
  switch (from) {
  case NL_F32:
    return bytes ? lost_u8_f32(n, x) : lost_i64_f32(n, x);
  case NL_F64:
    return bytes ? lost_u8_f64(n, x) : lost_i64_f64(n, x);
  default:
    return lost_u8_i64(n, x);
  }
}
