/* Passes that Lua may be called from, and calls from C to layers.

   A layer that stands in another (in a Residual's body, say) is called from C to C where nothing of Lua's can be in the
   way; else in protected mode, since nothing may jump over a pass: what a layer written in Lua raises is kept, and
   raised again when the pass has let go of what it holds. */
#include "lua/layer_pass.h"

#include <stddef.h>
#include <string.h>

#include "core/memory.h"
#include "lua/observe.h"

/* How much of C's stack layers may use that stand in each other. */
enum { MOST_STACK = 2 << 20 };
static int inside_now; /* calls from C to C that are going on */
static const char *stack_base;

static bool is_too_deep(void) {
  char here;
  const char *now = &here;
  if (inside_now == 0) {
    stack_base = now;
  }
  return (now > stack_base ? now - stack_base : stack_base - now) > MOST_STACK;
}

static nl_lua_pass *lua_pass_of(nl_pass *p) {
  return (nl_lua_pass *)(void *)p;
}

/* ---- the way of a call ---- */

/* The first class from the object's on that has a forward says which; where any has a __call, it is Lua's. */
static nl_way way_of_classes(lua_State *L, int index, const nl_layer_entry *entry) {
  int top = lua_gettop(L), object = top + 1, fields = top + 3;
  nl_way way = NL_WAY_LUA;
  bool found = false;
  lua_pushvalue(L, index);
  for (;;) {
    nl_object_push_class(L, object);
    if (!nl_object_push_fields(L, -1)) {
      break;
    }
    lua_pushliteral(L, "__call");
    if (lua_rawget(L, fields) != LUA_TNIL) {
      way = NL_WAY_LUA;
      break;
    }
    lua_pushliteral(L, "forward");
    if (lua_rawget(L, fields) != LUA_TNIL && !found) {
      lua_CFunction f = lua_tocfunction(L, -1);
      bool ours = (f == nl_layer_forward || f == nl_chain_forward) && lua_getupvalue(L, -1, 1) &&
                  lua_touserdata(L, -1) == entry; /* and not another built-in's */
      found = true;
      way = !ours ? NL_WAY_LUA : (f == nl_layer_forward ? NL_WAY_LAYER : NL_WAY_CHAIN);
    }
    lua_settop(L, top + 2);
    lua_remove(L, object);
  }
  lua_settop(L, top);
  return way;
}

nl_way nl_layer_way(lua_State *L, int index, nl_object *o) {
  nl_layer_state *s = nl_layer_state_of(o);
  if (!s) {
    return NL_WAY_LUA;
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
    return s->way;
  }
  luaL_checkstack(L, 10, NULL);
  int top = lua_gettop(L);
  nl_object_push_fields(L, index);
  lua_pushliteral(L, "_hooks");
  lua_rawget(L, -2);
  lua_pushliteral(L, "forward");
  lua_rawget(L, -3);
  bool own = lua_toboolean(L, -2) || !lua_isnil(L, -1);
  lua_settop(L, top);
  s->way = own ? NL_WAY_LUA : way_of_classes(L, index, o->entry);
  s->epoch = nl_object_epoch;
  return s->way;
}

/* ---- in protected mode ---- */

typedef struct inside_call {
  const char *field; /* of the object that is given; NULL: the object itself */
  nl_tensor *x;
  const char *name; /* of the field that has another value for the time of the call, or NULL */
  nl_tensor *value;
  int more; /* inputs behind x */
  const nl_given *given;
} inside_call;

static void push_filled_box(lua_State *L, nl_tensor *t) {
  nl_box *box = nl_push_box(L);
  nl_fill_box(L, lua_gettop(L), box, nl_tensor_ref(t));
}

/* override(object, key, value, on) of object.c: pushes the old value. */
static void push_override(lua_State *L, int object, int name, int value, bool on) {
  lua_getfield(L, LUA_REGISTRYINDEX, "nn.override");
  lua_pushvalue(L, object);
  lua_pushvalue(L, name);
  lua_pushvalue(L, value);
  lua_pushboolean(L, on);
  lua_call(L, 4, 1);
}

/* Pushes the inputs of a call; returns their number. */
static int push_inside_inputs(lua_State *L, const inside_call *c) {
  push_filled_box(L, c->x);
  bool named = false;
  int n = 1;
  for (int i = 0; i < c->more; i++) {
    const nl_given *g = &c->given[i];
    if (g->name && !named) {
      lua_createtable(L, 0, 4);
      named = true;
      n++;
    }
    if (g->is_flag) {
      lua_pushboolean(L, g->flag);
    } else if (g->tensor) {
      push_filled_box(L, g->tensor);
    } else {
      lua_pushnil(L);
    }
    if (g->name) {
      lua_setfield(L, -2, g->name);
    } else {
      n++;
    }
  }
  return n;
}

/* (inside_call, object) -> what the layer gives */
static int call_protected(lua_State *L) {
  const inside_call *c = lua_touserdata(L, 1);
  if (c->field) {
    nl_object_push_fields(L, 2);
    lua_pushstring(L, c->field);
    lua_rawget(L, -2);
    lua_replace(L, 2);
    lua_settop(L, 2);
  }
  if (!c->name) {
    lua_call(L, push_inside_inputs(L, c), 1);
    return 1;
  }
  if (!nl_to_object(L, 2)) {
    return nl_lua_error(L, "a layer with a %s is needed, but it is %s", c->name, nl_describe(L, 2).s);
  }
  lua_pushstring(L, c->name); /* a copy: the layer's own may be gone after the call */
  push_filled_box(L, c->value);
  push_override(L, 2, 3, 4, true);
  lua_pushvalue(L, 2);
  push_filled_box(L, c->x);
  int status = lua_pcall(L, 1, 1, 0);
  push_override(L, 2, 3, 5, false);
  lua_pop(L, 1);
  return status == LUA_OK ? 1 : lua_error(L);
}

/* Calls by Lua's rules; the object stands on top of the stack and is popped. What it gave stays there, for what a
   backward would call with it. */
static nl_tensor *call_by_lua(nl_lua_pass *lp, inside_call *c) {
  lua_State *L = lp->L;
  nl_pass *p = &lp->pass;
  lua_pushcfunction(L, call_protected);
  lua_insert(L, -2);
  lua_pushlightuserdata(L, c);
  lua_insert(L, -2);
  nl_lua_set_running(NULL);
  int status = lua_pcall(L, 2, 1, 0);
  nl_lua_set_running(L);
  if (status != LUA_OK) {
    const char *text = lua_type(L, -1) == LUA_TSTRING ? lua_tostring(L, -1) : "";
    if (strstr(text, "C stack overflow")) {
      return nl_pass_fail(p, "too many layers stand in each other; one may stand in itself");
    }
    lp->raised = p->told = true;
    p->build.status = NL_ERROR;
    return NULL;
  }
  nl_tensor *y = nl_to_tensor(L, -1);
  if (!y) {
    return nl_pass_fail(p, "a layer in it must give a tensor, but gave %s", nl_describe(L, -1).s);
  }
  return nl_b_own(&p->build, nl_tensor_ref(y));
}

/* ---- from C to C ---- */

/* Finalizers may run now; where one changes the layer, what the pass has of it may go with the next collection. */
static void find_memory(nl_build *b) {
  nl_lua_pass *lp = lua_pass_of((nl_pass *)(void *)((char *)b - offsetof(nl_pass, build)));
  const nl_object *o = nl_to_object(lp->L, lp->self);
  uint64_t version = o->version;
  nl_lua_collect(lp->L);
  nl_memory_trim();
  if (o->version != version) {
    nl_pass_fail(&lp->pass, "a finalizer changed it while it ran");
  }
}

static const nl_pass_host lua_host;

static nl_tensor *call_object(nl_lua_pass *outer, nl_tensor *x);

/* A built-in layer whose fields are read already, on top of the stack. */
static nl_tensor *call_layer_inside(nl_lua_pass *outer, nl_layer_state *s, nl_tensor *x) {
  lua_State *L = outer->L;
  nl_lua_pass lp = {.L = L, .self = lua_gettop(L)};
  lp.pass.layer = &s->layer;
  lp.pass.host = &lua_host;
  lp.pass.recording = outer->pass.recording;
  nl_pass_clear_inputs(&lp.pass);
  lp.pass.in[0] = x;
  nl_build_init(&lp.pass.build);
  lp.pass.build.find_memory = find_memory;
  nl_status status = nl_pass_run(&lp.pass);
  nl_tensor *y = status == NL_OK ? nl_b_own(&outer->pass.build, nl_tensor_ref(lp.pass.out[0])) : NULL;
  if (status != NL_OK) {
    outer->pass.build.status = status;
    outer->raised = lp.raised;
    outer->pass.told = true;
  }
  nl_build_free(&lp.pass.build);
  return y;
}

/* A Sequential, on top of the stack: one layer after another. */
static nl_tensor *call_chain_inside(nl_lua_pass *outer, nl_tensor *x) {
  lua_State *L = outer->L;
  nl_object_push_fields(L, -1);
  int fields = lua_gettop(L);
  for (lua_Integer i = 1; x; i++) {
    if (!lua_checkstack(L, 20)) {
      return nl_pass_fail(&outer->pass, "too many layers in it");
    } else if (lua_rawgeti(L, fields, i) == LUA_TNIL) {
      lua_pop(L, 1);
      break;
    }
    x = call_object(outer, x);
  }
  return x;
}

static void observe_fields(lua_State *L, int index, const nl_layer *l);

/* (object) -> how its call goes, with its fields read, and observed; in protected mode */
static int prepare_inside(lua_State *L) {
  nl_object *o = nl_to_object(L, 1);
  nl_way way = nl_layer_way(L, 1, o);
  if (way == NL_WAY_LAYER) {
    nl_layer *l = nl_layer_refresh(L, 1, o);
    if (nl_observing()) {
      observe_fields(L, 1, l);
    }
  } else if (way == NL_WAY_CHAIN && nl_observing()) {
    nl_observe_whole(L, 1);
  }
  lua_pushinteger(L, way);
  return 1;
}

/* How the call of the object on top of the stack goes from here. False: an error waits. */
static bool way_inside(nl_lua_pass *outer, nl_layer_state *s, const nl_object *o, nl_way *way) {
  lua_State *L = outer->L;
  if (!nl_observing() && s->epoch == nl_object_epoch && s->version == o->version && !s->lists) {
    *way = s->way;
    return true;
  }
  lua_pushcfunction(L, prepare_inside);
  lua_pushvalue(L, -2);
  if (lua_pcall(L, 1, 1, 0) != LUA_OK) {
    outer->raised = outer->pass.told = true;
    outer->pass.build.status = NL_ERROR;
    return false;
  }
  *way = (nl_way)lua_tointeger(L, -1);
  lua_pop(L, 1);
  return true;
}

/* The layer or function on top of the stack, called. What stands on the stack above it then is what the pass needs. */
static nl_tensor *call_object(nl_lua_pass *outer, nl_tensor *x) {
  lua_State *L = outer->L;
  int top = lua_gettop(L);
  nl_object *o = nl_to_object(L, top);
  nl_layer_state *s = nl_layer_state_of(o);
  nl_way way = NL_WAY_LUA;
  if (s && !way_inside(outer, s, o, &way)) {
    return NULL;
  } else if (is_too_deep()) {
    return nl_pass_fail(&outer->pass, "too many layers stand in each other; one may stand in itself");
  } else if (way == NL_WAY_CHAIN) {
    inside_now++;
    x = call_chain_inside(outer, x);
    inside_now--;
    return x;
  } else if (way == NL_WAY_LAYER && s->layer.fields->needed == 1) {
    inside_now++;
    x = call_layer_inside(outer, s, x);
    inside_now--;
    if (!outer->raised && lua_gettop(L) == top) {
      lua_settop(L, top - 1);
    }
    return x;
  }
  return call_by_lua(outer, &(inside_call){.x = x});
}

static nl_tensor *call_field(nl_pass *p, int field, nl_tensor *x) {
  nl_lua_pass *lp = lua_pass_of(p);
  lua_State *L = lp->L;
  if (p->build.status != NL_OK) {
    return NULL;
  } else if (!lua_checkstack(L, 20)) {
    return nl_pass_fail(p, "too much is in use at once");
  }
  nl_object_push_fields(L, lp->self);
  lua_pushstring(L, p->layer->fields->field[field].name); /* it is there already, as a key */
  if (lua_rawget(L, -2) == LUA_TNIL) {
    return nl_pass_fail(p, "%s is nil; it is needed", p->layer->fields->field[field].name);
  }
  lua_remove(L, -2);
  return call_object(lp, x);
}

static nl_tensor *call_field_all(nl_pass *p, int field, int given, const nl_given *inputs) {
  nl_lua_pass *lp = lua_pass_of(p);
  if (p->build.status != NL_OK) {
    return NULL;
  } else if (!lua_checkstack(lp->L, 20 + given)) {
    return nl_pass_fail(p, "too much is in use at once");
  }
  lua_pushvalue(lp->L, lp->self);
  const char *inner = p->layer->fields->field[field].name;
  return call_by_lua(lp, &(inside_call){.field = inner, .x = inputs[0].tensor, .more = given - 1, .given = inputs + 1});
}

static nl_tensor *call_field_with(nl_pass *p, int field, const char *name, nl_tensor *value, nl_tensor *x) {
  nl_lua_pass *lp = lua_pass_of(p);
  if (p->build.status != NL_OK) {
    return NULL;
  } else if (!lua_checkstack(lp->L, 20)) {
    return nl_pass_fail(p, "too much is in use at once");
  }
  lua_pushvalue(lp->L, lp->self);
  const char *inner = p->layer->fields->field[field].name;
  return call_by_lua(lp, &(inside_call){.field = inner, .x = x, .name = name, .value = value});
}

/* (name, object) or (name, object, field): the tensor of this name in the object, or in the layer in its field */
static int find_tensor(lua_State *L) {
  if (lua_gettop(L) == 3) {
    nl_object_push_fields(L, 2);
    lua_pushstring(L, lua_touserdata(L, 3));
    lua_rawget(L, -2);
    lua_replace(L, 2);
    lua_settop(L, 2);
  }
  lua_pushstring(L, lua_touserdata(L, 1));
  nl_observe_read(L, 2, -1);
  if (!nl_object_push_fields(L, 2)) {
    return 0;
  }
  lua_insert(L, -2);
  lua_rawget(L, -2);
  return 1;
}

static nl_tensor *tensor_in(nl_pass *p, int field, const char *name) {
  nl_lua_pass *lp = lua_pass_of(p);
  lua_State *L = lp->L;
  if (p->build.status != NL_OK) {
    return NULL;
  } else if (!lua_checkstack(L, 20)) {
    return nl_pass_fail(p, "too much is in use at once");
  }
  lua_pushcfunction(L, find_tensor);
  lua_pushlightuserdata(L, (void *)(uintptr_t)name);
  lua_pushvalue(L, lp->self);
  if (field >= 0) {
    lua_pushlightuserdata(L, (void *)(uintptr_t)p->layer->fields->field[field].name);
  }
  if (lua_pcall(L, field >= 0 ? 3 : 2, 1, 0) != LUA_OK) {
    lp->raised = p->told = true;
    p->build.status = NL_ERROR;
    return NULL;
  }
  nl_tensor *t = nl_to_tensor(L, -1);
  t = t ? nl_b_own(&p->build, nl_tensor_ref(t)) : NULL;
  lua_pop(L, 1);
  if (!t && field >= 0) {
    nl_pass_fail(p, "the layer in it has no tensor '%s'", name);
  }
  return t;
}

static const nl_pass_host lua_host = {call_field, call_field_all, call_field_with, tensor_in};

/* ---- a pass ---- */

/* Lists are plain tables, whose numbers nobody counts. */
static void observe_fields(lua_State *L, int index, const nl_layer *l) {
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

void nl_lua_pass_begin(lua_State *L, nl_lua_pass *lp, int self, nl_object *o) {
  *lp = (nl_lua_pass){.L = L, .self = self};
  lp->pass.layer = nl_layer_refresh(L, self, o);
  lp->pass.host = &lua_host;
  lp->pass.recording = nl_observing() != NULL;
  if (lp->pass.recording) {
    observe_fields(L, self, lp->pass.layer);
  }
  nl_build_init(&lp->pass.build);
  lp->pass.build.find_memory = find_memory;
}

void nl_lua_pass_raise(lua_State *L, nl_lua_pass *lp) {
  nl_build_free(&lp->pass.build);
  if (lp->raised) {
    lua_error(L);
  }
  nl_lua_raise(L);
}

void nl_lua_pass_run(lua_State *L, nl_lua_pass *lp) {
  nl_lua_set_running(L);
  nl_status status = nl_pass_run(&lp->pass);
  nl_lua_set_running(NULL);
  if (status != NL_OK) {
    nl_lua_pass_raise(L, lp);
  }
}

void nl_open_layer_pass(lua_State *L) {
  lua_getfield(L, -1, "override");
  lua_setfield(L, LUA_REGISTRYINDEX, "nn.override");
  nl_observe_exempt(prepare_inside);
  nl_observe_exempt(call_protected);
  nl_observe_exempt(find_tensor);
}
