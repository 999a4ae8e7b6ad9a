/* Memory. Two kinds: small structs (nl_new) and the bulk data of tensors (nl_data_alloc), which comes 64-byte aligned
   from a cache by size class, so that steady-state training asks the system for nothing.
   One limit counts all that the process holds for the script: bulk data, structs, what Lua has got, and what is kept
   for reuse. Failing to get memory is NL_NOMEM, never an abort. */
#ifndef NL_CORE_MEMORY_H
#define NL_CORE_MEMORY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A zeroed struct, or NULL with the error slot written. Free with nl_delete. */
void *nl_new(size_t bytes);
void nl_delete(void *p);

/* Room for one more in an array of `count` elements that doubles at powers of two: the array itself, or a larger one
   that takes its place (the rest zeroed). NULL, the array being as it was, with the error slot written. */
void *nl_grow(void *array, int count, size_t size);

/* An allocator for a Lua state (lua_Alloc) from its beginning on: small blocks come from the same lists. */
void *nl_lua_alloc(void *ud, void *p, size_t old_size, size_t new_size);

/* Asks whoever can (the host language's collector) to give memory back, since there was none: true where something may
   have come of it. Anything may happen in there, as in a hook. */
bool nl_memory_relieve(void);

/* Where Lua or a struct met the limit, `ask` is called, in the middle of anything, and is to see to it that a
   collection comes soon; until nl_memory_collected tells that it came, nl_memory_is_short. */
void nl_memory_on_script_shortage(void (*ask)(void));
bool nl_memory_is_short(void);
void nl_memory_collected(void);

void nl_memory_on_shortage(bool (*relieve)(void));

/* `bytes` of data, 64-byte aligned, uninitialized; NULL with the error slot written. The same number must be given
   back to nl_data_free. 0 bytes is a valid request. */
void *nl_data_alloc(size_t bytes);
void nl_data_free(void *p, size_t bytes);

/* What is given back is kept for reuse up to this and half of what is live. An eager step of a small convolutional net
   fits. */
#define NL_CACHE_FLOOR ((size_t)96 << 20)

/* Puts `count` blocks for requests of `bytes` into the cache. Without memory it puts fewer. */
void nl_data_reserve(size_t bytes, int count);

typedef struct nl_memory_stats {
  size_t live;          /* bytes of data handed out, as size classes */
  size_t peak;          /* the highest live has been */
  size_t cached;        /* bytes kept for reuse */
  size_t script;        /* bytes of structs and of what Lua has got */
  size_t limit;         /* SIZE_MAX: none */
  uint64_t from_system; /* times the system was asked */
} nl_memory_stats;

nl_memory_stats nl_memory_get_stats(void);

/* stats.live alone, without taking the lock: a hint for the collector's accounting. */
size_t nl_memory_live(void);
void nl_memory_set_limit(size_t bytes); /* SIZE_MAX: none */

/* From now on the limit can be lowered, but not set above what it is. */
void nl_memory_cap_limit(void);

/* The peak counts from now on. */
void nl_memory_reset_peak(void);

/* Gives cached memory back to the system. */
void nl_memory_trim(void);

/* For tests: the n-th request from now (1 = the next one) and all after it fail, of either kind; 0 switches that off.
 */
void nl_memory_fail_at(uint64_t n);

#endif
