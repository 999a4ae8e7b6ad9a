/* Paths are resolved, also those that are not there yet, and held against the list. */
#include "core/allowed.h"

#include <errno.h>
#include <limits.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

enum { MOST_ALLOWED = 64 };

static nl_allowed list[MOST_ALLOWED];
static int count;
static bool only;

nl_status nl_allow(const char *path, nl_access access) {
  struct stat st;
  if (count == MOST_ALLOWED) {
    return nl_fail("more than %d directories", MOST_ALLOWED);
  }
  char *full = stat(path, &st) == 0 ? realpath(path, NULL) : NULL;
  if (!full) {
    return nl_fail("'%s': %s", path, strerror(errno));
  }
  if (access == NL_ALLOW_WRITE && !S_ISDIR(st.st_mode)) {
    free(full);
    return nl_fail("'%s' is not a directory", path);
  }
  list[count++] = (nl_allowed){full, access};
  return NL_OK;
}

void nl_allow_only(void) {
  only = true;
}

bool nl_sandboxed(void) {
  return only;
}

const nl_allowed *nl_allowed_at(int i) {
  return i < count ? &list[i] : NULL;
}

/* ---- names ---- */

/* Cuts the last part and the "/" before it off; gives where it began, or -1 where it is none that could name a file.
   What is left of a bare name is ".", the current directory. */
static ptrdiff_t cut_last(char *path) {
  char *slash = strrchr(path, '/');
  char *last = slash ? slash + 1 : path;
  if (strcmp(last, "") == 0 || strcmp(last, ".") == 0 || strcmp(last, "..") == 0) {
    return -1;
  }
  ptrdiff_t at = last - path;
  while (last > path + 1 && last[-1] == '/') {
    last--;
  }
  strcpy(last, last == path ? "." : "");
  return at;
}

/* out += "/" + rest */
static bool append_rest(char out[PATH_MAX], const char *rest) {
  size_t n = strlen(out), m = strlen(rest);
  if (n + m + 2 > PATH_MAX) {
    return false;
  }
  if (n > 1) {
    out[n++] = '/';
  }
  memcpy(out + n, rest, m + 1);
  return true;
}

/* Where a path leads, also of one that is not there yet: then from the nearest directory that is. False where nobody
   can say: a link to nothing (opening it would make a file there), ".." behind what is not there. */
static bool resolve(const char *path, bool follow_last, char out[PATH_MAX]) {
  char known[PATH_MAX];
  struct stat st;
  if (!*path || strlen(path) >= PATH_MAX) {
    return false;
  }
  strcpy(known, path);
  const char *rest = "";
  while (!follow_last || !realpath(known, out)) {
    if (follow_last && (errno != ENOENT || lstat(known, &st) == 0)) {
      return false;
    }
    follow_last = true;
    ptrdiff_t at = cut_last(known);
    if (at < 0) {
      return false;
    }
    rest = path + at;
  }
  return !*rest || append_rest(out, rest);
}

/* below: the directory itself does not count, since its name stands in another one. */
static bool lies_in(const char *path, const char *directory, bool below) {
  size_t n = strlen(directory);
  if (strcmp(directory, "/") == 0) {
    return !below || path[1];
  }
  return strncmp(path, directory, n) == 0 && (path[n] == '/' || (path[n] == 0 && !below));
}

static bool is_code(const char *path) {
  size_t n = strlen(path);
  return n > 4 && strcmp(path + n - 4, ".lua") == 0;
}

/* least: what kind of entry is needed at least. */
static bool is_allowed(const char *path, nl_access least, bool names) {
  char full[PATH_MAX];
  if (!resolve(path, !names, full)) {
    return false;
  }
  for (int i = 0; i < count; i++) {
    bool enough = list[i].access >= least && (list[i].access != NL_ALLOW_LOAD || is_code(full));
    if (enough && lies_in(full, list[i].path, names)) {
      return true;
    }
  }
  return false;
}

/* The directory to name in a message: as the path was written, so that nothing is told of where links lead. */
static const char *to_give(const char *path, char out[PATH_MAX]) {
  if (strlen(path) >= PATH_MAX) {
    return "its directory";
  }
  strcpy(out, path);
  return cut_last(out) >= 0 ? out : path;
}

nl_status nl_may_read(const char *path) {
  char up[PATH_MAX];
  if (!only || is_allowed(path, NL_ALLOW_READ, false)) {
    return NL_OK;
  }
  return nl_fail("the sandbox allows no reading of '%s'; give --allow-read %s", path, to_give(path, up));
}

nl_status nl_may_load(const char *path) {
  char up[PATH_MAX];
  if (!only || is_allowed(path, NL_ALLOW_LOAD, false)) {
    return NL_OK;
  }
  return nl_fail("the sandbox loads code from the script's directory, but not '%s'; give --allow-read %s", path,
                 to_give(path, up));
}

static nl_status no_writing(const char *path) {
  char up[PATH_MAX];
  return nl_fail("the sandbox allows no writing of '%s'; give --allow-write %s", path, to_give(path, up));
}

nl_status nl_may_write(const char *path) {
  return !only || is_allowed(path, NL_ALLOW_WRITE, false) ? NL_OK : no_writing(path);
}

nl_status nl_may_rename(const char *path) {
  return !only || is_allowed(path, NL_ALLOW_WRITE, true) ? NL_OK : no_writing(path);
}
