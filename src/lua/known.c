/* What C functions do that a function calls while it is recorded: those of Lua's libraries by a list, ours by being
   ours (they look after themselves), and no others. A function is known by its address, so another name for it hides
   nothing. */
#include <dlfcn.h>
#include <lualib.h>
#include <string.h>

#include "compile/trace.h"
#include "core/memory.h"
#include "lua/object.h"
#include "lua/observe.h"

typedef enum effect {
  UNKNOWN,   /* not ours, not Lua's */
  NOTHING,   /* a function of its arguments, which it does not look into */
  LOOKS,     /* reads the tables among its arguments */
  WRITES,    /* writes to its first argument, a table */
  READS_KEY, /* rawget(t, k) */
  READS_NEXT,
  READS_LENGTH,
  READS_META,
  READS_PAIRS,
  READS_TEXT,
  COMPARES, /* the identity of its arguments */
  STATUS,
  REQUIRES,
  RESUMES,
  WRAPPED, /* what coroutine.wrap gives */
  YIELDS,
  COLLECTS,
  REFUSED
} effect;

typedef struct known {
  const char *library, *name;
  effect effect;
  const char *why; /* of what is refused */
} known;

#define PRINTS "it would write only once; return the value and write it outside"
#define TIME "the time read now would be used in every replay; read it outside"
#define FILES "files would be touched only once; do it outside"
#define CODE "compile it outside, once"
#define DEBUG "it reaches into what runs, which a replay does not run"

static const known list[] = {
    {"_G", "assert", NOTHING, NULL},
    {"_G", "collectgarbage", COLLECTS, "the memory in use now would be used in every replay; ask outside"},
    {"_G", "dofile", REFUSED, CODE},
    {"_G", "error", NOTHING, NULL},
    {"_G", "getmetatable", READS_META, NULL},
    {"_G", "ipairs", NOTHING, NULL},
    {"_G", "load", REFUSED, CODE},
    {"_G", "loadfile", REFUSED, CODE},
    {"_G", "next", READS_NEXT, NULL},
    {"_G", "pairs", READS_PAIRS, NULL},
    {"_G", "pcall", NOTHING, NULL},
    {"_G", "print", REFUSED, "it would print only once; return the value and print it outside"},
    {"_G", "rawequal", COMPARES, NULL},
    {"_G", "rawget", READS_KEY, NULL},
    {"_G", "rawlen", READS_LENGTH, NULL},
    {"_G", "rawset", WRITES, NULL},
    {"_G", "require", REQUIRES, NULL},
    {"_G", "select", NOTHING, NULL},
    {"_G", "setmetatable", WRITES, NULL},
    {"_G", "tonumber", NOTHING, NULL},
    {"_G", "tostring", READS_TEXT, NULL},
    {"_G", "type", NOTHING, NULL},
    {"_G", "warn", REFUSED, PRINTS},
    {"_G", "xpcall", NOTHING, NULL},
    {"coroutine", "create", NOTHING, NULL},
    {"coroutine", "wrap", NOTHING, NULL},
    {"coroutine", "resume", RESUMES, NULL},
    {"coroutine", "yield", YIELDS, NULL},
    {"coroutine", "status", STATUS, NULL},
    {"coroutine", "isyieldable", NOTHING, NULL},
    {"coroutine", "running", NOTHING, NULL},
    {"coroutine", "close", NOTHING, NULL},
    {"debug", "traceback", NOTHING, NULL},
    {"debug", "getinfo", NOTHING, NULL},
    {"debug", NULL, REFUSED, DEBUG},
    {"io", NULL, REFUSED, FILES},
    {"FILE*", NULL, REFUSED, FILES},
    {"math", "random", REFUSED,
     "the number drawn now would be used in every replay; draw with nn.rand, which is replayed"},
    {"math", "randomseed", REFUSED, "seeding would happen only once; do it outside"},
    {"math", NULL, NOTHING, NULL},
    {"os", "clock", REFUSED, TIME},
    {"os", "date", REFUSED, TIME},
    {"os", "time", REFUSED, TIME},
    {"os", "difftime", NOTHING, NULL},
    {"os", "getenv", REFUSED, "the variable would be read only once; read it outside"},
    {"os", NULL, REFUSED, FILES},
    {"package", NULL, REFUSED, CODE},
    {"string", NULL, LOOKS, NULL},
    {"table", "concat", LOOKS, NULL},
    {"table", "unpack", LOOKS, NULL},
    {"table", "pack", NOTHING, NULL},
    {"table", NULL, WRITES, NULL},
    {"utf8", NULL, NOTHING, NULL},
    {"of strings", NULL, NOTHING, NULL}, /* their metatable's arithmetic */
};

/* ---- addresses ---- */

static nl_map effects; /* a function's address -> its place in the list; OURS and the like beyond */
enum { OURS = 1000, OURS_PLAIN, FOREIGN, ITEM, WRAP, ITERATOR, NOT_REPLAYED };

enum { MOST_REFUSED = 64 };
static const nl_not_replayed *refused[MOST_REFUSED]; /* at NOT_REPLAYED + i */
static int nrefused;

static const void *address(lua_CFunction f) {
  const void *p;
  memcpy(&p, &f, sizeof p);
  return p;
}

/* The functions of the table on top of the stack, by an entry of the list. The first entry that fits a function stays.
 */
static nl_status put_known(lua_State *L, int i) {
  nl_status status = NL_OK;
  lua_pushnil(L);
  while (lua_next(L, -2)) {
    bool named = lua_type(L, -2) == LUA_TSTRING && (!list[i].name || strcmp(list[i].name, lua_tostring(L, -2)) == 0);
    if (named && lua_iscfunction(L, -1) && status == NL_OK) {
      const void *p = address(lua_tocfunction(L, -1));
      status = nl_map_get(&effects, p) < 0 ? nl_map_put(&effects, p, i) : NL_OK;
    }
    lua_pop(L, 1);
  }
  return status;
}

/* In a state of its own, so that what a program has put in the place of Lua's functions does not matter. */
static int learn(lua_State *L) {
  luaL_openlibs(L);
  nl_status status = NL_OK;
  for (size_t i = 0; i < sizeof list / sizeof *list && status == NL_OK; i++) {
    if (strcmp(list[i].library, "FILE*") == 0) {
      luaL_getmetatable(L, LUA_FILEHANDLE);
      status = put_known(L, (int)i);
      lua_getfield(L, -1, "__index"); /* 5.4 keeps the methods there */
      if (lua_type(L, -1) == LUA_TTABLE && status == NL_OK) {
        status = put_known(L, (int)i);
      }
    } else if (strcmp(list[i].library, "of strings") == 0) {
      lua_pushliteral(L, "");
      lua_getmetatable(L, -1);
      status = put_known(L, (int)i);
    } else {
      lua_getglobal(L, list[i].library);
      status = put_known(L, (int)i);
    }
    lua_settop(L, 0);
  }
  static const struct {
    const char *library, *name;
    int what; /* utf8.codes gives a function of its arguments */
  } iterators[] = {{"string", "gmatch", ITERATOR}, {"utf8", "codes", 0}};
  for (size_t i = 0; i < sizeof iterators / sizeof *iterators && status == NL_OK; i++) {
    lua_getglobal(L, iterators[i].library);
    lua_getfield(L, -1, iterators[i].name);
    lua_pushliteral(L, "");
    lua_pushliteral(L, "");
    lua_call(L, 2, 1);
    status = nl_map_put(&effects, address(lua_tocfunction(L, -1)), iterators[i].what);
    lua_settop(L, 0);
  }
  lua_getglobal(L, "ipairs");
  lua_newtable(L);
  lua_call(L, 1, 1);
  status = status == NL_OK ? nl_map_put(&effects, address(lua_tocfunction(L, -1)), ITEM) : status;
  for (int ours = 0; ours < 2; ours++) { /* Lua's own, and those that nnlua puts in their place */
    lua_getglobal(L, "coroutine");
    for (size_t i = 0; i < sizeof list / sizeof *list && status == NL_OK; i++) {
      status = strcmp(list[i].library, "coroutine") == 0 ? put_known(L, (int)i) : NL_OK;
    }
    lua_getfield(L, -1, "wrap");
    lua_getglobal(L, "print");
    lua_call(L, 1, 1);
    status = status == NL_OK ? nl_map_put(&effects, address(lua_tocfunction(L, -1)), WRAP) : status;
    nl_open_coroutines(L);
    lua_settop(L, 0);
  }
  if (status != NL_OK) {
    return luaL_error(L, "not enough memory");
  }
  return 0;
}

static void learn_once(lua_State *L) {
  static bool done;
  if (done) {
    return;
  }
  lua_State *own = luaL_newstate();
  bool fine = own != NULL;
  if (own) {
    lua_pushcfunction(own, learn);
    fine = lua_pcall(own, 0, 0, 0) == LUA_OK;
    lua_close(own);
  }
  if (!fine) {
    nl_fail_memory(1 << 16);
    nl_lua_raise(L);
  }
  done = true;
}

/* True for a function of the library or program that this one is in. */
static bool is_our_function(const void *function) {
  static const char mark = 0;
  Dl_info mine, its;
  return dladdr(&mark, &mine) && dladdr(function, &its) && mine.dli_fbase == its.dli_fbase;
}

/* Its place in the list, or one of the numbers beyond. */
static int find_known(lua_State *L, lua_CFunction f) {
  learn_once(L);
  const void *p = address(f);
  int i = nl_map_get(&effects, p);
  if (i < 0) {
    i = is_our_function(p) ? OURS : FOREIGN;
    if (nl_map_put(&effects, p, i) != NL_OK) {
      nl_lua_raise(L);
    }
  }
  return i;
}

void nl_observe_exempt(lua_CFunction f) {
  nl_map_put(&effects, address(f), OURS_PLAIN); /* without memory it is only looked at too closely */
}

void nl_observe_iterator(lua_CFunction f) {
  nl_map_put(&effects, address(f), ITERATOR);
}

void nl_observe_refuse(const nl_not_replayed *l) {
  for (; l->f && nrefused < MOST_REFUSED; l++) {
    if (nl_map_get(&effects, address(l->f)) < 0 &&
        nl_map_put(&effects, address(l->f), NOT_REPLAYED + nrefused) == NL_OK) {
      refused[nrefused++] = l;
    }
  }
}

/* ---- a call ---- */

static void refuse_known(lua_State *L, lua_Debug *ar, const char *library, const char *name, const char *why) {
  if (!name) {
    lua_getinfo(L, "n", ar);
    name = ar->name ? ar->name : "a C function";
  }
  bool plain = !library || strcmp(library, "_G") == 0 || strcmp(library, "FILE*") == 0;
  nl_lua_refuse(L, "%s%s%s: a compiled function runs in Lua only while it is recorded: %s", plain ? "" : library,
                plain ? "" : ".", name, why);
}

/* Pushes argument n of the C function that is about to run. */
static int count_arguments(lua_State *L, lua_Debug *ar) {
  lua_getinfo(L, "r", ar);
  return ar->ntransfer;
}

static void push_argument(lua_State *L, lua_Debug *ar, int n) {
  if (n > count_arguments(L, ar) || !lua_getlocal(L, ar, n)) {
    lua_pushnil(L);
  }
}

/* What C functions ask of a table beside its fields; and the tables behind it. The table is on top of the stack. */
static void look_at_events(lua_State *L) {
  int top = lua_gettop(L);
  lua_pushvalue(L, top);
  for (int steps = 0; steps < 8 && lua_type(L, -1) == LUA_TTABLE && lua_getmetatable(L, -1); steps++) {
    lua_pop(L, 1);
    nl_obs_any_event(L, -1, "__len");
    nl_obs_any_event(L, -1, "__tostring");
    nl_obs_any_event(L, -1, "__name");
    nl_obs_any_event(L, -1, "__lt");
    nl_obs_event(L, -1, "__index");
    if (lua_type(L, -1) == LUA_TTABLE) {
      nl_observe_whole(L, -1);
    }
  }
  lua_settop(L, top);
}

/* Tables among the arguments are read; objects, where they are not the library's own business. */
static void look_into_arguments(lua_State *L, lua_Debug *ar, bool objects) {
  int n = count_arguments(L, ar);
  for (int i = 1; i <= n; i++) {
    push_argument(L, ar, i);
    if (lua_type(L, -1) == LUA_TTABLE || (objects && nl_to_object(L, -1))) {
      nl_observe_whole(L, -1);
      look_at_events(L);
    }
    lua_pop(L, 1);
  }
}

/* A table that is written to must be young; table.move writes to its last argument, where there are five. */
static void look_at_write(lua_State *L, lua_Debug *ar, const known *k) {
  if (k->name && strcmp(k->name, "setmetatable") == 0) {
    push_argument(L, ar, 2);
    lua_pushliteral(L, "__gc");
    if (lua_type(L, -2) == LUA_TTABLE && lua_rawget(L, -2) != LUA_TNIL) {
      refuse_known(L, ar, k->library, k->name,
                   "a finalizer would run only for what is made while recording; do it outside");
    }
    lua_pop(L, 2);
  }
  bool moves = strcmp(k->library, "table") == 0 && count_arguments(L, ar) >= 5;
  push_argument(L, ar, moves ? 5 : 1);
  if (lua_type(L, -1) == LUA_TTABLE && nl_obs_is_old(L, -1)) {
    refuse_known(L, ar, k->library, k->name,
                 "it changes a table that was there before, and replays would not change it again; "
                 "change it outside");
  }
  lua_pop(L, 1);
  if (strcmp(k->library, "table") == 0) {
    look_into_arguments(L, ar, true);
  }
  push_argument(L, ar, 1);
  bool sorts = k->name == NULL && lua_type(L, -1) == LUA_TTABLE; /* table.sort compares elements */
  for (lua_Integer i = 1, n = sorts ? (lua_Integer)lua_rawlen(L, -1) : 0; i <= n; i++) {
    if (lua_rawgeti(L, -1, i) == LUA_TTABLE || nl_to_object(L, -1)) {
      nl_obs_any_event(L, -1, "__lt");
    }
    lua_pop(L, 1);
  }
  lua_pop(L, 1);
}

/* A coroutine that was made before is not followed. */
static void look_at_thread(lua_State *L, lua_Debug *ar, const char *name, lua_State *thread) {
  if (thread && lua_gethook(thread) != nl_follow) {
    refuse_known(L, ar, "coroutine", name,
                 "this coroutine began before, and it is not known what it depends on; make it "
                 "inside the function");
  }
}

static void look_at_require(lua_State *L, lua_Debug *ar) {
  push_argument(L, ar, 1);
  luaL_getsubtable(L, LUA_REGISTRYINDEX, LUA_LOADED_TABLE);
  nl_obs_mark(L, -1, "package.loaded");
  lua_pushvalue(L, -2);
  bool loaded = lua_rawget(L, -2) != LUA_TNIL;
  lua_pop(L, 1);
  const char *name = lua_type(L, -2) == LUA_TSTRING ? lua_tostring(L, -2) : "";
  bool library = strcmp(name, "nn") == 0 || strncmp(name, "nn.", 3) == 0;
  if (loaded && !library) {
    nl_obs_field(L, -1, -2);
  } else if (!loaded && !library) {
    refuse_known(L, ar, "_G", "require", "loading would happen only once; require it outside");
  }
  lua_pop(L, 2);
}

/* coroutine.wrap's functions are told by what they have as an upvalue. */
static lua_State *thread_of(lua_State *L, int function) {
  lua_State *thread = lua_getupvalue(L, function, 1) ? lua_tothread(L, -1) : NULL;
  lua_settop(L, function);
  return thread;
}

static void look_at_listed(lua_State *L, lua_Debug *ar, const known *k) {
  switch (k->effect) {
  case LOOKS:
    look_into_arguments(L, ar, true);
    break;
  case WRITES:
    look_at_write(L, ar, k);
    break;
  case READS_KEY:
    push_argument(L, ar, 1);
    push_argument(L, ar, 2);
    if (lua_type(L, -2) == LUA_TTABLE && nl_obs_is_old(L, -2)) {
      nl_obs_field(L, -2, -1);
    }
    break;
  case READS_NEXT:
    push_argument(L, ar, 1);
    if (lua_type(L, -1) == LUA_TTABLE && nl_obs_is_old(L, -1)) {
      nl_observe_whole(L, -1);
    }
    break;
  case READS_LENGTH:
    push_argument(L, ar, 1);
    nl_observe_length(L, -1);
    break;
  case READS_META:
  case READS_PAIRS:
  case READS_TEXT:
    push_argument(L, ar, 1);
    if (!nl_to_tensor(L, -1)) {
      nl_obs_any_event(L, -1,
                       k->effect == READS_META ? "__metatable" : (k->effect == READS_TEXT ? "__tostring" : "__pairs"));
      if (k->effect == READS_TEXT) {
        nl_obs_any_event(L, -1, "__name");
      }
    }
    break;
  case REQUIRES:
    look_at_require(L, ar);
    break;
  case COMPARES:
    push_argument(L, ar, 1);
    push_argument(L, ar, 2);
    nl_lua_refuse_comparison(L, lua_gettop(L) - 1, lua_gettop(L));
    break;
  case STATUS:
  case RESUMES:
    push_argument(L, ar, 1);
    look_at_thread(L, ar, k->name, lua_tothread(L, -1));
    break;
  case YIELDS:
    if (L == nl_observing()->L) {
      refuse_known(L, ar, "coroutine", "yield", "it cannot stop half-way");
    }
    break;
  case COLLECTS: {
    push_argument(L, ar, 1);
    const char *what = lua_type(L, -1) == LUA_TSTRING ? lua_tostring(L, -1) : "collect";
    if (strcmp(what, "count") == 0) {
      refuse_known(L, ar, "_G", k->name, k->why);
    } else if (strcmp(what, "collect") != 0 && strcmp(what, "step") != 0) {
      refuse_known(L, ar, "_G", k->name, "the collector would be set, or asked, only once; do it outside");
    }
    break;
  }
  case REFUSED:
    refuse_known(L, ar, k->library, k->name, k->why);
    break;
  default:
    break;
  }
}

void nl_obs_c_call(lua_State *L, lua_Debug *ar) {
  int function = lua_gettop(L), i = find_known(L, lua_tocfunction(L, function));
  if (i < OURS) {
    look_at_listed(L, ar, &list[i]);
  } else if (i == OURS) {
    look_into_arguments(L, ar, false);
  } else if (i == ITEM) {
    push_argument(L, ar, 1);
    push_argument(L, ar, 2);
    lua_pushinteger(L, lua_tointeger(L, -1) + 1);
    if (lua_type(L, -3) == LUA_TTABLE || nl_to_object(L, -3)) {
      nl_obs_read(L, -3, -1);
    }
  } else if (i == WRAP) {
    look_at_thread(L, ar, "resume", thread_of(L, function));
  } else if (i == ITERATOR && nl_obs_is_old(L, function)) {
    refuse_known(L, ar, NULL, "this iterator",
                 "it was made before and would go on only once; make it inside the function");
  } else if (i >= NOT_REPLAYED) {
    refuse_known(L, ar, "nn", refused[i - NOT_REPLAYED]->name, refused[i - NOT_REPLAYED]->why);
  } else if (i == FOREIGN) {
    refuse_known(L, ar, NULL, NULL, "what this C function does is not known; call it outside and pass its result");
  }
  lua_settop(L, function);
}
