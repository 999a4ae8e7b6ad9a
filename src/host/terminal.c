/* The terminal under the prompt: raw while a line is edited, as it was while code runs. Waits for keys; Ctrl-C is a
   signal all the time, so that it also stops what Tab calls. */
#include <errno.h>
#include <lauxlib.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/select.h>
#include <termios.h>
#include <unistd.h>

#include "core/interrupt.h"
#include "host/host.h"

static struct termios before;
static volatile sig_atomic_t is_raw, resized;

static void note_interrupt(int signal_number) {
  (void)signal_number;
  nl_interrupt_request(false);
}

static void note_size(int signal_number) {
  (void)signal_number;
  resized = 1;
}

/* A signal that ends the program: the terminal as it was, first. tcsetattr and write may be called here. */
static void end_by(int signal_number) {
  if (is_raw) {
    static const char plain[] = "\033[?2004l\r\n";
    ssize_t n = write(STDOUT_FILENO, plain, sizeof plain - 1);
    (void)n;
    tcsetattr(STDIN_FILENO, TCSANOW, &before);
    is_raw = 0;
  }
  signal(signal_number, SIG_DFL);
  raise(signal_number);
}

static struct termios raw_again;

/* Whoever stopped the program from outside has set the terminal anew. */
static void raw_once_more(int signal_number) {
  (void)signal_number;
  if (is_raw) {
    tcsetattr(STDIN_FILENO, TCSANOW, &raw_again);
    resized = 1;
  }
}

static void catch_ends(bool on) {
  static const int numbers[] = {SIGTERM, SIGHUP, SIGQUIT};
  struct sigaction action = {.sa_handler = on ? end_by : SIG_DFL}, now;
  sigemptyset(&action.sa_mask);
  for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++) {
    if (sigaction(numbers[i], NULL, &now) == 0 && now.sa_handler != SIG_IGN) {
      sigaction(numbers[i], &action, NULL);
    }
  }
}

static void restore_at_exit(void) {
  nl_terminal_raw(false);
}

bool nl_terminal_open(void) {
  const char *term = getenv("TERM");
  if (!isatty(STDIN_FILENO) || !isatty(STDOUT_FILENO) || !term || !*term || strcmp(term, "dumb") == 0) {
    return false;
  }
  struct sigaction action = {.sa_handler = note_size, .sa_flags = SA_RESTART};
  sigemptyset(&action.sa_mask);
  sigaction(SIGWINCH, &action, NULL);
  action.sa_handler = raw_once_more;
  sigaction(SIGCONT, &action, NULL);
  atexit(restore_at_exit);
  return true;
}

void nl_terminal_note_interrupts(void) {
  struct sigaction action = {.sa_handler = note_interrupt};
  sigemptyset(&action.sa_mask);
  sigaction(SIGINT, &action, NULL);
}

void nl_terminal_raw(bool on) {
  if (on == (is_raw != 0)) {
    return;
  }
  if (!on) {
    tcsetattr(STDIN_FILENO, TCSADRAIN, &before);
    is_raw = 0;
    catch_ends(false);
    return;
  }
  if (tcgetattr(STDIN_FILENO, &before) != 0) {
    return;
  }
  struct termios raw = before;
  raw.c_iflag &= ~(tcflag_t)(IXON | ICRNL | INLCR | IGNCR | ISTRIP);
  raw.c_lflag &= ~(tcflag_t)(ICANON | ECHO | IEXTEN);
  raw.c_lflag |= ISIG;
  raw.c_cc[VSUSP] = raw.c_cc[VQUIT] = _POSIX_VDISABLE; /* Ctrl-Z is a key that puts the terminal right first */
  raw.c_cc[VMIN] = 1;
  raw.c_cc[VTIME] = 0;
  raw_again = raw;
  is_raw = tcsetattr(STDIN_FILENO, TCSADRAIN, &raw) == 0;
  catch_ends(is_raw);
}

void nl_terminal_abandon(void) {
  if (is_raw) {
    static const char plain[] = "\033[?2004l\r\n";
    ssize_t n = write(STDOUT_FILENO, plain, sizeof plain - 1);
    (void)n;
    tcsetattr(STDIN_FILENO, TCSANOW, &before);
  }
}

void nl_terminal_suspend(void) {
  nl_terminal_raw(false);
  raise(SIGTSTP);
  nl_terminal_raw(true);
}

void nl_terminal_size(int *columns, int *rows) {
  struct winsize size;
  bool known = ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0;
  *columns = known && size.ws_col > 0 ? size.ws_col : 80;
  *rows = known && size.ws_row > 0 ? size.ws_row : 24;
}

/* Between the look at the flags and the wait no signal gets lost. */
nl_terminal_event nl_terminal_wait(int milliseconds) {
  sigset_t block, mask;
  sigemptyset(&block);
  sigaddset(&block, SIGINT);
  sigaddset(&block, SIGWINCH);
  sigaddset(&block, SIGCONT);
  sigprocmask(SIG_BLOCK, &block, &mask);
  fd_set set;
  FD_ZERO(&set);
  FD_SET(STDIN_FILENO, &set);
  struct timespec moment = {milliseconds / 1000, milliseconds % 1000 * 1000000L};
  int ready = 0;
  bool waited = !nl_interrupt_pending() && !resized;
  if (waited) {
    ready = pselect(STDIN_FILENO + 1, &set, NULL, NULL, milliseconds >= 0 ? &moment : NULL, &mask);
  }
  int error = errno;
  sigprocmask(SIG_SETMASK, &mask, NULL);
  if (nl_interrupt_pending()) {
    return NL_TERMINAL_INTERRUPT;
  }
  if (resized) {
    resized = 0;
    return NL_TERMINAL_SIZE;
  }
  if (ready > 0) {
    return NL_TERMINAL_KEYS;
  }
  return ready < 0 && error != EINTR ? NL_TERMINAL_END : waited && ready == 0 ? NL_TERMINAL_NOTHING : NL_TERMINAL_AGAIN;
}

/* ask(bytes) -> what the terminal answers within a moment, up to its device attributes (ESC [ ? ... c). */
int nl_terminal_ask(lua_State *L) {
  enum { PATIENCE_MS = 300 };
  size_t n;
  const char *question = luaL_checklstring(L, 1, &n);
  char answer[1024];
  size_t got = 0;
  nl_terminal_raw(true);
  fwrite(question, 1, n, stdout);
  fflush(stdout);
  while (got < sizeof answer && nl_terminal_wait(PATIENCE_MS) == NL_TERMINAL_KEYS) {
    long more = nl_terminal_read(answer + got, sizeof answer - got);
    if (more <= 0) {
      break;
    }
    got += (size_t)more;
    const char *attributes = memmem(answer, got, "\033[?", 3);
    if (attributes && memchr(attributes, 'c', got - (size_t)(attributes - answer))) {
      break;
    }
  }
  nl_terminal_raw(false);
  lua_pushlstring(L, answer, got);
  return 1;
}

long nl_terminal_read(char *to, size_t room) {
  ssize_t n;
  do {
    n = read(STDIN_FILENO, to, room);
  } while (n < 0 && errno == EINTR && !nl_interrupt_pending());
  return (long)n;
}
