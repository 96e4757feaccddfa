#!/bin/bash
# Proves the set-up on a fresh Debian: makes a minimal one in a folder, copies the committed tree in, and types what
# the README says. Run by hand, as root; needs the package debootstrap, 2 GB of disk, and the Debian mirror this
# machine uses itself.
#
#   tests/setup/debootstrap.sh [FOLDER] [COMMAND...]
#
# FOLDER is a new folder (default: a temporary one, removed afterwards); one made by an earlier run is used as it is.
# The commands run in the tree inside, in turn; default: "apt-get install -y make && make demo". SUITE picks another
# release than the newest one the mirror's entry names.
set -euo pipefail
cd "$(dirname "$0")/../.."

fail() { echo "debootstrap.sh: $*" >&2; exit 1; }

[ "$(id -u)" = 0 ] || fail "must run as root"
command -v debootstrap > /dev/null || fail "debootstrap is missing: apt-get install debootstrap"

# "URI suite" of the first Debian archive with "main" that apt is configured for, in either syntax of sources.
debian_archive() {
  {
    cat /etc/apt/sources.list /etc/apt/sources.list.d/*.list 2> /dev/null |
      sed -n 's/\[[^]]*\]//; s/^deb  *\([^ ]*\)  *\([^ ]*\)  *main.*/\1 \2/p' || true
    cat /etc/apt/sources.list.d/*.sources 2> /dev/null |
      awk '/^URIs:/ { uri = $2 } /^Suites:/ { suite = $2 } /^Components:.*main/ { print uri, suite }' || true
  } | grep -E '/debian/? [a-z]+$' | head -n 1
}

# What apt is told here about proxies, certificates and the age of lists holds inside too.
copy_apt_settings() {
  echo "deb $mirror $suite main" > "$root/etc/apt/sources.list"
  apt-config dump | grep -E '^Acquire::(https?::|Check-Valid-Until|Check-Date|Retries)' \
    > "$root/etc/apt/apt.conf.d/99host" || true
  cp -L /etc/resolv.conf /etc/hosts "$root/etc/"
}

make_system() {
  echo "debootstrap.sh: making Debian $suite from $mirror in $root"
  local proxy
  proxy=$(apt-config dump | sed -n 's/^Acquire::http::Proxy "\(.*\)";/\1/p')
  [ -z "$proxy" ] || export http_proxy="$proxy"
  debootstrap --variant=minbase "$suite" "$root" "$mirror" > "$root.debootstrap.log" 2>&1 || fail "failed, see $root.debootstrap.log"
  rm -f "$root.debootstrap.log"
}

leave() {
  mountpoint -q "$root/proc" && umount "$root/proc"
  [ -z "$temporary" ] || rm -rf --one-file-system "$temporary"
}

archive=$(debian_archive) || fail "no Debian archive among apt's sources in /etc/apt"
mirror=${archive% *}
suite=${SUITE:-${archive#* }}
temporary=
[ $# -gt 0 ] || temporary=$(mktemp -d)
root=${1:-$temporary/debian}
[ $# -eq 0 ] || shift
[ $# -gt 0 ] || set -- "apt-get install -y make && make demo"

mkdir -p "$root"
root=$(cd "$root" && pwd)
trap leave EXIT
[ -x "$root/usr/bin/apt-get" ] || make_system
copy_apt_settings
mountpoint -q "$root/proc" || mount -t proc proc "$root/proc"

rm -rf "$root/root/minnorm"
mkdir -p "$root/root/minnorm"
git archive HEAD | tar -x -C "$root/root/minnorm"
for command in "$@"; do
  echo "debootstrap.sh: in the fresh system: $command"
  # A new system's lists are empty; everything else is for the command to do.
  env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root TERM="${TERM:-dumb}" DEBIAN_FRONTEND=noninteractive \
    chroot "$root" sh -c "ls /var/lib/apt/lists/*Packages* > /dev/null 2>&1 || apt-get update -q; cd /root/minnorm && $command" < /dev/null ||
    fail "failed in the fresh system: $command"
done
echo "debootstrap.sh: all done"
