/* Functions that the way back calls (hooks, functions with their own backward, checkpoints), anchored where the
   collector sees them: see autograd/anchor.h. An anchor's thing is a Lua value in a table of its own, the object. The
   registry knows objects by their anchors, weakly; what holds an object are the boxes of tensors from which a backward
   may call it, in a table with weak keys: a function that names such a tensor is a cycle the collector understands. */
#include "autograd/tape.h"
#include "core/interrupt.h"
#include "lua/nl_lua.h"

static const char objects_key = 0, holders_key = 0, pins_key = 0;

static void push_weak_table(lua_State *L, const char *mode) {
  lua_newtable(L);
  lua_createtable(L, 0, 1);
  lua_pushstring(L, mode);
  lua_setfield(L, -2, "__mode");
  lua_setmetatable(L, -2);
}

nl_anchor *nl_lua_anchor_new(lua_State *L) {
  lua_createtable(L, 1, 0);
  lua_insert(L, -2);
  lua_rawseti(L, -2, 1);
  lua_rawgetp(L, LUA_REGISTRYINDEX, &objects_key);
  lua_rawgeti(L, LUA_REGISTRYINDEX, LUA_RIDX_MAINTHREAD);
  lua_State *host = lua_tothread(L, -1);
  lua_pop(L, 1);
  nl_anchor *a = nl_anchor_new(host);
  if (!a) {
    nl_lua_raise(L);
    return NULL;
  }
  /* may raise, and then the anchor stays: some bytes, once, when memory has run out */
  lua_pushvalue(L, -2);
  lua_rawsetp(L, -2, a);
  lua_pop(L, 1);
  return a;
}

bool nl_lua_anchor_push(lua_State *L, const nl_anchor *a) {
  luaL_checkstack(L, 8, NULL);
  lua_rawgetp(L, LUA_REGISTRYINDEX, &objects_key);
  if (lua_rawgetp(L, -1, a) == LUA_TNIL && a->part[0]) {
    lua_pop(L, 1);
    lua_createtable(L, 2, 0); /* a union's object holds those of its parts */
    for (int i = 0; i < 2; i++) {
      nl_lua_anchor_push(L, a->part[i]);
      lua_rawseti(L, -2, i + 1);
    }
    lua_pushvalue(L, -1);
    lua_rawsetp(L, -3, a);
  }
  lua_remove(L, -2);
  return !lua_isnil(L, -1);
}

bool nl_lua_anchor_value(lua_State *L, const nl_anchor *a) {
  if (nl_lua_anchor_push(L, a)) {
    lua_rawgeti(L, -1, 1);
    lua_remove(L, -2);
  }
  return !lua_isnil(L, -1);
}

void nl_lua_anchor_clear(lua_State *L, const nl_anchor *a) {
  if (nl_lua_anchor_push(L, a)) {
    lua_pushnil(L);
    lua_rawseti(L, -2, 1);
  }
  lua_pop(L, 1);
}

void nl_lua_hold_anchor(lua_State *L, int index, const nl_anchor *a) {
  index = lua_absindex(L, index);
  luaL_checkstack(L, 4, NULL);
  lua_rawgetp(L, LUA_REGISTRYINDEX, &holders_key);
  lua_pushvalue(L, index);
  nl_lua_anchor_push(L, a);
  lua_rawset(L, -3);
  lua_pop(L, 1);
}

/* ---- what the graph asks for ---- */

static void gone(nl_anchor *a) {
  lua_State *L = a->host;
  if (!lua_checkstack(L, 4)) {
    return; /* a weak entry for an address that means nothing any more; the next anchor there takes it over */
  }
  lua_rawgetp(L, LUA_REGISTRYINDEX, &objects_key);
  if (lua_rawgetp(L, -1, a) != LUA_TNIL) {
    lua_pushnil(L); /* where there is an entry, this asks for no memory */
    lua_rawsetp(L, -3, a);
  }
  lua_pop(L, 2);
}

/* pin(anchor, by): pins[anchor] = {object, count} */
static int pin_protected(lua_State *L) {
  nl_anchor *a = lua_touserdata(L, 1);
  lua_Integer by = lua_tointeger(L, 2), count = 0;
  lua_rawgetp(L, LUA_REGISTRYINDEX, &pins_key);
  if (lua_rawgetp(L, -1, a) == LUA_TTABLE) {
    lua_rawgeti(L, -1, 2);
    count = lua_tointeger(L, -1);
    lua_pop(L, 1);
  } else {
    lua_pop(L, 1);
    lua_createtable(L, 2, 0);
    nl_lua_anchor_push(L, a);
    lua_rawseti(L, -2, 1);
  }
  lua_pushinteger(L, count + by);
  lua_rawseti(L, -2, 2);
  if (count + by <= 0) {
    lua_pop(L, 1);
    lua_pushnil(L);
  }
  lua_rawsetp(L, -2, a);
  return 0;
}

static nl_status pin(nl_anchor *a, int by) {
  lua_State *L = a->host;
  if (!lua_checkstack(L, 4)) {
    return NL_NOMEM;
  }
  lua_pushcfunction(L, pin_protected);
  lua_pushlightuserdata(L, a);
  lua_pushinteger(L, by);
  nl_interrupt_hold(); /* an error can only be one of memory */
  int status = lua_pcall(L, 2, 0, 0);
  nl_interrupt_release();
  if (status != LUA_OK) {
    lua_pop(L, 1);
    return nl_fail_memory(64);
  }
  return NL_OK;
}

void nl_open_anchor(lua_State *L) {
  static const nl_anchor_host host = {gone, pin};
  nl_anchor_the_host = &host;
  push_weak_table(L, "v");
  lua_rawsetp(L, LUA_REGISTRYINDEX, &objects_key);
  push_weak_table(L, "k");
  lua_rawsetp(L, LUA_REGISTRYINDEX, &holders_key);
  lua_newtable(L);
  lua_rawsetp(L, LUA_REGISTRYINDEX, &pins_key);
}
