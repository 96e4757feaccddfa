#!/bin/bash
# --memory and the reading of data: what a file's samples take, and their mirror images, is held against the budget
# before they are read, and counted by the forecast.
. "$(dirname "$0")/support.bash"
cd "$work" || exit 1
if ! memory_counts; then
  skip 'data beyond the budget' 'memory is not that of the program alone'
  finish
fi

# ---- text: 20,000 lines of 101 numbers, and 5,000 with three of 1,000 features
awk 'BEGIN { for (i = 0; i < 20000; i++) { for (j = 0; j < 100; j++) printf "%d,", (i * 7 + j * j) % 9; print i % 2 } }' > t.csv
awk 'BEGIN { for (i = 0; i < 5000; i++) print i % 2, "3:" i % 7, "500:1 1000:" i % 9 }' > t.svm
gzip -k t.csv t.svm
head -n 200 t.csv > few.csv
fit=(fit -q --gamma 0.1 --ridge 1 --n 200)
accepts 'a few lines' "${fit[@]}" --train csv:few.csv --json few.json
base=$(field few.json peak_rss_bytes)
while read -r spec need text; do
  refuses "$spec beyond the budget" 1 "$text need" "${fit[@]}" --train "$spec" --memory "$need"
  ok 'in one sentence' grep -Eq "^minnorm: fit: .*: $text need [0-9,]+ bytes of memory, [0-9,]+ are left of the budget \\(--memory\\)$" err
  refuses 'nor is a forecast begun' 1 "$text need" "${fit[@]}" --train "$spec" --memory "$need" --dry-run
  budget=$((base + need + (4 << 20)))
  accepts 'within it' "${fit[@]}" --train "$spec" --memory $budget --json fit.json
  ok 'the budget is kept' less "$(field fit.json peak_rss_bytes)" $((budget + 1))
  accepts 'a forecast of a few of its samples' "${fit[@]}" --train "$spec" --dry-run --json dry.json
  ok 'counts the reading of all' less "$need" "$(field dry.json bytes)"
done << 'TABLE'
csv:t.csv 16160000 20,000 samples of 100 features
csv:t.csv.gz 16160000 20,000 samples of 100 features
libsvm:t.svm 40320000 5,000 samples of 1,000 features
libsvm:t.svm.gz 40320000 5,000 samples of 1,000 features
TABLE

# ---- 40,000 images of 28 x 28 zeros, and their mirror images
{ printf '\0\0\10\3\0\0\234\100\0\0\0\34\0\0\0\34'; head -c $((40000 * 784)) /dev/zero; } > zeros.idx
{ printf '\0\0\10\1\0\0\234\100'; head -c 40000 /dev/zero; } > zeros.labels
zeros=(fit -q --gamma 0.1 --ridge 1 --train idx:zeros.idx,zeros.labels --dry-run)
half=$((40000 * 784 / 2))
refuses 'mirror images beyond the budget' 1 'zeros.idx: mirror images of 40,000 samples need 31,680,000 bytes' \
  "${zeros[@]}" --mirror --memory $((base + 3 * half))
accepts 'those of a few are not' "${zeros[@]}" --mirror --n 500 --shuffle 1 --memory $((base + 3 * half)) --json dry.json
ok 'a forecast' same "$(field dry.json n_train)" 1000
ok 'counts the reading of all' less $((2 * half)) "$(field dry.json bytes)"
finish
