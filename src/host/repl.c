/* The prompt: reads a chunk, runs it, shows what it gave. What a chunk is, the editor, completion and how values are
   shown is Lua (lua/stdlib/nn/prompt); here is what may not fail: the loop, the terminal, and plain lines where there
   is no terminal. */
#include <lauxlib.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/error.h"
#include "core/interrupt.h"
#include "host/host.h"

enum { ESCAPE_MS = 50 }; /* after an escape alone this long, it is the key */

typedef enum input { CHUNK, END, CANCELLED, BROKEN } input;

typedef struct session {
  lua_State *L;
  bool edits;   /* the editor is open */
  bool library; /* nn.prompt.main is there */
} session;

/* ---- calls of nn.prompt.main ---- */

static int find_in_prompt(lua_State *L) {
  lua_getglobal(L, "require"); /* by the registry: a script may have taken require away */
  if (lua_type(L, -1) != LUA_TFUNCTION) {
    luaL_getsubtable(L, LUA_REGISTRYINDEX, LUA_LOADED_TABLE);
    lua_getfield(L, -1, "nn.prompt.main");
  } else {
    lua_pushliteral(L, "nn.prompt.main");
    lua_call(L, 1, 1);
  }
  lua_pushvalue(L, 1);
  lua_gettable(L, -2);
  return 1;
}

bool nl_push_prompt(lua_State *L, const char *name) {
  lua_pushcfunction(L, find_in_prompt);
  lua_pushstring(L, name);
  if (lua_pcall(L, 1, 1, 0) != LUA_OK || lua_type(L, -1) != LUA_TFUNCTION) {
    lua_pop(L, 1);
    return false;
  }
  return true;
}

/* ---- what is asked for ---- */

static int find_prompt(lua_State *L) {
  int type = lua_getglobal(L, lua_tostring(L, 1));
  if (type == LUA_TNIL) {
    return 1;
  }
  luaL_tolstring(L, -1, NULL);
  return 1;
}

/* Pushes _PROMPT or _PROMPT2, which may be a value whose __tostring is the user's code. */
static const char *push_prompt_text(lua_State *L, bool first) {
  lua_pushcfunction(L, find_prompt);
  lua_pushstring(L, first ? "_PROMPT" : "_PROMPT2");
  if (nl_call(L, 1, 1) != LUA_OK || lua_type(L, -1) != LUA_TSTRING) {
    lua_pop(L, 1);
    lua_pushstring(L, first ? "> " : ">> ");
  }
  return lua_tostring(L, -1);
}

/* ---- plain lines ---- */

/* True if the message on top says that the chunk ends too early. */
static bool is_incomplete(lua_State *L, int status) {
  static const char mark[] = "<eof>";
  size_t n;
  const char *text = status == LUA_ERRSYNTAX ? lua_tolstring(L, -1, &n) : NULL;
  return text && n >= sizeof mark - 1 && strcmp(text + n - (sizeof mark - 1), mark) == 0;
}

/* Is the text on top only the beginning of a chunk? */
static bool goes_on(session *s) {
  lua_State *L = s->L;
  bool yes;
  if (s->library && nl_push_prompt(L, "unfinished")) {
    lua_pushvalue(L, -2);
    yes = nl_call(L, 1, 1) == LUA_OK && lua_toboolean(L, -1); /* broken: as if the line were whole */
  } else {
    size_t n;
    const char *text = lua_tolstring(L, -1, &n);
    yes = is_incomplete(L, luaL_loadbuffer(L, text, n, "=stdin"));
  }
  lua_pop(L, 1);
  return yes;
}

/* Pushes a line of standard input without its end. */
static input plain_line(session *s, bool first) {
  lua_State *L = s->L;
  fputs(push_prompt_text(L, first), stdout);
  lua_pop(L, 1);
  fflush(stdout);
  char *line = NULL;
  size_t size = 0;
  ssize_t n = getline(&line, &size, stdin);
  if (n < 0) {
    free(line);
    if (nl_interrupt_pending()) {
      nl_interrupt_clear();
      clearerr(stdin);
      printf("^C\n");
      return CANCELLED;
    }
    return END;
  }
  lua_pushlstring(L, line, (size_t)(n > 0 && line[n - 1] == '\n' ? n - 1 : n));
  free(line);
  return CHUNK;
}

static input read_plain(session *s) {
  lua_State *L = s->L;
  input got = plain_line(s, true);
  while (got == CHUNK && goes_on(s)) {
    input more = plain_line(s, false);
    if (more == CHUNK) {
      lua_pushliteral(L, "\n");
      lua_insert(L, -2);
      lua_concat(L, 3);
    } else if (more == CANCELLED) {
      lua_pop(L, 1);
      return CANCELLED;
    } else {
      break;
    }
  }
  return got;
}

/* ---- the editor ---- */

/* Writes the text at a stack index, if it is one. */
static void draw(lua_State *L, int index) {
  size_t n;
  const char *text = lua_type(L, index) == LUA_TSTRING ? lua_tolstring(L, index, &n) : NULL;
  if (text) {
    fwrite(text, 1, n, stdout);
    fflush(stdout);
  }
}

/* With a function and its arguments on top: calls it; five results are on the stack then. */
static bool call_editor(lua_State *L, int arguments) {
  int status = nl_call(L, arguments, 5);
  if (status != LUA_OK) {
    return false;
  }
  draw(L, -5);
  return true;
}

static bool begin_edit(lua_State *L) {
  int columns, rows;
  nl_terminal_size(&columns, &rows);
  if (!nl_push_prompt(L, "begin")) {
    return false;
  }
  lua_pushinteger(L, columns);
  lua_pushinteger(L, rows);
  push_prompt_text(L, true);
  push_prompt_text(L, false);
  bool fine = call_editor(L, 4);
  if (fine) {
    lua_pop(L, 5);
  }
  return fine;
}

/* With an error on top: was it Ctrl-C, or SIGTERM? */
static bool is_stop(lua_State *L) {
  const char *text = lua_tostring(L, -1);
  return text && (strstr(text, NL_INTERRUPTED_TEXT) || strstr(text, NL_TERMINATED_TEXT));
}

/* The same in the editor: then the stack is as it was. */
static bool was_interrupted(lua_State *L, int top) {
  if (!is_stop(L)) {
    return false;
  }
  lua_settop(L, top);
  printf("^C\r\n");
  return true;
}

/* Pushes the chunk, or for BROKEN why there is none. */
static input edit(session *s) {
  lua_State *L = s->L;
  int top = lua_gettop(L);
  nl_terminal_raw(true);
  if (!begin_edit(L)) {
    nl_terminal_raw(false);
    return was_interrupted(L, top) ? CANCELLED : BROKEN;
  }
  bool ahead = true, waits = false; /* keys may have been typed ahead */
  for (;;) {
    nl_terminal_event event = ahead ? NL_TERMINAL_NOTHING : nl_terminal_wait(waits ? ESCAPE_MS : -1);
    char bytes[4096];
    long n = 0;
    if (event == NL_TERMINAL_AGAIN && !nl_interrupt_ends()) {
      continue;
    }
    if (event == NL_TERMINAL_KEYS) {
      n = nl_terminal_read(bytes, sizeof bytes);
      if (n <= 0 && nl_interrupt_pending()) {
        continue;
      }
    }
    if (event == NL_TERMINAL_INTERRUPT) {
      nl_interrupt_clear();
      if (nl_push_prompt(L, "cancel")) {
        call_editor(L, 0);
      }
      nl_terminal_raw(false);
      lua_settop(L, top);
      return CANCELLED;
    }
    if (event == NL_TERMINAL_END || event == NL_TERMINAL_AGAIN || (event == NL_TERMINAL_KEYS && n <= 0)) {
      nl_terminal_raw(false);
      lua_settop(L, top);
      return END;
    }
    bool resized = event == NL_TERMINAL_SIZE;
    if (!nl_push_prompt(L, resized ? "resize" : "feed")) {
      nl_terminal_raw(false);
      return BROKEN;
    }
    int arguments = 1;
    if (resized) {
      int columns, rows;
      nl_terminal_size(&columns, &rows);
      lua_pushinteger(L, columns);
      lua_pushinteger(L, rows);
      arguments = 2;
    } else if (n > 0) {
      lua_pushlstring(L, bytes, (size_t)n);
    } else {
      lua_pushnil(L);
    }
    if (!call_editor(L, arguments)) { /* Ctrl-C, in what Tab called; or there is no memory */
      nl_terminal_raw(false);
      return was_interrupted(L, top) ? CANCELLED : BROKEN;
    }
    const char *status = lua_tostring(L, -4);
    ahead = lua_toboolean(L, -2);
    waits = lua_toboolean(L, -1);
    if (resized) {
      ahead = waits = false;
    }
    if (!status) {
      lua_settop(L, top);
      continue;
    }
    if (strcmp(status, "suspend") == 0) {
      lua_settop(L, top);
      nl_terminal_suspend();
      if (!begin_edit(L)) {
        nl_terminal_raw(false);
        return was_interrupted(L, top) ? CANCELLED : BROKEN;
      }
      continue;
    }
    nl_terminal_raw(false);
    bool done = strcmp(status, "done") == 0;
    lua_pushvalue(L, -3);
    lua_replace(L, top + 1);
    lua_settop(L, done ? top + 1 : top);
    return done ? CHUNK : END;
  }
}

static input read_chunk(session *s) {
  while (s->edits) {
    input got = edit(s);
    if (got != BROKEN) {
      return got;
    }
    nl_message(NULL, "the line editor failed; lines are read plainly from here on:");
    nl_report(s->L, LUA_ERRRUN);
    s->edits = false;
  }
  return read_plain(s);
}

/* ---- running ---- */

/* With a text on top: replaces it by a function, or a message. */
static int load_plainly(lua_State *L) {
  size_t n;
  const char *text = lua_tolstring(L, -1, &n);
  lua_pushfstring(L, "return %s", text[0] == '=' ? text + 1 : text);
  int status = luaL_loadbuffer(L, lua_tostring(L, -1), lua_rawlen(L, -1), "=stdin");
  if (status != LUA_OK) {
    lua_pop(L, 2);
    text = lua_tolstring(L, -1, &n);
    status = luaL_loadbuffer(L, text, n, "=stdin");
  } else {
    lua_remove(L, -2);
  }
  lua_remove(L, -2);
  return status;
}

/* With the text on top: replaces it by a function (LUA_OK) or a message. -1: the session ends. */
static int load_chunk(session *s) {
  lua_State *L = s->L;
  if (s->library && nl_push_prompt(L, "load")) {
    lua_pushvalue(L, -2);
    int status = nl_call(L, 1, 2);
    if (status != LUA_OK && is_stop(L)) { /* before the line could begin: it does not */
      lua_remove(L, -2);
      return status;
    }
    if (status != LUA_OK) { /* the library was broken at the prompt, say: what mends it must be heard */
      nl_message(NULL, "the prompt's own code fails; the line is run as lua would:");
      nl_report(L, status);
      return load_plainly(L);
    }
    lua_remove(L, -3);
    if (lua_type(L, -2) == LUA_TBOOLEAN) {
      return -1;
    }
    bool fine = lua_type(L, -2) == LUA_TFUNCTION;
    lua_remove(L, fine ? -1 : -2);
    return fine ? LUA_OK : LUA_ERRSYNTAX;
  }
  return load_plainly(L);
}

/* The prompt's own way to show results, of the library; nil where that is not there. */
static void print_results(session *s) {
  lua_State *L = s->L;
  int n = lua_gettop(L);
  if (n > 0) {
    luaL_checkstack(L, LUA_MINSTACK, "too many results to print");
    if (!s->library || !nl_push_prompt(L, "results")) {
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

/* What nl_call's handler asks about an error (run.c). */
static void on_error(lua_State *L, const char *name) {
  if (name && nl_push_prompt(L, name)) {
    lua_setfield(L, LUA_REGISTRYINDEX, NL_ON_ERROR);
  } else {
    lua_pushnil(L);
    lua_setfield(L, LUA_REGISTRYINDEX, NL_ON_ERROR);
  }
}

static bool open_editor(lua_State *L) {
  if (!nl_terminal_open() || !nl_push_prompt(L, "open")) {
    return false;
  }
  const char *home = getenv("HOME"), *name = getenv("NNLUA_HISTORY"), *no_color = getenv("NO_COLOR");
  lua_newtable(L);
  if (name || home) {
    lua_pushfstring(L, name ? "%s" : "%s/.nnlua_history", name ? name : home);
    lua_setfield(L, -2, "history");
  }
  lua_pushboolean(L, !no_color || !*no_color);
  lua_setfield(L, -2, "color");
  lua_pushcfunction(L, nl_terminal_ask);
  lua_setfield(L, -2, "ask");
  return nl_report(L, nl_call(L, 1, 0)) == LUA_OK;
}

/* Calls a function of the prompt's room and reports what goes wrong. */
static void call_prompt(lua_State *L, const char *name) {
  if (nl_push_prompt(L, name)) {
    nl_report(L, nl_call(L, 0, 0));
  }
}

void nl_prompt(lua_State *L, bool after_error, bool init) {
  session s = {.L = L};
  const char *program = nl_program;
  nl_program = NULL; /* messages at the prompt stand alone */
  nl_interrupt_at_prompt(true);
  lua_getglobal(L, "require");
  lua_pushliteral(L, "nn");
  if (nl_call(L, 1, 1) == LUA_OK) {
    lua_setglobal(L, "nn");
  } else {
    nl_report(L, LUA_ERRRUN);
  }
  s.library = nl_push_prompt(L, "load");
  lua_settop(L, 0);
  s.edits = open_editor(L);
  if (isatty(STDIN_FILENO)) {
    nl_terminal_note_interrupts();
    if (init) {
      call_prompt(L, "run_init");
    }
    puts("?softmax: help   ??word: search   %: commands   Tab: complete   Ctrl-D: leave");
  }
  if (after_error) {
    call_prompt(L, "at_error");
  }
  on_error(L, "failed");
  input got = END;
  lua_settop(L, 0);
  while (!nl_interrupt_ends() && (got = read_chunk(&s)) != END) {
    if (got == CHUNK) {
      int status = load_chunk(&s);
      if (status == -1) {
        break;
      }
      if (status == LUA_OK) {
        status = nl_call(L, 0, LUA_MULTRET);
      }
      if (status == LUA_OK) {
        print_results(&s);
      } else {
        nl_report(L, status);
      }
    }
    lua_settop(L, 0);
  }
  on_error(L, NULL);
  if (!s.edits) {
    printf("\n");
  }
  fflush(stdout);
  nl_program = program;
}
