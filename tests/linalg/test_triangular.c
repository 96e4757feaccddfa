/* Triangular systems, their condition, and eigenvalues: on matrices whose answers are known, and on random ones against
 * substitution in long double. */
#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "core/memory.h"
#include "core/random.h"
#include "linalg/threads.h"
#include "linalg/triangular.h"
#include "support.h"

static const double third[] = {2, 4, -6, NAN, 5, 10, NAN, NAN, 4}; /* columns of a lower triangle; above: not read */

static void known_system(void **state)
{
  (void)state;
  double b[6];
  static const double x[] = {1, 1, 1, -2, 2, -5};
  for (size_t i = 0; i < 3; i++) { /* right-hand sides from the solution */
    b[i] = b[3 + i] = 0;
    for (size_t j = 0; j <= i; j++) b[i] += third[i + 3 * j] * x[j], b[3 + i] += third[i + 3 * j] * x[3 + j];
  }
  assert_int_equal(mn_triangular_solve(3, third, 2, b, 2, NULL), MN_OK);
  for (size_t i = 0; i < 6; i++) assert_true(b[i] == x[i]); /* small integers: no rounding */
}

/* n x n, below the diagonal uniform in -1/2 ... 1/2, on it in 1 ... 2. */
static double *random_triangle(size_t n, uint64_t seed)
{
  double *a = calloc(n * n, sizeof *a);
  mn_random r = mn_random_open(seed, MN_STREAM_TEST, n);
  for (size_t j = 0; j < n; j++)
    for (size_t i = j; i < n; i++) a[i + j * n] = i == j ? 1 + mn_random_uniform(&r) : mn_random_uniform(&r) - 0.5;
  return a;
}

static void substitute(size_t n, const double *a, const double *b, double *x)
{
  for (size_t i = 0; i < n; i++) {
    long double sum = (long double)b[i];
    for (size_t j = 0; j < i; j++) sum -= (long double)a[i + j * n] * (long double)x[j];
    x[i] = (double)(sum / (long double)a[i + i * n]);
  }
}

/* Componentwise backward stable (Higham 2002, theorem 8.5): |b - A x|_i <= n u sum_j |a_ij x_j|, u = DBL_EPSILON / 2.
 */
static void random_systems(void **state)
{
  (void)state;
  static const size_t orders[] = {1, 2, 17, 64, 65, 200};
  enum { COLUMNS = 3 };
  for (size_t k = 0; k < sizeof orders / sizeof *orders; k++) {
    size_t n = orders[k];
    double *a = random_triangle(n, 1), *b = malloc(n * COLUMNS * sizeof *b), *x = malloc(n * COLUMNS * sizeof *x);
    mn_random r = mn_random_open(2, MN_STREAM_TEST, n);
    for (size_t i = 0; i < n * COLUMNS; i++) b[i] = x[i] = mn_random_normal(&r);
    assert_int_equal(mn_triangular_solve(n, a, COLUMNS, x, 2, NULL), MN_OK);
    for (size_t c = 0; c < COLUMNS; c++)
      for (size_t i = 0; i < n; i++) {
        long double sum = (long double)b[i + c * n], size = fabsl(sum);
        for (size_t j = 0; j <= i; j++) {
          long double term = (long double)a[i + j * n] * (long double)x[j + c * n];
          sum -= term;
          size += fabsl(term);
        }
        assert_true(fabsl(sum) <= (long double)((double)n * DBL_EPSILON / 2) * size);
      }
    free(a);
    free(b);
    free(x);
  }
}

static void singular_and_too_large(void **state)
{
  (void)state;
  double a[] = {1, 2, 3, 0, 0, 5, 0, 0, 1}, b[] = {1, 1, 1}, rcond = -1;
  mn_error err = {0};
  assert_int_equal(mn_triangular_solve(3, a, 1, b, 1, &err), MN_ERR_SINGULAR);
  assert_string_equal(err.text, "triangular system: diagonal element 2 of 3 is zero");
  assert_int_equal(mn_triangular_rcond(3, a, &rcond, NULL), MN_OK);
  assert_true(rcond == 0);
  const size_t more = MN_TRIANGULAR_MAX + (size_t)1; /* nothing is read */
  assert_int_equal(mn_triangular_solve(more, a, 1, b, 1, &err), MN_ERR_UNSUPPORTED);
  assert_string_equal(err.text, "a dense triangular matrix may be of order 46340 at most, 46341 given");
  assert_int_equal(mn_triangular_rcond(more, a, &rcond, NULL), MN_ERR_UNSUPPORTED);
  assert_int_equal(mn_general_eigenvalues(more, a, b, NULL), MN_ERR_UNSUPPORTED);
}

/* The estimate never exceeds the truth by more than rounding, and seldom falls short of it by a factor of 10. */
static void condition(void **state)
{
  (void)state;
  const size_t n = 60;
  double diagonal[] = {4, 0, 0, 0, -0.5, 0, 0, 0, 1}, rcond;
  assert_int_equal(mn_triangular_rcond(3, diagonal, &rcond, NULL), MN_OK);
  mn_test_close(rcond, 0.125, 1e-15);
  for (uint64_t seed = 0; seed < 5; seed++) {
    double *a = random_triangle(n, seed), e[60], x[60], norm = 0, inverse = 0;
    for (size_t j = 0; j < n; j++) {
      double sum = 0, column = 0;
      memset(e, 0, sizeof e);
      e[j] = 1;
      substitute(n, a, e, x);
      for (size_t i = 0; i < n; i++) sum += fabs(x[i]), column += fabs(a[i + j * n]);
      norm = fmax(norm, column);
      inverse = fmax(inverse, sum);
    }
    assert_int_equal(mn_triangular_rcond(n, a, &rcond, NULL), MN_OK);
    double exact = 1 / (norm * inverse);
    if (!(rcond >= exact * (1 - 1e-10) && rcond < 10 * exact)) fail_msg("%g is estimated as %g", exact, rcond);
    free(a);
  }
}

static int ascending(const void *a, const void *b)
{
  double p = *(const double *)a, q = *(const double *)b;
  return p < q ? -1 : p > q;
}

/* Of an upper triangle they are the diagonal, to the bit: nothing needs to be reduced. */
static void eigenvalues_of_a_triangle(void **state)
{
  (void)state;
  const size_t n = 40;
  double *lower = random_triangle(n, 3), *a = calloc(n * n, sizeof *a), values[40], diagonal[40];
  for (size_t i = 0; i < n; i++) {
    diagonal[i] = lower[i + i * n];
    for (size_t j = 0; j <= i; j++) a[j + i * n] = lower[i + j * n];
  }
  assert_int_equal(mn_general_eigenvalues(n, a, values, NULL), MN_OK);
  qsort(values, n, sizeof *values, ascending);
  qsort(diagonal, n, sizeof *diagonal, ascending);
  for (size_t i = 0; i < n; i++) assert_true(values[i] == diagonal[i]);
  free(lower);
  free(a);
}

/* r (cos t -sin t; sin t cos t) has r e^(+-i t): real part r cos t, twice. (3 1; 1 3) has 2 and 4. */
static void eigenvalues_of_small_matrices(void **state)
{
  (void)state;
  double rotation[] = {2 * 0.6, 2 * 0.8, -2 * 0.8, 2 * 0.6}, symmetric[] = {3, 1, 1, 3}, one[] = {-7}, values[2];
  assert_int_equal(mn_general_eigenvalues(2, rotation, values, NULL), MN_OK);
  mn_test_close(values[0], 1.2, 4 * DBL_EPSILON);
  mn_test_close(values[1], 1.2, 4 * DBL_EPSILON);
  assert_int_equal(mn_general_eigenvalues(2, symmetric, values, NULL), MN_OK);
  qsort(values, 2, sizeof *values, ascending);
  mn_test_close(values[0], 2, 4 * DBL_EPSILON);
  mn_test_close(values[1], 4, 4 * DBL_EPSILON);
  assert_int_equal(mn_general_eigenvalues(1, one, values, NULL), MN_OK);
  assert_true(values[0] == -7);
}

static mn_status condition_and_eigenvalues(void *arg, mn_error *err)
{
  double rcond, values[3], a[9] = {1, 0, 0, 2, 3, 0, 4, 5, 6};
  mn_status st = mn_triangular_rcond(3, arg, &rcond, err);
  return st ? st : mn_general_eigenvalues(3, a, values, err);
}

static void failing_allocations(void **state)
{
  (void)state;
  mn_test_every_allocation(condition_and_eigenvalues, (void *)third);
}

int main(void)
{
  mn_threads_open(NULL);
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(known_system),
      cmocka_unit_test(random_systems),
      cmocka_unit_test(singular_and_too_large),
      cmocka_unit_test(condition),
      cmocka_unit_test(eigenvalues_of_a_triangle),
      cmocka_unit_test(eigenvalues_of_small_matrices),
      cmocka_unit_test(failing_allocations),
  };
  return cmocka_run_group_tests_name("triangular", tests, NULL, NULL);
}
