/* The C tests' harness: CHECK(condition, message...) counts; main ends with finish(), which prints the counts that
   tests/run reads. */
#ifndef NL_TESTS_CHECK_H
#define NL_TESTS_CHECK_H

#include <stdio.h>

static int check_passed, check_failed;

#define CHECK(condition, ...)                                                                                          \
  do {                                                                                                                 \
    if (condition) {                                                                                                   \
      check_passed++;                                                                                                  \
    } else {                                                                                                           \
      check_failed++;                                                                                                  \
      printf("FAIL %s:%d: %s: ", __FILE__, __LINE__, #condition);                                                      \
      printf(__VA_ARGS__);                                                                                             \
      printf("\n");                                                                                                    \
    }                                                                                                                  \
  } while (0)

static inline int finish(void) {
  printf("C %d %d\n", check_passed, check_failed);
  return check_failed != 0;
}

#endif
