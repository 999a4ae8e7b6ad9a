/* Linear equations in whole numbers, solved exactly by lifting a solution modulo a prime: J. D. Dixon 1982, "Exact
   solution of linear equations using p-adic expansions". The time grows as k^3 times the length of the numbers, where
   elimination takes k^4. */
#ifndef NL_KERNELS_LIFT_H
#define NL_KERNELS_LIFT_H

#include <gmp.h>
#include <stdint.h>

#include "core/error.h"

/* h x = b for `sides` right sides: h is k x k with rows of ld numbers, b is k x sides of small numbers; x (k x sides)
   gets whole numbers, to be divided by den (> 0). The result was put into the equations. *dependent: -1; or, and there
   is no result, a column that depends on those before it (or seems to: wrongly in one case of 10^15). Errors: memory,
   Ctrl-C. */
nl_status nl_lift_solve(int k, int ld, mpz_t *h, int sides, const int *b, mpz_t *x, mpz_t den, int *dependent);

#endif
