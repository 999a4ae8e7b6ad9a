/* Recording: the function is called once, while its ops are written down (compile/trace.h) and what its Lua code reads
   is observed (observe.h). From that a program is made, and the circumstances it fits. */
#include <string.h>

#include "autograd/tape.h"
#include "compile/trace.h"
#include "core/memory.h"
#include "lua/compile.h"

enum { THRASHING = 9 }; /* recordings after which one line says what keeps changing */

void nl_lua_refuse(lua_State *L, const char *fmt, ...) {
  if (nl_trace_current()) {
    char text[640];
    va_list args;
    va_start(args, fmt);
    vsnprintf(text, sizeof text, fmt, args);
    va_end(args);
    nl_fail("%s", text);
    if (nl_trace_refuse() != NL_OK) {
      nl_lua_raise(L);
    }
  }
}

void nl_lua_no_reading(lua_State *L, const char *function) {
  nl_lua_refuse(
      L,
      "%s: a value is read while a compiled function is recorded, and replays would not read it again; return "
      "the tensor and read it outside (for a choice between two tensors there is nn.where)",
      function);
}

void nl_lua_refuse_setting(lua_State *L, nl_tensor *t, bool on) {
  const nl_trace *trace = nl_trace_current();
  if (trace && t->requires_grad != on && (t->storage->serial <= trace->serial || t->storage->parent)) {
    nl_lua_refuse(
        L,
        "requires_grad of a tensor from outside (shape %s) is changed while the function is recorded, and replays "
        "would not change it again; freeze and unfreeze outside",
        nl_tensor_shape_string(t).s);
  }
}

/* The number of the argument that the value at index is an alias of, or -1. */
static int argument_at(lua_State *L, int index) {
  const nl_trace *trace = nl_trace_current();
  const nl_tensor *t = trace ? nl_to_tensor(L, index) : NULL;
  for (int i = 0; t && i < trace->nargs; i++) {
    if (trace->args[i] == t) {
      return i;
    }
  }
  return -1;
}

static void refuse_identity(lua_State *L, int argument, const char *what) {
  nl_lua_refuse(
      L,
      "argument %d is %s while the function is recorded, and replays would go on with what came out, whichever "
      "tensor they are given; do it outside",
      argument + 1, what);
}

void nl_lua_refuse_key(lua_State *L, int index) {
  int argument = argument_at(L, index);
  if (argument >= 0) {
    refuse_identity(L, argument, "used as a key");
  }
}

void nl_lua_refuse_comparison(lua_State *L, int a, int b) {
  for (int turn = 0; turn < 2; turn++) {
    int argument = argument_at(L, turn ? b : a), other = turn ? a : b;
    const nl_tensor *t = nl_to_tensor(L, other);
    /* which arguments are the same is guarded, and what was made meanwhile is none */
    if (argument >= 0 && t && argument_at(L, other) < 0 && t->storage->serial <= nl_trace_current()->serial) {
      refuse_identity(L, argument, "compared with a tensor from outside");
    }
  }
}

static const char kept_key = 0; /* the registry's list of what the open recording keeps */

void nl_lua_keep_for_replay(lua_State *L, int index) {
  if (nl_trace_current()) {
    index = lua_absindex(L, index);
    lua_rawgetp(L, LUA_REGISTRYINDEX, &kept_key);
    lua_pushvalue(L, index);
    lua_rawseti(L, -2, (lua_Integer)lua_rawlen(L, -2) + 1);
    lua_pop(L, 1);
  }
}

static void where_changed(void *ctx, char *text, size_t size) {
  nl_lua_where(ctx, text, size);
}

/* Since when recording goes on, in the tape's numbers. */
static uint64_t first_number;

static bool is_older(const nl_tensor *t) {
  uint64_t n = nl_history_number(t);
  return n != 0 && n <= first_number;
}
static bool is_younger(const nl_tensor *t) {
  return nl_history_number(t) > first_number;
}

/* ---- before the call ---- */

/* Opens the trace and pushes the arguments as the function is to see them: aliases of tensors. */
static void open_trace(lua_State *L, nl_compiled *c, int nargs, nl_tensor *const args[]) {
  for (int i = 0; i < nargs; i++) {
    if (args[i] && nl_requires_grad(args[i]) && !nl_is_leaf(args[i])) {
      nl_lua_error(L,
                   "argument %d of a compiled function was computed from tensors that want gradients, and these cannot "
                   "flow back out of it; pass x:detach(), or compute it inside",
                   i + 1);
    }
  }
  luaL_checkstack(L, nargs + 4, NULL);
  lua_newtable(L);
  lua_rawsetp(L, LUA_REGISTRYINDEX, &kept_key);
  int first = lua_gettop(L) + 1;
  for (int i = 0; i < nargs; i++) {
    int same = 0;
    while (args[same] != args[i]) {
      same++;
    }
    if (args[i] && same == i) {
      nl_push_box(L);
    } else {
      lua_pushvalue(L, args[i] ? first + same : 2 + i);
    }
  }
  nl_lua_check(L, nl_trace_open(nargs, args, &c->trace));
  for (int i = 0; i < nargs; i++) {
    nl_box *box = args[i] ? lua_touserdata(L, first + i) : NULL;
    if (box && !box->t) {
      box->t = nl_tensor_ref(c->trace->args[i]);
      box->t->requires_grad = args[i]->requires_grad;
    }
  }
  c->trace->where = where_changed;
  c->trace->where_ctx = L;
  c->trace->lenient = c->lenient;
  c->trace->has_older_history = is_older;
  c->trace->has_younger_history = is_younger;
  first_number = nl_last_history_number();
}

/* ---- after it ---- */

/* What keeps this function from being compiled from now on; or an error, where that is wanted. The text is on top of
   the stack, and popped. */
static void give_up(lua_State *L, nl_compiled *c) {
  if (!c->lenient) {
    nl_fail("%s", lua_tostring(L, -1));
    nl_lua_raise(L);
  }
  c->refused = true;
  lua_setiuservalue(L, 1, NL_COMPILED_WHY);
}

/* A text that says what is wrong with a result, or nothing pushed and false. */
static bool wrong_results(lua_State *L, int first, int n) {
  if (n > NL_MOST_ARGUMENTS) {
    lua_pushfstring(L, "a compiled function gives back at most %d values, but gave %d", NL_MOST_ARGUMENTS, n);
    return true;
  }
  for (int i = 0; i < n; i++) {
    int type = lua_type(L, first + i);
    if (!nl_to_tensor(L, first + i) && type != LUA_TNIL && type != LUA_TBOOLEAN && type != LUA_TNUMBER &&
        type != LUA_TSTRING) {
      lua_pushfstring(
          L,
          "compile: result %d of the function is %s; a compiled function gives back tensors, numbers, strings, "
          "booleans and nil (several of them, if you like: return loss, output)",
          i + 1, nl_describe(L, first + i).s);
      return true;
    }
  }
  return false;
}

/* Something the function read was changed by other means than an assignment it could be seen to do. */
static bool changed_meanwhile(lua_State *L, const nl_observer *o, int list, int paths) {
  int i = nl_first_change(L, o->guards, 0, o->nguards, list);
  if (i < 0) {
    return false;
  }
  lua_rawgeti(L, paths, i + 1);
  lua_pushfstring(L,
                  "compile: '%s' changed while the function was recorded, so it is not known what a replay depends on",
                  lua_tostring(L, -1));
  return true;
}

/* The values of stack indices first .. that are no tensors, as a list with weak values (if `weak`) at `name` of the
   table on top of the stack. */
static void keep_plain(lua_State *L, const char *name, int first, int n, bool weak) {
  lua_createtable(L, n, 0);
  for (int i = 0; i < n; i++) {
    if (lua_isnil(L, first + i) || nl_to_tensor(L, first + i)) {
      lua_pushlightuserdata(L, NULL);
    } else {
      lua_pushvalue(L, first + i);
    }
    lua_rawseti(L, -2, i + 1);
  }
  if (weak) {
    lua_createtable(L, 0, 1);
    lua_pushliteral(L, "v");
    lua_setfield(L, -2, "__mode");
    lua_setmetatable(L, -2);
  }
  lua_setfield(L, -2, name);
}

static nl_status list_effects(nl_cached *e) {
  const nl_trace *t = e->p->trace;
  e->effects = nl_new(((size_t)t->nsteps + 1) * sizeof *e->effects);
  for (int i = 0; e->effects && i < t->nsteps; i++) {
    if (t->steps[i].effect) {
      e->effects[e->neffects++] = t->steps[i].effect->ctx;
    }
  }
  return e->effects ? NL_OK : NL_NOMEM;
}

static nl_status note_arguments(nl_cached *e, int nargs, nl_tensor *const args[]) {
  e->args = nl_new(((size_t)nargs + 1) * sizeof *e->args);
  nl_status status = e->args ? NL_OK : NL_NOMEM;
  for (int i = 0; i < nargs && status == NL_OK; i++) {
    e->nargs = i + 1;
    status = nl_argument_of(&e->args[i], args[i]);
    e->plain_args = e->plain_args || !args[i];
    while (args[e->args[i].same] != args[i]) {
      e->args[i].same++;
    }
  }
  return status;
}

static bool share_memory(const nl_tensor *a, const nl_tensor *b) {
  return a->storage && b->storage &&
         (a->storage->parent ? a->storage->parent : a->storage) ==
             (b->storage->parent ? b->storage->parent : b->storage);
}

/* True if an argument is also something else that the function uses: a value it read, or shares memory with one. */
static bool is_watched(lua_State *L, const nl_cached *e, int list, nl_tensor *const args[]) {
  for (int i = 0; i < e->nguards; i++) {
    lua_rawgeti(L, list, 3 * i + 3);
    const nl_tensor *t = nl_to_tensor(L, -1);
    lua_pop(L, 1);
    for (int k = 0; t && k < e->nargs; k++) {
      if (args[k] && share_memory(t, args[k])) {
        return args[k]->requires_grad || e->p->writes_arguments || t == args[k];
      }
    }
  }
  return false;
}

/* The gradients that were there at the start: those that the function also uses by other means must be the same at a
   replay, and none may be an argument. */
static nl_clash look_at_gradients(lua_State *L, const nl_compiled *c, int list, int nargs, nl_tensor *const args[]) {
  nl_clash clash = NL_NO_CLASH;
  for (int i = 0; i < c->trace->nslots; i++) {
    nl_grad_slot *slot = &c->trace->slots[i];
    for (int k = 0; slot->entry && k < nargs; k++) {
      clash = args[k] && share_memory(args[k], slot->entry) ? NL_CLASH_GRADIENT : clash;
    }
    for (int k = 0; slot->entry && k < c->observer.nguards && !slot->pinned; k++) {
      lua_rawgeti(L, list, 3 * k + 3);
      const nl_tensor *t = nl_to_tensor(L, -1);
      slot->pinned = t && share_memory(t, slot->entry);
      lua_pop(L, 1);
    }
  }
  return clash;
}

/* Where the arguments share memory with what else is used, there is no program, for these very arguments. */
static void pin_arguments(nl_cached *e, nl_tensor *const args[], nl_clash clash) {
  nl_program_free(e->p);
  nl_delete(e->effects);
  e->p = NULL;
  e->effects = NULL;
  e->neffects = 0;
  e->clash = clash;
  for (int i = 0; i < e->nargs; i++) {
    e->args[i].pinned = nl_tensor_ref(args[i]);
  }
}

#define HELD_TYPE "nn.HeldProgram"

/* An empty cached program on the stack's side: freed where something raises before it is handed over. */
static int drop_held(lua_State *L) {
  nl_cached **at = nl_held(L, HELD_TYPE);
  nl_cached_unref(*at);
  *at = NULL;
  return 0;
}

static nl_cached **hold_cached(lua_State *L) {
  nl_cached **at = nl_push_hold(L, sizeof *at, HELD_TYPE, "__gc", drop_held);
  *at = nl_new(sizeof **at);
  if (!*at) {
    nl_lua_raise(L);
  }
  (*at)->refs = 1;
  return at;
}

/* Memory for the small results until the collector looks after them. */
static void reserve_results(const nl_program *p) {
  for (int i = 0; i < p->nbuffers; i++) {
    if (p->buffers[i].location == NL_ESCAPING && p->buffers[i].number < 0) { /* a result, not a slot's */
      nl_storage_reserve(p->buffers[i].bytes, 3 * NL_CALLS_A_COLLECTION);
    }
  }
}

/* Makes a cached program of what was recorded. Stack: 1 the compiled function, 2 .. the arguments; the results stand at
   `first`, the lists of guards at `list` and `list` + 1. */
static void make_cached(lua_State *L, nl_compiled *c, int nargs, nl_tensor *const args[], int first, int nresults,
                        nl_tensor *const results[], int list) {
  nl_cached **hold = hold_cached(L), *e = *hold;
  e->grad_enabled = nl_grad_enabled();
  e->data = ++c->last_data;
  nl_clash clash = look_at_gradients(L, c, list, nargs, args);
  nl_status status = note_arguments(e, nargs, args);
  if (status == NL_OK) {
    nl_trace *t = c->trace;
    c->trace = NULL;
    status = nl_program_build(t, nresults, results, &e->p);
  }
  status = status == NL_OK ? list_effects(e) : status;
  status = status == NL_OK ? nl_cached_guard(L, e, &c->observer, list, list + 1) : status;
  nl_lua_check(L, status);
  lua_getiuservalue(L, 1, NL_COMPILED_DATA);
  lua_createtable(L, 0, 4);
  lua_pushvalue(L, list + 1);
  lua_setfield(L, -2, "paths");
  keep_plain(L, "args", 2, nargs, true);
  keep_plain(L, "results", first, nresults, false);
  lua_rawgetp(L, LUA_REGISTRYINDEX, &kept_key);
  lua_setfield(L, -2, "kept");
  lua_rawseti(L, -2, e->data);
  lua_getiuservalue(L, 1, NL_COMPILED_LISTS);
  lua_pushvalue(L, list);
  lua_rawseti(L, -2, e->data);
  lua_pop(L, 2);
  clash = clash == NL_NO_CLASH ? nl_cached_clashes(e, nargs, args) : clash;
  if (clash == NL_NO_CLASH && is_watched(L, e, list, args)) {
    clash = NL_CLASH_OUTSIDE;
  }
  if (clash != NL_NO_CLASH) {
    pin_arguments(e, args, clash);
  } else {
    reserve_results(e->p);
  }
  *hold = NULL;
  nl_compiled_keep(L, c, e);
}

/* ---- the call ---- */

/* The results as a replay would give them: without history. */
static void detach_results(lua_State *L, int first, int n) {
  for (int i = 0; i < n; i++) {
    nl_tensor *t = nl_to_tensor(L, first + i);
    if (t) {
      nl_box *box = nl_push_box(L);
      nl_lua_check(L, nl_detach(t, &box->t));
      lua_replace(L, first + i);
    }
  }
}

/* record(self, ...), protected by nl_record */
static int record_call(lua_State *L) {
  nl_compiled *c = nl_check_compiled(L, 1);
  int nargs = lua_gettop(L) - 1;
  nl_tensor *args[NL_MOST_ARGUMENTS], *results[NL_MOST_ARGUMENTS];
  for (int i = 0; i < nargs; i++) {
    args[i] = nl_to_tensor(L, 2 + i);
  }
  lua_getiuservalue(L, 1, NL_COMPILED_FUNCTION);
  int root = lua_gettop(L);
  open_trace(L, c, nargs, args);
  lua_pushvalue(L, root);
  for (int i = 1; i <= nargs; i++) {
    lua_pushvalue(L, root + i);
  }
  nl_observe_start(L, &c->observer, root);
  int first = root + nargs + 1;
  lua_call(L, nargs, LUA_MULTRET);
  int nresults = lua_gettop(L) - first + 1;
  c->recordings++;
  if (!nl_trace_current()) { /* it was refused on the way, and went on as it is */
    lua_pushstring(L, c->trace->refused);
    give_up(L, c);
    return nresults;
  }
  if (c->trace->refused[0]) { /* and an error that said so was caught by the function */
    nl_trace_close(c->trace);
    return nl_lua_error(L, "%s (that error was caught inside of the function)", c->trace->refused);
  }
  nl_trace_close(c->trace);
  luaL_checkstack(L, 16, NULL);
  nl_observe_push_lists(L);
  int list = lua_gettop(L) - 1;
  bool followed = lua_gethook(L) == nl_follow; /* a Ctrl-C that the function caught has put another there */
  nl_observe_stop(&c->observer);
  if (!followed || wrong_results(L, first, nresults) || changed_meanwhile(L, &c->observer, list, list + 1)) {
    give_up(L, c);
    lua_settop(L, first + nresults - 1);
    return nresults;
  }
  for (int i = 0; i < nresults; i++) {
    results[i] = nl_to_tensor(L, first + i);
  }
  make_cached(L, c, nargs, args, first, nresults, results, list);
  lua_settop(L, first + nresults - 1);
  detach_results(L, first, nresults);
  return nresults;
}

/* One line on standard error, once, when a function is recorded again and again. */
static void say_thrashing(lua_State *L, const nl_compiled *c) {
  int top = lua_gettop(L);
  lua_getiuservalue(L, 1, NL_COMPILED_FUNCTION);
  lua_Debug ar;
  lua_getinfo(L, ">S", &ar);
  nl_cached_push_why(L, c->cached[0], top - 1);
  fprintf(
      stderr,
      "nnlua: the compiled function at %s:%d was recorded %d times, because its circumstances keep changing: %s. Pass "
      "changing numbers as tensors, and keep shapes the same (drop_last = true in the loader)\n",
      ar.short_src, ar.linedefined, THRASHING, lua_tostring(L, -1));
  lua_settop(L, top);
}

int nl_record(lua_State *L, nl_compiled *c) {
  int n = lua_gettop(L);
  luaL_checkstack(L, n + 8, NULL);
  nl_compiled_purge(L, c);
  if (c->recordings == THRASHING - 1 && c->count > 0) {
    say_thrashing(L, c);
  }
  lua_pushcfunction(L, record_call);
  for (int i = 1; i <= n; i++) {
    lua_pushvalue(L, i);
  }
  int status = lua_pcall(L, n, LUA_MULTRET, 0);
  nl_observe_stop(&c->observer);
  nl_delete(c->observer.guards);
  c->observer.guards = NULL;
  c->observer.nguards = 0;
  nl_trace_free(c->trace);
  c->trace = NULL;
  lua_pushnil(L);
  lua_rawsetp(L, LUA_REGISTRYINDEX, &kept_key);
  if (status != LUA_OK) {
    return lua_error(L);
  }
  return lua_gettop(L) - n;
}
