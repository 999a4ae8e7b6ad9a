/* One thread for each piece of work; the main one waits, and looks at the interrupt flag meanwhile. */
#include "core/apart.h"

#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "core/interrupt.h"
#include "core/memory.h"

enum { LOOK_EVERY = 10 * 1000 * 1000 }; /* nanoseconds between looks at the interrupt flag */
enum { MOST_LEFT = 4 };                 /* that calculate what nobody waits for; they take processors and memory */

typedef struct work {
  void (*fn)(void *);
  void *job;
  bool ended; /* guarded by lock */
  nl_keeper keeper;
  struct work *next; /* of those left behind */
} work;

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t end;
static pthread_once_t once = PTHREAD_ONCE_INIT;
static work *left; /* the main thread's */

static bool has_ended(const work *w) {
  pthread_mutex_lock(&lock);
  bool ended = w->ended;
  pthread_mutex_unlock(&lock);
  return ended;
}

/* A library that is unloaded at exit must not be under the feet of who still calculates in it. */
#if defined(__GLIBC__)
static void leave_at_once(int status, void *unused) {
  (void)unused;
  for (const work *w = left; w; w = w->next) {
    if (!has_ended(w)) {
      fflush(NULL);
      _exit(status);
    }
  }
}
#endif

static void begin(void) {
  pthread_condattr_t attributes;
  pthread_condattr_init(&attributes);
  pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
  pthread_cond_init(&end, &attributes);
  pthread_condattr_destroy(&attributes);
#if defined(__GLIBC__)
  on_exit(leave_at_once, NULL);
#endif
}

static void *run_work(void *arg) {
  work *w = arg;
  w->fn(w->job);
  pthread_mutex_lock(&lock);
  w->ended = true;
  pthread_cond_signal(&end);
  pthread_mutex_unlock(&lock);
  return NULL;
}

/* False where there is no thread for it. */
static bool start(work *w) {
  pthread_t thread;
  sigset_t all, old;
  sigfillset(&all); /* signals belong to the main thread */
  pthread_sigmask(SIG_SETMASK, &all, &old);
  bool started = pthread_create(&thread, NULL, run_work, w) == 0;
  pthread_sigmask(SIG_SETMASK, &old, NULL);
  if (started) {
    pthread_detach(thread);
  }
  return started;
}

/* Until it has ended or a Ctrl-C comes. */
static bool wait_for(const work *w) {
  pthread_mutex_lock(&lock);
  while (!w->ended && !nl_interrupt_pending()) {
    struct timespec until;
    clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_nsec += LOOK_EVERY;
    until.tv_sec += until.tv_nsec / 1000000000;
    until.tv_nsec %= 1000000000;
    pthread_cond_timedwait(&end, &lock, &until);
  }
  bool ended = w->ended;
  pthread_mutex_unlock(&lock);
  return ended;
}

static void forget(work *w) {
  w->keeper.let_go(w->keeper.owner);
  nl_delete(w->job);
  nl_delete(w);
}

void nl_reap_apart(void) {
  for (work **at = &left; *at;) {
    work *w = *at;
    if (has_ended(w)) {
      *at = w->next;
      forget(w);
    } else {
      at = &w->next;
    }
  }
}

/* Until few enough are left behind, or a Ctrl-C comes (then false: nothing was begun). */
static bool wait_for_room(void) {
  for (;;) {
    nl_reap_apart();
    int n = 0;
    for (const work *w = left; w; w = w->next) {
      n++;
    }
    if (n < MOST_LEFT) {
      return true;
    } else if (nl_interrupt_pending()) {
      return false;
    }
    nanosleep(&(struct timespec){.tv_nsec = LOOK_EVERY}, NULL);
  }
}

bool nl_run_apart(void (*fn)(void *job), void *job, size_t bytes, const nl_keeper *keeper) {
  pthread_once(&once, begin);
  if (!wait_for_room()) {
    return false;
  }
  work *w = nl_new(sizeof *w);
  void *copy = w ? nl_new(bytes) : NULL;
  if (!copy) {
    nl_delete(w);
    fn(job);
    return true;
  }
  memcpy(copy, job, bytes);
  *w = (work){.fn = fn, .job = copy, .keeper = *keeper};
  keeper->keep(keeper->owner);
  if (!start(w)) {
    forget(w);
    fn(job);
    return true;
  }
  if (!wait_for(w)) {
    w->next = left;
    left = w;
    return false;
  }
  memcpy(job, copy, bytes);
  forget(w);
  return true;
}
