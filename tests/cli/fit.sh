#!/bin/bash
# From samples to a report, a saved model and predictions.
. "$(dirname "$0")/support.bash"
cd "$work" || exit 1
digits=(--train synth:digits,n=300 --test synth:digits,part=test,n=120)

# ---- a classifier
run fit "${digits[@]}" --gamma 0.02 --json fit.json --save digits.model --labels fit.txt --scores fit.npy
ok 'fit' same "$status" 0
ok 'the table has the errors' grep -Eq '^error +0.00 % +[0-9.]+ %$' out
ok 'the table has the times' grep -Eq '^gram +[0-9.]+ s +[0-9.]+ Gflop/s$' out
ok 'the forecast is one line on stderr' same "$(grep -c '^minnorm: fit: forecast: ' err)" 1
ok 'the report is valid JSON' valid_json fit.json
for key in version command dataset n_train n_test dim classes features kernel targets ridge corrupt seed threads solver \
  precision fallbacks features_s gram_s factor_s refine_s solve_s predict_s total_s peak_rss_bytes gram_gflops \
  factor_gflops train_error test_error train_rmse test_rmse r2 iterations norm norm_per_class residual rcond rank \
  loo_error; do
  ok "the report has $key" grep -q "^	\"$key\":	" fit.json
done
ok 'command' same "$(field fit.json command)" '"fit"'
ok 'dataset' same "$(field fit.json dataset)" '"synth:digits"'
ok 'n_train' same "$(field fit.json n_train)" 300
ok 'n_test' same "$(field fit.json n_test)" 120
ok 'dim' same "$(field fit.json dim)" 784
ok 'classes' same "$(field fit.json classes)" 10
ok 'gamma' contains fit.json '"gamma":	0.02'
ok 'features' contains fit.json '"name":	"none"'
ok 'precision' same "$(field fit.json precision)" '"double"'
ok 'training error' same "$(field fit.json train_error)" 0
ok 'test error' less "$(field fit.json test_error)" 0.5
ok 'residual' less "$(field fit.json residual)" 1e-10
for key in iterations loo_error train_rmse test_rmse r2 features_s; do
  ok "$key does not apply" same "$(field fit.json $key)" null
done
ok 'a label a line' same "$(wc -l < fit.txt)" 120
ok 'the model is a folder' test -f digits.model/model.json
ok 'nothing else is left' same "$(find . -name '.*tmp*' | wc -l)" 0

# ---- the same from the saved model
run predict --model digits.model "${digits[@]:2}" --json predict.json --labels predict.csv --scores predict.npy
ok 'predict' same "$status" 0
ok 'nothing on stderr' test ! -s err
ok 'its report is valid JSON' valid_json predict.json
for key in command model dataset n_test dim classes test_error test_rmse r2 predict_s total_s peak_rss_bytes threads; do
  ok "it has $key" test -n "$(field predict.json $key)"
done
ok 'the same test error' same "$(field predict.json test_error)" "$(field fit.json test_error)"
ok 'the same labels' cmp fit.txt predict.csv
ok 'the same scores' cmp fit.npy predict.npy
errors=$(run data "${digits[@]:2}" --convert csv:truth.csv && sed 's/.*,//' truth.csv | paste -d' ' - fit.txt | awk '$1 != $2' | wc -l)
ok 'the error counts the labels that differ' same "$(awk -v e="$errors" 'BEGIN { printf "%.17g", e / 120 }')" \
  "$(awk -v e="$(field fit.json test_error)" 'BEGIN { printf "%.17g", e }')"
accepts 'predict without labels to compare with' predict --model digits.model "${digits[@]:2}" --quiet --labels quiet.txt
ok 'quiet prints nothing' test ! -s out
ok 'but writes' cmp fit.txt quiet.txt
accepts 'scores as text' predict -q --model digits.model --test synth:digits,part=test,n=9 --scores nine.csv
ok 'a sample a line' same "$(wc -l < nine.csv)" 9
ok 'a column a class' same "$(head -n 1 nine.csv | tr -cd , | wc -c)" 9

# ---- subsets in a random order
run fit "${digits[@]}" --gamma 0.02 --shuffle 7 --n 200 --n-test 50 -q --labels a.txt --save s.model --json a.json
ok 'a shuffled part' same "$status $(field a.json n_train) $(field a.json n_test)" '0 200 50'
run predict --model s.model "${digits[@]:2}" --shuffle 7 --n-test 50 -q --labels b.txt
ok 'the same part to predict' cmp a.txt b.txt
run fit "${digits[@]}" --gamma 0.02 --shuffle 8 --n 200 --n-test 50 -q --labels c.txt
ok 'another seed, another part' test -n "$(cmp a.txt c.txt 2>&1)"

# ---- standard output, quiet, verbose, dry run
run fit "${digits[@]}" --gamma 0.02 --json -
ok '--json - has the report alone' valid_json out
ok 'and no table' lacks out 'Gflop/s'
accepts 'quiet' fit "${digits[@]}" --gamma 0.02 --quiet
ok 'prints nothing' test ! -s out
printf '1,0\n1,0\n2,1\n' > twice.csv
run fit --train csv:twice.csv --gamma 1 --verbose
ok 'verbose prints remarks' contains err '1 samples equal earlier ones'
run fit --train csv:twice.csv --gamma 1
ok 'which are not printed else' lacks err 'equal earlier ones'
ok 'the table has them' grep -q '^merged  ' out
accepts 'quiet with JSON on stdout' fit "${digits[@]}" --gamma 0.02 -q --json -
ok 'prints the JSON' valid_json out
accepts 'dry run' fit "${digits[@]}" --dry-run --save dry.model
ok 'forecasts memory' grep -Eq '^memory +[0-9.]+ [KMG]iB of' out
ok 'saves nothing' test ! -e dry.model
accepts 'dry run as JSON' fit "${digits[@]}" --dry-run --json -
ok 'is valid' valid_json out
for key in dry_run bytes budget_bytes flops gram_s factor_s residual_s predict_s total_s gemm_gflops solver; do
  ok "forecasts $key" test -n "$(field out $key)"
done
refuses 'a forecast whose data is beyond the budget' 1 'left of the budget' fit "${digits[@]}" --dry-run --memory 1M
run fit --train synth:digits,n=3000 --gamma 0.02 --dry-run --json -
accepts 'a forecast beyond the budget' fit --train synth:digits,n=3000 --gamma 0.02 --dry-run \
  --memory $(($(field out bytes) - (4 << 20)))
ok 'says so' contains out 'does not fit'
refuses 'two results in one file' 2 'the same file, x.csv' fit -q "${digits[@]}" --gamma 0.02 --labels x.csv --scores x.csv
refuses 'a fit beyond the budget' 1 'minnorm: fit: ' fit -q "${digits[@]}" --gamma 0.02 --memory 1M

# ---- progress: a bar on a terminal only
slow=(fit --train synth:digits,n=2500) # the search for the bandwidth is long enough to be drawn on any machine
if script -qec 'test -t 2' /dev/null < /dev/null > /dev/null 2>&1; then
  script -qec "'$minnorm' ${slow[*]}" /dev/null < /dev/null > tty.txt 2>&1
  ok 'a terminal shows a bar' grep -Eq 'bandwidth +\[#*\.+\] +[0-9]+ %' tty.txt
else
  skip 'a terminal shows a bar' 'script (bsdutils) cannot open a terminal here'
fi
run "${slow[@]}"
ok 'a file has none' same "$status $(grep -c '\[' err)" '0 0'

# ---- every option of the model
each() { # options
  accepts "fit $*" fit -q --train synth:digits,n=80 --test synth:digits,part=test,n=20 --json each.json "$@"
  ok '  writes a report' valid_json each.json
}
each --gamma median
ok 'the rule is reported' contains each.json '"gamma_rule":	"median"'
each --sigma 5
ok 'sigma 5 is gamma 0.02' contains each.json '"gamma":	0.02'
each -k laplacian -g 0.1
each -k polynomial -g 0.01 --coef0 0.5 --degree 2 --ridge 1e-3
ok 'ridge is reported' same "$(field each.json ridge)" 0.001
each -k matern32 -g 0.1 --scale standard
each -k ntk --depth 2 --center
each -k linear --rank-tol 1e-10 --corrupt 0.5 --seed 3
each -g 0.02 --targets pm1 --solver lu --refine 1 --tol 1e-9
ok 'targets are reported' same "$(field each.json targets)" '"pm1"'
ok 'the solver is reported' same "$(field each.json solver)" '"lu"'
each -g 0.02 --solver eigen --threads 1
ok 'threads are reported' same "$(field each.json threads)" 1
accepts 'more threads than the BLAS may be built for' fit -q --train synth:digits,n=300 -g 0.02 --threads 300 --json threads.json
most=$("$BUILD/minnorm" info | sed -n 's/.*MAX_THREADS=\([0-9]*\).*/\1/p')
ok '  are as many as it is' same "$(field threads.json threads)" "$((${most:-300} < 300 ? ${most:-300} : 300))"
each -g 0.02 --precision single --task classification --memory 4G
ok 'the precision is reported' same "$(field each.json precision)" '"single"'
run fit -q --train synth:digits,n=50 -g 0.02 --json no_test.json
ok 'without a test set' same "$status $(field no_test.json n_test) $(field no_test.json test_error)" '0 null null'

# ---- regression
run data -q --train synth:regression,n=100,d=4,columns=3 --convert csv:r.csv
ok 'data converts' same "$(wc -l < r.csv)" 100
ok 'three targets behind four features' same "$(head -n 1 r.csv | tr -cd , | wc -c)" 6
run fit --train csv:r.csv,targets=3 --test csv:r.csv,targets=3 -g 0.5 --json r.json --save r.model
ok 'fits three targets' same "$status" 0
ok 'the table has R2' grep -Eq '^R2 +1 +1$' out
ok 'no classes' same "$(field r.json classes)" null
ok 'no targets' same "$(field r.json targets)" null
ok 'rmse' less "$(field r.json test_rmse)" 1e-6
ok 'r2' less 0.999999 "$(field r.json r2)"
accepts 'predicts three targets' predict --model r.model --test csv:r.csv,targets=3 --scores r.npy --json r2.json
ok 'the same rmse' less "$(field r2.json test_rmse)" 1e-6
refuses 'a regression has no labels' 2 '--labels: the model is a regression' predict --model r.model \
  --test csv:r.csv,targets=3 --labels r.txt
refuses 'not when it is fitted either' 2 '--labels: r.csv has real targets and no labels' fit -q --train csv:r.csv,targets=3 \
  --test csv:r.csv,targets=3 --labels r.txt
ok 'and writes none' test ! -e r.txt

# ---- labels as the caller has them
printf '%s\n' '+1 1:0.5 2:1' '-1 1:-0.5 2:-1' '+1 1:0.7 2:0.8' '-1 2:-0.9' > pm.libsvm
run fit -q --train libsvm:pm.libsvm -g 1 --save pm.model
run predict -q --model pm.model --test libsvm:pm.libsvm --labels pm.txt
ok 'labels -1 and +1 come back' same "$(tr '\n' ' ' < pm.txt)" '1 -1 1 -1 '
printf '0.1,30\n0.9,1000\n0.5,-7\n' > gaps.csv
run fit -q --train csv:gaps.csv --test csv:gaps.csv -g 1 --labels gaps.txt
ok 'labels with gaps come back' same "$(tr '\n' ' ' < gaps.txt)" '30 1000 -7 '

# ---- data and bench
accepts 'data' data --train synth:digits,n=100 --png sheet.png --rows 2 --cols 3
ok 'shows the shape' contains out '784 features (28 x 28), bytes'
ok 'shows ten classes' grep -Eq '^classes +10$' out
ok 'draws' same "$(head -c 4 sheet.png | tail -c 3)" PNG
accepts 'data as JSON' data --train csv:gaps.csv --json -
ok 'is valid' valid_json out
ok 'has counts' same "$(field out n) $(field out dim) $(field out classes)" '3 1 3'
printf '1,2,0\n1,2,1\n1,2,0\n3,4,1\n' > double.csv
run data --train csv:double.csv --json -
ok 'counts duplicates' same "$(field out duplicates) $(field out conflicting_duplicates)" '2 1'
for format in idx:i,l npy:x.npy,y.npy libsvm:d.libsvm csv:d.csv; do
  accepts "converts to $format" data -q --train synth:digits,n=20 --convert $format
  accepts "and reads it" data -q --train "$format$([ $format != libsvm:d.libsvm ] || echo ,dim=784)" --convert csv:back.csv
  run data -q --train synth:digits,n=20 --convert csv:there.csv
  ok 'with the same values' cmp there.csv back.csv
done
accepts 'bench' bench --n 100,200 --dim 10 --repeat 2 --json bench.json
ok 'has a row a size' grep -Eq '^ +200 +gemm +[0-9.]+ *$' out
ok 'is valid JSON' valid_json bench.json
ok 'has the precision' same "$(field bench.json precision)" '"double"'
finish
