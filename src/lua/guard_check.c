/* What stands where a guard looks, and whether it is what it was. */
#include <string.h>

#include "lua/object.h"
#include "lua/observe.h"

/* Pushes the raw value of a field. */
int nl_obs_push_raw(lua_State *L, int c, int k) {
  if (nl_object_push_fields(L, c)) {
    lua_pushvalue(L, k);
    int type = lua_rawget(L, -2);
    lua_remove(L, -2);
    return type;
  }
  lua_pushvalue(L, k);
  return lua_rawget(L, c);
}

static uint64_t key_number(lua_State *L, int k) {
  double x = lua_tonumber(L, k);
  uint64_t bits = 0;
  switch (lua_type(L, k)) {
  case LUA_TNUMBER:
    memcpy(&bits, &x, sizeof bits);
    return bits;
  case LUA_TBOOLEAN:
    return 1 + (uint64_t)lua_toboolean(L, k);
  default:
    return (uint64_t)(uintptr_t)lua_topointer(L, k); /* also of strings: the key lives as long as the table holds it */
  }
}

/* Of the keys in their order, which pairs and next give, and which sums of floats depend on. */
static int64_t hash_of_keys(lua_State *L, int t) {
  uint64_t hash = 0;
  t = lua_absindex(L, t);
  lua_pushnil(L);
  while (lua_next(L, t)) {
    lua_pop(L, 1);
    hash = (hash ^ key_number(L, -1)) * 0x9e3779b97f4a7c15u + 1;
    hash ^= hash >> 29;
  }
  return (int64_t)hash;
}

int64_t nl_guard_count(lua_State *L, nl_guard_kind kind, int c) {
  if (kind == NL_GUARD_KEYS) {
    return (int64_t)nl_to_object(L, c)->keys;
  }
  bool fields = nl_object_push_fields(L, c);
  int64_t n = kind == NL_GUARD_SIZE ? hash_of_keys(L, fields ? -1 : c) : (int64_t)lua_rawlen(L, fields ? -1 : c);
  lua_pop(L, fields);
  return n;
}

/* Pushes what stands at guard i now: one value, or two. */
static void push_current(lua_State *L, const nl_guard *w, int i, int list, int container) {
  switch (w->kind) {
  case NL_GUARD_UPVALUE:
    if (!lua_getupvalue(L, container, (int)w->count)) {
      lua_pushnil(L);
    }
    break;
  case NL_GUARD_FIELD:
    lua_rawgeti(L, list, 3 * i + 2);
    nl_obs_push_raw(L, container, lua_gettop(L));
    break;
  default:
    if (!lua_getmetatable(L, container)) {
      lua_pushnil(L);
    }
    break;
  }
}

/* Leaves at most three values on the stack. */
static bool guard_holds(lua_State *L, const nl_guard *w, int i, int list, int container) {
  if (w->kind > NL_GUARD_META) {
    return nl_guard_count(L, w->kind, container) == w->count;
  }
  push_current(L, w, i, list, container);
  int type = lua_rawgeti(L, list, 3 * i + 3);
  if (w->identity) { /* which nothing else has as long as that is alive */
    return type != LUA_TNIL && lua_topointer(L, -2) == w->identity;
  }
  return lua_isnil(L, -2) ? type == LUA_TLIGHTUSERDATA && !lua_touserdata(L, -1) : nl_same_value(L, -1, -2);
}

int nl_first_change(lua_State *L, const nl_guard *w, int begin, int end, int list) {
  int top = lua_gettop(L), container = top + 1, i = begin;
  bool holds = true;
  for (; i < end && holds; i++) {
    if (!w[i].again || i == begin) {
      lua_settop(L, top);
      holds = lua_rawgeti(L, list, 3 * i + 1) != LUA_TNIL;
    }
    holds = holds && guard_holds(L, &w[i], i, list, container);
    if (i % 4 == 0) { /* the stack has some room */
      lua_settop(L, container);
    }
  }
  lua_settop(L, top);
  return holds ? -1 : i - 1;
}
