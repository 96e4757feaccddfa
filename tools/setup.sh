#!/bin/sh
# Installs the Debian packages that are missing among those named; says which, and does nothing when none is.
#
#   tools/setup.sh PACKAGE...        `a|b` is satisfied by either; a is what gets installed
set -u
export LC_ALL=C DEBIAN_FRONTEND=noninteractive

lists=${MINNORM_APT_LISTS:-/var/lib/apt/lists} # the variable is for the test of this script
lists_days=7                                   # package lists older than this are fetched anew

# Prints the first choice of every entry of which no choice is installed.
missing_packages() {
  installed=$(dpkg-query -W -f='${db:Status-Abbrev}:${Package}:\n' | sed -n 's/^.i *\(:.*:\)$/\1/p')
  for entry in "$@"; do
    pattern=$(printf ':(%s):' "$entry" | sed 's/[.+]/\\&/g')
    printf '%s\n' "$installed" | grep -Eq "$pattern" || printf '%s ' "${entry%%|*}"
  done
}

lists_are_fresh() {
  [ -n "$(find "$lists" -name '*Packages*' 2> /dev/null | head -n 1)" ] &&
    [ -n "$(find "$lists" -maxdepth 0 -mtime "-$lists_days" 2> /dev/null)" ]
}

as_root() {
  if [ "$(id -u)" = 0 ]; then "$@"; else sudo DEBIAN_FRONTEND=noninteractive "$@"; fi
}

install_packages() {
  as_root apt-get install -y --no-install-recommends "$@" < /dev/null
}

if ! command -v apt-get > /dev/null || ! command -v dpkg-query > /dev/null; then
  echo "set-up: this is not a Debian or Ubuntu system. Please install what these Debian packages hold:" >&2
  for entry in "$@"; do echo "  $entry" | sed 's/|/ or /g' >&2; done
  echo "and run make again with SETUP=no." >&2
  exit 1
fi

missing=$(missing_packages "$@")
[ -n "$missing" ] || exit 0
echo "set-up: installing $missing"
if [ "$(id -u)" != 0 ] && ! command -v sudo > /dev/null; then
  echo "set-up: not root and there is no sudo; as root, run: apt-get install $missing" >&2
  exit 1
fi

updated=
if ! lists_are_fresh; then
  updated=yes
  as_root apt-get update < /dev/null || echo "set-up: apt-get update failed; going on with the lists there are" >&2
fi
# shellcheck disable=SC2086 # a list of package names
if ! install_packages $missing; then
  # The lists may name versions that the mirror no longer has.
  if [ -n "$updated" ] || ! as_root apt-get update < /dev/null || ! install_packages $missing; then
    echo "set-up: could not install $missing" >&2
    exit 1
  fi
fi
