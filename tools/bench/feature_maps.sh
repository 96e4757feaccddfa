#!/bin/bash
# The runs of results/mnist-gabor and results/cifar10-conv: Gaussian and linear kernels on Gabor wavelets, scattering and
# random convolutions. Products of features are made once and kept; each further run only takes another ridge or kernel.
#
#   tools/bench/feature_maps.sh FOLDER [NAME...]     only the runs of these names, in this order: the first of a map
#                                                    makes its products
#   tools/bench/feature_maps.sh --list               the runs, and their commands
#
# Bandwidths and ridges are chosen by the leave-one-out error of training images. Every run leaves NAME.json, NAME.txt
# and, when it makes products, NAME.forecast.json. It takes 2 cores, 22 GiB of memory, and under $KEPT (FOLDER.kept)
# 20 GB of disk for each map of MNIST and 12 GB for each of CIFAR-10. Environment: BUILD or MINNORM, the command;
# MINNORM_DATA; KEPT.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
. "$here/runs.sh"

by_error='--select loo-error --select-samples 15000'
for map in gabor scattering; do
  runs_add $map "--dataset mnist --features $map --save-gram KEPT/$map $by_error --select-ridge 0 --rcond" \
    "--draw-errors FOLDER/$map-errors.png"
  for ridge in 0 1e-8 1e-7 1e-6 1e-5 1e-4 1e-3 1e-2 1e-1 1; do
    runs_add "$map-30000-ridge-$ridge" "--dataset mnist --load-gram KEPT/$map --n 30000" \
      "--gamma GAMMA:$map --ridge $ridge"
  done
done

# On features the kernel has to be wide, and images that no kernel tells apart want a ridge; the linear kernel, the paper's
# model, wants more of it. For each kernel: ridge 0 and the best ridge, the Gaussian with its own bandwidth each time.
# Standard features have mean 0, so that no linear model of them has the mean of the labels: it is given a bias, a
# polynomial of degree 1. It has no solution at ridge 0 where images are more than features.
linear='--kernel polynomial --degree 1 --coef0 1 --gamma 1'
by_error='--select loo-error --select-samples 10000'
gammas='--select-gamma 0.03,0.06,0.12,0.25,0.5'
ridges='--select-ridge 1e-4,3e-4,1e-3,2e-3,4e-3,1e-2,3e-2'
for filters in 4096 32000; do
  conv="--dataset cifar10 --features conv --filters $filters"
  kept="--dataset cifar10 --load-gram KEPT/conv-$filters"
  runs_add "conv-$filters" "$conv --save-gram KEPT/conv-$filters $by_error $gammas --select-ridge 0"
  runs_add "conv-$filters-ridge" "$kept $by_error $gammas $ridges --draw-errors FOLDER/conv-$filters-errors.png"
  [ "$filters" = 4096 ] || runs_add "conv-$filters-linear" "$kept $linear"
  runs_add "conv-$filters-linear-ridge" "$kept $linear --select loo-error --select-samples 20000 --select-ridge 3e-4,1e-3,3e-3,1e-2,3e-2,1e-1"
done

runs_main "$@"
