#!/bin/bash
# Every public header stands alone, as C11 and as C++, without a warning; is part of minnorm.h; and shows what it
# declares to users of the shared library. TAP.
set -u
cd "$(dirname "$0")/../.." || exit 1
strict=(-Wall -Wextra -Wpedantic -Wconversion -Werror -fsyntax-only -Iinclude)

count=0 bad=0
report() { # name, complaints
  count=$((count + 1))
  if [ -z "$2" ]; then echo "ok $count - $1"; else echo "not ok $count - $1" && printf '%s\n' "$2" | sed 's/^/# /' && bad=1; fi
}
compiles() { # header, compiler and options
  local header=$1
  shift
  # Twice, so that the guard is tested too.
  printf '#include "%s"\n#include "%s"\nint main(void) { return 0; }\n' "$header" "$header" | "$@" "${strict[@]}" - 2>&1
}

for path in include/minnorm.h include/minnorm/*.h; do
  header=${path#include/}
  report "$header as C" "$(compiles "$header" "${CC:-cc}" -std=c11 -x c)"
  report "$header as C++" "$(compiles "$header" "${CXX:-c++}" -std=c++11 -x c++)"
  [ "$header" != minnorm.h ] || continue
  report "$header is part of minnorm.h" "$(grep -qF "\"$header\"" include/minnorm.h || echo "add it there")"
  report "$header shows what it declares" "$(
    for word in 'visibility push(default)' 'visibility pop' 'extern "C"'; do
      grep -qF "$word" "$path" || echo "$word is missing: take over what stands around the declarations of other headers"
    done
  )"
done
echo "1..$count"
exit $bad
