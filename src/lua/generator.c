/* Random generators: independent streams, saved and restored as {seed, counter}. */
#include "lua/observe.h"

#define GENERATOR_TYPE "nn.Generator"

nl_generator *nl_to_generator(lua_State *L, int index) {
  return luaL_testudata(L, index, GENERATOR_TYPE);
}

static nl_generator *check_generator(lua_State *L) {
  nl_generator *g = nl_to_generator(L, 1);
  if (!g) {
    nl_lua_error(L, "a method of nn.Generator was called without one; is it g:method()?");
    return NULL;
  }
  return nl_generator_now(g);
}

static uint64_t check_seed(lua_State *L, int index, const char *function) {
  int ok = 0;
  lua_Integer seed = lua_type(L, index) == LUA_TNUMBER ? lua_tointegerx(L, index, &ok) : 0;
  if (!ok) {
    nl_lua_error(L, "%s: the seed must be an integer, but is %s", function, nl_describe(L, index).s);
  }
  return (uint64_t)seed;
}

static int generator_seed(lua_State *L) {
  nl_generator_seed(check_generator(L), check_seed(L, 2, "manual_seed"));
  lua_settop(L, 1);
  return 1;
}

static int generator_state(lua_State *L) {
  const nl_generator *g = check_generator(L);
  lua_createtable(L, 0, 2);
  lua_pushinteger(L, (lua_Integer)g->seed);
  lua_setfield(L, -2, "seed");
  lua_pushinteger(L, (lua_Integer)g->counter);
  lua_setfield(L, -2, "counter");
  return 1;
}

static int generator_set_state(lua_State *L) {
  nl_generator *g = check_generator(L);
  luaL_checktype(L, 2, LUA_TTABLE);
  lua_getfield(L, 2, "seed");
  lua_getfield(L, 2, "counter");
  uint64_t seed = check_seed(L, -2, "set_state"), counter = check_seed(L, -1, "set_state");
  g->seed = seed;
  g->counter = counter;
  return 0;
}

/* g:integer(n) -> a random integer in 1..n */
static int generator_integer(lua_State *L) {
  nl_generator *g = check_generator(L);
  lua_Integer n = luaL_checkinteger(L, 2);
  luaL_argcheck(L, n > 0, 2, "must be positive");
  lua_pushinteger(L, 1 + (lua_Integer)(((unsigned __int128)nl_generator_next(g) * (uint64_t)n) >> 64));
  return 1;
}

static int generator_tostring(lua_State *L) {
  const nl_generator *g = check_generator(L);
  lua_pushfstring(L, "Generator(seed=%I, counter=%I)", (LUAI_UACINT)g->seed, (LUAI_UACINT)g->counter);
  return 1;
}

/* Generator(seed?) */
static int generator_new(lua_State *L) {
  uint64_t seed = lua_isnoneornil(L, 1) ? nl_random_seed() : check_seed(L, 1, "Generator");
  nl_generator *g = lua_newuserdatauv(L, sizeof *g, 0);
  nl_generator_seed(g, seed);
  luaL_setmetatable(L, GENERATOR_TYPE);
  return 1;
}

/* manual_seed(n): the generator that everything uses which is given none */
static int manual_seed(lua_State *L) {
  nl_generator_seed(nl_generator_now(nl_default_generator()), check_seed(L, 1, "manual_seed"));
  return 0;
}

static int default_state(lua_State *L) {
  const nl_generator *g = nl_generator_now(nl_default_generator());
  lua_pushinteger(L, (lua_Integer)g->seed);
  lua_pushinteger(L, (lua_Integer)g->counter);
  return 2;
}

/* set_rng_state(seed, counter) */
static int set_default_state(lua_State *L) {
  nl_generator *g = nl_generator_now(nl_default_generator());
  if (lua_type(L, 1) == LUA_TNUMBER && lua_isnoneornil(L, 2)) {
    return nl_lua_error(
        L, "set_rng_state: takes both results of nn.rng_state(): local seed, counter = nn.rng_state(), and later "
           "nn.set_rng_state(seed, counter)");
  }
  uint64_t seed = check_seed(L, 1, "set_rng_state"), counter = check_seed(L, 2, "set_rng_state");
  g->seed = seed;
  g->counter = counter;
  return 0;
}

void nl_open_generator(lua_State *L) {
  static const luaL_Reg methods[] = {{"manual_seed", generator_seed},    {"state", generator_state},
                                     {"set_state", generator_set_state}, {"integer", generator_integer},
                                     {"__tostring", generator_tostring}, {NULL, NULL}};
  static const luaL_Reg functions[] = {{"Generator", generator_new},
                                       {"manual_seed", manual_seed},
                                       {"rng_state", default_state},
                                       {"set_rng_state", set_default_state},
                                       {NULL, NULL}};
#define DRAWN "the number drawn now would be used in every replay; draw with nn.rand and the like, which are replayed"
#define SEEDED "it would happen only once; do it outside"
  static const nl_not_replayed refused[] = {{generator_seed, "Generator:manual_seed", SEEDED},
                                            {generator_state, "Generator:state", SEEDED},
                                            {generator_set_state, "Generator:set_state", SEEDED},
                                            {generator_integer, "Generator:integer", DRAWN},
                                            {generator_tostring, "tostring(generator)", SEEDED},
                                            {generator_new, "Generator", SEEDED},
                                            {manual_seed, "manual_seed", SEEDED},
                                            {default_state, "rng_state", SEEDED},
                                            {set_default_state, "set_rng_state", SEEDED},
                                            {NULL, NULL, NULL}};
  nl_observe_refuse(refused);
  luaL_newmetatable(L, GENERATOR_TYPE);
  luaL_setfuncs(L, methods, 0);
  lua_pushvalue(L, -1);
  lua_setfield(L, -2, "__index");
  lua_pop(L, 1);
  nl_publish(L, functions);
}
