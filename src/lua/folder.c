/* A directory of which only what lies in it is ever seen, whatever names are asked for: each part of a path is opened
   within the one before, links are not followed, and only regular files are read. For all that reads runs. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/allowed.h"
#include "lua/observe.h"

#define FOLDER_TYPE "nn.Folder"

typedef struct folder {
  int fd;      /* -1: closed */
  int parent;  /* of what is asked for, while it is; -1 */
  int file;    /* what is read, while it is; -1 */
  DIR *opened; /* what is listed, while it is */
} folder;

/* What a call that was left by an error may have had open is let go of by the next one. */
static void let_go(folder *f) {
  if (f->opened) {
    closedir(f->opened);
  }
  if (f->file >= 0) {
    close(f->file);
  }
  if (f->parent >= 0) {
    close(f->parent);
  }
  f->opened = NULL;
  f->file = f->parent = -1;
}

static int folder_close(lua_State *L) {
  folder *f = nl_held(L, FOLDER_TYPE);
  let_go(f);
  if (f->fd >= 0) {
    close(f->fd);
  }
  f->fd = -1;
  return 0;
}

/* Gives the last part of a path, and f->parent is the directory that it is in; or NULL with errno. The path is relative
   and has neither "." nor ".."; "" is the folder itself. */
static const char *enter(folder *f, const char *path) {
  let_go(f);
  int at = f->fd < 0 ? -1 : fcntl(f->fd, F_DUPFD_CLOEXEC, 0);
  while (at >= 0) {
    const char *slash = strchrnul(path, '/');
    size_t n = (size_t)(slash - path);
    char part[NAME_MAX + 1];
    bool bad = n > NAME_MAX || (n == 0 && *path) || (n == 1 && *path == '.') || (n == 2 && memcmp(path, "..", 2) == 0);
    if (!bad && !*slash) {
      f->parent = at;
      return n == 0 ? "." : path;
    }
    int next = -1;
    errno = ENOENT;
    if (!bad) {
      memcpy(part, path, n);
      part[n] = 0;
      next = openat(at, part, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    }
    int why = errno;
    close(at);
    errno = why;
    at = next;
    path = slash + 1;
  }
  return NULL;
}

static int give_reason(lua_State *L, folder *f, const char *path) {
  int why = errno;
  let_go(f);
  lua_pushnil(L);
  lua_pushfstring(L, "%s: %s", path, why == EINVAL ? "no regular file" : strerror(why));
  lua_pushboolean(L, why == ENOENT);
  return 3;
}

/* A regular file in f->file, with what it is. Looked at before it is opened: opening a device may do something, and a
   pipe would wait. */
static bool open_regular(folder *f, const char *path, struct stat *st) {
  const char *name = enter(f, path);
  if (!name || fstatat(f->parent, name, st, AT_SYMLINK_NOFOLLOW) != 0) {
    return false;
  }
  if (S_ISREG(st->st_mode)) {
    f->file = openat(f->parent, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
    if (f->file < 0 || fstat(f->file, st) != 0) {
      return false;
    }
  }
  errno = S_ISDIR(st->st_mode) ? EISDIR : EINVAL;
  return f->file >= 0 && S_ISREG(st->st_mode);
}

/* open_folder(path) -> folder, or nil and the reason. It may be named by a link. */
static int open_folder(lua_State *L) {
  const char *path = nl_check_path(L, 1, "open_folder");
  nl_lua_check(L, nl_may_read(path));
  folder *f = nl_push_hold(L, sizeof *f, FOLDER_TYPE, "__gc", folder_close);
  f->parent = f->file = -1;
  f->fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  return f->fd < 0 ? give_reason(L, f, path) : 1;
}

/* folder:list(path) -> names of directories, of regular files, and of what is neither (links, pipes), in any order,
   without hidden ones; or nil and the reason */
static int folder_list(lua_State *L) {
  folder *f = nl_held(L, FOLDER_TYPE);
  const char *path = nl_check_name(L, 2, "list");
  const char *name = enter(f, path);
  int fd = name ? openat(f->parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC) : -1;
  f->opened = fd < 0 ? NULL : fdopendir(fd);
  if (!f->opened) {
    int why = errno;
    if (fd >= 0) {
      close(fd);
    }
    errno = why;
    return give_reason(L, f, path);
  }
  lua_newtable(L);
  lua_newtable(L);
  lua_newtable(L);
  lua_Integer directories = 0, files = 0, others = 0;
  struct dirent *e;
  while ((e = readdir(f->opened))) {
    unsigned char type = e->d_type;
    struct stat st;
    if (e->d_name[0] == '.') {
      continue;
    }
    if (type == DT_UNKNOWN && fstatat(dirfd(f->opened), e->d_name, &st, AT_SYMLINK_NOFOLLOW) == 0) {
      type = S_ISDIR(st.st_mode) ? DT_DIR : S_ISREG(st.st_mode) ? DT_REG : DT_UNKNOWN;
    }
    lua_pushstring(L, e->d_name);
    if (type == DT_DIR) {
      lua_rawseti(L, -4, ++directories);
    } else if (type == DT_REG) {
      lua_rawseti(L, -3, ++files);
    } else {
      lua_rawseti(L, -2, ++others);
    }
  }
  let_go(f);
  return 3;
}

/* folder:status(path) -> "file" or "directory" (nil: neither, or nothing), size, nanoseconds of its last change, and a
   number that another file has hardly ever */
static int folder_status(lua_State *L) {
  folder *f = nl_held(L, FOLDER_TYPE);
  const char *name = enter(f, nl_check_name(L, 2, "status"));
  struct stat st;
  bool there = name && fstatat(f->parent, name, &st, AT_SYMLINK_NOFOLLOW) == 0;
  let_go(f);
  if (!there || !(S_ISREG(st.st_mode) || S_ISDIR(st.st_mode))) {
    return 0;
  }
  lua_pushstring(L, S_ISDIR(st.st_mode) ? "directory" : "file");
  lua_pushinteger(L, (lua_Integer)st.st_size);
  lua_pushinteger(L, (lua_Integer)st.st_mtim.tv_sec * 1000000000 + st.st_mtim.tv_nsec);
  lua_pushinteger(L, (lua_Integer)((uint64_t)st.st_ino + ((uint64_t)st.st_dev << 40)));
  return 4;
}

static ssize_t read_some(int fd, char *to, size_t n, off_t from) {
  size_t had = 0;
  while (had < n) {
    ssize_t got = pread(fd, to + had, n - had, from + (off_t)had);
    if (got < 0 && errno == EINTR) {
      continue;
    }
    if (got <= 0) {
      return had > 0 || got == 0 ? (ssize_t)had : got;
    }
    had += (size_t)got;
  }
  return (ssize_t)had;
}

/* folder:read(path, from, most) -> at most so many bytes of a regular file from byte `from` (the first is 0), and the
   size of the file; or nil, the reason, and whether there is no such file */
static int folder_read(lua_State *L) {
  folder *f = nl_held(L, FOLDER_TYPE);
  const char *path = nl_check_name(L, 2, "read");
  lua_Integer from = luaL_checkinteger(L, 3), most = luaL_checkinteger(L, 4);
  luaL_argcheck(L, from >= 0 && most >= 0, 3, "no negative numbers");
  struct stat st;
  if (!open_regular(f, path, &st)) {
    return give_reason(L, f, path);
  }
  lua_Integer left = from < (lua_Integer)st.st_size ? (lua_Integer)st.st_size - from : 0;
  size_t n = (size_t)(left < most ? left : most);
  luaL_Buffer b;
  char *to = luaL_buffinitsize(L, &b, n + 1); /* + 1: it may be of no bytes */
  ssize_t got = read_some(f->file, to, n, (off_t)from);
  if (got < 0) {
    return give_reason(L, f, path);
  }
  let_go(f);
  luaL_pushresultsize(&b, (size_t)got);
  lua_pushinteger(L, (lua_Integer)st.st_size);
  return 2;
}

/* folder:lines(path, from, most) -> how many ends of lines there are in so many bytes from byte `from`, the byte behind
   the last of them (or nil), and how many bytes there were; or nil and the reason */
static int folder_lines(lua_State *L) {
  folder *f = nl_held(L, FOLDER_TYPE);
  const char *path = nl_check_name(L, 2, "lines");
  lua_Integer from = luaL_checkinteger(L, 3), most = luaL_checkinteger(L, 4);
  luaL_argcheck(L, from >= 0 && most >= 0, 3, "no negative numbers");
  struct stat st;
  if (!open_regular(f, path, &st)) {
    return give_reason(L, f, path);
  }
  static char room[1 << 16];
  lua_Integer done = 0, count = 0, behind = -1;
  while (done < most) {
    size_t n = most - done < (lua_Integer)sizeof room ? (size_t)(most - done) : sizeof room;
    ssize_t got = read_some(f->file, room, n, (off_t)(from + done));
    if (got < 0) {
      return give_reason(L, f, path);
    }
    for (char *p = room; (p = memchr(p, '\n', (size_t)(room + got - p))); p++) {
      count++;
      behind = from + done + (p - room) + 1;
    }
    done += got;
    if ((size_t)got < n) {
      break;
    }
  }
  let_go(f);
  lua_pushinteger(L, count);
  if (behind < 0) {
    lua_pushnil(L);
  } else {
    lua_pushinteger(L, behind);
  }
  lua_pushinteger(L, done);
  return 3;
}

/* folder:held(path) -> whether another process holds the lock of this file, as lock_file(path, true) */
static int folder_held(lua_State *L) {
  folder *f = nl_held(L, FOLDER_TYPE);
  struct stat st;
  bool held = open_regular(f, nl_check_name(L, 2, "held"), &st) && flock(f->file, LOCK_SH | LOCK_NB) != 0 &&
              errno == EWOULDBLOCK;
  let_go(f);
  lua_pushboolean(L, held);
  return 1;
}

void nl_open_folder(lua_State *L) {
  static const luaL_Reg functions[] = {{"open_folder", open_folder}, {NULL, NULL}};
  static const luaL_Reg methods[] = {
      {"list", folder_list}, {"status", folder_status}, {"read", folder_read}, {"lines", folder_lines},
      {"held", folder_held}, {"close", folder_close},   {NULL, NULL}};
  static const nl_not_replayed refused[] = {{open_folder, "lab", "files would be touched only once; do it outside"},
                                            {NULL, NULL, NULL}};
  nl_observe_refuse(refused);
  luaL_setfuncs(L, functions, 0);
  luaL_newmetatable(L, FOLDER_TYPE);
  luaL_newlib(L, methods);
  lua_setfield(L, -2, "__index");
  lua_pushcfunction(L, folder_close);
  lua_setfield(L, -2, "__gc");
  lua_pop(L, 1);
}
