/* Compiled functions as userdata. A call looks for a program that was recorded under the same circumstances (shapes and
   dtypes of the arguments, modes, tensors from outside, all that the Lua code has read) and replays it; where there is
   none, the function is called while everything is recorded (lua/record.c).

   User values: 1 the function; 2 the data of its programs and 4 their lists of guards (lua/guard.h); 3 why it is not
   compiled, where that is so. */
#include "lua/compile.h"

#include <stdlib.h>
#include <string.h>

#include "autograd/tape.h"
#include "compile/trace.h"
#include "core/memory.h"

#define MAGIC 0x6e6e6c7561436f6du

nl_compiled *nl_check_compiled(lua_State *L, int index) {
  nl_compiled *c = lua_touserdata(L, index);
  bool fits = c && lua_rawlen(L, index) == sizeof *c && c->magic == MAGIC; /* the length of a light one is 0 */
  if (!fits) { /* also where the metatable was put on something else */
    nl_lua_error(L, "compile: methods are called on a compiled function, as f:recordings(), but this is %s",
                 nl_describe(L, index).s);
  }
  return c;
}

/* A replay leaves nothing behind but its results, which weigh too little for the collector to notice. It is asked to
   look after so many calls, and memory for the small results until then is set aside when a function is recorded: a
   loop over a compiled step asks the system for nothing. */

/* ---- programs ---- */

/* Lets go of the i-th, and of its data. */
static void drop_cached(lua_State *L, nl_compiled *c, int i) {
  nl_cached *e = c->cached[i];
  memmove(&c->cached[i], &c->cached[i + 1], (size_t)(--c->count - i) * sizeof *c->cached);
  for (int of = NL_COMPILED_DATA; of <= NL_COMPILED_LISTS; of += NL_COMPILED_LISTS - NL_COMPILED_DATA) {
    lua_getiuservalue(L, 1, of);
    lua_pushnil(L);
    lua_rawseti(L, -2, e->data);
    lua_pop(L, 1);
  }
  nl_cached_unref(e);
}

void nl_compiled_purge(lua_State *L, nl_compiled *c) {
  for (int i = c->count - 1; i >= 0; i--) {
    if (nl_cached_is_dead(L, c->cached[i])) {
      drop_cached(L, c, i);
    }
  }
}

void nl_compiled_keep(lua_State *L, nl_compiled *c, nl_cached *e) {
  if (c->count == NL_MOST_PROGRAMS) {
    drop_cached(L, c, c->count - 1);
  }
  memmove(&c->cached[1], &c->cached[0], (size_t)c->count * sizeof(nl_cached *));
  c->cached[0] = e;
  c->count++;
}

/* ---- replay ---- */

/* Pushes result i, which is no tensor. */
static void push_plain_result(lua_State *L, const nl_cached *e, int i) {
  lua_getiuservalue(L, 1, NL_COMPILED_DATA);
  lua_rawgeti(L, -1, e->data);
  lua_getfield(L, -1, "results");
  lua_rawgeti(L, -1, i + 1);
  lua_replace(L, -4);
  lua_pop(L, 2);
  if (lua_islightuserdata(L, -1) && !lua_touserdata(L, -1)) {
    lua_pop(L, 1);
    lua_pushnil(L);
  }
}

/* Pushes the results: empty boxes for tensors. */
static void push_results(lua_State *L, const nl_cached *e) {
  for (int i = 0; e->p && i < e->p->nresults; i++) {
    if (e->p->results[i] >= 0) {
      nl_push_box(L);
    } else {
      push_plain_result(L, e, i);
    }
  }
}

/* The results' boxes stand at stack index `first` and above. -1: there was no memory to begin with. */
static int replay(lua_State *L, nl_cached *e, int first, nl_tensor *const args[]) {
  nl_program *p = e->p;
  nl_tensor *results[NL_MOST_ARGUMENTS];
  for (int i = 0; i < e->neffects; i++) {
    e->effects[i]->refresh(L, e->effects[i]);
  }
  nl_status status = nl_program_prepare(p, args);
  if (status == NL_NOMEM) {
    return -1;
  }
  status = status == NL_OK ? nl_program_run(p, args, results) : status;
  for (int i = 0; i < p->nslots && status != NL_OK; i++) { /* no gradient of an earlier call stays for this one's */
    nl_program_slot *c = &p->slots[i];
    if (c->set && !c->read_entry) {
      nl_set_grad(nl_slot_leaf(c, args), NULL);
    }
  }
  for (int i = 0; i < p->nresults && status == NL_OK; i++) {
    if (p->results[i] >= 0) {
      nl_box *box = lua_touserdata(L, first + i);
      box->t = results[i];
    }
  }
  for (int i = 0; i < p->nslots && status == NL_OK; i++) {
    nl_program_slot *c = &p->slots[i];
    if (c->set && c->now != c->tensor) {
      status = nl_set_grad(nl_slot_leaf(c, args), c->tensor);
    }
  }
  nl_lua_check(L, status);
  return p->nresults;
}

/* Calls the function as it is, its arguments at 2 and above. */
static int call_plainly(lua_State *L) {
  lua_getiuservalue(L, 1, NL_COMPILED_FUNCTION);
  lua_replace(L, 1);
  lua_call(L, lua_gettop(L) - 1, LUA_MULTRET);
  return lua_gettop(L);
}

/* The program that fits, brought to the front, or NULL. */
static nl_cached *find_cached(lua_State *L, nl_compiled *c, int nargs, nl_tensor *const args[]) {
  for (int i = 0; i < c->count; i++) {
    nl_cached *e = c->cached[i];
    if (nl_cached_fits(L, e, nargs, args)) {
      memmove(&c->cached[1], &c->cached[0], (size_t)i * sizeof(nl_cached *));
      return c->cached[0] = e;
    }
  }
  return NULL;
}

/* The program that fits the call, at the front, with its results' boxes pushed; or NULL, and nothing pushed. Boxes come
   first: pushing them may run finalizers, which may do anything; afterwards nothing does until the program has run. */
static nl_cached *find_ready(lua_State *L, nl_compiled *c, int nargs, nl_tensor *const args[]) {
  nl_cached *e = c->count ? c->cached[0] : NULL;
  for (int tries = 0; e && tries < 4; tries++) {
    push_results(L, e);
    if (c->count && c->cached[0] == e && nl_cached_fits(L, e, nargs, args)) {
      return e;
    }
    lua_settop(L, nargs + 1);
    e = find_cached(L, c, nargs, args);
  }
  return NULL;
}

static int compiled_call(lua_State *L) {
  nl_compiled *c = nl_check_compiled(L, 1);
  int nargs = lua_gettop(L) - 1;
  if (nl_trace_current() || c->refused || nl_anomaly()) {
    return call_plainly(L); /* its ops belong to what is being recorded, or each is to be looked at */
  }
  nl_lua_account(L);
  if (++c->since_collection >= NL_CALLS_A_COLLECTION && lua_gc(L, LUA_GCISRUNNING)) {
    c->since_collection = 0;
    lua_gc(L, LUA_GCSTEP, 0);
  }
  if (nargs > NL_MOST_ARGUMENTS) {
    return nl_lua_error(L, "a compiled function takes at most %d arguments, but got %d", NL_MOST_ARGUMENTS, nargs);
  }
  nl_tensor *args[NL_MOST_ARGUMENTS];
  for (int i = 0; i < nargs; i++) {
    args[i] = nl_to_tensor(L, 2 + i);
  }
  luaL_checkstack(L, 2 * NL_MOST_ARGUMENTS, NULL);
  for (int tries = 0; tries < 2; tries++) {
    nl_cached *e = find_ready(L, c, nargs, args);
    if (!e) {
      return nl_record(L, c);
    }
    if (!e->p || nl_cached_clashes(e, nargs, args) != NL_NO_CLASH) {
      lua_settop(L, nargs + 1);
      return call_plainly(L);
    }
    int n = replay(L, e, nargs + 2, args);
    if (n >= 0) {
      return n;
    }
    if (tries == 0) { /* garbage may hold what is missing, and collecting it may change anything */
      lua_settop(L, nargs + 1);
      nl_lua_collect(L);
    }
  }
  return nl_lua_raise(L);
}

/* ---- looking at it ---- */

static int push_program_text(lua_State *L) {
  lua_pushstring(L, lua_touserdata(L, 1));
  return 1;
}

/* text(self, i, times) -> the i-th program as text, the one used last first; nil when there is none */
static int compiled_text(lua_State *L) {
  nl_compiled *c = nl_check_compiled(L, 1);
  lua_Integer i = luaL_checkinteger(L, 2);
  if (i < 1 || i > c->count) {
    lua_pushnil(L);
    return 1;
  }
  static const char *const reasons[] = {"", "an argument is also something else that it uses",
                                        "two arguments share memory", "an argument is a gradient that it adds to"};
  const nl_cached *e = c->cached[i - 1];
  if (!e->p) {
    lua_pushfstring(L, "called as it is for these very arguments, since %s", reasons[e->clash]);
    return 1;
  }
  char *text = nl_program_format(e->p, lua_toboolean(L, 3));
  if (!text) {
    return nl_lua_error(L, "not enough memory to print a program");
  }
  lua_pushcfunction(L, push_program_text);
  lua_pushlightuserdata(L, text);
  int status = lua_pcall(L, 1, 1, 0);
  free(text);
  return status == LUA_OK ? 1 : lua_error(L);
}

/* info(self, i) -> {args = {"128x784", ...}, ops =, instructions =, arena =, runs =}, or nil */
static int compiled_info(lua_State *L) {
  nl_compiled *c = nl_check_compiled(L, 1);
  lua_Integer i = luaL_checkinteger(L, 2);
  if (i < 1 || i > c->count) {
    lua_pushnil(L);
    return 1;
  }
  const nl_cached *e = c->cached[i - 1];
  lua_createtable(L, 0, 8);
  lua_createtable(L, e->nargs, 0);
  for (int k = 0; k < e->nargs; k++) {
    const nl_argument *a = &e->args[k];
    lua_pushstring(L, a->tensor ? nl_shape_string(a->ndim, a->shape).s : "value");
    lua_rawseti(L, -2, k + 1);
  }
  lua_setfield(L, -2, "args");
  if (!e->p) {
    return 1;
  }
  const struct {
    const char *name;
    lua_Integer value;
  } fields[] = {{"ops", e->p->ops},
                {"instructions", e->p->ninstrs},
                {"folded", e->p->folded},
                {"dropped", e->p->dropped},
                {"shared", e->p->shared},
                {"arena", (lua_Integer)e->p->arena_bytes},
                {"unshared", (lua_Integer)e->p->unshared_bytes},
                {"runs", e->p->runs}};
  for (size_t k = 0; k < sizeof fields / sizeof *fields; k++) {
    lua_pushinteger(L, fields[k].value);
    lua_setfield(L, -2, fields[k].name);
  }
  return 1;
}

/* profiling(self, on): measures each instruction, in all programs, from zero */
static int compiled_profiling(lua_State *L) {
  nl_compiled *c = nl_check_compiled(L, 1);
  for (int i = 0; i < c->count; i++) {
    nl_program *p = c->cached[i]->p;
    if (p) {
      p->profiling = lua_toboolean(L, 2);
    }
    if (p && p->profiling) {
      p->runs = p->run_nanoseconds = 0;
      for (int k = 0; k < p->ninstrs; k++) {
        p->instrs[k].calls = p->instrs[k].nanoseconds = 0;
      }
    }
  }
  return 0;
}

/* recordings(self) -> how often it was recorded, and how many programs it holds */
static int compiled_recordings(lua_State *L) {
  nl_compiled *c = nl_check_compiled(L, 1);
  lua_pushinteger(L, c->recordings);
  lua_pushinteger(L, c->count);
  return 2;
}

/* guards(self, i) -> the names of what the i-th program depends on, or nil */
static int compiled_guards(lua_State *L) {
  const nl_compiled *c = nl_check_compiled(L, 1);
  lua_Integer i = luaL_optinteger(L, 2, 1);
  if (i < 1 || i > c->count) {
    lua_pushnil(L);
    return 1;
  }
  const nl_cached *e = c->cached[i - 1];
  lua_getiuservalue(L, 1, NL_COMPILED_DATA);
  lua_rawgeti(L, -1, e->data);
  lua_getfield(L, -1, "paths");
  lua_createtable(L, e->nguards, 0);
  for (int k = 1; k <= e->nguards; k++) {
    lua_rawgeti(L, -2, k);
    lua_rawseti(L, -2, k);
  }
  return 1;
}

/* refused(self) -> why the function is not compiled, or nil */
static int compiled_refused(lua_State *L) {
  nl_check_compiled(L, 1);
  lua_getiuservalue(L, 1, NL_COMPILED_WHY);
  return 1;
}

/* reset(self): forgets all programs. What is being recorded just now is not one yet. */
static int compiled_reset(lua_State *L) {
  nl_compiled *c = nl_check_compiled(L, 1);
  while (c->count > 0) {
    nl_cached_unref(c->cached[--c->count]);
  }
  c->recordings = 0;
  c->refused = false;
  lua_newtable(L);
  lua_setiuservalue(L, 1, NL_COMPILED_DATA);
  lua_newtable(L);
  lua_setiuservalue(L, 1, NL_COMPILED_LISTS);
  lua_pushnil(L);
  lua_setiuservalue(L, 1, NL_COMPILED_WHY);
  return 0;
}

static int compiled_gc(lua_State *L) {
  nl_compiled *c = nl_check_compiled(L, 1);
  while (c->count > 0) {
    nl_cached_unref(c->cached[--c->count]);
  }
  return 0;
}

/* compiled(f, lenient) -> a compiled function without programs */
static int compiled_new(lua_State *L) {
  luaL_checktype(L, 1, LUA_TFUNCTION);
  lua_settop(L, 2);
  nl_compiled *c = lua_newuserdatauv(L, sizeof *c, 4);
  memset(c, 0, sizeof *c);
  c->magic = MAGIC;
  c->lenient = lua_toboolean(L, 2);
  luaL_setmetatable(L, NL_COMPILED_TYPE);
  lua_pushvalue(L, 1);
  lua_setiuservalue(L, 3, NL_COMPILED_FUNCTION);
  lua_newtable(L);
  lua_setiuservalue(L, 3, NL_COMPILED_DATA);
  lua_newtable(L);
  lua_setiuservalue(L, 3, NL_COMPILED_LISTS);
  return 1;
}

static int is_recording(lua_State *L) {
  lua_pushboolean(L, nl_trace_current() != NULL);
  return 1;
}

/* refuse(text): what happens now cannot be replayed */
static int refuse_for_lua(lua_State *L) {
  nl_lua_refuse(L, "%s", luaL_checkstring(L, 1));
  return 0;
}

void nl_open_compile(lua_State *L) {
  static const luaL_Reg events[] = {{"__call", compiled_call}, {"__gc", compiled_gc}, {NULL, NULL}};
  static const luaL_Reg methods[] = {{"_text", compiled_text},           {"_info", compiled_info},
                                     {"_profiling", compiled_profiling}, {"recordings", compiled_recordings},
                                     {"guards", compiled_guards},        {"refused", compiled_refused},
                                     {"reset", compiled_reset},          {NULL, NULL}};
  static const luaL_Reg functions[] = {
      {"compiled", compiled_new}, {"is_recording", is_recording}, {"refuse", refuse_for_lua}, {NULL, NULL}};
  static const nl_grad_watcher watcher = {nl_trace_slot_read, nl_trace_slot_set};
  nl_set_grad_watcher(&watcher);
  nl_observe_exempt(compiled_call);
  luaL_newmetatable(L, NL_COMPILED_TYPE);
  luaL_setfuncs(L, events, 0);
  lua_newtable(L);
  luaL_setfuncs(L, methods, 0);
  lua_setfield(L, -2, "__index");
  lua_pop(L, 1);
  luaL_setfuncs(L, functions, 0);
}
