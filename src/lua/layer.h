/* Built-in layers as objects: an object in Lua owns its fields; what a forward sees of them is read from there when the
   object's version says so (layer_fields.c). */
#ifndef NL_LUA_LAYER_H
#define NL_LUA_LAYER_H

#include "lua/object.h"
#include "nn/layer.h"

/* ---- fields (layer_fields.c) ---- */

/* What stands behind an object of a class that has an entry in the layer table. */
typedef struct nl_layer_state {
  uint64_t version; /* of the object, when its fields were read; 0: never */
  uint64_t epoch;   /* nl_object_epoch, when `way` was found out */
  int way;          /* an nl_way: how a call of the object goes */
  bool lists;       /* it has lists, whose changes nobody counts */
  bool made;        /* by its constructor */
  nl_layer layer;
} nl_layer_state;

/* The state of an object that has an entry, or NULL. */
static inline nl_layer_state *nl_layer_state_of(nl_object *o) {
  return o && o->entry && !o->is_class ? (nl_layer_state *)(void *)(o + 1) : NULL;
}

/* The object at stack index 1 gets the value at 3 in its field, a name at 2: raises where that is nothing for it, and
   puts what is kept in its place. */
void nl_layer_check_field(lua_State *L, nl_object *o);

/* Reads one value for a field. False, and the error says what it must be. */
bool nl_layer_read(lua_State *L, int index, const nl_field *f, nl_layer *l, nl_value *v);

/* The layer's fields as they are now; `index` is where the object is. May raise. */
nl_layer *nl_layer_refresh(lua_State *L, int index, nl_object *o);

/* ---- calls (layer_call.c) ---- */

int nl_layer_forward(lua_State *L); /* a class's forward; upvalue: the entry */
int nl_chain_forward(lua_State *L); /* that of Sequential */
int nl_layer_weight(lua_State *L);  /* the weight that a layer computes; upvalue: the entry */

/* ---- constructors (layer_make.c) ---- */

int nl_layer_init(lua_State *L); /* a class's init; upvalue: the entry */

/* Pushes the class of a built-in layer. */
void nl_layer_push_class(lua_State *L, const char *name);

#endif
