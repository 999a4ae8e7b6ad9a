/* Places that an index names, from 1 or from the end. Compiled once for each instruction set. */
#include "kernels/kernels.h"

static bool all_places(int64_t count, const int64_t *ids, int64_t n) {
  int64_t bad = 0;
  for (int64_t i = 0; i < count; i++) {
    bad |= (ids[i] == 0) | (ids[i] > n) | (ids[i] < -n);
  }
  return !bad;
}

#define PICK(type)                                                                                                     \
  static void pick_##type(int64_t count, const int64_t *ids, int64_t n, const void *pfrom, void *pto) {                \
    const type *from = pfrom;                                                                                          \
    type *to = pto;                                                                                                    \
    NL_INDEPENDENT                                                                                                     \
    for (int64_t i = 0; i < count; i++) {                                                                              \
      to[i] = from[ids[i] + (ids[i] < 0 ? n : -1)];                                                                    \
    }                                                                                                                  \
  }
PICK(uint8_t)
PICK(uint32_t)
PICK(uint64_t)

extern const nl_places_kernels NL_ISA(nl_places_kernels);
const nl_places_kernels NL_ISA(nl_places_kernels) = {
    .all = all_places,
    .pick = {[1] = pick_uint8_t, [4] = pick_uint32_t, [8] = pick_uint64_t},
};
