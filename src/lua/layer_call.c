/* The call of any layer. A call of an object whose class has an entry, that has no hook, and whose forward is the
   entry's own goes straight to C (nn/pass.h); what else can stand there (hooks, functions written in Lua, classes of a
   user's own) is called as Lua calls it. */
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "core/memory.h"
#include "lua/layer.h"
#include "lua/observe.h"
#include "nn/pass.h"

/* ---- calls from C to layers ---- */

/* A call of the object at `index` is its entry's forward. */
static bool goes_direct(lua_State *L, int index, nl_object *o) {
  nl_layer_state *s = nl_layer_state_of(o);
  if (!s || (!o->entry->forward && !o->entry->op)) {
    return false;
  }
  if (nl_observing()) {
    luaL_checkstack(L, 8, NULL);
    nl_obs_any_event(L, index, "__call");
    lua_pushliteral(L, "_hooks");
    nl_observe_read(L, index, -1);
    lua_pushliteral(L, "forward");
    nl_observe_read(L, index, -1);
    lua_pop(L, 2);
  } else if (s->epoch == nl_object_epoch) {
    return s->direct;
  }
  luaL_checkstack(L, 6, NULL);
  int top = lua_gettop(L);
  nl_object_push_fields(L, index);
  lua_pushliteral(L, "_hooks");
  lua_rawget(L, -2);
  lua_pushliteral(L, "forward");
  lua_rawget(L, -3);
  bool direct = !lua_toboolean(L, -2) && lua_isnil(L, -1);
  lua_settop(L, top);
  lua_pushvalue(L, index);
  int type = LUA_TNIL;
  while (direct && type == LUA_TNIL) { /* the first class that has one */
    nl_object_push_class(L, -1);
    direct = nl_object_push_fields(L, -1);
    if (direct) {
      lua_pushliteral(L, "__call");
      direct = lua_rawget(L, -2) == LUA_TNIL;
      lua_pop(L, 1);
      lua_pushliteral(L, "forward");
      type = lua_rawget(L, -2);
      direct = direct && (type == LUA_TNIL || lua_tocfunction(L, -1) == nl_layer_forward);
      lua_pop(L, 2);
      lua_replace(L, -2);
    }
  }
  lua_settop(L, top);
  s->direct = direct;
  s->epoch = nl_object_epoch;
  return direct;
}

/* A pass that Lua may be called from: the object it is of stands at `self`. */
typedef struct lua_pass {
  nl_pass pass;
  lua_State *L;
  int self;
  bool raised; /* an error value waits on top of the stack */
} lua_pass;

static lua_State *pass_state(nl_pass *p) {
  return ((lua_pass *)(void *)p)->L;
}

/* Calls what is on top of the stack with x. In protected mode: nothing may jump over the pass. */
static nl_tensor *call_on_top(nl_pass *p, nl_tensor *x) {
  lua_pass *lp = (lua_pass *)(void *)p;
  lua_State *L = lp->L;
  nl_box *box = nl_push_box(L);
  box->t = nl_tensor_ref(x);
  nl_fill_box(L, -1, box, box->t);
  nl_lua_set_running(NULL);
  int status = lua_pcall(L, 1, 1, 0);
  nl_lua_set_running(L);
  if (status != LUA_OK) {
    lp->raised = true;
    p->build.status = NL_ERROR;
    return NULL;
  }
  nl_tensor *y = nl_to_tensor(L, -1);
  if (!y) {
    nl_pass_fail(p, "a layer in it must give a tensor, but gave %s", nl_describe(L, -1).s);
    lua_pop(L, 1);
    return NULL;
  }
  return nl_b_own(&p->build, nl_tensor_ref(y)); /* its box stays on the stack, and what a backward would call with it */
}

static void push_field(nl_pass *p, int field) {
  lua_pass *lp = (lua_pass *)(void *)p;
  nl_object_push_fields(lp->L, lp->self);
  lua_pushstring(lp->L, p->layer->fields->field[field].name);
  lua_rawget(lp->L, -2);
  lua_remove(lp->L, -2);
}

static nl_tensor *call_field(nl_pass *p, int field, nl_tensor *x) {
  if (p->build.status != NL_OK) {
    return NULL;
  }
  luaL_checkstack(pass_state(p), 8, NULL);
  push_field(p, field);
  return call_on_top(p, x);
}

/* override(object, key, value, on) of object.c, with the old value left on the stack */
static void push_override(lua_State *L, int object, const char *name, int value, bool on) {
  lua_getfield(L, LUA_REGISTRYINDEX, "nn.override");
  lua_pushvalue(L, object);
  lua_pushstring(L, name);
  lua_pushvalue(L, value);
  lua_pushboolean(L, on);
  lua_call(L, 4, 1);
}

static nl_tensor *call_field_with(nl_pass *p, int field, const char *name, nl_tensor *value, nl_tensor *x) {
  if (p->build.status != NL_OK) {
    return NULL;
  }
  lua_State *L = pass_state(p);
  luaL_checkstack(L, 16, NULL);
  push_field(p, field);
  int layer = lua_gettop(L);
  if (!nl_to_object(L, layer)) {
    nl_pass_fail(p, "a layer with a %s is needed, but it is %s", name, nl_describe(L, layer).s);
    return NULL;
  }
  nl_box *box = nl_push_box(L);
  box->t = nl_tensor_ref(value);
  nl_fill_box(L, -1, box, box->t);
  push_override(L, layer, name, layer + 1, true);
  lua_pushvalue(L, layer);
  nl_tensor *y = call_on_top(p, x);
  push_override(L, layer, name, layer + 2, false);
  lua_pop(L, 1);
  return y;
}

static nl_tensor *tensor_in_field(nl_pass *p, int field, const char *name) {
  if (p->build.status != NL_OK) {
    return NULL;
  }
  lua_pass *lp = (lua_pass *)(void *)p;
  lua_State *L = lp->L;
  int top = lua_gettop(L);
  luaL_checkstack(L, 8, NULL);
  if (field < 0) {
    lua_pushvalue(L, lp->self);
  } else {
    push_field(p, field);
  }
  nl_tensor *t = NULL;
  if (nl_object_push_fields(L, -1)) {
    lua_pushstring(L, name);
    nl_observe_read(L, top + 1, -1);
    lua_rawget(L, -2);
    t = nl_to_tensor(L, -1);
  }
  lua_settop(L, top);
  if (!t && field >= 0) {
    nl_pass_fail(p, "the layer in it has no tensor '%s'", name);
  }
  return t ? nl_b_own(&p->build, nl_tensor_ref(t)) : NULL;
}

static const nl_pass_host lua_host = {call_field, call_field_with, tensor_in_field};

/* ---- one call ---- */

/* Lists and their numbers are plain tables, which nobody counts. */
static void observe_fields(lua_State *L, int index, const nl_layer *l) {
  if (!nl_observing()) {
    return;
  }
  nl_observe_whole(L, index);
  const nl_fields *all = l->fields;
  for (int i = 0; i < all->settings; i++) {
    if (all->field[i].kind == NL_FIELD_SIZES && all->field[i].stored) {
      nl_object_push_fields(L, index);
      lua_getfield(L, -1, all->field[i].name);
      nl_observe_whole(L, -1);
      lua_pop(L, 2);
    }
  }
}

/* "Linear(3, 4)" */
static const char *layer_title(lua_State *L, const nl_layer *l) {
  return lua_pushfstring(L, "%s(%s)", l->entry->name, nl_layer_describe(l).s);
}

static void refuse_input(lua_State *L, const nl_layer *l, int i, int index) {
  const char *s = l->entry->inputs;
  for (int k = 0; k < i; k++) {
    s += strcspn(s, ",");
    s += strspn(s, ", ");
  }
  int n = (int)strcspn(s, ",?");
  bool single = n == 1 && *s == 'x', state = s[n] == '?';
  nl_lua_error(L, "%s: the %s%.*s must be a tensor, but is %s", layer_title(L, l), state ? "state " : "",
               single ? 5 : n, single ? "input" : s, nl_describe(L, index).s);
}

/* The inputs from stack index `first` on. States may come in one table, which then gives way to what is in it. */
static void read_layer_inputs(lua_State *L, nl_pass *p, int first) {
  const nl_layer *l = p->layer;
  int needed = l->fields->needed, most = l->fields->inputs, last = lua_gettop(L), states = l->entry->states;
  int at = first + most - states;
  if (states && last >= at && lua_type(L, at) == LUA_TTABLE) {
    int n = (int)lua_rawlen(L, at);
    if (last > at || n != states) {
      nl_lua_error(L, "%s: takes the states as tensors or as {%s}, but got a table of %d%s", layer_title(L, l),
                   states == 2 ? "h, c" : "h", n, last > at ? " and another value" : "");
    }
    for (int i = 1; i <= states; i++) {
      lua_rawgeti(L, at, i);
      lua_insert(L, at + i);
    }
    lua_remove(L, at);
    last = at + states - 1;
  }
  while (last - first + 1 > most && lua_isnil(L, last)) {
    last--;
  }
  if (last - first + 1 > most) {
    char count[40];
    snprintf(count, sizeof count, most == 1 ? "one input" : "at most %d inputs", most);
    nl_lua_error(L, "%s: takes %s, but got %d: the last is %s", layer_title(L, l), count, last - first + 1,
                 nl_describe(L, last).s);
  }
  for (int i = 0; i < most; i++) {
    bool given = first + i <= last;
    p->in[i] = given ? nl_to_tensor(L, first + i) : NULL;
    if (!p->in[i] && (i < needed || (given && !lua_isnil(L, first + i)))) {
      if (!given) {
        lua_settop(L, first + i);
      }
      refuse_input(L, l, i, first + i);
    }
  }
  p->nin = most;
}

/* After a pass that failed: raises, in the user's line. */
static void raise_pass(lua_State *L, lua_pass *lp) {
  nl_build_free(&lp->pass.build);
  if (lp->raised) {
    lua_error(L);
  }
  nl_lua_raise(L);
}

static void find_memory(nl_build *b) {
  nl_pass *p = (nl_pass *)(void *)((char *)b - offsetof(nl_pass, build));
  nl_lua_collect(pass_state(p));
  nl_memory_trim();
}

static void run_pass(lua_State *L, lua_pass *lp) {
  nl_lua_set_running(L);
  lp->pass.build.find_memory = find_memory;
  nl_status status = nl_pass_run(&lp->pass);
  nl_lua_set_running(NULL);
  if (status != NL_OK) {
    raise_pass(L, lp);
  }
}

/* Runs the object at `self` on the inputs from `first` to the top; pushes the results and returns their number. */
static int run_layer(lua_State *L, int self, nl_object *o, int first) {
  nl_lua_account(L);
  nl_layer *l = nl_layer_refresh(L, self, o);
  lua_pass lp = {.L = L, .self = self};
  lp.pass.layer = l;
  lp.pass.host = &lua_host;
  observe_fields(L, self, l);
  lp.pass.recording = nl_observing() != NULL;
  read_layer_inputs(L, &lp.pass, first);
  luaL_checkstack(L, 16, NULL);
  int most = l->entry->outputs ? l->entry->outputs : 1, top = lua_gettop(L);
  nl_box *box[NL_PASS_OUT];
  for (int i = 0; i < most; i++) {
    box[i] = nl_push_box(L);
  }
  nl_build_init(&lp.pass.build);
  run_pass(L, &lp);
  for (int i = 0; i < lp.pass.nout; i++) {
    box[i]->t = nl_tensor_ref(lp.pass.out[i]);
  }
  nl_build_free(&lp.pass.build);
  for (int i = 0; i < lp.pass.nout; i++) {
    nl_fill_box(L, top + 1 + i, box[i], box[i]->t);
  }
  lua_settop(L, top + lp.pass.nout);
  return lp.pass.nout;
}

/* forward(self, ...) of built-in classes; upvalue: the entry */
int nl_layer_forward(lua_State *L) {
  const nl_layer_entry *e = lua_touserdata(L, lua_upvalueindex(1));
  nl_object *o = nl_to_object(L, 1);
  if (!nl_layer_state_of(o) || o->entry != e) {
    return nl_lua_error(L, "%s: self must be what it belongs to (call it as layer(x), or layer:forward(x)), but is %s",
                        e->name, nl_describe(L, 1).s);
  }
  return run_layer(L, 1, o, 2);
}

/* weight(self): the weight that a layer computes, as it is now; upvalue: the entry */
int nl_layer_weight(lua_State *L) {
  const nl_layer_entry *e = lua_touserdata(L, lua_upvalueindex(1));
  nl_object *o = nl_to_object(L, 1);
  if (!nl_layer_state_of(o) || o->entry != e) {
    return nl_lua_error(L, "%s: self must be what it belongs to (call it as layer:weight()), but is %s", e->name,
                        nl_describe(L, 1).s);
  }
  lua_pass lp = {.L = L, .self = 1};
  lp.pass.layer = nl_layer_refresh(L, 1, o);
  lp.pass.host = &lua_host;
  observe_fields(L, 1, lp.pass.layer);
  nl_box *box = nl_push_box(L);
  int at = lua_gettop(L);
  nl_build_init(&lp.pass.build);
  nl_tensor *w = e->weight(&lp.pass);
  if (lp.pass.build.status != NL_OK) {
    raise_pass(L, &lp);
  }
  box->t = nl_tensor_ref(w);
  nl_build_free(&lp.pass.build);
  lua_settop(L, at);
  nl_fill_box(L, at, box, box->t);
  return 1;
}

/* mean_over(loss, target): over how much the loss's mean is, or nil: over the samples */
static int loss_mean_over(lua_State *L) {
  nl_object *o = nl_to_object(L, 1);
  nl_layer_state *s = nl_layer_state_of(o);
  nl_tensor *target = nl_to_tensor(L, 2);
  if (!s || !o->entry->mean_over || !target) {
    return 0;
  }
  lua_pass lp = {.L = L, .self = 1};
  lp.pass.layer = nl_layer_refresh(L, 1, o);
  nl_build_init(&lp.pass.build);
  double over = o->entry->mean_over(&lp.pass, target);
  if (lp.pass.build.status != NL_OK) {
    raise_pass(L, &lp);
  }
  nl_build_free(&lp.pass.build);
  if (over < 0) {
    return 0;
  }
  lua_pushnumber(L, over);
  return 1;
}

/* ---- any object's call ---- */

static int finish_call(lua_State *L, int status, lua_KContext first) {
  (void)status;
  return lua_gettop(L) - (int)first + 1;
}

/* call(self, ...): what `self(...)` does. Upvalue: the function that calls a layer with hooks, (self, hooks, ...). */
static int call_layer(lua_State *L) {
  nl_object *o = nl_to_object(L, 1);
  if (!o) {
    return nl_lua_error(L, "call: self must be a layer, but is %s", nl_describe(L, 1).s);
  }
  if (goes_direct(L, 1, o)) {
    return run_layer(L, 1, o, 2);
  }
  int n = lua_gettop(L);
  luaL_checkstack(L, 6, NULL);
  lua_pushliteral(L, "_hooks");
  nl_observe_read(L, 1, -1);
  nl_object_push_fields(L, 1);
  lua_insert(L, -2);
  lua_rawget(L, -2);
  if (lua_toboolean(L, -1)) {
    lua_insert(L, 2); /* the hooks */
    lua_pop(L, 1);
    lua_pushvalue(L, lua_upvalueindex(1));
    lua_insert(L, 1);
    lua_callk(L, n + 1, LUA_MULTRET, 1, finish_call);
    return finish_call(L, LUA_OK, 1);
  }
  lua_settop(L, n);
  lua_pushliteral(L, "forward");
  nl_observe_read(L, 1, -1);
  lua_gettable(L, 1);
  if (lua_isnil(L, -1)) {
    return nl_lua_error(L, "%s has no forward", nl_describe(L, 1).s);
  }
  lua_insert(L, 1);
  lua_callk(L, n, LUA_MULTRET, 1, finish_call);
  return finish_call(L, LUA_OK, 1);
}

/* ---- Sequential ---- */

/* BOX: of the chain's own, for what its layers give from C to C: a tensor between two of them has no box, and is let go
   of with the graph that holds it. X is that box, or what came from Lua. */
enum { CHAIN_SELF = 1, CHAIN_X, CHAIN_FIELDS, CHAIN_BOX };

/* A built-in layer, on the top of the stack, on what stands at X. */
static void run_in_chain(lua_State *L, nl_object *o) {
  int child = lua_gettop(L);
  nl_lua_account(L);
  nl_layer *l = nl_layer_refresh(L, child, o);
  lua_pass lp = {.L = L, .self = child};
  lp.pass.layer = l;
  lp.pass.host = &lua_host;
  observe_fields(L, child, l);
  lp.pass.recording = nl_observing() != NULL;
  lua_pushvalue(L, CHAIN_X);
  read_layer_inputs(L, &lp.pass, child + 1);
  nl_box *box = lua_touserdata(L, CHAIN_BOX);
  if (!box) {
    box = nl_push_box(L);
    lua_replace(L, CHAIN_BOX);
  }
  nl_build_init(&lp.pass.build);
  run_pass(L, &lp);
  nl_tensor *was = box->t;
  box->t = nl_tensor_ref(lp.pass.out[0]);
  nl_build_free(&lp.pass.build);
  nl_tensor_unref(was);
  lua_settop(L, CHAIN_BOX);
  nl_fill_box(L, CHAIN_BOX, box, box->t);
  lua_pushvalue(L, CHAIN_BOX);
  lua_replace(L, CHAIN_X);
}

static int chain_on(lua_State *L, int status, lua_KContext i) {
  (void)status;
  if (i > 0) {
    lua_replace(L, CHAIN_X); /* what layer i gave */
  }
  for (;;) {
    i++;
    if (nl_observing()) {
      lua_pushinteger(L, i);
      nl_observe_read(L, CHAIN_SELF, -1);
      lua_pop(L, 1);
    }
    if (lua_rawgeti(L, CHAIN_FIELDS, i) == LUA_TNIL) {
      lua_settop(L, CHAIN_X);
      return 1;
    }
    nl_object *o = nl_to_object(L, -1);
    if (o && goes_direct(L, CHAIN_BOX + 1, o)) {
      run_in_chain(L, o);
      continue;
    }
    lua_pushvalue(L, CHAIN_X);
    lua_pushnil(L);
    lua_replace(L, CHAIN_BOX); /* it is Lua's now */
    lua_callk(L, 1, 1, i, chain_on);
    lua_replace(L, CHAIN_X);
  }
}

/* forward(self, x) of Sequential: one layer after another */
int nl_chain_forward(lua_State *L) {
  nl_object *o = nl_to_object(L, 1);
  if (!o || o->is_class) {
    return nl_lua_error(L, "Sequential: self must be what it belongs to (call it as net(x)), but is %s",
                        nl_describe(L, 1).s);
  }
  if (lua_gettop(L) > 2 && !lua_isnil(L, -1)) {
    return nl_lua_error(L, "Sequential: takes one input, but got %d: the last is %s", lua_gettop(L) - 1,
                        nl_describe(L, -1).s);
  }
  lua_settop(L, 2);
  luaL_checkstack(L, 16, NULL);
  nl_object_push_fields(L, 1);
  lua_pushnil(L);
  return chain_on(L, LUA_OK, 0);
}

/* layer_call(with_hooks) -> the function that calls a layer */
static int make_call(lua_State *L) {
  luaL_checktype(L, 1, LUA_TFUNCTION);
  lua_settop(L, 1);
  lua_pushcclosure(L, call_layer, 1);
  return 1;
}

void nl_open_layer_call(lua_State *L) {
  static const luaL_Reg functions[] = {{"layer_call", make_call}, {"mean_over", loss_mean_over}, {NULL, NULL}};
  luaL_setfuncs(L, functions, 0);
  lua_getfield(L, -1, "override");
  lua_setfield(L, LUA_REGISTRYINDEX, "nn.override");
  nl_observe_exempt(call_layer);
  nl_observe_exempt(nl_chain_forward);
}
