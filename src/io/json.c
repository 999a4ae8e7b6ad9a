#include "io/json.h"

#include <errno.h>
#include <malloc.h>
#include <math.h>
#include <setjmp.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "core/interrupt.h"

/* What jansson has got in the call that runs, for freeing it where the call is left. Blocks are the C library's own, so
   that who frees them later needs to know nothing; at its end each has its place in the list. */
static struct {
  void **block;
  size_t count, room;
} got;
static jmp_buf way_out;
static unsigned requests;

static void leave(nl_status why) {
  longjmp(way_out, (int)why);
}

static size_t *number_of_block(void *block) {
  return (size_t *)(void *)((char *)block + malloc_usable_size(block) / sizeof(size_t) * sizeof(size_t)) - 1;
}

static void *get_block(size_t bytes) {
  if ((++requests & 1023) == 0 && nl_interrupt_pending()) {
    leave(NL_INTERRUPTED);
  }
  if (got.count == got.room) {
    size_t room = got.room ? 2 * got.room : 256;
    void **more = realloc(got.block, room * sizeof *more);
    if (!more) {
      leave(NL_NOMEM);
    }
    got.block = more;
    got.room = room;
  }
  void *p = bytes < SIZE_MAX / 2 ? malloc(bytes + 2 * sizeof(size_t)) : NULL;
  if (!p) {
    leave(NL_NOMEM);
  }
  *number_of_block(p) = got.count;
  got.block[got.count++] = p;
  return p;
}

static void give_block_back(void *p) {
  size_t at = p ? *number_of_block(p) : 0;
  if (p && at < got.count && got.block[at] == p) {
    got.block[at] = NULL;
  }
  free(p);
}

/* What may be left by a jump. */
typedef struct request {
  const json_t *value;
  json_t *read;
  char *text;
  size_t n, room, flags;
  bool failed;
  json_error_t error;
} request;

/* Pieces of the text, one value or so each. */
static int add_text(const char *piece, size_t n, void *ctx) {
  request *r = ctx;
  if ((++requests & 1023) == 0 && nl_interrupt_pending()) {
    leave(NL_INTERRUPTED);
  }
  if (r->n + n >= r->room) {
    size_t room = 2 * (r->n + n) + 256;
    char *more = realloc(r->text, room);
    if (!more) {
      leave(NL_NOMEM);
    }
    r->text = more;
    r->room = room;
  }
  memcpy(r->text + r->n, piece, n);
  r->text[r->n += n] = 0;
  return 0;
}

static void write_text(request *r) {
  r->failed = json_dump_callback(r->value, add_text, r, r->flags) != 0;
}

static void read_text(request *r) {
  r->read = json_loadb(r->text, r->n, r->flags, &r->error);
}

static nl_status run_guarded(void (*fn)(request *), request *r) {
  json_malloc_t was_malloc;
  json_free_t was_free;
  json_get_alloc_funcs(&was_malloc, &was_free);
  json_set_alloc_funcs(get_block, give_block_back);
  volatile int why = setjmp(way_out);
  if (why == 0) {
    fn(r);
  }
  json_set_alloc_funcs(was_malloc, was_free);
  for (size_t i = 0; i < got.count && why != 0; i++) {
    free(got.block[i]);
  }
  free(got.block);
  got.block = NULL;
  got.count = got.room = 0;
  return why == 0 ? NL_OK : why == NL_INTERRUPTED ? nl_fail_interrupted() : nl_fail_memory(1 << 12);
}

nl_status nl_json_write(const json_t *value, size_t flags, char **text) {
  request r = {.value = value, .flags = flags};
  nl_status status = run_guarded(write_text, &r);
  if (status == NL_OK && (r.failed || !r.text)) {
    status = nl_fail("a value cannot be written as JSON");
  }
  if (status != NL_OK) {
    free(r.text);
    r.text = NULL;
  }
  *text = r.text;
  return status;
}

nl_status nl_json_read(const char *text, size_t n, size_t flags, json_t **value) {
  request r = {.text = (char *)text, .n = n, .flags = flags};
  nl_status status = run_guarded(read_text, &r);
  *value = status == NL_OK ? r.read : NULL;
  return status != NL_OK || r.read ? status : nl_fail("%s (line %d)", r.error.text, r.error.line);
}

static const char *behind_digits(const char *p, const char *end) {
  while (p < end && *p >= '0' && *p <= '9') {
    p++;
  }
  return p;
}

/* Behind a number of JSON's grammar, or NULL; and whether it is an integer. */
static const char *behind_number(const char *p, const char *end, bool *whole) {
  p += *p == '-';
  const char *from = p;
  p = behind_digits(p, end);
  if (p == from || (*from == '0' && p - from > 1)) {
    return NULL;
  }
  *whole = p == end || (*p != '.' && *p != 'e' && *p != 'E');
  if (p < end && *p == '.') {
    from = ++p;
    p = behind_digits(p, end);
    if (p == from) {
      return NULL;
    }
  }
  if (p < end && (*p == 'e' || *p == 'E')) {
    p++;
    p += p < end && (*p == '+' || *p == '-');
    from = p;
    p = behind_digits(p, end);
    if (p == from) {
      return NULL;
    }
  }
  return p;
}

/* What stands in the place of a number: itself, or what can be read. At most two bytes more than it has. */
static size_t put_fitting(char *to, const char *p, const char *stop, bool whole, bool *changed) {
  size_t n = (size_t)(stop - p);
  char *read_to;
  double v = strtod(p, &read_to);
  memcpy(to, p, n);
  if (read_to == stop && isinf(v)) {
    n = v > 0 ? 5 : 6;
    memcpy(to, v > 0 ? "\"inf\"" : "\"-inf\"", n);
    *changed = true;
  } else if (read_to == stop && whole) {
    errno = 0;
    strtoll(p, NULL, 10);
    if (errno == ERANGE) {
      memcpy(to + n, "e0", 2);
      n += 2;
      *changed = true;
    }
  }
  return n;
}

/* *out: NULL where each number fits. */
static nl_status fit_numbers(const char *text, size_t n, char **out, size_t *out_n) {
  char *to = malloc(2 * n + 8);
  *out = to;
  if (!to) {
    return nl_fail_memory(2 * n + 8);
  }
  bool changed = false, inside = false, whole = false;
  for (const char *p = text, *end = text + n; p < end;) {
    const char *stop = !inside && (*p == '-' || (*p >= '0' && *p <= '9')) ? behind_number(p, end, &whole) : NULL;
    if (stop) {
      to += put_fitting(to, p, stop, whole, &changed);
      p = stop;
      continue;
    }
    if (inside && *p == '\\' && p + 1 < end) {
      *to++ = *p++;
    } else if (*p == '"') {
      inside = !inside;
    }
    *to++ = *p++;
  }
  *out_n = (size_t)(to - *out);
  if (!changed) {
    free(*out);
    *out = NULL;
  }
  return NL_OK;
}

nl_status nl_json_read_fitting(const char *text, size_t n, size_t flags, json_t **value) {
  nl_status status = nl_json_read(text, n, flags, value);
  if (status != NL_ERROR) {
    return status;
  }
  char *other;
  size_t other_n;
  nl_status fitted = fit_numbers(text, n, &other, &other_n);
  if (fitted != NL_OK || !other) {
    return fitted == NL_OK ? status : fitted; /* the error of the first reading waits */
  }
  status = nl_json_read(other, other_n, flags, value);
  free(other);
  return status;
}

/* The bytes that follow a first one, and the least and most that the second may be: without surrogates and without what
   could be told shorter. -1: no first byte. */
static int follow_first(unsigned char c, unsigned char *low, unsigned char *high) {
  *low = c == 0xe0 ? 0xa0 : c == 0xf0 ? 0x90 : 0x80;
  *high = c == 0xed ? 0x9f : c == 0xf4 ? 0x8f : 0xbf;
  return c < 0x80 ? 0 : c < 0xc2 ? -1 : c < 0xe0 ? 1 : c < 0xf0 ? 2 : c < 0xf5 ? 3 : -1;
}

bool nl_json_is_utf8(const char *s, size_t n) {
  for (size_t i = 0; i < n; i++) {
    unsigned char low, high;
    int more = follow_first((unsigned char)s[i], &low, &high);
    if (more < 0 || (size_t)more >= n - i) {
      return false;
    }
    for (; more > 0; more--) {
      unsigned char c = (unsigned char)s[++i];
      if (c < low || c > high) {
        return false;
      }
      low = 0x80;
      high = 0xbf;
    }
  }
  return true;
}
