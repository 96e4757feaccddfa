#!/bin/bash
# minnorm sweep: points against fits, lists and ranges, the log and going on from it, what is refused. MINNORM_SLOW=1 adds
# a curve of 20,000 samples, which takes minutes.
. "$(dirname "$0")/support.bash"
cd "$work" || exit 1
digits=(--train synth:digits,n=300 --test synth:digits,part=test,n=100)
lines() { wc -l < "$1" | tr -d ' '; }
near() { awk -v a="$1" -v b="$2" 'BEGIN { exit !(a != "" && b != "" && (a - b) ^ 2 <= (1e-8 * b) ^ 2) }' || { echo "'$1' is not near '$2'" && false; }; }
# Number of a point's line in a log: its header does not count.
member() { sed -n "$(($2 + 2))p" "$1" | grep -o "\"$3\":[^,}]*" | head -n 1 | cut -d: -f2; }
# A column of a line of CSV, from 1; the names are line 0.
cell() { sed -n "$(($2 + 1))p" "$1" | cut -d, -f"$3"; }

# ---- a curve of label corruption
run sweep "${digits[@]}" --gamma 0.02 --corrupt 0:1:0.25 --seed 0,4 --log curve.jsonl --csv curve.csv --json curve.json
ok 'a curve' same "$status" 0
ok 'the grid is named' grep -q '^grid  *9 points, 5 levels of corruption, 2 seeds' out
ok 'a row a point' same "$(grep -c ' % ' out)" 9
ok 'a line a point and a header' same "$(lines curve.jsonl)" 10
ok 'a row a point and names' same "$(lines curve.csv)" 10
ok 'the report is JSON' valid_json curve.json
ok '  of nine points' same "$(grep -o '"point":' curve.json | wc -l | tr -d ' ')" 9
ok '  with a time' less 0 "$(field curve.json total_s)"
while read -r line; do printf '%s\n' "$line" > line.json && valid_json line.json || break; done < curve.jsonl
ok 'every line is JSON' same "$(lines curve.jsonl) $(cat line.json)" "10 $(tail -n 1 curve.jsonl)"
ok 'all are solved at once' same "$(member curve.jsonl 8 together)" 9
ok 'names in the table' same "$(head -n 1 curve.csv | cut -d, -f1-5)" 'n,gamma,ridge,corrupt,seed'
ok 'levels are round' same "$(cut -d, -f4 curve.csv | tr '\n' ' ')" 'corrupt 0 0.25 0.25 0.5 0.5 0.75 0.75 1 1 '
for point in 0 2 7; do
  level=$(cell curve.csv $((point + 1)) 4) seed=$(cell curve.csv $((point + 1)) 5)
  run fit -q "${digits[@]}" --gamma 0.02 --corrupt "$level" --seed "$seed" --json fit.json
  ok "level $level, seed $seed has the norm of a fit" near "$(member curve.jsonl $point norm)" "$(field fit.json norm)"
  ok '  and its test error' same "$(member curve.jsonl $point test_error)" "$(field fit.json test_error)"
  ok '  and its training error' same "$(member curve.jsonl $point train_error)" "$(field fit.json train_error)"
  ok '  and a residual' less "$(member curve.jsonl $point residual)" 1e-10
done
run fit -q "${digits[@]}" --gamma 0.02 --variant random-labels --seed 4 --json fit.json
ok 'level 1 is random labels' near "$(member curve.jsonl 8 norm)" "$(field fit.json norm)"

# ---- going on
head -n 4 curve.jsonl > part.jsonl
printf '{"point":3,"toge' >> part.jsonl
run sweep "${digits[@]}" --gamma 0.02 --corrupt 0:1:0.25 --seed 0,4 --log part.jsonl --csv part.csv --json part.json
ok 'goes on' same "$status $(lines part.jsonl)" '0 10'
ok 'says so' grep -q '^resumed  *after 3 points' out
ok 'and in the report' same "$(field part.json resumed)" 3
ok 'shows all points' same "$(grep -c ' % ' out)" 9
ok 'what was there is unchanged' same "$(head -n 4 part.jsonl)" "$(head -n 4 curve.jsonl)"
ok 'the same table of places' same "$(cut -d, -f1-7 part.csv)" "$(cut -d, -f1-7 curve.csv)"
ok 'the same norms' near "$(cell part.csv 9 13)" "$(cell curve.csv 9 13)"
cp part.jsonl whole.jsonl
accepts 'once more, all of it being there' sweep -q "${digits[@]}" --gamma 0.02 --corrupt 0:1:0.25 --seed 0,4 --log part.jsonl
ok '  and nothing changes' cmp whole.jsonl part.jsonl
again=(-q --gamma 0.02 --corrupt 0:1:0.25 --seed 0,4 --log part.jsonl)
refuses 'another ridge' 1 'another ridge' sweep "${digits[@]}" "${again[@]}" --ridge 1e-3
refuses 'other levels' 1 'another corrupt' sweep "${digits[@]}" "${again[@]}" --corrupt 0,1
refuses 'other samples' 1 'another training set' sweep --train synth:digits,n=299 --test synth:digits,part=test,n=100 "${again[@]}"
refuses 'no test samples' 1 'another test set' sweep --train synth:digits,n=300 "${again[@]}"
ok '  and nothing changes' cmp whole.jsonl part.jsonl
echo 'a letter' > letter.txt
refuses 'a file of something else' 1 'letter.txt: what is there is no log, a letter found' sweep "${digits[@]}" -q --gamma 0.02 --log letter.txt
ok '  which is unchanged' same "$(cat letter.txt)" 'a letter'
{ head -n 2 whole.jsonl && echo '{"point":99}'; } > strange.jsonl
refuses 'a point that is none of these' 1 'line 3' sweep "${digits[@]}" "${again[@]}" --log strange.jsonl

# Stopped at any moment, the lines are whole and the rest follows.
grid=(sweep -q --train synth:gaussian,n=1500,d=20,labels=random --gamma 0.1 --ridge 0.01:0.4:0.01 --log killed.jsonl)
"$minnorm" "${grid[@]}" 2> err &
pid=$!
for ((i = 0; i < 600; i++)); do [ "0$(lines killed.jsonl 2> /dev/null)" -gt 3 ] && break || sleep 0.1; done
kill -9 $pid 2> /dev/null
wait $pid 2> /dev/null
kept=$(($(lines killed.jsonl) - 1))
ok 'a run that was killed has kept points' less 0 "$kept"
accepts 'and goes on' "${grid[@]}" --json killed.json
ok '  from these' same "$(field killed.json resumed) $(lines killed.jsonl)" "$kept 41"

# ---- grids
run sweep "${digits[@]}" --n 100,300 --gamma 0.01,0.02 --ridge 0,1e-2 --csv grid.csv --log grid.jsonl
ok 'a grid' same "$status $(lines grid.csv)" '0 9'
ok 'the table shows what varies' grep -Eq '^ +n +gamma +ridge +training +test +norm +residual$' out
ok 'in its order' same "$(sed 1d grid.csv | cut -d, -f1-3 | tr '\n' ' ')" \
  '100,0.01,0 100,0.01,0.01 100,0.02,0 100,0.02,0.01 300,0.01,0 300,0.01,0.01 300,0.02,0 300,0.02,0.01 '
run fit -q "${digits[@]}" --n 100 --gamma 0.02 --ridge 1e-2 --json fit.json
ok 'a point of it has the norm of a fit' near "$(member grid.jsonl 3 norm)" "$(field fit.json norm)"
ok '  and its test error' same "$(member grid.jsonl 3 test_error)" "$(field fit.json test_error)"
run sweep --train synth:regression,n=90 --sigma 1:3:0.5 --ridge 0.1 --csv real.csv
ok 'a regression' same "$status $(lines real.csv)" '0 6'
ok 'widths become bandwidths' same "$(cell real.csv 5 2)" 0.05555555555555555
ok 'with its own columns' grep -Eq '^ +gamma +train rmse +norm +residual$' out
accepts 'one point alone' sweep -q "${digits[@]}" --json one.json
accepts 'the bandwidth of each n' sweep -q "${digits[@]}" --n 100:300:100 --gamma median --json many.json
ok '  three of them' same "$(grep -o '"gamma_rule":"median"' many.json | wc -l | tr -d ' ')" 3
accepts 'stopping at interpolation' sweep -q "${digits[@]}" --gamma 0.02 --corrupt 0,1 --tol interpolate --log early.jsonl
ok '  one at a time' same "$(member early.jsonl 1 together)" 1
accepts 'leave-one-out' sweep -q "${digits[@]}" --gamma 0.02 --corrupt 0,1 --loo --csv loo.csv
ok '  as random labels have it' less 0.8 "$(cell loo.csv 2 12)"
run fit -q "${digits[@]}" --gamma 0.02 --corrupt 1 --loo --json fit.json
ok '  and generalised cross-validation' near "$(cell loo.csv 2 16)" "$(field fit.json gcv)"
ok '  by name' same "$(cell loo.csv 0 16)" gcv
run sweep "${digits[@]}" --gamma median --ridge 0,0.1 --log chosen.jsonl
ok 'the table shows the bandwidth that was chosen' grep -Eq '^ +gamma +ridge +training' out
run sweep --train synth:regression,n=60 --ridge 0.1,1 --gamma 1 --loo --csv real.csv
ok 'the table of a regression shows leave-one-out' grep -Eq '^ +ridge .*loo mse' out

# Many ridges share an eigendecomposition, all but 0.
accepts 'many ridges' sweep -q --train synth:digits,n=200 --gamma 0.02 --ridge 0:1.5:0.05 --log ridges.jsonl
ok '  by a decomposition' same "$(member ridges.jsonl 30 solver) $(member ridges.jsonl 0 solver)" '"eigen" "cholesky"'
run fit -q --train synth:digits,n=200 --gamma 0.02 --ridge 1.5 --json fit.json
ok '  have the norms of fits' near "$(member ridges.jsonl 30 norm)" "$(field fit.json norm)"

if [ -n "${MINNORM_SLOW:-}" ]; then
  large=(--train synth:digits,n=20000 --test synth:digits,part=test,n=2000 --gamma 0.02 --precision mixed)
  accepts 'a curve of 20,000 samples' sweep -q "${large[@]}" --corrupt 0:1:0.1 --seed 0,1,2 --log large.jsonl
  for point in 0 15 30; do
    run fit -q "${large[@]}" --corrupt "$(member large.jsonl $point corrupt)" --seed "$(member large.jsonl $point seed)" --json fit.json
    ok "  has the norm of a fit at point $point" near "$(member large.jsonl $point norm)" "$(field fit.json norm)"
    ok '  and its test error' same "$(member large.jsonl $point test_error)" "$(field fit.json test_error)"
    ok '  and a residual' less "$(member large.jsonl $point residual)" 1e-10
  done
fi

# ---- kept products
accepts 'products are kept' fit -q --train synth:digits,n=60 --test synth:digits,part=test,n=30 --features gabor --save-gram gram
products=(--train synth:digits,n=60 --test synth:digits,part=test,n=30)
accepts 'a grid of them' sweep -q "${products[@]}" --load-gram gram --n 40,60 --kernel laplacian --gamma 0.1,0.2 --corrupt 0,1 --log gram.jsonl
run fit -q "${products[@]}" --load-gram gram --n 40 --kernel laplacian --gamma 0.2 --corrupt 1 --json fit.json
ok '  has the norms of fits' near "$(member gram.jsonl 3 norm)" "$(field fit.json norm)"
ok '  and their test errors' same "$(member gram.jsonl 3 test_error)" "$(field fit.json test_error)"
accepts 'of features made now' sweep -q "${products[@]}" --features gabor --kernel laplacian --gamma 0.1,0.2 --corrupt 0,1 --log made.jsonl
run fit -q "${products[@]}" --features gabor --kernel laplacian --gamma 0.2 --json fit.json
ok '  too' near "$(member made.jsonl 2 norm)" "$(field fit.json norm)"

# ---- numbers of features, from one pass over them
conv=(--features conv --filter-kind gaussian --rectifier relu --pool-window 23 --pool-stride 23 --feature-scale none --kernel linear)
few=(sweep -q "${products[@]}" "${conv[@]}" --filters 700 --dim 1,512,700 --ridge 0,1e-3)
accepts 'numbers of features' "${few[@]}" --log dims.jsonl --csv dims.csv
ok '  a point for each and each ridge, up to whole groups' same "$(cut -d, -f6 dims.csv | tr '\n' ' ')" 'dim 256 256 512 512 700 700 '
for point in 1 3 5; do
  run fit -q "${products[@]}" "${conv[@]}" --filters "$(cell dims.csv $((point + 1)) 6)" --ridge 1e-3 --json fit.json
  ok "  has the norm of a fit of so many filters at point $point" near "$(cell dims.csv $((point + 1)) 13)" "$(field fit.json norm)"
  ok '  and its test error' same "$(cell dims.csv $((point + 1)) 8)" "$(field fit.json test_error)"
done
head -n 4 dims.jsonl > stopped.jsonl
accepts 'and going on with them' "${few[@]}" --log stopped.jsonl --csv stopped.csv --json stopped.json
ok '  from the points that are there' same "$(field stopped.json resumed) $(cut -d, -f1-8 stopped.csv)" "3 $(cut -d, -f1-8 dims.csv)"
ok '  to the same norm' near "$(cell stopped.csv 6 13)" "$(cell dims.csv 6 13)"
accepts 'where none is left' "${few[@]}" --log stopped.jsonl --csv again.csv
ok '  nothing changes' cmp stopped.csv again.csv
refuses 'numbers of features that fall' 2 'more groups' sweep -q "${products[@]}" "${conv[@]}" --filters 700 --dim 512,256
refuses 'two in one group' 2 '258 to 512 and 257 before it to 512: more groups' sweep -q "${products[@]}" "${conv[@]}" --filters 700 --dim 257,258
refuses 'more features than there are' 2 '1 ... 700' sweep -q "${products[@]}" "${conv[@]}" --filters 700 --dim 701
refuses 'no features' 2 '--dim 0' sweep -q "${products[@]}" "${conv[@]}" --filters 700 --dim 0
refuses 'numbers of pixels' 2 '--features MAP' sweep "${products[@]}" --dim 1,2
refuses 'numbers of features that are products already' 2 '--features MAP' sweep "${products[@]}" --load-gram gram --dim 1,2

# ---- cg that does not get to its end
stalls=(sweep -q --train synth:digits,n=100 --gamma 0.02 --ridge 0,1e-9 --solver cg --tol 1e-15 --log stalls.jsonl)
refuses 'points that are not there yet' 1 'cg ended at 2 points' "${stalls[@]}"
refuses '  nor when they are read again' 1 'cg ended at 2 points' "${stalls[@]}"

# ---- forecast and picture
run sweep "${digits[@]}" --gamma 0.02 --corrupt 0:1:0.1 --seed 0,1,2 --dry-run --json dry.json
ok 'a forecast' same "$status $(field dry.json dry_run)" '0 true'
ok '  of all points' grep -q '^points  *31, 31 of them at once' out
if command -v gnuplot > /dev/null; then
  accepts 'a picture' sweep -q "${digits[@]}" --gamma 0.02 --corrupt 0,0.5,1 --ridge 0,0.1 --seed 0,1 --plot curve.svg
  ok '  of errors' contains curve.svg 'test, ridge 0.1'
  ok '  and norms' contains curve.svg 'norm, ridge 0.1'
  accepts 'a picture of a ridge path' sweep -q "${digits[@]}" --gamma 0.02 --ridge 0,1e-3,1e-2 --plot path.svg
  ok '  with the interpolant' contains path.svg '0 at the left end'
  accepts 'a picture without it' sweep -q "${digits[@]}" --gamma 0.02 --ridge 1e-4,1e-3,1e-2 --plot least.svg
  ok '  spans the same, with as many points' same "$(sed 's/ridge (0 at the left end)/ridge/' path.svg | grep -c '<use')" "$(grep -c '<use' least.svg)"
  refuses 'a picture of a point' 2 'to draw against' sweep "${digits[@]}" --plot curve.svg
else
  skip 'a picture' 'gnuplot is not installed'
fi

# ---- what is refused
refuses 'no data' 2 'training samples expected' sweep
refuses 'a level above 1' 2 '--corrupt 1.5' sweep "${digits[@]}" --corrupt 0,1.5
refuses 'a range beyond 1' 2 '--corrupt 1.25' sweep "${digits[@]}" --corrupt 0.5:1.5:0.25
refuses 'a range without a step' 2 'start:end:step' sweep "${digits[@]}" --corrupt 0:1
refuses 'a step of 0' 2 'start:end:step' sweep "${digits[@]}" --corrupt 0:1:0
refuses 'a range downwards' 2 'start:end:step' sweep "${digits[@]}" --corrupt 1:0:0.1
refuses 'a range that is too fine' 2 'at most 256' sweep "${digits[@]}" --corrupt 0:1:1e-9
refuses 'a hole' 2 '--ridge' sweep "${digits[@]}" --ridge 0,,1
refuses 'a bandwidth of 0' 2 '--gamma 0' sweep "${digits[@]}" --gamma 0,1
refuses 'a seed that is none' 2 '--seed x' sweep "${digits[@]}" --seed 1,x
refuses 'no bandwidth in this kernel' 2 'no bandwidth' sweep -q "${digits[@]}" --kernel linear --gamma 1,2
refuses 'a width of another kernel' 2 '--sigma belongs' sweep "${digits[@]}" --kernel laplacian --sigma 1,2
refuses 'more samples than there are' 2 'samples wanted' sweep "${digits[@]}" --n 100,400
refuses 'mirror images of several sizes' 2 '--mirror' sweep "${digits[@]}" --n 100,200 --mirror
refuses 'seeds of nothing' 2 '--seed: several seeds belong to label corruption' sweep "${digits[@]}" --seed 0,1 --ridge 0,1
refuses 'seeds of pixels' 2 'one --seed' sweep "${digits[@]}" --variant shuffled-pixels --seed 0,1
refuses 'noise of several sizes' 2 '--variant gaussian' sweep "${digits[@]}" --variant gaussian --n 100,200
refuses 'corrupting a regression' 2 'only class labels' sweep -q --train synth:regression,n=90 --corrupt 0,1
refuses 'two results in one file' 2 'the same file' sweep "${digits[@]}" --csv x --json x
refuses 'a log that is no file' 1 'log' sweep "${digits[@]}" -q --log "$work/nowhere/log"
finish
