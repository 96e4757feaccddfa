#!/bin/bash
# The runs of results/scaling: exact interpolation of MNIST by every road at growing n, its forecasts, and CIFAR-10
# with its mirror images. What FOLDER holds already is not run again, so that a stopped run goes on.
#
#   tools/bench/scaling.sh FOLDER [NAME...]          only the runs of these names; default all of them, about 3 hours
#   tools/bench/scaling.sh --list                    the runs, and their commands
#
# Every run leaves NAME.json, NAME.txt and NAME.forecast.json, what `minnorm fit` and its --dry-run write. At the end
# scaling.py makes the table and the picture of all that are there. It takes 2 cores, 22 GiB of memory, 30 GB of disk
# under FOLDER for a while, python3 and gnuplot. Environment: BUILD or MINNORM, the command; MINNORM_DATA.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
minnorm=${MINNORM:-${BUILD:-$here/../../build}/minnorm}
runs=()
add() { runs+=("$*"); }

mnist='--dataset mnist --gamma 0.02'
for n in 5000 10000 20000 40000; do
  add "mnist-double-$n" "$mnist --n $n --precision double"
  add "mnist-mixed-$n" "$mnist --n $n --precision mixed"
  add "mnist-cg-$n" "$mnist --n $n --solver cg --tol 1e-10"
done
add mnist-mixed "$mnist --precision mixed"
add mnist-mixed-10G "$mnist --precision mixed --memory 10G"
add mnist-cg-tol "$mnist --solver cg --tol 1e-10"
add mnist-auto "$mnist"
add mnist-cg "$mnist --solver cg --tol interpolate"
add mnist-cg-random "$mnist --solver cg --tol interpolate --corrupt 1 --seed 1"
add mnist-disk-40000 "$mnist --n 40000 --precision double --memory 4G --scratch SCRATCH"
add cifar10-mirror "--dataset cifar10 --mirror --precision mixed --checkpoint SCRATCH"

usage() { sed -n '2,/^set -eu/s/^# \{0,1\}//p' "$0"; }
case ${1:---help} in
  --help | -h) usage && exit 0 ;;
  --list)
    for run in "${runs[@]}"; do echo "${run%% *}: minnorm fit ${run#* }"; done
    exit 0
    ;;
  -*) echo "scaling.sh: unknown option $1" >&2 && exit 2 ;;
esac
folder=$1 && shift
mkdir -p "$folder"
[ -x "$minnorm" ] || { echo "scaling.sh: $minnorm is not there; make first, or set BUILD or MINNORM" >&2 && exit 1; }

wanted() { # NAME [WANTED...]
  local name=$1 one
  shift
  [ $# -gt 0 ] || return 0
  for one in "$@"; do [ "$one" != "$name" ] || return 0; done
  return 1
}

run() { # NAME OPTIONS
  local to=$folder/$1 scratch=$folder/scratch
  [ ! -e "$to.json" ] || return 0
  mkdir -p "$scratch"
  read -ra options <<< "${2//SCRATCH/$scratch}"
  echo "$(date +%T) $1" >&2
  "$minnorm" fit "${options[@]}" --dry-run --json "$to.forecast.json" > /dev/null
  "$minnorm" fit "${options[@]}" --json "$to.json" > "$to.txt"
  rm -rf "$scratch"
}

for r in "${runs[@]}"; do
  if wanted "${r%% *}" "$@"; then run "${r%% *}" "${r#* }"; fi
done
python3 "$here/scaling.py" "$folder"
