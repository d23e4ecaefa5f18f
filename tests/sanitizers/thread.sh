#!/usr/bin/env bash
# The engine's tests under ThreadSanitizer. It only understands threads whose every library it was built into, so CAF is
# built with it from Debian's own source package; RocksDB is not, so its threads are suppressed and the tests that use it
# say little about it: the engine's tests keep their journals in memory.
#   tests/sanitizers/thread.sh [gtest filter]
# Takes about ten minutes the first time. Not part of CI.
set -euo pipefail
root=$(cd "$(dirname "$0")/../.." && pwd)
work=$root/build/tsan-caf
mkdir -p "$work/lists/partial"

if [ ! -e "$work/install/lib/libcaf_core.so" ]; then
  echo "== CAF's source, from Debian"
  cd "$work"
  echo 'deb-src [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] http://deb.debian.org/debian bookworm main' > sources.list
  apt=(apt-get -o Dir::Etc::sourcelist="$work/sources.list" -o Dir::Etc::sourceparts=- -o Dir::State::lists="$work/lists")
  "${apt[@]}" update -qq
  "${apt[@]}" source -qq --tar-only actor-framework
  rm -rf source && mkdir source
  tar -xf actor-framework_*.orig.tar.* -C source --strip-components=1
  echo "== CAF with ThreadSanitizer"
  cmake -S source -B build -G Ninja --log-level=WARNING -DCMAKE_BUILD_TYPE=RelWithDebInfo \
    -DCMAKE_CXX_FLAGS='-fsanitize=thread -g1 -Wno-error' -DCMAKE_INSTALL_PREFIX="$work/install" \
    -DCAF_NO_EXAMPLES=ON -DCAF_NO_TOOLS=ON -DCAF_NO_UNIT_TESTS=ON -DCAF_NO_IO=ON -DCAF_NO_OPENSSL=ON -DCAF_NO_PYTHON=ON
  cmake --build build
  cmake --install build >/dev/null
fi

echo "== Mailroom with ThreadSanitizer"
cd "$root"
cmake --preset tsan --log-level=WARNING
cmake --build --preset tsan --target test-runtime-engine mailroom-program
export TSAN_OPTIONS="halt_on_error=0 exitcode=66 suppressions=$root/tests/sanitizers/thread.suppressions"
echo "== The engine's tests"
build/tsan/bin/test-runtime-engine --gtest_filter="${1:-*}"
echo "== The benchmark's pipeline, with and without a journal"
build/tsan/bin/mailroom bench --events 300000
