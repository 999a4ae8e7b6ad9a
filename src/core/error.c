/* The thread's error slot. */
#include "core/error.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "core/interrupt.h"

static _Thread_local char slot[2048] = "no error";
static _Thread_local nl_status kind = NL_ERROR;

nl_status nl_vfail(const char *fmt, va_list args) {
  char text[sizeof slot]; /* the arguments may point into the slot itself */
  vsnprintf(text, sizeof text, fmt, args);
  memcpy(slot, text, sizeof slot);
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
  char text[sizeof slot];
  va_list args;
  va_start(args, fmt);
  int n = vsnprintf(text, sizeof text, fmt, args);
  va_end(args);
  if (n < 0) {
    return;
  }
  size_t used = (size_t)n < sizeof text ? (size_t)n : sizeof text - 1;
  snprintf(text + used, sizeof text - used, ": %.*s", (int)(sizeof text - used - 3 > 0 ? sizeof text - used - 3 : 0),
           slot);
  memcpy(slot, text, sizeof slot);
}

const char *nl_error_message(void) {
  return slot;
}
