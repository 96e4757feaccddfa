#!/bin/bash
# Mixed precision and conjugate gradients from the command line: what reports say, saved models, what is refused, and
# the exit status of a run that did not reach what was asked.
. "$(dirname "$0")/support.bash"
cd "$work" || exit 1
digits=(--train synth:digits,n=400 --test synth:digits,part=test,n=150 --gamma 0.02)

near() { # a b tolerance: |a - b| <= tolerance |b|
  awk -v a="$1" -v b="$2" -v t="$3" 'BEGIN { d = a - b; if (d < 0) d = -d; exit !(a != "" && b != "" && a != "null" && d <= t * (b < 0 ? -b : b)) }' ||
    { echo "'$1' is not '$2' to $3" && false; }
}

# One fit with its report in NAME.json, its model in NAME.model and its labels in NAME.txt.
fit() { # name options
  local name=$1
  shift
  accepts "fit $*" fit -q "${digits[@]}" --json "$name.json" --save "$name.model" --labels "$name.txt" "$@"
  ok '  the report is valid JSON' valid_json "$name.json"
}

# A saved model predicts what the fit did.
predicts_alike() { # name
  accepts '  the saved model opens' predict -q --model "$1.model" "${digits[@]:2:2}" --labels "$1.again.txt" --json again.json
  ok '  and predicts the same labels' cmp "$1.txt" "$1.again.txt"
  ok '  with the same error' same "$(field again.json test_error)" "$(field "$1.json" test_error)"
}

# ---- double precision: what the others are compared with
fit double --precision double --solver cholesky
for key in shift preconditioner_rank iterations; do ok "  $key does not apply" same "$(field double.json $key)" null; done
ok '  K is not kept' same "$(field double.json gram_kept)" '"none"'
ok '  converged' same "$(field double.json converged)" true

# ---- mixed precision
fit mixed --precision mixed
ok '  precision' same "$(field mixed.json precision)" '"mixed"'
ok '  solver' same "$(field mixed.json solver)" '"cholesky"'
# Bytes whose inner products are integers make K anew for less than keeping it costs; without such instructions it is kept.
kept='"double"'
if "$minnorm" info | grep -Eq '^processor .* avx2( |$)'; then kept='"none"'; fi
ok '  K is made anew from bytes, where that is fast' same "$(field mixed.json gram_kept)" "$kept"
ok '  a shift above 0' less 0 "$(field mixed.json shift)"
ok '  and small' less "$(field mixed.json shift)" 1e-4
ok '  no iterations of cg' same "$(field mixed.json iterations)" null
ok '  no preconditioner' same "$(field mixed.json preconditioner_rank)" null
ok '  converged' same "$(field mixed.json converged)" true
ok '  refined' less 0 "$(field mixed.json refinements)"
ok '  no fallback' grep -q '"fallbacks":	\[\]' mixed.json
ok '  the tolerance is kept' less "$(field mixed.json residual)" 1.0001e-10
ok '  the norm of double precision' near "$(field mixed.json norm)" "$(field double.json norm)" 1e-8
ok '  and its labels' cmp mixed.txt double.txt
predicts_alike mixed
run fit "${digits[@]}" --scale standard --gamma 1e-3 --precision mixed --json kept.json
ok 'K of what are no bytes is kept' same "$(field kept.json gram_kept)" '"double"'
ok 'the table says mixed' grep -Eq '^solver +cholesky, mixed, ' out
ok 'and what is kept' grep -Eq '^kept +the Gram matrix in double precision' out
fit few --precision mixed --solver cholesky --ridge 0.01 --tol 1e-6 --threads 1
ok '  a looser tolerance is kept' less "$(field few.json residual)" 1.0001e-6

# A matrix that fp32 cannot do: fp64 does, and it is said.
run fit -q --train synth:regression,n=150,d=4 --task regression --gamma 0.03 --ridge 1e-10 --precision mixed --json back.json
ok 'a nearly singular system' same "$status" 0
ok 'goes back to double precision' same "$(field back.json precision)" '"double"'
ok 'and says so' contains back.json 'cholesky instead'

# ---- conjugate gradients to a tolerance
fit cg --solver cg --tol 1e-8
ok '  solver' same "$(field cg.json solver)" '"cg"'
ok '  precision' same "$(field cg.json precision)" '"mixed"'
ok '  K is kept in single precision' same "$(field cg.json gram_kept)" '"single"'
ok '  no shift' same "$(field cg.json shift)" null
ok '  no condition number' same "$(field cg.json rcond)" null
ok '  a preconditioner' less 0 "$(field cg.json preconditioner_rank)"
ok '  iterations' less 0 "$(field cg.json iterations)"
ok '  converged' same "$(field cg.json converged)" true
ok '  the tolerance is kept' less "$(field cg.json residual)" 1.0001e-8
ok '  the norm of double precision' near "$(field cg.json norm)" "$(field double.json norm)" 1e-6
predicts_alike cg
run fit "${digits[@]}" --solver cg --tol 1e-8
ok 'the table has the iterations' grep -Eq '^cg +[0-9]+ iterations, preconditioner of rank [0-9]+' out

# ---- conjugate gradients to interpolation, by name and by auto
for solver in cg auto; do
  fit "$solver-i" --solver "$solver" --tol interpolate
  ok '  solver' same "$(field "$solver-i.json" solver)" '"cg"'
  ok '  converged' same "$(field "$solver-i.json" converged)" true
  ok '  no training error' same "$(field "$solver-i.json" train_error)" 0
  ok '  the least norm, nearly' near "$(field "$solver-i.json" norm)" "$(field double.json norm)" 0.01
  ok '  fewer iterations than to 1e-8' less "$(field "$solver-i.json" iterations)" "$(field cg.json iterations)"
done
ok 'the same both times' cmp cg-i.txt auto-i.txt
predicts_alike cg-i
fit random --solver cg --tol interpolate --corrupt 1 --seed 5
ok '  random labels: no training error' same "$(field random.json train_error)" 0

# ---- what was asked is not reached: reports and model are written all the same, and the exit status is 1
run fit -q "${digits[@]}" --solver cg --tol 1e-18 --json not.json --save not.model --labels not.txt
ok 'an impossible tolerance' same "$status" 1
ok 'is said in one line' same "$(wc -l < err)" 1
ok 'with iterations and residual' grep -Eq '^minnorm: fit: cg ended after [0-9]+ iterations at a residual of [0-9.e-]+, before' err
ok 'not converged' same "$(field not.json converged)" false
ok 'the residual is what it is' less "$(field not.json residual)" 1e-12
predicts_alike not
run fit "${digits[@]}" --solver cg --tol 1e-18
ok 'the table says so' grep -Eq '^residual .*: not what was asked for' out
printf '1,0\n1,1\n2,0\n3,1\n' > twice.csv
run fit -q --train csv:twice.csv --gamma 1 --solver cg --tol interpolate --json twice.json
ok 'equal samples of different labels are never interpolated' test "$status" != 0

# ---- what is refused
for tol in nonsense 1e-3x -1 2 nan '' interpolated; do
  refuses "--tol '$tol'" 2 'tol' fit -q "${digits[@]}" --tol "$tol"
done
for options in '--solver lu --tol interpolate' '--solver eigen --precision mixed' '--solver cg --precision single'; do
  # shellcheck disable=SC2086 # words
  refuses "$options" 2 'goes with the solver' fit -q "${digits[@]}" $options
done
refuses 'interpolating real targets' 2 'needs classes' fit -q --train synth:regression,n=60,d=3 --task regression \
  --gamma 1 --solver cg --tol interpolate
refuses 'a budget too small' 1 'budget' fit -q "${digits[@]}" --solver cg --memory 1M
refuses 'and for mixed precision' 1 'budget' fit -q "${digits[@]}" --precision mixed --memory 1M
finish
