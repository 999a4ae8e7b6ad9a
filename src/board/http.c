/* nn_board: HTTP for `nnlua board`, by libmicrohttpd. A module of its own, so that the program needs no such library.
   One thread: server:next() lets the library work, and gives the requests that came one by one; each is answered when
   Lua has its answer. Nothing of Lua runs within a callback of the library, whose frames an error must not jump over.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <lauxlib.h>
#include <lua.h>
#include <microhttpd.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { SENT_AT_ONCE = 1 << 17 }; /* bytes */

#define SERVER_TYPE "nn.BoardServer"
#define REQUEST_TYPE "nn.BoardRequest"

/* A client. The library's own limit is one of silence; this is one of what a client may take in all. */
typedef struct client {
  int fd;
  double deadline;
  LIST_ENTRY(client) entries;
} client;

/* What a client asked for, from its first line to the end of the answer. */
typedef struct ask {
  struct MHD_Connection *connection; /* NULL: not read yet, or gone */
  char *uri;                         /* as it was sent */
  const char *host;                  /* the library's; NULL: none, or more than one */
  struct MHD_Response *response;     /* to be sent */
  unsigned status;
  bool waits;  /* for Lua's answer; the library has put it aside */
  bool queued; /* in the line */
  bool taken;  /* by Lua */
  LIST_ENTRY(ask) all;
  STAILQ_ENTRY(ask) line;
} ask;

typedef struct piece {
  const char *s;
  size_t n;
} piece;

/* The text of an answer is Lua's, a list of strings, and kept by the registry until it is sent. */
typedef struct body {
  struct server *server;
  int ref;
  size_t n;        /* bytes */
  size_t at, from; /* the piece that is sent now, and its first byte's place in the answer */
  size_t count;
  piece *pieces;
  SLIST_ENTRY(body) entries;
} body;

typedef struct limits {
  lua_Integer connections, header_bytes;
  double silence, request, answer; /* seconds: without a byte, for all of a request, for all of an answer */
} limits;

typedef struct server {
  struct MHD_Daemon *daemon; /* NULL: closed */
  void (*pipe_signal)(int);  /* what SIGPIPE did before */
  int listens, epoll, port;
  limits limits;
  double looked; /* when the deadlines were held against the clock last */
  size_t unsent; /* bytes of answers */
  LIST_HEAD(, client) clients;
  LIST_HEAD(, ask) asks;
  STAILQ_HEAD(, ask) line;
  SLIST_HEAD(, body) sent;
} server;

static double seconds_now(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

/* ---- what the library calls ---- */

static client *client_of(struct MHD_Connection *connection) {
  const union MHD_ConnectionInfo *info = MHD_get_connection_info(connection, MHD_CONNECTION_INFO_SOCKET_CONTEXT);
  return info ? info->socket_context : NULL;
}

static void give_time(struct MHD_Connection *connection, double seconds) {
  client *c = client_of(connection);
  if (c) {
    c->deadline = seconds_now() + seconds;
  }
}

static void on_client(void *cls, struct MHD_Connection *connection, void **context,
                      enum MHD_ConnectionNotificationCode code) {
  server *s = cls;
  client *c = *context;
  if (code == MHD_CONNECTION_NOTIFY_CLOSED) {
    if (c) {
      LIST_REMOVE(c, entries);
      free(c);
    }
    *context = NULL;
    return;
  }
  const union MHD_ConnectionInfo *info = MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD);
  c = info ? calloc(1, sizeof *c) : NULL;
  if (c) { /* without memory: no deadline but that of silence */
    *c = (client){.fd = info->connect_fd, .deadline = seconds_now() + s->limits.request};
    LIST_INSERT_HEAD(&s->clients, c, entries);
  }
  *context = c;
}

/* The first line of a request, before anything of it is decoded. */
static void *on_uri(void *cls, const char *uri, struct MHD_Connection *connection) {
  (void)connection;
  server *s = cls;
  ask *a = calloc(1, sizeof *a);
  if (a && !(a->uri = strdup(uri))) {
    free(a);
    a = NULL;
  }
  if (a) {
    LIST_INSERT_HEAD(&s->asks, a, all);
  }
  return a;
}

static void forget_ask(ask *a) {
  LIST_REMOVE(a, all);
  if (a->response) {
    MHD_destroy_response(a->response);
  }
  free(a->uri);
  free(a);
}

static void on_completed(void *cls, struct MHD_Connection *connection, void **context,
                         enum MHD_RequestTerminationCode why) {
  (void)why;
  server *s = cls;
  ask *a = *context;
  *context = NULL;
  give_time(connection, s->limits.request);
  if (a && a->taken) { /* Lua lets go of it later */
    a->connection = NULL;
    a->host = NULL;
  } else if (a) {
    if (a->queued) {
      STAILQ_REMOVE(&s->line, a, ask, line);
    }
    forget_ask(a);
  }
}

/* No answer says what a browser may guess, keep, show elsewhere or load. Only pages say what they may load. */
static void add_headers(struct MHD_Response *r) {
  MHD_add_response_header(r, "X-Content-Type-Options", "nosniff");
  MHD_add_response_header(r, "Cache-Control", "no-store");
  MHD_add_response_header(r, "Referrer-Policy", "no-referrer");
  MHD_add_response_header(r, "Cross-Origin-Resource-Policy", "same-origin");
  MHD_add_response_header(r, "X-Frame-Options", "DENY");
  if (!MHD_get_response_header(r, "Content-Security-Policy")) {
    MHD_add_response_header(r, "Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'");
  }
}

static enum MHD_Result refuse_request(struct MHD_Connection *connection, unsigned status, const char *text) {
  struct MHD_Response *r =
      MHD_create_response_from_buffer(strlen(text), (void *)(uintptr_t)text, MHD_RESPMEM_PERSISTENT);
  if (!r) {
    return MHD_NO;
  }
  MHD_add_response_header(r, "Content-Type", "text/plain; charset=utf-8");
  MHD_add_response_header(r, "Allow", "GET, HEAD");
  MHD_add_response_header(r, "Connection", "close");
  add_headers(r);
  enum MHD_Result result = MHD_queue_response(connection, status, r);
  MHD_destroy_response(r);
  return result;
}

typedef struct hosts {
  const char *last;
  int count;
  bool body;
} hosts;

static enum MHD_Result look_at_header(void *cls, enum MHD_ValueKind kind, const char *key, const char *value) {
  (void)kind;
  hosts *h = cls;
  if (strcasecmp(key, "Host") == 0) {
    h->last = value;
    h->count++;
  }
  h->body = h->body || strcasecmp(key, "Transfer-Encoding") == 0 ||
            (strcasecmp(key, "Content-Length") == 0 && (!value || strcmp(value, "0") != 0));
  return MHD_YES;
}

/* Called when the headers are there, again when the (empty) body is, and again when the answer is. */
static enum MHD_Result on_request(void *cls, struct MHD_Connection *connection, const char *url, const char *method,
                                  const char *version, const char *upload, size_t *upload_n, void **context) {
  (void)url, (void)version, (void)upload;
  server *s = cls;
  ask *a = *context;
  if (!a || *upload_n > 0) {
    return MHD_NO;
  }
  if (a->response) {
    enum MHD_Result result = MHD_queue_response(connection, a->status, a->response);
    MHD_destroy_response(a->response);
    a->response = NULL;
    return result;
  }
  if (a->waits) { /* the server ends */
    return MHD_NO;
  }
  if (!a->connection) {
    hosts h = {0};
    MHD_get_connection_values(connection, MHD_HEADER_KIND, look_at_header, &h);
    a->connection = connection;
    a->host = h.count == 1 ? h.last : NULL;
    if (strcmp(method, MHD_HTTP_METHOD_GET) != 0 && strcmp(method, MHD_HTTP_METHOD_HEAD) != 0) {
      return refuse_request(connection, MHD_HTTP_METHOD_NOT_ALLOWED, "The board only shows: GET and HEAD.\n");
    }
    return h.body ? refuse_request(connection, MHD_HTTP_BAD_REQUEST, "A request to the board has no body.\n") : MHD_YES;
  }
  give_time(connection, s->limits.answer);
  a->waits = a->queued = true;
  STAILQ_INSERT_TAIL(&s->line, a, line);
  MHD_suspend_connection(connection);
  return MHD_YES;
}

/* Up to `most` bytes of the answer from byte `pos`, which only grows. */
static ssize_t on_reading(void *cls, uint64_t pos, char *to, size_t most) {
  body *b = cls;
  size_t done = 0;
  while (done < most && b->at < b->count) {
    const piece *p = &b->pieces[b->at];
    size_t begin = (size_t)pos + done - b->from, n = p->n - begin;
    n = n < most - done ? n : most - done;
    memcpy(to + done, p->s + begin, n);
    done += n;
    if (begin + n == p->n) {
      b->from += p->n;
      b->at++;
    }
  }
  return done > 0 ? (ssize_t)done : MHD_CONTENT_READER_END_OF_STREAM;
}

static void on_sent(void *cls) {
  body *b = cls;
  b->server->unsent -= b->n;
  SLIST_INSERT_HEAD(&b->server->sent, b, entries);
}

/* ---- listening ---- */

static int say_why(lua_State *L, const char *what) {
  int why = errno;
  lua_pushnil(L);
  lua_pushfstring(L, "%s: %s", what, strerror(why));
  lua_pushstring(L, why == EADDRINUSE ? "taken" : why == EACCES ? "forbidden" : "");
  return 3;
}

/* On 127.0.0.1 alone: other machines do not get here. */
static bool listen_here(server *s, int port) {
  struct sockaddr_in at = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
  at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t n = sizeof at;
  int on = 1;
  s->listens = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (s->listens < 0 || setsockopt(s->listens, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) != 0 ||
      bind(s->listens, (struct sockaddr *)&at, sizeof at) != 0 || listen(s->listens, 256) != 0 ||
      getsockname(s->listens, (struct sockaddr *)&at, &n) != 0) {
    return false;
  }
  s->port = ntohs(at.sin_port);
  return true;
}

static bool start_daemon(server *s) {
  s->daemon = MHD_start_daemon(
      MHD_USE_EPOLL | MHD_USE_SUSPEND_RESUME, 0, NULL, NULL, on_request, s, MHD_OPTION_LISTEN_SOCKET, s->listens,
      MHD_OPTION_CONNECTION_LIMIT, (unsigned)s->limits.connections, MHD_OPTION_CONNECTION_MEMORY_LIMIT,
      (size_t)s->limits.header_bytes, MHD_OPTION_CONNECTION_TIMEOUT, (unsigned)(s->limits.silence + 0.999),
      MHD_OPTION_STRICT_FOR_CLIENT, 1, MHD_OPTION_SIGPIPE_HANDLED_BY_APP, 1, MHD_OPTION_URI_LOG_CALLBACK, on_uri, s,
      MHD_OPTION_NOTIFY_COMPLETED, on_completed, s, MHD_OPTION_NOTIFY_CONNECTION, on_client, s, MHD_OPTION_END);
  const union MHD_DaemonInfo *info = s->daemon ? MHD_get_daemon_info(s->daemon, MHD_DAEMON_INFO_EPOLL_FD) : NULL;
  s->epoll = info ? info->epoll_fd : -1;
  return info != NULL;
}

static void release_bodies(lua_State *L, server *s) {
  body *b;
  while ((b = SLIST_FIRST(&s->sent))) {
    SLIST_REMOVE_HEAD(&s->sent, entries);
    luaL_unref(L, LUA_REGISTRYINDEX, b->ref);
    free(b->pieces);
    free(b);
  }
}

static int server_close(lua_State *L) {
  server *s = luaL_checkudata(L, 1, SERVER_TYPE);
  if (!s->daemon) {
    if (s->listens >= 0) {
      close(s->listens);
    }
    s->listens = -1;
    return 0;
  }
  ask *a;
  LIST_FOREACH(a, &s->asks, all) {
    if (a->waits && a->connection && !a->response) {
      MHD_resume_connection(a->connection);
    }
  }
  MHD_stop_daemon(s->daemon); /* and closes the socket */
  signal(SIGPIPE, s->pipe_signal);
  s->daemon = NULL;
  s->listens = -1;
  release_bodies(L, s);
  return 0;
}

static lua_Number field(lua_State *L, const char *name, lua_Number otherwise) {
  lua_getfield(L, 1, name);
  lua_Number value = luaL_optnumber(L, -1, otherwise);
  lua_pop(L, 1);
  return value;
}

/* listen{port =, connections =, header_bytes =, silence =, request =, answer =} -> server, or nil, the reason, and
   "taken" or "forbidden" where it is that */
static int open_server(lua_State *L) {
  luaL_checktype(L, 1, LUA_TTABLE);
  limits l = {.connections = (lua_Integer)field(L, "connections", 256),
              .header_bytes = (lua_Integer)field(L, "header_bytes", 16384),
              .silence = field(L, "silence", 20),
              .request = field(L, "request", 10),
              .answer = field(L, "answer", 600)};
  int port = (int)field(L, "port", 0);
  server *s = lua_newuserdatauv(L, sizeof *s, 0);
  *s = (server){.listens = -1, .limits = l};
  LIST_INIT(&s->clients);
  LIST_INIT(&s->asks);
  STAILQ_INIT(&s->line);
  SLIST_INIT(&s->sent);
  luaL_setmetatable(L, SERVER_TYPE);
  if (!listen_here(s, port)) {
    return say_why(L, "127.0.0.1");
  }
  if (!start_daemon(s)) {
    return say_why(L, "libmicrohttpd");
  }
  s->pipe_signal = signal(SIGPIPE, SIG_IGN); /* clients go when they like */
  return 1;
}

static server *check_server(lua_State *L) {
  server *s = luaL_checkudata(L, 1, SERVER_TYPE);
  luaL_argcheck(L, s->daemon, 1, "the server is closed");
  return s;
}

static int server_port(lua_State *L) {
  lua_pushinteger(L, check_server(L)->port);
  return 1;
}

/* server:unsent() -> bytes of answers that are on their way */
static int server_unsent(lua_State *L) {
  lua_pushinteger(L, (lua_Integer)check_server(L)->unsent);
  return 1;
}

/* ---- requests ---- */

typedef struct request {
  server *server;
  ask *ask; /* NULL: answered */
} request;

/* Clients whose time is over find their connection ended. */
static void hold_deadlines(server *s) {
  double now = seconds_now();
  if (now - s->looked < 0.2) {
    return;
  }
  s->looked = now;
  client *c;
  LIST_FOREACH(c, &s->clients, entries) {
    if (c->deadline < now) {
      shutdown(c->fd, SHUT_RDWR);
    }
  }
}

/* server:next(seconds) -> a request, its uri, and its host (or nil); nil where none came in that time, or sooner where
   a signal did */
static int server_next(lua_State *L) {
  server *s = check_server(L);
  double seconds = luaL_checknumber(L, 2);
  MHD_UNSIGNED_LONG_LONG most;
  MHD_run(s->daemon); /* what was answered since goes on its way before anything is waited for */
  int wait = STAILQ_EMPTY(&s->line) && seconds > 0 ? (int)(seconds * 1000) : 0;
  if (wait > 0 && MHD_get_timeout(s->daemon, &most) == MHD_YES && most < (unsigned)wait) {
    wait = (int)most;
  }
  if (wait > 0) {
    poll(&(struct pollfd){.fd = s->epoll, .events = POLLIN}, 1, wait);
    MHD_run(s->daemon);
  }
  hold_deadlines(s);
  release_bodies(L, s);
  ask *a = STAILQ_FIRST(&s->line);
  if (!a) {
    return 0;
  }
  lua_settop(L, 1);
  request *r = lua_newuserdatauv(L, sizeof *r, 1);
  *r = (request){s, NULL};
  lua_pushvalue(L, 1);
  lua_setiuservalue(L, -2, 1);
  luaL_setmetatable(L, REQUEST_TYPE);
  lua_pushstring(L, a->uri);
  lua_pushstring(L, a->host);
  STAILQ_REMOVE_HEAD(&s->line, line);
  a->queued = false;
  a->taken = true;
  r->ask = a;
  return 3;
}

/* The request is Lua's no longer; with a response or, NULL, without any answer. Takes over the response. */
static void hand_back(request *r, unsigned status, struct MHD_Response *response) {
  ask *a = r->ask;
  r->ask = NULL;
  a->taken = false;
  a->status = status;
  a->response = response;
  if (a->connection) {
    MHD_resume_connection(a->connection);
  } else {
    forget_ask(a);
  }
}

/* request:alive() -> whether it is worth an answer */
static int request_alive(lua_State *L) {
  request *r = luaL_checkudata(L, 1, REQUEST_TYPE);
  lua_pushboolean(L, r->server->daemon && r->ask && r->ask->connection);
  return 1;
}

static int request_gc(lua_State *L) {
  request *r = luaL_checkudata(L, 1, REQUEST_TYPE);
  if (r->ask) {
    hand_back(r, 0, NULL);
  }
  return 0;
}

/* What is sent holds a reference to the list, which is the top of the stack and popped. */
static struct MHD_Response *make_response(lua_State *L, server *s) {
  size_t count = (size_t)lua_rawlen(L, -1);
  int ref = luaL_ref(L, LUA_REGISTRYINDEX);
  body *b = malloc(sizeof *b);
  piece *pieces = calloc(count + 1, sizeof *pieces);
  struct MHD_Response *response = NULL;
  if (b && pieces) {
    *b = (body){.server = s, .ref = ref, .count = count, .pieces = pieces};
    lua_rawgeti(L, LUA_REGISTRYINDEX, ref);
    for (size_t i = 0; i < count; i++) {
      lua_rawgeti(L, -1, (lua_Integer)i + 1);
      pieces[i].s = "";
      if (lua_type(L, -1) == LUA_TSTRING) { /* the list holds it */
        pieces[i].s = lua_tolstring(L, -1, &pieces[i].n);
      }
      b->n += pieces[i].n;
      lua_pop(L, 1);
    }
    lua_pop(L, 1);
    response = MHD_create_response_from_callback(b->n, SENT_AT_ONCE, on_reading, b, on_sent);
  }
  if (!response) {
    luaL_unref(L, LUA_REGISTRYINDEX, ref);
    free(pieces);
    free(b);
    return NULL;
  }
  s->unsent += b->n;
  return response;
}

/* request:answer(status, {name = value}, list of strings), which is not changed any more */
static int request_answer(lua_State *L) {
  request *r = luaL_checkudata(L, 1, REQUEST_TYPE);
  unsigned status = (unsigned)luaL_checkinteger(L, 2);
  luaL_checktype(L, 3, LUA_TTABLE);
  luaL_checktype(L, 4, LUA_TTABLE);
  luaL_argcheck(L, r->ask, 1, "the request is answered already");
  lua_settop(L, 4);
  struct MHD_Response *response = make_response(L, r->server);
  if (!response) {
    return luaL_error(L, "board: not enough memory for an answer");
  }
  lua_pushnil(L);
  while (lua_next(L, 3)) { /* keys and values are strings: nothing here raises */
    if (lua_type(L, -2) == LUA_TSTRING && lua_type(L, -1) == LUA_TSTRING) {
      MHD_add_response_header(response, lua_tostring(L, -2), lua_tostring(L, -1));
    }
    lua_pop(L, 1);
  }
  add_headers(response);
  hand_back(r, status, response);
  release_bodies(L, r->server);
  return 0;
}

static void make_class(lua_State *L, const char *name, const luaL_Reg *methods, lua_CFunction release) {
  luaL_newmetatable(L, name);
  lua_newtable(L);
  luaL_setfuncs(L, methods, 0);
  lua_setfield(L, -2, "__index");
  lua_pushcfunction(L, release);
  lua_setfield(L, -2, "__gc");
  lua_pop(L, 1);
}

__attribute__((visibility("default"))) int luaopen_nn_board(lua_State *L);
int luaopen_nn_board(lua_State *L) {
  static const luaL_Reg server_methods[] = {
      {"next", server_next}, {"port", server_port}, {"unsent", server_unsent}, {"close", server_close}, {NULL, NULL}};
  static const luaL_Reg request_methods[] = {{"answer", request_answer}, {"alive", request_alive}, {NULL, NULL}};
  static const luaL_Reg functions[] = {{"listen", open_server}, {NULL, NULL}};
  make_class(L, SERVER_TYPE, server_methods, server_close);
  make_class(L, REQUEST_TYPE, request_methods, request_gc);
  luaL_newlib(L, functions);
  return 1;
}
