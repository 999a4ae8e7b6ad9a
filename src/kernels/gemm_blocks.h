/* Products by libxsmm's code for tiles, and what gemm.c shares with them. */
#ifndef NL_KERNELS_GEMM_BLOCKS_H
#define NL_KERNELS_GEMM_BLOCKS_H

#include "kernels/gemm.h"

/* Settles how p is cut into blocks. False when the product is better done by OpenBLAS. */
bool nl_gemm_take_blocks(nl_gemm_plan *p);

/* The code for its tiles. False: there is no room to keep it for long. */
bool nl_gemm_find_code(nl_gemm_plan *p, bool keep);
void nl_gemm_drop_code(const nl_gemm_plan *p);

/* Rows i .. i+m, columns j .. j+n of C begin as the bias, if there is one. */
void nl_gemm_begin(const nl_gemm_plan *p, int64_t i, int64_t j, int64_t m, int64_t n);

/* A part of the product in plain loops: these rows and columns, terms k0 .. k0+k. */
void nl_gemm_loops_part(const nl_gemm_plan *p, int64_t i, int64_t j, int64_t k0, int64_t m, int64_t n, int64_t k,
                        bool accumulate);

/* `size` of what is left of `whole` behind `from`, or less. */
static inline int64_t nl_gemm_part(int64_t whole, int64_t from, int64_t size) {
  return whole - from < size ? whole - from : size;
}

#endif
