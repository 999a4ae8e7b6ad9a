/* nnlua: a Lua 5.4 interpreter that knows neural networks. What lua does, this does the same way; see options.c for
   what is added. */
#include <lauxlib.h>
#include <lualib.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/cpu.h"
#include "core/memory.h"
#include "core/pool.h"
#include "core/random.h"
#include "host/host.h"

int luaopen_nn_core(lua_State *L);
void nl_open_coroutines(lua_State *L);
const char *nl_gemm_backends(void);
nl_generator *nl_default_generator(void);

static void print_version(void) {
  printf("nnlua %s  %s\n", NL_VERSION, LUA_COPYRIGHT);
  fflush(stdout);
}

static void print_about(lua_State *L) {
  printf("nnlua %s\n%s\nkernels: %s (%d processor%s)\n", NL_VERSION, LUA_RELEASE, nl_isa_name(nl_cpu_isa()),
         nl_cpu_count(), nl_cpu_count() == 1 ? "" : "s");
  printf("products: %s\n", nl_gemm_backends());
  luaL_requiref(L, "nn.core", luaopen_nn_core, 0);
  lua_getfield(L, -1, "versions");
  lua_call(L, 0, 1);
  static const char *const names[] = {"zlib", "jansson"};
  for (int i = 0; i < 2; i++) {
    lua_getfield(L, -1, names[i]);
    printf("%s %s\n", names[i], lua_tostring(L, -1));
    lua_pop(L, 1);
  }
}

/* arg: the script at 0, its arguments from 1, what stood before it below 0 */
static void make_arg(lua_State *L, char **argv, int argc, int script) {
  if (script == 0 || script >= argc) {
    script = 0;
  }
  lua_createtable(L, argc > script ? argc - script - 1 : 0, script + 1);
  for (int i = 0; i < argc; i++) {
    lua_pushstring(L, argv[i]);
    lua_rawseti(L, -2, i - script);
  }
  lua_setglobal(L, "arg");
}

static int run_init(lua_State *L) {
  const char *name = "=LUA_INIT_5_4", *init = getenv(name + 1);
  if (!init) {
    name = "=LUA_INIT";
    init = getenv(name + 1);
  }
  if (!init) {
    return LUA_OK;
  }
  if (init[0] == '@') {
    int status = luaL_loadfile(L, init + 1);
    status = status == LUA_OK ? nl_call(L, 0, 0) : status;
    return nl_report(L, status);
  }
  return nl_run_string(L, init, name);
}

/* Lua's own random numbers: math.randomseed(seed) */
static void seed_math(lua_State *L, lua_Integer seed) {
  lua_getglobal(L, LUA_MATHLIBNAME);
  lua_getfield(L, -1, "randomseed");
  lua_pushinteger(L, seed);
  lua_call(L, 1, 0);
  lua_pop(L, 1);
}

static void apply_options(lua_State *L, const nl_options *o) {
  if (o->threads) {
    nl_pool_set_threads(o->threads);
  }
  if (o->has_seed) {
    nl_generator_seed(nl_default_generator(), (uint64_t)o->seed);
    seed_math(L, (lua_Integer)o->seed);
  }
  if (o->max_memory > 0) {
    nl_memory_set_limit((size_t)o->max_memory);
  }
}

static int run_what_is_asked(lua_State *L) {
  int argc = (int)lua_tointeger(L, 1);
  char **argv = lua_touserdata(L, 2);
  nl_options o;
  if (argv[0] && argv[0][0]) {
    nl_program = argv[0];
  }
  if (!nl_read_options(argc, argv, &o)) {
    return 0;
  }
  if (o.help) {
    nl_print_help(nl_program);
    lua_pushboolean(L, 1);
    return 1;
  }
  luaL_checkversion(L);
  if (o.max_seconds > 0) {
    nl_end_after(o.max_seconds);
  }
  o.ignore_env = o.ignore_env || o.sandbox; /* LUA_INIT is the user's, not the stranger's */
  if (o.ignore_env) {
    lua_pushboolean(L, 1);
    lua_setfield(L, LUA_REGISTRYINDEX, "LUA_NOENV");
  }
  luaL_openlibs(L);
  nl_keep_decimal_point(L);
  nl_open_coroutines(L);
  luaL_getsubtable(L, LUA_REGISTRYINDEX, LUA_PRELOAD_TABLE);
  lua_pushcfunction(L, luaopen_nn_core);
  lua_setfield(L, -2, "nn.core");
  lua_pop(L, 1);
  nl_install_library(L);
  make_arg(L, argv, argc, o.script);
  lua_gc(L, LUA_GCRESTART);
  lua_gc(L, LUA_GCGEN, 0, 0); /* as lua does; it suits temporaries */
  apply_options(L, &o);
  if (o.about) {
    print_about(L);
    lua_pushboolean(L, 1);
    return 1;
  }
  if (o.version) {
    print_version();
  }
  if (o.sandbox && o.max_memory > 0) {
    nl_limit_memory(o.max_memory); /* before: in the sandbox no limit can be set any more */
  }
  if (o.sandbox && !nl_enter_sandbox(L, o.script ? argv[o.script] : NULL)) {
    return 0;
  }
  if (!o.ignore_env && run_init(L) != LUA_OK) {
    return 0;
  }
  if (o.profile && nl_run_string(L, "require('nn.internal.profile').start()", "=profile") != LUA_OK) {
    return 0;
  }
  bool options = nl_run_lua_options(L, argv, &o);
  bool fine = options && (!o.script || nl_run_script(L, argv, &o) == LUA_OK);
  if (o.profile) { /* also of a script that failed */
    nl_run_string(L, "io.stderr:write(require('nn.internal.profile').report())", "=profile");
  }
  if (!fine && !(options && o.interactive && isatty(STDIN_FILENO) && !nl_interrupt_ends())) {
    return 0;
  }
  if (o.interactive) {
    nl_prompt(L, !fine, !o.ignore_env);
    if (!fine) {
      return 0;
    }
  } else if (!o.script && !o.execute && !o.version) {
    if (isatty(STDIN_FILENO)) {
      print_version();
      nl_prompt(L, false, !o.ignore_env);
    } else {
      int status = nl_load_file(L, NULL);
      status = status == LUA_OK ? nl_call(L, 0, 0) : status;
      nl_report(L, status); /* lua ends with 0 here, too */
    }
  }
  lua_pushboolean(L, 1);
  return 1;
}

int main(int argc, char **argv) {
  lua_State *L = nl_new_state();
  if (!L) {
    nl_message(argv[0], "cannot create state: not enough memory");
    return EXIT_FAILURE;
  }
  lua_gc(L, LUA_GCSTOP);
  lua_pushcfunction(L, run_what_is_asked);
  lua_pushinteger(L, argc);
  lua_pushlightuserdata(L, argv);
  int status = lua_pcall(L, 2, 1, 0);
  bool ok = lua_toboolean(L, -1);
  nl_report(L, status);
  lua_close(L);
  if (nl_interrupt_ends()) { /* to whom it may concern: by that signal */
    fflush(NULL);
    signal(SIGTERM, SIG_DFL);
    raise(SIGTERM);
  }
  return ok && status == LUA_OK ? EXIT_SUCCESS : EXIT_FAILURE;
}
