#!/bin/bash
# Help, the man page, completion, and every way of calling the command wrongly.
. "$(dirname "$0")/support.bash"
subcommands=('fit' 'sweep' 'predict' 'express' 'features' 'data' 'data download' 'norms interpolants' 'bench' 'info' 'help')

# ---- help at every level
accepts 'the list of subcommands' --help
for command in "${subcommands[@]}"; do
  ok "$command is in the list" grep -q "^  $command  " "$work/out"
done
accepts '-h' -h
accepts 'the version' --version
ok 'one line with a number' grep -Eqx 'minnorm [0-9]+\.[0-9]+\.[0-9]+' "$work/out"
accepts 'help' help
for command in "${subcommands[@]}"; do
  # shellcheck disable=SC2086 # two words
  accepts "$command --help" $command --help
  cp "$work/out" "$work/help"
  ok "$command has a usage" contains "$work/help" "Usage: minnorm $command "
  ok "$command has examples" contains "$work/help" 'Examples:'
  if grep -q 'SPEC is explained below' "$work/help"; then
    ok "$command explains SPEC" contains "$work/help" 'csv:FILE[,targets=T]'
  fi
  ok "lines of $command fit 80 columns" test -z "$(grep -v '^  minnorm' "$work/help" | grep -E '.{81}')"
  # shellcheck disable=SC2086
  accepts "help $command" help $command
  ok "the same as $command --help" cmp "$work/help" "$work/out"
done
run fit --help
for key in kernel gamma sigma coef0 degree depth scale task targets center corrupt seed ridge solver precision rank-tol \
  memory refine tol features preset scales filters feature-scale normalise products save-gram load-gram checkpoint \
  scratch dataset data-dir train test n n-test shuffle save labels scores draw-errors json dry-run threads quiet verbose; do
  ok "fit --help names --$key" grep -Eq -- "^ {2,6}(-., )?--$key( |\$)" "$work/out"
done

for command in fit sweep 'norms interpolants'; do # whose filters --seed draws, too
  # shellcheck disable=SC2086
  ok "the seed of $command draws filters" grep -q 'drawn.*filters' <("$BUILD/minnorm" $command --help | tr -s ' \n' ' ' | grep -o -- '--seed S.*' | cut -c1-200)
done

# ---- man page and completion
accepts 'help --man' help --man
cp "$work/out" "$work/minnorm.1"
if command -v groff > /dev/null; then
  ok 'groff has no complaint' test -z "$(groff -man -Tutf8 -ww -z "$work/minnorm.1" 2>&1)"
  groff -man -Tutf8 -P-c -P-b -P-u "$work/minnorm.1" > "$work/man.txt" 2> /dev/null
  ok 'the page shows --rank-tol' contains "$work/man.txt" '--rank-tol'
  ok 'the page shows the exit status' contains "$work/man.txt" 'EXIT STATUS'
else
  skip 'groff has no complaint' 'groff is not installed'
fi
accepts 'help --completion' help --completion
cp "$work/out" "$work/minnorm.bash"
ok 'bash can read it' bash -n "$work/minnorm.bash"
complete_words() { # words of the command line, the last being completed
  bash -c '. "$0"; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _minnorm; echo "${COMPREPLY[*]}"' "$work/minnorm.bash" "$@"
}
ok 'completes subcommands' same "$(complete_words minnorm f)" 'fit features'
ok 'completes options' same "$(complete_words minnorm fit --rank)" '--rank-tol'
ok 'completes names of kernels' same "$(complete_words minnorm fit --kernel mat)" 'matern32 matern52'
ok 'completes scales of features' same "$(complete_words minnorm fit --feature-scale c)" 'center'
ok 'completes names of maps' same "$(complete_words minnorm features --features ga)" 'gabor'
ok 'completes presets' same "$(complete_words minnorm features --preset g)" 'gaussian'
ok 'completes after a flag' same "$(complete_words minnorm fit --center --corr)" '--corrupt'
ok 'completes words of data download' same "$(complete_words minnorm data download cif)" 'cifar10'
ok 'completes options of norms interpolants' same "$(complete_words minnorm norms interpolants --curv)" '--curvature'
ok 'completes file names' same "$(cd "$work" && touch model.json && complete_words minnorm fit --json model.j)" 'model.json'

# ---- without a subcommand that exists
refuses 'no argument' 2 'a subcommand expected; see minnorm --help'
refuses 'an unknown subcommand' 2 'unknown subcommand fti; see minnorm --help' fti
refuses 'an unknown first option' 2 'unknown option --foo; see minnorm --help' --foo
refuses 'an argument after --version' 2 '--version takes no argument' --version now
refuses 'help on what there is not' 2 'help: unknown subcommand fti' help fti
refuses 'help --man with a word' 2 'unexpected argument fit' help --man fit
refuses 'help --man --completion' 2 'cannot be given together' help --man --completion

# ---- every option of every subcommand: without argument, with an empty one, with one that a flag does not take
for command in "${subcommands[@]}"; do
  # shellcheck disable=SC2086
  run $command --help
  grep -oE '^ {2,6}(-., )?--[a-z0-9-]+( [^ ]+)?' "$work/out" | sed -E 's/^ +(-., )?//' > "$work/options"
  ok "$command has options" test -s "$work/options"
  while read -r option argument; do
    if [ -n "$argument" ]; then
      [ "$command" != fit ] || refuses "fit $option without argument" 2 "fit: $option needs an argument: $argument" fit "$option"
      # shellcheck disable=SC2086
      refuses "$command $option ''" 2 "minnorm: $command: $option " $command $option ''
    else
      # shellcheck disable=SC2086
      refuses "$command $option=x" 2 "minnorm: $command: $option takes no argument" $command $option=x
    fi
  done < "$work/options"
  # shellcheck disable=SC2086
  refuses "$command with an unknown option" 2 "minnorm: $command: unknown option --foo; see minnorm $command --help" $command --foo=1
  # shellcheck disable=SC2086
  refuses "$command with an unknown letter" 2 "minnorm: $command: unknown option -Z; see" $command -Z
  # shellcheck disable=SC2086
  refuses "$command with too many words" 2 "unexpected argument c; see minnorm $command --help" $command $([ "$command" != help ] || echo fit bench) \
    $([ "$command" != 'data download' ] || echo all) c
done
refuses 'an option of another subcommand' 2 'unknown option --repeat: it is an option of bench; see minnorm fit --help' fit --repeat 3
refuses 'an option of a fit elsewhere' 2 'unknown option --kernel: it is an option of fit' predict --kernel linear
refuses 'an ambiguous abbreviation' 2 'option --sc may mean --scales, --scale, --scores, --scratch' fit --sc unit
refuses "another command's option that begins one of this" 2 'unknown option --save: it is an option of fit' sweep --save x
refuses 'the same with =' 2 'unknown option --save: it is an option of fit' sweep --loo -q --save=x
refuses 'an unambiguous abbreviation' 2 '--ridge x: a number of at least 0 expected' fit --rid x

# ---- values out of bounds
refuses 'a bound that is none of the values' 2 '--tol 0: a number above 0, at most 1 expected' norms interpolants --tol 0
while read -r command option value text; do
  refuses "$command $option $value" 2 "minnorm: $command: $option $value: $text" "$command" "$option" "$value"
done <<'TABLE'
fit --kernel gauss one of linear, gaussian, laplacian, polynomial, matern32, matern52, arccos1, ntk expected
fit --gamma 0 auto, median or a number above 0 expected
fit --gamma -1 auto, median or a number above 0 expected
fit --gamma nan auto, median or a number above 0 expected
fit --sigma 0 a number above 0 expected
fit --coef0 inf a number expected
fit --degree 0 an integer from 1 to 100 expected
fit --degree 2.5 an integer from 1 to 100 expected
fit --depth 101 an integer from 1 to 100 expected
fit --scale both one of auto, unit, none, standard expected
fit --task ranking one of auto, classification, regression expected
fit --targets binary one of onehot, pm1 expected
fit --corrupt 1.01 a number from 0 to 1 expected
fit --seed -1 an integer from 0 to 18446744073709551615 expected
fit --ridge -1 a number of at least 0 expected
fit --solver qr one of auto, cholesky, lu, eigen, cg expected
fit --precision half one of auto, double, mixed, single expected
fit --rank-tol 2 a number from 0 to 1 expected
fit --memory 8GB a number of bytes
fit --refine -1 an integer from 0 to 100 expected
fit --tol -1 a number from 0 to 1 expected
fit --dataset mnits one of mnist, cifar10 expected
fit --n 0 an integer of at least 1 expected
fit --n 1e3 an integer of at least 1 expected
fit --n-test 0 an integer of at least 1 expected
fit --shuffle x an integer from 0
fit --threads -2 an integer from 0 to 4096 expected
fit --features fft one of none, gabor, scattering, conv expected
fit --feature-scale both one of auto, none, center, standard expected
fit --products mixed one of auto, double, single, bfloat16 expected
predict --part dev one of train, test expected
predict --n-test 0 an integer of at least 1 expected
data --n 0 an integer of at least 1 expected
data --rows 0 an integer from 1 to 1000 expected
data --cols 1001 an integer from 1 to 1000 expected
bench --dim 0 an integer from 1 to 1000000 expected
bench --repeat 0 an integer from 1 to 99 expected
bench --precision quad one of double, single expected
features --features fft one of none, gabor, scattering, conv expected
features --preset c one of a, b, d, gaussian expected
features --scales 0 an integer from 1 to 16 expected
features --orientations 1e1 an integer from 1 to 64 expected
features --filters 256001 an integer from 1 to 256000 expected
features --pool mean one of average, sum, max expected
features --whiten-epsilon -1 a number of at least 0 expected
features --part dev one of train, test expected
features --rows 101 an integer from 1 to 100 expected
TABLE
refuses 'a size that is none' 2 'bench: --n x: an integer from 1 to ' bench --n 4000,x
refuses 'a size of 0 in a list' 2 'bench: --n 0: an integer from 1 to ' bench --n 100,0
refuses 'an empty size in a list' 2 "bench: --n '': an integer" bench --n 100,

# ---- options that do not go together
refuses 'fit without data' 2 'training samples expected' fit
refuses 'fit with a test set only' 2 'training samples expected' fit --test synth:digits
refuses 'gamma and sigma' 2 '--sigma and --gamma cannot be given together' fit --train synth:digits,n=9 --gamma 1 --sigma 2
refuses 'sigma of another kernel' 2 '--sigma belongs to the gaussian kernel' fit --train synth:digits,n=9 --sigma 2 -k laplacian
for option in 'coef0 1 polynomial' 'degree 3 polynomial' 'depth 3 ntk'; do
  read -r key value kernel <<< "$option"
  for command in fit sweep 'norms interpolants'; do
    # shellcheck disable=SC2086
    refuses "$key of another kernel: $command" 2 "--$key belongs to the $kernel kernel, not to gaussian" $command --train synth:digits,n=9 --$key $value
  done
done
refuses 'gamma of a kernel without' 2 '--gamma: the kernel linear has no bandwidth' fit --train synth:digits,n=9 -k linear --gamma 1
refuses 'a number twice in a list' 2 '--ridge: 0.001 is there twice' sweep --train synth:digits,n=9 --ridge 0,1e-3,0.001
refuses 'a seed twice' 2 '--seed: 1 is there twice' sweep --train synth:digits,n=9 --corrupt 1 --seed 1,0:2:1
refuses 'a bandwidth twice' 2 '--select-gamma: 0.1 is there twice' fit --train synth:digits,n=9 --select loo --select-gamma 0.1,.1
refuses 'dataset and train' 2 '--train and --dataset cannot be given together' fit --dataset mnist --train synth:digits
refuses 'quiet and verbose' 2 '--verbose and --quiet cannot be given together' fit --train synth:digits -q -v
refuses 'labels without test samples' 2 '--labels needs test samples' fit --train synth:digits,n=9 --labels x
refuses 'n-test without test samples' 2 '--n-test needs test samples' fit --train synth:digits,n=9 --n-test 3
refuses 'scores in an unknown format' 2 'a name that ends in .npy or .csv expected' fit --train synth:digits,n=9 \
  --test synth:digits,n=9 --scores "$work/s.txt"
refuses 'more samples than there are' 2 'samples wanted' fit --train synth:digits,n=9 --n 10
refuses 'predict without a model' 2 'a model expected' predict --test synth:digits
refuses 'predict without samples' 2 'samples expected' predict --model m
refuses 'part of a spec' 2 '--part belongs to --dataset' predict --model m --test synth:digits --part test
refuses 'data without a data set' 2 'a data set expected' data
refuses 'two data sets' 2 'one data set at a time' data --train synth:digits --test synth:digits
refuses 'part of a spec, shown' 2 '--part belongs to --dataset' data --train synth:digits --part test
refuses 'rows without a picture' 2 'belong to --png' data --train synth:digits --rows 3
refuses 'an unknown download' 2 'imagenet' data download imagenet --data-dir "$work"
refuses 'an unknown format' 2 'xyz' fit --train xyz:file
refuses 'an unknown synthetic set' 2 'there are digits' fit --train synth:letters

# ---- standard output that cannot be written
run_to() { # where
  "$minnorm" info > "$1" 2> "$work/err"
  status=$?
}
if [ -c /dev/full ]; then
  run_to /dev/full
  ok 'a full disk is exit status 1' same "$status" 1
  ok 'and one line' same "$(wc -l < "$work/err")" 1
fi
"$minnorm" info >&- 2> "$work/err"
ok 'a closed standard output is exit status 1' same $? 1
ok 'and one line' grep -q '^minnorm: info: standard output: ' "$work/err"
{ sleep 0.3 && "$minnorm" help --man 2> "$work/err"; echo $? > "$work/status"; } | true
ok 'a reader that went away is exit status 1' same "$(cat "$work/status")" 1

# ---- info
accepts 'info' info
ok 'shows the library of linear algebra' grep -q '^blas  ' "$work/out"
accepts 'info as JSON' info --json -
ok 'is valid' valid_json "$work/out"
for key in version command compiler blas threads memory_total_bytes memory_available_bytes; do
  ok "has $key" test -n "$(field "$work/out" $key)"
done
finish
