#!/bin/bash
# Installs what was built below a temporary folder: all files are there, the shared library shows mn_* alone, the
# example of the README builds by pkg-config and runs with either library, and uninstall leaves nothing behind. TAP.
set -u
here=$(cd "$(dirname "$0")" && pwd)
cd "$here/../.." || exit 1
BUILD=${BUILD:-$PWD/build}
[ -x "$BUILD/minnorm" ] || { echo "not ok 1 - $BUILD/minnorm is not built" && exit 1; }
if grep -qE -e '-fsanitize|--coverage' "$BUILD/flags"; then
  echo "1..1"
  echo "ok 1 - install # SKIP a sanitizer or coverage build is not one to install"
  exit 0
fi
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
root=$work/root

count=0 bad=0
report() { # name, complaints
  count=$((count + 1))
  if [ -z "$2" ]; then echo "ok $count - $1"; else echo "not ok $count - $1" && printf '%s\n' "$2" | sed 's/^/# /' && bad=1; fi
}
complain() { [ "$1" = "$2" ] || printf 'expected: %s\nfound: %s\n' "$1" "$2"; }

# What was built stays as it is: -o keeps make from rebuilding it with other flags than the caller's.
install_with() { # goal, assignments
  env -u MAKEFLAGS -u MAKELEVEL -u MAKEOVERRIDES make -s -o "$BUILD/flags" -o Makefile BUILD="$BUILD" DESTDIR="$root" "$@" 2>&1
}
files() { (cd "$root" && find . ! -type d | sort | sed 's|^\./||'); }

expected_files() {
  cat << EOT
usr/bin/minnorm
usr/include/minnorm.h
$(printf 'usr/%s\n' include/minnorm/*.h)
usr/lib/libminnorm.a
usr/lib/libminnorm.so
usr/lib/libminnorm.so.0
usr/lib/libminnorm.so.$version
usr/lib/pkgconfig/minnorm.pc
usr/share/bash-completion/completions/minnorm
usr/share/man/man1/minnorm.1
EOT
}

# pkg-config looking into $root; system folders are not left out, for it does not know these are elsewhere.
flags() {
  PKG_CONFIG_PATH=$root/usr/lib/pkgconfig PKG_CONFIG_SYSROOT_DIR=$root PKG_CONFIG_ALLOW_SYSTEM_CFLAGS=1 \
    PKG_CONFIG_ALLOW_SYSTEM_LIBS=1 pkg-config "$@" minnorm
}
build_example() { # output, words of the link line
  local output=$1
  shift
  # shellcheck disable=SC2046 # options are words
  ${CC:-cc} -std=c11 -Wall -Wextra -Wpedantic -Werror $(flags --cflags) "$here/example.c" -o "$output" "$@" 2>&1
}
run_example() { # program, what it must print
  local said
  said=$(LD_LIBRARY_PATH=$root/usr/lib "$1" 2>&1)
  [[ $said =~ ^gamma\ [0-9.e-]+,\ norm\ [0-9.]+,\ test\ error\ [0-9.]+\ %$ ]] || echo "it printed: $said"
}
needs() { readelf -d "$1" | grep -c 'NEEDED.*libminnorm.so.0'; }

version=$(sed -n 's/^VERSION *:= *//p' Makefile)
report "make install" "$(install_with install PREFIX=/usr)"
[ $bad = 0 ] || exit 1
report "its files" "$(diff <(expected_files | sort) <(files))"
report "the soname" "$(complain "[libminnorm.so.0]" "$(readelf -d "$root/usr/lib/libminnorm.so" | sed -n 's/.*SONAME.* //p')")"
shown=$(nm -D --defined-only "$root/usr/lib/libminnorm.so" | awk '{ print $3 }')
report "the shared library shows mn_* alone" "$(grep -v '^mn_' <<< "$shown")"
report "and nothing internal" "$(grep -E '^mn_(alloc|fail|free|meter_|memory_)' <<< "$shown")"
report "the public interface is there" "$(for f in mn_data_open mn_model_fit mn_status_string; do
  grep -qx $f <<< "$shown" || echo "$f is missing"
done)"
report "the version" "$(complain "$version" "$(flags --modversion)")"

# shellcheck disable=SC2046
report "the example with the shared library" "$(build_example "$work/shared" $(flags --libs))"
report "it needs that library" "$(complain 1 "$(needs "$work/shared")")"
report "it runs" "$(run_example "$work/shared")"
# shellcheck disable=SC2046
report "the example with the static library" "$(build_example "$work/static" $(flags --static --libs | sed 's/-lminnorm/-l:libminnorm.a/'))"
report "it needs no other" "$(complain 0 "$(needs "$work/static")")"
report "it runs" "$(run_example "$work/static")"
report "the installed command runs" "$(complain "$("$BUILD/minnorm" --help | head -n 1)" "$("$root/usr/bin/minnorm" --help | head -n 1)")"
report "the completion is a bash script" "$(bash -n "$root/usr/share/bash-completion/completions/minnorm" 2>&1)"
report "the man page has a title" "$(grep -q '^\.TH MINNORM 1' "$root/usr/share/man/man1/minnorm.1" || echo "no .TH MINNORM 1")"

touch "$root/usr/include/mine.h"
report "make uninstall" "$(install_with uninstall PREFIX=/usr)"
report "leaves only what is not its own" "$(complain usr/include/mine.h "$(files)")"
report "and no folder of its own" "$([ ! -d "$root/usr/include/minnorm" ] || echo include/minnorm)"
report "make install elsewhere" "$(install_with install PREFIX=/opt/m LIBDIR=/opt/m/lib64)"
report "minnorm.pc names that place" "$(complain "-L/opt/m/lib64 -lminnorm" "$(
  PKG_CONFIG_PATH=$root/opt/m/lib64/pkgconfig pkg-config --libs minnorm | sed 's/ *$//')")"
echo "1..$count"
exit $bad
