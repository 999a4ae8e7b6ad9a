/* The caching allocator. Size classes are four to each power of two, so at most a fifth of a block is waste. A freed
   block goes on its class's list; lists are emptied when they hold more than a fixed floor plus half of what is live,
   so a long-running program keeps what its step needs and a finished one does not sit on its peak. */
#include "core/memory.h"

#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "core/error.h"

enum { ALIGN = 64, CLASSES = 256 };
#define CACHE_FLOOR ((size_t)64 << 20)

typedef struct free_block {
  struct free_block *next;
} free_block;

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
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

void *nl_new(size_t bytes) {
  /* glibc keeps a cache for each thread, from which malloc takes small blocks, but calloc does not */
  bool small = bytes <= 1024;
  void *p = must_fail() ? NULL : (small ? malloc(bytes) : calloc(1, bytes));
  if (!p) {
    nl_fail_memory(bytes);
  } else if (small) {
    memset(p, 0, bytes);
  }
  return p;
}

void nl_delete(void *p) {
  free(p);
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
  pthread_mutex_lock(&lock);
  trim_locked();
  pthread_mutex_unlock(&lock);
}

void *nl_data_alloc(size_t bytes) {
  if (bytes > (size_t)1 << 60 || must_fail()) {
    nl_fail_memory(bytes);
    return NULL;
  }
  size_t rounded;
  int c = size_class(bytes, &rounded);
  void *p = NULL;
  pthread_mutex_lock(&lock);
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
  pthread_mutex_unlock(&lock);
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
  pthread_mutex_lock(&lock);
  stats.live -= rounded;
  if (stats.cached + rounded > CACHE_FLOOR + stats.live / 2) {
    pthread_mutex_unlock(&lock);
    free(p);
    return;
  }
  free_block *b = p;
  b->next = lists[c];
  lists[c] = b;
  stats.cached += rounded;
  pthread_mutex_unlock(&lock);
}

void nl_data_reserve(size_t bytes, int count) {
  size_t rounded;
  int c = size_class(bytes, &rounded);
  pthread_mutex_lock(&lock);
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
  pthread_mutex_unlock(&lock);
}

nl_memory_stats nl_memory_get_stats(void) {
  pthread_mutex_lock(&lock);
  nl_memory_stats copy = stats;
  pthread_mutex_unlock(&lock);
  return copy;
}

size_t nl_memory_live(void) {
  return __atomic_load_n(&stats.live, __ATOMIC_RELAXED);
}

void nl_memory_reset_peak(void) {
  pthread_mutex_lock(&lock);
  stats.peak = stats.live;
  pthread_mutex_unlock(&lock);
}

void nl_memory_set_limit(size_t bytes) {
  pthread_mutex_lock(&lock);
  stats.limit = bytes;
  pthread_mutex_unlock(&lock);
}
