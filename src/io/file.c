#include "io/file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/interrupt.h"

enum { PIECE = 8 << 20 }; /* bytes between looks at the interrupt flag */

nl_status nl_write_all(int fd, const char *path, const void *from, size_t n) {
  const char *p = from;
  while (n > 0) {
    ssize_t put = write(fd, p, n < PIECE ? n : PIECE);
    if (put < 0 && errno == EINTR) {
      continue;
    }
    if (put < 0) {
      return nl_fail("%s: %s", path, strerror(errno));
    }
    p += put;
    n -= (size_t)put;
    if (n > 0 && nl_interrupt_pending()) {
      return nl_fail_interrupted();
    }
  }
  return NL_OK;
}

/* The rename itself must reach the disk too. */
static void sync_directory(const char *path) {
  char *copy = strdup(path);
  if (!copy) {
    return;
  }
  char *slash = strrchr(copy, '/');
  if (slash) {
    slash[slash == copy ? 1 : 0] = 0;
  }
  int fd = open(slash ? copy : ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (fd >= 0) {
    fsync(fd);
    close(fd);
  }
  free(copy);
}

nl_status nl_replace_file(const char *temp, const char *path) {
  int fd = open(temp, O_RDONLY | O_CLOEXEC);
  nl_status status =
      fd >= 0 && fsync(fd) == 0 && rename(temp, path) == 0 ? NL_OK : nl_fail("%s: %s", path, strerror(errno));
  if (fd >= 0) {
    close(fd);
  }
  if (status == NL_OK) {
    sync_directory(path);
  } else {
    unlink(temp);
  }
  return status;
}

nl_status nl_write_file(const char *path, nl_status (*contents)(int fd, const char *path, void *ctx), void *ctx) {
  size_t n = strlen(path) + 16;
  char *temp = malloc(n);
  if (!temp) {
    return nl_fail_memory(n);
  }
  snprintf(temp, n, "%s.tmpXXXXXX", path);
  int fd = mkostemp(temp, O_CLOEXEC);
  nl_status status;
  if (fd < 0) {
    status = nl_fail("%s: %s", path, strerror(errno));
  } else {
    mode_t mask = umask(0);
    umask(mask);
    fchmod(fd, 0666 & ~mask);
    status = contents(fd, path, ctx);
    if (close(fd) != 0 && status == NL_OK) {
      status = nl_fail("%s: %s", path, strerror(errno));
    }
    if (status == NL_OK) {
      status = nl_replace_file(temp, path);
    } else {
      unlink(temp);
    }
  }
  free(temp);
  return status;
}
