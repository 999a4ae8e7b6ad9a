/* Searches that cannot run away.

   PCRE2 limits the steps from one start, and begins again at the next: a text of n bytes may cost n times the limit,
   and what a step passes over (a run of letters, say) is not counted at all. So a search here is quick or careful.

   Quick searches are what PCRE2 does best. Their steps are limited to little; when that does not suffice, to more, as
   long as that takes no more than some milliseconds. In a long text they try a window of starts at a time, whose size
   follows the time it takes. In between come clocks and Ctrl-C.

   Careful searches have a callout before each item of the pattern. It counts: items, and bytes that were passed. That
   is some four times slower, and what decides whether a call may go on: an amount of effort, not of time, so that a
   busy machine changes nothing. Quick searches hand over when they take much longer than a text of that length should.
 */
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "core/interrupt.h"
#include "lua/rex.h"

/* ---- quick searches: constants ---- */

/* A text of so many bytes is searched at once. */
enum { SHORT = 512 };

/* Starts that are tried at a time: at first so many, or fewer where starts times bytes would be more than that. */
enum { FIRST_WINDOW = 256, WINDOW_BYTES = 1 << 24, MOST_WINDOW = 1 << 28 };

/* Steps from each start, of which one may pass over the whole text: at first so many, or fewer where steps times bytes
   would be more than that (half a second at worst). */
enum { FIRST_LIMIT = 1000, LIMIT_BYTES = 1000000000, LEAST_LIMIT = 32, MOST_LIMIT = 1 << 29 };

/* Where steps did not suffice and took no longer than so many nanoseconds, MORE times as many are tried. */
enum { MORE = 4, LONG = 32000000 };

/* One in so many searches is measured. */
enum { EVERY = 16 };

/* PCRE2's interpreter takes so many times as long as its JIT. */
enum { INTERPRETER = 5 };

/* Bytes of stack for the JIT. They are reserved; only what is used takes memory. */
enum { JIT_STACK = 32 << 20 };

/* ---- careful searches: constants ---- */

/* The effort of a callout, in bytes that are passed over; without the JIT it is more. */
enum { PER_CALLOUT = 8, PER_SLOW_CALLOUT = 32 };

/* Callouts between looks at the clock. */
enum { LOOK = 128 };

/* Nanoseconds that the effort does not explain, for one of it. */
enum { UNEXPLAINED = 4 };

/* How deep dfa_exec may go on C's stack: some 300 bytes each. */
enum { DFA_DEPTH = 4000 };

/* Nanoseconds that quick searches of a call may take: so many, for each byte of the text, for each byte that is done.
 */
static const uint64_t MILLISECOND = 1000000, QUICK_TIME = 100000000, QUICK_TIME_FOR_TEXT = 10,
                      QUICK_TIME_PER_BYTE = 300;

/* Effort that the careful searches of a call may spend: half a second or so, and as much for each byte as few honest
   patterns take. */
static const uint64_t EFFORT = 500000000, EFFORT_PER_BYTE = 100;

static const uint32_t PARTIAL = PCRE2_PARTIAL_SOFT | PCRE2_PARTIAL_HARD;

/* Kilobytes that PCRE2's interpreter may take: it needs some 100 bytes for each repeat of a group. */
enum { HEAP = 256 << 10, HEAP_PER_KILOBYTE = 512, MOST_HEAP = 1 << 20 };

static uint64_t clock_of(clockid_t id) {
  struct timespec t;
  clock_gettime(id, &t);
  return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

bool nl_rex_machine_start(nl_rex_machine *m) {
  if (m->dfa) {
    return true;
  }
  m->quick = m->quick ? m->quick : pcre2_match_context_create(NULL);
  m->careful = m->careful ? m->careful : pcre2_match_context_create(NULL);
  m->stack = m->stack ? m->stack : pcre2_jit_stack_create(32 << 10, JIT_STACK, NULL); /* NULL where there is no JIT */
  if (!m->quick || !m->careful) {
    return false;
  }
  pcre2_jit_stack_assign(m->quick, NULL, m->stack);
  pcre2_jit_stack_assign(m->careful, NULL, m->stack);
  m->dfa = pcre2_match_context_create(NULL);
  if (m->dfa) {
    pcre2_set_depth_limit(m->dfa, DFA_DEPTH);
  }
  return m->dfa != NULL;
}

void nl_rex_begin(nl_rex_search *a, nl_rex_machine *m, nl_rex *r, const char *who, const char *s, size_t n,
                  uint32_t options, size_t *v) {
  uint64_t limit = LIMIT_BYTES / (n + 1), window = WINDOW_BYTES / (n + 1);
  limit = limit < LEAST_LIMIT ? LEAST_LIMIT : limit < MOST_LIMIT ? limit : MOST_LIMIT;
  window = r->compares || window == 0 ? 1 : window;
  *a = (nl_rex_search){
      .r = r,
      .m = m,
      .who = who,
      .s = s,
      .n = n,
      /* the encoding is always looked at (a text that is no UTF-8 may crash PCRE2), and nobody needs a copy */
      .options = options & ~(uint32_t)(PCRE2_NO_UTF_CHECK | PCRE2_COPY_MATCHED_SUBJECT),
      .groups = r->groups,
      .v = v,
      .last_end = SIZE_MAX,
      .limit = (uint32_t)(limit < FIRST_LIMIT ? limit : FIRST_LIMIT),
      /* comparing groups may take much longer all of a sudden, so that its time says nothing about more steps */
      .most_limit = (uint32_t)(r->compares ? limit : MOST_LIMIT),
      .window = window < FIRST_WINDOW ? (size_t)window : FIRST_WINDOW,
      .begin = SIZE_MAX,
      .allowed = EFFORT + EFFORT_PER_BYTE * (uint64_t)n,
  };
}

static bool is_middle(const nl_rex_search *a, size_t at) {
  return at < a->n && ((unsigned char)a->s[at] & 0xC0) == 0x80;
}

size_t nl_rex_step(const nl_rex_search *a, size_t at) {
  at++;
  while (a->r->utf && is_middle(a, at)) {
    at++;
  }
  return at;
}

/* PCRE2 looks at the encoding of all that follows. Once is enough: doing it at each search would take n * n. */
static uint32_t options_at(const nl_rex_search *a, size_t at) {
  bool known = a->valid && a->r->utf && !a->r->invalid_utf && !is_middle(a, at);
  return a->options | (known ? PCRE2_NO_UTF_CHECK : 0);
}

/* One call of PCRE2. */
static int match(nl_rex_search *a, const pcre2_code *code, size_t at, uint32_t options, pcre2_match_context *context,
                 size_t words) {
  PCRE2_SPTR s = (PCRE2_SPTR)a->s;
  int found;
  if (a->workspace) {
    /* so that DFA_RESTART, for which there is nothing to go on with, is refused */
    a->workspace[0] = a->workspace[1] = 0;
    found = pcre2_dfa_match(code, s, a->n, at, options, a->r->ends, context, a->workspace, words);
    a->wrong_byte = pcre2_get_startchar(a->r->ends);
  } else {
    found = pcre2_match(code, s, a->n, at, options, a->r->data, context);
    a->wrong_byte = pcre2_get_startchar(a->r->data);
  }
  a->valid = a->valid || found >= PCRE2_ERROR_PARTIAL || found == PCRE2_ERROR_MATCHLIMIT;
  return found;
}

/* ---- careful searches ---- */

/* Items may do more than their callouts show: compare a group, or count to 60,000 and fail. Processor time that the
   effort does not explain is effort too, a nanosecond a quarter: where memory is dear (a sanitizer, a machine within a
   machine) honest work takes many times as long. */
static void look_at_clock(nl_rex_search *a) {
  uint64_t now = clock_of(CLOCK_MONOTONIC);
  if (now - a->looked > MILLISECOND / 4) {
    uint64_t processor = clock_of(CLOCK_THREAD_CPUTIME_ID);
    uint64_t effort = a->spent - a->spent_then, took = processor - a->processor;
    a->spent += a->processor > 0 && took > 2 * effort ? took / UNEXPLAINED : 0;
    a->processor = processor;
    a->spent_then = a->spent;
  }
  a->looked = now;
}

static int on_callout(pcre2_callout_block *block, void *data) {
  nl_rex_search *a = data;
  size_t place = block->current_position;
  a->spent += a->per_callout + (place > a->last_place ? place - a->last_place : 0);
  a->last_place = place;
  if (++a->callouts % LOOK == 0) {
    look_at_clock(a);
  }
  if (nl_interrupt_pending()) {
    a->stopped = NL_REX_INTERRUPTED;
  } else if (a->spent > a->allowed) {
    a->stopped = NL_REX_TOO_MUCH;
  }
  return a->stopped ? PCRE2_ERROR_CALLOUT : 0;
}

static uint32_t heap_limit(size_t n) {
  uint64_t limit = HEAP + (uint64_t)(n >> 10) * HEAP_PER_KILOBYTE;
  return (uint32_t)(limit < MOST_HEAP ? limit : MOST_HEAP);
}

/* The interpreter's memory stays with the match data: let go of what a long text took. */
static void shrink(nl_rex_search *a) {
  nl_rex *r = a->r;
  pcre2_match_data *data = a->n > 4096 ? pcre2_match_data_create_from_pattern(r->code, NULL) : NULL;
  if (data) {
    memcpy(pcre2_get_ovector_pointer(data), pcre2_get_ovector_pointer(r->data),
           2 * ((size_t)a->groups + 1) * sizeof(size_t));
    pcre2_match_data_free(r->data);
    r->data = data;
  }
}

/* Callouts need workspace of their own; and with them the end of a text that a partial match reaches is another. */
static int find_carefully(nl_rex_search *a, size_t at, uint32_t options) {
  nl_rex *r = a->r;
  bool dfa = a->workspace != NULL, partial = (options & PARTIAL) != 0;
  if (dfa && partial) {
    return NL_REX_TOO_MUCH;
  }
  pcre2_match_context *context = dfa ? a->m->dfa : a->m->careful;
  bool jit = !dfa && !partial && r->jit && !r->calls && (options & PCRE2_NO_JIT) == 0;
  a->per_callout = jit ? PER_CALLOUT : PER_SLOW_CALLOUT;
  a->last_place = at;
  a->looked = clock_of(CLOCK_MONOTONIC);
  a->processor = 0;
  a->stopped = 0;
  /* a pattern so long that it has no room for callouts gets what PCRE2 allows by itself */
  bool counts = nl_rex_make_careful(a->m, r);
  const pcre2_code *code = counts ? r->careful : r->code;
  pcre2_set_callout(context, on_callout, a);
  pcre2_set_offset_limit(context, PCRE2_UNSET);
  pcre2_set_heap_limit(context, heap_limit(a->n));
  pcre2_set_match_limit(context, counts ? UINT32_MAX : 10000000);
  int found = match(a, code, at, options, context, a->words * NL_REX_WORKSPACES);
  if (found == PCRE2_ERROR_JIT_STACKLIMIT) {
    found = match(a, code, at, options | PCRE2_NO_JIT, context, 0);
  }
  if (!dfa) {
    shrink(a);
  }
  return a->stopped ? a->stopped : found;
}

/* ---- quick searches ---- */

/* Looks for starts from `from` to `last` (PCRE2_UNSET: to the end). */
static int find_with_limit(nl_rex_search *a, size_t from, size_t last, uint32_t options, uint32_t limit) {
  pcre2_match_context *context = a->workspace ? a->m->dfa : a->m->quick;
  pcre2_set_callout(context, NULL, NULL);
  pcre2_set_offset_limit(context, last);
  pcre2_set_heap_limit(context, heap_limit(a->n));
  pcre2_set_match_limit(context, limit);
  return match(a, a->r->code, from, options, context, a->words);
}

/* What is long for one call. */
static uint64_t long_time(const nl_rex_search *a) {
  return a->r->jit && !a->workspace ? LONG : INTERPRETER * (uint64_t)LONG;
}

/* Searches a short text, or for a single start, with more and more steps. */
static int find_at_once(nl_rex_search *a, size_t from, uint32_t options) {
  uint32_t limit = a->limit;
  int found = find_with_limit(a, from, PCRE2_UNSET, options, limit);
  uint64_t took = 0;
  while (found == PCRE2_ERROR_MATCHLIMIT && limit < a->most_limit && took < long_time(a) && !nl_interrupt_pending()) {
    limit *= MORE;
    uint64_t start = clock_of(CLOCK_MONOTONIC);
    found = find_with_limit(a, from, PCRE2_UNSET, options, limit);
    took = clock_of(CLOCK_MONOTONIC) - start;
    a->took += took;
  }
  return found;
}

static bool is_too_slow(nl_rex_search *a, size_t at) {
  uint64_t all = QUICK_TIME + QUICK_TIME_FOR_TEXT * (uint64_t)(a->n - a->begin);
  uint64_t per_byte = a->r->jit ? QUICK_TIME_PER_BYTE : INTERPRETER * QUICK_TIME_PER_BYTE;
  a->slow = a->took > all + per_byte * (uint64_t)(at - a->begin);
  return a->slow;
}

/* One search in so many is measured, and stands for the others; the smaller of two in turn, because the machine may
   have been busy with something else. */
static void measure_search(nl_rex_search *a, uint64_t start) {
  uint64_t took = clock_of(CLOCK_MONOTONIC) - start;
  a->took += (uint64_t)EVERY * (took < a->sample ? took : a->sample);
  a->sample = took;
}

/* A window takes a few milliseconds. The JIT remembers, within a call, where a run ended that it tried in vain from an
   earlier start: then larger windows take no longer. */
static void resize_window(nl_rex_search *a, uint64_t took) {
  bool no_longer = took <= a->last_took + a->last_took / 2;
  size_t factor = no_longer && took > MILLISECOND / 4 ? 8 : 2;
  if (took > 4 * MILLISECOND && !no_longer) {
    a->window = a->window > 1 ? a->window / 2 : 1;
  } else if (a->window < MOST_WINDOW) {
    a->window *= factor;
  }
  a->last_took = took;
}

/* Takes windows of a long text in turn; when steps did not suffice, single starts, with more steps if need be. Sets *at
   to where a careful search would have to go on. */
static int find_in_windows(nl_rex_search *a, size_t *at, uint32_t *options) {
  uint64_t before = 0;
  uint32_t limit = a->limit;
  for (;;) {
    size_t last = *at + a->window - 1;
    if (last + 1 < a->n && a->s[last] == '\r' && a->s[last + 1] == '\n') {
      last++; /* there may be no start between the bytes of a newline */
    }
    bool rest = last >= a->n;
    int found = find_with_limit(a, *at, rest ? PCRE2_UNSET : last, *options, limit);
    if ((found != PCRE2_ERROR_NOMATCH || rest) && found != PCRE2_ERROR_MATCHLIMIT) {
      return found;
    }
    uint64_t now = clock_of(CLOCK_MONOTONIC);
    uint64_t took = before ? now - before : 0;
    before = now;
    a->took += took;
    if (nl_interrupt_pending()) {
      return NL_REX_INTERRUPTED;
    }
    if (found == PCRE2_ERROR_MATCHLIMIT) {
      if (a->window == 1 && (limit >= a->most_limit || took > long_time(a))) {
        return found;
      }
      limit *= a->window == 1 ? MORE : 1;
      a->window = 1;
      continue;
    }
    *at = nl_rex_step(a, last);
    resize_window(a, took);
    a->options &= ~(uint32_t)PCRE2_NOTEMPTY_ATSTART;
    *options = options_at(a, *at);
    if (is_too_slow(a, *at)) {
      return PCRE2_ERROR_MATCHLIMIT;
    }
  }
}

/* Up to how many bytes a text is searched at once. A search for all ends goes over each byte with all its states, of
   which there may be as many as there are words. */
static size_t short_length(const nl_rex_search *a, bool in_pieces) {
  size_t for_states = a->workspace ? SHORT * SHORT / a->words : 0;
  bool always = !a->workspace || !in_pieces;
  return always && for_states < SHORT ? SHORT : for_states;
}

static int find_quickly(nl_rex_search *a, size_t *at, uint32_t *options) {
  bool in_pieces = !a->r->whole && (a->workspace || (*options & PARTIAL) == 0);
  bool one_start = a->r->anchored || (*options & PCRE2_ANCHORED) != 0;
  if (one_start || a->n - *at <= short_length(a, in_pieces)) {
    return find_at_once(a, *at, *options);
  }
  return in_pieces ? find_in_windows(a, at, options) : PCRE2_ERROR_MATCHLIMIT;
}

int nl_rex_find(nl_rex_search *a, size_t at) {
  a->begin = a->begin == SIZE_MAX ? at : a->begin;
  a->searches++;
  if (!a->r->code || nl_interrupt_pending()) {
    return a->r->code ? NL_REX_INTERRUPTED : NL_REX_CLOSED;
  }
  uint32_t options = options_at(a, at), kept = a->options;
  int found = PCRE2_ERROR_MATCHLIMIT;
  if (!a->slow) {
    uint64_t start = a->searches % EVERY == 0 ? clock_of(CLOCK_MONOTONIC) : 0, took = a->took;
    size_t goes_on = at;
    found = find_quickly(a, &goes_on, &options);
    if (!a->r->jit && !a->workspace) {
      shrink(a);
    }
    if (start) {
      measure_search(a, start);
    }
    if (a->took > took) {
      is_too_slow(a, goes_on);
    }
    at = goes_on;
  }
  if (found == PCRE2_ERROR_MATCHLIMIT || found == PCRE2_ERROR_JIT_STACKLIMIT) {
    found = find_carefully(a, at, options);
  }
  a->options = kept;
  a->found = found;
  if (found >= 0 && !a->workspace) {
    memcpy(a->v, pcre2_get_ovector_pointer(a->r->data), 2 * ((size_t)a->groups + 1) * sizeof *a->v);
  }
  return found;
}

int nl_rex_next(nl_rex_search *a) {
  while (a->at <= a->n) {
    int found = nl_rex_find(a, a->at);
    if (found < 0) {
      return found;
    }
    /* \K in a subroutine may set the start behind the end, or before what was passed already */
    a->to = a->v[1] > a->at ? a->v[1] : a->at;
    a->from = a->v[0] < a->at ? a->at : a->v[0] > a->to ? a->to : a->v[0];
    if (a->to != a->last_end) {
      a->last_end = a->to;
      a->at = a->to > a->from ? a->to : nl_rex_step(a, a->to);
      return found;
    }
    a->at = nl_rex_step(a, a->at);
  }
  return a->found = PCRE2_ERROR_NOMATCH;
}

/* ---- failures ---- */

void nl_rex_check(lua_State *L, const nl_rex_search *a, int code) {
  if (code >= 0 || code == PCRE2_ERROR_NOMATCH) {
    return;
  }
  switch (code) {
  case NL_REX_INTERRUPTED:
    nl_fail_interrupted();
    nl_lua_raise(L);
    return;
  case NL_REX_CLOSED:
    nl_lua_error(L, "rex.%s: the pattern was closed while it was in use", a->who);
    return;
  case NL_REX_TOO_MUCH:
  case PCRE2_ERROR_MATCHLIMIT:
  case PCRE2_ERROR_DEPTHLIMIT:
  case PCRE2_ERROR_HEAPLIMIT:
  case PCRE2_ERROR_JIT_STACKLIMIT:
    nl_lua_error(L,
                 "rex.%s: the pattern needs more steps or memory on this text (%lld bytes) than are allowed; nested "
                 "repeats such as (a+)+ are the usual reason, and possessive ones (a++) the cure",
                 a->who, (long long)a->n);
    return;
  case PCRE2_ERROR_PARTIAL:
    nl_lua_error(L,
                 "rex.%s: the text ends within a match (PCRE2_ERROR_PARTIAL), which the flags PARTIAL_SOFT and "
                 "PARTIAL_HARD ask for; re:dfa_exec gives where it begins",
                 a->who);
    return;
  case PCRE2_ERROR_BADUTFOFFSET:
    nl_lua_error(L, "rex.%s: the search would begin within a UTF-8 character (PCRE2_ERROR_BADUTFOFFSET)", a->who);
    return;
  default:;
  }
  char text[160];
  if (pcre2_get_error_message(code, (PCRE2_UCHAR *)text, sizeof text) < 0) {
    memcpy(text, "unknown error", sizeof "unknown error");
  }
  const char *name = nl_rex_error_name(code);
  if (code <= PCRE2_ERROR_UTF8_ERR1 && code >= PCRE2_ERROR_UTF8_ERR21) {
    nl_lua_error(L, "rex.%s: the subject is no UTF-8 at byte %lld: %s (PCRE2_%s)", a->who, (long long)a->wrong_byte + 1,
                 text, name);
  }
  nl_lua_error(L, "rex.%s: matching failed: %s (PCRE2_%s)", a->who, text, name ? name : "an unnamed error");
}
