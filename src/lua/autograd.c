/* backward, grad, no_grad and what a tensor has to do with them. */
#include <string.h>

#include "autograd/backward.h"
#include "lua/observe.h"

/* Reads boolean options (and the gradient) of backward and grad. */
typedef struct options {
  bool retain_graph, create_graph, allow_unused;
  nl_tensor *gradient;
} options;

static const char *option_at(void *ctx, int i) {
  (void)ctx;
  static const char *const names[] = {"retain_graph", "create_graph", "allow_unused", "gradient"};
  return i < 4 ? names[i] : NULL;
}

static void read_backward_options(lua_State *L, int index, const char *function, options *o) {
  if (nl_to_tensor(L, index)) {
    o->gradient = nl_to_tensor(L, index);
    return;
  }
  if (lua_isnoneornil(L, index)) {
    return;
  }
  if (lua_type(L, index) != LUA_TTABLE) {
    nl_lua_error(L, "%s: the options must be a table, e.g. {create_graph = true}, but are %s", function,
                 nl_describe(L, index).s);
  }
  lua_pushnil(L);
  while (lua_next(L, index)) {
    const char *name = lua_type(L, -2) == LUA_TSTRING ? lua_tostring(L, -2) : "";
    bool on = lua_toboolean(L, -1);
    if (strcmp(name, "retain_graph") == 0) {
      o->retain_graph = on;
    } else if (strcmp(name, "create_graph") == 0) {
      o->create_graph = on;
    } else if (strcmp(name, "allow_unused") == 0) {
      o->allow_unused = on;
    } else if (strcmp(name, "gradient") == 0) {
      o->gradient = nl_check_tensor(L, -1, function, "gradient");
    } else {
      const char *near = nl_nearest(name, option_at, NULL);
      nl_lua_error(L, "%s: has no option '%s'%s%s%s", function, name, near ? "; did you mean '" : "", near ? near : "",
                   near ? "'?" : " (it takes retain_graph, create_graph, gradient)");
    }
    lua_pop(L, 1);
  }
}

/* x:backward(gradient?, {retain_graph =, create_graph =, gradient =}) */
static int tensor_backward(lua_State *L) {
  nl_lua_account(L);
  nl_backward_args args = {.root = nl_check_tensor(L, 1, "backward", "x")};
  options o = {false, false, false, NULL};
  read_backward_options(L, 2, "backward", &o);
  read_backward_options(L, 3, "backward", &o);
  args.grad = o.gradient;
  args.retain_graph = o.retain_graph;
  args.create_graph = o.create_graph;
  nl_lua_set_running(L);
  nl_status status = nl_backward(&args);
  nl_lua_set_running(NULL);
  if (status != NL_OK) {
    if (status != NL_INTERRUPTED) {
      nl_error_prefix("backward");
    }
    return nl_lua_raise(L);
  }
  return 0;
}

/* grad(output, inputs, {create_graph =, retain_graph =, gradient =, allow_unused =}): the gradients of output for one
   tensor, or for a list of them (then a list). Leaves' .grad stay as they are. */
static int grad(lua_State *L) {
  nl_lua_account(L);
  options o = {false, false, false, NULL};
  nl_tensor *root = nl_check_tensor(L, 1, "grad", "the output"), *one = nl_to_tensor(L, 2);
  read_backward_options(L, 3, "grad", &o);
  lua_settop(L, 2);
  if (!one && lua_type(L, 2) != LUA_TTABLE) {
    return nl_lua_error(L, "grad: inputs must be a tensor or a list of tensors, but are %s", nl_describe(L, 2).s);
  }
  int n = one ? 1 : (int)lua_rawlen(L, 2);
  if (n == 0) {
    return nl_lua_error(L, "grad: the list of inputs is empty");
  }
  nl_tensor **inputs = lua_newuserdatauv(L, 2 * (size_t)n * sizeof *inputs, 0), **grads = inputs + n;
  memset(inputs, 0, 2 * (size_t)n * sizeof *inputs);
  nl_box **boxes = lua_newuserdatauv(L, (size_t)n * sizeof *boxes, 0);
  lua_createtable(L, n, 0);
  int result = lua_gettop(L);
  for (int i = 0; i < n; i++) {
    if (!one) {
      lua_rawgeti(L, 2, i + 1);
    }
    inputs[i] = one ? one : nl_check_tensor(L, -1, "grad", "each input");
    if (!one) {
      lua_pop(L, 1);
    }
    boxes[i] = nl_push_box(L);
    lua_rawseti(L, result, i + 1);
  }
  nl_backward_args args = {.root = root,
                           .grad = o.gradient,
                           .retain_graph = o.retain_graph,
                           .create_graph = o.create_graph,
                           .ninputs = n,
                           .inputs = inputs,
                           .grads = grads};
  nl_lua_set_running(L);
  nl_status status = nl_backward(&args);
  nl_lua_set_running(NULL);
  if (status != NL_OK) {
    nl_error_prefix("grad");
    return nl_lua_raise(L);
  }
  int unused = 0;
  for (int i = 0; i < n; i++) {
    boxes[i]->t = grads[i];
  }
  for (int i = 0; i < n; i++) {
    if (grads[i]) {
      lua_rawgeti(L, result, i + 1);
      nl_fill_box(L, -1, boxes[i], grads[i]);
      lua_pop(L, 1);
    } else {
      unused = i + 1;
      lua_pushboolean(L, 0);
      lua_rawseti(L, result, i + 1);
    }
  }
  if (unused && !o.allow_unused) {
    return nl_lua_error(L,
                        "grad: the output does not depend on input %d; with {allow_unused = true} its gradient is "
                        "false",
                        unused);
  }
  if (one) {
    lua_rawgeti(L, result, 1);
  }
  return 1;
}

/* ---- recording on and off ---- */

#define MODE_TYPE "nn.SavedMode"

typedef struct saved_mode {
  bool was, restored;
} saved_mode;

static int restore_mode(lua_State *L) {
  saved_mode *saved = nl_held(L, MODE_TYPE);
  if (!saved->restored) { /* a dead coroutine may be closed much later */
    nl_grad_set_enabled(saved->was);
    saved->restored = true;
  }
  return 0;
}

/* Calls f(...) with recording as wanted; what it was comes back however f ends. */
static int call_with_mode(lua_State *L, bool on) {
  if (lua_isnone(L, 1)) {
    return nl_lua_error(L, "%s: takes a function: nn.%s(function() ... end)", on ? "enable_grad" : "no_grad",
                        on ? "enable_grad" : "no_grad");
  }
  saved_mode *saved = nl_push_hold(L, sizeof *saved, MODE_TYPE, "__close", restore_mode);
  saved->was = nl_grad_enabled();
  lua_insert(L, 1);
  lua_toclose(L, 1);
  nl_grad_set_enabled(on);
  bool main = lua_pushthread(L) == 1;
  lua_pop(L, 1);
  if (main) {
    lua_call(L, lua_gettop(L) - 2, LUA_MULTRET);
  } else if (lua_pcall(L, lua_gettop(L) - 2, LUA_MULTRET, 0) != LUA_OK) { /* an error closes nothing in a coroutine */
    nl_grad_set_enabled(saved->was);
    saved->restored = true;
    return lua_error(L);
  }
  lua_closeslot(L, 1);
  return lua_gettop(L) - 1;
}

static int no_grad(lua_State *L) {
  return call_with_mode(L, false);
}
static int enable_grad(lua_State *L) {
  return call_with_mode(L, true);
}
static int is_grad_enabled(lua_State *L) {
  lua_pushboolean(L, nl_grad_enabled());
  return 1;
}
static int set_grad_enabled(lua_State *L) {
  lua_pushboolean(L, nl_grad_set_enabled(lua_toboolean(L, 1)));
  return 1;
}

/* ---- tensors ---- */

static int tensor_detach(lua_State *L) {
  nl_tensor *t = nl_check_tensor(L, 1, "detach", "x");
  nl_box *box = nl_push_box(L);
  nl_lua_check(L, nl_detach(t, &box->t));
  return 1;
}

static int tensor_requires_grad_(lua_State *L) {
  nl_tensor *t = nl_check_tensor(L, 1, "requires_grad_", "x");
  bool on = lua_isnone(L, 2) || lua_toboolean(L, 2);
  nl_lua_refuse_setting(L, t, on);
  if (nl_set_requires_grad(t, on) != NL_OK) {
    nl_error_prefix("requires_grad_");
    return nl_lua_raise(L);
  }
  lua_settop(L, 1);
  return 1;
}

void nl_push_parameter(lua_State *L, nl_tensor *t, bool on) {
  nl_box *box = nl_push_box(L);
  nl_lua_check(L, nl_detach(t, &box->t));
  box->t->is_parameter = true;
  if (nl_set_requires_grad(box->t, on) != NL_OK) {
    nl_error_prefix("Parameter");
    nl_lua_raise(L);
  }
}

/* parameter(t) -> a leaf with t's values (shared) that wants a gradient and that modules recognise */
static int parameter(lua_State *L) {
  nl_tensor *t = nl_check_tensor(L, 1, "Parameter", "the value");
  nl_push_parameter(L, t, lua_isnoneornil(L, 2) || lua_toboolean(L, 2));
  return 1;
}

void nl_open_autograd(lua_State *L) {
  static const luaL_Reg functions[] = {{"grad", grad},
                                       {"no_grad", no_grad},
                                       {"enable_grad", enable_grad},
                                       {"is_grad_enabled", is_grad_enabled},
                                       {"set_grad_enabled", set_grad_enabled},
                                       {"Parameter", parameter},
                                       {NULL, NULL}};
  static const luaL_Reg methods[] = {{"backward", tensor_backward},
                                     {"detach", tensor_detach},
                                     {"requires_grad_", tensor_requires_grad_},
                                     {NULL, NULL}};
  static const nl_not_replayed refused[] = {
      {set_grad_enabled, "set_grad_enabled", "it would happen only once; use nn.no_grad(function() ... end)"},
      {NULL, NULL, NULL}};
  nl_observe_refuse(refused);
  nl_observe_exempt(no_grad);
  nl_observe_exempt(enable_grad);
  nl_publish(L, functions);
  lua_getfield(L, -1, "tensor_methods");
  luaL_setfuncs(L, methods, 0);
  lua_pop(L, 1);
}
