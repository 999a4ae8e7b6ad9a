/* require "nn.core": everything written in C, as one table. Its field `public` has what lua/stdlib/nn.lua puts into
   `nn`; the rest is for our own Lua files. */
#include "autograd/tape.h"
#include "core/pool.h"
#include "kernels/kernels.h"
#include "lua/nl_lua.h"

void nl_publish(lua_State *L, const luaL_Reg *functions) {
  luaL_setfuncs(L, functions, 0);
  lua_getfield(L, -1, "public");
  luaL_setfuncs(L, functions, 0);
  lua_pop(L, 1);
}

__attribute__((visibility("default"))) int luaopen_nn_core(lua_State *L) {
  luaL_checkversion(L);
  nl_kernels_init();
  nl_autograd_init();
  /* the workspace is there from the start, since other kernels, with other bits, would have to do without it */
  if (nl_op_begin() != NL_OK || !nl_thread_workspace()) {
    return luaL_error(L, "not enough memory to begin with");
  }
  nl_open_box(L);
  lua_newtable(L);
  lua_newtable(L);
  lua_setfield(L, -2, "public");
  nl_open_anchor(L);
  nl_open_error(L);
  nl_open_interrupt(L);
  nl_open_object(L);
  nl_open_scope(L);
  nl_open_tensor(L);
  nl_open_autograd(L);
  nl_open_function(L);
  nl_open_generator(L);
  nl_open_module(L);
  nl_open_layer(L);
  nl_open_layer_pass(L);
  nl_open_layer_call(L);
  nl_open_layer_make(L);
  nl_open_optim(L);
  nl_open_io(L);
  nl_open_files(L);
  nl_open_folder(L);
  nl_open_columns(L);
  nl_open_process(L);
  nl_open_compile(L);
  nl_open_profile(L);
  nl_open_rex(L);
  nl_open_exact(L);
  nl_open_system(L);
  return 1;
}
