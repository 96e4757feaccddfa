#!/bin/bash
# The network with 2n + d weights: from samples to a report, a saved network and a picture.
. "$(dirname "$0")/support.bash"
oracle=$(cd "$(dirname "$0")/../oracle" && pwd)/network.py
cd "$work" || exit 1
n=300 d=784
run data -q --train synth:digits,n=$n --convert npy:x.npy,y.npy
images=(--train "npy:x.npy,y.npy")

# Elements of the arrays of a saved network, from the shapes in their headers.
stored() {
  for file in "$1"/*.npy; do head -n 1 "$file" | grep -ao "'shape': ([0-9, ]*)"; done |
    awk -F '[(,)]' '{ p = 1; for (i = 2; i <= NF; i++) if ($i + 0) p *= $i; sum += p } END { print sum }'
}
equal_folders() { diff -r -x network.json "$1" "$2"; } # networks: every array, byte by byte
differ() { ! cmp -s "$1" "$2"; }
of_layers() { sed -n "s/^\t\t\t\"$2\":\t\([0-9]*\),\{0,1\}\$/\1/p" "$1"; } # a member of each layer
sum() { awk '{ s += $1 } END { print s }'; }
greatest() { sort -n | tail -n 1; }
temporary_names() { find . -name '.*tmp*' | wc -l; }

# ---- a network for the labels of a data set
run express "${images[@]}" --test synth:digits,part=test,n=120 --json r.json --save net
ok 'express' same "$status" 0
ok 'nothing on stderr' test ! -s err
ok 'the table has the weights' contains out '1,384 weights = 784 + 600'
ok 'the table has the training error' grep -Eq '^train error +0\.00 %$' out
ok 'the table has the error in fp64' grep -Eq '^max error +[0-9.e-]+ in fp64$' out
ok 'the table has the times' grep -Eq '^total +[0-9.]+ s ' out
ok 'the report is valid JSON' valid_json r.json
for key in version command dataset n_train n_test distinct dim classes outputs targets solver scale candidates improve \
  corrupt seed threads blas weights connections depth width_max exact_projections range min_gap min_gap_drawn \
  improve_rounds improve_timed_out lambda_min lambda_min_lapack condition condition_lapack norm norm_drawn norm_bound \
  norm_looseness dense_difference verified max_error max_error_fp32 max_error_compensated max_error_piecewise \
  target_max train_error test_error test_rmse project_s improve_s solve_s checks_s verify_s peak_rss_bytes total_s; do
  ok "the report has $key" test -n "$(field r.json $key)"
done
ok 'it has layers' grep -q '^	"layers":	\[{$' r.json
ok 'it has points' grep -q '^	"points":	\[\],$' r.json
ok 'command' same "$(field r.json command)" '"express"'
ok 'n_train, n_test, dim' same "$(field r.json n_train) $(field r.json n_test) $(field r.json dim)" "$n 120 $d"
ok 'depth, outputs, classes' same "$(field r.json depth) $(field r.json outputs) $(field r.json classes)" '2 1 10'
ok '2n + d weights' same "$(field r.json weights)" $((2 * n + d))
ok 'a unit a sample' same "$(field r.json width_max)" $n
ok 'every label is met' same "$(field r.json train_error)" 0
ok 'on every sample' same "$(field r.json verified)" $n
ok 'the error in fp64' less "$(field r.json max_error)" 1e-8
ok 'the error of the weights' less "$(field r.json max_error_compensated)" 1e-13
ok 'the same piece by piece' less "$(field r.json max_error_piecewise)" 1e-13
ok 'fp32 is worse' less "$(field r.json max_error)" "$(field r.json max_error_fp32)"
ok 'Lemma 1 agrees with LAPACK' same "$(field r.json lambda_min | cut -c1-10)" "$(field r.json lambda_min_lapack | cut -c1-10)"
ok 'the bound bounds' less "$(field r.json norm)" "$(field r.json norm_bound)"
ok 'the dense system agrees' less "$(field r.json dense_difference)" 1e-9
ok 'the gap grew' less "$(field r.json min_gap_drawn)" "$(field r.json min_gap)"
ok 'bytes are projected exactly' same "$(field r.json exact_projections)" true
ok 'no rmse of classes' same "$(field r.json test_rmse)" null
ok 'the test error is a rate' less "$(field r.json test_error)" 1.01
ok 'the folder has the arrays' same "$(ls -A net | tr '\n' ' ')" 'a.npy b.npy network.json w.npy '
ok 'its header is valid JSON' valid_json net/network.json
ok 'it holds 2n + d numbers' same "$(stored net)" $((2 * n + d))
ok 'nothing else is left' same "$(temporary_names)" 0

# ---- the same of a saved folder
run express -q "${images[@]}" --targets pm1 --depth 3 --save net
ok 'a network is replaced' same "$status $(stored net)" "0 $((d + n * 11 + 11 + 10))"
ok 'and the old arrays are gone' same "$(ls -A net | tr '\n' ' ')" 'a.npy b1.npy b2.npy network.json offset.npy w1.npy w2.npy '
mkdir foreign && echo mine > foreign/file
refuses 'a foreign folder' 1 'foreign: exists and is not a network' express -q "${images[@]}" --save foreign
ok 'is kept' same "$(cat foreign/*)" mine
echo mine > plain
refuses 'a foreign file' 1 'plain: ' express -q "${images[@]}" --save plain
ok 'is kept as well' same "$(cat plain)" mine
run fit -q "${images[@]}" --gamma 0.02 --save fitted.model
refuses 'a model' 1 'fitted.model: exists and is not a network' express -q "${images[@]}" --save fitted.model
ok 'is kept, too' test -f fitted.model/model.json
refuses 'a network for a model' 1 'minnorm: predict: net' predict --model net --test synth:digits,n=9

# ---- more layers
for depth in 3 16 $n; do
  accepts "depth $depth" express -q "${images[@]}" --depth "$depth" --json deep.json --save deep
  layers=$((depth - 1))
  extra=$((2 * (layers - 1) + 1)) # a unit between two layers, and the offset
  ok '  is valid JSON' valid_json deep.json
  ok '  its depth' same "$(field deep.json depth) $(of_layers deep.json units | wc -l)" "$depth $layers"
  ok '  its weights' same "$(field deep.json weights)" $((2 * n + d + extra))
  ok '  which are those of the arrays' same "$(stored deep)" $((2 * n + d + extra))
  ok '  and those of the layers' same $((d + $(of_layers deep.json weights | sum) + 1)) $((2 * n + d + extra))
  ok '  the widest layer' same "$(of_layers deep.json units | greatest)" "$(field deep.json width_max)"
  ok '  is no wider than n / layers and three' less "$(field deep.json width_max)" $((n / layers + 4))
  ok '  the labels' same "$(field deep.json train_error)" 0
  ok '  the error' less "$(field deep.json max_error)" 1e-8
done
refuses 'more layers than samples' 2 'depth 302' express "${images[@]}" --depth 302

# ---- what the outputs are
for targets in label onehot pm1; do
  accepts "targets $targets" express -q "${images[@]}" --targets $targets --json each.json --save each
  outputs=$([ $targets = label ] && echo 1 || echo 10)
  ok '  outputs' same "$(field each.json targets) $(field each.json outputs)" "\"$targets\" $outputs"
  ok '  weights' same "$(field each.json weights) $(stored each)" "$((d + n + n * outputs)) $((d + n + n * outputs))"
  ok '  labels' same "$(field each.json train_error)" 0
done
accepts 'the dense system' express -q "${images[@]}" --solver dense --json dense.json --save dense
ok 'meets every label' same "$(field dense.json solver) $(field dense.json train_error)" '"dense" 0'
ok 'with the same weights, nearly' less "$(field dense.json dense_difference)" 1e-9
refuses 'the dense system of more layers' 2 'two layers' express "${images[@]}" --solver dense --depth 3
accepts 'a part checked' express "${images[@]}" --verify 50 --json part.json
ok 'is said' contains out 'on a sample'
ok 'is reported' same "$(field part.json verified)" 50
ok 'all are checked piece by piece' same "$(field part.json train_error)" 0
accepts 'no improvement' express -q "${images[@]}" --improve 0 --candidates 1 --json plain.json
ok 'keeps the direction drawn' same "$(field plain.json min_gap) $(field plain.json improve_rounds)" \
  "$(field plain.json min_gap_drawn) 0"

# ---- independent of threads, dependent on the seed
for threads in 1 2; do
  run express -q "${images[@]}" --threads $threads --improve 1000 --depth 3 --save threads$threads --json t.json
  ok "$threads threads, not ended by time" same "$(field t.json threads) $(field t.json improve_timed_out)" "$threads false"
done
ok 'are the same network' equal_folders threads1 threads2
for name in a b; do run express -q "${images[@]}" --improve 0 --corrupt 1 --seed 5 --save seed5$name; done
ok 'the same seed, the same network' equal_folders seed5a seed5b
run express -q "${images[@]}" --improve 0 --corrupt 1 --seed 6 --save seed6
ok 'another seed, another one' differ seed5a/a.npy seed6/a.npy
run express -q "${images[@]}" --test npy:x.npy,y.npy --json own.json
ok 'the labels of the training set as a test' same "$(field own.json test_error)" 0
run express -q "${images[@]}" --test npy:x.npy,y.npy --corrupt 1 --json random.json
ok 'random labels are met' same "$(field random.json corrupt) $(field random.json train_error)" '1 0'
ok 'and are not those of the images' less 0.8 "$(field random.json test_error)"

# ---- several sizes
run express "${images[@]}" --n 20,100,$n --improve 0.1 --json sizes.json --save last
ok 'several sizes' same "$status" 0
ok 'a row each' same "$(grep -Ec '^ +[0-9]+ +[0-9,]+ +[0-9.e-]+ ' out)" 3
ok 'valid JSON' valid_json sizes.json
ok 'a point each' same "$(of_layers sizes.json n_train | tr '\n' ' ')" "20 100 $n "
ok 'of 2n + d weights' same "$(of_layers sizes.json weights | tail -n 3 | tr '\n' ' ')" "$((d + 40)) $((d + 200)) $((d + 2 * n)) "
ok 'the last one stands at the top' same "$(field sizes.json n_train)" $n
ok 'and is saved' same "$(stored last)" $((2 * n + d))

# ---- a picture
if command -v gnuplot > /dev/null; then
  accepts 'a picture' express -q "${images[@]}" --plot curve.svg
  ok 'is svg' contains curve.svg '<svg'
  ok 'has the kinks' contains curve.svg 'kinks'
  accepts 'a picture of few points' express -q "${images[@]}" --n 20 --plot few.png
  ok 'is png' same "$(head -c 4 few.png | tail -c 3)" PNG
  accepts 'a picture of several sizes' express -q "${images[@]}" --n 20,100,$n --improve 0.1 --plot growth.svg
  ok 'is svg, too' contains growth.svg '<svg'
  ok 'has the norm' contains growth.svg 'norm'
  ok 'is another picture' differ curve.svg growth.svg
  ok 'nothing else is left of it' same "$(temporary_names)" 0
  refuses 'a picture that cannot be written' 1 'nowhere/p.svg: ' express "${images[@]}" --plot nowhere/p.svg --save before
else
  skip 'pictures' 'gnuplot is not installed'
fi
if [ -z "${TEST_WRAPPER:-}" ]; then
  PATH=/nowhere "$minnorm" express -q "${images[@]}" --plot none.svg --save before > out 2> err
  ok 'without gnuplot' same "$? $(grep -c '^minnorm: express: gnuplot not found' err)" '1 1'
  ok 'no picture' test ! -e none.svg
else
  skip 'without gnuplot' 'the wrapper needs PATH'
fi
refuses 'a picture of another kind' 2 'p.pdf: a name that ends in .svg or .png expected' express "${images[@]}" --plot p.pdf

# ---- standard output
accepts '--json -' express "${images[@]}" --json -
ok 'is the report alone' valid_json out
ok 'and no table' lacks out 'in fp64'
accepts 'several sizes as JSON' express "${images[@]}" --n 20,50 --json -
ok 'are the report alone' valid_json out
accepts 'quiet' express "${images[@]}" --quiet --save quiet
ok 'prints nothing' test ! -s out
ok 'but saves' same "$(stored quiet)" $((2 * n + d))

# ---- equal samples
printf '%s\n' 5,1,3 5,1,3 2,0,1 4,4,2 > merged.csv
accepts 'equal samples of equal labels' express --train csv:merged.csv --json merged.json --save merged
ok 'are one' same "$(field merged.json n_train) $(field merged.json distinct) $(field merged.json weights)" '4 3 8'
ok 'in the table, too' grep -q '^merged ' out
ok 'and in the arrays' same "$(stored merged)" 8
printf '%s\n' 5,1,3 2,0,1 5,1,2 > conflict.csv
refuses 'equal samples of other labels' 1 'conflict.csv: samples 0 and 2' express --train csv:conflict.csv --json no.json --save no
ok 'write no report' test ! -e no.json
ok 'and no network' test ! -e no
printf '%s\n' 1,1 1.0000000000000002,2 0,3 > close.csv
refuses 'samples too close' 1 'close.csv: samples 0 and 1' express --train csv:close.csv
printf '%s\n' 1,7 > one.csv
accepts 'one sample' express -q --train csv:one.csv --json one.json --save one
ok 'takes three numbers' same "$(stored one) $(field one.json train_error)" '3 0'

# ---- real targets
run data -q --train synth:regression,n=200,d=5,columns=2 --convert csv:real.csv
accepts 'two real targets' express --train csv:real.csv,targets=2 --test csv:real.csv,targets=2 --json real.json --save real
ok 'are two outputs' same "$(field real.json outputs) $(field real.json dim) $(field real.json classes)" '2 5 null'
ok 'of 5 + 200 + 400 weights' same "$(field real.json weights) $(stored real)" '605 605'
ok 'are met' less "$(field real.json max_error)" 1e-8
ok 'as test samples, too' less "$(field real.json test_rmse)" 1e-8
ok 'have no error rate' same "$(field real.json train_error) $(field real.json test_error)" 'null null'
ok 'are no bytes' same "$(field real.json exact_projections)" false
refuses 'no classes of real targets' 1 'integer labels' express --train csv:real.csv,targets=2 --targets onehot
refuses 'nothing to corrupt in them' 1 'integer labels' express --train csv:real.csv,targets=2 --corrupt 1
printf '%s\n' 0.1,30 0.9,1000 0.5,-7 > gaps.csv
accepts 'labels with gaps' express -q --train csv:gaps.csv --test csv:gaps.csv --json gaps.json
ok 'are met as they are' same "$(field gaps.json train_error) $(field gaps.json test_error) $(field gaps.json target_max)" '0 0 1000'

# ---- wrong usage
refuses 'express without data' 2 'training samples expected' express
refuses 'express with a test set only' 2 'training samples expected' express --test synth:digits
refuses 'express with two training sets' 2 'cannot be given together' express "${images[@]}" --dataset mnist
refuses 'a data set that is not there' 1 'minnorm data download mnist' express --dataset mnist --data-dir nowhere
refuses 'n-test without test samples' 2 '--n-test needs --test' express "${images[@]}" --n-test 9
refuses 'more samples than there are' 2 '301 samples wanted' express "${images[@]}" --n 301
refuses 'a test set of other features' 1 '784 features expected' express "${images[@]}" --test csv:gaps.csv
while read -r option value text; do
  refuses "express $option $value" 2 "minnorm: express: $option $value: $text" express "${images[@]}" "$option" "$value"
done <<'TABLE'
--depth 1 an integer from 2 to 1000000000 expected
--targets zero one of label, onehot, pm1 expected
--candidates 0 an integer from 1 to 10000 expected
--improve -1 a number from 0 to 1000000 expected
--improve nan a number from 0 to 1000000 expected
--solver lu one of slopes, dense expected
--scale unit one of auto, none, standard expected
--seed -1 an integer from 0 to 18446744073709551615 expected
--corrupt 1.5 a number from 0 to 1 expected
--verify -1 an integer of at least 0 expected
--n 0 an integer of at least 1 expected
TABLE
refuses 'a size that is none' 2 '--n x: an integer' express "${images[@]}" --n 10,x
refuses 'a label for the layers' 2 'unknown option --labels' express "${images[@]}" --labels l.txt

# ---- results that cannot be written are refused before the work, which would end with 1 and another line here
for result in save json; do
  refuses "--$result into nothing" 1 'nowhere/' express --train csv:conflict.csv --$result nowhere/r
done
ok 'a refused run saves nothing' test ! -e before

# ---- help and man page
accepts 'help' express --help
for key in dataset data-dir train test n n-test shuffle corrupt depth targets candidates improve solver scale seed save \
  plot verify json threads quiet verbose; do
  ok "express --help names --$key" grep -Eq -- "^ {2,6}(-., )?--$key( |\$)" out
done
accepts 'the man page' help --man
ok 'has the command' contains out 'minnorm express'
ok 'has its options' grep -q 'candidates' out

# ---- interrupted
mkdir result
set -m # background jobs are interrupted by SIGINT only under job control
gone() { ! kill -9 "$1" 2> /dev/null; }
interrupt() { # seconds before it, options...: a run that takes far longer
  local pid deadline
  "$minnorm" express -q --json result/r.json --save result/net "${@:2}" > out 2> err &
  pid=$!
  sleep "$1"
  ok "still running after $1 s" kill -s INT $pid
  deadline=$((SECONDS + 10))
  while kill -0 $pid 2> /dev/null && [ $SECONDS -lt $deadline ]; do sleep 0.05; done
  ok '  ends' gone $pid
  wait $pid 2> /dev/null
  ok '  with exit status 1' same $? 1
  ok '  and one line' same "$(cat err)" 'minnorm: express: interrupted'
  ok '  nothing on stdout' test ! -s out
  ok '  nothing left behind' empty_folder result
}
big=synth:gaussian,n=100000,d=30,labels=random
interrupt 0.3 --train "$big" --n 100000,99999,99998,99997
interrupt 3 --train "$big" --n 100000,99999,99998,99997
interrupt 1.5 --train "$big" --solver dense --n "$(seq -s , 6001 6032)"
set +m

# ---- the saved arrays, read by numpy
if [ -n "$python" ] && "$python" -c 'import numpy' 2> /dev/null; then
  oracle() { "$python" "$oracle" "$@"; }
  numpy() { # name, X.npy, Y.npy, options...
    accepts "$1" express -q --json o.json --save o --train "npy:$2,$3" "${@:4}"
    ok '  is that network in numpy' oracle check o o.json "$2" "$3"
  }
  oracle random $n 10 random.npy
  numpy 'two layers' x.npy y.npy
  numpy 'random labels' x.npy random.npy
  numpy 'three layers' x.npy random.npy --depth 3
  numpy 'sixteen layers' x.npy random.npy --depth 16
  numpy 'an output a class in five layers' x.npy y.npy --depth 5 --targets pm1
  run data -q --train synth:regression,n=200,d=5,columns=2 --convert npy:s.npy,t.npy
  numpy 'real targets' s.npy t.npy --depth 4
  "$python" -c 'import numpy as np; w = np.load("o/w2.npy"); w[7, 1] += 1e-3; np.save("o/w2.npy", w)'
  if oracle check o o.json s.npy t.npy > out 2>&1; then said=no; else said=$?; fi
  ok 'a wrong weight is found' same "$said $(grep -c '^WRONG: largest error' out)" '1 1'
else
  skip 'the saved arrays, read by numpy' 'no python3 with numpy (Debian: python3-numpy)'
fi
finish
