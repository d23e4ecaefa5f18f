#!/usr/bin/env bash
# The window comes up in a real X server, draws, and goes down again.
set -euo pipefail
command -v Xvfb >/dev/null || { echo "SKIPPED: Xvfb is not installed (apt-get install xvfb)"; exit 77; }
work=$(mktemp -d)
export XDG_RUNTIME_DIR=$work
chmod 700 "$work"
Xvfb -displayfd 3 -screen 0 1400x900x24 -nolisten tcp 3>"$work/display" 2>"$work/log" &
server=$!
trap 'kill "$server" 2>/dev/null || true; wait "$server" 2>/dev/null || true; rm -rf "$work"' EXIT
for _ in $(seq 200); do [ -s "$work/display" ] && break; kill -0 "$server" || { cat "$work/log"; exit 1; }; sleep 0.1; done
DISPLAY=":$(cat "$work/display")" QT_QPA_PLATFORM=xcb "$1" --out "$work/window.png" --length 100
bytes=$(stat -c %s "$work/window.png")
echo "a picture of $bytes bytes"
[ "$bytes" -gt 30000 ] || { echo "the window is nearly empty"; exit 1; }
