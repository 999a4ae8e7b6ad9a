/* Compiled functions as userdata. A call looks for a program that was recorded under the same circumstances (shapes and
   dtypes of the arguments, modes, tensors from outside, Lua values the function could see) and replays it; where there
   is none, nn/compile.lua runs the function once while everything is recorded.

   User values: 1 the function; 2 for each program a list {object, key, value, ...} of what was seen, then its arguments
   and results that are no tensors; 3 the function that records. */
#include <stdlib.h>
#include <string.h>

#include "autograd/tape.h"
#include "core/memory.h"
#include "lua/guard.h"

#define TYPE "nn.Compiled"

enum { MAX_ARGS = 32, MAX_PROGRAMS = 32 };

/* A replay leaves nothing behind but its results, which weigh too little for the collector to notice. It is asked to
   look after so many calls, and memory for the small results until then is set aside when a function is recorded: a
   loop over a compiled step asks the system for nothing. */
enum { CALLS_A_COLLECTION = 256 };

typedef struct compiled {
  int count, recordings;
  nl_entry *entries[MAX_PROGRAMS]; /* the last one used first */
  nl_trace *trace;                 /* while recording */
  int since_collection;
} compiled;

static compiled *to_compiled(lua_State *L, int index) {
  return luaL_checkudata(L, index, TYPE);
}

void nl_lua_no_reading(lua_State *L, const char *function) {
  if (nl_trace_current()) {
    nl_lua_error(L,
                 "%s: a value is read while a compiled function is recorded, and replays would not read it again; "
                 "return the tensor and read it outside (for a choice between two tensors there is nn.where)",
                 function);
  }
}

static const char kept_key = 0; /* the registry's list of what the open recording keeps */

void nl_lua_keep_for_replay(lua_State *L, int index) {
  if (nl_trace_current() && lua_rawgetp(L, LUA_REGISTRYINDEX, &kept_key) == LUA_TTABLE) {
    lua_pushvalue(L, index);
    lua_rawseti(L, -2, (lua_Integer)lua_rawlen(L, -2) + 1);
    lua_pop(L, 1);
  }
}

/* ---- entries ---- */

static void free_entry(nl_entry *e) {
  if (e) {
    nl_program_free(e->p);
    for (int i = 0; e->args && i < e->nargs; i++) {
      nl_delete(e->args[i].shape);
    }
    nl_delete(e->args);
    nl_delete(e->watch);
    nl_delete(e->effects);
    nl_delete(e);
  }
}

/* why(self, ...) -> what keeps the program used last from fitting this call, or nil */
static int compiled_why(lua_State *L) {
  const compiled *c = to_compiled(L, 1);
  if (c->count == 0) {
    return 0;
  }
  nl_entry_push_why(L, c->entries[0], lua_gettop(L) - 1);
  return 1;
}

/* ---- replay ---- */

static int replay(lua_State *L, nl_entry *e, nl_tensor *const args[]) {
  nl_program *p = e->p;
  nl_tensor *results[MAX_ARGS];
  nl_box *box[MAX_ARGS];
  luaL_checkstack(L, p->nresults + 8, NULL);
  for (int i = 0; i < e->neffects; i++) {
    e->effects[i]->refresh(L, e->effects[i]);
  }
  int first = lua_gettop(L) + 1;
  for (int i = 0; i < p->nresults; i++) {
    if (p->results[i] >= 0) {
      box[i] = nl_push_box(L);
    } else {
      lua_getiuservalue(L, 1, NL_COMPILED_DATA);
      lua_rawgeti(L, -1, e->data);
      lua_rawgeti(L, -1, 3 * e->nwatch + e->nargs + 1 + i);
      if (lua_islightuserdata(L, -1) && !lua_touserdata(L, -1)) {
        lua_pop(L, 1);
        lua_pushnil(L);
      }
      lua_replace(L, first + i);
      lua_settop(L, first + i);
    }
  }
  nl_status status = nl_program_prepare(p, args);
  if (status == NL_NOMEM) {
    nl_lua_collect(L);
    nl_memory_trim();
    status = nl_program_prepare(p, args);
  }
  status = status == NL_OK ? nl_program_run(p, args, results) : status;
  if (status != NL_OK) {
    return nl_lua_raise(L);
  }
  for (int i = 0; i < p->nresults; i++) {
    if (p->results[i] >= 0) {
      box[i]->t = results[i];
    }
  }
  for (int i = 0; i < p->ncells; i++) {
    nl_program_cell *c = &p->cells[i];
    if (c->set && nl_grad_of(nl_cell_leaf(c, args)) != c->tensor) {
      nl_lua_check(L, nl_set_grad(nl_cell_leaf(c, args), c->tensor));
    }
  }
  return p->nresults;
}

/* Calls the function as it is, its arguments at 2 and above. */
static int call_plainly(lua_State *L) {
  lua_getiuservalue(L, 1, NL_COMPILED_FUNCTION);
  lua_replace(L, 1);
  lua_call(L, lua_gettop(L) - 1, LUA_MULTRET);
  return lua_gettop(L);
}

static int compiled_call(lua_State *L) {
  compiled *c = lua_touserdata(L, 1);
  int nargs = lua_gettop(L) - 1;
  if (nl_trace_current()) {
    return call_plainly(L); /* its rows belong to what is being recorded */
  }
  nl_lua_account(L);
  if (++c->since_collection >= CALLS_A_COLLECTION && lua_gc(L, LUA_GCISRUNNING)) {
    c->since_collection = 0;
    lua_gc(L, LUA_GCSTEP, 0);
  }
  if (nargs > MAX_ARGS) {
    return nl_lua_error(L, "a compiled function takes at most %d arguments, but got %d", MAX_ARGS, nargs);
  }
  nl_tensor *args[MAX_ARGS];
  for (int i = 0; i < nargs; i++) {
    args[i] = nl_to_tensor(L, 2 + i);
  }
  for (int i = 0; i < c->count; i++) {
    nl_entry *e = c->entries[i];
    if (nl_entry_fits(L, e, nargs, args)) {
      if (i > 0) {
        memmove(&c->entries[1], &c->entries[0], (size_t)i * sizeof(nl_entry *));
        c->entries[0] = e;
      }
      return nl_entry_clashes(e, nargs, args) ? call_plainly(L) : replay(L, e, args);
    }
  }
  lua_getiuservalue(L, 1, NL_COMPILED_RECORDER);
  lua_getiuservalue(L, 1, NL_COMPILED_FUNCTION);
  lua_rotate(L, 1, 2); /* recorder, function, self, arguments */
  lua_pushvalue(L, 3);
  lua_copy(L, 2, 3);
  lua_replace(L, 2); /* recorder, self, function, arguments */
  lua_call(L, lua_gettop(L) - 1, LUA_MULTRET);
  return lua_gettop(L);
}

/* ---- recording ---- */

static void where(void *ctx, char *text, size_t size) {
  nl_lua_where(ctx, text, size);
}

/* open(self, ...) -> the arguments as the function is to see them */
static int compiled_open(lua_State *L) {
  compiled *c = to_compiled(L, 1);
  int nargs = lua_gettop(L) - 1;
  nl_tensor *args[MAX_ARGS];
  for (int i = 0; i < nargs; i++) {
    args[i] = nl_to_tensor(L, 2 + i);
    if (args[i] && nl_requires_grad(args[i]) && !nl_is_leaf(args[i])) {
      return nl_lua_error(L,
                          "argument %d of a compiled function was computed from tensors that want gradients, and these "
                          "cannot flow back out of it; pass x:detach(), or compute it inside",
                          i + 1);
    }
  }
  luaL_checkstack(L, nargs + 4, NULL);
  nl_trace_free(c->trace);
  c->trace = NULL;
  lua_newtable(L);
  lua_rawsetp(L, LUA_REGISTRYINDEX, &kept_key);
  nl_box *box[MAX_ARGS];
  for (int i = 0; i < nargs; i++) {
    if (args[i]) {
      box[i] = nl_push_box(L);
    } else {
      lua_pushvalue(L, 2 + i);
    }
  }
  nl_lua_check(L, nl_trace_open(nargs, args, &c->trace));
  nl_trace_pause();
  nl_status status = NL_OK;
  for (int i = 0; i < nargs && status == NL_OK; i++) {
    if (args[i]) {
      nl_tensor *alias = c->trace->args[i];
      box[i]->t = nl_tensor_ref(alias);
      alias->requires_grad = args[i]->requires_grad;
      status = nl_set_grad(alias, nl_grad_of(args[i]));
    }
  }
  nl_lua_check(L, status);
  c->trace->where = where;
  c->trace->where_ctx = L;
  nl_trace_resume(c->trace);
  return nargs;
}

/* abort(self) */
static int compiled_abort(lua_State *L) {
  compiled *c = to_compiled(L, 1);
  nl_trace_free(c->trace);
  c->trace = NULL;
  return 0;
}

static nl_status list_effects(nl_entry *e) {
  const nl_trace *t = e->p->trace;
  e->effects = nl_new(((size_t)t->nsteps + 1) * sizeof *e->effects);
  for (int i = 0; e->effects && i < t->nsteps; i++) {
    if (t->steps[i].effect) {
      e->effects[e->neffects++] = t->steps[i].effect->ctx;
    }
  }
  return e->effects ? NL_OK : NL_NOMEM;
}

static nl_status make_entry(compiled *c, int nargs, nl_tensor *const args[], int nresults, nl_tensor *const results[],
                            nl_entry **out) {
  nl_entry *e = nl_new(sizeof *e);
  *out = e;
  if (!e) {
    return NL_NOMEM;
  }
  e->nargs = nargs;
  e->grad_enabled = nl_grad_enabled();
  e->epoch = nl_compile_epoch;
  e->args = nl_new(((size_t)nargs + 1) * sizeof *e->args);
  nl_status status = e->args ? NL_OK : NL_NOMEM;
  for (int i = 0; i < nargs && status == NL_OK; i++) {
    status = nl_argument_of(&e->args[i], args[i]);
  }
  nl_trace *t = c->trace;
  if (status == NL_OK) {
    c->trace = NULL;
    status = nl_program_build(t, nresults, results, &e->p);
  }
  return status == NL_OK ? list_effects(e) : status;
}

/* Puts what is no tensor of the list at `from` behind the n values of the list at `to`. */
static void append_values(lua_State *L, int to, int n, int from, int count) {
  for (int i = 0; i < count; i++) {
    lua_rawgeti(L, from, i + 1);
    if (lua_isnil(L, -1) || nl_to_tensor(L, -1)) {
      lua_pop(L, 1);
      lua_pushlightuserdata(L, NULL);
    }
    lua_rawseti(L, to, n + i + 1);
  }
}

/* What recording left on the arguments' aliases belongs to the arguments. */
static nl_status hand_over_gradients(const nl_trace *t, nl_tensor *const args[]) {
  nl_status status = NL_OK;
  for (int i = 0; i < t->nargs && status == NL_OK; i++) {
    if (t->args[i] && nl_grad_of(t->args[i]) != nl_grad_of(args[i])) {
      status = nl_set_grad(args[i], nl_grad_of(t->args[i]));
    }
  }
  return status;
}

/* close(self, watched, arguments, results) -> results: both lists with a field n */
static int compiled_close(lua_State *L) {
  compiled *c = to_compiled(L, 1);
  lua_settop(L, 4);
  lua_getfield(L, 3, "n");
  lua_getfield(L, 4, "n");
  int nargs = (int)lua_tointeger(L, 5), nresults = (int)lua_tointeger(L, 6), nwatch = (int)lua_rawlen(L, 2);
  nl_trace_close(c->trace);
  if (nresults > MAX_ARGS) {
    return nl_lua_error(L, "a compiled function gives back at most %d values, but gave %d", MAX_ARGS, nresults);
  }
  luaL_checkstack(L, nresults + 8, NULL);
  nl_tensor *args[MAX_ARGS], *results[MAX_ARGS];
  for (int i = 0; i < nargs; i++) {
    lua_rawgeti(L, 3, i + 1);
    args[i] = nl_to_tensor(L, -1);
    lua_pop(L, 1);
  }
  lua_rawgetp(L, LUA_REGISTRYINDEX, &kept_key);
  lua_setfield(L, 2, "kept");
  append_values(L, 2, nwatch, 3, nargs);
  append_values(L, 2, nwatch + nargs, 4, nresults);
  for (int i = 0; i < nresults; i++) {
    lua_rawgeti(L, 4, i + 1);
    results[i] = nl_to_tensor(L, -1);
    if (results[i]) {
      nl_box *box = nl_push_box(L);
      nl_lua_check(L, nl_detach(results[i], &box->t));
      lua_replace(L, -2);
    }
  }
  nl_lua_check(L, hand_over_gradients(c->trace, args));
  lua_getiuservalue(L, 1, NL_COMPILED_DATA); /* while nothing is held */
  lua_pushvalue(L, 2);
  int key = ++c->recordings;
  lua_rawseti(L, -2, key);
  nl_entry *e;
  nl_status status = make_entry(c, nargs, args, nresults, results, &e);
  status = status == NL_OK ? nl_entry_watch(L, e, 2, nwatch / 3) : status;
  if (status != NL_OK) {
    free_entry(e);
    return nl_lua_raise(L);
  }
  e->data = key;
  if (c->count == MAX_PROGRAMS) {
    lua_pushnil(L);
    lua_rawseti(L, -2, c->entries[MAX_PROGRAMS - 1]->data);
    free_entry(c->entries[--c->count]);
  }
  for (int i = 0; i < e->p->nbuffers; i++) {
    if (e->p->buffers[i].place == NL_KEPT && e->p->buffers[i].number < 0) { /* a result, not a cell's */
      nl_storage_reserve(e->p->buffers[i].bytes, 3 * CALLS_A_COLLECTION);
    }
  }
  memmove(&c->entries[1], &c->entries[0], (size_t)c->count * sizeof(nl_entry *));
  c->entries[0] = e;
  c->count++;
  lua_pop(L, 1);
  return nresults;
}

/* ---- looking at it ---- */

static int push_text(lua_State *L) {
  lua_pushstring(L, lua_touserdata(L, 1));
  return 1;
}

/* text(self, i, times) -> the i-th program as text, the one used last first; nil when there is none */
static int compiled_text(lua_State *L) {
  compiled *c = to_compiled(L, 1);
  lua_Integer i = luaL_checkinteger(L, 2);
  if (i < 1 || i > c->count) {
    lua_pushnil(L);
    return 1;
  }
  char *text = nl_program_format(c->entries[i - 1]->p, lua_toboolean(L, 3));
  if (!text) {
    return nl_lua_error(L, "not enough memory to print a program");
  }
  lua_pushcfunction(L, push_text);
  lua_pushlightuserdata(L, text);
  int status = lua_pcall(L, 1, 1, 0);
  free(text);
  return status == LUA_OK ? 1 : lua_error(L);
}

/* info(self, i) -> {args = {"128x784", ...}, rows =, instructions =, arena =, runs =}, or nil */
static int compiled_info(lua_State *L) {
  compiled *c = to_compiled(L, 1);
  lua_Integer i = luaL_checkinteger(L, 2);
  if (i < 1 || i > c->count) {
    lua_pushnil(L);
    return 1;
  }
  const nl_entry *e = c->entries[i - 1];
  lua_createtable(L, 0, 8);
  lua_createtable(L, e->nargs, 0);
  for (int k = 0; k < e->nargs; k++) {
    const nl_argument *a = &e->args[k];
    lua_pushstring(L, a->tensor ? nl_shape_string(a->ndim, a->shape).s : "value");
    lua_rawseti(L, -2, k + 1);
  }
  lua_setfield(L, -2, "args");
  const struct {
    const char *name;
    lua_Integer value;
  } fields[] = {{"rows", e->p->rows},
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
  compiled *c = to_compiled(L, 1);
  for (int i = 0; i < c->count; i++) {
    nl_program *p = c->entries[i]->p;
    p->profiling = lua_toboolean(L, 2);
    if (p->profiling) {
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
  compiled *c = to_compiled(L, 1);
  lua_pushinteger(L, c->recordings);
  lua_pushinteger(L, c->count);
  return 2;
}

/* reset(self): forgets all programs */
static int compiled_reset(lua_State *L) {
  compiled *c = to_compiled(L, 1);
  nl_trace_free(c->trace);
  c->trace = NULL;
  while (c->count > 0) {
    free_entry(c->entries[--c->count]);
  }
  c->recordings = 0;
  return 0;
}

/* compiled(f, recorder) -> a compiled function without programs */
static int compiled_new(lua_State *L) {
  lua_settop(L, 2);
  compiled *c = lua_newuserdatauv(L, sizeof *c, 3);
  memset(c, 0, sizeof *c);
  luaL_setmetatable(L, TYPE);
  lua_pushvalue(L, 1);
  lua_setiuservalue(L, 3, NL_COMPILED_FUNCTION);
  lua_newtable(L);
  lua_setiuservalue(L, 3, NL_COMPILED_DATA);
  lua_pushvalue(L, 2);
  lua_setiuservalue(L, 3, NL_COMPILED_RECORDER);
  return 1;
}

/* structure_changed(): programs recorded until now do not fit any more */
static int structure_changed(lua_State *L) {
  (void)L;
  nl_compile_epoch++;
  return 0;
}

static int is_recording(lua_State *L) {
  lua_pushboolean(L, nl_trace_current() != NULL);
  return 1;
}

void nl_open_compile(lua_State *L) {
  static const luaL_Reg events[] = {{"__call", compiled_call}, {"__gc", compiled_reset}, {NULL, NULL}};
  static const luaL_Reg methods[] = {{"_open", compiled_open},
                                     {"_close", compiled_close},
                                     {"_abort", compiled_abort},
                                     {"_text", compiled_text},
                                     {"_why", compiled_why},
                                     {"_info", compiled_info},
                                     {"_profiling", compiled_profiling},
                                     {"recordings", compiled_recordings},
                                     {"reset", compiled_reset},
                                     {NULL, NULL}};
  static const luaL_Reg functions[] = {{"compiled", compiled_new},
                                       {"structure_changed", structure_changed},
                                       {"is_recording", is_recording},
                                       {NULL, NULL}};
  static const nl_grad_watcher watcher = {nl_trace_cell_read, nl_trace_cell_set};
  nl_set_grad_watcher(&watcher);
  luaL_newmetatable(L, TYPE);
  luaL_setfuncs(L, events, 0);
  lua_newtable(L);
  luaL_setfuncs(L, methods, 0);
  lua_setfield(L, -2, "__index");
  lua_pop(L, 1);
  luaL_setfuncs(L, functions, 0);
  lua_pushlightuserdata(L, NULL);
  lua_setfield(L, -2, "null");
}
