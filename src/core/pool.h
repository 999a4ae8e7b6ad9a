/* The one thread pool. Work is cut by size, never by the number of threads, and each piece writes its own place, so
   that any number of threads gives the same bits. */
#ifndef NL_CORE_POOL_H
#define NL_CORE_POOL_H

#include <stdint.h>

/* Work on [begin, end). */
typedef void (*nl_range_fn)(void *ctx, int64_t begin, int64_t end);

/* Calls fn over [0, n) in pieces of `grain` (the last one shorter), on the calling thread and the pool's. Returns when
   all are done. Between pieces it looks at the interrupt flag and skips what is left; the caller's results are then
   incomplete and the dispatcher turns that into an error. One piece runs on the caller's thread without waking anyone.
   Nested calls run on the calling thread. */
void nl_parallel_for(int64_t n, int64_t grain, nl_range_fn fn, void *ctx);

/* A grain of at most this many that leaves no thread with a piece more than the others: few pieces that are uneven cost
   as much as the longest share. A multiple of `unit` (vectors are whole then, as they are where nothing is cut). It
   follows from what is given alone. */
enum { NL_POOL_LANES = 64 };
int64_t nl_even_grain(int64_t n, int64_t grain, int64_t unit);

/* Threads that work, the caller's included. 0 means one for each processor. Call it from the main thread. */
void nl_pool_set_threads(int n);
int nl_pool_threads(void);

/* A workspace of each thread, 64-byte aligned, or NULL when memory is short. Kept until the thread
   ends. */
enum { NL_THREAD_WORKSPACE_BYTES = 1 << 20 };
void *nl_thread_workspace(void);

/* Behind it, for those who call kernels that use the workspace. */
enum { NL_THREAD_PANEL_BYTES = 1 << 20 };
void *nl_thread_panel(void);

#endif
