/* The command line: lua's own options with lua's meaning, and long ones of ours. */
#include <errno.h>
#include <lauxlib.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/allowed.h"
#include "host/host.h"

void nl_print_help(const char *program) {
  printf("usage: %s [options] [script [args]]\n"
         "Runs a Lua 5.4 script that can use neural networks: local nn = require \"nn\".\n"
         "\n"
         "lua's options:\n"
         "  -e stat           execute the string 'stat'\n"
         "  -i                enter interactive mode after executing 'script'\n"
         "  -l mod            require library 'mod' into global 'mod'\n"
         "  -l g=mod          require library 'mod' into global 'g'\n"
         "  -v                show version information\n"
         "  -E                ignore environment variables\n"
         "  -W                turn warnings on\n"
         "  --                stop handling options\n"
         "  -                 stop handling options and execute standard input\n"
         "\n"
         "nnlua's options:\n"
         "  --threads N       use N threads (default: one for each processor); results do not depend on N\n"
         "  --seed N          start random numbers from N, those of math.random, too\n"
         "  --max-memory SIZE the script may hold at most SIZE bytes, all in all (suffixes K, M, G)\n"
         "  --max-seconds S   end after S seconds (2.5, say), whatever the script does, with status 124\n"
         "  --profile         show on standard error where the time went, by operation and by line\n"
         "  --out DIR         pictures of nn.plot go to this directory\n"
         "  --sandbox         for scripts of strangers: no programs, no network, no files (docs/sandbox.md)\n"
         "  --allow-read DIR  with --sandbox: files in DIR (or this file) may be read; may be given again\n"
         "  --allow-write DIR with --sandbox: files in DIR may be read and written; may be given again\n"
         "  --help            show this\n"
         "  --version         show the versions of everything, and the kernels chosen\n"
         "\n"
         "experiments and their runs (docs/lab.md), in the place of a script:\n"
         "  list [DIR]  new NAME  runs [DIR]  resume RUN  compare RUN RUN  diff RUN RUN\n"
         "  sweep FILE  report RUN...  board [DIR]\n"
         "\n"
         "tools, in the place of a script (each with --help):\n"
         "  check [--run] FILE  what is wrong with a script   test [DIR]  runs your LuaUnit suites\n"
         "  doc [NAME]          the reference                 completion bash|zsh|fish\n"
         "\n"
         "environment: NNLUA_ISA=avx512|avx2|plain forces lower kernels than the processor has\n"
         "             NNLUA_OUT=DIR is --out\n",
         program);
}

static bool bad(const char *program, const char *option, const char *why) {
  fprintf(stderr, "%s: '%s' %s\n", program, option, why);
  fprintf(stderr, "try '%s --help'\n", program);
  return false;
}

static bool unrecognized(const char *program, const char *option) {
  fprintf(stderr, "%s: unrecognized option '%s'\n", program, option);
  if (option[1] == '-') {
    fprintf(stderr, "a script's own options stand behind its name: %s SCRIPT %s\n", program, option);
  }
  fprintf(stderr, "try '%s --help'\n", program);
  return false;
}

/* The value of a long option: after '=' or in the next argument. */
static const char *long_value(char **argv, int *i, size_t name) {
  const char *rest = argv[*i] + name;
  if (*rest == '=') {
    return rest + 1;
  }
  return argv[*i + 1] ? argv[++*i] : NULL;
}

static bool is_long(const char *arg, const char *name) {
  size_t n = strlen(name);
  return strncmp(arg, name, n) == 0 && (arg[n] == 0 || arg[n] == '=');
}

static bool read_integer(const char *s, long long *out) {
  char *end;
  errno = 0;
  *out = s ? strtoll(s, &end, 0) : 0;
  return s && *s && *end == 0 && errno == 0;
}

static bool read_size(const char *s, double *out) {
  char *end;
  *out = s ? strtod(s, &end) : 0;
  if (!s || end == s || !(*out > 0)) {
    return false;
  }
  static const char suffixes[] = "KMGT";
  const char *at = *end ? strchr(suffixes, *end) : NULL;
  if (at) {
    for (const char *p = suffixes; p <= at; p++) {
      *out *= 1024;
    }
    end++;
  }
  return *end == 0 && *out < 9e18; /* and no infinity */
}

/* A positive number of seconds, at most some thirty years. */
static bool read_seconds(const char *s, double *out) {
  char *end;
  *out = s ? strtod(s, &end) : 0;
  return s && end != s && *end == 0 && *out > 0 && *out <= 1e9;
}

static bool allow(char **argv, int *i, const char *name, nl_access access) {
  char *arg = argv[*i];
  const char *path = long_value(argv, i, strlen(name));
  if (!path || !*path) {
    return bad(argv[0], arg, "needs a directory, e.g. --allow-read data");
  }
  return nl_allow(path, access) == NL_OK || bad(argv[0], arg, nl_error_message());
}

static bool read_long(char **argv, int *i, nl_options *o) {
  char *arg = argv[*i];
  const char *program = argv[0];
  long long n;
  if (strcmp(arg, "--help") == 0) {
    o->help = true;
  } else if (strcmp(arg, "--version") == 0) {
    o->about = true;
  } else if (strcmp(arg, "--profile") == 0) {
    o->profile = true;
  } else if (is_long(arg, "--threads")) {
    if (!read_integer(long_value(argv, i, strlen("--threads")), &n) || n < 1 || n > 256) {
      return bad(program, arg, "needs a number of threads from 1 to 256, e.g. --threads 2");
    }
    o->threads = (int)n;
  } else if (is_long(arg, "--seed")) {
    if (!read_integer(long_value(argv, i, strlen("--seed")), &o->seed)) {
      return bad(program, arg, "needs an integer, e.g. --seed 1");
    }
    o->has_seed = true;
  } else if (is_long(arg, "--out")) {
    const char *directory = long_value(argv, i, strlen("--out"));
    if (!directory || !*directory) {
      return bad(program, arg, "needs a directory, e.g. --out pictures");
    }
    setenv("NNLUA_OUT", directory, 1);
  } else if (is_long(arg, "--max-memory")) {
    if (!read_size(long_value(argv, i, strlen("--max-memory")), &o->max_memory)) {
      return bad(program, arg, "needs a size in bytes, or with K, M or G behind it, e.g. --max-memory 2G");
    }
  } else if (is_long(arg, "--max-seconds")) {
    if (!read_seconds(long_value(argv, i, strlen("--max-seconds")), &o->max_seconds)) {
      return bad(program, arg, "needs a number of seconds above 0 (and up to 1e9), e.g. --max-seconds 2.5");
    }
  } else if (strcmp(arg, "--sandbox") == 0) {
    o->sandbox = true;
  } else if (is_long(arg, "--allow-read")) {
    return allow(argv, i, "--allow-read", NL_ALLOW_READ);
  } else if (is_long(arg, "--allow-write")) {
    return allow(argv, i, "--allow-write", NL_ALLOW_WRITE);
  } else {
    return unrecognized(program, arg);
  }
  return true;
}

/* What the sandbox is for, and what is said of it without it. */
static bool goes_together(const char *program, const nl_options *o) {
  if (!o->sandbox) {
    return !nl_allowed_at(0) || bad(program, "--allow-read", "(and --allow-write) needs --sandbox");
  }
  bool prompt = o->interactive || (!o->script && !o->execute && !o->version && isatty(STDIN_FILENO));
  return o->help || o->about || !prompt || bad(program, "--sandbox", "needs a script: there is no prompt in it");
}

static bool read_command_line(int argc, char **argv, nl_options *o) {
  *o = (nl_options){.first = argc};
  for (int i = 1; i < argc; i++) {
    const char *arg = argv[i];
    if (arg[0] != '-') {
      o->first = o->script = i;
      return true;
    }
    switch (arg[1]) {
    case '-':
      if (arg[2] == 0) {
        o->first = i + 1;
        o->script = i + 1 < argc ? i + 1 : 0;
        return true;
      }
      if (!read_long(argv, &i, o)) {
        return false;
      }
      break;
    case 0:
      o->first = o->script = i;
      return true;
    case 'i':
      o->interactive = true; /* and so is the version shown */
      o->version = true;
      break;
    case 'v':
      o->version = true;
      break;
    case 'E':
      o->ignore_env = true;
      break;
    case 'W':
      break;
    case 'e':
    case 'l':
      o->execute = o->execute || arg[1] == 'e';
      if (arg[2] == 0) {
        i++;
        if (i >= argc || argv[i][0] == '-') {
          return bad(argv[0], arg, "needs argument");
        }
      }
      continue;
    default:
      return unrecognized(argv[0], arg);
    }
    if (arg[1] != '-' && arg[2] != 0) {
      return unrecognized(argv[0], arg);
    }
  }
  return true;
}

bool nl_read_options(int argc, char **argv, nl_options *o) {
  return read_command_line(argc, argv, o) && goes_together(argv[0], o);
}

/* -l mod, or -l g=mod */
static int run_library(lua_State *L, const char *text) {
  const char *equals = strchr(text, '=');
  const char *module = equals ? equals + 1 : text;
  lua_getglobal(L, "require");
  lua_pushstring(L, module);
  int status = nl_call(L, 1, 1);
  if (status == LUA_OK) {
    lua_pushlstring(L, text, equals ? (size_t)(equals - text) : strlen(text));
    lua_insert(L, -2);
    lua_pushglobaltable(L);
    lua_insert(L, -3);
    lua_settable(L, -3);
    lua_pop(L, 1);
  }
  return nl_report(L, status);
}

/* Long options whose value is the next argument. */
static bool takes_value(const char *arg) {
  static const char *const names[] = {"--threads",     "--seed",       "--out",        "--max-memory",
                                      "--max-seconds", "--allow-read", "--allow-write"};
  for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
    if (strcmp(arg, names[i]) == 0) {
      return true;
    }
  }
  return false;
}

bool nl_run_lua_options(lua_State *L, char **argv, const nl_options *o) {
  for (int i = 1; i < o->first && argv[i]; i++) {
    const char *arg = argv[i];
    if (arg[0] != '-' || arg[1] == 0) {
      break;
    }
    if (arg[1] == '-') {
      i += takes_value(arg);
      continue;
    }
    if (arg[1] == 'W') {
      lua_warning(L, "@on", 0);
    }
    if (arg[1] == 'e' || arg[1] == 'l') {
      const char *text = arg[2] ? arg + 2 : argv[++i];
      int status = arg[1] == 'e' ? nl_run_string(L, text, "=(command line)") : run_library(L, text);
      if (status != LUA_OK) {
        return false;
      }
    }
  }
  return true;
}
