/* The nnlua program around the core. Knows Lua, not tensors. */
#ifndef NL_HOST_HOST_H
#define NL_HOST_HOST_H

#include <lua.h>
#include <stdbool.h>

#include "core/interrupt.h"

/* ---- options (options.c) ---- */

typedef struct nl_options {
  int script;       /* position of the script in argv; 0: none */
  bool interactive; /* -i */
  bool version;     /* -v: lua's one line */
  bool ignore_env;  /* -E */
  bool execute;     /* some -e */
  bool help, about; /* --help, --version */
  bool profile;     /* --profile */
  int threads;      /* --threads; 0: not given */
  bool has_seed;
  long long seed;     /* --seed */
  double max_memory;  /* --max-memory, bytes; 0: none */
  double max_seconds; /* --max-seconds; 0: none */
  bool sandbox;       /* --sandbox; what is allowed stands in core/allowed.h */
  int first;          /* first argv that is no option, or argc */
} nl_options;

/* Reads the command line; false with a message on standard error when it is wrong. -e, -l and -W are only recognised
   here; nl_run_lua_options carries them out in order. */
bool nl_read_options(int argc, char **argv, nl_options *out);
bool nl_run_lua_options(lua_State *L, char **argv, const nl_options *);
void nl_print_help(const char *program);

/* ---- the state (state.c) ---- */

lua_State *nl_new_state(void); /* NULL: no memory */

/* ---- running (run.c) ---- */

extern const char *nl_program; /* for messages */

/* Prints a message on standard error, with the program's name if there is one. */
void nl_message(const char *program, const char *text);

/* Prints the error on top of the stack unless status is LUA_OK; returns status. */
int nl_report(lua_State *L, int status);

/* In the registry: a function that is asked about the message of an error where it happens, and gives another one; or
 * nil. */
#define NL_ON_ERROR "nn.on_error"

/* os.setlocale leaves numbers as they are. */
void nl_keep_decimal_point(lua_State *);

/* Calls a function with its arguments, with a traceback for errors and Ctrl-C as an error. */
int nl_call(lua_State *L, int arguments, int results);

int nl_run_string(lua_State *L, const char *text, const char *name);

/* Pushes the text and below it the user's frames (traceback.c); all frames where NNLUA_TRACEBACK=all, or text stands
   under this name in the registry. */
#define NL_TRACEBACK "nn.traceback"
void nl_push_traceback(lua_State *L, const char *text);
int nl_load_file(lua_State *L, const char *name); /* NULL: standard input */
int nl_run_script(lua_State *L, char **argv, const nl_options *);

/* ---- limits (limits.c) ---- */

/* The program ends after so many seconds of a clock on the wall, whatever it does then, with status 124. */
void nl_end_after(double seconds);

/* For the sandbox: --max-memory can be set no higher, and the kernel stands behind it. */
void nl_limit_memory(double bytes);

/* ---- the sandbox (sandbox.c, lockdown.c) ---- */

/* Puts the script that is named (or NULL) and all that it loads into the sandbox; false with a message where that
   fails. There is no way back. */
bool nl_enter_sandbox(lua_State *L, const char *script);

/* The kernel's part: what it now refuses to this process. */
typedef struct nl_locks {
  bool files; /* Landlock: files by the list in core/allowed.h */
  bool calls; /* seccomp: programs, processes, sockets, signals to others; writing, where none is allowed */
} nl_locks;
nl_locks nl_lock_kernel(void);

/* ---- Ctrl-C (interrupt.c) ---- */

/* While Lua runs: the first Ctrl-C becomes the error "interrupted!"; a second before that error arrived, or within five
   seconds, ends the program. At the prompt it takes five within one line. */
void nl_interrupt_begin(nl_running *, lua_State *L);
void nl_interrupt_end(const nl_running *);
void nl_interrupt_at_prompt(bool on);

/* ---- the terminal (terminal.c) ---- */

/* False where standard input or output is none, or one that cannot move its cursor. */
bool nl_terminal_open(void);
void nl_terminal_abandon(void);         /* the same from a signal handler that ends the program */
void nl_terminal_raw(bool on);          /* keys arrive one by one and are not shown; off: as it was */
void nl_terminal_suspend(void);         /* Ctrl-Z: stops the program; comes back when it goes on */
void nl_terminal_note_interrupts(void); /* outside of a call Ctrl-C is only noted */
void nl_terminal_size(int *columns, int *rows);

typedef enum nl_terminal_event {
  NL_TERMINAL_KEYS,      /* there is something to read */
  NL_TERMINAL_NOTHING,   /* the moment has passed */
  NL_TERMINAL_INTERRUPT, /* Ctrl-C */
  NL_TERMINAL_SIZE,      /* the window has another size */
  NL_TERMINAL_AGAIN,     /* some other signal */
  NL_TERMINAL_END,
} nl_terminal_event;

nl_terminal_event nl_terminal_wait(int milliseconds); /* -1: as long as it takes */
long nl_terminal_read(char *to, size_t room);         /* bytes; 0 or less: the end */
int nl_terminal_ask(lua_State *L);                    /* a Lua function: ask(bytes) -> the terminal's answer */

/* ---- the prompt (repl.c) ---- */

/* With a function of the prompt's room (nn.prompt.main) on top: true. False: the library is not there. */
bool nl_push_prompt(lua_State *L, const char *name);

/* Reads, runs and shows until the input ends. `after_error`: of a script, whose variables can be looked at; `init`: the
   user's own file (~/.config/nnlua/init.lua) runs first. */
void nl_prompt(lua_State *L, bool after_error, bool init);

/* ---- where things are (paths.c) ---- */

/* Makes `require "nn"` and its namespaces work: a searcher for our own Lua library, which leaves package.path alone. */
void nl_install_library(lua_State *L);

/* Lets `require` find what lies beside a script. */
void nl_require_beside(lua_State *L, const char *script);

/* Pushes the library's directory, or nil. */
void nl_push_library(lua_State *L);

#endif
