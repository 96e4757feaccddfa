/* Whole-matrix LAPACK: residuals by LAPACK's own measures below 30, known spectra, QR in blocks, orders beyond the
 * limits, failing allocations; and the module that decides about threads. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <float.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/memory.h"
#include "linalg/dense.h"
#include "linalg/threads.h"
#include "naive.h"
#include "support.h"

static const double eps = DBL_EPSILON;

static double *copy_of(size_t count, const double *x)
{
  double *copy = malloc(count * sizeof *copy);
  assert_non_null(copy);
  memcpy(copy, x, count * sizeof *copy);
  return copy;
}

static double norm1_of(size_t n, const double *a)
{
  double best = 0;
  for (size_t j = 0; j < n; j++) {
    double sum = 0;
    for (size_t i = 0; i < n; i++) sum += fabs(a[i + j * n]);
    best = fmax(best, sum);
  }
  return best;
}

static void mirror_copies_down_to_up(void **state)
{
  (void)state;
  static const size_t orders[] = {1, 2, 63, 64, 65, 130, 200};
  for (size_t o = 0; o < sizeof orders / sizeof *orders; o++)
    for (int threads = 1; threads <= 3; threads++) {
      size_t n = orders[o];
      double *a = naive_normals(n * n, n), *before = copy_of(n * n, a);
      for (size_t j = 0; j < n; j++)
        for (size_t i = 0; i < j; i++) a[i + j * n] = NAN;
      mn_dense_mirror(n, a, threads);
      for (size_t j = 0; j < n; j++)
        for (size_t i = j; i < n; i++) {
          assert_true(a[i + j * n] == before[i + j * n]);
          assert_true(a[j + i * n] == before[i + j * n]);
        }
      free(a);
      free(before);
    }
}

/* ---- LU */

/* ||P A - L U||_F / (n ||A||_F eps); swaps rows of a copy as the pivots say. */
static double factor_ratio(size_t n, const double *a, const double *lu, const int *pivots)
{
  double *pa = copy_of(n * n, a), error = 0;
  for (size_t k = 0; k < n; k++)
    for (size_t j = 0; j < n; j++) {
      size_t p = (size_t)pivots[k] - 1;
      double swap = pa[k + j * n];
      pa[k + j * n] = pa[p + j * n];
      pa[p + j * n] = swap;
    }
  for (size_t j = 0; j < n; j++)
    for (size_t i = 0; i < n; i++) {
      long double sum = (long double)-pa[i + j * n];
      for (size_t k = 0; k <= i && k <= j; k++)
        sum += (k == i ? 1 : (long double)lu[i + k * n]) * (long double)lu[k + j * n];
      error += (double)(sum * sum);
    }
  double ratio = sqrt(error) / ((double)n * naive_norm(n * n, a) * eps);
  free(pa);
  return ratio;
}

static void check_rcond(size_t n, const double *a, const double *lu)
{
  double *one = calloc(n * n, sizeof *one), *inverse = malloc(n * n * sizeof *inverse), rcond;
  for (size_t i = 0; i < n; i++) one[i * (n + 1)] = 1;
  naive_solve(n, a, n, one, inverse);
  double exact = 1 / (norm1_of(n, a) * norm1_of(n, inverse));
  assert_int_equal(mn_lu_rcond(n, lu, norm1_of(n, a), &rcond, NULL), MN_OK);
  if (!(rcond >= exact * (1 - 1e-4) && rcond <= 4 * exact)) fail_msg("n = %zu: rcond %g, exactly %g", n, rcond, exact);
  free(one);
  free(inverse);
}

static void check_lu(size_t n, const double *a, int threads, int conditioned)
{
  enum { COLUMNS = 3 };
  double *lu = copy_of(n * n, a), *b = naive_normals(n * COLUMNS, 5), *x = copy_of(n * COLUMNS, b),
         *ax = malloc(n * COLUMNS * sizeof *ax);
  int *pivots = malloc(n * sizeof *pivots);
  assert_int_equal(mn_lu_factor(n, lu, pivots, threads, NULL), MN_OK);
  double ratio = factor_ratio(n, a, lu, pivots);
  if (!(ratio < 30)) fail_msg("n = %zu: factor ratio %g", n, ratio);
  assert_int_equal(mn_lu_solve(n, lu, pivots, COLUMNS, x, threads, NULL), MN_OK);
  naive_multiply(n, n, a, COLUMNS, x, ax);
  for (size_t c = 0; c < COLUMNS; c++) {
    double size = naive_norm(n * n, a) * naive_norm(n, x + c * n) * eps;
    ratio = naive_distance(n, ax + c * n, b + c * n) / size;
    if (!(ratio < 30)) fail_msg("n = %zu: solve ratio %g", n, ratio);
  }
  if (conditioned) check_rcond(n, a, lu);
  free(lu);
  free(b);
  free(x);
  free(ax);
  free(pivots);
}

static void lu_is_backward_stable(void **state)
{
  (void)state;
  static const size_t orders[] = {1, 2, 7, 33, 64, 130};
  static const double conditions[] = {1, 1e3, 1e7, 1e14};
  for (size_t o = 0; o < sizeof orders / sizeof *orders; o++) {
    size_t n = orders[o];
    double *values = malloc(n * sizeof *values), *a = naive_normals(n * n, n);
    for (int threads = 1; threads <= 2; threads++) check_lu(n, a, threads, 1);
    free(a);
    for (size_t c = 0; c < sizeof conditions / sizeof *conditions; c++)
      for (uint64_t seed2 = 1; seed2 <= 2; seed2++) { /* symmetric and indefinite first */
        for (size_t i = 0; i < n; i++)
          values[i] = (i % 3 ? 1 : -1) * pow(conditions[c], -(double)i / (double)(n > 1 ? n - 1 : 1));
        a = naive_spectrum(n, values, 1, seed2);
        check_lu(n, a, 2, conditions[c] < 1e10);
        free(a);
      }
    free(values);
  }
}

/* Rows of very unequal size; a matrix that cannot be factored without swaps; Hilbert's. */
static void lu_of_hard_matrices(void **state)
{
  (void)state;
  enum { N = 40 };
  double *a = naive_normals(N * N, 3);
  for (size_t i = 0; i < N * N; i++) a[i] *= pow(10, (double)(i % N) / 4 - 5);
  check_lu(N, a, 1, 0);
  for (size_t i = 0; i < N * N; i++) a[i] = 0;
  for (size_t j = 0; j < N; j++) a[(j + 1) % N + j * N] = (double)j + 1;
  check_lu(N, a, 1, 1);
  for (size_t i = 0; i < N * N; i++) a[i] = 1 / (double)(i % N + i / N + 1);
  check_lu(N, a, 1, 0);
  free(a);
}

static void exactly_singular_is_said(void **state)
{
  (void)state;
  enum { N = 20 };
  for (size_t bad = 0; bad < N; bad += 3) {
    double a[N * N] = {0};
    int pivots[N];
    mn_error err = {0};
    char expected[32];
    for (size_t i = 0; i < N; i++) a[i * (N + 1)] = i == bad ? 0 : 2;
    assert_int_equal(mn_lu_factor(N, a, pivots, 1, &err), MN_ERR_SINGULAR);
    assert_int_equal(err.code, MN_ERR_SINGULAR);
    snprintf(expected, sizeof expected, "pivot %zu of %d", bad + 1, N);
    assert_non_null(strstr(err.text, expected));
  }
}

/* ---- eigenvalues */

static int ascending(const void *a, const void *b)
{
  double x = *(const double *)a, y = *(const double *)b;
  return (x > y) - (x < y);
}

/* How far the columns of v (n x n) are from orthonormal: ||V'V - I||_F / (n eps). */
static double orthogonality(size_t n, const double *v)
{
  double error = 0;
  for (size_t i = 0; i < n; i++)
    for (size_t j = 0; j < n; j++) {
      double sum = i == j ? -1 : 0;
      for (size_t k = 0; k < n; k++) sum += v[k + i * n] * v[k + j * n];
      error += sum * sum;
    }
  return sqrt(error) / ((double)n * eps);
}

static void check_eigen(size_t n, double *known, int threads)
{
  double *a = naive_spectrum(n, known, 4, 4), *v = copy_of(n * n, a), *values = malloc(n * sizeof *values);
  double *av = malloc(n * n * sizeof *av), size = naive_norm(n * n, a);
  for (size_t j = 0; j < n; j++)
    for (size_t i = 0; i < j; i++) v[i + j * n] = NAN; /* not to be read */
  double *b = copy_of(n * n, v), *alone = malloc(n * sizeof *alone);
  assert_int_equal(mn_eigen_factor(n, v, values, threads, NULL), MN_OK);
  assert_int_equal(mn_eigen_values(n, b, alone, threads, NULL), MN_OK);
  naive_multiply(n, n, a, n, v, av);
  for (size_t i = 0; i < n * n; i++) av[i] -= v[i] * values[i / n];
  double ratio = naive_norm(n * n, av) / (size > 0 ? (double)n * size * eps : 1);
  if (!(ratio < 30)) fail_msg("n = %zu: residual ratio %g", n, ratio);
  if (!(orthogonality(n, v) < 30)) fail_msg("n = %zu: orthogonality %g", n, orthogonality(n, v));
  qsort(known, n, sizeof *known, ascending);
  for (size_t i = 0; i < n; i++) {
    if (!(fabs(values[i] - known[i]) <= 30 * eps * size)) fail_msg("value %zu: %g, not %g", i, values[i], known[i]);
    assert_true(i == 0 || values[i] >= values[i - 1]);
    assert_true(fabs(alone[i] - known[i]) <= 30 * eps * size);
    assert_true(i == 0 || alone[i] >= alone[i - 1]);
  }
  free(b);
  free(alone);
  free(a);
  free(v);
  free(av);
  free(values);
}

static void eigenvalues_and_vectors(void **state)
{
  (void)state;
  static const size_t orders[] = {1, 2, 3, 10, 64, 130};
  for (size_t o = 0; o < sizeof orders / sizeof *orders; o++) {
    size_t n = orders[o];
    double *known = malloc(n * sizeof *known);
    for (int kind = 0; kind < 5; kind++) {
      for (size_t i = 0; i < n; i++) {
        double x = (double)i + 1;
        const double kinds[] = {x, x - 3, pow(10, -x / 4), i % 2 ? 1 : 1 + 1e-13 * x, i < n / 2 ? 0 : 5};
        known[i] = kinds[kind];
      }
      check_eigen(n, known, 1 + kind % 2);
    }
    for (size_t i = 0; i < n; i++) known[i] = 0;
    check_eigen(n, known, 1);
    free(known);
  }
}

/* ---- QR and singular values */

/* R of X (n x d, row-major) in blocks of rows. */
static double *stream(size_t n, size_t d, const double *x, size_t block, int threads)
{
  double *r = calloc(d * d, sizeof *r), *work = malloc(mn_qr_work_size(d, block) * sizeof *work);
  for (size_t first = 0; first < n; first += block) {
    size_t rows = n - first < block ? n - first : block;
    assert_int_equal(mn_qr_append(d, r, rows, x + first * d, work, threads, NULL), MN_OK);
  }
  free(work);
  return r;
}

static void check_r(size_t n, size_t d, const double *x, const double *r, const double *whole)
{
  double size = naive_norm(n * d, x);
  for (size_t i = 0; i < d; i++)
    for (size_t j = 0; j < d; j++) {
      long double rr = 0, xx = 0;
      if (i > j) assert_true(r[i + j * d] == 0);
      for (size_t k = 0; k < d; k++) rr += (long double)r[k + i * d] * (long double)r[k + j * d];
      for (size_t k = 0; k < n; k++) xx += (long double)x[k * d + i] * (long double)x[k * d + j];
      assert_true(fabsl(rr - xx) <= 30 * eps * size * size);
      mn_test_close(fabs(r[i + j * d]), fabs(whole[i + j * d]), 1e-12 * size);
    }
}

static void qr_by_blocks_is_qr(void **state)
{
  (void)state;
  const size_t n = 150, dims[] = {1, 5, 40, 70}, blocks[] = {1, 7, 64, 100, 150};
  for (size_t s = 0; s < sizeof dims / sizeof *dims; s++) {
    size_t d = dims[s];
    double *x = naive_normals(n * d, d), *whole = stream(n, d, x, n, 1);
    for (size_t b = 0; b < sizeof blocks / sizeof *blocks; b++) {
      double *r = stream(n, d, x, blocks[b], 1 + (int)b % 2);
      check_r(n, d, x, r, whole);
      free(r);
    }
    free(x);
    free(whole);
  }
}

static void singular_values_and_vectors(void **state)
{
  (void)state;
  static const size_t orders[] = {1, 2, 9, 64, 100};
  for (size_t o = 0; o < sizeof orders / sizeof *orders; o++)
    for (int kind = 0; kind < 4; kind++) {
      size_t d = orders[o];
      double *known = malloc(d * sizeof *known), *values = malloc(d * sizeof *values);
      double *vt = malloc(d * d * sizeof *vt), *gram = malloc(d * d * sizeof *gram);
      for (size_t i = 0; i < d; i++) {
        double x = (double)(d - i);
        const double kinds[] = {x, pow(10, -(double)i / 5), 2, i < d / 2 ? 1 : 0};
        known[i] = kinds[kind];
      }
      double *a = naive_spectrum(d, known, 7, 8), *destroyed = copy_of(d * d, a), size = naive_norm(d * d, a);
      assert_int_equal(mn_svd_right(d, destroyed, values, vt, 1 + kind % 2, NULL), MN_OK);
      for (size_t i = 0; i < d; i++) {
        assert_true(fabs(values[i] - known[i]) <= 30 * eps * size);
        assert_true(i == 0 || values[i] <= values[i - 1]);
      }
      assert_true(orthogonality(d, vt) < 30);
      for (size_t i = 0; i < d * d; i++) gram[i] = vt[i % d * d + i / d]; /* V */
      double *av = malloc(d * d * sizeof *av);
      naive_multiply(d, d, a, d, gram, av);
      for (size_t k = 0; k < d; k++) { /* ||A v_k|| = values_k */
        double gap = naive_norm(d, av + k * d) - values[k];
        assert_true(fabs(gap) <= 30 * eps * (double)d * size);
      }
      free(known), free(values), free(vt), free(gram), free(a), free(destroyed), free(av);
    }
}

/* ---- limits and failures */

static void orders_beyond_the_limits_are_refused(void **state)
{
  (void)state;
  mn_error err = {0};
  long failures = mn_memory_failures(), live = mn_memory_live();
  mn_memory_fail_at(0); /* nothing may even be tried */
  assert_int_equal(mn_lu_factor(MN_LU_MAX + 1, NULL, NULL, 1, &err), MN_ERR_UNSUPPORTED);
  assert_non_null(strstr(err.text, "46340"));
  assert_int_equal(mn_eigen_factor(MN_EIGEN_MAX + 1, NULL, NULL, 1, &err), MN_ERR_UNSUPPORTED);
  assert_int_equal(mn_eigen_values(MN_EIGEN_MAX + 1, NULL, NULL, 1, &err), MN_ERR_UNSUPPORTED);
  assert_non_null(strstr(err.text, "32766"));
  mn_memory_fail_at(-1);
  assert_int_equal(mn_memory_failures(), failures);
  assert_int_equal(mn_memory_live(), live);
  /* The limits are what LAPACK's 32-bit integers hold. */
  assert_true((size_t)MN_LU_MAX * MN_LU_MAX <= INT32_MAX);
  size_t n = MN_EIGEN_MAX;
  assert_true(1 + 6 * n + 2 * n * n <= INT32_MAX);
  assert_true(mn_eigen_workspace_bytes(n) >= (1 + 6 * n + 2 * n * n) * sizeof(double) + (3 + 5 * n) * sizeof(int));
}

static mn_status every_call(void *arg, mn_error *err)
{
  enum { N = 6 };
  (void)arg;
  double a[N * N], values[N], vt[N * N], rcond;
  int pivots[N];
  for (size_t i = 0; i < N * N; i++) a[i] = i % (N + 1) ? 1 : 10;
  mn_status st = mn_eigen_factor(N, a, values, 1, err);
  if (!st) st = mn_svd_right(N, a, values, vt, 1, err);
  for (size_t i = 0; i < N * N; i++) a[i] = i % (N + 1) ? 1 : 10;
  if (!st) st = mn_lu_factor(N, a, pivots, 1, err);
  if (!st) st = mn_lu_rcond(N, a, 15, &rcond, err);
  return st;
}

static void failing_allocations(void **state)
{
  (void)state;
  mn_test_every_allocation(every_call, NULL);
}

/* ---- threads */

static int openblas_threads(void)
{
  void *get = dlsym(RTLD_DEFAULT, "openblas_get_num_threads"), *kind = dlsym(RTLD_DEFAULT, "openblas_get_parallel");
  int (*call)(void);
  if (!get || !kind) return -1;
  memcpy(&call, &kind, sizeof call);
  if (call() == 2) return -1; /* the OpenMP build: its number is the caller's own */
  memcpy(&call, &get, sizeof call);
  return call();
}

static void threads_asked_for(void **state)
{
  (void)state;
  mn_context one = {.threads = 1}, three = {.threads = 3}, any = {0};
  assert_int_equal(mn_threads_open(&one), 1);
  assert_int_equal(mn_threads_open(&three), 3);
  assert_true(mn_threads_open(NULL) >= 1);
  assert_int_equal(mn_threads_open(&any), mn_threads_open(NULL));
  assert_true(strlen(mn_threads_blas_name()) > 0);
  assert_string_equal(mn_threads_blas_name(), mn_threads_blas_name());
}

static void blas_is_left_on_one_thread(void **state)
{
  (void)state;
  if (openblas_threads() < 0) {
    printf("skipped: this BLAS has no number of threads of its own\n");
    skip();
  }
  int before = mn_threads_blas_begin(2); /* as if somebody had left it on two */
  mn_threads_open(NULL);
  assert_int_equal(openblas_threads(), 1);
  mn_threads_blas_end(before);
  double a[4] = {2, 1, 1, 2}, values[2], vt[4];
  int pivots[2];
  assert_int_equal(mn_eigen_factor(2, a, values, 2, NULL), MN_OK);
  assert_int_equal(openblas_threads(), 1);
  assert_int_equal(mn_svd_right(2, a, values, vt, 2, NULL), MN_OK);
  assert_int_equal(openblas_threads(), 1);
  a[0] = a[3] = 2, a[1] = a[2] = 1;
  assert_int_equal(mn_lu_factor(2, a, pivots, 2, NULL), MN_OK);
  assert_int_equal(openblas_threads(), 1);
}

int main(void)
{
  mn_threads_open(NULL);
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(mirror_copies_down_to_up),    cmocka_unit_test(lu_is_backward_stable),
      cmocka_unit_test(lu_of_hard_matrices),         cmocka_unit_test(exactly_singular_is_said),
      cmocka_unit_test(eigenvalues_and_vectors),     cmocka_unit_test(qr_by_blocks_is_qr),
      cmocka_unit_test(singular_values_and_vectors), cmocka_unit_test(orders_beyond_the_limits_are_refused),
      cmocka_unit_test(failing_allocations),         cmocka_unit_test(threads_asked_for),
      cmocka_unit_test(blas_is_left_on_one_thread),
  };
  return cmocka_run_group_tests_name("dense", tests, NULL, NULL);
}
