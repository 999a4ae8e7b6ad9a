/* From Lua arguments to a call, by the op's signature. One parser serves every op:
     x:sum(2, true)   x:sum{dim = 2, keepdim = true}   x:sum(2, {keepdim = true})   nn.zeros(2, 3)   nn.zeros{2, 3}
   A table as last argument with names in it holds options; what stands in its array part is an argument. Nothing here
   raises while something is held: failures wait in the error slot until everything is let go of. */
#include <math.h>
#include <string.h>

#include "autograd/tape.h"
#include "core/memory.h"
#include "lua/nl_lua.h"

typedef struct parser {
  lua_State *L;
  const nl_op *op;
  const nl_signature *sig;
  nl_call *call;
  unsigned owned; /* inputs made here from numbers */
  bool requires_grad;
} parser;

static nl_status wrong(parser *p, const nl_param *param, int index, const char *wanted) {
  return nl_fail("%s must be %s, but is %s", param->name, wanted, nl_describe(p->L, index).s);
}

/* ---- dtypes ---- */

nl_status nl_read_dtype(lua_State *L, int index, const char *name, nl_dtype *out) {
  static const char *const halves[] = {"float16", "bfloat16", "half"};
  const char *text = lua_type(L, index) == LUA_TSTRING ? lua_tostring(L, index) : "";
  for (size_t i = 0; i < sizeof halves / sizeof *halves; i++) {
    if (strcmp(text, halves[i]) == 0) {
      return nl_fail(
          "%s: 16-bit floats are for files: those with them are read as float32, and nn.io.npy(path, x, {dtype = "
          "\"float16\"}) writes them",
          name);
    }
  }
  if (!nl_dtype_parse(text, out)) {
    return nl_fail(
        "%s must be the name of a dtype (\"float32\", \"float64\", \"int64\", \"uint8\" or \"bool\"), but is %s", name,
        nl_describe(L, index).s);
  }
  return NL_OK;
}

/* ---- lists ---- */

int nl_read_ints(lua_State *L, int index, int64_t *out, int max) {
  lua_Unsigned n = lua_rawlen(L, index);
  if (n > (lua_Unsigned)max) {
    nl_fail("at most %d numbers are possible, but there are %llu", max, (unsigned long long)n);
    return -1;
  }
  for (int i = 0; i < (int)n; i++) {
    lua_rawgeti(L, index, i + 1);
    int ok = 0;
    out[i] = lua_type(L, -1) == LUA_TNUMBER ? lua_tointegerx(L, -1, &ok) : 0;
    if (!ok) {
      nl_fail("element %d of the list must be an integer, but is %s", i + 1, nl_describe(L, -1).s);
      lua_pop(L, 1);
      return -1;
    }
    lua_pop(L, 1);
  }
  return (int)n;
}

static nl_status set_list(parser *p, const nl_param *param, int count, const int64_t *values) {
  if (p->call->nints + count > NL_MAX_INTS - NL_MAX_DIM) {
    return nl_fail("%s: too many numbers", param->name);
  }
  nl_call_set_list(p->call, param->slot, count, values);
  return NL_OK;
}

static nl_status read_integers(parser *p, const nl_param *param, int index) {
  int64_t values[NL_MAX_DIM];
  int n;
  int type = lua_type(p->L, index);
  size_t word = param->choices && param->kind == NL_KIND_SHAPE ? strcspn(param->choices, "?, ") : 0;
  if (word && type == LUA_TSTRING && lua_rawlen(p->L, index) == word &&
      memcmp(lua_tostring(p->L, index), param->choices, word) == 0) {
    values[0] = NL_WORD;
    n = 1;
  } else if (type == LUA_TTABLE) {
    n = nl_read_ints(p->L, index, values, NL_MAX_DIM);
    if (n < 0) {
      nl_error_prefix("%s", param->name);
      return NL_ERROR;
    }
  } else {
    int ok = 0;
    values[0] = type == LUA_TNUMBER ? lua_tointegerx(p->L, index, &ok) : 0;
    if (!ok) {
      char words[80] = "a dim or a list of dims, e.g. {1, 2}";
      if (param->kind == NL_KIND_SHAPE) {
        snprintf(words, sizeof words, "integers or a list of them, e.g. {2, 3}%s%.*s%s", word ? ", or \"" : "",
                 (int)word, word ? param->choices : "", word ? "\"" : "");
      }
      return wrong(p, param, index, words);
    }
    n = 1;
  }
  return set_list(p, param, n, values);
}

/* The bits of doubles, as the integers that lists have. */
static nl_status read_numbers(parser *p, const nl_param *param, int index) {
  lua_State *L = p->L;
  int64_t values[NL_MAX_DIM];
  bool table = lua_type(L, index) == LUA_TTABLE;
  lua_Unsigned n = table ? lua_rawlen(L, index) : 1;
  if (n < 1 || n > NL_MAX_DIM) {
    return wrong(p, param, index, "a number or a short list of numbers, e.g. {1.5, 2}");
  }
  for (int i = 0; i < (int)n; i++) {
    if (table) {
      lua_rawgeti(L, index, i + 1);
    } else {
      lua_pushvalue(L, index);
    }
    if (lua_type(L, -1) != LUA_TNUMBER) {
      nl_status status =
          table ? nl_fail("element %d of %s must be a number, but is %s", i + 1, param->name, nl_describe(L, -1).s)
                : wrong(p, param, index, "a number or a list of numbers, e.g. {1.5, 2}");
      lua_pop(L, 1);
      return status;
    }
    double v = lua_tonumber(L, -1);
    memcpy(&values[i], &v, sizeof v);
    lua_pop(L, 1);
  }
  return set_list(p, param, (int)n, values);
}

/* ---- one argument ---- */

static nl_status read_operand(parser *p, const nl_param *param, int index) {
  nl_tensor *t = nl_to_tensor(p->L, index);
  if (p->call->in[param->slot]) {
    return nl_fail("%s is given twice", param->name);
  }
  if (t) {
    p->call->in[param->slot] = t;
    return NL_OK;
  }
  nl_status status;
  int type = lua_type(p->L, index);
  if (param->kind != NL_KIND_OPERAND || (type != LUA_TNUMBER && type != LUA_TBOOLEAN)) {
    if (param->optional && type == LUA_TNIL) {
      return NL_OK;
    }
    return wrong(p, param, index, param->kind == NL_KIND_OPERAND ? "a tensor or a number" : "a tensor");
  }
  if (type == LUA_TBOOLEAN) {
    status = nl_tensor_from_bool(lua_toboolean(p->L, index), &t);
  } else if (lua_isinteger(p->L, index)) {
    status = nl_tensor_from_int(lua_tointeger(p->L, index), &t);
  } else {
    status = nl_tensor_from_double(lua_tonumber(p->L, index), &t);
  }
  if (status == NL_OK) {
    p->call->in[param->slot] = t;
    p->owned |= 1u << param->slot;
  }
  return status;
}

static nl_status read_choice(parser *p, const nl_param *param, int index) {
  char number[32]; /* orders of norms are written as numbers, too */
  const char *word = lua_type(p->L, index) == LUA_TSTRING ? lua_tostring(p->L, index) : NULL;
  if (lua_type(p->L, index) == LUA_TNUMBER) {
    snprintf(number, sizeof number, "%g", lua_tonumber(p->L, index));
    word = number;
  }
  const char *s = param->choices;
  int n = (int)strcspn(s, ",");
  for (int i = 0; word; i++) {
    size_t length = strcspn(s, "|,");
    if (strlen(word) == length && memcmp(word, s, length) == 0) {
      p->call->attr[param->slot].i = i;
      return NL_OK;
    }
    if (s[length] != '|') {
      break;
    }
    s += length + 1;
  }
  return nl_fail("%s must be one of %.*s, but is %s", param->name, n, param->choices, nl_describe(p->L, index).s);
}

static nl_status read_value(parser *p, const nl_param *param, int index) {
  lua_State *L = p->L;
  nl_attr *a = &p->call->attr[param->slot];
  int ok = 0, type = lua_type(L, index);
  switch (param->kind) {
  case NL_KIND_TENSOR:
  case NL_KIND_OPERAND:
    return read_operand(p, param, index);
  case NL_KIND_DIMS:
  case NL_KIND_SHAPE:
    return read_integers(p, param, index);
  case NL_KIND_CHOICE:
    return read_choice(p, param, index);
  case NL_KIND_NUMBERS:
    return read_numbers(p, param, index);
  case NL_KIND_INT:
  case NL_KIND_DIM:
    a->i = type == LUA_TNUMBER ? lua_tointegerx(L, index, &ok) : 0;
    if (!ok) {
      return wrong(p, param, index, "an integer");
    }
    break;
  case NL_KIND_NUMBER:
    if (type != LUA_TNUMBER) {
      return wrong(p, param, index, "a number");
    }
    a->number = lua_tonumber(L, index);
    a->is_whole = lua_isinteger(L, index);
    a->whole = a->is_whole ? lua_tointeger(L, index) : 0;
    break;
  case NL_KIND_BOOL:
    if (type != LUA_TBOOLEAN) {
      return wrong(p, param, index, "true or false");
    }
    a->b = lua_toboolean(L, index);
    break;
  case NL_KIND_DTYPE: {
    nl_dtype dtype;
    nl_status status = nl_read_dtype(L, index, param->name, &dtype);
    if (status != NL_OK) {
      return status;
    }
    a->i = dtype;
    break;
  }
  default:
    return nl_fail("%s cannot be given here", param->name);
  }
  a->set = true;
  return NL_OK;
}

/* ---- options ---- */

/* True if the table has a key that is a name. */
bool nl_lua_has_names(lua_State *L, int index) {
  lua_pushnil(L);
  while (lua_next(L, index)) {
    lua_pop(L, 1);
    if (lua_type(L, -1) == LUA_TSTRING) {
      lua_pop(L, 1);
      return true;
    }
  }
  return false;
}

typedef struct option_names {
  const nl_signature *sig;
  unsigned flags;
} option_names;

static const char *option_name_at(void *ctx, int i) {
  const option_names *o = ctx;
  if (i < o->sig->count) {
    return o->sig->param[i].name;
  }
  const char *extra[2];
  int n = 0;
  if (o->flags & NL_OP_CREATE) {
    extra[n++] = "requires_grad";
  }
  if (o->flags & NL_OP_RANDOM) {
    extra[n++] = "generator";
  }
  return i - o->sig->count < n ? extra[i - o->sig->count] : NULL;
}

static nl_status unknown_option(parser *p, const char *name) {
  char all[256] = "";
  const char *s;
  option_names names = {p->sig, p->op->flags};
  for (int i = 0; (s = option_name_at(&names, i)); i++) {
    size_t used = strlen(all);
    snprintf(all + used, sizeof all - used, used ? ", %s" : "%s", s);
  }
  const char *near = nl_nearest(name, option_name_at, &names);
  if (near) {
    return nl_fail("has no option '%.40s'; did you mean '%s'? (it takes %s)", name, near, all);
  } else if (nl_needless(name)) {
    return nl_fail("'%.40s' is %s", name, nl_needless(name));
  }
  return nl_fail("has no option '%.40s' (it takes %s)", name, all);
}

static nl_status read_option_table(parser *p, int index) {
  lua_State *L = p->L;
  lua_pushnil(L);
  while (lua_next(L, index)) {
    nl_status status = NL_OK;
    if (lua_type(L, -2) == LUA_TSTRING) {
      const char *name = lua_tostring(L, -2);
      const nl_param *param = NULL;
      for (int i = 0; i < p->sig->count; i++) {
        if (strcmp(p->sig->param[i].name, name) == 0) {
          param = &p->sig->param[i];
        }
      }
      int at = lua_gettop(L);
      if (param) {
        status = read_value(p, param, at);
      } else if ((p->op->flags & NL_OP_CREATE) && strcmp(name, "requires_grad") == 0) {
        p->requires_grad = lua_toboolean(L, at);
      } else if ((p->op->flags & NL_OP_RANDOM) && strcmp(name, "generator") == 0) {
        p->call->generator = nl_to_generator(L, at);
        nl_lua_keep_for_replay(L, at);
        if (!p->call->generator) {
          status = nl_fail("generator must be an nn.Generator, but is %s", nl_describe(L, at).s);
        }
      } else {
        status = unknown_option(p, name);
      }
    }
    if (status != NL_OK) {
      lua_pop(L, 2);
      return status;
    }
    lua_pop(L, 1);
  }
  return NL_OK;
}

/* ---- all arguments ---- */

/* A list may be written without braces when no later argument could be taken for one of its numbers. */
static bool takes_loose_numbers(const parser *p, int i) {
  nl_kind kind = p->sig->param[i].kind;
  if (kind == NL_KIND_DIMS) {
    return i == p->sig->count - 1;
  }
  for (int k = i + 1; k < p->sig->count; k++) {
    nl_kind later = p->sig->param[k].kind;
    if (later == NL_KIND_OPERAND || later == NL_KIND_INT || later == NL_KIND_NUMBER || later == NL_KIND_SHAPE ||
        later == NL_KIND_DIM || later == NL_KIND_DIMS) {
      return false;
    }
  }
  return kind == NL_KIND_SHAPE;
}

static nl_status read_loose(parser *p, const nl_param *param, int *at, int last) {
  int64_t values[NL_MAX_DIM];
  int n = 0;
  while (*at <= last && lua_type(p->L, *at) == LUA_TNUMBER) {
    int ok;
    if (n == NL_MAX_DIM) {
      return nl_fail("%s: at most %d dims are possible", param->name, NL_MAX_DIM);
    }
    values[n++] = lua_tointegerx(p->L, *at, &ok);
    if (!ok) {
      return wrong(p, param, *at, "made of integers");
    }
    (*at)++;
  }
  return set_list(p, param, n, values);
}

/* Whether an argument may be left out and is no list. */
static bool gives_way(const parser *p, const nl_param *param) {
  bool list = param->kind == NL_KIND_DIMS || param->kind == NL_KIND_SHAPE || param->kind == NL_KIND_TENSORS ||
              param->kind == NL_KIND_NUMBERS;
  bool value = param->kind > NL_KIND_TENSORS && p->call->attr[param->slot].set; /* by its default */
  return !list && (param->optional || value);
}

/* The tensors of a list argument were put into call->in before; see nl_lua_call_op. */
static nl_status read_arguments(parser *p, int first, int last) {
  lua_State *L = p->L;
  int options = 0;
  if (last >= first && lua_type(L, last) == LUA_TTABLE && nl_lua_has_names(L, last)) {
    options = last;
    if (lua_rawlen(L, last) == 0) {
      last--;
    }
  }
  int place = last - first; /* an empty table in the place of what may be left out, and is no list, is one of options */
  if (place > 0 && lua_type(L, last) == LUA_TTABLE && !options && lua_rawlen(L, last) == 0 &&
      (place >= p->sig->count || gives_way(p, &p->sig->param[place]))) {
    last--;
  }
  int at = first, i = 0;
  for (; i < p->sig->count && at <= last; i++) {
    const nl_param *param = &p->sig->param[i];
    nl_status status = NL_OK;
    if (param->kind == NL_KIND_TENSORS) {
      at++;
    } else if (lua_type(L, at) == LUA_TNIL && (param->optional || param->kind > NL_KIND_TENSORS)) {
      at++;
    } else if (lua_type(L, at) == LUA_TNUMBER && takes_loose_numbers(p, i)) {
      status = read_loose(p, param, &at, last);
    } else {
      status = read_value(p, param, at++);
    }
    if (status != NL_OK) {
      return status;
    }
  }
  if (at <= last) {
    return nl_fail("takes at most %d arguments (%s), but got %d", p->sig->count, p->op->args, last - first + 1);
  }
  nl_status status = options ? read_option_table(p, options) : NL_OK;
  for (i = 0; i < p->sig->count && status == NL_OK; i++) {
    const nl_param *param = &p->sig->param[i];
    bool tensor = param->kind < NL_KIND_TENSORS;
    bool given = tensor ? p->call->in[param->slot] != NULL : p->call->attr[param->slot].set;
    if (!given && !param->optional && param->kind != NL_KIND_TENSORS) {
      if (param->kind == NL_KIND_SHAPE && (p->op->flags & NL_OP_CREATE) != 0 && last < first) {
        nl_call_set_list(p->call, param->slot, 0, NULL); /* nn.zeros() makes a 0-dim tensor */
        continue;
      }
      status = nl_fail("%s is missing; it takes (%s)", param->name, p->op->args);
    }
  }
  return status;
}

/* ---- the call ---- */

/* For ops on a list: an array of its tensors, in a userdata that keeps it. */
static nl_tensor **read_tensor_list(lua_State *L, const nl_op *op, int index, int *count) {
  if (lua_type(L, index) != LUA_TTABLE) {
    nl_lua_error(L, "%s: tensors must be a list of tensors, e.g. nn.%s({x, y}), but is %s", op->name, op->name,
                 nl_describe(L, index).s);
  }
  lua_Unsigned n = lua_rawlen(L, index);
  if (n > 1 << 24) {
    nl_lua_error(L, "%s: a list of %llu tensors is too long", op->name, (unsigned long long)n);
  }
  nl_tensor **in = lua_newuserdatauv(L, ((size_t)n + 1) * sizeof *in, 0);
  for (lua_Unsigned i = 0; i < n; i++) {
    lua_rawgeti(L, index, (lua_Integer)i + 1);
    in[i] = nl_to_tensor(L, -1);
    if (!in[i]) {
      nl_lua_error(L, "%s: element %d of the list must be a tensor, but is %s", op->name, (int)i + 1,
                   nl_describe(L, -1).s);
    }
    lua_pop(L, 1);
  }
  *count = (int)n;
  return in;
}

static nl_status run_once(parser *p, nl_call *call, bool inplace, int first, int last, nl_tensor **list, int count) {
  nl_call_init(call, p->op, list ? count : p->sig->tensors, list);
  p->call = call;
  p->owned = 0;
  p->requires_grad = false;
  call->inplace = inplace;
  nl_status status = read_arguments(p, first, last);
  if (status == NL_OK) {
    nl_generator *g = nl_call_generator(call), before = *g;
    status = nl_dispatch(call);
    if (status == NL_NOMEM && (p->op->flags & NL_OP_RANDOM)) {
      *g = before; /* the call did not happen */
    }
  } else {
    nl_error_prefix("%s%s", p->op->name, nl_call_suffix(call));
  }
  for (int i = 0; p->owned; i++, p->owned >>= 1) {
    if (p->owned & 1) {
      nl_tensor_unref(call->in[i]);
    }
  }
  if (status == NL_OK && p->requires_grad) {
    status = nl_set_requires_grad(call->out[0], true);
    if (status != NL_OK) {
      nl_tensor_unref(call->out[0]);
    }
  }
  return status;
}

/* A list result is held by a userdata until all of it stands in boxes. */
#define LIST_OWNER_TYPE "nn.ListOwner"
static int drop_list(lua_State *L) {
  nl_call_drop_list(nl_held(L, LIST_OWNER_TYPE));
  return 0;
}
static nl_call *push_list_owner(lua_State *L) {
  return nl_push_hold(L, sizeof(nl_call), LIST_OWNER_TYPE, "__gc", drop_list);
}
static int push_tensor_list(lua_State *L, nl_call *owner) {
  lua_createtable(L, owner->nout, 0);
  for (int i = 0; i < owner->nout; i++) {
    nl_box *box = nl_push_box(L);
    nl_fill_box(L, -1, box, nl_tensor_ref(owner->list[i]));
    lua_rawseti(L, -2, i + 1);
  }
  nl_call_drop_list(owner);
  return 1;
}

int nl_lua_call_op(lua_State *L, const nl_op *op, bool inplace, int first) {
  nl_lua_account(L);
  int last = lua_gettop(L);
  const nl_signature *sig = nl_op_signature(op);
  luaL_checkstack(L, 16, NULL);
  nl_tensor **list = NULL;
  int count = 0;
  if (sig->list) {
    list = read_tensor_list(L, op, first, &count);
  }
  if (inplace) {
    nl_check_tensor(L, first, op->name, sig->param[0].name);
  }
  nl_box *box[NL_MAX_OUT];
  nl_call *owner = sig->gives_list ? push_list_owner(L) : NULL;
  int results = inplace || sig->gives_list ? 0 : sig->results;
  for (int i = 0; i < results; i++) {
    box[i] = nl_push_box(L);
  }
  nl_call call;
  parser p = {.L = L, .op = op, .sig = sig};
  nl_lua_set_running(L);
  nl_status status = run_once(&p, &call, inplace, first, last, list, count);
  if (status == NL_NOMEM && !call.wrote) {
    nl_lua_collect(L);
    nl_memory_trim();
    status = run_once(&p, &call, inplace, first, last, list, count);
  }
  nl_lua_set_running(NULL);
  if (status != NL_OK) {
    return nl_lua_raise(L);
  }
  if (owner) {
    owner->list = call.list;
    owner->nout = call.nout;
    return push_tensor_list(L, owner);
  }
  if (inplace) {
    nl_tensor_unref(call.out[0]);
    lua_pushvalue(L, first);
    return 1;
  }
  bool all = !op->visible || (op->all_visible && op->all_visible(&call));
  int visible = all ? call.nout : op->visible;
  for (int i = 0; i < call.nout; i++) {
    if (i < visible) {
      box[i]->t = call.out[i];
    } else {
      nl_tensor_unref(call.out[i]);
    }
  }
  lua_pop(L, results - visible);
  for (int i = 0; i < visible; i++) { /* now that everything has an owner */
    nl_fill_box(L, i - visible, box[i], call.out[i]);
  }
  return visible;
}
