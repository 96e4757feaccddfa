#!/bin/bash
# --measures: complexity measures beside the norm in report, table and forecast of a fit.
. "$(dirname "$0")/support.bash"
cd "$work" || exit 1
digits=(--train synth:digits,n=300 --gamma 0.02)
near() { awk -v a="$1" -v b="$2" -v t="$3" 'BEGIN { exit !(a != "" && b != "" && (a - b) ^ 2 <= (t * b) ^ 2 + 1e-300) }' || { echo "'$1' is not near '$2'" && false; }; }
# A member of the object "measures".
measure() { sed -n "/\"measures\":/,/}/s/^\t\t\"$2\":\t\([^,]*\),\{0,1\}\$/\1/p" "$1"; }
# A value by awk: calc '3 * 4'.
calc() { awk "BEGIN { printf \"%.15g\", $1 }"; }

run fit "${digits[@]}" --measures --json fit.json
ok 'fit' same "$status" 0
ok 'the report is JSON' valid_json fit.json
ok 'the table has the ball' grep -Eq '^rademacher +[0-9.]+ \+- [0-9.]+ of the ball of that norm, bound [0-9.]+$' out
ok '  random signs' grep -Eq '^random +1 \+- [0-9.e-]+ of random signs fitted, norm' out
ok '  the dimension' grep -Eq '^dimension +300 of 300 effective, trace 300$' out
ok '  margins' grep -Eq '^margin +1 least, 1 the tenth, 1 mean$' out
ok '  and stability' grep -Eq '^stability +[0-9.]+ mean, [0-9.]+ largest' out
ok 'leave-one-out comes with them' less 0 "$(field fit.json loo_error)"
ok '32 draws of seed 0' same "$(measure fit.json draws) $(measure fit.json seed)" '32 0'
ok 'random signs are fitted' near "$(measure fit.json random_fit)" 1 1e-10
norm=$(field fit.json norm)
ok 'the bound' near "$(measure fit.json rademacher_bound)" "$(calc "$norm * sqrt(300) / 300")" 1e-12
ok 'margins over the norm' near "$(measure fit.json normalised_margin_mean)" "$(calc "1 / $norm")" 1e-9
run fit "${digits[@]}" --measures --draws 2000 --seed 5 --threads 1 --json many.json
ok 'more draws' same "$(measure many.json draws) $(measure many.json seed)" '2000 5'
ok '  have less error' less "$(measure many.json rademacher_error)" "$(calc "$(measure fit.json rademacher_error) / 4")"
ok '  and stay below the bound' less "$(measure many.json rademacher)" "$(measure many.json rademacher_bound)"
run fit "${digits[@]}" --measures --draws 2000 --seed 5 --threads 2 --json threads.json
ok '  whatever the threads' near "$(measure threads.json rademacher)" "$(measure many.json rademacher)" 1e-12
run fit "${digits[@]}" --measures --ridge 0.5 --draws 500 --json ridge.json
ok 'with a ridge less is fitted' near "$(measure ridge.json random_fit)" "$(calc "$(measure ridge.json effective_dimension) / 300")" 0.01
ok '  and the dimension is lower' less "$(measure ridge.json effective_dimension)" 299
run fit --train synth:regression,n=90 --gamma 0.1 --measures --json real.json
ok 'of a regression there is no margin' same "$(measure real.json margin_least)" null
ok '  nor in the table' lacks out margin
ok '  but stability' less 0 "$(measure real.json stability_mean)"
run fit "${digits[@]}" --loo --json plain.json
ok 'not asked for, not there' same "$(field plain.json measures)" null
ok '  nor in the table' lacks out rademacher
run fit "${digits[@]}" --measures --dry-run --json dry.json
ok 'a forecast' grep -Eq '^measures +[0-9.e+]+ flops +[0-9.]+ s' out
ok '  counts them' less 0 "$(field dry.json measures_s)"
ok '  and what is left out' near "$(field dry.json loo_flops)" "$(field dry.json factor_flops)" 1e-9
run fit "${digits[@]}" --dry-run --json dry.json
ok '  unless they are not asked for' same "$(field dry.json measures_s) $(field dry.json loo_s)" '0 0'
accepts 'kept products' fit -q "${digits[@]}" --features gabor --measures --save-gram gram --json gram.json
ok '  have a trace' less 0 "$(measure gram.json trace)"
accepts '  once more' fit -q "${digits[@]}" --load-gram gram --measures --json again.json
ok '  the same' near "$(measure again.json rademacher)" "$(measure gram.json rademacher)" 1e-12
refuses 'cg has no factor' 2 'measures take a factor' fit "${digits[@]}" --measures --solver cg -q
refuses 'nor has stopping early' 2 'measures take a factor' fit "${digits[@]}" --measures --tol interpolate -q
refuses 'one draw has no error' 2 '--draws 1' fit "${digits[@]}" --measures --draws 1
finish
