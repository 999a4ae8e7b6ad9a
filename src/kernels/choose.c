/* Picks the kernel table when the program starts. */
#include "core/cpu.h"
#include "kernels/kernels.h"

extern const nl_kernels nl_kernels_plain;
#if defined(__x86_64__)
extern const nl_kernels nl_kernels_avx2, nl_kernels_avx512;
#endif

const nl_kernels *nl_k = &nl_kernels_plain;

void nl_kernels_init(void) {
#if defined(__x86_64__)
  static const nl_kernels *const tables[] = {&nl_kernels_plain, &nl_kernels_avx2, &nl_kernels_avx512};
  nl_k = tables[nl_cpu_isa()];
#endif
}
