#!/bin/bash
# Fits to features, whose inner products are all that is kept of them: the same fit from kept products, other fits from
# the same products, runs that were killed, damaged and foreign folders, forecasts, budgets.
. "$(dirname "$0")/support.bash"
cd "$work" || exit 1
set -m # background jobs are interrupted by SIGINT only under job control

digits=(--train synth:digits,n=600 --test synth:digits,part=test,n=90) # two tiles of products
fit=(fit -q "${digits[@]}")
gabor=(--features gabor --scales 2 --orientations 4)
scattering=(--features scattering --scales 2 --orientations 4)
conv=(--features conv --filters 20 --patch 5 --whiten-patches 500 --engine blocked)

close() { # figures, relative tolerance
  awk -v a="$1" -v b="$2" -v t="$3" 'BEGIN { d = a - b; exit !(a != "" && a != "null" && b != 0 && d * d <= t * t * b * b) }' ||
    { echo "'$1' and '$2' differ by more than $3" && false; }
}
nested() { sed -n '/^\t"features":/,/^\t}/p' "$1" | sed -n "s/^\t\t\"$2\":\t\(.*[^,]\),\{0,1\}\$/\1/p"; }
figures() { # of a report: all that a fit is judged by
  local key
  for key in dim n_train n_test solver precision norm norm_per_class train_error test_error train_rmse test_rmse; do
    echo "$key $(field "$1" $key)"
  done
  sed -n '/^\t"kernel":/,/^\t}/p' "$1"
}
sum_of() { (cd "$1" && cat -- *) | cksum; }
nothing_in() { [ ! -e "$1" ] || empty_folder "$1"; }
alive() { kill -0 "$1" 2> /dev/null; }

# The exit status of a process, whether it was halted before or not.
end_of() {
  local status
  while :; do
    wait "$1" 2> /dev/null
    status=$?
    [ $status = $((128 + $(kill -l STOP))) ] || return $status
  done
}

at_offset() { [ ! -e "$1/products.index" ] || od -An -tu8 -j"$2" -N8 "$1/products.index" | tr -d ' \n'; }
done_in() { at_offset "$1" 48; } # features in the products of a folder; empty without any

flip() { # file, offset: the lowest bit of a byte
  local byte
  byte=$(od -An -tu1 -j"$2" -N1 "$1" | tr -d ' ')
  # shellcheck disable=SC2059 # the byte in octal is the format
  printf "\\$(printf %o $((byte ^ 1)))" | dd of="$1" bs=1 seek="$2" conv=notrunc status=none
}

# ---- bandwidth and ridge by leave-one-out, on products that were made and that were kept
choose=(--select loo --select-ridge 0,1e-3,1e-1 --select-samples 200)
accepts 'selected on features' "${fit[@]}" "${gabor[@]}" "${choose[@]}" --save-gram k.select --json select.json
accepts 'selected on kept products' "${fit[@]}" --load-gram k.select "${choose[@]}" --json loaded.json
chosen() { sed -n '/"selection":/,/"seconds"/p; /"points":/,/]/p' "$1" | grep -v seconds; }
ok '  the same choice' same "$(chosen select.json)" "$(chosen loaded.json)"
ok '  of 27 pairs' same "$(grep -c '"gcv"' select.json)" 29
ok '  and the same fit' same "$(figures select.json)" "$(figures loaded.json)"

# ---- each map: directly, with its products kept, from what was kept
for map in gabor scattering conv; do
  declare -n options=$map
  accepts "$map" "${fit[@]}" "${options[@]}" --scores direct.npy --json $map.json
  accepts "$map, products kept" "${fit[@]}" "${options[@]}" --save-gram k.$map --scores kept.npy --json kept.json
  accepts "$map, from kept products" "${fit[@]}" --load-gram k.$map --scores loaded.npy --json loaded.json
  ok '  the same scores when they are kept' cmp direct.npy kept.npy
  ok '  and from what was kept' cmp direct.npy loaded.npy
  ok '  the same figures when they are kept' same "$(figures $map.json)" "$(figures kept.json)"
  ok '  and from what was kept' same "$(figures $map.json)" "$(figures loaded.json)"
  ok '  training error 0' same "$(field $map.json train_error)" 0
  ok '  better than guessing' less "$(field $map.json test_error)" 0.5
  accepts "$map, kept a second time" "${fit[@]}" "${options[@]}" --save-gram k.$map --scores again.npy --json again.json
  ok '  is the same' cmp direct.npy again.npy
  ok '  and computes no feature' same "$(field again.json features_s) $(nested again.json resumed)" "0 $(nested again.json dim)"
  accepts "$map, one thread" "${fit[@]}" "${options[@]}" --save-gram k.one --threads 1
  ok '  has the same products to the last bit' same "$(sum_of k.one)" "$(sum_of k.$map)"
  rm -r k.one
done
ok 'three maps, three fits' test "$(field gabor.json norm)" != "$(field scattering.json norm)" -a "$(field gabor.json norm)" != "$(field conv.json norm)"

accepts 'the largest seed' "${fit[@]}" "${conv[@]}" --seed 18446744073709551615 --json seed.json
ok 'is reported to its last digit' same "$(nested seed.json seed)" 18446744073709551615

# ---- the report
ok 'the report is valid JSON' valid_json gabor.json
ok 'the report of kept products is, too' valid_json loaded.json
for key in name scales orientations dim normalised products products_bytes products_on_disk resumed feature_scale scale; do
  ok "features has $key" test -n "$(nested gabor.json $key)"
done
for key in features_s products_s products_save_s products_gflops; do
  ok "the report has $key" grep -q "^	\"$key\":	" gabor.json
done
ok 'the map' same "$(nested gabor.json name) $(nested gabor.json scales) $(nested gabor.json orientations)" '"gabor" 2 4'
ok 'it is named by kept products, too' same "$(nested loaded.json name)" '"conv"'
ok 'with its filters' same "$(nested loaded.json filters) $(nested loaded.json patch)" '20 5'
ok 'scales of features are auto no more' same "$(nested gabor.json feature_scale) $(nested conv.json feature_scale)" '"none" "standard"'
ok 'few features, products in double' same "$(nested gabor.json products) $(nested gabor.json products_on_disk)" '"double" false'
# panels of 512 and 88 columns, rows from the panel's first on
ok 'their bytes' same "$(nested gabor.json products_bytes)" $(((690 * 512 + 178 * 88) * 8))
ok 'is what the file has' same "$(cat k.gabor/products.? | wc -c)" "$(nested gabor.json products_bytes)"
ok 'dim is that of the images' same "$(field gabor.json dim)" 784
ok 'features take time' less 0 "$(field gabor.json features_s)"
ok 'loading makes none' same "$(field loaded.json features_s)" null
accepts 'in single' "${fit[@]}" "${gabor[@]}" --products single -g 0.02 --json single.json
ok 'half the bytes' same "$(nested single.json products) $(($(nested single.json products_bytes) * 2))" "\"single\" $(nested gabor.json products_bytes)"
run fit "${digits[@]}" "${gabor[@]}" -g 0.02
ok 'the table names the features' grep -Eq '^features  *[0-9,]+ features=gabor symmetric=no scales=2 orientations=4 ' out
ok 'the products' grep -Eq '^products  *[0-9.]+ MiB in double precision, in memory$' out
ok 'and both times' same "$(grep -Ec '^(features|products)  +[0-9.]+ s' out)" 2
ok 'the forecast is one line' same "$status $(wc -l < err) $(grep -c '^minnorm: fit: forecast: ' err)" '0 1 1'

# ---- other fits from the same products, against fits to the features themselves
both() { # options of a fit
  accepts "fit $*, from kept products" "${fit[@]}" --load-gram k.gabor --json loaded.json "$@"
  accepts '  from the features' "${fit[@]}" "${gabor[@]}" --json direct.json "$@"
  ok '  the same norm' close "$(field loaded.json norm)" "$(field direct.json norm)" 1e-8
  ok '  and errors' same "$(field loaded.json train_error) $(field loaded.json test_error)" \
    "$(field direct.json train_error) $(field direct.json test_error)"
}
both -g 0.05 --ridge 1e-3
ok 'ridge is reported' same "$(field loaded.json ridge)" 0.001
both -k linear --ridge 1e-2
ok 'without a side of few features' same "$(field loaded.json primal)" false
both -k laplacian -g 0.1
both -k polynomial -g 0.01 --coef0 0.5 --degree 2 --ridge 1e-3
both -k arccos1 --ridge 1e-3
both -k ntk --depth 2 --ridge 1e-3
both -g 0.05 --corrupt 0.5 --seed 3 --targets pm1 --center
both -g 0.5 --normalise
ok 'normalised is reported' same "$(nested loaded.json normalised) $(nested direct.json normalised)" 'true true'
both -g 0.05 --solver cg --tol 1e-10
both -g 0.05 --solver eigen
both -g 0.05 --precision mixed
both -g 0.05 --n 300 --n-test 40 # the first of them
ok 'sizes are those of the fit' same "$(field loaded.json n_train) $(field loaded.json n_test)" '300 40'
both --gamma median --n 511
accepts 'without test samples' fit -q --train synth:digits,n=600 --load-gram k.gabor -g 0.05 --json loaded.json
ok 'as with them' same "$(field loaded.json norm) $(field loaded.json n_test)" \
  "$("$minnorm" "${fit[@]}" --load-gram k.gabor -g 0.05 --json - | sed -n 's/^\t"norm":\t\(.*\),$/\1/p') null"

# ---- other data and other options are refused, and what is kept stays as it is
before=$(sum_of k.gabor)
save() { refuses "$1" 1 "$2" "${fit[@]}" --save-gram k.gabor "${@:3}"; }
save 'another map' 'products with features=gabor are kept here, this run has features=scattering' "${scattering[@]}"
save 'other scales' 'products with scales=2 are kept here, this run has scales=1: choose another folder' --features gabor --scales 1 --orientations 4
save 'other scales of features' 'this run has feature-scale=center: choose another folder' "${gabor[@]}" --feature-scale center
save 'other scales of pixels' 'this run has scale=none: choose another folder' "${gabor[@]}" --scale none
save 'another precision' 'are in double precision: choose another folder' "${gabor[@]}" --products single
save 'fewer images' 'load them (--load-gram) or choose another folder' "${gabor[@]}" --n 599
save 'fewer test images' '600 training and 90 test images are kept here' "${gabor[@]}" --n-test 89
refuses 'other images' 1 'training sample 0 (from 0) is not the one' fit -q --train synth:digits,part=test,n=600 \
  --test synth:digits,part=test,n=90 "${gabor[@]}" --save-gram k.gabor
refuses 'other seeds of filters' 1 'products with seed=0 are kept here, this run has seed=1: choose another folder' "${fit[@]}" "${conv[@]}" --seed 1 --save-gram k.conv
refuses 'other samples' 1 'training sample 0 (from 0) is not the one' fit -q --train synth:digits,part=test,n=9 --load-gram k.gabor
refuses 'other test samples' 1 'test sample 0 (from 0) is not the one' fit -q --train synth:digits,n=9 \
  --test synth:digits,n=9 --load-gram k.gabor
refuses 'more samples' 1 '601 training samples, the kept products are of 600: give the options (--n' fit -q --train synth:digits,n=601 --load-gram k.gabor
refuses 'more test samples' 1 '91 test samples, the kept products are of 90' fit -q --train synth:digits,n=600 \
  --test synth:digits,part=test,n=91 --load-gram k.gabor
refuses 'another order' 1 'give the data and the options (--shuffle, --mirror)' "${fit[@]}" --shuffle 1 --load-gram k.gabor
refuses 'nothing there' 1 'no inner products are kept here (--save-gram)' "${fit[@]}" --load-gram no
mkdir empty
refuses 'an empty folder' 1 'no inner products are kept here (--save-gram)' "${fit[@]}" --load-gram empty
ok 'and it stays empty' empty_folder empty
ok 'what is kept is as it was' same "$(sum_of k.gabor)" "$before"
rm -rf k.scattering

# ---- damaged
damaged() { # name, text, file, then a command that spoils that file
  rm -rf bad
  cp -r k.gabor bad
  file=$(compgen -G "bad/$3")
  "${@:4}"
  refuses "$1, loaded" 1 "$2" "${fit[@]}" --load-gram bad -g 0.05 --json none.json
  refuses "$1, gone on with" 1 "$2" "${fit[@]}" "${gabor[@]}" --save-gram bad -g 0.05 --json none.json
}
flip_at() { flip "$file" "$1"; }
cut_to() { truncate -s "$1" "$file"; }
take_away() { rm "$file"; }
size=$(cat k.gabor/products.? | wc -c)
index_size=$(wc -c < k.gabor/products.index)
damaged 'a flipped bit' 'the file is damaged' 'products.[01]' flip_at 100000
damaged 'in the first byte' 'the file is damaged' 'products.[01]' flip_at 0
damaged 'in the last' 'the file is damaged' 'products.[01]' flip_at $((size - 1))
damaged 'a byte less' 'the file is damaged' 'products.[01]' cut_to $((size - 1))
damaged 'an empty file' 'the file is damaged' 'products.[01]' cut_to 0
damaged 'a byte more' 'the file is damaged' 'products.[01]' cut_to $((size + 1))
damaged 'no file' 'cannot be opened: No such file' 'products.[01]' take_away
damaged 'a foreign index' 'not an index of products' products.index flip_at 0
damaged 'a damaged header' 'remove the folder and make the products anew' products.index flip_at 20
damaged 'a damaged index' 'remove the folder and make the products anew' products.index flip_at $((index_size / 2))
damaged 'in its last byte' 'remove the folder and make the products anew' products.index flip_at $((index_size - 1))
damaged 'an index that is cut' 'the file is too short' products.index cut_to $((index_size - 1))
damaged 'after the header' 'the file is damaged' products.index cut_to 80
damaged 'within the header' 'the file is too short' products.index cut_to 79
ok 'no report of any' test ! -e none.json

# ---- the forecast
accepts 'a dry run' "${fit[@]}" "${gabor[@]}" -g 0.05 --dry-run --save-gram dry --json dry.json
ok 'makes no folder' test ! -e dry
ok 'is valid' valid_json dry.json
ok 'has the bytes of the products' same "$(field dry.json products_bytes)" "$(nested gabor.json products_bytes)"
ok 'expects a time of features' less 0 "$(field dry.json features_s)"
ok 'and of their products' less 0 "$(field dry.json products_s)"
ok 'both are part of the total' less "$(awk -v a="$(field dry.json features_s)" -v b="$(field dry.json products_s)" 'BEGIN { print (a + b) * 0.999 }')" \
  "$(field dry.json total_s)"
ok 'memory is beyond the products' less "$(field dry.json products_bytes)" "$(field dry.json bytes)"
run fit "${digits[@]}" "${gabor[@]}" -g 0.05 --dry-run
ok 'a table of it' same "$status $(grep -Ec '^(features  +[0-9,]+ of them  |products  +[0-9.]+ MiB )' out)" '0 2'
accepts 'of kept products' "${fit[@]}" --load-gram k.gabor -g 0.05 --dry-run --json dry.json
ok 'no features are expected' same "$(field dry.json features_s)" 0
ok 'but their products' same "$(field dry.json products_bytes)" "$(nested gabor.json products_bytes)"
refuses 'of products that are not there' 1 'no inner products are kept here' "${fit[@]}" --load-gram no --dry-run
accepts 'of samples alone' "${fit[@]}" -g 0.05 --dry-run --json dry.json
ok 'nor here' same "$(field dry.json features_s) $(field dry.json products_bytes)" '0 0'
accepts 'of a linear kernel on fewer pixels than images' fit -q --train synth:digits,n=1000 "${gabor[@]}" -k linear --dry-run --json dry.json
ok 'has the solver that the fit will have' same "$(field dry.json solver) $(less 3e8 "$(field dry.json factor_flops)" && echo dual)" '"cholesky" dual'
ok '  which multiplies nothing but the factor' same "$(field dry.json gram_flops) $(field dry.json predict_flops)" '0 0'
accepts 'of a factor in mixed precision' fit -q --train synth:digits,n=9000 "${gabor[@]}" -g 0.05 --dry-run --json dry.json
ok 'counts the Gram matrix in fp64 beside it' less 7.7e8 "$(field dry.json bytes)"
accepts '  and by eigenvalues' fit -q --train synth:digits,n=1000 "${gabor[@]}" -k linear --solver eigen --dry-run --json dry.json
ok '  for as many as there are images' less 5e9 "$(field dry.json factor_flops)"

# ---- runs that are stopped
many=(fit -q --train synth:digits,n=300 --test synth:digits,part=test,n=50 -g 0.05 --features conv --preset gaussian
  --filters 4096 --pool-window 7 --pool-stride 7 --engine blocked --threads 2 --precision double)

# Starts a run and halts it (SIGSTOP) with some of the features in the products it keeps, and not all.
start_and_halt() { # folder, options...
  local try count
  for try in 1 2 3 4 5 6; do
    rm -rf "$1"
    "$minnorm" "${many[@]}" "${@:2}" > out.halted 2> err.halted &
    pid=$!
    while alive $pid; do
      count=$(done_in "$1")
      if [ -n "$count" ]; then break; fi
    done
    kill -s STOP $pid 2> /dev/null
    count=$(done_in "$1")
    if alive $pid && [ -n "$count" ] && [ "$count" -lt "$(at_offset "$1" 40)" ]; then return 0; fi
    kill -s KILL $pid 2> /dev/null
    wait $pid 2> /dev/null
  done
  return 1
}

started=$(date +%s%N)
accepts 'features in many blocks' "${many[@]}" --save-gram whole --scores whole.npy --json whole.json
took_ms=$((($(date +%s%N) - started) / 1000000))
ok 'all of them' same "$(done_in whole)" "$(nested whole.json dim)"
ok 'a run is halted in between' start_and_halt killed --save-gram killed --scores killed.npy
kept=$(done_in killed)
{ kill -s KILL $pid && wait $pid; } 2> /dev/null
ok 'and killed: no scores' test ! -e killed.npy
ok 'what it kept is there' test "$kept" -gt 0 -a "$kept" -lt "$(nested whole.json dim)"
refuses 'unfinished products are not loaded' 1 'run the command that makes them again' fit -q --train synth:digits,n=300 --load-gram killed
refuses 'nor gone on with by another' 1 'choose another folder' "${many[@]}" --bias 0.5 --save-gram killed
accepts 'the same command goes on' "${many[@]}" --save-gram killed --scores killed.npy --json killed.json
ok 'from there' same "$(nested killed.json resumed)" "$kept"
ok 'to the same scores' cmp whole.npy killed.npy
ok 'and the same products' cmp whole/products.? killed/products.?
ok 'two files, no more' same "$(ls killed | wc -l)" 2
for data in killed/products.?; do : > "killed/products.$((1 - ${data: -1}))"; done
accepts 'earlier data that a kill has left' "${many[@]}" --save-gram killed
ok 'are removed' same "$(ls killed | wc -l)" 2

ok 'another is halted' start_and_halt stopped/products --checkpoint stopped --scores stopped.npy
kept=$(done_in stopped/products)
kill -s INT $pid
kill -s CONT $pid
end_of $pid
ok 'Ctrl-C: exit status 1' same $? 1
ok 'Ctrl-C: one line' same "$(cat err.halted)" 'minnorm: fit: interrupted'
ok 'Ctrl-C: no scores' test ! -e stopped.npy
ok 'Ctrl-C keeps what there was' test "$(done_in stopped/products)" -ge "$kept"
kept=$(done_in stopped/products)
accepts 'a checkpoint goes on' "${many[@]}" --checkpoint stopped --scores stopped.npy --json stopped.json
ok 'from there' same "$(nested stopped.json resumed)" "$kept"
ok 'to the same scores' cmp whole.npy stopped.npy
ok 'and is gone once it has served' test ! -e stopped
cp -r whole both
accepts 'a checkpoint where products are kept' "${many[@]}" --checkpoint both
ok 'leaves them alone' diff -r whole both
rm -rf both

# Killed at moments all over the run.
for i in 1 2 3 4 5 6; do
  rm -rf c c.npy
  "$minnorm" "${many[@]}" --save-gram c --scores c.npy > out 2> err &
  pid=$!
  sleep "$(awk -v i="$i" -v r=$RANDOM -v ms="$took_ms" 'BEGIN { print (i - r / 32768) / 6 * ms * 1.1 / 1000 }')"
  kill -s KILL $pid 2> /dev/null
  wait $pid 2> /dev/null
  accepts "kill $i: goes on" "${many[@]}" --save-gram c --scores c.npy
  ok "kill $i: the same scores" cmp whole.npy c.npy
  ok "kill $i: two files, and none that is left over" same "$(ls -A c | wc -l)" 2
done
rm -rf c killed whole

# ---- folders and disks that do not serve
refuses 'a folder of which none is above' 1 'cannot be made: No such file' "${fit[@]}" "${gabor[@]}" --save-gram no/such/folder
: > file
refuses 'a file in its place' 1 'minnorm: fit: file' "${fit[@]}" "${gabor[@]}" --save-gram file
accepts 'a forecast for such a folder' "${fit[@]}" "${gabor[@]}" --checkpoint none --dry-run
ok 'makes nothing' test ! -e none
refuses 'a checkpoint of which no folder is above' 1 'cannot be made: No such file' "${fit[@]}" "${gabor[@]}" --checkpoint no/such
refuses 'a file to load' 1 'minnorm: fit: file' "${fit[@]}" --load-gram file
(trap '' XFSZ && ulimit -f 1000 && "$minnorm" "${fit[@]}" "${gabor[@]}" --save-gram full > out 2> err)
ok 'beyond the size of files: exit status 1' same $? 1
ok 'one line' same "$(wc -l < err)" 1
ok 'that says why' contains err 'File too large'
ok 'and nothing is left' nothing_in full

# ---- options that do not go together, and values out of bounds
no() { refuses "$1" 2 "minnorm: fit: $2" "${fit[@]}" "${@:3}"; }
no 'a scale of no features' '--feature-scale belongs to features' --feature-scale center
no 'a precision of no products' '--products belongs to features' --products single
no 'a folder of no products' '--save-gram belongs to features' --save-gram x
no 'norms of no features' '--normalise belongs to features' --normalise
no 'a scale of kept features' '--feature-scale belongs to features' --load-gram k.gabor --feature-scale none
no 'a precision of kept products' '--products belongs to features' --load-gram k.gabor --products double
no 'a scale of pixels that are not read' '--scale belongs to features' --load-gram k.gabor --scale unit
no 'products loaded and made' '' --load-gram k.gabor --features gabor
no 'products loaded and kept' '' --load-gram k.gabor --save-gram x
no 'filters of wavelets' '--filters belongs to --features conv' "${gabor[@]}" --filters 3
no 'scales of filters' '--scales belongs to --features gabor or scattering' "${conv[@]}" --scales 3
no 'a preset of wavelets' '--preset belongs to --features conv' "${gabor[@]}" --preset a
no 'an option of no map' '--filters belongs to --features conv' --filters 3
no 'more scales than fit' '' --features gabor --scales 6
while read -r option value text; do
  refuses "$option $value" 2 "minnorm: fit: $option $value: $text" "${fit[@]}" "${gabor[@]}" "$option" "$value"
done <<'TABLE'
--features fft one of none, gabor, scattering, conv expected
--feature-scale both one of auto, none, center, standard expected
--feature-scale 1 one of auto, none, center, standard expected
--products mixed one of auto, double, single, bfloat16 expected
--products -1 one of auto, double, single, bfloat16 expected
--scales 0 an integer from 1 to 16 expected
--orientations 65 an integer from 1 to 64 expected
--filters 256001 an integer from 1 to 256000 expected
--filters 1e3 an integer from 1 to 256000 expected
TABLE
refuses 'samples that are no images' 1 'no images' fit -q --train synth:gaussian,n=9,d=16 --features gabor
refuses 'a patch larger than the image' 1 'smaller than a patch' "${fit[@]}" --features conv --patch 29
ok 'nothing was made' test ! -e x
refuses 'memory of the system, before features are made' 1 'cholesky of 30000 samples needs' \
  fit -q --train synth:digits,n=30000 --features scattering --solver cholesky --precision double --memory 1G --save-gram x
ok 'none were' test ! -e x

# ---- a budget. Sanitizers and valgrind take memory of their own.
if ! memory_counts; then
  skip 'products beyond the budget' 'memory is not that of the program alone'
else
  mkdir scratch
  large=(fit -q --train synth:digits,n=3000 --test synth:digits,part=test,n=100 -g 0.05 --ridge 1e-3 --features gabor --scales 1
    --orientations 2 --pooling-scale 3 --slant 1 --precision double)
  accepts 'products without a budget' "${large[@]}" --save-gram k.large --scores l.npy
  accepts 'and loaded' "${large[@]:0:10}" --precision double --load-gram k.large --json l.json
  ok 'are in memory' same "$(nested l.json products_on_disk)" false
  budget=$(($(field l.json peak_rss_bytes) - $(nested l.json products_bytes) / 4)) # no room for all of the system beside them
  export TMPDIR=$work/scratch # with --scratch it would be the factor that goes to disk
  accepts 'products beyond the budget' "${large[@]}" --memory $budget --scores b.npy --json b.json
  ok 'are on disk' same "$(nested b.json products_on_disk)" true
  ok 'the scores are the same' cmp l.npy b.npy
  ok 'the budget is kept' less "$(field b.json peak_rss_bytes)" $((budget + 1))
  ok 'nothing stays in the folder' empty_folder scratch
  accepts 'kept ones' "${large[@]}" --memory $budget --save-gram k.budget --scores b.npy --json b.json
  ok 'the scores are the same' cmp l.npy b.npy
  ok 'the budget is kept' less "$(field b.json peak_rss_bytes)" $((budget + 1))
  accepts 'kept ones loaded' "${large[@]:0:10}" --precision double --memory $budget --load-gram k.budget --scores b.npy --json b.json
  ok 'are read from disk' same "$(nested b.json products_on_disk)" true
  ok 'the scores are the same' cmp l.npy b.npy
  ok 'the budget is kept' less "$(field b.json peak_rss_bytes)" $((budget + 1))
  refuses 'a budget below the system' 1 'take fewer samples (--n)' "${large[@]}" --products double --memory 48M
  refuses 'a budget below the products' 1 'take fewer images (--n, --n-test)' "${large[@]}" --products double --precision single --memory 60M
fi
finish
