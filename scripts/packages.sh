# SPDX-License-Identifier: MIT
# shellcheck shell=bash
# Which packages the project needs, and how to get them. Sourced by the scripts beside it.
#
#   install_packages PURPOSE...    on Debian and Ubuntu: installs what is missing, if anything.
#                                  Where it cannot: says what to install, by name, and returns 3.

# Every line: purpose, Debian's name, Fedora's, Arch's, Homebrew's. `-`: no package is needed,
# or none is known. A purpose may end with the only kind of machine that it is for.
package_table='
build    g++                 gcc-c++               gcc            -
build    meson               meson                 meson          meson
build    ninja-build         ninja-build           ninja          ninja
build    pkg-config          pkgconf-pkg-config    pkgconf        pkgconf
build    cmake               cmake                 cmake          cmake
build    python3             python3               python         python
library  libenet-dev         enet-devel            enet           enet
library  libcereal-dev       cereal-devel          cereal         cereal
library  libssl-dev          openssl-devel         openssl        openssl@3
library  libsqlite3-dev      sqlite-devel          sqlite         sqlite
library  nlohmann-json3-dev  json-devel            nlohmann-json  nlohmann-json
library  liblz4-dev          lz4-devel             lz4            lz4
library  libzstd-dev         libzstd-devel         zstd           zstd
library  libturbojpeg0-dev   turbojpeg-devel       libjpeg-turbo  jpeg-turbo
library-x86_64 libipsec-mb-dev intel-ipsec-mb-devel - -
tests    doctest-dev         doctest-devel         doctest        doctest
tests    netcat-openbsd      netcat                openbsd-netcat -
tests    curl                curl                  curl           curl
checks   clang               clang                 clang          -
checks   libclang-rt-dev     compiler-rt           compiler-rt    -
checks   clang-format        clang-tools-extra     clang          clang-format
checks   g++-mingw-w64-x86-64-posix mingw64-gcc-c++ mingw-w64-gcc mingw-w64
checks   valgrind            valgrind              valgrind       -
bench    libasio-dev         asio-devel            asio           asio
bench    libmsgpack-cxx-dev  msgpack-devel         msgpack-cxx    msgpack-cxx
bench    libflatbuffers-dev  flatbuffers-devel     flatbuffers    flatbuffers
bench    flatbuffers-compiler flatbuffers-compiler flatbuffers    flatbuffers
bench    libcli11-dev        cli11-devel           cli11          cli11
bench    libbenchmark-dev    google-benchmark-devel benchmark     google-benchmark
bench    libuv1-dev          libuv-devel           libuv          libuv
bench    libzmq3-dev         zeromq-devel          zeromq         zeromq
bench    libnng-dev          nng-devel             nng            nng
bench    iproute2            iproute               iproute2       -
bench    libssl-dev          openssl-devel         openssl        openssl@3
demos    libopus-dev         opus-devel            opus           opus
demos    libspeexdsp-dev     speexdsp-devel        speexdsp       speexdsp
demos    libsdl2-dev         SDL2-devel            sdl2           sdl2
demos    libsndfile1-dev     libsndfile-devel      libsndfile     libsndfile
demos    libkissfft-dev      kiss-fft-devel        kissfft        -
demos    libcli11-dev        cli11-devel           cli11          cli11
demos    nlohmann-json3-dev  json-devel            nlohmann-json  nlohmann-json
speech   espeak-ng           espeak-ng             espeak-ng      espeak-ng
speech   openssl             openssl               openssl        openssl@3
speech   gnuplot-nox         gnuplot-minimal       gnuplot        gnuplot
'

# Prints the packages of the purposes $2... as column $1 of the table names them, each once.
packages_of() {
  local column=$1 purpose debian fedora arch homebrew wanted name names=' '
  shift
  while read -r purpose debian fedora arch homebrew; do
    for wanted in "$@"; do
      [ "$wanted" = "$purpose" ] || [ "$wanted-$(uname -m)" = "$purpose" ] || continue
      case $column in
        debian) name=$debian ;;
        fedora) name=$fedora ;;
        arch) name=$arch ;;
        homebrew) name=$homebrew ;;
        *) return 2 ;;
      esac
      case "$names" in *" $name "*) continue ;; esac
      [ "$name" = - ] || names="$names$name "
    done
  done <<<"$package_table"
  names=${names# }
  printf '%s\n' "${names% }"
}

# Prints those of the Debian packages $@ that are not installed.
missing_debian_packages() {
  local name
  for name in "$@"; do
    [ "$(dpkg-query -W -f='${db:Status-Status}' "$name" 2>/dev/null)" = installed ] ||
      printf '%s ' "$name"
  done
}

# Says what to install by hand. $1 is what Debian and Ubuntu still miss, or empty on another system.
explain_packages() {
  local missing=$1
  shift
  if [ -n "$missing" ]; then
    echo "Packages are missing and this user may not install them. As root:"
    echo "  apt-get install --no-install-recommends $missing"
    if command -v sudo >/dev/null; then
      echo "Or run 'sudo -v' first, which asks for the password that this script never asks for."
    fi
    return
  fi
  echo "Packages are installed on Debian and Ubuntu only. Install these and say --no-install:"
  echo "  Debian    apt-get install --no-install-recommends $(packages_of debian "$@")"
  echo "  Fedora    dnf install $(packages_of fedora "$@")"
  echo "  Arch      pacman -S --needed $(packages_of arch "$@")"
  echo "  Homebrew  brew install $(packages_of homebrew "$@")"
}

# Runs apt-get as root with the arguments $@, so that it asks nothing.
quiet_apt_get() {
  local as_root=()
  [ "$(id -u)" = 0 ] || as_root=(sudo -n)
  ${as_root[@]+"${as_root[@]}"} env DEBIAN_FRONTEND=noninteractive NEEDRESTART_MODE=a \
    apt-get -q -y -o DPkg::Lock::Timeout=300 -o Dpkg::Use-Pty=0 "$@" </dev/null
}

install_packages() {
  local missing log status=0 wanted=()
  if ! command -v apt-get >/dev/null || ! command -v dpkg-query >/dev/null; then
    explain_packages '' "$@" >&2
    return 3
  fi
  read -r -a wanted <<<"$(packages_of debian "$@")"
  missing=$(missing_debian_packages "${wanted[@]}")
  missing=${missing% }
  [ -n "$missing" ] || return 0
  if [ "$(id -u)" != 0 ] && ! sudo -n true 2>/dev/null; then
    explain_packages "$missing" "$@" >&2
    return 3
  fi

  echo "installing $missing"
  log=$(mktemp)
  # An index that cannot be renewed may still do: whether it does is seen at the install.
  quiet_apt_get update >"$log" 2>&1 || true
  read -r -a wanted <<<"$missing"
  if ! quiet_apt_get install --no-install-recommends "${wanted[@]}" >>"$log" 2>&1; then
    tail -n 30 "$log" >&2
    echo "apt-get could not install $missing" >&2
    status=3
  fi
  rm -f "$log"
  return "$status"
}
