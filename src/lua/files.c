/* Files and directories, as the library needs them beside Lua's io and os. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/allowed.h"
#include "io/file.h"
#include "lua/observe.h"

const char *nl_check_name(lua_State *L, int index, const char *who) {
  size_t n;
  const char *s = luaL_checklstring(L, index, &n);
  if (strlen(s) != n) {
    nl_lua_error(L, "%s: a name with a zero byte (behind '%.60s') cannot be that of a file or of what is in one", who,
                 s);
  }
  return s;
}

const char *nl_check_path(lua_State *L, int index, const char *who) {
  const char *s = nl_check_name(L, index, who);
  if (!*s) {
    nl_lua_error(L, "%s: the name of the file must not be empty", who);
  }
  return s;
}

/* make_directory(path): with its parents; raises with the reason */
static int make_directory(lua_State *L) {
  const char *path = nl_check_path(L, 1, "make_directory");
  if (!*path) {
    return nl_lua_error(L, "the name of a directory must not be empty");
  }
  size_t n = strlen(path);
  char *copy = lua_newuserdatauv(L, n + 1, 0);
  memcpy(copy, path, n + 1);
  while (n > 1 && copy[n - 1] == '/') {
    copy[--n] = 0;
  }
  nl_lua_check(L, nl_may_write(copy)); /* what is above it is there already, or allowed as well */
  for (char *p = copy + 1;; p++) {
    if (*p == '/' || *p == 0) {
      char was = *p;
      *p = 0;
      if (mkdir(copy, 0777) != 0 && errno != EEXIST) {
        return nl_lua_error(L, "%s: %s", copy, strerror(errno));
      }
      *p = was;
      if (was == 0) {
        break;
      }
    }
  }
  return 0;
}

typedef struct text {
  const char *s;
  size_t n;
} text;

static nl_status put_text(int fd, const char *path, void *ctx) {
  const text *t = ctx;
  return nl_write_all(fd, path, t->s, t->n);
}

/* write_file(path, text): the old file or the new one is there at any moment, and the new one is on the disk in the end
 */
static int write_file(lua_State *L) {
  text t;
  const char *path = nl_check_path(L, 1, "write_file");
  t.s = luaL_checklstring(L, 2, &t.n);
  nl_lua_check(L, nl_write_file(path, put_text, &t));
  return 0;
}

/* replace_file(temp, path): puts a finished file in the place of another; raises, and temp is gone, where it cannot */
static int replace_file(lua_State *L) {
  nl_lua_check(L, nl_replace_file(luaL_checkstring(L, 1), luaL_checkstring(L, 2)));
  return 0;
}

/* temporary_name(path) -> a name beside it for a file that is to take its place */
static int temporary_name(lua_State *L) {
  const char *path = nl_check_path(L, 1, "temporary_name");
  char *room = lua_newuserdatauv(L, strlen(path) + 64, 0); /* to be Lua's without a way to lose it */
  char *name = nl_temporary_name(path);
  if (!name) {
    return nl_lua_raise(L);
  }
  strcpy(room, name);
  free(name);
  lua_pushstring(L, room);
  return 1;
}

/* file_exists(path) -> whether it does; for what the sandbox hides: false and the reason */
static int file_exists(lua_State *L) {
  struct stat st;
  const char *path = nl_check_path(L, 1, "file_exists");
  bool may = nl_may_read(path) == NL_OK;
  lua_pushboolean(L, may && stat(path, &st) == 0);
  lua_pushstring(L, may ? NULL : nl_error_message());
  return 2;
}

/* For what the sandbox puts in the place of io and os: true, or nil and the reason. A zero byte would hide the end of a
   name from one of the two that look at it. */
static int judge(lua_State *L, nl_status (*may)(const char *path)) {
  size_t n;
  const char *path = luaL_checklstring(L, 1, &n);
  nl_status status = strlen(path) == n ? may(path) : nl_fail("a name of a file has no zero byte");
  if (status == NL_OK) {
    lua_pushboolean(L, true);
    return 1;
  }
  lua_pushnil(L);
  lua_pushstring(L, nl_error_message());
  return 2;
}
static int may_read(lua_State *L) {
  return judge(L, nl_may_read);
}
static int may_load(lua_State *L) {
  return judge(L, nl_may_load);
}
static int may_write(lua_State *L) {
  return judge(L, nl_may_write);
}
static int may_rename(lua_State *L) {
  return judge(L, nl_may_rename);
}

static int is_sandboxed(lua_State *L) {
  lua_pushboolean(L, nl_sandboxed());
  return 1;
}

/* list_directory(path) -> names in it, sorted, without . and .., or nil and the reason */
static int list_directory(lua_State *L) {
  const char *path = nl_check_path(L, 1, "list_directory");
  nl_lua_check(L, nl_may_read(path));
  struct dirent **entries;
  int n = scandir(path, &entries, NULL, alphasort);
  if (n < 0) {
    lua_pushnil(L);
    lua_pushfstring(L, "%s: %s", path, strerror(errno));
    return 2;
  }
  /* what scandir gave is freed before anything can jump */
  size_t bytes = 1;
  for (int i = 0; i < n; i++) {
    bytes += strlen(entries[i]->d_name) + 1;
  }
  char *all = malloc(bytes), *to = all;
  for (int i = 0; i < n; i++) {
    if (all) {
      to = stpcpy(to, entries[i]->d_name) + 1;
    }
    free(entries[i]);
  }
  free(entries);
  if (!all) {
    return luaL_error(L, "not enough memory");
  }
  char *names = lua_newuserdatauv(L, bytes, 0);
  memcpy(names, all, bytes - 1);
  free(all);
  lua_newtable(L);
  const char *at = names;
  for (int i = 0, k = 0; i < n; i++, at += strlen(at) + 1) {
    if (strcmp(at, ".") != 0 && strcmp(at, "..") != 0) {
      lua_pushstring(L, at);
      lua_rawseti(L, -2, ++k);
    }
  }
  return 1;
}

/* is_directory(path) -> boolean */
static int is_directory(lua_State *L) {
  struct stat st;
  const char *path = nl_check_path(L, 1, "is_directory");
  lua_pushboolean(L, nl_may_read(path) == NL_OK && stat(path, &st) == 0 && S_ISDIR(st.st_mode));
  return 1;
}

/* real_path(path) -> absolute, without links, or nil where there is no such file */
static int real_path(lua_State *L) {
  const char *path = nl_check_path(L, 1, "real_path");
  char room[PATH_MAX];
  if (nl_may_read(path) != NL_OK || !realpath(path, room)) {
    return 0;
  }
  lua_pushstring(L, room);
  return 1;
}

/* new_directory(path) -> true, or false if something of that name is there; its parent must be there */
static int new_directory(lua_State *L) {
  const char *path = nl_check_path(L, 1, "new_directory");
  nl_lua_check(L, nl_may_write(path));
  bool made = mkdir(path, 0777) == 0;
  if (!made && errno != EEXIST) {
    return nl_lua_error(L, "%s: %s", path, strerror(errno));
  }
  lua_pushboolean(L, made);
  return 1;
}

/* ---- locks: who holds one lives ---- */

#define LOCK_TYPE "nn.Lock"

static int lock_close(lua_State *L) {
  int *fd = luaL_checkudata(L, 1, LOCK_TYPE);
  if (*fd >= 0) {
    close(*fd);
  }
  *fd = -1;
  return 0;
}

/* lock_file(path, only_look) -> a lock, held until it is closed, collected or the process ends; nil where another
   process holds it. With only_look: true if it is held. The file is made (or must be there, to look). */
static int lock_file(lua_State *L) {
  const char *path = nl_check_path(L, 1, "lock_file");
  bool look = lua_toboolean(L, 2);
  nl_lua_check(L, look ? nl_may_read(path) : nl_may_write(path));
  int *fd = lua_newuserdatauv(L, sizeof *fd, 0);
  *fd = -1;
  luaL_setmetatable(L, LOCK_TYPE);
  *fd = open(path, look ? O_RDONLY | O_CLOEXEC : O_RDWR | O_CREAT | O_CLOEXEC, 0666);
  if (*fd < 0 && look) {
    lua_pushboolean(L, false);
    return 1;
  }
  if (*fd < 0) {
    return nl_lua_error(L, "%s: %s", path, strerror(errno));
  }
  bool held = flock(*fd, (look ? LOCK_SH : LOCK_EX) | LOCK_NB) != 0;
  int why = errno;
  if (held && why != EWOULDBLOCK) {
    return nl_lua_error(L, "%s: cannot be locked: %s", path, strerror(why));
  }
  if (look || held) {
    close(*fd);
    *fd = -1;
    if (look) {
      lua_pushboolean(L, held);
    } else {
      lua_pushnil(L);
    }
  }
  return 1;
}

void nl_open_files(lua_State *L) {
  static const luaL_Reg functions[] = {{"make_directory", make_directory},
                                       {"new_directory", new_directory},
                                       {"list_directory", list_directory},
                                       {"is_directory", is_directory},
                                       {"real_path", real_path},
                                       {"file_exists", file_exists},
                                       {"write_file", write_file},
                                       {"temporary_name", temporary_name},
                                       {"replace_file", replace_file},
                                       {"lock_file", lock_file},
                                       {"may_read", may_read},
                                       {"may_load", may_load},
                                       {"may_write", may_write},
                                       {"may_rename", may_rename},
                                       {"is_sandboxed", is_sandboxed},
                                       {NULL, NULL}};
#define ONCE "files would be touched only once; do it outside"
  static const nl_not_replayed refused[] = {{make_directory, "fit", ONCE}, {file_exists, "data", ONCE},
                                            {write_file, "fit", ONCE},     {replace_file, "plot", ONCE},
                                            {list_directory, "lab", ONCE}, {lock_file, "lab", ONCE},
                                            {new_directory, "lab", ONCE},  {is_directory, "lab", ONCE},
                                            {real_path, "lab", ONCE},      {NULL, NULL, NULL}};
  nl_observe_refuse(refused);
  luaL_setfuncs(L, functions, 0);
  luaL_newmetatable(L, LOCK_TYPE);
  lua_pushcfunction(L, lock_close);
  lua_setfield(L, -2, "__gc");
  lua_pushcfunction(L, lock_close);
  lua_setfield(L, -2, "__close");
  lua_pop(L, 1);
}
