/* What there is in a pattern that decides how it may be searched for. PCRE2 does not tell, so that the pattern's text
   is looked at; the answers may be yes too often (in classes, quotes and comments), which costs time only. */
#include <string.h>

#include "lua/rex.h"

static bool pattern_contains(const nl_rex *r, const char *what) {
  return memmem(r->text, r->length, what, strlen(what)) != NULL;
}

/* Verbs such as (*SKIP) decide where the next start is, and (*NOTEMPTY_ATSTART) is about the first. Those at the
   beginning that only say what characters and newlines are do neither. */
static bool has_verbs(const nl_rex *r) {
  static const char *const harmless[] = {"(*UTF)", "(*UCP)",     "(*CR)",  "(*LF)",          "(*CRLF)",
                                         "(*ANY)", "(*ANYCRLF)", "(*NUL)", "(*BSR_ANYCRLF)", "(*BSR_UNICODE)"};
  const char *s = r->text;
  size_t n = r->length;
  for (size_t i = 0; i < sizeof harmless / sizeof *harmless; i++) {
    size_t length = strlen(harmless[i]);
    if (n >= length && memcmp(s, harmless[i], length) == 0) {
      s += length;
      n -= length;
      i = SIZE_MAX; /* from the first again */
    }
  }
  return memmem(s, n, "(*", 2) != NULL;
}

/* Newlines of two bytes. */
static bool has_long_newlines(const nl_rex *r) {
  uint32_t newline = 0;
  pcre2_pattern_info(r->code, PCRE2_INFO_NEWLINE, &newline);
  return newline != PCRE2_NEWLINE_LF && newline != PCRE2_NEWLINE_CR && newline != PCRE2_NEWLINE_NUL;
}

/* Calls of groups: (?1), \g<1> and the like. */
static bool has_calls(const nl_rex *r) {
  for (size_t i = 0; i + 2 < r->length; i++) {
    const char *p = r->text + i;
    if ((p[0] == '(' && p[1] == '?' && strchr("R&P+-0123456789", p[2])) || (p[0] == '\\' && p[1] == 'g')) {
      return true;
    }
  }
  return false;
}

/* Possessive quantifiers behind a parenthesis, as in (a)*+ and (a){2}+. */
static bool has_possessive_groups(const nl_rex *r) {
  const char *p = r->text, *end = p + r->length;
  while ((p = memchr(p, ')', (size_t)(end - p))) && ++p < end) {
    const char *q = p;
    while (*p == '{' && q < end && *q != '}') {
      q++;
    }
    if (end - q >= 2 && strchr("*+?}", *q) && q[1] == '+') {
      return true;
    }
  }
  return false;
}

/* Where the JIT of PCRE2 10.42 is wrong: after going back behind a possessive group it still gives what the group
   matched; in an atomic group it passes over alternatives whose first item had failed from an earlier start; verbs and
   starts between the bytes of a newline are not always what they are to the interpreter; with FIRSTLINE it fails to
   advance. (Limits that the pattern sets itself are verbs; they count the interpreter's steps.) */
static bool is_not_for_jit(const nl_rex *r, uint32_t options, bool verbs, bool long_newlines) {
  bool atomic = pattern_contains(r, "(?>") && pattern_contains(r, "|");
  return verbs || long_newlines || atomic || (options & PCRE2_FIRSTLINE) != 0 ||
         (r->groups > 0 && has_possessive_groups(r));
}

void nl_rex_read_traits(nl_rex *r) {
  uint32_t options = 0, references = 0;
  pcre2_pattern_info(r->code, PCRE2_INFO_CAPTURECOUNT, &r->groups);
  pcre2_pattern_info(r->code, PCRE2_INFO_ALLOPTIONS, &options);
  pcre2_pattern_info(r->code, PCRE2_INFO_BACKREFMAX, &references);
  bool verbs = has_verbs(r), long_newlines = has_long_newlines(r);
  r->utf = (options & PCRE2_UTF) != 0;
  r->invalid_utf = (options & PCRE2_MATCH_INVALID_UTF) != 0;
  r->anchored = (options & PCRE2_ANCHORED) != 0;
  r->compares = references > 0;
  r->calls = has_calls(r);
  r->whole = verbs || r->invalid_utf || (options & PCRE2_FIRSTLINE) != 0 || pattern_contains(r, "\\G");
  r->no_jit = is_not_for_jit(r, options, verbs, long_newlines);
}
