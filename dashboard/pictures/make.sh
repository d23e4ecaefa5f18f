#!/usr/bin/env bash
# Makes the pictures of docs/dashboard anew, dark and light, from the two sessions that were recorded from real nodes.
#   dashboard/pictures/make.sh [PATTERN]      only those whose names match, as 'window-*'
#   RECORD=1 dashboard/pictures/make.sh       records the sessions anew before (two and a half minutes)
set -euo pipefail
cd "$(dirname "$0")/../.."
bin=build/release/bin
[ -x "$bin/dashboard-pictures" ] || { echo "make.sh: $bin/dashboard-pictures is missing: cmake --build --preset release --target dashboard-pictures" >&2; exit 1; }
work=$(mktemp -d); trap 'rm -rf "$work"' EXIT
export QT_QPA_PLATFORM=offscreen XDG_RUNTIME_DIR=$work XDG_CONFIG_HOME=$work
out=docs/dashboard; mkdir -p $out
orders=$out/orders-demo.mailroom-session disorder=$out/disorder.mailroom-session

if [ -n "${RECORD:-}" ]; then
  dashboard/pictures/record_disorder.py --mailroom $bin/mailroom --out $disorder
  $bin/mailroom run scenarios/orders/demo.json --fresh --data "$work/orders" --listen 127.0.0.1:0 --progress off --summary none --trace-one-in 64 2>"$work/log" &
  node=$!
  until port=$(sed -n 's/^Listening at http:\/\/127.0.0.1:\([0-9]*\).*/\1/p' "$work/log") && [ -n "$port" ]; do kill -0 $node; sleep 0.1; done
  $bin/mailroom record "$port" $orders --force --seconds 66
  kill -INT $node; wait $node || true
fi

pattern=${1:-*}
picture() {  # NAME ARGUMENTS...: both themes
  local name=$1; shift
  for theme in dark light; do
    # shellcheck disable=SC2254
    case $name-$theme in $pattern) ;; *) continue ;; esac
    local flag=(); [ $theme = light ] && flag=(--light)
    "$bin/dashboard-pictures" --out "$out/$name-$theme.png" "$@" "${flag[@]}" 2>>"$work/qt"
    echo "$out/$name-$theme.png"
  done
}
busy=tracking/0
from=(--recording $orders)
picture window "${from[@]}" --size 1280x800 --select $busy --at busiest
picture window-large "${from[@]}" --size 2560x1440 --select $busy --at busiest
picture supervision "${from[@]}" --view supervision --size 820x450 --raise supervision
picture cluster "${from[@]}" --view cluster --size 820x240 --raise cluster --select $busy --at busiest
picture dead-letters "${from[@]}" --view dead-letters --size 820x400 --raise dead-letters --select $busy
picture trace "${from[@]}" --view trace --size 820x300 --raise trace --failed-trace
picture topology "${from[@]}" --view topology --size 1240x420 --select $busy --at busiest
picture shards "${from[@]}" --view topology --size 420x130 --open tracking --at busiest --select $busy
picture mailboxes "${from[@]}" --view mailboxes --size 820x400 --select $busy --at busiest
picture throughput "${from[@]}" --view throughput --size 820x420
picture ordering "${from[@]}" --view ordering --size 1100x330 --select $busy
picture ordering-planted --recording $disorder --view ordering --size 1100x260
picture recorded-disorder --recording $disorder --size 1280x800
picture connect "${from[@]}" --dialog connect
# A larger node, of made-up telemetry.
picture generated --size 1280x800 --select enrich-b/11
picture generated-trace --view trace --size 820x360 --raise trace --failed-trace
picture generated-large --size 2560x1440 --select enrich-b/11
