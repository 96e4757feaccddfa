#!/bin/bash
# Compares minnorm with other programs on the same work: n training images, Gaussian kernel with gamma 0.02, 10 one-hot
# targets, no ridge (1e-8 where a program cannot do without), prediction of 2,000 test images.
#
#   tools/bench/peers.sh [OPTION...] [N...]          sizes; default 5000 10000 20000
#
#   --repeat R       every program R times, medians (3)
#   --threads T      threads of every program (all cores)
#   --json FILE      the report as JSON
#   --only WORDS     only programs with one of these words, separated by commas, in their name: minnorm,dposv
#   --limit S        seconds after which a run is given up (3600)
#   --no-install     leave out what is not installed
#
# Timed is the whole process: reading .npy files, which minnorm data wrote beforehand, Gram matrix, solution,
# prediction, writing coefficients and scores. minnorm does more in that time: it estimates the condition number,
# evaluates its residual, and writes a whole model, synced to disk. Accuracy is computed afterwards by a program of its
# own (check.py). The images are those of MNIST when MINNORM_DATA
# names the folder that holds them, else drawn digits. The programs compared with are Debian packages; this script
# installs them (with sudo when not root) and nothing else needs them. Environment: BUILD or MINNORM, the command.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
minnorm=${MINNORM:-${BUILD:-$here/../../build}/minnorm}
packages=(python3-sklearn python3-scipy python3-numpy octave)
gamma=0.02 repeat=3 threads=$(nproc) json='' only='' limit=3600 install=1 sizes=()

usage() { sed -n '2,/^set -eu/s/^# \{0,1\}//p' "$0"; }
fail() { echo "peers.sh: $1" >&2 && exit "${2:-1}"; }
number() { [[ $2 =~ ^[1-9][0-9]*$ ]] || fail "$1: a number of at least 1 expected, not '$2'" 2; }

while [ $# -gt 0 ]; do
  case $1 in
    --repeat | --threads | --json | --only | --limit)
      [ $# -gt 1 ] || fail "$1 needs an argument" 2
      declare "${1#--}=$2"
      shift
      ;;
    --no-install) install=0 ;;
    --help | -h) usage && exit 0 ;;
    *) number size "$1" && sizes+=("$1") ;;
  esac
  shift
done
number --repeat "$repeat" && number --threads "$threads" && number --limit "$limit"
[ ${#sizes[@]} -gt 0 ] || sizes=(5000 10000 20000)
[ -x "$minnorm" ] || fail "$minnorm is not there; make first, or set BUILD or MINNORM"
[ -z "$json" ] || [ -w "$(dirname "$json")" ] || fail "$json cannot be written"

missing() { for p in "${packages[@]}"; do dpkg -s "$p" > /dev/null 2>&1 || echo "$p"; done; }
install_packages() {
  local as_root=() wanted
  mapfile -t wanted < <(missing)
  [ ${#wanted[@]} -gt 0 ] || return 0
  command -v apt-get > /dev/null || fail "not a Debian system: install ${wanted[*]} and use --no-install"
  [ "$(id -u)" = 0 ] || as_root=(sudo)
  echo "installing ${wanted[*]}" >&2
  "${as_root[@]}" apt-get update -q >&2
  "${as_root[@]}" apt-get install -y -q --no-install-recommends "${wanted[@]}" >&2
}
[ $install = 0 ] || install_packages

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
# Fast mathematics lets the compiler call vector exponentials; the accuracy is measured, not assumed.
${CC:-cc} -O3 -march=native -ffast-math -fopenmp -o "$work/peer_lapack" "$here/peer_lapack.c" -lm -ldl ||
  echo "peers.sh: no C compiler: without LAPACK" >&2

convert() { "$minnorm" data -q "$@"; }
data='synth:digits'
if [ -n "${MINNORM_DATA:-}" ]; then
  data=MNIST
  convert --dataset mnist --part test --n 2000 --convert "npy:$work/xt.npy,$work/yt.npy"
else
  convert --test synth:digits,part=test,n=2000 --convert "npy:$work/xt.npy,$work/yt.npy"
fi
for n in "${sizes[@]}"; do
  source=(--train "synth:digits,n=$n")
  [ $data = synth:digits ] || source=(--dataset mnist --n "$n")
  convert "${source[@]}" --convert "npy:$work/x$n.npy,$work/y$n.npy"
done

python=/usr/bin/python3
[ -x $python ] || python=python3
$python "$here/peers.py" --minnorm "$minnorm" --work "$work" --repeat "$repeat" --threads "$threads" --gamma "$gamma" \
  --limit "$limit" --only "$only" --data "$data" ${json:+--json "$json"} "${sizes[@]}"
