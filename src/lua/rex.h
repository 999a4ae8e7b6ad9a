/* What the files of nn.rex share: compiled patterns, and searches that cannot run away. */
#ifndef NL_LUA_REX_H
#define NL_LUA_REX_H

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>

#include "lua/nl_lua.h"

/* The upvalues of every C function here, and the user values of the first: the table of kept patterns, and a function
   in Lua that indexes a table. */
enum { NL_REX_MACHINE = 1, NL_REX_METATABLE, NL_REX_TABLES_METATABLE, NL_REX_UPVALUES = NL_REX_TABLES_METATABLE };
enum { NL_REX_KEPT = 1, NL_REX_INDEX };

/* ---- compiled patterns (rex_compile.c) ---- */

/* A userdata; its user value is the pattern's text, or the userdata that it stands for. */
typedef struct nl_rex {
  struct nl_rex *same;    /* what it stands for; everything else is 0 */
  pcre2_code *code;       /* what searches use; NULL: closed */
  pcre2_code *careful;    /* the same with a callout before each item; made when first needed */
  pcre2_match_data *data; /* of the last search */
  pcre2_match_data *ends; /* of the last dfa_exec */
  uint32_t ends_count;
  unsigned char *tables; /* of a locale; NULL: PCRE2's own */
  const char *text;      /* the pattern, which the user value keeps alive */
  size_t length;
  uint32_t groups, options; /* options as they were given */
  bool jit;                 /* the just-in-time compiler took it */
  bool utf;
  bool invalid_utf; /* PCRE2_MATCH_INVALID_UTF: every search looks at the text's encoding itself */
  bool anchored;    /* there is only one place where a match may start */
  bool whole;       /* means something else when the text is searched piece by piece */
  bool compares;    /* references back to groups, which may compare long texts */
  bool calls;       /* calls of groups */
  bool no_jit;      /* the JIT would give other results */
  bool no_careful;  /* PCRE2 could not make it */
} nl_rex;

/* What one Lua state needs for matching; matches of a state never overlap, because none of them calls Lua. */
typedef struct nl_rex_text {
  char *p;
  size_t n, size;
} nl_rex_text;

typedef struct nl_rex_machine {
  pcre2_match_context *quick, *careful, *dfa;
  pcre2_jit_stack *stack;
  nl_rex_text text; /* a result under way */
  int kept;         /* patterns in the table of kept patterns */
  size_t compiled;  /* bytes that PCRE2 holds and the collector has not heard of yet */
} nl_rex_machine;

nl_rex_machine *nl_rex_machine_of(lua_State *L);

/* The compiled pattern at index, or NULL if there is something else. */
nl_rex *nl_rex_at(lua_State *L, int index);

/* The open pattern a method was called on; `who` names the method in errors. */
nl_rex *nl_rex_self(lua_State *L, const char *who);

/* What a call says about how its pattern is to be compiled. */
typedef struct nl_rex_how {
  uint32_t options;
  int locale; /* the stack index of a locale's name or of character tables; 0: none */
} nl_rex_how;

/* Checks flags and locale, whether they will be used or not. */
nl_rex_how nl_rex_how_at(lua_State *L, const char *who, int flags, int locale);

/* Raises unless the value at index can be a pattern. */
void nl_rex_check_pattern(lua_State *L, int index, const char *who);

/* The compiled pattern for the value at index, which it replaces. */
nl_rex *nl_rex_get(lua_State *L, int index, const char *who, nl_rex_how how);

/* Pushes a new compiled pattern for the string at index. */
nl_rex *nl_rex_compile(lua_State *L, int index, const char *who, nl_rex_how how);

/* Reads what r's code and text say about it (rex_traits.c). */
void nl_rex_read_traits(nl_rex *r);

/* Makes r->careful, if there can be one. */
bool nl_rex_make_careful(nl_rex_machine *m, nl_rex *r);

int nl_rex_gc(lua_State *L);
int nl_rex_tostring(lua_State *L);
int nl_rex_new(lua_State *L);
int nl_rex_jit_compile(lua_State *L);
int nl_rex_maketables(lua_State *L);
int nl_rex_tables_gc(lua_State *L);
int nl_rex_tables_tostring(lua_State *L);

/* ---- arguments (rex_arguments.c) ---- */

/* The subject at index: a string or number, or a buffer (#buffer bytes at buffer:topointer()). With `keep` a buffer is
   replaced by a string, for searches that go on after other Lua code ran. */
const char *nl_rex_subject(lua_State *L, int index, const char *who, bool keep, size_t *n);

/* An integer as Lua's own library takes it: 2, 2.0 and "2". */
lua_Integer nl_rex_integer(lua_State *L, int index, const char *who, const char *name, lua_Integer otherwise);

/* Flags that are a number; 0 where there is none. */
uint32_t nl_rex_bits(lua_State *L, int index, const char *who, const char *name);

/* Compile flags: a number or letters. */
uint32_t nl_rex_letters(lua_State *L, int index, const char *who);

/* The offset that `init` means in a text of n bytes; it may lie beyond the text. */
size_t nl_rex_offset(lua_State *L, int index, const char *who, size_t n);

/* ---- searching (rex_search.c) ---- */

/* Codes of a search beside PCRE2's. */
enum { NL_REX_INTERRUPTED = -1001, NL_REX_TOO_MUCH, NL_REX_CLOSED };

/* A call's searches in one text. How much they may do together depends on the length of the text. */
typedef struct nl_rex_search {
  nl_rex *r;
  nl_rex_machine *m;
  const char *who; /* for errors */
  const char *s;
  size_t n;
  uint32_t options;
  uint32_t groups;
  size_t *v;           /* the last match: room for 2 * (groups + 1) offsets */
  int found;           /* groups of it that may be set, or the code of the failure */
  size_t at;           /* where the next search begins; n + 1: nowhere */
  size_t from, to;     /* the last match, within what nl_rex_next had not passed yet */
  size_t last_end;     /* where the last match ended; SIZE_MAX: there was none */
  bool valid;          /* the encoding of the text has been looked at */
  bool slow;           /* quick searches have taken too long; the rest is careful */
  uint32_t limit;      /* steps from one start that a quick search begins with */
  uint32_t most_limit; /* and with which it does not ask for more */
  uint32_t searches;   /* how many there were */
  size_t window;       /* starts that a quick search in a long text tries at a time */
  uint64_t last_took;  /* nanoseconds for the last window */
  size_t begin;        /* where the first search began */
  uint64_t took;       /* nanoseconds in quick searches */
  uint64_t sample;     /* the last search that was measured */
  uint64_t spent;      /* effort in careful searches */
  uint32_t per_callout;
  uint64_t allowed;   /* and how much of it there may be */
  size_t last_place;  /* of the callouts */
  uint32_t callouts;  /* how many there were */
  uint64_t looked;    /* when a clock was read last */
  uint64_t processor; /* processor time, and the effort spent until then */
  uint64_t spent_then;
  int stopped;       /* why a callout stopped the search */
  size_t wrong_byte; /* of a text that is no UTF-8 */
  int *workspace;    /* all ends of matches are looked for (r->ends), with so many words of workspace; there are */
  size_t words;      /* NL_REX_WORKSPACES times as many */
} nl_rex_search;

enum { NL_REX_WORKSPACES = 4 };

void nl_rex_begin(nl_rex_search *a, nl_rex_machine *m, nl_rex *r, const char *who, const char *s, size_t n,
                  uint32_t options, size_t *v);

/* Groups whose offsets fit into a C array; for more, storage is made in Lua. */
enum { NL_REX_FEW = 15 };

/* Room for the offsets of r's groups: `few`, or pushed. */
size_t *nl_rex_room(lua_State *L, const nl_rex *r, size_t *few);

/* The first match that starts at `at` or behind: a->v and the result of pcre2_match, or a code of ours. */
int nl_rex_find(nl_rex_search *a, size_t at);

/* The next of all matches in turn, without empty ones right at the end of the match before: a->from and a->to. */
int nl_rex_next(nl_rex_search *a);

/* One character on. */
size_t nl_rex_step(const nl_rex_search *a, size_t at);

/* Raises what `code` means; pushes nothing and comes back if it is PCRE2_ERROR_NOMATCH or none. */
void nl_rex_check(lua_State *L, const nl_rex_search *a, int code);

/* Makes what the first search needs; false: no memory. */
bool nl_rex_machine_start(nl_rex_machine *m);

/* ---- results (rex_results.c) ---- */

/* Pushes group g of the last match, or false. */
void nl_rex_push(lua_State *L, const nl_rex_search *a, uint32_t g);

/* Pushes the groups, or the whole match where the pattern has none (and `whole` is set); returns how many values. */
int nl_rex_push_groups(lua_State *L, const nl_rex_search *a, bool whole);

int nl_rex_match_function(lua_State *L);
int nl_rex_find_function(lua_State *L);
int nl_rex_tfind_function(lua_State *L);
int nl_rex_exec_function(lua_State *L);
int nl_rex_match_method(lua_State *L);
int nl_rex_find_method(lua_State *L);
int nl_rex_tfind_method(lua_State *L);
int nl_rex_exec_method(lua_State *L);
int nl_rex_dfa_exec(lua_State *L);

/* ---- all matches (rex_each.c, rex_gsub.c) ---- */

int nl_rex_gmatch(lua_State *L);
int nl_rex_split(lua_State *L);
int nl_rex_count(lua_State *L);
int nl_rex_gsub(lua_State *L);

void nl_rex_open_each(void);
void nl_rex_open_gsub(lua_State *L); /* its metatable */

/* ---- tables of facts (rex_info.c) ---- */

int nl_rex_flags(lua_State *L);
int nl_rex_config(lua_State *L);
int nl_rex_version(lua_State *L);
int nl_rex_patterninfo(lua_State *L);
int nl_rex_fullinfo(lua_State *L);

/* "ERROR_NOMATCH" and so on, or NULL. */
const char *nl_rex_error_name(int code);

#endif
