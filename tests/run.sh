#!/bin/bash
# Runs every test program and test script, shows the output of what failed and why tests were skipped, and ends with
# one line of totals: N passed, N failed, N skipped. Exit status 1 when anything failed.
#
#   tests/run.sh [WORD...]           only those whose name contains one of the words
#
# Programs are tests/*/test_*.c as built in $BUILD; scripts are tests/check-*.sh and tests/*/*.sh but the one that makes
# a whole system. Both report in TAP. Environment:
#   BUILD          folder the tests were built in (build)
#   TEST_LIMIT     seconds each program or script may take (300)
#   TEST_WRAPPER   put in front of each test program and each run of the command, e.g. valgrind
# Scripts get: BUILD (absolute), MINNORM (the command to test), TMPDIR (a folder of their own).
set -u
shopt -s nullglob
cd "$(dirname "$0")/.." || exit 1

BUILD=${BUILD:-build}
case $BUILD in /*) ;; *) BUILD=$PWD/$BUILD ;; esac
TEST_WRAPPER=${TEST_WRAPPER:-}
TEST_LIMIT=${TEST_LIMIT:-300}
work=$(mktemp -d) || exit 1
child=
trap 'rm -rf "$work"' EXIT
trap '[ -z "$child" ] || kill "$child"; exit 130' INT TERM

MINNORM=$BUILD/minnorm
if [ -n "$TEST_WRAPPER" ]; then
  MINNORM=$work/minnorm
  printf '#!/bin/sh\nexec %s "%s" "$@"\n' "$TEST_WRAPPER" "$BUILD/minnorm" > "$MINNORM"
  chmod +x "$MINNORM"
fi
export BUILD MINNORM TEST_WRAPPER
export CMOCKA_MESSAGE_OUTPUT=TAP
export OMP_NUM_THREADS=${OMP_NUM_THREADS:-2} OMP_WAIT_POLICY=${OMP_WAIT_POLICY:-passive}
# The library asks for impossible amounts in its tests, and expects to be told no.
export ASAN_OPTIONS=${ASAN_OPTIONS:-allocator_may_return_null=1}
export UBSAN_OPTIONS=${UBSAN_OPTIONS:-print_stacktrace=1}

passed=0 failed=0 skipped=0

# Reads TAP; prints "PASSED FAILED SKIPPED PLANNED" (-1: no plan), then "skip TEXT" for each test that was skipped. The
# reason stands behind # SKIP, or is what the test printed before. cmocka writes a skipped test as "not ok N # SKIP".
parse_tap() {
  awk '
    BEGIN { passed = failed = skipped = 0; planned = -1 }
    /^1\.\.[0-9]+/ { planned = (planned < 0 ? 0 : planned) + substr($1, 4); next }
    /^(not )?ok [0-9]+.*# *[Ss][Kk][Ii][Pp]/ {
      sub(/^(not )?ok [0-9]+ *(- *)?/, ""); sub(/^# *[Ss][Kk][Ii][Pp] */, ""); sub(/ *# *[Ss][Kk][Ii][Pp] */, ": ")
      sub(/^[Ss]kip(ped|ping)?: */, "", note)
      reasons[skipped++] = $0 (note == "" ? "" : ": " note); note = ""; next
    }
    /^not ok [0-9]+/ { failed++; note = ""; next }
    /^ok [0-9]+/ { passed++; note = ""; next }
    /^#/ || /^ *$/ || /^TAP version/ { next }
    { note = note == "" ? $0 : note " " $0 }
    END {
      print passed, failed, skipped, planned
      for (i = 0; i < skipped; i++) print "skip " reasons[i]
    }' "$1"
}

# Why a run is a failure although no single test says so; empty when it is none.
complaint() { # status passed failed skipped planned
  local ran=$(($2 + $3 + $4))
  if [ "$1" = 124 ] || [ "$1" = 137 ]; then
    echo "stopped at the limit of $TEST_LIMIT s, or killed, after $ran tests"
  elif [ "$5" -ge 0 ] && [ "$ran" != "$5" ]; then
    echo "ended after $ran of $5 tests with exit status $1"
  elif [ "$ran" = 0 ]; then
    echo "reported no test, exit status $1"
  elif [ "$1" != 0 ] && [ "$3" = 0 ]; then
    echo "exit status $1 although no test failed"
  fi
}

run_one() { # name command...
  local name=$1 status start=$SECONDS p f s planned why
  shift
  mkdir -p "$work/tmp"
  # In the background, that Ctrl-C stops at once; with job control, that the test does not inherit an ignored SIGINT.
  set -m
  TMPDIR=$work/tmp timeout -k 10 "$TEST_LIMIT" "$@" < /dev/null > "$work/out" 2> "$work/err" &
  child=$!
  set +m
  wait $child
  status=$?
  child=
  parse_tap "$work/out" > "$work/counts"
  read -r p f s planned < "$work/counts"
  why=$(complaint $status "$p" "$f" "$s" "$planned")
  [ -z "$why" ] || f=$((f + 1))
  passed=$((passed + p)) failed=$((failed + f)) skipped=$((skipped + s))
  printf '%-4s %-32s %4d passed' "$([ "$f" = 0 ] && echo ok || echo FAIL)" "$name" "$p"
  [ "$f" = 0 ] || printf ', %d failed' "$f"
  [ "$s" = 0 ] || printf ', %d skipped' "$s"
  printf '  %d s\n' $((SECONDS - start))
  sed -n 's/^skip /     skipped: /p' "$work/counts"
  if [ "$f" != 0 ]; then
    grep -v '^ok ' "$work/out" | tail -n 200 | sed 's/^/     | /'
    tail -n 100 "$work/err" | sed 's/^/     ! /'
    [ -z "$why" ] || echo "     $name $why"
  fi
  rm -rf "$work/tmp"
}

wanted() { # name; words are in the global array
  local word
  [ ${#words[@]} -gt 0 ] || return 0
  for word in "${words[@]}"; do
    case $1 in *"$word"*) return 0 ;; esac
  done
  return 1
}

words=("$@")
for source in tests/*/test_*.c; do
  name=${source#tests/}
  name=${name%.c}
  # shellcheck disable=SC2086 # the wrapper is a command with its options
  if wanted "$name"; then run_one "$name" $TEST_WRAPPER "$BUILD/tests/$name"; fi
done
for script in tests/check-*.sh tests/*/*.sh; do
  name=${script#tests/}
  [ "$name" != setup/debootstrap.sh ] || continue
  if wanted "$name"; then run_one "$name" "$script"; fi
done

echo "$passed passed, $failed failed, $skipped skipped"
[ "$failed" = 0 ]
