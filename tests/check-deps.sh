#!/bin/bash
# Checks that includes point one way (DESIGN.md, Layout), that one folder alone talks to BLAS, LAPACK and FFTW, and that
# tools see public headers only. Prints each offending line; then proves on a made-up tree that it can fail. TAP.
set -u
cd "$(dirname "$0")/.." || exit 1

# What each folder of src may include besides itself and the C library.
declare -A allowed=(
  [core]=""
  [linalg]="core"
  [data]="core"
  [report]="core data"
  [features]="core linalg data"
  [gram]="core linalg data"
  [expressivity]="core linalg data"
  [nn]="core linalg data"
  [solve]="core linalg data gram bench"
  [model]="core linalg data features gram solve report"
  [bench]="core linalg data gram"
)
# Public headers that are not named after their folder.
declare -A folder_of=([context]=core [status]=core [types]=core [samples]=data [kernel]=gram [options]=core)

blas_headers='<(cblas|lapack|lapacke|f77blas|openblas_config|fftw3)[a-z_-]*\.h>'
blas_calls='(^|[^A-Za-z0-9_])((cblas|LAPACKE|fftwf?|openblas)_[a-z]|[sdcz][a-z0-9]+_ *\()'

folder_of_header() { # "minnorm/x.h" -> folder; nothing when it belongs to none
  local name=${1#minnorm/}
  name=${name%.h}
  if [ -n "${folder_of[$name]:-}" ]; then echo "${folder_of[$name]}"; elif [ -n "${allowed[$name]+set}" ]; then echo "$name"; fi
}

may_include() { # folder folder
  [ "$1" = "$2" ] || [[ " ${allowed[$1]} " == *" $2 "* ]]
}

check_library_line() { # folder, what it includes
  local target=$2
  [ -n "${allowed[$1]+set}" ] || { echo "the folder $1 is not in the table of tests/check-deps.sh" && return; }
  case $target in
    minnorm/*)
      [ "$1" != report ] || return
      target=$(folder_of_header "$target")
      [ -z "$target" ] || may_include "$1" "$target" || echo "$1 may not use public headers of $target"
      ;;
    minnorm.h) echo "the library includes the headers it needs, not all of them" ;;
    */*) may_include "$1" "${target%%/*}" || echo "$1 may not include ${target%%/*}" ;;
    *) echo "write FOLDER/FILE.h" ;;
  esac
}

check_public_line() { # header's name, what it includes
  local folder target
  case $2 in
    minnorm/*) ;;
    *) echo "a public header includes public headers only" && return ;;
  esac
  folder=$(folder_of_header "$1")
  target=$(folder_of_header "$2")
  { [ -z "$folder" ] || [ "$folder" = report ] || [ -z "$target" ] || may_include "$folder" "$target"; } ||
    echo "headers of $folder may not include those of $target"
}

check_tool_line() { # root, including file, what it includes
  case $3 in
    minnorm.h | minnorm/*) ;;
    *) [ -e "${2%/*}/$3" ] || [ -e "$1/tools/$3" ] || echo "tools include public headers and their own only" ;;
  esac
}

# Every #include "..." of a tree, by the rule of its place.
check_includes() { # root
  local root=$1 file number line header relative why
  while IFS=: read -r file number line; do
    header=${line#*\"}
    header=${header%%\"*}
    relative=${file#"$root"/}
    case $relative in
      src/*/*) relative=${relative#src/} && why=$(check_library_line "${relative%%/*}" "$header") ;;
      include/minnorm.h) why=$([[ $header == minnorm/* ]] || echo "the umbrella header includes public headers only") ;;
      include/*) why=$(check_public_line "${relative#include/}" "$header") ;;
      *) why=$(check_tool_line "$root" "$file" "$header") ;;
    esac
    [ -z "$why" ] || echo "${file#"$root"/}:$number: $line ($why)"
  done < <(grep -rHn --include='*.[ch]' '^ *# *include *"' "$root/src" "$root/include" "$root/tools" 2> /dev/null)
}

# Comments out, line numbers kept; then the lines that name a BLAS, LAPACK or FFTW header or call.
check_blas() { # root
  find "$1/src" "$1/include" "$1/tools" -name '*.[ch]' ! -path '*/src/linalg/*' 2> /dev/null | sort |
    while read -r file; do
      awk '{
        out = ""
        while (length($0)) {
          if (inside) { if (i = index($0, "*/")) { $0 = substr($0, i + 2); inside = 0 } else $0 = "" }
          else if (i = index($0, "/*")) { out = out substr($0, 1, i - 1); $0 = substr($0, i + 2); inside = 1 }
          else { out = out $0; $0 = "" }
        }
        print out }' "$file" | grep -nE "$blas_headers|$blas_calls" |
        sed "s|^|${file#"$1"/}:|; s|\$| (only src/linalg talks to BLAS, LAPACK and FFTW)|"
    done
}

check_tree() { # root; prints what is wrong
  check_includes "$1"
  check_blas "$1"
}

# ---- the check itself

count=0
report() { # name, complaints
  count=$((count + 1))
  if [ -z "$2" ]; then echo "ok $count - $1"; else echo "not ok $count - $1" && printf '%s\n' "$2" | sed 's/^/# /'; fi
  [ -z "$2" ] || bad=1
}

# A tree with one file of one line; the check must complain ("bad") or not ("good").
self_test() { # good|bad, file, line
  local tree found
  tree=$(mktemp -d)
  mkdir -p "$tree/$(dirname "$2")" "$tree/tools"
  touch "$tree/tools/own.h"
  printf '/* cblas_dgemm in\n * a comment: dgemm_( */\n%s\n' "$3" > "$tree/$2"
  found=$(check_tree "$tree")
  rm -rf "$tree"
  case $1 in
    good) report "accepts $2: $3" "$found" ;;
    bad) report "refuses $2: $3" "$([[ $found == "$2:3:"* ]] || echo "not found in: $found")" ;;
  esac
}

bad=0
report "includes point one way" "$(check_tree .)"
self_test good src/solve/a.c '#include "gram/gram.h"'
self_test good src/linalg/a.c '#include <cblas.h>'
self_test good src/linalg/a.c 'void f(void) { dpotrf_(); }'
self_test good src/report/a.c '#include "minnorm/model.h"'
self_test good src/gram/a.c '#include "minnorm/samples.h"'
self_test good tools/a.c '#include "own.h"'
self_test good tools/bench/a.c '#include "minnorm/data.h"'
self_test bad src/core/a.c '#include "linalg/panels.h"'
self_test bad src/core/a.c '#include "minnorm/data.h"'
self_test bad src/linalg/a.h '#include "minnorm/samples.h"'
self_test bad src/gram/a.c '#include "nn/layers.h"'
self_test bad src/nn/a.c '  #  include "gram/gram.h"'
self_test bad src/report/a.c '#include "model/model.h"'
self_test bad src/gram/a.c '#include <fftw3.h>'
self_test bad src/data/a.c '#include <cblas-netlib.h>'
self_test bad src/solve/a.c 'void f(void) { dpotrf_(); }'
self_test bad src/solve/a.c '  cblas_dgemm(x); /* why */'
self_test bad src/other/a.c '#include "core/memory.h"'
self_test bad include/minnorm/data.h '#include "minnorm/kernel.h"'
self_test bad include/minnorm/data.h '#include "core/memory.h"'
self_test bad tools/a.c '#include "core/memory.h"'
self_test bad tools/bench/a.c '#include "../src/core/memory.h"'
echo "1..$count"
exit $bad
