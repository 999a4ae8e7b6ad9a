/* Work that cannot be stopped half-way (a call into LAPACK takes seconds), on a thread of its own: Ctrl-C leaves it
   behind, and what it works on lives until it has ended. */
#ifndef NL_CORE_APART_H
#define NL_CORE_APART_H

#include <stdbool.h>
#include <stddef.h>

/* Who owns the memory that the work reads and writes: it is kept while the work runs. Both are called on the main
   thread. */
typedef struct nl_keeper {
  void *owner;
  void (*keep)(void *owner);
  void (*let_go)(void *owner);
} nl_keeper;

/* Runs fn on a copy of `job`, which is copied back when it has ended. False: a Ctrl-C came, and the work goes on by
   itself; its results are lost. Where no thread can be had, it runs here. From the main thread only. */
bool nl_run_apart(void (*fn)(void *job), void *job, size_t bytes, const nl_keeper *);

/* Lets go of what was kept for work that was left behind and has ended since. */
void nl_reap_apart(void);

#endif
