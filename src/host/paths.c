/* Where our Lua library lies: beside the binary in the source tree, or in ../share/lua/5.4 of an installed one, where a
   stock lua5.4 finds it too. */
#include <lauxlib.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "host/host.h"

static int library_at(lua_State *L, const char *directory) {
  lua_pushfstring(L, "%s/nn.lua", directory);
  int there = access(lua_tostring(L, -1), R_OK) == 0;
  lua_pop(L, 1);
  return there;
}

void nl_push_library(lua_State *L) {
  char exe[PATH_MAX];
  ssize_t n = readlink("/proc/self/exe", exe, sizeof exe - 1);
  char *slash = NULL;
  if (n > 0) {
    exe[n] = 0;
    slash = strrchr(exe, '/');
  }
  static const char *const beside[] = {"lua/stdlib", "../../lua/stdlib", "../share/lua/5.4"};
  for (int i = 0; slash && i < 3; i++) {
    lua_pushlstring(L, exe, (size_t)(slash - exe));
    lua_pushfstring(L, "%s/%s", lua_tostring(L, -1), beside[i]);
    lua_remove(L, -2);
    if (library_at(L, lua_tostring(L, -1))) {
      return;
    }
    lua_pop(L, 1);
  }
  if (library_at(L, NL_DATADIR)) {
    lua_pushliteral(L, NL_DATADIR);
  } else {
    lua_pushnil(L);
  }
}

/* A package searcher for "nn" and "nn.x"; upvalue: the directory. */
static int search_library(lua_State *L) {
  const char *name = luaL_checkstring(L, 1);
  if (strcmp(name, "nn") != 0 && strncmp(name, "nn.", 3) != 0) {
    return 0;
  }
  const char *directory = lua_tostring(L, lua_upvalueindex(1));
  if (!directory) {
    lua_pushliteral(L, "\n\tno nnlua library found: is nnlua installed in full (make install)?");
    return 1;
  }
  luaL_gsub(L, name, ".", "/");
  lua_pushfstring(L, "%s/%s.lua", directory, lua_tostring(L, -1));
  if (access(lua_tostring(L, -1), R_OK) != 0) {
    lua_pushfstring(L, "\n\tno file '%s'", lua_tostring(L, -1));
    return 1;
  }
  if (luaL_loadfile(L, lua_tostring(L, -1)) != LUA_OK) {
    return luaL_error(L, "error loading module '%s':\n\t%s", name, lua_tostring(L, -1));
  }
  lua_pushvalue(L, -2);
  return 2;
}

/* Lua's path has the working directory; a script's own is put in front of it, so that `require` finds its modules from
   wherever it is run. */
void nl_require_beside(lua_State *L, const char *script) {
  const char *slash = strrchr(script, '/');
  int top = lua_gettop(L);
  if (!slash || lua_getglobal(L, "package") != LUA_TTABLE) {
    lua_settop(L, top);
    return;
  }
  lua_pushlstring(L, script, (size_t)(slash - script));
  const char *directory = lua_tostring(L, -1);
  if (lua_getfield(L, -2, "path") == LUA_TSTRING && !strpbrk(directory, ";?")) {
    lua_pushfstring(L, "%s/?.lua;%s/?/init.lua;%s", directory, directory, lua_tostring(L, -1));
    lua_setfield(L, -4, "path");
  }
  lua_settop(L, top);
}

void nl_install_library(lua_State *L) {
  lua_getglobal(L, "package");
  lua_getfield(L, -1, "searchers");
  int n = (int)luaL_len(L, -1);
  for (int i = n; i >= 2; i--) { /* after preload */
    lua_rawgeti(L, -1, i);
    lua_rawseti(L, -2, i + 1);
  }
  nl_push_library(L);
  lua_pushcclosure(L, search_library, 1);
  lua_rawseti(L, -2, 2);
  lua_pop(L, 2);
}
