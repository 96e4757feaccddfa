#!/bin/bash
# Models of features: saved by fit, from features and from kept products, and applied by predict to the images of the
# fit and to others; memory; what cannot be saved; damaged models.
. "$(dirname "$0")/support.bash"
cd "$work" || exit 1

train=(--train synth:digits,n=600)
test=(--test synth:digits,part=test,n=90)
fit=(fit -q "${train[@]}" "${test[@]}")
gabor=(--features gabor --scales 2 --orientations 4)
scattering=(--features scattering --scales 2 --orientations 4 --normalise)
conv=(--features conv --filters 20 --patch 5 --whiten-patches 500 --engine blocked --seed 3)
nested() { sed -n '/^\t"features":/,/^\t}/p' "$1" | sed -n "s/^\t\t\"$2\":\t\(.*[^,]\),\{0,1\}\$/\1/p"; }

close() { # two files of scores, tolerance: the first rows of the one with more of them
  $python - "$@" << 'PYTHON'
import numpy as np, sys
a, b = np.load(sys.argv[1]), np.load(sys.argv[2])
n = min(len(a), len(b))
distance = abs(a[:n] - b[:n]).max() / abs(b).max()
print("scores differ by", distance)
sys.exit(not (n and distance <= float(sys.argv[3])))
PYTHON
}

flip() { # file, offset: the lowest bit of a byte
  local byte
  byte=$(od -An -tu1 -j"$2" -N1 "$1" | tr -d ' ')
  # shellcheck disable=SC2059 # the byte in octal is the format
  printf "\\$(printf %o $((byte ^ 1)))" | dd of="$1" bs=1 seek="$2" conv=notrunc status=none
}

# ---- each map: what predict says is what fit said
for map in gabor scattering conv; do
  declare -n options=$map
  accepts "$map, saved" "${fit[@]}" "${options[@]}" --save m.$map --scores fit.npy --labels fit.txt --json fit.json
  accepts "$map, predicted" predict -q --model m.$map "${test[@]}" --scores p.npy --labels p.txt --json p.json
  ok '  the same scores' close p.npy fit.npy 1e-9
  ok '  the same labels' cmp fit.txt p.txt
  ok '  the same error' same "$(field p.json test_error)" "$(field fit.json test_error)"
  ok '  the report is valid JSON' valid_json p.json
  for key in name dim seed scale feature_scale normalised products; do
    ok "  the same $key" same "$(nested p.json $key)" "$(nested fit.json $key)"
  done
  ok '  the map' same "$(nested p.json name)" "\"$map\""
  accepts '  the training images' predict -q --model m.$map --test synth:digits,n=600 --json p.json
  ok '  are fitted' same "$(field p.json test_error)" 0
  accepts '  more images than were tested' predict -q --model m.$map --test synth:digits,part=test,n=300 --scores more.npy
  ok '  the first as before' close more.npy fit.npy 1e-9
done
run predict --model m.gabor "${test[@]}"
ok 'the table names the features' grep -Eq '^features +[0-9,]+ features=gabor symmetric=no scales=2 orientations=4 ' out
accepts 'a model of pixels' "${fit[@]}" -g 0.02 --save m.pixels
accepts 'names none' predict -q --model m.pixels "${test[@]}" --json p.json
ok 'in its report' same "$(nested p.json name)" '"none"'

# ---- from kept products, without test images, in single precision
accepts 'products kept' "${fit[@]}" "${conv[@]}" --save-gram k.conv --save m.conv --scores fit.npy
accepts 'saved from them' "${fit[@]}" --load-gram k.conv --save m.loaded
accepts 'predicted' predict -q --model m.loaded "${test[@]}" --scores p.npy
ok 'as from the features' close p.npy fit.npy 1e-9
ok 'the same patches' cmp m.conv/patches.npy m.loaded/patches.npy
refuses 'fewer images than filters came from' 1 'a model of the first 300 of 600 images cannot be saved' \
  "${fit[@]}" --n 300 --load-gram k.conv --save m.few
ok 'no model of these' test ! -e m.few
accepts 'wavelets come from none' "${fit[@]}" "${gabor[@]}" --save-gram k.gabor
accepts 'so that fewer do' "${fit[@]}" --n 300 --load-gram k.gabor --save m.few --scores fit.npy
accepts 'for a model' predict -q --model m.few "${test[@]}" --scores p.npy
ok 'that predicts' close p.npy fit.npy 1e-9
accepts 'a fit without test images' fit -q "${train[@]}" "${gabor[@]}" --save m.alone
accepts 'predicts some' predict -q --model m.alone "${test[@]}" --json p.json
ok 'well' less "$(field p.json test_error)" 0.5
accepts 'products in single' "${fit[@]}" "${gabor[@]}" --products single --save m.single --scores fit.npy
accepts 'predict as well' predict -q --model m.single "${test[@]}" --scores p.npy
ok 'to single precision' close p.npy fit.npy 1e-2
accepts 'features in bfloat16' "${fit[@]}" "${conv[@]}" --products bfloat16 --save-gram k.half --save m.half --scores half.npy \
  --json fit.json
ok '  are named' same "$(nested fit.json rounding)" '"bfloat16"'
ok '  with products in single' same "$(nested fit.json products)" '"single"'
accepts 'predict as well' predict -q --model m.half "${test[@]}" --scores p.npy
ok '  the same features' close p.npy half.npy 1e-4
accepts 'from kept products, too' "${fit[@]}" --load-gram k.half --save m.half2
accepts '  they are rounded' predict -q --model m.half2 "${test[@]}" --scores p.npy
ok '  the same' close p.npy half.npy 1e-4
refuses 'no products of others' 1 'rounding=bfloat16 are kept here' "${fit[@]}" "${conv[@]}" --products single --save-gram k.half
accepts 'mirrored images' "${fit[@]}" "${gabor[@]}" --mirror --save m.mirror --scores fit.npy
accepts 'are part of the model' predict -q --model m.mirror "${test[@]}" --scores p.npy
ok 'too' close p.npy fit.npy 1e-9

# ---- memory: features of all images would be far more
wide=(--features scattering --pooling-scale 0)
accepts 'many features' "${fit[@]}" "${wide[@]}" -g 0.05 --save m.wide --json fit.json
accepts 'are predicted from' predict -q --model m.wide "${test[@]}" --json p.json
ok 'without holding them' less "$(field p.json peak_rss_bytes)" $((690 * 4 * $(nested fit.json dim) / 2))
ok 'to the same error' same "$(field p.json test_error)" "$(field fit.json test_error)"
# Within a budget.
if ! memory_counts; then
  skip 'a budget without room' 'memory is not that of the program alone'
else
  refuses 'a budget without room' 1 'give more memory (--memory)' predict -q --model m.wide "${test[@]}" --memory 24M
fi
rm -r m.wide

# ---- what does not go together, and damage
refuses 'other sizes of images' 1 'images of 1 x 28 x 28 expected, as in training' \
  predict -q --model m.gabor --test synth:gaussian,n=3,d=784
damaged() { # name, text, then a command on the copy m.bad
  rm -rf m.bad
  cp -r m.conv m.bad
  "${@:3}"
  refuses "$1" 1 "$2" predict -q --model m.bad "${test[@]}" --json none.json
}
damaged 'a flipped bit of a patch' 'patches.npy: checksum' flip m.bad/patches.npy 300
damaged 'of the whitening' 'whitening_square.npy: checksum' flip m.bad/whitening_square.npy 1000
damaged 'of the scales' 'feature_factor.npy: checksum' flip m.bad/feature_factor.npy 300
damaged 'of an image' 'samples.npy: checksum' flip m.bad/samples.npy 5000
damaged 'a file that is cut' 'feature_shift.npy' truncate -s 300 m.bad/feature_shift.npy
damaged 'no file' 'patches.npy' rm m.bad/patches.npy
damaged 'another seed' 'do not match their checksum' sed -i s/seed=3/seed=4/ m.bad/model.json
damaged 'another map' 'the model is damaged' sed -i s/features=conv/features=gabor/ m.bad/model.json
damaged 'a header that is cut' 'a JSON object expected' truncate -s 900 m.bad/model.json
ok 'no report of any' test ! -e none.json

finish
