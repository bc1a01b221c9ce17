#!/bin/sh
# Run a command on an X display of its own: with-display.sh COMMAND [ARGS...]
# The server chooses a free number itself (xvfb-run looks for one first, and two of it can find the same).
set -u
dir=$(mktemp -d)
Xvfb -displayfd 3 -screen 0 1280x800x24 -nolisten tcp -noreset 3>"$dir/number" 2>"$dir/log" &
server=$!
trap 'kill "$server" 2>/dev/null; rm -rf "$dir"' EXIT
trap 'exit 143' TERM INT
n=0
while [ ! -s "$dir/number" ]; do
  n=$((n + 1))
  if [ "$n" -gt 300 ] || ! kill -0 "$server" 2>/dev/null; then
    cat "$dir/log" >&2
    echo "Bail out! no X server could be started"
    exit 99
  fi
  sleep 0.1
done
DISPLAY=:$(cat "$dir/number")
export DISPLAY
"$@"
