#include "io/file.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "core/allowed.h"
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

/* ---- temporary names ---- */

/* model.npz.nnlua-<process>-<number>.tmp */
static const char mark[] = ".nnlua-";
enum { STALE = 60 }; /* seconds without a change, after which the file of a dead process is nobody's */

/* What was left by a program that was killed. */
static bool is_stale(int directory, const char *name) {
  const char *at = NULL;
  for (const char *p = strstr(name, mark); p; p = strstr(p + 1, mark)) {
    at = p;
  }
  char *rest = NULL;
  long process = at ? strtol(at + sizeof mark - 1, &rest, 10) : 0;
  struct stat st;
  return process > 0 && *rest == '-' && kill((pid_t)process, 0) != 0 && errno == ESRCH &&
         fstatat(directory, name, &st, AT_SYMLINK_NOFOLLOW) == 0 && S_ISREG(st.st_mode) &&
         time(NULL) - st.st_mtime > STALE;
}

static void clean(const char *directory) {
  DIR *d = opendir(directory);
  for (struct dirent *e = d ? readdir(d) : NULL; e; e = readdir(d)) {
    if (is_stale(dirfd(d), e->d_name)) {
      unlinkat(dirfd(d), e->d_name, 0);
    }
  }
  if (d) {
    closedir(d);
  }
}

/* Once for each of the last few directories. */
static void clean_once(const char *directory) {
  enum { SEEN = 16 };
  static struct {
    dev_t device;
    ino_t number;
  } seen[SEEN];
  static int next;
  struct stat st;
  if (stat(directory, &st) != 0) {
    return;
  }
  for (int i = 0; i < SEEN; i++) {
    if (seen[i].number == st.st_ino && seen[i].device == st.st_dev) {
      return;
    }
  }
  seen[next].device = st.st_dev;
  seen[next].number = st.st_ino;
  next = (next + 1) % SEEN;
  clean(directory);
}

/* The directory of a path, to be freed; NULL: no memory. */
static char *directory_of(const char *path) {
  char *copy = strdup(path), *slash = copy ? strrchr(copy, '/') : NULL;
  if (slash) {
    slash[slash == copy ? 1 : 0] = 0;
  } else if (copy) {
    free(copy);
    copy = strdup(".");
  }
  return copy;
}

char *nl_temporary_name(const char *path) {
  static unsigned count;
  size_t n = strlen(path) + 64;
  char *directory = directory_of(path), *name = directory ? malloc(n) : NULL;
  if (name) {
    if (!nl_sandboxed()) {
      clean_once(directory);
    }
    snprintf(name, n, "%s%s%ld-%u.tmp", path, mark, (long)getpid(), ++count);
  } else {
    nl_fail_memory(n);
  }
  free(directory);
  return name;
}

/* ---- files in the place of others ---- */

/* The rename itself must reach the disk too. */
static void sync_directory(const char *path) {
  char *directory = directory_of(path);
  int fd = directory ? open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1;
  if (fd >= 0) {
    fsync(fd);
    close(fd);
  }
  free(directory);
}

static nl_status put_in_place(const char *temp, const char *path) {
  if (rename(temp, path) != 0) {
    nl_fail("%s: %s", path, strerror(errno));
    unlink(temp);
    return NL_ERROR;
  }
  sync_directory(path);
  return NL_OK;
}

nl_status nl_replace_file(const char *temp, const char *path) {
  if (nl_may_rename(temp) != NL_OK || nl_may_rename(path) != NL_OK) {
    return NL_ERROR;
  }
  int fd = open(temp, O_RDONLY | O_CLOEXEC);
  nl_status status = fd >= 0 && fsync(fd) == 0 ? NL_OK : nl_fail("%s: %s", path, strerror(errno));
  if (fd >= 0) {
    close(fd);
  }
  if (status != NL_OK) {
    unlink(temp);
    return status;
  }
  return put_in_place(temp, path);
}

/* A file without a name beside path, or -1. It gets its name through /proc when it is whole. */
static int open_nameless(const char *path) {
  char *directory = directory_of(path);
  bool can = directory && !nl_sandboxed() && access("/proc/self/fd", X_OK) == 0;
  int fd = can ? open(directory, O_TMPFILE | O_WRONLY | O_CLOEXEC, 0666) : -1;
  free(directory);
  return fd;
}

static nl_status write_nameless(int fd, const char *temp, const char *path,
                                nl_status (*contents)(int fd, const char *path, void *ctx), void *ctx) {
  char link[64];
  snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
  nl_status status = contents(fd, path, ctx);
  if (status == NL_OK && (fsync(fd) != 0 || linkat(AT_FDCWD, link, AT_FDCWD, temp, AT_SYMLINK_FOLLOW) != 0)) {
    status = nl_fail("%s: %s", path, strerror(errno));
  }
  if (close(fd) != 0 && status == NL_OK) {
    status = nl_fail("%s: %s", path, strerror(errno));
    unlink(temp);
  }
  return status == NL_OK ? put_in_place(temp, path) : status;
}

static nl_status write_named(const char *temp, const char *path,
                             nl_status (*contents)(int fd, const char *path, void *ctx), void *ctx) {
  int fd = open(temp, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
  if (fd < 0) {
    return nl_fail("%s: %s", path, strerror(errno));
  }
  nl_status status = contents(fd, path, ctx);
  if (close(fd) != 0 && status == NL_OK) {
    status = nl_fail("%s: %s", path, strerror(errno));
  }
  if (status != NL_OK) {
    unlink(temp);
    return status;
  }
  return nl_replace_file(temp, path);
}

nl_status nl_write_file(const char *path, nl_status (*contents)(int fd, const char *path, void *ctx), void *ctx) {
  if (nl_may_rename(path) != NL_OK) {
    return NL_ERROR;
  }
  char *temp = nl_temporary_name(path);
  if (!temp) {
    return NL_NOMEM;
  }
  int fd = open_nameless(path);
  nl_status status = fd >= 0 ? write_nameless(fd, temp, path, contents, ctx) : write_named(temp, path, contents, ctx);
  free(temp);
  return status;
}
