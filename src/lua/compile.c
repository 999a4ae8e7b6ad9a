/* Compiled functions as userdata. A call looks for a program that was recorded under the same circumstances (shapes and
   dtypes of the arguments, modes, tensors from outside, Lua values the function could see) and replays it; where there
   is none, nn/compile.lua runs the function once while everything is recorded.

   User values: 1 the function; 2 for each program a list {object, key, value, ...} of what was seen, then its arguments
   and results that are no tensors; 3 the function that records. */
#include <stdlib.h>
#include <string.h>

#include "autograd/tape.h"
#include "core/memory.h"
#include "lua/nl_lua.h"
#include "plan/program.h"

#define TYPE "nn.Compiled"

enum { MAX_ARGS = 32, MAX_PROGRAMS = 32 };

/* A replay leaves nothing behind but its results, which weigh too little for the collector to notice. It is asked to
   look after so many calls, and memory for the small results until then is set aside when a function is recorded: a
   loop over a compiled step asks the system for nothing. */
enum { CALLS_A_COLLECTION = 256 };
enum { FUNCTION = 1, DATA, RECORDER };

typedef struct argument {
  bool tensor, requires_grad;
  nl_dtype dtype;
  int ndim;
  int64_t *shape, *strides;
} argument;

/* A Lua value the function could see, and what it was. */
typedef struct watched {
  int object; /* its place in the list; 0: the compiled function itself, whose upvalue it is */
  int upvalue;
  int type;
  bool integer;
  union {
    const void *pointer; /* tables, functions, userdata: kept by the list */
    lua_Integer i;
    lua_Number number;
    bool b;
  };
} watched;

typedef struct entry {
  nl_program *p;
  int nargs, nwatch, neffects;
  bool grad_enabled;
  lua_Integer epoch;
  argument *args;
  watched *watch;
  nl_lua_effect **effects;
  int data; /* its list's key */
} entry;

typedef struct compiled {
  int count, recordings;
  entry *entries[MAX_PROGRAMS]; /* the last one used first */
  nl_trace *trace;              /* while recording */
  int since_collection;
} compiled;

/* Grows when something changes that no other guard sees: a module's parameters are replaced, a layer is added. */
static lua_Integer epoch;

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

static void free_entry(entry *e) {
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

static nl_status describe_argument(argument *a, const nl_tensor *t) {
  *a = (argument){.tensor = t != NULL};
  if (!t) {
    return NL_OK;
  }
  a->requires_grad = t->requires_grad;
  a->dtype = nl_tensor_dtype(t);
  a->ndim = t->ndim;
  a->shape = nl_new(2 * ((size_t)t->ndim + 1) * sizeof *a->shape);
  if (!a->shape) {
    return NL_NOMEM;
  }
  a->strides = a->shape + t->ndim;
  memcpy(a->shape, t->shape, (size_t)t->ndim * sizeof *t->shape);
  memcpy(a->strides, t->strides, (size_t)t->ndim * sizeof *t->strides);
  return NL_OK;
}

static bool fits_argument(const argument *a, const nl_tensor *t) {
  size_t bytes = (size_t)a->ndim * sizeof *a->shape;
  return t->dtype == a->dtype && t->ndim == a->ndim && t->requires_grad == a->requires_grad &&
         memcmp(t->shape, a->shape, bytes) == 0 && memcmp(t->strides, a->strides, bytes) == 0;
}

/* ---- does a program fit this call? ---- */

/* Is the value at the top of the stack what it was? Strings are compared with the list's. */
static bool is_as_it_was(lua_State *L, const watched *w, int list, int i) {
  if (lua_type(L, -1) != w->type) {
    return false;
  }
  switch (w->type) {
  case LUA_TNIL:
    return true;
  case LUA_TBOOLEAN:
    return lua_toboolean(L, -1) == w->b;
  case LUA_TNUMBER:
    if (lua_isinteger(L, -1) != w->integer) {
      return false;
    }
    return w->integer ? lua_tointeger(L, -1) == w->i : lua_tonumber(L, -1) == w->number;
  case LUA_TSTRING: {
    lua_rawgeti(L, list, 3 * i + 3);
    bool same = lua_rawequal(L, -1, -2);
    lua_pop(L, 1);
    return same;
  }
  default:
    return lua_topointer(L, -1) == w->pointer;
  }
}

/* The first of the Lua values the function could see that is not what it was, or -1. The list is at stack index `list`,
   the function one above. */
static int first_change(lua_State *L, const entry *e, int list) {
  for (int i = 0; i < e->nwatch; i++) {
    const watched *w = &e->watch[i];
    if (w->object == 0) {
      lua_getupvalue(L, list + 1, w->upvalue);
    } else {
      lua_rawgeti(L, list, w->object);
      if (w->upvalue) {
        lua_getupvalue(L, -1, w->upvalue);
      } else {
        lua_rawgeti(L, list, w->object + 1);
        lua_rawget(L, -2);
      }
    }
    if (!is_as_it_was(L, w, list, i)) {
      return i;
    }
    lua_settop(L, list + 1);
  }
  return -1;
}

/* Turns the list {object, key, value, ...} at stack index `list` into what first_change compares. */
static nl_status make_watch(lua_State *L, entry *e, int list, int count) {
  e->watch = nl_new(((size_t)count + 1) * sizeof *e->watch);
  if (!e->watch) {
    return NL_NOMEM;
  }
  e->nwatch = count;
  int top = lua_gettop(L);
  lua_getiuservalue(L, 1, FUNCTION);
  for (int i = 0; i < count; i++) {
    watched *w = &e->watch[i];
    w->object = 3 * i + 1;
    if (lua_rawgeti(L, list, w->object) == LUA_TFUNCTION) {
      lua_rawgeti(L, list, w->object + 1);
      w->upvalue = (int)lua_tointeger(L, -1);
      lua_pop(L, 1);
      w->object = lua_rawequal(L, -1, top + 1) ? 0 : w->object;
    }
    lua_rawgeti(L, list, 3 * i + 3);
    bool nil = lua_islightuserdata(L, -1) && !lua_touserdata(L, -1);
    w->type = nil ? LUA_TNIL : lua_type(L, -1);
    if (w->type == LUA_TBOOLEAN) {
      w->b = lua_toboolean(L, -1);
    } else if (w->type == LUA_TNUMBER && lua_isinteger(L, -1)) {
      w->integer = true;
      w->i = lua_tointeger(L, -1);
    } else if (w->type == LUA_TNUMBER) {
      w->number = lua_tonumber(L, -1);
    } else if (w->type != LUA_TNIL) {
      w->pointer = lua_topointer(L, -1);
    }
    lua_settop(L, top + 1);
  }
  lua_settop(L, top);
  return NL_OK;
}

static bool values_hold(lua_State *L, const entry *e) {
  bool plain = true;
  for (int i = 0; i < e->nargs; i++) {
    plain = plain && e->args[i].tensor;
  }
  if (e->nwatch == 0 && plain) {
    return true;
  }
  int top = lua_gettop(L), list = top + 1;
  lua_getiuservalue(L, 1, DATA);
  lua_rawgeti(L, -1, e->data);
  lua_replace(L, list);
  lua_getiuservalue(L, 1, FUNCTION);
  bool same = first_change(L, e, list) < 0;
  for (int i = 0; i < e->nargs && same; i++) {
    if (!e->args[i].tensor) {
      lua_rawgeti(L, list, 3 * e->nwatch + 1 + i);
      bool nil = lua_islightuserdata(L, -1) && !lua_touserdata(L, -1);
      same = nil ? lua_isnoneornil(L, 2 + i) : lua_rawequal(L, -1, 2 + i);
      lua_pop(L, 1);
    }
  }
  lua_settop(L, top);
  return same;
}

static nl_tensor *leaf_of(const nl_program_cell *c, nl_tensor *const args[]) {
  return c->argument >= 0 ? args[c->argument] : c->leaf;
}

/* Cells hold something, or nothing, as they did; tells the program where. */
static bool cells_hold(entry *e, nl_tensor *const args[]) {
  for (int i = 0; i < e->p->ncells; i++) {
    nl_program_cell *c = &e->p->cells[i];
    nl_tensor *grad = nl_grad_of(leaf_of(c, args));
    c->hangs = grad && grad == c->tensor;
    if (c->read_entry) {
      if ((grad != NULL) != c->had_entry || (grad && !grad->contiguous)) {
        return false;
      }
      if (grad) {
        nl_program_set_entry(e->p, c, grad);
      }
    }
  }
  return true;
}

static bool fits(lua_State *L, entry *e, int nargs, nl_tensor *const args[]) {
  if (e->nargs != nargs || e->grad_enabled != nl_grad_enabled() || e->epoch != epoch) {
    return false;
  }
  for (int i = 0; i < nargs; i++) {
    if (e->args[i].tensor ? !args[i] || !fits_argument(&e->args[i], args[i]) : args[i] != NULL) {
      return false;
    }
  }
  return nl_program_holds(e->p) && values_hold(L, e) && cells_hold(e, args);
}

/* why(self, ...) -> what keeps the program used last from fitting this call: a text, or the number of a watched value,
   or nil */
static int compiled_why(lua_State *L) {
  const compiled *c = to_compiled(L, 1);
  int nargs = lua_gettop(L) - 1;
  if (c->count == 0) {
    return 0;
  }
  const entry *e = c->entries[0];
  if (e->nargs != nargs) {
    lua_pushfstring(L, "it was called with %d arguments, then with %d", e->nargs, nargs);
    return 1;
  }
  for (int i = 0; i < nargs; i++) {
    const nl_tensor *t = nl_to_tensor(L, 2 + i);
    const argument *a = &e->args[i];
    if (a->tensor && t && !fits_argument(a, t)) {
      lua_pushfstring(L, "argument %d was a %s tensor of shape %s, then %s of shape %s", i + 1, nl_dtype_name(a->dtype),
                      nl_shape_string(a->ndim, a->shape).s, nl_dtype_name(nl_tensor_dtype(t)),
                      nl_tensor_shape_string(t).s);
      return 1;
    }
    if (!a->tensor || !t) {
      lua_pushfstring(L, "argument %d is no tensor and changed", i + 1);
      return 1;
    }
  }
  if (e->epoch != epoch) {
    lua_pushliteral(L, "a model got other parameters or layers, or an optimizer other groups");
    return 1;
  }
  if (!nl_program_holds(e->p)) {
    lua_pushliteral(L, "a tensor it uses was replaced, frozen or unfrozen");
    return 1;
  }
  lua_getiuservalue(L, 1, DATA);
  lua_rawgeti(L, -1, e->data);
  lua_replace(L, -2);
  int list = lua_gettop(L);
  lua_getiuservalue(L, 1, FUNCTION);
  int i = first_change(L, e, list);
  if (i < 0) {
    lua_pushliteral(L, "gradients were there in one call and not in another");
  } else {
    lua_pushinteger(L, i + 1);
  }
  return 1;
}

/* Arguments that share memory with each other, or with something from outside that the program writes: the program
   knows them as things apart, so where one of them is written the function is called as it is. */
static bool clash(const entry *e, int nargs, nl_tensor *const args[]) {
  for (int i = 0; i < nargs; i++) {
    for (int k = 0; args[i] && k < i && e->p->writes_arguments; k++) {
      if (args[k] && args[k]->storage == args[i]->storage) {
        return true;
      }
    }
    for (int k = 0; args[i] && k < e->p->noutside; k++) {
      const nl_outside *o = &e->p->outside[k];
      if (o->storage == args[i]->storage && (o->written || e->p->writes_arguments)) {
        return true;
      }
    }
  }
  return false;
}

/* ---- replay ---- */

static int replay(lua_State *L, entry *e, nl_tensor *const args[]) {
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
      lua_getiuservalue(L, 1, DATA);
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
    if (c->set && nl_grad_of(leaf_of(c, args)) != c->tensor) {
      nl_lua_check(L, nl_set_grad(leaf_of(c, args), c->tensor));
    }
  }
  return p->nresults;
}

/* Calls the function as it is, its arguments at 2 and above. */
static int call_plainly(lua_State *L) {
  lua_getiuservalue(L, 1, FUNCTION);
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
  if (nargs > MAX_ARGS) {
    return nl_lua_error(L, "a compiled function takes at most %d arguments, but got %d", MAX_ARGS, nargs);
  }
  nl_tensor *args[MAX_ARGS];
  for (int i = 0; i < nargs; i++) {
    args[i] = nl_to_tensor(L, 2 + i);
  }
  for (int i = 0; i < c->count; i++) {
    entry *e = c->entries[i];
    if (fits(L, e, nargs, args)) {
      if (i > 0) {
        memmove(&c->entries[1], &c->entries[0], (size_t)i * sizeof(entry *));
        c->entries[0] = e;
      }
      if (++c->since_collection >= CALLS_A_COLLECTION && lua_gc(L, LUA_GCISRUNNING)) {
        c->since_collection = 0;
        lua_gc(L, LUA_GCSTEP, 0);
      }
      return clash(e, nargs, args) ? call_plainly(L) : replay(L, e, args);
    }
  }
  lua_getiuservalue(L, 1, RECORDER);
  lua_getiuservalue(L, 1, FUNCTION);
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

static nl_status list_effects(entry *e) {
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
                            entry **out) {
  entry *e = nl_new(sizeof *e);
  *out = e;
  if (!e) {
    return NL_NOMEM;
  }
  e->nargs = nargs;
  e->grad_enabled = nl_grad_enabled();
  e->epoch = epoch;
  e->args = nl_new(((size_t)nargs + 1) * sizeof *e->args);
  nl_status status = e->args ? NL_OK : NL_NOMEM;
  for (int i = 0; i < nargs && status == NL_OK; i++) {
    status = describe_argument(&e->args[i], args[i]);
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
  lua_getiuservalue(L, 1, DATA); /* while nothing is held */
  lua_pushvalue(L, 2);
  int key = ++c->recordings;
  lua_rawseti(L, -2, key);
  entry *e;
  nl_status status = make_entry(c, nargs, args, nresults, results, &e);
  status = status == NL_OK ? make_watch(L, e, 2, nwatch / 3) : status;
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
    if (e->p->buffers[i].place == NL_KEPT) {
      nl_storage_reserve(e->p->buffers[i].bytes, 3 * CALLS_A_COLLECTION);
    }
  }
  memmove(&c->entries[1], &c->entries[0], (size_t)c->count * sizeof(entry *));
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
  const entry *e = c->entries[i - 1];
  lua_createtable(L, 0, 8);
  lua_createtable(L, e->nargs, 0);
  for (int k = 0; k < e->nargs; k++) {
    const argument *a = &e->args[k];
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
  lua_setiuservalue(L, 3, FUNCTION);
  lua_newtable(L);
  lua_setiuservalue(L, 3, DATA);
  lua_pushvalue(L, 2);
  lua_setiuservalue(L, 3, RECORDER);
  return 1;
}

/* structure_changed(): programs recorded until now do not fit any more */
static int structure_changed(lua_State *L) {
  (void)L;
  epoch++;
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
