/* The pool: helpers wait for the number of the job to change; a job's pieces are shared out in as many stretches as
   there are threads, each with a counter. A thread takes the pieces of its own stretch, then what is left of the
   others'. So the same part of one tensor after another is done by the same core, which has it in its cache. Helpers
   spin for some microseconds after a job, since in training the next one is near, then sleep: an idle program uses no
   CPU. Threads start with the first job that has work for them. */
#include "core/pool.h"

#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>

#include "core/cpu.h"
#include "core/interrupt.h"

enum { MAX_THREADS = 256, SPINS = 4000 };

static struct {
  pthread_mutex_t lock;
  pthread_cond_t wake;
  pthread_t thread[MAX_THREADS];
  int wanted;  /* threads in all, the caller's included; 0: not decided yet */
  int running; /* helpers alive */
  bool stop;
  atomic_uint job;     /* number of the current job; helpers wait for it to change */
  atomic_int sleeping; /* helpers that wait on the condition variable, or are about to */
  atomic_bool busy;
  /* the job */
  nl_range_fn fn;
  void *ctx;
  int64_t n, grain, pieces;
  int sharers; /* stretches */
  struct {
    _Alignas(64) _Atomic int64_t next; /* piece of the stretch */
  } stretch[MAX_THREADS];
  atomic_int inside; /* helpers that are in the job, or look whether they may be */
  atomic_bool open;  /* they may; the job's other fields change only while it is closed and nobody is inside */
} pool = {.lock = PTHREAD_MUTEX_INITIALIZER, .wake = PTHREAD_COND_INITIALIZER};

static _Thread_local bool is_inside;
static _Thread_local void *workspace;
static pthread_key_t workspace_key;
static pthread_once_t workspace_once = PTHREAD_ONCE_INIT;

static void make_workspace_key(void) {
  pthread_key_create(&workspace_key, free);
}

void *nl_thread_workspace(void) {
  if (!workspace) {
    pthread_once(&workspace_once, make_workspace_key);
    workspace = aligned_alloc(64, NL_THREAD_WORKSPACE_BYTES + NL_THREAD_PANEL_BYTES);
    pthread_setspecific(workspace_key, workspace);
  }
  return workspace;
}

void *nl_thread_panel(void) {
  char *all = nl_thread_workspace();
  return all ? all + NL_THREAD_WORKSPACE_BYTES : NULL;
}

static inline void relax(void) {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#endif
}

/* Where stretch s begins. */
static int64_t stretch_at(int s) {
  return pool.pieces * s / pool.sharers;
}

static void work(int own) {
  for (int k = 0; k < pool.sharers; k++) {
    int s = (own + k) % pool.sharers;
    int64_t stop = stretch_at(s + 1), i;
    while ((i = atomic_fetch_add_explicit(&pool.stretch[s].next, 1, memory_order_relaxed)) < stop) {
      if (nl_interrupt_pending()) {
        return;
      }
      int64_t begin = i * pool.grain;
      int64_t end = begin + pool.grain < pool.n ? begin + pool.grain : pool.n;
      pool.fn(pool.ctx, begin, end);
    }
  }
}

static void *helper(void *number) {
  if (!nl_thread_workspace()) {
    return NULL; /* kernels count on it; fewer threads give the same bits */
  }
  is_inside = true;
  unsigned seen = 0;
  for (;;) {
    for (int i = 0; i < SPINS && atomic_load_explicit(&pool.job, memory_order_relaxed) == seen; i++) {
      relax();
    }
    if (atomic_load(&pool.job) == seen) {
      pthread_mutex_lock(&pool.lock);
      atomic_fetch_add(&pool.sleeping, 1); /* before the look at the job: who changes that looks at this afterwards */
      while (atomic_load(&pool.job) == seen && !pool.stop) {
        pthread_cond_wait(&pool.wake, &pool.lock);
      }
      atomic_fetch_sub(&pool.sleeping, 1);
      bool stop = pool.stop;
      pthread_mutex_unlock(&pool.lock);
      if (stop) {
        return NULL;
      }
    }
    seen = atomic_load(&pool.job);
    atomic_fetch_add(&pool.inside, 1);
    if (atomic_load(&pool.open)) {
      work((int)(intptr_t)number);
    }
    atomic_fetch_sub(&pool.inside, 1);
  }
}

static void stop_helpers(void) {
  pthread_mutex_lock(&pool.lock);
  pool.stop = true;
  pthread_cond_broadcast(&pool.wake);
  pthread_mutex_unlock(&pool.lock);
  for (int i = 0; i < pool.running; i++) {
    pthread_join(pool.thread[i], NULL);
  }
  pool.running = 0;
  pool.stop = false;
}

static void start_helpers(void) {
  static bool registered;
  if (!registered) {
    registered = true;
    atexit(stop_helpers);
  }
  sigset_t all, old;
  sigfillset(&all); /* signals belong to the main thread, which can do something about them */
  pthread_sigmask(SIG_SETMASK, &all, &old);
  while (pool.running < pool.wanted - 1) {
    if (pthread_create(&pool.thread[pool.running], NULL, helper, (void *)(intptr_t)(pool.running + 1)) != 0) {
      pool.wanted = pool.running + 1; /* fewer threads, same bits */
      break;
    }
    pool.running++;
  }
  pthread_sigmask(SIG_SETMASK, &old, NULL);
}

void nl_pool_set_threads(int n) {
  stop_helpers();
  if (n <= 0) {
    n = nl_cpu_count();
  }
  pool.wanted = n < MAX_THREADS ? n : MAX_THREADS;
}

int nl_pool_threads(void) {
  if (pool.wanted == 0) {
    pool.wanted = nl_cpu_count() < MAX_THREADS ? nl_cpu_count() : MAX_THREADS;
  }
  return pool.wanted;
}

/* The larger share of n in these pieces, of two threads or four. */
static int64_t largest_share(int64_t n, int64_t grain, int64_t threads) {
  int64_t pieces = (n + grain - 1) / grain, largest = 0;
  for (int64_t s = 0; s < threads; s++) {
    int64_t begin = pieces * s / threads * grain, end = pieces * (s + 1) / threads * grain;
    end = end < n ? end : n;
    largest = end - begin > largest ? end - begin : largest;
  }
  return largest;
}

int64_t nl_even_grain(int64_t n, int64_t grain, int64_t unit) {
  enum { MANY = 32 }; /* pieces of which one more matters little */
  int64_t least = grain > 0 ? (n + grain - 1) / grain : 0, best = grain, share = INT64_MAX;
  for (int64_t pieces = least; least > 1 && least < MANY && pieces <= 2 * least && pieces <= n; pieces++) {
    int64_t g = (n + pieces * unit - 1) / (pieces * unit) * unit,
            now = 2 * largest_share(n, g, 2) + largest_share(n, g, 4);
    if (now < share) {
      share = now;
      best = g;
    }
  }
  return best;
}

static void run_alone(int64_t n, int64_t grain, nl_range_fn fn, void *ctx) {
  for (int64_t begin = 0; begin < n && !nl_interrupt_pending(); begin += grain) {
    fn(ctx, begin, begin + grain < n ? begin + grain : n);
  }
}

void nl_parallel_for(int64_t n, int64_t grain, nl_range_fn fn, void *ctx) {
  if (n <= 0) {
    return;
  }
  if (n <= grain) {
    fn(ctx, 0, n);
    return;
  }
  bool idle = false;
  if (is_inside || nl_pool_threads() == 1 || !atomic_compare_exchange_strong(&pool.busy, &idle, true)) {
    run_alone(n, grain, fn, ctx);
    return;
  }
  if (pool.running < pool.wanted - 1) {
    start_helpers();
  }
  pool.fn = fn;
  pool.ctx = ctx;
  pool.n = n;
  pool.grain = grain;
  pool.pieces = (n + grain - 1) / grain;
  pool.sharers = pool.running + 1;
  for (int t = 0; t < pool.sharers; t++) {
    atomic_store_explicit(&pool.stretch[t].next, stretch_at(t), memory_order_relaxed);
  }
  atomic_store(&pool.open, true);
  atomic_fetch_add(&pool.job, 1);
  if (atomic_load(&pool.sleeping) > 0) {
    pthread_mutex_lock(&pool.lock);
    pthread_cond_broadcast(&pool.wake);
    pthread_mutex_unlock(&pool.lock);
  }
  is_inside = true;
  work(0);
  is_inside = false;
  atomic_store(&pool.open, false);
  while (atomic_load(&pool.inside) > 0) {
    relax();
  }
  atomic_store(&pool.busy, false);
}
