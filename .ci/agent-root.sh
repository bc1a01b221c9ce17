#!/bin/sh
# The libraries that lathe-agent needs on 64-bit Arm boards, unpacked from Debian's packages into a folder, and a cross file for them.
# This machine's own packages stay as they are. 216 MB are fetched, 1 GB is left.
#   .ci/agent-root.sh build-root-aarch64
#   meson setup --cross-file build-root-aarch64/cross.ini -Dstudio=false -Dagent=true -Dtests=false build-agent-aarch64
#   ninja -C build-agent-aarch64 engine/agent/lathe-agent
set -eu
root=$1
mkdir -p "$root/apt/lists/partial" "$root/apt/cache/archives/partial"
root=$(cd "$root" && pwd)
: > "$root/apt/status" # nothing is installed there: everything comes along
cat > "$root/apt.conf" <<CONF
Dir::State "$root/apt";
Dir::State::status "$root/apt/status";
Dir::Cache "$root/apt/cache";
APT::Architecture "arm64";
APT::Architectures { "arm64"; };
APT::Sandbox::User "";
CONF
export APT_CONFIG="$root/apt.conf"
apt-get -q update
apt-get -q install -y --no-install-recommends --download-only \
  libc6-dev libsoup-3.0-dev libjson-glib-dev libgnutls28-dev nettle-dev libgmp-dev libavahi-client-dev
for package in "$root"/apt/cache/archives/*.deb; do
  dpkg-deb -x "$package" "$root"
done
rm -rf "$root/apt/cache"
cat > "$root/cross.ini" <<CROSS
[binaries]
c = ['aarch64-linux-gnu-gcc', '--sysroot=$root']
ar = 'aarch64-linux-gnu-ar'
strip = 'aarch64-linux-gnu-strip'
pkgconfig = 'pkg-config'
exe_wrapper = ['qemu-aarch64-static', '-L', '$root']

[properties]
sys_root = '$root'
pkg_config_libdir = '$root/usr/lib/aarch64-linux-gnu/pkgconfig:$root/usr/share/pkgconfig'

[host_machine]
system = 'linux'
cpu_family = 'aarch64'
cpu = 'aarch64'
endian = 'little'
CROSS
