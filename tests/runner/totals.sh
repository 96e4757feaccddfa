#!/bin/bash
# tests/run.sh itself: on a made-up tree of test programs (shell scripts here), what each way to fail adds to the totals.
# TAP.
# shellcheck disable=SC2016 # the scripts that are written expand their own variables
set -u
here=$(cd "$(dirname "$0")/.." && pwd)
tree=$(mktemp -d)
trap 'rm -rf "$tree"' EXIT
mkdir -p "$tree/tests/m" "$tree/build/tests/m"
cp "$here/run.sh" "$tree/tests/run.sh"
unset TEST_WRAPPER TEST_LIMIT

count=0 bad=0
report() { # name, what must be found, what was
  count=$((count + 1))
  if [ "$2" = "$3" ]; then echo "ok $count - $1"; else echo "not ok $count - $1" && echo "'$3' instead of '$2'" | sed 's/^/# /' && bad=1; fi
}
program() { # what the one test program does; "" for one that was not built
  rm -f "$tree"/tests/m/* "$tree"/build/tests/m/*
  touch "$tree/tests/m/test_it.c"
  [ -z "$1" ] && return
  printf '#!/bin/bash\n%s\n' "$1" > "$tree/build/tests/m/test_it"
  chmod +x "$tree/build/tests/m/test_it"
}
script() { # what the one test script does
  rm -f "$tree"/tests/m/*
  printf '#!/bin/bash\n%s\n' "$1" > "$tree/tests/m/it.sh"
  chmod +x "$tree/tests/m/it.sh"
}
run() { # words of the command line; prints "STATUS last line"
  BUILD=build bash "$tree/tests/run.sh" "$@" > "$tree/log" 2>&1
  echo "$? $(tail -n 1 "$tree/log")"
}
shows() { if grep -qF "$1" "$tree/log"; then echo yes; else echo no && cat "$tree/log"; fi; }

program 'echo 1..2; echo "ok 1 - a"; echo "ok 2 - b"'
report "tests that pass" "0 2 passed, 0 failed, 0 skipped" "$(run)"
program 'echo 1..1; echo "ok 1 - a"; echo 1..1; echo "ok 1 - b"'
report "two groups in one program" "0 2 passed, 0 failed, 0 skipped" "$(run)"
program 'echo 1..2; echo "ok 1 - a"; echo "not ok 2 - b"; echo "# 1 != 2"; exit 1'
report "one that fails" "1 1 passed, 1 failed, 0 skipped" "$(run)"
report "its output is shown" yes "$(shows '# 1 != 2')"
program 'echo 1..2; echo "no data here"; echo "not ok 1 # SKIP a"; echo "ok 2 - b"'
report "one that cmocka skips" "0 1 passed, 0 failed, 1 skipped" "$(run)"
report "the reason is shown" yes "$(shows 'skipped: a: no data here')"
program 'echo 1..3; echo "ok 1 - a"; kill -SEGV $$'
report "a crash half-way" "1 1 passed, 1 failed, 0 skipped" "$(run)"
report "it is named" yes "$(shows 'm/test_it ended after 1 of 3 tests')"
program 'echo 1..1; echo "ok 1 - a"; exit 99'
report "a leak found at exit" "1 1 passed, 1 failed, 0 skipped" "$(run)"
program 'echo 1..1; echo "ok 1 - a"; exit 0; echo'
report "nothing is remembered from one run to the next" "0 1 passed, 0 failed, 0 skipped" "$(run)"
program 'exit 0'
report "a program without a test" "1 0 passed, 1 failed, 0 skipped" "$(run)"
program ''
report "a program that was not built" "1 0 passed, 1 failed, 0 skipped" "$(run)"
program 'echo 1..2; echo "ok 1 - a"; sleep 60'
report "a program that hangs" "1 1 passed, 1 failed, 0 skipped" "$(TEST_LIMIT=1 run)"
program 'echo $$ > pid; exec sleep 60'
BUILD=build bash "$tree/tests/run.sh" > "$tree/log" 2>&1 &
runner=$!
for _ in {1..100}; do [ -s "$tree/pid" ] || sleep 0.1; done
kill $runner
wait $runner
report "a stopped run" 130 $?
sleep 0.5
report "leaves no test running" gone "$(kill -0 "$(cat "$tree/pid")" 2> /dev/null && echo running || echo gone)"
program '[ -z "$(trap)" ] && kill -INT $$; sleep 5'
report "a test has the usual signals" "1 0 passed, 1 failed, 0 skipped" "$(run)"
report "and dies of them" yes "$(shows 'exit status 130')"
program 'echo 1..1; [ "$WRAPPED" = yes ] && echo "ok 1 - a"'
report "a wrapped program" "0 1 passed, 0 failed, 0 skipped" "$(TEST_WRAPPER="env WRAPPED=yes" run)"
report "other words leave nothing to run" "0 0 passed, 0 failed, 0 skipped" "$(run nothing)"

script 'echo "ok 1 - a"; echo "ok 2 - b # SKIP no server"; echo "not ok 3 - c"; exit 1'
report "a script with one of each" "1 1 passed, 1 failed, 1 skipped" "$(run)"
report "its reason is shown" yes "$(shows 'skipped: b: no server')"
script 'echo "ok 1 - a"; touch "$TMPDIR/left"; [ -x "$MINNORM" ] || exit 0; exit 1'
report "a script without a plan" "0 1 passed, 0 failed, 0 skipped" "$(run)"
script 'exit 3'
report "a script that fails at once" "1 0 passed, 1 failed, 0 skipped" "$(run)"
chmod -x "$tree/tests/m/it.sh"
report "a script that cannot be executed is not left out" "1 0 passed, 1 failed, 0 skipped" "$(run)"
echo "1..$count"
exit $bad
