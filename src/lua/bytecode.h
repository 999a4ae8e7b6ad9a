/* What a Lua function is made of, and which instruction it runs: what lua_Debug does not tell. Instructions and
   constants come from the function's dump (lua_dump), whose format has been the same for all of Lua 5.4. The place in
   the code is the one thing read from Lua's own structures: the saved program counter, in the fifth word of a CallInfo.
   It is never believed: the memory it points into must hold, word for word, the code of the dump. A Lua in which it
   does not is reported, and nothing is compiled there. */
#ifndef NL_LUA_BYTECODE_H
#define NL_LUA_BYTECODE_H

#include "lua/nl_lua.h"

/* The opcodes that read or write what lasts longer than a call, and those that call metamethods. */
enum {
  NL_GETUPVAL = 9,
  NL_SETUPVAL,
  NL_GETTABUP,
  NL_GETTABLE,
  NL_GETI,
  NL_GETFIELD,
  NL_SETTABUP,
  NL_SETTABLE,
  NL_SETI,
  NL_SETFIELD,
  NL_NEWTABLE,
  NL_SELF,
  NL_MMBIN = 46,
  NL_MMBINI,
  NL_MMBINK,
  NL_UNM,
  NL_BNOT,
  NL_LEN = 52,
  NL_CONCAT,
  NL_TBC = 55,
  NL_EQ = 57,
  NL_LT,
  NL_LE,
  NL_LTI = 62,
  NL_LEI,
  NL_GTI,
  NL_GEI,
  NL_CALL = 68,
  NL_TAILCALL,
  NL_TFORCALL = 76,
  NL_CLOSURE = 79,
  NL_OPCODES = 83
};

/* An instruction's parts: A 8 bits, k 1, B 8, C 8, behind 7 of the opcode. */
static inline int nl_op_of(uint32_t i) {
  return (int)(i & 0x7f);
}
static inline int nl_a_of(uint32_t i) {
  return (int)(i >> 7 & 0xff);
}
static inline bool nl_k_of(uint32_t i) {
  return i >> 15 & 1;
}
static inline int nl_b_of(uint32_t i) {
  return (int)(i >> 16 & 0xff);
}
static inline int nl_c_of(uint32_t i) {
  return (int)(i >> 24 & 0xff);
}

typedef struct nl_code {
  const uint32_t *base; /* where the instructions lie while they run */
  int count;
  bool vararg;
} nl_code;

/* Reads the code of the Lua function on top of the stack, which gives way to a table of its constants (the n-th at n +
   1). ar: of a call hook in that function. Error (the constants are there all the same): this Lua is not as it should
   be. May raise (memory). */
nl_status nl_code_read(lua_State *L, const lua_Debug *ar, nl_code *);

/* Where the instruction lies that is about to run; ar: of a count hook. */
const uint32_t *nl_instruction_at(const lua_Debug *ar);

/* "__add", by the number an MMBIN has; NULL: none. */
const char *nl_event_name(int number);

#endif
