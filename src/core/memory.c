/* The caching allocator. Size classes are four to each power of two, so at most a fifth of a block is waste. A freed
   block goes on its class's list; lists are emptied when they hold more than a fixed floor plus half of what is live,
   so a long-running program keeps what its step needs and a finished one does not sit on its peak. */
#include "core/memory.h"

#include <malloc.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "core/error.h"

enum { ALIGN = 64, CLASSES = 256 };
#define CACHE_FLOOR ((size_t)64 << 20)

typedef struct free_block {
  struct free_block *next;
} free_block;

/* Held for a few instructions, dozens of times in a small eager step, and next to never wanted by two threads: a flag
   costs half of what a mutex does. */
static atomic_flag held = ATOMIC_FLAG_INIT;

static void enter_cache(void) {
  while (atomic_flag_test_and_set_explicit(&held, memory_order_acquire)) {
    sched_yield();
  }
}

static void leave_cache(void) {
  atomic_flag_clear_explicit(&held, memory_order_release);
}

static free_block *lists[CLASSES];
static nl_memory_stats stats = {.limit = SIZE_MAX};
static uint64_t fail_at;

static bool must_fail(void) {
  if (fail_at > 1) {
    fail_at--;
    return false;
  }
  return fail_at == 1;
}

void nl_memory_fail_at(uint64_t n) {
  fail_at = n;
}

/* ---- small blocks ---- */

/* Blocks that were given back, by size in steps of 32 bytes: garbage comes in bursts, for which the C library's own
   cache (seven blocks of a size) is too small. One list for each thread, so no lock. The sanitizers see every block. */
enum { STEP = 32, SMALL_CLASSES = 17, MOST_KEPT = 8192 };
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
enum { KEEP_SMALL = 0 };
#else
enum { KEEP_SMALL = 1 };
#endif

typedef struct small_block {
  struct small_block *next;
} small_block;

static _Thread_local struct {
  small_block *first;
  int count;
} small[SMALL_CLASSES];

static int small_class(size_t bytes) {
  return (int)((bytes + STEP - 1) / STEP);
}

static void *small_alloc(size_t bytes) {
  int c = small_class(bytes);
  small_block *b = KEEP_SMALL ? small[c].first : NULL;
  if (!b) {
    return malloc((size_t)c * STEP);
  }
  small[c].first = b->next;
  small[c].count--;
  return b;
}

/* p holds at least c steps. */
static void small_free(void *p, int c) {
  if (!KEEP_SMALL || small[c].count >= MOST_KEPT) {
    free(p);
    return;
  }
  small_block *b = p;
  b->next = small[c].first;
  small[c].first = b;
  small[c].count++;
}

static bool is_small(size_t bytes) {
  return bytes > 0 && bytes <= (SMALL_CLASSES - 1) * STEP;
}

void *nl_new(size_t bytes) {
  void *p = must_fail() ? NULL : (is_small(bytes) ? small_alloc(bytes) : calloc(1, bytes));
  if (!p) {
    nl_fail_memory(bytes);
  } else if (is_small(bytes)) {
    memset(p, 0, bytes);
  }
  return p;
}

void nl_delete(void *p) {
  size_t usable = p ? malloc_usable_size(p) : 0;
  int c = (int)(usable / STEP);
  if (c > 0 && c < SMALL_CLASSES) {
    small_free(p, c);
  } else {
    free(p);
  }
}

enum { FIRST_ROOM = 8 };

void *nl_grow(void *array, int count, size_t size) {
  if (count && (count < FIRST_ROOM || (count & (count - 1)))) {
    return array;
  }
  void *more = nl_new((count ? 2 * (size_t)count : FIRST_ROOM) * size);
  if (more && count) {
    memcpy(more, array, (size_t)count * size);
  }
  if (more) {
    nl_delete(array);
  }
  return more;
}

void *nl_lua_alloc(void *ud, void *p, size_t old_size, size_t new_size) {
  (void)ud;
  if (new_size == 0) {
    if (p && is_small(old_size)) {
      small_free(p, small_class(old_size));
    } else {
      nl_delete(p);
    }
    return NULL;
  }
  if (!p) {
    return is_small(new_size) ? small_alloc(new_size) : malloc(new_size);
  }
  if (!is_small(old_size) && !is_small(new_size)) {
    return realloc(p, new_size);
  }
  void *moved = is_small(new_size) ? small_alloc(new_size) : malloc(new_size);
  if (moved) {
    memcpy(moved, p, old_size < new_size ? old_size : new_size);
    nl_delete(p);
  }
  return moved;
}

/* The class of a request and the size of its blocks. */
static int size_class(size_t bytes, size_t *rounded) {
  size_t n = bytes <= ALIGN ? ALIGN : bytes;
  int shift = 63 - __builtin_clzll(n - 1 ? n - 1 : 1); /* n lies in (2^shift, 2^(shift+1)] */
  if (n <= ALIGN) {
    *rounded = ALIGN;
    return 0;
  }
  size_t step = (size_t)1 << (shift - 2);
  if (step < ALIGN) {
    step = ALIGN;
  }
  size_t up = (n + step - 1) / step * step;
  *rounded = up;
  return 4 * (shift - 5) + (int)((up - ((size_t)1 << shift)) / step);
}

static void trim_locked(void) {
  for (int c = 0; c < CLASSES; c++) {
    while (lists[c]) {
      free_block *b = lists[c];
      lists[c] = b->next;
      free(b);
    }
  }
  stats.cached = 0;
}

void nl_memory_trim(void) {
  enter_cache();
  trim_locked();
  leave_cache();
}

void *nl_data_alloc(size_t bytes) {
  if (bytes > (size_t)1 << 60 || must_fail()) {
    nl_fail_memory(bytes);
    return NULL;
  }
  size_t rounded;
  int c = size_class(bytes, &rounded);
  void *p = NULL;
  enter_cache();
  if (rounded <= stats.limit && stats.live <= stats.limit - rounded) {
    if (lists[c]) {
      p = lists[c];
      lists[c] = lists[c]->next;
      stats.cached -= rounded;
    } else {
      stats.from_system++;
      p = aligned_alloc(ALIGN, rounded);
      if (!p && stats.cached) {
        trim_locked();
        p = aligned_alloc(ALIGN, rounded);
      }
    }
    if (p) {
      stats.live += rounded;
      if (stats.live > stats.peak) {
        stats.peak = stats.live;
      }
    }
  }
  leave_cache();
  if (!p) {
    nl_fail_memory(bytes);
  }
  return p;
}

void nl_data_free(void *p, size_t bytes) {
  if (!p) {
    return;
  }
  size_t rounded;
  int c = size_class(bytes, &rounded);
  enter_cache();
  stats.live -= rounded;
  if (stats.cached + rounded > CACHE_FLOOR + stats.live / 2) {
    leave_cache();
    free(p);
    return;
  }
  free_block *b = p;
  b->next = lists[c];
  lists[c] = b;
  stats.cached += rounded;
  leave_cache();
}

void nl_data_reserve(size_t bytes, int count) {
  size_t rounded;
  int c = size_class(bytes, &rounded);
  enter_cache();
  for (free_block *b = lists[c]; b && count > 0; b = b->next) {
    count--;
  }
  for (; count > 0 && stats.cached + rounded <= CACHE_FLOOR; count--) {
    free_block *b = aligned_alloc(ALIGN, rounded);
    if (!b) {
      break;
    }
    stats.from_system++;
    stats.cached += rounded;
    b->next = lists[c];
    lists[c] = b;
  }
  leave_cache();
}

nl_memory_stats nl_memory_get_stats(void) {
  enter_cache();
  nl_memory_stats copy = stats;
  leave_cache();
  return copy;
}

size_t nl_memory_live(void) {
  return __atomic_load_n(&stats.live, __ATOMIC_RELAXED);
}

void nl_memory_reset_peak(void) {
  enter_cache();
  stats.peak = stats.live;
  leave_cache();
}

void nl_memory_set_limit(size_t bytes) {
  enter_cache();
  stats.limit = bytes;
  leave_cache();
}
