#!/bin/bash
# The study of norms, results/norms: pixels, Gabor wavelets, scattering and random convolutions of MNIST and CIFAR-10, two
# kernels, ridge 0 and a ridge, labels corrupted more and more and images randomised; what of the norm, leave-one-out and
# other measures goes with the test error.
#
#   tools/bench/norms.sh FOLDER               1,500 training images each, minutes
#   tools/bench/norms.sh --full FOLDER        10,000 each, 2,048 filters
#   tools/bench/norms.sh --list               the sweeps
#
# Leaves norms.txt, norms.json, norms.svg, index.html, and run.txt that says what made them. The logs of the sweeps are
# kept in FOLDER.kept: a run that was stopped goes on from there. Bandwidths are chosen by leave-one-out on the training
# set. Environment: BUILD or MINNORM, the command; MINNORM_DATA.
set -eu
minnorm=${MINNORM:-${BUILD:-$(dirname "$0")/../../build}/minnorm}
usage() { sed -n '2,/^set -eu/s/^# \{0,1\}//p' "$0" | sed '/^set -eu/d'; }

size=quick n=1500 filters=512
[ "${1:-}" != --full ] || { size=full n=10000 filters=2048 && shift; }

# NAME: OPTIONS of every sweep.
sweeps() {
  local data map features kernel variant
  for data in mnist cifar10; do
    for map in pixels gabor scattering conv; do
      features="--features $map"
      [ $map != pixels ] || features=
      [ $map != conv ] || features="--features conv --filters $filters"
      for kernel in gaussian laplacian; do
        echo "$data-$map-$kernel: --dataset $data --n $n --n-test 2000 $features --kernel $kernel --ridge 0,1e-2" \
          "--corrupt 0:1:0.25 --seed 0,1 --measures"
      done
      for variant in shuffled-pixels random-pixels gaussian; do
        echo "$data-$map-${variant/gaussian/noise}: --dataset $data --n $n --n-test 2000 $features --variant $variant --measures"
      done
    done
  done
}

case ${1:---help} in
  --help | -h) usage && exit 0 ;;
  --list) sweeps | sed 's/: /: minnorm sweep /' && exit 0 ;;
  -*) echo "norms.sh: unknown option $1" >&2 && exit 2 ;;
esac
folder=$1 kept=${1%/}.kept begin=$(date +%s)
mkdir -p "$folder" "$kept"
logs=()
while IFS=: read -r name options; do
  echo "$(date +%T) $name" >&2
  read -ra words <<< "$options"
  logs+=("$kept/$name.jsonl")
  "$minnorm" sweep -q "${words[@]}" --log "$kept/$name.jsonl" < /dev/null
done < <(sweeps)
"$minnorm" norms "${logs[@]}" --json "$folder/norms.json" --plot "$folder/norms.svg" --page "$folder/index.html" > "$folder/norms.txt"
{
  echo "tools/bench/norms.sh${size:+ ($size size)}, $(date -u +%F), $(($(date +%s) - begin)) s for what was not there yet"
  "$minnorm" info
} > "$folder/run.txt"
