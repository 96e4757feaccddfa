#!/bin/bash
# Every BLAS that Debian has, by LD_LIBRARY_PATH: the tests of factors, systems and Gram matrices pass, info names it,
# and a fit has the scores that it has with the default. What is not installed is skipped. TAP.
. "$(dirname "$0")/../cli/support.bash"
build=$(cd "${BUILD:-build}" && pwd) || exit 1
cd "$work" || exit 1
export OMP_NUM_THREADS=2
programs=(linalg/test_cholesky linalg/test_dense linalg/test_triangular solve/test_system gram/test_linear)
digits=(--train synth:digits,n=300 --test synth:digits,part=test,n=50 --gamma 0.02)

# Folder of the BLAS, folder of the LAPACK, package, what info says.
variants='
openblas-pthread openblas-pthread libopenblas0-pthread OpenBLAS.*, pthreads
openblas-openmp  openblas-openmp  libopenblas0-openmp  OpenBLAS.*, OpenMP
openblas-serial  openblas-serial  libopenblas0-serial  OpenBLAS.*, serial
blis-pthread     lapack           libblis4-pthread     BLIS.*, pthreads
blis-openmp      lapack           libblis4-openmp      BLIS.*, OpenMP
blis-serial      lapack           libblis4-serial      BLIS.*, serial
blis-pthread     openblas-pthread libblis4-pthread     BLIS.*, pthreads
blas             lapack           libblas3             reference BLAS'

# The folder NAME that holds LIBRARY, whatever the processor is called.
folder_of() {
  local found
  for found in /usr/lib/*-linux-gnu*/"$1"; do [ -e "$found/$2" ] && echo "$found" && return; done
}

# The largest difference between two files of scores, below a limit.
close() {
  paste -d, "$1" "$2" | awk -F, -v limit="$3" '
    { if (NF % 2 || !NF) bad = 1; for (i = 1; i <= NF / 2; i++) { d = $i - $(i + NF / 2); if (d < 0) d = -d; if (d > most) most = d } }
    END { print "largest difference " most " of " NR " rows"; exit bad || NR != 50 || !(most < limit) }'
}

passes() { CMOCKA_MESSAGE_OUTPUT=TAP timeout 60 "$build/tests/$1"; }

check_variant() { # title, what info says
  run info
  ok "$1: info names it" grep -Eq "^blas +$2" out
  for program in "${programs[@]}"; do ok "$1: $program" passes "$program"; done
  run fit "${digits[@]}" -q --scores scores.csv
  ok "$1: fit" same "$status" 0
  ok "$1: the scores" close default.csv scores.csv 1e-10
  run fit "${digits[@]}" -q --solver eigen --scores scores.csv
  ok "$1: the scores by eigenvalues" close default.csv scores.csv 1e-8
}

if [ -n "${TEST_WRAPPER:-}" ]; then
  skip 'every BLAS' "the same programs as under the default BLAS, too many to run under $TEST_WRAPPER"
  finish
fi
run fit "${digits[@]}" -q --scores default.csv
ok 'scores with the default BLAS' same "$status $(wc -l < default.csv)" '0 50'
while read -r blas lapack package says; do
  [ -n "$blas" ] || continue
  blas_folder=$(folder_of "$blas" libblas.so.3) lapack_folder=$(folder_of "$lapack" liblapack.so.3)
  if [ -z "$blas_folder" ]; then
    skip "$blas" "$package is not installed"
  elif [ -z "$lapack_folder" ]; then
    skip "$blas with $lapack" "$([ "$lapack" = lapack ] && echo liblapack3 || echo "libopenblas0-${lapack#*-}") is not installed"
  else
    title=$blas
    [ "$lapack" = lapack ] || [ "$lapack" = "$blas" ] || title="$blas with $lapack"
    export LD_LIBRARY_PATH=$blas_folder:$lapack_folder
    check_variant "$title" "$says"
    unset LD_LIBRARY_PATH
  fi
done <<< "$variants"
finish
