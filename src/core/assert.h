/* Invariants that run: in builds with DEBUG=1 or SANITIZE=..., a false one says what and where, and ends the program.
 */
#ifndef NL_CORE_ASSERT_H
#define NL_CORE_ASSERT_H

#ifdef NL_DEBUG
#include <stdio.h>
#include <stdlib.h>
#define nl_assert(condition, ...)                                                                                      \
  do {                                                                                                                 \
    if (!(condition)) {                                                                                                \
      fprintf(stderr, "nnlua: %s:%d: %s is false: ", __FILE__, __LINE__, #condition);                                  \
      fprintf(stderr, __VA_ARGS__);                                                                                    \
      fprintf(stderr, "\n");                                                                                           \
      abort();                                                                                                         \
    }                                                                                                                  \
  } while (0)
#else
#define nl_assert(condition, ...) ((void)0)
#endif

#endif
