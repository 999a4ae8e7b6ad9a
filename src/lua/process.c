/* Other programs: started without a shell, looked after, ended. For sweeps and for asking git. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <spawn.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "core/allowed.h"
#include "core/interrupt.h"
#include "lua/observe.h"

#define PROCESS_TYPE "nn.Process"
extern char **environ;

typedef struct process {
  pid_t pid;
  bool waited; /* status is final; the number may be another's by now */
  int status;
} process;

static process *to_process(lua_State *L) {
  return luaL_checkudata(L, 1, PROCESS_TYPE);
}

/* process:poll() -> nil while it runs, then "exit" or "signal" and the number */
static int process_poll(lua_State *L) {
  process *p = to_process(L);
  if (!p->waited) {
    pid_t pid;
    while ((pid = waitpid(p->pid, &p->status, WNOHANG)) < 0 && errno == EINTR) {
    }
    if (pid == 0) {
      return 0;
    }
    p->waited = true;
    if (pid < 0) { /* somebody else waited for it */
      p->status = 0;
    }
  }
  bool killed = WIFSIGNALED(p->status);
  lua_pushstring(L, killed ? "signal" : "exit");
  lua_pushinteger(L, killed ? WTERMSIG(p->status) : WEXITSTATUS(p->status));
  return 2;
}

/* process:kill(signal): with all that it started; "term" by default, or "kill" */
static int process_kill(lua_State *L) {
  static const char *const names[] = {"term", "kill", "int", NULL};
  static const int numbers[] = {SIGTERM, SIGKILL, SIGINT};
  process *p = to_process(L);
  int number = numbers[luaL_checkoption(L, 2, "term", names)];
  if (!p->waited) {
    kill(-p->pid, number);
  }
  return 0;
}

static int process_pid(lua_State *L) {
  lua_pushinteger(L, to_process(L)->pid);
  return 1;
}

/* What nobody holds any more is ended: it must not outlive its sweep. */
static int process_gc(lua_State *L) {
  process *p = to_process(L);
  if (!p->waited && p->pid > 0) {
    kill(-p->pid, SIGKILL);
    waitpid(p->pid, &p->status, 0);
    p->waited = true;
  }
  return 0;
}

static char **copy_arguments(lua_State *L, int index, const char *who) {
  lua_Integer n = (lua_Integer)lua_rawlen(L, index);
  if (n < 1) {
    nl_lua_error(L, "%s: needs a list of strings: the program and its arguments", who);
  }
  char **argv = lua_newuserdatauv(L, (size_t)(n + 1) * sizeof *argv, 0);
  for (lua_Integer i = 1; i <= n; i++) {
    if (lua_rawgeti(L, index, i) != LUA_TSTRING) {
      nl_lua_error(L, "%s: argument %d is %s", who, (int)i, nl_describe(L, -1).s);
    }
    argv[i - 1] = (char *)(uintptr_t)nl_check_name(L, -1, who); /* the list holds it */
    lua_pop(L, 1);
  }
  argv[n] = NULL;
  return argv;
}

/* The process gets a group of its own, so that Ctrl-C in a terminal reaches us and not it, the signals' first meanings,
   and nothing of ours but what is named. */
static int start_process(process *p, char **argv, const char *out) {
  posix_spawn_file_actions_t files;
  posix_spawnattr_t how;
  sigset_t all, none;
  sigemptyset(&none);
  sigemptyset(&all);
  for (int s = 1; s < 32; s++) {
    if (s != SIGKILL && s != SIGSTOP) {
      sigaddset(&all, s);
    }
  }
  int flags = O_WRONLY | O_CREAT | O_APPEND;
  int why = posix_spawn_file_actions_init(&files);
  if (why) {
    return why;
  }
  why = posix_spawnattr_init(&how);
  if (!why) {
    why = posix_spawn_file_actions_addopen(&files, 0, "/dev/null", O_RDONLY, 0);
    why =
        why ? why : posix_spawn_file_actions_addopen(&files, 1, out ? out : "/dev/null", out ? flags : O_WRONLY, 0666);
    why = why ? why : posix_spawn_file_actions_adddup2(&files, 1, 2);
    why = why ? why
              : posix_spawnattr_setflags(&how, POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK);
    why = why ? why : posix_spawnattr_setpgroup(&how, 0);
    why = why ? why : posix_spawnattr_setsigdefault(&how, &all);
    why = why ? why : posix_spawnattr_setsigmask(&how, &none);
    why = why ? why : posix_spawnp(&p->pid, argv[0], &files, &how, argv, environ);
    posix_spawnattr_destroy(&how);
  }
  posix_spawn_file_actions_destroy(&files);
  return why;
}

/* start({program, argument, ...}, out) -> process; what it prints (on both) goes to the end of the file `out`, or
   nowhere. nil and the reason where it cannot be started. */
static int start_program(lua_State *L) {
  luaL_checktype(L, 1, LUA_TTABLE);
  const char *out = lua_isnoneornil(L, 2) ? NULL : nl_check_path(L, 2, "start");
  lua_settop(L, 2);
  char **argv = copy_arguments(L, 1, "start");
  process *p = lua_newuserdatauv(L, sizeof *p, 0);
  *p = (process){.waited = true};
  luaL_setmetatable(L, PROCESS_TYPE);
  int why = start_process(p, argv, out);
  if (why) {
    lua_pushnil(L);
    lua_pushfstring(L, "%s: %s", argv[0], strerror(why));
    return 2;
  }
  p->waited = false;
  return 1;
}

/* sleep(seconds): shorter if Ctrl-C comes */
static int sleep_for(lua_State *L) {
  double seconds = luaL_checknumber(L, 1);
  if (seconds > 0 && !nl_interrupt_pending()) {
    struct timespec t = {.tv_sec = (time_t)seconds};
    t.tv_nsec = (long)((seconds - (double)t.tv_sec) * 1e9);
    nanosleep(&t, NULL);
  }
  return 0;
}

/* wall_clock() -> seconds since 1970, with their fraction */
static int wall_clock(lua_State *L) {
  struct timespec t;
  clock_gettime(CLOCK_REALTIME, &t);
  lua_pushnumber(L, (double)t.tv_sec + 1e-9 * (double)t.tv_nsec);
  return 1;
}

static int process_id(lua_State *L) {
  lua_pushinteger(L, getpid());
  return 1;
}

/* host_name() -> the machine's */
static int host_name(lua_State *L) {
  char name[256] = "";
  gethostname(name, sizeof name - 1);
  lua_pushstring(L, name);
  return 1;
}

/* program() -> the file of this program */
static int program(lua_State *L) {
  char path[4096];
  ssize_t n = readlink("/proc/self/exe", path, sizeof path);
  lua_pushlstring(L, n > 0 ? path : "nnlua", n > 0 ? (size_t)n : 5);
  return 1;
}

/* change_directory(path) -> the working directory now, as an absolute path; without a path it stays the same */
static int change_directory(lua_State *L) {
  const char *path = luaL_optstring(L, 1, NULL);
  if (path && nl_sandboxed()) {
    return nl_lua_error(L, "the working directory cannot be changed in the sandbox");
  }
  char room[PATH_MAX];
  if (path && chdir(path) != 0) {
    return nl_lua_error(L, "%s: %s", path, strerror(errno));
  }
  if (!getcwd(room, sizeof room)) {
    return nl_lua_error(L, "the working directory: %s", strerror(errno));
  }
  lua_pushstring(L, room);
  return 1;
}

void nl_open_process(lua_State *L) {
  static const luaL_Reg functions[] = {{"start", start_program},
                                       {"sleep", sleep_for},
                                       {"process_id", process_id},
                                       {"host_name", host_name},
                                       {"wall_clock", wall_clock},
                                       {"program", program},
                                       {"change_directory", change_directory},
                                       {NULL, NULL}};
  static const luaL_Reg methods[] = {
      {"poll", process_poll}, {"kill", process_kill}, {"pid", process_pid}, {NULL, NULL}};
  static const nl_not_replayed refused[] = {
      {start_program, "lab", "a program would be started only once; do it outside"},
      {sleep_for, "lab", "it would sleep only once; do it outside"},
      {change_directory, "lab", "it would change the directory only once; do it outside"},
      {NULL, NULL, NULL}};
  nl_observe_refuse(refused);
  luaL_setfuncs(L, functions, 0);
  luaL_newmetatable(L, PROCESS_TYPE);
  luaL_newlib(L, methods);
  lua_setfield(L, -2, "__index");
  lua_pushcfunction(L, process_gc);
  lua_setfield(L, -2, "__gc");
  lua_pop(L, 1);
}
