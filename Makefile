# nnlua. Targets: all demo demo-lab page test test-web test-sanitize test-threads test-long test-lua-suite coverage matrix fuzz-api lint format docs lecture bench bench-language bench-growth bench-diagnose bench-diff install install-rock uninstall dist deb test-packages clean (see README.md).
include packages.mk

PREFIX  ?= /usr/local
DESTDIR ?=
VERSION := 0.1.0
NPROC   := $(shell nproc 2>/dev/null || echo 2)
ARCH    := $(shell uname -m)

# ---- how to build: DEBUG=1, SANITIZE=address,undefined, COVERAGE=1, CC=clang ----

ifeq ($(origin CC),default)
CC := gcc
endif
VARIANT := $(notdir $(firstword $(CC)))
OPT     := -O2
ifdef DEBUG
VARIANT := $(VARIANT)-debug
OPT     := -O0
endif
ifdef SANITIZE
comma   := ,
VARIANT := $(VARIANT)-$(subst $(comma),-,$(SANITIZE))
OPT     := -O1 -fno-omit-frame-pointer
SANFLAGS := -fsanitize=$(SANITIZE) -fno-sanitize-recover=undefined
endif
ifdef COVERAGE
VARIANT := $(VARIANT)-coverage
OPT     := -O1 -fno-inline
SANFLAGS := --coverage -fprofile-update=atomic
endif
B := build/$(VARIANT)

LUA_CFLAGS := $(shell pkg-config --cflags lua5.4 2>/dev/null)
LUA_LIBS   := $(shell pkg-config --libs lua5.4 2>/dev/null)
WARN := -Wall -Wextra -Werror -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wpointer-arith -Wvla
CPPFLAGS := -D_GNU_SOURCE -Isrc $(LUA_CFLAGS) -DNL_VERSION='"$(VERSION)"' -DNL_DATADIR='"$(PREFIX)/share/lua/5.4"'
ifneq ($(DEBUG)$(SANITIZE),)
CPPFLAGS += -DNL_DEBUG
endif
CFLAGS   ?= -g
ALL_CFLAGS := -std=c11 $(OPT) $(CFLAGS) $(WARN) -fPIC -fvisibility=hidden -ffp-contract=off $(SANFLAGS)
LIBS := -lpcre2-8 -lgmp -lzip -ljansson -lz -lm -lpthread -ldl -lrt

ISAS := plain
ifeq ($(ARCH),x86_64)
ISAS += avx2 avx512
ifneq ($(XSMM),no)
CPPFLAGS += -DNL_HAVE_XSMM
LIBS := -lxsmmgen $(LIBS)
endif
endif
ISA_plain  :=
ISA_avx2   := -mavx2 -mfma -mbmi2
ISA_avx512 := -mavx512f -mavx512dq -mavx512bw -mavx512vl -mfma -mbmi2 -mprefer-vector-width=512

# ---- what to build ----

PER_ISA  := elementwise math reduce softmax softmax_columns random optim transpose norm scores gates product places panel window taps taps_channels table
CORE_SRC := $(filter-out $(PER_ISA:%=src/kernels/%.c),$(wildcard $(addprefix src/,$(addsuffix /*.c,\
              core tensor kernels optable ops/* autograd compile nn optim io lua))))
HOST_SRC := $(wildcard src/host/*.c)
CORE_OBJ := $(CORE_SRC:src/%.c=$B/%.o) $(foreach i,$(ISAS),$(PER_ISA:%=$B/kernels/%.$i.o))
HOST_OBJ := $(HOST_SRC:src/%.c=$B/%.o)

# What serves `nnlua board`, where libmicrohttpd is there: a module of its own, so that the program does not need it.
ifneq ($(BOARD),no)
ifeq ($(shell pkg-config --exists libmicrohttpd 2>/dev/null && echo yes),yes)
BOARD_SO  := nn_board.so
BOARD_OBJ := $(patsubst src/%.c,$B/%.o,$(wildcard src/board/*.c))
endif
endif

.PHONY: all board fuzz-api docs build demo demo-lab page test test-web test-sanitize test-threads test-long test-lua-suite coverage matrix c-tests lint format lecture bench bench-language bench-growth bench-diagnose bench-diff install install-rock uninstall dist deb test-packages clean
.DELETE_ON_ERROR:

all: $B/nnlua $B/nn.so board
board: $(BOARD_SO:%=$B/%)
ifeq ($(VARIANT),gcc)
all: nnlua nn.so $(BOARD_SO)
endif

nnlua nn.so nn_board.so: %: $B/%
	cp -f $< $@.new && mv -f $@.new $@

$B/nnlua: $(HOST_OBJ) $(CORE_OBJ)
	$(CC) $(ALL_CFLAGS) -o $@ $^ $(LUA_LIBS) $(LIBS)

$B/nn.so: $(CORE_OBJ)
	$(CC) $(ALL_CFLAGS) -shared -o $@ $^ $(LIBS)

$B/nn_board.so: $(BOARD_OBJ)
	$(CC) $(ALL_CFLAGS) -shared -o $@ $^ $(shell pkg-config --libs libmicrohttpd)

# Objects depend on the flags they were made with, so that changing them rebuilds.
$B/flags: FORCE
	@mkdir -p $B
	@echo '$(CC) $(CPPFLAGS) $(ALL_CFLAGS)' | cmp -s - $@ || echo '$(CC) $(CPPFLAGS) $(ALL_CFLAGS)' > $@
FORCE:

define compile
	@mkdir -p $(@D)
	$(CC) $(CPPFLAGS) $(ALL_CFLAGS) -MMD -MP $1 -c $< -o $@
endef

$B/%.o: src/%.c $B/flags
	$(call compile,)

# Kernels: once for each instruction set. Loops that clang cannot vectorize (calls into the C library) need no warning;
# random keeps to operations that round the same everywhere.
KERNEL_OPT := $(if $(DEBUG)$(SANITIZE)$(COVERAGE),,-O3)
KERNEL_FLAGS = $(KERNEL_OPT) -Wno-pass-failed -fno-math-errno -fno-trapping-math -DNL_ISA_NAME=$1 $(ISA_$1)
define isa_rules
$B/kernels/%.$1.o: src/kernels/%.c $B/flags
	$$(call compile,$(call KERNEL_FLAGS,$1) -ffp-contract=fast)
$B/kernels/random.$1.o: src/kernels/random.c $B/flags
	$$(call compile,$(call KERNEL_FLAGS,$1))
endef
$(foreach i,$(ISAS),$(eval $(call isa_rules,$i)))

-include $(CORE_OBJ:.o=.d) $(HOST_OBJ:.o=.d) $(BOARD_OBJ:.o=.d)

build:
	@tools/packages $(PACKAGES_BUILD)
	@$(MAKE) --no-print-directory -s -j$(NPROC) all

# ---- using it ----

demo:
	@tools/packages $(PACKAGES_BUILD) $(PACKAGES_DEMO:%=%?)
	@$(MAKE) --no-print-directory -s -j$(NPROC) all
	@./nnlua --seed 1 scripts/fashion_mnist.lua

# The library of experiments: run, broken off and resumed, swept, compared, reported. Results in build/lab.
demo-lab:
	@tools/packages $(PACKAGES_BUILD) $(PACKAGES_DEMO:%=%?)
	@$(MAKE) --no-print-directory -s -j$(NPROC) all
	@$(MAKE) --no-print-directory -s page
	@tools/demo-lab

test:
	@tools/packages $(PACKAGES_BUILD) $(PACKAGES_TEST)
	@$(MAKE) --no-print-directory -s -j$(NPROC) all c-tests
	@tests/run $B

# The page that shows runs: web/lab in one file. nodejs and npm from elsewhere than Debian do as well.
PAGE := build/page/page.html
PAGE_TOOLS = $(if $(and $(shell command -v node),$(shell command -v npm)),true,tools/packages $(PACKAGES_PAGE))
NPM_CI := cd web/lab && npm ci --ignore-scripts --no-audit --no-fund --silent

page:
	@$(PAGE_TOOLS)
	@$(MAKE) --no-print-directory -s $(PAGE)
	@cmp -s $(PAGE) lua/stdlib/nn/lab/page.html || cp -f $(PAGE) lua/stdlib/nn/lab/page.html

$(PAGE): $(wildcard web/lab/*.js web/lab/*.css) web/lab/page.html web/lab/build.mjs web/lab/package-lock.json
	@[ -d web/lab/node_modules/esbuild ] || { $(NPM_CI) --omit=dev; }
	node web/lab/build.mjs $@

# The page in a browser: Debian's chromium, or CHROMIUM=/path/to/one; ONLY="live page" runs one test.
test-web: page
	@$(if $(CHROMIUM),true,tools/packages $(PACKAGES_WEB))
	@[ -d web/lab/node_modules/playwright-core ] || { $(NPM_CI); }
	@$(MAKE) --no-print-directory -s -j$(NPROC) all
	@node tests/web/run.mjs $(if $(ONLY),"$(ONLY)")

test-sanitize:
	@tools/packages $(PACKAGES_BUILD) $(PACKAGES_TEST)
	@$(MAKE) --no-print-directory -s -j$(NPROC) SANITIZE=address,undefined all c-tests
	@tests/run build/$(notdir $(firstword $(CC)))-address-undefined

# Races: everything that is cut over threads, under ThreadSanitizer.
test-threads:
	@tools/packages $(PACKAGES_BUILD) $(PACKAGES_TEST)
	@$(MAKE) --no-print-directory -s -j$(NPROC) SANITIZE=thread all c-tests
	build/$(VARIANT)-thread/tests/test_kernels
	build/$(VARIANT)-thread/nnlua --threads 3 tests/lua/run.lua build/counts tests/lua/compile/test_compile.lua \
	  tests/lua/ops/test_properties.lua tests/lua/optim/test_optim.lua

# Wild arguments under the sanitizers: 100,000 calls of random ops from each of eight seeds. SEED=7 begins elsewhere.
SEED ?= 1
fuzz-api:
	@tools/packages $(PACKAGES_BUILD)
	@$(MAKE) --no-print-directory -s -j$(NPROC) SANITIZE=address,undefined all
	@for s in $$(seq $(SEED) $$(($(SEED) + 7))); do build/$(notdir $(firstword $(CC)))-address-undefined/nnlua tests/fuzz/api.lua $$s 100000 || exit 1; done

# Compilers, optimization levels, kernels, without optional libraries, 64-bit Arm: a line for each; ROWS="clang arm64" does two.
matrix:
	@tools/packages $(PACKAGES_BUILD) $(PACKAGES_TEST) $(PACKAGES_MATRIX:%=%?)
	@PACKAGES_ARM64="$(PACKAGES_ARM64)" tests/matrix $(ROWS)

# Which lines of src/ the tests run: build/coverage/index.html.
coverage:
	@tools/packages $(PACKAGES_BUILD) $(PACKAGES_TEST) $(PACKAGES_COVERAGE)
	@$(MAKE) --no-print-directory -s -j$(NPROC) CC=gcc COVERAGE=1 all c-tests
	@tools/coverage build/gcc-coverage

# The test suite of Lua itself: make test-lua-suite LUA_TESTS=lua-5.4.4-tests
test-lua-suite:
	@tools/packages $(PACKAGES_BUILD)
	@$(MAKE) --no-print-directory -s -j$(NPROC) all
	@tests/lua-suite $B/nnlua "$(LUA_TESTS)"

# What takes longer than a test should: see README.md.
test-long: test
	@tests/long/run $B

# The lecture's experiments in full, their pictures, and docs/lecture.md.
lecture:
	@tools/packages $(PACKAGES_BUILD) $(PACKAGES_DEMO:%=%?) $(PACKAGES_LECTURE)
	@$(MAKE) --no-print-directory -s -j$(NPROC) all
	@./nnlua tools/lecture/make.lua $(LECTURE)

# docs/reference, docs/nnlua.1 and what shells complete, from the tables and the texts above functions.
docs:
	@tools/packages $(PACKAGES_BUILD)
	@$(MAKE) --no-print-directory -s -j$(NPROC) all
	@NNLUA_ISA=plain ./nnlua tools/docs.lua

bench:
	@tools/packages $(PACKAGES_BUILD) $(PACKAGES_BENCH:%=%?) $(PACKAGES_DEMO:%=%?)
	@$(MAKE) --no-print-directory -s -j$(NPROC) all $B/tests/bench_gemm
	@./nnlua tests/bench/run.lua "$(BENCH)" "$(KANN)" "$(ONLY)"
	@$(if $(ONLY),,./nnlua tests/bench/language.lua "$(BENCH)")

# The tensor language beside PyTorch: ops on 1e3 and 1e7 elements, and the cost of a call.
bench-language:
	@tools/packages $(PACKAGES_BUILD) $(PACKAGES_BENCH:%=%?)
	@$(MAKE) --no-print-directory -s -j$(NPROC) all
	@./nnlua tests/bench/language.lua "$(BENCH)"

bench-growth:
	@tools/packages $(PACKAGES_BUILD) $(PACKAGES_BENCH:%=%?)
	@$(MAKE) --no-print-directory -s -j$(NPROC) all
	@./nnlua tests/bench/growth.lua "$(BENCH)"

# How often nn.diagnose is right, into docs/diagnose.md.
bench-diagnose:
	@$(MAKE) --no-print-directory -s -j$(NPROC) all
	@./nnlua --threads 1 tests/bench/diagnose.lua 4 --write

# This tree beside another revision: make bench-diff REV=HEAD~5
REV ?= HEAD
bench-diff:
	@tools/packages $(PACKAGES_BUILD)
	@$(MAKE) --no-print-directory -s -j$(NPROC) all
	@tools/build-revision $(REV) build/revision
	@./nnlua tests/bench/diff.lua build/revision/nnlua "$(BENCH)"

lint:
	@tools/packages $(PACKAGES_BUILD) $(PACKAGES_LINT) $(PACKAGES_BOARD:%=%?)
	@tools/lint $(NPROC)

format:
	@tools/packages $(PACKAGES_LINT)
	clang-format -i $(shell git ls-files '*.c' '*.h')

# ---- C tests ----

C_TESTS := $(patsubst tests/c/%.c,$B/tests/%,$(wildcard tests/c/test_*.c))
c-tests: $(C_TESTS)

$B/tests/%: tests/c/%.c tests/c/check.h $(CORE_OBJ) $B/flags
	@mkdir -p $(@D)
	$(CC) $(CPPFLAGS) $(ALL_CFLAGS) -Itests/c -o $@ $< $(filter %.o,$^) $(LUA_LIBS) $(LIBS)

$B/tests/test_sandbox: $B/host/lockdown.o

$B/tests/bench_gemm: tests/bench/gemm.c $(CORE_OBJ) $B/flags
	@mkdir -p $(@D)
	$(CC) $(CPPFLAGS) $(ALL_CFLAGS) -o $@ $< $(CORE_OBJ) $(LUA_LIBS) $(LIBS) -lopenblas

# ---- installing ----

LIBRARY_DIRS := $(shell cd lua/stdlib && find nn -type d)

install: all
	install -d $(DESTDIR)$(PREFIX)/bin $(DESTDIR)$(PREFIX)/lib/lua/5.4 $(LIBRARY_DIRS:%=$(DESTDIR)$(PREFIX)/share/lua/5.4/%)
	install -m 755 nnlua $(DESTDIR)$(PREFIX)/bin/nnlua
	install -m 644 nn.so $(BOARD_SO) $(DESTDIR)$(PREFIX)/lib/lua/5.4/
	install -D -m 644 docs/nnlua.1 $(DESTDIR)$(PREFIX)/share/man/man1/nnlua.1
	install -D -m 644 tools/completion/nnlua.bash $(DESTDIR)$(PREFIX)/share/bash-completion/completions/nnlua
	install -D -m 644 tools/completion/nnlua.zsh $(DESTDIR)$(PREFIX)/share/zsh/vendor-completions/_nnlua
	install -D -m 644 tools/completion/nnlua.fish $(DESTDIR)$(PREFIX)/share/fish/vendor_completions.d/nnlua.fish
	install -m 644 lua/stdlib/nn.lua $(DESTDIR)$(PREFIX)/share/lua/5.4/
	for d in $(LIBRARY_DIRS); do install -m 644 lua/stdlib/$$d/*.lua $(DESTDIR)$(PREFIX)/share/lua/5.4/$$d/ || exit 1; done
	[ ! -f lua/stdlib/nn/lab/page.html ] || install -m 644 lua/stdlib/nn/lab/page.html $(DESTDIR)$(PREFIX)/share/lua/5.4/nn/lab/

# For LuaRocks, which puts the three directories into a tree of its own (nnlua-*.rockspec).
install-rock: all
	install -d $(LUADIR) $(LIBDIR) $(BINDIR) $(LIBRARY_DIRS:%=$(LUADIR)/%)
	install -m 755 nnlua $(BINDIR)/nnlua
	install -m 644 nn.so $(BOARD_SO) $(LIBDIR)/
	install -m 644 lua/stdlib/nn.lua $(LUADIR)/
	for d in $(LIBRARY_DIRS); do install -m 644 lua/stdlib/$$d/*.lua $(LUADIR)/$$d/ || exit 1; done
	[ ! -f lua/stdlib/nn/lab/page.html ] || install -m 644 lua/stdlib/nn/lab/page.html $(LUADIR)/nn/lab/

# ---- packages: an archive of the sources, a package for Debian, and a try of these and of the rock ----

dist:
	@mkdir -p dist
	@git archive --format=tar.gz --prefix=nnlua-$(VERSION)/ -o dist/nnlua-$(VERSION).tar.gz HEAD
	@echo dist/nnlua-$(VERSION).tar.gz

deb:
	@tools/packages $(PACKAGES_BUILD) dpkg-dev
	@$(MAKE) --no-print-directory -s -j$(NPROC) all
	@packaging/deb $(VERSION)

# Builds and installs each of them somewhere else and runs packaging/smoke.lua there.
test-packages:
	@tools/packages $(PACKAGES_BUILD) $(PACKAGES_PACKAGES)
	@$(MAKE) --no-print-directory -s -j$(NPROC) all
	@packaging/try $(VERSION)

uninstall:
	rm -f $(DESTDIR)$(PREFIX)/bin/nnlua $(DESTDIR)$(PREFIX)/lib/lua/5.4/nn.so $(DESTDIR)$(PREFIX)/lib/lua/5.4/nn_board.so
	rm -f $(DESTDIR)$(PREFIX)/share/lua/5.4/nn.lua $(DESTDIR)$(PREFIX)/share/man/man1/nnlua.1 \
	  $(DESTDIR)$(PREFIX)/share/bash-completion/completions/nnlua $(DESTDIR)$(PREFIX)/share/zsh/vendor-completions/_nnlua \
	  $(DESTDIR)$(PREFIX)/share/fish/vendor_completions.d/nnlua.fish
	rm -rf $(DESTDIR)$(PREFIX)/share/lua/5.4/nn

clean:
	rm -rf build nnlua nn.so nn_board.so lua/stdlib/nn/lab/page.html web/lab/node_modules
