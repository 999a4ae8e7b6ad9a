/* How failure travels below src/lua: functions return nl_status, and the text waits in the thread's error slot. */
#ifndef NL_CORE_ERROR_H
#define NL_CORE_ERROR_H

#include <stdarg.h>
#include <stddef.h>

typedef enum nl_status { NL_OK = 0, NL_ERROR, NL_NOMEM, NL_INTERRUPTED } nl_status;

#if defined(__GNUC__)
#define NL_PRINTF(fmt, args) __attribute__((format(printf, fmt, args)))
#else
#define NL_PRINTF(fmt, args)
#endif

/* Writes the thread's error slot and returns NL_ERROR, so that `return nl_fail(...)` reads well. */
nl_status nl_fail(const char *fmt, ...) NL_PRINTF(1, 2);

nl_status nl_vfail(const char *fmt, va_list args);

/* The same for memory: names what could not be had. Returns NL_NOMEM. */
nl_status nl_fail_memory(size_t bytes);

/* Ctrl-C arrived while a kernel ran. Returns NL_INTERRUPTED. */
#define NL_INTERRUPTED_TEXT "interrupted!"
#define NL_TERMINATED_TEXT "terminated!" /* by SIGTERM */
nl_status nl_fail_interrupted(void);

/* What failed last. */
nl_status nl_error_kind(void);

/* Puts "prefix: " before the waiting text. */
void nl_error_prefix(const char *fmt, ...) NL_PRINTF(1, 2);

/* The waiting text; valid until the thread's next failure. */
const char *nl_error_message(void);

#endif
