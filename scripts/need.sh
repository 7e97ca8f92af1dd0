#!/bin/sh
# Names every missing tool at once, with how to get it. Installs nothing.
status=0
missing() {
  echo "missing: $1" >&2
  echo "  $2" >&2
  status=2
}

if [ "$(uname -s)-$(uname -m)" != Linux-x86_64 ]; then
  echo "this is $(uname -s) on $(uname -m); lensbench is built and tested on Linux on x86-64 only" >&2
  exit 2
fi
command -v go >/dev/null || missing "go 1.26 or newer" "get it from https://go.dev/dl and put its bin directory on PATH"
cxx=${CXX:-g++}
command -v "$cxx" >/dev/null || missing "$cxx with C++20" "Debian, Ubuntu: apt-get install g++    Fedora: dnf install gcc-c++"
command -v "${CC:-gcc}" >/dev/null || missing "${CC:-gcc} (Go compiles C with it)" "it comes with g++; or set CC to a C compiler"
if command -v python3 >/dev/null; then
  python3 -m pip --version >/dev/null 2>&1 || [ -n "${LIBTORCH:-}" ] || [ "${LIBTORCH_USE_PYTORCH:-}" = 1 ] ||
    missing "pip for python3 (fetches libtorch)" "Debian, Ubuntu: apt-get install python3-pip    or set LIBTORCH to a copy of libtorch"
else
  missing "python3 with pip (fetches libtorch)" "Debian, Ubuntu: apt-get install python3 python3-pip"
fi
if command -v "$cxx" >/dev/null && ! echo 'int main(){}' | "$cxx" -std=c++20 -x c++ -fsyntax-only - 2>/dev/null; then
  missing "a $cxx that knows -std=c++20 (this one is $("$cxx" -dumpversion))" "install g++ 11 or newer and set CXX to it"
fi
exit $status
