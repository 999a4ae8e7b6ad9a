#include "lua/bytecode.h"

#include <string.h>

#include "core/memory.h"

#if LUA_VERSION_NUM != 504
#error "bytecode.c knows the instructions of Lua 5.4"
#endif

/* The head of a CallInfo, as in all of Lua 5.4 (lstate.h). */
typedef struct call_head {
  void *func, *top, *previous, *next;
  const uint32_t *saved_pc;
} call_head;

const uint32_t *nl_instruction_at(const lua_Debug *ar) {
  return ((const call_head *)(const void *)ar->i_ci)->saved_pc - 1;
}

const char *nl_event_name(int number) {
  static const char *const names[] = {"__index", "__newindex", "__gc",   "__mode", "__len", "__eq",   "__add",
                                      "__sub",   "__mul",      "__mod",  "__pow",  "__div", "__idiv", "__band",
                                      "__bor",   "__bxor",     "__shl",  "__shr",  "__unm", "__bnot", "__lt",
                                      "__le",    "__concat",   "__call", "__close"};
  return number >= 0 && number < (int)(sizeof names / sizeof *names) ? names[number] : NULL;
}

/* ---- the dump ---- */

typedef struct reader {
  const unsigned char *p, *end;
  bool bad;
} reader;

static const unsigned char *take(reader *r, size_t n) {
  if ((size_t)(r->end - r->p) < n) {
    r->bad = true;
    return NULL;
  }
  const unsigned char *p = r->p;
  r->p += n;
  return p;
}

static int byte(reader *r) {
  const unsigned char *p = take(r, 1);
  return p ? *p : 0;
}

/* Seven bits a byte, the last one marked. */
static size_t size(reader *r) {
  size_t x = 0;
  for (int n = 0; n < 10 && !r->bad; n++) {
    int b = byte(r);
    x = x << 7 | (size_t)(b & 0x7f);
    if (b & 0x80) {
      return x;
    }
  }
  r->bad = true;
  return 0;
}

/* A string of n - 1 bytes; none for n = 0. */
static const char *string(reader *r, size_t *length) {
  size_t n = size(r);
  *length = n ? n - 1 : 0;
  return (const char *)take(r, *length);
}

/* What Lua 5.4 writes first: signature, version, format, bytes that text mode would spoil, sizes, an integer, a number.
 */
static bool header(reader *r) {
  static const unsigned char start[] = {0x1b, 'L', 'u', 'a', 0x54, 0, 0x19, 0x93, '\r', '\n', 0x1a, '\n', 4, 8, 8};
  const lua_Integer i = 0x5678;
  const lua_Number x = 370.5;
  const unsigned char *p = take(r, sizeof start + sizeof i + sizeof x);
  return p && memcmp(p, start, sizeof start) == 0 && memcmp(p + sizeof start, &i, sizeof i) == 0 &&
         memcmp(p + sizeof start + sizeof i, &x, sizeof x) == 0;
}

static void push_constant_key(lua_State *L, reader *r) {
  lua_Integer i;
  lua_Number x;
  size_t n;
  const void *p;
  switch (byte(r)) {
  case 0x00:
    lua_pushnil(L);
    return;
  case 0x01:
    lua_pushboolean(L, false);
    return;
  case 0x11:
    lua_pushboolean(L, true);
    return;
  case 0x03:
    p = take(r, sizeof i);
    memcpy(&i, p ? p : &i, sizeof i);
    lua_pushinteger(L, p ? i : 0);
    return;
  case 0x13:
    p = take(r, sizeof x);
    memcpy(&x, p ? p : &x, sizeof x);
    lua_pushnumber(L, p ? x : 0);
    return;
  case 0x04:
  case 0x14:
    p = string(r, &n);
    lua_pushlstring(L, p ? p : "", p ? n : 0);
    return;
  default:
    r->bad = true;
    lua_pushnil(L);
  }
}

/* A dump as it is written: in a userdata on the Lua stack, so that nothing is lost when memory runs out. */
typedef struct buffer {
  size_t used, capacity;
  int at; /* its stack index */
} buffer;

static int write_dump(lua_State *L, const void *p, size_t n, void *ud) {
  buffer *b = ud;
  if (b->used + n > b->capacity) {
    size_t capacity = 2 * (b->used + n) + 256;
    char *more = lua_newuserdatauv(L, capacity, 0);
    if (b->used) {
      memcpy(more, lua_touserdata(L, b->at), b->used);
    }
    lua_replace(L, b->at);
    b->capacity = capacity;
  }
  memcpy((char *)lua_touserdata(L, b->at) + b->used, p, n);
  b->used += n;
  return 0;
}

nl_status nl_code_read(lua_State *L, const lua_Debug *ar, nl_code *code) {
  luaL_checkstack(L, 8, NULL);
  int function = lua_gettop(L);
  lua_pushnil(L);
  buffer b = {.at = function + 1};
  lua_pushvalue(L, function);
  lua_dump(L, write_dump, &b, true);
  lua_pop(L, 1);
  reader r = {lua_touserdata(L, b.at), (const unsigned char *)lua_touserdata(L, b.at) + b.used, false};
  r.bad = !header(&r);
  byte(&r); /* upvalues */
  size_t n;
  string(&r, &n); /* the source, left out */
  size(&r);
  size(&r);
  byte(&r);
  code->vararg = byte(&r) != 0;
  byte(&r);
  code->count = (int)size(&r);
  const unsigned char *instructions = take(&r, (size_t)code->count * sizeof(uint32_t));
  int constants = (int)size(&r);
  lua_createtable(L, r.bad ? 0 : constants, 0);
  for (int i = 0; i < constants && !r.bad; i++) {
    push_constant_key(L, &r);
    lua_rawseti(L, -2, i + 1);
  }
  /* when the hook runs, the counter stands behind the first instruction, or the second where the first takes in varargs
   */
  code->base = nl_instruction_at(ar) - (code->vararg ? 1 : 0);
  bool same = !r.bad && memcmp(code->base, instructions, (size_t)code->count * sizeof(uint32_t)) == 0;
  lua_replace(L, function);
  lua_settop(L, function);
  return same
             ? NL_OK
             : nl_fail("this Lua (%s) does not keep its code where Lua 5.4 does, so functions cannot be observed while "
                       "they are recorded; call the function without nn.compile",
                       LUA_RELEASE);
}
