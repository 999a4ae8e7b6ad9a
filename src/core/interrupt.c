/* One flag for the process: there is one keyboard. */
#include "core/interrupt.h"

#include <stddef.h>

volatile sig_atomic_t nl_interrupt_flag;
static volatile sig_atomic_t depth, waiting;
static void (*on_arrival)(void);

static volatile sig_atomic_t must_end;

bool nl_interrupt_ends(void) {
  return must_end != 0;
}

bool nl_interrupt_request(bool ends) {
  if (ends) {
    must_end = 1;
  }
  if (depth > 0) {
    waiting = 1;
    return false;
  }
  nl_interrupt_flag = 1;
  return true;
}

bool nl_interrupt_requested(void) {
  return nl_interrupt_flag != 0 || waiting != 0;
}

void nl_interrupt_clear(void) {
  nl_interrupt_flag = 0;
  waiting = 0;
}

/* A signal may come between any two lines. */
void nl_interrupt_bar(int to) {
  depth = to;
  if (depth > 0 && nl_interrupt_flag) {
    waiting = 1;
    nl_interrupt_flag = 0;
  }
}

int nl_interrupt_depth(void) {
  return depth;
}

int nl_interrupt_admit(void) {
  int was = depth;
  depth = 0;
  if (waiting) {
    waiting = 0;
    nl_interrupt_flag = 1;
    if (on_arrival) {
      on_arrival();
    }
  }
  return was;
}

void nl_interrupt_hold(void) {
  nl_interrupt_bar(depth + 1);
}

void nl_interrupt_release(void) {
  if (depth > 1) {
    depth--;
  } else {
    nl_interrupt_admit();
  }
}

void nl_interrupt_on_arrival(void (*arrive)(void)) {
  on_arrival = arrive;
}

static nl_running *volatile top;

void nl_running_enter(nl_running *r, void *thread) {
  r->thread = thread;
  r->below = top;
  top = r;
}

void nl_running_leave(const nl_running *r) {
  top = r->below;
}

nl_running *nl_running_top(void) {
  return top;
}
