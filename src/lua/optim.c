/* The state of an optimizer, and its step: one call over all parameters of all groups. The groups are what users read
   and write (opt.param_groups[1].lr = 0.1, groups added and taken away), so they are read anew at each step; what a
   rule keeps belongs to the parameter, wherever it stands. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "autograd/tape.h"
#include "compile/trace.h"
#include "core/interrupt.h"
#include "core/map.h"
#include "core/memory.h"
#include "lua/object.h"
#include "lua/observe.h"
#include "optable/helpers.h"
#include "optim/update.h"

#define STATE_TYPE "nn.OptimizerState"
#define RECORDED_TYPE "nn.RecordedStep"

typedef struct kept {
  nl_tensor *param; /* a reference */
  nl_optim_slot slot;
} kept;

/* What a step is about to do with one parameter. */
typedef struct planned {
  nl_tensor *w, *grad; /* the parameter's; references */
  int slot, group;
} planned;

/* A group's options as they are now, in the rule's order. */
typedef struct group_args {
  double option[NL_MAX_OPTIONS];
} group_args;

typedef struct state {
  int count;
  kept *kept;
  nl_map by_param;
  uint64_t version; /* grows when what is kept is replaced */
  uint64_t born;    /* among the storages */
  uint64_t plan;    /* the number of the one that stands here: a finalizer may make a step while another is planned */
  int nplanned, ngroups;
  planned *planned; /* of the step that is about to be made; room stays */
  group_args *args;
} state;

static void forget_plan(state *s) {
  for (int i = 0; i < s->nplanned; i++) {
    nl_tensor_unref(s->planned[i].w);
    nl_tensor_unref(s->planned[i].grad);
  }
  s->nplanned = s->ngroups = 0;
}

static int state_gc(lua_State *L) {
  state *s = luaL_checkudata(L, 1, STATE_TYPE);
  forget_plan(s);
  for (int i = 0; i < s->count; i++) {
    nl_tensor_unref(s->kept[i].param);
    nl_optim_slot_free(&s->kept[i].slot);
  }
  nl_delete(s->kept);
  nl_map_free(&s->by_param);
  nl_delete(s->planned);
  nl_delete(s->args);
  *s = (state){.count = 0};
  return 0;
}

/* optimizer_state() -> state without parameters */
static int state_new(lua_State *L) {
  state *s = lua_newuserdatauv(L, sizeof *s, 0);
  *s = (state){.born = nl_storage_next_serial()};
  luaL_setmetatable(L, STATE_TYPE);
  return 1;
}

/* The number of a parameter, which is added where it is new; -1 without memory. `guess` is where it probably stands. */
static int number_of(state *s, nl_tensor *p, int guess) {
  if (guess < s->count && s->kept[guess].param == p) {
    return guess;
  }
  int i = nl_map_get(&s->by_param, p);
  if (i >= 0) {
    return i;
  }
  kept *more = nl_grow(s->kept, s->count, sizeof *more);
  if (!more) {
    return -1;
  }
  s->kept = more;
  if (nl_map_put(&s->by_param, p, s->count) != NL_OK) {
    return -1;
  }
  s->kept[s->count] = (kept){.param = nl_tensor_ref(p)};
  return s->count++;
}

/* add(state, p): p gets the next number, unless it has one */
static int state_add(lua_State *L) {
  state *s = luaL_checkudata(L, 1, STATE_TYPE);
  if (number_of(s, nl_check_tensor(L, 2, "add_param_group", "a parameter"), s->count) < 0) {
    return nl_lua_raise(L);
  }
  return 0;
}

/* Pushes what to read a list or group from by raw access: an object's fields, or the table itself. False, and nothing
   pushed, for anything else. */
static bool push_contents(lua_State *L, int index) {
  if (nl_object_push_fields(L, index)) {
    return true;
  }
  if (lua_type(L, index) == LUA_TTABLE) {
    lua_pushvalue(L, index);
    return true;
  }
  return false;
}

/* The same of a list, all of which a compiled function depends on. */
static bool push_observed_list(lua_State *L, int index) {
  nl_observe_whole(L, index);
  return push_contents(L, index);
}

/* Pushes an option of a group, whose contents stand at stack index `group`; no Lua code runs for it. */
static int push_option(lua_State *L, int group, const char *name) {
  lua_pushstring(L, name);
  return lua_rawget(L, group);
}

/* ---- a step ---- */

static const nl_rule *check_rule(lua_State *L, int index) {
  const nl_rule *rule = nl_rule_find(luaL_checkstring(L, index));
  luaL_argcheck(L, rule, index, "no such rule");
  return rule;
}

/* Raises for a value on top of the stack that is no list of numbers as the option asks. */
static int refuse_list(lua_State *L, const nl_rule *rule, const nl_option *o) {
  char example[96] = "", below[40] = "";
  int count = 0, used = 0;
  for (int i = 0; i < rule->noptions; i++) {
    if (strcmp(rule->options[i].name, o->name) == 0) {
      used += snprintf(example + used, sizeof example - (size_t)used, count ? ", %g" : "%g", rule->options[i].fallback);
      count++;
    }
  }
  if (o->below < INFINITY) {
    snprintf(below, sizeof below, " and below %g", o->below);
  }
  return nl_lua_error(L, "%s: %s must be %d numbers of at least %g%s, e.g. {%s}", rule->name, o->name, count, o->low,
                      below, example);
}

/* The option of a list, which stands on top of the stack and is popped. */
static double read_from_list(lua_State *L, const nl_rule *rule, const nl_option *o) {
  int list = lua_gettop(L), count = 0;
  for (int i = 0; i < rule->noptions; i++) {
    count += strcmp(rule->options[i].name, o->name) == 0;
  }
  bool ok = push_contents(L, list) && (int)lua_rawlen(L, -1) == count && lua_rawgeti(L, -1, o->at) == LUA_TNUMBER;
  double v = ok ? lua_tonumber(L, -1) : NAN;
  if (!(v >= o->low && v < o->below)) {
    lua_settop(L, list);
    refuse_list(L, rule, o);
  }
  lua_settop(L, list - 1);
  return v;
}

/* An option of a group, whose contents stand at stack index `group`: a number within its bounds, or a boolean as 1 or
   0. No Lua code runs for it. */
static double read_option(lua_State *L, int group, const nl_rule *rule, const nl_option *o) {
  int kind = push_option(L, group, o->name);
  if (o->at > 0) {
    return read_from_list(L, rule, o);
  }
  if (kind != (o->is_bool ? LUA_TBOOLEAN : LUA_TNUMBER)) {
    nl_lua_error(L, "%s: %s must be %s, but is %s", rule->name, o->name, o->is_bool ? "true or false" : "a number",
                 nl_describe(L, -1).s);
  }
  double v = o->is_bool ? lua_toboolean(L, -1) : lua_tonumber(L, -1);
  if (!o->is_bool && !(v >= o->low && v < o->below)) {
    char low[40] = "a finite number", below[40] = "";
    if (o->low > -INFINITY) {
      snprintf(low, sizeof low, v == INFINITY ? "a finite number, %g or more" : "%g or more", o->low);
    }
    if (o->below < INFINITY) {
      snprintf(below, sizeof below, " and below %g", o->below);
    }
    nl_lua_error(L, "%s: %s must be %s%s, but is %s", rule->name, o->name, low, below, nl_describe(L, -1).s);
  }
  lua_pop(L, 1);
  return v;
}

static group_args read_group(lua_State *L, const nl_rule *rule, int group) {
  group_args a = {.option = {0}};
  for (int i = 0; i < rule->noptions; i++) {
    a.option[i] = read_option(L, group, rule, &rule->options[i]);
  }
  const char *wrong = rule->refuse ? rule->refuse(a.option) : NULL;
  if (wrong) {
    nl_lua_error(L, "%s: %s", rule->name, wrong);
  }
  return a;
}

/* check_options(rule, group): raises where options of a group (a table) are not what the rule takes */
static int check_options(lua_State *L) {
  const nl_rule *rule = check_rule(L, 1);
  if (!push_contents(L, 2)) {
    return nl_lua_error(L, "%s: the options must be a table, but are %s", rule->name, nl_describe(L, 2).s);
  }
  read_group(L, rule, lua_gettop(L));
  return 0;
}

/* A recorded step: which parameters it updates, and where the options are read from at each replay. */
typedef struct recorded {
  nl_lua_effect lua;
  lua_State *L; /* of the main thread */
  int state_ref, groups_ref;
  state *s;
  const nl_rule *rule;
  int ngroups, count;
  uint64_t seen, version; /* the changes that args know of, and what the state was */
  bool plain;             /* a group is a plain table, whose changes nobody counts */
  bool fixed;             /* made while recording: each of its steps has the options that it had then */
  group_args *args;
  int *slot, *group; /* of each parameter that is updated */
  nl_tensor **t;     /* parameter, gradient, parameter, ... */
  bool *writes;
} recorded;

/* Reads the options again if some were set; may raise. */
static void refresh(lua_State *L, nl_lua_effect *e) {
  recorded *r = (recorded *)e;
  if (r->fixed || (r->seen == nl_object_epoch && !r->plain && r->version == r->s->version)) {
    return;
  }
  int top = lua_gettop(L);
  lua_rawgeti(L, LUA_REGISTRYINDEX, r->groups_ref);
  bool there = push_contents(L, -1);
  for (int g = 0; g < r->ngroups; g++) {
    lua_settop(L, top + (there ? 2 : 1));
    there = there && lua_rawgeti(L, -1, g + 1) != LUA_TNIL && push_contents(L, -1);
    if (!there) {
      nl_lua_error(L, "%s: group %d is gone; param_groups must be the list of groups it was", r->rule->name, g + 1);
    }
    r->args[g] = read_group(L, r->rule, lua_gettop(L));
  }
  lua_settop(L, top);
  for (int i = 0; i < r->count; i++) { /* before the program runs, so that it need not stop half-way */
    kept *k = &r->s->kept[r->slot[i]];
    nl_lua_check(L, nl_rule_make_room(r->rule, k->param, &k->slot, r->args[r->group[i]].option));
  }
  r->seen = nl_object_epoch;
  r->version = r->s->version;
}

static nl_status run_recorded(void *ctx, int i, nl_tensor *const t[]) {
  const recorded *r = ctx;
  nl_optim_slot *slot = &r->s->kept[r->slot[i]].slot;
  const double *options = r->args[r->group[i]].option;
  nl_status status = nl_rule_prepare(r->rule, t[0], t[1], slot, options);
  if (status == NL_OK) {
    nl_rule_apply(r->rule, t[0], t[1], slot, options);
  }
  return status;
}

static void release_recorded(void *ctx) {
  recorded *r = ctx;
  luaL_unref(r->L, LUA_REGISTRYINDEX, r->state_ref);
  luaL_unref(r->L, LUA_REGISTRYINDEX, r->groups_ref);
  nl_delete(r->args);
  nl_delete(r->slot);
  nl_delete(r->t);
  nl_delete(r->writes);
  nl_delete(r);
}

static int drop_recorded(lua_State *L) {
  recorded **hold = nl_held(L, RECORDED_TYPE);
  if (*hold) {
    release_recorded(*hold);
    *hold = NULL;
  }
  return 0;
}

/* Lets go of a recorded step when something raises. */
static recorded **push_recorded(lua_State *L) {
  return nl_push_hold(L, sizeof(recorded *), RECORDED_TYPE, "__gc", drop_recorded);
}

/* Room for a step over n parameters of the state at stack index 1, the groups at 3. */
static recorded *new_recorded(lua_State *L, state *s, const nl_rule *rule, int ngroups, size_t n) {
  lua_pushvalue(L, 1);
  int state_ref = luaL_ref(L, LUA_REGISTRYINDEX);
  lua_pushvalue(L, 3);
  int groups_ref = luaL_ref(L, LUA_REGISTRYINDEX);
  recorded *r = nl_new(sizeof *r);
  if (!r) {
    luaL_unref(L, LUA_REGISTRYINDEX, state_ref);
    luaL_unref(L, LUA_REGISTRYINDEX, groups_ref);
    nl_lua_raise(L);
    return NULL;
  }
  n++;
  lua_rawgeti(L, LUA_REGISTRYINDEX, LUA_RIDX_MAINTHREAD);
  *r = (recorded){.lua = {refresh}, .L = lua_tothread(L, -1), .state_ref = state_ref, .groups_ref = groups_ref};
  lua_pop(L, 1);
  r->s = s;
  r->rule = rule;
  r->ngroups = ngroups;
  r->seen = UINT64_MAX;
  r->args = nl_new(((size_t)ngroups + 1) * sizeof *r->args);
  r->slot = nl_new(2 * n * sizeof *r->slot);
  r->group = r->slot ? r->slot + n : NULL;
  r->t = nl_new(2 * n * sizeof(nl_tensor *));
  r->writes = nl_new(2 * n);
  if (!r->args || !r->slot || !r->t || !r->writes) {
    release_recorded(r);
    nl_lua_raise(L);
  }
  return r;
}

/* Hands the recorded step to the open trace; raises when memory runs out. */
static void hand_to_trace(lua_State *L, recorded *r) {
  nl_effect *e = nl_new(sizeof *e);
  if (!e) {
    release_recorded(r);
    nl_lua_raise(L);
    return;
  }
  *e = (nl_effect){.name = r->rule->name,
                   .run = run_recorded,
                   .release = release_recorded,
                   .ctx = r,
                   .count = 2 * r->count,
                   .each = 2,
                   .t = r->t,
                   .writes = r->writes};
  for (int i = 0; i < e->count; i++) {
    nl_tensor_ref(r->t[i]);
  }
  nl_lua_check(L, nl_trace_effect(e));
}

/* Pushes group g, its contents, and those of its list of parameters; or nothing and false, at the end. The contents of
   the groups stand at stack index `groups`. Raises for what is no group. */
static bool push_group(lua_State *L, const char *rule, int groups, int g) {
  if (lua_rawgeti(L, groups, g) == LUA_TNIL) {
    lua_pop(L, 1);
    return false;
  }
  if (!push_contents(L, -1)) {
    nl_lua_error(L, "%s: group %d must be a table with a list 'params', but is %s", rule, g, nl_describe(L, -1).s);
  } else if (lua_rawequal(L, -1, -2) && lua_getmetatable(L, -1)) {
    nl_lua_error(L, "%s: group %d is a table with a metatable; give a plain one", rule, g);
  }
  lua_pushliteral(L, "params");
  nl_observe_read(L, -3, -1);
  lua_rawget(L, -2);
  if (!push_observed_list(L, -1)) {
    nl_lua_error(L, "%s: group %d must have a list 'params', but it is %s", rule, g, nl_describe(L, -1).s);
  }
  lua_remove(L, -2);
  return true;
}

/* Notes what a step does with the parameter on top of the stack, and makes sure that it can; `at` is its number. */
static nl_status plan_parameter(lua_State *L, state *s, const nl_rule *rule, int g, int at) {
  nl_tensor *w = nl_check_tensor(L, -1, rule->name, "a parameter"), *grad = nl_grad_of(w);
  if (!grad) {
    return NL_OK;
  }
  int i = number_of(s, w, at);
  planned *more = i < 0 ? NULL : nl_grow(s->planned, s->nplanned, sizeof *more);
  if (!more) {
    return NL_NOMEM;
  }
  s->planned = more;
  s->planned[s->nplanned++] = (planned){nl_tensor_ref(w), nl_tensor_ref(grad), i, g};
  return nl_rule_prepare(rule, w, grad, &s->kept[i].slot, s->args[g].option);
}

/* All that can fail of a step over the groups, whose contents stand at stack index 4. What is asked of Lua may collect,
   and a finalizer may make a step of its own: then this plan is not the one that stands here any more. */
static nl_status plan_step(lua_State *L, state *s, const nl_rule *rule, bool *plain) {
  int at = 0;
  nl_status status = NL_OK;
  forget_plan(s);
  const uint64_t mine = ++s->plan;
  for (int g = 0; status == NL_OK && s->plan == mine && push_group(L, rule->name, 4, g + 1); g++) {
    int group = lua_gettop(L) - 1;
    group_args args = read_group(L, rule, group);
    group_args *more = s->plan == mine ? nl_grow(s->args, g, sizeof *more) : s->args;
    if (!more) {
      return NL_NOMEM;
    }
    if (s->plan == mine) {
      s->args = more;
      s->args[g] = args;
      s->ngroups = g + 1;
    }
    *plain = *plain || !nl_to_object(L, group - 1);
    for (int i = 1; status == NL_OK && s->plan == mine && lua_rawgeti(L, group + 1, i) != LUA_TNIL; i++, at++) {
      status = plan_parameter(L, s, rule, g, at);
      lua_pop(L, 1);
    }
    lua_settop(L, group - 2);
  }
  return status;
}

/* Plans until a plan stands, with what is recorded of it where a trace is open; raises. */
static recorded *plan_and_record(lua_State *L, state *s, const nl_rule *rule, recorded **hold) {
  enum { MOST_TRIES = 1000 };
  const int top = lua_gettop(L);
  bool collected = false;
  for (int tries = 0;; tries++) {
    bool plain = false;
    uint64_t before = s->plan;
    nl_status status = plan_step(L, s, rule, &plain);
    lua_settop(L, top);
    if (s->plan != before + 1) {
      if (tries == MOST_TRIES) {
        nl_lua_error(L, "%s: finalizers (__gc) make steps of this optimizer again and again", rule->name);
      }
      continue;
    }
    if (status == NL_NOMEM && !collected) { /* garbage may hold it */
      collected = true;
      nl_lua_collect(L);
      continue;
    }
    if (status != NL_OK) {
      nl_error_prefix("%s", rule->name);
      nl_lua_raise(L);
    }
    if (!hold) {
      return NULL;
    }
    recorded *r = *hold = new_recorded(L, s, rule, s->ngroups, (size_t)s->nplanned);
    if (s->plan == before + 1) {
      r->plain = plain;
      return r;
    }
    *hold = NULL;
    release_recorded(r);
  }
}

/* Whether the step that is planned would go on from the one before. */
static bool remembers(const state *s, const nl_rule *rule) {
  bool any = false;
  for (int g = 0; g < s->ngroups && rule->states[0]; g++) {
    any = any || !rule->keeps || rule->keeps(s->args[g].option) > 0;
  }
  return any;
}

/* step(state, rule, groups): of all parameters, or, where it raises, of none */
static int state_step(lua_State *L) {
  state *s = luaL_checkudata(L, 1, STATE_TYPE);
  const nl_rule *rule = check_rule(L, 2);
  lua_settop(L, 3);
  if (!push_observed_list(L, 3)) {
    return nl_lua_error(L, "%s: param_groups must be a list of groups, but is %s", rule->name, nl_describe(L, 3).s);
  }
  recorded **hold = nl_trace_current() ? push_recorded(L) : NULL, *r = plan_and_record(L, s, rule, hold);
  nl_interrupt_hold();
  for (int i = 0; i < s->nplanned; i++) {
    const planned *p = &s->planned[i];
    nl_rule_apply(rule, p->w, p->grad, &s->kept[p->slot].slot, s->args[p->group].option);
  }
  nl_interrupt_release();
  for (int i = 0; r && i < s->nplanned; i++) {
    const planned *p = &s->planned[i];
    r->slot[r->count] = p->slot;
    r->group[r->count] = p->group;
    r->writes[2 * r->count] = true;
    r->t[2 * r->count] = p->w; /* the trace takes references of its own, before anything else happens */
    r->t[2 * r->count++ + 1] = p->grad;
  }
  bool refused = false;
  if (r && nl_trace_current()) {
    *hold = NULL;
    r->fixed = s->born > nl_trace_current()->serial;
    memcpy(r->args, s->args, (size_t)r->ngroups * sizeof *r->args);
    refused = r->fixed && remembers(s, rule);
    hand_to_trace(L, r);
  }
  forget_plan(s);
  if (refused) {
    nl_lua_refuse(L,
                  "%s: the optimizer is made inside of the compiled function and keeps a state, with which replays "
                  "would go on; make it outside, or call the function without nn.compile",
                  rule->name);
  }
  return 0;
}

/* The slot that a parameter, or a number counted from 1, names at stack index 2; NULL where there is none. */
static nl_optim_slot *find_slot(lua_State *L, state *s) {
  nl_tensor *p = nl_to_tensor(L, 2);
  int i = p ? nl_map_get(&s->by_param, p) : (int)luaL_checkinteger(L, 2) - 1;
  if (!p && (i < 0 || i >= s->count)) {
    nl_lua_error(L, "the optimizer's state has %d parameters, but number %d was asked for", s->count, i + 1);
  }
  return i < 0 ? NULL : &s->kept[i].slot;
}

/* get(state, parameter or its number) -> step, m, v, u (tensors that share the state's memory, or nil), product */
static int state_get(lua_State *L) {
  state *s = luaL_checkudata(L, 1, STATE_TYPE);
  nl_box *box[NL_MAX_STATES];
  lua_settop(L, 2);
  for (int k = 0; k < NL_MAX_STATES; k++) { /* first: pushing them may run finalizers, which may add parameters */
    box[k] = nl_push_box(L);
  }
  const nl_optim_slot none = {.step = 0}, *slot = find_slot(L, s);
  slot = slot ? slot : &none;
  for (int k = 0; k < NL_MAX_STATES; k++) {
    if (slot->state[k] && !slot->fresh) {
      box[k]->t = nl_tensor_ref(slot->state[k]);
    } else {
      lua_pushnil(L);
      lua_replace(L, 3 + k);
    }
  }
  lua_pushinteger(L, slot->step);
  lua_insert(L, 3);
  lua_pushnumber(L, slot->product);
  return 2 + NL_MAX_STATES;
}

/* A copy of what a rule keeps, in the parameter's dtype. Raises where it does not fit the parameter. */
static nl_tensor *copy_state(lua_State *L, int index, const nl_tensor *p) {
  if (lua_isnoneornil(L, index)) {
    return NULL;
  }
  nl_tensor *t = nl_check_tensor(L, index, "load_state_dict", "a state");
  if (!nl_shape_equal(t, p) || !nl_dtype_is_float(nl_tensor_dtype(t))) {
    nl_lua_error(L, "load_state_dict: a state has shape %s (%s), but its parameter %s (%s)",
                 nl_tensor_shape_string(t).s, nl_dtype_name(nl_tensor_dtype(t)), nl_tensor_shape_string(p).s,
                 nl_dtype_name(nl_tensor_dtype(p)));
  }
  nl_call c;
  nl_call_init(&c, op_to(), 1, NULL);
  c.in[0] = t;
  c.attr[nl_to_dtype] = (nl_attr){.set = true, .i = p->dtype};
  bool was = nl_grad_set_enabled(false);
  nl_status status = nl_dispatch(&c);
  nl_grad_set_enabled(was);
  nl_lua_check(L, status);
  nl_push_box(L)->t = c.out[0]; /* until all of them are there */
  return c.out[0];
}

/* set(state, parameter, step, m, v, u, product): copies */
static int state_set(lua_State *L) {
  state *s = luaL_checkudata(L, 1, STATE_TYPE);
  nl_tensor *p = nl_check_tensor(L, 2, "load_state_dict", "a parameter"), *copy[NL_MAX_STATES];
  int64_t step = luaL_checkinteger(L, 3);
  double product = luaL_optnumber(L, 7, 0);
  lua_settop(L, 7);
  for (int k = 0; k < NL_MAX_STATES; k++) {
    copy[k] = copy_state(L, 4 + k, p);
  }
  int i = number_of(s, p, 0);
  if (i < 0) {
    return nl_lua_raise(L);
  }
  nl_optim_slot *slot = &s->kept[i].slot;
  nl_optim_slot_free(slot);
  s->version++;
  s->plan++; /* where a finalizer does this while a step is planned */
  *slot = (nl_optim_slot){.product = product, .step = step};
  for (int k = 0; k < NL_MAX_STATES; k++) {
    slot->state[k] = nl_tensor_ref(copy[k]);
  }
  return 0;
}

/* zero_grad(groups) */
static int zero_grad(lua_State *L) {
  lua_settop(L, 1);
  if (!push_observed_list(L, 1)) {
    return nl_lua_error(L, "zero_grad: param_groups must be a list of groups, but is %s", nl_describe(L, 1).s);
  }
  for (int g = 1; push_group(L, "zero_grad", 2, g); g++) {
    for (int i = 1; lua_rawgeti(L, -1, i) != LUA_TNIL; i++) {
      nl_set_grad(nl_check_tensor(L, -1, "zero_grad", "a parameter"), NULL);
      lua_pop(L, 1);
    }
    lua_pop(L, 4);
  }
  return 0;
}

/* optimizers() -> the table of rules: {{name =, doc =, options = {{name =, at =, boolean =, default =, low =, below =},
   ...}, states = {"...", ...}}, ...} */
static int list_rules(lua_State *L) {
  lua_createtable(L, nl_rule_count(), 0);
  for (int i = 0; i < nl_rule_count(); i++) {
    const nl_rule *rule = nl_rule_at(i);
    lua_createtable(L, 0, 4);
    lua_pushstring(L, rule->name);
    lua_setfield(L, -2, "name");
    lua_pushstring(L, rule->doc);
    lua_setfield(L, -2, "doc");
    lua_createtable(L, rule->noptions, 0);
    for (int k = 0; k < rule->noptions; k++) {
      const nl_option *o = &rule->options[k];
      lua_createtable(L, 0, 6);
      lua_pushstring(L, o->name);
      lua_setfield(L, -2, "name");
      lua_pushinteger(L, o->at);
      lua_setfield(L, -2, "at");
      lua_pushboolean(L, o->is_bool);
      lua_setfield(L, -2, "boolean");
      if (o->fallback == floor(o->fallback)) {
        lua_pushinteger(L, (lua_Integer)o->fallback); /* printed as users write it */
      } else {
        lua_pushnumber(L, o->fallback);
      }
      lua_setfield(L, -2, "default");
      lua_pushnumber(L, o->low);
      lua_setfield(L, -2, "low");
      lua_pushnumber(L, o->below);
      lua_setfield(L, -2, "below");
      lua_rawseti(L, -2, k + 1);
    }
    lua_setfield(L, -2, "options");
    lua_createtable(L, NL_MAX_STATES, 0);
    for (int k = 0; k < NL_MAX_STATES && rule->states[k]; k++) {
      lua_pushstring(L, rule->states[k]);
      lua_rawseti(L, -2, k + 1);
    }
    lua_setfield(L, -2, "states");
    lua_rawseti(L, -2, i + 1);
  }
  return 1;
}

void nl_open_optim(lua_State *L) {
  static const luaL_Reg methods[] = {{"step", state_step}, {"add", state_add}, {"get", state_get},
                                     {"set", state_set},   {"__gc", state_gc}, {NULL, NULL}};
  static const luaL_Reg functions[] = {{"optimizers", list_rules},
                                       {"check_options", check_options},
                                       {"optimizer_state", state_new},
                                       {"zero_grad", zero_grad},
                                       {NULL, NULL}};
  static const nl_not_replayed once[] = {{state_get, "optim", "the state would be read only once; read it outside"},
                                         {state_set, "optim", "the state would be set only once; do it outside"},
                                         {NULL, NULL, NULL}};
  nl_observe_refuse(once);
  luaL_newmetatable(L, STATE_TYPE);
  luaL_setfuncs(L, methods, 0);
  lua_pushvalue(L, -1);
  lua_setfield(L, -2, "__index");
  lua_pop(L, 1);
  luaL_setfuncs(L, functions, 0);
}
