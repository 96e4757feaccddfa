#!/bin/bash
# The curves of results/curves: the norm and the errors of interpolants against the part of the labels that is random, of
# all of MNIST, beside the single fit that they cost little more than; against the bandwidth, with what leave-one-out says
# of it; against the number of samples; and against the number of features, across the interpolation threshold.
#
#   tools/bench/curves.sh FOLDER [NAME...]          only the runs of these names; default all of them
#   tools/bench/curves.sh --list                    the runs, and their commands
#
# Every run leaves NAME.json and NAME.txt; sweeps NAME.svg, too, drawn by gnuplot. Environment: BUILD or MINNORM, the
# command; MINNORM_DATA.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
. "$here/runs.sh"

curve() { # NAME OPTIONS
  runs_add "$1" sweep "$2 --plot FOLDER/$1.svg"
}
mnist='--dataset mnist --gamma 0.02'
runs_add mnist-single "$mnist --precision mixed"
curve mnist-corruption "$mnist --precision mixed --corrupt 0:1:0.1 --seed 0,1,2"
runs_add mnist-signs "$mnist --precision mixed --targets pm1"
runs_add mnist-fit-10000 "$mnist --n 10000 --precision double"
runs_add mnist-loo-10000 "$mnist --n 10000 --precision double --loo"
curve mnist-bandwidth "--dataset mnist --n 10000 --gamma 0.0025,0.005,0.01,0.02,0.04,0.08,0.16 --loo"
curve mnist-samples "$mnist --n 1000,2000,4000,8000,16000,32000 --loo"
# The linear kernel on random convolutions, the paper's model: 10,000 samples have their threshold at 10,000 features.
curve cifar10-features "--dataset cifar10 --n 10000 --features conv --filters 8192 --kernel polynomial --degree 1 --coef0 1 --gamma 1 \
  --dim 2048,4096,6144,8192,10240,12288,16384,24576,32768,49152,65536"

runs_main "$@"
