#!/bin/bash
# --mirror: every training image and its mirror image, for fit, express and data.
. "$(dirname "$0")/support.bash"
cd "$work" || exit 1
digits=(--train synth:digits,n=80 --test synth:digits,part=test,n=40)

# Two grey images of 2 x 3 bytes, the second of which is its own mirror image, with the labels 5 and 1.
printf '\0\0\10\3\0\0\0\2\0\0\0\2\0\0\0\3\1\2\3\4\5\6\7\10\7\11\1\11' > two.idx
printf '\0\0\10\1\0\0\0\2\5\1' > two.labels

# ---- data: what is shown and converted
accepts 'data' data --train idx:two.idx,two.labels --mirror --convert idx:four.idx,four.labels --json data.json
printf '\0\0\10\3\0\0\0\4\0\0\0\2\0\0\0\3\1\2\3\4\5\6\7\10\7\11\1\11\3\2\1\6\5\4\7\10\7\11\1\11' > wanted.idx
printf '\0\0\10\1\0\0\0\4\5\1\5\1' > wanted.labels
ok 'the images, then their mirror images' cmp four.idx wanted.idx
ok 'labels go along' cmp four.labels wanted.labels
ok 'the table counts both' grep -q '^data .*: 4 samples (2 and their mirror images), 6 features' out
ok 'the report has it' same "$(field data.json n) $(field data.json mirror) $(field data.json duplicates)" '4 true 1'
accepts 'data without' data --train idx:two.idx,two.labels --json data.json
ok 'is as before' same "$(field data.json n) $(field data.json mirror)" '2 false'
ok 'and says nothing of it' lacks out mirror
accepts 'the test part is shown with its own' data --test idx:two.idx,two.labels --mirror --json data.json
ok 'as it was asked for' same "$(field data.json n)" 4
accepts 'the first N, then their mirror images' data --train idx:two.idx,two.labels --n 1 --mirror --convert idx:one.idx,one.labels
printf '\0\0\10\3\0\0\0\2\0\0\0\2\0\0\0\3\1\2\3\4\5\6\3\2\1\6\5\4' > wanted.idx
ok 'N counts the images before' cmp one.idx wanted.idx

# ---- fit: the training set alone
run fit "${digits[@]}" --gamma 0.02 --n 50 --mirror --json fit.json --scores fit.npy
ok 'fit' same "$status" 0
ok 'twice the samples' same "$(field fit.json n_train) $(field fit.json n_test) $(field fit.json mirror)" '100 40 true'
ok 'the table says so' \
  grep -q '^data .*: 100 training (50 and their mirror images) and 40 test samples, 784 features' out
ok 'they are interpolated' same "$(field fit.json train_error)" 0
accepts 'the same set, written down' data "${digits[@]:0:2}" --n 50 --mirror -q --convert npy:x.npy,y.npy
accepts 'is fitted to the same' fit --train npy:x.npy,y.npy "${digits[@]:2}" --scale unit --gamma 0.02 -q --scores same.npy
ok 'scores' cmp fit.npy same.npy
accepts 'without' fit "${digits[@]}" --gamma 0.02 --n 50 -q --json plain.json
ok 'the report has false' same "$(field plain.json n_train) $(field plain.json mirror)" '50 false'
accepts 'forecast' fit "${digits[@]}" --gamma 0.02 --mirror --dry-run --json dry.json
ok 'of both' same "$(field dry.json n_train) $(field dry.json mirror)" '160 true'
accepts 'forecast of the written set' fit --train npy:x.npy,y.npy --gamma 0.02 --dry-run --json written.json
accepts 'forecast with mirror images' fit "${digits[@]:0:2}" --n 50 --gamma 0.02 --mirror --dry-run --json dry.json
ok 'factors as many unknowns' same "$(field dry.json factor_flops)" "$(field written.json factor_flops)"
run fit --train idx:two.idx,two.labels --mirror --gamma 1 --json merged.json
ok 'an image that is its own mirror image is merged' same "$status $(field merged.json merged)" '0 1'

# ---- express
run express "${digits[@]}" --n 40 --mirror --json express.json
ok 'express' same "$status" 0
ok 'twice the samples' same "$(field express.json n_train) $(field express.json mirror)" '80 true'
ok 'the table says so' grep -q '^data .*: 80 training (40 and their mirror images) and 40 test samples' out
ok 'every label is met' same "$(field express.json train_error)" 0

# ---- no images
printf '1,0\n2,1\n' > plain.csv
refuses 'samples without a shape' 1 'plain.csv: images expected to mirror' fit --train csv:plain.csv --mirror
refuses 'no option of predict' 2 mirror predict --model x --test csv:plain.csv --mirror
run fit --help
ok 'the help of fit has it' contains out --mirror
finish
