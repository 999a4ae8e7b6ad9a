/* Regular expressions (nn.rex): lrexlib's names and behaviour on PCRE2, as C functions. lua/stdlib/nn/rex.lua says what
   they do. */
#include "lua/rex.h"

#include <stdlib.h>
#include <string.h>

static int machine_gc(lua_State *L) {
  nl_rex_machine *m = lua_touserdata(L, 1);
  pcre2_match_context_free(m->quick);
  pcre2_match_context_free(m->careful);
  pcre2_match_context_free(m->dfa);
  pcre2_jit_stack_free(m->stack);
  free(m->text.p);
  memset(m, 0, sizeof *m);
  return 0;
}

/* ---- buffers, for tests ---- */

static int buffer_pointer(lua_State *L) {
  lua_pushlightuserdata(L, lua_touserdata(L, 1));
  return 1;
}

static int buffer_length(lua_State *L) {
  lua_pushinteger(L, (lua_Integer)lua_rawlen(L, 1));
  return 1;
}

/* _newmembuffer(string) -> a buffer that holds it */
static int new_buffer(lua_State *L) {
  size_t n;
  const char *s = lua_tolstring(L, 1, &n);
  if (!s) {
    return nl_lua_error(L, "rex._newmembuffer: wants a string, but got %s", nl_describe(L, 1).s);
  }
  memcpy(lua_newuserdatauv(L, n, 0), s, n);
  if (luaL_newmetatable(L, "nn.rex.buffer")) {
    static const luaL_Reg methods[] = {{"topointer", buffer_pointer}, {"__len", buffer_length}, {NULL, NULL}};
    luaL_setfuncs(L, methods, 0);
    lua_pushvalue(L, -1);
    lua_setfield(L, -2, "__index");
  }
  lua_setmetatable(L, -2);
  return 1;
}

/* index_with(function) sets what gsub asks for the fields of a table that has a metatable */
static int index_with(lua_State *L) {
  luaL_checktype(L, 1, LUA_TFUNCTION);
  lua_settop(L, 1);
  lua_setiuservalue(L, lua_upvalueindex(NL_REX_MACHINE), NL_REX_INDEX);
  return 0;
}

/* ---- opening ---- */

static void push_upvalues(lua_State *L, int first) {
  for (int i = 0; i < NL_REX_UPVALUES; i++) {
    lua_pushvalue(L, first + i);
  }
}

void nl_open_rex(lua_State *L) {
  static const luaL_Reg functions[] = {{"match", nl_rex_match_function},
                                       {"find", nl_rex_find_function},
                                       {"tfind", nl_rex_tfind_function},
                                       {"exec", nl_rex_exec_function},
                                       {"gmatch", nl_rex_gmatch},
                                       {"gsub", nl_rex_gsub},
                                       {"split", nl_rex_split},
                                       {"count", nl_rex_count},
                                       {"new", nl_rex_new},
                                       {"flags", nl_rex_flags},
                                       {"config", nl_rex_config},
                                       {"version", nl_rex_version},
                                       {"maketables", nl_rex_maketables},
                                       {"_newmembuffer", new_buffer},
                                       {"index_with", index_with},
                                       {NULL, NULL}};
  static const luaL_Reg methods[] = {{"match", nl_rex_match_method},
                                     {"find", nl_rex_find_method},
                                     {"tfind", nl_rex_tfind_method},
                                     {"exec", nl_rex_exec_method},
                                     {"dfa_exec", nl_rex_dfa_exec},
                                     {"patterninfo", nl_rex_patterninfo},
                                     {"fullinfo", nl_rex_fullinfo},
                                     {"jit_compile", nl_rex_jit_compile},
                                     {"__tostring", nl_rex_tostring},
                                     {"__gc", nl_rex_gc},
                                     {NULL, NULL}};
  static const luaL_Reg tables[] = {{"__gc", nl_rex_tables_gc}, {"__tostring", nl_rex_tables_tostring}, {NULL, NULL}};
  nl_rex_open_each();
  nl_rex_open_gsub(L);
  int top = lua_gettop(L);
  memset(lua_newuserdatauv(L, sizeof(nl_rex_machine), NL_REX_INDEX), 0, sizeof(nl_rex_machine));
  lua_newtable(L); /* the machine's metatable */
  lua_pushcfunction(L, machine_gc);
  lua_setfield(L, -2, "__gc");
  lua_setmetatable(L, -2);
  lua_newtable(L);
  lua_setiuservalue(L, -2, NL_REX_KEPT);
  lua_newtable(L); /* of patterns */
  lua_newtable(L); /* of character tables */
  push_upvalues(L, top + NL_REX_MACHINE);
  luaL_setfuncs(L, tables, NL_REX_UPVALUES);
  lua_pushliteral(L, "character tables are no table");
  lua_setfield(L, -2, "__metatable");
  lua_pushvalue(L, top + NL_REX_METATABLE);
  push_upvalues(L, top + NL_REX_MACHINE);
  luaL_setfuncs(L, methods, NL_REX_UPVALUES);
  lua_pushvalue(L, -1);
  lua_setfield(L, -2, "__index");
  lua_pushliteral(L, "nn.Regex");
  lua_setfield(L, -2, "__name");
  lua_pop(L, 1);
  luaL_newlibtable(L, functions);
  push_upvalues(L, top + NL_REX_MACHINE);
  luaL_setfuncs(L, functions, NL_REX_UPVALUES);
  lua_setfield(L, top, "rex");
  lua_settop(L, top);
}
