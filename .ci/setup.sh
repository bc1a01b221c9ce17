# Sourced by ./run and ./test: installs what is missing, configures and builds. POSIX shell.

say () { printf '%s\n' "$*"; }
fail () { printf '%s: %s\n' "$(basename "$0")" "$*" >&2; exit 1; }

# need_packages WHO...: install those of .ci/packages that are for WHO and are not there.
need_packages () {
  command -v dpkg-query >/dev/null 2>&1 || { say "Not a Debian system: install what .ci/packages lists with your package manager."; return 0; }
  missing=
  for who in "$@"; do
    for package in $(awk -v who="$who" '$1 !~ /^#/ && $2 == who { print $1 }' "$source/.ci/packages"); do
      # npm and pip may be there in another way (a newer Node.js, pyenv): what counts is the command.
      case $package in
        npm) command -v npm >/dev/null 2>&1 && continue ;;
        python3-pip) python3 -m pip --version >/dev/null 2>&1 && continue ;;
      esac
      [ "$(dpkg-query -W -f='${db:Status-Abbrev}' "$package" 2>/dev/null)" = 'ii ' ] || missing="$missing $package"
    done
  done
  [ -n "$missing" ] || return 0
  say "Installing with apt:$missing"
  as_root=
  if [ "$(id -u)" != 0 ]; then
    command -v sudo >/dev/null 2>&1 || fail "these packages are missing and there is no sudo; as root: apt-get install$missing"
    as_root=sudo
  fi
  $as_root apt-get -q update >/dev/null || say "apt-get update did not succeed; going on with the package lists that are here"
  log=$(mktemp)
  # shellcheck disable=SC2086
  $as_root env DEBIAN_FRONTEND=noninteractive apt-get -q -y install --no-install-recommends $missing >"$log" 2>&1 \
    || { tail -n 20 "$log" >&2; fail "apt-get could not install:$missing"; }
  rm -f "$log"
}

# build DIR [meson options]: configure once, then build. Quiet unless it fails. Of what is for debuggers only lines, which backtraces need:
# variables would take a quarter of the time to compile (meson configure DIR -Dc_args=-g has them).
build () {
  dir=$1; shift
  log=$(mktemp)
  if [ ! -f "$dir/build.ninja" ]; then
    say "Configuring $(basename "$dir")"
    meson setup "$dir" "$source" -Dc_args=-g1 "$@" >"$log" 2>&1 || { cat "$log" >&2; fail "meson could not configure $dir"; }
  fi
  say "Building $(basename "$dir")"
  meson compile -C "$dir" >"$log" 2>&1 || { grep -E -A12 'error|FAILED' "$log" | head -n 80 >&2; fail "the build in $dir failed"; }
  rm -f "$log"
}
