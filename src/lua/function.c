/* Lua on the way back: hooks on gradients, functions with a backward of their own, checkpoints, anomalies. The engine
   calls these below a backward that Lua started, so there is a running state; errors of Lua become errors of the
   engine. */
#include "autograd/checkpoint.h"
#include "autograd/tape.h"
#include "compile/trace.h"
#include "core/memory.h"
#include "lua/nl_lua.h"

/* The error on top of the stack as ours. Its place in the user's file is kept, since that is where it happened. */
static nl_status take_error(lua_State *L) {
  const char *text = lua_tostring(L, -1);
  nl_status status = nl_fail("%.900s", text ? text : "an error that is no text");
  lua_pop(L, 1);
  return status;
}

static nl_status not_recorded(void) {
  if (!nl_trace_current()) {
    return NL_OK;
  }
  nl_fail("Lua code on the way back (a hook, or a function with its own backward) cannot be recorded");
  return nl_trace_refuse();
}

/* Calls f(call) protected, `call` being ours. */
static nl_status protected_call(lua_CFunction f, void *call) {
  lua_State *L = nl_lua_running();
  if (!L || !lua_checkstack(L, 4)) {
    return nl_fail("the Lua stack is full");
  }
  lua_pushcfunction(L, f);
  lua_pushlightuserdata(L, call);
  bool failed = lua_pcall(L, 1, 0, 0) != LUA_OK;
  nl_lua_set_running(L);
  return failed ? take_error(L) : NL_OK;
}

/* Pushes an anchor's function. */
static void push_function(lua_State *L, const nl_anchor *a) {
  if (!nl_lua_anchor_value(L, a)) {
    luaL_error(L, "the function to call on the way back is gone");
  }
}

static void push_tensor(lua_State *L, nl_tensor *t) {
  nl_box *box = nl_push_box(L);
  nl_fill_box(L, -1, box, nl_tensor_ref(t));
}

/* ---- hooks ---- */

#define HOOK_TYPE "nn.Hook"

typedef struct hook_call {
  const nl_anchor *function;
  nl_tensor *grad, *out;
} hook_call;

static int call_hook(lua_State *L) {
  hook_call *h = lua_touserdata(L, 1);
  push_function(L, h->function);
  push_tensor(L, h->grad);
  lua_call(L, 1, 1);
  if (!lua_isnil(L, -1)) {
    h->out = nl_tensor_ref(nl_check_tensor(L, -1, "hook", "its result"));
  }
  return 0;
}

static nl_status run_hook(nl_anchor *function, nl_tensor *grad, nl_tensor **out) {
  hook_call h = {function, grad, NULL};
  nl_status status = not_recorded();
  status = status == NL_OK ? protected_call(call_hook, &h) : status;
  *out = h.out;
  return status;
}

static int drop_hook(lua_State *L) {
  nl_hook **at = luaL_checkudata(L, 1, HOOK_TYPE);
  nl_hook_unref(*at);
  *at = NULL;
  return 0;
}

static nl_hook **push_hook(lua_State *L) {
  return nl_push_hold(L, sizeof(nl_hook *), HOOK_TYPE, "__gc", drop_hook);
}

/* hook(x, f) -> what remove_hook(x, ...) takes. f gets x's gradient, and may return another. */
static int hook(lua_State *L) {
  nl_tensor *t = nl_check_tensor(L, 1, "register_hook", "x");
  if (lua_type(L, 2) != LUA_TFUNCTION) {
    return nl_lua_error(L, "register_hook: takes a function of the gradient, but got %s", nl_describe(L, 2).s);
  }
  nl_lua_refuse(L, "register_hook: Lua code on the way back (a hook) cannot be recorded");
  lua_settop(L, 2);
  nl_hook **at = push_hook(L);
  lua_pushvalue(L, 2);
  nl_anchor *a = nl_lua_anchor_new(L);
  nl_hook *h = nl_new(sizeof *h);
  if (!h) {
    nl_anchor_unref(a);
    return nl_lua_raise(L);
  }
  *h = (nl_hook){.refs = 1, .run = run_hook, .function = a};
  *at = h;
  if (nl_add_hook(t, h) != NL_OK) {
    nl_error_prefix("register_hook");
    return nl_lua_raise(L);
  }
  const nl_anchor *held = nl_anchor_of(t->original ? t->original : t); /* the hook hangs on what an alias stands for */
  if (held) {
    nl_lua_hold_anchor(L, 1, held);
  }
  lua_pushvalue(L, 3);
  return 1;
}

static int remove_hook(lua_State *L) {
  nl_tensor *t = nl_to_tensor(L, 1);
  nl_hook **at = luaL_checkudata(L, 2, HOOK_TYPE);
  if (*at && t) {
    nl_lua_anchor_clear(L, (*at)->function);
    nl_hook_remove(t, *at);
  }
  return 0;
}

/* ---- functions with a backward of their own ---- */

static int call_backward(lua_State *L) {
  const nl_custom_call *c = lua_touserdata(L, 1);
  const nl_anchor *function = lua_touserdata(L, 2);
  luaL_checkstack(L, c->nout + c->nin + c->nkept + 8, NULL);
  push_function(L, function);
  lua_createtable(L, c->nkept, 0);
  for (int i = 0; i < c->nkept; i++) {
    push_tensor(L, c->kept[i]);
    lua_rawseti(L, -2, i + 1);
  }
  for (int i = 0; i < c->nout; i++) {
    if (c->gout[i]) {
      push_tensor(L, c->gout[i]);
    } else {
      lua_pushnil(L);
    }
  }
  lua_call(L, c->nout + 1, c->nin);
  for (int i = 0; i < c->nin; i++) {
    int at = i - c->nin;
    if (!lua_isnil(L, at) && c->need[i]) {
      c->gin[i] = nl_tensor_ref(nl_check_tensor(L, at, "backward", "each gradient"));
    }
  }
  return 0;
}

typedef struct custom_call {
  const nl_custom_call *call;
  nl_anchor *function;
} custom_call;

static int call_custom(lua_State *L) {
  const custom_call *c = lua_touserdata(L, 1);
  lua_pushcfunction(L, call_backward);
  lua_pushlightuserdata(L, (void *)(uintptr_t)c->call);
  lua_pushlightuserdata(L, c->function);
  lua_call(L, 2, 0);
  return 0;
}

static nl_status run_lua_backward(nl_anchor *function, const nl_custom_call *call) {
  custom_call c = {call, function};
  nl_status status = not_recorded();
  return status == NL_OK ? protected_call(call_custom, &c) : status;
}

/* The tensors of the list at index, in an array that a userdata on the stack keeps. */
static nl_tensor **read_inputs(lua_State *L, int index, const char *what, int *count) {
  luaL_checktype(L, index, LUA_TTABLE);
  int n = (int)lua_rawlen(L, index);
  nl_tensor **list = lua_newuserdatauv(L, ((size_t)n + 1) * sizeof *list, 0);
  for (int i = 0; i < n; i++) {
    lua_rawgeti(L, index, i + 1);
    list[i] = nl_check_tensor(L, -1, "Function", what);
    lua_pop(L, 1);
  }
  *count = n;
  return list;
}

/* A result must be a tensor of the function's own: one that was there before, or has a history, is looked at through a
   new one, so that what it was stays what it is. */
static void own_results(lua_State *L, int index, int nout, nl_tensor **out, int nin, nl_tensor *const in[],
                        uint64_t serial) {
  for (int i = 0; i < nout; i++) {
    bool shares = out[i]->storage->serial <= serial, again = false;
    for (int k = 0; k < nin; k++) {
      shares = shares || out[i]->storage == in[k]->storage;
    }
    for (int k = 0; k < i; k++) {
      again = again || out[k] == out[i];
    }
    if (shares || again || out[i]->base || nl_requires_grad(out[i])) {
      nl_box *box = nl_push_box(L);
      nl_lua_check(L, nl_detach(out[i], &box->t));
      box->t->unrecorded_view = shares;
      out[i] = box->t;
      lua_rawseti(L, index, i + 1);
    }
  }
}

/* custom({inputs}, {results}, {kept}, backward, serial) -> the results, which depend on the inputs from now on;
   backward({kept}, gradients of results) gives the gradients of inputs (nil: none). serial: of before forward */
static int custom(lua_State *L) {
  luaL_checktype(L, 4, LUA_TFUNCTION);
  uint64_t serial = (uint64_t)luaL_checkinteger(L, 5);
  lua_settop(L, 5);
  nl_lua_refuse(
      L,
      "Function: a backward written in Lua cannot be recorded; write it with ops, which have gradients, or call this "
      "step without nn.compile (nn.train.fit does so by itself)");
  nl_custom f = {.backward = run_lua_backward};
  f.in = read_inputs(L, 1, "each input", &f.nin);
  f.out = read_inputs(L, 2, "each result", &f.nout);
  f.kept = read_inputs(L, 3, "what save_for_backward keeps", &f.nkept);
  if (f.nout > NL_MAX_OUT) {
    return nl_lua_error(L, "Function: at most %d results can have gradients, but there are %d", NL_MAX_OUT, f.nout);
  }
  nl_tensor *given[NL_MAX_OUT];
  for (int i = 0; i < f.nout; i++) {
    given[i] = f.out[i];
  }
  luaL_checkstack(L, NL_MAX_OUT + 8, NULL);
  for (int i = 0; i < f.nout; i++) { /* results that are replaced stay alive until the end */
    lua_rawgeti(L, 2, i + 1);
  }
  own_results(L, 2, f.nout, f.out, f.nin, f.in, serial);
  for (int i = 0; i < f.nkept; i++) { /* what is kept of a result is the result as it will be */
    for (int k = 0; k < f.nout; k++) {
      f.kept[i] = f.kept[i] == given[k] ? f.out[k] : f.kept[i];
    }
  }
  lua_pushvalue(L, 4);
  f.function = nl_lua_anchor_new(L);
  nl_lua_set_running(L);
  nl_status status = nl_record_custom(&f);
  nl_lua_set_running(NULL);
  nl_anchor_unref(f.function);
  nl_lua_check(L, status);
  for (int i = 0; i < f.nout; i++) {
    const nl_anchor *a = nl_anchor_of(f.out[i]);
    lua_rawgeti(L, 2, i + 1);
    if (a) {
      nl_lua_hold_anchor(L, -1, a);
    }
    lua_pop(L, 1);
  }
  lua_pushvalue(L, 2);
  return 1;
}

/* serial() -> a number that grows with each storage made; version(x) -> the writes in place so far */
static int storage_serial(lua_State *L) {
  lua_pushinteger(L, (lua_Integer)nl_storage_serial());
  return 1;
}
/* storage_id(x): equal for tensors that share memory, while one of them lives */
static int storage_id(lua_State *L) {
  lua_pushlightuserdata(L, nl_check_tensor(L, 1, "storage_id", "x")->storage);
  return 1;
}
static int storage_version(lua_State *L) {
  lua_pushinteger(L, nl_storage_version(nl_check_tensor(L, 1, "version", "x")->storage));
  return 1;
}

/* ---- checkpoints ---- */

#define REGION_TYPE "nn.Region"

/* Each region's function is an object {again, ...}: again(args) calls it. */
typedef struct again_call {
  const nl_anchor *function;
  int nargs;
  nl_tensor *const *args;
} again_call;

static int call_recomputed(lua_State *L) {
  const again_call *c = lua_touserdata(L, 1);
  luaL_checkstack(L, c->nargs + 4, NULL);
  push_function(L, c->function);
  for (int i = 0; i < c->nargs; i++) {
    push_tensor(L, c->args[i]);
  }
  lua_call(L, c->nargs, 0);
  return 0;
}

static nl_status run_again(nl_anchor *function, int nargs, nl_tensor *const args[]) {
  return protected_call(call_recomputed, &(again_call){function, nargs, args});
}

static int close_region(lua_State *L) {
  nl_region **at = luaL_checkudata(L, 1, REGION_TYPE);
  nl_region *r = *at;
  *at = NULL;
  if (r) {
    nl_status status = nl_region_close(r);
    nl_region_unref(r);
    nl_lua_check(L, status);
  }
  return 0;
}

/* region(again, {tensors}) -> a value to be closed when the function has been called. Until then it holds `again`; then
   the results do, if anything leads back from them. */
static int open_region(lua_State *L) {
  luaL_checktype(L, 1, LUA_TFUNCTION);
  lua_settop(L, 2);
  int n;
  nl_tensor **args = read_inputs(L, 2, "each tensor", &n);
  nl_region **at = lua_newuserdatauv(L, sizeof *at, 1);
  *at = NULL;
  if (luaL_newmetatable(L, REGION_TYPE)) {
    lua_pushcfunction(L, close_region);
    lua_setfield(L, -2, "__close");
    lua_pushcfunction(L, close_region);
    lua_setfield(L, -2, "__gc");
  }
  lua_setmetatable(L, -2);
  int region = lua_gettop(L);
  lua_pushvalue(L, 1);
  nl_anchor *a = nl_lua_anchor_new(L);
  lua_setiuservalue(L, region, 1);
  nl_status status = nl_region_open(a, run_again, n, args, at);
  nl_anchor_unref(a);
  nl_lua_check(L, status);
  return 1;
}

/* ---- anomalies ---- */

static int set_anomaly(lua_State *L) {
  bool was = nl_anomaly();
  nl_set_anomaly(lua_toboolean(L, 1), lua_toboolean(L, 2));
  lua_pushboolean(L, was);
  return 1;
}

void nl_open_function(lua_State *L) {
  static const luaL_Reg functions[] = {{"custom", custom},
                                       {"region", open_region},
                                       {"storage_serial", storage_serial},
                                       {"storage_version", storage_version},
                                       {"storage_id", storage_id},
                                       {"set_anomaly", set_anomaly},
                                       {"remove_hook", remove_hook},
                                       {"hook", hook},
                                       {NULL, NULL}};
  luaL_setfuncs(L, functions, 0);
}
