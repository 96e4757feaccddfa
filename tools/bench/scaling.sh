#!/bin/bash
# The runs of results/scaling: exact interpolation of MNIST by every road at growing n, its forecasts, and CIFAR-10
# with its mirror images. What FOLDER holds already is not run again, so that a stopped run goes on.
#
#   tools/bench/scaling.sh FOLDER [NAME...]          only the runs of these names; default all of them, about 3 hours
#   tools/bench/scaling.sh --list                    the runs, and their commands
#
# Every run leaves NAME.json, NAME.txt and NAME.forecast.json, what `minnorm fit` and its --dry-run write; the scores in
# KEPT (FOLDER.kept) are for comparing the answer from disk with the one in memory. At the end
# scaling.py makes the table and the picture of all that are there. It takes 2 cores, 22 GiB of memory, 30 GB of disk
# under FOLDER for a while, python3 and gnuplot. Environment: BUILD or MINNORM, the command; MINNORM_DATA.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
. "$here/runs.sh"

mnist='--dataset mnist --gamma 0.02'
for n in 5000 10000 20000 40000; do
  runs_add "mnist-double-$n" "$mnist --n $n --precision double --scores KEPT/mnist-double-$n.npy"
  runs_add "mnist-mixed-$n" "$mnist --n $n --precision mixed"
  runs_add "mnist-cg-$n" "$mnist --n $n --solver cg --tol 1e-10"
done
runs_add mnist-mixed "$mnist --precision mixed"
runs_add mnist-mixed-10G "$mnist --precision mixed --memory 10G"
runs_add mnist-cg-tol "$mnist --solver cg --tol 1e-10"
runs_add mnist-auto "$mnist"
runs_add mnist-cg "$mnist --solver cg --tol interpolate"
runs_add mnist-cg-random "$mnist --solver cg --tol interpolate --corrupt 1 --seed 1"
runs_add mnist-disk-40000 "$mnist --n 40000 --precision double --memory 4G --scratch SCRATCH --scores KEPT/mnist-disk-40000.npy"
runs_add cifar10-mirror "--dataset cifar10 --mirror --precision mixed --checkpoint SCRATCH"

runs_main "$@"
python3 "$here/scaling.py" "$1"
