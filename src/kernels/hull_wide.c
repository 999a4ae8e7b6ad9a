/* hull.c with twice the digits. */
#define NL_HULL_WIDE
#include "kernels/hull.c"
