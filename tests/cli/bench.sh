#!/bin/bash
# Rates from the command line: the table, the report, the picture. No rate is asserted.
. "$(dirname "$0")/support.bash"
here=$(cd "$(dirname "$0")" && pwd)
cd "$work" || exit 1
columns() { awk 'NR > 1 && length > m { m = length } END { print m + 0 }' "$1"; } # all but the name of the BLAS
words() { awk -v row="$1" -v pass="$2" '$1 == pass && ++seen == row' out; }        # the row-th line of a pass

# ---- the table
accepts 'three sizes' bench --n 100,200,400 --dim 10 --threads 2 --json r.json --plot r.svg
ok 'the setting' grep -q '^setting     10 features, samples of double, double precision, 2 threads, median of 1, arrays of 32.0 MiB$' out
ok 'the limits' grep -Eq '^limits      dgemm [0-9.]+, sgemm [0-9.]+ Gflop/s; memory read [0-9.]+, write [0-9.]+, copy [0-9.]+, first touch [0-9.]+ GB/s$' out
ok 'a block for each size' same "$(grep -Ec '^ +[0-9]+  gemm +[0-9.]+$' out)" 3
for pass in allocate gram factor solve residual; do
  ok "a line for each $pass" same "$(grep -Ec "^ +$pass +[0-9.]+ " out)" 3
done
ok 'no flops of allocate' same "$(words 1 allocate | wc -w)" 7
ok 'rates of factor' same "$(words 1 factor | wc -w)" 10
ok 'the growth' grep -Eq '^growth      allocate n\^[0-9.-]+, gram n\^[0-9.-]+, factor n\^[0-9.-]+, solve n\^[0-9.-]+, residual n\^[0-9.-]+$' out
ok 'the picture is named' grep -q '^drawn       r.svg$' out
ok 'is narrow' less "$(columns out)" 121

# ---- the report
ok 'is valid JSON' valid_json r.json
for key in version command dim data precision repeat threads blas machine points growth peak_rss_bytes total_s; do
  ok "has $key" grep -q "^	\"$key\":" r.json
done
for key in dgemm_gflops sgemm_gflops array_bytes read_gbps write_gbps copy_gbps touch_gbps; do
  ok "the machine has $key" grep -Eq "^		\"$key\":	[0-9.]+(e[-+]?[0-9]+)?,?$" r.json
done
for key in n width gemm_gflops allocate_s gram_s gram_gflops gram_ratio factor_s factor_gflops factor_ratio solve_s \
  solve_gflops residual_s residual_gflops residual_ratio factor_bytes factor_gbps factor_memory_ratio; do
  ok "every point has $key" same "$(grep -Ec "^			\"$key\":	[0-9.]+(e[-+]?[0-9]+)?,?$" r.json)" 3
done
ok 'no point has one thread' lacks r.json one_thread
ok 'flops of the factor' grep -q '"factor_flops":	333333.3333333333' r.json
ok 'bytes of the factor' grep -q '"factor_bytes":	160000' r.json
ok 'the growth is a number' grep -Eq '^		"factor":	-?[0-9.]+,?$' r.json
ok 'the picture is SVG' grep -q '<svg' r.svg

# ---- other data, precision, threads
accepts 'bytes in single precision' bench --n 150 --dim 30 --data bytes --precision single --repeat 3 --json r.json
ok 'the setting says so' grep -q '^setting     30 features, samples of bytes, single precision, .* median of 3' out
ok 'two sizes or fewer do not grow' lacks out growth
ok 'which the report says' same "$(grep -c '^		"[a-z]*":	null' r.json)" 5
ok 'data' same "$(field r.json data)" '"bytes"'
# tiles of 128 and 22: 2 (128^2 + 22 128 + 22^2) for themselves, 128^2 and 22 128 for those read besides
ok 'elements of 4 bytes' grep -q '"factor_bytes":	234272' r.json
ok 'the width of a fit' grep -q '"width":	128' r.json
accepts 'panels of another width' bench --n 150 --dim 30 --data bytes --precision single --width 75 --json r.json
ok 'the table says so' grep -q '^panels      75 columns$' out
ok 'the report says so' grep -q '"width":	75' r.json
# three tiles of 75, each read and written; two of them read once more
ok 'moves other bytes' grep -q '"factor_bytes":	180000' r.json
ok 'is narrow' less "$(columns out)" 121
accepts 'panels wider than the matrix' bench --n 20 --dim 3 --width 100000 --json r.json
ok 'are as wide as that' grep -q '"width":	20' r.json
accepts 'one thread as well' bench --n 100,150 --dim 10 --threads 2 --compare-threads --json r.json
ok 'its limits' grep -q '^1 thread    dgemm ' out
ok 'its time and the speed-up' same "$(words 2 gram | wc -w)" 12
ok 'is narrow' less "$(columns out)" 121
ok 'is valid JSON' valid_json r.json
ok 'a speed-up for each size' same "$(grep -Ec '^			"residual_speedup":	[0-9.]+' r.json)" 2
ok 'all of one thread' same "$(grep -Ec '^				"residual_gflops":	[0-9.]+' r.json)" 2
ok 'and its machine' grep -q '^	"machine_one_thread":' r.json

# ---- quiet, and standard output
accepts 'quiet' bench --n 50 --dim 3 -q --plot q.png
ok 'prints nothing' test ! -s out
ok 'but draws' test -s q.png
accepts 'the report on standard output' bench --n 50 --dim 3 --json -
ok 'is nothing but JSON' valid_json out

# ---- what is refused, before anything is measured
refuses 'an unknown kind of data' 2 'one of double, bytes expected' bench --data words
refuses 'panels of no column' 2 '1' bench --width 0
refuses 'one thread compared with one' 2 '--compare-threads needs more than one thread' bench --threads 1 --compare-threads
refuses 'a picture of another kind' 2 '.svg or .png' bench --plot r.pdf
refuses 'a folder that does not exist' 1 'none/r.svg' bench --plot none/r.svg
refuses 'one file for two' 2 'the same file, r.svg' bench --plot r.svg --json r.svg
refuses 'too many sizes' 2 'at most 32 numbers' bench --n "$(seq -s, 33)"
refuses 'an option of another' 2 'it is an option of fit' bench --kernel linear

# ---- the comparison with other programs: minnorm alone, so that nothing else has to be installed
peers=$here/../../tools/bench/peers.sh
ok 'peers.sh explains itself' grep -q -- '--no-install' <(bash "$peers" --help)
ok 'peers.sh refuses a size that is none' same "$(bash "$peers" 5e3 2>&1)" "peers.sh: size: a number of at least 1 expected, not '5e3'"
ok 'peers.sh needs the command' same "$(MINNORM=./none bash "$peers" 50 2>&1 | cut -d ';' -f 1)" 'peers.sh: ./none is not there'
if /usr/bin/python3 -c 'import numpy' 2> /dev/null; then
  MINNORM=$minnorm bash "$peers" --no-install --only 'minnorm --precision double' --repeat 2 --threads 2 --json peers.json 300 > out 2> err
  ok 'peers.sh' same "$?" 0
  ok 'says what was done' grep -q '^300 training images of synth:digits, 2,000 test images, gamma 0.02, 2 threads, median of 2$' out
  ok 'a line for minnorm' grep -Eq '^minnorm --precision double +[0-9.]+ +[0-9.]+ .* %' out
  ok 'nothing was installed' lacks err installing
  ok 'is valid JSON' valid_json peers.json
  ok 'two runs' same "$(grep -A 3 wall_s_each peers.json | grep -Ec '^[[:space:]]+[0-9.]+,?$' | cut -c1)" 2
  ok 'the residual of minnorm, seen by numpy' less "$(sed -n 's/^\t\t\t\t\t"residual": \(.*\),$/\1/p' peers.json)" 1e-13
else
  skip 'peers.sh' 'no numpy of the system'
fi
finish
