/* The flag that Ctrl-C (or SIGTERM) sets and that long kernels look at between chunks of work. What must be whole or
   not happen (an optimizer's step, say) holds the interrupt back until its end. */
#ifndef NL_CORE_INTERRUPT_H
#define NL_CORE_INTERRUPT_H

#include <signal.h>
#include <stdbool.h>
#include <stdint.h>

extern volatile sig_atomic_t nl_interrupt_flag;

/* Async-signal-safe. `ends`: not Ctrl-C, but the program is asked to end (SIGTERM). False: it is held back, and arrives
   with the last nl_interrupt_release. */
bool nl_interrupt_request(bool ends);

/* True where the program was ever asked to end. */
bool nl_interrupt_ends(void);

/* True where one was asked for, whether it is held back or not. */
bool nl_interrupt_requested(void);

static inline bool nl_interrupt_pending(void) {
  return nl_interrupt_flag != 0;
}

void nl_interrupt_clear(void);

/* Between the two nothing is interrupted; they nest, and stand on the main thread. What was asked for before counts as
   asked for in between. */
void nl_interrupt_hold(void);
void nl_interrupt_release(void);
int nl_interrupt_depth(void);

/* Lets interrupts through within a hold (code of users that a step calls): gives what nl_interrupt_bar takes. */
int nl_interrupt_admit(void);
void nl_interrupt_bar(int depth);

/* A thread of the host language that runs (a coroutine) on top of what resumed it; lives on the C stack. Where code is
   to be stopped it is known by this which. */
typedef struct nl_running {
  void *thread;
  struct nl_running *below;
} nl_running;
void nl_running_enter(nl_running *, void *thread);
void nl_running_leave(const nl_running *);

/* The innermost one, or NULL. Async-signal-safe. */
nl_running *nl_running_top(void);

/* What is called when an interrupt that was held back arrives. */
void nl_interrupt_on_arrival(void (*arrive)(void));

/* For loops that the pool does not cut: true every million rounds or so if there is reason to stop. */
static inline bool nl_interrupted_at(int64_t i) {
  return (i & 0xfffff) == 0 && nl_interrupt_pending();
}

#endif
