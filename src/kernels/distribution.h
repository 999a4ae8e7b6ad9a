/* Draws from distributions whose draws take a random number of random numbers. Element i takes its own stream, a
   function of the seed, the draw's number and i, so the bits do not depend on threads. */
#ifndef NL_KERNELS_DISTRIBUTION_H
#define NL_KERNELS_DISTRIBUTION_H

#include <stdint.h>

typedef struct nl_stream {
  uint64_t seed, draw, element;
  uint32_t block, words[4];
  int left;
} nl_stream;

void nl_stream_start(nl_stream *, uint64_t seed, uint64_t draw, uint64_t element);

/* In (0, 1), both ends out. */
double nl_stream_uniform(nl_stream *);
double nl_stream_normal(nl_stream *);

/* shape > 0, scale 1 (Marsaglia & Tsang 2000). nan for other shapes. */
double nl_stream_gamma(nl_stream *, double shape);

/* rate >= 0: by inversion below 10, by transformed rejection above (Hormann 1993, PTRS). nan for other rates. */
double nl_stream_poisson(nl_stream *, double rate);

#endif
