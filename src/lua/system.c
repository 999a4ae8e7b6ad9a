/* Clock, threads, memory, versions, the terminal. */
#include <jansson.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>
#include <zlib.h>

#include "core/cpu.h"
#include "core/memory.h"
#include "core/pool.h"
#include "kernels/gemm.h"
#include "lua/observe.h"

/* time() -> seconds on a monotonic clock */
static int get_time(lua_State *L) {
  lua_pushnumber(L, nl_clock());
  return 1;
}

static int get_num_threads(lua_State *L) {
  lua_pushinteger(L, nl_pool_threads());
  return 1;
}

static int set_num_threads(lua_State *L) {
  int ok = 0;
  lua_Integer n = lua_type(L, 1) == LUA_TNUMBER ? lua_tointegerx(L, 1, &ok) : 0;
  if (!ok || n < 0 || n > 256) {
    return nl_lua_error(
        L, "set_num_threads: the number of threads must be 1 to 256, or 0 for one for each processor, but is %s",
        nl_describe(L, 1).s);
  }
  nl_pool_set_threads((int)n);
  return 0;
}

/* memory() -> {live =, peak =, cached =, script =, limit = or nil, from_system =}: bytes of tensor data, of what is
   kept for reuse, of Lua's values and our structs; times that the system was asked */
static int get_memory(lua_State *L) {
  nl_memory_stats s = nl_memory_get_stats();
  lua_createtable(L, 0, 6);
  lua_pushinteger(L, (lua_Integer)s.live);
  lua_setfield(L, -2, "live");
  lua_pushinteger(L, (lua_Integer)s.peak);
  lua_setfield(L, -2, "peak");
  lua_pushinteger(L, (lua_Integer)s.cached);
  lua_setfield(L, -2, "cached");
  lua_pushinteger(L, (lua_Integer)s.script);
  lua_setfield(L, -2, "script");
  lua_pushinteger(L, (lua_Integer)s.from_system);
  lua_setfield(L, -2, "from_system");
  if (s.limit != SIZE_MAX) {
    lua_pushinteger(L, (lua_Integer)s.limit);
    lua_setfield(L, -2, "limit");
  }
  return 1;
}

/* reset_peak_memory() */
static int reset_peak(lua_State *L) {
  (void)L;
  nl_memory_reset_peak();
  return 0;
}

/* set_max_memory(bytes or nil) */
static int set_max_memory(lua_State *L) {
  lua_Number n = lua_type(L, 1) == LUA_TNUMBER ? lua_tonumber(L, 1) : 0;
  if (!lua_isnoneornil(L, 1) && !(n >= 1)) {
    return nl_lua_error(L, "set_max_memory: takes a number of bytes, 1 or more, or nil for no limit, but got %s",
                        nl_describe(L, 1).s);
  }
  nl_memory_set_limit(n >= 1 && n < 0x1p63 ? (size_t)n : SIZE_MAX); /* more than there can be: none */
  return 0;
}

/* For tests of running out of memory. */
static int fail_memory_at(lua_State *L) {
  nl_memory_fail_at((uint64_t)luaL_checkinteger(L, 1));
  return 0;
}

/* memory_trim(): what is kept for reuse goes back to the system */
static int memory_trim(lua_State *L) {
  (void)L;
  nl_memory_trim();
  return 0;
}

static int versions(lua_State *L) {
  lua_createtable(L, 0, 6);
  lua_pushliteral(L, NL_VERSION);
  lua_setfield(L, -2, "nnlua");
  lua_pushliteral(L, LUA_RELEASE);
  lua_setfield(L, -2, "lua");
  lua_pushstring(L, nl_gemm_backends());
  lua_setfield(L, -2, "gemm");
  lua_pushstring(L, zlibVersion());
  lua_setfield(L, -2, "zlib");
  lua_pushstring(L, jansson_version_str());
  lua_setfield(L, -2, "jansson");
  lua_pushstring(L, nl_isa_name(nl_cpu_isa()));
  lua_setfield(L, -2, "kernels");
  return 1;
}

/* terminal_width() -> columns, or nil when standard error is no terminal */
static int terminal_width(lua_State *L) {
  struct winsize size;
  if (!isatty(STDERR_FILENO) || ioctl(STDERR_FILENO, TIOCGWINSZ, &size) != 0) {
    lua_pushnil(L);
  } else {
    lua_pushinteger(L, size.ws_col > 0 ? size.ws_col : 80);
  }
  return 1;
}

void nl_open_system(lua_State *L) {
  static const luaL_Reg functions[] = {{"time", get_time},
                                       {"get_num_threads", get_num_threads},
                                       {"set_num_threads", set_num_threads},
                                       {"memory", get_memory},
                                       {"reset_peak_memory", reset_peak},
                                       {"set_max_memory", set_max_memory},
                                       {"versions", versions},
                                       {NULL, NULL}};
  static const luaL_Reg ours[] = {{"fail_memory_at", fail_memory_at},
                                  {"memory_trim", memory_trim},
                                  {"terminal_width", terminal_width},
                                  {NULL, NULL}};
#define ONCE "it would happen only once; do it outside"
  static const nl_not_replayed refused[] = {
      {get_time, "time", "the time read now would be used in every replay; read it outside"},
      {set_num_threads, "set_num_threads", ONCE},
      {get_memory, "memory", "the memory in use now would be used in every replay; ask outside"},
      {reset_peak, "reset_peak_memory", ONCE},
      {set_max_memory, "set_max_memory", ONCE},
      {NULL, NULL, NULL}};
  nl_observe_refuse(refused);
  nl_publish(L, functions);
  luaL_setfuncs(L, ours, 0);
}
