#!/bin/bash
# minnorm norms interpolants: every interpolant fits, none has less than the least norm, descents arrive where they should;
# table, report and picture; features; what is refused. With MINNORM_DATA, a linear problem of CIFAR-10 too.
data=${MINNORM_DATA:-}
. "$(dirname "$0")/support.bash"
cd "$work" || exit 1
digits=(--train synth:digits,n=150 --test synth:digits,part=test,n=80)

# A member of the interpolant of a name.
of() { # FILE NAME MEMBER
  tr -d '\t\n' < "$1" | grep -o "{\"interpolant\":\"$2\".*" | grep -o "\"$3\":[^,}]*" | head -n 1 | cut -d: -f2
}

# What has to hold of a report of all of them; more descents from zero that have to arrive.
check() { # FILE [NAME]
  local name outside
  ok 'the report is JSON' valid_json "$1"
  for name in 'least norm' 'random centres' 'forced labels' gradient momentum sgd 'momentum, outside' 'sgd, outside'; do
    ok "$name fits the training samples" same "$(of "$1" "$name" train_error)" 0
    [ "$name" = gradient ] || ok "  and its norm is no less than the least" less 0.999999 "$(of "$1" "$name" norm_ratio)"
  done
  ok 'plain gradient descent comes from below' less "$(of "$1" gradient norm_ratio)" 1.000001
  ok 'random centres have a larger norm' less 1.1 "$(of "$1" 'random centres' norm_ratio)"
  ok '  and a larger test error' less "$(of "$1" 'least norm' test_error)" "$(of "$1" 'random centres' test_error)"
  ok 'forced labels have a larger norm' less 1.1 "$(of "$1" 'forced labels' norm_ratio)"
  ok '  and miss most test labels' less 0.7 "$(of "$1" 'forced labels' test_error)"
  for name in momentum sgd ${2:-}; do
    ok "$name arrives" same "$(of "$1" $name converged)" true
    ok "  at the direct solution" less "$(of "$1" $name direct_distance)" 1.01e-6
    [ "$name" != kaczmarz ] || continue
    outside="$name, outside"
    ok "$outside arrives" same "$(of "$1" "$outside" converged)" true
    ok '  at its limit' less "$(of "$1" "$outside" distance)" 1.01e-6
    ok '  away from the direct solution' less 1e-3 "$(of "$1" "$outside" direct_distance)"
    ok '  with a larger norm' less 1.000001 "$(of "$1" "$outside" norm_ratio)"
  done
}

run norms interpolants "${digits[@]}" --gamma 0.02 --curvature --passes 3000 --json all.json
ok 'a comparison' same "$status $(grep -c '^minnorm: norms interpolants: forecast: ' err)" '0 1'
check all.json
ok 'a table of eight' same "$(grep -Ec ' 0\.00 % ' out)" 8
ok 'the way of every descent' grep -Eq '^passes +gradient +momentum +sgd +momentum, outside +sgd, outside$' out
ok 'plain gradient descent takes more passes than momentum' less "$(of all.json momentum passes)" "$(of all.json gradient passes)"
ok 'spectra at two minima' same "$(grep -Ec '^(squared|logistic) .* 150 ' out)" 4
ok '  are the same' same "$(tr -d '\t\n' < all.json | grep -o '"difference":[^,]*' | awk -F: '$2 + 0 > 1e-6' | wc -l)" 0
run fit -q "${digits[@]}" --gamma 0.02 --json fit.json
ok 'the least norm is that of a fit' same "$(of all.json 'least norm' norm | cut -c1-12)" "$(field fit.json norm | cut -c1-12)"
ok 'task, targets and scale are said as in a fit' same "$(for k in scale task targets; do field all.json $k; done)" "$(for k in scale task targets; do field fit.json $k; done)"
ok '  and so is the test error' same "$(of all.json 'least norm' test_error)" "$(field fit.json test_error)"

# ---- a linear problem of features: mean 0, so that the targets have to have it too
linear=(--kernel linear --features conv --filters 128 --passes 300)
accepts 'a linear problem of features' norms interpolants -q "${digits[@]}" "${linear[@]}" --center --json linear.json
ok '  of so many' less 229 "$(field linear.json dim)"
ok '  fits' less "$(of linear.json 'least norm' residual)" 1e-8
run fit -q "${digits[@]}" --kernel linear --features conv --filters 128 --center --json fit.json
ok '  as a fit does' less "$(awk -v a="$(of linear.json 'least norm' norm)" -v b="$(field fit.json norm)" 'BEGIN { d = a / b - 1; print d < 0 ? -d : d }')" 1e-4
refuses 'features of mean 0 with other targets' 1 'more than 1e-08, rank 149 of 150; features of mean 0 want targets of mean 0: --center' norms interpolants -q "${digits[@]}" "${linear[@]}"

# ---- with less at hand
run norms interpolants --train synth:digits,n=60 --passes 20 --gamma 0.02 --quiet --json -
ok 'no test samples' same "$status $(grep -c '"interpolant":' out)" '0 7'
run data -q --train synth:digits,part=test,n=30 --convert npy:x.npy,y.npy
run norms interpolants --train synth:digits,n=60 --test npy:x.npy --passes 20 --gamma 0.02 --quiet --json -
ok 'test samples without labels' same "$status $(grep -c '"interpolant":' out)" '0 7'
run norms interpolants "${digits[@]}" --gamma 0.02 --passes 20 --batch 16 --seed 3
ok 'descents that do not arrive are said to' contains out 'ended by --passes'
run norms interpolants "${digits[@]}" --dry-run --json dry.json
ok 'a forecast' same "$status $(grep -c 'a pass and at most 20,000 passes each' out)" '0 1'
ok '  in the report, too' same "$(field dry.json dry_run) $(field dry.json fits)" 'true true'
wide=(norms interpolants -q --train synth:digits,n=200 --test synth:digits,part=test,n=400 --features conv --filters 8192 --gamma 1 --passes 5)
run "${wide[@]}" --dry-run --json dry.json
if memory_counts; then
  run "${wide[@]}" --json wide.json
  ok 'features and copies of them are in the forecast' less "$(field wide.json peak_rss_bytes)" $(($(field dry.json bytes) * 5 / 4))
  ok '  and not much beside' less "$(field dry.json bytes)" $(($(field wide.json peak_rss_bytes) * 5 / 4))
fi
refuses 'features without room' 1 'take fewer with --n' norms interpolants -q "${digits[@]}" --features conv --filters 20000 --memory 30M
if command -v gnuplot > /dev/null; then
  accepts 'a picture' norms interpolants -q "${digits[@]}" --gamma 0.02 --passes 30 --plot way.svg
  ok '  of the ways' contains way.svg 'distance to the limit'
else
  skip 'a picture' 'gnuplot is not installed'
fi

# ---- what is refused
refuses 'no samples' 2 'training samples expected' norms interpolants
refuses 'a word' 2 'unexpected argument x' norms interpolants "${digits[@]}" x
refuses 'fewer features than samples' 1 'does not interpolate 1000 samples' norms interpolants -q --train synth:digits,n=1000 --kernel linear
refuses 'no passes' 2 '--passes 0' norms interpolants "${digits[@]}" --passes 0
refuses 'two results in one file' 2 'the same file' norms interpolants "${digits[@]}" --json x.svg --plot x.svg
refuses 'a ridge' 2 'unknown option --ridge' norms interpolants "${digits[@]}" --ridge 1
printf '1,2,0\n3,4,1\n1,2,0\n' > twice.csv
refuses 'equal samples' 1 'samples 0 and 2' norms interpolants -q --train csv:twice.csv

if [ -n "$data" ] && [ -d "$data/cifar-10-batches-bin" ]; then
  accepts 'CIFAR-10, linear in random features' norms interpolants -q --dataset cifar10 --data-dir "$data" --n 200 --n-test 200 \
    --kernel linear --features conv --filters 64 --center --curvature --passes 20000 --json cifar.json
  check cifar.json kaczmarz
  ok 'steps that fit each sample take fewer passes than steps for the longest' less "$(of cifar.json kaczmarz passes)" \
    "$(of cifar.json sgd passes)"
  ok 'zero eigenvalues are the rest of the features' same "$(grep -c '"zeros":.313,' cifar.json)" 4
else
  skip 'CIFAR-10, linear in random features' 'MINNORM_DATA is not set'
fi
finish
