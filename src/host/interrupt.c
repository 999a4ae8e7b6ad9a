/* Ctrl-C, and SIGTERM, by which a machine asks a program to end. The handler only sets flags, and a hook that stops Lua
   code at the next instruction; a kernel that runs looks at the flag between pieces of work, and its operation raises.
   Whoever raises first clears the flag. */
#include "core/interrupt.h"
#include "core/error.h"
#include "core/memory.h"

#include <lauxlib.h>
#include <signal.h>
#include <time.h>

#include "host/host.h"

enum { SOON = 5 };      /* seconds within which a second Ctrl-C ends a script, which may have caught the first */
enum { INSISTENT = 2 }; /* Ctrl-Cs within a line of the prompt after which no pcall catches them any more */
enum { STUBBORN = 5 };  /* Ctrl-Cs after which a line of the prompt that catches all of them ends the program */

static struct timespec last;
static volatile sig_atomic_t any_before, at_prompt, in_this_call;

/* Something wants to happen before the next instruction. */
static void stop_script(lua_State *L, lua_Debug *ar) {
  (void)ar;
  if (at_prompt && in_this_call >= INSISTENT && nl_running_top() && !nl_interrupt_depth()) {
    luaL_error(L, "%s", NL_INTERRUPTED_TEXT); /* the hook stays: whoever catches this is stopped at its next step */
  }
  lua_sethook(L, NULL, 0, 0);
  if (nl_memory_is_short()) {
    lua_gc(L, LUA_GCCOLLECT);
    nl_memory_collected();
  }
  if (nl_interrupt_pending()) {
    nl_interrupt_clear();
    /* nn.core knows which lines are the user's */
    lua_getfield(L, LUA_REGISTRYINDEX, LUA_LOADED_TABLE);
    if (lua_getfield(L, -1, "nn.core") == LUA_TTABLE && lua_getfield(L, -1, "interrupt") == LUA_TFUNCTION) {
      lua_call(L, 0, 0);
    }
    luaL_error(L, "%s", nl_interrupt_ends() ? NL_TERMINATED_TEXT : NL_INTERRUPTED_TEXT);
  }
}

static void stop_at_next(lua_State *L) {
  lua_sethook(L, stop_script, LUA_MASKCALL | LUA_MASKRET | LUA_MASKLINE | LUA_MASKCOUNT, 1);
}

/* Lua code stops at its next instruction, in whichever coroutine that is. */
static void arm(void) {
  for (nl_running *r = nl_running_top(); r; r = r->below) {
    stop_at_next(r->thread);
  }
}

/* Where there is a hook already, operations collect. */
static void ask_for_collection(void) {
  nl_running *r = nl_running_top();
  if (r && !lua_gethook(r->thread)) {
    stop_at_next(r->thread);
  }
}

static void on_interrupt(int signal_number) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  double since = (double)(now.tv_sec - last.tv_sec) + 1e-9 * (double)(now.tv_nsec - last.tv_nsec);
  in_this_call = in_this_call + 1;
  if ((nl_interrupt_requested() && !at_prompt) || (any_before && !at_prompt && since < SOON) ||
      (at_prompt && in_this_call >= STUBBORN)) {
    signal(signal_number, SIG_DFL);
    raise(signal_number);
    return;
  }
  any_before = 1;
  last = now;
  if (nl_interrupt_request(signal_number == SIGTERM)) {
    arm();
  }
}

/* The signals that become an error, and what they did before. */
static struct {
  int number;
  struct sigaction before;
  bool caught;
} signals[] = {{.number = SIGINT}, {.number = SIGTERM}};
enum { SIGNALS = sizeof signals / sizeof *signals };

/* Where a signal is ignored (nohup, a shell's &) it stays so. */
void nl_interrupt_begin(nl_running *r, lua_State *L) {
  struct sigaction action = {.sa_handler = on_interrupt};
  sigfillset(&action.sa_mask);
  nl_running_enter(r, L);
  in_this_call = r->below ? in_this_call : 0;
  nl_interrupt_on_arrival(arm);
  nl_memory_on_script_shortage(ask_for_collection);
  for (int i = 0; i < SIGNALS && !r->below; i++) {
    bool ignored =
        sigaction(signals[i].number, NULL, &signals[i].before) == 0 && signals[i].before.sa_handler == SIG_IGN;
    signals[i].caught = !ignored && sigaction(signals[i].number, &action, NULL) == 0;
  }
  if (!r->below && nl_interrupt_pending()) { /* noted by the prompt just before */
    arm();
  }
}

void nl_interrupt_end(const nl_running *r) {
  nl_running_leave(r);
  if (nl_running_top()) {
    return;
  }
  for (int i = 0; i < SIGNALS; i++) {
    if (signals[i].caught) {
      sigaction(signals[i].number, &signals[i].before, NULL);
    }
    signals[i].caught = false;
  }
  lua_sethook(r->thread, NULL, 0, 0);
  in_this_call = 0;
  nl_interrupt_clear();
}

void nl_interrupt_at_prompt(bool on) {
  at_prompt = on;
}
