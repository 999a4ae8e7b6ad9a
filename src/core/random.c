/* Philox4x32-10, one block at a time; kernels/random.c has the wide form for whole tensors. */
#include "core/random.h"

#include <sys/random.h>
#include <time.h>

void nl_philox4x32_10(const uint32_t counter[4], const uint32_t key[2], uint32_t out[4]) {
  uint32_t c0 = counter[0], c1 = counter[1], c2 = counter[2], c3 = counter[3];
  uint32_t k0 = key[0], k1 = key[1];
  for (int round = 0; round < 10; round++) {
    uint64_t p0 = (uint64_t)0xD2511F53u * c0;
    uint64_t p1 = (uint64_t)0xCD9E8D57u * c2;
    uint32_t n0 = (uint32_t)(p1 >> 32) ^ c1 ^ k0;
    uint32_t n2 = (uint32_t)(p0 >> 32) ^ c3 ^ k1;
    c1 = (uint32_t)p1;
    c3 = (uint32_t)p0;
    c0 = n0;
    c2 = n2;
    k0 += 0x9E3779B9u;
    k1 += 0xBB67AE85u;
  }
  out[0] = c0;
  out[1] = c1;
  out[2] = c2;
  out[3] = c3;
}

nl_generator *(*nl_generator_redirect)(nl_generator *);

nl_generator *nl_generator_now(nl_generator *g) {
  return nl_generator_redirect ? nl_generator_redirect(g) : g;
}

void nl_generator_seed(nl_generator *g, uint64_t seed) {
  g->seed = seed;
  g->counter = 0;
}

uint64_t nl_generator_take(nl_generator *g, uint64_t blocks) {
  uint64_t first = g->counter;
  g->counter += blocks;
  return first;
}

uint64_t nl_generator_next(nl_generator *g) {
  uint64_t at = nl_generator_take(g, 1);
  uint32_t out[4];
  nl_philox4x32_10((uint32_t[4]){(uint32_t)at, (uint32_t)(at >> 32), 0, 0},
                   (uint32_t[2]){(uint32_t)g->seed, (uint32_t)(g->seed >> 32)}, out);
  return (uint64_t)out[1] << 32 | out[0];
}

uint64_t nl_random_seed(void) {
  uint64_t seed;
  if (getrandom(&seed, sizeof seed, GRND_NONBLOCK) != (ssize_t)sizeof seed) {
    struct timespec t;
    clock_gettime(CLOCK_REALTIME, &t);
    seed = (uint64_t)t.tv_sec * 1000000007u ^ (uint64_t)t.tv_nsec;
  }
  return seed;
}
