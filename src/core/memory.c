/* The caching allocator. Size classes are four to each power of two, so at most a fifth of a block is waste. A freed
   block goes on its class's list. Where the lists would then hold more than a fixed floor plus half of what is live,
   blocks of the class that was asked for longest ago go back to the system: a long-running program keeps what its step
   needs, and what an earlier part of it needed does not push that out. */
#include "core/memory.h"

#include <malloc.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "core/error.h"

enum { ALIGN = 64, CLASSES = 256 };

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
static uint64_t asked_at[CLASSES]; /* when a block of the class was last asked for, in such requests */
static uint64_t requests;
static nl_memory_stats stats = {.limit = SIZE_MAX};
static size_t limit_cap = SIZE_MAX; /* the limit can be set up to here */
static uint64_t fail_at;
static size_t blocks; /* of data, that were asked of the system */
enum { BLOCK_OVERHEAD = 48, LEAST_SLACK = 1 << 20 };

/* Blocks from here on are mappings of their own that lie on huge pages where the system has them (transparent_hugepage
   at "madvise" or "always"): a row of a wide matrix is then no new page each, and a fresh block comes with two faults
   instead of a thousand. Only whole huge pages of a block are asked for, so what is resident stays within it. The C
   library's aligned blocks of this size would do, but those that were given back are not found again by it. */
#define HUGE_PAGE ((size_t)2 << 20)
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define HAS_OWN_MAPPING(rounded) false
#else
#define HAS_OWN_MAPPING(rounded) ((rounded) >= HUGE_PAGE)
#endif

static void *map_block(size_t rounded) {
  size_t whole = rounded + HUGE_PAGE;
  char *all = mmap(NULL, whole, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (all == MAP_FAILED) {
    return NULL;
  }
  size_t before = -(uintptr_t)all % HUGE_PAGE, behind = HUGE_PAGE - before;
  char *p = all + before;
  if (before) {
    munmap(all, before);
  }
  munmap(p + rounded, behind);
  madvise(p, rounded / HUGE_PAGE * HUGE_PAGE, MADV_HUGEPAGE);
  return p;
}

static void *system_alloc(size_t rounded) {
  return HAS_OWN_MAPPING(rounded) ? map_block(rounded) : aligned_alloc(ALIGN, rounded);
}

static void system_free(void *p, size_t rounded) {
  if (HAS_OWN_MAPPING(rounded)) {
    munmap(p, rounded);
  } else {
    free(p);
  }
}

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

/* Bytes of structs and of Lua's blocks, those kept for reuse included; of the main thread, which makes next to all. */
static _Thread_local int64_t script_bytes;
static bool limited;
static bool fits_script(size_t more);

/* What a block of c steps takes, with the C library's own part. */
static int64_t small_cost(int c) {
  return (int64_t)c * STEP + 16;
}

static int small_class(size_t bytes) {
  return (int)((bytes + STEP - 1) / STEP);
}

static void *small_alloc(size_t bytes) {
  int c = small_class(bytes);
  small_block *b = KEEP_SMALL ? small[c].first : NULL;
  if (!b) {
    size_t size = (size_t)c * STEP;
    b = !limited || fits_script(size) ? malloc(size) : NULL;
    script_bytes += b ? small_cost(c) : 0;
    return b;
  }
  small[c].first = b->next;
  small[c].count--;
  return b;
}

/* p holds at least c steps. */
static void small_free(void *p, int c) {
  if (!KEEP_SMALL || small[c].count >= MOST_KEPT) {
    script_bytes -= small_cost(c);
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

static void *large_alloc(size_t bytes, bool zeroed) {
  void *p = limited && !fits_script(bytes) ? NULL : zeroed ? calloc(1, bytes) : malloc(bytes);
  script_bytes += p ? (int64_t)malloc_usable_size(p) : 0;
  return p;
}

static void large_free(void *p, size_t usable) {
  script_bytes -= (int64_t)usable;
  free(p);
}

void *nl_new(size_t bytes) {
  void *p = must_fail() ? NULL : (is_small(bytes) ? small_alloc(bytes) : large_alloc(bytes ? bytes : 1, true));
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
  } else if (p) {
    large_free(p, usable);
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

static void *resize_large(void *p, size_t new_size) {
  size_t had = malloc_usable_size(p);
  if (limited && new_size > had && !fits_script(new_size - had)) {
    return NULL;
  }
  void *moved = realloc(p, new_size);
  script_bytes += moved ? (int64_t)malloc_usable_size(moved) - (int64_t)had : 0;
  return moved;
}

void *nl_lua_alloc(void *ud, void *p, size_t old_size, size_t new_size) {
  (void)ud;
  if (new_size == 0) {
    if (p && is_small(old_size)) {
      small_free(p, small_class(old_size));
    } else if (p) {
      large_free(p, malloc_usable_size(p));
    }
    return NULL;
  }
  if (!p) {
    return is_small(new_size) ? small_alloc(new_size) : large_alloc(new_size, false);
  }
  if (!is_small(old_size) && !is_small(new_size)) {
    return resize_large(p, new_size);
  }
  void *moved = is_small(new_size) ? small_alloc(new_size) : large_alloc(new_size, false);
  if (!moved && new_size <= old_size) {
    return p; /* Lua counts on shrinking */
  }
  if (moved) {
    memcpy(moved, p, old_size < new_size ? old_size : new_size);
    nl_lua_alloc(NULL, p, old_size, 0);
  }
  return moved;
}

/* Sizes from 2^shift on lie as far apart. */
static size_t class_step(int shift) {
  size_t step = (size_t)1 << (shift - 2);
  return step < ALIGN ? ALIGN : step;
}

/* The class of a request and the size of its blocks. */
static int size_class(size_t bytes, size_t *rounded) {
  if (bytes <= ALIGN) {
    *rounded = ALIGN;
    return 0;
  }
  int shift = 63 - __builtin_clzll(bytes - 1); /* bytes lie in (2^shift, 2^(shift+1)] */
  size_t step = class_step(shift);
  size_t up = (bytes + step - 1) / step * step;
  *rounded = up;
  return 4 * (shift - 5) + (int)((up - ((size_t)1 << shift)) / step);
}

/* What size_class rounds to. */
static size_t class_size(int c) {
  int shift = 5 + c / 4;
  return c == 0 ? ALIGN : ((size_t)1 << shift) + (size_t)(c % 4) * class_step(shift);
}

static void trim_locked(void) {
  for (int c = 0; c < CLASSES; c++) {
    while (lists[c]) {
      free_block *b = lists[c];
      lists[c] = b->next;
      system_free(b, class_size(c));
      blocks--;
    }
  }
  stats.cached = 0;
}

static bool is_full(size_t more) {
  return stats.cached + more > NL_CACHE_FLOOR + stats.live / 2;
}

/* The class with blocks to spare that was asked for longest ago; c where there is none older. */
static int oldest_class(int c) {
  for (int other = 0; other < CLASSES; other++) {
    c = lists[other] && asked_at[other] < asked_at[c] ? other : c;
  }
  return c;
}

/* Gives blocks of classes older than c back to the system until `more` bytes fit, with the cache entered. */
static bool evict_for(size_t more, int c) {
  while (is_full(more)) {
    int old = oldest_class(c);
    if (old == c) {
      return false;
    }
    while (lists[old] && is_full(more)) {
      free_block *b = lists[old];
      lists[old] = b->next;
      stats.cached -= class_size(old);
      blocks--;
      system_free(b, class_size(old));
    }
  }
  return true;
}

static void trim_small(void) {
  for (int c = 0; c < SMALL_CLASSES; c++) {
    script_bytes -= small[c].count * small_cost(c);
    small[c].count = 0;
    while (small[c].first) {
      small_block *b = small[c].first;
      small[c].first = b->next;
      free(b);
    }
  }
}

void nl_memory_trim(void) {
  enter_cache();
  trim_locked();
  leave_cache();
  trim_small();
}

static size_t held_for_script(void) {
  return script_bytes > 0 ? (size_t)script_bytes : 0;
}

/* With the cache entered. */
static bool fits_locked(size_t more) {
  size_t all = stats.live + stats.cached + blocks * BLOCK_OVERHEAD + held_for_script();
  return more <= stats.limit && all <= stats.limit - more;
}

/* What is kept for reuse is given up first. */
static bool fits_limit(size_t more) {
  enter_cache();
  bool fits = fits_locked(more);
  leave_cache();
  if (!fits) {
    nl_memory_trim();
    enter_cache();
    fits = fits_locked(more);
    leave_cache();
  }
  return fits;
}

/* ---- shortage ---- */

static bool (*on_shortage)(void);
static void (*on_script_shortage)(void);
static bool asked;     /* for a collection, which has not come yet */
static bool exhausted; /* the last one that was asked for left nothing to speak of */
static int denials;    /* since then */

static size_t slack(void) {
  return stats.limit / 32 > LEAST_SLACK ? stats.limit / 32 : LEAST_SLACK;
}

static size_t all_but_cache(void) {
  return stats.live + blocks * BLOCK_OVERHEAD + held_for_script();
}

/* Where Lua itself asks, a collection cannot run finalizers, which hold what tensors hold: it gets a little more than
   the limit, and asks for a collection at the next instruction. Where that was in vain, it is denied; Lua asks twice
   before it raises, and what the error lets go of is worth another collection. */
static bool fits_script(size_t more) {
  if (fits_limit(more)) {
    return true;
  }
  size_t most = stats.limit + slack();
  bool within = on_script_shortage && all_but_cache() <= most && more <= most - all_but_cache();
  if (!within || (exhausted && !asked && denials < 2)) {
    denials++;
    return false;
  }
  if (!asked) {
    asked = true;
    on_script_shortage();
  }
  return true;
}

bool nl_memory_is_short(void) {
  return asked;
}

void nl_memory_collected(void) {
  exhausted = asked && all_but_cache() + slack() > stats.limit;
  denials = 0;
  asked = false;
}

void nl_memory_on_script_shortage(void (*ask)(void)) {
  on_script_shortage = ask;
}

void nl_memory_on_shortage(bool (*relieve)(void)) {
  on_shortage = relieve;
}

bool nl_memory_relieve(void) {
  bool relieved = on_shortage && on_shortage();
  nl_memory_trim();
  return relieved;
}

void *nl_data_alloc(size_t bytes) {
  if (bytes > (size_t)1 << 60 || must_fail()) {
    nl_fail_memory(bytes);
    return NULL;
  }
  size_t rounded;
  int c = size_class(bytes, &rounded);
  void *p = NULL;
  bool fresh = false;
  bool fits = !limited || lists[c] || fits_limit(rounded); /* what was kept counts already */
  enter_cache();
  asked_at[c] = ++requests;
  if (fits) {
    if (lists[c]) {
      p = lists[c];
      lists[c] = lists[c]->next;
      stats.cached -= rounded;
    } else {
      fresh = true;
      stats.from_system++;
      p = system_alloc(rounded);
      if (!p && stats.cached) {
        trim_locked();
        p = system_alloc(rounded);
      }
    }
    if (p) {
      blocks += fresh;
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
  if (is_full(rounded) && !evict_for(rounded, c)) {
    blocks--;
    leave_cache();
    system_free(p, rounded);
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
  for (; count > 0 && stats.cached + rounded <= NL_CACHE_FLOOR; count--) {
    free_block *b = system_alloc(rounded);
    if (!b) {
      break;
    }
    stats.from_system++;
    blocks++;
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
  copy.script = held_for_script();
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

void nl_memory_cap_limit(void) {
  limit_cap = stats.limit;
}

void nl_memory_set_limit(size_t bytes) {
  bytes = bytes < limit_cap ? bytes : limit_cap;
  enter_cache();
  stats.limit = bytes;
  limited = bytes != SIZE_MAX;
  leave_cache();
  if (limited) {
    nl_memory_trim(); /* what is kept for reuse may be beyond it */
  }
}
