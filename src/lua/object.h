/* Objects whose changes are counted; see object.c. */
#ifndef NL_LUA_OBJECT_H
#define NL_LUA_OBJECT_H

#include "lua/nl_lua.h"

struct nl_layer_entry;

typedef struct nl_object {
  uint64_t magic;
  uint64_t serial;                    /* later ones have larger numbers */
  uint64_t version;                   /* grows with every change of a field */
  uint64_t keys;                      /* grows when a field comes or goes */
  bool is_class;                      /* of objects */
  bool is_module;                     /* nn.Module, what is derived from it, and their objects */
  bool is_library;                    /* a class of the library's own */
  const struct nl_layer_entry *entry; /* of a class, and its objects, that are a built-in layer or derived from one */
} nl_object;

/* Grows with every change of any object. */
extern uint64_t nl_object_epoch;

/* The number of the next object. */
uint64_t nl_object_serial(void);

/* The object at index, or NULL. */
nl_object *nl_to_object(lua_State *L, int index);

/* Pushes the table of an object's fields; false, and nothing pushed, for anything else. */
bool nl_object_push_fields(lua_State *L, int index);

/* Pushes the list of the keys of an object's fields, in order. */
void nl_object_push_order(lua_State *L, int index);

/* Pushes an object's class, or nil. */
void nl_object_push_class(lua_State *L, int index);

/* object[key] = value, with the three at stack indices 1 to 3; hidden: pairs() does not give the key. */
int nl_object_set(lua_State *L);
int nl_object_set_hidden(lua_State *L);

/* Raw equality that tells 2 from 2.0 and takes nan for nan. */
bool nl_same_value(lua_State *L, int a, int b);

#endif
