/* Ctrl-C. The handler only sets flags, and a hook that stops Lua code at the next instruction; a kernel that runs
   looks at the flag between pieces of work, and its operation raises. Whoever raises first clears the flag. */
#include "core/interrupt.h"
#include "core/error.h"

#include <lauxlib.h>
#include <signal.h>
#include <time.h>

#include "host/host.h"

enum { SOON = 5 }; /* seconds within which a second Ctrl-C ends a script, which may have caught the first */

static lua_State *running;
static struct timespec last;
static volatile sig_atomic_t any_before, at_prompt;

static void stop_script(lua_State *L, lua_Debug *ar) {
  (void)ar;
  lua_sethook(L, NULL, 0, 0);
  if (nl_interrupt_pending()) {
    nl_interrupt_clear();
    /* nn.core knows which lines are the user's */
    lua_getfield(L, LUA_REGISTRYINDEX, LUA_LOADED_TABLE);
    if (lua_getfield(L, -1, "nn.core") == LUA_TTABLE && lua_getfield(L, -1, "raise") == LUA_TFUNCTION) {
      lua_pushliteral(L, NL_INTERRUPTED_TEXT);
      lua_call(L, 1, 0);
    }
    luaL_error(L, "%s", NL_INTERRUPTED_TEXT);
  }
}

static void on_interrupt(int signal_number) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  double since = (double)(now.tv_sec - last.tv_sec) + 1e-9 * (double)(now.tv_nsec - last.tv_nsec);
  if (nl_interrupt_pending() || (any_before && !at_prompt && since < SOON)) {
    signal(signal_number, SIG_DFL);
    raise(signal_number);
    return;
  }
  any_before = 1;
  last = now;
  nl_interrupt_request();
  if (running) {
    int mask = LUA_MASKCALL | LUA_MASKRET | LUA_MASKLINE | LUA_MASKCOUNT;
    lua_sethook(running, stop_script, mask, 1);
  }
}

static struct sigaction before;

/* Where the signal is ignored (nohup, a shell's &) it stays so. */
void nl_interrupt_begin(lua_State *L) {
  struct sigaction action = {.sa_handler = on_interrupt};
  sigemptyset(&action.sa_mask);
  if (sigaction(SIGINT, NULL, &before) == 0 && before.sa_handler == SIG_IGN) {
    return;
  }
  running = L;
  sigaction(SIGINT, &action, NULL);
}

void nl_interrupt_end(void) {
  if (running) {
    sigaction(SIGINT, &before, NULL);
  }
  running = NULL;
  nl_interrupt_clear();
}

void nl_interrupt_at_prompt(bool on) {
  at_prompt = on;
}
