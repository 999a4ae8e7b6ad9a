/* The hook that follows a function while it is recorded: what each instruction is about to read or write. */
#include "compile/trace.h"
#include "core/memory.h"
#include "lua/object.h"
#include "lua/observe.h"

/* ---- which code runs ---- */

static bool is_inside(const nl_code *c, const uint32_t *pc) {
  return pc >= c->base && pc < c->base + c->count;
}

/* The number of the code that holds an instruction, or -1. */
static int find_code(nl_observer *o, const uint32_t *pc) {
  if (o->current >= 0 && is_inside(&o->codes[o->current], pc)) {
    return o->current;
  }
  for (int i = 0; i < o->ncodes; i++) {
    if (is_inside(&o->codes[i], pc)) {
      return o->current = i;
    }
  }
  return -1;
}

/* Notes the code of the function on top of the stack. */
static void add_code(lua_State *L, nl_observer *o, lua_Debug *ar, bool user) {
  void *codes = nl_grow(o->codes, o->ncodes, sizeof *o->codes);
  o->codes = codes ? codes : o->codes;
  void *users = codes ? nl_grow(o->user, o->ncodes, sizeof *o->user) : NULL;
  if (!users) {
    nl_lua_raise(L);
    return;
  }
  o->user = users;
  nl_obs_push(L, NL_OBS_FUNCTIONS);
  lua_pushvalue(L, -2);
  lua_rawseti(L, -2, o->ncodes + 1);
  nl_obs_push(L, NL_OBS_CONSTANTS);
  lua_pushvalue(L, -3);
  nl_status status = nl_code_read(L, ar, &o->codes[o->ncodes]);
  lua_rawseti(L, -2, o->ncodes + 1);
  lua_pop(L, 2);
  if (status != NL_OK) {
    nl_lua_raise(L); /* such a Lua runs nothing compiled */
  }
  o->user[o->ncodes] = user;
  o->current = o->ncodes++;
}

static bool is_young_function(lua_State *L, int function) {
  lua_pushvalue(L, function);
  nl_obs_push(L, NL_OBS_YOUNG);
  lua_insert(L, -2);
  bool young = lua_rawget(L, -2) != LUA_TNIL;
  lua_pop(L, 2);
  return young;
}

/* A Lua function was called. Its upvalues are old, unless it was made in here. The function that is recorded counts as
   the user's, wherever it was written. */
static void enter_function(lua_State *L, nl_observer *o, lua_Debug *ar) {
  lua_getinfo(L, "S", ar);
  nl_obs_push(L, NL_OBS_ROOT);
  bool user = lua_rawequal(L, -1, -2) || !nl_lua_is_ours(ar->source);
  lua_pop(L, 1);
  if (find_code(o, nl_instruction_at(ar)) < 0) {
    add_code(L, o, ar, user);
  }
  if (user && !is_young_function(L, lua_gettop(L))) {
    nl_obs_old_function(L, lua_gettop(L));
  }
}

/* ---- instructions ---- */

/* What an instruction needs to be looked at. */
typedef struct frame {
  lua_State *L;
  lua_Debug *ar;
  uint32_t i;
  int function; /* stack index */
  bool user;
} frame;

/* Pushes register n. */
static void push_register(const frame *f, int n) {
  if (!lua_getlocal(f->L, f->ar, n + 1)) {
    lua_pushnil(f->L);
  }
}

/* Pushes constant n. */
static void push_operand_constant(const frame *f, int n) {
  nl_obs_push(f->L, NL_OBS_CONSTANTS);
  lua_rawgeti(f->L, -1, nl_observing()->current + 1);
  lua_rawgeti(f->L, -1, n + 1);
  lua_replace(f->L, -3);
  lua_pop(f->L, 1);
}

static void push_register_or_constant(const frame *f, int n) {
  if (nl_k_of(f->i)) {
    push_operand_constant(f, n);
  } else {
    push_register(f, n);
  }
}

/* Pushes the value of upvalue n (from 0), which is a table that is indexed: _ENV, mostly. */
static void push_env(const frame *f, int n) {
  if (!lua_getupvalue(f->L, f->function, n + 1)) {
    lua_pushnil(f->L);
  }
}

/* The container and the key on top of the stack are read. */
static void read_register(const frame *f) {
  int type = lua_type(f->L, -2);
  if (type == LUA_TTABLE || nl_to_object(f->L, -2) || f->user) {
    nl_obs_read(f->L, -2, -1);
  }
}

static void event(const frame *f, int reg, const char *name) {
  push_register(f, reg);
  int type = lua_type(f->L, -1);
  if (type == LUA_TTABLE || nl_to_object(f->L, -1) ||
      (f->user && type != LUA_TNIL && type != LUA_TNUMBER && type != LUA_TFUNCTION)) {
    nl_obs_any_event(f->L, -1, name);
  }
  lua_pop(f->L, 1);
}

static void instruction_count(const frame *f, int reg) {
  push_register(f, reg);
  if (lua_type(f->L, -1) == LUA_TTABLE) {
    nl_obs_event(f->L, -1, "__len");
    bool raw = lua_isnil(f->L, -1);
    lua_pop(f->L, 1);
    if (raw) {
      nl_observe_length(f->L, -1);
    }
  } else if (nl_to_object(f->L, -1)) {
    nl_obs_any_event(f->L, -1, "__len");
  }
  lua_pop(f->L, 1);
}

static void look_at(const frame *f, nl_observer *o) {
  lua_State *L = f->L;
  int a = nl_a_of(f->i), b = nl_b_of(f->i), c = nl_c_of(f->i);
  switch (nl_op_of(f->i)) {
  case NL_GETUPVAL:
    if (f->user) {
      nl_obs_upvalue(L, f->function, b + 1);
    }
    break;
  case NL_SETUPVAL:
    push_register(f, a);
    nl_obs_set_upvalue(L, f->function, b + 1, -1);
    break;
  case NL_GETTABUP:
    if (f->user) { /* the upvalue may be new and the table in it old */
      nl_obs_upvalue(L, f->function, b + 1);
      push_env(f, b);
      push_operand_constant(f, c);
      read_register(f);
    }
    break;
  case NL_GETTABLE:
    push_register(f, b);
    push_register(f, c);
    read_register(f);
    break;
  case NL_GETI:
    push_register(f, b);
    lua_pushinteger(L, c);
    read_register(f);
    break;
  case NL_GETFIELD:
    push_register(f, b);
    push_operand_constant(f, c);
    read_register(f);
    break;
  case NL_SELF:
    push_register(f, b);
    push_register_or_constant(f, c);
    read_register(f);
    break;
  case NL_SETTABUP:
    if (f->user) {
      nl_obs_upvalue(L, f->function, a + 1);
      push_env(f, a);
      push_operand_constant(f, b);
      push_register_or_constant(f, c);
      nl_obs_write(L, lua_gettop(L) - 2, -2, -1);
    }
    break;
  case NL_SETTABLE:
    push_register(f, a);
    push_register(f, b);
    push_register_or_constant(f, c);
    nl_obs_write(L, lua_gettop(L) - 2, -2, -1);
    break;
  case NL_SETI:
    push_register(f, a);
    lua_pushinteger(L, b);
    push_register_or_constant(f, c);
    nl_obs_write(L, lua_gettop(L) - 2, -2, -1);
    break;
  case NL_SETFIELD:
    push_register(f, a);
    push_operand_constant(f, b);
    push_register_or_constant(f, c);
    nl_obs_write(L, lua_gettop(L) - 2, -2, -1);
    break;
  case NL_LEN:
    instruction_count(f, b);
    break;
  case NL_MMBIN: /* of two registers; the arithmetic before it has found no numbers */
    event(f, a, nl_event_name(c));
    event(f, b, nl_event_name(c));
    break;
  case NL_MMBINI:
  case NL_MMBINK:
    event(f, a, nl_event_name(c));
    break;
  case NL_UNM:
    event(f, b, "__unm");
    break;
  case NL_BNOT:
    event(f, b, "__bnot");
    break;
  case NL_CONCAT:
    for (int n = 0; n < b; n++) {
      event(f, a + n, "__concat");
    }
    break;
  case NL_TBC:
    event(f, a, "__close");
    break;
  case NL_EQ:
    event(f, a, "__eq");
    event(f, b, "__eq");
    break;
  case NL_LT:
  case NL_LE:
    event(f, a, nl_op_of(f->i) == NL_LT ? "__lt" : "__le");
    event(f, b, nl_op_of(f->i) == NL_LT ? "__lt" : "__le");
    break;
  case NL_LTI:
  case NL_GTI:
    event(f, a, "__lt");
    break;
  case NL_LEI:
  case NL_GEI:
    event(f, a, "__le");
    break;
  case NL_CALL:
  case NL_TAILCALL:
    event(f, a, "__call");
    break;
  case NL_TFORCALL:
    event(f, a, "__call");
    break;
  case NL_CLOSURE:
    o->closure_ci = f->ar->i_ci;
    o->closure_register = a;
    break;
  default:
    break;
  }
}

/* Opcodes that look_at knows. */
static const bool interesting[128] = {
    [NL_GETUPVAL] = 1, [NL_SETUPVAL] = 1, [NL_GETTABUP] = 1, [NL_GETTABLE] = 1, [NL_GETI] = 1,    [NL_GETFIELD] = 1,
    [NL_SETTABUP] = 1, [NL_SETTABLE] = 1, [NL_SETI] = 1,     [NL_SETFIELD] = 1, [NL_SELF] = 1,    [NL_MMBIN] = 1,
    [NL_MMBINI] = 1,   [NL_MMBINK] = 1,   [NL_UNM] = 1,      [NL_BNOT] = 1,     [NL_LEN] = 1,     [NL_CONCAT] = 1,
    [NL_EQ] = 1,       [NL_LT] = 1,       [NL_LE] = 1,       [NL_LTI] = 1,      [NL_LEI] = 1,     [NL_GTI] = 1,
    [NL_GEI] = 1,      [NL_CALL] = 1,     [NL_TAILCALL] = 1, [NL_TFORCALL] = 1, [NL_CLOSURE] = 1, [NL_TBC] = 1};

/* The closure made by the last instruction is young. */
static void take_closure(lua_State *L, lua_Debug *ar, nl_observer *o) {
  if (o->closure_ci == ar->i_ci) {
    nl_obs_push(L, NL_OBS_YOUNG);
    frame f = {.L = L, .ar = ar};
    push_register(&f, o->closure_register);
    if (lua_type(L, -1) == LUA_TFUNCTION) {
      lua_pushboolean(L, true);
      lua_rawset(L, -3);
    }
    o->closure_ci = NULL;
  }
}

static void step(lua_State *L, lua_Debug *ar, nl_observer *o) {
  if (o->closure_ci) {
    take_closure(L, ar, o);
  }
  const uint32_t *pc = nl_instruction_at(ar);
  if (!interesting[nl_op_of(*pc)]) {
    return;
  }
  int code = find_code(o, pc);
  if (code < 0) {
    return; /* it was called before the recording */
  }
  lua_getinfo(L, "f", ar);
  frame f = {.L = L, .ar = ar, .i = *pc, .function = lua_gettop(L), .user = o->user[code]};
  look_at(&f, o);
}

void nl_follow(lua_State *L, lua_Debug *ar) {
  nl_observer *o = nl_observing();
  if (!o || !nl_trace_current()) {
    if (!o) {
      lua_sethook(L, NULL, 0, 0); /* a coroutine that was made while something was recorded */
    }
    return;
  }
  luaL_checkstack(L, 32, NULL);
  int top = lua_gettop(L);
  if (ar->event == LUA_HOOKCOUNT) {
    step(L, ar, o);
  } else {
    lua_getinfo(L, "f", ar);
    if (lua_iscfunction(L, -1)) {
      nl_obs_c_call(L, ar);
    } else {
      enter_function(L, o, ar);
    }
  }
  lua_settop(L, top);
}
