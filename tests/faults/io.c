/* To be loaded before the C library (LD_PRELOAD): after getenv("FAULT_IO_n") the n-th call that writes (open for
   writing, write, fwrite, fflush, fclose, close, fsync, rename, linkat) fails, or with getenv("FAULT_IO_FROM_n") that
   one and all that follow; with getenv("FAULT_IO_SHORT_n") the n-th write writes half. getenv("FAULT_IO_0") ends it,
   and getenv("FAULT_IO_STRUCK") is "yes" where a call was struck since it was armed. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>

extern char **environ;

static long left;
static bool all_after, shorten, struck;

static bool fails(void) {
  if (left == 0 || shorten || --left > 0) {
    return false;
  }
  left = all_after ? 1 : 0;
  struck = true;
  errno = ENOSPC;
  return true;
}

#define REAL(name) ((__typeof__(name) *)dlsym(RTLD_NEXT, #name))

ssize_t write(int fd, const void *p, size_t n) {
  if (fd <= 2) {
    return REAL(write)(fd, p, n);
  }
  if (left > 0 && shorten && --left == 0 && n > 1) {
    struck = true;
    n /= 2;
  }
  return fails() ? -1 : REAL(write)(fd, p, n);
}
size_t fwrite(const void *p, size_t size, size_t n, FILE *f) {
  return fileno(f) > 2 && fails() ? 0 : REAL(fwrite)(p, size, n, f);
}
int fflush(FILE *f) {
  return f && fileno(f) > 2 && fails() ? EOF : REAL(fflush)(f);
}
int fclose(FILE *f) {
  bool bad = fileno(f) > 2 && fails();
  int rc = REAL(fclose)(f);
  return bad ? (errno = ENOSPC, EOF) : rc;
}
int fsync(int fd) {
  return fails() ? -1 : REAL(fsync)(fd);
}
int rename(const char *from, const char *to) {
  return fails() ? -1 : REAL(rename)(from, to);
}
int linkat(int a, const char *from, int b, const char *to, int flags) {
  return fails() ? -1 : REAL(linkat)(a, from, b, to, flags);
}
int close(int fd) {
  bool bad = fails();
  int rc = REAL(close)(fd);
  return bad ? (errno = EIO, -1) : rc;
}
int open(const char *path, int flags, ...) {
  va_list args;
  va_start(args, flags);
  int mode = (flags & (O_CREAT | O_TMPFILE)) ? va_arg(args, int) : 0;
  va_end(args);
  return (flags & O_ACCMODE) != O_RDONLY && fails() ? -1 : REAL(open)(path, flags, mode);
}

char *getenv(const char *name) {
  static const char one[] = "FAULT_IO_", from[] = "FAULT_IO_FROM_", half[] = "FAULT_IO_SHORT_";
  static char yes[] = "yes";
  if (strcmp(name, "FAULT_IO_STRUCK") == 0) {
    return struck ? yes : NULL;
  }
  if (strncmp(name, one, sizeof one - 1) == 0) {
    all_after = strncmp(name, from, sizeof from - 1) == 0;
    shorten = strncmp(name, half, sizeof half - 1) == 0;
    struck = struck && strcmp(name, "FAULT_IO_0") == 0;
    left = atol(name + (all_after ? sizeof from : shorten ? sizeof half : sizeof one) - 1);
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
