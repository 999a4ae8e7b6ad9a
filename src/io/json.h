/* JSON as text and back, by jansson, which does not survive running out of memory: it leaves out parts of what it
   writes, and ends the program by an assertion while it reads (2.14, found by letting each request fail). So it never
   sees a failed request: its memory comes from here, and where there is none, or a Ctrl-C came, the call is left by a
   jump and what it had is freed. */
#ifndef NL_IO_JSON_H
#define NL_IO_JSON_H

#include <jansson.h>
#include <stdbool.h>

#include "core/error.h"

/* Whether n bytes are UTF-8; of others jansson makes no string, and says as little as where memory runs out. */
bool nl_json_is_utf8(const char *s, size_t n);

/* The text of a value, to be freed by free(). Errors: memory, Ctrl-C. */
nl_status nl_json_write(const json_t *, size_t flags, char **text);

/* The value of a text of n bytes. Errors: with what is wrong and where; memory; Ctrl-C. */
nl_status nl_json_read(const char *text, size_t n, size_t flags, json_t **value);

/* The same, where other programs wrote the text: an integer that 64 bits do not hold is the nearest double, and a
   number that no double holds the string "inf" or "-inf". There is a zero byte behind the text. */
nl_status nl_json_read_fitting(const char *text, size_t n, size_t flags, json_t **value);

#endif
