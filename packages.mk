# The one list of Debian packages. Each target installs only what it needs and only what is missing (tools/packages).
PACKAGES_BUILD := build-essential pkg-config lua5.4 liblua5.4-dev libopenblas-dev zlib1g-dev \
                  libjansson-dev libpcre2-dev libgmp-dev libzip-dev
ifeq ($(shell uname -m),x86_64)
PACKAGES_BUILD += libxsmm-dev
endif
PACKAGES_DEMO  := dataset-fashion-mnist
# what `nnlua board` needs; the rest is built and runs without it
PACKAGES_BOARD := libmicrohttpd-dev
# what nn.io.image needs for PNG and JPEG
PACKAGES_PICTURES := libpng16-16 libturbojpeg0
PACKAGES_TEST  := protobuf-compiler lua-unit dataset-fashion-mnist lua-rex-pcre2 tmux $(PACKAGES_PICTURES) $(PACKAGES_BOARD:%=%?)
PACKAGES_PACKAGES := luarocks dpkg-dev debootstrap
PACKAGES_LINT  := clang clang-format lua-check
PACKAGES_BENCH := python3 python3-torch python3-numpy python3-sklearn gnuplot-nox
PACKAGES_PAGE := nodejs npm
PACKAGES_WEB := chromium
PACKAGES_LECTURE := gnuplot-nox
PACKAGES_COVERAGE := gcovr
PACKAGES_MATRIX := clang gnuplot-nox gcc-aarch64-linux-gnu qemu-user
# of arm64; they are unpacked in the build directory, not installed
PACKAGES_ARM64 := libc6-dev liblua5.4-dev libopenblas0-pthread libopenblas-pthread-dev zlib1g-dev libjansson-dev \
                  libpcre2-dev libgmp-dev libzip-dev
