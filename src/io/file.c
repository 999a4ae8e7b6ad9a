/* A file is written under no name or a temporary one, synced, and put in the place of the old one. */
#include "io/file.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
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
enum { STALE = 3600 }; /* seconds without a change, after which the file of a dead process is nobody's */

/* The process that a name tells, of the form above and perhaps with libzip's own six letters behind it; or 0. */
static long process_of(const char *name) {
  const char *at = NULL;
  for (const char *p = strstr(name, mark); p; p = strstr(p + 1, mark)) {
    at = p + sizeof mark - 1;
  }
  size_t digits = at ? strspn(at, "0123456789") : 0;
  if (digits == 0 || digits > 10 || at[digits] != '-') {
    return 0;
  }
  const char *number = at + digits + 1, *end = number + strspn(number, "0123456789");
  bool ours = end > number && strncmp(end, ".tmp", 4) == 0 && (end[4] == 0 || (end[4] == '.' && strlen(end + 5) == 6));
  return ours ? strtol(at, NULL, 10) : 0;
}

/* What was left by a program that was killed. */
static bool is_stale(int directory, const char *name) {
  long process = process_of(name);
  bool gone = process > 0 && (process == (long)getpid() || (kill((pid_t)process, 0) != 0 && errno == ESRCH));
  struct stat st;
  return gone && fstatat(directory, name, &st, AT_SYMLINK_NOFOLLOW) == 0 && S_ISREG(st.st_mode) &&
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

/* Where a link leads, also where nothing is there yet, to be freed: what is behind it is what is replaced. NULL: path
   is no link, or one without an end. */
static char *behind_link(const char *path) {
  enum { MOST_LINKS = 40 };
  char *at = NULL;
  struct stat st;
  for (int i = 0; i < MOST_LINKS && lstat(at ? at : path, &st) == 0 && S_ISLNK(st.st_mode); i++) {
    char to[PATH_MAX];
    ssize_t n = readlink(at ? at : path, to, sizeof to - 1);
    char *directory = n > 0 && *to != '/' ? directory_of(at ? at : path) : NULL;
    char *next = n > 0 ? malloc((directory ? strlen(directory) : 0) + (size_t)n + 2) : NULL;
    if (next) {
      sprintf(next, "%s%s%.*s", directory ? directory : "", directory ? "/" : "", (int)n, to);
    }
    free(directory);
    free(at);
    at = next;
    if (!at) {
      return NULL;
    }
  }
  if (at && lstat(at, &st) == 0 && S_ISLNK(st.st_mode)) {
    free(at);
    return NULL;
  }
  return at;
}

char *nl_temporary_name(const char *path) {
  enum { MOST_OF_NAME = 100, TRIES = 1000 };
  static unsigned count;
  char *target = behind_link(path);
  path = target ? target : path;
  size_t n = strlen(path) + 64;
  char *directory = directory_of(path), *name = directory ? malloc(n) : NULL;
  if (name) {
    if (!nl_sandboxed()) {
      clean_once(directory);
    }
    const char *slash = strrchr(path, '/'), *last = slash ? slash + 1 : path;
    struct stat st;
    int tries = 0;
    do { /* another process may have had our number */
      snprintf(name, n, "%.*s%.*s%s%ld-%u.tmp", (int)(last - path), path, MOST_OF_NAME, last, mark, (long)getpid(),
               ++count);
    } while (lstat(name, &st) == 0 && ++tries < TRIES);
  } else {
    nl_fail_memory(n);
  }
  free(directory);
  free(target);
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

/* Owner, group and mode of what stood there, as far as we may: where the group cannot be kept, another one gets no more
   than all others; where the owner cannot, nobody runs it as him. */
static bool give_rights(int fd, const struct stat *of) {
  struct stat st;
  if (fstat(fd, &st) != 0) {
    return false;
  }
  mode_t mode = of->st_mode & 07777;
  if (st.st_gid != of->st_gid && fchown(fd, (uid_t)-1, of->st_gid) != 0) {
    mode = (mode & ~(mode_t)02070) | (mode & 07) << 3;
  }
  if (st.st_uid != of->st_uid && fchown(fd, of->st_uid, (gid_t)-1) != 0) {
    mode &= ~(mode_t)04000;
  }
  return fstat(fd, &st) == 0 && ((st.st_mode & 07777) == mode || fchmod(fd, mode) == 0);
}

/* A file that others made (libzip, gnuplot) has its own. */
static bool give_rights_of(const char *path, const struct stat *of) {
  struct stat st;
  if (stat(path, &st) == 0 && (st.st_mode & 07777) == (of->st_mode & 07777) && st.st_uid == of->st_uid &&
      st.st_gid == of->st_gid) {
    return true;
  }
  int fd = open(path, O_RDONLY | O_CLOEXEC);
  bool ok = fd >= 0 && give_rights(fd, of);
  if (fd >= 0) {
    close(fd);
  }
  return ok;
}

/* Who may read and write a file stays as it was; what is no file (a device, a pipe) stays what it is. */
static nl_status put_in_place(const char *temp, const char *path) {
  struct stat st;
  char *target = behind_link(path);
  bool there = stat(path, &st) == 0, endless = !there && errno == ELOOP;
  nl_status status = NL_OK;
  if (endless) {
    status = nl_fail("%s: %s", path, strerror(ELOOP));
  } else if (there && !S_ISREG(st.st_mode)) {
    status = nl_fail("%s: is no file that could be replaced, but a %s", path,
                     S_ISDIR(st.st_mode)    ? "directory"
                     : S_ISFIFO(st.st_mode) ? "pipe"
                                            : "device");
  } else if (there && access(path, W_OK) != 0) {
    status = nl_fail("%s: %s", path, strerror(errno)); /* renaming would not ask */
  } else if ((there && !give_rights_of(temp, &st)) || rename(temp, target ? target : path) != 0) {
    status = nl_fail("%s: %s", path, strerror(errno));
  }
  if (status == NL_OK) {
    sync_directory(target ? target : path);
  } else {
    unlink(temp);
  }
  free(target);
  return status;
}

nl_status nl_may_replace(const char *path) {
  char *target = behind_link(path);
  nl_status status = nl_may_rename(path);
  status = status == NL_OK && target ? nl_may_rename(target) : status;
  free(target);
  return status;
}

nl_status nl_replace_file(const char *temp, const char *path) {
  if (nl_may_rename(temp) != NL_OK || nl_may_replace(path) != NL_OK) {
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

/* A new file for the place of path: who may read and write what stands there may do so from the start. */
static int with_mode_of(const char *path, int fd) {
  struct stat st;
  if (fd >= 0 && stat(path, &st) == 0 && S_ISREG(st.st_mode) && !give_rights(fd, &st)) {
    close(fd);
    return -1;
  }
  return fd;
}

/* A file without a name in the directory of path, or -1. It gets its name through /proc when it is whole. */
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
  int fd = with_mode_of(path, open(temp, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666));
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
  if (nl_may_replace(path) != NL_OK) {
    return NL_ERROR;
  }
  char *temp = nl_temporary_name(path);
  if (!temp) {
    return NL_NOMEM;
  }
  int fd = with_mode_of(path, open_nameless(temp));
  nl_status status = fd >= 0 ? write_nameless(fd, temp, path, contents, ctx) : write_named(temp, path, contents, ctx);
  free(temp);
  return status;
}
