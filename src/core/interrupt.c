/* One flag for the process: there is one keyboard. */
#include "core/interrupt.h"

volatile sig_atomic_t nl_interrupt_flag;
