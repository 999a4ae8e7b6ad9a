rockspec_format = "3.0"
package = "nnlua"
version = "0.1.0-1"
source = {
   url = "file://dist/nnlua-0.1.0.tar.gz", -- `make dist` makes it
   dir = "nnlua-0.1.0",
}
description = {
   summary = "Neural networks for Lua: tensors, autograd, layers, training, and an interpreter that knows them",
   detailed = [[
      require "nn" gives tensors, autograd, layers, losses, optimizers and training loops with PyTorch's names, all heavy
      arithmetic in C. The program nnlua adds a prompt with help, experiments with recorded runs, sweeps and a diagnosis.
      It builds on Debian 12 with the packages that packages.mk lists under PACKAGES_BUILD.]],
   license = "MIT",
   labels = { "neural-networks", "machine-learning", "tensor", "autograd" },
}
supported_platforms = { "linux" }
dependencies = { "lua ~> 5.4" }
build_dependencies = {}
external_dependencies = {
   ZLIB = { header = "zlib.h" },
   JANSSON = { header = "jansson.h" },
   PCRE2 = { header = "pcre2.h" },
   GMP = { library = "gmp" },
   LIBZIP = { header = "zip.h" },
}
build = {
   type = "make",
   build_target = "all",
   install_target = "install-rock",
   build_variables = {},
   install_variables = { LUADIR = "$(LUADIR)", LIBDIR = "$(LIBDIR)", BINDIR = "$(BINDIR)" },
}
test = {
   type = "command",
   script = "packaging/smoke.lua",
}
