/* CPU features and the clock. */
#include "core/cpu.h"

#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static nl_isa best_isa(void) {
#if defined(__x86_64__)
  __builtin_cpu_init();
  if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512bw") &&
      __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("fma")) {
    return NL_ISA_AVX512;
  }
  if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")) {
    return NL_ISA_AVX2;
  }
#endif
  return NL_ISA_PLAIN;
}

const char *nl_isa_name(nl_isa isa) {
  static const char *const names[] = {"plain", "avx2", "avx512"};
  return names[isa];
}

nl_isa nl_cpu_isa(void) {
  static int chosen = -1;
  if (chosen < 0) {
    nl_isa isa = best_isa();
    const char *wish = getenv("NNLUA_ISA");
    for (int i = 0; wish && i < (int)isa; i++) {
      if (strcmp(wish, nl_isa_name((nl_isa)i)) == 0) {
        isa = (nl_isa)i;
      }
    }
    chosen = (int)isa;
  }
  return (nl_isa)chosen;
}

int nl_cpu_count(void) {
  cpu_set_t set;
  if (sched_getaffinity(0, sizeof set, &set) == 0) {
    int n = CPU_COUNT(&set);
    return n > 0 ? n : 1;
  }
  long n = sysconf(_SC_NPROCESSORS_ONLN);
  return n > 0 ? (int)n : 1;
}

double nl_clock(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}
