#!/bin/bash
# fit --loo: leave-one-out error and generalised cross-validation in report and table.
. "$(dirname "$0")/support.bash"
cd "$work" || exit 1
digits=(--train synth:digits,n=300 --gamma 0.02)
# Numbers of a list in the report, one a line.
list() { sed -n "s/^\t\"$2\":\t\[\(.*\)\].*/\1/p" "$1" | tr ',' '\n'; }
near() { awk -v a="$1" -v b="$2" -v t="$3" 'BEGIN { exit !(a != "" && (a - b) ^ 2 <= (t * b) ^ 2) }' || { echo "'$1' is not near '$2'" && false; }; }

run fit "${digits[@]}" --loo --json loo.json
ok 'fit' same "$status" 0
ok 'the table has it' grep -Eq '^left out +[0-9.]+ % error, [0-9.]+ square error, gcv [0-9.]+' out
ok 'the report is JSON' valid_json loo.json
ok 'an error between 0 and 1' less "$(field loo.json loo_error)" 1
ok 'a square error' less 0 "$(field loo.json loo_mse)"
ok 'gcv is near it' near "$(field loo.json gcv)" "$(field loo.json loo_mse)" 0.5
ok 'a time' less -1e-9 "$(field loo.json loo_s)"
ok 'ten classes' same "$(list loo.json loo_error_per_class | wc -l)" 10
ok 'fp64 needs no check' same "$(field loo.json loo_diagonal_error) $(field loo.json loo_probes)" 'null 0'
run fit "${digits[@]}" --loo --precision mixed --json mixed.json
ok 'mixed precision is about the same' near "$(field mixed.json loo_mse)" "$(field loo.json loo_mse)" 0.01
ok 'and says how good it is' less "$(field mixed.json loo_diagonal_error)" 0.05
ok 'at so many samples' same "$(field mixed.json loo_probes)" 8
run fit "${digits[@]}" --json plain.json
ok 'not asked for, not there' same \
  "$(for key in loo_error loo_mse loo_error_per_class gcv loo_s; do field plain.json $key; done | sort -u)" null
ok 'nor in the table' lacks out 'left out'
run fit --train synth:digits,n=300 --gamma 0.02 --ridge 0.1 --loo --json ridge.json
ok 'with a ridge too' less 0 "$(field ridge.json loo_error)"
# ---- bandwidth and ridge chosen by it
run fit --train synth:digits,n=300 --select loo --select-gamma 0.01,0.02,0.04 --select-ridge 0,1e-2 --loo --json select.json
ok 'select' same "$status" 0
ok 'the table says so' grep -Eq '^selected +ridge .* best of 6 pairs by leave-one-out on 300 samples' out
ok 'six points and the best' same "$(grep -c '"gcv"' select.json)" 8
best() { sed -n "/\"best\":/,/}/s/.*\"$1\":\t\([^,]*\).*/\1/p" select.json; }
ok 'the ridge is the one fitted' same "$(best ridge)" "$(field select.json ridge)"
ok 'what it was chosen by is what the fit says' near "$(best loo_mse)" "$(field select.json loo_mse)" 1e-9
run fit --train synth:digits,n=300 --gamma 0.02 --ridge 0.1 --select loo --select-samples 100 --json select.json
ok 'numbers given are lists of one' same "$(field select.json ridge) $(best gamma)" '0.1 0.02'
ok 'of so many samples' contains select.json "$(printf '"samples":\t100')"
ok 'without, null' same "$(field loo.json selection)" null
accepts 'by the error rate' fit -q --train synth:digits,n=300 --select loo-error --select-gamma 0.01,0.02,0.04 --json error.json
ok '  as the report says' contains error.json "$(printf '"by":\t"loo-error"')"
refuses 'no error rate of a regression' 2 'no error rate' fit --train synth:regression,n=90 --select loo-error
refuses 'a list without --select' 2 'belongs to --select' fit "${digits[@]}" --select-ridge 0,1
refuses 'a list with a hole' 2 '--select-ridge' fit "${digits[@]}" --select loo --select-ridge 0,,1
refuses 'a bandwidth of 0' 2 '--select-gamma' fit "${digits[@]}" --select loo --select-gamma 0
refuses 'no bandwidth in this kernel' 2 'no bandwidth' fit --train synth:digits,n=30 -k linear --select loo --select-gamma 1
refuses 'cg has no factor' 2 'leave-one-out' fit "${digits[@]}" --loo --solver cg -q
refuses 'nor has stopping early' 2 'leave-one-out' fit "${digits[@]}" --loo --tol interpolate -q
finish
