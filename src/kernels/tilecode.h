/* Machine code for the tiles of products, which libxsmm's generator writes when a shape is first met. There is room for
   a bounded amount; what has gone is written again when it is asked for, so a shape gives the same bits for as long as
   the process lives. */
#ifndef NL_KERNELS_TILECODE_H
#define NL_KERNELS_TILECODE_H

#include <stdbool.h>
#include <stdint.h>

#include "core/dtype.h"

/* C[m,n] = A[m,k] B[k,n], or += where it accumulates; row-major, with the lengths of rows. A transposed: its columns
   are contiguous, and lda is their distance. */
typedef struct nl_tilecode_shape {
  int32_t m, n, k, lda, ldb, ldc;
  uint8_t dtype, a_transposed, accumulate, zero[5]; /* zero, so that shapes compare as bytes */
} nl_tilecode_shape;

typedef union nl_tilecode {
  void (*any)(void);
  void (*f32)(const float *b, const float *a, float *c);
  void (*f64)(const double *b, const double *a, double *c);
} nl_tilecode;

/* False: no code can be written here (the processor, or no room at the start), for the life of the process. */
bool nl_tilecode_ready(void);

/* The processor that code is written for, in libxsmm's words ("skx"). */
const char *nl_tilecode_target(void);

/* Code that stays until it is dropped; any == NULL where the generator has none for this shape. `keep` says that it is
   held for long, and sets `full` where the room for such is taken. At most 16 may be held by a thread without `keep`.
 */
nl_tilecode nl_tilecode_take(const nl_tilecode_shape *, bool keep, bool *full);

void nl_tilecode_drop(nl_tilecode);

/* To be called after code has run: it leaves the upper parts of vector registers as they are, and on some processors
   code that was not compiled for AVX then waits for them (a quarter of a microsecond at its first instruction). */
static inline void nl_tilecode_leave(void) {
#if defined(__x86_64__)
  __asm__ volatile("vzeroupper" ::: "memory");
#endif
}

/* Bytes of code written so far, and how often a shape was written: for tests. */
typedef struct nl_tilecode_state {
  int64_t bytes, written, held;
} nl_tilecode_state;
nl_tilecode_state nl_tilecode_look(void);

#endif
