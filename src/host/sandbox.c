/* --sandbox: scripts of strangers. Two walls, one behind the other: in Lua, what could do harm is replaced by functions
   that say which option would allow it (nn/internal/sandbox.lua); behind it the kernel refuses the same to the whole
   process (lockdown.c), so that a hole in the first wall is no hole in the machine. */
#include <lauxlib.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "core/allowed.h"
#include "host/host.h"

void *nl_blas_symbol(const char *name);
void nl_picture_load(void);

#ifdef __SANITIZE_ADDRESS__
/* LeakSanitizer looks at the process from a second one, which cannot be started in the sandbox. */
int __lsan_is_turned_off(void);
__attribute__((visibility("default"))) int __lsan_is_turned_off(void) {
  return nl_sandboxed();
}
#endif

static bool stop(const char *text) {
  nl_message(nl_program, text);
  return false;
}

/* What was inherited is not the script's. */
static void close_inherited(void) {
  enum { FIRST = STDERR_FILENO + 1, MOST = 1 << 16 };
#ifdef SYS_close_range
  if (syscall(SYS_close_range, FIRST, ~0U, 0) == 0) {
    return;
  }
#endif
  for (int fd = FIRST; fd < MOST; fd++) {
    close(fd);
  }
}

/* What is opened later would be opened from inside: the time zone, OpenBLAS, what reads pictures. */
static void prepare(void) {
  fflush(NULL);
  close_inherited();
  tzset();
  nl_blas_symbol("cblas_sgemm");
  nl_picture_load();
}

/* Pushes the directory that the script lies in, or nil without one. Its modules may be loaded, and the script itself,
   which may be a link. */
static void push_script_directory(lua_State *L, const char *script) {
  const char *slash = script ? strrchr(script, '/') : NULL;
  if (!script || strcmp(script, "-") == 0) {
    lua_pushnil(L);
    return;
  }
  lua_pushlstring(L, slash ? script : ".", slash ? (size_t)(slash - script) + (slash == script) : 1);
  nl_allow(lua_tostring(L, -1), NL_ALLOW_LOAD); /* where it is not there, loading says so */
  nl_allow(script, NL_ALLOW_LOAD);
}

/* Runs nn/internal/sandbox.lua, which require must not find: it holds the functions as they were. */
static bool wall_in_lua(lua_State *L, const char *script) {
  nl_push_library(L);
  const char *library = lua_tostring(L, -1);
  if (!library || nl_allow(library, NL_ALLOW_READ) != NL_OK) {
    return stop("--sandbox: no nnlua library found: is nnlua installed in full (make install)?");
  }
  lua_pushfstring(L, "%s/nn/internal/sandbox.lua", library);
  int status = luaL_loadfilex(L, lua_tostring(L, -1), "t");
  if (status == LUA_OK) {
    push_script_directory(L, script);
    nl_allow_only();
    status = nl_call(L, 1, 0);
  }
  return nl_report(L, status) == LUA_OK;
}

bool nl_enter_sandbox(lua_State *L, const char *script) {
  int top = lua_gettop(L);
  prepare();
  if (!wall_in_lua(L, script)) {
    return false;
  }
  nl_locks locks = nl_lock_kernel();
  if (!locks.files || !locks.calls) {
    fprintf(stderr, "%s: --sandbox: this kernel has no %s; only Lua guards %s\n", nl_program,
            locks.files ? "seccomp" : (locks.calls ? "Landlock" : "Landlock and no seccomp"),
            locks.files ? "what is no file" : (locks.calls ? "which files are read" : "the machine"));
  }
  lua_settop(L, top);
  return true;
}
