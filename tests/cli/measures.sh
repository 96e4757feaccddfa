#!/bin/bash
# --measures: complexity measures beside the norm in report, table and forecast of a fit, in the points of a sweep, and
# against its test errors.
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
# ---- sweeps
member() { sed -n "$(($2 + 2))p" "$1" | grep -o "\"$3\":[^,}]*" | head -n 1 | cut -d: -f2; }
# A number of a measure's rank correlation, as norms finds it.
correlation() { sed -n "/\"correlations\"/,\$p" "$1" | grep -A5 "\"measure\":.\"$2\"" | sed -n "s/.*\"$3\":\t\([^,]*\).*/\1/p" | head -n 1; }
grid=(--train synth:digits,n=200 --test synth:digits,part=test,n=200 --gamma 0.01,0.04 --ridge 0,0.5 --corrupt 0,0.5,1)
run sweep "${grid[@]}" --measures --draws 8 --log sweep.jsonl --json sweep.json --csv sweep.csv
ok 'a sweep' same "$status" 0
ok 'the report is JSON' valid_json sweep.json
ok 'leave-one-out is shown' contains out 'left out'
accepts 'their ranks against the test errors' norms -q sweep.jsonl --json ranks.json
ok '  of eighteen, for all points and for those of true labels' same "$(grep -c '"spearman"' ranks.json)" 36
ok '  of all points' same "$(correlation ranks.json norm points)" 12
ok '  null where there is none' same "$(correlation ranks.json trace kendall)" null
ok '  left out goes with the test error' less 0.7 "$(correlation ranks.json loo_error spearman)"
ok '  margins over the norm against it' less "$(correlation ranks.json normalised_margin_mean kendall)" 0
ok 'the CSV has them' same "$(head -n 1 sweep.csv | tr ',' '\n' | grep -c -e margin -e rademacher -e stability)" 11
for point in 0 5 10; do
  run fit -q --train synth:digits,n=200 --gamma "$(member sweep.jsonl $point gamma)" --ridge "$(member sweep.jsonl $point ridge)" \
    --corrupt "$(member sweep.jsonl $point corrupt)" --measures --draws 8 --json point.json
  for name in rademacher random_norm margin_tenth effective_dimension stability_mean; do
    ok "point $point has the $name of a fit" near "$(member sweep.jsonl $point $name)" "$(measure point.json $name)" 1e-7
  done
done
head -n 6 sweep.jsonl > part.jsonl
run sweep "${grid[@]}" --measures --draws 8 --log part.jsonl --json part.json
ok 'goes on' same "$status $(field part.json resumed)" '0 5'
accepts 'its ranks' norms -q part.jsonl --json part-ranks.json
for name in norm loo_mse random_fit margin_least stability_most; do
  ok "  with the correlation of $name" same "$(correlation part-ranks.json $name kendall)" "$(correlation ranks.json $name kendall)"
done
refuses 'other draws' 1 'another draws' sweep "${grid[@]}" -q --measures --log part.jsonl
run sweep "${grid[@]}" --json without.json --csv without.csv
ok 'not asked for, not there' same "$(grep -c rademacher without.json without.csv | tr '\n' ' ')" 'without.json:0 without.csv:0 '
accepts 'a regression' sweep -q --train synth:regression,n=90 --test synth:regression,part=test,n=50 --gamma 0.05,0.1,0.2,0.4 --measures --json real.json
ok '  has them, too' same "$(grep -o '"rademacher":[0-9]' real.json | wc -l | tr -d ' ')" 4
run sweep "${grid[@]}" --measures --dry-run --json dry.json
ok 'a forecast counts them' less 0 "$(field dry.json measures_s)"
refuses 'cg has no factor' 2 'measures take a factor' sweep "${grid[@]}" --measures --solver cg -q

refuses 'cg has no factor' 2 'measures take a factor' fit "${digits[@]}" --measures --solver cg -q
refuses 'nor has stopping early' 2 'measures take a factor' fit "${digits[@]}" --measures --tol interpolate -q
refuses 'draws of nothing' 2 '--draws belongs to --measures' fit "${digits[@]}" --draws 9
refuses '  nor in a sweep' 2 '--draws belongs to --measures' sweep "${digits[@]}" --draws 9
refuses 'one draw has no error' 2 '--draws 1' fit "${digits[@]}" --measures --draws 1
finish
