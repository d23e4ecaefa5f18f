#!/usr/bin/env bash
# Runs fuzz targets with libFuzzer, one after the other, from the corpus of this folder.
#   tests/fuzz/run.sh                     all targets, ten minutes each
#   tests/fuzz/run.sh 60 csv journal      these, a minute each
#   tests/fuzz/run.sh --merge csv         adds to the corpus what reaches more code than it does (from build/fuzz/found)
# Needs clang 16 and its libFuzzer, which nothing else in the project does: installs them if they are missing. (Debian's default,
# clang 14, does not know that () makes an aggregate in C++20.)
# Builds into build/fuzz. Ends with 1 if a target finds something; its input is in build/fuzz/crashes.
set -euo pipefail
cd "$(dirname "$0")/../.."
all=(topology csv jsonl batch journal)

merge=
seconds=600
if [ "${1:-}" = --merge ]; then merge=1; shift; elif [[ "${1:-}" =~ ^[0-9]+$ ]]; then seconds=$1; shift; fi
targets=("$@")
[ ${#targets[@]} -gt 0 ] || targets=("${all[@]}")

if ! command -v clang++-16 >/dev/null || ! compgen -G '/usr/lib/llvm-16/lib/clang/16*/lib/linux/libclang_rt.fuzzer-*.a' >/dev/null; then
  echo "installing clang 16 with libFuzzer"
  as_root=()
  [ "$(id -u)" -eq 0 ] || as_root=(sudo)
  "${as_root[@]}" apt-get update -qq
  "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends clang-16 libclang-rt-16-dev >/dev/null
fi

[ -f build/fuzz/build.ninja ] ||
  cmake -S . -B build/fuzz -G Ninja --log-level=WARNING -DCMAKE_CXX_COMPILER=clang++-16 -DCMAKE_C_COMPILER=clang-16 -DMAILROOM_FUZZ=ON \
    -DCMAKE_BUILD_TYPE=RelWithDebInfo -DCMAKE_CXX_FLAGS_RELWITHDEBINFO="-O1 -g1" -DMAILROOM_SANITIZE=fuzzer-no-link,address,undefined
cmake --build build/fuzz --target $(printf 'fuzz-%s ' "${targets[@]}")

# What a target is given at most: beyond it there are more bytes and no more cases.
declare -A longest=([topology]=3000 [csv]=1200 [jsonl]=1200 [batch]=1500 [journal]=3000)
failed=()
for target in "${targets[@]}"; do
  corpus=tests/fuzz/corpus/$target found=build/fuzz/found/$target crashes=build/fuzz/crashes
  mkdir -p "$found" "$crashes"
  dictionary=(); [ -f "tests/fuzz/$target.dict" ] && dictionary=(-dict="tests/fuzz/$target.dict")
  if [ -n "$merge" ]; then
    "build/fuzz/bin/fuzz-$target" -set_cover_merge=1 -max_len="${longest[$target]}" "$corpus" "$found" 2>&1 | tail -1
    continue
  fi
  echo "== $target, $seconds s"
  "build/fuzz/bin/fuzz-$target" -max_total_time="$seconds" -max_len="${longest[$target]}" -timeout=20 -rss_limit_mb=1500 \
    -artifact_prefix="$crashes/$target-" -print_final_stats=1 -verbosity=0 "${dictionary[@]}" "$found" "$corpus" >"build/fuzz/$target.log" 2>&1 ||
    failed+=("$target")
  grep -E 'ERROR|SUMMARY|does not hold|runtime error|stat::(number_of_executed|new_units)' "build/fuzz/$target.log" || true
done
[ ${#failed[@]} -eq 0 ] || { echo "found something: ${failed[*]}; see build/fuzz/*.log and build/fuzz/crashes" >&2; exit 1; }
