/* The arguments of nn.rex: subjects, positions, flags. Numbers and numeric strings count where Lua's own library takes
   them. */
#include <string.h>

#include "lua/rex.h"

lua_Integer nl_rex_integer(lua_State *L, int index, const char *who, const char *name, lua_Integer otherwise) {
  if (lua_isnoneornil(L, index)) {
    return otherwise;
  }
  int exact;
  lua_Integer i = lua_tointegerx(L, index, &exact);
  if (!exact) {
    nl_lua_error(L, "rex.%s: %s must be an integer, but is %s", who, name, nl_describe(L, index).s);
  }
  return i;
}

/* PCRE2's options are 32 bits; the topmost may come as a sign. */
static uint32_t bits(lua_State *L, lua_Integer i, const char *who, const char *name) {
  if (i < INT32_MIN || i > (lua_Integer)UINT32_MAX) {
    nl_lua_error(L, "rex.%s: %s must be a sum of rex.flags(), of 32 bits, but are %lld", who, name, (long long)i);
  }
  return (uint32_t)i;
}

uint32_t nl_rex_bits(lua_State *L, int index, const char *who, const char *name) {
  return bits(L, nl_rex_integer(L, index, who, name, 0), who, name);
}

uint32_t nl_rex_letters(lua_State *L, int index, const char *who) {
  static const struct {
    char letter;
    uint32_t flag;
  } letters[] = {{'i', PCRE2_CASELESS}, {'m', PCRE2_MULTILINE}, {'s', PCRE2_DOTALL},
                 {'x', PCRE2_EXTENDED}, {'U', PCRE2_UNGREEDY},  {'u', PCRE2_UTF}};
  if (lua_isnoneornil(L, index)) {
    return 0;
  }
  if (lua_type(L, index) == LUA_TNUMBER) {
    return nl_rex_bits(L, index, who, "the compile flags");
  }
  if (lua_type(L, index) != LUA_TSTRING) {
    nl_lua_error(L, "rex.%s: the compile flags must be a number or letters, but are %s", who, nl_describe(L, index).s);
  }
  size_t n;
  const char *s = lua_tolstring(L, index, &n);
  uint32_t sum = 0;
  for (size_t i = 0; i < n; i++) {
    size_t k = 0;
    while (k < sizeof letters / sizeof *letters && letters[k].letter != s[i]) {
      k++;
    }
    if (k == sizeof letters / sizeof *letters) {
      nl_lua_error(L, "rex.%s: there is no flag '%c' (there are i, m, s, x, U, u)", who, s[i] ? s[i] : '0');
    }
    sum |= letters[k].flag;
  }
  return sum;
}

size_t nl_rex_offset(lua_State *L, int index, const char *who, size_t n) {
  lua_Integer init = nl_rex_integer(L, index, who, "init", 1);
  if (init > 0) {
    return (size_t)init - 1;
  }
  if (init == 0) {
    return 0;
  }
  size_t back = -(size_t)init; /* right for the smallest integer too */
  return back < n ? n - back : 0;
}

static bool has(lua_State *L, int index, const char *event) {
  if (luaL_getmetafield(L, index, event) == LUA_TNIL) {
    return false;
  }
  lua_pop(L, 1);
  return true;
}

static const char *buffer(lua_State *L, int index, const char *who, bool keep, size_t *n) {
  bool table = lua_type(L, index) == LUA_TTABLE;
  if (!table && !(has(L, index, "__index") && has(L, index, "__len"))) {
    nl_lua_error(L, "rex.%s: the subject must be a string or a buffer, but is %s", who, nl_describe(L, index).s);
  }
  if (lua_getfield(L, index, "topointer") != LUA_TFUNCTION) {
    nl_lua_error(L, "rex.%s: the subject must be a string or a buffer, but is %s without a method topointer", who,
                 nl_describe(L, index).s);
  }
  lua_pushvalue(L, index);
  lua_call(L, 1, 1);
  if (lua_type(L, -1) != LUA_TLIGHTUSERDATA) {
    nl_lua_error(L, "rex.%s: the subject's topointer must give a light userdata, but gave %s", who,
                 nl_describe(L, -1).s);
  }
  const char *s = lua_touserdata(L, -1);
  lua_pop(L, 1);
  lua_len(L, index);
  int exact;
  lua_Integer length = lua_tointegerx(L, -1, &exact);
  if (!exact || length < 0) {
    nl_lua_error(L, "rex.%s: the subject's length must be an integer from 0, but is %s", who, nl_describe(L, -1).s);
  }
  lua_pop(L, 1);
  if (!s && length > 0) {
    nl_lua_error(L, "rex.%s: the subject's topointer gave a null pointer, but its length is %lld", who,
                 (long long)length);
  }
  s = s ? s : "";
  *n = (size_t)length;
  if (keep) {
    lua_pushlstring(L, s, *n);
    lua_replace(L, index);
    s = lua_tolstring(L, index, n);
  }
  return s;
}

const char *nl_rex_subject(lua_State *L, int index, const char *who, bool keep, size_t *n) {
  switch (lua_type(L, index)) {
  case LUA_TSTRING:
  case LUA_TNUMBER:
    return lua_tolstring(L, index, n);
  case LUA_TTABLE:
  case LUA_TUSERDATA:
    return buffer(L, index, who, keep, n);
  default:
    nl_lua_error(L, "rex.%s: the subject must be a string or a buffer, but is %s", who, nl_describe(L, index).s);
    return NULL;
  }
}
