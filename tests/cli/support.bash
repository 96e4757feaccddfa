# Shared by the scripts of this folder: runs the command and reports in TAP. Source it; call `finish` at the end.
#
#   run ARG...                      runs minnorm; sets status; output in $work/out, errors in $work/err
#   ok NAME COMMAND...              a test: the command succeeds
#   refuses NAME STATUS TEXT ARG... a test: exit status, nothing on stdout, exactly one line on stderr that holds TEXT
#   accepts NAME ARG...             a test: exit status 0 and nothing on stderr
#   field FILE KEY                  a top-level member of a JSON report
set -u
minnorm=${MINNORM:-${BUILD:-build}/minnorm}
case $minnorm in /*) ;; *) minnorm=$PWD/$minnorm ;; esac
work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT
unset MINNORM_DATA # tests bring their own data
export OMP_NUM_THREADS=${OMP_NUM_THREADS:-2} OMP_WAIT_POLICY=${OMP_WAIT_POLICY:-passive}
python=
for candidate in /usr/bin/python3 python3; do
  if [ -z "$python" ] && $candidate -c '' 2> /dev/null; then python=$candidate; fi
done
tests=0 failures=0

run() {
  "$minnorm" "$@" > "$work/out" 2> "$work/err" < /dev/null
  status=$?
}

complain() {
  failures=$((failures + 1))
  echo "not ok $tests - $1"
  shift
  printf '# %s\n' "$@"
}

ok() {
  local name=$1
  shift
  tests=$((tests + 1))
  if "$@" > "$work/test.out" 2>&1; then echo "ok $tests - $name"; else complain "$name" "failed: $*" "$(head -n 5 "$work/test.out")"; fi
}

skip() { # name, reason
  tests=$((tests + 1))
  echo "ok $tests - $1 # SKIP $2"
}

refuses() {
  local name=$1 wanted=$2 text=$3 lines
  shift 3
  run "$@"
  mapfile -t lines < "$work/err"
  tests=$((tests + 1))
  if [ "$status" != "$wanted" ]; then
    complain "$name" "exit status $wanted expected, $status found: minnorm $*" "$(head -n 3 "$work/err")"
  elif [ -s "$work/out" ]; then
    complain "$name" "nothing on stdout expected: minnorm $*" "$(head -n 3 "$work/out")"
  elif [ ${#lines[@]} != 1 ] || [[ ${lines[0]} != 'minnorm: '* ]] || [[ ${lines[0]} != *"$text"* ]]; then
    complain "$name" "one line with '$text' expected: minnorm $*" "$(head -n 5 "$work/err")"
  else
    echo "ok $tests - $name"
  fi
}

accepts() {
  local name=$1
  shift
  run "$@"
  tests=$((tests + 1))
  if [ "$status" = 0 ] && [ ! -s "$work/err" ]; then
    echo "ok $tests - $name"
  else
    complain "$name" "exit status $status: minnorm $*" "$(head -n 5 "$work/err")"
  fi
}

field() { sed -n "s/^\t\"$2\":\t\(.*[^,]\),\{0,1\}\$/\1/p" "$1"; }

same() { [ "$1" = "$2" ] || { echo "'$1' is not '$2'" && false; }; }
less() { awk -v a="$1" -v b="$2" 'BEGIN { exit !(a != "" && a != "null" && a + 0 < b + 0) }' || { echo "'$1' is not below '$2'" && false; }; }
contains() { grep -qF -e "$2" "$1" || { echo "'$2' is not in $1" && false; }; }
lacks() { ! grep -qF -e "$2" "$1" || { echo "'$2' is in $1" && false; }; }
empty_folder() { [ -z "$(ls -A "$1")" ] || { ls -A "$1" && false; }; }

# Whether a file is one JSON value: asked of python3 where there is one, else only that its braces pair.
valid_json() {
  if [ -n "$python" ]; then
    $python -c 'import json, sys; json.load(open(sys.argv[1]))' "$1"
  else
    [ "$(tr -cd '{[' < "$1" | wc -c)" = "$(tr -cd '}]' < "$1" | wc -c)" ] && head -c 1 "$1" | grep -q '{'
  fi
}

# Whether the memory of a run is that of the program alone: sanitizers and valgrind take some of their own.
memory_counts() { [ -z "${TEST_WRAPPER:-}" ] && ! grep -q fsanitize "${BUILD:-build}/flags"; }
finish() {
  echo "1..$tests"
  [ "$failures" = 0 ]
  exit
}
