/* Running chunks and scripts, and saying what went wrong. */
#include <lauxlib.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/allowed.h"
#include "host/host.h"

const char *nl_program = "nnlua";

void nl_message(const char *program, const char *text) {
  if (program) {
    fprintf(stderr, "%s: ", program);
  }
  fprintf(stderr, "%s\n", text);
  fflush(stderr);
}

int nl_report(lua_State *L, int status) {
  if (status != LUA_OK) {
    const char *text = lua_tostring(L, -1);
    nl_message(nl_program, text ? text : "(error message not a string)");
    lua_pop(L, 1);
  }
  return status;
}

/* Calls the function on top with the message below it; what it gives, if it is text, takes the place of both. */
static void ask(lua_State *L) {
  lua_pushvalue(L, -2);
  if (lua_pcall(L, 1, 1, 0) == LUA_OK && lua_type(L, -1) == LUA_TSTRING) {
    lua_replace(L, -2);
  } else {
    lua_pop(L, 1);
  }
}

static int find_explained(lua_State *L) {
  lua_getglobal(L, "require");
  lua_pushliteral(L, "nn.internal.mistakes");
  lua_call(L, 1, 1);
  lua_getfield(L, -1, "explained");
  return 1;
}

/* With a message on top: what may have been meant, where something is nil; and what the prompt adds. */
static void explain(lua_State *L) {
  if (!lua_checkstack(L, LUA_MINSTACK)) {
    return;
  }
  const char *text = lua_tostring(L, -1);
  if (strstr(text, "a nil value (") || strstr(text, "(for iterator '")) {
    lua_pushcfunction(L, find_explained);
    if (lua_pcall(L, 0, 1, 0) == LUA_OK) {
      ask(L);
    } else {
      lua_pop(L, 1);
    }
  }
  if (lua_getfield(L, LUA_REGISTRYINDEX, NL_ON_ERROR) == LUA_TFUNCTION) {
    ask(L);
  } else {
    lua_pop(L, 1);
  }
}

/* Adds a traceback to an error message; error objects with __tostring speak for themselves. */
static int add_traceback(lua_State *L) {
  const char *text = lua_tostring(L, 1);
  if (!text) {
    if (luaL_callmeta(L, 1, "__tostring") && lua_type(L, -1) == LUA_TSTRING) {
      return 1;
    }
    lua_pushfstring(L, "(error object is a %s value)", luaL_typename(L, 1));
  } else {
    lua_pushvalue(L, 1);
  }
  explain(L);
  text = lua_tostring(L, -1);
  nl_push_traceback(L, text);
  return 1;
}

int nl_call(lua_State *L, int arguments, int results) {
  int base = lua_gettop(L) - arguments;
  lua_pushcfunction(L, add_traceback);
  lua_insert(L, base);
  nl_running r;
  nl_interrupt_begin(&r, L);
  int status = lua_pcall(L, arguments, results, base);
  nl_interrupt_end(&r);
  lua_remove(L, base);
  return status;
}

int nl_run_string(lua_State *L, const char *text, const char *name) {
  int status = luaL_loadbuffer(L, text, strlen(text), name);
  if (status == LUA_OK) {
    status = nl_call(L, 0, 0);
  }
  return nl_report(L, status);
}

/* Pushes the script's arguments, arg[1] to arg[#arg], as `...`. */
static int push_arguments(lua_State *L) {
  if (lua_getglobal(L, "arg") != LUA_TTABLE) {
    luaL_error(L, "'arg' is not a table");
  }
  int n = (int)luaL_len(L, -1);
  luaL_checkstack(L, n + 3, "too many arguments to script");
  int i;
  for (i = 1; i <= n; i++) {
    lua_rawgeti(L, -i, i);
  }
  lua_remove(L, -i);
  return n;
}

/* In the sandbox no bytecode: Lua does not check it, and wrong bytecode can do anything. */
int nl_load_file(lua_State *L, const char *name) {
  return luaL_loadfilex(L, name, nl_sandboxed() ? "t" : NULL);
}

static bool names_directory(const char *name) {
  struct stat st;
  return stat(name, &st) == 0 && S_ISDIR(st.st_mode);
}

static int find_word(lua_State *L) {
  lua_getglobal(L, "require");
  lua_pushliteral(L, "nn.tool.main");
  lua_call(L, 1, 1);
  lua_getfield(L, -1, "is_word");
  lua_pushvalue(L, 1);
  lua_call(L, 1, 1);
  return 1;
}

/* What is no file but a word that nn.tool.main knows (`nnlua runs`): a library without it knows none. */
static bool is_command(lua_State *L, const char *name) {
  if (!*name || name[strspn(name, "abcdefghijklmnopqrstuvwxyz")] ||
      (access(name, F_OK) == 0 && !names_directory(name))) {
    return false;
  }
  lua_pushcfunction(L, find_word);
  lua_pushstring(L, name);
  bool yes = lua_pcall(L, 1, 1, 0) == LUA_OK && lua_toboolean(L, -1);
  lua_pop(L, 1);
  return yes;
}

/* Calls what a script returned with the script's arguments, where it says that it can be: its metatable has __script.
 */
static int run_returned(lua_State *L, int results) {
  if (results < 1 || !luaL_getmetafield(L, -results, "__script")) {
    return LUA_OK;
  }
  lua_pushvalue(L, -results - 1);
  return nl_call(L, 1 + push_arguments(L), 0);
}

/* With load_file and a name on top: replaces both by a function (LUA_OK) or a message. */
static int load_for_prompt(lua_State *L) {
  int status = nl_call(L, 1, 2);
  if (status != LUA_OK) {
    return status;
  }
  bool fine = lua_type(L, -2) == LUA_TFUNCTION;
  lua_remove(L, fine ? -1 : -2);
  return fine ? LUA_OK : LUA_ERRSYNTAX;
}

int nl_run_script(lua_State *L, char **argv, const nl_options *o) {
  const char *name = argv[o->script];
  nl_require_beside(L, name);
  bool dash = strcmp(name, "-") == 0 && strcmp(argv[o->script - 1], "--") != 0;
  bool command = !dash && is_command(L, name);
  static const char words[] = "require('nn.tool.main').main(arg[0], ...)";
  bool stays = o->interactive && !dash && !command && !nl_sandboxed() && nl_push_prompt(L, "load_file");
  int status;
  if (stays) { /* its locals stay at the prompt */
    lua_pushstring(L, name);
    status = load_for_prompt(L);
  } else {
    status = command ? luaL_loadbuffer(L, words, sizeof words - 1, "=(command)") : nl_load_file(L, dash ? NULL : name);
  }
  if (stays && nl_push_prompt(L, "failed_script")) {
    lua_setfield(L, LUA_REGISTRYINDEX, NL_ON_ERROR);
  }
  if (status == LUA_OK) {
    int below = lua_gettop(L) - 1;
    status = nl_call(L, push_arguments(L), LUA_MULTRET);
    if (status == LUA_OK) {
      status = run_returned(L, lua_gettop(L) - below);
    }
  }
  return nl_report(L, status);
}
