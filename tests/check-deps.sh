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
  [expressivity]="core linalg data gram report"
  [nn]="core linalg data"
  [solve]="core linalg data gram"
  [model]="core linalg data features gram solve report"
  [interpolants]="core linalg data gram solve model"
  [bench]="core linalg data gram"
)
# Public headers that are not named after their folder.
declare -A folder_of=([express]=expressivity [context]=core [status]=core [types]=core [samples]=data [kernel]=gram [options]=core [products]=gram [stream]=model [sweep]=model)

blas_headers='<(cblas|lapack|lapacke|f77blas|openblas_config|fftw3)[a-z_-]*\.h>'
blas_calls='((cblas|LAPACKE|fftwf?|openblas)_[a-z]|[sdcz][a-z0-9]+_ *\()'

# The functions below answer in the variables folder and why, for a process for every line would take half a minute.

set_folder() { # "minnorm/x.h"; sets folder, empty when the header belongs to none
  folder=${1#minnorm/}
  folder=${folder%.h}
  if [ -n "${folder_of[$folder]:-}" ]; then folder=${folder_of[$folder]}; elif [ -z "${allowed[$folder]+set}" ]; then folder=; fi
}

may_include() { # folder folder
  [ "$1" = "$2" ] || [[ " ${allowed[$1]} " == *" $2 "* ]]
}

check_library_line() { # folder, what it includes
  if [ -z "${allowed[$1]+set}" ]; then
    why="the folder $1 is not in the table of tests/check-deps.sh"
    return
  fi
  case $2 in
    minnorm/*)
      set_folder "$2"
      [ "$1" = report ] || [ -z "$folder" ] || may_include "$1" "$folder" || why="$1 may not use public headers of $folder"
      ;;
    minnorm.h) why="the library includes the headers it needs, not all of them" ;;
    */*) may_include "$1" "${2%%/*}" || why="$1 may not include ${2%%/*}" ;;
    *) why="write FOLDER/FILE.h" ;;
  esac
}

check_public_line() { # public header, what it includes
  local from
  if [[ $2 != minnorm/* ]]; then
    why="a public header includes public headers only"
    return
  fi
  set_folder "$1" && from=$folder
  set_folder "$2"
  [ -z "$from" ] || [ "$from" = report ] || [ -z "$folder" ] || may_include "$from" "$folder" ||
    why="headers of $from may not include those of $folder"
}

check_tool_line() { # root, including file, what it includes
  case $3 in
    minnorm.h | minnorm/*) ;;
    *) [ -e "${2%/*}/$3" ] || [ -e "$1/tools/$3" ] || why="tools include public headers and their own only" ;;
  esac
}

# Every #include "..." of a tree, by the rule of its place.
check_includes() { # root
  local root=$1 file number line header relative folder why
  while IFS=: read -r file number line; do
    header=${line#*\"}
    header=${header%%\"*}
    relative=${file#"$root"/}
    why=
    case $relative in
      src/*/*) relative=${relative#src/} && check_library_line "${relative%%/*}" "$header" ;;
      include/minnorm.h) [[ $header == minnorm/* ]] || why="the umbrella header includes public headers only" ;;
      include/*) check_public_line "${relative#include/}" "$header" ;;
      *) check_tool_line "$root" "$file" "$header" ;;
    esac
    [ -z "$why" ] || echo "${file#"$root"/}:$number: $line ($why)"
  done < <(grep -rHn --include='*.[ch]' '^ *# *include *"' "$root/src" "$root/include" "$root/tools" 2> /dev/null)
}

# Comments out, line numbers kept; then the lines that name a BLAS, LAPACK or FFTW header or call.
# shellcheck disable=SC2016 # $0 is awk's
check_blas() { # root
  find "$1/src" "$1/include" "$1/tools" -name '*.[ch]' ! -path '*/src/linalg/*' -print0 2> /dev/null | sort -z |
    xargs -0r awk '{
      out = ""
      while (length($0)) {
        if (inside) { if (i = index($0, "*/")) { $0 = substr($0, i + 2); inside = 0 } else $0 = "" }
        else if (i = index($0, "/*")) { out = out substr($0, 1, i - 1); $0 = substr($0, i + 2); inside = 1 }
        else { out = out $0; $0 = "" }
      }
      print FILENAME ":" FNR ":" out }' | grep -E "^[^:]*:[0-9]+:(.*$blas_headers|(.*[^A-Za-z0-9_])?$blas_calls)" |
    sed "s|^$1/||; s|\$| (only src/linalg talks to BLAS, LAPACK and FFTW)|"
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
