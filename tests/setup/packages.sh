#!/bin/bash
# tools/setup.sh on made-up systems: programs named apt-get, dpkg-query, id and sudo write down how they are called. TAP.
set -u
here=$(cd "$(dirname "$0")/../.." && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

count=0 bad=0
report() { # name, what must be found, what was
  count=$((count + 1))
  if [ "$2" = "$3" ]; then echo "ok $count - $1"; else echo "not ok $count - $1" && echo "'$3' instead of '$2'" | sed 's/^/# /' && bad=1; fi
}
program() { # name, what it does
  printf '#!/bin/sh\n%s\n' "$2" > "$work/bin/$1"
  chmod +x "$work/bin/$1"
}
# Only what the script needs, so that the real apt-get is out of reach.
debian() { # user's number
  rm -rf "${work:?}"/{bin,lists,calls}
  mkdir -p "$work/bin" "$work/lists"
  for tool in sed grep find head cat; do ln -s "$(command -v $tool)" "$work/bin/$tool"; done
  program id "echo $1"
  program apt-get "echo apt-get \$* >> $work/calls"
  # have+it has a name that is a pattern, gone was removed with its configuration left behind
  program dpkg-query 'printf "ii :have-a:\nii :have+it:\nhi :held:\nrc :gone:\nun :never:\n"'
}
with_sudo() { program sudo "echo sudo >> $work/calls; shift; exec \"\$@\""; }
fresh_lists() { touch "$work/lists/x_Packages"; }
set_up() { # packages; prints "STATUS calls", one line
  rm -f "$work/calls"
  env -i PATH="$work/bin" MINNORM_APT_LISTS="$work/lists" "$work/sh" "$here/tools/setup.sh" "$@" > "$work/out" 2>&1
  echo "$?" "$(cat "$work/calls" 2> /dev/null)" | tr '\n' ' ' | sed 's/ *$//'
}
says() { if grep -qF "$1" "$work/out"; then echo yes; else echo no && cat "$work/out"; fi; }
ln -s "$(command -v sh)" "$work/sh"
install="apt-get install -y --no-install-recommends"

debian 0 && fresh_lists
report "nothing missing, nothing done" "0" "$(set_up have-a 'x|have+it' held)"
report "and nothing said" "" "$(cat "$work/out")"
report "what is missing is installed" "0 $install gone never" "$(set_up have-a gone never)"
report "and named" yes "$(says 'set-up: installing gone never')"
report "the first choice is installed" "0 $install x" "$(set_up 'x|y')"
report "a part of a name is no match" "0 $install have havexit" "$(set_up have havexit)"
debian 0
report "empty lists are fetched first" "0 apt-get update $install gone" "$(set_up gone)"
debian 0 && fresh_lists && touch -d '8 days ago' "$work/lists"
report "and old ones" "0 apt-get update $install gone" "$(set_up gone)"
debian 0 && fresh_lists
program apt-get "echo apt-get \$* >> $work/calls; [ \$1 = update ] || [ \$(grep -c install $work/calls) = 2 ]"
report "a failed install is tried again with new lists" "0 $install gone apt-get update $install gone" "$(set_up gone)"
program apt-get "echo apt-get \$* >> $work/calls; [ \$1 = update ]"
report "but not for ever" "1 $install gone apt-get update $install gone" "$(set_up gone)"
report "and then says so" yes "$(says 'could not install gone')"
debian 1000 && fresh_lists
report "no root, no sudo: stops" "1" "$(set_up gone)"
report "and says what to do" yes "$(says 'as root, run: apt-get install gone')"
with_sudo
report "no root but sudo" "0 sudo $install gone" "$(set_up gone)"
debian 0 && rm "$work/bin/apt-get"
report "another system: stops" "1" "$(set_up 'x|y' z)"
report "and lists the packages" yes "$(says '  x or y')"
echo "1..$count"
exit $bad
