/* Random numbers: Philox4x32-10 (Salmon et al. 2011, "Parallel random numbers: as easy as 1, 2, 3"). A generator is a
   key (the seed) and a counter; element i of a draw is a pure function of both, so the bits do not depend on threads,
   on the CPU path, or on how a draw is cut. */
#ifndef NL_CORE_RANDOM_H
#define NL_CORE_RANDOM_H

#include <stdint.h>

typedef struct nl_generator {
  uint64_t seed;
  uint64_t counter; /* blocks of four 32-bit words drawn so far */
} nl_generator;

/* One block: four words from a 128-bit counter and a 64-bit key. */
void nl_philox4x32_10(const uint32_t counter[4], const uint32_t key[2], uint32_t out[4]);

/* Where the numbers of g come from at the moment: g, or what the function set here says instead (autograd, while it
   computes something again that drew before). Whoever reads or changes a generator asks this first. */
extern nl_generator *(*nl_generator_redirect)(nl_generator *);
nl_generator *nl_generator_now(nl_generator *g);

void nl_generator_seed(nl_generator *g, uint64_t seed);

/* Takes `blocks` blocks and returns the number of the first. */
uint64_t nl_generator_take(nl_generator *g, uint64_t blocks);

/* The next 64 random bits: one block. */
uint64_t nl_generator_next(nl_generator *g);

/* A seed from the system, for programs that set none. */
uint64_t nl_random_seed(void);

#endif
