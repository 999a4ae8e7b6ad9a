/* Limits that a script cannot talk itself out of. */
#include <math.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/time.h>
#include <unistd.h>

#include "core/memory.h"
#include "core/pool.h"
#include "host/host.h"

enum { OUT_OF_TIME = 124 }; /* as timeout(1) has it */

static char last_words[128];

/* A script that catches errors, a long call into C and a coroutine all end here. A reader that does not read must not
   hold this up. */
static void on_time_over(int signal_number) {
  (void)signal_number;
  nl_terminal_abandon();
  struct pollfd end = {.fd = STDERR_FILENO, .events = POLLOUT};
  if (poll(&end, 1, 0) == 1 && write(STDERR_FILENO, last_words, strlen(last_words)) < 0) {
    _exit(OUT_OF_TIME);
  }
  _exit(OUT_OF_TIME);
}

void nl_end_after(double seconds) {
  snprintf(last_words, sizeof last_words, "nnlua: --max-seconds: ended after %g second%s\n", seconds,
           seconds == 1 ? "" : "s");
  setvbuf(stdout, NULL, _IOLBF, BUFSIZ); /* what was printed until then is to be seen */
  struct sigaction action = {.sa_handler = on_time_over};
  sigemptyset(&action.sa_mask);
  sigaction(SIGALRM, &action, NULL);
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGALRM);
  sigprocmask(SIG_UNBLOCK, &set, NULL);
  double whole = floor(seconds);
  struct itimerval timer = {.it_value = {(time_t)whole, (suseconds_t)((seconds - whole) * 1e6)}};
  if (timer.it_value.tv_sec == 0 && timer.it_value.tv_usec == 0) {
    timer.it_value.tv_usec = 1;
  }
  setitimer(ITIMER_REAL, &timer, NULL);
}

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
enum { SHADOWED = 1 }; /* the sanitizers map terabytes */
#else
enum { SHADOWED = 0 };
#endif

/* What libraries take for themselves (JSON, patterns, big integers, compression) is not counted one by one. Behind all
   the counting stands the kernel, with room for threads and the caches of OpenBLAS. */
static void limit_process(double bytes) {
  double room = bytes + 0x1p29 + 0x1p23 * nl_pool_threads();
  struct rlimit data = {(rlim_t)room, (rlim_t)room}, core = {0, 0};
  setrlimit(RLIMIT_CORE, &core);
  if (!SHADOWED) {
    setrlimit(RLIMIT_DATA, &data);
  }
}

void nl_limit_memory(double bytes) {
  nl_memory_cap_limit();
  limit_process(bytes);
}
