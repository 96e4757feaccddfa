#!/bin/bash
# Checks the lengths the project sets itself: files at most 500 lines; functions at most 100, nine in ten at most 60,
# half of them at most 15. A function runs from the { in column 0 to the } in column 0. TAP.
set -u
cd "$(dirname "$0")/.." || exit 1

# Runs an awk program over all files of a tree.
awk_files() { # root program
  (cd "$1" && find src tools include -name '*.[ch]' -print0 2> /dev/null | sort -z | xargs -0r awk "$2")
}

# "LINES FILE:LINE" of every function.
functions_of() {
  awk_files "$1" 'FNR == 1 { start = 0 } /^\{/ { start = FNR } /^\}/ { if (start) print FNR - start + 1, FILENAME ":" start; start = 0 }'
}

long_files() {
  awk_files "$1" '{ lines[FILENAME] = FNR } END { for (f in lines) if (lines[f] > 500) print f " has " lines[f] " lines" }' | sort
}

long_functions() { functions_of "$1" | awk '$1 > 100 { print $2 " is a function of " $1 " lines" }'; }

# The length below which a share of the functions lies, when above a limit.
quantile() { # root share limit
  functions_of "$1" | sort -n | awk -v share="$2" -v limit="$3" '{ v[NR] = $1 }
    END { if (NR && (q = v[int((NR - 1) * share) + 1]) > limit) print "the quantile " share " is " q " lines, above " limit }'
}

count=0 bad=0
report() { # name, complaints
  count=$((count + 1))
  if [ -z "$2" ]; then echo "ok $count - $1"; else echo "not ok $count - $1" && printf '%s\n' "$2" | sed 's/^/# /'; fi
  [ -z "$2" ] || bad=1
}
expect() { # name, what must be found, what was
  report "$1" "$([ "$2" = "$3" ] || echo "found '$3' instead of '$2'")"
}

report "files have at most 500 lines" "$(long_files .)"
report "functions have at most 100 lines" "$(long_functions .)"
report "nine functions in ten have at most 60 lines" "$(quantile . 0.9 60)"
report "half of the functions have at most 15 lines" "$(quantile . 0.5 15)"

tree=$(mktemp -d)
mkdir -p "$tree/src/core"
{ printf 'int f(void)\n{\n' && yes '  ;' | head -n 98 && printf '}\n'; } > "$tree/src/core/fits.c"
expect "a function of 100 lines passes" "" "$(long_functions "$tree")"
{ printf 'int f(void)\n{\n' && yes '  ;' | head -n 99 && printf '}\n'; } > "$tree/src/core/long.c"
expect "a function of 101 lines does not" "src/core/long.c:2 is a function of 101 lines" "$(long_functions "$tree")"
expect "nor does their median" "the quantile 0.5 is 100 lines, above 15" "$(quantile "$tree" 0.5 15)"
yes '' | head -n 501 > "$tree/src/core/big.h"
expect "nor does a file of 501 lines" "src/core/big.h has 501 lines" "$(long_files "$tree")"
rm -rf "$tree"
echo "1..$count"
exit $bad
