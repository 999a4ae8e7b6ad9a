/* Objects whose changes are counted: modules and their classes, optimizers and their groups. To Lua an object is a
   userdata with fields; reading one costs what a table behind __index costs, and each change of one, however it is
   made, passes through here and raises the object's version. A compiled function that has looked at an object asks for
   versions again instead of for values (lua/guard.c).

   User values: 1 the fields, 2 the class (an object, or nil), 3 the keys in the order in which they were first set.
   Each object has a metatable of its own, whose __index is its fields; the fields' own metatable leads to the class's
   methods. */
#include <string.h>

#include "lua/layer.h"
#include "lua/object.h"
#include "lua/observe.h"

#define MAGIC 0x6e6e6c75614f626au

enum { FIELDS = 1, CLASS, ORDER, USER_VALUES = 3 };

uint64_t nl_object_epoch;
static uint64_t next_serial = 1;

uint64_t nl_object_serial(void) {
  return next_serial;
}

nl_object *nl_to_object(lua_State *L, int index) {
  nl_object *o = lua_touserdata(L, index);
  return o && lua_rawlen(L, index) >= sizeof *o && o->magic == MAGIC ? o : NULL; /* a light one has no length */
}

static nl_object *check_object(lua_State *L, int index) {
  nl_object *o = nl_to_object(L, index);
  if (!o) {
    nl_lua_error(L, "an object of nn was expected, but this is %s", nl_describe(L, index).s);
  }
  return o;
}

bool nl_object_push_fields(lua_State *L, int index) {
  if (!nl_to_object(L, index)) {
    return false;
  }
  lua_getiuservalue(L, index, FIELDS);
  return true;
}

void nl_object_push_class(lua_State *L, int index) {
  lua_getiuservalue(L, index, CLASS);
}

void nl_object_push_order(lua_State *L, int index) {
  lua_getiuservalue(L, index, ORDER);
}

/* Takes a key (on top of the stack, popped) out of the order at stack index `order`. */
static void forget_key(lua_State *L, int order) {
  int key = lua_gettop(L);
  lua_Integer n = (lua_Integer)lua_rawlen(L, order), to = 0;
  for (lua_Integer i = 1; i <= n; i++) {
    lua_rawgeti(L, order, i);
    if (lua_rawequal(L, -1, key)) {
      lua_pop(L, 1);
      continue;
    }
    lua_rawseti(L, order, ++to);
  }
  for (; to < n; n--) {
    lua_pushnil(L);
    lua_rawseti(L, order, n);
  }
  lua_pop(L, 1);
}

bool nl_same_value(lua_State *L, int a, int b) {
  if (lua_type(L, a) == LUA_TNUMBER && lua_type(L, b) == LUA_TNUMBER) {
    if (lua_isinteger(L, a) != lua_isinteger(L, b)) {
      return false;
    }
    if (!lua_isinteger(L, a)) { /* nan is what it was; 0 and -0 are two */
      double x = lua_tonumber(L, a), y = lua_tonumber(L, b);
      return memcmp(&x, &y, sizeof x) == 0 || (x != x && y != y);
    }
  }
  return lua_rawequal(L, a, b);
}

static void object_set(lua_State *L, bool hidden) {
  nl_object *o = check_object(L, 1);
  lua_settop(L, 3);
  if (lua_isnil(L, 2) || (lua_type(L, 2) == LUA_TNUMBER && lua_tonumber(L, 2) != lua_tonumber(L, 2))) {
    nl_lua_error(L, "a field cannot be called %s", lua_isnil(L, 2) ? "nil" : "nan");
  }
  if (!hidden && o->is_module && !o->is_class && lua_type(L, 2) == LUA_TSTRING &&
      strcmp(lua_tostring(L, 2), "training") == 0 && !lua_isboolean(L, 3)) {
    nl_lua_error(L, "training must be true or false (model:train() and model:eval() set it), but is %s",
                 nl_describe(L, 3).s);
  }
  if (!hidden && o->entry && !o->is_class) {
    nl_layer_check_field(L, o);
  }
  lua_getiuservalue(L, 1, FIELDS);
  lua_pushvalue(L, 2);
  lua_rawget(L, 4);
  if (nl_same_value(L, 3, 5)) {
    nl_observe_read(L, 1, 2); /* that nothing is to be done holds as long as the value is this one */
    return;
  }
  const nl_tensor *old = nl_to_tensor(L, 5), *new = nl_to_tensor(L, 3);
  if (!hidden && old && new && old->is_parameter && !new->is_parameter &&lua_type(L, 2) == LUA_TSTRING) {
    nl_lua_error(L,
                 "'%s' is a parameter, and a plain tensor in its place would be neither trained nor saved; assign "
                 "nn.Parameter(t), copy values with %s:copy_(t) within nn.no_grad, or assign nil first",
                 lua_tostring(L, 2), lua_tostring(L, 2));
  }
  nl_observe_write(L, o->serial, 1, 2);
  bool was = !lua_isnil(L, 5), is = !lua_isnil(L, 3);
  if (was != is) {
    lua_getiuservalue(L, 1, ORDER);
    lua_pushvalue(L, 2);
    if (is && hidden) {
      lua_pop(L, 1);
    } else if (is) {
      lua_rawseti(L, 6, (lua_Integer)lua_rawlen(L, 6) + 1);
    } else {
      forget_key(L, 6);
    }
    o->keys++;
  }
  o->version++;
  nl_object_epoch++;
  lua_pushvalue(L, 2);
  lua_pushvalue(L, 3);
  lua_rawset(L, 4);
}

/* set_field(object, key, value), which is also what an assignment does; set_hidden: pairs() does not give the key */
int nl_object_set(lua_State *L) {
  object_set(L, false);
  return 0;
}
int nl_object_set_hidden(lua_State *L) {
  object_set(L, true);
  return 0;
}

/* #object: of its list part */
static int object_length(lua_State *L) {
  check_object(L, 1);
  nl_observe_length(L, 1);
  lua_getiuservalue(L, 1, FIELDS);
  lua_pushinteger(L, (lua_Integer)lua_rawlen(L, -1));
  return 1;
}

/* Goes through the fields in the order they had at the start; upvalues: the object, the keys, the number of the key
   given last. */
static int next_field(lua_State *L) {
  lua_settop(L, 0);
  lua_getiuservalue(L, lua_upvalueindex(1), FIELDS);
  for (lua_Integer i = lua_tointeger(L, lua_upvalueindex(3)) + 1;; i++) {
    if (lua_rawgeti(L, lua_upvalueindex(2), i) == LUA_TNIL) {
      return 1;
    }
    lua_pushvalue(L, -1);
    if (lua_rawget(L, 1) != LUA_TNIL) { /* gone since */
      lua_pushinteger(L, i);
      lua_replace(L, lua_upvalueindex(3));
      return 2;
    }
    lua_settop(L, 1);
  }
}

static int pairs(lua_State *L) {
  check_object(L, 1);
  nl_observe_whole(L, 1);
  lua_settop(L, 1);
  lua_getiuservalue(L, 1, ORDER);
  lua_Integer n = (lua_Integer)lua_rawlen(L, 2);
  lua_createtable(L, (int)n, 0);
  for (lua_Integer i = 1; i <= n; i++) {
    lua_rawgeti(L, 2, i);
    lua_rawseti(L, 3, i);
  }
  lua_remove(L, 2);
  lua_pushinteger(L, 0);
  lua_pushcclosure(L, next_field, 3);
  return 1;
}

/* object(class, events, fields_meta, is_class) -> an object without fields. class: an object or nil, of a class its
   base; events: a table of metamethods, or nil; fields_meta: the metatable of its fields, or nil */
static int new_object(lua_State *L) {
  bool is_class = lua_toboolean(L, 4);
  lua_settop(L, 3);
  const nl_object *class = nl_to_object(L, 1);
  const nl_layer_entry *entry = class ? class->entry : NULL;
  size_t state = entry && !is_class ? sizeof(nl_layer_state) : 0;
  nl_object *o = lua_newuserdatauv(L, sizeof *o + state, USER_VALUES);
  memset(o, 0, sizeof *o + state);
  *o = (nl_object){.magic = MAGIC, .serial = next_serial++, .is_class = is_class, .entry = entry};
  o->is_module = class && class->is_module;
  if (state) {
    nl_layer_state_of(o)->layer.entry = entry;
    nl_layer_state_of(o)->layer.fields = nl_layer_fields(entry);
  }
  o->is_library = is_class && nl_lua_in_library(L);
  lua_createtable(L, 0, 4);
  if (lua_istable(L, 3)) {
    lua_pushvalue(L, 3);
    lua_setmetatable(L, 5);
  }
  lua_newtable(L); /* the metatable */
  lua_pushvalue(L, 5);
  lua_setfield(L, 6, "__index");
  lua_pushcfunction(L, nl_object_set);
  lua_setfield(L, 6, "__newindex");
  lua_pushcfunction(L, object_length);
  lua_setfield(L, 6, "__len");
  lua_pushcfunction(L, pairs);
  lua_setfield(L, 6, "__pairs");
  if (lua_istable(L, 2)) {
    lua_pushnil(L);
    while (lua_next(L, 2)) {
      lua_pushvalue(L, -2);
      lua_insert(L, -2);
      lua_rawset(L, 6);
    }
  }
  lua_setmetatable(L, 4);
  lua_setiuservalue(L, 4, FIELDS);
  lua_pushvalue(L, 1);
  lua_setiuservalue(L, 4, CLASS);
  lua_newtable(L);
  lua_setiuservalue(L, 4, ORDER);
  return 1;
}

/* fields(object) -> the table of its fields and the list of their keys, to be read only; nil for anything else */
static int fields(lua_State *L) {
  if (!nl_to_object(L, 1)) {
    lua_pushnil(L);
    return 1;
  }
  nl_observe_whole(L, 1);
  lua_getiuservalue(L, 1, FIELDS);
  lua_getiuservalue(L, 1, ORDER);
  return 2;
}

/* class_of(object) -> its class, or nil for what is no object of a class; base_of(class) -> its base, or nil for what
   is no class (false: it has none) */
static int class_of(lua_State *L) {
  const nl_object *o = nl_to_object(L, 1);
  if (!o || o->is_class) {
    lua_pushnil(L);
    return 1;
  }
  lua_getiuservalue(L, 1, CLASS);
  return 1;
}
static int base_of(lua_State *L) {
  const nl_object *o = nl_to_object(L, 1);
  if (!o || !o->is_class) {
    lua_pushnil(L);
  } else if (lua_getiuservalue(L, 1, CLASS) == LUA_TNIL) {
    lua_pushboolean(L, false);
  }
  return 1;
}

/* is_library(class): it was made by this library */
static int is_library(lua_State *L) {
  const nl_object *o = nl_to_object(L, 1);
  lua_pushboolean(L, o && o->is_library);
  return 1;
}

/* override(object, key, value, on) -> what the field was. For the time of a call; while a function is recorded it is
   not something that function looks at. To be called again with the old value, and on = false. */
static int override(lua_State *L) {
  nl_object *o = check_object(L, 1);
  o->version++; /* a compiled function that is called meanwhile sees another value */
  nl_object_epoch++;
  bool on = lua_toboolean(L, 4);
  lua_settop(L, 3);
  lua_getiuservalue(L, 1, FIELDS);
  lua_pushvalue(L, 2);
  lua_rawget(L, 4);
  nl_observe_override(L, 1, 2, on);
  lua_pushvalue(L, 2);
  lua_pushvalue(L, 3);
  lua_rawset(L, 4);
  return 1;
}

/* What absent() gives: the base's method, or nil; the first time that a name is not there, missing(name) is called. */
static int absent_index(lua_State *L) {
  enum { METHODS = 1, NONE, MISSING };
  lua_settop(L, 2);
  if (lua_type(L, 2) == LUA_TTABLE) {
    nl_lua_error(
        L, "a layer has no [{...}]; net:slice(first, last) gives some of the layers of a list, net[i] one of them");
  }
  if (lua_type(L, 2) != LUA_TSTRING) { /* an item behind the last, in every pass through a Sequential */
    lua_pushnil(L);
    return 1;
  }
  lua_pushvalue(L, 2);
  if (lua_gettable(L, lua_upvalueindex(METHODS)) != LUA_TNIL) {
    return 1;
  }
  lua_pushvalue(L, 2);
  if (lua_rawget(L, lua_upvalueindex(NONE)) == LUA_TNIL) {
    lua_pushvalue(L, lua_upvalueindex(MISSING));
    lua_pushvalue(L, 2);
    lua_call(L, 1, 0);
  }
  lua_pushnil(L);
  return 1;
}

/* absent(methods, none, missing) -> an __index for methods of derived classes; none: names that are known to be absent
 */
static int absent(lua_State *L) {
  luaL_checktype(L, 1, LUA_TTABLE);
  luaL_checktype(L, 2, LUA_TTABLE);
  luaL_checktype(L, 3, LUA_TFUNCTION);
  lua_settop(L, 3);
  lua_pushcclosure(L, absent_index, 3);
  return 1;
}

/* What inherits() gives: the field of the first class that has it. */
static int inherited_index(lua_State *L) {
  lua_settop(L, 2);
  lua_pushvalue(L, lua_upvalueindex(1));
  while (nl_object_push_fields(L, 3)) {
    lua_pushvalue(L, 2);
    if (lua_rawget(L, 4) != LUA_TNIL) {
      return 1;
    }
    lua_settop(L, 3);
    nl_object_push_class(L, 3);
    lua_replace(L, 3);
  }
  lua_pushnil(L);
  return 1;
}

/* inherits(base) -> an __index for methods of classes of a user's own: what no class has is nil */
static int inherits(lua_State *L) {
  check_object(L, 1);
  lua_settop(L, 1);
  lua_pushcclosure(L, inherited_index, 1);
  return 1;
}

void nl_open_object(lua_State *L) {
  static const luaL_Reg functions[] = {{"object", new_object},
                                       {"fields", fields},
                                       {"set_field", nl_object_set},
                                       {"set_hidden", nl_object_set_hidden},
                                       {"class_of", class_of},
                                       {"base_of", base_of},
                                       {"override", override},
                                       {"is_library", is_library},
                                       {"absent", absent},
                                       {"inherits", inherits},
                                       {NULL, NULL}};
  luaL_setfuncs(L, functions, 0);
  for (int i = 0; functions[i].name; i++) {
    nl_observe_exempt(functions[i].func);
  }
  nl_observe_exempt(absent_index);
  nl_observe_exempt(inherited_index);
}
