/* The prompt. Lines are edited by libedit, whose licence (BSD) fits a program that people embed and pass on;
   GNU readline (GPL) would bind everything linked with it. */
#include <ctype.h>
#include <editline/readline.h>
#include <errno.h>
#include <lauxlib.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/select.h>
#include <unistd.h>

#include "core/interrupt.h"
#include "host/host.h"

enum { HISTORY_LINES = 2000 };

static lua_State *completing;

/* ---- completion of globals and fields ---- */

typedef struct matches {
  char **list;
  size_t count, capacity;
} matches;

static void add_match(matches *m, const char *prefix, const char *name) {
  if (m->count == m->capacity) {
    size_t capacity = m->capacity ? 2 * m->capacity : 32;
    char **more = realloc(m->list, capacity * sizeof *more);
    if (!more) {
      return;
    }
    m->list = more;
    m->capacity = capacity;
  }
  size_t n = strlen(prefix) + strlen(name) + 1;
  char *text = malloc(n);
  if (text) {
    snprintf(text, n, "%s%s", prefix, name);
    m->list[m->count++] = text;
  }
}

static bool is_name(const char *s) {
  if (!isalpha((unsigned char)*s) && *s != '_') {
    return false;
  }
  while (isalnum((unsigned char)*s) || *s == '_') {
    s++;
  }
  return *s == 0;
}

/* Adds the keys of the table on top of the stack (popped) that begin with `start`. Reads without metamethods. */
static void add_keys(lua_State *L, matches *m, const char *prefix, const char *start) {
  lua_pushnil(L);
  while (lua_next(L, -2)) {
    lua_pop(L, 1);
    if (lua_type(L, -1) == LUA_TSTRING) {
      const char *key = lua_tostring(L, -1);
      bool hidden = key[0] == '_' && start[0] != '_';
      if (strncmp(key, start, strlen(start)) == 0 && is_name(key) && !hidden) {
        add_match(m, prefix, key);
      }
    }
  }
  lua_pop(L, 1);
}

/* The value on top, and what its metatable offers. */
static void add_fields(lua_State *L, matches *m, const char *prefix, const char *start) {
  int depth = 0;
  while (depth++ < 10) {
    if (lua_type(L, -1) == LUA_TTABLE) {
      lua_pushvalue(L, -1);
      add_keys(L, m, prefix, start);
    }
    if (!lua_getmetatable(L, -1)) {
      break;
    }
    static const char *const more[] = {"homes", "namespaces"}; /* what is loaded when it is first touched */
    for (size_t i = 0; i < sizeof more / sizeof *more; i++) {
      lua_pushstring(L, more[i]);
      if (lua_rawget(L, -2) == LUA_TTABLE) {
        add_keys(L, m, prefix, start);
      } else {
        lua_pop(L, 1);
      }
    }
    lua_pushliteral(L, "__index");
    if (lua_rawget(L, -2) == LUA_TFUNCTION) { /* tensors and classes say beside it where their methods are */
      lua_pop(L, 1);
      lua_pushliteral(L, "methods");
      lua_rawget(L, -2);
    }
    lua_remove(L, -2);
    lua_remove(L, -2);
    if (lua_type(L, -1) != LUA_TTABLE) {
      break;
    }
  }
  lua_pop(L, 1);
}

/* "nn.op" -> the value of nn, and "op". Only names and dots, so that completing runs no code but __index. */
static int complete_protected(lua_State *L) {
  const char *text = lua_touserdata(L, 1);
  matches *m = lua_touserdata(L, 2);
  const char *last = text;
  for (const char *p = text; *p; p++) {
    if (*p == '.' || *p == ':') {
      last = p + 1;
    }
  }
  char *prefix = lua_newuserdatauv(L, (size_t)(last - text) + 1, 0);
  memcpy(prefix, text, (size_t)(last - text));
  prefix[last - text] = 0;
  lua_pushglobaltable(L);
  for (const char *p = text; p < last;) {
    size_t n = strcspn(p, ".:");
    lua_pushlstring(L, p, n);
    lua_gettable(L, -2);
    lua_remove(L, -2);
    p += n + 1;
  }
  add_fields(L, m, prefix, last);
  return 0;
}

static int compare_names(const void *a, const void *b) {
  return strcmp(*(char *const *)a, *(char *const *)b);
}

/* What the library knows of the place (nn.internal.complete): adds its words, and says whether it did. */
static int complete_by_place(lua_State *L) {
  matches *m = lua_touserdata(L, 3);
  lua_getglobal(L, "require");
  lua_pushliteral(L, "nn.internal.complete");
  lua_call(L, 1, 1);
  lua_getfield(L, -1, "candidates");
  lua_pushvalue(L, 1);
  lua_pushvalue(L, 2);
  lua_call(L, 2, 1);
  if (lua_type(L, -1) != LUA_TTABLE) {
    lua_pushboolean(L, false);
    return 1;
  }
  for (lua_Integer i = 1; lua_rawgeti(L, -1, i) == LUA_TSTRING; i++) {
    add_match(m, "", lua_tostring(L, -1));
    lua_pop(L, 1);
  }
  lua_pushboolean(L, true);
  return 1;
}

/* libedit wants the common prefix first, then the matches, then NULL; all from malloc. */
static char **complete(const char *text, int start, int end) {
  (void)start;
  rl_attempted_completion_over = 1;
  rl_completion_append_character = 0;
  matches m = {NULL, 0, 0};
  int top = lua_gettop(completing);
  lua_pushcfunction(completing, complete_by_place);
  lua_pushlstring(completing, rl_line_buffer, end > 0 ? (size_t)end : 0);
  lua_pushstring(completing, text);
  lua_pushlightuserdata(completing, &m);
  if (nl_call(completing, 3, 1) != LUA_OK || !lua_toboolean(completing, -1)) {
    lua_pushcfunction(completing, complete_protected);
    lua_pushlightuserdata(completing, (void *)(uintptr_t)text);
    lua_pushlightuserdata(completing, &m);
    nl_call(completing, 2, 0); /* an __index may take long: Ctrl-C ends it */
  }
  lua_settop(completing, top);
  if (m.count == 0) {
    free(m.list);
    return NULL;
  }
  qsort(m.list, m.count, sizeof *m.list, compare_names);
  size_t unique = 1;
  for (size_t i = 1; i < m.count; i++) {
    if (strcmp(m.list[i], m.list[unique - 1]) == 0) {
      free(m.list[i]);
    } else {
      m.list[unique++] = m.list[i];
    }
  }
  char **result = malloc((unique + 2) * sizeof *result);
  size_t common = strlen(m.list[0]);
  for (size_t i = 1; i < unique; i++) {
    size_t k = 0;
    while (k < common && m.list[i][k] == m.list[0][k]) {
      k++;
    }
    common = k;
  }
  if (result) {
    result[0] = strndup(m.list[0], common);
    memcpy(result + 1, m.list, unique * sizeof *result);
    result[unique + 1] = NULL;
  }
  free(m.list);
  return result;
}

/* ---- reading a line ---- */

static char *line_read;
static bool line_done;

static void on_line(char *line) {
  line_read = line;
  line_done = true;
  rl_callback_handler_remove();
}

static void note_interrupt(int signal_number) {
  (void)signal_number;
  nl_interrupt_request(false);
}

/* Outside a call Ctrl-C is only noted, also between two lines. */
static void note_interrupts(void) {
  struct sigaction action = {.sa_handler = note_interrupt};
  sigemptyset(&action.sa_mask);
  sigaction(SIGINT, &action, NULL);
}

/* Waits for a key: 1, or for Ctrl-C: 0. -1 is an error. Between the look at the flag and the wait none gets lost. */
static int wait_for_key(void) {
  sigset_t block, before;
  sigemptyset(&block);
  sigaddset(&block, SIGINT);
  sigprocmask(SIG_BLOCK, &block, &before);
  fd_set set;
  FD_ZERO(&set);
  FD_SET(STDIN_FILENO, &set);
  int ready = 0;
  if (!nl_interrupt_pending()) {
    ready = pselect(STDIN_FILENO + 1, &set, NULL, NULL, NULL, &before);
    ready = ready < 0 && errno == EINTR ? 0 : ready;
  }
  sigprocmask(SIG_SETMASK, &before, NULL);
  return ready;
}

typedef enum line_status { LINE, END, CANCELLED } line_status;

/* A line from the terminal, to be freed; Ctrl-C gives CANCELLED. */
static line_status edit_line(const char *prompt, char **out) {
  line_done = false;
  line_read = NULL;
  rl_callback_handler_install(prompt, on_line);
  line_status status = LINE;
  while (!line_done) {
    int ready = wait_for_key();
    if (nl_interrupt_pending()) {
      nl_interrupt_clear();
      rl_callback_handler_remove();
      printf("^C\n");
      status = CANCELLED;
      break;
    }
    if (ready < 0) {
      status = END;
      break;
    }
    if (ready > 0) {
      rl_callback_read_char();
    }
  }
  *out = line_read;
  return status == LINE && !line_read ? END : status;
}

/* A line from a pipe. */
static line_status plain_line(const char *prompt, char **out) {
  fputs(prompt, stdout);
  fflush(stdout);
  size_t size = 0;
  *out = NULL;
  ssize_t n = getline(out, &size, stdin);
  if (n < 0) {
    free(*out);
    *out = NULL;
    return END;
  }
  if (n > 0 && (*out)[n - 1] == '\n') {
    (*out)[n - 1] = 0;
  }
  return LINE;
}

/* ---- reading and running ---- */

typedef struct session {
  lua_State *L;
  bool terminal;
  char *history_file;
} session;

static int find_prompt(lua_State *L) {
  int type = lua_getglobal(L, lua_tostring(L, 1));
  if (type == LUA_TNIL) {
    return 1;
  }
  luaL_tolstring(L, -1, NULL);
  return 1;
}

/* _PROMPT may be a value whose __tostring is the user's code. */
static const char *prompt_text(lua_State *L, bool first) {
  lua_pushcfunction(L, find_prompt);
  lua_pushstring(L, first ? "_PROMPT" : "_PROMPT2");
  const char *text = nl_call(L, 1, 1) == LUA_OK ? lua_tostring(L, -1) : NULL;
  return text ? text : first ? "> " : ">> ";
}

static line_status read_line(session *s, bool first, char **out) {
  int top = lua_gettop(s->L);
  const char *prompt = prompt_text(s->L, first);
  line_status status = s->terminal ? edit_line(prompt, out) : plain_line(prompt, out);
  lua_settop(s->L, top);
  return status;
}

/* True if the message on top says that the chunk ends too early. */
static bool is_incomplete(lua_State *L, int status) {
  static const char mark[] = "<eof>";
  size_t n;
  const char *text = status == LUA_ERRSYNTAX ? lua_tolstring(L, -1, &n) : NULL;
  return text && n >= sizeof mark - 1 && strcmp(text + n - (sizeof mark - 1), mark) == 0;
}

static void remember(session *s, const char *text) {
  if (s->terminal && *text) {
    add_history(text);
  }
}

/* ?name: a call of nn.help. Takes the line over. */
static int load_help(session *s, char *line) {
  remember(s, line);
  static const char code[] = "local name = ... return function() require('nn').help(name) end";
  int status = luaL_loadbuffer(s->L, code, sizeof code - 1, "=(prompt)");
  if (status == LUA_OK) {
    const char *name = line + 1 + strspn(line + 1, " \t");
    lua_pushlstring(s->L, name, *name == '?' ? strlen(name) : strcspn(name, " \t;")); /* ??weight decay: all of it */
    lua_call(s->L, 1, 1);
  }
  free(line);
  return status;
}

/* %name ...: one of the prompt's commands. Takes the line over. */
static int load_command(session *s, char *line) {
  remember(s, line);
  static const char code[] = "local line = ... return function() require('nn.internal.commands').run(line) end";
  int status = luaL_loadbuffer(s->L, code, sizeof code - 1, "=(prompt)");
  if (status == LUA_OK) {
    lua_pushstring(s->L, line + 1);
    lua_call(s->L, 1, 1);
  }
  free(line);
  return status;
}

/* Loads what was typed, reading on while it is unfinished. LUA_OK: a function is on the stack. -1: end of input.
   -2: cancelled. Else an error message is on the stack. */
static int load_input(session *s) {
  lua_State *L = s->L;
  char *line;
  line_status status = read_line(s, true, &line);
  if (status != LINE) {
    return status == END ? -1 : -2;
  }
  if (line[0] == '?') {
    return load_help(s, line);
  }
  if (line[0] == '%') {
    return load_command(s, line);
  }
  const char *shown = line[0] == '=' ? line + 1 : line;
  lua_pushfstring(L, "return %s", shown);
  if (luaL_loadbuffer(L, lua_tostring(L, -1), lua_rawlen(L, -1), "=stdin") == LUA_OK) {
    lua_remove(L, -2);
    remember(s, line);
    free(line);
    return LUA_OK;
  }
  lua_pop(L, 2);
  lua_pushstring(L, line);
  free(line);
  for (;;) {
    size_t n;
    const char *text = lua_tolstring(L, -1, &n);
    int result = luaL_loadbuffer(L, text, n, "=stdin");
    if (!is_incomplete(L, result)) {
      remember(s, text);
      lua_remove(L, -2);
      return result;
    }
    lua_pop(L, 1);
    status = read_line(s, false, &line);
    if (status == CANCELLED) {
      lua_pop(L, 1);
      return -2;
    }
    if (status == END) {
      result = luaL_loadbuffer(L, lua_tostring(L, -1), lua_rawlen(L, -1), "=stdin");
      lua_remove(L, -2);
      return result;
    }
    lua_pushfstring(L, "%s\n%s", lua_tostring(L, -1), line);
    free(line);
    lua_remove(L, -2);
  }
}

/* The prompt's own way to show results, of the library; nil where that is not there. */
static int find_results(lua_State *L) {
  lua_getglobal(L, "require");
  lua_pushliteral(L, "nn.internal.prompt");
  lua_call(L, 1, 1);
  lua_getfield(L, -1, "results");
  return 1;
}

static void print_results(lua_State *L) {
  int n = lua_gettop(L);
  if (n > 0) {
    luaL_checkstack(L, LUA_MINSTACK, "too many results to print");
    lua_pushcfunction(L, find_results);
    if (nl_call(L, 0, 1) != LUA_OK) {
      lua_pop(L, 1);
      lua_getglobal(L, "print");
    }
    lua_insert(L, 1);
    if (nl_call(L, n, 0) != LUA_OK) {
      const char *text = lua_tostring(L, -1);
      lua_pushfstring(L, "error calling 'print' (%s)", text ? text : "?");
      nl_message(nl_program, lua_tostring(L, -1));
    }
  }
}

static void open_history(session *s) {
  const char *home = getenv("HOME");
  const char *name = getenv("NNLUA_HISTORY");
  rl_readline_name = (char *)(uintptr_t) "nnlua";
  rl_catch_signals = 0;
  rl_initialize();
  using_history();
  stifle_history(HISTORY_LINES);
  rl_attempted_completion_function = complete;
  rl_basic_word_break_characters = " \t\n\"\\'><=;+-*/%^~#{}()[],&|";
  if (name || home) {
    size_t n = strlen(name ? name : home) + sizeof "/.nnlua_history";
    s->history_file = malloc(n);
    if (s->history_file) {
      snprintf(s->history_file, n, name ? "%s" : "%s/.nnlua_history", name ? name : home);
      read_history(s->history_file);
    }
  }
}

void nl_prompt(lua_State *L) {
  session s = {.L = L, .terminal = isatty(STDIN_FILENO) && isatty(STDOUT_FILENO)};
  const char *program = nl_program;
  nl_program = NULL; /* messages at the prompt stand alone */
  completing = L;
  nl_interrupt_at_prompt(true);
  lua_getglobal(L, "require");
  lua_pushliteral(L, "nn");
  if (nl_call(L, 1, 1) == LUA_OK) {
    lua_setglobal(L, "nn");
  } else {
    nl_report(L, LUA_ERRRUN);
  }
  if (s.terminal) {
    note_interrupts();
    open_history(&s);
    puts("?softmax tells what softmax is, ??word searches, % lists commands, Tab completes, Ctrl-D leaves");
  }
  int status;
  lua_settop(L, 0);
  while (!nl_interrupt_ends() && (status = load_input(&s)) != -1) {
    if (status == LUA_OK) {
      status = nl_call(L, 0, LUA_MULTRET);
    }
    if (status == LUA_OK) {
      print_results(L);
    } else if (status > 0) {
      nl_report(L, status);
    }
    lua_settop(L, 0);
  }
  if (s.history_file) {
    write_history(s.history_file);
    free(s.history_file);
  }
  printf("\n");
  fflush(stdout);
  nl_program = program;
}
