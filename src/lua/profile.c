/* What lua/stdlib/nn/internal/profile.lua needs: measuring on and off, what was measured, and the processor's peak. */
#include "optable/profile.h"
#include "kernels/kernels.h"
#include "lua/nl_lua.h"

static void profile_where(void *ctx, char *text, size_t size) {
  nl_lua_where(ctx, text, size);
}

/* profile_start() */
static int profile_start(lua_State *L) {
  lua_rawgeti(L, LUA_REGISTRYINDEX, LUA_RIDX_MAINTHREAD);
  nl_profile_start(profile_where, lua_tothread(L, -1));
  return 0;
}

/* profile_stop() -> a list of {name =, where =, calls =, seconds =, bytes =, flops =} */
static int profile_stop(lua_State *L) {
  nl_profile_stop();
  lua_createtable(L, nl_profile_count(), 0);
  for (int i = 0; i < nl_profile_count(); i++) {
    const nl_profile_entry *e = nl_profile_at(i);
    lua_createtable(L, 0, 6);
    lua_pushstring(L, e->name);
    lua_setfield(L, -2, "name");
    lua_pushstring(L, e->where);
    lua_setfield(L, -2, "where");
    lua_pushinteger(L, e->calls);
    lua_setfield(L, -2, "calls");
    lua_pushnumber(L, (double)e->nanoseconds / 1e9);
    lua_setfield(L, -2, "seconds");
    lua_pushnumber(L, e->bytes);
    lua_setfield(L, -2, "bytes");
    lua_pushnumber(L, e->flops);
    lua_setfield(L, -2, "flops");
    lua_rawseti(L, -2, i + 1);
  }
  return 1;
}

/* peak_flops() -> float32 operations a second that one thread can do in registers, measured now */
static int peak(lua_State *L) {
  double best = 0;
  for (int i = 0; i < 20; i++) {
    float sink;
    int64_t from = nl_nanoseconds();
    double flops = nl_k->product->spin(20000, &sink);
    double rate = flops / (double)(nl_nanoseconds() - from) * 1e9;
    best = rate > best ? rate : best;
  }
  lua_pushnumber(L, best);
  return 1;
}

void nl_open_profile(lua_State *L) {
  static const luaL_Reg functions[] = {
      {"profile_start", profile_start}, {"profile_stop", profile_stop}, {"peak_flops", peak}, {NULL, NULL}};
  luaL_setfuncs(L, functions, 0);
}
