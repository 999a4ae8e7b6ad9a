/* To be loaded before the C library (LD_PRELOAD): after getenv("FAULT_MALLOC_n") the n-th request for memory fails, or
   with getenv("FAULT_MALLOC_FROM_n") that one and all that follow; getenv("FAULT_MALLOC_0") ends it. A script arms it
   by os.getenv, so that nothing fails before. */
#include <dlfcn.h>
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

extern char **environ;
extern void *__libc_malloc(size_t);
extern void *__libc_calloc(size_t, size_t);
extern void *__libc_realloc(void *, size_t);

static long left;      /* requests until one fails; 0: none does */
static bool all_after; /* and all that follow */

static bool fails(void) {
  if (left == 0 || --left > 0) {
    return false;
  }
  left = all_after ? 1 : 0;
  errno = ENOMEM;
  return true;
}

void *malloc(size_t n) {
  return fails() ? NULL : __libc_malloc(n);
}
void *calloc(size_t n, size_t size) {
  return fails() ? NULL : __libc_calloc(n, size);
}
void *realloc(void *p, size_t n) {
  return fails() ? NULL : __libc_realloc(p, n);
}

char *getenv(const char *name) {
  static const char one[] = "FAULT_MALLOC_", from[] = "FAULT_MALLOC_FROM_";
  if (strncmp(name, one, sizeof one - 1) == 0) {
    all_after = strncmp(name, from, sizeof from - 1) == 0;
    left = atol(name + (all_after ? sizeof from : sizeof one) - 1);
    return NULL;
  }
  size_t n = strlen(name);
  for (char **e = environ; e && *e; e++) {
    if (strncmp(*e, name, n) == 0 && (*e)[n] == '=') {
      return *e + n + 1;
    }
  }
  return NULL;
}
