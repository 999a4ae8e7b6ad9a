/* Lua on the way back: hooks on gradients, functions with a backward of their own, anomalies. The engine calls these
   below a backward that Lua started, so there is a running state; errors of Lua become errors of the engine. */
#include "autograd/tape.h"
#include "core/memory.h"
#include "lua/nl_lua.h"
#include "plan/trace.h"

/* A Lua value that something outside Lua keeps. */
typedef struct kept {
  lua_State *L; /* the main thread */
  int ref;
} kept;

/* Keeps the value on top of the stack (popped). NULL: no memory. */
static kept *keep(lua_State *L) {
  kept *k = nl_new(sizeof *k);
  if (!k) {
    lua_pop(L, 1);
    return NULL;
  }
  k->ref = luaL_ref(L, LUA_REGISTRYINDEX);
  lua_rawgeti(L, LUA_REGISTRYINDEX, LUA_RIDX_MAINTHREAD);
  k->L = lua_tothread(L, -1);
  lua_pop(L, 1);
  return k;
}

static void release(void *ctx) {
  kept *k = ctx;
  luaL_unref(k->L, LUA_REGISTRYINDEX, k->ref);
  nl_delete(k);
}

/* The error on top of the stack as ours. Its place in the user's file is kept, since that is where it happened. */
static nl_status take_error(lua_State *L) {
  const char *text = lua_tostring(L, -1);
  nl_status status = nl_fail("%.900s", text ? text : "an error that is no text");
  lua_pop(L, 1);
  return status;
}

static nl_status not_recorded(void) {
  return nl_trace_current()
             ? nl_fail("Lua code on the way back (a hook, or a function with its own backward) cannot be recorded")
             : NL_OK;
}

/* ---- hooks ---- */

typedef struct hook_call {
  const kept *k;
  nl_tensor *grad, *out;
} hook_call;

static int call_hook(lua_State *L) {
  hook_call *h = lua_touserdata(L, 1);
  nl_box *box;
  lua_rawgeti(L, LUA_REGISTRYINDEX, h->k->ref);
  box = nl_push_box(L);
  box->t = nl_tensor_ref(h->grad);
  lua_call(L, 1, 1);
  if (!lua_isnil(L, -1)) {
    h->out = nl_tensor_ref(nl_check_tensor(L, -1, "hook", "its result"));
  }
  return 0;
}

static nl_status run_hook(void *ctx, nl_tensor *grad, nl_tensor **out) {
  nl_status status = not_recorded();
  lua_State *L = nl_lua_running();
  if (status != NL_OK || !L || !lua_checkstack(L, 4)) {
    return status != NL_OK ? status : nl_fail("the Lua stack is full");
  }
  hook_call h = {ctx, grad, NULL};
  lua_pushcfunction(L, call_hook);
  lua_pushlightuserdata(L, &h);
  bool failed = lua_pcall(L, 1, 0, 0) != LUA_OK;
  nl_lua_set_running(L);
  *out = h.out;
  return failed ? take_error(L) : NL_OK;
}

/* x:register_hook(f) -> a function that takes the hook away again. f gets x's gradient, and may return another. */
static int register_hook(lua_State *L) {
  nl_tensor *t = nl_check_tensor(L, 1, "register_hook", "x");
  if (lua_type(L, 2) != LUA_TFUNCTION) {
    return nl_lua_error(L, "register_hook: takes a function of the gradient, but got %s", nl_describe(L, 2).s);
  }
  lua_settop(L, 2);
  lua_pushvalue(L, 2);
  kept *k = keep(L);
  nl_hook *hook = k ? nl_new(sizeof *hook) : NULL;
  if (!hook) {
    return nl_lua_raise(L);
  }
  *hook = (nl_hook){.run = run_hook, .release = release, .ctx = k};
  if (nl_add_hook(t, hook) != NL_OK) {
    release(k);
    nl_delete(hook);
    nl_error_prefix("register_hook");
    return nl_lua_raise(L);
  }
  lua_pushlightuserdata(L, k);
  return 1;
}
static int remove_hook(lua_State *L) {
  nl_remove_hook(nl_check_tensor(L, 1, "remove_hook", "x"), lua_touserdata(L, 2));
  return 0;
}

/* ---- functions with a backward of their own ---- */

typedef struct backward_call {
  const kept *k;
  int nout, nin;
  nl_tensor *const *gout, **gin;
  const bool *need;
} backward_call;

static int call_backward(lua_State *L) {
  backward_call *c = lua_touserdata(L, 1);
  luaL_checkstack(L, c->nout + c->nin + 8, NULL);
  lua_rawgeti(L, LUA_REGISTRYINDEX, c->k->ref);
  for (int i = 0; i < c->nout; i++) {
    if (c->gout[i]) {
      nl_box *box = nl_push_box(L);
      box->t = nl_tensor_ref(c->gout[i]);
    } else {
      lua_pushnil(L);
    }
  }
  lua_call(L, c->nout, c->nin);
  for (int i = 0; i < c->nin; i++) {
    int at = i - c->nin;
    if (!lua_isnil(L, at) && c->need[i]) {
      c->gin[i] = nl_tensor_ref(nl_check_tensor(L, at, "backward", "each gradient"));
    }
  }
  return 0;
}

static nl_status run_backward(void *ctx, int nout, nl_tensor *const gout[], int nin, nl_tensor *gin[],
                              const bool need[]) {
  nl_status status = not_recorded();
  lua_State *L = nl_lua_running();
  if (status != NL_OK || !L || !lua_checkstack(L, 4)) {
    return status != NL_OK ? status : nl_fail("the Lua stack is full");
  }
  backward_call c = {ctx, nout, nin, gout, gin, need};
  lua_pushcfunction(L, call_backward);
  lua_pushlightuserdata(L, &c);
  bool failed = lua_pcall(L, 1, 0, 0) != LUA_OK;
  nl_lua_set_running(L);
  return failed ? take_error(L) : NL_OK;
}

/* custom({inputs}, {outputs}, backward): the outputs depend on the inputs from now on, and backward(gradients of
   outputs) gives the gradients of inputs (nil: none). */
static int custom(lua_State *L) {
  static const nl_custom kind = {run_backward, release};
  luaL_checktype(L, 1, LUA_TTABLE);
  luaL_checktype(L, 2, LUA_TTABLE);
  luaL_checktype(L, 3, LUA_TFUNCTION);
  int nin = (int)lua_rawlen(L, 1), nout = (int)lua_rawlen(L, 2);
  if (nout > NL_MAX_OUT) {
    return nl_lua_error(L, "Function: at most %d results can have gradients, but there are %d", NL_MAX_OUT, nout);
  }
  if (nl_trace_current()) {
    return nl_lua_error(L, "Function: a backward written in Lua cannot be recorded");
  }
  nl_tensor **in = lua_newuserdatauv(L, ((size_t)nin + 1) * sizeof *in, 0), *out[NL_MAX_OUT];
  for (int i = 0; i < nin; i++) {
    lua_rawgeti(L, 1, i + 1);
    in[i] = nl_check_tensor(L, -1, "Function", "each input");
    lua_pop(L, 1);
  }
  for (int i = 0; i < nout; i++) {
    lua_rawgeti(L, 2, i + 1);
    out[i] = nl_check_tensor(L, -1, "Function", "each result");
    lua_pop(L, 1);
  }
  lua_pushvalue(L, 3);
  kept *k = keep(L);
  if (!k) {
    return nl_lua_raise(L);
  }
  nl_lua_set_running(L);
  nl_status status = nl_record_custom(nin, in, nout, out, &kind, k);
  nl_lua_set_running(NULL);
  nl_lua_check(L, status);
  return 0;
}

/* ---- anomalies ---- */

static int set_anomaly(lua_State *L) {
  bool was = nl_anomaly();
  nl_set_anomaly(lua_toboolean(L, 1));
  lua_pushboolean(L, was);
  return 1;
}

void nl_open_function(lua_State *L) {
  static const luaL_Reg functions[] = {{"custom", custom},
                                       {"set_anomaly", set_anomaly},
                                       {"remove_hook", remove_hook},
                                       {"hook", register_hook},
                                       {NULL, NULL}};
  luaL_setfuncs(L, functions, 0);
}
