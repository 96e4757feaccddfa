#!/bin/bash
# Times the feature maps against their twins in numpy and scipy, on the same images in the same run, and against the
# measured rate of sgemm: Gabor wavelets, scattering, a layer of Gaussian filters.
#
#   tools/bench/features.sh [OPTION...]
#
#   --n N            images of the wavelet maps (2000); the layer takes a quarter of them
#   --filters F      of the layer (1024)
#   --repeat R       every program R times, in turns, medians (3)
#   --threads T      threads of every program (all cores)
#   --maps WORDS     only these, separated by commas: gabor,scattering,conv
#   --json FILE      the report as JSON
#
# Timed is the transform alone on either side: neither reading, nor making bank or filters, nor writing. Images are
# those of MNIST (wavelets) and CIFAR-10 (layer) when MINNORM_DATA names the folder that holds them, else drawn digits.
# Needs python3 with numpy; scipy.fft, with threads, is used where it is installed. Environment: BUILD or MINNORM.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
minnorm=${MINNORM:-${BUILD:-$here/../../build}/minnorm}
n=2000 filters=1024 repeat=3 threads=$(nproc) maps=gabor,scattering,conv json=''

usage() { sed -n '2,/^set -eu/s/^# \{0,1\}//p' "$0" | sed '$d'; }
fail() { echo "features.sh: $1" >&2 && exit "${2:-1}"; }
number() { [[ $2 =~ ^[1-9][0-9]*$ ]] || fail "$1: a number of at least 1 expected, not '$2'" 2; }

while [ $# -gt 0 ]; do
  case $1 in
    --n | --filters | --repeat | --threads | --maps | --json)
      [ $# -gt 1 ] || fail "$1 needs an argument" 2
      declare "${1#--}=$2"
      shift
      ;;
    --help | -h) usage && exit 0 ;;
    *) fail "unknown option $1; see --help" 2 ;;
  esac
  shift
done
number --n "$n" && number --filters "$filters" && number --repeat "$repeat" && number --threads "$threads"
[ -x "$minnorm" ] || fail "$minnorm is not there; make first, or set BUILD or MINNORM"
[ -z "$json" ] || [ -w "$(dirname "$json")" ] || fail "$json cannot be written"
python=
for candidate in /usr/bin/python3 python3; do
  if [ -z "$python" ] && $candidate -c 'import numpy' 2> /dev/null; then python=$candidate; fi
done
[ -n "$python" ] || fail 'python3 with numpy is needed: apt-get install python3-numpy python3-scipy'
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
export OMP_NUM_THREADS=$threads OPENBLAS_NUM_THREADS=$threads

images() { # file, data set, count
  local source=(--dataset "$2")
  [ -n "${MINNORM_DATA:-}" ] || source=(--train "synth:digits,n=$3")
  "$minnorm" data "${source[@]}" --n "$3" --convert "npy:$1.npy,$1.labels.npy" -q
}

layer_n=$(((n + 3) / 4))
images "$work/wavelets" mnist "$n"
images "$work/layer" cifar10 "$layer_n"

run_map() { # map, repeat
  local map=$1 out=$work/$1.$2
  if [ "$map" = conv ]; then
    "$minnorm" features --train "npy:$work/layer.npy" --features conv --preset gaussian --filters "$filters" --compare-gemm \
      --threads "$threads" -q --json "$out.ours"
    $python "$here/conv_peer.py" "$work/layer.npy" --n "$layer_n" --count "$filters" > "$out.peer"
  else
    "$minnorm" features --train "npy:$work/wavelets.npy" --features "$map" --out "$work/f.npy" --compare-gemm \
      --threads "$threads" -q --json "$out.ours"
    $python "$here/features_peer.py" "$work/wavelets.npy" "$map" --ours "$work/f.npy" --threads "$threads" > "$out.peer"
  fi
}

for ((r = 1; r <= repeat; r++)); do
  for map in ${maps//,/ }; do
    case $map in gabor | scattering | conv) run_map "$map" "$r" ;; *) fail "no map $map" 2 ;; esac
  done
done

$python - "$work" "$repeat" "$json" ${maps//,/ } << 'PYTHON'
import json, re, statistics, sys

work, repeat, path, maps = sys.argv[1], int(sys.argv[2]), sys.argv[3], sys.argv[4:]


def peer(name):
    text = open(name).read()
    if text.startswith("{"):
        report = json.loads(text)
        return report["library"], report["seconds"], report["max_difference"]
    return "numpy", float(re.search(r": ([0-9.]+) s,", text).group(1)), None


points = []
print("%-11s %7s %8s %10s %10s %7s %9s %9s  %s" % ("map", "images", "features", "minnorm, s", "peer, s", "ratio", "Gflop/s", "of sgemm", "peer"))
for name in maps:
    ours = [json.load(open("%s/%s.%d.ours" % (work, name, r))) for r in range(1, repeat + 1)]
    peers = [peer("%s/%s.%d.peer" % (work, name, r)) for r in range(1, repeat + 1)]
    median = lambda key: statistics.median(report[key] for report in ours)
    seconds = statistics.median(p[1] for p in peers)
    point = {
        "map": name, "n": ours[0]["n"], "dim": ours[0]["features"]["dim"], "engine": ours[0]["features"]["engine_used"],
        "threads": ours[0]["threads"], "features_s": median("features_s"), "gflops": median("gflops"),
        "sgemm_gflops": median("sgemm_gflops"), "sgemm_ratio": median("sgemm_ratio"), "peer": peers[0][0], "peer_s": seconds,
        "ratio": seconds / median("features_s"), "max_difference": peers[0][2],
    }
    points.append(point)
    print("%-11s %7d %8d %10.3f %10.3f %7.1f %9.1f %8.0f%%  %s" % (name, point["n"], point["dim"], point["features_s"], seconds,
          point["ratio"], point["gflops"], 100 * point["sgemm_ratio"], point["peer"]))
if path:
    json.dump({"command": "tools/bench/features.sh", "repeat": repeat, "points": points}, open(path, "w"), indent=1)
PYTHON
