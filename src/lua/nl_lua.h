/* What the rooms that see both Lua and the rest share: tensors as userdata, errors, and the collector's accounting.

   The rule that keeps everything from leaking: lua_error jumps over C frames, so a function first makes the userdata
   that will own its results, then works without calling anything in Lua that can raise, then lets go of what it held,
   and only then raises. */
#ifndef NL_LUA_NL_LUA_H
#define NL_LUA_NL_LUA_H

#include <lauxlib.h>
#include <lua.h>

#include "autograd/anchor.h"
#include "autograd/tape.h"

/* ---- errors (error.c) ---- */

/* Raises the waiting error text with the user's file and line: the nearest frame that is not in our own Lua library. */
int nl_lua_raise(lua_State *L);

/* "mlp.lua:14": the nearest line that is the user's, or "". Raises nothing. */
void nl_lua_where(lua_State *L, char *text, size_t size);

/* Is this (lua_Debug's) source one of our own Lua files? And is the code that runs now, apart from that which makes
 * classes? */
bool nl_lua_is_ours(const char *source);
bool nl_lua_in_library(lua_State *L);

/* The state whose call runs now (NULL: none): where the tape looks for the user's line. A state must not stand here
   when control goes back to Lua, which may collect it. */
void nl_lua_set_running(lua_State *L);
lua_State *nl_lua_running(void);

/* Says that this is the error which a Ctrl-C became (interrupt.c). */
void nl_lua_note_interrupt(const char *text);

/* nl_fail and nl_lua_raise in one; for use where nothing is held. */
int nl_lua_error(lua_State *L, const char *fmt, ...) NL_PRINTF(2, 3);

/* Why an option of PyTorch that people try is not there; NULL: it is none of those. */
const char *nl_needless(const char *option);

/* The name in the list that is most like `wrong`, or NULL when none is near. */
const char *nl_nearest(const char *wrong, const char *(*name_at)(void *ctx, int i), void *ctx);

/* What a Lua value is, for messages: "a string ('abc')", "nil", "a tensor of shape 2x3". */
typedef struct nl_value_text {
  char s[128];
} nl_value_text;
nl_value_text nl_describe(lua_State *L, int index);

/* What is to be let go of also where an error jumps: a userdata of `size` zeroed bytes on the stack, whose event
   ("__gc" or
   "__close") calls `release`; and, in there, the bytes. `release` may meet zeros. May raise (memory). */
void *nl_push_hold(lua_State *L, size_t size, const char *type, const char *event, lua_CFunction release);
#define nl_held(L, type) luaL_checkudata(L, 1, type)

/* ---- tensors (box.c) ---- */

#define NL_TENSOR_TYPE "nn.Tensor"

typedef struct nl_box {
  uint64_t magic;
  nl_tensor *t; /* NULL: closed, or not filled yet */
} nl_box;

/* Pushes an empty box. May raise (memory). */
nl_box *nl_push_box(lua_State *L);

/* Fills a box (at stack index `index`) and has it hold what a backward from the tensor would call. Takes over the
   reference. May raise (memory), when everything is in its place. */
void nl_lua_hold_anchor(lua_State *L, int index, const nl_anchor *);
static inline void nl_fill_box(lua_State *L, int index, nl_box *box, nl_tensor *t) {
  box->t = t;
  const nl_anchor *a = t->grad_meta ? nl_anchor_of(t) : NULL;
  if (a) {
    nl_lua_hold_anchor(L, index, a);
  }
}

/* The box at index, closed or not, or NULL. */
nl_box *nl_to_box(lua_State *L, int index);

/* The tensor at index, or NULL if there is something else; closed tensors count as something else. */
nl_tensor *nl_to_tensor(lua_State *L, int index);

/* The tensor at index; raises "name: x must be a tensor, but is nil" otherwise. */
nl_tensor *nl_check_tensor(lua_State *L, int index, const char *function, const char *argument);

/* Pushes a leaf with t's values (shared) that modules recognise; on: it wants a gradient. */
void nl_push_parameter(lua_State *L, nl_tensor *t, bool on);

/* Raises if status is not NL_OK. */
static inline void nl_lua_check(lua_State *L, nl_status status) {
  if (status != NL_OK) {
    nl_lua_raise(L);
  }
}

/* Lua's collector does not see tensor memory: this runs it when that has grown by half (and 8 MB) since its last run.
   Called where operations begin. */
void nl_lua_account(lua_State *L);

/* A full collection, because memory ran out. */
void nl_lua_collect(lua_State *L);

/* ---- what the way back calls (anchor.c) ---- */

/* An anchor for the value on top of the stack, which gives way to the object that must be held. Raises without memory.
 */
nl_anchor *nl_lua_anchor_new(lua_State *L);

/* Push an anchor's object, or its value; false, and nil: it is gone. */
bool nl_lua_anchor_push(lua_State *L, const nl_anchor *);
bool nl_lua_anchor_value(lua_State *L, const nl_anchor *);

/* Lets go of an anchor's value, which is not called any more. */
void nl_lua_anchor_clear(lua_State *L, const nl_anchor *);

/* ---- calling ops (call.c) ---- */

/* Runs an op with the arguments from stack index `first` to the top, as Lua gives them; pushes the results and returns
   their number. */
int nl_lua_call_op(lua_State *L, const nl_op *op, bool inplace, int first);

/* True if the table at index has a key that is a name, as options have. */
bool nl_lua_has_names(lua_State *L, int index);

/* While a function is recorded: refused where the value at index is an argument, which may be another at each call; or
   where an argument is compared with a tensor from outside. */
void nl_lua_refuse_key(lua_State *L, int index);
void nl_lua_refuse_comparison(lua_State *L, int a, int b);

/* Reads the name of a dtype at index; `name` is what it is called in the error. */
nl_status nl_read_dtype(lua_State *L, int index, const char *name, nl_dtype *out);

/* Reads a shape or list of integers at index into out; -1 if it is no such list (with the error waiting). */
int nl_read_ints(lua_State *L, int index, int64_t *out, int max);

/* ---- compiled functions (compile.c) ---- */

/* What starts the context of an effect (compile/trace.h) that comes from Lua: `refresh` reads what may have changed
   since the last replay; it may raise. */
typedef struct nl_lua_effect {
  void (*refresh)(lua_State *, struct nl_lua_effect *);
} nl_lua_effect;

/* While a function is recorded: what happens now cannot be replayed. Raises, or ends the recording where the function
   is to go on as it is. Does nothing otherwise. */
void nl_lua_refuse(lua_State *L, const char *fmt, ...) NL_PRINTF(2, 3);

/* The same for a value that is read. */
void nl_lua_no_reading(lua_State *L, const char *function);

/* The same for a tensor that was there before and is about to want a gradient, or none. */
void nl_lua_refuse_setting(lua_State *L, nl_tensor *t, bool on);

/* While a function is recorded: keeps the value at index as long as the program that uses it. */
void nl_lua_keep_for_replay(lua_State *L, int index);

/* ---- what each file adds to the module table on top of the stack ---- */

/* Of the module table on top: functions for our own Lua files alone are set by luaL_setfuncs, those that users find in
   `nn` by this. */
void nl_publish(lua_State *L, const luaL_Reg *functions);

void nl_open_error(lua_State *L);
void nl_open_interrupt(lua_State *L);

/* Puts functions in the place of coroutine.resume and wrap: they do the same, and say which coroutine runs. For a
   program that stops Lua code by a hook. */
void nl_open_coroutines(lua_State *L);
void nl_open_object(lua_State *L);
void nl_open_scope(lua_State *L);
void nl_open_box(lua_State *L);      /* the metatable, before anything else */
void nl_open_ops(lua_State *L);      /* every op as function and method */
void nl_open_tensor(lua_State *L);   /* the metatable, tensor{...}, properties */
void nl_open_autograd(lua_State *L); /* backward, grad, no_grad */
void nl_open_anchor(lua_State *L);
void nl_open_function(lua_State *L); /* hooks, functions with their own backward */
void nl_open_generator(lua_State *L);
void nl_open_module(lua_State *L); /* going through modules */
void nl_open_layer(lua_State *L);  /* built-in layers */
void nl_open_layer_pass(lua_State *L);
void nl_open_layer_call(lua_State *L);
void nl_open_layer_make(lua_State *L);
void nl_open_optim(lua_State *L);
void nl_open_io(lua_State *L);
void nl_open_files(lua_State *L);
void nl_open_folder(lua_State *L);
void nl_open_columns(lua_State *L);
void nl_open_process(lua_State *L);
void nl_open_compile(lua_State *L);
void nl_open_profile(lua_State *L);
void nl_open_rex(lua_State *L);
void nl_open_exact(lua_State *L);
void nl_open_system(lua_State *L); /* time, threads, memory, versions */

/* A name of a file, or of what is in one: raises where C would cut it at a zero byte; a path must not be empty. */
const char *nl_check_name(lua_State *L, int index, const char *who);
const char *nl_check_path(lua_State *L, int index, const char *who);

/* x[key] and x[key] = value for keys that are no names (index.c). */
int nl_tensor_index(lua_State *L);
int nl_tensor_newindex(lua_State *L);

/* An error unless the table is a list and nothing else: what is not read would be lost without a word. */
nl_status nl_check_list(lua_State *L, int index);

/* Reads nested tables of numbers; see nn.tensor. Runs no Lua and raises nothing. */
nl_status nl_tensor_from_table(lua_State *L, int index, const nl_dtype *dtype, nl_tensor **out);

/* The generator userdata at index, or NULL. */
nl_generator *nl_to_generator(lua_State *L, int index);

int luaopen_nn_core(lua_State *L);

#endif
