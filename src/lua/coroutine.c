/* coroutine.resume, wrap and close as Lua has them, with one thing more: they say which coroutine runs. */
#include "core/interrupt.h"
#include "lua/nl_lua.h"

/* Moves n values over and resumes; the number of results on top of L, or -1 and the error there. */
static int resume_with(lua_State *L, lua_State *co, int n) {
  if (!lua_checkstack(co, n)) {
    lua_pushliteral(L, "too many arguments to resume");
    return -1;
  }
  lua_xmove(L, co, n);
  int results = 0;
  nl_running r;
  nl_running_enter(&r, co);
  int status = lua_resume(co, L, n, &results);
  nl_running_leave(&r);
  if (status != LUA_OK && status != LUA_YIELD) {
    lua_xmove(co, L, 1);
    return -1;
  }
  if (!lua_checkstack(L, results + 1)) {
    lua_pop(co, results);
    lua_pushliteral(L, "too many results to resume");
    return -1;
  }
  lua_xmove(co, L, results);
  return results;
}

static int resume(lua_State *L) {
  lua_State *co = lua_tothread(L, 1);
  luaL_argexpected(L, co, 1, "thread");
  int n = resume_with(L, co, lua_gettop(L) - 1);
  lua_pushboolean(L, n >= 0);
  lua_insert(L, n >= 0 ? -(n + 1) : -2);
  return n >= 0 ? n + 1 : 2;
}

static int call_wrapped(lua_State *L) {
  lua_State *co = lua_tothread(L, lua_upvalueindex(1));
  int n = resume_with(L, co, lua_gettop(L));
  if (n >= 0) {
    return n;
  }
  int status = lua_status(co);
  if (status != LUA_OK && status != LUA_YIELD) { /* it died of an error: close what it left open */
    nl_running r;
    nl_running_enter(&r, co);
    status = lua_resetthread(co);
    nl_running_leave(&r);
    lua_xmove(co, L, 1);
  }
  if (status != LUA_ERRMEM && lua_type(L, -1) == LUA_TSTRING) {
    luaL_where(L, 1);
    lua_insert(L, -2);
    lua_concat(L, 2);
  }
  return lua_error(L);
}

static int wrap(lua_State *L) {
  luaL_checktype(L, 1, LUA_TFUNCTION);
  lua_State *co = lua_newthread(L);
  lua_pushvalue(L, 1);
  lua_xmove(L, co, 1);
  lua_pushcclosure(L, call_wrapped, 1);
  return 1;
}

/* Whether it waits, or has ended: NULL; else what it is. */
static const char *why_not_closed(lua_State *L, lua_State *co) {
  lua_Debug ar;
  if (L == co) {
    return "running";
  }
  return lua_status(co) == LUA_OK && lua_getstack(co, 0, &ar) ? "normal" : NULL;
}

/* What it left open is closed, in the coroutine. */
static int close_coroutine(lua_State *L) {
  lua_State *co = lua_tothread(L, 1);
  luaL_argexpected(L, co, 1, "thread");
  const char *is = why_not_closed(L, co);
  if (is) {
    return luaL_error(L, "cannot close a %s coroutine", is);
  }
  nl_running r;
  nl_running_enter(&r, co);
  int status = lua_resetthread(co);
  nl_running_leave(&r);
  lua_pushboolean(L, status == LUA_OK);
  if (status == LUA_OK) {
    return 1;
  }
  lua_xmove(co, L, 1);
  return 2;
}

void nl_open_coroutines(lua_State *L) {
  static const luaL_Reg functions[] = {{"resume", resume}, {"wrap", wrap}, {"close", close_coroutine}, {NULL, NULL}};
  lua_getglobal(L, "coroutine");
  luaL_setfuncs(L, functions, 0);
  lua_pop(L, 1);
}
