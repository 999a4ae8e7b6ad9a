/* The flag that Ctrl-C sets and that long kernels look at between chunks of work. */
#ifndef NL_CORE_INTERRUPT_H
#define NL_CORE_INTERRUPT_H

#include <signal.h>
#include <stdbool.h>
#include <stdint.h>

extern volatile sig_atomic_t nl_interrupt_flag;

/* Async-signal-safe. */
static inline void nl_interrupt_request(void) {
  nl_interrupt_flag = 1;
}

static inline bool nl_interrupt_pending(void) {
  return nl_interrupt_flag != 0;
}

static inline void nl_interrupt_clear(void) {
  nl_interrupt_flag = 0;
}

/* For loops that the pool does not cut: true every million rounds or so if there is reason to stop. */
static inline bool nl_interrupted_at(int64_t i) {
  return (i & 0xfffff) == 0 && nl_interrupt_pending();
}

#endif
