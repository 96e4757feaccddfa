#!/bin/bash
# Ctrl-C: the command ends soon, with one line, and leaves nothing behind.
. "$(dirname "$0")/support.bash"
mkdir "$work/result"
set -m # background jobs are interrupted by SIGINT only under job control

gone() { ! kill -9 "$1" 2> /dev/null; }

# Runs a fit that would take far longer than the test, stops it, and waits.
interrupt() { # signal, seconds before it, options...
  local name="$1 after $2 s (${*:3})" pid deadline
  "$minnorm" fit -q --gamma 0.1 --json "$work/result/r.json" --save "$work/result/m" "${@:3}" > "$work/out" 2> "$work/err" &
  pid=$!
  sleep "$2"
  ok "$name: still running" kill -s "$1" $pid
  deadline=$((SECONDS + 10))
  while kill -0 $pid 2> /dev/null && [ $SECONDS -lt $deadline ]; do sleep 0.05; done
  ok "$name: ends" gone $pid
  wait $pid 2> /dev/null
  ok "$name: exit status 1" same $? 1
  ok "$name: one line" same "$(cat "$work/err")" 'minnorm: fit: interrupted'
  ok "$name: nothing on stdout" test ! -s "$work/out"
  ok "$name: nothing left behind" empty_folder "$work/result"
}

interrupt INT 1.5 --train synth:gaussian,n=20000,d=20 --threads 2
interrupt TERM 1.5 --train synth:gaussian,n=20000,d=20 --threads 2
interrupt INT 2 --train synth:gaussian,n=12000,d=20 --threads 2 --solver lu

# A shell that runs it in the background without job control has it ignore Ctrl-C.
set +m
"$minnorm" fit -q --gamma 0.1 --train synth:gaussian,n=20000,d=20 --threads 2 2> "$work/err" &
pid=$!
sleep 0.5
kill -s INT $pid
sleep 1
ok 'an ignored SIGINT stays ignored' kill -s TERM $pid
wait $pid
ok 'and SIGTERM does not' same "$? $(cat "$work/err")" '1 minnorm: fit: interrupted'
finish
