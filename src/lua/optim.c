/* The state of an optimizer, and its step: one call over all parameters of all groups. The groups are Lua tables that
   users read and write (opt.param_groups[1].lr = 0.1), so they are read anew at each step. */
#include <stdio.h>
#include <string.h>

#include "autograd/tape.h"
#include "core/memory.h"
#include "lua/nl_lua.h"
#include "optim/update.h"
#include "plan/trace.h"

#define STATE_TYPE "nn.OptimizerState"

typedef struct state {
  int count;
  nl_optim_slot slot[];
} state;

static int state_gc(lua_State *L) {
  state *s = luaL_checkudata(L, 1, STATE_TYPE);
  for (int i = 0; i < s->count; i++) {
    nl_optim_slot_free(&s->slot[i]);
  }
  s->count = 0;
  return 0;
}

/* optimizer_state(n) -> state for n parameters */
static int state_new(lua_State *L) {
  lua_Integer n = luaL_checkinteger(L, 1);
  luaL_argcheck(L, n >= 0 && n < 1 << 24, 1, "too many parameters");
  size_t bytes = sizeof(state) + (size_t)n * sizeof(nl_optim_slot);
  state *s = lua_newuserdatauv(L, bytes, 0);
  memset(s, 0, bytes);
  s->count = (int)n;
  luaL_setmetatable(L, STATE_TYPE);
  return 1;
}

static double number_field(lua_State *L, int group, const char *rule, const char *name) {
  lua_getfield(L, group, name);
  if (lua_type(L, -1) != LUA_TNUMBER) {
    nl_lua_error(L, "%s: %s must be a number, but is %s", rule, name, nl_describe(L, -1).s);
  }
  double v = lua_tonumber(L, -1);
  lua_pop(L, 1);
  return v;
}

static bool bool_field(lua_State *L, int group, const char *name) {
  lua_getfield(L, group, name);
  bool v = lua_toboolean(L, -1);
  lua_pop(L, 1);
  return v;
}

static nl_sgd_args read_sgd(lua_State *L, int group) {
  return (nl_sgd_args){.lr = number_field(L, group, "SGD", "lr"),
                       .momentum = number_field(L, group, "SGD", "momentum"),
                       .dampening = number_field(L, group, "SGD", "dampening"),
                       .weight_decay = number_field(L, group, "SGD", "weight_decay"),
                       .nesterov = bool_field(L, group, "nesterov"),
                       .maximize = bool_field(L, group, "maximize")};
}

static nl_adam_args read_adam(lua_State *L, int group, const char *rule, bool decoupled) {
  nl_adam_args a = {.lr = number_field(L, group, rule, "lr"),
                    .eps = number_field(L, group, rule, "eps"),
                    .weight_decay = number_field(L, group, rule, "weight_decay"),
                    .decoupled = decoupled,
                    .maximize = bool_field(L, group, "maximize")};
  lua_getfield(L, group, "betas");
  bool ok = lua_type(L, -1) == LUA_TTABLE;
  double beta[2] = {0, 0};
  for (int i = 0; i < 2 && ok; i++) {
    lua_geti(L, -1, i + 1);
    ok = lua_type(L, -1) == LUA_TNUMBER;
    beta[i] = lua_tonumber(L, -1);
    lua_pop(L, 1);
  }
  if (!ok) {
    nl_lua_error(L, "%s: betas must be two numbers, e.g. {0.9, 0.999}", rule);
  }
  lua_pop(L, 1);
  a.beta1 = beta[0];
  a.beta2 = beta[1];
  return a;
}

/* ---- a step ---- */

/* The first three have kernels of their own; the others are found by name (optim/update.h). */
typedef struct rule_id {
  const char *name;
  const nl_rule *other; /* NULL: SGD, Adam, AdamW */
  bool sgd, decoupled;
} rule_id;

static rule_id find_rule(lua_State *L, int index) {
  rule_id r = {.name = luaL_checkstring(L, index)};
  r.sgd = strcmp(r.name, "SGD") == 0;
  r.decoupled = strcmp(r.name, "AdamW") == 0;
  r.other = nl_rule_find(r.name);
  luaL_argcheck(L, r.other || r.sgd || r.decoupled || strcmp(r.name, "Adam") == 0, index, "no such rule");
  return r;
}

/* The option of a name: a number, a boolean as 1 or 0, or "betas.1" for the first of a list. */
static double option(lua_State *L, int group, const char *rule, const char *name) {
  char list[32];
  const char *dot = strchr(name, '.');
  if (dot) {
    snprintf(list, sizeof list, "%.*s", (int)(dot - name), name);
  }
  int kind = lua_getfield(L, group, dot ? list : name);
  if (dot && kind == LUA_TTABLE) {
    kind = lua_geti(L, -1, dot[1] - '0');
    lua_remove(L, -2);
  } else if (dot) {
    kind = LUA_TNONE;
  }
  if (kind != LUA_TNUMBER && kind != LUA_TBOOLEAN) {
    nl_lua_error(L, "%s: %s must be %s, but is %s", rule, dot ? list : name, dot ? "a list of numbers" : "a number",
                 nl_describe(L, -1).s);
  }
  double v = kind == LUA_TNUMBER ? lua_tonumber(L, -1) : lua_toboolean(L, -1);
  lua_pop(L, 1);
  return v;
}

/* A group's options as they are now. */
typedef struct group_args {
  nl_sgd_args sgd;
  nl_adam_args adam;
  double other[NL_MAX_OPTIONS];
} group_args;

static group_args read_group(lua_State *L, const rule_id *rule, int group) {
  group_args a = {.sgd = {.lr = 0}};
  if (rule->other) {
    for (int i = 0; i < NL_MAX_OPTIONS && rule->other->options[i]; i++) {
      a.other[i] = option(L, group, rule->name, rule->other->options[i]);
    }
  } else if (rule->sgd) {
    a.sgd = read_sgd(L, group);
  } else {
    a.adam = read_adam(L, group, rule->name, rule->decoupled);
  }
  return a;
}

static nl_status update(const rule_id *rule, nl_tensor *w, nl_tensor *grad, nl_optim_slot *slot, const group_args *a) {
  if (rule->other) {
    return nl_rule_update(rule->other, w, grad, slot, a->other);
  }
  return rule->sgd ? nl_sgd_update(w, grad, slot, &a->sgd) : nl_adam_update(w, grad, slot, &a->adam);
}

/* A recorded step: which parameters it updates, and where the options are read from at each replay. */
typedef struct recorded {
  nl_lua_effect lua;
  lua_State *L; /* of the main thread */
  int state_ref, groups_ref;
  state *s;
  rule_id rule;
  int ngroups, count;
  uint64_t seen; /* the changes that args know of */
  group_args *args;
  int *slot, *group; /* of each parameter that is updated */
  nl_tensor **t;     /* parameter, gradient, parameter, ... */
  bool *writes;
} recorded;

/* Grows whenever an option of some optimizer is set. */
static uint64_t changes;

static int options_changed(lua_State *L) {
  (void)L;
  changes++;
  return 0;
}

/* Reads the options again if some were set; may raise. */
static void refresh(lua_State *L, nl_lua_effect *e) {
  recorded *r = (recorded *)e;
  if (r->seen == changes) {
    return;
  }
  lua_rawgeti(L, LUA_REGISTRYINDEX, r->groups_ref);
  for (int g = 0; g < r->ngroups; g++) {
    lua_rawgeti(L, -1, g + 1);
    r->args[g] = read_group(L, &r->rule, lua_gettop(L));
    lua_pop(L, 1);
  }
  lua_pop(L, 1);
  r->seen = changes;
}

static nl_status run_recorded(void *ctx, int i, nl_tensor *const t[]) {
  const recorded *r = ctx;
  return update(&r->rule, t[0], t[1], &r->s->slot[r->slot[i]], &r->args[r->group[i]]);
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
  recorded **hold = lua_touserdata(L, 1);
  if (*hold) {
    release_recorded(*hold);
    *hold = NULL;
  }
  return 0;
}

/* A place on the stack that lets go of a recorded step when something raises. */
static recorded **push_hold(lua_State *L) {
  recorded **hold = lua_newuserdatauv(L, sizeof *hold, 0);
  *hold = NULL;
  if (luaL_newmetatable(L, "nn.RecordedStep")) {
    lua_pushcfunction(L, drop_recorded);
    lua_setfield(L, -2, "__gc");
  }
  lua_setmetatable(L, -2);
  return hold;
}

/* Room for a step over all parameters of the state at stack index 1, the groups at 3. */
static recorded *new_recorded(lua_State *L, state *s, const rule_id *rule, int ngroups) {
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
  size_t n = (size_t)s->count + 1;
  lua_rawgeti(L, LUA_REGISTRYINDEX, LUA_RIDX_MAINTHREAD);
  *r = (recorded){.lua = {refresh}, .L = lua_tothread(L, -1), .state_ref = state_ref, .groups_ref = groups_ref};
  lua_pop(L, 1);
  r->s = s;
  r->rule = *rule;
  r->rule.name = rule->other ? rule->other->name : (rule->sgd ? "SGD" : (rule->decoupled ? "AdamW" : "Adam"));
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
static void record(lua_State *L, recorded *r) {
  nl_effect *e = nl_new(sizeof *e);
  if (!e) {
    release_recorded(r);
    nl_lua_raise(L);
    return;
  }
  *e = (nl_effect){.name = r->rule.name,
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

/* step(state, rule, groups) */
static int state_step(lua_State *L) {
  state *s = luaL_checkudata(L, 1, STATE_TYPE);
  rule_id rule = find_rule(L, 2);
  luaL_checktype(L, 3, LUA_TTABLE);
  int at = 0;
  recorded **hold = nl_trace_current() ? push_hold(L) : NULL;
  recorded *r = hold ? (*hold = new_recorded(L, s, &rule, (int)lua_rawlen(L, 3))) : NULL;
  for (int g = 1; lua_rawgeti(L, 3, g) == LUA_TTABLE; g++) {
    int group = lua_gettop(L);
    group_args args = read_group(L, &rule, group);
    if (lua_getfield(L, group, "params") != LUA_TTABLE) {
      return nl_lua_error(L, "%s: group %d has no list 'params'", rule.name, g);
    }
    for (int i = 1; lua_rawgeti(L, -1, i) != LUA_TNIL; i++, at++) {
      nl_tensor *w = nl_check_tensor(L, -1, rule.name, "a parameter"), *grad = nl_grad_of(w);
      lua_pop(L, 1);
      if (at >= s->count) {
        return nl_lua_error(L, "%s: parameters were added to a group; use add_param_group", rule.name);
      }
      if (!grad) {
        continue;
      }
      nl_status status = update(&rule, w, grad, &s->slot[at], &args);
      if (status != NL_OK) {
        nl_error_prefix("%s", rule.name);
        return nl_lua_raise(L);
      }
      if (r) {
        r->slot[r->count] = at;
        r->group[r->count] = g - 1;
        r->writes[2 * r->count] = true;
        r->t[2 * r->count] = w;
        r->t[2 * r->count++ + 1] = grad;
      }
    }
    lua_pop(L, 3); /* nil, params, group */
  }
  if (r) {
    *hold = NULL;
    record(L, r);
  }
  return 0;
}

/* get(state, i) -> step, m, v, u (tensors that share the state's memory, or nil), product */
static int state_get(lua_State *L) {
  state *s = luaL_checkudata(L, 1, STATE_TYPE);
  lua_Integer i = luaL_checkinteger(L, 2);
  luaL_argcheck(L, i >= 1 && i <= s->count, 2, "no such parameter");
  nl_optim_slot *slot = &s->slot[i - 1];
  lua_pushinteger(L, slot->step);
  nl_tensor *t[3] = {slot->m, slot->v, slot->u};
  for (int k = 0; k < 3; k++) {
    if (t[k]) {
      nl_push_box(L)->t = nl_tensor_ref(t[k]);
    } else {
      lua_pushnil(L);
    }
  }
  lua_pushnumber(L, slot->product);
  return 5;
}

/* set(state, i, step, m, v, u, product): copies */
static int state_set(lua_State *L) {
  state *s = luaL_checkudata(L, 1, STATE_TYPE);
  lua_Integer i = luaL_checkinteger(L, 2);
  luaL_argcheck(L, i >= 1 && i <= s->count, 2, "no such parameter");
  nl_optim_slot *slot = &s->slot[i - 1];
  slot->step = luaL_checkinteger(L, 3);
  slot->product = luaL_optnumber(L, 7, 0);
  nl_tensor **place[3] = {&slot->m, &slot->v, &slot->u};
  for (int k = 0; k < 3; k++) {
    nl_tensor *t = lua_isnoneornil(L, 4 + k) ? NULL : nl_check_tensor(L, 4 + k, "load_state_dict", "a state"),
              *copy = NULL;
    if (t) {
      nl_call c;
      nl_call_init(&c, nl_op_find("clone"), 1, NULL);
      c.in[0] = t;
      nl_lua_check(L, nl_dispatch(&c));
      copy = c.out[0];
    }
    nl_tensor_unref(*place[k]);
    *place[k] = copy;
  }
  return 0;
}

/* zero_grad(groups, set_to_none) */
static int zero_grad(lua_State *L) {
  luaL_checktype(L, 1, LUA_TTABLE);
  for (int g = 1; lua_rawgeti(L, 1, g) == LUA_TTABLE; g++) {
    lua_getfield(L, -1, "params");
    luaL_checktype(L, -1, LUA_TTABLE);
    for (int i = 1; lua_rawgeti(L, -1, i) != LUA_TNIL; i++) {
      nl_set_grad(nl_check_tensor(L, -1, "zero_grad", "a parameter"), NULL);
      lua_pop(L, 1);
    }
    lua_pop(L, 3);
  }
  return 0;
}

void nl_open_optim(lua_State *L) {
  static const luaL_Reg methods[] = {
      {"step", state_step}, {"get", state_get}, {"set", state_set}, {"__gc", state_gc}, {NULL, NULL}};
  static const luaL_Reg functions[] = {
      {"optimizer_state", state_new}, {"zero_grad", zero_grad}, {"options_changed", options_changed}, {NULL, NULL}};
  luaL_newmetatable(L, STATE_TYPE);
  luaL_setfuncs(L, methods, 0);
  lua_pushvalue(L, -1);
  lua_setfield(L, -2, "__index");
  lua_pop(L, 1);
  luaL_setfuncs(L, functions, 0);
}
