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
extern void *__libc_memalign(size_t, size_t);

static long left;      /* requests until one fails; 0: none does */
static bool all_after; /* and all that follow */
static bool struck;

/* FAULT_START=n in the environment: from the start of the process on. FAULT_START_FROM=n: that one and all after it. */
__attribute__((constructor)) static void begin(void) {
  for (char **e = environ; *e; e++) {
    if (strncmp(*e, "FAULT_START=", 12) == 0) {
      left = atol(*e + 12);
    } else if (strncmp(*e, "FAULT_START_FROM=", 17) == 0) {
      all_after = true;
      left = atol(*e + 17);
    }
  }
}

static bool fails(void) {
  if (left == 0 || --left > 0) {
    return false;
  }
  left = all_after ? 1 : 0;
  struck = true;
  errno = ENOMEM;
  return true;
}

void *malloc(size_t n) {
  return fails() ? NULL : __libc_malloc(n);
}
void *calloc(size_t n, size_t size) {
  return fails() ? NULL : __libc_calloc(n, size);
}
void *aligned_alloc(size_t alignment, size_t n) {
  return fails() ? NULL : __libc_memalign(alignment, n);
}
void *realloc(void *p, size_t n) {
  return fails() ? NULL : __libc_realloc(p, n);
}

/* getenv("FAULT_MALLOC_STRUCK") is "yes" where a request has failed since it was armed. */
char *getenv(const char *name) {
  static char yes[] = "yes";
  if (strcmp(name, "FAULT_MALLOC_STRUCK") == 0) {
    return struck ? yes : NULL;
  }
  static const char one[] = "FAULT_MALLOC_", from[] = "FAULT_MALLOC_FROM_";
  if (strncmp(name, one, sizeof one - 1) == 0) {
    all_after = strncmp(name, from, sizeof from - 1) == 0;
    struck = struck && strcmp(name, "FAULT_MALLOC_0") == 0;
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
