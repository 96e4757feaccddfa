#!/bin/bash
# Scores, rank and saved models against an independent dense solution in numpy. TAP.
#
#   [MINNORM=build/minnorm] [MINNORM_DATA=DIR] [PYTHON=python3] tests/oracle/dense.sh [N [M]]
#
# N training and M test images (2,000 and 500; what the project promises is stated at 10,000, which takes some minutes
# and 2 GB in numpy). Without MINNORM_DATA the images are drawn; with it they are MNIST's.
set -u
here=$(cd "$(dirname "$0")" && pwd)
MINNORM=$(realpath "${MINNORM:-$here/../../build/minnorm}")
n=${1:-2000} m=${2:-500}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work" || exit 1

for python in "${PYTHON:-python3}" /usr/bin/python3; do
  "$python" -c 'import numpy' 2> /dev/null && break
  python=
done
if [ -z "$python" ]; then
  echo "1..1"
  echo "ok 1 - dense solutions # SKIP no python3 with numpy (Debian: python3-numpy)"
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
dense() { "$python" "$here/dense.py" "$@"; }

# The images as numpy reads them; minnorm reads the data set itself. MNIST's files are read by dense.py alone.
if [ -n "${MINNORM_DATA:-}" ]; then
  images=(--dataset mnist --data-dir "$MINNORM_DATA" --n "$n" --n-test "$m")
  check "MNIST, training part" dense mnist "$MINNORM_DATA" train "$n" train.npy train-y.npy
  check "MNIST, test part" dense mnist "$MINNORM_DATA" t10k "$m" test.npy test-y.npy
else
  images=(--train "synth:digits,n=$n" --test "synth:digits,part=test,n=$m")
  check "drawn digits, training part" "$MINNORM" data -q --train "synth:digits,n=$n" --convert npy:train.npy,train-y.npy
  check "drawn digits, test part" "$MINNORM" data -q --test "synth:digits,part=test,n=$m" --convert npy:test.npy,test-y.npy
fi
train=train.npy,train-y.npy test=test.npy,test-y.npy

fit() { "$MINNORM" fit -q "$@"; }
saved() { # MODEL TEST-SPEC TEST-PAIR: predict from the folder, and numpy from its arrays
  "$MINNORM" predict -q --model "$1" --test "$2" --scores predicted.npy && dense model "$1" "$3" predicted.npy
}

check "a gaussian kernel, n = $n" fit "${images[@]}" --gamma 0.02 --precision double --json g.json --scores g.npy --save g
check "equals the dense solution" dense dual $train $test g.json g.npy
check "its saved model, in numpy" saved g npy:test.npy,test-y.npy $test

check "least squares, n = $n" fit "${images[@]}" --kernel linear --json l.json --scores l.npy --save l
check "equal numpy.linalg.lstsq, rank included" dense linear $train $test l.json l.npy
check "its saved model, in numpy" saved l npy:test.npy,test-y.npy $test

rows=3000
check "a regression of three columns, n = $rows" dense smooth . "$rows" "$m"
check "is fitted" fit --train npy:x.npy,y.npy --test npy:u.npy,v.npy --kernel laplacian --gamma 0.3 --json r.json --scores r.npy
check "equals the dense solution" dense dual x.npy,y.npy u.npy,v.npy r.json r.npy
check "scaled and centred" fit --train npy:x.npy,y.npy --test npy:u.npy,v.npy --scale standard --center --kernel laplacian --save s
check "its saved model, in numpy" saved s npy:u.npy,v.npy u.npy,v.npy

echo "1..$count"
exit $bad
