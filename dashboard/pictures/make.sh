#!/usr/bin/env bash
# Makes the pictures of docs/dashboard again, from a recorded session; without one from generated telemetry.
#   dashboard/pictures/make.sh [SESSION [SECONDS]]     SECONDS: where in the session the shown minute ends
set -euo pipefail
cd "$(dirname "$0")/../.."
program=build/release/bin/dashboard-pictures
[ -x "$program" ] || { echo "make.sh: $program is missing: cmake --build --preset release --target dashboard-pictures" >&2; exit 1; }
work=$(mktemp -d); trap 'rm -rf "$work"' EXIT
export QT_QPA_PLATFORM=offscreen XDG_RUNTIME_DIR=$work
out=docs/dashboard; mkdir -p $out
from=()
[ $# -gt 0 ] && from=(--recording "$1")
[ $# -gt 1 ] && from+=(--at "$2")
busy=${BUSY_SHARD:-enrich-b/11}
picture() { "$program" "${from[@]}" --out "$out/$1.png" "${@:2}" 2>/dev/null; echo "$out/$1.png"; }
for theme in dark light; do
  flag=(); [ $theme = light ] && flag=(--light)
  picture window-$theme --size 1280x800 --select "$busy" "${flag[@]}"
  for tab in supervision cluster dead-letters; do
    picture $tab-$theme --view $tab --size 820x360 --raise $tab --select "$busy" "${flag[@]}"
  done
  picture trace-$theme --view trace --size 820x360 --raise trace --failed-trace "${flag[@]}"
  picture shards-$theme --view topology --size 640x330 --open "${busy%/*}" --select "$busy" "${flag[@]}"
  for view in topology mailboxes throughput; do picture $view-$theme --view $view --size 720x360 --select "$busy" "${flag[@]}"; done
  picture ordering-$theme --view ordering --size 960x330 --select "$busy" "${flag[@]}"
done
picture window-large-dark --size 2560x1440 --select "$busy"
unset from; from=(--recording docs/dashboard/disorder.mailroom-session)
picture recorded-disorder-dark --size 1280x800 --raise dead-letters
from=(--recording docs/dashboard/orders-demo.mailroom-session)
picture recorded-orders-dark --size 1280x800
