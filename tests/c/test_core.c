/* Random numbers against published vectors, the allocator, the pool, names. */
#include <stdatomic.h>
#include <stdint.h>
#include <string.h>

#include "check.h"
#include "core/dtype.h"
#include "core/error.h"
#include "core/interrupt.h"
#include "core/memory.h"
#include "core/pool.h"
#include "core/random.h"

/* From the authors' Random123, file kat_vectors, lines "philox4x32 10". */
static void test_philox(void) {
  static const struct {
    uint32_t counter[4], key[2], want[4];
  } vectors[] = {{{0, 0, 0, 0}, {0, 0}, {0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8}},
                 {{0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff},
                  {0xffffffff, 0xffffffff},
                  {0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd}},
                 {{0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344},
                  {0xa4093822, 0x299f31d0},
                  {0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1}}};
  for (int i = 0; i < 3; i++) {
    uint32_t out[4];
    nl_philox4x32_10(vectors[i].counter, vectors[i].key, out);
    CHECK(memcmp(out, vectors[i].want, sizeof out) == 0, "vector %d: %08x %08x %08x %08x", i, out[0], out[1], out[2],
          out[3]);
  }
}

static void test_memory(void) {
  for (size_t n = 1; n < 100000; n = n * 5 / 4 + 1) {
    char *p = nl_data_alloc(n);
    CHECK(p && (uintptr_t)p % 64 == 0, "%zu bytes", n);
    memset(p, 7, n);
    nl_data_free(p, n);
    char *q = nl_data_alloc(n);
    CHECK(q == p, "a freed block of %zu bytes comes back", n);
    nl_data_free(q, n);
  }
  size_t live = nl_memory_live();
  uint64_t asked = nl_memory_get_stats().from_system;
  for (int i = 0; i < 1000; i++) {
    void *p = nl_data_alloc(1000);
    nl_data_free(p, 1000);
  }
  CHECK(nl_memory_get_stats().from_system <= asked + 1, "steady state asks the system for nothing");
  CHECK(nl_memory_live() == live, "everything was given back");
  nl_memory_set_limit(live + 4096);
  CHECK(nl_data_alloc(1 << 20) == NULL, "the limit holds");
  CHECK(strstr(nl_error_message(), "1 MiB") != NULL, "the error names the size: %s", nl_error_message());
  nl_memory_set_limit(SIZE_MAX);
  CHECK(nl_data_alloc(SIZE_MAX - 100) == NULL, "no overflow");
  nl_memory_fail_at(2);
  void *first = nl_data_alloc(64);
  CHECK(first && !nl_data_alloc(64), "the second request fails when told to");
  nl_memory_fail_at(0);
  nl_data_free(first, 64);
  nl_memory_trim();
  CHECK(nl_memory_get_stats().cached == 0, "trimmed");
}

enum { N = 100003 };
static atomic_int touched[N];

static void touch(void *ctx, int64_t begin, int64_t end) {
  (void)ctx;
  for (int64_t i = begin; i < end; i++) {
    atomic_fetch_add(&touched[i], 1);
  }
}

static void nested(void *ctx, int64_t begin, int64_t end) {
  (void)begin;
  (void)end;
  nl_parallel_for(10, 1, touch, ctx);
}

/* Blocks of many sizes, each given back: the cache is full of what nobody asks for any more. */
static void test_old_blocks_make_room(void) {
  enum { COUNT = 40 };
  void *old[COUNT];
  for (size_t i = 0; i < COUNT; i++) {
    old[i] = nl_data_alloc((i % 8 + 1) << 20);
  }
  for (size_t i = 0; i < COUNT; i++) {
    nl_data_free(old[i], (i % 8 + 1) << 20);
  }
  uint64_t asked = nl_memory_get_stats().from_system;
  for (size_t i = 0; i < 1000; i++) {
    size_t n = 100 + 300 * (i % 7);
    void *p = nl_data_alloc(n), *big = nl_data_alloc(40000);
    nl_data_free(p, n);
    nl_data_free(big, 40000);
  }
  CHECK(nl_memory_get_stats().from_system <= asked + 8, "what a step needs stays, what an earlier one needed goes");
  nl_memory_stats full = nl_memory_get_stats();
  CHECK(full.cached <= NL_CACHE_FLOOR + full.live / 2, "and the cache does not grow");
  nl_memory_trim();
  CHECK(nl_memory_get_stats().cached == 0, "all of it is trimmed");
}

static void test_pool(void) {
  for (int threads = 1; threads <= 4; threads++) {
    nl_pool_set_threads(threads);
    memset(touched, 0, sizeof touched);
    for (int round = 1; round <= 50; round++) {
      nl_parallel_for(N, 1000 + round, touch, NULL);
    }
    int wrong = 0;
    for (int i = 0; i < N; i++) {
      wrong += touched[i] != 50;
    }
    CHECK(wrong == 0, "%d elements not touched exactly once a round with %d threads", wrong, threads);
  }
  memset(touched, 0, sizeof touched);
  nl_parallel_for(8, 1, nested, NULL);
  CHECK(touched[0] == 8 && touched[9] == 8, "nested calls run");
  nl_interrupt_request(false);
  memset(touched, 0, sizeof touched);
  nl_parallel_for(N, 1, touch, NULL);
  CHECK(touched[N - 1] == 0, "an interrupt skips what is left");
  nl_interrupt_clear();
}

static void test_names(void) {
  nl_dtype t;
  CHECK(nl_dtype_parse("double", &t) && t == NL_F64, "double");
  CHECK(!nl_dtype_parse("float31", &t), "unknown names are refused");
  nl_fail("inner %d", 1);
  nl_error_prefix("outer");
  CHECK(strcmp(nl_error_message(), "outer: inner 1") == 0, "%s", nl_error_message());
}

int main(void) {
  test_philox();
  test_memory();
  test_old_blocks_make_room();
  test_pool();
  test_names();
  return finish();
}
