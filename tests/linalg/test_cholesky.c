/* The tiled Cholesky factorisation: LAPACK's own measures, ||L L' - A|| / (n ||A|| eps) and ||b - A x|| / (||A|| ||x||
 * n eps) below 30, on matrices from well conditioned to nearly singular; failing pivots; threads; cancelling. */
#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "core/memory.h"
#include "core/random.h"
#include "linalg/cholesky.h"
#include "linalg/threads.h"
#include "support.h"

/* A = Q diag(values) Q' with a product of reflections, column-major; values between 1 and 1 / condition. */
static double *make_matrix(size_t n, double condition, uint64_t seed)
{
  double *a = calloc(n * n, sizeof *a), *v = malloc(n * sizeof *v), *w = malloc(n * sizeof *w);
  mn_random r = mn_random_open(seed, MN_STREAM_TEST, n);
  for (size_t i = 0; i < n; i++) a[i * (n + 1)] = n > 1 ? pow(condition, -(double)i / (double)(n - 1)) : 1;
  for (int reflection = 0; reflection < 3; reflection++) {
    double norm2 = 0;
    for (size_t i = 0; i < n; i++) v[i] = mn_random_normal(&r), norm2 += v[i] * v[i];
    for (int side = 0; side < 2; side++) { /* A <- H A, then A <- A H = (H A')' for symmetric results */
      for (size_t j = 0; j < n; j++) {
        w[j] = 0;
        for (size_t i = 0; i < n; i++) w[j] += v[i] * a[side ? j + i * n : i + j * n];
      }
      for (size_t j = 0; j < n; j++)
        for (size_t i = 0; i < n; i++) a[side ? j + i * n : i + j * n] -= 2 / norm2 * v[i] * w[j];
    }
  }
  for (size_t j = 0; j < n; j++)
    for (size_t i = j; i < n; i++) a[j + i * n] = a[i + j * n] = (a[i + j * n] + a[j + i * n]) / 2;
  free(v);
  free(w);
  return a;
}

static mn_panels *to_panels(const double *a, size_t n, size_t width, mn_dtype type)
{
  mn_panels *p;
  assert_int_equal(mn_panels_open(n, width, type, &p, NULL), MN_OK);
  for (size_t j = 0; j < n; j++)
    for (size_t i = j / width * width; i < n; i++)
      if (type == MN_F64)
        *(double *)mn_panels_at(p, i, j) = i < j ? NAN : a[i + j * n]; /* the upper triangle must not be read */
      else
        *(float *)mn_panels_at(p, i, j) = i < j ? NAN : (float)a[i + j * n];
  return p;
}

static double element(const mn_panels *p, size_t i, size_t j)
{
  const void *at = mn_panels_at(p, i, j);
  return i < j ? 0 : p->type == MN_F64 ? *(const double *)at : (double)*(const float *)at;
}

static double frobenius(const double *a, size_t count)
{
  double sum = 0;
  for (size_t i = 0; i < count; i++) sum += a[i] * a[i];
  return sqrt(sum);
}

static void check_factor(const double *a, size_t n, size_t width, mn_dtype type, int threads)
{
  double eps = type == MN_F64 ? DBL_EPSILON : (double)FLT_EPSILON, error = 0;
  mn_panels *p = to_panels(a, n, width, type);
  size_t pivot;
  assert_int_equal(mn_cholesky_factor(p, threads, NULL, &pivot, NULL), MN_OK);
  for (size_t j = 0; j < n; j++)
    for (size_t i = j; i < n; i++) {
      double sum = 0;
      for (size_t k = 0; k <= j; k++) sum += element(p, i, k) * element(p, j, k);
      error += (sum - a[i + j * n]) * (sum - a[i + j * n]) * (i == j ? 1 : 2);
    }
  double ratio = sqrt(error) / ((double)n * frobenius(a, n * n) * eps);
  if (!(ratio < 30)) fail_msg("n = %zu, width %zu: factor ratio %g", n, width, ratio);

  enum { COLUMNS = 3 };
  double *x = malloc(n * COLUMNS * sizeof *x), *b = malloc(n * COLUMNS * sizeof *b);
  mn_random r = mn_random_open(5, MN_STREAM_TEST, n);
  for (size_t i = 0; i < n * COLUMNS; i++) x[i] = b[i] = mn_random_normal(&r);
  assert_int_equal(mn_cholesky_solve(p, threads, COLUMNS, NULL, x, NULL), MN_OK);
  for (size_t c = 0; c < COLUMNS; c++)
    for (size_t k = 0; k < n; k++)
      for (size_t i = 0; i < n; i++) b[i + c * n] -= a[i + k * n] * x[k + c * n];
  ratio = frobenius(b, n * COLUMNS) / (frobenius(a, n * n) * frobenius(x, n * COLUMNS) * (double)n * eps);
  if (!(ratio < 30)) fail_msg("n = %zu, width %zu: solve ratio %g", n, width, ratio);
  free(x);
  free(b);
  mn_panels_close(&p);
}

static void factor_and_solve_are_backward_stable(void **state)
{
  (void)state;
  static const struct {
    size_t n, width;
    double condition;
  } cases[] = {{1, 4, 1},     {2, 4, 10},   {7, 8, 1e3},    {8, 8, 1},       {9, 8, 1e6},
               {64, 16, 1e9}, {65, 16, 10}, {131, 32, 1e4}, {200, 64, 1e10}, {257, 64, 1e2}};
  for (size_t c = 0; c < sizeof cases / sizeof *cases; c++) {
    double *a = make_matrix(cases[c].n, cases[c].condition, c);
    for (int threads = 1; threads <= 3; threads++) {
      check_factor(a, cases[c].n, cases[c].width, MN_F64, threads);
      if (cases[c].condition <= 1e4) check_factor(a, cases[c].n, cases[c].width, MN_F32, threads);
    }
    free(a);
  }
}

/* Each tile is computed once, in one order: the same bits whatever the threads. */
static void threads_do_not_change_a_bit(void **state)
{
  (void)state;
  const size_t n = 300;
  double *a = make_matrix(n, 1e5, 3);
  mn_panels *one = to_panels(a, n, 32, MN_F64), *four = to_panels(a, n, 32, MN_F64);
  size_t pivot;
  assert_int_equal(mn_cholesky_factor(one, 1, NULL, &pivot, NULL), MN_OK);
  assert_int_equal(mn_cholesky_factor(four, 4, NULL, &pivot, NULL), MN_OK);
  for (size_t j = 0; j < n; j++)
    for (size_t i = j; i < n; i++) assert_true(element(one, i, j) == element(four, i, j));
  mn_panels_close(&one);
  mn_panels_close(&four);
  free(a);
}

static void failing_pivot_is_named(void **state)
{
  (void)state;
  const size_t n = 100;
  for (size_t bad = 0; bad < n; bad += 11) {
    double *a = calloc(n * n, sizeof *a);
    for (size_t i = 0; i < n; i++) a[i * (n + 1)] = i == bad ? -1 : 2;
    mn_panels *p = to_panels(a, n, 16, MN_F64);
    mn_error err = {0};
    size_t pivot = 0;
    assert_int_equal(mn_cholesky_factor(p, 2, NULL, &pivot, &err), MN_ERR_SINGULAR);
    assert_int_equal(pivot, bad);
    assert_non_null(strstr(err.text, "pivot"));
    mn_panels_close(&p);
    free(a);
  }
}

static void inverse_diagonal_and_rcond(void **state)
{
  (void)state;
  const size_t n = 90;
  double *a = make_matrix(n, 1e4, 9), diagonal[90], rcond, norm1 = 0, inverse1 = 0, *e = calloc(n, sizeof *e);
  for (size_t j = 0; j < n; j++) {
    double sum = 0;
    for (size_t i = 0; i < n; i++) sum += fabs(a[i + j * n]);
    norm1 = fmax(norm1, sum);
  }
  mn_panels *p = to_panels(a, n, 16, MN_F64);
  size_t pivot;
  assert_int_equal(mn_cholesky_factor(p, 2, NULL, &pivot, NULL), MN_OK);
  assert_int_equal(mn_cholesky_inverse_diagonal(p, 2, NULL, "inverse", diagonal, NULL), MN_OK);
  for (size_t j = 0; j < n; j++) {
    memset(e, 0, n * sizeof *e);
    e[j] = 1;
    assert_int_equal(mn_cholesky_solve(p, 1, 1, NULL, e, NULL), MN_OK);
    mn_test_close(diagonal[j] / e[j], 1, 1e-10);
    double sum = 0;
    for (size_t i = 0; i < n; i++) sum += fabs(e[i]);
    inverse1 = fmax(inverse1, sum);
  }
  assert_int_equal(mn_cholesky_rcond(p, 2, NULL, norm1, &rcond, NULL), MN_OK);
  double exact = 1 / (norm1 * inverse1);
  assert_true(rcond >= exact * (1 - 1e-10) && rcond < 3 * exact); /* the estimate is a lower bound of ||A^-1|| */
  mn_panels_close(&p);
  free(a);
  free(e);
}

static int cancel_at_once(void *user, const mn_progress *progress)
{
  (void)user;
  assert_true(progress->done <= progress->total * (1 + 1e-9));
  return 1;
}

static int count_reports(void *user, const mn_progress *progress)
{
  double *last = user;
  assert_true(progress->done >= *last);
  *last = progress->done / progress->total;
  return 0;
}

static void cancelling_and_progress(void **state)
{
  (void)state;
  const size_t n = 200;
  double *a = make_matrix(n, 10, 1), last = 0;
  mn_panels *p = to_panels(a, n, 16, MN_F64);
  mn_context cancel = {.progress = cancel_at_once}, count = {.progress = count_reports, .user = &last};
  size_t pivot;
  assert_int_equal(mn_cholesky_factor(p, 2, &cancel, &pivot, NULL), MN_ERR_CANCELLED);
  mn_panels_close(&p);
  p = to_panels(a, n, 16, MN_F64);
  assert_int_equal(mn_cholesky_factor(p, 2, &count, &pivot, NULL), MN_OK);
  assert_true(last == 1);
  mn_panels_close(&p);
  free(a);
}

typedef struct {
  const double *a;
  size_t n;
} order;

static mn_status factor_all(void *arg, mn_error *err)
{
  const order *o = arg;
  mn_panels *p = NULL;
  size_t pivot;
  double *b = calloc(o->n, sizeof *b), rcond;
  mn_status st = mn_panels_open(o->n, 8, MN_F32, &p, err);
  for (size_t j = 0; !st && j < o->n; j++)
    for (size_t i = j; i < o->n; i++) *(float *)mn_panels_at(p, i, j) = (float)o->a[i + j * o->n];
  if (!st) st = mn_cholesky_factor(p, 1, NULL, &pivot, err);
  if (!st) st = mn_cholesky_solve(p, 1, 1, NULL, b, err);
  if (!st) st = mn_cholesky_rcond(p, 1, NULL, 1, &rcond, err);
  mn_panels_close(&p);
  if (!st) st = mn_panels_open(o->n, 8, MN_F64, &p, err);
  for (size_t j = 0; !st && j < o->n; j++)
    for (size_t i = j; i < o->n; i++) *(double *)mn_panels_at(p, i, j) = o->a[i + j * o->n];
  if (!st) st = mn_cholesky_factor(p, 1, NULL, &pivot, err);
  if (!st) st = mn_cholesky_inverse_diagonal(p, 1, NULL, "inverse", b, err);
  mn_panels_close(&p);
  free(b);
  return st;
}

static void failing_allocations(void **state)
{
  (void)state;
  order o = {make_matrix(20, 10, 2), 20};
  mn_test_every_allocation(factor_all, &o);
  free((void *)o.a);
}

int main(void)
{
  mn_threads_open(NULL);
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(factor_and_solve_are_backward_stable),
      cmocka_unit_test(threads_do_not_change_a_bit),
      cmocka_unit_test(failing_pivot_is_named),
      cmocka_unit_test(inverse_diagonal_and_rcond),
      cmocka_unit_test(cancelling_and_progress),
      cmocka_unit_test(failing_allocations),
  };
  return cmocka_run_group_tests_name("cholesky", tests, NULL, NULL);
}
