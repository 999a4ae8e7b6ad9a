/* The call of any layer. A call of an object whose class has an entry, that has no hook, and whose forward is the
   entry's own goes straight to C (nn/pass.h); what else can stand there (hooks, functions written in Lua, classes of a
   user's own) is called as Lua calls it. */
#include <stdio.h>
#include <string.h>

#include "lua/layer_pass.h"
#include "lua/observe.h"

/* ---- one call ---- */

/* "Linear(3, 4)" */
static const char *layer_title(lua_State *L, const nl_layer *l) {
  return lua_pushfstring(L, "%s(%s)", l->name, nl_layer_describe(l).s);
}

static void refuse_input(lua_State *L, const nl_layer *l, const nl_input *in, int index) {
  bool single = in->size == 1 && *in->name == 'x', state = in->optional && !in->by_name && l->entry->states;
  nl_lua_error(L, "%s: the %s%.*s must be %s, but is %s", layer_title(L, l), state ? "state " : "",
               single ? 5 : in->size, single ? "input" : in->name,
               in->flag   ? "true or false"
               : in->list ? "a list of sizes, e.g. {14, 10}"
                          : "a tensor",
               nl_describe(L, index).s);
}

/* The names of what is given by name: "attn_mask, need_weights". */
static const char *named_inputs(const nl_fields *all, char *text, size_t size) {
  *text = 0;
  for (int i = 0; i < all->given; i++) {
    size_t used = strlen(text);
    if (all->input[i].optional) {
      snprintf(text + used, size - used, "%s%.*s", used ? ", " : "", all->input[i].size, all->input[i].name);
    }
  }
  return text;
}

/* What a table at `index` gives by name. */
static void read_named_inputs(lua_State *L, nl_pass *p, int index) {
  const nl_fields *all = p->layer->fields;
  char text[200];
  nl_observe_whole(L, index);
  for (lua_pushnil(L); lua_next(L, index); lua_pop(L, 1)) {
    const nl_input *in = NULL;
    size_t n = 0;
    const char *name = lua_type(L, -2) == LUA_TSTRING ? lua_tolstring(L, -2, &n) : NULL;
    for (int i = 0; i < all->given && name; i++) {
      bool same = all->input[i].optional && (size_t)all->input[i].size == n && memcmp(all->input[i].name, name, n) == 0;
      in = same ? &all->input[i] : in;
    }
    if (!in) {
      nl_lua_error(L, "%s: takes %s by name, but got %s", layer_title(L, p->layer),
                   named_inputs(all, text, sizeof text), name ? name : nl_describe(L, -2).s);
    } else if (in->flag) {
      if (!lua_isboolean(L, -1)) {
        refuse_input(L, p->layer, in, lua_gettop(L));
      }
      p->flag[in->slot] = lua_toboolean(L, -1);
    } else if (in->list) {
      if (!lua_istable(L, -1)) {
        refuse_input(L, p->layer, in, lua_gettop(L));
      }
      nl_observe_whole(L, lua_gettop(L));
      p->nlist = nl_read_ints(L, lua_gettop(L), p->list, NL_MAX_DIM);
      if (p->nlist < 0) {
        nl_error_prefix("%s: %s", layer_title(L, p->layer), name);
        nl_lua_raise(L);
      }
    } else {
      p->in[in->slot] = nl_to_tensor(L, -1);
      if (!p->in[in->slot]) {
        refuse_input(L, p->layer, in, lua_gettop(L));
      }
    }
  }
}

/* The inputs from stack index `first` on. States may come in one table, which then gives way to what is in it. */
static void read_layer_inputs(lua_State *L, nl_pass *p, int first) {
  const nl_layer *l = p->layer;
  const nl_fields *all = l->fields;
  int most = all->inputs, last = lua_gettop(L), states = l->entry->states;
  int at = first + most - states;
  nl_pass_clear_inputs(p);
  bool by_name = all->given > all->needed; /* something may be left out */
  while (last - first + 1 > (by_name ? 0 : most) && lua_isnil(L, last)) {
    last--;
  }
  bool named = by_name && last >= first && lua_type(L, last) == LUA_TTABLE && lua_rawlen(L, last) == 0;
  if (named) {
    read_named_inputs(L, p, last--);
  }
  if (states && last >= at && lua_type(L, at) == LUA_TTABLE) {
    nl_observe_whole(L, at);
    int n = (int)lua_rawlen(L, at), all_of_it = 0;
    for (lua_pushnil(L); lua_next(L, at); lua_pop(L, 1)) {
      all_of_it++;
    }
    if (last > at || n != states || all_of_it != n) {
      nl_lua_error(L, "%s: takes the states as tensors or as {%s}, but got a table of %d%s", layer_title(L, l),
                   states == 2 ? "h, c" : "h", all_of_it, last > at ? " and another value" : "");
    }
    for (int i = 1; i <= states; i++) { /* the table holds them */
      const nl_input *in = &all->input[most - states + i - 1];
      lua_rawgeti(L, at, i);
      p->in[in->slot] = nl_to_tensor(L, -1);
      if (!p->in[in->slot]) {
        refuse_input(L, l, in, lua_gettop(L));
      }
      lua_pop(L, 1);
    }
    last = at - 1;
  }
  if (last - first + 1 > most) {
    char count[40];
    snprintf(count, sizeof count, most == 1 ? "one input" : "at most %d inputs", most);
    nl_lua_error(L, "%s: takes %s, but got %d: the last is %s", layer_title(L, l), count, last - first + 1,
                 nl_describe(L, last).s);
  }
  for (int i = 0; i < most; i++) {
    bool given = first + i <= last;
    if (given && !lua_isnil(L, first + i)) { /* nil leaves what was given by name */
      if (p->in[i]) {
        nl_lua_error(L, "%s: the %.*s is given twice, by its place and by its name; leave one out", layer_title(L, l),
                     all->input[i].size, all->input[i].name);
      }
      p->in[i] = nl_to_tensor(L, first + i);
    }
    if (!p->in[i] && (!all->input[i].optional || (given && !lua_isnil(L, first + i)))) {
      if (!given) {
        lua_settop(L, first + i);
      }
      refuse_input(L, l, &all->input[i], first + i);
    }
  }
}

/* Runs the object at `self` on the inputs from `first` to the top; pushes the results and returns their number. */
static int run_layer(lua_State *L, int self, nl_object *o, int first) {
  nl_lua_pass lp;
  nl_lua_account(L);
  nl_lua_pass_begin(L, &lp, self, o);
  read_layer_inputs(L, &lp.pass, first);
  luaL_checkstack(L, 16, NULL);
  int most = o->entry->outputs ? o->entry->outputs : 1, top = lua_gettop(L);
  nl_box *box[NL_PASS_OUT];
  for (int i = 0; i < most; i++) {
    box[i] = nl_push_box(L);
  }
  nl_lua_pass_run(L, &lp);
  int n = lp.pass.nout;
  for (int i = 0; i < n; i++) {
    box[i]->t = nl_tensor_ref(lp.pass.out[i]);
  }
  nl_build_free(&lp.pass.build);
  for (int i = 0; i < n; i++) {
    nl_fill_box(L, top + 1 + i, box[i], box[i]->t);
  }
  lua_settop(L, top + n);
  return n;
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
  nl_lua_pass lp;
  nl_lua_pass_begin(L, &lp, 1, o);
  nl_box *box = nl_push_box(L);
  int at = lua_gettop(L);
  nl_tensor *w = nl_pass_weight(&lp.pass);
  if (lp.pass.build.status != NL_OK) {
    nl_lua_pass_raise(L, &lp);
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
  nl_lua_pass lp;
  nl_lua_pass_begin(L, &lp, 1, o);
  double over = o->entry->mean_over(&lp.pass, target);
  if (lp.pass.build.status != NL_OK) {
    nl_lua_pass_raise(L, &lp);
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
  nl_way way = nl_layer_way(L, 1, o);
  if (way == NL_WAY_LAYER) {
    return run_layer(L, 1, o, 2);
  } else if (way == NL_WAY_CHAIN) {
    return nl_chain_forward(L);
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
   of with the graph that holds it. X is that box, or what came from Lua. NET is the Sequential whose layers are called
   now: one that stands in another is gone through in its place, and the outer one, with the place in it, waits in
   FRAMES (a table, or nil). */
enum { CHAIN_SELF = 1, CHAIN_X, CHAIN_NET, CHAIN_FIELDS, CHAIN_BOX, CHAIN_FRAMES, CHAIN_CHILD };

/* A model that stands in itself would never end. */
enum { MOST_FRAMES = 10000 };

/* A built-in layer, at CHILD, on what stands at X. */
static void run_in_chain(lua_State *L, nl_object *o) {
  nl_lua_pass lp;
  nl_lua_account(L);
  nl_lua_pass_begin(L, &lp, CHAIN_CHILD, o);
  lua_pushvalue(L, CHAIN_X);
  read_layer_inputs(L, &lp.pass, CHAIN_CHILD + 1);
  nl_box *box = lua_touserdata(L, CHAIN_BOX);
  if (!box) {
    box = nl_push_box(L);
    lua_replace(L, CHAIN_BOX);
  }
  nl_lua_pass_run(L, &lp);
  nl_tensor *was = box->t;
  box->t = nl_tensor_ref(lp.pass.out[0]);
  nl_build_free(&lp.pass.build);
  nl_tensor_unref(was);
  nl_fill_box(L, CHAIN_BOX, box, box->t);
  lua_pushvalue(L, CHAIN_BOX);
  lua_replace(L, CHAIN_X);
}

/* Goes into the Sequential at CHILD; i: where the one around it goes on. */
static void enter_chain(lua_State *L, lua_KContext i) {
  if (lua_isnil(L, CHAIN_FRAMES)) {
    lua_newtable(L);
    lua_replace(L, CHAIN_FRAMES);
  }
  lua_Integer n = (lua_Integer)lua_rawlen(L, CHAIN_FRAMES);
  if (n > 2 * MOST_FRAMES) {
    nl_lua_error(L, "Sequential: more than %d stand in each other; one may stand in itself", MOST_FRAMES);
  }
  lua_pushvalue(L, CHAIN_NET);
  lua_rawseti(L, CHAIN_FRAMES, n + 1);
  lua_pushinteger(L, i);
  lua_rawseti(L, CHAIN_FRAMES, n + 2);
  lua_settop(L, CHAIN_CHILD);
  nl_object_push_fields(L, CHAIN_CHILD);
  lua_replace(L, CHAIN_FIELDS);
  lua_replace(L, CHAIN_NET);
}

/* Goes back to the one around; false: there is none. */
static bool leave_chain(lua_State *L, lua_KContext *i) {
  lua_Integer n = lua_isnil(L, CHAIN_FRAMES) ? 0 : (lua_Integer)lua_rawlen(L, CHAIN_FRAMES);
  if (n == 0) {
    return false;
  }
  lua_rawgeti(L, CHAIN_FRAMES, n);
  *i = lua_tointeger(L, -1);
  lua_rawgeti(L, CHAIN_FRAMES, n - 1);
  for (int k = 0; k < 2; k++) {
    lua_pushnil(L);
    lua_rawseti(L, CHAIN_FRAMES, n - k);
  }
  nl_object_push_fields(L, -1);
  lua_replace(L, CHAIN_FIELDS);
  lua_replace(L, CHAIN_NET);
  return true;
}

/* From behind layer i on; -1: at the start. */
static int chain_on(lua_State *L, int status, lua_KContext i) {
  (void)status;
  if (i >= 0) {
    lua_replace(L, CHAIN_X); /* what layer i gave */
  } else {
    i = 0;
  }
  for (;;) {
    i++;
    if (nl_observing()) {
      lua_pushinteger(L, i);
      nl_observe_read(L, CHAIN_NET, -1);
    }
    lua_settop(L, CHAIN_FRAMES);
    if (lua_rawgeti(L, CHAIN_FIELDS, i) == LUA_TNIL) {
      if (leave_chain(L, &i)) {
        continue;
      }
      lua_settop(L, CHAIN_X);
      return 1;
    }
    nl_object *o = nl_to_object(L, CHAIN_CHILD);
    nl_way way = o ? nl_layer_way(L, CHAIN_CHILD, o) : NL_WAY_LUA;
    if (way == NL_WAY_LAYER) {
      run_in_chain(L, o);
    } else if (way == NL_WAY_CHAIN) {
      enter_chain(L, i);
      i = 0;
    } else {
      lua_pushvalue(L, CHAIN_X);
      lua_pushnil(L);
      lua_replace(L, CHAIN_BOX); /* it is Lua's now */
      lua_callk(L, 1, 1, i, chain_on);
      lua_replace(L, CHAIN_X);
    }
  }
}

/* forward(self, x) of Sequential: one layer after another */
int nl_chain_forward(lua_State *L) {
  nl_object *o = nl_to_object(L, 1);
  if (!o || o->is_class || !o->entry) {
    return nl_lua_error(L, "Sequential: self must be what it belongs to (call it as net(x)), but is %s",
                        nl_describe(L, 1).s);
  }
  if (lua_gettop(L) > 2 && !lua_isnil(L, -1)) {
    return nl_lua_error(L, "Sequential: takes one input, but got %d: the last is %s", lua_gettop(L) - 1,
                        nl_describe(L, -1).s);
  }
  lua_settop(L, CHAIN_X);
  luaL_checkstack(L, 24, NULL);
  lua_pushvalue(L, CHAIN_SELF);
  nl_object_push_fields(L, CHAIN_SELF);
  lua_pushnil(L);
  lua_pushnil(L);
  return chain_on(L, LUA_OK, -1);
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
  nl_observe_exempt(call_layer);
  nl_observe_exempt(nl_chain_forward);
}
