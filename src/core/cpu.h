/* Which instruction set this processor has, and which one the kernels were told to use. */
#ifndef NL_CORE_CPU_H
#define NL_CORE_CPU_H

typedef enum nl_isa { NL_ISA_PLAIN, NL_ISA_AVX2, NL_ISA_AVX512 } nl_isa;

/* The instruction set in use: the best one here, or a lower one named in the environment variable NNLUA_ISA
   ("plain", "avx2", "avx512"). A name the processor cannot serve falls back to the best one. */
nl_isa nl_cpu_isa(void);

const char *nl_isa_name(nl_isa isa);

/* Processors this process may run on, at least 1. */
int nl_cpu_count(void);

/* A monotonic clock, in seconds. */
double nl_clock(void);

#endif
