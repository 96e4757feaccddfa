#!/bin/bash
# Factors on disk: a fit that is killed at any moment goes on from its checkpoint to the same bytes, what is damaged,
# foreign or in use is refused with one line, and a scratch folder keeps the budget and is empty afterwards.
. "$(dirname "$0")/support.bash"
cd "$work" || exit 1
set -m # background jobs are interrupted by SIGINT only under job control

small=(fit -q --gamma 0.02 --precision double --threads 2 --train synth:digits,n=2000 --test synth:digits,part=test,n=100)
large=(fit -q --gamma 0.02 --precision double --threads 2 --train synth:digits,n=5000 --test synth:digits,part=test,n=100)

finished() { # panels that the checkpoint has; empty without one
  [ ! -e "$1/factor.index" ] || od -An -tu8 -j48 -N8 "$1/factor.index" | tr -d ' \n'
}
# Two arrays of scores to 1e-12: out of core products have other shapes, by which some BLAS kernels round.
agree() {
  paste <(od -An -v -tf8 -w8 -j128 "$1") <(od -An -v -tf8 -w8 -j128 "$2") |
    awk 'NF != 2 || ($1 - $2) ^ 2 > 1e-24 { print "line " NR ": " $0; bad = 1 } END { exit bad || !NR }'
}
nothing_in() { [ ! -e "$1" ] || empty_folder "$1"; } # a folder that an earlier process made stays, empty
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

# Starts a fit with a checkpoint and halts it (SIGSTOP) once a panel is finished, before all are.
start_and_halt() { # folder, options...
  local try count
  for try in 1 2 3 4 5 6; do
    rm -rf "$1"
    "$minnorm" "${large[@]}" --checkpoint "$@" > out.halted 2> err.halted &
    pid=$!
    while alive $pid; do
      count=$(finished "$1")
      if [ -n "$count" ] && [ "$count" -gt 0 ]; then break; fi
    done
    kill -s STOP $pid 2> /dev/null
    count=$(finished "$1")
    if alive $pid && [ -n "$count" ] && [ "$count" -gt 0 ] && [ "$count" -lt 20 ]; then return 0; fi
    kill -s KILL $pid 2> /dev/null
    wait $pid 2> /dev/null
  done
  return 1
}

started=$(date +%s%N)
accepts 'a fit without a checkpoint' "${small[@]}" --scores plain.npy
took_ms=$((($(date +%s%N) - started) / 1000000))
accepts 'and a larger one' "${large[@]}" --scores plain5.npy
accepts 'a checkpoint changes nothing' "${small[@]}" --checkpoint c --scores c.npy
ok 'the scores are the same' cmp plain.npy c.npy
ok 'the checkpoint is removed once it has served' test ! -e c
mkdir c
accepts 'a folder that was there' "${small[@]}" --checkpoint c --scores c.npy
ok 'stays' empty_folder c
rmdir c

# Killed at moments all over the run, the last ones over and over.
for i in $(seq 20); do
  [ "$i" -gt 16 ] || rm -rf c
  rm -f c.npy
  "$minnorm" "${small[@]}" --checkpoint c --scores c.npy > out 2> err &
  pid=$!
  sleep "$(awk -v i="$i" -v r=$RANDOM -v ms="$took_ms" 'BEGIN { print (i - r / 32768) / 20 * ms * 1.1 / 1000 }')"
  kill -s KILL $pid 2> /dev/null
  wait $pid 2> /dev/null
  if [ "$i" -lt 16 ] || [ "$i" = 20 ]; then
    accepts "kill $i: goes on" "${small[@]}" --checkpoint c --scores c.npy
    ok "kill $i: the same scores" cmp plain.npy c.npy
    ok "kill $i: nothing left" nothing_in c
  fi
done

# Halted in the middle.
ok 'a fit is halted in the middle' start_and_halt h --scores h.npy
refuses 'two processes on one checkpoint' 1 'in use by another process' "${large[@]}" --checkpoint h
kill -s INT $pid
kill -s CONT $pid
end_of $pid
ok 'Ctrl-C: exit status 1' same $? 1
ok 'Ctrl-C: one line' same "$(cat err.halted)" 'minnorm: fit: interrupted'
ok 'Ctrl-C: no scores' test ! -e h.npy
ok 'Ctrl-C keeps the checkpoint' test "$(finished h)" -gt 0
refuses 'of other data' 1 'choose another folder' "${small[@]}" --checkpoint h
refuses 'of another ridge' 1 'choose another folder' "${large[@]}" --ridge 1e-3 --checkpoint h
refuses 'of another kernel parameter' 1 'choose another folder' "${large[@]}" --gamma 0.03 --checkpoint h
refuses 'of another scaling' 1 'choose another folder' "${large[@]}" --scale none --checkpoint h
refuses 'of another precision' 1 'choose another folder' "${large[@]}" --precision single --checkpoint h
kept=$(finished h)
ok 'a refusal leaves it as it is' test "$kept" -gt 0
cp -r h bad
printf '\125' | dd of=bad/factor.tiles bs=1 seek=4000 conv=notrunc status=none
refuses 'a damaged panel' 1 'the file is damaged; remove the folder to begin anew' "${large[@]}" --checkpoint bad
printf '\125' | dd of=bad/factor.index bs=1 seek=50 conv=notrunc status=none
refuses 'a damaged index' 1 'the file is damaged; remove the folder to begin anew' "${large[@]}" --checkpoint bad
cp h/factor.index bad
truncate -s 1000000 bad/factor.tiles
refuses 'a file cut short' 1 'remove the folder to begin anew' "${large[@]}" --checkpoint bad
accepts 'it goes on from there' "${large[@]}" --checkpoint h --scores h.npy --json h.json
ok 'to the same scores' cmp plain5.npy h.npy
ok 'from the panels that were kept' same "$(field h.json resumed_panels)" "$kept"
ok 'and the checkpoint is gone' nothing_in h

# Folders and disks that do not serve.
refuses 'a folder of which none is above' 1 'cannot be made: No such file' "${small[@]}" --checkpoint no/such/folder
: > file
refuses 'a file in its place' 1 'Not a directory' "${small[@]}" --checkpoint file
(trap '' XFSZ && ulimit -f 4000 && "$minnorm" "${small[@]}" --checkpoint full > out 2> err)
ok 'beyond the size of files: exit status 1' same $? 1
ok 'one line' same "$(wc -l < err)" 1
ok 'that says what was wanted' contains err 'bytes cannot be reserved: File too large'
ok 'and nothing is left' test ! -e full
mkdir disk
if mount -t tmpfs -o size=4m tmpfs disk 2> /dev/null; then
  refuses 'a full disk' 1 'free on this disk: No space left on device' "${small[@]}" --checkpoint disk/c
  ok 'nothing is left on it' empty_folder disk
  mount -o remount,ro disk
  refuses 'a read-only disk' 1 'Read-only file system' "${small[@]}" --checkpoint disk/c
  refuses 'a read-only disk, the folder there' 1 'Read-only file system' "${small[@]}" --checkpoint disk
  umount disk
else
  skip 'a full disk' 'mounting one takes a privileged user'
fi

# Solvers that have no such factor.
for solver in lu eigen cg; do
  refuses "--checkpoint, --solver $solver" 2 'goes with the solvers auto and cholesky' "${small[@]}" --solver $solver --checkpoint none
  refuses "--scratch, --solver $solver" 2 'goes with the solvers auto and cholesky' "${small[@]}" --solver $solver --scratch .
done
refuses '--checkpoint, --tol interpolate' 2 'interpolation has none' "${small[@]}" --tol interpolate --checkpoint none
ok 'and nothing was made' test ! -e none
run fit --kernel linear --train synth:gaussian,n=200,d=5 --ridge 1 --checkpoint c
ok 'least squares chosen by auto does without' same "$status" 0

# Within a budget.
if ! memory_counts; then
  skip 'a factor beyond the budget' 'memory is not that of the program alone'
else
  mkdir scratch
  budget=$((72 << 20)) # the packed matrix alone takes 95 MiB
  refuses 'a scratch folder of which none is above' 1 'cannot be made' "${large[@]}" --memory $budget --scratch no/such/folder
  refuses 'without a folder' 1 '--scratch' "${large[@]}" --memory $budget
  accepts 'a factor beyond the budget' "${large[@]}" --memory $budget --scratch scratch --scores s.npy --json s.json
  ok 'was on disk' less 100000000 "$(field s.json disk_bytes)"
  ok 'the scores are the same' agree plain5.npy s.npy
  ok 'the budget is kept' less "$(field s.json peak_rss_bytes)" $((budget + 1))
  ok 'nothing stays in the folder' empty_folder scratch
  for i in 1 2 3 4; do
    "$minnorm" "${large[@]}" --memory $budget --scratch scratch > out 2> err &
    pid=$!
    sleep 0.$((i * 2))
    kill -s KILL $pid 2> /dev/null
    wait $pid 2> /dev/null
    ok "nor after a kill ($i)" empty_folder scratch
  done
  ok 'out of core, a checkpoint is halted' start_and_halt h --memory $budget --scratch scratch
  { kill -s KILL $pid && wait $pid; } 2> /dev/null
  accepts 'and goes on in memory' "${large[@]}" --checkpoint h --scores h.npy --json h.json
  ok 'to the same scores' cmp plain5.npy h.npy
  ok 'from its panels' less 0 "$(field h.json resumed_panels)"
fi
finish
