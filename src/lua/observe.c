#include "lua/observe.h"

#include <string.h>

#include "compile/trace.h"
#include "core/memory.h"
#include "lua/object.h"

static const char work_key = 0;

static nl_observer *running;

nl_observer *nl_observing(void) {
  return running;
}

void nl_obs_push(lua_State *L, int which) {
  lua_rawgetp(L, LUA_REGISTRYINDEX, &work_key);
  lua_rawgeti(L, -1, which);
  lua_remove(L, -2);
}

/* ---- start and stop ---- */

static void push_observed_table(lua_State *L, const char *mode) {
  lua_newtable(L);
  if (mode) {
    lua_createtable(L, 0, 1);
    lua_pushstring(L, mode);
    lua_setfield(L, -2, "__mode");
    lua_setmetatable(L, -2);
  }
}

void nl_observe_start(lua_State *L, nl_observer *o, int root) {
  luaL_checkstack(L, 16, NULL);
  *o = (nl_observer){.L = L, .object_serial = nl_object_serial(), .current = -1};
  lua_createtable(L, NL_OBS_ROOT, 0);
  for (int i = NL_OBS_LIST; i <= NL_OBS_OVERRIDDEN; i++) {
    push_observed_table(L, i == NL_OBS_LIST ? "v" : (i == NL_OBS_YOUNG ? "k" : NULL));
    lua_rawseti(L, -2, i);
  }
  lua_pushvalue(L, root);
  lua_rawseti(L, -2, NL_OBS_ROOT);
  lua_rawsetp(L, LUA_REGISTRYINDEX, &work_key);
  running = o;
  o->hook = lua_gethook(L);
  o->hook_mask = lua_gethookmask(L);
  o->hook_count = lua_gethookcount(L);
  nl_obs_old_function(L, root);
  int top = lua_gettop(L);
  for (int i = root + 1; i <= top; i++) {
    if (lua_type(L, i) == LUA_TTABLE || lua_iscfunction(L, i)) {
      char name[32];
      snprintf(name, sizeof name, "argument %d", i - root);
      nl_obs_mark(L, i, name);
    }
  }
  lua_sethook(L, nl_follow, LUA_MASKCALL | LUA_MASKCOUNT, 1);
}

void nl_observe_stop(nl_observer *o) {
  if (!o->L) {
    return; /* not started, or stopped before */
  }
  running = NULL;
  if (lua_gethook(o->L) == nl_follow) { /* or Ctrl-C has put another in its place */
    lua_sethook(o->L, o->hook, o->hook_mask, o->hook_count);
  }
  nl_delete(o->codes);
  nl_delete(o->user);
  o->codes = NULL;
  o->user = NULL;
  lua_pushnil(o->L);
  lua_rawsetp(o->L, LUA_REGISTRYINDEX, &work_key);
  o->L = NULL;
}

void nl_observe_push_lists(lua_State *L) {
  nl_obs_push(L, NL_OBS_LIST);
  nl_obs_push(L, NL_OBS_PATHS);
}

/* ---- names for messages ---- */

/* Pushes what the container at c is called, or "". */
static void push_name(lua_State *L, int c) {
  nl_obs_push(L, NL_OBS_OLD);
  lua_pushvalue(L, c);
  if (lua_rawget(L, -2) != LUA_TSTRING) {
    bool object = nl_to_object(L, c) != NULL;
    lua_pop(L, 1);
    if (!object || lua_getfield(L, c, "_name") != LUA_TSTRING) {
      lua_settop(L, object ? -2 : -1);
      lua_pushstring(L, object ? "an object" : "");
    }
  }
  lua_remove(L, -2);
}

/* "cfg.sizes[2]" from the container's name and the key. */
static void push_path(lua_State *L, int c, int k) {
  push_name(L, c);
  const char *name = lua_tostring(L, -1);
  name = strcmp(name, "_G") == 0 ? "" : name;
  if (lua_type(L, k) == LUA_TSTRING) {
    lua_pushfstring(L, *name ? "%s.%s" : "%s%s", name, lua_tostring(L, k));
  } else if (lua_isinteger(L, k)) {
    lua_pushfstring(L, "%s[%I]", name, (LUAI_UACINT)lua_tointeger(L, k));
  } else {
    lua_pushfstring(L, "%s[%s]", name, luaL_typename(L, k));
  }
  lua_remove(L, -2);
}

/* ---- old things ---- */

bool nl_obs_is_old(lua_State *L, int index) {
  lua_pushvalue(L, index);
  nl_obs_push(L, NL_OBS_OLD);
  lua_insert(L, -2);
  bool old = lua_rawget(L, -2) != LUA_TNIL;
  lua_pop(L, 2);
  return old;
}

void nl_obs_mark(lua_State *L, int index, const char *name) {
  index = lua_absindex(L, index);
  bool can_be = lua_type(L, index) == LUA_TTABLE || nl_to_object(L, index) || lua_iscfunction(L, index);
  if (!can_be || nl_obs_is_old(L, index)) {
    return;
  }
  nl_obs_push(L, NL_OBS_OLD);
  lua_pushvalue(L, index);
  lua_pushstring(L, name);
  lua_rawset(L, -3);
  lua_pop(L, 1);
}

static bool is_young_object(const nl_object *o) {
  return o->serial >= running->object_serial;
}

/* True the first time for a pair; both are stack indices. */
static bool is_new(lua_State *L, int c, int k) {
  nl_obs_push(L, NL_OBS_SEEN);
  lua_pushvalue(L, c);
  if (lua_rawget(L, -2) == LUA_TNIL) {
    lua_pop(L, 1);
    lua_newtable(L);
    lua_pushvalue(L, c);
    lua_pushvalue(L, -2);
    lua_rawset(L, -4);
  }
  lua_pushvalue(L, k);
  bool fresh = lua_rawget(L, -2) == LUA_TNIL;
  lua_pop(L, 1);
  if (fresh) {
    lua_pushvalue(L, k);
    lua_pushboolean(L, true);
    lua_rawset(L, -3);
  }
  lua_pop(L, 2);
  return fresh;
}

/* ---- guards ---- */

static void push_or_null(lua_State *L, int index) {
  if (index == 0 || lua_isnil(L, index)) {
    lua_pushlightuserdata(L, NULL);
  } else {
    lua_pushvalue(L, index);
  }
}

/* Adds a guard; k and v are stack indices, 0: none. The name is on top of the stack, and popped. */
static void add_guard(lua_State *L, nl_guard w, int c, int k, int v) {
  nl_guard *more = nl_grow(running->guards, running->nguards, sizeof *more);
  if (!more) {
    nl_lua_raise(L);
    return;
  }
  running->guards = more;
  int i = running->nguards++;
  const nl_object *o = nl_to_object(L, c);
  w.object = o != NULL;
  w.version = o ? o->version : 0;
  int type = v ? lua_type(L, v) : LUA_TNIL;
  w.identity = type == LUA_TTABLE || type == LUA_TUSERDATA || type == LUA_TFUNCTION ? lua_topointer(L, v) : NULL;
  more[i] = w;
  if (v && lua_iscfunction(L, v)) {
    nl_obs_mark(L, v, lua_tostring(L, -1));
  }
  nl_obs_push(L, NL_OBS_PATHS);
  lua_insert(L, -2);
  lua_rawseti(L, -2, i + 1);
  lua_pop(L, 1);
  nl_obs_push(L, NL_OBS_LIST);
  const int at[3] = {c, k, v};
  for (int n = 0; n < 3; n++) {
    push_or_null(L, at[n]);
    lua_rawseti(L, -2, 3 * i + 1 + n);
  }
  lua_pop(L, 1);
}

static bool is_overridden(lua_State *L, int c, int k) {
  nl_obs_push(L, NL_OBS_OVERRIDDEN);
  lua_pushvalue(L, c);
  bool yes = false;
  if (lua_rawget(L, -2) == LUA_TTABLE) {
    lua_pushvalue(L, k);
    lua_rawget(L, -2);
    yes = lua_tointeger(L, -1) > 0;
    lua_pop(L, 1);
  }
  lua_pop(L, 2);
  return yes;
}

void nl_obs_field(lua_State *L, int c, int k) {
  luaL_checkstack(L, 12, NULL);
  c = lua_absindex(L, c);
  k = lua_absindex(L, k);
  if (lua_isnil(L, k) || (lua_type(L, k) == LUA_TNUMBER && lua_tonumber(L, k) != lua_tonumber(L, k))) {
    return; /* no field is called so */
  }
  nl_lua_refuse_key(L, k);
  const nl_object *o = nl_to_object(L, c);
  if ((o && is_overridden(L, c, k)) || !is_new(L, c, k)) {
    return;
  }
  nl_obs_push_raw(L, c, k);
  int v = lua_gettop(L);
  push_path(L, c, k);
  if (!o || !o->is_library) {
    nl_obs_mark(L, v, lua_tostring(L, -1));
  }
  add_guard(L, (nl_guard){.kind = NL_GUARD_FIELD}, c, k, v);
  lua_settop(L, v - 1);
}

/* A key under which what is no field is remembered: LENGTH, SIZE and the like. */
static bool is_new_kind(lua_State *L, int c, nl_guard_kind kind) {
  static const char marks[NL_GUARD_KEYS + 1];
  lua_pushlightuserdata(L, (void *)(uintptr_t)&marks[kind]);
  bool fresh = is_new(L, c, lua_gettop(L));
  lua_pop(L, 1);
  return fresh;
}

static void guard_count(lua_State *L, nl_guard_kind kind, int c) {
  if (is_new_kind(L, c, kind)) {
    push_name(L, c);
    add_guard(L, (nl_guard){.kind = kind, .count = nl_guard_count(L, kind, c)}, c, 0, 0);
  }
}

static void guard_meta(lua_State *L, int c) {
  if (!is_new_kind(L, c, NL_GUARD_META)) {
    return;
  }
  int top = lua_gettop(L);
  if (!lua_getmetatable(L, c)) {
    lua_pushnil(L);
  }
  lua_pushliteral(L, "metatable");
  push_path(L, c, top + 2);
  nl_obs_mark(L, top + 1, lua_tostring(L, -1));
  push_name(L, c);
  add_guard(L, (nl_guard){.kind = NL_GUARD_META}, c, 0, top + 1);
  lua_settop(L, top);
}

/* ---- reading ---- */

/* A table of the library's own (nn, nn.optim, ...), whose fields may come when they are first asked for. */
static bool is_namespace(lua_State *L, int c) {
  bool yes = false;
  luaL_getsubtable(L, LUA_REGISTRYINDEX, LUA_LOADED_TABLE);
  lua_pushnil(L);
  while (!yes && lua_next(L, -2)) {
    const char *name = lua_type(L, -2) == LUA_TSTRING ? lua_tostring(L, -2) : "";
    yes = strncmp(name, "nn", 2) == 0 && (!name[2] || name[2] == '.') && lua_rawequal(L, -1, c);
    lua_pop(L, yes ? 2 : 1);
  }
  lua_pop(L, 1);
  return yes;
}

/* Loads what is asked for of the library, so that a guard does not see it coming. */
static void load_field(lua_State *L, int c, int k) {
  if (nl_obs_push_raw(L, c, k) == LUA_TNIL && lua_getmetatable(L, c)) {
    lua_pop(L, 1);
    if (is_namespace(L, c)) {
      lua_pushvalue(L, k);
      lua_gettable(L, c);
      lua_pop(L, 1);
    }
  }
  lua_pop(L, 1);
}

void nl_obs_event(lua_State *L, int index, const char *event) {
  index = lua_absindex(L, index);
  int type = lua_type(L, index);
  bool young = type == LUA_TTABLE && !nl_obs_is_old(L, index);
  if (type == LUA_TTABLE && !young) {
    guard_meta(L, index);
  }
  if (!lua_getmetatable(L, index)) {
    lua_pushnil(L);
    return;
  }
  if (type != LUA_TTABLE && type != LUA_TUSERDATA) {
    nl_obs_mark(L, -1, luaL_typename(L, index)); /* shared by all values of the type, and old */
  }
  lua_pushstring(L, event);
  if (!young || nl_obs_is_old(L, -2)) {
    nl_obs_field(L, -2, -1);
  }
  lua_rawget(L, -2);
  lua_remove(L, -2);
}

void nl_obs_any_event(lua_State *L, int index, const char *event) {
  luaL_checkstack(L, 8, NULL);
  int top = lua_gettop(L);
  lua_pushvalue(L, index);
  for (int steps = 0; steps < 8; steps++) { /* what is called may have a __call of its own */
    int type = lua_type(L, -1);
    if (nl_to_object(L, -1)) {
      nl_object_push_class(L, -1);
      lua_pushstring(L, event);
      if (nl_to_object(L, -2)) {
        nl_obs_read(L, -2, -1);
      }
      break;
    } else if (type == LUA_TFUNCTION || type == LUA_TNIL || (type == LUA_TUSERDATA && nl_to_tensor(L, -1))) {
      break;
    }
    nl_obs_event(L, -1, event);
    if (strcmp(event, "__call") != 0) {
      break;
    }
  }
  lua_settop(L, top);
}

enum { MOST_STEPS = 100 };

void nl_obs_read(lua_State *L, int c, int k) {
  luaL_checkstack(L, 16, NULL);
  int top = lua_gettop(L);
  c = lua_absindex(L, c);
  k = lua_absindex(L, k);
  lua_pushvalue(L, c);
  int at = top + 1; /* the container looked into now */
  for (int steps = 0; steps < MOST_STEPS; steps++) {
    const nl_object *o = nl_to_object(L, at);
    int type = lua_type(L, at);
    bool young = o ? is_young_object(o) : type == LUA_TTABLE && !nl_obs_is_old(L, at);
    if (o) {
      if (!young) {
        nl_obs_field(L, at, k);
      }
      if (nl_obs_push_raw(L, at, k) != LUA_TNIL || is_overridden(L, at, k)) {
        break;
      }
      nl_object_push_class(L, at);
    } else if (type == LUA_TTABLE) {
      if (!young) {
        load_field(L, at, k);
        nl_obs_field(L, at, k);
      }
      if (nl_obs_push_raw(L, at, k) != LUA_TNIL) {
        break;
      }
      nl_obs_event(L, at, "__index");
    } else if (type != LUA_TNIL) {
      if (!lua_getmetatable(L, at)) {
        break;
      }
      nl_obs_mark(L, -1, luaL_typename(L, at));
      lua_pushliteral(L, "__index");
      if (!nl_to_tensor(L, at)) {
        nl_obs_field(L, -2, -1);
      }
      lua_rawget(L, -2);
    } else {
      break;
    }
    if (lua_type(L, -1) != LUA_TTABLE && !nl_to_object(L, -1)) {
      break; /* nil, or a function, whose call is seen */
    }
    if (!young) {
      nl_obs_mark(L, -1, "a metatable's __index"); /* of a young table an old metatable's field is marked already */
    }
    lua_replace(L, at);
    lua_settop(L, at);
  }
  lua_settop(L, top);
}

/* ---- writing ---- */

static void refuse_table_write(lua_State *L, int c, int k) {
  push_path(L, c, k);
  nl_lua_refuse(
      L,
      "the function changes '%s' while it is recorded, and replays would not change it again; keep what changes "
      "from call to call in a tensor (t:add_(1) is replayed), or change it outside",
      lua_tostring(L, -1));
  lua_pop(L, 1);
}

static bool in_library(void) {
  return running->current >= 0 && !running->user[running->current];
}

void nl_obs_write(lua_State *L, int c, int k, int v) {
  luaL_checkstack(L, 12, NULL);
  int top = lua_gettop(L);
  k = lua_absindex(L, k);
  v = lua_absindex(L, v);
  lua_pushvalue(L, c);
  int at = top + 1;
  for (int steps = 0; steps < MOST_STEPS && lua_type(L, at) == LUA_TTABLE; steps++) {
    bool young = !nl_obs_is_old(L, at);
    if (nl_obs_push_raw(L, at, k) == LUA_TNIL) {
      nl_obs_event(L, at, "__newindex");
      if (lua_type(L, -1) == LUA_TFUNCTION || nl_to_object(L, -1)) {
        break; /* its call is seen; an object sees for itself */
      } else if (lua_type(L, -1) == LUA_TTABLE) {
        if (!young) {
          nl_obs_mark(L, -1, "a metatable's __newindex");
        }
        lua_replace(L, at);
        lua_settop(L, at);
        continue;
      }
      lua_pop(L, 1);
    }
    if (young) {
      break;
    } else if (nl_same_value(L, -1, v)) {
      nl_obs_field(L, at, k); /* as long as it is this, nothing changes */
    } else if (!(in_library() && is_namespace(L, at))) {
      refuse_table_write(L, at, k);
    }
    break;
  }
  lua_settop(L, top);
}

/* ---- upvalues ---- */

void nl_obs_old_function(lua_State *L, int function) {
  luaL_checkstack(L, 10, NULL);
  function = lua_absindex(L, function);
  nl_obs_push(L, NL_OBS_CELLS);
  nl_obs_push(L, NL_OBS_OWNERS);
  int cells = lua_gettop(L) - 1, owners = cells + 1;
  for (int n = 1; n <= 255; n++) {
    void *id = lua_upvalueid(L, function, n);
    if (!id) {
      break;
    }
    if (lua_rawgetp(L, cells, id) == LUA_TNIL) {
      lua_Integer at = (lua_Integer)lua_rawlen(L, owners) + 1;
      lua_pushvalue(L, function);
      lua_rawseti(L, owners, at);
      lua_pushinteger(L, n);
      lua_rawseti(L, owners, at + 1);
      lua_pushinteger(L, at);
      lua_rawsetp(L, cells, id);
    }
    lua_pop(L, 1);
  }
  lua_settop(L, cells - 1);
}

/* Pushes the old function that owns an upvalue, and its number there; false, and nothing pushed: it is young. */
static bool push_owner(lua_State *L, int function, int n) {
  void *id = lua_upvalueid(L, function, n);
  nl_obs_push(L, NL_OBS_CELLS);
  bool old = id && lua_rawgetp(L, -1, id) != LUA_TNIL;
  lua_Integer at = old ? lua_tointeger(L, -1) : 0;
  lua_pop(L, id ? 2 : 1);
  if (old) {
    nl_obs_push(L, NL_OBS_OWNERS);
    lua_rawgeti(L, -1, at);
    lua_rawgeti(L, -2, at + 1);
    lua_remove(L, -3);
  }
  return old;
}

bool nl_obs_upvalue(lua_State *L, int function, int n) {
  luaL_checkstack(L, 12, NULL);
  function = lua_absindex(L, function);
  if (!push_owner(L, function, n)) {
    return false;
  }
  int owner = lua_gettop(L) - 1;
  if (is_new(L, owner, owner + 1)) {
    const char *name = lua_getupvalue(L, function, n);
    bool env = name && strcmp(name, "_ENV") == 0;
    lua_rawgeti(L, LUA_REGISTRYINDEX, LUA_RIDX_GLOBALS);
    bool globals = lua_rawequal(L, -1, -2);
    lua_pop(L, 1);
    nl_obs_mark(L, -1, env && globals ? "_G" : (name && *name ? name : "an upvalue"));
    lua_pushstring(L, name && *name ? name : "an upvalue");
    add_guard(L, (nl_guard){.kind = NL_GUARD_UPVALUE, .count = lua_tointeger(L, owner + 1)}, owner, owner + 1,
              owner + 2);
  }
  lua_settop(L, owner - 1);
  return true;
}

void nl_obs_set_upvalue(lua_State *L, int function, int n, int v) {
  luaL_checkstack(L, 8, NULL);
  v = lua_absindex(L, v);
  function = lua_absindex(L, function);
  if (!push_owner(L, function, n)) {
    return;
  }
  lua_pop(L, 2);
  const char *name = lua_getupvalue(L, function, n);
  if (nl_same_value(L, -1, v)) {
    nl_obs_upvalue(L, function, n);
  } else {
    nl_lua_refuse(L,
                  "the function changes '%s' while it is recorded, and replays would not change it again; keep what "
                  "changes from call to call in a tensor (t:add_(1) is replayed), or change it outside",
                  name ? name : "?");
  }
  lua_pop(L, 1);
}

/* ---- for C code ---- */

void nl_observe_read(lua_State *L, int object, int key) {
  if (running) {
    nl_obs_read(L, object, key);
  }
}

void nl_observe_length(lua_State *L, int index) {
  const nl_object *o = running ? nl_to_object(L, index) : NULL;
  if (running && (o ? !is_young_object(o) : nl_obs_is_old(L, index))) {
    guard_count(L, NL_GUARD_LENGTH, lua_absindex(L, index));
  }
}

enum { MOST_FIELDS = 4096, MOST_DEPTH = 64 };

static void guard_all(lua_State *L, int index, int depth);

/* The fields of a table, and what is in them. old: they are guarded; else only looked through for what is old. */
static void guard_fields(lua_State *L, int c, int t, bool old, int depth) {
  int64_t n = 0;
  lua_pushnil(L);
  while (lua_next(L, t)) {
    if (old && ++n > MOST_FIELDS) {
      lua_pop(L, 2);
      nl_lua_refuse(
          L,
          "a table with more than %d fields is read while the function is recorded, and replays would have to "
          "look through it each time; make a tensor of it outside",
          MOST_FIELDS);
      return;
    }
    if (old) {
      nl_obs_field(L, c, -2);
      nl_obs_mark(L, -2, "a key"); /* a table may be one, and pairs gives it out */
    }
    if (lua_type(L, -1) == LUA_TTABLE && depth < MOST_DEPTH) {
      guard_all(L, lua_gettop(L), depth + 1);
    }
    lua_pop(L, 1);
  }
}

/* index: absolute */
static void guard_all(lua_State *L, int index, int depth) {
  luaL_checkstack(L, 16, NULL);
  nl_obs_push(L, NL_OBS_WHOLE);
  lua_pushvalue(L, index);
  bool seen = lua_rawget(L, -2) != LUA_TNIL;
  lua_pop(L, 1);
  if (!seen) {
    lua_pushvalue(L, index);
    lua_pushboolean(L, true);
    lua_rawset(L, -3);
  }
  lua_pop(L, 1);
  if (seen) {
    return;
  }
  bool old = nl_obs_is_old(L, index);
  if (old) {
    guard_count(L, NL_GUARD_SIZE, index);
    guard_meta(L, index);
  }
  guard_fields(L, index, index, old, depth);
}

void nl_observe_whole(lua_State *L, int index) {
  if (!running) {
    return;
  }
  index = lua_absindex(L, index);
  const nl_object *o = nl_to_object(L, index);
  if (!o) {
    if (lua_type(L, index) == LUA_TTABLE) {
      guard_all(L, index, 0);
    }
    return;
  }
  if (is_young_object(o) || !is_new_kind(L, index, NL_GUARD_KEYS)) {
    return;
  }
  luaL_checkstack(L, 16, NULL);
  push_name(L, index);
  add_guard(L, (nl_guard){.kind = NL_GUARD_KEYS, .count = (int64_t)o->keys}, index, 0, 0);
  nl_object_push_fields(L, index);
  int t = lua_gettop(L);
  lua_pushnil(L);
  while (lua_next(L, t)) {
    nl_obs_field(L, index, -2);
    lua_pop(L, 1);
  }
  lua_pop(L, 1);
}

void nl_observe_write(lua_State *L, uint64_t serial, int object, int key) {
  if (running && serial < running->object_serial) {
    refuse_table_write(L, lua_absindex(L, object), lua_absindex(L, key));
  }
}

void nl_observe_override(lua_State *L, int object, int key, bool on) {
  if (!running) {
    return;
  }
  object = lua_absindex(L, object);
  key = lua_absindex(L, key);
  nl_obs_push(L, NL_OBS_OVERRIDDEN);
  lua_pushvalue(L, object);
  if (lua_rawget(L, -2) == LUA_TNIL) {
    lua_pop(L, 1);
    lua_newtable(L);
    lua_pushvalue(L, object);
    lua_pushvalue(L, -2);
    lua_rawset(L, -4);
  }
  lua_pushvalue(L, key);
  lua_rawget(L, -2);
  lua_Integer n = lua_tointeger(L, -1) + (on ? 1 : -1);
  lua_pop(L, 1);
  lua_pushvalue(L, key);
  lua_pushinteger(L, n);
  lua_rawset(L, -3);
  lua_pop(L, 2);
}
