#!/bin/bash
# Input that is not what it says, and output that cannot be written: exit status 1 or 2, one line, nothing left behind.
. "$(dirname "$0")/support.bash"
mkdir "$work/in" "$work/result"
cd "$work/in" || exit 1
outputs=(-q --json "$work/result/r.json" --save "$work/result/m" --gamma 0.1)

left_nothing() { ok "  and leaves nothing behind" empty_folder "$work/result"; }
refuses_data() { # name, status, text, spec
  refuses "$1" "$2" "$3" fit --train "$4" "${outputs[@]}"
  left_nothing
}

run data -q --train synth:digits,n=20 --convert idx:images,labels
run data -q --train synth:digits,n=10 --convert idx:images10,labels10
run data -q --train synth:gaussian,n=20,d=3 --convert npy:x.npy,y.npy
gzip -c images > images.gz
head -c 2000 images.gz > short.gz
refuses_data 'a truncated .gz' 1 'short.gz' idx:short.gz,labels
{ cat images.gz && echo more; } > long.gz
refuses_data 'an overlong .gz' 1 'long.gz' idx:long.gz,labels
head -c 5000 images > short
refuses_data 'a truncated file' 1 'short' idx:short,labels
{ printf 'xx' && tail -c +3 images; } > magic
refuses_data 'a wrong magic' 1 'magic' idx:magic,labels
{ head -c 4 images && printf '\0\0\0\0' && tail -c +9 images | head -c 8; } > none
refuses_data 'no samples' 1 'none' idx:none,labels
refuses_data 'labels of another count' 1 '10' idx:images,labels10
refuses_data 'images for labels' 1 'images' idx:images,images
refuses_data 'an empty file' 1 'empty' "csv:$(: > empty && echo empty)"
refuses_data 'a missing file' 1 'missing' csv:missing
refuses_data 'a folder' 1 'minnorm: fit: ' "csv:$work"
size=$(wc -c < x.npy)
{ head -c $((size - 8)) x.npy && printf '\0\0\0\0\0\0\xf8\x7f'; } > nan.npy
refuses_data 'a NaN in an array' 1 'nan.npy' npy:nan.npy,y.npy
head -c $((size - 8)) x.npy > short.npy
refuses_data 'a truncated array' 1 'short.npy' npy:short.npy,y.npy
printf '1,2\n3\n' > ragged.csv
refuses_data 'a ragged table' 1 'ragged.csv' csv:ragged.csv
printf '1,2\nx,3\n' > word.csv
refuses_data 'a word in a table' 1 'word.csv' csv:word.csv
printf '1 2:1 1:1\n' > order.libsvm
refuses_data 'indices out of order' 1 'order.libsvm' libsvm:order.libsvm
printf '1,2,0\n1,2,1\n3,4,0\n' > conflict.csv
refuses_data 'equal samples of other labels' 1 'minnorm: fit: ' csv:conflict.csv
refuses 'a test set of another dimension' 1 'features' fit --train synth:gaussian,n=9,d=3 --test synth:gaussian,n=9,d=4 "${outputs[@]}"
left_nothing
refuses 'a missing data set' 1 'minnorm: fit: ' fit --dataset mnist --data-dir "$work/in" "${outputs[@]}"
left_nothing
printf '1,2,1\n' > "$(printf 'new\nline.csv')"
refuses 'a file name of two lines' 1 'new?line.csv' fit --train "csv:$(printf 'missing-new\nline.csv')" "${outputs[@]}"
refuses 'a download from where nothing listens' 1 'minnorm: data download: ' data download -q mnist --url http://127.0.0.1:9 \
  --data-dir "$work/result/data"
ok '  and leaves no file' test -z "$(find "$work/result" -type f -size +0c)"
rm -rf "$work/result/data"

# ---- output
fit=(fit -q --train synth:digits,n=40 --gamma 0.02)
test_set=(--test synth:digits,part=test,n=5)
for option in --json --labels --scores; do
  refuses "$option into a folder that is not there" 1 "minnorm: fit: $option: " "${fit[@]}" "${test_set[@]}" $option "$work/no/file.npy"
done
refuses '--save into a folder that is not there' 1 'no/model' "${fit[@]}" --save "$work/no/model"
echo precious > "$work/precious"
refuses '--save over a file' 1 'precious' "${fit[@]}" --save "$work/precious"
ok '  which stays as it was' same "$(cat "$work/precious")" precious
mkdir "$work/folder" && touch "$work/folder/file"
refuses '--save over a folder that is no model' 1 'folder' "${fit[@]}" --save "$work/folder"
ok '  which stays as it was' same "$(ls -A "$work/folder")" file
refuses '--json over a folder' 1 'folder' "${fit[@]}" --json "$work/folder"
refuses '--convert into a folder that is not there' 1 'no/x.csv' data -q --train synth:digits,n=9 --convert "csv:$work/no/x.csv"
refuses '--convert to an unknown format' 2 'xyz' data -q --train synth:digits,n=9 --convert xyz:file
refuses '--png of what are no images' 2 'no images' data -q --train synth:gaussian,n=9,d=3 --png "$work/result/x.png"
refuses '--png into a folder that is not there' 1 'no/x.png' data -q --train synth:digits,n=9 --png "$work/no/x.png"
left_nothing
if [ -c /dev/full ]; then
  refuses 'a report on a full disk' 1 '/dev/full' "${fit[@]}" --json /dev/full
fi

# ---- models
run "${fit[@]}" --save "$work/model"
ok 'a model to damage' same "$status" 0
refuses 'a model that is not there' 1 'no-model' predict --model "$work/no-model" "${test_set[@]}"
refuses 'samples of another dimension' 1 'minnorm: predict: ' predict -q --model "$work/model" --test synth:gaussian,n=9,d=3
damage() { # name, file, how it is changed
  rm -rf "$work/bad"
  cp -r "$work/model" "$work/bad"
  (cd "$work/bad" && eval "$3")
  refuses "a model with $1" 1 'bad' predict -q --model "$work/bad" "${test_set[@]}"
}
array=$(cd "$work/model" && find . -maxdepth 1 -name '*.npy' | head -n 1)
damage 'half of model.json' model.json 'head -c 100 model.json > t && mv t model.json'
damage 'no model.json' model.json 'rm model.json'
damage 'an empty model.json' model.json ': > model.json'
damage 'an array cut short' "$array" "head -c 200 $array > t && mv t $array"
damage 'an array missing' "$array" "rm $array"
finish
