#!/bin/bash
# Networks that minnorm express saved against a forward pass in numpy. TAP.
#
#   [MINNORM=build/minnorm] [MINNORM_DATA=DIR] [PYTHON=python3] tests/oracle/network.sh [N]
#
# N training images (2,000; all 60,000 of MNIST take some minutes). Without MINNORM_DATA the images are drawn; with it
# they are MNIST's, read by dense.py, with their own labels and with random ones that numpy draws.
set -u
here=$(cd "$(dirname "$0")" && pwd)
MINNORM=$(realpath "${MINNORM:-$here/../../build/minnorm}")
n=${1:-2000}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work" || exit 1

for python in "${PYTHON:-python3}" /usr/bin/python3; do
  "$python" -c 'import numpy' 2> /dev/null && break
  python=
done
if [ -z "$python" ]; then
  echo "1..1"
  echo "ok 1 - saved networks # SKIP no python3 with numpy (Debian: python3-numpy)"
  exit 0
fi

count=0 bad=0
check() { # name command...
  local name=$1 said
  shift
  count=$((count + 1))
  if said=$("$@" 2>&1); then echo "ok $count - $name"; else echo "not ok $count - $name" && bad=1; fi
  printf '%s\n' "$said" | sed '/^$/d; s/^/# /'
}
network() { "$python" "$here/network.py" "$@"; }

# Builds, saves, and runs the saved network in numpy.
express() { # X.npy Y.npy options...
  "$MINNORM" express -q --json r.json --save network "${@:3}" && network check network r.json "$1" "$2"
}

if [ -n "${MINNORM_DATA:-}" ]; then
  images=(--dataset mnist --data-dir "$MINNORM_DATA" --n "$n")
  check "MNIST, n = $n" "$python" "$here/dense.py" mnist "$MINNORM_DATA" train "$n" x.npy y.npy
else
  images=(--train "synth:digits,n=$n")
  check "drawn digits, n = $n" "$MINNORM" data -q --train "synth:digits,n=$n" --convert npy:x.npy,y.npy
fi
check "random labels" network random "$n" 10 random.npy

check "the images' own labels, two layers" express x.npy y.npy "${images[@]}"
check "random labels, two layers" express x.npy random.npy --train npy:x.npy,random.npy
check "random labels, sixteen layers" express x.npy random.npy --train npy:x.npy,random.npy --depth 16
check "an output a class" express x.npy y.npy "${images[@]}" --targets onehot --depth 3

check "drawn normal samples" "$MINNORM" data -q --train synth:gaussian,n=1000,d=20,labels=random --convert npy:g.npy,l.npy
check "features that are no bytes" express g.npy l.npy --train npy:g.npy,l.npy
check "drawn targets" "$MINNORM" data -q --train synth:regression,n=1000,d=5,columns=3 --convert npy:s.npy,t.npy
check "a regression of three columns" express s.npy t.npy --train npy:s.npy,t.npy --depth 4

echo "1..$count"
exit $bad
