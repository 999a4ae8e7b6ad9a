/* Going through a module: what hangs on it, by name, each once. A module's fields are looked at in the order in which
   they were first set; plain tables in fields are looked into (their list, then names in order), each once. */
#include <string.h>

#include "lua/object.h"
#include "lua/observe.h"

/* Modules and tables within each other; what is deeper stands in itself through closures, or is a mistake. */
enum { MOST_DEPTH = 4000 };

static bool is_module_at(lua_State *L, int index) {
  const nl_object *o = nl_to_object(L, index);
  return o && o->is_module && !o->is_class;
}

/* A table without a metatable. */
static bool is_plain_table(lua_State *L, int index) {
  if (lua_type(L, index) != LUA_TTABLE) {
    return false;
  }
  bool plain = !lua_getmetatable(L, index);
  lua_pop(L, plain ? 0 : 1);
  return plain;
}

/* True the first time for a value; `seen` is a table. */
static bool first_time(lua_State *L, int seen, int value) {
  lua_pushvalue(L, value);
  bool first = lua_rawget(L, seen) == LUA_TNIL;
  lua_pop(L, 1);
  if (first) {
    lua_pushvalue(L, value);
    lua_pushboolean(L, true);
    lua_rawset(L, seen);
  }
  return first;
}

/* ---- children ---- */

/* Children are kept as a list of four values each. */
enum { PATH = 1, VALUE, OWNER, KEY, PER_CHILD = KEY };

typedef struct looking {
  int list, module, seen; /* stack indices */
} looking;

/* Appends the value at top - 1 by its key on top; the path stands at `path`, the owner at `owner`. Pops nothing. */
static void append_child(lua_State *L, const looking *w, int path, int owner, int value, int key) {
  lua_Integer n = (lua_Integer)lua_rawlen(L, w->list);
  const int at[PER_CHILD] = {path, value, owner, key};
  for (int i = 0; i < PER_CHILD; i++) {
    lua_pushvalue(L, at[i]);
    lua_rawseti(L, w->list, n + 1 + i);
  }
}

/* Pushes the names of a table, sorted. */
static void push_sorted_names(lua_State *L, int t) {
  lua_newtable(L);
  int names = lua_gettop(L);
  lua_Integer n = 0;
  lua_pushnil(L);
  while (lua_next(L, t)) {
    lua_pop(L, 1);
    if (lua_type(L, -1) == LUA_TSTRING) {
      lua_Integer at = ++n; /* insertion: these are a few */
      for (; at > 1; at--) {
        lua_rawgeti(L, names, at - 1);
        bool before = lua_compare(L, -2, -1, LUA_OPLT);
        if (!before) {
          lua_pop(L, 1);
          break;
        }
        lua_rawseti(L, names, at);
      }
      lua_pushvalue(L, -1);
      lua_rawseti(L, names, at);
    }
  }
}

static void look_at_child(lua_State *L, const looking *w, int path, int owner, int value, int key, int depth);

/* What is in a plain table: path.1, path.2, path.name */
static void look_into_table(lua_State *L, const looking *w, int path, int t, int depth) {
  nl_observe_whole(L, t);
  int top = lua_gettop(L);
  lua_Integer n = 0;
  while (lua_rawgeti(L, t, n + 1) != LUA_TNIL) {
    n++;
    lua_pushinteger(L, n);
    lua_pushfstring(L, "%s.%I", lua_tostring(L, path), (LUAI_UACINT)n);
    look_at_child(L, w, top + 3, t, top + 1, top + 2, depth + 1);
    lua_settop(L, top);
  }
  lua_settop(L, top);
  push_sorted_names(L, t);
  for (lua_Integer i = 1; lua_rawgeti(L, top + 1, i) != LUA_TNIL; i++) {
    lua_pushvalue(L, -1);
    lua_rawget(L, t);
    lua_pushfstring(L, "%s.%s", lua_tostring(L, path), lua_tostring(L, top + 2));
    look_at_child(L, w, top + 4, t, top + 3, top + 2, depth + 1);
    lua_settop(L, top + 1);
  }
  lua_settop(L, top);
}

static void look_at_child(lua_State *L, const looking *w, int path, int owner, int value, int key, int depth) {
  luaL_checkstack(L, 12, NULL);
  bool in_list = lua_isfunction(L, value) && lua_isinteger(L, key) && lua_rawequal(L, owner, w->module);
  if (in_list || nl_to_tensor(L, value) || is_module_at(L, value)) {
    append_child(L, w, path, owner, value, key);
  } else if (is_plain_table(L, value) && first_time(L, w->seen, value)) {
    if (depth > MOST_DEPTH) {
      nl_lua_error(L, "a module's tables lie in each other more than %d deep", MOST_DEPTH);
    }
    look_into_table(L, w, path, value, depth);
  }
}

/* Pushes the list of the children of the module at stack index `module`. */
static void push_children(lua_State *L, int module, int seen) {
  luaL_checkstack(L, 16, NULL);
  nl_observe_whole(L, module);
  lua_newtable(L);
  int list = lua_gettop(L);
  const looking w = {list, module, seen};
  nl_object_push_fields(L, module);
  nl_object_push_order(L, module);
  for (lua_Integer i = 1; lua_rawgeti(L, list + 2, i) != LUA_TNIL; i++) {
    lua_pushvalue(L, -1);
    lua_rawget(L, list + 1);
    luaL_tolstring(L, list + 3, NULL);
    look_at_child(L, &w, list + 5, module, list + 4, list + 3, 0);
    lua_settop(L, list + 2);
  }
  lua_settop(L, list);
}

/* children(module) -> the tensors and modules directly in a module, and the functions in its list, in order: a list of
   {path =, value =, owner =, key =} */
static int children(lua_State *L) {
  static const char *const names[] = {"path", "value", "owner", "key"};
  lua_settop(L, 1);
  if (!is_module_at(L, 1)) {
    return nl_lua_error(L, "children: must be a module, but is %s", nl_describe(L, 1).s);
  }
  lua_newtable(L);
  push_children(L, 1, 2);
  lua_Integer n = (lua_Integer)lua_rawlen(L, 3) / PER_CHILD;
  lua_createtable(L, (int)n, 0);
  for (lua_Integer i = 0; i < n; i++) {
    lua_createtable(L, 0, PER_CHILD);
    for (int k = 0; k < PER_CHILD; k++) {
      lua_rawgeti(L, 3, PER_CHILD * i + k + 1);
      lua_setfield(L, -2, names[k]);
    }
    lua_rawseti(L, 4, i + 1);
  }
  return 1;
}

/* ---- everything below a module ---- */

typedef struct walking {
  int seen, out; /* stack indices; out: name, value, name, value, ... */
  lua_Integer count;
  char kind; /* of 'm'odules, 'p'arameters, 'b'uffers, and 's': both of these */
} walking;

static void found(lua_State *L, walking *w, int name, int value) {
  lua_pushvalue(L, name);
  lua_rawseti(L, w->out, ++w->count);
  lua_pushvalue(L, value);
  lua_rawseti(L, w->out, ++w->count);
}

/* Whether the buffers of the module at `module` have the key on top of the stack. */
static bool is_buffer_name(lua_State *L, int module, int key) {
  nl_object_push_fields(L, module);
  lua_pushliteral(L, "_buffers");
  bool yes = lua_rawget(L, -2) == LUA_TTABLE;
  if (yes) {
    lua_pushvalue(L, key);
    yes = lua_rawget(L, -2) != LUA_TNIL;
    lua_pop(L, 1);
  }
  lua_pop(L, 2);
  return yes;
}

/* The module at `module`, whose name stands at `name`. */
static void walk_module(lua_State *L, walking *w, int module, int name, int depth) {
  luaL_checkstack(L, 16, NULL);
  if (!first_time(L, w->seen, module)) {
    return;
  } else if (depth > MOST_DEPTH) {
    nl_lua_error(L, "modules stand in each other more than %d deep", MOST_DEPTH);
  }
  if (w->kind == 'm') {
    found(L, w, name, module);
  }
  push_children(L, module, w->seen);
  int list = lua_gettop(L);
  for (lua_Integer i = 1; lua_rawgeti(L, list, i) != LUA_TNIL; i += PER_CHILD) {
    int path = list + 1, value = list + 2, owner = list + 3, key = list + 4;
    for (int k = 1; k < PER_CHILD; k++) {
      lua_rawgeti(L, list, i + k);
    }
    const nl_tensor *t = nl_to_tensor(L, value);
    bool parameter = t && t->is_parameter;
    bool wanted = w->kind == 's' || w->kind == (parameter ? 'p' : 'b');
    if (!t || (wanted && (parameter || (lua_rawequal(L, owner, module) && is_buffer_name(L, module, key))))) {
      if (*lua_tostring(L, name)) {
        lua_pushfstring(L, "%s.%s", lua_tostring(L, name), lua_tostring(L, path));
        path = lua_gettop(L);
      }
      if (t) {
        found(L, w, path, value);
      } else if (is_module_at(L, value)) {
        walk_module(L, w, value, path, depth + 1);
      }
    }
    lua_settop(L, list);
  }
  lua_settop(L, list - 1);
}

/* walk(module, kind) -> {name, value, name, value, ...} of what is below a module, itself included, depth first, each
   module once; kind: "modules", "parameters", "buffers", or "state": both of these. With `once`, each value once. */
static int walk(lua_State *L) {
  if (!is_module_at(L, 1)) {
    return nl_lua_error(L, "walk: must be a module, but is %s", nl_describe(L, 1).s);
  }
  walking w = {.seen = 3, .out = 4, .kind = *luaL_checkstring(L, 2)};
  lua_settop(L, 2);
  lua_newtable(L);
  lua_newtable(L);
  lua_pushliteral(L, "");
  walk_module(L, &w, 1, 5, 0);
  lua_settop(L, 4);
  return 1;
}

/* parameters(module) -> a list, each once */
static int list_parameters(lua_State *L) {
  lua_settop(L, 1);
  lua_pushliteral(L, "parameters");
  walk(L);
  lua_newtable(L); /* 5: the list; seen is used again, for tensors */
  for (lua_Integer i = 2, n = 0; lua_rawgeti(L, 4, i) != LUA_TNIL; i += 2) {
    if (first_time(L, 3, 6)) {
      lua_rawseti(L, 5, ++n);
    }
    lua_settop(L, 5);
  }
  lua_settop(L, 5);
  return 1;
}

/* clear_gradients(module) */
static int clear_gradients(lua_State *L) {
  list_parameters(L);
  for (lua_Integer i = 1; lua_rawgeti(L, 5, i) != LUA_TNIL; i++) {
    nl_set_grad(nl_to_tensor(L, -1), NULL);
    lua_pop(L, 1);
  }
  return 0;
}

/* set_training(module, on) */
static int set_training(lua_State *L) {
  bool on = lua_toboolean(L, 2);
  lua_settop(L, 1);
  lua_pushliteral(L, "modules");
  walk(L);
  for (lua_Integer i = 2; lua_rawgeti(L, 4, i) != LUA_TNIL; i += 2) {
    lua_pushcfunction(L, nl_object_set_hidden);
    lua_insert(L, -2);
    lua_pushliteral(L, "training");
    lua_pushboolean(L, on);
    lua_call(L, 3, 0);
  }
  return 0;
}

/* mark_module(class): its objects, and those of classes derived from it, are modules */
static int mark_module(lua_State *L) {
  nl_object *o = nl_to_object(L, 1);
  if (o) {
    o->is_module = true;
  }
  return 0;
}

/* is_module(v), is_module_class(v) */
static int is_module(lua_State *L) {
  lua_pushboolean(L, is_module_at(L, 1));
  return 1;
}
static int is_module_class(lua_State *L) {
  const nl_object *o = nl_to_object(L, 1);
  lua_pushboolean(L, o && o->is_module && o->is_class);
  return 1;
}

void nl_open_module(lua_State *L) {
  static const luaL_Reg functions[] = {{"children", children},
                                       {"walk", walk},
                                       {"module_parameters", list_parameters},
                                       {"clear_gradients", clear_gradients},
                                       {"set_training", set_training},
                                       {"mark_module", mark_module},
                                       {"is_module", is_module},
                                       {"is_module_class", is_module_class},
                                       {NULL, NULL}};
  luaL_setfuncs(L, functions, 0);
  for (int i = 0; functions[i].name; i++) {
    nl_observe_exempt(functions[i].func); /* they say themselves what they read */
  }
}
