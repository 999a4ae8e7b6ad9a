/* Tensors as userdata, and the accounting towards Lua's collector. */
#include <string.h>

#include "core/apart.h"
#include "core/memory.h"
#include "lua/nl_lua.h"

/* Marks our userdata: cheaper to look at than a metatable, on a path that every operation takes. */
#define MAGIC 0x6e6e6c7561542e31u

/* YOUNG: small enough that temporaries are used again while they are in the cache, large enough that collecting costs
   little. FULL: what garbage that survived young collections may pile up to. BOXES: of small tensors it is not the
   bytes but their number that leaves the cache: a step of XOR took half as long again where the collector came after
   thousands of them. */
enum { YOUNG = 8 << 20, FULL = 32 << 20, BOXES = 400 };

/* Operations after which the collector goes through everything once, twice in all. Of what a program loads and builds
   at its start, much is young for the collector until then, and is looked at again and again: small eager steps took up
   to half as long again. SMALL: kilobytes of Lua's memory beyond which that would take too long. */
enum { SETTLE = 500, SETTLE_AGAIN = 4000, SMALL = 64 << 10 };

static size_t young_at = YOUNG, full_at = FULL;
static int64_t operations, settle_at = SETTLE;
static int young_boxes; /* made since the collector last looked at the young */

void nl_lua_collect(lua_State *L) {
  nl_reap_apart();
  lua_gc(L, LUA_GCCOLLECT);
  nl_memory_collected();
  size_t live = nl_memory_live();
  young_at = live + YOUNG;
  full_at = live + (live / 2 > FULL ? live / 2 : FULL);
}

/* For what is below Lua and needs memory while a call of ours runs. */
static bool collect_for_running(void) {
  static bool busy;
  lua_State *L = busy ? NULL : nl_lua_running();
  if (!L) {
    return false;
  }
  busy = true;
  nl_lua_set_running(NULL);
  nl_lua_collect(L);
  nl_lua_set_running(L);
  busy = false;
  return true;
}

/* First a step, which in generational mode looks at young objects only, however large the heap is; most temporaries
   die young. What it does not find is left to a full collection. */
void nl_lua_account(lua_State *L) {
  if (nl_memory_is_short()) {
    nl_lua_collect(L);
    return;
  }
  if (++operations >= settle_at) {
    settle_at = settle_at == SETTLE ? SETTLE_AGAIN : INT64_MAX;
    if (lua_gc(L, LUA_GCISRUNNING) && lua_gc(L, LUA_GCCOUNT) < SMALL) {
      nl_lua_collect(L);
    }
  }
  size_t before = nl_memory_live();
  if ((before <= young_at && young_boxes < BOXES) || !lua_gc(L, LUA_GCISRUNNING)) {
    return;
  }
  young_boxes = 0;
  lua_gc(L, LUA_GCSTEP, 0);
  size_t live = nl_memory_live();
  if (live >= full_at) {
    nl_lua_collect(L);
  } else {
    young_at = live + YOUNG;
  }
}

/* The metatable's place in the registry, found without hashing its name. */
static const char metatable_key = 0;

nl_box *nl_push_box(lua_State *L) {
  nl_box *box = lua_newuserdatauv(L, sizeof *box, 0);
  young_boxes++;
  box->magic = MAGIC;
  box->t = NULL;
  lua_rawgetp(L, LUA_REGISTRYINDEX, &metatable_key);
  lua_setmetatable(L, -2);
  return box;
}

nl_box *nl_to_box(lua_State *L, int index) {
  nl_box *box = lua_touserdata(L, index);
  return box && lua_rawlen(L, index) == sizeof *box && box->magic == MAGIC ? box : NULL; /* a light one has no length */
}

nl_tensor *nl_to_tensor(lua_State *L, int index) {
  nl_box *box = nl_to_box(L, index);
  return box ? box->t : NULL;
}

nl_tensor *nl_check_tensor(lua_State *L, int index, const char *function, const char *argument) {
  nl_box *box = nl_to_box(L, index);
  if (box && box->t) {
    return box->t;
  }
  if (box) {
    nl_lua_error(L, "%s: %s was closed: its values are gone", function, argument);
  }
  nl_lua_error(L, "%s: %s must be a tensor, but is %s%s", function, argument, nl_describe(L, index).s,
               index == 1 && lua_isnoneornil(L, 1) ? " (a method is called with ':')" : "");
  return NULL;
}

static int collect_box(lua_State *L) {
  nl_box *box = nl_to_box(L, 1);
  if (box) {
    nl_tensor *t = box->t;
    box->t = NULL;
    nl_tensor_unref(t);
  }
  return 0;
}

/* scope(f, ...): calls f and gives the memory of all tensors it left behind back at once; its results stay. */
static int scope(lua_State *L) {
  luaL_checkany(L, 1);
  lua_call(L, lua_gettop(L) - 1, LUA_MULTRET);
  nl_lua_collect(L);
  return lua_gettop(L);
}

void *nl_push_hold(lua_State *L, size_t size, const char *type, const char *event, lua_CFunction release) {
  void *held = lua_newuserdatauv(L, size, 0);
  memset(held, 0, size);
  if (luaL_newmetatable(L, type)) {
    lua_pushcfunction(L, release);
    lua_setfield(L, -2, event);
  }
  lua_setmetatable(L, -2);
  return held;
}

void nl_open_scope(lua_State *L) {
  static const luaL_Reg functions[] = {{"scope", scope}, {NULL, NULL}};
  nl_publish(L, functions);
}

void nl_open_box(lua_State *L) {
  nl_memory_on_shortage(collect_for_running);
  luaL_newmetatable(L, NL_TENSOR_TYPE);
  lua_pushcfunction(L, collect_box);
  lua_pushvalue(L, -1);
  lua_setfield(L, -3, "__gc");
  lua_setfield(L, -2, "__close");
  lua_rawsetp(L, LUA_REGISTRYINDEX, &metatable_key);
}
