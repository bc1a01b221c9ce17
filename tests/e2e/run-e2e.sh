#!/bin/sh
# Run an end-to-end script on a display, a session bus, settings and a history of its own.
#   run-e2e.sh PROGRAM SCRIPT OUT_DIR
set -eu
program=$1 script=$2 out=$3
home=$(mktemp -d)
trap 'rm -rf "$home"' EXIT
export XDG_DATA_HOME="$home/data" XDG_CONFIG_HOME="$home/config" XDG_CACHE_HOME="$home/cache" XDG_RUNTIME_DIR="$home/run" HOME="$home"
export LATHE_BACKGROUND=${LATHE_BACKGROUND:-off} # a job that comes and goes by itself
export GSETTINGS_BACKEND=memory GDK_BACKEND=x11 GSK_RENDERER=cairo LC_ALL=C.UTF-8 PYTHONDONTWRITEBYTECODE=1
unset GTK_THEME WAYLAND_DISPLAY GTK_A11Y || true
mkdir -p "$XDG_CONFIG_HOME/gtk-4.0" "$XDG_DATA_HOME" "$XDG_CACHE_HOME" "$XDG_RUNTIME_DIR" "$out"
chmod 700 "$XDG_RUNTIME_DIR"
# No keyring: it would ask for a password in a window of its own.
mkdir -p "$XDG_DATA_HOME/dbus-1/services"
printf '[D-BUS Service]\nName=org.freedesktop.secrets\nExec=/bin/false\n' > "$XDG_DATA_HOME/dbus-1/services/org.freedesktop.secrets.service"
printf '[Settings]\ngtk-font-name=Cantarell 11\ngtk-enable-animations=0\n' > "$XDG_CONFIG_HOME/gtk-4.0/settings.ini"
"$(dirname "$0")/../with-display.sh" dbus-run-session -- sh -c '
  for launcher in /usr/libexec/at-spi-bus-launcher /usr/lib/at-spi2-core/at-spi-bus-launcher; do
    [ -x "$launcher" ] && { "$launcher" --launch-immediately >/dev/null 2>&1 & break; } # its registry writes to standard output
  done
  sleep 0.5
  /usr/bin/python3 "$2" "$1" "$3"' sh "$program" "$script" "$out"
