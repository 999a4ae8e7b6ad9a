/* The thread's error slot. */
#include "core/error.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/interrupt.h"

static _Thread_local char slot[2048] = "no error";
static _Thread_local nl_status kind = NL_ERROR;

/* What does not fit is left out in the middle: a message begins with who speaks, and ends with the reason and what to
   do. */
static void put_into_slot(const char *text) {
  static const char gap[] = " ... ";
  enum { END = 600, BEGIN = sizeof slot - END - sizeof gap };
  size_t n = strlen(text);
  if (n < sizeof slot) {
    memcpy(slot, text, n + 1);
    return;
  }
  memcpy(slot, text, BEGIN);
  memcpy(slot + BEGIN, gap, sizeof gap - 1);
  memcpy(slot + BEGIN + sizeof gap - 1, text + n - END, END + 1);
}

enum { LONGEST = 1 << 14 };

nl_status nl_vfail(const char *fmt, va_list args) {
  char text[sizeof slot], *long_text = NULL; /* the arguments may point into the slot itself */
  va_list again;
  va_copy(again, args);
  int n = vsnprintf(text, sizeof text, fmt, args);
  if (n >= (int)sizeof text && n < LONGEST) {
    long_text = malloc((size_t)n + 1);
  }
  if (long_text) {
    vsnprintf(long_text, (size_t)n + 1, fmt, again);
  }
  va_end(again);
  put_into_slot(long_text ? long_text : text);
  free(long_text);
  return kind = NL_ERROR;
}

nl_status nl_fail(const char *fmt, ...) {
  va_list args;
  va_start(args, fmt);
  nl_status status = nl_vfail(fmt, args);
  va_end(args);
  return status;
}

nl_status nl_fail_memory(size_t bytes) {
  const char *unit[] = {"bytes", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"};
  double amount = (double)bytes;
  int u = 0;
  while (amount >= 1024 && u < 6) {
    amount /= 1024;
    u++;
  }
  nl_fail("not enough memory: %.4g %s could not be had", amount, unit[u]);
  return kind = NL_NOMEM;
}

nl_status nl_fail_interrupted(void) {
  nl_fail("%s", nl_interrupt_ends() ? NL_TERMINATED_TEXT : NL_INTERRUPTED_TEXT);
  return kind = NL_INTERRUPTED;
}

nl_status nl_error_kind(void) {
  return kind;
}

void nl_error_prefix(const char *fmt, ...) {
  char text[2 * sizeof slot];
  va_list args;
  va_start(args, fmt);
  int n = vsnprintf(text, sizeof slot, fmt, args);
  va_end(args);
  if (n < 0) {
    return;
  }
  size_t used = (size_t)n < sizeof slot ? (size_t)n : sizeof slot - 1;
  snprintf(text + used, sizeof text - used, ": %s", slot);
  put_into_slot(text);
}

const char *nl_error_message(void) {
  return slot;
}
