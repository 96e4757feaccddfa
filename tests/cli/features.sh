#!/bin/bash
# minnorm features: the array, the pictures, the report; options that build a map; what is refused, and what stays.
. "$(dirname "$0")/support.bash"
peer=$PWD/$(dirname "$0")/../../tools/bench/features_peer.py
case $0 in /*) peer=$(dirname "$0")/../../tools/bench/features_peer.py ;; esac
cd "$work" || exit 1
mkdir result
digits=(--train synth:digits,n=70)
small=(--features conv --filters 20 --patch 5 --whiten-patches 500 --engine blocked)
features() { accepts "$1" features "${@:2}"; }
shape() { # file, rows, columns: size and header of an array of floats
  same "$(wc -c < "$1") $(head -c 128 "$1" | grep -aoE "'descr': '<f4', 'fortran_order': False, 'shape': \([0-9, ]*\)")" \
    "$((128 + 4 * $2 * $3)) 'descr': '<f4', 'fortran_order': False, 'shape': ($2, $3)"
}
is_png() { same "$(head -c 8 "$1" | od -An -tx1 | tr -d ' \n')" 89504e470d0a1a0a; }
nested() { sed -n '/^\t"features":/,/^\t}/p' "$1" | sed -n "s/^\t\t\"$2\":\t\(.*[^,]\),\{0,1\}\$/\1/p"; }

# ---- arrays
features 'gabor' "${digits[@]}" --features gabor --out gabor.npy --json gabor.json
ok 'is an array' shape gabor.npy 70 6400
ok 'the table says how large' grep -q '^size  *6,400 features in 25 groups, ' out
ok 'and what it took' grep -Eq '^features  *[0-9.]+ s, [0-9.e+]+ samples/s, [0-9.]+ Gflop/s$' out
ok 'and where it is' grep -q '^written  *gabor.npy$' out
ok 'the report is valid' valid_json gabor.json
ok 'has sizes' same "$(field gabor.json n) $(field gabor.json dim) $(nested gabor.json dim) $(nested gabor.json groups)" '70 784 6400 25'
ok 'has the map' same "$(nested gabor.json map) $(nested gabor.json scales) $(nested gabor.json pooling_scale)" '"gabor" 3 1'
ok 'and no option of another' same "$(nested gabor.json filters)$(nested gabor.json patch)" ''
ok 'has bytes' same "$(field gabor.json bytes)" $((4 * 70 * 6400))
ok 'has a rate' less 0 "$(field gabor.json gflops)"
ok 'has null for what was not measured' same "$(field gabor.json sgemm_gflops) $(field gabor.json draw)" 'null null'
features 'one thread' "${digits[@]}" --features gabor --out one.npy --threads 1 --quiet
ok 'prints nothing when quiet' test ! -s out
ok 'has the same bits' cmp gabor.npy one.npy
features 'fewer samples' "${digits[@]}" --n 20 --features gabor --out part.npy -q
ok 'are the first' cmp <(tail -c +129 part.npy) <(tail -c +129 gabor.npy | head -c $((4 * 20 * 6400)))
features 'mirror images' "${digits[@]}" --n 20 --mirror --features gabor --out mirror.npy -q
ok 'follow the images' cmp <(tail -c +129 part.npy) <(tail -c +129 mirror.npy | head -c $((4 * 20 * 6400)))
ok 'and are as many' shape mirror.npy 40 6400
accepts 'the images, written down' data "${digits[@]}" --convert npy:x.npy,y.npy -q
if [ -n "$python" ] && $python -c 'import numpy' 2> /dev/null; then
  features 'scattering' "${digits[@]}" --features scattering --scales 2 --orientations 4 --out scattering.npy -q
  $python "$peer" x.npy gabor --ours gabor.npy > gabor.peer
  $python "$peer" x.npy scattering --scales 2 --orientations 4 --ours scattering.npy > scattering.peer
  difference() { sed -E 's/.*"max_difference": ([^},]*).*/\1/' "$1"; }
  ok 'numpy has the same gabor features' less "$(difference gabor.peer)" 1e-5
  ok 'numpy has the same scattering features' less "$(difference scattering.peer)" 1e-5
else
  skip 'numpy has the same features' 'python3 has no numpy'
fi

# ---- a layer of filters: defaults of the preset, single options before them, training samples decide
features 'conv' "${digits[@]}" "${small[@]}" --out conv.npy --json conv.json
ok 'has a feature for each half, window and filter' shape conv.npy 70 40
ok 'the preset is b' same "$(nested conv.json preset) $(nested conv.json bias) $(nested conv.json pool) $(nested conv.json patch)" '"b" 0.25 "sum" 5'
features 'options before a preset' "${digits[@]}" "${small[@]}" --bias 0.5 --preset a --out a.npy --json a.json -q
ok 'go before what it says' same "$(nested a.json preset) $(nested a.json bias) $(nested a.json pool) $(nested a.json patch)" '"a" 0.5 "average" 5'
ok 'the rest is its own' same "$(nested a.json pool_window) $(nested a.json pool_ceil) $(nested a.json patch_norm)" '15 "yes" "raw"'
features 'what a preset turns on' "${digits[@]}" "${small[@]}" --filter-unit no --whiten-center no --json off.json -q --out off.npy
ok 'can be turned off' same "$(nested off.json filter_unit) $(nested off.json whiten_center)" '"no" "no"'
features 'another seed' "${digits[@]}" "${small[@]}" --seed 1 --out seed.npy -q
ok 'has other filters' test "$(cmp conv.npy seed.npy > /dev/null; echo $?)" = 1
features 'test samples' "${digits[@]}" --test synth:digits,part=test,n=30 "${small[@]}" --out test.npy --json test.json
ok 'are those transformed' same "$(field test.json part) $(field test.json n) $(field test.json n_train)" '"test" 30 70'
features 'training samples as test samples' "${digits[@]}" --test synth:digits,n=70 "${small[@]}" --out again.npy -q
ok 'have the same filters' cmp conv.npy again.npy
features 'the training part by name' "${digits[@]}" --part train "${small[@]}" --out again.npy -q
ok 'is the same' cmp conv.npy again.npy
features 'both engines' "${digits[@]}" "${small[@]}" --engine fft --out fft.npy --json fft.json -q
ok 'are named' same "$(nested conv.json engine_used) $(nested fft.json engine_used)" '"blocked" "fft"'

# ---- pictures, forecasts, rates
features 'pictures' "${digits[@]}" --features scattering --draw bank.png --draw-images images.png --rows 3 --cols 5 --json -
ok 'the bank' is_png bank.png
ok 'the images' is_png images.png
ok 'nothing is computed for them' same "$(field out features_s) $(field out draw_images)" 'null "images.png"'
features 'pictures of filters' "${digits[@]}" "${small[@]}" --draw bank.png --draw-images images.png -q
ok 'the filters' is_png bank.png
features 'a dry run' "${digits[@]}" --features gabor --dry-run --out result/x.npy --draw result/x.png --json dry.json
ok 'writes nothing' empty_folder result
ok 'has the bytes' same "$(field dry.json bytes) $(field dry.json dry_run)" "$(field gabor.json bytes) true"
ok 'expects a time' less 0 "$(field dry.json features_s)"
ok 'and says so' grep -q '^expected ' out
ok 'knows the room on the disk' less 0 "$(field dry.json room_bytes)"
features 'a dry run of many filters' "${digits[@]}" --features conv --filters 256000 --whiten-patches 1000 --engine blocked --dry-run --json many.json -q
ok 'counts them' same "$(nested many.json dim)" 512000
features 'a rate' "${digits[@]}" --features gabor --compare-gemm --json rate.json
ok 'is compared with sgemm' less 0 "$(field rate.json sgemm_ratio)"
ok 'in the table too' grep -Eq '^features .* % of sgemm' out

# ---- wrong usage
no() { refuses "$1" 2 "$2" features "${@:3}"; }
no 'no samples' 'training samples expected' --features gabor --out refused.npy
no 'no map' 'a map expected' "${digits[@]}" --out refused.npy
no 'the map none' 'a map expected' "${digits[@]}" --features none --out refused.npy
no 'no output' 'an output expected' "${digits[@]}" --features gabor
no 'an array of another name' 'ends in .npy' "${digits[@]}" --features gabor --out x.bin
no 'rows without their picture' 'belong to --draw-images' "${digits[@]}" --features gabor --out refused.npy --rows 3
no 'a test part that is not there' '--part test needs test samples' "${digits[@]}" --part test --features gabor --out refused.npy
no 'test samples for the training part' '--test belongs to --part test' "${digits[@]}" --test synth:digits --part train --features gabor --out refused.npy
no 'n-test of the training part' '--n-test belongs to --part test' "${digits[@]}" --n-test 3 --features gabor --out refused.npy
no 'filters of wavelets' '--filters belongs to --features conv' "${digits[@]}" --features gabor --filters 3 --out refused.npy
no 'scales of filters' '--scales belongs to --features gabor or scattering' "${digits[@]}" --features conv --scales 3 --out refused.npy
no 'a preset of wavelets' '--preset belongs to --features conv' "${digits[@]}" --features scattering --preset a --out refused.npy
no 'more scales than fit' '1 ... 5' "${digits[@]}" --features gabor --scales 6 --out refused.npy
no 'a slant out of range' 'slant' "${digits[@]}" --features gabor --slant 0.01 --out refused.npy
no 'a window larger than the image' 'pooling window' "${digits[@]}" --features conv --pool-window 30 --out refused.npy
no 'means of patches normalised in two ways' 'normalised alike' "${digits[@]}" --features conv --filter-norm raw --out refused.npy
refuses 'a patch larger than the image' 1 'smaller than a patch' features "${digits[@]}" --features conv --patch 29 --out refused.npy
refuses 'samples that are no images' 1 'no images' features --train synth:gaussian,n=9,d=16 --features gabor --out refused.npy
refuses 'test samples of another shape' 1 'samples of 784 features expected' features "${digits[@]}" --test synth:gaussian,n=9,d=16 \
  --features gabor --out refused.npy
for option in --out --draw --draw-images --json; do
  refuses "$option into a folder that is not there" 1 "minnorm: features: $option: " features -q "${digits[@]}" --features gabor \
    --dry-run $option no/x.npy
done
ok 'refusals leave nothing' test ! -e refused.npy
if [ -c /dev/full ]; then
  ln -s /dev/full full.npy
  refuses 'a full disk' 1 'No space left' features -q "${digits[@]}" --features gabor --out full.npy
fi

# ---- Ctrl-C, and an array that was there before
echo before > result/x.npy
set -m
"$minnorm" features -q --train synth:digits,n=3000 --features scattering --orientations 32 --scales 5 --out result/x.npy > out 2> err &
pid=$!
sleep 1.5
ok 'interrupted while it runs' kill -s INT $pid
wait $pid
ok '  exit status 1' same $? 1
ok '  one line' same "$(cat err)" 'minnorm: features: interrupted'
ok '  what was there stays' same "$(cat result/x.npy)" before
ok '  and nothing else' same "$(ls -A result)" x.npy
finish
