#!/bin/bash
# --variant: the data of the randomisation tests, for data, fit, predict and express.
. "$(dirname "$0")/support.bash"
cd "$work" || exit 1
train=(--train synth:digits,n=80) both=(--train synth:digits,n=80 --test synth:digits,part=test,n=40)
differ() { ! cmp -s "$1" "$2"; }
# The bytes of an IDX file of images, sorted: what a permutation keeps.
sorted() { tail -c +17 "$1" | od -An -v -tu1 -w1 | sort -n; }

# ---- data: what is written
accepts 'true' data "${train[@]}" --variant true -q --convert idx:true.idx,true.labels --json true.json
accepts 'without' data "${train[@]}" -q --convert idx:plain.idx,plain.labels --json plain.json
ok 'is the same' cmp true.idx plain.idx
ok 'and reported' same "$(field true.json variant) $(field plain.json variant)" '"true" "true"'
for variant in random-labels shuffled-pixels random-pixels gaussian; do
  accepts "$variant" data "${train[@]}" --variant $variant --seed 3 --convert idx:$variant.idx,$variant.labels --json v.json
  ok 'the table says so' grep -q "^variant  *$variant\$" out
  ok 'the report says so' same "$(field v.json variant)" "\"$variant\""
  accepts 'another seed' data "${train[@]}" --variant $variant --seed 4 -q --convert idx:other.idx,other.labels
  accepts 'other threads' data "${train[@]}" --variant $variant --seed 3 -q -t 1 --convert idx:same.idx,same.labels
  ok 'the same bytes' cmp same.idx $variant.idx
  ok 'and labels' cmp same.labels $variant.labels
  if [ $variant = random-labels ]; then
    ok 'images stay' cmp $variant.idx true.idx
    ok 'labels change' differ $variant.labels true.labels
    ok 'with the seed' differ $variant.labels other.labels
  else
    ok 'labels stay' cmp $variant.labels true.labels
    ok 'images change' differ $variant.idx true.idx
    ok 'with the seed' differ $variant.idx other.idx
  fi
done
sorted true.idx > wanted
for variant in shuffled-pixels random-pixels; do
  sorted $variant.idx > found
  ok "$variant keep their values" cmp found wanted
done
accepts 'a test part' data --test synth:digits,n=80 --variant random-labels -q --convert idx:test.idx,test.labels
ok 'keeps its labels' cmp test.labels true.labels
accepts 'mirror images come after' data "${train[@]}" --variant gaussian --seed 3 --mirror -q --convert idx:m.idx,m.labels
ok 'of the noise' cmp <(tail -c +17 m.idx | head -c $((80 * 784))) <(tail -c +17 gaussian.idx)

# Partly corrupted labels are those that a fit makes.
accepts 'half of the labels' data "${train[@]}" --corrupt 0.5 --seed 3 --convert idx:half.idx,half.labels --json v.json
ok 'the table says so' grep -q '^corrupt  *0.5$' out
ok 'the report says so' same "$(field v.json corrupt) $(field plain.json corrupt)" '0.5 0'
ok 'images stay' cmp half.idx true.idx
run fit "${both[@]}" --gamma 0.02 -q --corrupt 0.5 --seed 3 --scores fit.npy
accepts 'a fit to them' fit --train idx:half.idx,half.labels --test "${both[3]}" --gamma 0.02 -q --scores s.npy
ok 'gives the same scores' cmp fit.npy s.npy
accepts 'all of them' data "${train[@]}" --corrupt 1 --seed 3 -q --convert idx:all.idx,all.labels
ok 'are random labels' cmp all.labels random-labels.labels
refuses 'corruption of a test set' 2 '--corrupt is for training samples' data --test synth:digits,n=9 --corrupt 0.5
refuses 'corruption of real targets' 1 'integer labels in one column' data --train synth:regression,n=9 --corrupt 0.5

# ---- fit: the same sets
for variant in random-labels shuffled-pixels random-pixels gaussian; do
  run fit "${both[@]}" --gamma 0.02 --variant $variant --seed 3 --json fit.json --scores fit.npy
  ok "fit $variant" same "$status $(field fit.json train_error) $(field fit.json variant)" "0 0 \"$variant\""
  ok 'the table says so' grep -q "^variant  *$variant\$" out
  accepts 'the test set, written' data --test "${both[3]}" --variant $variant --seed 3 -q --convert idx:t.idx,t.labels
  accepts 'the sets written' fit --train idx:$variant.idx,$variant.labels --test idx:t.idx,t.labels --gamma 0.02 -q --scores s.npy
  ok 'give the same scores' cmp fit.npy s.npy
done
run fit "${both[@]}" --gamma 0.02 -q --json true.json
run fit "${both[@]}" --gamma 0.02 -q --variant shuffled-pixels --json shuffled.json
ok 'a kernel of distances sees no shuffle' same "$(field shuffled.json test_error)" "$(field true.json test_error)"
run fit "${both[@]}" --gamma 0.02 -q --corrupt 1 --seed 5 --scores corrupt.npy
run fit "${both[@]}" --gamma 0.02 -q --variant random-labels --seed 5 --scores random.npy
ok 'random labels are those of --corrupt 1' cmp corrupt.npy random.npy

# ---- predict and express
accepts 'a model of shuffled pixels' fit "${train[@]}" --gamma 0.02 --variant shuffled-pixels --seed 3 -q --save model
run fit "${both[@]}" --gamma 0.02 --variant shuffled-pixels --seed 3 -q --scores fit.npy
accepts 'predicts them' predict --model model --test "${both[3]}" --variant shuffled-pixels --seed 3 -q --scores p.npy
ok 'the same scores' cmp p.npy fit.npy
run express "${train[@]}" --n 40 --variant random-pixels --seed 2 --json e.json
ok 'express' same "$status $(field e.json train_error) $(field e.json variant)" '0 0 "random-pixels"'

# ---- refused
printf '1,0.5\n2,1\n' > real.csv
refuses 'random real targets' 1 'integer labels' data --train csv:real.csv --variant random-labels
refuses 'no such variant' 2 'variant' fit "${train[@]}" --variant noise
refuses 'no option of bench' 2 'variant' bench --variant gaussian
finish
